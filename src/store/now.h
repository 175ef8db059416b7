/*
 * now - what the bot is doing and what waits, as the database has it at this moment: for `ekaci status` and for metrics.
 *
 * Nothing here changes anything. Each question reads an index of what is alive, never a whole table. Texts are in the arena, as
 * they came from outside.
 */
#ifndef EKACI_STORE_NOW_H
#define EKACI_STORE_NOW_H

#include "store/store.h"

/* A run that has not ended, the oldest first. */
struct now_run {
	int64_t id, number; /* number: as in store/run.h, 0 a branch, negative a merge group */
	const char *owner, *name, *base_ref, *head, *author, *state;
	const char *waiting;          /* why it is held, or tried again later; NULL: it is not */
	int64_t created_ms, since_ms; /* since when it is in its state */
	int64_t not_before_ms;        /* tried again then; 0: now */
	int64_t builds, open_builds;  /* that it wants */
};
must_check int now_runs(struct store *s, struct arena *a, size_t max, struct now_run **ret, size_t *ret_n, int64_t *ret_total,
    struct err *e);

/* A build at work, the longest first, and one of the runs that want it. */
struct now_build {
	const char *drv, *name, *system, *builder; /* builder NULL: not known */
	int64_t started_ms, expected_ms;           /* expected 0: not known */
	int64_t run, number;
	const char *owner, *repo, *base_ref;
};
must_check int now_builds(struct store *s, struct arena *a, size_t max, struct now_build **ret, size_t *ret_n, struct err *e);

/* Open builds by system. */
struct now_queue {
	const char *system;
	int64_t building, queued, put_back, waiting; /* put_back: queued, but not before a time; waiting: for its inputs */
	int64_t oldest_ms;                           /* since when the oldest of the queued ones waits, 0: none does */
	int64_t next_ms;                             /* when the first of those put back may start, 0: none is */
	const char *reason;                          /* why that one was put back, or NULL */
};
must_check int now_queues(struct store *s, struct arena *a, struct now_queue **ret, size_t *ret_n, struct err *e);

/* What an installation has used of the forge's limit on writes. */
struct now_budget {
	int64_t installation;
	const char *account;
	int64_t writes;   /* in the last hour */
	int64_t until_ms; /* nothing is asked before that, as the forge told us; 0: it did not */
};
must_check int now_budgets(struct store *s, struct arena *a, int64_t now_ms, struct now_budget **ret, size_t *ret_n,
    struct err *e);

#endif
