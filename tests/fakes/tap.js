// TAP for the Node tests: each test is a sentence and a function; the report closes with counts.
//
//   test('a sentence', async () => { equal(...); });
//   await run({ limit_ms });

import assert from 'node:assert/strict';

const tests = [];

export const equal = assert.deepEqual;
export const ok = assert.ok;
export const { match, rejects } = assert;

// skip: why it cannot be tried on this machine, which is said; or nothing.
export function test(name, body, { skip } = {})
{
	tests.push({ name: skip ? `${name} # SKIP ${skip}` : name, body: skip ? () => {} : body });
}

// One test within its time; resolves to its lines of TAP, without the number.
async function attempt({ name, body }, limit_ms)
{
	let timer;
	try {
		await Promise.race([body(), new Promise((_, reject) => {
			timer = setTimeout(() => reject(new Error(`not done after ${limit_ms} ms`)), limit_ms);
		})]);
		return { good: true, name, lines: [] };
	} catch (e) {
		return { good: false, name, lines: String(e.stack || e).split('\n').slice(0, 60) };
	} finally {
		clearTimeout(timer);
	}
}

// Runs what was declared, each within its time; sets the exit status. In order, and `at_once` of them side by
// side; they are reported in order, too. `before_end` runs last, whatever happened.
export async function run({ limit_ms = 60000, at_once = 1, before_end } = {})
{
	const results = [];
	let failed = 0, next = 0, shown = 0;

	const show = () => {
		for (; results[shown]; shown++) {
			const { good, name, lines } = results[shown];
			failed += good ? 0 : 1;
			process.stdout.write(`${good ? 'ok' : 'not ok'} ${shown + 1} - ${name}\n`);
			lines.forEach(line => process.stdout.write(`# ${line}\n`));
		}
	};
	const work = async () => {
		while (next < tests.length) {
			const at = next++;
			results[at] = await attempt(tests[at], limit_ms);
			show();
		}
	};
	process.stdout.write(`TAP version 13\n1..${tests.length}\n`);
	await Promise.all(Array.from({ length: at_once }, work));
	if (before_end)
		await before_end();
	process.stdout.write(`# ${tests.length - failed} passed, ${failed} failed\n`);
	process.exitCode = failed ? 1 : 0;
	// A child that a failed test left must not keep the program from ending.
	setTimeout(() => process.exit(), 5000).unref();
}
