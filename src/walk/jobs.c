/* From settings and records to the next stage's job. */
#include "walk/jobs.h"

#include "evaluate/evalconf.h"
#include "records/list.h"

#include <string.h>

json_t *
jobs_mirror(const struct settings *c, const struct run *r, const struct repository *repo, const char *mirror,
    const char *authorization, enum trust trust)
{
	(void)c;
	return json_pack("{s:s,s:s,s:s?,s:I,s:s,s:s?,s:s,s:s?,s:b,s:I}", "mirror", mirror, "url", repo->clone_url,
	    "authorization", authorization, "number", (json_int_t)(r->number > 0 ? r->number : -1), "head", r->head, "head_ref",
	    r->head_ref, "base_ref", r->base_ref, "base", r->base, "trusted", trust != TRUST_NOBODY, "wall_ms",
	    (json_int_t)20 * 60 * 1000);
}

json_t *
jobs_plan(const struct settings *c, const char *git_dir, const json_t *mirrored, const json_t *cli_jobs, bool ignore_rules)
{
	return json_pack("{s:s,s:s,s:s,s:O?,s:b,s:O?,s:O?,s:b}", "git_dir", git_dir, "base_tree",
	    json_str(mirrored, "base_tree", ""), "head_tree", json_str(mirrored, "head_tree", ""), "submodules",
	    json_object_get(mirrored, "submodules"), "conflict", json_flag(mirrored, "conflict", false), "skip_paths",
	    c->rebuild.skip_paths, "jobs", cli_jobs, "ignore_rules", ignore_rules);
}

json_t *
jobs_plan_branch(const struct settings *c, const char *git_dir, const json_t *mirrored)
{
	json_t *job = jobs_plan(c, git_dir, mirrored, NULL, true);

	json_object_set_new(job, "all_jobs", json_true());
	return job;
}

static const json_t *
find_done(const json_t *done, const char *side, const char *job)
{
	const json_t *item;
	size_t i;

	json_array_foreach(done, i, item) {
		if (strcmp(json_str(item, "side", ""), side) == 0 && strcmp(json_str(item, "job", ""), job) == 0)
			return item;
	}
	return NULL;
}

static json_t *
evaluate_job(const struct settings *c, const char *git_dir, const char *roots_dir, const json_t *mirrored, const json_t *job,
    const char *side, enum trust trust)
{
	struct arena a = {0};
	bool must = trust == TRUST_NOBODY && strcmp(c->evaluate.sandbox, "auto") == 0;
	const json_t *whole = json_object_get(mirrored, "submodules");
	bool takes = json_flag(job, "submodules", false) && json_str(whole, "git_dir", NULL) != NULL;
	const char *tree = json_str(takes ? whole : mirrored, strcmp(side, "base") == 0 ? "base_tree" : "head_tree", "");
	json_t *j = json_pack("{s:s,s:s,s:O,s:s,s:s,s:s,s:s?,s:s,s:I,s:I,s:I,s:s,s:b,s:b,s:O?,s:O?,s:I,s:I,s:O?}", "git_dir",
	    takes ? json_str(whole, "git_dir", git_dir) : git_dir, "tree", tree, "job", job, "side", side, "evals_dir",
	    arena_printf(&a, "%s/evals", c->state.dir), "checkout_dir", arena_printf(&a, "%s/checkouts", c->state.dir),
	    "roots_dir", roots_dir, "evaluator", c->evaluate.evaluator, "workers", (json_int_t)c->evaluate.workers,
	    "max_memory_mb", (json_int_t)c->evaluate.max_memory_mb, "wall_ms", (json_int_t)c->evaluate.timeout_s * 1000,
	    "sandbox", must ? "require" : c->evaluate.sandbox, "allow_import_from_derivation",
	    c->evaluate.allow_import_from_derivation, "allow_network", c->evaluate.allow_network, "allowed_uris",
	    c->evaluate.allowed_uris, "systems", c->evaluate.systems, "max_rows", (json_int_t)c->evaluate.max_rows, "max_depth",
	    (json_int_t)c->evaluate.max_depth, "nix_options", c->evaluate.nix_options);

	json_object_set(j, "experimental_features", c->evaluate.experimental_features);
	if (c->evaluate.own != NULL)
		json_object_set(j, "own", (json_t *)(uintptr_t)c->evaluate.own);

	json_object_set_new(j, "commit",
	    json_string(json_str(mirrored, json_flag(mirrored, "as_head", false) ? "head" : "base", NULL)));
	if (c->evaluate.fetch_cache_dir != NULL)
		json_object_set_new(j, "fetch_cache_dir", json_string(c->evaluate.fetch_cache_dir));
	arena_release(&a);
	return j;
}

