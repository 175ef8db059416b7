// One pull request at a time, told in full: the demo's bump, what is wide, what the rules leave out, conflicts.

import { equal, match, ok, run } from './lib.js';
import { builds_begun, delivered, figure, finished, NAMES, open_build, page_of, report_of, row_of, scene_test,
	slow_package, state_files, tidy } from './scenes.js';

const outside = { author_association: 'NONE', user: 'stranger' };

scene_test('bump: what it breaks is told apart from what was broken, with causes', {}, async scene => {
	const { pull } = await scene.open('bump');
	const { evaluation, rebuilds } = await finished(scene, pull.head.sha);
	const report = await report_of(scene, rebuilds);
	const build = name => row_of(report, name).build;

	equal([evaluation.conclusion, rebuilds.conclusion], ['failure', 'failure']);
	match(evaluation.output.title, /1 newly fails, 1 fixed, 2 still failing/);
	match(rebuilds.output.title, /^16 rebuilds, 1 added, 1 removed, 1 fixed - 2 newly failing$/);
	equal([build('nettle').state, build('nettle').blame], ['failed', 'newly_failing']);
	match(build('nettle').tail, /nettle\.c:3: error: it stings/);
	equal([build('oakmoss').state, build('oakmoss').blame], ['dependency_failed', 'newly_failing']);
	equal(build('oakmoss').propagated_from, row_of(report, 'nettle').head.drv);
	equal(report.attributes.filter(a => a.build && !['built', 'cached'].includes(a.build.state))
		.map(a => a.path.join('.')), ['nettle', 'oakmoss']);
	match(row_of(report, 'mallow').head.error, /no version fits libhazel/);
	equal(row_of(report, 'libaster').version, ['1.0', '1.1']);
	equal(row_of(report, 'acorn').aliases, [['acorn-tools']]);
	// Whose failure it is was asked of the base: nettle's base was built, and thistle's was not even looked at.
	const base = row_of(report, 'nettle').base.drv.split('/').pop();
	match(scene.bot.log_text(), new RegExp(`build \\S*${base}: built`));
	ok(!/thistle/.test(scene.bot.log_text()));
	await tidy(scene, pull);
	const [comment] = await scene.comments(pull.number);
	for (const word of ['nettle', 'oakmoss', 'mallow', 'libaster', 'it stings'])
		ok(comment.body.includes(word), `the comment names ${word}`);
	for (const check of [evaluation, rebuilds])
		equal((await scene.bot.get(page_of(check))).status, 200);
	const log = new URL(build('nettle').log_url);
	match((await scene.bot.get(log.pathname + log.search)).text, /it stings/);
});

scene_test('what fails on both sides is still failing, and does not make the check red', {}, async scene => {
	const { pull } = await scene.open('wide');
	const { evaluation, rebuilds } = await finished(scene, pull.head.sha);
	const thistle = row_of(await report_of(scene, rebuilds), 'thistle');

	equal([thistle.build.state, thistle.build.blame], ['failed', 'still_failing']);
	equal([evaluation.conclusion, rebuilds.conclusion], ['success', 'success']);
	match(rebuilds.output.title, /^32 rebuilds - 1 still failing$/);
	await tidy(scene, pull);
});

