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
	return (struct limits){.listed = SIZE_MAX,
	    .roots = SIZE_MAX,
	    .failures = SIZE_MAX,
	    .folded = SIZE_MAX,
	    .tail_lines = 200,
	    .error_bytes = 20000,
	    .name_bytes = 4096,
	    .nodes = 16,
	    .rules = SIZE_MAX,
	    .followers = true};
}

/* What is counted, in the order in which people ask for it. */
static const struct column {
	const char *title;      /* in a table */
	const char *one, *many; /* in a sentence */
	enum change change;     /* CHANGES: derivations, which a sentence puts behind the rebuilds */
} columns[] = {
    {"Rebuilds", "rebuild", "rebuilds", CHANGE_REBUILD},
    {"Derivations", NULL, NULL, CHANGES},
    {"Added", "added", "added", CHANGE_ADDED},
    {"Removed", "removed", "removed", CHANGE_REMOVED},
    {"Switched", "switched to what the base has", "switched to what the base has", CHANGE_SWITCHED},
    {"Same output", "with the same output", "with the same output", CHANGE_DERIVATION_ONLY},
    {"New errors", "new error", "new errors", CHANGE_NEWLY_FAILING},
    {"New and failing", "new and failing", "new and failing", CHANGE_ADDED_FAILING},
    {"Fixed errors", "fixed error", "fixed errors", CHANGE_FIXED},
    {"Errors gone", "error gone", "errors gone", CHANGE_REMOVED_FAILING},
    {"Not told", "not told", "not told", CHANGE_UNTOLD},
};
enum { ALWAYS = 2 /* columns that are shown when they are zero */ };

static int64_t
figure(const struct counts *c, const struct column *of)
{
	return of->change == CHANGES ? c->derivations : c->of[of->change];
}

/* Whether there is anything to say of a system. What failed before and fails still is told below the table. */
static bool
touched(const struct counts *c)
{
	for (size_t i = 0; i < COUNT(columns); i++)
		if (figure(c, &columns[i]) > 0)
			return true;
	return false;
}

/* "16 rebuilds", then "(19 derivations)" when they are not as many, then the rest: what a row of the table says. */
static void
put_sentence(const struct view *v, struct values *row, const struct counts *c)
{
	struct arena *a = &v->m->a;
	struct value_list *others = value_list_new(a);
	int64_t n = c->of[CHANGE_REBUILD];

	/* What is new is built, too: "no rebuilds, 34 derivations to build" would say both. */
	if (n == 0 && c->derivations > 0)
		values_text(row, "rebuilds", words_count(a, c->derivations, "derivation to build", "derivations to build"));
	else
		values_text(row, "rebuilds",
		    n > 0              ? words_count(a, n, "rebuild", "rebuilds")
		    : v->m->untold > 0 ? "No rebuilds known"
		                       : "No rebuilds");
	if (c->derivations != n && n > 0)
		values_text(row, "derivations", words_count(a, c->derivations, "derivation", "derivations"));
	for (size_t i = ALWAYS; i < COUNT(columns); i++)
		if (figure(c, &columns[i]) > 0)
			value_list_text(others, words_count(a, figure(c, &columns[i]), columns[i].one, columns[i].many));
	values_list(row, "others", others);
}

