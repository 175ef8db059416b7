/* Counting every target's dependents: by intervals, or with columns of bits over the topological order. */
#include "graph/spread.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	WORDS = 8,            /* 64 bytes a node: a cache line */
	COLUMNS = WORDS * 64, /* targets counted in one pass */
	LEVELS = 33,          /* of a counter: counts below 2^32 */
	MAX_THREADS = 16
};

typedef uint64_t row_bits __attribute__((vector_size(WORDS * 8)));

/*
 * A counter for each column. Rows are added by carry-save adders: level l holds a sum row, and every second row that
 * comes to it waits in pending until the next. A column's count is the sum over levels of 2^l times its bits.
 */
struct counter {
	row_bits sum[LEVELS], pending[LEVELS];
	uint32_t n;
};

static inline __attribute__((always_inline)) void
counter_add(struct counter *c, const row_bits *row)
{
	row_bits carry = *row;
	uint32_t n = c->n++;
	unsigned l = 0;

	for (; n & 1; n >>= 1, l++) {
		row_bits a = c->sum[l], b = c->pending[l], half = a ^ b;
		c->sum[l] = half ^ carry;
		carry = (a & b) | (half & carry);
	}
	c->pending[l] = carry;
}

static uint32_t
counter_get(const struct counter *c, unsigned column)
{
	unsigned word = column / 64, bit = column % 64;
	uint32_t total = 0;

	for (unsigned l = 0; l < LEVELS - 1 && c->n >> l != 0; l++) {
		total += (uint32_t)(c->sum[l][word] >> bit & 1) << l;
		if (c->n >> l & 1)
			total += (uint32_t)(c->pending[l][word] >> bit & 1) << l;
	}
	return total;
}

/* What the threads share; only `next` is written by more than one of them. */
struct count {
	const struct spread *s;
	const uint32_t *weight;
	const uint32_t *columns; /* places of the targets that get a column, ascending */
	size_t n_columns;
	struct radius *radius; /* [place-independent index of the column * n_groups + group] */
	atomic_size_t next;    /* block to be taken */
};

static inline __attribute__((always_inline)) bool
any_bit(const row_bits *r)
{
	uint64_t any = 0;

	for (unsigned i = 0; i < WORDS; i++)
		any |= (*r)[i];
	return any != 0;
}

/* One pass for the columns from..to-1. counters: for each group one of derivations, one of attributes. */
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
__attribute__((target_clones("avx512f", "avx2", "default")))
#endif
static void
count_block(const struct count *c, size_t from, size_t to, row_bits *bits, struct counter *counters)
{
	const struct spread *s = c->s;
	uint32_t first = c->columns[from];
	size_t next = from;

	for (uint32_t v = first; v < s->n; v++) {
		row_bits row = {0};
		for (uint32_t k = s->off[v]; k < s->off[v + 1]; k++)
			if (s->in[k] >= first)
				row |= bits[s->in[k]];
		if (any_bit(&row)) {
			struct counter *mine = &counters[s->group[v] * 2];
			counter_add(&mine[0], &row);
			for (uint32_t w = c->weight != NULL ? c->weight[v] : 0; w > 0; w--)
				counter_add(&mine[1], &row);
		}
		if (next < to && c->columns[next] == v) {
			row[(next - from) / 64] |= (uint64_t)1 << (next - from) % 64;
			next++;
		}
		bits[v] = row;
	}
}

static void *
count_blocks(void *arg)
{
	struct count *c = arg;
	size_t n_groups = c->s->n_groups, n_counters = n_groups * 2;
	row_bits *bits = NULL;
	struct counter *counters = NULL;

	for (;;) {
		size_t from = atomic_fetch_add(&c->next, 1) * COLUMNS;
		if (from >= c->n_columns)
			break;
		size_t to = from + COLUMNS < c->n_columns ? from + COLUMNS : c->n_columns;
		if (bits == NULL) {
			bits = aligned_alloc(sizeof(row_bits), (size_t)c->s->n * sizeof(row_bits));
			counters = aligned_alloc(sizeof(row_bits), n_counters * sizeof(struct counter));
			if (bits == NULL || counters == NULL)
				abort(); /* as everywhere: see mem.h */
		}
		memset(counters, 0, n_counters * sizeof(struct counter));
		count_block(c, from, to, bits, counters);
		for (size_t i = from; i < to; i++)
			for (size_t k = 0; k < n_groups; k++) {
				struct radius *r = &c->radius[i * n_groups + k];
				r->derivations = counter_get(&counters[k * 2], (unsigned)(i - from));
				r->attributes = counter_get(&counters[k * 2 + 1], (unsigned)(i - from));
			}
	}
	free(bits);
	free(counters);
	return NULL;
}

