/* Builds as rows: wanted, released, failed, judged. */
#include "store/builds.h"

#include "records/array.h"
#include "store/build_sets.h"
#include "store/db.h"
#include "store/duration.h"
#include "store/figures.h"
#include "store/served.h"
#include "support/base/clock.h"
#include "support/base/map.h"

#include <stdlib.h>
#include <string.h>

/* The scheduler's mirror learns of it when the transaction stands. */
static int
changed(struct store *s, int64_t run, struct err *e)
{
	return db_run(s, e, "INSERT INTO build_change (run) VALUES (?1) ON CONFLICT DO NOTHING", "i", run);
}

/* A failed build fails what is above it and still waits, with the first failure as the cause. What no machine could be found
 * for fails nothing: what is above it could not be tried either. */
static int
propagate(struct store *s, int64_t failed, struct err *e)
{
	return db_run(s, e,
	    "WITH RECURSIVE up (id) AS (SELECT build FROM build_input WHERE input = ?1"
	    "  UNION SELECT i.build FROM up JOIN build b ON b.id = up.id JOIN build_input i ON i.input = up.id"
	    "  WHERE b.state IN " BUILD_SQL_NOT_BEGUN ")"
	    " UPDATE build SET state = (SELECT iif(f.state = 'unsupported', 'unsupported', 'dependency_failed') FROM build f"
	    "  WHERE f.id = ?1), ended = ?2,"
	    " propagated_from = (SELECT coalesce(f.propagated_from, f.drv) FROM build f WHERE f.id = ?1)"
	    " WHERE id IN (SELECT id FROM up) AND state IN " BUILD_SQL_NOT_BEGUN,
	    "ii", failed, clock_now_ms());
}

/* What is known of a wanted derivation while a call goes through its wants. */
struct wanted {
	int64_t id;
	enum build_state state;
	const char *cause; /* whose failure it is, when it has failed */
	int64_t blocked;   /* inputs it waits for, as the row has it */
	bool marked;       /* failed, but good for what needs it */
	bool written;
};

struct edge {
	int64_t input, build;
};

struct wanting {
	struct store *s;
	struct arena a;
	struct map ids; /* drv -> index in wants */
	struct wanted *known;
	VEC(struct edge) edges;
	int64_t known_since, run;
};

static bool
is_failure(enum build_state state)
{
	return !build_state_is_open(state) && !build_state_is_good(state);
}

/* The row as it stands; 1 when there is none. */
static int
look_up(struct wanting *w, const struct build_want *want, struct wanted *ret, int64_t *ret_ended, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(w->s, e,
	    "SELECT id, state, ended, coalesce(propagated_from, drv), blocked, marked FROM build"
	    " WHERE drv = ?1",
	    "s", want->drv);
	int rc = q == NULL ? -1 : db_row(w->s, q, e);

	if (rc <= 0)
		return rc < 0 ? -1 : 1;
	ret->id = db_i64(q, 0);
	ret->state = build_state_of((const char *)sqlite3_column_text(q, 1));
	*ret_ended = db_i64(q, 2);
	ret->blocked = db_i64(q, 4);
	ret->marked = db_i64(q, 5) != 0;
	if (is_failure(ret->state))
		ret->cause = db_text(&w->a, q, 3);
	return 0;
}

/* Whether what is known of a derivation still holds. An end that does not hold begins anew; what is open stays open. */
static bool
holds(const struct wanting *w, const struct build_want *want, const struct wanted *k, int64_t ended)
{
	enum build_state state = k->state;

	if (build_state_is_open(state))
		return true;
	if (want->cached && (want->marked || k->marked)) /* the outputs that are there are the judge */
		return !want->again && want->marked && k->marked;
	if (want->cached)
		return !want->again && build_state_is_good(state);
	if (state == BUILD_FAILED && want->fixed_output) /* what it fetches may be there by now */
		return false;
	if (!build_state_has_failed_itself(state))
		return false;
	return !want->retry && ended >= w->known_since;
}

