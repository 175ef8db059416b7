/*
 * why - why a build has not started, in words.
 */
#ifndef EKACI_QUEUE_WHY_H
#define EKACI_QUEUE_WHY_H

#include "queue/queue.h"

/*
 * Why a build has not started: what it waits for, or its place and what comes before it. Uses the queue up: it plays
 * the choices to come, as if every machine had room, until it comes to this one.
 */
void queue_explain(struct queue *q, int64_t id, int64_t now, struct buf *out);

/* How many builds begin before the next of a pull request, by the same play as there; -1: none of its own may start. Uses the queue up,
 * and plays at most max choices: more is max. */
int64_t queue_before(struct queue *q, int64_t repository, int64_t number, int64_t now, int64_t max);

#endif
