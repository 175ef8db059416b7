// /metrics: clean for promtool, every metric of the table there from the start, no series that vanishes, the right numbers; and the
// log as key=value, a line for each delivery, run and build, without a secret.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { equal, match, ok, run, top } from './lib.js';
import { delivered, finished, scene_test } from './scenes.js';

const promtool = spawnSync('promtool', ['--version']).status === 0;
if (!promtool)
	process.stdout.write('# promtool is not installed (package prometheus): what it finds is not looked for\n');

const series = text => new Map(text.split('\n').filter(l => l && !l.startsWith('#')).map(l => {
	const at = l.lastIndexOf(' ');
	return [l.slice(0, at), Number(l.slice(at + 1))];
}));
const family = name => name.replace(/\{.*/, '').replace(/_(bucket|sum|count)$/, '');
const table = [...fs.readFileSync(path.join(top, 'deploy/README.md'), 'utf8').matchAll(/^\| `((?:ekaci|process)_\w+)` \|/gm)].map(m => m[1]);

async function scrape(scene)
{
	const { status, text } = await scene.bot.get('/metrics');
	equal(status, 200);
	if (promtool) {
		const { status: found, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
		equal([found, stdout + stderr], [0, ''], text);
	}
	const names = [...text.matchAll(/^# TYPE (\w+) \w+$/gm)].map(m => m[1]);
	equal([...names].sort(), [...table].sort(), 'the table in deploy/README.md is what is shown');
	equal(new Set(names).size, names.length, 'each once');
	return series(text);
}

scene_test('metrics before and after a pull request that rebuilds', {}, async scene => {
	const before = await scrape(scene);
	const empty = table.filter(name => ![...before.keys()].some(k => family(k) === name));
	equal(empty.filter(name => name !== 'ekaci_http_requests_total'), [], 'each has a series from the start');
	match([...before.keys()].join('\n'), /^ekaci_build_info\{version="[\d.]+[^"]*"\}$/m);

	const { pull } = await scene.open('bump');
	await finished(scene, pull.head.sha);
	const docs = (await scene.open('docs')).pull;
	await finished(scene, docs.head.sha);
	await delivered(scene);
	const after = await scrape(scene);
	const gone = [...before.keys()].filter(k => !after.has(k));
	equal(gone, [], 'nothing vanishes');
	const system = spawnSync('nix-instantiate', ['--eval', '-E', 'builtins.currentSystem'], { encoding: 'utf8' }).stdout.trim().replaceAll('"', '');
	const is = (name, value) => equal(after.get(name), value, name);
	is('ekaci_runs_ended_total{state="done"}', 2);
	is('ekaci_run_seconds_count', 2);
	is('ekaci_runs_skipped_total{rule="docs-only"}', 1);
	is('ekaci_evaluations_total{result="evaluated"}', 2);
	is('ekaci_evaluation_seconds_count', 2);
	is(`ekaci_run_rebuilds_count{system="${system}"}`, 1);
	ok(after.get(`ekaci_run_rebuilds_sum{system="${system}"}`) > 10);
	ok(after.get('ekaci_blast_radius_derivations_count') > 0 && after.get('ekaci_blast_radius_derivations_sum') >= 14);
	const built = after.get('ekaci_builds_built_total') + after.get('ekaci_builds_failed_total');
	ok(built > 10);
	is(`ekaci_build_seconds_count{system="${system}"}`, built);
	is(`ekaci_build_wait_seconds_count{system="${system}"}`, built);
	is(`ekaci_build_wait_seconds_bucket{system="${system}",le="+Inf"}`, built);
	is(`ekaci_builds{state="building",system="${system}"}`, 0);
	ok(after.get('ekaci_derivations_total{result="to_build"}') > 10);
	ok(after.get('ekaci_deliveries_total{result="stored"}') >= 2);
	ok(after.get('ekaci_loop_callback_seconds_count') > 10 && after.get('ekaci_loop_longest_callback_seconds') > 0);
	ok(after.get('ekaci_github_hour_writes') > 0 && after.get('ekaci_github_rate_remaining') > 0);
	ok(after.get('ekaci_database_bytes') > 100000 && after.get('ekaci_filesystem_free_bytes{of="state"}') > 0 &&
		after.get('ekaci_filesystem_size_bytes{of="store"}') > 0);
	ok(Math.abs(after.get('process_start_time_seconds') - Date.now() / 1000) < 300);
});

// key=value pairs of a line; throws on what is none.
function logfmt(line)
{
	const out = {};
	let rest = line;
	while (rest) {
		const m = rest.match(/^([a-z_]+)=(?:"((?:[^"\\]|\\.)*)"|([^" =]*))(?: |$)/);
		if (!m)
			throw new Error(`no logfmt: ${rest}\nof: ${line}`);
		out[m[1]] = m[2] !== undefined ? m[2] : m[3];
		rest = rest.slice(m[0].length);
	}
	return out;
}

scene_test('the log has a line for each delivery, run and build, as key=value, and no secret', { config: { log: { format: 'logfmt', level: 'debug' } } }, async scene => {
	const { pull } = await scene.open('games');
	await finished(scene, pull.head.sha);
	await delivered(scene);
	const text = scene.bot.log_text();
	const lines = text.trim().split('\n').map(logfmt);
	for (const l of lines) {
		match(l.ts, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
		match(l.level, /^(debug|info|warning|error)$/);
		ok(l.msg);
	}
	const all = msg => lines.filter(l => l.msg === msg || (msg === 'build' && l.msg.startsWith('build ')));
	const stored = series((await scene.bot.get('/metrics')).text).get('ekaci_deliveries_total{result="stored"}');
	equal(all('delivery').length, stored);
	const opened = all('delivery').find(l => l.event === 'pull_request');
	match(opened.guid, /^[0-9a-f-]{36}$/);
	equal([opened.repo, opened.of, opened.outcome], ['org/demo', '#1', 'pull_request opened']);
	equal(all('run begins').map(l => [l.run, l.repo, l.of, l.head]), [['1', 'org/demo', '#1', pull.head.sha]]);
	const [verdict, ...more] = all('verdict');
	equal([verdict.run, verdict.repo, verdict.of, verdict.head, verdict.verdict, more], ['1', 'org/demo', '#1', pull.head.sha, 'success', []]);
	match(verdict.duration_s, /^\d+\.\d{3}$/);
	const builds = all('build');
	ok(builds.length > 0);
	for (const b of builds)
		equal([b.repo, b.of, b.run, b.builder, /^\d+\.\d{3}$/.test(b.duration_s)], ['org/demo', '#1', '1', 'here', true]);
	const key = scene.private_key.split('\n')[1];
	for (const secret of [scene.secret, key, 'ghs_', 'x-access-token', 'Bearer'])
		ok(!text.includes(secret), 'a secret is in the log');
});

await run({ limit_ms: 100000, at_once: 2 });
