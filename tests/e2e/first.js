// A first answer, before everything is evaluated: what is edited, and who needs it at the base. Then it is confirmed, or corrected; or there
// is none, and why. And alone, by `ekaci diff --first`.

import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { begin, equal, match, nix_config, ok, program, run, test } from './lib.js';
import { finished, report_of } from './scenes.js';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-first-'));
const env = { PATH: process.env.PATH, HOME: dir, NIX_CONFIG: nix_config, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null',
	GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@example.org', GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@example.org' };

// Packages by folder; each says where it is defined, as make-derivation does.
const files = {
	'lib/make.nix': `args: let at = builtins.unsafeGetAttrPos "pname" args; in derivation ({ system = "x86_64-linux"; builder = "/bin/sh";
  name = "\${args.pname}-\${args.version}"; args = [ "-c" "echo > $out" ]; } // args) // { meta.position = "\${at.file}:\${toString at.line}"; }\n`,
	'default.nix': `let
  make = import ./lib/make.nix;
  all = builtins.mapAttrs (name: _: import (./pkgs + "/\${name}") { inherit make; pkgs = all; }) (builtins.readDir ./pkgs);
in all\n`,
	'pkgs/curl/version.nix': '"8.1"\n',
	'pkgs/curl/default.nix': '{ make, ... }: make {\n  pname = "curl";\n  version = import ./version.nix;\n}\n',
	'pkgs/gossip/default.nix': '{ make, ... }: make {\n  pname = "gossip";\n  version = "1";\n  about = import ../curl/version.nix;\n}\n',
	'README.md': 'packages\n',
};
const uses = (name, input, when = '') => {
	files[`pkgs/${name}/default.nix`] = `{ make, pkgs }: make {\n  pname = "${name}";\n  version = "1";\n  input = ${when}pkgs.${input};\n}\n`;
};
uses('alpha', 'curl');
uses('beta', 'alpha');
uses('gamma', 'delta');
uses('delta', 'stone');
uses('old', 'curl', 'if pkgs.curl.version == "9" then "no" else ');
uses('picky', 'curl', 'assert pkgs.curl.version != "9"; ');
files['pkgs/stone/default.nix'] = '{ make, ... }: make {\n  pname = "stone";\n  version = "1";\n}\n';

