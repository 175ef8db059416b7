// The world the stand-in plays: Apps, installations, repositories, pull requests, and all that was
// ever written to them. Nothing here speaks HTTP.

import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { commit_of, git, make_bare, test_merge } from './git.js';
import { new_token } from './jwt.js';

export const default_permissions = {
	metadata: 'read', contents: 'read', checks: 'write', issues: 'write', pull_requests: 'write',
	statuses: 'write', merge_queues: 'read', members: 'read',
};
export const default_events = ['check_run', 'check_suite', 'issue_comment', 'merge_group',
	'pull_request', 'push', 'repository'];

// Ids are as large as GitHub's own: some do not fit 32 bits.
const FIRST_ID = {
	app: 1203000, installation: 58000100, repository: 701000000, user: 9100000, pull: 2100000000,
	check_run: 45800000000, check_suite: 40200000000, comment: 2900000000, reaction: 240000000,
	status: 31000000000, label: 6800000000, delivery: 138000000000, hook: 512000000,
};
const LOG_MAX = 20000;

const default_settings = {
	mergeable_after_gets: 1,	// GETs of a pull that still answer mergeable: null
	echo: true,			// deliver the events that the App's own writes cause
	token_life_s: 3600,
	rate_limit: 5000,
	hook_timeout_ms: 10000,

	// Secondary limits, 0: off, as on GitHub Enterprise Server by itself. github.com has 80, 500, 900 and 100:
	// https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits
	writes_per_minute: 0,		// content-creating writes of an installation
	writes_per_hour: 0,
	points_per_minute: 0,		// of one endpoint: a GET is 1, everything else 5
	concurrent: 0,
	secondary_status: 403,		// or 429; the documentation names both
	retry_after_s: 60,		// 0: no Retry-After; then the client is to wait a minute, and longer each time

	// Replicas that lag: so long after a change others than the one who made it do not see it, in ms. The API answers
	// 404 or 422, or what was before; git does not have the ref.
	lag_head_ms: 0,			// a commit, to checks
	lag_pull_ms: 0,			// a pull request, new or changed
	lag_comment_ms: 0,
	lag_check_run_ms: 0,
	lag_git_ms: 0,			// a ref, to git and in lists of refs

	// Deliveries are kept and can be asked for again for three days:
	// https://docs.github.com/en/webhooks/testing-and-troubleshooting-webhooks/redelivering-webhooks
	delivery_days: 3,
	// A larger payload is not sent at all:
	// https://docs.github.com/en/webhooks/webhook-events-and-payloads#payload-cap
	payload_max_bytes: 25 * 1024 * 1024,

	// Check runs of one name in a suite; the oldest beyond are deleted: https://docs.github.com/en/rest/checks/runs
	runs_of_a_name: 1000,
	// A check run that is not completed by then is `stale`: https://docs.github.com/en/rest/guides/using-the-rest-api-to-interact-with-checks
	stale_days: 14,
	// Statuses of one commit and context; the next is refused: https://docs.github.com/en/rest/commits/statuses
	statuses_of_a_context: 1000,
};

export class World {
	constructor(dir, url)
	{
		this.dir = dir;
		this.url = url;
		this.reset();
	}

	reset()
	{
		fs.rmSync(path.join(this.dir, 'repos'), { recursive: true, force: true });
		this.settings = { ...default_settings };
		this.clock_offset_s = 0;
		this.clock_rate = 1;
		this.clock_from_ms = 0;
		this.next = { ...FIRST_ID };
		this.apps = [];
		this.users = new Map();
		this.installations = new Map();
		this.tokens = new Map();
		this.repositories = new Map();		// by lower-case full name
		this.moved = new Map();			// the same, of names that repositories had once
		this.teams = new Map();			// by ORG/TEAM: a set of logins
		this.check_runs = new Map();
		this.check_suites = new Map();
		this.comments = new Map();
		this.deliveries = [];
		this.held = new Map();			// prepared deliveries that a test will send itself
		this.manifests = new Map();
		this.violations = [];
		this.requests = [];
		this.request_counts = {};
		this.rates = new Map();
		this.etiquette = new Map();
		this.merge_groups = [];
	}

	now_ms()
	{
		return this.clock_from_ms + Math.floor((Date.now() - this.clock_from_ms) * this.clock_rate)
			+ this.clock_offset_s * 1000;
	}

