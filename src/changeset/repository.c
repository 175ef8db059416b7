/* libgit2, opened carefully, and its errors. */
#include "changeset/repository.h"

#include "changeset/changeset.h"

#include <stdio.h>
#include <string.h>

enum { MAX_HOLLOW = 1000 };

void
repository_start(void)
{
	static bool started;

	if (started)
		return;
	started = true;
	git_libgit2_init();
	git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
	for (int level = GIT_CONFIG_LEVEL_PROGRAMDATA; level <= GIT_CONFIG_LEVEL_GLOBAL; level++)
		git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, "");
}

int
repository_fail(struct err *e, int rc, const char *at, const char *fmt, ...)
{
	const git_error *last = git_error_last();
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err_set(e, rc == GIT_ENOTFOUND ? ERR_ABSENT : ERR_SYSTEM, 0, at, "%s: %s", text,
	    last != NULL && last->message != NULL ? last->message : "no reason given");
}

int
repository_open(const char *git_dir, git_repository **ret, struct err *e)
{
	repository_start();
	int rc = git_repository_open_ext(ret, git_dir, GIT_REPOSITORY_OPEN_NO_SEARCH | GIT_REPOSITORY_OPEN_NO_DOTGIT, NULL);
	return rc == 0 ? 0 : fail_git(e, rc, "cannot open the repository %s", git_dir);
}

int
repository_discover(const char *dir, git_repository **ret, struct err *e)
{
	repository_start();
	int rc = git_repository_open_ext(ret, dir, GIT_REPOSITORY_OPEN_CROSS_FS, NULL);
	return rc == 0 ? 0 : fail_git(e, rc, "no git repository at %s", dir);
}

int
repository_id(const char *hex, const char *what, git_oid *ret, struct err *e)
{
	if (strlen(hex) != GIT_OID_HEXSZ || git_oid_fromstr(ret, hex) != 0)
		return fail(e, ERR_INPUT, "%s is no object id of %d hex digits: %.60s", what, GIT_OID_HEXSZ, hex);
	return 0;
}

int
repository_tree(git_repository *repo, const char *hex, git_tree **ret, struct err *e)
{
	git_oid id;

	if (repository_id(hex, "the tree", &id, e) != 0)
		return -1;
	int rc = git_tree_lookup(ret, repo, &id);
	return rc == 0 ? 0 : fail_git(e, rc, "cannot read the tree %s", hex);
}

int
repository_is_partial(git_repository *repo, struct err *e)
{
	const struct err was = *e;
	git_config *config = NULL;
	git_config_iterator *all = NULL;
	git_config_entry *one;

	if (git_repository_config_snapshot(&config, repo) == 0 &&
	    git_config_iterator_glob_new(&all, config, "^remote\\..*\\.promisor$") == 0 && git_config_next(&one, all) == 0) {
		struct str remote = str_from(str_of(one->name), strlen("remote."));
		remote.n -= strlen(".promisor");
		(void)fail(e, was.kind,
		    "%.700s. This is a partial clone (git clone --filter), of which not all is here; to have all of it: "
		    "git fetch --refetch --no-filter " STR_FMT,
		    was.msg, STR_ARG(str_utf8_head(remote, 100)));
	}
	git_config_iterator_free(all);
	git_config_free(config);
	return -1;
}

/* Looks at no more than *left folders: those of a hostile tree may be more than anybody can walk, and then nothing is hollow. */
static bool
is_hollow(git_repository *repo, const git_oid *id, size_t *left)
{
	AUTO(tree_free) git_tree *tree = NULL;
	bool hollow = *left > 0 && git_tree_lookup(&tree, repo, id) == 0;
	size_t n = hollow ? git_tree_entrycount(tree) : 0;

	*left -= *left > 0;
	for (size_t i = 0; hollow && i < n; i++)
		if (git_tree_entry_filemode(git_tree_entry_byindex(tree, i)) != GIT_FILEMODE_TREE)
			return false;
	for (size_t i = 0; hollow && i < n; i++)
		hollow = is_hollow(repo, git_tree_entry_id(git_tree_entry_byindex(tree, i)), left);
	return hollow;
}

