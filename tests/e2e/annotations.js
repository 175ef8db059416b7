// Failures shown at their place in the diff, where the repository is a flake: its files have other names while it is
// evaluated, /nix/store/HASH-source, and so have those of its inputs, which are no places.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { begin, equal, match, run, test } from './lib.js';
import { make_many, name_of } from './many.js';
import { delivered, finished, report_of, row_of } from './scenes.js';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-annotations-'));
const repo = path.join(dir, 'repo');
const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_AUTHOR_NAME: 'demo', GIT_AUTHOR_EMAIL: 'demo@localhost',
	GIT_COMMITTER_NAME: 'demo', GIT_COMMITTER_EMAIL: 'demo@localhost' };
const git = (...args) => execFileSync('git', ['-C', repo, ...args], { encoding: 'utf8', env }).trim();
const salt = `${process.pid}-${Date.now()}`;

function write(name, text)
{
	fs.mkdirSync(path.dirname(path.join(repo, name)), { recursive: true });
	fs.writeFileSync(path.join(repo, name), text);
}

function commit(message)
{
	git('add', '-A');
	git('commit', '-q', '-m', message);
}

// The position is where "name" stands, as in nixpkgs.
const flake = folder => `{
  outputs = { self }:
    let
      package = attrs@{ name, script, position ? null }: let at = builtins.unsafeGetAttrPos "name" attrs; in
        derivation {
          inherit name;
          system = "x86_64-linux";
          builder = "/bin/sh";
          salt = "${salt}-${folder}";
          args = [ "-c" script ];
        } // { meta.position = if position != null then position else "\${at.file}:\${toString at.line}"; };
    in {
      checks.x86_64-linux = {
        recurseForDerivations = true;
        app = import ./pkgs/app.nix package;
        broken = import ./pkgs/broken.nix package;
        foreign = import ./pkgs/foreign.nix package;
      };
    };
}
`;
const app = script => `# The application.\npackage:\n\npackage {\n  name = "app";\n  script = "${script}";\n}\n`;
// As if the package came from an input that has a file of that name, too.
const foreign = script => `package: package { name = "foreign"; script = "${script}";
  position = "/nix/store/0123456789abcdfghijklmnpqrsvwxyz-source/pkgs/app.nix:5"; }\n`;

function tree(at, script, broken)
{
	write(`${at}flake.nix`, flake(at));
	write(`${at}pkgs/app.nix`, app(script));
	write(`${at}pkgs/foreign.nix`, foreign(script));
	write(`${at}pkgs/broken.nix`, broken);
}

const good = 'package:\npackage { name = "broken"; script = "echo > $out"; }\n';
const bad = 'package:\nlet\n  unfinished = { }.name;\nin package { name = unfinished; script = ""; }\n';

fs.mkdirSync(repo);
git('init', '-q', '--initial-branch=main');
write('.ekaci/config.json', '{ "jobs": { "top": { "flake": ".#checks" }, "below": { "flake": "./sub#checks" } } }\n');
// What a NAR has besides plain files, in an order that git's is not.
write('tools/run', '#!/bin/sh\n');
fs.chmodSync(path.join(repo, 'tools/run'), 0o755);
write('tools.d', 'a file\n');
fs.symlinkSync('tools/run', path.join(repo, 'run'));
for (const at of ['', 'sub/'])
	tree(at, 'echo > $out', good);
commit('all is well');
git('checkout', '-q', '-b', 'breaks');
for (const at of ['', 'sub/'])
	tree(at, 'echo no; exit 1', bad);
commit('nothing is');
git('checkout', '-q', 'main');

const places = check => check.annotations.map(a => `${a.path}:${a.start_line}`).sort();

let scene;
test('what newly fails in a flake is annotated where it stands in the repository, inputs are not', async () => {
	scene = await begin({ from: repo });
	const { pull } = await scene.open('breaks');
	const { evaluation, rebuilds } = await finished(scene, pull.head.sha);
	equal([evaluation.conclusion, rebuilds.conclusion], ['failure', 'failure']);
	const report = await report_of(scene, rebuilds);
	match(row_of(report, 'x86_64-linux.app').head.meta.position, /^\/nix\/store\/[0-9a-z]{32}-source\/(sub\/)?pkgs\/app\.nix:5$/);
	equal(row_of(report, 'x86_64-linux.foreign').class, 'rebuild');
	equal(places(rebuilds), ['pkgs/app.nix:5', 'sub/pkgs/app.nix:5']);
	match(rebuilds.annotations[0].title, /app newly fails to build/);
	equal(places(evaluation), ['pkgs/broken.nix:3', 'sub/pkgs/broken.nix:3']);
});

test('170 failures are 170 annotations, in order, though the bot is killed between two requests of fifty', async () => {
	const many = await begin({ from: make_many(path.join(dir, 'many'), { packages: 171, branches: [{ name: 'breaks', broken: 170 }] }) });
	try {
		const { pull } = await many.open('breaks');
		const some = c => c.annotations.length >= 50 && c;
		await many.until_check(pull.head.sha, some, { name: 'ekaci / rebuilds', limit_ms: 150000 });
		many.bot_may_be_down = true;
		await many.bot.restart();
		const all = await many.until_check(pull.head.sha, c => c.annotations.length >= 170 && c, { name: 'ekaci / rebuilds' });
		equal(all.conclusion, 'failure');
		await delivered(many);
		const { annotations } = (await many.checks(pull.head.sha)).find(c => c.name === 'ekaci / rebuilds');
		equal(annotations.map(a => `${a.path}:${a.start_line}`),
			Array.from({ length: 170 }, (_, n) => `pkgs/${name_of(n)}.nix:4`));
	} finally {
		await many.end();
	}
});

await run({ limit_ms: 240000, before_end: async () => {
	if (scene)
		await scene.end();
	fs.rmSync(dir, { recursive: true, force: true });
} });
