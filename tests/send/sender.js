// The sender against the stand-in: what is wanted comes to stand there, once, whatever goes wrong.

import crypto from 'node:crypto';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import os from 'node:os';
import path from 'node:path';
import { GitHub } from '../fakes/client.js';
import { equal, match, ok, rejects, run, test } from '../fakes/tap.js';
import { Driver } from './driver.js';

const REPO = 'org/demo';
const MARKER = '<!-- ekaci:report -->';
const tmp = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-send-'));
const github = await GitHub.start();
const pause = ms => new Promise(resolve => setTimeout(resolve, ms));
let w; // the world of the present test
let worlds = 0;
const new_pair = () => crypto.generateKeyPairSync('rsa', { modulusLength: 2048,
	publicKeyEncoding: { type: 'spki', format: 'pem' },
	privateKeyEncoding: { type: 'pkcs8', format: 'pem' } });
const pair = new_pair();

async function fresh()
{
	await github.do('reset');
	const dir = path.join(tmp, String(++worlds));
	fs.mkdirSync(dir);
	const key = path.join(dir, 'key.pem');
	fs.writeFileSync(key, pair.privateKey, { mode: 0o600 });
	const { app } = await github.do('app', { public_key: pair.publicKey });
	const { repository } = await github.do('repository', { full_name: REPO });
	await github.do('commit', { repo: REPO, branch: 'main', files: { a: '1\n' } });
	const { installation } = await github.do('installation', { account: 'org' });
	const { after } = await github.do('commit', { repo: REPO, branch: 'topic', files: { b: '1\n' } });
	const { pull } = await github.do('pull', { repo: REPO, head: 'topic' });
	w = { app, key, dir, head: after, pull, installation,
		at: { installation: installation.id, repository: repository.id, owner: 'org', repo: 'demo' } };
	w.options = { db: path.join(dir, 'db'), url: github.url, app_id: app.id, key };
}

async function start(options = {})
{
	w.driver = await Driver.start({ ...w.options, ...options });
	return w.driver;
}

const command = (kind, wanted) => ({ do: kind, ...w.at, wanted });
const check = (more = {}) => command('check', { name: 'ekaci / rebuilds', head: w.head,
	status: 'in_progress', title: 'Evaluating', summary: 'Soon.', external_id: 'run 1',
	details_url: 'http://127.0.0.1/run/1', ...more });
const comment = (body, more = {}) => command('comment', { number: w.pull.number, marker: MARKER,
	body: `${MARKER}\n${body}`, ...more });
const labels = (wanted, known) => command('labels', { number: w.pull.number, wanted, known });
const checks = () => github.ask('check_runs', { repo: REPO });
const comments = () => github.ask('comments', { repo: REPO });
const fault = f => github.do('fault', f);
const writes = async () => (await github.ask('requests'))
	.filter(r => r.method !== 'GET' && !/access_tokens/.test(r.path));
const annotations = (n, from = 0) => Array.from({ length: n }, (_, i) => ({ path: 'default.nix',
	start_line: from + i + 1, end_line: from + i + 1, annotation_level: 'failure',
	message: `mistake ${from + i}` }));

// A server that does not outlive the test, however that ends.
const server_of = server => server.unref();

// A small random generator with a seed, so that a failure can be had again.
const mulberry = seed => () => {
	seed = (seed + 0x6d2b79f5) | 0;
	let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
	t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
	return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
};

// A test in a fresh world. It ends with an orderly stop of the driver, no breach of GitHub's rules,
// never two requests at a time, and none while GitHub had said to wait.
const scene = (name, body, { killed = false } = {}) => test(name, async () => {
	await fresh();
	try {
		await body();
		if (w.driver)
			await w.driver.stop();
		// The stand-in notes a request that broke off in the middle, as ours do when we are killed.
		equal((await github.ask('violations')).filter(v => !(killed && v.kind === 'stand-in'
			&& /^Error: aborted/.test(v.message))), []);
		for (const [who, m] of Object.entries(await github.ask('etiquette'))) {
			if (!who.startsWith('installation'))
				continue;
			if (!killed)
				ok(m.max_in_flight <= 1, `${m.max_in_flight} requests at once`);
			equal(m.requests_while_limited, 0);
			equal(m.wide_writes, 0, 'no write has a token that is good for more than it needs');
		}
	} finally {
		if (w.driver && w.driver.child.exitCode === null && w.driver.child.signalCode === null)
			await w.driver.kill();
	}
});

// --- making it so ---

scene('a check run is made once and updated in place', async () => {
	const d = await start();
	await d.want(check());
	await d.until();
	await d.want(check({ status: 'completed', conclusion: 'success', title: 'No rebuilds',
		completed_at: 1760000000000,
		actions: [{ label: 'Build all', description: 'Build it', identifier: 'rebuild' }] }));
	await d.until();
	const [run, ...others] = await checks();
	equal(others, []);
	equal([run.name, run.status, run.conclusion, run.external_id, run.output.title],
		['ekaci / rebuilds', 'completed', 'success', 'run 1', 'No rebuilds']);
	equal(run.completed_at, '2025-10-09T08:53:20Z');
	equal(run.actions.length, 1);
	equal(run.history.length, 2);
});

scene('the same wanted twice makes no request', async () => {
	const d = await start();
	await d.want(check());
	await d.want(comment('one'));
	await d.until();
	const before = (await github.ask('requests')).length;
	await d.want(check());
	await d.want(comment('one'));
	await d.until();
	await pause(100);
	equal((await github.ask('requests')).length, before);
});

