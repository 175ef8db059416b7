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

static void
cell(struct buf *b, const char *s)
{
	buf_puts(b, "<td>");
	escape_add(b, ESCAPE_HTML, str_of(s));
}

static void
build_cell(struct buf *b, const struct changed_attr *at)
{
	const char *log = at->build != NULL ? at->build->log_url : NULL;
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
version_cell(struct buf *b, const struct changed_attr *at)
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
		const struct changed_attr *at = &v->m->attrs[i];
		const struct difference_radius *radius = at->is->radius;
		const struct paths aliases = at->is->aliases;
		const char *because = view_because(v, at, false);
		const char *red =
		    at->blame == BLAME_NEWLY || at->class == CLASS_NEWLY_FAILING || at->class == CLASS_ADDED_FAILING
		        ? " class=broke"
		        : "";

		if (at->alias)
			continue;
		buf_printf(b, "<tr%s>", red);
		cell(b, at->name);
		for (size_t k = 0; k < aliases.n; k++) {
			buf_puts(b, k == 0 ? " <small>also " : ", ");
			escape_add(b, ESCAPE_HTML, str_of(model_attr_name(&v->m->a, aliases.p[k])));
		}
		buf_puts(b, aliases.n > 0 ? "</small>" : "");
		buf_puts(b, "<td class=s>");
		escape_add(b, ESCAPE_HTML, str_of(at->system));
		buf_printf(b, "<td class=s>%s", class_words[at->class].label);
		version_cell(b, at);
		cell(b, because != NULL ? because : "");
		buf_printf(b, "<td class=n>%s", radius != NULL ? words_number(&v->m->a, radius->attributes) : "");
		build_cell(b, at);
		buf_putc(b, '\n');
	}
}

/* A bar a root: its name above, its share of the widest, which is the first, below. */
static void
write_picture(const struct view *v, struct buf *b)
{
	struct view_root *roots;
	size_t all = view_collect_roots(v->m, &roots), n = all < MAX_BARS ? all : MAX_BARS;
	int64_t most = n > 0 && roots[0].attributes > 1 ? roots[0].attributes : 1;

	if (n == 0 || !v->m->wishes.rebuild_impact.enabled)
		return;
	buf_printf(b, "<svg viewBox=\"0 0 %d %zu\" role=\"img\" aria-label=\"how far each root spreads\">\n", BAR_WIDTH,
	    n * BAR_HEIGHT);
	for (size_t i = 0; i < n; i++) {
		size_t y = i * BAR_HEIGHT;
		buf_printf(b, "<text x=\"0\" y=\"%zu\">", y + 13);
		escape_add(b, ESCAPE_HTML, str_of(words_cut(&v->m->a, roots[i].name, MAX_LABEL_BYTES)));
		buf_printf(b, "</text><text x=\"%d\" y=\"%zu\" text-anchor=\"end\">%s</text>", BAR_WIDTH, y + 13,
		    words_number(&v->m->a, roots[i].attributes));
		buf_printf(b, "<rect x=\"0\" y=\"%zu\" width=\"%lld\" height=\"12\" rx=\"3\"/>\n", y + 18,
		    (long long)(3 + (BAR_WIDTH - 3) * roots[i].attributes / most));
	}
	buf_puts(b, "</svg>");
}

int
html_report(struct model *m, const struct verdict *v, struct buf *out, struct err *e)
{
	struct limits limits = limits_none();
	struct view view = {m, &limits};
	struct values *obj;
	AUTO(buf_release) struct buf rows = {0}, picture = {0};

	limits.packages_elsewhere = true; /* in the table */
	limits.nodes = 0;
	obj = view_new(m, v, &limits, false);
	buf_init(&rows, MAX_PAGE_BYTES);
	buf_init(&picture, 1 << 20);
	if (m->outcome == OUTCOME_COMPARED) {
		write_rows(&view, &rows);
		write_picture(&view, &picture);
		if (rows.over)
			return fail(e, ERR_LIMIT, "the HTML report grew over %d bytes", MAX_PAGE_BYTES);
	}
	values_text(obj, "rows_html", rows.p); /* both live until the template is rendered */
	values_text(obj, "picture_html", picture.p);
	values_text(obj, "style_html",
	    template_find("report.css").p != NULL ? str_dup(&m->a, template_find("report.css")) : "");
	values_text(obj, "script_html", template_find("report.js").p != NULL ? str_dup(&m->a, template_find("report.js")) : "");
	if (!str_same(m->facts.run.repo, ".")) /* where the command ran, which says nothing to a reader */
		values_text(obj, "repo", m->facts.run.repo);
	put_number(&view, obj, "attributes", (int64_t)m->n_attrs);
	if (m->facts.run.number > 0)
		values_text(obj, "number", arena_printf(&m->a, "%lld", (long long)m->facts.run.number));
	return template_render("report.html", obj, out, e);
}
