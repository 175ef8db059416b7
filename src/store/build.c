/* Builds as rows: wanted, released, failed, judged. */
#include "store/build.h"

#include "store/db.h"
#include "support/base/clock.h"
#include "support/text/json.h"

#include <string.h>

static const char *const state_names[BUILD_STATES] = {
    [BUILD_WAITING] = "waiting",
    [BUILD_QUEUED] = "queued",
    [BUILD_BUILDING] = "building",
    [BUILD_BUILT] = "built",
    [BUILD_CACHED] = "cached",
    [BUILD_FAILED] = "failed",
    [BUILD_DEPENDENCY_FAILED] = "dependency_failed",
    [BUILD_TIMED_OUT] = "timed_out",
    [BUILD_SILENT] = "silent",
    [BUILD_LOG_LIMIT] = "log_limit",
    [BUILD_INFRASTRUCTURE] = "infrastructure",
    [BUILD_CANCELLED] = "cancelled",
    [BUILD_UNSUPPORTED] = "unsupported",
};

const char *
build_state_name(enum build_state s)
{
	return state_names[s];
}

enum build_state
build_state_of(const char *name)
{
	for (int i = 0; i < BUILD_STATES; i++)
		if (name != NULL && strcmp(state_names[i], name) == 0)
			return (enum build_state)i;
	return BUILD_INFRASTRUCTURE;
}

bool
build_state_is_open(enum build_state s)
{
	return s <= BUILD_BUILDING;
}

bool
build_state_is_good(enum build_state s)
{
	return s == BUILD_BUILT || s == BUILD_CACHED;
}

/* The row of a wanted derivation, added or brought up to date; its inputs are linked afterwards. */
static int
put_row(struct store *s, const struct build_want *w, enum build_known known, int64_t known_since, int64_t *ret_id,
    struct err *e)
{
	int64_t now = clock_now_ms();

	if (db_run(s, e,
	        "INSERT INTO build (drv, name, system, features, fixed_output, state, created)"
	        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (drv) DO NOTHING",
	        "ssssisi", w->drv, w->name, w->system, w->features, (int64_t)w->fixed_output,
	        w->cached ? "cached" : "waiting", now) != 0)
		return -1;
	/* An end that does not hold any more begins anew; what is open stays as it is. */
	if (db_run(s, e,
	        "UPDATE build SET state = CASE WHEN ?2 THEN 'cached' ELSE 'waiting' END, attempts = 0, not_before = 0,"
	        " reason = NULL, tail = NULL, propagated_from = NULL, ended = NULL, wall_ms = NULL"
	        " WHERE drv = ?1 AND state NOT IN ('waiting', 'queued', 'building')"
	        " AND (?2 OR ?3 OR state IN ('built', 'cached', 'cancelled', 'infrastructure', 'unsupported',"
	        "  'dependency_failed') OR ended < ?4) AND NOT (?2 AND state = 'built')",
	        "siii", w->drv, (int64_t)w->cached, (int64_t)(known == BUILD_RETRY_FAILURES), known_since) != 0)
		return -1;
	return db_int(s, ret_id, e, "SELECT id FROM build WHERE drv = ?1", "s", w->drv);
}

static int
link_inputs(struct store *s, int64_t id, const struct build_want *w, struct err *e)
{
	const json_t *input;
	size_t i;

	json_array_foreach(w->inputs, i, input) {
		if (db_run(s, e,
		        "INSERT INTO build_input (build, input) SELECT ?1, id FROM build WHERE drv = ?2"
		        " ON CONFLICT DO NOTHING",
		        "is", id, json_string_value(input)) != 0)
			return -1;
	}
	return 0;
}

/* A failed input fails the waiting ones above it, with the first failure as the cause. */
static int
propagate(struct store *s, struct err *e)
{
	int64_t now = clock_now_ms();
	int64_t changed = 1;

	while (changed > 0) {
		if (db_run(s, e,
		        "UPDATE build SET state = 'dependency_failed', ended = ?1, propagated_from ="
		        " (SELECT coalesce(f.propagated_from, f.drv) FROM build_input i JOIN build f ON f.id = i.input"
		        "  WHERE i.build = build.id AND f.state NOT IN"
		        "  ('waiting', 'queued', 'building', 'built', 'cached') ORDER BY f.id LIMIT 1)"
		        " WHERE state IN ('waiting', 'queued') AND EXISTS (SELECT 1 FROM build_input i JOIN build f"
		        " ON f.id = i.input WHERE i.build = build.id AND f.state NOT IN"
		        " ('waiting', 'queued', 'building', 'built', 'cached'))",
		        "i", now) != 0)
			return -1;
		changed = db_changes(s);
	}
	return 0;
}

