#!/usr/bin/env node
// Whose Nix it is: `ekaci diff` evaluates what the user's own Nix evaluates there; the bot's is told by its operator.
'use strict';
const fs = require('fs');
const path = require('path');
const { ekaci, work, ok, is, skip, done, write, run, repository, job, stage } = require('./lib.js');

const nix = (name, more = '') => `derivation { name = "${name}"; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" "echo ${name} > $out" ]; ${more} }`;
const version = Number((run('nix', ['--version']).stdout.match(/\d+\.(\d+)/) || [])[1]);
const home = path.join(work, 'home'), own = `${process.pid}-${Date.now()}`;
write('home/.config/nix/nix.conf', 'experimental-features = nix-command flakes\nsandbox = false\nsubstituters =\n');
const base_env = { PATH: process.env.PATH, HOME: home, XDG_CACHE_HOME: path.join(work, 'cache'), USER: 'u' };
let n = 0;
// Base and head of a repository whose files differ in 1 and 2; what ekaci diff says, [attribute:class..., exit].
function diff(files, { env = {}, args = [], dir = null } = {}) {
	const name = dir || `d${++n}`, repo = path.join(work, name);
	if (!dir)
		for (const version of ['1', '2'])
			repository(name, Object.fromEntries(Object.entries(files).map(([file, text]) => [file, text.replace(/VERSION/g, version)])));
	const r = run(ekaci, ['diff', '--format', 'json', ...args, 'HEAD~1', 'HEAD'], { cwd: repo, env: { ...base_env, ...env } });
	let doc = {};
	try { doc = JSON.parse(r.stdout); } catch { /* told by the comparison */ }
	const evaluations = doc.evaluations || [];
	return { said: [...(doc.attributes || []).map((a) => `${a.path.join('.')}:${a.class}`), r.status], dir: name, code: r.status, evaluations, err: r.stderr + r.stdout.slice(0, 300),
		untold: evaluations.filter((e) => e.untold).map((e) => `${e.untold.names.join(', ')}: ${e.untold.words}\n${e.untold.advice}`) };
}
const told = (r, pattern, name, said) => {
	ok(r.code === 2 && r.untold.length > 0 && r.untold.every((text) => pattern.test(text)), name, r);
	if (said)
		is(r.said, said, `${name}: and the rest is compared`);
};

// <name>: a folder of the user's, wherever it is.
write('pkgs/default.nix', `{ }: { mk = n: ${nix('${n}')}; }`);
const by_path = { 'default.nix': '{ pkgs ? import <pkgs> { } }: { a = pkgs.mk "a-VERSION"; }' };
for (const sandbox of ['auto', 'off']) {
	is(diff(by_path, { env: { NIX_PATH: `pkgs=${work}/pkgs` }, args: ['--sandbox', sandbox] }).said, ['a:rebuild', 0], `NIX_PATH counts (sandbox ${sandbox})`);
	is(diff(by_path, { env: { NIX_PATH: 'pkgs=../pkgs' }, args: ['--sandbox', sandbox] }).said, ['a:rebuild', 0], `relative to where the user is, too (sandbox ${sandbox})`);
	told(diff(by_path, { args: ['--sandbox', sandbox] }), /^a: error: file 'pkgs' was not found.*\n.*NIX_PATH=pkgs=/, `without it nothing can be told, and what to set is (sandbox ${sandbox})`);
}
is(diff(by_path, { env: { NIX_CONFIG: `nix-path = pkgs=${work}/pkgs` } }).said, ['a:rebuild', 0], 'so does nix-path in NIX_CONFIG');
{
	// What <pkgs> holds is part of what was stored.
	const env = { NIX_PATH: `pkgs=${work}/pkgs` }, first = diff(by_path, { env }), reused = (r) => r.evaluations.map((e) => e.reused);
	is(reused(diff(by_path, { env, dir: first.dir })), [true, true], 'the same question is stored');
	write('pkgs/more.nix', `"${own}"`);
	is(reused(diff(by_path, { env, dir: first.dir })), [false, false], 'but not once a file behind NIX_PATH is another');
	is(reused(diff(by_path, { env: { ...env, NIX_CONFIG: 'extra-experimental-features = ca-derivations' }, dir: first.dir })), [false, false], 'nor with other settings');
	is(reused(diff(by_path, { env: { ...env, NIXPKGS_ALLOW_UNFREE: '1' }, dir: first.dir })), [false, false], 'nor with another variable that nixpkgs reads');
	is(reused(diff(by_path, { env: { ...env, COLUMNS: '99' }, dir: first.dir })), [true, true], 'what nothing reads is of no matter');
}
is(diff({ 'default.nix': `{ a = ${nix('a-VERSION${builtins.getEnv "NIXPKGS_FLAVOUR"}')}; b = ${nix('b')}; }` }, { env: { NIXPKGS_FLAVOUR: 'x' } }).said, ['a:rebuild', 0], 'the variables that nixpkgs reads are there');
is(diff({ 'default.nix': `{ a = import ${work}/pkgs/one.nix "VERSION"; }`, x: `${write('pkgs/one.nix', `v: ${nix('one-${v}')}`) ? 'x' : ''}` }).said, ['a:rebuild', 0], 'files of the machine can be read');
is(diff({ 'default.nix': `{ a = ${nix('a-VERSION')}; home = import (builtins.getEnv "HOME" + "/x.nix"); }`, x: write('home/x.nix', nix('x')) && 'x' }).said, ['a:rebuild', 0], 'and the user\'s home');
if (fs.existsSync('/nix/var/nix/daemon-socket/socket')) {
	skip('what is built during an evaluation writes nowhere', 'the daemon builds it, by its own rules');
} else {
	// Somebody who may write there, and no daemon that builds somewhere else: the builder runs in the sandbox.
	const elsewhere = fs.mkdtempSync('/var/tmp/ekaci-own-');
	const builds = { 'default.nix': `{ a = import (${nix('writes', `w = "VERSION${own}";`).replace('echo writes > $out', `echo x > ${elsewhere}/written; echo '{ }' > $out`)}); b = ${nix('b-VERSION')}; }` };
	const r = diff(builds, { args: ['--allow-import-from-derivation', '--sandbox', 'require'] });
	is([r.said, fs.readdirSync(elsewhere)], [['b:rebuild', 0], []], 'but in the sandbox nothing is written, outside of /tmp');
	fs.rmSync(elsewhere, { recursive: true });
}

