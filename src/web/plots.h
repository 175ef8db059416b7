/* plots - figures of a day and of a month as pictures: SVG from templates/plots.html, no script. */
#ifndef EKACI_WEB_PLOTS_H
#define EKACI_WEB_PLOTS_H

#include "records/page_told.h"
#include "web/page.h"

/* Adds `plots` (and has_plots, when there is anything to show) to data, and the sums themselves to hours and days. Of a repository, or of
 * all that are public (0). */
must_check int plots_add(struct page *p, int64_t repository, struct values *data, struct figure_lines *hours,
    struct figure_lines *days, struct err *e);

#endif
