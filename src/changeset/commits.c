/* Commits and the paths they touch, read with libgit2. */
#include "changeset/commits.h"

#include "records/fields.h"
#include "records/list.h"

enum { MAX_SUBJECT = 120 };

static void
walk_free(git_revwalk **walk)
{
	git_revwalk_free(*walk);
}

static const char *
subject_of(struct arena *a, git_commit *commit)
{
	const char *summary = git_commit_summary(commit);

	return fields_clean(a, str_utf8_head(str_of(summary), MAX_SUBJECT));
}

/* The paths that differ from its parent, or from nothing. False when they cannot be read, or are more than room. */
static bool
read_paths(struct arena *a, git_repository *repo, git_commit *commit, size_t room, struct plan_commit *ret)
{
	AUTO(commit_free) git_commit *parent = NULL;
	AUTO(tree_free) git_tree *before = NULL;
	AUTO(tree_free) git_tree *after = NULL;
	AUTO(diff_free) git_diff *diff = NULL;
	git_diff_options options;

	git_diff_options_init(&options, GIT_DIFF_OPTIONS_VERSION);
	options.flags = GIT_DIFF_SKIP_BINARY_CHECK | GIT_DIFF_INCLUDE_TYPECHANGE;
	if (git_commit_tree(&after, commit) != 0 ||
	    (git_commit_parentcount(commit) != 0 &&
	        (git_commit_parent(&parent, commit, 0) != 0 || git_commit_tree(&before, parent) != 0)) ||
	    git_diff_tree_to_tree(&diff, repo, before, after, &options) != 0)
		return false;
	size_t n = git_diff_num_deltas(diff);
	if (n > room)
		return false;
	for (size_t i = 0; i < n; i++) {
		const git_diff_delta *delta = git_diff_get_delta(diff, i);
		const char *path = delta->new_file.path != NULL ? delta->new_file.path : delta->old_file.path;
		list_add(a, &ret->paths, fields_clean(a, str_of(path)));
	}
	return true;
}

static bool
start(git_repository *repo, const char *base, const char *head, git_revwalk **ret)
{
	git_oid from, to;

	return git_oid_fromstr(&from, base) == 0 && git_oid_fromstr(&to, head) == 0 && git_revwalk_new(ret, repo) == 0 &&
	       git_revwalk_sorting(*ret, GIT_SORT_TOPOLOGICAL | GIT_SORT_REVERSE) == 0 && git_revwalk_push(*ret, &to) == 0 &&
	       git_revwalk_hide(*ret, &from) == 0;
}

void
commits_read(struct arena *a, git_repository *repo, const char *base, const char *head, struct plan_commits *ret)
{
	AUTO(walk_free) git_revwalk *walk = NULL;
	struct plan_commits found = {0};
	git_oid id;
	size_t room = COMMITS_MAX_PATHS;
	bool whole = true;

	*ret = found;
	if (!start(repo, base, head, &walk))
		return;
	while (whole && git_revwalk_next(&id, walk) == 0) {
		AUTO(commit_free) git_commit *commit = NULL;
		char hex[GIT_OID_HEXSZ + 1];
		whole = found.n < COMMITS_MAX && git_commit_lookup(&commit, repo, &id) == 0;
		if (!whole || git_commit_parentcount(commit) > 1)
			continue;
		struct plan_commit one = {.id = str_dup(a, str_of(git_oid_tostr(hex, sizeof(hex), &id))),
		    .subject = subject_of(a, commit)};
		list_clear(a, &one.paths);
		whole = read_paths(a, repo, commit, room, &one);
		room -= one.paths.n;
		list_add(a, &found, one);
	}
	if (whole)
		*ret = found;
}