// Features: what the user switched on.
const ca = { 'default.nix': `{ plain = ${nix('plain-VERSION')}; ca = ${nix('ca-VERSION', '__contentAddressed = true; outputHashMode = "recursive"; outputHashAlgo = "sha256";')}; }` };
const features = { NIX_CONFIG: 'extra-experimental-features = ca-derivations pipe-operators' };
for (const sandbox of ['auto', 'off'])
	is(diff(ca, { env: features, args: ['--sandbox', sandbox] }).said, ['ca:rebuild', 'plain:rebuild', 0], `a feature of NIX_CONFIG is on (sandbox ${sandbox})`);
told(diff(ca), /^ca: error: experimental Nix feature 'ca-derivations'.*\n.*extra-experimental-features = ca-derivations/, 'one that is off: not failing on both sides, but what to set', ['ca:untold', 'plain:rebuild', 2]);
{
	const { dir } = diff(ca), explain = (name) => run(ekaci, ['explain', name, 'HEAD~1', 'HEAD'], { cwd: path.join(work, dir), env: base_env });
	const r = explain('ca');
	ok(r.status === 2 && /^ca.*could not be told/.test(r.stdout) && /ca-derivations/.test(r.stdout), 'explain says so, too', r);
	is(explain('plain').status, 1, 'and explains the others');
}
const pipe = { 'default.nix': `{ a = ${nix('a-VERSION')}; b = "b" |> (n: ${nix('${n}')}); }` };
if (version < 24)
	skip('pipe operators', `Nix 2.${version} has none`);
else
	is([diff(pipe, { env: features }).said, diff(pipe).code], [['a:rebuild', 0], 2], 'pipe operators, with and without the feature');

