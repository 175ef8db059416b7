/* Runs, from state to state. */
#include "walk/flow.h"

#include "support/base/clock.h"
#include "support/base/log.h"
#include "support/os/files.h"
#include "walk/jobs.h"
#include "walk/reports.h"
#include "walk/settle.h"
#include "walk/trust.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	MAX_LIVE = 4096, /* runs looked at in one turn */
	MAX_DELAY_MS = 600 * 1000,
	NO_ROOM_MS = 20 * 1000, /* before a full disk is looked at again */
	DENIED_ATTEMPTS = 3,    /* of git: a token may be revoked before its time */
	MAX_BUILDING = 1024     /* builds of one run that are cancelled at once */
};

/* A stage under way for a run. */
struct active {
	struct flow *f;
	struct active *next;
	int64_t run;
	const struct step *step;
	struct worker *worker; /* NULL while the token is being fetched */
	json_t *records;
	char tree[48]; /* the one that is being evaluated */
	bool dropped;  /* the run has moved on; the end is of no interest */
};

struct flow {
	struct flow_parts p;
	struct schedule *schedule;
	struct reports *reports;
	struct loop_timer *timer;
	struct active *active;
	int busy[LANES];
	int64_t wake;
	bool closing;
};

static void run_stage(struct active *act, const json_t *job);

static struct active *
active_of(struct flow *f, int64_t run)
{
	for (struct active *act = f->active; act != NULL; act = act->next)
		if (act->run == run && !act->dropped)
			return act;
	return NULL;
}

static void
forget(struct active *act)
{
	struct active **at = &act->f->active;

	while (*at != act)
		at = &(*at)->next;
	*at = act->next;
	act->f->busy[act->step->lane]--;
	json_decref(act->records);
	mem_free(&act);
}

/* --- ends of a run ------------------------------------------------------------------------------------------- */

static void
drop_active(struct flow *f, int64_t run)
{
	struct active *act = active_of(f, run);

	if (act == NULL)
		return;
	act->dropped = true;
	if (act->worker != NULL)
		loop_worker_cancel(act->worker);
}

static void
remove_roots(struct flow *f, int64_t run)
{
	struct arena a = {0};
	struct err e;

	if (files_remove_tree(arena_printf(&a, "%s/gcroots/run-%" PRId64, f->p.settings->state.dir, run), &e) != 0)
		log_err(LOG_WARN, "flow", &e);
	arena_release(&a);
}

/* A live run ends before its time: its worker goes, and the builds that only it wants. */
static int
end_early(struct flow *f, const struct run *r, enum run_state to, const char *why, struct err *e)
{
	int64_t building[MAX_BUILDING];
	size_t n = 0;

	if (store_begin(f->p.store, e) != 0)
		return -1;
	int rc = store_run_move(f->p.store, r->id, r->state, to, why, e);
	if (rc == 0)
		rc = store_run_unwant(f->p.store, r->id, building, MAX_BUILDING, &n, e);
	rc = store_end(f->p.store, rc < 0 ? -1 : 0, e);
	if (rc != 0)
		return -1;
	drop_active(f, r->id);
	schedule_cancel(f->schedule, building, n);
	remove_roots(f, r->id);
	return 0;
}

static int
fail_run(struct flow *f, const struct run *r, const char *stage, const char *kind, const char *message, struct err *e)
{
	struct arena a = {0};
	AUTO(json_drop)
	json_t *failure = json_pack("{s:s,s:s,s:o}", "stage", stage, "kind", kind, "message", json_any_string(str_of(message)));
	int rc = store_run_set(f->p.store, r->id, "failure", json_line(&a, failure), e);

	if (rc == 0)
		rc = end_early(f, r, RUN_FAILED, message, e);
	arena_release(&a);
	return rc;
}

