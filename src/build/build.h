/*
 * build - what Nix says and does, as stages: what must be built, building one derivation, copying what was built. Their jobs
 * and records are those of records/building.h.
 *
 * query    records `build` for each derivation that must be built, dependencies first, and for each target that is there or can
 *          be fetched; on the base's side before them `base_of` for each of failed, and the builds are those of the base's
 *          derivations; then `query`; where sizes are asked for and can be had also `sizes`. The store is asked once for the
 *          whole set (nix/dry_run.h); .drv files are read directly.
 * build    record `built`. A worker takes one job after the other and keeps a session with Nix for them (nix/session.h); where
 *          there is none to be had it runs a program for each build. Cancelled by SIGTERM: no record.
 * push     copies the outputs that are there, with their closures, in one program; record `pushed`.
 */
#ifndef EKACI_BUILD_BUILD_H
#define EKACI_BUILD_BUILD_H

#include "records/building.h"
#include "records/record.h"

int build_stage_query(struct arena *a, const void *job, struct record_out *out, struct err *e);
int build_stage_build(struct arena *a, const void *job, struct record_out *out, struct err *e);
int build_stage_push(struct arena *a, const void *job, struct record_out *out, struct err *e);
/* Ends the conversation with Nix that build_stage_build keeps for the next job. */
void build_stage_close(void);

#endif
