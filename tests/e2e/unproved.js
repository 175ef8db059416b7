// Ways in which "nothing that was read has changed" could be wrong: each is a base and a head, and what is said of them with proofs is
// held against evaluating all the same.

import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { equal, match, nix_config, ok, program, run, test } from './lib.js';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-unproved-'));
const repo = path.join(dir, 'repo'), outside = path.join(dir, 'outside');
fs.mkdirSync(repo);
fs.mkdirSync(outside);
fs.writeFileSync(path.join(outside, 'file'), '1');
const env = { PATH: process.env.PATH, HOME: dir, NIX_CONFIG: nix_config + '\nextra-experimental-features = nix-command flakes', GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null',
	GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@example.org', GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@example.org' };
const run_git = (input, ...args) => execFileSync('git', ['-C', repo, ...args], { env, encoding: 'utf8', input, stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'ignore'] }).trim();
const git = (...args) => run_git(undefined, ...args);
git('init', '-q', '-b', 'main');
git('config', 'core.ignorecase', 'true');

// Files by their names: text; or what kind of entry, and its text (of a submodule its commit).
const link = text => ({ mode: '120000', text }), program_file = text => ({ mode: '100755', text }), submodule = digit => ({ mode: '160000', id: digit.repeat(40) });
let last;
function commit(files)
{
	const index = path.join(dir, 'index'), with_index = { ...env, GIT_INDEX_FILE: index };
	fs.rmSync(index, { force: true });
	const lines = Object.entries(files).filter(([, what]) => what !== undefined).map(([name, what]) => {
		const { mode = '100644', id = run_git(what.text ?? what, 'hash-object', '-w', '--stdin') } = what;
		return `${mode} ${id}\t${name}\n`;
	});
	execFileSync('git', ['-C', repo, 'update-index', '--add', '--index-info'], { env: with_index, input: lines.join('') });
	const tree = execFileSync('git', ['-C', repo, 'write-tree'], { env: with_index, encoding: 'utf8' }).trim();
	return last = git('commit-tree', ...(last ? ['-p', last] : []), '-m', 'x', tree);
}

function diff(more_env, ...args)
{
	const { status, stdout, stderr } = spawnSync(program, ['diff', ...args], { cwd: repo, env: { ...env, ...more_env }, encoding: 'utf8' });
	ok(stdout !== '', `${status} ${stderr}`);
	return stdout;
}
const head_of = report => report.evaluations.find(e => e.side === 'head');
const differ = report => (report.attributes || []).filter(a => a.class !== 'still_failing').map(a => `${a.class} ${a.path.join('.')}`).sort().join(', ');
const said = report => [differ(report), report.counts, report.evaluations.map(e => [e.side, e.complete, e.rows, e.errors, e.untold])];

const nix = value => `let d = name: text: derivation { inherit name text; system = "x86_64-linux"; builder = "/bin/sh"; }; in { x = d "x" (${value}); }\n`;
// Of one base and head: whether it is proved, and what differs. between: what happens to the machine after base was evaluated, and what is
// in the environment from then on.
function both(base, head, { args = ['--file', 'default.nix'], between } = {})
{
	const one = commit(base), two = commit({ ...base, ...head });
	if (between)
		diff({}, one, commit({ ...base, 'another': one }), ...args, '--format', 'json'); // base is stored
	const more = between && between(), quick = JSON.parse(diff(more, one, two, ...args, '--format', 'json'));
	const whole = JSON.parse(diff(more, one, two, ...args, '--no-proof', '--format', 'json'));
	equal(said(quick), said(whole));
	equal(head_of(whole).proved ?? head_of(whole).unproved, undefined);
	const { proved, unproved } = head_of(quick);
	return { proved: proved > 0, why: unproved, differ: differ(quick), commits: [one, two] };
}

diff({}, commit({ 'default.nix': nix('"1"') }), commit({ 'default.nix': nix('"2"') }), '--file', 'default.nix');
const can = fs.readdirSync(path.join(dir, '.cache/ekaci/evals')).some(f => f.endsWith('.reads.zst'));
const skip = !can && 'what is read cannot be noted here (no /dev/fuse, no namespaces or no sandbox), so nothing can be proved';
function proved(name, value, base, head, options)
{
	test(name, () => {
		const r = both({ 'default.nix': nix(value), ...base }, head, options);
		equal([r.proved, r.differ], [true, ''], r.why);
	}, { skip });
}
function unproved(name, value, base, head, expected, why = /looked at [^ ]+, which looks otherwise here$/, options)
{
	test(name, () => {
		const r = both({ 'default.nix': nix(value), ...base }, head, options);
		equal([r.proved, r.differ], [false, expected]);
		match(r.why, why);
	}, { skip });
}

