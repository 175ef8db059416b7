/* What was compared and who decided: rules, jobs, evaluations, conflict. */
#include "report/view_part.h"

#include "report/words.h"

#include <string.h>

enum { MAX_EXAMPLES = 3, MAX_CONFLICTS = 20, MAX_PATH_BYTES = 200, MAX_WORDS_BYTES = 1000 };

static struct value_list *
code_list(const struct view *v, const json_t *texts, size_t max)
{
	struct value_list *items = value_list_new(&v->m->a);

	for (size_t i = 0; i < json_array_size(texts) && i < max; i++) {
		const char *s = json_string_value(json_array_get(texts, i));
		struct values *item = values_new(&v->m->a);
		put_code(v, item, "path", words_cut(&v->m->a, s != NULL ? s : "?", MAX_PATH_BYTES));
		value_list_group(items, item);
	}
	return items;
}

static struct values *
rule_item(const struct view *v, const json_t *rule)
{
	struct values *item = values_new(&v->m->a);
	const json_t *examples = json_object_get(rule, "examples");
	int64_t paths = json_int(rule, "paths", 0);
	struct value_list *shown = code_list(v, examples, MAX_EXAMPLES);
	int64_t left = paths - (int64_t)shown->n;

	if (json_str(rule, "name", NULL) != NULL)
		put_code(v, item, "name", json_str(rule, "name", ""));
	if (json_str(rule, "kind", NULL) != NULL)
		put_code(v, item, "kind", json_str(rule, "kind", ""));
	if (json_str(rule, "place", NULL) != NULL)
		put_code(v, item, "place", words_cut(&v->m->a, json_str(rule, "place", ""), MAX_PATH_BYTES));
	values_text(item, "paths", words_count(&v->m->a, paths, "path", "paths"));
	if (left > 0 && shown->n > 0)
		put_number(v, item, "left", left);
	values_list(item, "examples", shown);
	return item;
}

static void
view_plan(const struct view *v, struct values *obj)
{
	const json_t *plan = v->m->plan, *rules = json_object_get(plan, "rules"), *edit = json_object_get(plan, "config_edit");
	const json_t *unmatched = json_object_get(plan, "unmatched");
	struct value_list *items = value_list_new(&v->m->a);
	size_t n = json_array_size(rules);

	for (size_t i = 0; i < n && i < v->limits->rules; i++)
		value_list_group(items, rule_item(v, json_array_get(rules, i)));
	put_list(v, obj, "rules", items, n, (int64_t)n);
	if (json_int(unmatched, "paths", 0) > 0)
		values_group(obj, "unmatched", rule_item(v, unmatched));
	if (plan != NULL)
		values_text(obj, "changed_paths_count",
		    words_count(&v->m->a, json_int(plan, "changed_paths", 0), "changed path", "changed paths"));
	static const char *const configs[][2] = {{"file", "from the base's file"},
	    {"head file", "from the head's file, since the base has none"},
	    {"convention", "found by convention, since there is no file"}, {"command line", "from the command line"}};
	for (size_t i = 0; i < COUNT(configs); i++)
		if (strcmp(json_str(plan, "config", ""), configs[i][0]) == 0)
			values_text(obj, "config", configs[i][1]);
	if (json_int(plan, "changed_paths", 0) == 1)
		values_flag(obj, "one_path", true);
	if (plan != NULL && json_int(plan, "changed_paths", 0) == 0)
		values_flag(obj, "no_changes", true);
	values_list(obj, "warnings", code_list(v, json_object_get(plan, "warnings"), v->limits->rules));
	values_list(obj, "left_out", code_list(v, json_object_get(plan, "jobs_left_out"), v->limits->rules));
	if (json_is_object(edit)) {
		struct values *item = values_new(&v->m->a);
		values_flag(item, "valid", json_flag(edit, "valid", false));
		if (json_str(edit, "error", NULL) != NULL)
			put_block(v, item, "error", words_cut(&v->m->a, json_str(edit, "error", ""), 1000));
		values_list(item, "changes", code_list(v, json_object_get(edit, "changes"), v->limits->rules));
		values_group(obj, "config_edit", item);
	}
}