scene('only the newest of many states is sent', async () => {
	const d = await start();
	await fault({ method: 'POST', route: 'access_tokens$', delay_ms: 300 });
	for (let i = 0; i < 30; i++)
		await d.want(comment(`state ${i}`));
	await d.until();
	const [c, ...others] = await comments();
	equal(others, []);
	match(c.body, /state 29$/);
	ok(c.history.length <= 2, `${c.history.length} versions`);
});

scene('one comment, edited in place; reactions and replies beside it', async () => {
	const asked = await github.do('comment', { repo: REPO, number: w.pull.number,
		body: '/ekaci rebuild', user: 'somebody' });
	const d = await start();
	await d.want(command('reaction', { comment_id: asked.comment.id, content: 'eyes' }));
	await d.want(command('reply', { number: w.pull.number, marker: '<!-- ekaci:reply 1 -->',
		body: 'No.' }));
	await d.want(comment('one'));
	await d.until();
	await d.want(comment('two'));
	await d.until();
	const all = await comments();
	equal(all.length, 3);
	equal(all[0].reactions.map(r => r.content), ['eyes']);
	equal(all.filter(c => c.body.includes(MARKER)).map(c => c.history.length), [2]);
	equal(all.filter(c => c.body.includes('ekaci:reply 1')).length, 1);
	match(all.find(c => c.body.includes(MARKER)).body, /two$/);
});

scene('a conclusion goes first, then an answer, then first reports, then progress', async () => {
	const d = await start();
	await d.want(check({ name: 'old' }));
	await d.want(check({ name: 'other' }));
	await d.until();
	await fault({ method: 'POST', route: '/check-runs$', delay_ms: 300 });
	await d.want(check({ name: 'first' }));
	await github.until('faults', {}, l => l[0].hits === 1);
	await d.want(check({ name: 'old', title: 'still going on' }));
	await d.want(comment('hello'));
	await d.want(command('reply', { number: w.pull.number, marker: '<!-- ekaci:reply 1 -->', body: 'yes' }));
	await d.want(check({ name: 'other', status: 'completed', conclusion: 'success' }));
	await d.until();
	const order = (await writes()).slice(3).map(r => JSON.stringify(r.body));
	match(order[0], /success/);
	match(order[1], /yes/);
	match(order[2], /hello/);
	match(order[3], /still going on/);
});

scene('while four pull requests build, an answer and a conclusion wait for one request and their pause', async () => {
	const GAP_MS = 250; // a fourth of the true one
	await github.do('settings', { writes_per_minute: 80, writes_per_hour: 500 });
	const d = await start({ gap_ms: GAP_MS });
	const progress = i => Promise.all([1, 2, 3, 4].flatMap(n => [d.want(check({ name: `check ${n}`, title: `${i} built` })),
		d.want(command('comment', { number: n, marker: MARKER, body: `${MARKER}\n${i} built` }))]));
	for (let n = 2; n <= 4; n++) {
		await github.do('commit', { repo: REPO, branch: `topic-${n}`, files: { [`n${n}`]: '1\n' } });
		await github.do('pull', { repo: REPO, head: `topic-${n}` });
	}
	await progress(0);
	await d.until();
	const waits = [];
	for (let i = 1; i <= 4; i++) {
		await progress(i);
		const since = Date.now();
		await d.want(command('reply', { number: i, marker: `<!-- ekaci:reply ${i} -->`, body: 'yes' }));
		await d.want(check({ name: `check ${i}`, status: 'completed', conclusion: 'success' }));
		await github.until('comments', { repo: REPO, number: i }, l => l.some(c => c.body.includes('yes')));
		await github.until('check_runs', { repo: REPO }, l => l.some(c => c.name === `check ${i}` && c.conclusion));
		waits.push(Date.now() - since);
	}
	console.log(`# worst wait of an answer and a conclusion: ${Math.max(...waits)} ms at a pause of ${GAP_MS} ms`);
	ok(Math.max(...waits) < 5 * GAP_MS, `${waits}`);
	await d.until();
});

scene('progress is told now and then, a conclusion at once', async () => {
	const d = await start({ progress_ms: 1500 });
	await d.want(check());
	await d.until();
	for (let i = 1; i <= 5; i++) {
		await d.want(check({ title: `${i} of 6 built` }));
		await pause(50);
	}
	equal((await writes()).length, 1);
	await d.until();
	equal((await checks()).map(r => [r.output.title, r.history.length]), [['5 of 6 built', 2]]);
	await d.want(check({ title: '6 of 6 built' }));
	await d.want(check({ status: 'completed', conclusion: 'success', title: 'All built' }));
	const since = Date.now();
	await d.until();
	ok(Date.now() - since < 1000, 'it did not wait');
	equal((await checks()).map(r => [r.output.title, r.history.length]), [['All built', 3]]);
});

scene('labels: missing ones are added, wrong ones of ours removed, others left alone', async () => {
	for (const label of ['ekaci: wide', 'bug', 'Ekaci: None'])
		await github.do('pull_change', { repo: REPO, number: w.pull.number, action: 'labeled', label });
	const known = ['ekaci: wide', 'ekaci: none', 'ekaci: 1-10'];
	const d = await start();
	await d.want(labels(['ekaci: 1-10'], known));
	await d.until();
	equal((await github.ask('pulls'))[0].labels.sort(), ['bug', 'ekaci: 1-10']);
	await d.want(labels(['ekaci: 1-10', 'ekaci: none'], known));
	await d.until();
	equal((await github.ask('pulls'))[0].labels.sort(), ['Ekaci: None', 'bug', 'ekaci: 1-10']);
});

