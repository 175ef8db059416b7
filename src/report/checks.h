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

/*
 * The last place inside the repository that text (an evaluator's message, or meta.position) names: "PREFIX/path:12" with
 * checkout_dir, where the evaluated tree stood, before the path. Any other "/nix/store/HASH-source" is as likely a flake's
 * input as the repository, and no place in it. The path is copied into a. False when there is none, or checkout_dir NULL.
 */
bool checks_position(struct arena *a, const char *text, const char *checkout_dir, const char **ret_path,
    int64_t *ret_line);

#endif
