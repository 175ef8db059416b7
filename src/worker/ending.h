/*
 * ending - the last record of a job, as whoever gave the job reads it.
 */
#ifndef EKACI_WORKER_ENDING_H
#define EKACI_WORKER_ENDING_H

#include "records/record.h"

/*
 * Whether a line that a worker wrote is the last of its job: 0 when it is not. 1 when it is: then *ret_end is how the stage ended
 * (ERR_NONE: well) and *ret_outside_ms the time that it spent in programs it ran. -1 when it is and cannot be read.
 */
must_check int ending_read(struct str line, struct err *ret_end, int64_t *ret_outside_ms, struct err *e);

#endif
