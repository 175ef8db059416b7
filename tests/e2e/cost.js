// What a change costs, which branch it belongs on by that, how good the estimate was, and how far the rebuilds are from what differs:
// by the bot and by `ekaci diff`, held against durations and references that were read elsewhere.

import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { begin, equal, match, nix_config, ok, program, run, test } from './lib.js';
import { eventually, figure, finished, report_of } from './scenes.js';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-cost-'));
const repo = path.join(dir, 'repo');
const env = { NIX_CONFIG: nix_config, ...process.env, XDG_CACHE_HOME: path.join(dir, 'cache'),
	GIT_CONFIG_GLOBAL: '/dev/null', GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@example.org',
	GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@example.org' };
const git = (...args) => execFileSync('git', ['-C', repo, ...args], { encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'ignore'] }).trim();

// core <- lib, which is no attribute, <- app and tool, which also needs core; other stays as it is.
const salt = `${process.pid}-${Date.now()}`;
const expr = core => `let
  mk = name: version: deps: derivation { inherit version deps; name = "\${name}-\${version}"; system = builtins.currentSystem; builder = "/bin/sh";
    salt = "${salt}"; args = [ "-c" "echo \${version} > $out" ]; };
  lib = mk "lib" "1" [ core ];
  core = mk "core" "${core}" [];
in { inherit core; app = mk "app" "1" [ lib ]; tool = mk "tool" "1" [ lib core ]; other = mk "other" "1" []; }\n`;
const config = hours => JSON.stringify({ jobs: { all: { file: 'default.nix' } },
	budget: { up_to: [{ machine_hours: hours, branch: 'main' }], above: 'staging' } });
const tiny = 0.000001; /* 3 ms: four builds of a millisecond are more */

function branch(name, files)
{
	git('checkout', '-q', '-b', name, 'main');
	for (const [file, text] of Object.entries(files))
		fs.writeFileSync(path.join(repo, file), text);
	git('add', '-A');
	git('commit', '-q', '-m', name);
	return git('rev-parse', 'HEAD');
}

fs.mkdirSync(path.join(repo, '.ekaci'), { recursive: true });
git('init', '-q', '--initial-branch=main');
fs.writeFileSync(path.join(repo, 'default.nix'), expr(1));
fs.writeFileSync(path.join(repo, '.ekaci/config.json'), config(tiny));
git('add', '-A');
git('commit', '-q', '-m', 'start');
branch('two', { 'default.nix': expr(2) });
branch('three', { 'default.nix': expr(3), '.ekaci/config.json': config(1000) });
branch('again', { 'default.nix': expr(3), 'README': 'the same derivations\n' });
branch('four', { 'default.nix': expr(4) });
branch('five', { 'default.nix': expr(5) });
git('branch', 'staging', 'main');
git('checkout', '-q', 'main');

const diff = (head, ...args) => {
	const { status, stdout, stderr } = spawnSync(program, ['diff', '--repo', repo, 'main', head, ...args],
		{ encoding: 'utf8', timeout: 60000, maxBuffer: 1 << 26, env });
	equal(status, 0, stderr);
	return args.includes('json') ? JSON.parse(stdout) : stdout;
};
const durations = () => JSON.parse(fs.readFileSync(path.join(dir, 'cache/ekaci/durations.json'), 'utf8'));
const sum = list => list.reduce((a, b) => a + b, 0);

test('ekaci diff --cost: without any duration there is no advice, and it says of how many they are known', () => {
	const report = diff('two', '--cost', '--format', 'json');
	equal([report.query.to_build, report.query.changed, report.query.cost.builds, report.query.cost.known], [4, 4, 4, 0]);
	equal([report.advice.branch, report.advice.at_least, report.estimated], [null, 'main', null]);
	match(diff('two', '--cost'), /of none of 4 derivations\s+it is known how long it takes/);
	ok(!fs.existsSync(path.join(dir, 'cache/ekaci/durations.json')), 'nothing was built');
});

