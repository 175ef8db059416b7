/* Rows of desired state: upserts that collapse, and the sender's book-keeping. */
#include "store/desired.h"

#include "store/db.h"
#include "store/served.h"
#include "support/base/clock.h"

#include <string.h>

#define OPEN            SQL_OPEN
#define OPEN_AND_SERVED SQL_OPEN_AND_SERVED
/* Rows are of enum urgency; what never stood there is no progress. */
#define IS_PROGRESS "(urgency = 3 AND posted > 0)"
#define URGENCY     "CASE WHEN urgency = 3 AND posted = 0 THEN 2 ELSE urgency END"
#define DUE         "CASE WHEN " IS_PROGRESS " THEN max(not_before, quiet_until) ELSE not_before END"

static int
want(struct store *s, const char *kind, enum urgency urgency, const char *key, const struct desired_repository *r,
    const struct fields *of, const void *wanted, struct err *e)
{
	struct arena a = {0};
	int64_t now = clock_now_ms();
	char *text;
	int rc = fields_line(of, &a, wanted, &text, e);

	if (rc == 0)
		rc = db_run(s, e,
		    "INSERT INTO desired (key, kind, installation, owner, repo, repository, wanted, generation, since, updated,"
		    "  urgency, in_doubt) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1, ?8, ?8, ?9,"
		    "  ?2 IN ('check', 'reply') AND EXISTS (SELECT 1 FROM moved WHERE at > ?8 - 2592000000))" /* 30 days */
		    " ON CONFLICT (key) DO UPDATE SET installation = excluded.installation, owner = excluded.owner,"
		    "  repo = excluded.repo, wanted = excluded.wanted,"
		    "  generation = generation + (wanted <> excluded.wanted),"
		    "  parked = CASE WHEN wanted = excluded.wanted THEN parked ELSE 0 END,"
		    "  since = CASE WHEN wanted = excluded.wanted OR " OPEN " THEN since ELSE excluded.since END,"
		    "  updated = excluded.updated,"
		    "  urgency = CASE WHEN excluded.urgency = 3 AND (urgency = 0 OR (urgency = 2 AND " OPEN ")) THEN 2"
		    "   ELSE excluded.urgency END"
		    " WHERE wanted <> excluded.wanted OR owner <> excluded.owner OR repo <> excluded.repo"
		    "  OR installation <> excluded.installation",
		    "ssissisii", key, kind, r->installation, r->owner, r->name, r->id, text, now, (int64_t)urgency);
	/* It went back to what stands there: nothing is to be sent. */
	if (rc == 0)
		rc = db_run(s, e, "UPDATE desired SET posted = generation WHERE key = ? AND stands = wanted AND " OPEN, "s",
		    key);
	arena_release(&a);
	return rc;
}

static int
want_check(struct store *s, const struct desired_repository *r, const struct wish_check *wanted, enum urgency concluded,
    struct err *e)
{
	struct arena a = {0};
	const char *key = arena_printf(&a, "check/%lld/%s/%s", (long long)r->id, wanted->head, wanted->name);
	int rc =
	    want(s, "check", wanted->conclusion != NULL ? concluded : URGENCY_PROGRESS, key, r, &wish_check_fields, wanted, e);

	arena_release(&a);
	return rc;
}

int
store_want_check(struct store *s, const struct desired_repository *r, const struct wish_check *wanted, struct err *e)
{
	return want_check(s, r, wanted, URGENCY_CONCLUSION, e);
}

int
store_want_part_check(struct store *s, const struct desired_repository *r, const struct wish_check *wanted, struct err *e)
{
	return want_check(s, r, wanted, URGENCY_FIRST, e);
}

int
store_check_news(struct store *s, int64_t repository, const char *head, const char *name, struct err *e)
{
	struct arena a = {0};
	int rc = db_run(s, e, "UPDATE desired SET urgency = 2 WHERE key = ? AND urgency = 3 AND " OPEN, "s",
	    arena_printf(&a, "check/%lld/%s/%s", (long long)repository, head, name));

	arena_release(&a);
	return rc;
}

