/* Starting what may start, within capacity. */
#include "schedule/schedule.h"

#include "support/base/clock.h"
#include "support/base/log.h"
#include "support/os/files.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

enum {
	MAX_SYSTEMS = 64,
	MAX_RUNS = 256,           /* runs told of one build's end; the others look when they next wake */
	RETRY_FIRST_MS = 60 * 1000, /* then three times as long each time, as Hydra does */
};

struct running {
	struct schedule *q;
	struct running *next;
	int64_t id, attempts;
	const char *system, *drv, *log;
	struct worker *worker;
	struct arena a;
	json_t *built;  /* the record, when it came */
	bool cancelled; /* the row has ended, or begun anew, without this worker */
};

struct schedule {
	struct loop *l;
	struct store *s;
	const struct settings *settings;
	void (*changed)(void *ctx, int64_t run);
	void *ctx;
	struct loop_timer *wake;
	struct running *running;
	struct schedule_figures figures;
	bool closing;
};

static const char *
own_system(void)
{
	static char system[128];
	struct utsname u;

	if (system[0] == '\0' && uname(&u) == 0)
		snprintf(system, sizeof(system), "%s-linux", u.machine);
	return system;
}

bool
schedule_supports(const struct settings *settings, const char *system)
{
	const json_t *item;
	size_t i;

	if (strcmp(system, "builtin") == 0)
		return true;
	if (settings->build.builders != NULL && settings->build.builders[0] != '\0')
		return true; /* Nix knows its builders; what none of them takes ends as infrastructure */
	if (json_array_size(settings->build.systems) == 0)
		return strcmp(system, own_system()) == 0 ||
		       (strcmp(own_system(), "x86_64-linux") == 0 && strcmp(system, "i686-linux") == 0);
	json_array_foreach(settings->build.systems, i, item) {
		if (strcmp(json_string_value(item), system) == 0)
			return true;
	}
	return false;
}

static int64_t
count_running(const struct schedule *q, const char *system)
{
	int64_t n = 0;

	for (const struct running *r = q->running; r != NULL; r = r->next)
		n += strcmp(r->system, system) == 0;
	return n;
}

static void
tell_runs(struct schedule *q, int64_t build)
{
	int64_t runs[MAX_RUNS];
	size_t n = 0;
	struct err e;

	if (store_build_wanted_by(q->s, build, runs, MAX_RUNS, &n, &e) != 0) {
		log_err(LOG_ERROR, "schedule", &e);
		return;
	}
	for (size_t i = 0; i < n; i++)
		q->changed(q->ctx, runs[i]);
}

static void
forget(struct running *r)
{
	struct running **at = &r->q->running;

	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	json_decref(r->built);
	arena_release(&r->a);
	mem_free(&r);
}

static void
on_record(void *ctx, const json_t *rec)
{
	struct running *r = ctx;

	if (strcmp(json_str(rec, "type", ""), "built") == 0 && r->built == NULL)
		r->built = json_incref((json_t *)(uintptr_t)rec);
}

/* How a build ended, from its record or from the end of its worker. */
static enum build_state
judge_end(const struct running *r, const struct err *end, const char **ret_reason)
{
	if (end->kind != ERR_NONE || r->built == NULL) {
		*ret_reason = end->kind != ERR_NONE ? end->msg : "the worker said nothing";
		return BUILD_INFRASTRUCTURE;
	}
	*ret_reason = json_str(r->built, "reason", NULL);
	return build_state_of(json_str(r->built, "outcome", NULL));
}

static int64_t
retry_delay_ms(int64_t attempts)
{
	int64_t ms = RETRY_FIRST_MS;

	for (int64_t i = 0; i < attempts && i < 10; i++)
		ms *= 3;
	return ms;
}

static void
on_end(void *ctx, const struct err *end, int64_t outside_ms)
{
	struct running *r = ctx;
	(void)outside_ms;
	struct schedule *q = r->q;
	const char *reason;
	enum build_state state = judge_end(r, end, &reason);
	int64_t not_before = 0;
	struct err e;

	if (q->closing) { /* the row stays `building`: the next start queues it again */
		forget(r);
		return;
	}
	if (r->cancelled) {
		q->figures.running--;
		forget(r);
		schedule_kick(q);
		return;
	}
	if (state == BUILD_INFRASTRUCTURE && r->attempts < q->settings->build.retries) {
		not_before = clock_now_ms() + retry_delay_ms(r->attempts);
		state = BUILD_QUEUED;
		q->figures.retried++;
	}
	q->figures.running--;
	q->figures.built += state == BUILD_BUILT;
	q->figures.failed += !build_state_is_good(state) && state != BUILD_QUEUED;
	log_info("build %s: %s%s%s", r->drv, build_state_name(state), reason != NULL ? ": " : "",
	    reason != NULL ? reason : "");
	if (store_build_ended(q->s, r->id, state, reason, json_str(r->built, "tail", NULL),
	        json_int(r->built, "wall_ms", 0), not_before, &e) != 0)
		log_err(LOG_ERROR, "schedule", &e);
	tell_runs(q, r->id);
	forget(r);
	schedule_kick(q);
}