	now_s()
	{
		return Math.floor(this.now_ms() / 1000);
	}

	stamp(ms = this.now_ms())
	{
		return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
	}

	id(kind)
	{
		return ++this.next[kind];
	}

	violation(what)
	{
		this.violations.push({ at: this.stamp(), ...what });
	}

	log_request(entry)
	{
		const key = `${entry.method} ${entry.route || entry.path}`;
		this.request_counts[key] = (this.request_counts[key] || 0) + 1;
		if (this.requests.length < LOG_MAX)
			this.requests.push(entry);
	}

	// --- who ---

	user(login, more = {})
	{
		const key = login.toLowerCase();
		if (!this.users.has(key))
			this.users.set(key, { id: this.id('user'), login, type: login.endsWith('[bot]') ? 'Bot' : 'User' });
		return Object.assign(this.users.get(key), more);
	}

	bot(app)
	{
		return this.user(`${app.slug}[bot]`, { type: 'Bot' });
	}

	add_app({ id, slug = 'ekaci-test', name, client_id, public_key, permissions, events, hook })
	{
		const app = {
			id: id || this.id('app'), slug, name: name || slug,
			client_id: client_id || 'Iv23li' + crypto.randomBytes(7).toString('hex'),
			owner: this.user('ekaci-owner'), public_key: crypto.createPublicKey(public_key),
			permissions: permissions || { ...default_permissions },
			events: events || [...default_events], created_at: this.stamp(),
			hook: { id: this.id('hook'), url: null, secret: null, active: true, ...hook },
		};
		this.apps.push(app);
		return app;
	}

	get app()
	{
		if (!this.apps.length)
			throw new Error('no App yet: POST /_control/app first');
		return this.apps[0];
	}

	add_installation({ account, type = 'Organization', id, repositories = 'all', permissions })
	{
		const installation = {
			id: id || this.id('installation'), app: this.app, account: this.user(account, { type }),
			permissions: permissions || { ...this.app.permissions }, events: this.app.events,
			selection: repositories === 'all' ? 'all' : 'selected',
			selected: new Set(repositories === 'all' ? [] : repositories.map(r => r.toLowerCase())),
			created_at: this.stamp(), updated_at: this.stamp(), suspended_at: null, deleted: false,
		};
		this.installations.set(installation.id, installation);
		return installation;
	}

	covers(installation, repo)
	{
		if (installation.deleted || installation.account !== repo.owner)
			return false;
		return installation.selection === 'all'
			|| installation.selected.has(repo.full_name.toLowerCase());
	}

	installation_of(repo)
	{
		return [...this.installations.values()].find(i => this.covers(i, repo));
	}

	mint(installation, repository_ids, permissions)
	{
		const token = {
			token: new_token(installation.app.id), installation, repository_ids, permissions,
			expires_ms: this.now_ms() + this.settings.token_life_s * 1000,
		};
		this.tokens.set(token.token, token);
		return token;
	}

	// The installation token behind this text if it is good now, else null.
	good_token(text)
	{
		const token = this.tokens.get(text);
		return token && token.expires_ms > this.now_ms() && !token.installation.deleted
			&& !token.installation.suspended_at ? token : null;
	}

	token_reaches(token, repo)
	{
		return this.covers(token.installation, repo)
			&& (!token.repository_ids || token.repository_ids.has(repo.id));
	}

	// --- repositories and their pull requests ---

	async add_repository({ full_name, from, private: is_private = false, default_branch = 'main',
		fork_of, open = false })
	{
		if (!/^[A-Za-z0-9-]+\/[A-Za-z0-9._-]+$/.test(full_name || ''))
			throw new Error('full_name is OWNER/REPO');
		if (this.repositories.has(full_name.toLowerCase()))
			throw new Error(`${full_name} exists`);
		const [owner, name] = full_name.split('/');
		const parent = fork_of ? this.repository(fork_of) : null;
		const repo = {
			id: this.id('repository'), full_name, name, owner: this.user(owner), private: is_private, open,
			default_branch, fork_of: parent, dir: path.join(this.dir, 'repos', `${full_name}.git`),
			created_at: this.stamp(), updated_at: this.stamp(), pushed_at: this.stamp(), archived: false, pulls: new Map(), next_number: 1,
			labels: new Map(), permissions: new Map(), known: new Map(), moves: [], statuses: [],
		};
		fs.mkdirSync(path.dirname(repo.dir), { recursive: true });
		await make_bare(repo.dir, from || (parent && parent.dir));
		if (from || parent) {
			for (const line of (await git(repo.dir, 'for-each-ref', '--format=%(refname) %(objectname)')).split('\n')
				.filter(Boolean)) {
				const [ref, sha] = line.split(' ');
				repo.moves.push({ ref, sha, at: 0 });
				repo.known.set(sha, 0);
			}
		}
		this.repositories.set(full_name.toLowerCase(), repo);
		return repo;
	}

