/*
 * duration - how long derivations took, by name without version and by system.
 *
 * The last DURATION_SAMPLES successful builds are kept; what is told is their median, and the median distance from it.
 */
#ifndef EKACI_STORE_DURATION_H
#define EKACI_STORE_DURATION_H

#include "records/fields.h"
#include "store/store.h"

enum { DURATION_SAMPLES = 15 };

/* "openssl-3.0.7" -> "openssl": what stands before the first "-" that no letter follows, as Nix parses names. A name
 * that ends in .drv loses that first. */
struct str duration_name(struct str name);
must_check int duration_add(struct store *s, const char *pname, const char *system, int64_t ms, struct err *e);
/* Replaces what is known by these, oldest first, of which the last count; those below 0 are left out. */
must_check int duration_put(struct store *s, const char *pname, const char *system, const struct numbers *samples,
    struct err *e);
/* The last ones and this, at most DURATION_SAMPLES, in a. */
struct numbers duration_with(struct arena *a, const struct numbers *before, int64_t ms);
/* 1 when nothing is known. */
must_check int duration_get(struct store *s, struct str pname, const char *system, int64_t *ret_median_ms,
    int64_t *ret_spread_ms, struct err *e);
/* The median of n numbers, which are sorted in place; 0 of none. */
int64_t duration_median(int64_t *ms, size_t n);

#endif
