/* The view: verdict, counts, and the parts of the other files. */
#include "report/view.h"

#include "report/attribute_checks.h"
#include "report/first_told.h"
#include "report/view_part.h"
#include "report/words.h"
#include "support/text/escape.h"

#include <string.h>

enum { MAX_SYSTEMS = 12 }; /* Nix knows about as many that anybody builds for */

/* The columns of the table of counts: classes in the order in which people ask for them, and derivations behind rebuilds. */
enum { DERIVATIONS = CLASSES, COLUMNS };

struct columns {
	int of[COLUMNS]; /* a class, or DERIVATIONS */
	size_t n;
};

static void
add_column(struct columns *to, int column)
{
	for (size_t i = 0; i < to->n; i++)
		if (to->of[i] == column)
			return;
	if (column == DERIVATIONS || *class_words[column].column != '\0')
		to->of[to->n++] = column;
}

/* Classes that do not stand here come last. */
static struct columns
all_columns(void)
{
	static const int first[] = {CLASS_REBUILD, DERIVATIONS, CLASS_ADDED, CLASS_REMOVED, CLASS_SWITCHED,
	    CLASS_DERIVATION_ONLY, CLASS_NEWLY_FAILING, CLASS_ADDED_FAILING, CLASS_FIXED, CLASS_REMOVED_FAILING};
	struct columns ret = {0};

	for (size_t i = 0; i < COUNT(first); i++)
		add_column(&ret, first[i]);
	for (int c = 0; c < CLASSES; c++)
		add_column(&ret, c);
	return ret;
}

static int64_t
figure(const struct counts *c, int column)
{
	return column == DERIVATIONS ? c->derivations : c->of[column];
}

/* Columns that are not all zeros; the first two always. */
static struct columns
shown_columns(const struct counts *total)
{
	const struct columns all = all_columns();
	struct columns ret = {0};

	for (size_t i = 0; i < all.n; i++)
		if (i < 2 || figure(total, all.of[i]) > 0)
			ret.of[ret.n++] = all.of[i];
	return ret;
}

/* Whether there is anything to say of a system. What failed before and fails still is told below the table. */
static bool
touched(const struct counts *c)
{
	const struct columns all = all_columns();

	for (size_t i = 0; i < all.n; i++)
		if (figure(c, all.of[i]) > 0)
			return true;
	return false;
}

/* "16 rebuilds", then "(19 derivations)" when they are not as many, then the rest: what a row of the table says. */
static void
put_sentence(const struct view *v, struct values *row, const struct counts *c)
{
	struct arena *a = &v->m->a;
	const struct columns all = shown_columns(c);
	struct value_list *others = value_list_new(a);
	int64_t n = c->of[CLASS_REBUILD];

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
	for (size_t i = 2; i < all.n; i++) {
		const struct class_words *words = &class_words[all.of[i]];
		value_list_text(others, words_count(a, c->of[all.of[i]], words->one, words->many));
	}
	values_list(row, "others", others);
}

/* A row: its cells, and the same as a sentence. */
static void
add_row(const struct view *v, struct value_list *rows, const struct counts *c, const struct columns *shown)
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
	for (size_t i = 0; i < shown->n; i++)
		value_list_text(cells, words_number(&m->a, figure(c, shown->of[i])));
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
	const struct columns shown = shown_columns(&m->total);
	struct values *table = values_new(&m->a);
	struct value_list *head = value_list_new(&m->a), *rows = value_list_new(&m->a), *same = value_list_new(&m->a),
	                  *dead = value_list_new(&m->a);
	size_t n = 0, n_touched = count_touched(m);
	bool single = m->n_systems == 1 || (n_touched <= 1 && !touched(&m->other));
	struct counts sum = m->total;

	for (size_t i = 0; i < shown.n; i++)
		value_list_text(head, shown.of[i] == DERIVATIONS ? "Derivations" : class_words[shown.of[i]].column);
	for (size_t i = 0; i < m->n_systems; i++) {
		const struct counts *c = &m->systems[i];
		if (touched(c) || (m->n_systems == 1 && touched(&m->total)))
			sum.system = c->system;
		if (touched(c) && n++ < MAX_SYSTEMS && !single)
			add_row(v, rows, c, &shown);
		else if (!touched(c) && m->n_systems > 1 && m->untold == 0 && same->n + dead->n < MAX_SYSTEMS) {
			struct values *item = values_new(&v->m->a);
			put_code(v, item, "name", c->system);
			if (c->failing > 0)
				values_text(item, "failing", words_count(&m->a, c->failing, "evaluation", "evaluations"));
			value_list_group(c->failing > 0 && c->of[CLASS_UNCHANGED] == 0 ? dead : same, item);
		}
	}
	if (!single) {
		sum.system = NULL;
		if (touched(&m->other))
			add_row(v, rows, &m->other, &shown);
		add_row(v, rows, &m->total, &shown);
	} else {
		add_row(v, rows, &sum, &shown);
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
	const struct report_run *run = &v->m->facts.run;
	const char *url = run->url;

	if (run->repo != NULL && run->number > 0) /* found again by the sender, so exactly this */
		values_text(obj, "marker_md",
		    arena_printf(&v->m->a, "<!-- ekaci:report %s#%lld -->",
		        escape_dup(&v->m->a, ESCAPE_HTML, str_of(run->repo)), (long long)run->number));
	if (url != NULL && put_link(v, obj, "details", "details", url)) {
		values_text(obj, "whole_md", arena_printf(&v->m->a, "[the whole report](%s)", url));
		values_text(obj, "whole", url);
	} else {
		values_text(obj, "whole_md", "the whole is in the report's other formats (`--format markdown` or `json`)");
		values_text(obj, "whole", "--format markdown or json");
	}
	if (run->head != NULL)
		put_code(v, obj, "head", arena_strn(&v->m->a, run->head, strnlen(run->head, 12)));
	if (run->base != NULL)
		put_code(v, obj, "base", arena_strn(&v->m->a, run->base, strnlen(run->base, 12)));
	if (v->m->job->elapsed_ms >= 0)
		values_text(obj, "elapsed", words_duration(&v->m->a, v->m->job->elapsed_ms));
}