int
store_checks_wanted(struct store *s, struct arena *a, int64_t repository, const char *head, struct wish_check **ret,
    size_t *ret_n, struct err *e)
{
	/* '0' is what comes after '/'. */
	const char *from = arena_printf(a, "check/%lld/%s/", (long long)repository, head);
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e, "SELECT wanted, key FROM desired WHERE key > ? AND key < ? ORDER BY key", "ss", from,
	    arena_printf(a, "check/%lld/%s0", (long long)repository, head));
	VEC(struct wish_check) all = {0};
	struct wish_check one;
	int rc = q == NULL ? -1 : 1;

	while (rc > 0 && (rc = db_row(s, q, e)) > 0) {
		if (fields_read(&wish_check_fields, a, str_of(db_text(a, q, 0)), db_text(a, q, 1), &one, e) != 0)
			rc = -1;
		else
			vec_push(&all, one);
	}
	if (rc == 0) {
		*ret = arena_dup(a, all.p, all.n * sizeof(*all.p));
		*ret_n = all.n;
	}
	vec_release(&all);
	return rc;
}

static const char *
comment_key(struct arena *a, int64_t repository, int64_t number)
{
	return arena_printf(a, "comment/%lld/%lld", (long long)repository, (long long)number);
}

static int
want_comment(struct store *s, const struct desired_repository *r, int64_t number, const char *marker, struct str body,
    enum urgency urgency, struct err *e)
{
	struct arena a = {0};
	const struct wish_comment wanted = {number, marker, fields_clean(&a, body)};
	int rc = want(s, "comment", urgency, comment_key(&a, r->id, number), r, &wish_comment_fields, &wanted, e);

	arena_release(&a);
	return rc;
}

int
store_want_comment(struct store *s, const struct desired_repository *r, int64_t number, const char *marker, struct str body,
    struct err *e)
{
	return want_comment(s, r, number, marker, body, URGENCY_PROGRESS, e);
}

int
store_want_last_comment(struct store *s, const struct desired_repository *r, int64_t number, const char *marker,
    struct str body, struct err *e)
{
	return want_comment(s, r, number, marker, body, URGENCY_CONCLUSION, e);
}

int
store_comment_wanted(struct store *s, int64_t repository, int64_t number, bool *ret, struct err *e)
{
	struct arena a = {0};
	int64_t n = 0;
	int rc = db_int(s, &n, e, "SELECT count(*) FROM desired WHERE key = ?1", "s", comment_key(&a, repository, number));

	arena_release(&a);
	*ret = n > 0;
	return rc < 0 ? -1 : 0;
}

int
store_want_labels(struct store *s, const struct desired_repository *r, const struct wish_labels *wanted, struct err *e)
{
	struct arena a = {0};
	const char *key = arena_printf(&a, "labels/%lld/%lld", (long long)r->id, (long long)wanted->number);
	int rc = want(s, "labels", URGENCY_FIRST, key, r, &wish_labels_fields, wanted, e);

	arena_release(&a);
	return rc;
}

int
store_want_label_off(struct store *s, const struct desired_repository *r, int64_t number, const char *label, int64_t serial,
    struct err *e)
{
	struct arena a = {0};
	const struct wish_labels wanted = {.number = number, .wanted = {&label, 0}, .known = {&label, 1}, .serial = serial};
	const char *key = arena_printf(&a, "labels/%lld/%lld/%s", (long long)r->id, (long long)number, label);
	int rc = want(s, "labels", URGENCY_ANSWER, key, r, &wish_labels_fields, &wanted, e);

	arena_release(&a);
	return rc;
}

