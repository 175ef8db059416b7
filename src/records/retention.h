/*
 * retention - job and record of the stage `sweep`: which files go (walk/sweep.h).
 */
#ifndef EKACI_RECORDS_RETENTION_H
#define EKACI_RECORDS_RETENTION_H

#include "records/fields.h"

struct sweep_job {
	struct texts folders;
	int64_t before_ms;
	struct texts sized;
	int64_t max_bytes;
	struct texts needed;
	int64_t young_ms;
	struct texts gone;
};
extern const struct fields sweep_job_fields;

struct swept {
	int64_t removed, kept, bytes;
};
extern const struct fields swept_fields;

#endif
