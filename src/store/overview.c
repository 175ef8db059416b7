/* Read-only queries for pages and metrics. */
#include "store/overview.h"

#include "store/build_sets.h"
#include "store/db.h"
#include "store/served.h"

#include <string.h>

#define RUN_COLUMNS                                                                                                                                                                \
	"r.id, r.number, r.head, coalesce(r.base, json_extract(r.mirrored, '$.base')), r.base_ref, r.state, r.reason, coalesce(r.held, r.waiting), r.verdict, r.title, r.failure," \
	" r.counts, r.wide, r.superseded_by, r.created, r.updated, r.ended, o.id, " SQL_OWNER ", o.name, o.default_branch,"                                                        \
	" o.clone_url, o.private, " SQL_UNHEARD ", o.links, p.title, p.author, p.fork"
#define RUN_TABLES                                             \
	" FROM run r JOIN repository o ON o.id = r.repository" \
	" LEFT JOIN pull_request p ON p.repository = r.repository AND p.number = r.number"

static struct view_repository
read_repository(struct arena *a, sqlite3_stmt *q, int c)
{
	return (struct view_repository){.id = db_i64(q, c),
	    .owner = db_text(a, q, c + 1),
	    .name = db_text(a, q, c + 2),
	    .default_branch = db_text(a, q, c + 3),
	    .clone_url = db_text(a, q, c + 4),
	    .private = db_i64(q, c + 5) != 0,
	    .gone = db_i64(q, c + 6) != 0,
	    .links = db_i64(q, c + 7)};
}

static struct view_run
read_run(struct arena *a, sqlite3_stmt *q)
{
	return (struct view_run){.id = db_i64(q, 0),
	    .number = db_i64(q, 1),
	    .head = db_text(a, q, 2),
	    .base = db_text(a, q, 3),
	    .base_ref = db_text(a, q, 4),
	    .state = db_text(a, q, 5),
	    .reason = db_text(a, q, 6),
	    .waiting = db_text(a, q, 7),
	    .verdict = db_text(a, q, 8),
	    .title = db_text(a, q, 9),
	    .failure = db_text(a, q, 10),
	    .counts = db_text(a, q, 11),
	    .wide = db_i64(q, 12) != 0,
	    .superseded_by = db_i64(q, 13),
	    .created_ms = db_i64(q, 14),
	    .updated_ms = db_i64(q, 15),
	    .ended_ms = db_i64(q, 16),
	    .repository = read_repository(a, q, 17),
	    .pr_title = db_text(a, q, 25),
	    .author = db_text(a, q, 26),
	    .fork = db_i64(q, 27) != 0};
}

static int
read_runs(struct store *s, struct arena *a, sqlite3_stmt *q, struct view_run **ret, size_t *ret_n, struct err *e)
{
	VEC(struct view_run) rows = {0};
	int rc = q != NULL ? db_row(s, q, e) : -1;

	for (; rc > 0; rc = db_row(s, q, e))
		vec_push(&rows, read_run(a, q));
	if (rc == 0) {
		*ret = arena_dup(a, rows.p, rows.n * sizeof(*rows.p));
		*ret_n = rows.n;
	}
	vec_release(&rows);
	return rc;
}

int
view_repository(struct store *s, struct arena *a, const char *owner, const char *name, struct view_repository *ret,
    struct err *e)
{
	const char *colon = strchr(owner, ':');
	const char *host = colon != NULL ? arena_strn(a, owner, (size_t)(colon - owner)) : "";
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT o.id, " SQL_OWNER ", o.name, o.default_branch, o.clone_url, o.private, " SQL_UNHEARD
	    ", o.links FROM repository o"
	    " WHERE o.owner = ?1 COLLATE NOCASE AND o.name = ?2 COLLATE NOCASE"
	    " AND " SQL_HOST_OF("o.id") " = (SELECT number FROM host WHERE host.name = ?3) ORDER BY o.id DESC LIMIT 1",
	    "sss", colon != NULL ? colon + 1 : owner, name, host);
	int rc = q != NULL ? db_row(s, q, e) : -1;

	if (rc == 0)
		return fail(e, ERR_ABSENT, "no such repository");
	if (rc > 0)
		*ret = read_repository(a, q, 0);
	return rc < 0 ? -1 : 0;
}

