// One request to the API: who asks, whether it fits the description, what spoils it, what it does.

import crypto from 'node:crypto';
import { serve_git } from './git-http.js';
import { verify_jwt } from './jwt.js';
import { find_route, Refusal } from './routes.js';

const MAX_BODY = 26 << 20;
const VERSIONS = new Set(['2022-11-28', '2026-03-10']);
const LEVEL = { read: 1, write: 2, admin: 3 };

export function read_body(request)
{
	return new Promise((resolve, reject) => {
		const parts = [];
		let size = 0;
		request.on('data', part => {
			size += part.length;
			if (size > MAX_BODY)
				reject(new Error('body too large'));
			else
				parts.push(part);
		});
		request.on('end', () => resolve(Buffer.concat(parts).toString('utf8')));
		request.on('error', reject);
	});
}

export function send_json(response, status, body, headers = {})
{
	const text = body === undefined || status === 204 || status === 304 ? '' : JSON.stringify(body);
	response.writeHead(status, { ...(text ? { 'Content-Type': 'application/json; charset=utf-8' } : {}),
		'Content-Length': Buffer.byteLength(text), ...headers });
	response.end(text);
}

const pause = ms => new Promise(resolve => setTimeout(resolve, ms));

// Applies a fault to the answer; true when the fault has answered, or never will.
async function spoil(fault, response)
{
	if (fault.delay_ms)
		await pause(fault.delay_ms);
	if (fault.hang)
		return true;
	if (fault.drop) {
		response.destroy();
		return true;
	}
	if (!fault.status)
		return false;
	const body = fault.body === undefined ? { message: 'a fault of the test' } : fault.body;
	if (typeof body === 'string') {
		response.writeHead(fault.status, fault.headers || {});
		response.end(body);
	} else {
		send_json(response, fault.status, body, fault.headers);
	}
	return true;
}

export async function answer_git({ world: w, faults }, request, response, url)
{
	const fault = faults.take(request.method, url.pathname);
	const entry = { n: w.requests.length + 1, at: w.stamp(), ms: w.now_ms(), method: request.method,
		path: url.pathname, query: Object.fromEntries(url.searchParams), route: 'git',
		user_agent: request.headers['user-agent'], status: null };
	w.log_request(entry);
	if (fault && await spoil(fault, response)) {
		request.resume();
		entry.fault = fault.id;
		return;
	}
	entry.status = await serve_git(w, request, response, url);
}

// Who asks: fills c.app or c.token, and c.rate_key; throws the refusal.
function authenticate(c, route, header)
{
	const { w } = c;
	const match = /^(?:Bearer|token) +(\S+)$/i.exec(header || '');
	c.rate_key = 'nobody';
	if (route.auth === 'none')
		return;
	if (!match)
		throw new Refusal(401, header ? 'Bad credentials' : 'Requires authentication');
	const text = match[1];
	if (route.auth === 'app' || (route.auth === 'any' && text.split('.').length === 3
		&& !text.startsWith('ghs_'))) {
		if (text.startsWith('ghs_'))
			throw new Refusal(401, 'A JSON web token could not be decoded');
		const { app, error, status } = verify_jwt(text, w.apps, w.now_s());
		if (error)
			throw new Refusal(status || 401, error);
		c.app = app;
		c.rate_key = `app ${app.id}`;
		return;
	}
	c.token = w.good_token(text);
	if (!c.token)
		throw new Refusal(401, 'Bad credentials');
	c.rate_key = `installation ${c.token.installation.id}`;
}

// Whether the token of a write is good for more than the repository and what the operation needs.
function is_wide(c, route)
{
	const needed = ['metadata', ...(route.needs ? route.needs[0].split('|') : [])];
	return c.method !== 'GET' && (!c.token.repository_ids || c.token.repository_ids.size > 1
		|| Object.keys(c.token.permissions).some(p => !needed.includes(p)));
}

function authorise(c, route)
{
	if (route.needs) {
		const [names, level] = route.needs;
		const has = names.split('|').some(n => (LEVEL[c.token.permissions[n]] || 0) >= LEVEL[level]);
		if (!has)
			throw new Refusal(403, 'Resource not accessible by integration');
	}
	if (c.params.owner === undefined)
		return;
	const name = `${c.params.owner}/${c.params.repo}`;
	const moved = !c.w.find_repository(name) && c.w.moved.get(name.toLowerCase());
	if (moved)
		throw lead_on(c, moved);
	if (c.token) {
		c.manners.wide_writes += is_wide(c, route);
		c.repo = c.w.find_repository(name);
		if (!c.repo || !c.w.token_reaches(c.token, c.repo))
			throw new Refusal(404, 'Not Found');
		if (c.repo.archived && c.method !== 'GET')
			throw new Refusal(403, 'Repository was archived so is read-only.');
	}
}

