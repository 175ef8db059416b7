/* Why each derivation is rebuilt: roots, followers, and how far each reaches. */
#include "graph/result.h"

#include "graph/alone.h"
#include "graph/compare.h"
#include "graph/distance.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* While it runs; everything per place in the spread but twin, which is per node. */
struct finder {
	struct difference *d;
	struct arena a;
	int dir_fd;
	uint32_t *twin; /* base node that a head node stands for */
	VEC(uint32_t) queue;
	uint8_t *queued;
	uint32_t *weight; /* attributes that each stands for */
	VEC(struct root) roots;
	uint32_t *root_of; /* index in roots, or NO_ROOT */
};

#define NO_ROOT UINT32_MAX

static void
keep_what(struct difference *d, const struct comparison *cmp, struct root *r)
{
	size_t n = cmp->n_items > COMPARE_MAX_WHAT ? COMPARE_MAX_WHAT : cmp->n_items;
	struct str *what = arena_alloc(&d->a, (n + 1) * sizeof(*what));

	for (size_t i = 0; i < n; i++)
		what[i] = str_of(arena_strn(&d->a, cmp->items[i].what.p, cmp->items[i].what.n));
	if (n < cmp->n_items) {
		what[n - 1] = str_of(arena_printf(&d->a, "and %zu more", cmp->n_items - n + 1));
	} else if (n == 0)
		what[n++] = STR("inputs"); /* nothing that we can name: an input's path is only known when it is built */
	r->what = what;
	r->n_what = n;
}

static void
enqueue(struct finder *f, uint32_t node)
{
	uint32_t v = f->d->spread.sub[node];

	if (v == NO_SUB || f->queued[v])
		return;
	f->queued[v] = 1;
	vec_push(&f->queue, v);
}

/* Compares one derivation with its twin; inputs that must be rebuilt themselves are put in the queue. */
static int
visit(struct finder *f, uint32_t v, struct err *e)
{
	struct difference *d = f->d;
	const struct closure *g = &d->closure;
	uint32_t node = d->spread.node[v];
	struct comparison cmp = {0};
	struct arena a = {0};
	bool follows = false;
	int rc = compare_nodes(&a, g, f->dir_fd, f->twin[node], node, f->twin, &cmp, e);

	/* With a graph file base's derivations may be gone from the store. What was rebuilt is known all the same, only why
	 * is not; head's are there, they were just evaluated. */
	if (rc != 0 && e->kind == ERR_ABSENT && g->mapped != NULL) {
		static const struct compare_item unknown = {
		    .what = {"unknown: base's derivation is not in the store any more", 55}};
		_Static_assert(sizeof("unknown: base's derivation is not in the store any more") == 55 + 1, "its length");
		cmp = (struct comparison){.items = &unknown, .n_items = 1};
		rc = 0;
	}
	for (size_t i = 0; rc == 0 && i < cmp.n_pairs; i++) {
		struct compare_pair p = cmp.pairs[i];
		if (!d->spread.must[p.head] || g->flags.p[p.head] & CLOSURE_FIXED)
			continue;
		if (f->twin[p.head] == NO_NODE)
			f->twin[p.head] = p.base;
		follows = true;
		enqueue(f, p.head);
	}
	if (rc == 0 && (cmp.n_items != 0 || !follows)) {
		struct root r = {.node = node, .base_node = f->twin[node], .sub = v, .used_by = NO_ATTR};
		keep_what(d, &cmp, &r);
		vec_push(&f->roots, r);
	}
	arena_release(&a);
	return rc;
}

