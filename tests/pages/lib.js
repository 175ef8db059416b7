// Pages as people see them: a real ekaci with runs of any size put into its state, and Chromium, spoken to over a pipe.
//
//   const scene = await begin({ config: { build: { enabled: false } } });
//   const run = put_run(scene, { rows: 20000 });            // a run that is over, its report made by the stage
//   const chromium = await Chromium.start();
//   const page = await chromium.open(`${scene.bot.url}/run/${run}`, { width: 390, dark: true });
//   await page.js('document.title');
//
// Without Chromium, or without axe-core, each test that needs it says SKIP and why.

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { program } from '../e2e/lib.js';

export { begin, equal, match, ok, program, run, test, top } from '../e2e/lib.js';

const LIMIT_MS = 60000;

// --- Chromium ---------------------------------------------------------------------------------------------------

const chromium_path = () => ['chromium', 'chromium-browser', 'google-chrome']
	.find(name => spawnSync('sh', ['-c', `command -v ${name}`]).status === 0);

// Why there is no browser here, or null.
export const no_browser = chromium_path() ? null : 'SKIP: there is no chromium on this machine';

export class Chromium {
	static async start()
	{
		const c = new Chromium();
		c.profile = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-chromium-'));
		c.child = spawn(chromium_path(), ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--hide-scrollbars',
			'--remote-debugging-pipe', `--user-data-dir=${c.profile}`, 'about:blank'], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'], detached: true });
		c.next = 1;
		c.waiting = new Map();
		c.pages = new Map();
		let rest = '';
		c.child.stdio[4].setEncoding('utf8').on('data', text => {
			const messages = (rest + text).split('\0');
			rest = messages.pop();
			messages.forEach(m => c.heard(JSON.parse(m)));
		});
		await c.call('Target.setDiscoverTargets', { discover: true });
		return c;
	}

	heard(m)
	{
		const waits = m.id && this.waiting.get(m.id);
		if (waits) {
			this.waiting.delete(m.id);
			clearTimeout(waits.late);
			if (m.error)
				waits.reject(new Error(`${waits.method}: ${m.error.message}`));
			else
				waits.resolve(m.result);
		} else if (m.sessionId && this.pages.has(m.sessionId)) {
			this.pages.get(m.sessionId).heard(m);
		}
	}

	call(method, params = {}, sessionId)
	{
		const id = this.next++;
		return new Promise((resolve, reject) => {
			const late = setTimeout(() => reject(new Error(`${method}: no answer`)), LIMIT_MS);
			this.waiting.set(id, { resolve, reject, method, late });
			this.child.stdio[3].write(JSON.stringify({ id, method, params, sessionId }) + '\0');
		});
	}

