// GitHub's objects as its API and its webhooks show them. Every function takes the world first.

const demo = { name: 'demo', email: 'demo@example.org' };
const node_id = (kind, id) => `${kind}_kwDO${Buffer.from(String(id)).toString('base64url')}`;
const api_repo = (w, repo) => `${w.url}/repos/${repo.full_name}`;

// The addresses of a thing's parts: name + '_url' -> below `api`. GitHub sends them all.
const urls = (api, parts) => Object.fromEntries(Object.entries(parts)
	.map(([name, rest]) => [`${name}_url`, `${api}/${rest}`]));

const USER_PARTS = { followers: 'followers', following: 'following{/other_user}',
	gists: 'gists{/gist_id}', starred: 'starred{/owner}{/repo}', subscriptions: 'subscriptions',
	organizations: 'orgs', repos: 'repos', events: 'events{/privacy}',
	received_events: 'received_events' };

export function user(w, u)
{
	if (!u)
		return null;
	const api = `${w.url}/users/${encodeURIComponent(u.login)}`;
	return {
		login: u.login, id: u.id, node_id: node_id('U', u.id), avatar_url: `${w.url}/avatars/u/${u.id}`,
		gravatar_id: '', url: api, html_url: `${w.url}/${encodeURIComponent(u.login)}`,
		...urls(api, USER_PARTS), type: u.type, user_view_type: 'public', site_admin: false,
	};
}

const ORGANIZATION_PARTS = { repos: 'repos', events: 'events', hooks: 'hooks', issues: 'issues',
	members: 'members{/member}', public_members: 'public_members{/member}' };

export function organization(w, o)
{
	const api = `${w.url}/orgs/${o.login}`;
	return { login: o.login, id: o.id, node_id: node_id('O', o.id), url: api,
		...urls(api, ORGANIZATION_PARTS), avatar_url: `${w.url}/avatars/u/${o.id}`, description: '' };
}

export function team(w, org, slug, members_count)
{
	const api = `${w.url}/orgs/${org.login}/teams/${slug}`;
	return { id: 1, node_id: node_id('T', slug), url: api, html_url: `${w.url}/orgs/${org.login}/teams/${slug}`, name: slug, slug,
		description: null, privacy: 'closed', permission: 'pull', parent: null, type: 'organization', members_url: `${api}/members{/member}`,
		repositories_url: `${api}/repos`, members_count, repos_count: 0, created_at: w.stamp(), updated_at: w.stamp(),
		organization: { ...organization(w, org), description: null, html_url: `${w.url}/${org.login}`, has_organization_projects: true,
			has_repository_projects: true, public_repos: 0, public_gists: 0, followers: 0, following: 0,
			created_at: w.stamp(), updated_at: w.stamp(), archived_at: null, type: 'Organization' } };
}

const REPOSITORY_PARTS = { forks: 'forks', keys: 'keys{/key_id}', teams: 'teams', hooks: 'hooks',
	collaborators: 'collaborators{/collaborator}', issue_events: 'issues/events{/number}',
	events: 'events', assignees: 'assignees{/user}', branches: 'branches{/branch}', tags: 'tags',
	blobs: 'git/blobs{/sha}', git_tags: 'git/tags{/sha}', git_refs: 'git/refs{/sha}',
	trees: 'git/trees{/sha}', statuses: 'statuses/{sha}', languages: 'languages',
	stargazers: 'stargazers', contributors: 'contributors', subscribers: 'subscribers',
	subscription: 'subscription', commits: 'commits{/sha}', git_commits: 'git/commits{/sha}',
	comments: 'comments{/number}', issue_comment: 'issues/comments{/number}',
	contents: 'contents/{+path}', compare: 'compare/{base}...{head}', merges: 'merges',
	archive: '{archive_format}{/ref}', downloads: 'downloads', issues: 'issues{/number}',
	pulls: 'pulls{/number}', milestones: 'milestones{/number}', labels: 'labels{/name}',
	notifications: 'notifications{?since,all,participating}', releases: 'releases{/id}',
	deployments: 'deployments' };

