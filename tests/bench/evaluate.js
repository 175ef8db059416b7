#!/usr/bin/env node
// Figures of the evaluator, a line each: name value unit (goal).
//
// Those of real repositories need ekala-project/corepkgs and auxolotl/core at the commits below: CORE_MIRROR and AUX_MIRROR, bare
// repositories that have them, or else they are fetched from GitHub into build/bench; without either that is said. CORE_CACHE, a
// fetcher cache made by fetch-cache.sh, stands in for the network where there is none. EKACI names another program,
// NIX_EVAL_JOBS a nix-eval-jobs to be measured beside it (else the one on PATH).
'use strict';
const { spawn, spawnSync } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');

const top = path.resolve(__dirname, '../..');
const ekaci = path.resolve(process.env.EKACI || path.join(top, 'build/release/ekaci'));
const set = path.join(top, 'fixtures/evaluations/bench.nix');
const CORE = { name: 'corepkgs', repo: 'ekala-project/corepkgs', mirror: process.env.CORE_MIRROR, commit: '9c8533eb0c406106b0c9e20dc0a788892a9307fd',
	rows: 12565, errors: 536 }; // as nix-eval-jobs 2.26 has them without meta
const AUX = { name: 'auxolotl_core', repo: 'auxolotl/core', mirror: process.env.AUX_MIRROR, commit: 'fe3e015b6b9f8ea4149423d0178cb05e6029fed1' };
const work = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-bench-'));
process.on('exit', () => fs.rmSync(work, { recursive: true, force: true }));
const print = (name, value, unit, goal) => console.log(`${name} ${Number.isInteger(value) ? value : Number(value).toPrecision(4)} ${unit}${goal ? `  (goal: ${goal})` : ''}`);
const lines = (text) => text.split('\n').filter(Boolean).map((l) => JSON.parse(l));
const need = (is, ...words) => { if (!is) throw new Error(words.map((w) => (typeof w === 'string' ? w.slice(-1000) : JSON.stringify(w))).join(' ')); };

// Wall seconds of a command, its output in files, so that reading it costs it nothing.
function timed(cmd, args, options = {}) {
	const began = process.hrtime.bigint();
	const r = spawnSync(cmd, args, { encoding: 'utf8', maxBuffer: 1 << 30, timeout: 600000, cwd: work, ...options });
	const wall = Number(process.hrtime.bigint() - began) / 1e9;
	return { ...r, wall };
}
function best(n, f) {
	let least = null;
	for (let i = 0; i < n; i++) {
		const r = f(i);
		if (least === null || r.wall < least.wall)
			least = r;
	}
	return least;
}

