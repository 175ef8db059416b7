/*
 * critical - critical paths: of each build the longest chain of expected durations from it to the last build that needs it, itself
 * included (item.path_ms). Private to the queue.
 */
#ifndef EKACI_QUEUE_CRITICAL_H
#define EKACI_QUEUE_CRITICAL_H

#include "queue/items.h"

/* Measures new builds (queue.fresh), each once; those on which something new waits come into queue.raised. */
void critical_fresh(struct queue *q);
/* Lengthens the paths below the builds in queue.raised, and empties it. */
void critical_raised(struct queue *q);

#endif
