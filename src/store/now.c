/* What is alive, asked for people. */
#include "store/now.h"

#include "store/build_sets.h"
#include "store/db.h"
#include "store/served.h"
#include "support/base/clock.h"

int
now_runs(struct store *s, struct arena *a, size_t max, struct now_run **ret, size_t *ret_n, int64_t *ret_total, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT r.id, r.number, " SQL_OWNER
	    ", o.name, r.base_ref, r.head, p.author, r.state, coalesce(r.held, r.waiting), r.created,"
	    " coalesce((SELECT at FROM run_event v WHERE v.run = r.id ORDER BY v.id DESC LIMIT 1), r.created), r.not_before,"
	    " (SELECT count(*) FROM build_want w WHERE w.run = r.id),"
	    " (SELECT count(*) FROM build_want w JOIN build b ON b.id = w.build WHERE w.run = r.id AND b.state IN " BUILD_SQL_OPEN
	    ") FROM run r JOIN repository o ON o.id = r.repository"
	    " LEFT JOIN pull_request p ON p.repository = r.repository AND p.number = r.number"
	    " WHERE r.ended IS NULL ORDER BY r.id LIMIT ?1",
	    "i", (int64_t)max);
	VEC(struct now_run) rows = {0};
	int rc = q != NULL ? db_row(s, q, e) : -1;

	for (; rc > 0; rc = db_row(s, q, e)) {
		const struct now_run row = {.id = db_i64(q, 0),
		    .number = db_i64(q, 1),
		    .owner = db_text(a, q, 2),
		    .name = db_text(a, q, 3),
		    .base_ref = db_text(a, q, 4),
		    .head = db_text(a, q, 5),
		    .author = db_text(a, q, 6),
		    .state = db_text(a, q, 7),
		    .waiting = db_text(a, q, 8),
		    .created_ms = db_i64(q, 9),
		    .since_ms = db_i64(q, 10),
		    .not_before_ms = db_i64(q, 11),
		    .builds = db_i64(q, 12),
		    .open_builds = db_i64(q, 13)};
		vec_push(&rows, row);
	}
	if (rc == 0)
		rc = db_int(s, ret_total, e, "SELECT count(*) FROM run WHERE ended IS NULL", "");
	*ret = arena_dup(a, rows.p, rows.n * sizeof(*rows.p));
	*ret_n = rows.n;
	vec_release(&rows);
	return rc;
}

int
now_builds(struct store *s, struct arena *a, size_t max, struct now_build **ret, size_t *ret_n, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT b.drv, b.name, b.system, b.started, t.median_ms, r.id, r.number, " SQL_OWNER
	    ", o.name, r.base_ref, b.builder"
	    " FROM build b LEFT JOIN build_time t ON t.pname = b.pname AND t.system = b.system"
	    " LEFT JOIN run r ON r.id = (SELECT min(w.run) FROM build_want w JOIN run x ON x.id = w.run"
	    " WHERE w.build = b.id AND x.ended IS NULL)"
	    " LEFT JOIN repository o ON o.id = r.repository WHERE b.state = 'building' ORDER BY b.started, b.id LIMIT ?1",
	    "i", (int64_t)max);
	VEC(struct now_build) rows = {0};
	int rc = q != NULL ? db_row(s, q, e) : -1;

	for (; rc > 0; rc = db_row(s, q, e)) {
		const struct now_build row = {.drv = db_text(a, q, 0),
		    .name = db_text(a, q, 1),
		    .system = db_text(a, q, 2),
		    .started_ms = db_i64(q, 3),
		    .expected_ms = db_i64(q, 4),
		    .run = db_i64(q, 5),
		    .number = db_i64(q, 6),
		    .owner = db_text(a, q, 7),
		    .repo = db_text(a, q, 8),
		    .base_ref = db_text(a, q, 9),
		    .builder = db_text(a, q, 10)};
		vec_push(&rows, row);
	}
	*ret = arena_dup(a, rows.p, rows.n * sizeof(*rows.p));
	*ret_n = rows.n;
	vec_release(&rows);
	return rc;
}

int
now_queues(struct store *s, struct arena *a, struct now_queue **ret, size_t *ret_n, struct err *e)
{
	/* Of several rows with the same least not_before any one's reason will do; SQLite takes the row of the min(). */
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT n.system, n.building, n.queued, n.put_back, n.waiting, coalesce((SELECT min(r.created) FROM build b"
	    " JOIN build_want w ON w.build = b.id JOIN run r ON r.id = w.run WHERE b.system = n.system AND b.state = 'queued'"
	    " AND r.ended IS NULL), 0), coalesce(l.next, 0), l.reason FROM"
	    " (SELECT system, sum(state = 'building') AS building, sum(state = 'queued' AND not_before <= ?1) AS queued,"
	    " sum(state = 'queued' AND not_before > ?1) AS put_back, sum(state = 'waiting') AS waiting FROM build WHERE state IN " BUILD_SQL_OPEN
	    " GROUP BY system) n LEFT JOIN (SELECT system, min(not_before) AS next, reason FROM build WHERE state = 'queued'"
	    " AND not_before > ?1 GROUP BY system) l ON l.system = n.system ORDER BY n.system",
	    "i", clock_now_ms());
	VEC(struct now_queue) rows = {0};
	int rc = q != NULL ? db_row(s, q, e) : -1;

	for (; rc > 0; rc = db_row(s, q, e)) {
		const struct now_queue row = {.system = db_text(a, q, 0),
		    .building = db_i64(q, 1),
		    .queued = db_i64(q, 2),
		    .put_back = db_i64(q, 3),
		    .waiting = db_i64(q, 4),
		    .oldest_ms = db_i64(q, 5),
		    .next_ms = db_i64(q, 6),
		    .reason = db_text(a, q, 7)};
		vec_push(&rows, row);
	}
	*ret = arena_dup(a, rows.p, rows.n * sizeof(*rows.p));
	*ret_n = rows.n;
	vec_release(&rows);
	return rc;
}

int
now_budgets(struct store *s, struct arena *a, int64_t now_ms, struct now_budget **ret, size_t *ret_n, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT i.id, i.account, (SELECT count(*) FROM written w WHERE w.installation = i.id AND w.at > ?1),"
	    " coalesce((SELECT until FROM told_to_wait t WHERE t.installation = i.id AND t.until > ?2), 0)"
	    " FROM installation i WHERE i.state = 'active' ORDER BY i.id",
	    "ii", now_ms - 3600 * 1000, now_ms);
	VEC(struct now_budget) rows = {0};
	int rc = q != NULL ? db_row(s, q, e) : -1;

	for (; rc > 0; rc = db_row(s, q, e)) {
		const struct now_budget row = {.installation = db_i64(q, 0),
		    .account = db_text(a, q, 1),
		    .writes = db_i64(q, 2),
		    .until_ms = db_i64(q, 3)};
		vec_push(&rows, row);
	}
	*ret = arena_dup(a, rows.p, rows.n * sizeof(*rows.p));
	*ret_n = rows.n;
	vec_release(&rows);
	return rc;
}
