/*
 * loop - the daemon's one thread: timers, signals, workers, and a measure of every callback.
 *
 * Whatever blocks or burns CPU is a child. Modules that bring descriptors of their own (the HTTP server, the HTTP
 * client) put them on loop_uv with uv_poll and wrap their callbacks in LOOP_MEASURE.
 */
#ifndef EKACI_SUPPORT_OS_LOOP_H
#define EKACI_SUPPORT_OS_LOOP_H

#include "support/text/json.h"

#include <uv.h>

struct loop;

must_check int loop_new(struct loop **ret, struct err *e);
uv_loop_t *loop_uv(struct loop *l);
/* Runs until loop_stop. SIGTERM and SIGINT stop it. */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);
/* Calls fn(ctx) when this process gets SIGUSR1: another process has left word. */
void loop_on_word(struct loop *l, void (*fn)(void *ctx), void *ctx);
/* Ends all workers (SIGTERM, then SIGKILL) and waits for them. To be called before this process runs anything with
 * child.h, which takes every child for its own. */
void loop_end_workers(struct loop *l);
/* Ends all workers, closes what is left, then does what was put off. */
void loop_free(struct loop *l);
/* Puts fn(ctx) off until no callback can come any more: for memory that the ends of workers still look at. */
void loop_put_off(struct loop *l, void (*fn)(void *ctx), void *ctx);

/* A callback that runs longer than the longest so far is remembered by name. */
struct loop_measure {
	struct loop *l;
	const char *name;
	int64_t started_ns;
};
struct loop_measure loop_measure_begin(struct loop *l, const char *name);
void loop_measure_end(struct loop_measure *m);
#define LOOP_MEASURE(loop, name) \
	__attribute__((cleanup(loop_measure_end), unused)) struct loop_measure measure_ = loop_measure_begin(loop, name)

struct loop_figures {
	int64_t longest_ns;
	const char *longest_name; /* "" before the first */
	int64_t callbacks;
	int64_t busy_ns; /* sum over all callbacks */
	int64_t workers_started, workers_running;
};
struct loop_figures loop_figures(const struct loop *l);

/* Calls fn(ctx) after ms, once per loop_timer_set; negative ms takes it back. */
struct loop_timer;
struct loop_timer *loop_timer_new(struct loop *l, const char *name, void (*fn)(void *ctx), void *ctx);
void loop_timer_set(struct loop_timer *t, int64_t ms);
void loop_timer_free(struct loop_timer *t);

/*
 * A worker: `ekaci worker` with the stage and the job, a line of JSON, on standard input, in a session of its own; while one
 * works the next is started already, and waits for three seconds. on_record gets the line of each record as it
 * comes (borrowed), whatever stands in it; then exactly one on_end, after the process is reaped and its channel is read: e->kind is ERR_NONE
 * when the stage ended well. A worker that dies without a last record ends with ERR_SYSTEM. What it prints to
 * standard error goes to the log.
 */
struct worker;
struct worker_events {
	void (*on_record)(void *ctx, struct str line);
	void (*on_end)(void *ctx, const struct err *e, int64_t outside_ms); /* outside: in programs the stage ran */
	void *ctx;
};
must_check int loop_worker_start(struct loop *l, const char *stage, struct str job, const struct worker_events *events,
    struct worker **ret, struct err *e);
/*
 * The same for a stage that takes job after job: an idle worker of that stage and session is given the job, else one is
 * started. on_end comes with the last record of the job; the worker then stays idle for three seconds. One that was
 * cancelled is never used again.
 */
must_check int loop_session_start(struct loop *l, const char *stage, const char *session, struct str job,
    const struct worker_events *events, struct worker **ret, struct err *e);
/* Asks the worker to end (SIGTERM: it takes its whole tree with it), kills it after a grace of 5 s. on_end still
 * comes, with ERR_BUSY. */
void loop_worker_cancel(struct worker *w);

#endif
