// tests/matrix: a root tree is a machine of its own while a command runs in it, and only files afterwards; what cannot be
// tried counts as failed. (What the parts find on real releases only `make matrix` tells.)

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { equal, match, ok, run, test, top } from '../e2e/lib.js';

const enter = path.join(top, 'tests/matrix/enter');
const mounts = () => fs.readFileSync('/proc/self/mountinfo', 'utf8');
const root = process.getuid() === 0 && spawnSync('unshare', ['--mount', '--pid', '--fork', 'true']).status === 0;
// Said aloud where a root tree cannot be made.
const tree_test = (name, body) => test(name, root ? body : async () =>
	process.stdout.write(`# SKIP ${name}: not root, or no namespaces\n`));

// A tree with a shell and the few programs that are needed, and what they are linked with.
function make_tree()
{
	const tree = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-tree-'));
	const put = file => {
		fs.mkdirSync(path.join(tree, path.dirname(file)), { recursive: true });
		fs.copyFileSync(file, path.join(tree, file));
	};
	for (const name of ['sh', 'env', 'umount', 'rmdir', 'cat', 'sleep', 'unshare', 'true']) {
		const file = execFileSync('sh', ['-c', `command -v ${name} | grep / || which ${name}`], { encoding: 'utf8' }).trim();
		put(file);
		fs.mkdirSync(path.join(tree, 'usr/bin'), { recursive: true });
		fs.copyFileSync(file, path.join(tree, 'usr/bin', name));
		for (const [library] of execFileSync('ldd', [file], { encoding: 'utf8' }).matchAll(/\/\S+/g))
			put(library);
	}
	fs.mkdirSync(path.join(tree, 'bin'), { recursive: true });
	fs.copyFileSync(path.join(tree, 'usr/bin/sh'), path.join(tree, 'bin/sh'));
	return tree;
}

tree_test('a command in a tree sees the tree alone, may make user namespaces, and its exit code comes out', async () => {
	const tree = make_tree(), before = mounts();
	const inside = spawnSync(enter, [tree, 'sh', '-c', 'echo $$ $HOME $SECRET; cat /proc/1/comm; cat /proc/self/mountinfo; ' +
		'unshare --user true && echo a user namespace; [ -e /etc ] || echo no etc; exit 7'], { encoding: 'utf8', env: { ...process.env, SECRET: 'x' } });
	equal(inside.status, 7, inside.stderr);
	match(inside.stdout, /^1 \/root\nsh\n/);
	match(inside.stdout, /a user namespace\nno etc\n$/);
	ok(!inside.stdout.includes(' /run/outside'), 'the machine outside is not there');
	equal(mounts(), before);
	equal(fs.readdirSync(path.join(tree, 'proc')).concat(fs.readdirSync(path.join(tree, 'dev'))), []);
	fs.rmSync(tree, { recursive: true });
});

tree_test('what was started in it ends with it, also when whoever began it is killed', async () => {
	const tree = make_tree(), mark = `4747${process.pid}`;
	const there = () => fs.readdirSync('/proc').filter(p => /^\d+$/.test(p)).filter(p => {
		try { return fs.readFileSync(`/proc/${p}/cmdline`, 'latin1') === `sleep\0${mark}\0`; } catch { return false; }
	}).length;
	const until = async question => {
		for (const end = Date.now() + 20000; !question() && Date.now() < end;)
			await new Promise(resolve => setTimeout(resolve, 20));
		return question();
	};
	equal(spawnSync(enter, [tree, 'sh', '-c', `sleep ${mark} & true`]).status, 0);
	ok(await until(() => there() === 0), 'after its end');
	const outside = spawn(enter, [tree, 'sh', '-c', `sleep ${mark} & sleep ${mark}; true`], { stdio: 'ignore' });
	ok(await until(() => there() === 2), 'it runs');
	outside.kill('SIGKILL');
	ok(await until(() => there() === 0), 'after the end of who began it');
	fs.rmSync(tree, { recursive: true });
});

test('what cannot be tried is said, and fails', () => {
	const matrix = env => spawnSync(path.join(top, 'tests/matrix/run'), [], { encoding: 'utf8', env: { ...process.env, ...env } });
	for (const [env, words] of [[{ PARTS: 'demo everything' }, /there is no part "everything"/],
		[{ PARTS: 'demo', RELEASES: '../sid' }, /"\.\.\/sid" is no release/]]) {
		const { status, stdout, stderr } = matrix(env);
		equal([status, stdout], [1, '0 passed, 1 failed\n']);
		match(stderr, words);
	}
});

test('a part of the tests that does not exist is no success', () => {
	const { status, stdout } = spawnSync(path.join(top, 'tests/check/run'), [], { encoding: 'utf8' });
	equal([status, stdout], [1, '0 passed, 1 failed\n']);
});

await run();
