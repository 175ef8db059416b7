/* checks - the two check runs, as records for the sender. */
#ifndef EKACI_REPORT_CHECKS_H
#define EKACI_REPORT_CHECKS_H

#include "report/verdict.h"

enum {
	CHECKS_MAX_ANNOTATIONS = 200, /* four requests of GitHub's fifty; who broke more looks at the report */
	CHECKS_MAX_ACTIONS = 3
};

/* Annotations and actions only of a check that is completed. Everything lives in m's arena. */
must_check int checks_evaluation(struct model *m, const struct verdict *v, struct check_run *ret, struct err *e);
must_check int checks_rebuilds(struct model *m, const struct verdict *v, struct check_run *ret, struct err *e);

#endif
