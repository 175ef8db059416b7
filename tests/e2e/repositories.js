// Whose check stands on a commit, and what becomes of the work, the checks and the pages when repositories change.

import { equal, match, ok, run } from './lib.js';
import { builds_begun, children_of, delivered, eventually, figure, finished, gone, NAMES, open_build, page_of, report_of, scene_test,
	slow_package, tidy } from './scenes.js';

const push_slow = (scene, branch, name) => scene.github.do('commit', { repo: scene.repo, branch, parent: 'refs/heads/main',
	files: { [`pkgs/${name[0]}/${name}.nix`]: slow_package(scene.dir, name) } });
const change = (scene, action, more = {}) => scene.github.do('repository_change', { repo: scene.repo, action, ...more });
const listed = (scene, more) => scene.github.do('installation_repositories', { installation: scene.installation.id, ...more });
const status_of = async (scene, route) => (await scene.bot.get(route)).status;

// Whatever was delivered until now has been read.
const read_all = scene => eventually('all deliveries are read', async () =>
	!/^ekaci_deliveries\w*\{[^}]*new[^}]*\} [1-9]/m.test((await scene.bot.get('/metrics')).text));

// The same bytes under another GUID, as somebody sends them who kept them.
const replay = (scene, { event, body }) => scene.github.do('deliver', { event, payload: body });

