#!/usr/bin/env node
// Evaluations in control groups of their own, on a machine that has the controllers of version 2 to give: a group is
// delegated to nobody as systemd does it, and evaluators that take what they can run below it.
'use strict';
const fs = require('fs');
const path = require('path');
const { ekaci, work, ok, is, done, skip, write, run, repository, job, until } = require('./lib.js');

const root = '/sys/fs/cgroup', group = `${root}/ekaci-test-${process.pid}`, NOBODY = 65534;
const words = (file) => { try { return fs.readFileSync(file, 'utf8').split(/\s+/).filter(Boolean); } catch { return []; } };
const handed = words(`${root}/cgroup.subtree_control`);

function delegate() {
	fs.mkdirSync(group);
	for (const file of ['', '/cgroup.procs', '/cgroup.subtree_control', '/cgroup.threads'])
		fs.chownSync(group + file, NOBODY, NOBODY);
}
const inside = (where, command) => ['-c', 'echo $$ >"$0/cgroup.procs" && exec setpriv --reuid=65534 --regid=65534 --clear-groups env -i PATH="$PATH" HOME=/none NIX_CONFIG="$NIX_CONFIG" "$@"', where, ...command];
const groups = () => fs.readdirSync(group, { withFileTypes: true }).filter((d) => d.isDirectory()).map((d) => d.name).sort();

if (process.getuid() !== 0 || !handed.includes('memory') || !handed.includes('pids')) {
	skip('control groups', 'not root, or the controllers memory and pids of version 2 are not here');
	done();
} else (async () => {
	// The program and its settings, where nobody can read them.
	for (const file of ['ekaci', 'nixlines.so'])
		fs.copyFileSync(path.join(path.dirname(ekaci), file), path.join(work, file));
	const program = path.join(work, 'ekaci');
	const repo = repository('repo', { 'jobs.nix': '{ a = throw "no"; }' });
	const config = write('ekaci.toml', `[web]\nlisten = "127.0.0.1:0"\n[github]\napi_url = "http://127.0.0.1:1"\napp_id = "1"\nprivate_key_file = "${work}/key"\nwebhook_secret_file = "${work}/secret"\n[state]\ndir = "${work}/state"\n`);
	write('secret', 'secret\n');
	write('key', run('openssl', ['genrsa', '2048']).stdout);
	run('chown', ['-R', `${NOBODY}:${NOBODY}`, work]);
	fs.chmodSync(work, 0o755);
	fs.chmodSync(path.join(work, 'key'), 0o600);
	delegate();
	process.on('exit', () => run('sh', ['-c', `echo 1 >${group}/cgroup.kill; sleep 0.2; rmdir ${group}/*/ ${group}`], { cwd: '/' }));

	const told = run('sh', inside(group, [program, 'check-config', config])).stdout;
	ok(told.includes(`limits: the kernel holds an evaluation's memory and processes in a control group below ${group}`), 'check-config says that the kernel limits', told);
	ok(/limits: ekaci looks .* no control group, as started here: /.test(run(program, ['check-config', config]).stdout), 'and why not, elsewhere');

	// The bot takes its group, and removes what an earlier life left.
	fs.mkdirSync(`${group}/eval-999999999`);
	run('chown', ['-R', `${NOBODY}:${NOBODY}`, `${group}/eval-999999999`]);
	const log = fs.openSync(path.join(work, 'log'), 'w');
	const bot = require('child_process').spawn('sh', inside(group, [program, 'serve', '--config', config]), { stdio: ['ignore', log, log] });
	ok(await until(() => /listening on/.test(fs.readFileSync(path.join(work, 'log'), 'utf8')), 60000), 'the bot starts', fs.readFileSync(path.join(work, 'log'), 'utf8'));
	is([groups(), words(`${group}/cgroup.procs`), words(`${group}/cgroup.subtree_control`)], [['bot'], [], ['memory', 'pids']], 'in a group of its own; its group hands controllers on, and what was left is gone');
	ok(words(`${group}/bot/cgroup.procs`).includes(String(bot.pid)), 'which it is in');
	ok(fs.readFileSync(path.join(work, 'log'), 'utf8').includes(`limits by control groups in ${group}`), 'and its log says so');

	// What its workers do then, with evaluators that take the machine.
	let n = 0;
	const evaluate = (script, sandbox) => {
		const evaluator = write(`greedy${++n}/nix-eval-jobs`, `#!/bin/sh\ncase $1 in --help) echo "  --max-memory-size --meta"; exit;; esac\n${script}\n`, 0o755);
		const doc = job(repo, { file: 'jobs.nix' }, { evaluator, sandbox, cgroup: group, workers: 1, max_memory_mb: 20, max_processes: 40, min_free_mb: 0, wall_ms: 120000,
			roots_dir: null, evals_dir: path.join(work, `evals${n}`) });
		const r = run('sh', inside(`${group}/bot`, [program, 'worker', 'evaluate']), { input: JSON.stringify(doc) });
		const records = r.stdout.split('\n').filter(Boolean).map((l) => JSON.parse(l));
		return records.find((one) => one.type === 'evaluation') || { reason: r.stdout + r.stderr };
	};
	const row = (text) => `printf '{"attrPath":["a"],"error":"%s"}\\n' "${text}"`;
	for (const sandbox of ['require', 'off']) {
		const gone = (what) => is(groups(), ['bot'], `${what} leaves no group (sandbox ${sandbox})`);
		const good = evaluate(row('$(tail -n1 /proc/self/cgroup)'), sandbox);
		ok(good.complete && good.rows === 1, `what keeps to its limits is evaluated (sandbox ${sandbox})`, good);
		const stored = good.file ? run('zstd', ['-dcq', good.file]).stdout : '';
		ok(/eval-\d+|"error":"0::\//.test(stored), `in a group of its own (sandbox ${sandbox})`, stored);
		gone('it');
		const forks = evaluate('for i in $(seq 400); do sleep 30 & done; wait', sandbox);
		ok(!forks.complete && /wanted more than 72 processes and threads at once/.test(forks.reason), `one that forks endlessly cannot (sandbox ${sandbox})`, forks);
		gone('it');
		const eats = evaluate('for i in 1 2 3 4 5 6; do (head -c 200M /dev/zero | tail -c 200M | sleep 30) & done; wait', sandbox);
		ok(!eats.complete && /used more than 552 MiB of memory/.test(eats.reason), `one that eats memory is ended as a whole (sandbox ${sandbox})`, eats);
		gone('it');
		const orphan = evaluate(`setsid sleep 1000 & (setsid sh -c 'sleep 1000' &); ${row('x')}`, sandbox);
		ok(orphan.complete, `one that leaves processes is evaluated (sandbox ${sandbox})`, orphan);
		gone('it');
	}
	const fills = evaluate('head -c 800M /dev/zero >/tmp/x; sleep 3', 'require');
	ok(!fills.complete && /used more than 552 MiB of memory/.test(fills.reason), "a sandbox's /tmp counts as memory", fills);
	bot.kill('SIGTERM');
	is(await new Promise((resolve) => bot.on('exit', resolve)), 0, 'the bot ends in good order');
	done();
})();
