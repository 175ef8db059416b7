#!/usr/bin/env node
// A hostile repository tries to read what is not its own, from inside an evaluated expression.
'use strict';
const fs = require('fs');
const { spawn } = require('child_process');
const http = require('http');
const path = require('path');
const { work, ok, done, write, repository, job, stage, stageAsync } = require('./lib.js');

const key = write('secret/key.pem', 'the private key');
const other = path.dirname(write('checkouts/work-other/source/secret.nix', '"another checkout"'));
// Its owner is at work: it holds the folder's lock, as an evaluation does.
const owner = spawn('flock', [path.dirname(other), 'cat'], { stdio: ['pipe', 'ignore', 'inherit'] });
const server = http.createServer((req, res) => { hits++; res.end('"from the network"'); });
let hits = 0;

server.listen(0, '127.0.0.1', async () => {
	const url = `http://127.0.0.1:${server.address().port}/x`;
	const show = (expr) => `derivation { name = "x"; system = "s"; builder = "b"; stolen = ${expr}; }`;
	const attempts = {
		passwd: show('builtins.readFile /etc/passwd'),
		passwdByString: show('builtins.readFile "/etc/passwd"'),
		passwdByLink: show('builtins.readFile ./link'),
		passwdAsSource: show('/etc/passwd'),
		passwdAsPath: show('builtins.path { path = /etc/passwd; name = "p"; }'),
		key: show(`builtins.readFile "${key}"`),
		keyImport: show(`import "${key}"`),
		otherCheckout: show(`import ${other}/secret.nix`),
		listRoot: show('toString (builtins.attrNames (builtins.readDir /.))'),
		listHome: show('toString (builtins.attrNames (builtins.readDir /root))'),
		search: show('builtins.readFile <nixpkgs/default.nix>'),
		above: show('builtins.readFile ../../etc/passwd'),
		processes: show('builtins.readFile /proc/self/environ'),
		network: show(`builtins.readFile (builtins.fetchurl "${url}")`),
		networkTarball: show(`builtins.fetchTarball "${url}"`),
		networkGit: show(`toString (builtins.fetchGit "${url}")`),
		fromDerivation: show('import (derivation { name = "ifd"; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" "echo 1 > $out" ]; })'),
	};
	const text = '{\n' + Object.entries(attempts).map(([k, v]) => `  ${k} = ${v};\n`).join('') +
		'  environment = derivation { name = "env${builtins.getEnv "HOME"}${builtins.getEnv "PATH"}"; system = "s"; builder = "b"; };\n' +
		'  good = derivation { name = "good"; system = "s"; builder = ./jobs.nix; };\n}\n';
	const repo = repository('repo', { 'jobs.nix': text, link: { link: '/etc/passwd' },
		'flake.nix': '{ outputs = { self }: { jobs = import ./jobs.nix; }; }' });
	for (const [inner, more, how] of [
		[{ file: 'jobs.nix' }, { sandbox: 'auto' }, 'a file, in the sandbox'],
		[{ file: 'jobs.nix' }, { sandbox: 'off' }, 'a file, without it'],
		[{ flake: '.#jobs' }, { sandbox: 'auto' }, 'a flake, in the sandbox'],
		[{ flake: '.#jobs' }, { sandbox: 'off' }, 'a flake, without it']]) {
		const r = await stageAsync(job(repo, inner, { ...more, evals_dir: path.join(work, `evals-${how.replace(/\W/g, '')}`) })).ended;
		ok(r.evaluation && r.evaluation.complete && r.rows.good && r.rows.good.drvPath, `${how}: what is its own is evaluated`, r.evaluation || r.last);
		for (const name of Object.keys(attempts)) {
			const row = r.rows[name] || {};
			ok(row.error && !row.drvPath, `${how}: ${name} is an error`, row);
		}
		ok(r.rows.environment && r.rows.environment.name === 'env', `${how}: the environment is empty to it`, r.rows.environment);
		ok(!/private key|root:x:0:0:root|another checkout/.test(JSON.stringify(r.rows)), `${how}: nothing of it in the rows`);
	}
	ok(hits === 0, 'nobody came over the network');
	ok(fs.existsSync(path.join(other, 'secret.nix')), "another evaluation's checkout is still there");
	server.close();
	owner.stdin.end();
	done();
});
