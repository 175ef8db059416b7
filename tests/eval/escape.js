#!/usr/bin/env node
// A hostile repository tries to read what is not its own, from inside an evaluated expression.
'use strict';
const fs = require('fs');
const { spawn } = require('child_process');
const http = require('http');
const path = require('path');
const { work, ok, is, skip, done, write, run, repository, job, stage, stageAsync, until } = require('./lib.js');

const key = write('secret/key.pem', 'the private key');
const other = path.dirname(write('checkouts/work-other/source/secret.nix', '"another checkout"'));
// Its owner is at work: it holds the folder's lock, as an evaluation does.
const owner = spawn('flock', [path.dirname(other), 'cat'], { stdio: ['pipe', 'ignore', 'inherit'] });
const server = http.createServer((req, res) => { hits++; res.end('"from the network"'); });
let hits = 0;
let boxed = false; // whether a sandbox can be had on this machine

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
		listHome: show('toString (builtins.attrNames (builtins.readDir /root))'),
		search: show('builtins.readFile <nixpkgs/default.nix>'),
		above: show('builtins.readFile ../../etc/passwd'),
		processes: show('builtins.readFile /proc/self/environ'),
		network: show(`builtins.readFile (builtins.fetchurl "${url}")`),
		networkTarball: show(`builtins.fetchTarball "${url}"`),
		networkGit: show(`toString (builtins.fetchGit "${url}")`),
		fromDerivation: show('import (derivation { name = "ifd"; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" "echo 1 > $out" ]; })'),
	};
	const own = `  environment = derivation { name = "env\${builtins.getEnv "HOME"}\${builtins.getEnv "PATH"}"; system = "s"; builder = "b"; };
  good = derivation { name = "good"; system = "s"; builder = ./jobs.nix; };\n`;
	const text = (from) => `{\n${from.map((k) => `  ${k} = ${attempts[k]};\n`).join('')}${own}}\n`;
	const names = Object.keys(attempts);
	const repo = repository('repo', { 'jobs.nix': text(names), 'own.nix': text([]), 'list.nix': `{ listRoot = ${show('toString (builtins.attrNames (builtins.readDir /.))')}; }`, link: { link: '/etc/passwd' },
		'flake.nix': '{ outputs = { self }: { jobs = import ./jobs.nix; own = import ./own.nix; list = import ./list.nix; }; }' });
	// A flake that is evaluated purely is told what nix build tells it: that is an error of its own.
	const pure = / 2\.([1-9]\d)/.test(run('nix', ['--version']).stdout);
	// Some versions (2.18) copy any file into the store that is used as a source, restricted or not; a sandbox has none to copy.
	const copies = run('nix-instantiate', ['--option', 'restrict-eval', 'true', '-E', show('/etc/passwd')]).status === 0;
	for (const [inner, innocent, more, how] of [
		[{ file: 'jobs.nix' }, { file: 'own.nix' }, { sandbox: 'auto' }, 'a file, in the sandbox'],
		[{ file: 'jobs.nix' }, { file: 'own.nix' }, { sandbox: 'off' }, 'a file, without it'],
		[{ flake: '.#jobs' }, { flake: '.#own' }, { sandbox: 'auto' }, 'a flake, in the sandbox'],
		[{ flake: '.#jobs' }, { flake: '.#own' }, { sandbox: 'off' }, 'a flake, without it']]) {
		const doc = { ...more, evals_dir: path.join(work, `evals-${how.replace(/\W/g, '')}`) };
		const r = await stageAsync(job(repo, inner, doc)).ended, e = r.evaluation || {};
		boxed = boxed || e.sandbox === 'bubblewrap';
		// Every attempt is an error row, so only the two that are its own are derivations.
		if (copies && e.sandbox !== 'bubblewrap')
			skip(`${how}: attempts`, "this Nix' restricted evaluation copies files that are sources");
		else
			is([e.complete, 'untold' in e, e.errors, e.derivations], [true, !inner.flake || !pure, names.length, 2], `${how}: none of ${names.length} attempts succeeds, and what is not allowed is unknown, or of a flake its error`);
		ok(!/private key|root:x:0:0:root|another checkout/.test(JSON.stringify(r.records)), `${how}: nothing of it is said`, e);
		// Newer versions show of the root folder what leads to the tree and the store.
		const list = await stageAsync(job(repo, inner.file ? { file: 'list.nix' } : { flake: '.#list' }, doc)).ended, seen = (list.rows.listRoot || {}).drvPath;
		ok(!seen || !/"stolen","[^"]*\b(root|home|etc|usr)\b/.test(fs.readFileSync(seen, 'utf8')), `${how}: the machine's folders are not listed`, list.rows);
		const good = await stageAsync(job(repo, innocent, doc)).ended;
		ok(good.evaluation && good.evaluation.complete && good.rows.good && good.rows.good.drvPath, `${how}: what is its own is evaluated`, good.evaluation || good.last);
		ok(good.rows.environment && good.rows.environment.name === 'env', `${how}: the environment is empty to it`, good.rows.environment);
	}
	ok(hits === 0, 'nobody came over the network');
	ok(fs.existsSync(path.join(other, 'secret.nix')), "another evaluation's checkout is still there");
	server.close();
	owner.stdin.end();

	// An evaluation that takes what the machine has: stopped, incomplete, and nothing of it runs on.
	const mine = () => fs.readdirSync('/proc').filter((p) => /^\d+$/.test(p)).filter((p) => {
		try { return fs.readFileSync(`/proc/${p}/cmdline`, 'utf8').includes(work); } catch { return false; }
	});
	const greedy = (name, script) => write(`greedy/${name}/nix-eval-jobs`, `#!/bin/sh\ncase $1 in --help) echo "  --max-memory-size --meta"; exit;; esac\n: ${work}\n${script}\n`, 0o755);
	let n = 0;
	if (!boxed)
		skip('what takes the machine, in a sandbox', 'bubblewrap does not work here');
	for (const sandbox of boxed ? ['require', 'off'] : ['off']) {
		const fresh = () => path.join(work, `evals-greedy${++n}`);
		const forks = stage(job(repo, { file: 'jobs.nix' }, { sandbox, evals_dir: fresh(), max_processes: 40, wall_ms: 20000,
			evaluator: greedy('forks', 'for i in $(seq 400); do sleep 30 & done; wait') }));
		ok(forks.evaluation && !forks.evaluation.complete && /ran \d+ processes at once/.test(forks.evaluation.reason), `one that forks endlessly is stopped (sandbox ${sandbox})`, forks.evaluation || forks.last);
		const eats = stage(job(repo, { file: 'jobs.nix' }, { sandbox, evals_dir: fresh(), workers: 1, max_memory_mb: 20, wall_ms: 20000,
			evaluator: greedy('eats', 'head -c 1500M /dev/zero | tail -c 1500M | sleep 30') }));
		ok(eats.evaluation && !eats.evaluation.complete && /MiB of memory/.test(eats.evaluation.reason), `one that eats memory is stopped (sandbox ${sandbox})`, eats.evaluation || eats.last);
		const first = stage(job(repo, { file: 'jobs.nix' }, { sandbox, evals_dir: fresh(),
			evaluator: greedy('first', `printf '{"attrPath":["a"],"error":"%s"}\\n' "$(cat /proc/self/oom_score_adj)"`) }));
		is(first.rows.a && first.rows.a.error, '1000', `the kernel takes evaluators first when memory ends (sandbox ${sandbox})`);
		ok(await until(() => mine().length === 0, 5000), `and nothing of them runs on (sandbox ${sandbox})`, mine());
	}
	{
		// A loop of toFile, each of them another 2 MB, until 200 MB less are free.
		const fs_free = fs.statfsSync('/nix/store'), free = Math.floor(fs_free.bavail * fs_free.bsize / 1048576);
		const fill = repository('fill', { 'jobs.nix': `let block = builtins.foldl' (s: i: s + s) "${'0123456789abcdef'.repeat(16)}" (builtins.genList (i: i) 13); in builtins.listToAttrs (builtins.genList (i: { name = "f\${toString i}"; value = derivation { name = "f"; system = "s"; builder = builtins.toFile "fill-${process.pid}" (toString i + block); }; }) 2000)` });
		const r = stage(job(fill, { file: 'jobs.nix' }, { sandbox: boxed ? 'require' : 'off', workers: 1, evals_dir: path.join(work, 'evals-fill'), min_free_mb: free - 200, wall_ms: 60000 }));
		ok(r.evaluation && !r.evaluation.complete && /MiB are free on the store's disk/.test(r.evaluation.reason), 'one that fills the disk is stopped', r.evaluation || r.last);
		ok(fs.statfsSync('/nix/store').bavail * fs_free.bsize / 1048576 > free - 1500, 'in time');
		const left = fs.readdirSync('/nix/store').filter((name) => name.endsWith(`-fill-${process.pid}`)).map((name) => `/nix/store/${name}`);
		run('nix-store', ['--delete', '--ignore-liveness', ...left]);
	}
	{
		// No sandbox to be had: refused where it is required, said where it is not.
		const bin = path.dirname(write('bin/bwrap', '#!/bin/sh\necho "bwrap: No permissions to create new namespace" >&2\nexit 1\n', 0o755));
		const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` };
		const required = stage(job(repo, { file: 'jobs.nix' }, { sandbox: 'require', evals_dir: path.join(work, 'evals-none') }), { env });
		ok(required.last.type === 'error' && required.last.kind === 'denied' && /No permissions to create new namespace/.test(required.last.message), 'without user namespaces a required sandbox is refused, in the system\'s words', required.last);
		const auto = stage(job(repo, { file: 'own.nix' }, { sandbox: 'auto', evals_dir: path.join(work, 'evals-auto') }), { env });
		ok(auto.evaluation && auto.evaluation.complete && auto.evaluation.sandbox === 'none', 'and where it is not required the evaluation says that it had none', auto.evaluation || auto.last);
	}
	done();
});
