// The control API under /_control/: what a test tells the world to do, and what it asks of it.
// README.md beside this file lists every action with its fields.

import crypto from 'node:crypto';
import fs from 'node:fs';
import { commit_of, git, take_commit, test_merge, write_commit, ZERO } from './git.js';
import { is_kept, lose, post, prepare, redeliver } from './hooks.js';
import * as show from './payloads.js';
import { add_label, edit_comment, new_check_run, new_comment } from './routes.js';

// Sends the deliveries in order unless told not to, and shows them as they ended. An event the App
// is not subscribed to, or of a repository it is not installed on, appears as no delivery. `deliver` is
// false: only made; 'hold': kept until the action `release`; 'lost': sent, and never arrived.
async function send(w, args, ...events)
{
	const deliveries = events.filter(Boolean).map(([event, payload, repo]) =>
		prepare(w, event, payload, { repo, guid: events.length === 1 ? args.guid : undefined,
			signed: args.signed })).filter(Boolean);
	for (const d of deliveries) {
		if (args.deliver === 'hold')
			w.held.set(d.id, d);
		else if (args.deliver === 'lost')
			lose(w, d);
		else if (args.deliver !== false)
			await post(w, d);
	}
	return { deliveries };
}

// A held delivery goes out; once more, it is a redelivery, or with `replay` the same bytes under another GUID.
async function release(w, args)
{
	const delivery = w.held.get(args.id);
	if (!delivery)
		throw new Error(`no delivery ${args.id} is held`);
	if (args.lost)
		return { deliveries: [lose(w, delivery)] };
	if (args.replay)
		return { deliveries: [await redeliver(w, delivery, crypto.randomUUID())] };
	return { deliveries: [await (delivery.status === null ? post(w, delivery) : redeliver(w, delivery))] };
}

const check_numbers = (value, what) => {
	if (!Number.isFinite(value))
		throw new Error(`${what} is a number`);
	return value;
};

// --- Apps, people, installations ---

function add_app(w, args)
{
	let { public_key } = args;
	let private_key;
	if (args.public_key_file)
		public_key = fs.readFileSync(args.public_key_file, 'utf8');
	if (!public_key) {
		const pair = crypto.generateKeyPairSync('rsa', { modulusLength: 2048,
			publicKeyEncoding: { type: 'spki', format: 'pem' },
			privateKeyEncoding: { type: 'pkcs1', format: 'pem' } });
		public_key = pair.publicKey;
		private_key = pair.privateKey;
		if (args.private_key_file)
			fs.writeFileSync(args.private_key_file, private_key, { mode: 0o600 });
	}
	const app = w.add_app({ ...args, public_key });
	return { app: show.app(w, app), private_key };
}

async function add_installation(w, args)
{
	const installation = w.add_installation(args);
	const repos = [...w.repositories.values()].filter(r => w.covers(installation, r));
	return { installation: show.installation(w, installation), ...await send(w, args, ['installation',
		show.installation_event(w, 'created', installation, repos, installation.account)]) };
}

function installation_of(w, args)
{
	const installation = w.installations.get(Number(args.installation));
	if (!installation)
		throw new Error(`no installation ${args.installation}`);
	return installation;
}

async function installation_repositories(w, args)
{
	const installation = installation_of(w, args);
	const [added, removed] = [(args.add || []).map(n => w.repository(n)),
		(args.remove || []).map(n => w.repository(n))];
	installation.selection = 'selected';
	installation.updated_at = w.stamp();
	added.forEach(r => installation.selected.add(r.full_name.toLowerCase()));
	removed.forEach(r => installation.selected.delete(r.full_name.toLowerCase()));
	return send(w, args, ['installation_repositories', show.installation_repositories_event(w,
		added.length ? 'added' : 'removed', installation, added, removed, installation.account)]);
}

async function installation_change(w, args)
{
	const installation = installation_of(w, args);
	if (!['deleted', 'suspend', 'unsuspend', 'new_permissions_accepted'].includes(args.action))
		throw new Error('action is deleted, suspend, unsuspend or new_permissions_accepted');
	if (args.permissions)
		installation.permissions = args.permissions;
	installation.updated_at = w.stamp();
	installation.deleted = args.action === 'deleted';
	installation.suspended_at = args.action === 'suspend' ? w.stamp() : null;
	return send(w, args, ['installation',
		show.installation_event(w, args.action, installation, [], installation.account)]);
}

