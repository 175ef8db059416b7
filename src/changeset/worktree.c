/* The user's own git on the user's own files. */
#include "changeset/worktree.h"

#include "changeset/repository.h"
#include "records/list.h"
#include "support/base/map.h"
#include "support/os/child.h"
#include "support/os/files.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	MAX_WORDS = 4096,
	MAX_LIST_BYTES = 64 * 1024 * 1024, /* names of new files */
	MAX_INDEX_BYTES = 1024 * 1024 * 1024,
	MAX_NEW_MB = 512,    /* of new files together */
	MAX_EXCEPTIONS = 200 /* repositories that lie inside */
};

static void
reference_free(git_reference **reference)
{
	git_reference_free(*reference);
}

/* --- branches ---------------------------------------------------------------------------------------------------------- */

/* The branch that a remote's HEAD names: 0, or 1 when nothing is known of it. */
static int
head_of_remote(struct arena *a, git_repository *repo, const char *dir, const char *remote, const char **ret)
{
	AUTO(reference_free) git_reference *named = NULL;
	char commit[CHANGESET_HEX + 1], tree[CHANGESET_HEX + 1];
	struct err e;

	if (git_reference_lookup(&named, repo, arena_printf(a, "refs/remotes/%s/HEAD", remote)) != 0 ||
	    git_reference_type(named) != GIT_REFERENCE_SYMBOLIC)
		return 1;
	struct str name = str_of(git_reference_symbolic_target(named));
	*ret = str_dup(a, str_starts(name, STR("refs/remotes/")) ? str_from(name, strlen("refs/remotes/")) : name);
	return changeset_resolve(dir, *ret, commit, tree, &e) == 0 ? 0 : 1;
}

int
worktree_default_branch(struct arena *a, const char *dir, const char **ret, struct err *e)
{
	/* NULL: what origin/HEAD names. */
	static const char *const names[] = {"refs/remotes/upstream/main", "refs/remotes/upstream/master", NULL, "main",
	    "master", "origin/main", "origin/master"};
	AUTO(repo_free) git_repository *repo = NULL;
	char commit[CHANGESET_HEX + 1], tree[CHANGESET_HEX + 1];

	if (repository_discover(dir, &repo, e) != 0)
		return -1;
	if (head_of_remote(a, repo, dir, "upstream", ret) == 0)
		return 0;
	for (size_t i = 0; i < COUNT(names); i++) {
		if (names[i] == NULL) {
			if (head_of_remote(a, repo, dir, "origin", ret) == 0)
				return 0;
			continue;
		}
		*ret = names[i] + (str_starts(str_of(names[i]), STR("refs/remotes/")) ? strlen("refs/remotes/") : 0);
		if (changeset_resolve(dir, names[i], commit, tree, e) == 0)
			return 0;
	}
	return fail(e, ERR_ABSENT,
	    "which branch is the default one? There is no upstream/HEAD, origin/HEAD, main or master: name BASE and HEAD");
}

size_t
worktree_ahead(const char *dir, const char *tip, const char *other)
{
	AUTO(repo_free) git_repository *repo = NULL;
	git_oid ids[2];
	size_t ahead, behind;
	struct err e;

	if (repository_discover(dir, &repo, &e) != 0 || repository_id(tip, "", &ids[0], &e) != 0 ||
	    repository_id(other, "", &ids[1], &e) != 0 || git_graph_ahead_behind(&ahead, &behind, repo, &ids[0], &ids[1]) != 0)
		return 0;
	return ahead;
}

/* --- git --------------------------------------------------------------------------------------------------------------- */

struct git_words {
	struct buf out, words;
};

static int
keep(void *ctx, int fd, struct str bytes, struct err *e)
{
	struct git_words *h = ctx;

	(void)e;
	if (fd == 1)
		buf_str(&h->out, bytes);
	else if (h->words.n < MAX_WORDS)
		buf_str(&h->words, bytes);
	return 0;
}

