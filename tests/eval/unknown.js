#!/usr/bin/env node
// What could not be told is marked, in the words of the Nix that is here, whichever kind it is; where it is the root, nothing is known.
'use strict';
const path = require('path');
const { work, ok, is, done, run, repository, job, stage } = require('./lib.js');
const { samples, listen, versionOf, folderOf } = require('../../fixtures/nix/record.js');
const ekaci = require('./lib.js').ekaci;

const good = (name) => `derivation { name = "${name}"; system = "x86_64-linux"; builder = "/bin/sh"; }`;
const version = versionOf(run('nix', ['--version']).stdout);
let n = 0;
const at = (files, more = {}, inner = { file: 'default.nix' }) =>
	stage(job(repository(`r${++n}`, files), inner, { evals_dir: path.join(work, `evals-${n}`), ...more }));

// One of each kind, as the stage meets it: restricted, without network.
for (const [name, pattern] of [['address-tarball', /allowed_uris = \["https:\/\/example\.org\/x\.tar\.gz"\]/], ['address-git', /allowed_uris/], ['path-file', /nix-path/],
	['searchpath-file', /nix-path = "nowhere=/], ['feature-ca', /experimental_features = \["ca-derivations"\]/], ['feature-closure', /experimental_features = \["fetch-closure"\]/],
	['feature-pipe', /experimental_features = \["pipe-operators"\]/], ['import-file', /allow_import_from_derivation = true/]]) {
	const [, expr, , files, since] = samples.find((s) => s[0] === name);
	if (since && Number(version.split('.')[1]) < Number(since.split('.')[1]))
		continue;
	const r = at({ 'default.nix': `{ a = ${good('a')}; sample = ${expr}; thrown = throw "no"; }`, ...files });
	const e = r.evaluation || {};
	const u = e.untold || {};
	ok(e.complete === true && !('unknown' in e) && e.rows === 3 && u.count === 1 && u.names[0] === 'sample' && /^error: /.test(u.words) && pattern.test(u.advice), `${name}: told of the attribute, in Nix' words, with what to set`, e);
	is(Object.values(r.rows).map((row) => row.unknown || false), [false, true, false], `${name}: its row is marked, and no other`);
	const whole = at({ 'default.nix': `let x = ${expr}; in builtins.seq (x.drvPath or x) { a = ${good('a')}; }`, ...files }).evaluation || {};
	ok(whole.unknown === true && /^the root does not evaluate: error: /.test(whole.reason) && pattern.test(whole.reason), `${name}: as a whole, too`, whole);
}
{
	const many = at({ 'default.nix': `builtins.listToAttrs (map (i: { name = "n\${toString i}"; value = fetchTarball "https://example.org/\${toString i}"; }) [ 1 2 3 4 5 6 7 ]) // { good = ${good('good')}; }` }).evaluation;
	is([many.untold.count, many.untold.names], [7, ['n1', 'n2', 'n3', 'n4', 'n5']], 'many are counted, and some named', many);
	const odd = at({ 'default.nix': `{ recurseForDerivations = true; "a.b" = { recurseForDerivations = true; "" = fetchTarball "https://example.org/"; }; }` }).evaluation;
	is(odd.untold.names, ['"a.b".""'], 'by names as Nix writes them', odd);
}
// What only resembles it is a failure of the attribute.
{
	const facts = samples.filter((s) => s[0].startsWith('fact-'));
	const files = Object.assign({}, ...facts.map((s) => s[3] || {}));
	const r = at({ 'default.nix': `{ good = ${good('good')};\n${facts.map(([name, expr]) => `${name} = ${expr};`).join('\n')} }`, ...files });
	is([r.evaluation.complete, 'untold' in r.evaluation, r.evaluation.errors], [true, false, facts.length], 'a throw with such words in it, a source line, a comment are failures as any other');
}
// A network that is gone, for whom may fetch. What is not there is not failing.
{
	const r = at({ 'default.nix': `{ a = ${good('a')}; b = fetchTarball "http://127.0.0.1:9/x.tar.gz"; }` }, { allow_network: true, allowed_uris: ['http://127.0.0.1:9/'] }).evaluation;
	ok(r.complete && r.untold.names[0] === 'b' && /^error: .*unable to download/.test(r.untold.words), 'a server that does not answer', r);
}
// What is partial is for the run that made it: nobody reuses it, and no scope is taken from it.
{
	const fs = require('fs'), repo = repository('again', { 'default.nix': `{ a = ${good('a')}; b = fetchTarball "https://example.org/b"; }` });
	const evals_dir = path.join(work, 'evals-again'), wish = (inner) => stage(job(repo, { file: 'default.nix', ...inner }, { evals_dir })).evaluation;
	const [first, second, scoped] = [wish({}), wish({}), wish({ scope: [['a']] })];
	is([first, second, scoped].map((e) => [e.complete, e.reused, 'untold' in e]), [[true, false, true], [true, false, true], [true, false, false]], 'a partial evaluation is not reused');
	ok(first.file === path.join(evals_dir, `${first.key}.partial.jsonl.zst`) && fs.existsSync(first.file) && !fs.existsSync(path.join(evals_dir, `${first.key}.jsonl.zst`)), 'and lies in a file of its own');
	is(wish({ scope: [['a']] }).reused, true, 'what a scope leaves whole is');
}
// Thousands of them are no more trouble than as many errors; and who throws Nix' words keeps nobody else from being told.
{
	const r = at({ 'default.nix': `builtins.listToAttrs (map (i: { name = "n\${toString i}"; value = throw "cannot look up '<nowhere>'"; }) (builtins.genList (i: i) 20)) //
		builtins.listToAttrs (map (i: { name = "m\${toString i}"; value = import <nowhere>; }) (builtins.genList (i: i) 3000)) //
		{ good = ${good('good')}; liar = throw "file 'x' was not found in the Nix search path"; }` });
	is([r.evaluation.complete, r.evaluation.untold.count, Object.values(r.rows).filter((row) => row.drvPath).length], [true, Object.values(r.rows).filter((row) => row.unknown).length, 1], 'thousands of them', r.evaluation.untold);
	ok(r.evaluation.untold.count >= 3000, 'are counted', r.evaluation.untold);
}
// The recorded samples are what this Nix says.
{
	const said = listen(ekaci, version, ['address-tree', 'fetch-git-rev', 'store-path']);
	const fs = require('fs'), dir = folderOf(run('nix', ['--version']).stdout);
	if (fs.existsSync(dir))
		for (const [name, words] of Object.entries(said))
			is(words.trim().split('\n').pop().trim(), fs.readFileSync(path.join(dir, `${name}.txt`), 'utf8').trim().split('\n').pop().trim(), `the sample ${name} is what Nix ${version} says`);
}
done();
