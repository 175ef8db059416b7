/*
 * jobs - the jobs of the stages, made from settings, a run and the records of the stages before.
 *
 * The daemon and `ekaci diff` make them here, so that both run the same stages on the same words. The structs are those of
 * records/; texts are the arguments' own, or in a.
 */
#ifndef EKACI_WALK_JOBS_H
#define EKACI_WALK_JOBS_H

#include "config/config.h"
#include "records/building.h"
#include "records/difference.h"
#include "records/record.h"
#include "records/reporting.h"
#include "records/run_state.h"
#include "records/run_told.h"
#include "store/builds.h"
#include "store/run.h"
#include "walk/trust.h"

struct mirror_job jobs_mirror(const struct run *r, const struct repository *repo, const char *mirror, const char *authorization,
    enum trust trust);
struct plan_job jobs_plan(const struct settings *c, const char *git_dir, const struct mirrored *mirrored);

/* What an evaluation is of, and where. */
struct jobs_trees {
	const char *git_dir, *roots_dir;
	const struct mirrored *mirrored;
	bool
	    as_head; /* a flake of either side is evaluated as the head commit, as for a branch and the merge queue; else as the
	                 base commit, so that only what changed differs */
};
/* The next evaluation that `done` lacks: base and head of each job of the plan in turn, in the whole trees when it takes
 * submodules. False when there is none. The base's rows are what the head is expected to have. No outsider's code runs without
 * a sandbox, unless the operator said so ("off"). */
bool jobs_evaluate(struct arena *a, const struct settings *c, const struct jobs_trees *trees, const struct plan *plan,
    const struct evaluations *done, enum trust trust, struct evaluate_job *ret);
/* Why nothing will be compared: the reason of an evaluation that did not complete; else NULL. Where that is the base's, head
 * is evaluated first, because it may be what repairs the base. */
const char *jobs_stopped(const struct evaluations *done);
/* Adds to such a job where the repository's fetched sources are noted (evaluate/fetches.h), and what it may: base, when
 * the base itself says what to evaluate, and a branch's own head fetch for all; a trusted head for itself; others use what
 * base has fetched. */
void jobs_may_fetch(const struct settings *c, struct evaluate_job *job, const char *fetches, const struct plan *plan,
    enum trust trust);
/* For a fork's pull request, approved or not: takes tokens and passwords for fetching out of such a job, unless what is evaluated
 * is the base alone. */
void jobs_withhold(struct arena *a, struct evaluate_job *job, const struct plan *plan);
struct diff_job jobs_diff(struct arena *a, const struct settings *c, const struct evaluations *evaluations, const char *out);
/* Side SIDE_BASE is asked when head's builds have ended: for what failed, and for the sizes of what is there. */
struct query_job jobs_query(const struct settings *c, const char *difference, enum side side);

/* The records `build` of a query as what a run wants; wants has room for all records. Gives how many; texts live in
 * the records. */
enum jobs_which { JOBS_WANTS_ALL, JOBS_WANTS_ASKED, JOBS_WANTS_BASE };
size_t jobs_wants(const struct records *records, enum jobs_which which, struct build_want *wants);

/* What a report is told besides the columns of its run. */
struct jobs_telling {
	struct run_told told; /* all but what stands in `mirrored` */
	const struct fields *told_as;
	bool merged; /* head and base were: conflicts are told, null when there are none */
	struct texts formats;
};
/* The job, without what only some have: builds, progress, and what holds it. */
must_check int jobs_report(struct arena *a, const struct settings *c, const struct run *r, const struct jobs_telling *how,
    struct report_job *ret, struct err *e);
/* A run's builds as its report's job has them, JSON in a. */
must_check int jobs_builds(struct arena *a, const struct builds_told *builds, const char **ret, struct err *e);

#endif
