/*
 * sweep - retention: files that nothing shows or needs any more go.
 *
 * The stage `sweep` looks at folders of the state, one level deep, and removes entries that were last used before a
 * time. What is used again has its time of change renewed by whoever uses it. Rows are pruned by store/prune.h.
 * Then evaluations and graphs are brought within their size: the one that was used longest ago goes first, but none that
 * a live run has been given, and none used in the last hour, for a stage may be about to say that it uses it.
 */
#ifndef EKACI_WALK_SWEEP_H
#define EKACI_WALK_SWEEP_H

#include "config/config.h"
#include "records/record.h"
#include "records/retention.h"

stage_fn sweep_stage; /* of a struct sweep_job: a struct swept */
/* needed: names of stored evaluations that runs still read. Texts in a. */
struct sweep_job sweep_job(struct arena *a, const struct settings *c, int64_t now_ms, const struct texts *needed);
/* Adds to gone what is kept of a repository in folders of its own: its mirror, its sources. */
void sweep_repository(struct arena *a, const struct settings *c, int64_t repository, struct texts *gone);
/* Adds to needed what the column `evaluations` of a live run names (NULL: nothing yet). */
void sweep_needs(struct arena *a, const char *evaluations, struct texts *needed);

#endif
