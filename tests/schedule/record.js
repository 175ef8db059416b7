// Records what the Nix of this machine says of builds that end in each way there is, as the session hears it:
//   node tests/schedule/record.js     (as root; EKACI names the build whose tests/session_record is used)
// writes fixtures/nix/VERSION/builds/NAME.json. tests/unit/schedule_words.c reads the samples of every version there is, so
// a new version of Nix is first recorded, and then it shows which of its words are new.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { builder, far_env, start_sshd, stop_sshd } from './far.js';
import { drv, ekaci, folder, instantiate, nix_env, top, unique } from './lib.js';

const program = join(dirname(ekaci), 'tests/session_record');
const version = execFileSync('nix-store', ['--version']).toString().trim().split(' ').pop();
const out = join(top, 'fixtures/nix', version, 'builds');
const fixed = 'outputHashMode = "flat"; outputHashAlgo = "sha256"; outputHash = "0000000000000000000000000000000000000000000000000000000000000000";';
const cause = 'echo "x.c:1:1: error: no such thing"; i=0; while [ $i -lt 30 ]; do echo "more $i"; i=$((i+1)); done; exit 2';
const on_far = 'requiredSystemFeatures = [ "far" ];';
const chatter = 'i=0; while [ $i -lt 300 ]; do echo "line $i"; i=$((i+1)); sleep 0.2; done';

// Paths of this machine and the hashes of this recording are nobody's affair.
const neutral = (text) => text.replaceAll(folder, '/folder').replaceAll(unique, 'unique');

function record(name, nix, job = {}, { env = nix_env, wrap = [] } = {})
{
	const derivations = instantiate(`sample-${name}`, nix);
	const path = derivations[derivations.length - 1];
	const [argv0, ...argv] = [...wrap, program];
	const r = spawnSync(argv0, argv, { env: { ...env, ...far_env }, input: JSON.stringify({ drv: path, ...job }), encoding: 'utf8', timeout: 60000 });
	if (r.status !== 0)
		throw new Error(`${name}: ${r.stderr}`);
	const said = JSON.parse(r.stdout);
	const sample = { drv: path, wall_s: job.wall_s ?? 60, uri: job.elsewhere ? 'ssh://127.0.0.1' : null, ...said };
	writeFileSync(join(out, `${name}.json`), neutral(JSON.stringify(sample, null, '\t')) + '\n');
	process.stdout.write(`${version} ${name}: status ${said.status}, end ${said.end}\n`);
}

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

record('fails', drv('fails', cause));
record('killed', drv('killed', 'echo words; kill -9 $$'));
// Lines that Nix takes for its own and cannot read: what a builder prints is not control.
const says = (line) => `echo words; echo '@nix ${line}' >&2; echo after; exit 2`;
record('line', drv('line', says('{}')));
record('line-field', drv('line-field', says('{"action":"start","id":1,"level":0,"type":101,"text":"t","fields":[true],"parent":0}')));
record('no-output', drv('no-output', 'echo words'));
record('fixed-fails', drv('fixed-fails', cause, fixed));
record('hash', drv('hash', 'echo x > $out', fixed));
record('fetch', `derivation { name = "fetch"; system = "builtin"; builder = "builtin:fetchurl"; url = "http://127.0.0.1:9/x"; unpack = false; executable = false; preferLocalBuild = true; unique = "${unique}"; ${fixed} }`);
record('silent', drv('silent', 'echo words; sleep 30'), { silent_s: 2 });
record('slow', drv('slow', chatter), { wall_s: 2 });
record('log-limit', drv('log-limit', 'while :; do echo 0123456789012345678901234567890123456789; done'), { max_log_bytes: 10000 });
record('dependency', `let low = ${drv('low', cause)}; in [ low (derivation { name = "high"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "echo \${low} > $out" ]; }) ]`);
record('feature', drv('feature', 'echo x > $out', 'requiredSystemFeatures = [ "quantum" ];'));
record('system', drv('system', 'echo x > $out').replace('x86_64-linux', 'riscv64-linux'));
const dice = drv('dice', 'read -r id < /proc/sys/kernel/random/uuid; echo $id > $out');
execFileSync('nix-store', ['--realise', instantiate('sample-dice', dice)[0]], { env: nix_env, stdio: 'ignore' });
record('dice', dice, { again: true });
record('no-sandbox', drv('no-sandbox', 'echo x > $out', '__noChroot = true;'), { options: { sandbox: 'true' } });

