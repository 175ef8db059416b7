// What befell other bots, by what was reported of them in public.

const good = { evaluation: 'success', rebuilds: 'success' };
const leaf = { 'packages/hello.sh': 'echo hello of leaf >> $LOG\n' };
const second = { 'packages/hello.sh': 'echo hello of second >> $LOG\n' };
const other = { 'packages/other.sh': 'echo other of other >> $LOG\n' };
const broken = { 'packages/hello.sh': 'echo hello of broken >> $LOG\nexit 1\n' };
const dead = { 'default.nix': '{ hello = 1 + ; }\n' };
const slow = { 'packages/hello.sh': 'echo begun hello >> $LOG; /bin/sleep 4; echo hello of leaf >> $LOG\n' };
const LOCKED = { message: 'Unable to create comment because issue is locked.', documentation_url: 'https://docs.github.com/articles/locking-conversations/' };

export default [{
	name: 'locked: GitHub takes no comment, and the checks are there all the same',
	branches: { leaf },
	steps: [
		{ do: 'fault', method: 'POST', route: '/issues/\\d+/comments$', status: 403, body: LOCKED, times: -1 },
		{ do: 'pull', head: 'leaf' },
	],
	expect: { leaf: { ...good, reports: 0 } },
	loose: ['reports'],	// another fault may take the place of this one
}, {
	name: 'locked: a command is answered by its reaction',
	branches: { leaf },
	steps: [
		{ do: 'pull', head: 'leaf' }, { do: 'wait' },
		{ do: 'fault', method: 'POST', route: '/issues/\\d+/comments$', status: 403, body: LOCKED, times: -1 },
		{ do: 'say', on: 'leaf', as: 'asked', body: '/ekaci status\n', user: 'writer' },
		{ do: 'say', on: 'leaf', as: 'again', body: '/ekaci rebuild\n', user: 'writer' },
	],
	expect: { leaf: { ...good, times: 2 }, reactions: { asked: ['+1'], again: ['rocket'] } },
}, {
	name: 'a token is refused for some seconds after it was made',
	branches: { leaf },
	steps: [
		{ do: 'fault', route: '/(check-runs|comments|pulls)', status: 401, body: { message: 'Bad credentials' }, times: 4 },
		{ do: 'pull', head: 'leaf' },
	],
	expect: { leaf: { ...good, reports: 1 } },
}, {
	name: 'no token is to be had for a while',
	branches: { leaf },
	steps: [
		{ do: 'fault', method: 'POST', route: '/access_tokens$', status: 500, times: 2 },
		{ do: 'fault', method: 'POST', route: '/access_tokens$', status: 403, body: { message: 'You have exceeded a secondary rate limit' }, headers: { 'retry-after': '30' }, times: 1 },
		{ do: 'pull', head: 'leaf' },
	],
	expect: { leaf: { ...good, reports: 1 } },
}, {
	name: 'both failed checks are run again at once: one run comes of it',
	branches: { dead },
	steps: [
		{ do: 'pull', head: 'dead' }, { do: 'wait' },
		{ do: 'press', on: 'dead', check: 'evaluation', user: 'writer' },
		{ do: 'press', on: 'dead', check: 'rebuilds', user: 'writer' },
	],
	expect: { dead: { evaluation: 'failure', times: 2, reports: 1 } },
}, {
	name: 'one check alone is run again',
	branches: { broken },
	steps: [
		{ do: 'pull', head: 'broken' }, { do: 'wait' },
		{ do: 'press', on: 'broken', check: 'evaluation', user: 'writer' },
	],
	expect: { broken: { evaluation: 'success', rebuilds: 'failure', times: 2, reports: 1 } },
}, {
	name: 'closed and reopened: it runs again, and one report stands',
	branches: { leaf },
	steps: [
		{ do: 'pull', head: 'leaf' }, { do: 'wait' },
		{ do: 'close', on: 'leaf' }, { do: 'reopen', on: 'leaf' },
	],
	expect: { leaf: { ...good, reports: 1 } },
	loose: ['times'],
}, {
	name: 'closed while it is built, and reopened',
	branches: { leaf: slow },
	steps: [
		{ do: 'pull', head: 'leaf' }, { do: 'until', begun: 'hello' },
		{ do: 'close', on: 'leaf' }, { do: 'wait' }, { do: 'time', s: 3 }, { do: 'reopen', on: 'leaf' },
	],
	expect: { leaf: { ...good, reports: 1 } },
	loose: ['times'],
}, {
	name: 'closed, and another one opened of the same head',
	branches: { broken },
	steps: [
		{ do: 'pull', head: 'broken' }, { do: 'wait' },
		{ do: 'close', on: 'broken' }, { do: 'time', s: 3 },
		{ do: 'pull', head: 'broken', as: 'again' },
	],
	expect: { again: { evaluation: 'success', rebuilds: 'failure', reports: 1 } },
	loose: ['times'],
}, {
	name: 'moved to another installation: work goes on there',
	branches: { leaf },
	steps: [
		{ do: 'pull', head: 'leaf' }, { do: 'wait' },
		{ do: 'installation', account: 'elsewhere' },
		{ do: 'repository_change', action: 'transferred', owner: 'elsewhere' }, { do: 'wait' },
		{ do: 'push', branch: 'leaf', as: 'second', files: second },
	],
	expect: { leaf: { ...good, reports: 1 } },
}, {
	name: 'renamed, and nobody told of it; pushed to then',
	branches: { leaf },
	steps: [
		{ do: 'pull', head: 'leaf' }, { do: 'wait' },
		{ do: 'repository_change', action: 'renamed', name: 'show', unheard: true },
		{ do: 'push', branch: 'leaf', as: 'second', files: second },
	],
	expect: { leaf: { ...good, reports: 1 } },
}, {
	name: 'renamed while it is built, and nobody told of it',
	branches: { leaf: slow },
	steps: [
		{ do: 'pull', head: 'leaf' }, { do: 'until', begun: 'hello' },
		{ do: 'repository_change', action: 'renamed', name: 'show', unheard: true },
	],
	expect: { leaf: { ...good, reports: 1 } },
}, {
	name: 'the default branch is renamed: pull requests go on, and the branch is followed under its new name',
	branches: { leaf, 'größe/#1%20&x': {} },
	steps: [
		{ do: 'pull', head: 'leaf' }, { do: 'wait' },
		{ do: 'repository_change', action: 'edited', default_branch: 'größe/#1%20&x' },
		{ do: 'edit', on: 'leaf', base: 'größe/#1%20&x' }, { do: 'wait' },
		{ do: 'push', branch: 'größe/#1%20&x', as: 'main new', files: other }, { do: 'wait' },
		{ do: 'push', branch: 'leaf', as: 'second', files: second },
	],
	expect: { leaf: { ...good, reports: 1 } },
}, {
	name: 'the default branch is deleted and pushed anew',
	branches: { leaf },
	steps: [
		{ do: 'pull', head: 'leaf' }, { do: 'wait' },
		{ do: 'push', branch: 'main', as: 'main later', files: other }, { do: 'wait' },
		{ do: 'push', branch: 'main', as: 'main forced', parent: 'refs/heads/leaf', files: { 'README.md': 'forced\n' } },
	],
	expect: { leaf: { ...good, reports: 1 }, commits: { 'main forced': good } },
}, {
	name: 'a merge group onto a branch with odd letters in its name',
	branches: { 'rel/größe-#1': {}, leaf },
	steps: [
		{ do: 'pull', head: 'leaf', base: 'rel/größe-#1' }, { do: 'wait' },
		{ do: 'merge_group', of: ['leaf'], as: 'group' },
	],
	expect: { leaf: good, commits: { group: good } },
}, {
	name: 'an author who is gone, with a fork that is gone',
	forks: { 'friend/demo': { leaf } },
	steps: [
		{ do: 'pull', head: 'leaf', head_repo: 'friend/demo', user: 'friend', author_association: 'MEMBER' },
		{ do: 'pull_lose_head', on: 'leaf' },
		{ do: 'wait' },
		{ do: 'close', on: 'leaf' }, { do: 'wait' }, { do: 'time', s: 3 },
		{ do: 'reopen', on: 'leaf' },
	],
	expect: { leaf: { ...good, reports: 1 } },
	loose: ['times'],
}, {
	name: 'carriage returns, and a command after words',
	branches: { leaf },
	steps: [
		{ do: 'pull', head: 'leaf' }, { do: 'wait' },
		{ do: 'say', on: 'leaf', as: 'asked', body: 'Once more, please.\r\n\r\n/ekaci rebuild\r\n\r\nThanks \u{1F44D}\r\n', user: 'writer' },
	],
	expect: { leaf: { ...good, times: 2 }, reactions: { asked: ['rocket'] } },
}, {
	name: 'a title of the longest letters, right to left',
	branches: { leaf },
	steps: [{ do: 'pull', head: 'leaf', title: '\u202e' + '\u{1F4A9}'.repeat(250) + '<!-- ekaci:report -->@everyone' }],
	expect: { leaf: { ...good, reports: 1 } },
}, {
	name: 'the report is deleted: the next one stands anew',
	branches: { leaf },
	steps: [
		{ do: 'pull', head: 'leaf' }, { do: 'wait' }, { do: 'erase', on: 'leaf' },
		{ do: 'push', branch: 'leaf', as: 'second', files: second },
	],
	expect: { leaf: { ...good, reports: 1 } },
}, {
	name: 'a member\'s pull request of somebody else\'s fork, which is deleted then: what it has is still nobody\'s here',
	config: { trust: { forks: 'approve' } },
	branches: { release: { 'packages/other.sh': 'echo other of release >> $LOG\n' } },
	forks: { 'stranger/demo': { leaf } },
	steps: [
		{ do: 'pull', head: 'leaf', head_repo: 'stranger/demo', user: 'friend', author_association: 'MEMBER' }, { do: 'wait' },
		{ do: 'pull_lose_head', on: 'leaf' },
		{ do: 'edit', on: 'leaf', base: 'release' },
	],
	expect: { leaf: { evaluation: 'action_required', rebuilds: 'action_required' }, never: { evaluated: ['leaf'], built: ['leaf'] } },
	loose: ['times'],
}, {
	name: 'somebody else pushes to a member\'s pull request, and deletes the fork before it is told: nothing of it is evaluated',
	config: { trust: { forks: 'approve' } },
	forks: { 'stranger/demo': { leaf } },
	steps: [
		{ do: 'pull', head: 'leaf', head_repo: 'stranger/demo', user: 'friend', author_association: 'MEMBER' }, { do: 'wait' },
		{ do: 'stop' },
		{ do: 'push', repo: 'stranger/demo', branch: 'leaf', as: 'evil', files: second, user: 'stranger', unheard: true },
		{ do: 'pull_lose_head', on: 'leaf' },
		{ do: 'start' },
	],
	expect: { leaf: { evaluation: 'action_required', rebuilds: 'action_required' }, never: { evaluated: ['evil'], built: ['second'] } },
	loose: ['times'],
}, {
	name: 'the re-run button of a merge group',
	branches: { leaf },
	steps: [
		{ do: 'pull', head: 'leaf' }, { do: 'merge_group', of: ['leaf'], as: 'group' }, { do: 'wait' },
		{ do: 'press', on: 'leaf', of: 'group', user: 'writer' },
	],
	expect: { leaf: good, commits: { group: { ...good, times: 2 } } },
}, {
	name: 'moved to another base while it is built, and back',
	branches: { leaf: slow, release: other },
	steps: [
		{ do: 'pull', head: 'leaf' }, { do: 'until', begun: 'hello' },
		{ do: 'edit', on: 'leaf', base: 'release' }, { do: 'time', s: 2 }, { do: 'edit', on: 'leaf', base: 'main' },
	],
	expect: { leaf: { ...good, reports: 1 } },
	loose: ['times'],
}, {
	name: 'a bot comments with type Bot and a plain login',
	branches: { leaf },
	steps: [
		{ do: 'pull', head: 'leaf' }, { do: 'wait' },
		{ do: 'user', login: 'Copilot', type: 'Bot' },
		{ do: 'say', on: 'leaf', as: 'asked', body: '/ekaci rebuild', user: 'Copilot' },
	],
	expect: { leaf: { ...good, times: 1 }, reactions: { asked: [] } },
}, {
	name: 'an author of an odd name',
	branches: { leaf },
	steps: [
		{ do: 'pull', head: 'leaf', user: 'jane--doe-_acme' }, { do: 'wait' },
		{ do: 'say', on: 'leaf', as: 'asked', body: '/ekaci cancel', user: 'jane--doe-_acme' },
		{ do: 'say', on: 'leaf', as: 'asked2', body: '/ekaci help', user: 'jane--doe-_acme' },
	],
	expect: { leaf: { ...good, times: 1, reports: 1 }, reactions: { asked2: ['+1'] } },
	loose: ['reactions.asked'],
}, {
	name: '403 without a body, a page of HTML, and half a JSON',
	branches: { leaf },
	steps: [
		{ do: 'fault', method: 'POST', route: '/check-runs$', status: 403, body: '' },
		{ do: 'fault', method: 'POST', route: '/check-runs$', status: 502, body: '<html>Unicorn!</html>', headers: { 'content-type': 'text/html' } },
		{ do: 'fault', method: 'GET', route: '/comments$', status: 200, body: '[{"id": 1,', headers: { 'content-type': 'application/json' } },
		{ do: 'fault', method: 'POST', route: '/comments$', status: 201, body: '{}', when: 'after' },
		{ do: 'pull', head: 'leaf' },
	],
	expect: { leaf: { ...good, reports: 1 } },
	loose: ['times'],
}, {
	name: 'an invalidated group of a pull request that is put in again',
	branches: { leaf: slow, other },
	steps: [
		{ do: 'pull', head: 'leaf' }, { do: 'merge_group', of: ['leaf'], as: 'group' }, { do: 'until', begun: 'hello' },
		{ do: 'push', branch: 'main', as: 'main later', files: other },
		{ do: 'merge_group_destroy', on: 'group', reason: 'invalidated' },
		{ do: 'merge_group', of: ['leaf'], as: 'again' },
	],
	expect: { leaf: good, commits: { again: good } },
	loose: ['times'],
}, {
	name: 'two groups, one on the other',
	branches: { leaf, other },
	steps: [
		{ do: 'pull', head: 'leaf' }, { do: 'pull', head: 'other' }, { do: 'wait' },
		{ do: 'merge_group', of: ['leaf'], as: 'one' }, { do: 'merge_group', of: ['leaf', 'other'], as: 'two' }, 
	],
	expect: { leaf: good, commits: { one: good, two: good }, built: ['hello of leaf', 'other of other'] },
}];
