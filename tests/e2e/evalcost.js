// What evaluation costs, by name: a planted growth is found and named, and nothing is said where nothing is known.

import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { equal, match, nix_config, ok, program, run, test } from './lib.js';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-evalcost-'));
const env = { PATH: process.env.PATH, HOME: dir, NIX_CONFIG: nix_config, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null',
	GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@example.org', GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@example.org' };
const repo = path.join(dir, 'repo');
const git = (...args) => execFileSync('git', ['-C', repo, ...args], { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
function commit(files)
{
	for (const [name, text] of Object.entries(files)) {
		fs.mkdirSync(path.dirname(path.join(repo, name)), { recursive: true });
		fs.writeFileSync(path.join(repo, name), text);
	}
	git('add', '-A');
	git('commit', '-q', '--allow-empty', '-m', 'x');
	return git('rev-parse', 'HEAD');
}

// 60 attributes at the top and 2 sets of 20; each adds up a list of 2,000. What tools/t7.nix adds is the change's.
const top = (shared = '', extra = '') => `let
  work = n: builtins.foldl' (a: b: a + b) 0 (builtins.genList (x: x * 3) n);
  shared = ${shared || 'work 5000'};
  mk = name: n: file: derivation { inherit name; system = "x86_64-linux"; builder = "/bin/sh"; sum = toString (work n + shared); } // { meta.position = toString file + ":1"; };
  list = prefix: count: f: builtins.listToAttrs (builtins.genList (i: { name = prefix + toString i; value = f (prefix + toString i); }) count);
in list "p" 60 (name: mk name 2000 ./default.nix) // {
  libs = list "l" 20 (name: mk name 2000 ./default.nix) // { recurseForDerivations = true; };
  tools = list "t" 20 (name: mk name 2000 ./default.nix) // { t7 = ${extra || ''}mk "t7" (import ./tools/t7.nix) ./tools/t7.nix; recurseForDerivations = true; };
}\n`;
fs.mkdirSync(repo);
git('init', '-q', '-b', 'main');
const start = commit({ 'default.nix': top(), 'tools/t7.nix': '2000\n', 'README': 'a' });

function diff(format, base, head, ...more)
{
	const { status, stdout, stderr } = spawnSync(program, ['diff', base, head, '--file', 'default.nix', '--no-proof', '--workers', '2', ...more, '--format', format],
		{ cwd: repo, env, encoding: 'utf8' });
	equal(status, 0, stderr);
	return format === 'json' ? JSON.parse(stdout) : stdout;
}
const cost = (...args) => {
	const all = diff('json', ...args).evaluation_costs;
	equal(all.length, 1);
	return all[0];
};
const growth = c => 100 * (c.head - c.base) / c.base;
const same = commit({ README: 'b' });
const first = cost(start, same);
const skip = first.base <= 0 && 'this Nix has no shared libgc, so what evaluation allocates is not known';

test('the same code costs the same, and nothing is said of it', () => {
	ok(Math.abs(growth(first)) < 0.5, String(growth(first)));
	equal(first.where.length + first.sets.length, 0);
	ok(!/allocations/.test(diff('text', start, same)));
}, { skip });

// 100 times 2,000 and 2 times 5,000, each number about as dear: a tenth of it and a little.
const planted = commit({ 'tools/t7.nix': '30000\n' });
test('a planted growth by a tenth is found: how much, below which set, for which attribute, of which file', () => {
	const c = cost(start, planted);
	ok(growth(c) > 8 && growth(c) < 20, String(growth(c)));
	equal(c.where.map(w => [w.path.join('.'), w.most && w.most.join('.')]), [['tools', 'tools.t7'], ['tools.t7', null]]);
	match(c.where[1].position, /tools\/t7\.nix:1$/);
	const text = diff('text', start, planted).replace(/\s+/g, ' ');
	match(text, /Warning: evaluation \+1\d % allocations, above the limit of 10 % \([^)]+\): (all|\d\d %) of it for tools\.t7, defined in tools\/t7\.nix:1/);
	match(diff('markdown', start, planted), /\*\*Warning: evaluation \+1\d % allocations\*\*, above the limit of 10 % \([^)]*\): (all|\d\d %) of it for `tools\.t7`, defined in `tools\/t7\.nix:1`/);
}, { skip });

test('the other way round it is less, and no warning', () => {
	const text = diff('text', planted, start);
	match(text, /Evaluation \u2212\d+(\.\d)? % allocations/);
	ok(!/Warning: evaluation/.test(text), text);
}, { skip });

test('a base that was stored by another number of workers is not compared', () => {
	equal(diff('json', start, commit({ 'README': 'c', 'tools/t7.nix': '2001\n' }), '--workers', '1').evaluation_costs, []);
}, { skip });

test('a warning that is new is listed by the attribute where it was heard; one that base gives too is not', () => {
	const warned = text => `builtins.trace "warning: ${text}" (`;
	const base = commit({ 'default.nix': top(`${warned('old is deprecated')}work 5000)`), 'tools/t7.nix': '2000\n' });
	const head = commit({ 'default.nix': top(`${warned('old is deprecated')}work 5000)`, warned('t7 is deprecated, use t8').slice(0, -1)) });
	const c = cost(base, head);
	equal([c.warnings, c.list], [1, [{ path: ['tools', 't7'], system: 'x86_64-linux', words: 't7 is deprecated, use t8' }]]);
	match(diff('text', base, head), /The evaluator gives 1 warning that the base does not\n  tools\.t7[^\n]*: t7 is deprecated, use t8/);
	equal(cost(head, commit({ README: 'd' })).warnings, 0);
});

test('the repository says from which growth on it is a warning, or that it is not told', () => {
	const limits = wish => ({ '.ekaci/config.json': JSON.stringify({ jobs: { all: { file: 'default.nix' } }, evaluation_cost: wish }) });
	const told = wish => {
		const base = commit({ 'default.nix': top(), 'tools/t7.nix': '2000\n', ...limits(wish) }), head = commit({ 'tools/t7.nix': '30000\n' });
		return spawnSync(program, ['diff', base, head, '--no-proof', '--workers', '2', '--format', 'text'], { cwd: repo, env, encoding: 'utf8' }).stdout;
	};
	match(told({ warn_above_percent: 5 }), /Warning: evaluation \+1\d % allocations, above the limit of 5 %/);
	match(told({ warn_above_percent: 50 }), /\n\s*Evaluation \+1\d % allocations \(/);
	match(told({ warn_above_percent: 0 }), /\n\s*Evaluation \+1\d % allocations \(/);
	ok(!/allocations/.test(told({ enabled: false })));
}, { skip });

await run({ limit_ms: 120000, before_end: async () => fs.rmSync(dir, { recursive: true, force: true }) });
