/*
 * surroundings - what an evaluator is run in: sandbox, environment, nix.conf, what it sees of the machine, control group.
 */
#ifndef EKACI_EVALUATE_SURROUNDINGS_H
#define EKACI_EVALUATE_SURROUNDINGS_H

#include "evaluate/hearing.h"

#define SURROUNDINGS_PROGRAMS "/run/ekaci"                     /* in the sandbox: our own program, */
#define SURROUNDINGS_FETCHES  SURROUNDINGS_PROGRAMS "/fetches" /* and what the repository has fetched (fetches.h) */

/* Runs the evaluator on the tree in work/source (or where evaluating_source says, without a sandbox); r->job's source, roots_dir,
 * sandboxed and seconds are set here. *end is how it ended, for hearing_judge. */
must_check int surroundings_run(struct evaluating *r, struct arena *a, const char *work, struct hearing *h,
    struct child_result *end, struct err *e);

#endif