static int
find_roots(struct finder *f, struct err *e)
{
	struct difference *d = f->d;

	f->twin = arena_alloc(&f->a, d->closure.loaded * sizeof(*f->twin));
	memset(f->twin, 0xff, d->closure.loaded * sizeof(*f->twin));
	f->queued = arena_alloc(&f->a, d->spread.n);
	/* Attributes first: what they say about who stands for whom goes before any guess by name. */
	for (size_t i = 0; i < d->attrs.v.n; i++) {
		const struct attr_entry *at = &d->attrs.v.p[i];
		bool pair = at->class == CLASS_REBUILD || at->class == CLASS_DERIVATION_ONLY;
		if (pair && at->alias_of == NO_ATTR && at->head_node >= d->mark && f->twin[at->head_node] == NO_NODE)
			f->twin[at->head_node] = at->base_node;
	}
	for (size_t i = 0; i < d->attrs.v.n; i++)
		if (d->attrs.v.p[i].class == CLASS_REBUILD)
			enqueue(f, d->attrs.v.p[i].head_node);
	for (size_t i = 0; i < f->queue.n; i++)
		if (visit(f, f->queue.p[i], e) != 0)
			return -1;
	return 0;
}

/* The attributes of each root; entries in order, so the lists are too. */
static void
find_root_attrs(struct finder *f)
{
	struct difference *d = f->d;
	size_t n = 0;

	for (size_t i = 0; i < d->attrs.v.n; i++) {
		const struct attr_entry *at = &d->attrs.v.p[i];
		uint32_t v = at->class == CLASS_REBUILD ? d->spread.sub[at->head_node] : NO_SUB;
		if (v != NO_SUB && f->root_of[v] != NO_ROOT) {
			f->roots.p[f->root_of[v]].n_attrs++;
			n++;
		}
	}
	uint32_t *lists = arena_alloc(&d->a, n * sizeof(*lists));
	for (size_t r = 0; r < f->roots.n; r++) {
		f->roots.p[r].attrs = lists;
		lists += f->roots.p[r].n_attrs;
		f->roots.p[r].n_attrs = 0;
	}
	for (size_t i = 0; i < d->attrs.v.n; i++) {
		const struct attr_entry *at = &d->attrs.v.p[i];
		uint32_t v = at->class == CLASS_REBUILD ? d->spread.sub[at->head_node] : NO_SUB;
		if (v == NO_SUB || f->root_of[v] == NO_ROOT)
			continue;
		struct root *r = &f->roots.p[f->root_of[v]];
		((uint32_t *)r->attrs)[r->n_attrs++] = (uint32_t)i;
	}
}

/* Roots that are no attribute are known to people by an attribute that needs them: the one with the fewest derivations between. */
static void
find_users(struct finder *f)
{
	struct difference *d = f->d;
	const struct spread *s = &d->spread;
	uint32_t *user = arena_alloc(&f->a, s->n * sizeof(*user)), *length = arena_alloc(&f->a, s->n * sizeof(*length));

	memset(user, 0xff, s->n * sizeof(*user));
	for (size_t i = d->attrs.v.n; i-- > 0;) { /* so that the first one stays */
		const struct attr_entry *at = &d->attrs.v.p[i];
		uint32_t v = at->alias_of == NO_ATTR && at->head_node != NO_NODE ? s->sub[at->head_node] : NO_SUB;
		if (v != NO_SUB)
			user[v] = (uint32_t)i;
	}
	for (uint32_t v = s->n; v-- > 0;) {
		if (user[v] != NO_ATTR)
			continue;
		for (uint32_t k = s->up_off[v]; k < s->up_off[v + 1]; k++) {
			uint32_t w = s->up[k];
			if (user[w] != NO_ATTR && (user[v] == NO_ATTR || length[w] + 1 < length[v])) {
				user[v] = user[w];
				length[v] = length[w] + 1;
			}
		}
	}
	for (size_t r = 0; r < f->roots.n; r++)
		if (f->roots.p[r].n_attrs == 0)
			f->roots.p[r].used_by = user[f->roots.p[r].sub];
}

