/*
 * doubts - errors that say nothing about the repository: something may not or cannot be had on this machine (nix/unknown.h), or
 * lies in a submodule that the job does not take.
 */
#ifndef EKACI_EVALUATE_DOUBTS_H
#define EKACI_EVALUATE_DOUBTS_H

#include "evaluate/evaluating.h"
#include "evaluate/gitlinks.h"

/* Of finished rows: what could not be told is marked, counted and goes to r->untold with what to set; where it is the root,
 * the evaluation is incomplete and r->unknown. Fetched sources that base would have are forgotten, so that it fetches them. */
void doubts_judge(struct evaluating *r, const struct gitlinks *g, struct eval_rows *rows);

#endif
