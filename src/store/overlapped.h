/*
 * overlapped - open pull requests of a repository beside each other: what is to be compared, and what came of it.
 *
 * A repository is due when a run of one of its pull requests was begun, compared or judged, or one was opened or closed, since it was
 * last looked at: the tables note that themselves.
 */
#ifndef EKACI_STORE_OVERLAPPED_H
#define EKACI_STORE_OVERLAPPED_H

#include "store/store.h"

struct overlap_due {
	int64_t repository;
	int64_t changes; /* as of which it is due */
};
/* Any one that is due. 1: none is. */
must_check int store_overlap_due(struct store *s, struct overlap_due *ret, struct err *e);

struct overlap_open {
	int64_t number, run;
	const char *difference, *verdict; /* verdict may be NULL */
};
/* Open pull requests whose newest run was compared with its base, the newest of them, in a. */
must_check int store_overlap_open(struct store *s, struct arena *a, int64_t repository, size_t limit, struct overlap_open **ret,
    size_t *ret_n, struct err *e);

struct overlap_text {
	int64_t number; /* 0: of all */
	const char *told;
};
/* Takes the place of all that was said of the repository; it is due no more, unless more has changed since. */
must_check int store_overlap_put(struct store *s, const struct overlap_due *of, const struct overlap_text *all, size_t n,
    struct err *e);
/* The JSON, in a. 1: there is none. */
must_check int store_overlap_get(struct store *s, struct arena *a, int64_t repository, int64_t number, const char **ret,
    struct err *e);

#endif
