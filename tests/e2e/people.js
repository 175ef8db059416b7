// What people ask for, in comments and with buttons: who may, what is answered, and that it happens once.

import { spawnSync } from 'node:child_process';
import { equal, match, ok, program, run } from './lib.js';
import { builds_begun, children_of, delivered, eventually, figure, finished, gone, open_build, page_of,
	report_of, row_of, scene_test, slow_package, state_files, tidy } from './scenes.js';

const allow = (scene, user, permission) => scene.github.do('permission', { repo: scene.repo, user, permission });

// Says it, and waits for the reaction.
async function say(scene, pull, body, user, reaction)
{
	const { comment } = await scene.say(pull.number, body, { user });
	await scene.until('comments', { repo: scene.repo, number: pull.number }, all => {
		const { reactions } = all.find(c => c.id === comment.id);
		if (reactions.some(r => r.content !== reaction))
			throw new Error(`${body} by ${user}: ${reactions.map(r => r.content)}`);
		return reactions.length > 0;
	});
	await delivered(scene);
	return comment;
}

const answers = async (scene, pull) => (await scene.comments(pull.number))
	.filter(c => c.body.startsWith('<!-- ekaci:answer'));

scene_test('rebuild: a writer\'s is done, known failures are tried again; another\'s is refused in words', {},
	async scene => {
		const { pull } = await scene.open('bump');
		const first = await finished(scene, pull.head.sha);
		await delivered(scene);
		const started = await figure(scene, 'builds_started_total');
		await allow(scene, 'reader', 'read');
		await allow(scene, 'writer', 'write');
		await allow(scene, 'keeper', 'maintain');

		await say(scene, pull, '/ekaci rebuild', 'reader', '-1');
		equal(await figure(scene, 'builds_started_total'), started);
		equal((await scene.checks(pull.head.sha)).length, 2);
		match((await answers(scene, pull)).pop().body, /write access/);

		await say(scene, pull, 'Let me see.\n\n/EKACI Rebuild', 'writer', 'rocket');
		const then = await finished(scene, pull.head.sha, { after: first.rebuilds.id });
		equal(then.rebuilds.conclusion, 'failure');
		// Nettle was known to fail and is tried again; what was built is there.
		equal(await figure(scene, 'builds_started_total'), started + 1);
		await tidy(scene, pull, { times: 2 });

		await say(scene, pull, '/ekaci rebuild', 'keeper', 'rocket');
		await finished(scene, pull.head.sha, { after: then.rebuilds.id });
		await tidy(scene, pull, { times: 3 });
		equal((await answers(scene, pull)).length, 1);
	});

scene_test('without rebuild a known failure is not tried again', {}, async scene => {
	const { pull } = await scene.open('bump');
	await finished(scene, pull.head.sha);
	const started = await figure(scene, 'builds_started_total');
	const { after } = await scene.github.do('commit', { repo: scene.repo, branch: 'bump',
		files: { 'unknown.txt': 'evaluated, and the same derivations\n' } });
	const { rebuilds } = await finished(scene, after);
	match(rebuilds.output.title, /2 newly failing/);
	equal(await figure(scene, 'builds_started_total'), started);
	equal(row_of(await report_of(scene, rebuilds), 'nettle').build.blame, 'newly_failing');
});

scene_test('help, status, what is unknown, and the same delivery twice', {}, async scene => {
	const { pull } = await scene.open('docs');
	const { evaluation } = await finished(scene, pull.head.sha);
	await delivered(scene);
	await say(scene, pull, '/ekaci help', 'stranger', '+1');
	match((await answers(scene, pull))[0].body, /\/ekaci rebuild/);
	await say(scene, pull, '/ekaci status', 'stranger', '+1');
	match((await answers(scene, pull))[1].body, /Run \[\d+\].*done/);
	await say(scene, pull, '/ekaci frobnicate', 'stranger', 'confused');
	equal((await answers(scene, pull)).length, 3);

	// No commands: quoted, in code, not shown, in the middle of a line.
	for (const body of ['> /ekaci rebuild', '```\n/ekaci rebuild\n```', '- ```\n  /ekaci rebuild\n  ```', '<!--\n/ekaci rebuild\n-->',
		'try /ekaci rebuild', '/ekacirebuild'])
		await scene.say(pull.number, body, { user: 'stranger' });

	await allow(scene, 'writer', 'write');
	const { comment, deliveries } = await scene.say(pull.number, '/ekaci rebuild', { user: 'writer' });
	equal(deliveries.length, 1);
	equal(deliveries[0].status_code, 202);
	const again = await scene.github.do('redeliver', { guid: deliveries[0].guid });
	equal(again.deliveries[0].status_code, 200);
	await finished(scene, pull.head.sha, { after: evaluation.id });
	await delivered(scene);
	const all = await scene.github.ask('comments', { repo: scene.repo, number: pull.number });
	equal(all.find(c => c.id === comment.id).reactions.map(r => r.content), ['rocket']);
	equal((await scene.checks(pull.head.sha)).length, 4);
	equal((await answers(scene, pull)).length, 3);
	equal(all.filter(c => c.reactions.length > 0).length, 4);
});

