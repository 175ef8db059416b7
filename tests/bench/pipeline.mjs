// The bot as a whole, on the demo repository: one line a figure, name, value, unit.
//   docs_only_s            webhook delivered -> both check runs concluded at the stand-in; median of 7, docs-only change
//   idle_memory_mb         resident memory of the bot afterwards (and what is its own alone)
//   pipeline_total_s       the pull request `bump` from event to end; median of 7, each with a repository and a bot of its own
//   pipeline_own_s         what of it was neither Nix nor git
//   pipeline_share_percent the same as a share

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { begin } from '../e2e/lib.js';

const median = list => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
const print = (name, value, unit, goal = '') => console.log(`${name} ${value} ${unit}${goal && `  (goal: ${goal})`}`);
const sql = (scene, query) => execFileSync('sqlite3', ['-readonly', path.join(scene.dir, 'state/ekaci.db'), query],
	{ encoding: 'utf8' }).trim();

async function docs_only()
{
	const scene = await begin();
	const seconds = [];
	for (let i = 0; i < 7; i++) {
		const branch = `docs-${i}`;
		await scene.github.do('commit', { repo: scene.repo, branch, parent: 'docs', deliver: false,
			files: { 'doc/more.md': `once more: ${i}\n` }, message: 'doc: more' });
		const { pull } = await scene.open(branch, { deliver: true });
		const since = Date.now();
		await scene.until('check_runs', { repo: scene.repo, head_sha: pull.head.sha },
			all => all.length === 2 && all.every(c => c.status === 'completed'));
		seconds.push((Date.now() - since) / 1000);
		/* A quiet while, as between two pull requests: GitHub's pace counts over both. */
		await new Promise(resolve => setTimeout(resolve, 4000));
	}
	print('docs_only_s', median(seconds).toFixed(3), 's', 'under 0.3');
	const status = fs.readFileSync(`/proc/${scene.bot.child.pid}/status`, 'utf8');
	const mb = key => (Number(status.match(new RegExp(`${key}:\\s+(\\d+)`))[1]) / 1024).toFixed(1);
	print('idle_memory_mb', mb('VmRSS'), 'MB', 'under 20');
	print('idle_memory_own_mb', mb('RssAnon'), 'MB');
	await scene.end();
}

// Milliseconds in which at least one of the intervals [from, to] was open.
function covered(intervals)
{
	let sum = 0, end = -Infinity;
	for (const [from, to] of intervals.sort((a, b) => a[0] - b[0])) {
		sum += Math.max(0, to - Math.max(from, end));
		end = Math.max(end, to);
	}
	return sum;
}

// One pull request, from a bot just started: milliseconds in all, and of them what was neither Nix nor git.
async function one_pull()
{
	const scene = await begin();
	const { pull } = await scene.open('bump');
	await scene.until('check_runs', { repo: scene.repo, head_sha: pull.head.sha },
		all => all.length === 2 && all.every(c => c.status === 'completed'), 120000);
	const [total, outside] = sql(scene, 'SELECT ended - created, outside_ms FROM run').split('|').map(Number);
	const builds = sql(scene, 'SELECT ended - wall_ms, ended FROM build WHERE wall_ms > 0').split('\n')
		.map(line => line.split('|').map(Number));
	await scene.end();
	return { total, own: total - outside - covered(builds) };
}

async function share()
{
	const runs = [];
	for (let i = 0; i < 7; i++)
		runs.push(await one_pull());
	print('pipeline_total_s', (median(runs.map(r => r.total)) / 1000).toFixed(2), 's');
	print('pipeline_own_s', (median(runs.map(r => r.own)) / 1000).toFixed(3), 's');
	print('pipeline_share_percent', median(runs.map(r => 100 * r.own / r.total)).toFixed(1), '%', 'under 10');
}

await docs_only();
await share();
