// The command line itself: every command has a help that writes nothing, and mistakes are said in one line.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { equal, match, ok, program, run, test, top } from './lib.js';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-cli-'));
const env = { PATH: process.env.PATH, HOME: dir };
function ekaci(...args)
{
	const { status, stdout, stderr } = spawnSync(program, args, { cwd: dir, env, encoding: 'utf8', input: '', timeout: 20000 });
	return { status, out: stdout, err: stderr };
}
const wide = text => text.split('\n').filter(line => line.length > 80);
const commands = [...ekaci('help').out.matchAll(/^ {2}ekaci ([a-z-]+)/gm)].map(m => m[1]);

test('the list of commands is on standard output, below 80 columns', () => {
	ok(commands.length > 12);
	for (const args of [['help'], ['--help'], ['-h'], []]) {
		const { status, out, err } = ekaci(...args);
		equal([status, err, wide(out)], [0, '', []]);
		match(out, /^ {2}ekaci diff /m);
	}
});

test('COMMAND --help and help COMMAND are the same for every command, on standard output, and write no file', () => {
	for (const command of commands) {
		const { status, out, err } = ekaci(command, '--help');
		equal([status, err, wide(out)], [0, '', []], command);
		match(out, new RegExp(`^usage: ekaci ${command}\\b`), command);
		match(out, new RegExp(`\\nFor example:\\n  .*ekaci ${command}\\b`), command);
		match(out, /\nExit code: 0 [^]*2 it[^]*130\sit\swas\sinterrupted\.\n$/, command);
		equal(ekaci('help', command).out, out, command);
		equal(ekaci(command, '-h').out, out, command);
	}
	equal(ekaci('backup', '--config', 'x', '--help').status, 0);
	match(ekaci('help', 'diff').out, /--allowed-uris/);
	equal(ekaci('help', '--names').out.trim().split('\n'), commands);
	match(ekaci('help', 'nonsense').err, /^ekaci: there is no command nonsense\n/);
	equal(ekaci('eval-jobs', '--argstr', 'x', '--help').err, 'ekaci eval-jobs: a file, an expression or a flake is missing\nsee ekaci eval-jobs --help\n');
	equal(fs.readdirSync(dir), []);
});

test('what is wrong stands in the first line, what to read in the second', () => {
	for (const [args, line] of [
		[['diff', '--format', 'yaml'], '--format yaml: there are text, markdown, json and html'],
		[['diff', '--workers', 'x'], '--workers x: not a number from 1'],
		[['diff', '--workers', '0'], '--workers 0: not a number from 1'],
		[['diff', '--sandbox', 'maybe'], '--sandbox maybe: there are require, auto and off'],
		[['diff', '--nonsense'], 'there is no option --nonsense'],
		[['diff', '--build=yes'], '--build=yes: --build takes no value'],
		[['diff', '--build', '-xy'], 'there is no option -xy'],
		[['diff', '--format'], '--format wants a value'],
		[['diff', 'a', 'b', 'c'], 'one revision too many: c'],
		[['explain'], 'an attribute is missing, or two derivations'],
		[['explain', 'x', '--build'], '--build is for ekaci diff'],
		[['serve', '--nonsense'], 'there is no option --nonsense'],
		[['serve', '--config'], '--config wants a value'],
		[['backup', '--nonsense'], 'there is no option --nonsense'],
		[['backup', '--config'], '--config wants a value'],
		[['status', '--nonsense'], 'there is no option --nonsense'],
		[['status', '--why'], '--why wants a value'],
		[['graph', '--nonsense'], 'there is no option --nonsense'],
		[['run', '--nonsense', '1'], 'there is no option --nonsense'],
		[['check-config', '--nonsense'], 'there is no option --nonsense'],
		[['worker', '--nonsense'], 'there is no option --nonsense'],
		[['setup'], '--url is missing'],
		[['setup', '--nonsense', '--url', 'https://example.org'], 'there is no option --nonsense'],
		[['setup', '--port', 'x', '--url', 'https://example.org'], '--port x: not a port\'s number'],
		[['diff', '--biuld'], 'there is no option --biuld; did you mean --build?'],
		[['diff', '--form=json'], 'there is no option --form=json; did you mean --format?'],
		[['diff', '--format', 'markdwon'], '--format markdwon: there are text, markdown, json and html; did you mean markdown?'],
		[['status', '--cofnig', 'x'], 'there is no option --cofnig; did you mean --config?'],
		[['eval-jobs', '--flak', 'x'], 'there is no option --flak; did you mean --flake?'],
		[['eval-jobs', '--arg', 'x'], '--arg wants NAME EXPR'],
		[['completion'], 'which shell? There are bash, zsh and fish'],
		[['completion', 'csh'], 'which shell? There are bash, zsh and fish'],
	]) {
		const { status, out, err } = ekaci(...args);
		equal([status, out], [2, ''], args.join(' '));
		equal(err, `ekaci ${args[0]}: ${line}\nsee ekaci ${args[0]} --help\n`);
	}
	for (const [word, near] of [['nonsense', ''], ['dif', 'diff'], ['dfif', 'diff'], ['expalin', 'explain'], ['stat', 'status'], ['--build', '']])
		equal(ekaci(word).err, `ekaci: there is no command ${word}${near && `; did you mean ${near}?`}\nsee ekaci help\n`);
	equal(fs.readdirSync(dir), []);
});

