/* SQLite: opening, migrating, statements, transactions. */
#include "store/db.h"

#include "support/base/log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The schema files stand in the program, in order; the number of the last one is the version of the database. */
#define SCHEMA_FILE(symbol, file)                                                                                     \
	__asm__(".pushsection .rodata\n" #symbol ":\n.incbin \"src/store/schema/" file "\"\n.byte 0\n.popsection\n"); \
	extern const char symbol[]
SCHEMA_FILE(schema_001, "001_start.sql");
SCHEMA_FILE(schema_002, "002_queue.sql");
SCHEMA_FILE(schema_003, "003_marked.sql");
SCHEMA_FILE(schema_004, "004_approvals.sql");
SCHEMA_FILE(schema_005, "005_order.sql");
SCHEMA_FILE(schema_006, "006_held.sql");
SCHEMA_FILE(schema_007, "007_host.sql");
SCHEMA_FILE(schema_008, "008_served.sql");
SCHEMA_FILE(schema_009, "009_urgency.sql");
SCHEMA_FILE(schema_010, "010_nothing_lost.sql");
SCHEMA_FILE(schema_011, "011_commands.sql");
SCHEMA_FILE(schema_012, "012_gates.sql");
SCHEMA_FILE(schema_013, "013_late_and_lost.sql");
SCHEMA_FILE(schema_014, "014_restored.sql");
SCHEMA_FILE(schema_015, "015_derivations.sql");
SCHEMA_FILE(schema_016, "016_figures.sql");
SCHEMA_FILE(schema_017, "017_builder.sql");
SCHEMA_FILE(schema_018, "018_hosts.sql");
SCHEMA_FILE(schema_019, "019_used.sql");
SCHEMA_FILE(schema_020, "020_measures.sql");
SCHEMA_FILE(schema_021, "021_estimates.sql");
SCHEMA_FILE(schema_022, "022_first.sql");
SCHEMA_FILE(schema_023, "023_overlap.sql");

static const char *const *
schema_versions(size_t *ret_n)
{
	static const char *versions[] = {schema_001, schema_002, schema_003, schema_004, schema_005, schema_006, schema_007,
	    schema_008, schema_009, schema_010, schema_011, schema_012, schema_013, schema_014, schema_015, schema_016,
	    schema_017, schema_018, schema_019, schema_020, schema_021, schema_022, schema_023};

	*ret_n = COUNT(versions);
	return versions;
}

struct db_statement {
	const char *sql;
	sqlite3_stmt *stmt;
};

static int
db_fail(struct store *s, struct err *e, const char *what)
{
	int code = sqlite3_extended_errcode(s->db);
	enum err_kind kind = ERR_SYSTEM;

	if ((code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_FULL)
		kind = ERR_BUSY;
	else if ((code & 0xff) == SQLITE_CONSTRAINT || (code & 0xff) == SQLITE_ERROR)
		kind = ERR_BUG;
	return fail(e, kind, "database: %s: %s", what, sqlite3_errmsg(s->db));
}

static int
pragma_int(struct store *s, const char *sql, int64_t *ret, struct err *e)
{
	sqlite3_stmt *q;

	if (sqlite3_prepare_v2(s->db, sql, -1, &q, NULL) != SQLITE_OK)
		return db_fail(s, e, sql);
	int rc = sqlite3_step(q);
	*ret = rc == SQLITE_ROW ? sqlite3_column_int64(q, 0) : 0;
	sqlite3_finalize(q);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : db_fail(s, e, sql);
}

static int
migrate(struct store *s, struct err *e)
{
	size_t n;
	const char *const *versions = schema_versions(&n);
	int64_t version = 0;

	if (pragma_int(s, "PRAGMA user_version", &version, e) != 0)
		return -1;
	if (version > (int64_t)n)
		return fail(e, ERR_INPUT, "%s was written by a newer ekaci (schema %lld, this one knows %zu)", s->path,
		    (long long)version, n);
	for (size_t v = (size_t)version; v < n; v++) {
		char done[64];
		snprintf(done, sizeof(done), "PRAGMA user_version = %zu; COMMIT;", v + 1);
		if (sqlite3_exec(s->db, "BEGIN IMMEDIATE;", NULL, NULL, NULL) != SQLITE_OK ||
		    sqlite3_exec(s->db, versions[v], NULL, NULL, NULL) != SQLITE_OK ||
		    sqlite3_exec(s->db, done, NULL, NULL, NULL) != SQLITE_OK)
			return db_fail(s, e, "migration");
	}
	return 0;
}

static int
exec(sqlite3 *db, const char *sql)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

/* A database gets its name when it is whole: one of that name without a schema is one whose content was lost. */
static int
make_new(const char *path, struct err *e)
{
	struct arena a = {0};
	struct store s = {.path = arena_printf(&a, "%s.new", path)};
	AUTO(fd_close) int dir = -1;

	(void)unlink(s.path);
	(void)unlink(arena_printf(&a, "%s-journal", s.path));
	int rc = sqlite3_open_v2(s.path, &s.db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
	rc = rc != SQLITE_OK || exec(s.db, "PRAGMA synchronous = FULL") != SQLITE_OK ? db_fail(&s, e, s.path) : migrate(&s, e);
	sqlite3_close(s.db);
	if (rc == 0 && rename(s.path, path) != 0)
		rc = fail_sys(e, "%s", path);
	const char *slash = strrchr(path, '/');
	const char *parent = slash != NULL ? str_dup(&a, (struct str){path, (size_t)(slash - path) + 1}) : ".";
	if (rc == 0 && ((dir = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 || fsync(dir) != 0))
		rc = fail_sys(e, "%s", parent);
	arena_release(&a);
	return rc;
}

/* SQLite would take an empty file for a new database, and everything would be evaluated and said anew. */
static int
make_or_refuse(const char *path, struct err *e)
{
	struct stat is;
	struct arena a = {0};
	int rc = 0;

	bool there = stat(path, &is) == 0;
	const char *log = arena_printf(&a, "%s-wal", path);
	if (there ? is.st_size == 0 : stat(log, &is) == 0 && is.st_size > 0)
		rc = fail(e, ERR_INPUT,
		    "%s is %s, and was not before: `ekaci restore` puts a backup in its place; to begin with nothing, remove %s*",
		    path, there ? "empty" : "gone, though its log is there", path);
	else if (!there)
		rc = make_new(path, e);
	arena_release(&a);
	return rc;
}

int
store_open(const char *path, struct store **ret, struct err *e)
{
	if (strcmp(path, ":memory:") != 0 && make_or_refuse(path, e) != 0)
		return -1;
	struct store *s = mem_alloc(sizeof(*s));

	s->path = mem_strdup(path);
	if (sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		goto failed;
	sqlite3_extended_result_codes(s->db, 1);
	/* Checkpoints are small and often: they stand in the way of the commits after them, and a small one for a few
	 * milliseconds only (intake's p99 is 4.9 ms with 300 pages and 11 ms with 2000; a thread that does it beside
	 * the loop is no better, because both wait for the same disk).
	 * Only a backup or a person with sqlite3 can hold the lock: a short wait is enough. */
	sqlite3_busy_timeout(s->db, 5000);
	if (sqlite3_exec(s->db,
	        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
	        "PRAGMA cache_size = -2048; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;"
	        "PRAGMA wal_autocheckpoint = 300; PRAGMA journal_size_limit = 16777216;",
	        NULL, NULL, NULL) != SQLITE_OK)
		goto failed;
	if (migrate(s, e) != 0) {
		store_close(s);
		return -1;
	}
	*ret = s;
	return 0;
failed:
	(void)db_fail(s, e, path);
	store_close(s);
	return -1;
}

/* As it is: of our own version, or not at all. */
static int
open_as_is(const char *path, int flags, struct store **ret, struct err *e)
{
	struct store *s = mem_alloc(sizeof(*s));
	int64_t version = 0;
	size_t n;
	int rc = 0;

	(void)schema_versions(&n);
	s->path = mem_strdup(path);
	if (sqlite3_open_v2(path, &s->db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		rc = db_fail(s, e, path);
	else
		rc = pragma_int(s, "PRAGMA user_version", &version, e);
	if (rc == 0 && version == 0)
		rc = fail(e, ERR_INPUT, "%s is empty: the bot says at its start what to do", path);
	else if (rc == 0 && version != (int64_t)n)
		rc = fail(e, ERR_INPUT,
		    "%s has schema %lld, this ekaci knows %zu: the bot and this command are not of one version, so restart the bot",
		    path, (long long)version, n);
	if (rc == 0 && (flags & SQLITE_OPEN_READWRITE) != 0 &&
	    sqlite3_exec(s->db, "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;", NULL, NULL,
	        NULL) != SQLITE_OK)
		rc = db_fail(s, e, path);
	if (rc != 0) {
		store_close(s);
		return -1;
	}
	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_busy_timeout(s->db, 5000);
	*ret = s;
	return 0;
}

int
store_open_to_look(const char *path, struct store **ret, struct err *e)
{
	return open_as_is(path, SQLITE_OPEN_READONLY, ret, e);
}

int
store_open_beside(const char *path, struct store **ret, struct err *e)
{
	return open_as_is(path, SQLITE_OPEN_READWRITE, ret, e);
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n_statements; i++)
		sqlite3_finalize(s->statements[i].stmt);
	mem_free(&s->statements);
	sqlite3_close(s->db);
	mem_free(&s->path);
	mem_free(&s);
}

static sqlite3_stmt *
statement(struct store *s, const char *sql, struct err *e)
{
	struct db_statement *found = NULL;

	/* One that is being stepped through (a query that asks itself again) is left alone: a second one is made. */
	for (size_t i = 0; i < s->n_statements && found == NULL; i++)
		if (s->statements[i].sql == sql && !sqlite3_stmt_busy(s->statements[i].stmt))
			found = &s->statements[i];
	if (found == NULL) {
		sqlite3_stmt *q;
		if (sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &q, NULL) != SQLITE_OK) {
			(void)db_fail(s, e, sql);
			return NULL;
		}
		if (s->n_statements == s->cap_statements) {
			s->cap_statements = s->cap_statements != 0 ? s->cap_statements * 2 : 64;
			s->statements = mem_realloc(s->statements, s->cap_statements, sizeof(*s->statements));
		}
		found = &s->statements[s->n_statements++];
		*found = (struct db_statement){.sql = sql, .stmt = q};
	}
	return found->stmt;
}

static sqlite3_stmt *
query(struct store *s, struct err *e, const char *sql, const char *format, va_list ap)
{
	sqlite3_stmt *q = statement(s, sql, e);
	va_list args;

	if (q == NULL)
		return NULL;
	va_copy(args, ap);
	for (int i = 0; format[i] != '\0'; i++) {
		struct str t;
		switch (format[i]) {
		case 'i': sqlite3_bind_int64(q, i + 1, va_arg(args, int64_t)); break;
		case 'd': sqlite3_bind_double(q, i + 1, va_arg(args, double)); break; /* NaN: NULL */
		case 's': sqlite3_bind_text(q, i + 1, va_arg(args, const char *), -1, SQLITE_TRANSIENT); break;
		case 't':
			t = va_arg(args, struct str);
			sqlite3_bind_text(q, i + 1, t.p != NULL ? t.p : "", (int)t.n, SQLITE_TRANSIENT);
			break;
		default:
			t = va_arg(args, struct str);
			if (t.p == NULL)
				sqlite3_bind_null(q, i + 1);
			else
				sqlite3_bind_blob64(q, i + 1, t.p, t.n, SQLITE_TRANSIENT);
		}
	}
	va_end(args);
	return q;
}

sqlite3_stmt *
db_query_(struct store *s, struct err *e, const char *sql, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	sqlite3_stmt *q = query(s, e, sql, format, ap);
	va_end(ap);
	return q;
}

int
db_row(struct store *s, sqlite3_stmt *q, struct err *e)
{
	int rc = sqlite3_step(q);

	if (rc == SQLITE_ROW)
		return 1;
	return rc == SQLITE_DONE ? 0 : db_fail(s, e, sqlite3_sql(q));
}

int
db_ids(struct store *s, struct arena *a, sqlite3_stmt *q, struct ids *ret, struct err *e)
{
	VEC(int64_t) all = {0};
	int rc = q == NULL ? -1 : 1;

	while (rc > 0 && (rc = db_row(s, q, e)) > 0)
		vec_push(&all, db_i64(q, 0));
	if (rc == 0)
		*ret = (struct ids){arena_dup(a, all.p, all.n * sizeof(*all.p)), all.n};
	vec_release(&all);
	return rc;
}

int
db_some_ids(struct store *s, sqlite3_stmt *q, int64_t *ids, size_t max, size_t *ret_n, struct err *e)
{
	int rc = q == NULL ? -1 : 1;

	for (*ret_n = 0; *ret_n < max && rc > 0 && (rc = db_row(s, q, e)) > 0; ++*ret_n)
		ids[*ret_n] = db_i64(q, 0);
	return rc < 0 ? -1 : 0;
}

void
db_done(sqlite3_stmt **q)
{
	if (*q == NULL)
		return;
	sqlite3_reset(*q);
	sqlite3_clear_bindings(*q);
	*q = NULL;
}

int
db_run_(struct store *s, struct err *e, const char *sql, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	AUTO(db_done) sqlite3_stmt *q = query(s, e, sql, format, ap);
	va_end(ap);
	return q == NULL || db_row(s, q, e) < 0 ? -1 : 0;
}

int
db_int_(struct store *s, int64_t *ret, struct err *e, const char *sql, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	AUTO(db_done) sqlite3_stmt *q = query(s, e, sql, format, ap);
	va_end(ap);
	int rc = q == NULL ? -1 : db_row(s, q, e);
	if (rc < 0)
		return -1;
	if (rc == 0)
		return 1;
	*ret = sqlite3_column_int64(q, 0);
	return 0;
}

int64_t
db_changes(struct store *s)
{
	return sqlite3_changes64(s->db);
}

int64_t
db_last_id(struct store *s)
{
	return sqlite3_last_insert_rowid(s->db);
}

char *
db_text(struct arena *a, sqlite3_stmt *q, int column)
{
	const char *p = (const char *)sqlite3_column_text(q, column);

	return p != NULL ? arena_strn(a, p, (size_t)sqlite3_column_bytes(q, column)) : NULL;
}

struct str
db_blob(struct arena *a, sqlite3_stmt *q, int column)
{
	const void *p = sqlite3_column_blob(q, column);
	size_t n = (size_t)sqlite3_column_bytes(q, column);

	if (p == NULL)
		return (struct str){NULL, 0};
	return (struct str){arena_strn(a, p, n), n};
}

int64_t
db_i64(sqlite3_stmt *q, int column)
{
	return sqlite3_column_int64(q, column);
}

int
store_begin_at(struct store *s, const char *at, struct err *e)
{
	if (s->depth == 0) {
		if (sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
			return db_fail(s, e, "begin");
		s->began_at = at;
		s->failed = false;
	}
	s->depth++;
	return 0;
}

int
store_end(struct store *s, int rc, struct err *e)
{
	if (s->depth == 0)
		return fail(e, ERR_BUG, "store_end without store_begin");
	if (rc != 0)
		s->failed = true;
	if (--s->depth > 0)
		return rc;
	if (s->failed) {
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
		if (rc == 0)
			return fail(e, ERR_BUG, "an inner step of the transaction begun at %s failed unnoticed", s->began_at);
		return rc;
	}
	if (sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK) {
		(void)db_fail(s, e, "commit");
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
		return -1;
	}
	s->commits++;
	return 0;
}

void
store_rest(struct store *s)
{
	(void)sqlite3_db_release_memory(s->db);
}

int64_t
store_version(struct store *s)
{
	const int64_t most = 1 << 24; /* commits of others, before they begin anew */
	int64_t others;
	struct err e;

	if (s->depth > 0 || db_int(s, &others, &e, "PRAGMA data_version", "") != 0)
		return 0;
	return sqlite3_total_changes64(s->db) * most + others % most + 1;
}

int64_t
store_commits(const struct store *s)
{
	return s->commits;
}

int
store_backup(struct store *s, const char *path, struct err *e)
{
	/* One reading transaction, so of one moment, and no writer waits for it; packed, too. */
	return db_run(s, e, "VACUUM INTO ?1", "s", path) == 0 ? 0 : fail_in(e, "cannot write the copy %s", path);
}
