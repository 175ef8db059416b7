/*
 * ladder - a text that fits: less and less is said until it does, and what is left out is always said.
 *
 * GitHub takes 65,535 characters in a check run's summary and text and 65,536 in a comment. A template is rendered with
 * the limits of the configuration, then with ever smaller ones. The lowest step holds counts and the verdict only; with
 * the ceilings on names, systems and messages it is below the limit whatever the facts are.
 */
#ifndef EKACI_REPORT_LADDER_H
#define EKACI_REPORT_LADDER_H

#include "report/view.h"

enum { LADDER_MAX_BYTES = 65000 }; /* bytes, which are never fewer than characters, and some room */

/* Renders the template of that name into out (emptied first). ERR_LIMIT when not even the lowest step fits. */
must_check int ladder_render(struct model *m, const struct verdict *v, const char *name, struct buf *out, struct err *e);
/* Renders with no limits; colour adds bold, red, green, yellow and plain for a terminal. */
must_check int ladder_render_whole(struct model *m, const struct verdict *v, const char *name, bool colour,
    const struct limits *limits, struct buf *out, struct err *e);

#endif
