// What was built for trusted refs is copied to binary caches: which refs, signed, and when the cache is away. And how long a failure
// is believed.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { equal, match, nix_config, ok, run } from './lib.js';
import { eventually, finished, report_of, row_of, scene_test } from './scenes.js';

const nix = (...args) => execFileSync(args[0], args.slice(1), { encoding: 'utf8',
	env: { ...process.env, NIX_CONFIG: nix_config } }).trim();
const output_of = drv => nix('nix-store', '--query', '--outputs', drv).split('\n')[0];
const narinfo = (cache, out) => path.join(cache, `${path.basename(out).slice(0, 32)}.narinfo`);
const in_cache = (cache, out) => fs.existsSync(narinfo(cache, out));

const patience = version => ({ 'games/patience.nix': `{ game }:\n\ngame "patience" "${version}" [ ]\n` });
const configure = (scene, more) => {
	const cache = path.join(scene.dir, 'cache'), key = path.join(scene.dir, 'cache.key');
	fs.writeFileSync(key, nix('nix-store', '--generate-binary-cache-key', 'test-1', key, `${key}.public`) || fs.readFileSync(key));
	scene.configure({ cache: { push: [`file://${cache}?secret-key=${key}`], ...more } });
	return cache;
};
const built = async (scene, check) => output_of(row_of(await report_of(scene, check), 'games.patience').head.drv);

scene_test('the default branch and the merge queue are copied, signed; a pull request is not', { start: false }, async scene => {
	const cache = configure(scene, {});
	await scene.bot.start();
	await scene.github.do('commit', { repo: scene.repo, branch: 'game', parent: 'refs/heads/main', files: patience('7.7') });
	const { pull } = await scene.open('game');
	const out = await built(scene, (await finished(scene, pull.head.sha)).rebuilds);
	// Built for the pull request, and found built for the merge group.
	ok(!in_cache(cache, out), 'not from the pull request');
	const group = await scene.github.do('merge_group', { repo: scene.repo, numbers: [1] });
	await finished(scene, group.head_sha);
	await eventually('it is in the cache', () => in_cache(cache, out));
	match(fs.readFileSync(narinfo(cache, out), 'utf8'), /^Sig: test-1:/m);
	const { after } = await scene.github.do('commit', { repo: scene.repo, branch: 'main', files: patience('8.8') });
	const other = await built(scene, (await finished(scene, after)).rebuilds);
	await eventually('so is what the branch built', () => in_cache(cache, other));
	ok(!scene.bot.log_text().includes(fs.readFileSync(path.join(scene.dir, 'cache.key'), 'utf8').trim()), 'no key in the log');
});

scene_test('refs = "members": a member\'s pull request is copied, a stranger\'s is not; a cache that is away is tried again',
	{ start: false }, async scene => {
		const cache = configure(scene, { refs: 'members' });
		scene.configure({ trust: { forks: 'build' } });
		fs.writeFileSync(cache, 'in the way');
		await scene.bot.start();
		await scene.github.do('commit', { repo: scene.repo, branch: 'game', parent: 'refs/heads/main', files: patience('7.7') });
		const { pull } = await scene.open('game');
		const out = await built(scene, (await finished(scene, pull.head.sha)).rebuilds);
		await eventually('the copy has failed', () => /not copied to file:/.test(scene.bot.log_text()));
		fs.unlinkSync(cache);
		await scene.bot.kill();
		// It would be tried again in half a minute; nobody waits that long here.
		execFileSync('sqlite3', [path.join(scene.dir, 'state/ekaci.db'), 'UPDATE push SET not_before = 0']);
		await scene.bot.start();
		await eventually('it is in the cache', () => in_cache(cache, out));

		await scene.github.do('repository', { full_name: 'stranger/demo', fork_of: scene.repo });
		await scene.github.do('commit', { repo: 'stranger/demo', branch: 'theirs', parent: 'refs/heads/main', files: patience('9.9') });
		const theirs = (await scene.open('theirs', { head_repo: 'stranger/demo', author_association: 'NONE', user: 'stranger' })).pull;
		const { rebuilds } = await finished(scene, theirs.head.sha);
		await scene.until_check(theirs.head.sha);
		ok(!in_cache(cache, await built(scene, rebuilds)), 'not the stranger\'s');
		equal(execFileSync('sqlite3', [path.join(scene.dir, 'state/ekaci.db'), 'SELECT count(*) FROM push'], { encoding: 'utf8' }).trim(), '0');
	});

scene_test('a derivation that failed is not built again within failure_cache_h, and is afterwards', {}, async scene => {
	const database = path.join(scene.dir, 'state/ekaci.db'), hour = 3600 * 1000;
	const sql = text => execFileSync('sqlite3', [database, '.timeout 10000', text], { encoding: 'utf8' }).trim();
	const failing = { 'games/patience.nix': `{ game }:\n\nderivation { name = "patience-5.5"; system = "x86_64-linux"; ` +
		`builder = "/bin/sh"; args = [ "-c" "exit 1" ]; unique = "${process.pid}-${Date.now()}"; }\n` };
	const begun = async branch => {
		await scene.github.do('commit', { repo: scene.repo, branch, parent: 'refs/heads/main', files: { ...failing, 'README.md': branch } });
		const { pull } = await scene.open(branch);
		equal((await finished(scene, pull.head.sha)).rebuilds.conclusion, 'failure');
		return sql('SELECT started FROM build WHERE drv LIKE \'%-patience-5.5.drv\'');
	};
	const first = await begun('first');
	sql(`UPDATE build SET ended = ended - ${23 * hour} WHERE drv LIKE '%-patience-5.5.drv'`);
	equal(await begun('second'), first, 'a day is the default');
	sql(`UPDATE build SET ended = ended - ${2 * hour} WHERE drv LIKE '%-patience-5.5.drv'`);
	ok(Number(await begun('third')) > Number(first), 'tried once more');
});

await run({ limit_ms: 100000, at_once: 2 });
