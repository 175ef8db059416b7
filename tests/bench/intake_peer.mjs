// A peer for the bench: verifies the signature and answers, stores nothing.
//   node intake_peer.mjs octokit|probot SECRET PREFIX      prints its port
// PREFIX is where npm installed the packages.
import { createRequire } from "node:module";
import { createServer } from "node:http";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { generateKeyPairSync } from "node:crypto";

const [kind, secret, prefix] = process.argv.slice(2);
const require = createRequire(join(prefix, "index.js"));

// require.resolve refuses packages that only offer "import".
async function load(name) {
	const { readFileSync } = await import("node:fs");
	const dir = join(prefix, "node_modules", name);
	const pkg = JSON.parse(readFileSync(join(dir, "package.json"), "utf8"));
	let entry = pkg.exports?.["."] ?? pkg.exports ?? pkg.module ?? pkg.main ?? "index.js";
	while (typeof entry === "object") entry = entry.import ?? entry.node ?? entry.default ?? Object.values(entry)[0];
	return import(pathToFileURL(join(dir, entry)).href);
}

function listen(handler) {
	const server = createServer(handler);
	server.keepAliveTimeout = 60000;
	server.listen(0, "127.0.0.1", () => console.log(server.address().port));
}

if (kind === "octokit") {
	const { Webhooks, createNodeMiddleware } = await load("@octokit/webhooks");
	const webhooks = new Webhooks({ secret });
	webhooks.onAny(() => {});
	listen(createNodeMiddleware(webhooks, { path: "/webhook" }));
} else {
	const { Probot, createNodeMiddleware } = await load("probot");
	const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048,
		privateKeyEncoding: { type: "pkcs1", format: "pem" }, publicKeyEncoding: { type: "pkcs1", format: "pem" } });
	const probot = new Probot({ appId: 1, privateKey, secret, logLevel: "fatal" });
	const middleware = await createNodeMiddleware((app) => { app.onAny(() => {}); }, { probot, webhooksPath: "/webhook" });
	listen((req, res) => middleware(req, res, () => { res.statusCode = 404; res.end(); }));
}
