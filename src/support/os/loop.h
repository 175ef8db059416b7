/*
 * loop - the daemon's one thread: timers, signals, and a measure of every callback.
 *
 * Whatever blocks or burns CPU is a child (worker/pool.h). Modules that bring descriptors of their own (the HTTP server, the HTTP
 * client) put them on loop_uv with uv_poll and wrap their callbacks in LOOP_MEASURE.
 */
#ifndef EKACI_SUPPORT_OS_LOOP_H
#define EKACI_SUPPORT_OS_LOOP_H

#include "support/base/err.h"
#include "support/base/str.h"

#include <uv.h>

struct loop;

must_check int loop_new(struct loop **ret, struct err *e);
uv_loop_t *loop_uv(struct loop *l);
/* Runs until loop_stop. SIGTERM and SIGINT stop it. */
void loop_run(struct loop *l);
int loop_signal(const struct loop *l); /* the one that did, or 0 */
void loop_stop(struct loop *l);
/* Calls fn(ctx) when this process gets SIGUSR1: another process has left word. */
void loop_on_word(struct loop *l, void (*fn)(void *ctx), void *ctx);
/* Calls fn(ctx) when this process gets SIGHUP: its settings have changed. Before that, SIGHUP is ignored. */
void loop_on_hangup(struct loop *l, void (*fn)(void *ctx), void *ctx);
/* Something that lives on the loop (worker/pool.h): loop_free has it end first, by end(guest). There is room for one. */
void loop_take_in(struct loop *l, void *guest, void (*end)(void *guest));
void *loop_guest(const struct loop *l); /* NULL: none yet */
/* Has the guest end, closes what is left, then does what was put off. */
void loop_free(struct loop *l);
/* Puts fn(ctx) off until no callback can come any more: for memory that the guest still looks at. */
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
};
struct loop_figures loop_figures(const struct loop *l);

/* Calls fn(ctx) after ms, once per loop_timer_set; negative ms takes it back. */
struct loop_timer;
struct loop_timer *loop_timer_new(struct loop *l, const char *name, void (*fn)(void *ctx), void *ctx);
void loop_timer_set(struct loop_timer *t, int64_t ms);
void loop_timer_free(struct loop_timer *t);

#endif
