/* What was compared and who decided: rules, jobs, evaluations, conflict. */
#include "report/view_part.h"

#include "report/words.h"
#include "support/text/json.h"

#include <string.h>

enum { MAX_EXAMPLES = 3, MAX_CONFLICTS = 20, MAX_PATH_BYTES = 200, MAX_WORDS_BYTES = 1000 };

static struct value_list *
code_list(const struct view *v, struct texts texts, size_t max)
{
	struct value_list *items = value_list_new(&v->m->a);

	for (size_t i = 0; i < texts.n && i < max; i++) {
		struct values *item = values_new(&v->m->a);
		put_code(v, item, "path", words_cut(&v->m->a, texts.p[i], MAX_PATH_BYTES));
		value_list_group(items, item);
	}
	return items;
}

/* So many paths, and some of them. */
static void
put_examples(const struct view *v, struct values *item, int64_t paths, struct texts examples)
{
	struct value_list *shown = code_list(v, examples, MAX_EXAMPLES);
	int64_t left = paths - (int64_t)shown->n;

	values_text(item, "paths", words_count(&v->m->a, paths, "path", "paths"));
	if (left > 0 && shown->n > 0)
		put_number(v, item, "left", left);
	values_list(item, "examples", shown);
}

static struct values *
rule_item(const struct view *v, const struct plan_rule *rule)
{
	struct values *item = values_new(&v->m->a);

	put_code(v, item, "name", rule->name);
	put_code(v, item, "kind", rule->kind);
	put_code(v, item, "place", words_cut(&v->m->a, rule->place, MAX_PATH_BYTES));
	put_examples(v, item, rule->paths, rule->examples);
	return item;
}

static void
view_decided(const struct view *v, const struct plan *plan, struct values *obj)
{
	struct value_list *items = value_list_new(&v->m->a);

	for (size_t i = 0; i < plan->rules.n && i < v->limits->rules; i++)
		value_list_group(items, rule_item(v, &plan->rules.p[i]));
	put_list(v, obj, "rules", items, plan->rules.n, (int64_t)plan->rules.n);
	if (plan->unmatched.paths > 0) {
		struct values *item = values_new(&v->m->a);
		put_examples(v, item, plan->unmatched.paths, plan->unmatched.examples);
		values_group(obj, "unmatched", item);
	}
}

static void
view_config_edit(const struct view *v, const struct config_edit *edit, struct values *obj)
{
	struct values *item = values_new(&v->m->a);

	values_flag(item, "valid", edit->valid);
	if (edit->error != NULL)
		put_block(v, item, "error", words_cut(&v->m->a, edit->error, 1000));
	values_list(item, "changes", code_list(v, edit->changes, v->limits->rules));
	values_group(obj, "config_edit", item);
}

static void
view_plan(const struct view *v, const struct plan *plan, struct values *obj)
{
	static const char *const configs[][2] = {{"file", "from the base's file"},
	    {"head file", "from the head's file, since the base has none"},
	    {"convention", "found by convention, since there is no file"}, {"command line", "from the command line"}};

	view_decided(v, plan, obj);
	values_text(obj, "changed_paths_count", words_count(&v->m->a, plan->changed_paths, "changed path", "changed paths"));
	for (size_t i = 0; i < COUNT(configs); i++)
		if (str_same(plan->config, configs[i][0]))
			values_text(obj, "config", configs[i][1]);
	values_flag(obj, "one_path", plan->changed_paths == 1);
	values_flag(obj, "no_changes", plan->changed_paths == 0);
	values_list(obj, "warnings", code_list(v, plan->warnings, v->limits->rules));
	values_list(obj, "left_out", code_list(v, plan->jobs_left_out, v->limits->rules));
	if (plan->config_edit != NULL)
		view_config_edit(v, plan->config_edit, obj);
}

/* What a job evaluates, in its own words: "file /maintainers/ci-jobs.nix". */
static struct values *
job_item(const struct view *v, const struct job_def *job)
{
	const char *what = job->expr != NULL ? job->expr : job->flake != NULL ? job->flake : job->file;
	struct values *item = values_new(&v->m->a);
	struct texts names = {arena_alloc(&v->m->a, (job->scope.n + 1) * sizeof(*names.p)), job->scope.n};

	put_code(v, item, "name", job->name);
	if (what != NULL)
		put_code(v, item, "what", words_cut(&v->m->a, what, MAX_PATH_BYTES));
	for (size_t i = 0; i < job->scope.n; i++)
		names.p[i] = model_attr_name(&v->m->a, job->scope.p[i]);
	if (job->scope.p != NULL)
		values_list(item, "scope", code_list(v, names, 10));
	return item;
}

static void
put_jobs(const struct view *v, const struct job_defs *jobs, struct values *obj)
{
	struct value_list *items = value_list_new(&v->m->a);

	for (size_t i = 0; i < jobs->n && i < v->limits->rules; i++)
		value_list_group(items, job_item(v, &jobs->p[i]));
	put_list(v, obj, "jobs", items, jobs->n, (int64_t)jobs->n);
}

