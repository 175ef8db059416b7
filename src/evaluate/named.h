/*
 * named - which attributes the changed files of a head are about.
 *
 * Nobody knows which attribute read which file, only what all of them read together (reads.h). So the base's rows decide: where each
 * attribute says that it is defined (meta.position), and folders that are called like their attribute. A changed path that base's
 * evaluation did not look at is about nothing. One in a folder in which attributes are defined is about these; one in a folder beside
 * such ones is about the attribute of its name, which may be new ("pkgs/NAME/", "pkgs/by-name/cu/curl/": learned from the rows).
 * Every other path may be about anything, and then there is no answer, but a reason.
 */
#ifndef EKACI_EVALUATE_NAMED_H
#define EKACI_EVALUATE_NAMED_H

#include "records/evaluation.h"

enum {
	NAMED_MAX = 256,      /* derivations that are evaluated for a first answer */
	NAMED_MAX_PATHS = 400 /* changed paths that are looked at */
};

struct named {
	struct paths attrs; /* one of each derivation; below the job's attr_path, as rows have them */
	const char *reason; /* why they are not known; NULL: they are */
};

/* head: the job, with base_tree; base: its evaluation, complete. Everything lives in a. */
must_check int named_look(struct arena *a, const struct evaluate_job *head, const struct evaluation *base, struct named *ret,
    struct err *e);

#endif
