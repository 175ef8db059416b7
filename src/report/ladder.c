/* Fitting a text into GitHub's limits. */
#include "report/ladder.h"

#include "support/text/template.h"

static const struct limits steps[] = {
    {.listed = 1000, .roots = 20, LIMITS_SHOWN},
    {.listed = 250,
        .roots = 10,
        .failures = 20,
        .folded = 25,
        .tail_lines = 12,
        .error_bytes = 800,
        .name_bytes = 160,
        .nodes = 16,
        .rules = 30},
    {.listed = 100,
        .roots = 10,
        .failures = 20,
        .folded = 25,
        .tail_lines = 8,
        .error_bytes = 600,
        .name_bytes = 120,
        .nodes = 16,
        .rules = 20},
    {.listed = 50,
        .roots = 5,
        .failures = 15,
        .folded = 15,
        .tail_lines = 6,
        .error_bytes = 500,
        .name_bytes = 120,
        .nodes = 12,
        .rules = 12},
    {.listed = 25,
        .roots = 5,
        .failures = 10,
        .folded = 10,
        .tail_lines = 5,
        .error_bytes = 400,
        .name_bytes = 100,
        .nodes = 12,
        .rules = 10},
    {.listed = 10,
        .roots = 5,
        .failures = 10,
        .folded = 5,
        .tail_lines = 3,
        .error_bytes = 200,
        .name_bytes = 80,
        .nodes = 8,
        .rules = 5},
    {.listed = 0,
        .roots = 3,
        .failures = 5,
        .folded = 0,
        .tail_lines = 0,
        .error_bytes = 100,
        .name_bytes = 60,
        .nodes = 0,
        .rules = 3},
    {.listed = 0,
        .roots = 0,
        .failures = 0,
        .folded = 0,
        .tail_lines = 0,
        .error_bytes = 100,
        .name_bytes = 40,
        .nodes = 0,
        .rules = 2},
};

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static struct limits
lower(const struct limits *a, const struct limits *b)
{
	return (struct limits){
	    .listed = least(a->listed, b->listed),
	    .roots = least(a->roots, b->roots),
	    .failures = least(a->failures, b->failures),
	    .folded = least(a->folded, b->folded),
	    .tail_lines = least(a->tail_lines, b->tail_lines),
	    .error_bytes = least(a->error_bytes, b->error_bytes),
	    .name_bytes = least(a->name_bytes, b->name_bytes),
	    .nodes = least(a->nodes, b->nodes),
	    .rules = least(a->rules, b->rules),
	};
}

static bool
same(const struct limits *a, const struct limits *b)
{
	return a->listed == b->listed && a->roots == b->roots && a->failures == b->failures && a->folded == b->folded &&
	       a->tail_lines == b->tail_lines && a->error_bytes == b->error_bytes && a->name_bytes == b->name_bytes &&
	       a->nodes == b->nodes && a->rules == b->rules;
}

int
ladder_render(struct model *m, const struct verdict *v, const char *name, struct buf *out, struct err *e)
{
	const struct limits asked = limits_asked(m);
	struct limits last = asked;

	for (size_t i = 0; i <= COUNT(steps); i++) {
		struct limits l = i == 0 ? asked : lower(&asked, &steps[i - 1]);
		if (i > 0 && same(&l, &last))
			continue;
		last = l;
		struct values *view = view_new(m, v, &l, i > 0);
		AUTO(buf_release) struct buf text = {0};
		buf_init(&text, 256u << 20);
		if (template_render(name, view, &text, e) != 0)
			return -1;
		if (text.n > LADDER_MAX_BYTES)
			continue;
		buf_drop(out, out->n);
		buf_str(out, str_trim(buf_get(&text)));
		buf_putc(out, '\n');
		return 0;
	}
	return fail(e, ERR_LIMIT, "%s: not even the shortest form fits into %d bytes", name, LADDER_MAX_BYTES);
}

int
ladder_render_whole(struct model *m, const struct verdict *v, const char *name, bool colour, const struct limits *limits,
    struct buf *out, struct err *e)
{
	static const char *const colours[][2] = {{"bold", "\x1b[1m"}, {"red", "\x1b[31m"}, {"green", "\x1b[32m"},
	    {"yellow", "\x1b[33m"}, {"plain", "\x1b[0m"}};
	struct values *view = view_new(m, v, limits, false);

	for (size_t i = 0; colour && i < COUNT(colours); i++)
		values_text(view, colours[i][0], colours[i][1]);
	return template_render(name, view, out, e);
}
