// The stand-in tested against what GitHub does: whoever leans on it should know it holds.

import { execFile } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { app_jwt, GitHub } from './client.js';
import { signature } from './hooks.js';
import { equal, match, ok, rejects, run, test } from './tap.js';

const REPO = 'org/demo';
const tmp = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-selftest-'));
const github = await GitHub.start({ args: ['--check-answers'] });
let world;
let pair;		// the App's keys: made by the stand-in once, given to it from then on

// A fresh world: an App installed on org, two repositories, one pull request.
async function fresh()
{
	await github.do('reset');
	const { app } = await github.do('app', { public_key: pair && pair.public_key,
		private_key_file: path.join(tmp, 'key') });
	if (!pair) {
		const private_key = fs.readFileSync(path.join(tmp, 'key'), 'utf8');
		pair = { private_key, public_key: crypto.createPublicKey(private_key)
			.export({ type: 'spki', format: 'pem' }) };
	}
	const { private_key } = pair;
	for (const full_name of [REPO, 'org/other'])
		await github.do('repository', { full_name });
	await github.do('commit', { repo: REPO, branch: 'main', files: { a: '1\n' } });
	const { installation } = await github.do('installation', { account: 'org' });
	const { after } = await github.do('commit', { repo: REPO, branch: 'topic', files: { b: '1\n' } });
	const { pull } = await github.do('pull', { repo: REPO, head: 'topic' });
	const jwt = app_jwt(app.id, private_key);
	world = { app, private_key, installation, pull, jwt, head: after,
		tokens: `/app/installations/${installation.id}/access_tokens` };
	world.token = (await mint()).body.token;
}

const mint = (body, jwt = world.jwt) => github.api('POST', world.tokens, { token: jwt, body });
const as_app = (method, route, body, token = world.token) =>
	github.api(method, `/repos/${REPO}${route}`, { token, body });

// The violations recorded so far, forgotten with this.
const violations = async () => (await github.do('violations_clear')).cleared;
const none = async () => equal(await violations(), []);

// A test in a fresh world that must end with no violation left unasked for.
const scene = (name, body) => test(name, async () => {
	await fresh();
	await body();
	await none();
});

