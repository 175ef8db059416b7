// A head is not evaluated where it is proved to be its base's equal: held against evaluating all the same, over a repository with every way
// of reading and changes of every kind, drawn at random.

import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { equal, match, nix_config, ok, program, run, test } from './lib.js';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-proof-'));
const repo = path.join(dir, 'repo');
fs.mkdirSync(repo);
const env = { PATH: process.env.PATH, HOME: dir, NIX_CONFIG: nix_config, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null',
	GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@example.org', GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@example.org' };
const git = (...args) => execFileSync('git', ['-C', repo, ...args], { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
const at = name => path.join(repo, name);
function write(name, text)
{
	fs.mkdirSync(path.dirname(at(name)), { recursive: true });
	fs.writeFileSync(at(name), text);
}
function commit(message)
{
	git('add', '-A');
	git('commit', '-q', '--allow-empty', '-m', message);
	return git('rev-parse', 'HEAD');
}

// Each attribute reads in another way; what it says is in its derivation.
const top = `let
  d = name: text: derivation { inherit name text; system = "x86_64-linux"; builder = "/bin/sh"; };
  here = ./.;
  keep = accept: path: builtins.path { inherit path; name = "kept"; filter = accept; };
in {
  imported = d "imported" (import ./way/imported.nix);
  folder = d "folder" (import ./way/package);
  file = d "file" (builtins.readFile ./way/file.txt);
  hashed = d "hashed" (builtins.hashFile "sha256" ./way/hashed.txt);
  listed = d "listed" (builtins.toJSON (builtins.readDir ./way/listed));
  absent = d "absent" (builtins.toJSON (builtins.pathExists ./way/absent.nix));
  deep = d "deep" (builtins.toJSON (builtins.pathExists ./way/not/there/yet.nix));
  link = d "link" (builtins.readFile ./way/link);
  through = d "through" (builtins.readFile ./way/linked/inner.txt);
  source = d "source" "\${./way/source}";
  single = d "single" "\${./way/single.sh}";
  filtered = d "filtered" "\${keep (p: t: baseNameOf p != "left-out") ./way/filtered}";
  found = d "found" (import (builtins.findFile [ { prefix = "w"; path = here + "/way/found"; } ] "w/it.nix"));
  scoped = d "scoped" (scopedImport { x = "1"; } ./way/scoped.nix);
  named = d "named" (toString ./way/only-named.txt);
  empty = d "empty" "x\${builtins.readFile ./way/empty.txt}";
  empty_hashed = d "empty_hashed" (builtins.hashFile "sha256" ./way/empty-hashed.txt);
  empty_source = d "empty_source" "\${./way/empty-source}";
  hollow = d "hollow" (builtins.toJSON [ (builtins.pathExists ./way/hollow) (builtins.readDir ./way/around) ]);
  loops = map (n: d n n) (builtins.attrNames (builtins.readDir ./way/listed));
}\n`;
write('default.nix', top);
write('way/imported.nix', 'builtins.readFile ./behind.txt\n');
write('way/behind.txt', '1');
write('way/package/default.nix', '"1"\n');
write('way/package/notes.txt', '1');
write('way/file.txt', '1');
write('way/hashed.txt', '1');
write('way/listed/a', '1');
write('way/listed/b/inner', '1');
write('way/target.txt', '1');
fs.symlinkSync('target.txt', at('way/link'));
write('way/real/inner.txt', '1');
fs.symlinkSync('real', at('way/linked'));
write('way/source/one', '1');
write('way/source/sub/two', '1');
write('way/single.sh', '1');
write('way/filtered/taken', '1');
write('way/filtered/left-out', '1');
write('way/found/it.nix', '"1"\n');
write('way/scoped.nix', 'x + "1"\n');
write('way/only-named.txt', '1');
write('way/empty.txt', '');
write('way/empty-hashed.txt', '');
write('way/empty-source/file', '');
write('way/around/file', '1');
write('doc/manual.md', '1');
write('README.md', '1');
git('init', '-q', '-b', 'main');
const base = commit('base');

function diff(...args)
{
	const { status, stdout, stderr } = spawnSync(program, ['diff', ...args, '--format', 'json'], { cwd: repo, env, encoding: 'utf8' });
	ok(stdout.startsWith('{'), `${status} ${stderr}`);
	return JSON.parse(stdout);
}
const head_of = report => report.evaluations.find(e => e.side === 'head');
const differ = report => (report.attributes || []).map(a => `${a.class} ${a.path.join('.')}`).sort().join(', ');

let seed = 7, round = 0;
const pick = n => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0, Math.floor(seed / 4294967296 * n));
const files = () => git('ls-files').split('\n').filter(f => f !== 'default.nix');
// One change; a file that Nix reads as code stays code.
const kinds = [
	f => fs.appendFileSync(at(f), f.endsWith('.nix') ? ` + "more ${round}"` : `more ${round}`),
	f => fs.rmSync(at(f)),
	f => fs.chmodSync(at(f), 0o755),
	f => { fs.rmSync(at(f)); fs.symlinkSync('elsewhere', at(f)); },
	f => { fs.rmSync(at(f)); write(f + '/within', '1'); },
	f => fs.renameSync(at(f), at(f) + '-moved'),
	f => write(path.join(path.dirname(f), `new-${pick(9)}`), '1'),
	() => write('way/absent.nix', '1'),
	() => write('way/not/other.nix', '1'),
	() => write('way/not/there/yet.nix', '1'),
	() => write('doc/more/of/it.md', '1'),
	() => fs.appendFileSync(at('README.md'), `more ${round}`),
	() => fs.appendFileSync(at('way/package/notes.txt'), `more ${round}`),
	() => fs.appendFileSync(at('way/filtered/left-out'), `more ${round}`),
	() => fs.appendFileSync(at('way/listed/a'), `more ${round}`),
	() => fs.appendFileSync(at('way/only-named.txt'), `more ${round}`),
];

git('checkout', '-q', '-b', 'first');
write('way/file.txt', 'first');
diff(base, commit('first'));
const can = fs.readdirSync(path.join(dir, '.cache/ekaci/evals')).some(f => f.endsWith('.reads.zst'));
const skip = !can && 'what is read cannot be noted here (no /dev/fuse, no namespaces or no sandbox), so nothing can be proved';

test('what is proved is so: 40 changes at random, evaluated all the same', () => {
	const seen = { proved: 0, evaluated: 0, in_vain: 0 };
	for (round = 0; round < 40; round++) {
		git('checkout', '-q', '-f', '-B', 'work', base);
		git('clean', '-qfd');
		let said = '';
		for (let n = 1 + pick(2); n > 0; n--) {
			const all = files(), file = all[pick(all.length)], kind = pick(kinds.length);
			try {
				kinds[kind](file);
			} catch {} // it went with the change before
			said += ` ${kind}:${file}`;
		}
		const head = commit('change'), quick = diff(base, head), whole = diff(base, head, '--no-proof');
		if (head_of(quick) === undefined || head_of(quick).reused && head_of(quick).proved === undefined)
			continue; // the same as in a round before
		const proved = head_of(quick).proved !== undefined;
		equal(head_of(whole) && head_of(whole).proved, undefined);
		equal(differ(quick), differ(whole), `round ${round}:${said}`);
		seen[proved ? 'proved' : 'evaluated']++;
		if (!proved && differ(whole) === '' && process.env.SAY)
			console.log('# not proved:' + said);
		seen.in_vain += !proved && differ(whole) === '';
	}
	console.log(`# proved ${seen.proved}, evaluated ${seen.evaluated}, of these in vain ${seen.in_vain}`);
	ok(seen.proved >= 8 && seen.evaluated >= 10, JSON.stringify(seen));
}, { skip });

test('a file that was empty is read, too', () => {
	for (const [file, attribute] of [['empty.txt', 'empty'], ['empty-hashed.txt', 'empty_hashed'], ['empty-source/file', 'empty_source']]) {
		git('checkout', '-q', '-f', '-B', 'work', base);
		write('way/' + file, 'no more');
		equal(differ(diff(base, commit('filled'))), 'rebuild ' + attribute);
	}
}, { skip });

test('a folder without any file, which git itself never makes and never checks out, is not there', () => {
	const tree = (lines, of) => execFileSync('git', ['-C', repo, 'mktree', '--missing'], { env, encoding: 'utf8',
		input: (of ? git('ls-tree', of) + '\n' : '') + lines.map(l => l + '\n').join('') }).trim();
	git('checkout', '-q', '-f', '-B', 'work', base);
	for (const name of ['way/hollow/file', 'way/around/hollow/file', 'README.md'])
		write(name, 'another');
	const full = commit('full'), nothing = tree([]), within = tree([`040000 tree ${nothing}\tinner`]);
	const replace = (of, name, id) => tree([`040000 tree ${id}\t${name}`, ...git('ls-tree', of).split('\n').filter(l => !l.endsWith('\t' + name))]);
	let way = replace(full + ':way', 'around', replace(full + ':way/around', 'hollow', nothing));
	way = replace(way, 'hollow', within);
	const hollow = git('commit-tree', '-p', base, '-m', 'hollow', replace(full, 'way', way));
	equal(differ(diff(base, hollow, '--no-proof')), '');
	const quick = diff(base, hollow);
	equal(differ(quick), '');
	ok(head_of(quick).proved > 10);
	equal(differ(diff(hollow, full, '--no-proof')), 'rebuild hollow');
	equal(differ(diff(hollow, full)), 'rebuild hollow');
}, { skip });

test('the report names what decided; a head that was proved is the next one\'s base', () => {
	git('checkout', '-q', '-f', '-B', 'work', base);
	git('clean', '-qfd');
	write('doc/manual.md', 'another');
	const one = commit('doc'), { stdout } = spawnSync(program, ['diff', base, one], { cwd: repo, env, encoding: 'utf8' });
	match(stdout, /^no rebuilds\nProved without evaluating: of the \d+ paths that the base's evaluation looked at,/);
	write('README.md', 'another');
	const two = commit('readme'), next = diff(one, two);
	ok(head_of(next).proved > 10);
	write('way/file.txt', 'another');
	equal(differ(diff(two, commit('file'))), 'rebuild file');
}, { skip });

await run({ limit_ms: 300000, before_end: async () => fs.rmSync(dir, { recursive: true, force: true }) });
