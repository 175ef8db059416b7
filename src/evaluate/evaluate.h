/*
 * evaluate - a tree and a job become attributes with derivations, or per-attribute failures.
 *
 * The stage `evaluate`: of a struct evaluate_job, a struct evaluation (records/evaluation.h). An evaluation that runs more
 * than max_processes, besides two a worker, leaves less than min_free_mb on the store's disk, or whose processes use more than
 * twice workers x max_memory_mb is stopped and incomplete. With a control group of its own (cgroup, support/os/cgroup.h) the
 * kernel sees to processes and memory, threads counted too; else we look twice a second. Where nobody says how many rows are
 * expected, it is as many as the newest evaluation of the same wish had, of whatever tree (EVALS/KEY.rows).
 *
 * What it promises: a stored evaluation is complete, or it is not stored; base and head are evaluated at the same path;
 * the same wish is fulfilled once, by whoever comes first; a scope is taken from the whole where that is stored; when it ends,
 * however it ends, its processes and its checkout are gone. Each derivation has a garbage collector root below roots_dir/KEY, also when it was reused.
 */
#ifndef EKACI_EVALUATE_EVALUATE_H
#define EKACI_EVALUATE_EVALUATE_H

#include "evaluate/sandbox.h"
#include "records/evaluation.h"
#include "records/record.h"

stage_fn stage_evaluate;

/* The same within another stage: the record is *ret, in a, and nothing is said of progress. One of which some attributes could not be
 * told is incomplete. */
must_check int evaluate_some(struct arena *a, const struct evaluate_job *job, struct evaluation *ret, struct err *e);
/* Whether the job is done as soon as it is asked for: its evaluation is stored, or proved to be base's (reads.h). */
must_check int evaluate_is_known(struct arena *a, const struct evaluate_job *job, bool *ret, struct err *e);

/* Has the evaluator that setting (of ekaci.toml) comes to on this machine evaluate one derivation, in a sandbox as mode says.
 * *ret names it, in a. -1: it does not work, in its words. Takes a second; writes that derivation. */
must_check int evaluate_try(struct arena *a, const char *setting, enum sandbox_mode mode, const char **ret, struct err *e);

#endif
