/*
 * record - what a stage says: one JSON object a line, on descriptor 3 of its worker.
 *
 * Every record has a member "type". The stage emits its own types as they come and may emit progress; the worker
 * around it adds the last line, {"type":"end","outside_ms":...} (wall clock spent in programs it ran) or
 * {"type":"error","kind":...,"message":...}. A channel without a last line means that the worker died.
 */
#ifndef EKACI_RECORDS_RECORD_H
#define EKACI_RECORDS_RECORD_H

#include "records/fields.h"

struct record_out {
	int fd;
	bool broken; /* the reader is gone; further records are dropped and the stage may stop */
	int64_t progress_ms;
};

/* Writes one record of a table. */
must_check int record_put(struct record_out *out, const struct fields *of, const void *rec, struct err *e);
/* {"type":"progress","what":...,"done":...,"total":...}; total < 0 when unknown. At most ten a second are written. */
void record_progress(struct record_out *out, const char *what, int64_t done, int64_t total);
/* The same with what came last: names with a NUL behind each, and whatever is behind them. */
void record_progress_at(struct record_out *out, const char *what, int64_t done, int64_t total, struct str names);

struct progress {
	const char *what;
	int64_t done, total; /* total -1: unknown */
	const char *at;      /* what came last, or NULL */
};
extern const struct fields progress_fields;
/* With its texts, all in a: a record's own go with the record. */
struct progress *progress_copy(struct arena *a, const struct progress *of);
/* The last record of a job. */
struct stage_end {
	int64_t outside_ms;
};
extern const struct fields stage_end_fields;
struct stage_error {
	const char *kind, *message, *at;
};
extern const struct fields stage_error_fields;

/* One record as it was read: its table says which struct it is. */
struct record {
	const struct fields *of;
	const void *is;
};
struct records {
	struct record *p;
	size_t n;
};
/* The first one of a table, or NULL; the next one after *at (0 at first), which is moved on. */
const void *record_find(const struct records *all, const struct fields *of);
const void *record_next(const struct records *all, const struct fields *of, size_t *at);

/* A stage: a pure function from one job document to records. See walk/table.h for the table of them. job is the struct of the
 * stage's table; it and what the stage allocates in a live until it has ended. */
typedef int stage_fn(struct arena *a, const void *job, struct record_out *out, struct err *e);

#endif
