// The page of a run that really happens: a pull request of the demo repository, evaluated and built, followed from its check to a
// derivation and to why that differs.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { nix_config } from '../e2e/lib.js';
import { begin, Chromium, equal, match, no_browser, ok, put_run, run, sql, test } from './lib.js';

const scene = await begin({ config: { build: { enabled: true } } });
const chromium = no_browser ? null : await Chromium.start();
const get = async route => {
	const answer = await fetch(new URL(route, scene.bot.url), { signal: AbortSignal.timeout(60000) });
	return { status: answer.status, text: await answer.text() };
};
let address;

test('a check leads to the page of its run, which has the verdict, causes and rows', async () => {
	const { pull } = await scene.open('bump');
	await scene.until_check(pull.head.sha, c => c.status === 'completed', { name: 'ekaci / rebuilds' });
	address = (await scene.checks(pull.head.sha)).pop().details_url;
	const { status, text } = await get(address);
	equal(status, 200);
	match(text, /class="verdict/);
	match(text, /id="causes"/);
	match(text, /<th scope="row"><a href="\/run\/[0-9]+\/row\/0">/);
	match(text, /compared with <span class="nowrap">.*<code>[0-9a-f]{10}<\/code>/, 'the base is a commit');
	ok(!text.includes('report.html'));
});

test('a row leads to its derivation: why, what it needs, what needs it, how it went before', async () => {
	const { text } = await get(`${address}?class=rebuild&sort=-radius`);
	const row = await get(/<th scope="row"><a href="([^"]*)"/.exec(text)[1]);
	equal(row.status, 200);
	match(row.text, /<h2>Why<\/h2>/);
	match(row.text, /At the base/);
	match(row.text, /<h2>Needed by<\/h2>\s*<ul class="rows">\s*<li><span class="tag good">built<\/span> <a href="\/drv\//);
	match(row.text, /<b>this one<\/b>/);
	match(row.text, /<dt>Started<\/dt><dd>[^<]* on this machine<\/dd>/);
	const near = await get(/<h2>Needed by<\/h2>\s*<ul class="rows">\s*<li><span[^>]*>built<\/span> <a href="([^"]*)"/.exec(row.text)[1]);
	equal(near.status, 200);
	match(near.text, /<h2>Needs<\/h2>\s*<ul class="rows">\s*<li>/);
});

test('and to what differs in it, in the words of ekaci explain', async () => {
	const { text } = await get(`${address}?class=rebuild&sort=-radius`);
	const row = await get(/<th scope="row"><a href="([^"]*)"/.exec(text)[1]);
	const path = /<a href="([^"]*\/why)"/.exec(row.text)[1];
	const [one, two] = await Promise.all([get(path), get(path)]);
	for (const why of [one, two]) {
		equal(why.status, 200);
		match(why.text, /<pre tabindex="0">/);
		match(why.text, /<h2 id="d1">[^<]* <small>differs by itself<\/small>/);
		match(why.text, /<div class="was">[^]*<del>[^]*<div class="is">[^]*<ins>/, 'what differs is marked on both sides');
		match(why.text, /<\/html>\s*$/);
	}
	equal((await get(path.replace(/row\/[0-9]+/, 'row/99999'))).status, 404);
});

