/*
 * settle - what a stage found becomes rows: the run's columns, its next state, the builds it wants.
 */
#ifndef EKACI_WALK_SETTLE_H
#define EKACI_WALK_SETTLE_H

#include "config/config.h"
#include "store/run.h"
#include "support/text/json.h"

struct settle {
	struct store *store;
	const struct settings *settings;
};

/*
 * Writes the records of the stage that the run's present state asked for, and moves the run on; to be called in a
 * transaction. An evaluation that is not complete leaves the run where it is and gives the evaluator's words in
 * *ret_incomplete (else NULL): then the run must fail. A positive value: the run had moved on already.
 */
must_check int settle_stage(const struct settle *on, struct arena *a, const struct run *r, const json_t *records,
    const char **ret_incomplete, struct err *e);

#endif
