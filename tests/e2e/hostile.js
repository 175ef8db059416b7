// A pull request whose names, versions and texts want to be Markdown, HTML, mentions or terminal controls.

import { equal, match, ok, run } from './lib.js';
import { finished, page_of, rendered, report_of, scene_test, state_files, tidy } from './scenes.js';

// What may stand in GitHub's HTML of our Markdown: no element of theirs, nothing that notifies anybody.
function harmless_markdown(text, what)
{
	// eslint-disable-next-line no-control-regex
	ok(!/[\x00-\x08\x0b-\x1f\x7f]/.test(text), `${what}: control characters`);
	const html = rendered(text);
	for (const bad of [/<script/i, /<img/i, /onerror\s*=/i, /href="javascript:/i, /<h1>\s*heading/i, /<b>@/i, /<!--(?! ekaci)/])
		ok(!bad.test(html.replace(/<code>[\s\S]*?<\/code>/g, '')) && !bad.test(html), `${what}: ${bad} in\n${html}`);
	// GitHub takes @name for a mention anywhere but in code.
	const prose = html.replace(/<pre>[\s\S]*?<\/pre>/g, '').replace(/<code>[\s\S]*?<\/code>/g, '');
	ok(!/(^|[^\w`/])@[a-z][\w-]*/i.test(prose.replace(/<[^>]*>/g, '')), `${what}: a mention in\n${prose}`);
}

function harmless_page(html, what)
{
	ok(!/<script>alert|<img src=x|javascript:alert\(\d\)"|<b>@core/i.test(html), `${what}: markup of theirs`);
	// eslint-disable-next-line no-control-regex
	ok(!/[\x00-\x08\x0b-\x0c\x0e-\x1f]/.test(html), `${what}: control characters`);
}

scene_test('names, versions, errors, a title and a file name of three lines: shown, and nothing more', {},
	async scene => {
		const { pull } = await scene.open('hostile', { title: '@core-team </title><script>alert(7)</script> `x` | **b**',
			user: 'stranger' });
		const { evaluation, rebuilds } = await finished(scene, pull.head.sha);
		equal([evaluation.conclusion, rebuilds.conclusion], ['failure', 'success']);
		await tidy(scene, pull);
		const [comment] = await scene.comments(pull.number);
		harmless_markdown(comment.body, 'the comment');
		ok(/x\|.*b.*core-team/.test(rendered(comment.body).replace(/<[^>]*>/g, '')
			.replaceAll('&lt;', '<').replaceAll('&gt;', '>')), 'the name is there, as text');
		for (const check of [evaluation, rebuilds]) {
			for (const part of ['summary', 'text'])
				harmless_markdown(check.output[part] ?? '', `${check.name}: ${part}`);
			// eslint-disable-next-line no-control-regex
			ok(!/[\x00-\x1f]/.test(check.output.title), 'the title is one line');
			for (const a of check.annotations)
				// eslint-disable-next-line no-control-regex
				ok(!/\x1b/.test(`${a.title}${a.message}`), 'no terminal controls in annotations');
		}
		const report = await report_of(scene, evaluation);
		const drv = report.attributes.find(a => a.class === 'added').head.drv.split('/').pop();
		for (const route of ['/', page_of(evaluation), `/org/demo/pull/${pull.number}`, `/drv/${drv}`, `/log/${drv}`]) {
			const { status, headers, text } = await scene.bot.get(route);
			equal(status, 200, route);
			if (!/^text\/plain/.test(headers.get('content-type')))
				harmless_page(text, route);
			match(headers.get('content-security-policy') ?? '', /default-src 'none'|default-src 'self'/);
			equal(headers.get('x-content-type-options'), 'nosniff');
		}
		const markdown = await scene.bot.get(`${page_of(evaluation)}/report.md`);
		equal(markdown.status, 200);
		harmless_markdown(markdown.text, 'report.md');
		match((await scene.bot.get('/metrics')).text, /^ekaci_/m);
	});

scene_test('a build that prints controls, markup and workflow commands', {}, async scene => {
	const print = '\\033[31mred\\033[0m <script>alert(8)</script> ::error::x @core-team \\000\\377\\n\\`\\`\\`\\n# heading';
	await scene.github.do('commit', { repo: scene.repo, branch: 'loud', parent: 'refs/heads/main', files: {
		'pkgs/z/zinnia.nix': `{ package, setup }:

package {
  pname = "zinnia";
  version = "1.0?x=1+2";
  inputs = [ setup ];
  build = "i=0; while [ $i -lt 2000 ]; do echo \\"and line $i of a long log\\"; i=$((i+1)); done; printf \\"${print.replaceAll('\\', '\\\\')}\\"; exit 1";
}
` } });
	const { pull } = await scene.open('loud');
	const { rebuilds } = await finished(scene, pull.head.sha);
	equal(rebuilds.conclusion, 'failure');
	await tidy(scene, pull);
	const report = await report_of(scene, rebuilds);
	const { build } = report.attributes.find(a => a.path[0] === 'zinnia');
	match(build.tail, /alert\(8\)/);
	// Long logs are kept compressed, and read as before.
	ok(state_files(scene, 'logs').some(name => name.endsWith('.drv.zst')));
	harmless_markdown((await scene.comments(pull.number))[0].body, 'the comment');
	harmless_markdown(rebuilds.output.summary + rebuilds.output.text, 'the check');
	const log = new URL(build.log_url);
	const page = await scene.bot.get(log.pathname + log.search);
	equal(page.status, 200);
	match(page.text, /line 1999[^]*alert\(8\)/);
	// Plain text is never markup, as long as nobody guesses.
	match(page.headers.get('content-type'), /^text\/plain; charset=utf-8/);
	equal(page.headers.get('x-content-type-options'), 'nosniff');
	harmless_page((await scene.bot.get(page_of(rebuilds))).text, 'the page');
});

scene_test('symbolic links, a submodule and names that want to leave the tree', {}, async scene => {
	await scene.github.do('commit', { repo: scene.repo, branch: 'links', parent: 'refs/heads/main', files: {
		'secrets.nix': { content: '/etc/passwd', mode: '120000' },
		'pkgs/z/zinnia.nix': { content: '../../../../../../../../etc/hostname', mode: '120000' },
		'pkgs/y/yarrow.nix': '{ package, setup }:\n\npackage {\n  pname = "yarrow";\n  version = builtins.readFile /etc/passwd;\n  inputs = [ setup ];\n}\n',
		'-rf': 'an option', '--upload-pack=touch pwned': 'another' } });
	const { pull } = await scene.open('links');
	const { evaluation } = await finished(scene, pull.head.sha);
	// Reading what is not the repository's is not allowed, so what comes of it is not known; it is never success.
	ok(evaluation.conclusion !== 'success', evaluation.conclusion);
	const report = await report_of(scene, evaluation);
	const [head] = report.evaluations.filter(e => e.side === 'head');
	equal([report.outcome, head.complete, report.counts.total.untold], ['compared', true, head.untold.count]);
	match(head.untold.words, /is forbidden in restricted mode/);
	const class_of = name => report.attributes.find(a => a.path.join('.') === name).class;
	equal(class_of('yarrow'), 'untold');
	// The link's target is not there in the sandbox, which some versions of Nix find before they find it forbidden.
	match(class_of('zinnia'), /^(untold|added_failing)$/);
	match(evaluation.output.title, /, \d could not be told$/);
	ok(!/root:x?:0/.test(JSON.stringify(report)), 'nothing of the machine is in the report');
	await tidy(scene, pull);
});

await run({ limit_ms: 100000, at_once: 4 });
