/* history - sizes and metrics of a derivation over pull requests and base, as pictures, as a table and for programs. */
#ifndef EKACI_WEB_HISTORY_H
#define EKACI_WEB_HISTORY_H

#include "records/page_told.h"
#include "web/page.h"

/* Of the build that the page has, in runs of that repository whose pages may be seen, oldest first. Empty where nothing was measured. */
must_check int history_read(struct page *p, int64_t repository, struct measure_lines *ret, struct err *e);
/* Adds `histories` and has_histories to what templates/drv.html and pages/drv.md show: of what was measured more than once. */
must_check int history_put(struct page *p, const struct view_repository *repository, struct values *data, struct err *e);

#endif