json_t *
jobs_evaluate(const struct settings *c, const char *git_dir, const char *roots_dir, const json_t *mirrored, const json_t *plan,
    const json_t *done, enum trust trust)
{
	const json_t *job;
	size_t i;

	json_array_foreach(json_object_get(plan, "jobs"), i, job) {
		const char *name = json_str(job, "name", "");
		const json_t *base = find_done(done, "base", name);
		if (base == NULL)
			return evaluate_job(c, git_dir, roots_dir, mirrored, job, "base", trust);
		if (find_done(done, "head", name) != NULL)
			continue;
		json_t *j = evaluate_job(c, git_dir, roots_dir, mirrored, job, "head", trust);
		json_object_set_new(j, "expected_rows",
		    json_integer(json_flag(base, "complete", true) ? json_int(base, "rows", -1) : -1));
		return j;
	}
	return NULL;
}

const char *
jobs_stopped(const json_t *done)
{
	const json_t *item;
	size_t i;

	json_array_foreach(done, i, item) {
		bool at_base = strcmp(json_str(item, "side", ""), "base") == 0;
		if (!json_flag(item, "complete", false) &&
		    (!at_base || find_done(done, "head", json_str(item, "job", "")) != NULL))
			return json_str(item, "reason", "the evaluator gave no reason");
	}
	return NULL;
}

void
jobs_may_fetch(const struct settings *c, json_t *job, const char *fetches, const json_t *plan, enum trust trust)
{
	/* Without a file of its own at base, the head says what of the base is evaluated: that is the head's code. */
	bool base = strcmp(json_str(job, "side", ""), "base") == 0,
	     foreign = strcmp(json_str(plan, "config", ""), "head file") == 0;

	if (!c->evaluate.fetch_trusted || c->evaluate.allow_network)
		return;
	json_object_set_new(job, "fetches", json_string(fetches));
	json_object_set_new(job, "fetch",
	    json_string((base && !foreign) || trust == TRUST_OWN ? "keep"
	                : trust == TRUST_MEMBERS                 ? "once"
	                                                         : "never"));
}

void
jobs_withhold(json_t *job, const json_t *plan)
{
	bool base = strcmp(json_str(job, "side", ""), "base") == 0,
	     foreign = strcmp(json_str(plan, "config", ""), "head file") == 0;

	if (base && !foreign)
		return;
	struct arena a = {0};
	struct named_texts options = {0};
	json_t *rest = json_object(), *value;
	const char *name;
	json_object_foreach(json_object_get(job, "nix_options"), name, value)
		named_set(&a, &options, name, json_string_value(value));
	options = evalconf_without_secrets(&a, &options, EVALCONF_WITHOUT_DOORS);
	for (size_t i = 0; i < options.n; i++)
		json_object_set_new(rest, options.p[i].name, json_string(options.p[i].text));
	json_object_set_new(job, "nix_options", rest);
	arena_release(&a);
}

