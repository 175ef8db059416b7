// Open pull requests beside each other: what is predicted of some is what one more, which is all of them merged, rebuilds; on the pages of
// the repository and of a pull request, in the order of the morning, for programs, by `ekaci pulls`; and nothing for who may not see it.

import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { begin, equal, match, ok, program, run, test } from './lib.js';
import { eventually, finished } from './scenes.js';

const HOSTILE = '<script>alert(1)</script> {{title}} CVE-2026-1234';

// 30 apps: every second needs core, every third lib; another name of core; one app can be taken out.
const from = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-beside-'));
process.on('exit', () => fs.rmSync(from, { recursive: true, force: true }));
const git = (...words) => execFileSync('git', ['-C', from, ...words], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'],
	env: { PATH: process.env.PATH, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null', GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@example.org',
		GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@example.org' } });
const files = { 'default.nix': `let
  v = name: builtins.readFile (./v + "/\${name}");
  mk = name: deps: derivation { inherit name deps; version = v name; system = builtins.currentSystem; builder = "/bin/sh"; };
  app = i: { name = "app" + toString i; value = derivation { name = "app" + toString i; system = builtins.currentSystem; builder = "/bin/sh";
    deps = [ i ] ++ (if i - i / 2 * 2 == 0 then [ self.core ] else []) ++ (if i - i / 3 * 3 == 0 then [ self.lib ] else []); }; };
  self = { core = mk "core" []; lib = mk "lib" []; tool = mk "tool" []; another = self.core; } // builtins.listToAttrs (builtins.genList app 30);
in if v "drop" == "1" then removeAttrs self [ "app0" ] else self\n`, 'v/core': '1', 'v/lib': '1', 'v/tool': '1', 'v/drop': '0' };
git('init', '-q', '-b', 'main');
for (const [name, text] of Object.entries(files)) {
	fs.mkdirSync(path.dirname(path.join(from, name)), { recursive: true });
	fs.writeFileSync(path.join(from, name), text);
}
git('add', '-A');
git('commit', '-q', '-m', 'start');

const ask = async (scene, route, headers = {}) => {
	const answer = await fetch(scene.bot.url + route, { headers, signal: AbortSignal.timeout(20000) });
	return { status: answer.status, text: await answer.text() };
};
const json = async (scene, route, headers) => JSON.parse((await ask(scene, route, headers)).text);
const ekaci = (scene, env, ...words) => {
	const r = spawnSync(program, ['--url', scene.bot.url, ...words], { cwd: '/', encoding: 'utf8', timeout: 60000, env: { PATH: process.env.PATH, ...env } });
	return { status: r.status, out: r.stdout, err: r.stderr };
};
async function open(scene, branch, changed, more = {})
{
	await scene.github.do('commit', { repo: scene.repo, branch, parent: 'refs/heads/main', files: changed });
	const { pull } = await scene.open(branch, more);
	await finished(scene, pull.head.sha);
	return pull;
}
// Once all of these numbers are compared with each other.
const compared = (scene, numbers, headers) => eventually(`${numbers} are compared`, async () => {
	const { beside } = await json(scene, '/org/demo.json', headers);
	const all = beside && [...beside.groups.flatMap(g => g.pulls), ...beside.alone].sort((x, y) => x - y);
	return JSON.stringify(all) === JSON.stringify(numbers) && beside;
});

const scene = await begin({ from, config: { build: { enabled: false } } });
const core = await open(scene, 'core', { 'v/core': '2' });
const lib = await open(scene, 'lib', { 'v/lib': '2' });
const tool = await open(scene, 'tool', { 'v/tool': '2' }, { title: HOSTILE });
const both = await open(scene, 'both', { 'v/core': '2', 'v/lib': '2' });
const rebuilds = async (s, pull) => (await json(s, '/org/demo/pulls.json')).pulls.find(p => p.number === pull.number).rebuilds;

test('what two rebuild together is what the merged tree rebuilds', async () => {
	const beside = await compared(scene, [1, 2, 3, 4]);
	const one = (await json(scene, `/org/demo/pull/${core.number}.json`)).beside;
	const with_lib = one.with.find(w => w.number === lib.number);
	equal([one.rebuilds, one.others], [16, 2]);
	equal(with_lib, { number: 2, shared: 5, same: 0, together: 22, apart: 27, roots: [], roots_total: 0 });
	equal(with_lib.together, await rebuilds(scene, both), 'both merged, evaluated');
	// With the one that is both, the root and the ten apps without lib are even the same derivations.
	const with_both = one.with.find(w => w.number === both.number);
	equal(with_both, { number: 4, shared: 16, same: 11, together: 22, apart: 27, roots: ['another'], roots_total: 1 });
	equal([beside.alone, beside.groups.map(g => [g.pulls, g.together])], [[3], [[[1, 2, 4], 22]]]);
});

test('what one of them takes away nobody rebuilds: three together, and all three merged', async () => {
	const drop = await open(scene, 'drop', { 'v/drop': '1' });
	const all = await open(scene, 'all', { 'v/core': '2', 'v/lib': '2', 'v/drop': '1' });
	const merged = await rebuilds(scene, all);
	await scene.github.do('pull_change', { repo: scene.repo, number: all.number, action: 'closed' });
	await scene.github.do('pull_change', { repo: scene.repo, number: both.number, action: 'closed' });
	const beside = await compared(scene, [1, 2, 3, drop.number]);
	equal([beside.groups.map(g => [g.pulls, g.together]), merged], [[[[1, 2, drop.number], 21]], 21]);
	// What is closed is not compared any more, and says nothing of others.
	equal((await json(scene, `/org/demo/pull/${both.number}.json`)).beside, null);
});

test('the page of the repository and of a pull request say it, and what a title says stays text', async () => {
	const page = (await ask(scene, '/org/demo', { Accept: 'text/html' })).text;
	match(page, /Beside each other[^]*together 21 rebuilds instead of 27[^]*1 shares no rebuild with any other/);
	match((await ask(scene, '/org/demo.md')).text, /together 21 rebuilds instead of 27/);
	const pull = (await ask(scene, `/org/demo/pull/${core.number}`, { Accept: 'text/html' })).text;
	match(pull, /5 of its 16 rebuilds are shared with 1 other open pull request\.[^]*together 22 instead of 27/);
	match((await ask(scene, `/org/demo/pull/${tool.number}.md`)).text, /shares no rebuild with any other/);
	for (const route of ['/org/demo/pulls', '/org/demo', `/org/demo/pull/${tool.number}`]) {
		const { text } = await ask(scene, route, { Accept: 'text/html' });
		ok(!text.includes('<script>alert') && text.includes('&lt;script&gt;alert(1)&lt;/script&gt; {{title}}'), route);
	}
});

test('the order of the morning, and what the address asks for', async () => {
	const numbers = async query => (await json(scene, `/org/demo/pulls.json${query}`)).pulls.map(p => p.number);
	const [first, ...rest] = await numbers('');
	equal(first, tool.number, 'security first');
	equal(rest[0], 5, 'then what is green: that which only takes away');
	equal(rest.filter(n => n === core.number || n === lib.number), [lib.number, core.number], 'the small one first');
	equal([await numbers('?max=11&q=TAKE'), await numbers('?who=bots'), await numbers('?state=green')],
		[[5, lib.number], [], [5]]);
	equal((await numbers('?state=other&who=people')).length, 3);
	const wrong = await json(scene, '/org/demo/pulls.json?who=cats&max=-1');
	equal([wrong.pulls.length, wrong.left_out], [4, 0]);
	match(wrong.mistake, /who is people or bots/);
	const page = (await ask(scene, '/org/demo/pulls?max=11&q=%22%3E%3Cb%3E', { Accept: 'text/html' })).text;
	ok(page.includes('value="&quot;&gt;&lt;b&gt;"') && page.includes('4 are left out') && !page.includes('<script'), page);
	match((await ask(scene, '/org/demo/pulls.md')).text, /^# Open pull requests of org\/demo[^]*1 rebuild/);
});

test('ekaci pulls says the same from elsewhere', () => {
	const all = ekaci(scene, {}, 'pulls', 'org/demo');
	equal([all.status, all.err], [0, '']);
	match(all.out, /together 21 rebuilds instead of 27/);
	match(all.out, /in any order, as they share no rebuild: #3/);
	match(ekaci(scene, {}, 'pulls', 'org/demo#1').out, /#2  shares 5 \(0 the same derivation\), together 22 instead of 27/);
	equal(JSON.parse(ekaci(scene, {}, 'pulls', '--json', 'org/demo').out).pulls.length, 4);
	equal([ekaci(scene, {}, 'pulls', 'org/none').status, ekaci(scene, {}, 'pulls', 'org').status, ekaci(scene, {}, 'pulls', 'org/demo#x').status], [1, 2, 2]);
	const here = spawnSync(program, ['pulls', 'org/demo'], { encoding: 'utf8', env: { PATH: process.env.PATH } });
	equal([here.status, here.out ?? here.stdout], [2, '']);
	match(here.stderr, /give --url/);
});

test('of a private repository who sees one pull request sees nothing of the others', async () => {
	const hidden = await begin({ from, private: true, config: { build: { enabled: false } } });
	try {
		const one = await open(hidden, 'core', { 'v/core': '2' });
		await open(hidden, 'both', { 'v/core': '2', 'v/lib': '2' }, { title: 'a secret name' });
		const token = spawnSync(program, ['token', 'add', '--read-only', 'wall'],
			{ encoding: 'utf8', env: { PATH: process.env.PATH, EKACI_CONFIG: hidden.bot.config_file } }).stdout.trim();
		const may = { Authorization: `Bearer ${token}` };
		await compared(hidden, [1, 2], may);
		const { evaluation } = await finished(hidden, one.head.sha);
		const key = new URL(evaluation.details_url).search;
		match(key, /^\?key=/);
		const seen = await ask(hidden, `/org/demo/pull/1.json${key}`);
		equal([seen.status, JSON.parse(seen.text).beside], [200, null]);
		for (const route of [`/org/demo/pull/1${key}`, `/org/demo/pull/1.md${key}`])
			ok(!/secret name|[Bb]eside|#2/.test((await ask(hidden, route)).text), route);
		for (const route of ['/org/demo/pulls', '/org/demo/pulls.json', `/org/demo/pulls.json${key}`, `/org/demo.json${key}`])
			equal((await ask(hidden, route)).status, 404, route);
		equal((await json(hidden, '/org/demo/pull/1.json', may)).beside.others, 1);
		match((await ask(hidden, '/org/demo/pulls', { ...may, Accept: 'text/html' })).text, /secret name/);
		equal(ekaci(hidden, {}, 'pulls', 'org/demo').status, 1);
		match(ekaci(hidden, { EKACI_TOKEN: token }, 'pulls', 'org/demo').out, /secret name/);
	} finally {
		await hidden.end();
	}
});

try {
	await run();
} finally {
	await scene.end();
}
