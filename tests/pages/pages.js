// The other pages: a log of any length, the first page, a repository's, a pull request's, what only fails, errors, the badge; as HTML in
// a browser, and as JSON and Markdown for programs, held against templates/openapi.json.

import Ajv from 'ajv/dist/2020.js';
import { execFileSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { begin, Chromium, drv, equal, match, no_axe, no_browser, ok, program, put_run, run, sql, test, top } from './lib.js';

const HOSTILE = ['<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', '</title></script><b>bold', 'a\u202Eb{{title}}'];
const BLOCK = 128 * 1024;

const scene = await begin({ config: { build: { enabled: false } } });
const dir = path.join(scene.dir, 'state');
const chromium = no_browser ? null : await Chromium.start();
const in_browser = (name, fn) => test(no_browser ? `${name} # ${no_browser}` : name, no_browser ? () => {} : fn);
const get = (route, headers = {}) => fetch(scene.bot.url + route, { headers, redirect: 'manual', signal: AbortSignal.timeout(20000) });
const text_of = async (route, headers) => (await get(route, headers)).text();
const html = route => text_of(route, { Accept: 'text/html' });

// A log as a worker leaves it while it writes: the file and its index. lines: texts without newlines.
function put_log(name, lines, { end = true, phases = [], error = 0 } = {})
{
	fs.mkdirSync(path.join(dir, 'logs'), { recursive: true });
	const file = path.join(dir, 'logs', `${name}.drv`), fd = fs.openSync(file, 'w');
	let bytes = 0, n = 0, index = phases.map(([line, phase]) => `phase ${line} ${phase}\n`).join('');
	for (let at = 0; at < lines.length; at += 1000) {
		const chunk = Buffer.from(lines.slice(at, at + 1000).join('\n') + '\n', 'latin1');
		for (const byte of chunk) {
			bytes++;
			n += byte === 10;
			if (bytes % BLOCK === 0)
				index += `block ${n}\n`;
		}
		fs.writeSync(fd, chunk);
	}
	fs.closeSync(fd);
	fs.writeFileSync(`${file}.index`, index + (error ? `error ${error}\n` : '') + (end ? `end ${n} ${bytes}\n` : ''));
	return { file, bytes };
}

// A build that a run wants, with its log.
function put_build(run, n, name, state, lines, more = {})
{
	const path_of = drv(n, name), stem = path_of.slice(11, -4), log = lines && put_log(stem, lines, more);
	sql(scene, `INSERT OR IGNORE INTO build (drv, name, system, state, created, log, tail, started) VALUES ('${path_of}', '${name}', 'x86_64-linux', '${state}', 1,
		${log ? `'${log.file}'` : 'NULL'}, ${more.tail ? `'${more.tail}'` : 'NULL'}, ${Date.now()});
		INSERT OR IGNORE INTO build_want (run, build, target) SELECT ${run}, id, 1 FROM build WHERE drv = '${path_of}';`);
	return { route: `/log/${stem}`, drv: `/drv/${stem}`, log };
}

const first = put_run(scene, { rows: 30, failing: 2, states: ['built', 'failed'], title: HOSTILE[0], tail: `error: no\n${HOSTILE[1]}` });
const [repository, number] = sql(scene, `SELECT repository, number FROM run WHERE id = ${first};`).split('|').map(Number);
// A newer head of the same pull request, where one more fails.
const second = put_run(scene, { rows: 30, failing: 3, states: ['built', 'failed'], title: 'x', tail: 'error: no', head: 'c'.repeat(40) });
for (const id of [first, second]) {
	const counts = JSON.parse(fs.readFileSync(path.join(dir, `runs/${id}/difference.json`), 'utf8')).counts;
	sql(scene, `UPDATE run SET number = ${number}, repository = ${repository}, counts = '${JSON.stringify(counts)}' WHERE id = ${id};`);
}
const [owner, repo] = sql(scene, `SELECT owner, name FROM repository WHERE id = ${repository};`).split('|');
const now = Date.now(), hour = now - now % 3600000, day = now - now % 86400000;
for (let i = 1; i < 12; i++)
	for (const [span, at] of [['hour', hour - i * 3600000], ['day', day - i * 86400000]])
		sql(scene, ['evaluation', 'rebuilds', 'build', 'wait', 'verdict'].map((what, k) =>
			`INSERT OR IGNORE INTO figure VALUES (${repository}, '${span}', ${at}, '${what}', ${i}, ${what === 'verdict' ? i >> 1 : i * 100000 * (k + 1)});`).join(''));

const long = Array.from({ length: 5000 }, (_, i) => `line ${i + 1} of the log`);
long[1] = 'Running phase: unpackPhase';
long[1999] = '@nix {"action":"setPhase","phase":"buildPhase"}';
long[2] = '\x1b[1;31mred\x1b[0m and \x1b[38;5;46mgreen\x1b[0m <script>alert(2)</script>';
long[4] = 'a\0b\xc2\x9b31m \xe2\x80\xae turned \x1b]8;;javascript:alert(3)\x07link\x1b]8;;\x07 \xff';
long[5] = '@nix { "action": "setPhase" } @nix {';
long[6] = `progress 1%\rprogress 99%\rdone ${'x'.repeat(6000)}`;
long[4499] = 'error: a needle in the hay';
const failed = put_build(first, 5001, 'failed-1.0', 'failed', long, { phases: [[2, 'unpackPhase'], [2000, 'buildPhase']], error: 4500, tail: 'error: a needle' });
// Builds of one name over runs of pull requests and of the branch, each measured; one run is of a private repository.
const sized = put_build(first, 90, 'sized-1.0', 'built', null), newer = put_build(second, 91, 'sized-1.1', 'built', null);
sql(scene, `UPDATE build SET pname = 'sized' WHERE name LIKE 'sized-%';
	INSERT INTO repository (id, installation, owner, name, clone_url, default_branch, private, links) SELECT 78, installation, 'org', 'unseen', 'https://git.example/org/unseen.git', 'main', 1, 0 FROM repository WHERE id = ${repository};`);
const measured = [first, second];
for (let i = 0; i < 10; i++) {
	const id = 8000 + i;
	sql(scene, `INSERT INTO run (id, repository, number, head, base_ref, state, reason, verdict, created, updated, ended, changes, reported) VALUES
		(${id}, ${i === 9 ? 78 : repository}, ${i % 3 === 0 ? 0 : 500 + i}, '${'9'.repeat(40)}', 'main', 'DONE', 'push', NULL, 1, 1, ${now - (11 - i) * 3600000}, 1, 1);`);
	measured.push(id);
}
for (const [i, id] of measured.entries())
	for (const [what, unit, base, head] of [['output', 'bytes', 1200000 + 3000 * i, 1203000 + 3000 * i], ['closure', 'bytes', 40e6, 40e6],
		['metric <b>tests', 'tests', i === 0 ? 'NULL' : 40 + i, i === 11 ? 777 : 41 + i]])
		sql(scene, `INSERT INTO measure SELECT id, ${id}, '${what}', '${unit}', ${base}, ${head} FROM build WHERE name = '${i % 2 ? 'sized-1.1' : 'sized-1.0'}';`);

const pages = [['/', 'the first page'], [`/${owner}/${repo}`, 'a repository'], [`/${owner}/${repo}/pulls`, 'open pull requests'], [`/${owner}/${repo}/pull/${number}`, 'a pull request'], [`/run/${first}/failures`, 'failures'],
	[newer.drv, 'a derivation with its history'], [failed.route, 'a log'], [`${failed.route}?find=needle`, 'a log that was searched'], ['/nothing/here/at/all', 'an error']];

// --- for programs -----------------------------------------------------------------------------------------------

const description = JSON.parse(fs.readFileSync(path.join(top, 'templates/openapi.json'), 'utf8'));

test('every address of /openapi.json answers as it is described', async () => {
	equal(await (await get('/openapi.json')).json(), description);
	const ajv = new Ajv({ strict: false });
	ajv.addSchema({ $id: 'd', components: description.components });
	const stem = failed.drv.slice(5);
	const fill = route => route.replace('{owner}', owner).replace('{repo}', repo).replace('{number}', number).replace('{id}', first).replace('{drv}', `${stem}.drv`);
	for (const [route, { get: asked }] of Object.entries(description.paths).filter(([, of]) => of.get)) {
		const [[type, { schema }]] = Object.entries(asked.responses['200'].content);
		if (route.endsWith('changed-paths.json'))
			continue; // nixpkgs' own format, made when the run ends
		const answer = await get(fill(route), type === 'text/event-stream' ? { Accept: type } : {});
		equal([route, answer.status], [route, 200]);
		ok(answer.headers.get('content-type').startsWith(type), `${route}: ${answer.headers.get('content-type')}`);
		if (!schema.$ref) {
			await answer.text();
			continue;
		}
		const validate = ajv.compile({ $ref: `d${schema.$ref}` });
		const body = await answer.json();
		ok(validate(body), `${route}: ${JSON.stringify(validate.errors)}`);
		// One that is not as described is found out.
		ok(!validate({ ...body, more: 1 }) && !validate(Object.fromEntries(Object.entries(body).slice(1))), route);
	}
});

test('what an answer says is what the rows say', async () => {
	const index = await (await get('/index.json')).json();
	ok(index.pulls.some(r => r.number === number && r.id === second) && !index.pulls.some(r => r.id === first), 'the newest run of the pull request alone');
	ok(index.hours.some(f => f.what === 'verdict' && f.n === 3 && f.total === 1), JSON.stringify(index.hours.slice(0, 5)));
	const failures = await (await get(`/run/${first}/failures.json`)).json();
	equal(failures.failures.filter(f => f.what === 'evaluation' && f.blame === 'newly_failing').length, 2);
	ok(failures.failures.some(f => f.what === 'build' && f.lines.includes('onerror=alert(1)')), 'the lines as they are');
	match(failures.failures.find(f => f.what === 'build').log, /^http:.*\/log\//);
	const pull = await (await get(`/${owner}/${repo}/pull/${number}.json`)).json();
	equal(pull.runs.map(r => r.id), [second, first]);
	equal([pull.since.before, pull.since.now], ['a'.repeat(40), 'c'.repeat(40)]);
	ok(pull.since.fails_now.some(f => f.what === 'evaluation'), 'one more fails');
	const log = await (await get(`${failed.route}.drv.json`)).json();
	equal([log.lines, log.error, log.phases], [5000, 4500, [{ name: 'unpackPhase', line: 2 }, { name: 'buildPhase', line: 2000 }]]);
	equal(log.text[0].line, 4480);
	const page = await (await get(`${failed.route}.drv.json?from=3`)).json();
	equal(page.text[0].text, 'red and green <script>alert(2)</script>');
	equal([page.text.length, page.next, page.text[4].cut], [1000, 1003, true]);
});

test('the form is that of the ending, else of the header, else what a browser wants', async () => {
	const type = async (route, accept) => (await get(route, accept ? { Accept: accept } : {})).headers.get('content-type').split(';')[0];
	equal(await type('/'), 'text/html');
	equal(await type('/', 'text/html,application/xhtml+xml,*/*;q=0.8'), 'text/html');
	equal(await type('/', 'application/json'), 'application/json');
	equal(await type('/', 'text/html;q=0.5, application/json'), 'application/json');
	equal(await type(`/run/${first}`, 'text/markdown'), 'text/markdown');
	equal(await type(`/run/${first}.json`, 'text/html'), 'application/json');
	equal(await type(failed.route), 'text/plain');
	equal(await type(failed.route, 'text/html,*/*;q=0.8'), 'text/html');
	match((await get('/', { Accept: 'application/json' })).headers.get('vary'), /Accept/);
	match(await text_of('/llms.txt'), /^# ekaci\n[^]*failures\.json/);
	equal(await type('/favicon.svg'), 'image/svg+xml');
	// A derivation may be called x.json.
	const odd = put_build(first, 5002, 'odd.json', 'built', ['one']);
	equal([await type(odd.drv), await type(`${odd.drv}.drv.json`), (await (await get(`${odd.drv}.drv.json`)).json()).build.name],
		['text/html', 'application/json', 'odd.json']);
});

// --- the log ----------------------------------------------------------------------------------------------------

test('a hostile log is text: nothing of it is markup, turns text, or is obeyed', async () => {
	const page = await html(`${failed.route}?fold=0`);
	match(page, /<span class="f1 o ">red<\/span> and <span class="f10 ">green<\/span> &lt;script&gt;alert\(2\)/);
	match(page, /a␀b\{U\+009B\}31m \{U\+202E\} turned link �/);
	ok(!/javascript:|<script(?! src="\/log\.js" defer><\/script>)| style=| on[a-z]+="/.test(page), 'nothing inline');
	match(page, /<span>done x{4000}/);
	match(page, /the line goes on/);
	// eslint-disable-next-line no-control-regex
	ok(!/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]/.test(page), 'no control characters');
	const { headers } = await get(failed.route, { Accept: 'text/html' });
	match(headers.get('content-security-policy'), /^default-src 'none'; style-src 'self'; script-src 'self'/);
	// A file of another kind, an index of another shape, one line of 64 MB.
	const broken = put_build(first, 5003, 'broken-1', 'failed', ['one', 'two'], { tail: 'x' });
	fs.writeFileSync(`${broken.log.file}.index`, 'block -1\nphase\nend\n\0\xff\nerror 99999999999999\nphase 1 <b>\nend 5 5');
	equal((await get(broken.route, { Accept: 'text/html' })).status, 200);
	ok(!(await html(broken.route)).includes('<b>'));
	const line = put_build(first, 5004, 'one-line', 'failed', ['first', 'x'.repeat(64 << 20), 'third'], { tail: 'x' });
	const began = performance.now(), whole = await html(line.route);
	ok(performance.now() - began < 2000 && whole.length < 40000, `${whole.length} bytes`);
	match(whole, /id="L3"><a href="#L3">3<\/a><span>third/);
	match(await html(`${line.route}?from=3`), /<span>third/);
});

test('phases fold, a search finds, lines are addressed: all of it without JavaScript', async () => {
	const page = await html(failed.route);
	const row = n => new RegExp(`id="L${n}"><a href="#L${n}">${n}</a>`);
	// What failed is open, what went well is not.
	match(page, /aria-expanded="false" role="button" href="[^"]*">unpackPhase<\/a>/);
	match(page, /aria-expanded="true" role="button" href="[^"]*">buildPhase<\/a>/);
	ok(row(1).test(page) && !row(3).test(page) && row(2001).test(page));
	const link = (text, re) => new URL(re.exec(text)[1].replaceAll('&amp;', '&'), scene.bot.url + failed.route);
	const follow = async re => html(link(page, re).pathname + link(page, re).search);
	ok(row(3).test(await follow(/href="(\?[^"]*)">unpackPhase/)));
	ok(row(4500).test(await follow(/href="(\?[^"#]*)#L4500"/)));
	ok(row(5000).test(await follow(/href="(\?[^"#]*)#end"/)));
	ok(row(3001).test(await follow(/href="(\?[^"#]*)#log">Lines after/)));
	const found = await html(`${failed.route}?find=NEEDLE`);
	match(found, /<b>1<\/b> line with <q>NEEDLE<\/q>/);
	match(found, /data-line="4500">4500<\/a> <span>error: a needle/);
	match(await html(`${failed.route}?find=${encodeURIComponent(HOSTILE[1])}`), /<b>0<\/b> lines with <q>&quot;&gt;&lt;img/);
	match(await html(`${failed.route}?wrap=off`), /class="log wide"/);
	for (const bad of ['from=0', 'from=-1', 'from=99999999999999999999', 'from=6000', 'fold=9,x,-1,99999', 'to=1', 'find=', 'part=x', 'from=end&to=0'])
		equal([bad, (await get(`${failed.route}?${bad}`, { Accept: 'text/html' })).status], [bad, 200]);
});

test('the file as it is: whole, and any range of it', async () => {
	const bytes = fs.readFileSync(failed.log.file);
	const answer = await get(`${failed.route}?raw=1`);
	equal(Buffer.from(await answer.arrayBuffer()).equals(bytes), true);
	match(answer.headers.get('content-disposition'), /^attachment; filename="[a-z0-9]{32}-failed-1\.0\.log"$/);
	for (const [range, from, to] of [['bytes=10-19', 10, 20], ['bytes=70000-', 70000, bytes.length], ['bytes=-5', bytes.length - 5, bytes.length], ['bytes=0-999999999', 0, bytes.length]]) {
		const part = await get(`${failed.route}?raw=1`, { Range: range });
		equal([part.status, part.headers.get('content-range')], [206, `bytes ${from}-${to - 1}/${bytes.length}`]);
		ok(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(from, to)), range);
	}
	equal((await get(`${failed.route}?raw=1`, { Range: `bytes=${bytes.length}-` })).status, 416);
	for (const none of ['bytes=5-1', 'bytes=a-b', 'lines=1-2', 'bytes=1-2,5-6'])
		equal((await get(`${failed.route}?raw=1`, { Range: none })).status, 200);
});

const big = { lines: 1500000 };
function put_big()
{
	if (!big.route)
		Object.assign(big, put_build(first, 5005, 'big-1.0', 'failed', Array.from({ length: big.lines }, (_, i) =>
			`line ${i + 1} of a very long log ${i % 7 ? '' : '\x1b[32mgreen\x1b[0m '}${'abcdefgh'.repeat(5)}`), { error: 1400000, phases: [[1, 'buildPhase']], tail: 'x' }));
	return big;
}

test('100 MB: any part of it comes at once, and never more than was asked for', async () => {
	const { route, log } = put_big();
	ok(log.bytes > 100e6, `${log.bytes} bytes`);
	// What the bot reads from disk, and what it holds: of the kernel, so nothing is missed.
	const proc = name => fs.readFileSync(`/proc/${scene.bot.child.pid}/${name}`, 'utf8');
	const read = () => Number(/rchar: (\d+)/.exec(proc('io'))[1]), held = () => Number(/VmHWM:\s+(\d+)/.exec(proc('status'))[1]) * 1024;
	await html(route);
	const began_with = held();
	for (const query of ['', '?from=1400000', '?from=end', '?from=750000&part=rows']) {
		const began = performance.now(), before = read();
		const page = await html(route + query);
		const ms = performance.now() - began;
		ok(read() - before < 2e6, `${query}: ${read() - before} bytes are read`);
		ok(ms < 500 && page.length < 400000, `${query}: ${ms.toFixed(0)} ms, ${page.length} bytes`);
	}
	match(await html(`${route}?from=end`), /id="L1500000"/);
	const part = await get(`${route}?raw=1`, { Range: 'bytes=90000000-90000099' });
	equal([part.status, (await part.arrayBuffer()).byteLength], [206, 100]);
	// A search goes through all of it, a piece for each answer.
	let from = 1, most = 0, found = 0;
	while (from > 0) {
		const before = read(), answer = await html(`${route}?find=line+1499999+of&find_from=${from}&part=found`);
		most = Math.max(most, read() - before);
		found += Number(/data-found="(\d+)"/.exec(answer)[1]);
		const next = Number(/data-next="(\d+)"/.exec(answer)[1]);
		ok(next === 0 || next > from, `${next} comes after ${from}`);
		from = next;
	}
	equal(found, 1);
	ok(most < 4e6, `${most} bytes are read for an answer`);
	ok(held() - began_with < 20e6, `the bot has grown by ${held() - began_with} bytes`);
});

in_browser('100 MB in a browser: it goes on as one scrolls, jumps to the error, and holds few lines at a time', async () => {
	const page = await chromium.open(scene.bot.url + put_big().route);
	const rows = () => page.js(`document.querySelectorAll('.log .l').length`);
	for (let i = 0; i < 12; i++) {
		const before = await page.js(`document.querySelector('.block:last-child').dataset.first`);
		await page.js(`scrollTo(0, document.documentElement.scrollHeight)`);
		await page.until(`document.querySelector('.block:last-child').dataset.first !== '${before}'`);
	}
	ok(await rows() <= 7000, `${await rows()} rows`);
	const began = performance.now();
	await page.js(`document.querySelector('[data-go="1400000"]').click()`);
	await page.until(`document.querySelector('#L1400000.chosen') && document.querySelector('#L1400000').getBoundingClientRect().top < innerHeight`);
	ok(performance.now() - began < 2000);
	equal(await page.js('location.hash'), '#L1400000');
	// And back up.
	const top_line = await page.js(`document.querySelector('.block').dataset.first`);
	await page.js('scrollTo(0, 0)');
	await page.until(`Number(document.querySelector('.block').dataset.first) < ${top_line}`);
	ok(page.got.reduce((n, g) => n + g.bytes, 0) < 4e6, 'bytes over the wire');
	equal(page.complaints, []);
	await page.close();
});

in_browser('lines are links, ranges too; folds, search and wrap work in place', async () => {
	const page = await chromium.open(`${scene.bot.url}${failed.route}#L4100-L4110`);
	await page.until(`document.querySelectorAll('.chosen').length === 11 && document.querySelector('#L4100').getBoundingClientRect().top > 0`);
	await page.js(`location.hash = '#L100'`); // folded away: it is opened
	await page.until(`document.querySelector('#L100.chosen')`);
	await page.js(`document.querySelector('.fold[aria-expanded=true]').click()`);
	await page.until(`document.querySelector('.fold[aria-expanded=false]')`);
	await page.js(`document.getElementById('text').value = 'Needle'; document.querySelector('#find button').click()`);
	await page.until(`document.querySelector('#found a[data-line="4500"]')`);
	match(await page.js('location.search'), /find=Needle/);
	await page.js(`document.querySelector('#found a[data-line="4500"]').click()`);
	await page.until(`document.querySelector('#L4500.chosen')`);
	await page.js(`document.getElementById('wrap').click()`);
	equal(await page.js(`document.getElementById('log').classList.contains('wide')`), true);
	await page.go(await page.js(`location.href.split('#')[0]`));
	equal(await page.js(`document.getElementById('log').classList.contains('wide') && !!document.querySelector('#found a[data-line="4500"]')`), true);
	// By keyboard alone: the search is reached, and Enter does it.
	await page.js(`document.getElementById('text').focus()`);
	await page.js(`document.getElementById('text').value = 'line 4999'`);
	await page.press('Enter');
	await page.until(`document.querySelector('#found a[data-line="4999"]')`);
	equal(page.complaints, []);
	await page.close();
});

in_browser('a log grows while its build runs, and says when it has ended', async () => {
	const live = put_build(first, 5006, 'live-1.0', 'building', ['one', 'two'], { end: false });
	const page = await chromium.open(scene.bot.url + live.route);
	equal(await page.js(`document.querySelectorAll('.log .l').length`), 2);
	fs.appendFileSync(live.log.file, Array.from({ length: 1500 }, (_, i) => `more ${i}\n`).join(''));
	await page.until(`document.querySelector('#L1502') || document.querySelector('.block:last-child').dataset.next !== '0'`);
	await page.until(`/^1502 lines, and it goes on$/.test(document.getElementById('count').textContent)`);
	await page.js('scrollTo(0, document.documentElement.scrollHeight)');
	await page.until(`document.querySelector('#L1502')`);
	fs.appendFileSync(live.log.file, 'last\n');
	sql(scene, `UPDATE build SET state = 'built' WHERE name = 'live-1.0';`);
	await page.until(`document.getElementById('count').textContent === '1503 lines' && document.querySelector('#L1503')`);
	equal(await page.js(`document.getElementById('state').textContent`), 'built');
	equal(page.complaints, []);
	await page.close();
	match(await text_of(live.route, { Accept: 'text/event-stream' }), /^event: end\ndata: \{"lines":1503,"state":"built"\}\n\n$/);
});

// --- the others -------------------------------------------------------------------------------------------------

in_browser('each page at two widths and in both schemes: no violation, no complaint, nothing wider than the window', async () => {
	for (const [route, name] of pages) {
		for (const [width, dark] of [[1280, false], [1280, true], [390, false], [390, true]]) {
			const page = await chromium.open(scene.bot.url + route, { width, dark });
			const expected = name === 'an error' ? 1 : 0; // the 404 itself
			equal([name, page.complaints.length], [name, expected], page.complaints.join());
			ok(await page.js('document.documentElement.scrollWidth <= innerWidth'), `${name} at ${width}`);
			if (!no_axe)
				equal([name, width, dark, await page.axe()], [name, width, dark, []]);
			await page.close();
		}
	}
});

in_browser('without JavaScript no control is dead: every link of ours leads to a page', async () => {
	const seen = new Set();
	for (const [route] of pages.slice(0, -1)) {
		const page = await html(route);
		ok(!/<button(?![^]*<\/form>)/.test(page), `${route}: a button outside of a form`);
		for (const [, to] of page.matchAll(/ href="([^"]+)"/g)) {
			const url = new URL(to.replaceAll('&amp;', '&'), scene.bot.url + route);
			if (url.origin !== scene.bot.url || seen.has(url.href.split('#')[0]))
				continue;
			seen.add(url.href.split('#')[0]);
			const answer = await get(url.pathname + url.search, { Accept: 'text/html' });
			equal([url.href, answer.status], [url.href, 200]);
			await answer.text();
		}
	}
	ok(seen.size > 20, `${seen.size} links`);
});

test('the first page says what runs, who builds, and how it went; a pull request what changed between its heads', async () => {
	const live = put_build(first, 5007, 'now-1.0', 'building', null);
	const waits = put_build(first, 5008, 'waits-1.0', 'queued', null);
	const there = put_build(second, 5009, 'there-1.0', 'building', null), done = put_build(second, 5010, 'done-1.0', 'built', null);
	sql(scene, `UPDATE run SET state = 'BUILDING', ended = NULL, held = NULL WHERE id = ${second};
		UPDATE build SET builder = 'this machine' WHERE name = 'now-1.0';
		UPDATE build SET builder = 'arm-<b>1' WHERE name IN ('there-1.0', 'done-1.0');
		UPDATE build SET ended = ${Date.now()} WHERE name = 'done-1.0';
		UPDATE build SET reason = 'no machine <could> be reached' WHERE name = 'waits-1.0';`);
	const index = await html('/');
	ok(index.includes(`<a href="${live.drv}">now-1.0</a>`), 'what is being built');
	match(index, new RegExp(`<span class="tag busy">building</span> <a href="/run/${second}">`));
	ok(index.includes(`<a href="${waits.drv}">waits-1.0</a> waits: no machine &lt;could&gt; be reached`), 'why one waits');
	match(index, new RegExp(`<th scope="row">this machine\\s*<small class="text"><a href="${live.drv}">now-1.0</a> for `), 'what a machine builds');
	match(index, /there-1\.0<\/a> <small>x86_64-linux · on arm-&lt;b&gt;1 · for /);
	const of_run = await html(`/run/${second}`);
	match(of_run, new RegExp(`<h3>arm-&lt;b&gt;1 <small>1 being built, 1 done</small></h3>\\s*<ul class="now">\\s*<li><a href="${there.drv}">there-1.0</a>`));
	match(await html(done.drv), /<dt>Started<\/dt><dd>[^<]* on arm-&lt;b&gt;1<\/dd>/);
	equal(JSON.parse(await text_of('/index.json')).building.map(b => [b.name, b.builder]), [['now-1.0', 'this machine'], ['there-1.0', 'arm-<b>1']]);
	match(index, /<rect x="\d+" y="\d+" width="7" height="\d+"/);
	match(index, /<title id="plot-verdict-day-title">Success of pull requests&#39; runs, the last 24 hours<\/title><desc id="plot-verdict-day-says">\d+ %<\/desc>/);
	sql(scene, `UPDATE run SET state = 'DONE', ended = ${now} WHERE id = ${second}; UPDATE build SET state = 'built' WHERE name IN ('now-1.0', 'waits-1.0', 'there-1.0');`);
	const pull = await html(`/${owner}/${repo}/pull/${number}`);
	match(pull, /Since the head before <small><code>a{10}<\/code> → <code>c{10}<\/code>/);
	match(pull, /Fails now/);
	match(pull, /<td class="n">2<\/td><td class="n">3<\/td>/);
	ok(!/<script(?! src=)/.test(pull + index), 'nothing inline');
});

test('sizes and metrics over runs: a picture with words, a table, JSON and Markdown; nothing of what may not be seen', async () => {
	const page = await html(newer.drv), told = JSON.parse(await text_of(`${newer.drv}.json`)), markdown = await text_of(`${newer.drv}.md`);
	const [closure, tests, output] = told.measures.toSorted((a, b) => a.what < b.what ? -1 : 1);
	equal([closure.what, tests.what, output.what], ['closure', 'metric <b>tests', 'output']);
	equal(output.points.map(p => p.run), measured.slice(0, 11), 'oldest first, without the private one');
	equal(output.points.slice(0, 2).map(p => [p.number, p.base, p.head]), [[number, 1200000, 1203000], [number, 1203000, 1206000]]);
	equal([tests.points[0].base, tests.points[2].number], [null, 0]);
	match(page, /<h3>Outputs <small>1\.233 MB in the newest<\/small><\/h3>/);
	match(page, /<title id="history-\d-title">Outputs in the last 11 runs that measured it<\/title><desc id="history-\d-says">Oldest first: at least 1\.2 MB, at most 1\.233 MB, in the newest 1\.233 MB\.<\/desc>/);
	match(page, /<title>main, run 8000: 42 tests \u2192 43 tests<\/title>/);
	match(page, /always 40 MB/);
	match(page, /<td class="n">1\.2 MB<\/td><td class="n">1\.203 MB<\/td><td class="n">\+3 kB \(\+0\.25 %\)<\/td>/);
	match(page, new RegExp(`<a href="/run/8001">#501</a>`));
	match(page, /none \u2192 41 tests/);
	ok(page.includes('&lt;b&gt;tests') && !page.includes('<b>tests'), 'a metric\'s name is no HTML');
	ok(![page, markdown, JSON.stringify(told)].some(t => t.includes('777')), 'what is of a private repository is nowhere');
	match(markdown, /## Outputs over pull requests and base\n\n\| Of \|/);
	match(markdown, /\| main \| [^|]* \| 1\.206 MB \| 1\.209 MB \| &#43;3 kB \(\+0\.25 %\) \|/);
});

test('the badge is the default branch\'s, whatever a pull request does', async () => {
	const badge = () => text_of(`/badge/${owner}/${repo}.svg`);
	match(await badge(), /no runs yet/);
	sql(scene, `INSERT INTO run (repository, number, head, base_ref, state, reason, verdict, created, updated, ended, changes, reported)
		VALUES (${repository}, 0, '${'d'.repeat(40)}', (SELECT default_branch FROM repository WHERE id = ${repository}), 'DONE', 'push', 'success', 1, 1, 1, 1, 1);`);
	match(await badge(), /success/);
	match(await html(`/${owner}/${repo}`), /<span class="tag good">success<\/span>/);
});

// What is refused, in each form: by the ending of the address, else by the header Accept.
const refusal = new Ajv({ strict: false }).addSchema({ $id: 'd', components: description.components }).compile({ $ref: 'd#/components/schemas/Refusal' });

async function refused(status, words, ask, { forms = [['', 'text/html', 'html'], ['.json', '*/*', 'json'], ['.md', '*/*', 'markdown'], ['.txt', '*/*', 'plain'],
	['', 'application/json', 'json'], ['', 'text/html;q=0.5, text/markdown', 'markdown'], ['', '*/*', 'html']] } = {})
{
	for (const [ending, accept, form] of forms) {
		const answer = await ask(ending, { Accept: accept }), body = await answer.text(), said = `${status}, ${ending || accept}: ${body.slice(0, 200)}`;
		equal([answer.status, answer.headers.get('content-type').split(/[/;]/)[1]], [status, form], said);
		equal([answer.headers.get('cache-control'), answer.headers.get('vary')], ['no-store', 'Accept'], said);
		ok(body.includes(words), `${said} lacks ${words}`);
		if (form === 'json') {
			ok(refusal(JSON.parse(body)), JSON.stringify(refusal.errors));
			equal(JSON.parse(body).status, status);
		} else if (form === 'html') {
			match(body, new RegExp(`<p class="dim">${status}</p>\\s*<p>[^]*<a href="/">`));
		} else {
			match(body, new RegExp(`^# .* \\(${status}\\)\n\n[A-Z]`));
		}
	}
}

const asked = method => route => (ending, headers) => fetch(scene.bot.url + route + ending, { method, headers, signal: AbortSignal.timeout(20000) });
const getting = asked('GET');

test('404, in the form that was asked for', async () => {
	for (const route of ['/nothing', '/run/99999999', '/drv/nothing', '/log/nothing', `/${owner}/${repo}/pull/99999999`, '/nobody/nothing'])
		await refused(404, 'kept for a while after it ended', getting(route));
	await refused(404, 'kept for a while after it ended', asked('POST')('/nothing/at/all/here'));
	await refused(404, 'This page is not there', getting(`/run/${first}/nothing.svg`), { forms: [['', 'application/json', 'json']] });
});

test('405, and what the address takes', async () => {
	await refused(405, '/openapi.json', asked('DELETE')(`/run/${first}`));
	equal((await asked('DELETE')(`/run/${first}`)('', {})).headers.get('allow'), 'GET, HEAD');
	await refused(405, '/openapi.json', getting('/webhook'), { forms: [['', 'text/html', 'html'], ['', 'application/json', 'json']] });
	equal((await get('/webhook')).headers.get('allow'), 'POST');
});

test('what is private is as if it were not there, and a link that was revoked says so', async () => {
	sql(scene, `INSERT INTO repository (id, installation, owner, name, clone_url, default_branch, private, links) SELECT 77, installation, 'org', 'hidden', 'https://git.example/org/hidden.git', 'main', 1, 1
		FROM repository WHERE id = ${repository};
		INSERT INTO run (id, repository, number, head, base_ref, state, reason, verdict, created, updated, ended, changes, reported) VALUES (7777, 77, 5, '${'e'.repeat(40)}', 'main', 'DONE', 'opened', 'success', 1, 1, 1, 1, 1);`);
	equal((await get('/run/7777')).status, 404);
	equal((await get('/run/7777?key=00000000000000000000000000000000')).status, 404);
	ok(!(await html('/')).includes('org/hidden'), 'a private repository is not on the first page');
	equal((await get('/org/hidden')).status, 404);
	// As forge/signature.c and web/link.c derive it.
	const mac = (key, text) => crypto.createHmac('sha256', key).update(text).digest();
	const key = scope => mac(mac(scene.secret, 'ekaci: links to pages, 1'), scope).toString('hex').slice(0, 32);
	equal((await get(`/run/7777?key=${key('77/5/1')}`)).status, 200);
	await refused(410, 'until somebody revoked its links', (ending, headers) => get(`/run/7777${ending}?key=${key('77/5')}`, headers));
});

test('500: what is wrong on our side is said to be so, and stands in the log', async () => {
	sql(scene, 'ALTER TABLE figure RENAME TO figure_gone;');
	try {
		await refused(500, 'not your doing', (ending, headers) => get(`${ending === '' ? '/' : '/index' + ending}`, headers),
			{ forms: [['', 'text/html', 'html'], ['.json', '*/*', 'json'], ['.md', '*/*', 'markdown'], ['', 'text/plain', 'plain']] });
	} finally {
		sql(scene, 'ALTER TABLE figure_gone RENAME TO figure;');
	}
	equal((await get('/')).status, 200);
	match(scene.bot.log(), /database: .*no such table: \w*\.?figure/);
});

test('503: what the disk does not give is for later', async () => {
	const file = path.join(dir, `runs/${first}/report.json`);
	fs.renameSync(file, `${file}.kept`);
	fs.symlinkSync('report.json', file);
	try {
		await refused(503, 'Try again in a minute', (_, headers) => get(`/run/${first}/report.json`, headers), { forms: [['', '*/*', 'json']] });
	} finally {
		fs.renameSync(`${file}.kept`, file);
	}
});

test('403, 401 and 429: orders and tokens', async () => {
	const token = execFileSync(program, ['token', 'add', 'tester', '--config', scene.bot.config_file], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
	const order = headers => fetch(`${scene.bot.url}/run/${first}/retry`, { method: 'POST', body: '{}',
		headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}`, ...headers } });
	const only_json = { forms: [['', 'text/html', 'json'], ['', '*/*', 'json']] };
	await refused(403, 'not taken from pages', (_, headers) => order({ Origin: 'https://elsewhere.example', ...headers }), only_json);
	await refused(415, 'Content-Type', (_, headers) => order({ ...headers, 'Content-Type': 'text/plain' }), only_json);
	const wrong = route => (ending, headers) => get(route + ending, { ...headers, Authorization: `Bearer ekaci_${'0'.repeat(64)}` });
	await refused(401, 'ekaci token add', wrong(`/run/${first}`));
	for (let i = 0; i < 40; i++)
		await (await wrong('/')('', {})).text();
	await refused(429, 'Wait a minute', wrong(`/run/${first}`));
	equal((await wrong('/')('', {})).headers.get('retry-after'), '60');
	equal((await get('/')).status, 200, 'who has no token is not kept out');
});

test('pages and deliveries at once: all are answered', async () => {
	const took = [];
	const deliver = i => {
		const began = performance.now();
		const body = JSON.stringify({ zen: 'x', i });
		const mac = crypto.createHmac('sha256', scene.secret).update(body).digest('hex');
		return fetch(`${scene.bot.url}/webhook`, { method: 'POST', body, headers: { 'Content-Type': 'application/json', 'X-GitHub-Event': 'ping',
			'X-GitHub-Delivery': `0000000${i}-cc78-11e3-81ab-4c9367dc0958`, 'X-Hub-Signature-256': `sha256=${mac}` } }).then(r => {
			took.push(performance.now() - began);
			return r.status;
		});
	};
	const asked = [];
	for (let i = 0; i < 40; i++) {
		asked.push(deliver(1000 + i));
		for (const [route] of pages.slice(0, -1))
			asked.push(html(route).then(t => t.includes('</html>') ? 202 : 0));
	}
	equal(new Set(await Promise.all(asked)).size, 1);
	took.sort((x, y) => x - y);
	process.stdout.write(`# a delivery among ${asked.length} requests: ${took[took.length >> 1].toFixed(0)} ms, at most ${took[took.length - 1].toFixed(0)} ms\n`);
});

test('a bot without repositories, and one with private ones alone, say so', async () => {
	sql(scene, 'UPDATE repository SET private = 1;');
	match(await html('/'), /All repositories of this bot are private/);
	sql(scene, 'PRAGMA foreign_keys = OFF; UPDATE repository SET private = 0, state = \'deleted\';');
	match(await html('/'), /Nothing yet[^]*None is known so far/);
	sql(scene, 'UPDATE repository SET state = \'active\';');
});

await run({ limit_ms: 300000, before_end: async () => {
	if (chromium)
		await chromium.stop();
	await scene.end();
} });
