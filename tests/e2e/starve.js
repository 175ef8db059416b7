// Who wants to keep everybody else waiting: endless evaluations, pushes without end; and who is kept waiting by people who are trusted.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { equal, match, ok, run } from './lib.js';
import { children_of, delivered, eventually, finished, NAMES, scene_test, slow_evaluator } from './scenes.js';

const asked = (scene, sql) => execFileSync('sqlite3', ['-readonly', '-cmd', '.timeout 20000', path.join(scene.dir, 'state/ekaci.db'), sql],
	{ encoding: 'utf8' }).trim();

// 10^12 steps in little memory: nobody waits for its end.
const ENDLESS = `let
  l = builtins.genList (x: x) 10000;
  walk = f: a: builtins.foldl' f a l;
  endless = walk (a: _: walk (b: _: walk (c: _: c + 1) b) a) 0;
in
builtins.seq endless { }
`;

const open_endless = async (scene, branch) => {
	await scene.github.do('repository', { full_name: 'stranger/demo', fork_of: scene.repo });
	await scene.github.do('commit', { repo: 'stranger/demo', branch, parent: 'refs/heads/main',
		files: { 'default.nix': ENDLESS } });
	return scene.open(branch, { head_repo: 'stranger/demo', author_association: 'NONE', user: 'stranger' });
};

// The worker that has the stranger's head, once its base is evaluated: the check says which side.
const evaluating = (scene, sha) => scene.until_check(sha, c => c.status !== 'completed' && /head/.test(c.output?.title +
	c.output?.summary), { name: NAMES[0] });

for (const [what, at_once] of [['beside it', 2], ['in its place, where there is room for one', 1]])
	scene_test(`an outsider's endless evaluation: a trusted pull request is evaluated ${what}`,
		{ config: { evaluate: { at_once, timeout_s: 3600, outside_timeout_s: 3600 } } }, async scene => {
			const { pull } = await open_endless(scene, 'endless');
			await eventually('it is being evaluated', () => children_of(scene).some(p => /eval-jobs/.test(p.command)));
			await evaluating(scene, pull.head.sha);
			const { pull: mine } = await scene.open('games');
			const { rebuilds } = await finished(scene, mine.head.sha, { limit_ms: 120000 });
			equal(rebuilds.conclusion, 'success');
			ok((await scene.checks(pull.head.sha)).every(c => c.status !== 'completed'), 'the other one goes on');
			await scene.github.do('pull_change', { repo: scene.repo, number: pull.number, action: 'closed' });
			await eventually('nothing runs any more', () => children_of(scene).every(p => !/eval-jobs/.test(p.command)));
		});

scene_test('an outsider\'s endless evaluation ends after outside_timeout_s, and says who could give it more',
	{ config: { evaluate: { outside_timeout_s: 2 } } }, async scene => {
		const { pull } = await open_endless(scene, 'endless');
		const { evaluation } = await finished(scene, pull.head.sha);
		equal(evaluation.conclusion, 'failure');
		match(evaluation.output.summary + evaluation.output.text, /outside_timeout_s.*approves it, 3600 s/s);
	});

scene_test('an outsider is passed over so often, and not for ever, where there is room for one', { start: false }, async scene => {
	const slow = slow_evaluator(scene.dir);
	const change = (branch, repo = scene.repo) => scene.github.do('commit', { repo, branch, parent: 'refs/heads/main',
		files: { 'pkgs/n/new.nix': `{ package }:\n\npackage { pname = "${branch}"; version = "1"; }\n` } });
	scene.configure({ evaluate: { evaluator: slow.file, sandbox: 'off' }, build: { enabled: false } });
	slow.open();
	await scene.bot.start();
	await finished(scene, (await scene.open('bump')).pull.head.sha); // now the base is evaluated
	fs.rmSync(path.join(scene.dir, 'gate'));
	const before = slow.begun();
	for (let i = 0; i < 10; i++) {
		await change(`mine${i}`);
		await scene.open(`mine${i}`);
		if (i === 0)
			await eventually('one is being evaluated', () => slow.begun() > before);
	}
	await scene.github.do('repository', { full_name: 'stranger/demo', fork_of: scene.repo });
	await change('theirs', 'stranger/demo');
	const { pull } = await scene.open('theirs', { head_repo: 'stranger/demo', author_association: 'NONE', user: 'stranger' });
	await eventually('all wait', () => asked(scene, "SELECT count(*) FROM run WHERE state = 'planned'") === '11');
	slow.open();
	await eventually('all are evaluated', () => asked(scene, "SELECT count(*) FROM run_event WHERE to_state = 'evaluated'") === '12', 50000);
	const order = asked(scene, `SELECT r.number = ${pull.number} FROM run_event e JOIN run r ON r.id = e.run
		WHERE e.to_state = 'evaluated' AND r.number > 1 ORDER BY e.id`).split('\n');
	equal([order.length, order.indexOf('1')], [11, 9], 'the one under way, eight more, then the outsider');
});

scene_test('a storm of pushes: what is replaced before it was posted is never posted, and the newest head is next', {}, async scene => {
	const push = n => scene.github.do('commit', { repo: scene.repo, branch: 'storm', ...n === 0 ? { parent: 'refs/heads/main' } : {},
		files: { 'README.md': `${n}\n` } });
	const all = async heads => (await Promise.all(heads.map(h => scene.checks(h)))).flat();
	const replaced = [(await push(0)).after];
	await scene.github.do('fault', { method: 'POST', route: '/check-runs$', delay_ms: 3000, times: -1 });
	await scene.open('storm');
	await scene.until('faults', {}, faults => faults[0].hits > 0);
	for (let n = 1; n < 25; n++)
		replaced.push((await push(n)).after);
	const newest = replaced.pop();
	await eventually('all but the newest have ended', () => asked(scene, `SELECT count(*) = 0 AND
		(SELECT count(*) FROM run WHERE head = '${newest}') > 0 FROM run
		WHERE number > 0 AND head <> '${newest}' AND (ended = 0 OR reported < changes)`) === '1', 90000);
	// A run may also have come to its end before it was replaced.
	const superseded = asked(scene, "SELECT head FROM run WHERE number > 0 GROUP BY head HAVING min(state = 'superseded')").split('\n');
	const heads_of = checks => new Set(checks.map(c => c.head_sha));
	const seen = heads_of(await all(replaced));
	await scene.github.do('faults_clear');
	await finished(scene, newest);
	await delivered(scene);
	const posted = await all(replaced);
	ok([...heads_of(posted)].filter(h => !seen.has(h) && superseded.includes(h)).length <= 1, 'none is begun, but what was on its way');
	ok(posted.every(c => c.status === 'completed'), 'what stands there is concluded');
	ok(heads_of(posted).size < replaced.length, 'most of them have nothing');
	equal((await scene.checks(newest)).map(c => c.name).sort(), NAMES);
});

run();
