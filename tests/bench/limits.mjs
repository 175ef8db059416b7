// What the bot asks of GitHub, and how soon people see what they wait for, with github.com's limits on.
//   pull200_requests            the pull request of 200 rebuilds, 20 of which fail: requests from opened to done, git's apart
//   pull200_content_writes      of them what creates content beside check runs
//   ten_conclusion_s            ten of them at once: the longest wait of a conclusion, from the end of the run to both checks
//   ten_reply_s                 of a reply, from the comment
//   ten_first_check_s           of the first check, from opened
//   ten_first_comment_s         of the first comment, from when base and head are compared: before that it has nothing to say
//   reconcile500_requests       500 open pull requests after an outage in which nothing changed: requests
//   reconcile500_s              and seconds from the start of the bot
//   last_build_to_check_p50_ms  the end of a run's last build to its concluded check, of small pull requests and the ten
//   last_build_to_check_p99_ms

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { begin } from '../e2e/lib.js';
import { make_many } from '../e2e/many.js';
import { delivered, eventually, figure, finished } from '../e2e/scenes.js';

const LIMITS = { writes_per_minute: 80, writes_per_hour: 500, points_per_minute: 900, concurrent: 100 };
const PACKAGES = 200, BROKEN = 20, AT_ONCE = 10, SMALL = 30, HOUR_S = 3600;
const LONG_MS = 1200000;

const print = (name, value, unit, goal = '') => console.log(`${name} ${value} ${unit}${goal && `  (goal: ${goal})`}`);
const percentile = (list, p) => [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * p / 100))];
const sleep = ms => new Promise(resolve => setTimeout(resolve, ms));
const sql = (scene, query) => execFileSync('sqlite3', ['-readonly', path.join(scene.dir, 'state/ekaci.db'), query],
	{ encoding: 'utf8' }).trim();
const asked = async scene => (await scene.github.ask('requests')).filter(r => r.route !== 'git' && !/access_tokens$/.test(r.path));
const is_content = r => r.method !== 'GET' && !/\/check-runs/.test(r.path);

// When both checks of the head were concluded, by the stand-in's clock, which is ours.
async function concluded_ms(scene, head)
{
	const checks = await scene.checks(head);
	return Math.max(...checks.map(c => c.history.find(h => h.status === 'completed').ms));
}

// What the store has of the run of a pull request: when it ended, and the last of its builds.
function run_of(scene, number)
{
	const [ended, built, compared] = sql(scene, `SELECT r.ended, (SELECT max(b.ended) FROM build_want w JOIN build b ON b.id = w.build
		WHERE w.run = r.id), (SELECT e.at FROM run_event e WHERE e.run = r.id AND e.to_state = 'diffed') FROM run r
		WHERE r.number = ${number} ORDER BY r.id DESC LIMIT 1`).split('|').map(Number);
	return { ended, built, compared };
}

const wide = name => ({ name, broken: BROKEN });

// Requests of the pull request of 200 rebuilds, and then small ones, at a pace that github.com allows.
async function one(dir, last)
{
	const small = Array.from({ length: SMALL }, (_, n) => ({ name: `small-${n}`, only: [BROKEN + n] }));
	const scene = await begin({ settings: LIMITS, from: make_many(path.join(dir, 'one'),
		{ packages: PACKAGES, branches: [wide('all'), ...small] }) });
	const note = async pull => last.push(await concluded_ms(scene, pull.head.sha) - run_of(scene, pull.number).built);

	try {
		const { pull } = await scene.open('all');
		await finished(scene, pull.head.sha, { limit_ms: LONG_MS });
		await delivered(scene, LONG_MS);
		const all = await asked(scene);
		if (process.env.EKACI_KEEP)
			all.forEach(r => console.log(`# ${r.at} ${r.method} ${r.path}`));
		print('pull200_requests', all.length, 'requests', '25');
		print('pull200_content_writes', all.filter(is_content).length, 'requests', '4');
		await note(pull);
		for (const { name } of small) {
			await sleep(5000);
			const { pull: next } = await scene.open(name);
			await finished(scene, next.head.sha, { limit_ms: LONG_MS });
			await note(next);
		}
	} finally {
		await scene.end();
	}
}

