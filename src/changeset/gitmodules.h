/*
 * gitmodules - which submodules a tree has, and where they are to be had.
 *
 * .gitmodules is git configuration, so git reads it (`git config --blob`, without includes). The file is hostile:
 * one that is no regular file, is larger than the limit or that git cannot read is ERR_INPUT; a name or path as git itself
 * would refuse it (empty, with "..", absolute, in disguise of an option) is left out, as git leaves it out.
 */
#ifndef EKACI_CHANGESET_GITMODULES_H
#define EKACI_CHANGESET_GITMODULES_H

#include "changeset/gitcmd.h"
#include "changeset/repository.h"

enum {
	GITMODULES_MAX_BYTES = 256 * 1024,
	GITMODULES_MAX = 1000 /* submodules of one tree; a superproject of a whole distribution has some hundreds */
};

struct gitmodule {
	const char *name, *path, *url; /* url as it is written: maybe relative, maybe anything */
};

struct gitmodules {
	struct gitmodule *p;
	size_t n;
};

/* Those of a tree of repo, whose git folder is g->dir; none when there is no file. Of two with one path the later counts. */
must_check int gitmodules_read(const struct gitcmd *g, git_repository *repo, const git_tree *tree, struct gitmodules *ret,
    struct err *e);

/* "./x" and "../x" beside the address of the repository that says so, as git resolves them; others as they are. ERR_INPUT
 * when there are more ".." than the address has folders. */
must_check int gitmodules_url(struct arena *a, const char *beside, const char *url, const char **ret, struct err *e);

#endif
