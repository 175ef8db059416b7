/*
 * reach - what a change rebuilds, from the few attributes that it edits and from the base's graph.
 *
 * The edited attributes' derivations are compared as always: what differs by itself are roots, each standing for a derivation of the
 * base. What needs that one at base, through derivations whose outputs depend on their inputs, is thought to be rebuilt. What this
 * cannot see: attributes that read the changed files in another way than through a derivation, and what the change makes need
 * something else. So it is never final.
 */
#ifndef EKACI_GRAPH_REACH_H
#define EKACI_GRAPH_REACH_H

#include "records/first.h"

struct first_files {
	const char *job;
	const char *base_part, *head_part; /* stored evaluations of the edited attributes */
	const char *base;                  /* of all of the base */
	const char *graph_dir;             /* as of the stage diff, or NULL */
};

/* Fills what, edited, rebuilds, reason and known of *ret, and writes the file `list`. Texts in a. */
must_check int first_spread(struct arena *a, const struct first_files *files, const char *list, struct first_answer *ret,
    struct err *e);

#endif
