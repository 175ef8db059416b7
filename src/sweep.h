/*
 * sweep - retention: files that nothing shows or needs any more go.
 *
 * The stage `sweep` looks at folders of the state, one level deep, and removes entries that were last used before a
 * time. What is used again has its time of change renewed by whoever uses it. Rows are pruned by store_prune.
 *   job: folders (absolute paths), before_ms (since 1970)
 *   record `swept`: removed, kept, bytes
 */
#ifndef EKACI_SWEEP_H
#define EKACI_SWEEP_H

#include "config.h"
#include "support/os/record.h"

stage_fn sweep_stage;
json_t *sweep_job(const struct settings *c, int64_t before_ms);

#endif
