#!/usr/bin/env node
// Flakes as people write them: what of them is walked, whose commit `self` is, and where their inputs come from.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const path = require('path');
const { work, ok, is, done, write, run, evalJobs, repository, job, stage } = require('./lib.js');

const lib = 'mk = name: derivation { inherit name; system = "x86_64-linux"; builder = "/bin/sh"; }; on = system: name: derivation { inherit name system; builder = "/bin/sh"; };';
const flake = (dir, outputs, more = '') => path.dirname(write(`${dir}/flake.nix`, `{ ${more} outputs = { self, ... }@inputs: let ${lib} in { ${outputs} }; }`));
const names = (r) => Object.keys(r.rows).sort();
const [, major, minor] = run('nix', ['--version']).stdout.match(/(\d+)\.(\d+)/).map(Number);
const atLeast = (n) => major > 2 || minor >= n;

// --- what is walked
const all = flake('all', `
	checks.x86_64-linux = { unit = mk "unit"; lint = mk "lint"; };
	checks.aarch64-linux.unit = on "aarch64-linux" "unit";
	packages.x86_64-linux = {
		default = mk "tool";
		callable = mk "callable" // { __functor = self: x: throw "a derivation is not called"; };
		function = { pkgs }: mk "function";
		tests = { one = mk "one"; deeper = { two = mk "two"; }; override = { __functor = self: x: x; __functionArgs = { }; }; };
		scope = { callPackage = x: x; inner = mk "inner"; };
		closed = { recurseForDerivations = false; inner = mk "inner"; };
		broken = throw "broken"; override = x: x;
	};
	devShells.x86_64-linux.default = mk "shell";
	formatter.x86_64-linux = mk "formatter";
	hydraJobs = { tool.x86_64-linux = mk "tool"; aarch64-linux.tool = on "aarch64-linux" "tool"; deep.er.still = mk "still"; };
	nixosConfigurations.host = { config.system.build = { toplevel = mk "toplevel"; vm = mk "vm"; }; options = throw "options"; };
	homeConfigurations.me = { activationPackage = mk "home"; config = throw "config"; };
	legacyPackages.x86_64-linux = { old = mk "old"; set.inner = mk "inner"; marked = { recurseForDerivations = true; inner = mk "inner"; }; };
	apps.x86_64-linux.run = { type = "app"; program = "\${mk "app"}/bin/run"; };
	overlays.default = final: prev: { }; lib.x = 1; nixosModules.default = { }; templates.default = { path = ./.; description = ""; };
`);
const whole = evalJobs(['--flake', all]);
is(whole.code, 0, 'a whole flake is evaluated');
is(names(whole), ['checks|aarch64-linux|unit', 'checks|x86_64-linux|lint', 'checks|x86_64-linux|unit', 'devShells|x86_64-linux|default', 'formatter|x86_64-linux',
	'homeConfigurations|me|activationPackage', 'hydraJobs|aarch64-linux|tool', 'hydraJobs|deep|er|still', 'hydraJobs|tool|x86_64-linux',
	'nixosConfigurations|host|config|system|build|toplevel', 'packages|x86_64-linux|broken', 'packages|x86_64-linux|callable', 'packages|x86_64-linux|default', 'packages|x86_64-linux|function',
	'packages|x86_64-linux|tests|deeper|two', 'packages|x86_64-linux|tests|one'], 'its derivations by the schema, unmarked sets too, and nothing else');
