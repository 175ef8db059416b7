/* Fetcher caches, lent and kept. */
#include "evaluate/fetches.h"

#include "support/base/clock.h"
#include "support/base/log.h"
#include "support/os/files.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <utime.h>

enum { MAX_TABLE = 64 * 1024 * 1024, FORGET_MS = 3600 * 1000 }; /* a row a fetch: thousands of them are a megabyte */

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
copy_table(const char *from, const char *name, const char *to, struct err *e)
{
	struct arena a = {0};
	struct str bytes;
	struct stat st;
	int rc = 0;

	/* Nix empties its journal when a change is whole. */
	bool whole = stat(arena_printf(&a, "%s/%s-journal", from, name), &st) != 0 || st.st_size == 0;
	if (whole && lstat(arena_printf(&a, "%s/%s", from, name), &st) == 0 && S_ISREG(st.st_mode)) {
		rc = files_read(&a, arena_printf(&a, "%s/%s", from, name), MAX_TABLE, &bytes, e);
		if (rc == 0)
			rc = files_write(arena_printf(&a, "%s/%s", to, name), bytes, 0600, FILES_NO_SYNC, e);
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
fetches_lend(const char *dir, const char *cache, struct err *e)
{
	struct arena a = {0};
	int rc = copy_tables(dir, arena_printf(&a, "%s/nix", cache), e);

	arena_release(&a);
	return rc;
}

int
fetches_keep(const char *cache, const char *dir, struct err *e)
{
	struct arena a = {0};
	int rc = copy_tables(arena_printf(&a, "%s/nix", cache), dir, e);

	if (rc == 0)
		(void)utime(dir, NULL); /* as old as its last use: retention goes by it */
	arena_release(&a);
	return rc;
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
