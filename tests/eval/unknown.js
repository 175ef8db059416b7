#!/usr/bin/env node
// What could not be told is incomplete, in the words of the Nix that is here, whichever kind it is.
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
	ok(e.complete === false && e.unknown === true && e.file === null && e.rows === 3 && /^sample could not be told: error: /.test(e.reason) && pattern.test(e.reason), `${name}: incomplete, with the attribute, Nix' words and what to set`, e);
	const whole = at({ 'default.nix': `let x = ${expr}; in builtins.seq (x.drvPath or x) { a = ${good('a')}; }`, ...files }).evaluation || {};
	ok(whole.unknown === true && /^the root does not evaluate: error: /.test(whole.reason) && pattern.test(whole.reason), `${name}: as a whole, too`, whole);
}
{
	const many = at({ 'default.nix': `builtins.listToAttrs (map (i: { name = "n\${toString i}"; value = fetchTarball "https://example.org/\${toString i}"; }) [ 1 2 3 4 5 6 7 ]) // { good = ${good('good')}; }` }).evaluation;
	ok(/^n1, n2, n3, n4, n5 and 2 more \(7 attributes\) could not be told; the first: error: /.test(many.reason), 'many are counted, and some named', many);
	const odd = at({ 'default.nix': `{ recurseForDerivations = true; "a.b" = { recurseForDerivations = true; "" = fetchTarball "https://example.org/"; }; }` }).evaluation;
	ok(/^"a\.b"\."" could not be told/.test(odd.reason), 'by names as Nix writes them', odd);
}
// What only resembles it is a failure of the attribute.
{
	const facts = samples.filter((s) => s[0].startsWith('fact-'));
	const files = Object.assign({}, ...facts.map((s) => s[3] || {}));
	const r = at({ 'default.nix': `{ good = ${good('good')};\n${facts.map(([name, expr]) => `${name} = ${expr};`).join('\n')} }`, ...files });
	is([r.evaluation.complete, 'unknown' in r.evaluation, r.evaluation.errors], [true, false, facts.length], 'a throw with such words in it, a source line, a comment are failures as any other');
}
// A network that is gone, for whom may fetch. What is not there is not failing.
{
	const r = at({ 'default.nix': `{ a = ${good('a')}; b = fetchTarball "http://127.0.0.1:9/x.tar.gz"; }` }, { allow_network: true, allowed_uris: ['http://127.0.0.1:9/'] }).evaluation;
	ok(r.unknown === true && /^b could not be told: error: .*unable to download/.test(r.reason), 'a server that does not answer', r);
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