int
flow_cancel(struct flow *f, int64_t repository, int64_t number, const char *head, const char *why, struct err *e)
{
	struct arena a = {0};
	int64_t ids[64];
	size_t n;
	int rc = store_runs_live_of(f->p.store, repository, number, 0, ids, COUNT(ids), &n, e);

	for (size_t i = 0; rc == 0 && i < n; i++) {
		struct run r;
		rc = store_run_get(f->p.store, &a, ids[i], &r, e);
		if (rc == 0 && (head == NULL || strcmp(r.head, head) == 0))
			rc = end_early(f, &r, RUN_CANCELLED, why, e);
	}
	arena_release(&a);
	flow_kick(f);
	return rc;
}

static int
start_new(struct flow *f, struct arena *a, const struct run *wanted, struct err *e)
{
	int64_t ids[64], id;
	size_t n;

	if (store_run_add(f->p.store, wanted, &id, e) != 0 ||
	    store_runs_live_of(f->p.store, wanted->repository, wanted->number, id, ids, COUNT(ids), &n, e) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct run r;
		if (store_run_get(f->p.store, a, ids[i], &r, e) != 0 || store_run_supersede(f->p.store, ids[i], id, e) != 0 ||
		    end_early(f, &r, RUN_SUPERSEDED, wanted->reason, e) != 0)
			return -1;
	}
	return 0;
}

int
flow_start(struct flow *f, const struct run *wanted, struct err *e)
{
	struct arena a = {0};
	struct run live;
	int rc = store_run_of(f->p.store, &a, wanted->repository, wanted->number, true, &live, e);

	if (rc == 0 && strcmp(live.head, wanted->head) == 0 && strcmp(live.base_ref, wanted->base_ref) == 0 &&
	    live.force >= wanted->force && live.ignore_rules >= wanted->ignore_rules && live.approved >= wanted->approved &&
	    live.again >= wanted->again && str_same(live.asked, wanted->asked)) {
		arena_release(&a);
		return 0;
	}
	if (rc >= 0) {
		rc = store_begin(f->p.store, e);
		if (rc == 0)
			rc = store_end(f->p.store, start_new(f, &a, wanted, e), e);
	}
	arena_release(&a);
	flow_kick(f);
	return rc;
}

/* --- attempts -------------------------------------------------------------------------------------------------- */

static int
attempt_failed(struct flow *f, const struct run *r, const struct step *step, const struct err *why, struct err *e)
{
	bool again = why->kind == ERR_BUSY || why->kind == ERR_SYSTEM;

	if (step->from == RUN_ACCEPTED && why->kind == ERR_DENIED) {
		struct arena a = {0};
		struct repository repo;
		if (store_repository_get(f->p.store, &a, r->repository, &repo, e) == 0)
			send_git_refused(f->p.sender, repo.installation, repo.id);
		arena_release(&a);
		again = r->attempt < DENIED_ATTEMPTS;
	}
	log_warn("run %" PRId64 ": %s (attempt %" PRId64 "): %s (%s)", r->id, step->stage, r->attempt, why->msg,
	    err_kind_name(why->kind));
	if (again && r->attempt < step->attempts)
		return store_run_later(f->p.store, r->id,
		    clock_now_ms() + clock_backoff_ms(step->first_delay_ms, MAX_DELAY_MS, r->attempt - 1), why->msg, e);
	return fail_run(f, r, step->stage, err_kind_name(why->kind), why->msg, e);
}

/* A run that is done and of a ref that the operator trusts: what it built goes to the caches. */
static int
share(struct flow *f, struct arena *a, int64_t run, struct err *e)
{
	struct pull_request pr = {0};
	struct run r;

	if (json_array_size(f->p.settings->cache.push) == 0)
		return 0;
	if (store_run_get(f->p.store, a, run, &r, e) != 0 || store_pull_get(f->p.store, a, r.repository, r.number, &pr, e) < 0)
		return -1;
	bool shared = r.state == RUN_DONE && trust_shares(f->p.settings, &r, &pr);
	return shared ? schedule_push_run(f->schedule, run, e) : 0;
}

