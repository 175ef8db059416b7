/* The steps of a run: a job, and what came of it, state by state. */
#include "walk/steps.h"

#include "queue/capacity.h"
#include "queue/estimate.h"
#include "records/array.h"
#include "records/first.h"
#include "store/measure.h"
#include "support/base/clock.h"
#include "support/base/log.h"
#include "support/os/files.h"
#include "support/text/metric.h"
#include "walk/jobs.h"
#include "walk/trust.h"

#include <inttypes.h>
#include <string.h>

/* --- where a run's things are, and what is known of it ----------------------------------------------------------------- */

static const char *
git_dir_of(const struct walk *w, struct arena *a, const struct run *r)
{
	if (w->own != NULL)
		return w->own->git_dir;
	return arena_printf(a, "%s/mirrors/%" PRId64 ".git", w->settings->state.dir, r->repository);
}

static int
folder_of(const struct walk *w, struct arena *a, const struct run *r, const char **ret, struct err *e)
{
	*ret = w->own != NULL ? w->own->run_dir : arena_printf(a, "%s/runs/%" PRId64, w->settings->state.dir, r->id);
	return files_mkdirs(*ret, 0750, e);
}

static int
roots_of(const struct walk *w, struct arena *a, const struct run *r, const char **ret, struct err *e)
{
	*ret = w->own != NULL ? w->own->roots_dir : arena_printf(a, "%s/gcroots/run-%" PRId64, w->settings->state.dir, r->id);
	return files_mkdirs(*ret, 0750, e);
}

static int
read_mirrored(struct arena *a, const struct run *r, struct mirrored *ret, struct err *e)
{
	return fields_read(&mirrored_fields, a, str_of(r->mirrored), "mirrored", ret, e);
}

static int
read_plan(struct arena *a, const struct run *r, struct plan *ret, struct err *e)
{
	return fields_read(&plan_fields, a, str_of(r->plan), "plan", ret, e);
}

static int
read_evaluations(struct arena *a, const struct run *r, struct evaluations *ret, struct err *e)
{
	*ret = (struct evaluations){0};
	return r->evaluations == NULL ? 0 : array_read_records(&evaluation_fields, a, r->evaluations, "evaluations", ret, e);
}

/* Writes a structured column by its table. */
static int
set_column(const struct walk *w, struct arena *a, const struct run *r, const char *column, const struct fields *of,
    const void *is, struct err *e)
{
	char *text;

	return fields_line(of, a, is, &text, e) != 0 ? -1 : store_run_set(w->store, r->id, column, text, e);
}

struct pull_request
steps_pull(const struct walk *w, struct arena *a, const struct run *r)
{
	struct pull_request pr = {0};
	struct err e;

	if (r->number > 0 && store_pull_get(w->store, a, r->repository, r->number, &pr, &e) != 0)
		pr = (struct pull_request){.fork = true};
	return pr;
}

static int
give(struct arena *a, const struct fields *of, const void *is, struct job *ret)
{
	*ret = (struct job){.of = of, .is = arena_dup(a, is, of->size)};
	return 0;
}

static const void *
need(const struct records *records, const struct fields *of, const char *stage, struct err *e)
{
	const void *is = record_find(records, of);

	if (is == NULL)
		(void)!fail(e, ERR_BUG, "the stage %s gave no record", stage);
	return is;
}

/* The run has said that somebody must approve; the approval starts another. */
static int
end_held(const struct walk *w, const struct run *r, const char *hold, struct err *e)
{
	if (store_begin(w->store, e) != 0)
		return -1;
	int rc = store_run_move(w->store, r->id, r->state, RUN_DONE, hold, e);
	if (rc == 0)
		rc = store_run_set(w->store, r->id, "held", hold, e);
	return store_end(w->store, rc < 0 ? -1 : 0, e);
}

