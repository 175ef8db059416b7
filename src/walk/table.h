/*
 * table - THE TABLES: the stages, and the way of a run through its states.
 *
 * A worker runs one row of stages. walk/flow.c walks a run along the steps, and so does `ekaci diff` (cli/local.c). A step says
 * whether the run passes without it (`pass`), what its stage is asked (`job`), and what the stage's records mean (`done`), which
 * moves the run on. Where it may go stands in the list of states (records/run_state.c). Outcomes of an attempt:
 *   done    the step's `done` joined its records and named the next state
 *   later   ERR_BUSY and ERR_SYSTEM: again after a growing delay, until so many have failed
 *   never   every other error: the run fails and says why on the pull request
 *   lost    the daemon died: that is no failure, and it is made again
 */
#ifndef EKACI_WALK_TABLE_H
#define EKACI_WALK_TABLE_H

#include "records/run_state.h"
#include "walk/steps.h"
#include "worker/stage.h"

stages_fn pipeline_stage; /* NULL when there is none of that name */

/* What a machine has room for at once. */
enum work_lane { LANE_GIT, LANE_CPU, LANE_EVALUATE, LANE_REPORT, LANES };

struct step {
	enum run_state from;
	const char *stage; /* NULL: waits for builds */
	enum work_lane lane;
	int attempts;             /* of the stage that fail, before the run does */
	int64_t first_delay_ms;   /* before the second attempt; doubles, at most ten minutes */
	bool wants_authorization; /* its job is made with what git shows to fetch from the repository */
	pass_fn *pass;            /* NULL: never */
	job_fn *job;              /* NULL with stage */
	done_fn *done;            /* NULL with stage */
};
const struct step *pipeline_step(enum run_state from); /* NULL for ends */
int pipeline_lane_room(enum work_lane lane);

#endif
