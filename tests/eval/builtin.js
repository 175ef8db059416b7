#!/usr/bin/env node
// The built-in evaluator by itself: each kind of attribute, each kind of failure, and its command line.
'use strict';
const fs = require('fs');
const path = require('path');
const { ekaci, work, ok, is, done, skip, write, run, evalJobs } = require('./lib.js');
const before = new Set(fs.readdirSync('/tmp'));
const fixture = path.resolve(__dirname, '../../fixtures/evaluations/attributes.nix');

// A program of Nix before the real one on PATH, which is killed the first so many times that it has a word among its own.
const killed = (times, program = 'nix', word = 'repl', args = []) => {
	const bin = path.join(work, `killed-${times}-${word}`);
	fs.mkdirSync(bin);
	write(path.join(bin, program), `#!/bin/sh\ncase "$*" in *${word}*) echo >> ${bin}/begun; [ $(wc -l < ${bin}/begun) -gt ${times} ] || kill -9 $$ ;; esac\n` +
		`PATH=\${PATH#*:} exec ${program} "$@"\n`);
	fs.chmodSync(path.join(bin, program), 0o755);
	return evalJobs([...args, fixture], { env: { ...process.env, PATH: `${bin}:${process.env.PATH}` } });
};
{
	const once = killed(1), twice = killed(2);
	const names = (r) => Object.keys(r.rows).sort();
	is([once.code, names(once)], [0, names(evalJobs([fixture]))], 'killed in its first moment, nix is asked again, and nothing is missing');
	is(twice.code, 137, 'killed each time, the root is not said not to evaluate');
	for (const [program, word, args] of [['nix', '--version', []], ['nix-instantiate', '--add-root', ['--gc-roots-dir', path.join(work, 'killed-roots')]]])
		is(killed(1, program, word, args).code, 137, `nor is ${program} ${word}, killed, an error of the evaluation`);
	ok(/nix was killed twice, not by us/.test(twice.err) && !/does not evaluate/.test(twice.err), 'and the words say so', twice.err);
}

