// deploy/nginx.conf and deploy/Caddyfile as they stand, but for name, ports and certificate, in front of a bot: what comes through and
// what does not, by whatever spelling.

import { spawn, spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { begin, equal, match, ok, run, test, top } from '../e2e/lib.js';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-proxies-'));
const at = name => path.join(dir, name);
const example = name => fs.readFileSync(path.join(top, 'deploy', name), 'utf8');
const started = [];
process.on('exit', () => started.forEach(p => p.kill('SIGKILL')));

const listening = server => new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));
async function free_port()
{
	const server = net.createServer(), port = await listening(server);
	await new Promise(resolve => server.close(resolve));
	return port;
}
// Each change must be one: an example that does not say so any more fails.
function change(text, pairs)
{
	for (const [from, to] of pairs) {
		ok(text.includes(from), `${from} is not in the example`);
		text = text.replaceAll(from, to);
	}
	return text;
}

const kinds = {
	nginx: {
		command: 'nginx', found: ['-v'],
		write(file, port, plain, upstream) {
			fs.mkdirSync(`${file}.d`);
			const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(n => `${n}_temp_path ${file}.d/${n};`).join(' ');
			fs.writeFileSync(file, `daemon off; master_process off; worker_processes 1; pid ${file}.pid; error_log ${file}.log; events {} http { access_log off; ${temp}\n` +
				change(example('nginx.conf'), [['listen [::]:80;', ''], ['listen [::]:443 ssl;', ''], ['listen 80;', `listen 127.0.0.1:${plain};`],
					['listen 443 ssl;', `listen 127.0.0.1:${port} ssl;`], ['/etc/letsencrypt/live/ci.example.org/fullchain.pem', at('cert')],
					['/etc/letsencrypt/live/ci.example.org/privkey.pem', at('key')], ['127.0.0.1:3030;', `127.0.0.1:${upstream};`]]) + '}\n');
			return ['-p', dir, '-e', `${file}.log`, '-c', file];
		},
	},
	Caddy: {
		command: 'caddy', found: ['version'],
		write(file, port, plain, upstream) {
			fs.writeFileSync(file, `{\n\tadmin off\n\thttp_port ${plain}\n\thttps_port ${port}\n\tdefault_sni ci.example.org\n}\n` + change(example('Caddyfile'), [
				['\nci.example.org {', `\nci.example.org {\n\tbind 127.0.0.1\n\ttls ${at('cert')} ${at('key')}`],
				['reverse_proxy 127.0.0.1:3030', `reverse_proxy 127.0.0.1:${upstream}`]]));
			return ['run', '--adapter', 'caddyfile', '--config', file];
		},
	},
};

async function begin_proxy(kind, name, upstream)
{
	const port = await free_port(), plain = await free_port();
	const args = kind.write(at(name), port, plain, upstream);
	const log = fs.openSync(at(`${name}.out`), 'w');
	const child = spawn(kind.command, args, { stdio: ['ignore', log, log], env: { ...process.env, HOME: dir, XDG_DATA_HOME: dir, XDG_CONFIG_HOME: dir } });
	started.push(child);
	for (const end = Date.now() + 30000; ;) {
		const open = await new Promise(resolve => net.connect(port, '127.0.0.1').once('connect', function () { this.destroy(); resolve(true); }).once('error', () => resolve(false)));
		if (open)
			return { child, port, plain };
		if (child.exitCode !== null || Date.now() > end)
			throw new Error(`${name}: ${fs.readFileSync(at(`${name}.out`), 'utf8')}`);
		await new Promise(resolve => setTimeout(resolve, 50));
	}
}

// The path goes out as it is written here. `on_data` sees pieces as they come.
const ask = (port, method, target, { headers = {}, body, on_data = () => {}, plain = false } = {}) => new Promise((resolve, reject) => {
	const request = (plain ? http : https).request({ host: '127.0.0.1', port, method, path: target, servername: 'ci.example.org', rejectUnauthorized: false,
		headers: { Host: 'ci.example.org', ...headers, ...body && { 'Content-Length': body.length } }, agent: false, timeout: 60000 }, answer => {
		let text = '';
		answer.setEncoding('utf8').on('data', d => { text += d; on_data(text); });
		answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, text })).on('error', reject);
	});
	// A body that is refused is not read to its end.
	request.on('error', e => body ? resolve({ status: 413, text: `cut off: ${e.code}` }) : reject(e)).on('timeout', () => request.destroy(new Error(`${method} ${target}: no answer`)));
	request.end(body);
});

const secret_paths = ['metrics', 'readyz'].flatMap(p => {
	const coded = `%${p.charCodeAt(0).toString(16)}${p.slice(1)}`;
	return [`/${p}`, `/${p}?x`, `/${p}/`, `//${p}`, `/${coded}`, `/${coded}?x`, `//${coded}`, `/./${p}`, `/x/../${p}`, `/x/%2e%2e/${p}`, `/healthz/../${p}`, `/${p.toUpperCase()}`, `/${p}%2f`,
		`/${p}%3f`, `/${p};x`, `/%2f${p}`, `/x/..%2f${p}`, `/%252e/${p}`, `http://ci.example.org/${p}`, `/${p}%00`, `/webhook/../${p}`];
});

