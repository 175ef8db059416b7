// How a change is told: checks of single attributes, and what a repository says of comments and the like.

const good = { evaluation: 'success', rebuilds: 'success' };
const leaf = { 'packages/hello.sh': 'echo hello of leaf >> $LOG\n' };
const two = { ...leaf, 'packages/other.sh': 'echo other of leaf >> $LOG\n' };
const mixed = { ...two, 'packages/hello.sh': 'exit 1\n' };
const slow = { 'packages/hello.sh': 'echo begun slow >> $LOG; /bin/sleep 4; echo hello of slow >> $LOG\n' };
const third = { 'packages/third.sh': 'test -z "$STRICT" || exit 1\necho third >> $LOG\n' };
const strict = { 'common.sh': 'STRICT=yes\n' };
const by_chance = ['order', 'dup', 'lost', 'kill', 'fault', 'lag', 'slay', 'expire'];	// how far a build is by then
const each = n => ({ report: { attribute_checks: n } });
const says = report => ({ '.ekaci/config.json': JSON.stringify({ jobs: { all: { file: 'default.nix' } }, report }) });

// One pull request of a leaf, onto a base that says how it is told.
const told = (name, config, report, expect, more = {}) => ({ name, config, main: says(report), branches: { leaf },
	steps: [{ do: 'pull', head: 'leaf' }], expect: { leaf: { ...good, ...expect } }, ...more });

