// Pages under load while webhooks arrive, the start with a million builds in the database, and what pull requests leave in memory.
//   pages_webhook_quiet_p99_ms, pages_webhook_p99_ms   a delivery of 30 KB to its answer, twenty a second: alone, and beside 32 readers
//   pages_NAME_requests_per_s, pages_NAME_p99_ms       of the first page, and of a run's page of 20,000 rows, over 32 connections (wrk)
//   pages_ready_million_ms                             from the program's start to ready with 1,000,000 build rows, of thirty days
//   pages_idle_mb, pages_after_pulls_mb                resident memory, idle and after PULLS pull requests (BENCH_PULLS, 1,000)
// BENCH_SECONDS of each load, 5. What is left of a start are programs that it asks of Nix and the sandbox.

import { execFile, spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import { promisify } from 'node:util';
import { eventually } from '../e2e/scenes.js';
import { begin, put_run, sql } from '../pages/lib.js';

const SECONDS = Number(process.env.BENCH_SECONDS ?? 5), PULLS = Number(process.env.BENCH_PULLS ?? 1000), BUILDS = 1000000, STARTS = 5;
const run_program = promisify(execFile);
const print = (name, value, unit, goal = '') => console.log(`${name} ${value} ${unit}${goal && `  (goal: ${goal})`}`);
const percentile = (list, p) => [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * p / 100))];
const sleep = ms => new Promise(resolve => setTimeout(resolve, ms));
const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });

function deliver(scene)
{
	const body = JSON.stringify({ zen: 'x'.repeat(30000) });
	const mac = crypto.createHmac('sha256', scene.secret).update(body).digest('hex');
	return new Promise((resolve, reject) => {
		const began = performance.now();
		const request = http.request(`${scene.bot.url}/webhook`, { method: 'POST', agent, headers: { 'Content-Type': 'application/json',
			'Content-Length': body.length, 'X-GitHub-Event': 'ping', 'X-GitHub-Delivery': crypto.randomUUID(),
			'X-Hub-Signature-256': `sha256=${mac}` } }, answer => {
			answer.resume().on('end', () => answer.statusCode === 202 ? resolve(performance.now() - began) : reject(new Error(`answered ${answer.statusCode}`)));
		});
		request.on('error', reject).end(body);
	});
}

// Twenty a second, each when its time has come, whether the last one was answered or not.
async function deliveries(scene, until)
{
	const all = [];
	while (Date.now() < until) {
		all.push(deliver(scene));
		await sleep(50);
	}
	return percentile(await Promise.all(all), 99);
}

async function load(scene, name, route)
{
	const end = Date.now() + SECONDS * 1000;
	const [{ stdout }, p99] = await Promise.all([
		run_program('wrk', ['-t1', '-c32', `-d${SECONDS}s`, '--latency', '-H', 'Accept-Encoding: gzip', '-H', 'Accept: text/html', scene.bot.url + route]),
		deliveries(scene, end)]);
	if (/Non-2xx/.test(stdout))
		throw new Error(stdout);
	const [, number, unit] = /99%\s+([\d.]+)(us|ms|s)/.exec(stdout);
	print(`pages_${name}_requests_per_s`, Math.round(Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)[1])), '1/s');
	print(`pages_${name}_p99_ms`, (Number(number) * { us: 0.001, ms: 1, s: 1000 }[unit]).toFixed(1), 'ms');
	return p99;
}

const memory_mb = scene => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${scene.bot.child.pid}/status`, 'utf8'))[1]) / 1024;

async function ready_ms(scene)
{
	const began = performance.now(), started = scene.bot.start();
	await started;
	while ((await fetch(`${scene.bot.url}/readyz`)).status !== 200)
		await sleep(1);
	return performance.now() - began;
}

// Of several: the one that was disturbed least.
async function least_ready_ms(scene)
{
	const starts = [];
	for (let i = 0; i < STARTS; i++) {
		starts.push(await ready_ms(scene));
		await scene.bot.stop();
	}
	return Math.min(...starts);
}

async function pages()
{
	const scene = await begin({ config: { build: { enabled: false } } });
	const run = put_run(scene, { rows: 20000, failing: 3, states: ['built', 'failed', 'queued'] });
	await fetch(`${scene.bot.url}/run/${run}`);
	await deliveries(scene, Date.now() + 1000);
	const quiet = await deliveries(scene, Date.now() + SECONDS * 1000);
	const beside = Math.max(await load(scene, 'first', '/'), await load(scene, 'run', `/run/${run}`));
	print('pages_webhook_quiet_p99_ms', quiet.toFixed(1), 'ms');
	print('pages_webhook_p99_ms', beside.toFixed(1), 'ms', `${(2 * quiet).toFixed(1)}, twice the quiet one`);

	await scene.bot.stop();
	const few = await least_ready_ms(scene);
	sql(scene, `INSERT INTO build (drv, name, system, state, pname, created, started, ended, wall_ms)
		WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < ${BUILDS})
		SELECT printf('/nix/store/%032d-p-%d.drv', i, i % 5000), 'p-' || (i % 5000), 'x86_64-linux', 'built', 'p', t, t, t, 1000
			FROM (SELECT i, ${Date.now()} - i * 2592 AS t FROM c);
		INSERT INTO build_want (run, build, target) SELECT ${run}, id, 1 FROM build WHERE name LIKE 'p-%' AND id % 20 = 0;`);
	print('pages_ready_million_ms', (await least_ready_ms(scene)).toFixed(0), 'ms', `under 100; ${few.toFixed(0)} with few rows`);
	await scene.end();
}

const REST_MS = 15000; // the last reports are made and told, and what they needed is given back

// Pull requests of the demo repository that change documentation alone: heard of, fetched, planned, told.
async function memory()
{
	const scene = await begin({ config: { build: { enabled: false } } });
	const open = async n => {
		for (let i = 0; i < n; i++)
			await scene.github.do('pull', { repo: scene.repo, head: 'docs', title: `Number ${i}` });
	};
	const ended = n => eventually(`${n} have ended`, () => Number(sql(scene, 'SELECT count(*) FROM run WHERE ended IS NOT NULL;')) >= n, 1800000);
	const known = () => Number(sql(scene, 'SELECT count(*) FROM run;'));
	await open(20); // what the first ones need once: buffers, statements, certificates
	await ended(20);
	await sleep(REST_MS);
	const idle = memory_mb(scene), before = known();
	await open(PULLS);
	await ended(before + PULLS);
	await sleep(REST_MS);
	print('pages_idle_mb', idle.toFixed(1), 'MB');
	print('pages_after_pulls_mb', memory_mb(scene).toFixed(1), 'MB', `at most ${(idle + 5).toFixed(1)}, after ${PULLS} pull requests`);
	await scene.end();
}

if (spawnSync('wrk', ['-v']).error)
	console.log('SKIP: there is no wrk on this machine');
else
	await pages();
await memory();
process.exit(0);
