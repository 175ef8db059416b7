/* measures - what was measured of one derivation of a run: sizes, metrics, products. */
#ifndef EKACI_WEB_MEASURES_H
#define EKACI_WEB_MEASURES_H

#include "web/page.h"

/* Adds sizes, metrics and products to what templates/drv.html shows; nothing where none are known. */
must_check int measures_put(struct page *p, int64_t run, const char *drv, struct values *data, struct err *e);

#endif
