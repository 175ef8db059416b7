// `ekaci setup`: from nothing to an App that works, as an operator's browser does it; and what it refuses.

import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { app_jwt, equal, GitHub, match, ok, program, run, test } from './lib.js';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-setup-'));
const dir = path.join(folder, 'etc');
const unescape = s => s.replace(/&quot;/g, '"').replace(/&#(\d+);/g, (_, n) => String.fromCharCode(n)).replace(/&lt;/g, '<')
	.replace(/&gt;/g, '>').replace(/&amp;/g, '&');

// Starts it and resolves to { child, page: its address, ended }.
async function start(github, more = [])
{
	const child = spawn(program, ['setup', '--url', 'https://ci.example.org/', '--dir', dir, '--github', github.url, '--api',
		github.url, '--port', '0', ...more], { stdio: ['ignore', 'pipe', 'pipe'] });
	const out = { text: '' };
	child.stdout.on('data', d => { out.text += d; });
	child.stderr.on('data', d => { out.text += d; });
	const ended = new Promise(resolve => child.once('exit', resolve));
	for (const end = Date.now() + 10000; !/Open (http\S+)/.test(out.text); await new Promise(r => setTimeout(r, 20)))
		ok(Date.now() < end, out.text);
	return { child, ended, out, page: out.text.match(/Open (http\S+)/)[1] };
}

const form_of = async page => {
	const text = await (await fetch(page)).text();
	return { action: unescape(text.match(/action="([^"]*)"/)[1]),
		manifest: unescape(text.match(/name=manifest value="([^"]*)"/)[1]) };
};

test('the form leads to GitHub and back; key, secret and ekaci.toml are written, and nothing else', async () => {
	const github = await GitHub.start();
	const { page, ended, out } = await start(github, ['--organization', 'org']);
	const { action, manifest } = await form_of(page);
	match(action, /\/organizations\/org\/settings\/apps\/new\?state=[0-9a-f]{32}$/);
	const asked = JSON.parse(manifest);
	equal([asked.hook_attributes.url, asked.name, asked.public], ['https://ci.example.org/webhook', 'ekaci ci.example.org', false]);
	ok(asked.default_events.includes('merge_group') && asked.default_permissions.checks === 'write');

	// Somebody else's code, or none.
	for (const query of ['', '?code=abc', '?code=abc&state=0', '?code=a/b&state=x'])
		equal((await fetch(`${page}done${query}`)).status, 400);
	const { headers, status } = await fetch(action, { method: 'POST', redirect: 'manual', body: new URLSearchParams({ manifest }) });
	equal(status, 302);
	const back = await fetch(headers.get('location'));
	equal(back.status, 200);
	match(await back.text(), /Install it on your/);
	equal(await ended, 0, out.text);
	match(out.text, /Install it on your repositories: http\S+\/installations\/new/);

	equal(fs.readdirSync(dir).sort(), ['ekaci.toml', 'private-key.pem', 'webhook-secret']);
	equal(['private-key.pem', 'webhook-secret'].map(f => fs.statSync(path.join(dir, f)).mode & 0o777), [0o600, 0o600]);
	const checked = spawnSync(program, ['check-config', path.join(dir, 'ekaci.toml')], { encoding: 'utf8' });
	equal(checked.status, 0, checked.stderr);
	const toml = fs.readFileSync(path.join(dir, 'ekaci.toml'), 'utf8');
	match(toml, /^url = "https:\/\/ci\.example\.org"$/m);
	const id = toml.match(/^app_id = "(\d+)"$/m)[1];
	const pem = fs.readFileSync(path.join(dir, 'private-key.pem'), 'utf8');
	equal(String((await github.api('GET', '/app', { token: app_jwt(id, pem) })).body.id), id, 'the key is the App\'s');
	ok(!out.text.includes(fs.readFileSync(path.join(dir, 'webhook-secret'), 'utf8')), 'no secret is printed');
	equal(await github.ask('violations'), []);
	await github.stop();
});

test('--no-browser: the address is the form itself, and what GitHub led to is pasted', async () => {
	const github = await GitHub.start(), there = path.join(folder, 'ssh');
	const child = spawn(program, ['setup', '--url', 'https://ci.example.org', '--dir', there, '--github', github.url, '--api', github.url,
		'--no-browser', '--proxy', 'http://127.0.0.1:1'], { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env } });
	const out = { text: '' };
	child.stdout.on('data', d => { out.text += d; });
	child.stderr.on('data', d => { out.text += d; });
	const ended = new Promise(resolve => child.once('exit', resolve));
	const until = async good => {
		for (const end = Date.now() + 10000; !good.test(out.text); await new Promise(r => setTimeout(r, 20)))
			ok(Date.now() < end, out.text);
	};
	await until(/Paste that address here/);
	const page = Buffer.from(out.text.match(/^data:text\/html;base64,(\S+)$/m)[1], 'base64').toString();
	const action = unescape(page.match(/action="([^"]*)"/)[1]), manifest = unescape(page.match(/name=manifest value="([^"]*)"/)[1]);
	const led = async () => (await fetch(action, { method: 'POST', redirect: 'manual', body: new URLSearchParams({ manifest }) }))
		.headers.get('location');
	match(await led(), /^http:\/\/127\.0\.0\.1:3031\/done\?code=\S+&state=[0-9a-f]{32}$/);
	for (const [paste, why] of [['http://127.0.0.1:3031/done?code=abc&state=0', /that address is not of this form/],
		['a code with blanks', /there is no code in that/], [await led(), /127\.0\.0\.1.*\n   Once more/]]) {
		out.text = '';
		child.stdin.write(`${paste}\n`);
		await until(why);
	}
	ok(!fs.existsSync(path.join(there, 'ekaci.toml')));
	child.stdin.end();
	equal(await ended, 2, 'the proxy that it was told is not there');

	const good = spawn(program, ['setup', '--url', 'https://ci.example.org', '--dir', there, '--github', github.url, '--api', github.url,
		'--no-browser'], { stdio: ['pipe', 'pipe', 'pipe'] });
	out.text = '';
	good.stdout.on('data', d => { out.text += d; });
	const done = new Promise(resolve => good.once('exit', resolve));
	await until(/Paste that address here/);
	const { code } = await github.do('manifest', { manifest: JSON.parse(manifest) });
	good.stdin.write(`${code}\n`);
	equal(await done, 0, out.text);
	match(out.text, /The App is made; \S+\/ssh\/ekaci\.toml is written/);
	equal(fs.readdirSync(there).sort(), ['ekaci.toml', 'private-key.pem', 'webhook-secret']);
	equal(await github.ask('violations'), []);
	await github.stop();
});

test('what is there is never overwritten, and a code that GitHub refuses writes nothing', async () => {
	const again = spawnSync(program, ['setup', '--url', 'https://ci.example.org', '--dir', dir], { encoding: 'utf8' });
	equal(again.status, 2);
	match(again.stderr, /ekaci\.toml is there already/);
	for (const bad of [['--url', 'ci.example.org'], ['--url', 'https://x', '--dir', 'etc'], ['--url', 'https://x"y', '--dir', '/x'], []])
		ok([1, 2].includes(spawnSync(program, ['setup', ...bad], { encoding: 'utf8', timeout: 5000 }).status), String(bad));
	fs.rmSync(dir, { recursive: true });
	const github = await GitHub.start();
	const { page, child, out } = await start(github);
	const { action } = await form_of(page);
	const state = new URL(action).searchParams.get('state');
	const refused = await fetch(`${page}done?code=never-given&state=${state}`);
	equal(refused.status, 400);
	match(await refused.text(), /GitHub answered 404/);
	equal(fs.readdirSync(dir), []);
	child.kill();
	ok(!/written/.test(out.text));
	await github.stop();
});

await run({ limit_ms: 30000, before_end: async () => fs.rmSync(folder, { recursive: true, force: true }) });
