/* The table, and counts by label. */
#include "support/text/metric.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name, *help, *labels;
	enum prometheus_type type;
	enum metric_kind kind;
} table[METRICS] = {
#define METRIC_ROW(symbol, type, kind, labels, name, help) \
	[METRIC_##symbol] = {name, help, labels, PROMETHEUS_##type, METRIC_##kind},
    METRIC_LIST(METRIC_ROW)
#undef METRIC_ROW
};

/* Upper limits; what is more is in +Inf. */
static const double second_limits[] = {0.1, 1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 12 * 3600};
static const double number_limits[] = {0, 1, 10, 100, 500, 1000, 5000, 10000, 50000, 100000};
static const double ratio_limits[] = {0.1, 0.25, 0.5, 0.75, 0.9, 1.1, 1.25, 2, 4, 10};
enum { LIMITS = COUNT(second_limits) };
_Static_assert(COUNT(number_limits) == LIMITS, "both kinds have as many buckets");

struct sample {
	enum metric_id of;
	char *first, *second; /* NULL: no such label */
	int64_t n;
	double sum;
	int64_t buckets[LIMITS];
};
static VEC(struct sample) samples;

const struct metric_row *
metric_row(enum metric_id m)
{
	static struct metric_row row;
	static char names[2][32];
	struct str rest, first = str_cut(str_of(table[m].labels), ' ', &rest);

	row = (struct metric_row){table[m].name, table[m].help, {NULL, NULL}, table[m].type, table[m].kind};
	if (first.n > 0) {
		snprintf(names[0], sizeof(names[0]), STR_FMT, STR_ARG(first));
		row.labels[0] = names[0];
	}
	if (rest.n > 0) {
		snprintf(names[1], sizeof(names[1]), STR_FMT, STR_ARG(rest));
		row.labels[1] = names[1];
	}
	return &row;
}

static struct sample *
sample_of(enum metric_id m, const char *first, const char *second)
{
	for (size_t i = 0; i < samples.n; i++) {
		struct sample *s = &samples.p[i];
		if (s->of == m && str_same(s->first, first) && str_same(s->second, second))
			return s;
	}
	if (samples.n == METRIC_MAX_SAMPLES)
		return NULL;
	struct sample fresh = {.of = m,
	    .first = first != NULL ? mem_strdup(first) : NULL,
	    .second = second != NULL ? mem_strdup(second) : NULL};
	vec_push(&samples, fresh);
	return &samples.p[samples.n - 1];
}

void
metric_expect(enum metric_id m, const char *first, const char *second)
{
	(void)sample_of(m, first, second);
}

void
metric_add(enum metric_id m, const char *first, const char *second, int64_t n)
{
	struct sample *s = sample_of(m, first, second);

	if (s != NULL)
		s->n += n;
}

static const double *
limits_of(enum metric_id m)
{
	const struct str name = str_of(table[m].name);

	return str_ends(name, STR("_seconds")) ? second_limits : str_ends(name, STR("_ratio")) ? ratio_limits : number_limits;
}

/* A label that may come from outside, as a derivation's system does: the first few there are, and "other" for the rest. */
static const char *
one_of_few(enum metric_id m, const char *first)
{
	size_t n = 0;

	for (size_t i = 0; first != NULL && i < samples.n; i++) {
		if (samples.p[i].of == m && str_same(samples.p[i].first, first))
			return first;
		n += samples.p[i].of == m;
	}
	return n < METRIC_MAX_OBSERVED ? first : "other";
}

void
metric_observe(enum metric_id m, const char *first, double value)
{
	struct sample *s = sample_of(m, one_of_few(m, first), NULL);
	const double *limits = limits_of(m);

	if (s == NULL)
		return;
	s->n++;
	s->sum += value;
	for (size_t i = 0; i < LIMITS; i++)
		s->buckets[i] += value <= limits[i];
}

void
metric_reset(enum metric_id m)
{
	for (size_t i = 0; i < samples.n; i++)
		if (samples.p[i].of == m)
			samples.p[i].n = 0;
}

void
metric_set(enum metric_id m, const char *first, const char *second, int64_t n)
{
	struct sample *s = sample_of(m, first, second);

	if (s != NULL)
		s->n = n;
}

/* --- writing ------------------------------------------------------------------------------------------------------- */

void
metric_begin(struct buf *out, enum metric_id m)
{
	prometheus_begin(out, table[m].name, table[m].type, table[m].help);
}

void
metric_put(struct buf *out, enum metric_id m, const char *first, const char *second, int64_t value)
{
	const struct metric_row *row = metric_row(m);
	const struct prometheus_labels of = {{{row->labels[0], first}, {row->labels[1], second}}};

	prometheus_int(out, row->name, &of, value);
}

void
metric_one(struct buf *out, enum metric_id m, int64_t value)
{
	prometheus_one(out, table[m].name, table[m].type, table[m].help, value);
}

void
metric_one_seconds(struct buf *out, enum metric_id m, int64_t ns)
{
	prometheus_one_seconds(out, table[m].name, table[m].type, table[m].help, ns);
}

static void
put_histogram(struct buf *out, enum metric_id m, const char *first, const struct prometheus_histogram *h)
{
	const struct prometheus_label label = {metric_row(m)->labels[0], first};

	prometheus_put_histogram(out, table[m].name, &label, h);
}

void
metric_histogram(struct buf *out, enum metric_id m, const double *limits, const int64_t *counts, size_t n, int64_t all,
    double sum)
{
	metric_begin(out, m);
	put_histogram(out, m, NULL, &(const struct prometheus_histogram){limits, counts, n, all, sum});
}

static void
write_one(struct buf *out, enum metric_id m)
{
	bool histogram = table[m].type == PROMETHEUS_HISTOGRAM;

	if (table[m].labels[0] == '\0')
		metric_expect(m, NULL, NULL);
	metric_begin(out, m);
	for (size_t i = 0; i < samples.n; i++) {
		const struct sample *s = &samples.p[i];
		if (s->of != m)
			continue;
		if (histogram)
			put_histogram(out, m, s->first,
			    &(const struct prometheus_histogram){limits_of(m), s->buckets, LIMITS, s->n, s->sum});
		else
			metric_put(out, m, s->first, s->second, s->n);
	}
}

void
metric_write_counted(struct buf *out)
{
	for (int m = 0; m < METRICS; m++)
		if (table[m].kind != METRIC_LOOKED_UP)
			write_one(out, (enum metric_id)m);
}
