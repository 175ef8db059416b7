// What people who know other bots write in comments, how much of it, and what they read: the answers.

import { equal, match, ok, run } from './lib.js';
import { builds_begun, delivered, eventually, finished, open_build, rendered, scene_test, slow_package } from './scenes.js';

const allow = (scene, user, permission) => scene.github.do('permission', { repo: scene.repo, user, permission });
const all_comments = (scene, pull) => scene.github.ask('comments', { repo: scene.repo, number: pull.number });
const answers = async (scene, pull) => (await scene.comments(pull.number)).filter(c => c.body.startsWith('<!-- ekaci:answer'));
const asked = async (scene, user) => (await scene.github.ask('requests', { method: 'GET' }))
	.filter(r => r.path.endsWith(`/collaborators/${user}/permission`)).length;

// Says it; resolves to the comment once it has `reactions`.
async function say(scene, pull, body, user, reaction, more = {})
{
	const { comment } = await scene.say(pull.number, body, { user, ...more });
	await scene.until('comments', { repo: scene.repo, number: pull.number }, all => all.find(c => c.id === comment.id).reactions
		.some(r => r.content === reaction));
	await delivered(scene);
	return comment;
}

const reactions_of = async (scene, pull, comment) => (await all_comments(scene, pull)).find(c => c.id === comment.id)
	.reactions.map(r => r.content);

async function docs(scene)
{
	const { pull } = await scene.open('docs');
	await finished(scene, pull.head.sha);
	await delivered(scene);
	return pull;
}

scene_test("a stranger's tenth comment within an hour gets a reaction, further ones nothing; who has rights has ten times as many", {},
	async scene => {
		const pull = await docs(scene);
		for (let n = 0; n < 9; n++)
			await say(scene, pull, n % 2 ? '/ekaci help' : '/ekaci status', 'stranger', '+1');
		equal((await answers(scene, pull)).length, 9);
		const tenth = await say(scene, pull, '/ekaci status', 'stranger', '-1');
		equal(await reactions_of(scene, pull, tenth), ['-1']);
		const before = (await scene.github.ask('requests')).length;
		const { comment } = await scene.say(pull.number, '/ekaci status\n/ekaci help\n/ekaci frobnicate', { user: 'Stranger' });

		// Others are served meanwhile: a member, and somebody whose rights are known only by asking.
		for (let n = 0; n < 11; n++)
			await say(scene, pull, '/ekaci status', 'member', '+1', { author_association: 'MEMBER' });
		await allow(scene, 'keeper', 'write');
		for (let n = 0; n < 9; n++)
			await say(scene, pull, '/ekaci help', 'keeper', '+1');
		await say(scene, pull, '/ekaci rebuild', 'keeper', 'rocket');
		await say(scene, pull, '/ekaci status', 'keeper', '+1');
		equal(await reactions_of(scene, pull, comment), []);
		const about = (await scene.github.ask('requests')).slice(before).filter(r => r.path.includes(String(comment.id)));
		equal(about, [], 'nothing was asked or written for it');
		match(scene.bot.log_text(), /stranger gave more than 9 commands within an hour/);
	});

scene_test('who was never seen and says ten things: what they may is asked once, and not answered', {}, async scene => {
	const pull = await docs(scene);
	for (let n = 0; n < 9; n++)
		await say(scene, pull, '/ekaci help', 'stranger', '+1');
	const replies = (await answers(scene, pull)).length;
	await say(scene, pull, '/ekaci rebuild', 'stranger', '-1');
	equal(await asked(scene, 'stranger'), 1);
	for (const body of ['/ekaci approve', '/ekaci cancel'])
		await scene.say(pull.number, body, { user: 'stranger' });
	await say(scene, pull, '/ekaci help', 'other', '+1');
	equal(await asked(scene, 'stranger'), 1);
	equal((await answers(scene, pull)).length, replies + 1);
});

scene_test('commands_an_hour = 0: all are answered', { config: { trust: { commands_an_hour: 0 } } }, async scene => {
	const pull = await docs(scene);
	for (let n = 0; n < 12; n++)
		await say(scene, pull, '/ekaci help', 'stranger', '+1');
});

scene_test('a permission is asked for once a minute, and anew for what gives leave', {}, async scene => {
	const pull = await docs(scene);
	await allow(scene, 'writer', 'write');
	await say(scene, pull, '/ekaci priority high\n/ekaci priority low', 'writer', '+1');
	await say(scene, pull, '/ekaci cancel', 'Writer', '+1');
	equal(await asked(scene, 'writer') + await asked(scene, 'Writer'), 1);
	await allow(scene, 'writer', 'read');
	await say(scene, pull, '/ekaci approve', 'writer', '-1');
	equal(await asked(scene, 'writer'), 2);
	await say(scene, pull, '/ekaci cancel', 'writer', '-1');	// and that answer is the one that is kept
	equal(await asked(scene, 'writer'), 2);
});