json_t *
jobs_diff(const struct settings *c, const json_t *evaluations, const char *out)
{
	struct arena a = {0};
	AUTO(json_drop) json_t *base = json_array();
	AUTO(json_drop) json_t *head = json_array();
	const json_t *item;
	size_t i;

	json_array_foreach(evaluations, i, item) {
		json_t *one = json_pack("{s:s,s:s}", "job", json_str(item, "job", ""), "file", json_str(item, "file", ""));
		json_array_append_new(strcmp(json_str(item, "side", ""), "base") == 0 ? base : head, one);
	}
	json_t *j = json_pack("{s:O,s:O,s:s,s:s,s:s}", "base", base, "head", head, "out", out, "graph_dir",
	    arena_printf(&a, "%s/graphs", c->state.dir), "store_dir", "/nix/store");
	/* Of flakes: both sides were evaluated as this commit. */
	json_array_foreach(evaluations, i, item)
		if (json_object_get(item, "commit") != NULL)
			json_object_set(j, "commit", json_object_get(item, "commit"));
	arena_release(&a);
	return j;
}

json_t *
jobs_query(const struct settings *c, const char *difference, const char *side, const json_t *failed, const json_t *asked)
{
	return json_pack("{s:s,s:s,s:O?,s:O?,s:O?,s:b}", "difference", difference, "side", side, "failed", failed, "asked",
	    asked, "options", c->build.nix_options, "sizes", strcmp(side, "base") == 0);
}

size_t
jobs_wants(struct arena *a, const json_t *records, enum jobs_which which, struct build_want *wants)
{
	const json_t *rec;
	size_t i, n = 0;

	json_array_foreach(records, i, rec) {
		bool asked = json_flag(rec, "asked", true);
		if (strcmp(json_str(rec, "type", ""), "build") != 0 || (which == JOBS_WANTS_ASKED && !asked))
			continue;
		const json_t *features = json_object_get(rec, "features");
		wants[n++] = (struct build_want){.drv = json_str(rec, "drv", ""),
		    .name = json_str(rec, "name", ""),
		    .system = json_str(rec, "system", ""),
		    .features = features != NULL ? json_line(a, features) : "[]",
		    .inputs = json_object_get(rec, "inputs"),
		    .fixed_output = json_flag(rec, "fixed_output", false),
		    .target = json_flag(rec, "target", false),
		    .base_drv = json_str(rec, "base", NULL),
		    .base = which == JOBS_WANTS_BASE,
		    .asked = asked,
		    .cached = json_flag(rec, "cached", false),
		    .marked = json_flag(rec, "marked", false)};
	}
	return n;
}

json_t *
jobs_report(const struct settings *c, const struct jobs_report *r)
{
	/* Base and head stood under one path; it turns positions in error texts into places of the diff. */
	const char *source = json_str(json_array_get(r->evaluations, 0), "source", NULL);
	json_t *settings = json_pack("{s:I,s:I,s:s,s:s}", "max_packages_listed", (json_int_t)c->report.max_packages_listed,
	    "max_rebuild_count", (json_int_t)c->rebuild.max_rebuild_count, "label_prefix", c->report.label_prefix,
	    "label_has_prefix", c->report.label_has_prefix);

	return json_pack("{s:O,s:s,s:s?,s:s?,s:s?,s:O?,s:O?,s:O?,s:O?,s:O?,s:O?,s:s?,s:s?,s:b,s:b,s:s?,s:b,s:O,s:o}", "run",
	    r->run, "phase", r->phase, "git_dir", r->git_dir, "head_tree", json_str(r->mirrored, "head_tree", NULL),
	    "documents_dir", r->documents_dir, "plan", r->plan, "evaluations", r->evaluations, "query", r->query, "builds",
	    r->builds, "failure", r->failure, "progress", r->progress, "difference", r->difference, "checkout_dir", source,
	    "waiting", r->waiting, "wide", r->wide, "stalled", r->stalled, "colour", r->colour, "formats", r->formats,
	    "settings", settings);
}
