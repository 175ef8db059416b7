/*
 * The stage `mirror`: a bare repository of ours is brought up to date, and the test merge is made in it.
 *
 * Refs: refs/ekaci/pull/N/head, and refs/ekaci/base/BRANCH with "%" and "/" written as %25 and %2F, so that a branch
 * "a" and a later branch "a/b" never stand in each other's way. A mirror that git or libgit2 finds damaged is made again,
 * once.
 */
#include "changeset/changeset.h"

#include "changeset/gitdir.h"
#include "changeset/merge.h"
#include "changeset/submodules.h"
#include "support/base/clock.h"
#include "support/base/log.h"
#include "support/os/files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct mirror {
	struct arena *a;
	const struct mirror_job *job;
	const char *base_to; /* the ref of ours */
	struct gitcmd git;
	git_oid head_id, base_id, tip_id;
	struct merge merge;
	const char *skip_word;
};

static int
check_ref(const char *name, const char *what, struct err *e)
{
	int valid = 0;

	if (git_reference_name_is_valid(&valid, name) != 0 || !valid)
		return fail(e, ERR_INPUT, "%s is no name of a ref: %.200s", what, name);
	return 0;
}

static const char *
escape_branch(struct arena *a, const char *branch)
{
	char *out = arena_alloc(a, strlen(branch) * 3 + 1), *o = out;

	for (const char *p = branch; *p != '\0'; p++) {
		if (*p == '/' || *p == '%') {
			memcpy(o, *p == '/' ? "%2F" : "%25", 3);
			o += 3;
		} else {
			*o++ = *p;
		}
	}
	return out;
}

/* Whatever of the job git would be given is what it should be. */
static int
check_job(struct mirror *m, struct err *e)
{
	const struct mirror_job *job = m->job;

	if (job->mirror[0] != '/')
		return fail(e, ERR_INPUT, "the mirror's path is not absolute");
	if (gitcmd_url_check(job->url, e) != 0 || repository_id(job->head, "head", &m->head_id, e) != 0 ||
	    (job->base != NULL && repository_id(job->base, "base", &m->base_id, e) != 0) ||
	    check_ref(arena_printf(m->a, "refs/heads/%s", job->base_ref), "the base branch", e) != 0)
		return -1;
	if (job->head_ref != NULL && (strncmp(job->head_ref, "refs/", 5) != 0 || check_ref(job->head_ref, "head_ref", e) != 0))
		return fail(e, ERR_INPUT, "head_ref is no name of a ref: %.200s", job->head_ref);
	if (job->authorization != NULL && strpbrk(job->authorization, "\r\n") != NULL)
		return fail(e, ERR_INPUT, "the authorization has more than one line");
	return 0;
}

static int
remove_mirror(const struct mirror *m, struct err *e)
{
	const char *old = arena_printf(m->a, "%s.old", m->job->mirror);

	if (files_remove_tree(old, e) != 0)
		return -1;
	if (rename(m->job->mirror, old) != 0 && errno != ENOENT)
		return fail_sys(e, "cannot remove the mirror %s", m->job->mirror);
	return files_remove_tree(old, e);
}

static int
fetch(const struct mirror *m, const char *first, const char *second, enum gitcmd_trouble *ret_trouble, struct err *e)
{
	const char *const what[] = {first, second, NULL};

	return gitdir_fetch(&m->git, NULL, what, ret_trouble, e);
}

static const char *
head_spec(const struct mirror *m)
{
	if (m->job->head_ref != NULL)
		return m->job->head_ref;
	if (m->job->number >= 0)
		return arena_printf(m->a, "+refs/pull/%lld/head:refs/ekaci/pull/%lld/head", (long long)m->job->number,
		    (long long)m->job->number);
	return NULL;
}

