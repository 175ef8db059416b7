/*
 * retry - what an end of a worker means for its build: final, or another try, and when.
 *
 * Infrastructure failures are tried again after a minute, then three times as long each time, `[build] retries` times. A machine that
 * cannot be reached is looked for again, up to once a minute, `[build] max_unsupported_s` at most. A builder that may use the network
 * (a fixed-output derivation) is tried once more seconds later. Everything else is final.
 */
#ifndef EKACI_QUEUE_RETRY_H
#define EKACI_QUEUE_RETRY_H

#include "config/config.h"
#include "records/building.h"
#include "store/builds.h"

struct ended {
	int64_t id;
	const struct err *worker;  /* how it ended; ERR_NONE: as it should */
	const struct built *built; /* the record of the stage, or NULL */
};
/* What the end was before any thought of another try. */
enum build_state retry_state(const struct ended *it);
/* What is to be written of it (all but the log), texts in a or the record. *ret_retried: one that counts as a retry. May note in the
 * store since when a machine is absent. */
must_check int retry_judge(struct store *s, const struct settings *settings, struct arena *a, const struct ended *it,
    int64_t now, struct build_end *ret, bool *ret_retried, struct err *e);

#endif