/* Counts what each waiting build of a run still waits for, and queues what waits for nothing. */
static int
settle(struct store *s, int64_t run, struct err *e)
{
	if (db_run(s, e,
	        "UPDATE build SET blocked = (SELECT count(*) FROM build_input i JOIN build f ON f.id = i.input"
	        " WHERE i.build = build.id AND f.state NOT IN ('built', 'cached')),"
	        " dependents = (SELECT count(*) FROM build_input i WHERE i.input = build.id)"
	        " WHERE state IN ('waiting', 'queued') AND id IN (SELECT build FROM build_want WHERE run = ?1)",
	        "i", run) != 0 ||
	    propagate(s, e) != 0)
		return -1;
	return db_run(s, e,
	    "UPDATE build SET state = 'queued' WHERE state = 'waiting' AND blocked = 0"
	    " AND id IN (SELECT build FROM build_want WHERE run = ?1)",
	    "i", run);
}

static int
want_all(struct store *s, int64_t run, const struct build_want *wants, size_t n, enum build_known known,
    int64_t known_since, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		int64_t id;
		if (put_row(s, &wants[i], known, known_since, &id, e) != 0 || link_inputs(s, id, &wants[i], e) != 0)
			return -1;
		if (db_run(s, e,
		        "INSERT INTO build_want (run, build, target, base) VALUES (?1, ?2, ?3, ?4)"
		        " ON CONFLICT (run, build) DO UPDATE SET target = max(target, excluded.target),"
		        " base = min(base, excluded.base)",
		        "iiii", run, id, (int64_t)wants[i].target, (int64_t)wants[i].base) != 0)
			return -1;
	}
	return settle(s, run, e);
}

int
store_builds_want(struct store *s, int64_t run, const struct build_want *wants, size_t n, enum build_known known,
    int64_t known_since, struct err *e)
{
	if (store_begin(s, e) != 0)
		return -1;
	return store_end(s, want_all(s, run, wants, n, known, known_since, e), e);
}

static void
read_build(struct arena *a, sqlite3_stmt *q, struct build *ret)
{
	*ret = (struct build){.id = db_i64(q, 0),
	    .drv = db_text(a, q, 1),
	    .name = db_text(a, q, 2),
	    .system = db_text(a, q, 3),
	    .features = db_text(a, q, 4),
	    .state = build_state_of((const char *)sqlite3_column_text(q, 5)),
	    .fixed_output = db_i64(q, 6) != 0,
	    .attempts = db_i64(q, 7)};
}

int
store_build_next(struct store *s, struct arena *a, const char *system, int64_t now, struct build *ret, struct err *e)
{
	/* Share used: what the pull requests that want it have built in the last day, the least of them. */
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT b.id, b.drv, b.name, b.system, b.features, b.state, b.fixed_output, b.attempts,"
	    " (SELECT max(p.priority) FROM build_want w JOIN run r ON r.id = w.run JOIN pull_request p"
	    "  ON p.repository = r.repository AND p.number = r.number WHERE w.build = b.id) AS priority,"
	    " (SELECT min((SELECT coalesce(sum(u.wall_ms), 0) + 1000 * coalesce(sum(u.state = 'building'), 0)"
	    "   FROM build_want x JOIN build u ON u.id = x.build"
	    "   WHERE x.run = w.run AND (u.ended > ?2 - 86400000 OR u.state = 'building')))"
	    "  FROM build_want w WHERE w.build = b.id) AS share"
	    " FROM build b WHERE b.system = ?1 AND b.state = 'queued' AND b.not_before <= ?2"
	    " ORDER BY priority DESC, share, b.dependents DESC, b.id LIMIT 1",
	    "si", system, now);
	int rc = q == NULL ? -1 : db_row(s, q, e);

	if (rc <= 0)
		return rc < 0 ? -1 : 1;
	read_build(a, q, ret);
	return 0;
}

int
store_build_started(struct store *s, int64_t id, const char *log, struct err *e)
{
	return db_run(s, e,
	    "UPDATE build SET state = 'building', attempts = attempts + 1, started = ?2, log = ?3 WHERE id = ?1"
	    " AND state = 'queued'",
	    "iis", id, clock_now_ms(), log);
}

