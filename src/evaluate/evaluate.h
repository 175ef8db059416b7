/*
 * evaluate - a tree and a job become attributes with derivations, or per-attribute failures.
 *
 * The stage `evaluate`; its job and record stand in ARCHITECTURE.md. Job members beside those there, all optional:
 * `fetch_cache_dir` (a folder kept between evaluations for Nix' fetchers), `fetches` (a
 * repository's noted sources, fetches.h) with `fetch` ("never": no network, "once", "keep"), `expected_rows` (for progress; else as many as the
 * newest evaluation of the same wish had, of whatever tree: EVALS/KEY.rows),
 * `max_processes` (256, besides two a worker) and `min_free_mb` (1024, of the store's disk): an evaluation that goes beyond
 * is stopped and incomplete, as is one whose processes use more than twice workers x max_memory_mb; `cgroup` (a control
 * group to make one in, support/os/cgroup.h): there the kernel sees to both, threads counted too; else we look twice a second.
 * `sandbox_works` (whoever made the job has tried it: it is not tried again).
 *
 * What it promises: a stored evaluation is complete, or it is not stored; base and head are evaluated at the same path;
 * the same wish is fulfilled once, by whoever comes first; a scope is taken from the whole where that is stored; when it ends, however it ends, its processes and its
 * checkout are gone. Each derivation has a garbage collector root below roots_dir/KEY, also when it was reused.
 */
#ifndef EKACI_EVALUATE_EVALUATE_H
#define EKACI_EVALUATE_EVALUATE_H

#include "evaluate/sandbox.h"
#include "records/record.h"

int stage_evaluate(const json_t *job, struct record_out *out, struct err *e);

/* Has the evaluator that setting (of ekaci.toml) comes to on this machine evaluate one derivation, in a sandbox as mode says.
 * *ret names it, in a. -1: it does not work, in its words. Takes a second; writes that derivation. */
must_check int evaluate_try(struct arena *a, const char *setting, enum sandbox_mode mode, const char **ret, struct err *e);

#endif
