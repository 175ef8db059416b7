/* The blast radius, and distances from roots, against the naive ways, on random graphs. */
#include "graph/distance.h"
#include "graph/spread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t seed;

static uint32_t
pick(uint32_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((seed >> 33) % n);
}

/* A graph without files: node i needs nodes after it, at most `most` of them, often near ones. */
static void
random_graph(struct closure *g, uint32_t n, uint32_t most, uint32_t systems)
{
	closure_init(g, "/nix/store", NULL);
	for (uint32_t i = 0; i < systems; i++) {
		char *name = arena_printf(&g->a, "system-%u", i);
		map_add(&g->systems, str_of(name), NULL);
	}
	for (uint32_t v = 0; v < n; v++) {
		char *name = arena_printf(&g->a, "%032u-n%u.drv", v, v);
		map_add(&g->nodes, str_of(name), NULL);
		for (uint32_t k = pick(most + 1); k > 0 && v + 1 < n; k--) {
			uint32_t left = n - v - 1;
			vec_push(&g->targets, v + 1 + (pick(3) != 0 && left > 8 ? pick(8) : pick(left)));
		}
		vec_push(&g->off, (uint32_t)g->targets.n);
		vec_push(&g->out_off, 0);
		vec_push(&g->system, pick(systems));
		vec_push(&g->flags, 0);
	}
	g->loaded = n;
}

/* One search per target: what the header says, word for word. */
static struct radius *
naive(const struct spread *s, const uint32_t *weight, uint32_t target)
{
	struct radius *r = calloc(s->n_groups, sizeof(*r));
	uint8_t *seen = calloc(s->n + 1, 1);
	uint32_t *stack = calloc(s->n + 1, sizeof(*stack)), n = 0;

	seen[target] = 1;
	stack[n++] = target;
	while (n > 0) {
		uint32_t v = stack[--n];
		for (uint32_t u = 0; u < s->n; u++)
			for (uint32_t k = s->off[u]; k < s->off[u + 1] && !seen[u]; k++)
				if (s->in[k] == v) {
					seen[u] = 1;
					stack[n++] = u;
					r[s->group[u]].derivations++;
					r[s->group[u]].attributes += weight != NULL ? weight[u] : 0;
				}
	}
	free(seen);
	free(stack);
	return r;
}

static void
check(uint32_t n, uint32_t most, uint32_t systems, bool weighted, uint32_t one_in)
{
	struct closure g;
	struct spread s;
	struct arena a = {0};
	struct err e = {0};
	size_t n_targets = 0;

	random_graph(&g, n, most, systems);
	if (spread_all(&a, &g, &s, &e) != 0)
		fail_msg("%s", e.msg);
	assert_int_equal(s.n, n);
	/* A system has a group of its own: always, but for those beyond the most. */
	assert_true(s.n_groups <= SPREAD_MAX_GROUPS);
	assert_int_equal(s.others, systems > SPREAD_MAX_GROUPS);
	for (uint32_t v = 0; v < n; v++)
		if (!s.others || s.group[v] < SPREAD_MAX_GROUPS - 1)
			assert_int_equal(s.system[s.group[v]], g.system.p[s.node[v]]);
	uint32_t *weight = arena_alloc(&a, n * sizeof(*weight)), *targets = arena_alloc(&a, n * sizeof(*targets));
	for (uint32_t v = 0; v < n; v++) {
		weight[v] = pick(4);
		if (pick(one_in) == 0)
			targets[n_targets++] = v;
	}
	/* Not in order: the answer belongs to the target, wherever it stands. */
	for (size_t i = n_targets; i > 1; i--) {
		size_t k = pick((uint32_t)i);
		uint32_t held = targets[i - 1];
		targets[i - 1] = targets[k];
		targets[k] = held;
	}
	struct radius *got = arena_alloc(&a, n_targets * s.n_groups * sizeof(*got));
	spread_radius(&s, weighted ? weight : NULL, targets, n_targets, got);
	for (size_t i = 0; i < n_targets; i++) {
		struct radius *want = naive(&s, weighted ? weight : NULL, targets[i]);
		assert_memory_equal(want, &got[i * s.n_groups], s.n_groups * sizeof(*want));
		free(want);
	}
	/* Both ways say the same, whichever was taken. */
	struct radius *again = arena_alloc(&a, n_targets * s.n_groups * sizeof(*again));
	for (size_t way = 0; way < 2; way++) {
		if (way == 0)
			spread_radius_by_columns(&s, weighted ? weight : NULL, targets, n_targets, again);
		else
			assert_true(
			    spread_radius_by_intervals(&s, weighted ? weight : NULL, targets, n_targets, UINT64_MAX, again));
		assert_memory_equal(got, again, n_targets * s.n_groups * sizeof(*got));
	}
	if (n > 2 && n_targets > 0) /* too little to be done: it says so, and the other way serves */
		assert_false(spread_radius_by_intervals(&s, NULL, targets, n_targets, 0, again));
	arena_release(&a);
	closure_release(&g);
}