static int
end_build(struct store *s, int64_t id, enum build_state state, const char *reason, const char *tail, int64_t wall_ms,
    int64_t not_before, struct err *e)
{
	if (db_run(s, e,
	        "UPDATE build SET state = ?2, reason = ?3, tail = ?4, wall_ms = ?5, not_before = ?6,"
	        " ended = CASE WHEN ?2 = 'queued' THEN NULL ELSE ?7 END"
	        " WHERE id = ?1 AND state IN ('waiting', 'queued', 'building')",
	        "isssiii", id, state_names[state], reason, tail, wall_ms, not_before, clock_now_ms()) != 0)
		return -1;
	if (db_changes(s) == 0 || build_state_is_open(state))
		return 0;
	if (!build_state_is_good(state))
		return propagate(s, e);
	if (db_run(s, e,
	        "UPDATE build SET blocked = blocked - 1 WHERE state = 'waiting'"
	        " AND id IN (SELECT build FROM build_input WHERE input = ?1)",
	        "i", id) != 0)
		return -1;
	return db_run(s, e,
	    "UPDATE build SET state = 'queued' WHERE state = 'waiting' AND blocked <= 0"
	    " AND id IN (SELECT build FROM build_input WHERE input = ?1)",
	    "i", id);
}

int
store_build_ended(struct store *s, int64_t id, enum build_state state, const char *reason, const char *tail,
    int64_t wall_ms, int64_t not_before, struct err *e)
{
	if (store_begin(s, e) != 0)
		return -1;
	return store_end(s, end_build(s, id, state, reason, tail, wall_ms, not_before, e), e);
}

int
store_builds_recover(struct store *s, struct err *e)
{
	/* The attempt that died with us does not count against the build. */
	return db_run(s, e,
	    "UPDATE build SET state = 'queued', attempts = max(attempts - 1, 0), not_before = 0"
	    " WHERE state = 'building'",
	    "");
}

int
store_build_systems(struct store *s, struct arena *a, const char **systems, size_t max, size_t *ret_n, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q =
	    db_query(s, e, "SELECT DISTINCT system FROM build WHERE state = 'queued' LIMIT ?1", "i", (int64_t)max);
	size_t n = 0;
	int rc = q == NULL ? -1 : 1;

	while (rc > 0 && n < max && (rc = db_row(s, q, e)) > 0)
		systems[n++] = db_text(a, q, 0);
	*ret_n = n;
	return rc < 0 ? -1 : 0;
}

int
store_build_wake(struct store *s, int64_t now, int64_t *ret, struct err *e)
{
	return db_int(s, ret, e,
	    "SELECT coalesce(min(not_before), 9223372036854775807) FROM build WHERE state = 'queued' AND not_before > ?1",
	    "i", now);
}

int
store_build_wanted_by(struct store *s, int64_t build, int64_t *runs, size_t max, size_t *ret_n, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q =
	    db_query(s, e, "SELECT run FROM build_want WHERE build = ?1 LIMIT ?2", "ii", build, (int64_t)max);
	size_t n = 0;
	int rc = q == NULL ? -1 : 1;

	while (rc > 0 && n < max && (rc = db_row(s, q, e)) > 0)
		runs[n++] = db_i64(q, 0);
	*ret_n = n;
	return rc < 0 ? -1 : 0;
}

int
store_run_builds_open(struct store *s, int64_t run, int64_t *ret, struct err *e)
{
	return db_int(s, ret, e,
	    "SELECT count(*) FROM build_want w JOIN build b ON b.id = w.build"
	    " WHERE w.run = ?1 AND b.state IN ('waiting', 'queued', 'building')",
	    "i", run);
}

static void
set_text(json_t *o, const char *key, sqlite3_stmt *q, int column)
{
	const char *p = (const char *)sqlite3_column_text(q, column);

	if (p != NULL)
		json_object_set_new(o, key, json_any_string((struct str){p, (size_t)sqlite3_column_bytes(q, column)}));
}

int
store_run_builds_json(struct store *s, int64_t run, json_t **ret, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT b.drv, b.state, b.reason, b.tail, b.propagated_from, b.log, w.blame, b.wall_ms, w.target, b.name,"
	    " b.system FROM build_want w JOIN build b ON b.id = w.build WHERE w.run = ?1 AND w.base = 0 ORDER BY b.id",
	    "i", run);
	AUTO(json_drop) json_t *all = json_object();
	int rc = q == NULL ? -1 : 1;

	while (rc > 0 && (rc = db_row(s, q, e)) > 0) {
		json_t *o = json_object();
		set_text(o, "state", q, 1);
		set_text(o, "reason", q, 2);
		set_text(o, "tail", q, 3);
		set_text(o, "propagated_from", q, 4);
		set_text(o, "log", q, 5);
		set_text(o, "blame", q, 6);
		set_text(o, "name", q, 9);
		set_text(o, "system", q, 10);
		if (sqlite3_column_type(q, 7) != SQLITE_NULL)
			json_object_set_new(o, "wall_ms", json_integer(db_i64(q, 7)));
		json_object_set_new(o, "target", json_boolean(db_i64(q, 8)));
		json_object_set_new(all, (const char *)sqlite3_column_text(q, 0), o);
	}
	if (rc < 0)
		return -1;
	*ret = json_incref(all);
	return 0;
}