// The answer for a repository that has another name now: its address by number. A write keeps its method and body.
// https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#follow-redirects
function lead_on(c, repo)
{
	const rest = c.path.split('/').slice(4).join('/');
	const query = String(new URLSearchParams(c.query));
	const url = `${c.w.url}/repositories/${repo.id}${rest ? `/${rest}` : ''}${query ? `?${query}` : ''}`;
	return new Refusal(c.method === 'GET' ? 301 : 307, c.method === 'GET' ? 'Moved Permanently' : 'Temporary Redirect',
		{ url }, { Location: url });
}

// An address by number means the repository of that number, whatever its name.
function path_by_name(w, path)
{
	const match = /^\/repositories\/(\d+)(\/.*)?$/.exec(path);
	const repo = match && [...w.repositories.values()].find(r => r.id === Number(match[1]));
	return repo ? `/repos/${repo.full_name}${match[2] || ''}` : path;
}

// Counts the request against its limit, and how well its sender keeps GitHub's rules.
function count_rate(c, manners, rate, is_write)
{
	const now = c.w.now_ms();
	if (now < manners.blocked_until_ms)
		manners.requests_while_limited++;
	if (is_write) {
		if (manners.last_write_ms !== null) {
			const gap = now - manners.last_write_ms;
			if (manners.min_write_gap_ms === null || gap < manners.min_write_gap_ms)
				manners.min_write_gap_ms = gap;
		}
		manners.last_write_ms = now;
	}
	if (rate.used >= rate.limit) {
		manners.blocked_until_ms = rate.reset_s * 1000;
		throw new Refusal(403, `API rate limit exceeded for ${c.rate_key}.`);
	}
}

const MINUTE_MS = 60000;
const HOUR_MS = 3600000;

// A secondary limit is exceeded: whoever goes on before the time is over is refused, and noted.
function too_fast(c, manners)
{
	const { secondary_status, retry_after_s } = c.w.settings;
	const wait_ms = (retry_after_s || 60) * 1000;
	manners.content_until_ms = c.w.now_ms() + wait_ms;
	manners.blocked_until_ms = Math.max(manners.blocked_until_ms, manners.content_until_ms);
	return new Refusal(secondary_status, 'You have exceeded a secondary rate limit. Please wait a few minutes before you '
		+ 'try again. If you reach out to GitHub Support for help, please include the request ID.', {},
	retry_after_s ? { 'Retry-After': String(retry_after_s) } : {});
}

// Writes create content; how many of an installation is counted whether or not it is limited. Which endpoints count is
// not said in full, so all writes below /repos do.
function count_content(c, manners)
{
	const { writes_per_minute, writes_per_hour } = c.w.settings;
	const now = c.w.now_ms();
	const in_the_last = ms => manners.content.filter(at => at > now - ms).length;
	if (now < manners.content_until_ms || (writes_per_minute && in_the_last(MINUTE_MS) >= writes_per_minute)
		|| (writes_per_hour && in_the_last(HOUR_MS) >= writes_per_hour))
		throw too_fast(c, manners);
	manners.content = [...manners.content.filter(at => at > now - HOUR_MS), now];
	manners.max_content_per_minute = Math.max(manners.max_content_per_minute, in_the_last(MINUTE_MS));
	manners.max_content_per_hour = Math.max(manners.max_content_per_hour, in_the_last(HOUR_MS));
}

function count_points(c, manners, route, is_write)
{
	const { points_per_minute, concurrent } = c.w.settings;
	const now = c.w.now_ms();
	if (concurrent && manners.in_flight > concurrent)
		throw too_fast(c, manners);
	if (!points_per_minute)
		return;
	const spent = (manners.points.get(route.name) || []).filter(p => p.at > now - MINUTE_MS);
	const cost = is_write ? 5 : 1;
	if (spent.reduce((sum, p) => sum + p.cost, cost) > points_per_minute)
		throw too_fast(c, manners);
	manners.points.set(route.name, [...spent, { at: now, cost }]);
}

function check_headers(c, headers)
{
	const breach = message => {
		c.w.violation({ kind: 'headers', method: c.method, path: c.path, message });
		return message;
	};
	if (!headers['user-agent'])
		throw new Refusal(403, breach('Request forbidden by administrative rules. Please make sure '
			+ 'your request has a User-Agent header'));
	const version = headers['x-github-api-version'];
	if (version === undefined)
		breach('X-GitHub-Api-Version is not given');
	else if (!VERSIONS.has(version))
		throw new Refusal(400, breach(`no such API version: ${version}`));
}

function check_against_description(c, description, route, text)
{
	if (text) {
		try {
			c.body = JSON.parse(text);
		} catch {
			c.w.violation({ kind: 'body', method: c.method, path: c.path, message: 'not JSON' });
			throw new Refusal(400, 'Problems parsing JSON');
		}
	}
	const found = description.breaches(route.name, c.params, c.query, c.body);
	if (!found.length)
		return;
	for (const breach of found)
		c.w.violation({ kind: 'description', method: c.method, path: c.path, operation: route.name,
			...breach });
	throw new Refusal(422, 'Validation Failed', { errors: found.map(f => ({
		resource: f.resource || route.name, field: f.field, code: f.code, message: f.message })) });
}

