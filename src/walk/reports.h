/*
 * reports - keeps what stands at GitHub, and the documents of each run, in step with the database.
 */
#ifndef EKACI_WALK_REPORTS_H
#define EKACI_WALK_REPORTS_H

#include "walk/flow.h"

struct reports;
struct reports *reports_new(const struct flow_parts *parts, struct flow *flow);
/* Reports every unreported change, soon: running states at most every few seconds, ends at once. */
void reports_look(struct reports *rs);
/* A record `progress` of the stage that a run is in; shown with the next report. */
void reports_progress(struct reports *rs, int64_t run, const json_t *rec);
void reports_free(struct reports *rs);

#endif
