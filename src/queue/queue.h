/*
 * queue - which build starts next, on which machine, and why.
 *
 * The open builds of the database, in memory. Nothing here asks the time, a file or the database: what queue_next says
 * depends on the calls made before it and the given time only, so the same calls give the same choices. The database is
 * the truth; schedule.c writes every transition there before it tells the queue.
 *
 * A build may start when none of its inputs is open, its time has come, and a machine that fits (machines.h) has a free
 * slot and is in service. Among those, in this order:
 *   1. priority: the highest of the pull requests that want it;
 *   2. share: the pull request that has used the least building time lately. Time used counts half after
 *      QUEUE_HALF_LIFE_MS, the same for all, so an order never changes by waiting. A start is charged with the expected
 *      duration and corrected at the end; a build that several want is charged to them in equal parts;
 *   3. critical path: the longest chain of expected durations from it to the last build that needs it, itself included;
 *   4. dependents: how many builds wait for it directly;
 *   5. age: the smaller id.
 * A pull request with much to do (more than twice its critical path times the slots there are) lets only a quarter of the
 * slots be taken by rules 3 to 5 and fills the others with its shortest builds: its long ones need not begin yet, and
 * slots soon come free for whoever comes next. Without that, one large run would begin with its longest builds and hold
 * every slot for hours.
 *
 * Builds of one system and one set of required features are a class; each class keeps one heap a pull request, and a heap
 * of those, so a choice costs O(classes + log n).
 *
 * Of the machines that fit, the fastest with the greatest part of its slots free is taken. A machine whose builds end
 * as its own failure QUEUE_STRIKES times in a row is out of service for a time that doubles; one good or plainly failed
 * build brings it back.
 *
 * Cost: about 300 bytes a build and 16 an edge.
 */
#ifndef EKACI_QUEUE_QUEUE_H
#define EKACI_QUEUE_QUEUE_H

#include "queue/policy.h"

struct queue;

struct queue *queue_new(int64_t now);
void queue_free(struct queue *q);
/* Replaces the machines; only while nothing is building. They must outlive the queue. */
void queue_machines(struct queue *q, const struct machine *machines, size_t n);

struct queue_build {
	int64_t id;
	const char *drv, *system; /* copied */
	const char *features;     /* JSON array of text, copied */
	int64_t expected_ms;      /* 0: not known */
	int64_t not_before;
	bool building;      /* under way as the database has it; on no machine of ours */
	const char *reason; /* why it was put back, or NULL; copied */
};

/*
 * Changes to the mirror. Adding a build that is there changes its owners at most. Links are made after both builds;
 * those with an end that is not there, and repeated ones, are ignored. queue_settle ends a batch of changes.
 */
void queue_add(struct queue *q, const struct queue_build *b);
bool queue_has(const struct queue *q, int64_t id);
void queue_link(struct queue *q, int64_t build, int64_t input);
/* The live runs that want a build: these, and no others. A build that no run wants is never chosen. */
void queue_own(struct queue *q, int64_t id, const struct queue_owner *owners, size_t n);
/* Cancelled, or otherwise ended outside: goes without a word to its dependents. */
void queue_drop(struct queue *q, int64_t id, int64_t now);
void queue_settle(struct queue *q);
/* Time used before, e.g. yesterday: seeds the share of a pull request. */
void queue_charge(struct queue *q, int64_t repository, int64_t number, int64_t ms, int64_t at);

/* What may start from now on may do so since now; for queue_choice.wait_ms alone. */
void queue_at(struct queue *q, int64_t now);

struct queue_choice {
	int64_t id, wait_ms;      /* wait_ms: since it might have started */
	const char *drv, *system; /* valid until the build ends */
	size_t machine;
};
/* The build to start now; 1 when there is none. It stays where it is until queue_started. */
must_check int queue_next(struct queue *q, int64_t now, struct queue_choice *ret);
void queue_started(struct queue *q, int64_t id, size_t machine, int64_t now);

enum queue_end { QUEUE_GOOD, QUEUE_BAD, QUEUE_AGAIN };
/* GOOD releases dependents, BAD takes everything above it out of the queue, AGAIN puts it back not before a time.
 * blames_machine: the end counts against its machine. */
void queue_ended(struct queue *q, int64_t id, enum queue_end end, bool blames_machine, int64_t wall_ms, int64_t not_before,
    const char *reason, int64_t now);

/* Builds that were put back and wait for their time: how many, when the first may start, and why it was put back (NULL: not
 * known; valid until something changes). */
struct queue_put_back {
	size_t n;
	int64_t until;
	const char *reason;
};
struct queue_put_back queue_put_back(const struct queue *q, int64_t now);

/* When queue_next may give more by the passing of time alone; INT64_MAX: never. */
int64_t queue_wake(const struct queue *q, int64_t now);
/* A queued build whose class no machine fits; 1 when there is none. Its reason is in a. */
must_check int queue_unsupported(struct queue *q, struct arena *a, int64_t *ret_id, const char **ret_reason);
/* It goes, with everything above it. */
void queue_refuse(struct queue *q, int64_t id);

/* Calls fn for the runs of which a build has started, ended or gone since this was last called; some more than once. */
void queue_drain_touched(struct queue *q, void (*fn)(void *ctx, int64_t run), void *ctx);
/* Open builds a run wants. */
size_t queue_run_open(const struct queue *q, int64_t run);

struct queue_machine_state queue_machine_state(const struct queue *q, size_t machine);
struct queue_figures {
	size_t open, ready, building, postponed, classes, pulls;
};
struct queue_figures queue_figures(const struct queue *q);

#endif
