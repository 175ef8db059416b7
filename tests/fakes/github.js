// A stand-in for GitHub, for tests: its API, its git over HTTP and its webhooks, on loopback.
//
//   node tests/fakes/github.js [--port N] [--ready-fd N] [--dir DIR] [--openapi FILE]
//        [--with-stdin] [--check-answers] [--public-url URL]
//
// Prints {"url": ...} as one line on stdout (and on fd N) when it is ready. DIR holds its bare
// repositories (a temporary directory, removed at the end, unless given). FILE is the cut
// description, build/openapi/github.json unless given. It ends on SIGTERM, and with --with-stdin
// when stdin is closed. --check-answers holds its own answers and payloads to the description, too:
// what differs is a violation of the kind stand-in. --public-url is what its addresses begin with, where
// something stands in front of it. README.md beside this file describes its control API.

import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Description } from './check-description.js';
import { actions, questions } from './control.js';
import { Faults } from './faults.js';
import { is_git_path } from './git-http.js';
import { answer_api, answer_git, read_body, send_json } from './serve.js';
import { routes } from './routes.js';
import { World } from './state.js';

const top = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const { values: args } = parseArgs({ options: {
	'port': { type: 'string', default: '0' },
	'ready-fd': { type: 'string' },
	'dir': { type: 'string' },
	'openapi': { type: 'string', default: path.join(top, 'build/openapi/github.json') },
	'public-url': { type: 'string' },
	'check-answers': { type: 'boolean', default: false },
	'with-stdin': { type: 'boolean', default: false },
} });

const description = new Description(args.openapi);
const uncovered = Object.keys(routes).filter(name => !description.operations.has(name));
if (uncovered.length)
	throw new Error(`not in ${args.openapi}: ${uncovered.join(', ')}`);

const dir = args.dir || fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-github-'));
fs.mkdirSync(dir, { recursive: true });
const faults = new Faults();
let world;

async function answer_control(request, response, url)
{
	const name = url.pathname.slice('/_control/'.length);
	try {
		if (request.method === 'GET' && Object.hasOwn(questions, name)) {
			send_json(response, 200, questions[name](world, Object.fromEntries(url.searchParams), faults));
			return;
		}
		if (request.method === 'POST' && Object.hasOwn(actions, name)) {
			const text = await read_body(request);
			send_json(response, 200, await actions[name](world, text ? JSON.parse(text) : {}, faults));
			return;
		}
		send_json(response, 404, { error: `no ${request.method} of ${name}` });
	} catch (e) {
		send_json(response, 400, { error: e.message });
	}
}

// The one page of the web site that matters: the form that makes an App from a manifest.
async function answer_app_form(request, response, url)
{
	const form = new URLSearchParams(await read_body(request));
	const manifest = JSON.parse(form.get('manifest') || 'null');
	if (!manifest || !manifest.url || !manifest.redirect_url) {
		world.violation({ kind: 'manifest', message: 'a manifest needs url and redirect_url' });
		send_json(response, 422, { message: 'Invalid manifest' });
		return;
	}
	const back = new URL(manifest.redirect_url);
	back.searchParams.set('code', actions.manifest(world, { manifest }).code);
	if (url.searchParams.has('state'))
		back.searchParams.set('state', url.searchParams.get('state'));
	response.writeHead(302, { Location: back.href }).end();
}

const APP_FORM = /^\/(settings|organizations\/[^/]+\/settings)\/apps\/new$/;

async function answer(request, response)
{
	const url = new URL(request.url, world.url);
	if (url.pathname.startsWith('/_control/'))
		return answer_control(request, response, url);
	if (APP_FORM.test(url.pathname) && request.method === 'POST')
		return answer_app_form(request, response, url);
	if (is_git_path(url.pathname))
		return answer_git({ world, faults }, request, response, url);
	return answer_api({ world, faults, description,
		check_answers: args['check-answers'] }, request, response, url);
}

const server = http.createServer((request, response) => {
	response.on('error', () => {});
	answer(request, response).catch(e => {
		world.violation({ kind: 'stand-in', method: request.method, path: request.url,
			message: e.stack });
		if (!response.headersSent)
			send_json(response, 500, { message: 'the stand-in itself failed' });
		else
			response.destroy();
	});
});

function end()
{
	server.close();
	server.closeAllConnections();
	if (!args.dir)
		fs.rmSync(dir, { recursive: true, force: true });
	process.exit(0);
}

process.on('SIGTERM', end);
process.on('SIGINT', end);
if (args['with-stdin'])
	process.stdin.on('end', end).on('error', end).resume();

server.listen(Number(args.port), '127.0.0.1', () => {
	const url = `http://127.0.0.1:${server.address().port}`;
	world = new World(dir, args['public-url'] || url);
	if (args['check-answers'])
		world.check_payload = (event, payload) => description.wrong_payload(event, payload)
			.forEach(message => world.violation({ kind: 'stand-in', path: event, message }));
	const line = JSON.stringify({ url }) + '\n';
	if (args['ready-fd'])
		fs.writeSync(Number(args['ready-fd']), line);
	process.stdout.write(line);
});
