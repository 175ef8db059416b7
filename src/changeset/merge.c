/* libgit2's merge of two commits without a working tree. */
#include "changeset/merge.h"

#include "changeset/changeset.h"
#include "changeset/worktree.h"
#include "records/list.h"

#include <string.h>

static void
iterator_free(git_index_conflict_iterator **it)
{
	git_index_conflict_iterator_free(*it);
}

static int
list_conflicts(struct arena *a, git_index *index, struct merge *m, struct err *e)
{
	AUTO(iterator_free) git_index_conflict_iterator *it = NULL;
	const git_index_entry *sides[3];
	int rc = git_index_conflict_iterator_new(&it, index);

	while (rc == 0 && m->conflicts.n < MERGE_MAX_CONFLICTS) {
		rc = git_index_conflict_next(&sides[0], &sides[1], &sides[2], it);
		for (size_t i = 0; rc == 0 && i < 3; i++) {
			if (sides[i] == NULL)
				continue;
			list_add(a, &m->conflicts, fields_clean(a, str_of(sides[i]->path)));
			break;
		}
	}
	return rc == 0 || rc == GIT_ITEROVER ? 0 : fail_git(e, rc, "cannot list what is in conflict");
}

/* Head as it is, against the merge base, or against the tip when there is none. */
static int
set_apart(git_repository *repo, git_commit *tip, git_commit *head, struct merge *m, struct err *e)
{
	AUTO(commit_free) git_commit *old = NULL;

	m->conflict = true;
	m->head_tree = *git_commit_tree_id(head);
	if (m->unrelated) {
		m->base = *git_commit_id(tip);
		m->base_tree = *git_commit_tree_id(tip);
		return 0;
	}
	int rc = git_commit_lookup(&old, repo, &m->merge_base);
	if (rc != 0)
		return fail_git(e, rc, "cannot read the merge base");
	m->base = m->merge_base;
	m->base_tree = *git_commit_tree_id(old);
	return 0;
}

/* A shallow clone: libgit2 goes on behind its end, git knows of it; and the merge is of three trees, so that nothing is looked for. */
static int
merge_shallow(git_repository *repo, git_commit *tip, git_commit *head, const git_merge_options *opts, git_oid *ret_base,
    git_index **ret, struct err *e)
{
	char ours[CHANGESET_HEX + 1], theirs[CHANGESET_HEX + 1], base[CHANGESET_HEX + 1], base_tree[CHANGESET_HEX + 1];
	AUTO(tree_free) git_tree *old = NULL;
	AUTO(tree_free) git_tree *our = NULL;
	AUTO(tree_free) git_tree *their = NULL;
	git_oid id;
	int rc;

	git_oid_tostr(ours, sizeof(ours), git_commit_id(tip));
	git_oid_tostr(theirs, sizeof(theirs), git_commit_id(head));
	if (worktree_merge_base(git_repository_path(repo), ours, theirs, base, base_tree, e) != 0 ||
	    repository_id(base, "the merge base", ret_base, e) != 0 || repository_id(base_tree, "its tree", &id, e) != 0)
		return -1;
	if ((rc = git_tree_lookup(&old, repo, &id)) != 0 || (rc = git_commit_tree(&our, tip)) != 0 ||
	    (rc = git_commit_tree(&their, head)) != 0 || (rc = git_merge_trees(ret, repo, old, our, their, opts)) != 0)
		return fail_git(e, rc, "cannot merge head into the base branch");
	return 0;
}

int
merge_heads(struct arena *a, git_repository *repo, const git_oid *tip_id, const git_oid *head_id, struct merge *ret,
    struct err *e)
{
	AUTO(commit_free) git_commit *tip = NULL;
	AUTO(commit_free) git_commit *head = NULL;
	AUTO(index_free) git_index *index = NULL;
	struct merge m = {.base = *tip_id};
	git_merge_options opts;
	int rc;

	git_merge_options_init(&opts, GIT_MERGE_OPTIONS_VERSION);
	if ((rc = git_commit_lookup(&tip, repo, tip_id)) != 0 || (rc = git_commit_lookup(&head, repo, head_id)) != 0)
		return fail_git(e, rc, "cannot read the commits to merge");
	bool shallow = git_repository_is_shallow(repo) == 1;
	if (shallow && merge_shallow(repo, tip, head, &opts, &m.merge_base, &index, e) != 0)
		return -1;
	rc = shallow ? 0 : git_merge_base(&m.merge_base, repo, tip_id, head_id);
	if (rc == GIT_ENOTFOUND) {
		m.unrelated = true;
		memset(&m.merge_base, 0, sizeof(m.merge_base));
		if (set_apart(repo, tip, head, &m, e) != 0)
			return -1;
		*ret = m;
		return 0;
	}
	if (rc != 0)
		return fail_git(e, rc, "cannot find the merge base");
	m.base_tree = *git_commit_tree_id(tip);
	if (!shallow && (rc = git_merge_commits(&index, repo, tip, head, &opts)) != 0)
		return fail_git(e, rc, "cannot merge head into the base branch");
	if (git_index_has_conflicts(index)) {
		if (list_conflicts(a, index, &m, e) != 0 || set_apart(repo, tip, head, &m, e) != 0)
			return -1;
	} else if ((rc = git_index_write_tree_to(&m.head_tree, index, repo)) != 0) {
		return fail_git(e, rc, "cannot write the merged tree");
	}
	*ret = m;
	return 0;
}

int
merge_apart(git_repository *repo, const git_oid *base_id, const git_oid *head_id, struct merge *ret, struct err *e)
{
	AUTO(commit_free) git_commit *base = NULL;
	AUTO(commit_free) git_commit *head = NULL;
	int rc;

	if ((rc = git_commit_lookup(&base, repo, base_id)) != 0 || (rc = git_commit_lookup(&head, repo, head_id)) != 0)
		return fail_git(e, rc, "cannot read the commits to compare");
	*ret = (struct merge){.base = *base_id,
	    .merge_base = *base_id,
	    .base_tree = *git_commit_tree_id(base),
	    .head_tree = *git_commit_tree_id(head)};
	return 0;
}

static const char *
hex(struct arena *a, const git_oid *id)
{
	char text[CHANGESET_HEX + 1];

	return arena_strdup(a, git_oid_tostr(text, sizeof(text), id));
}

struct mirrored
merge_record(struct arena *a, const struct merge *m, const char *head, const git_oid *tip)
{
	struct mirrored rec = {.head = head,
	    .base = hex(a, &m->base),
	    .merge_base = m->unrelated ? NULL : hex(a, &m->merge_base),
	    .base_tree = hex(a, &m->base_tree),
	    .head_tree = hex(a, &m->head_tree),
	    .conflict = m->conflict,
	    .unrelated = m->unrelated,
	    .conflicts = m->conflicts,
	    .base_sha_at_tip = hex(a, tip)};

	if (rec.conflicts.n == 0)
		list_clear(a, &rec.conflicts);
	return rec;
}

int
changeset_merge(struct arena *a, const char *git_dir, const char *base, const char *head, struct mirrored *ret, struct err *e)
{
	AUTO(repo_free) git_repository *repo = NULL;
	struct merge m = {0};
	git_oid tip, other;

	if (repository_open(git_dir, &repo, e) != 0 || repository_id(base, "base", &tip, e) != 0 ||
	    repository_id(head, "head", &other, e) != 0 || merge_heads(a, repo, &tip, &other, &m, e) != 0)
		return -1;
	*ret = merge_record(a, &m, head, &tip);
	return 0;
}
