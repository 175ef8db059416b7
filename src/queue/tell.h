/* tell - runs hear of their builds: several changes together when there are many, the last end at once. */
#ifndef EKACI_QUEUE_TELL_H
#define EKACI_QUEUE_TELL_H

#include "queue/queue.h"

/* A run that should hear of a change, and when it last did. */
struct told {
	int64_t run, at;
	bool waiting;
};
/* {.changed, .ctx} is a valid one. */
struct tell {
	void (*changed)(void *ctx, int64_t run);
	void *ctx;
	VEC(struct told) told;
};

/* Calls changed for whoever is due; gives when to look again (INT64_MAX: when something changes). */
int64_t tell_runs(struct tell *t, struct queue *q, int64_t now);
void tell_release(struct tell *t);

#endif
