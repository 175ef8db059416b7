// A log of 100 MB: what a reader waits for, and what it costs the bot and the tab.
//   log_window_ms, log_window_read_kb   the slowest of twenty windows anywhere in it, and the most that is read from disk for one
//   log_search_s                        through all of it for what is not there, as a browser does: answer by answer
//   log_beside_p99_ms                   another page meanwhile
//   log_bot_grows_mb                    the bot's resident memory over all of that
//   log_tab_search_s, log_tab_mb, log_tab_rows   a search in Chromium; the tab's heap and rows after scrolling, a jump to the error and that

import fs from 'node:fs';
import path from 'node:path';
import { begin, Chromium, drv, no_browser, put_run, sql } from '../pages/lib.js';

const LINES = 1500000, BLOCK = 128 * 1024;
const print = (name, value, unit, goal = '') => console.log(`${name} ${value} ${unit}${goal && `  (goal: ${goal})`}`);
const scene = await begin({ config: { build: { enabled: false } } });
const run = put_run(scene, { rows: 1, states: ['built'] });
const proc = name => fs.readFileSync(`/proc/${scene.bot.child.pid}/${name}`, 'utf8');
const read_kb = () => Number(/rchar: (\d+)/.exec(proc('io'))[1]) / 1000, resident_mb = () => Number(/VmRSS:\s+(\d+)/.exec(proc('status'))[1]) / 1024;
const get = async route => (await fetch(scene.bot.url + route, { headers: { Accept: 'text/html' } })).text();

// As a worker leaves it while it writes: bytes and index.
function put_log(n)
{
	const of = drv(n, `big-${n}`), stem = of.slice(11, -4), file = path.join(scene.dir, 'state/logs', `${stem}.drv`);
	fs.mkdirSync(path.dirname(file), { recursive: true });
	const lines = Array.from({ length: LINES }, (_, i) => `line ${i + 1} of a very long log ${i % 7 ? '' : '\x1b[32mgreen\x1b[0m '}${'abcdefgh'.repeat(5)}\n`);
	const bytes = Buffer.from(lines.join('')), index = ['phase 1 buildPhase\n'];
	for (let at = 0, newlines = 0; at + BLOCK <= bytes.length; at += BLOCK) {
		for (let i = at; i < at + BLOCK; i++)
			newlines += bytes[i] === 10;
		index.push(`block ${newlines}\n`);
	}
	fs.writeFileSync(`${file}.index`, `${index.join('')}error ${LINES - 100000}\nend ${LINES} ${bytes.length}\n`);
	fs.writeFileSync(file, bytes);
	sql(scene, `INSERT INTO build (drv, name, system, state, created, log) VALUES ('${of}', 'big-${n}', 'x86_64-linux', 'failed', 1, '${file}');
		INSERT INTO build_want (run, build, target) SELECT ${run}, id, 1 FROM build WHERE drv = '${of}';`);
	return `/log/${stem}`;
}

async function windows(route)
{
	let slowest = 0, most = 0;
	for (let i = 0; i < 20; i++) {
		const before = read_kb(), began = performance.now();
		await get(`${route}?from=${1 + i * (LINES / 20)}`);
		slowest = Math.max(slowest, performance.now() - began);
		most = Math.max(most, read_kb() - before);
	}
	print(`log_window_ms`, slowest.toFixed(1), 'ms');
	print(`log_window_read_kb`, most.toFixed(0), 'kB', 'under 2000 of 100000');
}

// The browser's own way through: each answer names where the next begins.
async function search(route)
{
	const beside = [];
	let from = 1, answers = 0, done = false;
	const others = (async () => {
		while (!done) {
			const began = performance.now();
			await get(`/run/${run}`);
			beside.push(performance.now() - began);
		}
	})();
	const began = performance.now();
	while (from > 0) {
		const text = await get(`${route}?find=nothing+like+this&find_from=${from}&part=found`);
		from = Number(/data-next="(\d+)"/.exec(text)?.[1] ?? 0);
		answers++;
	}
	print(`log_search_s`, ((performance.now() - began) / 1000).toFixed(2), `s of ${answers} answers`);
	done = true;
	await others;
	print(`log_beside_p99_ms`, beside.sort((a, b) => a - b)[Math.floor(beside.length * 0.99)].toFixed(1), 'ms');
}

async function tab(route)
{
	const chromium = await Chromium.start(), page = await chromium.open(scene.bot.url + route);
	for (let i = 0; i < 30; i++) {
		const before = await page.js(`document.querySelector('.block:last-child').dataset.first`);
		await page.js('scrollTo(0, document.documentElement.scrollHeight)');
		await page.until(`document.querySelector('.block:last-child').dataset.first !== '${before}'`);
	}
	await page.js(`document.querySelector('[data-go="${LINES - 100000}"]').click()`);
	await page.until(`document.querySelector('#L${LINES - 100000}.chosen')`);
	const began = performance.now();
	await page.js(`document.getElementById('text').value = 'line 1499999 '; document.querySelector('#find button').click()`);
	await page.until(`document.querySelector('#found a[data-line="1499999"]')`, 60000);
	print('log_tab_search_s', ((performance.now() - began) / 1000).toFixed(2), 's, to the line before the last');
	print('log_tab_mb', (await page.js('performance.memory.usedJSHeapSize') / 1e6).toFixed(1), 'MB');
	print('log_tab_rows', await page.js(`document.querySelectorAll('.log .l').length`), 'rows', 'at most 7000');
	await chromium.stop();
}

const route = put_log(1);
await get(route);
const idle = resident_mb();
await windows(route);
await search(route);
print('log_bot_grows_mb', (resident_mb() - idle).toFixed(1), 'MB', 'under 20');
if (no_browser)
	console.log(no_browser);
else
	await tab(route);
await scene.end();
process.exit(0);
