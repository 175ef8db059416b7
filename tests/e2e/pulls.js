// `ekaci pr`: a pull request of a remote, fetched by git, merged as GitHub would merge it; what GitHub is asked where there is a token.

import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { equal, match, nix_config, ok, program, run, test } from './lib.js';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-pulls-'));
const env = { PATH: process.env.PATH, HOME: dir, XDG_CACHE_HOME: path.join(dir, 'cache'), NIX_CONFIG: nix_config, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null',
	GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@example.org', GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@example.org' };
const git = (repo, ...args) => execFileSync('git', ['-C', repo, ...args], { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
const top = `builtins.mapAttrs (name: type: derivation { inherit name; system = "x86_64-linux"; builder = "/bin/sh"; text = builtins.readFile (./pkgs + "/\${name}"); }) (builtins.readDir ./pkgs)\n`;
function commit(repo, files)
{
	for (const [name, text] of Object.entries(files)) {
		fs.mkdirSync(path.dirname(path.join(repo, name)), { recursive: true });
		fs.writeFileSync(path.join(repo, name), text);
	}
	git(repo, 'add', '-A');
	git(repo, 'commit', '-q', '--allow-empty', '-m', 'x');
	return git(repo, 'rev-parse', 'HEAD');
}
async function ekaci(repo, args, more = {})
{
	const child = spawn(program, args, { cwd: repo, env: { ...env, ...more }, stdio: ['ignore', 'pipe', 'pipe'] });
	let out = '', err = '';
	child.stdout.on('data', bytes => { out += bytes; });
	child.stderr.on('data', bytes => { err += bytes; });
	const status = await new Promise(done => child.on('close', done));
	return { status, out, err };
}
// What a pull request rebuilds, and the line about it.
async function changes(repo, args, more)
{
	const { status, out, err } = await ekaci(repo, ['pr', '--json', ...args], more);
	equal(status, 0, err);
	const report = JSON.parse(out);
	return { what: (report.attributes || []).map(a => `${a.class} ${a.path.join('.')}`).sort().join(', '), err: err.replace(/^ekaci: /, '').trim() };
}
const short = hex => hex.slice(0, 12);

// The repository on the forge: main has moved on since the pull request began; 2 goes to another branch, 3 is a conflict.
const work = path.join(dir, 'work'), forge = path.join(dir, 'org/repo.git'), clone = path.join(dir, 'clone');
fs.mkdirSync(work);
git(work, 'init', '-q', '-b', 'main');
const first = commit(work, { 'default.nix': top, 'pkgs/a': '1', 'pkgs/b': '1' });
execFileSync('git', ['clone', '-q', work, clone], { env });
git(work, 'checkout', '-q', '-b', 'one');
const one = commit(work, { 'pkgs/c': '1' });
git(work, 'checkout', '-q', '-b', 'release', first);
const release = commit(work, { 'pkgs/old': '1' });
git(work, 'checkout', '-q', '-b', 'two');
const two = commit(work, { 'pkgs/b': '2' });
git(work, 'checkout', '-q', '-b', 'three', first);
const three = commit(work, { 'pkgs/a': '3' });
git(work, 'checkout', '-q', 'main');
const tip = commit(work, { 'pkgs/a': '2' });
fs.mkdirSync(path.dirname(forge));
execFileSync('git', ['clone', '-q', '--bare', work, forge], { env });
const merge = (base, head) => git(forge, 'commit-tree', '-p', base, '-p', head, '-m', 'merge', git(forge, 'rev-parse', `${head}^{tree}`));
for (const [n, head, base] of [[1, one, tip], [2, two, release], [3, three]]) {
	git(forge, 'update-ref', `refs/pull/${n}/head`, head);
	if (base)
		git(forge, 'update-ref', `refs/pull/${n}/merge`, merge(base, head));
}
git(clone, 'remote', 'set-url', 'origin', forge);
for (const branch of ['one', 'two', 'three'])
	git(forge, 'branch', '-q', '-D', branch);
git(forge, 'update-server-info');

test('by number, without a token: the branch is the one that GitHub has merged it into; nothing is left in the clone', async () => {
	const refs = git(clone, 'for-each-ref'), index = git(clone, 'status', '--porcelain');
	const merged = ', the branch of its merge at GitHub';
	equal(await changes(clone, ['1']), { what: 'added c', err: `comparing main (${short(tip)}) with pull request 1 (${short(one)}) merged into it${merged}` });
	equal(await changes(clone, ['2']), { what: 'rebuild b', err: `comparing release (${short(release)}) with pull request 2 (${short(two)}) merged into it${merged}` });
	equal(await changes(clone, ['2', '--onto', 'main']), { what: 'added old, rebuild b', err: `comparing main (${short(tip)}) with pull request 2 (${short(two)}) merged into it` });
	const conflict = await changes(clone, ['3']);
	equal(conflict.err, `comparing main (${short(tip)}) with pull request 3 (${short(three)}) merged into it, the default branch (--onto names another)`);
	equal(conflict.what, 'rebuild a', 'a conflict: head against where it parted');
	equal([git(clone, 'for-each-ref'), git(clone, 'status', '--porcelain')], [refs, index]);
	ok(!fs.existsSync(path.join(clone, '.git/FETCH_HEAD')));
});

test('explain takes --pr; a fork asks its upstream; what there is not is said', async () => {
	const told = await ekaci(clone, ['explain', 'b', '--pr', '2']);
	equal(told.status, 1, told.err);
	match(told.out, /env text/);

	const fork = path.join(dir, 'fork');
	execFileSync('git', ['clone', '-q', work, fork], { env });
	git(fork, 'remote', 'add', 'upstream', forge);
	equal((await changes(fork, ['1'])).what, 'added c');
	git(fork, 'remote', 'rename', 'upstream', 'other');
	match((await ekaci(fork, ['pr', '1'])).err, /there is no pull request 1 at /);
	equal((await changes(fork, ['1', '--remote', 'other'])).what, 'added c');
	git(fork, 'config', 'remote.other.gh-resolved', 'base');
	equal((await changes(fork, ['1'])).what, 'added c', 'as gh was told');

	for (const [args, words] of [[['99'], /^ekaci: there is no pull request 99 at /], [['x'], /^ekaci: x is neither a number nor the address of a pull request/],
		[['1', '--remote', 'none'], /^ekaci: there is no remote none$/], [['1', '--onto', 'none'], /^ekaci: the branch none: .*couldn't find remote ref/],
		[['1', '--onto', '../x'], /^ekaci: \.\.\/x is no name of a branch$/], [[], /^ekaci pr: a pull request is missing/],
		[['1', 'main'], /^ekaci pr: a pull request is compared with where it is merged, not with main/], [['1', '--offline'], /^ekaci pr: --offline fetches nothing/],
		[['https://example.org/x'], /neither a number nor/], [['0'], /neither a number nor/]]) {
		const { status, out, err } = await ekaci(clone, ['pr', ...args]);
		equal([status, out], [2, ''], args.join(' '));
		match(err, new RegExp(words.source, 'm'));
	}
	match((await ekaci(clone, ['diff', '--onto', 'main'])).err, /--onto is about a pull request: see ekaci pr/);
});

// GitHub as git and a browser see it: files of the bare repository, and one answer of the API.
const asked = [];
const server = http.createServer((request, response) => {
	asked.push({ url: request.url, authorization: request.headers.authorization });
	if (request.url === '/api/repos/org/repo/pulls/1') {
		response.setHeader('content-type', 'application/json');
		if (request.headers.authorization !== 'Bearer secret-token') {
			response.statusCode = 401;
			return response.end('{}');
		}
		const side = ref => ({ ref, sha: one, repo: { id: 1, full_name: 'org/repo', fork: false } });
		return response.end(JSON.stringify({ number: 1, title: 't', state: 'open', draft: false, user: { login: 'u' }, author_association: 'NONE',
			updated_at: '2026-01-01T00:00:00Z', head: side('one'), base: side('release') }));
	}
	const file = path.join(dir, decodeURI(request.url.split('?')[0]));
	if (!file.startsWith(path.join(dir, 'org/')) || !fs.existsSync(file) || !fs.statSync(file).isFile()) {
		response.statusCode = 404;
		return response.end();
	}
	response.end(fs.readFileSync(file));
});

test('by address: a remote of that repository or none; with a token GitHub is asked where it goes, and nobody else gets the token', async () => {
	await new Promise(done => server.listen(0, '127.0.0.1', done));
	const origin = `http://127.0.0.1:${server.address().port}`, address = `${origin}/org/repo/pull/1/files?w=1#x`;
	const hub = { GITHUB_SERVER_URL: origin, GITHUB_API_URL: `${origin}/api` };
	equal((await changes(clone, [address], hub)).what, 'added c', 'without a token');
	ok(asked.every(a => !a.authorization && !a.url.startsWith('/api')), JSON.stringify(asked));

	asked.length = 0;
	const known = await changes(clone, [address], { ...hub, GITHUB_TOKEN: 'secret-token' });
	equal(known.err, `comparing release (${short(release)}) with pull request 1 (${short(one)}) merged into it`);
	equal(asked[0].url, '/api/repos/org/repo/pulls/1');
	const basic = `Basic ${Buffer.from('x-access-token:secret-token').toString('base64')}`;
	ok(asked.slice(1).every(a => a.authorization === basic), JSON.stringify(asked));

	const refused = await changes(clone, [address], { ...hub, GH_TOKEN: 'wrong' });
	match(refused.err, /^GitHub does not say where the pull request goes \(GitHub answers 401\); its merge is looked at\nekaci: comparing main /);

	asked.length = 0;
	await changes(clone, [address], { GITHUB_TOKEN: 'secret-token' });
	ok(asked.length > 0 && asked.every(a => !a.authorization), 'a host that is not GitHub gets no token');

	git(clone, 'remote', 'add', 'hub', `${origin}/Org/repo.git`);
	fs.symlinkSync('org', path.join(dir, 'Org'));
	asked.length = 0;
	equal((await ekaci(clone, ['pr', address])).status, 2, 'the remote\'s own address is used, which this server does not have');
	ok(asked.every(a => a.url.startsWith('/Org/repo.git/')), JSON.stringify(asked));
	server.close();
});

await run({ limit_ms: 120000, before_end: async () => { server.close(); fs.rmSync(dir, { recursive: true, force: true }); } });