/* The state that follows from the inputs, which stand before it. One that no machine can do decides: it could not be tried. */
static void
state_from_inputs(const struct wanting *w, const struct build_want *want, struct wanted *k, int64_t *ret_blocked)
{
	*ret_blocked = 0;
	k->state = BUILD_QUEUED;
	k->cause = NULL;
	for (size_t i = 0; i < want->inputs.n; i++) {
		const struct map_entry *at = map_get(&w->ids, str_of(want->inputs.p[i]));
		const struct wanted *in = at != NULL ? &w->known[at->value] : NULL;
		if (in == NULL || build_state_is_good(in->state) || in->marked)
			continue;
		if (in->state == BUILD_UNSUPPORTED || (is_failure(in->state) && k->cause == NULL)) {
			k->state = in->state == BUILD_UNSUPPORTED ? BUILD_UNSUPPORTED : BUILD_DEPENDENCY_FAILED;
			k->cause = in->cause;
		}
		if (k->state == BUILD_UNSUPPORTED)
			break;
		if (k->cause == NULL)
			k->state = BUILD_WAITING;
		*ret_blocked += build_state_is_open(in->state);
	}
	if (k->cause != NULL)
		*ret_blocked = 0;
}

static int
write_new(struct wanting *w, const struct build_want *want, struct wanted *k, int64_t blocked, struct err *e)
{
	struct str pname = duration_name(str_of(want->name));
	int64_t now = clock_now_ms();
	const char *features;

	if (array_write_texts(&w->a, &want->features, &features, e) != 0)
		return -1;
	if (db_run(w->s, e,
	        "INSERT INTO build (drv, name, system, features, fixed_output, state, created, pname, blocked,"
	        " propagated_from, ended, again, marked, reason) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, nullif(?10, ?1), nullif(?11, 0),"
	        " ?12, ?13, ?14)",
	        "ssssisitisiiis", want->drv, want->name, want->system, features, (int64_t)want->fixed_output,
	        build_state_name(k->state), now, pname, blocked, k->cause, build_state_is_open(k->state) ? (int64_t)0 : now,
	        (int64_t)(want->again && want->cached), (int64_t)k->marked, k->marked ? BUILD_MARKED : NULL) != 0)
		return -1;
	k->id = db_last_id(w->s);
	return 0;
}

static int
write_anew(struct wanting *w, const struct wanted *k, int64_t blocked, bool again, struct err *e)
{
	return db_run(w->s, e,
	    "UPDATE build SET state = ?2, attempts = 0, not_before = 0, reason = ?8, tail = NULL, phase = NULL,"
	    " absent_since = NULL, propagated_from = nullif(?3, drv), blocked = ?4, ended = nullif(?5, 0), wall_ms = NULL, again = ?6,"
	    " marked = ?7, ready = ?9 WHERE id = ?1",
	    "issiiiisi", k->id, build_state_name(k->state), k->cause, blocked,
	    build_state_is_open(k->state) ? (int64_t)0 : clock_now_ms(), (int64_t)again, (int64_t)k->marked,
	    k->marked ? BUILD_MARKED : NULL);
}

/* One that was open and waits: for more or for less than before, or in vain. */
static int
write_open(struct wanting *w, const struct wanted *k, int64_t blocked, struct err *e)
{
	if (db_run(w->s, e,
	        "UPDATE build SET state = ?2, propagated_from = ?3, blocked = ?4, ended = nullif(?5, 0) WHERE id = ?1", "issii",
	        k->id, build_state_name(k->state), k->cause, blocked,
	        build_state_is_open(k->state) ? (int64_t)0 : clock_now_ms()) != 0)
		return -1;
	return build_state_is_open(k->state) ? 0 : propagate(w->s, k->id, e);
}

