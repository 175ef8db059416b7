#!/usr/bin/env node
// A real nix-eval-jobs, where the machine has one (on PATH, or $NIX_EVAL_JOBS): what it says goes through the stage and comes
// out as what the built-in evaluator says.
'use strict';
const fs = require('fs');
const path = require('path');
const { ekaci, work, ok, is, done, skipAll, write, run, evalJobs, repository, job, stage } = require('./lib.js');

const real = process.env.NIX_EVAL_JOBS || run('sh', ['-c', 'command -v nix-eval-jobs']).stdout.trim();
if (real === '' || !/--max-memory-size/.test(run(real, ['--help']).stdout))
	skipAll('there is no nix-eval-jobs on this machine');

const nix = (name, more = '') => `derivation { name = "${name}"; system = "x86_64-linux"; builder = "/bin/sh"; ${more} }`;
const repo = repository('repo', {
	'jobs.nix': `rec {
		a = ${nix('a')}; b = ${nix('b-2.0', 'inherit a; requiredSystemFeatures = [ "kvm" ]; outputs = [ "out" "dev" ];')} // { meta = { description = "b"; license.spdxId = "MIT"; maintainers = [ { github = "somebody"; } ]; position = "jobs.nix:1"; }; };
		thrown = throw "thrown"; asserted = assert false; ${nix('never')}; missing = { }.nothing; wrong = 1 + "x";
		set = { recurseForDerivations = true; c = ${nix('c')}; d = throw "d"; "dotted.attr" = ${nix('dotted')}; "1st" = ${nix('first')}; "é" = ${nix('e')}; };
		hidden = { x = ${nix('x')}; }; called = { system ? "aarch64-linux" }: derivation { name = "called"; inherit system; builder = "b"; }; number = 1;
		fixed = ${nix('fixed', 'outputHash = "0000000000000000000000000000000000000000000000000000"; outputHashAlgo = "sha256";')};
	}`,
	'flake.nix': `{ outputs = { self }: { checks.x86_64-linux = { a = ${nix('a')}; bad = throw "bad"; }; }; }`,
	'lost.nix': `{ a = ${nix('a')}; nowhere = import ./nowhere.nix; undefined = import ./undefined.nix; }`,
	'undefined.nix': 'nowhere_defined',
	'broken.nix': 'throw "the root"',
});
const fresh = (() => { let n = 0; return () => path.join(work, `evals-${++n}`); })();
const by = (evaluator, inner, more = {}) => stage(job(repo, inner, { evaluator, evals_dir: fresh(), ...more }));
// Of what only newer ones print nothing is said here.
const old = !/requiredSystemFeatures/.test(run(real, ['--workers', '1', write('one.nix', `{ a = ${nix('a')}; }`)]).stdout);
// What of a row is a fact: an error's words differ between evaluators.
const facts = (rows) => Object.fromEntries(Object.entries(rows).sort().map(([at, r]) => [at, r.error ? 'error' : { drv: r.drvPath, outputs: r.outputs, system: r.system, name: r.name, meta: r.meta, features: old ? undefined : r.features }]));

