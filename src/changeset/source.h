/*
 * source - the files of a tree, and whether a folder on disk has just these.
 *
 * A flake is evaluated as a copy in the store, /nix/store/HASH-source, and so are its inputs. Which of them is the
 * repository is told by what is in it: names, modes and contents of the whole folder. Contents are compared by git's own
 * digests, so that nothing is unpacked from the repository and the first file that differs ends it.
 */
#ifndef EKACI_CHANGESET_SOURCE_H
#define EKACI_CHANGESET_SOURCE_H

#include "support/base/err.h"
#include "support/base/str.h"

struct source;

/* tree: 40 hex digits. */
must_check int source_open(const char *git_dir, const char *tree, struct source **ret, struct err *e);
void source_close(struct source *s); /* NULL is fine */

/* Whether dir holds what the folder of the tree ("" for the whole) does, and nothing else, as a checkout would: a submodule
 * is any folder, as a job may take submodules. Links are compared, not followed. False, too, for more than a gigabyte. */
bool source_is_copy(struct source *s, const char *folder, const char *dir);

/* How many lines the regular file at path has; 0 when the tree has none of that name. */
int64_t source_lines(struct source *s, const char *path);

#endif
