/* Trees to folders, by libgit2. */
#include "evaluate/checkout.h"

#include "changeset/repository.h"
#include "support/os/files.h"

#include <git2/sys/repository.h>

/* What cannot be checked out is the repository's doing, but for a disk that is full and its like. */
static int
fail_checkout(struct err *e, int code)
{
	const git_error *last = git_error_last();

	(void)fail_git(e, code, "checkout");
	if (last != NULL && last->klass != GIT_ERROR_OS && last->klass != GIT_ERROR_NOMEMORY && e->kind == ERR_SYSTEM)
		e->kind = ERR_INPUT;
	return -1;
}

static int
checkout(const char *git_dir, const char *tree, const char *dir, struct err *e)
{
	AUTO(repo_free) git_repository *repo = NULL;
	AUTO(tree_free) git_tree *wanted = NULL;
	AUTO(index_free) git_index *none = NULL;
	git_checkout_options how;
	int code;

	if (repository_open(git_dir, &repo, e) != 0 || repository_tree(repo, tree, &wanted, e) != 0)
		return -1;
	git_checkout_options_init(&how, GIT_CHECKOUT_OPTIONS_VERSION);
	how.checkout_strategy = GIT_CHECKOUT_FORCE | GIT_CHECKOUT_RECREATE_MISSING | GIT_CHECKOUT_DONT_UPDATE_INDEX |
	                        GIT_CHECKOUT_DONT_WRITE_INDEX | GIT_CHECKOUT_DISABLE_PATHSPEC_MATCH;
	how.disable_filters = 1;
	how.target_directory = dir;
	/* The baseline is empty: a repository's own index and files are nothing to us. */
	code = git_index_new(&none);
	how.baseline_index = none;
	/* Without a working tree libgit2 cannot check out submodules; this one is set in memory alone. */
	if (code == 0)
		code = git_repository_set_workdir(repo, dir, 0);
	if (code == 0)
		code = git_checkout_tree(repo, (git_object *)wanted, &how);
	return code == 0 || fail_checkout(e, code) == 0 ? 0 : repository_is_partial(repo, e);
}

int
checkout_tree(const char *git_dir, const char *tree, const char *dir, struct err *e)
{
	if (files_remove_tree(dir, e) != 0 || files_mkdirs(dir, 0755, e) != 0)
		return -1;
	return checkout(git_dir, tree, dir, e);
}
