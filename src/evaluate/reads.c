/* What was read: kept as a file, and held against two trees. */
#include "evaluate/reads.h"

#include "changeset/repository.h"
#include "support/os/files.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

/* The first line of a file; then, of each path, a digit (its flags), a blank, its bytes, and a NUL. */
#define FIRST_LINE "ekaci reads 1\n"
enum { MAX_BYTES = 256 * 1024 * 1024 };

void
reads_add(struct reads *r, struct str path, unsigned flags)
{
	struct map_entry *at = map_get(&r->paths, path);

	if (at == NULL)
		at = map_add(&r->paths, (struct str){arena_strn(&r->a, path.p, path.n), path.n}, NULL);
	at->value |= flags;
}

void
reads_release(struct reads *r)
{
	map_release(&r->paths);
	arena_release(&r->a);
}

const char *
reads_file(struct arena *a, const char *evals_dir, const char *key)
{
	return arena_printf(a, "%s/%s.reads.zst", evals_dir, key);
}

static int
pack(const char *file, struct str text, struct err *e)
{
	size_t room = ZSTD_compressBound(text.n);
	AUTO(mem_free) char *out = mem_alloc(room);
	ZSTD_CCtx *z = ZSTD_createCCtx();

	if (z == NULL)
		return fail(e, ERR_SYSTEM, "no memory to compress %s", file);
	ZSTD_CCtx_setParameter(z, ZSTD_c_checksumFlag, 1);
	size_t n = ZSTD_compress2(z, out, room, text.p, text.n);
	ZSTD_freeCCtx(z);
	if (ZSTD_isError(n))
		return fail(e, ERR_SYSTEM, "zstd: %s", ZSTD_getErrorName(n));
	return files_write(file, (struct str){out, n}, 0600, FILES_NO_SYNC, e);
}

static int
by_path(const void *a, const void *b)
{
	const struct map_entry *const *x = a, *const *y = b;

	return str_cmp((*x)->key, (*y)->key);
}

int
reads_write(const char *file, const struct reads *r, struct err *e)
{
	AUTO(mem_free) const struct map_entry **sorted = mem_alloc((r->paths.n + 1) * sizeof(*sorted));
	AUTO(buf_release) struct buf text;

	buf_init(&text, MAX_BYTES);
	for (size_t i = 0; i < r->paths.n; i++)
		sorted[i] = &r->paths.p[i];
	qsort(sorted, r->paths.n, sizeof(*sorted), by_path);
	buf_puts(&text, FIRST_LINE);
	for (size_t i = 0; i < r->paths.n; i++) {
		buf_printf(&text, "%zu ", sorted[i]->value);
		buf_str(&text, sorted[i]->key);
		buf_putc(&text, '\0');
	}
	if (text.over)
		return fail(e, ERR_LIMIT, "the evaluation looked at more paths than are kept");
	return pack(file, buf_get(&text), e);
}

static int
unpack(struct arena *a, const char *file, struct str *ret, struct err *e)
{
	struct arena packed = {0};
	struct str bytes;
	int rc = files_read(&packed, file, MAX_BYTES, &bytes, e);

	if (rc == 0) {
		unsigned long long n = ZSTD_getFrameContentSize(bytes.p, bytes.n);
		bool sane = n != ZSTD_CONTENTSIZE_ERROR && n != ZSTD_CONTENTSIZE_UNKNOWN && n <= MAX_BYTES;
		char *out = sane ? arena_alloc(a, (size_t)n + 1) : NULL;
		size_t got = sane ? ZSTD_decompress(out, (size_t)n, bytes.p, bytes.n) : 0;
		if (!sane || ZSTD_isError(got) || got != n)
			rc = fail(e, ERR_INPUT, "%s is damaged", file);
		*ret = (struct str){out, (size_t)n};
	}
	arena_release(&packed);
	return rc;
}

/* One path with its flags, of text, which goes behind it. */
static bool
take(struct str *text, struct reads *ret)
{
	const char *end = text->n > 2 ? memchr(text->p, '\0', text->n) : NULL;
	unsigned flags = end != NULL ? (unsigned)(text->p[0] - '0') : 0;

	if (flags == 0 || flags > (READS_LOOKED | READS_CONTENT | READS_LISTED) || text->p[1] != ' ')
		return false;
	map_add(&ret->paths, (struct str){text->p + 2, (size_t)(end - text->p) - 2}, NULL)->value = flags;
	*text = str_from(*text, (size_t)(end - text->p) + 1);
	return true;
}