scene_test('a wide change waits: nothing is built until a writer says so, in words or with the button',
	{ config: { rebuild: { max_rebuild_count: 10 } } }, async scene => {
		const { pull } = await scene.open('conflict');
		const first = await finished(scene, pull.head.sha);
		equal([first.evaluation.conclusion, first.rebuilds.conclusion], ['success', 'action_required']);
		equal(first.rebuilds.actions.map(a => a.identifier), ['approve']);
		await delivered(scene);
		equal([await figure(scene, 'builds_started_total'), state_files(scene, 'logs')], [0, []]);
		match((await scene.comments(pull.number))[0].body, /[Tt]oo many/);

		await scene.github.do('permission', { repo: scene.repo, user: 'reader', permission: 'read' });
		await scene.github.do('permission', { repo: scene.repo, user: 'writer', permission: 'write' });
		const refused = (await scene.say(pull.number, '/ekaci approve', { user: 'reader' })).comment;
		await scene.until('comments', { repo: scene.repo, number: pull.number }, all =>
			all.find(c => c.id === refused.id).reactions.some(r => r.content === '-1'));
		await delivered(scene);
		equal(await figure(scene, 'builds_started_total'), 0);

		const last = first.rebuilds.id;
		await scene.say(pull.number, '/ekaci approve', { user: 'writer' });
		const then = await finished(scene, pull.head.sha, { after: last });
		equal([then.evaluation.conclusion, then.rebuilds.conclusion], ['success', 'success']);
		match(then.rebuilds.output.title, /^12 rebuilds - all built$/);
		await tidy(scene, pull, { times: 2 });

		// The button, on another pull request.
		const other = (await scene.open('exempt')).pull;
		const held = await finished(scene, other.head.sha);
		equal(held.rebuilds.conclusion, 'action_required');
		await scene.github.do('check_run_action', { check_run_id: held.rebuilds.id, identifier: 'approve',
			user: 'reader' });
		await scene.github.do('check_run_action', { check_run_id: held.rebuilds.id, identifier: 'approve',
			user: 'writer' });
		const built = await finished(scene, other.head.sha, { after: held.rebuilds.id });
		equal(built.rebuilds.conclusion, 'success');
		await tidy(scene, other, { times: 2 });
	});

scene_test('documentation only: nothing is evaluated or built, and the rule that decided is named',
	{}, async scene => {
		const { pull } = await scene.open('docs');
		const { evaluation, rebuilds } = await finished(scene, pull.head.sha);
		equal([evaluation.conclusion, rebuilds.conclusion], ['success', 'success']);
		match(evaluation.output.title, /no rebuilds expected/);
		match(evaluation.output.summary + evaluation.output.text, /documentation/);
		equal(state_files(scene, 'evals').filter(n => n.endsWith('.zst')), []);
		equal(await figure(scene, 'builds_started_total'), 0);
		const report = await report_of(scene, evaluation);
		equal(report.plan.rules.map(r => [r.name, r.kind]), [['documentation', 'docs-only']]);
		await tidy(scene, pull, { comments: 0 });
		equal(state_files(scene, 'gcroots').filter(n => n.startsWith('run-')), []);
	});

scene_test('skip_paths of ekaci.toml do the same for what no rule names; the base\'s rules come first',
	{ config: { rebuild: { skip_paths: ['notes/**', 'builder.sh'] } } }, async scene => {
		await scene.github.do('commit', { repo: scene.repo, branch: 'notes', parent: 'refs/heads/main',
			files: { 'notes/today.txt': 'a note\n' } });
		const skipped = (await scene.open('notes')).pull;
		const { evaluation } = await finished(scene, skipped.head.sha);
		equal([evaluation.conclusion, evaluation.output.title], ['success', 'no rebuilds expected']);
		match(evaluation.output.summary + evaluation.output.text, /skip_paths/);
		equal(state_files(scene, 'evals').filter(n => n.endsWith('.zst')), []);

		// A path with no rule beside it: unknown means evaluate.
		await scene.github.do('commit', { repo: scene.repo, branch: 'unknown', parent: 'refs/heads/main',
			files: { 'notes/today.txt': 'a note\n', 'unknown.txt': 'what is this\n' } });
		const unknown = (await scene.open('unknown')).pull;
		const second = await finished(scene, unknown.head.sha);
		match(second.evaluation.output.title, /37 attributes evaluated/);
		equal((await report_of(scene, second.evaluation)).outcome, 'compared');
	});

scene_test('rebuild-only: just the scope is evaluated', {}, async scene => {
	const { pull } = await scene.open('games');
	const { evaluation, rebuilds } = await finished(scene, pull.head.sha);
	const report = await report_of(scene, rebuilds);
	equal(report.evaluations.map(e => e.rows), [3, 3]);
	equal(report.attributes.filter(a => a.class !== 'unchanged').map(a => a.path.join('.')), ['games.patience']);
	equal([evaluation.conclusion, rebuilds.conclusion], ['success', 'success']);
	match(evaluation.output.summary + evaluation.output.text, /games/);
	await tidy(scene, pull);
});

