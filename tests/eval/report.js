#!/usr/bin/env node
// What the stages say of one change, from the evaluator's rows to what people read: the numbers are the same wherever they
// stand, and what was not compared is nowhere called "no rebuilds".
'use strict';
const path = require('path');
const { ekaci, work, ok, is, done, skip, run, repository, job, stage } = require('./lib.js');

const env = { ...process.env, HOME: path.join(work, 'home'), XDG_CACHE_HOME: path.join(work, 'cache') };
const FORMATS = ['checks', 'comment', 'text', 'markdown', 'json', 'html', 'labels', 'changed-paths'];

// --- one change with an attribute of every class, on two systems, with second names ---

const PRE = `let
	both = f: { recurseForDerivations = true; x86_64-linux = f "x86_64-linux"; aarch64-linux = f "aarch64-linux"; };
	mk = name: version: more: system: derivation ({ name = "\${name}-\${version}"; inherit system; builder = "/bin/sh"; args = [ "-c" "echo > $out" ]; } // more);
	fixed = url: derivation { name = "source"; system = "builtin"; builder = "builtin:fetchurl"; inherit url; urls = [ url ]; outputHashMode = "flat";
		outputHashAlgo = "sha256"; outputHash = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="; };
	fresh = hash: derivation { name = "fetched"; system = "builtin"; builder = "builtin:fetchurl"; url = hash; outputHashMode = "flat"; outputHashAlgo = "sha256"; outputHash = hash; };
in `;
const BASE = `${PRE} rec {
	lib = both (mk "lib" "1" { src = fresh "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="; }); libfoo = lib; set = { recurseForDerivations = true; inherit lib; };
	app = both (s: mk "app" "1" { dep = lib.\${s}; } s); user = mk "user" "1" { hidden = mk "hidden" "1" { } "x86_64-linux"; } "x86_64-linux";
	gone = both (mk "gone" "1" { }); heals = throw "no"; sickens = mk "sickens" "1" { } "x86_64-linux";
	stale = throw "removed long ago"; stays = both (mk "stays" "1" { });
	tool = mk "tool" "1" { } "x86_64-linux"; tool_2 = mk "tool" "2" { } "x86_64-linux"; mirrored = mk "mirrored" "1" { src = fixed "a"; } "x86_64-linux";
	fails = throw "always";
}`;
const HEAD = `${PRE} rec {
	lib = both (mk "lib" "2" { src = fresh "LCa0a2j/xo/5m0U8HTBBNBNCLXBkg7+g+YpeiGJm564="; }); libfoo = lib; set = { recurseForDerivations = true; inherit lib; };
	app = both (s: mk "app" "1" { dep = lib.\${s}; } s); user = mk "user" "1" { hidden = mk "hidden" "2" { } "x86_64-linux"; } "x86_64-linux";
	heals = mk "heals" "1" { } "x86_64-linux"; sickens = throw "it is ill"; broken = throw "it never was well";
	new = both (mk "new" "1" { }); stays = both (mk "stays" "1" { });
	tool = mk "tool" "2" { } "x86_64-linux"; tool_2 = mk "tool" "2" { } "x86_64-linux"; mirrored = mk "mirrored" "1" { src = fixed "b"; } "x86_64-linux";
	fails = throw "always";
}`;

// Runs a stage that is not `evaluate`.
function worker(name, doc)
{
	const r = run(ekaci, ['worker', name], { input: JSON.stringify(doc), env });
	return r.stdout.split('\n').filter(Boolean).map(l => JSON.parse(l));
}

const base = repository('classes', { 'default.nix': BASE }), head = repository('classes', { 'default.nix': HEAD });
const evaluations = [['base', base], ['head', head]].map(([side, repo]) => ({ ...stage(job(repo, { file: '/default.nix' }, { side })).evaluation, side, job: 'j' }));
const side_files = side => evaluations.filter(e => e.side === side).map(e => ({ job: e.job, file: e.file }));
const difference = path.join(work, 'difference.json');
const [compared] = worker('diff', { base: side_files('base'), head: side_files('head'), out: difference, graph_dir: null, store_dir: '/nix/store' })
	.filter(r => r.type === 'difference');
