// What the scenes share beyond lib.js: waiting for an end, reading reports, gates that hold an evaluation or a
// build until the test says so, and looking for processes that should be gone.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { begin, equal, ok, program, test, top } from './lib.js';

export const NAMES = ['ekaci / evaluation', 'ekaci / rebuilds'];
export const expected = JSON.parse(fs.readFileSync(path.join(top, 'fixtures/repositories/demo.expected.json'),
	'utf8'));

const sleep = ms => new Promise(resolve => setTimeout(resolve, ms));

// A test with a scene of its own (options: see begin), which ends in good order; what the body throws comes first.
export const scene_test = (name, options, body) => test(name, async () => {
	const scene = await begin(options);
	try {
		await body(scene);
	} catch (e) {
		await scene.end().catch(() => {});
		throw e;
	}
	await scene.end();
});

// Asks `question()` until it gives something true, and resolves to that.
export async function eventually(what, question, limit_ms = 30000)
{
	for (const deadline = Date.now() + limit_ms;;) {
		const answer = await question();
		if (answer)
			return answer;
		if (Date.now() > deadline)
			throw new Error(`${what}: not after ${limit_ms} ms`);
		await sleep(40);
	}
}

// The newest check run of each of our two names on a commit, once all are completed and newer than `after`.
export function finished(scene, head_sha, { after = 0, limit_ms = 90000 } = {})
{
	return scene.until('check_runs', { repo: scene.repo, head_sha }, all => {
		const last = NAMES.map(name => all.filter(c => c.app === scene.app.slug && c.name === name &&
			c.id > after).pop());
		return last.every(c => c && c.status === 'completed') &&
			{ evaluation: last[0], rebuilds: last[1] };
	}, limit_ms);
}

// A figure of /metrics.
export async function figure(scene, name)
{
	const { text } = await scene.bot.get('/metrics');
	const line = text.match(new RegExp(`^ekaci_${name} (-?\\d+)$`, 'm'));
	ok(line, `/metrics has no ekaci_${name}`);
	return Number(line[1]);
}

// Waits until everything that should stand at GitHub does, and nothing was given up.
export async function delivered(scene, limit_ms = 60000)
{
	await eventually('the queue to GitHub is empty', async () => await figure(scene, 'send_queue') === 0, limit_ms);
	equal(await figure(scene, 'send_given_up'), 0);
}

// Everything has ended: one check run of each name on the head (`times` when it was asked for again), all
// concluded; one report, or none where `comments` is 0.
export async function tidy(scene, pull, { times = 1, comments = 1 } = {})
{
	await delivered(scene);
	const checks = await scene.checks(pull.head.sha);
	for (const name of NAMES)
		equal(checks.filter(c => c.name === name).length, times, `check runs ${name}`);
	ok(checks.every(c => c.status === 'completed' && c.conclusion), 'every check run is concluded');
	equal((await scene.comments(pull.number)).filter(c => !c.body.startsWith('<!-- ekaci:answer')).length,
		comments, 'reports');
	equal(await scene.github.ask('violations'), []);
}

// The address of the run's page, below the bot's own.
export const page_of = check => new URL(check.details_url).pathname + new URL(check.details_url).search;

// The whole report of the run that a check run shows.
export async function report_of(scene, check)
{
	const url = new URL(check.details_url);
	const { status, text } = await scene.bot.get(`${url.pathname}/report.json${url.search}`);
	equal(status, 200, 'report.json');
	return JSON.parse(text);
}

export const row_of = (report, name) => report.attributes.find(a => a.path.join('.') === name);

const CLASSES = ['added', 'removed', 'rebuild', 'derivation_only', 'switched', 'newly_failing', 'fixed', 'still_failing',
	'added_failing', 'removed_failing'];

// A report in the form of fixtures/repositories/demo.expected.json.
export function classes_of(report)
{
	const out = Object.fromEntries(CLASSES.map(c => [c, []]));
	out.derivations_to_rebuild = report.counts.total.rebuild_derivations;
	out.blast_radius = {};
	for (const a of report.attributes) {
		const name = a.path.join('.');
		out[a.class].push(name);
		if (a.class === 'rebuild' && a.radius && a.radius.derivations)
			out.blast_radius[name] = a.radius.derivations;
	}
	for (const list of CLASSES)
		out[list].sort();
	return out;
}

