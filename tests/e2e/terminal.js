// `ekaci shell` and `ekaci diff --watch`, as somebody at a terminal uses them.

import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { equal, match, nix_config, ok, program, run, test } from './lib.js';
import { eventually } from './scenes.js';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-terminal-'));
const env = { PATH: process.env.PATH, HOME: dir, XDG_CACHE_HOME: path.join(dir, 'cache'), NIX_CONFIG: nix_config, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null',
	GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@example.org', GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@example.org' };
const repo = path.join(dir, 'repo'), salt = process.pid;
const git = (...args) => execFileSync('git', ['-C', repo, ...args], { env, encoding: 'utf8' }).trim();
const write = (name, text) => {
	fs.mkdirSync(path.dirname(path.join(repo, name)), { recursive: true });
	fs.writeFileSync(path.join(repo, name), text);
};
// Each file of pkgs/ is a package whose program says what is in it; "fails" does not build.
write('default.nix', `builtins.mapAttrs (name: type: let text = builtins.readFile (./pkgs + "/\${name}"); in derivation { name = "\${name}-${salt}"; inherit text;
  system = builtins.currentSystem; builder = "/bin/sh"; PATH = "${process.env.PATH}"; outputs = [ "out" "doc" ];
  args = [ "-c" ''test "$text" != fails && mkdir -p $out/bin $doc/share && echo "echo \${name}-says-\${text}" > $out/bin/tool-\${name} && chmod +x $out/bin/tool-\${name}'' ]; }) (builtins.readDir ./pkgs)\n`);
