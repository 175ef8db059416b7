/*
 * steps - what is done in each state of a run: the functions of the table (walk/table.h).
 *
 * They read the run's row and columns, and write them; whoever walks runs the stages between them.
 */
#ifndef EKACI_WALK_STEPS_H
#define EKACI_WALK_STEPS_H

#include "config/config.h"
#include "queue/schedule.h"
#include "records/plan.h"
#include "records/record.h"
#include "store/run.h"

/* The run of `ekaci diff`: the only one of its store. Its builds are tried again whatever is known of them. */
struct own_run {
	const char *git_dir, *run_dir, *roots_dir;
	const char *jobs; /* as struct plan_job has them */
	bool submodules;
	bool first; /* a first answer is wanted, and the whole one only if there is none */
	const struct own_nix *nix;
	/* Leaves of a plan what was asked for. */
	int (*choose)(void *ctx, struct plan *plan, struct err *e);
	void *ctx;
};

/* Whose walk it is. */
struct walk {
	struct store *store;
	const struct settings *settings;
	struct schedule *schedule; /* NULL: nothing is built */
	const char *cgroup;        /* ours to divide among evaluations (support/os/cgroup.h), or NULL */
	bool sandbox_works;        /* it was tried */
	const struct own_run *own; /* NULL: the bot's */
};

/* A job, a struct of its table. */
struct job {
	const struct fields *of;
	const void *is;
	const char *tree;  /* that is evaluated, or NULL */
	const char *stage; /* another one than the state's; NULL */
};

/* Moves a run on that has nothing left to do in its state (0); 1 when its stage is to run, or builds are not at their end. */
typedef int pass_fn(const struct walk *w, struct arena *a, const struct run *r, struct err *e);
/* The job of the state's stage; what it refers to is r's or in a. */
typedef int job_fn(const struct walk *w, struct arena *a, const struct run *r, const char *authorization, struct job *ret,
    struct err *e);
/*
 * Writes what the stage found and moves the run on; in the caller's transaction. An evaluation that is not complete leaves the
 * run where it is and gives the evaluator's words in *ret_incomplete (else NULL): then the run must fail. A positive value: the
 * run had moved on already.
 */
typedef int done_fn(const struct walk *w, struct arena *a, const struct run *r, const struct records *records,
    const char **ret_incomplete, struct err *e);

job_fn steps_mirror_job, steps_plan_job, steps_evaluate_job, steps_diff_job, steps_query_job, steps_judge_job;
done_fn steps_mirror_done, steps_plan_done, steps_evaluate_done, steps_diff_done, steps_query_done, steps_judge_done;
pass_fn steps_planned, steps_queried, steps_building, steps_judging;

/* The pull request of a run: of one that is none zeros, of one that cannot be read an outsider's. */
struct pull_request steps_pull(const struct walk *w, struct arena *a, const struct run *r);

#endif