static int
fetch_refs(const struct mirror *m, enum gitcmd_trouble *ret_trouble, struct err *e)
{
	const char *base = arena_printf(m->a, "+refs/heads/%s:%s", m->job->base_ref, m->base_to), *head = head_spec(m);

	int rc = fetch(m, base, head, ret_trouble, e);
	/* The head's ref may be gone, or not be there yet; then the commit itself is asked for below. */
	if (rc != 0 && *ret_trouble == GITCMD_NO_REF && head != NULL)
		rc = fetch(m, base, NULL, ret_trouble, e);
	if (rc != 0 && *ret_trouble == GITCMD_NO_REF)
		return fail_in(e, "the base branch %s is not there", m->job->base_ref);
	return rc;
}

/* After a failure of libgit2: whether it is the mirror that is damaged. */
static enum gitcmd_trouble
trouble_of_library(void)
{
	const git_error *last = git_error_last();

	switch (last != NULL ? last->klass : 0) {
	case GIT_ERROR_ODB:
	case GIT_ERROR_OBJECT:
	case GIT_ERROR_ZLIB:
	case GIT_ERROR_TREE:
	case GIT_ERROR_REPOSITORY:
	case GIT_ERROR_REFERENCE:
	case GIT_ERROR_INDEXER: return GITCMD_CORRUPT;
	default: return GITCMD_OTHER;
	}
}

static int
bring(const struct mirror *m, const char *commit, const git_oid *id, git_repository **repo, enum gitcmd_trouble *ret_trouble,
    struct err *e)
{
	if (repository_has_commit(*repo, id))
		return 0;
	if (fetch(m, commit, NULL, ret_trouble, e) != 0) {
		if (*ret_trouble == GITCMD_NO_REF)
			return fail(e, ERR_ABSENT, "the commit %s is no longer there (was the branch force-pushed?)", commit);
		return -1;
	}
	/* The library may have missed the new pack. */
	git_repository_free(*repo);
	*repo = NULL;
	return repository_open(m->job->mirror, repo, e);
}

static int
first_parent(git_repository *repo, const git_oid *of, git_oid *ret, struct err *e)
{
	git_commit *commit = NULL;
	int rc = git_commit_lookup(&commit, repo, of);
	const git_oid *parent = rc == 0 ? git_commit_parent_id(commit, 0) : NULL;

	if (parent != NULL)
		*ret = *parent;
	git_commit_free(commit);
	if (rc != 0)
		return fail_git(e, rc, "cannot read the head");
	return parent != NULL ? 0 : fail(e, ERR_ABSENT, "the head has no parent to compare it with");
}

/* Where a branch was may be gone for good, or never have been: then the commit before is what is left to compare with. */
static int
compare_apart(struct mirror *m, git_repository **repo, enum gitcmd_trouble *ret_trouble, struct err *e)
{
	int rc = git_oid_is_zero(&m->base_id) ? 1 : bring(m, m->job->base, &m->base_id, repo, ret_trouble, e);

	if (rc < 0 && e->kind != ERR_ABSENT)
		return -1;
	if (rc != 0 && first_parent(*repo, &m->head_id, &m->base_id, e) != 0)
		return -1;
	rc = merge_apart(*repo, &m->base_id, &m->head_id, &m->merge, e);
	if (rc != 0)
		*ret_trouble = trouble_of_library();
	return rc;
}

/* As GitHub reads them, whose own runners skip pushes and pull requests by the first three:
 * docs.github.com/actions/how-tos/manage-workflow-runs/skip-workflow-runs */
const char *
changeset_skip_word(struct str text)
{
	static const char *const words[] = {"[skip ci]", "[ci skip]", "[no ci]", "[skip ekaci]"};

	for (size_t i = 0; i < COUNT(words); i++)
		if (str_find(text, str_of(words[i])) >= 0)
			return words[i];
	return NULL;
}

/* A message that cannot be read asks for nothing. */
static const char *
skip_word_of(git_repository *repo, const git_oid *id)
{
	git_commit *commit = NULL;
	const char *word = NULL;

	if (git_commit_lookup(&commit, repo, id) == 0)
		word = changeset_skip_word(str_of(git_commit_message(commit)));
	git_commit_free(commit);
	return word;
}