scene_test('a webhook that is set to send forms is read like one that sends JSON', {}, async scene => {
	await scene.github.do('hook', { content_type: 'form' });
	const { pull } = await scene.open('docs');
	await finished(scene, pull.head.sha);
	await delivered(scene);
	await say(scene, pull, '/ekaci status + 100 %, = & \u{1f600}\n', 'stranger', '+1');
	const { deliveries } = await scene.say(pull.number, 'a+b & c=d', { user: 'stranger' });
	match(deliveries[0].headers['Content-Type'], /form/);
	equal(deliveries[0].status_code, 202);
});

scene_test('cancel by the author while building: processes gone, checks concluded; then rebuild', {}, async scene => {
	await scene.github.do('commit', { repo: scene.repo, branch: 'slow', parent: 'refs/heads/main',
		files: { 'pkgs/z/zinnia.nix': slow_package(scene.dir, 'zinnia') } });
	const { pull } = await scene.open('slow', { user: 'author' });
	await eventually('zinnia is being built', () => builds_begun(scene.dir, 'zinnia') > 0);
	const old = children_of(scene);
	await say(scene, pull, '/ekaci cancel', 'stranger', '-1');
	equal(builds_begun(scene.dir, 'zinnia'), 1);
	await scene.say(pull.number, '/ekaci cancel', { user: 'author' });
	await gone(old, 10000);
	const { rebuilds } = await finished(scene, pull.head.sha);
	equal(rebuilds.conclusion, 'cancelled');
	await tidy(scene, pull);
	await allow(scene, 'writer', 'write');
	open_build(scene.dir, 'zinnia');
	await scene.say(pull.number, '/ekaci rebuild', { user: 'writer' });
	equal((await finished(scene, pull.head.sha, { after: rebuilds.id })).rebuilds.conclusion, 'success');
	await tidy(scene, pull, { times: 2 });
});

scene_test('the re-run button and a check run\'s own buttons ask for the same', {}, async scene => {
	await allow(scene, 'writer', 'write');
	const { pull } = await scene.open('bump');
	let { evaluation, rebuilds } = await finished(scene, pull.head.sha);
	const started = await figure(scene, 'builds_started_total');
	await delivered(scene);
	({ evaluation, rebuilds } = await finished(scene, pull.head.sha));
	equal(evaluation.actions.map(a => a.identifier), ['eval']);
	equal(rebuilds.actions.map(a => a.identifier), ['rebuild-failed', 'rebuild']);

	await scene.github.do('check_run_rerequest', { check_run_id: rebuilds.id, user: 'writer' });
	({ rebuilds, evaluation } = await finished(scene, pull.head.sha, { after: rebuilds.id }));
	equal(rebuilds.conclusion, 'failure');
	equal(await figure(scene, 'builds_started_total'), started + 1);
	await delivered(scene);
	await scene.github.do('check_run_action', { check_run_id: rebuilds.id, identifier: 'rebuild-failed', user: 'writer' });
	({ rebuilds } = await finished(scene, pull.head.sha, { after: rebuilds.id }));
	await tidy(scene, pull, { times: 3 });
	// A button that we never offered, and one pressed by somebody who may not.
	await scene.github.do('check_run_action', { check_run_id: rebuilds.id, identifier: 'format-the-disk', user: 'stranger',
		unlisted: true });
	await delivered(scene);
	await tidy(scene, pull, { times: 3 });
});

