// What the tests of the evaluator share: TAP, a repository made of a few files, one run of the stage or of eval-jobs.
'use strict';
const { spawnSync, spawn } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');

const ekaci = process.env.EKACI || path.resolve(__dirname, '../../build/release/ekaci');
const work = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-test-'));
process.on('exit', () => fs.rmSync(work, { recursive: true, force: true }));

let n = 0, failed = 0;
function ok(good, name, detail) {
	n++;
	process.stdout.write(`${good ? 'ok' : 'not ok'} ${n} - ${name}\n`);
	if (!good) {
		failed++;
		if (detail !== undefined)
			process.stdout.write(String(typeof detail === 'string' ? detail : JSON.stringify(detail, null, 1))
				.slice(0, 4000).replace(/^/gm, '# ') + '\n');
	}
	return good;
}
// Said aloud: prove and the reader see what could not be tested here, and why.
function skip(name, why) {
	process.stdout.write(`ok ${++n} - ${name} # SKIP ${why}\n`);
}
function is(got, want, name) {
	const a = JSON.stringify(got), b = JSON.stringify(want);
	return ok(a === b, name, `got  ${a}\nwant ${b}`);
}
function done() {
	process.stdout.write(`1..${n}\n`);
	process.exitCode = failed ? 1 : 0;
}
function skipAll(why) {
	process.stdout.write(`1..0 # SKIP ${why}\n`);
	process.exit(0);
}

function write(file, text, mode) {
	const full = path.resolve(work, file);
	fs.mkdirSync(path.dirname(full), { recursive: true });
	fs.writeFileSync(full, text, mode ? { mode } : {});
	return full;
}

function run(cmd, args, options = {}) {
	return spawnSync(cmd, args, { encoding: 'utf8', timeout: 60000, maxBuffer: 1 << 28, cwd: work, ...options });
}

// eval-jobs: rows by their path joined with a bar, the exit code, standard error.
function evalJobs(args, options) {
	const r = run(ekaci, ['eval-jobs', ...args], options);
	const lines = r.stdout.split('\n').filter(Boolean).map((l) => JSON.parse(l));
	const rows = {};
	for (const row of lines)
		rows[row.attrPath.join('|')] = row;
	return { code: r.status, rows, lines, err: r.stderr };
}

// A repository with these files ({name: text, or {link}}); gives git_dir and tree.
function repository(name, files) {
	const dir = path.join(work, name);
	fs.mkdirSync(dir, { recursive: true });
	const git = (...a) => {
		const r = run('git', ['-C', dir, '-c', 'user.name=t', '-c', 'user.email=t@example.org', ...a]);
		if (r.status !== 0)
			throw new Error(`git ${a.join(' ')}: ${r.stderr}`);
		return r.stdout.trim();
	};
	if (!fs.existsSync(path.join(dir, '.git')))
		git('init', '-q');
	for (const [file, text] of Object.entries(files)) {
		const full = path.join(dir, file);
		fs.mkdirSync(path.dirname(full), { recursive: true });
		if (typeof text === 'object')
			fs.symlinkSync(text.link, full);
		else
			fs.writeFileSync(full, text);
	}
	git('add', '-A');
	git('commit', '-q', '-m', 'x', '--allow-empty');
	return { git_dir: path.join(dir, '.git'), tree: git('rev-parse', 'HEAD^{tree}'), git };
}

function job(repo, inner, more = {}) {
	return {
		git_dir: repo.git_dir, tree: repo.tree, job: { name: 'j', ...inner }, side: 'head',
		evals_dir: path.join(work, 'evals'), checkout_dir: path.join(work, 'checkouts'),
		roots_dir: path.join(work, 'roots'), evaluator: 'built-in', workers: 2, max_memory_mb: 1024, wall_ms: 30000,
		sandbox: 'auto', allow_import_from_derivation: false, allow_network: false, allowed_uris: [], systems: [],
		max_rows: 10000, max_depth: 16, ...more,
	};
}

// The stage: its record `evaluation` (or null), its last record, and the rows of the stored file by path.
function finish(stdout) {
	const records = stdout.split('\n').filter(Boolean).map((l) => JSON.parse(l));
	const last = records[records.length - 1] || {};
	const evaluation = records.find((r) => r.type === 'evaluation') || null;
	const rows = {};
	if (evaluation && evaluation.file) {
		const text = run('zstd', ['-dcq', evaluation.file]).stdout;
		for (const l of text.split('\n').filter(Boolean).map((t) => JSON.parse(t)))
			if (l.attrPath)
				rows[l.attrPath.join('|')] = l;
	}
	return { evaluation, last, rows, records };
}
function stage(doc, options = {}) {
	const r = run(ekaci, ['worker', 'evaluate'], { input: JSON.stringify(doc), ...options });
	return { ...finish(r.stdout), code: r.status, err: r.stderr };
}
function stageAsync(doc) {
	const child = spawn(ekaci, ['worker', 'evaluate'], { cwd: work, stdio: ['pipe', 'pipe', 'pipe'] });
	let out = '';
	child.stdout.on('data', (d) => { out += d; });
	child.stdin.end(JSON.stringify(doc));
	const ended = new Promise((resolve) => child.on('close', (code) => resolve({ ...finish(out), code })));
	return { child, ended, heard: () => out };
}
// Waits for a condition, at most so long; never a fixed sleep.
async function until(cond, ms = 15000) {
	const end = Date.now() + ms;
	while (!cond() && Date.now() < end)
		await new Promise((r) => setTimeout(r, 20));
	return cond();
}

module.exports = { skip, ekaci, work, ok, is, done, skipAll, write, run, evalJobs, repository, job, stage, stageAsync, until };
