// The pull request, or the bot, moves on in the middle: newer pushes, closing, a changed base branch, the end of the bot.

import fs from 'node:fs';
import { equal, match, ok, run } from './lib.js';
import { builds_begun, children_of, delivered, eventually, figure, finished, gone, NAMES, open_build, report_of,
	row_of, scene_test, slow_evaluator, slow_package, state_files, tidy } from './scenes.js';

const with_slow_evaluator = async scene => {
	const slow = slow_evaluator(scene.dir);
	scene.configure({ evaluate: { evaluator: slow.file, sandbox: 'off' } });
	await scene.bot.start();
	return slow;
};

// A branch with one package whose build waits for its gate.
const push_slow = (scene, branch, name, more = {}) => scene.github.do('commit', { repo: scene.repo, branch,
	parent: 'refs/heads/main', files: { [`pkgs/${name[0]}/${name}.nix`]: slow_package(scene.dir, name), ...more } });

const building = (scene, name) => eventually(`${name} is being built`, () => builds_begun(scene.dir, name) > 0);

scene_test('a newer push while evaluating: the older run ends, its processes too, the newer one is reported',
	{ start: false }, async scene => {
		const slow = await with_slow_evaluator(scene);
		const { pull } = await scene.open('bump');
		await eventually('the evaluation has begun', () => slow.begun() > 0);
		// Begun to be told, so that it has to be ended.
		await Promise.all(NAMES.map(name => scene.until_check(pull.head.sha, () => true, { name })));
		const old = children_of(scene);
		ok(old.length > 0);
		const { after } = await scene.github.do('push', { repo: scene.repo, branch: 'bump', rev: 'games' });
		await gone(old);
		slow.open();
		const superseded = await finished(scene, pull.head.sha);
		equal([superseded.evaluation.conclusion, superseded.rebuilds.conclusion], ['cancelled', 'cancelled']);
		match(superseded.evaluation.output.title, /superseded/);
		const { rebuilds } = await finished(scene, after);
		match(rebuilds.output.title, /^1 rebuild - all built$/);
		await tidy(scene, { ...pull, head: { sha: after } });
		equal((await scene.checks(pull.head.sha)).length, 2);
		const [comment] = await scene.comments(pull.number);
		ok(comment.body.includes('patience'));
		for (const { body } of comment.history)
			ok(!/libaster|nettle|oleander/.test(body), 'nothing of the older run was ever in the comment');
		equal(state_files(scene, 'gcroots').filter(n => n.startsWith('run-')), []);
	});

scene_test('five pushes in a row, back to one before: one report, of the last', {}, async scene => {
	const { pull } = await scene.open('bump');
	let after;
	for (const rev of ['games', 'evalfail', 'wide', 'exempt', 'games'])
		({ after } = await scene.github.do('push', { repo: scene.repo, branch: 'bump', rev }));
	await scene.until_check(after, c => c.conclusion === 'success', { name: NAMES[1] });
	await delivered(scene);
	match((await scene.comments(pull.number))[0].body, /patience/);
	equal((await scene.comments(pull.number)).length, 1);
	await eventually('nothing runs any more', () => children_of(scene).length === 0);
	const posts = (await scene.github.ask('requests', { method: 'POST' })).filter(r => /check-runs$/.test(r.path));
	for (const { body: { head_sha } } of posts)
		ok((await scene.checks(head_sha)).every(c => c.status === 'completed'), 'every check ends');
});

const patience = version => ({ 'games/patience.nix': `{ game }:\n\ngame "patience" "${version}" [ ]\n` });
const stored = scene => state_files(scene, 'evals').filter(n => n.endsWith('.jsonl.zst'));