int
view_run(struct store *s, struct arena *a, int64_t id, struct view_run *ret, struct err *e)
{
	AUTO(db_done) sqlite3_stmt *q = db_query(s, e, "SELECT " RUN_COLUMNS RUN_TABLES " WHERE r.id = ?1", "i", id);
	int rc = q != NULL ? db_row(s, q, e) : -1;

	if (rc == 0)
		return fail(e, ERR_ABSENT, "there is no run %lld", (long long)id);
	if (rc > 0)
		*ret = read_run(a, q);
	return rc < 0 ? -1 : 0;
}

int
view_runs_newest(struct store *s, struct arena *a, bool all, size_t limit, struct view_run **ret, size_t *ret_n, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT " RUN_COLUMNS RUN_TABLES " WHERE (?2 OR o.private = 0) AND NOT " SQL_UNHEARD " ORDER BY r.id DESC LIMIT ?1",
	    "ii", (int64_t)limit, (int64_t)all);

	return read_runs(s, a, q, ret, ret_n, e);
}

int
view_runs_of(struct store *s, struct arena *a, int64_t repository, int64_t number, size_t limit, struct view_run **ret,
    size_t *ret_n, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT " RUN_COLUMNS RUN_TABLES " WHERE r.repository = ?1 AND r.number = ?2 ORDER BY r.id DESC LIMIT ?3", "iii",
	    repository, number, (int64_t)limit);

	return read_runs(s, a, q, ret, ret_n, e);
}

int
view_runs_live(struct store *s, struct arena *a, bool all, size_t limit, struct view_run **ret, size_t *ret_n, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT " RUN_COLUMNS RUN_TABLES " WHERE r.ended IS NULL AND (?2 OR o.private = 0) AND NOT " SQL_UNHEARD
	    " ORDER BY r.id LIMIT ?1",
	    "ii", (int64_t)limit, (int64_t)all);

	return read_runs(s, a, q, ret, ret_n, e);
}

int
view_runs_of_pulls(struct store *s, struct arena *a, int64_t repository, size_t limit, struct view_run **ret, size_t *ret_n,
    struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT " RUN_COLUMNS RUN_TABLES
	    " WHERE r.id IN (SELECT (SELECT max(n.id) FROM run n WHERE n.repository = w.repository"
	    " AND n.number = w.number) FROM pull_request w WHERE w.repository = ?1 AND w.state = 'open'"
	    " ORDER BY w.number DESC LIMIT ?2) ORDER BY r.number DESC",
	    "ii", repository, (int64_t)limit);

	return read_runs(s, a, q, ret, ret_n, e);
}

int
view_pulls(struct store *s, struct arena *a, int64_t repository, size_t limit, struct view_pull **ret, size_t *ret_n,
    struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT " RUN_COLUMNS
	    ", (SELECT min(f.created) FROM run f WHERE f.repository = r.repository AND f.number = r.number),"
	    " coalesce((SELECT sum(json_extract(x.value, '$.total_ms')) FROM json_each(r.query, '$.estimate') x), -1),"
	    " coalesce(json_extract(r.counts, '$.total.rebuild'), -1)" RUN_TABLES
	    " WHERE r.id IN (SELECT (SELECT max(n.id) FROM run n WHERE n.repository = w.repository"
	    " AND n.number = w.number) FROM pull_request w WHERE w.repository = ?1 AND w.state = 'open'"
	    " ORDER BY w.number DESC LIMIT ?2)",
	    "ii", repository, (int64_t)limit);
	VEC(struct view_pull) rows = {0};
	int rc = q != NULL ? db_row(s, q, e) : -1;

	for (; rc > 0; rc = db_row(s, q, e))
		vec_push(&rows, ((struct view_pull){read_run(a, q), db_i64(q, 28), db_i64(q, 29), db_i64(q, 30)}));
	if (rc == 0) {
		*ret = arena_dup(a, rows.p, rows.n * sizeof(*rows.p));
		*ret_n = rows.n;
	}
	vec_release(&rows);
	return rc;
}