/* A run that is done and of a ref that the operator trusts: what it built goes to the caches. */
static int
share(const struct walk *w, struct arena *a, const struct run *r, struct err *e)
{
	struct pull_request pr = {0};

	if (w->schedule == NULL || w->settings->cache.push.n == 0)
		return 0;
	if (store_pull_get(w->store, a, r->repository, r->number, &pr, e) < 0)
		return -1;
	return trust_shares(w->settings, r, &pr) ? schedule_push_run(w->schedule, r->id, e) : 0;
}

/* --- accepted: the commits are fetched --- */

int
steps_mirror_job(const struct walk *w, struct arena *a, const struct run *r, const char *authorization, struct job *ret,
    struct err *e)
{
	struct pull_request pr = steps_pull(w, a, r);
	struct repository *repo = arena_alloc(a, sizeof(*repo));

	if (store_repository_get(w->store, a, r->repository, repo, e) != 0)
		return -1;
	struct mirror_job job = jobs_mirror(r, repo, git_dir_of(w, a, r), authorization, trust_of(w->settings, r, &pr));
	return give(a, &mirror_job_fields, &job, ret);
}

int
steps_mirror_done(const struct walk *w, struct arena *a, const struct run *r, const struct records *records,
    const char **ret_incomplete, struct err *e)
{
	const struct mirrored *rec = need(records, &mirrored_fields, "mirror", e);

	(void)ret_incomplete;
	if (rec == NULL || set_column(w, a, r, "mirrored", &mirrored_fields, rec, e) != 0)
		return -1;
	return store_run_move(w->store, r->id, r->state, RUN_MIRRORED, "fetched", e);
}

/* --- mirrored: what is to be evaluated --- */

int
steps_plan_job(const struct walk *w, struct arena *a, const struct run *r, const char *authorization, struct job *ret,
    struct err *e)
{
	struct mirrored m;

	(void)authorization;
	if (read_mirrored(a, r, &m, e) != 0)
		return -1;
	struct plan_job job = jobs_plan(w->settings, git_dir_of(w, a, r), &m);
	job.ignore_rules = r->ignore_rules || r->number == RUN_OF_BRANCH;
	/* Of a branch by itself all, whatever the rules say, so that the next pull requests find their base. */
	job.all_jobs = r->number == RUN_OF_BRANCH;
	job.may_be_none = w->own == NULL;
	if (w->own != NULL) {
		job.jobs = w->own->jobs;
		job.all_submodules = w->own->submodules;
	} else {
		struct pull_request pr = steps_pull(w, a, r);
		job.unwanted = trust_unwanted(a, w->settings, r, &pr, m.skip_word);
	}
	return give(a, &plan_job_fields, &job, ret);
}

int
steps_plan_done(const struct walk *w, struct arena *a, const struct run *r, const struct records *records,
    const char **ret_incomplete, struct err *e)
{
	const struct plan *rec = need(records, &plan_fields, "plan", e);

	(void)ret_incomplete;
	if (rec == NULL)
		return -1;
	struct plan plan = *rec;
	if (w->own != NULL && w->own->choose(w->own->ctx, &plan, e) != 0)
		return -1;
	if (set_column(w, a, r, "plan", &plan_fields, &plan, e) != 0 || store_run_nix(w->store, r->id, !plan.no_nix, e) != 0)
		return -1;
	return store_run_move(w->store, r->id, r->state, RUN_PLANNED, plan.decision, e);
}

/* --- planned: base and head of each job are evaluated, one after the other --- */

static int
next_evaluation(const struct walk *w, struct arena *a, const struct run *r, const struct plan *plan, enum trust trust,
    struct evaluate_job *ret, struct err *e)
{
	struct mirrored *m = arena_alloc(a, sizeof(*m));
	struct evaluations done;
	/* What is built for a branch and the merge queue is what everybody will have: it is named as itself. */
	struct jobs_trees trees = {.git_dir = git_dir_of(w, a, r), .mirrored = m, .as_head = r->number <= RUN_OF_BRANCH};

	if (read_mirrored(a, r, m, e) != 0 || read_evaluations(a, r, &done, e) != 0 ||
	    roots_of(w, a, r, &trees.roots_dir, e) != 0)
		return -1;
	return jobs_evaluate(a, w->settings, &trees, plan, &done, trust, ret) ? 0 : 1;
}

