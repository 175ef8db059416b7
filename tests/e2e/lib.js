// What the end-to-end tests stand on: the stand-in, the demo repository and a real ekaci, together.
//
//   const scene = await begin({ config: { build: { slots: 2 } } });
//   const { pull } = await scene.open('bump');
//   const check = await scene.until_check(pull.head.sha, c => c.status === 'completed');
//   await scene.end();                     // also fails on any violation, and on bad manners
//
// The program is $EKACI, or build/release/ekaci. Nothing sleeps to wait: everything is asked for
// until it is so or its deadline is over, and then the bot's log is part of what is thrown.

import { execFileSync, spawn } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { first_line, GitHub } from '../fakes/client.js';

export { app_jwt, GitHub } from '../fakes/client.js';
export { equal, match, ok, rejects, run, test } from '../fakes/tap.js';

export const top = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const program = process.env.EKACI || path.join(top, 'build/release/ekaci');

const STOP_MS = 15000;
const LOG_SHOWN = 6000;
const bots = new Set();
process.on('exit', () => bots.forEach(bot => bot.child && bot.child.kill('SIGKILL')));

// Without a build group or a sandbox, Nix works as root and in containers; without substituters it
// asks nobody outside.
export const nix_config = 'build-users-group =\nsandbox = false\nsubstituters =\n';

const toml_value = v => Array.isArray(v) ? `[${v.map(toml_value).join(', ')}]` : JSON.stringify(v);

// { table: { key: string, number, boolean or array of them }, or an array of such tables } as TOML; undefined values are left out.
export function toml(tables)
{
	const members = table => Object.entries(table).filter(([, v]) => v !== undefined).map(([k, v]) => `${k} = ${toml_value(v)}\n`).join('');
	return Object.entries(tables).map(([name, table]) => (Array.isArray(table)
		? table.map(one => `[[${name}]]\n${members(one)}`).join('\n') : `[${name}]\n${members(table)}`)).join('\n');
}

// Makes the demo repository in a folder that does not exist yet. With a salt nothing of it was ever built.
export function make_demo(dir, salt = '')
{
	execFileSync(path.join(top, 'fixtures/repositories/demo.sh'), [dir], { timeout: 60000,
		env: { ...process.env, EKACI_DEMO_SALT: salt } });
	return dir;
}

// One `ekaci serve`, which can be killed and started again over the same state.
export class Bot {
	// options: { dir, config: the tables of ekaci.toml, env, args, on_ready: called with the URL, command: what is
	// started, the program and any words before it }
	constructor({ dir, config, env = {}, args = [], on_ready = async () => {}, command = [program] })
	{
		Object.assign(this, { dir, env, args, on_ready, command, child: null, url: null, config: {} });
		this.config_file = path.join(dir, 'ekaci.toml');
		this.log_file = path.join(dir, 'ekaci.log');
		this.configure(config);
	}

	// Changes ekaci.toml, for the next start: tables and keys that differ.
	configure(tables)
	{
		for (const [name, table] of Object.entries(tables))
			this.config[name] = Array.isArray(table) ? table : { ...this.config[name], ...table };
		fs.writeFileSync(this.config_file, toml(this.config));
	}

	// Starts it and waits until it listens; on fd 3 it says {"url": ...} or {"listen": "HOST:PORT"}.
	async start()
	{
		const log = fs.openSync(this.log_file, 'a');
		const [first, ...words] = this.command;
		this.child = spawn(first, [...words, 'serve', '--config', this.config_file, '--ready-fd', '3', ...this.args], { stdio: ['ignore', log, log, 'pipe'], cwd: this.dir,
			env: { NIX_CONFIG: nix_config, ...process.env, ...this.env } });
		fs.closeSync(log);
		bots.add(this);
		this.ended = new Promise(resolve => {
			this.child.once('exit', (code, signal) => resolve({ code, signal }));
			this.child.once('error', error => resolve({ error }));
		});
		try {
			const failed = new Promise((_, reject) => this.child.once('error', reject));
			const line = await Promise.race([first_line(this.child.stdio[3], this.child, 'ekaci serve'),
				failed]);
			this.url = line.url || `http://${line.listen}`;
		} catch (e) {
			throw new Error(`${e.message}\n${this.log()}`);
		}
		await this.on_ready(this.url);
		return this;
	}

