// The bot on a deployed machine: operators' commands find it without a secret, by the database or by the bot's socket; and what it
// says to systemd, and systemd to it, with a listener of our own instead of systemd.

import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { begin, equal, match, ok, program, run, test } from './lib.js';
import { eventually, finished } from './scenes.js';

const BOT = 61001, GROUP = 61002, OPERATOR = 61003, STRANGER = 61004;
const as = (uid, gid) => ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'];
const is_root = process.getuid() === 0;

// The program where any user may run it.
function install(dir)
{
	for (const file of ['ekaci', 'nixlines.so'])
		fs.copyFileSync(path.join(path.dirname(program), file), path.join(dir, file));
	fs.chmodSync(dir, 0o755);
	return path.join(dir, 'ekaci');
}

const skipped = is_root ? '' : ' # SKIP not root: other users are needed';
test(`each operator's command works for root and the bot's group, without a secret, and a stranger is told who may${skipped}`, async () => {
	if (skipped)
		return;
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-operators-'));
	const ekaci = install(dir);
	const scene = await begin({ start: false, command: [...as(BOT, GROUP), ekaci] });
	const call = (who, ...words) => {
		const [first, ...rest] = [...who, ekaci, ...words];
		const r = spawnSync(first, rest, { cwd: '/', encoding: 'utf8', timeout: 30000,
			env: { PATH: process.env.PATH, EKACI_CONFIG: scene.bot.config_file } });
		return { status: r.status, out: r.stdout, err: r.stderr };
	};
	const root = [], operator = as(OPERATOR, GROUP), stranger = as(STRANGER, STRANGER);
	try {
		// As the unit has it: secrets are credentials, which only the service gets.
		const credentials = path.join(scene.dir, 'credentials');
		fs.mkdirSync(credentials, { mode: 0o700 });
		fs.renameSync(path.join(scene.dir, 'app.pem'), path.join(credentials, 'private-key'));
		fs.renameSync(path.join(scene.dir, 'webhook-secret'), path.join(credentials, 'webhook-secret'));
		scene.configure({ github: { private_key_file: '$private-key', webhook_secret_file: '$webhook-secret' } });
		scene.bot.env = { CREDENTIALS_DIRECTORY: credentials };
		fs.mkdirSync(path.join(scene.dir, 'state'), { mode: 0o750 });
		spawnSync('chown', ['-R', `${BOT}:${GROUP}`, scene.dir]);
		fs.chmodSync(scene.dir, 0o755);
		equal(call(root, 'status').err, `ekaci: ${scene.dir}/state/ekaci.db is not there: the bot has not run yet (its settings are ${scene.bot.config_file})\n`);

		process.umask(0o077);
		await scene.bot.start();
		process.umask(0o022);
		const { pull } = await scene.open('docs');
		await finished(scene, pull.head.sha);

		for (const who of [root, operator]) {
			const told = call(who, 'status');
			equal([told.status, told.err], [0, ''], told.err);
			match(told.out, /^The bot runs \(process \d+\), its state is in \S+\/state\.$/m);
			match(told.out, /^0 runs under way$/m);
			const now = JSON.parse(call(who, 'status', '--json').out);
			equal([now.running, now.process, now.runs, now.building], [true, scene.bot.child.pid, [], []]);
			match(call(who, 'run', '1').out, /^run 1 of org\/demo#1, [0-9a-f]{12}: done$/m);
			const whole = JSON.parse(call(who, 'run', '--json', '1').out);
			equal([whole.run, whole.repository, whole.number, whole.state, whole.events.at(-1).to, whole.builds], [1, 'demo', 1, 'done', 'done', []]);
			equal(call(who, 'run', '99').status, 1);
			match(call(who, 'status', '--why', 'nothing-like-it.drv').err, /no run wanted/);
		}
		match(call(operator, 'approve', 'org/demo#1').out, /^The head is [0-9a-f]{40}\.\nThe bot has been told\.$/m);
		equal(call(operator, 'retry', '1').out, 'The bot has been told.\n');
		await eventually('the head is looked at again', () => /^run 3 .*: done$/m.test(call(operator, 'run', '3').out) ||
			/^run 2 .*: done$/m.test(call(operator, 'run', '2').out));

		// Through the socket, too, the file is the operator's own, and nothing is written over.
		const mine = path.join(dir, 'mine');
		fs.mkdirSync(mine);
		fs.chownSync(mine, OPERATOR, GROUP);
		const made = call(operator, 'backup', path.join(mine, 'a.tar.zst'));
		equal([made.status, made.out], [0, ''], made.err);
		match(made.err, /^\d+ files and the database, \d+\.\d MiB before they were packed\n/);
		equal(fs.statSync(path.join(mine, 'a.tar.zst')).uid, OPERATOR);
		const names = spawnSync('tar', ['--zstd', '-tf', path.join(mine, 'a.tar.zst')], { encoding: 'utf8' }).stdout.trim().split('\n');
		equal([names[0], names.at(-1)], ['ekaci-backup', 'ekaci.db']);
		equal(fs.readdirSync(path.join(scene.dir, 'state')).filter(f => f.startsWith('backup')), []);
		match(call(operator, 'backup', path.join(mine, 'a.tar.zst')).err, /is there already, and nothing is written over/);
		equal(call(operator, 'backup', '--force', path.join(mine, 'a.tar.zst')).status, 0);

		const refused = call(stranger, 'status');
		equal([refused.status, refused.out], [2, '']);
		match(refused.err, /may neither read the bot's database in \S+ nor ask the bot: root, the user 61001 and the group 61002 may/);
		equal(call(stranger, 'retry', '1').status, 2);
		match(scene.bot.log_text(), /control: user 61003 asks for retry/);

		// /etc/ekaci/ekaci.toml is found where nothing is named, whatever lies in the current folder.
		const etc = `mount -t tmpfs -o mode=755 none /etc && mkdir /etc/ekaci && cp ${scene.bot.config_file} /etc/ekaci/ && exec env -u EKACI_CONFIG "$@"`;
		fs.writeFileSync(path.join(mine, 'ekaci.toml'), '[nonsense]\n');
		const found = spawnSync('unshare', ['-m', 'sh', '-c', etc, 'sh', ...operator, ekaci, 'status'], { cwd: mine, encoding: 'utf8' });
		match(found.stdout, /^The bot runs/, found.stderr);

		await scene.bot.stop();
		ok(!fs.existsSync(path.join(scene.dir, 'state/control')), 'the socket goes with the bot');
		match(call(root, 'status').out, /^The bot does not run; its state is in/);
		match(call(root, 'retry', '1').out, /^The bot does not run now; it will obey when it starts\.$/m);
		match(call(operator, 'status').err, /the bot does not run, and this user may not read its database/);
		equal(fs.readdirSync(path.join(scene.dir, 'state')).filter(f => fs.statSync(path.join(scene.dir, 'state', f)).uid !== BOT), [],
			'root leaves nothing that the bot may not open');
	} finally {
		await scene.end();
		fs.rmSync(dir, { recursive: true });
	}
});

test('what comes by the socket that is no command of an operator\'s is refused, and the bot goes on', async () => {
	const scene = await begin();
	// Words, and no descriptors: those only ekaci itself sends along.
	const say = words => spawnSync('perl', ['-MSocket', '-e', `socket(my $s, AF_UNIX, 5, 0) or die; connect($s, pack_sockaddr_un($ARGV[0])) or die "$!";
my $m = $ARGV[1]; $m =~ tr/|/\\0/; send($s, $m, 0); shutdown($s, 1) if $m eq ""; recv($s, $m, 500, 0); print $m`,
	path.join(scene.dir, 'state/control'), words], { encoding: 'utf8', timeout: 20000 }).stdout;
	try {
		for (const words of ['status|', 'status', '|', 'worker|diff|', 'x'.repeat(20000) + '|', 'a|'.repeat(40)])
			equal(say(words), '2 that is no command line', words.slice(0, 40));
		equal(say(''), '', 'who says nothing gets nothing');
		equal((await scene.bot.get('/healthz')).status, 200);
		// What is not for the bot is refused before anything is asked.
		const { status, stderr } = spawnSync(program, ['backup', '--config', scene.bot.config_file, '--nonsense', 'x'], { cwd: scene.dir, encoding: 'utf8' });
		equal([status, stderr], [2, 'ekaci backup: there is no option --nonsense\nsee ekaci backup --help\n']);
		ok(!fs.existsSync(path.join(scene.dir, 'x')));
	} finally {
		await scene.end();
	}
});

// Datagrams to a socket, as systemd gets them: Node has none of that kind, perl has.
function listener(dir)
{
	const file = path.join(dir, 'notify');
	const said = [];
	const child = spawn('perl', ['-MIO::Socket::UNIX', '-e', `$|=1; my $s = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $ARGV[0]);
print "bound\\n"; my $m; while (defined $s->recv($m, 65536)) { $m =~ s/\\n/ | /g; print "$m\\n" }`, file], { stdio: ['ignore', 'pipe', 'inherit'] });
	let rest = '';
	child.stdout.on('data', text => {
		const lines = (rest + text).split('\n');
		rest = lines.pop();
		said.push(...lines);
	});
	process.on('exit', () => child.kill('SIGKILL'));
	return { file, said, child };
}

test('systemd is told READY, STATUS, WATCHDOG, RELOADING and STOPPING; SIGHUP changes settings; a wrong file is refused', async () => {
	const scene = await begin({ start: false });
	const heard = listener(scene.dir);
	await eventually('somebody listens', () => heard.said.includes('bound'));
	scene.bot.env = { NOTIFY_SOCKET: heard.file, WATCHDOG_USEC: '400000', NIX_CONFIG: '' };
	try {
		await scene.bot.start();
		await eventually('ready', () => heard.said.includes('READY=1'));
		equal(heard.said[1], 'READY=1');
		await eventually('alive, more than once', () => heard.said.filter(l => l === 'WATCHDOG=1').length > 2);
		ok(heard.said.some(l => /^STATUS=0 runs under way, 0 builds at work, 0 waiting$/.test(l)), heard.said.join('\n'));

		scene.configure({ trust: { forks: 'build' }, web: { listen: '127.0.0.1:1' } });
		scene.bot.child.kill('SIGHUP');
		await eventually('read again', () => /settings read again .*changed=1 wait_for_restart=1/.test(scene.bot.log_text()));
		match(scene.bot.log_text(), /info: \[trust\] forks has changed/);
		match(scene.bot.log_text(), /warning: \[web\] listen has changed, which takes effect when ekaci is started again/);
		await eventually('told', () => heard.said.filter(l => l === 'READY=1').length === 2);
		match(heard.said.find(l => l.startsWith('RELOADING')), /^RELOADING=1 \| MONOTONIC_USEC=\d+$/);

		const good = fs.readFileSync(scene.bot.config_file, 'utf8');
		fs.writeFileSync(scene.bot.config_file, good.replace('[trust]', '[trust]\nnonsense = 1'));
		scene.bot.child.kill('SIGHUP');
		await eventually('refused', () => heard.said.some(l => /READY=1 \| STATUS=The settings were not read again: .*ekaci\.toml:\d+:1: unknown key \[trust\] nonsense/.test(l)));
		match(scene.bot.log_text(), /error: the settings stay as they are: /);
		equal((await scene.bot.get('/healthz')).status, 200, 'it goes on');

		const begun = Date.now();
		await scene.bot.stop();
		ok(Date.now() - begun < 1000, `stopped after ${Date.now() - begun} ms`);
		await eventually('stopping', () => heard.said.some(l => l.startsWith('STOPPING=1')));
		// What is not the service does not speak for it.
		ok(!heard.said.some(l => /nix|worker/.test(l)));
	} finally {
		heard.child.kill();
		await scene.end();
	}
});

test('a socket that was opened for it is used, and who calls while it starts is answered', async () => {
	const scene = await begin({ start: false, config: { web: { listen: '127.0.0.1:1' } } });
	const server = net.createServer().listen(0, '127.0.0.1');
	await new Promise(resolve => server.once('listening', resolve));
	const { port } = server.address();
	try {
		const early = fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(20000) });
		const log = fs.openSync(scene.bot.log_file, 'a');
		// The descriptor is 3 in the child; node must not take the call itself.
		server._handle.onconnection = () => {};
		const bot = spawn('sh', ['-c', 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"', 'sh', program, 'serve', '--config', scene.bot.config_file],
			{ stdio: ['ignore', log, log, server._handle.fd], cwd: scene.dir });
		server.close();
		try {
			const ended = new Promise(resolve => bot.once('exit', resolve));
			const answer = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(20000) });
			equal(answer.status, 200, scene.bot.log());
			match(scene.bot.log_text(), /listening on the socket that was opened for us/);
			await early.catch(() => {});
			bot.kill('SIGTERM');
			equal(await ended, 0);
		} finally {
			bot.kill('SIGKILL');
		}
		const wrong = spawnSync('sh', ['-c', 'LISTEN_FDS=2 LISTEN_PID=$$ exec "$@"', 'sh', program, 'serve', '--config', scene.bot.config_file],
			{ encoding: 'utf8' });
		match(wrong.stderr, /2 sockets were opened for ekaci, which takes one/);
	} finally {
		await scene.end();
	}
});


