/* What was read: kept as a file, and held against two trees. */
#include "evaluate/reads.h"

#include "changeset/repository.h"
#include "support/os/files.h"
#include "support/os/zstream.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

/* The first line of a file; then, of each path, a byte ('0' and its flags), a blank, its bytes, and a NUL. */
#define FIRST_LINE "ekaci reads 1\n"
enum { MAX_BYTES = 256 * 1024 * 1024, ALL_FLAGS = READS_LOOKED | READS_CONTENT | READS_LISTED | READS_OUTSIDE | READS_CLOCK };

void
reads_add(struct reads *r, struct str path, unsigned flags)
{
	struct map_entry *at = map_get(&r->paths, path);

	if (at == NULL)
		at = map_add(&r->paths, (struct str){arena_strn(&r->a, path.p, path.n), path.n}, NULL);
	at->value |= flags;
}

/* Whether a link at path leads to somewhere in the tree, or into the Nix store. ".." behind a name, which may be a link itself, does not
 * count as such. */
static bool
stays(struct str path, struct str target)
{
	ptrdiff_t depth = 0;
	struct str rest = target;
	bool named = false;

	if (str_starts(target, STR("/")))
		return str_starts(target, STR("/nix/store/"));
	for (size_t i = 0; i < path.n; i++)
		depth += path.p[i] == '/';
	while (rest.p != NULL) {
		struct str part = str_cut(rest, '/', &rest);
		bool up = str_is(part, "..");
		if (up && (named || depth-- == 0))
			return false;
		named = named || (!up && part.n != 0 && !str_is(part, "."));
	}
	return true;
}

void
reads_add_link(struct reads *r, struct str path, struct str target)
{
	reads_add(r, path, READS_CONTENT | (stays(path, target) ? 0 : READS_OUTSIDE));
}

void
reads_add_file(struct reads *r, struct str path, struct str bytes)
{
	static const char clock[] = "currentTime";
	bool names = bytes.n != 0 && memmem(bytes.p, bytes.n, clock, sizeof(clock) - 1) != NULL;

	reads_add(r, path, READS_CONTENT | (names ? READS_CLOCK : 0));
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
		buf_printf(&text, "%c ", (char)('0' + sorted[i]->value));
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

	if (rc == 0 && !zstream_unpack(a, bytes, MAX_BYTES, ret))
		rc = fail(e, ERR_INPUT, "%s is damaged", file);
	arena_release(&packed);
	return rc;
}