static void
count_columns(struct count *c)
{
	pthread_t threads[MAX_THREADS];
	bool started[MAX_THREADS] = {false};
	size_t blocks = (c->n_columns + COLUMNS - 1) / COLUMNS;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	size_t n = cores < 1 ? 1 : cores > MAX_THREADS ? MAX_THREADS : (size_t)cores;

	if (n > blocks)
		n = blocks;
	for (size_t i = 1; i < n; i++)
		started[i] = pthread_create(&threads[i], NULL, count_blocks, c) == 0;
	count_blocks(c);
	for (size_t i = 1; i < n; i++)
		if (started[i])
			pthread_join(threads[i], NULL);
}

/* The only dependent of v, or NO_SUB when there are none or several. */
static uint32_t
only_dependent(const struct spread *s, uint32_t v)
{
	return s->up_off[v + 1] - s->up_off[v] == 1 ? s->up[s->up_off[v]] : NO_SUB;
}

/* The radius of v from that of its only dependent p. */
static void
add_dependent(const struct spread *s, const uint32_t *weight, uint32_t p, const struct radius *of_p, struct radius *of_v)
{
	memcpy(of_v, of_p, s->n_groups * sizeof(*of_v));
	of_v[s->group[p]].derivations++;
	of_v[s->group[p]].attributes += weight != NULL ? weight[p] : 0;
}

void
spread_radius_by_columns(const struct spread *s, const uint32_t *weight, const uint32_t *targets, size_t n_targets,
    struct radius *ret)
{
	struct arena a = {0};
	uint8_t *wanted = arena_alloc(&a, s->n);
	uint32_t *index = arena_alloc(&a, s->n * sizeof(*index)); /* of what is wanted: where its result is */
	uint32_t *columns = arena_alloc(&a, s->n * sizeof(*columns));
	size_t n_columns = 0, n_wanted = 0;

	for (size_t i = 0; i < n_targets; i++)
		wanted[targets[i]] = 1;
	/* Dependents have higher places, so going up once finds everything that is wanted for something below. */
	for (uint32_t v = 0; v < s->n; v++) {
		if (!wanted[v])
			continue;
		if (only_dependent(s, v) != NO_SUB)
			wanted[only_dependent(s, v)] = 1;
		else if (s->up_off[v + 1] != s->up_off[v]) {
			index[v] = (uint32_t)n_columns;
			columns[n_columns++] = v;
		}
		n_wanted++;
	}
	struct radius *radius = mem_alloc(n_wanted * s->n_groups * sizeof(*radius));
	struct count c = {s, weight, columns, n_columns, radius, 0};
	count_columns(&c);
	size_t next = n_columns;
	for (uint32_t v = s->n; v-- > 0;) {
		uint32_t p = only_dependent(s, v);
		if (!wanted[v] || s->up_off[v + 1] - s->up_off[v] > 1)
			continue;
		index[v] = (uint32_t)next++;
		if (p != NO_SUB)
			add_dependent(s, weight, p, &radius[(size_t)index[p] * s->n_groups],
			    &radius[(size_t)index[v] * s->n_groups]);
	}
	for (size_t i = 0; i < n_targets; i++)
		memcpy(&ret[i * s->n_groups], &radius[(size_t)index[targets[i]] * s->n_groups], s->n_groups * sizeof(*ret));
	free(radius);
	arena_release(&a);
}

void
spread_radius(const struct spread *s, const uint32_t *weight, const uint32_t *targets, size_t n_targets, struct radius *ret)
{
	/* Package sets take four to five steps an edge; no more is tried than the columns are worth. */
	uint64_t blocks = n_targets / COLUMNS + 1, most = (blocks + 16) * ((uint64_t)s->off[s->n] + s->n);

	if (n_targets != 0 && !spread_radius_by_intervals(s, weight, targets, n_targets, most, ret))
		spread_radius_by_columns(s, weight, targets, n_targets, ret);
}
