/* failing - failures.json: only what fails, each with the lines that matter, for people and programs (records/page_told.h). */
#ifndef EKACI_REPORT_FAILING_H
#define EKACI_REPORT_FAILING_H

#include "report/verdict.h"

must_check int failures_json(struct model *m, const struct verdict *v, struct buf *out, struct err *e);

#endif