export function repository(w, repo)
{
	if (!repo)
		return null;
	const api = api_repo(w, repo);
	const html = `${w.url}/${repo.full_name}`;
	return {
		id: repo.id, node_id: node_id('R', repo.id), name: repo.name, full_name: repo.full_name,
		private: repo.private, owner: user(w, repo.owner), html_url: html, description: null,
		fork: !!repo.fork_of, url: api, ...urls(api, REPOSITORY_PARTS), created_at: repo.created_at,
		updated_at: repo.updated_at, pushed_at: repo.pushed_at, git_url: `${html}.git`,
		ssh_url: `git@localhost:${repo.full_name}.git`, clone_url: `${html}.git`, svn_url: html,
		homepage: null, size: 108, stargazers_count: 0, watchers_count: 0, watchers: 0, forks_count: 0,
		forks: 0, open_issues_count: 0, open_issues: 0, network_count: 0, subscribers_count: 0,
		language: 'Nix', license: null, mirror_url: null, has_issues: true, has_projects: true,
		has_downloads: true, has_wiki: true, has_pages: false, has_discussions: false,
		archived: repo.archived, disabled: false, allow_forking: true, is_template: false,
		web_commit_signoff_required: false, topics: [],
		visibility: repo.private ? 'private' : 'public', default_branch: repo.default_branch,
	};
}

const repository_short = repo => ({ id: repo.id, node_id: node_id('R', repo.id), name: repo.name,
	full_name: repo.full_name, private: repo.private });

export function app(w, a)
{
	return {
		id: a.id, slug: a.slug, client_id: a.client_id, node_id: node_id('A', a.id),
		owner: user(w, a.owner), name: a.name, description: '', external_url: w.url,
		html_url: `${w.url}/apps/${a.slug}`, created_at: a.created_at, updated_at: a.created_at,
		permissions: a.permissions, events: a.events,
	};
}

export function installation(w, i)
{
	return {
		id: i.id, client_id: i.app.client_id, account: user(w, i.account),
		repository_selection: i.selection,
		access_tokens_url: `${w.url}/app/installations/${i.id}/access_tokens`,
		repositories_url: `${w.url}/installation/repositories`,
		html_url: `${w.url}/organizations/${i.account.login}/settings/installations/${i.id}`,
		app_id: i.app.id, app_slug: i.app.slug, target_id: i.account.id, target_type: i.account.type,
		permissions: i.permissions, events: i.events, created_at: i.created_at,
		updated_at: i.updated_at, single_file_name: null, has_multiple_single_files: false,
		single_file_paths: [], suspended_by: null, suspended_at: i.suspended_at,
	};
}

const side = (w, ref, sha, repo, owner) => ({ label: `${owner ? owner.login : 'unknown'}:${ref}`, ref,
	sha, user: user(w, owner), repo: repository(w, repo) });

export const label = (w, repo, l) => ({ id: l.id, node_id: node_id('LA', l.id),
	url: `${api_repo(w, repo)}/labels/${encodeURIComponent(l.name)}`, name: l.name, color: 'ededed',
	default: false, description: '' });

