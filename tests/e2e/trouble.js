// GitHub and its deliveries in trouble: everything arrives in the end, nothing twice, nothing that is forged.

import crypto from 'node:crypto';
import net from 'node:net';
import { equal, match, ok, run } from './lib.js';
import { signature } from '../fakes/hooks.js';
import { delivered, eventually, figure, finished, scene_test, tidy } from './scenes.js';

const arrives = async (scene, branch = 'bump', conclusion = 'failure') => {
	const { pull } = await scene.open(branch);
	const { rebuilds } = await finished(scene, pull.head.sha);
	equal(rebuilds.conclusion, conclusion);
	await tidy(scene, pull);
	return pull;
};

scene_test('500 and dropped connections for the first calls: tried again', { start: false }, async scene => {
	await scene.github.do('fault', { route: '^/(api/v3/)?(app|repos)', status: 500, times: 2 });
	await scene.github.do('fault', { route: '^/(api/v3/)?(app|repos)', drop: true });
	await scene.bot.start();
	await arrives(scene);
	equal((await scene.github.ask('faults')).map(f => f.hits), [2, 1]);
});

scene_test('429 with Retry-After: nothing is asked until then', {}, async scene => {
	await scene.github.do('fault', { method: 'POST', route: '/check-runs$', status: 429, times: 2,
		headers: { 'retry-after': '3' }, body: { message: 'You have exceeded a secondary rate limit.' } });
	await arrives(scene);
	const asked = (await scene.github.ask('requests')).filter(r => r.route !== 'git');
	const [{ id }] = await scene.github.ask('faults');
	const limited = asked.filter(r => r.fault === id);
	equal(limited.length, 2);
	for (const { n, at } of limited) {
		const next = asked.find(r => r.n > n && /^\/(api\/v3\/)?repos/.test(r.path));
		ok(new Date(next.at) - new Date(at) >= 2900, `the next call came after ${new Date(next.at) - new Date(at)} ms`);
	}
	equal(await figure(scene, 'github_limited_total'), 2);
});

scene_test('tokens that expire in the middle: a new one, and the call again', {}, async scene => {
	const { pull } = await scene.open('bump');
	await scene.until_check(pull.head.sha, () => true);
	await scene.github.do('expire_tokens');
	equal((await finished(scene, pull.head.sha)).rebuilds.conclusion, 'failure');
	await scene.github.do('expire_tokens');
	await tidy(scene, pull);
	await scene.github.do('expire_tokens');
	await arrives(scene, 'games', 'success');
});

scene_test('git answers 503, then breaks off: fetched in the end', {}, async scene => {
	await scene.github.do('fault', { route: '\\.git/info/refs', status: 503 });
	await scene.github.do('fault', { route: '\\.git/git-upload-pack', drop: true });
	await arrives(scene, 'games', 'success');
});

scene_test('no check run can be made: the comment still arrives, and what is refused is not asked for all the time', {},
	async scene => {
		await scene.github.do('fault', { method: 'POST', route: '/check-runs$', status: 422, times: -1,
			body: { message: 'Validation Failed' } });
		const { pull } = await scene.open('games');
		await scene.until_comment(pull.number, c => /patience/.test(c.body));
		const tries = (await scene.github.ask('requests', { method: 'POST' })).filter(r => /check-runs$/.test(r.path));
		ok(tries.length < 12, `${tries.length} tries`);
	});

// Posts a body to the webhook; resolves to the status.
async function post(scene, body, headers = {})
{
	const answer = await fetch(`${scene.bot.url}/webhook`, { method: 'POST', body, headers: {
		'content-type': 'application/json', 'x-github-event': 'pull_request', 'x-github-delivery': crypto.randomUUID(),
		'x-hub-signature-256': signature(scene.secret, body), ...headers } });
	return answer.status;
}

