/*
 * reporting - jobs and records of the stages `report` and `explain`: facts become what people and programs read.
 *
 * What the job says of the run stands in report.json as it was said, so a report_job has it as text; report_facts is what the
 * same text means.
 */
#ifndef EKACI_RECORDS_REPORTING_H
#define EKACI_RECORDS_REPORTING_H

#include "records/build_state.h"
#include "records/building.h"
#include "records/evaluation.h"
#include "records/failure.h"
#include "records/first.h"
#include "records/plan.h"
#include "records/record.h"
#include "records/run_state.h"

enum blame { BLAME_NONE, BLAME_NEWLY, BLAME_STILL, BLAME_UNKNOWN };
extern const char *const blame_words[];

struct report_settings {
	int64_t max_packages_listed;
	const char *label_prefix, *label_has_prefix;
	const char *comment; /* how is told what no repository says, as [report] has it */
	bool labels;
	int64_t review_requests, attribute_checks;
	struct texts repositories_decide; /* of these four */
	int64_t attribute_room;           /* for how many checks of attributes the forge has room now */
};

struct report_job {
	const char *run; /* JSON each: the members of struct report_facts */
	const char *plan, *evaluations, *query, *builds, *failure, *first;
	int phase; /* enum phase */
	const char *git_dir, *head_tree, *documents_dir;
	const char *checkout_dir;
	struct progress *progress;
	const char *difference;
	bool waiting, wide;
	const char *stalled;
	int64_t elapsed_ms; /* -1: nobody took the time */
	bool colour;
	struct texts formats;
	struct report_settings settings;
};
extern const struct fields report_job_fields;

struct report_run {
	int64_t id;
	const char *url, *repo;
	int64_t number;
	const char *head, *base, *title;
	const char *base_ref; /* the branch it is made against; NULL: none */
	bool conflict;
	struct texts conflicts;
};

struct report_facts {
	struct report_run run;
	struct plan *plan;
	struct evaluations evaluations;
	struct query *query;
	struct builds_told builds; /* p NULL: nobody asked for any */
	struct run_failure *failure;
	struct first_answers first;
};
extern const struct fields report_facts_fields;

struct annotation {
	const char *path;
	int64_t start_line, end_line;
	const char *annotation_level; /* "failure" | "warning" */
	const char *title, *message;
};
struct check_action {
	const char *label, *description, *identifier;
};
struct check_run {
	const char *name, *status, *title, *summary, *text;
	const char *drv;        /* of one attribute, its derivation; NULL: of the whole */
	const char *conclusion; /* NULL: none yet */
	LIST(struct annotation) annotations;
	LIST(struct check_action) actions;
};
extern const struct fields check_run_fields;

struct report_comment {
	const char *body;
};
extern const struct fields report_comment_fields;

struct report_document {
	const char *format;
	const char *file, *body; /* one of them: a file in the job's documents_dir */
};
extern const struct fields report_document_fields;

struct report_labels {
	struct texts wanted, known;
};
extern const struct fields report_labels_fields;

/* Who looks after what differs by itself, as the base says: the head is its author's to write. */
struct report_reviewers {
	struct texts logins;
	int64_t roots; /* attributes that differ by themselves */
};
extern const struct fields report_reviewers_fields;

/* How this repository is told: what it says itself as far as it may, else what the operator says. */
struct report_how {
	const char *comment;
	bool labels;
	int64_t review_requests;
};
extern const struct fields report_how_fields;

/* Where a change belongs by what it costs (report/cost.h). */
struct report_advice {
	const char *branch;   /* NULL: not known, as durations are missing */
	const char *at_least; /* then: what is known by itself still fits this one; NULL: branch is known */
	bool near;            /* by its range it may belong on `other` */
	const char *other;
	const char *against; /* the branch that it is made against; NULL: not known */
	int64_t builds, known, ms, low_ms, high_ms;
	const char *budget; /* for people */
};
extern const struct fields report_advice_fields;

/* How good the estimate was: of builds that were made for this run. */
struct report_estimated {
	int64_t builds, known; /* made; of these whose duration was known before, of which are the rest */
	int64_t expected_ms, took_ms;
	int64_t off_ms; /* the sum of how far each was off, whether more or less */
};
extern const struct fields report_estimated_fields;

struct report_verdict {
	const char *conclusion, *title;
	int64_t exit;
};
extern const struct fields report_verdict_fields;

struct explain_job {
	struct texts attrs;
	const char *difference;
	struct evaluations evaluations;
	int64_t max_bytes;
	bool apart;
};
extern const struct fields explain_job_fields;

/* As of `ekaci explain A.drv B.drv --json`. */
struct explained_difference {
	const char *what, *base, *head; /* NULL: that side has none */
};
struct explained_input {
	const char *base, *head;
};
struct explained_derivation {
	const char *base, *head, *kind; /* kind: "root" or "follower" */
	bool same_outputs;
	LIST(struct explained_difference) differences;
	LIST(struct explained_input) inputs; /* that differ, too */
};
extern const struct fields explained_derivation_fields;
struct explained_derivations {
	struct explained_derivation *p;
	size_t n;
};

struct explanation {
	const char *text;
	struct explained_derivations derivations;
	bool cut;
};
extern const struct fields explanation_fields;

#endif
