/*
 * run_state - the states of a run: one list of their names, words and moves.
 *
 * A run begins in RUN_ACCEPTED and goes on until it is in an end, from which nothing leads. Every state that is no end may
 * become RUN_FAILED, RUN_SUPERSEDED or RUN_CANCELLED; what else may follow stands in the list. store_run_move
 * (store/run.h) refuses every other pair. What is done in a state is a row of walk/table.c.
 */
#ifndef EKACI_RECORDS_RUN_STATE_H
#define EKACI_RECORDS_RUN_STATE_H

#include <stdbool.h>

/* In flow order; the last four are ends. */
enum run_state {
	RUN_ACCEPTED,  /* an event named the head */
	RUN_MIRRORED,  /* objects are here; base, merged tree and conflict are known */
	RUN_PLANNED,   /* what to evaluate, and why; done from here when rules say that nothing can rebuild, or held */
	RUN_EVALUATED, /* base and head evaluations are stored */
	RUN_DIFFED,    /* the difference is stored */
	RUN_QUERIED,   /* what must be built is known, and queued unless somebody must approve: then done from here */
	RUN_BUILDING,  /* waiting for builds of the head */
	RUN_BUILT,     /* all ended; failures not judged yet; done from here when nothing failed */
	RUN_JUDGING,   /* waiting for builds of the base, to know whose the failures are */
	RUN_DONE,
	RUN_FAILED,     /* could not be told; `failure` says why */
	RUN_SUPERSEDED, /* by a newer push */
	RUN_CANCELLED,  /* closed, or by command */
	RUN_STATES
};

/* Its word in the database, on pages and in metrics. */
const char *run_state_name(enum run_state s);
/* The state of a word; RUN_STATES when there is none. */
enum run_state run_state_of(const char *name);
/* What is being done in it, for people; of an end its name. */
const char *run_state_doing(enum run_state s);
/* The member `phase` of a report's job. */
const char *run_state_phase(enum run_state s);
bool run_state_is_end(enum run_state s);
bool run_state_may_become(enum run_state from, enum run_state to);

#endif
