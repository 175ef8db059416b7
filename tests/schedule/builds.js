// Builds on this machine: each kind of end, the lines a failure shows, cancelling with everything a builder started.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { equal, match, ok, run, test } from '../fakes/tap.js';
import { drive, drv, ekaci, folder, instantiate, links, nix_env, registered_roots, state_folder, unique } from './lib.js';

const named = (paths) => paths.map((p) => ({ drv: p, name: p.replace(/^.*?-/, '').replace(/\.drv$/, '') }));

test('each end of a build is told apart', async () => {
	const paths = instantiate('ends', `[
		(${drv('good-1.0', 'echo yes > $out')})
		(${drv('bad-1.0', 'echo "Running phase: checkPhase"; echo "x.c:1: error: no"; i=0; while [ $i -lt 200 ]; do echo "more $i"; i=$((i+1)); done; exit 1')})
		(${drv('quiet-1.0', 'sleep 30')})
		(${drv('chatty-1.0', 'while :; do echo 0123456789012345678901234567890123456789012345678901234567890123456789; done')})
		(${drv('bytes-1.0', 'head -c 3000 /dev/zero; head -c 3000 /dev/urandom; exit 1')})
		(${drv('liar-1.0', 'echo hello > $out', 'outputHashMode = "flat"; outputHashAlgo = "sha256"; outputHash = "0000000000000000000000000000000000000000000000000000000000000000";')})
	]`);
	const r = await drive({ slots: 6, silent_s: 3, log_mb: 1, builds: named(paths) });
	const [good, bad, quiet, chatty, bytes, liar] = paths.map((p) => r.builds[p]);
	equal([good, bad, quiet, chatty, bytes, liar].map((b) => b.state),
		['built', 'failed', 'silent', 'log_limit', 'failed', 'failed']);
	equal(bad.phase, 'checkPhase');
	match(bad.tail, /x\.c:1: error: no/);
	match(bad.tail, /more 199/);
	match(liar.reason, /hash/);
	ok(good.wall_ms > 0);
});

test('one session builds them all, and what it built is kept from the garbage collector', async () => {
	const paths = instantiate('session', `[ (${drv('kept-1.0', 'echo out > $out; echo dev > $dev', 'outputs = [ "out" "dev" ];')}) ` +
		`(${drv('stray-1.0', 'sleep 4343 >/dev/null 2>&1 & echo yes > $out')}) (${drv('who-1.0', 'echo $PPID > $out')}) (${drv('who-2.0', 'echo $PPID > $out')}) ]`);
	const r = await drive({ slots: 1, builds: named(paths) });
	equal(paths.map((p) => r.builds[p].state), ['built', 'built', 'built', 'built']);
	const outputs = (p) => spawnSync('nix-store', ['-q', '--outputs', p], { env: nix_env }).stdout.toString().trim().split('\n');
	const registered = registered_roots();
	const roots = links(join(r.dir, 'gcroots/builds'));
	equal(roots.length, 5);
	for (const path of outputs(paths[0]))
		ok(roots.some(([root, to]) => to === path && registered.has(root)), `${path}: ${JSON.stringify(roots)}`);
	const parents = [paths[2], paths[3]].map((p) => readFileSync(outputs(p)[0], 'utf8'));
	equal(parents[0], parents[1]);
	equal(readdirSync('/proc').filter((p) => /^\d+$/.test(p)).filter((p) => {
		try { return readFileSync(join('/proc', p, 'cmdline'), 'utf8') === 'sleep\0' + '4343\0'; } catch { return false; }
	}), []);
});

test('a failure goes up, and takes nothing else along', async () => {
	const paths = instantiate('up', `let a = ${drv('up-a', 'exit 1')}; b = ${drv('up-b', 'echo ${a} > $out')}; ` +
		`in [ a b (${drv('up-c', 'echo ${b} > $out')}) (${drv('up-d', 'echo d > $out')}) ]`.replace('echo ${b}', 'echo ${b}'));
	const [a, b, c, d] = paths;
	const r = await drive({ builds: [{ drv: a, name: 'a' }, { drv: b, name: 'b', inputs: [a] }, { drv: c, name: 'c', inputs: [b] }, { drv: d, name: 'd' }] });
	equal([a, b, c, d].map((p) => r.builds[p].state), ['failed', 'dependency_failed', 'dependency_failed', 'built']);
	equal(r.builds[c].propagated_from, a);
});

