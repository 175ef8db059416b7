/*
 * late - what can be said of rows only when all of them are there: --check-cache-status and --constituents.
 *
 * The store is asked once about all derivations, not once for each.
 */
#ifndef EKACI_EVALUATE_BUILTIN_LATE_H
#define EKACI_EVALUATE_BUILTIN_LATE_H

#include "evaluate/builtin/aggregate.h"
#include "evaluate/builtin/evaljobs.h"

/* Prints the rows (n lines, each with its newline) with what o asks for added; those of aggregates, rewritten by `by`, come
 * last. */
must_check int late_print(const struct eval_jobs *o, const struct str *lines, size_t n, const struct aggregate_rewriter *by,
    struct err *e);

#endif
