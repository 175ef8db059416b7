/*
 * estimate - how long a set of builds will take, from how long such builds took before.
 *
 * Of each system: total_ms is the sum over the builds of a system, critical_path_ms the longest chain that ends in one of them (builds of
 * other systems included). What was never built counts with QUEUE_UNKNOWN_MS and is in unknown, so that a reader can say
 * how sure the numbers are. Cached targets do not count.
 *
 * finish_ms is when the system's builds would be done if they began now and had the machines alone: its critical path, or
 * its work shared among the slots of the machines that build for it, whichever is longer; where a machine also builds for
 * other systems of the set, the work of all these over all their slots when that is longer still. It is -1 where no
 * machine builds for the system. low and high are the same with every duration its recorded spread shorter and longer,
 * between which half of the recorded ones lie. All is done at the greatest of the systems' times.
 */
#ifndef EKACI_QUEUE_ESTIMATE_H
#define EKACI_QUEUE_ESTIMATE_H

#include "nix/machines.h"
#include "store/builds.h"

/* Asks the database once for each name and system, for all estimates that are made with it. */
struct estimator;
struct estimator *estimator_new(struct store *s);
void estimator_free(struct estimator **x); /* for AUTO(estimator_free) */

/* wants as for store_builds_want: inputs before what needs them. */
must_check int estimate_builds(struct estimator *known, struct arena *a, const struct machine *machines, size_t n_machines,
    const struct build_want *wants, size_t n, struct estimates *ret, struct err *e);

/* What a change makes or remakes: name as in its derivation. */
struct estimate_item {
	const char *name, *system;
	bool cached;
};
/* What all of it costs (struct change_cost). */
must_check int estimate_change(struct estimator *known, struct arena *a, const struct estimate_item *items, size_t n,
    struct change_cost *ret, struct err *e);

#endif
