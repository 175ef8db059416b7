// Nothing is lost: what GitHub refuses is parked where people see it and taken up again, and comparing with GitHub costs little.
// What an outage, a lagging replica or a killed worker does to a pull request: tests/e2e/scenarios.

import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { equal, match, ok, program, run } from './lib.js';
import { eventually, figure, finished, scene_test } from './scenes.js';
import { clock_library } from './world.js';

const RATE = 20;
const DAY_S = 24 * 3600;

// The bot and the stand-in on a clock that runs fast, so that two minutes are six seconds.
async function start_fast(scene)
{
	const real_ms = Date.now();
	const mono_ms = Math.floor(Number(process.hrtime.bigint()) / 1e6);
	await scene.github.do('clock', { rate: RATE, from_ms: real_ms });
	Object.assign(scene.bot.env, { LD_PRELOAD: clock_library(), EKACI_TEST_CLOCK: `${RATE} ${real_ms} ${mono_ms}`,
		...(/san-/.test(program) ? { ASAN_OPTIONS: 'verify_asan_link_order=0' } : {}) });
	await scene.bot.start();
}

const status = scene => spawnSync(program, ['status', '--config', path.join(scene.dir, 'ekaci.toml')], { encoding: 'utf8' });
const asked = async scene => (await scene.github.ask('requests')).filter(r => r.route !== 'git').length;
const compared = scene => eventually('it has compared', async () => await figure(scene, 'comparisons_total') > 0, 120000);
const changed = scene => scene.github.do('installation_change', { installation: scene.installation.id,
	action: 'new_permissions_accepted' });

scene_test('checks are refused for good: parked, told by status, /readyz, a metric and the log; taken up when a permission is given',
	{ start: false }, async scene => {
		await start_fast(scene);
		equal((await scene.bot.get('/readyz')).text, 'ready\n');
		await scene.github.do('fault', { method: 'POST', route: '/check-runs$', status: 403, times: -1,
			body: { message: 'Resource not accessible by integration' } });
		const { pull } = await scene.open('games');
		await eventually('it is parked', async () => await figure(scene, 'send_parked') === 2, 120000);
		await eventually('the queue is empty', async () => await figure(scene, 'send_queue') === 0, 120000);
		const ready = await scene.bot.get('/readyz');
		equal([ready.status, ready.text], [200, 'ready\nparked, because the forge refuses it: 2 (see ekaci status)\n']);
		const told = status(scene);
		equal([told.status, told.stderr], [0, '']);
		match(told.stdout, /2 things are parked, because the forge refuses them/);
		match(told.stdout, /org\/demo check\/.*rebuilds, for \d+ (s|min \d+ s): GitHub: 403 Resource not accessible by integration/);
		match(scene.bot.log_text(), /warning: check\/.*evaluation is parked: GitHub: 403/);
		await scene.github.do('faults_clear');
		await changed(scene);
		const { rebuilds } = await finished(scene, pull.head.sha);
		equal(rebuilds.conclusion, 'success');
		await eventually('nothing is parked', async () => await figure(scene, 'send_parked') === 0);
		ok(!/parked/.test(status(scene).stdout));
	});

scene_test('500 open pull requests: all are read once, and a request when nothing has changed', { start: false }, async scene => {
	const { github, repo } = scene;
	await github.do('clock', { offset_s: -40 * DAY_S });		// so old that what is not known is left alone
	for (let n = 0; n < 500; n++)
		await github.do('pull', { repo, head: 'docs', title: `Number ${n}`, deliver: false });
	await github.do('clock', { offset_s: 0 });
	await scene.bot.start();
	let before = await asked(scene);
	await changed(scene);
	await eventually('all are read', async () => (await github.ask('requests')).some(r => /matching-refs/.test(r.path))
		&& await figure(scene, 'comparisons_total') > 1, 120000);
	const first = await asked(scene) - before;
	ok(first <= 20, `${first} requests at first`);
	await scene.bot.kill();
	before = await asked(scene);
	await scene.bot.start();
	const began = Date.now();
	await compared(scene);
	const again = await asked(scene) - before;
	process.stdout.write(`# 500 open pull requests: ${first} requests at first; ${again} on start when nothing changed, ${Date.now() - began} ms\n`);
	ok(again <= 12, `${again} requests`);
	equal(await figure(scene, 'compared_found_total'), 0);
	await scene.bot.kill();
	await github.do('pull_change', { repo, number: 17, action: 'closed', deliver: false });
	const { pull } = await github.do('pull', { repo, head: 'games', deliver: false });
	before = await asked(scene);
	await scene.bot.start();
	equal((await finished(scene, pull.head.sha)).rebuilds.conclusion, 'success');
	equal(await figure(scene, 'compared_found_total'), 1);
});

run({ limit_ms: 240000 });