for (const [name, kind] of Object.entries(kinds)) {
	const skipped = spawnSync(kind.command, kind.found).status === 0 ? '' : ` # SKIP ${kind.command} is not installed: deploy/dependencies.sh deploy`;
	test(`${name}: pages and webhooks come through, 25 MB of them; what is the operator's does not, however it is spelled${skipped}`, async () => {
		if (skipped)
			return;
		const scene = await begin({});
		try {
			const bot = Number(new URL(scene.bot.url).port);
			for (const p of ['/metrics', '/readyz'])
				equal((await scene.bot.get(p)).status, 200, `the bot itself has ${p}`);
			const { port, plain } = await begin_proxy(kind, `${kind.command}-bot`, bot);

			const { pull } = await scene.open('docs');
			await scene.until_check(pull.head.sha);
			for (const p of ['/', '/healthz', '/style.css', '/run/1', '/run/1/report.json', '/org/demo/pull/1', '/badge/org/demo.svg', '/?q=1'])
				equal((await ask(port, 'GET', p)).status, 200, p);
			equal((await ask(port, 'HEAD', '/')).status, 200);
			const csp = (await scene.bot.get('/')).headers.get('content-security-policy');
			equal((await ask(port, 'GET', '/')).headers['content-security-policy'] || null, csp, 'headers of the bot come through');

			for (const p of secret_paths)
				for (const method of ['GET', 'HEAD', 'POST']) {
					const { status, text } = await ask(port, method, p);
					ok(status >= 400, `${method} ${p}: ${status}`);
					ok(!/ekaci_|# TYPE|ready/.test(text), `${method} ${p}: ${text}`);
				}
			for (const [method, p] of [['POST', '/'], ['PUT', '/run/1'], ['DELETE', '/run/1'], ['GET', '/webhook'], ['PUT', '/webhook'], ['OPTIONS', '/']])
				ok([403, 404, 405].includes((await ask(port, method, p)).status), `${method} ${p}`);

			const deliver = body => ask(port, 'POST', '/webhook', { body, headers: { 'Content-Type': 'application/json', 'X-GitHub-Event': 'ping', 'X-GitHub-Delivery': crypto.randomUUID(),
				'X-Hub-Signature-256': `sha256=${crypto.createHmac('sha256', scene.secret).update(body).digest('hex')}` } });
			const of_size = n => Buffer.from(`{"zen":"${'a'.repeat(n - 10)}"}`);
			equal((await deliver(Buffer.from('{"zen":"x"}'))).status, 202);
			equal((await deliver(of_size(25 * 1024 * 1024 - 10))).status, 202, '25 MB');
			// The proxy says so, or finds the bot's line cut off.
			ok([413, 502].includes((await deliver(of_size(25 * 1024 * 1024 + 4096))).status), 'more');
			const unsigned = await ask(port, 'POST', '/webhook', { body: Buffer.from('{}'), headers: { 'X-GitHub-Event': 'ping' } });
			ok([400, 401, 403].includes(unsigned.status), 'the bot refuses what is not signed');

			const moved = await ask(plain, 'GET', '/run/1?a=b', { plain: true });
			ok([301, 308].includes(moved.status), `${moved.status}`);
			match(moved.headers.location, /^https:\/\/ci\.example\.org(:\d+)?\/run\/1\?a=b$/);
		} finally {
			await scene.end();
		}
	});

	test(`${name}: each event of a page that stays open comes at once${skipped}`, async () => {
		if (skipped)
			return;
		let go_on;
		const seen = new Promise(resolve => { go_on = resolve; });
		const server = http.createServer(async (request, answer) => {
			answer.writeHead(200, { 'Content-Type': request.url === '/log/events' ? 'text/event-stream' : 'text/html; charset=utf-8' });
			answer.write('data: first\n\n');
			// It says the second when the first has arrived.
			await seen;
			answer.end('data: second\n\n');
		});
		const { port } = await begin_proxy(kind, `${kind.command}-events`, await listening(server));
		const answers = ['/log/events', '/log/page'].map(p => ask(port, 'GET', p, { on_data: text => { if (text.includes('first')) pieces.add(p); if (pieces.size === 2) go_on(); } }));
		const pieces = new Set();
		for (const { text } of await Promise.all(answers))
			equal(text, 'data: first\n\ndata: second\n\n');
		server.close();
	});
}

equal(spawnSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=ci.example.org', '-addext', 'subjectAltName=DNS:ci.example.org', '-days', '2', '-keyout', at('key'), '-out', at('cert')]).status, 0);
await run({ limit_ms: 200000, before_end: async () => {
	await Promise.all(started.map(p => p.exitCode !== null || new Promise(resolve => { p.once('exit', resolve); p.kill('SIGKILL'); })));
	fs.rmSync(dir, { recursive: true, force: true });
} });