	find_repository(full_name)
	{
		return this.repositories.get(String(full_name).toLowerCase());
	}

	// Renamed or transferred: the old name leads on, until somebody else takes it. An installation on selected
	// repositories keeps it.
	rename_repository(repo, owner, name)
	{
		const [old, full_name] = [repo.full_name.toLowerCase(), `${owner}/${name}`];
		this.repositories.delete(old);
		this.moved.set(old, repo);
		Object.assign(repo, { full_name, name, owner: this.user(owner) });
		this.repositories.set(full_name.toLowerCase(), repo);
		this.moved.delete(full_name.toLowerCase());
		for (const i of this.installations.values()) {
			if (i.selected.delete(old))
				i.selected.add(full_name.toLowerCase());
		}
	}

	// A ref of a repository moves; null deletes it.
	async set_ref(repo, ref, sha)
	{
		if (sha)
			await git(repo.dir, 'update-ref', ref, sha);
		else
			await git(repo.dir, 'update-ref', '-d', ref);
		repo.moves.push({ ref, sha, at: this.now_ms() });
		if (sha && !repo.known.has(sha))
			repo.known.set(sha, this.now_ms());
	}

	// Whether what came at that moment is seen by now.
	is_seen(at_ms, lag_ms)
	{
		return at_ms + lag_ms <= this.now_ms();
	}

	// The refs as they were lag_git_ms ago: [{ ref, sha }].
	seen_refs(repo)
	{
		return [...new Map(repo.moves.filter(m => this.is_seen(m.at, this.settings.lag_git_ms)).map(m => [m.ref, m.sha]))]
			.filter(([, sha]) => sha).map(([ref, sha]) => ({ ref, sha }));
	}

	knows_commit(repo, sha)
	{
		return this.is_seen(repo.known.get(sha) || 0, this.settings.lag_head_ms);
	}

	// The pull request as a replica shows it: as it was lag_pull_ms ago, or null.
	seen_pull(pull)
	{
		const { lag_pull_ms } = this.settings;
		if (!lag_pull_ms)
			return pull;
		const seen = pull.versions.filter(v => this.is_seen(v.at, lag_pull_ms)).pop();
		return seen ? { ...pull, ...seen.is } : null;
	}

	// To be called after each change of a pull request.
	note_pull(pull)
	{
		const { head, base, labels, state, draft, merged, title, body, updated_at, closed_at, merged_at } = pull;
		pull.versions.push({ at: this.now_ms(), is: { head: { ...head }, base: { ...base }, labels: [...labels], state,
			draft, merged, title, body, updated_at, closed_at, merged_at } });
	}

	repository(full_name)
	{
		const repo = this.find_repository(full_name);
		if (!repo)
			throw new Error(`no repository ${full_name}`);
		return repo;
	}

	pull(full_name, number)
	{
		const pull = this.repository(full_name).pulls.get(Number(number));
		if (!pull)
			throw new Error(`no pull request ${full_name}#${number}`);
		return pull;
	}

	async open_pull({ repo: full_name, head, head_repo, base, title, body = null, user = 'contributor',
		draft = false, author_association = 'CONTRIBUTOR' })
	{
		const repo = this.repository(full_name);
		const from = head_repo ? this.repository(head_repo) : repo;
		const base_ref = base || repo.default_branch;
		const [head_sha, base_sha] = [await commit_of(from.dir, `refs/heads/${head}`),
			await commit_of(repo.dir, `refs/heads/${base_ref}`)];
		if (!head_sha || !base_sha)
			throw new Error(`no such branch: ${head_sha ? base_ref : head}`);
		const pull = {
			id: this.id('pull'), number: repo.next_number++, repo, title: title || `Take ${head}`, body,
			state: 'open', draft, merged: false, user: this.user(user), author_association,
			head: { ref: head, sha: head_sha, repo: from }, base: { ref: base_ref, sha: base_sha },
			labels: [], mergeable: null, merge_commit_sha: null, gets_left: 0, merged_at: null,
			closed_at: null, created_at: this.stamp(), updated_at: this.stamp(), versions: [], reviewers: [], reviews: [],
		};
		repo.pulls.set(pull.number, pull);
		await this.follow_head(pull, head_sha);
		return pull;
	}

