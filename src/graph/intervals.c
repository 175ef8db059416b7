/*
 * Counting dependents by intervals.
 *
 * Derivations are numbered by depth-first search from inputs to dependents, in the order in which the search leaves them.
 * Then what a derivation reaches is a few intervals of numbers: one holds whatever the search found below it, the others
 * what it had found before. The set of a derivation is the union of those of its dependents. As every set is closed, a
 * dependent that is in the union already adds nothing, so most edges cost one look. A set is given up when the last input
 * that asks for it is done. Sums over an interval are differences of running sums.
 */
#include "graph/spread.h"

#include <stdlib.h>
#include <string.h>

enum {
	MAX_LIVE = 8 * 1000 * 1000,      /* intervals held at once: 64 MB */
	MAX_SUM_BYTES = 96 * 1024 * 1024 /* of running sums */
};

struct interval {
	uint32_t from, to; /* both in it */
};

/* Disjoint, ascending, never touching. */
struct set {
	struct interval *p;
	uint32_t n;
	uint32_t users; /* inputs that will still ask */
};

struct intervals {
	const struct spread *s;
	struct arena a;
	uint8_t *needed;  /* by place: a target or above one */
	uint32_t *number; /* by place */
	uint32_t *place;  /* by number */
	uint32_t n;       /* how many are needed */
	struct set *sets; /* by number */
	uint32_t *sums;   /* [number * 2 * n_groups]: derivations and attributes of each group below number */
	uint64_t live, work, max_work;
	struct interval *one, *two; /* room for a union */
	size_t room;
};

static void
find_needed(struct intervals *t, const uint32_t *targets, size_t n_targets)
{
	const struct spread *s = t->s;

	t->needed = arena_alloc(&t->a, s->n);
	for (size_t i = 0; i < n_targets; i++)
		t->needed[targets[i]] = 1;
	for (uint32_t v = 0; v < s->n; v++) {
		if (!t->needed[v])
			continue;
		t->n++;
		for (uint32_t k = s->up_off[v]; k < s->up_off[v + 1]; k++)
			t->needed[s->up[k]] = 1;
	}
}

static void
find_numbers(struct intervals *t)
{
	struct edge_place {
		uint32_t v, edge;
	};
	const struct spread *s = t->s;
	AUTO(mem_free) struct edge_place *stack = mem_alloc(((size_t)t->n + 1) * sizeof(*stack));
	AUTO(mem_free) uint8_t *seen = mem_alloc(s->n);
	uint32_t next = 0;
	size_t depth = 0;

	t->number = arena_alloc(&t->a, s->n * sizeof(*t->number));
	t->place = arena_alloc(&t->a, t->n * sizeof(*t->place));
	for (uint32_t v = 0; v < s->n; v++) {
		if (!t->needed[v] || seen[v])
			continue;
		seen[v] = 1;
		stack[depth++] = (struct edge_place){v, s->up_off[v]};
		while (depth > 0) {
			struct edge_place *top = &stack[depth - 1];
			if (top->edge == s->up_off[top->v + 1]) {
				t->place[next] = top->v;
				t->number[top->v] = next++;
				depth--;
				continue;
			}
			uint32_t w = s->up[top->edge++];
			if (!seen[w]) {
				seen[w] = 1;
				stack[depth++] = (struct edge_place){w, s->up_off[w]};
			}
		}
	}
}

static void
find_sums(struct intervals *t, const uint32_t *weight)
{
	const struct spread *s = t->s;
	size_t width = (size_t)s->n_groups * 2;

	t->sums = mem_alloc(((size_t)t->n + 1) * width * sizeof(*t->sums));
	for (uint32_t v = 0; v < s->n; v++)
		if (t->needed[v]) {
			uint32_t *at = &t->sums[((size_t)t->number[v] + 1) * width + s->group[v] * 2];
			at[0]++;
			at[1] += weight != NULL ? weight[v] : 0;
		}
	for (size_t i = width; i < ((size_t)t->n + 1) * width; i++)
		t->sums[i] += t->sums[i - width];
}