int
view_repositories(struct store *s, struct arena *a, bool all, size_t limit, struct view_repository **ret, size_t *ret_n,
    bool *ret_private, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT id, " SQL_OWNER ", name, default_branch, clone_url, private, 0, links FROM repository o"
	    " WHERE (?2 OR private = 0) AND NOT " SQL_UNHEARD " ORDER BY owner COLLATE NOCASE, name COLLATE NOCASE LIMIT ?1",
	    "ii", (int64_t)limit, (int64_t)all);
	VEC(struct view_repository) rows = {0};
	int64_t others = 0;
	int rc = q != NULL ? db_row(s, q, e) : -1;

	for (; rc > 0; rc = db_row(s, q, e))
		vec_push(&rows, read_repository(a, q, 0));
	if (rc == 0)
		rc = db_int(s, &others, e,
		    "SELECT EXISTS (SELECT 1 FROM repository o WHERE private <> 0 AND NOT " SQL_UNHEARD ")", "");
	if (rc == 0) {
		*ret = arena_dup(a, rows.p, rows.n * sizeof(*rows.p));
		*ret_n = rows.n;
		*ret_private = others != 0;
	}
	vec_release(&rows);
	return rc;
}

int
view_branch_verdict(struct store *s, struct arena *a, int64_t repository, const char *branch, const char **ret, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT verdict FROM run WHERE repository = ?1 AND number = 0 AND base_ref = ?2 AND verdict IS NOT NULL"
	    " AND superseded_by IS NULL ORDER BY id DESC LIMIT 1",
	    "is", repository, branch);
	int rc = q != NULL ? db_row(s, q, e) : -1;

	if (rc >= 0)
		*ret = rc > 0 ? db_text(a, q, 0) : NULL;
	return rc < 0 ? -1 : 0;
}

int
view_run_events(struct store *s, struct arena *a, int64_t run, size_t limit, struct view_event **ret, size_t *ret_n,
    struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q =
	    db_query(s, e, "SELECT at, from_state, to_state, why FROM run_event WHERE run = ?1 ORDER BY id LIMIT ?2", "ii", run,
	        (int64_t)limit);
	VEC(struct view_event) rows = {0};
	int rc = q != NULL ? db_row(s, q, e) : -1;

	for (; rc > 0; rc = db_row(s, q, e))
		vec_push(&rows, ((struct view_event){db_i64(q, 0), db_text(a, q, 1), db_text(a, q, 2), db_text(a, q, 3)}));
	if (rc == 0) {
		*ret = arena_dup(a, rows.p, rows.n * sizeof(*rows.p));
		*ret_n = rows.n;
	}
	vec_release(&rows);
	return rc;
}

#define BUILD_COLUMNS                                                                                                \
	"b.id, b.drv, b.name, b.system, b.state, b.reason, b.tail, b.log, b.propagated_from, b.attempts, b.started," \
	" b.ended, b.wall_ms, b.builder"

static struct view_build
read_build(struct arena *a, sqlite3_stmt *q)
{
	return (struct view_build){.id = db_i64(q, 0),
	    .drv = db_text(a, q, 1),
	    .name = db_text(a, q, 2),
	    .system = db_text(a, q, 3),
	    .state = db_text(a, q, 4),
	    .reason = db_text(a, q, 5),
	    .tail = db_text(a, q, 6),
	    .log = db_text(a, q, 7),
	    .propagated_from = db_text(a, q, 8),
	    .attempts = db_i64(q, 9),
	    .started_ms = db_i64(q, 10),
	    .ended_ms = db_i64(q, 11),
	    .wall_ms = db_i64(q, 12),
	    .builder = db_text(a, q, 13)};
}

int
view_run_builds(struct store *s, struct arena *a, int64_t run, size_t limit, struct view_build **ret, size_t *ret_n,
    int64_t *ret_total, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT " BUILD_COLUMNS ", w.target FROM build_want w JOIN build b ON b.id = w.build"
	    " WHERE w.run = ?1 AND w.base = 0"
	    " ORDER BY " BUILD_SQL_RANKED("b.state") ", w.target DESC, b.name, b.id LIMIT ?2",
	    "ii", run, (int64_t)limit);
	VEC(struct view_build) rows = {0};
	int64_t total = 0;
	int rc = q != NULL ? db_row(s, q, e) : -1;

	for (; rc > 0; rc = db_row(s, q, e)) {
		vec_push(&rows, read_build(a, q));
		rows.p[rows.n - 1].target = db_i64(q, 14) != 0;
	}
	if (rc == 0)
		rc = db_int(s, &total, e, "SELECT count(*) FROM build_want WHERE run = ?1 AND base = 0", "i", run);
	if (rc == 0) {
		*ret = arena_dup(a, rows.p, rows.n * sizeof(*rows.p));
		*ret_n = rows.n;
		*ret_total = total;
	}
	vec_release(&rows);
	return rc;
}