ok(whole.rows['packages|x86_64-linux|callable'].drvPath, 'a derivation that can be called is a derivation');
ok(/packages\.x86_64-linux\.function is not a derivation/.test(whole.rows['packages|x86_64-linux|function'].error), 'what should be one and is none is an error, as for nix flake check');
ok(/broken/.test(whole.rows['packages|x86_64-linux|broken'].error), 'what throws is a row of its own');
is(names(evalJobs(['--flake', `${all}#checks`])), ['aarch64-linux|unit', 'x86_64-linux|lint', 'x86_64-linux|unit'], 'one output, named');
is(names(evalJobs(['--flake', `${all}#packages.x86_64-linux.tests`])), ['deeper|two', 'one'], 'a set within it');
is(names(evalJobs(['--flake', `${all}#checks.x86_64-linux.unit`])), [''], 'a single derivation');
is(names(evalJobs(['--flake', `${all}#nixosConfigurations`])), ['host|config|system|build|toplevel'], 'configurations are their toplevels');
is(names(evalJobs(['--flake', `${all}#nixosConfigurations.host.config.system.build.vm`])), [''], 'what else a configuration has, when named');
is(names(evalJobs(['--flake', `${all}#legacyPackages`])), ['x86_64-linux|marked|inner', 'x86_64-linux|old'], 'legacyPackages only when named, and by its marks');
const app = evalJobs(['--flake', `${all}#apps`]).rows['x86_64-linux|run'];
ok(app && /-app\.drv$/.test(app.drvPath) && app.name === 'run', 'an app is the derivation that its program is in', app);
is(names(evalJobs(['--systems', 'aarch64-linux', '--flake', all])).filter((n) => /linux/.test(n)), ['checks|aarch64-linux|unit', 'hydraJobs|aarch64-linux|tool'], 'only the systems asked for');
const absent = evalJobs(['--flake', `${all}#chekcs`]);
ok(absent.code === 1 && /chekcs/.test(absent.err), 'an attribute that is not there is an error', absent.err);
is([evalJobs(['--absent-ok', '--flake', `${all}#chekcs`]).code, evalJobs(['--absent-ok', '--flake', `${all}#chekcs`]).lines.length], [0, 0], 'or, when asked for, nothing');

// --- expressions of several lines
const text = 'let\n  x = 1; # one\nin\n{ a = derivation { name = "letters"; e = "é"; system = "s"; builder = "b"; description = \'\'\n  two\n    lines\n\'\'; }; }';
const several = evalJobs(['--expr', text]);
is(names(several), ['a'], 'an expression of several lines, with comments, letters and indented strings');
is(run('nix-instantiate', ['--expr', text, '-A', 'a'], { env: { ...process.env, NIX_PATH: '' } }).stdout.trim(), (several.rows.a || {}).drvPath, 'gives what nix-instantiate makes of it');
is(names(evalJobs(['--expr', '{ a = derivation { name = "a"; system = "s"; builder = "b"; }; } # the end'])), ['a'], 'a comment at the end');
is((evalJobs(['--expr', '{ a ? null }: { b = derivation { name = a.x; system = "s"; builder = "b"; }; }', '--arg', 'a', '{\n  x = "given"; # so\n}']).rows.b || {}).name, 'given', 'and so an argument');
is((evalJobs(['--flake', `${all}#checks.x86_64-linux`, '--select', 'set:\n{ inherit (set) unit; }', '--apply', 'drv: {\n  n = drv.name; }']).rows.unit || {}).extraValue, { n: 'unit' }, 'a selection and a function of a flake, purely');
write('near/x.nix', '"near"');
is((evalJobs(['--expr', '{ a = derivation { name = import ./near/x.nix; system = "s"; builder = "b"; }; }']).rows.a || {}).name, 'near', 'a relative path is relative to where we are');
is((evalJobs(['--expr', '{\n  a = derivation { name = import ./near/x.nix; system = "s"; builder = "b"; };\n}']).rows.a || {}).name, 'near', 'in several lines, too');

