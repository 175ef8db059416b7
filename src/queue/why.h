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

#endif