static json_t *
make_job(const struct schedule *q, const struct running *r, const char *root)
{
	const struct settings *c = q->settings;

	return json_pack("{s:s,s:s,s:s,s:I,s:I,s:I,s:O?,s:s?}", "drv", r->drv, "log", r->log, "root", root, "max_silent_s",
	    (json_int_t)c->build.max_silent_s, "timeout_s", (json_int_t)c->build.timeout_s, "max_log_bytes",
	    (json_int_t)c->build.max_log_mb * 1024 * 1024, "options", c->build.nix_options, "builders", c->build.builders);
}

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

static int
start(struct schedule *q, const struct build *b, struct err *e)
{
	struct running *r = mem_alloc(sizeof(*r));
	struct worker_events events = {on_record, on_end, r};

	*r = (struct running){.q = q, .next = q->running, .id = b->id, .attempts = b->attempts};
	r->system = arena_strdup(&r->a, b->system);
	r->drv = arena_strdup(&r->a, b->drv);
	r->log = arena_printf(&r->a, "%s/logs/%s", q->settings->state.dir, base_name(b->drv));
	q->running = r;
	const char *root = arena_printf(&r->a, "%s/gcroots/builds/%s", q->settings->state.dir, base_name(b->drv));
	AUTO(json_drop) json_t *job = make_job(q, r, root);
	if (store_build_started(q->s, b->id, r->log, e) != 0 ||
	    loop_worker_start(q->l, "build", job, &events, &r->worker, e) != 0) {
		forget(r);
		return -1;
	}
	q->figures.running++;
	q->figures.started++;
	return 0;
}

/* Starts what fits for one system; 1 when something could not be started and is tried again later. */
static int
fill(struct schedule *q, const char *system)
{
	struct arena a = {0};
	struct build b;
	struct err e;
	int rc = 0;

	while (rc == 0 && count_running(q, system) < q->settings->build.slots) {
		rc = store_build_next(q->s, &a, system, clock_now_ms(), &b, &e);
		if (rc != 0)
			break;
		if (!schedule_supports(q->settings, b.system)) {
			rc = store_build_ended(q->s, b.id, BUILD_UNSUPPORTED,
			    arena_printf(&a, "no machine here builds for %s", b.system), NULL, 0, 0, &e);
			tell_runs(q, b.id);
			continue;
		}
		rc = start(q, &b, &e);
		if (rc == 0)
			tell_runs(q, b.id);
	}
	if (rc < 0)
		log_err(LOG_ERROR, "schedule", &e);
	arena_release(&a);
	return rc < 0 ? 1 : 0;
}

static void
look(void *ctx)
{
	struct schedule *q = ctx;
	struct arena a = {0};
	const char *systems[MAX_SYSTEMS];
	int64_t wake = INT64_MAX, now = clock_now_ms();
	size_t n = 0;
	struct err e;
	int again = 0;

	if (q->closing)
		return;
	if (store_build_systems(q->s, &a, systems, MAX_SYSTEMS, &n, &e) != 0)
		log_err(LOG_ERROR, "schedule", &e);
	for (size_t i = 0; i < n; i++)
		again += fill(q, systems[i]);
	arena_release(&a);
	if (store_build_wake(q->s, now, &wake, &e) < 0)
		again = 1;
	if (again > 0)
		loop_timer_set(q->wake, 5000);
	else if (wake != INT64_MAX)
		loop_timer_set(q->wake, wake - now + 1);
}

void
schedule_kick(struct schedule *q)
{
	if (!q->closing)
		loop_timer_set(q->wake, 0);
}

int
schedule_new(struct loop *l, struct store *s, const struct settings *settings, void (*changed)(void *ctx, int64_t run),
    void *ctx, struct schedule **ret, struct err *e)
{
	struct arena a = {0};
	int rc = files_mkdirs(arena_printf(&a, "%s/logs", settings->state.dir), 0750, e);

	if (rc == 0)
		rc = files_mkdirs(arena_printf(&a, "%s/gcroots/builds", settings->state.dir), 0750, e);
	if (rc == 0)
		rc = store_builds_recover(s, e);
	arena_release(&a);
	if (rc != 0)
		return fail_in(e, "schedule");
	struct schedule *q = mem_alloc(sizeof(*q));
	*q = (struct schedule){.l = l, .s = s, .settings = settings, .changed = changed, .ctx = ctx};
	q->wake = loop_timer_new(l, "schedule", look, q);
	*ret = q;
	return 0;
}

void
schedule_cancel(struct schedule *q, const int64_t *builds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (struct running *r = q->running; r != NULL; r = r->next)
			if (r->id == builds[i]) {
				r->cancelled = true;
				loop_worker_cancel(r->worker);
			}
}

struct schedule_figures
schedule_figures(const struct schedule *q)
{
	return q->figures;
}

void
schedule_free(struct schedule *q)
{
	if (q == NULL)
		return;
	q->closing = true;
	for (struct running *r = q->running; r != NULL; r = r->next)
		loop_worker_cancel(r->worker);
	loop_timer_free(q->wake);
	/* The workers end in loop_free, which calls on_end; the struct must live until then and is left to the end of
	 * the process. */
}
