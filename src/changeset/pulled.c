/* refs/pull/N/head, by the user's own git. */
#include "changeset/pulled.h"

#include "changeset/gitcmd.h"
#include "changeset/repository.h"

#include <inttypes.h>
#include <unistd.h>

enum { MAX_LIST_BYTES = 64 * 1024 * 1024 }; /* names of branches */

/* What the other side has. */
struct offer {
	const char *list; /* of git ls-remote */
	const char *default_branch, *head, *merge;
};

static const char *
ref_of(struct arena *a, const char *name)
{
	return arena_printf(a, "refs/ekaci/local/%d/%s", (int)getpid(), name);
}

/* --- remotes ----------------------------------------------------------------------------------------------------------- */

static void
remote_free(git_remote **remote)
{
	git_remote_free(*remote);
}

static const char *
url_of(struct arena *a, git_repository *repo, const char *name)
{
	AUTO(remote_free) git_remote *remote = NULL;

	return git_remote_lookup(&remote, repo, name) == 0 && git_remote_url(remote) != NULL
	           ? arena_strdup(a, git_remote_url(remote))
	           : NULL;
}

/* The one of which `gh` wrote down that pull requests go there. */
static const char *
told_to_gh(struct arena *a, git_repository *repo, const git_strarray *names)
{
	git_config *config = NULL;
	const char *url = NULL, *value;

	if (git_repository_config_snapshot(&config, repo) != 0)
		return NULL;
	for (size_t i = 0; i < names->count && url == NULL; i++)
		if (git_config_get_string(&value, config, arena_printf(a, "remote.%s.gh-resolved", names->strings[i])) == 0 &&
		    strcmp(value, "base") == 0)
			url = url_of(a, repo, names->strings[i]);
	git_config_free(config);
	return url;
}

int
pulled_remote(struct arena *a, const char *dir, const char *remote, const char **ret_url, struct err *e)
{
	AUTO(repo_free) git_repository *repo = NULL;
	git_strarray names = {0};

	if (repository_discover(dir, &repo, e) != 0)
		return -1;
	if (remote != NULL) {
		*ret_url = url_of(a, repo, remote);
		return *ret_url != NULL ? 0 : fail(e, ERR_ABSENT, "there is no remote %.100s", remote);
	}
	if (git_remote_list(&names, repo) == 0)
		*ret_url = told_to_gh(a, repo, &names);
	else
		*ret_url = NULL;
	if (*ret_url == NULL)
		*ret_url = url_of(a, repo, "upstream");
	if (*ret_url == NULL)
		*ret_url = url_of(a, repo, "origin");
	if (*ret_url == NULL && names.count == 1)
		*ret_url = url_of(a, repo, names.strings[0]);
	git_strarray_dispose(&names);
	return *ret_url != NULL ? 0
	                        : fail(e, ERR_ABSENT,
	                              "in which repository is that pull request? There is no remote upstream or origin: use "
	                              "--remote, or the pull request's address");
}

bool
pulled_any_remote(const char *dir, bool (*each)(void *ctx, const char *url), void *ctx)
{
	AUTO(repo_free) git_repository *repo = NULL;
	git_strarray names = {0};
	struct arena a = {0};
	struct err e;
	bool found = false;

	if (repository_discover(dir, &repo, &e) != 0 || git_remote_list(&names, repo) != 0)
		return false;
	for (size_t i = 0; i < names.count && !found; i++) {
		const char *url = url_of(&a, repo, names.strings[i]);
		found = url != NULL && each(ctx, url);
	}
	git_strarray_dispose(&names);
	arena_release(&a);
	return found;
}

/* --- what there is ----------------------------------------------------------------------------------------------------- */

/* Lines "COMMIT<tab>REF", and "ref: refs/heads/main<tab>HEAD". */
static int
look(const struct gitcmd *g, const struct pulled_wish *w, struct offer *ret, struct err *e)
{
	const char *head = arena_printf(g->a, "refs/pull/%" PRId64 "/head", w->number);
	const char *merge = arena_printf(g->a, "refs/pull/%" PRId64 "/merge", w->number);
	const char *const args[] = {"ls-remote", "--symref", "--", w->url, "HEAD", head, merge, "refs/heads/*", NULL};
	struct str out;

	if (gitcmd_read(g, args, MAX_LIST_BYTES, &out, e) != 0)
		return -1;
	*ret = (struct offer){.list = out.p};
	for (struct str rest = out; rest.p != NULL && rest.n > 0;) {
		struct str name, id = str_cut(str_cut(rest, '\n', &rest), '\t', &name);
		if (str_is(name, "HEAD") && str_starts(id, STR("ref: refs/heads/")))
			ret->default_branch = str_dup(g->a, str_from(id, strlen("ref: refs/heads/")));
		else if (str_is(name, head))
			ret->head = str_dup(g->a, id);
		else if (str_is(name, merge))
			ret->merge = str_dup(g->a, id);
	}
	return ret->head != NULL ? 0 : fail(e, ERR_ABSENT, "there is no pull request %" PRId64 " at %.200s", w->number, w->url);
}

/* A branch that is at this commit, or NULL. */
static const char *
branch_at(struct arena *a, const struct offer *o, const char *commit)
{
	for (struct str rest = str_of(o->list); rest.p != NULL && rest.n > 0;) {
		struct str name, id = str_cut(str_cut(rest, '\n', &rest), '\t', &name);
		if (str_is(id, commit) && str_starts(name, STR("refs/heads/")))
			return str_dup(a, str_from(name, strlen("refs/heads/")));
	}
	return NULL;
}