/* The first interval of p that ends at or after x. */
static uint32_t
at_or_after(const struct interval *p, uint32_t n, uint32_t x)
{
	uint32_t low = 0, high = n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (p[middle].to < x)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool
contains(const struct interval *p, uint32_t n, uint32_t x)
{
	uint32_t i = at_or_after(p, n, x);

	return i < n && p[i].from <= x;
}

static uint32_t
unite(const struct interval *a, uint32_t n_a, const struct interval *b, uint32_t n_b, struct interval *out)
{
	uint32_t i = 0, k = 0, n = 0;

	while (i < n_a || k < n_b) {
		struct interval x = k == n_b || (i < n_a && a[i].from <= b[k].from) ? a[i++] : b[k++];
		if (n > 0 && x.from <= out[n - 1].to + 1) {
			if (x.to > out[n - 1].to)
				out[n - 1].to = x.to;
		} else
			out[n++] = x;
	}
	return n;
}

static void
make_room(struct intervals *t, size_t n)
{
	if (n <= t->room)
		return;
	t->room = n * 2;
	t->one = mem_realloc(t->one, t->room, sizeof(*t->one));
	t->two = mem_realloc(t->two, t->room, sizeof(*t->two));
}

static void
give_up(struct intervals *t, struct set *set)
{
	t->live -= set->n;
	mem_free(&set->p);
	set->n = 0;
}

/* The set of v, with v itself: the union of its dependents', nearest first, as they reach most. */
static void
find_set(struct intervals *t, uint32_t v)
{
	const struct spread *s = t->s;
	struct set *mine = &t->sets[t->number[v]];
	struct interval self = {t->number[v], t->number[v]};
	uint32_t n = 0;

	for (uint32_t k = s->up_off[v]; k < s->up_off[v + 1]; k++) {
		uint32_t number = t->number[s->up[k]];
		struct set *of = &t->sets[number];
		t->work++;
		if (!contains(t->one, n, number)) {
			make_room(t, (size_t)n + of->n + 1);
			n = unite(t->one, n, of->p, of->n, t->two);
			struct interval *held = t->one;
			t->one = t->two;
			t->two = held;
			t->work += n;
		}
		if (--of->users == 0)
			give_up(t, of);
	}
	/* Dependents have lower numbers, so v comes last. */
	make_room(t, (size_t)n + 1);
	if (n > 0 && t->one[n - 1].to + 1 == self.from)
		t->one[n - 1].to = self.to;
	else
		t->one[n++] = self;
	mine->p = mem_alloc(n * sizeof(*mine->p));
	memcpy(mine->p, t->one, n * sizeof(*mine->p));
	mine->n = n;
	t->live += n;
	t->work += n;
}

/* What v reaches, without itself. */
static void
add_up(const struct intervals *t, uint32_t v, struct radius *ret)
{
	const struct spread *s = t->s;
	const struct set *set = &t->sets[t->number[v]];
	size_t width = (size_t)s->n_groups * 2, own = t->number[v];

	memset(ret, 0, s->n_groups * sizeof(*ret));
	for (uint32_t g = 0; g < s->n_groups; g++) {
		const uint32_t *sums = t->sums + g * 2;
		for (uint32_t i = 0; i < set->n; i++) {
			size_t from = set->p[i].from * width, to = ((size_t)set->p[i].to + 1) * width;
			ret[g].derivations += sums[to] - sums[from];
			ret[g].attributes += sums[to + 1] - sums[from + 1];
		}
		ret[g].derivations -= sums[(own + 1) * width] - sums[own * width];
		ret[g].attributes -= sums[(own + 1) * width + 1] - sums[own * width + 1];
	}
}

static bool
count(struct intervals *t, const uint32_t *index, struct radius *ret)
{
	const struct spread *s = t->s;

	for (uint32_t v = 0; v < s->n; v++)
		if (t->needed[v])
			for (uint32_t k = s->up_off[v]; k < s->up_off[v + 1]; k++)
				t->sets[t->number[s->up[k]]].users++;
	for (uint32_t i = 0; i < t->n; i++) {
		uint32_t v = t->place[i];
		find_set(t, v);
		if (t->work > t->max_work || t->live > MAX_LIVE)
			return false;
		if (index[v] != NO_SUB)
			add_up(t, v, &ret[(size_t)index[v] * s->n_groups]);
		if (t->sets[i].users == 0)
			give_up(t, &t->sets[i]);
	}
	return true;
}

bool
spread_radius_by_intervals(const struct spread *s, const uint32_t *weight, const uint32_t *targets, size_t n_targets,
    uint64_t max_work, struct radius *ret)
{
	struct intervals t = {.s = s, .max_work = max_work};
	uint32_t *index = arena_alloc(&t.a, s->n * sizeof(*index));

	memset(index, 0xff, s->n * sizeof(*index));
	for (size_t i = 0; i < n_targets; i++)
		index[targets[i]] = (uint32_t)i;
	find_needed(&t, targets, n_targets);
	bool done = ((uint64_t)t.n + 1) * s->n_groups * 2 * sizeof(*t.sums) <= MAX_SUM_BYTES;
	if (done) {
		find_numbers(&t);
		find_sums(&t, weight);
		t.sets = arena_alloc(&t.a, t.n * sizeof(*t.sets));
		done = count(&t, index, ret);
		for (uint32_t i = 0; i < t.n; i++)
			free(t.sets[i].p);
	}
	free(t.sums);
	free(t.one);
	free(t.two);
	arena_release(&t.a);
	return done;
}
