/* From records to rows, a function a stage. */
#include "walk/settle.h"

#include "queue/capacity.h"
#include "queue/estimate.h"
#include "support/base/clock.h"
#include "support/base/log.h"
#include "walk/jobs.h"
#include "walk/trust.h"

#include <inttypes.h>
#include <string.h>

static const json_t *
record(const json_t *records, const char *type)
{
	const json_t *rec;
	size_t i;

	json_array_foreach(records, i, rec) {
		if (strcmp(json_str(rec, "type", ""), type) == 0)
			return rec;
	}
	return NULL;
}

/* Each writes what the stage found and moves the run, in one transaction. */

static int
done_mirror(const struct settle *on, struct arena *a, const struct run *r, const json_t *records, struct err *e)
{
	const json_t *rec = record(records, "mirrored");

	if (rec == NULL)
		return fail(e, ERR_BUG, "the stage mirror gave no record");
	if (store_run_set(on->store, r->id, "mirrored", json_line(a, rec), e) != 0)
		return -1;
	return store_run_move(on->store, r->id, r->state, RUN_MIRRORED, "fetched", e);
}

static int
done_plan(const struct settle *on, struct arena *a, const struct run *r, const json_t *records, struct err *e)
{
	const json_t *rec = record(records, "plan");

	if (rec == NULL)
		return fail(e, ERR_BUG, "the stage plan gave no record");
	if (store_run_set(on->store, r->id, "plan", json_line(a, rec), e) != 0)
		return -1;
	return store_run_move(on->store, r->id, r->state, RUN_PLANNED, json_str(rec, "decision", ""), e);
}

static int
done_evaluate(const struct settle *on, struct arena *a, const struct run *r, const json_t *records, const char **ret_incomplete,
    struct err *e)
{
	const json_t *rec = record(records, "evaluation");
	AUTO(json_drop) json_t *done = NULL;

	if (rec == NULL)
		return fail(e, ERR_BUG, "the stage evaluate gave no record");
	if (r->evaluations == NULL)
		done = json_array();
	else if (json_read(str_of(r->evaluations), "evaluations", &done, e) != 0)
		return -1;
	json_array_append(done, (json_t *)(uintptr_t)rec);
	log_info("run %" PRId64 ": %s of %s is %s, %" PRId64 " rows in %" PRId64 " ms by %s %s, sandbox %s", r->id,
	    json_str(rec, "side", ""), json_str(rec, "job", ""),
	    !json_flag(rec, "complete", false)       ? "incomplete"
	    : json_flag(rec, "reused", false)        ? "stored already"
	    : json_object_get(rec, "untold") != NULL ? "evaluated in part"
	                                             : "evaluated",
	    json_int(rec, "rows", 0), json_int(rec, "wall_ms", 0), json_str(rec, "evaluator", ""), json_str(rec, "version", ""),
	    json_str(rec, "sandbox", ""));
	if (store_run_set(on->store, r->id, "evaluations", json_line(a, done), e) != 0 ||
	    store_run_piece(on->store, r->id, e) != 0)
		return -1;
	/* Incomplete means failed: nothing is compared. Else the next one, or the next state, is found by advance. */
	const char *why = jobs_stopped(done);
	if (why != NULL)
		*ret_incomplete = arena_strdup(a, why);
	return 0;
}

static int
done_diff(const struct settle *on, struct arena *a, const struct run *r, const json_t *records, struct err *e)
{
	const json_t *rec = record(records, "difference");

	if (rec == NULL)
		return fail(e, ERR_BUG, "the stage diff gave no record");
	const json_t *total = json_at(rec, "counts.total");
	int64_t rebuilds = json_int(total, "rebuild", 0) + json_int(total, "added", 0);
	bool wide = rebuilds > on->settings->rebuild.max_rebuild_count;
	if (store_run_set(on->store, r->id, "difference", json_str(rec, "file", NULL), e) != 0 ||
	    store_run_set(on->store, r->id, "counts", json_line(a, json_object_get(rec, "counts")), e) != 0 ||
	    store_run_flags(on->store, r->id, wide, r->approved, r->force, e) != 0)
		return -1;
	return store_run_move(on->store, r->id, r->state, RUN_DIFFED, wide ? "compared: wide" : "compared", e);
}

/* What a person named is tried again; without names that is all. */
static int
want_builds(const struct settle *on, struct arena *a, const struct run *r, const json_t *records, enum jobs_which which,
    struct err *e)
{
	AUTO(mem_free) struct build_want *wants = mem_alloc(json_array_size(records) * sizeof(*wants));
	int64_t since = clock_now_ms() - on->settings->build.failure_cache_h * 3600 * 1000;
	size_t n = jobs_wants(a, records, which, wants);

	for (size_t i = 0; i < n; i++) {
		wants[i].retry = wants[i].asked && r->force && which != JOBS_WANTS_BASE;
		wants[i].again = wants[i].asked && r->again && wants[i].target;
	}
	return store_builds_want(on->store, r->id, wants, n, since, e);
}

