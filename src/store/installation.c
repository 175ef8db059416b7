/* Installations and repositories as rows. */
#include "store/installation.h"

#include "store/db.h"
#include "store/served.h"
#include "support/base/clock.h"

int
store_installation_put(struct store *s, int64_t id, const char *account, const char *state, struct err *e)
{
	int rc = store_installation_move(s, id, account, state, 0, e);

	return rc < 0 ? -1 : 0;
}

int
store_installation_move(struct store *s, int64_t id, const char *account, const char *state, int64_t changed, struct err *e)
{
	if (db_run(s, e,
	        "INSERT INTO installation (id, account, state, changed, since)"
	        " VALUES (?1, ?2, coalesce(?3, 'active'), ?4, ?5) ON CONFLICT (id) DO UPDATE SET"
	        " account = coalesce(excluded.account, account),"
	        " since = CASE WHEN state = coalesce(?3, state) THEN since ELSE excluded.since END,"
	        " state = coalesce(?3, state), changed = max(changed, excluded.changed)"
	        " WHERE ?3 IS NULL OR (state <> 'deleted' AND (?4 = 0 OR ?4 >= changed))",
	        "issii", id, account, state, changed, clock_now_ms()) != 0)
		return -1;
	return db_changes(s) == 1 ? 0 : 1;
}

int
store_installation_repositories(struct store *s, struct arena *a, int64_t id, struct ids *ret, struct err *e)
{
	AUTO(db_done) sqlite3_stmt *q = db_query(s, e, "SELECT id FROM repository WHERE installation = ?1", "i", id);

	return db_ids(s, a, q, ret, e);
}

/* What waits to be sent goes where the repository is now. */
static int
follow(struct store *s, int64_t id, struct err *e)
{
	return db_run(s, e,
	    "UPDATE desired SET installation = o.installation, owner = o.owner, repo = o.name FROM repository o"
	    " WHERE o.id = ?1 AND desired.repository = o.id"
	    " AND (desired.installation <> o.installation OR desired.owner <> o.owner OR desired.repo <> o.name)",
	    "i", id);
}

static int
put(struct store *s, const struct repository *r, struct err *e)
{
	int64_t newer = r->changed, lifted = r->lifted;

	/* ?10: of the very second of what is known, this says that it was made public or writable. */
	if (db_run(s, e,
	        "INSERT INTO repository (id, installation, owner, name, clone_url, default_branch, private, changed, state,"
	        " since) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, CASE ?9 WHEN 0 THEN 'active' ELSE 'archived' END, ?11)"
	        " ON CONFLICT (id) DO UPDATE SET installation = excluded.installation,"
	        " owner = excluded.owner, name = excluded.name, clone_url = excluded.clone_url,"
	        " default_branch = excluded.default_branch, changed = max(changed, excluded.changed),"
	        " private = excluded.private OR (private AND NOT (?8 > changed OR ?10)),"
	        " state = CASE WHEN excluded.state = 'archived' OR (state = 'archived' AND NOT (?8 > changed OR ?10))"
	        "  THEN 'archived' ELSE 'active' END,"
	        " since = CASE WHEN state = excluded.state THEN since ELSE excluded.since END"
	        " WHERE ?8 = 0 OR ?8 >= changed",
	        "iissssiiiii", r->id, r->installation, r->owner, r->name, r->clone_url, r->default_branch,
	        (int64_t)r->is_private, newer, (int64_t)r->is_archived, lifted, clock_now_ms()) != 0)
		return -1;
	return follow(s, r->id, e);
}

int
store_repository_put(struct store *s, const struct repository *r, struct err *e)
{
	if (store_begin(s, e) != 0)
		return -1;
	return store_end(s, put(s, r, e), e);
}

int
store_repository_get(struct store *s, struct arena *a, int64_t id, struct repository *ret, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT o.id, o.installation, o.owner, o.name, o.clone_url, o.default_branch, o.private, o.state = 'archived',"
	    " " SQL_SERVED("o.id", "o.installation") ", " SQL_UNHEARD ", o.changed,"
	                                             " " SQL_SINCE ", o.links"
	                                             " FROM repository o WHERE o.id = ?1",
	    "i", id);
	int rc = q == NULL ? -1 : db_row(s, q, e);

	if (rc <= 0)
		return rc < 0 ? -1 : 1;
	*ret = (struct repository){.id = db_i64(q, 0),
	    .installation = db_i64(q, 1),
	    .owner = db_text(a, q, 2),
	    .name = db_text(a, q, 3),
	    .clone_url = db_text(a, q, 4),
	    .default_branch = db_text(a, q, 5),
	    .is_private = db_i64(q, 6) != 0,
	    .is_archived = db_i64(q, 7) != 0,
	    .served = db_i64(q, 8) != 0,
	    .gone = db_i64(q, 9) != 0,
	    .changed = db_i64(q, 10),
	    .since = db_i64(q, 11),
	    .links = db_i64(q, 12)};
	return 0;
}

int
store_repository_move(struct store *s, int64_t id, int64_t installation, const char *state, int64_t listed, struct err *e)
{
	if (db_run(s, e,
	        "UPDATE repository SET since = CASE WHEN state = ?3 THEN since ELSE ?5 END, state = ?3,"
	        " installation = ?2, listed = max(listed, ?4)"
	        " WHERE id = ?1 AND state <> 'deleted' AND (installation = ?2 OR ?3 = 'active') AND (?4 = 0 OR ?4 >= listed)",
	        "iisii", id, installation, state, listed, clock_now_ms()) != 0)
		return -1;
	return db_changes(s) == 1 ? 0 : 1;
}

int
store_repository_hide(struct store *s, int64_t id, struct err *e)
{
	return db_run(s, e, "UPDATE repository SET private = 1, changed = 0 WHERE id = ?1 AND private = 0", "i", id);
}

int
store_repository_revoke(struct store *s, int64_t id, struct err *e)
{
	return db_run(s, e, "UPDATE repository SET links = links + 1 WHERE id = ?1", "i", id);
}

int
store_repositories_at_work(struct store *s, struct arena *a, struct ids *ret, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT repository FROM run WHERE ended IS NULL UNION SELECT repository FROM command WHERE done IS NULL", "");

	return db_ids(s, a, q, ret, e);
}

int
store_repositories_gone(struct store *s, struct arena *a, int64_t before, struct ids *ret, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT o.id FROM repository o WHERE o.state = 'deleted' OR (" SQL_UNHEARD " AND ?1 >"
	    " " SQL_SINCE ")",
	    "i", before);

	return db_ids(s, a, q, ret, e);
}