int
reads_read(const char *file, struct reads *ret, struct err *e)
{
	struct str text, first = STR(FIRST_LINE);

	*ret = (struct reads){0};
	int rc = unpack(&ret->a, file, &text, e);
	if (rc == 0 && !str_starts(text, first))
		rc = fail(e, ERR_INPUT, "%s does not begin as it should", file);
	if (rc == 0)
		text = str_from(text, first.n);
	while (rc == 0 && text.n > 0)
		if (!take(&text, ret))
			rc = fail(e, ERR_INPUT, "%s is damaged", file);
	if (rc != 0)
		reads_release(ret);
	return rc;
}

/* --- against two trees --- */

static void
diff_free(git_diff **diff)
{
	git_diff_free(*diff);
}

/* What a look at a path shows: 0 for nothing there. Modes that differ in what nobody sees are one. */
static unsigned
look_of(const git_tree *tree, const char *path)
{
	AUTO(entry_free) git_tree_entry *entry = NULL;

	if (git_tree_entry_bypath(&entry, tree, path) != 0)
		return 0;
	switch ((int)git_tree_entry_filemode(entry)) {
	case GIT_FILEMODE_TREE:
	case GIT_FILEMODE_COMMIT: return GIT_FILEMODE_TREE;
	case GIT_FILEMODE_BLOB_EXECUTABLE: return GIT_FILEMODE_BLOB_EXECUTABLE;
	case GIT_FILEMODE_LINK: return GIT_FILEMODE_LINK;
	default: return GIT_FILEMODE_BLOB;
	}
}

static unsigned
flags_of(const struct reads *r, const char *path)
{
	const struct map_entry *at = map_get(&r->paths, str_of(path));

	return at != NULL ? (unsigned)at->value : 0;
}

/* The nearest folder, in path, which becomes its name: "" is the top. False when path was the top. */
static bool
go_up(char *path)
{
	char *slash = strrchr(path, '/');

	if (*path == '\0')
		return false;
	*(slash != NULL ? slash : path) = '\0';
	return true;
}

/*
 * Whether a changed path is seen: its content was read, or it looks otherwise and was looked at, or stands in a list. What comes or goes
 * may take its folders with it, so it is followed up to where both trees look the same.
 */
static bool
is_seen(struct arena *a, const struct reads *r, const git_tree *base, const git_tree *head, const char *changed,
    const char **ret)
{
	char *path = arena_strdup(a, changed);
	unsigned flags = flags_of(r, path);

	*ret = changed;
	if (flags & READS_CONTENT)
		return true;
	while (look_of(base, path) != look_of(head, path)) {
		*ret = arena_strdup(a, path);
		if (flags_of(r, path) & (READS_LOOKED | READS_LISTED))
			return true;
		if (!go_up(path) || flags_of(r, path) & READS_LISTED)
			return true;
	}
	return false;
}

/* All paths that differ, both sides of what came and went; folders are no paths here. */
static int
diff_trees(git_repository *repo, git_tree *base, git_tree *head, git_diff **ret, struct err *e)
{
	git_diff_options options;
	int rc;

	git_diff_options_init(&options, GIT_DIFF_OPTIONS_VERSION);
	options.flags = GIT_DIFF_SKIP_BINARY_CHECK | GIT_DIFF_INCLUDE_TYPECHANGE;
	rc = git_diff_tree_to_tree(ret, repo, base, head, &options);
	return rc == 0 ? 0 : fail_git(e, rc, "comparison of trees");
}

int
reads_hold(struct arena *a, const struct reads *r, const char *git_dir, const char *base_tree, const char *head_tree, bool *ret,
    const char **ret_path, struct err *e)
{
	AUTO(repo_free) git_repository *repo = NULL;
	AUTO(tree_free) git_tree *base = NULL;
	AUTO(tree_free) git_tree *head = NULL;
	AUTO(diff_free) git_diff *diff = NULL;

	if (repository_open(git_dir, &repo, e) != 0 || repository_tree(repo, base_tree, &base, e) != 0 ||
	    repository_tree(repo, head_tree, &head, e) != 0 || diff_trees(repo, base, head, &diff, e) != 0)
		return -1;
	*ret = true;
	*ret_path = NULL;
	for (size_t i = 0; *ret && i < git_diff_num_deltas(diff); i++) {
		const git_diff_delta *d = git_diff_get_delta(diff, i);
		if (is_seen(a, r, base, head, d->new_file.path, ret_path) ||
		    (strcmp(d->old_file.path, d->new_file.path) != 0 && is_seen(a, r, base, head, d->old_file.path, ret_path)))
			*ret = false;
	}
	return 0;
}