scene_test('a push to the default branch: compared with where it was, its checks on the commit, the next base is there',
	{}, async scene => {
		const { after } = await scene.github.do('commit', { repo: scene.repo, branch: 'main', files: patience('8.8') });
		const branch = await finished(scene, after);
		match(branch.rebuilds.output.title, /^1 rebuild - all built$/);
		equal(row_of(await report_of(scene, branch.rebuilds), 'games.patience').build.state, 'built');
		equal(stored(scene).length, 2, 'where it was, and where it is');
		match((await scene.bot.get('/org/demo')).text, />[^<]*main</);
		equal((await scene.github.ask('requests', { method: 'POST' })).filter(r => /comments|labels/.test(r.path)), []);
		await scene.github.do('commit', { repo: scene.repo, branch: 'change', parent: 'refs/heads/main',
			files: patience('9.9') });
		equal(stored(scene).length, 2, 'a push to another branch evaluates nothing');
		const { pull } = await scene.open('change');
		const { rebuilds } = await finished(scene, pull.head.sha);
		const report = await report_of(scene, rebuilds);
		equal(report.evaluations.map(e => [e.side, e.reused]), [['base', true], ['head', false]]);
		equal(report.counts.total.rebuild, 1);
		equal(stored(scene).length, 4, 'the whole branch twice, the scope of it that the rules name, and that scope of the head');
		await tidy(scene, pull);
		equal(state_files(scene, 'gcroots').filter(n => n.startsWith('run-')), []);

		// The button of a branch's check: a stranger's press starts nothing.
		for (const press of ['check_run_rerequest', 'check_run_action'])
			await scene.github.do(press, { check_run_id: branch.rebuilds.id, user: 'stranger', unlisted: true,
				...press === 'check_run_action' ? { identifier: 'rebuild' } : {} });
		await scene.github.do('check_suite_rerequest', { repo: scene.repo, head_sha: after, user: 'stranger' });
		await eventually('they are asked about', async () => (await scene.github.ask('requests'))
			.some(r => r.path.endsWith('/collaborators/stranger/permission')));
		await delivered(scene);
		equal((await scene.checks(after)).length, 2);
		await scene.github.do('permission', { repo: scene.repo, user: 'writer', permission: 'write' });
		await scene.github.do('check_run_rerequest', { check_run_id: branch.rebuilds.id, user: 'writer' });
		match((await finished(scene, after, { after: branch.rebuilds.id })).rebuilds.output.title, /^1 rebuild - all built$/);
		equal((await scene.checks(after)).length, 4);

		// Merged: the branch has what the pull request built.
		const started = await figure(scene, 'builds_started_total');
		const merged = await scene.github.do('push', { repo: scene.repo, branch: 'main', rev: 'change' });
		// The commit is the pull request's head, too, for as long as that is open.
		match((await finished(scene, merged.after)).rebuilds.output.title, /^(branch main: )?1 rebuild - all built$/);
		equal(await figure(scene, 'builds_started_total'), started);
	});

scene_test('a branch that is not built here is compared only; one that was superseded is not left out', { config:
	{ build: { branches: false } }, start: false }, async scene => {
		const slow = await with_slow_evaluator(scene);
		slow.open();
		const first = await scene.github.do('commit', { repo: scene.repo, branch: 'main', files: { 'README.md': 'words\n' } });
		match((await finished(scene, first.after)).rebuilds.output.title, /^no rebuilds/);
		fs.rmSync(`${scene.dir}/gate`);
		await scene.github.do('commit', { repo: scene.repo, branch: 'main', files: patience('8.8') });
		await eventually('the game is being evaluated', () => slow.begun() === 3);
		const { after } = await scene.github.do('commit', { repo: scene.repo, branch: 'main',
			files: { 'README.md': 'more words\n' } });
		slow.open();
		const { rebuilds } = await finished(scene, after);
		match(rebuilds.output.title, /^1 rebuild - not built$/, 'compared with the last commit that was done');
		equal(rebuilds.conclusion, 'neutral');
		equal(await figure(scene, 'builds_started_total'), 0);
		await delivered(scene);
	});