// In webhooks GitHub mostly does not know yet whether the pull request merges.
export function pull(w, p, { in_webhook = false } = {})
{
	const api = `${api_repo(w, p.repo)}/pulls/${p.number}`;
	const html = `${w.url}/${p.repo.full_name}/pull/${p.number}`;
	const issue = `${api_repo(w, p.repo)}/issues/${p.number}`;
	const mergeable = in_webhook ? null : p.mergeable;
	return {
		url: api, id: p.id, node_id: node_id('PR', p.id), html_url: html, diff_url: `${html}.diff`,
		patch_url: `${html}.patch`, issue_url: issue, number: p.number, state: p.state, locked: false,
		title: p.title, user: user(w, p.user), body: p.body, created_at: p.created_at,
		updated_at: p.updated_at, closed_at: p.closed_at, merged_at: p.merged_at,
		merge_commit_sha: p.merge_commit_sha, assignee: null, assignees: [], requested_reviewers: p.reviewers.map(u => user(w, u)),
		requested_teams: [], labels: p.labels.map(l => label(w, p.repo, l)), milestone: null,
		draft: p.draft, commits_url: `${api}/commits`, comments_url: `${issue}/comments`,
		statuses_url: `${api_repo(w, p.repo)}/statuses/${p.head.sha}`,
		head: side(w, p.head.ref, p.head.sha, p.head.repo, p.head.repo ? p.head.repo.owner : p.user),
		base: side(w, p.base.ref, p.base.sha, p.repo, p.repo.owner),
		review_comments_url: `${api}/comments`,
		review_comment_url: `${api_repo(w, p.repo)}/pulls/comments{/number}`,
		_links: { self: { href: api }, html: { href: html }, issue: { href: issue },
			comments: { href: `${issue}/comments` }, review_comments: { href: `${api}/comments` },
			review_comment: { href: `${api_repo(w, p.repo)}/pulls/comments{/number}` },
			commits: { href: `${api}/commits` },
			statuses: { href: `${api_repo(w, p.repo)}/statuses/${p.head.sha}` } },
		author_association: p.author_association, auto_merge: null, active_lock_reason: null,
		merged: p.merged, mergeable, rebaseable: mergeable,
		mergeable_state: mergeable === null ? 'unknown' : mergeable ? 'clean' : 'dirty',
		merged_by: null, comments: 0, review_comments: 0, maintainer_can_modify: false, commits: 1,
		additions: 1, deletions: 1, changed_files: 1,
	};
}

const pull_short = (w, p) => ({ url: `${api_repo(w, p.repo)}/pulls/${p.number}`, id: p.id,
	number: p.number,
	head: { ref: p.head.ref, sha: p.head.sha, repo: { id: p.head.repo.id,
		url: api_repo(w, p.head.repo), name: p.head.repo.name } },
	base: { ref: p.base.ref, sha: p.base.sha, repo: { id: p.repo.id, url: api_repo(w, p.repo),
		name: p.repo.name } } });

export function check_suite(w, s)
{
	const pulls = w.pulls_with_head(s.repo, s.head_sha);
	return {
		id: s.id, node_id: node_id('CS', s.id), head_branch: pulls.length ? pulls[0].head.ref : null,
		head_sha: s.head_sha, status: s.status, conclusion: s.conclusion,
		url: `${api_repo(w, s.repo)}/check-suites/${s.id}`, before: null, after: s.head_sha,
		pull_requests: pulls.map(p => pull_short(w, p)), app: app(w, s.app), created_at: s.created_at,
		updated_at: s.updated_at, rerequestable: true, runs_rerequestable: true,
		latest_check_runs_count: w.runs_of(s.repo, s.head_sha).filter(r => r.suite === s).length,
		check_runs_url: `${api_repo(w, s.repo)}/check-suites/${s.id}/check-runs`,
		head_commit: { id: s.head_sha, tree_id: s.head_sha, message: 'see git',
			timestamp: s.created_at, author: demo, committer: demo },
	};
}

export function check_run(w, r, { in_webhook = false } = {})
{
	const { title = null, summary = null, text = null } = r.output || {};
	const api = `${api_repo(w, r.repo)}/check-runs/${r.id}`;
	return {
		id: r.id, name: r.name, node_id: node_id('CR', r.id), head_sha: r.head_sha,
		external_id: r.external_id || '', url: api,
		html_url: `${w.url}/${r.repo.full_name}/runs/${r.id}`,
		details_url: r.details_url || w.url, status: r.status, conclusion: r.conclusion,
		started_at: r.started_at, completed_at: r.completed_at,
		output: { title, summary, text, annotations_count: r.annotations.length,
			annotations_url: `${api}/annotations` },
		check_suite: in_webhook ? check_suite(w, r.suite) : { id: r.suite.id }, app: app(w, r.app),
		pull_requests: w.pulls_with_head(r.repo, r.head_sha).map(p => pull_short(w, p)),
	};
}

