// A page that was made just now is given again: for what it is, and to whom it was made; never after a change. Nothing here hangs on how
// fast the machine is: what was given again is counted (/metrics), and asked for until it was.

import { execFileSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { begin, equal, match, ok, program, put_run, run, sql, test } from './lib.js';

const scene = await begin({ config: { build: { enabled: false } } });
const first = put_run(scene, { rows: 300, failing: 2, title: 'one' });
const [number, repository] = sql(scene, `SELECT number, repository FROM run WHERE id = ${first};`).split('|').map(Number);
const [owner, name] = sql(scene, `SELECT owner, name FROM repository WHERE id = ${repository};`).split('|');
const files = path.join(scene.dir, 'state/runs', String(first));
const pull = `/${owner}/${name}/pull/${number}`;
const routes = ['/', '/index.json', `/${owner}/${name}`, pull, `${pull}.json`, `/run/${first}`, `/run/${first}.json`, `/run/${first}?q=package`];

// As it comes over the wire: { status, headers, body }.
const agent = new http.Agent({ keepAlive: true });
const get = (route, headers = {}, method = 'GET') => new Promise((resolve, reject) => {
	http.request(scene.bot.url + route, { agent, method, headers }, answer => {
		const parts = [];
		answer.on('data', d => parts.push(d)).on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(parts) }));
	}).on('error', reject).end();
});
const text = async (route, headers) => (await get(route, headers)).body.toString();
const given_again = async () => Number(/^ekaci_pages_again_total (\d+)$/m.exec(await text('/metrics'))[1]);

// Asks until an answer was one that had been given before; gives it, and the one that was asked for before it.
async function until_again(route, headers)
{
	for (let n = 0; n < 2000; n++) {
		const before = await given_again();
		const [one, two] = [await get(route, headers), await get(route, headers)];
		if (await given_again() === before + 1)
			return { one, two };
	}
	throw new Error(`${route} is never given again`);
}

