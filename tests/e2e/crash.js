// kill -9 in the middle of each stage, and answers of GitHub that are lost: it converges, nothing is there twice, and
// nothing is left running.

import fs from 'node:fs';
import path from 'node:path';

import { equal, match, ok, run } from './lib.js';
import { builds_begun, children_of, delivered, eventually, figure, finished, gone, NAMES, open_build, report_of,
	row_of, scene_test, slow_evaluator, slow_package, tidy } from './scenes.js';

// Kills the bot as a power cut would, waits until nothing of it is left, and starts it again.
async function crash(scene)
{
	const old = children_of(scene);
	await scene.bot.kill();
	await gone(old);
	await scene.bot.start();
	return old;
}

// Until the scene's first fault has spoiled a request.
const struck = scene => scene.until('faults', {}, faults => faults[0].hits > 0);

scene_test('while fetching', {}, async scene => {
	await scene.github.do('fault', { route: '\\.git/', hang: true });
	const { pull } = await scene.open('games');
	await struck(scene);
	await crash(scene);
	equal((await finished(scene, pull.head.sha)).rebuilds.conclusion, 'success');
	await tidy(scene, pull);
});

scene_test('while evaluating, several times', { start: false }, async scene => {
	const slow = slow_evaluator(scene.dir);
	scene.configure({ evaluate: { evaluator: slow.file, sandbox: 'off' } });
	await scene.bot.start();
	const { pull } = await scene.open('games');
	for (const n of [1, 2]) {
		await eventually('the evaluation has begun', () => slow.begun() >= n);
		const old = await crash(scene);
		ok(old.some(p => /eval-jobs/.test(p.command)));
	}
	slow.open();
	equal((await finished(scene, pull.head.sha)).rebuilds.conclusion, 'success');
	await tidy(scene, pull);
});

scene_test('SIGTERM while a worker does nothing any more: the bot ends in order, the worker and its evaluator with it', { start: false }, async scene => {
	const slow = slow_evaluator(scene.dir);
	scene.configure({ evaluate: { evaluator: slow.file, sandbox: 'off' } });
	await scene.bot.start();
	const { pull } = await scene.open('games');
	await eventually('the evaluation has begun', () => slow.begun() > 0);
	const old = children_of(scene);
	// The one that evaluates cannot end by itself; one that waits for work may be gone by now.
	const stopped = old.filter(p => p.command === 'ekaci worker ').filter(p => {
		try { return process.kill(p.pid, 'SIGSTOP'); } catch { return false; }
	});
	ok(stopped.length > 0, 'a worker does nothing any more');
	const since = Date.now();
	await scene.bot.stop();
	process.stdout.write(`# it took ${Date.now() - since} ms\n`);
	await gone(old);
	slow.open();
	await scene.bot.start();
	equal((await finished(scene, pull.head.sha)).rebuilds.conclusion, 'success');
	await tidy(scene, pull);
});

scene_test('a database that lost its content: the bot does not begin anew, and says what to do', { start: false }, async scene => {
	const database = path.join(scene.dir, 'state/ekaci.db');
	await scene.bot.start();
	await scene.bot.stop();
	fs.writeFileSync(database, '');
	const why = await scene.bot.start().then(() => null, e => e);
	ok(why, 'it must not start');
	match(why.message, /ekaci\.db is empty, and was not before: `ekaci restore` puts a backup in its place; to begin with nothing, remove/);
	equal(fs.statSync(database).size, 0);
	fs.rmSync(database);
	await scene.bot.start();
});

scene_test('while building: only what was cut off is built again', {}, async scene => {
	await scene.github.do('commit', { repo: scene.repo, branch: 'slow', parent: 'refs/heads/main', files: {
		'pkgs/z/zinnia.nix': slow_package(scene.dir, 'zinnia'), 'pkgs/y/yarrow.nix': slow_package(scene.dir, 'yarrow') } });
	const { pull } = await scene.open('slow');
	open_build(scene.dir, 'yarrow');
	await eventually('zinnia is being built', () => builds_begun(scene.dir, 'zinnia') > 0);
	await eventually('yarrow is built', () => /yarrow-1\.0\.drv: built/.test(scene.bot.log_text()));
	const old = await crash(scene);
	ok(old.some(p => /builder\.sh/.test(p.command)), 'the builder was among them');
	open_build(scene.dir, 'zinnia');
	const { rebuilds } = await finished(scene, pull.head.sha);
	equal([rebuilds.conclusion, rebuilds.output.title], ['success', '2 added - all built']);
	equal([builds_begun(scene.dir, 'zinnia'), builds_begun(scene.dir, 'yarrow')], [2, 1]);
	await tidy(scene, pull);
});

