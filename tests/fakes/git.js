// Git as the stand-in needs it: the bare repositories behind the API, changed by plumbing alone.

import { execFile } from 'node:child_process';

export const ZERO = '0'.repeat(40);

export const git_env = {
	PATH: process.env.PATH,
	HOME: '/nonexistent',
	GIT_CONFIG_NOSYSTEM: '1',
	GIT_CONFIG_GLOBAL: '/dev/null',
	GIT_AUTHOR_NAME: 'demo',
	GIT_AUTHOR_EMAIL: 'demo@localhost',
	GIT_COMMITTER_NAME: 'demo',
	GIT_COMMITTER_EMAIL: 'demo@localhost',
};

// git(dir, ...args): runs git in a repository, resolves to its trimmed output; rejects when it
// fails. The last argument may be { input, env, ok }: ok lists exit codes that are no failure, and
// then { code, out } is the result.
export function git(dir, ...args)
{
	const opts = typeof args[args.length - 1] === 'object' ? args.pop() : {};
	return new Promise((resolve, reject) => {
		const child = execFile('git', ['-C', dir, ...args], {
			env: { ...git_env, ...opts.env }, timeout: 60000, maxBuffer: 64 << 20,
		}, (error, out, err) => {
			const text = out.replace(/\n$/, '');
			if (opts.ok && (!error || opts.ok.includes(error.code)))
				resolve({ code: error ? error.code : 0, out: text });
			else if (error)
				reject(new Error(`git ${args.join(' ')}: ${err.trim() || error.message}`));
			else
				resolve(text);
		});
		child.stdin.on('error', () => {});
		child.stdin.end(opts.input || '');
	});
}

// Makes the bare repository `dir`: empty, or with all branches and tags of `from`.
export async function make_bare(dir, from)
{
	if (from)
		await git('/', 'clone', '--quiet', '--bare', '--no-hardlinks', from, dir);
	else
		await git('/', 'init', '--quiet', '--bare', '--initial-branch=main', dir);
	for (const [key, value] of [['uploadpack.allowAnySHA1InWant', 'true'],
		['uploadpack.allowFilter', 'true'], ['http.receivepack', 'false'], ['gc.auto', '0'],
		['maintenance.auto', 'false']])
		await git(dir, 'config', key, value);
}

// The commit a name stands for, or null.
export async function commit_of(dir, name)
{
	const { code, out } = await git(dir, 'rev-parse', '--verify', '--quiet', '--end-of-options',
		`${name}^{commit}`, { ok: [1, 128] });
	return code === 0 ? out : null;
}

// Copies the commit `rev` of the repository `from` into `dir`; resolves to its id.
export async function take_commit(dir, from, rev)
{
	const sha = await commit_of(from, rev);
	if (!sha)
		throw new Error(`${from} has no commit ${rev}`);
	await git(from, 'push', '--quiet', '--force', dir, `${sha}:refs/stand-in/taken`);
	await git(dir, 'update-ref', '-d', 'refs/stand-in/taken');
	return sha;
}

let indexes = 0;

// Writes a commit on top of `parent` (a sha, or null for a root): `files` maps a path to its
// content, to null for a deletion, to { content, mode }, or to { commit } for a submodule. Resolves to the new commit.
export async function write_commit(dir, parent, files, message, date)
{
	const env = { GIT_INDEX_FILE: `${dir}/stand-in-index.${process.pid}.${indexes++}` };
	if (date)
		Object.assign(env, { GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date });
	if (parent)
		await git(dir, 'read-tree', parent, { env });
	const lines = [];
	for (const [path, value] of Object.entries(files)) {
		const { content, mode, commit } = value && typeof value === 'object' ? value : { content: value };
		if (commit) {
			lines.push(`160000 ${commit}\t${path}`);
			continue;
		}
		if (content === null) {
			lines.push(`0 ${ZERO}\t${path}`);
			continue;
		}
		const blob = await git(dir, 'hash-object', '-w', '--stdin', { input: content });
		lines.push(`${mode || '100644'} ${blob}\t${path}`);
	}
	if (lines.length)
		await git(dir, 'update-index', '--add', '--index-info', { env, input: lines.join('\n') + '\n' });
	const tree = await git(dir, 'write-tree', { env });
	return git(dir, 'commit-tree', tree, ...(parent ? ['-p', parent] : []), '-m', message, { env });
}

// The test merge of `head` into `base`: a commit id, or null on conflict.
export async function test_merge(dir, base, head)
{
	const { code, out } = await git(dir, 'merge-tree', '--write-tree', base, head, { ok: [1] });
	if (code !== 0)
		return null;
	return git(dir, 'commit-tree', out.split('\n')[0], '-p', base, '-p', head,
		'-m', `Merge ${head} into ${base}`);
}