/* What a job evaluates, in its own words: "file /maintainers/ci-jobs.nix". */
static void
put_jobs(const struct view *v, struct values *obj)
{
	static const char *const kinds[] = {"file", "flake", "expr"};
	const json_t *jobs = json_object_get(v->m->plan, "jobs");
	struct value_list *items = value_list_new(&v->m->a);

	for (size_t i = 0; i < json_array_size(jobs) && i < v->limits->rules; i++) {
		const json_t *job = json_array_get(jobs, i), *scope = json_object_get(job, "scope");
		struct values *item = values_new(&v->m->a);
		put_code(v, item, "name", json_str(job, "name", "?"));
		for (size_t k = 0; k < COUNT(kinds); k++)
			if (json_str(job, kinds[k], NULL) != NULL)
				put_code(v, item, "what", words_cut(&v->m->a, json_str(job, kinds[k], ""), MAX_PATH_BYTES));
		if (json_is_array(scope)) {
			json_t *names = json_array();
			for (size_t k = 0; k < json_array_size(scope); k++)
				json_array_append_new(names,
				    json_any_string(str_of(model_attr_name(&v->m->a, json_array_get(scope, k)))));
			values_list(item, "scope", code_list(v, names, 10));
			json_decref(names);
		}
		value_list_group(items, item);
	}
	put_list(v, obj, "jobs", items, json_array_size(jobs), (int64_t)json_array_size(jobs));
}

static struct values *
evaluation_item(const struct view *v, const json_t *j)
{
	struct model *m = v->m;
	struct values *item = values_new(&v->m->a);

	put_name(v, item, "side", json_str(j, "side", "?"));
	if (json_is_string(json_object_get(j, "job")))
		put_code(v, item, "job", json_str(j, "job", ""));
	values_text(item, "rows", words_count(&m->a, json_int(j, "rows", 0), "attribute", "attributes"));
	put_number(v, item, "row_count", json_int(j, "rows", 0));
	put_number(v, item, "error_count", json_int(j, "errors", 0));
	put_name(v, item, "evaluator", arena_printf(&m->a, "%s %s", json_str(j, "evaluator", "?"), json_str(j, "version", "")));
	if (strcmp(json_str(j, "sandbox", ""), "none") == 0)
		values_flag(item, "no_sandbox", true);
	if (json_flag(j, "reused", false))
		values_flag(item, "reused", true);
	else if (json_int(j, "wall_ms", -1) >= 0)
		values_text(item, "wall", words_duration(&m->a, json_int(j, "wall_ms", 0)));
	if (json_int(j, "max_rss_kb", 0) > 0)
		values_text(item, "memory",
		    arena_printf(&m->a, "%s MB", words_number(&m->a, json_int(j, "max_rss_kb", 0) / 1024)));
	if (!json_flag(j, "complete", false))
		put_block(v, item, "incomplete",
		    words_tail(&m->a,
		        places_shorten(&m->places, words_reason(&m->a, json_str(j, "reason", "no reason was given"))), 40,
		        v->limits->error_bytes > 400 ? v->limits->error_bytes * 4 : 400));
	return item;
}

