#!/usr/bin/env node
// Figures of first answers, a line each: name value unit (goal).
//
//   seconds   from the webhook to the check that says it, in a repository made here of so many attributes (FIRST_ATTRIBUTES, else 100,000)
//             whose base is evaluated already. Five packages' files are changed, one after the other; none is waited for to its end.
//   share, precision, recall   over neighbouring commits of corepkgs, each against the whole comparison: with CORE_MIRROR, a clone of it, and
//             CORE_CACHE, a fetcher cache made by fetch-cache.sh, where there is no network. FIRST_PAIRS says how many (else 3 of 139, spread
//             evenly); each costs two evaluations. FIRST_ATTRIBUTES=0 leaves the seconds out.

import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { begin, nix_config, program } from '../e2e/lib.js';

const print = (name, value, unit, goal) => console.log(`${name} ${Number.isInteger(value) ? value : Number(value).toPrecision(4)} ${unit}${goal ? `  (goal: ${goal})` : ''}`);
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-bench-'));
process.on('exit', () => fs.rmSync(dir, { recursive: true, force: true }));
const median = all => [...all].sort((a, b) => a - b)[all.length >> 1];

const ATTRIBUTES = Number(process.env.FIRST_ATTRIBUTES ?? 100000), VARIANTS = 5, MINUTES = 60 * 1000;
const file_of = k => `pkgs/by-name/${k % 100}/p${k}/package.nix`;
const package_of = (k, version) => `{ make, variant, inputs }: make {\n  pname = "p${k}";\n  version = "${version}";\n  inherit variant inputs;\n}\n`;

// What package k needs: two of lower numbers, so that the lowest are needed by nearly all.
const set_of = n => `let
  make = args: let at = builtins.unsafeGetAttrPos "pname" args; in derivation (args // {
    name = "\${args.pname}-\${args.variant}-\${args.version}"; system = "x86_64-linux"; builder = "/bin/sh";
  }) // { meta.position = "\${at.file}:\${toString at.line}"; };
  name = k: v: "p\${toString k}" + (if v == 0 then "" else "_\${toString v}");
  inputs = k: if k == 0 then [ ] else [ all.\${name (k / 7) 0} all.\${name (k * 2 / 3) 0} ];
  file = k: ./pkgs/by-name + "/\${toString (k - k / 100 * 100)}/p\${toString k}/package.nix";
  one = k: map (v: { name = name k v; value = import (file k) { inherit make; variant = toString v; inputs = inputs k; }; })
    (builtins.genList (v: v) ${VARIANTS});
  all = builtins.listToAttrs (builtins.concatMap one (builtins.genList (k: k) ${n}));
in all
`;

function make_set(repo, n, changed)
{
	const write = (name, text) => {
		fs.mkdirSync(path.dirname(path.join(repo, name)), { recursive: true });
		fs.writeFileSync(path.join(repo, name), text);
	};
	const git = (...args) => execFileSync('git', ['-C', repo, '-c', 'user.name=a', '-c', 'user.email=a@example.org', '-c', 'gc.auto=0', ...args],
		{ stdio: 'ignore' });
	write('default.nix', set_of(n));
	for (let k = 0; k < n; k++)
		write(file_of(k), package_of(k, '1'));
	git('init', '-q', '-b', 'main');
	git('add', '-A');
	git('commit', '-q', '-m', 'all');
	for (const k of changed) {
		git('checkout', '-q', '-B', `change-${k}`, 'main');
		write(file_of(k), package_of(k, '2'));
		git('commit', '-q', '-am', `p${k}: 1 -> 2`);
	}
	git('checkout', '-q', 'main');
}

