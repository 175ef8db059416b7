// Plays a scenario from its first step to its last, disturbed or not, and compares.

import { isDeepStrictEqual } from 'node:util';
import { Play } from './world.js';
import { children_of } from './scenes.js';

const UNDISTURBED_MS = 30000;
const DISTURBED_MS = 60000;
const sleep = ms => new Promise(resolve => setTimeout(resolve, ms));

// --- sending what came of the steps, in whatever order ---

class Post {
	constructor(play, disturbance)
	{
		Object.assign(this, { play, disturbance, waiting: [], kept: [] });
	}

	// What a step gave: sent at once, or together with what comes later.
	async take(deliveries)
	{
		const d = this.disturbance;
		this.waiting.push(...deliveries);
		while (this.waiting.length && !(d && d.has('order') && d.chance(0.6)))
			await this.send(this.waiting.splice(d && d.has('order') ? d.below(this.waiting.length) : 0, 1)[0]);
	}

	async send(delivery)
	{
		const d = this.disturbance;
		if (d && d.has('order') && d.chance(0.4))
			await sleep(d.below(120));
		await this.play.deliver(delivery, d && d.has('lost') && this.play.down ? { lost: true } : {});
		if (!d || !d.has('dup'))
			return;
		this.kept.push(delivery);
		while (d.chance(0.3))
			await this.play.deliver(this.kept[d.below(this.kept.length)], d.chance(0.5) ? { replay: true } : {});
	}

	// Nothing stays on the way.
	async empty()
	{
		const d = this.disturbance;
		while (this.waiting.length)
			await this.send(this.waiting.splice(d && d.has('order') ? d.below(this.waiting.length) : 0, 1)[0]);
	}
}

// --- what strikes at a request ---

// Kills and slays are requests that never get an answer, or a late one; whoever watches sees them and acts.
async function prepare(play, { plan })
{
	const strikes = new Map();
	await play.do('settings', plan.settings);
	for (const fault of plan.faults)
		await play.do('fault', fault);
	for (const { skip, when, pause_ms } of plan.kills)
		strikes.set((await play.do('fault', { skip, when, hang: true })).id, () => play.kill(pause_ms));
	for (const { skip, which } of plan.slays)
		strikes.set((await play.do('fault', { skip, delay_ms: 60 })).id, () => slay(play, which));
	if (plan.expire)
		strikes.set((await play.do('fault', { skip: 6, delay_ms: 1 })).id, () => play.do('expire_tokens'));
	return strikes;
}

// kill -9 of a worker, as the kernel does when memory is short.
function slay(play, which)
{
	const workers = children_of(play).filter(p => / worker /.test(`${p.command} `) || /eval-jobs/.test(p.command));
	if (!workers.length)
		return;
	try {
		process.kill(workers[which % workers.length].pid, 'SIGKILL');
	} catch {
		// It has ended by itself.
	}
}

function watch(play, strikes)
{
	const state = { over: false };
	state.done = (async () => {
		while (!state.over && strikes.size) {
			for (const { id, hits } of await play.github.ask('faults')) {
				if (hits > 0 && strikes.has(id)) {
					const strike = strikes.get(id);
					strikes.delete(id);
					await strike();
				}
			}
			await sleep(25);
		}
	})();
	state.done.catch(e => { play.failed = e; });
	return state;
}

// --- comparing ---

const text = value => JSON.stringify(value);

// How a snapshot differs from another, the first difference; '' when it does not.
function difference(is, should, loose, at = '')
{
	if (isDeepStrictEqual(is, should) || loose.some(l => at === l || at.endsWith(`.${l}`)))
		return '';
	const both = [is, should].every(v => v && typeof v === 'object' && !Array.isArray(v));
	if (!both)
		return `${at} is ${text(is)} and should be ${text(should)}`;
	for (const key of new Set([...Object.keys(should), ...Object.keys(is)])) {
		const found = difference(is[key], should[key], loose, at ? `${at}.${key}` : key);
		if (found)
			return found;
	}
	return '';
}

const list_fits = (list, wanted) => typeof wanted === 'number' ? list.length === wanted
	: list.length === wanted.length && wanted.every(w => list.some(l => w.test ? w.test(l) : l === w));

