// Does the demo repository show what it says? Each branch is merged into main and compared with it
// by stock Nix, one attribute at a time, in the most naive way; what comes out must be what
// fixtures/repositories/demo.expected.json says. That file is also what ekaci's answers are held to.
//
//   node tests/e2e/demo.js            TAP
//   node tests/e2e/demo.js --print    what Nix says, in the form of the expectations

import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { equal, make_demo, nix_config, ok, run, test, top } from './lib.js';

const env = { NIX_CONFIG: nix_config, ...process.env };
const tmp = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-demo-'));
const demo = make_demo(path.join(tmp, 'demo'));
const git = (...args) => execFileSync('git', ['-C', demo, ...args], { encoding: 'utf8' }).trim();

const WALK = `
names:
let
  all = import ./default.nix { };
  walk = path: v:
    if v.type or "" == "derivation" then [ {
      inherit path;
      inherit (v) system;
      drv = builtins.unsafeDiscardStringContext v.drvPath;
      outs = map (o: builtins.unsafeDiscardStringContext v.\${o}.outPath) v.outputs;
    } ]
    else if builtins.isAttrs v && (v.recurseForDerivations or false) then
      builtins.concatMap (n: walk (path ++ [ n ]) v.\${n})
        (builtins.filter (n: n != "recurseForDerivations") (builtins.attrNames v))
    else [ ];
in builtins.concatMap (name: walk [ name ] all.\${name}) names`;

function nix(dir, ...args)
{
	const { status, stdout } = spawnSync('nix-instantiate', ['--eval', '--json', '--strict',
		'--read-write-mode', ...args], { cwd: dir, env, encoding: 'utf8', timeout: 60000 });
	return status === 0 ? JSON.parse(stdout) : null;
}

// The rows of some attributes: together, or by halves down to the one that fails.
function rows_of(dir, names)
{
	const list = `[ ${names.map(n => JSON.stringify(n)).join(' ')} ]`;
	const rows = nix(dir, '-E', `(${WALK}) ${list}`);
	if (rows)
		return rows;
	if (names.length === 1)
		return [{ path: names, fails: true }];
	const half = names.length >> 1;
	return [...rows_of(dir, names.slice(0, half)), ...rows_of(dir, names.slice(half))];
}

// Evaluates the tree `rev`: { rows: Map of attribute path -> row or 'fails', closure } or null.
const evaluated = new Map();
function evaluate(rev)
{
	const tree = git('rev-parse', `${rev}^{tree}`);
	if (evaluated.has(tree))
		return evaluated.get(tree);
	const dir = path.join(tmp, tree);
	fs.mkdirSync(dir);
	execFileSync('sh', ['-c', 'git -C "$1" archive "$2" | tar x -C "$3"', 'sh', demo, tree, dir]);
	const names = nix(dir, '-E', 'builtins.attrNames (import ./default.nix { })');
	let result = null;
	if (names) {
		const rows = new Map(rows_of(dir, names).map(row => [row.path.join('.'), row]));
		result = { rows, closure: closure([...rows.values()].filter(r => r.drv).map(r => r.drv)) };
	}
	evaluated.set(tree, result);
	return result;
}

