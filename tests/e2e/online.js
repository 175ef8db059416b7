// `ekaci check-config --online`, a webhook's ping and /readyz: each thing that can be wrong at GitHub is said, with what mends it.

import { spawn } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { equal, GitHub, match, ok, program, run } from './lib.js';
import { eventually, scene_test } from './scenes.js';

const URL_OF_BOT = 'https://ci.example.org';

// Resolves to { code, wrong: [...], notes: [...], out }.
function check(scene, file = scene.bot.config_file)
{
	const child = spawn(program, ['check-config', '--online', file], { cwd: scene.dir, stdio: ['ignore', 'pipe', 'pipe'],
		env: { ...process.env, NIX_CONFIG: 'build-users-group =\nsandbox = true\nsubstituters =\n' } });
	let out = '', said = '';
	child.stdout.setEncoding('utf8').on('data', d => { out += d; });
	child.stderr.setEncoding('utf8').on('data', d => { said += d; });
	const lines = kind => said.split('\n').filter(l => l.startsWith(kind)).map(l => l.slice(kind.length));
	return new Promise(resolve => child.once('close', code => resolve({ code, out, said, wrong: lines('wrong: '),
		notes: lines('warning: ').filter(line => !line.startsWith('sandbox = false')) })));
}

// A scene without a bot, where nothing is wrong: the App is installed, its webhook points to the bot, and something arrived.
const online_test = (name, body) => scene_test(name, { start: false, config: { web: { url: URL_OF_BOT } } }, async scene => {
	await scene.github.do('hook', { url: `${URL_OF_BOT}/webhook`, secret: scene.secret });
	await body(scene);
});

// Deliveries go to a URL that answers so, and the App's webhook says what it said.
async function answered(scene, status)
{
	const stand_in = await GitHub.start(); // answers anything it does not know
	await stand_in.do('fault', { route: '^/hook$', status, times: -1 });
	await scene.github.do('hook', { url: `${stand_in.url}/hook` });
	await scene.github.do('ping');
	await scene.github.do('hook', { url: `${URL_OF_BOT}/webhook` });
	await stand_in.stop();
}

const only = async (scene, pattern) => {
	const { code, wrong, said } = await check(scene);
	equal([code, wrong.length], [1, 1], said);
	match(wrong[0], pattern);
};

online_test('where all is well it says so, with 0', async scene => {
	await answered(scene, 202);
	const { code, wrong, notes, out, said } = await check(scene);
	equal([code, wrong, notes], [0, [], []], said);
	match(out, /^GitHub: the App is ekaci-test \(\d+\)$/m);
	match(out, /^GitHub: key, permissions, events, webhook and installations are as they should be$/m);
	ok((await scene.github.ask('requests')).every(r => r.method === 'GET'), 'it only asks');
	// A credential that only the service is given: beside the settings, where `ekaci setup` wrote it.
	scene.configure({ github: { private_key_file: '$app' } });
	equal((await check(scene)).code, 0);
});

online_test('the App id, the key and the clock are told apart', async scene => {
	await answered(scene, 202);
	scene.configure({ github: { app_id: '4711' } });
	await only(scene, /GitHub knows no App "4711" \(404 Integration not found\): \[github\] app_id must be the client ID/);
	scene.configure({ github: { app_id: String(scene.app.id) } });
	const key = path.join(scene.dir, 'app.pem'), was = fs.readFileSync(key);
	fs.writeFileSync(key, crypto.generateKeyPairSync('rsa', { modulusLength: 2048, publicKeyEncoding: { type: 'spki', format: 'pem' },
		privateKeyEncoding: { type: 'pkcs1', format: 'pem' } }).privateKey);
	await only(scene, /does not accept the key \(401 A JSON web token could not be decoded\): .*private_key_file must hold a private key of the App/);
	fs.writeFileSync(key, 'nonsense');
	await only(scene, /\[github\] private_key_file: /);
	fs.writeFileSync(key, was);
	for (const [offset_s, how] of [[-120, /clock is 1(19|2\d) s ahead of GitHub's: set it \(NTP\)/], [3600, /clock is 3(599|60\d) s behind GitHub's/]]) {
		await scene.github.do('clock', { offset_s });
		await only(scene, how);
	}
	await scene.github.do('clock', { offset_s: 0 });
	equal((await check(scene)).code, 0);
});

online_test('an address that is no API, and one where nobody is', async scene => {
	const api_url = scene.github.url;
	scene.configure({ github: { api_url: `${api_url}/nowhere` } });
	await only(scene, /\/nowhere\/app is no GitHub API \(404\): \[github\] api_url is https:\/\/api\.github\.com, or https:\/\/HOST\/api\/v3/);
	await scene.github.ask('violations').then(all => equal(all.map(v => v.kind), ['route']));
	await scene.github.do('violations_clear');
	scene.configure({ github: { api_url: 'http://127.0.0.1:1' } });
	await only(scene, /http:\/\/127\.0\.0\.1:1 cannot be reached \(.*\): is \[github\] api_url right, and is a proxy or a certificate/);
});

const app_that_lacks = async scene => {
	await scene.github.do('reset');
	const { app } = await scene.github.do('app', { private_key_file: path.join(scene.dir, 'app.pem'),
		permissions: { metadata: 'read', contents: 'read', issues: 'write', pull_requests: 'read', checks: 'write', merge_queues: 'read' },
		events: ['push', 'pull_request', 'check_run', 'check_suite', 'repository'] });
	scene.configure({ github: { app_id: String(app.id) } });
	return app;
};