	// The head branch moved: refs/pull/N/head follows at once, the test merge only when asked for.
	async follow_head(pull, sha)
	{
		const from = pull.head.repo;
		if (from && from !== pull.repo)
			await git(pull.repo.dir, 'fetch', '--quiet', '--no-tags', from.dir, sha);
		await this.set_ref(pull.repo, `refs/pull/${pull.number}/head`, sha);
		pull.head.sha = sha;
		this.forget_merge(pull);
		this.note_pull(pull);
	}

	forget_merge(pull)
	{
		pull.mergeable = null;
		pull.merge_job = null;
		pull.gets_left = this.settings.mergeable_after_gets;
		pull.updated_at = this.stamp();
	}

	// A GET of the pull: the first ones after a change find the test merge still being made, as at
	// GitHub; until then merge_commit_sha and refs/pull/N/merge are those of the last one.
	async settle_merge(pull)
	{
		if (pull.mergeable !== null || pull.state !== 'open')
			return;
		if (pull.gets_left > 0) {
			pull.gets_left--;
			return;
		}
		pull.merge_job = pull.merge_job || this.make_merge(pull);
		await pull.merge_job;
	}

	async make_merge(pull)
	{
		const { repo, head } = pull;
		const tip = await commit_of(repo.dir, `refs/heads/${pull.base.ref}`);
		const sha = tip && await test_merge(repo.dir, tip, head.sha);
		if (sha) {
			await this.set_ref(repo, `refs/pull/${pull.number}/merge`, sha);
			pull.merge_commit_sha = sha;
		}
		pull.mergeable = !!sha;
	}

	// --- checks ---

	suite(app, repo, head_sha)
	{
		for (const s of this.check_suites.values()) {
			if (s.app === app && s.repo === repo && s.head_sha === head_sha)
				return s;
		}
		const suite = { id: this.id('check_suite'), app, repo, head_sha, status: 'queued',
			conclusion: null, created_at: this.stamp(), updated_at: this.stamp() };
		this.check_suites.set(suite.id, suite);
		return suite;
	}

	runs_of(repo, head_sha)
	{
		return [...this.check_runs.values()].filter(r => r.repo === repo && r.head_sha === head_sha);
	}

	// Which runs are there by now, and what became of those that nobody completed.
	age_runs()
	{
		const before = this.now_ms() - this.settings.stale_days * 86400000;
		for (const run of this.check_runs.values()) {
			if (run.status === 'completed' || run.made_ms > before)
				continue;
			Object.assign(run, { status: 'completed', conclusion: 'stale', completed_at: this.stamp() });
			run.history.push({ at: this.stamp(), status: run.status, conclusion: run.conclusion });
		}
	}

	// Pull requests a check run names: only those whose head is in the same repository.
	pulls_with_head(repo, sha)
	{
		return [...repo.pulls.values()].filter(p => p.state === 'open' && p.head.repo === repo
			&& p.head.sha === sha);
	}

	// --- rate limits, and how the client keeps to them ---

	rate(key)
	{
		let rate = this.rates.get(key);
		if (!rate || rate.reset_s <= this.now_s()) {
			rate = { limit: this.settings.rate_limit, used: 0, reset_s: this.now_s() + 3600 };
			this.rates.set(key, rate);
		}
		return rate;
	}

	manners(key)
	{
		if (!this.etiquette.has(key))
			this.etiquette.set(key, { in_flight: 0, max_in_flight: 0, last_write_ms: null,
				min_write_gap_ms: null, blocked_until_ms: 0, requests_while_limited: 0, content: [],
				content_until_ms: 0, max_content_per_minute: 0, max_content_per_hour: 0, wide_writes: 0,
				points: new Map() });
		return this.etiquette.get(key);
	}
}