// Nix that says nothing until it is let: a program of its own before it on PATH.
test('it is ready before Nix has said how it is set, takes deliveries and answers, and what came begins when Nix has', async () => {
	const scene = await begin({ start: false });
	const bin = path.join(scene.dir, 'bin'), let_go = path.join(scene.dir, 'let-go');
	const nix = spawnSync('sh', ['-c', 'command -v nix'], { encoding: 'utf8' }).stdout.trim();
	const state = () => spawnSync('sqlite3', ['-readonly', path.join(scene.dir, 'state/ekaci.db'), 'SELECT state FROM run'], { encoding: 'utf8' }).stdout.trim();
	try {
		fs.mkdirSync(bin);
		fs.writeFileSync(path.join(bin, 'nix'), `#!/bin/sh\nwhile [ ! -e '${let_go}' ]; do sleep 0.05; done\nexec '${nix}' "$@"\n`, { mode: 0o755 });
		scene.bot.env = { PATH: `${bin}:${process.env.PATH}` };
		await scene.bot.start();
		equal((await fetch(`${scene.bot.url}/readyz`)).status, 200);
		const { pull } = await scene.open('docs');
		await eventually('the delivery led to a run', () => state() !== '');
		equal((await fetch(`${scene.bot.url}/metrics`)).status, 200);
		equal(state(), 'accepted');
		ok(!/evaluations: sandbox/.test(scene.bot.log_text()), 'nothing was said of a sandbox', scene.bot.log_text());
		fs.writeFileSync(let_go, '');
		await finished(scene, pull.head.sha);
		match(scene.bot.log_text(), /evaluations: sandbox/);
	} finally {
		await scene.end();
	}
});
await run({ limit_ms: 90000 });
