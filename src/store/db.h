/*
 * db - SQLite inside store/: constant SQL, bound parameters, one transaction at a time. Private to this folder.
 *
 * A query is one line at the call site. Parameters are given by a format, a letter each:
 *   i int64_t   s const char * (NULL is NULL)   t struct str (text)   b struct str (blob; p NULL is NULL)
 * Statements are prepared once and kept by the address of their SQL, so the SQL must be a literal.
 */
#ifndef EKACI_STORE_DB_H
#define EKACI_STORE_DB_H

#include "store/store.h"

#include <sqlite3.h>

struct db_statement;
struct store {
	sqlite3 *db;
	struct db_statement *statements;
	size_t n_statements, cap_statements;
	int depth;            /* of db_begin */
	const char *began_at; /* file:line of the open transaction */
	bool failed;          /* an inner step failed: the outermost commit becomes a rollback */
	const char *path;
	int64_t commits;
};

/* Runs a statement that gives no rows. */
#define db_run(s, e, sql, ...) db_run_(s, e, "" sql, __VA_ARGS__)
/* The first column of the first row; 1 when there is no row, NULL counts as 0. */
#define db_int(s, ret, e, sql, ...) db_int_(s, ret, e, "" sql, __VA_ARGS__)
/* A query to step through: AUTO(db_done) sqlite3_stmt *q = db_query(...); NULL means failed. */
#define db_query(s, e, sql, ...) db_query_(s, e, "" sql, __VA_ARGS__)
must_check int db_run_(struct store *s, struct err *e, const char *sql, const char *format, ...);
must_check int db_int_(struct store *s, int64_t *ret, struct err *e, const char *sql, const char *format, ...);
sqlite3_stmt *db_query_(struct store *s, struct err *e, const char *sql, const char *format, ...);
/* 1 with a row, 0 at the end, -1. */
must_check int db_row(struct store *s, sqlite3_stmt *q, struct err *e);
void db_done(sqlite3_stmt **q);
int64_t db_changes(struct store *s);
int64_t db_last_id(struct store *s);

/* The first column of all rows, in a; of at most max rows. */
must_check int db_ids(struct store *s, struct arena *a, sqlite3_stmt *q, struct ids *ret, struct err *e);
must_check int db_some_ids(struct store *s, sqlite3_stmt *q, int64_t *ids, size_t max, size_t *ret_n, struct err *e);

/* Columns of the row, copied into the arena; NULL stays NULL. */
char *db_text(struct arena *a, sqlite3_stmt *q, int column);
struct str db_blob(struct arena *a, sqlite3_stmt *q, int column);
int64_t db_i64(sqlite3_stmt *q, int column);

#endif