for (const [what, inner, more] of [['a file', { file: '/jobs.nix' }], ['an attribute of it', { file: '/jobs.nix', attr_path: ['set'] }], ['a scope of it', { file: '/jobs.nix', scope: [['a'], ['set', 'c']] }],
	['an expression', { expr: `{ only = ${nix('only')}; }` }], ['what is no EvalError', { file: '/lost.nix' }], ['a flake', { flake: '.#checks.x86_64-linux' }], ['a file, without a sandbox', { file: '/jobs.nix' }, { sandbox: 'off' }]]) {
	const theirs = by(real, inner, more), ours = by('built-in', inner, more);
	if (ok(theirs.evaluation && theirs.evaluation.complete, `${what}: complete`, theirs.evaluation || theirs.last))
		is(facts(theirs.rows), facts(ours.rows), `${what}: the same attributes, derivations, outputs and meta as from the built-in evaluator`);
}
const told = by(real, { file: '/jobs.nix' }).evaluation;
ok(/^(nix|lix)-eval-jobs$/.test(told.evaluator) && told.version.length > 0, `its name and version are kept: ${told.evaluator} ${told.version}`);
// What it cannot do is asked of the built-in evaluator: an error whose line of code is not UTF-8 ends it, a set within itself never does.
write('odd/bytes.nix', fs.readFileSync(path.resolve(__dirname, '../../fixtures/nix-eval-jobs/2.34.8/not-utf8.nix')));
const odd = repository('odd', { 'self.nix': `{ x = let s = { recurseForDerivations = true; a = ${nix('a')}; self = s; }; in s; }` });
for (const [what, inner, rows] of [['an error in a file that is not UTF-8', 'bytes.nix', ['a', 'c']], ['a set within itself', 'self.nix', ['x|a', 'x|self']]]) {
	const began = Date.now(), r = stage(job(odd, { file: inner }, { evaluator: real, evals_dir: fresh(), max_depth: 64 }));
	is([r.evaluation && r.evaluation.complete, Object.keys(r.rows)], [true, rows], `${what}: complete, each attribute with its row`);
	ok(Date.now() - began < 20000, `${what}: soon`);
}
const links = () => fs.readdirSync('/nix/var/nix/gcroots/auto').length;
const before = links(), rooted = by(real, { file: '/jobs.nix' }, { roots_dir: path.join(work, 'real-roots') });
ok(rooted.evaluation.complete && links() <= before + 1, 'all its derivations have one root', [before, links()]);
const broken = by(real, { file: '/broken.nix' }).evaluation;
ok(broken && !broken.complete && broken.rows === 0 && /the root/.test(broken.reason), 'a root that does not evaluate is incomplete, in its words', broken);
const again = job(repo, { file: '/jobs.nix' }, { evaluator: real, evals_dir: fresh() });
is([stage(again).evaluation.reused, stage(again).evaluation.reused], [false, true], 'what it said is stored and used again');

// The whole way, by hand.
const other = repository('repo', { 'jobs.nix': fs.readFileSync(path.join(work, 'repo/jobs.nix'), 'utf8').replace('"a"', '"a-2"').replace('thrown = throw "thrown"', `thrown = ${nix('thrown')}`) });
const env = { ...process.env, XDG_CACHE_HOME: path.join(work, 'cache') };
const diff = (evaluator) => {
	const r = run(ekaci, ['diff', '--repo', path.dirname(other.git_dir), '--file', 'jobs.nix', '--evaluator', evaluator, '--format', 'json', 'HEAD~1', 'HEAD'], { env });
	try { return JSON.parse(r.stdout).attributes.map((a) => `${a.path.join('.')} ${a.class}`).sort(); } catch { return r.stderr + r.stdout; }
};
const mine = diff('built-in');
is(diff(real), mine, 'ekaci diff says the same with either');
ok(mine.includes('b rebuild') && mine.includes('thrown fixed'), 'and says what changed', mine);
// The built-in evaluator's own lines beside its, field by field.
const lines = (text) => Object.fromEntries(text.split('\n').filter(Boolean).map((l) => JSON.parse(l)).map((r) => [r.attrPath.join('|'), r]));
const flags = ['--meta', '--workers', '2', write('plain.nix', fs.readFileSync(path.join(work, 'repo/jobs.nix'), 'utf8'))];
const printed = lines(run(real, flags).stdout), own = evalJobs(flags).rows;
for (const field of ['name', 'system', 'drvPath', 'outputs'])
	is(Object.keys(printed).sort().map((k) => [k, printed[k][field] || null]), Object.keys(own).sort().map((k) => [k, own[k][field] || null]), `ekaci eval-jobs prints its "${field}"`);
done();
