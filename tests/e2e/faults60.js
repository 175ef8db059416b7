#!/usr/bin/env node
// For each of the first sixty requests of the standard pull request, git's among them, each of eight faults, once: the end is the
// one of the undisturbed run.
//
//   node tests/e2e/faults60.js                 some of those that hold, spread over requests and faults
//   ALL=1 node tests/e2e/faults60.js           all 480
//   FAULT='404' REQUEST=7 ...                  of all, those of the fault with these words, and of this request
//
// The standard pull request: opened, with one package that no longer builds, so that base is asked as well, and one that is new;
// labels; help asked for; rebuilt; repaired by a push; explained; run once more by its button; pushed to twice more.

import { play_once } from './play.js';
import { run_plays } from './plays.js';

const { env } = process;
const REQUESTS = 60;
const HTML = { status: 502, body: '<html><body>Unicorn!</body></html>', headers: { 'content-type': 'text/html' } };
const says = (status, message) => ({ status, body: { message } });

// holds: the end is right whichever request it strikes; of these `make check` plays some.
const faults = [
	{ name: '403 not accessible', holds: true, what: says(403, 'Resource not accessible by integration') },
	{ name: '404', holds: true, what: says(404, 'Not Found') },
	{ name: '410', holds: true, what: says(410, 'This was deleted') },
	{ name: '422', holds: true, what: says(422, 'Validation Failed') },
	{ name: '500', holds: true, what: says(500, 'Server Error') },
	{ name: '502 with HTML', holds: true, what: HTML },
	{ name: 'a reset after it took effect', holds: true, what: { when: 'after', drop: true } },
	{ name: 'a timeout after it took effect', holds: true, what: { when: 'after', hang: true } },
];

const scenario = {
	name: 'the standard pull request',
	config: { report: { labels: true } },
	branches: { bump: { 'packages/hello.sh': 'echo hello of bump >> $LOG\nexit 1\n', 'packages/third.sh': 'echo third >> $LOG\n' } },
	steps: [
		{ do: 'pull', head: 'bump' }, { do: 'wait' },
		{ do: 'say', on: 'bump', as: 'help', body: '/ekaci help', user: 'stranger' },
		{ do: 'say', on: 'bump', as: 'asked', body: '/ekaci rebuild', user: 'writer' }, { do: 'wait' },
		{ do: 'push', branch: 'bump', as: 'second', files: { 'packages/hello.sh': 'echo hello of second >> $LOG\n' } }, { do: 'wait' },
		{ do: 'say', on: 'bump', as: 'why', body: '/ekaci explain hello', user: 'writer' }, { do: 'wait' },
		{ do: 'press', on: 'bump', user: 'writer' }, { do: 'wait' },
		{ do: 'push', branch: 'bump', as: 'third', files: { 'packages/third.sh': 'echo third of third >> $LOG\n' } }, { do: 'wait' },
		{ do: 'push', branch: 'bump', as: 'fourth', files: { 'packages/hello.sh': 'echo hello of fourth >> $LOG\n' } },
	],
	expect: { bump: { evaluation: 'success', rebuilds: 'success', reports: 1, answers: 2 },
		reactions: { help: ['+1'], asked: ['rocket'], why: ['+1'] } },
};

let undisturbed;

// A request of git that hangs costs its client's own patience, half a minute of the true clock: it breaks off instead.
function faults_at({ what }, request)
{
	const skip = request - 1;
	if (!what.hang)
		return [{ ...what, skip }];
	return [{ ...what, skip, spare: '\\.git/' }];
}

async function play(place, fault, request)
{
	undisturbed = undisturbed || play_once(place, scenario);
	const plain = await undisturbed;
	if (plain.problems.length)
		return plain;
	const plan = { faults: faults_at(fault, request), kills: [], slays: [], settings: {} };
	const played = await play_once(place, scenario, { disturbance: { plan, has: () => false }, expected: plain.snapshots });
	if (!played.struck)
		played.problems.push('there was no such request');
	return played;
}

const chosen = [];
for (let request = 1; request <= REQUESTS; request++) {
	for (const [n, fault] of faults.entries()) {
		const asked = env.ALL || env.FAULT || env.REQUEST;
		const some = fault.holds && request % 20 === (3 * n) % 20;
		if (asked ? (!env.FAULT || fault.name.includes(env.FAULT)) && (!env.REQUEST || request === Number(env.REQUEST)) : some)
			chosen.push({ name: `request ${request}: ${fault.name}`, play: place => play(place, fault, request) });
	}
}

await run_plays(chosen);
