// What each operation of the API does. A handler takes { w, params, query, body, app, token, repo }
// and returns { status, body, headers, after }: `after` runs when the answer is on its way.

import crypto from 'node:crypto';
import { commit_of } from './git.js';
import { is_kept, post, prepare, redeliver } from './hooks.js';
import * as show from './payloads.js';

const ok = (body, headers) => ({ status: 200, body, headers });

// An answer that is an error, in GitHub's form.
export class Refusal extends Error {
	constructor(status, message, more = {}, headers = {})
	{
		super(message);
		Object.assign(this, { status, headers, body: { message, ...more,
			documentation_url: 'https://docs.github.com/rest', status: String(status) } });
	}
}

const not_found = () => new Refusal(404, 'Not Found');
const invalid = (...errors) => new Refusal(422, 'Validation Failed', { errors });

// One page of a list, with the Link header that leads to the others.
function page(c, list, wrap = l => l)
{
	const per_page = Number(c.query.per_page || 30);
	const at = Math.max(1, Number(c.query.page || 1));
	const last = Math.max(1, Math.ceil(list.length / per_page));
	const url = n => `<${c.w.url}${c.path}?${new URLSearchParams({ ...c.query, page: n })}>`;
	const links = [];
	if (at > 1)
		links.push(`${url(at - 1)}; rel="prev"`);
	if (at < last)
		links.push(`${url(at + 1)}; rel="next"`, `${url(last)}; rel="last"`);
	if (at > 1)
		links.push(`${url(1)}; rel="first"`);
	return ok(wrap(list.slice((at - 1) * per_page, at * per_page), list.length),
		links.length ? { Link: links.join(', ') } : {});
}

// Events the App's own writes cause come back to it, as at GitHub.
function echo(c, event, payload)
{
	return () => {
		if (!c.w.settings.echo)
			return undefined;
		const delivery = prepare(c.w, event, payload, { repo: c.repo });
		return delivery && post(c.w, delivery);
	};
}

function the_pull(c, number)
{
	const pull = c.repo.pulls.get(Number(number));
	if (!pull || !c.w.seen_pull(pull))
		throw not_found();
	return pull;
}

function the_comment(c)
{
	const comment = c.w.comments.get(Number(c.params.comment_id));
	if (!comment || comment.pull.repo !== c.repo || comment.deleted
		|| !c.w.is_seen(comment.made_ms, c.w.settings.lag_comment_ms))
		throw not_found();
	return comment;
}

function own_comment(c)
{
	const comment = the_comment(c);
	if (comment.app !== c.token.installation.app)
		throw new Refusal(403, 'Resource not accessible by integration');
	return comment;
}

function the_check_run(c)
{
	const run = c.w.check_runs.get(Number(c.params.check_run_id));
	if (!run || run.repo !== c.repo || !c.w.is_seen(run.made_ms, c.w.settings.lag_check_run_ms))
		throw not_found();
	return run;
}

// --- the App and its installations ---

function access_token(c)
{
	const { w, body = {} } = c;
	const installation = the_installation(c);
	if (installation.suspended_at)
		throw new Refusal(403, 'This installation has been suspended');
	let ids = null;
	if (body.repositories || body.repository_ids) {
		const covered = [...w.repositories.values()].filter(r => w.covers(installation, r));
		const wanted = [...(body.repositories || []).map(n => covered.find(r => r.name === n)),
			...(body.repository_ids || []).map(i => covered.find(r => r.id === i))];
		if (wanted.includes(undefined))
			throw new Refusal(422, 'There is at least one repository that does not exist or is not '
				+ 'accessible to the parent installation.');
		ids = new Set(wanted.map(r => r.id));
	}
	const level = { read: 1, write: 2, admin: 3 };
	for (const [name, want] of Object.entries(body.permissions || {})) {
		if (level[want] > (level[installation.permissions[name]] || 0))
			throw new Refusal(422, 'The permissions requested are not granted to this installation.');
	}
	const token = w.mint(installation, ids,
		body.permissions ? { metadata: 'read', ...body.permissions } : { ...installation.permissions });
	const repositories = ids && [...w.repositories.values()].filter(r => ids.has(r.id));
	return { status: 201, body: { token: token.token, expires_at: w.stamp(token.expires_ms),
		permissions: token.permissions, repository_selection: ids ? 'selected' : installation.selection,
		...(ids ? { repositories: repositories.map(r => show.repository(w, r)) } : {}) } };
}