/* One path with its flags, of text, which goes behind it. */
static bool
take(struct str *text, struct reads *ret)
{
	const char *end = text->n > 2 ? memchr(text->p, '\0', text->n) : NULL;
	unsigned flags = end != NULL ? (unsigned)(text->p[0] - '0') : 0;

	if (flags == 0 || flags > ALL_FLAGS || text->p[1] != ' ')
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

enum { MAX_DEPTH = 4096 /* of folders: a path that the kernel takes in one piece has fewer */ };

struct holding {
	struct arena *a;
	const struct reads *r;
	git_repository *repo;
	const char **ret_path;
};

/* What a look at an entry shows: 0 for nothing there. Modes that differ in what nobody sees are one. A submodule is to the evaluator an
 * empty folder, but to what judges its words afterwards (doubts.h) something else. */
static unsigned
look_of(const struct holding *h, const git_tree_entry *entry)
{
	switch (entry != NULL ? (int)git_tree_entry_filemode(entry) : 0) {
	case 0: return 0;
	case GIT_FILEMODE_TREE: return repository_is_hollow(h->repo, entry) ? 0 : GIT_FILEMODE_TREE;
	case GIT_FILEMODE_COMMIT: return GIT_FILEMODE_COMMIT;
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

static int
tree_of(const struct holding *h, const git_tree_entry *entry, git_tree **ret, struct err *e)
{
	int rc = git_tree_lookup(ret, h->repo, git_tree_entry_id(entry));
	return rc == 0 ? 0 : fail_git(e, rc, "cannot read a folder");
}

static int hold_below(const struct holding *h, const char *path, const git_tree *base, const git_tree *head, size_t depth,
    bool *ret, struct err *e);

/* One name, of which either entry may be NULL. *ret becomes false when it is seen that they differ. */
static int
hold_entry(const struct holding *h, const char *path, bool listed, const git_tree_entry *base, const git_tree_entry *head,
    size_t depth, bool *ret, struct err *e)
{
	AUTO(tree_free) git_tree *b = NULL;
	AUTO(tree_free) git_tree *t = NULL;
	unsigned look = look_of(h, base), flags = flags_of(h->r, path);

	*h->ret_path = path;
	if (look != look_of(h, head)) {
		*ret = !listed && flags == 0;
		return 0;
	}
	if (look != GIT_FILEMODE_TREE) {
		*ret = (flags & READS_CONTENT) == 0;
		return 0;
	}
	if (flags == 0) /* nobody comes to what is in a folder without having looked at it */
		return 0;
	if (tree_of(h, base, &b, e) != 0 || tree_of(h, head, &t, e) != 0)
		return -1;
	return hold_below(h, path, b, t, depth + 1, ret, e);
}

static const git_tree_entry *
named(const git_tree *tree, const git_tree_entry *like)
{
	return tree != NULL ? git_tree_entry_byname(tree, git_tree_entry_name(like)) : NULL;
}

/* The entries of one side; of head only those that base has not. */
static int
hold_side(const struct holding *h, const char *path, const git_tree *of, const git_tree *other, bool is_base, size_t depth,
    bool *ret, struct err *e)
{
	bool listed = (flags_of(h->r, path) & READS_LISTED) != 0;
	size_t n = of != NULL ? git_tree_entrycount(of) : 0;

	for (size_t i = 0; *ret && i < n; i++) {
		const git_tree_entry *one = git_tree_entry_byindex(of, i), *two = named(other, one);
		if (two != NULL && (!is_base || (git_tree_entry_filemode(one) == git_tree_entry_filemode(two) &&
		                                    git_oid_equal(git_tree_entry_id(one), git_tree_entry_id(two)))))
			continue;
		const char *name = arena_printf(h->a, "%s%s%s", path, *path != '\0' ? "/" : "", git_tree_entry_name(one));
		if (hold_entry(h, name, listed, is_base ? one : two, is_base ? two : one, depth, ret, e) != 0)
			return -1;
	}
	return 0;
}

static int
hold_below(const struct holding *h, const char *path, const git_tree *base, const git_tree *head, size_t depth, bool *ret,
    struct err *e)
{
	*ret = depth < MAX_DEPTH;
	if (hold_side(h, path, base, head, true, depth, ret, e) != 0)
		return -1;
	return hold_side(h, path, head, base, false, depth, ret, e);
}

/* A path that makes that nothing is proved, whatever changed; NULL: none. */
static const char *
doubt_of(struct arena *a, const struct reads *r)
{
	for (size_t i = 0; i < r->paths.n; i++) {
		const struct map_entry *one = &r->paths.p[i];
		const char *why = (one->value & READS_OUTSIDE) != 0 ? "leads out of the repository"
		                  : (one->value & READS_CLOCK) != 0 ? "has the word currentTime in it"
		                                                    : NULL;
		if (why != NULL)
			return arena_printf(a, STR_FMT ", which the base's evaluation read, %s", STR_ARG(one->key), why);
	}
	return NULL;
}

int
reads_hold(struct arena *a, const struct reads *r, const char *git_dir, const char *base_tree, const char *head_tree,
    const char **ret_why, struct err *e)
{
	AUTO(repo_free) git_repository *repo = NULL;
	AUTO(tree_free) git_tree *base = NULL;
	AUTO(tree_free) git_tree *head = NULL;
	const char *path = NULL;
	bool holds;

	*ret_why = doubt_of(a, r);
	if (*ret_why != NULL)
		return 0;
	if (repository_open(git_dir, &repo, e) != 0 || repository_tree(repo, base_tree, &base, e) != 0 ||
	    repository_tree(repo, head_tree, &head, e) != 0)
		return -1;
	const struct holding h = {a, r, repo, &path};
	if (hold_below(&h, "", base, head, 0, &holds, e) != 0)
		return -1;
	if (!holds)
		*ret_why = arena_printf(a, "the base's evaluation looked at %s, which looks otherwise here", path);
	return 0;
}
