/* Trees put into trees. */
#include "changeset/submodules.h"

#include "changeset/changeset.h"
#include "changeset/gitdir.h"
#include "changeset/gitmodules.h"
#include "changeset/rules.h"
#include "records/list.h"
#include "support/base/log.h"
#include "support/base/map.h"
#include "support/os/files.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

enum {
	MAX_CLONES = 1000,    /* repositories below .git/modules that are looked into */
	MAX_CLONE_DEPTH = 24, /* folders: a submodule's name may have slashes, and submodules have submodules */
	MAX_HOST = 255
};

struct taking {
	const struct submodules *s;
	struct gitcmd git;    /* of the folder that is made; no address */
	git_repository *repo; /* the same */
	struct map named;     /* addresses that the base has */
	bool only_named;
	size_t n; /* submodules of this side so far */
	enum gitcmd_trouble trouble;
};

static void
builder_free(git_treebuilder **builder)
{
	git_treebuilder_free(*builder);
}

/* --- the folder ---------------------------------------------------------------------------------------------------- */

struct clones {
	struct arena *a;
	struct buf *list;
	size_t n;
};

static void
add_objects(struct buf *list, const char *git_dir)
{
	/* A line each; git takes one that begins so for a comment or a quoted name. */
	if (strchr(git_dir, '\n') == NULL && git_dir[0] == '/')
		buf_printf(list, "%s/objects\n", git_dir);
}

/* Somebody's .git/modules, and those of linked worktrees: a repository each, named by folders, with its own modules inside. */
static void
find_clones(struct clones *c, const char *folder, int depth)
{
	DIR *dir = depth < MAX_CLONE_DEPTH ? opendir(folder) : NULL;
	struct dirent *d;
	struct stat st;

	while (dir != NULL && c->n < MAX_CLONES && (d = readdir(dir)) != NULL) {
		const char *path = arena_printf(c->a, "%s/%s", folder, d->d_name);
		if (d->d_name[0] == '.' || lstat(path, &st) != 0 || !S_ISDIR(st.st_mode))
			continue;
		if (!files_exist(arena_printf(c->a, "%s/HEAD", path)) || !files_exist(arena_printf(c->a, "%s/objects", path))) {
			find_clones(c, path, depth + 1);
			continue;
		}
		c->n++;
		add_objects(c->list, path);
		find_clones(c, arena_printf(c->a, "%s/modules", path), depth + 1);
	}
	if (dir != NULL)
		closedir(dir);
}

static int
open_folder(struct taking *t, struct err *e)
{
	const struct submodules *s = t->s;
	AUTO(buf_release) struct buf list = {0};
	struct clones clones = {s->a, &list, 0};

	if (gitdir_make(&t->git, e) != 0)
		return -1;
	buf_init(&list, 1024 * 1024);
	add_objects(&list, s->git_dir);
	if (s->of_user) {
		find_clones(&clones, arena_printf(s->a, "%s/modules", s->git_dir), 0);
		find_clones(&clones, arena_printf(s->a, "%s/worktrees", s->git_dir), 0);
	}
	if (list.n == 0 || list.over)
		return fail(e, ERR_SYSTEM, "the path of the repository cannot be written down for git: %.200s", s->git_dir);
	const char *info = arena_printf(s->a, "%s/objects/info", s->into);
	if (files_mkdirs(info, 0700, e) != 0 ||
	    files_write(arena_printf(s->a, "%s/alternates", info), buf_get(&list), 0600, FILES_NO_SYNC, e) != 0)
		return -1;
	git_repository_free(t->repo);
	t->repo = NULL;
	return repository_open(s->into, &t->repo, e);
}

/* --- addresses ----------------------------------------------------------------------------------------------------- */