scene('annotations go in batches of fifty, each once', async () => {
	const d = await start();
	await d.want(check({ status: 'completed', conclusion: 'failure', annotations: annotations(120) }));
	await d.until();
	const sizes = (await checks())[0].history.map(h => h.request.output.annotations.length);
	equal(sizes, [50, 50, 20]);
	await d.want(check({ status: 'completed', conclusion: 'failure',
		annotations: [...annotations(120), ...annotations(3, 500)] }));
	await d.until();
	const messages = (await checks())[0].annotations.map(a => a.message);
	equal(messages.length, 123);
	equal(new Set(messages).size, 123);
});

scene('a re-run posts a new check run of the name', async () => {
	const d = await start();
	await d.want(check({ status: 'completed', conclusion: 'failure' }));
	await d.until();
	await d.want(check({ status: 'in_progress', restart: 1 }));
	await d.until();
	await d.want(check({ status: 'completed', conclusion: 'success', restart: 1 }));
	await d.until();
	equal((await checks()).map(r => r.conclusion), ['failure', 'success']);
	await d.want(check({ status: 'queued', restart: 1 }));
	await d.until();
	equal((await checks()).map(r => r.status), ['completed', 'completed', 'queued']);
});

scene('a re-run of a run that is still going on needs no second one', async () => {
	const d = await start();
	await d.want(check({ status: 'in_progress' }));
	await d.until();
	await d.want(check({ status: 'queued', restart: 1, external_id: 'run 2' }));
	await d.until();
	equal((await checks()).map(r => [r.status, r.external_id]), [['queued', 'run 2']]);
	await d.want(check({ status: 'completed', conclusion: 'success', restart: 1 }));
	await d.until();
	equal((await checks()).map(r => r.conclusion), ['success']);
});