scene_test('a merge group: what it would make of the branch is built, its checks stand on its commit', {}, async scene => {
	const { pull } = await scene.open('bump');
	const alone = await finished(scene, pull.head.sha);
	await delivered(scene);
	const started = await figure(scene, 'builds_started_total');
	const group = await scene.github.do('merge_group', { repo: scene.repo, numbers: [1] });
	const { evaluation, rebuilds } = await finished(scene, group.head_sha);
	equal([evaluation, rebuilds].map(c => c.output.title), [alone.evaluation, alone.rebuilds].map(c => c.output.title));
	match(rebuilds.output.title, /2 newly failing/);
	equal((await report_of(scene, rebuilds)).run.base, group.base_sha);
	equal(await figure(scene, 'builds_started_total'), started, 'all of it is known from the pull request');
	match((await scene.bot.get(new URL(rebuilds.details_url).pathname)).text, /#1 in the merge queue/);
	// The group goes, and comes again with another pull request before it.
	await scene.github.do('merge_group_destroy', { repo: scene.repo, reason: 'invalidated', head_sha: group.head_sha });
	await scene.open('games');
	const both = await scene.github.do('merge_group', { repo: scene.repo, numbers: [2, 1] });
	match((await finished(scene, both.head_sha)).rebuilds.output.title, /^17 rebuilds/, "one more than the bump alone");
	await tidy(scene, pull);
});

scene_test('in the middle of building, what waits for its inputs has not ended and is not called without a result', {}, async scene => {
	await push_slow(scene, 'slow', 'zinnia', {
		'pkgs/z/zebrina.nix': slow_package(scene.dir, 'zebrina').replace('{ package, setup }', '{ package, setup, zinnia }')
			.replace('inputs = [ setup ]', 'inputs = [ setup zinnia ]') });
	const { pull } = await scene.open('slow');
	await building(scene, 'zinnia');
	const { body } = await scene.until_comment(pull.number, c => c.body.includes('Building: '));
	match(body, /^Building: [01] of 3\.$/m); // something that both need is the third
	ok(!/without a result|not known here/.test(body), body);
	await scene.until_check(pull.head.sha, c => c.status === 'completed', { name: NAMES[0] });
	open_build(scene.dir, 'zinnia');
	open_build(scene.dir, 'zebrina');
	match((await finished(scene, pull.head.sha)).rebuilds.output.title, /^2 added - all built$/);
	await tidy(scene, pull);
	for (const { body: text } of (await scene.comments(pull.number))[0].history)
		ok(!/without a result|not known here/.test(text), text);
	// What the builds do is not the evaluation's to tell: its check is concluded, and written once more when its Cancel button goes.
	const [evaluation] = (await scene.checks(pull.head.sha)).filter(c => c.name === NAMES[0]);
	const written = evaluation.history.filter(h => h.status === 'completed').map(h => h.request);
	equal(written.map(r => (r.actions || []).map(a => a.identifier)), [['eval', 'cancel'], ['eval']]);
	equal(written[0].output, written[1].output);
});

scene_test('a merge group that is gone: its builds end, its checks are concluded; a wide one needs no approval',
	{ config: { rebuild: { max_rebuild_count: 1 } } }, async scene => {
		await push_slow(scene, 'slow', 'zinnia', { 'pkgs/z/zebrina.nix': slow_package(scene.dir, 'zebrina') });
		const { pull } = await scene.open('slow');
		equal((await finished(scene, pull.head.sha)).rebuilds.conclusion, 'action_required');
		const group = await scene.github.do('merge_group', { repo: scene.repo, numbers: [1] });
		await building(scene, 'zinnia');
		const old = children_of(scene);
		await scene.github.do('merge_group_destroy', { repo: scene.repo, reason: 'dequeued', head_sha: group.head_sha });
		await gone(old, 5000);
		equal((await finished(scene, group.head_sha)).rebuilds.conclusion, 'cancelled');
		await delivered(scene);
	});

scene_test('what is told of merge groups and of the branch late, or again, starts nothing; an odd push has the branch asked for', {}, async scene => {
	const send = ({ event, body }) => scene.github.do('deliver', { event, payload: body });
	const read = () => eventually('all deliveries are read', async () =>
		!/^ekaci_deliveries\w*\{[^}]*new[^}]*\} [1-9]/m.test((await scene.bot.get('/metrics')).text));
	const runs = async () => (await scene.bot.get('/metrics')).text.split('\n')
		.filter(l => /^ekaci_runs\{/.test(l)).reduce((sum, l) => sum + Number(l.split(' ').pop()), 0);
	const { pull } = await scene.open('games');
	await finished(scene, pull.head.sha);
	// Gone before it was told of.
	const early = await scene.github.do('merge_group', { repo: scene.repo, numbers: [1], deliver: false });
	await scene.github.do('merge_group_destroy', { repo: scene.repo, reason: 'dequeued', head_sha: early.head_sha });
	await send(early.deliveries.find(d => d.event === 'merge_group'));
	await read();
	// Begun, gone, and told of again.
	await scene.github.do('commit', { repo: scene.repo, branch: 'more', parent: 'refs/heads/main', files: { 'note.txt': 'x\n' } });
	const second = await scene.open('more');
	await finished(scene, second.pull.head.sha);
	const group = await scene.github.do('merge_group', { repo: scene.repo, numbers: [second.pull.number] });
	await finished(scene, group.head_sha);
	await scene.github.do('merge_group_destroy', { repo: scene.repo, reason: 'dequeued', head_sha: group.head_sha });
	// Three pushes of which the first is heard, then the last, then the second, then the first again.
	const push = n => scene.github.do('commit', { repo: scene.repo, branch: 'main', files: { 'note.txt': `${n}\n` }, deliver: false });
	const pushes = [await push(1), await push(2), await push(3)];
	const told = n => send(pushes[n].deliveries.find(d => d.event === 'push'));
	await told(0);
	await finished(scene, pushes[0].after);
	await told(2);
	await finished(scene, pushes[2].after);
	await delivered(scene);
	const before = await runs();
	await told(1);
	await told(0);
	await send(group.deliveries.find(d => d.event === 'merge_group'));
	await send(early.deliveries.find(d => d.event === 'merge_group'));
	await read();
	await eventually('the branch was asked for', async () => (await scene.github.ask('requests'))
		.filter(r => r.path.endsWith('/branches/main')).length >= 3);
	equal(await runs(), before);
	equal((await scene.checks(early.head_sha)).length, 0);
	for (const sha of [group.head_sha, pushes[2].after])
		equal((await scene.checks(sha)).length, 2);
	equal((await scene.checks(pushes[1].after)).length, 0);
	await delivered(scene);
});