int
store_want_reaction(struct store *s, const struct desired_repository *r, int64_t comment_id, const char *content, struct err *e)
{
	struct arena a = {0};
	const struct wish_reaction wanted = {comment_id, content};
	const char *key = arena_printf(&a, "reaction/%lld/%lld/%s", (long long)r->id, (long long)comment_id, content);
	int rc = want(s, "reaction", URGENCY_ANSWER, key, r, &wish_reaction_fields, &wanted, e);

	arena_release(&a);
	return rc;
}

int
store_want_status(struct store *s, const struct desired_repository *r, const struct wish_status *wanted, bool only_there,
    struct err *e)
{
	AUTO(arena_release) struct arena a = {0};
	const char *key = arena_printf(&a, "status/%lld/%s/%s", (long long)r->id, wanted->head, wanted->context);
	enum urgency urgency = strcmp(wanted->state, "pending") == 0 ? URGENCY_PROGRESS : URGENCY_CONCLUSION;
	int64_t n = 1;

	if (only_there && db_int(s, &n, e, "SELECT count(*) FROM desired WHERE key = ?1", "s", key) < 0)
		return -1;
	return n > 0 ? want(s, "status", urgency, key, r, &wish_status_fields, wanted, e) : 0;
}

int
store_want_reviewers(struct store *s, const struct desired_repository *r, const struct wish_reviewers *wanted, struct err *e)
{
	AUTO(arena_release) struct arena a = {0};
	const char *key = arena_printf(&a, "reviewers/%lld/%lld", (long long)r->id, (long long)wanted->number);

	return want(s, "reviewers", URGENCY_FIRST, key, r, &wish_reviewers_fields, wanted, e);
}

static const char *
reply_key(struct arena *a, int64_t repository, int64_t number, const char *marker)
{
	return arena_printf(a, "reply/%lld/%lld/%s", (long long)repository, (long long)number, marker);
}

int
store_want_reply(struct store *s, const struct desired_repository *r, int64_t number, const char *marker, struct str body,
    struct err *e)
{
	struct arena a = {0};
	const struct wish_comment wanted = {number, marker, fields_clean(&a, body)};
	const char *key = reply_key(&a, r->id, number, marker);
	int rc = want(s, "reply", URGENCY_ANSWER, key, r, &wish_comment_fields, &wanted, e);

	arena_release(&a);
	return rc;
}

int
store_reply_wanted(struct store *s, struct arena *a, int64_t repository, int64_t number, const char *marker, const char **ret,
    struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q =
	    db_query(s, e, "SELECT wanted FROM desired WHERE key = ?", "s", reply_key(a, repository, number, marker));
	int rc = q == NULL ? -1 : db_row(s, q, e);
	struct wish_comment is;

	*ret = NULL;
	if (rc <= 0)
		return rc;
	if (fields_read(&wish_comment_fields, a, str_of(db_text(a, q, 0)), "reply", &is, e) != 0)
		return -1;
	*ret = is.body;
	return 0;
}

int
store_desired_next(struct store *s, struct arena *a, int64_t installation, int64_t now_ms, enum urgency upto,
    struct desired *ret, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT id, installation, repository, key, kind, owner, repo, wanted, remote, generation, posted, "
	    "remote_id,"
	    " in_doubt, attempts, " URGENCY " AS urgent, refusals FROM desired WHERE installation = ? AND " OPEN_AND_SERVED
	    " AND " DUE " <= ? AND urgent <= ?"
	    " ORDER BY urgent, since, id LIMIT 1",
	    "iii", installation, now_ms, (int64_t)upto);
	int rc = q == NULL ? -1 : db_row(s, q, e);

	if (rc <= 0)
		return rc < 0 ? -1 : 1;
	*ret = (struct desired){
	    .id = db_i64(q, 0),
	    .installation = db_i64(q, 1),
	    .repository = db_i64(q, 2),
	    .key = db_text(a, q, 3),
	    .kind = db_text(a, q, 4),
	    .owner = db_text(a, q, 5),
	    .repo = db_text(a, q, 6),
	    .wanted = db_text(a, q, 7),
	    .remote = db_text(a, q, 8),
	    .generation = db_i64(q, 9),
	    .posted = db_i64(q, 10),
	    .remote_id = db_i64(q, 11),
	    .in_doubt = db_i64(q, 12) != 0,
	    .attempts = db_i64(q, 13),
	    .urgency = (enum urgency)db_i64(q, 14),
	    .refusals = db_i64(q, 15),
	};
	return 0;
}