// An owner or the App's settings took something away, or gave it; of that there is no event. Tokens have what they
// were made with, cut to what is left.
function installation_permissions(w, args)
{
	const installation = installation_of(w, args);
	installation.permissions = args.permissions;
	for (const token of w.tokens.values()) {
		if (token.installation === installation)
			token.permissions = Object.fromEntries(Object.entries(token.permissions)
				.filter(([name]) => name === 'metadata' || args.permissions[name]));
	}
	return { permissions: installation.permissions };
}

// --- repositories ---

// What happens to a repository; `action` is the event's. It goes to whom the App is installed for afterwards; of a
// deleted one, before.
async function change_repository(w, args)
{
	const repo = w.repository(args.repo);
	const sender = w.user(args.user || repo.owner.login);
	const changes = {};
	let after = repo;
	switch (args.action) {
	case 'renamed':
		changes.repository = { name: { from: repo.name } };
		w.rename_repository(repo, repo.owner.login, args.name);
		break;
	case 'transferred':
		changes.owner = { from: repo.owner.type === 'Organization' ? { organization: show.organization(w, repo.owner) }
			: { user: show.user(w, repo.owner) } };
		w.rename_repository(repo, args.owner, args.name || repo.name);
		break;
	case 'privatized':
	case 'publicized':
		repo.private = args.action === 'privatized';
		break;
	case 'archived':
	case 'unarchived':
		repo.archived = args.action === 'archived';
		break;
	case 'edited':
		changes.default_branch = { from: repo.default_branch };
		repo.default_branch = args.default_branch;
		break;
	case 'deleted':
		w.repositories.delete(repo.full_name.toLowerCase());
		after = null;
		break;
	default:
		throw new Error(`no such action of a repository: ${args.action}`);
	}
	repo.updated_at = w.stamp();
	return { repository: show.repository(w, after), ...await send(w, args, ['repository',
		show.repository_event(w, args.action, repo, sender, changes), repo]) };
}

// --- branches ---

async function is_forced(repo, before, after)
{
	if (before === ZERO || after === ZERO)
		return false;
	return (await git(repo.dir, 'merge-base', '--is-ancestor', before, after, { ok: [1] })).code === 1;
}

// Moves a branch and tells everybody whom it concerns: push, check_suite, and a synchronize for
// each open pull request whose head it is.
async function move_branch(w, args, repo, branch, after)
{
	const ref = `refs/heads/${branch}`;
	const before = await commit_of(repo.dir, ref) || ZERO;
	const sender = w.user(args.user || 'contributor');
	await w.set_ref(repo, ref, after === ZERO ? null : after);
	repo.pushed_at = w.stamp();
	const forced = await is_forced(repo, before, after);
	const events = [['push', show.push_event(w, repo, ref, before, after, forced, sender), repo]];
	if (after !== ZERO && w.installation_of(repo))
		events.push(['check_suite', show.check_suite_event(w, 'requested',
			w.suite(w.app, repo, after), sender), repo]);
	for (const other of w.repositories.values()) {
		for (const pull of other.pulls.values()) {
			if (pull.state !== 'open')
				continue;
			if (pull.repo === repo && pull.base.ref === branch)
				w.forget_merge(pull);
			if (pull.head.repo !== repo || pull.head.ref !== branch || after === ZERO)
				continue;
			await w.follow_head(pull, after);
			events.push(['pull_request', show.pull_request_event(w, 'synchronize', pull, sender,
				{ before, after }), pull.repo]);
		}
	}
	return { before, after, forced, ...await send(w, args, ...events) };
}

async function push(w, args)
{
	const repo = w.repository(args.repo);
	if (args.delete)
		return move_branch(w, args, repo, args.branch, ZERO);
	const after = args.from ? await take_commit(repo.dir, args.from, args.rev || args.branch)
		: await commit_of(repo.dir, args.rev);
	if (!after)
		throw new Error(`${args.repo} has no commit ${args.rev}`);
	return move_branch(w, args, repo, args.branch, after);
}

async function commit(w, args)
{
	const repo = w.repository(args.repo);
	const parent = await commit_of(repo.dir, args.parent || `refs/heads/${args.branch}`)
		|| await commit_of(repo.dir, `refs/heads/${repo.default_branch}`);
	const after = await write_commit(repo.dir, parent, args.files || {}, args.message || 'change',
		args.date);
	return move_branch(w, args, repo, args.branch, after);
}

