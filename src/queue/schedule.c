/* Starting what may start, within capacity: one transaction a turn, workers for what it wrote. */
#include "queue/schedule.h"

#include "nix/path.h"
#include "queue/capacity.h"
#include "queue/push.h"
#include "queue/replica.h"
#include "queue/retry.h"
#include "queue/tell.h"
#include "queue/why.h"
#include "records/all.h"
#include "records/building.h"
#include "store/run.h"
#include "support/base/clock.h"
#include "support/base/log.h"
#include "support/os/files.h"
#include "support/text/metric.h"
#include "worker/pool.h"

#include <inttypes.h>
#include <string.h>

enum {
	MAX_STARTS = 128, /* in one turn; the rest follows in the next */
	TROUBLE_MS = 5000,
	MAX_TOLD = 1024,         /* runs that hear of a full disk at once */
	MACHINES_MS = 10 * 1000, /* between two looks at the builders' file */
	NO_ROOM_MS = 20 * 1000   /* before a full store is looked at again */
};

struct running {
	struct schedule *q;
	struct running *next;
	int64_t id, begun_ms;
	size_t machine;
	const char *drv, *log, *system;
	struct worker *worker;
	struct arena a;
	const struct built *built; /* the record, when it came */
	struct err end;
	bool again;     /* it is there: built once more to compare */
	bool cancelled; /* its row says so already */
	bool over;      /* its worker has ended; to be written */
};

struct schedule {
	struct loop *l;
	struct store *s;
	const struct settings *settings;
	struct loop_timer *wake, *reread;
	bool held, told; /* what this machine builds is a guess; it could be known */
	bool misread;    /* the builders' file could not be read the last time */
	bool full;       /* the store has no room: nothing is begun */
	struct arena a;
	const struct machine *machines;
	size_t n_machines;
	const char *local_hook;
	struct queue *queue;
	struct push *push;
	struct running *running;
	struct tell tell;
	struct schedule_figures figures;
	bool closing;
};

static void
forget(struct running *r)
{
	struct running **at = &r->q->running;

	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	arena_release(&r->a);
	mem_free(&r);
}

/* --- names --------------------------------------------------------------------------------------------------------- */

static const char own_name[] = "this machine";

/* "ssh-ng://nix@builder-1.example.org?x=y": builder-1. Empty when nothing is left. */
static struct str
host_of(const char *uri)
{
	struct str rest = str_of(uri);
	ptrdiff_t at = str_find(rest, STR("://"));
	size_t n = 0;

	rest = str_from(rest, at >= 0 ? (size_t)at + 3 : 0);
	const char *user = memchr(rest.p, '@', rest.n);
	if (user != NULL)
		rest = str_from(rest, (size_t)(user + 1 - rest.p));
	while (n < rest.n && strchr(".:/?", rest.p[n]) == NULL)
		n++;
	return (struct str){rest.p, n};
}

/* A machine as people call it, and as strangers may read it. Of several that are called alike each later one has its place. */
static const char *
machine_name(const struct schedule *q, struct arena *a, const char *uri)
{
	int64_t alike = 1;

	if (uri == NULL)
		return own_name;
	struct str host = host_of(uri);
	for (size_t i = 0; i < q->n_machines && !str_same(q->machines[i].uri, uri); i++)
		alike += q->machines[i].uri != NULL && str_eq(host_of(q->machines[i].uri), host);
	const char *name = host.n > 0 ? str_dup(a, host) : "another machine";
	return alike > 1 ? arena_printf(a, "%s (%" PRId64 ")", name, alike) : name;
}

/* --- ends ---------------------------------------------------------------------------------------------------------- */

static void
on_record(void *ctx, struct str line)
{
	struct running *r = ctx;
	struct record rec;
	struct err e;

	if (record_read(&r->a, line, &rec, &e) != 0)
		log_err(LOG_WARN, "build", &e);
	else if (rec.of == &built_fields && r->built == NULL)
		r->built = rec.is;
}

