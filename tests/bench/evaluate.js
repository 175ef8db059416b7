#!/usr/bin/env node
// Figures of the evaluator, a line each: name value unit. EKACI names the program; CORE_MIRROR, a bare repository of
// ekala-project/corepkgs, and CORE_CACHE, a fetcher cache made by fetch-cache.sh, add the figures of a real repository.
'use strict';
const { spawnSync } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');

const ekaci = path.resolve(process.env.EKACI || path.resolve(__dirname, '../../build/release/ekaci'));
const set = path.resolve(__dirname, '../../fixtures/evaluations/bench.nix');
const work = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-bench-'));
process.on('exit', () => fs.rmSync(work, { recursive: true, force: true }));
const print = (name, value, unit) => console.log(`${name} ${Number.isInteger(value) ? value : Number(value).toPrecision(4)} ${unit}`);

// Wall seconds of a command.
function timed(cmd, args, options = {}) {
	const began = process.hrtime.bigint();
	const r = spawnSync(cmd, args, { encoding: 'utf8', maxBuffer: 1 << 30, timeout: 600000, cwd: work, ...options });
	const wall = Number(process.hrtime.bigint() - began) / 1e9;
	return { ...r, wall };
}
function best(n, f) {
	let least = null;
	for (let i = 0; i < n; i++) {
		const r = f();
		if (least === null || r.wall < least.wall)
			least = r;
	}
	return least;
}

{
	// One process can do this set only without the 40 that nothing catches: they would end it.
	const one = '{ set }: builtins.mapAttrs (n: v: let r = builtins.tryEval v.drvPath; in if r.success then r.value else null) set';
	const args = ['--eval', '--strict', '--json', '--read-write-mode', '-E', `(${one}) { set = import ${set} { uncatchable = false; }; }`];
	const single = best(3, () => timed('nix-instantiate', args));
	if (single.status !== 0)
		throw new Error(single.stderr.slice(-500));
	for (const workers of ['1', '2']) {
		const ours = best(3, () => timed(ekaci, ['eval-jobs', '--workers', workers, set]));
		const rows = ours.stdout.split('\n').filter(Boolean).map((l) => JSON.parse(l));
		const errors = rows.filter((r) => r.error).length;
		if (ours.status !== 0 || rows.length !== 2000 || errors !== 140)
			throw new Error(`eval-jobs: exit ${ours.status}, ${rows.length} rows, ${errors} errors`);
		print(`eval_jobs_${workers}_workers_wall`, ours.wall, 's');
		print(`eval_jobs_${workers}_workers_wall_vs_one_process`, ours.wall / single.wall, 'ratio');
	}
	print('nix_instantiate_one_process_wall', single.wall, 's');
	const clean = best(3, () => timed(ekaci, ['eval-jobs', '--workers', '1', '--arg', 'uncatchable', 'false', set]));
	const failing = best(3, () => timed(ekaci, ['eval-jobs', '--workers', '1', set]));
	print('eval_jobs_cost_per_uncatchable_failure', Math.max(0, (failing.wall - clean.wall) / 40 * 1000), 'ms');
}

{
	// A stage that gets 100,000 rows with meta from an evaluator that costs nothing but printing: what reading them costs.
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
	const job = { git_dir: path.join(work, 'empty'), tree, job: { file: 'x' }, evals_dir: path.join(work, 'evals'), checkout_dir: path.join(work, 'co'),
		evaluator: fake, sandbox: 'off', wall_ms: 120000 };
	const r = timed(ekaci, ['worker', 'evaluate'], { input: JSON.stringify(job) });
	const rec = r.stdout.split('\n').filter(Boolean).map((l) => JSON.parse(l)).find((l) => l.type === 'evaluation');
	if (!rec || !rec.complete || rec.rows !== 100000)
		throw new Error(r.stdout.slice(-500));
	print('read_and_store_100000_rows', bytes / 1e6 / r.wall, 'MB/s');
}

if (process.env.CORE_MIRROR) {
	const git_dir = process.env.CORE_MIRROR;
	const tree = spawnSync('git', ['-C', git_dir, 'rev-parse', 'HEAD^{tree}'], { encoding: 'utf8' }).stdout.trim();
	const job = { git_dir, tree, job: { file: '/maintainers/ci-jobs.nix' }, evals_dir: path.join(work, 'core'), checkout_dir: path.join(work, 'co'),
		roots_dir: path.join(work, 'roots'), evaluator: 'built-in', workers: 2, sandbox: 'auto', wall_ms: 600000, fetch_cache_dir: process.env.CORE_CACHE };
	for (const what of ['cold', 'warm', 'stored']) {
		if (what === 'warm')
			fs.rmSync(path.join(work, 'core'), { recursive: true });
		const r = timed(ekaci, ['worker', 'evaluate'], { input: JSON.stringify(job) });
		const rec = r.stdout.split('\n').filter(Boolean).map((l) => JSON.parse(l)).find((l) => l.type === 'evaluation');
		if (!rec || !rec.complete)
			throw new Error(r.stdout.slice(-1000));
		print(`corepkgs_${what}_wall`, r.wall, 's');
		if (what === 'warm') {
			print('corepkgs_rows', rec.rows, 'rows');
			print('corepkgs_errors', rec.errors, 'rows');
			print('corepkgs_derivations', rec.derivations, 'derivations');
			print('corepkgs_largest_process', rec.max_rss_kb / 1024, 'MiB');
		}
	}
}
