/*
 * Figures of the module overlap, one a line: NAME VALUE UNIT. 500 open pull requests of 1,000 rebuilds each, drawn from a set of
 * 12,565 attributes around a hub each, beside a plain intersection of sorted lists, pair by pair, that shares no code with it.
 */
#include "overlap/spaces.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PULLS = 500, REBUILDS = 1000, SET = 12565 };

static uint64_t seed = 42;

static uint32_t
pick(uint32_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((seed >> 33) % n);
}

/* Of this process alone: neither side waits for anything, and others may be at work on the machine. */
static int64_t
cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int
by_key(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Which attributes: half of them near each other, as what one library reaches, half anywhere. */
static void
make_space(struct arena *a, struct space *s, size_t i)
{
	bool *in = arena_alloc(a, SET);
	uint32_t hub = pick(SET);

	memset(in, 0, SET);
	*s = (struct space){.rebuilt = arena_alloc(a, REBUILDS * sizeof(*s->rebuilt)), .rebuilds = REBUILDS};
	while (s->n < REBUILDS) {
		uint32_t at = s->n % 2 == 0 ? (hub + pick(2 * REBUILDS)) % SET : pick(SET);
		uint64_t key = (at + 1) * 0x9e3779b97f4a7c15u;
		if (in[at])
			continue;
		in[at] = true;
		s->rebuilt[s->n++] = (struct space_entry){key, key + 1, key * (i + 3), true};
	}
	qsort(s->rebuilt, s->n, sizeof(*s->rebuilt), by_key);
}

static int64_t
plain(const struct space *x, const struct space *y)
{
	int64_t n = 0;

	for (size_t i = 0, k = 0; i < x->n && k < y->n;) {
		uint64_t one = x->rebuilt[i].key, two = y->rebuilt[k].key;
		n += one == two;
		i += one <= two;
		k += two <= one;
	}
	return n;
}

int
main(void)
{
	struct arena a = {0};
	struct space *of = arena_alloc(&a, PULLS * sizeof(*of));
	struct overlap_pull *pulls = arena_alloc(&a, PULLS * sizeof(*pulls));
	struct overlap_told *told = arena_alloc(&a, PULLS * sizeof(*told));
	int64_t *shared = arena_alloc(&a, PULLS * PULLS * sizeof(*shared)), wrong = 0, best_ms = INT64_MAX;
	struct overlaps_told all;

	for (size_t i = 0; i < PULLS; i++) {
		make_space(&a, &of[i], i);
		pulls[i] = (struct overlap_pull){.number = (int64_t)i + 1};
	}
	for (int round = 0; round < 5; round++) {
		int64_t at = cpu_ms();
		overlap_compare(&a, pulls, of, PULLS, told, &all);
		int64_t took = cpu_ms() - at;
		best_ms = took < best_ms ? took : best_ms;
	}
	int64_t at = cpu_ms();
	for (size_t i = 0; i < PULLS; i++)
		for (size_t k = 0; k < i; k++)
			shared[i * PULLS + k] = shared[k * PULLS + i] = plain(&of[i], &of[k]);
	int64_t plain_ms = cpu_ms() - at;
	for (size_t i = 0; i < PULLS; i++)
		for (size_t k = 0; k < told[i].with.n; k++)
			wrong += told[i].with.p[k].shared != shared[i * PULLS + (size_t)told[i].with.p[k].number - 1];
	printf("overlap_500_pulls_of_1000_rebuilds %lld ms-cpu\n", (long long)best_ms);
	printf("overlap_plain_intersections_of_the_same %lld ms-cpu\n", (long long)plain_ms);
	printf("overlap_pairs_that_differ_from_plain %lld pairs\n", (long long)wrong);
	printf("overlap_union_of_all %lld rebuilds\n", (long long)(all.groups.n > 0 ? all.groups.p[0].together : 0));
	arena_release(&a);
	return wrong == 0 ? 0 : 1;
}