// --- whose commit
const said = `checks.x86_64-linux = { id = mk "id-\${self.shortRev or "none"}-\${toString (self.lastModified or 0)}-\${self.lastModifiedDate or "none"}-\${toString (self.revCount or 0)}"; same = mk "same"; };`;
const text0 = `{ outputs = { self }: let ${lib} in { ${said} }; }`;
const one = repository('commits', { 'flake.nix': text0, a: '1' });
const git = (...a) => run('git', ['-C', path.join(work, 'commits'), ...a]).stdout.trim();
const first = git('rev-parse', 'HEAD'), time = Number(git('log', '-1', '--format=%ct'));
const date = new Date(time * 1000).toISOString().replace(/[-:T]/g, '').slice(0, 14);
const evals_dir = path.join(work, 'evals-flake');
const base = stage(job(one, { flake: '.' }, { evals_dir, commit: first }));
is(Object.keys(base.rows).length, 2, 'the stage evaluates the whole flake', base.evaluation);
is(base.rows['checks|x86_64-linux|id'].name, `id-${first.slice(0, 7)}-${time}-${date}-1`, 'self is the commit: its revision, time and count');
is(base.evaluation.commit, { rev: first, time }, 'and the record says whose it is');
const stock = run('nix', ['--extra-experimental-features', 'nix-command flakes', 'eval', '--raw', `git+file://${work}/commits?rev=${first}#checks.x86_64-linux.id.drvPath`]);
is(base.rows['checks|x86_64-linux|id'].drvPath, stock.stdout.trim(), 'the derivation is that of nix build at this commit');
const two = repository('commits', { a: '2' });
const head = stage(job(two, { flake: '.' }, { evals_dir, commit: first, side: 'head' }));
is(head.rows['checks|x86_64-linux|id'].drvPath, base.rows['checks|x86_64-linux|id'].drvPath, 'another tree as the same commit: only what changed differs');
const own = stage(job(two, { flake: '.' }, { evals_dir, commit: git('rev-parse', 'HEAD'), side: 'head' }));
ok(/-2$/.test(own.rows['checks|x86_64-linux|id'].name) && own.evaluation.key !== head.evaluation.key, 'as itself it is another evaluation');
ok(stage(job(two, { flake: '.#checks' }, { evals_dir })).rows['x86_64-linux|id'].name.startsWith('id-none-'), 'without a commit there is no revision');
const again = () => evalJobs(['--flake', path.join(work, 'plain')]).rows['checks|x86_64-linux|id'].name;
flake('plain', said);
is(again(), again(), 'a folder that is no repository gives the same each time');
const nothing = stage(job(repository('nothing', { 'flake.nix': '{ outputs = { self }: { lib.x = 1; overlays.default = f: p: { }; }; }' }), { flake: '.' }, { evals_dir }));
ok(nothing.evaluation.complete && /no checks, packages/.test(nothing.evaluation.nothing), 'a flake without derivations is told so', nothing.evaluation);
ok(!('nothing' in stage(job(two, { flake: '.' }, { evals_dir, systems: ['riscv64-linux'] })).evaluation), 'but not when all that it has is of other systems');
const sub = repository('sub', { 'nix/flake.nix': '{ outputs = { self }: { checks.x86_64-linux.p = derivation { name = import ../name.nix; system = "x86_64-linux"; builder = "/bin/sh"; }; }; }', 'name.nix': '"above"' });
for (const ref of ['./nix', '.?dir=nix'])
	is((stage(job(sub, { flake: `${ref}#checks` }, { evals_dir })).rows['x86_64-linux|p'] || {}).name, 'above', `a flake in a folder (${ref}) may use what is beside it`);

// --- where inputs come from
const store = (dir, files) => {
	for (const [name, body] of Object.entries(files))
		write(`${dir}/source/${name}`, body);
	const p = run('nix-store', ['--add-fixed', '--recursive', 'sha256', path.join(work, dir, 'source')]).stdout.trim();
	return { path: p, hash: run('nix', ['--extra-experimental-features', 'nix-command', 'hash', 'path', p]).stdout.trim() };
};
const salt = `${process.pid}-${Date.now()}`;
const dep = store('dep', { 'flake.nix': `{ outputs = { self }: { name = "dep-${salt}"; }; }` });
const plain = store('data', { 'name.nix': `"data-${salt}"` });
const locked = (type, hash, more) => ({ locked: { type, narHash: hash, lastModified: 1780000000, ...more }, original: { type, ...(more.url ? { url: more.url } : { owner: more.owner, repo: more.repo }) } });
// Nix remembers which contents a revision had: these are of this run alone.
const revision = (of) => crypto.createHash('sha1').update(`${of} ${salt}`).digest('hex');
const github = { owner: 'somebody', repo: 'dep', rev: revision('dep') };
// An old Nix does not take what a newer one writes here.
const tarball = locked('tarball', plain.hash, { url: 'https://example.org/x/data.tar.gz' });
if (!atLeast(20))
	delete tarball.locked.lastModified;