// --- pull requests ---

const pull_event = (w, action, pull, sender, more) =>
	['pull_request', show.pull_request_event(w, action, pull, sender, more), pull.repo];

const shown = async (w, args, pull, ...events) => ({ pull: show.pull(w, pull),
	...await send(w, args, ...events) });

async function open_pull(w, args)
{
	const pull = await w.open_pull(args);
	return shown(w, args, pull, pull_event(w, 'opened', pull, pull.user));
}

// Changes what a person can change of a pull request; `action` is the event's.
async function change_pull(w, args)
{
	const pull = w.pull(args.repo, args.number);
	const sender = w.user(args.user || pull.user.login);
	const more = {};
	switch (args.action) {
	case 'closed':
		pull.state = 'closed';
		pull.closed_at = w.stamp();
		pull.merged = !!args.merged;
		pull.merged_at = args.merged ? w.stamp() : null;
		break;
	case 'reopened':
		pull.state = 'open';
		pull.closed_at = null;
		await find_head(w, pull);
		break;
	case 'ready_for_review':
	case 'converted_to_draft':
		pull.draft = args.action === 'converted_to_draft';
		break;
	case 'labeled':
	case 'unlabeled':
		more.label = show.label(w, pull.repo, add_label(w, pull, args.label));
		if (args.action === 'unlabeled')
			pull.labels = pull.labels.filter(l => l.name !== more.label.name);
		break;
	case 'edited':
		more.changes = await edit_pull(w, pull, args);
		break;
	case 'enqueued':
	case 'dequeued':
		if (args.reason)
			more.reason = args.reason;
		break;
	default:
		throw new Error(`no such action of a pull request: ${args.action}`);
	}
	pull.updated_at = w.stamp();
	w.note_pull(pull);
	return shown(w, args, pull, pull_event(w, args.action, pull, sender, more));
}

// What was pushed while it was closed counts when it is open again.
async function find_head(w, pull)
{
	const sha = pull.head.repo && await commit_of(pull.head.repo.dir, `refs/heads/${pull.head.ref}`);
	if (sha && sha !== pull.head.sha)
		await w.follow_head(pull, sha);
	else
		w.forget_merge(pull);
}

async function edit_pull(w, pull, args)
{
	const changes = {};
	for (const key of ['title', 'body']) {
		if (args[key] !== undefined) {
			changes[key] = { from: pull[key] };
			pull[key] = args[key];
		}
	}
	if (args.base !== undefined) {
		const sha = await commit_of(pull.repo.dir, `refs/heads/${args.base}`);
		if (!sha)
			throw new Error(`no branch ${args.base}`);
		changes.base = { ref: { from: pull.base.ref }, sha: { from: pull.base.sha } };
		pull.base = { ref: args.base, sha };
		w.forget_merge(pull);
	}
	return changes;
}

function lose_head(w, args)
{
	const pull = w.pull(args.repo, args.number);
	pull.head.repo = null;
	w.note_pull(pull);
	return { pull: show.pull(w, pull) };
}

// --- comments ---

async function comment(w, args)
{
	const pull = w.pull(args.repo, args.number);
	const author = w.user(args.user || 'contributor');
	const added = new_comment(w, pull, author, args.body);
	added.author_association = args.author_association;
	return { comment: show.comment(w, added), ...await send(w, args, ['issue_comment',
		show.issue_comment_event(w, 'created', added, author), pull.repo]) };
}

async function change_comment(w, args)
{
	const it = w.comments.get(Number(args.comment_id));
	if (!it)
		throw new Error(`no comment ${args.comment_id}`);
	const from = it.body;
	const deleted = args.body === undefined;
	if (deleted)
		it.deleted = true;
	else
		edit_comment(w, it, args.body);
	const sender = args.user ? w.user(args.user) : it.user;
	return { comment: show.comment(w, it), ...await send(w, args, ['issue_comment', deleted
		? show.issue_comment_event(w, 'deleted', it, sender)
		: show.issue_comment_event(w, 'edited', it, sender, { changes: { body: { from } } }),
	it.pull.repo]) };
}

const ROLE_OF = { maintain: 'write', triage: 'read' };

