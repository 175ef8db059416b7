/*
 * worktree - what somebody's own clone holds beside its commits: the branch that changes go to, and the files as they lie
 * there now.
 *
 * The user's own git reads the files, as `git add -A` would, so that attributes, filters and ignored files are as they are used
 * to; it works on a copy of the index, and the user's own is left alone. Files become objects of the repository, to which
 * nothing refers, as with `git stash create`.
 */
#ifndef EKACI_CHANGESET_WORKTREE_H
#define EKACI_CHANGESET_WORKTREE_H

#include "changeset/changeset.h"

/*
 * The default branch as the clone knows it: what upstream/HEAD names (the remote of a fork's clone that changes go to), upstream/main
 * or upstream/master; what origin/HEAD names; else main or master, local ones first. ERR_ABSENT: none.
 */
must_check int worktree_default_branch(struct arena *a, const char *dir, const char **ret, struct err *e);

/* The commit at which two parted, and its tree. ERR_ABSENT: they have no common history. */
must_check int worktree_merge_base(const char *dir, const char *one, const char *other, char ret_commit[CHANGESET_HEX + 1],
    char ret_tree[CHANGESET_HEX + 1], struct err *e);

/*
 * The tree of the files as they are: tracked ones, and new ones that are not ignored. index is a file to be made for the copy.
 * Repositories that lie inside without being submodules are left out. ERR_ABSENT: the repository is a bare one; ERR_LIMIT: the
 * new files are so large that they are rather forgotten ones.
 */
must_check int worktree_tree(struct arena *a, const char *dir, const char *index, char ret_tree[CHANGESET_HEX + 1],
    struct err *e);

/* Folders in which a save, a new file or a commit is seen: all that hold files as above, those above them, and git's own. */
must_check int worktree_folders(struct arena *a, const char *dir, struct texts *ret, struct err *e);

/* How many commits `tip` has that `other` does not have; 0 when it cannot be told. */
size_t worktree_ahead(const char *dir, const char *tip, const char *other);

/* What is not committed, all 0 when git cannot tell, and what is going on. */
struct worktree_state {
	size_t changed, added, unmerged; /* tracked files that differ from HEAD, new ones that are not ignored, conflicts */
	bool submodules;                 /* something inside of a submodule differs */
	const char *branch;              /* NULL: HEAD is detached */
	const char *doing;               /* "a merge", "a rebase", ...; NULL: nothing */
};
struct worktree_state worktree_state(struct arena *a, const char *dir);

#endif
