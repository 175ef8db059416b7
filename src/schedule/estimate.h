/*
 * estimate - how long a set of builds will take, from how long such builds took before.
 *
 * Gives {SYSTEM: {builds, total_ms, critical_path_ms, known, unknown}, ...}: total_ms is the sum over the builds of a
 * system, critical_path_ms the longest chain that ends in one of them (builds of other systems included). What was never
 * built counts with QUEUE_UNKNOWN_MS and is in unknown, so that a reader can say how sure the numbers are. Cached targets
 * do not count.
 */
#ifndef EKACI_SCHEDULE_ESTIMATE_H
#define EKACI_SCHEDULE_ESTIMATE_H

#include "store/build.h"

/* wants as for store_builds_want: inputs before what needs them. */
must_check int schedule_estimate(struct store *s, const struct build_want *wants, size_t n, json_t **ret, struct err *e);

#endif
