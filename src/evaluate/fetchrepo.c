/* Nix' own git repositories, lent by alternates and filled by moving objects. */
#include "evaluate/fetchrepo.h"

#include "support/base/log.h"
#include "support/base/str.h"
#include "support/os/files.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_NAMES = 64 * 1024 * 1024 /* of refs in one file */, MAX_REPOS = 1000, MAX_DEPTH = 12 };

/* Called for each entry of a folder but "." and ".."; -1 ends it. A folder that is not there has none. */
typedef int entry_fn(void *ctx, struct arena *a, const char *name, struct err *e);

static int
each(struct arena *a, const char *dir, entry_fn *fn, void *ctx, struct err *e)
{
	DIR *d = opendir(dir);
	struct dirent *one;
	int rc = 0;

	if (d == NULL)
		return errno == ENOENT || errno == ENOTDIR ? 0 : fail_sys(e, "%s", dir);
	while (rc == 0 && (one = readdir(d)) != NULL)
		if (strcmp(one->d_name, ".") != 0 && strcmp(one->d_name, "..") != 0)
			rc = fn(ctx, a, one->d_name, e);
	closedir(d);
	return rc;
}

static bool
is_folder(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool
is_repository(struct arena *a, const char *path)
{
	return is_folder(arena_printf(a, "%s/objects", path)) && files_exist(arena_printf(a, "%s/HEAD", path));
}

/* Two folders, in step; what is done with an entry of the first. */
struct pair {
	const char *from, *to, *shown;
	size_t n, depth;
};

static int
copy_file(struct arena *a, const struct pair *p, const char *name, struct err *e)
{
	const char *from = arena_printf(a, "%s/%s", p->from, name);
	struct stat st;
	struct str bytes;

	if (lstat(from, &st) != 0 || !S_ISREG(st.st_mode))
		return 0;
	return files_read(a, from, MAX_NAMES, &bytes, e) == 0
	           ? files_write(arena_printf(a, "%s/%s", p->to, name), bytes, 0600, FILES_NO_SYNC, e)
	           : -1;
}

/* refs/ and all below it. */
static int
copy_ref(void *ctx, struct arena *a, const char *name, struct err *e)
{
	const struct pair *p = ctx;
	const char *from = arena_printf(a, "%s/%s", p->from, name);

	if (!is_folder(from))
		return copy_file(a, p, name, e);
	struct pair below = {.from = from, .to = arena_printf(a, "%s/%s", p->to, name), .depth = p->depth + 1};
	if (below.depth > MAX_DEPTH)
		return 0;
	return files_mkdirs(below.to, 0700, e) == 0 ? each(a, from, copy_ref, &below, e) : -1;
}

static int
copy_names(struct arena *a, const char *from, const char *to, struct err *e)
{
	static const char *const files[] = {"HEAD", "config", "packed-refs", "shallow"};
	struct pair p = {.from = from, .to = to},
	            refs = {.from = arena_printf(a, "%s/refs", from), .to = arena_printf(a, "%s/refs", to)};

	for (size_t i = 0; i < COUNT(files); i++)
		if (copy_file(a, &p, files[i], e) != 0)
			return -1;
	return files_mkdirs(refs.to, 0700, e) == 0 ? each(a, refs.from, copy_ref, &refs, e) : -1;
}

/* Nix 2.34 reads the packs of its tarball cache and nothing else, so they are shown as links, too. */
static int
link_pack(void *ctx, struct arena *a, const char *name, struct err *e)
{
	const struct pair *p = ctx;
	const char *at = arena_printf(a, "%s/%s", p->to, name);

	return symlink(arena_printf(a, "%s/%s", p->shown, name), at) == 0 ? 0 : fail_sys(e, "%s", at);
}

static int
lend_one(struct arena *a, const char *from, const char *to, const char *shown, struct err *e)
{
	const char *text = arena_printf(a, "%s/objects\n", shown);
	struct pair packs = {.from = arena_printf(a, "%s/objects/pack", from),
	    .to = arena_printf(a, "%s/objects/pack", to),
	    .shown = arena_printf(a, "%s/objects/pack", shown)};

	if (files_mkdirs(arena_printf(a, "%s/objects/info", to), 0700, e) != 0 || files_mkdirs(packs.to, 0700, e) != 0 ||
	    copy_names(a, from, to, e) != 0 || each(a, packs.from, link_pack, &packs, e) != 0)
		return -1;
	return files_write(arena_printf(a, "%s/objects/info/alternates", to), str_of(text), 0600, FILES_NO_SYNC, e);
}

/* An entry of a fetcher cache: a repository, or a folder of repositories. */
static int
lend_entry(void *ctx, struct arena *a, const char *name, struct err *e)
{
	struct pair *p = ctx;
	struct pair below = {arena_printf(a, "%s/%s", p->from, name), arena_printf(a, "%s/%s", p->to, name),
	    arena_printf(a, "%s/%s", p->shown, name), p->n, p->depth + 1};
	int rc = 0;

	if (!is_folder(below.from) || p->n >= MAX_REPOS)
		return 0;
	if (is_repository(a, below.from)) {
		p->n++;
		return lend_one(a, below.from, below.to, below.shown, e);
	}
	if (below.depth == 1)
		rc = each(a, below.from, lend_entry, &below, e);
	p->n = below.n;
	return rc;
}

int
fetchrepo_lend(const char *kept, const char *cache, const char *shown, struct err *e)
{
	struct arena a = {0};
	struct pair p = {.from = kept, .to = cache, .shown = shown};
	int rc = each(&a, kept, lend_entry, &p, e);

	arena_release(&a);
	return rc;
}

static int
move_file(void *ctx, struct arena *a, const char *name, struct err *e)
{
	const struct pair *p = ctx;
	const char *from = arena_printf(a, "%s/%s", p->from, name), *to = arena_printf(a, "%s/%s", p->to, name);
	struct stat st;

	if (lstat(from, &st) != 0 || !S_ISREG(st.st_mode)) /* a loan's own links */
		return 0;
	return rename(from, to) == 0 || errno == ENOENT ? 0 : fail_sys(e, "%s", from);
}

/* A pack is found by its index: that comes last. */
static int
move_pack(void *ctx, struct arena *a, const char *name, struct err *e)
{
	return str_ends(str_of(name), STR(".idx")) ? 0 : move_file(ctx, a, name, e);
}

static int
move_objects(void *ctx, struct arena *a, const char *name, struct err *e)
{
	const struct pair *p = ctx;
	struct pair below = {.from = arena_printf(a, "%s/%s", p->from, name), .to = arena_printf(a, "%s/%s", p->to, name)};

	if (strcmp(name, "info") == 0 || !is_folder(below.from))
		return 0;
	if (files_mkdirs(below.to, 0700, e) != 0)
		return -1;
	if (strcmp(name, "pack") == 0 && each(a, below.from, move_pack, &below, e) != 0)
		return -1;
	return each(a, below.from, move_file, &below, e);
}

static int
keep_one(struct arena *a, const char *from, const char *to, struct err *e)
{
	struct pair objects = {.from = arena_printf(a, "%s/objects", from), .to = arena_printf(a, "%s/objects", to)};

	if (!files_exist(to)) /* whole, and nobody's loan */
		return rename(from, to) == 0 ? 0 : fail_sys(e, "%s", to);
	return each(a, objects.from, move_objects, &objects, e) == 0 ? copy_names(a, from, to, e) : -1;
}

static int
keep_entry(void *ctx, struct arena *a, const char *name, struct err *e)
{
	struct pair *p = ctx;
	struct pair below = {.from = arena_printf(a, "%s/%s", p->from, name),
	    .to = arena_printf(a, "%s/%s", p->to, name),
	    .depth = p->depth + 1};

	if (!is_folder(below.from))
		return 0;
	if (is_repository(a, below.from))
		return files_mkdirs(p->to, 0700, e) == 0 ? keep_one(a, below.from, below.to, e) : -1;
	return below.depth == 1 ? each(a, below.from, keep_entry, &below, e) : 0;
}

static int64_t size_kb; /* nftw has no place for it; a stage is one thread */

static int
add_size(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)path;
	(void)type;
	(void)where;
	size_kb += st->st_blocks / 2;
	return 0;
}

static int
remove_entry(void *ctx, struct arena *a, const char *name, struct err *e)
{
	return files_remove_tree(arena_printf(a, "%s/%s", (const char *)ctx, name), e);
}

int
fetchrepo_keep(const char *cache, const char *kept, int64_t max_mb, struct err *e)
{
	struct arena a = {0};
	struct pair p = {.from = cache, .to = kept};
	int rc;

	size_kb = 0;
	if (nftw(kept, add_size, 16, FTW_PHYS) == 0 && size_kb / 1024 > max_mb) {
		log_warn("what was fetched for %s takes more than %lld MiB and will be fetched anew", kept, (long long)max_mb);
		rc = each(&a, kept, remove_entry, (void *)(uintptr_t)kept, e) == 0 ? 1 : -1;
	} else {
		rc = each(&a, cache, keep_entry, &p, e);
	}
	arena_release(&a);
	return rc;
}
