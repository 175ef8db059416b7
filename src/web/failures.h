/* failures - only what fails in a run, each with the lines that matter. */
#ifndef EKACI_WEB_FAILURES_H
#define EKACI_WEB_FAILURES_H

#include "records/page_told.h"
#include "web/page.h"

/* /run/ID/failures: HTML, Markdown, and failures.json as the report's worker wrote it. */
page_fn page_failures;
/* That file of a run. ERR_ABSENT: there is none (yet). */
must_check int failures_read(struct page *p, int64_t run, struct failures_told *ret, struct err *e);

#endif