test('--version says what VERSION says, which packages and the manual page read', () => {
	const { status, out } = ekaci('--version');
	equal(status, 0);
	equal(out, `ekaci ${fs.readFileSync(path.join(top, 'VERSION'), 'utf8')}`);
	equal(ekaci('version').out, out);
	equal(JSON.parse(ekaci('version', '--json').out), { version: out.trim().split(' ')[1] });
});

const lacks = tool => spawnSync('sh', ['-c', `command -v ${tool}`]).status === 0 ? '' : ` # SKIP ${tool} is not here (deploy/dependencies.sh check installs it)`;

test(`a manual page for each command and one for all, in which mandoc finds nothing${lacks('mandoc')}`, () => {
	if (lacks('mandoc'))
		return;
	for (const command of ['', ...commands]) {
		const { status, out, err } = ekaci('help', '--man', ...(command ? [command] : []));
		equal([status, err], [0, '']);
		const file = path.join(dir, 'page.1');
		fs.writeFileSync(file, out);
		const { stdout } = spawnSync('mandoc', ['-T', 'lint', '-W', 'style', file], { encoding: 'utf8' });
		// Which other pages are installed is the machine's business.
		equal(stdout.split('\n').filter(line => line && !line.includes('referenced manual not found')), [], command);
		const text = spawnSync('sh', ['-c', `mandoc -T ascii ${file} | col -b`], { encoding: 'utf8' }).stdout;
		for (const option of (ekaci('help', command || 'help').out.match(/^ {2}--[a-z-]+/gm) || []))
			ok(!command || text.includes(option.trim()), `${option} of ${command}`);
		fs.rmSync(file);
	}
	for (const command of commands)
		match(ekaci('help', '--man').out, new RegExp(`^\\.It Xr ekaci-${command} 1$`, 'm'));
});

const words = text => text.split(/\s+/).filter(Boolean).sort();
test(`bash completes commands, options, their values and revisions${lacks('bash')}`, () => {
	if (lacks('bash'))
		return;
	const repo = path.join(dir, 'repo');
	spawnSync('sh', ['-c', `git init -q -b trunk ${repo} && cd ${repo} && git -c user.name=t -c user.email=t@example.org commit -q --allow-empty -m 1 && git branch topic`], { env });
	const completes = (...line) => {
		const script = `source <("$E" completion bash); COMP_WORDS=(ekaci "$@"); COMP_CWORD=$#; _ekaci; printf '%s\n' "\${COMPREPLY[@]}"`;
		const { stdout, stderr } = spawnSync('bash', ['--norc', '-uc', script, 'bash', ...line], { cwd: repo, env: { ...env, E: program }, encoding: 'utf8' });
		equal(stderr, '');
		return words(stdout);
	};
	equal(completes('di'), ['diff']);
	equal(completes(''), [...commands, '--help', '--version'].sort());
	equal(completes('diff', '--for'), ['--format']);
	equal(completes('diff', '--format', ''), ['html', 'json', 'markdown', 'text']);
	equal(completes('diff', 't'), ['topic', 'trunk']);
	equal(completes('diff', '--file', '.g'), ['.git']);
	equal(completes('help', 'expl'), ['explain']);
	equal(completes('completion', ''), ['bash', 'fish', 'zsh']);
	equal(completes('nonsense', ''), []);
	// What others call their branches and files is a word, and never run.
	const hostile = '$(>run)`>run`"x';
	spawnSync('git', ['-C', repo, 'branch', hostile], { env });
	fs.writeFileSync(path.join(repo, '$(>run) $(>run)'), '');
	equal(completes('diff', '$'), [hostile]);
	equal(completes('diff', '--onto', '$'), [hostile]);
	equal(completes('diff', '--file', '$'), ['$(>run)', '$(>run)'].sort());
	equal(fs.existsSync(path.join(repo, 'run')), false);
});