// The most memory, in MiB, that a command and all below it had at once (shared pages counted once), looked at 20 times a
// second; and the most that the command itself had. In a run of its own: looking costs.
function peak(cmd, args, { input, ...options } = {}) {
	const read = (file) => { try { return fs.readFileSync(file, 'utf8'); } catch { return ''; } };
	const threads = (pid) => { try { return fs.readdirSync(`/proc/${pid}/task`); } catch { return []; } }; // each may have children
	const family = (pid) => [pid, ...threads(pid).flatMap((t) => read(`/proc/${pid}/task/${t}/children`).split(' ')).filter(Boolean).flatMap(family)];
	const pss = (pid) => Number((/^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`)) || [0, 0])[1]) / 1024;
	const child = spawn(cmd, args, { cwd: work, stdio: ['pipe', 'ignore', 'ignore'], ...options });
	let all = 0, own = 0;
	child.stdin.end(input);
	const clock = setInterval(() => {
		all = Math.max(all, family(child.pid).reduce((sum, pid) => sum + pss(pid), 0));
		own = Math.max(own, Number((/VmHWM:\s+(\d+)/.exec(read(`/proc/${child.pid}/status`)) || [0, 0])[1]) / 1024);
	}, 50);
	return new Promise((resolve) => child.on('exit', () => { clearInterval(clock); resolve({ all, own }); }));
}

// A repository whose commits are what the folders' contents were.
function commits(dir, ...trees) {
	const git = (...args) => spawnSync('git', ['-C', dir, '-c', 'user.name=bench', '-c', 'user.email=bench@localhost', ...args], { encoding: 'utf8' });
	spawnSync('git', ['init', '-q', dir]);
	return trees.map((files) => {
		for (const [name, text] of Object.entries(files))
			fs.writeFileSync(path.join(dir, name), text);
		git('add', '-A');
		git('commit', '-q', '--allow-empty', '-m', 'x');
		return git('rev-parse', 'HEAD').stdout.trim();
	});
}

// What a stage says in the end of an evaluation.
const evaluation = (r) => {
	const rec = lines(r.stdout || '').find((l) => l.type === 'evaluation');
	need(rec && rec.complete, r.stdout || '', r.stderr || '');
	return rec;
};

// Beside one process that evaluates the same set.
async function beside_one_process() {
	// One process can do this set only without the 40 that nothing catches: they would end it.
	const one = '{ set }: builtins.mapAttrs (n: v: let r = builtins.tryEval v.drvPath; in if r.success then r.value else null) set';
	const args = ['--eval', '--strict', '--json', '--read-write-mode', '-E', `(${one}) { set = import ${set} { uncatchable = false; }; }`];
	const single = best(3, () => timed('nix-instantiate', args));
	need(single.status === 0, single.stderr);
	const single_peak = await peak('nix-instantiate', args);
	for (const workers of ['1', '2']) {
		const ours = best(3, () => timed(ekaci, ['eval-jobs', '--workers', workers, set]));
		const rows = lines(ours.stdout), errors = rows.filter((r) => r.error).length;
		need(ours.status === 0 && rows.length === 2000 && errors === 140, 'eval-jobs:', ours.status, rows.length, errors);
		const ours_peak = await peak(ekaci, ['eval-jobs', '--workers', workers, set]);
		print(`eval_jobs_${workers}_workers_wall`, ours.wall, 's');
		print(`eval_jobs_${workers}_workers_wall_vs_one_process`, ours.wall / single.wall, 'ratio', workers === '2' ? 'at most 0.7' : '');
		print(`eval_jobs_${workers}_workers_memory_vs_one_process`, ours_peak.all / single_peak.all, 'ratio');
	}
	print('nix_instantiate_one_process_wall', single.wall, 's');
	print('nix_instantiate_one_process_memory', single_peak.all, 'MiB');
	const clean = best(3, () => timed(ekaci, ['eval-jobs', '--workers', '1', '--arg', 'uncatchable', 'false', set]));
	const failing = best(3, () => timed(ekaci, ['eval-jobs', '--workers', '1', set]));
	print('eval_jobs_cost_per_uncatchable_failure', Math.max(0, (failing.wall - clean.wall) / 40 * 1000), 'ms');
}

// A report whose base is stored, beside evaluating its head alone.
function stored_base(name, dir, file, base, [first, ...heads]) {
	const env = { ...process.env, XDG_CACHE_HOME: path.join(work, `${name}-cache`) };
	const args = ['diff', '--evaluator', 'built-in', '--workers', '2', '--file', file, '--format', 'json', '--repo', dir];
	const job = (head) => ({ git_dir: path.join(dir, '.git'), tree: spawnSync('git', ['-C', dir, 'rev-parse', `${head}^{tree}`], { encoding: 'utf8' }).stdout.trim(), job: { name: 'x', file }, side: 'head',
		evals_dir: path.join(work, `${name}-evals`), checkout_dir: path.join(work, 'co'), evaluator: 'built-in', workers: 2, sandbox: 'auto', wall_ms: 600000,
		fetch_cache_dir: env.XDG_CACHE_HOME });
	const fetched = path.join(process.env.CORE_CACHE || path.join(os.homedir(), '.cache'), 'nix');
	if (fs.existsSync(fetched))
		fs.cpSync(fetched, path.join(env.XDG_CACHE_HOME, 'nix'), { recursive: true });
	timed(ekaci, [...args, base, first], { env });
	const whole = best(heads.length, (i) => {
		const report = timed(ekaci, [...args, base, heads[i]], { env });
		need(report.status < 2 && JSON.parse(report.stdout).evaluations.some((e) => e.side === 'base' && e.reused), report.stderr, report.stdout.slice(0, 500));
		return report;
	});
	const alone = best(heads.length, (i) => {
		const r = timed(ekaci, ['worker', 'evaluate'], { input: JSON.stringify(job(heads[i])) });
		evaluation(r);
		return r;
	});
	print(`${name}_whole_report_base_stored`, whole.wall, 's');
	print(`${name}_head_alone`, alone.wall, 's');
	print(`${name}_report_vs_head_alone`, whole.wall / alone.wall, 'ratio', 'at most 1.05');
}

function stored_base_of_set() {
	const text = fs.readFileSync(set, 'utf8'), dir = path.join(work, 'repo');
	const changed = (n) => text.replace('value = toString (work i)', `value = toString (work i) + (if i < ${n} then "x" else "")`);
	const [base, ...heads] = commits(dir, ...[text, changed(100), changed(101), changed(102), changed(103)].map((t) => ({ 'jobs.nix': t })));
	stored_base('set', dir, 'jobs.nix', base, heads);
}

// A stage that gets 100,000 rows with meta from an evaluator that costs nothing but printing: what reading them costs.
async function reading() {
	const meta = { description: 'x'.repeat(200), longDescription: 'y'.repeat(1500), license: { spdxId: 'MIT', fullName: 'MIT License', free: true },
		maintainers: [{ github: 'someone', name: 'Some One', email: 'a@example.org' }], platforms: Array(30).fill('x86_64-linux'), homepage: 'https://example.org/' };
	const file = path.join(work, 'rows');
	const fd = fs.openSync(file, 'w');
	for (let i = 0; i < 100000; i++) {
		const hash = i.toString(32).padStart(32, '0');
		fs.writeSync(fd, JSON.stringify({ attr: `a${i}`, attrPath: [`a${i}`], drvPath: `/nix/store/${hash}-a.drv`, meta, name: `a-${i}`,
			outputs: { out: `/nix/store/${hash}-a` }, requiredSystemFeatures: [], system: 'x86_64-linux' }) + '\n');
	}
	fs.closeSync(fd);
	const bytes = fs.statSync(file).size;
	const fake = path.join(work, 'nix-eval-jobs-2.33.1', 'nix-eval-jobs');
	fs.mkdirSync(path.dirname(fake));
	fs.writeFileSync(fake, `#!/bin/sh\ncase $1 in --help) echo "  --max-memory-size --meta";; *) cat ${file};; esac\n`, { mode: 0o755 });
	spawnSync('git', ['init', '-q', '--bare', path.join(work, 'empty')]);
	const tree = spawnSync('git', ['-C', path.join(work, 'empty'), 'hash-object', '-w', '-t', 'tree', '/dev/null'], { encoding: 'utf8' }).stdout.trim();
	const job = (n) => JSON.stringify({ git_dir: path.join(work, 'empty'), tree, job: { name: 'x', file: 'x' }, side: 'head', evals_dir: path.join(work, `evals${n}`), checkout_dir: path.join(work, 'co'),
		evaluator: fake, sandbox: 'off', wall_ms: 120000 });
	const r = best(3, (i) => timed(ekaci, ['worker', 'evaluate'], { input: job(i) }));
	need(evaluation(r).rows === 100000, r.stdout);
	print('read_and_store_100000_rows', bytes / 1e6 / r.wall, 'MB/s', 'at least 600');
	print('read_and_store_memory', (await peak(ekaci, ['worker', 'evaluate'], { input: job('peak') })).own, `MiB, of ${Math.round(bytes / 1048576)} read`);
}

// A bare repository with the commit, or null with the reason said.
function repository_of({ name, repo, mirror, commit }) {
	const has = (dir) => spawnSync('git', ['-C', dir, 'cat-file', '-e', `${commit}^{commit}`]).status === 0;
	const own = path.join(top, `build/bench/${path.basename(repo)}.git`);
	if (mirror && has(mirror))
		return mirror;
	if (fs.existsSync(own) && has(own))
		return own;
	spawnSync('git', ['init', '-q', '--bare', own]);
	const got = spawnSync('git', ['-C', own, 'fetch', '-q', '--depth', '1', `https://github.com/${repo}`, commit], { encoding: 'utf8', timeout: 300000 });
	if (got.status === 0)
		return own;
	console.log(`# ${name}: not measured, it cannot be fetched: ${(got.stderr || 'too slow').trim().split('\n')[0]}`);
	return null;
}

// Both evaluators on one set, alternately, so that whatever else the machine does falls on both; of each the best of three.
async function beside_nix_eval_jobs(name, what, env) {
	const real = process.env.NIX_EVAL_JOBS || spawnSync('sh', ['-c', 'command -v nix-eval-jobs'], { encoding: 'utf8' }).stdout.trim();
	if (real === '') {
		console.log(`# ${name}: there is no nix-eval-jobs: no ratio to it`);
		return;
	}
	const flags = ['--workers', '2', ...what];
	const both = [[ekaci, ['eval-jobs', ...flags]], [real, flags]];
	const best_of = [null, null], memory = [Infinity, Infinity];
	for (let i = 0; i < 3; i++)
		for (let k = 0; k < 2; k++) {
			const r = timed(...both[k], { env });
			need(r.status === 0, both[k][0], `exit ${r.status}`, r.stderr || '');
			if (best_of[k] === null || r.wall < best_of[k].wall)
				best_of[k] = r;
			memory[k] = Math.min(memory[k], (await peak(...both[k], { env })).all);
		}
	const facts = best_of.map((r) => new Map(lines(r.stdout).map((row) => [JSON.stringify(row.attrPath), row.drvPath || 'error'])));
	const errors = facts.map((f) => [...f.values()].filter((v) => v === 'error').length);
	const other = [...new Set([...facts[0].keys(), ...facts[1].keys()])].filter((at) => facts[0].get(at) !== facts[1].get(at));
	print(`${name}_nix_eval_jobs_rows`, facts[1].size, `rows, ${errors[1]} of them errors; ours ${facts[0].size}, ${errors[0]}`);
	print(`${name}_rows_other_than_nix_eval_jobs`, other.length, `rows${other.length ? `, ${other[0]} first` : ''}`, '0');
	print(`${name}_nix_eval_jobs_wall`, best_of[1].wall, `s; ours ${best_of[0].wall.toPrecision(4)}`);
	print(`${name}_wall_vs_nix_eval_jobs`, best_of[0].wall / best_of[1].wall, 'ratio', 'at most 0.8');
	print(`${name}_nix_eval_jobs_memory`, memory[1], `MiB; ours ${memory[0].toPrecision(4)}`);
	print(`${name}_memory_vs_nix_eval_jobs`, memory[0] / memory[1], 'ratio', 'at most 0.9');
}

// A flake of 1,986 attributes below one output; it has no inputs.
async function aux() {
	const git_dir = repository_of(AUX);
	if (git_dir === null)
		return;
	const dir = path.join(work, 'auxolotl-core');
	fs.mkdirSync(dir);
	need(spawnSync('sh', ['-c', 'git -C "$1" archive "$2" | tar -x -C "$3"', 'sh', git_dir, AUX.commit, dir]).status === 0, 'cannot check auxolotl/core out');
	await beside_nix_eval_jobs(AUX.name, ['--flake', `path:${dir}#legacyPackages.x86_64-linux`], process.env);
}

async function core() {
	const git_dir = repository_of(CORE);
	if (git_dir === null)
		return;
	const dir = path.join(work, 'corepkgs'), file = path.join(dir, 'maintainers/ci-jobs.nix');
	spawnSync('git', ['clone', '-q', '--no-checkout', git_dir, dir]);
	need(spawnSync('git', ['-C', dir, 'checkout', '-q', CORE.commit]).status === 0, 'cannot check corepkgs out');
	const env = process.env.CORE_CACHE ? { ...process.env, XDG_CACHE_HOME: process.env.CORE_CACHE } : process.env;
	const args = ['eval-jobs', '--workers', '2', '--meta', file];
	timed(ekaci, args, { env }); // writes the store's derivations, and fetches
	const ours = best(3, () => timed(ekaci, args, { env }));
	const rows = lines(ours.stdout), good = rows.filter((r) => r.drvPath), errors = rows.filter((r) => r.error);
	print('corepkgs_eval_jobs_2_workers_wall', ours.wall, 's');
	print('corepkgs_eval_jobs_2_workers_memory', (await peak(ekaci, args, { env })).all, 'MiB');
	print('corepkgs_rows', rows.length, `rows, ${errors.length} of them errors`, `${CORE.rows}, ${CORE.errors}`);
	// Every derivation once more, from one process that is told where they are.
	const list = path.join(work, 'paths.json');
	fs.writeFileSync(list, JSON.stringify(good.map((r) => r.attrPath)));
	const expr = `let call = v: if builtins.isFunction v then v { } else if v ? __functor then call (v.__functor v) else v; root = call (import ${file});
		in map (p: (call (builtins.foldl' (v: n: (call v).\${n}) root p)).drvPath) (builtins.fromJSON (builtins.readFile ${list}))`;
	const single = timed('nix-instantiate', ['--eval', '--strict', '--json', '-E', expr], { env });
	need(single.status === 0, single.stderr);
	const theirs = JSON.parse(single.stdout);
	print('corepkgs_derivations_other_than_nix_instantiate', good.filter((r, i) => r.drvPath !== theirs[i]).length, `of ${good.length}`, '0');
	print('corepkgs_nix_instantiate_one_process_wall', single.wall, 's');
	print('corepkgs_wall_vs_one_process', ours.wall / single.wall, 'ratio');
	await beside_nix_eval_jobs(CORE.name, [file], env);
	const heads = ['x', 'y', 'z'].map((word) => commits(dir, { 'bench-of-ekaci.txt': word })[0]);
	stored_base('corepkgs', dir, 'maintainers/ci-jobs.nix', CORE.commit, heads);
}

(async () => {
	await beside_one_process();
	stored_base_of_set();
	await reading();
	await core();
	await aux();
})();
