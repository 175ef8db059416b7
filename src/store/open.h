/*
 * open - the open builds as the scheduler mirrors them.
 *
 * At start all of them are read; after that, the runs that store_build_changes names. Everything a call reads is of one
 * moment when it stands within a transaction.
 */
#ifndef EKACI_STORE_OPEN_H
#define EKACI_STORE_OPEN_H

#include "store/builds.h"

struct open_build {
	int64_t id, attempts, not_before, expected_ms; /* expected 0: nothing is known */
	const char *drv, *system, *features, *reason;
	enum build_state state;
};
struct open_owner {
	int64_t run, repository, number, priority;
};
/* Texts live for the call. Builds come first, then inputs, then owners: those of one build in one call. */
struct open_reader {
	void (*build)(void *ctx, const struct open_build *b);
	void (*ended)(void *ctx, int64_t build); /* wanted by the run, and not open */
	void (*input)(void *ctx, int64_t build, int64_t input);
	void (*owners)(void *ctx, int64_t build, const struct open_owner *owners, size_t n);
	void *ctx;
};
/* Of one run, or of all (run 0; ended is not called then). Inputs are those of builds that have not started, among open
 * ones. Owners are live runs. */
must_check int store_open_read(struct store *s, int64_t run, const struct open_reader *r, struct err *e);

/* Runs whose wants have changed since this was last asked, at most max; they are forgotten with that. */
must_check int store_build_changes(struct store *s, int64_t *runs, size_t max, size_t *ret_n, struct err *e);

/* Building time that ended since (whole hours), by pull request and hour: fn gets each sum, one row each. */
must_check int store_build_used(struct store *s, int64_t since,
    void (*fn)(void *ctx, int64_t repository, int64_t number, int64_t at, int64_t ms), void *ctx, struct err *e);

/* An attempt that failed because no machine could be reached, so that it was none: notes since when; gives it. */
must_check int store_build_absent(struct store *s, int64_t id, int64_t now, int64_t *ret_since, struct err *e);
/* How often a build was begun since it was wanted. */
must_check int store_build_attempts(struct store *s, int64_t id, int64_t *ret, struct err *e);

#endif
