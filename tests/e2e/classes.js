// Every branch of the demo repository as a pull request, all open at once at one bot: what each changes is
// exactly what fixtures/repositories/demo.expected.json says, which stock Nix has confirmed (demo.js).

import { execFileSync, spawnSync } from 'node:child_process';
import path from 'node:path';
import { begin, equal, match, nix_config, ok, program, run, test } from './lib.js';
import { classes_of, expected, expected_of, finished, report_of, tidy } from './scenes.js';

let scene;
const pulls = {};

test('all branches of the demo come to an end together', async () => {
	scene = await begin();
	for (const branch of Object.keys(expected))
		pulls[branch] = (await scene.open(branch)).pull;
	for (const branch of Object.keys(expected))
		await finished(scene, pulls[branch].head.sha, { limit_ms: 100000 });
});

// Where the rules kept the evaluation small, what was not evaluated is in no class.
const outside_of_the_rules = {
	docs: null,
	games: e => ({ ...e, still_failing: [] }),
	rootfail: null,
};

for (const branch of Object.keys(expected).filter(b => outside_of_the_rules[b] !== null)) {
	test(`${branch}: classes, counts and blast radii are exact`, async () => {
		const { evaluation, rebuilds } = await finished(scene, pulls[branch].head.sha);
		const report = await report_of(scene, rebuilds);
		equal(classes_of(report), expected_of(branch, outside_of_the_rules[branch]));
		equal(report.outcome, 'compared');
		ok(branch !== 'bump' || Object.keys(report.query.estimate).length > 0); /* nothing else builds what it does */
		for (const e of Object.values(report.query.estimate))
			ok(e.finish_ms >= e.critical_path_ms && e.finish_ms <= Math.max(e.total_ms, e.critical_path_ms)
				&& e.finish_low_ms <= e.finish_ms && e.finish_ms <= e.finish_high_ms, JSON.stringify(e));
		equal(report.run.conflict, branch === 'conflict');
		const newly = expected[branch].newly_failing.length + expected[branch].added_failing.length;
		/* A mistake put into the configuration would stop every later evaluation. */
		equal(evaluation.conclusion, newly > 0 || branch === 'badconfig' ? 'failure' : 'success');
		equal(/^\.ekaci\/config\.json has a mistake in line \d+ - /.test(evaluation.output.title), branch === 'badconfig');
		/* Only bump breaks a build; thistle's was broken before, wherever it is rebuilt. */
		equal(rebuilds.conclusion, branch === 'bump' ? 'failure' : 'success');
		await tidy(scene, pulls[branch]);
	});
}

test('rootfail: it does not evaluate any more, in the evaluator\'s own words, and no counts', async () => {
	const { evaluation, rebuilds } = await finished(scene, pulls.rootfail.head.sha);
	const report = await report_of(scene, evaluation);
	equal([evaluation.conclusion, evaluation.output.title], ['failure', 'this change\'s default.nix does not evaluate any more']);
	equal(rebuilds.conclusion, 'cancelled');
	equal([report.outcome, report.counts, report.attributes, report.builds], ['incomplete', null, null, null]);
	match(`${evaluation.output.summary}${evaluation.output.text}`, /syntax error, unexpected (LET|'let')/);
	await tidy(scene, pulls.rootfail);
});

test('docs: nothing is expected to rebuild', async () => {
	const { evaluation, rebuilds } = await finished(scene, pulls.docs.head.sha);
	equal([evaluation.conclusion, rebuilds.conclusion], ['success', 'success']);
	equal((await report_of(scene, evaluation)).outcome, 'skipped');
	await tidy(scene, pulls.docs, { comments: 0 });
});

test('one derivation was built once, however many pull requests wanted it', async () => {
	const lines = scene.bot.log_text().split('\n').filter(l => /: build \/nix\/store\//.test(l))
		.map(l => l.match(/build (\S+drv): /)[1]);
	ok(lines.length > 40);
	equal(lines.length, new Set(lines).size);
});

test('ekaci diff says the same of bump, without GitHub', async () => {
	const demo = path.join(scene.dir, 'demo');
	const git = (...args) => execFileSync('git', ['-C', demo, ...args], { encoding: 'utf8' }).trim();
	const tree = git('merge-tree', '--write-tree', 'main', 'bump').split('\n')[0];
	const merge = git('-c', 'user.name=demo', '-c', 'user.email=demo@localhost', 'commit-tree', tree,
		'-p', 'main', '-m', 'merge');
	const { status, stdout, stderr } = spawnSync(program, ['diff', '--repo', demo, '--format', 'json', 'main', merge],
		{ encoding: 'utf8', timeout: 60000, maxBuffer: 1 << 26, env: { NIX_CONFIG: nix_config, ...process.env,
			XDG_CACHE_HOME: path.join(scene.dir, 'cache') } });
	equal(status, 1, stderr);
	equal(classes_of(JSON.parse(stdout)), expected_of('bump'));
});

await run({ limit_ms: 110000, before_end: () => scene && scene.end() });
