// deploy/nix.conf and deploy/machines: Nix reads every line of the one, ekaci both builders of the other, keys and all.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { equal, match, ok, program, run, test, toml, top } from '../e2e/lib.js';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-builders-'));
const at = name => path.join(dir, name);
const conf = fs.readFileSync(path.join(top, 'deploy/nix.conf'), 'utf8');
const machines = fs.readFileSync(path.join(top, 'deploy/machines'), 'utf8');
const lines = machines.split('\n').filter(l => l && !l.startsWith('#')).map(l => l.split(/ +/));

test('Nix takes nix.conf as it is, without a word, and has each value', () => {
	fs.copyFileSync(path.join(top, 'deploy/nix.conf'), at('nix.conf'));
	const { status, stdout, stderr } = spawnSync('nix', ['show-config'], { encoding: 'utf8', env: { PATH: process.env.PATH, HOME: dir, NIX_CONF_DIR: dir } });
	equal([status, stderr.split('\n').filter(l => l && !/deprecated alias/.test(l))], [0, []]);
	for (const [, key, value] of conf.matchAll(/^([\w-]+) = (.*)$/gm)) {
		const is = stdout.match(new RegExp(`^${key} = (.*)$`, 'm'))[1].split(' ').sort();
		for (const word of value.split(' '))
			ok(is.includes(word), `${key} is ${is}`);
	}
	// What the bot's own settings lean on.
	const own = fs.readFileSync(path.join(top, 'deploy/ekaci.toml.example'), 'utf8').match(/^# min_store_free_mb = (\d+)$/m)[1];
	ok(Number(conf.match(/^min-free = (\d+)$/m)[1]) > 2 * Number(own) * 1024 * 1024);
});

test('both builders are read by ekaci, with what each builds; a line with a mistake is named', () => {
	const settings = file => {
		fs.writeFileSync(at('key.pem'), '-----BEGIN RSA PRIVATE KEY-----\nx\n', { mode: 0o600 });
		fs.writeFileSync(at('secret'), 'x\n', { mode: 0o600 });
		fs.writeFileSync(at('ekaci.toml'), toml({ web: { listen: '127.0.0.1:0', url: 'https://ci.example.org' }, state: { dir: at('state') }, evaluate: { sandbox: 'off' },
			github: { app_id: '1', private_key_file: 'key.pem', webhook_secret_file: 'secret' }, build: { builders: `@${file}` } }));
		const r = spawnSync(program, ['check-config', at('ekaci.toml')], { encoding: 'utf8', timeout: 60000 });
		return { status: r.status, out: r.stdout, err: r.stderr };
	};
	const good = settings(path.join(top, 'deploy/machines'));
	equal(good.status, 0, good.err);
	match(good.out, /^builder: ssh:\/\/nix@x86\.example\.org for x86_64-linux.*i686-linux.*, 16 at once.*$/m);
	match(good.out, /^builder: ssh:\/\/nix@arm\.example\.org for aarch64-linux.*, 32 at once.*$/m);
	fs.writeFileSync(at('machines'), machines.replace(' 16 ', ' sixteen '));
	const bad = settings(at('machines'));
	equal(bad.status, 1);
	match(bad.err, /stops ekaci: \[build\] builders: .*sixteen/);
});

test('keys: each builder\'s host key is an ed25519 public key, in base64 as Nix wants it', () => {
	// Nix parts lines at ";", too, in comments as well.
	ok(!machines.includes(';'));
	equal(lines.length, 2);
	for (const fields of lines) {
		equal([fields.length, fields[2]], [8, '/etc/nix/builder-ed25519']);
		fs.writeFileSync(at('host.pub'), Buffer.from(fields[7], 'base64'));
		const { status, stdout, stderr } = spawnSync('ssh-keygen', ['-l', '-f', at('host.pub')], { encoding: 'utf8' });
		equal([status, stderr], [0, '']);
		match(stdout, /^256 .* \(ED25519\)$/m);
	}
	equal(new Set(lines.map(l => l[7])).size, 2);
});

await run({ before_end: async () => fs.rmSync(dir, { recursive: true, force: true }) });
