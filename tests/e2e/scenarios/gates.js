// Who has to be asked first: whose changes wait, and who may say that they need not.

const leaf = { 'packages/hello.sh': 'echo hello of leaf >> $LOG\n' };
const good = { evaluation: 'success', rebuilds: 'success' };
const held = { evaluation: 'success', rebuilds: 'action_required' };
const shut = { evaluation: 'action_required', rebuilds: 'action_required' };
const theirs = { 'stranger/demo': { leaf } };
const from = (user, author_association, more = {}) => ({ do: 'pull', head: 'leaf', head_repo: 'stranger/demo', user, author_association,
	...more });

// One pull request from a fork of its author's own.
const trust = (name, trust_settings, association, expect, more = {}) => ({
	name, config: { trust: trust_settings }, forks: theirs, steps: [from('stranger', association)], expect, ...more });
const built = ['hello of leaf'];
const nothing = { leaf: shut, built: [], never: { evaluated: ['leaf'], built: ['leaf'] } };

const stranger = from('stranger', 'NONE');
const evil = { 'packages/hello.sh': 'echo hello of evil >> $LOG\n' };
const slow = { 'packages/hello.sh': 'echo begun slow >> $LOG; /bin/sleep 4; echo hello of slow >> $LOG\n' };
const LABELS = { pull_requests: { rerun_label: 'ekaci: rerun', approve_label: 'ekaci: approved', skip_label: 'ekaci: skip' } };
const approved = { do: 'label', on: 'leaf', label: 'ekaci: approved' };
const neutral = { evaluation: 'neutral', rebuilds: 'neutral' };

const statuses = (evaluation, rebuilds) => ({ 'ekaci/evaluation': evaluation, 'ekaci/rebuilds': rebuilds });

// The packages of world.js with meta.maintainers.
const maintained = logins => ({ 'default.nix': `let
  one = file: {
    name = builtins.replaceStrings [ ".sh" ] [ "" ] file;
    value = derivation {
      name = builtins.replaceStrings [ ".sh" ] [ "" ] file;
      system = builtins.currentSystem;
      builder = "/bin/sh";
      args = [ "-c" "LOG=@DIR@/built\\n\${builtins.readFile (./packages + "/\${file}")}\\necho done > $out\\n" ];
    } // { meta.maintainers = map (github: { inherit github; }) [ ${logins} ]; };
  };
in
builtins.listToAttrs (map one (builtins.attrNames (builtins.readDir ./packages)))
` });

