/*
 * compared - how far what stands at the forge was compared with what is known here, and what the comparison needs to know.
 *
 * See bot/reconcile.h. Lists are in the arena.
 */
#ifndef EKACI_STORE_COMPARED_H
#define EKACI_STORE_COMPARED_H

#include "store/store.h"

struct compared {
	int64_t pulls; /* the newest change of a pull request that was seen, the forge's clock; 0: look at all that are open */
	const char *pulls_tag, *branch, *branch_tag, *queue_tag; /* NULL: none */
};
/* Zeros when there is none. */
must_check int store_compared_get(struct store *s, struct arena *a, int64_t repository, struct compared *ret, struct err *e);
must_check int store_compared_put(struct store *s, int64_t repository, const struct compared *c, struct err *e);
/* Of an installation (0: of all): what was hidden from us may have changed. */
must_check int store_compared_forget(struct store *s, int64_t installation, struct err *e);

/* Up to when failed deliveries of a host were asked for again; 0: never. */
must_check int store_asked_again(struct store *s, int64_t host, int64_t *ret, struct err *e);
must_check int store_asked_again_put(struct store *s, int64_t host, int64_t upto_ms, struct err *e);
/* False also when it cannot be told: a delivery that comes twice changes nothing. */
bool store_delivery_known(struct store *s, int64_t host, const char *guid);

must_check int store_installations_active(struct store *s, struct arena *a, struct ids *ret, struct err *e);
/* Numbers of pull requests that are open as far as is known. */
must_check int store_pulls_open(struct store *s, struct arena *a, int64_t repository, struct ids *ret, struct err *e);
/* Live runs of the merge queue. */
must_check int store_runs_queued(struct store *s, struct arena *a, int64_t repository, struct ids *ret, struct err *e);
/* Newest runs of open pull requests, branches and the queue that failed because the forge refused what the stage wanted of it, of an
 * installation (0: of all); ended since, and of heads that failed so fewer than max_times. */
must_check int store_runs_refused(struct store *s, struct arena *a, int64_t installation, int64_t since_ms, int64_t max_times,
    struct ids *ret, struct err *e);
/* Live runs of an installation that wait to be fetched once more wait no longer, and their attempts count anew. */
must_check int store_runs_hurry(struct store *s, int64_t installation, struct err *e);

#endif