scene_test('status: folded, with what each check says, the builds and their place; asked again it is edited, unless somebody spoke', {},
	async scene => {
		await scene.github.do('commit', { repo: scene.repo, branch: 'slow', parent: 'refs/heads/main',
			files: { 'pkgs/z/zinnia.nix': slow_package(scene.dir, 'zinnia'), 'pkgs/z/zebra.nix': slow_package(scene.dir, 'zebra'),
				'pkgs/z/zoo.nix': slow_package(scene.dir, 'zoo') } });
		const { pull } = await scene.open('slow');
		await eventually('two are being built', () => builds_begun(scene.dir, 'zinnia') + builds_begun(scene.dir, 'zebra') +
			builds_begun(scene.dir, 'zoo') === 2);
		await scene.until_check(pull.head.sha, c => c.conclusion, { name: 'ekaci / evaluation' });
		await scene.until_check(pull.head.sha, c => /building, /.test(c.output.title), { name: 'ekaci / rebuilds' });
		await say(scene, pull, '/ekaci status', 'stranger', '+1');
		const [first] = await answers(scene, pull);
		const html = rendered(first.body);
		match(html, /<details><summary>Building: \d+ of \d+ builds done/);
		match(html, /<td><code>ekaci \/ evaluation<\/code><\/td>\s*<td>success<\/td>\s*<td>.*3.*<\/td>/);
		match(html, /<td><code>ekaci \/ rebuilds<\/code><\/td>\s*<td>in progress<\/td>\s*<td>.*building, \d+ of \d+.*<\/td>/);
		match(html, /<li>Builds: \d+ of \d+ builds done; 2 at work, 1 to begin\.<\/li>/);
		match(html, /<li>Estimate: /);
		match(html, /<li>Queue: the next build that begins is its own\.<\/li>/);
		match(html, /<\/details>/);
		equal(html.replace(/<details>.*<\/details>/s, '').replace(/<!--.*?-->/g, '').trim(), '', 'nothing is not folded');

		['zinnia', 'zebra', 'zoo'].forEach(name => open_build(scene.dir, name));
		const { rebuilds } = await finished(scene, pull.head.sha);
		equal(rebuilds.conclusion, 'success');
		await say(scene, pull, 'Still?\n/ekaci status', 'Stranger', '+1');
		const [edited, ...more] = await answers(scene, pull);
		equal([edited.id, more.length], [first.id, 0]);
		match(edited.body, /<summary>Done: 3 added.*<\/summary>/);
		match(edited.body, /- Builds: (\d+) of \1 builds done\.\n/);
		match(edited.body, /\| success \|/);

		// Another question, another person, or words in between: a reply of its own below them.
		await say(scene, pull, '/ekaci help', 'stranger', '+1');
		equal((await answers(scene, pull)).length, 2);
		await say(scene, pull, '/ekaci help', 'stranger', '+1');
		equal((await answers(scene, pull)).length, 2);
		await say(scene, pull, '/ekaci help', 'somebody', '+1');
		equal((await answers(scene, pull)).length, 3);
		await scene.say(pull.number, 'Thanks.', { user: 'stranger' });
		await say(scene, pull, '/ekaci help', 'somebody', '+1');
		equal((await answers(scene, pull)).length, 4);
		// One that was deleted is not missed for ever.
		const last = (await answers(scene, pull)).pop();
		await scene.github.do('comment_change', { comment_id: last.id, deliver: false });
	});

scene_test('what people write: case, CRLF, commas, another bot\'s words; several in one comment have one reply, in their order', {},
	async scene => {
		const pull = await docs(scene);
		await allow(scene, 'writer', 'write');
		await say(scene, pull, 'Hello!\r\n\r\n/EKACI STATUS.\r\n/ekaci, retest\r\n/ekaci aproove!\r\n/Ekaci: Help\r\n/ekaci status\r\n',
			'writer', '+1');
		const [reply, ...others] = await answers(scene, pull);
		equal(others, []);
		const parts = reply.body.split('\n\n---\n\n');
		equal(parts.length, 4, 'the second status is the first');
		match(parts[0], /<summary>Done/);
		match(parts[1], /`retest` is no command\. Did you mean `\/ekaci rebuild failed`\? It is not done by itself/);
		match(parts[2], /`aproove` is no command\. Did you mean `\/ekaci approve`\?/);
		match(parts[3], /^Commands, at the beginning of a line/);
		ok(parts[3].split('\n').length <= 12, 'short');
		const html = rendered(reply.body);
		ok((html.match(/<li>/g) || []).length >= 7 && (html.match(/<hr \/>/g) || []).length === 3, html);
		equal((await scene.checks(pull.head.sha)).length, 2, 'what may have been meant was not done');

		// Words are anybody's: no mention, no markup, no end of the line.
		await say(scene, pull, '/ekaci @octocat|<b>`**x**' + 'y'.repeat(500), 'writer', 'confused');
		const hostile = (await answers(scene, pull)).pop().body;
		ok(!/<b>|@octocat(?![^<`]*`)/.test(rendered(hostile).replace(/<code>.*?<\/code>/gs, '')), hostile);
		ok(hostile.length < 300, hostile);

		// An edited comment is none.
		const { comment } = await scene.say(pull.number, 'Hm.', { user: 'writer' });
		await scene.github.do('comment_change', { comment_id: comment.id, body: '/ekaci rebuild' });
		await say(scene, pull, '/ekaci status', 'writer', '+1');
		equal(await reactions_of(scene, pull, comment), []);
		equal((await scene.checks(pull.head.sha)).length, 2);
	});

run({ limit_ms: 120000 });
