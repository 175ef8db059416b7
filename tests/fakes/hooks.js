// The sender of webhooks: signs a body as GitHub does, posts it, and keeps what came of it.

import crypto from 'node:crypto';
import http from 'node:http';

const ALWAYS_SENT = new Set(['installation', 'installation_repositories', 'installation_target',
	'github_app_authorization', 'ping']);

export const signature = (secret, body) =>
	'sha256=' + crypto.createHmac('sha256', secret).update(body).digest('hex');

// prepare(world, event, payload, { guid, signed, headers, repo }): the delivery as it would be sent;
// payload is an object or the text itself. signed: 'good' (or absent), 'bad' or 'none'.
// Returns null when the App would not be told: not subscribed, not installed there, or larger than GitHub sends.
export function prepare(w, event, payload, { guid, signed = 'good', headers = {}, repo } = {})
{
	const { app } = w;
	if (!ALWAYS_SENT.has(event) && !app.events.includes(event) && repo)
		return null;
	const installation = repo && w.installation_of(repo);
	if (repo && (!installation || installation.suspended_at))
		return null;
	const json = typeof payload === 'string' ? payload : JSON.stringify(payload);
	// The other content type that a webhook can be set to.
	const form = app.hook.content_type === 'form';
	const body = form ? String(new URLSearchParams({ payload: json })) : json;
	if (Buffer.byteLength(json) > w.settings.payload_max_bytes)
		return null;
	const parsed = typeof payload === 'string' ? {} : payload;
	const id = guid || crypto.randomUUID();
	if (w.check_payload && (repo || ALWAYS_SENT.has(event)))
		w.check_payload(event, JSON.parse(json));
	const all = {
		'Accept': '*/*',
		'Content-Type': form ? 'application/x-www-form-urlencoded' : 'application/json',
		'User-Agent': 'GitHub-Hookshot/5a1c2b3',
		'X-GitHub-Delivery': id,
		'X-GitHub-Event': event,
		'X-GitHub-Hook-ID': String(app.hook.id),
		'X-GitHub-Hook-Installation-Target-ID': String(app.id),
		'X-GitHub-Hook-Installation-Target-Type': 'integration',
	};
	if (app.hook.secret && signed !== 'none')
		all['X-Hub-Signature-256'] = signature(signed === 'bad' ? app.hook.secret + '?'
			: app.hook.secret, body);
	return {
		id: w.id('delivery'), guid: id, event, action: parsed.action || null,
		installation_id: installation ? installation.id
			: (parsed.installation && parsed.installation.id) || null,
		repository_id: repo ? repo.id : null, headers: { ...all, ...headers }, body,
		redelivery: false, delivered_at: null, duration: 0, status: null, status_code: 0,
		response: null,
	};
}

// Posts a prepared delivery and records its outcome; never rejects. Without a configured URL the
// delivery stays unsent and unrecorded.
export function post(w, delivery)
{
	const { hook } = w.app;
	if (!hook.url || !hook.active)
		return Promise.resolve(delivery);
	const begun = process.hrtime.bigint();
	delivery.delivered_at = w.stamp();
	w.deliveries.push(delivery);
	return new Promise(resolve => {
		const end = (status, code, response = null) => {
			if (delivery.status === null)
				Object.assign(delivery, { status, status_code: code, response,
					duration: Number(process.hrtime.bigint() - begun) / 1e9 });
			resolve(delivery);
		};
		const request = http.request(hook.url, { method: 'POST', agent: false,
			headers: { ...delivery.headers, 'Content-Length': Buffer.byteLength(delivery.body) } },
		answer => {
			let text = '';
			answer.setEncoding('utf8');
			answer.on('data', part => { text = (text + part).slice(0, 10000); });
			answer.on('end', () => end(answer.statusCode >= 200 && answer.statusCode < 300 ? 'OK'
				: http.STATUS_CODES[answer.statusCode] || 'Unknown', answer.statusCode, text));
			answer.on('error', () => end('failed to read the response', 502));
		});
		const timer = setTimeout(() => {
			end('timed out', 504);
			request.destroy();
		}, w.settings.hook_timeout_ms);
		request.on('close', () => clearTimeout(timer));
		request.on('error', () => end('failed to connect to host', 502));
		request.end(delivery.body);
	});
}

// A delivery that never reached its receiver: GitHub has it in its list of failed ones.
export function lose(w, delivery)
{
	Object.assign(delivery, { delivered_at: w.stamp(), status: 'timed out', status_code: 504 });
	w.deliveries.push(delivery);
	return delivery;
}

// Whether it is listed still, and can be asked for again.
export const is_kept = (w, delivery) =>
	Date.parse(delivery.delivered_at) > w.now_ms() - w.settings.delivery_days * 86400 * 1000;

// Sends a delivery once more under its old GUID; with another one it is what somebody sends who kept it.
export function redeliver(w, delivery, guid = delivery.guid)
{
	return post(w, { ...delivery, id: w.id('delivery'), guid, redelivery: guid === delivery.guid, status: null,
		status_code: 0, response: null, duration: 0,
		headers: { ...delivery.headers, 'X-GitHub-Delivery': guid } });
}