/* By what decided: of several rules each kind once. */
static void
count_skip(const struct plan *plan)
{
	if (plan->no_nix || plan->unwanted != NULL) {
		metric_add(METRIC_SKIPPED, plan->no_nix ? "no_nix" : "unwanted", NULL, 1);
		return;
	}
	for (size_t i = 0; i < plan->rules.n; i++) {
		size_t k = 0;
		while (strcmp(plan->rules.p[k].kind, plan->rules.p[i].kind) != 0)
			k++;
		if (k == i)
			metric_add(METRIC_SKIPPED, plan->rules.p[i].kind, NULL, 1);
	}
}

int
steps_planned(const struct walk *w, struct arena *a, const struct run *r, struct err *e)
{
	struct pull_request pr = steps_pull(w, a, r);
	struct evaluate_job next;
	struct plan plan;

	if (read_plan(a, r, &plan, e) != 0)
		return -1;
	if (strcmp(plan.decision, "skip") == 0)
		count_skip(&plan);
	if (strcmp(plan.decision, "skip") == 0)
		return store_run_move(w->store, r->id, r->state, RUN_DONE,
		    plan.no_nix             ? "nothing here is Nix"
		    : plan.unwanted != NULL ? plan.unwanted
		                            : "no rebuilds expected",
		    e);
	const char *hold = trust_holds_evaluation(w->settings, r, &pr);
	if (hold != NULL)
		return end_held(w, r, hold, e);
	int rc = next_evaluation(w, a, r, &plan, TRUST_NOBODY, &next, e);
	if (rc <= 0)
		return rc < 0 ? -1 : 1;
	return store_run_move(w->store, r->id, r->state, RUN_EVALUATED, "both sides are evaluated", e);
}

/* A first answer is worth its evaluation where the whole one takes much longer, and somebody waits. */
static bool
wants_first(const struct walk *w, struct arena *a, const struct run *r, const struct evaluate_job *job, struct evaluation *base,
    size_t *place)
{
	int64_t least = w->settings->evaluate.first_answer_from;
	struct first_answers told = {0};
	struct evaluations done;
	struct err e;

	if (job->side != SIDE_HEAD || r->failures > 0 || (w->own != NULL ? !w->own->first : r->number <= 0 || least == 0))
		return false;
	if (read_evaluations(a, r, &done, &e) != 0 ||
	    (r->first != NULL && array_read_records(&first_answer_fields, a, r->first, "first", &told, &e) != 0))
		return false;
	*place = told.n;
	for (size_t i = 0; i < told.n; i++)
		if (strcmp(told.p[i].job, job->job.name) == 0)
			return false;
	for (size_t i = 0; i < done.n; i++)
		if (done.p[i].side == SIDE_BASE && strcmp(done.p[i].job, job->job.name) == 0) {
			*base = done.p[i];
			return base->complete && base->untold == NULL && (w->own != NULL || base->rows >= least);
		}
	return false;
}

static int
first_job(const struct walk *w, struct arena *a, const struct run *r, const struct evaluate_job *job,
    const struct evaluation *base, size_t place, struct job *ret, struct err *e)
{
	const char *folder;

	if (folder_of(w, a, r, &folder, e) != 0)
		return -1;
	const struct first_job asks = {.evaluate = *job,
	    .base = *base,
	    .always = w->own != NULL,
	    .graph_dir = arena_printf(a, "%s/graphs", w->settings->state.dir),
	    .list = arena_printf(a, "%s/first-%zu", folder, place)};
	(void)give(a, &first_job_fields, &asks, ret);
	ret->stage = "first";
	return 0;
}

int
steps_evaluate_job(const struct walk *w, struct arena *a, const struct run *r, const char *authorization, struct job *ret,
    struct err *e)
{
	struct pull_request pr = steps_pull(w, a, r);
	enum trust trust = trust_of(w->settings, r, &pr);
	struct evaluate_job job;
	struct plan plan;

