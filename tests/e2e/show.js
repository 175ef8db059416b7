// `make demo`: one pull request of the demo repository, from the signed webhook to the comment, on real parts.
//
//   node tests/e2e/show.js bump      bumps a library, adds, removes and breaks packages
//   node tests/e2e/show.js docs      documentation only: nothing is evaluated
//   node tests/e2e/show.js rebuild   bump, then /ekaci rebuild in a comment
//
// On a terminal it keeps the pages up until Enter is pressed.

import { begin } from './lib.js';
import { delivered } from './scenes.js';

const story = process.argv[2] || 'bump';
const stories = { bump: 'bump', docs: 'docs', rebuild: 'bump' };
if (!stories[story]) {
	console.error(`no such demo: ${story} (${Object.keys(stories).join(', ')})`);
	process.exit(2);
}
const rule = text => console.log(`\n\x1b[1m${text}\x1b[0m`);
const since = Date.now();
const clock = () => `${((Date.now() - since) / 1000).toFixed(1).padStart(5)} s`;

rule('A GitHub stand-in, a repository of Nix packages, and the bot');
const scene = await begin();
console.log(`${clock()}  stand-in at ${scene.github.url}, bot at ${scene.bot.url}`);

rule(`A pull request: ${stories[story]} into main`);
const { pull } = await scene.open(stories[story]);
const head = pull.head.sha;
console.log(`${clock()}  #${pull.number} opened, webhook delivered and answered`);

// Prints each change of a check run as it is seen, until all are completed.
async function watch(head_sha, from_id = 0)
{
	const seen = new Map();
	return scene.until('check_runs', { repo: scene.repo, head_sha }, all => {
		const ours = all.filter(c => c.app === scene.app.slug && c.id > from_id);
		for (const c of ours) {
			const now = `${c.name}: ${c.conclusion || c.status} - ${c.output?.title ?? ''}`;
			if (seen.get(c.id) !== now)
				console.log(`${clock()}  ${now}`);
			seen.set(c.id, now);
		}
		return ours.length >= 2 && ours.every(c => c.status === 'completed') && ours;
	}, 120000);
}

let checks = await watch(head);
if (story === 'rebuild') {
	rule('Somebody with write access comments: /ekaci rebuild');
	await scene.github.do('permission', { repo: scene.repo, user: 'maintainer', permission: 'write' });
	const { comment } = await scene.say(pull.number, '/ekaci rebuild', { user: 'maintainer' });
	const last = Math.max(...checks.map(c => c.id));
	const reacted = await scene.until('comments', { repo: scene.repo, number: pull.number }, all => {
		const c = all.find(x => x.id === comment.id);
		return c && c.reactions && c.reactions.length > 0 && c.reactions;
	});
	console.log(`${clock()}  reaction: ${reacted.map(r => r.content).join(', ')}`);
	checks = await watch(head, last);
}

for (const c of checks) {
	rule(`Check run "${c.name}": ${c.conclusion}`);
	console.log(c.output.title);
	console.log(c.output.summary);
}
let report = null;
if (story === 'docs') {
	const evaluated = (await scene.bot.get('/metrics')).text.match(/ekaci_builds_started_total (\d+)/);
	console.log(`\nBuilds started: ${evaluated ? evaluated[1] : '?'}`);
} else {
	await delivered(scene); // the checks end before the comment's last edit is sent
	report = await scene.until_comment(pull.number);
	const edits = report.history.length - 1; // the first is how it was written
	rule(`The comment (${['never edited', 'edited once'][edits] ?? `edited ${edits} times`})`);
	if (!/newly failing/.test(report.body) || /^Building: /m.test(report.body))
		throw new Error('the comment is not the last one');
	console.log(report.body);
}
const page = checks[0].details_url;
rule(`The run's page: ${page}`);
const answer = await scene.bot.get(new URL(page).pathname + new URL(page).search);
console.log(`${answer.status}, ${answer.text.length} bytes of HTML`);
if (answer.status !== 200)
	throw new Error('the page does not open');

if (process.stdin.isTTY && process.stdout.isTTY) {
	console.log('\nThe pages stay up until you press Enter.');
	await new Promise(resolve => process.stdin.once('data', resolve));
	process.stdin.destroy();
}
await scene.end();
console.log(`\n${clock()}  demo: ok`);