static int
settle_attempt(struct flow *f, struct arena *a, int64_t run, const struct step *step, const json_t *records,
    const struct err *end, int64_t outside_ms, struct err *e)
{
	const struct settle on = {f->p.store, f->p.settings};
	const char *incomplete;
	struct run r;
	int rc = store_run_get(f->p.store, a, run, &r, e);

	if (rc != 0 || r.state != step->from)
		return rc < 0 ? -1 : 0;
	if (end->kind != ERR_NONE)
		return attempt_failed(f, &r, step, end, e);
	if (store_begin(f->p.store, e) != 0)
		return -1;
	rc = store_run_spent(f->p.store, run, outside_ms, e);
	if (rc == 0)
		rc = settle_stage(&on, a, &r, records, &incomplete, e);
	if (rc == 0 && incomplete != NULL)
		rc = fail_run(f, &r, step->stage, "incomplete", incomplete, e);
	if (rc == 0)
		rc = share(f, a, run, e);
	if (store_end(f->p.store, rc < 0 ? -1 : 0, e) != 0)
		return -1;
	if (store_run_get(f->p.store, a, run, &r, e) == 0 && run_state_is_end(r.state))
		remove_roots(f, run);
	return 0;
}

static void
on_end(void *ctx, const struct err *end, int64_t outside_ms)
{
	struct active *act = ctx;
	struct flow *f = act->f;
	struct arena a = {0};
	struct err e = {0};

	act->worker = NULL;
	if (!act->dropped && !f->closing &&
	    settle_attempt(f, &a, act->run, act->step, act->records, end, outside_ms, &e) != 0) {
		/* Our own words could not be written or read: that is an attempt that failed, too. */
		struct run r;
		struct err e2;
		log_err(LOG_ERROR, act->step->stage, &e);
		if (store_run_get(f->p.store, &a, act->run, &r, &e2) == 0 && r.state == act->step->from &&
		    attempt_failed(f, &r, act->step, &e, &e2) != 0)
			log_err(LOG_ERROR, act->step->stage, &e2);
	}
	arena_release(&a);
	forget(act);
	flow_kick(f);
	schedule_kick(f->schedule);
}

static void
on_record(void *ctx, struct str line)
{
	struct active *act = ctx;
	AUTO(json_drop) json_t *rec = NULL;
	struct err e;

	if (json_read(line, "record", &rec, &e) != 0)
		log_err(LOG_WARN, act->step->stage, &e);
	else if (strcmp(json_str(rec, "type", ""), "progress") == 0)
		reports_progress(act->f->reports, act->run, rec);
	else
		json_array_append(act->records, rec);
}

static void
run_stage(struct active *act, const json_t *job)
{
	struct worker_events events = {on_record, on_end, act};
	struct arena a = {0};
	struct err e = {0};

	if (loop_worker_start(act->f->p.loop, act->step->stage, str_of(json_line(&a, job)), &events, &act->worker, &e) != 0)
		on_end(act, &e, 0);
	arena_release(&a);
}

/* A run of no pull request, or of one that cannot be read: zeros, an outsider's where there is a number. */
static struct pull_request
pull_of(struct flow *f, struct arena *a, const struct run *r)
{
	struct pull_request pr = {0};
	struct err e;

	if (r->number > 0 && store_pull_get(f->p.store, a, r->repository, r->number, &pr, &e) != 0)
		pr = (struct pull_request){.fork = true};
	return pr;
}

/* The mirror needs a token first; everything else starts at once. */
static void
on_authorization(void *ctx, const char *authorization, const struct err *why)
{
	struct active *act = ctx;
	struct flow *f = act->f;
	struct arena a = {0};
	struct repository repo;
	struct run r;
	struct err e = {0};

	if (why != NULL) {
		on_end(act, why, 0);
		return;
	}
	if (act->dropped || f->closing) {
		forget(act);
		return;
	}
	if (store_run_get(f->p.store, &a, act->run, &r, &e) != 0 ||
	    store_repository_get(f->p.store, &a, r.repository, &repo, &e) != 0) {
		on_end(act, &e, 0);
		arena_release(&a);
		return;
	}
	const char *mirror = arena_printf(&a, "%s/mirrors/%" PRId64 ".git", f->p.settings->state.dir, r.repository);
	struct pull_request pr = pull_of(f, &a, &r);
	AUTO(json_drop)
	json_t *job = jobs_mirror(f->p.settings, &r, &repo, mirror, authorization, trust_of(f->p.settings, &r, &pr));
	run_stage(act, job);
	arena_release(&a);
}

