// The units as systemd reads them, without running it.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { equal, match, ok, run, test, top } from '../e2e/lib.js';

const analyze = (...args) => spawnSync('systemd-analyze', args, { encoding: 'utf8' });
const skipped = analyze('--version').status === 0 ? '' : ' # SKIP systemd-analyze is not installed (package systemd)';
const unit = name => fs.readFileSync(path.join(top, 'deploy', name), 'utf8');

test(`systemd finds nothing wrong with the units${skipped}`, () => {
	if (skipped)
		return;
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-unit-'));
	const files = ['ekaci.service', 'ekaci.socket'].map(name => {
		// Neither program nor manual need be installed where the unit has them; tests/deploy/package.js installs them.
		fs.writeFileSync(path.join(dir, name), unit(name).replaceAll('/usr/local/bin/ekaci', '/bin/true'));
		return path.join(dir, name);
	});
	const { status, stdout, stderr } = analyze('verify', '--man=no', ...files);
	fs.rmSync(dir, { recursive: true });
	equal([status, stdout + stderr], [0, '']);
});

test(`what systemd-analyze security finds open is explained in the unit, each thing of it${skipped}`, () => {
	const said = unit('ekaci.service').split('\n').filter(l => l.startsWith('#')).join('\n');
	if (skipped)
		return;
	const told = analyze('security', '--offline=true', '--no-pager', path.join(top, 'deploy/ekaci.service')).stdout;
	const open = [...told.matchAll(/^✗ (\w+)[=:]/gm)].map(m => m[1]);
	ok(open.length > 5, told);
	for (const name of new Set(open))
		match(said, new RegExp(`\\b${name}`), `${name} is open and not explained`);
	const level = Number(told.match(/exposure level for \S+: ([\d.]+)/)[1]);
	// Namespaces, mounts and the network alone, which evaluations need, come to more than two.
	ok(level < 3.3, `${level}`);
});

test('what would cover parts of /proc is not in the unit: the sandbox of evaluations could not be made', () => {
	const on = unit('ekaci.service').match(/^(ProtectKernelTunables|ProtectKernelLogs|ProtectProc|ProcSubset)=.*$/m);
	equal(on, null);
});

await run();