	get alive()
	{
		return !!this.child && this.child.exitCode === null && this.child.signalCode === null;
	}

	// kill -9, as a power cut would.
	async kill()
	{
		if (!this.child)
			return undefined;
		this.child.kill('SIGKILL');
		return this.ended;
	}

	// Ends it in good order; throws unless it does so in time and exits with 0.
	async stop()
	{
		if (!this.child)
			return;
		this.child.kill('SIGTERM');
		const late = setTimeout(() => this.child.kill('SIGKILL'), STOP_MS);
		const { code, signal, error } = await this.ended;
		clearTimeout(late);
		bots.delete(this);
		if (code !== 0)
			throw new Error(`ekaci ended with ${error || (signal || code)}\n${this.log()}`);
	}

	async restart()
	{
		await this.kill();
		return this.start();
	}

	// Its log, and the end of it.
	log_text()
	{
		return fs.existsSync(this.log_file) ? fs.readFileSync(this.log_file, 'utf8') : '';
	}

	log()
	{
		return this.log_text().slice(-LOG_SHOWN);
	}

	// GET of a path of its own: { status, headers, text }.
	async get(route)
	{
		const answer = await fetch(this.url + route, { redirect: 'manual',
			signal: AbortSignal.timeout(20000) });
		return { status: answer.status, headers: answer.headers, text: await answer.text() };
	}
}

// A stand-in with an App installed, a repository, and an ekaci that works for it.
export class Scene {
	// Asks a question until `good` says yes; what it throws carries the bot's log.
	async until(question, query, good, limit_ms = 60000)
	{
		try {
			return await this.github.until(question, query, answer => {
				if (!this.bot.alive && !this.bot_may_be_down)
					throw new Error('ekaci is not running any more');
				return good(answer);
			}, limit_ms);
		} catch (e) {
			throw new Error(`${e.message}\n--- ekaci's log ---\n${this.bot.log()}`);
		}
	}

	// Changes ekaci.toml, for the next start.
	configure(tables)
	{
		this.bot.configure(tables);
	}

	// Opens a pull request from a branch of the repository; more as for the action `pull`.
	open(head, more = {})
	{
		return this.github.do('pull', { repo: this.repo, head, ...more });
	}

	// A person's comment.
	say(number, body, more = {})
	{
		return this.github.do('comment', { repo: this.repo, number, body, ...more });
	}

	// Our check runs on a commit, oldest first.
	async checks(head_sha)
	{
		return (await this.github.ask('check_runs', { repo: this.repo, head_sha }))
			.filter(c => c.app === this.app.slug);
	}

	// Our newest check run on a commit, once `good` says yes of it; `name` narrows.
	until_check(head_sha, good = c => c.status === 'completed', { name, limit_ms } = {})
	{
		return this.until('check_runs', { repo: this.repo, head_sha }, all => {
			const last = all.filter(c => c.app === this.app.slug && (!name || c.name === name)).pop();
			return last && good(last) && last;
		}, limit_ms);
	}

	// Our comments on a pull request that are still there.
	async comments(number)
	{
		return (await this.github.ask('comments', { repo: this.repo, number }))
			.filter(c => c.app === this.app.slug && !c.deleted);
	}

	// Our one comment, once `good` says yes of it; more than one is an error at once.
	until_comment(number, good = () => true, limit_ms)
	{
		return this.until('comments', { repo: this.repo, number }, all => {
			const ours = all.filter(c => c.app === this.app.slug && !c.deleted && is_report(c));
			if (ours.length > 1)
				throw new Error(`${ours.length} reports on #${number}`);
			return ours.length === 1 && good(ours[0]) && ours[0];
		}, limit_ms);
	}

