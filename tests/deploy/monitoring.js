// deploy/alerts.yml and deploy/grafana.json: only over metrics that there are (tests/e2e/metrics.js holds the table against /metrics), and
// each alert fires when it should and is silent when it should not, by promtool.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { equal, match, ok, run, test, top } from '../e2e/lib.js';

const read = name => fs.readFileSync(path.join(top, 'deploy', name), 'utf8');
const rules = path.join(top, 'deploy/alerts.yml');
const promtool = (...args) => spawnSync('promtool', args, { encoding: 'utf8' });
const skipped = promtool('--version').status === 0 ? '' : ' # SKIP promtool is not installed: deploy/dependencies.sh deploy';
const table = new Map([...read('README.md').matchAll(/^\| `((?:ekaci|process)_\w+)` \| (\w+) \| ([\w, ]*) \|/gm)]
	.map(m => [m[1], { type: m[2], labels: m[3].split(/[, ]+/).filter(Boolean) }]));

// Every metric of an expression, with the labels that are asked of it.
function hold(expr, where)
{
	const seen = [...expr.matchAll(/\b((?:ekaci|process)_\w+)(?:\{([^}]*)\})?/g)];
	ok(seen.length > 0 || /^vector\(|up\{/.test(expr), `${where}: nothing of ours in ${expr}`);
	for (const [, name, labels = ''] of seen) {
		const family = table.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '');
		const is = table.get(family);
		ok(is, `${where}: there is no ${name}`);
		equal(is.type === 'histogram', family !== name, `${where}: ${name} is a ${is.type}`);
		ok(is.type !== 'counter' || /(rate|increase)\($/.test(expr.slice(0, expr.indexOf(name))), `${where}: ${name} only grows`);
		for (const [, label] of labels.matchAll(/(\w+)\s*=/g))
			ok(['job', 'instance', 'le', ...is.labels].includes(label), `${where}: ${name} has no label ${label}`);
	}
	const known = new Set(['job', 'instance', 'le', ...seen.flatMap(([, name]) =>
		(table.get(name) || table.get(name.replace(/_(bucket|sum|count)$/, ''))).labels)]);
	for (const [, by] of expr.matchAll(/\bby \(([^)]*)\)/g))
		for (const label of by.split(/[, ]+/))
			ok(known.has(label), `${where}: by ${label}`);
}

test('what the board shows there is, each panel once, and it can be imported', () => {
	const board = JSON.parse(read('grafana.json'));
	const panels = board.panels.filter(p => p.type !== 'row');
	ok(panels.length > 20);
	equal(new Set(board.panels.map(p => p.id)).size, board.panels.length);
	equal(board.templating.list.map(v => v.name), ['datasource', 'instance']);
	const places = new Set();
	for (const p of panels) {
		ok(p.targets.length > 0 && p.datasource.uid === '${datasource}', p.title);
		for (let x = p.gridPos.x; x < p.gridPos.x + p.gridPos.w; x++)
			for (let y = p.gridPos.y; y < p.gridPos.y + p.gridPos.h; y++) {
				ok(x < 24 && !places.has(`${x} ${y}`), `${p.title} lies over another`);
				places.add(`${x} ${y}`);
			}
		for (const t of p.targets)
			hold(t.expr, p.title);
	}
	const shown = panels.flatMap(p => p.targets.map(t => t.expr)).join('\n');
	for (const name of ['ekaci_run_rebuilds', 'ekaci_blast_radius', 'ekaci_runs_skipped', 'ekaci_evaluation_seconds', 'ekaci_build_wait', 'ekaci_builds{',
		'ekaci_derivations', 'ekaci_deliveries_total', 'ekaci_github_hour_writes', 'ekaci_send_parked', 'ekaci_loop', 'ekaci_database', 'ekaci_build_info'])
		ok(shown.includes(name), `${name} is shown nowhere`);
});

