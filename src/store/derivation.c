/* Read-only queries for the page of a derivation. */
#include "store/derivation.h"

#include "store/build_sets.h"
#include "store/db.h"

#define NEAR_COLUMNS "b.id, b.drv, b.name, b.system, b.state, b.ended, b.wall_ms"
#define NEAR_WANTED  " AND EXISTS (SELECT 1 FROM build_want w WHERE w.run = ?2 AND w.build = b.id)"
#define NEAR_ORDER   " ORDER BY " BUILD_SQL_RANKED("b.state") ", b.name, b.id LIMIT ?3"

static int
read_near(struct store *s, struct arena *a, sqlite3_stmt *q, struct near_builds *ret, struct err *e)
{
	VEC(struct near_build) rows = {0};
	int rc = q != NULL ? db_row(s, q, e) : -1;

	for (; rc > 0; rc = db_row(s, q, e))
		vec_push(&rows, ((struct near_build){db_i64(q, 0), db_text(a, q, 1), db_text(a, q, 2), db_text(a, q, 3),
		                    db_text(a, q, 4), db_i64(q, 5), db_i64(q, 6)}));
	if (rc == 0) {
		ret->p = arena_dup(a, rows.p, rows.n * sizeof(*rows.p));
		ret->n = rows.n;
	}
	vec_release(&rows);
	return rc;
}

int
view_build_near(struct store *s, struct arena *a, int64_t build, int64_t run, enum near_which which, size_t limit,
    struct near_builds *ret, struct err *e)
{
	AUTO(db_done) sqlite3_stmt *q = NULL;
	int rc;

	if (which == NEAR_NEEDS) {
		q = db_query(s, e,
		    "SELECT " NEAR_COLUMNS
		    " FROM build_input i JOIN build b ON b.id = i.input WHERE i.build = ?1" NEAR_WANTED NEAR_ORDER,
		    "iii", build, run, (int64_t)limit);
		rc = db_int(s, &ret->total, e,
		    "SELECT count(*) FROM build_input i JOIN build_want w ON w.run = ?2 AND w.build = i.input WHERE i.build = ?1",
		    "ii", build, run);
	} else {
		q = db_query(s, e,
		    "SELECT " NEAR_COLUMNS
		    " FROM build_input i JOIN build b ON b.id = i.build WHERE i.input = ?1" NEAR_WANTED NEAR_ORDER,
		    "iii", build, run, (int64_t)limit);
		rc = db_int(s, &ret->total, e,
		    "SELECT count(*) FROM build_input i JOIN build_want w ON w.run = ?2 AND w.build = i.build WHERE i.input = ?1",
		    "ii", build, run);
	}
	return rc < 0 ? -1 : read_near(s, a, q, ret, e);
}

int
view_build_alike(struct store *s, struct arena *a, int64_t build, size_t limit, struct near_builds *ret, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT " NEAR_COLUMNS " FROM build x JOIN build b ON b.pname = x.pname AND b.system = x.system"
	    " WHERE x.id = ?1 AND x.pname <> '' ORDER BY b.id DESC LIMIT ?2",
	    "ii", build, (int64_t)limit);

	ret->total = 0;
	return read_near(s, a, q, ret, e);
}