const reported = worker('report', { run: { id: 1, url: 'https://ci.example.org/run/1', repo: 'o/r', number: 1, head: '1'.repeat(40), base: '2'.repeat(40) },
	phase: 'done', plan: { decision: 'evaluate', jobs: [{ name: 'j', file: '/default.nix' }], report: { package_change_summary: { include_rebuild_only: true } } },
	evaluations, difference, builds: null, settings: {}, formats: FORMATS });
const document = format => (reported.find(r => r.type === 'document' && r.format === format) || { body: '' }).body;
const check = name => reported.find(r => r.type === 'check_run' && r.name === `ekaci / ${name}`) || { title: '', summary: '', text: '' };
const report = JSON.parse(document('json') || '{}'), total = (report.counts || {}).total || {};
const comment = (reported.find(r => r.type === 'comment') || { body: '' }).body;

ok(compared && report.attributes, 'the stages run on each other\'s words', reported);
const CLASSES = ['added', 'removed', 'rebuild', 'derivation_only', 'switched', 'newly_failing', 'fixed', 'still_failing', 'added_failing', 'removed_failing'];
is(CLASSES.filter(c => !(total[c] > 0)), [], 'the change has something of every class');

// --- the JSON document by itself ---

is(compared.counts, report.counts, 'the record and the document count alike');
is(CLASSES.map(c => [c, report.attributes.filter(a => a.class === c && !a.alias_of).length]), CLASSES.map(c => [c, total[c]]), 'as many rows as are counted, in every class');
is(report.attributes.filter(a => a.alias_of).length, total.aliases, 'and as many other names');
const parts = [...Object.values(report.counts.systems), report.counts.other];
const summed = Object.keys(total).filter(k => k !== 'carry_commit'); // which is of head as a whole
is(summed.map(k => [k, parts.reduce((n, p) => n + p[k], 0)]), summed.map(k => [k, total[k]]), 'systems add up to the total');
is(Object.keys(report.counts.systems), ['aarch64-linux', 'x86_64-linux'], 'what Nix makes itself is no system');
is(report.roots.filter(r => r.attributes.length === 0).map(r => [r.name, r.used_by]), [['hidden-2', ['user']]], 'a root that is no attribute says whose it is');

// --- every place where people read a number ---

const number = text => Number(text.replace(/,/g, ''));
const found = (text, pattern) => {
	const m = text.match(pattern);
	return m ? number(m[1]) : 0;
};
const WORDS = { rebuild: /([\d,]+) rebuilds?\b/i, added: /([\d,]+) added/, removed: /([\d,]+) removed/, switched: /([\d,]+) switched/, fixed: /([\d,]+) fixed/ };
const wanted = Object.keys(WORDS).map(c => [c, total[c]]);
for (const [where, text] of [['the title', report.verdict.title], ['the check\'s title', check('rebuilds').title], ['the text', document('text').split('\n').slice(0, 3).join(' ')]])
	is(Object.entries(WORDS).map(([c, w]) => [c, found(text, w)]), wanted, `${where} has the numbers of the counts`);
is([/([\d,]+) newly fails?/, /([\d,]+) (?:is|are) new and fail/, /([\d,]+) fixed/, /([\d,]+) still failing/].map(w => found(check('evaluation').title, w)),
	[total.newly_failing, total.added_failing, total.fixed, total.still_failing], 'so has the title of the evaluation');
is(found(check('evaluation').title, /^([\d,]+) attributes/), evaluations[1].rows, 'and says how many rows head has');

const COLUMNS = { Rebuilds: 'rebuild', Derivations: 'rebuild_derivations', Added: 'added', Removed: 'removed', Switched: 'switched', 'Same output': 'derivation_only',
	'New errors': 'newly_failing', 'New and failing': 'added_failing', 'Fixed errors': 'fixed', 'Errors gone': 'removed_failing' };