static int
put_row(struct wanting *w, const struct build_want *want, struct wanted *k, struct err *e)
{
	int64_t ended = 0, blocked;
	int rc = look_up(w, want, k, &ended, e);

	if (rc < 0)
		return -1;
	enum build_state before = k->state;
	bool known = rc == 0 && holds(w, want, k, ended);
	if (known && before != BUILD_WAITING && before != BUILD_QUEUED)
		return 0;
	state_from_inputs(w, want, k, &blocked);
	if (want->cached && !known) {
		k->state = want->again ? BUILD_QUEUED : want->marked ? BUILD_FAILED : BUILD_CACHED;
		k->cause = k->state == BUILD_FAILED ? want->drv : NULL;
	}
	if (!known)
		k->marked = k->state == BUILD_FAILED && want->marked;
	k->written = !known || k->state != before || blocked != k->blocked;
	if (rc > 0)
		return write_new(w, want, k, blocked, e);
	if (!known)
		return write_anew(w, k, blocked, want->again && want->cached, e);
	return k->written ? write_open(w, k, blocked, e) : 0;
}

static void
collect_inputs(struct wanting *w, const struct build_want *want, const struct wanted *k)
{
	for (size_t i = 0; i < want->inputs.n; i++) {
		const struct map_entry *at = map_get(&w->ids, str_of(want->inputs.p[i]));
		if (at != NULL) {
			struct edge x = {w->known[at->value].id, k->id};
			vec_push(&w->edges, x);
		}
	}
}

static int
compare_edges(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	if (x->input != y->input)
		return x->input < y->input ? -1 : 1;
	return (x->build > y->build) - (x->build < y->build);
}

/* In the order of the table: ten times faster than as they come when there are a hundred thousand. */
static int
link_inputs(struct wanting *w, struct err *e)
{
	if (w->edges.n > 0)
		qsort(w->edges.p, w->edges.n, sizeof(*w->edges.p), compare_edges);
	for (size_t i = 0; i < w->edges.n; i++)
		if (db_run(w->s, e, "INSERT INTO build_input (build, input) VALUES (?1, ?2) ON CONFLICT DO NOTHING", "ii",
		        w->edges.p[i].build, w->edges.p[i].input) != 0)
			return -1;
	return 0;
}

static int
want_all(struct wanting *w, const struct build_want *wants, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		struct wanted *k = &w->known[i];
		if (put_row(w, &wants[i], k, e) != 0)
			return -1;
		if (k->written) /* otherwise its inputs are linked */
			collect_inputs(w, &wants[i], k);
		map_add(&w->ids, str_of(wants[i].drv), NULL)->value = i;
		if (db_run(w->s, e,
		        "INSERT INTO build_want (run, build, target, base, base_drv, before, expected_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6,"
		        " (SELECT t.median_ms FROM build b JOIN build_time t ON t.pname = b.pname AND t.system = b.system"
		        "  WHERE b.id = ?2 AND ?6 = 0))"
		        " ON CONFLICT (run, build) DO UPDATE SET target = max(target, excluded.target),"
		        " base = min(base, excluded.base), base_drv = coalesce(base_drv, excluded.base_drv)",
		        "iiiisi", w->run, k->id, (int64_t)wants[i].target, (int64_t)wants[i].base, wants[i].base_drv,
		        (int64_t)!build_state_is_open(k->state)) != 0)
			return -1;
	}
	return link_inputs(w, e) != 0 ? -1 : changed(w->s, w->run, e);
}

int
store_builds_want(struct store *s, int64_t run, const struct build_want *wants, size_t n, int64_t known_since, struct err *e)
{
	struct wanting w = {.s = s, .known_since = known_since, .run = run};

	if (store_begin(s, e) != 0)
		return -1;
	w.known = arena_alloc(&w.a, (n + 1) * sizeof(*w.known));
	int rc = store_end(s, want_all(&w, wants, n, e), e);
	map_release(&w.ids);
	vec_release(&w.edges);
	arena_release(&w.a);
	return rc;
}

int
store_build_for(struct store *s, struct arena *a, int64_t id, struct build_for *ret, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT r.id, " SQL_OWNER
	    " || '/' || o.name, CASE WHEN r.number > 0 THEN '#' || r.number WHEN r.number = 0 THEN 'branch'"
	    " ELSE 'queue #' || (0 - r.number) END FROM build_want w JOIN run r ON r.id = w.run JOIN repository o ON o.id = r.repository"
	    " WHERE w.build = ?1 ORDER BY r.ended IS NOT NULL, CASE WHEN r.ended IS NULL THEN r.id ELSE 0 - r.id END LIMIT 1",
	    "i", id);
	int rc = q == NULL ? -1 : db_row(s, q, e);

	if (rc > 0)
		*ret = (struct build_for){db_i64(q, 0), db_text(a, q, 1), db_text(a, q, 2)};
	return rc < 0 ? -1 : 0;
}