	(void)authorization;
	if (read_plan(a, r, &plan, e) != 0)
		return -1;
	int rc = next_evaluation(w, a, r, &plan, trust, &job, e);
	if (rc != 0)
		return rc < 0 ? -1 : fail(e, ERR_BUG, "run %" PRId64 " has nothing left to evaluate", r->id);
	if (w->own != NULL) {
		job.own = (struct own_nix *)(uintptr_t)w->own->nix;
	} else {
		jobs_may_fetch(w->settings, &job, arena_printf(a, "%s/fetches/%" PRId64, w->settings->state.dir, r->repository),
		    &plan, trust);
		if (pr.fork)
			jobs_withhold(a, &job, &plan);
		job.cgroup = w->cgroup;
		job.sandbox_works = w->sandbox_works;
	}
	struct evaluation base;
	size_t place;
	if (wants_first(w, a, r, &job, &base, &place))
		return first_job(w, a, r, &job, &base, place, ret, e);
	(void)give(a, &evaluate_job_fields, &job, ret);
	ret->tree = job.tree;
	return 0;
}

static const char *
or_none(const char *text)
{
	return text != NULL ? text : "";
}

/* A stored one was a hit. */
static void
count_evaluation(const struct evaluation *rec)
{
	metric_add(METRIC_EVALUATIONS,
	    !rec->complete        ? "incomplete"
	    : rec->reused         ? "stored"
	    : rec->untold != NULL ? "in_part"
	                          : "evaluated",
	    NULL, 1);
	if (!rec->reused)
		metric_observe(METRIC_EVALUATION_SECONDS, NULL, (double)rec->wall_ms / 1000);
}

static void
log_evaluation(const struct run *r, const struct evaluation *rec)
{
	count_evaluation(rec);
	log_info("run %" PRId64 ": %s of %s is %s, %" PRId64 " rows in %" PRId64 " ms by %s %s, sandbox %s", r->id,
	    side_words[rec->side], rec->job,
	    !rec->complete        ? "incomplete"
	    : rec->proved >= 0    ? "proved to be base's"
	    : rec->reused         ? "stored already"
	    : rec->untold != NULL ? "evaluated in part"
	                          : "evaluated",
	    rec->rows, rec->wall_ms, or_none(rec->evaluator), or_none(rec->version), or_none(rec->sandbox));
}

/* The run stays where it is: its next job is the whole evaluation. */
static int
note_first(const struct walk *w, struct arena *a, const struct run *r, const struct first_answer *rec, struct err *e)
{
	struct first_answers before = {0};
	const char *text;

	if (r->first != NULL && array_read_records(&first_answer_fields, a, r->first, "first", &before, e) != 0)
		return -1;
	struct first_answers all = {arena_alloc(a, (before.n + 1) * sizeof(*rec)), before.n + 1};
	if (before.n > 0)
		memcpy(all.p, before.p, before.n * sizeof(*rec));
	all.p[before.n] = *rec;
	log_info("run %" PRId64 ": first answer for %s in %" PRId64 " ms: %s", r->id, rec->job, rec->wall_ms,
	    rec->known      ? rec->what
	    : rec->needless ? "the whole one is as fast"
	                    : or_none(rec->reason));
	if (array_write_records(&first_answer_fields, a, &all, &text, e) != 0 ||
	    store_run_set(w->store, r->id, "first", text, e) != 0)
		return -1;
	return store_run_piece(w->store, r->id, e);
}

