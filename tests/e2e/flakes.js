// A flake as people have it, from the command line and through the bot: what is compared without any configuration, and as
// whose commit.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { equal, match, nix_config, ok, program, run, test } from './lib.js';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-flakes-'));
const env = { NIX_CONFIG: nix_config, ...process.env, XDG_CACHE_HOME: path.join(dir, 'cache'), GIT_AUTHOR_NAME: 't', GIT_AUTHOR_EMAIL: 't@example.org',
	GIT_COMMITTER_NAME: 't', GIT_COMMITTER_EMAIL: 't@example.org' };
const call = (cwd, cmd, ...args) => spawnSync(cmd, args, { cwd, env, encoding: 'utf8', timeout: 60000, maxBuffer: 1 << 26 });

// Commits of a new repository, each a map of files; gives its folder.
function repository(name, ...commits)
{
	const repo = path.join(dir, name);
	fs.mkdirSync(repo);
	call(repo, 'git', 'init', '-q', '-b', 'main');
	for (const files of commits) {
		for (const [file, text] of Object.entries(files))
			text === null ? fs.rmSync(path.join(repo, file)) : fs.writeFileSync(path.join(repo, file), text);
		call(repo, 'git', 'add', '-A');
		equal(call(repo, 'git', 'commit', '-q', '-m', 'x').status, 0);
	}
	return repo;
}
function diff(repo, ...args)
{
	const { status, stdout, stderr } = call(repo, program, 'diff', '--format', 'json', ...args, 'HEAD~1', 'HEAD');
	ok(stdout.startsWith('{'), stderr);
	return { ...JSON.parse(stdout), status };
}
const classes = d => Object.fromEntries(d.attributes.map(a => [a.path.join('.'), a.class]));
const flake = (outputs) => `{ outputs = { self }: let mk = n: more: derivation ({ name = n; system = "x86_64-linux"; builder = "/bin/sh"; } // more); in { ${outputs} }; }`;
const tool = (v) => flake(`checks.x86_64-linux = { unit = mk "unit" { }; tool = self.packages.x86_64-linux.tool; };
	packages.x86_64-linux = { tool = mk "tool-${v}" { }; stamped = mk "stamped" { version = self.shortRev or (throw "no revision"); date = self.lastModifiedDate; }; };
	hydraJobs.tool.x86_64-linux = self.packages.x86_64-linux.tool;`);
const shim = '(import (fetchTarball "https://example.org/flake-compat.tar.gz") { src = ./.; }).defaultNix';

test('without configuration all of a flake is compared, beside a default.nix that is only its shim', () => {
	const d = diff(repository('plain', { 'flake.nix': tool(1), 'default.nix': shim }, { 'flake.nix': tool(2) }));
	equal([d.outcome, d.status], ['compared', 0]);
	equal(classes(d), { 'checks.x86_64-linux.tool': 'rebuild', 'hydraJobs.tool.x86_64-linux': 'rebuild', 'packages.x86_64-linux.tool': 'rebuild' });
	equal(d.counts.total.rebuild, 1, 'one derivation under three names is one');
	equal(d.evaluations.map(e => e.rows), [5, 5]);
});

test('what carries the commit in its name does not differ between two commits, and is counted', () => {
	const d = diff(repository('stamped', { 'flake.nix': tool(1) }, { README: 'x' }));
	equal([classes(d), d.counts.total.rebuild, d.counts.carry_commit], [{}, 0, 1]);
});

test('names in a job mean the same as without a configuration', () => {
	const repo = repository('named', { 'flake.nix': tool(1) }, { 'flake.nix': tool(2) });
	equal(classes(diff(repo, '--flake', '.#checks')), { 'x86_64-linux.tool': 'rebuild' });
	equal(classes(diff(repo, '--flake', '.#packages.x86_64-linux')), { tool: 'rebuild' });
	equal(classes(diff(repo, '--flake', '.#hydraJobs')), { 'tool.x86_64-linux': 'rebuild' });
});

test('an output that only one side has is added or removed, no error', () => {
	const some = flake('packages.x86_64-linux.tool = mk "tool" { };'), more = flake('packages.x86_64-linux.tool = mk "tool" { }; checks.x86_64-linux.unit = mk "unit" { };');
	equal(classes(diff(repository('added', { 'flake.nix': some }, { 'flake.nix': more }))), { 'checks.x86_64-linux.unit': 'added' });
	equal(classes(diff(repository('removed', { 'flake.nix': more }, { 'flake.nix': some }), '--flake', '.#checks')), { 'x86_64-linux.unit': 'removed' });
});

test('a first flake.nix is compared with nothing, beside the default.nix of both; one that goes likewise', () => {
	const old = '{ tool = derivation { name = "old"; system = "x86_64-linux"; builder = "/bin/sh"; }; }';
	const first = diff(repository('first', { 'default.nix': old }, { 'flake.nix': tool(1) }));
	equal([first.outcome, first.status, classes(first)['packages.x86_64-linux.tool'], first.counts.total.unchanged], ['compared', 0, 'added', 1]);
	const wrong = diff(repository('wrong', { 'default.nix': old }, { 'flake.nix': '{ outputs = { self }: { checks = ; }; }' }));
	ok(wrong.verdict.conclusion === 'failure', 'one that does not evaluate is a failure of this change');
	const gone = diff(repository('gone', { 'flake.nix': tool(1), 'default.nix': old }, { 'flake.nix': null }));
	equal([classes(gone)['packages.x86_64-linux.tool'], gone.counts.total.unchanged], ['removed', 1]);
	const fresh = diff(repository('fresh', { README: 'x' }, { 'default.nix': old }));
	equal([fresh.status, classes(fresh)], [0, { tool: 'added' }]);
});

test('the flake\'s own nixConfig is not obeyed', () => {
	const config = (v) => `{ nixConfig.sandbox-paths = "/etc"; nixConfig.allow-import-from-derivation = true; outputs = { self }: { checks.x86_64-linux.a = derivation { name = "a-${v}"; system = "x86_64-linux"; builder = "/bin/sh"; }; }; }`;
	equal(classes(diff(repository('config', { 'flake.nix': config(1) }, { 'flake.nix': config(2) }))), { 'checks.x86_64-linux.a': 'rebuild' });
});

test('a flake in a folder of the repository sees what is beside it', () => {
	const sub = { 'flake.nix': '{ outputs = { self }: { }; }', name: '1' };
	const repo = repository('folder', sub);
	fs.mkdirSync(path.join(repo, 'nix'));
	fs.writeFileSync(path.join(repo, 'nix/flake.nix'), '{ outputs = { self }: { checks.x86_64-linux.a = derivation { name = "a-${builtins.readFile ../name}"; system = "x86_64-linux"; builder = "/bin/sh"; }; }; }');
	call(repo, 'git', 'add', '-A');
	call(repo, 'git', 'commit', '-q', '-m', 'x');
	fs.writeFileSync(path.join(repo, 'name'), '2');
	call(repo, 'git', 'commit', '-q', '-a', '-m', 'x');
	equal(classes(diff(repo, '--flake', './nix')), { 'checks.x86_64-linux.a': 'rebuild' });
});

await run({ limit_ms: 60000, before_end: () => fs.rmSync(dir, { recursive: true, force: true }) });
