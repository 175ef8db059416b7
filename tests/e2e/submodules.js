// Repositories with submodules: said to be untold, or taken; by hand on a clone, and by the bot for members and strangers.

import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { begin, equal, match, nix_config, ok, program, run, test } from './lib.js';
import { finished, report_of, row_of, tidy } from './scenes.js';

const env = { ...process.env, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null', GIT_AUTHOR_NAME: 'test',
	GIT_AUTHOR_EMAIL: 'test@localhost', GIT_COMMITTER_NAME: 'test', GIT_COMMITTER_EMAIL: 'test@localhost',
	NIX_CONFIG: `${nix_config}experimental-features = nix-command flakes\n` };

// A repository in a folder: git, and commits of files.
class Repository {
	constructor(dir)
	{
		this.dir = dir;
		fs.mkdirSync(dir, { recursive: true });
		this.git('init', '--quiet', '-b', 'main');
	}

	git(...args)
	{
		return execFileSync('git', ['-C', this.dir, '-c', 'protocol.file.allow=always', ...args], { env, encoding: 'utf8' }).trim();
	}

	commit(files = {})
	{
		for (const [name, text] of Object.entries(files)) {
			fs.mkdirSync(path.dirname(path.join(this.dir, name)), { recursive: true });
			fs.writeFileSync(path.join(this.dir, name), text);
		}
		this.git('add', '--all');
		this.git('commit', '--quiet', '--allow-empty', '-m', 'test');
		return this.git('rev-parse', 'HEAD');
	}
}

async function in_folder(body)
{
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-submodules-'));
	try {
		await body(dir);
	} finally {
		fs.rmSync(dir, { recursive: true, force: true });
	}
}

function ekaci(repository, ...args)
{
	const r = spawnSync(program, args, { cwd: repository.dir, encoding: 'utf8',
		env: { ...env, XDG_CACHE_HOME: path.join(repository.dir, '../cache') } });
	return { code: r.status, out: r.stdout, err: r.stderr };
}

function diff(repository, ...args)
{
	const r = ekaci(repository, 'diff', '--format', 'json', ...args);
	ok(r.out.startsWith('{'), r.err);
	return { code: r.code, report: JSON.parse(r.out) };
}