export default [{
	name: 'attributes have no checks where nobody wants them',
	branches: { leaf },
	steps: [{ do: 'pull', head: 'leaf' }],
	expect: { leaf: { ...good, attributes: {} } },
}, {
	name: 'each attribute has its own check, beside those of the whole',
	config: each(2), branches: { two, docs: { 'README.md': 'Better words.\n' } },
	steps: [{ do: 'pull', head: 'two' }, { do: 'pull', head: 'docs' }],
	expect: { two: { ...good, attributes: { hello: 'success', other: 'success' } }, docs: { ...good, attributes: {} } },
}, {
	name: 'the check of an attribute that fails is red, and that of one that does not is green',
	config: each(2), branches: { mixed },
	steps: [{ do: 'pull', head: 'mixed' }],
	expect: { mixed: { evaluation: 'success', rebuilds: 'failure', attributes: { hello: 'failure', other: 'success' } } },
}, {
	name: 'the check of an attribute that failed before is neutral',
	config: each(2), main: { 'packages/hello.sh': 'exit 1\n' }, branches: { still: { 'packages/hello.sh': 'exit 2\n' } },
	steps: [{ do: 'pull', head: 'still' }],
	expect: { still: { ...good, attributes: { hello: 'neutral' } } },
}, {
	name: 'more attributes than have checks: none has, and the summary says so',
	config: each(1), branches: { two },
	steps: [{ do: 'pull', head: 'two' }],
	expect: { two: { ...good, attributes: {}, left_out: /: 2 are built, and at most 1 have one/ } },
}, {
	name: 'what waits for an approval has no check of an attribute until it is approved',
	config: each(2), forks: { 'stranger/demo': { leaf } },
	steps: [{ do: 'pull', head: 'leaf', head_repo: 'stranger/demo', user: 'stranger', author_association: 'NONE' }, { do: 'wait' },
		{ do: 'press', on: 'leaf', button: 'approve', user: 'writer' }],
	expect: { leaf: { ...good, times: 2, attributes: { hello: 'success' } }, built: ['hello of leaf'] },
}, {
	name: 'what waits for an approval has no check of an attribute',
	config: each(2), forks: { 'stranger/demo': { leaf } },
	steps: [{ do: 'pull', head: 'leaf', head_repo: 'stranger/demo', user: 'stranger', author_association: 'NONE' }],
	expect: { leaf: { evaluation: 'success', rebuilds: 'action_required', attributes: {} }, built: [] },
}, {
	name: 'pushed while an attribute is being built: its check on the old head ends, and the new one has its own',
	config: each(2), branches: { slow },
	steps: [{ do: 'pull', head: 'slow' }, { do: 'until', begun: 'slow' },
		{ do: 'push', branch: 'slow', as: 'later', files: two }],
	expect: { slow: { ...good, attributes: { hello: 'success', other: 'success' } } },
	fails: by_chance,
}, {
	name: 'cancelled while an attribute is being built: its check is, too',
	config: each(2), branches: { slow },
	steps: [{ do: 'pull', head: 'slow' }, { do: 'until', begun: 'slow' }, { do: 'time', s: 8 },
		{ do: 'say', on: 'slow', body: '/ekaci cancel', user: 'writer' }],
	expect: { slow: { evaluation: 'cancelled', rebuilds: 'cancelled', attributes: { hello: 'cancelled' } } },
	fails: by_chance,
}, {
	name: 'closed while an attribute is being built: its check ends',
	config: each(2), branches: { slow },
	steps: [{ do: 'pull', head: 'slow' }, { do: 'until', begun: 'slow' }, { do: 'time', s: 8 }, { do: 'close', on: 'slow' }],
	expect: { slow: { rebuilds: 'cancelled', attributes: { hello: 'cancelled' } } },
	fails: by_chance,
}, {
	name: 'two pull requests of one head: the check of an attribute is the worst of them, until that one is closed',
	config: each(3), branches: { third, release: strict },
	steps: [{ do: 'pull', head: 'third' }, { do: 'pull', head: 'third', as: 'onto release', base: 'release' }, { do: 'wait' },
		{ do: 'close', on: 'onto release' }],
	expect: { third: { ...good, attributes: { third: 'success' } } },
	loose: ['times', 'title'],
}, {
	name: 'two pull requests of one head: the check of an attribute is the worst of them',
	config: each(3), branches: { third, release: strict },
	steps: [{ do: 'pull', head: 'third' }, { do: 'pull', head: 'third', as: 'onto release', base: 'release' }],
	expect: { third: { rebuilds: 'failure', attributes: { third: 'failure' } } },
	loose: ['times', 'title'],
}, {
	name: 'a newer report of the same head in which attributes have no checks: the old ones are neutral',
	config: each(5), branches: { two, few: says({ attribute_checks: 1 }) },
	steps: [{ do: 'pull', head: 'two' }, { do: 'wait' }, { do: 'edit', on: 'two', base: 'few' }],
	expect: { two: { ...good, times: 2, attributes: { hello: 'neutral', other: 'neutral' }, left_out: /: 2 are built/ } },
},
told('a repository has checks of attributes where the operator has none', {}, { attribute_checks: 3 }, { attributes: { hello: 'success' } }),
told('a repository has no checks of attributes where the operator has some', each(3), { attribute_checks: 0 }, { attributes: {} }),
told('the operator keeps how many checks there are', { report: { repositories_decide: ['comment'] } }, { attribute_checks: 3, comment: 'never' },
	{ attributes: {}, reports: 0 }),
told('a repository has no comments', {}, { comment: 'never' }, { reports: 0 }),
told('a repository has comments where the operator has none', { report: { comment: 'never' } }, { comment: 'always' }, { reports: 1 }),
told('a repository has comments on failures only, of which this is none', {}, { comment: 'failures' }, { reports: 0 }),
told('the operator keeps when there are comments', { report: { repositories_decide: [] } }, { comment: 'never', labels: true },
	{ reports: 1, labels: [] }),
told('a repository has labels', {}, { labels: true }, { labels: 2 }),
told('a repository has no labels where the operator has', { report: { labels: true } }, { labels: false }, { labels: [] }),
{
	name: 'a change cannot say how it is told',
	branches: { quiet: { ...leaf, ...says({ comment: 'never', attribute_checks: 5 }) } },
	steps: [{ do: 'pull', head: 'quiet' }],
	expect: { quiet: { evaluation: 'success', reports: 1, attributes: {} } },
}];
