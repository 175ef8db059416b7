// The log's page, better: lines come as one scrolls, a range can be chosen, a search goes through all of it, and it grows while the
// build runs. Every control is a link or a form that works without this.
'use strict';
(() => {
	const log = document.getElementById('log');
	if (!log || !log.querySelector('.block'))
		return;
	const MAX_BLOCKS = 6, NEAR = 1500;
	const state = document.getElementById('state'), count = document.getElementById('count');
	const more = document.getElementById('more'), found = document.getElementById('found');
	let params = new URLSearchParams(location.search), live = !!log.dataset.live, at_end = false;
	more.hidden = true;

	const blocks = () => log.querySelectorAll('.block');
	const data = (block, name) => Number(block.dataset[name]);

	async function ask(changes, part)
	{
		const q = new URLSearchParams(params);
		for (const name of ['from', 'to', 'find', 'find_from'])
			q.delete(name);
		for (const [name, value] of Object.entries(changes))
			q.set(name, value);
		q.set('part', part);
		const answer = await fetch('?' + q, { headers: { Accept: 'text/html' } });
		if (!answer.ok)
			throw new Error(answer.status);
		const holder = document.createElement('template');
		holder.innerHTML = await answer.text(); // ours, escaped by the server; the policy lets nothing of it run
		return holder.content.firstElementChild;
	}

	// One thing after the other; what fails leaves the links that were there.
	let last_one = Promise.resolve(), waiting = 0;
	function once(fn)
	{
		waiting++;
		log.setAttribute('aria-busy', 'true');
		last_one = last_one.then(fn).catch(() => {
			more.hidden = false;
		}).then(() => {
			if (--waiting === 0)
				log.removeAttribute('aria-busy');
		});
		return last_one;
	}

	async function replace(from, line)
	{
		const block = await ask({ from }, 'rows');
		log.replaceChildren(block);
		mark(line);
	}

	async function append()
	{
		const last = blocks()[blocks().length - 1], next = data(last, 'next');
		if (!next)
			return false;
		last.after(await ask({ from: next }, 'rows'));
		while (blocks().length > MAX_BLOCKS) {
			const first = blocks()[0], height = first.getBoundingClientRect().height;
			first.remove();
			scrollBy(0, -height);
		}
		return true;
	}

	async function prepend()
	{
		const first = blocks()[0], prev = data(first, 'prev'), to = data(first, 'first');
		if (!prev)
			return;
		const made = [];
		for (let from = prev; from && from < to;) {
			const block = await ask({ from, to }, 'rows');
			made.push(block);
			from = data(block, 'next');
		}
		const before = document.documentElement.scrollHeight;
		first.before(...made);
		scrollBy(0, document.documentElement.scrollHeight - before);
		while (blocks().length > MAX_BLOCKS + made.length)
			blocks()[blocks().length - 1].remove();
	}

	function on_scroll()
	{
		const box = log.getBoundingClientRect();
		at_end = box.bottom < innerHeight + 80;
		if (waiting)
			return;
		if (box.bottom < innerHeight + NEAR)
			once(append);
		else if (box.top > -NEAR)
			once(prepend);
	}
	addEventListener('scroll', on_scroll, { passive: true });

	// #L12 and #L12-L20.
	function chosen()
	{
		const m = /^#L(\d+)(?:-L?(\d+))?$/.exec(location.hash);
		if (!m)
			return null;
		const a = Number(m[1]), b = Number(m[2] ?? m[1]);
		return [Math.min(a, b), Math.max(a, b)];
	}

	function mark(scroll_to)
	{
		const range = chosen();
		log.querySelectorAll('.chosen').forEach(l => l.classList.remove('chosen'));
		if (range)
			for (let n = range[0]; n <= range[1] && n < range[0] + 5000; n++)
				document.getElementById('L' + n)?.classList.add('chosen');
		if (scroll_to)
			document.getElementById('L' + scroll_to)?.scrollIntoView({ block: 'center' });
	}

	function go(line)
	{
		return once(async () => {
			if (document.getElementById('L' + line))
				return mark(line);
			// Where it is folded away, its phase is opened.
			await replace(Math.max(1, line - 20), line);
			if (!document.getElementById('L' + line)) {
				params.set('fold', '0');
				await replace(Math.max(1, line - 20), line);
			}
			return undefined;
		});
	}

	function on_hash()
	{
		const range = chosen();
		if (range)
			go(range[0]);
	}
	addEventListener('hashchange', on_hash);

	function keep_address()
	{
		const q = new URLSearchParams(params);
		for (const name of ['part', 'find_from'])
			q.delete(name);
		history.replaceState(null, '', (q.size ? '?' + q : location.pathname) + location.hash);
	}

	log.addEventListener('click', event => {
		const link = event.target.closest('a');
		if (!link)
			return;
		if (link.classList.contains('fold')) {
			event.preventDefault();
			const find = params.get('find');
			params = new URLSearchParams(new URL(link.href).search);
			if (find)
				params.set('find', find);
			const line = params.get('from'), top = link.getBoundingClientRect().top;
			once(async () => {
				const first = Math.min(data(blocks()[0], 'first'), Number(line));
				await replace(first, 0);
				const header = document.getElementById('L' + line) ?? document.getElementById('P' + line);
				if (header) {
					scrollBy(0, header.getBoundingClientRect().top - top);
					header.querySelector('a').focus({ preventScroll: true });
				}
				params.delete('from');
				keep_address();
			});
		} else if (event.shiftKey && link.hash.startsWith('#L') && chosen()) {
			event.preventDefault();
			const [a, b] = chosen(), n = Number(link.hash.slice(2));
			history.replaceState(null, '', `#L${n < a ? n : a}-L${n < a ? b : n}`);
			mark();
		}
	});

	document.querySelector('.logbar').addEventListener('click', event => {
		const link = event.target.closest('a');
		if (!link)
			return;
		if (link.id === 'wrap') {
			event.preventDefault();
			const wide = log.classList.toggle('wide');
			wide ? params.set('wrap', 'off') : params.delete('wrap');
			link.textContent = wide ? 'Wrap long lines' : 'Do not wrap';
			keep_address();
		} else if (link.dataset.go === 'end') {
			event.preventDefault();
			once(async () => {
				await replace('end', 0);
				at_end = true;
				scrollTo(0, document.documentElement.scrollHeight);
			});
		} else if (link.dataset.go === 'top') {
			event.preventDefault();
			once(async () => {
				await replace(1, 0);
				log.scrollIntoView();
			});
		} else if (link.dataset.go) {
			event.preventDefault();
			location.hash = 'L' + link.dataset.go;
		}
	});
	document.querySelector('.phases')?.addEventListener('click', event => {
		const link = event.target.closest('a');
		if (link) {
			event.preventDefault();
			location.hash = 'L' + link.dataset.go;
		}
	});

	// All of it, piece by piece.
	let search = 0;
	document.getElementById('find').addEventListener('submit', event => {
		event.preventDefault();
		const text = document.getElementById('text').value, mine = ++search;
		found.replaceChildren();
		text ? params.set('find', text) : params.delete('find');
		keep_address();
		if (text)
			look(text, 1, mine).catch(() => { found.textContent = 'The log cannot be searched now.'; });
	});

	async function look(text, from, mine)
	{
		let list = null, n = 0;
		const says = document.createElement('p');
		while (from && n < 1000) {
			const block = await ask({ find: text, find_from: from }, 'found');
			if (mine !== search)
				return;
			from = data(block, 'next');
			n += data(block, 'found');
			if (list)
				list.append(...block.querySelectorAll('li'));
			else
				list = block.querySelector('ol');
			says.textContent = `${n} line${n === 1 ? '' : 's'} with "${text}"` + (from ? n < 1000 ? ', looking further' : ' and more' : '');
			if (!list.isConnected)
				found.replaceChildren(says, list);
		}
	}
	found.addEventListener('click', event => {
		const link = event.target.closest('a[data-line]');
		if (link) {
			event.preventDefault();
			location.hash = 'L' + link.dataset.line;
		}
	});

	// While the build runs. The last block is asked for again: it may have ended amid a line.
	async function grow(lines)
	{
		const last = blocks()[blocks().length - 1];
		if (data(last, 'next') === 0 || data(last, 'lines') < lines && !data(last, 'next')) {
			const block = await ask({ from: data(last, 'first') }, 'rows');
			last.replaceWith(block);
			mark();
		}
		while (at_end && data(blocks()[blocks().length - 1], 'next') && await append())
			;
		if (at_end)
			scrollTo(0, document.documentElement.scrollHeight);
	}

	if (live) {
		const key = params.get('key');
		const events = new EventSource(location.pathname + (key ? '?key=' + encodeURIComponent(key) : ''));
		const told = event => {
			const { lines, state: word } = JSON.parse(event.data);
			state.textContent = word.replaceAll('_', ' ');
			count.textContent = `${lines} line${lines === 1 ? '' : 's'}` + (event.type === 'end' ? '' : ', and it goes on');
			once(() => grow(lines));
		};
		events.onmessage = told;
		events.addEventListener('end', event => {
			events.close();
			told(event);
		});
	}

	on_hash();
	on_scroll();
})();