scene_test('two pushes to the default branch in a row: the newest one is evaluated, the older one ends with its processes',
	{ start: false }, async scene => {
		const slow = await with_slow_evaluator(scene);
		await scene.github.do('push', { repo: scene.repo, branch: 'main', rev: 'games' });
		await eventually('the evaluation has begun', () => slow.begun() > 0);
		const old = children_of(scene);
		ok(old.length > 0);
		await scene.github.do('push', { repo: scene.repo, branch: 'main', rev: 'bump' });
		await gone(old);
		slow.open();
		await eventually('the newer one is stored', () => state_files(scene, 'evals').some(n => n.endsWith('.zst')));
		await eventually('nothing runs any more', () => children_of(scene).length === 0);
		const { text } = await scene.bot.get('/org/demo');
		match(text, /superseded/i);
	});

scene_test('a pull request does not wait for the evaluation of a branch: that one makes way, and is made afterwards',
	{ start: false }, async scene => {
		await scene.github.do('commit', { repo: scene.repo, branch: 'release', parent: 'refs/heads/main',
			files: { 'note.txt': 'of its own\n' } });
		const slow = await with_slow_evaluator(scene);
		await scene.github.do('push', { repo: scene.repo, branch: 'main', rev: 'bump' });
		await eventually('the branch is being evaluated', () => slow.begun() === 1);
		const old = children_of(scene);
		const { pull } = await scene.open('games', { base: 'release' });
		await eventually('the pull request is being evaluated, though nothing has ended', () => slow.begun() === 2);
		await gone(old);
		match(scene.bot.log_text(), /the branch's evaluation waits for pull request 1/);
		slow.open();
		const { rebuilds } = await finished(scene, pull.head.sha);
		match(rebuilds.output.title, /^1 rebuild/);
		await eventually('the branch is evaluated, too: once for nothing, base, head, and both sides of the branch', () =>
			slow.begun() === 5 && stored(scene).length === 4);
		await tidy(scene, pull);
	});

scene_test('closed while building: the builds\' processes are gone within five seconds, the checks concluded',
	{}, async scene => {
		await push_slow(scene, 'slow', 'zinnia');
		const { pull } = await scene.open('slow');
		await building(scene, 'zinnia');
		const old = children_of(scene);
		ok(old.some(p => /builder\.sh/.test(p.command)), 'the builder is among them');
		await scene.github.do('pull_change', { repo: scene.repo, number: pull.number, action: 'closed' });
		await gone(old, 5000);
		const { rebuilds } = await finished(scene, pull.head.sha);
		equal(rebuilds.conclusion, 'cancelled');
		await tidy(scene, pull);
		equal(await figure(scene, 'builds_running'), 0);

		// Opened again: the same head is judged again, and what was cancelled is built now.
		open_build(scene.dir, 'zinnia');
		await scene.github.do('pull_change', { repo: scene.repo, number: pull.number, action: 'reopened' });
		const then = await finished(scene, pull.head.sha, { after: rebuilds.id });
		equal(then.rebuilds.conclusion, 'success');
		match(then.rebuilds.output.title, /^1 added - all built$/);
		await tidy(scene, pull, { times: 2 });
	});

scene_test('a newer push while building: what it still wants goes on or is built, what it does not is dropped',
	{}, async scene => {
		await push_slow(scene, 'slow', 'zinnia');
		const { pull } = await scene.open('slow');
		await building(scene, 'zinnia');
		const old = children_of(scene);
		const { after } = await push_slow(scene, 'slow', 'zinnia', { 'note.txt': 'the same package\n' });
		await eventually('it is built for the newer head', async () => {
			const last = (await scene.checks(after)).filter(c => c.name === NAMES[1]).pop();
			return last && /building/.test(last.output.title);
		});
		open_build(scene.dir, 'zinnia');
		const { rebuilds } = await finished(scene, after);
		equal(rebuilds.conclusion, 'success');
		await gone(old);
		await tidy(scene, { ...pull, head: { sha: after } });
	});

scene_test('the base branch of a pull request changes: judged against the new one', {}, async scene => {
	await scene.github.do('push', { repo: scene.repo, branch: 'release', rev: 'main' });
	const { pull } = await scene.open('games');
	const first = await finished(scene, pull.head.sha);
	equal(first.rebuilds.conclusion, 'success');
	// The release has the newer game already: nothing to rebuild against it.
	await scene.github.do('push', { repo: scene.repo, branch: 'release', rev: 'games' });
	await scene.github.do('pull_change', { repo: scene.repo, number: pull.number, action: 'edited', base: 'release' });
	const { rebuilds } = await finished(scene, pull.head.sha, { after: first.rebuilds.id });
	match(rebuilds.output.title, /^no rebuilds/);
	await tidy(scene, pull, { times: 2 });
});

// Once more, as somebody would send it who kept it: the same bytes under another GUID.
const deliver = async (scene, { event, body }) => {
	const { deliveries: [sent] } = await scene.github.do('deliver', { event, payload: body });
	equal(sent.status_code, 202);
};
const pull_event = ({ deliveries }) => deliveries.find(d => d.event === 'pull_request');

// Everything that was delivered until now has been read: commands are taken in their turn.
async function read_all(scene, number)
{
	const { comment } = await scene.say(number, '/ekaci status', { user: 'contributor', author_association: 'MEMBER' });
	await scene.until('comments', { repo: scene.repo, number }, all => all.find(c => c.id === comment.id).reactions.length > 0);
	await delivered(scene);
}

const push_patience = (scene, version, more = {}) => scene.github.do('commit', { repo: scene.repo, branch: 'games',
	files: patience(version), ...more });

scene_test('late and repeated events change nothing: neither the run, nor the checks, nor the comment', {}, async scene => {
	const opened = await scene.open('games');
	const { pull } = opened;
	const first = await finished(scene, pull.head.sha);
	const second = await push_patience(scene, '9.1', { deliver: false });
	const third = await push_patience(scene, '9.2');
	await finished(scene, third.after);
	await delivered(scene);
	const [report] = await scene.comments(pull.number);
	for (const event of [pull_event(second), pull_event(opened), pull_event(third), pull_event(second), pull_event(opened)])
		await deliver(scene, event);
	await read_all(scene, pull.number);
	equal((await scene.checks(second.after)).length, 0, 'what was replaced before it was told of');
	equal((await scene.checks(pull.head.sha)).length, 2);
	equal((await scene.checks(third.after)).length, 2);
	equal((await scene.comments(pull.number))[0].body, report.body);

	// Back to the first head: that is new.
	const back = await scene.github.do('push', { repo: scene.repo, branch: 'games', rev: pull.head.sha });
	await eventually('the first head is judged again', async () => (await scene.checks(back.after)).length === 4);
	await finished(scene, back.after);
	await deliver(scene, pull_event(third));
	await read_all(scene, pull.number);
	equal((await scene.checks(third.after)).length, 2);
	await finished(scene, pull.head.sha, { after: first.rebuilds.id });
	await tidy(scene, pull, { times: 2 });
});

scene_test('pushes of one second, told in whatever order: the last one is judged, whoever comes first', {}, async scene => {
	const { pull } = await scene.open('games');
	await finished(scene, pull.head.sha);
	for (const [round, order] of [[2, 0, 1], [1, 2, 0], [0, 2, 1]].entries()) {
		const pushes = [];
		for (const i of [1, 2, 3])
			pushes.push(await push_patience(scene, `9.${round}.${i}`, { deliver: false }));
		// GitHub tells whole seconds, and these are of the same one.
		const [{ updated_at }] = pushes.map(p => JSON.parse(pull_event(p).body).pull_request);
		for (const push of pushes) {
			const event = pull_event(push);
			const payload = JSON.parse(event.body);
			payload.pull_request.updated_at = updated_at;
			event.body = JSON.stringify(payload);
		}
		for (const i of order)
			await deliver(scene, pull_event(pushes[i]));
		await read_all(scene, pull.number);
		await finished(scene, pushes[2].after);
		await eventually('nothing runs any more', () => children_of(scene).length === 0);
		const { text } = await scene.bot.get(`/${scene.repo}/pull/${pull.number}`);
		ok(text.indexOf(pushes[2].after.slice(0, 10)) > 0, 'the page shows the last one');
		match((await scene.comments(pull.number)).find(c => !c.body.startsWith('<!-- ekaci:answer')).body,
			new RegExp(`9\\.${round}\\.3`));
	}
});

scene_test('what comes after closed makes no checks on a closed pull request; opened twice is opened once', {}, async scene => {
	const opened = await scene.open('games');
	const { pull } = opened;
	await finished(scene, pull.head.sha);
	const late = await push_patience(scene, '9.1', { deliver: false });
	const closed = await scene.github.do('pull_change', { repo: scene.repo, number: pull.number, action: 'closed' });
	const edited = await scene.github.do('pull_change', { repo: scene.repo, number: pull.number, action: 'edited',
		base: 'bump', deliver: false });
	for (const event of [late, opened, closed, edited].map(pull_event))
		await deliver(scene, event);
	await read_all(scene, pull.number);
	equal((await scene.checks(late.after)).length, 0);
	equal((await scene.checks(pull.head.sha)).length, 2);

	// Reopened counts, and the closing from before no longer does.
	await scene.github.do('clock', { offset_s: 3 });
	await scene.github.do('pull_change', { repo: scene.repo, number: pull.number, action: 'reopened' });
	await deliver(scene, pull_event(closed));
	await finished(scene, late.after);
	equal((await scene.checks(late.after)).map(c => c.conclusion === 'cancelled'), [false, false]);
});

scene_test('a push to the default branch that is told again starts nothing', {}, async scene => {
	const first = await scene.github.do('commit', { repo: scene.repo, branch: 'main', files: patience('8.8') });
	await finished(scene, first.after);
	const second = await scene.github.do('commit', { repo: scene.repo, branch: 'main', files: patience('8.9') });
	await finished(scene, second.after);
	const { pull } = await scene.open('docs');
	await finished(scene, pull.head.sha);
	for (const { deliveries } of [first, second])
		await deliver(scene, deliveries.find(d => d.event === 'push'));
	await read_all(scene, pull.number);
	equal((await scene.checks(first.after)).length, 2);
	equal((await scene.checks(second.after)).length, 2);
});

scene_test('SIGTERM while building and evaluating: in good order, exit 0, and nothing is left running',
	{}, async scene => {
		await push_slow(scene, 'slow', 'zinnia');
		const { pull } = await scene.open('slow');
		await building(scene, 'zinnia');
		const old = children_of(scene);
		await scene.bot.stop();
		await gone(old);
		await scene.bot.start();
		open_build(scene.dir, 'zinnia');
		const { rebuilds } = await finished(scene, pull.head.sha);
		equal(rebuilds.conclusion, 'success');
		equal(row_of(await report_of(scene, rebuilds), 'zinnia').build.state, 'built');
		await tidy(scene, pull);
		equal(builds_begun(scene.dir, 'zinnia'), 2);
	});

await run({ limit_ms: 100000, at_once: 4 });