scene_test('one head, two pull requests: the check is the worst and says whose, each page has its own, closing one leaves the other',
	{}, async scene => {
		await scene.github.do('push', { repo: scene.repo, branch: 'release', rev: 'games' });
		const one = await scene.open('bump');
		const first = await finished(scene, one.pull.head.sha);
		equal(first.rebuilds.conclusion, 'failure');
		await delivered(scene);
		// The release has all of it but one attribute of documentation: nothing fails there.
		await scene.github.do('commit', { repo: scene.repo, branch: 'calm', parent: one.pull.head.sha, files: { 'note.txt': 'x\n' } });
		const two = await scene.open('bump', { base: 'calm' });
		const of_two = () => scene.comments(two.pull.number);
		await eventually('the second one is judged on its page', async () =>
			/success|neutral/.test((await scene.bot.get(`/${scene.repo}/pull/${two.pull.number}`)).text));
		await delivered(scene);
		const [, rebuilds] = await Promise.all(NAMES.map(async name => (await scene.checks(one.pull.head.sha)).filter(c => c.name === name).pop()));
		equal(rebuilds.conclusion, 'failure', 'the second one turns nothing green');
		match(rebuilds.output.title, /^#1 onto main: .*newly failing/);
		match(rebuilds.output.summary, /- \*\*Shown here:\*\* `#1 onto main`: failure, /);
		match(rebuilds.output.summary, /- `#2 onto calm`: (success|neutral), .*\(\[report\]\(http/);
		equal((await report_of(scene, rebuilds)).run.number, 1);
		ok((await of_two()).length <= 1);
		await scene.github.do('pull_change', { repo: scene.repo, number: 1, action: 'closed' });
		const then = await scene.until_check(one.pull.head.sha, c => c.conclusion === 'success', { name: NAMES[1] });
		ok(!/have a say/.test(then.output.summary) && !/^#/.test(then.output.title), then.output.title);
		equal((await report_of(scene, then)).run.number, 2);
		equal(then.annotations, [], "the other's annotations went with it");
	});

scene_test('nothing that is Nix: no check and no comment, ever; the first file that is brings them', {}, async scene => {
	const plain = { repo: 'org/plain' };
	const repo = scene.repo;
	await scene.github.do('repository', { full_name: plain.repo });
	await scene.github.do('commit', { ...plain, branch: 'main', files: { 'README.md': 'a book\n', 'src/a.c': 'int a;\n' } });
	const { after } = await scene.github.do('commit', { ...plain, branch: 'more', parent: 'refs/heads/main',
		files: { 'src/b.c': 'int b;\n' } });
	const { pull } = await scene.github.do('pull', { ...plain, head: 'more' });
	await scene.github.do('comment', { ...plain, number: pull.number, body: '/ekaci help', user: 'contributor' });
	await eventually('it is known what it is', async () => /nothing here is Nix/.test((await scene.bot.get('/run/2')).text) ||
		/nothing here is Nix/.test((await scene.bot.get('/run/1')).text));
	await scene.until('comments', plain, all => all.some(c => c.reactions.length > 0));
	const nix = await scene.github.do('commit', { ...plain, branch: 'nix', parent: 'refs/heads/main', files: { 'default.nix': '{ }\n' } });
	const second = await scene.github.do('pull', { ...plain, head: 'nix' });
	scene.repo = plain.repo;
	await finished(scene, second.pull.head.sha);
	await delivered(scene);
	equal((await scene.checks(after)).length, 0);
	equal((await scene.comments(pull.number)).length, 0);
	equal((await scene.github.ask('check_runs', plain)).every(c => c.head_sha === nix.after), true, 'nor on the branch');
	scene.repo = repo;
});

scene_test('[repositories] only and except: nothing is done for the others, whatever is asked there',
	{ config: { repositories: { only: ['ORG/*'], except: ['org/left-*'] } } }, async scene => {
		for (const full_name of ['org/left-out', 'org/taken'])
			await scene.github.do('repository', { full_name, from: `${scene.dir}/demo` });
		const left = await scene.github.do('pull', { repo: 'org/left-out', head: 'games' });
		await scene.github.do('comment', { repo: 'org/left-out', number: 1, body: '/ekaci help', user: 'contributor' });
		const taken = await scene.github.do('pull', { repo: 'org/taken', head: 'docs' });
		scene.repo = 'org/taken';
		await finished(scene, taken.pull.head.sha);
		await delivered(scene);
		equal((await scene.github.ask('check_runs', { repo: 'org/left-out', head_sha: left.pull.head.sha })).length, 0);
		const [asked] = await scene.github.ask('comments', { repo: 'org/left-out' });
		equal(asked.reactions, []);
		equal(await status_of(scene, '/org/left-out/pull/1'), 404);
		match(scene.bot.log_text(), /not among the \[repositories\]/);
		// Taken out of the settings while it is under way: what runs ends, and says so.
		await push_slow(scene, 'slow', 'zinnia');
		const { pull } = await scene.open('slow');
		await eventually('it is being built', () => builds_begun(scene.dir, 'zinnia') > 0);
		await scene.bot.stop();
		scene.configure({ repositories: { except: ['org/left-*', 'org/taken'] } });
		await scene.bot.start();
		equal((await finished(scene, pull.head.sha)).rebuilds.conclusion, 'cancelled');
		equal(children_of(scene).filter(p => /builder\.sh/.test(p.command)).length, 0);
	});

scene_test('made private: pages close at once, and no link of before opens; nothing late opens them again', {}, async scene => {
	const opened = await scene.open('games');
	const { rebuilds } = await finished(scene, opened.pull.head.sha);
	await delivered(scene);
	const page = page_of(rebuilds), pull_page = `/${scene.repo}/pull/1`;
	equal([await status_of(scene, page), await status_of(scene, pull_page)], [200, 200]);
	await scene.github.do('clock', { offset_s: 5 });
	await change(scene, 'privatized');
	await eventually('the pages are closed', async () => await status_of(scene, page) === 404);
	equal(await status_of(scene, pull_page), 404);
	ok(!(await scene.bot.get('/')).text.includes(scene.repo));
	// The check leads people there by a signed link.
	const signed = await scene.until_check(opened.pull.head.sha, c => /key=/.test(c.details_url), { name: NAMES[1] });
	equal(await status_of(scene, page_of(signed)), 200);
	// Events from when it was public.
	for (const event of opened.deliveries.filter(d => d.event === 'pull_request' || d.event === 'push'))
		await replay(scene, event);
	await read_all(scene);
	equal(await status_of(scene, page), 404);
	await scene.github.do('clock', { offset_s: 10 });
	await change(scene, 'publicized');
	await eventually('they are open', async () => await status_of(scene, page) === 200);
	await scene.github.do('clock', { offset_s: 15 });
	await change(scene, 'privatized');
	await eventually('they are closed', async () => await status_of(scene, page) === 404);
	equal(await status_of(scene, page_of(signed)), 410, 'a link from when it was private before');
	const again = await scene.until_check(opened.pull.head.sha, c => /key=/.test(c.details_url) && c.details_url !== signed.details_url,
		{ name: NAMES[1] });
	equal(await status_of(scene, page_of(again)), 200);
	await tidy(scene, opened.pull);
});

// Work stops within seconds, and what it was about is judged when it comes back, in the checks and the comment that it had.
for (const [what, leave, come_back] of [
	['archived', s => change(s, 'archived'), s => change(s, 'unarchived')],
	['taken out of the installation', s => listed(s, { remove: [s.repo] }), s => listed(s, { add: [s.repo] })],
	['suspended', s => s.github.do('installation_change', { installation: s.installation.id, action: 'suspend' }),
		s => s.github.do('installation_change', { installation: s.installation.id, action: 'unsuspend' })],
]) {
	scene_test(`${what} while building: the work is gone within five seconds; given back, it is judged`, {}, async scene => {
		await push_slow(scene, 'slow', 'zinnia');
		const opened = await scene.open('slow');
		const { pull } = opened;
		await eventually('it is being built', () => builds_begun(scene.dir, 'zinnia') > 0);
		await scene.until_comment(pull.number);
		await delivered(scene);
		const old = children_of(scene);
		const n = (await scene.github.ask('requests', {})).length;
		await scene.github.do('clock', { offset_s: 5 });
		await leave(scene);
		await gone(old, 5000);
		await eventually('no build runs', async () => await figure(scene, 'builds_running') === 0);
		// What comes late, or again, starts nothing.
		for (const event of opened.deliveries.filter(d => d.event === 'pull_request'))
			await replay(scene, event);
		await read_all(scene);
		await eventually('nothing runs', () => children_of(scene).filter(p => /builder|eval-jobs/.test(p.command)).length === 0);
		equal((await scene.github.ask('requests', {})).slice(n).filter(r => r.status >= 400), [], 'nothing is tried there');
		open_build(scene.dir, 'zinnia');
		await scene.github.do('clock', { offset_s: 10 });
		await come_back(scene);
		const { rebuilds } = await finished(scene, pull.head.sha);
		match(rebuilds.output.title, /^1 added - all built$/);
		await delivered(scene);
		// The check that was open went on. That of the evaluation was concluded before and is made again, where there was time to
		// say that it goes on: what ended as it had ended before that could be sent is nothing new.
		const checks = await scene.checks(pull.head.sha);
		const [evaluations, rebuilds_too] = NAMES.map(name => checks.filter(c => c.name === name).length);
		ok(evaluations === 1 || evaluations === 2, `${evaluations} of the evaluation`);
		equal(rebuilds_too, 1);
		ok(checks.every(c => c.status === 'completed'));
		equal((await scene.comments(pull.number)).length, 1);
	});
}

scene_test('deleted: the work is gone, its pages too, and nothing is tried there', {}, async scene => {
	await push_slow(scene, 'slow', 'zinnia');
	const { pull } = await scene.open('slow');
	await eventually('it is being built', () => builds_begun(scene.dir, 'zinnia') > 0);
	const check = await scene.until_check(pull.head.sha, () => true, { name: NAMES[1] });
	const old = children_of(scene);
	await change(scene, 'deleted');
	await gone(old, 5000);
	equal(await status_of(scene, page_of(check)), 404);
	await eventually('nothing waits to be sent', async () => await figure(scene, 'send_queue') === 0);
});

scene_test("a stranger's press on any button of any check starts nothing", {}, async scene => {
	const { pull } = await scene.open('bump');
	const first = await finished(scene, pull.head.sha);
	await delivered(scene);
	const started = await figure(scene, 'builds_started_total');
	const press = (check, identifier) => scene.github.do('check_run_action', { check_run_id: check.id, identifier, user: 'stranger',
		unlisted: true });
	for (const check of [first.evaluation, first.rebuilds]) {
		for (const identifier of [...new Set([...check.actions.map(a => a.identifier), 'approve', 'eval', 'rebuild', 'rebuild-failed', 'cancel'])])
			await press(check, identifier);
		await scene.github.do('check_run_rerequest', { check_run_id: check.id, user: 'stranger' });
	}
	await scene.github.do('check_suite_rerequest', { repo: scene.repo, head_sha: pull.head.sha, user: 'stranger' });
	const { comment } = await scene.say(pull.number, '/ekaci status', { user: 'stranger' });
	await scene.until('comments', { repo: scene.repo, number: pull.number }, all => all.find(c => c.id === comment.id).reactions.length > 0);
	await delivered(scene);
	equal((await scene.checks(pull.head.sha)).map(c => c.id).sort(), [first.evaluation.id, first.rebuilds.id].sort());
	equal(await figure(scene, 'builds_started_total'), started);
	equal(await status_of(scene, '/run/2'), 404, 'there is one run');
});

await run({ limit_ms: 100000, at_once: 3 });
