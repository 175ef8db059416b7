#!/usr/bin/env node
// As the systemd service is: a user who owns nothing of Nix, with a nix-daemon; and a machine without user namespaces.
// Both are real: a mount namespace with a daemon's socket of its own, and the kernel's own limit.
'use strict';
const fs = require('fs');
const path = require('path');
const { ekaci, work, ok, is, done, skip, write, run, repository, job, stage } = require('./lib.js');

const nix = (name) => `derivation { name = "${name}"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "echo ${name} > $out" ]; }`;
const own = `${process.pid}-${Date.now()}`;
const NOBODY = 65534;
const home = path.join(work, 'home'), program = path.join(work, 'bin/ekaci');

// The worker finds itself by /proc/self/exe, and nobody need not be able to read where we were built.
fs.mkdirSync(path.dirname(program), { recursive: true });
for (const file of ['ekaci', 'nixlines.so'])
	fs.copyFileSync(path.join(path.dirname(ekaci), file), path.join(path.dirname(program), file));
fs.chmodSync(work, 0o755);
fs.chmodSync(program, 0o755);

// Runs a command as nobody, in a mount namespace in which a nix-daemon of root's listens.
const socket = '/nix/var/nix/daemon-socket';
const with_daemon = write('with-daemon', `set -eu
mount -t tmpfs none ${socket}
chmod 755 ${socket}
NIX_CONFIG="$(printf 'build-users-group =\\nsandbox = false\\nsubstituters =')" nix-daemon >'${work}/daemon.log' 2>&1 &
daemon=$!
trap 'kill -9 $daemon' EXIT
i=0
while [ ! -S ${socket}/socket ] && [ $i -lt 100 ]; do sleep 0.1; i=$((i + 1)); done
setpriv --reuid=${NOBODY} --regid=${NOBODY} --clear-groups env -i PATH=/usr/local/bin:/usr/bin:/bin HOME='${home}' "$@"
`);
const made = !fs.existsSync(socket) && process.getuid() === 0;
if (made)
	fs.mkdirSync(socket, { recursive: true });
process.on('exit', () => made && fs.rmdirSync(socket));
const as_user = (args, options = {}) => run('unshare', ['-m', 'sh', with_daemon, ...args], { cwd: '/', ...options });