static void
on_end(void *ctx, const struct err *end, int64_t outside_ms)
{
	struct running *r = ctx;
	struct schedule *q = r->q;

	(void)outside_ms;
	r->worker = NULL;
	if (q->closing) { /* the row stays `building`: the next start queues it again */
		forget(r);
		return;
	}
	r->end = *end;
	r->over = true;
	schedule_kick(q);
}

static void
log_end(const struct schedule *q, const struct running *r, const struct build_end *end)
{
	struct arena a = {0};
	const char *uri = q->machines[r->machine].uri;
	struct build_for of = {0};
	struct err e;

	if (store_build_for(q->s, &a, r->id, &of, &e) != 0)
		log_err(LOG_WARN, "schedule", &e);
	/* A failed one, too: that is its author's affair, who is told in the report. */
	log_event(LOG_INFO, arena_printf(&a, "build %s: %s", r->drv, build_state_name(end->state)),
	    LOG_TEXT("why", end->reason), LOG_TEXT("repo", of.repository), LOG_TEXT("of", of.number), LOG_NUMBER("run", of.run),
	    LOG_TEXT("system", r->system), LOG_TEXT("builder", uri != NULL ? uri : "here"),
	    LOG_MS("duration_s", clock_mono_ms() - r->begun_ms));
	if (end->wall_ms > 0 && !build_state_is_open(end->state))
		metric_observe(METRIC_BUILD_SECONDS, r->system, (double)end->wall_ms / 1000);
	arena_release(&a);
}

static int
write_end(struct schedule *q, struct running *r, int64_t now, struct err *e)
{
	struct build_end end = {0};
	bool retried = false;
	const struct ended ended = {.id = r->id, .worker = &r->end, .built = r->built};

	if (r->cancelled) { /* whoever cancelled it wrote that; the row may be queued again already */
		queue_ended(q->queue, r->id, QUEUE_AGAIN, false, r->built != NULL ? r->built->wall_ms : 0, 0, NULL, now);
		return 0;
	}
	if (retry_judge(q->s, q->settings, &r->a, &ended, now, &end, &retried, e) != 0)
		return -1;
	end.log = r->log;
	if (r->built != NULL && r->built->machine != NULL)
		end.builder = machine_name(q, &r->a, r->built->machine);
	if (store_build_end(q->s, r->id, &end, e) != 0)
		return -1;
	log_end(q, r, &end);
	q->figures.retried += retried;
	q->figures.built += end.state == BUILD_BUILT;
	q->figures.failed += build_state_has_ended(end.state) && !build_state_is_good(end.state);
	queue_ended(q->queue, r->id,
	    build_state_is_open(end.state)                 ? QUEUE_AGAIN
	    : build_state_is_good(end.state) || end.marked ? QUEUE_GOOD
	                                                   : QUEUE_BAD,
	    retry_state(&ended) == BUILD_INFRASTRUCTURE, end.wall_ms, end.not_before, end.reason, now);
	return 0;
}

/* --- starts -------------------------------------------------------------------------------------------------------- */

static int
make_job(const struct schedule *q, struct running *r, char **ret, struct err *e)
{
	const struct settings *c = q->settings;
	const struct machine *m = &q->machines[r->machine];
	/* One machine is offered to Nix, the one that was chosen; with none configured Nix' own settings hold. */
	bool configured = c->build.builders != NULL && c->build.builders[0] != '\0';
	const struct build_job job = {.drv = r->drv,
	    .log = r->log,
	    .root = arena_printf(&r->a, "%s/gcroots/builds/%s", c->state.dir, nix_path_base(r->drv)),
	    .max_silent_s = c->build.max_silent_s,
	    .timeout_s = c->build.timeout_s,
	    .max_log_bytes = c->build.max_log_mb * 1024 * 1024,
	    .options = c->build.nix_options,
	    .builders = m->uri == NULL && configured ? "" : m->line,
	    .uri = m->uri,
	    .local_hook = q->local_hook,
	    .builders_use_substitutes = c->build.builders_use_substitutes,
	    .again = r->again};

	return fields_line(&build_job_fields, &r->a, &job, ret, e);
}

