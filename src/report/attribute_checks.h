/*
 * attribute_checks - a check run for each attribute of a small change, beside the two of the whole.
 *
 * Each attribute that is built has one while these are few enough (how_attribute_checks); aliases have none. It says nothing of how
 * far a build is: it is written when it is known that there will be one, and when it is concluded. A success is concluded
 * when its build ends, as is a failure that is known to be new; all else with the run, for until then nobody knows whose it is.
 * success: it is built. failure: newly failing. neutral: fails as on the base; no machine here can do it. action_required, cancelled: as
 * in verdict.h.
 */
#ifndef EKACI_REPORT_ATTRIBUTE_CHECKS_H
#define EKACI_REPORT_ATTRIBUTE_CHECKS_H

#include "report/verdict.h"

struct attribute_checks {
	struct check_run *p; /* in m's arena, in the order of the difference */
	size_t n;
};
void attribute_checks_of(struct model *m, struct attribute_checks *ret);
/* Why attributes have none, though somebody wants some: a sentence. NULL: they have, or nobody does. */
const char *attribute_checks_missing(struct model *m);

#endif