// What the scenario's file says of the end, against the end; '' when it fits.
function unlike(scenario, end, play)
{
	const { never: _, asks: __, commits = {}, reactions = {}, built, once = [], log = [], ...pulls } = scenario.expect;
	const { loose = [] } = scenario;
	const wrong = [];
	const checks = (where, is, wanted) => {
		for (const name of ['evaluation', 'rebuilds']) {
			if (wanted[name] === undefined)
				continue;
			if ((is[name] ? is[name].is : null) !== wanted[name])
				wrong.push(`${where}: ${name} is ${is[name] ? is[name].is : null} and should be ${wanted[name]}`);
			if (wanted[name] !== null && is[name] && !loose.includes('times') && is[name].times !== (wanted.times || 1))
				wrong.push(`${where}: ${is[name].times} check runs ${name}, and should be ${wanted.times || 1}`);
		}
	};
	for (const [name, wanted] of Object.entries(pulls)) {
		const is = end.pulls[name];
		const single = Object.fromEntries(Object.entries(is.checks).filter(([n]) => n.includes('(')).map(([n, c]) => [n.replace(/ \(.*/, ''), c.is]));
		if (wanted.attributes && !isDeepStrictEqual(single, wanted.attributes))
			wrong.push(`${name}: checks of attributes are ${text(single)} and should be ${text(wanted.attributes)}`);
		if (wanted.left_out && !wanted.left_out.test(is.checks.rebuilds ? is.checks.rebuilds.left_out : ''))
			wrong.push(`${name}: that attributes have no checks is ${text(is.checks.rebuilds)} and should be like ${wanted.left_out}`);
		checks(name, is.checks, wanted);
		if (wanted.statuses && !isDeepStrictEqual(is.statuses || {}, wanted.statuses))
			wrong.push(`${name}: statuses are ${text(is.statuses)} and should be ${text(wanted.statuses)}`);
		if (wanted.reviewers && !isDeepStrictEqual(is.reviewers || [], wanted.reviewers))
			wrong.push(`${name}: reviewers are ${text(is.reviewers)} and should be ${text(wanted.reviewers)}`);
		for (const key of ['reports', 'answers', 'labels']) {
			if (wanted[key] !== undefined && !list_fits(is[key], wanted[key]))
				wrong.push(`${name}: ${key} are ${text(is[key])} and should be ${wanted[key]}`);
		}
		for (const [check, buttons] of Object.entries(wanted.buttons || {})) {
			if (!isDeepStrictEqual(is.checks[check] && is.checks[check].buttons, buttons))
				wrong.push(`${name}: the buttons of ${check} are ${text(is.checks[check])} and should be ${buttons}`);
		}
		if (wanted.title && !wanted.title.test(is.checks.rebuilds ? is.checks.rebuilds.title : ''))
			wrong.push(`${name}: the title is ${text(is.checks.rebuilds)} and should be like ${wanted.title}`);
		if (wanted.page !== undefined && is.page !== wanted.page)
			wrong.push(`${name}: the page answers ${is.page} and should ${wanted.page}`);
	}
	for (const [name, wanted] of Object.entries(commits))
		checks(name, end.commits[name] || {}, wanted);
	for (const [name, wanted] of Object.entries(reactions)) {
		if (!isDeepStrictEqual(end.reactions[name], wanted))
			wrong.push(`${name}: reactions are ${text(end.reactions[name])} and should be ${text(wanted)}`);
	}
	for (const words of log.filter(l => !l.test(play.bot.log())))
		wrong.push(`the log has nothing like ${words}`);
	for (const line of once)
		if (play.noted('built').filter(l => l === line).length !== 1)
			wrong.push(`${line} was built ${play.noted('built').filter(l => l === line).length} times and should be once`);
	if (built && !isDeepStrictEqual([...new Set(play.noted('built'))].sort(), [...built].sort()))
		wrong.push(`built was ${text(play.noted('built'))} and should be ${text(built)}`);
	return [...wrong, ...forbidden(scenario, play)].join('; ');
}

// What must never happen, whatever goes wrong.
function forbidden(scenario, play)
{
	const { never = {} } = scenario.expect;
	return ['evaluated', 'built'].flatMap(what => (never[what] || []).filter(n => play.noted(what).some(l => l.includes(n)))
		.map(n => `${n} was ${what}`));
}

// That a start forgets how long GitHub said to wait has a scenario of its own.
async function manners(play, { plan } = {})
{
	const wrong = (await play.github.ask('violations'))
		.filter(v => !(v.kind === 'stand-in' && /^Error: (aborted|read ECONNRESET)/.test(v.message)))
		.map(v => `against GitHub's rules: ${text(v)}`);
	for (const [who, m] of Object.entries(await play.github.ask('etiquette'))) {
		if (!who.startsWith('installation'))
			continue;
		if (m.max_content_per_minute > 80 || m.max_content_per_hour > 500)
			wrong.push(`${m.max_content_per_minute} writes a minute, ${m.max_content_per_hour} an hour`);
		if (m.wide_writes)
			wrong.push(`${m.wide_writes} writes with a token that is good for more than they need`);
		if (!plan && m.max_in_flight > 1)
			wrong.push(`${m.max_in_flight} requests at once`);
		if (m.requests_while_limited && !(plan && plan.kills.length))
			wrong.push(`${m.requests_while_limited} requests while told to wait`);
	}
	// How often something is asked, while nothing goes wrong.
	for (const [path, times] of Object.entries(!plan && play.scenario.expect.asks || {})) {
		const n = (await play.github.ask('requests')).filter(r => r.path.includes(path)).length;
		if (n !== times)
			wrong.push(`${path} was asked ${n} times, and should be ${times}`);
	}
	return wrong;
}

// --- one play ---

const done_by_runner = {
	stop: async play => { await play.down; play.stopped = true; await play.bot.kill(); },
	start: async play => { await play.bot.start(); play.stopped = false; },
	time: (play, { s }) => sleep(s * 1000 / play.rate),
	until,
	set: (play, { do: _, ...settings }) => play.do('settings', settings),
	expire: play => play.do('expire_tokens'),
	fault: (play, { do: _, ...fault }) => play.do('fault', fault),
	foreign: (play, { on, ...more }) => play.foreign_check(on, more),
};

// Until a build has begun, a comment has a reaction, or a fault has struck, within so many seconds of the fast clock.
async function until(play, { begun, reaction, struck, button, on, within_s = 600 }, post)
{
	await post.empty();
	for (const deadline = Date.now() + within_s * 1000 / play.rate;;) {
		if (begun && play.noted('built').includes(`begun ${begun}`))
			return;
		if (reaction && (await play.snapshot()).reactions[reaction].length)
			return;
		if (button && Object.values((await play.snapshot()).pulls[on].checks).some(c => c.buttons.includes(button)))
			return;
		if (struck && (await play.github.ask('faults')).some(f => f.hits > 0))
			return;
		if (Date.now() > deadline)
			throw new Error(`${begun ? `the build of ${begun}` : `an answer to ${reaction}`} did not come within ${within_s} s`);
		await sleep(20);
	}
}

// Resolves to { snapshots, problems }. Without a disturbance the steps that are outages themselves (`outage: true`) are
// left out, so that the end is the one that an undisturbed bot has; with one, `expected` are those snapshots.
export async function play_once(place, scenario, { disturbance, expected, with_outages = !!disturbance } = {})
{
	const play = new Play(place, scenario);
	const snapshots = [], problems = [];
	const limit_ms = disturbance || with_outages ? DISTURBED_MS : UNDISTURBED_MS;
	const loose = scenario.loose || [];
	let watcher, struck;
	try {
		await play.set_up();
		const post = new Post(play, disturbance);
		if (disturbance)
			watcher = watch(play, await prepare(play, disturbance));
		const look = async last => {
			await post.empty();
			const should = !scenario.chance && expected && expected[snapshots.length];
			const snapshot = await play.quiet(now => should ? difference(now, should, loose)
				: ((scenario.ends_open ? '' : now.open.join(', ')) || (last ? unlike(scenario, now, play) : '')), limit_ms);
			if (snapshot.never)
				problems.push(`${last ? 'at the end' : `at wait ${snapshots.length + 1}`}: ${snapshot.never}`);
			snapshots.push(snapshot);
		};
		for (const step of scenario.steps) {
			if (step.outage && !with_outages)
				continue;
			if (step.do === 'wait')
				await look(false);
			else if (Object.hasOwn(done_by_runner, step.do))
				await done_by_runner[step.do](play, step, post);
			else
				await post.take(await play.step(step));
			if (problems.length)
				break;
		}
		if (!problems.length)
			await look(true);
		problems.push(...forbidden(scenario, play), ...await manners(play, disturbance || undefined));
		struck = (await play.github.ask('faults')).reduce((sum, f) => sum + f.hits, 0);
	} catch (e) {
		problems.push(`${e.message}`);
	} finally {
		if (watcher) {
			watcher.over = true;
			await watcher.done.catch(() => {});
		}
		if (problems.length)
			play.log = play.bot ? play.bot.log() : '';
		await play.tear_down();
	}
	return { snapshots, problems, struck, log: play.log, plan: disturbance && disturbance.plan };
}
