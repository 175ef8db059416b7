/* The self-contained page. */
#include "report/html.h"

#include "report/run_page.h"
#include "report/view_part.h"
#include "report/words.h"
#include "support/text/escape.h"
#include "support/text/json.h"
#include "support/text/template.h"

#include <string.h>

enum { MAX_PAGE_BYTES = 512 * 1024 * 1024, MAX_ROWS = 300 /* in the document; its script has them all */ };

static void
cell(struct buf *b, const char *s)
{
	buf_puts(b, "<td>");
	escape_add(b, ESCAPE_HTML, str_of(s));
	buf_puts(b, "</td>");
}

static void
outcome_cell(struct view *v, struct buf *b, const struct changed_attr *at)
{
	uint8_t state = table_state(at->class, at->build != NULL ? at->state : BUILD_NONE, at->blame);
	const struct table_outcome o = table_outcome(&v->m->a, state);

	if (*o.words != '\0')
		buf_printf(b, "<td><span class=\"tag %s\">%s</span></td>", o.tone, o.words);
	else
		buf_puts(b, "<td></td>");
}

static void
write_row(struct view *v, struct buf *b, const struct changed_attr *at)
{
	const struct difference_radius *radius = at->is->radius;
	const char *because = run_page_because(v, at), *old = at->version_old, *new = at->version_new;

	buf_puts(b, "<tr><th scope=\"row\">");
	escape_add(b, ESCAPE_HTML, str_of(at->name));
	buf_puts(b, "</th>");
	cell(b, at->system);
	cell(b, class_words[at->class].label);
	cell(b, old == NULL
	            ? ""
	            : arena_printf(&v->m->a, "%s \xe2\x86\x92 %s", *old != '\0' ? old : "none", *new != '\0' ? new : "none"));
	cell(b, because != NULL ? because : "");
	buf_printf(b, "<td class=\"n\">%s</td>", radius != NULL ? words_number(&v->m->a, radius->attributes) : "");
	outcome_cell(v, b, at);
	buf_puts(b, "</tr>\n");
}

/* The first rows, for who reads without a script; returns how many there are in all. */
static size_t
write_first_rows(struct view *v, struct buf *b)
{
	size_t n = 0;

	for (size_t i = 0; i < v->m->n_attrs; i++) {
		if (v->m->attrs[i].alias)
			continue;
		if (n++ < MAX_ROWS)
			write_row(v, b, &v->m->attrs[i]);
	}
	return n;
}

/* All rows, and their states as one more member. */
static int
write_rows(struct model *m, struct buf *to, struct err *e)
{
	AUTO(buf_release) struct buf table, json, states, all;
	char version[17];

	buf_init(&table, TABLE_MAX_BYTES);
	buf_init(&json, MAX_PAGE_BYTES);
	buf_init(&states, MAX_PAGE_BYTES);
	buf_init(&all, MAX_PAGE_BYTES);
	if (run_page_rows(m, &table, &json, &states, version, e) != 0)
		return -1;
	struct str codes, text = str_trim(buf_get(&json));
	(void)str_cut(buf_get(&states), '\n', &codes);
	buf_puts(&all, "{\"states\":");
	(void)json_quote(str_trim(codes), &all);
	buf_putc(&all, ',');
	buf_str(&all, str_from(text, 1));
	escape_script(to, buf_get(&all));
	return all.over || to->over ? fail(e, ERR_LIMIT, "the HTML report grew over %d bytes", MAX_PAGE_BYTES) : 0;
}

static const char *
file_text(struct model *m, const char *name)
{
	return template_find(name).p != NULL ? str_dup(&m->a, template_find(name)) : "";
}

int
html_report(struct model *m, const struct verdict *v, struct buf *out, struct err *e)
{
	const struct limits limits = run_page_limits();
	struct view view = {m, &limits};
	AUTO(buf_release) struct buf first, rows;
	struct values *obj = view_new(m, v, &limits, false);
	size_t n = 0;

	run_page_causes(m, obj);
	buf_init(&first, MAX_PAGE_BYTES);
	buf_init(&rows, MAX_PAGE_BYTES);
	if (m->outcome == OUTCOME_COMPARED) {
		n = write_first_rows(&view, &first);
		if (n > 0 && write_rows(m, &rows, e) != 0)
			return -1;
	}
	values_flag(obj, "has_rows", n > 0);
	put_number(&view, obj, "all_n", (int64_t)n);
	put_number(&view, obj, "rows_n", MAX_ROWS);
	values_flag(obj, "rows_left", n > MAX_ROWS);
	values_text(obj, "rows_html", first.p); /* these two live until the template is rendered */
	values_text(obj, "rows_json_html", rows.p);
	values_text(obj, "style_html", file_text(m, "style.css"));
	values_text(obj, "script_html", file_text(m, "run.js"));
	if (!str_same(m->facts.run.repo, ".")) /* where the command ran, which says nothing to a reader */
		values_text(obj, "repo", m->facts.run.repo);
	if (m->facts.run.number > 0)
		values_text(obj, "number", arena_printf(&m->a, "%lld", (long long)m->facts.run.number));
	return template_render("report.html", obj, out, e);
}