scene('what is too long is cut, and says so', async () => {
	const d = await start();
	const long = '| a row of a table with an ä |\n'.repeat(5000);
	await d.want(check({ summary: long, text: '```\n' + long, title: 't'.repeat(300) }));
	await d.want(comment(long, { body: long }));
	await d.until();
	const { output } = (await checks())[0];
	ok(Buffer.byteLength(output.text) <= 65535);
	match(output.summary, /left out/);
	match(output.text, /\n```\n\n\*The rest is left out/);
	const [c] = await comments();
	ok(c.body.startsWith(MARKER));
	ok(c.body.length <= 65536);
	match(c.body, /left out/);
});

// --- statuses ---

const status = (state, description = 'words') => command('status', { head: w.head, context: 'ekaci/rebuilds', state, description });
const statuses = async () => (await github.ask('commit_checks', { repo: REPO, head_sha: w.head })).statuses;
const posts = async what => (await writes()).filter(r => r.method === 'POST' && r.path.includes(what)).length;

scene('a status is made once, and once more when it changes', async () => {
	const d = await start();
	for (const state of ['pending', 'pending', 'success', 'success']) {
		await d.want(status(state));
		await d.until();
	}
	equal([await statuses(), await posts('/statuses/')], [[{ context: 'ekaci/rebuilds', state: 'success' }], 2]);
});

scene('a status whose answer is lost is not made again, and one that was not made is', async () => {
	const d = await start();
	for (const [when, made] of [['after', 1], ['before', 3]]) {
		await fault({ method: 'POST', route: '/statuses/', when, drop: true, times: 1 });
		await d.want(status(when === 'after' ? 'success' : 'failure'));
		await d.until();
		equal(await posts('/statuses/'), made);
	}
	equal(await statuses(), [{ context: 'ekaci/rebuilds', state: 'failure' }]);
	equal((await d.say({ do: 'figures' })).in_doubt, 0);
});

scene('a status that says something else than the one that stands there is made, when it is in doubt', async () => {
	const d = await start();
	await d.want(status('failure', 'one newly fails'));
	await d.until();
	await fault({ method: 'POST', route: '/statuses/', when: 'before', drop: true, times: 1 });
	await d.want(status('failure', 'two newly fail'));
	await d.until();
	equal(await posts('/statuses/'), 3);
});

// --- review requests ---

const reviewers = (logins, max = 3) => command('reviewers', { number: w.pull.number, max, logins });
const asked = async () => (await github.ask('pulls')).find(p => p.number === w.pull.number).reviewers;
const people = async (...names) => {
	for (const user of names)
		await github.do('permission', { repo: REPO, user, permission: 'read' });
};

scene('reviewers are asked in one request, and nobody twice', async () => {
	await people('one', 'two', 'three');
	const d = await start();
	await d.want(reviewers(['one', 'two', 'ONE']));
	await d.until();
	equal([await asked(), await posts('/requested_reviewers')], [['one', 'two'], 1]);
	await d.want(reviewers(['two', 'one', 'three']));
	await d.until();
	equal([await asked(), await posts('/requested_reviewers')], [['one', 'two', 'three'], 2]);
});

scene('who may not be asked does not keep the others from it, and is not tried again', async () => {
	await people('one', 'two');
	const d = await start();
	await d.want(reviewers(['absent', 'one', 'two']));
	await d.until();
	equal([await asked(), await posts('/requested_reviewers')], [['one', 'two'], 4]);
	await d.want(reviewers(['absent', 'two', 'one']));
	await d.until();
	equal(await posts('/requested_reviewers'), 4);
});

scene('at most so many are asked, over all times, and who took the request off is not asked again', async () => {
	await people('one', 'two', 'three');
	const d = await start();
	await d.want(reviewers(['one', 'two', 'three'], 2));
	await d.until();
	equal(await asked(), ['one', 'two']);
	await github.do('review', { repo: REPO, number: w.pull.number, user: 'one' });
	await d.want(reviewers(['one', 'three', 'two'], 2));
	await d.until();
	equal([await asked(), await posts('/requested_reviewers')], [['two'], 1]);
});

scene('a request for reviews whose answer is lost asks nobody else', async () => {
	await people('one', 'two');
	const d = await start();
	await fault({ method: 'POST', route: '/requested_reviewers', when: 'after', drop: true, times: 1 });
	await d.want(reviewers(['one', 'two'], 1));
	await d.until();
	equal(await asked(), ['one']);
});

scene('nobody is asked to look at a draft', async () => {
	await people('one');
	await github.do('pull_change', { repo: REPO, number: w.pull.number, action: 'converted_to_draft', deliver: false });
	const d = await start();
	await d.want(reviewers(['one']));
	await d.until();
	equal([await asked(), await posts('/requested_reviewers')], [[], 0]);
});

// --- nothing twice ---

for (const [what, route] of [['check run', '/check-runs$'], ['comment', '/comments$']]) {
	const wanted = () => what === 'check run' ? check({ annotations: annotations(60) }) : comment('one');
	const standing = async () => (what === 'check run' ? await checks() : await comments());

	scene(`a ${what} whose answer is lost is not made again`, async () => {
		const d = await start();
		await fault({ method: 'POST', route, when: 'after', drop: true });
		await d.want(wanted());
		await d.until();
		equal((await standing()).length, 1);
		equal((await d.say({ do: 'figures' })).in_doubt, 0);
		if (what === 'check run')
			equal((await checks())[0].annotations.length, 60);
	});

	scene(`a ${what} that was made although GitHub said 502 is not made again`, async () => {
		const d = await start();
		await fault({ method: 'POST', route, when: 'after', status: 502, times: 1 });
		await d.want(wanted());
		await d.until();
		equal((await standing()).length, 1);
	});

	scene(`kill -9 between the making of a ${what} and its record: found, not made again`, async () => {
		let d = await start();
		await fault({ method: 'POST', route, when: 'after', delay_ms: 60000 });
		await d.want(wanted());
		await github.until(what === 'check run' ? 'check_runs' : 'comments', {}, l => l.length === 1);
		await d.kill();
		d = await start();
		await d.until();
		equal((await standing()).length, 1);
		await github.do('faults_clear');
	});

	scene(`kill -9 before the making of a ${what}: made`, async () => {
		let d = await start();
		await fault({ method: 'POST', route, when: 'before', hang: true });
		await d.want(wanted());
		await github.until('faults', {}, l => l[0].hits === 1);
		await d.kill();
		d = await start();
		await d.until();
		equal((await standing()).length, 1);
	});
}

scene('kill -9 while the making is still under way at GitHub: waited for, not made again', async () => {
	let d = await start({ settle_ms: 600 });
	await fault({ method: 'POST', route: '/comments$', when: 'before', delay_ms: 400 });
	await d.want(comment('one'));
	await github.until('faults', {}, l => l[0].hits === 1);
	await d.kill();
	d = await start();
	await d.until();
	await pause(500);
	equal((await comments()).length, 1);
}, { killed: true });

scene('kill -9 between the making of a reply and its record: found, not made again', async () => {
	const reply = command('reply', { number: w.pull.number, marker: '<!-- ekaci:reply 7 -->', body: 'Hm.' });
	let d = await start();
	await fault({ method: 'POST', route: '/comments$', when: 'after', delay_ms: 60000 });
	await d.want(reply);
	await github.until('comments', {}, l => l.length === 1);
	await d.kill();
	d = await start();
	await d.until();
	equal((await comments()).length, 1);
	await github.do('faults_clear');
});

scene('kill -9 in the middle of a re-run: the old run is not taken for the new one', async () => {
	let d = await start();
	await d.want(check({ status: 'completed', conclusion: 'failure' }));
	await d.until();
	await fault({ method: 'POST', route: '/check-runs$', when: 'before', hang: true });
	await d.want(check({ status: 'in_progress', restart: 1 }));
	await github.until('faults', {}, l => l[0].hits === 1);
	await d.kill();
	d = await start();
	await d.until();
	equal((await checks()).map(r => [r.status, r.conclusion]), [['completed', 'failure'],
		['in_progress', null]]);
});

scene('a batch of annotations whose answer is lost is not appended again', async () => {
	const d = await start();
	await d.want(check({ annotations: annotations(10) }));
	await d.until();
	await fault({ method: 'PATCH', route: '/check-runs/', when: 'after', drop: true, times: 2 });
	await d.want(check({ annotations: annotations(130) }));
	await d.until();
	equal((await checks())[0].annotations.length, 130);
	await fault({ method: 'PATCH', route: '/check-runs/', when: 'before', drop: true, times: 2 });
	await d.want(check({ annotations: annotations(150) }));
	await d.until();
	equal((await checks())[0].annotations.length, 150);
});

scene('the comment is found again by its marker when the database is new', async () => {
	let d = await start();
	for (let i = 0; i < 110; i++)
		await github.do('comment', { repo: REPO, number: w.pull.number, body: `talk ${i}`, user: 'x',
			deliver: false });
	await d.want(comment('one'));
	await d.until();
	await d.stop();
	d = await start({ db: path.join(w.dir, 'new') });
	await d.want(comment('two'));
	await d.until();
	const ours = (await comments()).filter(c => c.app);
	equal(ours.map(c => c.body), [`${MARKER}\ntwo`]);
});

scene("somebody else's comment with our marker is not ours", async () => {
	await github.do('comment', { repo: REPO, number: w.pull.number, body: `${MARKER} gotcha`,
		user: 'mallory' });
	const d = await start();
	await d.want(comment('one'));
	await d.until();
	equal((await comments()).map(c => [c.user, c.history.length]), [['mallory', 1],
		[`${w.app.slug}[bot]`, 1]]);
});

scene('a reply that was deleted stays away until there is something else to say', async () => {
	const reply = body => command('reply', { number: w.pull.number, marker: '<!-- ekaci:reply 1 -->', body });
	const d = await start();
	await d.want(reply('one'));
	await d.until();
	await github.do('comment_change', { comment_id: (await comments())[0].id });
	await d.want(reply('one'));
	await d.until();
	equal((await comments()).map(c => c.deleted), [true]);
	await d.want(reply('two'));
	await d.until();
	equal((await comments()).map(c => [c.deleted, /two/.test(c.body)]), [[true, false], [false, true]]);
});

scene('a deleted comment comes back once, and not when it is deleted again', async () => {
	const d = await start();
	await d.want(comment('one'));
	await d.until();
	const delete_it = async () => github.do('comment_change', { user: 'maintainer',
		comment_id: (await comments()).find(c => !c.deleted).id });
	await delete_it();
	await d.want(comment('two'));
	await d.until();
	equal((await comments()).map(c => c.deleted), [true, false]);
	await delete_it();
	await d.want(comment('three'));
	await d.until(f => f.given_up === 1);
	await d.want(comment('four'));
	await d.until();
	equal((await comments()).map(c => c.deleted), [true, true]);
});

// --- GitHub has a bad day ---

scene('500 three times, then it works', async () => {
	const d = await start();
	await fault({ route: '/check-runs$', status: 500, times: 3 });
	await d.want(check());
	const figures = await d.until();
	equal((await checks()).length, 1);
	ok(figures.broken >= 3);
});

scene('429 with retry-after: nothing is asked before its time', async () => {
	const d = await start();
	await fault({ method: 'POST', route: '/check-runs$', status: 429, headers: { 'retry-after': '1' } });
	const began = Date.now();
	await d.want(check());
	await d.want(comment('one'));
	const figures = await d.until();
	ok(Date.now() - began >= 1000);
	equal(figures.limited, 1);
	equal([(await checks()).length, (await comments()).length], [1, 1]);
});

scene('403 for a secondary limit is waited for, not given up', async () => {
	const d = await start();
	await fault({ method: 'POST', route: '/comments$', status: 403, times: 2,
		body: { message: 'You have exceeded a secondary rate limit. Please wait.' } });
	await d.want(comment('one'));
	const figures = await d.until();
	equal([figures.limited, figures.given_up], [2, 0]);
	equal((await comments()).length, 1);
});

scene('an exhausted primary limit is waited for until its reset', async () => {
	const d = await start();
	await d.want(check());
	await d.until();
	await github.do('rate', { installation: w.installation.id, remaining: 1, reset_in_s: 2 });
	const began = Date.now();
	await d.want(check({ title: 'One' }));
	await d.until();
	await d.want(check({ title: 'Two' }));
	await d.until();
	ok(Date.now() - began >= 1500, `${Date.now() - began} ms`);
	equal((await checks())[0].output.title, 'Two');
});

scene('when few requests are left, progress and first reports wait for new ones, conclusions and answers do not', async () => {
	const d = await start();
	const rate = (remaining, reset_in_s) => github.do('rate', { installation: w.installation.id, remaining, reset_in_s });
	const reply = i => command('reply', { number: w.pull.number, marker: `<!-- ekaci:reply ${i} -->`, body: `answer ${i}` });
	const titles = async () => (await checks()).map(r => r.output.title).sort();
	await rate(900, 60);
	await d.want(check());
	await d.until();
	await d.want(check({ title: 'More' }));				// below a fifth: no progress
	await d.want(check({ name: 'first', title: 'First' }));
	await github.until('check_runs', { repo: REPO }, l => l.length === 2);
	equal(await titles(), ['Evaluating', 'First']);
	await rate(450, 3);
	const began = Date.now();
	await d.want(reply(1));						// an answer; it tells how few are left
	await github.until('comments', { repo: REPO }, l => l.length === 1);
	await d.want(check({ name: 'second', title: 'Second' }));	// below a tenth: no first report
	await d.want(check({ name: 'end', status: 'completed', conclusion: 'success', title: 'End' }));
	await d.want(reply(2));
	await github.until('comments', { repo: REPO }, l => l.length === 2);
	await github.until('check_runs', { repo: REPO }, l => l.length === 3);
	equal(await titles(), ['End', 'Evaluating', 'First']);
	ok(Date.now() - began < 2500, 'all of it before there are new requests');
	await d.until();
	ok(Date.now() - began >= 2000, `${Date.now() - began} ms`);
	equal(await titles(), ['End', 'First', 'More', 'Second']);
});

scene('between batches of annotations what is more urgent goes first; killed between any two, each is there once and in order', async () => {
	const failed = { status: 'completed', conclusion: 'failure' };
	const sizes = async () => (await checks())[0].history.map(h => h.request.output.annotations.length);
	let d = await start({ gap_ms: 300 });
	await d.want(check({ ...failed, annotations: annotations(170) }));
	await github.until('check_runs', { repo: REPO }, l => l.length === 1 && l[0].annotations.length >= 50);
	await d.want(command('reply', { number: w.pull.number, marker: '<!-- ekaci:reply 1 -->', body: 'yes' }));
	await github.until('comments', { repo: REPO }, l => l.length === 1);
	ok((await checks())[0].annotations.length < 170, 'the answer was before the last of them');
	await d.until();
	equal(await sizes(), [50, 50, 50, 20]);
	equal((await checks())[0].annotations.map(a => a.start_line), annotations(170).map(a => a.start_line));

	// Killed after each of the four had its effect, and before its answer came.
	for (let batch = 0; batch < 4; batch++) {
		await d.stop();
		await fresh();
		const { id } = await fault({ method: batch === 0 ? 'POST' : 'PATCH', route: '/check-runs', skip: Math.max(batch - 1, 0),
			when: 'after', hang: true });
		d = await start();
		await d.want(check({ ...failed, annotations: annotations(170) }));
		await github.until('faults', {}, l => l.find(f => f.id === id).hits === 1);
		await d.kill();
		d = await start();
		await d.until();
		equal((await checks()).length, 1);
		equal((await checks())[0].annotations.map(a => a.start_line), annotations(170).map(a => a.start_line), `batch ${batch}`);
	}
}, { killed: true });

scene('a token that expired is minted again, once', async () => {
	const d = await start();
	await d.want(check());
	await d.until();
	await github.do('expire_tokens');
	await d.want(check({ title: 'Later' }));
	const figures = await d.until();
	equal((await checks())[0].output.title, 'Later');
	equal(figures.tokens, 2);
});

scene('writes keep their distance', async () => {
	const d = await start({ gap_ms: 150 });
	await d.want(check());
	await d.want(comment('one'));
	await d.want(labels(['a'], ['a']));
	await d.until();
	const etiquette = Object.values(await github.ask('etiquette')).find(m => m.last_write_ms !== null);
	ok(etiquette.min_write_gap_ms >= 140, `${etiquette.min_write_gap_ms} ms`);
});

scene('what GitHub refuses is tried again for a while, then parked with its words', async () => {
	const d = await start();
	await d.want(check({ head: '0'.repeat(40) }));
	await d.want(command('reaction', { comment_id: 1, content: 'eyes' }));
	await d.until(f => f.parked === 2 && f.queue === 0);
	match(d.said, /rebuilds is parked: GitHub: 422 No commit found/);
	match(d.said, /eyes is parked: GitHub: 404 Not Found/);
	const posts = (await github.ask('requests', { method: 'POST', route: '/repos/{owner}/{repo}/check-runs' })).length;
	ok(posts >= 6 && posts <= 10, `${posts} attempts`);
	await d.want(check({ head: '0'.repeat(40), title: 'Later' }));
	await d.until(f => f.parked === 2 && f.queue === 0);
	equal((await github.ask('requests', { method: 'POST', route: '/repos/{owner}/{repo}/check-runs' })).length, posts + 1);
});

for (const status of [403, 404, 410, 422])
	scene(`${status} once or twice on the last thing there is to say: it is said`, async () => {
		const d = await start();
		const no = { status, times: 2, body: { message: 'Not now' } };
		await fault({ method: 'POST', route: '/check-runs$', ...no });
		await fault({ method: 'POST', route: '/comments$', ...no });
		await d.want(check());
		await d.want(comment('one'));
		await d.until();
		await fault({ method: 'PATCH', route: '/check-runs/', ...no });
		await fault({ method: 'PATCH', route: '/comments/', ...no });
		await d.want(check({ title: 'Two' }));
		await d.want(comment('two'));
		const figures = await d.until();
		equal([figures.given_up, figures.parked], [0, 0]);
		equal((await checks()).map(c => c.output.title), ['Two']);
		equal((await comments()).map(c => c.body), [`${MARKER}\ntwo`]);
	});

scene('an installation that is gone is given up, others go on', async () => {
	const d = await start();
	await d.want({ ...check(), installation: 4711 });
	await d.want(comment('one'));
	await d.until(f => f.given_up === 1 && f.queue === 0);
	equal((await comments()).length, 1);
});

scene('GitHub cannot be reached: the row waits, and goes out when it can', async () => {
	const d = await start({ url: 'http://127.0.0.1:9' });
	await d.want(check());
	await d.until(f => f.unreachable >= 2 || /waits/.test(d.said));
	equal((await d.say({ do: 'figures' })).queue, 1);
	await d.stop();
	const again = await start();
	await again.until();
	equal((await checks()).length, 1);
});

scene('a redirection (a renamed repository) is followed with the same request', async () => {
	const d = await start();
	await fault({ method: 'POST', route: '^/repos/org/old/check-runs$', status: 307,
		headers: { location: `${github.url}/repos/${REPO}/check-runs` } });
	await d.want({ ...check(), repo: 'old' });
	await d.until();
	equal((await checks()).length, 1);
});

scene('an answer that is no JSON, too deep or of another shape does no harm', async () => {
	const d = await start();
	for (const body of ['<html>', '['.repeat(3000), '[1, null, {"id": "x"}]', '{"check_runs": {"id": 5}}', '""'])
		await fault({ route: '/check-runs', status: 200, body, headers: { 'content-type': 'application/json' } });
	await d.want(check());
	await d.until();
	equal((await checks()).length, 1);
});

scene('an answer larger than any should be is not read to its end, and others go on', async () => {
	const d = await start();
	await fault({ method: 'POST', route: '/check-runs$', status: 201, body: 'x'.repeat(17 << 20) });
	await fault({ method: 'GET', route: '/check-runs$', status: 200, body: 'x'.repeat(17 << 20) });
	await d.want(check());
	await d.want(comment('one'));
	await d.until();
	match(d.said, /more than 16777216 bytes/);
	equal([(await checks()).length, (await comments()).length], [1, 1]);
});

scene('a write that is sent to another host is not made there, and the token does not leave', async () => {
	const seen = [];
	const other = server_of(http.createServer((request, response) => {
		seen.push([request.method, request.headers.authorization]);
		response.writeHead(200, { 'content-type': 'application/json' }).end('{"permission":"admin"}');
	}));
	await new Promise(resolve => other.listen(0, '127.0.0.1', resolve));
	const location = `http://127.0.0.1:${other.address().port}/x`;
	const d = await start();
	await fault({ method: 'POST', route: '/check-runs$', status: 307, headers: { location } });
	await d.want(check());
	await d.until();
	equal(seen, []);
	equal((await checks()).length, 1);
	await fault({ route: '/permission$', status: 302, headers: { location } });
	await d.say({ do: 'permission', ...w.at, login: 'x' });
	equal(seen, [['GET', undefined]]);
});

scene('one installation that is limited does not hold up another', async () => {
	const { repository } = await github.do('repository', { full_name: 'other/thing' });
	await github.do('commit', { repo: 'other/thing', branch: 'main', files: { a: '1\n' } });
	const { installation } = await github.do('installation', { account: 'other' });
	const { after } = await github.do('commit', { repo: 'other/thing', branch: 't', files: { b: '1\n' } });
	const d = await start();
	await fault({ method: 'POST', route: 'org/demo/check-runs$', status: 429,
		headers: { 'retry-after': '2' } });
	await d.want(check());
	await d.until(f => f.limited === 1);
	await d.want({ ...check({ head: after }), installation: installation.id, owner: 'other',
		repo: 'thing', repository: repository.id });
	await d.until(f => f.queue === 1, 1500);
	equal((await github.ask('check_runs')).map(r => r.repo), ['other/thing']);
	await d.until();
	equal((await github.ask('check_runs')).length, 2);
});

scene('an orderly stop in the middle of everything loses nothing', async () => {
	let d = await start();
	await fault({ method: 'POST', route: '/check-runs$', hang: true });
	await d.want(check());
	await d.want(comment('one'));
	await github.until('faults', {}, l => l[0].hits === 1);
	const question = d.say({ do: 'permission', ...w.at, login: 'x' });
	const git = d.say({ do: 'git', ...w.at });
	await pause(50);
	d.child.stdin.end();
	equal((await question).error ?? 'git', 'git');
	equal((await git).error, 'busy');
	equal((await d.ended).code, 0);
	d = await start();
	await d.until();
	equal([(await checks()).length, (await comments()).length], [1, 1]);
});

scene('whatever goes wrong in whatever order, everything stands there once', async () => {
	const names = ['a', 'b', 'c', 'd'];
	const random = mulberry(Number(process.env.SEED || 20261120));
	const pick = list => list[Math.floor(random() * list.length)];
	let d = await start({ retry_ms: 10, settle_ms: 300 });
	let newest;
	for (let round = 0; round < 12; round++) {
		for (let i = 0; i < 3; i++)
			await fault({ method: pick(['POST', 'PATCH', 'GET']), route: pick(['check-runs', 'comments',
				'labels', '.']), when: pick(['before', 'after']), skip: pick([0, 1, 2]), ...pick([
				{ drop: true }, { status: 500 }, { status: 502 }, { delay_ms: 150 },
				{ status: 200, body: 'garbage' }]) });
		newest = round;
		for (const name of names)
			await d.want(check({ name, title: `round ${round}`, external_id: name,
				annotations: annotations(round * 13) }));
		await d.want(comment(`round ${round}`));
		await d.want(command('reply', { number: w.pull.number, marker: `<!-- r ${round} -->`,
			body: `reply ${round}` }));
		await d.want(labels([`round ${round}`], Array.from({ length: round }, (_, i) => `round ${i}`)));
		await pause(random() * 120);
		if (random() < 0.5) {
			await d.kill();
			d = await start({ retry_ms: 10, settle_ms: 300 });
		}
	}
	await github.do('faults_clear');
	const figures = await d.until();
	equal([figures.given_up, figures.in_doubt], [0, 0]);
	equal((await checks()).map(r => [r.name, r.output.title, r.annotations.length])
		.sort(), names.map(n => [n, `round ${newest}`, newest * 13]));
	const bodies = (await comments()).map(c => c.body);
	equal(bodies.filter(b => b.includes(MARKER)), [`${MARKER}\nround ${newest}`]);
	equal(bodies.length, newest + 2);
	equal(new Set(bodies).size, newest + 2);
	equal((await github.ask('pulls'))[0].labels, [`round ${newest}`]);
}, { killed: true });

// --- keys ---

scene('a wrong key is told in words, and what is wanted waits', async () => {
	const other = new_pair();
	const key = path.join(w.dir, 'wrong.pem');
	fs.writeFileSync(key, other.privateKey, { mode: 0o600 });
	const d = await start({ key });
	await d.want(check());
	await d.until(() => /does not accept our key.*private_key_file/.test(d.said));
	equal((await d.say({ do: 'figures' })).queue, 1);
	await d.stop();
	const again = await start();
	await again.until();
	equal((await checks()).length, 1);
});

scene('a key file that is missing, open to everybody or no key is refused', async () => {
	const file = path.join(w.dir, 'k.pem');
	await rejects(start({ key: file }), /cannot read the App's private key/);
	fs.writeFileSync(file, pair.privateKey, { mode: 0o600 });
	fs.chmodSync(file, 0o644);
	await rejects(start({ key: file }), /chmod 600/);
	fs.chmodSync(file, 0o600);
	fs.writeFileSync(file, 'not a key');
	await rejects(start({ key: file }), /no private key/);
	w.driver = null;
});

scene('a server whose certificate nobody vouches for gets nothing', async () => {
	const [key, cert] = ['tls.key', 'tls.crt'].map(f => path.join(w.dir, f));
	execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj',
		'/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', key, '-out',
		cert], { stdio: 'ignore' });
	const seen = [];
	const server = https.createServer({ key: fs.readFileSync(key), cert: fs.readFileSync(cert) },
		(request, response) => { seen.push(request.url); response.end('{}'); });
	server_of(server).on('tlsClientError', () => {});
	await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
	const d = await start({ url: `https://127.0.0.1:${server.address().port}` });
	await d.want(check());
	await d.until(f => f.token_failures >= 3);
	match(d.said, /certificate/);
	equal(seen, []);
});

