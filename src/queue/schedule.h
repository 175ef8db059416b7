/*
 * schedule - a difference becomes builds: in order, fairly, within capacity.
 *
 * The queue is rows (store/builds.h), mirrored in memory (queue.h), which chooses. A turn of this module writes the ends
 * of workers and the starts that follow in one transaction, tells the runs in it, and only then starts workers, each
 * running the stage `build` on one derivation and one machine. When the transaction fails, the mirror is made anew.
 *
 * What the end of a build means, and whether it is tried again, is retry.h's. What no configured machine could build ends at once as
 * unsupported. While the store or our own disk is nearly full nothing is begun. The builders' file is read again every ten seconds.
 */
#ifndef EKACI_QUEUE_SCHEDULE_H
#define EKACI_QUEUE_SCHEDULE_H

#include "config/config.h"
#include "store/builds.h"
#include "support/os/loop.h"

struct schedule;

/* changed is called with a run's id when builds it wants have started or ended, several together when there are many; when
 * the last has ended, at once. It is called within a transaction. */
must_check int schedule_new(struct loop *l, struct store *s, const struct settings *settings,
    void (*changed)(void *ctx, int64_t run), void *ctx, struct schedule **ret, struct err *e);
/* The same, but what this machine builds is a guess yet (machines_know(NULL)): nothing starts until schedule_begin, by when it is known. */
must_check int schedule_new_held(struct loop *l, struct store *s, const struct settings *settings,
    void (*changed)(void *ctx, int64_t run), void *ctx, struct schedule **ret, struct err *e);
void schedule_begin(struct schedule *q);
/* There may be something to start. */
void schedule_kick(struct schedule *q);
/* The settings have changed: machines are read again, and what may start starts. */
void schedule_reread(struct schedule *q);
/* Ends the workers of these builds; their rows are already cancelled. */
void schedule_cancel(struct schedule *q, const int64_t *builds, size_t n);
/* A finished run of a trusted ref: what it built goes to the binary caches; within the caller's transaction. */
must_check int schedule_push_run(struct schedule *q, int64_t run, struct err *e);
/* What is going on, for whoever waits for it. */
struct schedule_now {
	size_t building, waiting;    /* builds at work; builds that may not begin yet */
	const char *longest;         /* the derivation that is at work for the longest time, or NULL */
	int64_t longest_ms, wait_ms; /* for how long; until one that waits is tried again */
	const char *why;             /* it waits, for people, or NULL */
};
/* Texts in a. */
struct schedule_now schedule_now(const struct schedule *q, struct arena *a);
/* How many builds begin before the next one of a pull request; -1: none of its own may start now, or the queue is too long to be
 * played while others wait. Reads the queue anew. */
must_check int schedule_before(const struct schedule *q, int64_t repository, int64_t number, int64_t *ret, struct err *e);
/* Machines that build, this one too, whose slots are those of each of its systems. Texts in a. */
struct schedule_machine {
	const char *name;               /* "this machine", or the first part of its host's name */
	const char *systems;            /* "x86_64-linux, i686-linux" */
	int64_t running, slots, out_ms; /* out_ms: for how long it is out of service still; 0: it is not */
};
struct schedule_machine *schedule_machines(const struct schedule *q, struct arena *a, size_t *ret_n);
void schedule_free(struct schedule *q);

struct schedule_figures {
	int64_t running, started, built, failed, retried, open, ready;
};
struct schedule_figures schedule_figures(const struct schedule *q);

#endif
