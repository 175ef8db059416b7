/* The view: verdict, counts, and the parts of the other files. */
#include "report/view_part.h"

#include "report/words.h"
#include "support/text/escape.h"

#include <string.h>

enum { MAX_SYSTEMS = 12 }; /* Nix knows about as many that anybody builds for */

struct limits
view_limits(const struct model *m)
{
	const json_t *summary = json_at(m->plan, "report.package_change_summary");
	const json_t *impact = json_at(m->plan, "report.rebuild_impact");
	int64_t listed = json_int(summary, "max_packages_listed", json_int(m->settings, "max_packages_listed", 100));
	int64_t roots = json_int(impact, "max_top_blast_radius", 5);

	return (struct limits){
	    .listed = listed > 0 ? (size_t)listed : 0,
	    .roots = roots > 0 ? (size_t)roots : 0,
	    .failures = 20,
	    .folded = 50,
	    .tail_lines = 20,
	    .error_bytes = 1500,
	    .name_bytes = 160,
	    .nodes = 16,
	    .rules = 30,
	};
}

struct limits
view_no_limits(void)
{
	return (struct limits){.listed = SIZE_MAX, .roots = SIZE_MAX, .failures = SIZE_MAX, .folded = SIZE_MAX,
	    .tail_lines = 200, .error_bytes = 20000, .name_bytes = 4096, .nodes = 16, .rules = SIZE_MAX};
}

struct column {
	const char *title;
	bool always;
	int64_t (*of)(const struct counts *c);
};

static int64_t of_rebuild(const struct counts *c) { return c->of[CHANGE_REBUILD]; }
static int64_t of_derivations(const struct counts *c) { return c->derivations; }
static int64_t of_added(const struct counts *c) { return c->of[CHANGE_ADDED]; }
static int64_t of_removed(const struct counts *c) { return c->of[CHANGE_REMOVED]; }
static int64_t of_only(const struct counts *c) { return c->of[CHANGE_DERIVATION_ONLY]; }
static int64_t of_newly(const struct counts *c) { return c->of[CHANGE_NEWLY_FAILING]; }
static int64_t of_fixed(const struct counts *c) { return c->of[CHANGE_FIXED]; }
/* Whether there is anything to say of a system. What failed before and fails still is told below the table. */
static bool
touched(const struct counts *c)
{
	int64_t n = 0;

	for (int i = 0; i < CHANGES; i++)
		n += i != CHANGE_UNCHANGED && i != CHANGE_STILL_FAILING ? c->of[i] : 0;
	return n + c->derivations > 0;
}

static const struct column columns[] = {
    {"Rebuilds", true, of_rebuild},
    {"Derivations", true, of_derivations},
    {"Added", false, of_added},
    {"Removed", false, of_removed},
    {"Same output", false, of_only},
    {"New errors", false, of_newly},
    {"Fixed errors", false, of_fixed},
};

static void
add_row(const struct view *v, json_t *rows, const struct counts *c, const bool *shown)
{
	json_t *row = json_object(), *cells = json_array();

	if (c->system != NULL)
		put_code(v, row, "system", c->system);
	for (size_t i = 0; i < COUNT(columns); i++)
		if (shown[i])
			json_array_append_new(cells, json_any_string(str_of(words_number(&v->m->a, columns[i].of(c)))));
	json_object_set_new(row, "cells", cells);
	json_array_append_new(rows, row);
}

/* The same table for a terminal: names to the left, numbers to the right. */
static json_t *
text_lines(const json_t *head, const json_t *rows)
{
	json_t *lines = json_array();
	size_t i, k;
	json_t *title, *row;
	AUTO(buf_release) struct buf b = {0};

	buf_init(&b, 4096);
	buf_printf(&b, "%-16s", "");
	json_array_foreach((json_t *)head, k, title)
		buf_printf(&b, "  %s", json_string_value(title));
	json_array_append_new(lines, json_string(b.p));
	json_array_foreach((json_t *)rows, i, row) {
		buf_drop(&b, b.n);
		buf_printf(&b, "%-16s", json_str(row, "system", "all"));
		json_array_foreach((json_t *)head, k, title)
			buf_printf(&b, "  %*s", (int)json_string_length(title),
			    json_string_value(json_array_get(json_object_get(row, "cells"), k)));
		json_array_append_new(lines, json_any_string(buf_get(&b)));
	}
	return lines;
}

