// Writes signed payloads for intake_load: GitHub's own examples of pull_request, each made 30 KB long with fresh ids.
//   node intake_payloads.mjs PREFIX SECRET OUT
import { readFileSync, writeFileSync } from "node:fs";
import { createHmac, randomBytes } from "node:crypto";
import { join } from "node:path";

const [prefix, secret, out] = process.argv.slice(2);
const dir = join(prefix, "node_modules", "@octokit", "webhooks-examples");
const pkg = JSON.parse(readFileSync(join(dir, "package.json"), "utf8"));
const examples = JSON.parse(readFileSync(join(dir, String(pkg.main).replace(/\.js$/, ".json")), "utf8"));
const pulls = examples.find((e) => e.name === "pull_request").examples.filter((e) => e.pull_request?.head);
const parts = [];

for (let i = 0; i < 256; i++) {
	const e = structuredClone(pulls[i % pulls.length]);
	const sha = () => randomBytes(20).toString("hex");
	e.pull_request.head.sha = sha();
	e.pull_request.base.sha = sha();
	e.pull_request.node_id = randomBytes(18).toString("base64");
	e.pull_request.id = randomBytes(5).readUIntBE(0, 5);
	// The description of the pull request takes what is missing: words, as people write them.
	const words = "zlib openssl update the package derivation to version because upstream fixed tests and now builds on".split(" ");
	e.pull_request.body = "";
	const missing = 30000 - JSON.stringify(e).length;
	let body = "";
	while (body.length < missing) body += words[Math.floor(Math.random() * words.length)] + (Math.random() < 0.1 ? " " + sha().slice(0, 12) + ". " : " ");
	e.pull_request.body = body.slice(0, Math.max(0, missing));
	const text = Buffer.from(JSON.stringify(e));
	const signature = "sha256=" + createHmac("sha256", secret).update(text).digest("hex");
	parts.push(Buffer.from(`${text.length} ${signature} pull_request\n`), text);
}
writeFileSync(out, Buffer.concat(parts));
