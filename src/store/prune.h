/*
 * prune - retention of rows, a piece at a time: what is older than [state] keep_days and nothing needs any more goes.
 *
 * Deliveries that were processed; runs that ended and were reported, but not the newest of an open pull request, which its page and
 * checks link to; builds that nobody wants any more; obeyed commands, their questions and what the forge said of people; wishes of
 * which nothing is left to send; sums that no plot and no queue looks at.
 */
#ifndef EKACI_STORE_PRUNE_H
#define EKACI_STORE_PRUNE_H

#include "store/store.h"

/* How far a pass is; {.before = since 1970} begins one. */
struct store_pruning {
	int64_t before;
	size_t at; /* the table */
	int64_t key;
};
/* Goes on for a few milliseconds, in a transaction of its own: a pass over a million rows takes many calls, and what may not go is only
 * looked at. 1: there is more to do, 0: the pass is over. */
must_check int store_prune(struct store *s, struct store_pruning *p, struct err *e);

#endif