/* --- the next step of a run ------------------------------------------------------------------------------------ */

/* The job of the run's present state; *ret stays NULL when the state has nothing left to do. */
static int
make_job(struct flow *f, struct arena *a, const struct run *r, json_t **ret, struct err *e)
{
	const struct settings *c = f->p.settings;
	const char *git_dir = arena_printf(a, "%s/mirrors/%" PRId64 ".git", c->state.dir, r->repository);
	const char *fetches = arena_printf(a, "%s/fetches/%" PRId64, c->state.dir, r->repository);
	const char *run_dir = arena_printf(a, "%s/runs/%" PRId64, c->state.dir, r->id);
	const char *roots = arena_printf(a, "%s/gcroots/run-%" PRId64, c->state.dir, r->id);
	AUTO(json_drop) json_t *mirrored = NULL;
	AUTO(json_drop) json_t *plan = NULL;
	AUTO(json_drop) json_t *evaluations = NULL;
	AUTO(json_drop) json_t *failed = NULL;
	AUTO(json_drop) json_t *asked = NULL;

	if (files_mkdirs(run_dir, 0750, e) != 0 || files_mkdirs(roots, 0750, e) != 0 ||
	    json_read_maybe(r->mirrored, &mirrored, e) != 0 || json_read_maybe(r->plan, &plan, e) != 0 ||
	    json_read_maybe(r->evaluations, &evaluations, e) != 0 || json_read_maybe(r->asked, &asked, e) != 0)
		return -1;
	if (r->state == RUN_MIRRORED)
		*ret = r->number == RUN_OF_BRANCH ? jobs_plan_branch(c, git_dir, mirrored)
		                                  : jobs_plan(c, git_dir, mirrored, NULL, r->ignore_rules);
	else if (r->state == RUN_PLANNED) {
		struct pull_request pr = pull_of(f, a, r);
		enum trust trust = trust_of(c, r, &pr);
		/* What is built for a branch and the merge queue is what everybody will have: it is named as itself. */
		if (r->number <= RUN_OF_BRANCH && mirrored != NULL)
			json_object_set_new(mirrored, "as_head", json_true());
		*ret = jobs_evaluate(c, git_dir, roots, mirrored, plan, evaluations, trust);
		if (*ret != NULL)
			jobs_may_fetch(c, *ret, fetches, plan, trust);
		if (*ret != NULL && pr.fork)
			jobs_withhold(*ret, plan);
		if (*ret != NULL && f->p.cgroup != NULL)
			json_object_set_new(*ret, "cgroup", json_string(f->p.cgroup));
		if (*ret != NULL)
			json_object_set_new(*ret, "sandbox_works", json_boolean(f->p.sandbox_works));
	} else if (r->state == RUN_EVALUATED)
		*ret = jobs_diff(c, evaluations, arena_printf(a, "%s/difference.json", run_dir));
	else if (r->state == RUN_DIFFED)
		*ret = jobs_query(c, r->difference, "head", NULL, asked);
	else if (r->state == RUN_BUILT) {
		if (jobs_unjudged(f->p.store, r->id, &failed, e) != 0)
			return -1;
		*ret = jobs_query(c, r->difference, "base", failed, NULL);
	}
	return 0;
}

static int
begin_stage(struct flow *f, struct arena *a, const struct run *r, const struct step *step, struct err *e)
{
	AUTO(json_drop) json_t *job = NULL;

	if (step->from != RUN_ACCEPTED && make_job(f, a, r, &job, e) != 0)
		return -1;
	if (step->from == RUN_PLANNED && job == NULL)
		return store_run_move(f->p.store, r->id, r->state, RUN_EVALUATED, "both sides are evaluated", e);
	if (store_run_attempt(f->p.store, r->id, e) != 0)
		return -1;
	struct active *act = mem_alloc(sizeof(*act));
	*act = (struct active){.f = f, .next = f->active, .run = r->id, .step = step, .records = json_array()};
	snprintf(act->tree, sizeof(act->tree), "%s", json_str(job, "tree", ""));
	f->active = act;
	f->busy[step->lane]++;
	if (step->from != RUN_ACCEPTED) {
		run_stage(act, job);
		return 0;
	}
	struct repository repo;
	if (store_repository_get(f->p.store, a, r->repository, &repo, e) != 0) {
		forget(act);
		return -1;
	}
	send_git_authorization(f->p.sender, repo.installation, repo.id, on_authorization, act);
	return 0;
}

