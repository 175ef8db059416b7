// `ekaci check-config` finds what would stop `ekaci serve`, each with what to do, and nothing where it would start.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { equal, match, nix_config, ok, program, run, test, toml } from './lib.js';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-check-'));
const at = name => path.join(dir, name);
fs.writeFileSync(at('key.pem'), '-----BEGIN RSA PRIVATE KEY-----\nx\n', { mode: 0o600 });
fs.writeFileSync(at('secret'), 'x\n', { mode: 0o600 });

const good = {
	web: { listen: '127.0.0.1:0', url: 'https://ci.example.org' }, state: { dir: at('state') },
	github: { app_id: '1', private_key_file: 'key.pem', webhook_secret_file: 'secret' },
	evaluate: { sandbox: 'off' },
};

// The answer for settings that differ from good ones; `before` are words in front of the program.
function check(changes = {}, { env = {}, before = [] } = {})
{
	const config = { ...good };
	for (const [section, keys] of Object.entries(changes))
		config[section] = { ...config[section], ...keys };
	fs.writeFileSync(at('ekaci.toml'), toml(config));
	const [first, ...rest] = [...before, program, 'check-config', at('ekaci.toml')];
	const r = spawnSync(first, rest, { encoding: 'utf8', timeout: 60000,
		env: { ...process.env, NIX_CONFIG: nix_config.replace('sandbox = false', 'sandbox = true'), ...env } });
	return { status: r.status, out: r.stdout, err: r.stderr };
}

test('what is right has no stop and no warning, and says what it comes to', () => {
	const { status, out, err } = check();
	equal([status, err], [0, '']);
	match(out, /ekaci\.toml: ok\n/);
	match(out, /^builder: this machine for \S+.*, \d+ at once$/m);
	match(out, /^evaluator: /m);
});

test('for programs the same as one line of JSON, what is wrong included', () => {
	const ask = (file, ...more) => spawnSync(program, ['check-config', '--json', file, ...more], { encoding: 'utf8', timeout: 60000,
		env: { ...process.env, NIX_CONFIG: nix_config.replace('sandbox = false', 'sandbox = true') } });
	const words = check();
	const good = ask(at('ekaci.toml')), is = JSON.parse(good.stdout);
	equal([good.status, good.stderr, is.ok, is.mistakes, is.stops, is.warnings], [0, '', true, [], [], []]);
	equal(is.facts, words.out.trim().split('\n').slice(1));
	const told = check({ github: { private_key_file: 'none.pem' } });
	const bad = ask(at('ekaci.toml')), stops = JSON.parse(bad.stdout);
	equal([bad.status, bad.stderr, stops.ok, stops.stops.length], [1, '', false, 1]);
	ok(told.err.includes(`stops ekaci: ${stops.stops[0]}\n`), told.err);
	fs.writeFileSync(at('rules.json'), '{ "jobs": { "x": 1 } }');
	const { mistakes } = JSON.parse(ask(at('rules.json')).stdout);
	equal([mistakes.length, mistakes[0].line], [1, 1]);
	equal(ask(at('nowhere.toml')).status, 2);
});

