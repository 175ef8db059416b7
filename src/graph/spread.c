/* The graph of rebuilds: which derivations, in which order. Counting is in radius.c. */
#include "graph/spread.h"

#include <string.h>

/* Numbers s->node in topological order by depth-first search; the state of a node is in s->sub while it runs. */
static int
order(const struct closure *g, struct spread *s, struct err *e)
{
	enum { ON_STACK = UINT32_MAX - 1 };
	struct order_place {
		uint32_t node, edge;
	};
	VEC(struct order_place) stack = {0};
	uint32_t n = 0;
	int rc = 0;

	for (uint32_t v = 0; v < g->loaded && rc == 0; v++) {
		if (!s->must[v] || s->sub[v] != NO_SUB)
			continue;
		struct order_place first = {v, g->off.p[v]};
		vec_push(&stack, first);
		s->sub[v] = ON_STACK;
		while (stack.n > 0 && rc == 0) {
			struct order_place *top = &stack.p[stack.n - 1];
			if (top->edge == g->off.p[top->node + 1]) {
				s->node[n] = top->node;
				s->sub[top->node] = n++;
				stack.n--;
				continue;
			}
			uint32_t w = g->targets.p[top->edge++];
			if (!s->must[w])
				continue;
			if (s->sub[w] == ON_STACK)
				rc = fail(e, ERR_INPUT, "derivations need each other in a circle: " STR_FMT,
				    STR_ARG(g->nodes.p[w].key));
			if (s->sub[w] != NO_SUB)
				continue;
			struct order_place next = {w, g->off.p[w]};
			s->sub[w] = ON_STACK;
			vec_push(&stack, next);
		}
	}
	vec_release(&stack);
	return rc;
}

static void
edges(struct arena *a, const struct closure *g, struct spread *s)
{
	size_t n_edges = 0;

	for (uint32_t v = 0; v < s->n; v++)
		for (uint32_t k = g->off.p[s->node[v]]; k < g->off.p[s->node[v] + 1]; k++)
			n_edges += s->must[g->targets.p[k]];
	s->off = arena_alloc(a, (s->n + 1) * sizeof(*s->off));
	s->up_off = arena_alloc(a, (s->n + 2) * sizeof(*s->up_off));
	s->in = arena_alloc(a, n_edges * sizeof(*s->in));
	s->up = arena_alloc(a, n_edges * sizeof(*s->up));
	n_edges = 0;
	for (uint32_t v = 0; v < s->n; v++) {
		for (uint32_t k = g->off.p[s->node[v]]; k < g->off.p[s->node[v] + 1]; k++)
			if (s->must[g->targets.p[k]])
				s->in[n_edges++] = s->sub[g->targets.p[k]];
		s->off[v + 1] = (uint32_t)n_edges;
	}
	/* Dependents: count, sum, fill; up_off is one place ahead while it is filled. */
	for (size_t k = 0; k < n_edges; k++)
		s->up_off[s->in[k] + 2]++;
	for (uint32_t v = 0; v < s->n; v++)
		s->up_off[v + 2] += s->up_off[v + 1];
	for (uint32_t v = 0; v < s->n; v++)
		for (uint32_t k = s->off[v]; k < s->off[v + 1]; k++)
			s->up[s->up_off[s->in[k] + 1]++] = v;
}

static void
groups(struct arena *a, const struct closure *g, struct spread *s)
{
	uint32_t *of = arena_alloc(a, (g->systems.n + 1) * sizeof(*of)); /* each system's group, plus one; 0: not rebuilt */

	s->group = arena_alloc(a, s->n * sizeof(*s->group));
	s->system = arena_alloc(a, SPREAD_MAX_GROUPS * sizeof(*s->system));
	for (uint32_t v = 0; v < s->n; v++)
		of[g->system.p[s->node[v]]] = 1;
	for (uint32_t i = 0; i < g->systems.n; i++) {
		if (of[i] == 0)
			continue;
		s->others = s->n_groups == SPREAD_MAX_GROUPS;
		if (!s->others)
			s->system[s->n_groups++] = i;
		of[i] = s->n_groups;
	}
	for (uint32_t v = 0; v < s->n; v++)
		s->group[v] = of[g->system.p[s->node[v]]] - 1;
	if (s->n_groups == 0)
		s->n_groups = 1;
}

static int
finish(struct arena *a, const struct closure *g, struct spread *s, struct err *e)
{
	s->n = 0;
	s->sub = arena_alloc(a, g->loaded * sizeof(*s->sub));
	for (size_t v = 0; v < g->loaded; v++) {
		s->n += s->must[v];
		s->sub[v] = NO_SUB;
	}
	s->node = arena_alloc(a, s->n * sizeof(*s->node));
	if (order(g, s, e) != 0)
		return -1;
	edges(a, g, s);
	groups(a, g, s);
	return 0;
}

int
spread_init(struct arena *a, const struct closure *g, size_t mark, const uint32_t *heads, size_t n_heads, struct spread *ret,
    struct err *e)
{
	struct spread s = {0};
	struct map base = {0};

	for (uint32_t k = 0; k < g->out_off.p[mark]; k++)
		if (g->outputs.p[k].path.n != 0)
			map_add(&base, g->outputs.p[k].path, NULL);
	s.must = arena_alloc(a, g->loaded);
	closure_reach(g, heads, n_heads, s.must);
	memset(s.must, 0, mark);
	for (size_t v = mark; v < g->loaded; v++) {
		bool new_output = false;
		for (uint32_t k = g->out_off.p[v]; k < g->out_off.p[v + 1] && !new_output; k++)
			new_output = g->outputs.p[k].path.n == 0 || map_get(&base, g->outputs.p[k].path) == NULL;
		s.must[v] = s.must[v] && new_output;
	}
	map_release(&base);
	if (finish(a, g, &s, e) != 0)
		return -1;
	*ret = s;
	return 0;
}

int
spread_all(struct arena *a, const struct closure *g, struct spread *ret, struct err *e)
{
	struct spread s = {.must = arena_alloc(a, g->loaded)};

	memset(s.must, 1, g->loaded);
	if (finish(a, g, &s, e) != 0)
		return -1;
	*ret = s;
	return 0;
}
