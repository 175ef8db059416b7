/*
 * evaluation - job and record of the stage `evaluate`: a tree and a job became rows on disk.
 */
#ifndef EKACI_RECORDS_EVALUATION_H
#define EKACI_RECORDS_EVALUATION_H

#include "records/plan.h"

enum side { SIDE_BASE, SIDE_HEAD };
extern const char *const side_words[]; /* "base", "head" */

/* The Nix of whoever runs `ekaci diff` (cli/ownnix.h). */
struct own_nix {
	struct named_texts env;   /* what decides what comes out: NIX_PATH (its paths absolute), NIX_*, NIXPKGS_*, HOME, ... */
	struct named_texts means; /* by which it comes out: PATH, proxies, certificates, ssh, git, ... */
	const char *settings;     /* a hash of all of Nix' settings */
	const char *search;       /* what <name> is looked up in, as NIX_PATH has it */
	const char *reads;        /* further folders and files that nixpkgs reads, the same way */
	bool restricted;
};
extern const struct fields own_nix_fields;

struct evaluate_job {
	const char *git_dir, *tree;
	const char *base_tree; /* of a head: what its evaluation may be proved by, in the same git_dir; or NULL */
	bool proof;            /* note what is read, and spare evaluations that are proved (evaluate/reads.h) */
	struct texts commits;  /* of a head: of which it is asked whether they rebuild nothing (evaluate/idle.h) */
	struct job_def job;
	int side; /* enum side */
	const char *commit;
	const char *evals_dir, *checkout_dir, *roots_dir;
	const char *evaluator;
	int64_t workers, max_memory_mb, wall_ms;
	const char *sandbox;
	bool sandbox_works;
	const char *cgroup;
	bool allow_import_from_derivation, allow_network;
	const char *fetches, *fetch, *fetch_cache_dir;
	struct texts allowed_uris, experimental_features;
	struct named_texts nix_options;
	struct own_nix *own;
	struct texts systems;
	int64_t max_rows, max_depth, expected_rows, max_processes, min_free_mb;
};
extern const struct fields evaluate_job_fields;

struct commit_name {
	const char *rev;
	int64_t time; /* seconds since 1970 */
};
extern const struct fields commit_name_fields;

/* Attributes of a complete evaluation that could not be told. */
struct untold_attrs {
	int64_t count;
	struct texts names; /* at most 5 */
	const char *words, *advice;
};

struct evaluation {
	int side; /* enum side */
	const char *job, *key, *file;
	bool reused, complete;
	int64_t
	    proved; /* not evaluated: so many paths base's evaluation looked at, and none looks otherwise here; -1: evaluated */
	const char *unproved; /* of a head that was evaluated: why it is not proved to be base's; NULL: none was sought */
	struct texts idle;    /* those of the job's commits that touch nothing of what was evaluated */
	const char *reason;   /* of what is incomplete, the evaluator's own words */
	bool unknown;         /* incomplete for what this machine could not have, not for what the repository says */
	struct untold_attrs *untold;
	struct commit_name *commit;
	const char *nothing;
	int64_t rows, errors, derivations;
	const char *evaluator, *version, *source, *sandbox;
	int64_t wall_ms, max_rss_kb;
};
extern const struct fields evaluation_fields;
/* The first line of a stored evaluation. */
struct evaluation_header {
	int64_t ekaci_evaluation; /* the format: 1 */
	const char *key, *tree;
	struct job_def job;
	struct commit_name *commit;
	const char *evaluator, *version, *source;
	bool complete, partial; /* partial: but for rows that are marked unknown */
	int64_t workers; /* that its rows' costs and warnings are of, side by side; 0: these say nothing (graph/costs.h) */
	int64_t rows, errors, derivations;
};
extern const struct fields evaluation_header_fields;
/* The column `evaluations` of a run, and the report's member: in the order in which they were made. */
struct evaluations {
	struct evaluation *p;
	size_t n;
};

#endif
