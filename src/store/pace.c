/* What the forge allows of an installation. */
#include "store/pace.h"

#include "store/db.h"

int
store_pace_wait(struct store *s, int64_t installation, int64_t until_ms, struct err *e)
{
	return db_run(s, e,
	    "INSERT INTO told_to_wait (installation, until) VALUES (?, ?)"
	    " ON CONFLICT (installation) DO UPDATE SET until = excluded.until",
	    "ii", installation, until_ms);
}

int
store_pace_until(struct store *s, int64_t installation, int64_t *ret_ms, struct err *e)
{
	return db_int(s, ret_ms, e, "SELECT coalesce(max(until), 0) FROM told_to_wait WHERE installation = ?", "i",
	           installation) < 0
	           ? -1
	           : 0;
}

int
store_pace_wrote(struct store *s, int64_t installation, int64_t at_ms, int64_t oldest_ms, struct err *e)
{
	if (db_run(s, e, "DELETE FROM written WHERE installation = ? AND at < ?", "ii", installation, oldest_ms) != 0)
		return -1;
	return db_run(s, e, "INSERT INTO written (installation, at) VALUES (?, ?)", "ii", installation, at_ms);
}

int
store_pace_writes(struct store *s, int64_t installation, size_t max, int64_t *ret, size_t *ret_n, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT at FROM (SELECT id, at FROM written WHERE installation = ? ORDER BY id DESC LIMIT ?) ORDER BY id", "ii",
	    installation, (int64_t)max);
	int rc = q == NULL ? -1 : 1;

	*ret_n = 0;
	while (rc > 0 && (rc = db_row(s, q, e)) > 0)
		ret[(*ret_n)++] = db_i64(q, 0);
	return rc;
}
