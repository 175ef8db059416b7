// What a test holds of the stand-in: starts it, talks to its control API, and can play the App.

import { spawn } from 'node:child_process';
import crypto from 'node:crypto';
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const READY_MS = 60000; // ready in half a second; on two cores that twenty programs share it was not in 20

// Resolves to the first line the stream gives, parsed as JSON.
export function first_line(stream, child, what, limit_ms = READY_MS)
{
	return new Promise((resolve, reject) => {
		let text = '';
		const timer = setTimeout(() => reject(new Error(`${what} was not ready in time`)), limit_ms);
		stream.setEncoding('utf8');
		stream.on('data', part => {
			text += part;
			const end = text.indexOf('\n');
			if (end >= 0) {
				clearTimeout(timer);
				try {
					resolve(JSON.parse(text.slice(0, end)));
				} catch (e) {
					reject(e);
				}
			}
		});
		child.once('exit', code => {
			clearTimeout(timer);
			reject(new Error(`${what} ended with ${code} before it was ready`));
		});
	});
}

export class GitHub {
	// Starts a stand-in; options: { args: [...], openapi: FILE }.
	static async start({ args = [], openapi = process.env.EKACI_OPENAPI } = {})
	{
		const child = spawn(process.execPath, [path.join(here, 'github.js'), '--with-stdin',
			...(openapi ? ['--openapi', openapi] : []), ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
		const { url } = await first_line(child.stdout, child, 'the GitHub stand-in');
		return new GitHub(url, child);
	}

	constructor(url, child)
	{
		this.url = url;
		this.child = child;
	}

	async stop()
	{
		if (this.child && this.child.exitCode === null) {
			const ended = new Promise(resolve => this.child.once('exit', resolve));
			this.child.kill();
			await ended;
		}
	}

	// do('comment', { repo, number, user, body }): an action; throws when it is refused.
	do(action, args = {})
	{
		return this.control(action, 'POST', `/_control/${action}`, JSON.stringify(args));
	}

	// ask('check_runs', { repo, head_sha }): a question.
	ask(question, query = {})
	{
		return this.control(question, 'GET', `/_control/${question}?${new URLSearchParams(query)}`);
	}

	// A connection for each: one that is kept may be closed by the other side while a test is busy with
	// something that blocks, and then the next request on it fails.
	control(what, method, route, body)
	{
		return new Promise((resolve, reject) => {
			const request = http.request(this.url + route, { method, agent: false,
				headers: body === undefined ? {} : { 'content-type': 'application/json',
					'content-length': Buffer.byteLength(body) } }, answer => {
				let text = '';
				answer.setEncoding('utf8');
				answer.on('data', part => { text += part; });
				answer.on('error', reject);
				answer.on('end', () => {
					try {
						const json = JSON.parse(text);
						if (answer.statusCode < 300)
							resolve(json);
						else
							reject(new Error(`${what}: ${json.error}`));
					} catch (e) {
						reject(e);
					}
				});
			});
			request.on('error', reject);
			request.end(body);
		});
	}

	// Asks until `good` returns something true of the answer, and resolves to that; throws at the
	// deadline with the last answer.
	async until(question, query, good, limit_ms = 30000)
	{
		const deadline = Date.now() + limit_ms;
		for (;;) {
			const answer = await this.ask(question, query);
			const result = good(answer);
			if (result)
				return result;
			if (Date.now() > deadline)
				throw new Error(`${question} never came to be: ${JSON.stringify(answer).slice(0, 4000)}`);
			await new Promise(resolve => setTimeout(resolve, 30));
		}
	}

	// A request to the API as a program would make it: { status, headers, body }.
	async api(method, route, { token, body, headers = {} } = {})
	{
		const answer = await fetch(this.url + route, { method, redirect: 'manual', headers: {
			'user-agent': 'selftest', 'x-github-api-version': '2022-11-28',
			...(token ? { authorization: `Bearer ${token}` } : {}), ...headers },
		body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body) });
		const text = await answer.text();
		return { status: answer.status, headers: answer.headers,
			body: text && /json/.test(answer.headers.get('content-type')) ? JSON.parse(text) : text };
	}
}

// A JWT as an App signs it; `claims` overrides.
export function app_jwt(app_id, private_key, claims = {})
{
	const now = Math.floor(Date.now() / 1000);
	const part = value => Buffer.from(JSON.stringify(value)).toString('base64url');
	const text = `${part({ alg: 'RS256', typ: 'JWT' })}.${part({ iat: now - 60, exp: now + 540,
		iss: String(app_id), ...claims })}`;
	return `${text}.${crypto.sign('RSA-SHA256', Buffer.from(text), private_key).toString('base64url')}`;
}