const token = execFileSync(program, ['token', 'add', 'tester', '--config', scene.bot.config_file], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
const bearer = { Authorization: `Bearer ${token}` };
// As forge/signature.c and web/link.c derive it.
const mac = (key, of) => crypto.createHmac('sha256', key).update(of).digest();
const key = `key=${mac(mac(scene.secret, 'ekaci: links to pages, 1'), `${repository}/${number}`).toString('hex').slice(0, 32)}`;
const set_private = yes => sql(scene, `UPDATE repository SET private = ${yes} WHERE id = ${repository};`);

test('what is given again is what was given, with all its headers', async () => {
	const but_date = ({ date, ...headers }) => headers;
	for (const route of routes) {
		const { one, two } = await until_again(route);
		equal([two.status, but_date(two.headers)], [200, but_date(one.headers)], route);
		ok(one.body.equals(two.body), route);
		const head = await get(route, {}, 'HEAD');
		equal([head.status, head.headers['content-type'], head.body.length], [200, one.headers['content-type'], 0], route);
	}
});

test('another process changes a row, and it is seen at once', async () => {
	for (let i = 0; i < 15; i++)
		for (const route of routes.filter(r => !r.includes('q='))) {
			await until_again(route);
			const head = crypto.randomBytes(20).toString('hex');
			sql(scene, `UPDATE run SET head = '${head}', verdict = '${i % 2 ? 'failure' : 'success'}' WHERE id = ${first};`);
			const now = await text(route);
			if (!/^\/run\/\d+$/.test(route)) // its verdict is of its file
				match(now, i % 2 ? /failure/ : /success/, route);
			if (route !== '/' && route !== `/${owner}/${name}`)
				ok(now.includes(head.slice(0, 10)), `${route} has the head of before`);
		}
});

test('the bot itself changes a row, and it is seen at once', async () => {
	const heard = () => sql(scene, 'SELECT count(*) FROM delivery;');
	for (let i = 0; i < 10; i++) {
		const body = JSON.stringify({ zen: String(i) }), before = heard();
		await get('/');
		const answer = await fetch(`${scene.bot.url}/webhook`, { method: 'POST', body, headers: { 'Content-Type': 'application/json', 'X-GitHub-Event': 'ping',
			'X-GitHub-Delivery': crypto.randomUUID(), 'X-Hub-Signature-256': `sha256=${crypto.createHmac('sha256', scene.secret).update(body).digest('hex')}` } });
		const n = await given_again(), page = await get('/');
		equal([answer.status, page.status, await given_again(), heard() !== before], [202, 200, n, true], 'made anew after a delivery');
	}
});

test('a file of the run is another, and it is seen at once', async () => {
	const file = path.join(files, 'above.html'), whole = fs.readFileSync(file, 'utf8');
	for (let i = 0; i < 15; i++) {
		await until_again(`/run/${first}`);
		fs.writeFileSync(`${file}.new`, `${whole}<p>file ${i % 10}</p>`); // always of one size
		fs.renameSync(`${file}.new`, file);
		ok((await text(`/run/${first}`)).includes(`<p>file ${i % 10}</p>`), `the ${i + 1}. file`);
	}
	fs.writeFileSync(file, whole);
});

test('form, encoding and query are another answer each', async () => {
	for (let i = 0; i < 5; i++)
		for (const route of ['/', `/run/${first}`]) { // more than a packet each, so worth packing
			const { two: html } = await until_again(route, { Accept: 'text/html' });
			match((await get(route, { Accept: 'application/json' })).headers['content-type'], /^application\/json/);
			match((await get(route, { Accept: 'text/markdown' })).headers['content-type'], /^text\/markdown/);
			const packed = await get(route, { Accept: 'text/html', 'Accept-Encoding': 'gzip' });
			equal([html.headers['content-encoding'], packed.headers['content-encoding']], [undefined, 'gzip'], `${route} of ${html.body.length}`);
			match(gunzipSync(packed.body).toString(), /<\/html>\s*$/);
			equal((await get(route, { Accept: 'text/html', 'Accept-Encoding': 'zstd' })).headers['content-encoding'], 'zstd');
			match((await get(route, { Accept: 'text/html' })).body.toString(), /<\/html>\s*$/);
			const { status, body } = await get(route, { Accept: 'text/html', 'If-None-Match': html.headers.etag });
			ok(status === 304 ? body.length === 0 : status === 200 && body.length > 0, 'sent again when it is another by now, and only then');
		}
	// No text of a query can be taken for two: "q" that holds what might stand between two arguments, and two of them.
	const one = `/run/${first}?q=%02sort%01name`, two = `/run/${first}?q=&sort=name`;
	for (let i = 0; i < 5; i++) {
		for (const [here, there] of [[one, two], [two, one]])
			ok(!(await until_again(here)).two.body.equals((await get(there)).body), `${here} was given for ${there}`);
	}
});

test('what one visitor may see is not given to another', async () => {
	const path_of = [pull, `/run/${first}`, `/${owner}/${name}`];
	for (let i = 0; i < 8; i++) {
		for (const route of path_of)
			await until_again(route);
		set_private(1);
		for (const route of path_of) {
			equal((await get(route)).status, 404, `${route} became private`);
			const n = await given_again();
			for (let k = 0; k < 3; k++) {
				const mine = await get(route, bearer);
				equal([mine.status, mine.headers['cache-control']], [200, 'private, no-store'], route);
				if (route !== `/${owner}/${name}`) {
					const linked = await get(`${route}?${key}`);
					equal([linked.status, linked.headers['cache-control']], [200, 'private, no-store'], route);
				}
				equal((await get(route)).status, 404, `${route} after one who may`);
				equal((await get(`${route}?key=${'0'.repeat(32)}`)).status, 404, `${route} with another key`);
			}
			equal(await given_again(), n, 'nothing private is given again');
		}
		const word = `${owner}/${name}`;
		ok((await text('/', bearer)).includes(word));
		ok(!(await text('/')).includes(word), 'the first page of an operator is his alone');
		await until_again('/');
		ok((await text('/', bearer)).includes(word), 'and he is not given that of everybody');
		ok(!(await text(`/?${key}`)).includes(word));
		set_private(0);
		equal((await get(pull)).status, 200);
		const open = await get(pull, bearer);
		equal([open.status, open.headers['cache-control']], [200, 'private, no-store'], 'also what everybody may see');
	}
});

test('what is no page is not given again', async () => {
	const n = await given_again();
	for (let i = 0; i < 5; i++) {
		equal((await get('/run/99999999')).status, 404);
		equal((await get(`/${owner}/nothing`)).status, 404);
		equal((await get(`/run/${first}/report.html`)).status, 303);
		equal((await get('/readyz')).status, 200);
		await text('/metrics');
	}
	equal(await given_again(), n);
	sql(scene, `UPDATE run SET state = 'BUILDING', ended = NULL, verdict = NULL, held = 'for the test' WHERE id = ${first};`);
	for (let i = 0; i < 3; i++) {
		const stop = new AbortController();
		const events = await fetch(`${scene.bot.url}/run/${first}`, { headers: { Accept: 'text/event-stream' }, signal: stop.signal });
		match(new TextDecoder().decode((await events.body.getReader().read()).value), /^data: /);
		stop.abort();
	}
	equal(await given_again(), n, 'events are each reader\'s own');
});

await run({ limit_ms: 180000, before_end: () => scene.end() });
