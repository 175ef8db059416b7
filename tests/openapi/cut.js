// Cuts GitHub's OpenAPI description down to the operations ekaci uses, without its prose.
//
//   node tests/openapi/cut.js OUT.json [--from FILE]
//
// FILE is the npm package's tarball or the description itself. Without --from the pinned package
// is asked for with `npm pack`; only the one file that is needed is read out of its tarball.
// OUT.json: { from, version, operations: { "METHOD /path": { parameters, body, body_required,
// answers: { status: schema } } }, webhooks: { "event.action": schema }, components: { schemas } },
// where schemas are those reachable from the rest.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { operations, webhooks } from './operations.js';

const PACKAGE = '@octokit/openapi@23.0.2';
const INSIDE = 'package/generated/api.github.com.json';
const MAX_DESCRIPTION = 64 << 20;

function read_description(from)
{
	if (from && !/\.tgz$/.test(from))
		return fs.readFileSync(from, 'utf8');
	const unpack = tarball => execFileSync('tar', ['-xzOf', tarball, INSIDE],
		{ maxBuffer: MAX_DESCRIPTION, encoding: 'utf8' });
	if (from)
		return unpack(from);
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-openapi-'));
	try {
		const name = execFileSync('npm', ['pack', PACKAGE, '--silent', '--pack-destination', dir],
			{ encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], timeout: 300000 });
		return unpack(path.join(dir, name.trim().split('\n').pop()));
	} finally {
		fs.rmSync(dir, { recursive: true, force: true });
	}
}

const PROSE = new Set(['description', 'summary', 'title', 'example', 'examples', 'externalDocs',
	'deprecated']);

// A key is prose only where it is a keyword; inside `properties` it is the name of a field.
function without_prose(value, names_are_fields = false)
{
	if (Array.isArray(value))
		return value.map(v => without_prose(v));
	if (!value || typeof value !== 'object')
		return value;
	const out = {};
	for (const [key, v] of Object.entries(value)) {
		if (!names_are_fields && (PROSE.has(key) || key.startsWith('x-')))
			continue;
		const literal = !names_are_fields && (key === 'enum' || key === 'default');
		out[key] = literal ? v : without_prose(v, !names_are_fields && key === 'properties');
	}
	if (!names_are_fields && out.nullable !== undefined) {		// OpenAPI's word; JSON Schema has none
		const { nullable, ...rest } = out;
		return nullable ? { anyOf: [{ type: 'null' }, rest] } : rest;
	}
	return out;
}

function lookup(doc, ref)
{
	const value = ref.replace(/^#\//, '').split('/').reduce((at, key) => at && at[key], doc);
	if (value === undefined)
		throw new Error(`the description has no ${ref}`);
	return value;
}

function refs_in(value, found)
{
	if (!value || typeof value !== 'object')
		return;
	if (typeof value.$ref === 'string')
		found.add(value.$ref);
	Object.values(value).forEach(v => refs_in(v, found));
}

// The schemas of the answers that mean success.
function answers_of(doc, op)
{
	const out = {};
	for (const [status, given] of Object.entries(op.responses)) {
		const answer = given.$ref ? lookup(doc, given.$ref) : given;
		if (status.startsWith('2') && answer.content && answer.content['application/json'])
			out[status] = without_prose(answer.content['application/json'].schema);
	}
	return out;
}

function cut(doc)
{
	const out = { from: PACKAGE, version: doc.info.version, operations: {}, webhooks: {},
		components: { schemas: {} } };
	const wanted = new Set();

	for (const name of operations) {
		const [method, route] = name.split(' ');
		const item = doc.paths[route];
		const op = item && item[method.toLowerCase()];
		if (!op)
			throw new Error(`the description has no operation ${name}`);
		const parameters = [...(item.parameters || []), ...(op.parameters || [])]
			.map(p => p.$ref ? lookup(doc, p.$ref) : p)
			.map(p => ({ name: p.name, in: p.in, required: !!p.required,
				schema: without_prose(p.schema) }));
		const body = op.requestBody;
		const entry = { parameters, body_required: !!(body && body.required),
			body: body ? without_prose(body.content['application/json'].schema) : null,
			answers: answers_of(doc, op) };
		refs_in(entry, wanted);
		out.operations[name] = entry;
	}
	for (const name of webhooks) {
		const hook = doc['x-webhooks'][name.replace(/[_.]/g, '-')];
		if (!hook)
			throw new Error(`the description has no webhook ${name}`);
		out.webhooks[name] = without_prose(hook.post.requestBody.content['application/json'].schema);
		refs_in(out.webhooks[name], wanted);
	}
	for (const ref of wanted) {		// a Set grows while it is walked
		const key = ref.replace('#/components/schemas/', '');
		out.components.schemas[key] = without_prose(lookup(doc, ref));
		refs_in(out.components.schemas[key], wanted);
	}
	return out;
}

const args = process.argv.slice(2);
const at = args.indexOf('--from');
const from = at < 0 ? null : args.splice(at, 2)[1];
if (args.length !== 1 || (at >= 0 && !from)) {
	process.stderr.write('usage: cut.js OUT.json [--from FILE]\n');
	process.exit(2);
}
const result = cut(JSON.parse(read_description(from)));
fs.mkdirSync(path.dirname(path.resolve(args[0])), { recursive: true });
fs.writeFileSync(args[0] + '.tmp', JSON.stringify(result, null, '\t') + '\n');
fs.renameSync(args[0] + '.tmp', args[0]);