scene('neither key nor token is ever printed', async () => {
	const d = await start();
	await fault({ route: '/check-runs$', status: 401, times: 4 });
	await d.want(check());
	await d.until();
	ok(!/ghs_|PRIVATE|eyJ|Bearer/.test(d.said), d.said);
});

// --- questions ---

scene('permission, pull request and a token for git', async () => {
	await github.do('user', { login: 'writer' });
	await github.do('permission', { repo: REPO, user: 'writer', permission: 'write' });
	const d = await start();
	const ask = login => d.say({ do: 'permission', ...w.at, login });
	equal(await ask('writer'), { text: 'write' });
	equal(await ask('nobody-at-all'), { text: 'none' });
	equal(await ask('../../x'), { text: 'none' });
	const { pull } = await d.say({ do: 'pull', ...w.at, number: w.pull.number });
	equal(pull, { number: w.pull.number, head: w.head, open: true, fork: false });
	equal((await d.say({ do: 'pull', ...w.at, number: 99 })).error, 'absent');
	const { text } = await d.say({ do: 'git', ...w.at });
	const [user, token] = Buffer.from(text.replace(/^Basic /, ''), 'base64').toString().split(':');
	equal(user, 'x-access-token');
	const read = route => github.api('GET', `/repos/${REPO}${route}`, { token });
	equal((await read('')).status, 200);
	equal((await read('/pulls')).status, 403);
	equal(await d.say({ do: 'git', ...w.at }), { text });
	equal((await d.say({ do: 'git', ...w.at, repository: 5 })).error, 'absent');
});

