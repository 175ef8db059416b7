/* Checks of runs, and who has a say in a commit's. */
#include "store/run_check.h"

#include "store/db.h"

int
store_run_check_put(struct store *s, int64_t run, const struct wish_check *wanted, struct err *e)
{
	struct arena a = {0};
	char *text;
	int rc = fields_line(&wish_check_fields, &a, wanted, &text, e);

	if (rc == 0)
		rc = db_run(s, e,
		    "INSERT INTO run_check (run, name, wanted) VALUES (?1, ?2, ?3)"
		    " ON CONFLICT DO UPDATE SET wanted = excluded.wanted",
		    "iss", run, wanted->name, text);
	arena_release(&a);
	return rc;
}

int
store_run_checks(struct store *s, int64_t run, int64_t *ret, struct err *e)
{
	*ret = 0;
	return db_int(s, ret, e, "SELECT count(*) FROM run_check WHERE run = ?1", "i", run) < 0 ? -1 : 0;
}

static int
read_wish(struct arena *a, const char *text, struct wish_check **ret, struct err *e)
{
	*ret = NULL;
	if (text == NULL)
		return 0;
	*ret = arena_alloc(a, sizeof(**ret));
	return fields_read(&wish_check_fields, a, str_of(text), "check", *ret, e);
}

/* What was reported without a check is of no Nix, or from before checks were kept. */
int
store_commit_checks(struct store *s, struct arena *a, int64_t repository, const char *head, const char *name,
    struct commit_check **ret, size_t *ret_n, struct err *e)
{
	VEC(struct commit_check) all = {0};
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT r.id, r.number, r.base_ref, c.wanted FROM run r"
	    " LEFT JOIN run_check c ON c.run = r.id AND c.name = ?3"
	    " LEFT JOIN pull_request p ON p.repository = r.repository AND p.number = r.number"
	    " WHERE r.repository = ?1 AND r.head = ?2 AND r.id = (SELECT max(n.id) FROM run n"
	    "  WHERE n.repository = r.repository AND n.number = r.number AND n.head = r.head)"
	    " AND (c.wanted IS NOT NULL OR r.reported = 0)"
	    " AND CASE WHEN r.number > 0 THEN p.state = 'open' AND p.head = r.head"
	    "  ELSE r.state NOT IN ('superseded', 'cancelled') END"
	    " ORDER BY r.number",
	    "iss", repository, head, name);
	int rc = q != NULL ? db_row(s, q, e) : -1;

	for (; rc > 0; rc = db_row(s, q, e)) {
		struct commit_check one = {.run = db_i64(q, 0), .number = db_i64(q, 1), .base_ref = db_text(a, q, 2)};
		struct wish_check *wanted;
		if (read_wish(a, db_text(a, q, 3), &wanted, e) != 0) {
			rc = -1;
			break;
		}
		one.wanted = wanted;
		vec_push(&all, one);
	}
	if (rc == 0) {
		*ret = arena_dup(a, all.p, all.n * sizeof(*all.p));
		*ret_n = all.n;
	}
	vec_release(&all);
	return rc;
}

int
store_check_wanted(struct store *s, struct arena *a, int64_t repository, const char *head, const char *name,
    struct wish_check *ret, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e, "SELECT wanted FROM desired WHERE key = ?1", "s",
	    arena_printf(a, "check/%lld/%s/%s", (long long)repository, head, name));
	int rc = q != NULL ? db_row(s, q, e) : -1;

	if (rc <= 0)
		return rc < 0 ? -1 : 1;
	return fields_read(&wish_check_fields, a, str_of(db_text(a, q, 0)), "check", ret, e);
}
