/* Sizes of what is in the store or a cache on both sides. */
#include "build/sizes.h"

#include "nix/path.h"
#include "nix/path_info.h"

#include <string.h>

static bool
known(const struct infos *q, const char *path)
{
	return path != NULL && infos_where(q, path) != INFOS_NOWHERE;
}

static const char *
output_of(const struct named_texts *outputs, const char *name)
{
	for (size_t i = 0; i < outputs->n; i++)
		if (strcmp(outputs->p[i].name, name) == 0)
			return outputs->p[i].text;
	return NULL;
}

/* The output that stands for the whole: out, else the first that both sides have; NULL when there is none. */
static const char *
main_output(const struct infos *q, const struct sized_package *s)
{
	if (known(q, output_of(&s->base, "out")) && known(q, output_of(&s->head, "out")))
		return "out";
	for (size_t i = 0; i < s->head.n; i++)
		if (known(q, s->head.p[i].text) && known(q, output_of(&s->base, s->head.p[i].name)))
			return s->head.p[i].name;
	return NULL;
}

static struct numbers
both(struct arena *a, int64_t base, int64_t head)
{
	const int64_t pair[] = {base, head};

	return (struct numbers){arena_dup(a, pair, sizeof(pair)), COUNT(pair)};
}

/* False when no output is there on both sides. */
static bool
measure(struct arena *a, const struct infos *q, const struct sized_package *s, struct package_sizes *ret)
{
	const char *which = main_output(q, s);
	int64_t base = 0, head = 0;

	if (which == NULL)
		return false;
	for (size_t i = 0; i < s->head.n; i++) {
		const char *old = output_of(&s->base, s->head.p[i].name);
		if (!known(q, s->head.p[i].text) || !known(q, old))
			continue;
		base += infos_size(q, old);
		head += infos_size(q, s->head.p[i].text);
	}
	*ret = (struct package_sizes){.path = s->path, .job = s->job, .system = s->system, .name = s->name, .drv = s->drv};
	ret->output = both(a, base, head);
	const char *b = output_of(&s->base, which), *h = output_of(&s->head, which);
	int64_t base_all = infos_closure_size(q, b), head_all = infos_closure_size(q, h);
	if (base_all >= 0 && head_all >= 0)
		ret->closure = both(a, base_all, head_all);
	if (infos_where(q, b) == INFOS_STORE && infos_where(q, h) == INFOS_STORE)
		sizes_files(a, NIX_STORE_DIR, b, h, &ret->metrics, &ret->products);
	if (ret->metrics.p == NULL) /* written as empty lists, not as null */
		ret->metrics.p = arena_alloc(a, sizeof(*ret->metrics.p));
	if (ret->products.p == NULL)
		ret->products.p = arena_alloc(a, sizeof(*ret->products.p));
	return true;
}

static bool
differs(const struct numbers *pair)
{
	return pair->n == 2 && pair->p[0] != pair->p[1];
}

static bool
worth_telling(const struct package_sizes *p)
{
	return differs(&p->output) || differs(&p->closure) || p->metrics.n + p->products.n > 0;
}

/* Every output that is in the store's folder. */
static struct texts
all_paths(struct arena *a, const struct sized_list *list)
{
	VEC(const char *) v = {0};

	for (size_t i = 0; i < list->n; i++) {
		const struct named_texts *const sides[] = {&list->p[i].base, &list->p[i].head};
		for (size_t k = 0; k < COUNT(sides); k++)
			for (size_t o = 0; o < sides[k]->n; o++)
				if (str_starts(str_of(sides[k]->p[o].text), STR(NIX_STORE_DIR)))
					vec_push(&v, sides[k]->p[o].text);
	}
	struct texts all = {arena_dup(a, v.p, v.n * sizeof(*v.p)), v.n};
	vec_release(&v);
	return all;
}

static struct texts
on_both_sides(struct arena *a, const struct infos *q, const struct sized_list *list)
{
	VEC(const char *) v = {0};

	for (size_t i = 0; i < list->n; i++)
		for (size_t o = 0; o < list->p[i].head.n; o++) {
			const struct named_text *out = &list->p[i].head.p[o];
			const char *old = output_of(&list->p[i].base, out->name);
			if (!known(q, out->text) || !known(q, old))
				continue;
			vec_push(&v, out->text);
			vec_push(&v, old);
		}
	struct texts all = {arena_dup(a, v.p, v.n * sizeof(*v.p)), v.n};
	vec_release(&v);
	return all;
}

static int
measure_all(struct arena *a, struct infos *q, const struct sized_list *list, struct sizes *ret, struct err *e)
{
	struct texts paths = all_paths(a, list);
	struct sizes all = {.left_out = list->left_out};

	if (infos_find(q, &paths, e) != 0)
		return -1;
	struct texts there = on_both_sides(a, q, list);
	if (infos_closures(q, &there, e) != 0)
		return -1;
	all.packages.p = arena_alloc(a, (list->n + 1) * sizeof(*all.packages.p));
	for (size_t i = 0; i < list->n; i++) {
		struct package_sizes *one = &all.packages.p[all.packages.n];
		if (!measure(a, q, &list->p[i], one))
			continue;
		all.compared++;
		all.packages.n += worth_telling(one);
	}
	*ret = all;
	return 0;
}

int
sizes_measure(struct arena *a, const struct sized_list *list, const struct named_texts *options, struct sizes *ret,
    struct err *e)
{
	struct infos q;

	infos_init(&q, options);
	int rc = measure_all(a, &q, list, ret, e);
	infos_release(&q);
	return rc;
}
