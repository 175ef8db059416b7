/*
 * evaluation - one evaluation from the command line to rows, and whether they are all.
 *
 * Complete (design, section 6): the evaluator exited as its version does when it has said everything, printed no fatal
 * row, and every line was a row. Anything else is incomplete, with the evaluator's own words as the reason. A complete one
 * may be partial: of some of its attributes it could not be told here what they are (unknown.h), and these rows are marked.
 *
 * nix-eval-jobs with --meta makes an error of each derivation whose meta does not evaluate. So its errors are asked for once
 * more, without: what evaluates then is a row like any other, with metaError.
 */
#ifndef EKACI_EVALUATE_EVALUATION_H
#define EKACI_EVALUATE_EVALUATION_H

#include "evaluate/evaluator.h"
#include "evaluate/fetches.h"
#include "evaluate/output.h"
#include "records/evaluation.h"
#include "records/record.h"

struct run {
	const struct evaluator *ev;
	struct evaluator_job job;   /* source and roots_dir are set here */
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
	int64_t expected_rows;       /* -1: unknown */
	struct record_out *out;      /* progress */
	int64_t took_ms, max_rss_kb; /* afterwards; of the largest process */
	bool unknown; /* afterwards: it is incomplete because of what may not or cannot be had here (unknown.h) */
	struct untold_attrs
	    *untold; /* afterwards: what is so of single rows, which are marked; else NULL. In the rows' arena */
};

/* Where the tree is for the evaluator: one path for all trees. */
const char *run_source(struct arena *a, const struct run *r);

/* Checks the tree out, evaluates, fills rows (sorted). An incomplete evaluation is 0 with rows->incomplete. -1: it could
 * not even begin, or was cancelled (ERR_BUSY). */
must_check int run_evaluation(struct run *r, struct rows *rows, struct err *e);

#endif