/* What an evaluation that did not complete says. */
static const char *
incomplete_words(const struct view *v, const struct evaluation *one)
{
	struct model *m = v->m;
	const char *reason = words_reason(&m->a, one->reason != NULL ? one->reason : "no reason was given");

	return words_tail(&m->a, places_shorten(&m->places, reason), 40,
	    v->limits->error_bytes > 400 ? v->limits->error_bytes * 4 : 400);
}

static struct values *
evaluation_item(const struct view *v, const struct evaluation *one)
{
	struct model *m = v->m;
	struct values *item = values_new(&m->a);
	const char *evaluator = one->evaluator != NULL ? one->evaluator : "?",
	           *version = one->version != NULL ? one->version : "";

	put_name(v, item, "side", side_words[one->side]);
	put_code(v, item, "job", one->job);
	values_text(item, "rows", words_count(&m->a, one->rows, "attribute", "attributes"));
	put_number(v, item, "row_count", one->rows);
	put_number(v, item, "error_count", one->errors);
	put_name(v, item, "evaluator", arena_printf(&m->a, "%s %s", evaluator, version));
	values_flag(item, "no_sandbox", str_same(one->sandbox, "none"));
	values_flag(item, "reused", one->reused);
	if (!one->reused)
		values_text(item, "wall", words_duration(&m->a, one->wall_ms));
	if (one->max_rss_kb > 0)
		values_text(item, "memory", arena_printf(&m->a, "%s MB", words_number(&m->a, one->max_rss_kb / 1024)));
	if (!one->complete)
		put_block(v, item, "incomplete", incomplete_words(v, one));
	return item;
}

/* Why nothing was compared. */
static void
view_incomplete(const struct view *v, struct values *obj)
{
	static const char *const whose[] = {"incomplete_head", "incomplete_base", "incomplete_both", "incomplete_unknown"};
	const struct evaluations *all = &v->m->facts.evaluations;
	int64_t rows = 0, errors = 0;

	for (size_t i = 0; i < all->n; i++) {
		bool counts = all->p[i].side == SIDE_HEAD && all->p[i].complete;
		rows += counts ? all->p[i].rows : 0;
		errors += counts ? all->p[i].errors : 0;
	}
	values_flag(obj, whose[v->m->incomplete], true);
	values_flag(obj, "dead", v->m->dead != NULL);
	if (rows > 0)
		values_text(obj, "head_rows", words_count(&v->m->a, rows, "attribute", "attributes"));
	if (errors > 0)
		values_text(obj, "head_errors", words_count(&v->m->a, errors, "error", "errors"));
}

static void
view_evaluations(const struct view *v, struct values *obj)
{
	const struct evaluations *all = &v->m->facts.evaluations;
	struct value_list *items = value_list_new(&v->m->a), *incomplete = value_list_new(&v->m->a);

	for (size_t i = 0; i < all->n && i < v->limits->rules; i++) {
		struct values *item = evaluation_item(v, &all->p[i]);
		if (!all->p[i].complete)
			value_list_group(incomplete, item);
		value_list_group(items, item);
	}
	put_list(v, obj, "evaluations", items, all->n, (int64_t)all->n);
	put_list(v, obj, "incomplete", incomplete, incomplete->n, (int64_t)incomplete->n);
	if (v->m->outcome == OUTCOME_INCOMPLETE)
		view_incomplete(v, obj);
}

/* Another evaluation of the same job that says the same of what could not be told: *before when it comes first. */
static const struct evaluation *
says_the_same(const struct evaluations *all, const struct evaluation *one, bool *before)
{
	const struct evaluation *found = NULL;

	*before = false;
	for (size_t i = 0; i < all->n; i++) {
		const struct evaluation *other = &all->p[i];
		if (other == one || other->untold == NULL || !str_same(other->untold->words, one->untold->words) ||
		    strcmp(other->job, one->job) != 0)
			continue;
		*before = *before || other < one;
		found = other;
	}
	return found;
}

static struct values *
not_told_item(const struct view *v, const struct evaluation *one, bool both)
{
	struct arena *a = &v->m->a;
	struct values *item = values_new(a);
	const char *words = one->untold->words != NULL ? places_shorten(&v->m->places, one->untold->words) : "";
	const char *advice = one->untold->advice != NULL ? one->untold->advice : "";

	values_text(item, "sides", both ? "base and head" : side_words[one->side]);
	if (v->m->many_jobs)
		put_code(v, item, "job", one->job);
	put_number(v, item, "count", one->untold->count);
	values_flag(item, "many", one->untold->count > 1);
	put_block(v, item, "words",
	    arena_printf(a, "%s\n%s", words_cut(a, words, MAX_WORDS_BYTES), words_cut(a, advice, MAX_WORDS_BYTES)));
	return item;
}

