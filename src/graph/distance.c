/* Steps from the roots, counted in one pass. */
#include "graph/distance.h"

#include <string.h>

void
spread_distances(const struct spread *s, const uint32_t *roots, size_t n_roots, uint32_t *ret)
{
	memset(ret, 0xff, s->n * sizeof(*ret));
	for (size_t i = 0; i < n_roots; i++)
		ret[roots[i]] = 0;
	for (uint32_t v = 0; v < s->n; v++)
		for (uint32_t k = s->off[v]; k < s->off[v + 1] && ret[v] != 0; k++) {
			uint32_t below = ret[s->in[k]];
			if (below != NO_DISTANCE && below + 1 < ret[v])
				ret[v] = below + 1;
		}
}

void
difference_find_distances(struct difference *d, const uint32_t *weight)
{
	struct difference_distances *all = &d->distances;
	const struct spread *s = &d->spread;
	struct arena a = {0};
	uint32_t *roots = arena_alloc(&a, (d->n_roots + 1) * sizeof(*roots));

	for (size_t i = 0; i < d->n_roots; i++)
		roots[i] = d->roots[i].sub;
	d->distance = arena_alloc(&d->a, (s->n + 1) * sizeof(*d->distance));
	spread_distances(s, roots, d->n_roots, d->distance);
	*all = (struct difference_distances){.at.p = arena_alloc(&d->a, (DIFFERENCE_MAX_DISTANCES + 1) * sizeof(*all->at.p)),
	    .longest = -1};
	for (uint32_t v = 0; v < s->n; v++) {
		uint32_t far = d->distance[v];
		struct difference_radius *here = far == NO_DISTANCE               ? &all->none
		                                 : far < DIFFERENCE_MAX_DISTANCES ? &all->at.p[far]
		                                                                  : &all->beyond;
		here->derivations++;
		here->attributes += weight[v];
		if (far != NO_DISTANCE && (int64_t)far > all->longest)
			all->longest = far;
	}
	all->at.n = all->longest + 1 < DIFFERENCE_MAX_DISTANCES ? (size_t)(all->longest + 1) : DIFFERENCE_MAX_DISTANCES;
	arena_release(&a);
}