const association = (c) => c.author_association || 'CONTRIBUTOR';

export function comment(w, c)
{
	const api = `${api_repo(w, c.pull.repo)}/issues/comments/${c.id}`;
	return {
		url: api, id: c.id, node_id: node_id('IC', c.id), user: user(w, c.user),
		html_url: `${w.url}/${c.pull.repo.full_name}/pull/${c.pull.number}#issuecomment-${c.id}`,
		issue_url: `${api_repo(w, c.pull.repo)}/issues/${c.pull.number}`, created_at: c.created_at,
		updated_at: c.updated_at, body: c.body, author_association: association(c),
		reactions: reactions(api, c.reactions),
		performed_via_github_app: c.app ? app(w, c.app) : null,
	};
}

function reactions(api, list)
{
	const counts = { url: `${api}/reactions`, total_count: list.length };
	for (const content of ['+1', '-1', 'laugh', 'hooray', 'confused', 'heart', 'rocket', 'eyes'])
		counts[content] = list.filter(r => r.content === content).length;
	return counts;
}

export const reaction = (w, r) => ({ id: r.id, node_id: node_id('REA', r.id), user: user(w, r.user),
	content: r.content, created_at: r.created_at });

export function issue(w, p)
{
	const api = `${api_repo(w, p.repo)}/issues/${p.number}`;
	return {
		url: api, repository_url: api_repo(w, p.repo), comments_url: `${api}/comments`,
		html_url: `${w.url}/${p.repo.full_name}/pull/${p.number}`, id: p.id,
		node_id: node_id('PR', p.id), number: p.number, title: p.title, user: user(w, p.user),
		labels: p.labels.map(l => label(w, p.repo, l)), state: p.state, locked: false, assignee: null,
		assignees: [], milestone: null, comments: 0, created_at: p.created_at,
		updated_at: p.updated_at, closed_at: p.closed_at, author_association: p.author_association,
		draft: p.draft, body: p.body, active_lock_reason: null, reactions: reactions(api, []),
		labels_url: `${api}/labels{/name}`, events_url: `${api}/events`, state_reason: null,
		timeline_url: `${api}/timeline`, performed_via_github_app: null,
		pull_request: { url: `${api_repo(w, p.repo)}/pulls/${p.number}`, merged_at: p.merged_at,
			html_url: `${w.url}/${p.repo.full_name}/pull/${p.number}` },
	};
}

export const branch = (w, repo, name, sha) => ({ name, commit: commit(w, repo, sha), protected: false,
	protection: { enabled: false }, protection_url: `${api_repo(w, repo)}/branches/${name}/protection`,
	_links: { html: `${w.url}/${repo.full_name}/tree/${name}`, self: `${api_repo(w, repo)}/branches/${name}` } });

function commit(w, repo, sha)
{
	const api = api_repo(w, repo);
	return { url: `${api}/commits/${sha}`, sha, node_id: node_id('C', sha), html_url: `${w.url}/${repo.full_name}/commit/${sha}`,
		comments_url: `${api}/commits/${sha}/comments`, author: null, committer: null, parents: [],
		commit: { url: `${api}/git/commits/${sha}`, author: demo, committer: demo, message: 'see git', comment_count: 0,
			tree: { sha, url: `${api}/git/trees/${sha}` } } };
}

export const review = (w, r) => ({ id: r.id, node_id: node_id('PRR', r.id), user: user(w, r.user), body: '', state: r.state,
	html_url: `${w.url}/${r.pull.repo.full_name}/pull/${r.pull.number}#pullrequestreview-${r.id}`,
	pull_request_url: `${api_repo(w, r.pull.repo)}/pulls/${r.pull.number}`, submitted_at: r.submitted_at, commit_id: r.pull.head.sha,
	_links: { html: { href: w.url }, pull_request: { href: w.url } }, author_association: 'NONE' });

