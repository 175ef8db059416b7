/* Where a change goes: what is rebuilt, by the number of steps from what differs by itself. */
#include "report/view_part.h"

#include "report/words.h"

#include <string.h>

enum { MAX_ROWS = 10, BAR = 30 };

/* One row, which may stand for several distances. */
static void
add_row(const struct view *v, struct value_list *rows, const char *steps, const struct difference_radius *n, int64_t most)
{
	static const char bar[BAR + 1] = "##############################";
	struct values *row = values_new(&v->m->a);
	double share = most > 0 ? (double)n->derivations / (double)most : 0;
	size_t length = n->derivations > 0 ? (size_t)(share * BAR + 0.999) : 0;

	values_text(row, "steps", steps);
	put_number(v, row, "derivations", n->derivations);
	put_number(v, row, "attributes", n->attributes);
	values_text(row, "says",
	    arena_printf(&v->m->a, "%s, %s", words_count(&v->m->a, n->derivations, "derivation", "derivations"),
	        words_count(&v->m->a, n->attributes, "attribute", "attributes")));
	values_text(row, "share", arena_printf(&v->m->a, "%.1f", share * 100));
	values_text(row, "bar", arena_strn(&v->m->a, bar, length < BAR ? length : BAR));
	value_list_group(rows, row);
}

static void
add_to(struct difference_radius *sum, const struct difference_radius *n)
{
	sum->attributes += n->attributes;
	sum->derivations += n->derivations;
}

/* The rows' sums: the first distances each, what is farther in the last one. */
static size_t
rows_of(const struct difference_distances *d, struct difference_radius sums[MAX_ROWS])
{
	size_t n = d->longest < MAX_ROWS ? (size_t)(d->longest + 1) : MAX_ROWS;

	memset(sums, 0, MAX_ROWS * sizeof(*sums));
	for (size_t i = 0; i < d->at.n; i++)
		add_to(&sums[i < n ? i : n - 1], &d->at.p[i]);
	add_to(&sums[n - 1], &d->beyond);
	return n;
}

void
view_distances(const struct view *v, struct values *obj)
{
	const struct difference_distances *d = v->m->distances;
	struct difference_radius sums[MAX_ROWS], all = {0};
	struct arena *a = &v->m->a;
	int64_t most = 0;

	if (d == NULL || d->longest < 1 || !v->m->wishes.rebuild_impact.enabled || v->limits->roots == 0)
		return;
	struct values *where = values_new(a);
	struct value_list *rows = value_list_new(a);
	size_t n = rows_of(d, sums);
	for (size_t i = 0; i < n; i++) {
		add_to(&all, &sums[i]);
		most = sums[i].derivations > most ? sums[i].derivations : most;
	}
	most = d->none.derivations > most ? d->none.derivations : most;
	for (size_t i = 0; i < n; i++)
		add_row(v, rows,
		    i + 1 < n || d->longest < MAX_ROWS ? words_number(a, (int64_t)i)
		                                       : arena_printf(a, "%zu to %s", i, words_number(a, d->longest)),
		    &sums[i], most);
	if (d->none.derivations > 0)
		add_row(v, rows, "none below", &d->none, most);
	values_text(where, "derivations", words_count(a, all.derivations, "derivation", "derivations"));
	values_text(where, "longest", words_count(a, d->longest, "step", "steps"));
	values_flag(where, "others", d->none.derivations > 0);
	values_list(where, "rows", rows);
	values_group(obj, "where", where);
}
