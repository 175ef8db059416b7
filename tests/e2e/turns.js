// Whose turn it is: while bots' pull requests are evaluated and wait, a person's comes first.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { equal, run } from './lib.js';
import { eventually, finished, scene_test, slow_evaluator } from './scenes.js';

scene_test("a person's pull request is evaluated before those of bots, also before the one that is being evaluated", { start: false }, async scene => {
	const slow = slow_evaluator(scene.dir);
	scene.configure({ evaluate: { evaluator: slow.file, sandbox: 'off' }, build: { enabled: false } });
	slow.open();
	await scene.bot.start();
	// The base is evaluated: nobody waits for it any more.
	await finished(scene, (await scene.open('bump')).pull.head.sha);
	fs.rmSync(path.join(scene.dir, 'gate'));
	const before = slow.begun();
	const bots = [];
	for (const branch of ['evalfail', 'exempt', 'hostile'])
		bots.push((await scene.open(branch, { user: 'deps[bot]' })).pull);
	await eventually('a bot is evaluated', () => slow.begun() > before);
	const { pull: person } = await scene.open('wide', { user: 'ada' });
	await eventually('it makes way', () => new RegExp(`the bot's evaluation waits for pull request ${person.number}\\b`).test(scene.bot.log_text()));
	slow.open();
	for (const pull of [person, ...bots])
		await finished(scene, pull.head.sha);
	const order = execFileSync('sqlite3', ['-cmd', '.timeout 20000', path.join(scene.dir, 'state/ekaci.db'),
		"SELECT r.number FROM run_event e JOIN run r ON r.id = e.run WHERE e.to_state = 'evaluated' AND r.number > 1 ORDER BY e.id"], { encoding: 'utf8' }).trim().split('\n').map(Number);
	equal([order[0], order.length], [person.number, 4]);
	equal(scene.bot.log_text().match(/the bot's evaluation waits/g).length, 1);
});

await run();
