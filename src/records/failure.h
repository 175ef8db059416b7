/*
 * failure - the column `failure` of a run. Its other structured columns are: mirrored (mirror.h), plan (plan.h),
 * evaluations (a list of struct evaluation), counts (struct difference_counts), query (struct query), asked (a list of texts).
 */
#ifndef EKACI_RECORDS_FAILURE_H
#define EKACI_RECORDS_FAILURE_H

#include "records/fields.h"

/* Why a run has failed. */
struct run_failure {
	const char *stage;
	const char *kind; /* of support/base/err.h, or "incomplete": an evaluation did not complete */
	const char *message;
};
extern const struct fields run_failure_fields;

#endif