// The expressions of the board are PromQL, which promtool reads as rules do.
test(`promtool finds nothing wrong with the rules, nor with the board's expressions${skipped}`, () => {
	if (skipped)
		return;
	const { status, stdout, stderr } = promtool('check', 'rules', rules);
	equal([status, stderr], [0, '']);
	match(stdout, new RegExp(`SUCCESS: ${names.length} rules found`));
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-board-'));
	const of_board = JSON.parse(read('grafana.json')).panels.flatMap(p => (p.targets || []).map(t => t.expr
		.replaceAll('$__rate_interval', '5m').replaceAll('$instance', '.*')));
	fs.writeFileSync(path.join(dir, 'board.yml'), JSON.stringify({ groups: [{ name: 'board', rules: of_board.map((expr, n) => ({ record: `a:${n}`, expr })) }] }));
	const board = promtool('check', 'rules', path.join(dir, 'board.yml'));
	fs.rmSync(dir, { recursive: true });
	equal([board.status, board.stderr], [0, '']);
});

const text = read('alerts.yml');
const names = [...text.matchAll(/- alert: (\w+)/g)].map(m => m[1]);

test('the rules are over what there is, and each says what to do', () => {
	ok(names.length > 10);
	equal(new Set(names).size, names.length);
	for (const rule of text.split('- alert: ').slice(1)) {
		const name = rule.match(/^\w+/)[0];
		hold(rule.match(/expr: (?:>\n)?([^]*?)\n {8}(?:for|labels):/)[1], name);
		match(rule, /severity: (page|ticket)}/, name);
		match(rule, /summary: .{20}/, name);
		match(rule, /description: .{12}/, name);
	}
});

// For each alert: series under which it fires (with the labels and the time, in minutes), and ones under which it does not.
// "0+1x60": from 0, one more each minute, 60 times.
const of = (name, labels = '') => `ekaci_${name}{instance="a"${labels && `,${labels}`}}`;
const disk = (free, size = '1e12') => ({ [of('filesystem_free_bytes', 'of="state"')]: free, [of('filesystem_size_bytes', 'of="state"')]: `${size}x600` });
const waits = (slow, all) => ({ [of('build_wait_seconds_bucket', 'system="x86_64-linux",le="3600"')]: `0+${all - slow}x200`,
	[of('build_wait_seconds_bucket', 'system="x86_64-linux",le="14400"')]: `0+${all}x200`, [of('build_wait_seconds_bucket', 'system="x86_64-linux",le="+Inf"')]: `0+${all}x200` });
