// 1,000 trivial derivations in 10 layers, 2 slots: ekaci's scheduler beside `nix-build -j2` of the same set, in one run.
//   node tests/bench/builds.mjs [COUNT]
// One line a figure: name, value, unit. ekaci writes a row, a log and a verdict for each.

import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { drive, folder, nix_env, unique } from '../schedule/lib.js';

const count = Number(process.argv[2] || 1000);
const layers = 10;
const each = Math.max(1, Math.floor(count / layers));

// Derivation i of a layer needs three of the layer below.
const nix = (mark) => `
let
	make = layer: i: derivation {
		name = "bench-\${toString layer}-\${toString i}"; system = "x86_64-linux"; builder = "/bin/sh";
		args = [ "-c" "echo $below > $out" ]; mark = "${mark}-${unique}";
		below = if layer == 0 then [] else map (k: builtins.elemAt (builtins.elemAt all (layer - 1)) k)
			[ i (let n = i * 7 + 1; in n - n / ${each} * ${each}) (let n = i * 13 + 5; in n - n / ${each} * ${each}) ];
	};
	all = builtins.genList (layer: builtins.genList (make layer) ${each}) ${layers};
in builtins.concatLists all`;

function instantiate(mark)
{
	const file = join(folder, `${mark}.nix`);
	writeFileSync(file, nix(mark));
	const out = execFileSync('nix-instantiate', [file], { env: nix_env, maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'ignore'] });
	return { file, drvs: out.toString().trim().split('\n') };
}

const below = (i) => {
	const layer = Math.floor(i / each), k = i % each;
	return layer === 0 ? [] : [...new Set([k, (k * 7 + 1) % each, (k * 13 + 5) % each])].map((n) => (layer - 1) * each + n);
};

const ours = instantiate('ours');
const theirs = instantiate('theirs');
const builds = ours.drvs.map((drv, i) => ({ drv, name: `bench-${i}`, inputs: below(i).map((n) => ours.drvs[n]) }));
const options = process.env.BENCH_OPTIONS ? JSON.parse(process.env.BENCH_OPTIONS) : {};

const begun = process.hrtime.bigint();
execFileSync('nix-build', ['-j2', '--no-out-link', theirs.file], { env: nix_env, maxBuffer: 1 << 28, stdio: ['ignore', 'ignore', 'ignore'] });
const nix_ms = Number(process.hrtime.bigint() - begun) / 1e6;

const r = await drive({ slots: 2, builds, options }, { limit_ms: 280000 });
const built = Object.values(r.builds).filter((b) => b.state === 'built').length;
if (built !== builds.length || readdirSync(join(r.dir, 'logs')).length !== builds.length)
	throw new Error(`only ${built} of ${builds.length} were built`);
const n = builds.length;
console.log(`builds_${n}_nix_build_j2_ms ${nix_ms.toFixed(0)} ms`);
console.log(`builds_${n}_ekaci_ms ${r.wall_ms} ms`);
console.log(`builds_${n}_ratio ${(r.wall_ms / nix_ms).toFixed(2)} x`);
console.log(`builds_${n}_commits ${r.commits} 1`);
console.log(`builds_${n}_longest_callback_us ${r.longest_us} us`);
rmSync(folder, { recursive: true, force: true });
