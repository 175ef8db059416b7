// Evaluations that fail in part, as a whole, or cannot be begun: what the pull request is told.

import fs from 'node:fs';
import path from 'node:path';
import { equal, match, ok, run } from './lib.js';
import { children_of, eventually, figure, finished, gone, NAMES, report_of, row_of, scene_test, slow_evaluator,
	state_files, tidy } from './scenes.js';

const told = check => `${check.output.title}\n${check.output.summary}\n${check.output.text ?? ''}`;

scene_test('one attribute stops evaluating: the others are compared, and the check fails', {}, async scene => {
	const { pull } = await scene.open('evalfail');
	const { evaluation, rebuilds } = await finished(scene, pull.head.sha);
	equal([evaluation.conclusion, rebuilds.conclusion], ['failure', 'success']);
	match(evaluation.output.title, /2 newly fail/);
	match(told(evaluation), /heather needs a newer libcedar/);
	match(row_of(await report_of(scene, evaluation), 'rowan').head.error, /heather needs/);
	await tidy(scene, pull);
});

scene_test('an evaluation that cannot complete: failed, no counts, labels untouched, the evaluator\'s own words',
	{ config: { report: { labels: true, label_prefix: 'rebuilds ', label_has_prefix: 'has ' } } }, async scene => {
		const { pull } = await scene.open('games');
		await finished(scene, pull.head.sha);
		const labels = () => scene.github.ask('pulls').then(all => all.find(p => p.number === pull.number).labels);
		const before = await eventually('labels', async () => (await labels()).length > 0 && labels());
		const { after } = await scene.github.do('push', { repo: scene.repo, branch: 'games', rev: 'rootfail' });
		const { evaluation, rebuilds } = await finished(scene, after);
		equal([evaluation.conclusion, evaluation.output.title], ['failure', 'this change\'s default.nix does not evaluate any more']);
		equal(rebuilds.conclusion, 'cancelled');
		match(told(evaluation), /syntax error, unexpected (LET|'let')/);
		// The place is shown in the diff.
		equal(evaluation.annotations.map(a => [a.path, a.start_line, a.annotation_level]),
			[['default.nix', 4, 'failure']]);
		await tidy(scene, { ...pull, head: { sha: after } });
		equal(await labels(), before);
		equal(before.map(l => l.name ?? l).sort(), ['has package (update)', 'rebuilds linux: 1', 'rebuilds linux: 1-10']);
		const [comment] = await scene.comments(pull.number);
		match(comment.body, /syntax error/);
		ok(!/\d+ (re)?builds?\b/.test(comment.body.replace(/`[^`]*`/g, '')), 'no counts in the comment');
	});

scene_test('a change that repairs a base that does not evaluate breaks nothing: it is said, and what head has', {}, async scene => {
	await scene.github.do('push', { repo: scene.repo, branch: 'main', rev: 'rootfail' });
	await scene.github.do('commit', { repo: scene.repo, branch: 'repair', parent: 'refs/heads/main',
		files: { 'default.nix': fs.readFileSync(path.join(scene.dir, 'demo', 'default.nix'), 'utf8') } });
	const { pull } = await scene.open('repair');
	const { evaluation, rebuilds } = await finished(scene, pull.head.sha);
	equal([evaluation.conclusion, rebuilds.conclusion], ['neutral', 'neutral']);
	match(evaluation.output.title, /^could not be compared: the base does not evaluate; this change does, \d+ attributes$/);
	match(told(evaluation), /syntax error, unexpected LET/);
	equal(evaluation.annotations, []);
	const report = await report_of(scene, evaluation);
	equal([report.outcome, report.counts, report.evaluations.map(e => [e.side, e.complete])],
		['incomplete', null, [['base', false], ['head', true]]]);
	await tidy(scene, pull);
});

scene_test('one attribute that cannot be told: the rest is compared and built, nothing is green, and labels that count stay',
	{ config: { report: { labels: true, label_prefix: 'rebuilds ', label_has_prefix: 'has ' } } }, async scene => {
		await scene.github.do('commit', { repo: scene.repo, branch: 'main', files: { 'pkgs/f/forbidden.nix': '{ package }:\n\nimport <nowhere> package\n' } });
		await scene.github.do('commit', { repo: scene.repo, branch: 'change', parent: 'refs/heads/main',
			files: { 'pkgs/y/yarrow.nix': '{ package, setup }:\n\npackage {\n  pname = "yarrow";\n  version = "77";\n  inputs = [ setup ];\n}\n' } });
		const { pull } = await scene.open('change');
		const { evaluation, rebuilds } = await finished(scene, pull.head.sha);
		equal([evaluation.conclusion, rebuilds.conclusion], ['neutral', 'neutral']);
		equal(rebuilds.output.title, '1 added - all built, 1 could not be told');
		match(told(evaluation), /nix-path = "nowhere=/);
		const report = await report_of(scene, rebuilds);
		equal([report.counts.total.added, report.counts.total.untold, report.verdict.exit], [1, 1, 2]);
		equal(report.attributes.filter(a => a.class === 'untold').map(a => a.path.at(-1)), ['forbidden']);
		await tidy(scene, pull);
		const labels = (await scene.github.ask('pulls')).find(p => p.number === pull.number).labels.map(l => l.name ?? l);
		ok(!labels.some(l => l.startsWith('rebuilds ')), labels.join());
	});

scene_test('nothing to evaluate on either side is not known, and not green', {}, async scene => {
	await scene.github.do('commit', { repo: scene.repo, branch: 'main', files: { '.ekaci/config.json': null, 'default.nix': '[ ]\n' } });
	await scene.github.do('commit', { repo: scene.repo, branch: 'change', parent: 'refs/heads/main', files: { 'default.nix': '[ 1 ]\n' } });
	const { pull } = await scene.open('change');
	const { evaluation, rebuilds } = await finished(scene, pull.head.sha);
	equal([evaluation.conclusion, rebuilds.conclusion], ['neutral', 'neutral']);
	equal(evaluation.output.title, 'could not be told: nothing to evaluate below default.nix');
	match(told(evaluation), /recurseForDerivations/);
	await tidy(scene, pull);
	const [comment] = await scene.comments(pull.number);
	match(comment.body, /nothing to evaluate below `default\.nix`/i);
});

scene_test('mistakes in the base\'s .ekaci/config.json: failure with line and column', {}, async scene => {
	await scene.github.do('push', { repo: scene.repo, branch: 'main', rev: 'badconfig' });
	await scene.github.do('commit', { repo: scene.repo, branch: 'change', parent: 'refs/heads/main',
		files: { 'games/patience.nix': '{ game }:\n\ngame "patience" "0.9" [ ]\n' } });
	const { pull } = await scene.open('change');
	const { evaluation, rebuilds } = await finished(scene, pull.head.sha);
	equal([evaluation.conclusion, rebuilds.conclusion], ['failure', 'cancelled']);
	match(told(evaluation), /\.ekaci\/config\.json:6:\d+/);
	match(told(evaluation), /change_sets\[0\]\.kind must be docs-only/);
	equal((await report_of(scene, evaluation)).evaluations ?? [], []);
	await tidy(scene, pull);
});

scene_test('mistakes only at the head: evaluated in full by the base\'s rules, and failed, since nothing could be evaluated after it', {}, async scene => {
	const { pull } = await scene.open('badconfig');
	const { evaluation, rebuilds } = await finished(scene, pull.head.sha);
	equal([evaluation.conclusion, rebuilds.conclusion], ['failure', 'success']);
	match(evaluation.output.title, /^\.ekaci\/config\.json has a mistake in line \d+ - /);
	equal(evaluation.annotations.map(a => [a.path, a.annotation_level]), [['.ekaci/config.json', 'failure']]);
	match(told(evaluation), /change_sets\[0\]\.kind must be docs-only/);
	await tidy(scene, pull);
});

scene_test('no rules and nothing to evaluate: the page says so, and nobody is bothered with a check', {}, async scene => {
	// A branch that never was anything else: of one that was Nix a moment ago the check may have been begun.
	await scene.github.do('commit', { repo: scene.repo, branch: 'bare', parent: 'refs/heads/main',
		files: { '.ekaci/config.json': null, 'default.nix': null } });
	await scene.github.do('commit', { repo: scene.repo, branch: 'change', parent: 'refs/heads/bare',
		files: { 'README.md': 'Nothing but this\n' } });
	const { pull } = await scene.github.do('pull', { repo: scene.repo, head: 'change', base: 'bare' });
	await eventually('it is known what it is', async () => (await Promise.all([1, 2, 3].map(async n =>
		/nothing here is Nix/.test((await scene.bot.get(`/run/${n}`)).text)))).includes(true));
	equal(await scene.checks(pull.head.sha), []);
	equal(await scene.comments(pull.number), []);
});

scene_test('no rules, but a default.nix: found by convention', {}, async scene => {
	await scene.github.do('commit', { repo: scene.repo, branch: 'main', files: { '.ekaci/config.json': null } });
	await scene.github.do('commit', { repo: scene.repo, branch: 'change', parent: 'refs/heads/main',
		files: { 'games/patience.nix': '{ game }:\n\ngame "patience" "0.9" [ ]\n' } });
	const { pull } = await scene.open('change');
	const { rebuilds } = await finished(scene, pull.head.sha);
	equal(rebuilds.conclusion, 'success');
	const report = await report_of(scene, rebuilds);
	equal([report.plan.config, report.counts.total.rebuild], ['convention', 1]);
});

// An evaluator that prints some rows and then goes wrong in some way.
const broken = (dir, last) => {
	const file = path.join(dir, 'broken-eval-jobs');
	fs.writeFileSync(file, `#!/bin/sh
case "$1" in --help) echo '--meta --max-memory-size --workers --gc-roots-dir --option --expr'; exit 0;; esac
echo '{"attr":"a","attrPath":["a"],"error":"error: a"}'
${last}
`, { mode: 0o755 });
	return file;
};

for (const [how, last, words] of [
	['crashes', 'echo "terminate called: out of cheese" >&2; kill -SEGV $$', /out of cheese/],
	['exits with a code of its own', 'echo "error: no more" >&2; exit 3', /error: no more/],
	['prints what is no JSON', 'echo "{\\"attr\\": oops"', /JSON|line|read/i],
	['prints a fatal row', 'echo "{\\"attrPath\\":[],\\"error\\":\\"error: the root is gone\\",\\"fatal\\":true}"', /the root is gone/],
]) {
	scene_test(`an evaluator that ${how}: incomplete on both sides, so blamed on nobody and never "no rebuilds"`, { start: false },
		async scene => {
			scene.configure({ evaluate: { evaluator: broken(scene.dir, last), sandbox: 'off' } });
			await scene.bot.start();
			const { pull } = await scene.open('games');
			const { evaluation, rebuilds } = await finished(scene, pull.head.sha);
			equal([evaluation.conclusion, evaluation.output.title],
				['neutral', 'could not be compared: neither the base nor this change evaluates']);
			equal(rebuilds.conclusion, 'neutral');
			match(told(evaluation), words);
			await tidy(scene, pull);
		});
}

scene_test('an evaluator that is killed, each time: our machinery failed, which is blamed on nobody and never "no rebuilds"', { start: false },
	async scene => {
		scene.configure({ evaluate: { evaluator: broken(scene.dir, 'kill -KILL $$'), sandbox: 'off' } });
		await scene.bot.start();
		const { pull } = await scene.open('games');
		const { evaluation, rebuilds } = await finished(scene, pull.head.sha);
		equal([evaluation.conclusion, evaluation.output.title], ['action_required', 'not evaluated: our machinery failed']);
		equal(rebuilds.conclusion === 'success', false);
		match(told(evaluation), /was killed/);
		await tidy(scene, pull);
	});

scene_test('an evaluator that is not there: said in words, and not blamed on the change', { start: false },
	async scene => {
		scene.configure({ evaluate: { evaluator: path.join(scene.dir, 'nowhere') } });
		await scene.bot.start();
		const { pull } = await scene.open('games');
		const { evaluation, rebuilds } = await finished(scene, pull.head.sha);
		equal([evaluation.conclusion, rebuilds.conclusion], ['action_required', 'cancelled']);
		match(told(evaluation), /no evaluator .*nowhere/);
		await tidy(scene, pull);
	});

scene_test('Nix missing: the bot does not start and says what is missing', { start: false }, async scene => {
	const bin = path.join(scene.dir, 'bin');
	fs.mkdirSync(bin);
	scene.bot.env = { PATH: bin };
	const why = await scene.bot.start().then(() => null, e => e);
	ok(why, 'it must not start');
	match(why.message, /git is not on PATH|nix-store is not on PATH/);
	scene.bot.child = null;
});

scene_test('an evaluation that takes too long ends, with all its processes, and says so', { start: false },
	async scene => {
		const slow = slow_evaluator(scene.dir);
		scene.configure({ evaluate: { evaluator: slow.file, sandbox: 'off', timeout_s: 8 } });
		await scene.bot.start();
		const { pull } = await scene.open('games');
		await eventually('the evaluation has begun', () => slow.begun() > 0);
		const workers = () => children_of(scene).filter(p => p.command === 'ekaci worker ').length;
		await eventually('the next worker is started meanwhile', async () =>
			await figure(scene, 'workers_running') === 1 && workers() === 2);
		await eventually('and does not stay when nothing is asked of it', async () =>
			await figure(scene, 'workers_running') === 1 && workers() === 1);
		const { evaluation } = await finished(scene, pull.head.sha);
		equal([evaluation.conclusion, evaluation.output.title],
			['neutral', 'could not be compared: neither the base nor this change evaluates']);
		match(told(evaluation), /time|long|second/i);
		await tidy(scene, pull);
		await eventually('nothing runs any more', () => children_of(scene).length === 0);
	});

await run({ limit_ms: 100000, at_once: 4 });
