#!/usr/bin/env node
// Pinned sources: base fetches them, a fork's evaluation without network has them, and nobody writes what is kept but base.
'use strict';
const fs = require('fs');
const http = require('http');
const { spawn } = require('child_process');
const path = require('path');
const { work, ok, is, done, skip, write, run, repository, job, stageAsync } = require('./lib.js');

const nix = (name) => `derivation { name = "${name}"; system = "x86_64-linux"; builder = "/bin/sh"; }`;
// Contents of their own in every run: what is in the store from an earlier one must not help.
const own = `${process.pid}-${Date.now()}`;
for (const lib of ['lib', 'other', 'leaf'])
	write(`src/${lib}/default.nix`, `{ name = "${lib}-${own}"; }`);
for (const lib of ['lib', 'other', 'leaf'])
	run('tar', ['-czf', path.join(work, `${lib}.tar.gz`), '-C', path.join(work, 'src'), lib]);
// A repository with one commit, which fetchGit is told by its revision alone.
repository('pinned', { 'default.nix': `{ name = "git-${own}"; }` });
const rev = run('git', ['-C', path.join(work, 'pinned'), 'rev-parse', 'HEAD']).stdout.trim();
const hash = (lib) => run('nix', ['--extra-experimental-features', 'nix-command', 'hash', 'path', path.join(work, 'src', lib)]).stdout.trim();

let asked = 0, up = true;
// git's own server side, over HTTP.
function gitHttp(req, res) {
	const [where, query = ''] = req.url.slice(4).split('?');
	const cgi = spawn('git', ['http-backend'], { env: { ...process.env, GIT_PROJECT_ROOT: work, GIT_HTTP_EXPORT_ALL: '1', PATH_INFO: where, QUERY_STRING: query,
		REQUEST_METHOD: req.method, CONTENT_TYPE: req.headers['content-type'] || '', HTTP_CONTENT_ENCODING: req.headers['content-encoding'] || '', GIT_PROTOCOL: req.headers['git-protocol'] || '' } });
	const out = [];
	req.pipe(cgi.stdin);
	cgi.stdout.on('data', (d) => out.push(d));
	cgi.on('close', () => {
		const all = Buffer.concat(out), end = all.indexOf('\r\n\r\n');
		let code = 200;
		for (const line of all.subarray(0, end).toString().split('\r\n')) {
			const at = line.indexOf(': '), name = line.slice(0, at);
			if (name === 'Status')
				code = parseInt(line.slice(at + 2), 10);
			else
				res.setHeader(name, line.slice(at + 2));
		}
		res.writeHead(code).end(all.subarray(end + 4));
	});
}
const server = http.createServer((req, res) => {
	asked++;
	if (req.url.startsWith('/git/'))
		return up ? gitHttp(req, res) : res.writeHead(503).end();
	const file = path.join(work, path.basename(req.url));
	if (!up || !fs.existsSync(file))
		return res.writeHead(503).end();
	res.end(fs.readFileSync(file));
});
const stage = async (doc) => stageAsync(doc).ended;

