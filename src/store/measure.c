/* Sizes and metrics by run. */
#include "store/measure.h"

#include "store/db.h"

#include <math.h>

struct putting {
	struct store *s;
	int64_t run;
	size_t n;
};

static int
put(struct putting *p, const char *drv, const char *what, const char *unit, double base, double head, struct err *e)
{
	if (p->n >= MEASURE_MAX_ROWS)
		return 0;
	p->n++;
	return db_run(p->s, e,
	    "INSERT OR REPLACE INTO measure (build, run, what, unit, base, head) SELECT id, ?2, ?3, ?4, ?5, ?6 FROM build WHERE drv = ?1",
	    "sissdd", drv, p->run, what, unit, base, head);
}

static int
put_size(struct putting *p, const char *drv, const char *what, struct numbers of, struct err *e)
{
	return of.n < 2 ? 0 : put(p, drv, what, "bytes", (double)of.p[0], (double)of.p[1], e);
}

static int
put_one(struct putting *p, const struct package_sizes *of, struct err *e)
{
	AUTO(arena_release) struct arena a = {0};

	if (put_size(p, of->drv, "output", of->output, e) != 0 || put_size(p, of->drv, "closure", of->closure, e) != 0)
		return -1;
	for (size_t i = 0; i < of->metrics.n && i < MEASURE_MAX_METRICS; i++) {
		const struct metric *m = &of->metrics.p[i];
		if (put(p, of->drv, arena_printf(&a, "metric %s", m->name), m->unit, m->base, m->head, e) != 0)
			return -1;
	}
	return 0;
}

int
measure_put(struct store *s, int64_t run, const struct sizes *of, struct err *e)
{
	struct putting p = {.s = s, .run = run};

	if (store_begin(s, e) != 0)
		return -1;
	int rc = db_run(s, e, "DELETE FROM measure WHERE run = ?1", "i", run);
	for (size_t i = 0; rc == 0 && i < of->packages.n; i++)
		rc = put_one(&p, &of->packages.p[i], e);
	return store_end(s, rc, e);
}

static double
real(sqlite3_stmt *q, int column)
{
	return sqlite3_column_type(q, column) == SQLITE_NULL ? (double)NAN : sqlite3_column_double(q, column);
}

int
measure_read(struct store *s, struct arena *a, int64_t build, struct measured **ret, size_t *ret_n, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT m.run, m.what, m.unit, m.base, m.head FROM build x JOIN build b ON b.pname = x.pname AND b.system = x.system"
	    " JOIN measure m ON m.build = b.id WHERE x.id = ?1 AND x.pname <> '' ORDER BY m.run DESC, b.id = ?1 DESC,"
	    " CASE m.what WHEN 'output' THEN 0 WHEN 'closure' THEN 1 ELSE 2 END, m.what LIMIT ?2",
	    "ii", build, (int64_t)MEASURE_MAX_READ);
	VEC(struct measured) rows = {0};
	int rc = q != NULL ? db_row(s, q, e) : -1;

	for (; rc > 0; rc = db_row(s, q, e))
		vec_push(&rows, ((struct measured){db_i64(q, 0), db_text(a, q, 1), db_text(a, q, 2), real(q, 3), real(q, 4)}));
	if (rc == 0) {
		*ret = arena_dup(a, rows.p, rows.n * sizeof(*rows.p));
		*ret_n = rows.n;
	}
	vec_release(&rows);
	return rc;
}