// Of a text that no run before this one had: what has that hash is not in the store yet.
const fixed = `outputHashMode = "flat"; outputHashAlgo = "sha256"; outputHash = "${createHash('sha256').update(`${unique}\n`).digest('hex')}";`;
test('a fixed-output derivation whose builder fails is tried once more, soon, and has then failed; one that passes then is built', async () => {
	// Beside a daemon the second try may be another user.
	const tries = (name) => `(umask 0; echo once >> ${folder}/${name}.tries); `;
	const count = (name) => readFileSync(join(folder, `${name}.tries`), 'utf8').trim().split('\n').length;
	const paths = instantiate('fixed', `[ (${drv('gone-1.0', `${tries('gone')} echo "it is gone"; exit 1`, fixed)}) ` +
		`(${drv('late-1.0', `[ -e ${folder}/late.tries ] && late=no; ${tries('late')} [ -n "$late" ] || exit 1; echo $unique > $out`, fixed)}) ` +
		`(${drv('plain-1.0', `${tries('plain')} exit 1`)}) ` +
		`(derivation { name = "fetched-1.0"; system = "builtin"; builder = "builtin:fetchurl"; url = "file://${folder}/nowhere"; ` +
		`unpack = false; executable = false; preferLocalBuild = true; unique = "${unique}"; ${fixed} }) ]`);
	const builds = named(paths).map((b, i) => i === 3 ? { ...b, system: 'builtin' } : b);
	const r = await drive({ slots: 4, retries: 5, builds });
	const [gone, late, plain, fetched] = paths.map((p) => r.builds[p]);
	equal([gone, late, plain, fetched].map((b) => b.state), ['failed', 'built', 'failed', 'failed'], fetched.reason);
	equal([count('gone'), count('late'), count('plain')], [2, 2, 1]);
	match(gone.tail, /it is gone/);
	equal([gone.reason, late.flaky], ['the builder failed', undefined]);
	ok(r.wall_ms >= 5000 && r.wall_ms < 30000, `${r.wall_ms} ms`);
});

test('what has no machine is not built, and what needs it has not failed', async () => {
	const paths = instantiate('unsupported', `let a = ${drv('uns-a', 'echo a > $out', 'requiredSystemFeatures = [ "quantum" ];')}; ` +
		`in [ a (${drv('uns-b', 'echo ${a} > $out')}) ]`);
	const [a, b] = paths;
	const r = await drive({ builds: [{ drv: a, name: 'a', features: ['quantum'] }, { drv: b, name: 'b', inputs: [a] }] });
	equal([a, b].map((p) => r.builds[p].state), ['unsupported', 'unsupported']);
	equal([r.builds[b].propagated_from, r.builds[b].reason], [a, 'no machine for x86_64-linux offers the feature quantum']);
});

test('the features and platforms of this machine are what Nix is set to', async () => {
	const paths = instantiate('own', `[ (${drv('own-feature', 'echo a > $out', 'requiredSystemFeatures = [ "apples" ];')}) ` +
		`(${drv('own-platform', 'echo b > $out').replace('x86_64-linux', 'x86_64-v1-linux')}) ` +
		`(${drv('own-other', 'echo c > $out', 'requiredSystemFeatures = [ "big-parallel" ];')}) ]`);
	const builds = named(paths).map((b, i) => ({ ...b, ...[{ features: ['apples'] }, { system: 'x86_64-v1-linux' }, { features: ['big-parallel'] }][i] }));
	const NIX_CONFIG = `${nix_env.NIX_CONFIG}system-features = apples\nextra-platforms = x86_64-v1-linux\n`;
	const r = await drive({ builds }, { env: { NIX_CONFIG } });
	/* Where a daemon builds, it is set as it is set, and says so. */
	equal(paths.map((p) => r.builds[p].state), process.getuid() === 0 ? ['built', 'built', 'unsupported'] : ['unsupported', 'built', 'unsupported']);
});

