/*
 * page_told - what pages are as JSON, for programs. templates/openapi.json describes them for others; tests hold real answers against it.
 * Times are milliseconds since 1970, 0: not yet. Addresses are paths of the bot's own, with the key where one is needed.
 */
#ifndef EKACI_RECORDS_PAGE_TOLD_H
#define EKACI_RECORDS_PAGE_TOLD_H

#include "records/fields.h"
#include "records/overlap.h"

struct log_phase_told {
	const char *name;
	int64_t line;
};
struct log_line_told {
	int64_t line; /* from 1; 0: only the last lines are left */
	const char *text;
	bool cut;
};
struct log_told {
	const char *name, *system, *drv, *state, *reason;
	bool live;
	int64_t lines, bytes, error, next; /* bytes -1: not known */
	LIST(struct log_phase_told) phases;
	LIST(struct log_line_told) text;
};
extern const struct fields log_told_fields;

struct run_line {
	int64_t id, number;
	const char *path, *repository, *title, *author, *head, *base, *base_ref, *state, *verdict, *result, *reason, *waiting;
	int64_t superseded_by, created, ended;
};
struct build_line {
	const char *drv, *name, *system, *state, *reason, *builder, *path, *log;
	int64_t started, ended, wall_ms;
};
struct run_lines {
	struct run_line *p;
	size_t n;
};
struct build_lines {
	struct build_line *p;
	size_t n;
};
struct machine_line {
	const char *name, *systems;
	int64_t running, slots, out_ms;
};
struct repository_line {
	const char *name, *path, *verdict;
};
struct figure_line {
	const char *what;
	int64_t at, n, total;
};
struct figure_lines {
	struct figure_line *p;
	size_t n;
};

struct index_told {
	struct run_lines running, pulls;
	struct build_lines building, put_back;
	LIST(struct machine_line) machines;
	int64_t open, ready, at_work;
	const char *why;
	LIST(struct repository_line) repositories;
	bool has_private;
	struct figure_lines hours, days;
};
extern const struct fields index_told_fields;

struct repository_told {
	const char *name, *default_branch, *verdict, *badge;
	struct run_lines pulls, branch;
	struct overlaps_told *beside; /* NULL: not compared yet */
	struct figure_lines hours, days;
};
extern const struct fields repository_told_fields;

/* An open pull request in the order of the morning. */
struct pull_line {
	int64_t number;
	const char *path, *title, *author;
	bool security, bot, green;
	const char *verdict, *result;
	int64_t rebuilds, cost_ms, opened, others;
};
struct pulls_told {
	const char *repository;
	LIST(struct pull_line) pulls;
	int64_t left_out;
	const char *mistake;
	struct overlaps_told *beside; /* as on the page of the repository */
};
extern const struct fields pulls_told_fields;

/* Something that fails in one of two runs and not in the other. */
struct failing_line {
	const char *name, *system, *what;
};
struct failing_lines {
	struct failing_line *p;
	size_t n;
};
struct count_line {
	const char *what;
	int64_t before, now;
};
struct since_told { /* between the last two heads */
	const char *before, *now;
	LIST(struct count_line) counts;
	struct failing_lines fails_now, fails_no_more;
};
struct pull_told {
	const char *repository;
	int64_t number;
	const char *title, *author;
	struct run_lines runs;
	struct since_told *since;    /* NULL: there are no two heads to compare */
	struct overlap_told *beside; /* NULL: not compared with others, or the asker may not see them */
};
extern const struct fields pull_told_fields;

/* failures.json of a run. */
struct failure_told {
	const char *what;  /* "evaluation" or "build" */
	const char *blame; /* "newly_failing", "still_failing", "unknown" */
	const char *name, *system, *job, *drv, *state, *phase, *reason, *log;
	const char *lines; /* that matter: of the log, or the evaluator's words; NULL: left out, as there are many */
	int64_t blocked;   /* wanted derivations that are not built because of it */
};
struct failures_told {
	const char *repository, *head, *verdict, *title;
	int64_t run, number;
	const char *message; /* why nothing was compared, or NULL */
	struct failures_list {
		struct failure_told *p;
		size_t n;
	} failures; /* what this change broke first */
	int64_t left_out;
};
extern const struct fields failures_told_fields;

struct run_page_told {
	struct run_line run;
	const char *counts; /* JSON */
	struct build_lines builds;
	int64_t builds_total;
	struct texts documents;
};
extern const struct fields run_page_fields;

/* A size or a metric over runs, oldest first. */
struct measure_point {
	int64_t run, number, at;
	double base, head; /* NaN: that side has none */
};
struct measure_points {
	struct measure_point *p;
	size_t n;
};
struct measure_line {
	const char *what, *unit;
	struct measure_points points;
};
struct measure_lines {
	struct measure_line *p;
	size_t n;
};
struct build_page_told {
	struct build_line build;
	int64_t attempts;
	const char *tail, *propagated_from;
	struct measure_lines measures;
	struct run_lines runs;
};
extern const struct fields build_page_fields;

/* Why something was not done, with the status of the answer and what to do next. */
struct refusal_told {
	const char *error;
	int64_t status;
	const char *next;
};
extern const struct fields refusal_fields;

#endif
