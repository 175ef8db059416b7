/* Runs, from state to state. */
#include "walk/flow.h"

#include "records/all.h"
#include "records/failure.h"
#include "support/base/clock.h"
#include "support/base/log.h"
#include "support/os/files.h"
#include "support/text/metric.h"
#include "walk/table.h"
#include "worker/pool.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	MAX_LIVE = 4096, /* runs looked at in one turn */
	MAX_DELAY_MS = 600 * 1000,
	NO_ROOM_MS = 20 * 1000, /* before a full disk is looked at again */
	REST_MS = 1000,         /* from the end of the last run until memory is given back */
	MAX_REFUSALS = 7,  /* of git, in a row: a minute. A token may be revoked before its time, and machines of a forge lag */
	REFUSED_MS = 1000, /* before the second of them; doubles */
	MAX_BUILDING = 1024 /* builds of one run that are cancelled at once */
};

/* A stage under way for a run. */
struct active {
	struct flow *f;
	struct active *next;
	int64_t run;
	const struct step *step;
	struct worker *worker; /* NULL while the token is being fetched */
	struct arena a;        /* of the records */
	VEC(struct record) records;
	bool broken; /* one of them could not be read: unread says why */
	struct err unread;
	const char *tree; /* the one that is being evaluated, or NULL */
	bool dropped;     /* the run has moved on; the end is of no interest */
};

struct flow {
	struct flow_parts p;
	struct walk walk;
	struct loop_timer *timer;
	struct active *active;
	int busy[LANES];
	int64_t wake;
	size_t live;          /* runs, at the last look */
	int64_t rest_at;      /* when what runs needed is given back; 0: not to be */
	bool held;            /* what there is to work with is not known yet */
	int64_t gave_way[64]; /* runs of bots whose evaluation made room for a person's, the last of them */
	size_t n_gave_way;
	bool closing;
};

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
	vec_release(&act->records);
	arena_release(&act->a);
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
		worker_cancel(act->worker);
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

/* Builds that runs had begun which this one replaced: what it does not want, either, is stopped. */
static int
drop_kept(struct flow *f, int64_t run, struct err *e)
{
	int64_t building[MAX_BUILDING];
	size_t n = 0;

	if (store_run_drop_kept(f->p.store, run, building, MAX_BUILDING, &n, e) != 0)
		return -1;
	if (n > 0)
		schedule_cancel(f->walk.schedule, building, n);
	return 0;
}

/* A live run ends before its time: its worker goes, and the builds that only it wants; where another one takes its place, what is
 * being built goes on until that one knows. */
static int
end_early(struct flow *f, const struct run *r, enum run_state to, const char *why, struct err *e)
{
	int64_t building[MAX_BUILDING];
	size_t n = 0;

	if (store_begin(f->p.store, e) != 0)
		return -1;
	int rc = store_run_move(f->p.store, r->id, r->state, to, why, e);
	if (rc == 0)
		metric_add(METRIC_RUNS_ENDED, run_state_name(to), NULL, 1);
	if (rc == 0)
		rc = store_run_unwant(f->p.store, r->id, to == RUN_SUPERSEDED, building, MAX_BUILDING, &n, e);
	rc = store_end(f->p.store, rc < 0 ? -1 : 0, e);
	if (rc != 0)
		return -1;
	drop_active(f, r->id);
	schedule_cancel(f->walk.schedule, building, n);
	remove_roots(f, r->id);
	return to == RUN_SUPERSEDED ? 0 : drop_kept(f, r->id, e);
}

