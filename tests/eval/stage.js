#!/usr/bin/env node
// The stage `evaluate`: stand-ins for every family of nix-eval-jobs, what is complete, reuse and damage, scope, checkouts.
'use strict';
const fs = require('fs');
const path = require('path');
const { ekaci, work, ok, is, done, write, run, repository, job, stage, stageAsync, until } = require('./lib.js');

const nix = (name) => `derivation { name = "${name}"; system = "x86_64-linux"; builder = "/bin/sh"; }`;
const repo = repository('repo', {
	'ci/jobs.nix': `{ a = ${nix('a')}; b = ${nix('b-2.0')} // { meta = { description = "b"; position = "x:1"; }; }; bad = throw "bad"; set = { recurseForDerivations = true; c = ${nix('c')}; d = throw "d"; }; hidden = { e = ${nix('e')}; }; source = derivation { name = "source"; system = "s"; builder = ./jobs.nix; src = ./..; }; }`,
	'flake.nix': `{ outputs = { self }: { checks.x86_64-linux = { recurseForDerivations = true; a = ${nix('a')}; }; }; }`,
	'deep.nix': `{ unused ? 1 }: { "with.dot" = { more ? 2 }: { z = ${nix('z')}; f = { __functor = self: { last ? 3 }: { y = ${nix('y')}; }; }; }; }`,
	'linked': { link: 'ci/jobs.nix' },
	'run.sh': '#!/bin/sh\n',
	'sub/dir/file': 'x',
});
const drvOf = (name) => run('nix-instantiate', ['-E', nix(name)]).stdout.trim();
const file = { file: '/ci/jobs.nix' };

// Rows as some evaluator would print them, with derivations that are there.
const recorded = [
	{ attrPath: ['a'], drvPath: drvOf('a'), name: 'a', outputs: { out: '/nix/store/00000000000000000000000000000000-a' } },
	{ attrPath: ['b'], drvPath: drvOf('b-2.0'), name: 'b-2.0', outputs: { out: null }, meta: { license: 'mit', description: 'b' } },
	{ attrPath: ['dotted.attr'], drvPath: drvOf('c'), name: 'c', outputs: { out: '/nix/store/11111111111111111111111111111111-c' }, features: ['kvm'] },
	{ attrPath: ['bad'], error: 'error: bad' },
	{ attrPath: ['', 'é"\\', '1'], error: 'error: odd' },
];
let copies = 0;
function standIn(version, more = {}) {
	const text = fs.readFileSync(path.resolve(__dirname, '../fakes/nix-eval-jobs.js'), 'utf8');
	const setup = { version, rows: recorded, ...more };
	const name = version === 'lix' ? 'lix-2.93/lix-nix-eval-jobs-2.93.0' : `nix-eval-jobs-${version}`;
	if (version === 'lix')
		setup.lix = true;
	return write(`fakes/${++copies}/${name}/bin/nix-eval-jobs`, text.replace('{/*SETUP*/}', JSON.stringify(setup)), 0o755);
}
const fresh = () => path.join(work, `evals-${++copies}`);

// Every family of versions.
for (const version of ['2.16.0', '2.26.0', '2.33.1', '2.35.0', '2.35.3', 'lix']) {
	const r = stage(job(repo, file, { evaluator: standIn(version, { shuffle: true }), evals_dir: fresh() }));
	ok(r.evaluation && r.evaluation.complete && r.last.type === 'end', `nix-eval-jobs ${version}: a good run is complete`, r);
	is(Object.keys(r.rows), ['|é"\\|1', 'a', 'b', 'bad', 'dotted.attr'], `nix-eval-jobs ${version}: keyed and sorted by attrPath`);
	is([r.evaluation.rows, r.evaluation.errors, r.evaluation.derivations], [5, 2, 3], `nix-eval-jobs ${version}: counts`);
	is(r.evaluation.evaluator, version === 'lix' ? 'lix-eval-jobs' : 'nix-eval-jobs', `nix-eval-jobs ${version}: is named`);
	ok(r.evaluation.version.startsWith(version === 'lix' ? '2.93' : version), `nix-eval-jobs ${version}: and its version is kept`, r.evaluation.version);
	is(r.rows.b.meta, { version: '2.0', description: 'b', license: ['mit'] }, `nix-eval-jobs ${version}: meta is reduced`);
	is(r.rows.b.outputs, { out: null }, `nix-eval-jobs ${version}: a null output stays`);
	const f = stage(job(repo, { flake: '.#checks', scope: [['a'], ['bad']] }, { evaluator: standIn(version), evals_dir: fresh() }));
	is(Object.keys(f.rows), ['a', 'bad'], `nix-eval-jobs ${version}: a flake, and a scope with or without --select`);
}