/* Our environment without what is about another repository (as git sets it for hooks), and with the index, when given. */
static const char *const *
environment(struct arena *a, const char *index)
{
	static const char *const others[] = {"GIT_DIR=", "GIT_WORK_TREE=", "GIT_INDEX_FILE=", "GIT_COMMON_DIR=",
	    "GIT_NAMESPACE=", "GIT_OBJECT_DIRECTORY=", "GIT_ALTERNATE_OBJECT_DIRECTORIES=", "GIT_PREFIX=",
	    "GIT_OPTIONAL_LOCKS=", "LC_ALL="};
	size_t n = 0;

	while (environ[n] != NULL)
		n++;
	const char **env = arena_alloc(a, (n + 4) * sizeof(*env));
	n = 0;
	for (char **p = environ; *p != NULL; p++) {
		bool other = false;
		for (size_t i = 0; i < COUNT(others); i++)
			other = other || strncmp(*p, others[i], strlen(others[i])) == 0;
		if (!other)
			env[n++] = *p;
	}
	env[n++] = "LC_ALL=C";
	env[n++] = "GIT_OPTIONAL_LOCKS=0"; /* `git status` would write the index anew */
	if (index != NULL)
		env[n++] = arena_printf(a, "GIT_INDEX_FILE=%s", index);
	env[n] = NULL;
	return env;
}

/* git in the folder; what it prints. It is found by the folder, as by hand, so that git itself judges whose repository it is. */
static int
git(struct arena *a, const char *top, const char *index, const char *const *args, size_t n_args, struct str *ret, struct err *e)
{
	static const char *const always[] = {"git", "-c", "core.fsmonitor=false", "-c", "core.splitIndex=false", "-c",
	    "advice.addEmbeddedRepo=false"};
	const char **argv = arena_alloc(a, (COUNT(always) + n_args + 1) * sizeof(*argv));
	AUTO(buf_release) struct buf out = {0};
	AUTO(buf_release) struct buf words = {0};
	struct child_result r;

	memcpy(argv, always, sizeof(always));
	memcpy(argv + COUNT(always), args, n_args * sizeof(*argv));
	argv[COUNT(always) + n_args] = NULL;
	buf_init(&out, MAX_LIST_BYTES);
	buf_init(&words, 2 * MAX_WORDS + 65536);
	struct git_words h = {out, words};
	struct child c =
	    {.argv = argv, .env = environment(a, index), .env_clear = true, .dir = top, .on_bytes = keep, .ctx = &h};
	int rc = child_run(&c, &r, e);
	out = h.out;
	words = h.words;
	if (rc != 0)
		return fail_in(e, "the files as they are now are read by git");
	if (r.end != CHILD_EXITED || r.code != 0) {
		struct str said = str_utf8_head(str_trim(buf_get(&words)), 400);
		return fail(e, ERR_SYSTEM, "the files as they are now cannot be read: git %s: " STR_FMT, args[0],
		    STR_ARG(said));
	}
	if (out.over)
		return fail(e, ERR_LIMIT, "git %s printed more than %d bytes", args[0], MAX_LIST_BYTES);
	*ret = (struct str){arena_strn(a, out.p, out.n), out.n};
	return 0;
}
#define GIT(a, top, index, ret, e, ...) \
	git((a), (top), (index), (const char *const[]){__VA_ARGS__}, COUNT(((const char *const[]){__VA_ARGS__})), (ret), (e))

/* --- where two parted -------------------------------------------------------------------------------------------------- */

static int
base_by_git(const char *dir, const char *one, const char *other, git_oid *ret)
{
	struct arena a = {0};
	struct str out;
	struct err e;
	int rc = GIT(&a, dir, NULL, &out, &e, "merge-base", one, other);

	if (rc == 0)
		rc = repository_id(str_dup(&a, str_trim(out)), "git's merge base", ret, &e);
	arena_release(&a);
	return rc == 0 ? 0 : GIT_ENOTFOUND;
}

int
worktree_merge_base(const char *dir, const char *one, const char *other, char ret_commit[CHANGESET_HEX + 1],
    char ret_tree[CHANGESET_HEX + 1], struct err *e)
{
	AUTO(repo_free) git_repository *repo = NULL;
	AUTO(commit_free) git_commit *commit = NULL;
	git_oid ids[2], base;

	if (repository_discover(dir, &repo, e) != 0 || repository_id(one, "the base", &ids[0], e) != 0 ||
	    repository_id(other, "the head", &ids[1], e) != 0)
		return -1;
	/* libgit2 goes on behind the end of a shallow clone, git knows of it. */
	bool shallow = git_repository_is_shallow(repo) == 1;
	int rc = shallow ? base_by_git(dir, one, other, &base) : git_merge_base(&base, repo, &ids[0], &ids[1]);
	if (rc == GIT_ENOTFOUND)
		return fail(e, ERR_ABSENT, "%.12s and %.12s have no common history in this clone%s", one, other,
		    git_repository_is_shallow(repo) == 1
		        ? ", which is a shallow one: git fetch --unshallow, or name BASE and HEAD"
		        : "");
	if (rc != 0 || (rc = git_commit_lookup(&commit, repo, &base)) != 0)
		return fail_git(e, rc, "cannot find where %.12s and %.12s parted", one, other);
	git_oid_tostr(ret_commit, CHANGESET_HEX + 1, &base);
	git_oid_tostr(ret_tree, CHANGESET_HEX + 1, git_commit_tree_id(commit));
	return 0;
}