function the_installation(c)
{
	const installation = c.w.installations.get(Number(c.params.installation_id));
	if (!installation || installation.deleted || installation.app !== c.app)
		throw not_found();
	return installation;
}

function installation_of_repository(c)
{
	const repo = c.w.find_repository(`${c.params.owner}/${c.params.repo}`);
	const installation = repo && c.w.installation_of(repo);
	if (!installation || installation.app !== c.app)
		throw not_found();
	return ok(show.installation(c.w, installation));
}

function installation_repositories(c)
{
	const list = [...c.w.repositories.values()].filter(r => c.w.token_reaches(c.token, r));
	return page(c, list, (part, total_count) => ({ total_count,
		repository_selection: c.token.installation.selection,
		repositories: part.map(r => show.repository(c.w, r)) }));
}

const delivery_row = d => ({ id: d.id, guid: d.guid, delivered_at: d.delivered_at,
	redelivery: d.redelivery, duration: d.duration, status: d.status || 'pending',
	status_code: d.status_code, event: d.event, action: d.action, installation_id: d.installation_id,
	repository_id: d.repository_id, throttled_at: null });

function hook_deliveries(c)
{
	const { query, w } = c;
	const per_page = Number(query.per_page || 30);
	const before = query.cursor ? Number(Buffer.from(query.cursor, 'base64url')) : Infinity;
	const all = w.deliveries.filter(d => d.id < before && d.status !== null && is_kept(w, d)
		&& (!query.status || (query.status === 'success') === (d.status === 'OK')))
		.sort((a, b) => b.id - a.id);
	const part = all.slice(0, per_page);
	const cursor = part.length && Buffer.from(String(part[part.length - 1].id)).toString('base64url');
	const more = new URLSearchParams({ ...query, cursor });
	return ok(part.map(delivery_row), all.length > per_page
		? { Link: `<${w.url}${c.path}?${more}>; rel="next"` } : {});
}

function the_delivery(c)
{
	const delivery = c.w.deliveries.find(d => d.id === Number(c.params.delivery_id));
	if (!delivery || !is_kept(c.w, delivery))
		throw not_found();
	return delivery;
}

function convert_manifest(c)
{
	const { w } = c;
	const manifest = w.manifests.get(c.params.code);
	if (!manifest)
		throw not_found();
	w.manifests.delete(c.params.code);
	const { publicKey, privateKey } = crypto.generateKeyPairSync('rsa', { modulusLength: 2048,
		publicKeyEncoding: { type: 'spki', format: 'pem' },
		privateKeyEncoding: { type: 'pkcs1', format: 'pem' } });
	const hook = manifest.hook_attributes || {};
	const secret = crypto.randomBytes(20).toString('hex');
	const app = w.add_app({ name: manifest.name || 'ekaci', public_key: publicKey,
		slug: (manifest.name || 'ekaci').toLowerCase().replace(/[^a-z0-9]+/g, '-'),
		permissions: { metadata: 'read', ...manifest.default_permissions },
		events: manifest.default_events || [],
		hook: { url: hook.url || null, secret, active: hook.active !== false } });
	return { status: 201, body: { ...show.app(w, app), client_secret: crypto.randomBytes(20)
		.toString('hex'), webhook_secret: secret, pem: privateKey } };
}

function rate_limit(c)
{
	const { limit, used, reset_s } = c.w.rate(c.rate_key);
	const core = { limit, used, remaining: Math.max(0, limit - used), reset: reset_s,
		resource: 'core' };
	return ok({ resources: { core, search: { ...core, resource: 'search' } }, rate: core });
}

