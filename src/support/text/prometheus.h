/*
 * prometheus - the text format of metrics, version 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/).
 *
 * A metric is begun once and has its samples behind it. Names are constants of ours; help and values of labels may hold
 * anything.
 */
#ifndef EKACI_SUPPORT_TEXT_PROMETHEUS_H
#define EKACI_SUPPORT_TEXT_PROMETHEUS_H

#include "support/base/str.h"

#define PROMETHEUS_TYPE "text/plain; version=0.0.4; charset=utf-8"

enum prometheus_type { PROMETHEUS_COUNTER, PROMETHEUS_GAUGE, PROMETHEUS_HISTOGRAM };

/* One whose value is NULL is left out. */
struct prometheus_label {
	const char *name, *value;
};
enum { PROMETHEUS_LABELS = 2 };
struct prometheus_labels {
	struct prometheus_label each[PROMETHEUS_LABELS];
};

void prometheus_begin(struct buf *out, const char *name, enum prometheus_type type, const char *help);
/* labels: NULL for none. */
void prometheus_int(struct buf *out, const char *name, const struct prometheus_labels *labels, int64_t value);
void prometheus_seconds(struct buf *out, const char *name, const struct prometheus_labels *labels, int64_t ns);

/* A metric of one sample. */
void prometheus_one(struct buf *out, const char *name, enum prometheus_type type, const char *help, int64_t value);
void prometheus_one_seconds(struct buf *out, const char *name, enum prometheus_type type, const char *help, int64_t ns);

/* n upper limits and how many were at most that, how many there were, and their sum. label: one whose value is NULL is left out. */
struct prometheus_histogram {
	const double *limits;
	const int64_t *counts;
	size_t n;
	int64_t all;
	double sum;
};
void prometheus_put_histogram(struct buf *out, const char *name, const struct prometheus_label *label,
    const struct prometheus_histogram *h);

#endif
