/* Rows that have had their time. */
#include "store/prune.h"

#include "store/db.h"
#include "store/served.h"
#include "support/base/clock.h"

enum {
	SLICE_MS = 4,        /* of a call */
	SLICE_ROWS = 128,    /* that a call removes at most: each is some pages to be written */
	LOOKED_AT = 64,      /* rows between two looks at the clock */
	REMOVED_AT_ONCE = 64 /* by one statement */
};

/* ?1 is the key where the walk is, ?2 the time before which rows go. Without next, rows are found by some alone. */
struct kept {
	const char *next; /* the keys after ?1, in order, each with whether its row goes */
	const char *some; /* removes at most ?3 rows (of what hangs on the key ?1): again until there are none */
	const char *last; /* removes the row of the key ?1 */
};

#define WALK(table, goes) "SELECT id, " goes " FROM " table " WHERE id > ?1 ORDER BY id LIMIT 64"
#define SOME(table, key, condition) \
	"DELETE FROM " table " WHERE (" key ") IN (SELECT " key " FROM " table " WHERE " condition " LIMIT ?3)"

static const struct kept tables[] = {
    {WALK("desired", "updated < ?2 AND NOT (" SQL_OPEN_AND_SERVED ")"), NULL, "DELETE FROM desired WHERE id = ?1"},
    {NULL, SOME("delivery", "id", "received < ?2 AND state <> 'new' ORDER BY received"), NULL},
    /* The newest run of an open pull request stays: it is what its page and its check runs link to. */
    {WALK("run", "ended < ?2 AND reported >= changes AND NOT EXISTS (SELECT 1 FROM pull_request p"
                 " WHERE p.repository = run.repository AND p.number = run.number AND p.state = 'open'"
                 " AND NOT EXISTS (SELECT 1 FROM repository o WHERE o.id = p.repository AND " SQL_UNHEARD ") AND run.id ="
                 " (SELECT max(n.id) FROM run n WHERE n.repository = p.repository AND n.number = p.number))"),
        SOME("build_want", "run, build", "run = ?1"), "DELETE FROM run WHERE id = ?1"},
    {WALK("build", "ended < ?2 AND NOT EXISTS (SELECT 1 FROM build_want w WHERE w.build = build.id)"),
        SOME("build_input", "input, build", "input = ?1 OR build = ?1"), "DELETE FROM build WHERE id = ?1"},
    {WALK("command", "done < ?2"), NULL, "DELETE FROM command WHERE id = ?1"},
    {NULL, SOME("question", "repository, number", "at < ?2"), NULL},
    {NULL, SOME("permission", "repository, login", "told < ?2"), NULL},
    {"SELECT repository, ?2 > 0 FROM figure WHERE repository > ?1 ORDER BY repository LIMIT 1", NULL,
        "DELETE FROM figure WHERE repository = ?1"
        " AND at < (unixepoch() - 86400 * CASE span WHEN 'hour' THEN 3 ELSE 400 END) * 1000"},
    {NULL, SOME("build_used", "hour, repository, number", "hour < unixepoch() / 3600 - 72"), NULL},
};

struct slice {
	struct store *s;
	struct store_pruning *p;
	int64_t until_ms, rows;
};

static bool
is_over(const struct slice *c)
{
	return c->rows <= 0 || clock_mono_ms() >= c->until_ms;
}

/* 1: there may be more of them. */
static int
remove_some(struct slice *c, const struct kept *t, int64_t key, struct err *e)
{
	while (t->some != NULL) {
		if (is_over(c))
			return 1;
		if (db_run_(c->s, e, t->some, "iii", key, c->p->before, (int64_t)REMOVED_AT_ONCE) != 0)
			return -1;
		if (db_changes(c->s) == 0)
			break;
		c->rows -= db_changes(c->s);
	}
	return 0;
}

static int
remove_row(struct slice *c, const struct kept *t, int64_t key, struct err *e)
{
	int rc = remove_some(c, t, key, e);

	if (rc != 0)
		return rc;
	c->rows--;
	return db_run_(c->s, e, t->last, "i", key);
}

struct looked_at {
	int64_t key[LOOKED_AT];
	bool goes[LOOKED_AT];
	size_t n;
};

static int
look_at_next(struct slice *c, const struct kept *t, struct looked_at *ret, struct err *e)
{
	AUTO(db_done) sqlite3_stmt *q = db_query_(c->s, e, t->next, "ii", c->p->key, c->p->before);
	int rc = q == NULL ? -1 : 1;

	for (ret->n = 0; rc > 0 && ret->n < LOOKED_AT && (rc = db_row(c->s, q, e)) > 0; ret->n++) {
		ret->key[ret->n] = db_i64(q, 0);
		ret->goes[ret->n] = db_i64(q, 1) != 0;
	}
	return rc < 0 ? -1 : 0;
}

/* 1: the slice is over before the table is. */
static int
prune_table(struct slice *c, const struct kept *t, struct err *e)
{
	struct looked_at rows;

	if (t->next == NULL)
		return remove_some(c, t, 0, e);
	for (;;) {
		if (is_over(c))
			return 1;
		if (look_at_next(c, t, &rows, e) != 0)
			return -1;
		if (rows.n == 0)
			return 0;
		for (size_t i = 0; i < rows.n; i++) {
			if (rows.goes[i] && is_over(c))
				return 1;
			int rc = rows.goes[i] ? remove_row(c, t, rows.key[i], e) : 0;
			if (rc != 0)
				return rc;
			c->p->key = rows.key[i];
		}
	}
}

static int
prune(struct slice *c, struct err *e)
{
	for (; c->p->at < COUNT(tables); c->p->at++, c->p->key = 0) {
		int rc = prune_table(c, &tables[c->p->at], e);
		if (rc != 0)
			return rc;
	}
	return 0;
}

int
store_prune(struct store *s, struct store_pruning *p, struct err *e)
{
	struct slice c = {s, p, clock_mono_ms() + SLICE_MS, SLICE_ROWS};

	if (store_begin(s, e) != 0)
		return -1;
	int rc = prune(&c, e);
	if (store_end(s, rc < 0 ? -1 : 0, e) != 0)
		return -1;
	return rc;
}
