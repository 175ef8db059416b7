/*
 * pool - the workers of a loop: stages in processes, so that the one thread waits for nothing else.
 */
#ifndef EKACI_WORKER_POOL_H
#define EKACI_WORKER_POOL_H

#include "support/os/loop.h"

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
must_check int worker_start(struct loop *l, const char *stage, struct str job, const struct worker_events *events,
    struct worker **ret, struct err *e);
/*
 * The same for a stage that takes job after job: an idle worker of that stage and session is given the job, else one is
 * started. on_end comes with the last record of the job; the worker then stays idle for three seconds. One that was
 * cancelled is never used again.
 */
must_check int worker_session_start(struct loop *l, const char *stage, const char *session, struct str job,
    const struct worker_events *events, struct worker **ret, struct err *e);
/* Asks the worker to end (SIGTERM: it takes its whole tree with it), kills it after a grace of 5 s. on_end still
 * comes, with ERR_BUSY. */
void worker_cancel(struct worker *w);
/* Ends all workers of the loop (SIGTERM, then SIGKILL) and waits for them; loop_free does, too. To be called before this process
 * runs anything with child.h, which takes every child for its own. */
void workers_end(struct loop *l);

struct workers_figures {
	int64_t started, running;
};
struct workers_figures workers_figures(const struct loop *l);

#endif