for (const [what, method, route] of [
	['the first check run', 'POST', '/check-runs$'],
	['an update of a check run', 'PATCH', '/check-runs/\\d+$'],
	['the comment', 'POST', '/issues/\\d+/comments$'],
]) {
	scene_test(`between GitHub's doing and our noting it: ${what}`, { start: false }, async scene => {
		const slow = slow_evaluator(scene.dir);
		scene.configure({ evaluate: { evaluator: slow.file, sandbox: 'off' } });
		await scene.bot.start();
		await scene.github.do('fault', { method, route, when: 'after', hang: true });
		const { pull } = await scene.open('bump');
		// Made late, on a busy machine, a check run would be made complete and need no update.
		if (method === 'PATCH')
			await scene.until_check(pull.head.sha, c => c.status !== 'completed', { name: NAMES[1] });
		slow.open();
		await struck(scene);
		await crash(scene);
		equal((await finished(scene, pull.head.sha)).rebuilds.conclusion, 'failure');
		await tidy(scene, pull);
		match((await scene.comments(pull.number))[0].body, /nettle/);
	});
}

scene_test('a reaction and an answer, lost in the same way: there once', {}, async scene => {
	const { pull } = await scene.open('docs');
	await finished(scene, pull.head.sha);
	await scene.github.do('fault', { method: 'POST', route: '/reactions$', when: 'after', drop: true });
	await scene.github.do('fault', { method: 'POST', route: '/comments$', when: 'after', drop: true });
	const { comment } = await scene.say(pull.number, '/ekaci help');
	await eventually('the answer is there', async () => (await scene.comments(pull.number)).length > 0);
	await scene.bot.restart();
	await delivered(scene);
	const all = await scene.github.ask('comments', { repo: scene.repo, number: pull.number });
	equal(all.find(c => c.id === comment.id).reactions.length, 1);
	equal((await scene.comments(pull.number)).length, 1);
});

scene_test('every answer of GitHub to a write is lost once: nothing twice', {}, async scene => {
	for (const [method, route] of [['POST', '/check-runs$'], ['POST', '/check-runs$'], ['PATCH', '/check-runs/'],
		['POST', '/comments$'], ['PATCH', '/issues/comments/']])
		await scene.github.do('fault', { method, route, when: 'after', drop: true });
	const { pull } = await scene.open('bump');
	const { rebuilds } = await finished(scene, pull.head.sha);
	equal(rebuilds.conclusion, 'failure');
	await tidy(scene, pull);
	match((await scene.comments(pull.number))[0].body, /nettle/);
});

scene_test('at moments nobody chose, ten times: the same report as without', {}, async scene => {
	const { pull } = await scene.open('bump');
	for (let n = 0; n < 10; n++) {
		await new Promise(resolve => setTimeout(resolve, 150 + 170 * n));
		await crash(scene);
	}
	const { evaluation, rebuilds } = await finished(scene, pull.head.sha);
	equal([evaluation.conclusion, rebuilds.conclusion], ['failure', 'failure']);
	const report = await report_of(scene, rebuilds);
	equal(report.attributes.filter(a => a.build && a.build.state !== 'built').map(a => [a.path[0], a.build.state,
		a.build.blame]), [['nettle', 'failed', 'newly_failing'], ['oakmoss', 'dependency_failed', 'newly_failing']]);
	equal(row_of(report, 'libaster').radius.derivations, 14);
	await tidy(scene, pull);
	equal((await scene.checks(pull.head.sha)).map(c => c.name).sort(), NAMES);
	equal(await figure(scene, 'builds_running'), 0);
});

await run({ limit_ms: 100000, at_once: 4 });