int
store_run_unjudged(struct store *s, int64_t run, json_t **ret, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT b.drv FROM build_want w JOIN build b ON b.id = w.build WHERE w.run = ?1 AND w.base = 0 AND w.target"
	    " AND w.blame IS NULL AND b.state NOT IN ('waiting', 'queued', 'building', 'built', 'cached', 'cancelled',"
	    " 'unsupported') ORDER BY b.wall_ms, b.id",
	    "i", run);
	AUTO(json_drop) json_t *all = json_array();
	int rc = q == NULL ? -1 : 1;

	while (rc > 0 && (rc = db_row(s, q, e)) > 0)
		json_array_append_new(all, json_string((const char *)sqlite3_column_text(q, 0)));
	if (rc < 0)
		return -1;
	*ret = json_incref(all);
	return 0;
}

int
store_run_base_of(struct store *s, int64_t run, const char *drv, const char *base_drv, struct err *e)
{
	return db_run(s, e,
	    "UPDATE build_want SET base_drv = ?3 WHERE run = ?1 AND build = (SELECT id FROM build WHERE drv = ?2)", "iss",
	    run, drv, base_drv);
}

int
store_run_judge(struct store *s, int64_t run, struct err *e)
{
	/* No base, or one that builds: this change broke it. One that fails for itself or for a dependency: it was broken
	 * before. Anything else about the base is no answer. */
	return db_run(s, e,
	    "UPDATE build_want SET blame = CASE"
	    " WHEN base_drv = '' THEN 'newly_failing'"
	    " ELSE coalesce((SELECT CASE WHEN f.state IN ('built', 'cached') THEN 'newly_failing'"
	    "  WHEN f.state IN ('failed', 'timed_out', 'silent', 'log_limit', 'dependency_failed') THEN 'still_failing'"
	    "  ELSE 'unknown' END FROM build f WHERE f.drv = base_drv), 'unknown') END"
	    " WHERE run = ?1 AND base = 0 AND target AND blame IS NULL AND (SELECT b.state FROM build b"
	    "  WHERE b.id = build_want.build) NOT IN ('waiting', 'queued', 'building', 'built', 'cached', 'cancelled',"
	    "  'unsupported')",
	    "i", run);
}

static int
unwant(struct store *s, int64_t run, int64_t *building, size_t max, size_t *ret_n, struct err *e)
{
	size_t n = 0;
	int rc = 1;

	{
		AUTO(db_done)
		sqlite3_stmt *q = db_query(s, e,
		    "SELECT b.id FROM build_want w JOIN build b ON b.id = w.build WHERE w.run = ?1 AND b.state = 'building'"
		    " AND NOT EXISTS (SELECT 1 FROM build_want o JOIN run r ON r.id = o.run"
		    "  WHERE o.build = b.id AND o.run <> ?1 AND r.ended IS NULL) LIMIT ?2",
		    "ii", run, (int64_t)max);
		if (q == NULL)
			return -1;
		while (n < max && (rc = db_row(s, q, e)) > 0)
			building[n++] = db_i64(q, 0);
		if (rc < 0)
			return -1;
	}
	if (db_run(s, e,
	        "UPDATE build SET state = 'cancelled', ended = ?2, reason = 'nobody wants it any more'"
	        " WHERE state IN ('waiting', 'queued', 'building')"
	        " AND id IN (SELECT build FROM build_want WHERE run = ?1)"
	        " AND NOT EXISTS (SELECT 1 FROM build_want o JOIN run r ON r.id = o.run"
	        "  WHERE o.build = build.id AND o.run <> ?1 AND r.ended IS NULL)",
	        "ii", run, clock_now_ms()) != 0)
		return -1;
	*ret_n = n;
	return 0;
}

int
store_run_unwant(struct store *s, int64_t run, int64_t *building, size_t max, size_t *ret_n, struct err *e)
{
	if (store_begin(s, e) != 0)
		return -1;
	return store_end(s, unwant(s, run, building, max, ret_n, e), e);
}
