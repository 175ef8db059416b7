/*
 * policy - the numbers that the queue's choices are made with (queue.h says how), and what it knows of a machine
 * and of who wants a build.
 */
#ifndef EKACI_QUEUE_POLICY_H
#define EKACI_QUEUE_POLICY_H

#include "nix/machines.h"

enum {
	QUEUE_HALF_LIFE_MS = 8 * 3600 * 1000, /* an eighth counts after a day */
	QUEUE_UNKNOWN_MS = 10 * 1000,         /* expected of what was never built */
	QUEUE_STRIKES = 3,
	QUEUE_OUT_FIRST_MS = 60 * 1000,
	QUEUE_OUT_MAX_MS = 3600 * 1000
};

/* A run that wants a build, and the pull request whose share it uses. */
struct queue_owner {
	int64_t run, repository, number, priority;
};

struct queue_machine_state {
	int64_t running, strikes, out_until; /* out_until 0: in service */
};

#endif
