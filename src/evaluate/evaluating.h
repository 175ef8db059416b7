/*
 * evaluating - one evaluation that is under way: what is wanted of it, and what came of it beside the rows.
 */
#ifndef EKACI_EVALUATE_EVALUATING_H
#define EKACI_EVALUATE_EVALUATING_H

#include "evaluate/eval_rows.h"
#include "evaluate/evaluator.h"
#include "evaluate/fetches.h"
#include "evaluate/reads.h"
#include "records/evaluation.h"
#include "records/record.h"

struct evaluating {
	const struct evaluator *ev;
	struct evaluator_job job;   /* source, roots_dir, flake and limits of time are set by execute_evaluation */
	const char *git_dir, *tree; /* tree NULL: an empty folder */
	struct flake_self self;     /* whose commit a flake's tree is said to be (flake.h); rev NULL: nobody's */
	const char *checkout_dir;
	const char *fetch_cache_dir; /* or NULL */
	const struct own_nix *own;   /* the user's own Nix (cli/ownnix.h), or NULL for the bot's, of which the next two are */
	struct named_texts nix_options; /* evalconf.h */
	struct texts features;
	const char *fetches; /* fetches.h; or NULL */
	enum fetch_mode fetch;
	const char *roots_dir;              /* or NULL */
	int64_t max_processes, min_free_mb; /* evaluate.h */
	const char *cgroup;                 /* a group of ours to make one for this run in (cgroup.h), or NULL */
	int64_t wall_ms;
	bool sandbox;
	bool notes_reads;            /* the tree is served and what is read of it noted, where that can be had */
	int64_t expected_rows;       /* -1: unknown */
	struct record_out *out;      /* progress */
	int64_t took_ms, max_rss_kb; /* afterwards; of the largest process */
	/* Afterwards, what may not or cannot be had here (doubts.h): whether the evaluation is incomplete for it; and which single
	 * rows, which are marked, are so, in the rows' arena, else NULL. */
	bool unknown;
	struct untold_attrs *untold;
	/* Afterwards, what was read of the tree, where that is known; the caller's to release. */
	bool knows_reads;
	struct reads reads;
};

#define EVALUATING_INSIDE "/build/source"

/* Where the tree is for the evaluator, in a: one path for all trees; in the sandbox it is EVALUATING_INSIDE. */
const char *evaluating_source(struct arena *a, const struct evaluating *r);

#endif
