"use strict";
/*
 * The page of a run, beyond what it does without this: its table is filtered, sorted and turned in place, from all rows, which are
 * fetched once; the address follows. While the run goes on the page is asked for again, and what has changed is put in place.
 */
(function () {
	const PAGE = 100, POLL_MS = 5000;
	const table = document.getElementById("rows"), form = document.getElementById("filters");
	const inside = document.getElementById("rows-inside"); // of a page that is a file by itself
	const columns = ["name", "system", "class", "version", "cause", "radius", "state"];
	let all = null, states = "", orders = {}, asked = null, page = 1, total = 0;

	const key = new URLSearchParams(location.search).get("key");
	const with_key = path => key ? path + (path.includes("?") ? "&" : "?") + "key=" + encodeURIComponent(key) : path;

	/* --- what is asked for ----------------------------------------------------------------------------------- */

	function read_form() {
		const of = name => (form.elements[name] ? form.elements[name].value : "");
		return { q: of("q"), class: of("class"), system: of("system"), cause: of("cause"), state: of("state"),
			attention: form.elements.attention.checked, sort: asked ? asked.sort : "" };
	}

	function read_address() {
		const query = new URLSearchParams(location.search || location.hash.replace(/^#\??/, "?"));
		const sort = query.get("sort") || "";
		page = Math.max(1, parseInt(query.get("page"), 10) || 1);
		return { q: query.get("q") || "", class: query.get("class") || "", system: query.get("system") || "",
			cause: query.get("cause") || "", state: query.get("state") || "", attention: query.get("attention") === "1",
			sort: columns.includes(sort.replace(/^-/, "")) ? sort : "" };
	}

	function address() {
		const query = new URLSearchParams();
		if (key)
			query.set("key", key);
		for (const name of ["q", "class", "system", "cause", "state"])
			if (asked[name])
				query.set(name, asked[name]);
		if (asked.attention)
			query.set("attention", "1");
		if (asked.sort)
			query.set("sort", asked.sort);
		if (page > 1)
			query.set("page", page);
		const text = query.toString();
		return inside ? "#" + (text ? "?" + text : "table") : location.pathname + (text ? "?" + text : "");
	}

	/* --- rows ------------------------------------------------------------------------------------------------- */

	function prepare(rows) {
		const n = rows.n;
		rows.low = new Array(n);
		for (let i = 0; i < n; i++)
			rows.low[i] = [rows.name[i], rows.also[i], rows.systems[rows.system[i]], rows.classes[rows.class[i]][1], rows.old[i],
				rows.new[i], rows.because[rows.cause[i]][0]].filter(Boolean).join("\n").toLowerCase();
		return rows;
	}

	const state_of = i => all.outcomes[states.charCodeAt(i) - 48] || ["", "", "calm", 8, 0];

	/* Numbers within a text as numbers, in any case. */
	const by_numbers = s => s.toLowerCase().replace(/[0-9]+/g, d => d.replace(/^0+(?=.)/, "").padStart(20, "0"));

	function keys_of(column) {
		const text = {
			name: i => all.name[i], system: i => all.systems[all.system[i]], class: i => all.classes[all.class[i]][1],
			version: i => all.new[i], cause: i => all.because[all.cause[i]][0],
		}[column];
		if (!text)
			return { of: Array.from({ length: all.n }, column === "radius" ? (_, i) => all.radius[i] : (_, i) => state_of(i)[3]) };
		const raw = Array.from({ length: all.n }, (_, i) => text(i)), known = new Map();
		const of = raw.map(s => known.get(s) || known.set(s, by_numbers(s)).get(s));
		return { of, raw };
	}

	function order_of(column) {
		if (!orders[column]) {
			const { of, raw } = keys_of(column);
			const less = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
			const order = Uint32Array.from({ length: all.n }, (_, i) => i);
			orders[column] = order.sort((a, b) => less(of[a], of[b]) || (raw ? less(raw[a], raw[b]) : 0) || a - b);
		}
		return orders[column];
	}

	function find() {
		const words = asked.q.toLowerCase().split(/\s+/).filter(Boolean).slice(0, 8);
		const cause = asked.cause ? all.causes.indexOf(asked.cause) : -1;
		const down = asked.sort.startsWith("-"), order = asked.sort ? order_of(asked.sort.replace(/^-/, "")) : null;
		const has_cause = asked.cause ? all.because.map(b => b.indexOf(cause, 1) > 0) : null;
		const ret = [];
		for (let k = 0; k < all.n; k++) {
			const place = down ? all.n - 1 - k : k, i = order ? order[place] : place;
			if (asked.class && all.classes[all.class[i]][0] !== asked.class)
				continue;
			if (asked.system && all.systems[all.system[i]] !== asked.system)
				continue;
			if (has_cause && !has_cause[all.cause[i]])
				continue;
			if ((asked.state && state_of(i)[0] !== asked.state) || (asked.attention && !state_of(i)[4]))
				continue;
			if (words.length > 0 && !words.every(w => all.low[i].includes(w)))
				continue;
			ret.push(i);
		}
		return ret;
	}

	/* --- showing ---------------------------------------------------------------------------------------------- */

	/* What cannot be seen, or turns the direction of what follows, is shown as the server shows it (support/text/escape.h). */
	const hidden = /[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb\u0080-\u009f]|[\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/gu;
	const seen = text => text.replace(hidden, c => "{U+" + c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0") + "}")
		.replace(/[\u0000-\u0008\u000b-\u001f]/g, c => String.fromCharCode(0x2400 + c.charCodeAt(0))).replace(/\u007f/g, "\u2421");
	const number = n => String(n).replace(/\B(?=([0-9]{3})+$)/g, ",");

	function cell(row, text, is) {
		const td = document.createElement("td");
		if (is)
			td.className = is;
		td.textContent = seen(text);
		row.append(td);
		return td;
	}

	function show_row(i) {
		const row = document.createElement("tr"), head = document.createElement("th"), outcome = state_of(i);
		head.scope = "row";
		if (inside) {
			head.textContent = seen(all.name[i]);
		} else {
			const link = document.createElement("a");
			link.href = with_key("/run/" + table.dataset.run + "/row/" + i);
			link.textContent = seen(all.name[i]);
			head.append(link);
		}
		if (all.also[i]) {
			const also = document.createElement("small");
			also.textContent = "also " + seen(all.also[i]);
			head.append(" ", also);
		}
		row.append(head);
		cell(row, all.systems[all.system[i]]);
		cell(row, all.classes[all.class[i]][1]);
		cell(row, all.new[i] ? all.old[i] + " → " + all.new[i] : "");
		cell(row, all.because[all.cause[i]][0]);
		cell(row, all.radius[i] >= 0 ? number(all.radius[i]) : "", "n");
		const last = cell(row, "");
		if (outcome[1]) {
			const tag = document.createElement("span");
			tag.className = "tag " + outcome[2];
			tag.textContent = outcome[1];
			last.append(tag);
		}
		return row;
	}

	function show_heads() {
		for (const link of table.tHead.querySelectorAll("a[data-column]")) {
			const column = link.dataset.column, here = asked.sort.replace(/^-/, "") === column;
			if (here)
				link.parentNode.setAttribute("aria-sort", asked.sort.startsWith("-") ? "descending" : "ascending");
			else
				link.parentNode.removeAttribute("aria-sort");
		}
	}

	function turn(by) {
		page += by;
		show(true);
		document.getElementById("table").scrollIntoView();
	}

	function button(words, by, off) {
		const b = document.createElement("button");
		b.type = "button";
		b.textContent = words;
		b.disabled = off;
		b.addEventListener("click", () => turn(by));
		return b;
	}

	function show_pages() {
		const section = table.parentNode, pages = Math.ceil(total / PAGE);
		let nav = section.querySelector("nav.pages");
		if (!nav) {
			nav = document.createElement("nav");
			nav.className = "pages";
			nav.setAttribute("aria-label", "Pages of the table");
			section.append(nav);
		}
		const had = nav.contains(document.activeElement) ? document.activeElement.textContent : "";
		const where = document.createElement("span");
		where.textContent = "Page " + number(page) + " of " + number(pages);
		nav.replaceChildren(button("Before", -1, page <= 1), where, button("Next", 1, page >= pages));
		nav.hidden = pages < 2;
		for (const b of nav.querySelectorAll("button"))
			if (b.textContent === had)
				b.focus();
	}

	function show(follow) {
		const found = find();
		total = found.length;
		page = Math.max(1, Math.min(page, Math.ceil(total / PAGE) || 1));
		const rows = document.createDocumentFragment();
		for (const i of found.slice((page - 1) * PAGE, page * PAGE))
			rows.append(show_row(i));
		table.tBodies[0].replaceChildren(rows);
		const words = (total === all.n ? number(total) : number(total) + " of " + number(all.n)) + " shown";
		const shown = document.getElementById("shown");
		if (shown.textContent !== words)
			shown.textContent = words;
		const reset = document.getElementById("all");
		if (reset)
			reset.hidden = total === all.n;
		show_heads();
		show_pages();
		const none = document.getElementById("none");
		if (none)
			none.hidden = total > 0;
		if (follow) {
			try {
				history.replaceState(null, "", address());
			} catch (e) {
				/* a page that is a file may not everywhere */
			}
		}
	}

	function changed() {
		asked = read_form();
		page = 1;
		show(true);
	}

	function listen() {
		form.addEventListener("input", changed);
		form.addEventListener("submit", event => {
			event.preventDefault();
			changed();
		});
		form.querySelector("button").hidden = true;
		table.tHead.addEventListener("click", event => {
			const link = event.target.closest("a[data-column]");
			if (!link || event.ctrlKey || event.metaKey || event.shiftKey)
				return;
			event.preventDefault();
			const column = link.dataset.column, was = asked.sort;
			asked.sort = was === column ? "-" + column : was === "-" + column ? column : (column === "radius" ? "-" : "") + column;
			page = 1;
			show(true);
		});
		const reset = document.getElementById("all");
		if (reset)
			reset.addEventListener("click", event => {
				event.preventDefault();
				fill_form({ q: "", class: "", system: "", cause: "", state: "", attention: false });
				changed();
				form.elements.q.focus();
			});
	}

	function fill_form(from) {
		for (const name of ["q", "class", "system", "cause", "state"])
			form.elements[name].value = from[name];
		form.elements.attention.checked = from.attention;
	}

	/* --- fetching --------------------------------------------------------------------------------------------- */

	async function get(path) {
		const answer = await fetch(with_key(path), { cache: "no-cache", credentials: "same-origin" });
		if (!answer.ok)
			throw Object.assign(new Error(path + ": " + answer.status), { gone: answer.status === 404 || answer.status === 410 });
		return answer;
	}

	/* Rows and their states are of one version; where they are not, the page was made anew in between. */
	async function load() {
		const run = "/run/" + table.dataset.run;
		const [rows, text] = await Promise.all([get(run + "/rows.json").then(a => a.json()), get(run + "/states.txt").then(a => a.text())]);
		const [version, codes] = text.split("\n");
		if (version !== rows.version)
			return false;
		all = prepare(rows);
		states = codes;
		orders = {};
		return true;
	}

	async function load_states() {
		const text = await (await get("/run/" + table.dataset.run + "/states.txt")).text();
		const [version, codes] = text.split("\n");
		if (version !== all.version)
			return load();
		if (codes === states)
			return false;
		states = codes;
		delete orders.state;
		return true;
	}

	/* A file by itself has neither offers nor heads that can be pressed before this. */
	function offer() {
		const counts = { class: {}, system: {}, cause: {}, state: {} };
		const count = (what, value, words) => {
			const at = counts[what][value] = counts[what][value] || { words, n: 0 };
			at.n++;
		};
		for (let i = 0; i < all.n; i++) {
			count("class", all.classes[all.class[i]][0], all.classes[all.class[i]][1]);
			count("system", all.systems[all.system[i]], all.systems[all.system[i]]);
			count("state", state_of(i)[0], state_of(i)[1]);
			for (const place of all.because[all.cause[i]].slice(1))
				count("cause", all.causes[place], all.causes[place]);
		}
		for (const what of Object.keys(counts))
			for (const [value, { words, n }] of Object.entries(counts[what]).slice(0, 100))
				if (value)
					form.elements[what].add(new Option(seen(words) + " (" + number(n) + ")", value));
		for (const head of table.tHead.querySelectorAll("[data-column]")) {
			const link = document.createElement("a");
			link.href = "#table";
			link.dataset.column = head.dataset.column;
			link.append(...head.childNodes);
			head.append(link);
		}
		form.hidden = false;
	}

	async function begin() {
		if (inside) {
			const rows = JSON.parse(inside.textContent);
			states = rows.states;
			all = prepare(rows);
			offer();
		} else if (!await load()) {
			return;
		}
		/* What was typed while rows were on their way counts. */
		asked = read_address();
		if (inside)
			fill_form(asked);
		const typed = read_form();
		const differs = ["q", "class", "system", "cause", "state", "attention"].some(name => typed[name] !== asked[name]);
		listen();
		if (differs)
			changed();
		else
			show(false);
		document.documentElement.dataset.ready = "1";
	}

	/* --- a run that goes on ----------------------------------------------------------------------------------- */

	const opened = part => new Set(Array.from(part.querySelectorAll("details[open] > summary"), s => s.textContent));

	function put(part, fresh) {
		if (part.innerHTML === fresh.innerHTML)
			return;
		const open = opened(part);
		part.replaceChildren(...fresh.childNodes);
		for (const s of part.querySelectorAll("details > summary"))
			if (open.has(s.textContent))
				s.parentNode.open = true;
	}

	async function again() {
		const text = await (await get(location.pathname)).text();
		const fresh = new DOMParser().parseFromString(text, "text/html");
		const above = fresh.getElementById("above"), live = above.dataset.live;
		if (!!fresh.getElementById("rows") !== !!table) {
			location.reload();
			return;
		}
		for (const id of ["above", "below"])
			put(document.getElementById(id), fresh.getElementById(id));
		if (table && all && await load_states())
			show(false);
		if (!live)
			delete document.getElementById("above").dataset.live;
		return !!live;
	}

	/* The server says when something is new; where it cannot (too many follow, a proxy), it is asked every few seconds. */
	let news = false, fetching = false;

	async function fetch_news() {
		if (fetching || document.hidden)
			return;
		fetching = true;
		while (news) {
			news = false;
			try {
				await again();
			} catch (e) {
				if (e.gone)
					break;
			}
		}
		fetching = false;
	}

	function follow() {
		const events = new EventSource(with_key("/run/" + above.dataset.live));
		events.onmessage = () => {
			news = true;
			fetch_news();
		};
		events.addEventListener("end", () => {
			events.close();
			news = true;
			fetch_news();
		});
		events.onerror = () => {
			if (events.readyState === EventSource.CLOSED)
				wait();
		};
		document.addEventListener("visibilitychange", fetch_news);
	}

	function wait() {
		setTimeout(() => {
			if (document.hidden)
				document.addEventListener("visibilitychange", wait, { once: true });
			else
				again().then(goes_on => goes_on && wait(), e => e.gone || wait());
		}, POLL_MS);
	}

	if (table && form)
		begin().catch(e => console.warn("the rows could not be had: " + e.message));
	const above = document.getElementById("above");
	if (above && above.dataset.live)
		follow();
})();
