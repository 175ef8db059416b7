// Derivations made for a test, and the scheduler's driver run on them.

import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const top = join(dirname(fileURLToPath(import.meta.url)), '../..');
export const ekaci = process.env.EKACI || join(top, 'build/release/ekaci');
const driver = join(dirname(ekaci), 'tests/schedule_driver');

export const folder = mkdtempSync(join(tmpdir(), 'ekaci-schedule-'));
export const unique = `${process.pid}-${Date.now()}`;
// No test needs the network, and none may wait for it.
export const nix_env = { ...process.env, NIX_CONFIG: 'substituters =\nsandbox = false\nbuild-users-group =\n' };

// nix: text of an attribute set of derivations; gives {attribute: path of the .drv}.
export function instantiate(name, nix)
{
	const file = join(folder, `${name}.nix`);
	writeFileSync(file, nix);
	const out = execFileSync('nix-instantiate', [file, '--no-gc-warning'], { env: nix_env, stdio: ['ignore', 'pipe', 'ignore'] });
	return out.toString().trim().split('\n').map((line) => line.replace(/!.*/, ''));
}

// A derivation by itself: a script for /bin/sh.
export const drv = (name, script, more = '') => `derivation { name = "${name}"; system = "x86_64-linux"; ` +
	`builder = "/bin/sh"; args = [ "-c" ''${script}'' ]; unique = "${unique}"; PATH = "/usr/bin:/bin"; ${more} }`;

// [path, where it points to] of all in a folder.
export const links = (dir) => readdirSync(dir).map((name) => join(dir, name))
	.map((path) => { try { return [path, readlinkSync(path)]; } catch { return [path, '']; } });
// The links outside the store that Nix keeps things for. How `nix-store --gc --print-roots` prints them differs by version.
export const registered_roots = () => new Set(links('/nix/var/nix/gcroots/auto').map(([, to]) => to));

let runs = 0;
export const state_folder = () => mkdtempSync(join(folder, `state${runs++}-`));
// kill_after_ms: SIGKILL, and null instead of a result.
export function drive(input, { env = {}, limit_ms = 60000, dir = state_folder(), kill_after_ms = 0 } = {})
{
	return new Promise((resolve, reject) => {
		const child = spawn(driver, [dir], { env: { ...nix_env, ...env }, stdio: ['pipe', 'pipe', 'inherit'] });
		const timer = setTimeout(() => child.kill('SIGTERM'), limit_ms);
		if (kill_after_ms > 0)
			setTimeout(() => child.kill('SIGKILL'), kill_after_ms);
		let out = '';
		child.stdout.on('data', (d) => { out += d; });
		child.on('close', (code) => {
			clearTimeout(timer);
			if (kill_after_ms > 0)
				resolve(null);
			else if (code !== 0 || out === '')
				reject(new Error(`the driver ended with ${code}`));
			else
				resolve({ dir, ...JSON.parse(out) });
		});
		child.stdin.end(JSON.stringify(input));
	});
}