test('each thing that would stop it is found, with what to do', async () => {
	const taken = net.createServer().listen(0, '127.0.0.1');
	await new Promise(resolve => taken.once('listening', resolve));
	fs.writeFileSync(at('empty'), '\n', { mode: 0o600 });
	fs.writeFileSync(at('machines'), 'ssh://a x86_64-linux - many\n');
	fs.writeFileSync(at('file'), '');
	// Only git, or only Nix.
	for (const [name, programs] of [['no-git', ['nix', 'nix-store', 'nix-instantiate']], ['no-nix', ['git']]]) {
		fs.mkdirSync(at(name));
		for (const p of programs)
			fs.symlinkSync(spawnSync('sh', ['-c', `command -v ${p}`], { encoding: 'utf8' }).stdout.trim(), path.join(at(name), p));
	}
	for (const [changes, why, options] of [
		[{ github: { private_key_file: 'none.pem' } }, /\[github\] private_key_file: .*none\.pem.*must be there, and readable/],
		[{ github: { private_key_file: 'secret' } }, /holds no private key \(PEM\)/],
		[{ github: { webhook_secret_file: 'empty' } }, /webhook_secret_file: \S+ is empty/],
		[{ state: { dir: at('file') + '/state' } }, /\[state\] dir = .*may not write|cannot/],
		[{ state: { min_free_mb: 1099511627776 } }, /MiB are free, less than min_free_mb/],
		[{ web: { listen: `127.0.0.1:${taken.address().port}` } }, /the port is taken by another program \(ss -ltnp names it\)/],
		[{ web: { listen: '192.0.2.1:3030' } }, /no interface of this machine has that address/],
		[{ web: { listen: 'localhost:3030' } }, /must be given in numbers/],
		[{ build: { builders: '@' + at('machines') } }, /\[build\] builders: .*many/],
		[{ evaluate: { evaluator: at('none') } }, /\[evaluate\] evaluator = .*nothing can be evaluated/],
		[{}, /there is no git on PATH: install git/, { env: { PATH: at('no-git') } }],
		[{}, /there is no nix-store on PATH: install Nix, or put its folder on PATH/, { env: { PATH: at('no-nix') } }],
	]) {
		const { status, err } = check(changes, options);
		equal(status, 1, err);
		const line = err.split('\n').find(l => l.startsWith('stops ekaci: ') && why.test(l));
		ok(line, `${why} is not in\n${err}`);
	}
	taken.close();
});

