/* failures - failures.json: only what fails, each with the lines that matter, for people and programs (records/pages.h). */
#ifndef EKACI_REPORT_FAILURES_H
#define EKACI_REPORT_FAILURES_H

#include "report/verdict.h"

must_check int failures_json(struct model *m, const struct verdict *v, struct buf *out, struct err *e);

#endif