async function perform(c, description, request, response, text)
{
	c.path = path_by_name(c.w, c.path);
	c.w.age_runs();
	const found = find_route(c.method, c.path);
	if (!found) {
		c.w.violation({ kind: 'route', method: c.method, path: c.path,
			message: 'not an operation ekaci is known to use' });
		throw new Refusal(404, 'Not Found');
	}
	const { route } = found;
	c.params = found.params;
	c.entry.route = route.name.slice(route.name.indexOf(' ') + 1);
	check_headers(c, request.headers);
	authenticate(c, route, request.headers.authorization);
	c.rate = c.w.rate(c.rate_key);
	c.manners = c.w.manners(c.rate_key);
	c.manners.in_flight++;
	response.once('close', () => c.manners.in_flight--);
	c.manners.max_in_flight = Math.max(c.manners.max_in_flight, c.manners.in_flight);
	const is_write = c.method !== 'GET' && !!route.needs;
	if (!route.free) {
		count_rate(c, c.manners, c.rate, is_write);
		count_points(c, c.manners, route, is_write);
	}
	authorise(c, route);
	check_against_description(c, description, route, text);
	if (is_write)
		count_content(c, c.manners);
	const result = await route.run(c);
	c.costs = !route.free;
	if (c.method === 'GET' && result.status === 200) {
		const etag = `W/"${crypto.createHash('sha256').update(JSON.stringify(result.body))
			.digest('hex')}"`;
		result.headers = { ...result.headers, ETag: etag };
		if (request.headers['if-none-match'] === etag) {
			c.costs = false;
			return { status: 304, headers: result.headers };
		}
	}
	return result;
}

const rate_headers = ({ limit, used, reset_s }) => ({ 'X-RateLimit-Limit': limit,
	'X-RateLimit-Remaining': Math.max(0, limit - used), 'X-RateLimit-Used': used,
	'X-RateLimit-Reset': reset_s, 'X-RateLimit-Resource': 'core' });

function logged_body(text)
{
	try {
		return text ? JSON.parse(text) : undefined;
	} catch {
		return text.slice(0, 1000);
	}
}

export async function answer_api({ world: w, faults, description, check_answers }, request,
	response, url)
{
	const c = { w, method: request.method, path: url.pathname.replace(/^\/api\/v3(?=\/)/, ''),
		query: Object.fromEntries(url.searchParams) };
	const text = await read_body(request);
	c.entry = { n: w.requests.length + 1, at: w.stamp(), ms: w.now_ms(), method: c.method, path: c.path,
		query: c.query, route: null, status: null, body: logged_body(text) };
	w.log_request(c.entry);
	const fault = faults.take(c.method, c.path);
	if (fault) {
		c.entry.fault = fault.id;
		note_block(w, request, fault);
		if (fault.when === 'before' && await spoil(fault, response))
			return;
	}
	let result;
	try {
		result = await perform(c, description, request, response, text);
	} catch (e) {
		if (!(e instanceof Refusal))
			throw e;
		result = e;
	}
	c.entry.status = result.status;
	if (check_answers && !(result instanceof Refusal))
		check_own_answer(c, description, result);
	if (c.rate && c.costs)
		c.rate.used++;
	if (!(fault && fault.when === 'after' && await spoil(fault, response)))
		send_json(response, result.status, result.body, { 'X-GitHub-Request-Id':
			crypto.randomBytes(8).toString('hex').toUpperCase(), 'X-GitHub-Media-Type': 'github.v3', 'Date': new Date(w.now_ms()).toUTCString(),
		...(c.rate ? rate_headers(c.rate) : {}), ...result.headers });
	if (result.after)
		Promise.resolve(result.after()).catch(() => {});
}

// Is the stand-in itself what it plays?
function check_own_answer(c, description, { status, body })
{
	if (status === 304)
		return;
	for (const message of description.wrong_answer(`${c.method} ${c.entry.route}`, status,
		body === undefined ? undefined : JSON.parse(JSON.stringify(body))))
		c.w.violation({ kind: 'stand-in', method: c.method, path: c.path, message });
}

// A fault that says "wait" is remembered, to see whether the client does.
function note_block(w, request, fault)
{
	const match = /^(?:Bearer|token) +(\S+)$/i.exec(request.headers.authorization || '');
	const token = match && w.tokens.get(match[1]);
	const wait = Object.entries(fault.headers || {}).find(([k]) => k.toLowerCase() === 'retry-after');
	if (token && wait)
		w.manners(`installation ${token.installation.id}`).blocked_until_ms =
			w.now_ms() + Number(wait[1]) * 1000;
}