/* One row needs no table, which a phone would cut: "16 rebuilds (19 derivations) on x86_64-linux, 1 added". */
static void
put_sentence(const struct view *v, json_t *table, const struct counts *c)
{
	static const struct {
		enum change change;
		const char *one, *many;
	} parts[] = {
	    {CHANGE_ADDED, "added", "added"},
	    {CHANGE_REMOVED, "removed", "removed"},
	    {CHANGE_DERIVATION_ONLY, "with the same output", "with the same output"},
	    {CHANGE_NEWLY_FAILING, "new error", "new errors"},
	    {CHANGE_FIXED, "fixed error", "fixed errors"},
	};
	struct arena *a = &v->m->a;
	json_t *more = json_array();

	int64_t n = c->of[CHANGE_REBUILD];
	put_text(table, "rebuilds", n == 0 ? "No rebuilds" : words_count(a, n, "rebuild", "rebuilds"));
	if (c->derivations != c->of[CHANGE_REBUILD])
		put_text(table, "derivations", words_count(a, c->derivations, "derivation", "derivations"));
	if (c->system != NULL)
		put_code(v, table, "system", c->system);
	for (size_t i = 0; i < COUNT(parts); i++)
		if (c->of[parts[i].change] > 0)
			json_array_append_new(more, json_any_string(str_of(words_count(a, c->of[parts[i].change], parts[i].one,
			    parts[i].many))));
	json_object_set_new(table, "others", more);
	json_object_set_new(table, "one", json_true());
}

static size_t
count_touched(const struct model *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n_systems; i++)
		n += touched(&m->systems[i]);
	return n;
}

/*
 * The table of counts, or a sentence instead of one row: a row per system where something changed and, when they are several, the sum; columns of zeros are
 * left out. Errors without a system are in the sum only, so it may stand beside a single system.
 */
static void
view_counts(const struct view *v, json_t *obj)
{
	struct model *m = v->m;
	bool shown[COUNT(columns)];
	json_t *table = json_object(), *head = json_array(), *rows = json_array(), *same = json_array();
	size_t n = 0, n_touched = count_touched(m);
	const struct counts *only = NULL;
	bool sum = n_touched != 1;

	for (size_t i = 0; i < COUNT(columns); i++) {
		shown[i] = columns[i].always || columns[i].of(&m->total) > 0;
		if (shown[i])
			json_array_append_new(head, json_string(columns[i].title));
	}
	for (size_t i = 0; i < m->n_systems; i++) {
		const struct counts *c = &m->systems[i];
		for (size_t k = 0; k < COUNT(columns) && touched(c); k++)
			sum = sum || columns[k].of(c) != columns[k].of(&m->total);
		if (touched(c))
			only = c;
		if (touched(c) && n++ < MAX_SYSTEMS)
			add_row(v, rows, c, shown);
		else if (!touched(c) && json_array_size(same) < MAX_SYSTEMS) {
			json_t *item = json_object();
			put_code(v, item, "name", c->system);
			json_array_append_new(same, item);
		}
	}
	if (sum)
		add_row(v, rows, &m->total, shown);
	json_object_set_new(obj, "untouched_any", json_boolean(json_array_size(same) > 0));
	json_object_set_new(obj, "untouched", same);
	json_object_set_new(table, "lines", text_lines(head, rows));
	json_object_set_new(table, "head", head);
	json_object_set_new(table, "rows", rows);
	if (n > MAX_SYSTEMS)
		put_number(v, table, "more", (int64_t)(n - MAX_SYSTEMS));
	if (json_array_size(rows) == 1)
		put_sentence(v, table, sum ? &m->total : only);
	json_object_set_new(obj, "counts", table);
	bool more_differ = m->total.changed_paths > m->total.derivations;
	if (more_differ)
		put_number(v, obj, "changed_paths", m->total.changed_paths);
	json_object_set_new(obj, "notes", json_boolean(more_differ || json_array_size(same) > 0));
}