/* Chosen and written, but not at work yet. */
static int
write_start(struct schedule *q, const struct queue_choice *c, int64_t now, struct err *e)
{
	struct running *r = mem_alloc(sizeof(*r));

	*r = (struct running){.q = q, .next = q->running, .id = c->id, .machine = c->machine, .begun_ms = clock_mono_ms()};
	r->drv = arena_strdup(&r->a, c->drv);
	r->log = arena_printf(&r->a, "%s/logs/%s", q->settings->state.dir, nix_path_base(c->drv));
	r->system = arena_strdup(&r->a, c->system);
	q->running = r;
	metric_observe(METRIC_BUILD_WAIT, r->system, (double)c->wait_ms / 1000);
	queue_started(q->queue, c->id, c->machine, now);
	const char *builder = machine_name(q, &r->a, q->machines[r->machine].uri);
	return store_build_started(q->s, r->id, r->log, builder, &r->again, e);
}

static void
start_workers(struct schedule *q)
{
	for (struct running *r = q->running; r != NULL; r = r->next) {
		if (r->worker != NULL || r->over)
			continue;
		struct worker_events events = {on_record, on_end, r};
		const char *uri = q->machines[r->machine].uri, *session = uri != NULL ? uri : "";
		char *job;
		if (make_job(q, r, &job, &r->end) != 0 ||
		    worker_session_start(q->l, "build", session, str_of(job), &events, &r->worker, &r->end) != 0) {
			r->over = true;
			loop_timer_set(q->wake, 0);
			continue;
		}
		q->figures.started++;
	}
}

/* --- a turn -------------------------------------------------------------------------------------------------------- */

/* With a disk that is nearly full nothing more is begun: builds would only fail. Who waits for builds hears why. */
static bool
has_room(struct schedule *q, struct err *e)
{
	struct arena a = {0};
	int64_t ids[MAX_TOLD];
	size_t n = 0;
	const char *why = capacity_no_room(&a, q->settings);
	bool full = why != NULL, was = q->full;

	q->full = full;
	if (full && !was)
		log_warn("no build is begun: %s", why);
	else if (was && !full)
		log_info("there is room again");
	arena_release(&a);
	if (was == full)
		return !full;
	if (store_runs_live(q->s, ids, MAX_TOLD, &n, e) != 0)
		log_err(LOG_ERROR, "schedule", e);
	for (size_t i = 0; i < n; i++)
		q->tell.changed(q->tell.ctx, ids[i]);
	return !full;
}

static int
write_turn(struct schedule *q, int64_t now, struct err *e)
{
	bool room = has_room(q, e);
	struct arena a = {0};
	struct queue_choice c;
	const char *why;
	int64_t id;
	queue_at(q->queue, now);
	int rc = replica_follow(q->queue, q->s, now, e);

	for (struct running *r = q->running; rc >= 0 && r != NULL; r = r->next)
		if (r->over)
			rc = write_end(q, r, now, e);
	while (rc >= 0 && queue_unsupported(q->queue, &a, &id, &why) == 0) {
		struct build_end end = {.state = BUILD_UNSUPPORTED, .reason = why};
		rc = store_build_end(q->s, id, &end, e);
		queue_refuse(q->queue, id);
	}
	for (int i = 0; rc >= 0 && room && i < MAX_STARTS && queue_next(q->queue, now, &c) == 0; i++)
		rc = write_start(q, &c, now, e);
	arena_release(&a);
	return rc < 0 ? -1 : 0;
}

/* Each system that is built here has its figures from the start. */
static void
expect_metrics(const struct schedule *q)
{
	for (size_t i = 0; i < q->n_machines; i++)
		for (size_t k = 0; q->machines[i].systems[k] != NULL; k++) {
			const char *system = q->machines[i].systems[k];
			metric_expect(METRIC_BUILDS, "queued", system);
			metric_expect(METRIC_BUILDS, "building", system);
			metric_expect(METRIC_BUILD_SECONDS, system, NULL);
			metric_expect(METRIC_BUILD_WAIT, system, NULL);
			metric_expect(METRIC_REBUILDS, system, NULL);
		}
}

