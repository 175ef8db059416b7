/*
 * overview - what pages and figures read. Nothing here changes anything.
 *
 * Texts are in the arena, as they came from outside: the page escapes them. NULL is what is not there.
 */
#ifndef EKACI_STORE_OVERVIEW_H
#define EKACI_STORE_OVERVIEW_H

#include "store/store.h"

struct view_repository {
	int64_t id;
	const char *owner, *name, *default_branch, *clone_url;
	bool private;
	bool gone;     /* nobody tells us of it any more, so nobody sees its pages */
	int64_t links; /* see struct repository */
};

struct view_run {
	int64_t id, number;
	struct view_repository repository;
	const char *head, *base, *base_ref, *state, *reason;
	const char *waiting;         /* why it is held, or tried again later; NULL when it is not */
	const char *verdict, *title; /* conclusion and what it says; NULL: not yet */
	const char *failure;         /* JSON {stage, kind, message} */
	const char *counts;          /* JSON, record of the stage diff */
	const char *pr_title, *author;
	bool wide, fork;
	int64_t superseded_by;                    /* 0: not */
	int64_t created_ms, updated_ms, ended_ms; /* ended 0: not yet */
};

/* ERR_ABSENT when there is none. Names of repositories are compared as GitHub does, in any case. */
must_check int view_repository(struct store *s, struct arena *a, const char *owner, const char *name,
    struct view_repository *ret, struct err *e);
must_check int view_run(struct store *s, struct arena *a, int64_t id, struct view_run *ret, struct err *e);

/* The newest limit runs, newest first: of public repositories, of one repository, of one pull request. all: of private repositories, too. */
must_check int view_runs_newest(struct store *s, struct arena *a, bool all, size_t limit, struct view_run **ret, size_t *ret_n,
    struct err *e);
must_check int view_runs_of(struct store *s, struct arena *a, int64_t repository, int64_t number, size_t limit,
    struct view_run **ret, size_t *ret_n, struct err *e);
/* Those of public repositories that have not ended. */
must_check int view_runs_live(struct store *s, struct arena *a, bool all, size_t limit, struct view_run **ret, size_t *ret_n,
    struct err *e);
/* The newest run of each open pull request of a repository, highest number first. */
must_check int view_runs_of_pulls(struct store *s, struct arena *a, int64_t repository, size_t limit, struct view_run **ret,
    size_t *ret_n, struct err *e);
/* The same, with what puts them in an order. */
struct view_pull {
	struct view_run run;
	int64_t opened_ms;         /* when its first run was begun */
	int64_t cost_ms, rebuilds; /* of builds, as estimated; of attributes; -1: not known */
};
must_check int view_pulls(struct store *s, struct arena *a, int64_t repository, size_t limit, struct view_pull **ret,
    size_t *ret_n, struct err *e);
/* The public repositories, by name; *ret_private: whether there are others. */
must_check int view_repositories(struct store *s, struct arena *a, bool all, size_t limit, struct view_repository **ret,
    size_t *ret_n, bool *ret_private, struct err *e);
/* The verdict of the newest run of a branch by itself that has one; NULL when there is none. What a pull request says does not count,
 * whoever opened it. */
must_check int view_branch_verdict(struct store *s, struct arena *a, int64_t repository, const char *branch, const char **ret,
    struct err *e);

struct view_event {
	int64_t at_ms;
	const char *from, *to, *why;
};
must_check int view_run_events(struct store *s, struct arena *a, int64_t run, size_t limit, struct view_event **ret,
    size_t *ret_n, struct err *e);

struct view_build {
	int64_t id;
	const char *drv, *name, *system, *state, *reason, *tail, *log, *propagated_from;
	const char *builder; /* where it was begun the last time; NULL: not known */
	int64_t attempts, started_ms, ended_ms, wall_ms;
	int64_t usual_ms; /* only of those at work: how long such a build took before; 0: not known */
	bool target;      /* only in a run's list */
};
/* Those that failed first, then those at work, then the rest; *ret_total counts all. */
must_check int view_run_builds(struct store *s, struct arena *a, int64_t run, size_t limit, struct view_build **ret,
    size_t *ret_n, int64_t *ret_total, struct err *e);
/* Those of a run that are at work, what began first. */
must_check int view_run_building(struct store *s, struct arena *a, int64_t run, size_t limit, struct view_build **ret,
    size_t *ret_n, struct err *e);
/* The same of all runs of public repositories; and those that were put back, with the reason. */
must_check int view_put_back(struct store *s, struct arena *a, bool all, size_t limit, struct view_build **ret, size_t *ret_n,
    struct err *e);
must_check int view_building(struct store *s, struct arena *a, bool all, size_t limit, struct view_build **ret, size_t *ret_n,
    struct err *e);
must_check int view_build(struct store *s, struct arena *a, const char *drv, struct view_build *ret, struct err *e);
must_check int view_build_runs(struct store *s, struct arena *a, int64_t build, size_t limit, struct view_run **ret,
    size_t *ret_n, struct err *e);

/* A run's own builds, without what was there already, and how many are what. */
struct view_tally {
	int64_t all, open, at_work, failed;
};
must_check int view_run_tally(struct store *s, int64_t run, struct view_tally *ret, struct err *e);
/* Where a run's builds are and were begun, since the run began: those at work, and those that have ended there. Most at work first. */
struct view_builder {
	const char *name;
	int64_t at_work, ended;
};
must_check int view_run_builders(struct store *s, struct arena *a, int64_t run, struct view_builder **ret, size_t *ret_n,
    struct err *e);
/* How many runs that are not compared yet come before it. */
must_check int view_runs_before(struct store *s, int64_t run, int64_t *ret, struct err *e);

struct view_count {
	const char *name, *more; /* more: a second label, or NULL */
	int64_t n;
};
/* Counts of rows by state; each reads an index of what is alive, never a whole table. */
enum view_counted { VIEW_LIVE_RUNS, VIEW_OPEN_BUILDS, VIEW_NEW_DELIVERIES, VIEW_OPEN_COMMANDS, VIEW_OPEN_DESIRED };
must_check int view_counts(struct store *s, struct arena *a, enum view_counted what, struct view_count **ret, size_t *ret_n,
    struct err *e);

#endif
