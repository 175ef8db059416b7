/* What is to be copied to binary caches. */
#include "store/pushes.h"

#include "store/build_sets.h"
#include "store/db.h"
#include "support/base/clock.h"

#include <string.h>

int
store_push_run(struct store *s, int64_t run, const char *cache, struct err *e)
{
	return db_run(s, e,
	    "INSERT INTO push (drv, cache, created) SELECT b.drv, ?2, ?3 FROM build_want w JOIN build b ON b.id = w.build"
	    " WHERE w.run = ?1 AND w.base = 0 AND b.state IN " BUILD_SQL_GOOD " ORDER BY b.id ON CONFLICT DO NOTHING",
	    "isi", run, cache, clock_now_ms());
}

int
store_push_next(struct store *s, struct arena *a, int64_t now, size_t max, struct push_row *rows, size_t *ret_n, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q =
	    db_query(s, e, "SELECT id, attempts, drv, cache FROM push WHERE not_before <= ?1 ORDER BY not_before, id LIMIT ?2",
	        "ii", now, (int64_t)max);
	size_t n = 0;
	int rc = q == NULL ? -1 : 1;

	while (n < max && rc > 0 && (rc = db_row(s, q, e)) > 0) {
		struct push_row row = {db_i64(q, 0), db_i64(q, 1), db_text(a, q, 2), db_text(a, q, 3)};
		if (n > 0 && (rows[0].attempts > 1 || row.attempts > 1 || strcmp(rows[0].cache, row.cache) != 0))
			break;
		rows[n++] = row;
	}
	*ret_n = n;
	return rc < 0 ? -1 : 0;
}

int
store_push_due(struct store *s, int64_t *ret, struct err *e)
{
	int rc = db_int(s, ret, e, "SELECT not_before FROM push ORDER BY not_before LIMIT 1", "");

	if (rc > 0)
		*ret = INT64_MAX;
	return rc < 0 ? -1 : 0;
}

int
store_push_done(struct store *s, int64_t id, struct err *e)
{
	return db_run(s, e, "DELETE FROM push WHERE id = ?1", "i", id);
}

int
store_push_later(struct store *s, int64_t id, int64_t not_before, const char *why, struct err *e)
{
	return db_run(s, e, "UPDATE push SET attempts = attempts + 1, not_before = ?2, error = ?3 WHERE id = ?1", "iis", id,
	    not_before, why);
}
