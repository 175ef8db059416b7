// The conversation with Nix that a worker keeps for build after build: kept, lost, refused, and gone with its worker.

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

import { equal, match, ok, run, test } from '../fakes/tap.js';
import { drv, ekaci, folder, instantiate, nix_env, registered_roots } from './lib.js';

// Where a daemon keeps the store it is talked to, and nix-daemon the program has no part in it.
const own = process.getuid() === 0;
const real = execFileSync('sh', ['-c', 'command -v nix-daemon']).toString().trim();

// A nix-daemon before the real one on PATH; script is for /bin/sh, REAL the real one.
function with_daemon(name, script)
{
	const bin = join(folder, `bin-${name}`);
	mkdirSync(bin);
	writeFileSync(join(bin, 'nix-daemon'), `#!/bin/sh\nREAL=${real}\necho $$ >> ${bin}/started\n${script}\n`);
	chmodSync(join(bin, 'nix-daemon'), 0o755);
	return { bin, env: { ...nix_env, PATH: `${bin}:${process.env.PATH}` } };
}

const lines = (path) => existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
const job = (drv, more = {}) => JSON.stringify({ drv, log: join(folder, basename(drv)), root: join(folder, `root-${basename(drv)}`), ...more }) + '\n';

function build(env, jobs)
{
	const r = spawnSync(ekaci, ['worker', 'build'], { env, input: jobs.join(''), encoding: 'utf8', timeout: 50000 });
	const records = r.stdout.trim().split('\n').map((l) => JSON.parse(l));
	return { ends: records.filter((x) => x.type === 'built'), last: records.filter((x) => x.type === 'end').length, stderr: r.stderr };
}

const alive = (mark) => readdirSync('/proc').filter((p) => /^\d+$/.test(p)).filter((p) => {
	try { return readFileSync(join('/proc', p, 'cmdline'), 'utf8').includes(mark); } catch { return false; }
});

