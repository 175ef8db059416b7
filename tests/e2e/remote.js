// A bot asked and told from elsewhere: `ekaci --url`, tokens, and what is refused, with a private repository, so that nothing is public.

import Ajv from 'ajv/dist/2020.js';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import path from 'node:path';
import { begin, equal, match, ok, program, run, test, top } from './lib.js';
import { eventually, finished } from './scenes.js';

const scene = await begin({ private: true, config: { build: { enabled: false } } });
const state = path.join(scene.dir, 'state');
const { pull } = await scene.open('docs');
await finished(scene, pull.head.sha);
const description = JSON.parse(fs.readFileSync(path.join(top, 'templates/openapi.json'), 'utf8'));

// The program elsewhere: nothing of the bot's machine is known to it but what the words and the environment say.
function call(words, env = {})
{
	const r = spawnSync(program, words, { cwd: '/', encoding: 'utf8', timeout: 60000, env: { PATH: process.env.PATH, ...env } });
	return { status: r.status, out: r.stdout, err: r.stderr };
}
const here = (...words) => call(words, { EKACI_CONFIG: scene.bot.config_file });
const remote = (token, ...words) => call(['--url', scene.bot.url, ...words], token ? { EKACI_TOKEN: token } : {});
const post = (route, token, { body = '{}', headers = {} } = {}) => fetch(scene.bot.url + route, { method: 'POST', body,
	headers: { 'Content-Type': 'application/json', ...(token ? { Authorization: `Bearer ${token}` } : {}), ...headers }, signal: AbortSignal.timeout(20000) });
const sql = text => execFileSync('sqlite3', [path.join(state, 'ekaci.db'), '.timeout 10000', text], { encoding: 'utf8' }).trim();

const made = here('token', 'add', 'alice'), token = made.out.trim();
const reader = JSON.parse(here('token', 'add', '--read-only', '--json', 'wall').out).token;