function permission(w, args)
{
	const repo = w.repository(args.repo);
	const role_name = args.role_name || args.permission;
	const given = { permission: ROLE_OF[args.permission] || args.permission, role_name };
	if (!['admin', 'write', 'read', 'none'].includes(given.permission))
		throw new Error('permission is admin, maintain, write, triage, read or none');
	repo.permissions.set(w.user(args.user).login.toLowerCase(), given);
	return given;
}

// --- checks and the merge queue ---

function the_run(w, args)
{
	const run = w.check_runs.get(Number(args.check_run_id));
	if (!run)
		throw new Error(`no check run ${args.check_run_id}`);
	return run;
}

async function check_run_event(w, args)
{
	const run = the_run(w, args);
	const more = {};
	if (args.identifier !== undefined) {
		if (!args.unlisted && !run.actions.some(a => a.identifier === args.identifier))
			throw new Error(`check run ${run.id} has no button ${args.identifier}`);
		if (run.status !== 'completed')
			throw new Error('the buttons show only after completion');
		more.requested_action = { identifier: args.identifier };
	} else {
		run.suite.status = 'queued';
		run.suite.conclusion = null;
	}
	return send(w, args, ['check_run', show.check_run_event(w, args.identifier === undefined
		? 'rerequested' : 'requested_action', run, w.user(args.user || 'contributor'), more), run.repo]);
}

async function check_suite_rerequest(w, args)
{
	const repo = w.repository(args.repo);
	const suite = w.suite(w.app, repo, args.head_sha);
	suite.status = 'queued';
	suite.conclusion = null;
	return send(w, args, ['check_suite', show.check_suite_event(w, 'rerequested', suite,
		w.user(args.user || 'contributor')), repo]);
}

// What a push to a branch sends besides, alone.
async function check_suite_request(w, args)
{
	const repo = w.repository(args.repo);
	return send(w, args, ['check_suite', show.check_suite_event(w, 'requested', w.suite(w.app, repo, args.head_sha),
		w.user(args.user || 'contributor')), repo]);
}

// A check run of another App: what ours must not take for its own.
function foreign_check_run(w, args)
{
	if (!w.apps.length)
		throw new Error('make the App first: the first App is ours');
	let other = w.apps.find(a => a.slug === 'another-app');
	if (!other) {
		const { publicKey } = crypto.generateKeyPairSync('rsa', { modulusLength: 2048,
			publicKeyEncoding: { type: 'spki', format: 'pem' } });
		other = w.add_app({ slug: 'another-app', public_key: publicKey });
	}
	const { repo, ...body } = args;
	return { check_run: show.check_run(w, new_check_run(w, other, w.repository(repo), body)) };
}

async function merge_group(w, args)
{
	const repo = w.repository(args.repo);
	const pulls = args.numbers.map(n => w.pull(args.repo, n));
	const base_ref = pulls[0].base.ref;
	const base_sha = await commit_of(repo.dir, `refs/heads/${base_ref}`);
	let head_sha = base_sha;
	for (const pull of pulls) {
		head_sha = await test_merge(repo.dir, head_sha, pull.head.sha);
		if (!head_sha)
			throw new Error(`#${pull.number} conflicts`);
	}
	const last = pulls[pulls.length - 1];
	const branch = `gh-readonly-queue/${base_ref}/pr-${last.number}-${base_sha}`;
	const group = { repo, pulls, head_sha, base_sha, base_ref: `refs/heads/${base_ref}`,
		head_ref: `refs/heads/${branch}`, tree: await git(repo.dir, 'rev-parse', `${head_sha}^{tree}`),
		message: `Merge pull request #${last.number}`, created_at: w.stamp(), destroyed: null };
	w.merge_groups.push(group);
	await w.set_ref(repo, group.head_ref, head_sha);
	const sender = w.user('github-merge-queue[bot]', { type: 'Bot' });
	return { head_sha, head_ref: group.head_ref, base_sha, ...await send(w, args,
		['merge_group', show.merge_group_event(w, 'checks_requested', group, sender), repo],
		['push', show.push_event(w, repo, group.head_ref, ZERO, head_sha, false, sender), repo]) };
}

async function merge_group_destroy(w, args)
{
	const group = w.merge_groups.find(g => g.head_sha === args.head_sha && !g.destroyed);
	if (!group)
		throw new Error(`no merge group ${args.head_sha}`);
	group.destroyed = args.reason || 'dequeued';
	await w.set_ref(group.repo, group.head_ref, null);
	return send(w, args, ['merge_group', show.merge_group_event(w, 'destroyed', group,
		w.user('github-merge-queue[bot]', { type: 'Bot' }), { reason: group.destroyed }), group.repo]);
}