int
store_build_started(struct store *s, int64_t id, const char *log, const char *builder, bool *ret_again, struct err *e)
{
	int64_t again, ready, now = clock_now_ms();

	if (db_int(s, &again, e, "SELECT again FROM build WHERE id = ?1", "i", id) != 0 ||
	    db_int(s, &ready, e, "SELECT coalesce(ready, created) FROM build WHERE id = ?1", "i", id) != 0 ||
	    figure_add_build(s, id, FIGURE_WAIT, now - ready, e) != 0)
		return -1;
	*ret_again = again != 0;
	return db_run(s, e,
	    "UPDATE build SET state = 'building', attempts = attempts + 1, started = ?2, log = ?3, builder = ?4 WHERE id = ?1"
	    " AND state = 'queued'",
	    "iiss", id, now, log, builder);
}

static int
add_duration(struct store *s, int64_t id, int64_t wall_ms, struct err *e)
{
	struct arena a = {0};
	const char *pname = NULL, *system = NULL;
	int rc;

	{
		AUTO(db_done) sqlite3_stmt *q = db_query(s, e, "SELECT pname, system FROM build WHERE id = ?1", "i", id);
		rc = q == NULL ? -1 : db_row(s, q, e);
		if (rc > 0) {
			pname = db_text(&a, q, 0);
			system = db_text(&a, q, 1);
		}
	}
	if (rc > 0)
		rc = duration_add(s, pname, system, wall_ms, e);
	arena_release(&a);
	return rc < 0 ? -1 : 0;
}

/* For the queue, which is fair by it, and charges each pull request that wants the build with its part. */
static int
add_used(struct store *s, int64_t id, int64_t wall_ms, struct err *e)
{
	return db_run(s, e,
	    "INSERT INTO build_used (hour, repository, number, ms) SELECT ?3 / 3600000, repository, number, ?2 / count(*) OVER ()"
	    " FROM (SELECT DISTINCT r.repository, r.number FROM build_want w JOIN run r ON r.id = w.run"
	    "  WHERE w.build = ?1 AND r.ended IS NULL) WHERE 1"
	    " ON CONFLICT DO UPDATE SET ms = ms + excluded.ms",
	    "iii", id, wall_ms, clock_now_ms());
}

static int
end_build(struct store *s, int64_t id, const struct build_end *end, struct err *e)
{
	enum build_state state = end->state;

	if (db_run(s, e,
	        "UPDATE build SET state = ?2, reason = ?3, tail = ?4, wall_ms = ?5, not_before = ?6,"
	        " failures = failures + (?2 IN " BUILD_SQL_FAILED_ITSELF "),"
	        " ended = CASE WHEN ?2 = 'queued' THEN NULL ELSE ?7 END, phase = ?8, log = coalesce(?9, log),"
	        " ready = CASE WHEN ?2 = 'queued' THEN max(?6, ?7) ELSE ready END,"
	        " builder = coalesce(?12, builder),"
	        " again = again AND ?2 = 'queued', deterministic = coalesce(nullif(?10, -1), deterministic), marked = ?11"
	        " WHERE id = ?1 AND state IN " BUILD_SQL_OPEN,
	        "isssiiissiis", id, build_state_name(state), end->reason, end->tail, end->wall_ms, end->not_before,
	        clock_now_ms(), end->phase, end->log,
	        end->alike == BUILD_NOT_COMPARED ? (int64_t)-1 : (int64_t)(end->alike == BUILD_ALIKE),
	        (int64_t)(state == BUILD_FAILED && end->marked), end->builder) != 0)
		return -1;
	if (db_changes(s) == 0 || build_state_is_open(state))
		return 0;
	if (end->wall_ms > 0 &&
	    (figure_add_build(s, id, FIGURE_BUILD, end->wall_ms, e) != 0 || add_used(s, id, end->wall_ms, e) != 0))
		return -1;
	if (state == BUILD_BUILT && end->wall_ms > 0 && end->alike == BUILD_NOT_COMPARED &&
	    add_duration(s, id, end->wall_ms, e) != 0)
		return -1;
	if (!build_state_is_good(state) && !(state == BUILD_FAILED && end->marked))
		return propagate(s, id, e);
	if (db_run(s, e,
	        "UPDATE build SET blocked = blocked - 1 WHERE state = 'waiting'"
	        " AND id IN (SELECT build FROM build_input WHERE input = ?1)",
	        "i", id) != 0)
		return -1;
	return db_run(s, e,
	    "UPDATE build SET state = 'queued', ready = ?2 WHERE state = 'waiting' AND blocked <= 0"
	    " AND id IN (SELECT build FROM build_input WHERE input = ?1)",
	    "ii", id, clock_now_ms());
}