server.listen(0, '127.0.0.1', async () => {
	const url = `http://127.0.0.1:${server.address().port}`;
	// One pin by address alone (only the fetcher's own table knows it), one by its hash.
	const jobs = (lib, more = '') => ({ 'jobs.nix': `let lib = import (fetchTarball "${url}/${lib}.tar.gz");
		tree = import (fetchTree { type = "tarball"; url = "${url}/${lib}.tar.gz"; narHash = "${hash(lib)}"; }).outPath;
		in { a = derivation { name = lib.name; system = "x86_64-linux"; builder = "/bin/sh"; };
		b = derivation { name = tree.name; system = "x86_64-linux"; builder = "/bin/sh"; }; c = ${nix('c')};
		d = derivation { name = (import (fetchGit { url = "${url}/git/pinned/.git"; rev = "${rev}"; })).name; system = "x86_64-linux"; builder = "/bin/sh"; }; ${more} }` });
	const base = repository('repo', jobs('lib'));
	const head = repository('repo', { ...jobs('lib'), 'more.txt': 'x' });
	const file = { file: '/jobs.nix' }, fetches = path.join(work, 'fetches', '1'), evals_dir = path.join(work, 'evals-fetch');
	const wish = (repo, fetch, more) => job(repo, file, { fetches, fetch, evals_dir, allowed_uris: [`${url}/`], side: fetch === 'keep' ? 'base' : 'head', ...more });

	const before = await stage(wish(head, 'never', { evals_dir: path.join(work, 'evals-before') }));
	const sandboxed = before.evaluation && before.evaluation.sandbox === 'bubblewrap';
	if (!sandboxed) {
		skip('pinned sources', 'no sandbox can be had here, so nothing keeps an evaluation from the network');
		server.close();
		return done();
	}
	is(before.evaluation.untold && before.evaluation.untold.names, ['a', 'b', 'd'], 'before base has fetched, a fork\'s evaluation cannot tell', before.evaluation);
	is(asked, 0, 'and has not reached the server');
	const first = await stage(wish(base, 'keep'));
	is(Object.keys(first.rows), ['a', 'b', 'c', 'd'], 'base fetches', first.evaluation);
	is([first.rows.a, first.rows.b, first.rows.d].map((r) => r && r.name), [`lib-${own}`, `lib-${own}`, `git-${own}`], 'by address, by hash and by revision');
	// From 2.20 on Nix keeps sources in git repositories beside its table.
	const table = () => path.join(fetches, fs.readdirSync(fetches).find((n) => /^fetcher-cache-v\d+\.sqlite$/.test(n)) || 'no table');
	ok(fs.existsSync(table()), 'what it fetched is noted', fs.readdirSync(fetches));
	up = false;
	const kept = fs.readFileSync(table()), many = asked;
	const fork = await stage(wish(head, 'never'));
	is(Object.keys(fork.rows), ['a', 'b', 'c', 'd'], 'a fork has it without network', fork.evaluation);
	is(['a', 'b', 'd'].map((n) => fork.rows[n] && fork.rows[n].drvPath), ['a', 'b', 'd'].map((n) => first.rows[n].drvPath), 'with the same derivations');
	is(asked, many, 'and nobody was asked');
	up = true;

	const bump = repository('repo', jobs('other'));
	const stranger = await stage(wish(bump, 'never'));
	is(stranger.evaluation.untold && stranger.evaluation.untold.names, ['a', 'b'], 'of a fork that changes the pin it cannot be told what that does', stranger.evaluation);
	const leaf = repository('repo', jobs('lib', `e = derivation { name = (import (fetchTarball "${url}/leaf.tar.gz")).name; system = "s"; builder = "b"; };`));
	const one = await stage(wish(leaf, 'never'));
	ok(one.evaluation.untold && /has not fetched.*approved/.test(one.evaluation.untold.advice), 'nor of one with a single attribute that wants more: unknown is not failing', one.evaluation);
	is(asked, many, 'and neither has reached the server');
	const trusted = await stage(wish(bump, 'once'));
	is(trusted.rows.a && trusted.rows.a.name, `other-${own}`, 'a trusted head fetches for itself', trusted.evaluation);
	ok(fs.readFileSync(table()).equals(kept), 'and nothing of it is kept');

	ok((await stage(wish(base, 'keep'))).evaluation.reused, 'base is reused');
	const old = new Date(Date.now() - 2 * 3600e3);
	await stage(wish(leaf, 'never'));
	ok(fs.existsSync(fetches), 'what was kept a moment ago is not forgotten for a fork that fails');
	fs.utimesSync(fetches, old, old);
	await stage(wish(leaf, 'never'));
	ok(!fs.existsSync(fetches), 'but after an hour it is, for the store may have been cleaned');
	ok(!(await stage(wish(base, 'keep'))).evaluation.reused && fs.existsSync(fetches), 'and then base fetches again, though it is stored');
	is((await stage(wish(base, 'sometimes'))).last.kind, 'input', 'another word is refused');
	server.close();
	done();
});
