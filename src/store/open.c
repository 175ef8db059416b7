/* Open builds, their inputs and who wants them. */
#include "store/open.h"

#include "store/build_sets.h"
#include "store/db.h"

/* The merge queue before pull requests before branches; a pull request that was raised or lowered by one stands between. */
#define PRIORITY "CASE WHEN r.number < 0 THEN 3 WHEN r.number = 0 THEN 0 ELSE 1 + coalesce(p.priority, 0) END"

static int
read_builds(struct store *s, int64_t run, const struct open_reader *r, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q =
	    run == 0
	        ? db_query(s, e,
	              "SELECT b.id, b.drv, b.system, b.features, b.state, b.attempts, b.not_before, b.reason, t.median_ms"
	              " FROM build b LEFT JOIN build_time t ON t.pname = b.pname AND t.system = b.system WHERE b.state IN " BUILD_SQL_OPEN
	              " ORDER BY b.id",
	              "")
	        : db_query(s, e,
	              "SELECT b.id, b.drv, b.system, b.features, b.state, b.attempts, b.not_before, b.reason, t.median_ms"
	              " FROM build_want w JOIN build b ON b.id = w.build"
	              " LEFT JOIN build_time t ON t.pname = b.pname AND t.system = b.system WHERE w.run = ?1",
	              "i", run);
	int rc = q == NULL ? -1 : 1;

	while (rc > 0 && (rc = db_row(s, q, e)) > 0) {
		struct open_build b = {.id = db_i64(q, 0),
		    .drv = (const char *)sqlite3_column_text(q, 1),
		    .system = (const char *)sqlite3_column_text(q, 2),
		    .features = (const char *)sqlite3_column_text(q, 3),
		    .state = build_state_of((const char *)sqlite3_column_text(q, 4)),
		    .attempts = db_i64(q, 5),
		    .not_before = db_i64(q, 6),
		    .reason = (const char *)sqlite3_column_text(q, 7),
		    .expected_ms = db_i64(q, 8)};
		if (build_state_is_open(b.state))
			r->build(r->ctx, &b);
		else if (r->ended != NULL)
			r->ended(r->ctx, b.id);
	}
	return rc;
}

static int
read_inputs(struct store *s, int64_t run, const struct open_reader *r, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q =
	    run == 0
	        ? db_query(s, e,
	              "SELECT i.build, i.input FROM build f CROSS JOIN build_input i ON i.input = f.id JOIN build b ON b.id = i.build"
	              " WHERE f.state IN " BUILD_SQL_OPEN " AND b.state IN " BUILD_SQL_NOT_BEGUN,
	              "")
	        : db_query(s, e,
	              "SELECT i.build, i.input FROM build_want w JOIN build f ON f.id = w.build JOIN build_input i ON i.input = f.id"
	              " JOIN build b ON b.id = i.build WHERE w.run = ?1 AND f.state IN " BUILD_SQL_OPEN
	              " AND b.state IN " BUILD_SQL_NOT_BEGUN,
	              "i", run);
	int rc = q == NULL ? -1 : 1;

	while (rc > 0 && (rc = db_row(s, q, e)) > 0)
		r->input(r->ctx, db_i64(q, 0), db_i64(q, 1));
	return rc;
}

static int
read_owners(struct store *s, int64_t run, const struct open_reader *r, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = run == 0 ? db_query(s, e,
	                                 "SELECT w.build, r.id, r.repository, r.number, " PRIORITY " FROM build b"
	                                 " CROSS JOIN build_want w ON w.build = b.id JOIN run r ON r.id = w.run"
	                                 " LEFT JOIN pull_request p ON p.repository = r.repository AND p.number = r.number"
	                                 " WHERE b.state IN " BUILD_SQL_OPEN " AND r.ended IS NULL ORDER BY w.build",
	                                 "")
	                           : db_query(s, e,
	                                 "SELECT w.build, r.id, r.repository, r.number, " PRIORITY " FROM build_want x"
	                                 " JOIN build_want w ON w.build = x.build JOIN run r ON r.id = w.run"
	                                 " LEFT JOIN pull_request p ON p.repository = r.repository AND p.number = r.number"
	                                 " WHERE x.run = ?1 AND r.ended IS NULL ORDER BY w.build",
	                                 "i", run);
	VEC(struct open_owner) owners = {0};
	int64_t build = 0;
	int rc = q == NULL ? -1 : 1;

	while (rc > 0 && (rc = db_row(s, q, e)) > 0) {
		if (db_i64(q, 0) != build && owners.n > 0) {
			r->owners(r->ctx, build, owners.p, owners.n);
			owners.n = 0;
		}
		build = db_i64(q, 0);
		struct open_owner o = {db_i64(q, 1), db_i64(q, 2), db_i64(q, 3), db_i64(q, 4)};
		vec_push(&owners, o);
	}
	if (rc >= 0 && owners.n > 0)
		r->owners(r->ctx, build, owners.p, owners.n);
	vec_release(&owners);
	return rc;
}

int
store_open_read(struct store *s, int64_t run, const struct open_reader *r, struct err *e)
{
	if (read_builds(s, run, r, e) < 0 || read_inputs(s, run, r, e) < 0)
		return -1;
	return read_owners(s, run, r, e) < 0 ? -1 : 0;
}

int
store_build_changes(struct store *s, int64_t *runs, size_t max, size_t *ret_n, struct err *e)
{
	size_t n = 0;

	{
		AUTO(db_done)
		sqlite3_stmt *q = db_query(s, e, "SELECT run FROM build_change ORDER BY run LIMIT ?1", "i", (int64_t)max);
		int rc = q == NULL ? -1 : 1;
		while (rc > 0 && n < max && (rc = db_row(s, q, e)) > 0)
			runs[n++] = db_i64(q, 0);
		if (rc < 0)
			return -1;
	}
	*ret_n = n;
	/* They were read in order, so these and no others. */
	return n == 0 ? 0 : db_run(s, e, "DELETE FROM build_change WHERE run <= ?1", "i", runs[n - 1]);
}

int
store_build_used(struct store *s, int64_t since,
    void (*fn)(void *ctx, int64_t repository, int64_t number, int64_t at, int64_t ms), void *ctx, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT repository, number, hour * 3600000, ms FROM build_used WHERE hour >= ?1 / 3600000", "i", since);
	int rc = q == NULL ? -1 : 1;

	while (rc > 0 && (rc = db_row(s, q, e)) > 0)
		fn(ctx, db_i64(q, 0), db_i64(q, 1), db_i64(q, 2), db_i64(q, 3));
	return rc < 0 ? -1 : 0;
}

int
store_build_absent(struct store *s, int64_t id, int64_t now, int64_t *ret_since, struct err *e)
{
	if (db_run(s, e,
	        "UPDATE build SET absent_since = coalesce(absent_since, ?2), attempts = max(attempts - 1, 0) WHERE id = ?1",
	        "ii", id, now) != 0)
		return -1;
	return db_int(s, ret_since, e, "SELECT coalesce(absent_since, ?2) FROM build WHERE id = ?1", "ii", id, now);
}

int
store_build_attempts(struct store *s, int64_t id, int64_t *ret, struct err *e)
{
	return db_int(s, ret, e, "SELECT attempts FROM build WHERE id = ?1", "i", id);
}