int
store_desired_due(struct store *s, struct arena *a, int64_t host, struct desired_due **ret, size_t *ret_n, struct err *e)
{
	VEC(struct desired_due) due = {0};
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT installation, min(" DUE ") FROM desired WHERE installation BETWEEN ?1 << 44 AND (?1 + 1 << 44) - 1"
	    " AND " OPEN_AND_SERVED " GROUP BY installation",
	    "i", host);
	int rc = q == NULL ? -1 : 1;

	while (rc > 0 && (rc = db_row(s, q, e)) > 0)
		vec_push(&due, ((struct desired_due){db_i64(q, 0), db_i64(q, 1)}));
	if (rc == 0) {
		*ret = arena_dup(a, due.p, due.n * sizeof(*due.p));
		*ret_n = due.n;
	}
	vec_release(&due);
	return rc;
}

int
store_desired_doubt(struct store *s, int64_t id, int64_t remote_id, const char *remote, int64_t settled_ms, struct err *e)
{
	return db_run(s, e,
	    "UPDATE desired SET in_doubt = 1, stands = NULL, remote_id = nullif(?, 0), remote = ?, not_before = ? WHERE id = ?",
	    "isii", remote_id, remote, settled_ms, id);
}

int
store_desired_sending(struct store *s, int64_t id, int64_t settled_ms, struct err *e)
{
	return db_run(s, e, "UPDATE desired SET not_before = ?, stands = NULL WHERE id = ?", "ii", settled_ms, id);
}

int
store_desired_quiet(struct store *s, int64_t id, int64_t until_ms, struct err *e)
{
	return db_run(s, e, "UPDATE desired SET quiet_until = ? WHERE id = ?", "ii", until_ms, id);
}

int
store_desired_remember(struct store *s, int64_t id, int64_t remote_id, const char *remote, struct err *e)
{
	return db_run(s, e,
	    "UPDATE desired SET in_doubt = 0, remote_id = nullif(?, 0), remote = ?, not_before = 0 WHERE id = ?", "isi",
	    remote_id, remote, id);
}

int
store_desired_partly(struct store *s, int64_t id, int64_t remote_id, const char *remote, struct err *e)
{
	return db_run(s, e,
	    "UPDATE desired SET in_doubt = 0, remote_id = ?, remote = ?, not_before = 0, urgency = max(urgency, 2) WHERE id = ?",
	    "isi", remote_id, remote, id);
}

int
store_desired_posted(struct store *s, int64_t id, int64_t generation, int64_t remote_id, const char *remote, struct err *e)
{
	int64_t now = clock_now_ms();

	return db_run(s, e,
	    "UPDATE desired SET posted = ?1, in_doubt = 0, remote_id = nullif(?2, 0), remote = ?3, attempts = 0, refusals = 0,"
	    " parked = 0,"
	    " stands = CASE WHEN generation = ?1 THEN wanted END,"
	    " not_before = 0, error = NULL, since = CASE WHEN generation > ?1 THEN updated ELSE since END,"
	    " updated = ?4 WHERE id = ?5",
	    "iisii", generation, remote_id, remote, now, id);
}

int
store_desired_later(struct store *s, int64_t id, int64_t not_before_ms, const char *error, struct err *e)
{
	return db_run(s, e, "UPDATE desired SET attempts = attempts + 1, not_before = ?, error = ? WHERE id = ?", "isi",
	    not_before_ms, error, id);
}