const mints = async () => (await github.ask('requests')).filter(r => /access_tokens$/.test(r.path));

scene('a token is for one repository and one purpose, and costs no request a write', async () => {
	const d = await start();
	for (let i = 0; i < 8; i++) {
		await d.want(check({ title: `Step ${i}` }));
		await d.want(comment(`step ${i}`));
		await d.want(labels([`step-${i}`], [`step-${i - 1}`]));
		await d.until();
	}
	await d.say({ do: 'pull', ...w.at, number: w.pull.number });
	await d.say({ do: 'git', ...w.at });
	const asked = await mints();
	const n = (await writes()).length;
	console.log(`# ${n} writes, ${asked.length} tokens`);
	ok(n >= 24, `${n} writes`);
	equal(asked.map(r => JSON.stringify(r.body.permissions)).sort(), ['{"checks":"write"}',
		'{"contents":"read","pull_requests":"read"}', '{"contents":"read"}', '{"issues":"write","pull_requests":"write"}']);
	for (const r of asked)
		equal(r.body.repository_ids, [w.at.repository]);
});

scene('where one of two permissions is granted, that one is enough', async () => {
	const { permissions } = await github.do('installation_permissions', { installation: w.at.installation,
		permissions: { checks: 'write', contents: 'read', issues: 'read', pull_requests: 'write' } });
	equal(permissions.issues, 'read');
	const d = await start();
	await d.want(comment('one'));
	await d.until();
	await d.want(comment('two'));
	await d.until();
	equal((await comments()).map(c => c.history.length), [2]);
	equal((await mints()).length, 2, 'it is found out once');
});

