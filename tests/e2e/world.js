// A scenario played: the real program and the stand-in, both on a clock that runs fast, and whatever disturbs them.
//
// A scenario (tests/e2e/scenarios/*.js) is data: branches, steps, the end state. `play` does the steps and gives a snapshot at
// every `wait` step and at the end, in words that are the same for every run: commits by the names of their branches, no numbers
// of runs, no times. What disturbs a run is drawn by disturb.js beforehand; nothing here is random.

import { execFileSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Bot, GitHub, program, top } from './lib.js';
import { children_of, gone } from './scenes.js';

export const RATE = Number(process.env.CLOCK_RATE || 10);
const REPO = 'org/demo';
const QUIET_LOOKS = 3;		// without anything to do, and without a request, before it is believed
const LOOK_MS = 60;
// What has been quiet and wrong for so long, of the fast clock, stays so: a request without an answer is given up after 30 s, and what was
// compared is compared once more a minute later.
const WRONG_MS = 90000 / RATE;
const sleep = ms => new Promise(resolve => setTimeout(resolve, ms));

// --- the repository ---

// Every packages/NAME.sh is a derivation, with common.sh before it; what it writes to $LOG, outside, tells what was built.
const default_nix = dir => `let
  one = file: {
    name = builtins.replaceStrings [ ".sh" ] [ "" ] file;
    value = derivation {
      name = builtins.replaceStrings [ ".sh" ] [ "" ] file;
      system = builtins.currentSystem;
      builder = "/bin/sh";
      args = [ "-c" "LOG=${dir}/built\\n\${builtins.readFile ./common.sh}\${builtins.readFile (./packages + "/\${file}")}\\necho done > $out\\n" ];
    };
  };
in
builtins.listToAttrs (map one (builtins.attrNames (builtins.readDir ./packages)))
`;

const CONFIG = {
	jobs: { all: { file: 'default.nix' } },
	change_sets: [{ name: 'documentation', kind: 'docs-only', paths: ['README.md', 'doc/**', 'who/**'] }],
};

const files_of_main = dir => ({
	'README.md': 'A repository for scenarios.\n', 'default.nix': default_nix(dir),
	'common.sh': '', 'packages/hello.sh': 'echo hello of main >> $LOG\n', 'packages/other.sh': 'echo other of main >> $LOG\n',
	'.ekaci/config.json': JSON.stringify(CONFIG, null, '\t') + '\n',
});

// An evaluator that notes whose tree it is given: the names of the files in its folder `who`, one for each commit.
function write_evaluator(dir)
{
	const file = path.join(dir, 'noting-eval-jobs');
	fs.writeFileSync(file, `#!/bin/sh
for word; do
	case $word in */*) at=\${word#*'/'}; at=/\${at%/*}; [ -d "$at/who" ] && echo $(ls "$at/who") >> '${dir}/evaluated' ;; esac
done
exec '${program}' eval-jobs "$@"
`, { mode: 0o755 });
	return file;
}

// The preloaded clock, made beside the program when it is not there.
export function clock_library()
{
	const file = path.join(path.dirname(program), 'tests/clock.so');
	const source = path.join(top, 'tests/fakes/clock.c');
	if (!fs.existsSync(file) || fs.statSync(file).mtimeMs < fs.statSync(source).mtimeMs) {
		fs.mkdirSync(path.dirname(file), { recursive: true });
		const temporary = `${file}.${process.pid}`;
		const [compiler, ...words] = (process.env.CC || 'cc').split(' '); // as make takes it: ccache gcc
		execFileSync(compiler, [...words, '-std=c17', '-D_GNU_SOURCE', '-O2', '-fPIC', '-shared', '-o', temporary, source]);
		fs.renameSync(temporary, file);
	}
	return file;
}

// --- a place to play in, used for one scenario after the other ---