// The first of our writes below a route, in ms.
const first_ms = (all, route) => all.find(r => r.method === 'POST' && route.test(r.path)).ms;

async function ten(dir, last)
{
	const names = Array.from({ length: AT_ONCE }, (_, n) => `ten-${n}`);
	const scene = await begin({ settings: LIMITS, from: make_many(path.join(dir, 'ten'), { packages: PACKAGES, branches: names.map(wide) }) });
	const replies = [], firsts = [], comments = [], conclusions = [];

	try {
		const opened = [];
		for (const name of names)
			opened.push({ since: Date.now(), ...await scene.open(name) });
		const ends = opened.map(({ pull }) => finished(scene, pull.head.sha, { limit_ms: LONG_MS }));
		let busy = true;
		Promise.all(ends).finally(() => { busy = false; }).catch(() => {});
		for (let n = 0; busy; n++) {
			const { pull } = opened[n % AT_ONCE];
			const since = Date.now();
			await scene.say(pull.number, '/ekaci status', { user: `user-${n}` });
			const said = await eventually('the reply', async () => (await scene.comments(pull.number))
				.find(c => c.body.includes('ekaci:answer') && c.history[0].ms >= since), LONG_MS);
			replies.push(said.history[0].ms - since);
			/* Ten pull requests make 60 writes; with more than eight comments a minute beside them GitHub's 80 were the limit. */
			await sleep(8000);
		}
		await Promise.all(ends);
		await delivered(scene, LONG_MS);
		const all = await asked(scene);
		for (const { pull, since } of opened) {
			const { ended, built, compared } = run_of(scene, pull.number);
			const at = await concluded_ms(scene, pull.head.sha);
			conclusions.push(at - ended);
			last.push(at - built);
			comments.push(first_ms(all, new RegExp(`/issues/${pull.number}/comments$`)) - compared);
			const checks = await scene.checks(pull.head.sha);
			firsts.push(Math.min(...checks.map(c => c.history[0].ms)) - since);
		}
	} finally {
		await scene.end();
	}
	const worst = (name, list) => print(name, (Math.max(...list) / 1000).toFixed(2), 's', 'under 5');
	worst('ten_conclusion_s', conclusions);
	worst('ten_reply_s', replies);
	worst('ten_first_check_s', firsts);
	worst('ten_first_comment_s', comments);
}

async function reconcile()
{
	const scene = await begin({ start: false, settings: LIMITS });
	const { github, repo } = scene;
	const compared = () => eventually('it has compared', async () => await figure(scene, 'comparisons_total') > 0, LONG_MS);

	try {
		await github.do('clock', { offset_s: -40 * 24 * HOUR_S });	// so old that what is not known is left alone
		for (let n = 0; n < 500; n++)
			await github.do('pull', { repo, head: 'docs', title: `Number ${n}`, deliver: false });
		await github.do('clock', { offset_s: 0 });
		await scene.bot.start();
		await github.do('installation_change', { installation: scene.installation.id, action: 'new_permissions_accepted' });
		await eventually('all are read', async () => (await github.ask('requests')).some(r => /matching-refs/.test(r.path))
			&& await figure(scene, 'comparisons_total') > 1, LONG_MS);
		await scene.bot.kill();
		const before = (await asked(scene)).length, since = Date.now();
		await scene.bot.start();
		await compared();
		print('reconcile500_requests', (await asked(scene)).length - before, 'requests', '12');
		print('reconcile500_s', ((Date.now() - since) / 1000).toFixed(2), 's');
	} finally {
		await scene.end();
	}
}

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-limits-'));
try {
	const last = [];
	await reconcile();
	await one(dir, last);
	await ten(dir, last);
	if (process.env.EKACI_KEEP)
		console.log(`# last build to check, ms: ${last.join(' ')}`);
	print('last_build_to_check_p50_ms', percentile(last, 50), 'ms');
	print('last_build_to_check_p99_ms', percentile(last, 99), 'ms');
} finally {
	fs.rmSync(dir, { recursive: true, force: true });
}