scene_test('a store without room: no build is begun, the check says why, and it goes on by itself',
	{ config: { build: { min_store_free_mb: 1 << 29 } } }, async scene => {
		const { pull } = await scene.open('games');
		await scene.until_check(pull.head.sha, c => /No build is begun just now:\*\* the Nix store has \d+ MiB left/
			.test(c.output.summary), { name: 'ekaci / rebuilds' });
		equal(await figure(scene, 'builds_started_total'), 0);
		scene.configure({ build: { min_store_free_mb: 1 } });
		await scene.bot.restart();
		const { rebuilds } = await finished(scene, pull.head.sha);
		match(rebuilds.output.title, /all built/);
		ok(!/No build is begun/.test(rebuilds.output.summary));
		await tidy(scene, pull);
	});

scene_test('forged, broken, unknown and repeated deliveries', {}, async scene => {
	const { pull, deliveries } = await scene.open('games', { deliver: false });
	const { body } = deliveries[0];
	const text = typeof body === 'string' ? body : JSON.stringify(body);

	equal(await post(scene, text, { 'x-hub-signature-256': signature('another secret', text) }), 401);
	equal(await post(scene, text, { 'x-hub-signature-256': '' }), 401);
	equal(await post(scene, text, { 'x-hub-signature-256': signature(scene.secret, text).slice(0, -1) }), 401);
	equal(await post(scene, `${text} `, { 'x-hub-signature-256': signature(scene.secret, text) }), 401);
	const guid = crypto.randomUUID();
	equal(await post(scene, '{"action": "opened", ', { 'x-github-delivery': guid }), 202);
	await eventually('it is marked unreadable', () => scene.bot.log_text().includes(`delivery ${guid} (pull_request): `));
	equal(await post(scene, '{}', { 'x-github-event': 'no_such_event' }), 202);
	equal((await scene.github.ask('check_runs', { repo: scene.repo, head_sha: pull.head.sha })).length, 0);

	const one = crypto.randomUUID();
	equal(await post(scene, text, { 'x-github-delivery': one }), 202);
	equal(await post(scene, text, { 'x-github-delivery': one }), 200);
	equal((await finished(scene, pull.head.sha)).rebuilds.conclusion, 'success');
	// The same event under another GUID (GitHub's own "redeliver" keeps it, a second hook would not).
	equal(await post(scene, text), 202);
	await delivered(scene);
	match((await scene.comments(pull.number))[0].body, /patience/);
	equal((await scene.comments(pull.number)).length, 1);
});

scene_test('the secret before this one is accepted while it is being changed', { start: false }, async scene => {
	const fs = await import('node:fs');
	fs.writeFileSync(`${scene.dir}/previous`, 'the old secret\n', { mode: 0o600 });
	scene.configure({ github: { previous_webhook_secret_file: `${scene.dir}/previous` } });
	await scene.bot.start();
	equal(await post(scene, '{"zen":"x"}', { 'x-github-event': 'ping',
		'x-hub-signature-256': signature('the old secret', '{"zen":"x"}') }), 202);
	await arrives(scene, 'games', 'success');
});

scene_test('bodies too large, requests that never end, and many at once: the bot goes on', {}, async scene => {
	const url = new URL(scene.bot.url);
	const large = await new Promise((resolve, reject) => {
		const s = net.connect(Number(url.port), url.hostname);
		s.on('error', reject).once('data', text => resolve(String(text).split('\r\n')[0]));
		s.write(`POST /webhook HTTP/1.1\r\nHost: x\r\nX-GitHub-Event: push\r\nX-GitHub-Delivery: ` +
			`${crypto.randomUUID()}\r\nX-Hub-Signature-256: sha256=${'0'.repeat(64)}\r\n` +
			`Content-Length: ${25 * 1024 * 1024 + 1}\r\n\r\n`);
	});
	match(large, /^HTTP\/1\.1 413 /);
	const sockets = Array.from({ length: 20 }, () => {
		const s = net.connect(Number(url.port), url.hostname);
		s.on('error', () => {});
		s.write('POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{');
		return s;
	});
	const statuses = await Promise.all(Array.from({ length: 200 }, (_, n) => post(scene, `{"n":${n}}`,
		{ 'x-github-event': 'star' })));
	equal(new Set(statuses), new Set([202]));
	await arrives(scene, 'games', 'success');
	sockets.forEach(s => s.destroy());
	equal((await scene.bot.get('/healthz')).status, 200);
});

await run({ limit_ms: 100000, at_once: 4 });
