/* Revisions, and the files as they are. */
#include "cli/sides.h"

#include "changeset/changeset.h"
#include "changeset/pulled.h"
#include "changeset/worktree.h"
#include "forge/github/pull.h"
#include "support/text/escape.h"

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
	/* where base is the commit at which head parted from a branch: that one, and its tip */
	const char *parted_from;
	struct tip from;
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

/* The commit where `head` parted from `from`, whose tip is s->from. */
static int
part(struct search *s, const char *from, const struct tip *head, struct tip *ret, struct err *e)
{
	s->parted_from = from;
	return worktree_merge_base(s->repo, s->from.commit, head->commit, ret->commit, ret->tree, e);
}

/*
 * Fewer than two revisions: the default branch and the working tree complete them. One that the default branch has already can
 * only be a base, for the files as they are; any other is a head, as GitHub would merge it. None: what was done since the
 * checkout parted from the default branch, committed or not.
 */
static int
complete(struct search *s, struct err *e)
{
	struct tip head, parted;
	const char *name, *named = s->base;

	if (s->base != NULL && s->head != NULL)
		return 0;
	if (worktree_default_branch(s->a, s->repo, &name, e) != 0 || resolve(s, name, &s->from, e) != 0 ||
	    resolve(s, named != NULL ? named : "HEAD", &head, e) != 0 || part(s, name, &head, &parted, e) != 0)
		return -1;
	if (named == NULL) {
		s->base = arena_strdup(s->a, parted.commit);
		s->head = SIDES_FILES;
		return 0;
	}
	s->parted_from = NULL;
	if (strcmp(parted.commit, head.commit) == 0) {
		s->head = SIDES_FILES;
	} else {
		s->head = named;
		s->base = name;
		s->merge = true;
	}
	return 0;
}

/* --- what is said of it ------------------------------------------------------------------------------------------------ */

/* A revision as it was named, with its commit where the name is another. */
static const char *
shown(const struct search *s, const char *name, const char *commit)
{
	if (name == NULL || strncmp(name, commit, strlen(name)) == 0)
		return arena_printf(s->a, "%.12s", commit);
	return arena_printf(s->a, "%s (%.12s)", escape_dup(s->a, ESCAPE_TERMINAL, str_of(name)), commit);
}

static const char *
commits(const struct search *s, size_t n)
{
	return arena_printf(s->a, "%zu commit%s", n, n == 1 ? "" : "s");
}

/* The files: what of them is not committed. */
static const char *
shown_files(const struct search *s, const struct worktree_state *now)
{
	const char *what = now->changed + now->added == 0
	                       ? "nothing uncommitted"
	                       : arena_printf(s->a, "%zu changed, %zu new", now->changed, now->added);
	const char *conflicts =
	    now->unmerged > 0 ? arena_printf(s->a, ", %zu with conflicts, as they are written there", now->unmerged) : "";

	return arena_printf(s->a, "the working tree of %s (%s%s%s%s)",
	    now->branch != NULL ? escape_dup(s->a, ESCAPE_TERMINAL, str_of(now->branch)) : "a detached HEAD", what, conflicts,
	    now->doing != NULL ? "; in the middle of " : "", now->doing != NULL ? now->doing : "");
}

/* The one line. What the base's branch has done meanwhile is said where it is not counted. */
static const char *
tell(const struct search *s, const struct tip *base, const struct tip *head, const struct worktree_state *now)
{
	const char *one = is_files(s) ? shown_files(s, now) : shown(s, s->head, head->commit);

	if (s->merge)
		return arena_printf(s->a, "comparing %s with %s merged into it", shown(s, s->base, base->commit), one);
	if (s->parted_from == NULL)
		return arena_printf(s->a, "comparing %s with %s", one, shown(s, s->base, base->commit));
	size_t meanwhile = worktree_ahead(s->repo, s->from.commit, base->commit);
	return arena_printf(s->a, "comparing %s with %.12s, where it parted from %s%s%s", one, base->commit,
	    escape_dup(s->a, ESCAPE_TERMINAL, str_of(s->parted_from)), meanwhile > 0 ? ", which has moved on by " : "",
	    meanwhile > 0 ? commits(s, meanwhile) : "");
}

/* Whether the files belong to what is compared, so that what is not committed of them is of interest. */
static bool
files_concern(const struct search *s, const struct tip *base, const struct tip *head)
{
	struct tip out;
	struct err e;

	return is_files(s) || (resolve(s, "HEAD", &out, &e) == 0 &&
	                          (strcmp(out.commit, base->commit) == 0 || strcmp(out.commit, head->commit) == 0));
}

/* A line about what is not compared. */
static const char *
hint(const struct search *s, const struct worktree_state *now)
{
	if (!is_files(s) && now->changed + now->added > 0)
		return "uncommitted changes are not compared (see ekaci diff --help)";
	return is_files(s) && now->submodules ? "uncommitted changes inside of submodules are not compared" : NULL;
}