// Map of derivation -> { outs, inputs } for everything below `drvs`, read from the files' text.
function closure(drvs)
{
	const all = execFileSync('nix-store', ['-q', '--requisites', ...drvs], { env, encoding: 'utf8' })
		.split('\n').filter(p => p.endsWith('.drv'));
	return new Map(all.map(drv => {
		const text = fs.readFileSync(drv, 'utf8');
		const outs = text.slice(0, text.indexOf('],['));
		const paths = (from, pattern) => [...from.matchAll(pattern)].map(m => m[1]);
		return [drv, { outs: paths(outs, /\("[^"]+","([^"]+)"/g),
			inputs: paths(text, /\("([^"]+\.drv)",\[/g) }];
	}));
}

// Derivations that must rebuild and depend on `drv` through derivations that must rebuild.
function radius(head, must, drv)
{
	const reached = new Set([drv]);
	for (let grown = true; grown;) {
		grown = false;
		for (const [d, { inputs }] of head.closure) {
			if (!reached.has(d) && must.has(d) && inputs.some(i => reached.has(i))) {
				reached.add(d);
				grown = true;
			}
		}
	}
	return reached.size - 1;
}

const sorted = list => list.sort();

function compare(base, head)
{
	if (!head)
		return { fails: true };
	const had = new Set([...base.closure.values()].flatMap(d => d.outs));
	const must = new Set([...head.closure].filter(([, d]) => d.outs.some(o => !had.has(o)))
		.map(([drv]) => drv));
	const out = { added: [], removed: [], rebuild: [], derivation_only: [], switched: [], newly_failing: [],
		fixed: [], still_failing: [], added_failing: [], removed_failing: [], derivations_to_rebuild: must.size, blast_radius: {} };
	for (const name of new Set([...base.rows.keys(), ...head.rows.keys()])) {
		const [b, h] = [base.rows.get(name), head.rows.get(name)];
		const put = which => out[which].push(name);
		if (!b)
			put(h.fails ? 'added_failing' : 'added');
		else if (!h)
			put(b.fails ? 'removed_failing' : 'removed');
		else if (b.fails || h.fails)
			put(!h.fails ? 'fixed' : b.fails ? 'still_failing' : 'newly_failing');
		else if (b.drv !== h.drv)
			put(h.outs.some(o => !had.has(o)) ? 'rebuild' : `${h.outs}` === `${b.outs}` ? 'derivation_only' : 'switched');
		if (b && h && h.drv && b.drv && must.has(h.drv) && b.drv !== h.drv) {
			const count = radius(head, must, h.drv);
			if (count)
				out.blast_radius[name] = count;
		}
	}
	for (const list of Object.values(out).filter(Array.isArray))
		sorted(list);
	return out;
}

// What the branch would change: the merge with main, or on conflict head against the merge base.
function change_of(branch)
{
	const merge = spawnSync('git', ['-C', demo, 'merge-tree', '--write-tree', 'main', branch],
		{ encoding: 'utf8' });
	if (merge.status === 0)
		return compare(evaluate('main'), evaluate(merge.stdout.split('\n')[0]));
	return { conflict: true, ...compare(evaluate(git('merge-base', 'main', branch)),
		evaluate(branch)) };
}

const branches = git('for-each-ref', '--format=%(refname:short)', 'refs/heads')
	.split('\n').filter(b => b !== 'main');
const remove = () => fs.rmSync(tmp, { recursive: true, force: true });

if (process.argv.includes('--print')) {
	const said = Object.fromEntries(branches.map(b => [b, change_of(b)]));
	process.stdout.write(JSON.stringify(said, null, '\t') + '\n');
	remove();
} else {
	const expected = JSON.parse(fs.readFileSync(path.join(top,
		'fixtures/repositories/demo.expected.json'), 'utf8'));
	test('every branch has its expectations', async () => equal(Object.keys(expected).sort(),
		branches.sort()));
	for (const branch of branches)
		test(`${branch} changes what it says`, async () => equal(change_of(branch), expected[branch]));
	test('what the demo says builds, builds', async () => {
		const { rows } = evaluate('main');
		const here = nix(tmp, '-E', 'builtins.currentSystem');
		const drvs = [...rows.values()].filter(r => r.drv && r.system === here);
		const failing = drvs.filter(r => /-thistle-/.test(r.drv)).map(r => r.drv);
		const good = drvs.map(r => r.drv).filter(d => !failing.includes(d));
		execFileSync('nix-store', ['-r', '-j2', '-Q', ...good], { env, stdio: 'pipe', timeout: 60000 });
		equal(failing.length, 1);
		ok(spawnSync('nix-store', ['-r', '-Q', ...failing], { env, timeout: 60000 }).status > 0);
	});
	await run({ limit_ms: 60000, before_end: remove });
}
