// What goes wrong in a play, drawn from a seed: the same seed and scenario give the same draw, to the last request.
//
//   order    the deliveries that lie between two waits come in any order, with pauses
//   dup      some come twice: redelivered under their GUID, or sent again by somebody who kept them, also much later
//   kill     kill -9 of the bot at a request to GitHub, before or after it took effect, or between two events
//   slay     kill -9 of one of its workers
//   fault    GitHub fails for a moment: 5xx, HTML, broken connections, no answer, limits
//   refuse   GitHub says no, once: 401, 403, 404, 410, 422, as replicas do that lag and permissions that are being changed;
//            tokens end in the middle
//   lag      replicas lag by some seconds
//   lost     deliveries get lost while the bot is down; it is for the bot to ask for them

export const KINDS = ['order', 'dup', 'kill', 'slay', 'fault', 'refuse', 'lag', 'lost'];
// What every scenario holds against that does not say otherwise (`fails`).
export const HELD = KINDS;

// mulberry32
export function random_of(seed)
{
	return () => {
		seed = (seed + 0x6d2b79f5) | 0;
		let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
	};
}

const hash = text => [...text].reduce((h, c) => Math.imul(h ^ c.codePointAt(0), 0x01000193), 0x811c9dc5);

const HTML = '<html><head><title>502 Bad Gateway</title></head><body>Unicorn!</body></html>';
const API = '^/(api/v3/)?(repos|app)';

const passing = [
	{ route: API, status: 500, body: { message: 'Server Error' } },
	{ route: API, status: 502, body: HTML, headers: { 'content-type': 'text/html' } },
	{ route: API, status: 503, times: 2, body: { message: 'Service Unavailable' } },
	{ route: API, when: 'after', status: 502, body: HTML, headers: { 'content-type': 'text/html' } },
	{ route: API, drop: true },
	{ route: API, when: 'after', drop: true },
	{ route: API, hang: true },
	{ route: API, when: 'after', hang: true },
	{ route: API, delay_ms: 300 },
	{ route: API, status: 429, headers: { 'retry-after': '3' }, body: { message: 'You have exceeded a secondary rate limit.' } },
	{ route: API, status: 403, headers: { 'retry-after': '3' }, body: { message: 'You have exceeded a secondary rate limit.' } },
	{ route: '\\.git/', status: 503, body: 'no' },
	{ route: '\\.git/', drop: true },
	{ route: '\\.git/', delay_ms: 200, drop: true },
];

const refusals = [
	{ status: 401, body: { message: 'Bad credentials' } },
	{ status: 403, body: { message: 'Resource not accessible by integration' } },
	{ status: 404, body: { message: 'Not Found' } },
	{ status: 410, body: { message: 'This was deleted' } },
	{ status: 422, body: { message: 'Validation Failed' } },
];

// Some of the kinds, one at least: those of a seed.
export function choose(seed, name, kinds)
{
	const random = random_of((seed * 22695477) ^ hash(name) ^ 0x2545f491);
	const some = kinds.filter(() => random() < 0.5);
	return some.length ? some : [kinds[Math.floor(random() * kinds.length)]];
}

export function draw(seed, name, kinds)
{
	const random = random_of((seed * 2654435761) ^ hash(name));
	const below = n => Math.floor(random() * n);
	const of = list => list[below(list.length)];
	const on = kind => kinds.includes(kind);
	const at = () => below(24);		// the request that it strikes; the simplest play makes ten
	const plan = { seed, kinds, faults: [], kills: [], slays: [], settings: {}, expire: on('refuse') && random() < 0.3 };

	for (let n = on('fault') ? 1 + below(4) : 0; n > 0; n--)
		plan.faults.push({ ...of(passing), skip: at() });
	for (let n = on('refuse') ? 1 + below(2) : 0; n > 0; n--)
		plan.faults.push({ ...of(refusals), route: API, skip: at() });
	for (let n = on('kill') || on('lost') ? 1 + below(2) : 0; n > 0; n--)
		plan.kills.push({ skip: at(), when: of(['before', 'after']), pause_ms: below(200) });
	for (let n = on('slay') ? 1 + below(2) : 0; n > 0; n--)
		plan.slays.push({ skip: at(), which: below(100) });
	if (on('lag')) {
		for (const key of ['lag_head_ms', 'lag_pull_ms', 'lag_comment_ms', 'lag_check_run_ms', 'lag_git_ms'])
			plan.settings[key] = random() < 0.5 ? 0 : 500 + below(20000);
	}
	// The rest is drawn as the play goes on, event by event, from a stream of its own.
	const later = random_of((seed * 40503) ^ hash(name) ^ 0x5bd1e995);
	return { plan, chance: p => later() < p, below: n => Math.floor(later() * n), has: on };
}