scene_test('a conflict: the head is compared with the merge base, and the report says so', {}, async scene => {
	const { pull } = await scene.open('conflict');
	const { evaluation, rebuilds } = await finished(scene, pull.head.sha);
	const report = await report_of(scene, rebuilds);
	equal(report.run.conflict, true);
	match(`${evaluation.output.summary}${evaluation.output.text}`, /conflict/i);
	await tidy(scene, pull);
	match((await scene.comments(pull.number))[0].body, /conflict/i);
});

// The operator says that no sandbox is needed: where none can be had (in a chroot, say) strangers are not evaluated.
scene_test('a fork of a stranger: evaluated at once, built only after approval',
	{ config: { evaluate: { sandbox: 'off' } } }, async scene => {
	await scene.github.do('repository', { full_name: 'stranger/demo', fork_of: scene.repo });
	const { pull } = await scene.open('games', { head_repo: 'stranger/demo', ...outside });
	const first = await finished(scene, pull.head.sha);
	equal([first.evaluation.conclusion, first.rebuilds.conclusion], ['success', 'action_required']);
	match(first.rebuilds.output.title, /approval/);
	await delivered(scene);
	equal(await figure(scene, 'builds_started_total'), 0);

	await scene.github.do('permission', { repo: scene.repo, user: 'writer', permission: 'write' });
	// Its author may not approve it.
	await scene.say(pull.number, '/ekaci approve', { user: 'stranger' });
	await scene.say(pull.number, '/ekaci approve', { user: 'writer' });
	const then = await finished(scene, pull.head.sha, { after: first.rebuilds.id });
	equal(then.rebuilds.conclusion, 'success');
	equal(await figure(scene, 'builds_started_total') > 0, true);
	await tidy(scene, pull, { times: 2 });

	// A new push is a new question.
	const { after } = await scene.github.do('commit', { repo: 'stranger/demo', branch: 'games',
		files: { 'games/patience.nix': '{ game }:\n\ngame "patience" "0.9" [ ]\n' } });
	const pushed = await finished(scene, after);
	equal(pushed.rebuilds.conclusion, 'action_required');
});

scene_test('[trust] forks = "approve": not even evaluated before approval',
	{ config: { trust: { forks: 'approve' } } }, async scene => {
		await scene.github.do('repository', { full_name: 'stranger/demo', fork_of: scene.repo });
		const { pull } = await scene.open('games', { head_repo: 'stranger/demo', ...outside });
		const first = await finished(scene, pull.head.sha);
		equal(first.evaluation.conclusion, 'action_required');
		match(first.evaluation.output.title, /approval/);
		equal(first.evaluation.actions.map(a => a.identifier), ['approve']);
		equal(state_files(scene, 'evals').filter(n => n.endsWith('.zst')), []);
		await scene.github.do('permission', { repo: scene.repo, user: 'writer', permission: 'write' });
		await scene.github.do('check_run_action', { check_run_id: first.evaluation.id, identifier: 'approve',
			user: 'writer' });
		const then = await finished(scene, pull.head.sha, { after: first.rebuilds.id });
		equal([then.evaluation.conclusion, then.rebuilds.conclusion], ['success', 'success']);
		await tidy(scene, pull, { times: 2 });
	});

scene_test('a build that several pull requests want, held in the middle: built once for both', {}, async scene => {
	const files = { 'pkgs/z/zinnia.nix': slow_package(scene.dir, 'zinnia') };
	await scene.github.do('commit', { repo: scene.repo, branch: 'one', parent: 'refs/heads/main',
		files: { ...files, 'one.txt': '1' } });
	await scene.github.do('commit', { repo: scene.repo, branch: 'two', parent: 'refs/heads/main',
		files: { ...files, 'two.txt': '2' } });
	const one = (await scene.open('one')).pull, two = (await scene.open('two')).pull;
	for (const pull of [one, two])
		await scene.until_check(pull.head.sha, c => /building/.test(c.output.title), { name: NAMES[1] });
	open_build(scene.dir, 'zinnia');
	for (const pull of [one, two])
		equal((await finished(scene, pull.head.sha)).rebuilds.conclusion, 'success');
	equal(builds_begun(scene.dir, 'zinnia'), 1);
	await tidy(scene, one);
	await tidy(scene, two);
});

await run({ limit_ms: 100000, at_once: 4 });