const evaluations = (incomplete, good) => ({ [of('evaluations_total', 'result="incomplete"')]: `0+${incomplete}x400`, [of('evaluations_total', 'result="evaluated"')]: `0+${good}x400` });
const cases = {
	EkaciDown: { at: 10, fires: { 'up{job="ekaci",instance="a"}': '0x20' }, silent: { 'up{job="ekaci",instance="a"}': '0x3 1x20' } },
	EkaciRestarts: { at: 50, fires: { 'process_start_time_seconds{job="ekaci",instance="a"}': '1x9 2x9 3x9 4x9 5x20' },
		silent: { 'process_start_time_seconds{job="ekaci",instance="a"}': '1x30 2x30' } },
	EkaciDeliveriesFailed: { at: 20, fires: { [of('deliveries_total', 'result="failed"')]: '0x10 1x20' }, silent: { [of('deliveries_total', 'result="failed"')]: '7x30' } },
	EkaciDeliveriesRefused: { at: 60, fires: { [of('deliveries_total', 'result="refused"')]: '0+1x70' }, silent: { [of('deliveries_total', 'result="refused"')]: '0x50 4x30' } },
	EkaciDeliveriesWait: { at: 30, fires: { [of('deliveries_waiting', 'state="new"')]: '3x40' }, silent: { [of('deliveries_waiting', 'state="new"')]: '3x9 0 3x9 0 3x9 0 3x9' } },
	EkaciReportsLate: { at: 20, fires: { [of('send_oldest_seconds')]: '500+60x30', [of('send_queue')]: '3x30', [of('send_given_up')]: '0x30' },
		// What is refused for good is old, and another alert's.
		silent: { [of('send_oldest_seconds')]: '5000x30', [of('send_queue')]: '3x30', [of('send_given_up')]: '3x30' } },
	EkaciReportsRefused: { at: 70, fires: { [of('send_parked')]: '2x80' }, silent: { [of('send_parked')]: '2x30 0x50' } },
	EkaciGitHubUnreachable: { at: 60, fires: { [of('github_unreachable_total')]: '0+1x80', [of('github_broken_total')]: '0x80' },
		silent: { [of('github_unreachable_total')]: '0x20 3x60', [of('github_broken_total')]: '0+1x80' } },
	EkaciGitHubLimit: { at: 30, fires: { [of('github_hour_writes')]: '480x40' }, silent: { [of('github_hour_writes')]: '430x40' } },
	EkaciDiskFull: { at: 20, fires: disk('3e10x600'), silent: disk('3e11x600') },
	EkaciDiskFills: { at: 500, fires: disk('9e11-1e9x600'), silent: disk('9e11-1e7x600') },
	EkaciNothingEnds: { at: 200, fires: { [of('runs', 'state="building"')]: '2x300', [of('runs_ended_total', 'state="done"')]: '9x300' },
		silent: { [of('runs', 'state="building"')]: '2x300', [of('runs_ended_total', 'state="done"')]: '9x100 10x200' } },
	EkaciBuildsStand: { at: 40, fires: { [of('builds', 'state="queued",system="aarch64-linux"')]: '5x60', [of('builds', 'state="building",system="aarch64-linux"')]: '0x60',
		[of('builds', 'state="building",system="x86_64-linux"')]: '4x60' },
		silent: { [of('builds', 'state="queued",system="x86_64-linux"')]: '5x60', [of('builds', 'state="building",system="x86_64-linux"')]: '1x60' } },
	EkaciBuildersBusy: { at: 150, fires: waits(3, 10), silent: waits(0, 10) },
	EkaciEvaluationsIncomplete: { at: 390, fires: evaluations(1, 2), silent: evaluations(1, 9) },
	EkaciSlow: { at: 30, fires: { [of('loop_callback_seconds_count')]: '0+100x60', [of('loop_callback_seconds_bucket', 'le="0.5"')]: '0+99x60' },
		silent: { [of('loop_callback_seconds_count')]: '0+100x60', [of('loop_callback_seconds_bucket', 'le="0.5"')]: '0+100x60' } },
};

test(`each alert fires when it should and not otherwise, an alert for which nobody says so fails${skipped}`, () => {
	equal(Object.keys(cases).sort(), [...names].sort());
	if (skipped)
		return;
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-alerts-'));
	// promtool compares whole alerts, so it is asked for the number of those that fire.
	const one = (name, series, at, value) => ({ interval: '1m', input_series: Object.entries(series).map(([s, values]) => ({ series: s, values })),
		promql_expr_test: [{ expr: `count(ALERTS{alertname="${name}",alertstate="firing"}) or vector(0)`, eval_time: `${at}m`, exp_samples: [{ value, labels: '{}' }] }] });
	const told = (name, tests) => {
		fs.writeFileSync(path.join(dir, 'test.yml'), JSON.stringify({ rule_files: [rules], evaluation_interval: '1m', tests }));
		const { status, stdout, stderr } = promtool('test', 'rules', path.join(dir, 'test.yml'));
		return status === 0 ? '' : `${name}: ${stdout}${stderr}`;
	};
	const wrong = Object.entries(cases).map(([name, c]) => told(name, [one(name, c.fires, c.at, 1), one(name, c.silent, c.at, 0)])).filter(Boolean);
	equal(wrong, []);
	// And what is asked so can fail.
	ok(told('EkaciDown', [one('EkaciDown', cases.EkaciDown.silent, 10, 1)]));
	fs.rmSync(dir, { recursive: true });
});

await run();