scene('a repository that the installation does not have is asked for ever more seldom, and holds up no other', async () => {
	const d = await start({ retry_ms: 20 });
	const other = { ...check({ name: 'elsewhere' }), repository: 5, repo: 'gone' };
	await d.want(other);
	await d.until(f => f.token_failures >= 1);
	await d.want(check());
	await d.until(f => f.queue <= 1);
	equal((await checks()).map(c => c.name), ['ekaci / rebuilds'], 'what is next to it stands');
	const figures = await d.until(f => f.parked === 1);
	ok((await mints()).length <= 5, `${(await mints()).length} tokens asked for until it was parked`);
	equal(figures.queue, 0);
	match(d.said, /installation \d+ gives no token for \{"checks":"write"\} of repository 5 \(422: There is at least one repository/);
});

scene('a repository that was just renamed is written to under its number', async () => {
	const d = await start();
	await d.want(check());
	await d.until();
	await github.do('repository_change', { repo: REPO, action: 'renamed', name: 'newer', deliver: false });
	await d.want(check({ title: 'After' }));
	const figures = await d.until();
	equal([figures.parked, figures.tokens], [0, 1]);
	equal((await github.ask('check_runs', { repo: 'org/newer' }))[0].output.title, 'After');
});

scene('a question survives an expired token and one bad answer, and gives up on three', async () => {
	await github.do('user', { login: 'writer' });
	const d = await start();
	const ask = () => d.say({ do: 'permission', ...w.at, login: 'writer' });
	equal(await ask(), { text: 'read' });
	await github.do('expire_tokens');
	await fault({ route: '/permission$', status: 503, times: 1, skip: 1 });
	equal(await ask(), { text: 'read' });
	await fault({ route: '/permission$', drop: true, times: -1 });
	equal((await ask()).error, 'busy');
	await github.do('faults_clear');
	equal(await ask(), { text: 'read' });
});

await run({ limit_ms: 30000, before_end: async () => {
	await github.stop();
	fs.rmSync(tmp, { recursive: true, force: true });
} });
