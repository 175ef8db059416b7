/* Submodules of a tree, and messages that name them. */
#include "evaluate/gitlinks.h"

#include "changeset/repository.h"

struct finding {
	struct arena *a;
	struct gitlinks *to;
};

static int
on_entry(const char *root, const git_tree_entry *entry, void *ctx)
{
	struct finding *w = ctx;

	if (git_tree_entry_type(entry) == GIT_OBJECT_COMMIT && w->to->n < GITLINKS_MAX)
		w->to->paths[w->to->n++] = str_of(arena_printf(w->a, "%s%s", root, git_tree_entry_name(entry)));
	return 0;
}

int
gitlinks_read(struct arena *a, const char *git_dir, const char *tree, struct gitlinks *ret, struct err *e)
{
	AUTO(repo_free) git_repository *repo = NULL;
	AUTO(tree_free) git_tree *found = NULL;
	AUTO(entry_free) git_tree_entry *file = NULL;
	struct finding w = {a, ret};

	ret->n = 0;
	if (repository_open(git_dir, &repo, e) != 0 || repository_tree(repo, tree, &found, e) != 0)
		return -1;
	/* Without the file there are none that anybody could take; a walk of a large tree is not for nothing. */
	if (git_tree_entry_bypath(&file, found, ".gitmodules") != 0)
		return 0;
	int rc = git_tree_walk(found, GIT_TREEWALK_PRE, on_entry, &w);
	return rc == 0 ? 0 : fail_git(e, rc, "looking for submodules");
}

const char *
gitlinks_in(const struct gitlinks *g, struct str text)
{
	for (size_t i = 0; i < g->n; i++) {
		struct str path = g->paths[i], rest = text;
		ptrdiff_t at;
		while ((at = str_find(rest, path)) >= 0) {
			size_t end = (size_t)at + path.n;
			bool begins = at > 0 && rest.p[at - 1] == '/';
			if (begins && end < rest.n && (rest.p[end] == '/' || rest.p[end] == '\''))
				return path.p;
			rest = str_from(rest, end);
		}
	}
	return NULL;
}