// Two derivations that somebody made to be looked at.
test('base and head stand beside each other: what differs is marked, what is long is folded, and nothing in it is markup', async () => {
	const lines = n => Array.from({ length: n }, (_, i) => `line ${i}`).join('\n');
	const nix = (flags, script, more) => `derivation { name = "sides-1"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" ":" ];
		flags = ${JSON.stringify(flags)}; script = ${JSON.stringify(script)}; ${more} }`;
	const drvs = [nix('--with a --without b <script>alert(1)</script>', lines(40), 'gone = "</pre><img src=x onerror=alert(2)>";'),
		nix('--with a --with b <script>alert(1)</script>', lines(40).replace('line 20', 'line \u202e20 &amp; <b>'), `long = ${JSON.stringify('x'.repeat(5000))};`)]
		.map(text => execFileSync('nix-instantiate', ['-E', text], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], env: { ...process.env, NIX_CONFIG: nix_config } }).trim());
	const run = put_run(scene, { rows: 1 }), folder = `${scene.dir}/state/runs/${run}`, file = `${folder}/difference.json`;
	const text = fs.readFileSync(file, 'utf8'), { base, head, path } = JSON.parse(text).attributes[0];
	fs.writeFileSync(file, text.replaceAll(base.drv, drvs[0]).replaceAll(head.drv, drvs[1]));
	sql(scene, `UPDATE run SET difference = '${file}', evaluations = '[]', repository = (SELECT repository FROM run ORDER BY id LIMIT 1) WHERE id = ${run};`);
	ok(path.length > 0);
	const { status, text: why } = await get(`/run/${run}/row/0/why`);
	equal(status, 200, why);
	match(why, /<del>--without <\/del>|--with<del>out<\/del>/, 'the word that differs');
	match(why, /<i>… 17 lines alike …<\/i>\s*line 17/);
	match(why, /<ins>[^<]*\{U\+202E\}/);
	match(why, /<p class="dim">not there<\/p>/);
	match(why, /<details><summary>base: none, head: 5\.0 kB<\/summary>/);
	ok(!/<script>|<img|<b>|\u202e/.test(why), 'nothing of it is markup');
	if (no_browser)
		return;
	for (const [width, script] of [[1280, true], [390, false], [390, true]]) {
		const page = await chromium.open(`${scene.bot.url}/run/${run}/row/0/why`, { width, script, dark: width === 390 });
		if (script) {
			const [was, is] = await page.js(`['.was', '.is'].map(s => document.querySelector(s).getBoundingClientRect().toJSON())`);
			ok(width === 390 ? is.top >= was.bottom : is.left >= was.right && is.top === was.top, `${width}: ${JSON.stringify([was, is])}`);
			ok(await page.js('document.documentElement.scrollWidth <= innerWidth'), `${width}`);
			equal(await page.axe(), []);
		}
		equal(page.complaints, []);
		if (process.env.EKACI_PICTURES)
			await page.picture(`${process.env.EKACI_PICTURES}/why-${width}.png`);
		await page.close();
	}
});

test(no_browser ? `nothing complains in a browser # ${no_browser}` : 'nothing complains in a browser', async () => {
	if (no_browser)
		return;
	const page = await chromium.open(address);
	await page.ready();
	await page.js(`document.querySelector('#rows tbody a').click()`);
	await page.until('location.pathname.includes("/row/") && document.readyState === "complete"');
	equal(page.complaints, []);
	equal(await page.axe(), []);
	if (process.env.EKACI_PICTURES) {
		await page.picture(`${process.env.EKACI_PICTURES}/drv.png`);
		await page.go(address);
		await page.picture(`${process.env.EKACI_PICTURES}/run.png`);
	}
	await page.close();
});

test(`what belongs to a private repository is seen by who has its link, and nobody else${no_browser ? ` # ${no_browser}` : ''}`, async () => {
	if (no_browser)
		return;
	const hidden = await begin({ private: true, config: { build: { enabled: false } } });
	try {
		const { pull } = await hidden.open('bump');
		await hidden.until_check(pull.head.sha, c => c.status === 'completed', { name: 'ekaci / rebuilds' });
		const link = new URL((await hidden.checks(pull.head.sha)).pop().details_url);
		const key = link.searchParams.get('key');
		ok(key, 'the check has a key');
		for (const path of ['', '/rows.json', '/states.txt', '/row/0', '/row/0/why', '/report.html'])
			equal((await fetch(link.origin + link.pathname + path, { redirect: 'manual' })).status, 404, path);
		const page = await chromium.open(link.href);
		await page.ready();
		const bare = `Array.from(document.querySelectorAll('main a[href^="/"]'), a => a.getAttribute('href')).filter(h => h !== '/' && !h.includes('key=${key}'))`;
		equal(await page.js(bare), []);
		await page.js(`document.querySelector('[name=q]').value = 'a'; document.querySelector('[name=q]').dispatchEvent(new Event('input', { bubbles: true }))`);
		equal(await page.js(bare), []);
		match(await page.js('location.search'), new RegExp(`key=${key}.*q=a`));
		await page.js(`document.querySelector('#rows tbody a').click()`);
		await page.until('location.pathname.includes("/row/") && document.readyState === "complete"');
		equal(await page.js(bare), []);
		equal(page.complaints, []);
		const dead = await chromium.open(`${link.href}&sort=-radius`, { script: false });
		await dead.js(`(f => { f.elements.q.value = 'lib'; f.requestSubmit(); })(document.getElementById('filters'))`);
		await dead.until('location.search.includes("q=lib") && document.readyState === "complete"');
		match(await dead.js(`document.getElementById('shown').textContent`), / of /);
		await page.close();
		await dead.close();
	} finally {
		await hidden.end();
	}
});

await run({ limit_ms: 180000, before_end: async () => {
	if (chromium)
		await chromium.stop();
	await scene.end();
} });