static bool
plain_address(const char *url)
{
	for (const char *p = url; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			return false;
	return url[0] != '\0' && url[0] != '-';
}

/* "ssh://user@host:port/path" and "user@host:path": the host and the path without a slash before it. */
static bool
split_ssh(const char *url, struct str *ret_host, struct str *ret_path)
{
	struct str s = str_of(url), rest, path;
	bool scheme = str_starts(s, STR("ssh://"));

	if (!scheme && str_find(s, STR("://")) >= 0)
		return false;
	if (scheme)
		s = str_from(s, 6);
	struct str host = str_cut(s, scheme ? '/' : ':', &path);
	if (path.p == NULL || path.n == 0 || memchr(host.p, '/', host.n) != NULL || path.p[0] == ':')
		return false; /* a folder, or "helper::address" */
	struct str user = str_cut(host, '@', &rest);
	if (rest.p != NULL)
		host = rest;
	host = scheme ? str_cut(host, ':', &rest) : host;
	while (path.n > 0 && path.p[0] == '/')
		path = str_from(path, 1);
	*ret_host = host;
	*ret_path = path;
	return host.n > 0 && host.n <= MAX_HOST && host.p[0] != '-' && (user.n == 0 || user.p[0] != '-');
}

/* "host" of an http(s) address, with its port. */
static struct str
host_of(const char *url)
{
	struct str rest = str_of(url), none;
	ptrdiff_t at = str_find(rest, STR("://"));

	return at < 0 ? (struct str){NULL, 0} : str_cut(str_from(rest, (size_t)at + 3), '/', &none);
}

/* The address that git is given, or ERR_INPUT with the reason. */
static int
permit(const struct submodules *s, const char *url, const char **ret, struct err *e)
{
	struct str host, path;

	if (!plain_address(url))
		return fail(e, ERR_INPUT, "its address is none");
	if (gitcmd_is_local(url)) {
		if (!gitcmd_is_local(s->url))
			return fail(e, ERR_INPUT, "its address is a folder, and the repository is had from elsewhere");
		*ret = url;
		return 0;
	}
	if (split_ssh(url, &host, &path)) {
		if (s->of_user) {
			*ret = url;
			return 0;
		}
		if (!str_eq(host, host_of(s->url)))
			return fail(e, ERR_INPUT,
			    "its address is had by ssh, for which there is no key; write an https address");
		url = arena_printf(s->a, "https://" STR_FMT "/" STR_FMT, STR_ARG(host), STR_ARG(path));
	}
	if (gitcmd_url_check(url, e) != 0)
		return -1;
	if (strncmp(url, "http:", 5) == 0 && !s->of_user && !gitcmd_same_origin(url, s->url))
		return fail(e, ERR_INPUT, "its address is http, not https");
	*ret = url;
	return 0;
}

/* --- commits ------------------------------------------------------------------------------------------------------- */

/* Asks for the commit, and where the other side gives no commits by their id, for all branches and tags; but not for one
 * whom nobody trusts, who could have the largest of repositories fetched whole. */
static int
fetch_commit(struct taking *t, struct gitcmd *git, const char *id, struct err *e)
{
	struct arena *a = t->s->a;
	git_oid name;
	char hex[GIT_OID_HEXSZ + 1];

	if (git_odb_hash(&name, git->url, strlen(git->url), GIT_OBJECT_BLOB) != 0)
		return fail(e, ERR_SYSTEM, "cannot name an address");
	const char *ref = arena_printf(a, "refs/ekaci/submodules/%.16s", git_oid_tostr(hex, sizeof(hex), &name));
	const char *const one[] = {arena_printf(a, "+%s:%s/one", id, ref), NULL};
	const char *const all[] = {arena_printf(a, "+refs/heads/*:%s/heads/*", ref),
	    arena_printf(a, "+refs/tags/*:%s/tags/*", ref), NULL};
	/* What was fetched without its history is fetched with it. */
	bool shallow = files_exist(arena_printf(a, "%s/shallow", git->dir));
	int rc = gitdir_fetch(git, "--depth=1", one, &t->trouble, e);
	bool other = rc != 0 && !t->only_named &&
	             (strstr(e->msg, "unadvertised object") != NULL || (e->kind == ERR_SYSTEM && t->trouble != GITCMD_CORRUPT));

	return other ? gitdir_fetch(git, shallow ? "--depth=2147483647" : NULL, all, &t->trouble, e) : rc;
}

/* Makes the commit be there; written is what .gitmodules say, url where that is. */
static int
bring(struct taking *t, const char *written, const char *url, const git_oid *id, struct err *e)
{
	AUTO(odb_free) git_odb *odb = NULL;
	struct gitcmd git = t->git;
	char hex[GIT_OID_HEXSZ + 1];

	if (t->only_named && map_get(&t->named, str_of(url)) == NULL)
		return fail(e, ERR_INPUT,
		    "the base does not name its address, %.200s, so it is taken when somebody who may has approved the change",
		    written);
	if (repository_has_commit(t->repo, id))
		return 0;
	if (permit(t->s, url, &git.url, e) != 0)
		return -1;
	if (t->s->authorization != NULL && gitcmd_same_origin(git.url, t->s->url))
		git.authorization = t->s->authorization;
	if (fetch_commit(t, &git, git_oid_tostr(hex, sizeof(hex), id), e) != 0) {
		bool hidden = git.authorization != NULL && (e->kind == ERR_ABSENT || e->kind == ERR_DENIED);
		return hidden ? fail_in(e, "it must be public, as the token is for this repository alone") : -1;
	}
	/* The library may have missed the new pack. Trees of the repository are in use, so it stays open. */
	if (git_repository_odb(&odb, t->repo) != 0 || git_odb_refresh(odb) != 0)
		return fail_git(e, -1, "cannot read what was fetched");
	return repository_has_commit(t->repo, id) ? 0 : fail(e, ERR_ABSENT, "%.200s does not have the commit %s", written, hex);
}

/* --- trees --------------------------------------------------------------------------------------------------------- */

/* *tree with another tree at path, where there was a commit, becomes *ret. */
static int
put(git_repository *repo, const git_oid *tree, struct str path, const git_oid *inner, git_oid *ret, struct err *e)
{
	AUTO(tree_free) git_tree *old = NULL;
	AUTO(builder_free) git_treebuilder *builder = NULL;
	struct arena a = {0};
	struct str rest, first = str_cut(path, '/', &rest);
	const char *name = str_dup(&a, first);
	git_oid below = *inner;
	int rc = git_tree_lookup(&old, repo, tree);

	if (rc == 0 && rest.p != NULL) {
		const git_tree_entry *entry = git_tree_entry_byname(old, name);
		if (entry == NULL || git_tree_entry_filemode(entry) != GIT_FILEMODE_TREE)
			rc = fail(e, ERR_BUG, "no folder %s", name);
		else
			rc = put(repo, git_tree_entry_id(entry), rest, inner, &below, e);
		if (rc != 0) {
			arena_release(&a);
			return -1;
		}
	}
	if (rc == 0)
		rc = git_treebuilder_new(&builder, repo, old);
	if (rc == 0)
		rc = git_treebuilder_insert(NULL, builder, name, &below, GIT_FILEMODE_TREE);
	if (rc == 0)
		rc = git_treebuilder_write(ret, builder);
	arena_release(&a);
	return rc == 0 ? 0 : fail_git(e, rc, "cannot make the whole tree");
}

/* What .gitmodules say, or what the clone's owner had git take instead of it. */
static const char *
own_address(const struct taking *t, const struct gitmodule *m)
{
	AUTO(repo_free) git_repository *repo = NULL;
	git_config *config = NULL;
	git_buf url = GIT_BUF_INIT;
	struct err ignored;
	const char *ret = m->url;

	if (!t->s->of_user || repository_open(t->s->git_dir, &repo, &ignored) != 0 || git_repository_config(&config, repo) != 0)
		return ret;
	if (git_config_get_string_buf(&url, config, arena_printf(t->s->a, "submodule.%s.url", m->name)) == 0 && url.size > 0)
		ret = arena_strdup(t->s->a, url.ptr);
	git_buf_dispose(&url);
	git_config_free(config);
	return ret;
}

static int make_whole(struct taking *t, const git_oid *tree, const char *url, int depth, git_oid *ret, struct err *e);

/* The whole tree of the submodule m, at commit id, of the repository that url names. */
static int
take(struct taking *t, const struct gitmodule *m, const git_oid *id, const char *url, int depth, git_oid *ret, struct err *e)
{
	AUTO(commit_free) git_commit *commit = NULL;
	const char *where;

	if (depth == SUBMODULES_MAX_DEPTH)
		return fail(e, ERR_LIMIT, "submodules are more than %d within each other", SUBMODULES_MAX_DEPTH);
	if (t->n++ == SUBMODULES_MAX)
		return fail(e, ERR_LIMIT, "there are more than %d submodules", SUBMODULES_MAX);
	if (gitmodules_url(t->s->a, url, depth == 0 ? own_address(t, m) : m->url, &where, e) != 0 ||
	    bring(t, m->url, where, id, e) != 0)
		return -1;
	if (!t->only_named)
		map_add(&t->named, str_of(where), NULL);
	int rc = git_commit_lookup(&commit, t->repo, id);
	if (rc != 0)
		return fail_git(e, rc, "cannot read the commit");
	return make_whole(t, git_commit_tree_id(commit), where, depth + 1, ret, e);
}

static int
make_whole(struct taking *t, const git_oid *tree, const char *url, int depth, git_oid *ret, struct err *e)
{
	AUTO(tree_free) git_tree *old = NULL;
	struct gitmodules all;
	git_oid now = *tree;
	int rc = git_tree_lookup(&old, t->repo, tree);

	if (rc != 0)
		return fail_git(e, rc, "cannot read a tree");
	if (gitmodules_read(&t->git, t->repo, old, &all, e) != 0)
		return -1;
	for (size_t i = 0; i < all.n; i++) {
		AUTO(entry_free) git_tree_entry *entry = NULL;
		git_oid inner;
		/* What is no submodule, or behind something that is no folder, is left alone. */
		if (git_tree_entry_bypath(&entry, old, all.p[i].path) != 0 ||
		    git_tree_entry_filemode(entry) != GIT_FILEMODE_COMMIT)
			continue;
		git_oid id = *git_tree_entry_id(entry);
		if (take(t, &all.p[i], &id, url, depth, &inner, e) != 0)
			return fail_in(e, "submodule %.200s", all.p[i].path);
		if (put(t->repo, &now, str_of(all.p[i].path), &inner, &now, e) != 0)
			return -1;
	}
	*ret = now;
	return 0;
}

static int
make_side(struct taking *t, const char *tree, char ret[GIT_OID_HEXSZ + 1], struct err *e)
{
	git_oid id, whole;

	t->n = 0;
	if (repository_id(tree, "the tree", &id, e) != 0 || make_whole(t, &id, t->s->url, 0, &whole, e) != 0)
		return -1;
	git_oid_tostr(ret, GIT_OID_HEXSZ + 1, &whole);
	return 0;
}

static int
attempt(struct taking *t, const char *base_tree, const char *head_tree, struct whole_trees *ret, struct err *e)
{
	char base[GIT_OID_HEXSZ + 1], head[GIT_OID_HEXSZ + 1];

	t->trouble = GITCMD_OTHER;
	t->only_named = false;
	map_release(&t->named);
	if (open_folder(t, e) != 0) {
		t->trouble = GITCMD_CORRUPT;
		return -1;
	}
	if (make_side(t, base_tree, base, e) != 0)
		return fail_in(e, "base");
	t->only_named = !t->s->trusted;
	if (make_side(t, head_tree, head, e) != 0)
		return fail_in(e, "head");
	*ret = (struct whole_trees){.git_dir = t->s->into,
	    .base_tree = arena_strdup(t->s->a, base),
	    .head_tree = arena_strdup(t->s->a, head)};
	return 0;
}

int
submodules_take(const struct submodules *s, const char *base_tree, const char *head_tree, struct whole_trees *ret,
    struct err *e)
{
	AUTO(fd_close) int lock = -1;
	struct taking t = {.s = s, .git = {.a = s->a, .dir = s->into, .deadline_ms = s->deadline_ms, .of_user = s->of_user}};

	if (gitdir_lock(&t.git, &lock, e) != 0)
		return -1;
	int rc = attempt(&t, base_tree, head_tree, ret, e);
	if (rc != 0 && (t.trouble == GITCMD_CORRUPT || (e->kind == ERR_SYSTEM && !gitdir_is_sound(&t.git)))) {
		log_warn("the folder %s is damaged and is made again: %s", s->into, e->msg);
		rc = files_remove_tree(s->into, e) == 0 ? attempt(&t, base_tree, head_tree, ret, e) : -1;
	}
	if (rc == 0)
		gitdir_maintain(&t.git);
	git_repository_free(t.repo);
	map_release(&t.named);
	if (rc == 0 || e->kind == ERR_BUSY || e->kind == ERR_SYSTEM || e->kind == ERR_BUG)
		return rc;
	*ret = (struct whole_trees){.error = fields_clean(s->a, str_of(e->msg))};
	return 0;
}

/* --- whether --------------------------------------------------------------------------------------------------------- */

/* 1, 0, or -1 where the tree's configuration has no jobs. A mistake in it is told by the plan. */
static int
tree_takes(struct arena *a, git_repository *repo, const git_tree *tree)
{
	struct mistakes *m = arena_alloc(a, sizeof(*m));
	struct rules rules;
	struct str text;
	struct err ignored;

	if (repository_file(a, repo, tree, RULES_PATH, RULES_MAX_BYTES, &text, &ignored) != 0)
		return -1;
	mistakes_init(m, a, RULES_PATH);
	rules_read(a, text, &rules, m);
	return rules.jobs.n == 0 ? -1 : rules_take_submodules(&rules.jobs);
}

static bool
has_file(const git_tree *tree)
{
	AUTO(entry_free) git_tree_entry *entry = NULL;

	return git_tree_entry_bypath(&entry, tree, ".gitmodules") == 0;
}

bool
submodules_wanted(struct arena *a, const char *git_dir, const char *base_tree, const char *head_tree, const char *jobs,
    bool all)
{
	AUTO(repo_free) git_repository *repo = NULL;
	AUTO(tree_free) git_tree *base = NULL;
	AUTO(tree_free) git_tree *head = NULL;
	struct job_defs by_hand = {0};
	struct err ignored;

	if (repository_open(git_dir, &repo, &ignored) != 0 || repository_tree(repo, base_tree, &base, &ignored) != 0 ||
	    repository_tree(repo, head_tree, &head, &ignored) != 0 || (!has_file(base) && !has_file(head)))
		return false;
	if (all)
		return true;
	if (jobs != NULL) /* a mistake in them is told by the plan */
		return rules_jobs(a, str_of(jobs), &by_hand, &ignored) == 0 && rules_take_submodules(&by_hand);
	int takes = tree_takes(a, repo, base);
	return takes >= 0 ? takes == 1 : tree_takes(a, repo, head) == 1;
}