// With --meta, meta that does not evaluate is an error of its row: what fails is asked for again without.
{
	const more = [
		{ attrPath: ['dark'], drvPath: drvOf('dark'), name: 'dark', outputs: { out: null }, badMeta: "error: attribute 'nowhere' missing", features: ['kvm'] },
		{ attrPath: ['set', 'alien'], drvPath: drvOf('alien'), name: 'alien', outputs: { out: null }, system: 'aarch64-linux', badMeta: 'error: alien' },
	];
	for (const [version, inner] of [['2.16.0', file], ['2.33.1', file], ['2.35.3', file], ['2.26.0', { flake: '.#checks' }], ['2.33.1', { flake: '.#checks' }], ['2.33.1', { expr: '{ }', scope: [['a'], ['bad'], ['dark'], ['set']] }]]) {
		const log = path.join(work, `log-${++copies}`), given = () => fs.readFileSync(log, 'utf8').trim().split('\n').map((l) => JSON.parse(l)).filter((l) => !l.includes('--help'));
		const r = stage(job(repo, inner, { evaluator: standIn(version, { rows: [...recorded, ...more], log }), evals_dir: fresh(), sandbox: 'off' }));
		const what = `nix-eval-jobs ${version}, ${JSON.stringify(inner)}`;
		ok(r.evaluation && r.evaluation.complete && r.rows.dark && r.rows.dark.drvPath === drvOf('dark') && !r.rows.dark.error && !r.rows['set|alien'].error, `${what}: meta that does not evaluate is no error`, r.evaluation || r.last);
		is([r.rows.dark.metaError, r.rows.dark.meta, r.rows['set|alien'].system, r.rows.a.metaError], ["error: attribute 'nowhere' missing", {}, 'aarch64-linux', undefined], `${what}: it is said beside the row`);
		is([r.evaluation.errors, r.rows.bad.error], [inner.scope ? 1 : 2, 'error: bad'], `${what}: what fails without meta fails`);
		const runs = given();
		is([runs.length, runs[0].includes('--meta'), runs[1].includes('--meta'), /"dark"/.test(JSON.stringify(runs[1]).replace(/\\/g, '')) && !/"dotted/.test(JSON.stringify(runs[1]).replace(/\\/g, ''))], [2, true, false, true], `${what}: it is asked once more, for what failed alone`);
	}
	const filtered = stage(job(repo, file, { evaluator: standIn('2.33.1', { rows: [...recorded, ...more] }), evals_dir: fresh(), systems: ['x86_64-linux'] }));
	ok(filtered.rows.dark && !filtered.rows['set|alien'], 'of a system that is not wanted it is no row', filtered.rows);
	const log = path.join(work, 'log-good');
	stage(job(repo, file, { evaluator: standIn('2.33.1', { rows: recorded.filter((r) => !r.error), log }), evals_dir: fresh(), sandbox: 'off' }));
	is(fs.readFileSync(log, 'utf8').trim().split('\n').filter((l) => !l.includes('--help')).length, 1, 'where nothing fails nothing is asked again');
	const worse = stage(job(repo, file, { evaluator: standIn('2.33.1', { withoutMeta: 'exit 1' }), evals_dir: fresh() }));
	ok(worse.evaluation && !worse.evaluation.complete && /once more without meta: .*out of ideas/s.test(worse.evaluation.reason), 'when that does not come to its end, nobody knows', worse.evaluation);
}

// A failure without a name is a hole in the rows: the built-in evaluator says whose it is.
{
	const dirs = { evaluator: standIn('2.18.0', { scenario: 'nameless' }), evals_dir: fresh() };
	const first = stage(job(repo, file, dirs)), again = stage(job(repo, file, dirs));
	ok(first.evaluation && first.evaluation.complete && first.evaluation.evaluator === 'ekaci' && first.rows.bad.error, 'an error without an attribute: the built-in evaluator is asked instead', first.evaluation || first.last);
	is([again.evaluation.reused, again.evaluation.key === first.evaluation.key], [true, true], 'once');
	ok(/cannot tell all.*does not say which/.test(first.err), 'and the log says so', first.err);
}

// So it does where one attribute ends the whole, or a set within itself never does.
const said = fs.readFileSync(path.resolve(__dirname, '../../fixtures/nix-eval-jobs/2.34.8/not-utf8.stderr'));
for (const [what, setup, why] of [['text that is not UTF-8', { scenario: 'gives up', said: said.toString('base64') }, /reading result for attrPath 'c'/],
	['a worker that was killed', { scenario: 'gives up', said: Buffer.from("error: while reading result for attrPath 'x', evaluation worker got killed by SIGKILL, maybe memory limit reached?\n").toString('base64') }, /got killed by SIGKILL/],
	['a set within itself', { scenario: 'within itself' }, /a set within itself: x\.self/]]) {
	const began = Date.now();
	const r = stage(job(repo, file, { evaluator: standIn('2.33.1', setup), evals_dir: fresh(), max_depth: 64 }));
	ok(r.evaluation && r.evaluation.complete && r.evaluation.evaluator === 'ekaci' && why.test(r.err) && !r.err.includes('\x1b'), `${what}: the built-in evaluator is asked instead`, [r.evaluation || r.last, r.err]);
	ok(Date.now() - began < 20000, `${what}: soon`);
}

// Roots: one link keeps all, and the evaluator is not told to make thousands.
{
	const log = path.join(work, 'told'), r = stage(job(repo, file, { evaluator: standIn('2.33.1', { log }), evals_dir: fresh(), sandbox: 'off', roots_dir: path.join(work, 'few') }));
	const dir = path.join(work, 'few', r.evaluation.key.slice(0, 16));
	ok(r.evaluation.complete && !fs.readFileSync(log, 'utf8').includes('gc-roots-dir'), 'an evaluator of others makes no roots', fs.readFileSync(log, 'utf8'));
	is(fs.readdirSync(dir), ['ekaci-roots'], 'one root is made of what it said');
	const kept = run('nix-store', ['-q', '--references', fs.readlinkSync(path.join(dir, 'ekaci-roots'))]).stdout.split('\n').filter(Boolean).sort();
	is(kept, ['a', 'b-2.0', 'c'].map(drvOf).sort(), 'which refers to every derivation');
	// A garbage collector was faster: what is not there any more has no root, and is evaluated by ours.
	const gone = recorded.map((one, i) => (i === 0 ? { ...one, drvPath: '/nix/store/22222222222222222222222222222222-gone.drv' } : one));
	const again = stage(job(repo, file, { evaluator: standIn('2.33.1', { rows: gone }), evals_dir: fresh() }));
	ok(again.evaluation && again.evaluation.complete && again.evaluation.evaluator === 'ekaci' && /not in the store any more/.test(again.err), 'what was collected meanwhile is evaluated once more', [again.evaluation || again.last, again.err]);
}

// Whose words are the reason: the last error's, where it is said and not where it stands in a comment; or a limit's.
{
	const words = repository('words', { 'root.nix': 'import ./broken.nix', 'broken.nix': '# error: in a comment\n{ a = 1;\n  # error: in another one\n  b = ;\n}\n',
		'many.nix': '{ a = throw "one"; b = throw "two"; c = throw "three"; d = throw "four"; }' });
	const broken = stage(job(words, { file: '/root.nix' }, { evals_dir: fresh() })), many = stage(job(words, { file: '/many.nix' }, { evals_dir: fresh(), max_rows: 2 }));
	ok(/^error: syntax error, unexpected/.test((broken.evaluation || {}).reason), 'an "error:" in a comment is no word of the evaluator', broken.evaluation || broken.last);
	ok(/^more than 2 rows/.test((many.evaluation || {}).reason), 'what ended the evaluation comes before what failed in it', many.evaluation || many.last);
}

// What is not complete, and why; nothing of it is stored.
for (const [scenario, version, pattern] of [
	['exit 1', '2.33.1', /out of ideas/], ['exit 1', '2.35.0', /out of ideas/], ['root fails', '2.26.0', /the root is broken/],
	['interleaved', '2.26.0', /not a row/], ['cut', '2.33.1', /not a row/],
	['false alarm', '2.33.1', /while sending exit/]]) {
	const r = stage(job(repo, file, { evaluator: standIn(version, { scenario }), evals_dir: fresh() }));
	ok(r.last.type === 'end' && r.evaluation && !r.evaluation.complete && r.evaluation.file === null && pattern.test(r.evaluation.reason),
		`${scenario} (${version}): incomplete, in the evaluator's own words`, r.evaluation || r.last);
}
// Killed from outside, by the machine for want of memory: that says nothing of the repository, and is tried again.
{
	const dir = fresh(), r = stage(job(repo, file, { evaluator: standIn('2.33.1', { scenario: 'killed' }), evals_dir: dir }));
	ok(r.last.type === 'error' && r.last.kind === 'system' && /was killed/.test(r.last.message) && !r.evaluation, 'killed from outside: an error, to be tried again', r.last);
	ok(!fs.readdirSync(dir).some((n) => n.endsWith('.zst')), 'and nothing is stored');
}
{
	const r = stage(job(repo, file, { evaluator: standIn('2.35.0', { scenario: 'false alarm' }), evals_dir: fresh() }));
	ok(r.evaluation && r.evaluation.complete, "2.35.0's false alarm is recognised", r.evaluation);
	const dir = fresh();
	const f = stage(job(repo, file, { evaluator: standIn('2.26.0', { scenario: 'flood' }), evals_dir: dir, max_rows: 500 }));
	ok(f.evaluation && !f.evaluation.complete && /more than 500 rows.*runaway\.self/.test(f.evaluation.reason), 'an endless evaluator is stopped and the set named', f.evaluation);
	const began = Date.now();
	const s = stage(job(repo, file, { evaluator: standIn('2.33.1', { scenario: 'silent' }), evals_dir: dir, wall_ms: 1000 }));
	ok(s.evaluation && !s.evaluation.complete && /not done after 1 s/.test(s.evaluation.reason) && Date.now() - began < 15000, 'one that never ends is stopped', s.evaluation);
	ok(!fs.readdirSync(dir).some((n) => n.endsWith('.zst')), 'nothing incomplete is stored');
	const fatal = standIn('2.35.3', { rows: [...recorded, { attrPath: ['x'], error: 'error: stack overflow', fatal: true }] });
	const t = stage(job(repo, file, { evaluator: fatal, evals_dir: dir }));
	ok(t.evaluation && !t.evaluation.complete && /stack overflow/.test(t.evaluation.reason), 'a fatal row is incomplete', t.evaluation);
	const at = Date.now(), on = stage(job(repo, file, { evaluator: standIn('2.35.3', { scenario: 'fatal, and on' }), evals_dir: dir }));
	ok(on.evaluation && !on.evaluation.complete && /stack overflow/.test(on.evaluation.reason) && Date.now() - at < 15000, 'and a run that cannot end well is ended at once', on.evaluation);
}

// The built-in evaluator: reuse, damage, roots.
{
	const dir = fresh(), doc = job(repo, file, { evals_dir: dir });
	const first = stage(doc);
	is(Object.keys(first.rows), ['a', 'b', 'bad', 'set|c', 'set|d', 'source'], 'the built-in evaluator through the stage');
	const rootDir = path.join(work, 'roots', first.evaluation.key.slice(0, 16));
	ok(fs.existsSync(rootDir), 'derivations have roots under the key');
	fs.rmSync(rootDir, { recursive: true });
	const second = stage({ ...doc, workers: 1, max_memory_mb: 2000 });
	ok(second.evaluation.reused && second.evaluation.complete, 'the second one is reused, however many workers it wanted');
	is([second.evaluation.rows, second.evaluation.errors], [first.evaluation.rows, first.evaluation.errors], 'with the same counts');
	ok(fs.existsSync(path.join(rootDir, 'ekaci-roots')), 'and with roots again');
	for (const other of [{ allow_import_from_derivation: true }, { systems: ['x86_64-linux'] }, { max_depth: 5 }])
		ok(!stage({ ...doc, ...other }).evaluation.reused, `another wish is another evaluation: ${JSON.stringify(other)}`);
	const stored = first.evaluation.file, bytes = fs.readFileSync(stored);
	bytes[bytes.length >> 1] ^= 1;
	fs.writeFileSync(stored, bytes);
	const third = stage(doc);
	ok(!third.evaluation.reused && third.evaluation.complete && /damaged/.test(third.err), 'a damaged one is noticed and made again', third.err);
	fs.writeFileSync(stored, fs.readFileSync(stored).subarray(0, 100));
	ok(!stage(doc).evaluation.reused, 'one that is cut too');
	ok(stage(doc).evaluation.reused, 'and the new one serves');
	is(fs.readdirSync(path.join(work, 'checkouts')).filter((n) => n !== 'source.lock'), [], 'no checkout is left');
}

// Progress: how many there will be is known from the newest evaluation of the same wish, of whatever tree.
{
	const other = repository('totals', { 'jobs.nix': `{ a = ${nix('a')}; b = ${nix('b')}; }` });
	const more = repository('totals', { 'jobs.nix': `{ a = ${nix('a')}; b = ${nix('b')}; c = ${nix('c')}; }` });
	const dir = fresh(), wish = (r, inner = {}, etc = {}) => stage(job(r, { file: '/jobs.nix', ...inner }, { evals_dir: dir, side: 'base', ...etc }));
	const totals = (r) => [...new Set(r.records.filter((one) => one.type === 'progress').map((one) => one.total))];
	is(totals(wish(other)), [null].map(() => undefined), 'the first evaluation has no total');
	is(totals(wish(more)), [2], 'the next one of another tree expects as many');
	is(totals(wish(more, { scope: [['a'], ['b']] }, { evals_dir: fresh() })), [undefined], 'another wish does not');
	const newest = repository('totals', { 'jobs.nix': `{ a = ${nix('a')}; }` });
	is(totals(wish(newest)), [3], 'the newest one counts');
	is(totals(wish(repository('totals', { 'jobs.nix': '{ }', x: 'x' }), {}, { expected_rows: 7 })), [], 'an empty set has no progress');
	is(totals(wish(repository('totals', { 'jobs.nix': `{ a = ${nix('a')}; }`, y: 'y' }), {}, { expected_rows: 7 })), [7], "and a head its base's");
}

// Base and head at the same path: what did not change has the same derivation.
{
	const head = repository('repo', { 'ci/other.txt': 'x' });
	const a = stage(job(repo, file, { evals_dir: fresh() })), b = stage(job(head, file, { evals_dir: fresh() }));
	is(a.rows.a.drvPath, b.rows.a.drvPath, 'an unchanged attribute has the same derivation in both trees');
	ok(a.rows.source.drvPath !== b.rows.source.drvPath, 'and one whose source is the whole tree has not');
	const off = stage(job(repo, file, { evals_dir: fresh(), sandbox: 'off' }));
	is([off.evaluation.sandbox, Object.keys(off.rows).length], ['none', 6], 'without a sandbox');
	const offHead = stage(job(head, file, { evals_dir: fresh(), sandbox: 'off' }));
	is(off.rows.a.drvPath, offHead.rows.a.drvPath, 'and at one path there, too');
	is(fs.existsSync(path.join(work, 'checkouts/source')), false, 'which is empty again');
}

// A scope of what is stored as a whole is taken from it, and is what an evaluation of the scope finds.
{
	const scope = [['set'], ['a'], ['nowhere', 'x'], ['bad'], ['hidden', 'e']], dir = fresh();
	const alone = stage(job(repo, { ...file, scope }, { evals_dir: fresh() }));
	const whole = stage(job(repo, file, { evals_dir: dir }));
	const old = new Date(Date.now() - 864e5);
	fs.utimesSync(whole.evaluation.file, old, old);
	const part = stage(job(repo, { ...file, scope }, { evals_dir: dir }));
	is([alone.evaluation.reused, part.evaluation.reused], [false, true], 'a scope is taken from the whole where that is stored');
	const less = rows => JSON.parse(JSON.stringify(rows, (key, value) => key === 'stats' ? undefined : value)); // what each cost is another each time
	is(less(part.rows), less(alone.rows), 'and has the rows of its own evaluation');
	is([part.evaluation.rows, part.evaluation.errors, part.evaluation.derivations], [4, 2, 2], 'with its own counts');
	ok(fs.statSync(whole.evaluation.file).mtimeMs > Date.now() - 60000, 'the whole was of use: it is young again');
	const lock = whole.evaluation.file.replace('.jsonl.zst', '.lock');
	for (const one of [whole.evaluation.file, lock])
		fs.utimesSync(one, old, old);
	ok(stage(job(repo, file, { evals_dir: dir })).evaluation.reused, 'reused');
	ok([whole.evaluation.file, lock].every((one) => fs.statSync(one).mtimeMs > Date.now() - 60000), 'a reused one is young again, its lock too');
}

// Jobs of all kinds.
{
	const at = (inner, more) => stage(job(repo, inner, { evals_dir: fresh(), ...more }));
	is(Object.keys(at({ ...file, attr_path: ['set'] }).rows), ['c', 'd'], 'attr_path');
	is(Object.keys(at({ ...file, attr_path: [] }).rows), ['a', 'b', 'bad', 'set|c', 'set|d', 'source'], 'an empty one is the whole');
	is(Object.keys(at({ ...file, attr_path: ['set'], scope: [['d']] }).rows), ['d'], 'a scope is below it');
	is(Object.keys(at({ flake: '.#checks', attr_path: ['x86_64-linux'] }).rows), ['a'], 'of a flake it is below what the reference names');
	const deep = { file: 'deep.nix' };
	is([['with.dot'], ['with.dot', 'f']].map((attr_path) => Object.keys(at({ ...deep, attr_path }).rows)), [['z'], ['y']], 'a part with a dot; functions on the way and at its end are called as nix-build calls them');
	for (const [attr_path, pattern] of [
		[['set', 'nosuch'], /the job's attr_path set\.nosuch names nothing: there is no attribute 'nosuch'; there are: c, d, recurseForDerivations\n.*"attr_path" of the job/],
		[['set', 'c', 'name', 'x'], /there is no attribute 'x' in what is a string/], [['no.dots'], /attr_path "no\.dots" names nothing.*there are: a, b, bad, /]]) {
		const r = at({ ...file, attr_path });
		ok(!r.evaluation.complete && r.evaluation.unknown === true && pattern.test(r.evaluation.reason), `an attr_path that is not there, ${attr_path.join('|')}, could not be told, with what is there`, r.evaluation);
	}
	is(Object.keys(at({ ...file, scope: [['set', 'c'], ['a'], ['nowhere', 'x'], ['hidden', 'e']] }).rows), ['a', 'set|c'], 'a scope finds what the whole would have found, and no more');
	is(Object.keys(at({ file: 'linked', scope: [['a']] }).rows), ['a'], 'a file that is a symbolic link');
	is(Object.keys(at({ expr: '{ inherit (import ./ci/jobs.nix) b; }' }).rows), ['b'], 'an expression, relative to the repository');
	is(Object.keys(at({ flake: '.#checks' }).rows), ['x86_64-linux|a'], 'a flake');
	is(Object.keys(at({ flake: '.#checks.x86_64-linux', scope: [['a']] }).rows), ['a'], 'a flake with a scope');
	is(Object.keys(at({ ...file, systems: ['x86_64-linux'] }).rows), ['a', 'b', 'bad', 'set|c', 'set|d'], 'only the wanted systems');
	for (const bad of [{ file: '/../../etc/passwd' }, { file: 'ci/../../x' }, {}])
		is(at(bad).last.kind, 'input', `refused: ${JSON.stringify(bad)}`);
	is(stage(job({ ...repo, tree: '0'.repeat(40) }, file, { evals_dir: fresh() })).last.kind, 'absent', 'a tree that is not there');
	is(at({ file: '/nowhere.nix' }).evaluation.complete, false, 'a file that is not there is an incomplete evaluation');
	const escape = repository('escape', { 'jobs.nix': { link: '/etc/passwd' } });
	is(stage(job(escape, { file: 'jobs.nix' }, { evals_dir: fresh(), sandbox: 'off' })).evaluation.complete, false, 'a link out of the tree leads nowhere, even without a sandbox');
}

// Hostile trees.
{
	const dir = path.join(work, 'hostile');
	fs.mkdirSync(dir);
	run('git', ['init', '-q', '--bare', dir]);
	const blob = run('git', ['-C', dir, 'hash-object', '-w', '--stdin'], { input: '{ }' }).stdout.trim();
	const raw = (entries) => {
		const body = Buffer.concat(entries.map(([mode, name, id]) => Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(id, 'hex')])));
		return run('git', ['-C', dir, 'hash-object', '-w', '-t', 'tree', '--literally', '--stdin'], { input: body, encoding: null }).stdout.toString().trim();
	};
	const inner = raw([['100644', 'hooks', blob]]);
	for (const [name, entries] of Object.entries({
		'.git': [['40000', '.git', inner]], '..': [['40000', '..', inner]], '.GIT': [['40000', '.GIT', inner]], '../x': [['100644', '../x', blob]], 'a/../../x': [['100644', 'a/../../x', blob]], 'hooks/.git/x': [['100644', 'hooks/.git/x', blob]] })) {
		const r = stage(job({ git_dir: dir, tree: raw(entries) }, { file: 'x' }, { evals_dir: fresh() }));
		ok(r.last.type === 'error' && !fs.existsSync(path.join(work, 'checkouts/hooks')), `a tree with an entry ${name} is refused`, r.last);
	}
	const link = run('git', ['-C', dir, 'hash-object', '-w', '--stdin'], { input: '/tmp' }).stdout.trim();
	const twice = raw([['120000', 'd', link], ['40000', 'd', raw([['100644', 'through', blob]])]]);
	stage(job({ git_dir: dir, tree: twice }, { file: 'x' }, { evals_dir: fresh() }));
	ok(!fs.existsSync('/tmp/through'), 'nothing is written through a symbolic link');
	const submodule = raw([['100644', 'jobs.nix', blob], ['160000', 'sub', '1'.repeat(40)]]);
	const sub = stage(job({ git_dir: dir, tree: submodule }, { file: 'jobs.nix' }, { evals_dir: fresh() }));
	ok(sub.evaluation && sub.evaluation.complete, 'a submodule is an empty folder', sub.last);
}

// Two at once evaluate once; a cancelled one leaves nothing.
// What an evaluator says of itself is asked once, and again when it is another.
{
	const evals_dir = fresh(), asked = path.join(work, 'asked');
	const count = () => fs.readFileSync(asked, 'utf8').split('\n').length - 1;
	const script = (version) => `#!/bin/sh\ncase $1 in --help) echo x >>'${asked}'; echo "  --max-memory-size --meta ${version}"; exit;; esac\nprintf '{"attrPath":["a"],"error":"x"}\\n'\n`;
	const own = write('own/nix-eval-jobs', script('one'), 0o755);
	const go = () => stage(job(repo, file, { evaluator: own, evals_dir, sandbox: 'off' })).evaluation;
	const first = go(), again = go();
	is([count(), again.version, again.reused], [1, first.version, true], 'an evaluator is asked once for what it can do');
	write('own/nix-eval-jobs', script('other'), 0o755);
	const other = go();
	is([count(), other.version !== first.version, other.reused], [2, true, false], 'and again when its file is another');
}

// One with libraries of its own, outside the system's folders: as `make install` below /opt leaves it.
{
	const evals_dir = fresh(), at = (name, text) => write(`opt/evaluator/${name}`, text);
	const library = (word) => {
		const c = at('words.c', `const char *word(void) { return "${word}"; }`);
		const made = run('cc', ['-shared', '-fPIC', '-o', path.join(work, 'opt/evaluator/lib/libwords.so.new'), c]);
		fs.renameSync(path.join(work, 'opt/evaluator/lib/libwords.so.new'), path.join(work, 'opt/evaluator/lib/libwords.so'));
		return made;
	};
	at('lib/x', '');
	at('bin/x', '');
	library('first');
	const program = path.join(work, 'opt/evaluator/bin/nix-eval-jobs');
	const made = run('cc', ['-o', program, at('main.c', `#include <stdio.h>
#include <string.h>
const char *word(void);
int main(int argc, char **argv) {
	if (argc == 2 && strcmp(argv[1], "--help") == 0) return puts("  --max-memory-size --meta") < 0;
	return printf("{\\"attrPath\\":[\\"%s\\"],\\"error\\":\\"x\\"}\\n", word()) < 0;
}`), '-L', path.join(work, 'opt/evaluator/lib'), '-lwords', '-Wl,-rpath,$ORIGIN/../lib']);
	is([made.status, made.stderr], [0, ''], 'a program is made with a library of its own');
	const go = (more) => stage(job(repo, file, { evaluator: program, evals_dir, ...more }));
	const first = go(), again = go();
	is([first.evaluation && first.evaluation.complete, Object.keys(first.rows)], [true, ['first']], 'it starts in the sandbox, where it finds its library');
	is([again.evaluation.reused, again.evaluation.version], [true, first.evaluation.version], 'what it said is used again while it is the same');
	library('other');
	const other = go();
	is([other.evaluation.reused, other.evaluation.version !== first.evaluation.version, Object.keys(other.rows)], [false, true, ['other']],
		'with another library it is another evaluator, though its help is the same');
	library('first');
	is(go().evaluation.reused, true, 'and with the old one that one again');
	ok(fs.existsSync(path.join(evals_dir, 'nix-eval-jobs.build')), 'what it loads is kept');

	// ekaci check-config has the evaluator evaluate one derivation where it will have to.
	write('key', '-----BEGIN RSA PRIVATE KEY-----\n');
	write('secret', 'x\n');
	const check = (evaluator, more = '') => run(ekaci, ['check-config', write('ekaci.toml', `[web]\nlisten = "127.0.0.1:0"\n[github]\napi_url = "http://127.0.0.1:1"
app_id = "1"\nprivate_key_file = "${work}/key"\nwebhook_secret_file = "${work}/secret"\n[state]\ndir = "${work}/state"\n[evaluate]\nevaluator = "${evaluator}"\n${more}`)]);
	const own = check('built-in');
	ok(own.status === 0 && /^evaluator: ekaci .*nix \(Nix\)/m.test(own.stdout), 'check-config names the built-in evaluator, and Nix', own.stdout + own.stderr);
	const one = standIn('2.33.1', { rows: [recorded[0]] }), theirs = check(one);
	ok(theirs.status === 0 && theirs.stdout.includes(`evaluator: nix-eval-jobs 2.33.1, ${one}`), "and another's, with its place", theirs.stdout + theirs.stderr);
	ok(check(one, 'sandbox = "off"').status === 0, 'without a sandbox, too');
	for (const [what, evaluator, pattern] of [['is not there', `${work}/nowhere/nix-eval-jobs`, /there is no evaluator/], ['ends with an error', standIn('2.33.1', { scenario: 'exit 1' }), /nix-eval-jobs 2\.33\.1 cannot evaluate.*out of ideas/s],
		['finds nothing', standIn('2.33.1', { rows: [] }), /does not find the one derivation/]]) {
		const r = check(evaluator);
		ok(r.status === 1 && pattern.test(r.stderr) && !/^evaluator:/m.test(r.stdout), `an evaluator that ${what} is no good configuration`, [r.status, r.stdout, r.stderr]);
	}
	fs.unlinkSync(path.join(work, 'opt/evaluator/lib/libwords.so'));
	const broken = check(program);
	ok(broken.status === 1 && /libwords\.so/.test(broken.stderr), 'one that does not start is named with what it lacks', broken.stderr);
	is(fs.readdirSync('/tmp').filter((n) => n.startsWith('ekaci-check-')), [], 'and nothing is left of it');
}

// The daemon starts workers before it knows what for.
{
	const worker = (input) => { const r = run(ekaci, ['worker'], { input }); return [r.status, r.stdout.split('\n')[0]]; };
	const doc = job(repo, file, { evals_dir: fresh() });
	is([worker('')], [[0, '']], 'a worker that is not needed ends');
	ok(/no such stage: nothing/.test(run(ekaci, ['worker'], { input: 'nothing\n{}\n' }).stderr) && worker('nothing\n')[0] === 2, 'one that is told a stage there is not says so');
	const r = run(ekaci, ['worker'], { input: `evaluate\n${JSON.stringify(doc)}\n` });
	ok(r.status === 0 && /"type":"evaluation".*"complete":true/.test(r.stdout) && /\{"type":"end"/.test(r.stdout), 'one that is told its stage first runs it', r.stdout + r.stderr);
}

(async () => {
	const slow = repository('slow', { 'jobs.nix': `{ a = ${nix('a')}; b = builtins.foldl' (a: b: a + b) 0 (builtins.genList (i: builtins.foldl' (x: y: x + y) 0 (builtins.genList (j: j) 1000)) 3000); }` });
	const doc = job(slow, { file: 'jobs.nix' }, { evals_dir: fresh() });
	const both = await Promise.all([stageAsync(doc).ended, stageAsync(doc).ended]);
	is(both.map((r) => r.evaluation && r.evaluation.reused).sort(), [false, true], 'two that want the same: one evaluates, the other waits and reuses');
	const endless = repository('endless', { 'jobs.nix': `{ a = ${nix('a')}; z = builtins.foldl' (a: b: a + b) 0 (builtins.genList (i: builtins.foldl' (x: y: x + y) 0 (builtins.genList (j: j) 100000)) 1000000); }` });
	for (const sandbox of ['auto', 'off']) {
		const s = stageAsync(job(endless, { file: 'jobs.nix' }, { evals_dir: fresh(), sandbox }));
		await until(() => /"progress"/.test(s.heard()));
		s.child.kill('SIGTERM');
		const r = await s.ended;
		is([r.last.type, r.last.kind], ['error', 'busy'], `a cancelled evaluation says so (sandbox ${sandbox})`);
		const mine = () => fs.readdirSync('/proc').filter((p) => /^\d+$/.test(p)).filter((p) => {
			try { return fs.readFileSync(`/proc/${p}/cmdline`, 'utf8').includes(work); } catch { return false; }
		});
		ok(await until(() => mine().length === 0, 5000), `and leaves no process (sandbox ${sandbox})`, mine());
		is(fs.readdirSync(path.join(work, 'checkouts')).filter((n) => n !== 'source.lock'), [], `and no checkout (sandbox ${sandbox})`);
	}
	// Killed, so that it cannot clean up: the next one does, and takes the lock.
	const doc2 = job(endless, { file: 'jobs.nix' }, { evals_dir: fresh(), wall_ms: 2000 });
	const k = stageAsync(doc2);
	await until(() => /"progress"/.test(k.heard()));
	k.child.kill('SIGKILL');
	await k.ended;
	ok(fs.readdirSync(path.join(work, 'checkouts')).some((n) => n.startsWith('work-')), 'a killed worker leaves its work folder');
	const next = await stageAsync(doc2).ended;
	ok(next.evaluation && !next.evaluation.complete && /being evaluated: .*z/.test(next.evaluation.reason), 'the next one is not kept waiting, and says what takes so long', next.evaluation || next.last);
	is(fs.readdirSync(path.join(work, 'checkouts')).filter((n) => n.startsWith('work-')), [], 'and removes what was left');
	done();
})();