scene_test('a bot is not heard unless it is named; then it is obeyed, though GitHub knows no permission of it',
	{ config: { trust: { bots: ['helper[bot]'] } } }, async scene => {
		const { pull } = await scene.open('docs');
		const first = await finished(scene, pull.head.sha);
		await delivered(scene);
		const unheard = await scene.say(pull.number, '/ekaci help\n/ekaci eval', { user: 'parrot[bot]' });
		await scene.github.do('check_run_rerequest', { check_run_id: first.evaluation.id, user: 'parrot[bot]' });
		await say(scene, pull, '/ekaci eval', 'helper[bot]', 'rocket');
		const then = await finished(scene, pull.head.sha, { after: first.rebuilds.id });
		await delivered(scene);
		equal((await scene.checks(pull.head.sha)).length, 4);
		const all = await scene.github.ask('comments', { repo: scene.repo, number: pull.number });
		equal(all.find(c => c.id === unheard.comment.id).reactions, []);
		equal(await answers(scene, pull), []);

		await scene.github.do('check_run_rerequest', { check_run_id: then.evaluation.id, user: 'helper[bot]' });
		await finished(scene, pull.head.sha, { after: then.rebuilds.id });
		equal((await scene.checks(pull.head.sha)).length, 6);
		equal((await scene.github.ask('requests')).filter(r => r.path.endsWith('/permission')), []);
	});

scene_test('rebuild ATTR: only that of a wide pull request is built; what was built is built once more and compared',
	{ config: { rebuild: { max_rebuild_count: 2 } } }, async scene => {
		await allow(scene, 'writer', 'write');
		const { pull } = await scene.open('bump');
		const first = await finished(scene, pull.head.sha);
		match(first.rebuilds.output.title, /too many to build unasked/);
		await delivered(scene);
		await say(scene, pull, '/ekaci rebuild oleander games.nothing', 'writer', 'rocket');
		const { rebuilds } = await finished(scene, pull.head.sha, { after: first.rebuilds.id });
		equal(rebuilds.conclusion, 'action_required');
		match(rebuilds.output.title, /not asked for$/);
		match(rebuilds.output.summary, /Asked for, but not among what this change builds: `games.nothing`/);
		let report = await report_of(scene, rebuilds);
		const one = row_of(report, 'oleander').build;
		equal(one.state, 'built');
		equal(row_of(report, 'nettle').build, null);
		await delivered(scene);
		const begun = await figure(scene, 'builds_started_total');
		await say(scene, pull, '/ekaci rebuild oleander', 'writer', 'rocket');
		const again = await finished(scene, pull.head.sha, { after: rebuilds.id });
		report = await report_of(scene, again.rebuilds);
		equal(row_of(report, 'oleander').build.deterministic, true);
		equal(await figure(scene, 'builds_started_total'), begun + 1);
		await tidy(scene, pull, { times: 3 });
	});

scene_test('rebuild all: what comes out differently is said to be not deterministic, and is still good', {}, async scene => {
	await allow(scene, 'writer', 'write');
	await scene.github.do('commit', { repo: scene.repo, branch: 'dice', parent: 'refs/heads/main',
		files: { 'pkgs/z/zinnia.nix': slow_package(scene.dir, 'zinnia').replace('    i=0', '    read -r id < /proc/sys/kernel/random/uuid; echo $id >> $out\n    i=0') } });
	open_build(scene.dir, 'zinnia');
	const { pull } = await scene.open('dice');
	const first = await finished(scene, pull.head.sha);
	equal(first.rebuilds.conclusion, 'success', first.rebuilds.output.summary);
	await delivered(scene);
	await say(scene, pull, '/ekaci rebuild all', 'writer', 'rocket');
	const { rebuilds } = await finished(scene, pull.head.sha, { after: first.rebuilds.id });
	equal(rebuilds.conclusion, 'success');
	equal(builds_begun(scene.dir, 'zinnia'), 2);
	match(rebuilds.output.summary, /1 build to be doubted[^]*zinnia.*not deterministic/);
	equal(row_of(await report_of(scene, rebuilds), 'zinnia').build.deterministic, false);
	await tidy(scene, pull, { times: 2 });
});

