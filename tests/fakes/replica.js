// Git's replicas: what a client finds that is faster than they are. Its refs are those of some time ago.

import fs from 'node:fs';
import { git } from './git.js';

const busy = new Map();

// A repository with the refs that `repo` had lag_git_ms ago, and the objects of those.
async function bring(w, repo)
{
	const dir = repo.dir.replace(/\.git$/, '.replica');
	if (!fs.existsSync(dir)) {
		await git('/', 'init', '--quiet', '--bare', `--initial-branch=${repo.default_branch}`, dir);
		for (const key of ['uploadpack.allowAnySHA1InWant', 'uploadpack.allowFilter'])
			await git(dir, 'config', key, 'true');
	}
	const refs = new Map(repo.moves.filter(m => w.is_seen(m.at, w.settings.lag_git_ms)).map(m => [m.ref, m.sha]));
	const now = new Map((await git(dir, 'for-each-ref', '--format=%(refname) %(objectname)')).split('\n')
		.map(line => line.split(' ')));
	const moved = [...refs].filter(([ref, sha]) => sha && now.get(ref) !== sha);
	if (moved.length)
		await git(dir, 'fetch', '--quiet', '--no-tags', repo.dir, ...moved.map(([ref, sha]) => `+${sha}:${ref}`));
	for (const [ref, sha] of refs) {
		if (!sha && now.has(ref))
			await git(dir, 'update-ref', '-d', ref);
	}
	return dir;
}

// The folder that git serves now: the repository itself, unless replicas lag.
export async function replica_of(w, repo)
{
	if (!w.settings.lag_git_ms)
		return repo.dir;
	const last = (busy.get(repo.dir) || Promise.resolve()).catch(() => {});
	const next = last.then(() => bring(w, repo));
	busy.set(repo.dir, next);
	return next;
}
