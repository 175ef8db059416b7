/*
 * merge - what a pull request would look like merged, made in memory.
 *
 * The merge's trees and files are written into the repository's object database, where other stages read them; no ref
 * points to them.
 */
#ifndef EKACI_CHANGESET_MERGE_H
#define EKACI_CHANGESET_MERGE_H

#include "changeset/repository.h"
#include "records/mirror.h"

enum { MERGE_MAX_CONFLICTS = 20 };

struct merge {
	git_oid base;       /* the tip; on conflict the merge base, when there is one */
	git_oid merge_base; /* zero when unrelated */
	git_oid base_tree;
	git_oid head_tree; /* of the merge; on conflict of head itself */
	bool conflict;
	bool unrelated;         /* no common history; then conflict too */
	struct texts conflicts; /* paths, at most MERGE_MAX_CONFLICTS */
};

must_check int merge_heads(struct arena *a, git_repository *repo, const git_oid *tip, const git_oid *head, struct merge *ret,
    struct err *e);
/* Two commits as they are, nothing merged. */
must_check int merge_apart(git_repository *repo, const git_oid *base, const git_oid *head, struct merge *ret, struct err *e);
/* What is told of a merge: head as it was named, and the tip it was merged into. Texts in a. */
struct mirrored merge_record(struct arena *a, const struct merge *m, const char *head, const git_oid *tip);

#endif
