/*
 * record - what a stage says: one JSON object a line, on descriptor 3 of its worker.
 *
 * Every record has a member "type". The stage emits its own types as they come and may emit progress; the worker
 * around it adds the last line, {"type":"end","outside_ms":...} (wall clock spent in programs it ran) or
 * {"type":"error","kind":...,"message":...}. A channel without a last
 * line means that the worker died.
 */
#ifndef EKACI_SUPPORT_OS_RECORD_H
#define EKACI_SUPPORT_OS_RECORD_H

#include "support/text/json.h"

struct record_out {
	int fd;
	bool broken; /* the reader is gone; further records are dropped and the stage may stop */
	int64_t progress_ms;
};

/* Writes rec and drops the caller's reference. */
void record_emit(struct record_out *out, json_t *rec);
/* {"type":"progress","what":...,"done":...,"total":...}; total < 0 when unknown. At most ten a second are written. */
void record_progress(struct record_out *out, const char *what, int64_t done, int64_t total);

/* A stage: a pure function from one job document to records. See walk/table.h for the table of them. */
typedef int stage_fn(const json_t *job, struct record_out *out, struct err *e);

#endif
