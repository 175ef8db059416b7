/*
 * flow - walks runs along the table of walk/table.c, and keeps their reports at GitHub up to date.
 *
 * Every state stands in the database; this module holds only what is happening now (workers). So starting again is
 * the only recovery: what was under way is made again, what was reported is not reported again.
 *
 * Reports are made apart from the walk: whatever changes a run raises its `changes`; a report shows the state as of
 * one change and notes it in `reported` in the transaction that writes the desired state at GitHub.
 */
#ifndef EKACI_WALK_FLOW_H
#define EKACI_WALK_FLOW_H

#include "config/config.h"
#include "forge/forge.h"
#include "queue/schedule.h"
#include "support/os/loop.h"
#include "walk/table.h"
#include "web/web.h"

struct flow;

struct flow_parts {
	struct loop *loop;
	struct store *store;
	const struct settings *settings;
	struct sender *sender;
	const struct web *web; /* for addresses of pages */
	const char *cgroup;    /* ours to divide among evaluations (support/os/cgroup.h), or NULL */
	bool sandbox_works;    /* it was tried */
};

must_check int flow_new(const struct flow_parts *parts, struct flow **ret, struct err *e);
/* Looks at every live run and every unreported change; cheap when there is nothing. */
void flow_kick(struct flow *f);
void flow_free(struct flow *f);
struct schedule *flow_schedule(struct flow *f);

/* Starts a run for a head, superseding the pull request's other live runs; within the caller's transaction. A live run
 * of the same head, base and force is left to go on. */
must_check int flow_start(struct flow *f, const struct run *wanted, struct err *e);
/* Ends the live runs of a pull request; of one head of it, when head is not NULL. */
must_check int flow_cancel(struct flow *f, int64_t repository, int64_t number, const char *head, const char *why,
    struct err *e);

#endif