static int
fail_run(struct flow *f, const struct run *r, const char *stage, const char *kind, const char *message, struct err *e)
{
	struct arena a = {0};
	const struct run_failure failure = {stage, kind, fields_clean(&a, str_of(message))};
	char *text;
	int rc = fields_line(&run_failure_fields, &a, &failure, &text, e);

	if (rc == 0)
		rc = store_run_set(f->p.store, r->id, "failure", text, e);
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

const char *
flow_whose(struct arena *a, int64_t number)
{
	return number > 0    ? arena_printf(a, "#%" PRId64, number)
	       : number == 0 ? "branch"
	                     : arena_printf(a, "queue #%" PRId64, -number);
}

static void
log_begin(struct flow *f, struct arena *a, const struct run *wanted, int64_t id)
{
	struct repository repo = {0};
	struct err e;

	if (store_repository_get(f->p.store, a, wanted->repository, &repo, &e) != 0)
		return;
	log_event(LOG_INFO, "run begins", LOG_NUMBER("run", id),
	    LOG_TEXT("repo", arena_printf(a, "%s/%s", repo.owner, repo.name)), LOG_TEXT("of", flow_whose(a, wanted->number)),
	    LOG_TEXT("head", wanted->head), LOG_TEXT("why", wanted->reason));
}

static int
start_new(struct flow *f, struct arena *a, const struct run *wanted, struct err *e)
{
	int64_t ids[64], id;
	size_t n;

	if (store_run_add(f->p.store, wanted, &id, e) != 0 ||
	    store_runs_live_of(f->p.store, wanted->repository, wanted->number, id, ids, COUNT(ids), &n, e) != 0)
		return -1;
	log_begin(f, a, wanted, id);
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

/* Of what ends before it was done. */
static int
stop_run(struct flow *f, struct arena *a, int64_t id, const char *why, struct err *e)
{
	struct run r;

	if (store_run_get(f->p.store, a, id, &r, e) != 0 || end_early(f, &r, RUN_CANCELLED, why, e) != 0)
		return -1;
	return store_run_stopped(f->p.store, id, e);
}

int
flow_stop(struct flow *f, int64_t repository, const char *why, struct err *e)
{
	struct arena a = {0};
	struct ids ids;
	int rc = store_runs_live_in(f->p.store, &a, repository, &ids, e);

	for (size_t i = 0; rc == 0 && i < ids.n; i++)
		rc = stop_run(f, &a, ids.p[i], why, e);
	arena_release(&a);
	flow_kick(f);
	return rc;
}

int
flow_resume(struct flow *f, int64_t repository, const char *why, struct err *e)
{
	struct arena a = {0};
	struct ids ids;
	int rc = store_runs_stopped_in(f->p.store, &a, repository, &ids, e);

	for (size_t i = 0; rc == 0 && i < ids.n; i++) {
		struct run was;
		rc = store_run_get(f->p.store, &a, ids.p[i], &was, e);
		if (rc != 0)
			break;
		const struct run wanted = {.repository = was.repository,
		    .number = was.number,
		    .head = was.head,
		    .base_ref = was.base_ref,
		    .base = was.base,
		    .head_ref = was.head_ref,
		    .asked = was.asked,
		    .force = was.force,
		    .ignore_rules = was.ignore_rules,
		    .again = was.again,
		    .approved = was.approved,
		    .reason = why};
		rc = flow_start(f, &wanted, e);
	}
	arena_release(&a);
	return rc < 0 ? -1 : 0;
}

/* --- attempts -------------------------------------------------------------------------------------------------- */

static int
attempt_failed(struct flow *f, const struct run *r, const struct step *step, const struct err *why, struct err *e)
{
	bool again = why->kind == ERR_BUSY || why->kind == ERR_SYSTEM;
	bool refused = step->wants_authorization && (why->kind == ERR_DENIED || why->kind == ERR_ABSENT);

	if (refused && why->kind == ERR_DENIED) {
		struct arena a = {0};
		struct repository repo;
		if (store_repository_get(f->p.store, &a, r->repository, &repo, e) == 0)
			f->p.hooks.refused(f->p.hooks.ctx, &repo);
		arena_release(&a);
	}
	if (refused)
		again = r->refusals + 1 < MAX_REFUSALS;
	else if (again)
		again = r->failures + 1 < step->attempts;
	log_warn("run %" PRId64 ": %s (attempt %" PRId64 "): %s (%s)", r->id, step->stage, r->attempt, why->msg,
	    err_kind_name(why->kind));
	if (again)
		return store_run_later(f->p.store, r->id, refused,
		    clock_now_ms() + (refused ? clock_backoff_ms(REFUSED_MS, MAX_DELAY_MS, r->refusals)
		                              : clock_backoff_ms(step->first_delay_ms, MAX_DELAY_MS, r->failures)),
		    why->msg, e);
	return fail_run(f, r, step->stage, err_kind_name(why->kind), why->msg, e);
}

/* It is known what the run wants, or that it wants nothing. Roots of a run that has ended hold nothing that is still needed. */
static void
forget_ended(struct flow *f, struct arena *a, int64_t run)
{
	struct run r;
	struct err e;

	if (store_run_get(f->p.store, a, run, &r, &e) != 0)
		return;
	if ((r.state == RUN_QUERIED || run_state_is_end(r.state)) && drop_kept(f, run, &e) != 0)
		log_err(LOG_WARN, "flow", &e);
	if (run_state_is_end(r.state))
		remove_roots(f, run);
	if (r.state != RUN_DONE)
		return;
	metric_add(METRIC_RUNS_ENDED, run_state_name(RUN_DONE), NULL, 1);
	metric_observe(METRIC_RUN_SECONDS, NULL, (double)(clock_now_ms() - r.created) / 1000);
}

static int
settle_attempt(struct flow *f, struct arena *a, struct active *act, const struct err *end, int64_t outside_ms, struct err *e)
{
	const struct records records = {act->records.p, act->records.n};
	const struct step *step = act->step;
	const char *incomplete = NULL;
	struct run r;
	int rc = store_run_get(f->p.store, a, act->run, &r, e);

	if (rc != 0 || r.state != step->from)
		return rc < 0 ? -1 : 0;
	if (end->kind != ERR_NONE)
		return attempt_failed(f, &r, step, end, e);
	if (act->broken)
		return attempt_failed(f, &r, step, &act->unread, e);
	if (store_begin(f->p.store, e) != 0)
		return -1;
	rc = store_run_spent(f->p.store, r.id, outside_ms, e);
	if (rc == 0)
		rc = step->done(&f->walk, a, &r, &records, &incomplete, e);
	if (rc == 0 && incomplete != NULL)
		rc = fail_run(f, &r, step->stage, "incomplete", incomplete, e);
	if (store_end(f->p.store, rc < 0 ? -1 : 0, e) != 0)
		return -1;
	forget_ended(f, a, r.id);
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
	if (!act->dropped && !f->closing && settle_attempt(f, &a, act, end, outside_ms, &e) != 0) {
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
	schedule_kick(f->walk.schedule);
}

static void
on_record(void *ctx, struct str line)
{
	struct active *act = ctx;
	struct record rec;

	if (record_read(&act->a, line, &rec, &act->unread) != 0) {
		log_err(LOG_WARN, act->step->stage, &act->unread);
		act->broken = true;
	} else if (rec.of == &progress_fields) {
		act->f->p.hooks.progress(act->f->p.hooks.ctx, act->run, rec.is);
	} else {
		vec_push(&act->records, rec);
	}
}

/* Makes the job of the state and gives it to a worker. */
static void
run_stage(struct active *act, const char *authorization)
{
	struct worker_events events = {on_record, on_end, act};
	struct flow *f = act->f;
	struct arena a = {0};
	struct job job = {0};
	struct run r;
	char *line = NULL;
	struct err e = {0};
	int rc = store_run_get(f->p.store, &a, act->run, &r, &e);

	if (rc == 0)
		rc = act->step->job(&f->walk, &a, &r, authorization, &job, &e);
	if (rc == 0)
		rc = fields_line(job.of, &a, job.is, &line, &e);
	if (rc == 0 && job.tree != NULL)
		act->tree = arena_strdup(&act->a, job.tree);
	if (rc == 0)
		rc = worker_start(f->p.loop, job.stage != NULL ? job.stage : act->step->stage, str_of(line), &events,
		    &act->worker, &e);
	if (rc != 0)
		on_end(act, &e, 0);
	arena_release(&a);
}

static void
on_authorization(void *ctx, const char *authorization, const struct err *why)
{
	struct active *act = ctx;

	if (why != NULL)
		on_end(act, why, 0);
	else if (act->dropped || act->f->closing)
		forget(act);
	else
		run_stage(act, authorization);
}

/* --- the next step of a run ------------------------------------------------------------------------------------ */

static int
begin_stage(struct flow *f, struct arena *a, const struct run *r, const struct step *step, struct err *e)
{
	struct repository repo;

	if (store_repository_get(f->p.store, a, r->repository, &repo, e) != 0 || store_run_attempt(f->p.store, r->id, e) != 0)
		return -1;
	struct active *act = mem_alloc(sizeof(*act));
	*act = (struct active){.f = f, .next = f->active, .run = r->id, .step = step};
	f->active = act;
	f->busy[step->lane]++;
	if (step->wants_authorization)
		f->p.hooks.authorize(f->p.hooks.ctx, &repo, r->number, on_authorization, act);
	else
		run_stage(act, NULL);
	return 0;
}

/* Opened by an App. */
static bool
of_bot(struct flow *f, struct arena *a, const struct run *r)
{
	const struct pull_request pr = steps_pull(&f->walk, a, r);

	return pr.author != NULL && str_ends(str_of(pr.author), STR("[bot]"));
}

/* A bot's evaluation gives way once: it comes to its end however many people there are. */
static bool
may_give_way(struct flow *f, struct arena *a, const struct run *holder, const struct run *r)
{
	if (holder->number == RUN_OF_BRANCH)
		return true;
	if (!of_bot(f, a, holder) || of_bot(f, a, r))
		return false;
	for (size_t i = 0; i < COUNT(f->gave_way); i++)
		if (f->gave_way[i] == holder->id)
			return false;
	f->gave_way[f->n_gave_way++ % COUNT(f->gave_way)] = holder->id;
	return true;
}

/* A branch's own evaluation gives way to a pull request's, for which somebody waits, and a bot's to a person's; unless it is the very
 * base that the pull request needs. It begins again when the lane is free. */
static void
make_way(struct flow *f, struct arena *a, const struct run *r, const struct step *step)
{
	struct run holder;
	struct mirrored mine;
	struct err e;

	for (struct active *act = f->active; act != NULL && r->number != RUN_OF_BRANCH; act = act->next) {
		if (act->step->lane != step->lane || act->dropped || act->worker == NULL ||
		    store_run_get(f->p.store, a, act->run, &holder, &e) != 0 ||
		    fields_read(&mirrored_fields, a, str_of(r->mirrored), "mirrored", &mine, &e) != 0)
			continue;
		if (act->tree != NULL && strcmp(mine.base_tree, act->tree) == 0)
			return;
		if (!may_give_way(f, a, &holder, r))
			continue;
		if (store_run_piece(f->p.store, act->run, &e) != 0) /* it was no attempt that failed */
			log_err(LOG_WARN, "flow", &e);
		log_info("run %" PRId64 ": the %s evaluation waits for pull request %" PRId64, act->run,
		    holder.number == RUN_OF_BRANCH ? "branch's" : "bot's", r->number);
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
	int rc;

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
	if (step->pass != NULL && (rc = step->pass(&f->walk, a, &r, e)) <= 0) {
		if (rc == 0) {
			schedule_kick(f->walk.schedule);
			forget_ended(f, a, id);
		}
		return rc;
	}
	if (step->stage == NULL)
		return 1;
	if (f->busy[step->lane] >= pipeline_lane_room(step->lane)) {
		if (step->lane == LANE_EVALUATE)
			make_way(f, a, &r, step);
		return 1;
	}
	if (!has_room(f, &r))
		return 1;
	rc = begin_stage(f, a, &r, step, e);
	return rc != 0 ? rc : 1 - (active_of(f, id) == NULL);
}

/* Nothing is under way any more, n runs being live, nor came something in the moment since, in which the last reports were made:
 * what was needed for it is given back. */
static void
rest(struct flow *f, size_t n)
{
	int64_t now = clock_now_ms();

	if (n > 0)
		f->rest_at = 0;
	else if (f->live > 0)
		f->rest_at = now + REST_MS;
	f->live = n;
	if (f->rest_at == 0)
		return;
	if (now < f->rest_at) {
		if (f->wake > f->rest_at)
			f->wake = f->rest_at;
		return;
	}
	f->rest_at = 0;
	store_rest(f->p.store);
	mem_give_back();
}

static void
look(void *ctx)
{
	struct flow *f = ctx;
	AUTO(mem_free) int64_t *ids = mem_alloc(MAX_LIVE * sizeof(*ids));
	size_t n = 0;
	struct err e = {0};

	if (f->closing || f->held)
		return;
	f->wake = INT64_MAX;
	if (store_runs_live(f->p.store, ids, MAX_LIVE, &n, &e) != 0)
		log_err(LOG_ERROR, "flow", &e);
	rest(f, n);
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
	f->p.hooks.changed(f->p.hooks.ctx);
	if (n > 0 && f->active == NULL) { /* perhaps that was the end of the last one */
		if (store_runs_live(f->p.store, ids, 1, &n, &e) != 0)
			log_err(LOG_ERROR, "flow", &e);
		rest(f, n);
	}
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
	f->walk = (struct walk){.store = parts->store, .settings = parts->settings, .cgroup = parts->cgroup};
	f->held = true;
	if (schedule_new_held(parts->loop, parts->store, parts->settings, on_build, f, &f->walk.schedule, e) != 0)
		return -1;
	*ret = f;
	return 0;
}

void
flow_begin(struct flow *f, bool sandbox_works)
{
	f->walk.sandbox_works = sandbox_works;
	f->held = false;
	schedule_begin(f->walk.schedule);
	flow_kick(f);
}

struct schedule *
flow_schedule(struct flow *f)
{
	return f->walk.schedule;
}

int64_t
flow_live(const struct flow *f)
{
	return (int64_t)f->live;
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
	schedule_free(f->walk.schedule);
	loop_put_off(f->p.loop, release, f);
}