int
store_desired_refused(struct store *s, int64_t id, int64_t not_before_ms, const char *error, struct err *e)
{
	return db_run(s, e, "UPDATE desired SET refusals = refusals + 1, attempts = 0, not_before = ?, error = ? WHERE id = ?",
	    "isi", not_before_ms, error, id);
}

int
store_desired_parked(struct store *s, int64_t id, int64_t generation, const char *error, struct err *e)
{
	return db_run(s, e,
	    "UPDATE desired SET given_up = ?1, parked = ?2, refusals = refusals + 1, error = ?3, attempts = 0,"
	    " not_before = 0 WHERE id = ?4",
	    "iisi", generation, clock_now_ms(), error, id);
}

#define PARKED "parked > 0 AND posted < generation AND given_up >= generation"

int
store_desired_take_up(struct store *s, int64_t installation, bool fresh, int64_t max, int64_t *ret_n, struct err *e)
{
	/* What is only waiting for its next attempt need not wait, either. */
	if (fresh && db_run(s, e,
	                 "UPDATE desired SET refusals = 0, not_before = 0 WHERE refusals > 0 AND in_doubt = 0"
	                 " AND (?1 = 0 OR installation = ?1) AND " OPEN,
	                 "i", installation) != 0)
		return -1;
	if (db_run(s, e,
	        "UPDATE desired SET given_up = 0, parked = 0, not_before = 0, refusals = CASE WHEN ?1 THEN 0 ELSE refusals END"
	        " WHERE id IN (SELECT id FROM desired WHERE " PARKED
	        " AND (?2 = 0 OR installation = ?2) ORDER BY parked LIMIT ?3)",
	        "iii", (int64_t)fresh, installation, max) != 0)
		return -1;
	*ret_n = db_changes(s);
	return 0;
}

int
store_desired_list_parked(struct store *s, struct arena *a, int64_t max, struct desired_parked **ret, size_t *ret_n,
    struct err *e)
{
	VEC(struct desired_parked) all = {0};
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT key, " SQL_OWNER_OF("repository", "owner") ", repo, error, parked FROM desired WHERE " PARKED
	                                                       " ORDER BY parked DESC LIMIT ?1",
	    "i", max);
	int rc = q == NULL ? -1 : 1;

	while (rc > 0 && (rc = db_row(s, q, e)) > 0)
		vec_push(&all, ((struct desired_parked){db_text(a, q, 0), db_text(a, q, 1), db_text(a, q, 2), db_text(a, q, 3),
		                   db_i64(q, 4)}));
	if (rc == 0) {
		*ret = arena_dup(a, all.p, all.n * sizeof(*all.p));
		*ret_n = all.n;
	}
	vec_release(&all);
	return rc;
}

int
store_desired_given_up(struct store *s, int64_t id, int64_t generation, const char *error, struct err *e)
{
	return db_run(s, e,
	    "UPDATE desired SET given_up = ?, in_doubt = 0, error = ?, attempts = 0, not_before = 0 WHERE id = ?", "isi",
	    generation, error, id);
}

int
store_desired_figures(struct store *s, struct desired_figures *ret, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e, "SELECT count(*), min(since), sum(in_doubt) FROM desired WHERE " OPEN_AND_SERVED, "");

	if (q == NULL || db_row(s, q, e) < 0)
		return -1;
	struct desired_figures f = {.open = db_i64(q, 0), .oldest_ms = db_i64(q, 1), .in_doubt = db_i64(q, 2)};
	if (db_int(s, &f.given_up, e, "SELECT count(*) FROM desired WHERE given_up >= generation AND posted < generation", "") <
	    0)
		return -1;
	if (db_int(s, &f.parked, e, "SELECT count(*) FROM desired WHERE " PARKED, "") < 0)
		return -1;
	*ret = f;
	return 0;
}

int
store_desired_forget(struct store *s, int64_t repository, struct err *e)
{
	return db_run(s, e, "DELETE FROM desired WHERE repository = ?", "i", repository);
}