int
steps_evaluate_done(const struct walk *w, struct arena *a, const struct run *r, const struct records *records,
    const char **ret_incomplete, struct err *e)
{
	const struct first_answer *first = record_find(records, &first_answer_fields);
	if (first != NULL)
		return note_first(w, a, r, first, e);
	const struct evaluation *rec = need(records, &evaluation_fields, "evaluate", e);
	struct evaluations before;
	const char *text;

	if (rec == NULL || read_evaluations(a, r, &before, e) != 0)
		return -1;
	struct evaluations done = {arena_alloc(a, (before.n + 1) * sizeof(*rec)), before.n + 1};
	if (before.n > 0)
		memcpy(done.p, before.p, before.n * sizeof(*rec));
	done.p[before.n] = *rec;
	log_evaluation(r, rec);
	if (array_write_records(&evaluation_fields, a, &done, &text, e) != 0 ||
	    store_run_set(w->store, r->id, "evaluations", text, e) != 0 || store_run_piece(w->store, r->id, e) != 0)
		return -1;
	/* Incomplete means failed: nothing is compared. Else the run has another one to make, or passes. */
	*ret_incomplete = jobs_stopped(&done);
	return 0;
}

/* --- evaluated: the two are compared --- */

int
steps_diff_job(const struct walk *w, struct arena *a, const struct run *r, const char *authorization, struct job *ret,
    struct err *e)
{
	struct evaluations *done = arena_alloc(a, sizeof(*done));
	const char *folder;

	(void)authorization;
	if (read_evaluations(a, r, done, e) != 0 || folder_of(w, a, r, &folder, e) != 0)
		return -1;
	struct diff_job job = jobs_diff(a, w->settings, done, arena_printf(a, "%s/difference.json", folder));
	return give(a, &diff_job_fields, &job, ret);
}

int
steps_diff_done(const struct walk *w, struct arena *a, const struct run *r, const struct records *records,
    const char **ret_incomplete, struct err *e)
{
	const struct difference_record *rec = need(records, &difference_record_fields, "diff", e);

	(void)ret_incomplete;
	if (rec == NULL)
		return -1;
	int64_t rebuilds = rec->counts.total.of[CLASS_REBUILD] + rec->counts.total.of[CLASS_ADDED];
	bool wide = rebuilds > w->settings->rebuild.max_rebuild_count;
	for (size_t i = 0; i < rec->counts.systems.n; i++) {
		const struct system_counts *c = &rec->counts.systems.p[i];
		metric_observe(METRIC_REBUILDS, c->system, (double)(c->of.of[CLASS_REBUILD] + c->of.of[CLASS_ADDED]));
	}
	for (size_t i = 0; i < rec->radii.n; i++)
		metric_observe(METRIC_RADIUS, NULL, (double)rec->radii.p[i]);
	if (store_run_set(w->store, r->id, "difference", rec->file, e) != 0 ||
	    set_column(w, a, r, "counts", &difference_counts_fields, &rec->counts, e) != 0 ||
	    store_run_flags(w->store, r->id, wide, r->approved, r->force, e) != 0)
		return -1;
	return store_run_move(w->store, r->id, r->state, RUN_DIFFED, wide ? "compared: wide" : "compared", e);
}

/* --- diffed: what must be built, and whether it may --- */

int
steps_query_job(const struct walk *w, struct arena *a, const struct run *r, const char *authorization, struct job *ret,
    struct err *e)
{
	struct query_job job = jobs_query(w->settings, r->difference, SIDE_HEAD);

	(void)authorization;
	if (r->asked != NULL && array_read_texts(a, r->asked, "asked", &job.asked, e) != 0)
		return -1;
	return give(a, &query_job_fields, &job, ret);
}

/* What a person named is tried again; without names that is all. Whoever runs `ekaci diff --build` wants to see it built, and
 * --check is about the head. */
static int
want_builds(const struct walk *w, const struct run *r, const struct records *records, enum jobs_which which, struct err *e)
{
	AUTO(mem_free) struct build_want *wants = mem_alloc((records->n + 1) * sizeof(*wants));
	int64_t since = clock_now_ms() - w->settings->build.failure_cache_h * 3600 * 1000;
	bool base = which == JOBS_WANTS_BASE, own = w->own != NULL;
	size_t n = jobs_wants(records, which, wants);

	for (size_t i = 0; i < n; i++) {
		wants[i].retry = own || (wants[i].asked && r->force && !base);
		wants[i].again = wants[i].asked && r->again && wants[i].target && !(own && base);
	}
	return store_builds_want(w->store, r->id, wants, n, since, e);
}