/* Entries that stand for an attribute: aliases are counted once. weight[v] for spread_radius. */
static uint32_t *
weights(const struct difference *d, struct arena *a)
{
	uint32_t *weight = arena_alloc(a, d->spread.n * sizeof(*weight));

	for (size_t i = 0; i < d->attrs.v.n; i++) {
		const struct attr_entry *at = &d->attrs.v.p[i];
		if (at->alias_of == NO_ATTR && at->head_node != NO_NODE && d->spread.sub[at->head_node] != NO_SUB)
			weight[d->spread.sub[at->head_node]]++;
	}
	return weight;
}

/* The radius of every derivation that an attribute or a root stands for. */
static void
find_radius(struct finder *f)
{
	struct difference *d = f->d;
	const struct spread *s = &d->spread;
	uint32_t *weight = f->weight = weights(d, &f->a);
	uint32_t *targets = arena_alloc(&f->a, s->n * sizeof(*targets));
	size_t n = 0;

	for (uint32_t v = 0; v < s->n; v++)
		if (weight[v] != 0 || f->root_of[v] != NO_ROOT)
			targets[n++] = v;
	struct radius *each = arena_alloc(&d->a, n * s->n_groups * sizeof(*each));
	spread_radius(s, weight, targets, n, each);
	d->radius = arena_alloc(&d->a, s->n * sizeof(*d->radius));
	for (size_t i = 0; i < n; i++) {
		struct radius *total = &d->radius[targets[i]], *mine = &each[i * s->n_groups];
		for (uint32_t k = 0; k < s->n_groups; k++) {
			total->derivations += mine[k].derivations;
			total->attributes += mine[k].attributes;
		}
		if (f->root_of[targets[i]] != NO_ROOT) {
			f->roots.p[f->root_of[targets[i]]].radius = mine;
			f->roots.p[f->root_of[targets[i]]].total = *total;
		}
	}
}

static int
compare_roots(const void *a, const void *b, void *ctx)
{
	const struct closure *g = ctx;
	const struct root *x = a, *y = b;

	if (x->total.attributes != y->total.attributes)
		return x->total.attributes < y->total.attributes ? 1 : -1;
	if (x->total.derivations != y->total.derivations)
		return x->total.derivations < y->total.derivations ? 1 : -1;
	int c = str_cmp(closure_name(g, x->node), closure_name(g, y->node));
	return c != 0 ? c : str_cmp(g->nodes.p[x->node].key, g->nodes.p[y->node].key);
}

static void
index_roots(struct finder *f)
{
	memset(f->root_of, 0xff, f->d->spread.n * sizeof(*f->root_of));
	for (size_t r = 0; r < f->roots.n; r++)
		f->root_of[f->roots.p[r].sub] = (uint32_t)r;
}

/* Which roots each derivation follows: 64 at a time, the widest first, one pass over the graph for each 64. */
static void
find_followed(struct finder *f, const uint8_t *asked)
{
	const struct spread *s = &f->d->spread;
	struct rebuild_cause *causes = f->d->causes;
	AUTO(mem_free) uint64_t *bits = mem_alloc(s->n * sizeof(*bits));

	for (size_t from = 0; from < f->roots.n; from += 64) {
		size_t to = from + 64 < f->roots.n ? from + 64 : f->roots.n;
		uint32_t first = UINT32_MAX;
		for (size_t r = from; r < to; r++)
			first = f->roots.p[r].sub < first ? f->roots.p[r].sub : first;
		for (uint32_t v = first; v < s->n; v++) {
			uint64_t row = 0;
			for (uint32_t k = s->off[v]; k < s->off[v + 1]; k++)
				if (s->in[k] >= first)
					row |= bits[s->in[k]];
			struct rebuild_cause *c = &causes[v];
			if (asked[v] && row != 0) {
				c->n_roots_total += (size_t)__builtin_popcountll(row);
				for (uint64_t left = row; left != 0 && c->n_roots < DIFFERENCE_MAX_ROOTS_LISTED;
				     left &= left - 1)
					((uint32_t *)c->roots)[c->n_roots++] = (uint32_t)(from + (size_t)__builtin_ctzll(left));
			}
			uint32_t r = f->root_of[v];
			bits[v] = row | (r != NO_ROOT && r >= from && r < to ? (uint64_t)1 << (r - from) : 0);
		}
	}
}