int
view_run_building(struct store *s, struct arena *a, int64_t run, size_t limit, struct view_build **ret, size_t *ret_n,
    struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT " BUILD_COLUMNS ", t.median_ms FROM build b"
	    " LEFT JOIN build_time t ON t.pname = b.pname AND t.system = b.system"
	    " WHERE b.state = 'building'"
	    " AND EXISTS (SELECT 1 FROM build_want w WHERE w.run = ?1 AND w.build = b.id) ORDER BY b.started LIMIT ?2",
	    "ii", run, (int64_t)limit);
	VEC(struct view_build) rows = {0};
	int rc = q != NULL ? db_row(s, q, e) : -1;

	for (; rc > 0; rc = db_row(s, q, e)) {
		vec_push(&rows, read_build(a, q));
		rows.p[rows.n - 1].usual_ms = db_i64(q, 14);
	}
	if (rc == 0) {
		*ret = arena_dup(a, rows.p, rows.n * sizeof(*rows.p));
		*ret_n = rows.n;
	}
	vec_release(&rows);
	return rc;
}

static int
read_builds(struct store *s, struct arena *a, sqlite3_stmt *q, struct view_build **ret, size_t *ret_n, struct err *e)
{
	VEC(struct view_build) rows = {0};
	int rc = q != NULL ? db_row(s, q, e) : -1;

	for (; rc > 0; rc = db_row(s, q, e))
		vec_push(&rows, read_build(a, q));
	if (rc == 0) {
		*ret = arena_dup(a, rows.p, rows.n * sizeof(*rows.p));
		*ret_n = rows.n;
	}
	vec_release(&rows);
	return rc;
}

/* ?2: of private ones, too. */
#define WANTED_SEEN                                                                                                                        \
	" AND EXISTS (SELECT 1 FROM build_want w JOIN run r ON r.id = w.run JOIN repository o ON o.id = r.repository WHERE w.build = b.id" \
	" AND (?2 OR o.private = 0) AND NOT " SQL_UNHEARD ")"

int
view_building(struct store *s, struct arena *a, bool all, size_t limit, struct view_build **ret, size_t *ret_n, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT " BUILD_COLUMNS " FROM build b WHERE b.state = 'building'" WANTED_SEEN " ORDER BY b.started LIMIT ?1", "ii",
	    (int64_t)limit, (int64_t)all);

	return read_builds(s, a, q, ret, ret_n, e);
}

int
view_put_back(struct store *s, struct arena *a, bool all, size_t limit, struct view_build **ret, size_t *ret_n, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT " BUILD_COLUMNS " FROM build b WHERE b.state = 'queued' AND b.reason IS NOT NULL" WANTED_SEEN " LIMIT ?1",
	    "ii", (int64_t)limit, (int64_t)all);

	return read_builds(s, a, q, ret, ret_n, e);
}

int
view_build(struct store *s, struct arena *a, const char *drv, struct view_build *ret, struct err *e)
{
	AUTO(db_done) sqlite3_stmt *q = db_query(s, e, "SELECT " BUILD_COLUMNS " FROM build b WHERE b.drv = ?1", "s", drv);
	int rc = q != NULL ? db_row(s, q, e) : -1;

	if (rc == 0)
		return fail(e, ERR_ABSENT, "no such build");
	if (rc > 0)
		*ret = read_build(a, q);
	return rc < 0 ? -1 : 0;
}

int
view_build_runs(struct store *s, struct arena *a, int64_t build, size_t limit, struct view_run **ret, size_t *ret_n,
    struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT " RUN_COLUMNS RUN_TABLES
	    " WHERE r.id IN (SELECT run FROM build_want WHERE build = ?1) ORDER BY r.id DESC LIMIT ?2",
	    "ii", build, (int64_t)limit);

	return read_runs(s, a, q, ret, ret_n, e);
}

