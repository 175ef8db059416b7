/* .gitmodules, as git reads it. */
#include "changeset/gitmodules.h"

#include <string.h>

enum { MAX_LISTED = 64 * GITMODULES_MAX_BYTES }; /* a section's name stands before each of its keys */

/* Components between slashes (and, as git has it for names, backslashes) that are no "..", "." or nothing. */
static bool
is_inside(struct str s)
{
	size_t begin = 0;

	if (s.n == 0 || s.p[0] == '-')
		return false;
	for (size_t i = 0; i <= s.n; i++) {
		if (i < s.n && (unsigned char)s.p[i] < ' ')
			return false;
		if (i < s.n && s.p[i] != '/' && s.p[i] != '\\')
			continue;
		struct str part = {s.p + begin, i - begin};
		if (part.n == 0 || str_is(part, ".") || str_is(part, ".."))
			return false;
		begin = i + 1;
	}
	return true;
}

static struct gitmodule *
named(struct gitmodules *all, struct arena *a, struct str name)
{
	for (size_t i = 0; i < all->n; i++)
		if (str_is(name, all->p[i].name))
			return &all->p[i];
	if (all->n == GITMODULES_MAX)
		return NULL;
	all->p[all->n] = (struct gitmodule){.name = str_dup(a, name)};
	return &all->p[all->n++];
}

/* One entry of `git config --list -z`: "submodule.NAME.KEY", a newline, the value. */
static int
take_entry(struct gitmodules *all, struct arena *a, struct str entry, struct err *e)
{
	struct str value, key = str_cut(entry, '\n', &value);
	ptrdiff_t dot = (ptrdiff_t)key.n - 1;

	while (dot >= 0 && key.p[dot] != '.')
		dot--;
	if (!str_starts(key, STR("submodule.")) || dot < 10 || value.p == NULL)
		return 0;
	struct str name = {key.p + 10, (size_t)dot - 10}, what = str_from(key, (size_t)dot + 1);
	bool path = str_is(what, "path"), url = str_is(what, "url");
	if ((!path && !url) || !is_inside(name) || memchr(value.p, '\0', value.n) != NULL)
		return 0;
	struct gitmodule *m = named(all, a, name);
	if (m == NULL)
		return fail(e, ERR_LIMIT, ".gitmodules names more than %d submodules", GITMODULES_MAX);
	/* The first value counts for git, too, where .gitmodules say something twice. */
	if (path && m->path == NULL && is_inside(value))
		m->path = str_dup(a, value);
	if (url && m->url == NULL)
		m->url = str_dup(a, value);
	return 0;
}

static bool
is_hidden(const struct gitmodules *all, size_t i)
{
	if (all->p[i].path == NULL || all->p[i].url == NULL)
		return true;
	for (size_t k = i + 1; k < all->n; k++)
		if (all->p[k].url != NULL && str_same(all->p[k].path, all->p[i].path))
			return true;
	return false;
}

int
gitmodules_read(const struct gitcmd *g, git_repository *repo, const git_tree *tree, struct gitmodules *ret, struct err *e)
{
	struct gitmodules all = {0};
	struct str text;
	git_oid id;
	char hex[GIT_OID_HEXSZ + 1];
	int rc = repository_file(g->a, repo, tree, ".gitmodules", GITMODULES_MAX_BYTES, &text, e);

	*ret = all;
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (git_odb_hash(&id, text.p, text.n, GIT_OBJECT_BLOB) != 0)
		return fail(e, ERR_SYSTEM, "cannot name .gitmodules");
	/* Of a blob git would follow includes, to any file here. */
	const char *const args[] = {"config", "--no-includes", "--blob",
	    arena_printf(g->a, "%s", git_oid_tostr(hex, sizeof(hex), &id)), "-z", "--list", NULL};
	struct gitcmd here = *g;
	here.url = here.authorization = NULL;
	if (gitcmd_read(&here, args, MAX_LISTED, &text, e) != 0) {
		if (strstr(e->msg, " in blob ") != NULL) /* else the configuration of our own folder is bad */
			e->kind = ERR_INPUT;
		return fail_in(e, ".gitmodules");
	}
	all.p = arena_alloc(g->a, GITMODULES_MAX * sizeof(*all.p));
	for (struct str rest = text; rest.p != NULL && rest.n > 0;) {
		struct str entry = str_cut(rest, '\0', &rest);
		if (take_entry(&all, g->a, entry, e) != 0)
			return -1;
	}
	size_t n = 0;
	for (size_t i = 0; i < all.n; i++)
		if (!is_hidden(&all, i))
			all.p[n++] = all.p[i];
	all.n = n;
	*ret = all;
	return 0;
}

/* Where the path of an address begins, behind its host; of "host:path" that is behind the colon. */
static size_t
path_begins(struct str url)
{
	ptrdiff_t scheme = str_find(url, STR("://")), colon = -1;

	if (scheme >= 0) {
		size_t at = (size_t)scheme + 3;
		while (at < url.n && url.p[at] != '/')
			at++;
		return at;
	}
	for (size_t i = 0; i < url.n && url.p[i] != '/' && colon < 0; i++)
		if (url.p[i] == ':')
			colon = (ptrdiff_t)i;
	return (size_t)(colon + 1);
}

int
gitmodules_url(struct arena *a, const char *beside, const char *url, const char **ret, struct err *e)
{
	struct str base = str_of(beside), rest = str_of(url);
	size_t first = path_begins(base);

	if (!str_starts(rest, STR("./")) && !str_starts(rest, STR("../"))) {
		*ret = url;
		return 0;
	}
	while (base.n > first && base.p[base.n - 1] == '/')
		base.n--;
	for (;;) {
		if (str_starts(rest, STR("./"))) {
			rest = str_from(rest, 2);
			continue;
		}
		if (!str_starts(rest, STR("../")))
			break;
		rest = str_from(rest, 3);
		if (base.n <= first)
			return fail(e, ERR_INPUT, "the address %.200s leads out of %.200s", url, beside);
		while (base.n > first && base.p[base.n - 1] != '/')
			base.n--;
		while (base.n > first && base.p[base.n - 1] == '/')
			base.n--;
	}
	while (rest.n > 0 && rest.p[rest.n - 1] == '/')
		rest.n--;
	bool colon = base.n > 0 && base.n == first && base.p[base.n - 1] == ':';
	*ret = arena_printf(a, STR_FMT "%s" STR_FMT, STR_ARG(base), colon ? "" : "/", STR_ARG(rest));
	return 0;
}