const x = 'rebuild x', json = what => `builtins.toJSON (${what})`;
unproved('the executable bit of a file in a source', '"${./source}"', { 'source/run': 'a' }, { 'source/run': program_file('a') }, x);
proved('the executable bit of what nobody looked at', '"1"', { 'run': 'a' }, { 'run': program_file('a') });
unproved('where a link in a source leads', '"${./source}"', { 'source/l': link('a') }, { 'source/l': link('b') }, x);
unproved('where a link leads through which a file was read', 'builtins.readFile ./l/f', { 'l': link('a'), 'a/f': '1', 'b/f': '2' }, { 'l': link('b') }, x);
unproved('the file that a link leads to', 'builtins.readFile ./l', { 'l': link('a/f'), 'a/f': '1' }, { 'a/f': '2' }, x);
proved('a link that nobody followed', json('builtins.readDir ./f'), { 'f/l': link('a') }, { 'f/l': link('b') });
unproved('a link instead of a file that a filter is told of', '"${builtins.filterSource (p: t: t != "symlink") ./f}"', { 'f/a': '1', 'f/b': '1' }, { 'f/b': link('1') }, x);
unproved('a name in a listed folder that differs in its case alone', json('builtins.readDir ./f'), { 'f/name': '1' }, { 'f/Name': '1' }, x);
proved('a file that is there in another case than was asked for', json('builtins.pathExists ./f/NAME'), { 'f/other': '1' }, { 'f/name': '1' });
unproved('a file that comes earlier in a search path', 'import (builtins.findFile [ { prefix = "w"; path = toString ./one; } { prefix = "w"; path = toString ./two; } ] "w/it.nix")',
	{ 'one/other': '', 'two/it.nix': '"2"' }, { 'one/it.nix': '"1"' }, x);
unproved('a file instead of a folder that was looked for before it', 'if builtins.pathExists ./it.nix then import ./it.nix else import ./it', { 'it/default.nix': '"1"' }, { 'it.nix': '"2"' }, x);
proved('a file that is named like a folder that is imported', 'import ./it', { 'it/default.nix': '"1"' }, { 'it.nix': '"2"' });

const modules = '[submodule "sub"]\n\tpath = sub\n\turl = https://example.org/sub\n';
proved('another commit of a submodule that is not taken', json('builtins.readDir ./sub'), { '.gitmodules': modules, 'sub': submodule('1') }, { 'sub': submodule('2') });
unproved('a folder where a submodule was', json('builtins.pathExists ./sub/f'), { '.gitmodules': modules }, { 'sub/f': '1' }, x);
unproved('a folder that becomes a submodule: what fails there is not known any more', 'builtins.readFile ./sub/absent', { '.gitmodules': modules, 'sub/f': '1' },
	{ 'sub/f': undefined, 'sub': submodule('1') }, 'untold x');
unproved('.gitmodules, which makes a failure in an empty folder something else', 'builtins.readFile ./sub/absent', { 'sub': submodule('1') }, { '.gitmodules': modules }, 'untold x');
proved('.gitattributes: nothing is filtered or expanded', 'builtins.readFile ./f', { 'f': '$Id$ $Format:%H$\n' }, { '.gitattributes': 'f ident export-subst text eol=crlf\n' });
proved('what decides for whom nothing is evaluated', '"1"', {}, { '.ekaci/config.json': '{ "rules": [] }\n' });

const lock = v => JSON.stringify({ v });
unproved('a lock file that is read', '(builtins.fromJSON (builtins.readFile ./flake.lock)).v', { 'flake.lock': lock('1') }, { 'flake.lock': lock('2') }, x);
const flake = outputs => `{ outputs = { self }: { packages.x86_64-linux.x = derivation { name = "x"; system = "x86_64-linux"; builder = "/bin/sh"; text = ${outputs}; }; }; }\n`;
unproved('a file of a flake that is taken by its folder', '(builtins.getFlake (toString ./.)).packages.x86_64-linux.x.text', { 'flake.nix': flake('"${self}"') }, { 'README': '1' }, x);
for (const of of ['"${self}"', '"${self.narHash}"', 'self.rev or "none"', 'toString self.lastModified', '"${./.}"'])
	test(`a flake whose outputs depend on ${of}`, () => {
		const r = both({ 'default.nix': '', 'flake.nix': flake(of) }, { 'README': '1' }, { args: [] });
		equal(r.proved, false);
		match(r.why, /^a flake is copied whole/);
	}, { skip });
