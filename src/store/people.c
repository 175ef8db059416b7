/* Who gives commands, as rows. */
#include "store/people.h"

#include "store/db.h"
#include "support/base/clock.h"

int
store_people_asked(struct store *s, int64_t repository, const char *login, int64_t since, int64_t *ret, struct err *e)
{
	return db_int(s, ret, e,
	           "SELECT count(DISTINCT coalesce(c.comment, -c.id)) FROM command c JOIN repository r ON r.id = c.repository"
	           " WHERE c.login = ?1 COLLATE NOCASE AND c.received > ?2"
	           " AND r.installation = (SELECT o.installation FROM repository o WHERE o.id = ?3)",
	           "sii", login, since, repository) < 0
	           ? -1
	           : 0;
}

int
store_people_may(struct store *s, int64_t repository, const char *login, const char *permission, struct err *e)
{
	return db_run(s, e,
	    "INSERT INTO permission (repository, login, permission, told) VALUES (?, ?, ?, ?) ON CONFLICT (repository, login)"
	    " DO UPDATE SET permission = excluded.permission, told = excluded.told",
	    "issi", repository, login, permission, clock_now_ms());
}

int
store_people_told(struct store *s, struct arena *a, int64_t repository, const char *login, int64_t since, const char **ret,
    struct err *e)
{
	/* A clock that was set back makes nothing new that is old. */
	AUTO(db_done)
	sqlite3_stmt *q =
	    db_query(s, e, "SELECT permission FROM permission WHERE repository = ? AND login = ? AND told > ? AND told <= ?",
	        "isii", repository, login, since, clock_now_ms());
	int rc = q == NULL ? -1 : db_row(s, q, e);

	*ret = rc > 0 ? db_text(a, q, 0) : NULL;
	return rc < 0 ? -1 : 0;
}

int
store_people_question(struct store *s, const struct people_question *q, int64_t *ret_thread, struct err *e)
{
	int rc = db_int(s, ret_thread, e,
	    "SELECT thread FROM question WHERE repository = ? AND number = ? AND login = ? AND asked = ?", "iiss",
	    q->repository, q->number, q->login, q->asked);

	if (rc == 1)
		*ret_thread = q->comment;
	if (rc < 0)
		return -1;
	return db_run(s, e,
	    "INSERT INTO question (repository, number, login, asked, thread, at) VALUES (?, ?, ?, ?, ?, ?)"
	    " ON CONFLICT (repository, number) DO UPDATE SET login = excluded.login, asked = excluded.asked,"
	    "  thread = excluded.thread, at = excluded.at",
	    "iissii", q->repository, q->number, q->login, q->asked, *ret_thread, clock_now_ms());
}

int
store_people_said(struct store *s, int64_t repository, int64_t number, struct err *e)
{
	return db_run(s, e, "DELETE FROM question WHERE repository = ? AND number = ?", "ii", repository, number);
}

int
store_command_answer(struct store *s, int64_t command, const char *answer, struct err *e)
{
	return db_run(s, e, "UPDATE command SET answer = ? WHERE id = ?", "si", answer, command);
}

int
store_command_answers(struct store *s, struct arena *a, int64_t repository, int64_t comment, struct command_answer **ret,
    size_t *ret_n, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT id, answer FROM command WHERE comment = ? AND repository = ? AND answer IS NOT NULL ORDER BY id", "ii",
	    comment, repository);
	VEC(struct command_answer) all = {0};
	int rc = q == NULL ? -1 : 1;

	while (rc > 0 && (rc = db_row(s, q, e)) > 0)
		vec_push(&all, ((struct command_answer){db_i64(q, 0), db_text(a, q, 1)}));
	if (rc == 0) {
		*ret = arena_dup(a, all.p, all.n * sizeof(*all.p));
		*ret_n = all.n;
	}
	vec_release(&all);
	return rc;
}
