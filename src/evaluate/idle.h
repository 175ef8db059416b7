/*
 * idle - commits of a change that touch nothing of what was evaluated.
 *
 * Where no path that head's evaluation looked at (reads.h) looks otherwise after a commit than before it, head without that commit would be
 * evaluated with the same result: the commit rebuilds nothing, and could go by itself. One that only changes what is read without an effect
 * (a comment) is not found so, nor is one with several parents or none.
 */
#ifndef EKACI_EVALUATE_IDLE_H
#define EKACI_EVALUATE_IDLE_H

#include "evaluate/reads.h"
#include "records/fields.h"

/* Those of commits, by their ids, in a; none of them when something cannot be read. */
struct texts idle_commits(struct arena *a, const struct reads *r, const char *git_dir, const struct texts *commits);

#endif
