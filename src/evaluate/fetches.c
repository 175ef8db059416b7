/* Fetcher caches, lent and kept. */
#include "evaluate/fetches.h"

#include "evaluate/fetchrepo.h"
#include "support/base/clock.h"
#include "support/base/log.h"
#include "support/os/files.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utime.h>

enum {
	MAX_TABLE = 64 * 1024 * 1024, /* a row a fetch: thousands of them are a megabyte */
	MAX_REPOS_MB = 8 * 1024,      /* of fetched repositories: nixpkgs' history is three gigabytes */
	FORGET_MS = 3600 * 1000
};

int
fetches_mode_of(const char *word, enum fetch_mode *ret, struct err *e)
{
	static const char *const names[] = {"never", "once", "keep"};

	for (size_t i = 0; i < COUNT(names); i++)
		if (strcmp(word, names[i]) == 0) {
			*ret = (enum fetch_mode)i;
			return 0;
		}
	return fail(e, ERR_INPUT, "fetch: \"never\", \"once\" or \"keep\", not \"%.40s\"", word);
}

bool
fetches_are_there(const char *dir)
{
	return files_exist(dir);
}

static int
copy_file(struct arena *a, const char *from, const char *to, struct err *e)
{
	struct str bytes;

	return files_read(a, from, MAX_TABLE, &bytes, e) == 0 ? files_write(to, bytes, 0600, FILES_NO_SYNC, e) : -1;
}

/* Whoever wrote the table may have been ended. A journal says that a change was not whole; a log, which newer Nix has
 * instead, holds changes that are not in the table yet, and belongs to it (https://sqlite.org/walformat.html). */
static int
copy_table(const char *from, const char *name, const char *to, struct err *e)
{
	struct arena a = {0};
	struct stat st;
	const char *table = arena_printf(&a, "%s/%s", from, name), *copy = arena_printf(&a, "%s/%s", to, name);
	const char *log = arena_printf(&a, "%s-wal", table), *log_copy = arena_printf(&a, "%s-wal", copy);
	int rc = 0;

	bool whole = stat(arena_printf(&a, "%s-journal", table), &st) != 0 || st.st_size == 0;
	if (whole && lstat(table, &st) == 0 && S_ISREG(st.st_mode)) {
		if (unlink(log_copy) != 0 && errno != ENOENT)
			rc = fail_sys(e, "%s", log_copy);
		if (rc == 0)
			rc = copy_file(&a, table, copy, e);
		if (rc == 0 && lstat(log, &st) == 0 && S_ISREG(st.st_mode))
			rc = copy_file(&a, log, log_copy, e);
	}
	arena_release(&a);
	return rc;
}

static int
copy_tables(const char *from, const char *to, struct err *e)
{
	struct dirent *one;
	DIR *d;
	int rc = files_mkdirs(to, 0700, e);

	if (rc != 0)
		return -1;
	d = opendir(from);
	if (d == NULL)
		return errno == ENOENT ? 0 : fail_sys(e, "%s", from);
	while (rc == 0 && (one = readdir(d)) != NULL) {
		struct str name = str_of(one->d_name);
		if (str_starts(name, STR("fetcher-cache-v")) && str_ends(name, STR(".sqlite")))
			rc = copy_table(from, one->d_name, to, e);
	}
	closedir(d);
	return rc;
}

int
fetches_lend(const char *dir, const char *cache, const char *shown, struct err *e)
{
	struct arena a = {0};
	const char *nix = arena_printf(&a, "%s/nix", cache);
	int rc = copy_tables(dir, nix, e);

	if (rc == 0)
		rc = fetchrepo_lend(dir, nix, shown, e);
	arena_release(&a);
	return rc;
}

int
fetches_keep(const char *cache, const char *dir, struct err *e)
{
	struct arena a = {0};
	const char *nix = arena_printf(&a, "%s/nix", cache);
	int rc = files_mkdirs(dir, 0700, e);

	/* The table last: what it names is there. */
	if (rc == 0)
		rc = fetchrepo_keep(nix, dir, MAX_REPOS_MB, e);
	if (rc == 0)
		rc = copy_tables(nix, dir, e);
	if (rc >= 0)
		(void)utime(dir, NULL); /* as old as its last use: retention goes by it */
	arena_release(&a);
	return rc < 0 ? -1 : 0;
}

void
fetches_forget(const char *dir)
{
	struct stat st;
	struct err e;

	if (stat(dir, &st) == 0 && clock_now_ms() - (int64_t)st.st_mtim.tv_sec * 1000 > FORGET_MS &&
	    files_remove_tree(dir, &e) != 0)
		log_err(LOG_WARN, "fetches", &e);
}
