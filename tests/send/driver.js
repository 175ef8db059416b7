// Holds a send_driver: the sender alone, told what to want, killed and started again as a test likes.

import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const top = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

// The program: beside the one that EKACI names, else of the release; built when it is not there.
export function driver_path()
{
	const dir = process.env.EKACI ? path.dirname(process.env.EKACI) : path.join(top, 'build/release');
	const file = path.join(dir, 'tests/send_driver');
	if (!fs.existsSync(file)) {
		const made = spawnSync('make', ['-C', top, path.relative(top, file)], { encoding: 'utf8' });
		if (made.status !== 0)
			throw new Error(`cannot build ${file}: ${made.stderr}`);
	}
	return file;
}

export class Driver {
	// Resolves when it is ready; rejects with its own words when it refuses.
	static async start({ db, url, app_id, key, gap_ms = 0, retry_ms = 30,
		settle_ms = 50, progress_ms = 0 })
	{
		const d = new Driver();
		d.child = spawn(driver_path(), [db, url, String(app_id), key, String(gap_ms),
			String(retry_ms), String(settle_ms), String(progress_ms)], { stdio: ['pipe', 'pipe', 'pipe'] });
		d.waiting = [];
		d.said = '';
		let text = '';
		d.child.stderr.setEncoding('utf8').on('data', part => { d.said += part; });
		d.child.stdin.on('error', () => {});
		d.ended = new Promise(resolve => d.child.once('close', (code, signal) => {
			for (const w of d.waiting.splice(0))
				w.reject(new Error(`the driver ended: ${code} ${signal}\n${d.said}`));
			resolve({ code, signal });
		}));
		d.child.stdout.setEncoding('utf8').on('data', part => {
			text += part;
			for (let end; (end = text.indexOf('\n')) >= 0; text = text.slice(end + 1))
				d.waiting.shift().resolve(JSON.parse(text.slice(0, end)));
		});
		const first = await d.answer();
		if (first.error)
			throw new Error(first.message);
		return d;
	}

	answer()
	{
		return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
	}

	// One command; resolves to the answer, whatever it says.
	say(command)
	{
		const answer = this.answer();
		this.child.stdin.write(JSON.stringify(command) + '\n');
		return answer;
	}

	async want(command)
	{
		const answer = await this.say(command);
		if (!answer.ok)
			throw new Error(JSON.stringify(answer));
	}

	// Resolves to the figures once they are as `good` says; by itself: when nothing waits.
	async until(good = f => f.queue === 0, limit_ms = 15000)
	{
		const deadline = Date.now() + limit_ms;
		for (;;) {
			const figures = await this.say({ do: 'figures' });
			if (good(figures))
				return figures;
			if (Date.now() > deadline)
				throw new Error(`never came to be: ${JSON.stringify(figures)}\n${this.said}`);
			await new Promise(resolve => setTimeout(resolve, 10));
		}
	}

	async kill()
	{
		this.child.kill('SIGKILL');
		await this.ended;
	}

	// An orderly end; a leak or any other finding of a sanitizer fails it.
	async stop()
	{
		this.child.stdin.end();
		const { code, signal } = await this.ended;
		if (code !== 0)
			throw new Error(`the driver ended with ${code} ${signal}\n${this.said}`);
	}
}