test(`fish completes commands, options, their values and revisions${lacks('fish')}`, () => {
	if (lacks('fish'))
		return;
	const completes = line => {
		const { stdout, stderr } = spawnSync('fish', ['--no-config', '-c', '$E completion fish | source; complete -C $L', ],
			{ cwd: path.join(dir, 'repo'), env: { ...env, E: program, L: line }, encoding: 'utf8' });
		equal(stderr, '');
		return stdout.split('\n').filter(Boolean).map(row => row.split('\t')[0]).sort();
	};
	equal(completes('ekaci expl'), ['explain']);
	equal(completes('ekaci ').filter(word => /^[a-z]/.test(word)), [...commands].sort());
	equal(completes('ekaci diff --form'), ['--format']);
	equal(completes('ekaci diff --format '), ['html', 'json', 'markdown', 'text']);
	equal(completes('ekaci diff to'), ['topic']);
	equal(completes('ekaci completion z'), ['zsh']);
});

test(`zsh completes commands, options, their values and revisions${lacks('zsh')}`, () => {
	if (lacks('zsh'))
		return;
	// A zsh on a terminal of its own, to which a tab is typed; what it lists comes back.
	fs.writeFileSync(path.join(dir, 'type.zsh'), String.raw`zmodload zsh/zpty; zpty z zsh -f -i
zpty -w z 'PS1=""; unsetopt PROMPT_SP; bindkey -e; autoload -U compinit; compinit -u -D; source <($E completion zsh); print REA""DY'
zpty -r z text '*READY*'
for line in "$@"; do zpty -w -n z "$line"$'\t\x01print -r -- \'\x05\' EN""DED\n'; zpty -r z text '*ENDED*'; print -r -- "$text"; done`);
	const { stdout, stderr } = spawnSync('zsh', ['-f', path.join(dir, 'type.zsh'), 'ekaci expl', 'ekaci diff --forma', 'ekaci diff --format ht', 'ekaci diff top', 'ekaci completion fi'],
		{ cwd: path.join(dir, 'repo'), env: { ...env, E: program, TERM: 'dumb' }, encoding: 'utf8', timeout: 30000 });
	fs.rmSync(path.join(dir, 'type.zsh'));
	for (const line of ['ekaci explain', 'ekaci diff --format', 'ekaci diff --format html', 'ekaci diff topic', 'ekaci completion fish'])
		match(stdout, new RegExp(`^${line} ENDED`, 'm'), `${line}: ${stdout}${stderr}`);
	fs.rmSync(path.join(dir, 'repo'), { recursive: true });
});

test('the page about .ekaci/config.json has every key that is read, and its example is without a mistake', () => {
	const page = fs.readFileSync(path.join(top, 'deploy/config.json.md'), 'utf8');
	const [, example] = page.match(/```json\n([^]*?)```/);
	fs.writeFileSync(path.join(dir, 'config.json'), example);
	const { status, out, err } = ekaci('check-config', 'config.json');
	equal([status, out, err], [0, 'config.json: ok\n', '']);
	const code = fs.readFileSync(path.join(top, 'src/changeset/rules.c'), 'utf8');
	const keys = [...code.matchAll(/const (?:known|of_summary|of_impact)\[\] = \{([^}]*), NULL\}/g)].flatMap(m => m[1].match(/\w+/g));
	ok(keys.length >= 18, keys.join(' '));
	for (const key of keys) {
		ok(example.includes(`"${key}":`), `${key} in the example`);
		match(page, new RegExp(`^(\\| |## .*)\`(\\w+\\.)?${key}\``, 'm'), key);
	}
	const kinds = fs.readFileSync(path.join(top, 'src/changeset/rules.c'), 'utf8').match(/(?<=\[RULE_\w+\] = ")[^"]+/g);
	equal(kinds.length, 4);
	for (const kind of kinds)
		match(page, new RegExp(`^\\| \`${kind}\` \\| `, 'm'), kind);
	fs.rmSync(path.join(dir, 'config.json'));
});

test('what is not UTF-8 is refused in words: an argument, a repository\'s path', () => {
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-bytes-'));
	// Node has no arguments that are not UTF-8, a shell has.
	const sh = (script) => spawnSync('sh', ['-c', script], { cwd: dir, encoding: 'latin1', timeout: 30000, env: { ...process.env, E: program } });
	const argument = sh(`"$E" diff --file "$(printf 'x\\377.nix')" main HEAD`);
	match(argument.stderr, /^ekaci: an argument is not UTF-8/);
	equal(argument.status, 2);
	const repository = sh(`d="$(printf 'x\\377')" && git init -q "$d" && cd "$d" && git -c user.name=t -c user.email=t@example.org commit -q --allow-empty -m 1 && "$E" diff HEAD HEAD`);
	match(repository.stderr, /^ekaci: the folder's path is not UTF-8/);
	equal(repository.status, 2);
	fs.rmSync(dir, { recursive: true, force: true });
});

await run({ limit_ms: 60000, before_end: async () => fs.rmSync(dir, { recursive: true, force: true }) });