static int
fill_queue(struct schedule *q, struct err *e)
{
	queue_free(q->queue);
	q->queue = queue_new(clock_now_ms());
	queue_machines(q->queue, q->machines, q->n_machines);
	expect_metrics(q);
	queue_at(q->queue, clock_now_ms());
	return replica_load(q->queue, q->s, clock_now_ms(), e);
}

/* The mirror, made again from the database, with what is under way. */
static void
begin_anew(struct schedule *q)
{
	struct err e;

	if (fill_queue(q, &e) != 0)
		log_err(LOG_ERROR, "schedule", &e);
	for (struct running *r = q->running; r != NULL; r = r->next)
		queue_started(q->queue, r->id, r->machine, clock_now_ms());
}

/* The database kept nothing of this turn: what had been chosen is chosen again. */
static void
undo_turn(struct schedule *q)
{
	for (struct running *r = q->running, *next; r != NULL; r = next) {
		next = r->next;
		if (r->worker == NULL && !r->over)
			forget(r);
	}
	begin_anew(q);
}

static void
look(void *ctx)
{
	struct schedule *q = ctx;
	int64_t now = clock_now_ms(), tell = INT64_MAX;
	struct err e;

	if (q->closing || q->held)
		return;
	int rc = store_begin(q->s, &e);
	if (rc == 0) {
		rc = write_turn(q, now, &e);
		if (rc == 0)
			tell = tell_runs(&q->tell, q->queue, now);
		rc = store_end(q->s, rc, &e);
	}
	if (rc != 0) {
		log_err(LOG_ERROR, "schedule", &e);
		undo_turn(q);
		loop_timer_set(q->wake, TROUBLE_MS);
		return;
	}
	for (struct running *r = q->running, *next; r != NULL; r = next) {
		next = r->next;
		if (r->over)
			forget(r);
	}
	struct queue_choice more;
	int64_t wake = queue_next(q->queue, now, &more) == 0 ? now + (q->full ? NO_ROOM_MS : 0) : queue_wake(q->queue, now);
	if (tell < wake)
		wake = tell;
	if (wake != INT64_MAX)
		loop_timer_set(q->wake, wake > now ? wake - now + 1 : 0);
	start_workers(q);
}

/* --- machines ------------------------------------------------------------------------------------------------------ */

static void
watch_builders(struct schedule *q)
{
	loop_timer_set(q->reread, strchr(q->settings->build.builders, '@') != NULL ? MACHINES_MS : -1);
}

/* What a build runs on stays in the list until it has ended, without slots when it is gone from the file. */
static void
adopt_machines(struct schedule *q, const struct machine *fresh, size_t n)
{
	VEC(struct machine) all = {0};

	for (size_t i = 0; i < n; i++)
		vec_push(&all, fresh[i]);
	for (struct running *r = q->running; r != NULL; r = r->next) {
		struct machine old = q->machines[r->machine];
		size_t at = 0;
		while (
		    at < all.n && !(old.uri == NULL ? all.p[at].uri == NULL && strcmp(all.p[at].systems[0], old.systems[0]) == 0
		                                    : all.p[at].uri != NULL && strcmp(all.p[at].uri, old.uri) == 0))
			at++;
		if (at == all.n) {
			old.max_jobs = 0;
			vec_push(&all, old);
		}
		r->machine = at;
	}
	q->machines = arena_dup(&q->a, all.p, all.n * sizeof(*all.p));
	q->n_machines = all.n;
	vec_release(&all);
}

/* The rows are there already: only who builds them was not known. */
static void
begin(struct schedule *q)
{
	struct err e;

	if (capacity_machines(&q->a, q->settings, &q->machines, &q->n_machines, &e) != 0) {
		log_err(LOG_WARN, "nothing is built yet", &e);
		loop_timer_set(q->reread, TROUBLE_MS);
		return;
	}
	q->held = false;
	queue_machines(q->queue, q->machines, q->n_machines);
	expect_metrics(q);
	watch_builders(q);
	loop_timer_set(q->wake, 0);
}

void
schedule_begin(struct schedule *q)
{
	q->told = true;
	if (!q->closing && q->held)
		begin(q);
}

