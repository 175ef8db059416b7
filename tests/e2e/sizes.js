// Sizes, metrics and build products of what is there on both sides: `ekaci diff --build`, and the links in a report.

import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { begin, equal, match, nix_config, ok, program, run, test } from './lib.js';
import { finished, report_of } from './scenes.js';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-sizes-'));
const repo = path.join(dir, 'repo');
const env = { NIX_CONFIG: nix_config, ...process.env, XDG_CACHE_HOME: path.join(dir, 'cache'),
	GIT_CONFIG_GLOBAL: '/dev/null', GIT_AUTHOR_NAME: 'demo', GIT_AUTHOR_EMAIL: 'demo@localhost',
	GIT_COMMITTER_NAME: 'demo', GIT_COMMITTER_EMAIL: 'demo@localhost' };
const git = (...args) => execFileSync('git', ['-C', repo, ...args], { encoding: 'utf8', env }).trim();

// Two packages that build with the shell's builtins alone; app keeps lib, so it is in app's closure.
const salt = `${process.pid}-${Date.now()}`;
const expr = (text, lines) => `let
  package = name: script: derivation {
    inherit name;
    system = builtins.currentSystem;
    builder = "/bin/sh";
    salt = "${salt}";
    args = [ "-c" script ];
  };
  lib = package "lib" "echo '${text}' > $out";
in {
  inherit lib;
  app = package "app" ''
    cp=/bin/cp; mkdir=/bin/mkdir
    $mkdir -p $out/nix-support
    echo \${lib} > $out/uses
    echo 'lines ${lines}' > $out/nix-support/hydra-metrics
    echo "file txt $out/uses" > $out/nix-support/hydra-build-products
  '';
}
`;

function commit(text)
{
	fs.writeFileSync(path.join(repo, 'default.nix'), text);
	git('add', '-A');
	git('commit', '-q', '-m', 'change');
	return git('rev-parse', 'HEAD');
}

fs.mkdirSync(repo);
git('init', '-q', '--initial-branch=main');
const base = commit(expr('short', 10));
const head = commit(expr('a longer text that takes more room in the store'.repeat(20), 12));

function diff(...args)
{
	const { status, stdout, stderr } = spawnSync(program, ['diff', '--repo', repo, base, head, '--file', 'default.nix',
		'--build', ...args], { encoding: 'utf8', timeout: 60000, maxBuffer: 1 << 26, env });
	equal(status, 0, stderr);
	return stdout;
}

test('a base that was never built has no size, and nothing is said of it', () => {
	const { query } = JSON.parse(diff('--format', 'json'));
	equal([query.sizes.compared, query.sizes.packages], [0, []]);
});

test('output and closure, metrics and products, base beside head', () => {
	execFileSync('nix-build', ['--no-out-link', '-E', expr('short', 10)], { env, timeout: 60000, stdio: 'ignore' });
	const { query: { sizes } } = JSON.parse(diff('--format', 'json'));
	equal([sizes.compared, sizes.left_out], [2, 0]);
	const [app, lib] = sizes.packages;
	equal([app.path, lib.path], [['app'], ['lib']]);
	match(app.drv, /^\/nix\/store\/[0-9a-z]{32}-app\.drv$/);
	const grown = lib.output[1] - lib.output[0];
	ok(grown > 800 && lib.closure[1] - lib.closure[0] === grown);
	equal(app.output[0], app.output[1]);
	equal(app.closure[1], app.output[1] + lib.output[1]);
	equal(app.metrics, [{ name: 'lines', unit: '', base: 10, head: 12 }]);
	equal(app.products.map(({ type, subtype, name, base: b, head: h }) => [type, subtype, name, b, h]),
		[['file', 'txt', 'uses', app.products[0].head, app.products[0].head]]);
	ok(app.products[0].head > 40); /* a store path and a newline */
});