scene_test('explain: answered with the causes in full; priority: its builds come first', {}, async scene => {
	await allow(scene, 'writer', 'write');
	const { pull } = await scene.open('bump');
	await say(scene, pull, '/ekaci priority high', 'writer', '+1');
	await finished(scene, pull.head.sha);
	await say(scene, pull, '/ekaci explain nettle', 'writer', '+1');
	const [{ body }] = await answers(scene, pull);
	match(body, /```[^]*nettle[^]*must be rebuilt[^]*because of/);
	await say(scene, pull, '/ekaci explain nothing.of.this', 'writer', '+1');
	match((await answers(scene, pull))[1].body, /neither side has an attribute nothing.of.this/);
	await say(scene, pull, '/ekaci explain', 'writer', 'confused');
	await say(scene, pull, '/ekaci priority soon', 'writer', 'confused');
	await say(scene, pull, '/ekaci explain nettle', 'stranger', '-1');
});

scene_test('eval evaluates whatever the rules say', {}, async scene => {
	await allow(scene, 'writer', 'write');
	const { pull } = await scene.open('docs');
	const { evaluation } = await finished(scene, pull.head.sha);
	equal(evaluation.output.title, 'no rebuilds expected');
	await scene.say(pull.number, '/ekaci eval', { user: 'writer' });
	const then = await finished(scene, pull.head.sha, { after: evaluation.id });
	match(then.evaluation.output.title, /^37 attributes evaluated/);
	ok(state_files(scene, 'evals').some(n => n.endsWith('.zst')));
});

scene_test('a command on a pull request from before the bot came', { start: false }, async scene => {
	await allow(scene, 'writer', 'write');
	const { pull } = await scene.open('games', { deliver: false });
	await scene.bot.start();
	await scene.say(pull.number, '/ekaci rebuild', { user: 'writer' });
	equal((await finished(scene, pull.head.sha)).rebuilds.conclusion, 'success');
	await tidy(scene, pull);
});

// A stranger's fork with one game changed, held until somebody approves.
async function open_held(scene)
{
	await allow(scene, 'writer', 'write');
	await scene.github.do('repository', { full_name: 'stranger/demo', fork_of: scene.repo });
	const { pull } = await scene.open('games', { head_repo: 'stranger/demo', author_association: 'NONE', user: 'stranger' });
	const held = await finished(scene, pull.head.sha);
	equal(held.rebuilds.conclusion, 'action_required');
	return { pull, held };
}

let pushes = 0;
const push_more = (scene, more = {}) => scene.github.do('commit', { repo: 'stranger/demo', branch: 'games', user: 'stranger',
	files: { 'games/patience.nix': `{ game }:\n\ngame "patience" "8.${++pushes}" [ ]\n` }, ...more });
const deliver = (scene, { event, body }) => scene.github.do('deliver', { event, payload: body });

// It waits for people, and nothing of it was built.
async function waits(scene, head)
{
	equal((await finished(scene, head)).rebuilds.conclusion, 'action_required');
	await delivered(scene);
	equal(await figure(scene, 'builds_started_total'), 0);
}

const reactions = async (scene, pull, id) => (await scene.github.ask('comments', { repo: scene.repo, number: pull.number }))
	.find(c => c.id === id).reactions.map(r => r.content);
const reacted = (scene, pull, id) => eventually('a reaction', async () => {
	const all = await reactions(scene, pull, id);
	return all.length > 0 && all;
});

scene_test('an approval is of the head that its author saw or names; a push beside it, another name, a replay approve nothing',
	{}, async scene => {
		const { pull } = await open_held(scene);
		// Written, and while its delivery is under way something else is pushed.
		const { comment, deliveries: [late] } = await scene.say(pull.number, '/ekaci approve', { user: 'writer', deliver: false });
		let { after } = await push_more(scene);
		await waits(scene, after);
		await deliver(scene, late);
		equal(await reacted(scene, pull, comment.id), ['confused']);
		await delivered(scene);
		const [{ body }] = await answers(scene, pull);
		match(body, new RegExp(`${after.slice(0, 10)}.*was pushed after this comment was written, or just before`));
		ok(body.includes(`/ekaci approve ${after}`), 'how to approve it');
		await waits(scene, after);

		// Pushed a moment before, when nobody can have looked at it yet.
		const pushed = await push_more(scene, { deliver: false });
		const { comment: hasty, deliveries: said } = await scene.say(pull.number, '/ekaci approve', { user: 'writer', deliver: false });
		({ after } = pushed);
		for (const delivery of [...pushed.deliveries, ...said])
			await deliver(scene, delivery);
		equal(await reacted(scene, pull, hasty.id), ['confused']);
		await waits(scene, after);
		for (const word of ['0000000000', pull.head.sha, 'please'])
			await say(scene, pull, `/ekaci approve ${word}`, 'writer', 'confused');
		match((await answers(scene, pull))[2].body, /`0000000000` is not the head of this pull request, which is/);
		await waits(scene, after);

		// The name of the head, and now all of it; the same comment again, sent by somebody who kept it, is nothing.
		const held = await finished(scene, after);
		await scene.github.do('clock', { offset_s: 2 }); // GitHub tells whole seconds: of one and the same nobody knows what came first
		const { comment: good, deliveries: [kept] } = await scene.say(pull.number, `/ekaci approve ${after.slice(0, 10)}`,
			{ user: 'writer' });
		equal(await reacted(scene, pull, good.id), ['rocket']);
		equal((await finished(scene, after, { after: held.rebuilds.id })).rebuilds.conclusion, 'success');
		const built = await figure(scene, 'builds_started_total');
		({ after } = await push_more(scene));
		equal((await finished(scene, after)).rebuilds.conclusion, 'action_required');
		for (const delivery of [kept, late])
			equal((await deliver(scene, delivery)).deliveries[0].status_code, 202);
		await delivered(scene);
		equal((await finished(scene, after)).rebuilds.conclusion, 'action_required');
		equal((await answers(scene, pull)).length, 5);

		// Its checks have come, so who comments now has seen it.
		await scene.github.do('clock', { offset_s: 4 });
		await say(scene, pull, '/ekaci approve', 'writer', 'rocket');
		await eventually('it is built', async () => await figure(scene, 'builds_started_total') > built);
	});

scene_test('a button approves the head that it stands on, also when its command comes late', {}, async scene => {
	const { pull, held } = await open_held(scene);
	const press = (check, more = {}) => scene.github.do('check_run_action', { check_run_id: check.id, identifier: 'approve',
		user: 'writer', ...more });
	const { deliveries: [late] } = await press(held.rebuilds, { deliver: false });
	const { after } = await push_more(scene);
	await waits(scene, after);
	await deliver(scene, late);
	await eventually('it is answered', async () => (await answers(scene, pull)).length === 1);
	match((await answers(scene, pull))[0].body, new RegExp(
		`${pull.head.sha.slice(0, 10)}. is not the head of this pull request, which is .${after.slice(0, 10)}`));
	await waits(scene, after);
	const { rebuilds } = await finished(scene, after);
	await press(rebuilds, { user: 'stranger' });
	await waits(scene, after);
	await eventually('that is answered', async () => (await answers(scene, pull)).length === 2);
	match((await answers(scene, pull))[1].body, /pressed by `stranger`.*needs write access/);
	await press(rebuilds);
	equal((await finished(scene, after, { after: rebuilds.id })).rebuilds.conclusion, 'success');
	equal((await answers(scene, pull)).length, 2);
});

scene_test('a push whose event is still under way is not approved by who comments after it', {}, async scene => {
	const { pull } = await open_held(scene);
	const { after, deliveries } = await push_more(scene, { deliver: false });
	const gets = async () => (await scene.github.ask('requests', { method: 'GET' })).filter(r => /\/pulls\/1$/.test(r.path)).length;
	const before = await gets();
	const { comment } = await scene.say(pull.number, '/ekaci approve', { user: 'writer' });
	await eventually('the bot asks for the head', async () => await gets() > before);
	// It waits for the event, where nothing else told it of the push.
	ok(!(await reactions(scene, pull, comment.id)).includes('rocket'));
	await deliver(scene, deliveries.find(d => d.event === 'pull_request'));
	equal(await reacted(scene, pull, comment.id), ['confused']);
	await waits(scene, after);
});

scene_test('a push while a permission is asked for: the newest head is judged, and names are built of no head that nobody saw', {},
	async scene => {
		await allow(scene, 'writer', 'write');
		const { pull } = await scene.open('games');
		await finished(scene, pull.head.sha);
		const push = n => scene.github.do('commit', { repo: scene.repo, branch: 'games',
			files: { 'games/patience.nix': `{ game }:\n\ngame "patience" "7.${n}" [ ]\n` } });
		const during = async (body, n) => {
			await scene.github.do('fault', { method: 'GET', route: '/permission$', delay_ms: 2500 });
			const { comment } = await scene.say(pull.number, body, { user: 'writer' });
			const { after } = await push(n);
			return { after, all: await reacted(scene, pull, comment.id) };
		};
		const plain = await during('/ekaci rebuild', 1);
		equal(plain.all, ['rocket']);
		equal((await finished(scene, plain.after)).rebuilds.conclusion, 'success');
		equal((await scene.checks(pull.head.sha)).length, 2, 'the older head is not begun again');

		const named = await during('/ekaci rebuild games.patience', 2);
		equal(named.all, ['confused']);
		equal((await finished(scene, named.after)).rebuilds.conclusion, 'success');
		await delivered(scene);
		match((await answers(scene, pull))[0].body, new RegExp(`done for .${named.after.slice(0, 10)}`));
		equal((await scene.checks(named.after)).length, 2);
	});

scene_test('the operator on the machine itself: run, approve, retry, cancel; also while the bot is down', {}, async scene => {
	const cli = (...args) => {
		const { status, stdout, stderr } = spawnSync(program, [args[0], '--config', scene.bot.config_file, ...args.slice(1)],
			{ encoding: 'utf8', timeout: 10000 });
		return { status, text: stdout + stderr };
	};
	await scene.github.do('repository', { full_name: 'stranger/demo', fork_of: scene.repo });
	await scene.github.do('commit', { repo: 'stranger/demo', branch: 'slow', parent: 'refs/heads/main',
		files: { 'pkgs/z/zinnia.nix': slow_package(scene.dir, 'zinnia') } });
	const { pull } = await scene.open('slow', { head_repo: 'stranger/demo', author_association: 'NONE', user: 'stranger' });
	const held = await finished(scene, pull.head.sha);
	equal(held.rebuilds.conclusion, 'action_required');
	match(cli('run', '1').text, /^run 1 of org\/demo#1, [0-9a-f]{12}: done[^]*\d\.\d{3} s {2}diffed +compared/);
	equal(cli('run', '77').status, 1);
	equal(cli('approve', 'org/demo#x').status, 2);
	equal(cli('approve', 'org/nothing#1').status, 1);
	equal(cli('approve', 'org/demo#7').status, 1);
	equal(cli('approve', 'org/demo#1', 'please').status, 2);
	match(cli('approve', 'org/demo#1', '0000000000').text, new RegExp(`is not the head of org/demo#1, which is ${pull.head.sha}`));
	match(cli('approve', 'Org/demo#1', pull.head.sha.slice(0, 8)).text,
		new RegExp(`The head is ${pull.head.sha}\\.\nThe bot has been told`));
	await eventually('zinnia is being built', () => builds_begun(scene.dir, 'zinnia') > 0);
	const old = children_of(scene);
	equal(cli('cancel', '2').status, 0);
	await gone(old, 10000);
	const { rebuilds } = await finished(scene, pull.head.sha, { after: held.rebuilds.id });
	equal(rebuilds.conclusion, 'cancelled');
	match(cli('run', '2').text, /cancelled +the operator asked for it[^]*cancelled +zinnia/);
	open_build(scene.dir, 'zinnia');
	await delivered(scene);
	await scene.bot.stop();
	match(cli('retry', '2').text, /will obey when it starts/);
	await scene.bot.start();
	equal((await finished(scene, pull.head.sha, { after: rebuilds.id })).rebuilds.conclusion, 'success');
	await tidy(scene, pull, { times: 3 });
});

scene_test('a private repository: no page without the link of its check run', { private: true }, async scene => {
	const { pull } = await scene.open('bump');
	const { rebuilds } = await finished(scene, pull.head.sha);
	const with_key = page_of(rebuilds), without = with_key.replace(/\?.*/, '');
	ok(with_key !== without, 'the link carries a key');
	equal((await scene.bot.get(with_key)).status, 200);
	for (const route of [without, `${without}?key=`, `${with_key.slice(0, -2)}xx`, `${without}/report.json`,
		`${without}/report.md`, '/org/demo/pull/1'])
		equal((await scene.bot.get(route)).status, 404, route);
	const log = new URL(row_of(await report_of(scene, rebuilds), 'nettle').build.log_url);
	match((await scene.bot.get(log.pathname + log.search)).text, /it stings/);
	equal((await scene.bot.get(log.pathname)).status, 404);
	const front = (await scene.bot.get('/')).text;
	ok(!/org\/demo|bump/.test(front), 'nothing of it on the front page');
	// Its key opens no other pull request.
	const other = (await scene.open('docs')).pull;
	const docs = await finished(scene, other.head.sha);
	const key = with_key.slice(with_key.indexOf('?'));
	equal((await scene.bot.get(page_of(docs.evaluation).replace(/\?.*/, key))).status, 404);
	await tidy(scene, pull);
});

await run({ limit_ms: 100000, at_once: 4 });
