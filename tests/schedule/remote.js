// A second Nix store behind a real sshd on the loopback: builds go there and come back; what happens when the builder
// dies in the middle, is not there, or lacks a feature. Needs root (a mount namespace gives the far side its own /nix).

import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { equal, match, ok, run, test } from '../fakes/tap.js';
import { builder, far, far_env as env, far_processes, kill_builder, no_far_side, start_sshd, stop_sshd } from './far.js';
import { drive, drv, folder, instantiate, nix_env } from './lib.js';

if (no_far_side !== '') { // said aloud, not passed over
	process.stdout.write(`1..0 # SKIP remote builders are not tested: ${no_far_side}\n`);
	process.exit(0);
}

const on_far = 'requiredSystemFeatures = [ "far" ];';
const state = (r, path) => r.builds[path].state;

test('a derivation that requires the builder is built there and fetched back', async () => {
	await start_sshd();
	const [a] = instantiate('fetch', drv('remote-fetch', 'echo "built on $(ls /nix/store | wc -l)" > $out; echo some words', on_far));
	const r = await drive({ builders: builder(), builds: [{ drv: a, name: 'remote-fetch', features: ['far'] }] }, { env });
	equal(state(r, a), 'built', r.builds[a].reason);
	const out = execFileSync('nix-store', ['-q', '--outputs', a], { env: nix_env }).toString().trim();
	match(readFileSync(out, 'utf8'), /built on/);
	ok(readdirSync(join(far, 'nix/store')).some((n) => out.endsWith(n)), 'it is in the far store, too');
	match(readFileSync(join(r.dir, 'logs', a.split('/').pop()), 'utf8'), /some words/);
	equal(execFileSync('sqlite3', [join(r.dir, 'ekaci.db'), `SELECT builder FROM build WHERE drv = '${a}'`]).toString().trim(),
		'127', 'where it was built, by the first part of the name of the host');
});

test('inputs travel there, and a failure there is a failure of the build', async () => {
	const [low, high] = instantiate('chain', `let low = ${drv('remote-low', 'echo low > $out')}; in [ low (${
		drv('remote-high', 'read x < ${low}; echo "$x: no" >&2; exit 3', `inherit low; ${on_far}`).replace('${low}', '${low}')}) ]`);
	const r = await drive({ builders: builder(), retries: 3,
		builds: [{ drv: low, name: 'low' }, { drv: high, name: 'high', features: ['far'], inputs: [low] }] }, { env });
	equal(state(r, low), 'built', r.builds[low].reason);
	equal(state(r, high), 'failed', r.builds[high].reason);
	match(r.builds[high].tail, /low: no/);
});

test('a builder that dies in the middle is infrastructure, not a failure', async () => {
	const [a] = instantiate('dies', drv('remote-dies', 'echo begun; sleep 20; echo x > $out', on_far));
	const watch = setInterval(() => {
		if (far_processes().some((p) => { try { return /sleep/.test(readFileSync(`/proc/${p}/cmdline`, 'utf8')); } catch { return false; } })) {
			clearInterval(watch);
			kill_builder();
		}
	}, 50);
	const r = await drive({ builders: builder(), builds: [{ drv: a, name: 'remote-dies', features: ['far'] }] }, { env });
	clearInterval(watch);
	equal(state(r, a), 'infrastructure', r.builds[a].reason);
	match(r.builds[a].reason, /lost|unexpected|failed|end/);
});

test('a builder that does not offer what its line promises refuses: unsupported, with its words', async () => {
	const [a] = instantiate('lies', drv('remote-lies', 'echo x > $out', 'requiredSystemFeatures = [ "quantum" ];'));
	const r = await drive({ builders: builder('quantum'), builds: [{ drv: a, name: 'remote-lies', features: ['quantum'] }] }, { env });
	equal(state(r, a), 'unsupported', r.builds[a].reason);
	match(r.builds[a].reason, /quantum/);
});

test('a feature that no line has ends at once as unsupported', async () => {
	const [a] = instantiate('none', drv('remote-none', 'echo x > $out', 'requiredSystemFeatures = [ "nowhere" ];'));
	const r = await drive({ builders: builder(), max_unsupported_s: 3600,
		builds: [{ drv: a, name: 'remote-none', features: ['nowhere'] }] }, { env });
	equal(state(r, a), 'unsupported');
	match(r.builds[a].reason, /no machine for x86_64-linux offers the feature nowhere/);
	ok(r.wall_ms < 3000, `${r.wall_ms} ms`);
});

test('an absent builder is waited for as long as configured; this machine goes on', async () => {
	stop_sshd();
	const [a, b] = instantiate('absent', `[ (${drv('remote-absent', 'echo x > $out', on_far)}) (${drv('local-goes-on', 'echo y > $out')}) ]`);
	const builds = [{ drv: a, name: 'remote-absent', features: ['far'] }, { drv: b, name: 'local-goes-on' }];
	const r = await drive({ builders: builder(), max_unsupported_s: 4, builds }, { env });
	equal(state(r, a), 'unsupported', r.builds[a].reason);
	match(r.builds[a].reason, /cannot (connect|build)/);
	equal(state(r, b), 'built', r.builds[b].reason);
	ok(r.wall_ms >= 4000 && r.wall_ms < 20000, `${r.wall_ms} ms`);
});

test('a builder that comes back in time builds what waited', async () => {
	const [a] = instantiate('late', drv('remote-late', 'echo x > $out', on_far));
	setTimeout(start_sshd, 2000);
	const r = await drive({ builders: builder(), max_unsupported_s: 600, builds: [{ drv: a, name: 'remote-late', features: ['far'] }] }, { env });
	equal(state(r, a), 'built', r.builds[a].reason);
});

test('the builders\' file is read again: a builder that is added builds what waits; a mistake in it changes nothing', async () => {
	const file = join(far, 'machines');
	writeFileSync(file, builder().replace('127.0.0.1', '127.0.0.9') + '\n');
	const [a] = instantiate('added', drv('remote-added', 'echo x > $out', on_far));
	setTimeout(() => writeFileSync(file, 'ssh://half x86_64-linux - many\n'), 1000);
	setTimeout(() => writeFileSync(file, builder() + '\n'), 12000);
	const r = await drive({ builders: `@${file}`, max_unsupported_s: 600, builds: [{ drv: a, name: 'remote-added', features: ['far'] }] },
		{ env: { ...env, NIX_SSHOPTS: `${env.NIX_SSHOPTS} -o ConnectTimeout=2` } });
	equal(state(r, a), 'built', r.builds[a].reason);
});

await run({
	limit_ms: 60000,
	before_end: async () => {
		stop_sshd();
		rmSync(folder, { recursive: true, force: true });
	},
});
