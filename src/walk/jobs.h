/*
 * jobs - the job documents of the stages, made from settings, a run and the records of the stages before.
 *
 * The daemon and `ekaci diff` make them here, so that both run the same stages on the same words. ARCHITECTURE.md
 * describes each document. All functions give a new reference.
 */
#ifndef EKACI_WALK_JOBS_H
#define EKACI_WALK_JOBS_H

#include "config/config.h"
#include "store/builds.h"
#include "store/run.h"
#include "support/text/json.h"
#include "walk/trust.h"

json_t *jobs_mirror(const struct settings *c, const struct run *r, const struct repository *repo, const char *mirror,
    const char *authorization, enum trust trust);
json_t *jobs_plan(const struct settings *c, const char *git_dir, const json_t *mirrored, const json_t *cli_jobs,
    bool ignore_rules);
/* The same for a branch by itself: all jobs, whatever the rules say, so that the next pull requests find their base. */
json_t *jobs_plan_branch(const struct settings *c, const char *git_dir, const json_t *mirrored);
/* The next evaluation that `done` (array of evaluation records) lacks, or NULL: base and head of each job of the plan
 * in turn, in the whole trees when it takes submodules. A flake of either side is evaluated as the base commit, so that only
 * what changed differs, or, with `as_head` in mirrored, as the head commit: what is built for a branch and the merge queue. The
 * base's rows are what the head is expected to have. No outsider's code runs without a sandbox, unless the operator said so
 * ("off"). */
json_t *jobs_evaluate(const struct settings *c, const char *git_dir, const char *roots_dir, const json_t *mirrored,
    const json_t *plan, const json_t *done, enum trust trust);
/* Why nothing will be compared: the reason of an evaluation that did not complete; else NULL. Where that is the base's, head
 * is evaluated first, because it may be what repairs the base. */
const char *jobs_stopped(const json_t *done);
/* Adds to such a job where the repository's fetched sources are noted (evaluate/fetches.h), and what it may: base, when
 * the base itself says what to evaluate, and a branch's own head fetch for all; a trusted head for itself; others use what
 * base has fetched. */
void jobs_may_fetch(const struct settings *c, json_t *job, const char *fetches, const json_t *plan, enum trust trust);
/* For a fork's pull request, approved or not: takes tokens and passwords for fetching out of such a job, unless what is evaluated
 * is the base alone. */
void jobs_withhold(json_t *job, const json_t *plan);
json_t *jobs_diff(const struct settings *c, const json_t *evaluations, const char *out);
/* Side "base" is asked when head's builds have ended: for what failed, and for the sizes of what is there. asked: the names of a command. */
json_t *jobs_query(const struct settings *c, const char *difference, const char *side, const json_t *failed,
    const json_t *asked);

/* The records `build` of a query as what a run wants; wants has room for all records. Gives how many; texts live in
 * the records and in a. */
enum jobs_which { JOBS_WANTS_ALL, JOBS_WANTS_ASKED, JOBS_WANTS_BASE };
size_t jobs_wants(struct arena *a, const json_t *records, enum jobs_which which, struct build_want *wants);

/* A run's builds (store/builds.h) as the reports' and the query's jobs have them; *ret is to be dropped in any case. */
must_check int jobs_builds(struct store *s, int64_t run, json_t **ret, struct err *e);
must_check int jobs_unjudged(struct store *s, int64_t run, json_t **ret, struct err *e);

/* What a report is made of; NULL where it is not known yet. */
struct jobs_report {
	const json_t *run; /* id, url, repo, number, head, base, title, ... as ARCHITECTURE.md has it */
	const char *phase;
	const char *git_dir;       /* with the tree of `mirrored`, so that only what is in it is annotated */
	const char *documents_dir; /* or NULL: documents are records */
	const json_t *mirrored, *plan, *evaluations, *query, *builds, *failure, *progress;
	const char *difference;
	const char *stalled; /* why no build is begun, or NULL */
	bool wide;           /* held because it is wide */
	bool waiting;        /* held for another reason, until somebody approves */
	bool colour;
	const json_t *formats;
};
json_t *jobs_report(const struct settings *c, const struct jobs_report *r);

#endif
