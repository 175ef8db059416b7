/*
 * sweep - retention: files that nothing shows or needs any more go.
 *
 * The stage `sweep` looks at folders of the state, one level deep, and removes entries that were last used before a
 * time. What is used again has its time of change renewed by whoever uses it. Rows are pruned by store_prune.
 * Then evaluations and graphs are brought within their size: the one that was used longest ago goes first, but none that
 * a live run has been given, and none used in the last hour, for a stage may be about to say that it uses it.
 *   job: folders (absolute paths), before_ms (since 1970), sized (folders), max_bytes (of those together; 0: no limit),
 *        needed (names of files that stay), young_ms (since 1970: what was used later stays)
 *   record `swept`: removed, kept, bytes
 */
#ifndef EKACI_WALK_SWEEP_H
#define EKACI_WALK_SWEEP_H

#include "config/config.h"
#include "records/record.h"

json_stage_fn sweep_stage;
/* needed (taken over): array of names of stored evaluations that runs still read. */
json_t *sweep_job(const struct settings *c, int64_t now_ms, json_t *needed);
/* Adds to needed what the records `evaluation` (text of an array, or NULL) of a live run name. */
void sweep_needs(const char *evaluations, json_t *needed);

#endif
