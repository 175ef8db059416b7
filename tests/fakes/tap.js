// TAP for the Node tests: each test is a sentence and a function; the report closes with counts.
//
//   test('a sentence', async () => { equal(...); });
//   await run({ limit_ms });

import assert from 'node:assert/strict';

const tests = [];

export const equal = assert.deepEqual;
export const ok = assert.ok;
export const { match, rejects } = assert;

export function test(name, body)
{
	tests.push({ name, body });
}

// Runs what was declared, in order, each within its time; sets the exit status. `before_end` runs
// last, whatever happened.
export async function run({ limit_ms = 60000, before_end } = {})
{
	let failed = 0;
	process.stdout.write(`TAP version 13\n1..${tests.length}\n`);
	for (const [at, { name, body }] of tests.entries()) {
		let timer;
		try {
			await Promise.race([body(), new Promise((_, reject) => {
				timer = setTimeout(() => reject(new Error(`not done after ${limit_ms} ms`)), limit_ms);
			})]);
			process.stdout.write(`ok ${at + 1} - ${name}\n`);
		} catch (e) {
			failed++;
			process.stdout.write(`not ok ${at + 1} - ${name}\n`);
			for (const line of String(e.stack || e).split('\n').slice(0, 30))
				process.stdout.write(`# ${line}\n`);
		} finally {
			clearTimeout(timer);
		}
	}
	if (before_end)
		await before_end();
	process.stdout.write(`# ${tests.length - failed} passed, ${failed} failed\n`);
	process.exitCode = failed ? 1 : 0;
}
