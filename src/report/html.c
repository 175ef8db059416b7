/* The self-contained page. */
#include "report/html.h"

#include "report/view_part.h"
#include "report/words.h"
#include "support/text/escape.h"
#include "support/text/template.h"

#include <string.h>

enum {
	MAX_PAGE_BYTES = 512 * 1024 * 1024,
	MAX_BARS = 8,
	BAR_WIDTH = 360, /* a phone's width; the picture grows with the page */
	BAR_HEIGHT = 38,
	MAX_LABEL_BYTES = 42
};

static const char *
words_of(enum change c)
{
	switch (c) {
	case CHANGE_ADDED: return "added";
	case CHANGE_REMOVED: return "removed";
	case CHANGE_REBUILD: return "rebuild";
	case CHANGE_DERIVATION_ONLY: return "same output";
	case CHANGE_NEWLY_FAILING: return "newly failing to evaluate";
	case CHANGE_FIXED: return "fixed";
	case CHANGE_STILL_FAILING: return "still failing to evaluate";
	case CHANGE_SWITCHED: return "switched to what the base has";
	case CHANGE_ADDED_FAILING: return "new and failing to evaluate";
	case CHANGE_REMOVED_FAILING: return "failing evaluation gone";
	case CHANGE_UNTOLD: return "could not be told";
	case CHANGE_UNCHANGED:
	case CHANGES: break;
	}
	return "";
}

static void
cell(struct buf *b, const char *s)
{
	buf_puts(b, "<td>");
	escape_add(b, ESCAPE_HTML, str_of(s));
}

static void
build_cell(struct buf *b, const struct attr *at)
{
	const char *log = json_str(at->build, "log_url", NULL);
	const char *blame = at->blame == BLAME_NEWLY ? ", newly" : at->blame == BLAME_STILL ? ", as on the base" : "";

	buf_puts(b, "<td>");
	if (at->build == NULL)
		return;
	bool link = log != NULL && escape_link_ok(str_of(log));
	if (link) {
		buf_puts(b, "<a href=\"");
		escape_add(b, ESCAPE_HTML, str_of(log));
		buf_puts(b, "\">");
	}
	buf_printf(b, "%s%s%s", build_state_words(at->state), blame, link ? "</a>" : "");
}

static void
version_cell(struct buf *b, const struct attr *at)
{
	if (at->version_old == NULL) {
		buf_puts(b, "<td>");
		return;
	}
	cell(b, *at->version_old != '\0' ? at->version_old : "none");
	buf_puts(b, " \xe2\x86\x92 ");
	escape_add(b, ESCAPE_HTML, str_of(*at->version_new != '\0' ? at->version_new : "none"));
}

static void
write_rows(const struct view *v, struct buf *b)
{
	for (size_t i = 0; i < v->m->n_attrs; i++) {
		const struct attr *at = &v->m->attrs[i];
		const json_t *radius = json_object_get(at->json, "radius"), *aliases = json_object_get(at->json, "aliases");
		const char *because = view_because(v, at, false);
		const char *red =
		    at->blame == BLAME_NEWLY || at->change == CHANGE_NEWLY_FAILING || at->change == CHANGE_ADDED_FAILING
		        ? " class=broke"
		        : "";

		if (at->alias)
			continue;
		buf_printf(b, "<tr%s>", red);
		cell(b, at->name);
		for (size_t k = 0; k < json_array_size(aliases); k++) {
			buf_puts(b, k == 0 ? " <small>also " : ", ");
			escape_add(b, ESCAPE_HTML, str_of(model_attr_name(&v->m->a, json_array_get(aliases, k))));
		}
		buf_puts(b, json_array_size(aliases) > 0 ? "</small>" : "");
		buf_puts(b, "<td class=s>");
		escape_add(b, ESCAPE_HTML, str_of(at->system));
		buf_printf(b, "<td class=s>%s", words_of(at->change));
		version_cell(b, at);
		cell(b, because != NULL ? because : "");
		buf_printf(b, "<td class=n>%s",
		    json_is_object(radius) ? words_number(&v->m->a, json_int(radius, "attributes", 0)) : "");
		build_cell(b, at);
		buf_putc(b, '\n');
	}
}

/* A bar a root: its name above, its share of the widest below. items are the view's roots. */
static void
write_picture(const struct view *v, const json_t *items, struct buf *b)
{
	size_t n = json_array_size(items) < MAX_BARS ? json_array_size(items) : MAX_BARS;
	int64_t most = 1;

	for (size_t i = 0; i < n; i++) {
		int64_t radius = json_int(json_array_get(items, i), "radius", 0);
		most = radius > most ? radius : most;
	}
	buf_printf(b, "<svg viewBox=\"0 0 %d %zu\" role=\"img\" aria-label=\"how far each root spreads\">\n", BAR_WIDTH,
	    n * BAR_HEIGHT);
	for (size_t i = 0; i < n; i++) {
		const json_t *item = json_array_get(items, i);
		int64_t radius = json_int(item, "radius", 0);
		size_t y = i * BAR_HEIGHT;
		buf_printf(b, "<text x=\"0\" y=\"%zu\">", y + 13);
		escape_add(b, ESCAPE_HTML, str_of(words_cut(&v->m->a, json_str(item, "name", ""), MAX_LABEL_BYTES)));
		buf_printf(b, "</text><text x=\"%d\" y=\"%zu\" text-anchor=\"end\">%s</text>", BAR_WIDTH, y + 13,
		    words_number(&v->m->a, radius));
		buf_printf(b, "<rect x=\"0\" y=\"%zu\" width=\"%lld\" height=\"12\" rx=\"3\"/>\n", y + 18,
		    (long long)(3 + (BAR_WIDTH - 3) * radius / most));
	}
	buf_puts(b, "</svg>");
}

int
html_report(struct model *m, const struct verdict *v, struct buf *out, struct err *e)
{
	struct limits limits = view_no_limits();
	struct view view = {m, &limits};
	AUTO(json_drop) json_t *obj = NULL;
	AUTO(buf_release) struct buf rows = {0}, picture = {0};

	limits.packages_elsewhere = true; /* in the table */
	limits.nodes = 0;
	obj = view_new(m, v, &limits, false);
	buf_init(&rows, MAX_PAGE_BYTES);
	buf_init(&picture, 1 << 20);
	if (m->outcome == OUTCOME_COMPARED) {
		const json_t *roots = json_at(obj, "roots.items");
		write_rows(&view, &rows);
		if (json_array_size(roots) > 0)
			write_picture(&view, roots, &picture);
		if (rows.over)
			return fail(e, ERR_LIMIT, "the HTML report grew over %d bytes", MAX_PAGE_BYTES);
	}
	put_text(obj, "rows_html", rows.p);
	put_text(obj, "picture_html", picture.p);
	put_text(obj, "style_html", template_find("report.css").p != NULL ? str_dup(&m->a, template_find("report.css")) : "");
	put_text(obj, "script_html", template_find("report.js").p != NULL ? str_dup(&m->a, template_find("report.js")) : "");
	if (strcmp(json_str(m->run, "repo", "."), ".") != 0) /* where the command ran, which says nothing to a reader */
		put_text(obj, "repo", json_str(m->run, "repo", NULL));
	put_number(&view, obj, "attributes", (int64_t)m->n_attrs);
	if (json_int(m->run, "number", 0) > 0)
		put_text(obj, "number", arena_printf(&m->a, "%lld", (long long)json_int(m->run, "number", 0)));
	return template_render("report.html", obj, out, e);
}
