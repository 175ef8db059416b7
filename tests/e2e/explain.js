// `ekaci explain ATTR BASE HEAD` on the demo repository: why an attribute differs, in full.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { equal, make_demo, match, nix_config, ok, program, run, test } from './lib.js';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-explain-'));
const demo = make_demo(path.join(dir, 'demo'));

function explain(...args)
{
	return spawnSync(program, ['explain', '--repo', demo, '--merge', ...args], { encoding: 'utf8', timeout: 60000,
		maxBuffer: 1 << 26, env: { NIX_CONFIG: nix_config, ...process.env, XDG_CACHE_HOME: path.join(dir, 'cache') } });
}

test('a follower: class, chain, root, blast radius, and the derivations down to the root', () => {
	const { status, stdout, stderr } = explain('iris', 'main', 'bump');
	equal(status, 1, stderr);
	match(stdout, /^iris \(x86_64-linux\), job packages: must be rebuilt\n/);
	match(stdout, /the shortest way: iris-\S+ <- libelder-\S+ <- libaster-1\.1\n/);
	match(stdout, /because of libaster-1\.1: version 1\.0 -> 1\.1, src; it also rebuilds 14 attributes/);
	match(stdout, /blast radius: 1 attribute, 1 derivation must be rebuilt because of it/);
	match(stdout, /-iris-[^\n]*\.drv\n {4}follows libelder/);
	match(stdout, /-libaster-1\.1\.drv\n {4}version 1\.0 -> 1\.1\n {4}src\n/);
});

test('a root says what it differs in, old and new', () => {
	const { status, stdout } = explain('nettle', 'main', 'bump');
	equal(status, 1);
	match(stdout, /differs by itself: env build\n/);
	match(stdout, /\+ echo 'nettle\.c:3: error: it stings'; exit 1/);
});

test('a failing evaluation is told in the evaluator\'s words; added and removed need no second side', () => {
	match(explain('mallow', 'main', 'bump').stdout, /newly fails to evaluate\n {2}head says:\n(?: {4}.*\n)*? {4} *error: mallow: no version fits/);
	match(explain('oleander', 'main', 'bump').stdout, /: added\n/);
	match(explain('periwinkle', 'main', 'bump').stdout, /: removed\n/);
});

test('what fails on both sides alike does not differ, and its words stand once', () => {
	const { status, stdout, stderr } = explain('ghost', 'main', 'bump');
	equal(status, 0, stderr);
	match(stdout, /^ghost, job packages: fails on both sides alike\n {2}the evaluator says:\n/);
	equal(stdout.match(/says:/g).length, 1);
});

test('a place in the repository is said as it is in the repository, and not where the evaluator had it', () => {
	const repo = path.join(dir, 'places');
	fs.mkdirSync(repo);
	const git = (...args) => equal(spawnSync('git', ['-C', repo, '-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args]).status, 0);
	git('init', '-q', '-b', 'main');
	fs.writeFileSync(path.join(repo, 'default.nix'), '{ p = import ./p.nix; }\n');
	for (const text of ['missing\n', 'missing # still\n']) {
		fs.writeFileSync(path.join(repo, 'p.nix'), text);
		git('add', '.');
		git('commit', '-qm', 'p');
	}
	const { stdout } = explain('--repo', repo, 'p', 'main~1', 'main');
	match(stdout, / at p\.nix:1:1:\n/);
	ok(!/\/source\//.test(stdout), stdout);
});

test('an attribute may be named by its last parts; what ends so in several places is listed', () => {
	const repo = path.join(dir, 'parts');
	const git = (...args) => equal(spawnSync('git', ['-C', repo, '-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args]).status, 0);
	const tree = n => `let d = s: n: derivation { name = "\${n}${n}"; system = s; builder = "/bin/sh"; };
		at = s: { recurseForDerivations = true; app = d s "app"; lib = d s "lib"; };
	in { packages = { recurseForDerivations = true; x86_64-linux = at "x86_64-linux"; aarch64-linux = at "aarch64-linux"; };
		checks = { recurseForDerivations = true; lib = d "x86_64-linux" "check"; }; }`;
	fs.mkdirSync(repo);
	git('init', '-q', '-b', 'main');
	for (const n of [1, 2]) {
		fs.writeFileSync(path.join(repo, 'default.nix'), tree(n));
		git('add', '-A');
		git('commit', '-qm', `${n}`);
	}
	const one = explain('--repo', repo, 'app', 'main~1', 'main'), several = explain('--repo', repo, 'lib', 'main~1', 'main');
	equal(one.status, 1, one.stderr);
	match(one.stdout, /^packages\.aarch64-linux\.app [^]*^packages\.x86_64-linux\.app /m);
	equal([several.status, several.stdout], [2, '']);
	match(several.stderr, /lib may be one of: checks\.lib packages\.aarch64-linux\.lib packages\.x86_64-linux\.lib/);
	equal(explain('--repo', repo, 'x86_64-linux.lib', 'main~1', 'main').status, 1);
	equal(explain('--repo', repo, 'ap', 'main~1', 'main').status, 2);
});

test('what does not differ is told from what nobody knows', () => {
	const same = explain('clover', 'main', 'bump'), none = explain('no.such', 'main', 'bump');
	equal([same.status, same.stdout], [0, 'clover does not differ\n']);
	equal([none.status, none.stdout], [2, '']);
	match(none.stderr, /neither side has an attribute no\.such/);
});

test('names with dots in them are found as reports write them, and plainly', () => {
	for (const name of ['plugins."quince.extra"', 'plugins.quince.extra'])
		match(explain(name, 'main', 'bump').stdout, /^plugins\."quince\.extra" /);
});

test('--json holds the same, whole', () => {
	const { status, stdout } = explain('iris', 'main', 'bump', '--json');
	equal(status, 1);
	const { attributes: [one, ...more] } = JSON.parse(stdout);
	equal(more, []);
	equal([one.attribute.class, one.attribute.cause.kind], ['rebuild', 'follower']);
	equal(one.roots.map(r => r.name), ['libaster-1.1']);
	equal(one.derivations[0].head, one.attribute.head.drv);
	ok(one.derivations.some(d => d.kind === 'root' && d.differences.some(x => x.what === 'version 1.0 -> 1.1')));
});

test('a change that rules keep from being evaluated is said to be so', () => {
	const { status, stdout } = explain('iris', 'main', 'docs');
	equal([status, stdout], [0, 'the rules say that nothing rebuilds (--all evaluates all the same)\n']);
});

await run({ limit_ms: 60000, before_end: () => fs.rmSync(dir, { recursive: true, force: true }) });