export const status = (w, repo, s) => ({ url: `${api_repo(w, repo)}/statuses/${s.sha}`, avatar_url: `${w.url}/avatars/u/${s.creator.id}`, id: s.id,
	node_id: node_id('SC', s.id), state: s.state, description: s.description, target_url: s.target_url, context: s.context,
	created_at: s.created_at, updated_at: s.created_at, creator: user(w, s.creator) });

// Of each context the newest.
export const newest_statuses = (repo, sha) => [...new Map(repo.statuses.filter(s => s.sha === sha)
	.map(s => [s.context, s])).values()];

const WORST_STATE = ['error', 'failure', 'pending'];

export function combined_status(w, repo, sha)
{
	const all = newest_statuses(repo, sha);
	const short = s => ({ ...status(w, repo, s), required: null });
	return { state: (WORST_STATE.find(k => all.some(s => s.state === k)) || (all.length ? 'success' : 'pending'))
		.replace('error', 'failure'), statuses: all.map(short), sha, total_count: all.length,
	repository: repository(w, repo), commit_url: `${api_repo(w, repo)}/commits/${sha}`,
	url: `${api_repo(w, repo)}/commits/${sha}/status` };
}

// --- webhook bodies ---

// The members every delivery about a repository carries.
function around(w, repo, sender)
{
	const at = w.installation_of(repo);
	return { repository: repository(w, repo),
		...(repo.owner.type === 'Organization' ? { organization: organization(w, repo.owner) } : {}),
		...(at ? { installation: { id: at.id, node_id: node_id('I', at.id) } } : {}),
		sender: user(w, sender) };
}

export const pull_request_event = (w, action, p, sender, more = {}) => ({ action, number: p.number,
	pull_request: pull(w, p, { in_webhook: true }), ...more, ...around(w, p.repo, sender) });

export const issue_comment_event = (w, action, c, sender, more = {}) => ({ action,
	issue: issue(w, c.pull), comment: comment(w, c), ...more, ...around(w, c.pull.repo, sender) });

export const check_run_event = (w, action, r, sender, more = {}) => ({ action,
	check_run: check_run(w, r, { in_webhook: true }), ...more, ...around(w, r.repo, sender) });

export const check_suite_event = (w, action, s, sender) => ({ action,
	check_suite: check_suite(w, s), ...around(w, s.repo, sender) });

export const push_event = (w, repo, ref, before, after, forced, sender) => ({
	ref, before, after, created: /^0+$/.test(before), deleted: /^0+$/.test(after), forced,
	base_ref: null, compare: `${w.url}/${repo.full_name}/compare/${before}...${after}`, commits: [],
	head_commit: /^0+$/.test(after) ? null : { id: after, tree_id: after, message: 'see git',
		distinct: true, timestamp: w.stamp(), url: `${w.url}/${repo.full_name}/commit/${after}`,
		author: demo, committer: demo, added: [], removed: [], modified: [] },
	pusher: { ...demo, name: sender.login }, ...around(w, repo, sender) });

export const merge_group_event = (w, action, g, sender, more = {}) => ({ action, ...more,
	merge_group: { head_sha: g.head_sha, head_ref: g.head_ref, base_sha: g.base_sha,
		base_ref: g.base_ref, head_commit: { id: g.head_sha, tree_id: g.tree, message: g.message,
			timestamp: g.created_at, author: demo, committer: demo } },
	...around(w, g.repo, sender) });

export const repository_event = (w, action, repo, sender, changes) => ({ action,
	...(Object.keys(changes).length ? { changes } : {}), ...around(w, repo, sender) });

export const installation_event = (w, action, i, repos, sender) => ({ action,
	installation: installation(w, i), repositories: repos.map(repository_short), requester: null,
	sender: user(w, sender) });

export const installation_repositories_event = (w, action, i, added, removed, sender) => ({ action,
	installation: installation(w, i), repository_selection: i.selection,
	repositories_added: added.map(repository_short),
	repositories_removed: removed.map(repository_short), requester: null, sender: user(w, sender) });
