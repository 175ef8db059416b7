/* measures - what was measured of one derivation of a run: sizes, metrics, products. */
#ifndef EKACI_WEB_MEASURES_H
#define EKACI_WEB_MEASURES_H

#include "web/page.h"

/* "1.2 MB", "40 tests", "none" of NaN. unit: "bytes", or a metric's own; may be NULL or "". */
const char *measures_value(struct arena *a, double n, const char *unit);

/* Adds sizes, metrics and products to what templates/drv.html shows; nothing where none are known. */
must_check int measures_put(struct page *p, int64_t run, const char *drv, struct values *data, struct err *e);

#endif