bool
repository_is_hollow(git_repository *repo, const git_tree_entry *entry)
{
	size_t left = MAX_HOLLOW;

	return git_tree_entry_filemode(entry) == GIT_FILEMODE_TREE && is_hollow(repo, git_tree_entry_id(entry), &left);
}

int
repository_file(struct arena *a, git_repository *repo, const git_tree *tree, const char *path, size_t max_bytes,
    struct str *ret, struct err *e)
{
	AUTO(entry_free) git_tree_entry *entry = NULL;
	AUTO(object_free) git_odb_object *object = NULL;
	AUTO(odb_free) git_odb *odb = NULL;
	git_object_t type;
	size_t n;
	int rc = git_tree_entry_bypath(&entry, tree, path);

	if (rc == GIT_ENOTFOUND)
		return 1;
	if (rc != 0)
		return fail_git(e, rc, "cannot look for %s", path);
	git_filemode_t mode = git_tree_entry_filemode(entry);
	if (mode != GIT_FILEMODE_BLOB && mode != GIT_FILEMODE_BLOB_EXECUTABLE)
		return fail(e, ERR_INPUT, "%s:1:1: it is no regular file", path);
	/* The size first, so that a huge file is never unpacked. */
	if ((rc = git_repository_odb(&odb, repo)) != 0 ||
	    (rc = git_odb_read_header(&n, &type, odb, git_tree_entry_id(entry))) != 0)
		return fail_git(e, rc, "cannot read %s", path);
	if (n > max_bytes)
		return fail(e, ERR_INPUT, "%s:1:1: it has more than %zu bytes", path, max_bytes);
	if ((rc = git_odb_read(&object, odb, git_tree_entry_id(entry))) != 0)
		return fail_git(e, rc, "cannot read %s", path);
	*ret =
	    (struct str){arena_strn(a, git_odb_object_data(object), git_odb_object_size(object)), git_odb_object_size(object)};
	return 0;
}

static void
any_free(git_object **object)
{
	git_object_free(*object);
}

int
changeset_resolve(const char *dir, const char *revision, char ret_commit[CHANGESET_HEX + 1], char ret_tree[CHANGESET_HEX + 1],
    struct err *e)
{
	AUTO(repo_free) git_repository *repo = NULL;
	AUTO(any_free) git_object *named = NULL;
	AUTO(any_free) git_object *commit = NULL;

	if (repository_discover(dir, &repo, e) != 0)
		return -1;
	int rc = git_revparse_single(&named, repo, revision);
	if (rc == 0)
		rc = git_object_peel(&commit, named, GIT_OBJECT_COMMIT);
	if (rc == GIT_ENOTFOUND)
		return fail(e, ERR_ABSENT, "there is no commit, branch or tag \"%.100s\" in %s", revision, dir);
	if (rc == GIT_EPEEL || rc == GIT_EINVALIDSPEC)
		return fail(e, ERR_ABSENT, "\"%.100s\" names no commit in %s", revision, dir);
	if (rc == GIT_EAMBIGUOUS)
		return fail(e, ERR_ABSENT, "\"%.100s\" may be several commits in %s: write more of it", revision, dir);
	if (rc != 0)
		return fail_git(e, rc, "no commit \"%.100s\" in %s", revision, dir);
	git_oid_tostr(ret_commit, CHANGESET_HEX + 1, git_object_id(commit));
	git_oid_tostr(ret_tree, CHANGESET_HEX + 1, git_commit_tree_id((git_commit *)commit));
	return 0;
}

int
changeset_git_dir(struct arena *a, const char *dir, const char **ret, struct err *e)
{
	AUTO(repo_free) git_repository *repo = NULL;

	if (repository_discover(dir, &repo, e) != 0)
		return -1;
	struct str path = str_of(git_repository_commondir(repo));
	while (path.n > 1 && path.p[path.n - 1] == '/')
		path.n--;
	*ret = str_dup(a, path);
	return 0;
}

bool
repository_has_commit(git_repository *repo, const git_oid *id)
{
	AUTO(commit_free) git_commit *commit = NULL;

	return git_commit_lookup(&commit, repo, id) == 0;
}