/* --- fetching ---------------------------------------------------------------------------------------------------------- */

static int
fetch(const struct gitcmd *g, const char *one, const char *other, struct err *e)
{
	const char *const args[] = {"fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules",
	    "--no-auto-maintenance", "--force", "--", g->url, one, other, NULL};

	return gitcmd_run(g, args, NULL, e);
}

static int
fetch_branch(const struct gitcmd *g, const char *branch, struct err *e)
{
	const char *ref = arena_printf(g->a, "refs/heads/%s", branch);
	int valid = 0;

	if (git_reference_name_is_valid(&valid, ref) != 0 || !valid)
		return fail(e, ERR_INPUT, "%.100s is no name of a branch", branch);
	if (fetch(g, arena_printf(g->a, "+%s:%s", ref, ref_of(g->a, "base")), NULL, e) != 0)
		return fail_in(e, "the branch %.100s", branch);
	return 0;
}

static int
commit_of(struct arena *a, git_repository *repo, const char *name, char ret[CHANGESET_HEX + 1], struct err *e)
{
	git_oid id;
	int rc = git_reference_name_to_id(&id, repo, ref_of(a, name));

	if (rc != 0)
		return fail_git(e, rc, "what was fetched is not there");
	git_oid_tostr(ret, CHANGESET_HEX + 1, &id);
	return 0;
}

/* The commit into which the forge has merged it: the first parent. False: there is no merge. */
static bool
merged_into(struct arena *a, git_repository *repo, git_oid *ret)
{
	AUTO(commit_free) git_commit *merge = NULL;
	git_oid id;

	if (git_reference_name_to_id(&id, repo, ref_of(a, "merge")) != 0 || git_commit_lookup(&merge, repo, &id) != 0 ||
	    git_commit_parentcount(merge) != 2)
		return false;
	*ret = *git_commit_parent_id(merge, 0);
	return true;
}

/* No branch was named. The one that the forge has merged it into is the default branch when that has the commit, else one that is at
 * it. */
static int
find_branch(const struct gitcmd *g, git_repository *repo, const struct offer *o, struct pulled *ret, struct err *e)
{
	char hex[CHANGESET_HEX + 1];
	git_oid parent, tip;

	if (o->default_branch == NULL)
		return fail(e, ERR_ABSENT, "%.200s has no default branch: name one with --onto", g->url);
	if (fetch_branch(g, o->default_branch, e) != 0)
		return -1;
	ret->onto = o->default_branch;
	ret->how = PULLED_DEFAULT;
	if (!merged_into(g->a, repo, &parent))
		return 0;
	ret->how = PULLED_MERGED;
	if (git_reference_name_to_id(&tip, repo, ref_of(g->a, "base")) == 0 &&
	    (git_oid_equal(&tip, &parent) || git_graph_descendant_of(repo, &tip, &parent) == 1))
		return 0;
	git_oid_tostr(hex, sizeof(hex), &parent);
	const char *branch = branch_at(g->a, o, hex);
	if (branch != NULL) {
		ret->onto = branch;
		return fetch_branch(g, branch, e);
	}
	ret->how = PULLED_COMMIT;
	ret->onto = arena_strdup(g->a, hex);
	memcpy(ret->base, hex, sizeof(hex));
	return 0;
}

int
pulled_fetch(struct arena *a, const struct pulled_wish *w, struct pulled *ret, struct err *e)
{
	AUTO(repo_free) git_repository *repo = NULL;
	const struct gitcmd g = {.a = a, .dir = w->git_dir, .url = w->url, .authorization = w->authorization, .of_user = true};
	struct pulled found = {.how = PULLED_NAMED, .onto = w->onto};
	struct offer o;

	if (w->url[0] == '-')
		return fail(e, ERR_INPUT, "%.100s is no address", w->url);
	if (look(&g, w, &o, e) != 0)
		return -1;
	const char *head = arena_printf(a, "+refs/pull/%" PRId64 "/head:%s", w->number, ref_of(a, "head"));
	const char *merge = arena_printf(a, "+refs/pull/%" PRId64 "/merge:%s", w->number, ref_of(a, "merge"));
	if (fetch(&g, head, w->onto == NULL && o.merge != NULL ? merge : NULL, e) != 0 ||
	    repository_open(w->git_dir, &repo, e) != 0 || commit_of(a, repo, "head", found.head, e) != 0)
		return -1;
	if (w->onto != NULL ? fetch_branch(&g, w->onto, e) != 0 : find_branch(&g, repo, &o, &found, e) != 0)
		return -1;
	if (found.how != PULLED_COMMIT && commit_of(a, repo, "base", found.base, e) != 0)
		return -1;
	*ret = found;
	return 0;
}

void
pulled_forget(const char *git_dir)
{
	static const char *const names[] = {"head", "merge", "base"};
	AUTO(repo_free) git_repository *repo = NULL;
	struct arena a = {0};
	struct err e;

	if (repository_open(git_dir, &repo, &e) == 0)
		for (size_t i = 0; i < COUNT(names); i++)
			(void)git_reference_remove(repo, ref_of(&a, names[i]));
	arena_release(&a);
}
