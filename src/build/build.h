/*
 * build - the stages of schedule/: what must be built, building one derivation, copying what was built.
 *
 * query
 *   job: difference (file), side ("head" | "base"), failed (base side: head derivations whose base is asked for),
 *        options (object, Nix settings), asked (optional: attributes, or sets of them, that somebody named)
 *   records, head side: `build` for each derivation that must be built, dependencies first: drv, name, system, features,
 *        inputs (drv paths among the records before it), target, fixed_output, cached (true: a target that is there or
 *        can be fetched; nothing to do), marked (cached, and an output in the store says of itself that it failed), asked (it is of, or needed by, one of those named; true when none was named),
 *        base (of a target: its derivation at the base, "" when there is none); then
 *        `query`: targets, cached, to_build, to_fetch, unknown (those of asked that are no target).
 *   base side: `base_of` for each of failed: head, base ("" when the base has no such attribute); then as above for
 *        the base's derivations.
 *   With sizes (true in the job): also one record `sizes` (sizes.h), where they can be had.
 *   The store is asked once for the whole set (nix-store --realise --dry-run); .drv files are read directly.
 *
 * build
 *   job: drv, log (file, made anew), root (GC root to make, or null), max_silent_s, timeout_s, max_log_bytes,
 *        options, builders (null: Nix' own setting), uri (the machine of builders that was chosen, or null for this
 *        one), builders_use_substitutes, local_hook (optional: a build hook that declines, session.h),
 *        again (once it is there, build it once more and compare).
 *        A worker takes one job after the other and keeps a session with Nix for them.
 *   record `built`: outcome (a state of store/builds.h: built failed timed_out silent log_limit infrastructure
 *        unsupported), reason, absent (infrastructure: the machine was not reached), may_pass (failed: worth one more try),
 *        marked (failed by its own word: the outputs are there), phase (in which it failed, or null),
 *        tail (the lines that matter, at most 4 KB), deterministic (null: not compared), wall_ms. Cancelled by SIGTERM: no record.
 *
 * push
 *   job: drvs, cache (a store URL of Nix), options. Copies the outputs that are there, with their closures, in one program.
 *   record `pushed`: paths (how many).
 */
#ifndef EKACI_BUILD_BUILD_H
#define EKACI_BUILD_BUILD_H

#include "records/record.h"

int schedule_query(const json_t *job, struct record_out *out, struct err *e);
int schedule_build(const json_t *job, struct record_out *out, struct err *e);
int schedule_push(const json_t *job, struct record_out *out, struct err *e);
/* Ends the conversation with Nix that schedule_build keeps for the next job. */
void schedule_build_close(void);

#endif
