// Every example payload of GitHub's webhooks, signed, must be accepted: none refused, no crash, no
// hang. So must our own supplements in fixtures/webhooks; the hostile ones there may be refused, but
// nothing worse.
//
//   node tests/e2e/webhooks-examples.js [URL SECRET-FILE]
//
// Without arguments it starts an ekaci of its own.

import crypto from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import http from 'node:http';
import path from 'node:path';
import { signature } from '../fakes/hooks.js';
import { begin, equal, ok, run, test, top } from './lib.js';

const LIMIT_MS = 10000;		// GitHub's own
const fixtures = path.join(top, 'fixtures/webhooks');
const read = file => fs.readFileSync(file);

// [{ name, event, bodies: [Buffer or string] }], an entry per event.
function example_events()
{
	const file = createRequire(import.meta.url).resolve('@octokit/webhooks-examples');
	return JSON.parse(read(file)).map(e => ({ name: e.name, event: e.name,
		bodies: e.examples.map(x => JSON.stringify(x)) }));
}

// The files EVENT.CASE.json of a folder, one entry each.
function fixture_events(dir)
{
	return fs.readdirSync(dir).filter(name => name.endsWith('.json')).sort().map(name =>
		({ name, event: name.split('.')[0], bodies: [read(path.join(dir, name))] }));
}

// Posts one body as GitHub would; resolves to the status, rejects when there is none in time.
function post_signed(url, secret, event, body, headers = {})
{
	return new Promise((resolve, reject) => {
		const request = http.request(url, { method: 'POST', agent: false, timeout: LIMIT_MS, headers: {
			'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body),
			'User-Agent': 'GitHub-Hookshot/5a1c2b3', 'X-GitHub-Event': event,
			'X-GitHub-Delivery': crypto.randomUUID(), 'X-GitHub-Hook-ID': '1',
			'X-GitHub-Hook-Installation-Target-ID': '1',
			'X-GitHub-Hook-Installation-Target-Type': 'integration',
			'X-Hub-Signature-256': signature(secret, body), ...headers } }, answer => {
			answer.resume();
			answer.on('end', () => resolve(answer.statusCode));
		});
		request.on('timeout', () => request.destroy(new Error(`no answer in ${LIMIT_MS} ms`)));
		request.on('error', reject);
		request.end(body);
	});
}

const accepted = status => status === 200 || status === 202;

const [url, secret_file] = process.argv.slice(2);
let scene;
let target = { url, secret: secret_file && fs.readFileSync(secret_file, 'utf8').trim() };

if (!url) {
	scene = await begin();
	target = { url: `${scene.bot.url}/webhook`, secret: scene.secret };
}

for (const { name, event, bodies } of [...example_events(), ...fixture_events(fixtures)]) {
	test(`${name}: ${bodies.length} accepted`, async () => {
		for (const body of bodies) {
			const status = await post_signed(target.url, target.secret, event, body);
			ok(accepted(status), `answered ${status}: ${String(body).slice(0, 200)}`);
		}
	});
}
for (const { name, event, bodies } of fixture_events(path.join(fixtures, 'hostile'))) {
	test(`hostile ${name}: answered, at worst refused`, async () => {
		const status = await post_signed(target.url, target.secret, event, bodies[0]);
		ok(status >= 200 && status < 500, `answered ${status}`);
	});
}
test('a wrong signature, or none, is refused', async () => {
	for (const value of ['sha256=' + '0'.repeat(64), 'sha256=', 'sha1=00', '']) {
		const status = await post_signed(target.url, target.secret, 'ping', '{"zen":"x"}',
			{ 'X-Hub-Signature-256': value });
		ok(status >= 400 && status < 500, `${value || 'none'}: answered ${status}`);
	}
});
if (scene) {
	test('and ekaci still does its work behind all that', async () => {
		const { pull } = await scene.open('docs');
		equal((await scene.until_check(pull.head.sha)).conclusion, 'success');
		equal((await scene.bot.get('/healthz')).status, 200);
	});
}

// The payloads name repositories that the stand-in does not have: what ekaci asks about them is no
// breach, so only the end of the program is checked.
await run({ limit_ms: 120000, before_end: async () => {
	if (scene) {
		await scene.bot.stop();
		await scene.github.stop();
		fs.rmSync(scene.dir, { recursive: true, force: true });
	}
} });