// What demo.expected.json says of a branch, as classes_of gives it.
export function expected_of(branch, change = e => e)
{
	const { conflict, ...rest } = structuredClone(expected[branch]);
	return change(rest);
}

// --- gates ---

// An evaluator that waits for the file `gate` before each evaluation, and notes each in `begun`. For
// [evaluate] evaluator with sandbox = "off": a sandbox would not show it the files.
export function slow_evaluator(dir)
{
	const file = path.join(dir, 'slow-eval-jobs');
	fs.writeFileSync(file, `#!/bin/sh
case "$1" in --help) exec '${program}' eval-jobs --help;; esac
# Its errors are asked again, without meta: that is no other evaluation.
case " $* " in *" --meta "*) ;; *) exec '${program}' eval-jobs "$@";; esac
echo x >> '${dir}/begun'
i=0
while [ ! -e '${dir}/gate' ] && [ $i -lt 900 ]; do sleep 0.1; i=$((i + 1)); done
exec '${program}' eval-jobs "$@"
`, { mode: 0o755 });
	return {
		file,
		begun: () => fs.existsSync(`${dir}/begun`) ? fs.readFileSync(`${dir}/begun`, 'utf8').length / 2 : 0,
		open: () => fs.writeFileSync(`${dir}/gate`, ''),
	};
}

// A package whose build notes its start in DIR/NAME.begun and waits for DIR/NAME.gate, two minutes at most.
export function slow_package(dir, name)
{
	return `{ package, setup }:

package {
  pname = "${name}";
  version = "1.0";
  inputs = [ setup ];
  build = ''
    echo begun >> ${dir}/${name}.begun
    i=0
    while [ ! -e ${dir}/${name}.gate ] && [ $i -lt 1200 ]; do /bin/sleep 0.1; i=$((i + 1)); done
  '';
}
`;
}

export const builds_begun = (dir, name) => fs.existsSync(`${dir}/${name}.begun`)
	? fs.readFileSync(`${dir}/${name}.begun`, 'utf8').split('\n').length - 1 : 0;
export const open_build = (dir, name) => fs.writeFileSync(`${dir}/${name}.gate`, '');

// --- processes ---

function stat_of(pid)
{
	try {
		const text = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
		const rest = text.slice(text.lastIndexOf(')') + 2).split(' ');
		return { pid, state: rest[0], ppid: Number(rest[1]), started: rest[19],
			command: fs.readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ') };
	} catch {
		return null;
	}
}

// Everything below the bot now.
export function children_of(scene)
{
	const all = fs.readdirSync('/proc').filter(n => /^\d+$/.test(n)).map(n => stat_of(Number(n))).filter(Boolean);
	const family = new Set([scene.bot.child.pid]);
	for (let before = 0; before !== family.size;) {
		before = family.size;
		all.filter(p => family.has(p.ppid)).forEach(p => family.add(p.pid));
	}
	family.delete(scene.bot.child.pid);
	return all.filter(p => family.has(p.pid) && p.state !== 'Z');
}

// Waits until all of these processes are gone.
export function gone(processes, limit_ms = 5000)
{
	const alive = p => {
		const now = stat_of(p.pid);
		return now && now.started === p.started && now.state !== 'Z';
	};
	let left = processes;
	return eventually('processes are gone', () => (left = left.filter(alive)).length === 0, limit_ms).catch(e => {
		throw new Error(`${e.message}: ${left.map(p => `${p.pid} ${p.command}`).join('; ')}`);
	});
}

// Files below the state folder.
export function state_files(scene, folder)
{
	const dir = path.join(scene.dir, 'state', folder);
	return fs.existsSync(dir) ? fs.readdirSync(dir) : [];
}

// Markdown as GitHub shows it, as HTML.
export const rendered = markdown => execFileSync('cmark-gfm', ['--unsafe', '-e', 'table', '-e', 'strikethrough',
	'-e', 'autolink'], { input: markdown, encoding: 'utf8' });