	// options: width, height, dark, script: false without JavaScript
	async open(url, { width = 1280, height = 900, dark = false, script = true } = {})
	{
		const { browserContextId } = await this.call('Target.createBrowserContext');
		const { targetId } = await this.call('Target.createTarget', { url: 'about:blank', browserContextId });
		const { sessionId } = await this.call('Target.attachToTarget', { targetId, flatten: true });
		const page = new Page(this, sessionId, targetId);
		this.pages.set(sessionId, page);
		await page.call('Page.enable');
		await page.call('Runtime.enable');
		await page.call('Log.enable');
		await page.call('Network.enable');
		await page.call('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: width < 600 });
		await page.call('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }] });
		if (!script)
			await page.call('Emulation.setScriptExecutionDisabled', { value: true });
		await page.go(url);
		return page;
	}

	async stop()
	{
		const ended = new Promise(resolve => this.child.once('exit', resolve));
		process.kill(-this.child.pid, 'SIGKILL');
		await ended;
		fs.rmSync(this.profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
	}
}

class Page {
	constructor(chromium, session, target)
	{
		// complaints: what stands in the console, of refused scripts too. got: what came over the wire, { url, status, bytes }.
		Object.assign(this, { chromium, session, target, complaints: [], got: [], loads: [], urls: new Map() });
	}

	call(method, params)
	{
		return this.chromium.call(method, params, this.session);
	}

	heard({ method, params })
	{
		if (method === 'Page.loadEventFired')
			this.loads.splice(0).forEach(f => f());
		else if (method === 'Log.entryAdded' && params.entry.level === 'error')
			this.complaints.push(`${params.entry.text} ${params.entry.url || ''}`);
		else if (method === 'Runtime.exceptionThrown')
			this.complaints.push(params.exceptionDetails.exception?.description || params.exceptionDetails.text);
		else if (method === 'Network.responseReceived')
			this.urls.set(params.requestId, { url: params.response.url, status: params.response.status, headers: params.response.headers });
		else if (method === 'Network.loadingFinished' && this.urls.has(params.requestId))
			this.got.push({ ...this.urls.get(params.requestId), bytes: params.encodedDataLength });
	}

	async go(url)
	{
		const loaded = new Promise((resolve, reject) => {
			this.loads.push(resolve);
			setTimeout(() => reject(new Error(`${url} was not loaded`)), LIMIT_MS).unref();
		});
		await this.call('Page.navigate', { url });
		await loaded;
	}

	// The value of an expression, awaited. A page that goes elsewhere just then is asked once more where it went.
	async js(expression)
	{
		const ask = () => this.call('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
		const { result, exceptionDetails } = await ask().catch(e => {
			if (!/navigated|context was destroyed|Cannot find context/.test(e.message))
				throw e;
			return ask();
		});
		if (exceptionDetails)
			throw new Error(exceptionDetails.exception?.description || exceptionDetails.text);
		return result.value;
	}

	async until(expression, limit_ms = 20000)
	{
		const end = Date.now() + limit_ms;
		for (;;) {
			const value = await this.js(expression);
			if (value)
				return value;
			if (Date.now() > end)
				throw new Error(`never: ${expression}`);
			await new Promise(resolve => setTimeout(resolve, 20));
		}
	}

	// Its own script has taken over.
	ready()
	{
		return this.until('document.documentElement.dataset.ready === "1"');
	}

	async press(key, { shift = false } = {})
	{
		const codes = { Tab: 9, Enter: 13, ' ': 32, ArrowDown: 40 };
		const text = key === 'Enter' ? '\r' : key.length === 1 ? key : undefined;
		const of = { key, code: key, windowsVirtualKeyCode: codes[key] ?? key.toUpperCase().charCodeAt(0), modifiers: shift ? 8 : 0 };
		await this.call('Input.dispatchKeyEvent', { type: 'keyDown', text, ...of });
		await this.call('Input.dispatchKeyEvent', { type: 'keyUp', ...of });
	}

	async picture(file, whole = true)
	{
		const { data } = await this.call('Page.captureScreenshot', { format: 'png', captureBeyondViewport: whole });
		fs.writeFileSync(file, Buffer.from(data, 'base64'));
	}

	// What axe-core finds wrong: [] when nothing.
	async axe()
	{
		const source = fs.readFileSync(path.join(path.dirname(fileURLToPath(import.meta.url)), '../node_modules/axe-core/axe.min.js'), 'utf8');
		await this.call('Runtime.evaluate', { expression: source });
		return this.js(`axe.run(document, { resultTypes: ['violations'] }).then(r => r.violations.map(v =>
			v.id + ': ' + v.nodes.slice(0, 3).map(n => n.target.join(' ') + ' ' + n.failureSummary).join('; ')))`);
	}

	async close()
	{
		this.chromium.pages.delete(this.session);
		await this.chromium.call('Target.closeTarget', { targetId: this.target });
	}
}

// What is added to the name of a test that wants axe-core: nothing where it is.
export const no_axe = no_browser || fs.existsSync(path.join(path.dirname(fileURLToPath(import.meta.url)), '../node_modules/axe-core/axe.min.js'))
	? '' : ' # SKIP: axe-core is not in tests/node_modules';

// --- runs -------------------------------------------------------------------------------------------------------

export function sql(scene, text)
{
	return execFileSync('sqlite3', ['-cmd', '.timeout 20000', path.join(scene.dir, 'state/ekaci.db')], { input: text, encoding: 'utf8' }).trim();
}

const hash = n => (n * 2654435761 >>> 0).toString(36).replace(/[eotu]/g, 'z').padStart(8, '0').repeat(4);
export const drv = (n, name) => `/nix/store/${hash(n)}-${name}.drv`;
const quote = s => s === null ? 'NULL' : `'${String(s).replace(/'/g, "''")}'`;

// What differs, in plenty: { rows, hostile: texts that stand in names and words }. Of seven rows one follows two causes.
export function difference({ rows, hostile = [], failing = 0 })
{
	const classes = ['added', 'removed', 'rebuild', 'derivation_only', 'switched', 'unchanged', 'newly_failing', 'fixed', 'still_failing',
		'added_failing', 'removed_failing', 'untold'];
	const count = Object.fromEntries([...classes, 'rebuild_derivations', 'changed_drv_paths', 'aliases'].map(c => [c, 0]));
	const side = (n, name) => ({ drv: drv(n, name), name, outputs: { out: drv(n, name).slice(0, -4) }, meta: {}, error: null });
	const attributes = [], targets = [];
	const sets = ['python312Packages', 'haskellPackages', 'perlPackages', 'rPackages', null];
	for (let i = 0; i < rows; i++) {
		const name = hostile[i] ?? `package-${i % 977}-${i}`, set = hostile[i] ? null : sets[i % sets.length];
		const system = i % 3 ? 'x86_64-linux' : 'aarch64-linux', root = i === 0;
		const fails = i > 0 && i <= failing;
		const of = fails ? 'newly_failing' : i % 50 === 49 ? 'added' : 'rebuild';
		count[of]++;
		count.rebuild_derivations += fails ? 0 : 1;
		const at = { path: set ? [set, name] : [name], job: 'packages', system: fails ? null : system, class: of, name: `${name}-1.0`,
			base: of === 'added' ? null : side(i * 2, `${name}-1.0`),
			head: fails ? { drv: null, name: null, outputs: null, meta: null, error: `error: ${hostile[0] ?? 'it'} is broken\n\n       at pkgs/${i}.nix:3:5` } : side(i * 2 + 1, `${name}-1.0`),
			cause: of !== 'rebuild' ? null : root ? { kind: 'root', what: ['version 8.1 -> 8.2'], roots: [], chain: [] }
				: { kind: 'follower', what: [], roots: i % 7 ? [0] : [0, 1], roots_total: i % 7 ? 1 : 2, chain: [`${name}-1.0`, 'middle-2', 'root-8.2'] },
			radius: { attributes: root ? rows - 1 : (i * 37) % 1000, derivations: root ? rows - 1 : (i * 41) % 1300 },
			version: root ? ['8.1', '8.2'] : i % 4 === 0 ? [`1.${i % 30}`, `1.${i % 30 + 1}`] : null,
			renamed_from: null, aliases: [], alias_of: null, hidden_by: null };
		attributes.push(at);
		if (at.head.drv)
			targets.push({ drv: at.head.drv, system, path: at.path, name: at.name });
	}
	const roots = rows === 0 ? [] : [0, 1].map(i => ({ drv: i ? drv(999999, 'second-2') : attributes[0].head.drv, base_drv: null, name: i ? 'second-2' : attributes[0].name,
		system: 'x86_64-linux', attributes: i ? [] : [attributes[0].path], used_by: i ? attributes[0].path : null, what: i ? ['builder changed'] : ['version 8.1 -> 8.2'],
		radius: { attributes: i ? rows / 7 | 0 : rows, derivations: i ? rows / 7 | 0 : rows, systems: {} } }));
	const text = JSON.stringify({ ekaci_difference: 1, counts: { total: count, systems: { 'x86_64-linux': count }, other: { ...count, ...Object.fromEntries(Object.keys(count).map(k => [k, 0])) } },
		attributes, meta_changed: [], meta_errors: { new: 0, before: 0, fixed: 0, list: [] }, roots, targets, known: [] });
	return { text, attributes, targets };
}

// The report of a run as the bot's worker makes it, into the run's folder.
export function make_report(scene, run, { diff, builds = null, phase = 'done', title = 'a title', formats = ['page', 'failures', 'json', 'markdown'], url = `${scene.bot.url}/run/${run}` })
{
	const dir = path.join(scene.dir, 'state/runs', String(run));
	fs.mkdirSync(dir, { recursive: true });
	const file = path.join(dir, 'difference.json');
	fs.writeFileSync(file, diff.text);
	const evaluation = side => ({ type: 'evaluation', side, job: 'packages', key: side, evaluator: 'builtin', complete: true, rows: 30000, errors: 0, ms: 9000, systems: ['x86_64-linux'] });
	const job = { run: { id: run, url, repo: 'org/demo', number: 1, head: 'a'.repeat(40), base: 'b'.repeat(40), title, conflict: false },
		phase, plan: { type: 'plan', decision: 'evaluate', config: 'file', changed_paths: 1, paths: [], rules: [], unmatched: { paths: 1, examples: ['default.nix'] },
			jobs: [{ name: 'packages', file: '/default.nix', attr_path: [], systems: ['x86_64-linux'], allow_eval_failures: false, scope: null }] },
		evaluations: [evaluation('base'), evaluation('head')], query: null, builds, failure: null, difference: file, documents_dir: dir,
		formats, settings: { max_packages_listed: 100, label_prefix: null, label_has_prefix: null } };
	const done = spawnSync(program, ['worker', 'report'], { input: JSON.stringify(job), encoding: 'utf8' });
	if (done.status !== 0 || /"type":"error"/.test(done.stdout))
		throw new Error(`the report was not made: ${done.stdout.slice(-2000)}${done.stderr.slice(-2000)}`);
	return dir;
}

// The repository that runs are put into; one that GitHub tells us nothing of, unless it did already.
function repository_of(scene)
{
	sql(scene, `INSERT OR IGNORE INTO installation (id) VALUES (1);
		INSERT OR IGNORE INTO repository (id, installation, owner, name, clone_url, default_branch, private)
		VALUES (1, 1, 'org', 'shown', 'https://git.example/org/shown.git', 'main', 0);`);
	return 1;
}

// A run in the bot's store, with builds of some of what differs; gives its id. options: rows, hostile, failing, states: of builds in
// turn, live: it is building, title, tail
export function put_run(scene, { rows = 10, hostile = [], failing = 0, states = [], live = false, title = 'a title', tail = 'error: no', head = 'a'.repeat(40) } = {})
{
	const diff = difference({ rows, hostile, failing });
	const repo = repository_of(scene);
	const number = 100 + Number(sql(scene, 'SELECT count(*) FROM run;')), now = Date.now();
	sql(scene, `INSERT INTO pull_request (repository, number, state, head, base_ref, title, author, association, fork, draft, approved, priority, updated)
		VALUES (${repo}, ${number}, 'open', '${head}', 'main', ${quote(title)}, 'dev', NULL, 0, 0, NULL, 0, ${now});
		INSERT INTO run (repository, number, head, base, base_ref, state, reason, verdict, title, created, updated, ended, changes, reported)
		VALUES (${repo}, ${number}, '${head}', '${'b'.repeat(40)}', 'main', 'DONE', 'opened', 'failure', 'what it says', ${now}, ${now}, ${now}, 1, 1);`);
	const id = Number(sql(scene, 'SELECT max(id) FROM run;'));
	const told = {};
	const rows_of = states.length === 0 ? [] : diff.targets.map((t, i) => {
		const state = states[i % states.length], failed = state === 'failed';
		told[t.drv] = { state, blame: failed ? 'newly_failing' : undefined, target: true, name: t.name, system: t.system, tail: failed ? tail : undefined,
			wall_ms: 1000 + i, log_url: failed ? `${scene.bot.url}/log/${t.drv.slice(11)}` : undefined };
		return `INSERT OR IGNORE INTO build (drv, name, system, state, created, wall_ms, tail, pname) VALUES (${quote(t.drv)}, ${quote(t.name)}, ${quote(t.system)}, '${state}', 1, ${1000 + i}, ${failed ? quote(tail) : 'NULL'}, 'p');
			INSERT OR IGNORE INTO build_want (run, build, target) SELECT ${id}, id, 1 FROM build WHERE drv = ${quote(t.drv)};`;
	});
	if (rows_of.length)
		sql(scene, `BEGIN;${rows_of.join('\n')}COMMIT;`);
	make_report(scene, id, { diff, builds: states.length ? told : null, phase: live ? 'building' : 'done', title });
	return id;
}
