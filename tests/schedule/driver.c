/*
 * The scheduler with a database and a loop of its own, for tests and figures:
 *   driver DIR < {builders, slots, max_unsupported_s, retries, log_mb, silent_s, options, cancel_after_ms,
 *                 builds: [{drv, name, system, features, inputs}]}
 * Prints {wall_ms, cancel_ms, restarts_of_loop, longest_ms, commits, builds: {drv: {state, reason, ...}}}.
 */
#include "queue/schedule.h"
#include "schedule/said.h"
#include "store/run.h"
#include "support/base/clock.h"
#include "support/base/log.h"
#include "support/os/child.h"
#include "support/os/files.h"
#include "support/text/json.h"
#include "walk/jobs.h"
#include "walk/table.h"
#include "worker/pool.h"
#include "worker/serve.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct driver {
	struct arena a;
	struct settings settings;
	struct loop *loop;
	struct store *store;
	struct schedule *schedule;
	struct loop_timer *cancel, *idle;
	int64_t run, begun, cancelled, ended;
};

static void
on_change(void *ctx, int64_t run)
{
	struct driver *d = ctx;
	struct err e;
	int64_t open;

	if (store_run_builds_open(d->store, run, &open, &e) == 0 && open == 0 && d->cancelled == 0) {
		d->ended = clock_mono_ms();
		loop_stop(d->loop);
	}
}

static void
until_idle(void *ctx)
{
	struct driver *d = ctx;

	if (workers_figures(d->loop).running > 0) {
		loop_timer_set(d->idle, 20);
		return;
	}
	d->ended = clock_mono_ms();
	loop_stop(d->loop);
}

static void
do_cancel(void *ctx)
{
	struct driver *d = ctx;
	int64_t building[64];
	size_t n = 0;
	struct err e;

	d->cancelled = clock_mono_ms();
	if (store_run_move(d->store, d->run, RUN_ACCEPTED, RUN_CANCELLED, "test", &e) != 0 ||
	    store_run_unwant(d->store, d->run, false, building, COUNT(building), &n, &e) != 0)
		log_err(LOG_ERROR, "driver", &e);
	schedule_cancel(d->schedule, building, n);
	loop_timer_set(d->idle, 0);
}

static int
read_input(struct driver *d, json_t **ret, struct err *e)
{
	struct buf text;
	char chunk[65536];
	ssize_t n;

	buf_init(&text, (size_t)64 << 20);
	while ((n = read(0, chunk, sizeof(chunk))) > 0)
		buf_add(&text, chunk, (size_t)n);
	int rc = json_read(str_of(arena_strdup(&d->a, text.p)), "input", ret, e);
	buf_release(&text);
	return rc;
}

static void
settings_of(struct driver *d, const char *dir, const json_t *in)
{
	struct settings *c = &d->settings;

	config_defaults(&d->a, c);
	c->state.dir = dir;
	c->build.slots = json_int(in, "slots", 2);
	c->build.builders = json_str(in, "builders", "");
	c->build.max_unsupported_s = json_int(in, "max_unsupported_s", 0);
	c->build.retries = json_int(in, "retries", 0);
	c->build.max_log_mb = json_int(in, "log_mb", 64);
	c->build.max_silent_s = json_int(in, "silent_s", 3600);
	if (json_object_get(in, "options") != NULL)
		c->build.nix_options = said_options(&d->a, json_object_get(in, "options"));
}

static int
want(struct driver *d, const json_t *in, struct err *e)
{
	const json_t *list = json_object_get(in, "builds"), *rec;
	struct build_want *wants = arena_alloc(&d->a, json_array_size(list) * sizeof(*wants));
	size_t i;

	json_array_foreach(list, i, rec) {
		wants[i] = (struct build_want){.drv = json_str(rec, "drv", ""),
		    .name = json_str(rec, "name", ""),
		    .system = json_str(rec, "system", "x86_64-linux"),
		    .features = said_texts(&d->a, json_object_get(rec, "features")),
		    .inputs = said_texts(&d->a, json_object_get(rec, "inputs")),
		    .target = true,
		    .retry = true,
		    .cached = json_flag(rec, "cached", false),
		    .again = json_flag(rec, "again", false)};
	}
	return store_builds_want(d->store, d->run, wants, i, 0, e);
}

static int
drive(struct driver *d, const char *dir, struct err *e)
{
	struct repository repo = {.id = 1,
	    .installation = 1,
	    .owner = "o",
	    .name = "r",
	    .clone_url = "http://localhost/o/r.git",
	    .default_branch = "main"};
	struct pull_request pr = {.repository = 1, .number = 1, .open = true, .head = "1", .base_ref = "main", .title = "t"};
	struct run r = {.repository = 1, .number = 1, .head = "1", .base_ref = "main", .reason = "test"};
	AUTO(json_drop) json_t *in = NULL;
	json_t *builds = NULL;
	struct builds_told told;
	const char *text;

	if (read_input(d, &in, e) != 0)
		return -1;
	settings_of(d, dir, in);
	if (store_open(arena_printf(&d->a, "%s/ekaci.db", dir), &d->store, e) != 0 || loop_new(&d->loop, e) != 0 ||
	    store_installation_put(d->store, 1, "o", "active", e) != 0 || store_repository_put(d->store, &repo, e) != 0 ||
	    store_pull_put(d->store, &pr, e) != 0 || store_run_add(d->store, &r, &d->run, e) != 0 ||
	    schedule_new(d->loop, d->store, &d->settings, on_change, d, &d->schedule, e) != 0)
		return -1;
	d->cancel = loop_timer_new(d->loop, "cancel", do_cancel, d);
	d->idle = loop_timer_new(d->loop, "idle", until_idle, d);
	d->begun = clock_mono_ms();
	if (want(d, in, e) != 0)
		return -1;
	if (json_int(in, "cancel_after_ms", 0) > 0)
		loop_timer_set(d->cancel, json_int(in, "cancel_after_ms", 0));
	schedule_kick(d->schedule);
	loop_run(d->loop);
	if (store_run_builds(d->store, &d->a, d->run, &told, e) != 0 || jobs_builds(&d->a, &told, &text, e) != 0 ||
	    json_read(str_of(text), "builds", &builds, e) != 0)
		return -1;
	json_t *out = json_pack("{s:I,s:I,s:I,s:I,s:o}", "wall_ms", (json_int_t)(d->ended - d->begun), "cancel_ms",
	    (json_int_t)(d->cancelled > 0 ? d->ended - d->cancelled : 0), "longest_us",
	    (json_int_t)(loop_figures(d->loop).longest_ns / 1000), "commits", (json_int_t)store_commits(d->store), "builds",
	    builds);
	puts(json_line(&d->a, out));
	json_decref(out);
	return 0;
}

int
main(int argc, char **argv)
{
	struct driver d = {0};
	struct err e = {0};

	if (argc >= 2 && strcmp(argv[1], "worker") == 0)
		return worker_serve(pipeline_stage, argv[2]);
	if (argc != 2) {
		fputs("usage: driver DIR < INPUT\n", stderr);
		return 2;
	}
	log_set_level(LOG_WARN);
	if (drive(&d, argv[1], &e) != 0) {
		fprintf(stderr, "driver: %s (%s)\n", e.msg, e.at);
		return 1;
	}
	loop_timer_free(d.cancel);
	loop_timer_free(d.idle);
	schedule_free(d.schedule);
	loop_free(d.loop);
	store_close(d.store);
	arena_release(&d.a);
	return 0;
}
