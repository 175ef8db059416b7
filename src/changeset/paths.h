/*
 * paths - the changed paths between two trees.
 *
 * Memory: names live in the arena. Order: git's own, by bytes. Renames are looked for among at most PATHS_MAX_RENAMES
 * deletions and additions, and by content only when none of these files is larger than PATHS_MAX_COMPARED, because only
 * the report shows them as one: for the rules both names count in any case.
 *
 * A pointer of Git LFS is known by its own words ("version https://git-lfs.github.com/spec/v1" and an oid), which are what
 * a checkout of ours holds, whatever .gitattributes say.
 */
#ifndef EKACI_CHANGESET_PATHS_H
#define EKACI_CHANGESET_PATHS_H

#include "changeset/repository.h"

enum {
	PATHS_MAX_RENAMES = 400,
	PATHS_MAX_COMPARED = 1024 * 1024,
	PATHS_MAX_POINTER = 1024 /* of Git LFS, by its specification */
};

struct changed_path {
	struct str path;    /* at head; of a deletion, at base */
	struct str old;     /* of a rename; else p is NULL */
	const char *status; /* "added", "deleted", "modified", "renamed", "mode", "type", "submodule" */
	bool submodule;     /* at base or at head */
	bool lfs;           /* its contents at base or at head only point to those that Git LFS has elsewhere */
};

struct changed_paths {
	struct changed_path *p;
	size_t n;
};

must_check int paths_changed(struct arena *a, git_repository *repo, git_tree *base, git_tree *head, struct changed_paths *ret,
    struct err *e);

#endif
