/*
 * late - what can be said of rows only when all of them are there: --check-cache-status and --constituents.
 *
 * The store is asked once about all derivations, not once for each. Of an aggregate (_hydraAggregate) the constituents
 * that it names are looked up among the rows; it is not rewritten to depend on them, for stock Nix cannot do that.
 */
#ifndef EKACI_EVALUATE_LATE_H
#define EKACI_EVALUATE_LATE_H

#include "evaluate/evaljobs.h"

/* Prints the rows (n lines, each with its newline) with what o asks for added; those of aggregates come last. */
must_check int late_print(const struct eval_jobs *o, const struct str *lines, size_t n, struct err *e);

#endif
