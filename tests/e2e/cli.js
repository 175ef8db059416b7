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
		if (!['help', 'version'].includes(command))
			match(out, new RegExp(`^usage: ekaci ${command}\\b`), command);
		if (command !== 'help')
			equal(ekaci('help', command).out, out, command);
		equal(ekaci(command, '-h').out, out, command);
	}
	equal(ekaci('backup', '--config', 'x', '--help').status, 0);
	match(ekaci('help', 'diff').out, /--allowed-uris/);
	match(ekaci('help', 'nonsense').err, /^ekaci: there is no command nonsense\n/);
	equal(fs.readdirSync(dir), []);
});

test('what is wrong stands in the first line, what to read in the second', () => {
	for (const [args, line] of [
		[['diff', '--format', 'yaml'], '--format yaml: there are text, markdown, json and html'],
		[['diff', '--workers', 'x'], '--workers x: not a number from 1'],
		[['diff', '--workers', '0'], '--workers 0: not a number from 1'],
		[['diff', '--sandbox', 'maybe'], '--sandbox maybe: there are require, auto and off'],
		[['diff', '--nonsense'], 'there is no option --nonsense'],
		[['diff', '--build=yes'], 'there is no option --build=yes'],
		[['diff', '--build', '-xy'], 'there is no option -xy'],
		[['diff', '--format'], '--format wants a value'],
		[['diff', 'a', 'b', 'c'], 'one revision too many: c'],
		[['explain'], 'an attribute is missing, or two derivations'],
		[['explain', 'x', '--build'], 'nothing is built to explain it: --build and --check are for ekaci diff'],
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
	]) {
		const { status, out, err } = ekaci(...args);
		equal([status, out], [2, ''], args.join(' '));
		equal(err, `ekaci ${args[0]}: ${line}\nsee ekaci ${args[0]} --help\n`);
	}
	match(ekaci('setup', '--nonsense', '--url', 'https://example.org').err, /'--nonsense'\nsee ekaci setup --help\n$/);
	equal(ekaci('nonsense').err, 'ekaci: there is no command nonsense\nsee ekaci help\n');
	equal(fs.readdirSync(dir), []);
});

test('--version says what VERSION says, which packages and the manual page read', () => {
	const { status, out } = ekaci('--version');
	equal(status, 0);
	equal(out, `ekaci ${fs.readFileSync(path.join(top, 'VERSION'), 'utf8')}`);
	equal(ekaci('version').out, out);
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
