/*
 * explanation - why one attribute of a difference differs, in full.
 */
#ifndef EKACI_REPORT_EXPLANATION_H
#define EKACI_REPORT_EXPLANATION_H

#include "records/record.h"
#include "support/text/json.h"

struct explain_question {
	const char *attr;          /* as reports name it: a.b, elements quoted where needed; or plainly joined by dots */
	const char *difference;    /* the difference file */
	const json_t *evaluations; /* records: where an attribute that is not in the difference is looked for */
	bool json;
};

/*
 * Prints every match (one a system and job): class, versions, cause, roots, chain, blast radius, and then what differs
 * from the derivation downwards. As JSON: {"attributes": [{"attribute": as in the difference file, "roots": those that its
 * cause names, "derivations": as of `ekaci explain A.drv B.drv --json`, or null}]}. ERR_ABSENT when neither side has it.
 * *ret_exit: 0 it does not differ, 1 it does, 2 what it is could not be told.
 */
must_check int explain_attribute(const struct explain_question *q, int *ret_exit, struct err *e);

/* The stage `explain`. job: attrs, difference, evaluations, max_bytes; record `explanation`: text, cut (it was longer). */
int explain_stage(const json_t *job, struct record_out *out, struct err *e);

#endif
