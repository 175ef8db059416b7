// Checks requests against GitHub's own OpenAPI description, cut by tests/openapi/cut.js, and
// against the rules that stand there only in prose.

import fs from 'node:fs';
import Ajv from 'ajv';
import addFormats from 'ajv-formats';

// One row per rule that GitHub states in words only: [operations, rule], where rule(body, query)
// returns undefined or { field, code, message }.
const CHECK_RUN = /^(POST|PATCH) .*\/check-runs/;
const COMMENT = /^(POST|PATCH) .*\/comments(\/\{comment_id\})?$/;
const characters = s => [...s].length;

export const prose_rules = [
	[CHECK_RUN, b => b.status === 'completed' && b.conclusion === undefined
		&& { resource: 'CheckRun', field: 'conclusion', code: 'missing_field' }],
	[CHECK_RUN, b => b.conclusion !== undefined && b.status !== undefined && b.status !== 'completed'
		&& { resource: 'CheckRun', field: 'status', code: 'invalid',
			message: 'a conclusion sets the status to completed' }],
	[CHECK_RUN, b => b.conclusion === 'stale'
		&& { resource: 'CheckRun', field: 'conclusion', code: 'invalid',
			message: 'only GitHub sets stale' }],
	[CHECK_RUN, b => ['waiting', 'requested', 'pending'].includes(b.status)
		&& { resource: 'CheckRun', field: 'status', code: 'invalid',
			message: 'only GitHub Actions may set this status' }],
	[CHECK_RUN, b => b.output && b.output.title === undefined
		&& { resource: 'CheckRun', field: 'output.title', code: 'missing_field' }],
	[CHECK_RUN, b => b.name !== undefined && b.name === ''
		&& { resource: 'CheckRun', field: 'name', code: 'invalid' }],
	[/^POST .*\/check-runs$/, b => !/^[0-9a-f]{40}$/.test(b.head_sha || '')
		&& { resource: 'CheckRun', field: 'head_sha', code: 'invalid' }],
	[CHECK_RUN, b => b.details_url !== undefined && !/^https?:\/\//.test(b.details_url)
		&& { resource: 'CheckRun', field: 'details_url', code: 'invalid',
			message: 'must use the http or https scheme' }],
	...annotation_rules(),
	[COMMENT, b => characters(b.body || '') > 65536
		&& { resource: 'IssueComment', field: 'body', code: 'unprocessable',
			message: 'Body is too long (maximum is 65536 characters)' }],
	[COMMENT, b => !(b.body || '').trim()
		&& { resource: 'IssueComment', field: 'body', code: 'missing_field' }],
	[/^POST .*\/labels$/, b => (b.labels || []).some(l => characters(l.name || l) > 50)
		&& { resource: 'Label', field: 'name', code: 'invalid',
			message: 'name is too long (maximum is 50 characters)' }],
	[/^POST .*\/statuses\/\{sha\}$/, b => characters(b.description || '') > 140
		&& { resource: 'Status', field: 'description', code: 'custom', message: 'description is too long (maximum is 140 characters)' }],
	[/^POST .*\/access_tokens$/, b => (b.repositories || b.repository_ids || []).length > 500
		&& { resource: 'Installation', field: 'repositories', code: 'invalid' }],
	[/./, (b, q) => q.per_page !== undefined && (q.per_page < 1 || q.per_page > 100)
		&& { resource: 'Query', field: 'per_page', code: 'invalid', message: 'at most 100' }],
];

function annotation_rules()
{
	const bad = (field, test, message) => [CHECK_RUN, b =>
		((b.output && b.output.annotations) || []).some(test)
		&& { resource: 'CheckRun', field: `output.annotations.${field}`, code: 'invalid', message }];
	return [
		bad('title', a => characters(a.title || '') > 255, 'at most 255 characters'),
		bad('message', a => Buffer.byteLength(a.message || '') > 65536, 'at most 64 KB'),
		bad('raw_details', a => Buffer.byteLength(a.raw_details || '') > 65536, 'at most 64 KB'),
		bad('start_line', a => a.start_line < 1 || a.end_line < a.start_line, 'not a range of lines'),
		bad('start_column', a => (a.start_column !== undefined || a.end_column !== undefined)
			&& a.start_line !== a.end_line, 'columns only where start_line = end_line'),
	];
}

// Where the description is wrong about GitHub's own answers: nothing can fit it there.
const description_is_wrong = [
	/^GET \/app\/installations 200: \d+\.account[. ]/,		// a user and an enterprise at once
	/\.app\.events\.\d+ must be equal to one of/,		// no merge_group, which is there
];