static void
view_evaluations(const struct view *v, struct values *obj)
{
	const json_t *list = v->m->evaluations;
	struct value_list *items = value_list_new(&v->m->a), *incomplete = value_list_new(&v->m->a);
	size_t n = json_array_size(list);

	for (size_t i = 0; i < n && i < v->limits->rules; i++) {
		struct values *item = evaluation_item(v, json_array_get(list, i));
		if (!json_flag(json_array_get(list, i), "complete", false))
			value_list_group(incomplete, item);
		value_list_group(items, item);
	}
	put_list(v, obj, "evaluations", items, n, (int64_t)n);
	put_list(v, obj, "incomplete", incomplete, incomplete->n, (int64_t)incomplete->n);
	static const char *const whose[] = {"incomplete_head", "incomplete_base", "incomplete_both", "incomplete_unknown"};
	if (v->m->outcome == OUTCOME_INCOMPLETE) {
		int64_t rows = 0, errors = 0;
		for (size_t i = 0; i < n; i++) {
			const json_t *j = json_array_get(list, i);
			bool counts = strcmp(json_str(j, "side", ""), "head") == 0 && json_flag(j, "complete", false);
			rows += counts ? json_int(j, "rows", 0) : 0;
			errors += counts ? json_int(j, "errors", 0) : 0;
		}
		values_flag(obj, whose[v->m->incomplete], true);
		values_flag(obj, "dead", v->m->dead != NULL);
		if (rows > 0)
			values_text(obj, "head_rows", words_count(&v->m->a, rows, "attribute", "attributes"));
		if (errors > 0)
			values_text(obj, "head_errors", words_count(&v->m->a, errors, "error", "errors"));
	}
}

/* What evaluations say of attributes that could not be told: the words and what to set, each once with the sides that say so. */
static void
view_not_told(const struct view *v, struct values *obj)
{
	struct value_list *items = value_list_new(&v->m->a);
	size_t total = 0;

	if (v->m->untold == 0)
		return;
	values_text(obj, "not_told_count", words_count(&v->m->a, v->m->untold, "attribute", "attributes"));
	for (size_t i = 0; i < json_array_size(v->m->evaluations); i++) {
		const json_t *j = json_array_get(v->m->evaluations, i), *untold = json_object_get(j, "untold"), *other = NULL;
		bool again = false;
		for (size_t k = 0; k < json_array_size(v->m->evaluations) && json_is_object(untold); k++) {
			const json_t *one = json_array_get(v->m->evaluations, k), *its = json_object_get(one, "untold");
			if (k == i || !json_equal(json_object_get(its, "words"), json_object_get(untold, "words")) ||
			    strcmp(json_str(one, "job", ""), json_str(j, "job", "")) != 0)
				continue;
			again = again || k < i;
			other = one;
		}
		if (!json_is_object(untold) || again || total++ >= v->limits->rules)
			continue;
		struct values *item = values_new(&v->m->a);
		values_text(item, "sides",
		    other != NULL                                  ? "base and head"
		    : strcmp(json_str(j, "side", ""), "base") == 0 ? "base"
		                                                   : "head");
		if (v->m->many_jobs)
			put_code(v, item, "job", json_str(j, "job", ""));
		put_number(v, item, "count", json_int(untold, "count", 0));
		if (json_int(untold, "count", 0) > 1)
			values_flag(item, "many", true);
		put_block(v, item, "words",
		    arena_printf(&v->m->a, "%s\n%s", words_cut(&v->m->a, json_str(untold, "words", ""), MAX_WORDS_BYTES),
		        words_cut(&v->m->a, json_str(untold, "advice", ""), MAX_WORDS_BYTES)));
		value_list_group(items, item);
	}
	put_list(v, obj, "not_told_by", items, total, (int64_t)total);
}

/* Jobs that came to nothing on both sides: what they name, and the evaluations' own words when that is as it should be. */
static void
view_empty(const struct view *v, struct values *obj)
{
	struct value_list *items = value_list_new(&v->m->a);
	const struct model *m = v->m;

	for (size_t i = 0; i < m->n_empty && i < v->limits->rules; i++) {
		const struct empty_job *job = &m->empty[i];
		struct values *item = values_new(&v->m->a);
		put_code(v, item, "name", job->name);
		put_code(v, item, "below", words_cut(&v->m->a, job->below, MAX_PATH_BYTES));
		if (job->systems != NULL)
			put_code(v, item, "systems", words_cut(&v->m->a, job->systems, MAX_PATH_BYTES));
		values_text(item, "sentence", job->sentence != NULL ? words_cut(&v->m->a, job->sentence, 1000) : NULL);
		value_list_group(items, item);
	}
	put_list(v, obj, "empty", items, m->n_empty, (int64_t)m->n_empty);
	values_flag(obj, "empty_unsaid", m->n_unsaid > 0);
}

