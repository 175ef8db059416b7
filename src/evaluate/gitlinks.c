/* Submodules of a tree, and messages that name them. */
#include "evaluate/gitlinks.h"

#include "changeset/repository.h"

struct walk {
	struct arena *a;
	struct gitlinks *to;
};

static int
on_entry(const char *root, const git_tree_entry *entry, void *ctx)
{
	struct walk *w = ctx;

	if (git_tree_entry_type(entry) == GIT_OBJECT_COMMIT && w->to->n < GITLINKS_MAX)
		w->to->paths[w->to->n++] = str_of(arena_printf(w->a, "%s%s", root, git_tree_entry_name(entry)));
	return 0;
}

int
gitlinks_read(struct arena *a, const char *git_dir, const char *tree, struct gitlinks *ret, struct err *e)
{
	struct walk w = {a, ret};
	git_repository *repo = NULL;
	git_tree *found = NULL;
	git_tree_entry *file = NULL;
	int rc = -1;

	ret->n = 0;
	if (repository_open(git_dir, &repo, e) == 0 && repository_tree(repo, tree, &found, e) == 0) {
		/* Without the file there are none that anybody could take; a walk of a large tree is not for nothing. */
		rc = git_tree_entry_bypath(&file, found, ".gitmodules") == 0
		         ? git_tree_walk(found, GIT_TREEWALK_PRE, on_entry, &w)
		         : 0;
		if (rc != 0)
			rc = fail_git(e, rc, "looking for submodules");
	}
	git_tree_entry_free(file);
	git_tree_free(found);
	git_repository_free(repo);
	return rc;
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