for (const workers of ['1', '3']) {
	const r = evalJobs(['--meta', '--workers', workers, fixture]);
	const error = (name, pattern) => ok(pattern.test((r.rows[name] || {}).error), `${name} has its own row with nix' words (${workers} workers)`, r.rows[name] || r.err);
	is(r.code, 0, 'failing attributes do not fail the evaluation');
	error('thrown', /a word\n.*and a line/);
	error('asserted', /assertion 'false' failed/);
	error('aborted', /evaluation aborted.*'aborted'/);
	error('typeError', /cannot add a string to an integer|cannot coerce|cannot add/);
	error('missingArgument', /without a value \('there'\)/);
	error('missingAttribute', /'nowhere' missing/);
	error('recursive', /infinite recursion/);
	error('stack', /stack overflow|max-call-depth/);
	error('brokenFile', /unexpected end of file[^]*(--parse|\.nix)/);
	error('badName', /in name/);
	error('badMark', /Boolean was expected|expected a Boolean/);
	error('falselyDerivation', /not the path of a derivation/);
	error('marked|innerThrown', /inner/);
	const found = Object.keys(r.rows).filter((k) => r.rows[k].drvPath).sort();
	is(found, ['', '1x', 'afterBroken', 'badMeta', 'called', 'calledEmpty', 'calledOpen', 'dotted.attr', 'functor', 'good',
		'marked|deeper|deepest', 'marked|inner', 'multi', 'quo"te', 'traced', 'é'],
		'all derivations are found, by odd names too, and unmarked sets are not entered');
	is(r.lines.length, found.length + 13, 'and there is no other row');
	ok(/in meta/.test(r.rows.badMeta.metaError) && !('meta' in r.rows.badMeta), 'meta that throws is said beside the derivation', r.rows.badMeta);
	is(r.rows.multi.requiredSystemFeatures, ['kvm', 'big-parallel'], 'required features are a list');
	is(Object.keys(r.rows.multi.outputs).sort(), ['dev', 'out'], 'several outputs');
	is(r.rows.good.meta, { aFunction: null, description: 'the good-1.0', license: { spdxId: 'MIT' } }, 'meta, what is no JSON as null');
	ok(fs.existsSync(r.rows.good.drvPath), 'derivations are written to the store');
	ok(!('inputDrvs' in r.rows.multi) && !('extraValue' in r.rows.multi), 'nothing that was not asked for');
	ok(/a trace/.test(r.err), 'traces of the evaluated code go to standard error');
}
{
	const names = Object.fromEntries(evalJobs([fixture]).lines.map((r) => [r.attrPath.join('|'), r.attr]));
	is([names['dotted.attr'], names[''], names['1x'], names['quo"te'], names['marked|inner']],
		['"dotted.attr"', '""', '"1x"', '"quo\\"te"', 'marked.inner'], 'attr is rendered as Nix would read it');
}
{
	// The same derivation paths as stock Nix finds.
	const r = evalJobs([fixture]);
	const stock = run('nix-instantiate', [fixture, '-A', 'multi']).stdout.trim().split('!')[0];
	is(r.rows.multi.drvPath, stock, 'derivation paths are those of nix-instantiate');
	const inputs = evalJobs(['--show-input-drvs', fixture]).rows.multi.inputDrvs;
	is(inputs, { [r.rows.good.drvPath]: ['out'] }, '--show-input-drvs');
	const roots = path.join(work, 'roots');
	evalJobs(['--gc-roots-dir', roots, fixture]);
	is(fs.readlinkSync(path.join(roots, path.basename(r.rows.multi.drvPath))), r.rows.multi.drvPath, 'a link for each derivation, by its name');
	ok(run('nix-store', ['-q', '--roots', r.rows.multi.drvPath]).stdout.includes(roots), 'the garbage collector knows a root that keeps it');
	const one = path.join(work, 'one-root');
	evalJobs(['--gc-roots-dir', one, '--one-gc-root', fixture]);
	is(fs.readdirSync(one), ['ekaci-roots'], '--one-gc-root makes no links beside it');
	ok(run('nix-store', ['-q', '--roots', r.rows.multi.drvPath]).stdout.includes(one), 'and keeps as much');
}
{
	// nixlines.so beside the program only makes it faster.
	const alone = path.join(work, 'alone');
	fs.copyFileSync(ekaci, alone);
	const rows = (program) => run(program, ['eval-jobs', '--meta', fixture]).stdout.split('\n').sort();
	is(rows(alone), rows(ekaci), 'without nixlines.so the rows are the same');
}
{
	const r = evalJobs(['--apply', 'd: { n = d.name; nothing = null; }', '--select', 'root: { inherit (root { }) good thrown; }', fixture]);
	is(r.rows.good.extraValue, { n: 'good-1.0', nothing: null }, '--apply and its null');
	is(Object.keys(r.rows).sort(), ['good', 'thrown'], '--select');
	const s = evalJobs(['--argstr', 'system', 'aarch64-linux', '--arg', 'unused', '1 + 1', fixture]);
	is(s.rows.good.system, 'aarch64-linux', '--argstr; an --arg nobody wants is ignored');
	is(s.rows.calledOpen.name, 'open-system-unused', 'a function with an ellipsis gets all arguments');
	const e = evalJobs(['--expr', '{ a = derivation { name = "a"; system = "s"; builder = ./x; }; }'], { cwd: path.dirname(write('cwd/x', 'hi')) });
	ok(e.rows.a && e.rows.a.drvPath, 'a relative path in an expression means the working directory', e.err);
	const f = evalJobs(['--force-recurse', fixture]);
	ok(f.rows['unmarked|x'] && f.rows['unmarked|x'].drvPath, '--force-recurse enters unmarked sets');
	const m = evalJobs(['--expr', '# a comment\n{\ta = derivation { name = "a"; system = "s"; builder = "é\t"; }; }']);
	ok(m.rows.a && m.rows.a.drvPath, 'an expression of several lines with tabs and letters beyond ASCII', m.err);
}
{
	// --constituents: direct, by name, by glob, and what is not there.
	const d = (n, more = '') => `derivation { name = "${n}"; system = "x"; builder = "b"; ${more} }`;
	const agg = (n, list, more = '') => d(n, `_hydraAggregate = true; constituents = [ ${list} ]; ${more}`);
	const file = write('aggregates.nix', `rec { a = ${d('a')}; b = ${d('b')}; bad = throw "x"; tests = { recurseForDerivations = true; one = ${d('one')}; two = ${d('two')}; };
		direct = ${agg('direct', 'a b')}; named = ${agg('named', '"a" "tests.one"')}; mixed = ${agg('mixed', 'a "b"')}; glob = ${agg('glob', '"tests.*"', '_hydraGlobConstituents = true;')};
		none = ${agg('none', '"nowhere.*"', '_hydraGlobConstituents = true;')}; missing = ${agg('missing', '"nowhere" "a"')}; failing = ${agg('failing', '"bad"')};
		left = ${agg('left', '"right"')}; right = ${agg('right', '"left"')}; waits = ${agg('waits', '"left" "a"')}; indirect = ${agg('indirect', '"named"')}; }`);
	const dir = path.join(work, 'aggregate-roots');
	const r = evalJobs(['--constituents', '--workers', '2', '--show-input-drvs', '--gc-roots-dir', dir, file]);
	const of = (name) => (r.rows[name].constituents || []).map((p) => p.replace(/.*?-(.*)\.drv/, '$1')).sort();
	is(r.code, 0, '--constituents', r.err);
	is([of('direct'), of('named'), of('mixed'), of('glob'), of('indirect')], [['a', 'b'], ['a', 'one'], ['a', 'b'], ['one', 'two'], ['named']], 'constituents direct, by name, mixed, by glob and through another aggregate');
	ok(!['direct', 'named', 'mixed', 'glob'].some((n) => r.rows[n].error), 'without an error');
	is([r.rows.missing.error, of('missing')], ['nowhere: does not exist', ['a']], 'one that is not there is named, the others are kept');
	is(r.rows.none.error, 'nowhere.*: constituent glob pattern had no matches', 'a glob without matches');
	is(r.rows.failing.error, 'bad: does not evaluate', 'one that fails');
	is([r.rows.left.error, r.rows.right.error], ['Dependency cycle: left <-> right', 'Dependency cycle: right <-> left'], 'a cycle is the error of both');
	is([r.rows.waits.error, of('waits')], ['left: is in a dependency cycle', ['a', 'left']], 'who waits for a cycle is told so');
	ok(r.lines.slice(-11).every((l) => l.constituents) && !r.lines.slice(0, -11).some((l) => 'constituents' in l), 'aggregates come last');
	const plain = evalJobs([file]);
	ok(!('constituents' in plain.rows.direct), 'nothing of it unasked');
	// Who names its constituents becomes another derivation: the same but for what it needs.
	const same = ['direct', 'none', 'missing', 'failing', 'left', 'right', 'waits'], changed = ['named', 'mixed', 'glob', 'indirect'];
	is([...same, ...changed].filter((n) => r.rows[n].drvPath !== plain.rows[n].drvPath), changed, 'aggregates that name constituents are rewritten, others are not');
	// Newer Nix has another name for the command, and another form: {derivations: {BASENAME: {inputs: {drvs}, ...}}, version}.
	const shown = (drv) => {
		const asked = ['derivation show', 'show-derivation'].map((c) => run('nix', ['--extra-experimental-features', 'nix-command', ...c.split(' '), drv])).find((x) => x.status === 0);
		const all = JSON.parse(asked.stdout);
		if (!('derivations' in all))
			return Object.values(all)[0];
		const [{ inputs, ...more }] = Object.values(all.derivations);
		const whole = (p) => `/nix/store/${p}`;
		return { ...more, inputDrvs: Object.fromEntries(Object.entries(inputs.drvs).map(([k, v]) => [whole(k), v])), outputs: { out: { path: whole(more.outputs.out.path) } } };
	};
	for (const n of changed) {
		const [was, is_now] = [plain, r].map((one) => shown(one.rows[n].drvPath));
		const rest = ({ inputDrvs, outputs, env, ...more }, { out, ...others } = env) => ({ ...more, others });
		is(rest(is_now), rest(was), `${n}: nothing else differs`);
		is([Object.keys(is_now.inputDrvs).sort(), Object.keys(r.rows[n].inputDrvs).sort(), is_now.outputs.out.path], [[...r.rows[n].constituents].sort(), [...r.rows[n].constituents].sort(), r.rows[n].outputs.out], `${n}: it needs its constituents, and the row says so`);
		ok(fs.readlinkSync(path.join(dir, path.basename(r.rows[n].drvPath))) === r.rows[n].drvPath && run('nix-store', ['-q', '--roots', r.rows[n].drvPath]).stdout.includes(dir), `${n}: it is kept`);
	}
	ok(r.rows.indirect.constituents.includes(r.rows.named.drvPath), 'an aggregate of aggregates holds the new ones');
	const other = evalJobs(['--constituents', write('aggregates2.nix', fs.readFileSync(file, 'utf8').replace('rec {', 'rec { more = 1;').replace('name = "one"', 'name = "one-2"'))]);
	is(changed.filter((n) => other.rows[n].drvPath !== r.rows[n].drvPath), ['named', 'glob', 'indirect'], 'a changed constituent changes who holds it');
	const structured = evalJobs(['--constituents', '--expr', `{ a = ${d('a')}; s = ${agg('s', '"a"', '__structuredAttrs = true;')}; t = derivation { name = "t"; system = "x"; builder = "b"; _hydraAggregate = true; constituents = "a"; }; }`]);
	ok(['s', 't'].every((n) => !structured.rows[n].error && run('nix-store', ['-q', '--references', structured.rows[n].drvPath]).stdout.trim() === structured.rows.a.drvPath), 'also with structured attributes, and one name without a list', structured);
	const status = evalJobs(['--constituents', '--check-cache-status', file]);
	is(status.rows.named.neededBuilds.map((p) => p.replace(/.*?-(.*)\.drv/, '$1')).sort(), ['a', 'named', 'one'], 'and what it needs built is asked of the new one');
}
{
	// --check-cache-status: what is there, what must be built, and what it needs, dependencies first.
	const salt = `${process.pid}-${Date.now()}`;
	const env = { ...process.env, NIX_CONFIG: 'build-users-group =\nsandbox = false\nsubstituters =\n' };
	const built = `derivation { name = "built-${salt}"; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" "echo > $out" ]; }`;
	const file = write('cache.nix', `rec { built = ${built}; low = derivation { name = "low-${salt}"; system = "x"; builder = "b"; }; mid = derivation { name = "mid"; system = "x"; builder = "b"; inherit low built; }; top = derivation { name = "top"; system = "other"; builder = "b"; inherit mid low; }; bad = throw "x"; }`);
	ok(run('nix-build', ['--no-out-link', '-E', built], { env }).status === 0, 'something is built');
	const r = evalJobs(['--check-cache-status', '--workers', '2', file], { env });
	const of = (name) => [r.rows[name].cacheStatus, r.rows[name].isCached, r.rows[name].neededBuilds.map((p) => p.replace(/.*?-([a-z]*).*/, '$1')), r.rows[name].neededSubstitutes];
	is([of('built'), of('low'), of('mid'), of('top')], [['local', true, [], []], ['notBuilt', false, ['low'], []], ['notBuilt', false, ['low', 'mid'], []],
		['notBuilt', false, ['low', 'mid', 'top'], []]], '--check-cache-status: status and needs, of another system, too');
	ok(r.rows.bad.error && !('cacheStatus' in r.rows.bad) && r.code === 0, 'a failing attribute has its own row without one');
	// A binary cache in a folder.
	const cache = `file://${work}/cache`, drv = r.rows.built.drvPath, out = r.rows.built.outputs.out;
	const copied = run('nix', ['--extra-experimental-features', 'nix-command', 'copy', '--to', cache, out], { env });
	const removed = run('nix-store', ['--delete', out]);
	ok(copied.status === 0 && removed.status === 0, 'it is in a cache only', [copied.stderr, removed.stderr]);
	const c = evalJobs(['--check-cache-status', '--option', 'substituters', cache, '--option', 'require-sigs', 'false', file], { env });
	// A daemon asks the caches that it was told of, and no other for a user whom it does not trust.
	if (process.getuid() !== 0 && process.env.NIX_REMOTE === 'daemon') {
		skip('what a cache has is cached', 'a user beside a daemon names no caches');
	} else {
		is([c.rows.built.drvPath, c.rows.built.cacheStatus, c.rows.built.isCached, c.rows.built.neededSubstitutes, c.rows.built.neededBuilds], [drv, 'cached', true, [out], []], 'what a cache has is cached');
		is(c.rows.mid.neededSubstitutes, [out], 'and is what a build needs fetched');
	}
}
{
	for (const [expr, pattern] of [['throw "at the root"', /at the root/], ['abort "at the root"', /at the root/], ['"abc', /syntax error/],
		['{ a = ', /syntax error/], ['1); } ) (', /syntax error/], ['import ./nowhere.nix', /nowhere/]]) {
		const r = evalJobs(['--expr', expr]);
		ok(r.code === 1 && r.lines.length === 0 && pattern.test(r.err), `a root that fails is exit 1 and no row: ${expr}`, r.err);
	}
	is(evalJobs(['--expr', '1']).code, 0, 'a root that is no set has nothing to report');
	for (const args of [['--workers', '0', 'x'], ['--workers', '2x', 'x'], ['--max-memory-size', '-1', 'x'], ['--nonsense', 'x'], ['x', 'y'], [],
		['--override-input', 'a', 'b', 'x'], ['--override-flake', 'a', 'b', 'x'], ['--no-instantiate', 'x'], ['--arg', 'x']])
		is(run(ekaci, ['eval-jobs', ...args]).status, 2, `refused, not ignored: ${args.join(' ')}`);
	const help = run(ekaci, ['eval-jobs', '--help']).stdout;
	ok(/--max-memory-size/.test(help) && /refused/.test(help), '--help says what there is and what is refused');
}
{
	// Runaway trees.
	const self = write('self.nix', 'let s = { recurseForDerivations = true; good = derivation { name = "g"; system = "s"; builder = "b"; }; inherit s; }; in s');
	for (const workers of ['1', '3']) {
		const r = evalJobs(['--workers', workers, self]);
		is([r.code, Object.keys(r.rows).sort()], [0, ['good', 's']], 'a set within itself: an error on the cycle, its good child once');
		ok(/within itself: it is the same as the root/.test(r.rows.s.error), 'and what it is the same as', r.rows.s);
	}
	const d = (n) => `(derivation { name = "${n}"; system = "s"; builder = "b"; })`;
	const two = write('two.nix', `let s = { recurseForDerivations = true; good = ${d('g')}; bad = throw "x"; left = s; right = { recurseForDerivations = true; again = s; h = ${d('h')}; }; }; in { top = s; }`);
	const ways = evalJobs(['--workers', '2', two]);
	is(Object.keys(ways.rows).sort(), ['top|bad', 'top|good', 'top|left', 'top|right|again', 'top|right|h'], 'sets that lead to themselves by several ways');
	ok(/same as "top"/.test(ways.rows['top|right|again'].error), 'each with what it is the same as', ways.rows);
	// Same names, but not the same set: all of it is there.
	const alike = write('alike.nix', `{ a = ${d('a')}; b = { recurseForDerivations = true; a = ${d('other')}; b = { recurseForDerivations = true; a = ${d('a')}; b = { recurseForDerivations = true; c = ${d('c')}; }; }; }; }`);
	is(Object.keys(evalJobs([alike]).rows).sort(), ['a', 'b|a', 'b|b|a', 'b|b|b|c'], 'sets of the same names that differ are entered');
	const grows = write('grows.nix', `let f = n: { recurseForDerivations = true; d = derivation { name = "d\${toString n}"; system = "s"; builder = "b"; }; next = f (n + 1); }; in f 0`);
	const r = evalJobs(['--max-depth', '6', grows]);
	ok(r.code === 0 && r.lines.length === 7 && /nested deeper/.test(JSON.stringify(r.lines)), 'sets that never end are cut at a depth, with a row that says so', r.lines);
	const many = write('many.nix', 'let set = n: { recurseForDerivations = true; } // builtins.listToAttrs (map (i: { name = "a${toString i}"; value = throw "x"; }) (builtins.genList (i: i) n)); in { small = set 3; runaway = set 500; }');
	const m = evalJobs(['--max-rows', '100', many]);
	ok(m.code === 1 && /more than 100 rows.*runaway/.test(m.err), 'too many rows: exit 1 and the offender by name', m.err.slice(-300));
	const slow = write('slow.nix', '{ fast = derivation { name = "f"; system = "s"; builder = "b"; }; slow = builtins.foldl\' (a: b: a + b) 0 (builtins.genList (i: builtins.foldl\' (x: y: x + y) 0 (builtins.genList (j: j) 100000)) 1000000); }');
	const began = Date.now(), t = evalJobs(['--max-seconds', '2', slow]);
	ok(t.code === 1 && /being evaluated: "?slow/.test(t.err) && Date.now() - began < 10000, 'out of time: exit 1 and what was being evaluated', t.err);
	ok(t.rows.fast, 'what was found until then was printed');
}
{
	// Memory: one attribute beyond the budget is its own row, the others are there, and the exit is 0.
	const fat = write('fat.nix', 'let d = n: derivation { name = n; system = "s"; builder = "b"; }; in { a = d "a"; fat = d (toString (builtins.length (builtins.genList (i: builtins.genList (j: i + j) 50) 3000000) + builtins.foldl\' (x: y: x + builtins.length y) 0 (let l = builtins.genList (i: builtins.genList (j: i + j) 50) 3000000; in l ++ l))); z = d "z"; }');
	const r = evalJobs(['--max-memory-size', '300', '--workers', '2', fat]);
	ok(r.code === 0 && r.rows.a && r.rows.z && /memory|budget/.test((r.rows.fat || {}).error), 'an attribute beyond the memory budget is its own row', [r.code, r.lines, r.err]);
	ok(/killing worker/.test(r.err), 'and standard error says that a worker was killed');
	const tight = write('tight.nix', 'let lib = builtins.genList (i: builtins.genList (j: i + j) 50) 1000000; big = builtins.foldl\' (x: y: x + builtins.length y) 0 (lib ++ lib); in builtins.listToAttrs (builtins.genList (i: { name = "a${toString i}"; value = derivation { name = "x${toString (big + i)}"; system = "s"; builder = "b"; }; }) 100)');
	const s = evalJobs(['--max-memory-size', '60', tight]);
	ok(s.code === 1 && /budget of 60 MiB is too small/.test(s.err), 'a budget too small for anything ends the evaluation, not in an error for each attribute', [s.code, s.lines.length, s.err.slice(-300)]);
	const heap = (mb) => evalJobs(['--max-memory-size', mb, '--expr', '{ a = throw "heap=${builtins.getEnv "GC_INITIAL_HEAP_SIZE"}."; }']).rows.a.error.match(/heap=(\d*)\./)[1];
	is([heap('4096'), heap('2400'), heap('1024')], ['1073741824', '629145600', ''], 'a worker begins with a quarter of its budget as its heap, where Nix would give it less');
	ok(!fs.readdirSync('/tmp').some((f) => f.startsWith('ekaci-eval-') && !before.has(f) && !fs.existsSync(`/proc/${f.split('-')[2]}`)), 'no temporary folder is left');
}
{
	const dir = path.dirname(write('flake/flake.nix', '{ outputs = { self }: { checks.x86_64-linux = { recurseForDerivations = true; a = derivation { name = "a"; system = "x86_64-linux"; builder = ./flake.nix; }; bad = throw "flaky"; impure = derivation { name = "i"; system = "s"; builder = builtins.readFile /etc/passwd; }; }; }; }'));
	const pure = evalJobs(['--flake', `${dir}#checks`]);
	ok(pure.code === 0 && pure.rows['x86_64-linux|a'].drvPath && /flaky/.test(pure.rows['x86_64-linux|bad'].error), 'a local flake by path and fragment', pure);
	ok(/mode|forbidden|restricted/.test((pure.rows['x86_64-linux|impure'] || {}).error), 'is evaluated purely, or at least restricted');
	const impure = evalJobs(['--impure', '--flake', `${dir}#checks.x86_64-linux`]);
	ok(impure.rows.impure && impure.rows.impure.drvPath, 'and with --impure not', impure);
}
{
	// --override-input beside Nix' own: a flake whose input has it, whose input follows it, and whose input is no flake.
	const flake = (name, inputs, body) => path.dirname(write(`over/${name}/flake.nix`, `{ inputs = { ${inputs} }; outputs = inputs: { value = "${name}(${body})"; }; }`));
	const url = (name) => `path:${work}/over/${name}`;
	flake('dep', '', '');
	flake('other', '', '');
	write('over/plain/file', 'plain');
	write('over/changed/file', 'changed');
	flake('mid', `dep.url = "${url('dep')}";`, '${inputs.dep.value}');
	const top = path.dirname(write('over/top/flake.nix', `{ inputs = { dep.url = "${url('dep')}"; own.url = "${url('mid')}"; mid = { url = "${url('mid')}"; inputs.dep.follows = "dep"; };
		plain = { url = "${url('plain')}"; flake = false; }; };
		outputs = { self, dep, own, mid, plain }: { packages.x = derivation { name = "x"; system = "s"; builder = "b";
			args = [ dep.value own.value mid.value (builtins.readFile "\${plain}/file") (toString self) self.inputs.mid.inputs.dep.value ]; }; }; }`));
	const nix = (args) => run('nix', ['--extra-experimental-features', 'nix-command flakes', ...args]);
	const locked = nix(['flake', 'lock', `path:${top}`]);
	for (const [name, input, to] of [['an input, and whom follows it', 'dep', 'other'], ['an input of an input', 'own/dep', 'other'], 
		['an input that is a flake with inputs', 'own', 'dep'], ['an input that is none', 'plain', 'changed']]) {
		const theirs = nix(['eval', '--raw', '--no-write-lock-file', `path:${top}#packages.x.drvPath`, '--override-input', input, url(to)]);
		const ours = evalJobs(['--override-input', input, url(to), '--flake', `${top}#packages`]);
		is((ours.rows.x || {}).drvPath, theirs.stdout, `--override-input, ${name}`, ours.err + theirs.stderr + locked.stderr);
	}
	// Here Nix up to 2.18 at least does what the flake says, and 2.29 what the command line does.
	const follows = evalJobs(['--override-input', 'mid/dep', url('other'), '--flake', `${top}#packages`, '--apply', 'd: d.args']);
	is((follows.rows.x || {}).extraValue.filter((x) => x.includes('(')), ['dep()', 'mid(dep())', 'mid(other())', 'other()'], 'an input that follows another is overridden alone', follows.err);
	const none = evalJobs(['--override-input', 'nowhere/dep', url('other'), '--flake', top]);
	ok(none.code === 1 && /has no input 'nowhere\/dep'/.test(none.err), 'an input that is not there is named', none.err);
}
done();