/* The run has said that somebody must approve; the approval starts another. */
static int
end_held(struct flow *f, const struct run *r, const char *hold, struct err *e)
{
	if (store_begin(f->p.store, e) != 0)
		return -1;
	int rc = store_run_move(f->p.store, r->id, r->state, RUN_DONE, hold, e);
	if (rc == 0)
		rc = store_run_set(f->p.store, r->id, "waiting", hold, e);
	return store_end(f->p.store, rc < 0 ? -1 : 0, e);
}

static int
end_judged(struct flow *f, const struct run *r, struct err *e)
{
	struct arena a = {0};

	if (store_begin(f->p.store, e) != 0)
		return -1;
	int rc = store_run_judge(f->p.store, r->id, e);
	if (rc == 0)
		rc = store_run_move(f->p.store, r->id, r->state, RUN_DONE, "judged", e);
	if (rc == 0)
		rc = share(f, &a, r->id, e);
	arena_release(&a);
	return store_end(f->p.store, rc, e);
}

/* States that wait for builds, and those that end without a stage. */
static int
advance_waiting(struct flow *f, const struct run *r, struct err *e)
{
	int64_t open = 0;

	if (r->state == RUN_QUERIED) {
		if (r->waiting != NULL) {
			remove_roots(f, r->id);
			return end_held(f, r, r->waiting, e);
		}
		schedule_kick(f->schedule);
		return store_run_move(f->p.store, r->id, r->state, RUN_BUILDING, "queued", e);
	}
	if (store_run_builds_open(f->p.store, r->id, &open, e) != 0)
		return -1;
	if (open > 0)
		return 1;
	if (r->state == RUN_BUILDING)
		return store_run_move(f->p.store, r->id, r->state, RUN_BUILT, "all builds have ended", e);
	remove_roots(f, r->id);
	return end_judged(f, r, e);
}

/* A branch's own evaluation gives way to a pull request's, for which somebody waits; unless it is the very base that the
 * pull request needs. It begins again when the lane is free. */
static void
make_way(struct flow *f, struct arena *a, const struct run *r, const struct step *step)
{
	struct run holder;
	struct err e;

	for (struct active *act = f->active; act != NULL && r->number != RUN_OF_BRANCH; act = act->next) {
		AUTO(json_drop) json_t *mine = NULL;
		if (act->step->lane != step->lane || act->dropped || act->worker == NULL ||
		    store_run_get(f->p.store, a, act->run, &holder, &e) != 0 || holder.number != RUN_OF_BRANCH ||
		    json_read_maybe(r->mirrored, &mine, &e) != 0)
			continue;
		if (strcmp(json_str(mine, "base_tree", "?"), act->tree) == 0)
			return;
		if (store_run_piece(f->p.store, act->run, &e) != 0) /* it was no attempt that failed */
			log_err(LOG_WARN, "flow", &e);
		log_info("run %" PRId64 ": the branch's evaluation waits for pull request %" PRId64, act->run, r->number);
		drop_active(f, act->run);
		return;
	}
}

/* With a disk that is nearly full no new work is begun, so that what runs can still end and be recorded. */
static bool
has_room(struct flow *f, const struct run *r)
{
	if (files_free_mb(f->p.settings->state.dir) >= f->p.settings->state.min_free_mb)
		return true;
	log_warn("run %" PRId64 " waits: less than %" PRId64 " MiB are free in %s", r->id, f->p.settings->state.min_free_mb,
	    f->p.settings->state.dir);
	if (f->wake > clock_now_ms() + NO_ROOM_MS)
		f->wake = clock_now_ms() + NO_ROOM_MS;
	return false;
}

