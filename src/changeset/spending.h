/*
 * spending - "budget" of .ekaci/config.json: which branch a change belongs on, by the machine hours that it costs.
 *
 *   "budget": { "up_to": [ { "machine_hours": 2, "branch": "main" }, ... ], "above": "staging" }
 *
 * Machine hours are the sum of build times, as one machine would need for all of them one after the other. The steps ascend. A
 * mistake is put down with its place; unknown keys are mistakes, since without them a step would mean something else.
 */
#ifndef EKACI_CHANGESET_SPENDING_H
#define EKACI_CHANGESET_SPENDING_H

#include "changeset/reader.h"
#include "records/plan.h"

enum { SPENDING_MAX_STEPS = 8, SPENDING_MAX_HOURS = 1000 * 1000 };

/* NULL when doc has none, or what it has is a mistake. */
struct branch_budget *spending_read(struct reader *r, const json_t *doc);
bool spending_same(const struct branch_budget *a, const struct branch_budget *b);

#endif
