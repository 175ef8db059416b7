#!/usr/bin/env node
// Rows of the built-in evaluator: meta that does not evaluate, sets that share names, and the words of an error.
'use strict';
const fs = require('fs');
const path = require('path');
const { work, ok, is, done, write, run, evalJobs } = require('./lib.js');

const d = (name, more = '') => `(derivation { name = "${name}"; system = "s"; builder = "b"; ${more} })`;
const nix = (run('nix', ['--version']).stdout.match(/(\d+)\.(\d+)/) || []).slice(1).map(Number);
const traces = nix[0] > 2 || nix[1] >= 20; // where a throw stands is told in a trace

{
	// Whatever is wrong with meta: the derivation is that of an evaluation without it.
	const kinds = {
		thrown: ['{ x = throw "a thrown meta"; }', /a thrown meta/], whole: ['throw "all of it"', /all of it/], aborted: ['{ x = abort "an aborted meta"; }', /an aborted meta/],
		typed: ['{ x = 1 + { }; }', /cannot (coerce|add)|expected/], missing: ['{ licence = { }.nowhere; }', /'nowhere' missing/], recursive: ['{ x = let y = y; in y; }', /infinite recursion/],
		unset: ['[ "no set" ]', /list/], endless: ['{ x = let f = x: 1 + f (x + 1); in f 0; }', /stack overflow|max-call-depth|nix ended/], called: ['{ x = ({ there }: there) { }; }', /there/],
		inner: ['{ x.y.z = throw "far inside"; }', /far inside/],
	};
	const file = write('meta.nix', `let lib = { recurseForDerivations = true; }; in { fine = ${d('fine')} // { meta = { description = "fine"; f = x: x; }; }; none = ${d('none')};
		${Object.entries(kinds).map(([n, [meta]]) => `${n} = ${d(n)} // { meta = ${meta}; };`).join('\n')} thrownItself = throw "no derivation"; set = lib // { a = ${d('a')} // { meta = throw "below"; }; z = ${d('z')}; };
		zLast = ${d('last')} // { meta.description = "last"; }; }`);
	const without = ({ meta, metaError, error, ...row }) => ({ ...row, failed: error !== undefined });
	const plain = evalJobs([file]);
	ok(!plain.lines.some((r) => 'meta' in r || 'metaError' in r), 'no word about meta where none is asked for', plain.lines);
	for (const workers of ['1', '3']) {
		const r = evalJobs(['--meta', '--workers', workers, file]);
		is(Object.keys(r.rows).sort().map((n) => without(r.rows[n])), Object.keys(plain.rows).sort().map((n) => without(plain.rows[n])), `meta changes no row (${workers} workers)`);
		for (const [n, [, words]] of Object.entries(kinds))
			ok(r.rows[n] && words.test(r.rows[n].metaError) && !('meta' in r.rows[n]) && !('error' in r.rows[n]), `${n}: the words are beside the row`, r.rows[n]);
		is([r.rows.fine.meta.description, r.rows.none.meta, r.rows.zLast.meta.description], ['fine', {}, 'last'], 'meta that evaluates is there');
		ok(!['fine', 'none', 'set|z', 'zLast', 'thrownItself'].some((n) => 'metaError' in r.rows[n]), 'and nothing is said against it');
		ok(/below/.test(r.rows['set|a'].metaError) && r.rows['set|z'].meta, 'below a set, too');
		ok(!/a thrown meta/.test(r.err), 'standard error is for what fails', r.err);
	}
	const bytes = path.join(work, 'bytes.nix');
	fs.writeFileSync(bytes, Buffer.concat([Buffer.from(`{ a = ${d('a')} // { meta.description = "`), Buffer.from([0xff, 0xfe]), Buffer.from(`"; }; b = ${d('b')}; }`)]));
	const b = evalJobs(['--meta', bytes]);
	ok(b.rows.a.drvPath && /UTF-8/.test(b.rows.a.metaError) && b.rows.b.meta, 'meta that is no UTF-8 is no reason to lose the row', b.lines);
	const late = evalJobs(['--meta', '--check-cache-status', file]);
	ok(/far inside/.test(late.rows.inner.metaError) && late.rows.inner.cacheStatus === 'notBuilt', 'also in rows that come at the end', late.rows.inner);
}
{
	// Sets that share names: walked to their leaves, unless they are within themselves.
	const file = write('sets.nix', `let
		r = s: s // { recurseForDerivations = true; };
		each = f: r { aa = f "aa"; bb = f "bb"; };
		drv = n: ${d('${n}').replace('"${n}"', 'n')};
		me = r { p = drv "p"; q = r { a = drv "a"; bad = throw "bad"; worse = abort "worse"; }; inherit me; };
		one = r { a = drv "one"; other = two; }; two = r { a = drv "two"; other = one; };
		cross = r { sub = r { a = drv "cross"; }; inherit cross; };
		fresh = { }: r { d = drv "d"; s = r { e = drv "e"; }; again = fresh { }; };
		many = r { p = drv "p"; q = r { z = many; w = many; }; a = many; };
	in {
		product = each (build: each (host: each (target: r { gcc = drv "gcc-\${build}-\${host}-\${target}"; libc = drv "libc-\${target}"; })));
		names = r { x = r { x = r { x = drv "leaf"; }; }; }; thrown = r { x = r { x = r { x = throw "at the end"; }; }; }; aborted = r { x = r { x = r { x = abort "at the end"; }; }; };
		inherit me one many; native = r { sub = r { a = drv "native"; }; inherit cross; }; fresh = fresh { }; }`);
	for (const workers of ['1', '3']) {
		const r = evalJobs(['--workers', workers, '--force-recurse', file]);
		const below = (name) => r.lines.map((l) => l.attrPath).filter((p) => p[0] === name).map((p) => p.slice(1).join('.')).sort();
		const same = (attr) => (/the same as (.*)/.exec((r.rows[attr] || {}).error) || [])[1];
		const systems = ['aa', 'bb'], all = systems.flatMap((b) => systems.flatMap((h) => systems.flatMap((t) => ['gcc', 'libc'].map((n) => `${b}.${h}.${t}.${n}`))));
		is(below('product'), all, `build x host x target: all of them (${workers} workers)`);
		ok(!r.lines.some((l) => l.attrPath[0] === 'product' && l.error), 'and nothing of it within itself');
		is([below('names'), below('thrown'), below('aborted')], [['x.x.x'], ['x.x.x'], ['x.x.x']], 'one name at each level, with a leaf at the end, whatever that is');
		is([below('me'), same('me|me')], [['me', 'p', 'q.a', 'q.bad', 'q.worse'], '"me"'], 'a set within itself, failing attributes or not');
		is([below('one'), same('one|other|other')], [['a', 'other.a', 'other.other'], '"one"'], 'one that leads to itself by another of the same names');
		is([below('native'), same('native|cross|cross')], [['cross.cross', 'cross.sub.a', 'sub.a'], '"native.cross"'], 'what differs far inside is no set within itself, though it is within itself');
		is([below('fresh'), same('fresh|again')], [['again', 'd', 's.e'], '"fresh"'], 'made anew each time: the same all the same');
		is([below('many'), same('many|q|z')], [['a', 'p', 'q.w', 'q.z'], '"many"'], 'by several ways');
		is(r.code, 0, 'and the walk is complete');
	}
}
{
	// The words of an error: where it stands, nothing of ours, and what is in a comment is not said.
	const syntax = write('words/syntax.nix', '# error: this is a comment\n{ a = 1;\n  b = ;\n}\n');
	write('words/undefined.nix', '{\n  # error: in a comment, too\n  x = undefinedVariable;\n}\n');
	const file = write('words/default.nix', `let fail = x: throw x; in {
  thrown = throw "this is thrown";
  called = fail "far away";
  aborted = abort "this is aborted";
  asserted = assert 1 == 2; { };
  lines = throw "first line\\nerror: second line\\nthird line";
  syntax = import ./syntax.nix;
  undefined = import ./undefined.nix;
  red = throw "${'\x1b'}[31;1mred${'\x1b'}[0m words";
  within = derivation { name = "within"; system = "s"; builder = throw "in the derivation"; };
  deep = let f = n: if n == 0 then throw "deep" else f (n - 1) + 1; in f 400;
  context = builtins.addErrorContext "while it was asked for" (throw "with context");
  argument = { there }: there;
}
`);
	const r = evalJobs(['--workers', '2', file]);
	const said = (name) => (r.rows[name] || {}).error || '';
	const places = (name) => (said(name).match(/\/[^ ]*\.nix:\d+/g) || []).map((p) => path.relative(path.dirname(file), p));
	ok(!r.lines.some((l) => /«string»|foldl'|truncated/.test(l.error)), 'nothing of the walker is shown', r.lines.filter((l) => /«string»|foldl'/.test(l.error)));
	is(['undefined', 'syntax', ...(traces ? ['thrown', 'aborted', 'asserted', 'within'] : ['asserted'])].map((n) => places(n).pop()),
		['undefined.nix:3', 'syntax.nix:3', ...(traces ? ['default.nix:2', 'default.nix:4', 'default.nix:5', 'default.nix:10'] : ['default.nix:5'])], 'each says where it stands, last');
	if (traces)
		is(places('called'), ['default.nix:1', 'default.nix:1'], 'with who called it before: the two innermost places');
	ok(/error: syntax error, unexpected/.test(said('syntax')) && /error: undefined variable 'undefinedVariable'/.test(said('undefined')), 'an "error:" in a comment is none', [said('syntax'), said('undefined')]);
	ok(/error: first line\n *error: second line\n *third line/.test(said('lines')), 'all lines of a message', said('lines'));
	ok(/error: red words/.test(said('red')), 'no colours', said('red'));
	ok(/error: deep/.test(said('deep')) && said('deep').length < 3000, 'a long trace is short', said('deep'));
	ok(/without a value \('there'\)/.test(said('argument')), 'what the walker itself refuses', said('argument'));
	if (traces)
		ok(/while it was asked for/.test(said('context')), 'what somebody says around it', said('context'));
	fs.writeFileSync(path.join(work, 'words/bytes.nix'), Buffer.concat([Buffer.from('{ a = throw "'), Buffer.from([0xff, 0xc3]), Buffer.from(' bytes"; }')]));
	ok(/ bytes/.test(evalJobs([path.join(work, 'words/bytes.nix')]).rows.a.error), 'a message that is no UTF-8');
	is(evalJobs([write('words/one.nix', `{ a = ${d('a')}; }`)]).err, '', "the repl's welcome is not shown");
	const root = evalJobs([syntax]);
	ok(root.code === 1 && /error: syntax error/.test(root.err) && /syntax.nix:3/.test(root.err), 'a root that fails says where', root.err);
}
// The commonest mistake of all: in a file that another imports.
{
	const dir = path.dirname(write('imported/default.nix', `{ a = derivation { name = (import ./wrong.nix).a; system = "s"; builder = "b"; }; g = ${d('good')}; }`));
	write('imported/wrong.nix', '{\n  a = 1\n  b = 2;\n}\n');
	const { rows } = evalJobs([path.join(dir, 'default.nix')]);
	ok(/syntax error, unexpected '?='?/.test(rows.a.error) && /wrong\.nix:3:5/.test(rows.a.error), 'a syntax error in an imported file is told with its file and line', rows.a);
	ok(rows.g && rows.g.drvPath, 'and harms nobody else');
}
done();
