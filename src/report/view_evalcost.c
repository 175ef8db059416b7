/* What evaluating costs, where that changed, and the evaluator's warnings that are new. */
#include "report/view_part.h"

#include "report/words.h"

#include <stdlib.h>

enum {
	LEAST_PERCENT = 1, /* of a change that is spoken of at all */
	MAX_WARNINGS = 10,
	MAX_WORDS = 300
};

static int64_t
change_of(int64_t base, int64_t head)
{
	return head - base;
}

/* "+21 %" */
static const char *
percent(const struct view *v, double n)
{
	return arena_printf(&v->m->a, "%s%.*f %%", n < 0 ? "\xe2\x88\x92" : "+", n > -10 && n < 10 ? 1 : 0, n < 0 ? -n : n);
}

/* "83 % of it" */
static const char *
share(const struct view *v, const struct evaluation_cost *cost, const struct cost_part *part)
{
	double n = 100.0 * (double)change_of(part->base, part->head) / (double)change_of(cost->base, cost->head);

	return n >= 99.5 ? "all of it" : arena_printf(&v->m->a, "%.0f %% of it", n);
}

/* The narrowest that has nearly all of the change; else what has most of it at the top, in the same direction. */
static const struct cost_part *
part_to_name(const struct evaluation_cost *cost)
{
	if (cost->where.n > 0)
		return &cost->where.p[cost->where.n - 1];
	for (size_t i = 0; i < cost->sets.n; i++)
		if ((change_of(cost->sets.p[i].base, cost->sets.p[i].head) < 0) == (change_of(cost->base, cost->head) < 0))
			return &cost->sets.p[i];
	return NULL;
}

static void
put_part(const struct view *v, struct values *item, const struct evaluation_cost *cost)
{
	const struct cost_part *part = part_to_name(cost);
	struct values *named = values_new(&v->m->a);
	const char *path;
	int64_t line;

	if (part == NULL)
		return;
	values_text(named, "share", share(v, cost, part));
	put_code(v, named, "name", model_attr_name(&v->m->a, part->path));
	values_flag(named, "set", part->most.p != NULL);
	values_flag(named, "new", part->base == 0);
	if (part->most.p != NULL)
		put_code(v, named, "most", model_attr_name(&v->m->a, part->most));
	if (part->position != NULL && places_find(&v->m->places, part->position, &path, &line))
		put_code(v, named, "place", arena_printf(&v->m->a, "%s:%lld", path, (long long)line));
	values_group(item, "part", named);
}

static struct values *
cost_of(const struct view *v, const struct evaluation_cost *cost)
{
	double n = 100.0 * (double)change_of(cost->base, cost->head) / (double)cost->base;
	double limit = (double)v->m->wishes.evaluation_cost.warn_above_percent;
	struct values *item = values_new(&v->m->a);

	if (cost->base <= 0 || cost->head < 0 || (n < LEAST_PERCENT && n > -LEAST_PERCENT && !(limit > 0 && n > limit)))
		return NULL;
	if (v->m->many_jobs)
		put_code(v, item, "job", cost->job);
	values_flag(item, "warn", limit > 0 && n > limit);
	values_text(item, "limit", arena_printf(&v->m->a, "%.0f %%", limit));
	values_text(item, "change", percent(v, n));
	values_text(item, "change_md", percent(v, n));
	values_text(item, "old", words_bytes(&v->m->a, cost->base));
	values_text(item, "new", words_bytes(&v->m->a, cost->head));
	put_part(v, item, cost);
	return item;
}

static void
add_warnings(const struct view *v, struct value_list *items, const struct evaluation_cost *cost)
{
	for (size_t i = 0; i < cost->list.n && items->n < MAX_WARNINGS; i++) {
		const struct new_warning *w = &cost->list.p[i];
		struct values *item = values_new(&v->m->a);
		put_code(v, item, "name", model_attr_name(&v->m->a, w->path));
		if (w->system != NULL)
			put_system(v, item, w->system);
		if (v->m->many_jobs)
			put_code(v, item, "job", cost->job);
		put_code(v, item, "words", words_cut(&v->m->a, words_head(&v->m->a, w->words, 1, MAX_WORDS), MAX_WORDS));
		value_list_group(items, item);
	}
}

void
view_evalcosts(const struct view *v, struct values *obj)
{
	struct value_list *costs = value_list_new(&v->m->a), *warnings = value_list_new(&v->m->a);
	int64_t n = 0;

	if (!v->m->wishes.evaluation_cost.enabled)
		return;
	for (size_t i = 0; i < v->m->costs.n; i++) {
		const struct evaluation_cost *cost = v->m->costs.p[i];
		struct values *item = cost_of(v, cost);
		if (item != NULL)
			value_list_group(costs, item);
		if (cost->warnings > 0) {
			n += cost->warnings;
			add_warnings(v, warnings, cost);
		}
	}
	if (costs->n > 0)
		values_list(obj, "costs", costs);
	if (n == 0)
		return;
	struct values *all = values_new(&v->m->a);
	values_text(all, "count", words_count(&v->m->a, n, "warning", "warnings"));
	values_list(all, "items", warnings);
	if (n > (int64_t)warnings->n)
		put_number(v, all, "more", n - (int64_t)warnings->n);
	values_group(obj, "new_warnings", all);
}
