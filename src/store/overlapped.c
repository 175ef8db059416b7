/* Rows of what overlaps. */
#include "store/overlapped.h"

#include "store/db.h"

int
store_overlap_due(struct store *s, struct overlap_due *ret, struct err *e)
{
	AUTO(db_done) sqlite3_stmt *q = db_query(s, e, "SELECT repository, changes FROM overlap_due LIMIT 1", "");
	int rc = q != NULL ? db_row(s, q, e) : -1;

	if (rc > 0)
		*ret = (struct overlap_due){db_i64(q, 0), db_i64(q, 1)};
	return rc < 0 ? -1 : rc == 0;
}

int
store_overlap_open(struct store *s, struct arena *a, int64_t repository, size_t limit, struct overlap_open **ret, size_t *ret_n,
    struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT r.number, r.id, r.difference, r.verdict FROM pull_request w JOIN run r ON r.id ="
	    " (SELECT max(n.id) FROM run n WHERE n.repository = w.repository AND n.number = w.number)"
	    " WHERE w.repository = ?1 AND w.state = 'open' AND r.difference IS NOT NULL ORDER BY w.number DESC LIMIT ?2",
	    "ii", repository, (int64_t)limit);
	VEC(struct overlap_open) rows = {0};
	int rc = q != NULL ? db_row(s, q, e) : -1;

	for (; rc > 0; rc = db_row(s, q, e))
		vec_push(&rows, ((struct overlap_open){db_i64(q, 0), db_i64(q, 1), db_text(a, q, 2), db_text(a, q, 3)}));
	if (rc == 0) {
		*ret = arena_dup(a, rows.p, rows.n * sizeof(*rows.p));
		*ret_n = rows.n;
	}
	vec_release(&rows);
	return rc;
}

static int
put(struct store *s, const struct overlap_due *of, const struct overlap_text *all, size_t n, struct err *e)
{
	if (db_run(s, e, "DELETE FROM overlap WHERE repository = ?1", "i", of->repository) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (db_run(s, e, "INSERT INTO overlap (repository, number, told) VALUES (?1, ?2, ?3)", "iis", of->repository,
		        all[i].number, all[i].told) != 0)
			return -1;
	return db_run(s, e, "DELETE FROM overlap_due WHERE repository = ?1 AND changes = ?2", "ii", of->repository,
	    of->changes);
}

int
store_overlap_put(struct store *s, const struct overlap_due *of, const struct overlap_text *all, size_t n, struct err *e)
{
	if (store_begin(s, e) != 0)
		return -1;
	return store_end(s, put(s, of, all, n, e), e);
}

int
store_overlap_get(struct store *s, struct arena *a, int64_t repository, int64_t number, const char **ret, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q =
	    db_query(s, e, "SELECT told FROM overlap WHERE repository = ?1 AND number = ?2", "ii", repository, number);
	int rc = q != NULL ? db_row(s, q, e) : -1;

	if (rc > 0)
		*ret = db_text(a, q, 0);
	return rc < 0 ? -1 : rc == 0;
}