static void
view_run(const struct view *v, json_t *obj)
{
	const json_t *run = v->m->run;
	const char *url = json_str(run, "url", NULL), *repo = json_str(run, "repo", NULL);
	const char *head = json_str(run, "head", NULL), *base = json_str(run, "base", NULL);

	if (repo != NULL && json_int(run, "number", 0) > 0) /* found again by the sender, so exactly this */
		put_text(obj, "marker_md", arena_printf(&v->m->a, "<!-- ekaci:report %s#%lld -->",
		    escape_dup(&v->m->a, ESCAPE_HTML, str_of(repo)), (long long)json_int(run, "number", 0)));
	if (url != NULL)
		put_link(v, obj, "details", "details", url);
	if (json_object_get(obj, "details_md") != NULL) {
		put_text(obj, "whole_md", arena_printf(&v->m->a, "[the whole report](%s)", url));
		put_text(obj, "whole", url);
	} else {
		put_text(obj, "whole_md", "the whole is in the report's other formats (`--format markdown` or `json`)");
		put_text(obj, "whole", "--format markdown or json");
	}
	if (head != NULL)
		put_code(v, obj, "head", arena_strn(&v->m->a, head, strnlen(head, 12)));
	if (base != NULL)
		put_code(v, obj, "base", arena_strn(&v->m->a, base, strnlen(base, 12)));
	int64_t ms = json_int(v->m->job, "elapsed_ms", -1);
	if (ms >= 0)
		put_text(obj, "elapsed", words_duration(&v->m->a, ms));
}

/* All that was spent on building, once it is over; 0 when nothing was built or nobody took the time. */
static int64_t
spent_ms(const struct model *m)
{
	const char *drv;
	json_t *build;
	int64_t ms = 0;

	if (m->phase == PHASE_DONE)
		json_object_foreach((json_t *)m->builds, drv, build)
			ms += json_int(build, "wall_ms", 0) > 0 ? json_int(build, "wall_ms", 0) : 0;
	return ms;
}

/* From recorded durations: what building will take, or what it took beside what it was thought to. */
static void
view_estimate(const struct view *v, json_t *item)
{
	struct arena *a = &v->m->a;
	const json_t *estimate = json_at(v->m->job, "query.estimate");
	const char *system;
	json_t *one;
	int64_t total = 0, path = 0, known = 0, unknown = 0, spent = spent_ms(v->m), done = 0, low = 0, high = 0;

	json_object_foreach((json_t *)(uintptr_t)estimate, system, one) {
		int64_t critical = json_int(one, "critical_path_ms", 0);
		total += json_int(one, "total_ms", 0);
		path = critical > path ? critical : path; /* systems do not wait for each other */
		done = json_int(one, "finish_ms", 0) > done ? json_int(one, "finish_ms", 0) : done;
		low = json_int(one, "finish_low_ms", 0) > low ? json_int(one, "finish_low_ms", 0) : low;
		high = json_int(one, "finish_high_ms", 0) > high ? json_int(one, "finish_high_ms", 0) : high;
		known += json_int(one, "known", 0);
		unknown += json_int(one, "unknown", 0);
	}
	if (spent > 0)
		put_text(item, "took", words_duration(a, spent));
	if (known == 0)
		return;
	put_text(item, spent > 0 ? "estimated" : "total", words_duration(a, total));
	if (spent == 0 && path > 0)
		put_text(item, "path", words_duration(a, path));
	if (spent == 0 && done > 0) {
		put_text(item, "done", words_duration(a, done));
		if (strcmp(words_duration(a, low), words_duration(a, high)) != 0) {
			put_text(item, "low", words_duration(a, low));
			put_text(item, "high", words_duration(a, high));
		}
	}
	if (unknown > 0)
		put_number(v, item, "unknown", unknown);
}

/* What the store and the recorded durations say about the builds, where somebody asked them. */
static void
view_work(const struct view *v, json_t *obj)
{
	const json_t *query = json_object_get(v->m->job, "query");
	json_t *item = json_object();

	if (v->m->outcome != OUTCOME_COMPARED || !json_is_object(query)) {
		json_decref(item);
		return;
	}
	int64_t n = json_int(query, "to_build", 0);
	put_text(item, "to_build", n == 0 ? "Nothing" : words_count(&v->m->a, n, "derivation", "derivations"));
	if (json_int(query, "cached", 0) > 0)
		put_number(v, item, "cached", json_int(query, "cached", 0));
	if (json_int(query, "to_fetch", 0) > 0)
		put_number(v, item, "fetched", json_int(query, "to_fetch", 0));
	view_estimate(v, item);
	json_object_set_new(obj, "work", item);
}