/* A row: its cells, and the same as a sentence. */
static void
add_row(const struct view *v, struct value_list *rows, const struct counts *c, const bool *shown)
{
	struct model *m = v->m;
	struct values *row = values_new(&m->a);
	struct value_list *cells = value_list_new(&m->a);

	if (c->system != NULL) {
		put_code(v, row, "system", c->system);
	} else {
		values_text(row, "system", c == &m->other ? "without a system" : "all");
		values_text(row, "system_md", c == &m->other ? "without a system" : "all");
	}
	put_sentence(v, row, c);
	for (size_t i = 0; i < COUNT(columns); i++)
		if (shown[i])
			value_list_text(cells, words_number(&m->a, figure(c, &columns[i])));
	values_list(row, "cells", cells);
	value_list_group(rows, row);
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
 * The table of counts, or a sentence instead of one row, which a phone would cut: a row per system where something changed,
 * one for what has no system of its own (failing rows do not say theirs), and the sum of all; columns of zeros are left out.
 * Where only one system was evaluated, everything is of that one.
 */
static void
view_counts(const struct view *v, struct values *obj)
{
	struct model *m = v->m;
	bool shown[COUNT(columns)];
	struct values *table = values_new(&m->a);
	struct value_list *head = value_list_new(&m->a), *rows = value_list_new(&m->a), *same = value_list_new(&m->a),
	                  *dead = value_list_new(&m->a);
	size_t n = 0, n_touched = count_touched(m);
	bool single = m->n_systems == 1 || (n_touched <= 1 && !touched(&m->other));
	struct counts sum = m->total;

	for (size_t i = 0; i < COUNT(columns); i++) {
		shown[i] = i < ALWAYS || figure(&m->total, &columns[i]) > 0;
		if (shown[i])
			value_list_text(head, columns[i].title);
	}
	for (size_t i = 0; i < m->n_systems; i++) {
		const struct counts *c = &m->systems[i];
		if (touched(c) || (m->n_systems == 1 && touched(&m->total)))
			sum.system = c->system;
		if (touched(c) && n++ < MAX_SYSTEMS && !single)
			add_row(v, rows, c, shown);
		else if (!touched(c) && m->n_systems > 1 && m->untold == 0 && same->n + dead->n < MAX_SYSTEMS) {
			struct values *item = values_new(&v->m->a);
			put_code(v, item, "name", c->system);
			if (c->failing > 0)
				values_text(item, "failing", words_count(&m->a, c->failing, "evaluation", "evaluations"));
			value_list_group(c->failing > 0 && c->of[CHANGE_UNCHANGED] == 0 ? dead : same, item);
		}
	}
	if (!single) {
		sum.system = NULL;
		if (touched(&m->other))
			add_row(v, rows, &m->other, shown);
		add_row(v, rows, &m->total, shown);
	} else {
		add_row(v, rows, &sum, shown);
		put_sentence(v, table, &sum);
		if (sum.system != NULL)
			put_code(v, table, "system", sum.system);
		values_flag(table, "one", true);
	}
	put_list(v, obj, "untouched", same, same->n, (int64_t)same->n);
	put_list(v, obj, "unevaluated", dead, dead->n, (int64_t)dead->n);
	values_list(table, "head", head);
	values_list(table, "rows", rows);
	if (n > MAX_SYSTEMS && !single)
		put_number(v, table, "more", (int64_t)(n - MAX_SYSTEMS));
	values_group(obj, "counts", table);
	bool more_differ = m->total.changed_paths > m->total.derivations;
	if (more_differ)
		put_number(v, obj, "changed_paths", m->total.changed_paths);
	if (m->aliases > 0) /* one derivation counts once, whatever it is called */
		values_text(obj, "aliases",
		    arena_printf(&m->a, "%s for the same derivations %s not counted",
		        words_count(&m->a, m->aliases, "other name", "other names"), m->aliases == 1 ? "is" : "are"));
	values_flag(obj, "notes", more_differ || same->n > 0 || dead->n > 0 || m->aliases > 0);
}

/* Words that stand beside the counts and in every form of the report. */
static void
view_carry(const struct view *v, struct values *obj)
{
	int64_t n = v->m->carry_commit;

	if (n > 0)
		values_text(obj, "carry_commit",
		    arena_printf(&v->m->a, "%s the commit's id and so %s with every commit",
		        words_count(&v->m->a, n, "package carries", "packages carry"), n == 1 ? "rebuilds" : "rebuild"));
}

static void
view_run(const struct view *v, struct values *obj)
{
	const json_t *run = v->m->run;
	const char *url = json_str(run, "url", NULL), *repo = json_str(run, "repo", NULL);
	const char *head = json_str(run, "head", NULL), *base = json_str(run, "base", NULL);

	if (repo != NULL && json_int(run, "number", 0) > 0) /* found again by the sender, so exactly this */
		values_text(obj, "marker_md",
		    arena_printf(&v->m->a, "<!-- ekaci:report %s#%lld -->", escape_dup(&v->m->a, ESCAPE_HTML, str_of(repo)),
		        (long long)json_int(run, "number", 0)));
	if (url != NULL && put_link(v, obj, "details", "details", url)) {
		values_text(obj, "whole_md", arena_printf(&v->m->a, "[the whole report](%s)", url));
		values_text(obj, "whole", url);
	} else {
		values_text(obj, "whole_md", "the whole is in the report's other formats (`--format markdown` or `json`)");
		values_text(obj, "whole", "--format markdown or json");
	}
	if (head != NULL)
		put_code(v, obj, "head", arena_strn(&v->m->a, head, strnlen(head, 12)));
	if (base != NULL)
		put_code(v, obj, "base", arena_strn(&v->m->a, base, strnlen(base, 12)));
	int64_t ms = json_int(v->m->job, "elapsed_ms", -1);
	if (ms >= 0)
		values_text(obj, "elapsed", words_duration(&v->m->a, ms));
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
view_estimate(const struct view *v, struct values *item)
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
		values_text(item, "took", words_duration(a, spent));
	if (known == 0)
		return;
	values_text(item, spent > 0 ? "estimated" : "total", words_duration(a, total));
	if (spent == 0 && path > 0)
		values_text(item, "path", words_duration(a, path));
	if (spent == 0 && done > 0) {
		values_text(item, "done", words_duration(a, done));
		if (strcmp(words_duration(a, low), words_duration(a, high)) != 0) {
			values_text(item, "low", words_duration(a, low));
			values_text(item, "high", words_duration(a, high));
		}
	}
	if (unknown > 0)
		put_number(v, item, "unknown", unknown);
}

/* What the store and the recorded durations say about the builds, where somebody asked them. */
static void
view_work(const struct view *v, struct values *obj)
{
	const json_t *query = json_object_get(v->m->job, "query");
	struct values *item = values_new(&v->m->a);

	if (v->m->outcome != OUTCOME_COMPARED || !json_is_object(query))
		return;
	int64_t n = json_int(query, "to_build", 0);
	values_text(item, "to_build", n == 0 ? "Nothing" : words_count(&v->m->a, n, "derivation", "derivations"));
	if (json_int(query, "cached", 0) > 0)
		put_number(v, item, "cached", json_int(query, "cached", 0));
	if (json_int(query, "to_fetch", 0) > 0)
		put_number(v, item, "fetched", json_int(query, "to_fetch", 0));
	view_estimate(v, item);
	values_group(obj, "work", item);
}

/* Names of a command that are none of what this change builds. */
static void
view_not_found(const struct view *v, struct values *obj)
{
	const json_t *names = json_at(v->m->job, "query.unknown"), *name;
	struct value_list *items = value_list_new(&v->m->a);
	size_t i;

	json_array_foreach(names, i, name) {
		struct values *item = values_new(&v->m->a);
		put_code(v, item, "name", json_string_value(name));
		value_list_group(items, item);
	}
	put_list(v, obj, "not_found", items, json_array_size(names), (int64_t)json_array_size(names));
}

/* One of the words for where the run is, as a member that is true. */
static void
view_state(const struct view *v, const struct verdict *verdict, struct values *obj)
{
	static const char *const outcomes[] = {"is_running", "is_skipped", "is_failed", "is_incomplete", "is_nothing",
	    "is_compared", "is_superseded", "is_cancelled", "is_held"};
	const struct model *m = v->m;
	const struct tally *t = &m->tally;
	enum conclusion c = verdict->conclusion;

	values_flag(obj, outcomes[m->outcome], true);
	values_flag(obj, "many_systems", m->n_systems > 1 && (count_touched(m) > 1 || touched(&m->other)));
	values_flag(obj, "many_jobs", m->many_jobs);
	values_text(obj, "title", verdict->title);
	values_text(obj, "headline", verdict->headline);
	values_text(obj, "evaluation_title", verdict->evaluation.title);
	values_text(obj, "rebuilds_title", verdict->rebuilds.title);
	values_text(obj, "mark",
	    c == CONCLUSION_FAILURE           ? "\xe2\x9d\x8c"
	    : c == CONCLUSION_SUCCESS         ? "\xe2\x9c\x85"
	    : c == CONCLUSION_ACTION_REQUIRED ? "\xe2\x9a\xa0\xef\xb8\x8f"
	    : c == CONCLUSION_NONE            ? "\xe2\x8f\xb3"
	                                      : "\xe2\x97\xbb\xef\xb8\x8f");
	if (m->outcome == OUTCOME_COMPARED) {
		values_flag(obj, "wide", m->wide);
		values_flag(obj, "waiting", m->waiting);
		values_flag(obj, "nothing", m->n_attrs == 0 && m->untold == 0);
		values_flag(obj, "build_failed_us", m->failure != NULL);
		if (m->phase == PHASE_BUILDING && t->total > 0)
			put_done(v, obj, "building", t->ended, "total", t->total);
	}
	if (json_str(m->job, "stalled", NULL) != NULL)
		values_text(obj, "stalled", json_str(m->job, "stalled", ""));
	view_work(v, obj);
	view_not_found(v, obj);
	if (m->failure != NULL) {
		enum err_kind kind = err_kind_of(json_str(m->failure, "kind", "bug"));
		put_code(v, obj, "failed_stage", json_str(m->failure, "stage", "?"));
		put_block(v, obj, "failure",
		    words_head(&v->m->a, json_str(m->failure, "message", "no reason was given"), 40, v->limits->error_bytes));
		values_flag(obj, "failure_is_ours",
		    m->outcome == OUTCOME_FAILED && verdict->evaluation.conclusion == CONCLUSION_ACTION_REQUIRED);
		values_flag(obj, "failure_is_a_limit", kind == ERR_LIMIT);
	}
}

struct values *
view_new(struct model *m, const struct verdict *verdict, const struct limits *limits, bool shortened)
{
	const struct view view = {m, limits}, *v = &view;
	struct values *obj = values_new(&m->a);

	view_run(v, obj);
	view_state(v, verdict, obj);
	view_rules(v, obj);
	if (m->outcome == OUTCOME_COMPARED) {
		view_counts(v, obj);
		view_carry(v, obj);
		view_roots(v, obj);
		view_failures(v, obj);
		view_packages(v, obj);
		view_meta(v, obj);
		view_sizes(v, obj);
	}
	values_flag(obj, "shortened", shortened);
	return obj;
}
