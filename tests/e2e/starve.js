// Who wants to keep everybody else waiting: endless evaluations.

import { equal, match, ok, run } from './lib.js';
import { children_of, eventually, finished, NAMES, scene_test } from './scenes.js';

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

run();