/* Names of a command that are none of what this change builds. */
static void
view_not_found(const struct view *v, json_t *obj)
{
	const json_t *names = json_at(v->m->job, "query.unknown"), *name;
	json_t *items = json_array();
	size_t i;

	json_array_foreach(names, i, name) {
		json_t *item = json_object();
		put_code(v, item, "name", json_string_value(name));
		json_array_append_new(items, item);
	}
	put_list(v, obj, "not_found", items, json_array_size(names), (int64_t)json_array_size(names));
}

/* One of the words for where the run is, as a member that is true. */
static void
view_state(const struct view *v, const struct verdict *verdict, json_t *obj)
{
	static const char *const outcomes[] = {"is_running", "is_skipped", "is_failed", "is_incomplete", "is_compared",
	    "is_superseded", "is_cancelled", "is_held"};
	const struct model *m = v->m;
	const struct tally *t = &m->tally;
	enum conclusion c = verdict->conclusion;

	json_object_set_new(obj, outcomes[m->outcome], json_true());
	json_object_set_new(obj, "many_systems", json_boolean(count_touched(m) > 1));
	json_object_set_new(obj, "many_jobs", json_boolean(m->many_jobs));
	put_text(obj, "title", verdict->title);
	put_text(obj, "headline", verdict->headline);
	put_text(obj, "evaluation_title", verdict->evaluation.title);
	put_text(obj, "rebuilds_title", verdict->rebuilds.title);
	put_text(obj, "mark", c == CONCLUSION_FAILURE ? "\xe2\x9d\x8c" : c == CONCLUSION_SUCCESS ? "\xe2\x9c\x85"
	    : c == CONCLUSION_ACTION_REQUIRED ? "\xe2\x9a\xa0\xef\xb8\x8f" : c == CONCLUSION_NONE ? "\xe2\x8f\xb3"
	    : "\xe2\x97\xbb\xef\xb8\x8f");
	if (m->outcome == OUTCOME_COMPARED) {
		json_object_set_new(obj, "wide", json_boolean(m->wide));
		json_object_set_new(obj, "waiting", json_boolean(m->waiting));
		json_object_set_new(obj, "nothing", json_boolean(m->n_attrs == 0));
		json_object_set_new(obj, "build_failed_us", json_boolean(m->failure != NULL));
		if (m->phase == PHASE_BUILDING && t->total > 0)
			json_object_set_new(obj, "building", json_pack("{s:s,s:s}", "done", words_number(&v->m->a, t->ended),
			    "total", words_number(&v->m->a, t->total)));
	}
	if (json_str(m->job, "stalled", NULL) != NULL)
		put_text(obj, "stalled", json_str(m->job, "stalled", ""));
	view_work(v, obj);
	view_not_found(v, obj);
	if (m->failure != NULL) {
		enum err_kind kind = err_kind_of(json_str(m->failure, "kind", "bug"));
		put_code(v, obj, "failed_stage", json_str(m->failure, "stage", "?"));
		put_block(v, obj, "failure", words_head(&v->m->a, json_str(m->failure, "message", "no reason was given"), 40,
		    v->limits->error_bytes));
		json_object_set_new(obj, "failure_is_ours",
		    json_boolean(m->outcome == OUTCOME_FAILED && verdict->evaluation.conclusion == CONCLUSION_ACTION_REQUIRED));
		json_object_set_new(obj, "failure_is_a_limit", json_boolean(kind == ERR_LIMIT));
	}
}

json_t *
view_new(struct model *m, const struct verdict *verdict, const struct limits *limits, bool shortened)
{
	struct view v = {m, limits};
	json_t *obj = json_object();

	view_run(&v, obj);
	view_state(&v, verdict, obj);
	view_rules(&v, obj);
	if (m->outcome == OUTCOME_COMPARED) {
		view_counts(&v, obj);
		view_roots(&v, obj);
		view_failures(&v, obj);
		view_packages(&v, obj);
		view_meta(&v, obj);
		view_sizes(&v, obj);
	}
	json_object_set_new(obj, "shortened", json_boolean(shortened));
	return obj;
}
