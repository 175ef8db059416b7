#!/usr/bin/env node
// What it costs to note what an evaluation reads, and how often that spares one. A line each: name value unit (goal).
//
// Over 3,000 files that are imported; and, where CORE_MIRROR (a repository with history) is given, over ekala-project/corepkgs at its
// HEAD, with CORE_CACHE as in evaluate.js, and of its last COMMITS neighbours (20; each may cost an evaluation or two) the share that is
// proved; what is proved is evaluated all the same. EKACI names another program.
'use strict';
const { spawnSync } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');

const ekaci = path.resolve(process.env.EKACI || path.join(__dirname, '../../build/release/ekaci'));
const work = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-bench-'));
process.on('exit', () => fs.rmSync(work, { recursive: true, force: true }));
const print = (name, value, unit, goal) => console.log(`${name} ${Number.isInteger(value) ? value : Number(value).toPrecision(4)} ${unit}${goal ? `  (goal: ${goal})` : ''}`);
const need = (is, words) => { if (!is) throw new Error(String(words).slice(-1000)); };
const git = (dir, ...args) => {
	const r = spawnSync('git', ['-C', dir, '-c', 'user.name=bench', '-c', 'user.email=bench@localhost', ...args], { encoding: 'utf8', maxBuffer: 1 << 28 });
	need(r.status === 0, r.stderr);
	return r.stdout.trim();
};

// Seconds of processor of what is started, all of it, and of the clock.
const TIMES = /(\d+)m([\d.]+)s (\d+)m([\d.]+)s\s*$/;
function timed(args, input)
{
	const began = process.hrtime.bigint();
	const r = spawnSync('sh', ['-c', '"$@"; code=$?; times >&2; exit $code', 'sh', ...args], { encoding: 'utf8', input, maxBuffer: 1 << 30 });
	const wall = Number(process.hrtime.bigint() - began) / 1e9, t = TIMES.exec(r.stderr);
	need(r.status === 0 && t, r.stderr);
	return { stdout: r.stdout, wall, cpu: Number(t[1]) * 60 + Number(t[2]) + Number(t[3]) * 60 + Number(t[4]) };
}

// One tree evaluated with and without noting, alternately, so that whatever else the machine does falls on both; of each the least.
function overhead(name, dir, file, cache)
{
	const tree = git(dir, 'rev-parse', 'HEAD^{tree}'), least = { true: {}, false: {} };
	let noted = false;
	for (let i = 0; i < 6; i++) {
		const proof = i % 2 === 0, evals_dir = path.join(work, `${name}-${i}`);
		const job = { git_dir: path.resolve(dir, git(dir, 'rev-parse', '--git-dir')), tree, proof, job: { name: 'x', file }, side: 'head', evals_dir, checkout_dir: path.join(work, 'co'), evaluator: 'built-in', workers: 2,
			sandbox: 'auto', wall_ms: 3600000, fetch_cache_dir: cache };
		const r = timed([ekaci, 'worker', 'evaluate'], JSON.stringify(job)), rec = r.stdout.split('\n').filter(Boolean).map(l => JSON.parse(l)).find(l => l.type === 'evaluation');
		need(rec && rec.complete, r.stdout);
		noted = noted || fs.readdirSync(evals_dir).some(f => f.endsWith('.reads.zst'));
		for (const what of ['cpu', 'wall'])
			least[proof][what] = Math.min(least[proof][what] ?? Infinity, r[what]);
	}
	if (!noted) {
		console.log(`# ${name}: what is read cannot be noted here (no /dev/fuse, no namespaces or no sandbox)`);
		return;
	}
	print(`${name}_evaluation_noting_reads`, least.true.cpu, `s of processor; from a checkout ${least.false.cpu.toPrecision(4)}`);
	print(`${name}_noting_reads_vs_checkout`, least.true.cpu / least.false.cpu, 'ratio of processor time', 'at most 1.05');
	print(`${name}_noting_reads_vs_checkout_wall`, least.true.wall / least.false.wall, 'ratio');
}

function synthetic()
{
	const dir = path.join(work, 'repo');
	fs.mkdirSync(path.join(dir, 'p'), { recursive: true });
	for (let i = 0; i < 3000; i++) {
		fs.mkdirSync(path.join(dir, `p/${i}`));
		fs.writeFileSync(path.join(dir, `p/${i}/default.nix`), `derivation { name = "p${i}"; system = "x86_64-linux"; builder = "/bin/sh"; src = ./src; n = builtins.length (builtins.genList (x: x) 1000); }\n`);
		fs.writeFileSync(path.join(dir, `p/${i}/src`), `source ${i}\n`);
	}
	fs.writeFileSync(path.join(dir, 'default.nix'), 'builtins.mapAttrs (n: t: import (./p + "/${n}")) (builtins.readDir ./p)\n');
	git(work, 'init', '-q', dir);
	git(dir, 'add', '-A');
	git(dir, 'commit', '-q', '-m', 'x');
	overhead('files_3000', dir, 'default.nix');
}

// Neighbours from the oldest on: what was proved or evaluated is the next one's base.
function neighbours(dir, file, env)
{
	const n = Number(process.env.COMMITS || 20), commits = git(dir, 'rev-list', '--first-parent', '-n', String(n + 1), 'HEAD').split('\n').reverse();
	const diff = (...args) => {
		const r = spawnSync(ekaci, ['diff', '--repo', dir, '--evaluator', 'built-in', '--file', file, '--format', 'json', ...args], { encoding: 'utf8', env, maxBuffer: 1 << 30 });
		need(r.stdout.startsWith('{'), r.stderr);
		return JSON.parse(r.stdout);
	};
	let told = 0, proved = 0, wrong = 0;
	for (let i = 1; i < commits.length; i++) {
		const quick = diff(commits[i - 1], commits[i]), head = (quick.evaluations || []).find(e => e.side === 'head' && e.complete);
		told += head !== undefined;
		if (!head || head.proved === undefined)
			continue;
		proved++;
		wrong += JSON.stringify(diff(commits[i - 1], commits[i], '--no-proof').counts) !== JSON.stringify(quick.counts);
	}
	print('corepkgs_neighbours_proved', told ? proved / told * 100 : 0, `%, ${proved} of ${told}`);
	print('corepkgs_neighbours_proved_wrongly', wrong, 'of these, evaluated all the same', '0');
}

synthetic();
if (process.env.CORE_MIRROR) {
	const cache = path.join(work, 'cache'), fetched = path.join(process.env.CORE_CACHE || path.join(os.homedir(), '.cache'), 'nix');
	if (fs.existsSync(fetched))
		fs.cpSync(fetched, path.join(cache, 'nix'), { recursive: true });
	overhead('corepkgs', process.env.CORE_MIRROR, 'maintainers/ci-jobs.nix', cache);
	neighbours(process.env.CORE_MIRROR, 'maintainers/ci-jobs.nix', { ...process.env, XDG_CACHE_HOME: cache });
} else {
	console.log('# corepkgs: not measured, CORE_MIRROR is not given');
}