/* What evaluations say of attributes that could not be told: the words and what to set, each once with the sides that say so. */
static void
view_not_told(const struct view *v, struct values *obj)
{
	const struct evaluations *all = &v->m->facts.evaluations;
	struct value_list *items = value_list_new(&v->m->a);
	size_t total = 0;
	bool said;

	if (v->m->untold == 0)
		return;
	values_text(obj, "not_told_count", words_count(&v->m->a, v->m->untold, "attribute", "attributes"));
	for (size_t i = 0; i < all->n; i++) {
		const struct evaluation *one = &all->p[i];
		const struct evaluation *other = one->untold != NULL ? says_the_same(all, one, &said) : NULL;
		if (one->untold == NULL || said || total++ >= v->limits->rules)
			continue;
		value_list_group(items, not_told_item(v, one, other != NULL));
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
		if (job->words != NULL)
			put_block(v, item, "words", words_cut(&v->m->a, places_shorten(&v->m->places, job->words), MAX_WORDS_BYTES));
		value_list_group(items, item);
	}
	put_list(v, obj, "empty", items, m->n_empty, (int64_t)m->n_empty);
	values_flag(obj, "empty_unsaid", m->n_unsaid > 0);
	values_flag(obj, "empty_failing", m->n_failing == m->n_empty);
}

static void
add_entry(struct buf *b, const char *name, const char *text)
{
	if (text == NULL)
		return;
	buf_printf(b, "\"%s\":", name);
	json_quote(str_of(text), b);
	buf_putc(b, ',');
}

static void
add_entries(struct buf *b, const char *name, struct texts texts)
{
	if (texts.n == 0)
		return;
	buf_printf(b, "\"%s\":", name);
	for (size_t i = 0; i < texts.n; i++) {
		buf_putc(b, i == 0 ? '[' : ',');
		json_quote(str_of(texts.p[i]), b);
	}
	buf_puts(b, "],");
}

/* The job's entry in the configuration with submodules: {"jobs": {NAME: {..., "submodules": true}}}. */
static const char *
entry_to_write(const struct view *v, struct texts names)
{
	const struct job_def *job = names.n > 0 ? model_job(v->m, names.p[0]) : NULL;
	AUTO(buf_release) struct buf b = {0};

	if (job == NULL)
		return NULL;
	buf_init(&b, 1 << 20);
	buf_puts(&b, "{\"jobs\":{");
	json_quote(str_of(job->name), &b);
	buf_puts(&b, ":{");
	add_entry(&b, "file", job->file);
	add_entry(&b, "flake", job->flake);
	add_entries(&b, "attr_path", job->attr_path);
	add_entries(&b, "systems", job->systems);
	buf_puts(&b, "\"submodules\":true}}}");
	return str_dup(&v->m->a, buf_get(&b));
}

static struct values *
untold_item(const struct view *v, const char *kind, const struct untold_paths *one)
{
	struct values *item = values_new(&v->m->a);
	struct value_list *shown = code_list(v, one->paths, v->limits->rules);
	int64_t left = one->count - (int64_t)shown->n;

	values_flag(item, kind, true);
	values_list(item, "paths", shown);
	values_list(item, "jobs", code_list(v, one->jobs, v->limits->rules));
	values_flag(item, "one", one->count == 1); /* false, too: the list around it may have one of its own */
	if (left > 0)
		put_number(v, item, "left", left);
	return item;
}

/* Changes that no evaluation shows: changeset/untold.h. */
static void
view_untold(const struct view *v, struct values *obj)
{
	static const struct untold_changes none = {0};
	const struct plan *plan = v->m->facts.plan;
	const struct untold_changes *untold = plan != NULL && plan->untold != NULL ? plan->untold : &none;
	struct value_list *items = value_list_new(&v->m->a);

	if (untold->submodules != NULL) {
		struct values *item = untold_item(v, "submodules", untold->submodules);
		const char *entry = entry_to_write(v, untold->submodules->jobs);
		if (entry != NULL && strlen(entry) <= v->limits->name_bytes) /* half of it is of no use */
			put_code(v, item, "entry", entry);
		value_list_group(items, item);
	}
	if (untold->unnamed != NULL)
		value_list_group(items, untold_item(v, "unnamed", untold->unnamed));
	if (untold->lfs != NULL)
		value_list_group(items, untold_item(v, "lfs", untold->lfs));
	put_list(v, obj, "untold", items, items->n, (int64_t)items->n);
}

static void
view_conflict(const struct view *v, struct values *obj)
{
	const struct texts conflicts = v->m->facts.run.conflicts;
	struct values *item = values_new(&v->m->a);
	size_t max = v->limits->rules < MAX_CONFLICTS ? v->limits->rules : MAX_CONFLICTS;

	values_list(item, "paths", code_list(v, conflicts, max));
	values_flag(item, "any_paths", conflicts.n > 0);
	values_group(obj, "conflict", item);
}

void
view_rules(const struct view *v, struct values *obj)
{
	const struct model *m = v->m;

	if (m->facts.plan != NULL) {
		view_plan(v, m->facts.plan, obj);
		put_jobs(v, &m->facts.plan->jobs, obj);
	}
	view_evaluations(v, obj);
	if (m->outcome == OUTCOME_COMPARED) {
		view_untold(v, obj);
		view_not_told(v, obj);
	}
	view_empty(v, obj);
	if (m->facts.run.conflict)
		view_conflict(v, obj);
	if (m->outcome == OUTCOME_RUNNING && m->job->progress != NULL)
		put_name(v, obj, "progress", m->job->progress->what);
}
