/* Why each derivation is rebuilt: roots, followers, and how far each reaches. */
#include "graph/difference.h"

#include <stdlib.h>
#include <string.h>

/* The radius of every derivation that an attribute or a root stands for. */
static void
find_radius(struct difference *d)
{
	const struct spread *s = &d->spread;
	struct arena a = {0};
	uint32_t *weight = difference_weights(d, &a);
	uint32_t *targets = arena_alloc(&a, s->n * sizeof(*targets));
	size_t n = 0;

	for (uint32_t v = 0; v < s->n; v++)
		if (weight[v] != 0)
			targets[n++] = v;
	struct radius *each = mem_alloc(n * s->n_groups * sizeof(*each));
	spread_radius(s, weight, targets, n, each);
	d->radius = arena_alloc(&d->a, s->n * sizeof(*d->radius));
	for (size_t i = 0; i < n; i++)
		for (uint32_t k = 0; k < s->n_groups; k++) {
			d->radius[targets[i]].derivations += each[i * s->n_groups + k].derivations;
			d->radius[targets[i]].attributes += each[i * s->n_groups + k].attributes;
		}
	free(each);
	arena_release(&a);
}

int
difference_find_causes(struct difference *d, struct err *e)
{
	(void)e;
	find_radius(d);
	return 0;
}