/* Adds how long its builds may take. */
static int
estimate(const struct walk *w, struct estimator *known, struct arena *a, const struct records *records, struct query *query,
    struct err *e)
{
	AUTO(mem_free) struct build_want *wants = mem_alloc((records->n + 1) * sizeof(*wants));
	size_t n = jobs_wants(records, JOBS_WANTS_ALL, wants);
	const struct machine *machines = NULL;
	size_t n_machines = 0;
	struct err unread;

	/* The builders' file may be half written just now: the rest of the estimate is still right. */
	if (capacity_machines(a, w->settings, &machines, &n_machines, &unread) != 0)
		log_err(LOG_WARN, "no finish time", &unread);
	return estimate_builds(known, a, machines, n_machines, wants, n, &query->estimate, e);
}

/* Adds what the whole change costs, whatever of it is there. */
static int
add_cost(struct estimator *known, struct arena *a, const struct records *records, struct query *query, struct err *e)
{
	AUTO(mem_free) struct estimate_item *items = mem_alloc((records->n + 1) * sizeof(*items));
	const struct build_needed *needed;
	const struct needed_there *there;
	size_t n = 0, at = 0;

	if (query->changed < 0)
		return 0;
	while ((needed = record_next(records, &build_needed_fields, &at)) != NULL)
		if (needed->changed)
			items[n++] = (struct estimate_item){needed->name, needed->system, needed->cached};
	at = 0;
	while ((there = record_next(records, &needed_there_fields, &at)) != NULL)
		items[n++] = (struct estimate_item){there->name, there->system, true};
	/* One that is to be built, but that the store did not name, would be missing: then nothing is said. */
	if ((int64_t)n != query->changed)
		return 0;
	query->cost = arena_alloc(a, sizeof(*query->cost));
	return estimate_change(known, a, items, n, query->cost, e);
}

int
steps_query_done(const struct walk *w, struct arena *a, const struct run *r, const struct records *records,
    const char **ret_incomplete, struct err *e)
{
	const struct query *rec = need(records, &query_fields, "query", e);
	struct pull_request pr = {0};

	(void)ret_incomplete;
	if (rec == NULL)
		return -1;
	metric_add(METRIC_TARGETS, "cached", NULL, rec->cached);
	metric_add(METRIC_TARGETS, "to_fetch", NULL, rec->to_fetch);
	metric_add(METRIC_TARGETS, "to_build", NULL, rec->to_build);
	struct query query = *rec;
	AUTO(estimator_free) struct estimator *known = estimator_new(w->store);
	if (estimate(w, known, a, records, &query, e) != 0 || add_cost(known, a, records, &query, e) != 0 ||
	    set_column(w, a, r, "query", &query_fields, &query, e) != 0 ||
	    store_pull_get(w->store, a, r->repository, r->number, &pr, e) < 0)
		return -1;
	/* The builds are linked to the run only when they may be made. */
	const char *hold = trust_holds_builds(w->settings, r, &pr);
	/* Who may ask for a rebuild may approve, here of what was named. */
	bool narrowed = hold != NULL && r->asked != NULL && w->settings->build.enabled;
	if (hold != NULL && !narrowed) {
		if (store_run_move(w->store, r->id, r->state, RUN_QUERIED, hold, e) < 0)
			return -1;
		return store_run_set(w->store, r->id, "held", hold, e);
	}
	if (want_builds(w, r, records, narrowed ? JOBS_WANTS_ASKED : JOBS_WANTS_ALL, e) != 0)
		return -1;
	return store_run_move(w->store, r->id, r->state, RUN_QUERIED,
	    narrowed ? "the store was asked for what was named" : "the store was asked", e);
}

int
steps_queried(const struct walk *w, struct arena *a, const struct run *r, struct err *e)
{
	(void)a;
	if (r->held != NULL)
		return end_held(w, r, r->held, e);
	return store_run_move(w->store, r->id, r->state, RUN_BUILDING, "queued", e);
}

