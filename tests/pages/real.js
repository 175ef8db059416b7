// The page of a run that really happens: a pull request of the demo repository, evaluated and built, followed from its check to a
// derivation and to why that differs.

import { begin, Chromium, equal, match, no_browser, ok, run, test } from './lib.js';

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
		match(why.text, /\/nix\/store|version|src|env/);
		match(why.text, /<\/html>\s*$/);
	}
	equal((await get(path.replace(/row\/[0-9]+/, 'row/99999'))).status, 404);
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