export class Description {
	// Reads the cut description; throws if it is not there: nothing is ever left unchecked.
	constructor(file)
	{
		const doc = JSON.parse(fs.readFileSync(file, 'utf8'));
		const ajv = () => {
			const a = new Ajv({ strict: false, allErrors: true, validateSchema: false });
			addFormats(a);
			return a;
		};
		const plain = ajv();
		this.compile = schema => ajv().compile({ allOf: [schema], components: doc.components });
		this.doc = doc;
		this.compiled = new Map();
		this.operations = new Map();
		for (const [name, op] of Object.entries(doc.operations)) {
			const params = { path: new Map(), query: new Map() };
			for (const p of op.parameters) {
				if (params[p.in])
					params[p.in].set(p.name, { ...p, check: plain.compile(p.schema) });
			}
			const body = op.body && this.compile(op.body);
			this.operations.set(name, { name, params, body, body_required: op.body_required,
				fields: op.body && fields_of(op.body) });
		}
	}

	// Compares one request with the description. `path` and `query` hold strings, `body` the parsed
	// JSON or undefined. Returns a list of breaches, each { where, field, message, code, resource }.
	breaches(name, path, query, body)
	{
		const op = this.operations.get(name);
		const found = [];
		const typed = {};

		this.#parameters(op.params.path, path, 'path', found, {});
		this.#parameters(op.params.query, query, 'query', found, typed);
		if (body === undefined) {
			if (op.body_required)
				found.push({ where: 'body', field: '', code: 'missing', message: 'a body is required' });
		} else if (!op.body) {
			found.push({ where: 'body', field: '', code: 'invalid', message: 'takes no body' });
		} else {
			if (!op.body(body)) {
				for (const e of op.body.errors)
					found.push({ where: 'body', field: field_of(e), message: e.message,
						code: e.keyword === 'required' ? 'missing_field' : 'invalid' });
			}
			for (const key of op.fields ? Object.keys(body) : []) {
				if (!op.fields.has(key))
					found.push({ where: 'body', field: key, code: 'unknown',
						message: 'the description knows no such field' });
			}
		}
		if (!found.length) {
			for (const [which, rule] of prose_rules) {
				const breach = which.test(name) && rule(body || {}, typed);
				if (breach)
					found.push({ where: 'prose', message: 'breaks a rule stated in words', ...breach });
			}
		}
		return found;
	}

	// How an answer of the stand-in itself differs from the description; a list of texts.
	wrong_answer(name, status, body)
	{
		return this.#wrong(`${name} ${status}`, this.doc.operations[name].answers[status], body);
	}

	// The same for a webhook's payload.
	wrong_payload(event, payload)
	{
		const name = payload.action === undefined ? event : `${event}.${payload.action}`;
		return this.#wrong(name, this.doc.webhooks[name], payload);
	}

	#wrong(key, schema, value)
	{
		if (!schema)
			return value === undefined ? [] : [`${key}: the description has no body for this`];
		if (!this.compiled.has(key))
			this.compiled.set(key, this.compile(schema));
		const check = this.compiled.get(key);
		return check(value) ? [] : check.errors.map(e => `${key}: ${field_of(e)} ${e.message}`)
			.filter(text => !description_is_wrong.some(known => known.test(text)));
	}

	#parameters(params, given, where, found, typed)
	{
		for (const p of params.values()) {
			if (p.required && given[p.name] === undefined)
				found.push({ where, field: p.name, code: 'missing', message: 'is required' });
		}
		for (const [key, text] of Object.entries(given)) {
			const p = params.get(key);
			if (!p) {
				found.push({ where, field: key, code: 'unknown',
					message: 'the description knows no such parameter' });
				continue;
			}
			typed[key] = typed_value(text, p.schema);
			if (!p.check(typed[key]))
				found.push({ where, field: key, code: 'invalid', message: p.check.errors[0].message });
		}
	}
}

// The dotted name of the field that an error of the validator is about.
function field_of(e)
{
	const at = e.instancePath.split('/').slice(1);
	return [...at, ...(e.keyword === 'required' ? [e.params.missingProperty] : [])].join('.');
}

function typed_value(text, schema)
{
	if (schema.type === 'integer' && /^-?\d{1,16}$/.test(text))
		return Number(text);
	if (schema.type === 'boolean' && (text === 'true' || text === 'false'))
		return text === 'true';
	return text;
}

// The names an object body may have, or null where the description leaves them open.
function fields_of(schema)
{
	const sets = [schema, ...(schema.oneOf || []), ...(schema.anyOf || [])]
		.filter(s => s.properties).map(s => Object.keys(s.properties));
	return sets.length ? new Set(sets.flat()) : null;
}
