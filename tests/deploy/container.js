// deploy/Containerfile, step by step in root trees instead of by podman, which no test machine need have: FROM begins a tree with this
// machine's Debian (an overlay, which ends with the test), COPY and RUN do in it what they say, and ENTRYPOINT with CMD starts the bot. It
// compiles everything, so it is a part of `make matrix` (EKACI_CONTAINER=1); what needs no compiler is looked at always.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { equal, match, ok, run, test, top } from '../e2e/lib.js';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-container-'));
const text = fs.readFileSync(path.join(top, 'deploy/Containerfile'), 'utf8');
// [["FROM", "debian:12 AS build"], ...], continued lines joined.
const steps = text.replace(/^#.*\n/gm, '').replace(/\\\n\s*/g, '').split('\n').filter(Boolean).map(l => l.match(/^([A-Z]+) (.*)$/).slice(1));

test('every step is known, each stage is named before it is used, and what is copied is there', () => {
	const stages = [];
	for (const [word, rest] of steps) {
		ok(['ARG', 'FROM', 'COPY', 'WORKDIR', 'RUN', 'VOLUME', 'EXPOSE', 'STOPSIGNAL', 'ENTRYPOINT', 'CMD'].includes(word), word);
		if (word === 'FROM') {
			match(rest, /^debian:\$\{DEBIAN\}( AS \w+)?$/);
			stages.push(rest.split(' AS ')[1]);
		}
		const [, from, what] = word === 'COPY' ? rest.match(/^(?:--from=(\w+) )?(\S+) \S+$/) : [];
		ok(!from || stages.slice(0, -1).includes(from), rest);
		ok(word !== 'COPY' || from || fs.existsSync(path.join(top, what)), rest);
		if (word === 'RUN')
			equal(spawnSync('sh', ['-n', '-c', rest]).status, 0, rest);
	}
	equal(stages.length, 2);
	const ignored = fs.readFileSync(path.join(top, '.containerignore'), 'utf8').trim().split('\n');
	for (const name of ['/build', '/tests/node_modules', '.git'])
		ok(ignored.includes(name), name);
});

const overlay = process.getuid() === 0 && spawnSync('unshare', ['--mount', '--pid', '--fork', 'sh', '-c',
	'mount -t tmpfs t /mnt && mkdir /mnt/u /mnt/w /mnt/m && mount -t overlay o -o lowerdir=/,upperdir=/mnt/u,workdir=/mnt/w /mnt/m']).status === 0;
const skipped = !process.env.EKACI_CONTAINER ? ' # SKIP it compiles everything: EKACI_CONTAINER=1, or make matrix' : overlay ? '' : ' # SKIP not root, or no overlay can be mounted here';
test(`each step does what it should, and what comes out starts, answers and stops${skipped}`, () => {
	if (skipped)
		return;
	const trees = [], names = {};
	let inside = '/', entry = [], command = [];
	let script = `set -eu\nmount -t tmpfs t ${dir}\n`;
	const say = words => { script += `${words}\n`; };
	const in_tree = (tree, words) => say(`${top}/tests/matrix/enter ${tree}/m sh -euc '${words.replaceAll("'", "'\\''")}'`);
	for (const [word, rest] of steps) {
		const tree = trees[trees.length - 1];
		if (word === 'FROM') {
			const name = path.join(dir, `stage${trees.push(path.join(dir, `stage${trees.length}`)) - 1}`);
			names[rest.split(' AS ')[1]] = name;
			inside = '/';
			say(`mkdir -p ${name}/u ${name}/w ${name}/m; mount -t overlay o -o lowerdir=/,upperdir=${name}/u,workdir=${name}/w ${name}/m; mkdir -p ${name}/m/tmp`);
			// Nothing of ours is on this machine.
			say(`rm -rf ${name}/m/usr/local/bin/ekaci ${name}/m/usr/local/lib/ekaci ${name}/m/src`);
		} else if (word === 'COPY') {
			const [, from, what, to] = rest.match(/^(?:--from=(\w+) )?(\S+) (\S+)$/);
			const at = `${tree}/m${to}`;
			say(`mkdir -p ${path.dirname(at)}`);
			say(from ? `mkdir -p ${at.replace(/\/[^/]*$/, '')}; if [ -d ${names[from]}/m${what} ]; then mkdir -p ${at}; cp -a ${names[from]}/m${what}/. ${at}; else cp ${names[from]}/m${what} ${at}; fi`
				: what === '.' ? `mkdir -p ${at}; cd ${top}; git ls-files -co --exclude-standard -z | tar --null --ignore-failed-read -T - -c | tar -C ${at} -x` : `cp ${path.join(top, what)} ${at}`);
		} else if (word === 'WORKDIR')
			inside = rest;
		else if (word === 'RUN')
			in_tree(tree, `cd ${inside} && ${rest}`);
		else if (word === 'ENTRYPOINT')
			entry = JSON.parse(rest);
		else if (word === 'CMD')
			command = JSON.parse(rest);
	}
	equal([entry, command.slice(0, 1)], [['ekaci'], ['serve']]);
	in_tree(trees[1], `ls /src >/dev/null 2>&1 && exit 1; mkdir -p /etc/ekaci /run/c; cd /etc/ekaci; openssl genrsa -out key.pem 2048 2>/dev/null; echo x >secret; chmod 600 key.pem secret
		printf '[web]\\nlisten = "127.0.0.1:0"\\n[github]\\napp_id = "1"\\nprivate_key_file = "key.pem"\\nwebhook_secret_file = "secret"\\n' >ekaci.toml
		echo "##version $(${entry} --version)"
		cd /; ${[...entry, ...command].join(' ')} --ready-fd 3 3>/run/ready >/run/log 2>&1 & pid=$!
		n=0; until [ -s /run/ready ]; do n=$((n + 1)); [ $n -lt 300 ] || { cat /run/log; exit 1; }; sleep 0.1; done
		echo "##health $(curl -sS "$(sed 's/.*\\(http[^"]*\\).*/\\1/' /run/ready)/healthz")"
		kill -TERM $pid; wait $pid; echo "##ended $?"`);
	const r = spawnSync('unshare', ['--mount', '--propagation', 'private', 'bash', '-c', script], { encoding: 'utf8', maxBuffer: 1 << 28, timeout: 1500000 });
	equal(r.status, 0, (r.stdout + r.stderr).slice(-4000));
	match(r.stdout, new RegExp(`^##version ekaci ${fs.readFileSync(path.join(top, 'VERSION'), 'utf8').trim()}$`, 'm'));
	match(r.stdout, /^##health .*ok/m);
	match(r.stdout, /^##ended 0$/m);
});

await run({ limit_ms: 1600000, before_end: async () => fs.rmSync(dir, { recursive: true, force: true }) });