/* --- building --- */

/* 0 when all builds that the run wants have ended. */
static int
builds_ended(const struct walk *w, const struct run *r, struct err *e)
{
	int64_t open = 0;

	if (store_run_builds_open(w->store, r->id, &open, e) != 0)
		return -1;
	return open > 0 ? 1 : 0;
}

int
steps_building(const struct walk *w, struct arena *a, const struct run *r, struct err *e)
{
	int rc = builds_ended(w, r, e);

	(void)a;
	return rc != 0 ? rc : store_run_move(w->store, r->id, r->state, RUN_BUILT, "all builds have ended", e);
}

/* Of a run that is done: whether it took what it was thought to take. */
static void
count_estimate(const struct walk *w, const struct run *r)
{
	struct build_estimated all;
	struct err e;

	if (store_run_estimated(w->store, r->id, &all, &e) != 0) {
		log_err(LOG_WARN, "how good the estimate was is not known", &e);
		return;
	}
	if (all.builds > 0 && all.expected_ms > 0)
		metric_observe(METRIC_ESTIMATE, NULL, (double)all.took_ms / (double)all.expected_ms);
}

/* --- built: whose the failures are --- */

int
steps_judge_job(const struct walk *w, struct arena *a, const struct run *r, const char *authorization, struct job *ret,
    struct err *e)
{
	struct query_job job = jobs_query(w->settings, r->difference, SIDE_BASE);

	(void)authorization;
	if (store_run_unjudged(w->store, a, r->id, &job.failed, e) != 0)
		return -1;
	return give(a, &query_job_fields, &job, ret);
}

/* The column `query` gets the sizes of what was built. */
static int
add_sizes(const struct walk *w, struct arena *a, const struct run *r, const struct sizes *sizes, struct err *e)
{
	struct query query;

	if (sizes == NULL || r->query == NULL)
		return 0;
	if (fields_read(&query_fields, a, str_of(r->query), "query", &query, e) != 0)
		return -1;
	query.sizes = (struct sizes *)(uintptr_t)sizes;
	if (measure_put(w->store, r->id, sizes, e) != 0)
		return -1;
	return set_column(w, a, r, "query", &query_fields, &query, e);
}

int
steps_judge_done(const struct walk *w, struct arena *a, const struct run *r, const struct records *records,
    const char **ret_incomplete, struct err *e)
{
	const struct base_of *one;
	size_t at = 0;

	(void)ret_incomplete;
	if (add_sizes(w, a, r, record_find(records, &sizes_fields), e) != 0)
		return -1;
	if (record_find(records, &base_of_fields) == NULL) {
		int rc = store_run_move(w->store, r->id, r->state, RUN_DONE, "nothing failed", e);
		if (rc == 0)
			count_estimate(w, r);
		return rc != 0 ? rc : share(w, a, r, e);
	}
	while ((one = record_next(records, &base_of_fields, &at)) != NULL)
		if (store_run_base_of(w->store, r->id, one->head, one->base, e) != 0)
			return -1;
	if (want_builds(w, r, records, JOBS_WANTS_BASE, e) != 0)
		return -1;
	return store_run_move(w->store, r->id, r->state, RUN_JUDGING, "the base is asked", e);
}

/* --- judging: builds of the base --- */

static int
end_judged(const struct walk *w, struct arena *a, const struct run *r, struct err *e)
{
	if (store_begin(w->store, e) != 0)
		return -1;
	int rc = store_run_judge(w->store, r->id, e);
	if (rc == 0)
		rc = store_run_move(w->store, r->id, r->state, RUN_DONE, "judged", e);
	if (rc == 0)
		count_estimate(w, r);
	if (rc == 0)
		rc = share(w, a, r, e);
	return store_end(w->store, rc, e);
}

int
steps_judging(const struct walk *w, struct arena *a, const struct run *r, struct err *e)
{
	int rc = builds_ended(w, r, e);

	return rc != 0 ? rc : end_judged(w, a, r, e);
}