/* --- a pull request ---------------------------------------------------------------------------------------------------- */

/* Looks for the remote that has the repository of an address. */
struct wanted_remote {
	struct arena *a;
	const struct pull_address *at;
	const char *url;
};

static bool
is_wanted(void *ctx, const char *url)
{
	struct wanted_remote *w = ctx;
	struct pull_address at;

	if (pull_address_of_remote(w->a, url, &at) != 0 || !pull_same_repository(&at, w->at))
		return false;
	w->url = arena_strdup(w->a, url);
	return true;
}

/* Where the pull request is, as git takes it, and as GitHub has it; *ret_at is without origin where it is none of GitHub's. */
static int
locate(struct search *s, const struct command_line *q, const char **ret_url, struct pull_address *ret_at, struct err *e)
{
	struct pull_address at = {0};
	int64_t number;

	if (str_to_i64(str_of(q->pull), &number) == 0 && number > 0) {
		if (pulled_remote(s->a, s->repo, q->remote, ret_url, e) != 0)
			return -1;
		(void)pull_address_of_remote(s->a, *ret_url, &at);
		at.number = number;
		*ret_at = at;
		return 0;
	}
	if (pull_address_read(s->a, q->pull, &at, e) != 0)
		return -1;
	struct wanted_remote w = {.a = s->a, .at = &at};
	if (q->remote != NULL && pulled_remote(s->a, s->repo, q->remote, &w.url, e) != 0)
		return -1;
	if (q->remote == NULL)
		pulled_any_remote(s->repo, is_wanted, &w);
	*ret_url = w.url != NULL ? w.url : arena_printf(s->a, "%s/%s/%s.git", at.origin, at.owner, at.name);
	*ret_at = at;
	return 0;
}

static int
find_pull(struct search *s, const struct command_line *q, const char *git_dir, const char **ret_told, struct err *e)
{
	static const char *const how[] = {[PULLED_NAMED] = "",
	    [PULLED_MERGED] = ", the branch of its merge at GitHub",
	    [PULLED_DEFAULT] = ", the default branch (--onto names another)",
	    [PULLED_COMMIT] = ", the commit of its merge at GitHub"};
	struct pulled_wish wish = {.git_dir = git_dir, .onto = q->onto};
	struct pull_address at;
	struct pulled found;
	struct err why;

	if (locate(s, q, &wish.url, &at, e) != 0)
		return -1;
	wish.number = at.number;
	const char *token = at.origin != NULL ? pull_token(s->a, &at) : NULL;
	if (token != NULL && str_starts(str_of(wish.url), str_of(at.origin)))
		wish.authorization = pull_authorization(s->a, token);
	if (token != NULL && wish.onto == NULL && pull_base(s->a, &at, token, &wish.onto, &why) != 0)
		fprintf(stderr, "ekaci: GitHub does not say where the pull request goes (%s); its merge is looked at\n",
		    why.msg);
	if (pulled_fetch(s->a, &wish, &found, e) != 0)
		return -1;
	s->base = arena_strdup(s->a, found.base);
	s->head = arena_strdup(s->a, found.head);
	s->merge = true;
	*ret_told = arena_printf(s->a, "comparing %s with pull request %lld (%.12s) merged into it%s",
	    shown(s, found.onto, found.base), (long long)at.number, found.head, how[found.how]);
	return 0;
}

static int
find(struct search *s, const struct command_line *q, const char *index, struct sides *ret, struct err *e)
{
	struct worktree_state now = {0};
	struct tip base, head;

	if (changeset_git_dir(s->a, s->repo, &ret->git_dir, e) != 0)
		return -1;
	ret->fetched = q->pull != NULL;
	if (q->pull != NULL ? find_pull(s, q, ret->git_dir, &ret->told, e) != 0 : complete(s, e) != 0)
		return -1;
	if (resolve(s, s->base, &base, e) != 0 || resolve(s, is_files(s) ? "HEAD" : s->head, &head, e) != 0)
		return -1;
	if (is_files(s) && s->merge)
		return fail(e, ERR_INPUT, "--merge merges commits: name a head, or commit first");
	if (is_files(s) && worktree_tree(s->a, s->repo, index, head.tree, e) != 0)
		return -1;
	s->from = q->three_dots ? base : s->from;
	if (q->three_dots && part(s, s->base, &head, &base, e) != 0)
		return -1;
	if (q->pull == NULL && files_concern(s, &base, &head))
		now = worktree_state(s->a, s->repo);
	if (q->pull == NULL) {
		ret->told = tell(s, &base, &head, &now);
		ret->hint = hint(s, &now);
	}
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
	struct search s = {.a = a, .repo = q->repo, .base = q->base, .head = q->head, .merge = q->merge};

	if (find(&s, q, index, ret, e) != 0)
		return -1;
	ret->base = s.base;
	ret->head = s.head;
	ret->of_files = is_files(&s);
	ret->merged = s.merge;
	return 0;
}