const can = process.getuid() === 0 && as_user(['true']).status === 0 && fs.existsSync(path.join(work, 'daemon.log'));
if (!can) {
	skip('everything as a user', 'not root, or no mount namespace, setpriv or nix-daemon here');
} else {
	const repo = repository('home/repo', { 'default.nix': `{ a = ${nix(`a-${own}`)}; b = ${nix(`b-${own}`)}; }` });
	repository('home/repo', { 'default.nix': `{ a = ${nix(`a2-${own}`)}; b = ${nix(`b-${own}`)}; bad = throw "no"; }` });
	run('chown', ['-R', `${NOBODY}:${NOBODY}`, home]);

	const writes = as_user(['sh', '-c', 'touch /nix/store/x /nix/var/nix/x; id -u']);
	is([writes.stdout.trim(), /denied.*\n.*denied/i.test(writes.stderr)], [String(NOBODY), true], 'the user is nobody, and may not write the store');
	const diff = as_user([program, 'diff', '--format', 'json', 'HEAD~1', 'HEAD'], { cwd: path.join(home, 'repo') });
	let report = {};
	try { report = JSON.parse(diff.stdout); } catch { /* told below */ }
	const classes = (report.attributes || []).map((a) => `${a.path.join('.')} ${a.class}`);
	is([diff.status, classes], [1, ['a rebuild', 'bad added_failing']], `ekaci diff as a user${diff.status === 1 ? '' : `: ${diff.stderr}`}`);
	is((report.evaluations || []).map((e) => e.sandbox), ['bubblewrap', 'bubblewrap'], 'in a sandbox');
	const built = as_user([program, 'diff', '--build', '--format', 'json', 'HEAD~1', 'HEAD'], { cwd: path.join(home, 'repo') });
	ok(/"state": ?"built"/.test(built.stdout), 'and its build, by the daemon', built.stderr + built.stdout.slice(0, 2000));

	// Debian's daemon lets one group in. Who is not in it is told so, before anything is evaluated.
	const locked = run('unshare', ['-m', 'sh', write('locked', fs.readFileSync(with_daemon, 'utf8').replace('\nsetpriv', `\nchmod 750 ${socket}\nsetpriv`)), program, 'diff', 'HEAD~1', 'HEAD'], { cwd: path.join(home, 'repo') });
	is([locked.status, /^ekaci: Nix' daemon lets only some users in, .*permission denied.*usermod/m.test(locked.stderr)], [2, true], 'a daemon that does not let us in is named');

	// The stage as the bot runs it, with everything it may ask for.
	const dirs = Object.fromEntries(['evals_dir', 'checkout_dir', 'roots_dir', 'fetches'].map((n) => [n, path.join(home, n)]));
	const r = as_user([program, 'worker', 'evaluate'], { input: JSON.stringify(job(repo, { file: '/default.nix' }, { ...dirs, fetch: 'keep', sandbox: 'require' })) });
	const rec = r.stdout.split('\n').filter(Boolean).map((l) => JSON.parse(l)).find((l) => l.type === 'evaluation') || {};
	is([rec.complete, rec.rows, rec.errors, rec.sandbox], [true, 2, 0, 'bubblewrap'], `the stage as a user${rec.complete ? '' : `: ${r.stdout}${r.stderr}`}`);
	const root = path.join(home, 'roots_dir', (rec.key || '').slice(0, 16), 'ekaci-roots');
	const held = run('nix-store', ['-q', '--roots', run('nix-instantiate', ['-E', nix(`b-${own}`)]).stdout.trim()]);
	ok(fs.existsSync(root) && held.stdout.includes(root), 'its derivations are held by a root that the daemon knows', held.stdout + held.stderr);
	is(fs.statSync(rec.file || '/').uid, NOBODY, 'and what is stored is the user\'s');
}

// A machine whose kernel gives no user namespace, for somebody without privileges.
const without = (command, options) => run('unshare', ['-U', '--map-root-user', 'sh', '-c',
	'echo 0 >/proc/sys/user/max_user_namespaces && exec setpriv --bounding-set=-all --inh-caps=-all "$@"', 'sh', ...command], options);
const none = without(['bwrap', '--unshare-user', '--ro-bind', '/', '/', 'true']);
if (without(['true']).status !== 0 || none.status === 0) {
	skip('no user namespaces', 'they cannot be taken away here');
} else {
	const repo = repository('plain', { 'default.nix': `{ a = ${nix('plain')}; }` });
	const at = (sandbox) => {
		const doc = job(repo, { file: '/default.nix' }, { sandbox, evals_dir: path.join(work, `evals-${sandbox}`) });
		const r = without([ekaci, 'worker', 'evaluate'], { input: JSON.stringify(doc) });
		return r.stdout.split('\n').filter(Boolean).map((l) => JSON.parse(l)).find((l) => ['evaluation', 'error'].includes(l.type)) || r;
	};
	const config = write('ekaci.toml', '[github]\napp_id = "1"\nprivate_key_file = "k"\nwebhook_secret_file = "s"\n');
	const told = (file) => without([ekaci, 'check-config', file]).stdout.split('\n')[1];
	ok(/^evaluations: no sandbox can be had, so those of forks are refused until somebody approves: .*(namespace|ermi)/i.test(told(config)), 'check-config says what the sandbox comes to', told(config));
	const must = write('must.toml', fs.readFileSync(config, 'utf8') + '[evaluate]\nsandbox = "require"\n');
	ok(/^evaluations: no sandbox can be had, so all are refused: /.test(told(must)), 'also where one is required', told(must));
	const off = write('off.toml', fs.readFileSync(config, 'utf8') + '[evaluate]\nsandbox = "off"\n');
	ok(/^evaluations: without a sandbox/.test(told(off)), 'and where none is wanted', told(off));
	const refused = at('require');
	is([refused.type, refused.kind], ['error', 'denied'], 'without user namespaces what needs a sandbox is refused');
	ok(/sandbox is required and cannot be had.*(namespace|ermi)/is.test(refused.message), 'in words that say why', refused);
	const trusted = at('auto');
	is([trusted.type, trusted.complete, trusted.sandbox], ['evaluation', true, 'none'], 'and what does not is evaluated, and says that it was without');
}
done();