/* Names of a command that are none of what this change builds. */
static void
view_not_found(const struct view *v, struct values *obj)
{
	const struct query *query = v->m->facts.query;
	struct value_list *items = value_list_new(&v->m->a);

	for (size_t i = 0; query != NULL && i < query->unknown.n; i++) {
		struct values *item = values_new(&v->m->a);
		put_code(v, item, "name", query->unknown.p[i]);
		value_list_group(items, item);
	}
	put_list(v, obj, "not_found", items, items->n, (int64_t)items->n);
}

/* How many paths proved that nothing differs; or, where something of the head was evaluated, why that was not proved before. */
static void
view_proof(const struct view *v, struct values *obj)
{
	const struct evaluations *all = &v->m->facts.evaluations;
	int64_t paths = 0;

	for (size_t i = 0; i < all->n; i++) {
		if (all->p[i].side != SIDE_HEAD)
			continue;
		if (all->p[i].proved < 0) {
			if (all->p[i].unproved != NULL)
				values_text(obj, "unproved",
				    words_cut(&v->m->a, all->p[i].unproved, v->limits->name_bytes + 100));
			return;
		}
		paths += all->p[i].proved;
	}
	if (all->n > 0)
		values_text(obj, "proved", words_count(&v->m->a, paths, "path", "paths"));
}

/* Why a stage ended with an error. */
static void
view_failure(const struct view *v, const struct verdict *verdict, struct values *obj)
{
	const struct model *m = v->m;
	const struct run_failure *failure = m->facts.failure;

	if (failure == NULL)
		return;
	put_code(v, obj, "failed_stage", failure->stage);
	put_block(v, obj, "failure", words_head(&v->m->a, failure->message, 40, v->limits->error_bytes));
	values_flag(obj, "failure_is_ours",
	    m->outcome == OUTCOME_FAILED && verdict->evaluation.conclusion == CONCLUSION_ACTION_REQUIRED);
	values_flag(obj, "failure_is_a_limit", err_kind_of(failure->kind) == ERR_LIMIT);
}

/* What was said before all was evaluated. */
static void
view_first(const struct view *v, struct values *obj)
{
	values_text(obj, "first", first_sentence(v->m));
}

/* One of the words for where the run is, as a member that is true. */
static void
view_state(const struct view *v, const struct verdict *verdict, struct values *obj)
{
	static const char *const outcomes[] = {"is_running", "is_skipped", "is_failed", "is_incomplete", "is_nothing",
	    "is_compared", "is_superseded", "is_cancelled", "is_held", "is_unwanted"};
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
		values_flag(obj, "wide", m->job->wide);
		values_flag(obj, "waiting", m->job->waiting);
		values_flag(obj, "nothing", m->n_attrs == 0 && m->untold == 0);
		view_proof(v, obj);
		values_flag(obj, "build_failed_us", m->facts.failure != NULL);
		if (m->job->phase == PHASE_BUILDING && t->total > 0)
			put_done(v, obj, "building", t->ended, "total", t->total);
	}
	values_text(obj, "no_attribute_checks", attribute_checks_missing(v->m));
	view_first(v, obj);
	values_text(obj, "stalled", m->job->stalled);
	values_text(obj, "tone",
	    c == CONCLUSION_FAILURE           ? "bad"
	    : c == CONCLUSION_SUCCESS         ? "good"
	    : c == CONCLUSION_ACTION_REQUIRED ? "warn"
	    : c == CONCLUSION_NONE            ? "busy"
	                                      : "calm");
	view_work(v, obj);
	view_not_found(v, obj);
	view_failure(v, verdict, obj);
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
		view_idle(v, obj);
		view_distances(v, obj);
		view_failures(v, obj);
		view_packages(v, obj);
		view_meta(v, obj);
		view_sizes(v, obj);
		view_evalcosts(v, obj);
	}
	values_flag(obj, "shortened", shortened);
	return obj;
}
