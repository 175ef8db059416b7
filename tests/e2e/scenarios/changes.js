// What a change does: one push or many, opened, closed, moved to another base.

const good = { evaluation: 'success', rebuilds: 'success' };
const leaf = { 'packages/hello.sh': 'echo hello of leaf >> $LOG\n' };
// A package that builds on main, and not where release is strict.
const third = { 'packages/third.sh': 'test -z "$STRICT" || exit 1\necho third >> $LOG\n' };
const strict = { 'common.sh': 'STRICT=yes\n' };
const slow = { 'packages/hello.sh': 'echo begun hello >> $LOG; /bin/sleep 4; echo hello of leaf >> $LOG\n' };
const broken = { 'packages/hello.sh': 'echo hello of broken >> $LOG\nexit 1\n' };
const same = { 'other.txt': 'nothing reads this\n' };
const later = { 'packages/other.sh': 'echo other of later >> $LOG\n' };
const SLOW = 'echo begun slow >> $LOG; /bin/sleep 4; echo hello of slow >> $LOG\n';

export default [{
	name: 'documentation only',
	branches: { docs: { 'README.md': 'Better words.\n' } },
	steps: [{ do: 'pull', head: 'docs' }],
	expect: { docs: { ...good, reports: 0, answers: 0 }, built: [], never: { evaluated: ['docs', 'main'] } },
}, {
	name: 'one package is rebuilt',
	branches: { leaf },
	steps: [{ do: 'pull', head: 'leaf' }],
	expect: { leaf: { ...good, reports: [/1 rebuild - all built/] }, built: ['hello of leaf'] },
}, {
	name: 'one package no longer builds',
	branches: { broken },
	steps: [{ do: 'pull', head: 'broken' }],
	expect: { broken: { evaluation: 'success', rebuilds: 'failure', reports: [/breaks 1 build/] },
		built: ['hello of broken', 'hello of main'] },
}, {
	name: 'it does not evaluate',
	branches: { dead: { 'default.nix': '{ hello = 1 + ; }\n' } },
	steps: [{ do: 'pull', head: 'dead' }],
	expect: { dead: { evaluation: 'failure', reports: 1 }, built: [] },
}, {
	name: 'pushed twice while the first is under way: the last head counts',
	branches: { leaf },
	steps: [
		{ do: 'pull', head: 'leaf' },
		{ do: 'push', branch: 'leaf', as: 'second', files: { 'packages/hello.sh': 'echo hello of second >> $LOG\nexit 1\n' } },
		{ do: 'push', branch: 'leaf', as: 'third', files: { 'packages/hello.sh': 'echo hello of third >> $LOG\n' } },
	],
	expect: { leaf: { ...good, reports: [/all built/] } },
}, {
	name: 'pushed while a package is being built that the new head wants as well: it is built once',
	branches: { leaf: slow },
	steps: [
		{ do: 'pull', head: 'leaf' }, { do: 'until', begun: 'hello' },
		{ do: 'push', branch: 'leaf', as: 'second', files: { 'packages/other.sh': 'echo other of second >> $LOG\n' } },
	],
	expect: { leaf: { ...good, reports: 1 }, built: ['begun hello', 'hello of leaf', 'other of second'],
		once: ['begun hello'] },
}, {
	name: 'pushed while a package is being built that the new head does not want: it is stopped',
	branches: { leaf: slow },
	steps: [
		{ do: 'pull', head: 'leaf' }, { do: 'until', begun: 'hello' },
		{ do: 'push', branch: 'leaf', as: 'second', files: { 'packages/hello.sh': 'echo hello of second >> $LOG\n' } },
	],
	expect: { leaf: { ...good, reports: 1 }, built: ['begun hello', 'hello of second'] },
}, {
	name: 'pushed, judged, and pushed back to what it was',
	branches: { leaf },
	steps: [
		{ do: 'pull', head: 'leaf' }, { do: 'wait' },
		{ do: 'push', branch: 'leaf', as: 'second', files: { 'packages/hello.sh': 'echo hello of second >> $LOG\nexit 1\n' } },
		{ do: 'wait' },
		{ do: 'move', branch: 'leaf', to: 'leaf' },
	],
	expect: { leaf: { ...good, times: 2, reports: [/all built/] } },
}, {
	name: 'closed when it was judged: what it says stays',
	branches: { leaf },
	steps: [{ do: 'pull', head: 'leaf' }, { do: 'wait' }, { do: 'close', on: 'leaf' }],
	expect: { leaf: { ...good, reports: 1 } },
}, {
	name: 'pushed while closed, and reopened',
	branches: { leaf },
	steps: [
		{ do: 'pull', head: 'leaf' }, { do: 'wait' },
		{ do: 'close', on: 'leaf' }, { do: 'wait' },
		{ do: 'push', branch: 'leaf', as: 'second', files: { 'packages/hello.sh': 'echo hello of second >> $LOG\n' } },
		{ do: 'wait' }, { do: 'time', s: 3 },
		{ do: 'reopen', on: 'leaf' },
	],
	expect: { leaf: { ...good, reports: 1 }, built: ['hello of leaf', 'hello of second'] },
}, {
	name: 'merged: the branch has it, and what was built is not built again',
	branches: { leaf },
	steps: [
		{ do: 'pull', head: 'leaf' }, { do: 'wait' },
		{ do: 'push', branch: 'main', as: 'main merged', files: leaf },
		{ do: 'close', on: 'leaf', merged: true },
	],
	expect: { leaf: good, commits: { 'main merged': good }, built: ['hello of leaf'] },
}, {
	name: 'two pull requests side by side',
	branches: { leaf, broken },
	steps: [{ do: 'pull', head: 'leaf' }, { do: 'pull', head: 'broken' }],
	expect: { leaf: { ...good, reports: [/all built/] }, broken: { rebuilds: 'failure', reports: [/breaks 1 build/] } },
}, {
	name: 'two pull requests of one head: the check on the commit is the worst of both, whichever comes last',
	branches: { leaf: third, release: strict },
	steps: [
		{ do: 'pull', head: 'leaf', base: 'release', as: 'onto release' }, { do: 'wait' },
		{ do: 'pull', head: 'leaf', as: 'onto main' },
	],
	expect: { 'onto main': { rebuilds: 'failure', reports: [/all built/] }, 'onto release': { rebuilds: 'failure', reports: 1 } },
	loose: ['times', 'buttons', 'title'],
}, {
	name: 'two pull requests of one head: when the bad one is closed, the other decides',
	branches: { leaf: third, release: strict },
	steps: [
		{ do: 'pull', head: 'leaf', as: 'onto main' }, { do: 'wait' },
		{ do: 'pull', head: 'leaf', base: 'release', as: 'onto release' }, { do: 'wait' },
		{ do: 'close', on: 'onto release' },
	],
	expect: { 'onto main': { rebuilds: 'success', reports: [/all built/] } },
	loose: ['times', 'buttons', 'title'],
}, {
	name: 'moved to another base branch',
	branches: { leaf, release: { 'packages/other.sh': 'echo other of release >> $LOG\n' } },
	steps: [{ do: 'pull', head: 'leaf' }, { do: 'wait' }, { do: 'edit', on: 'leaf', base: 'release' }],
	expect: { leaf: { ...good, times: 2, reports: [/1 rebuild - all built/] } },
}, {
	name: 'a conflict, and then none',
	branches: { leaf },
	steps: [
		{ do: 'push', branch: 'main', as: 'main later', files: { 'packages/hello.sh': 'echo hello of later >> $LOG\n' } },
		{ do: 'wait' }, { do: 'pull', head: 'leaf' }, { do: 'wait' },
		{ do: 'push', branch: 'leaf', as: 'rebased', parent: 'refs/heads/main', files: leaf },
	],
	expect: { leaf: { ...good, reports: [/all built/] } },
}, {
	name: 'a fork that is deleted while its pull request is open',
	branches: {},
	forks: { 'friend/demo': { leaf } },
	steps: [
		{ do: 'pull', head: 'leaf', head_repo: 'friend/demo', user: 'friend', author_association: 'MEMBER' },
		{ do: 'wait' },
		{ do: 'pull_lose_head', on: 'leaf' },
		{ do: 'edit', on: 'leaf', title: 'Still here' },
	],
	expect: { leaf: { ...good, reports: 1 } },
}, {
	name: 'a push to the default branch',
	branches: {},
	steps: [{ do: 'push', branch: 'main', as: 'main later', files: leaf }],
	expect: { commits: { 'main later': good }, built: ['hello of leaf'] },
}, {
	name: 'three pushes to the default branch: the last one is judged against the first',
	branches: {},
	steps: [
		{ do: 'push', branch: 'main', as: 'main 2', files: leaf },
		{ do: 'push', branch: 'main', as: 'main 3', files: { 'packages/other.sh': 'echo other of third >> $LOG\n' } },
		{ do: 'push', branch: 'main', as: 'main 4', files: { 'README.md': 'x\n' } },
	],
	expect: { commits: { 'main 4': good } },
	loose: ['title'],
}, {
	name: 'a check of another App that has our name is not ours',
	branches: { leaf },
	steps: [
		{ do: 'pull', head: 'leaf' }, { do: 'foreign', on: 'leaf', name: 'ekaci / rebuilds', conclusion: 'failure' },
	],
	expect: { leaf: { ...good, reports: 1 } },
}, {
	name: 'a draft waits, and runs once when it is ready',
	branches: { leaf },
	steps: [{ do: 'pull', head: 'leaf', draft: true }, { do: 'wait' }, { do: 'ready', on: 'leaf' }],
	expect: { leaf: { ...good, reports: 1, times: 1 } },
}, {
	name: 'a draft that nobody makes ready: nothing is evaluated',
	branches: { leaf },
	steps: [
		{ do: 'pull', head: 'leaf', draft: true }, { do: 'wait' },
		{ do: 'push', branch: 'leaf', as: 'later', files: { 'packages/other.sh': 'echo other of later >> $LOG\n' } },
	],
	expect: { leaf: { evaluation: null, rebuilds: null, reports: 0 }, never: { evaluated: ['leaf', 'later'], built: ['leaf', 'later'] } },
}, {
	name: 'a draft is reported where the operator says so, and not again when it is ready',
	config: { pull_requests: { drafts: 'report' } },
	branches: { leaf },
	steps: [{ do: 'pull', head: 'leaf', draft: true }, { do: 'wait' }, { do: 'ready', on: 'leaf' }],
	expect: { leaf: { ...good, reports: 1, times: 1 } },
}, {
	name: 'a draft is evaluated for a command, and not again when it is ready',
	branches: { leaf },
	steps: [
		{ do: 'pull', head: 'leaf', draft: true }, { do: 'wait' },
		{ do: 'say', on: 'leaf', as: 'how', body: '/ekaci status', user: 'writer' }, { do: 'wait' },
		{ do: 'say', on: 'leaf', as: 'asked', body: '/ekaci eval', user: 'writer' }, { do: 'wait' },
		{ do: 'ready', on: 'leaf' },
	],
	expect: { leaf: { ...good, reports: 1, times: 1, answers: [/it is a draft/] }, reactions: { how: ['+1'], asked: ['rocket'] } },
}, {
	name: 'made a draft again when it was judged: what stands stays, and ready does not repeat it',
	branches: { leaf },
	steps: [
		{ do: 'pull', head: 'leaf' }, { do: 'wait' }, { do: 'draft', on: 'leaf' }, { do: 'wait' },
		{ do: 'ready', on: 'leaf' },
	],
	expect: { leaf: { ...good, reports: 1, times: 1 }, built: ['hello of leaf'] },
}, {
	name: 'made a draft while it is built: that stops, and ready begins again',
	branches: { slow: { 'packages/hello.sh': SLOW } },
	steps: [
		{ do: 'pull', head: 'slow' }, { do: 'until', begun: 'slow' }, { do: 'draft', on: 'slow' }, { do: 'wait' },
		{ do: 'ready', on: 'slow' },
	],
	expect: { slow: { ...good, reports: 1, times: 2 } },
}, {
	name: 'made a draft while it is built, and left at that: nothing goes on',
	fails: ['lost'],	// where replicas lag, too, the build ends before it is told
	branches: { slow: { 'packages/hello.sh': SLOW } },
	steps: [{ do: 'pull', head: 'slow' }, { do: 'until', begun: 'slow' }, { do: 'draft', on: 'slow' }],
	expect: { slow: { rebuilds: 'cancelled', times: 1 }, never: { built: ['hello of slow'] } },
}, {
	name: 'a pull request onto a branch that the operator leaves alone, and onto one that is named',
	config: { pull_requests: { branches: ['mai?', 'release-*'] } },
	branches: { 'release-1': { 'doc/a.md': 'a\n' }, 'work/old': { 'doc/b.md': 'b\n' }, leaf, other: { 'packages/other.sh': 'echo other of other >> $LOG\n' } },
	steps: [
		{ do: 'pull', head: 'other', base: 'work/old' }, { do: 'pull', head: 'leaf', base: 'release-1' },
	],
	expect: { other: { evaluation: null, rebuilds: null, reports: 0 }, leaf: { ...good, reports: 1 }, never: { evaluated: ['other'] } },
}, {
	name: 'moved onto a branch that the operator names: it is looked at then',
	config: { pull_requests: { branches: ['main'] } },
	branches: { old: { 'doc/a.md': 'a\n' }, leaf },
	steps: [{ do: 'pull', head: 'leaf', base: 'old' }, { do: 'wait' }, { do: 'edit', on: 'leaf', base: 'main' }],
	expect: { leaf: { ...good, reports: 1, times: 1 } },
}, {
	name: '[skip ci] in the title: nothing is evaluated, and the checks are neutral',
	branches: { leaf },
	steps: [{ do: 'pull', head: 'leaf', title: 'Words [skip ci]' }],
	expect: { leaf: { evaluation: 'neutral', rebuilds: 'neutral', title: /not evaluated: \[skip ci\] in the title/, reports: 0 },
		never: { evaluated: ['leaf'] } },
}, {
	name: '[skip ekaci] in the head\'s message: nothing is evaluated, what stands is told, and /ekaci eval does it all the same',
	branches: { leaf },
	steps: [
		{ do: 'pull', head: 'leaf' }, { do: 'wait' },
		{ do: 'push', branch: 'leaf', as: 'words', message: 'Later\n\n[skip ekaci]\n', files: later }, { do: 'wait' },
		{ do: 'say', on: 'leaf', as: 'asked', body: '/ekaci eval', user: 'writer' },
	],
	expect: { leaf: { ...good, times: 2, reports: [/all built/] }, reactions: { asked: ['rocket'] } },
}, {
	name: '[ci skip] in the head\'s message, and left at that',
	branches: { leaf },
	steps: [
		{ do: 'pull', head: 'leaf' }, { do: 'wait' },
		{ do: 'push', branch: 'leaf', as: 'words', message: 'Later [ci skip]', files: later },
	],
	expect: { leaf: { evaluation: 'neutral', rebuilds: 'neutral', times: 1, reports: [/Not evaluated: .{1,5}ci skip/] },
		never: { evaluated: ['words'] } },
}, {
	name: '[skip ci] where the operator does not want it',
	config: { pull_requests: { skip_words: false } },
	branches: { leaf },
	steps: [{ do: 'pull', head: 'leaf', title: 'Words [skip ci]' }],
	expect: { leaf: { ...good, reports: 1 } },
}, {
	name: 'comments only of changes: none for "no rebuilds", and one that stands says so',
	config: { report: { comment: 'changes' } },
	branches: { same, leaf },
	steps: [
		{ do: 'pull', head: 'same' }, { do: 'pull', head: 'leaf' }, { do: 'wait' },
		{ do: 'push', branch: 'leaf', as: 'back', files: { 'packages/hello.sh': 'echo hello of main >> $LOG\n', ...same } },
	],
	expect: { same: { ...good, reports: 0 }, leaf: { ...good, reports: [/No rebuilds/] } },
}, {
	name: 'comments only of failures: none for what builds, one for what does not, and it is edited when that is mended',
	config: { report: { comment: 'failures' } },
	branches: { leaf, broken },
	steps: [
		{ do: 'pull', head: 'leaf' }, { do: 'pull', head: 'broken' }, { do: 'wait' },
		{ do: 'push', branch: 'broken', as: 'mended', files: { 'packages/hello.sh': 'echo hello of mended >> $LOG\n' } },
	],
	expect: { leaf: { ...good, reports: 0 }, broken: { ...good, reports: [/1 rebuild - all built/] } },
}, {
	name: 'comments only of failures: what newly fails is told, to build and to evaluate',
	config: { report: { comment: 'failures' } },
	branches: { broken, dead: { 'default.nix': '{ hello = 1 + ; }\n' } },
	steps: [{ do: 'pull', head: 'broken' }, { do: 'pull', head: 'dead' }],
	expect: { broken: { rebuilds: 'failure', reports: [/breaks 1 build/] }, dead: { evaluation: 'failure', reports: 1 } },
}, {
	name: 'no comments at all, as the flag of old said it',
	config: { report: { comment: false } },
	branches: { broken },
	steps: [{ do: 'pull', head: 'broken' }],
	expect: { broken: { rebuilds: 'failure', reports: 0 } },
}, {
	name: 'a repository without Nix: no check and no comment',
	main: { 'default.nix': { content: null }, '.ekaci/config.json': { content: null } },
	branches: { words: { 'main.c': 'int main(void) { return 0; }\n' } },
	steps: [{ do: 'pull', head: 'words' }],
	expect: { words: { evaluation: null, rebuilds: null, reports: 0 } },
}];
