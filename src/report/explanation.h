/*
 * explanation - why attributes of a difference differ, in full.
 */
#ifndef EKACI_REPORT_EXPLANATION_H
#define EKACI_REPORT_EXPLANATION_H

#include "records/reporting.h"

struct explain_question {
	struct texts attrs;             /* as reports name them: a.b, elements quoted where needed; or plainly joined by dots */
	const char *difference;         /* the difference file */
	struct evaluations evaluations; /* where an attribute that is not in the difference is looked for */
	bool json;
	struct explained_apart *apart; /* NULL, or where what differs in derivations is put instead of being printed */
};

/* What a reader's patience and a record have room for; each once, those that were asked about first. Texts in a. */
struct explained_apart {
	struct arena *a;
	struct explained_derivation list[40];
	size_t n, room; /* room: bytes of values that are still taken */
	bool cut;
};

/*
 * Prints of each name every match (one a system and job): class, versions, cause, roots, chain, blast radius, and then what
 * differs from the derivation downwards. As JSON: {"attributes": [{"attribute": as in the difference file, "roots": those that
 * its cause names, "derivations": as of `ekaci explain A.drv B.drv --json`, or null}]}. ERR_ABSENT when neither side has it.
 * *ret_exit, of the last name: 0 it does not differ, 1 it does, 2 what it is could not be told.
 */
must_check int explain_attributes(const struct explain_question *q, int *ret_exit, struct err *e);

/* The stage: a struct explain_job in, a struct explanation out. */
stage_fn explain_stage;

#endif