// --- pull requests ---

function list_pulls(c)
{
	const { state = 'open', head, base, sort = 'created' } = c.query;
	const list = [...c.repo.pulls.values()].map(p => c.w.seen_pull(p)).filter(p => p
		&& (state === 'all' || p.state === state)
		&& (!base || p.base.ref === base)
		&& (!head || head === `${p.head.repo ? p.head.repo.owner.login : ''}:${p.head.ref}`));
	list.sort((a, b) => (sort === 'updated' ? b.updated_at.localeCompare(a.updated_at) : 0) || b.number - a.number);
	if ((c.query.direction || (sort === 'created' ? 'desc' : 'asc')) === 'asc')
		list.reverse();
	return page(c, list, part => part.map(p => show.pull(c.w, p)));
}

async function get_pull(c)
{
	const pull = the_pull(c, c.params.pull_number);
	await c.w.settle_merge(pull);
	const seen = c.w.seen_pull(pull);
	// What is not known of yet has no test merge either.
	return ok(show.pull(c.w, seen.head.sha === pull.head.sha ? seen : { ...seen, mergeable: null }));
}

// https://docs.github.com/en/rest/git/refs#list-matching-references: those whose name begins so, an empty list when there are none
function matching_refs(c)
{
	const refs = c.w.seen_refs(c.repo).filter(({ ref }) => ref.startsWith(`refs/${c.params.ref}`));
	const url = `${c.w.url}/repos/${c.repo.full_name}/git`;
	return ok(refs.map(({ ref, sha }) => ({ ref, node_id: `R_${sha}`, url: `${url}/${ref}`,
		object: { type: 'commit', sha, url: `${url}/commits/${sha}` } })));
}

function get_branch(c)
{
	const found = c.w.seen_refs(c.repo).find(({ ref }) => ref === `refs/heads/${c.params.branch}`);
	if (!found)
		throw new Refusal(404, 'Branch not found');
	return ok(show.branch(c.w, c.repo, c.params.branch, found.sha));
}

function request_reviewers(c)
{
	const pull = the_pull(c, c.params.pull_number);
	for (const login of (c.body && c.body.reviewers) || []) {
		const user = c.w.users.get(login.toLowerCase());
		if (!user || user === pull.user || !c.repo.permissions.has(user.login.toLowerCase()))
			throw new Refusal(422, 'Reviews may only be requested from collaborators. One or more of the users or teams '
				+ 'you specified is not a collaborator of the ' + c.repo.full_name + ' repository.');
		if (!pull.reviewers.includes(user))
			pull.reviewers.push(user);
	}
	return { status: 201, body: show.pull(c.w, pull) };
}

// --- commit statuses ---

async function seen_commit(c, ref)
{
	const sha = await commit_of(c.repo.dir, ref);
	if (!sha || !c.w.knows_commit(c.repo, sha))
		throw new Refusal(422, `No commit found for SHA: ${ref}`);
	return sha;
}

async function create_status(c)
{
	const { w, body, repo } = c;
	const [sha, context] = [await seen_commit(c, c.params.sha), body.context || 'default'];
	if (repo.statuses.filter(s => s.sha === sha && s.context === context).length >= w.settings.statuses_of_a_context)
		throw invalid({ resource: 'Status', code: 'custom',
			message: 'This SHA and context has reached the maximum number of statuses.' });
	const status = { id: w.id('status'), sha, state: body.state, context, description: body.description || null, target_url: body.target_url || null,
		created_at: w.stamp(), creator: w.bot(c.token.installation.app) };
	repo.statuses.push(status);
	return { status: 201, body: show.status(w, repo, status) };
}

// --- check runs ---

const RUN_FIELDS = ['name', 'details_url', 'external_id', 'started_at'];

