/* Installations and repositories as rows, and whose they are. */
#include "store/installation.h"

#include "store/db.h"

/* Of deliveries only those that wait: the others are history, and many. */
static int
take_over(struct store *s, const char *host, struct err *e)
{
	if (db_run(s, e, "UPDATE installation SET host = ?1 WHERE host <> ?1", "s", host) != 0 ||
	    db_run(s, e, "UPDATE repository SET host = ?1 WHERE host <> ?1", "s", host) != 0)
		return -1;
	return db_run(s, e, "UPDATE delivery SET host = ?1 WHERE state = 'new' AND host <> ?1", "s", host);
}

int
store_host(struct store *s, const char *host, struct err *e)
{
	if (store_begin(s, e) != 0 || store_end(s, take_over(s, host, e), e) != 0)
		return -1;
	mem_free(&s->host);
	s->host = mem_strdup(host);
	return 0;
}

int
store_installation_put(struct store *s, int64_t id, const char *account, const char *state, struct err *e)
{
	return db_run(s, e,
	    "INSERT INTO installation (id, account, state, host) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (id) DO UPDATE SET"
	    " account = coalesce(excluded.account, account), state = excluded.state",
	    "isss", id, account, state, db_host(s));
}

int
store_repository_put(struct store *s, const struct repository *r, struct err *e)
{
	return db_run(s, e,
	    "INSERT INTO repository (id, installation, owner, name, clone_url, default_branch, private, host)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (id) DO UPDATE SET installation = excluded.installation,"
	    " owner = excluded.owner, name = excluded.name, clone_url = excluded.clone_url,"
	    " default_branch = excluded.default_branch, private = excluded.private",
	    "iissssis", r->id, r->installation, r->owner, r->name, r->clone_url, r->default_branch, (int64_t)r->is_private,
	    db_host(s));
}

int
store_repository_get(struct store *s, struct arena *a, int64_t id, struct repository *ret, struct err *e)
{
	AUTO(db_done)
	sqlite3_stmt *q = db_query(s, e,
	    "SELECT id, installation, owner, name, clone_url, default_branch, private FROM repository WHERE id = ?1", "i", id);
	int rc = q == NULL ? -1 : db_row(s, q, e);

	if (rc <= 0)
		return rc < 0 ? -1 : 1;
	*ret = (struct repository){.id = db_i64(q, 0),
	    .installation = db_i64(q, 1),
	    .owner = db_text(a, q, 2),
	    .name = db_text(a, q, 3),
	    .clone_url = db_text(a, q, 4),
	    .default_branch = db_text(a, q, 5),
	    .is_private = db_i64(q, 6) != 0};
	return 0;
}
