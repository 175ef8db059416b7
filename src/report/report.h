/*
 * report - one run's facts become what people and programs read.
 *
 * Records, in this order, as far as formats asks for them: check_run ("ekaci / evaluation", "ekaci / rebuilds", then of single attributes),
 * comment, document (formats text, markdown, json, html, changed-paths), labels, verdict. Labels and changed-paths are
 * left out unless base and head were compared. Check run and comment texts are under GitHub's limits; the other
 * documents hold everything. What conclusions mean: verdict.h. The JSON document: document.h.
 */
#ifndef EKACI_REPORT_REPORT_H
#define EKACI_REPORT_REPORT_H

#include "records/record.h"

/* The stage: a struct report_job in. */
stage_fn report_stage;

#endif
