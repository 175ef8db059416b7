/* What a comparison remembers and reads. */
#include "store/compared.h"

#include "store/db.h"
#include "store/served.h"

int
store_compared_get(struct store *s, struct arena *a, int64_t repository, struct compared *ret, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT pulls, pulls_tag, branch, branch_tag, queue_tag FROM compared WHERE repository = ?1", "i", repository);
	int rc = q == NULL ? -1 : db_row(s, q, e);

	*ret = (struct compared){0};
	if (rc > 0)
		*ret = (struct compared){db_i64(q, 0), db_text(a, q, 1), db_text(a, q, 2), db_text(a, q, 3), db_text(a, q, 4)};
	return rc < 0 ? -1 : 0;
}

int
store_compared_put(struct store *s, int64_t repository, const struct compared *c, struct err *e)
{
	return db_run(s, e,
	    "INSERT OR REPLACE INTO compared (repository, pulls, pulls_tag, branch, branch_tag, queue_tag)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
	    "iissss", repository, c->pulls, c->pulls_tag, c->branch, c->branch_tag, c->queue_tag);
}

int
store_compared_forget(struct store *s, int64_t installation, struct err *e)
{
	return db_run(s, e,
	    "UPDATE compared SET pulls = 0, pulls_tag = NULL, branch_tag = NULL, queue_tag = NULL WHERE ?1 = 0"
	    " OR repository IN (SELECT id FROM repository WHERE installation = ?1)",
	    "i", installation);
}

int
store_asked_again(struct store *s, int64_t host, int64_t *ret, struct err *e)
{
	*ret = 0;
	return db_int(s, ret, e, "SELECT upto FROM asked_again WHERE host = ?1", "i", host) < 0 ? -1 : 0;
}

int
store_asked_again_put(struct store *s, int64_t host, int64_t upto_ms, struct err *e)
{
	return db_run(s, e, "INSERT OR REPLACE INTO asked_again (host, upto) VALUES (?1, ?2)", "ii", host, upto_ms);
}

bool
store_delivery_known(struct store *s, int64_t host, const char *guid)
{
	int64_t n = 0;
	struct err ignored;

	return db_int(s, &n, &ignored,
	           "SELECT count(*) FROM delivery WHERE guid = CASE ?1 WHEN 0 THEN '' ELSE ?1 || '/' END || ?2", "is", host,
	           guid) >= 0 &&
	       n > 0;
}

int
store_installations_active(struct store *s, struct arena *a, struct ids *ret, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q =
	    db_query(s, e, "SELECT id FROM installation WHERE state = 'active' AND NOT " SQL_UNNAMED("id") " ORDER BY id", "");

	return db_ids(s, a, q, ret, e);
}

int
store_pulls_open(struct store *s, struct arena *a, int64_t repository, struct ids *ret, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q =
	    db_query(s, e, "SELECT number FROM pull_request WHERE repository = ?1 AND state = 'open'", "i", repository);

	return db_ids(s, a, q, ret, e);
}

int
store_runs_queued(struct store *s, struct arena *a, int64_t repository, struct ids *ret, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q =
	    db_query(s, e, "SELECT id FROM run WHERE ended IS NULL AND repository = ?1 AND number < 0", "i", repository);

	return db_ids(s, a, q, ret, e);
}

int
store_runs_refused(struct store *s, struct arena *a, int64_t installation, int64_t since_ms, int64_t max_times, struct ids *ret,
    struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT r.id FROM run r JOIN repository o ON o.id = r.repository"
	    " LEFT JOIN pull_request p ON p.repository = r.repository AND p.number = r.number"
	    " WHERE r.state = 'failed' AND r.ended >= ?2 AND (?1 = 0 OR o.installation = ?1)"
	    "  AND json_extract(r.failure, '$.stage') = 'mirror' AND json_extract(r.failure, '$.kind') IN ('absent', 'denied')"
	    "  AND (r.number <= 0 OR (p.state = 'open' AND p.head = r.head))"
	    "  AND r.id = (SELECT max(id) FROM run WHERE repository = r.repository AND number = r.number)"
	    "  AND (SELECT count(*) FROM run WHERE repository = r.repository AND head = r.head AND state = 'failed') < ?3"
	    " ORDER BY r.id",
	    "iii", installation, since_ms, max_times);

	return db_ids(s, a, q, ret, e);
}

int
store_runs_hurry(struct store *s, int64_t installation, struct err *e)
{
	return db_run(s, e,
	    "UPDATE run SET not_before = 0, attempt = 0, failures = 0, refusals = 0 WHERE ended IS NULL AND state = 'accepted' AND not_before > 0"
	    " AND repository IN (SELECT id FROM repository WHERE installation = ?1)",
	    "i", installation);
}