/* The builders' file is read again now and then, as Nix does; a mistake in it leaves things as they are. */
static void
reread_machines(void *ctx)
{
	struct schedule *q = ctx;
	struct arena a = {0};
	const struct machine *fresh;
	struct err e;
	size_t n, known = 0;

	if (q->closing)
		return;
	if (q->held) {
		if (q->told)
			begin(q);
		return;
	}
	while (known < q->n_machines && (q->machines[known].line == NULL || q->machines[known].max_jobs > 0))
		known++;
	bool misread = capacity_machines(&a, q->settings, &fresh, &n, &e) != 0;
	if (misread && !q->misread)
		log_err(LOG_WARN, "the builders stay as they are", &e);
	q->misread = misread;
	if (!misread && !machines_same(fresh, n, q->machines, known) &&
	    capacity_machines(&q->a, q->settings, &fresh, &n, &e) == 0) {
		adopt_machines(q, fresh, n);
		log_info("the builders have changed: %zu of them now", n);
		begin_anew(q);
		schedule_kick(q);
	}
	arena_release(&a);
	watch_builders(q);
}

void
schedule_reread(struct schedule *q)
{
	reread_machines(q);
	schedule_kick(q);
	push_kick(q->push);
}

void
schedule_kick(struct schedule *q)
{
	if (!q->closing)
		loop_timer_set(q->wake, 0);
}

/* A build hook of Nix that wants no build: it says so and waits until it is ended. */
static int
write_hook(struct schedule *q, struct err *e)
{
	q->local_hook = arena_printf(&q->a, "%s/local-hook", q->settings->state.dir);
	return files_write(q->local_hook, STR("#!/bin/sh\necho '# decline-permanently' >&2\nwhile read -r line; do :; done\n"),
	    0755, FILES_NO_SYNC, e);
}

static int
make(struct loop *l, struct store *s, const struct settings *settings, bool held, const struct tell *tell,
    struct schedule **ret, struct err *e)
{
	struct schedule *q = mem_alloc(sizeof(*q));

	*q = (struct schedule){.l = l, .s = s, .settings = settings, .tell = *tell, .held = held};
	if (files_mkdirs(arena_printf(&q->a, "%s/logs", settings->state.dir), 0750, e) != 0 ||
	    files_mkdirs(arena_printf(&q->a, "%s/gcroots/builds", settings->state.dir), 0750, e) != 0 ||
	    write_hook(q, e) != 0 || capacity_machines(&q->a, settings, &q->machines, &q->n_machines, e) != 0 ||
	    store_builds_recover(s, e) != 0 || fill_queue(q, e) != 0) {
		queue_free(q->queue);
		arena_release(&q->a);
		mem_free(&q);
		return fail_in(e, "schedule");
	}
	q->wake = loop_timer_new(l, "schedule", look, q);
	q->push = push_new(l, s, settings);
	q->reread = loop_timer_new(l, "machines", reread_machines, q);
	if (!held)
		watch_builders(q);
	*ret = q;
	return 0;
}

int
schedule_new(struct loop *l, struct store *s, const struct settings *settings, void (*changed)(void *ctx, int64_t run),
    void *ctx, struct schedule **ret, struct err *e)
{
	return make(l, s, settings, false, &(struct tell){.changed = changed, .ctx = ctx}, ret, e);
}

int
schedule_new_held(struct loop *l, struct store *s, const struct settings *settings, void (*changed)(void *ctx, int64_t run),
    void *ctx, struct schedule **ret, struct err *e)
{
	return make(l, s, settings, true, &(struct tell){.changed = changed, .ctx = ctx}, ret, e);
}

int
schedule_push_run(struct schedule *q, int64_t run, struct err *e)
{
	return push_run(q->push, run, e);
}

void
schedule_cancel(struct schedule *q, const int64_t *builds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (struct running *r = q->running; r != NULL; r = r->next)
			if (r->id == builds[i] && !r->over) {
				r->cancelled = true;
				if (r->worker != NULL)
					worker_cancel(r->worker);
			}
	schedule_kick(q);
}