static void
test_random_graphs(void **state)
{
	(void)state;
	seed = 7;
	for (uint32_t round = 0; round < 60; round++)
		check(1 + pick(120), 1 + pick(6), 1 + pick(3), round % 2 == 0, 1 + pick(3));
}

/* Breadth first, a wave a step, over the graph as it was made: what needs something of the last wave is in the next one. */
static void
waves(const struct closure *g, const uint8_t *root, uint32_t n, uint32_t *far)
{
	bool more = true;

	for (uint32_t v = 0; v < n; v++)
		far[v] = root[v] ? 0 : NO_DISTANCE;
	for (uint32_t step = 0; more; step++) {
		more = false;
		for (uint32_t v = 0; v < n; v++)
			for (uint32_t k = g->off.p[v]; k < g->off.p[v + 1] && far[v] == NO_DISTANCE; k++)
				if (far[g->targets.p[k]] == step) {
					far[v] = step + 1;
					more = true;
				}
	}
}

static size_t seen_none, seen_far;

static void
check_distances(uint32_t n, uint32_t most, uint32_t one_in)
{
	struct closure g;
	struct spread s;
	struct arena a = {0};
	struct err e = {0};
	size_t n_roots = 0;

	random_graph(&g, n, most, 2);
	if (spread_all(&a, &g, &s, &e) != 0)
		fail_msg("%s", e.msg);
	uint8_t *root = arena_alloc(&a, n);
	uint32_t *roots = arena_alloc(&a, (n + 1) * sizeof(*roots)), *got = arena_alloc(&a, n * sizeof(*got)),
	         *want = arena_alloc(&a, n * sizeof(*want));
	for (uint32_t v = n; v-- > 0;)
		if (pick(one_in) == 0) {
			root[v] = 1;
			roots[n_roots++] = s.sub[v];
		}
	spread_distances(&s, roots, n_roots, got);
	waves(&g, root, n, want);
	for (uint32_t v = 0; v < n; v++) {
		assert_int_equal(got[s.sub[v]], want[v]);
		seen_none += want[v] == NO_DISTANCE;
		seen_far += want[v] != NO_DISTANCE && want[v] > 3;
	}
	arena_release(&a);
	closure_release(&g);
}

static void
test_distances_of_random_graphs(void **state)
{
	(void)state;
	seed = 11;
	for (uint32_t round = 0; round < 200; round++)
		check_distances(1 + pick(300), 1 + pick(4), 1 + pick(60));
	check_distances(1, 1, 1);
	assert_true(seen_none > 500);
	assert_true(seen_far > 500);
}

static void
test_more_targets_than_one_block(void **state)
{
	(void)state;
	seed = 8;
	check(1400, 3, 2, true, 1);
}

static void
test_many_systems(void **state)
{
	(void)state;
	seed = 9;
	check(400, 4, 100, true, 2);
	seed = 10;
	check(2000, 4, 200, true, 20);
}

static void
test_nothing(void **state)
{
	(void)state;
	struct closure g;
	struct spread s;
	struct arena a = {0};
	struct err e = {0};

	seed = 10;
	random_graph(&g, 0, 1, 1);
	assert_int_equal(spread_all(&a, &g, &s, &e), 0);
	spread_radius(&s, NULL, NULL, 0, NULL);
	arena_release(&a);
	closure_release(&g);
}

static void
test_circle_is_refused(void **state)
{
	(void)state;
	struct closure g;
	struct spread s;
	struct arena a = {0};
	struct err e = {0};

	seed = 11;
	random_graph(&g, 3, 0, 1);
	/* 0 -> 1 -> 2 -> 0 */
	static const uint32_t targets[] = {1, 2, 0};
	for (size_t i = 0; i < 3; i++) {
		vec_push(&g.targets, targets[i]);
		g.off.p[i + 1] = (uint32_t)i + 1;
	}
	assert_int_equal(spread_all(&a, &g, &s, &e), -1);
	assert_int_equal(e.kind, ERR_INPUT);
	arena_release(&a);
	closure_release(&g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_random_graphs),
	    cmocka_unit_test(test_distances_of_random_graphs),
	    cmocka_unit_test(test_more_targets_than_one_block),
	    cmocka_unit_test(test_many_systems),
	    cmocka_unit_test(test_nothing),
	    cmocka_unit_test(test_circle_is_refused),
	};

	return cmocka_run_group_tests_name("graph_radius", tests, NULL, NULL);
}
