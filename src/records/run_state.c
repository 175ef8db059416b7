/* The list of states. */
#include "records/run_state.h"

#include <stddef.h>
#include <string.h>

#define TO(state) (1u << (state))
enum { ENDED_EARLY = TO(RUN_FAILED) | TO(RUN_SUPERSEDED) | TO(RUN_CANCELLED), NOWHERE = 0 };

static const struct {
	const char *name, *doing, *phase;
	unsigned to; /* bits of states */
} states[RUN_STATES] = {
    [RUN_ACCEPTED] = {"accepted", "fetching", "evaluating", TO(RUN_MIRRORED) | ENDED_EARLY},
    [RUN_MIRRORED] = {"mirrored", "reading the change", "evaluating", TO(RUN_PLANNED) | ENDED_EARLY},
    [RUN_PLANNED] = {"planned", "evaluating", "evaluating", TO(RUN_EVALUATED) | TO(RUN_DONE) | ENDED_EARLY},
    [RUN_EVALUATED] = {"evaluated", "comparing", "evaluating", TO(RUN_DIFFED) | ENDED_EARLY},
    [RUN_DIFFED] = {"diffed", "asking the store", "reported", TO(RUN_QUERIED) | ENDED_EARLY},
    [RUN_QUERIED] = {"queried", "queueing builds", "reported", TO(RUN_BUILDING) | TO(RUN_DONE) | ENDED_EARLY},
    [RUN_BUILDING] = {"building", "building", "building", TO(RUN_BUILT) | ENDED_EARLY},
    [RUN_BUILT] = {"built", "asking whose the failures are", "building", TO(RUN_JUDGING) | TO(RUN_DONE) | ENDED_EARLY},
    [RUN_JUDGING] = {"judging", "building the base of what failed", "building", TO(RUN_DONE) | ENDED_EARLY},
    [RUN_DONE] = {"done", "done", "done", NOWHERE},
    [RUN_FAILED] = {"failed", "failed", "done", NOWHERE},
    [RUN_SUPERSEDED] = {"superseded", "superseded", "superseded", NOWHERE},
    [RUN_CANCELLED] = {"cancelled", "cancelled", "cancelled", NOWHERE},
};

const char *
run_state_name(enum run_state s)
{
	return states[s].name;
}

enum run_state
run_state_of(const char *name)
{
	for (int i = 0; i < RUN_STATES; i++)
		if (name != NULL && strcmp(states[i].name, name) == 0)
			return (enum run_state)i;
	return RUN_STATES;
}

const char *
run_state_doing(enum run_state s)
{
	return states[s].doing;
}

const char *
run_state_phase(enum run_state s)
{
	return states[s].phase;
}

bool
run_state_is_end(enum run_state s)
{
	return states[s].to == NOWHERE;
}

bool
run_state_may_become(enum run_state from, enum run_state to)
{
	return (states[from].to & TO(to)) != 0;
}
