// deploy/dependencies.sh: names that every release has, and the libraries' packages read off the program.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { equal, match, ok, program, run, test, top } from '../e2e/lib.js';

const script = path.join(top, 'deploy/dependencies.sh');
const sh = (args, env = {}) => spawnSync(script, args, { encoding: 'utf8', cwd: '/', env: { ...process.env, ...env } });
const lines = text => text.trim().split('\n');

test('no package is named by a library\'s version, which is another in each release', () => {
	const listed = ['check', 'matrix'].flatMap(what => sh(['list', what]).stdout.trim().split(' '));
	ok(listed.length > 30);
	equal(listed.filter(name => /^lib/.test(name) && !/-dev$/.test(name)), []);
	equal(listed.filter(name => /^(gcc|g\+\+|clang|nodejs).*\d/.test(name)), []);
});

test('what is asked for grows from running to building to testing', () => {
	const sizes = ['run', 'build', 'check'].map(what => sh(['list', what]).stdout.trim().split(' '));
	for (let n = 1; n < sizes.length; n++)
		equal(sizes[n].slice(0, sizes[n - 1].length), sizes[n - 1]);
	ok(!sizes[0].some(name => /-dev$|^gcc$/.test(name)), 'nothing to build with where it only runs');
});

test('the packages of the libraries are read off the program, each installed here, none of them for building', () => {
	const { status, stdout, stderr } = sh(['libraries', program]);
	equal([status, stderr], [0, '']);
	for (const library of [/^libgit2-\d/m, /^libsimdjson\d/m, /^libcmark-gfm\d/m, /^libmicrohttpd\d/m, /^libcurl4/m, /^libsqlite3/m])
		match(stdout, library);
	ok(!/-dev$/m.test(stdout), stdout);
	const states = spawnSync('dpkg-query', ['-W', '-f', '${db:Status-Status}\n', ...lines(stdout)], { encoding: 'utf8' });
	equal([...new Set(lines(states.stdout))], ['installed']);
});

test('a program that is none, and one whose library belongs to no package, are errors', () => {
	const none = sh(['libraries', '/etc/passwd']);
	equal([none.status, none.stdout], [1, '']);
	match(none.stderr, /is linked with no library/);

	const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-libraries-'));
	fs.writeFileSync(path.join(dir, 'a.c'), 'int a(void) { return 1; }');
	fs.writeFileSync(path.join(dir, 'b.c'), 'int a(void); int main(void) { return a(); }');
	const cc = args => equal(spawnSync('cc', args, { cwd: dir }).status, 0);
	cc(['-shared', '-fPIC', '-o', 'libekaci-a.so', 'a.c']);
	cc(['-o', 'c', 'b.c', '-L.', '-l:libekaci-a.so', `-Wl,-rpath,${dir}`]);
	const foreign = sh(['libraries', path.join(dir, 'c')]);
	fs.rmSync(dir, { recursive: true });
	equal([foreign.status, foreign.stdout], [1, '']);
	match(foreign.stderr, /no package brings .*libekaci-a\.so/);
});

test('a word that is not known is an error, and nothing is installed for it', () => {
	const { status, stderr, stdout } = sh(['everything']);
	equal([status, stdout], [2, '']);
	match(stderr, /^usage: /);
});

// A machine on which nobody has used Nix yet: nothing mounted over /nix but an empty folder that is the user's to fill.
test('an ordinary user gets a store in /nix, not one below $HOME, as Nix makes from 2.10 on where /nix/var/nix is missing', () => {
	const nix = spawnSync('sh', ['-c', 'realpath "$(command -v nix-store)"'], { encoding: 'utf8' }).stdout;
	const can = process.getuid() === 0 && !nix.startsWith('/nix/') &&
		spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;
	if (!can)
		return process.stdout.write('# not tried: not root, no mount namespace, or Nix itself is in /nix\n');
	const home = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-user-'));
	fs.writeFileSync(path.join(home, 'sudo'), '#!/bin/sh\nexec "$@"\n', { mode: 0o755 });
	fs.copyFileSync(script, path.join(home, 'dependencies.sh'));
	fs.chownSync(home, 65534, 65534);
	const tried = spawnSync('unshare', ['-m', 'sh', '-c', `mount -t tmpfs -o uid=65534,gid=65534 none /nix && cd / &&
		setpriv --reuid=65534 --regid=65534 --clear-groups env -i HOME=${home} NIX_CONFIG='build-users-group =' PATH=${home}:/usr/bin:/bin \
		sh ${home}/dependencies.sh run && find /nix -maxdepth 3 -name db -user 65534 && ls -A ${home}`], { encoding: 'utf8' });
	fs.rmSync(home, { recursive: true });
	equal([tried.status, lines(tried.stdout)], [0, ['/nix/var/nix/db', 'dependencies.sh', 'sudo']], tried.stderr);
});

await run();
