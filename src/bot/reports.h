/*
 * reports - keeps what stands at GitHub, and the documents of each run, in step with the database.
 */
#ifndef EKACI_BOT_REPORTS_H
#define EKACI_BOT_REPORTS_H

#include "bot/parts.h"
#include "records/record.h"

struct reports;
struct reports *reports_new(const struct bot_parts *parts);
/* Reports every unreported change, soon: running states at most every few seconds, ends at once. */
void reports_look(struct reports *rs);
/* What the stage that a run is in says of its progress; shown with the next report. */
void reports_progress(struct reports *rs, int64_t run, const struct progress *is);
void reports_free(struct reports *rs);

#endif
