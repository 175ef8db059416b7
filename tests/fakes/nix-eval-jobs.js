#!/usr/bin/env node
// A stand-in for nix-eval-jobs, one for each family of versions: its options, the form of its rows, its exit codes.
//
// The test writes a copy of this file as .../nix-eval-jobs-VERSION/bin/nix-eval-jobs with the line below filled in:
// version, scenario, rows ({attrPath, drvPath, outputs, ...} or {attrPath, error}). Options a version does not have are
// refused as the real one refuses them; every command line is appended to the file `log`, when given.
'use strict';
const setup = {/*SETUP*/};
const fs = require('fs');

const v = setup.lix ? 0 : parseFloat(setup.version.split('.').slice(1).join('.')) || 0; // 2.26.0 -> 26
const lix = Boolean(setup.lix);
const flags = { // name: number of arguments
	help: 0, impure: 0, 'force-recurse': 0, 'gc-roots-dir': 1, workers: 1, 'max-memory-size': 1, flake: 0, meta: 0, expr: 0,
	'show-trace': 0, 'check-cache-status': 0, arg: 2, argstr: 2, include: 1, option: 2, 'eval-store': 1, 'override-flake': 2,
	quiet: 0, verbose: 0, debug: 0, repair: 0, 'log-format': 1,
};
if (v >= 17) flags['override-input'] = 2;
if (v >= 26) flags.constituents = 0;
if (v >= 26 && !lix) flags['show-input-drvs'] = 0;
if (v >= 26 || lix) flags.apply = 1;
if (v >= 31 || lix) { flags.select = 1; flags['no-instantiate'] = 0; }

const argv = process.argv.slice(2);
const given = {};
let positional = null;
if (setup.log) try { fs.appendFileSync(setup.log, JSON.stringify(argv) + '\n'); } catch { /* not there in a sandbox */ }
for (let i = 0; i < argv.length; i++) {
	const name = { '-E': 'expr', '-I': 'include' }[argv[i]] || (argv[i].startsWith('--') ? argv[i].slice(2) : null);
	if (name === null) { positional = argv[i]; continue; }
	if (!(name in flags)) {
		process.stderr.write(`error: unrecognised flag '${argv[i]}'\nTry 'nix-eval-jobs --help' for more information.\n`);
		process.exit(1);
	}
	given[name] = argv.slice(i + 1, i + 1 + flags[name]);
	i += flags[name];
}
if (given.help) {
	process.stdout.write('USAGE: nix-eval-jobs [options] expr\n\n');
	for (const f of Object.keys(flags).sort())
		process.stdout.write(`  --${f.padEnd(20)} ...\n`);
	process.exit(0);
}
if (positional === null) {
	process.stderr.write('error: no expression specified\n');
	process.exit(1);
}

const quote = (s) => ((v >= 36 ? !/^[A-Za-z_][A-Za-z0-9_'-]*$/.test(s) : s.includes('.')) ? `"${s}"` : s);
function line(row) {
	if (row.badMeta && given.meta) // meta that does not evaluate makes an error of the row
		row = { attrPath: row.attrPath, error: row.badMeta };
	const r = { attr: row.attrPath.map(quote).join('.'), attrPath: row.attrPath };
	if (row.error) {
		r.error = row.error;
		if (v >= 35) r.fatal = Boolean(row.fatal);
		process.stderr.write(row.error + '\n');
	} else {
		Object.assign(r, { drvPath: row.drvPath, name: row.name, outputs: row.outputs, system: row.system || 'x86_64-linux' });
		if (given.meta) r.meta = row.meta || {};
		if (lix || v < 26) r.inputDrvs = {};
		if (v >= 32) r.requiredSystemFeatures = row.features || [];
		if (v >= 35) Object.assign(r, { constituents: [], globConstituents: false, namedConstituents: [], storeDir: '/nix/store' });
		if (v >= 35.3) Object.assign(r, { stats: { wallMs: 1, allocBytes: 1 } });
		if (lix) r.isCached = false;
	}
	return JSON.stringify(r);
}

const rows = setup.rows.map(line);
if (setup.shuffle) rows.reverse();
if (!given.meta && setup.withoutMeta) setup.scenario = setup.withoutMeta;
const out = (text) => fs.writeSync(1, text);
switch (setup.scenario || 'good') {
case 'good':
	out(rows.join('\n') + '\n');
	break;
case 'false alarm': // 2.35.0, https://github.com/NixOS/nix-eval-jobs/issues/433
	out(rows.join('\n') + '\n');
	process.stderr.write('error: BUG: while sending exit, worker pipe got closed but evaluation worker still running?\n');
	process.exit(1);
	break;
case 'exit 1':
	out(rows.join('\n') + '\n');
	process.stderr.write('error: worker error: out of ideas\n');
	process.exit(1);
	break;
case 'root fails':
	process.stderr.write("error: the root is broken\n       at /build/source/x.nix:1:1\n");
	process.exit(1);
	break;
case 'nameless': // before 2.19, of whatever is no EvalError
	out(rows[0] + '\n' + JSON.stringify({ error: "error: getting status of '/build/source/nowhere': No such file or directory" }) + '\n' + rows.slice(1).join('\n') + '\n');
	break;
case 'interleaved': { // Hydra #1437
	const half = Math.floor(rows[0].length / 2);
	out(rows[0].slice(0, half) + rows[1] + '\n' + rows[0].slice(half) + '\n');
	break;
}
case 'cut':
	out(rows.join('\n').slice(0, -20));
	break;
case 'killed':
	out(rows.join('\n') + '\n');
	process.kill(process.pid, 'SIGKILL');
	break;
case 'silent':
	out(rows[0] + '\n');
	setInterval(() => {}, 1000);
	break;
case 'no UTF-8': // what nlohmann's JSON library throws ends a worker, and that the whole
	out(rows[0] + '\n');
	process.stderr.write("error: [json.exception.type_error.316] invalid UTF-8 byte at index 0: 0xFF\n\x1b[31;1merror:\x1b[0m while reading result for attrPath 'b', evaluation worker exited with exit code 1, (possible infinite recursion)\n");
	process.exit(1);
	break;
case 'fatal, and on': // and nothing more, for ever
	out(rows[0] + '\n' + line({ attrPath: ['x'], error: 'error: stack overflow', fatal: true }) + '\n');
	setInterval(() => {}, 1000);
	break;
case 'within itself':
	for (let at = ['x']; ; at = [...at, 'self'])
		out(line({ ...setup.rows[0], attrPath: [...at, 'a'] }) + '\n');
	break;
case 'flood':
	for (let i = 0; ; i++)
		out(line({ attrPath: ['runaway', 'self', `n${i}`], error: 'x' }) + '\n');
}