export default [
	trust('outside: a contributor waits like any outsider', {}, 'CONTRIBUTOR', { leaf: held, built: [] }),
	trust('first-time: what a contributor sends is built unasked', { approval: 'first-time', forks: 'approve' }, 'CONTRIBUTOR',
		{ leaf: good, built }),
	trust('first-time: a first-time contributor waits', { approval: 'first-time', forks: 'approve' }, 'FIRST_TIME_CONTRIBUTOR', nothing),
	trust('first-time: who is new to GitHub waits', { approval: 'first-time', forks: 'approve' }, 'FIRST_TIMER', nothing),
	trust('first-time: NONE is no contributor', { approval: 'first-time', forks: 'approve' }, 'NONE', nothing),
	trust('never: nobody waits', { approval: 'never', forks: 'approve' }, 'FIRST_TIMER', { leaf: good, built }),
	trust('a login that is named does not wait, in any case of its letters', { forks: 'approve', authors: ['Stranger'] }, 'NONE',
		{ leaf: good, built }),
	trust('a private repository\'s fork waits as well', { forks: 'approve' }, 'NONE', nothing, { private: true }),
	trust('a member of a team that is trusted does not wait', { forks: 'approve', teams: ['org/empty', 'org/nix'] }, 'NONE',
		{ leaf: good, built }, { teams: { 'org/nix': ['stranger'], 'org/empty': ['writer'] } }),
	trust('who is in no team that is trusted waits', { forks: 'approve', teams: ['org/nix'] }, 'NONE', nothing,
		{ teams: { 'org/nix': ['writer'] } }),
	trust('a team that cannot be read trusts nobody', { forks: 'approve', teams: ['org/absent', 'elsewhere/nix'] }, 'NONE',
		{ ...nothing, log: [/org\/absent cannot be read, so none of its members is trusted/, /elsewhere\/nix cannot be read/] }),
	...[[60, 1, 'is kept for some minutes'], [310, 2, 'is asked for again after some minutes']].map(([s, times, words]) => ({
		name: `what a team says of somebody ${words}`,
		config: { trust: { forks: 'approve', teams: ['org/nix'] } }, teams: { 'org/nix': ['stranger'] },
		forks: { 'stranger/demo': { leaf, other: { 'packages/other.sh': 'echo other of other >> $LOG\n' } } },
		steps: [stranger, { do: 'wait' }, { do: 'time', s },
			{ ...stranger, head: 'other' }],
		expect: { leaf: good, other: good, built: [...built, 'other of other'],
			asks: { '/orgs/org/teams/nix/memberships/stranger': times } },
	})),
	{
		name: 'a member\'s pull request of somebody else\'s fork waits: its owner can push to it',
		config: { trust: { forks: 'approve' } },
		forks: theirs,
		steps: [from('friend', 'MEMBER')],
		expect: nothing,
	}, {
		name: 'an App that is named does not wait, and one that is not named does',
		config: { trust: { forks: 'approve', authors: ['dependabot[bot]'] } },
		forks: { 'stranger/demo': { leaf: leaf, other: { 'packages/other.sh': 'echo other of other >> $LOG\n' } } },
		steps: [
			from('renovate[bot]', 'CONTRIBUTOR'),
			{ do: 'pull', head: 'other', user: 'dependabot[bot]', author_association: 'CONTRIBUTOR' },
		],
		branches: { other: { 'packages/other.sh': 'echo other of other >> $LOG\n' } },
		expect: { leaf: shut, other: good, built: ['other of other'], never: { evaluated: ['leaf'], built: ['leaf'] } },
	},
	// --- buttons ---
	{
		name: 'the approve button of a change that is not even evaluated, on either check',
		config: { trust: { forks: 'approve' } },
		forks: theirs,
		steps: [stranger, { do: 'wait' }, { do: 'press', on: 'leaf', button: 'approve', listed: true, user: 'writer' }],
		expect: { leaf: { ...good, times: 2, answers: 0 }, built },
	}, {
		name: 'the button of a wide change builds it anyway',
		config: { rebuild: { max_rebuild_count: 1 } },
		branches: { wide: { 'packages/hello.sh': 'echo hello of wide >> $LOG\n', 'packages/other.sh': 'echo other of wide >> $LOG\n' } },
		steps: [{ do: 'pull', head: 'wide' }, { do: 'wait' },
			{ do: 'press', on: 'wide', button: 'approve', listed: true, user: 'writer' }],
		expect: { wide: { ...good, times: 2 }, built: ['hello of wide', 'other of wide'] },
	}, {
		name: 'the cancel button stands beside the evaluation while it is built, and stops that',
		branches: { slow },
		steps: [{ do: 'pull', head: 'slow' }, { do: 'until', begun: 'slow' }, { do: 'until', button: 'cancel', on: 'slow' },
			{ do: 'press', on: 'slow', check: 'evaluation', button: 'cancel', listed: true, user: 'writer' }],
		expect: { slow: { evaluation: 'cancelled', rebuilds: 'cancelled', buttons: { evaluation: ['eval'] } }, built: ['begun slow'] },
		fails: ['order', 'dup', 'lost', 'kill', 'fault', 'lag', 'slay', 'expire'],	// what was built by then depends on chance
	}, {
		name: 'the buttons go when there is nothing to press them for',
		branches: { leaf },
		steps: [{ do: 'pull', head: 'leaf' }],
		expect: { leaf: { ...good, times: 1, buttons: { evaluation: ['eval'], rebuilds: ['rebuild'] } }, built },
	}, {
		name: 'a button of who may not is answered, and does nothing',
		forks: theirs,
		steps: [stranger, { do: 'wait' },
			{ do: 'press', on: 'leaf', button: 'approve', user: 'stranger' }, { do: 'wait' },
			{ do: 'press', on: 'leaf', button: 'approve', user: 'stranger' }],
		expect: { leaf: { ...held, times: 1, answers: [/The button, pressed by `stranger`.*needs write access/s] }, built: [] },
	}, {
		name: 'a button that we never offered does nothing',
		branches: { leaf },
		steps: [{ do: 'pull', head: 'leaf' }, { do: 'wait' }, { do: 'press', on: 'leaf', button: 'format-the-disk', user: 'writer' }],
		expect: { leaf: { ...good, times: 1, answers: 0 } },
	},
	...['rebuild', 'eval', 'approve', 'cancel'].map(button => ({
		name: `the ${button} button of a head that was replaced says so, and does nothing`,
		forks: theirs,
		steps: [stranger, { do: 'wait' },
			{ do: 'push', repo: 'stranger/demo', branch: 'leaf', as: 'evil', files: evil, user: 'stranger' }, { do: 'wait' },
			{ do: 'press', on: 'leaf', of: 'leaf', button, user: 'writer' }],
		expect: { leaf: { ...held, times: 1, answers: [/The button, pressed by `writer`.*`@leaf@` is not the head of this pull request/s] },
			built: [] },
	})),
	// --- labels ---
	{
		name: 'the approving label of who may write: its head is built, and the label is off',
		config: LABELS, forks: theirs,
		steps: [stranger, { do: 'wait' }, { ...approved, user: 'writer' }],
		expect: { leaf: { ...good, times: 2, labels: [], answers: 0 }, built },
	}, {
		name: 'the approving label of who may only triage approves nothing',
		config: LABELS, forks: theirs, people: { sorter: 'triage' },
		steps: [stranger, { do: 'wait' }, { ...approved, user: 'sorter' }],
		expect: { leaf: { ...held, times: 1, labels: [], answers: [/The label `ekaci: approved`, set by `sorter`.*needs write access/s] },
			built: [] },
	}, {
		name: 'the approving label of who may triage, where the operator lets them',
		config: { pull_requests: { ...LABELS.pull_requests, label_approvers: 'triage' } }, forks: theirs, people: { sorter: 'triage' },
		steps: [stranger, { do: 'wait' }, { ...approved, user: 'sorter' }],
		expect: { leaf: { ...good, times: 2, labels: [], answers: 0 }, built },
	}, {
		name: 'the approving label is of the head that there was',
		config: LABELS, forks: theirs,
		steps: [stranger, { do: 'wait' }, { ...approved, user: 'writer' }, { do: 'wait' },
			{ do: 'push', repo: 'stranger/demo', branch: 'leaf', as: 'evil', files: evil, user: 'stranger' }],
		expect: { leaf: { ...held, times: 1, labels: [] }, built, never: { built: ['evil'] } },
	}, {
		name: 'the approving label and a push beside it: what nobody saw is not built',
		config: LABELS, forks: theirs,
		steps: [stranger, { do: 'wait' }, { ...approved, user: 'writer' },
			{ do: 'push', repo: 'stranger/demo', branch: 'leaf', as: 'evil', files: evil, user: 'stranger' }],
		expect: { leaf: { ...held, labels: [] }, never: { built: ['evil'] } },
		loose: ['answers'],
	}, {
		name: 'the approving label just after a push: what nobody saw is not built',
		config: LABELS, forks: theirs,
		steps: [stranger, { do: 'wait' },
			{ do: 'push', repo: 'stranger/demo', branch: 'leaf', as: 'evil', files: evil, user: 'stranger' },
			{ ...approved, user: 'writer' }],
		expect: { leaf: { ...held, times: 1, labels: [], answers: [/who set it cannot have looked at it/] }, never: { built: ['evil'] } },
		loose: ['answers'],
	}, {
		name: 'a label set twice is obeyed twice, and no other label is touched',
		config: LABELS, branches: { leaf },
		steps: [{ do: 'pull', head: 'leaf' }, { do: 'label', on: 'leaf', label: 'nice' }, { do: 'wait' },
			{ do: 'label', on: 'leaf', label: 'ekaci: rerun', user: 'writer' }, { do: 'wait' }, { do: 'time', s: 2 },
			{ do: 'label', on: 'leaf', label: 'ekaci: rerun', user: 'writer' }],
		expect: { leaf: { ...good, times: 3, labels: ['nice'], answers: 0 } },
	}, {
		name: 'labels mean nothing where the settings name none',
		forks: theirs,
		steps: [stranger, { do: 'wait' }, { ...approved, user: 'writer' }],
		expect: { leaf: { ...held, times: 1, labels: ['ekaci: approved'] }, built: [] },
	}, {
		name: 'a pull request with the label to skip it is left alone until that is off',
		config: LABELS, branches: { leaf },
		steps: [{ do: 'pull', head: 'leaf', draft: true }, { do: 'wait' }, { do: 'label', on: 'leaf', label: 'Ekaci: skip', user: 'writer' },
			{ do: 'time', s: 2 }, { do: 'ready', on: 'leaf' }],
		expect: { leaf: { ...neutral, title: /not evaluated: the label ekaci: skip/, times: 1, labels: ['Ekaci: skip'] },
			never: { evaluated: ['leaf'], built: ['leaf'] } },
	}, {
		name: 'the label to skip it is taken off: it is evaluated and built',
		config: LABELS, branches: { leaf },
		steps: [{ do: 'pull', head: 'leaf', draft: true }, { do: 'wait' }, { do: 'label', on: 'leaf', label: 'ekaci: skip', user: 'writer' },
			{ do: 'time', s: 2 }, { do: 'ready', on: 'leaf' }, { do: 'wait' }, { do: 'unlabel', on: 'leaf', label: 'ekaci: skip', user: 'writer' }],
		expect: { leaf: { ...good, times: 2, labels: [] }, built },
	}, {
		name: 'the label to skip it stops what is under way',
		config: LABELS, branches: { slow },
		steps: [{ do: 'pull', head: 'slow' }, { do: 'until', begun: 'slow' },
			{ do: 'label', on: 'slow', label: 'ekaci: skip', user: 'writer' }],
		expect: { slow: neutral, built: ['begun slow'] },
		loose: ['times'],
		fails: ['order', 'dup', 'lost', 'kill', 'fault', 'lag', 'slay', 'expire'],	// what was built by then depends on chance
	},
	// --- commit statuses ---
	{
		name: 'statuses beside the checks say the same',
		config: { report: { statuses: true } }, branches: { leaf },
		steps: [{ do: 'pull', head: 'leaf' }],
		expect: { leaf: { ...good, statuses: statuses('success', 'success') } },
	}, {
		name: 'no statuses where nobody wants them',
		branches: { leaf },
		steps: [{ do: 'pull', head: 'leaf' }],
		expect: { leaf: { ...good, statuses: {} } },
	}, {
		name: 'statuses: what waits for an approval is pending, and done when it is approved',
		config: { report: { statuses: true } }, forks: theirs,
		steps: [stranger, { do: 'wait' }, { do: 'press', on: 'leaf', button: 'approve', user: 'writer' }],
		expect: { leaf: { ...good, times: 2, statuses: statuses('success', 'success') }, built },
	}, {
		name: 'statuses: what waits for an approval is pending',
		config: { report: { statuses: true } }, forks: theirs,
		steps: [stranger],
		expect: { leaf: { ...held, statuses: statuses('success', 'pending') }, built: [] },
	}, {
		name: 'statuses: a failure, and of two pull requests of one head the worst',
		config: { report: { statuses: true } }, branches: { broken: { 'packages/hello.sh': 'exit 1\n' }, old: {} },
		steps: [{ do: 'pull', head: 'broken' }, { do: 'pull', head: 'broken', as: 'onto old', base: 'old' }, { do: 'wait' },
			{ do: 'close', on: 'onto old' }],
		expect: { broken: { evaluation: 'success', rebuilds: 'failure', statuses: statuses('success', 'failure') } },
		loose: ['times', 'title'],
	},
	// --- review requests ---
	{
		name: 'maintainers of what differs by itself are asked for a review: no author, and nobody who may not be',
		config: { report: { review_requests: 3 } }, people: { keeper: 'read' },
		main: maintained('"contributor" "absent" "keeper" "not a login"'), branches: { leaf },
		steps: [{ do: 'pull', head: 'leaf', user: 'contributor' }],
		expect: { leaf: { ...good, reviewers: ['keeper'] } },
	}, {
		name: 'a change cannot name its own reviewers',
		config: { report: { review_requests: 3 } }, people: { keeper: 'read', other: 'read' },
		main: maintained('"keeper"'), branches: { leaf: { ...leaf, ...maintained('"other"') } },
		steps: [{ do: 'pull', head: 'leaf' }],
		expect: { leaf: { ...good, reviewers: ['keeper'] } },
	}, {
		name: 'at most so many are asked, and nobody again',
		config: { report: { review_requests: 1 } }, people: { keeper: 'read', second: 'read' },
		main: maintained('"keeper" "second"'), branches: { leaf },
		steps: [{ do: 'pull', head: 'leaf' }, { do: 'wait' },
			{ do: 'push', branch: 'leaf', as: 'later', files: { 'packages/hello.sh': 'echo hello of later >> $LOG\n' } }],
		expect: { leaf: { ...good, reviewers: ['keeper'] } },
	}, {
		name: 'who has reviewed is not asked',
		config: { report: { review_requests: 3 } }, people: { keeper: 'read', second: 'read' },
		main: maintained('"keeper" "second"'), branches: { leaf },
		steps: [{ do: 'pull', head: 'leaf', draft: true }, { do: 'wait' }, { do: 'review', on: 'leaf', user: 'keeper' },
			{ do: 'ready', on: 'leaf' }],
		expect: { leaf: { ...good, reviewers: ['second'] } },
	}, {
		name: 'nobody is asked about a change of more roots than the operator says, or of a failure',
		config: { report: { review_requests: 3, review_max_roots: 1 } }, people: { keeper: 'read' },
		main: maintained('"keeper"'),
		branches: { wide: { 'packages/hello.sh': 'echo hello of wide >> $LOG\n', 'packages/other.sh': 'echo other of wide >> $LOG\n' },
			broken: { 'packages/hello.sh': 'exit 1\n' } },
		steps: [{ do: 'pull', head: 'wide' }, { do: 'pull', head: 'broken' }],
		expect: { wide: { ...good, reviewers: [] }, broken: { rebuilds: 'failure', reviewers: [] } },
	}, {
		name: 'nobody is asked by default',
		people: { keeper: 'read' }, main: maintained('"keeper"'), branches: { leaf },
		steps: [{ do: 'pull', head: 'leaf' }],
		expect: { leaf: { ...good, reviewers: [] } },
	},
	// --- what was in conflict ---
	{
		name: 'a merge conflict that goes away with a push to the base: compared anew, once',
		branches: { leaf },
		steps: [
			{ do: 'push', branch: 'main', as: 'main later', files: { 'packages/hello.sh': 'echo hello of main later >> $LOG\n' } },
			{ do: 'pull', head: 'leaf' }, { do: 'wait' },
			{ do: 'push', branch: 'main', as: 'main again', files: { 'packages/hello.sh': 'echo hello of main >> $LOG\n' } },
			{ do: 'time', s: 60 },
		],
		expect: { leaf: { ...good, times: 2, reports: [/^(?!.*conflict)/s] } },
		fails: ['order', 'dup', 'lost', 'kill', 'fault', 'lag', 'slay', 'refuse'],	// when it is asked for depends on the clock
	}, {
		name: 'a merge conflict that stays: a push to the base says nothing new',
		branches: { leaf },
		steps: [
			{ do: 'push', branch: 'main', as: 'main later', files: { 'packages/hello.sh': 'echo hello of main later >> $LOG\n' } },
			{ do: 'pull', head: 'leaf' }, { do: 'wait' },
			{ do: 'push', branch: 'main', as: 'main again', files: { 'packages/other.sh': 'echo other of main again >> $LOG\n' } },
			{ do: 'time', s: 60 },
		],
		expect: { leaf: { ...good, times: 1, reports: [/conflict/] } },
		fails: ['order', 'dup', 'lost', 'kill', 'fault', 'lag', 'slay', 'refuse'],
	},
	// --- suites ---
	{
		name: 'a suite is requested for a head whose push was never told: what should have run does, once',
		branches: { leaf },
		steps: [
			{ do: 'pull', head: 'leaf', unheard: true }, { do: 'say', on: 'leaf', as: 'first', body: '/ekaci priority high', user: 'writer' },
			{ do: 'wait' },
			{ do: 'suite', on: 'leaf', requested: true }, { do: 'suite', on: 'leaf', requested: true }, { do: 'wait' },
			{ do: 'suite', on: 'leaf', requested: true },
		],
		expect: { leaf: { ...good, times: 1, reports: 1, answers: 0 }, built, reactions: { first: ['+1'] } },
		fails: ['kill'],	// the start compares with the forge, and runs it before it is asked for
	},
];