// What a dry run says of one to build and one to fetch.
const fetched = drv('fetched', 'echo x > $out');
const [fetched_drv] = instantiate('sample-fetched', fetched);
const [dry] = instantiate('sample-dry', drv('dry', 'echo x > $out'));
const built = execFileSync('nix-store', ['--realise', fetched_drv], { env: nix_env, stdio: ['ignore', 'pipe', 'ignore'] }).toString().trim();
execFileSync('nix', ['--extra-experimental-features', 'nix-command', 'copy', '--to', `file://${folder}/whole`, built], { env: nix_env, stdio: 'ignore' });
execFileSync('nix-store', ['--delete', built], { env: nix_env, stdio: 'ignore' });
const dry_run = spawnSync('nix-store', ['--realise', '--dry-run', dry, fetched_drv, '--option', 'substituters', `file://${folder}/whole`,
	'--option', 'require-sigs', 'false'], { env: nix_env, encoding: 'utf8' });
writeFileSync(join(out, 'dry-run.json'), neutral(JSON.stringify({ drv: dry, end: 0, status: 0, begun: false, message: '', log: dry_run.stderr }, null, '\t')) + '\n');

// A cache whose promise is broken: what it gives is not what it says.
const cached = drv('cache', 'echo x > $out');
const [path] = instantiate('sample-cache', cached);
const made = execFileSync('nix-store', ['--realise', path], { env: nix_env, stdio: ['ignore', 'pipe', 'ignore'] }).toString().trim();
execFileSync('nix', ['--extra-experimental-features', 'nix-command', 'copy', '--to', `file://${folder}/cache`, made], { env: nix_env, stdio: 'ignore' });
for (const name of readdirSync(join(folder, 'cache/nar')))
	writeFileSync(join(folder, 'cache/nar', name), 'rubbish');
execFileSync('nix-store', ['--delete', made], { env: nix_env, stdio: 'ignore' });
record('cache', cached, {}, { env: { ...nix_env, NIX_CONFIG: nix_env.NIX_CONFIG.replace('substituters =', `require-sigs = false\nsubstituters = file://${folder}/cache`) } });

// A disk that is full: where builds run is the environment's until 2.29, build-dir since.
const small = join(folder, 'small');
mkdirSync(small);
record('full', drv('full', 'head -c 20000000 /dev/zero > big || { sleep 1; exit 1; }; echo x > $out'), {}, {
	env: { ...nix_env, TMPDIR: small },
	wrap: ['unshare', '-m', 'sh', '-c', `mount -t tmpfs -o size=4m tmpfs ${small}; [ ! -d /nix/var/nix/builds ] || mount -t tmpfs -o size=4m tmpfs /nix/var/nix/builds; exec "$0"`],
});

const there = { builders: builder(), elsewhere: true };
record('far-down', drv('far-down', 'echo x > $out', on_far), there);
await start_sshd();
record('far-fails', drv('far-fails', cause, on_far), there);
record('far-fixed-fails', drv('far-fixed-fails', cause, `${on_far} ${fixed}`), there);
record('far-hash', drv('far-hash', 'echo x > $out', `${on_far} ${fixed}`), there);
record('far-no-output', drv('far-no-output', 'echo words', on_far), there);
record('far-silent', drv('far-silent', 'echo words; sleep 30', on_far), { ...there, silent_s: 2 });
record('far-slow', drv('far-slow', chatter, on_far), { ...there, wall_s: 2 });
record('far-feature', drv('far-feature', 'echo x > $out', 'requiredSystemFeatures = [ "quantum" ];'), { builders: builder('quantum'), elsewhere: true });
stop_sshd();
rmSync(folder, { recursive: true, force: true });