// --- deliveries and disturbances ---

async function deliver(w, args)
{
	const delivery = prepare(w, args.event, args.payload, { guid: args.guid, signed: args.signed,
		headers: args.headers });
	if (!delivery)
		return { deliveries: [] };
	if (args.deliver !== false)
		await post(w, delivery);
	return { deliveries: [delivery] };
}

// What GitHub sends when the App's webhook is made or changed.
function ping(w, args)
{
	const { app } = w;
	const payload = { zen: 'Approachable is better than simple.', hook_id: app.hook.id, hook: { type: 'App', id: app.hook.id,
		name: 'web', active: app.hook.active, events: app.events, config: { content_type: app.hook.content_type || 'json',
			insecure_ssl: app.hook.insecure_ssl || '0', secret: '********', url: app.hook.url },
		updated_at: w.stamp(), created_at: app.created_at, app_id: app.id,
		deliveries_url: `${w.url}/app/hook/deliveries` } };
	return deliver(w, { ...args, event: 'ping', payload });
}

async function redeliver_again(w, args)
{
	const delivery = w.deliveries.find(d => d.id === args.id || d.guid === args.guid);
	if (!delivery || !is_kept(w, delivery))
		throw new Error('no such delivery');
	return { deliveries: [await redeliver(w, delivery)] };
}

// offset_s moves it; rate makes it run faster from from_ms (milliseconds of the true clock) on.
function set_clock(w, args)
{
	if (args.offset_s !== undefined)
		w.clock_offset_s = check_numbers(args.offset_s, 'offset_s');
	if (args.rate !== undefined) {
		w.clock_from_ms = check_numbers(args.from_ms, 'from_ms');
		w.clock_rate = check_numbers(args.rate, 'rate');
	}
	return { offset_s: w.clock_offset_s, rate: w.clock_rate, now: w.stamp() };
}

function set_settings(w, args)
{
	for (const [key, value] of Object.entries(args)) {
		if (!(key in w.settings))
			throw new Error(`no setting ${key}`);
		if (typeof value !== typeof w.settings[key])
			throw new Error(`${key} is a ${typeof w.settings[key]}`);
		w.settings[key] = value;
	}
	return w.settings;
}

function expire_tokens(w, args)
{
	const left = check_numbers(args.in_s === undefined ? 0 : args.in_s, 'in_s') * 1000;
	for (const token of w.tokens.values())
		token.expires_ms = Math.min(token.expires_ms, w.now_ms() + left);
	return { tokens: w.tokens.size };
}

function set_rate(w, args)
{
	const rate = w.rate(`installation ${args.installation}`);
	rate.used = Math.max(0, rate.limit - check_numbers(args.remaining, 'remaining'));
	if (args.reset_in_s !== undefined)
		rate.reset_s = w.now_s() + check_numbers(args.reset_in_s, 'reset_in_s');
	return rate;
}

export const actions = {
	app: add_app,
	hook: (w, args) => Object.assign(w.app.hook, args),
	ping,
	settings: set_settings,
	clock: set_clock,
	team: (w, args) => {
		w.teams.set(args.team.toLowerCase(), new Set(args.members.map(m => w.user(m).login.toLowerCase())));
		return { members: args.members.length };
	},
	user: (w, { login, ...more }) => show.user(w, w.user(login, more)),
	installation: add_installation,
	installation_repositories,
	installation_change,
	installation_permissions,
	repository_change: change_repository,
	repository: async (w, args) => ({ repository: show.repository(w, await w.add_repository(args)) }),
	push,
	commit,
	pull: open_pull,
	pull_change: change_pull,
	pull_lose_head: lose_head,
	review: (w, args) => {
		const pull = w.pull(args.repo, args.number);
		const by = w.user(args.user);
		pull.reviewers = pull.reviewers.filter(u => u !== by);
		pull.reviews.push({ id: w.id('comment'), pull, user: by, state: args.state || 'COMMENTED', submitted_at: w.stamp() });
		return { reviews: pull.reviews.length };
	},
	comment,
	comment_change: change_comment,
	permission,
	check_run_rerequest: (w, args) => check_run_event(w, { ...args, identifier: undefined }),
	check_run_action: check_run_event,
	check_suite_rerequest,
	check_suite_request,
	foreign_check_run,
	merge_group,
	merge_group_destroy,
	deliver,
	release,
	redeliver: redeliver_again,
	manifest: (w, args) => {
		const code = crypto.randomBytes(20).toString('hex');
		w.manifests.set(code, args.manifest);
		return { code };
	},
	expire_tokens,
	rate: set_rate,
	fault: (w, args, faults) => ({ id: faults.add(args) }),
	faults_clear: (w, args, faults) => ({ cleared: faults.list.splice(0).length }),
	violations_clear: w => ({ cleared: w.violations.splice(0) }),
	reset: (w, args, faults) => {
		faults.list.splice(0);
		w.reset();
		return {};
	},
};

