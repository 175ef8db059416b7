/*
 * pushes - outputs that are to be copied to binary caches, as rows, until they are there.
 */
#ifndef EKACI_STORE_PUSHES_H
#define EKACI_STORE_PUSHES_H

#include "store/store.h"

/* Everything good that a run built or found built, its base's builds not. */
must_check int store_push_run(struct store *s, int64_t run, const char *cache, struct err *e);

struct push_row {
	int64_t id, attempts;
	const char *drv, *cache;
};
/* Rows of one cache that are due, at most max: those that wait longest, together; one that has failed more than once comes
 * alone, so that it keeps no other from its way. */
must_check int store_push_next(struct store *s, struct arena *a, int64_t now, size_t max, struct push_row *rows, size_t *ret_n,
    struct err *e);
/* When the next one is due; INT64_MAX when there is none. */
must_check int store_push_due(struct store *s, int64_t *ret, struct err *e);
must_check int store_push_done(struct store *s, int64_t id, struct err *e);
must_check int store_push_later(struct store *s, int64_t id, int64_t not_before, const char *why, struct err *e);

#endif