function apply_to_run(w, run, body)
{
	for (const key of RUN_FIELDS) {
		if (body[key] !== undefined)
			run[key] = body[key];
	}
	if (body.status !== undefined)
		run.status = body.status;
	if (body.conclusion !== undefined) {
		run.status = 'completed';
		run.conclusion = body.conclusion;
		run.completed_at = body.completed_at || w.stamp();
	} else if (run.status !== 'completed') {
		run.conclusion = null;
		run.completed_at = null;
	}
	if (body.output) {
		const { annotations = [], ...rest } = body.output;
		run.output = { ...run.output, ...rest };
		run.annotations.push(...annotations);
	}
	if (body.actions)
		run.actions = body.actions;
	run.history.push({ at: w.stamp(), ms: w.now_ms(), request: body, status: run.status, conclusion: run.conclusion });
	settle_suite(w, run.suite);
}

const WORST = ['failure', 'timed_out', 'action_required', 'cancelled', 'stale', 'neutral', 'success',
	'skipped'];

function settle_suite(w, suite)
{
	const runs = w.runs_of(suite.repo, suite.head_sha).filter(r => r.suite === suite);
	const done = runs.every(r => r.status === 'completed');
	suite.status = done ? 'completed' : runs.some(r => r.status === 'in_progress') ? 'in_progress'
		: 'queued';
	suite.conclusion = done ? WORST.find(k => runs.some(r => r.conclusion === k)) : null;
	suite.updated_at = w.stamp();
}

export function new_check_run(w, app, repo, body)
{
	const suite = w.suite(app, repo, body.head_sha);
	const run = { id: w.id('check_run'), app, repo, suite, head_sha: body.head_sha, name: body.name, made_ms: w.now_ms(),
		status: 'queued', conclusion: null, started_at: w.stamp(), completed_at: null, output: null,
		annotations: [], actions: [], history: [] };
	w.check_runs.set(run.id, run);
	apply_to_run(w, run, body);
	const alike = w.runs_of(repo, run.head_sha).filter(r => r.suite === suite && r.name === run.name).sort((a, b) => a.id - b.id);
	alike.slice(0, Math.max(0, alike.length - w.settings.runs_of_a_name)).forEach(r => w.check_runs.delete(r.id));
	return run;
}

async function create_check_run(c)
{
	const { w, body, repo } = c;
	if (await commit_of(repo.dir, body.head_sha) !== body.head_sha || !w.knows_commit(repo, body.head_sha))
		throw new Refusal(422, `No commit found for SHA: ${body.head_sha}`);
	const run = new_check_run(w, c.token.installation.app, repo, body);
	return { status: 201, body: show.check_run(w, run),
		after: echo(c, 'check_run', show.check_run_event(w, run.status === 'completed' ? 'completed'
			: 'created', run, w.bot(run.app))) };
}

function update_check_run(c)
{
	const { w, body } = c;
	const run = the_check_run(c);
	if (run.app !== c.token.installation.app)
		throw new Refusal(403, 'Resource not accessible by integration');
	const was = run.status;
	apply_to_run(w, run, body);
	const completed = run.status === 'completed' && was !== 'completed';
	return { ...ok(show.check_run(w, run)), after: completed
		? echo(c, 'check_run', show.check_run_event(w, 'completed', run, w.bot(run.app))) : undefined };
}

async function runs_for_ref(c)
{
	const { check_name, status, app_id, filter = 'latest' } = c.query;
	const sha = await seen_commit(c, c.params.ref);
	let runs = c.w.runs_of(c.repo, sha).filter(r => c.w.is_seen(r.made_ms, c.w.settings.lag_check_run_ms))
		.sort((a, b) => b.id - a.id);
	if (filter === 'latest')
		runs = runs.filter((r, at) => runs.findIndex(o => o.name === r.name && o.app === r.app) === at);
	runs = runs.filter(r => (!check_name || r.name === check_name) && (!status || r.status === status)
		&& (!app_id || r.app.id === Number(app_id)));
	return page(c, runs, (part, total_count) => ({ total_count,
		check_runs: part.map(r => show.check_run(c.w, r)) }));
}

// --- comments, reactions, labels, permissions ---

