/* The stage `submodules`: of somebody's own clone. */
#include "changeset/changeset.h"

#include "changeset/repository.h"
#include "changeset/submodules.h"
#include "support/base/clock.h"

static void
config_free(git_config **config)
{
	git_config_free(*config);
}

/* Where the clone is from, which is what relative addresses are beside; itself when it is from nowhere. */
static int
origin_of(struct arena *a, const char *git_dir, const char **ret, struct err *e)
{
	AUTO(repo_free) git_repository *repo = NULL;
	AUTO(config_free) git_config *config = NULL;
	git_buf url = GIT_BUF_INIT;
	struct str path = str_of(git_dir);

	if (repository_open(git_dir, &repo, e) != 0)
		return -1;
	if (git_repository_config(&config, repo) == 0 && git_config_get_string_buf(&url, config, "remote.origin.url") == 0 &&
	    url.size > 0 && url.ptr[0] != '.') {
		*ret = arena_strdup(a, url.ptr);
	} else {
		if (str_ends(path, STR("/.git")))
			path.n -= 5;
		*ret = str_dup(a, path);
	}
	git_buf_dispose(&url);
	return 0;
}

/* A folder of its own for each clone. */
static int
folder_of(struct arena *a, const char *cache, const char *git_dir, const char **ret, struct err *e)
{
	char hex[GIT_OID_HEXSZ + 1];
	git_oid id;

	if (git_odb_hash(&id, git_dir, strlen(git_dir), GIT_OBJECT_BLOB) != 0)
		return fail(e, ERR_SYSTEM, "cannot name a folder");
	*ret = arena_printf(a, "%s/%.16s.git", cache, git_oid_tostr(hex, sizeof(hex), &id));
	return 0;
}

int
changeset_submodules(struct arena *a, const void *of_job, struct record_out *out, struct err *e)
{
	const struct submodules_job *job = of_job;
	struct submodules s = {.a = a,
	    .git_dir = job->git_dir,
	    .deadline_ms = job->wall_ms > 0 ? clock_mono_ms() + job->wall_ms : 0,
	    .trusted = true,
	    .of_user = true};
	struct whole_trees taken = {0};

	if (origin_of(a, job->git_dir, &s.url, e) != 0 || folder_of(a, job->cache, job->git_dir, &s.into, e) != 0 ||
	    submodules_take(&s, job->base_tree, job->head_tree, &taken, e) != 0)
		return -1;
	return record_put(out, &submodules_fields, &taken, e);
}

bool
changeset_wants_submodules(const char *git_dir, const char *base_tree, const char *head_tree, const char *jobs, bool all)
{
	struct arena a = {0};
	bool wants = submodules_wanted(&a, git_dir, base_tree, head_tree, jobs, all);

	arena_release(&a);
	return wants;
}