test('what Nix does not build on this machine is not built, though we thought it would: nobody has failed', async () => {
	const paths = instantiate('refused', `[ (${drv('ref-a', 'echo a > $out', 'requiredSystemFeatures = [ "quantum" ];')}) ` +
		`(${drv('ref-b', 'echo b > $out').replace('x86_64-linux', 'riscv64-linux')}) ]`);
	const r = await drive({ retries: 5, builds: named(paths) });
	equal(paths.map((p) => r.builds[p].state), ['unsupported', 'unsupported']);
	match(r.builds[paths[0]].reason, /quantum/);
	match(r.builds[paths[1]].reason, /riscv64-linux/);
});

test('a dependency that the store has lost, and that does not build, is a failure with its log', async () => {
	const [low, high] = instantiate('lost', `let a = ${drv('lost-a', 'echo "the cause"; exit 1')}; in [ a (${drv('lost-b', 'echo ${a} > $out')}) ]`);
	const r = await drive({ retries: 5, builds: [{ drv: high, name: 'b' }] });
	equal(r.builds[high].state, 'failed', r.builds[high].reason);
	match(r.builds[high].tail, /the cause/);
	ok(low !== high);
});

test('the excerpt of a failed log has its error, and Nix repeats nothing of it', async () => {
	const [a] = instantiate('excerpt', drv('excerpt', 'echo "x.c:1: error: no"; i=0; while [ $i -lt 100 ]; do echo "more $i"; i=$((i+1)); done; exit 1'));
	const r = await drive({ builds: named([a]) });
	match(r.builds[a].tail, /x\.c:1: error: no/);
	const log = readFileSync(join(r.dir, 'logs', a.split('/').pop()), 'utf8');
	for (const text of [r.builds[a].tail, log]) {
		equal(text.split('more 99\n').length, 2);
		ok(!/log lines:|For full logs|nix log/.test(text), text);
		match(text, /^error: .*excerpt\.drv'/m);
	}
});

test('cancelling ends a build with its grandchildren within five seconds', async () => {
	const mark = `4242${process.pid}`;
	/* A daemon finds what left its process group by its build users, of which it may have none here. */
	const away = process.getuid() === 0 ? 'setsid' : '';
	const [a] = instantiate('cancel', drv('cancel', `(trap "" TERM; ${away} sleep ${mark} & sleep ${mark} & wait) & sleep ${mark}`));
	const alive = () => readdirSync('/proc').filter((p) => /^\d+$/.test(p)).filter((p) => {
		try { return readFileSync(join('/proc', p, 'cmdline'), 'utf8') === `sleep\0${mark}\0`; } catch { return false; }
	});
	let seen = 0;
	const watch = setInterval(() => { seen = Math.max(seen, alive().length); }, 50);
	const r = await drive({ builds: named([a]), cancel_after_ms: 2500 });
	clearInterval(watch);
	ok(seen >= 3, `${seen} processes were seen`);
	if (process.getuid() !== 0) /* a daemon ends its builders when it has noticed that we are gone */
		for (const end = Date.now() + 5000; alive().length > 0 && Date.now() < end;)
			await new Promise((done) => setTimeout(done, 50));
	equal(alive(), []);
	ok(r.cancel_ms < 5000, `${r.cancel_ms} ms`);
	equal(r.builds[a].state, 'cancelled');
});

test('a layered graph is built in order, with a row and a log for each', async () => {
	const paths = instantiate('layers', `let make = n: below: derivation { name = "layer-\${toString n}"; system = "x86_64-linux"; ` +
		`builder = "/bin/sh"; args = [ "-c" "echo $below > $out" ]; inherit below; unique = "${unique}"; }; ` +
		`a = make 1 []; b = make 2 [a]; c = make 3 [a]; d = make 4 [b c]; in [ a b c d ]`);
	const [a, b, c, d] = paths;
	const r = await drive({ builds: [{ drv: a, name: 'a' }, { drv: b, name: 'b', inputs: [a] },
		{ drv: c, name: 'c', inputs: [a] }, { drv: d, name: 'd', inputs: [b, c] }] });
	equal(paths.map((p) => r.builds[p].state), ['built', 'built', 'built', 'built']);
	equal(readdirSync(join(r.dir, 'logs')).filter(f => f.endsWith('.drv')).length, 4);
});

test('a queue that is killed goes on where it was: nothing is lost, nothing is built twice', async () => {
	const mark = `4343${process.pid}`;
	const paths = instantiate('killed', `let a = ${drv('killed-a', 'echo a > $out')}; in [ a ` +
		`(${drv('killed-b', `read x < \${a}; test -e ${folder}/again || { touch ${folder}/again; sleep ${mark}; }; echo $x > $out`)}) ` +
		`(${drv('killed-c', 'echo c > $out')}) ]`);
	const [a, b, c] = paths;
	const input = { slots: 2, builds: [{ drv: a, name: 'a' }, { drv: b, name: 'b', inputs: [a] }, { drv: c, name: 'c' }] };
	const dir = state_folder();
	equal(await drive(input, { dir, kill_after_ms: 3000 }), null);
	const log_of_a = readFileSync(join(dir, 'logs', a.split('/').pop()), 'utf8');
	const r = await drive({ ...input, builds: input.builds.slice(1).map((x) => ({ ...x, inputs: [] })) }, { dir });
	equal([b, c].map((p) => r.builds[p].state), ['built', 'built']);
	equal(readFileSync(join(dir, 'logs', a.split('/').pop()), 'utf8'), log_of_a);
	equal(readdirSync('/proc').filter((p) => /^\d+$/.test(p)).filter((p) => {
		try { return readFileSync(join('/proc', p, 'cmdline'), 'utf8') === `sleep\0${mark}\0`; } catch { return false; }
	}), []);
});

test('a log keeps colours, and has the phases that Nix announces in it and in its index', async () => {
	const [a] = instantiate('phases', `[ (${drv('phases-a', `echo '@nix { "action": "setPhase", "phase": "unpackPhase" }' >&2; printf '\\033[31mred\\033[0m\\n'; echo '@nix { "action": "setPhase", "phase": "buildPhase" }' >&2; echo error: it; exit 1`)}) ]`);
	const r = await drive({ builds: [{ drv: a, name: 'a' }] });
	const log = join(r.dir, 'logs', a.split('/').pop()), text = readFileSync(log, 'utf8');
	ok(/^@nix \{"action":"setPhase","phase":"unpackPhase"\}\n.*\x1b\[31mred\x1b\[0m\n@nix \{"action":"setPhase","phase":"buildPhase"\}\nerror: it$/ms.test(text), text); // eslint-disable-line no-control-regex
	match(readFileSync(`${log}.index`, 'utf8'), /^phase \d+ unpackPhase\nphase \d+ buildPhase\nerror \d+\nend \d+ \d+\n$/);
	equal([r.builds[a].phase, /\x1b/.test(r.builds[a].tail)], ['buildPhase', false]); // eslint-disable-line no-control-regex
});

test('ekaci status --why reads the database and says how a build ended, or that there is none', async () => {
	const paths = instantiate('why', `let a = ${drv('why-a', 'exit 1')}; in [ a (${drv('why-b', 'echo ${a} > $out')}) ]`);
	const r = await drive({ builds: [{ drv: paths[0], name: 'a' }, { drv: paths[1], name: 'b', inputs: [paths[0]] }] });
	const config = join(r.dir, 'ekaci.toml');
	writeFileSync(config, `[state]\ndir = "${r.dir}"\n[github]\napp_id = "1"\nprivate_key_file = "k"\nwebhook_secret_file = "s"\n`);
	const why = (drv, ...more) => spawnSync(ekaci, ['status', '--config', config, '--why', drv, ...more], { encoding: 'utf8' });
	match(why(paths[0]).stdout, /why-a\.drv: failed after \d+ s: the builder failed/);
	match(why(paths[1].split('/').pop()).stdout, /dependency_failed, because of \/nix\/store\/.*why-a\.drv/);
	const is = JSON.parse(why(paths[1], '--json').stdout);
	equal([is.drv, is.state, is.propagated_from, is.why], [paths[1], 'dependency_failed', paths[0], null]);
	equal(why('/nix/store/none.drv').status, 1);
	match(spawnSync(ekaci, ['status', '--config', config], { encoding: 'utf8' }).stdout, /^0 builds open/m);
});

await run({ limit_ms: 60000, before_end: async () => rmSync(folder, { recursive: true, force: true }) });