	// Throws if any request broke GitHub's rules: its description, or its limits.
	async check_manners()
	{
		const violations = await this.github.ask('violations');
		if (violations.length)
			throw new Error(`violations: ${JSON.stringify(violations, null, ' ')}`);
		for (const [who, m] of Object.entries(await this.github.ask('etiquette'))) {
			if (who.startsWith('installation') && m.max_in_flight > 1)
				throw new Error(`${who}: ${m.max_in_flight} requests at once`);
			if (m.wide_writes)
				throw new Error(`${who}: ${m.wide_writes} writes with a token that is good for more than they need`);
			if (m.max_content_per_minute > 80 || m.max_content_per_hour > 500)
				throw new Error(`${who}: ${m.max_content_per_minute} writes a minute, ${m.max_content_per_hour} an hour`);
			if (m.requests_while_limited)
				throw new Error(`${who}: ${m.requests_while_limited} requests while told to wait`);
		}
	}

	// Ends both in good order, checks the manners, removes the folder (kept, with $EKACI_KEEP).
	async end()
	{
		try {
			if (this.bot.alive)
				await this.bot.stop();
			await this.check_manners();
		} finally {
			await this.bot.kill();
			await this.github.stop();
			if (process.env.EKACI_KEEP)
				process.stdout.write(`# kept: ${this.dir}\n`);
			else
				fs.rmSync(this.dir, { recursive: true, force: true });
		}
	}
}

// Answers to commands are comments, too; the report is the one that says so in a hidden line.
const is_report = c => !c.body.startsWith('<!-- ekaci:answer');

// Begins a scene. options:
//   repo       OWNER/REPO ("org/demo")
//   from       a git folder; absent: the demo repository, made for this scene
//   config     tables and keys of ekaci.toml that differ from the usual
//   settings   of the stand-in
//   private    the repository is private
//   github     { args } of the stand-in, api_url: where ekaci asks it
//   command    what is started instead of the program alone
//   start      false: ekaci is not started yet
export async function begin({ repo = 'org/demo', from, config = {}, settings = {}, env, args, command,
	github: stand_in = {}, private: is_private = false, start = true } = {})
{
	const scene = new Scene();
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-e2e-'));
	const github = await GitHub.start(stand_in);
	const secret = crypto.randomBytes(20).toString('hex');
	const in_dir = name => path.join(dir, name);

	fs.writeFileSync(in_dir('webhook-secret'), secret + '\n', { mode: 0o600 });
	const { app } = await github.do('app', { private_key_file: in_dir('app.pem') });
	await github.do('settings', settings);
	const { repository } = await github.do('repository', { full_name: repo, private: is_private,
		from: from || make_demo(in_dir('demo'), path.basename(dir)) });
	const { installation } = await github.do('installation', { account: repo.split('/')[0],
		deliver: false });
	const tables = {
		web: { listen: '127.0.0.1:0' },
		state: { dir: in_dir('state') },
		github: { api_url: stand_in.api_url || github.url, app_id: String(app.id), private_key_file: in_dir('app.pem'),
			webhook_secret_file: in_dir('webhook-secret') },
		build: { slots: 2 },
		log: { format: 'text' },
	};
	const bot = new Bot({ dir, config: tables, env, args, command,
		on_ready: url => github.do('hook', { url: `${url}/webhook`, secret }) });
	bot.configure(config);
	Object.assign(scene, { dir, github, bot, app, repo, repository, installation, secret,
		private_key: fs.readFileSync(in_dir('app.pem'), 'utf8'), bot_may_be_down: false });
	if (start) {
		try {
			await bot.start();
		} catch (e) {
			await github.stop();
			fs.rmSync(dir, { recursive: true, force: true });
			throw e;
		}
	}
	return scene;
}