int
store_build_end(struct store *s, int64_t id, const struct build_end *end, struct err *e)
{
	if (store_begin(s, e) != 0)
		return -1;
	return store_end(s, end_build(s, id, end, e), e);
}

int
store_builds_recover(struct store *s, struct err *e)
{
	if (store_begin(s, e) != 0)
		return -1;
	/* The attempt that died with us does not count against the build. */
	int rc = db_run(s, e,
	    "UPDATE build SET state = 'queued', attempts = max(attempts - 1, 0), not_before = 0"
	    " WHERE state = 'building'",
	    "");
	if (rc == 0)
		rc = db_run(s, e,
		    "UPDATE build SET state = 'cancelled', ended = ?1, reason = 'nobody wants it any more'"
		    " WHERE state IN " BUILD_SQL_OPEN " AND NOT EXISTS (SELECT 1 FROM build_want w"
		    "  JOIN run r ON r.id = w.run WHERE w.build = build.id AND r.ended IS NULL)",
		    "i", clock_now_ms());
	return store_end(s, rc, e);
}

int
store_run_builds_open(struct store *s, int64_t run, int64_t *ret, struct err *e)
{
	return db_int(s, ret, e,
	    "SELECT count(*) FROM build b CROSS JOIN build_want w ON w.run = ?1 AND w.build = b.id"
	    " WHERE b.state IN " BUILD_SQL_OPEN,
	    "i", run);
}

/* A text of the row that is fit for JSON, in a; NULL stays NULL. */
static const char *
text(struct arena *a, sqlite3_stmt *q, int column)
{
	const char *p = (const char *)sqlite3_column_text(q, column);

	return p != NULL ? fields_clean(a, (struct str){p, (size_t)sqlite3_column_bytes(q, column)}) : NULL;
}

static struct build_was *
read_was(struct arena *a, sqlite3_stmt *q, int column)
{
	const char *state = (const char *)sqlite3_column_text(q, column);
	struct build_was was = {build_state_of(state), text(a, q, column + 1), text(a, q, column + 2)};

	return state != NULL ? arena_dup(a, &was, sizeof(was)) : NULL;
}

static struct build_of_drv
read_told(struct arena *a, sqlite3_stmt *q)
{
	struct build_told t = {.state = build_state_of((const char *)sqlite3_column_text(q, 1)),
	    .reason = text(a, q, 2),
	    .tail = text(a, q, 3),
	    .propagated_from = text(a, q, 4),
	    .log = text(a, q, 5),
	    .blame = text(a, q, 6),
	    .wall_ms = sqlite3_column_type(q, 7) != SQLITE_NULL ? db_i64(q, 7) : -1,
	    .target = db_i64(q, 8) != 0,
	    .name = text(a, q, 9),
	    .system = text(a, q, 10),
	    .phase = text(a, q, 11),
	    .deterministic = sqlite3_column_type(q, 13) != SQLITE_NULL ? db_i64(q, 13) != 0 : -1,
	    .expected_ms = sqlite3_column_type(q, 17) != SQLITE_NULL ? db_i64(q, 17) : -1,
	    .before = db_i64(q, 18) != 0,
	    .was = read_was(a, q, 14)};

	t.flaky = db_i64(q, 12) > 0 && build_state_is_good(t.state);
	return (struct build_of_drv){text(a, q, 0), t};
}