export function new_comment(w, pull, author, body, app = null)
{
	const comment = { id: w.id('comment'), pull, user: author, app, body, made_ms: w.now_ms(), created_at: w.stamp(),
		updated_at: w.stamp(), reactions: [], deleted: false,
		author_association: app ? 'NONE' : undefined, history: [{ at: w.stamp(), ms: w.now_ms(), body }] };
	w.comments.set(comment.id, comment);
	return comment;
}

export function edit_comment(w, comment, body)
{
	comment.body = body;
	comment.updated_at = w.stamp();
	comment.history.push({ at: w.stamp(), ms: w.now_ms(), body });
}

function list_comments(c)
{
	const pull = the_pull(c, c.params.issue_number);
	const since = c.query.since ? Date.parse(c.query.since) : 0;
	const list = [...c.w.comments.values()].filter(k => k.pull === pull && !k.deleted
		&& c.w.is_seen(k.made_ms, c.w.settings.lag_comment_ms) && Date.parse(k.updated_at) >= since);
	return page(c, list, part => part.map(k => show.comment(c.w, k)));
}

function create_comment(c)
{
	const { w } = c;
	const { app } = c.token.installation;
	const comment = new_comment(w, the_pull(c, c.params.issue_number), w.bot(app), c.body.body, app);
	return { status: 201, body: show.comment(w, comment),
		after: echo(c, 'issue_comment', show.issue_comment_event(w, 'created', comment, w.bot(app))) };
}

function update_comment(c)
{
	const { w } = c;
	const comment = own_comment(c);
	const from = comment.body;
	edit_comment(w, comment, c.body.body);
	return { ...ok(show.comment(w, comment)), after: echo(c, 'issue_comment',
		show.issue_comment_event(w, 'edited', comment, comment.user, { changes: { body: { from } } })) };
}

function delete_comment(c)
{
	own_comment(c).deleted = true;
	return { status: 204 };
}

function create_reaction(c)
{
	const { w } = c;
	const comment = the_comment(c);
	const author = w.bot(c.token.installation.app);
	const there = comment.reactions.find(r => r.user === author && r.content === c.body.content);
	if (there)
		return ok(show.reaction(w, there));
	const reaction = { id: w.id('reaction'), user: author, content: c.body.content,
		created_at: w.stamp() };
	comment.reactions.push(reaction);
	return { status: 201, body: show.reaction(w, reaction) };
}

function list_reactions(c)
{
	const list = the_comment(c).reactions
		.filter(r => !c.query.content || r.content === c.query.content);
	return page(c, list, part => part.map(r => show.reaction(c.w, r)));
}

export function add_label(w, pull, name)
{
	const key = name.toLowerCase();
	if (!pull.repo.labels.has(key))
		pull.repo.labels.set(key, { id: w.id('label'), name });
	const label = pull.repo.labels.get(key);
	if (!pull.labels.includes(label))
		pull.labels.push(label);
	return label;
}

function add_labels(c)
{
	const pull = the_pull(c, c.params.issue_number);
	for (const label of (c.body && c.body.labels) || [])
		add_label(c.w, pull, label.name || label);
	return ok(pull.labels.map(l => show.label(c.w, c.repo, l)));
}

function list_labels(c)
{
	return page(c, the_pull(c, c.params.issue_number).labels,
		part => part.map(l => show.label(c.w, c.repo, l)));
}

function remove_label(c)
{
	const pull = the_pull(c, c.params.issue_number);
	const at = pull.labels.findIndex(l => l.name.toLowerCase() === c.params.name.toLowerCase());
	if (at < 0)
		throw new Refusal(404, 'Label does not exist');
	pull.labels.splice(at, 1);
	return ok(pull.labels.map(l => show.label(c.w, c.repo, l)));
}

function get_team(c)
{
	const members = c.w.teams.get(`${c.params.org}/${c.params.team_slug}`.toLowerCase());
	const org = [...c.w.users.values()].find(u => u.login.toLowerCase() === c.params.org.toLowerCase());
	if (!members || !org)
		throw not_found();
	return ok(show.team(c.w, org, c.params.team_slug, members.size));
}