test('each thing that people would miss is a warning, and stops nothing', () => {
	for (const [changes, why, options] of [
		[{ web: { url: 'http://ci.example.org' } }, /is not https/],
		[{ web: { url: undefined } }, /\[web\] url is not given/],
		[{}, /sandbox = false in Nix' settings/, { env: { NIX_CONFIG: nix_config } }],
		[{ build: { builders: '@' + at('no-machines') } }, /so there are no builders/],
	]) {
		const { status, err } = check(changes, options);
		equal(status, 0, err);
		ok(err.split('\n').some(l => l.startsWith('warning: ') && why.test(l)), `${why} is not in\n${err}`);
	}
	equal(check({ web: { url: 'http://localhost:3030' } }).err, '');
	fs.chmodSync(at('secret'), 0o644);
	match(check().err, /^warning: \[github\] webhook_secret_file: everybody on this machine may read/m);
	fs.chmodSync(at('secret'), 0o600);
});

const lines_of = (file, key) => fs.writeFileSync(at(file), `ssh://nix@far.example x86_64-linux ${key} 4 1\n`);

test('what a builder needs is looked at, each with what to do: its file, its key, whose the key is', () => {
	const with_key = key => {
		lines_of('builders', key);
		const { status, out, err } = check({ build: { builders: '@' + at('builders') } });
		equal(status, 0, err);
		match(out, /^builder: ssh:\/\/nix@far\.example for x86_64-linux, 4 at once$/m);
		return err;
	};
	const ssh = spawnSync('sh', ['-c', 'command -v ssh']).status === 0;
	match(with_key(at('no-key')), /^warning: the key of ssh:\/\/nix@far\.example, \S+no-key, is not there: ssh-keygen -t ed25519 -N '' -f \S+no-key as \S+, and \S+no-key\.pub goes into authorized_keys/m);
	fs.writeFileSync(at('builder-key'), 'x\n', { mode: 0o644 });
	match(with_key(at('builder-key')), /^warning: the key of \S+, \S+builder-key, is open to others, and ssh does not use such a key: chmod 0600 /m);
	fs.chmodSync(at('builder-key'), 0o600);
	equal(with_key(at('builder-key')), ssh ? '' : 'warning: ssh://nix@far.example cannot be reached: there is no ssh on PATH: install openssh-client\n');
	match(check({ build: { builders: '@' + at('no-machines') } }).err, /so there are no builders\. A line each, as deploy\/machines has two/);
});

const mounts = process.getuid() === 0 && spawnSync('unshare', ['-m', 'sh', '-c', 'command -v nix-daemon setpriv && mount -t tmpfs none /nix/var/nix/daemon-socket 2>&1 || { mkdir -p /nix/var/nix/daemon-socket && mount -t tmpfs none /nix/var/nix/daemon-socket; }']).status === 0;
test(`Nix' daemon sends builds away for trusted users only, which is said${mounts ? '' : ' # SKIP not root, no mounts, or no nix-daemon'}`, () => {
	if (!mounts)
		return;
	// A daemon of ours at its usual place, seen from this mount namespace alone, and nobody in particular asking it.
	const socket = '/nix/var/nix/daemon-socket';
	const before = ['unshare', '-m', 'sh', '-c', `mount -t tmpfs -o mode=0755 none ${socket} && { NIX_CONFIG= nix-daemon & } && daemon=$! && while [ ! -S ${socket}/socket ]; do sleep 0.05; done; `
		+ 'setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; rc=$?; kill $daemon; exit $rc', 'sh'];
	fs.chmodSync(dir, 0o755);
	lines_of('builders', at('builder-key'));
	const as_nobody = more => check({ build: { builders: '@' + at('builders') } },
		{ before, env: { HOME: at('home'), NIX_CONFIG: `${nix_config.replace('sandbox = false', 'sandbox = true')}\n${more}` } });
	const [name, group] = ['getent passwd 65534', 'getent group 65534'].map(c => spawnSync('sh', ['-c', c], { encoding: 'utf8' }).stdout.split(':')[0] || '65534');
	const no = as_nobody('trusted-users = root');
	match(no.out, /^store: by Nix' daemon/m);
	ok(no.err.includes(`and ${name} is none, so nothing would be built on a builder. Say extra-trusted-users = ${name} in /etc/nix/nix.conf and restart nix-daemon`), no.err);
	match(no.out, /^key: Nix' daemon reads \S+builder-key as root, which this user cannot look at: sudo ekaci check-config does$/m);
	for (const words of [`root ${name}`, `root @${group}`, '*']) {
		const yes = as_nobody(`trusted-users = ${words}`);
		ok(!yes.err.includes('trusted users'), yes.err);
		ok(yes.out.includes(`trust: ${name} is a trusted user of Nix`), yes.out);
	}
	ok(!check({}, { before, env: { HOME: at('home') } }).err.includes('trusted users'), 'nobody asks where there are no builders');
	fs.chmodSync(dir, 0o700);
});

const namespaces = process.getuid() === 0 && spawnSync('unshare', ['-U', 'true']).status === 0;
test(`user namespaces that are switched off are named with the switch${namespaces ? '' : ' # SKIP not root, or no user namespaces'}`, () => {
	if (!namespaces)
		return;
	// Within a user namespace of ours that may hold no other, as a machine's owner would have it; bwrap must not do without one.
	const before = ['unshare', '-U', '--map-root-user', 'sh', '-c', 'echo 0 >/proc/sys/user/max_user_namespaces && '
		+ 'exec setpriv --bounding-set=-all --inh-caps=-all "$@"', 'sh'];
	const required = check({ evaluate: { sandbox: 'require' } }, { before });
	equal(required.status, 1);
	match(required.err, /^stops ekaci: user namespaces are needed for the sandbox that \[evaluate\] sandbox requires: sysctl -w user\.max_user_namespaces=\d+/m);
	match(check({ evaluate: { sandbox: 'auto' } }, { before }).err, /^warning: user namespaces are needed for the sandbox of evaluations: sysctl/m);
});

await run({ limit_ms: 100000, before_end: async () => fs.rmSync(dir, { recursive: true, force: true }) });
