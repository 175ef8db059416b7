// Faults that a test has asked for: each names the requests it spoils and what happens to them.
//
//   { method, route, times, skip, when, status, headers, body, delay_ms, drop, hang, spare }
//
// method: exact, or absent for any. route: a regular expression on the path, query excluded.
// times: how many matching requests it spoils (1; -1 for ever). skip: matching requests let through
// first. when: 'before' the request takes effect, or 'after'. drop closes the connection with no
// answer; hang never answers; status, headers and body replace the answer; delay_ms waits first.
// With only delay_ms the true answer follows the delay. spare: a regular expression on paths that it only breaks off,
// for a hang where the client's patience is longer than a test's.

const KEYS = new Set(['method', 'route', 'times', 'skip', 'when', 'status', 'headers', 'body',
	'delay_ms', 'drop', 'hang', 'spare']);

export class Faults {
	constructor()
	{
		this.list = [];
		this.next_id = 1;
	}

	add(spec)
	{
		const unknown = Object.keys(spec).filter(k => !KEYS.has(k));
		if (unknown.length)
			throw new Error(`unknown key of a fault: ${unknown.join(', ')}`);
		if (spec.when !== undefined && spec.when !== 'before' && spec.when !== 'after')
			throw new Error("a fault's when is 'before' or 'after'");
		if (!spec.status && !spec.drop && !spec.hang && !spec.delay_ms)
			throw new Error('a fault needs status, drop, hang or delay_ms');
		const fault = { id: this.next_id++, when: 'before', times: 1, skip: 0, ...spec, hits: 0,
			pattern: new RegExp(spec.route || '') };
		this.list.push(fault);
		return fault.id;
	}

	// The fault that spoils this request, counted as used; or undefined.
	take(method, path)
	{
		for (const f of this.list) {
			if (f.times === 0 || (f.method && f.method !== method) || !f.pattern.test(path))
				continue;
			if (f.skip > 0) {
				f.skip--;
				continue;
			}
			if (f.times > 0)
				f.times--;
			f.hits++;
			return f.spare && new RegExp(f.spare).test(path) ? { ...f, hang: false, drop: true } : f;
		}
		return undefined;
	}

	dump()
	{
		return this.list.map(({ pattern, ...rest }) => rest);
	}
}
