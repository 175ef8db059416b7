/*
 * sides - the two that `ekaci diff` compares: what somebody named, or left to us, becomes trees.
 */
#ifndef EKACI_CLI_SIDES_H
#define EKACI_CLI_SIDES_H

#include "cli/request.h"
#include "records/mirror.h"

/* The head that is no commit, as reports name it. */
#define SIDES_FILES "working tree"

struct sides {
	const char *base, *head; /* as they were named, or are by us; head: also SIDES_FILES */
	bool of_files;           /* head is the files as they are now */
	bool merged;             /* head is merged into base, as GitHub would */
	bool fetched;            /* a pull request, for which pulled_forget is to be called */
	const char *told;        /* what is compared, in one line, for people */
	const char *hint;        /* what is not compared, or NULL */
	const char *git_dir;     /* of the repository's objects, absolute */
	struct mirrored mirrored;
};

/*
 * What a pull request needs is fetched. index: a file of ours for the working tree's index. Texts are in a, or the
 * request's.
 */
must_check int sides_find(struct arena *a, const struct command_line *q, const char *index, struct sides *ret, struct err *e);

#endif