export class Place {
	static async open()
	{
		const place = new Place();
		place.pair = crypto.generateKeyPairSync('rsa', { modulusLength: 2048,
			publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs1', format: 'pem' } });
		place.github = await GitHub.start();
		place.library = clock_library();
		return place;
	}

	close()
	{
		return this.github.stop();
	}
}

// One play of a scenario.
export class Play {
	constructor(place, scenario)
	{
		Object.assign(this, { place, scenario, github: place.github, pulls: new Map(), commits: new Map(), said: new Map(),
			groups: new Map(), down: null, rate: RATE });
		this.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-play-'));
	}

	do(action, args = {})
	{
		return this.github.do(action, args);
	}

	in_dir(name)
	{
		return path.join(this.dir, name);
	}

	async set_up()
	{
		const { place, scenario } = this;
		const real_ms = Date.now();
		const mono_ms = Math.floor(Number(process.hrtime.bigint()) / 1e6);
		await this.do('reset');
		await this.do('clock', { rate: RATE, from_ms: real_ms });
		const { app } = await this.do('app', { public_key: place.pair.publicKey });
		await this.do('settings', { ...scenario.settings });
		await this.do('repository', { full_name: REPO, private: !!scenario.private });
		await this.write('main', REPO, { ...files_of_main(this.dir), ...scenario.main });
		for (const [name, files] of Object.entries(scenario.branches || {}))
			await this.write(name, REPO, files, 'refs/heads/main');
		for (const [full_name, branches] of Object.entries(scenario.forks || {})) {
			await this.do('repository', { full_name, fork_of: REPO });
			for (const [name, files] of Object.entries(branches))
				await this.write(name, full_name, files, 'refs/heads/main');
		}
		for (const [user, permission] of Object.entries({ writer: 'write', ...scenario.people }))
			await this.do('permission', { repo: REPO, user, permission });
		for (const [team, members] of Object.entries(scenario.teams || {}))
			await this.do('team', { team, members });
		this.installation = (await this.do('installation', { account: 'org', deliver: false })).installation;
		this.app = app;
		this.secret = crypto.randomBytes(20).toString('hex');
		fs.writeFileSync(this.in_dir('webhook-secret'), this.secret + '\n', { mode: 0o600 });
		fs.writeFileSync(this.in_dir('app.pem'), place.pair.privateKey, { mode: 0o600 });
		this.bot = new Bot({ dir: this.dir, on_ready: url => this.do('hook', { url: `${url}/webhook`, secret: this.secret }),
			env: { LD_PRELOAD: place.library, EKACI_TEST_CLOCK: `${RATE} ${real_ms} ${mono_ms}`,
				...(/san-/.test(program) ? { ASAN_OPTIONS: 'verify_asan_link_order=0' } : {}) },
			config: { web: { listen: '127.0.0.1:0' }, state: { dir: this.in_dir('state') },
				github: { api_url: this.github.url, app_id: String(app.id), private_key_file: this.in_dir('app.pem'),
					webhook_secret_file: this.in_dir('webhook-secret') },
				evaluate: { evaluator: write_evaluator(this.dir), sandbox: 'off', workers: 1 }, build: { slots: 2 } } });
		this.bot.configure(scenario.config || {});
		await this.bot.start();
	}

	// A commit on a branch, called `as`: it has a file of that name in `who`.
	async write(as, repo, files, parent, more = {})
	{
		const branch = more.branch || as;
		const text = Object.fromEntries(Object.entries(files).map(([name, value]) => [name,
			typeof value === 'string' ? value.replaceAll('@DIR@', this.dir) : value]));
		const done = await this.do('commit', { repo, branch, parent, files: { [`who/${as}`]: 'here\n', ...text }, ...more });
		this.commits.set(done.after, as);
		return done;
	}

	async tear_down()
	{
		await this.bot.kill();
		if (process.env.EKACI_KEEP)
			process.stdout.write(`# kept: ${this.dir}\n`);
		else
			fs.rmSync(this.dir, { recursive: true, force: true });
	}

	// --- steps ---

	// Does at GitHub what the step says; resolves to the deliveries that come of it, held.
	async step(step)
	{
		const { do: what, as, on, unheard, ...args } = step;
		const how = { deliver: unheard ? false : 'hold' };
		const hold = { repo: this.repo(), ...args, ...how };
		const pull = on !== undefined && this.pulls.get(on);
		const number = pull ? { number: pull } : {};
		const changes = { close: 'closed', reopen: 'reopened', ready: 'ready_for_review', draft: 'converted_to_draft',
			label: 'labeled', unlabel: 'unlabeled', edit: 'edited', enqueue: 'enqueued', dequeue: 'dequeued' };
		if (on !== undefined && !pull && !this.groups.has(on))
			throw new Error(`${what}: no ${on}`);
		let done;
		if (what === 'pull') {
			done = await this.do('pull', hold);
			this.pulls.set(as || step.head, done.pull.number);
		} else if (what === 'push') {
			const { branch, files, repo = this.repo(), ...more } = args;
			done = await this.write(as || branch, repo, files, undefined, { ...more, branch, ...how });
		} else if (what === 'move') {
			done = await this.do('push', { ...hold, rev: this.commit_named(`@${step.to}@`) });
		} else if (what === 'say') {
			done = await this.do('comment', { ...hold, ...number });
			if (as)
				this.said.set(done.comment.id, as);
		} else if (what === 'rephrase') {
			done = await this.do('comment_change', { ...how, body: step.body, user: step.user,
				comment_id: [...this.said].find(([, name]) => name === step.said)[0] });
		} else if (what === 'erase') {
			const ours = (await this.github.ask('comments', { repo: this.repo(), number: number.number }))
				.filter(c => c.app === this.app.slug && !c.deleted);
			done = await this.do('comment_change', { ...how, comment_id: ours[0].id });
		} else if (what === 'press') {
			done = await this.press(hold, number.number, step);
		} else if (what === 'merge_group') {
			done = await this.do('merge_group', { ...hold, numbers: step.of.map(name => this.pulls.get(name)), of: undefined });
			this.commits.set(done.head_sha, as);
			this.groups.set(as, done.head_sha);
		} else if (what === 'merge_group_destroy') {
			done = await this.do('merge_group_destroy', { ...hold, head_sha: this.groups.get(on) });
		} else if (what === 'suite') {
			const { requested, ...rest } = hold;
			done = await this.do(requested ? 'check_suite_request' : 'check_suite_rerequest',
				{ ...rest, head_sha: await this.head_of(number.number) });
		} else if (what === 'check_suite_rerequest') {
			done = await this.do(what, { ...hold, head_sha: this.commit_named(step.head_sha) });
		} else if (what === 'review') {
			await this.do(what, { repo: this.repo(), ...number, ...args });
			done = {};
		} else if (what === 'pull_lose_head') {
			done = await this.do(what, { ...hold, ...number });
		} else if (Object.hasOwn(changes, what)) {
			done = await this.do('pull_change', { ...hold, ...number, action: changes[what] });
		} else {
			done = await this.do(what, /^(installation|rate)/.test(what)
				? { ...args, ...how, installation: this.installation.id } : hold);
		}
		if (what === 'repository_change' && done.repository)
			this.renamed = done.repository.full_name;
		return unheard ? [] : done.deliveries || [];
	}

	commit_named(word)
	{
		return [...this.commits].find(([, name]) => `@${name}@` === word)[0];
	}

	async head_of(number)
	{
		return (await this.github.ask('pulls')).find(p => p.repo === this.repo() && p.number === number).head_sha;
	}

	async press(hold, number, { check = 'rebuilds', button, user, of, listed })
	{
		const runs = await this.github.ask('check_runs', { repo: this.repo(),
			head_sha: of ? this.commit_named(`@${of}@`) : await this.head_of(number) });
		const run_of = runs.filter(r => r.name.endsWith(check)).pop();
		if (!run_of)
			throw new Error(`no check ${check} of #${number} to press a button of`);
		return this.do(button ? 'check_run_action' : 'check_run_rerequest', { deliver: hold.deliver, check_run_id: run_of.id, user,
			...(button ? { identifier: button, unlisted: !listed } : {}) });
	}

	// A delivery reaches the bot, as often as it takes: while a disturbance keeps it down, somebody asks for it again later.
	// Where the scenario itself has stopped it, it fails, and that is all.
	async deliver(delivery, more = {})
	{
		for (;;) {
			const { deliveries: [sent] } = await this.do('release', { id: delivery.id, ...more });
			if (this.stopped || more.lost || sent.status === 'OK' || (sent.status_code >= 400 && sent.status_code < 500))
				return;
			if (!this.down)
				await sleep(20);
			await this.down;
		}
	}

	// kill -9; nothing of it is left when it starts again.
	kill(pause_ms = 0)
	{
		if (!this.down && !this.stopped) {
			this.down = (async () => {
				const old = children_of(this);
				await this.bot.kill();
				await gone(old, 20000);
				await sleep(pause_ms);
				await this.bot.start();
				this.down = null;
			})();
			this.down.catch(e => { this.failed = e; });
		}
		return this.down;
	}

	// --- looking ---

	// Whether the bot has anything to do, by its own figures.
	async busy()
	{
		if (this.down || this.stopped)
			return 'it is down';
		let text;
		try {
			text = (await this.bot.get('/metrics')).text;
		} catch (e) {
			return e.message;
		}
		const busy = text.split('\n').filter(line => /^ekaci_(runs|builds|deliveries_waiting|commands_waiting|desired_open|send_queue|workers_running)[ {]/
			.test(line) && !/ 0$/.test(line) && !/^ekaci_workers_running/.test(line));
		return busy.join(', ');
	}

	// Resolves to a snapshot when there has been nothing to do for a while, no request has come, and `good` finds no fault
	// with it; at the deadline to { ...snapshot, never: why }.
	async quiet(good, limit_ms)
	{
		const deadline = Date.now() + limit_ms;
		for (let looks = 0, since = 0, requests = -1, why = '';;) {
			if (this.failed)
				throw this.failed;
			if (!this.down && !this.stopped && !this.bot.alive)
				throw new Error('ekaci is not running any more');
			const busy = await this.busy();
			const now = Object.values(await this.github.ask('counts')).reduce((a, b) => a + b, 0);
			looks = !busy && now === requests ? looks + 1 : 0;
			since = looks ? since : Date.now();
			requests = now;
			if (looks >= QUIET_LOOKS) {
				const snapshot = await this.snapshot();
				why = good(snapshot);
				if (!why)
					return snapshot;
				if (Date.now() - since > WRONG_MS)
					return { ...snapshot, never: why };
			}
			if (Date.now() > deadline)
				return { ...await this.snapshot(), never: looks >= QUIET_LOOKS ? why : `not quiet: ${busy || 'requests go on'}` };
			await sleep(LOOK_MS);
		}
	}

	// The state of the world in words that do not depend on the run.
	async snapshot()
	{
		const [pulls, runs, comments] = [await this.github.ask('pulls'), await this.github.ask('check_runs', { repo: this.repo() }),
			await this.github.ask('comments', { repo: this.repo() })];
		const ours = runs.filter(r => r.app === this.app.slug);
		const words = text => this.words(text);
		const state = { pulls: {}, commits: {}, reactions: {}, open: [] };
		for (const [name, number] of this.pulls) {
			const pull = pulls.find(p => p.repo === this.repo() && p.number === number);
			if (!pull)
				continue;
			const mine = comments.filter(c => c.number === number && c.app === this.app.slug && !c.deleted);
			state.pulls[name] = { page: await this.page(number), state: pull.state, head: words(pull.head_sha), checks: this.checks(ours, pull.head_sha),
				labels: pull.labels, ...await this.statuses(pull.head_sha), ...(pull.reviewers.length ? { reviewers: pull.reviewers } : {}),
				reports: mine.filter(c => !is_answer(c)).map(c => words(c.body)),
				answers: mine.filter(is_answer).map(c => words(c.body)).sort() };
		}
		const heads = new Set(pulls.map(p => p.head_sha));
		for (const [sha, name] of this.commits) {
			const checks = this.checks(ours, sha);
			if (!heads.has(sha) && this.is_tip(name) && Object.keys(checks).length)
				state.commits[name] = checks;
		}
		for (const [id, name] of this.said)
			state.reactions[name] = comments.find(c => c.id === id).reactions.map(r => r.content).sort();
		state.open = ours.filter(r => r.status !== 'completed').map(r => `${r.name} of ${words(r.head_sha)} is ${r.status}`);
		return state;
	}

	// By context; nothing where there are none.
	async statuses(head_sha)
	{
		const { statuses } = await this.github.ask('commit_checks', { repo: this.repo(), head_sha });
		return statuses.length ? { statuses: Object.fromEntries(statuses.map(s => [s.context, s.state])) } : {};
	}

	// What a stranger who asks for its page is answered.
	async page(number)
	{
		try {
			return (await this.bot.get(`/${this.repo()}/pull/${number}`)).status;
		} catch (e) {
			return e.message;
		}
	}

	repo()
	{
		return this.renamed || REPO;
	}

	// A check run of another App with our name, on the head of a pull request.
	async foreign_check(on, more)
	{
		return this.do('foreign_check_run', { repo: this.repo(), head_sha: await this.head_of(this.pulls.get(on)), ...more });
	}

	// The branch's newest commit, or a merge group: of others it depends on chance whether anything was said.
	is_tip(name)
	{
		return this.groups.has(name) || name === this.main_tip();
	}

	main_tip()
	{
		return [...this.commits.values()].filter(n => n === 'main' || n.startsWith('main ')).pop();
	}

	// Of each name, how many and what the newest says.
	checks(ours, sha)
	{
		const out = {};
		for (const r of ours.filter(c => c.head_sha === sha).sort((a, b) => a.id - b.id)) {
			const name = r.name.replace('ekaci / ', '');
			out[name] = { times: (out[name] ? out[name].times : 0) + 1, is: r.conclusion || r.status,
				title: this.words(r.output ? r.output.title : ''), buttons: r.actions.map(a => a.identifier),
				...this.left_out(r) };
		}
		return out;
	}

	// Why attributes have no checks, where a summary says so.
	left_out(run)
	{
		const said = /Attributes have no check[^.]*/.exec(run.output && run.output.summary || '');
		return said ? { left_out: said[0] } : {};
	}

	words(text)
	{
		let out = text.replaceAll(this.dir, '@DIR@').replaceAll(this.bot.url, '@BOT@').replaceAll(this.github.url, '@GITHUB@');
		for (const [sha, name] of this.commits) {
			for (const n of [40, 12, 10, 8, 7])
				out = out.replaceAll(sha.slice(0, n), `@${name}@`);
		}
		return out.replace(/@BOT@\S*?(?=[)\]\s"<>]|$)/g, '@LINK@').replace(/http:\/\/127\.0\.0\.1:\d+\S*?(?=[)\]\s"<>]|$)/g, '@LINK@')
			.replace(/\/nix\/store\/[0-9a-z]{32}/g, '@STORE@').replace(/\b[0-9a-z]{32}-/g, '@HASH@-')
			.replace(/\b[Rr]un \[?\d+\]?/g, 'run N').replace(/ekaci:answers? \d+/g, 'ekaci:answer N')
			.replace(/\b\d+(\.\d+)? (s|ms|min \d+ s)\b/g, 'N s').replace(/,? (estimated|after) N s/g, '').replace(/ \(a guess for \d+ never built before\)/g, '')
			/* Whether a build had ended before it was asked for is a matter of who was first. */
			.replace(/: N s of build time/g, '').replace(/The whole change is [^\n]*\n+/g, '').replace(/; (\d+ of )?\d+ builds? that succeeded took [^\n]*?(?=\.(\n|<|$))/g, '')
			.replace(/\(build [0-9a-f]+(&#8203;[0-9a-f]+)*\)/g, '(build)').replace(/\b[0-9a-f]{40}\b/g, '@COMMIT@');
	}

	// Whose trees were evaluated, and what was built: lines.
	noted(what)
	{
		const file = this.in_dir(what);
		return fs.existsSync(file) ? fs.readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
	}
}

const is_answer = c => c.body.startsWith('<!-- ekaci:answer');