write('pkgs/a', '1');
write('pkgs/b', '1');
write('.gitignore', 'ignored\n');
execFileSync('git', ['init', '-q', '-b', 'main', repo], { env });
git('add', '-A');
git('commit', '-q', '-m', '1');
const begin = (args, more = {}) => {
	const child = spawn(program, args, { cwd: repo, env: { ...env, ...more }, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
	const said = { child, out: '', err: '', ended: new Promise(done => child.on('close', code => done(code))) };
	child.stdout.on('data', bytes => { said.out += bytes; });
	child.stderr.on('data', bytes => { said.err += bytes; });
	process.on('exit', () => child.kill('SIGKILL'));
	return said;
};
const left = () => fs.readdirSync(path.join(dir, 'cache/ekaci/local'));

test('a shell has what was added or rebuilt on PATH, in results/, with the report; its exit code is given; then all of it goes', async () => {
	write('pkgs/a', '2');
	write('pkgs/c.d', '1');
	write('pkgs/f', 'fails');
	const script = 'tool-a; tool-c.d; ls results; readlink results/a.doc; test "$EKACI_RESULTS" = "$PWD/results"; echo $?; echo "$EKACI_REPO"; head -c 1 report.md; echo; command -v tool-b; nix-store -q --roots results/a 2>/dev/null | grep -c shell/roots; exit 7';
	const shell = begin(['shell', '--run', script]);
	equal(await shell.ended, 7, shell.err);
	match(shell.out, /^a-says-2\nc\.d-says-1\na\na\.doc\nc\.d\nc\.d\.doc\n\/nix\/store\/\S+-a-\d+-doc\n0\n/);
	const rest = shell.out.split('\n').slice(8);
	equal([rest[0], rest.slice(2)], [fs.realpathSync(repo), ['1', '']], shell.out + shell.err);
	equal(shell.err.replace(/.*/, ''), '\nekaci: 1 attribute did not build\n', 'nothing else is said around a command');
	equal(left(), []);

	const asked = begin(['shell'], { SHELL: path.join(dir, 'my-shell') });
	fs.writeFileSync(path.join(dir, 'my-shell'), '#!/bin/sh\ntool-a\nkill -9 $$\n', { mode: 0o755 });
	equal([await asked.ended, asked.out], [137, 'a-says-2\n']);
	match(asked.err, /ekaci: 1 attribute did not build\nekaci: 4 outputs in results\/, first on PATH; exit or ctrl-D ends the shell\n$/);
	equal(left(), []);
});

test('very many outputs, and names that are long or begin with a dot, are no obstacle', async () => {
	git('stash', '-q', '-u');
	write('many.nix', `let outputs = builtins.genList (i: "o\${toString i}_${'x'.repeat(150)}") 560; set = name: outputs: extra: derivation ({ name = "\${name}-${salt}"; inherit outputs;
  system = builtins.currentSystem; builder = "/bin/sh"; PATH = "${process.env.PATH}"; __structuredAttrs = false; args = [ "-c" "for o in $outputs; do mkdir -p $(printenv $o)/bin; done" ]; } // extra);
in if builtins.pathExists ./more then { many = set "many" outputs { }; ".${'y'.repeat(300)}" = set "dot" [ "out" ] { }; } else { }\n`);
	git('add', '-A');
	git('commit', '-q', '-m', 'many');
	write('more', '');
	const shell = begin(['shell', '--file', 'many.nix', '--run', 'ls results | wc -l; ls -d results/_.yyy* | cut -c 1-12; exit 6']);
	equal(await shell.ended, 6, shell.err);
	equal(shell.out.trim().split('\n'), ['561', 'results/_.yy']);
	match(shell.err, /^ekaci: \d+ of 561 folders have no room in PATH; all are in results\/$/m);
	fs.rmSync(path.join(repo, 'more'));
	git('reset', '-q', '--hard', 'HEAD^');
	git('stash', 'pop', '-q');
});

test('no shell where there is nothing to open it with', async () => {
	git('stash', '-q', '-u');
	const nothing = begin(['shell', '--run', 'true']);
	equal(await nothing.ended, 2);
	match(nothing.err, /ekaci: nothing is added or rebuilt: there is nothing to open a shell with\n$/);
	write('pkgs/f', 'fails');
	const failing = begin(['shell', '--run', 'true']);
	equal(await failing.ended, 2);
	match(failing.err, /ekaci: nothing of it builds: there is nothing to open a shell with\n$/);
	fs.rmSync(path.join(repo, 'pkgs/f'));
});

test('--watch tells again on a save, in a new folder too, and on a commit; not of what is ignored or the same; ctrl-C ends it', async () => {
	const watch = begin(['diff', '--watch']);
	const reports = () => watch.out.split('\n').filter(line => / compared with /.test(line)).length;
	const told = async (n, what) => {
		await eventually(`${what}: ${watch.out}${watch.err}`, () => reports() === n && watch.err.split('ekaci: watching').length === n + 1);
	};
	await told(1, 'at first');
	write('pkgs/a', '3');
	await told(2, 'a save');
	match(watch.out, /1 rebuild/);
	write('ignored', 'x');
	write('pkgs/a', '3');
	fs.writeFileSync(path.join(repo, 'pkgs/.a.swp'), '');
	fs.rmSync(path.join(repo, 'pkgs/.a.swp'));
	// As editors save: a new file takes the old one's name.
	write('pkgs/new', '4');
	fs.renameSync(path.join(repo, 'pkgs/new'), path.join(repo, 'pkgs/a'));
	await told(3, 'a rename; nothing of what is the same or ignored');
	write('deep/er/x', '1');
	await told(4, 'a new folder');
	write('deep/er/x', '2');
	await told(5, 'a save in the new folder');
	git('add', '-A');
	git('commit', '-q', '-m', '2');
	await told(6, 'a commit');
	process.kill(-watch.child.pid, 'SIGINT');
	equal(await watch.ended, 130);
	equal(left(), []);
	ok(!watch.err.includes('interrupted'), watch.err);
});

test('--watch begins again when something is saved while it is at work', async () => {
	write('pkgs/a', 'slow');
	const file = path.join(repo, 'default.nix'), text = fs.readFileSync(file, 'utf8');
	fs.writeFileSync(file, text.replace('"-c" \'\'', '"-c" \'\'test "$text" != slow || sleep 100; '));
	const watch = begin(['diff', '--build', '--watch']);
	const sleeps = () => { try { return execFileSync('pgrep', ['-f', 'sleep 100'], { encoding: 'utf8' }).trim(); } catch { return ''; } };
	await eventually('it builds', sleeps);
	write('pkgs/a', 'quick');
	await eventually(`the new one: ${watch.out}${watch.err}`, () => / compared with /.test(watch.out));
	equal(sleeps(), '', 'the old one is ended');
	process.kill(-watch.child.pid, 'SIGINT');
	equal(await watch.ended, 130);
	equal(left(), []);
});

await run({ limit_ms: 180000, before_end: async () => fs.rmSync(dir, { recursive: true, force: true }) });