test('ekaci diff --build keeps what it took, and the next question knows', () => {
	const built = diff('two', '--build', '--format', 'json');
	equal([built.builds.built, built.estimated], [3, null]);
	const known = durations();
	equal(known.map(d => d.name).sort(), ['app', 'core', 'lib', 'tool']);
	for (const d of known)
		equal(d.ms.length, 1);
	const took = sum(known.map(d => d.ms[0]));
	const report = diff('three', '--cost', '--format', 'json');
	equal([report.query.cost.builds, report.query.cost.known, report.query.cost.ms, report.query.cost.cached], [4, 4, took, 0]);
	equal([...report.query.cost.dearest.map(d => d.ms)].sort((a, b) => b - a), known.map(d => d.ms[0]).sort((a, b) => b - a));
	equal([report.advice.branch, report.advice.near, report.advice.against], ['staging', false, null]);
	match(diff('three', '--cost'), /The whole change is 4 derivations: .* of machine time[^]*By its cost this\s+belongs on\s+staging/);
	match(diff('three', '--cost', '--format', 'markdown'), /\*\*By its cost this belongs on `staging`\*\*/);
	match(diff('three', '--cost', '--format', 'html'), /By its cost this belongs on <code>staging<\/code>/);
	/* Once it is built it costs as much, and the estimate is held against what it took. */
	const then = diff('three', '--build', '--format', 'json');
	const added = sum(durations().map(d => d.ms[1]));
	equal([then.estimated.builds, then.estimated.known, then.estimated.expected_ms, then.estimated.took_ms], [4, 4, took, added]);
	equal([then.advice.branch, then.query.cost.ms], ['staging', took]);
	const there = diff('three', '--cost', '--format', 'json');
	equal([there.query.to_build, there.query.cost.builds, there.query.cost.cached, there.query.cost.cached_known], [0, 4, 4, 4]);
	equal(there.advice.branch, 'staging');
});

test('a file of durations that is no such file is told, and is no reason to stop', () => {
	const file = path.join(dir, 'cache/ekaci/durations.json'), was = fs.readFileSync(file);
	fs.writeFileSync(file, '[{"name":3}]');
	const { status, stdout, stderr } = spawnSync(program, ['diff', '--repo', repo, 'main', 'four', '--cost', '--format', 'json'],
		{ encoding: 'utf8', timeout: 60000, env });
	equal([status, JSON.parse(stdout).query.cost.known], [0, 0]);
	match(stderr, /how long builds took before is not known: .*durations\.json/);
	fs.writeFileSync(file, was);
});

test('the histogram is that of a search through the store\'s references', () => {
	const report = diff('two', '--format', 'json');
	const drvs = JSON.parse(execFileSync('nix-instantiate', ['--eval', '--strict', '--json', '-E',
		`builtins.mapAttrs (n: v: v.drvPath) (${expr(2)})`], { env, encoding: 'utf8' }));
	execFileSync('nix-instantiate', ['-E', expr(2)], { env, stdio: 'ignore' });
	const needs = drv => execFileSync('nix-store', ['-q', '--references', drv], { env, encoding: 'utf8' }).split('\n').filter(l => l.endsWith('.drv'));
	const far = new Map([[drvs.core, 0]]);
	const steps = drv => {
		if (!far.has(drv))
			far.set(drv, 1 + Math.min(Infinity, ...needs(drv).map(steps)));
		return far.get(drv);
	};
	Object.values(drvs).forEach(steps);
	const at = n => [...far.values()].filter(v => v === n).length;
	equal(report.distances.at.map(d => d.derivations), [at(0), at(1), at(2)]);
	equal([report.distances.longest, report.distances.none.derivations, report.distances.beyond.derivations], [2, 0, 0]);
	const told = Object.fromEntries(report.attributes.map(a => [a.path[0], [a.cause.distance, a.dependents]]));
	equal(told, { core: [far.get(drvs.core), 2], app: [far.get(drvs.app), 0], tool: [far.get(drvs.tool), 0] });
	match(diff('two'), /Where it goes, in steps from what differs by itself\n {2}0: 1 derivation, 1 attribute/);
	match(diff('two', '--format', 'markdown'), /Where it goes: 4 derivations, up to 2 steps/);
});

