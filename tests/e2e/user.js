// The bot as its systemd unit runs it: a user who owns nothing of Nix, beside a nix-daemon of root's. The daemon is a
// real one, in a mount namespace with a socket folder of its own; the bot enters that namespace.

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { begin, equal, match, nix_config, ok, program, run, test } from './lib.js';
import { children_of, eventually, finished, report_of, row_of, state_files, tidy } from './scenes.js';

const NOBODY = 65534;
const socket = '/nix/var/nix/daemon-socket';
const why_not = () => {
	if (process.getuid() !== 0)
		return 'not root';
	const tried = spawnSync('unshare', ['-m', 'sh', '-c',
		`nix-daemon --version && setpriv --reuid=${NOBODY} --regid=${NOBODY} --clear-groups true`]);
	return tried.status === 0 ? null : 'no mount namespace, setpriv or nix-daemon here';
};

// The user need not be able to read where we were built.
function install(dir)
{
	for (const file of ['ekaci', 'nixlines.so'])
		fs.copyFileSync(path.join(path.dirname(program), file), path.join(dir, file));
	fs.chmodSync(dir, 0o755);
	return path.join(dir, 'ekaci');
}

async function start_daemon(dir)
{
	if (!fs.existsSync(socket)) {
		fs.mkdirSync(socket, { recursive: true });
		process.on('exit', () => fs.rmdirSync(socket));
	}
	const log = fs.openSync(path.join(dir, 'daemon.log'), 'a');
	const daemon = spawn('unshare', ['-m', 'sh', '-c', `mount -t tmpfs -o mode=755 none ${socket} && exec nix-daemon`],
		{ stdio: ['ignore', log, log], env: { ...process.env, NIX_CONFIG: nix_config } });
	process.on('exit', () => daemon.kill('SIGKILL'));
	await eventually('the daemon listens', () => fs.existsSync(`/proc/${daemon.pid}/root${socket}/socket`));
	return daemon;
}

const skipped = why_not();
test(`a whole pull request by a user beside a nix-daemon${skipped ? ` # SKIP ${skipped}` : ''}`, async () => {
	if (skipped)
		return;
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-user-'));
	const installed = install(dir), daemon = await start_daemon(dir);
	const as_user = ['nsenter', '-t', String(daemon.pid), '-m', 'setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`,
		'--clear-groups', '--inh-caps=-all', 'env', '-i', 'PATH=/usr/local/bin:/usr/bin:/bin', `HOME=${dir}/none`];
	const scene = await begin({ start: false, command: [...as_user, installed] });
	try {
		execFileSync('chown', ['-R', `${NOBODY}:${NOBODY}`, scene.dir]);
		await scene.bot.start();
		match(fs.readFileSync(`/proc/${scene.bot.child.pid}/status`, 'utf8'), /^Uid:\t65534\t65534\t65534/m);
		const told = spawnSync(as_user[0], [...as_user.slice(1), 'touch', '/nix/store/x', '/nix/var/nix/x'], { encoding: 'utf8' });
		match(told.stderr, /denied[^]*denied/i, 'who may not write the store');

		const { pull } = await scene.open('bump');
		const { evaluation, rebuilds } = await finished(scene, pull.head.sha);
		match(rebuilds.output.title, /^16 rebuilds, 1 added, 1 removed, 1 fixed - 2 newly failing$/);
		const report = await report_of(scene, rebuilds), build = name => row_of(report, name).build;
		equal(report.evaluations.map(e => [e.side, e.complete, e.sandbox]), [['base', true, 'bubblewrap'], ['head', true, 'bubblewrap']]);
		equal([build('libaster').state, build('nettle').state, build('nettle').blame], ['built', 'failed', 'newly_failing']);
		match(build('nettle').tail, /nettle\.c:3: error: it stings/);
		equal(evaluation.conclusion, 'failure');
		await tidy(scene, pull);
		const log = new URL(build('nettle').log_url);
		match((await scene.bot.get(log.pathname + log.search)).text, /it stings/);
		match(scene.bot.log_text(), /evaluations: sandbox bubblewrap$/m);
		match(scene.bot.log_text(), /run 1: head of \S+ is evaluated, \d+ rows in \d+ ms by ekaci .*, sandbox bubblewrap$/m);

		// What evaluations read is noted where anybody may mount something of his own.
		const mounts = spawnSync(as_user[0], [...as_user.slice(1), 'sh', '-c', 'exec 3<>/dev/fuse && unshare -Um true']).status === 0;
		equal(state_files(scene, 'evals').some(name => name.endsWith('.reads.zst')), mounts);

		// What it leaves: nothing that runs, no root of the run, and what was built stays known to the daemon.
		await eventually('nothing runs on', () => children_of(scene).length === 0);
		equal(state_files(scene, 'gcroots').filter(name => name.startsWith('run-')), []);
		const out = row_of(report, 'libaster').head.outputs.out;
		const roots = spawnSync('nix-store', ['-q', '--roots', out], { encoding: 'utf8', env: { ...process.env, NIX_CONFIG: nix_config } });
		ok(roots.stdout.includes(path.join(scene.dir, 'state/gcroots/builds')), `a root holds what was built: ${roots.stdout}${roots.stderr}`);
	} catch (e) {
		await scene.end().catch(() => {});
		throw e;
	} finally {
		daemon.kill('SIGKILL');
		fs.rmSync(dir, { recursive: true, force: true });
	}
	await scene.end();
});
await run({ limit_ms: 120000 });
