/* Places in the repository, found in what evaluators say. */
#include "report/position.h"

#include "support/base/log.h"

#include <string.h>

enum { MAX_PATH = 1024 };

static const char store[] = "/nix/store/", copy[] = "-source/";
enum { HASH = 32, COPY_PREFIX = sizeof(store) - 1 + HASH + sizeof(copy) - 1 };

/* Whether a flake of a job is one of this repository: "." or "./folder", whose source is the whole tree (evaluate/flake.h). Any
 * other reference is another repository's. */
static bool
is_own_flake(const char *flake)
{
	struct str rest, ref = str_cut(str_cut(str_of(flake), '#', &rest), '?', &rest);

	return ref.n == 0 || str_is(ref, ".") || str_starts(ref, STR("./"));
}

void
places_init(struct places *p, struct arena *a, const struct report_job *job, const struct plan *plan)
{
	*p = (struct places){.a = a, .checkout_dir = job->checkout_dir, .git_dir = job->git_dir, .head_tree = job->head_tree};
	for (size_t i = 0; plan != NULL && i < plan->jobs.n; i++) {
		const char *flake = plan->jobs.p[i].flake;
		p->has_flake |= flake != NULL && is_own_flake(flake);
	}
}

void
places_release(struct places *p)
{
	map_release(&p->copies);
	map_release(&p->lines);
	source_close(p->source);
	p->source = NULL;
}

/* The repository, or NULL. */
static struct source *
source_of(struct places *p)
{
	struct err e;

	if (!p->tried && p->git_dir != NULL && p->head_tree != NULL &&
	    source_open(p->git_dir, p->head_tree, &p->source, &e) != 0)
		log_err(LOG_WARN, "annotations", &e);
	p->tried = true;
	return p->source;
}

/* Whether name, which the arena keeps, is a file of the tree with that line. */
static bool
in_tree(struct places *p, const char *name, int64_t line)
{
	bool added;

	if (source_of(p) == NULL)
		return false;
	struct map_entry *e = map_add(&p->lines, str_of(name), &added);
	if (added)
		e->value = (size_t)source_lines(p->source, name);
	return line <= (int64_t)e->value;
}

/* Bytes that end a path in a message. Blanks may stand in paths, but not in those of package sets. */
static bool
ends_path(char c)
{
	return (unsigned char)c <= ' ' || c == ':' || c == '"' || c == '\'' || c == '`' || c == '(' || c == ')' || c == 0x7f;
}

static bool
plain_path(struct str path)
{
	struct str rest = path;

	if (path.n == 0 || path.n > MAX_PATH || !str_utf8_ok(path))
		return false;
	while (rest.p != NULL) {
		struct str part = str_cut(rest, '/', &rest);
		if (part.n == 0 || str_is(part, ".") || str_is(part, "..") || str_is(part, ".git"))
			return false;
	}
	return true;
}

/* "path:12" at s, where a prefix ended. */
static bool
read_place(const char *s, struct str *ret_path, int64_t *ret_line)
{
	struct str path = {s, 0}, line;

	while (!ends_path(path.p[path.n]))
		path.n++;
	if (path.p[path.n] != ':' || !plain_path(path))
		return false;
	line = (struct str){path.p + path.n + 1, 0};
	while (line.p[line.n] >= '0' && line.p[line.n] <= '9')
		line.n++;
	*ret_path = path;
	return str_to_i64(line, ret_line) == 0 && *ret_line >= 1 && *ret_line <= INT32_MAX;
}

static struct str
checkout_of(const struct places *p)
{
	struct str dir = str_of(p->checkout_dir != NULL ? p->checkout_dir : "");

	while (str_ends(dir, STR("/")))
		dir.n--;
	return dir;
}

/* Whether s begins as a path into a folder that Nix may have copied the repository to. */
static bool
maybe_copied(const struct places *p, const char *s)
{
	return p->has_flake && strncmp(s, store, sizeof(store) - 1) == 0 && strnlen(s, COPY_PREFIX) == COPY_PREFIX &&
	       strncmp(s + COPY_PREFIX - (sizeof(copy) - 1), copy, sizeof(copy) - 1) == 0 &&
	       memchr(s + sizeof(store) - 1, '/', HASH) == NULL;
}

static bool
in_checkout(struct places *p, const char *s, const char **ret_path, int64_t *ret_line)
{
	struct str dir = checkout_of(p), path;
	int64_t line;

	if (dir.n == 0 || strncmp(s, dir.p, dir.n) != 0 || s[dir.n] != '/' || !read_place(s + dir.n + 1, &path, &line))
		return false;
	const char *name = str_dup(p->a, path);
	if (p->git_dir != NULL && !in_tree(p, name, line))
		return false;
	*ret_path = name;
	*ret_line = line;
	return true;
}

static bool
is_copy(struct places *p, struct str dir)
{
	bool added = false;

	if (p->copies.n == POSITION_MAX_COPIES && map_get(&p->copies, dir) == NULL)
		return false;
	const char *name = str_dup(p->a, dir);
	struct map_entry *e = map_add(&p->copies, str_of(name), &added);
	if (added)
		e->value = source_is_copy(p->source, "", name);
	return e->value != 0;
}

/* Whether the file is in the tree is asked first: it costs less than a comparison of everything. */
static bool
in_flake(struct places *p, const char *s, const char **ret_path, int64_t *ret_line)
{
	struct str path, dir = {s, COPY_PREFIX - 1};
	int64_t line;

	if (!maybe_copied(p, s) || !read_place(s + COPY_PREFIX, &path, &line))
		return false;
	const char *name = str_dup(p->a, path);
	if (!in_tree(p, name, line) || !is_copy(p, dir))
		return false;
	*ret_path = name;
	*ret_line = line;
	return true;
}

bool
places_find(struct places *p, const char *text, const char **ret_path, int64_t *ret_line)
{
	bool found = false;

	for (const char *s = strchr(text, '/'); s != NULL; s = strchr(s + 1, '/'))
		found = in_checkout(p, s, ret_path, ret_line) || in_flake(p, s, ret_path, ret_line) || found;
	return found;
}

/* How much of the path at s says where the repository's tree stood. */
static size_t
prefix_at(struct places *p, const char *s)
{
	struct str dir = checkout_of(p);

	if (dir.n > 0 && strncmp(s, dir.p, dir.n) == 0 && s[dir.n] == '/' && !ends_path(s[dir.n + 1]))
		return dir.n + 1;
	if (maybe_copied(p, s) && !ends_path(s[COPY_PREFIX]) && source_of(p) != NULL &&
	    is_copy(p, (struct str){s, COPY_PREFIX - 1}))
		return COPY_PREFIX;
	return 0;
}

const char *
places_shorten(struct places *p, const char *text)
{
	AUTO(buf_release) struct buf b;

	buf_init(&b, SIZE_MAX / 4);
	for (const char *s = text; *s != '\0'; s++) {
		bool begins = *s == '/' && (s == text || strchr(" \t\n'\"`(", s[-1]) != NULL);
		size_t skip = begins ? prefix_at(p, s) : 0;
		if (skip > 0)
			s += skip;
		buf_putc(&b, *s);
	}
	return arena_strn(p->a, b.n != 0 ? b.p : "", b.n);
}