test('a flake in which nothing differs was evaluated, and it is said why', () => {
	const r = both({ 'default.nix': '', 'flake.nix': flake('"1"') }, { 'README': '1' }, { args: [] });
	equal([r.proved, r.differ], [false, '']);
	ok(!diff({}, ...r.commits).includes('not proved'), 'what is stored says nothing of how it came about');
	const next = commit({ 'default.nix': '', 'flake.nix': flake('"1"'), 'README': '2' });
	match(diff({}, r.commits[1], next).replace(/\s+/g, ' '), /No attribute differs: [^.]*\. That was seen by evaluating it, not proved before: a flake is copied whole, /);
}, { skip });

proved('what is not in a tree: .git, and what git knows', json('builtins.pathExists ./.git || (builtins.tryEval (builtins.pathExists ./.git/HEAD)).value'), {}, { 'README': '1' });
unproved('what asks for the time', 'toString (builtins.currentTime / 1000000000)', {}, { 'README': '1' }, '', /^default\.nix, .*currentTime/);
unproved('a link that leads out of the repository', 'builtins.readFile ./l', { 'l': link(path.join(outside, 'file')) }, { 'README': '1' }, '', /^l, .*leads out of the repository$/);
unproved('a link that leads out of it by another one', 'builtins.readFile ./deep/l', { 'deep/l': link('../deep/up/../x/f'), 'deep/up': link('..'), 'f': '1' }, { 'README': '1' }, '', /^deep\/l, .*leads out/);
unproved('a relative link that leads out of it', json('builtins.pathExists ./deep/l/file'), { 'deep/l': link('../../x') }, { 'README': '1' }, '', /^deep\/l, .*leads out/);
proved('a relative link within it', 'builtins.readFile ./a/b/l', { 'a/b/l': link('../.././/f'), 'f': '1' }, { 'README': '1' });
proved('another environment is another base', 'builtins.getEnv "NIX_OF_TEST"', {}, { 'README': '1' }, { between: () => ({ NIX_OF_TEST: '2' }) });
test('another <name> is another base', () => {
	fs.writeFileSync(path.join(outside, 'it.nix'), '"1"');
	env.NIX_PATH = `w=${outside}`;
	const r = both({ 'default.nix': nix('import <w/it.nix>') }, { 'README': '1' }, { between: () => (fs.writeFileSync(path.join(outside, 'it.nix'), '"other"'), {}) });
	delete env.NIX_PATH;
	equal(r.differ, '');
}, { skip });

const hash = text => (fs.writeFileSync(path.join(dir, 'hashed'), text), execFileSync('nix-hash', ['--type', 'sha256', '--base32', path.join(dir, 'hashed')], { env, encoding: 'utf8' }).trim());
test('what the store has already is as it would be evaluated here', () => {
	const files = { 'default.nix': nix(`"\${builtins.path { path = ./f; name = "f"; sha256 = "${hash('1')}"; }}"`), 'f': '1' };
	both(files, { 'f': '2' });
	fs.rmSync(path.join(dir, '.cache/ekaci/evals'), { recursive: true });
	both(files, { 'f': '3' }); // base's second evaluation need not read it
}, { skip });
unproved('what is built in the middle of the evaluation reads it', 'import (derivation { name = "ifd"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "read l < ${./f}; echo \\"\\\\\\"$l\\\\\\"\\" > $out" ]; })',
	{ 'f': 'a\n' }, { 'f': 'b\n' }, x, undefined, { args: ['--file', 'default.nix', '--allow-import-from-derivation'] });
test('the jobs are base\'s', () => {
	const config = file => JSON.stringify({ jobs: { j: { file } } }), files = { 'default.nix': nix('"1"'), 'a.nix': nix('"a"'), 'b.nix': nix('"b"') };
	both({ ...files, '.ekaci/config.json': config('a.nix') }, { '.ekaci/config.json': config('b.nix') }, { args: [] });
}, { skip });

await run({ limit_ms: 300000, before_end: async () => fs.rmSync(dir, { recursive: true, force: true }) });