/* --- the tree ---------------------------------------------------------------------------------------------------------- */

/* The working tree's folder, and the index that belongs to it. */
static int
folders(struct arena *a, const char *dir, const char **ret_top, const char **ret_index, struct err *e)
{
	AUTO(repo_free) git_repository *repo = NULL;

	if (repository_discover(dir, &repo, e) != 0)
		return -1;
	const char *top = git_repository_workdir(repo);
	if (top == NULL)
		return fail(e, ERR_ABSENT, "%s is a bare repository, without files to compare: name a head", dir);
	*ret_top = arena_strdup(a, top);
	*ret_index = arena_printf(a, "%sindex", git_repository_path(repo));
	return 0;
}

/* `git add`'s arguments: everything but the repositories that lie inside, which it lists with a slash. */
static int
choose(struct arena *a, const char *top, struct str list, const char **args, size_t *ret_n, struct err *e)
{
	int64_t bytes = 0;
	size_t n = 0;
	struct str rest = list;
	struct stat st;

	args[n++] = "add";
	args[n++] = "-A";
	args[n++] = "--";
	args[n++] = ":/";
	while (rest.p != NULL && rest.n > 0) {
		struct str name = str_cut(rest, '\0', &rest);
		const char *path = arena_printf(a, "%s" STR_FMT, top, STR_ARG(name));
		if (name.n > 0 && name.p[name.n - 1] == '/') {
			if (n == MAX_EXCEPTIONS + 4)
				return fail(e, ERR_LIMIT,
				    "more than %d repositories lie inside of this one and are not ignored", MAX_EXCEPTIONS);
			args[n++] = arena_printf(a, ":(exclude,top,literal)%.*s", (int)name.n - 1, name.p);
		} else if (lstat(path, &st) == 0 && S_ISREG(st.st_mode)) {
			bytes += st.st_size;
		}
	}
	if (bytes > (int64_t)MAX_NEW_MB * 1000 * 1000)
		return fail(e, ERR_LIMIT,
		    "new files of %lld MB are not ignored: add them to .gitignore, or name the commits to compare",
		    (long long)(bytes / 1000000));
	*ret_n = n;
	return 0;
}

/* With what git knows of each file's time, so that only changed ones are read. Of when it was written, too: git looks into
 * files that are not older than that. A clone without an index has no file that is tracked. */
static int
copy_index(struct arena *a, const char *from, const char *to, struct err *e)
{
	struct str bytes;
	struct stat st;

	if (stat(from, &st) != 0)
		return 0;
	struct timespec times[2] = {st.st_atim, st.st_mtim};
	if (files_read(a, from, MAX_INDEX_BYTES, &bytes, e) != 0 || files_write(to, bytes, 0600, FILES_NO_SYNC, e) != 0)
		return -1;
	return utimensat(AT_FDCWD, to, times, 0) == 0 ? 0 : fail_sys(e, "cannot copy the index");
}

int
worktree_tree(struct arena *a, const char *dir, const char *index, char ret_tree[CHANGESET_HEX + 1], struct err *e)
{
	const char *top, *of_user, *args[MAX_EXCEPTIONS + 4];
	struct str out;
	struct err none;
	size_t n = 0;

	if (folders(a, dir, &top, &of_user, e) != 0)
		return -1;
	if (copy_index(a, of_user, index, e) != 0)
		return -1;
	if (GIT(a, top, index, &out, e, "ls-files", "-z", "--others", "--exclude-standard") != 0 ||
	    choose(a, top, out, args, &n, e) != 0 || git(a, top, index, args, n, &out, e) != 0 ||
	    GIT(a, top, index, &out, e, "write-tree") != 0)
		return -1;
	out = str_trim(out);
	git_oid id;
	if (out.n != CHANGESET_HEX || repository_id(str_dup(a, out), "git's tree", &id, &none) != 0)
		return fail(e, ERR_SYSTEM, "git write-tree gave no tree");
	git_oid_tostr(ret_tree, CHANGESET_HEX + 1, &id);
	return 0;
}

