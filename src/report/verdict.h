/*
 * verdict - what the facts mean for the two check runs and for the exit code.
 *
 * failure          only for what this change broke, or brought broken: builds or evaluations that newly fail, attributes that
 *                  are new and fail; or a head that cannot be compared because of what is in the repository (a mistake in a
 *                  file, an evaluation that did not complete where the base's did); or a mistake that it puts into
 *                  .ekaci/config.json. What was failing before never fails a check.
 * action_required  somebody must do something: approve (wide, or waiting), or ask again where it is not known whether a
 *                  failure is new, or where our machinery failed. Not neutral, which GitHub counts as passed.
 * cancelled        superseded, cancelled, or the builds of a change whose evaluation did not come to an end.
 * neutral          rebuilds that nothing here was asked to build, or no machine here can build; newly failing
 *                  evaluations of jobs with allow_eval_failures; and what could not be told without its being this change's
 *                  doing: a base that does not evaluate, an evaluation that says `unknown` (something could not be had or is
 *                  not allowed here), jobs of which neither side has an attribute, something changed that no evaluation
 *                  shows (changeset/untold.h), attributes that could not be told (nix/unknown.h), which every title then
 *                  ends with. The exit code is then 2; but 0 where the evaluations say that having nothing
 *                  is as it should be (`nothing`).
 * success          the rest.
 */
#ifndef EKACI_REPORT_VERDICT_H
#define EKACI_REPORT_VERDICT_H

#include "report/model.h"

/* From the mildest to the worst: the whole is as the worst part. */
enum conclusion {
	CONCLUSION_NONE, /* not concluded: queued or in progress */
	CONCLUSION_SUCCESS,
	CONCLUSION_NEUTRAL,
	CONCLUSION_CANCELLED,
	CONCLUSION_ACTION_REQUIRED,
	CONCLUSION_FAILURE
};
const char *conclusion_name(enum conclusion c); /* NULL for CONCLUSION_NONE */

struct check {
	const char *status; /* "queued", "in_progress", "completed" */
	enum conclusion conclusion;
	const char *title; /* plain text made of our words and numbers; at most 255 bytes */
};

struct verdict {
	struct check evaluation, rebuilds;
	enum conclusion conclusion; /* of both */
	const char *title;          /* one line for people: the numbers, then what failed */
	const char *headline;       /* the same as a sentence, without what a table beside it says */
	bool mistake;               /* this change puts a mistake into .ekaci/config.json, which stops every later evaluation */
	bool untold; /* something changed that no evaluation shows, or only as a pointer; or attributes are untold */
	int exit;    /* 0 nothing newly fails, 1 something does, or the head as a whole, 2 could not tell */
};

/* Strings live in m->a. */
void verdict_of(struct model *m, struct verdict *ret);
/* "12 rebuilds, 1 added, 1 removed": the numbers alone. */
const char *verdict_numbers(struct model *m);

#endif
