/* Trees to folders, by libgit2. */
#include "evaluate/checkout.h"

#include "support/os/files.h"

#include <git2.h>
#include <git2/sys/repository.h>

static int
fail_git(struct err *e, int code, const char *what)
{
	const git_error *last = git_error_last();
	const char *text = last != NULL && last->message != NULL ? last->message : "no reason was given";
	enum err_kind kind = code == GIT_ENOTFOUND ? ERR_ABSENT : ERR_INPUT;

	if (last != NULL && (last->klass == GIT_ERROR_OS || last->klass == GIT_ERROR_NOMEMORY))
		kind = ERR_SYSTEM;
	return fail(e, kind, "%s: %s", what, text);
}

static int
checkout(const char *git_dir, const char *tree, const char *dir, struct err *e)
{
	git_checkout_options how;
	git_repository *repo = NULL;
	git_object *found = NULL, *wanted = NULL;
	int code;

	if ((code = git_repository_open(&repo, git_dir)) != 0)
		return fail_git(e, code, git_dir);
	git_checkout_options_init(&how, GIT_CHECKOUT_OPTIONS_VERSION);
	how.checkout_strategy = GIT_CHECKOUT_FORCE | GIT_CHECKOUT_RECREATE_MISSING | GIT_CHECKOUT_DONT_UPDATE_INDEX |
	                        GIT_CHECKOUT_DONT_WRITE_INDEX | GIT_CHECKOUT_DISABLE_PATHSPEC_MATCH;
	how.disable_filters = 1;
	how.target_directory = dir;
	/* The baseline is empty: a repository's own index and files are nothing to us. */
	git_index *none = NULL;
	code = git_index_new(&none);
	how.baseline_index = none;
	/* Without a working tree libgit2 cannot check out submodules; this one is set in memory alone. */
	if (code == 0)
		code = git_repository_set_workdir(repo, dir, 0);
	if (code == 0)
		code = git_revparse_single(&found, repo, tree);
	if (code == 0)
		code = git_object_peel(&wanted, found, GIT_OBJECT_TREE);
	if (code == 0)
		code = git_checkout_tree(repo, wanted, &how);
	int rc = code == 0 ? 0 : fail_git(e, code, "checkout");
	git_object_free(wanted);
	git_object_free(found);
	git_index_free(none);
	git_repository_free(repo);
	return rc;
}

int
checkout_tree(const char *git_dir, const char *tree, const char *dir, struct err *e)
{
	git_libgit2_init();
	/* The repository is ours, whoever owns its files; nobody's configuration may change what is written. */
	git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
	for (int level = GIT_CONFIG_LEVEL_PROGRAMDATA; level <= GIT_CONFIG_LEVEL_GLOBAL; level++)
		git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, "");
	int rc = files_remove_tree(dir, e);
	if (rc == 0)
		rc = files_mkdirs(dir, 0755, e);
	if (rc == 0)
		rc = checkout(git_dir, tree, dir, e);
	git_libgit2_shutdown();
	return rc;
}