const lock = (nodes) => JSON.stringify({ version: 7, root: 'root', nodes });
const inputs = 'inputs = { dep.url = "github:somebody/dep"; data = { url = "https://example.org/x/data.tar.gz"; flake = false; }; again.follows = "dep"; repo = { url = "git+https://example.org/repo"; flake = false; }; };';
const uses = 'packages.x86_64-linux = { dep = mk inputs.dep.name; data = mk (import "${inputs.data}/name.nix"); again = mk "again-${inputs.again.name}"; repo = mk "repo-${import "${inputs.repo}/name.nix"}"; };';
const lockfile = lock({ root: { inputs: { dep: 'dep', data: 'data', again: ['dep'], repo: 'repo' } }, dep: locked('github', dep.hash, github),
	data: { ...tarball, flake: false },
	repo: { ...locked('git', plain.hash, { url: 'https://example.org/repo', rev: revision('repo'), ref: 'main', revCount: 3 }), flake: false } });
const withInputs = repository('inputs', { 'flake.nix': `{ ${inputs} outputs = { self, ... }@inputs: let ${lib} in { ${uses} }; }`, 'flake.lock': lockfile });
const have = stage(job(withInputs, { flake: '.#packages' }, { evals_dir, commit: run('git', ['-C', path.join(work, 'inputs'), 'rev-parse', 'HEAD']).stdout.trim() }));
is(Object.values(have.rows).map((r) => r.name || r.error).sort(), [`again-dep-${salt}`, `data-${salt}`, `dep-${salt}`, `repo-data-${salt}`].sort(),
	'locked inputs (github, tarball, git, followed) are found in the store by their hash, without network');
is(names(evalJobs(['--only-locked', '--flake', `${work}/inputs#packages.x86_64-linux`])), ['again', 'data', 'dep', 'repo'], 'what a lock file names is no other server');

const parts = { 'flake.nix': `{ inputs = { part.url = "path:./part"; dep.url = "github:somebody/dep"; }; outputs = { self, part, dep }: let ${lib} in { packages.x86_64-linux = { part = mk part.name; inner = mk part.inner.name; dep = mk dep.name; }; }; }`,
	'part/flake.nix': `{ inputs.inner.url = "path:./inner"; outputs = { self, inner }: { name = "part-\${import ./x.nix}"; inherit inner; }; }`, 'part/x.nix': '"x"',
	'part/inner/flake.nix': '{ outputs = { self }: { name = "inner"; }; }',
	'flake.lock': lock({ root: { inputs: { part: 'part', dep: 'dep' } }, dep: locked('github', dep.hash, github),
		part: { inputs: { inner: 'inner' }, locked: { type: 'path', path: './part' }, original: { type: 'path', path: './part' }, parent: [] },
		inner: { locked: { type: 'path', path: './inner' }, original: { type: 'path', path: './inner' }, parent: ['part'] } }) };
for (const [file, body] of Object.entries(parts))
	write(`parts/${file}`, body);
const relative = evalJobs(['--flake', `${work}/parts#packages.x86_64-linux`]);
is(names(relative).map((n) => relative.rows[n].name || relative.rows[n].error), [`dep-${salt}`, 'inner', 'part-x'], 'relative inputs, nested, with any Nix');
write('otherdep/flake.nix', '{ outputs = { self }: { name = "other"; }; }');
const over = evalJobs(['--flake', `${work}/parts#packages.x86_64-linux`, '--override-input', 'dep', `${work}/otherdep`]);
is(names(over).map((n) => over.rows[n].name || over.rows[n].error), ['other', 'inner', 'part-x'], 'another is overridden beside them');

write('unlocked/flake.nix', `{ inputs.part.url = "path:${work}/otherdep"; outputs = { self, part }: let ${lib} in { checks.x86_64-linux.p = mk part.name; }; }`);
const unlocked = evalJobs(['--flake', `${work}/unlocked#checks.x86_64-linux`]);
is([unlocked.code, (unlocked.rows.p || {}).name], [0, 'other'], 'without a lock file inputs are locked for the evaluation');
ok(!fs.existsSync(`${work}/unlocked/flake.lock`), 'and nothing is written');
const gone = stage(job(repository('gone', { 'flake.nix': parts['flake.nix'], 'flake.lock': lock({ root: { inputs: { part: 'dep', dep: 'dep' } }, dep: locked('github', 'sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=', github) }) }), { flake: '.' }, { evals_dir }));
ok(!gone.evaluation.complete, 'an input that cannot be had makes the evaluation incomplete', gone.evaluation);
done();
