// A second Nix store behind a real sshd on the loopback: a machine to build on. Needs root: a mount namespace gives the far
// side its own /nix.

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

import { folder } from './lib.js';

export const far = join(folder, 'far');
// Why there is no far side here, or ''. In a chroot it cannot have a /nix of its own, nor does Nix 2.8 hand builds on.
export const no_far_side = (() => {
	const namespace = spawnSync('unshare', ['-m', 'true'], { encoding: 'utf8' });
	return namespace.status === 0 ? '' : namespace.stderr.trim();
})();

const port = await new Promise((resolve) => {
	const s = createServer().listen(0, '127.0.0.1', () => { const p = s.address().port; s.close(() => resolve(p)); });
});
let host_key = '';
if (no_far_side === '')
	make_far();

function make_far()
{
	for (const d of ['nix/store', 'nix/var/nix'])
		mkdirSync(join(far, d), { recursive: true });
	for (const name of ['host', 'user'])
		execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', join(far, name)]);
	writeFileSync(join(far, 'enter'), `#!/bin/sh
export NIX_REMOTE= NIX_CONFIG="substituters =
sandbox = false
build-users-group =
system-features = far"
exec unshare -m sh -c 'mount --make-rprivate / && mount --bind ${far}/nix /nix && exec $SSH_ORIGINAL_COMMAND'
`);
	chmodSync(join(far, 'enter'), 0o755);
	writeFileSync(join(far, 'keys'), `command="${far}/enter",no-pty ${readFileSync(join(far, 'user.pub'))}`);
	writeFileSync(join(far, 'sshd_config'), `Port ${port}
ListenAddress 127.0.0.1
HostKey ${far}/host
AuthorizedKeysFile ${far}/keys
StrictModes no
UsePAM no
PasswordAuthentication no
PidFile ${far}/pid
`);
	host_key = readFileSync(join(far, 'host.pub')).toString('base64').replace(/\n/g, '');
}

let sshd;
export async function start_sshd()
{
	mkdirSync('/run/sshd', { recursive: true });
	sshd = spawn('/usr/sbin/sshd', ['-f', join(far, 'sshd_config'), '-D', '-e'], { stdio: ['ignore', 'ignore', 'pipe'] });
	await new Promise((resolve, reject) => {
		sshd.stderr.on('data', (d) => { if (/listening/.test(d)) resolve(); });
		sshd.on('exit', () => reject(new Error('sshd ended')));
	});
}

const children = (pid) => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
function tree(pid)
{
	return existsSync(`/proc/${pid}`) ? children(pid).flatMap((c) => [c, ...tree(c)]) : [];
}
export const far_processes = () => tree(sshd.pid);
// All that sshd has started.
export function kill_builder()
{
	for (const pid of far_processes())
		try { process.kill(Number(pid), 'SIGKILL'); } catch { /* gone with its parent */ }
}
export function stop_sshd()
{
	if (!sshd)
		return;
	sshd.removeAllListeners('exit');
	kill_builder();
	sshd.kill();
	sshd = null;
}

export const builder = (features = 'far') => `ssh://127.0.0.1 x86_64-linux ${far}/user 2 1 ${features} - ${host_key}`;
export const far_env = { NIX_SSHOPTS: `-p ${port} -o HostKeyAlias=127.0.0.1` };
