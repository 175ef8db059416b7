/*
 * pulled - a pull request in somebody's own clone: its head and the branch it is to be merged into, fetched by their own git.
 *
 * What is fetched is kept from git's collection by refs of this process alone, refs/ekaci/local/PID/, until pulled_forget.
 */
#ifndef EKACI_CHANGESET_PULLED_H
#define EKACI_CHANGESET_PULLED_H

#include "changeset/changeset.h"

struct pulled_wish {
	const char *git_dir;
	const char *url;           /* of the repository with the pull request, as git takes it */
	const char *authorization; /* value of the header, or NULL */
	int64_t number;
	const char *onto; /* the branch it is to be merged into; NULL: look */
};

enum pulled_how {
	PULLED_NAMED,   /* onto was given */
	PULLED_MERGED,  /* the branch into which the forge has merged it, refs/pull/N/merge */
	PULLED_DEFAULT, /* nothing is known: the default branch */
	PULLED_COMMIT   /* the commit into which the forge has merged it; no branch is there any more */
};

struct pulled {
	char head[CHANGESET_HEX + 1], base[CHANGESET_HEX + 1];
	const char *onto; /* the branch's name; with PULLED_COMMIT the commit's */
	enum pulled_how how;
};

/* Texts are in a. ERR_ABSENT: there is no such pull request, branch or repository; ERR_DENIED, ERR_BUSY: see gitcmd.h. */
must_check int pulled_fetch(struct arena *a, const struct pulled_wish *w, struct pulled *ret, struct err *e);
void pulled_forget(const char *git_dir);
/* The address of a remote of the clone, or of the one that pull requests go to (remote NULL): the one that gh was told to use,
 * upstream, origin, or the only one. ERR_ABSENT: there is none. */
must_check int pulled_remote(struct arena *a, const char *dir, const char *remote, const char **ret_url, struct err *e);
/* Calls each(ctx, url) with every remote's address until it gives true. */
bool pulled_any_remote(const char *dir, bool (*each)(void *ctx, const char *url), void *ctx);

#endif