// --- what a test may ask ---

const runs = (w, query) => (w.age_runs(), [...w.check_runs.values()])
	.filter(r => (!query.repo || r.repo.full_name === query.repo)
		&& (!query.head_sha || r.head_sha === query.head_sha))
	.map(r => ({ id: r.id, repo: r.repo.full_name, app: r.app.slug, name: r.name,
		head_sha: r.head_sha, external_id: r.external_id, details_url: r.details_url,
		status: r.status, conclusion: r.conclusion, output: r.output, annotations: r.annotations,
		actions: r.actions, started_at: r.started_at, completed_at: r.completed_at,
		history: r.history }));

const comments = (w, query) => [...w.comments.values()]
	.filter(c => (!query.repo || c.pull.repo.full_name === query.repo)
		&& (!query.number || c.pull.number === Number(query.number)))
	.map(c => ({ id: c.id, repo: c.pull.repo.full_name, number: c.pull.number, user: c.user.login,
		app: c.app ? c.app.slug : null, body: c.body, deleted: c.deleted, history: c.history,
		reactions: c.reactions.map(r => ({ user: r.user.login, content: r.content })) }));

// What a commit shows: of each App and name the newest run, whatever pull requests have it as their head; and the
// statuses, of each context the newest.
function commit_checks(w, query)
{
	const repo = w.repository(query.repo);
	const found = new Map();
	for (const run of w.runs_of(repo, query.head_sha).sort((a, b) => a.id - b.id))
		found.set(`${run.app.slug} ${run.name}`, run);
	return { pulls: [...repo.pulls.values()].filter(p => p.head.sha === query.head_sha).map(p => p.number),
		checks: [...found.values()].map(r => ({ app: r.app.slug, name: r.name, status: r.status, conclusion: r.conclusion })),
		statuses: show.newest_statuses(repo, query.head_sha).map(s => ({ context: s.context, state: s.state })) };
}

const pulls = w => [...w.repositories.values()].flatMap(r => [...r.pulls.values()].map(p => ({
	repo: r.full_name, number: p.number, state: p.state, draft: p.draft, head_sha: p.head.sha,
	head_repo: p.head.repo && p.head.repo.full_name, head_ref: p.head.ref, base_ref: p.base.ref,
	base_sha: p.base.sha, mergeable: p.mergeable, merge_commit_sha: p.merge_commit_sha,
	labels: p.labels.map(l => l.name), reviewers: p.reviewers.map(u => u.login) })));

const manners_of_all = w => Object.fromEntries([...w.etiquette].map(([who, { content, points, ...rest }]) => [who, rest]));

const without_bodies = w => w.deliveries.map(({ body, headers, ...rest }) => rest);

export const questions = {
	health: () => ({ ok: true }),
	violations: w => w.violations,
	requests: (w, q) => w.requests.filter(r => (!q.method || r.method === q.method)
		&& (!q.route || r.route === q.route) && (!q.since || r.n > Number(q.since))),
	counts: w => w.request_counts,
	check_runs: runs,
	commit_checks,
	comments,
	pulls,
	deliveries: w => w.deliveries,
	etiquette: manners_of_all,
	faults: (w, q, faults) => faults.dump(),
	state: (w, q, faults) => ({ url: w.url, settings: w.settings, check_runs: runs(w, {}),
		comments: comments(w, {}), pulls: pulls(w), deliveries: without_bodies(w),
		request_counts: w.request_counts, etiquette: manners_of_all(w),
		violations: w.violations, faults: faults.dump(), tokens: w.tokens.size }),
};
