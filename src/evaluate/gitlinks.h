/*
 * gitlinks - where a tree has submodules, for jobs that do not take them: there is an empty folder, and what reads in it
 * fails without being wrong.
 */
#ifndef EKACI_EVALUATE_GITLINKS_H
#define EKACI_EVALUATE_GITLINKS_H

#include "support/base/err.h"
#include "support/base/str.h"

enum { GITLINKS_MAX = 1000 /* as many submodules as we take (changeset/gitmodules.h) */ };

struct gitlinks {
	struct str paths[GITLINKS_MAX]; /* in the arena */
	size_t n;
};

must_check int gitlinks_read(struct arena *a, const char *git_dir, const char *tree, struct gitlinks *ret, struct err *e);
/* The submodule that a message names by a path to it or into it; NULL: none. */
const char *gitlinks_in(const struct gitlinks *g, struct str text);

#endif
