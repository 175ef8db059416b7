/*
 * run_check - whose checks stand on a commit: of each run what it alone would have, beside what stands there (store/desired.h).
 *
 * A forge shows checks by commit, and one commit may be the head of several pull requests, a branch and a merge group.
 */
#ifndef EKACI_STORE_RUN_CHECK_H
#define EKACI_STORE_RUN_CHECK_H

#include "records/wish.h"
#include "store/store.h"

/* What the run alone would have for the name; replaces what it had. */
must_check int store_run_check_put(struct store *s, int64_t run, const struct wish_check *wanted, struct err *e);

/* How many the run has had. */
must_check int store_run_checks(struct store *s, int64_t run, int64_t *ret, struct err *e);

/* Who has a say in the check of a commit: the newest run of each open pull request with that head, and of a branch or merge
 * group that has, or had, it. Runs of what is no Nix have none. */
struct commit_check {
	int64_t run, number;
	const char *base_ref;
	const struct wish_check *wanted; /* NULL: it has not reported yet */
};
/* In a, by number. */
must_check int store_commit_checks(struct store *s, struct arena *a, int64_t repository, const char *head, const char *name,
    struct commit_check **ret, size_t *ret_n, struct err *e);
/* What is wanted for the commit now; 1 when nothing ever was. */
must_check int store_check_wanted(struct store *s, struct arena *a, int64_t repository, const char *head, const char *name,
    struct wish_check *ret, struct err *e);

#endif
