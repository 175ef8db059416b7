/* What changed between the last two heads. */
#include "web/since.h"

#include "records/difference.h"
#include "support/base/map.h"
#include "web/failures.h"
#include "web/page_data.h"

#include <string.h>

enum { SHOWN = 100 };

static bool
counts_of(struct page *p, const struct view_run *r, struct difference_counts *ret)
{
	struct err e;

	return r->counts != NULL && fields_read(&difference_counts_fields, p->a, str_of(r->counts), "counts", ret, &e) == 0;
}

static void
add_count(struct page *p, struct since_told *to, struct value_list *list, const char *name, const char *words, int64_t before,
    int64_t now)
{
	struct values *o;

	if (before == now)
		return;
	to->counts.p[to->counts.n++] = (struct count_line){name, before, now};
	o = values_new(p->a);
	page_set(o, "what", words);
	values_number(o, "before", before);
	values_number(o, "now", now);
	value_list_group(list, o);
}

static const char *
key_of(struct arena *a, const struct failure_told *f)
{
	return arena_printf(a, "%s\n%s\n%s", f->what != NULL ? f->what : "", f->name != NULL ? f->name : "",
	    f->system != NULL ? f->system : "");
}

/* What fails in `in` and not in `out`, by this change's doing or not. */
static struct failing_lines
only_in(struct page *p, const struct failures_told *in, const struct failures_told *out, struct value_list *list)
{
	struct failing_lines all = {arena_alloc(p->a, (in->failures.n + 1) * sizeof(*all.p)), 0};
	struct map there = {0};

	for (size_t i = 0; i < out->failures.n; i++)
		(void)map_add(&there, str_of(key_of(p->a, &out->failures.p[i])), NULL);
	for (size_t i = 0; i < in->failures.n && all.n < SHOWN; i++) {
		const struct failure_told *f = &in->failures.p[i];
		if (map_get(&there, str_of(key_of(p->a, f))) != NULL)
			continue;
		all.p[all.n++] = (struct failing_line){f->name, f->system, f->what};
		struct values *o = values_new(p->a);
		page_set(o, "name", f->name);
		page_set(o, "system", f->system);
		page_set(o, "kind", f->what);
		value_list_group(list, o);
	}
	map_release(&there);
	return all;
}

int
since_last_head(struct page *p, struct values *data, struct since_told *ret, struct err *e)
{
	struct difference_counts before = {0}, now = {0};
	const struct view_run *newest = NULL, *older = NULL;
	struct failures_told failed_before = {0}, fails_now = {0};

	(void)e;
	for (size_t i = 0; i < p->n_runs && older == NULL; i++) {
		struct difference_counts *into = newest == NULL ? &now : &before;
		if (newest != NULL && strcmp(newest->head, p->runs[i].head) == 0)
			continue;
		if (!counts_of(p, &p->runs[i], into))
			continue;
		*(newest == NULL ? &newest : &older) = &p->runs[i];
	}
	if (older == NULL)
		return 0;
	struct err none;
	bool both =
	    failures_read(p, older->id, &failed_before, &none) == 0 && failures_read(p, newest->id, &fails_now, &none) == 0;
	struct value_list *counts = value_list_new(p->a), *worse = value_list_new(p->a), *better = value_list_new(p->a);
	struct values *o = values_new(p->a);
	*ret = (struct since_told){.before = older->head, .now = newest->head};
	ret->counts.p = arena_alloc(p->a, (CLASSES + 1) * sizeof(*ret->counts.p));
	add_count(p, ret, counts, "rebuild_derivations", "derivations to build", before.total.rebuild_derivations,
	    now.total.rebuild_derivations);
	for (int class = 0; class < CLASSES; class ++)
		add_count(p, ret, counts, class_words[class].figures, class_words[class].figures, before.total.of[class],
		    now.total.of[class]);
	ret->fails_now.p = ret->fails_no_more.p = arena_alloc(p->a, sizeof(*ret->fails_now.p));
	if (both) {
		ret->fails_now = only_in(p, &fails_now, &failed_before, worse);
		ret->fails_no_more = only_in(p, &failed_before, &fails_now, better);
	}
	page_set(o, "before_short", arena_strn(p->a, older->head, strnlen(older->head, 10)));
	page_set(o, "now_short", arena_strn(p->a, newest->head, strnlen(newest->head, 10)));
	values_list(o, "counts", counts);
	values_flag(o, "has_counts", counts->n > 0);
	values_list(o, "worse", worse);
	values_flag(o, "has_worse", worse->n > 0);
	values_list(o, "better", better);
	values_flag(o, "has_better", better->n > 0);
	values_flag(o, "same", counts->n == 0 && worse->n == 0 && better->n == 0);
	values_group(data, "since", o);
	return 1;
}
