// Two hosts in one bot, whose ids, numbers, commits, GUIDs and comments are the same: nothing of one is the other's.

import { spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { begin, equal, GitHub, match, ok, program, run, Scene, test } from './lib.js';
import { delivered, eventually, finished, page_of } from './scenes.js';

// A second host beside that of the scene, as a scene with the same bot: its repository has the same commits.
async function beside(scene, name)
{
	const github = await GitHub.start();
	const key = path.join(scene.dir, `${name}.pem`), secret_file = path.join(scene.dir, `${name}-secret`);
	const secret = crypto.randomBytes(20).toString('hex');
	fs.writeFileSync(secret_file, `${secret}\n`, { mode: 0o600 });
	const { app } = await github.do('app', { private_key_file: key });
	const { repository } = await github.do('repository', { full_name: scene.repo, private: true, from: path.join(scene.dir, 'demo') });
	const { installation } = await github.do('installation', { account: 'org', deliver: false });
	const other = Object.assign(new Scene(), { github, app, repository, installation, secret, repo: scene.repo, dir: scene.dir, bot: scene.bot,
		bot_may_be_down: false, host: { name, api_url: github.url, app_id: String(app.id), private_key_file: key, webhook_secret_file: secret_file } });
	return other;
}

async function begin_two(config = {})
{
	const a = await begin({ private: true, start: false, config });
	const b = await beside(a, 'work');
	a.bot.configure({ github: [a.bot.config.github, b.host] });
	a.bot.on_ready = async url => {
		await a.github.do('hook', { url: `${url}/webhook`, secret: a.secret });
		await b.github.do('hook', { url: `${url}/webhook/work`, secret: b.secret });
	};
	await a.bot.start();
	// Whatever a host counts from is the same at both.
	equal([b.repository.id, b.installation.id, b.app.id], [a.repository.id, a.installation.id, a.app.id]);
	return [a, b];
}

async function end(a, b)
{
	try {
		await b.check_manners();
	} finally {
		await b.github.stop();
		await a.end();
	}
}

const reacted = (scene, pull, comment, content) => scene.until('comments', { repo: scene.repo, number: pull.number }, all => {
	const { reactions } = all.find(c => c.id === comment.id);
	if (reactions.some(r => r.content !== content))
		throw new Error(`comment ${comment.id}: ${reactions.map(r => r.content)}`);
	return reactions.length > 0;
});

const status = async (scene, path_and_key) => (await scene.bot.get(path_and_key)).status;

test('the same pull request at two hosts: each has its checks, its comment and its pages', async () => {
	const [a, b] = await begin_two({ trust: { authors: ['work:stranger'] } });
	try {
		const outside = { head_repo: 'stranger/demo', author_association: 'NONE', user: 'stranger' };
		for (const scene of [a, b]) {
			await scene.github.do('repository', { full_name: 'stranger/demo', fork_of: scene.repo });
			await scene.github.do('permission', { repo: scene.repo, user: 'writer', permission: scene === a ? 'write' : 'read' });
		}
		const guid = crypto.randomUUID();
		const first = await a.open('games', { ...outside, guid }), second = await b.open('games', { ...outside, guid });
		equal([first, second].map(x => x.deliveries.map(d => [d.guid, d.status_code])), [[[guid, 202]], [[guid, 202]]]);
		equal([second.pull.number, second.pull.head.sha], [first.pull.number, first.pull.head.sha]);

		// A login that is trusted at one host is a stranger at the other.
		const held = await finished(a, first.pull.head.sha), built = await finished(b, second.pull.head.sha);
		equal([held.rebuilds.conclusion, built.rebuilds.conclusion], ['action_required', 'success']);
		for (const scene of [a, b]) {
			await delivered(scene);
			equal((await scene.checks(first.pull.head.sha)).length, 2);
			await scene.until_comment(first.pull.number);
		}

		// Pages open by the key of their own host, under its own address.
		const [at_a, at_b] = [page_of(held.rebuilds), page_of(built.rebuilds)].map(p => new URL(p, 'http://bot'));
		ok(at_a.pathname !== at_b.pathname);
		equal([await status(a, at_a.pathname + at_a.search), await status(b, at_b.pathname + at_b.search)], [200, 200]);
		equal([await status(a, at_a.pathname + at_b.search), await status(b, at_b.pathname + at_a.search)], [404, 404]);
		const pull_page = (host, at) => `/${host}${a.repo}/pull/${first.pull.number}${at.search}`;
		equal([await status(a, pull_page('', at_a)), await status(b, pull_page('work:', at_b))], [200, 200]);
		equal([await status(a, pull_page('', at_b)), await status(b, pull_page('work:', at_a))], [404, 404]);
		match((await b.bot.get(pull_page('work:', at_b))).text, /work:org\/demo/);

		// The same comment by the same login: at each host what it may do there, and each is obeyed.
		const words = { user: 'writer', guid: crypto.randomUUID() };
		const no = (await b.say(second.pull.number, '/ekaci approve', words)).comment;
		await reacted(b, second.pull, no, '-1');
		equal((await a.checks(first.pull.head.sha)).length, 2);
		const yes = (await a.say(first.pull.number, '/ekaci approve', words)).comment;
		equal(yes.id, no.id);
		await reacted(a, first.pull, yes, 'rocket');
		const approved = await finished(a, first.pull.head.sha, { after: held.rebuilds.id });
		equal(approved.rebuilds.conclusion, 'success');
		await delivered(b);
		equal((await b.checks(second.pull.head.sha)).length, 2);

		// Signed by the other one's secret, or sent to the other one's address, nothing comes in.
		const { deliveries: [sent] } = await b.say(second.pull.number, 'hello', { user: 'writer' });
		for (const [address, code] of [['/webhook', 401], ['/webhook/work', 200], ['/webhook/other', 405]]) {
			const answer = await fetch(a.bot.url + address, { method: 'POST', headers: sent.headers, body: sent.body });
			equal(answer.status, code, address);
		}
	} finally {
		await end(a, b);
	}
}, 300000);

test('what operators say, what was missed, and a host that is named no more', async () => {
	const [a, b] = await begin_two({ rebuild: { max_rebuild_count: 1 } });
	const ekaci = (...words) => spawnSync(program, [...words, '--config', a.bot.config_file], { encoding: 'utf8', timeout: 30000 });
	try {
		// Missed by the bot at one host, and told at the other.
		const guid = crypto.randomUUID();
		const first = await a.open('conflict', { guid });
		const held = await finished(a, first.pull.head.sha);
		equal(held.rebuilds.conclusion, 'action_required');
		await delivered(a);
		await a.bot.stop();
		const second = await b.open('conflict', { guid, deliver: 'lost' });
		equal(second.pull.head.sha, first.pull.head.sha);
		await a.bot.start();
		const found = await finished(b, second.pull.head.sha);
		equal(found.rebuilds.conclusion, 'action_required');
		await delivered(b);
		equal((await a.checks(first.pull.head.sha)).length, 2);

		// By name, what is meant is the host that was named.
		equal(ekaci('approve', `elsewhere:${a.repo}#${first.pull.number}`).status !== 0, true);
		const said = ekaci('approve', `work:${b.repo}#${second.pull.number}`);
		equal(said.status, 0, said.stderr);
		const built = await finished(b, second.pull.head.sha, { after: found.rebuilds.id });
		equal(built.rebuilds.conclusion, 'success');
		await delivered(a);
		equal((await a.checks(first.pull.head.sha)).length, 2);
		const of_run = check => ekaci('run', page_of(check).match(/run\/(\d+)/)[1]).stdout;
		match(of_run(built.rebuilds), / work:org\/demo#/);
		match(of_run(held.rebuilds), / org\/demo#/);

		// Without its section nothing is done at a host, and its pages are not there; with it, all is as it was.
		const page = page_of(built.rebuilds);
		equal(await status(b, page), 200);
		const hosts = a.bot.config.github;
		await a.bot.stop();
		a.bot.configure({ github: [hosts[0]] });
		a.bot.on_ready = () => a.github.do('hook', { url: `${a.bot.url}/webhook`, secret: a.secret });
		await a.bot.start();
		equal([await status(b, page), await status(a, page_of(held.rebuilds))], [404, 200]);
		await a.bot.stop();
		a.bot.configure({ github: hosts });
		await a.bot.start();
		await eventually('its pages are there again', async () => await status(b, page) === 200);
		equal((await b.checks(second.pull.head.sha)).length, 4);
	} finally {
		await end(a, b);
	}
}, 300000);

run();
