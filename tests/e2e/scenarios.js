#!/usr/bin/env node
// Scenarios, undisturbed and disturbed: the end is the same, nothing is there twice, nobody unapproved is evaluated or built.
//
//   node tests/e2e/scenarios.js                          each that holds, and some seeds: each draws which kinds of disturbance
//   SEEDS=300 node tests/e2e/scenarios.js                so many seeds, over all scenarios in turn
//   KINDS=all EACH=2 node tests/e2e/scenarios.js         two seeds of each kind alone, for each scenario
//   FILE=others.js ...                                   those of one file
//   SEED=17 SCENARIO='one package' ...                   one seed of the scenarios whose name has these words; KINDS=kill,dup: of these kinds
//
// KINDS are those of disturb.js, all of them at once, or `all`; FIRST is the first seed (1); TOO=1 plays also what fails
// alone. A failure shows the seed, what was drawn, and the end of the bot's log. More: plays.js.

import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { choose, draw, HELD, KINDS } from './disturb.js';
import { play_once } from './play.js';
import { run_plays } from './plays.js';

const here = path.dirname(fileURLToPath(import.meta.url));
const env = process.env;
const SHARE = 16;		// seeds that `make check` plays
const folder = path.join(here, 'scenarios');
const scenarios = (await Promise.all(fs.readdirSync(folder).filter(f => f.endsWith('.js') && (!env.FILE || f === env.FILE)).sort()
	.map(async f => (await import(path.join(folder, f))).default))).flat()
	.filter(s => !env.SCENARIO || s.name.includes(env.SCENARIO));

const kinds_of = s => env.KINDS === 'all' ? KINDS : env.KINDS ? env.KINDS.split(',') : HELD.filter(k => !(s.fails || []).includes(k));
const held = scenarios.filter(s => env.TOO || s.fails !== 'alone');

// What is to be played: first each undisturbed, then its seeds.
const plays = [];
if (!env.SEED)
	held.forEach(s => plays.push({ scenario: s }));
const first = Number(env.SEED || env.FIRST || 1);
if (env.EACH) {
	for (const scenario of held) {
		for (const kind of kinds_of(scenario))
			for (let n = 0; n < Number(env.EACH); n++)
				plays.push({ scenario, seed: first + n, kinds: [kind] });
	}
}
const disturbable = held.filter(s => kinds_of(s).length);
for (let n = 0; disturbable.length && n < (env.EACH ? 0 : env.SEED ? disturbable.length : Number(env.SEEDS || SHARE)); n++) {
	const scenario = disturbable[n % disturbable.length];
	const seed = env.SEED ? first : first + n;
	plays.push({ scenario, seed, kinds: env.KINDS ? kinds_of(scenario) : choose(seed, scenario.name, kinds_of(scenario)) });
}

const undisturbed = new Map();

// Once for each scenario, whoever asks first.
function expected_of(place, scenario)
{
	if (!undisturbed.has(scenario))
		undisturbed.set(scenario, play_once(place, scenario));
	return undisturbed.get(scenario);
}

async function attempt(place, { scenario, seed, kinds })
{
	const plain = await expected_of(place, scenario);
	if (seed === undefined && scenario.outage && !plain.problems.length)
		return play_once(place, scenario, { expected: plain.snapshots, with_outages: true });
	if (seed === undefined)
		return plain;
	if (plain.problems.length)
		return { problems: ['it does not hold undisturbed'] };
	return play_once(place, scenario, { disturbance: draw(seed, scenario.name, kinds),
		expected: plain.snapshots });
}

await run_plays(plays.map(({ scenario, seed, kinds }) => ({
	name: `${scenario.name}${seed === undefined ? '' : `, seed ${seed} of ${kinds}`}`,
	play: place => attempt(place, { scenario, seed, kinds }) })));
