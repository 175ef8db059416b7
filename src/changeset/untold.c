/* What of the changes no evaluation shows. */
#include "changeset/untold.h"

#include "records/list.h"

/* Whether somebody said that a change of this path rebuilds nothing, or nothing of this job. */
static bool
is_ruled_out(const struct untold *u, struct str path, const struct job_def *job)
{
	const struct rule *rule;

	if (u->ignore_rules)
		return false;
	rule = rules_first(u->rules, path);
	if (rule == NULL)
		return glob_set_first(u->skip, path) != GLOB_NONE;
	if (rule->kind != RULE_REBUILD_ONLY)
		return rule->kind == RULE_DOCS_ONLY || rule->kind == RULE_NO_OP;
	return rule->jobs.n > 0 && !texts_have(&rule->jobs, job->name);
}

static struct untold_paths *
new_entry(struct arena *a)
{
	struct untold_paths *entry = arena_alloc(a, sizeof(*entry));

	list_clear(a, &entry->paths);
	list_clear(a, &entry->jobs);
	return entry;
}

static void
add_path(struct arena *a, struct texts *list, struct str path)
{
	if (list->n == UNTOLD_MAX_PATHS)
		return;
	const char *text = fields_clean(a, path);
	if (!texts_have(list, text))
		list_add(a, list, text);
}

enum of { OF_SUBMODULES, OF_LFS };

/* Adds what changed of this kind and concerns the job; the largest count of a job is the count. */
static void
add_job(struct arena *a, const struct untold *u, const struct changed_paths *changed, enum of of, const struct job_def *job,
    struct untold_paths **entry)
{
	int64_t n = 0;

	for (size_t i = 0; i < changed->n; i++) {
		const struct changed_path *c = &changed->p[i];
		bool old = c->old.p != NULL && !is_ruled_out(u, c->old, job);
		if (!(of == OF_LFS ? c->lfs : c->submodule) || (is_ruled_out(u, c->path, job) && !old))
			continue;
		if (*entry == NULL)
			*entry = new_entry(a);
		add_path(a, &(*entry)->paths, c->path);
		n++;
	}
	if (n == 0)
		return;
	list_add(a, &(*entry)->jobs, job->name);
	if (n > (*entry)->count)
		(*entry)->count = n;
}

struct untold_changes *
untold_find(struct arena *a, const struct untold *u, const struct job_defs *jobs)
{
	struct untold_changes *all = arena_alloc(a, sizeof(*all));

	for (size_t i = 0; i < jobs->n; i++) {
		const struct job_def *job = &jobs->p[i];
		const struct changed_paths *changed = job->submodules ? u->whole : u->plain;
		add_job(a, u, changed, OF_SUBMODULES, job, job->submodules ? &all->unnamed : &all->submodules);
		add_job(a, u, changed, OF_LFS, job, &all->lfs);
	}
	return all->submodules != NULL || all->unnamed != NULL || all->lfs != NULL ? all : NULL;
}
