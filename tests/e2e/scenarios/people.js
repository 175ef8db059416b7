// What people ask for, and who may.

const good = { evaluation: 'success', rebuilds: 'success' };
const docs = { 'README.md': 'Better words.\n' };
const leaf = { 'packages/hello.sh': 'echo hello of leaf >> $LOG\n' };
const theirs = { 'stranger/demo': { leaf } };
const from_stranger = { do: 'pull', head: 'leaf', head_repo: 'stranger/demo', user: 'stranger', author_association: 'NONE' };
const held = { evaluation: 'success', rebuilds: 'action_required' };
const evil = { 'packages/hello.sh': 'echo hello of evil >> $LOG\n' };

export default [{
	name: 'help, status and what is no command',
	branches: { docs },
	steps: [
		{ do: 'pull', head: 'docs' }, { do: 'wait' },
		{ do: 'say', on: 'docs', as: 'help', body: '/ekaci help', user: 'stranger' },
		{ do: 'say', on: 'docs', as: 'quoted', body: '> /ekaci rebuild', user: 'writer' },
		{ do: 'say', on: 'docs', as: 'code', body: '- ```\n  /ekaci rebuild\n  ```', user: 'writer' },
		{ do: 'say', on: 'docs', as: 'unknown', body: '/ekaci dance', user: 'writer' },
	],
	expect: { docs: { ...good, answers: 2 }, reactions: { help: ['+1'], quoted: [], code: [], unknown: ['confused'] } },
}, {
	name: 'a comment with many commands is answered by one reply',
	branches: { docs },
	steps: [
		{ do: 'pull', head: 'docs' }, { do: 'wait' },
		{ do: 'say', on: 'docs', as: 'many', body: '/ekaci help\n/ekaci status\n/ekaci help\n/ekaci status\n', user: 'stranger' },
	],
	expect: { docs: { ...good, answers: 1 } },
}, {
	name: 'rebuild by somebody who may',
	branches: { leaf },
	steps: [
		{ do: 'pull', head: 'leaf' }, { do: 'wait' },
		{ do: 'say', on: 'leaf', as: 'asked', body: '/ekaci rebuild', user: 'writer' },
	],
	expect: { leaf: { ...good, times: 2, reports: 1, answers: 0 }, reactions: { asked: ['rocket'] } },
}, {
	name: 'rebuild by somebody who may not',
	branches: { leaf },
	steps: [
		{ do: 'pull', head: 'leaf' }, { do: 'wait' },
		{ do: 'say', on: 'leaf', as: 'asked', body: '/ekaci rebuild', user: 'stranger' },
	],
	expect: { leaf: { ...good, times: 1, answers: [/needs write access/] }, reactions: { asked: ['-1'] } },
}, {
	name: 'the re-run button, and one of a stranger',
	branches: { leaf },
	steps: [
		{ do: 'pull', head: 'leaf' }, { do: 'wait' },
		{ do: 'press', on: 'leaf', user: 'stranger' }, { do: 'press', on: 'leaf', button: 'rebuild', user: 'stranger' },
		{ do: 'suite', on: 'leaf', user: 'stranger' }, { do: 'wait' },
		{ do: 'press', on: 'leaf', user: 'writer' },
	],
	expect: { leaf: { ...good, times: 2 }, built: ['hello of leaf'] },
}, {
	name: 'a stranger\'s button on the default branch\'s check starts nothing',
	branches: {},
	steps: [
		{ do: 'push', branch: 'main', as: 'main later', files: leaf }, { do: 'wait' },
		{ do: 'check_suite_rerequest', head_sha: '@main later@', user: 'stranger' },
	],
	expect: { commits: { 'main later': good } },
}, {
	name: 'from a stranger\'s fork: evaluated, and not built',
	forks: theirs,
	steps: [from_stranger],
	expect: { leaf: { ...held, reports: 1 }, built: [] },
}, {
	name: 'from a stranger\'s fork where forks wait: not even evaluated',
	config: { trust: { forks: 'approve' } },
	forks: theirs,
	steps: [from_stranger],
	expect: { leaf: { evaluation: 'action_required', rebuilds: 'action_required' }, built: [], never: { evaluated: ['leaf'] } },
}, {
	name: 'approved by its name: built',
	forks: theirs,
	steps: [
		from_stranger, { do: 'wait' },
		{ do: 'say', on: 'leaf', as: 'no', body: '/ekaci approve', user: 'stranger' }, { do: 'wait' },
		{ do: 'say', on: 'leaf', as: 'yes', body: '/ekaci approve', user: 'writer' },
	],
	expect: { leaf: { ...good, times: 2, answers: [/needs write access/] }, reactions: { no: ['-1'], yes: ['rocket'] },
		built: ['hello of leaf'] },
}, {
	name: 'approved, and pushed then: what is new waits again',
	forks: theirs,
	steps: [
		from_stranger, { do: 'wait' },
		{ do: 'say', on: 'leaf', as: 'yes', body: '/ekaci approve', user: 'writer' }, { do: 'wait' },
		{ do: 'push', repo: 'stranger/demo', branch: 'leaf', as: 'evil', files: evil, user: 'stranger' },
	],
	expect: { leaf: { ...held, reports: 1 }, never: { built: ['evil'] } },
}, {
	name: 'approved just before a push: what nobody saw is not built',
	forks: theirs,
	steps: [
		from_stranger, { do: 'wait' },
		{ do: 'say', on: 'leaf', as: 'yes', body: '/ekaci approve', user: 'writer' },
		{ do: 'push', repo: 'stranger/demo', branch: 'leaf', as: 'evil', files: evil, user: 'stranger' },
	],
	expect: { leaf: { ...held, reports: 1 }, never: { built: ['evil'] } },
	loose: ['answers', 'reactions.yes'],
}, {
	name: 'approved just after a push: what nobody saw is not built',
	forks: theirs,
	steps: [
		from_stranger, { do: 'wait' },
		{ do: 'push', repo: 'stranger/demo', branch: 'leaf', as: 'evil', files: evil, user: 'stranger' },
		{ do: 'say', on: 'leaf', as: 'yes', body: '/ekaci approve', user: 'writer' },
	],
	expect: { leaf: { ...held, reports: 1, answers: [/nobody|who wrote it cannot have/] }, never: { built: ['evil'] } },
	loose: ['answers'],
}, {
	name: 'the approve button is of its head, and a push beside it waits',
	forks: theirs,
	steps: [
		from_stranger, { do: 'wait' },
		{ do: 'press', on: 'leaf', button: 'approve', user: 'writer' },
		{ do: 'push', repo: 'stranger/demo', branch: 'leaf', as: 'evil', files: evil, user: 'stranger' },
	],
	expect: { leaf: { ...held, reports: 1 }, never: { built: ['evil'] } },
	loose: ['answers'],
}, {
	name: '/ekaci approve 0000000000 approves nothing',
	forks: theirs,
	steps: [
		from_stranger, { do: 'wait' },
		{ do: 'say', on: 'leaf', as: 'no', body: '/ekaci approve 0000000000', user: 'writer' },
	],
	expect: { leaf: { ...held, answers: 1 }, reactions: { no: ['confused'] }, built: [] },
}, {
	name: 'a comment that is edited into a command is none, and a bot is not heard',
	branches: { leaf },
	steps: [
		{ do: 'pull', head: 'leaf' }, { do: 'wait' },
		{ do: 'say', on: 'leaf', as: 'bot', body: '/ekaci rebuild', user: 'helper[bot]' },
		{ do: 'say', on: 'leaf', as: 'edited', body: 'fine', user: 'writer' },
		{ do: 'rephrase', said: 'edited', body: '/ekaci rebuild' },
	],
	expect: { leaf: { ...good, times: 1, answers: 0 }, reactions: { bot: [], edited: [] } },
}, {
	name: 'two commands of two people at once: both are answered',
	branches: { leaf },
	steps: [
		{ do: 'pull', head: 'leaf' }, { do: 'wait' },
		{ do: 'say', on: 'leaf', as: 'one', body: '/ekaci status', user: 'stranger' },
		{ do: 'say', on: 'leaf', as: 'two', body: '/ekaci explain hello', user: 'writer' },
	],
	expect: { leaf: { ...good, answers: 2 }, reactions: { one: ['+1'], two: ['+1'] } },
}, {
	name: 'wide: built when somebody says so',
	config: { rebuild: { max_rebuild_count: 1 } },
	branches: { wide: { 'packages/hello.sh': 'echo hello of wide >> $LOG\n', 'packages/other.sh': 'echo other of wide >> $LOG\n' } },
	steps: [
		{ do: 'pull', head: 'wide' }, { do: 'wait' },
		{ do: 'press', on: 'wide', button: 'approve', user: 'writer' },
	],
	expect: { wide: { ...good, times: 2 }, built: ['hello of wide', 'other of wide'] },
}, {
	name: 'a command on a pull request from before the bot came',
	branches: { leaf },
	steps: [
		{ do: 'pull', head: 'leaf', unheard: true },
		{ do: 'say', on: 'leaf', as: 'asked', body: '/ekaci rebuild', user: 'writer' },
	],
	expect: { leaf: { ...good, times: 1 }, reactions: { asked: ['rocket'] } },
}];
