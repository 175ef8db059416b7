#!/usr/bin/env node
// Scenarios, undisturbed and disturbed: the end is the same, nothing is there twice, nobody unapproved is evaluated or built.
//
//   node tests/e2e/scenarios.js                          each that holds, and some seeds of what each holds against
//   SEEDS=300 node tests/e2e/scenarios.js                so many seeds, over all scenarios in turn
//   SEED=17 SCENARIO='one package' KINDS=kill,dup ...    one seed of the scenarios whose name has these words
//
// KINDS are those of disturb.js, or `all`; FIRST is the first seed (1); WORKERS how many plays are side by side (3); TOO=1 plays
// also what is known not to hold. A failure shows the seed, what was drawn, and the end of the bot's log.

import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { draw, KINDS } from './disturb.js';
import { play_once } from './play.js';
import { Place } from './world.js';

const here = path.dirname(fileURLToPath(import.meta.url));
const env = process.env;
const folder = path.join(here, 'scenarios');
const scenarios = (await Promise.all(fs.readdirSync(folder).filter(f => f.endsWith('.js')).sort()
	.map(async f => (await import(path.join(folder, f))).default))).flat()
	.filter(s => !env.SCENARIO || s.name.includes(env.SCENARIO));

const kinds_of = s => env.KINDS === 'all' ? KINDS : env.KINDS ? env.KINDS.split(',') : s.holds || [];
const held = scenarios.filter(s => env.TOO || s.holds);

// What is to be played: first each undisturbed, then its seeds.
const plays = [];
if (!env.SEED)
	held.forEach(s => plays.push({ scenario: s }));
const first = Number(env.SEED || env.FIRST || 1);
const disturbable = held.filter(s => kinds_of(s).length);
for (let n = 0; disturbable.length && n < (env.SEED ? disturbable.length : Number(env.SEEDS || 12)); n++)
	plays.push({ scenario: disturbable[n % disturbable.length], seed: env.SEED ? first : first + n });

const undisturbed = new Map();

// Once for each scenario, whoever asks first.
function expected_of(place, scenario)
{
	if (!undisturbed.has(scenario))
		undisturbed.set(scenario, play_once(place, scenario));
	return undisturbed.get(scenario);
}

async function attempt(place, { scenario, seed })
{
	const plain = await expected_of(place, scenario);
	if (seed === undefined && scenario.outage && !plain.problems.length)
		return play_once(place, scenario, { expected: plain.snapshots, with_outages: true });
	if (seed === undefined || plain.problems.length)
		return plain;
	return play_once(place, scenario, { disturbance: draw(seed, scenario.name, kinds_of(scenario)),
		expected: plain.snapshots });
}

let next = 0, failed = 0, shown = 0;
const results = [];

function show()
{
	for (; results[shown]; shown++) {
		const { name, result } = results[shown];
		const good = !result.problems.length;
		failed += good ? 0 : 1;
		process.stdout.write(`${good ? 'ok' : 'not ok'} ${shown + 1} - ${name}\n`);
		if (good)
			continue;
		result.problems.forEach(p => process.stdout.write(`# ${p.replaceAll('\n', '\n# ')}\n`));
		if (result.plan)
			process.stdout.write(`# drawn: ${JSON.stringify(result.plan)}\n`);
		if (!env.BRIEF)
			process.stdout.write(`# --- ekaci's log ---\n# ${(result.log || '').replaceAll('\n', '\n# ')}\n`);
	}
}

async function work()
{
	const place = await Place.open();
	try {
		while (next < plays.length) {
			const at = next++;
			const { scenario, seed } = plays[at];
			const began = Date.now();
			const result = await attempt(place, plays[at]);
			const took = env.TIMES ? ` (${((Date.now() - began) / 1000).toFixed(1)} s)` : '';
			results[at] = { name: `${scenario.name}${seed === undefined ? '' : `, seed ${seed} of ${kinds_of(scenario)}`}${took}`,
				result };
			show();
		}
	} finally {
		await place.close();
	}
}

process.stdout.write(`TAP version 13\n1..${plays.length}\n`);
await Promise.all(Array.from({ length: Number(env.WORKERS || 3) }, work));
process.stdout.write(`# ${plays.length - failed} passed, ${failed} failed\n`);
process.exitCode = failed ? 1 : 0;
setTimeout(() => process.exit(), 5000).unref();