online_test('permissions and events that the App does not have, or that an owner has not given; suspended', async scene => {
	const { github } = scene;
	await answered(scene, 202);
	await github.do('installation_permissions', { installation: scene.installation.id,
		permissions: { metadata: 'read', contents: 'read', issues: 'write', pull_requests: 'write', checks: 'read', merge_queues: 'read' } });
	await only(scene, /the installation of org has not given what the bot needs \(checks: write\): its owner accepts it at http\S+\/organizations\/org\/settings\/installations\/\d+/);
	await github.do('installation_change', { installation: scene.installation.id, action: 'suspend', deliver: false });
	await only(scene, /the installation of org is suspended since 20\S+: http\S+installations\/\d+/);

	await app_that_lacks(scene);
	await github.do('hook', { url: `${URL_OF_BOT}/webhook`, secret: scene.secret });
	const { code, wrong, notes, said } = await check(scene);
	equal([code, wrong.length], [1, 2], said);
	match(wrong[0], /the App does not ask for what it needs \(pull_requests: write\): http\S+\/settings\/apps\/ekaci-test\/permissions/);
	match(wrong[1], /not subscribed to events it needs \(issue_comment, merge_group\): http\S+\/permissions/);
	match(notes.join('\n'), /installed nowhere yet: http\S+\/settings\/apps\/ekaci-test\/installations/);
});

online_test('what only a setting needs is missed when that is switched on', async scene => {
	const { github } = scene;
	await answered(scene, 202);
	await github.do('installation_permissions', { installation: scene.installation.id,
		permissions: { metadata: 'read', contents: 'read', issues: 'write', pull_requests: 'write', checks: 'write', merge_queues: 'read' } });
	equal((await check(scene)).code, 0);
	scene.configure({ trust: { teams: ['org/nix'] } });
	await only(scene, /the installation of org does not let us read members, so no team of \[trust\] teams is trusted \(members: read\): http/);
	scene.configure({ trust: { teams: [] }, report: { statuses: true } });
	await only(scene, /the installation of org does not let us write what \[report\] statuses asks for \(statuses: write\): http/);
});

online_test('the webhook: another address, none, not active, no TLS verified, a form, another secret', async scene => {
	const { github } = scene;
	await only(scene, /GitHub has sent nothing, although an installation is new: the webhook is not active, tick "Active" at http\S+/);
	await answered(scene, 202);
	await github.do('hook', { url: 'https://old.example.org/webhook' });
	await only(scene, /webhook sends to https:\/\/old\.example\.org\/webhook, and \[web\] url says that it should be https:\/\/ci\.example\.org\/webhook: http\S+\/settings\/apps\//);
	await github.do('hook', { url: null });
	await only(scene, /the App's webhook has no address, or is not active: http/);
	await github.do('hook', { url: `${URL_OF_BOT}/webhook`, insecure_ssl: '1' });
	await only(scene, /does not verify the certificate of the webhook's address \(insecure_ssl\): http/);
	await github.do('hook', { insecure_ssl: '0', content_type: 'form' });
	const form = await check(scene);
	equal([form.code, form.wrong], [0, []], form.said);
	match(form.notes[0], /content type is not application\/json: what it sends is read all the same/);
	await github.do('hook', { content_type: 'json' });
	await answered(scene, 502);
	const down = await check(scene);
	equal([down.code, down.wrong], [0, []], down.said);
	match(down.notes[0], /the last delivery \(ping, 20\S+\) did not arrive \(502 .*\): does the bot run/);
	await answered(scene, 401);
	await only(scene, /the last delivery \(ping, 20\S+\) was answered 401: the webhook's secret at http\S+ is not that of \[github\] webhook_secret_file/);
});

scene_test('a ping is checked and told; /readyz says what lacks until it is mended', { start: false }, async scene => {
	const { github, bot } = scene;
	const app = await app_that_lacks(scene);
	await github.do('repository', { full_name: scene.repo, from: path.join(scene.dir, 'demo') });
	await bot.start();
	await eventually('the log says it', () => /the App at GitHub: it lacks permissions \(pull_requests: write\) events \(issue_comment, merge_group\)/
		.test(bot.log_text()));
	const ready = await bot.get('/readyz');
	equal(ready.status, 200);
	match(ready.text, /^ready\nit lacks permissions \(pull_requests: write\)/);
	await github.do('hook', { content_type: 'form' });
	const { deliveries: [{ status_code }] } = await github.do('ping');
	equal(status_code, 202);
	await eventually('the ping is told', () => new RegExp('warning: webhook \\d+ pings: the App is not subscribed to issue_comment, merge_group; '
		+ 'the webhook.s content type').test(bot.log_text()));
	equal((await github.ask('state')).violations, []);

	// Another start of the same App, which has all of it now.
	await bot.stop();
	await github.do('reset');
	await github.do('app', { id: app.id, private_key_file: path.join(scene.dir, 'app.pem') });
	await github.do('hook', { insecure_ssl: '1' });
	await bot.start();
	await eventually('it knows us', async () => /insecure_ssl/.test((await bot.get('/readyz')).text));
	await github.do('hook', { insecure_ssl: '0' });
	await github.do('ping');
	await eventually('nothing lacks', async () => (await bot.get('/readyz')).text === 'ready\n');
	match(bot.log_text(), /info: webhook \d+ pings: its events and its content type are what we need/);
});

await run({ limit_ms: 120000 });
