/* A database on another machine. */
#include "store/build_sets.h"
#include "store/db.h"
#include "support/base/clock.h"

/* Files are named absolutely. */
static int
rename_files(struct store *s, const char *from, const char *to, struct err *e)
{
	if (str_same(from, to))
		return 0;
	if (db_run(s, e,
	        "UPDATE build SET log = ?2 || substr(log, length(?1) + 1) WHERE substr(log, 1, length(?1) + 1) = ?1 || '/'",
	        "ss", from, to) != 0)
		return -1;
	return db_run(s, e,
	    "UPDATE run SET difference = ?2 || substr(difference, length(?1) + 1)"
	    " WHERE substr(difference, 1, length(?1) + 1) = ?1 || '/'",
	    "ss", from, to);
}

static int
begin_again(struct store *s, int64_t now, struct err *e)
{
	if (db_run(s, e,
	        "INSERT INTO run_event (run, at, from_state, to_state, why)"
	        " SELECT id, ?1, state, 'accepted', 'restored from a backup' FROM run WHERE ended IS NULL",
	        "i", now) != 0 ||
	    db_run(s, e, "DELETE FROM build_want WHERE run IN (SELECT id FROM run WHERE ended IS NULL)", "") != 0 ||
	    db_run(s, e,
	        "UPDATE build SET state = 'cancelled', ended = ?1, reason = 'restored from a backup' WHERE state IN " BUILD_SQL_OPEN,
	        "i", now) != 0)
		return -1;
	return db_run(s, e,
	    "UPDATE run SET state = 'accepted', attempt = 0, not_before = 0, waiting = NULL, held = NULL, mirrored = NULL, plan = NULL,"
	    " evaluations = NULL, difference = NULL, counts = NULL, wide = 0, query = NULL, failure = NULL, updated = ?1,"
	    " changes = changes + 1 WHERE ended IS NULL",
	    "i", now);
}

/* What stands at the forge may be newer than what is known here. */
static int
doubt(struct store *s, int64_t now, struct err *e)
{
	if (db_run(s, e, "UPDATE desired SET stands = NULL", "") != 0 ||
	    db_run(s, e, "UPDATE desired SET in_doubt = 1 WHERE remote_id IS NULL AND kind IN ('check', 'reply')", "") != 0)
		return -1;
	return db_run(s, e, "INSERT INTO moved (at) VALUES (?1)", "i", now);
}

int
store_moved(struct store *s, const char *from, const char *to, struct store_moved *ret, struct err *e)
{
	int64_t now = clock_now_ms();
	struct store_moved n = {0};

	if (store_begin(s, e) != 0)
		return -1;
	int rc = db_int(s, &n.runs, e, "SELECT count(*) FROM run", "");
	if (rc >= 0)
		rc = db_int(s, &n.again, e, "SELECT count(*) FROM run WHERE ended IS NULL", "");
	if (rc >= 0)
		rc = rename_files(s, from, to, e);
	if (rc == 0)
		rc = begin_again(s, now, e);
	if (rc == 0)
		rc = doubt(s, now, e);
	if (store_end(s, rc, e) != 0)
		return -1;
	*ret = n;
	return 0;
}
