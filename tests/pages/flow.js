// A pull request on real parts, whose second head mends what the first one broke: what its page says, and what is counted.

import { begin, equal, match, ok, run, test } from './lib.js';
import { finished } from '../e2e/scenes.js';

const scene = await begin({ config: { build: { slots: 2 } } });
const package_that = build => ({ 'pkgs/z/zinnia.nix': `{ package, setup }:

package {
  pname = "zinnia";
  version = "1.0";
  inputs = [ setup ];
  build = "${build}";
}
` });
const get = async route => (await fetch(scene.bot.url + route)).json();

test('what a head breaks and the next one mends stands on the page, and in the figures', async () => {
	await scene.github.do('commit', { repo: scene.repo, branch: 'mended', parent: 'refs/heads/main', files: package_that('echo error: one; exit 1') });
	const { pull } = await scene.open('mended');
	const first = await finished(scene, pull.head.sha);
	equal(first.rebuilds.conclusion, 'failure');
	const failures = await get(`${new URL(first.rebuilds.details_url).pathname}/failures.json`);
	const [broken] = failures.failures.filter(f => f.blame === 'newly_failing');
	equal([broken.what, broken.name], ['build', 'zinnia']);
	match(broken.lines, /^error: one$/m);
	const { after } = await scene.github.do('commit', { repo: scene.repo, branch: 'mended', parent: 'refs/heads/mended', files: package_that('echo fine') });
	equal((await finished(scene, after)).rebuilds.conclusion, 'success');
	const page = await get(`/${scene.repo}/pull/${pull.number}.json`);
	equal([page.since.before, page.since.now, page.since.fails_now, page.since.fails_no_more],
		[pull.head.sha, after, [], [{ name: 'zinnia', system: 'x86_64-linux', what: 'build' }]]);
	equal(page.runs[0].verdict, 'success');
	match(page.runs[0].base, /^[0-9a-f]{40}$/);
	const figures = Object.fromEntries((await get('/index.json')).days.map(f => [f.what, f]));
	equal([figures.verdict.n, figures.verdict.total], [2, 1]);
	equal([figures.evaluation.n, figures.rebuilds.n], [2, 2]);
	ok(figures.evaluation.total > 0 && figures.build.n >= 2 && figures.build.total > 0 && figures.wait.n >= 2, JSON.stringify(figures));
});

await run({ limit_ms: 120000, before_end: () => scene.end() });