static int
attempt(struct mirror *m, enum gitcmd_trouble *ret_trouble, struct err *e)
{
	AUTO(repo_free) git_repository *repo = NULL;

	*ret_trouble = GITCMD_OTHER;
	if (gitdir_make(&m->git, e) != 0 || fetch_refs(m, ret_trouble, e) != 0)
		return -1;
	if (repository_open(m->job->mirror, &repo, e) != 0) {
		*ret_trouble = GITCMD_CORRUPT;
		return -1;
	}
	if (bring(m, m->job->head, &m->head_id, &repo, ret_trouble, e) != 0)
		return -1;
	m->skip_word = skip_word_of(repo, &m->head_id);
	int rc = git_reference_name_to_id(&m->tip_id, repo, m->base_to);
	if (rc != 0)
		(void)fail_git(e, rc, "cannot read %s", m->base_to);
	else if (m->job->base != NULL)
		return compare_apart(m, &repo, ret_trouble, e);
	else
		rc = merge_heads(m->a, repo, &m->tip_id, &m->head_id, &m->merge, e);
	if (rc != 0)
		*ret_trouble = trouble_of_library();
	return rc != 0 ? -1 : 0;
}

/* Whole trees, when a job wants them, are noted in the record. */
static int
take_submodules(const struct mirror *m, struct mirrored *rec, struct record_out *out, struct err *e)
{
	struct submodules s = {.a = m->a,
	    .git_dir = m->job->mirror,
	    .into = arena_printf(m->a, "%s.%s", m->job->mirror, m->job->trusted ? "submodules" : "outside"),
	    .url = m->job->url,
	    .authorization = m->job->authorization,
	    .deadline_ms = m->git.deadline_ms,
	    .trusted = m->job->trusted};

	if (!submodules_wanted(m->a, m->job->mirror, rec->base_tree, rec->head_tree, NULL, false))
		return 0;
	record_progress(out, "fetching submodules", 0, -1);
	rec->submodules = arena_alloc(m->a, sizeof(*rec->submodules));
	return submodules_take(&s, rec->base_tree, rec->head_tree, rec->submodules, e);
}

int
changeset_mirror(struct arena *a, const void *of_job, struct record_out *out, struct err *e)
{
	const struct mirror_job *job = of_job;
	struct mirror m = {.a = a,
	    .job = job,
	    .git = {.a = a,
	        .dir = job->mirror,
	        .url = job->url,
	        .authorization = job->authorization,
	        .deadline_ms = job->wall_ms > 0 ? clock_mono_ms() + job->wall_ms : 0},
	    .base_to = arena_printf(a, "refs/ekaci/base/%s", escape_branch(a, job->base_ref))};
	AUTO(fd_close) int lock = -1;
	enum gitcmd_trouble trouble;

	repository_start();
	if (check_job(&m, e) != 0)
		return -1;
	record_progress(out, "waiting for the mirror", 0, -1);
	if (gitdir_lock(&m.git, &lock, e) != 0)
		return -1;
	record_progress(out, "fetching", 0, -1);
	int rc = attempt(&m, &trouble, e);
	if (rc != 0 && trouble == GITCMD_CORRUPT) {
		log_warn("the mirror %s is damaged and is made again: %s", job->mirror, e->msg);
		if (remove_mirror(&m, e) != 0)
			return -1;
		rc = attempt(&m, &trouble, e);
	}
	if (rc != 0)
		return -1;
	struct mirrored rec = merge_record(a, &m.merge, job->head, &m.tip_id);
	rec.skip_word = m.skip_word;
	if (take_submodules(&m, &rec, out, e) != 0 || record_put(out, &mirrored_fields, &rec, e) != 0)
		return -1;
	gitdir_maintain(&m.git);
	return 0;
}
