// What `ekaci diff` and `ekaci explain` compare in somebody's own clone: two revisions, a range, one, or the files as they are.

import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { equal, match, nix_config, ok, program, run, test } from './lib.js';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-revisions-'));
const home = path.join(dir, 'home');
fs.mkdirSync(home);
const env = { PATH: process.env.PATH, HOME: home, NIX_CONFIG: nix_config, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null',
	GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@example.org', GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@example.org' };
const git = (repo, ...args) => execFileSync('git', ['-C', repo, ...args], { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();

// Each file of pkgs/ is an attribute: its text is its only difference.
const top = `let all = builtins.readDir ./pkgs; in builtins.mapAttrs (name: type: derivation { inherit name; system = "x86_64-linux";
  builder = "/bin/sh"; text = builtins.readFile (./pkgs + "/\${name}"); }) all\n`;
const write = (repo, files) => Object.entries(files).forEach(([name, text]) => {
	fs.mkdirSync(path.dirname(path.join(repo, name)), { recursive: true });
	fs.writeFileSync(path.join(repo, name), text);
});
function commit(repo, files)
{
	write(repo, files);
	git(repo, 'add', '-A');
	git(repo, 'commit', '-q', '--allow-empty', '-m', 'x');
	return git(repo, 'rev-parse', 'HEAD');
}
function repository(name)
{
	const repo = path.join(dir, name);
	fs.mkdirSync(repo);
	git(repo, 'init', '-q', '-b', 'main');
	commit(repo, { 'default.nix': top, 'pkgs/a': '1', 'pkgs/b': '1', '.gitignore': 'ignored\n' });
	return repo;
}
function ekaci(repo, ...args)
{
	const more = args.length && typeof args[args.length - 1] === 'object' ? args.pop() : {};
	const { status, stdout, stderr } = spawnSync(program, args, { cwd: repo, env: { ...env, ...more }, encoding: 'utf8' });
	const report = args.includes('json') && stdout.startsWith('{') ? JSON.parse(stdout) : null;
	return { status, out: stdout, err: stderr, report };
}
// "rebuild a, added n" of a comparison, and what was compared.
function changes(repo, ...args)
{
	const { status, err, report } = ekaci(repo, 'diff', '--format', 'json', ...args);
	ok(report, err);
	equal(status, 0, err);
	const lines = err.split('\n'), told = lines.filter(line => line.startsWith('ekaci: comparing ')).map(line => line.slice('ekaci: '.length));
	equal(told.length, 1, err);
	return { told: told[0], what: (report.attributes || []).map(a => `${a.class} ${a.path.join('.')}`).sort().join(', '), err: lines.filter(line => !line.startsWith('ekaci: comparing ')).join('\n'), head: report.run.head, base: report.run.base };
}

test('without a revision the files as they are: changed, staged, new, deleted; not what is ignored; the index stays as it is', () => {
	const repo = repository('files');
	equal(changes(repo).what, '');
	write(repo, { 'pkgs/a': '2', 'pkgs/new': '1', 'pkgs/staged': '1', 'pkgs/ignored': '1' });
	fs.rmSync(path.join(repo, 'pkgs/b'));
	git(repo, 'add', 'pkgs/staged');
	const index = fs.readFileSync(path.join(repo, '.git/index'));
	const all = 'added new, added staged, rebuild a, removed b', now = changes(repo);
	equal([now.what, now.head, now.err], [all, 'working tree', '']);
	equal(changes(path.join(repo, 'pkgs')).what, all, 'from a subfolder');
	equal(changes(dir, '--repo', repo).what, all, 'from elsewhere');
	equal(changes(repo, { GIT_DIR: '/nowhere', GIT_INDEX_FILE: '/nowhere/index' }).what, all, 'below a git that has an idea of its own');
	ok(index.equals(fs.readFileSync(path.join(repo, '.git/index'))), 'the index is as it was');
	match(ekaci(repo, 'diff').out, /^working tree compared with [0-9a-f]{12}$/m);
	match(ekaci(repo, 'explain', 'a').out, /differs by itself: env text/);
});

test('an edit of the same length, right after git looked, is seen', () => {
	const repo = repository('racy');
	for (const text of ['2', '3', '4']) {
		write(repo, { 'pkgs/a': text });
		git(repo, 'add', 'pkgs/a');
		write(repo, { 'pkgs/a': '1' });
		equal(changes(repo).what, '', text);
	}
});

test('the work of a branch is compared with where it parted, committed or not; the default branch is what origin says', () => {
	const repo = repository('branch');
	git(repo, 'checkout', '-q', '-b', 'work');
	commit(repo, { 'pkgs/c': '1' });
	write(repo, { 'pkgs/d': '1' });
	git(repo, 'stash', '-q', '-u');
	git(repo, 'checkout', '-q', 'main');
	const tip = commit(repo, { 'pkgs/b': '2' });
	git(repo, 'checkout', '-q', 'work');
	git(repo, 'stash', 'pop', '-q');
	equal(changes(repo).what, 'added c, added d');
	// One that main has already is a base; another a head, merged.
	equal(changes(repo, 'main~1').what, 'added c, added d');
	equal(changes(repo, 'main').what, 'added c, added d, rebuild b', 'the files against the tip, as git diff has it');
	const merged = changes(repo, 'work');
	equal([merged.what, merged.base, merged.head], ['added c', tip, git(repo, 'rev-parse', 'work')]);
	// git's ranges.
	equal(changes(repo, 'main..work').what, 'added c, rebuild b');
	equal(changes(repo, 'main...work').what, 'added c');
	equal(changes(repo, 'main...').what, 'added c');
	equal(changes(repo, '..main').what, 'rebuild b, removed c');
	match(ekaci(repo, 'explain', 'b', 'main..').out, /env text/);

	const clone = path.join(dir, 'clone');
	execFileSync('git', ['clone', '-q', '-b', 'work', repo, clone], { env });
	git(clone, 'remote', 'set-head', 'origin', 'work');
	equal(changes(clone).what, '', 'origin/HEAD is work');
	git(clone, 'remote', 'set-head', 'origin', 'main');
	equal(changes(clone).what, 'added c', 'origin/HEAD is main');
	const linked = path.join(dir, 'linked');
	git(repo, 'worktree', 'add', '-q', linked, '-b', 'third', 'main');
	write(linked, { 'pkgs/e': '1' });
	equal(changes(linked).what, 'added e', 'a linked working tree has files and an index of its own');
});

test('two commits of a clone with changes: a line says that these are not compared; not so for a clean one, or of other commits', () => {
	const repo = repository('hint');
	commit(repo, { 'pkgs/c': '1' });
	equal(changes(repo, 'main~1', 'main').err, '');
	write(repo, { 'pkgs/a': '2' });
	for (const args of [['main~1', 'main'], ['main~1', 'HEAD'], ['main~1..']]) {
		const { what, err } = changes(repo, ...args);
		equal(what, 'added c');
		match(err, /^ekaci: uncommitted changes are not compared/);
	}
	equal(changes(repo, 'main~1', 'main~1').err, '');
});

test('what is compared is said in one line: the state of the files, where they parted, what the branch did meanwhile', () => {
	const repo = repository('told');
	const first = git(repo, 'rev-parse', 'HEAD');
	equal(changes(repo).told, `comparing the working tree of main (nothing uncommitted) with ${first.slice(0, 12)}, where it parted from main`);
	git(repo, 'checkout', '-q', '-b', 'work');
	const work = commit(repo, { 'pkgs/a': '2', 'pkgs/c': '1' });
	git(repo, 'checkout', '-q', 'main');
	const tip = commit(repo, { 'pkgs/a': '3' });
	git(repo, 'checkout', '-q', 'work');
	write(repo, { 'pkgs/b': '2', 'pkgs/d': '1' });
	const now = changes(repo);
	equal([now.told, now.what], [`comparing the working tree of work (1 changed, 1 new) with ${first.slice(0, 12)}, where it parted from main, which has moved on by 1 commit`,
		'added c, added d, rebuild a, rebuild b']);
	git(repo, 'stash', '-q', '-u');
	equal(changes(repo, 'main', 'work').told, `comparing work (${work.slice(0, 12)}) with main (${tip.slice(0, 12)})`);
	equal(changes(repo, 'main...work').told, `comparing work (${work.slice(0, 12)}) with ${first.slice(0, 12)}, where it parted from main, which has moved on by 1 commit`);
	equal(changes(repo, first, work.slice(0, 9)).told, `comparing ${work.slice(0, 12)} with ${first.slice(0, 12)}`);
	equal(changes(repo, '--merge', first, 'work').told, `comparing ${first.slice(0, 12)} with work (${work.slice(0, 12)}) merged into it`);
	git(repo, 'checkout', '-q', '--detach');
	equal(changes(repo).told, `comparing the working tree of a detached HEAD (nothing uncommitted) with ${first.slice(0, 12)}, where it parted from main, which has moved on by 1 commit`);

	// In the middle of a merge and of a rebase that stopped at a conflict: the files as they are, marks and all.
	git(repo, 'checkout', '-q', 'work');
	for (const [verb, doing, branch] of [['merge', 'a merge', 'work'], ['rebase', 'a rebase', 'a detached HEAD']]) {
		try {
			git(repo, verb, 'main');
			ok(false, 'there is a conflict');
		} catch (e) {
			equal(e.status, 1);
		}
		const { told, what } = changes(repo);
		ok(told.startsWith(`comparing the working tree of ${branch} (`), told);
		match(told, new RegExp(`, 1 with conflicts, as they are written there; in the middle of ${doing}\\)`));
		ok(what.includes('rebuild a'), what);
		git(repo, verb, '--abort');
	}
});

test("a fork's clone is compared with upstream; a shallow one says what it lacks; a submodule is a repository", () => {
	const up = repository('up');
	const fork = path.join(dir, 'fork');
	execFileSync('git', ['clone', '-q', up, fork], { env });
	commit(up, { 'pkgs/c': '1' });
	git(fork, 'remote', 'add', 'upstream', up);
	git(fork, 'fetch', '-q', 'upstream');
	git(fork, 'checkout', '-q', '-b', 'work', 'upstream/main');
	write(fork, { 'pkgs/d': '1' });
	const now = changes(fork);
	equal([now.what, now.told.split(', where it parted from ')[1]], ['added d', 'upstream/main']);
	git(fork, 'remote', 'rename', 'upstream', 'other');
	equal(changes(fork).what, 'added c, added d', 'without an upstream: origin');

	// With as much history as is needed, git answers also where a clone ends.
	git(up, 'checkout', '-q', '-b', 'side', 'main~1');
	commit(up, { 'pkgs/x': '1' });
	git(up, 'checkout', '-q', 'main');
	const deep = path.join(dir, 'deep');
	execFileSync('git', ['clone', '-q', '--depth', '2', '--no-single-branch', `file://${up}`, deep], { env });
	git(deep, 'checkout', '-q', 'side');
	equal(changes(deep).what, 'added x');
	const shallow = path.join(dir, 'shallow');
	execFileSync('git', ['clone', '-q', '--depth', '1', `file://${up}`, shallow], { env });
	write(shallow, { 'pkgs/e': '1' });
	equal(changes(shallow).what, 'added e');
	git(shallow, 'checkout', '-q', '--orphan', 'other');
	commit(shallow, {});
	const refused = ekaci(shallow, 'diff');
	equal(refused.status, 2);
	match(refused.err, /have no common history in this clone, which is a shallow one: git fetch --unshallow/);
	// A merge, too: where they parted must be there, and then it is made, whatever is cut off before.
	const parted = path.join(dir, 'parted'), cut = path.join(dir, 'cut');
	execFileSync('git', ['clone', '-q', `file://${up}`, parted], { env });
	git(parted, 'checkout', '-q', '-b', 'theirs');
	commit(parted, { 'pkgs/f': '1' });
	git(parted, 'checkout', '-q', '-');
	commit(parted, { 'pkgs/g': '1' });
	const main = git(parted, 'branch', '--show-current').trim();
	for (const [depth, good] of [[1, false], [2, true]]) {
		fs.rmSync(cut, { recursive: true, force: true });
		execFileSync('git', ['clone', '-q', '--depth', `${depth}`, '--no-single-branch', `file://${parted}`, cut], { env });
		if (good) {
			equal(changes(cut, '--merge', `origin/${main}`, 'origin/theirs').what, 'added f');
			continue;
		}
		const merged = ekaci(cut, 'diff', '--merge', `origin/${main}`, 'origin/theirs');
		equal([merged.status, merged.out], [2, '']);
		match(merged.err, /have no common history in this clone, which is a shallow one: git fetch --unshallow/);
	}

	const around = repository('around');
	execFileSync('git', ['-C', around, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', up, 'sub'], { env, stdio: 'ignore' });
	write(around, { 'sub/pkgs/f': '1' });
	equal(changes(path.join(around, 'sub/pkgs')).what, 'added f');
});

test('filters of the user apply, repositories that lie inside do not count, and what cannot be compared is said', () => {
	const repo = repository('odd');
	write(repo, { '.gitattributes': 'pkgs/* filter=upper\n', 'pkgs/a': 'x' });
	git(repo, 'config', 'filter.upper.clean', 'tr x 1');
	fs.mkdirSync(path.join(repo, 'pkgs/inside'));
	git(path.join(repo, 'pkgs/inside'), 'init', '-q');
	equal(changes(repo).what, '', "what git would commit is the base's 1, and nothing of the repository inside");

	fs.closeSync(fs.openSync(path.join(repo, 'image'), 'w'));
	fs.truncateSync(path.join(repo, 'image'), 600e6);
	let r = ekaci(repo, 'diff');
	equal(r.status, 2);
	match(r.err, /new files of 600 MB are not ignored/);
	fs.rmSync(path.join(repo, 'image'));

	r = ekaci(repo, 'diff', '--merge', 'main');
	equal(r.status, 2);
	match(r.err, /--merge merges commits/);

	const bare = path.join(dir, 'bare.git');
	execFileSync('git', ['clone', '-q', '--bare', repo, bare], { env });
	r = ekaci(bare, 'diff');
	equal(r.status, 2);
	match(r.err, /is a bare repository, without files to compare/);
	equal(changes(bare, 'main', 'main').what, '');

	git(repo, 'branch', '-q', '-m', 'main', 'trunk');
	r = ekaci(repo, 'diff');
	equal(r.status, 2);
	match(r.err, /which branch is the default one\?/);
	equal(changes(repo, 'trunk..trunk').what, '');
	fs.mkdirSync(path.join(dir, 'none'));
	match(ekaci(path.join(dir, 'none'), 'diff').err, /no git repository/);
});

test('what git cannot read is an error, never left out', () => {
	const repo = repository('broken');
	write(repo, { 'pkgs/a': '2', '.git/index': 'nonsense' });
	const { status, out, err } = ekaci(repo, 'diff');
	equal([status, out], [2, '']);
	match(err, /the files as they are now cannot be read: git ls-files: .*index/);
});

await run({ limit_ms: 120000, before_end: async () => fs.rmSync(dir, { recursive: true, force: true }) });
