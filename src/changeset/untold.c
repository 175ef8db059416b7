/* Which changed paths no evaluation shows, for which jobs. */
#include "changeset/untold.h"

#include "support/text/json.h"

#include <string.h>

/* Whether somebody said that a change of this path rebuilds nothing, or nothing of this job. */
static bool
is_ruled_out(const struct untold *u, struct str path, const json_t *job)
{
	const struct rule *rule;
	const json_t *name;
	size_t i;

	if (u->ignore_rules)
		return false;
	rule = rules_first(u->rules, path);
	if (rule == NULL)
		return glob_set_first(u->skip, path) != GLOB_NONE;
	if (rule->kind != RULE_REBUILD_ONLY)
		return rule->kind == RULE_DOCS_ONLY || rule->kind == RULE_NO_OP;
	json_array_foreach(rule->jobs, i, name)
		if (json_equal(name, json_object_get(job, "name")))
			return false;
	return json_array_size(rule->jobs) > 0;
}

static void
add_path(json_t *list, struct str path)
{
	json_t *text = json_any_string(path), *there;
	size_t i;

	json_array_foreach(list, i, there)
		if (json_equal(there, text))
			break;
	if (i == json_array_size(list) && i < UNTOLD_MAX_PATHS)
		json_array_append(list, text);
	json_decref(text);
}

enum of { OF_SUBMODULES, OF_LFS };

/* Adds what changed of this kind and concerns the job; the largest count of a job is the count. */
static void
add_job(const struct untold *u, const struct changed_paths *changed, enum of of, const json_t *job, const char *key,
    json_t *out)
{
	json_t *entry = json_object_get(out, key);
	json_int_t n = 0;

	for (size_t i = 0; i < changed->n; i++) {
		const struct changed_path *c = &changed->p[i];
		bool old = c->old.p != NULL && !is_ruled_out(u, c->old, job);
		if (!(of == OF_LFS ? c->lfs : c->submodule) || (is_ruled_out(u, c->path, job) && !old))
			continue;
		if (entry == NULL) {
			entry = json_pack("{s:[],s:i,s:[]}", "paths", "count", 0, "jobs");
			json_object_set_new(out, key, entry);
		}
		add_path(json_object_get(entry, "paths"), c->path);
		n++;
	}
	if (n == 0)
		return;
	json_array_append(json_object_get(entry, "jobs"), json_object_get(job, "name"));
	if (n > json_int(entry, "count", 0))
		json_object_set_new(entry, "count", json_integer(n));
}

json_t *
untold_json(const struct untold *u, const json_t *jobs)
{
	json_t *out = json_object();
	const json_t *job;
	size_t i;

	json_array_foreach(jobs, i, job) {
		bool takes = json_flag(job, "submodules", false);
		const struct changed_paths *changed = takes ? u->whole : u->plain;
		add_job(u, changed, OF_SUBMODULES, job, takes ? "unnamed" : "submodules", out);
		add_job(u, changed, OF_LFS, job, "lfs", out);
	}
	if (json_object_size(out) > 0)
		return out;
	json_decref(out);
	return json_null();
}