// Between being there and being read a process may end: then it is gone, too.
const gone = (pid) => {
	try { return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')); } catch { return true; }
};

async function until(what, limit_ms = 5000)
{
	for (const end = Date.now() + limit_ms; Date.now() < end; await new Promise((r) => setTimeout(r, 20)))
		if (what())
			return true;
	return false;
}

// Beside the machine's daemon no nix-daemon is started that another could stand for.
const with_our_own = (name, body) => test(name, process.env.NIX_REMOTE === 'daemon' ?
	async () => { process.stdout.write(`# SKIP ${name}: the store is a daemon's\n`); } : body);

with_our_own('three jobs, one nix-daemon; a failure between them harms nobody; every output has its root', async () => {
	const { bin, env } = with_daemon('kept', 'exec $REAL "$@"');
	const paths = instantiate('kept', `[ (${drv('kept-a', 'echo a > $out; echo d > $dev', 'outputs = [ "out" "dev" ];')}) ` +
		`(${drv('kept-b', 'echo words of b; exit 1')}) (${drv('kept-c', 'echo c > $out')}) ]`);
	const r = build(env, paths.map((p) => job(p)));
	equal(r.ends.map((x) => x.outcome), ['built', 'failed', 'built']);
	equal(r.last, 3);
	equal(lines(join(bin, 'started')).length, own ? 1 : 0);
	match(readFileSync(join(folder, basename(paths[1])), 'utf8'), /^words of b$/m);
	const root = join(folder, `root-${basename(paths[0])}`);
	equal([root, `${root}-dev`].map((p) => readFileSync(p, 'utf8').trim()), ['a', 'd']);
	ok(registered_roots().has(root) && registered_roots().has(`${root}-dev`), 'Nix knows the roots');
});

test('built once more and compared: the same, different, failing the second time; with and without nix-daemon', async () => {
	const dice = 'read -r id < /proc/sys/kernel/random/uuid; echo $id > $out';
	const second = `[ ! -e ${folder}/$name.once ] || { echo not twice; exit 1; }; : > ${folder}/$name.once; echo x > $out`;
	const { env: without } = with_daemon('none', 'exit 1');
	for (const [name, env] of [['session', nix_env], ['program', without]]) {
		const paths = instantiate(`again-${name}`, `[ (${drv(`same-${name}`, 'echo x > $out')}) (${drv(`dice-${name}`, dice)}) ` +
			`(${drv(`second-${name}`, second)}) (${drv(`once-${name}`, 'echo y > $out')}) ]`);
		const r = build(env, paths.map((p, i) => job(p, { again: i < 3 })));
		equal(r.ends.map((x) => [x.outcome, x.deterministic]),
			[['built', true], ['built', false], ['failed', null], ['built', null]], name);
		match(r.ends[1].reason, /came out differently/);
		match(r.ends[2].tail, /not twice/);
		ok(existsSync(join(folder, `root-${basename(paths[1])}`)), 'the root of the first one stands');
	}
});

test('a full disk is the machine\'s failure; a builder that only says so has failed', async () => {
	const small = join(folder, 'small');
	/* From 2.30 builds run in a folder of Nix' own. */
	const small_build_dir = '{ [ ! -d /nix/var/nix/builds ] || mount -t tmpfs -o size=4m tmpfs /nix/var/nix/builds; }';
	const [fills, says] = instantiate('full', `[ (${drv('fills', 'head -c 20000000 /dev/zero > big || { sleep 1; exit 1; }; echo x > $out')}) ` +
		`(${drv('says', 'echo "write error: No space left on device"; exit 1')}) ]`);
	mkdirSync(small);
	const r = spawnSync('unshare', ['-m', 'sh', '-c',
		`mount -t tmpfs -o size=4m tmpfs ${small} && ${small_build_dir} && TMPDIR=${small} exec ${ekaci} worker build`],
	{ env: nix_env, input: job(fills), encoding: 'utf8', timeout: 50000 });
	if (/unshare failed|mount:/.test(r.stderr)) {
		process.stdout.write(`# SKIP a full disk cannot be made here: ${r.stderr.trim()}\n`);
	} else {
		const end = r.stdout.trim().split('\n').map((l) => JSON.parse(l)).find((x) => x.type === 'built');
		equal([end.outcome, end.reason], ['infrastructure', 'no space was left on the disk it was built on'], end.tail);
	}
	equal(build(nix_env, [job(says)]).ends.map((x) => x.outcome), ['failed']);
});

test('a phase that the builder announces to Nix is the phase it failed in', async () => {
	const [a] = instantiate('phase', drv('phase', `echo '@nix { "action": "setPhase", "phase": "fancyPhase" }' >&2; exit 1`));
	equal(build(nix_env, [job(a)]).ends.map((x) => [x.outcome, x.phase]), [['failed', 'fancyPhase']]);
});

// What Nix' own programs say to each other is printed so; some of it ends the side of Nix that reads it.
test('lines of a builder that look like Nix\'s own: they end at most their build, as its failure, and the next is built', async () => {
	const start = (fields, type = 101) => `{"action":"start","id":1,"level":0,"type":${type},"text":"t","fields":[${fields}],"parent":0}`;
	const lines = {
		empty: '{}', null: 'null', list: '[]', 'no-id': '{"action":"start"}', phase: '{"action":"setPhase","phase":7}', flag: start('true'),
		many: start(Array(1000).fill(1)), huge: start('1e300,99999999999999999999'), cut: '{', deep: '['.repeat(5000),
		build: start(`"/nix/store/${'0'.repeat(32)}-other.drv","ssh://elsewhere",1,1`, 105),
		told: `${start('')}\n@nix {"action":"result","id":1,"type":105,"fields":[1,1,1,1]}\n@nix {"action":"stop","id":1}`,
		words: '{"action":"msg","level":0,"msg":"note: build failure may have been caused by lack of free disk space"}',
	};
	const { env: without } = with_daemon('lines-none', 'exit 1');
	for (const [kind, env] of [['session', nix_env], ['program', without]]) {
		const names = Object.keys(lines);
		const script = (name) => `cat <<'END' >&2\n@nix ${lines[name]}\nEND\nsleep 0; exit 1`;
		const paths = instantiate(`lines-${kind}`, `[ ${names.map((name) => `(${drv(`${kind}-${name}`, script(name))}) ` +
			`(${drv(`${kind}-${name}-next`, 'echo x > $out')})`).join(' ')} ]`);
		const { ends } = build(env, paths.map((p) => job(p)));
		equal(ends.map((x, i) => [names[i >> 1], x.outcome, x.machine ?? null]),
			names.flatMap((name) => [[name, 'failed', null], [name, 'built', null]]), kind);
	}
});

test('a line of 100 MB is a log over its limit, whoever it is for; the next is built', async () => {
	const long = (begin) => `printf "${begin}"; head -c 100000000 /dev/zero | tr '\\0' 1; echo; exit 1`;
	const [text, control, next] = instantiate('long', `[ (${drv('long-text', long(''))}) (${drv('long-control', long('@nix '))}) (${drv('long-next', 'echo x > $out')}) ]`);
	const { ends } = build(nix_env, [job(text, { max_log_bytes: 1e6 }), job(control, { max_log_bytes: 1e6 }), job(next)]);
	equal([ends[0].outcome, ends[2].outcome], ['log_limit', 'built']);
	// Nix reads that one whole, and says of it what it likes.
	match(ends[1].outcome, /^(failed|log_limit)$/);
});

with_our_own('a nix-daemon that dies in the middle is infrastructure, and the next job gets a new one', async () => {
	// The builder only asks for it: beside a nix-daemon it is another user, who may kill nothing of ours.
	const { bin, env } = with_daemon('dies', `{ while kill -0 $$; do [ ! -e ${folder}/die ] || { rm -f ${folder}/die; kill -9 $$; }; sleep 0.1; done; } \
		</dev/null >/dev/null 2>&1 &
exec $REAL "$@"`);
	const paths = instantiate('dies', `[ (${drv('dies-a', `: > ${folder}/die; sleep 5`)}) (${drv('dies-b', 'echo b > $out')}) ]`);
	const r = build(env, paths.map((p) => job(p)));
	equal(r.ends.map((x) => x.outcome), ['infrastructure', 'built']);
	equal(lines(join(bin, 'started')).length, 2);
});

with_our_own('a nix-daemon that speaks nonsense, an old protocol, or endless lengths: a program for each build instead', async () => {
	const greeting = String.raw`printf 'oixd\0\0\0\0'`;
	for (const [name, script] of [['nonsense', 'head -c 4000 /dev/urandom; cat > /dev/null'], ['gone', 'exit 1'],
		['old', `${greeting}; printf '\\025\\001\\0\\0\\0\\0\\0\\0'; cat > /dev/null`],
		['long', `${greeting}; printf '\\042\\001\\0\\0\\0\\0\\0\\0\\377\\377\\377\\377\\377\\377\\377\\177'; cat > /dev/null`]]) {
		const { env } = with_daemon(name, script);
		const paths = instantiate(name, `[ (${drv(`${name}-a`, 'echo a > $out')}) (${drv(`${name}-b`, 'exit 1')}) ]`);
		const r = build(env, paths.map((p) => job(p)));
		equal(r.ends.map((x) => x.outcome), ['built', 'failed'], name);
		match(r.stderr, /a program for each build/);
	}
});

with_our_own('kill -9 of whoever started the worker, idle or working, leaves neither nix-daemon nor builder behind', async () => {
	for (const busy of [false, true]) {
		const mark = `5151${process.pid}${Number(busy)}`;
		const { bin, env } = with_daemon(`killed-${busy}`, 'exec $REAL "$@"');
		const [a] = instantiate(`killed-${busy}`, drv(`killed-${busy}`, busy ? `sleep ${mark}` : 'echo a > $out'));
		const child = spawn('sh', ['-c', '"$0" worker build; :', ekaci], { env, stdio: ['pipe', 'pipe', 'ignore'] });
		let out = '';
		child.stdout.on('data', (d) => { out += d; });
		child.stdin.on('error', () => {});
		child.stdin.write(job(a));
		ok(await until(() => busy ? alive(`sleep\0${mark}`).length > 0 : out.includes('"end"')), 'it is at work, or through');
		const pid = lines(join(bin, 'started'))[0];
		ok(existsSync(`/proc/${pid}`), 'nix-daemon is kept');
		child.kill('SIGKILL');
		ok(await until(() => gone(pid)), 'nix-daemon is gone');
		ok(await until(() => alive(`sleep\0${mark}`).length === 0), 'the builder is gone');
	}
});

test('kill -9 of the worker itself: nix-daemon and the builder go, too', async () => {
	const mark = `5252${process.pid}`;
	const [a] = instantiate('worker-killed', drv('worker-killed', `sleep ${mark}`));
	const child = spawn(ekaci, ['worker', 'build'], { env: nix_env, stdio: ['pipe', 'ignore', 'ignore'] });
	child.stdin.on('error', () => {});
	child.stdin.write(job(a));
	ok(await until(() => alive(`sleep\0${mark}`).length > 0), 'it is at work');
	child.kill('SIGKILL');
	ok(await until(() => alive(`sleep\0${mark}`).length === 0), 'the builder is gone');
});

await run({ limit_ms: 60000, before_end: async () => rmSync(folder, { recursive: true, force: true }) });