const git = (...args) => new Promise(resolve => execFile('git', args, { env: { PATH: process.env.PATH,
	GIT_TERMINAL_PROMPT: '0', GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' },
timeout: 20000 }, (error, out, err) => resolve({ code: error ? error.code : 0, out, err })));

const with_token = (token, user = 'x-access-token') => ['-c', 'http.extraHeader=Authorization: Basic '
	+ Buffer.from(`${user}:${token}`).toString('base64')];

const remote = (repo = REPO) => `${github.url}/${repo}.git`;

// --- credentials ---

scene('a token is given for a good JWT, in the long form', async () => {
	const { status, body } = await mint();
	equal(status, 201);
	match(body.token, /^ghs_\d+_[\w-]+\.[\w-]+\.[\w-]+$/);
	ok(body.token.length > 480 && body.token.length < 580);
	ok(Date.parse(body.expires_at) > Date.now() + 3500e3);
});

scene('a JWT of another key, or of another algorithm, is refused', async () => {
	const { privateKey } = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
	equal((await mint({}, app_jwt(world.app.id, privateKey))).status, 401);
	const [, claims] = world.jwt.split('.');
	const head = Buffer.from('{"alg":"none"}').toString('base64url');
	equal((await mint({}, `${head}.${claims}.AA`)).status, 401);
	equal((await mint({}, world.token)).status, 401);
});

scene('a JWT must not be from the future, expired, or live longer than ten minutes', async () => {
	const now = Math.floor(Date.now() / 1000);
	for (const claims of [{ iat: now + 30 }, { exp: now - 1 }, { exp: now + 660 }])
		equal((await mint({}, app_jwt(world.app.id, world.private_key, claims))).status, 401);
	equal((await mint({}, app_jwt(world.app.client_id, world.private_key))).status, 201);
});

scene('a narrowed token reaches only what it was narrowed to', async () => {
	const narrow = await mint({ repositories: ['other'], permissions: { checks: 'write' } });
	equal(narrow.status, 201);
	equal(narrow.body.repositories.map(r => r.full_name), ['org/other']);
	const { token } = narrow.body;
	equal((await as_app('GET', '', undefined, token)).status, 404);
	equal((await github.api('GET', '/repos/org/other', { token })).status, 200);
	equal((await github.api('GET', '/repos/org/other/pulls', { token })).status, 403);
	equal((await github.api('GET', '/installation/repositories', { token })).body.total_count, 1);
	equal((await mint({ repositories: ['absent'] })).status, 422);
	equal((await mint({ permissions: { administration: 'write' } })).status, 422);
});

scene('an expired, deleted or invented token is refused', async () => {
	await github.do('expire_tokens');
	equal((await as_app('GET', '')).status, 401);
	const { token } = (await mint()).body;
	equal((await as_app('GET', '', undefined, token)).status, 200);
	equal((await github.api('DELETE', '/installation/token', { token })).status, 204);
	equal((await as_app('GET', '', undefined, token)).status, 401);
	equal((await as_app('GET', '', undefined, 'ghs_1_a.b.c')).status, 401);
});

// --- the description ---

test('what breaks the description is refused and recorded', async () => {
	await fresh();
	const breaches = [
		['POST', '/check-runs', { name: 'x' }, 'head_sha'],
		['POST', '/check-runs', { name: 'x', head_sha: world.head, status: 'done' }, 'status'],
		['POST', '/check-runs', { name: 'x', head_sha: world.head, colour: 'red' }, 'colour'],
		['POST', '/check-runs', { name: 'x', head_sha: world.head, output: { title: 't',
			summary: 'x'.repeat(65536) } }, 'output.summary'],
		['POST', '/check-runs', { name: 'x', head_sha: world.head, output: { title: 't', summary: 's',
			annotations: Array(51).fill({ path: 'a', start_line: 1, end_line: 1, message: 'm',
				annotation_level: 'notice' }) } }, 'output.annotations'],
		['POST', '/check-runs', { name: 'x', head_sha: world.head, actions:
			[{ label: 'x'.repeat(21), description: 'd', identifier: 'i' }] }, 'actions.0.label'],
		['POST', '/check-runs', { name: 'x', head_sha: world.head, actions:
			[{ label: 'l', description: 'x'.repeat(41), identifier: 'i' }] }, 'actions.0.description'],
		['POST', '/issues/1/comments', {}, 'body'],
		['GET', '/pulls?per_page=many', undefined, 'per_page'],
		['GET', '/pulls?colour=red', undefined, 'colour'],
	];
	for (const [method, route, body, field] of breaches) {
		equal((await as_app(method, route, body)).status, 422, route);
		const found = await violations();
		ok(found.length > 0 && found.every(v => v.kind === 'description'), field);
		ok(found.some(v => v.field === field), `${field} in ${JSON.stringify(found)}`);
	}
	equal((await github.ask('check_runs')).length, 0);
});

test('the rules that GitHub states only in words hold', async () => {
	await fresh();
	const base = { name: 'x', head_sha: world.head };
	const annotation = { path: 'a', start_line: 1, end_line: 2, message: 'm',
		annotation_level: 'notice' };
	const breaches = [
		['/check-runs', { ...base, status: 'completed' }, 'conclusion'],
		['/check-runs', { ...base, status: 'completed', conclusion: 'stale' }, 'conclusion'],
		['/check-runs', { ...base, status: 'queued', conclusion: 'success' }, 'status'],
		['/check-runs', { ...base, output: { title: 't', summary: 's',
			annotations: [{ ...annotation, title: 'x'.repeat(256) }] } }, 'output.annotations.title'],
		['/check-runs', { ...base, output: { title: 't', summary: 's',
			annotations: [{ ...annotation, start_column: 1 }] } }, 'output.annotations.start_column'],
		['/issues/1/comments', { body: 'x'.repeat(65537) }, 'body'],
		['/issues/1/labels', { labels: ['x'.repeat(51)] }, 'name'],
	];
	for (const [route, body, field] of breaches) {
		equal((await as_app('POST', route, body)).status, 422, field);
		equal((await violations()).map(v => v.field), [field]);
	}
	equal((await as_app('POST', '/issues/1/comments', { body: 'x'.repeat(65536) })).status, 201);
});

test('an unknown route, a missing version and a missing User-Agent are violations', async () => {
	await fresh();
	equal((await as_app('GET', '/branches')).status, 404);
	equal((await violations())[0].kind, 'route');
	const { hostname, port } = new URL(github.url);
	const status = await new Promise((resolve, reject) => http.get({ hostname, port, path: '/app',
		headers: { authorization: `Bearer ${world.jwt}` } }, answer => {
		answer.resume();
		resolve(answer.statusCode);
	}).on('error', reject));
	equal(status, 403);
	equal((await violations())[0].kind, 'headers');
	await fetch(`${github.url}/app`, { headers: { authorization: `Bearer ${world.jwt}` } });
	match((await violations())[0].message, /Api-Version/);
});

// --- checks, comments, labels ---

scene('a check run keeps its history, appends annotations, and is completed by a conclusion', async () => {
	const note = { path: 'a', start_line: 1, end_line: 1, message: 'm', annotation_level: 'notice' };
	const made = await as_app('POST', '/check-runs', { name: 'ekaci', head_sha: world.head,
		external_id: 'run-1', output: { title: 't', summary: 's', annotations: [note] } });
	equal([made.status, made.body.status, made.body.output.annotations_count], [201, 'queued', 1]);
	ok(made.body.id > 2 ** 32);
	const done = await as_app('PATCH', `/check-runs/${made.body.id}`, { conclusion: 'success',
		output: { title: 't2', summary: 's2', annotations: [note] } });
	equal([done.body.status, done.body.output.annotations_count], ['completed', 2]);
	const [kept] = await github.ask('check_runs', { head_sha: world.head });
	equal(kept.history.map(h => h.status), ['queued', 'completed']);
	equal((await as_app('POST', '/check-runs', { name: 'x', head_sha: '1'.repeat(40) })).status, 422);
});

scene('check runs are found by commit, name and App', async () => {
	for (const name of ['a', 'a', 'b'])
		await as_app('POST', '/check-runs', { name, head_sha: world.head });
	await github.do('foreign_check_run', { repo: REPO, name: 'a', head_sha: world.head });
	const count = async query => (await as_app('GET', `/commits/${world.head}/check-runs${query}`))
		.body.total_count;
	equal(await count(''), 3);
	equal(await count('?filter=all'), 4);
	equal(await count(`?check_name=a&app_id=${world.app.id}`), 1);
	const theirs = (await github.ask('check_runs')).find(r => r.app !== world.app.slug);
	equal((await as_app('PATCH', `/check-runs/${theirs.id}`, { name: 'mine' })).status, 403);
});

scene('comments are paged by Link, edited with a history, and deleted', async () => {
	for (let n = 0; n < 5; n++)
		await as_app('POST', '/issues/1/comments', { body: `${n}` });
	let [next, bodies] = [`/repos/${REPO}/issues/1/comments?per_page=2`, []];
	while (next) {
		const page = await github.api('GET', next, { token: world.token });
		bodies = bodies.concat(page.body.map(c => c.body));
		const link = /<([^>]*)>; rel="next"/.exec(page.headers.get('link') || '');
		next = link && link[1].slice(github.url.length);
	}
	equal(bodies, ['0', '1', '2', '3', '4']);
	const [first] = await github.ask('comments', { number: 1 });
	equal((await as_app('PATCH', `/issues/comments/${first.id}`, { body: 'edited' })).status, 200);
	equal((await as_app('DELETE', `/issues/comments/${first.id}`)).status, 204);
	equal((await as_app('GET', `/issues/comments/${first.id}`)).status, 404);
	const [kept] = await github.ask('comments', { number: 1 });
	equal([kept.deleted, kept.history.map(h => h.body)], [true, ['0', 'edited']]);
	const { comment } = await github.do('comment', { repo: REPO, number: 1, body: 'theirs' });
	equal((await as_app('PATCH', `/issues/comments/${comment.id}`, { body: 'mine' })).status, 403);
});

scene('a reaction is made once', async () => {
	const { comment } = await github.do('comment', { repo: REPO, number: 1, body: '/ekaci status' });
	const at = `/issues/comments/${comment.id}/reactions`;
	equal((await as_app('POST', at, { content: 'eyes' })).status, 201);
	equal((await as_app('POST', at, { content: 'eyes' })).status, 200);
	equal((await as_app('GET', at)).body.map(r => r.content), ['eyes']);
});

scene('labels are added and removed by name', async () => {
	await as_app('POST', '/issues/1/labels', { labels: ['rebuild: 1-10', 'b'] });
	equal((await as_app('DELETE', '/issues/1/labels/rebuild:%201-10')).body.map(l => l.name), ['b']);
	equal((await as_app('DELETE', '/issues/1/labels/absent')).status, 404);
	equal((await github.ask('pulls'))[0].labels, ['b']);
});

scene('the permission of a user is told in both forms', async () => {
	await github.do('permission', { repo: REPO, user: 'keeper', permission: 'maintain' });
	await github.do('user', { login: 'passer-by' });
	const of = async login => (await as_app('GET', `/collaborators/${login}/permission`));
	const keeper = (await of('keeper')).body;
	equal([keeper.permission, keeper.role_name], ['write', 'maintain']);
	equal((await of('passer-by')).body.permission, 'read');
	equal((await of('nobody-at-all')).status, 404);
});

// --- pull requests and git ---

scene('mergeable is null at first, and the merge ref follows only when it is known', async () => {
	const get = async () => (await as_app('GET', '/pulls/1')).body;
	equal([(await get()).mergeable, (await get()).mergeable], [null, true]);
	const { merge_commit_sha } = await get();
	const refs = async () => (await git(...with_token(world.token), 'ls-remote', remote())).out;
	match(await refs(), new RegExp(`${merge_commit_sha}\\s+refs/pull/1/merge`));
	const { after, forced } = await github.do('commit', { repo: REPO, branch: 'topic', parent: 'main',
		files: { a: '2\n' } });
	ok(forced);
	match(await refs(), new RegExp(`${after}\\s+refs/pull/1/head`));
	match(await refs(), new RegExp(`${merge_commit_sha}\\s+refs/pull/1/merge`));
	await github.do('commit', { repo: REPO, branch: 'main', files: { a: '3\n' } });
	equal([(await get()).mergeable, (await get()).mergeable_state], [null, 'dirty']);
	equal((await get()).base.sha, world.pull.base.sha);
});

scene("git wants a token that reaches the repository, and gives a fork's head", async () => {
	await github.do('repository', { full_name: 'someone/demo', fork_of: REPO });
	const { after } = await github.do('commit', { repo: 'someone/demo', branch: 'f',
		files: { c: 'from a fork\n' } });
	const { pull } = await github.do('pull', { repo: REPO, head: 'f', head_repo: 'someone/demo' });
	equal([pull.number, pull.head.repo.full_name], [2, 'someone/demo']);
	const dir = path.join(tmp, 'clone');
	await git('init', '-q', '--bare', dir);
	const fetch = (token, ...more) => git('-C', dir, ...with_token(token, ...more), 'fetch', '-q',
		remote(), '+refs/pull/2/head:refs/x');
	ok((await git('-C', dir, 'fetch', '-q', remote(), 'main')).code !== 0);
	ok((await fetch('ghs_1_a.b.c')).code !== 0);
	ok((await fetch(world.token, 'someone')).code !== 0);
	const other = (await mint({ repositories: ['other'] })).body.token;
	ok((await fetch(other)).code !== 0);
	equal((await fetch(world.token)).code, 0);
	equal((await git('-C', dir, 'rev-parse', 'refs/x')).out.trim(), after);
	ok((await git('-C', dir, ...with_token(world.token), 'push', remote(), 'refs/x:refs/heads/x'))
		.code !== 0);
	await github.do('expire_tokens');
	ok((await fetch(world.token)).code !== 0);
});

// --- limits and faults ---

scene('limits are counted, told, and enforced; a 304 is free', async () => {
	const { headers } = await as_app('GET', '');
	const left = Number(headers.get('x-ratelimit-remaining'));
	const again = await github.api('GET', `/repos/${REPO}`, { token: world.token,
		headers: { 'if-none-match': headers.get('etag') } });
	equal([again.status, Number(again.headers.get('x-ratelimit-remaining'))], [304, left]);
	await github.do('rate', { installation: world.installation.id, remaining: 1, reset_in_s: 60 });
	equal((await as_app('GET', '')).status, 200);
	const refused = await as_app('GET', '');
	equal([refused.status, refused.headers.get('x-ratelimit-remaining')], [403, '0']);
	await as_app('GET', '');
	const manners = (await github.ask('etiquette'))[`installation ${world.installation.id}`];
	equal(manners.requests_while_limited, 1);
	await github.do('clock', { offset_s: 61 });
	equal((await as_app('GET', '')).status, 200);
	await github.do('clock', { offset_s: 0 });
});

scene('a fault strikes as often as asked, before the effect or after it', async () => {
	const post = () => as_app('POST', '/issues/1/comments', { body: 'x' });
	const count = async () => (await github.ask('comments')).length;
	await github.do('fault', { method: 'POST', route: '/comments$', status: 502, times: 2, skip: 1 });
	equal([(await post()).status, (await post()).status, (await post()).status,
		(await post()).status], [201, 502, 502, 201]);
	equal(await count(), 2);
	await github.do('fault', { route: '/comments$', when: 'after', drop: true });
	await rejects(post());
	equal(await count(), 3);
	await github.do('fault', { route: '/comments$', drop: true });
	await rejects(post());
	equal(await count(), 3);
	await github.do('fault', { route: '/comments$', status: 429, headers: { 'retry-after': '7' } });
	const refused = await post();
	equal([refused.status, refused.headers.get('retry-after')], [429, '7']);
	await rejects(github.do('fault', { route: 'x', colour: 'red' }), /unknown key/);
});

// --- webhooks ---

// A receiver of webhooks: { url, got: [{ headers, body }], status, stop() }.
async function receiver()
{
	const it = { got: [], status: 202 };
	const server = http.createServer((request, response) => {
		const parts = [];
		request.on('data', part => parts.push(part));
		request.on('end', () => {
			it.got.push({ headers: request.headers, body: Buffer.concat(parts).toString('utf8') });
			response.writeHead(it.status).end('noted');
		});
	});
	await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
	it.url = `http://127.0.0.1:${server.address().port}/webhook`;
	it.stop = () => new Promise(resolve => {
		server.close(resolve);
		server.closeAllConnections();
	});
	return it;
}

scene('deliveries are signed, carry the headers, and have their shape', async () => {
	const hook = await receiver();
	try {
		await github.do('hook', { url: hook.url, secret: 'a secret' });
		await github.do('commit', { repo: REPO, branch: 'topic', files: { b: '2\n' } });
		equal(hook.got.map(g => g.headers['x-github-event']), ['push', 'check_suite', 'pull_request']);
		const { headers, body } = hook.got[2];
		equal(headers['x-hub-signature-256'], signature('a secret', body));
		equal(headers['x-github-hook-installation-target-type'], 'integration');
		match(headers['user-agent'], /^GitHub-Hookshot\//);
		const event = JSON.parse(body);
		equal([event.action, event.number, event.installation.id, event.repository.full_name,
			event.pull_request.mergeable, event.before], ['synchronize', 1, world.installation.id, REPO,
			null, world.head]);
		equal(event.repository.clone_url, remote());
	} finally {
		await hook.stop();
	}
});

scene("the signature is the one of GitHub's own test vector", async () => {
	equal(signature("It's a Secret to Everybody", 'Hello, World!'),
		'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17');
});

scene('failed deliveries are listed and can be asked for again under their GUID', async () => {
	const hook = await receiver();
	try {
		await github.do('hook', { url: hook.url, secret: 's' });
		hook.status = 503;
		const { deliveries } = await github.do('comment', { repo: REPO, number: 1, body: 'x' });
		equal([deliveries[0].status, deliveries[0].status_code], ['Service Unavailable', 503]);
		hook.status = 202;
		await github.do('comment', { repo: REPO, number: 1, body: 'y' });
		const list = await github.api('GET', '/app/hook/deliveries?status=failure', { token: world.jwt });
		equal(list.body.map(d => d.guid), [deliveries[0].guid]);
		const again = await github.api('POST', `/app/hook/deliveries/${list.body[0].id}/attempts`,
			{ token: world.jwt });
		equal(again.status, 202);
		await github.until('deliveries', {}, all => all.some(d => d.redelivery && d.status === 'OK'));
		equal(hook.got[2].headers['x-github-delivery'], deliveries[0].guid);
		const pages = await github.api('GET', '/app/hook/deliveries?per_page=2', { token: world.jwt });
		const [, next] = /<([^>]*)>; rel="next"/.exec(pages.headers.get('link'));
		equal((await github.api('GET', next.slice(github.url.length), { token: world.jwt }))
			.body.length, 1);
	} finally {
		await hook.stop();
	}
});

scene("the App's own writes come back to it as events", async () => {
	const hook = await receiver();
	try {
		await github.do('hook', { url: hook.url, secret: 's' });
		await as_app('POST', '/issues/1/comments', { body: 'x' });
		await github.until('deliveries', {}, all => all.length === 1 && all[0].status);
		const { sender, action } = JSON.parse(hook.got[0].body);
		equal([action, sender.type, sender.login], ['created', 'Bot', `${world.app.slug}[bot]`]);
	} finally {
		await hook.stop();
	}
});

scene('buttons, re-runs and merge groups make their events', async () => {
	const run_of = await as_app('POST', '/check-runs', { name: 'ekaci', head_sha: world.head,
		conclusion: 'action_required', completed_at: new Date().toISOString(),
		actions: [{ label: 'Build', description: 'Build it', identifier: 'build' }] });
	const event = async (action, args) => JSON.parse((await github.do(action, args))
		.deliveries[0].body);
	const button = await event('check_run_action', { check_run_id: run_of.body.id,
		identifier: 'build' });
	equal([button.action, button.requested_action], ['requested_action', { identifier: 'build' }]);
	equal(button.check_run.pull_requests.map(p => p.number), [1]);
	await rejects(github.do('check_run_action', { check_run_id: run_of.body.id, identifier: 'no' }));
	equal((await event('check_run_rerequest', { check_run_id: run_of.body.id })).action,
		'rerequested');
	const group = await event('merge_group', { repo: REPO, numbers: [1] });
	match(group.merge_group.head_ref, /^refs\/heads\/gh-readonly-queue\/main\/pr-1-/);
	const gone = await event('merge_group_destroy', { repo: REPO, reason: 'merged',
		head_sha: group.merge_group.head_sha });
	equal([gone.action, gone.reason], ['destroyed', 'merged']);
});

// --- secondary limits ---

const us = () => `installation ${world.installation.id}`;
const manners = async () => (await github.ask('etiquette'))[us()];
const say_so = n => as_app('POST', '/issues/1/comments', { body: `${n}` });

scene('content-creating writes are counted, and refused above 80 a minute with Retry-After', async () => {
	await github.do('settings', { writes_per_minute: 3, retry_after_s: 7 });
	for (let n = 0; n < 3; n++)
		equal((await say_so(n)).status, 201);
	const refused = await say_so(3);
	equal([refused.status, refused.headers.get('retry-after')], [403, '7']);
	match(refused.body.message, /secondary rate limit/);
	equal((await as_app('GET', '/issues/1/comments')).body.length, 3, 'reading goes on');
	equal((await manners()).requests_while_limited, 1);
	await github.do('clock', { offset_s: 8 });
	equal((await say_so(4)).status, 403, 'the minute is not over');
	await github.do('clock', { offset_s: 70 });
	equal((await say_so(5)).status, 201);
	await github.do('clock', { offset_s: 0 });
	const { max_content_per_minute, max_content_per_hour } = await manners();
	equal([max_content_per_minute, max_content_per_hour], [3, 4]);
});

scene('500 an hour; 429 where asked for, and without a word on how long', async () => {
	await github.do('settings', { writes_per_hour: 2, secondary_status: 429, retry_after_s: 0, token_life_s: 7200 });
	world.token = (await mint()).body.token;
	await say_so(0);
	await github.do('clock', { offset_s: 600 });
	await say_so(1);
	await github.do('clock', { offset_s: 1800 });
	const refused = await as_app('POST', '/check-runs', { name: 'x', head_sha: world.head });
	equal([refused.status, refused.headers.get('retry-after')], [429, null]);
	ok(Number(refused.headers.get('x-ratelimit-remaining')) > 0, 'it is not the primary limit');
	await github.do('clock', { offset_s: 3605 });
	equal((await say_so(2)).status, 201);
	await github.do('clock', { offset_s: 0 });
});

scene('points are of an endpoint and a minute; requests at once have a limit, too', async () => {
	await github.do('settings', { points_per_minute: 10 });
	equal([(await say_so(0)).status, (await say_so(1)).status, (await say_so(2)).status], [201, 201, 403]);
	await github.do('settings', { points_per_minute: 0, concurrent: 1 });
	await github.do('clock', { offset_s: 120 });
	await github.do('fault', { route: '/labels$', when: 'after', delay_ms: 300 });
	const slow = as_app('GET', '/issues/1/labels');
	await github.until('requests', {}, all => all.some(r => /labels$/.test(r.path)));
	equal((await as_app('GET', '')).status, 403);
	equal((await slow).status, 200);
	await github.do('clock', { offset_s: 0 });
});

scene('the clock runs faster where that is asked for', async () => {
	await github.do('clock', { rate: 1000, from_ms: Date.now() });
	const { now } = await github.do('clock', {});
	await new Promise(resolve => setTimeout(resolve, 20));
	ok(Date.parse((await github.do('clock', {})).now) - Date.parse(now) >= 19000);
});

// --- replicas that lag ---

scene('a head that checks do not know yet is refused with 422, until they do', async () => {
	await github.do('settings', { lag_head_ms: 60000 });
	const { after } = await github.do('commit', { repo: REPO, branch: 'topic', files: { b: '2\n' } });
	const make = () => as_app('POST', '/check-runs', { name: 'x', head_sha: after });
	const refused = await make();
	equal([refused.status, refused.body.message], [422, `No commit found for SHA: ${after}`]);
	equal((await as_app('GET', `/commits/${after}/check-runs`)).status, 422);
	equal((await as_app('GET', '/pulls/1')).body.head.sha, after, 'pull requests are another service');
	await github.do('clock', { offset_s: 61 });
	equal((await make()).status, 201);
	await github.do('clock', { offset_s: 0 });
});

scene('a pull request that is not visible yet is 404, a changed one is as it was', async () => {
	await github.do('clock', { offset_s: 100 });
	await github.do('settings', { lag_pull_ms: 60000 });
	const { after } = await github.do('commit', { repo: REPO, branch: 'topic', files: { b: '2\n' } });
	equal((await as_app('GET', '/pulls/1')).body.head.sha, world.head);
	await github.do('commit', { repo: REPO, branch: 'second', files: { c: '1\n' } });
	const { pull } = await github.do('pull', { repo: REPO, head: 'second' });
	equal((await as_app('GET', `/pulls/${pull.number}`)).status, 404);
	equal((await as_app('POST', `/issues/${pull.number}/comments`, { body: 'x' })).status, 404);
	equal((await as_app('GET', '/pulls')).body.map(p => [p.number, p.head.sha]), [[1, world.head]]);
	await github.do('clock', { offset_s: 161 });
	equal((await as_app('GET', '/pulls/1')).body.head.sha, after);
	equal((await as_app('GET', `/pulls/${pull.number}`)).status, 200);
	await github.do('clock', { offset_s: 0 });
});

scene('a comment and a check run that are not visible yet', async () => {
	await github.do('settings', { lag_comment_ms: 60000, lag_check_run_ms: 60000 });
	const { id } = (await say_so(1)).body;
	const run_of = (await as_app('POST', '/check-runs', { name: 'x', head_sha: world.head })).body;
	const seen = async () => [(await as_app('GET', `/issues/comments/${id}`)).status,
		(await as_app('PATCH', `/issues/comments/${id}`, { body: 'y' })).status,
		(await as_app('POST', `/issues/comments/${id}/reactions`, { content: 'eyes' })).status,
		(await as_app('GET', '/issues/1/comments')).body.length, (await as_app('GET', `/check-runs/${run_of.id}`)).status,
		(await as_app('GET', `/commits/${world.head}/check-runs`)).body.total_count];
	equal(await seen(), [404, 404, 404, 0, 404, 0]);
	await github.do('clock', { offset_s: 61 });
	equal(await seen(), [200, 200, 201, 1, 200, 1]);
	await github.do('clock', { offset_s: 0 });
});

scene('git has a ref only after its time, and until then the one before', async () => {
	const refs = async () => Object.fromEntries((await git(...with_token(world.token), 'ls-remote', remote())).out.split('\n')
		.filter(Boolean).map(l => l.split('\t').reverse()));
	await github.do('clock', { offset_s: 100 });
	await github.do('settings', { lag_git_ms: 60000 });
	const { after } = await github.do('commit', { repo: REPO, branch: 'topic', files: { b: '2\n' } });
	const second = await github.do('commit', { repo: REPO, branch: 'second', files: { c: '1\n' } });
	await github.do('push', { repo: REPO, branch: 'second', delete: true });
	let all = await refs();
	equal([all['refs/heads/topic'], all['refs/pull/1/head'], all['refs/heads/second']], [world.head, world.head, undefined]);
	const dir = path.join(tmp, 'lagging');
	await git('init', '-q', '--bare', dir);
	const fetch = sha => git('-C', dir, ...with_token(world.token), 'fetch', '-q', remote(), sha);
	ok((await fetch(after)).code !== 0, 'nor the commit itself');
	equal((await fetch(world.head)).code, 0);
	await github.do('clock', { offset_s: 161 });
	all = await refs();
	equal([all['refs/heads/topic'], all['refs/pull/1/head'], all['refs/heads/second']], [after, after, undefined]);
	equal((await fetch(after)).code, 0);
	ok((await fetch(second.after)).code !== 0, 'what no ref reaches is not given');
	await github.do('clock', { offset_s: 0 });
});

scene('a list of refs, and a branch, are those that machines have that lag', async () => {
	await github.do('clock', { offset_s: 100 });
	await github.do('settings', { lag_git_ms: 60000 });
	const { after } = await github.do('commit', { repo: REPO, branch: 'topic', files: { b: '2\n' } });
	await github.do('commit', { repo: REPO, branch: 'second', files: { c: '1\n' } });
	const seen = async () => [(await as_app('GET', '/branches/topic')).body.commit.sha, (await as_app('GET', '/branches/second')).status,
		(await as_app('GET', '/git/matching-refs/heads/second')).body.length];
	equal(await seen(), [world.head, 404, 0]);
	await github.do('clock', { offset_s: 161 });
	equal(await seen(), [after, 200, 1]);
	await github.do('clock', { offset_s: 0 });
});

// --- what a commit has ---

scene('a suite keeps so many runs of one name, the newest; it is one of each App and commit', async () => {
	await github.do('settings', { runs_of_a_name: 2 });
	const made = [];
	for (const name of ['x', 'y', 'x', 'x'])
		made.push((await as_app('POST', '/check-runs', { name, head_sha: world.head })).body);
	equal(new Set(made.map(r => r.check_suite.id)).size, 1);
	const { body } = await as_app('GET', `/commits/${world.head}/check-runs?filter=all`);
	equal(body.check_runs.map(r => r.id), [made[3].id, made[2].id, made[1].id]);
	equal((await as_app('PATCH', `/check-runs/${made[0].id}`, { status: 'in_progress' })).status, 404);
	equal(body.check_runs.length, 3);
});

scene('a run that nobody completes is stale after fourteen days, and a completed one stays', async () => {
	const { id } = (await as_app('POST', '/check-runs', { name: 'x', head_sha: world.head, status: 'in_progress' })).body;
	await as_app('POST', '/check-runs', { name: 'y', head_sha: world.head, conclusion: 'success' });
	const state = async () => (await github.ask('check_runs', { head_sha: world.head })).map(r => [r.name, r.status, r.conclusion]);
	await github.do('clock', { offset_s: 13 * 86400 });
	equal(await state(), [['x', 'in_progress', null], ['y', 'completed', 'success']]);
	await github.do('clock', { offset_s: 14 * 86400 + 5 });
	equal(await state(), [['x', 'completed', 'stale'], ['y', 'completed', 'success']]);
	ok(id > 0);
	await github.do('clock', { offset_s: 0 });
});

scene('a commit takes so many statuses of one context', async () => {
	await github.do('settings', { statuses_of_a_context: 2 });
	const set = context => as_app('POST', `/statuses/${world.head}`, { state: 'success', context });
	equal([(await set('a')).status, (await set('a')).status, (await set('b')).status], [201, 201, 201]);
	const refused = await set('a');
	equal([refused.status, refused.body.errors[0].message], [422, 'This SHA and context has reached the maximum number of statuses.']);
});

scene('a payload that is too large is not sent', async () => {
	const said = async () => (await github.do('comment', { repo: REPO, number: 1, body: 'x', deliver: false })).deliveries.length;
	equal(await said(), 1);
	await github.do('settings', { payload_max_bytes: 2000 });
	equal(await said(), 0);
});

// --- one commit, several pull requests ---

scene('checks are of a commit: two pull requests of one head share them', async () => {
	await github.do('commit', { repo: REPO, branch: 'release', parent: 'main', files: { r: '1\n' } });
	const { pull } = await github.do('pull', { repo: REPO, head: 'topic', base: 'release' });
	equal([pull.number, pull.head.sha], [2, world.head]);
	for (const conclusion of ['failure', 'success'])
		await as_app('POST', '/check-runs', { name: 'ekaci', head_sha: world.head, conclusion, status: 'completed' });
	const [run_of] = (await as_app('GET', `/commits/${world.head}/check-runs`)).body.check_runs;
	equal([run_of.conclusion, run_of.pull_requests.map(p => p.number)], ['success', [1, 2]]);
	const shown = await github.ask('commit_checks', { repo: REPO, head_sha: world.head });
	equal([shown.pulls, shown.checks.map(c => c.conclusion)], [[1, 2], ['success']]);
});

scene('statuses: the newest of a context counts, the worst of all is the commit\'s', async () => {
	const set = (state, context) => as_app('POST', `/statuses/${world.head}`, { state, context, description: 'd',
		target_url: 'http://localhost/' });
	equal((await set('pending', 'ekaci')).status, 201);
	await set('success', 'ekaci');
	await set('failure', 'other');
	const { body } = await as_app('GET', `/commits/${world.head}/status`);
	equal([body.state, body.statuses.map(s => [s.context, s.state])], ['failure', [['ekaci', 'success'], ['other', 'failure']]]);
	equal((await as_app('POST', `/statuses/${'1'.repeat(40)}`, { state: 'success' })).status, 422);
});

scene('branches, reviewers and teams', async () => {
	equal((await as_app('GET', '/branches/topic')).body.commit.sha, world.head);
	equal((await as_app('GET', '/branches/absent')).status, 404);
	await github.do('permission', { repo: REPO, user: 'keeper', permission: 'write' });
	const ask = reviewers => as_app('POST', '/pulls/1/requested_reviewers', { reviewers });
	equal([(await ask(['keeper'])).status, (await ask(['contributor'])).status, (await ask(['nobody'])).status],
		[201, 422, 422]);
	equal((await github.ask('pulls'))[0].reviewers, ['keeper']);
	await github.do('team', { team: 'org/core', members: ['keeper'] });
	const member = login => github.api('GET', `/orgs/org/teams/core/memberships/${login}`, { token: world.token });
	const { members: _, ...without } = world.installation.permissions;
	await github.do('installation_permissions', { installation: world.installation.id, permissions: without });
	equal((await member('keeper')).status, 403);
	await github.do('installation_change', { installation: world.installation.id, action: 'new_permissions_accepted',
		permissions: { ...world.installation.permissions, members: 'read' } });
	world.token = (await mint()).body.token;
	equal([(await member('keeper')).body.state, (await member('somebody')).status], ['active', 404]);
	const team = slug => github.api('GET', `/orgs/org/teams/${slug}`, { token: world.token });
	equal([(await team('core')).body.members_count, (await team('absent')).status], [1, 404]);
});

// --- reconciling ---

scene('open pull requests in the order of their last change, paged, and free when nothing changed', async () => {
	for (const [n, name] of ['one', 'two', 'three'].entries()) {
		await github.do('clock', { offset_s: 10 * (n + 1) });
		await github.do('commit', { repo: REPO, branch: name, files: { [name]: '1\n' } });
		await github.do('pull', { repo: REPO, head: name });
	}
	await github.do('clock', { offset_s: 60 });
	await github.do('pull_change', { repo: REPO, number: 2, action: 'edited', title: 'other' });
	const at = `/repos/${REPO}/pulls?state=open&sort=updated&direction=desc&per_page=2`;
	const first = await github.api('GET', at, { token: world.token });
	equal(first.body.map(p => p.number), [2, 4]);
	const [, next] = /<([^>]*)>; rel="next"/.exec(first.headers.get('link'));
	equal((await github.api('GET', next.slice(github.url.length), { token: world.token })).body.map(p => p.number), [3, 1]);
	equal((await as_app('GET', '/pulls?sort=updated')).body.map(p => p.number), [1, 3, 4, 2], 'oldest first unless told');
	const again = () => github.api('GET', at, { token: world.token, headers: { 'if-none-match': first.headers.get('etag') } });
	equal((await again()).status, 304);
	await github.do('commit', { repo: REPO, branch: 'three', files: { three: '2\n' } });
	equal((await again()).status, 200);
	await github.do('clock', { offset_s: 0 });
});

scene('deliveries that were lost are listed for three days, by pages; a redelivery keeps the GUID, a replay does not', async () => {
	const hook = await receiver();
	try {
		await github.do('hook', { url: hook.url, secret: 's' });
		const sent = [];
		for (let n = 0; n < 3; n++)
			sent.push((await github.do('comment', { repo: REPO, number: 1, body: `${n}`, deliver: 'lost' })).deliveries[0]);
		equal(hook.got.length, 0);
		const list = async query => github.api('GET', `/app/hook/deliveries?${query}`, { token: world.jwt });
		const first = await list('status=failure&per_page=2');
		equal(first.body.map(d => [d.id, d.status, d.status_code]), [[sent[2].id, 'timed out', 504], [sent[1].id, 'timed out', 504]]);
		const [, next] = /<([^>]*)>; rel="next"/.exec(first.headers.get('link'));
		const rest = await github.api('GET', next.slice(github.url.length), { token: world.jwt });
		equal([rest.body.map(d => d.id), rest.headers.get('link')], [[sent[0].id], null]);
		equal(first.body[0].repository_id, (await as_app('GET', '')).body.id);
		const attempt = id => github.api('POST', `/app/hook/deliveries/${id}/attempts`, { token: world.jwt });
		equal((await attempt(sent[0].id)).status, 202);
		await github.until('deliveries', {}, all => all.some(d => d.redelivery && d.status === 'OK'));
		equal(hook.got[0].headers['x-github-delivery'], sent[0].guid);
		equal((await github.api('GET', `/app/hook/deliveries/${sent[0].id}`, { token: world.jwt })).body.request.payload.action,
			'created');

		const { deliveries: [held] } = await github.do('comment', { repo: REPO, number: 1, body: 'x', deliver: 'hold' });
		equal(hook.got.length, 1);
		for (const more of [{}, {}, { replay: true }])
			await github.do('release', { id: held.id, ...more });
		const guids = hook.got.slice(1).map(g => g.headers['x-github-delivery']);
		equal([guids[0] === held.guid, guids[1] === held.guid, guids[2] === held.guid], [true, true, false]);
		equal(new Set(hook.got.slice(1).map(g => g.body)).size, 1);

		await github.do('clock', { offset_s: 3 * 86400 + 60 });
		const jwt = app_jwt(world.app.id, world.private_key, { iat: Math.floor(Date.now() / 1000) + 3 * 86400,
			exp: Math.floor(Date.now() / 1000) + 3 * 86400 + 500 });
		equal((await github.api('GET', '/app/hook/deliveries', { token: jwt })).body, []);
		equal((await github.api('POST', `/app/hook/deliveries/${sent[1].id}/attempts`, { token: jwt })).status, 404);
		await github.do('clock', { offset_s: 0 });
		const config = await github.api('GET', '/app/hook/config', { token: world.jwt });
		equal([config.body.url, config.body.secret], [hook.url, '********']);
	} finally {
		await hook.stop();
	}
});

// --- what happens to repositories and installations ---

const change_repository = (action, more = {}) => github.do('repository_change', { repo: REPO, action, ...more });
const event_of = ({ deliveries }) => deliveries.map(d => JSON.parse(d.body));

scene('a repository that was renamed: the event, and the old name leads to the number', async () => {
	const [event] = event_of(await change_repository('renamed', { name: 'show' }));
	equal([event.action, event.repository.full_name, event.changes.repository.name.from], ['renamed', 'org/show', 'demo']);
	const moved = await as_app('GET', '/pulls/1');
	equal([moved.status, moved.headers.get('location')], [301, `${github.url}/repositories/${event.repository.id}/pulls/1`]);
	const at = moved.headers.get('location').slice(github.url.length);
	equal((await github.api('GET', at, { token: world.token })).body.base.repo.full_name, 'org/show');
	const write = await as_app('POST', '/issues/1/comments', { body: 'x' });
	equal(write.status, 307);
	equal((await github.api('POST', write.headers.get('location').slice(github.url.length), { token: world.token,
		body: { body: 'x' } })).status, 201);
	equal((await github.api('GET', `/repos/${REPO}/installation`, { token: world.jwt })).status, 301);
	equal((await git(...with_token(world.token), 'ls-remote', remote())).code, 0);
	await github.do('repository', { full_name: REPO });
	equal((await as_app('GET', '/pulls/1')).status, 404, 'until somebody else has the name');
});

scene('transferred, privatized, archived, deleted: the events, and what is allowed then', async () => {
	let [event] = event_of(await change_repository('privatized'));
	equal([event.action, event.repository.private, event.repository.visibility], ['privatized', true, 'private']);
	await change_repository('publicized');
	[event] = event_of(await change_repository('archived'));
	equal(event.repository.archived, true);
	const refused = await as_app('POST', '/check-runs', { name: 'x', head_sha: world.head });
	equal([refused.status, refused.body.message], [403, 'Repository was archived so is read-only.']);
	equal((await as_app('GET', '/pulls/1')).status, 200);
	await change_repository('unarchived');
	[event] = event_of(await change_repository('edited', { default_branch: 'topic' }));
	equal([event.changes.default_branch.from, event.repository.default_branch], ['main', 'topic']);
	equal(event_of(await change_repository('transferred', { owner: 'else' })), [], 'nobody there has the App');
	equal((await as_app('GET', '')).status, 301);
	await github.do('installation', { account: 'else' });
	[event] = event_of(await github.do('repository_change', { repo: 'else/demo', action: 'transferred', owner: 'org' }));
	equal([event.repository.full_name, event.changes.owner.from.organization.login], [REPO, 'else']);
	[event] = event_of(await change_repository('deleted'));
	equal(event.action, 'deleted');
	equal((await as_app('GET', '')).status, 404);
	ok((await git(...with_token(world.token), 'ls-remote', remote())).code !== 0);
});

scene('suspended, given less, given more, taken from repositories, uninstalled', async () => {
	const { installation: { id, permissions } } = world;
	const change = async (action, more = {}) => event_of(await github.do('installation_change', { installation: id, action,
		...more }))[0];
	const make = () => as_app('POST', '/check-runs', { name: 'x', head_sha: world.head });
	equal((await change('suspend')).action, 'suspend');
	equal([(await make()).status, (await mint()).status], [401, 403]);
	equal((await github.do('comment', { repo: REPO, number: 1, body: 'x' })).deliveries, [], 'and nothing is told');
	equal((await change('unsuspend')).action, 'unsuspend');
	equal((await make()).status, 201);
	const { checks, ...less } = permissions;
	await github.do('installation_permissions', { installation: id, permissions: less });
	const refused = await make();
	equal([refused.status, refused.body.message], [403, 'Resource not accessible by integration']);
	equal((await mint({ permissions: { checks: 'write' } })).status, 422);
	equal((await change('new_permissions_accepted', { permissions: { ...less, checks } })).installation.permissions.checks,
		'write');
	world.token = (await mint()).body.token;
	equal((await make()).status, 201);
	const [removed] = event_of(await github.do('installation_repositories', { installation: id, add: ['org/other'] }));
	equal([removed.action, removed.repositories_added.map(r => r.full_name)], ['added', ['org/other']]);
	equal((await make()).status, 404, 'only what is selected');
	equal((await change('deleted')).action, 'deleted');
	equal((await mint()).status, 404);
});

scene('the manifest form leads back with a code, which makes an App once', async () => {
	const form = await fetch(`${github.url}/settings/apps/new?state=abc`, { method: 'POST',
		redirect: 'manual', body: new URLSearchParams({ manifest: JSON.stringify({ name: 'My ekaci',
			url: 'http://localhost', redirect_url: 'http://localhost/done' }) }) });
	const back = new URL(form.headers.get('location'));
	equal([form.status, back.searchParams.get('state')], [302, 'abc']);
	const convert = () => github.api('POST', `/app-manifests/${back.searchParams.get('code')}/conversions`);
	const { status, body } = await convert();
	equal([status, body.slug], [201, 'my-ekaci']);
	match(body.pem, /^-----BEGIN RSA PRIVATE KEY-----/);
	equal((await convert()).status, 404);
	equal((await github.api('GET', '/app', { token: app_jwt(body.id, body.pem) })).body.id, body.id);
});

scene('every answer and every payload has the shape the description gives it', async () => {
	const { installation: { id }, token, jwt } = world;
	const of_app = route => github.api('GET', route, { token: jwt });
	for (const route of ['/app', '/app/installations', `/app/installations/${id}`,
		`/repos/${REPO}/installation`])
		equal((await of_app(route)).status, 200, route);
	const { id: check_run_id } = (await as_app('POST', '/check-runs', { name: 'x',
		head_sha: world.head })).body;
	await as_app('PATCH', `/check-runs/${check_run_id}`, { conclusion: 'success',
		output: { title: 't', summary: 's' } });
	const { comment } = await github.do('comment', { repo: REPO, number: 1, body: 'x' });
	await as_app('POST', '/issues/1/labels', { labels: ['a'] });
	for (const route of ['', '/pulls', '/pulls/1', `/check-runs/${check_run_id}`,
		`/commits/${world.head}/check-runs`, '/issues/1/comments', `/issues/comments/${comment.id}`,
		'/issues/1/labels', '/collaborators/org/permission'])
		equal((await as_app('GET', route)).status, 200, route);
	for (const route of ['/installation/repositories', '/rate_limit'])
		equal((await github.api('GET', route, { token })).status, 200);
	const change = (action, more = {}) => github.do('pull_change', { repo: REPO, number: 1, action,
		...more });
	for (const action of ['converted_to_draft', 'ready_for_review', 'enqueued', 'closed', 'reopened'])
		await change(action);
	await change('dequeued', { reason: 'CI_FAILURE' });
	await change('labeled', { label: 'b' });
	await change('unlabeled', { label: 'b' });
	await change('edited', { title: 'other', base: 'main' });
	await github.do('comment_change', { comment_id: comment.id, body: 'y' });
	await github.do('comment_change', { comment_id: comment.id });
	await github.do('check_suite_rerequest', { repo: REPO, head_sha: world.head });
	await github.do('installation_repositories', { installation: id, add: [REPO] });
	await github.do('installation_change', { installation: id, action: 'suspend' });
});

await run({ limit_ms: 30000, before_end: async () => {
	await github.stop();
	fs.rmSync(tmp, { recursive: true, force: true });
} });
