/* Sums for plots. */
#include "store/figures.h"

#include "store/db.h"
#include "store/served.h"
#include "support/base/clock.h"

enum { HOUR_MS = 3600 * 1000, DAY_MS = 24 * HOUR_MS };

static const char *const names[FIGURES] = {"evaluation", "rebuilds", "build", "wait", "verdict"};
static const char *const spans[] = {"hour", "day"};

int
figure_add(struct store *s, int64_t repository, enum figure what, int64_t total, struct err *e)
{
	int64_t now = clock_now_ms();

	return db_run(s, e,
	    "INSERT INTO figure (repository, span, at, what, n, total) VALUES (?1, 'hour', ?3, ?2, 1, ?5), (?1, 'day', ?4, ?2, 1, ?5)"
	    " ON CONFLICT DO UPDATE SET n = n + 1, total = total + excluded.total",
	    "isiii", repository, names[what], now - now % HOUR_MS, now - now % DAY_MS, total > 0 ? total : 0);
}

int
figure_add_build(struct store *s, int64_t build, enum figure what, int64_t total, struct err *e)
{
	int64_t repository;
	int rc = db_int(s, &repository, e,
	    "SELECT r.repository FROM build_want w JOIN run r ON r.id = w.run WHERE w.build = ?1 ORDER BY w.run DESC LIMIT 1",
	    "i", build);

	return rc == 0 ? figure_add(s, repository, what, total, e) : rc > 0 ? 0 : -1;
}

static enum figure
named(const char *name)
{
	enum figure what = 0;

	while (what + 1 < FIGURES && strcmp(names[what], name) != 0)
		what++;
	return what;
}

int
figure_read(struct store *s, struct arena *a, int64_t repository, enum figure_span span, int64_t since, struct figure_sum **ret,
    size_t *ret_n, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = repository != 0
	                      ? db_query(s, e,
	                            "SELECT what, at, n, total FROM figure WHERE repository = ?1 AND span = ?2"
	                            " AND at >= ?3 ORDER BY at",
	                            "isi", repository, spans[span], since)
	                      : db_query(s, e,
	                            "SELECT f.what, f.at, sum(f.n), sum(f.total) FROM repository o CROSS JOIN figure f"
	                            " ON f.repository = o.id AND f.span = ?1 AND f.at >= ?2"
	                            " WHERE o.private = 0 AND NOT " SQL_UNHEARD " GROUP BY f.at, f.what ORDER BY f.at",
	                            "si", spans[span], since);
	VEC(struct figure_sum) rows = {0};
	int rc = q != NULL ? db_row(s, q, e) : -1;

	for (; rc > 0; rc = db_row(s, q, e))
		vec_push(&rows, ((struct figure_sum){named((const char *)sqlite3_column_text(q, 0)), db_i64(q, 1), db_i64(q, 2),
		                    db_i64(q, 3)}));
	if (rc == 0) {
		*ret = arena_dup(a, rows.p, rows.n * sizeof(*rows.p));
		*ret_n = rows.n;
	}
	vec_release(&rows);
	return rc;
}