/* One step of one run: 0 when it moved and can be looked at again, 1 when it waits. */
static int
advance(struct flow *f, struct arena *a, int64_t id, struct err *e)
{
	struct run r;
	int64_t now = clock_now_ms();

	if (active_of(f, id) != NULL || store_run_get(f->p.store, a, id, &r, e) != 0)
		return 1;
	const struct step *step = pipeline_step(r.state);
	if (step == NULL)
		return 1;
	if (r.not_before > now) {
		if (r.not_before < f->wake)
			f->wake = r.not_before;
		return 1;
	}
	if (step->stage == NULL)
		return advance_waiting(f, &r, e);
	if (r.state == RUN_PLANNED) {
		AUTO(json_drop) json_t *plan = NULL;
		if (json_read_maybe(r.plan, &plan, e) != 0)
			return -1;
		if (strcmp(json_str(plan, "decision", ""), "skip") == 0) {
			remove_roots(f, r.id);
			return store_run_move(f->p.store, r.id, r.state, RUN_DONE, "no rebuilds expected", e);
		}
		struct pull_request pr = pull_of(f, a, &r);
		const char *hold = trust_holds_evaluation(f->p.settings, &r, &pr);
		if (hold != NULL) {
			remove_roots(f, r.id);
			return end_held(f, &r, hold, e);
		}
	}
	if (f->busy[step->lane] >= pipeline_lane_room(step->lane)) {
		if (step->lane == LANE_EVALUATE)
			make_way(f, a, &r, step);
		return 1;
	}
	if (!has_room(f, &r))
		return 1;
	int rc = begin_stage(f, a, &r, step, e);
	return rc != 0 ? rc : 1 - (active_of(f, id) == NULL);
}

static void
look(void *ctx)
{
	struct flow *f = ctx;
	AUTO(mem_free) int64_t *ids = mem_alloc(MAX_LIVE * sizeof(*ids));
	size_t n = 0;
	struct err e = {0};

	if (f->closing)
		return;
	f->wake = INT64_MAX;
	if (store_runs_live(f->p.store, ids, MAX_LIVE, &n, &e) != 0)
		log_err(LOG_ERROR, "flow", &e);
	for (size_t i = 0; i < n; i++) {
		struct arena a = {0};
		int rc;
		while ((rc = advance(f, &a, ids[i], &e)) == 0)
			;
		if (rc < 0) {
			log_err(LOG_ERROR, "flow", &e);
			f->wake = clock_now_ms() + 5000;
		}
		arena_release(&a);
	}
	reports_look(f->reports);
	if (f->wake != INT64_MAX) {
		int64_t in = f->wake - clock_now_ms();
		loop_timer_set(f->timer, in > 0 ? in : 0);
	}
}

void
flow_kick(struct flow *f)
{
	if (!f->closing)
		loop_timer_set(f->timer, 0);
}

/* A build of this run has started or ended. */
static void
on_build(void *ctx, int64_t run)
{
	struct flow *f = ctx;
	struct err e;

	if (store_run_changed(f->p.store, run, &e) != 0)
		log_err(LOG_ERROR, "flow", &e);
	flow_kick(f);
}

int
flow_new(const struct flow_parts *parts, struct flow **ret, struct err *e)
{
	struct flow *f = mem_alloc(sizeof(*f));

	f->p = *parts;
	f->timer = loop_timer_new(parts->loop, "flow", look, f);
	f->reports = reports_new(parts, f);
	if (schedule_new(parts->loop, parts->store, parts->settings, on_build, f, &f->schedule, e) != 0)
		return -1;
	*ret = f;
	return 0;
}

struct schedule *
flow_schedule(struct flow *f)
{
	return f->schedule;
}

static void
release(void *ctx)
{
	struct flow *f = ctx;

	while (f->active != NULL)
		forget(f->active);
	mem_free(&f);
}

void
flow_free(struct flow *f)
{
	if (f == NULL)
		return;
	f->closing = true;
	loop_timer_free(f->timer);
	reports_free(f->reports);
	schedule_free(f->schedule);
	loop_put_off(f->p.loop, release, f);
}
