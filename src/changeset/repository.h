/*
 * repository - reading git repositories with libgit2.
 *
 * Nothing outside the repository is read: no configuration of the system or the user. Who owns the folder does not
 * matter, because nothing in it is ever run.
 */
#ifndef EKACI_CHANGESET_REPOSITORY_H
#define EKACI_CHANGESET_REPOSITORY_H

#include "support/base/err.h"
#include "support/base/str.h"

#include <git2.h>

/* For AUTO: what libgit2 gave goes at the end of the block. */
static inline void
repo_free(git_repository **repo)
{
	git_repository_free(*repo);
}
static inline void
tree_free(git_tree **tree)
{
	git_tree_free(*tree);
}
static inline void
commit_free(git_commit **commit)
{
	git_commit_free(*commit);
}
static inline void
entry_free(git_tree_entry **entry)
{
	git_tree_entry_free(*entry);
}
static inline void
index_free(git_index **index)
{
	git_index_free(*index);
}
static inline void
diff_free(git_diff **diff)
{
	git_diff_free(*diff);
}
static inline void
odb_free(git_odb **odb)
{
	git_odb_free(*odb);
}
static inline void
object_free(git_odb_object **object)
{
	git_odb_object_free(*object);
}

/* Before any other call into libgit2; the functions here do it themselves. */
void repository_start(void);
/* Opens exactly this git folder; ERR_ABSENT when it is none. */
must_check int repository_open(const char *git_dir, git_repository **ret, struct err *e);
/* Opens the one that dir is in. */
must_check int repository_discover(const char *dir, git_repository **ret, struct err *e);

/* 40 hex digits; what names the id in the error. */
must_check int repository_id(const char *hex, const char *what, git_oid *ret, struct err *e);
must_check int repository_tree(git_repository *repo, const char *hex, git_tree **ret, struct err *e);
/* -1. Adds to an error what may be the reason: objects are not there because the clone is a partial one. */
int repository_is_partial(git_repository *repo, struct err *e);
/* Whether it is a folder in which, however deep, there is no file: git checks out none, and compares none. */
bool repository_is_hollow(git_repository *repo, const git_tree_entry *entry);
bool repository_has_commit(git_repository *repo, const git_oid *id);

/* A file in a tree: 0 and its bytes in the arena, 1 when there is nothing of this name, -1 when it is no regular file,
 * is larger than max_bytes (both ERR_INPUT) or cannot be read. */
must_check int repository_file(struct arena *a, git_repository *repo, const git_tree *tree, const char *path, size_t max_bytes,
    struct str *ret, struct err *e);

/* fail() with libgit2's own words behind; rc is its return code, which decides the kind. */
int repository_fail(struct err *e, int rc, const char *at, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
#define fail_git(e, rc, ...) repository_fail((e), (rc), ERR_AT, __VA_ARGS__)

#endif
