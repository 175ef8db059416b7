// Builds as somebody sees them who runs `ekaci diff --build` in a repository of their own: what fails, what could not be tried, what
// waits, and what is left behind.

import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { equal, match, nix_config, ok, program, run, test } from './lib.js';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-builds-'));
const unique = `${process.pid}-${Date.now()}`;
const home = path.join(dir, 'home');
fs.mkdirSync(home);
const env = { PATH: process.env.PATH, HOME: home, NIX_CONFIG: nix_config, GIT_CONFIG_NOSYSTEM: '1', GIT_AUTHOR_NAME: 'a',
	GIT_AUTHOR_EMAIL: 'a@example.org', GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@example.org' };
const auto = '/nix/var/nix/gcroots/auto';
const links = () => fs.readdirSync(auto).filter((name) => {
	try { return fs.readlinkSync(path.join(auto, name)).startsWith(dir); } catch { return false; }
});

// A repository of two commits, each the text of default.nix within a `let` that has mk: name, script and what else there is.
function repository(name, ...versions)
{
	const repo = path.join(dir, name);
	fs.mkdirSync(repo);
	const git = (...args) => execFileSync('git', ['-C', repo, ...args], { env, stdio: 'ignore' });
	git('init', '-q', '-b', 'main');
	for (const text of versions) {
		fs.writeFileSync(path.join(repo, 'default.nix'), `let mk = name: script: more: derivation ({ inherit name; ` +
			`system = "x86_64-linux"; builder = "/bin/sh"; PATH = "/usr/bin:/bin"; unique = "${unique}"; args = [ "-c" script ]; } // more); in ${text}\n`);
		git('add', '-A');
		git('commit', '-q', '--allow-empty', '-m', 'x');
	}
	return repo;
}

function diff(repo, ...args)
{
	return new Promise((resolve) => {
		const child = spawn(program, ['diff', '--repo', repo, '--build', ...args, 'main~1', 'main'], { env });
		let out = '', err = '';
		child.stdout.on('data', (d) => { out += d; });
		child.stderr.on('data', (d) => { err += d; });
		child.on('close', (code) => resolve({ code, out, err, report: args.includes('json') && out !== '' ? JSON.parse(out) : null }));
	});
}
const build = (report, name) => report.attributes.find((a) => a.path.join('.') === name).build;

const zeros = 'outputHashMode = "flat"; outputHashAlgo = "sha256"; outputHash = "0000000000000000000000000000000000000000000000000000000000000000";';
test('a source that is gone is newly failing where base had it, still failing where it had it not, and the wait is said', async () => {
	const fetch = (salt, script) => `mk "fetch-${salt}" "${script}" { salt = "${salt}"; ${zeros} }`;
	const repo = repository('gone',
		`{ new = mk "new" "echo 1 > $out" { }; old = ${fetch('old', 'echo it is gone; exit 1')}; }`,
		`{ new = mk "new" "read x < $src; echo $x > $out" { src = ${fetch('new', 'echo it is gone; exit 1')}; }; ` +
			`old = ${fetch('old2', 'echo it is gone; exit 1')}; }`);
	const { code, err, report } = await diff(repo, '--format', 'json');
	equal(code, 1);
	equal([build(report, 'new').state, build(report, 'new').blame], ['dependency_failed', 'newly_failing']);
	equal([build(report, 'old').state, build(report, 'old').blame], ['failed', 'still_failing']);
	match(build(report, 'old').tail, /it is gone/);
	match(err, /^ekaci: \d builds? waits?: its builder, which may use the network, failed: tried once more$/m);
});

test('an output that marks itself as failed is a failure, and what needs it is built; the second time, too', async () => {
	const marks = '/bin/mkdir -p $out/nix-support; : > $out/nix-support/failed';
	const repo = repository('marked', `{ low = mk "low" "/bin/mkdir $out" { }; same = mk "same" "${marks}" { }; high = mk "high" "echo > $out" { }; }`,
		`rec { low = mk "low" "${marks}" { }; same = mk "same" "${marks}" { x = 1; }; high = mk "high" "echo $low > $out" { inherit low; }; }`);
	for (let i = 0; i < 2; i++) {
		const { code, report } = await diff(repo, '--format', 'json');
		equal(code, 1);
		equal(['low', 'same', 'high'].map((n) => [build(report, n).state, build(report, n).blame]),
			[['failed', 'newly_failing'], ['failed', 'still_failing'], [i === 0 ? 'built' : 'cached', undefined]]);
		match(build(report, 'low').reason, /nix-support\/failed/);
	}
});

test('what no machine can do is not built, with the system of the one that lacks it, and nothing has failed', async () => {
	const dep = 'mk "dep" "echo > $out" { system = "riscv64-linux"; }';
	const repo = repository('machine', '{ app = mk "app" "echo > $out" { }; }',
		`{ app = mk "app" "echo $dep > $out" { dep = ${dep}; }; own = mk "own" "echo > $out" { requiredSystemFeatures = [ "quantum" ]; }; }`);
	const { code, out } = await diff(repo);
	equal(code, 0);
	match(out, /2 not built for want of a machine/);
	match(out, /^ {2}dep \(riscv64-linux\): not built: no machine for riscv64-linux/m);
	match(out.replace(/\n {4}/g, ' '), /^ {2}own \(x86_64-linux\): not built: no machine for x86_64-linux offers the feature quantum$/m);
});

test('what base has under another name is built, too: whether it builds is not proved by its being there', async () => {
	const repo = repository('switched', '{ good = mk "good" "echo > $out" { }; bad = mk "bad" "exit 1" { }; }',
		'{ good = mk "bad" "exit 1" { }; bad = mk "bad" "exit 1" { }; fresh = mk "bad" "exit 1" { }; }');
	const { code, report } = await diff(repo, '--format', 'json');
	equal([report.counts.total.rebuild, report.counts.total.switched, code], [0, 1, 1]);
	equal([build(report, 'good').state, build(report, 'good').blame], ['failed', 'newly_failing']);
});

test('a long build is spoken of now and then where there is no terminal', async () => {
	const repo = repository('long', '{ }', '{ long = mk "long" "/bin/sleep 12; echo > $out" { }; }');
	const { code, err } = await diff(repo);
	equal(code, 0, err);
	match(err, /^ekaci: building: 1 of 1 to go, long for 1[0-3] s$/m);
});

test('nothing of all that is left in the folder where Nix keeps its roots', () => {
	equal(links(), []);
});

await run({ limit_ms: 120000, before_end: async () => fs.rmSync(dir, { recursive: true, force: true }) });
