// Ctrl-C: exit code 130 wherever it comes, with nothing left running or lying about.

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { equal, match, nix_config, ok, program, run, test } from './lib.js';
import { eventually } from './scenes.js';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-interrupt-'));
const env = { PATH: process.env.PATH, HOME: dir, XDG_CACHE_HOME: path.join(dir, 'cache'), NIX_CONFIG: nix_config, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null',
	GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@example.org', GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@example.org' };
const repo = path.join(dir, 'repo'), mark = `ekaci-interrupt-${process.pid}`;
const git = (...args) => execFileSync('git', ['-C', repo, ...args], { env });

// Evaluating takes for ever where endless is there; building `slow` sleeps until it is ended.
fs.mkdirSync(repo);
git('init', '-q', '-b', 'main');
fs.writeFileSync(path.join(repo, 'default.nix'), `{ slow = derivation { name = "slow-\${toString (import ./n.nix)}-${mark}"; system = builtins.currentSystem;
  builder = "/bin/sh"; PATH = "${process.env.PATH}"; args = [ "-c" "sleep 1000 # ${mark}" ]; };
  more = if builtins.pathExists ./endless then builtins.foldl' (a: b: a + b) 0 (builtins.genList (x: builtins.foldl' (a: b: a + b) 0 (builtins.genList (y: y) 100000)) 100000000) else 1; }\n`);
fs.writeFileSync(path.join(repo, 'n.nix'), '1\n');
git('add', '-A');
git('commit', '-q', '-m', '1');
fs.writeFileSync(path.join(repo, 'n.nix'), '2\n');

const running = () => spawnSync('pgrep', ['-f', mark], { encoding: 'utf8' }).stdout.trim();
const left = folder => fs.existsSync(path.join(env.XDG_CACHE_HOME, 'ekaci', folder)) ? fs.readdirSync(path.join(env.XDG_CACHE_HOME, 'ekaci', folder)) : [];
const ended = child => new Promise(done => child.on('close', (code, signal) => done([code, signal])));

// In a process group of its own, to which an interrupt is sent as a terminal does it.
async function interrupted(args, when, { signal = 'SIGINT', times = 1 } = {})
{
	const child = spawn(program, args, { cwd: repo, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
	let out = '', err = '';
	child.stdout.on('data', bytes => { out += bytes; });
	child.stderr.on('data', bytes => { err += bytes; });
	const end = ended(child);
	await eventually(`${args.join(' ')} is at work`, () => when(child));
	for (let i = 0; i < times; i++)
		process.kill(-child.pid, signal);
	const [code] = await end;
	return { code, out, err };
}
const descendants = pid => fs.readdirSync('/proc').filter(name => /^\d+$/.test(name)).filter(name => {
	try {
		return fs.readFileSync(`/proc/${name}/stat`, 'utf8').split(') ')[1].split(' ')[1] === String(pid);
	} catch {
		return false;
	}
}).flatMap(child => [child, ...descendants(child)]);

test('in the middle of an evaluation', async () => {
	fs.writeFileSync(path.join(repo, 'endless'), '');
	let all;
	const { code, out, err } = await interrupted(['diff'], child => (all = descendants(child.pid)).length >= 3);
	fs.rmSync(path.join(repo, 'endless'));
	equal([code, out], [130, '']);
	match(err, /^ekaci: comparing .*\nekaci: interrupted\n$/);
	equal(left('local'), []);
	await eventually('nothing runs', () => all.every(pid => !fs.existsSync(`/proc/${pid}`)));
});

test('in the middle of a build, also by an impatient one and by SIGTERM', async () => {
	for (const [options, expected] of [[{}, 130], [{ times: 3 }, 130], [{ signal: 'SIGTERM' }, 143]]) {
		const { code, out, err } = await interrupted(['diff', '--build'], () => running() !== '', options);
		equal([code, out], [expected, '']);
		match(err, /^ekaci: comparing .*\nekaci: interrupted with \d+ builds? to go\n$/);
		equal(left('local'), []);
		await eventually('nothing builds', () => running() === '');
	}
});

test('in the middle of eval-jobs', async () => {
	fs.writeFileSync(path.join(repo, 'endless'), '');
	const { code, err } = await interrupted(['eval-jobs', path.join(repo, 'default.nix')], child => descendants(child.pid).length > 0);
	fs.rmSync(path.join(repo, 'endless'));
	equal(code, 130, err);
});

test('what kill -9 leaves goes at the next start, what others are at work in stays', async () => {
	const folder = path.join(env.XDG_CACHE_HOME, 'ekaci/local');
	fs.writeFileSync(path.join(repo, 'endless'), '');
	const killed = await interrupted(['diff'], child => descendants(child.pid).length >= 3, { signal: 'SIGKILL' });
	fs.rmSync(path.join(repo, 'endless'));
	equal([killed.code, left('local').length], [null, 1]);
	// As if a while had gone by: its name says when it was made.
	const [pid] = left('local')[0].split('-');
	fs.renameSync(path.join(folder, left('local')[0]), path.join(folder, `${pid}-1000`));
	for (const name of ['1-1000', `2-${Date.now()}`, 'mine'])
		fs.mkdirSync(path.join(folder, name));
	const holder = spawn('flock', [path.join(folder, '1-1000'), 'sh', '-c', 'echo held; exec sleep 100'], { stdio: ['ignore', 'pipe', 'ignore'], detached: true });
	await new Promise(held => holder.stdout.once('data', held));
	const again = () => spawnSync(program, ['diff'], { cwd: repo, env, encoding: 'utf8' });
	equal(again().status, 0);
	equal(left('local').map(name => name.replace(/\d{9,}/, 'NOW')).sort(), ['1-1000', '2-NOW', 'mine'], 'held, young, and none of ours');
	const gone = ended(holder);
	process.kill(-holder.pid, 'SIGKILL');
	await gone;
	equal(again().status, 0);
	equal(left('local').map(name => name.replace(/\d{9,}/, 'NOW')).sort(), ['2-NOW', 'mine']);
});

await run({ limit_ms: 120000, before_end: async () => fs.rmSync(dir, { recursive: true, force: true }) });
