/* Bare repositories of ours, through the git program. */
#include "changeset/gitdir.h"

#include "support/base/clock.h"
#include "support/base/log.h"
#include "support/os/files.h"
#include "support/os/lock.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	MAX_REFSPECS = 4,
	MAX_PACKS = 40,     /* then they are rolled up: every read looks into each of them */
	STALE_PACK_S = 3600 /* a half-written pack that nobody wrote to for so long is nobody's */
};

int
gitdir_lock(const struct gitcmd *g, int *ret_fd, struct err *e)
{
	const char *path = arena_printf(g->a, "%s.lock", g->dir);
	struct str folder = {path, (size_t)(strrchr(path, '/') - path)};

	if (folder.n > 0 && files_mkdirs(str_dup(g->a, folder), 0700, e) != 0)
		return -1;
	return lock_wait(path, g->deadline_ms, "another fetch of this repository took all the time", ret_fd, e);
}

int
gitdir_make(const struct gitcmd *g, struct err *e)
{
	static const char *const init[] = {"init", "--bare", "--quiet", "--template=", NULL};
	struct gitcmd new = *g;

	if (files_exist(arena_printf(g->a, "%s/HEAD", g->dir)))
		return 0;
	new.dir = arena_printf(g->a, "%s.new", g->dir);
	if (files_remove_tree(new.dir, e) != 0 || files_remove_tree(g->dir, e) != 0)
		return -1;
	if (gitcmd_run(&new, init, NULL, e) != 0)
		return fail_in(e, "cannot make the mirror");
	if (rename(new.dir, g->dir) != 0)
		return fail_sys(e, "cannot make the mirror %s", g->dir);
	return 0;
}

static int
remove_lock(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	const char *name = path + ftw->base;

	(void)st;
	if (type == FTW_D && ftw->level == 1 && strcmp(name, "objects") == 0)
		return FTW_SKIP_SUBTREE;
	if (type == FTW_F && str_ends(str_of(name), STR(".lock")) && unlink(path) == 0)
		log_warn("removed %s, left over from a fetch that was killed", path);
	return FTW_CONTINUE;
}

bool
gitdir_is_sound(const struct gitcmd *g)
{
	static const char *const args[] = {"for-each-ref", "--format=%(objecttype)", NULL};
	struct err e = {0};

	return gitcmd_run(g, args, NULL, &e) == 0 || e.kind == ERR_BUSY;
}

int
gitdir_fetch(const struct gitcmd *g, const char *option, const char *const *what, enum gitcmd_trouble *ret_trouble,
    struct err *e)
{
	const char *args[MAX_REFSPECS + 12] = {"fetch", "--quiet", "--no-tags", "--no-write-fetch-head",
	    "--no-recurse-submodules", "--no-auto-maintenance", "--force"};
	size_t n = 7;

	if (option != NULL)
		args[n++] = option;
	args[n++] = "--";
	args[n++] = g->url;
	for (size_t i = 0; i < MAX_REFSPECS && what[i] != NULL; i++)
		args[n++] = what[i];
	if (gitcmd_run(g, args, ret_trouble, e) == 0)
		return 0;
	if (*ret_trouble == GITCMD_LOCKED) {
		(void)nftw(g->dir, remove_lock, 16, FTW_PHYS | FTW_ACTIONRETVAL);
		if (gitcmd_run(g, args, ret_trouble, e) == 0)
			return 0;
	}
	if (e->kind == ERR_SYSTEM && *ret_trouble == GITCMD_OTHER && !gitdir_is_sound(g))
		*ret_trouble = GITCMD_CORRUPT;
	return -1;
}

/* How many packs there are; half-written ones of killed fetches, which may be large, go. */
static size_t
tidy_packs(const struct gitcmd *g)
{
	const char *folder = arena_printf(g->a, "%s/objects/pack", g->dir);
	DIR *dir = opendir(folder);
	struct dirent *entry;
	size_t packs = 0;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		struct str name = str_of(entry->d_name);
		struct stat st;
		packs += str_ends(name, STR(".pack"));
		if (!str_starts(name, STR("tmp_")) || fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		if (st.st_mtim.tv_sec < clock_now_ms() / 1000 - STALE_PACK_S && unlinkat(dirfd(dir), entry->d_name, 0) == 0)
			log_warn("removed %s/%s, left over from a fetch that was killed", folder, entry->d_name);
	}
	if (dir != NULL)
		closedir(dir);
	return packs;
}

void
gitdir_maintain(const struct gitcmd *g)
{
	static const char *const repack[] = {"repack", "-d", "-l", "-q", "--geometric=2", NULL};
	struct err e = {0};

	if (tidy_packs(g) >= MAX_PACKS && gitcmd_run(g, repack, NULL, &e) != 0)
		log_err(LOG_WARN, "maintenance of a mirror", &e);
}
