// Git over HTTP: the program's own CGI over the bare repositories, for whoever brings a token.

import { execFileSync, spawn } from 'node:child_process';
import path from 'node:path';
import { git_env } from './git.js';
import { replica_of } from './replica.js';

const PATH = new RegExp('^/([A-Za-z0-9-]+)/([A-Za-z0-9._-]+?)(?:\\.git)?/'
	+ '(info/refs|git-upload-pack|git-receive-pack|HEAD|objects/.*)$');

let backend;

export const is_git_path = p => PATH.test(p) && !p.startsWith('/repos/');

// Why this request may not read the repository: an HTTP status, or 0 when it may.
function refusal(w, request, repo)
{
	const basic = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(request.headers.authorization || '');
	if (!basic)
		return 401;
	const text = Buffer.from(basic[1], 'base64').toString('utf8');
	const at = text.indexOf(':');
	const token = text.slice(0, at) === 'x-access-token' && w.good_token(text.slice(at + 1));
	if (!token)
		return 401;
	if (!repo || (!repo.open && !w.token_reaches(token, repo)))
		return 404;
	return token.permissions.contents ? 0 : 403;
}

// Answers one request of a git client; `url` is its parsed URL. Resolves to the status it got.
export async function serve_git(w, request, response, url)
{
	const [, owner, name, rest] = PATH.exec(url.pathname);
	const repo = w.find_repository(`${owner}/${name}`);
	const moved = !repo && w.moved.get(`${owner}/${name}`.toLowerCase());
	if (moved) {		// github.com leads git from the old name to the new one
		request.resume();
		response.writeHead(301, { Location: `${w.url}/${moved.full_name}.git/${rest}${url.search}` }).end();
		return 301;
	}
	let status = refusal(w, request, repo);
	if (!status && (rest === 'git-receive-pack'
		|| url.searchParams.get('service') === 'git-receive-pack'))
		status = 403;
	if (status) {
		request.resume();
		response.writeHead(status, { 'Content-Type': 'text/plain',
			...(status === 401 ? { 'WWW-Authenticate': 'Basic realm="GitHub"' } : {}) });
		response.end(status === 401 ? 'Repository not found or not authorised.\n' : 'No.\n');
		return status;
	}
	return run_backend(request, response, await replica_of(w, repo), rest, url);
}

function run_backend(request, response, dir, rest, url)
{
	backend = backend || path.join(execFileSync('git', ['--exec-path'], { encoding: 'utf8' }).trim(),
		'git-http-backend');
	const child = spawn(backend, [], { stdio: ['pipe', 'pipe', 'ignore'], env: {
		...git_env,
		GIT_PROJECT_ROOT: dir, GIT_HTTP_EXPORT_ALL: '1', PATH_INFO: `/${rest}`,
		QUERY_STRING: url.search.slice(1), REQUEST_METHOD: request.method,
		CONTENT_TYPE: request.headers['content-type'] || '',
		HTTP_CONTENT_ENCODING: request.headers['content-encoding'] || '',
		GIT_PROTOCOL: request.headers['git-protocol'] || '',
		...(request.headers['content-length']
			? { CONTENT_LENGTH: request.headers['content-length'] } : {}),
	} });
	child.stdin.on('error', () => {});
	request.pipe(child.stdin);
	response.on('close', () => child.kill());
	return new Promise(resolve => {
		let head = Buffer.alloc(0);
		let status = 0;
		child.on('error', () => response.destroy());
		child.stdout.on('data', part => {
			if (status) {
				if (!response.write(part)) {
					child.stdout.pause();
					response.once('drain', () => child.stdout.resume());
				}
				return;
			}
			head = Buffer.concat([head, part]);
			const end = head.indexOf('\r\n\r\n');
			if (end < 0)
				return;
			const headers = {};
			status = 200;
			for (const line of head.subarray(0, end).toString('latin1').split('\r\n')) {
				const at = line.indexOf(':');
				if (line.slice(0, at).toLowerCase() === 'status')
					status = parseInt(line.slice(at + 1), 10);
				else
					headers[line.slice(0, at)] = line.slice(at + 1).trim();
			}
			response.writeHead(status, headers);
			response.write(head.subarray(end + 4));
		});
		child.on('close', () => {
			if (!status)
				response.writeHead(500);
			response.end();
			resolve(status || 500);
		});
	});
}