function team_membership(c)
{
	const members = c.w.teams.get(`${c.params.org}/${c.params.team_slug}`.toLowerCase());
	if (!members || !members.has(c.params.username.toLowerCase()))
		throw not_found();
	return ok({ url: `${c.w.url}${c.path}`, role: 'member', state: 'active' });
}

function get_permission(c)
{
	const { w, repo } = c;
	const user = w.users.get(c.params.username.toLowerCase());
	if (!user)
		throw not_found();
	if (user.type === 'Bot')
		throw new Refusal(404, `${user.login} is not a user`);
	const given = repo.permissions.get(user.login.toLowerCase())
		|| (user === repo.owner && { permission: 'admin', role_name: 'admin' })
		|| { permission: repo.private ? 'none' : 'read', role_name: repo.private ? 'none' : 'read' };
	return ok({ ...given, user: { ...show.user(w, user), permissions: {
		pull: given.permission !== 'none', triage: ['triage', 'write', 'maintain', 'admin']
			.includes(given.role_name), push: ['write', 'admin'].includes(given.permission),
		maintain: ['maintain', 'admin'].includes(given.role_name),
		admin: given.permission === 'admin' }, role_name: given.role_name } });
}

// --- the table ---

const of_app = run => ({ auth: 'app', run });
const of_token = (permission, level, run) => ({ auth: 'token', needs: [permission, level], run });
const REPO = '/repos/{owner}/{repo}';
const ISSUES = 'issues|pull_requests';