async function seconds()
{
	const n = ATTRIBUTES / VARIANTS, changed = [1, 2, 3, 5, 8, 13].map(share => Math.floor(n / (share * 7 + 1)));
	const repo = path.join(dir, 'set');
	fs.mkdirSync(repo);
	make_set(repo, n, changed);
	const scene = await begin({ from: repo, config: { build: { enabled: false }, evaluate: { timeout_s: 7200 } } });
	const took = [];
	try {
		for (const [i, k] of changed.entries()) {
			const began = Date.now(), { pull } = await scene.open(`change-${k}`);
			const check = await scene.until('check_runs', { repo: scene.repo, head_sha: pull.head.sha },
				all => all.find(c => /irst answer/.test(c.output?.title)), i === 0 ? 30 * MINUTES : MINUTES);
			if (!check.output.title.startsWith(`first answer: p${k}`))
				throw new Error(check.output.title);
			if (i > 0) // the first one waits for its base
				took.push((Date.now() - began) / 1000);
			await scene.github.do('pull_change', { repo: scene.repo, number: pull.number, action: 'closed' });
		}
	} finally {
		await scene.end();
	}
	print(`first_answer_${ATTRIBUTES}_attributes_webhook_to_check_median`, median(took), 's', 'under 5');
	print(`first_answer_${ATTRIBUTES}_attributes_webhook_to_check_longest`, Math.max(...took), 's', 'under 5');
}

function ask(home, ...args)
{
	const began = Date.now(), { stdout, stderr } = spawnSync(program, ['diff', ...args, '--json', '--file', 'maintainers/ci-jobs.nix',
		...(process.env.CORE_CACHE ? ['--offline'] : [])], { cwd: process.env.CORE_MIRROR, maxBuffer: 1 << 30, encoding: 'utf8',
		env: { ...process.env, NIX_CONFIG: nix_config, XDG_CACHE_HOME: home } });
	if (!stdout.startsWith('{'))
		throw new Error(stderr.slice(-1000));
	return { said: JSON.parse(stdout), seconds: (Date.now() - began) / 1000 };
}

// What was really rebuilt or is new, each derivation once.
const truth_of = report => new Set(report.attributes.filter(a => !a.alias_of && (a.class === 'rebuild' || a.class === 'added'))
	.map(a => (a.class === 'rebuild' ? a.base : a.head).drv));

function share_precision_recall()
{
	const pairs = Number(process.env.FIRST_PAIRS || 3), home = path.join(dir, 'cache');
	const sum = { said: 0, right: 0, truth: 0, known: 0 }, took = [];
	fs.mkdirSync(home);
	if (process.env.CORE_CACHE)
		fs.cpSync(process.env.CORE_CACHE, home, { recursive: true });
	for (let i = 0; i < pairs; i++) {
		const back = Math.floor(i * 139 / pairs), sides = [`HEAD~${back + 1}`, `HEAD~${back}`];
		ask(home, sides[0], sides[0]); // the base, which takes as long as it takes
		ask(home, ...sides, '--first'); // and its graph
		const { said, seconds: s } = ask(home, ...sides, '--first'), truth = truth_of(ask(home, ...sides).said);
		took.push(s);
		if (!said.known)
			continue;
		sum.known++;
		sum.said += said.derivations.length;
		sum.right += said.derivations.filter(d => truth.has(d)).length;
		sum.truth += truth.size;
	}
	print('first_answer_corepkgs_pairs', pairs, 'of 139');
	print('first_answer_corepkgs_diff_first_median', median(took), 's', 'under 5');
	print('first_answer_corepkgs_share', sum.known / pairs, 'of pairs have one');
	print('first_answer_corepkgs_precision', sum.right / Math.max(sum.said, 1), 'ratio', '0.95 or more');
	print('first_answer_corepkgs_recall', sum.right / Math.max(sum.truth, 1), 'ratio', '0.95 or more');
}

if (ATTRIBUTES > 0)
	await seconds();
if (process.env.CORE_MIRROR)
	share_precision_recall();
else
	console.log('# first_answer_corepkgs: left out, CORE_MIRROR names no clone of corepkgs');
