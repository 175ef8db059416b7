/* A commit's tree held against its parent's. */
#include "evaluate/idle.h"

#include "changeset/repository.h"
#include "records/list.h"
#include "support/base/log.h"

/* The trees before and after a commit; false when it has not just one parent, or cannot be read. */
static bool
trees_of(git_repository *repo, const char *id, char before[GIT_OID_HEXSZ + 1], char after[GIT_OID_HEXSZ + 1])
{
	AUTO(commit_free) git_commit *commit = NULL;
	AUTO(commit_free) git_commit *parent = NULL;
	git_oid oid;

	if (git_oid_fromstr(&oid, id) != 0 || git_commit_lookup(&commit, repo, &oid) != 0 ||
	    git_commit_parentcount(commit) != 1 || git_commit_parent(&parent, commit, 0) != 0)
		return false;
	git_oid_tostr(before, GIT_OID_HEXSZ + 1, git_commit_tree_id(parent));
	git_oid_tostr(after, GIT_OID_HEXSZ + 1, git_commit_tree_id(commit));
	return true;
}

struct texts
idle_commits(struct arena *a, const struct reads *r, const char *git_dir, const struct texts *commits)
{
	AUTO(repo_free) git_repository *repo = NULL;
	char before[GIT_OID_HEXSZ + 1], after[GIT_OID_HEXSZ + 1];
	struct texts found = {0};
	const char *why;
	struct err e;

	list_clear(a, &found);
	if (repository_open(git_dir, &repo, &e) != 0) {
		log_err(LOG_WARN, "which commits rebuild nothing", &e);
		return found;
	}
	for (size_t i = 0; i < commits->n; i++) {
		if (!trees_of(repo, commits->p[i], before, after))
			continue;
		if (reads_hold(a, r, git_dir, before, after, &why, &e) != 0)
			log_err(LOG_WARN, "whether a commit rebuilds nothing", &e);
		else if (why == NULL)
			list_add(a, &found, commits->p[i]);
	}
	return found;
}