/* A file's folder and those above it, up to one that is there already. */
static void
add_folders(struct arena *a, const char *top, struct str file, struct map *seen, struct texts *ret)
{
	for (size_t n = file.n; n > 0; n--) {
		if (file.p[n - 1] != '/')
			continue;
		struct str folder = {file.p, n - 1};
		bool added;
		map_add(seen, folder, &added);
		if (!added)
			return;
		list_add(a, ret, arena_printf(a, "%s" STR_FMT, top, STR_ARG(folder)));
	}
}

int
worktree_folders(struct arena *a, const char *dir, struct texts *ret, struct err *e)
{
	AUTO(repo_free) git_repository *repo = NULL;
	struct texts found = {0};
	const char *top, *index;
	struct str out;

	if (folders(a, dir, &top, &index, e) != 0 || repository_discover(dir, &repo, e) != 0 ||
	    GIT(a, top, NULL, &out, e, "ls-files", "-z", "--cached", "--others", "--exclude-standard") != 0)
		return -1;
	list_clear(a, &found);
	list_add(a, &found, top);
	list_add(a, &found, arena_strdup(a, git_repository_path(repo)));
	list_add(a, &found, arena_strdup(a, git_repository_commondir(repo)));
	struct map seen = {0};
	for (struct str rest = out; rest.p != NULL && rest.n > 0;)
		add_folders(a, top, str_cut(rest, '\0', &rest), &seen, &found);
	map_release(&seen);
	*ret = found;
	return 0;
}

/* What somebody is in the middle of. */
static const char *
doing_in(git_repository *repo)
{
	switch (git_repository_state(repo)) {
	case GIT_REPOSITORY_STATE_MERGE: return "a merge";
	case GIT_REPOSITORY_STATE_REVERT:
	case GIT_REPOSITORY_STATE_REVERT_SEQUENCE: return "a revert";
	case GIT_REPOSITORY_STATE_CHERRYPICK:
	case GIT_REPOSITORY_STATE_CHERRYPICK_SEQUENCE: return "a cherry-pick";
	case GIT_REPOSITORY_STATE_BISECT: return "a bisection";
	case GIT_REPOSITORY_STATE_REBASE:
	case GIT_REPOSITORY_STATE_REBASE_INTERACTIVE:
	case GIT_REPOSITORY_STATE_REBASE_MERGE: return "a rebase";
	case GIT_REPOSITORY_STATE_APPLY_MAILBOX:
	case GIT_REPOSITORY_STATE_APPLY_MAILBOX_OR_REBASE: return "git am";
	default: return NULL;
	}
}

static void
look_at_repository(struct arena *a, const char *dir, struct worktree_state *s)
{
	AUTO(repo_free) git_repository *repo = NULL;
	AUTO(reference_free) git_reference *head = NULL;
	struct err e;

	if (repository_discover(dir, &repo, &e) != 0)
		return;
	s->doing = doing_in(repo);
	if (git_repository_head_detached(repo) == 0 && git_repository_head(&head, repo) == 0)
		s->branch = arena_strdup(a, git_reference_shorthand(head));
}

/* Fields of `git status --porcelain=v2`: "1 .M S..U ..." for a tracked file, "u ..." for one with conflicts, "? NAME" for a new
 * one. */
struct worktree_state
worktree_state(struct arena *a, const char *dir)
{
	struct worktree_state s = {0};
	const char *top, *index;
	struct str out;
	struct err e;

	look_at_repository(a, dir, &s);
	if (folders(a, dir, &top, &index, &e) != 0 || GIT(a, top, NULL, &out, &e, "status", "--porcelain=v2", "-z") != 0)
		return s;
	for (struct str rest = out; rest.p != NULL && rest.n > 0;) {
		struct str line = str_cut(rest, '\0', &rest);
		if (line.n < 2 || line.p[1] != ' ' || strchr("12u?", line.p[0]) == NULL)
			continue; /* the second name of a rename */
		s.added += line.p[0] == '?';
		s.unmerged += line.p[0] == 'u';
		s.changed += line.p[0] != '?';
		if (line.p[0] != '?' && line.n > 8 && line.p[5] == 'S' && (line.p[7] == 'M' || line.p[8] == 'U'))
			s.submodules = true;
	}
	return s;
}
