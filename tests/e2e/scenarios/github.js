// GitHub itself: the merge queue, outages, repositories and installations that change, limits.

const good = { evaluation: 'success', rebuilds: 'success' };
const docs = { 'README.md': 'Better words.\n' };
const leaf = { 'packages/hello.sh': 'echo hello of leaf >> $LOG\n' };
const second = { 'packages/hello.sh': 'echo hello of second >> $LOG\n' };
const slow = { 'packages/hello.sh': 'echo begun hello >> $LOG; /bin/sleep 4; echo hello of leaf >> $LOG\n' };
const other = { 'packages/other.sh': 'echo other of other >> $LOG\n' };
const permissions = { metadata: 'read', contents: 'read', checks: 'write', issues: 'write', pull_requests: 'write',
	statuses: 'write', merge_queues: 'read' };
const { checks: _, ...without_checks } = permissions;
const { issues: __, pull_requests: ___, ...without_comments } = permissions;

export default [{
	name: 'a merge group is judged, and what the pull request built is not built again',
	branches: { leaf },
	steps: [
		{ do: 'pull', head: 'leaf' }, { do: 'wait' },
		{ do: 'enqueue', on: 'leaf' }, { do: 'merge_group', of: ['leaf'], as: 'group' },
	],
	expect: { leaf: good, commits: { group: good }, built: ['hello of leaf'] },
}, {
	name: 'a merge group that is given up and queued again',
	branches: { leaf, other },
	steps: [
		{ do: 'pull', head: 'leaf' }, { do: 'pull', head: 'other' }, { do: 'wait' },
		{ do: 'merge_group', of: ['leaf', 'other'], as: 'group' }, { do: 'wait' },
		{ do: 'merge_group_destroy', on: 'group', reason: 'dequeued' },
		{ do: 'dequeue', on: 'leaf', reason: 'MANUAL' },
		{ do: 'merge_group', of: ['other'], as: 'group again' },
	],
	expect: { commits: { 'group again': good } },
}, {
	name: 'killed; opened, pushed, commented on and closed meanwhile; started',
	branches: { leaf, other, docs },
	steps: [
		{ do: 'pull', head: 'docs' }, { do: 'wait' },
		{ do: 'stop', outage: true },
		{ do: 'pull', head: 'leaf' }, { do: 'push', branch: 'leaf', as: 'second', files: second },
		{ do: 'pull', head: 'other' },
		{ do: 'say', on: 'docs', as: 'asked', body: '/ekaci rebuild', user: 'writer' },
		{ do: 'close', on: 'docs' },
		{ do: 'start', outage: true },
	],
	expect: { leaf: { ...good, reports: 1 }, other: { ...good, reports: 1 } },
	outage: true,
	loose: ['docs', 'reactions.asked'],
}, {
	name: 'killed; the default branch and the merge queue move on; started',
	branches: { leaf },
	steps: [
		{ do: 'pull', head: 'leaf' }, { do: 'wait' },
		{ do: 'stop', outage: true },
		{ do: 'push', branch: 'main', as: 'main later', files: other },
		{ do: 'merge_group', of: ['leaf'], as: 'group' },
		{ do: 'start', outage: true },
	],
	expect: { leaf: good, commits: { 'main later': good, group: good } },
	outage: true,
}, {
	name: 'events that never came, and are on no list: open pull requests are compared on start',
	branches: { leaf, other },
	steps: [
		{ do: 'pull', head: 'other' }, { do: 'wait' },
		{ do: 'stop' },
		{ do: 'pull', head: 'leaf', unheard: true },
		{ do: 'push', branch: 'other', as: 'second', files: second, unheard: true },
		{ do: 'start' },
	],
	expect: { leaf: good, other: { ...good, reports: 1 } },
}, {
	name: 'made a draft, and ready, and nobody told of it: on start the one stops and the other begins',
	fails: ['lag', 'fault', 'refuse'],	// the build ends before GitHub says it
	chance: true,
	branches: { leaf: slow, other },
	steps: [
		{ do: 'pull', head: 'other', draft: true }, { do: 'wait' },
		{ do: 'pull', head: 'leaf' }, { do: 'until', begun: 'hello' },
		{ do: 'stop' },
		{ do: 'draft', on: 'leaf', unheard: true }, { do: 'ready', on: 'other', unheard: true },
		{ do: 'start' },
	],
	expect: { leaf: { rebuilds: 'cancelled' }, other: { ...good, reports: 1 }, never: { built: ['hello of leaf'] } },
}, {
	name: 'installed where pull requests are open already',
	branches: { leaf },
	steps: [
		{ do: 'pull', head: 'leaf', unheard: true },
		{ do: 'installation_change', action: 'suspend' }, { do: 'wait' },
		{ do: 'installation_change', action: 'unsuspend' },
	],
	expect: { leaf: good },
}, {
	name: 'renamed, and pushed to then',
	branches: { leaf },
	steps: [
		{ do: 'pull', head: 'leaf' }, { do: 'wait' },
		{ do: 'repository_change', action: 'renamed', name: 'show' }, { do: 'wait' },
		{ do: 'push', branch: 'leaf', as: 'second', files: second },
	],
	expect: { leaf: { ...good, reports: 1 } },
}, {
	name: 'renamed while it is under way',
	branches: { leaf },
	steps: [
		{ do: 'pull', head: 'leaf' },
		{ do: 'repository_change', action: 'renamed', name: 'show' },
	],
	expect: { leaf: { ...good, reports: 1 } },
	loose: ['reports'],		// which name it has is the order's
}, {
	name: 'made private: its pages close',
	branches: { leaf },
	steps: [
		{ do: 'pull', head: 'leaf' }, { do: 'wait' },
		{ do: 'repository_change', action: 'privatized' },
	],
	expect: { leaf: { ...good, page: 404 } },
}, {
	name: 'archived while it is under way: work stops, and nothing is asked for ever',
	chance: true,
	branches: { leaf: slow },
	steps: [
		{ do: 'pull', head: 'leaf' }, { do: 'until', begun: 'hello' },
		{ do: 'repository_change', action: 'archived' },
	],
	expect: { leaf: {}, built: ['begun hello'] },
	ends_open: true,
}, {
	name: 'deleted while it is under way: work stops, and nothing is asked for ever',
	chance: true,
	branches: { leaf: slow },
	steps: [
		{ do: 'pull', head: 'leaf' }, { do: 'until', begun: 'hello' },
		{ do: 'repository_change', action: 'deleted' },
	],
	expect: { built: ['begun hello'] },
	ends_open: true,
}, {
	name: 'transferred to where the App is not: work stops',
	chance: true,
	branches: { leaf: slow },
	steps: [
		{ do: 'pull', head: 'leaf' }, { do: 'until', begun: 'hello' },
		{ do: 'installation_repositories', remove: ['org/demo'] },
		{ do: 'repository_change', action: 'transferred', owner: 'elsewhere' },
	],
	expect: { built: ['begun hello'] },
	ends_open: true,
}, {
	name: 'taken out of the installation while it is under way: work stops',
	chance: true,
	branches: { leaf: slow },
	steps: [
		{ do: 'pull', head: 'leaf' }, { do: 'until', begun: 'hello' },
		{ do: 'installation_repositories', remove: ['org/demo'] },
	],
	expect: { leaf: {}, built: ['begun hello'] },
	ends_open: true,
}, {
	name: 'uninstalled while it is under way: work stops',
	chance: true,
	branches: { leaf: slow },
	steps: [
		{ do: 'pull', head: 'leaf' }, { do: 'until', begun: 'hello' },
		{ do: 'installation_change', action: 'deleted' },
	],
	expect: { leaf: {}, built: ['begun hello'] },
	ends_open: true,
}, {
	name: 'taken out of the installation: nothing more is evaluated or built',
	branches: { leaf },
	steps: [
		{ do: 'pull', head: 'leaf' }, { do: 'wait' },
		{ do: 'installation_repositories', remove: ['org/demo'] }, { do: 'wait' },
		{ do: 'push', branch: 'leaf', as: 'second', files: second },
	],
	expect: { leaf: { evaluation: null }, never: { evaluated: ['second'], built: ['second'] } },
}, {
	name: 'suspended while it is under way: nothing more is built; given back, it is judged',
	loose: ['times'],
	branches: { leaf: slow },
	steps: [
		{ do: 'pull', head: 'leaf' }, { do: 'until', begun: 'hello' },
		{ do: 'installation_change', action: 'suspend' }, { do: 'time', s: 30 },
		{ do: 'installation_change', action: 'unsuspend' },
	],
	expect: { leaf: { ...good, page: 200 } },
}, {
	name: 'suspended before it is fetched; given back, it is judged',
	settings: { echo: false },	// nothing else tells that it is public
	branches: { leaf },
	steps: [
		{ do: 'fault', route: '\\.git/', status: 503, times: 2 },
		{ do: 'pull', head: 'leaf' },
		{ do: 'installation_change', action: 'suspend' }, { do: 'time', s: 60 },
		{ do: 'installation_change', action: 'unsuspend' },
	],
	expect: { leaf: { ...good, page: 200 } },
}, {
	name: 'uninstalled, and a push then: nothing is evaluated',
	branches: { leaf },
	steps: [
		{ do: 'pull', head: 'leaf' }, { do: 'wait' },
		{ do: 'installation_change', action: 'deleted' },
		{ do: 'push', branch: 'leaf', as: 'second', files: second },
	],
	expect: { leaf: { evaluation: null }, never: { evaluated: ['second'] } },
}, {
	name: 'checks are not accessible, then they are: what waited is there',
	branches: { leaf },
	steps: [
		{ do: 'installation_permissions', permissions: without_checks },
		{ do: 'pull', head: 'leaf' }, { do: 'wait' },
		{ do: 'installation_change', action: 'new_permissions_accepted', permissions },
	],
	expect: { leaf: { ...good, reports: 1 } },
}, {
	name: 'comments are not accessible, then they are: what waited is there',
	branches: { leaf },
	steps: [
		{ do: 'installation_permissions', permissions: without_comments },
		{ do: 'pull', head: 'leaf' }, { do: 'wait' },
		{ do: 'installation_change', action: 'new_permissions_accepted', permissions },
	],
	expect: { leaf: { ...good, reports: 1 } },
}, {
	name: 'no requests are left for a minute: a command is answered when they are given again',
	branches: { docs },
	steps: [
		{ do: 'pull', head: 'docs' }, { do: 'wait' },
		{ do: 'rate', remaining: 0, reset_in_s: 60 },
		{ do: 'say', on: 'docs', as: 'asked', body: '/ekaci rebuild', user: 'writer' },
		{ do: 'time', s: 80 },
	],
	expect: { docs: { ...good, times: 2 }, reactions: { asked: ['rocket'] } },
}, {
	name: 'no requests are left for seven minutes: a command is answered when they are given again',
	branches: { docs },
	steps: [
		{ do: 'pull', head: 'docs' }, { do: 'wait' },
		{ do: 'rate', remaining: 0, reset_in_s: 420 },
		{ do: 'say', on: 'docs', as: 'asked', body: '/ekaci rebuild', user: 'writer' },
		{ do: 'time', s: 440 },
	],
	expect: { docs: { ...good, times: 2 }, reactions: { asked: ['rocket'] } },
}, {
	name: 'eight writes a minute: all is said in the end, and GitHub never has to refuse twice',
	settings: { writes_per_minute: 8, retry_after_s: 20 },
	branches: { leaf, other },
	steps: [{ do: 'pull', head: 'leaf' }, { do: 'pull', head: 'other' }],
	expect: { leaf: { ...good, reports: 1 }, other: { ...good, reports: 1 } },
}, {
	name: 'killed while GitHub says to wait: after the start it waits still',
	branches: { leaf },
	steps: [
		{ do: 'fault', method: 'POST', route: '/check-runs$', status: 429, headers: { 'retry-after': '60' } },
		{ do: 'pull', head: 'leaf' }, { do: 'until', struck: true }, { do: 'stop' }, { do: 'start' },
	],
	expect: { leaf: { ...good, reports: 1 } },
}, {
	name: 'a secondary limit without a word on how long',
	settings: { writes_per_minute: 12, retry_after_s: 0, secondary_status: 429 },
	branches: { leaf },
	steps: [{ do: 'pull', head: 'leaf' }],
	expect: { leaf: { ...good, reports: 1 } },
}, {
	name: 'a permission that is asked for hangs: the next command is not kept by it',
	branches: { docs },
	steps: [
		{ do: 'pull', head: 'docs' }, { do: 'wait' },
		{ do: 'fault', route: '/permission$', hang: true, times: 3 },
		{ do: 'say', on: 'docs', as: 'one', body: '/ekaci rebuild', user: 'writer' },
		{ do: 'say', on: 'docs', as: 'two', body: '/ekaci help', user: 'stranger' },
		{ do: 'until', within_s: 15, reaction: 'two' },
	],
	expect: { docs: { ...good, times: 2, answers: 1 }, reactions: { one: ['rocket'], two: ['+1'] } },
}, {
	name: 'replicas lag: a head that checks do not know yet',
	settings: { lag_head_ms: 20000 },
	branches: { leaf },
	steps: [{ do: 'pull', head: 'leaf' }, { do: 'wait' }, { do: 'push', branch: 'leaf', as: 'second', files: second }],
	expect: { leaf: { ...good, reports: 1 } },
}, {
	name: 'replicas lag: a head that checks do not know yet, and little to say of it',
	settings: { lag_head_ms: 20000 },
	branches: { docs },
	steps: [{ do: 'pull', head: 'docs' }],
	expect: { docs: { ...good, reports: 0 } },
}, {
	name: 'replicas lag: git does not have the ref yet',
	settings: { lag_git_ms: 20000 },
	branches: { leaf },
	steps: [{ do: 'pull', head: 'leaf' }, { do: 'wait' }, { do: 'push', branch: 'leaf', as: 'second', files: second }],
	expect: { leaf: { ...good, reports: 1 } },
}, {
	name: 'replicas lag: a pull request and a comment that are not visible yet',
	settings: { lag_pull_ms: 20000, lag_comment_ms: 20000 },
	branches: { leaf },
	steps: [
		{ do: 'pull', head: 'leaf' },
		{ do: 'say', on: 'leaf', as: 'asked', body: '/ekaci help', user: 'stranger' },
	],
	expect: { leaf: { ...good, reports: 1, answers: 1 }, reactions: { asked: ['+1'] } },
}, {
	name: 'tokens end in the middle',
	branches: { leaf },
	steps: [{ do: 'pull', head: 'leaf' }, { do: 'expire' }],
	expect: { leaf: { ...good, reports: 1 } },
}, {
	name: 'labels and other news of a pull request start nothing',
	branches: { leaf },
	steps: [
		{ do: 'pull', head: 'leaf' }, { do: 'wait' },
		{ do: 'label', on: 'leaf', label: 'nice' }, { do: 'edit', on: 'leaf', title: 'Another title' },
		{ do: 'enqueue', on: 'leaf' }, { do: 'dequeue', on: 'leaf', reason: 'MANUAL' },
	],
	expect: { leaf: { ...good, times: 1, reports: 1, labels: ['nice'] } },
}];