const repo = path.join(dir, 'repo');
fs.mkdirSync(repo);
const git = (...args) => execFileSync('git', ['-C', repo, ...args], { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
function commit(branch, changed)
{
	git('checkout', '-q', '-B', branch, ...(branch === 'main' ? [] : ['main']));
	for (const [name, text] of Object.entries(changed)) {
		fs.mkdirSync(path.dirname(path.join(repo, name)), { recursive: true });
		fs.writeFileSync(path.join(repo, name), text);
	}
	git('add', '-A');
	git('commit', '-q', '-m', branch);
	return git('rev-parse', 'HEAD');
}
git('init', '-q', '-b', 'main');
commit('main', files);
const change = (name, from, to) => ({ [name]: files[name].replace(from, to) });
commit('deep', change('pkgs/stone/default.nix', '"1"', '"2"'));
commit('read', change('pkgs/curl/version.nix', '8.1', '9'));
commit('drops', change('pkgs/curl/default.nix', 'import ./version.nix', '"9"'));
commit('new', { 'pkgs/fresh/default.nix': '{ make, ... }: make {\n  pname = "fresh";\n  version = "3";\n}\n' });
commit('common', change('lib/make.nix', 'echo >', 'echo x >'));
commit('broken', change('pkgs/stone/default.nix', '"1"', '(throw "no more")'));
commit('same', change('pkgs/stone/default.nix', '{ make, ... }:', '# the same\n{ make, ... }:'));
git('checkout', '-q', 'main');

// The whole evaluation of a head waits; base's, and what is evaluated first, do not.
function gated(at)
{
	const file = path.join(at, 'eval-jobs');
	fs.writeFileSync(file, `#!/bin/sh
case "$1" in --help) exec '${program}' eval-jobs --help;; esac
case " $* " in *" --meta "*) ;; *) exec '${program}' eval-jobs "$@";; esac
case " $* " in *" --expr "*) exec '${program}' eval-jobs "$@";; esac
[ -e '${at}/base' ] || { : > '${at}/base'; exec '${program}' eval-jobs "$@"; }
i=0
while [ ! -e '${at}/gate' ] && [ $i -lt 1800 ]; do sleep 0.1; i=$((i + 1)); done
exec '${program}' eval-jobs "$@"
`, { mode: 0o755 });
	return { file, open: () => fs.writeFileSync(path.join(at, 'gate'), '') };
}

const in_between = (scene, sha, good) => scene.until('check_runs', { repo: scene.repo, head_sha: sha },
	all => all.find(c => c.name === 'ekaci / evaluation' && c.status === 'in_progress' && good(c)), 90000);

async function with_scene(body)
{
	const scene = await begin({ from: repo, start: false });
	try {
		const gate = gated(scene.dir);
		scene.configure({ evaluate: { evaluator: gate.file, sandbox: 'off', first_answer_from: 1 }, build: { slots: 2, enabled: false } });
		await scene.bot.start();
		await body(scene, gate);
	} catch (e) {
		await scene.end().catch(() => {});
		throw e;
	}
	await scene.end();
}

test('it stands in the check before everything is evaluated, and is confirmed', () => with_scene(async (scene, gate) => {
	const { pull } = await scene.open('deep');
	const early = await in_between(scene, pull.head.sha, c => c.output.title.startsWith('first answer'));
	equal(early.output.title, 'first answer: stone 1 -> 2, about 3 rebuilds; evaluating everything to be sure');
	equal(early.conclusion ?? null, null);
	const page = await scene.bot.get(new URL(early.details_url).pathname + new URL(early.details_url).search);
	match(page.text, /first answer: stone 1 -&gt; 2, about 3 rebuilds/i);
	gate.open();
	const { evaluation, rebuilds } = await finished(scene, pull.head.sha);
	match(rebuilds.output.summary, /First answer: stone 1 (-|&#45;)(&gt;|>) 2, about 3 rebuilds, after [\d.]+ s of looking\. Confirmed/);
	const report = await report_of(scene, evaluation);
	equal(report.first_checked, { said: 3, right: 3, truth: 3 });
	equal(report.first.map(f => [f.job, f.known, f.evaluated, f.edited, f.rebuilds]), [['default.nix', true, 1, 1, 3]]);
	match((await scene.until_comment(pull.number, c => /Confirmed/.test(c.body))).body, /First answer/);
}));

test('it is corrected by what reads the file in another way, and by what does not evaluate any more, and it says by how much', () => with_scene(async (scene, gate) => {
	const { pull } = await scene.open('read');
	const early = await in_between(scene, pull.head.sha, c => c.output.title.startsWith('first answer'));
	match(early.output.title, /^first answer: curl 8\.1 -> 9, about 5 rebuilds; /);
	gate.open();
	const { evaluation, rebuilds } = await finished(scene, pull.head.sha);
	match(rebuilds.output.summary, /Corrected to 5 rebuilds: 1 had not been thought of, 1 is none/);
	equal((await report_of(scene, evaluation)).first_checked, { said: 5, right: 4, truth: 5 });
}));

test('none where the change may be about anything: it says so, and goes on', () => with_scene(async (scene, gate) => {
	const { pull } = await scene.open('common');
	const early = await in_between(scene, pull.head.sha, c => /No first answer/.test(c.output.summary));
	match(early.output.summary, /No first answer: lib\/make\.nix belongs to no package, so it may be about anything; evaluating everything/);
	gate.open();
	const { evaluation } = await finished(scene, pull.head.sha);
	const report = await report_of(scene, evaluation);
	equal([report.first[0].known, report.first_checked, report.counts.total.rebuild], [false, undefined, 9]);
}));

const first = (branch, ...args) => spawnSync(program, ['diff', 'main', branch, '--first', ...args], { cwd: repo, env, encoding: 'utf8' });

test('ekaci diff --first prints it alone: 0 for an answer, 2 for none, with the reason', () => {
	for (const [branch, status, words] of [
		['deep', 0, /^first answer: stone 1 -> 2, about 3 rebuilds\n$/],
		['drops', 0, /^first answer: curl 8\.1 -> 9, about 5 rebuilds\n$/],
		['new', 0, /^first answer: fresh \(new\), about 1 rebuild\n$/],
		['common', 2, /^no first answer: lib\/make\.nix belongs to no package/],
		['broken', 2, /^no first answer: stone does not evaluate any more\n$/],
		['same', 2, /^no first answer: nothing that is defined in the changed files differs by itself\n$/],
	]) {
		const { status: code, stdout, stderr } = first(branch);
		equal([branch, code], [branch, status], stderr);
		match(stdout, words);
	}
	const told = JSON.parse(first('deep', '--json').stdout);
	equal([told.job, told.known, told.rebuilds], ['default.nix', true, 3]);
	equal(told.derivations.map(d => d.replace(/.*-(\w+)-1\.drv$/, '$1')).sort(), ['delta', 'gamma', 'stone']);
});

test('what it said is what the whole comparison finds, or not, name by name', () => {
	const whole = JSON.parse(spawnSync(program, ['diff', 'main', 'drops', '--json'], { cwd: repo, env, encoding: 'utf8' }).stdout);
	equal(whole.attributes.filter(a => a.class === 'rebuild').map(a => a.path.join('.')).sort(), ['alpha', 'beta', 'curl', 'old']);
	ok(whole.first === undefined);
});

await run({ limit_ms: 240000, at_once: 2, before_end: async () => fs.rmSync(dir, { recursive: true, force: true }) });