// Fetching.
run('tar', ['-czf', path.join(work, 'pkgs.tar.gz'), '-C', work, 'pkgs']);
const hash = run('nix-prefetch-url', ['--unpack', `file://${work}/pkgs.tar.gz`], { env: base_env }).stdout.trim();
const pinned = (url) => ({ 'default.nix': `let pkgs = import (fetchTarball { url = "${url}"; sha256 = "${hash}"; }) { }; in { a = pkgs.mk "a-VERSION"; }` });
is(diff(pinned(`file://${work}/pkgs.tar.gz`)).said, ['a:rebuild', 0], 'a pinned source is fetched');
is(diff(pinned('http://127.0.0.1:9/pkgs.tar.gz'), { args: ['--offline'] }).said, ['a:rebuild', 0], 'one that is in the store by its hash is found, offline, too');
const lost = { 'default.nix': `{ a = ${nix('a-VERSION')}; b = fetchTarball "http://127.0.0.1:9/${own}.tar.gz"; }` };
told(diff(lost, { args: ['--offline'] }), /^b: error: .*unable to download/, 'what is not there offline is not failing', ['a:rebuild', 'b:untold', 2]);
told(diff(lost, { args: ['--allowed-uris', 'https://example.org/'] }), /^b: error: access to URI.*\n.*--allowed-uris/, '--allowed-uris forbids all others', ['a:rebuild', 'b:untold', 2]);
told(diff({ 'default.nix': '{ a = builtins.readFile /etc/passwd; b = "VERSION"; }' }, { args: ['--allowed-uris', ''] }), /access to absolute path.*\n.*--allowed-uris/, 'and what is not the repository');

// Import from derivation.
const ifd = { 'default.nix': `{ plain = ${nix('plain-VERSION')}; ifd = import (${nix('ifd', `w = "${own}";`).replace('echo ifd > $out', `echo 'derivation { name = \\"made-VERSION\\"; system = \\"x\\"; builder = \\"b\\"; }' > $out`)}); }` };
told(diff(ifd), /^ifd: error: cannot build.*\n.*--allow-import-from-derivation/, 'import from derivation wants to be allowed', ['ifd:untold', 'plain:rebuild', 2]);
is(diff(ifd, { args: ['--allow-import-from-derivation'] }).said, ['ifd:rebuild', 'plain:rebuild', 0], 'and then is evaluated');
is(diff({ 'flake.nix': `{ outputs = { self }: { checks.x86_64-linux = { recurseForDerivations = true; plain = ${nix('plain-VERSION').replace('builtins.currentSystem', '"x86_64-linux"')}; ifd = import (${nix('ifd').replace('builtins.currentSystem', '"x86_64-linux"')}); }; }; }` },
	{ args: ['--flake', '.#checks.x86_64-linux'] }).code, 2, 'in a flake as well');

// The bot's.
const at = (files, more, inner = { file: 'default.nix' }) => stage(job(repository(`s${++n}`, files), inner, { evals_dir: path.join(work, `evals-${n}`), ...more })).evaluation;
for (const sandbox of ['auto', 'off']) {
	const some = { sandbox, experimental_features: ['ca-derivations'] };
	is([at(ca, { sandbox }), at(ca, some)].map((e) => 'untold' in e), [true, false], `[evaluate] experimental_features switches one on (sandbox ${sandbox})`);
	is(at(by_path, { sandbox, nix_options: { 'nix-path': `pkgs=${work}/pkgs` } }).derivations, 1, `[evaluate] nix_options, nix-path (sandbox ${sandbox})`);
	is(at(ifd, { sandbox, allow_import_from_derivation: true }).errors, 0, `[evaluate] allow_import_from_derivation (sandbox ${sandbox})`);
	is('untold' in at(ca, { sandbox, nix_options: { 'experimental-features': 'ca-derivations' } }), false, `and experimental-features (sandbox ${sandbox})`);
}
{
	const repo = repository('keys', by_path), evals_dir = path.join(work, 'evals-keys'), options = { 'nix-path': `pkgs=${work}/pkgs` };
	const key = (more) => stage(job(repo, { file: 'default.nix' }, { evals_dir, ...more })).evaluation.key;
	const plain = key({ nix_options: options });
	is(key({ nix_options: { ...options, 'access-tokens': 'example.org=x' } }), plain, 'a token does not decide what comes out');
	ok(key({ nix_options: { ...options, 'tarball-ttl': '5' } }) !== plain && key({ nix_options: options, experimental_features: ['ca-derivations'] }) !== plain, 'other options and features do');
	write('pkgs/more.nix', 'null');
	ok(key({ nix_options: options }) !== plain, 'and the files that nix-path names');
}
{
	// A flake's own wishes: nobody asks, nobody obeys.
	const wishes = { 'flake.nix': `{ nixConfig.extra-experimental-features = [ "ca-derivations" ]; outputs = { self }: { checks.x86_64-linux.x = ${nix('x', '__contentAddressed = true; outputHashMode = "recursive"; outputHashAlgo = "sha256";').replace('builtins.currentSystem', '"s"')}; }; }` };
	is((at(wishes, {}, { flake: '.#checks' }).untold || {}).count, 1, "a flake's nixConfig is not obeyed");
}
done();