// The derivations of the bot are others, so that nothing of it was built by the tests above.
let scene;
const reports = {};
async function pulled(head, more = {})
{
	const { pull } = await scene.open(head, more);
	const checks = await finished(scene, pull.head.sha);
	return { ...checks, pull, report: await report_of(scene, checks.rebuilds) };
}

test('the bot: nothing is known at first, then the change belongs elsewhere, whatever the change says itself', async () => {
	for (const name of ['main', 'two', 'three', 'again', 'four', 'five', 'staging']) {
		git('checkout', '-q', name);
		fs.writeFileSync(path.join(repo, 'default.nix'), fs.readFileSync(path.join(repo, 'default.nix'), 'utf8').replace(salt, `${salt}-bot`));
		git('commit', '-q', '-a', '-m', 'another salt');
	}
	git('checkout', '-q', 'main');
	scene = await begin({ from: path.join(repo, '.git') });
	const first = await pulled('two');
	equal([first.report.advice.branch, first.report.advice.known, first.report.estimated], [null, 0, null]);
	match(first.rebuilds.output.summary, /Which branch this belongs on by its cost is not known: of none of 4 derivations/);
	reports.three = await pulled('three');
	const { report, rebuilds, pull } = reports.three;
	equal([report.advice.branch, report.advice.against, report.advice.known, report.advice.builds], ['staging', 'main', 4, 4]);
	equal(report.query.cost.known, 4);
	equal([report.estimated.builds, report.estimated.known, report.estimated.expected_ms], [4, 4, report.query.cost.ms]);
	for (const text of [rebuilds.output.summary, (await scene.until_comment(pull.number, c => /By its cost/.test(c.body))).body])
		match(text, /\*\*By its cost this belongs on `staging`\*\*; it is made against `main`/);
	match(rebuilds.output.summary, /4 builds that succeeded took .* where .* was expected/);
	match(rebuilds.output.summary, /Where it goes: 4 derivations, up to 2 steps/);
});

test('the metric counts the one run whose durations were known', async () => {
	await eventually('the metric', async () => await figure(scene, 'estimate_ratio_count') === 1);
});

test('what is there already costs as much: the advice stays', async () => {
	const { report } = await pulled('again');
	equal([report.query.to_build, report.query.cost.builds, report.query.cost.cached, report.query.cost.cached_known], [0, 4, 4, 4]);
	equal([report.advice.branch, report.estimated], ['staging', null]);
});

test('made against the branch it belongs on, it says so', async () => {
	const { report, rebuilds } = await pulled('four', { base: 'staging' });
	equal([report.advice.branch, report.advice.against], ['staging', 'staging']);
	match(rebuilds.output.summary, /belongs on `staging`\*\*, which it is made against/);
});

test('an operator who keeps it to himself has no advice told, and the cost all the same', async () => {
	await scene.bot.stop();
	scene.configure({ report: { repositories_decide: ['comment'] } });
	await scene.bot.start();
	const { report, rebuilds } = await pulled('five');
	equal([report.advice, report.query.cost.known], [null, 4]);
	match(rebuilds.output.summary, /The whole change is 4 derivations/);
	ok(!/its cost this belongs/.test(rebuilds.output.summary));
	await scene.end();
});

test('check-config names a mistake in a budget with its place', () => {
	const file = path.join(dir, 'config.json');
	fs.writeFileSync(file, '{ "budget": {\n  "up_to": [{ "machine_hours": "two", "branch": "main" }],\n  "above": "staging" } }\n');
	const { status, stdout, stderr } = spawnSync(program, ['check-config', file], { encoding: 'utf8' });
	ok(status !== 0);
	match(stdout + stderr, /config\.json:2:\d+: budget\.up_to\[0\]\.machine_hours must be a number, not text/);
	fs.rmSync(dir, { recursive: true, force: true });
});

await run({ limit_ms: 100000 });
