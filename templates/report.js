"use strict";
(function () {
	const table = document.getElementById("all");
	if (!table)
		return;
	const body = table.tBodies[0], rows = Array.from(body.rows);
	const text = document.getElementById("text"), kind = document.getElementById("kind"), shown = document.getElementById("shown");
	const low = rows.map((row) => row.textContent.toLowerCase());
	const kinds = rows.map((row) => row.cells[2].textContent);
	for (const k of Array.from(new Set(kinds)).sort())
		kind.add(new Option(k, k));
	document.querySelector(".find").hidden = false;

	function filter() {
		const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
		let n = 0;
		rows.forEach((row, i) => {
			const fits = (kind.value === "" || kinds[i] === kind.value) && words.every((w) => low[i].includes(w));
			row.hidden = !fits;
			n += fits;
		});
		shown.textContent = n === rows.length ? "" : n + " of " + rows.length;
	}
	text.addEventListener("input", filter);
	kind.addEventListener("change", filter);

	const number = (s) => Number(s.replace(/,/g, "")) || 0;
	Array.from(table.tHead.rows[0].cells).forEach((head, column) => {
		const button = document.createElement("button");
		button.type = "button";
		button.append(...head.childNodes);
		head.append(button);
		button.addEventListener("click", () => {
			const was = head.getAttribute("aria-sort");
			const down = was === null ? head.className === "n" : was === "ascending";
			const order = new Map(rows.map((row) => [row, row.cells[column].textContent]));
			const compare = head.className === "n" ? (a, b) => number(a) - number(b) : (a, b) => (a < b ? -1 : a > b ? 1 : 0);
			for (const other of table.tHead.rows[0].cells)
				if (other !== head)
					other.removeAttribute("aria-sort");
			head.setAttribute("aria-sort", down ? "descending" : "ascending");
			body.append(...rows.slice().sort((a, b) => (down ? -1 : 1) * compare(order.get(a), order.get(b))));
		});
	});
})();