function table(text)
{
	const lines = text.split('\n'), at = lines.findIndex(l => l.startsWith('| System |'));
	const cells = line => line.split('|').slice(1, -1).map(c => c.trim().replace(/`/g, ''));
	const rows = {};
	for (let i = at + 2; at >= 0 && lines[i].startsWith('|'); i++) {
		const [name, ...numbers] = cells(lines[i]);
		rows[name] = Object.fromEntries(cells(lines[at]).slice(1).map((title, k) => [COLUMNS[title], number(numbers[k])]));
	}
	return rows;
}
const counted = { ...report.counts.systems, 'without a system': report.counts.other, all: total };
const picked = Object.fromEntries(['aarch64-linux', 'x86_64-linux', 'without a system', 'all'].map(name =>
	[name, Object.fromEntries(Object.values(COLUMNS).map(c => [c, counted[name][c]]))]));
for (const [where, text] of [['comment', comment], ['Markdown', document('markdown')], ['check', check('rebuilds').summary]]) {
	const t = table(text);
	is(Object.fromEntries(Object.keys(picked).map(k => [k, t[k]])), picked, `the table of the ${where} is that of the document`);
}
const flat = document('text').replace(/\n +/g, ' ').split('\n');
for (const [name, c] of Object.entries(counted)) {
	const line = flat.find(l => l.startsWith(`${name}: `)) || '';
	is([/([\d,]+) rebuild/, /\(([\d,]+) derivation/, /([\d,]+) added/, /([\d,]+) removed/, /([\d,]+) switched/, /([\d,]+) with the same output/, /([\d,]+) new errors?/,
		/([\d,]+) new and failing/, /([\d,]+) fixed errors?/, /([\d,]+) errors? gone/].map(w => found(line, w)),
	[c.rebuild, c.rebuild === c.rebuild_derivations ? 0 : c.rebuild_derivations, c.added, c.removed, c.switched, c.derivation_only, c.newly_failing, c.added_failing, c.fixed,
		c.removed_failing], `the text's line of ${name} is that of the document`);
}

const list = (text, words) => found(text, new RegExp(`([\\d,]+) ${words}`));
for (const [where, text] of [['comment', comment], ['Markdown', document('markdown')], ['check', check('rebuilds').text]]) {
	is(list(text, 'with another version') + list(text, 'rebuilt with the same version'), total.rebuild, `lists of the ${where}: what rebuilds is all there`);
	is([list(text, 'added'), list(text, 'removed'), list(text, 'switched'), list(text, 'with another derivation but the same output')],
		[total.added, total.removed, total.switched, total.derivation_only], `lists of the ${where}: the rest, too`);
	is([list(text, 'evaluations? fixed'), list(text, 'evaluations? still failing'), list(text, 'failing evaluations? gone')], [total.fixed, total.still_failing, total.removed_failing],
		`lists of the ${where}: evaluations`);
}
is([list(comment, 'evaluations? newly failing'), list(comment, 'attributes? new and failing')], [total.newly_failing, total.added_failing], 'what is wrong with this change is counted alike');
const heads = words => found(document('text'), new RegExp(`^${words}: ([\\d,]+)`, 'm'));
is(heads('Other versions') + heads('Rebuilt with the same version'), total.rebuild, 'the text lists what rebuilds');
is([heads('Added'), heads('Removed'), heads('Evaluations newly failing'), heads('New and failing to evaluate'), heads('Evaluations fixed'), heads('Evaluations still failing'), heads('Failing evaluations gone')],
	[total.added, total.removed, total.newly_failing, total.added_failing, total.fixed, total.still_failing, total.removed_failing], 'and everything else by its number');
const rows = document('html').split('<table class="differs" id="rows">')[1].split('</table>')[0].split('<tr').length - 2;
is(rows, CLASSES.reduce((n, c) => n + total[c], 0), 'the page has a row for each that is counted');

// --- labels: names, once a kernel ---

const paths = JSON.parse(document('changed-paths'));
const builds = new Set(JSON.parse(require('fs').readFileSync(difference, 'utf8')).targets.map(t => t.drv));
const names = new Set(report.attributes.filter(a => !a.alias_of && (a.class === 'rebuild' || (['added', 'fixed'].includes(a.class) && builds.has(a.head.drv))))
	.map(a => a.path.filter(p => !/^(x86_64|aarch64)-linux$/.test(p)).join('.')));
is([...paths.rebuildsByKernel.linux].sort(), [...names].sort(), 'rebuilds of the kernel are the names of what rebuilds');
is(paths.rebuildCountByKernel, { linux: names.size }, 'and their number is its label\'s');
ok(reported.find(r => r.type === 'labels').wanted.includes('10.rebuild-linux: 1-10') && names.size > 1 && names.size <= 10, 'which is the one that is wanted', reported.find(r => r.type === 'labels'));
is([paths.attrdiff.added.sort(), paths.attrdiff.removed.sort()], [['heals', 'new'], ['gone', 'sickens']], 'failing rows that come or go are neither added nor removed');

// --- words ---

ok(/is new and fails/.test(check('evaluation').title) && !/broken`? newly/.test(comment) && /adds 1 attribute that fails to evaluate/.test(comment), 'what is new and fails is not said to be broken', comment);
ok(/`tool`[^\n]*`1` → `2`/.test(document('markdown')), 'another package says its version, though nothing is built', document('markdown'));
ok(/`app\.aarch64-linux`/.test(comment) && /`lib\.x86_64-linux`, `libfoo\.x86_64-linux`/.test(comment), 'one derivation is one row, with its names', comment);
ok(/`hidden-2` \(in `user`\)/.test(comment), 'a root that is no attribute is named by the one that needs it', comment);
ok(/`fails`/.test(document('markdown')) && !/always/.test(document('markdown')), 'an error that was there before is a name', document('markdown'));
// A source line and the caret below it, which newer Nix shows, stay as they are: folded, the caret points at nothing.
const wide = document('text').split('\n').filter(l => l.length > 80 && !/^ {5,}\d*\|/.test(l));
is(wide, [], 'the text fits into 80 columns, but for what is quoted of a source');

// --- ekaci diff: what could not be compared ---

const p = 'derivation { name = "p"; system = "x86_64-linux"; builder = "/bin/sh"; }';
function diff(name, before, after, ...args)
{
	repository(name, { 'default.nix': before });
	const { git_dir } = repository(name, { 'default.nix': after });
	const said = format => run(ekaci, ['diff', '--repo', path.dirname(git_dir), '--format', format, 'HEAD~1', 'HEAD', ...args], { env });
	const json = said('json');
	return { exit: json.status, json: JSON.parse(json.stdout || '{}'), text: said('text').stdout, markdown: said('markdown').stdout };
}
const none = diff('none', `{ pkgs = { p = ${p}; }; }`, `{ pkgs = { p = ${p}; q = 1; }; }`);
is([none.exit, none.json.outcome, none.json.verdict.conclusion, none.json.verdict.title, none.json.empty.map(e => e.below)],
	[2, 'nothing', 'neutral', 'could not be told: nothing to evaluate below default.nix', ['default.nix']], 'no attribute on either side is not known, and not "no rebuilds"');
ok([none.text, none.markdown].every(t => /nothing to evaluate below `?default\.nix/.test(t) && /recurseForDerivations/.test(t) && !/no rebuilds/i.test(t)), 'which is said with what to write', none.text + none.markdown);

for (const [name, before, after, exit, conclusion, words] of [
	['repairs', '{ p = ; }', `{ p = ${p}; }`, 2, 'neutral', /base does not evaluate.*this change does/],
	['breaks', `{ p = ${p}; }`, '{ p = ; }', 1, 'failure', /^this change's default\.nix does not evaluate any more$/],
	['neither', '{ p = ; }', '{ p = = 1; }', 2, 'neutral', /neither the base nor this change evaluates/]]) {
	const r = diff(name, before, after);
	is([r.exit, r.json.verdict.conclusion, words.test(r.json.verdict.title)], [exit, conclusion, true], `a change that ${name}: ${conclusion}`);
	ok([r.text, r.markdown].every(t => !/nothing to walk|exit code/.test(t)), 'nothing of what ours says behind the evaluator\'s words', r.text);
	ok(/syntax error/.test(r.text) && /syntax error/.test(r.markdown) && r.json.counts === null, 'with the evaluator\'s words and without counts', r.text);
}

// --- a terminal ---

if (run('script', ['-qec', 'true', '/dev/null']).status !== 0) {
	skip('colours', 'no script(1) here');
} else {
	const at = (term, more = {}) => run('script', ['-qec', `'${ekaci}' diff --repo '${path.join(work, 'breaks')}' HEAD~1 HEAD`, '/dev/null'], { env: { ...env, NO_COLOR: '', ...more, TERM: term } }).stdout;
	ok(/\x1b\[1m/.test(at('xterm')), 'a terminal has colours');
	ok(!/\x1b/.test(at('xterm', { NO_COLOR: '1' })), 'not with NO_COLOR');
	ok(!/\x1b|\r(?!\n)/.test(at('dumb')), 'a dumb one has none, and no line that is written over', JSON.stringify(at('dumb')));
}
done();
