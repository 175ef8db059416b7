/* Medians of the last few durations. */
#include "store/duration.h"

#include "records/array.h"
#include "store/db.h"
#include "support/base/clock.h"

#include <stdlib.h>
#include <string.h>

struct str
duration_name(struct str name)
{
	if (str_ends(name, STR(".drv")))
		name.n -= 4;
	for (size_t i = 1; i + 1 < name.n; i++) {
		char c = name.p[i + 1];
		if (name.p[i] == '-' && !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')))
			return (struct str){name.p, i};
	}
	return name;
}

static int
compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

int64_t
duration_median(int64_t *ms, size_t n)
{
	if (n == 0)
		return 0;
	qsort(ms, n, sizeof(*ms), compare);
	return n % 2 == 1 ? ms[n / 2] : (ms[n / 2 - 1] + ms[n / 2]) / 2;
}

static int
read_samples(struct store *s, struct arena *a, const char *pname, const char *system, const char **ret, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q =
	    db_query(s, e, "SELECT samples FROM build_time WHERE pname = ?1 AND system = ?2", "ss", pname, system);
	int rc = q == NULL ? -1 : db_row(s, q, e);

	*ret = rc > 0 ? db_text(a, q, 0) : "[]";
	return rc < 0 ? -1 : 0;
}

struct numbers
duration_with(struct arena *a, const struct numbers *before, int64_t ms)
{
	size_t from = before->n >= DURATION_SAMPLES ? before->n - DURATION_SAMPLES + 1 : 0;
	struct numbers all = {arena_alloc(a, DURATION_SAMPLES * sizeof(*all.p)), 0};

	for (size_t i = from; i < before->n; i++)
		all.p[all.n++] = before->p[i];
	all.p[all.n++] = ms;
	return all;
}

static int
put(struct store *s, struct arena *a, const char *pname, const char *system, const struct numbers *all, struct err *e)
{
	int64_t v[DURATION_SAMPLES], far[DURATION_SAMPLES];
	const char *text;

	if (array_write_numbers(a, all, &text, e) != 0)
		return -1;
	memcpy(v, all->p, all->n * sizeof(*v));
	int64_t median = duration_median(v, all->n);
	for (size_t i = 0; i < all->n; i++)
		far[i] = v[i] > median ? v[i] - median : median - v[i];
	return db_run(s, e,
	    "INSERT INTO build_time (pname, system, median_ms, spread_ms, samples, updated) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
	    " ON CONFLICT (pname, system) DO UPDATE SET median_ms = excluded.median_ms, spread_ms = excluded.spread_ms,"
	    " samples = excluded.samples, updated = excluded.updated",
	    "ssiisi", pname, system, median, duration_median(far, all->n), text, clock_now_ms());
}

int
duration_put(struct store *s, const char *pname, const char *system, const struct numbers *samples, struct err *e)
{
	AUTO(arena_release) struct arena a = {0};
	struct numbers all = {0};

	for (size_t i = 0; i < samples->n; i++)
		if (samples->p[i] >= 0)
			all = duration_with(&a, &all, samples->p[i]);
	return all.n > 0 ? put(s, &a, pname, system, &all, e) : 0;
}

static int
add_sample(struct store *s, struct arena *a, const char *pname, const char *system, int64_t ms, struct err *e)
{
	struct numbers before;
	const char *text;

	if (read_samples(s, a, pname, system, &text, e) != 0 || array_read_numbers(a, text, "samples", &before, e) != 0)
		return -1;
	const struct numbers all = duration_with(a, &before, ms);
	return put(s, a, pname, system, &all, e);
}

int
duration_add(struct store *s, const char *pname, const char *system, int64_t ms, struct err *e)
{
	struct arena a = {0};
	int rc = add_sample(s, &a, pname, system, ms, e);

	arena_release(&a);
	return rc;
}

int
duration_get(struct store *s, struct str pname, const char *system, int64_t *ret_median_ms, int64_t *ret_spread_ms,
    struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q =
	    db_query(s, e, "SELECT median_ms, spread_ms FROM build_time WHERE pname = ?1 AND system = ?2", "ts", pname, system);
	int rc = q == NULL ? -1 : db_row(s, q, e);

	if (rc <= 0)
		return rc < 0 ? -1 : 1;
	*ret_median_ms = db_i64(q, 0);
	*ret_spread_ms = db_i64(q, 1);
	return 0;
}