/* The job's entry in the configuration with submodules: {"jobs": {NAME: {..., "submodules": true}}}. */
static const char *
entry_to_write(const struct view *v, const json_t *names)
{
	const json_t *jobs = json_object_get(v->m->plan, "jobs"), *job = NULL;
	static const char *const members[] = {"file", "flake", "attr_path", "systems"};
	AUTO(json_drop) json_t *entry = json_object();
	AUTO(json_drop) json_t *all = NULL;
	const char *name = json_string_value(json_array_get(names, 0));

	for (size_t i = 0; i < json_array_size(jobs) && job == NULL; i++)
		if (name != NULL && strcmp(json_str(json_array_get(jobs, i), "name", ""), name) == 0)
			job = json_array_get(jobs, i);
	if (job == NULL)
		return NULL;
	for (size_t i = 0; i < COUNT(members); i++) {
		json_t *value = json_object_get(job, members[i]);
		if (value != NULL && (json_is_string(value) || json_array_size(value) > 0))
			json_object_set(entry, members[i], value);
	}
	json_object_set_new(entry, "submodules", json_true());
	all = json_pack("{s:{s:O}}", "jobs", name, entry);
	return all != NULL ? json_line(&v->m->a, all) : NULL;
}

/* Changes that no evaluation shows: changeset/untold.h. */
static void
view_untold(const struct view *v, struct values *obj)
{
	static const char *const kinds[] = {"submodules", "unnamed", "lfs"};
	struct value_list *items = value_list_new(&v->m->a);

	for (size_t i = 0; i < COUNT(kinds); i++) {
		const json_t *one = json_object_get(json_object_get(v->m->plan, "untold"), kinds[i]);
		const json_t *paths = json_object_get(one, "paths"), *jobs = json_object_get(one, "jobs");
		if (one == NULL)
			continue;
		struct values *item = values_new(&v->m->a);
		struct value_list *shown = code_list(v, paths, v->limits->rules);
		int64_t left = json_int(one, "count", 0) - (int64_t)shown->n;
		values_flag(item, kinds[i], true);
		values_list(item, "paths", shown);
		values_list(item, "jobs", code_list(v, jobs, v->limits->rules));
		if (json_int(one, "count", 0) == 1)
			values_flag(item, "one", true);
		if (left > 0)
			put_number(v, item, "left", left);
		const char *entry = i == 0 ? entry_to_write(v, jobs) : NULL;
		if (entry != NULL && strlen(entry) <= v->limits->name_bytes) /* half of it is of no use */
			put_code(v, item, "entry", entry);
		value_list_group(items, item);
	}
	put_list(v, obj, "untold", items, items->n, (int64_t)items->n);
}

void
view_rules(const struct view *v, struct values *obj)
{
	const json_t *run = v->m->run, *conflicts = json_object_get(run, "conflicts");

	view_plan(v, obj);
	put_jobs(v, obj);
	view_evaluations(v, obj);
	if (v->m->outcome == OUTCOME_COMPARED)
		view_untold(v, obj);
	if (v->m->outcome == OUTCOME_COMPARED)
		view_not_told(v, obj);
	view_empty(v, obj);
	if (json_flag(run, "conflict", false)) {
		struct values *item = values_new(&v->m->a);
		size_t max = v->limits->rules < MAX_CONFLICTS ? v->limits->rules : MAX_CONFLICTS;
		values_list(item, "paths", code_list(v, conflicts, max));
		values_flag(item, "any_paths", json_array_size(conflicts) > 0);
		values_group(obj, "conflict", item);
	}
	if (v->m->outcome == OUTCOME_RUNNING && json_object_get(v->m->job, "progress") != NULL)
		put_name(v, obj, "progress", json_str(json_object_get(v->m->job, "progress"), "what", ""));
}
