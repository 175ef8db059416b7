/* checks - the two check runs, as records for the sender. */
#ifndef EKACI_REPORT_CHECKS_H
#define EKACI_REPORT_CHECKS_H

#include "report/verdict.h"

enum {
	CHECKS_MAX_ANNOTATIONS = 50, /* GitHub takes so many a request, and adds to those it has */
	CHECKS_MAX_ACTIONS = 3
};

/*
 * {"type":"check_run","name","status","conclusion"?,"title","summary","text","annotations":[..],"actions":[..]}, as the
 * API takes them: annotations {path, start_line, end_line, annotation_level, title, message}, actions {label,
 * description, identifier}. Identifiers: "rebuild", "rebuild-failed", "approve", "eval". Both only when completed.
 */
must_check int checks_evaluation(struct model *m, const struct verdict *v, json_t **ret, struct err *e);
must_check int checks_rebuilds(struct model *m, const struct verdict *v, json_t **ret, struct err *e);

#endif