int
store_run_builds(struct store *s, struct arena *a, int64_t run, struct builds_told *ret, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT b.drv, b.state, coalesce(b.reason, (SELECT c.reason FROM build c WHERE c.drv = b.propagated_from"
	    "  AND b.state = 'unsupported')), b.tail, b.propagated_from, b.log, w.blame, b.wall_ms, w.target, b.name,"
	    " b.system, b.phase, b.failures, b.deterministic, f.state, f.phase, f.reason, w.expected_ms, w.before FROM build_want w JOIN build b ON b.id = w.build"
	    " LEFT JOIN build f ON f.drv = w.base_drv AND f.state IN " BUILD_SQL_FAILED
	    " WHERE w.run = ?1 AND w.base = 0 ORDER BY b.id",
	    "i", run);
	VEC(struct build_of_drv) all = {0};
	int rc = q == NULL ? -1 : 1;

	while (rc > 0 && (rc = db_row(s, q, e)) > 0)
		vec_push(&all, read_told(a, q));
	if (rc == 0)
		*ret = (struct builds_told){arena_dup(a, all.p, all.n * sizeof(*all.p)), all.n};
	vec_release(&all);
	return rc;
}

int
store_run_estimated(struct store *s, int64_t run, struct build_estimated *ret, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT count(*), coalesce(sum(w.expected_ms), 0), coalesce(sum(b.wall_ms), 0) FROM build_want w"
	    " JOIN build b ON b.id = w.build WHERE w.run = ?1 AND w.base = 0 AND w.before = 0 AND w.expected_ms IS NOT NULL"
	    " AND b.state = 'built' AND b.wall_ms > 0",
	    "i", run);

	if (q == NULL || db_row(s, q, e) < 0)
		return -1;
	*ret = (struct build_estimated){db_i64(q, 0), db_i64(q, 1), db_i64(q, 2)};
	return 0;
}

int
store_run_unjudged(struct store *s, struct arena *a, int64_t run, struct texts *ret, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT b.drv FROM build_want w JOIN build b ON b.id = w.build WHERE w.run = ?1 AND w.base = 0 AND w.target"
	    " AND w.blame IS NULL AND b.state IN " BUILD_SQL_FAILED " ORDER BY b.wall_ms, b.id",
	    "i", run);
	VEC(const char *) all = {0};
	int rc = q == NULL ? -1 : 1;

	while (rc > 0 && (rc = db_row(s, q, e)) > 0)
		vec_push(&all, db_text(a, q, 0));
	if (rc == 0)
		*ret = (struct texts){arena_dup(a, all.p, all.n * sizeof(*all.p)), all.n};
	vec_release(&all);
	return rc;
}

int
store_run_base_of(struct store *s, int64_t run, const char *drv, const char *base_drv, struct err *e)
{
	return db_run(s, e,
	    "UPDATE build_want SET base_drv = ?3 WHERE run = ?1 AND build = (SELECT id FROM build WHERE drv = ?2)", "iss", run,
	    drv, base_drv);
}

int
store_run_judge(struct store *s, int64_t run, struct err *e)
{
	/* No base, or one that builds: this change broke it. One that fails for itself or for a dependency: it was broken
	 * before. Anything else about the base is no answer. */
	return db_run(s, e,
	    "UPDATE build_want SET blame = CASE"
	    " WHEN base_drv = '' THEN 'newly_failing'"
	    " ELSE coalesce((SELECT CASE WHEN f.state IN " BUILD_SQL_GOOD " THEN 'newly_failing'"
	    "  WHEN f.state IN " BUILD_SQL_FAILED " THEN 'still_failing'"
	    "  ELSE 'unknown' END FROM build f WHERE f.drv = base_drv), 'unknown') END"
	    " WHERE run = ?1 AND base = 0 AND target AND blame IS NULL AND (SELECT b.state FROM build b"
	    "  WHERE b.id = build_want.build) IN " BUILD_SQL_FAILED,
	    "i", run);
}

