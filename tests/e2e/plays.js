// Many plays, some side by side, reported as TAP in their order.
//
//   await run_plays([{ name, play: place => { problems, plan, log } }])
//
// WORKERS: how many at a time (4); TIMES=1 shows how long each took; BRIEF=1 leaves the bot's log out.

import { Place } from './world.js';

const { env } = process;
const commented = text => text.replaceAll('\n', '\n# ');

function show({ name, result, ms }, number)
{
	const good = !result.problems.length;
	const took = env.TIMES ? ` (${(ms / 1000).toFixed(1)} s)` : '';
	process.stdout.write(`${good ? 'ok' : 'not ok'} ${number} - ${name}${took}\n`);
	if (good)
		return;
	result.problems.forEach(p => process.stdout.write(`# ${commented(p)}\n`));
	if (result.plan)
		process.stdout.write(`# drawn: ${JSON.stringify(result.plan)}\n`);
	if (!env.BRIEF)
		process.stdout.write(`# --- ekaci's log ---\n# ${commented(result.log || '')}\n`);
}

export async function run_plays(plays)
{
	const results = [];
	let next = 0, shown = 0, failed = 0;

	const work = async () => {
		const place = await Place.open();
		try {
			while (next < plays.length) {
				const at = next++;
				const began = Date.now();
				const result = await plays[at].play(place);
				results[at] = { name: plays[at].name, result, ms: Date.now() - began };
				failed += result.problems.length ? 1 : 0;
				for (; results[shown]; shown++)
					show(results[shown], shown + 1);
			}
		} finally {
			await place.close();
		}
	};
	process.stdout.write(`TAP version 13\n1..${plays.length}\n`);
	await Promise.all(Array.from({ length: Math.min(plays.length, Number(env.WORKERS || 4)) }, work));
	process.stdout.write(`# ${plays.length - failed} passed, ${failed} failed\n`);
	process.exitCode = failed ? 1 : 0;
	setTimeout(() => process.exit(), 5000).unref();
}