const salt = path.basename(fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-salt-')));
fs.rmdirSync(path.join(os.tmpdir(), salt));
const drv = (name, what) => `derivation { name = "${name}"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "echo ${salt} > $out" ]; ${what} }`;
const default_nix = `{ firmware = ${drv('firmware', 'src = ./vendor/lib;')}; other = ${drv('other', '')}; }\n`;
const config = jobs => JSON.stringify({ jobs,
	change_sets: [{ name: 'words', kind: 'docs-only', paths: ['**/*.md', 'book'] }] });

// A library that has a part, and a repository that has the library at vendor/lib.
function family(dir, files)
{
	const part = new Repository(path.join(dir, 'part')), lib = new Repository(path.join(dir, 'lib'));
	part.commit({ 'part.c': 'part 1\n' });
	lib.commit({ 'lib.c': 'lib 1\n' });
	lib.git('submodule', '--quiet', 'add', '../part', 'part');
	lib.commit();
	const top = new Repository(path.join(dir, 'top'));
	top.commit(files);
	top.git('submodule', '--quiet', 'add', '../lib', 'vendor/lib');
	top.git('submodule', '--quiet', 'update', '--init', '--recursive');
	top.commit();
	// The part moves, in the library, in the repository; nothing else does.
	const inside = (where, ...args) => top.git('-C', where, ...args);
	part.commit({ 'part.c': 'part 2\n' });
	inside('vendor/lib/part', 'pull', '--quiet', 'origin', 'main');
	inside('vendor/lib', 'commit', '--quiet', '-am', 'part 2');
	top.commit();
	return { part, lib, top };
}

test('a job that takes no submodules says of a changed one that it cannot tell, and takes it when told to', () => in_folder(dir => {
	const { top } = family(dir, { 'default.nix': default_nix });
	const plain = diff(top, 'main~1', 'main');
	equal(plain.report.verdict, { conclusion: 'neutral', title: 'cannot be told: 1 submodule changed, and 1 job takes none', exit: 2 });
	equal(plain.report.plan.untold, { submodules: { paths: ['vendor/lib'], count: 1, jobs: ['default.nix'] } });
	equal(plain.code, 2);
	const text = ekaci(top, 'diff', 'main~1', 'main').out;
	match(text, /Not known: what the change of vendor\/lib does/);
	match(text, /\{"jobs":\{"default.nix":\{"file":"default.nix","submodules":true\}\}\}/);
	ok(!/derivations and outputs are the same/.test(text));
	equal(ekaci(top, 'explain', 'firmware', 'main~1', 'main').code, 2);

	const taken = diff(top, '--submodules', 'main~1', 'main');
	equal([taken.report.counts.total.rebuild, taken.code, taken.report.plan.untold], [1, 0, null]);
	equal(row_of(taken.report, 'firmware').class, 'rebuild');
	equal(taken.report.plan.paths.map(p => p.path), ['vendor/lib/part/part.c']);
	equal(ekaci(top, 'explain', '--submodules', 'firmware', 'main~1', 'main').code, 1);
	equal(ekaci(top, 'explain', '--submodules', 'other', 'main~1', 'main').code, 0);
	const git_status = top.git('status', '--porcelain');
	equal(git_status, '', 'the clone is as it was');
	top.git('fsck', '--strict', '--no-dangling');
}));

test('jobs of one configuration with and without; rules inside a submodule, and of one', () => in_folder(dir => {
	const job = { file: 'default.nix' };
	const { top } = family(dir, { 'default.nix': default_nix,
		'.ekaci/config.json': config({ without: job, with: { ...job, submodules: true } }) });
	const both = diff(top, 'main~1', 'main');
	equal(both.report.attributes.map(a => [a.job, a.path[0], a.class]), [['with', 'firmware', 'rebuild']]);
	equal(both.report.plan.untold.submodules.jobs, ['without']);
	equal([both.report.checks.evaluation.conclusion, both.report.checks.rebuilds.conclusion, both.code], ['neutral', 'neutral', 2]);
	// The same wish of the two trees is not one evaluation.
	equal(new Set(both.report.evaluations.map(e => e.key)).size, 4);
	equal(['with', 'without'].map(name => diff(top, '--job', name, 'main~1', 'main').code), [0, 2], 'of the job asked for');

	// Only words within a submodule; and a submodule of which a person has said that it is words.
	fs.writeFileSync(path.join(top.dir, 'vendor/lib/README.md'), 'words\n');
	top.git('-C', 'vendor/lib', 'add', '--all');
	top.git('-C', 'vendor/lib', 'commit', '--quiet', '-m', 'words');
	top.commit();
	const words = diff(top, 'main~1', 'main');
	equal([words.report.outcome, words.report.plan.paths[0].rule, words.code], ['skipped', 'words', 0]);
	top.git('submodule', '--quiet', 'add', '../part', 'book');
	top.commit({ '.gitmodules': fs.readFileSync(path.join(top.dir, '.gitmodules'), 'utf8') });
	const book = diff(top, 'main~1', 'main');
	equal(book.report.plan.untold, null);
}));

test('a flake sees its submodules when its job takes them', () => in_folder(dir => {
	const flake = `{ outputs = { self }: { checks.x86_64-linux.firmware = ${drv('firmware', 'part = builtins.readFile ./vendor/lib/part/part.c;')}; }; }\n`;
	const { top } = family(dir, { 'flake.nix': flake, '.ekaci/config.json': config({ checks: { flake: '.#checks.x86_64-linux', submodules: true } }) });
	const { report, code } = diff(top, 'main~1', 'main');
	equal([report.counts.total.rebuild, report.counts.total.newly_failing, code], [1, 0, 0]);
}));

test('a submodule whose address the clone\'s owner has changed is fetched from there', () => in_folder(dir => {
	const { top, lib } = family(dir, { 'default.nix': default_nix });
	const elsewhere = path.join(dir, 'elsewhere');
	lib.git('fetch', '--quiet', path.join(top.dir, 'vendor/lib'), 'HEAD:refs/heads/moved');
	fs.renameSync(lib.dir, elsewhere);
	top.git('config', 'submodule.vendor/lib.url', elsewhere);
	fs.rmSync(path.join(top.dir, '.git/modules'), { recursive: true });
	equal(diff(top, '--submodules', 'main~1', 'main').report.counts.total.rebuild, 1);
}));

test('what is built of a changed pointer of Git LFS is not green; what is only compared is right', () => in_folder(dir => {
	const top = new Repository(path.join(dir, 'top'));
	const pointer = digit => `version https://git-lfs.github.com/spec/v1\noid sha256:${digit.repeat(64)}\nsize 12345\n`;
	top.commit({ 'default.nix': `{ logo = ${drv('logo', 'src = ./logo.png;')}; }\n`, '.gitattributes': '*.png filter=lfs\n',
		'logo.png': pointer('1'), 'unused.png': pointer('1') });
	top.commit({ 'logo.png': pointer('2') });
	const compared = diff(top, 'main~1', 'main');
	equal([compared.report.counts.total.rebuild, compared.code], [1, 0]);
	match(ekaci(top, 'diff', 'main~1', 'main').out, /Pointers of Git LFS changed: logo.png/);
	const built = diff(top, '--build', 'main~1', 'main');
	equal([built.report.verdict.conclusion, built.report.verdict.title, built.code],
		['neutral', '1 rebuild - all built - with 1 changed pointer of Git LFS in place of the content', 2]);
	top.commit({ 'unused.png': pointer('2') });
	equal(diff(top, '--build', 'main~1', 'main').report.verdict, { conclusion: 'success', title: 'no rebuilds', exit: 0 });
}));

test('what cannot be had is said, and never a class', () => in_folder(dir => {
	const { top, lib } = family(dir, { 'default.nix': default_nix,
		'.ekaci/config.json': config({ all: { file: 'default.nix', submodules: true } }) });
	fs.rmSync(path.join(top.dir, '.git/modules'), { recursive: true });
	fs.rmSync(lib.dir, { recursive: true });
	const { code, out, err } = ekaci(top, 'diff', 'main~1', 'main');
	equal(code, 2);
	match(out + err, /submodule vendor\/lib: git fetch: .*does not appear to be a git repository/);
}));

const outside = { head_repo: 'stranger/demo', user: 'stranger', author_association: 'NONE' };

test('the bot: a member\'s submodules are fetched, a stranger\'s address only once approved', () => in_folder(async dir => {
	const top = new Repository(path.join(dir, 'top')), lib = new Repository(path.join(dir, 'lib'));
	const secret = new Repository(path.join(dir, 'secret'));
	const first = lib.commit({ 'lib.c': 'lib 1\n' }), second = lib.commit({ 'lib.c': 'lib 2\n' });
	const third = lib.commit({ 'lib.c': 'lib 3\n' }), hidden = secret.commit({ 'lib.c': 'hidden\n' });
	const named = name => `[submodule "lib"]\n\tpath = vendor/lib\n\turl = ../${name}.git\n`;
	top.commit({ 'default.nix': default_nix, '.gitmodules': named('lib'),
		'.ekaci/config.json': config({ all: { file: 'default.nix', submodules: true } }) });
	top.git('update-index', '--add', '--cacheinfo', `160000,${first},vendor/lib`);
	top.git('commit', '--quiet', '-m', 'with the library');
	const scene = await begin({ from: top.dir });
	const { repo, github } = scene;
	const commit = (branch, files, of = repo) => github.do('commit', { repo: of, branch, parent: 'refs/heads/main', files });
	try {
		await github.do('repository', { full_name: 'org/lib', open: true, from: lib.dir });
		await github.do('repository', { full_name: 'org/other', open: true, from: secret.dir });
		await github.do('repository', { full_name: 'org/closed', private: true, from: secret.dir });

		await commit('move', { 'vendor/lib': { commit: second } });
		const { pull } = await scene.open('move');
		const { rebuilds } = await finished(scene, pull.head.sha);
		match(rebuilds.output.title, /^1 rebuild - all built$/);
		const report = await report_of(scene, rebuilds);
		equal(report.plan.paths.map(p => p.path), ['vendor/lib/lib.c']);
		await tidy(scene, pull);

		// What the repository's own token does not open is not had.
		await commit('closed', { '.gitmodules': named('closed'), 'vendor/lib': { commit: hidden } });
		const { pull: closed } = await scene.open('closed');
		const refused = await finished(scene, closed.head.sha);
		equal(refused.evaluation.conclusion, 'failure');
		match(refused.evaluation.output.summary, /submodule vendor\/lib: it must be public, as the token is for this repository alone: git fetch: .*not found/);

		// A stranger moves what base names, and names what it does not.
		await github.do('repository', { full_name: 'stranger/demo', fork_of: repo });
		await commit('moves', { 'vendor/lib': { commit: third } }, 'stranger/demo');
		const { pull: moves } = await scene.open('moves', outside);
		match((await finished(scene, moves.head.sha)).rebuilds.output.title, /^1 rebuild - waiting for approval/);
		const asked = async () => (await github.ask('requests', {})).filter(r => r.path.startsWith('/org/other')).length;
		await commit('names', { '.gitmodules': named('other'), 'vendor/lib': { commit: hidden } }, 'stranger/demo');
		const { pull: names } = await scene.open('names', outside);
		const not_yet = await finished(scene, names.head.sha);
		match(not_yet.evaluation.output.summary, /the base does not name its address/);
		equal(await asked(), 0, 'nobody was asked');
		await github.do('permission', { repo, user: 'keeper', permission: 'write' });
		await scene.say(names.number, '/ekaci approve', { user: 'keeper' });
		const then = await finished(scene, names.head.sha, { after: not_yet.rebuilds.id });
		match(then.rebuilds.output.title, /^1 rebuild - all built$/);
	} catch (e) {
		await scene.end().catch(() => {});
		throw e;
	}
	await scene.end();
}));

test('what reads a file of a submodule that is not taken is not known, and no failure of anybody', () => in_folder(dir => {
	const { top } = family(dir, { 'default.nix': default_nix });
	const reads = (b) => `let mk = n: derivation { name = n; system = "x86_64-linux"; builder = "/bin/sh"; }; in { a = mk (builtins.readFile ./vendor/lib/lib.c); b = mk "${b}"; }`;
	top.commit({ 'default.nix': reads('b1') });
	top.commit({ 'default.nix': reads('b2') });
	const { report, code } = diff(top, 'main~1', 'main');
	equal([report.verdict.conclusion, code], ['neutral', 2]);
	const [head] = report.evaluations.filter(e => e.side === 'head');
	equal([head.complete, head.untold.names], [true, ['a']]);
	match(head.untold.advice, /^vendor\/lib is a submodule; --submodules/);
}));

await run({ limit_ms: 180000 });