int
view_run_tally(struct store *s, int64_t run, struct view_tally *ret, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT count(*), coalesce(sum(b.state IN " BUILD_SQL_OPEN "), 0), coalesce(sum(b.state = 'building'), 0),"
	    " coalesce(sum(b.state IN " BUILD_SQL_FAILED "), 0) FROM build_want w JOIN build b ON b.id = w.build"
	    " WHERE w.run = ?1 AND w.base = 0 AND b.state <> 'cached'",
	    "i", run);
	int rc = q != NULL ? db_row(s, q, e) : -1;

	if (rc > 0)
		*ret = (struct view_tally){db_i64(q, 0), db_i64(q, 1), db_i64(q, 2), db_i64(q, 3)};
	return rc < 0 ? -1 : 0;
}

int
view_run_builders(struct store *s, struct arena *a, int64_t run, struct view_builder **ret, size_t *ret_n, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT b.builder, sum(b.state = 'building') AS at_work, sum(b.ended IS NOT NULL) FROM build_want w"
	    " JOIN build b ON b.id = w.build WHERE w.run = ?1 AND b.builder IS NOT NULL"
	    " AND (b.state = 'building' OR b.started >= (SELECT created FROM run WHERE id = ?1)) GROUP BY b.builder ORDER BY at_work DESC, b.builder",
	    "i", run);
	VEC(struct view_builder) rows = {0};
	int rc = q != NULL ? db_row(s, q, e) : -1;

	for (; rc > 0; rc = db_row(s, q, e))
		vec_push(&rows, ((struct view_builder){db_text(a, q, 0), db_i64(q, 1), db_i64(q, 2)}));
	if (rc == 0) {
		*ret = arena_dup(a, rows.p, rows.n * sizeof(*rows.p));
		*ret_n = rows.n;
	}
	vec_release(&rows);
	return rc;
}

int
view_runs_before(struct store *s, int64_t run, int64_t *ret, struct err *e)
{
	/* In the order in which flow looks at them. */
	return db_int(s, ret, e,
	           "SELECT count(*) FROM run r, run o WHERE o.id = ?1 AND r.ended IS NULL AND r.held IS NULL"
	           " AND r.state IN ('accepted', 'mirrored', 'planned', 'evaluated')"
	           " AND (" SQL_TURN("r") ") < (" SQL_TURN("o") ")",
	           "i", run) < 0
	           ? -1
	           : 0;
}

int
view_counts(struct store *s, struct arena *a, enum view_counted what, struct view_count **ret, size_t *ret_n, struct err *e)
{
	AUTO(db_done) sqlite3_stmt *q = NULL;

	switch (what) {
	case VIEW_LIVE_RUNS:
		q = db_query(s, e, "SELECT state, NULL, count(*) FROM run WHERE ended IS NULL GROUP BY state", "");
		break;
	case VIEW_OPEN_BUILDS:
		q = db_query(s, e,
		    "SELECT state, system, count(*) FROM build WHERE state IN " BUILD_SQL_READY " GROUP BY system, state", "");
		break;
	case VIEW_NEW_DELIVERIES:
		q = db_query(s, e, "SELECT 'new', NULL, count(*) FROM delivery WHERE state = 'new'", "");
		break;
	case VIEW_OPEN_COMMANDS:
		q = db_query(s, e, "SELECT verb, NULL, count(*) FROM command WHERE done IS NULL GROUP BY verb", "");
		break;
	case VIEW_OPEN_DESIRED:
		q = db_query(s, e,
		    "SELECT kind, NULL, count(*) FROM desired WHERE posted < generation AND given_up < generation AND " SQL_SERVED(
		        "desired.repository", "desired.installation") " GROUP BY kind",
		    "");
		break;
	}
	VEC(struct view_count) rows = {0};
	int rc = q != NULL ? db_row(s, q, e) : -1;
	for (; rc > 0; rc = db_row(s, q, e))
		vec_push(&rows, ((struct view_count){db_text(a, q, 0), db_text(a, q, 1), db_i64(q, 2)}));
	if (rc == 0) {
		*ret = arena_dup(a, rows.p, rows.n * sizeof(*rows.p));
		*ret_n = rows.n;
	}
	vec_release(&rows);
	return rc;
}
