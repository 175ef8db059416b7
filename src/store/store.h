/*
 * store - everything durable, in one SQLite file with one writer: this process.
 *
 * Opening migrates the schema forward (src/store/schema/NNN_name.sql) and refuses a newer one. WAL, foreign keys,
 * synchronous=FULL: what was committed survives a power cut. Only files in store/ hold SQL.
 *
 * Transactions nest by count; the outermost commit writes. A function of store/ that changes more than one row opens
 * its own, so callers need one only to join several changes:
 *     if (store_begin(s, e) != 0) return -1;
 *     ... store_end(s, rc, e) commits when rc is 0 and rolls back otherwise; it gives rc.
 */
#ifndef EKACI_STORE_STORE_H
#define EKACI_STORE_STORE_H

#include "support/base/err.h"
#include "support/base/str.h"

struct store;

/* Rows by their numbers, in an arena. */
struct ids {
	int64_t *p;
	size_t n;
};

/* Made when there is none. ERR_INPUT: of a newer version; or it was there, and is empty or gone from beside its log. */
must_check int store_open(const char *path, struct store **ret, struct err *e);
/* For looking only, also while the bot uses it: nothing is migrated, any change fails. */
must_check int store_open_to_look(const char *path, struct store **ret, struct err *e);
/* For a command beside the bot, which writes a row: nothing is migrated, that is for the bot to do when it starts. */
must_check int store_open_beside(const char *path, struct store **ret, struct err *e);
void store_close(struct store *s);

#define store_begin(s, e) store_begin_at((s), ERR_AT, (e))
must_check int store_begin_at(struct store *s, const char *at, struct err *e);
must_check int store_end(struct store *s, int rc, struct err *e);

/* Commits since opening, for figures. */
int64_t store_commits(const struct store *s);
/* In a pause: the pages that are kept in memory go; they are read again when they are needed. */
void store_rest(struct store *s);
/* A consistent copy of the database while it is in use, in a file that must not be there. */
must_check int store_backup(struct store *s, const char *path, struct err *e);
/*
 * After the database came from a backup, without mirrors, evaluations, roots and whatever else is made again: runs under way begin at
 * their beginning, what they wanted built is asked for anew, and what may have been made at the forge since is looked for before it is
 * made. Names of files below from are now below to (folders, absolute).
 */
struct store_moved {
	int64_t runs, again; /* all of them, and those that begin again */
};
must_check int store_moved(struct store *s, const char *from, const char *to, struct store_moved *ret, struct err *e);

#endif
