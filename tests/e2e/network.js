// [network]: GitHub that is reached through a proxy only, and whose certificate a private authority has signed.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { equal, match, ok, run, test, begin } from './lib.js';
import { eventually, figure, finished, tidy } from './scenes.js';

// Nobody resolves this name: who reaches it went through the proxy.
const NAME = 'github.invalid';
const tmp = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-network-'));
const at = name => path.join(tmp, name);
const openssl = (...args) => execFileSync('openssl', args, { cwd: tmp, stdio: 'ignore' });
openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=A private authority', '-addext',
	'basicConstraints=critical,CA:TRUE', '-keyout', 'ca.key', '-out', 'ca.pem');
openssl('req', '-newkey', 'rsa:2048', '-nodes', '-subj', `/CN=${NAME}`, '-addext', `subjectAltName=DNS:${NAME}`, '-keyout',
	'tls.key', '-out', 'tls.csr');
openssl('x509', '-req', '-in', 'tls.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2',
	'-copy_extensions', 'copy', '-out', 'tls.pem');

const listening = server => new Promise(resolve => server.unref().listen(0, '127.0.0.1', () =>
	resolve(server.address().port)));

// TLS in front of the stand-in, as GitHub has it.
const front_of = url => https.createServer({ key: fs.readFileSync(at('tls.key')), cert: fs.readFileSync(at('tls.pem')) },
	(request, response) => {
		const on = http.request(url + request.url, { method: request.method, headers: request.headers }, answer => {
			response.writeHead(answer.statusCode, answer.rawHeaders);
			answer.pipe(response);
		});
		on.on('error', () => response.destroy());
		request.pipe(on);
	}).on('tlsClientError', () => {});

// A proxy that opens tunnels to NAME:443 and nothing else, and notes what it was told.
function proxy_to(port, asked)
{
	return http.createServer((request, response) => {
		asked.push({ what: `${request.method} ${request.url}`, headers: request.headers });
		response.writeHead(403).end();
	}).on('connect', (request, socket) => {
		asked.push({ what: `CONNECT ${request.url}`, headers: request.headers });
		socket.on('error', () => {});
		if (request.url !== `${NAME}:443`) {
			socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
			return;
		}
		const on = net.connect(port, '127.0.0.1', () => {
			socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
			on.pipe(socket);
			socket.pipe(on);
		});
		on.on('error', () => socket.destroy());
		socket.on('close', () => on.destroy());
	});
}

async function behind(config, body, env = {})
{
	const asked = [];
	const scene = await begin({ start: false, env: { http_proxy: '', https_proxy: '', HTTPS_PROXY: '', ...env },
		github: { args: ['--public-url', `https://${NAME}`], api_url: `https://${NAME}` } });
	const port = await listening(proxy_to(await listening(front_of(scene.github.url)), asked));
	scene.configure({ network: config(`http://127.0.0.1:${port}`) });
	try {
		await body(scene, asked, `http://127.0.0.1:${port}`);
	} finally {
		await scene.end();
	}
}

test('API and git go through the proxy, verified by the private authority, and the proxy sees no token', () =>
	behind(proxy => ({ proxy, ca_file: at('ca.pem') }), async (scene, asked) => {
		await scene.bot.start();
		const { pull } = await scene.open('bump');
		equal((await finished(scene, pull.head.sha)).rebuilds.conclusion, 'failure');
		await tidy(scene, pull);
		equal([...new Set(asked.map(a => a.what))], [`CONNECT ${NAME}:443`]);
		for (const who of [/^ekaci/, /^git\//])
			ok(asked.some(a => who.test(a.headers['user-agent'])), `${who} came through`);
		equal(asked.filter(a => a.headers.authorization), []);
		ok(!/ghs_|eyJ/.test(JSON.stringify(asked)), 'no token is told to the proxy');
	}));

test('without the authority nothing is told to anybody, and the log says why', () =>
	behind(proxy => ({ proxy }), async (scene, asked) => {
		await scene.bot.start();
		await eventually('it says so', () => /certificate/.test(scene.bot.log_text()));
		ok(asked.length > 0);
		equal(await scene.github.ask('requests'), []);
	}));

test('what no_proxy names does not go through it', () =>
	behind(proxy => ({ proxy, ca_file: at('ca.pem'), no_proxy: ['.invalid'] }), async (scene, asked) => {
		await scene.bot.start();
		await eventually('it cannot be reached', async () => await figure(scene, 'github_unreachable_total') > 0
			|| /resolve/i.test(scene.bot.log_text()));
		equal(asked, []);
	}));

test('without the key the environment counts', () =>
	behind(() => ({ ca_file: at('ca.pem') }), async (scene, asked, proxy) => {
		scene.bot.env.https_proxy = proxy;
		await scene.bot.start();
		await eventually('GitHub knows us', () => /GitHub knows us as the App/.test(scene.bot.log_text()));
		ok(asked.length > 0);
	}));

test('a file without certificates, and none, are told at the start', () =>
	behind(() => ({ ca_file: at('tls.key') }), async scene => {
		for (const [file, why] of [[at('tls.key'), /\[network\] ca_file: \S+ holds no certificate/], [at('nothing'), /\[network\] ca_file: .*nothing/]]) {
			scene.configure({ network: { ca_file: file } });
			const told = await scene.bot.start().then(() => '', e => e.message);
			match(told, why);
		}
	}));

await run({ limit_ms: 120000, before_end: async () => fs.rmSync(tmp, { recursive: true, force: true }) });