struct schedule_figures
schedule_figures(const struct schedule *q)
{
	struct queue_figures f = queue_figures(q->queue);
	struct schedule_figures all = q->figures;

	all.running = (int64_t)f.building;
	all.open = (int64_t)f.open;
	all.ready = (int64_t)f.ready;
	return all;
}

struct schedule_now
schedule_now(const struct schedule *q, struct arena *a)
{
	struct schedule_now now = {0};
	int64_t mono = clock_mono_ms(), wall = clock_now_ms();

	for (const struct running *r = q->running; r != NULL; r = r->next) {
		now.building += !r->over;
		if (!r->over && (now.longest == NULL || mono - r->begun_ms > now.longest_ms)) {
			now.longest = arena_strdup(a, r->drv);
			now.longest_ms = mono - r->begun_ms;
		}
	}
	struct queue_put_back back = queue_put_back(q->queue, wall);
	if (q->full && queue_figures(q->queue).ready > 0) {
		now.waiting = queue_figures(q->queue).ready;
		now.wait_ms = NO_ROOM_MS;
		now.why = capacity_no_room(a, q->settings);
	} else if (back.n > 0) {
		now.waiting = back.n;
		now.wait_ms = back.until - wall;
		now.why = back.reason != NULL ? arena_strdup(a, back.reason) : NULL;
	}
	return now;
}

int
schedule_before(const struct schedule *q, int64_t repository, int64_t number, int64_t *ret, struct err *e)
{
	enum { MAX_OPEN = 2000 }; /* 10 ms */
	int64_t now = clock_now_ms();

	*ret = -1;
	if (queue_figures(q->queue).open > MAX_OPEN)
		return 0;
	struct queue *copy = queue_new(now);
	queue_machines(copy, q->machines, q->n_machines);
	int rc = replica_load(copy, q->s, now, e);
	if (rc == 0)
		*ret = queue_before(copy, repository, number, now, MAX_OPEN);
	queue_free(copy);
	return rc;
}

/* This machine stands in the list once for each system that it builds; people see one. */
static struct schedule_machine *
machine_of(const struct machine *m, struct schedule_machine *all, size_t *n)
{
	if (m->uri == NULL)
		for (size_t i = 0; i < *n; i++)
			if (strcmp(all[i].name, own_name) == 0)
				return &all[i];
	return &all[(*n)++];
}

struct schedule_machine *
schedule_machines(const struct schedule *q, struct arena *a, size_t *ret_n)
{
	struct schedule_machine *all = arena_alloc(a, (q->n_machines + 1) * sizeof(*all));
	int64_t now = clock_now_ms();
	size_t n = 0;

	memset(all, 0, (q->n_machines + 1) * sizeof(*all));
	for (size_t i = 0; i < q->n_machines; i++) {
		const struct machine *m = &q->machines[i];
		struct queue_machine_state state = queue_machine_state(q->queue, i);
		struct schedule_machine *to = machine_of(m, all, &n);
		to->name = machine_name(q, a, m->uri);
		for (const char *const *s = m->systems; *s != NULL; s++)
			if (strcmp(*s, "builtin") != 0)
				to->systems = to->systems == NULL ? *s : arena_printf(a, "%s, %s", to->systems, *s);
		to->systems = to->systems != NULL ? to->systems : "";
		to->running += state.running;
		to->slots = m->max_jobs > to->slots ? m->max_jobs : to->slots;
		to->out_ms = state.out_until > now ? state.out_until - now : to->out_ms;
	}
	*ret_n = n;
	return all;
}

static void
release(void *ctx)
{
	struct schedule *q = ctx;

	while (q->running != NULL)
		forget(q->running);
	tell_release(&q->tell);
	arena_release(&q->a);
	mem_free(&q);
}

void
schedule_free(struct schedule *q)
{
	if (q == NULL)
		return;
	q->closing = true;
	for (struct running *r = q->running; r != NULL; r = r->next)
		if (r->worker != NULL)
			worker_cancel(r->worker);
	loop_timer_free(q->wake);
	loop_timer_free(q->reread);
	push_free(q->push);
	queue_free(q->queue);
	q->queue = NULL;
	loop_put_off(q->l, release, q);
}
