// One archive of a bot that runs, and an empty machine made from it: what was under way goes on, old reports are there, nothing
// stands twice at GitHub, whatever was made there after the archive.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { equal, match, ok, program, run, test } from './lib.js';
import { children_of, eventually, finished, gone, NAMES, page_of, scene_test, slow_evaluator, tidy } from './scenes.js';

const call = (scene, ...words) => {
	const r = spawnSync(program, words, { cwd: scene.dir, encoding: 'utf8', env: { ...process.env, EKACI_CONFIG: scene.bot.config_file } });
	return { status: r.status, out: r.stdout, err: r.stderr };
};

scene_test('after kill -9 and on another folder: what was evaluated goes on, old reports are there, nothing is there twice', { start: false }, async scene => {
	const slow = slow_evaluator(scene.dir);
	scene.configure({ evaluate: { evaluator: slow.file, sandbox: 'off' } });
	await scene.bot.start();
	slow.open();
	const old = (await scene.open('games')).pull;
	const before = await finished(scene, old.head.sha);
	const page = await scene.bot.get(page_of(before.rebuilds));
	equal(page.status, 200);
	fs.rmSync(path.join(scene.dir, 'gate'));
	const begun = slow.begun();

	const { pull } = await scene.open('bump');
	await eventually('the evaluation has begun', () => slow.begun() > begun);
	const file = path.join(scene.dir, 'ekaci.tar.zst');
	const made = call(scene, 'backup', file);
	equal([made.status, made.out], [0, ''], made.err);
	match(call(scene, 'restore', file).err, /ekaci\.db is there already, and nothing is written over: move \S+ away first/);

	// Made after the archive: check runs and an answer that it does not know of, and a whole pull request.
	const late = (await scene.open('docs')).pull;
	await finished(scene, late.head.sha);
	await scene.say(pull.number, '/ekaci help');
	await eventually('the answer is there', async () => (await scene.comments(pull.number)).some(c => c.body.startsWith('<!-- ekaci:answer')));

	const children = children_of(scene);
	await scene.bot.kill();
	await gone(children);
	fs.rmSync(path.join(scene.dir, 'state'), { recursive: true });
	scene.configure({ state: { dir: path.join(scene.dir, 'elsewhere') } });
	const back = call(scene, 'restore', file);
	equal([back.status, back.err], [0, '']);
	match(back.out, /^\d+ files are in \S+\/elsewhere: 2 runs, of which 1 was under way and begins again when the bot starts\.\n$/);
	equal(fs.readdirSync(path.join(scene.dir, 'elsewhere')).sort(), ['ekaci.db', 'lock', 'logs', 'runs']);

	slow.open();
	await scene.bot.start();
	const { evaluation, rebuilds } = await finished(scene, pull.head.sha);
	equal([evaluation.conclusion, rebuilds.conclusion], ['failure', 'failure']);
	equal((await scene.bot.get(page_of(before.rebuilds))).text, page.text.replaceAll(`${scene.dir}/state/`, `${scene.dir}/elsewhere/`), 'the old page');
	equal((await scene.bot.get(`${new URL(before.rebuilds.details_url).pathname}/report.json`)).status, 200);
	const log = fs.readdirSync(path.join(scene.dir, 'elsewhere/logs')).find(f => /games|chess|\.drv/.test(f));
	ok(log, 'logs of builds are there');
	equal((await scene.bot.get(`/log/${log.replace(/\.zst$/, '')}`)).status, 200, log);
	// What the bot was never told of, it asks for when it starts.
	await finished(scene, late.head.sha);
	await tidy(scene, pull);
	await tidy(scene, late, { comments: (await scene.comments(late.number)).length });
	for (const head of [old.head.sha, late.head.sha, pull.head.sha])
		equal((await scene.checks(head)).map(c => c.name).sort(), NAMES, head);
	equal((await scene.comments(pull.number)).filter(c => c.body.startsWith('<!-- ekaci:answer')).length, 1, 'one answer');
});

scene_test('what is no archive, or half of one, or leads elsewhere, restores nothing', {}, async scene => {
	await finished(scene, (await scene.open('docs')).pull.head.sha);
	const file = path.join(scene.dir, 'good.tar.zst'), bad = path.join(scene.dir, 'bad'), state = path.join(scene.dir, 'state');
	equal(call(scene, 'backup', '--no-logs', file).status, 0);
	equal(call(scene, 'backup', '-').status, 0);
	await scene.bot.stop();
	fs.rmSync(state, { recursive: true });
	const refused = (bytes, why) => {
		fs.writeFileSync(bad, bytes);
		const { status, err } = call(scene, 'restore', bad);
		equal(status, 2, err);
		match(err, why);
		equal(fs.readdirSync(state), ['lock'], err);
	};
	const good = fs.readFileSync(file);
	refused('', /ends before its end/);
	refused('no archive at all, but long enough for one', /this is no archive of ekaci/);
	refused(good.subarray(0, good.length - 1), /ends before its end/);
	refused(good.subarray(0, good.length / 2), /ends before its end|broken/);
	const flipped = Buffer.from(good);
	flipped[good.length - 2] ^= 1;
	refused(flipped, /broken/);
	// By tar itself, with what a stranger would try.
	const folder = path.join(scene.dir, 'made');
	const tar = (...args) => {
		const { status, stdout, stderr } = spawnSync('tar', ['-C', folder, '--zstd', '-cf', '-', ...args], { maxBuffer: 1 << 26 });
		equal(status, 0, String(stderr));
		return stdout;
	};
	fs.mkdirSync(path.join(folder, 'runs/1'), { recursive: true });
	fs.writeFileSync(path.join(folder, 'ekaci-backup'), '{"ekaci_backup":1,"state_dir":"/x"}\n');
	fs.writeFileSync(path.join(folder, 'x'), 'x');
	fs.symlinkSync('/etc', path.join(folder, 'runs/link'));
	refused(tar('x'), /this is no archive that ekaci backup wrote/);
	refused(tar('ekaci-backup', 'runs/link'), /something that is no plain file/);
	refused(tar('--transform=s,^x$,runs/../../x,', '-P', 'ekaci-backup', 'x'), /a name that leads elsewhere/);
	refused(tar('--transform=s,^x$,/tmp/x,', '-P', 'ekaci-backup', 'x'), /a name that leads elsewhere/);
	refused(tar('ekaci-backup', 'x'), /a file that is nobody's: x/);
	refused(tar('ekaci-backup', 'runs/1'), /the archive holds no database/);
	fs.writeFileSync(path.join(folder, 'ekaci-backup'), '{"ekaci_backup":2}\n');
	refused(tar('ekaci-backup'), /written by a newer ekaci/);
	equal(call(scene, 'restore', file).status, 0);
	equal(call(scene, 'restore', file).status, 2);
	await scene.bot.start();
	equal((await scene.bot.get('/run/1')).status, 200);
});

await run({ limit_ms: 150000, at_once: 2 });
