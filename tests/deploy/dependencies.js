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
	for (const library of [/^libgit2-\d/m, /^libsimdjson\d/m, /^libmicrohttpd\d/m, /^libcurl4/m, /^libsqlite3/m])
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

await run();