export const routes = {
	'GET /app': of_app(c => ok({ ...show.app(c.w, c.app), installations_count:
		[...c.w.installations.values()].filter(i => i.app === c.app && !i.deleted).length })),
	'GET /app/hook/config': of_app(c => ok({ content_type: c.w.app.hook.content_type || 'json', insecure_ssl: c.w.app.hook.insecure_ssl || '0',
		secret: '********', ...(c.w.app.hook.url ? { url: c.w.app.hook.url } : {}) })),
	'GET /app/hook/deliveries': of_app(hook_deliveries),
	'GET /app/hook/deliveries/{delivery_id}': of_app(c => {
		const d = the_delivery(c);
		return ok({ ...delivery_row(d), url: c.w.app.hook.url, request: { headers: d.headers,
			payload: JSON.parse(d.body) }, response: { headers: {}, payload: d.response } });
	}),
	'POST /app/hook/deliveries/{delivery_id}/attempts': of_app(c => {
		const delivery = the_delivery(c);
		return { status: 202, body: {}, after: () => redeliver(c.w, delivery) };
	}),
	'GET /app/installations': of_app(c => page(c, [...c.w.installations.values()]
		.filter(i => i.app === c.app && !i.deleted), part => part.map(i => show.installation(c.w, i)))),
	'GET /app/installations/{installation_id}':
		of_app(c => ok(show.installation(c.w, the_installation(c)))),
	'POST /app/installations/{installation_id}/access_tokens': of_app(access_token),
	'POST /app-manifests/{code}/conversions': { auth: 'none', run: convert_manifest },
	'DELETE /installation/token': { auth: 'token', run: c => {
		c.w.tokens.delete(c.token.token);
		return { status: 204 };
	} },
	'GET /installation/repositories': of_token('metadata', 'read', installation_repositories),
	'GET /rate_limit': { auth: 'any', free: true, run: rate_limit },
	[`GET ${REPO}`]: of_token('metadata', 'read', c => ok(show.repository(c.w, c.repo))),
	[`GET ${REPO}/installation`]: of_app(installation_of_repository),
	[`GET ${REPO}/pulls`]: of_token('pull_requests', 'read', list_pulls),
	[`GET ${REPO}/pulls/{pull_number}`]: of_token('pull_requests', 'read', get_pull),
	[`POST ${REPO}/pulls/{pull_number}/requested_reviewers`]: of_token('pull_requests', 'write', request_reviewers),
	[`GET ${REPO}/pulls/{pull_number}/reviews`]: of_token('pull_requests', 'read', c =>
		page(c, the_pull(c, c.params.pull_number).reviews, part => part.map(r => show.review(c.w, r)))),
	[`GET ${REPO}/branches/{branch}`]: of_token('contents', 'read', get_branch),
	[`GET ${REPO}/git/matching-refs/{ref}`]: of_token('contents', 'read', matching_refs),
	[`POST ${REPO}/statuses/{sha}`]: of_token('statuses', 'write', create_status),
	[`GET ${REPO}/commits/{ref}/status`]: of_token('statuses', 'read', async c =>
		ok(show.combined_status(c.w, c.repo, await seen_commit(c, c.params.ref)))),
	'GET /orgs/{org}/teams/{team_slug}': of_token('members', 'read', get_team),
	'GET /orgs/{org}/teams/{team_slug}/memberships/{username}': of_token('members', 'read', team_membership),
	[`POST ${REPO}/check-runs`]: of_token('checks', 'write', create_check_run),
	[`GET ${REPO}/check-runs/{check_run_id}`]:
		of_token('checks', 'read', c => ok(show.check_run(c.w, the_check_run(c)))),
	[`PATCH ${REPO}/check-runs/{check_run_id}`]: of_token('checks', 'write', update_check_run),
	[`GET ${REPO}/commits/{ref}/check-runs`]: of_token('checks', 'read', runs_for_ref),
	[`GET ${REPO}/issues/{issue_number}/comments`]: of_token(ISSUES, 'read', list_comments),
	[`POST ${REPO}/issues/{issue_number}/comments`]: of_token(ISSUES, 'write', create_comment),
	[`GET ${REPO}/issues/comments/{comment_id}`]:
		of_token(ISSUES, 'read', c => ok(show.comment(c.w, the_comment(c)))),
	[`PATCH ${REPO}/issues/comments/{comment_id}`]: of_token(ISSUES, 'write', update_comment),
	[`DELETE ${REPO}/issues/comments/{comment_id}`]: of_token(ISSUES, 'write', delete_comment),
	[`GET ${REPO}/issues/comments/{comment_id}/reactions`]: of_token(ISSUES, 'read', list_reactions),
	[`POST ${REPO}/issues/comments/{comment_id}/reactions`]:
		of_token(ISSUES, 'write', create_reaction),
	[`GET ${REPO}/collaborators/{username}/permission`]: of_token('metadata', 'read', get_permission),
	[`GET ${REPO}/issues/{issue_number}/labels`]: of_token(ISSUES, 'read', list_labels),
	[`POST ${REPO}/issues/{issue_number}/labels`]: of_token(ISSUES, 'write', add_labels),
	[`DELETE ${REPO}/issues/{issue_number}/labels/{name}`]: of_token(ISSUES, 'write', remove_label),
};

// A path template as a regular expression; only {ref} may hold slashes.
function pattern_of(route)
{
	return new RegExp('^' + route.replace(/[.]/g, '\\.').replace(/\{(\w+)\}/g,
		(_, name) => ['ref', 'branch'].includes(name) ? `(?<${name}>.+)` : `(?<${name}>[^/]+)`) + '$');
}

const compiled = Object.entries(routes).map(([name, route]) => {
	const [method, path] = name.split(' ');
	return { name, method, pattern: pattern_of(path), literal: path.split('{').length, ...route };
}).sort((a, b) => a.literal - b.literal);	// fewer parameters are the closer match

// The route of a request: { route, params }, or undefined.
export function find_route(method, path)
{
	for (const route of compiled) {
		const match = route.method === method && route.pattern.exec(path);
		if (!match)
			continue;
		try {
			return { route, params: Object.fromEntries(Object.entries(match.groups || {})
				.map(([k, v]) => [k, decodeURIComponent(v)])) };
		} catch {
			return undefined;
		}
	}
	return undefined;
}

export { invalid, not_found };