#define WANTED_BY_OTHERS(build)                                                                 \
	" EXISTS (SELECT 1 FROM build_want o JOIN run r ON r.id = o.run WHERE o.build = " build \
	" AND o.run <> ?1 AND r.ended IS NULL)"
/* Of a run itself; of those that it replaced. */
#define OF_RUN   "(SELECT build FROM build_want WHERE run = ?1)"
#define OF_OLDER "(SELECT w.build FROM build_want w JOIN run old ON old.id = w.run WHERE old.superseded_by = ?1)"
#define WANTED_BY_LIVE(build) \
	" EXISTS (SELECT 1 FROM build_want o JOIN run r ON r.id = o.run WHERE o.build = " build " AND r.ended IS NULL)"

/* Those of these builds that are in one of the states and that nobody else wants. SELECT gives at most ?2, CANCEL ends them at ?2. */
#define UNWANTED(states, builds, wanted) " WHERE state IN " states " AND id IN " builds " AND NOT" wanted("build.id")
#define SELECT_UNWANTED(builds, wanted)  "SELECT id FROM build" UNWANTED("('building')", builds, wanted) " LIMIT ?2"
#define CANCEL_UNWANTED(states, builds, wanted) \
	"UPDATE build SET state = 'cancelled', ended = ?2, reason = 'nobody wants it any more'" UNWANTED(states, builds, wanted)

static int
unwant(struct store *s, int64_t run, int64_t *building, size_t max, size_t *ret_n, struct err *e)
{
	{
		AUTO(db_done)
		sqlite3_stmt *q = db_query(s, e, SELECT_UNWANTED(OF_RUN, WANTED_BY_OTHERS), "ii", run, (int64_t)max);
		if (db_some_ids(s, q, building, max, ret_n, e) != 0)
			return -1;
	}
	if (db_run(s, e, CANCEL_UNWANTED(BUILD_SQL_OPEN, OF_RUN, WANTED_BY_OTHERS), "ii", run, clock_now_ms()) != 0)
		return -1;
	return changed(s, run, e);
}

/* The same but for what is being built. */
static int
unwant_the_rest(struct store *s, int64_t run, struct err *e)
{
	if (db_run(s, e, CANCEL_UNWANTED(BUILD_SQL_NOT_BEGUN, OF_RUN, WANTED_BY_OTHERS), "ii", run, clock_now_ms()) != 0)
		return -1;
	return changed(s, run, e);
}

int
store_run_unwant(struct store *s, int64_t run, bool kept, int64_t *building, size_t max, size_t *ret_n, struct err *e)
{
	*ret_n = 0;
	if (store_begin(s, e) != 0)
		return -1;
	return store_end(s, kept ? unwant_the_rest(s, run, e) : unwant(s, run, building, max, ret_n, e), e);
}

static int
drop_kept(struct store *s, int64_t run, int64_t *building, size_t max, size_t *ret_n, struct err *e)
{
	{
		AUTO(db_done)
		sqlite3_stmt *q = db_query(s, e, SELECT_UNWANTED(OF_OLDER, WANTED_BY_LIVE), "ii", run, (int64_t)max);
		if (db_some_ids(s, q, building, max, ret_n, e) != 0)
			return -1;
	}
	/* Those older runs' builds are asked for by number below, so that the queue hears of what is cancelled here. */
	if (db_run(s, e,
	        "INSERT OR IGNORE INTO build_change (run) SELECT DISTINCT old.id FROM run old JOIN build_want w ON w.run = old.id"
	        " JOIN build b ON b.id = w.build WHERE old.superseded_by = ?1 AND b.state IN " BUILD_SQL_OPEN,
	        "i", run) != 0)
		return -1;
	return db_run(s, e, CANCEL_UNWANTED(BUILD_SQL_OPEN, OF_OLDER, WANTED_BY_LIVE), "ii", run, clock_now_ms());
}

int
store_run_drop_kept(struct store *s, int64_t run, int64_t *building, size_t max, size_t *ret_n, struct err *e)
{
	*ret_n = 0;
	if (store_begin(s, e) != 0)
		return -1;
	return store_end(s, drop_kept(s, run, building, max, ret_n, e), e);
}
