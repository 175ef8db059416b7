/* Revisions, and the files as they are. */
#include "cli/sides.h"

#include "changeset/changeset.h"
#include "changeset/worktree.h"

#include <stdio.h>
#include <string.h>

/* A revision that was found. */
struct tip {
	char commit[CHANGESET_HEX + 1], tree[CHANGESET_HEX + 1];
};

/* What is compared, as far as it is known. */
struct search {
	struct arena *a;
	const char *repo, *base, *head;
	bool merge;
};

static int
resolve(const struct search *s, const char *revision, struct tip *ret, struct err *e)
{
	return changeset_resolve(s->repo, revision, ret->commit, ret->tree, e);
}

static bool
is_files(const struct search *s)
{
	return s->head != NULL && strcmp(s->head, SIDES_FILES) == 0;
}

/*
 * Fewer than two revisions: the default branch and the working tree complete them. One that the default branch has already can
 * only be a base, for the files as they are; any other is a head, as GitHub would merge it. None: what was done since the
 * checkout parted from the default branch, committed or not.
 */
static int
complete(struct search *s, struct err *e)
{
	struct tip tip, head, parted;
	const char *name;

	if (s->base != NULL && s->head != NULL)
		return 0;
	if (worktree_default_branch(s->a, s->repo, &name, e) != 0 || resolve(s, name, &tip, e) != 0 ||
	    resolve(s, s->base != NULL ? s->base : "HEAD", &head, e) != 0 ||
	    worktree_merge_base(s->repo, tip.commit, head.commit, parted.commit, parted.tree, e) != 0)
		return -1;
	if (s->base == NULL) {
		s->base = arena_strdup(s->a, parted.commit);
		s->head = SIDES_FILES;
	} else if (strcmp(parted.commit, head.commit) == 0) {
		s->head = SIDES_FILES;
	} else {
		s->head = s->base;
		s->base = name;
		s->merge = true;
	}
	return 0;
}

/* A line about what is not compared. */
static void
hint(const struct search *s, const struct tip *base, const struct tip *head)
{
	struct tip out;
	struct err e;

	if (!is_files(s) && (resolve(s, "HEAD", &out, &e) != 0 ||
	                        (strcmp(out.commit, base->commit) != 0 && strcmp(out.commit, head->commit) != 0)))
		return; /* the files are of another commit */
	struct worktree_state now = worktree_state(s->a, s->repo);
	if (!is_files(s) && now.dirty)
		fputs("ekaci: uncommitted changes are not compared (see ekaci diff --help)\n", stderr);
	if (is_files(s) && now.submodules)
		fputs("ekaci: uncommitted changes inside of submodules are not compared\n", stderr);
}

static int
find(struct search *s, const struct command_line *q, const char *index, struct sides *ret, struct err *e)
{
	struct tip base, head;

	if (changeset_git_dir(s->a, s->repo, &ret->git_dir, e) != 0 || complete(s, e) != 0 ||
	    resolve(s, s->base, &base, e) != 0 || resolve(s, is_files(s) ? "HEAD" : s->head, &head, e) != 0)
		return -1;
	if (is_files(s) && s->merge)
		return fail(e, ERR_INPUT, "--merge merges commits: name a head, or commit first");
	if (is_files(s) && worktree_tree(s->a, s->repo, index, head.tree, e) != 0)
		return -1;
	if (q->three_dots && worktree_merge_base(s->repo, base.commit, head.commit, base.commit, base.tree, e) != 0)
		return -1;
	hint(s, &base, &head);
	if (s->merge)
		return changeset_merge(s->a, ret->git_dir, arena_strdup(s->a, base.commit), arena_strdup(s->a, head.commit),
		    &ret->mirrored, e);
	ret->mirrored = (struct mirrored){.base = arena_strdup(s->a, base.commit),
	    .head = arena_strdup(s->a, head.commit),
	    .base_tree = arena_strdup(s->a, base.tree),
	    .head_tree = arena_strdup(s->a, head.tree)};
	return 0;
}

int
sides_find(struct arena *a, const struct command_line *q, const char *index, struct sides *ret, struct err *e)
{
	struct search s = {a, q->repo, q->base, q->head, q->merge};

	if (find(&s, q, index, ret, e) != 0)
		return -1;
	ret->base = s.base;
	ret->head = s.head;
	ret->of_files = is_files(&s);
	ret->merged = s.merge;
	return 0;
}