/* The record `query` with how long its builds may take, for the column; NULL when that could not be told. */
static const char *
estimated(const struct settle *on, struct arena *a, const json_t *rec, const json_t *records, struct err *e)
{
	AUTO(mem_free) struct build_want *wants = mem_alloc(json_array_size(records) * sizeof(*wants));
	size_t n = jobs_wants(a, records, JOBS_WANTS_ALL, wants);
	const struct machine *machines = NULL;
	size_t n_machines = 0;
	struct query query = {0};
	struct err unread;
	char *text;

	/* The builders' file may be half written just now: the rest of the estimate is still right. */
	if (capacity_machines(a, on->settings, &machines, &n_machines, &unread) != 0)
		log_err(LOG_WARN, "no finish time", &unread);
	if (fields_read(&query_fields, a, str_of(json_line(a, rec)), "query", &query, e) != 0 ||
	    estimate_builds(on->store, a, machines, n_machines, wants, n, &query.estimate, e) != 0 ||
	    fields_line(&query_fields, a, &query, &text, e) != 0)
		return NULL;
	return text;
}

static int
done_query(const struct settle *on, struct arena *a, const struct run *r, const json_t *records, struct err *e)
{
	const json_t *rec = record(records, "query");

	if (rec == NULL)
		return fail(e, ERR_BUG, "the stage query gave no record");
	const char *query = estimated(on, a, rec, records, e);
	if (query == NULL || store_run_set(on->store, r->id, "query", query, e) != 0)
		return -1;
	/* The builds are linked to the run only when they may be made. */
	struct pull_request pr = {0};
	if (store_pull_get(on->store, a, r->repository, r->number, &pr, e) < 0)
		return -1;
	const char *hold = trust_holds_builds(on->settings, r, &pr);
	/* Who may ask for a rebuild may approve, here of what was named. */
	bool narrowed = hold != NULL && r->asked != NULL && on->settings->build.enabled;
	if (narrowed)
		hold = NULL;
	if (hold != NULL) {
		if (store_run_move(on->store, r->id, r->state, RUN_QUERIED, hold, e) < 0)
			return -1;
		return store_run_set(on->store, r->id, "waiting", hold, e);
	}
	if (want_builds(on, a, r, records, narrowed ? JOBS_WANTS_ASKED : JOBS_WANTS_ALL, e) != 0)
		return -1;
	return store_run_move(on->store, r->id, r->state, RUN_QUERIED,
	    narrowed ? "the store was asked for what was named" : "the store was asked", e);
}

static int
done_base_query(const struct settle *on, struct arena *a, const struct run *r, const json_t *records, struct err *e)
{
	const json_t *rec, *sizes = record(records, "sizes");
	AUTO(json_drop) json_t *query = NULL;
	bool asked = false;
	size_t i;

	if (json_read_maybe(r->query, &query, e) != 0)
		return -1;
	if (sizes != NULL && query != NULL) {
		json_object_set(query, "sizes", (json_t *)(uintptr_t)sizes);
		if (store_run_set(on->store, r->id, "query", json_line(a, query), e) != 0)
			return -1;
	}
	json_array_foreach(records, i, rec)
		asked = asked || strcmp(json_str(rec, "type", ""), "base_of") == 0;
	if (!asked)
		return store_run_move(on->store, r->id, r->state, RUN_DONE, "nothing failed", e);
	json_array_foreach(records, i, rec) {
		if (strcmp(json_str(rec, "type", ""), "base_of") == 0 &&
		    store_run_base_of(on->store, r->id, json_str(rec, "head", ""), json_str(rec, "base", ""), e) != 0)
			return -1;
	}
	if (want_builds(on, a, r, records, JOBS_WANTS_BASE, e) != 0)
		return -1;
	return store_run_move(on->store, r->id, r->state, RUN_JUDGING, "the base is asked", e);
}

int
settle_stage(const struct settle *on, struct arena *a, const struct run *r, const json_t *records, const char **ret_incomplete,
    struct err *e)
{
	*ret_incomplete = NULL;
	switch (r->state) {
	case RUN_ACCEPTED: return done_mirror(on, a, r, records, e);
	case RUN_MIRRORED: return done_plan(on, a, r, records, e);
	case RUN_PLANNED: return done_evaluate(on, a, r, records, ret_incomplete, e);
	case RUN_EVALUATED: return done_diff(on, a, r, records, e);
	case RUN_DIFFED: return done_query(on, a, r, records, e);
	case RUN_BUILT: return done_base_query(on, a, r, records, e);
	case RUN_QUERIED:
	case RUN_BUILDING:
	case RUN_JUDGING:
	case RUN_DONE:
	case RUN_FAILED:
	case RUN_SUPERSEDED:
	case RUN_CANCELLED:
	case RUN_STATES: break;
	}
	return fail(e, ERR_BUG, "no stage runs in state %s", run_state_name(r->state));
}
