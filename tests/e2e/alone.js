// What is rebuilt only because of one part of a change: held against the same change with that part taken out, evaluated anew.

import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { equal, match, nix_config, ok, program, run, test } from './lib.js';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-alone-'));
const env = { PATH: process.env.PATH, HOME: dir, NIX_CONFIG: nix_config, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null',
	GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@example.org', GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@example.org' };
const git = (...args) => execFileSync('git', ['-C', dir, ...args], { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
const write = files => Object.entries(files).forEach(([name, text]) => {
	fs.mkdirSync(path.dirname(path.join(dir, name)), { recursive: true });
	fs.writeFileSync(path.join(dir, name), text);
});
function commit(message, files)
{
	write(files);
	git('add', '-A');
	git('commit', '-q', '-m', message);
	return git('rev-parse', 'HEAD');
}

// core and lib in folders of their own; 60 packages need core, every tenth lib, too; 13 are made in a loop, from one file.
const top = `let
  mk = { name, version, deps, file, patch ? null }: derivation { inherit name version deps patch; system = "x86_64-linux"; builder = "/bin/sh"; }
    // { inherit version; meta.position = toString file + ":1"; };
  list = n: f: builtins.listToAttrs (builtins.genList f n);
  self = { core = import ./core mk; lib = import ./lib mk; }
    // list 60 (i: rec { name = "app" + toString i; value = mk { inherit name; version = "1"; file = ./default.nix;
      deps = [ self.core ] ++ (if i - i / 10 * 10 == 0 then [ self.lib ] else []); }; })
    // list 13 (i: rec { name = "font" + toString i; value = mk { inherit name; version = import ./fonts/version.nix; file = ./fonts/all.nix; deps = []; }; });
in self\n`;
const one = (name, version) => `mk: mk { name = "${name}"; version = "${version}"; deps = []; file = ./default.nix; patch = ./fix.patch; }\n`;
git('init', '-q', '-b', 'main', dir);
fs.writeFileSync(path.join(dir, '.git/info/exclude'), '/.cache\n');
commit('start', { 'default.nix': top, 'core/default.nix': one('core', 1), 'core/fix.patch': '1', 'lib/default.nix': one('lib', 1), 'lib/fix.patch': '1',
	'fonts/all.nix': '\n', 'fonts/version.nix': '"1"\n' });
git('checkout', '-q', '-b', 'change');
const parts = {
	core: commit('core: 1 -> 2', { 'core/default.nix': one('core', 2) }),
	lib: commit('lib: another patch', { 'lib/fix.patch': '2' }),
	font0: commit('fonts: 1 -> 2', { 'fonts/version.nix': '"2"\n' }),
};

function diff(format, ...revisions)
{
	const { status, stdout, stderr } = spawnSync(program, ['diff', ...revisions, '--format', format], { cwd: dir, env, encoding: 'utf8' });
	equal(status, 0, stderr);
	return format === 'json' ? JSON.parse(stdout) : stdout;
}
const rebuilds = report => report.attributes.filter(a => a.class === 'rebuild' && a.alias_of === null).map(a => a.path.join('.'));

test('for each part: what its change alone rebuilds is what is left over when it is taken out', () => {
	const whole = diff('json', 'main', 'change');
	equal(rebuilds(whole).length, 75);
	for (const [name, id] of Object.entries(parts)) {
		git('checkout', '-q', '-b', `without-${name}`, 'change');
		git('revert', '--no-edit', id);
		const left = new Set(rebuilds(diff('json', 'main', `without-${name}`)));
		const root = whole.roots.find(r => r.name.startsWith(name));
		const own = whole.roots.filter(r => r.source === root.source).flatMap(r => r.attributes.map(p => p.join('.')));
		const gone = rebuilds(whole).filter(p => !left.has(p) && !own.includes(p));
		equal(root.alone.attributes, gone.length, name);
		ok(own.every(p => !left.has(p)), name);
	}
	equal(whole.roots.filter(r => r.name.startsWith('font')).length, 13);
	equal(new Set(whole.roots.filter(r => r.name.startsWith('font')).map(r => r.source)).size, 1);
});

test('the report says it, with the commit that each part comes from; a patch beside a package counts as the package', () => {
	const text = diff('markdown', 'main', 'change'), short = id => id.slice(0, 8);
	ok(text.includes(`**73 %** of 75 rebuilds come only from \`core\` (commit \`${short(parts.core)}\`); without it 20 would be left.`), text);
	ok(text.includes(`| \`core\` | version 1 -> 2 (commit \`${short(parts.core)}\`) | 60 | 54 |`), text);
	match(text, new RegExp(`\\| \`lib\` \\| [^|]*\\(commit \`${short(parts.lib)}\`\\) \\| 6 \\| 0 \\|`));
	match(text, /\| `font0`, `font1`, `font10`, `font11` and 9 more names \| version 1 -> 2 \|/);
	match(diff('text', 'main', 'change'), /core: version 1 -> 2 \(commit [0-9a-f]{8}\); also rebuilds 60, 54 of them alone/);
});

diff('json', 'main', 'change');
const can = fs.readdirSync(path.join(dir, '.cache/ekaci/evals')).some(f => f.endsWith('.reads.zst'));
test('commits that touch nothing of what is evaluated are named: without them the same is rebuilt', () => {
	git('checkout', '-q', '-b', 'more', 'change');
	const idle = [commit('doc: <b>more</b> words', { 'doc/manual.md': '1' }), commit('lib: notes', { 'lib/notes.txt': '1', 'doc/manual.md': '2' })];
	const busy = commit('lib: a patch that is the same in the end', { 'lib/fix.patch': '3', 'doc/manual.md': '3' });
	const report = diff('json', 'main', 'more'), text = diff('markdown', 'main', 'more'), short = id => id.slice(0, 8);
	equal(report.evaluations.find(e => e.side === 'head').idle, idle);
	ok(text.includes(`\n2 of 6 commits touch nothing of what was evaluated, so they rebuild nothing: \`${short(idle[0])}\` doc: &#60;b>more&#60;/b> words, \`${short(idle[1])}\` lib: notes.\n`), text);
	match(diff('html', 'main', 'more'), new RegExp(`<code>${short(idle[0])}</code> doc: &lt;b&gt;more&lt;/b&gt; words, <code>${short(idle[1])}</code> lib: notes\\.</p>`));
	ok(!text.includes(`${short(busy)}\` lib: a patch`), text);
	git('checkout', '-q', '-b', 'without-them', 'change');
	commit('only', { 'lib/fix.patch': '3', 'doc/manual.md': '3' });
	equal(rebuilds(diff('json', 'main', 'HEAD')), rebuilds(report));
	git('checkout', '-q', 'more');
	ok(!/touch nothing/.test(diff('markdown', busy, commit('doc: alone', { 'doc/manual.md': '4' }))));
}, { skip: !can && 'what is read cannot be noted here (no /dev/fuse, no namespaces or no sandbox)' });

test('what is no attribute is of the package that alone needs it: its file, its commit', () => {
	const needs = (name, text, file) => `derivation { name = "${name}"; system = "x86_64-linux"; builder = "/bin/sh"; ${text} } // { meta.position = "\${toString ${file}}:1"; }`;
	git('checkout', '-q', '--orphan', 'sources');
	commit('start', { 'default.nix': `let src = n: rev: derivation { name = "\${n}-src"; system = "x86_64-linux"; builder = "/bin/sh"; inherit rev; };
		shared = src "shared" (import ./shared.nix); in {
		tool = ${needs('tool', 'src = src "tool" (import ./tool/rev.nix); inherit shared;', './tool/default.nix')};
		other = ${needs('other', 'inherit shared;', './other/default.nix')}; }\n`, 'tool/default.nix': '\n', 'tool/rev.nix': '"1"\n', 'shared.nix': '"1"\n' });
	const start = git('rev-parse', 'HEAD'), own = commit('tool: another source', { 'tool/rev.nix': '"2"\n' });
	commit('what both need', { 'shared.nix': '"2"\n', 'tool/notes.txt': '' });
	const report = diff('json', start, 'sources'), [shared, tool] = ['shared-src', 'tool-src'].map(name => report.roots.find(r => r.name === name));
	equal([tool.used_by, tool.position.replace(/^.*\/(?=tool)/, ''), shared.position], [['tool'], 'tool/default.nix:1', null]);
	equal(rebuilds(report), ['other', 'tool']);
	ok(diff('markdown', start, own).includes('| `tool-src` (in `tool`) |'));
	match(diff('markdown', start, 'sources'), new RegExp(`\\| \`tool-src\` \\(in \`tool\`\\) \\| [^|]*\\(commits \`${own.slice(0, 8)}, `));
});

test('one commit, or one cause: nothing more is said than before', () => {
	const text = diff('markdown', 'main', parts.core);
	ok(!/commit `|Only because/.test(text), text);
	match(text, /\| `core` \| version 1 -> 2 \| 60 \|/);
});

await run({ limit_ms: 120000, before_end: async () => fs.rmSync(dir, { recursive: true, force: true }) });
