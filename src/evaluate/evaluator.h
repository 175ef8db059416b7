/*
 * evaluator - which program evaluates, what it can do, and its command line for one job.
 *
 * Any nix-eval-jobs from 2.16, Lix's, or our own `ekaci eval-jobs`. --help is read once; an option is used only when it
 * stands there, for an unknown one is a failed run. All runs of one evaluator get the same options on both sides of a
 * comparison. With --meta nix-eval-jobs makes an error of a derivation whose meta does not evaluate: who runs it asks
 * for its errors again without (evaluation.h).
 */
#ifndef EKACI_EVALUATE_EVALUATOR_H
#define EKACI_EVALUATE_EVALUATOR_H

#include "evaluate/flake.h"
#include "records/plan.h"

struct evaluator {
	const char *program; /* absolute; our own program when built_in */
	bool built_in;
	const char *name;         /* "nix-eval-jobs", "lix-eval-jobs", "ekaci" */
	const char *version;      /* as it says itself; for our own that of nix too */
	const char *build;        /* program.h; NULL for our own */
	const char *const *needs; /* files to be seen where it runs (program.h): NULL-terminated, or NULL */
	bool has_select, has_max_depth;
};

/* One evaluation, in the evaluator's terms. */
struct evaluator_job {
	const struct job_def *job;
	const char *source;                  /* where the tree is, as the evaluator sees it */
	const struct flake_tree *flake;      /* the tree in the store, when the job is a flake of it; else NULL */
	const struct flake_self *flake_self; /* whose commit it is said to be; NULL: nobody's */
	const struct texts *systems;         /* of a flake's outputs; empty: all */
	const char *roots_dir;               /* NULL: none */
	int64_t workers, max_memory_mb, max_rows, max_depth, seconds;
	bool import_from_derivation, network, sandboxed, without_meta;
	bool own;        /* of the user's own checkout, as their Nix has it (cli/ownnix.h) */
	bool restricted; /* Nix' restricted mode, for what is no flake */
	const struct texts *allowed_uris;
};

/* setting: "auto" (nix-eval-jobs when it is on PATH, else our own), "nix-eval-jobs", "built-in", or a path.
 * ERR_ABSENT when there is none. What it says of itself is kept in folder, which exists. */
must_check int evaluator_find(struct arena *a, const char *setting, const char *folder, struct evaluator *ret, struct err *e);

/* Whether the job is a flake of the tree itself ("." and what is below it), which is to be put into the store. */
bool evaluator_wants_flake(const struct job_def *job);
/* ... and all of it: nothing is named behind a "#", nor by attr_path. */
bool evaluator_takes_whole_flake(const struct job_def *job);

/* The command line, NULL-terminated, in a. ERR_INPUT when the job cannot be one (a path that leaves the tree). */
must_check int evaluator_command(struct arena *a, const struct evaluator *ev, const struct evaluator_job *j,
    const char *const **ret, struct err *e);

/* True when this evaluator may exit so although it printed everything: 2.35.0, when its last job made a worker want to
 * be replaced. It then says EVALUATOR_FALSE_ALARM as its last word, which is to be looked for too. */
bool evaluator_false_alarm(const struct evaluator *ev, int code);
#define EVALUATOR_FALSE_ALARM "while sending exit, worker pipe got closed but evaluation worker still running"

/* True when a line of its standard error says that it ends because of what one attribute did to it, which costs the built-in
 * evaluator nothing but that attribute: text that is not UTF-8, a worker that died. */
bool evaluator_gave_up(struct str line);

#endif