test('the report says so in words', () => {
	const text = diff();
	match(text, /Other sizes: 2 of 2 compared/);
	match(text, /app: output .*, the same; closure \S+ \S+ → .* \(\+/);
	match(text, /app: lines 10 -> 12 \(\+20\.0 %\)/);
});

// Base is gone from the store; one cache has app, and another one lib, which app needs.
const caches = ['a', 'b', 'whole'].map(name => path.join(dir, `cache-${name}`));
const out_paths = text => JSON.parse(execFileSync('nix-instantiate', ['--eval', '--strict', '--json', '-E',
	`builtins.mapAttrs (n: v: v.outPath) (${text})`], { env, encoding: 'utf8' }));

function diff_with(urls, settings = '')
{
	const { status, stdout, stderr } = spawnSync(program, ['diff', '--repo', repo, base, head, '--file', 'default.nix',
		'--build', '--format', 'json'], { encoding: 'utf8', timeout: 60000, maxBuffer: 1 << 26,
		env: { ...env, PATH: `${dir}/bin:${env.PATH}`, NIX_CONFIG: `${env.NIX_CONFIG}\nsubstituters = ${urls.join(' ')}\n${settings}` } });
	equal(status, 0, stderr);
	return { ...JSON.parse(stdout).query.sizes, stderr };
}

// Every nix that is started, as its words.
const asked = path.join(dir, 'asked');
fs.mkdirSync(path.join(dir, 'bin'));
fs.writeFileSync(path.join(dir, 'bin/nix'), `#!/bin/sh\necho "$*" >> ${asked}\nexec ${execFileSync('sh', ['-c', 'command -v nix'],
	{ encoding: 'utf8' }).trim()} "$@"\n`, { mode: 0o755 });

const in_store = file => spawnSync('nix-store', ['--check-validity', file], { env }).status === 0;

test('what is only in caches is measured there, and nothing of it is fetched', () => {
	const here = diff_with([]);
	equal(here.compared, 2);
	const { app, lib } = out_paths(expr('short', 10));
	for (const cache of caches)
		execFileSync('nix', ['--extra-experimental-features', 'nix-command', 'copy', '--to', `file://${cache}`, app],
			{ env, stdio: 'ignore' });
	const narinfo = file => `${path.basename(file).slice(0, 32)}.narinfo`;
	fs.rmSync(path.join(caches[0], narinfo(lib)));
	fs.rmSync(path.join(caches[1], narinfo(app)));
	execFileSync('nix-store', ['--delete', app, lib], { env, stdio: 'ignore' });

	equal(diff_with([]).compared, 0);
	equal(diff_with([`file://${caches[2]}`], 'substitute = false\n').compared, 0);
	const sizes = ({ packages }) => packages.map(p => [p.path[0], p.output, p.closure]);
	fs.rmSync(asked);
	equal(sizes(diff_with([`file://${caches[2]}`])), sizes(here));
	/* Older Nix does not know --json-format, which newer asks for. */
	const lines = [...new Set(fs.readFileSync(asked, 'utf8').split('\n').filter(l => l.includes(' path-info '))
		.map(l => l.replace(' --json-format 1', '')))];
	equal(lines.filter(l => l.includes('--store')).length, 2, 'the cache is asked once for what it has, once for closures');
	equal(lines.length, 4, lines);
	equal(sizes(diff_with(caches.slice(0, 2).map(c => `file://${c}`))), sizes(here));

	// Half of it: what app needs is nowhere, so its closure is not known, and its output is of the same size.
	const half = diff_with([`file://${caches[0]}`]);
	equal([half.compared, half.packages], [1, []]);
	// Metrics and products are in the files themselves.
	ok(here.packages[0].metrics.length > 0);
	ok(diff_with([`file://${caches[2]}`]).packages.every(p => p.metrics.length + p.products.length === 0));
	// A cache that is broken is told, and the other one asked.
	fs.writeFileSync(path.join(caches[1], narinfo(lib)), 'nothing');
	fs.writeFileSync(path.join(caches[1], 'nix-cache-info'), 'StoreDir: /elsewhere\n');
	const broken = diff_with([`file://${caches[1]}`, `file://${caches[2]}`]);
	equal(sizes(broken), sizes(here));
	match(broken.stderr, /the cache file:\S+cache-b gives no answer, so sizes of what only it has are not compared/);
	ok(!/ended with/.test(broken.stderr), broken.stderr);
	ok(!in_store(app) && !in_store(lib), 'base was not fetched');
});

let scene;
test('a product in a report at GitHub links to the page of what built it', async () => {
	execFileSync('nix-build', ['--no-out-link', '-E', expr('short', 10)], { env, timeout: 60000, stdio: 'ignore' });
	git('branch', 'grown');
	git('reset', '-q', '--hard', base);
	scene = await begin({ from: repo });
	const { pull } = await scene.open('grown');
	const { rebuilds } = await finished(scene, pull.head.sha, { limit_ms: 30000 });
	const { query: { sizes } } = await report_of(scene, rebuilds);
	const app = sizes.packages.find(p => p.path[0] === 'app');
	const page = new URL(app.page_url);
	equal(page.pathname, app.drv.replace('/nix/store/', '/drv/').replace(/\.drv$/, ''));
	ok(rebuilds.output.text.includes(`](${app.page_url})`) || rebuilds.output.summary.includes(`](${app.page_url})`));
	const { status, text } = await scene.bot.get(page.pathname + page.search);
	equal(status, 200);
	match(text, /app/);
	// What was measured is kept with its run, for the history of the derivation.
	const { measures } = JSON.parse((await scene.bot.get(`${page.pathname}.json${page.search}`)).text);
	equal(measures.find(m => m.what === 'output').points.map(p => [p.number, p.base, p.head]), [[pull.number, ...app.output]]);
	equal(measures.filter(m => m.what.startsWith('metric ')).map(m => [m.what.slice(7), m.unit]), app.metrics.map(m => [m.name, m.unit]));
});

await run({ limit_ms: 90000, before_end: async () => {
	if (scene)
		await scene.end();
	fs.rmSync(dir, { recursive: true, force: true });
} });