test('a token is shown once, kept as a hash for the bot alone, and listed without it', () => {
	equal(made.status, 0, made.err);
	match(token, /^ekaci_[0-9a-f]{64}$/);
	match(made.err, /shown once/);
	const file = path.join(state, 'tokens');
	ok(!fs.readFileSync(file, 'utf8').includes(token.slice(6)), 'not as it is');
	equal(fs.statSync(file).mode & 0o777, 0o600);
	match(here('token', 'list').out, /^alice +act +made \d{4}-\d\d-\d\d\nwall +read +made /);
	equal(JSON.parse(here('token', 'list', '--json').out).map(t => [t.name, t.right]), [['alice', 'act'], ['wall', 'read']]);
	match(here('token', 'add', 'alice').err, /there is a token alice already/);
	match(here('token', 'add', 'a b').err, /a token's name has/);
	equal(here('token', 'revoke', 'nobody').status, 1);
	equal(here('token', 'add').status, 2);
});

test('without a token what is private is not there, with one it is read as beside the bot', () => {
	const blind = remote(null, 'status');
	equal([blind.status, blind.err], [0, '']);
	match(blind.out, /private repositories is not shown without a token/);
	const refused = remote(null, 'run', '1');
	equal([refused.status, refused.out], [1, '']);
	match(refused.err, /\/run\/1\.json is not there, or it is of a private repository, which takes a token/);
	for (const t of [token, reader]) {
		match(remote(t, 'run', '1').out, /^run 1 of org\/demo#1, [0-9a-f]{12}: DONE$/mi);
		const is = JSON.parse(remote(t, 'run', '--json', '1').out);
		equal([is.run.id, is.run.repository, is.run.number], [1, 'org/demo', 1]);
		const index = JSON.parse(remote(t, 'status', '--json').out);
		equal([index.repositories.map(r => r.name), index.pulls.map(r => r.number)], [['org/demo'], [1]]);
		ok(!/not shown/.test(remote(t, 'status').out));
	}
	equal(remote(token, 'run', '99').status, 1);
	// The words are the same before and behind the command, and in the environment.
	const file = path.join(scene.dir, 'token');
	fs.writeFileSync(file, `${token}\n`, { mode: 0o600 });
	for (const [words, env] of [[['run', '1', '--url', scene.bot.url, '--token-file', file]], [[`--url=${scene.bot.url}/`, `--token-file=${file}`, 'run', '1']],
		[['run', '1'], { EKACI_URL: scene.bot.url, EKACI_TOKEN: token }]])
		match(call(words, env).out, /^run 1 of org\/demo#1/, words.join(' '));
	// A bot of this machine that is named is meant.
	match(call(['run', '--config', scene.bot.config_file, '1'], { EKACI_URL: 'http://127.0.0.1:1' }).out, /^run 1 of/);
});

test('retry, rebuild, cancel and approve do what they do beside the bot, and the log says who', async () => {
	const runs = () => Number(sql('SELECT count(*) FROM run'));
	for (const [i, verb] of ['retry', 'rebuild'].entries()) {
		const before = runs();
		equal(remote(token, verb, '1'), { status: 0, out: 'The bot has been told.\n', err: '' });
		await eventually(`a run after ${verb}`, () => runs() > before);
		equal(sql(`SELECT count(*) FROM command WHERE verb = 'rebuild' AND words = '${i === 0 ? '[]' : '["all"]'}'`), '1', verb);
	}
	const cancelled = JSON.parse(remote(token, 'cancel', '--json', '1').out);
	equal([cancelled.verb, cancelled.repository, cancelled.number, cancelled.told], ['cancel', 'org/demo', 1, true]);
	equal(JSON.parse(here('cancel', '--json', '1').out).verb, 'cancel', 'the same on the machine');
	const approved = remote(token, 'approve', 'org/demo#1', pull.head.sha.slice(0, 8));
	equal(approved, { status: 0, out: `The head is ${pull.head.sha}.\nThe bot has been told.\n`, err: '' });
	const other = remote(token, 'approve', 'org/demo#1', 'abcdef0');
	equal(other.status, 2);
	match(other.err, /abcdef0 is not the head of org\/demo#1, which is [0-9a-f]{40}/);
	equal(remote(token, 'approve', 'org/demo#99').status, 1);
	equal(remote(token, 'retry', '99').status, 1);
	const log = scene.bot.log_text();
	match(log, /order.*token=alice verb=rebuild repo=org\/demo run=1 pr=1/);
	match(log, /order refused.*token=alice/);
	ok(!log.includes(token.slice(6)) && !log.includes(reader.slice(6)), 'no token in the log');
});

test('an order is refused without a token, with one that only reads, from a page in a browser, and in another form', async () => {
	const before = sql('SELECT count(*) FROM command');
	const said = async (answer, status) => {
		equal(answer.status, status);
		equal(answer.headers.get('content-type'), 'application/json');
		return (await answer.json()).error;
	};
	match(await said(await post('/run/1/retry', null), 401), /a token is needed/);
	equal((await post('/run/1/retry', null)).headers.get('www-authenticate'), 'Bearer');
	match(await said(await post('/run/1/retry', `ekaci_${'0'.repeat(64)}`), 401), /none of the bot's/);
	match(await said(await post('/run/1/retry', reader), 403), /only reads/);
	match(await said(await post('/run/1/retry', token, { headers: { Origin: 'https://evil.example' } }), 403), /pages in a browser/);
	match(await said(await post('/run/1/retry', token, { headers: { 'Content-Type': 'text/plain' } }), 415), /application\/json/);
	match(await said(await post('/run/1/retry', token, { body: '{' }), 400), /the body/);
	match(await said(await post('/run/1/retry', token, { body: `{"head":"${'x'.repeat(5000)}"}` }), 413), /longer/);
	match(await said(await post('/run/0/retry', token), 404), /number/);
	match(await said(await post('/org/demo/pull/1/approve', token, { body: '{"head":"nonsense"}' }), 400), /not the name of a commit/);
	equal((await fetch(`${scene.bot.url}/run/1/retry`)).status, 405);
	equal(sql('SELECT count(*) FROM command'), before, 'none of these left anything');
	// A token of somebody else's (a proxy's) is nobody's here; one of ours that is wrong is said also where no token is needed.
	const get = header => fetch(`${scene.bot.url}/index.json`, { headers: { Authorization: header } });
	equal([(await get('Bearer eyJ.x.y')).status, (await get('Basic YTpi')).status, (await get('Bearer ekaci_no')).status], [200, 200, 401]);
	const seen = await get(`Bearer ${token}`);
	equal(seen.headers.get('cache-control'), 'private, no-store');
});

test('/openapi.json describes each order, and the answers are so', async () => {
	const ajv = new Ajv({ strict: false });
	ajv.addSchema({ $id: 'd', components: description.components });
	const orders = Object.entries(description.paths).filter(([, of]) => of.post);
	equal(orders.map(([route]) => route).sort(), ['/run/{id}/cancel', '/run/{id}/rebuild', '/run/{id}/retry', '/{owner}/{repo}/pull/{number}/approve']);
	for (const [route, { post: of }] of orders) {
		equal(of.security, [{ token: [] }]);
		const filled = route.replace('{id}', 1).replace('{owner}', 'org').replace('{repo}', 'demo').replace('{number}', 1);
		const good = await post(filled, token), bad = await post(filled, reader);
		equal([good.status, bad.status], [202, 403]);
		for (const [answer, status] of [[good, '202'], [bad, '403']]) {
			const validate = ajv.compile({ $ref: `d${of.responses[status].content['application/json'].schema.$ref}` });
			const body = await answer.json();
			ok(validate(body), `${route}: ${JSON.stringify(validate.errors)}`);
			ok(!validate({ ...body, more: 1 }), route);
		}
	}
});

test('a log comes as it is, and nothing in it drives a terminal', () => {
	const name = `${'0'.repeat(32)}-thing-1.0`, text = '\x1b[31mred\x1b[0m\x1b]0;title\x07\tone\nerror: two\n';
	fs.mkdirSync(path.join(state, 'logs'), { recursive: true });
	fs.writeFileSync(path.join(state, 'logs', `${name}.drv`), text);
	sql(`INSERT INTO build (drv, name, system, state, created, log) VALUES ('/nix/store/${name}.drv', 'thing-1.0', 'x86_64-linux', 'failed', 1, '${path.join(state, 'logs', `${name}.drv`)}');
		INSERT INTO build_want (run, build, target) SELECT 1, id, 1 FROM build WHERE name = 'thing-1.0'`);
	equal(here('log', `${name}.drv`).out, text, 'the bytes, in a pipe');
	for (const word of [name, `${name}.drv`, `/nix/store/${name}.drv`])
		equal(remote(token, 'log', word).out, 'red\tone\nerror: two\n', word);
	equal([remote(null, 'log', name).status, remote(token, 'log', `${'1'.repeat(32)}-none`).status, remote(token, 'log', 'thing').status], [1, 1, 2]);
	const on_terminal = spawnSync('script', ['-qec', `${program} log --config ${scene.bot.config_file} ${name}`, '/dev/null'], { encoding: 'utf8' });
	equal(on_terminal.stdout.replaceAll('\r', ''), 'red\tone\nerror: two\n');
});

test('why a build has not started is told programs, too', () => {
	const drv = `/nix/store/${'2'.repeat(32)}-waits-1.0.drv`;
	sql(`INSERT INTO build (drv, name, system, state, created, reason) VALUES ('${drv}', 'waits-1.0', 'riscv64-linux', 'queued', 1, char(27) || '[31m');
		INSERT INTO build_want (run, build, target) SELECT 1, id, 1 FROM build WHERE name = 'waits-1.0'`);
	const is = JSON.parse(here('status', '--json', '--why', drv).out), words = here('status', '--why', drv).out.split('\n');
	equal([is.drv, is.system, is.state], [drv, 'riscv64-linux', 'queued']);
	ok(is.why.length > 0, 'and why');
	equal(words[0], `${drv} (riscv64-linux): queued`);
	equal(is.why, words.slice(1).map(line => line.trim()).filter(Boolean));
});

test('what is wrong is said: where, the certificate, the token, the version, a way that leads elsewhere', async () => {
	const says = (r, status, words) => {
		equal([r.status, r.out], [status, ''], r.err);
		match(r.err, words);
	};
	says(call(['--url', 'http://127.0.0.1:1', 'status']), 2, /http:\/\/127\.0\.0\.1:1 is out of reach: /);
	says(call(['--url', 'http://bot.invalid', 'status'], { EKACI_TOKEN: token }), 2, /a token is not sent over http.*https:\/\/bot\.invalid/);
	says(call(['--url', 'ftp://x', 'status']), 2, /is no address of a bot/);
	says(call(['--url', 'https://user:secret@x', 'status']), 2, /has no user/);
	says(call(['--url']), 2, /--url wants a value/);
	says(remote(null, 'backup', 'x'), 2, /backup does not ask a bot elsewhere; status, run/);
	says(remote(null, 'status', '--why', 'x'), 2, /--why is for a bot on this machine/);
	says(remote('secret', 'status'), 2, /EKACI_TOKEN holds no token of a bot/);
	says(remote(null, 'retry', '1'), 2, /wants a token for this: `ekaci token add NAME`/);
	says(remote(reader, 'retry', '1'), 2, /refuses: this token only reads/);
	says(remote(null, 'run', 'x'), 2, /x is no number of a run/);
	// Others that answer: in another process, since ours waits for the program.
	const cert = path.join(scene.dir, 'cert.pem'), key = path.join(scene.dir, 'key.pem');
	execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'], { stdio: 'ignore' });
	const headers = [];
	const serve = (module, options, answer) => new Promise(resolve => {
		const s = module.createServer(options, (q, r) => (headers.push(q.headers), answer(q, r))).listen(0, '127.0.0.1', () => resolve(s));
	});
	const through = (q, r) => http.get(scene.bot.url + q.url, { headers: q.headers }, a => (r.writeHead(a.statusCode, a.headers), a.pipe(r)));
	const tls = await serve(https, { cert: fs.readFileSync(cert), key: fs.readFileSync(key) }, through);
	const other = await serve(http, {}, (q, r) => q.url.startsWith('/index') ? r.end('hello') : r.writeHead(q.method === 'POST' ? 405 : 302, { Location: 'http://127.0.0.1:1/' }).end());
	const at = async (url, words, env = {}) => {
		const { spawn } = await import('node:child_process');
		return new Promise(resolve => {
			const child = spawn(program, ['--url', url, ...words], { cwd: '/', env: { PATH: process.env.PATH, ...env } });
			let out = '', err = '';
			child.stdout.on('data', d => out += d);
			child.stderr.on('data', d => err += d);
			child.on('close', status => resolve({ status, out, err }));
		});
	};
	try {
		const secure = `https://127.0.0.1:${tls.address().port}`, plain = `http://127.0.0.1:${other.address().port}`;
		says(await at(secure, ['status'], { EKACI_TOKEN: token }), 2, /the certificate of \S+ is not trusted: .*SSL_CERT_FILE/);
		equal(headers, [], 'and nothing was sent');
		match((await at(secure, ['run', '1'], { EKACI_TOKEN: token, SSL_CERT_FILE: cert })).out, /^run 1 of org\/demo#1/);
		says(await at(plain, ['status']), 2, /there is no ekaci at \S+, or one older than this program/);
		says(await at(plain, ['retry', '1'], { EKACI_TOKEN: token }), 2, /is older than this program, and does not know `retry`/);
		says(await at(plain, ['run', '1'], { EKACI_TOKEN: token }), 2, /leads elsewhere, and nothing is sent there/);
	} finally {
		tls.close();
		other.close();
	}
});

test('a token that is revoked opens nothing from the next request on; too many orders and wrong tokens wait', async () => {
	const many = [];
	for (let i = 0; i < 40; i++)
		many.push((await post('/run/99/retry', token)).status);
	ok(many.includes(429) && !many.slice(many.indexOf(429)).includes(404), many.join(' '));
	equal(here('token', 'revoke', 'alice').out, 'The token alice opens nothing any more.\n');
	const gone = remote(token, 'run', '1');
	equal(gone.status, 2);
	match(gone.err, /does not know this token; it may have been revoked/);
	match(remote(reader, 'run', '1').out, /^run 1 of/, 'another stays');
	const wrong = [];
	for (let i = 0; i < 40; i++)
		wrong.push((await post('/run/1/retry', `ekaci_${'1'.repeat(64)}`)).status);
	equal([wrong.includes(401), wrong.at(-1)], [true, 429]);
	match(remote(reader, 'run', '1').out, /^run 1 of/, 'good ones do not wait');
	// A file that somebody broke opens nothing, and that is said.
	fs.writeFileSync(path.join(state, 'tokens'), 'nonsense\n');
	equal(remote(reader, 'run', '1').status, 2);
	match(scene.bot.log_text(), /tokens: none is taken.*tokens:1: this is no token/);
});

try {
	await run();
} finally {
	await scene.end();
}
