/*
 * flow - walks runs along the table of walk/table.c.
 *
 * Every state stands in the database; this module holds only what is happening now (workers). So starting again is
 * the only recovery: what was under way is made again, what was reported is not reported again.
 *
 * What git must show to fetch, and who is told, are hooks: the walk knows of no forge and no report. A report is made apart
 * from it (bot/reports.h): whatever changes a run raises its `changes`.
 */
#ifndef EKACI_WALK_FLOW_H
#define EKACI_WALK_FLOW_H

#include "config/config.h"
#include "queue/schedule.h"
#include "records/record.h"
#include "store/run.h"
#include "support/os/loop.h"

struct flow;

struct flow_hooks {
	/* Calls answer(to, ...) once, now or later: authorization is what git shows (NULL: nothing), or why is why there is none. By
	 * then it is known whose the pull request is (number, as a run has it). */
	void (*authorize)(void *ctx, const struct repository *of, int64_t number,
	    void (*answer)(void *to, const char *authorization, const struct err *why), void *to);
	void (*refused)(void *ctx, const struct repository *of);             /* git was: what it showed is not good */
	void (*changed)(void *ctx);                                          /* runs may have changed */
	void (*progress)(void *ctx, int64_t run, const struct progress *is); /* of the stage that a run is in */
	void *ctx;
};

struct flow_parts {
	struct loop *loop;
	struct store *store;
	const struct settings *settings;
	struct flow_hooks hooks;
	const char *cgroup; /* ours to divide among evaluations (support/os/cgroup.h), or NULL */
};

/* Nothing is begun before flow_begin says what there is to work with (walk/means.h); machines_know knows by then. */
must_check int flow_new(const struct flow_parts *parts, struct flow **ret, struct err *e);
void flow_begin(struct flow *f, bool sandbox_works);
/* Looks at every live run and every unreported change; cheap when there is nothing. */
void flow_kick(struct flow *f);
void flow_free(struct flow *f);
struct schedule *flow_schedule(struct flow *f);
/* Runs that had not ended when they were last looked at. */
int64_t flow_live(const struct flow *f);
/* What a run's number says, for the log: "#7", "branch", "queue #7"; in a, or static. */
const char *flow_whose(struct arena *a, int64_t number);

/* Starts a run for a head, superseding the pull request's other live runs; within the caller's transaction. A live run
 * of the same head, base and force is left to go on. */
must_check int flow_start(struct flow *f, const struct run *wanted, struct err *e);
/* Ends the live runs of a pull request; of one head of it, when head is not NULL. */
must_check int flow_cancel(struct flow *f, int64_t repository, int64_t number, const char *head, const char *why,
    struct err *e);
/* Nothing may be done for a repository: all its live runs end; and something may be done again: those that ended so, and are
 * still wanted, are made anew. */
must_check int flow_stop(struct flow *f, int64_t repository, const char *why, struct err *e);
must_check int flow_resume(struct flow *f, int64_t repository, const char *why, struct err *e);

#endif