/* The way down to the nearest root: each next one is a step nearer to it. */
static uint32_t
step_down(const struct difference *d, uint32_t v)
{
	const struct spread *s = &d->spread;
	uint32_t k = s->off[v];

	while (d->distance[s->in[k]] != d->distance[v] - 1)
		k++;
	return s->in[k];
}

static void
find_chains(struct finder *f, const uint8_t *asked)
{
	struct difference *d = f->d;
	const struct spread *s = &d->spread;
	uint32_t *last = arena_alloc(&f->a, s->n * sizeof(*last)); /* the root that the way ends in */

	for (uint32_t v = 0; v < s->n; v++)
		last[v] = d->distance[v] == 0 || d->distance[v] == NO_DISTANCE ? v : last[step_down(d, v)];
	for (uint32_t v = 0; v < s->n; v++) {
		if (!asked[v] || d->distance[v] == NO_DISTANCE)
			continue;
		size_t all = (size_t)d->distance[v] + 1, shown = all > DIFFERENCE_MAX_CHAIN ? DIFFERENCE_MAX_CHAIN : all;
		uint32_t *chain = arena_alloc(&d->a, shown * sizeof(*chain)), at = v;
		for (size_t n = 0; n + 1 < shown; n++, at = step_down(d, at))
			chain[n] = s->node[at];
		chain[shown - 1] = s->node[last[v]];
		d->causes[v].chain = chain;
		d->causes[v].n_chain = shown;
		d->causes[v].chain_left_out = all - shown;
	}
}

/* The causes of the derivations of rebuilt attributes. */
static void
find_causes(struct finder *f)
{
	struct difference *d = f->d;
	uint8_t *asked = arena_alloc(&f->a, d->spread.n);

	d->causes = arena_alloc(&d->a, d->spread.n * sizeof(*d->causes));
	for (size_t i = 0; i < d->attrs.v.n; i++) {
		const struct attr_entry *at = &d->attrs.v.p[i];
		uint32_t v = at->class == CLASS_REBUILD ? d->spread.sub[at->head_node] : NO_SUB;
		if (v == NO_SUB || asked[v])
			continue;
		asked[v] = 1;
		uint32_t *roots = arena_alloc(&d->a, (DIFFERENCE_MAX_ROOTS_LISTED + 1) * sizeof(*roots));
		struct rebuild_cause *c = &d->causes[v];
		c->known = true;
		c->roots = roots;
		c->is_root = f->root_of[v] != NO_ROOT;
		if (c->is_root) {
			roots[c->n_roots++] = f->root_of[v];
			c->n_roots_total++;
		}
	}
	find_followed(f, asked);
	find_chains(f, asked);
}

int
difference_find_causes(struct difference *d, struct err *e)
{
	AUTO(fd_close) int dir = open(d->closure.real_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct finder f = {.d = d, .dir_fd = dir};

	if (dir < 0)
		return fail_sys(e, "cannot open the store %s", d->closure.real_dir);
	f.root_of = arena_alloc(&f.a, d->spread.n * sizeof(*f.root_of));
	int rc = find_roots(&f, e);
	if (rc == 0) {
		index_roots(&f);
		find_radius(&f);
		if (f.roots.n != 0)
			qsort_r(f.roots.p, f.roots.n, sizeof(*f.roots.p), compare_roots, &d->closure);
		index_roots(&f);
		find_root_attrs(&f);
		find_users(&f);
		d->roots = arena_dup(&d->a, f.roots.p, f.roots.n * sizeof(*f.roots.p));
		d->n_roots = f.roots.n;
		difference_find_distances(d, f.weight);
		find_causes(&f);
		difference_find_alone(d, f.queued, f.weight);
	}
	vec_release(&f.queue);
	vec_release(&f.roots);
	arena_release(&f.a);
	return rc;
}
