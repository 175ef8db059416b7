/* Facts become conclusions and titles. */
#include "report/verdict.h"

#include "report/first_told.h"
#include "report/words.h"

#include <string.h>

enum { MAX_TITLE = 250 }; /* GitHub gives no limit; what is longer is not read in a list of checks */

const char *
conclusion_name(enum conclusion c)
{
	static const char *const names[] = {NULL, "success", "neutral", "cancelled", "action_required", "failure"};

	return names[c];
}

static struct check
completed(enum conclusion c, const char *title)
{
	return (struct check){"completed", c, title};
}

static void
add_number(struct model *m, struct buf *b, int64_t n, const char *word)
{
	if (n > 0)
		buf_printf(b, "%s%s %s", b->n != 0 ? ", " : "", words_number(&m->a, n), word);
}

const char *
verdict_numbers(struct model *m)
{
	AUTO(buf_release) struct buf b = {0};
	const struct counts *c = &m->total;

	buf_init(&b, MAX_TITLE);
	add_number(m, &b, c->of[CLASS_REBUILD], c->of[CLASS_REBUILD] == 1 ? "rebuild" : "rebuilds");
	add_number(m, &b, c->of[CLASS_ADDED], "added");
	add_number(m, &b, c->of[CLASS_REMOVED], "removed");
	add_number(m, &b, c->of[CLASS_SWITCHED], "switched to what the base has");
	add_number(m, &b, c->of[CLASS_FIXED], "fixed");
	return b.n != 0 ? str_dup(&m->a, buf_get(&b)) : m->untold > 0 ? "no rebuilds known" : "no rebuilds";
}

static int64_t
evaluated_rows(const struct model *m)
{
	int64_t rows = 0;

	for (size_t i = 0; i < m->facts.evaluations.n; i++)
		if (m->facts.evaluations.p[i].side == SIDE_HEAD)
			rows += m->facts.evaluations.p[i].rows;
	return rows;
}

/* Errors that only the writer of the repository can do something about fail the check; the others ask for a retry. */
static bool
failure_is_the_change(const struct model *m)
{
	enum err_kind kind = err_kind_of(m->facts.failure->kind);

	if (kind == ERR_ABSENT) /* nothing to evaluate in the repository; elsewhere a program or file of ours is missing */
		return strcmp(m->facts.failure->stage, "plan") == 0;
	return kind == ERR_INPUT || kind == ERR_LIMIT;
}

/* The title; jobs that came to nothing, though they name something, are said behind it. */
static const char *
with_empty(struct model *m, const char *title)
{
	if (m->n_unsaid == 0)
		return title;
	return arena_printf(&m->a,
	    m->n_failing == m->n_unsaid ? "%s - nothing evaluates in %s" : "%s - nothing to evaluate in %s", title,
	    words_count(&m->a, (int64_t)m->n_unsaid, "job", "jobs"));
}

static const char *
with_untold(struct model *m, const char *title)
{
	if (m->untold == 0)
		return title;
	return arena_printf(&m->a, "%s, %s could not be told", title, words_number(&m->a, m->untold));
}

static struct check
evaluation_compared(struct model *m)
{
	const int64_t newly = m->total.of[CLASS_NEWLY_FAILING], fixed = m->total.of[CLASS_FIXED];
	const int64_t new = m->total.of[CLASS_ADDED_FAILING];
	const char *rows = words_count(&m->a, evaluated_rows(m), "attribute evaluated", "attributes evaluated");
	AUTO(buf_release) struct buf b = {0};

	buf_init(&b, MAX_TITLE);
	add_number(m, &b, newly, newly == 1 ? "newly fails" : "newly fail");
	add_number(m, &b, new, new == 1 ? "is new and fails" : "are new and fail");
	add_number(m, &b, fixed, "fixed");
	add_number(m, &b, m->total.of[CLASS_STILL_FAILING], "still failing");
	const char *title = b.n != 0 ? arena_printf(&m->a, "%s: %s", rows, b.p) : rows;
	return completed(m->newly_evaluating > 0 ? CONCLUSION_FAILURE
	                 : newly + new > 0       ? CONCLUSION_NEUTRAL
	                                         : CONCLUSION_SUCCESS,
	    with_empty(m, title));
}

static const char *
nothing_title(struct model *m)
{
	bool failing = m->n_failing == m->n_empty;
	const char *below = words_are_plain(m->empty[0].below) ? m->empty[0].below : "what the job names";

	if (m->n_unsaid == 0)
		return "nothing to compare";
	if (m->n_empty > 1)
		return arena_printf(&m->a, "could not be told: nothing %s in any of %zu jobs",
		    failing ? "evaluates" : "to evaluate", m->n_empty);
	if (failing && strcmp(below, ".") == 0)
		return "could not be told: nothing of the flake evaluates, before and after";
	return arena_printf(&m->a,
	    failing ? "could not be told: nothing of %s evaluates, before and after"
	            : "could not be told: nothing to evaluate below %s",
	    below);
}

/* Why nothing was compared, and whose doing that is. */
static struct check
evaluation_incomplete(struct model *m)
{
	switch (m->incomplete) {
	case INCOMPLETE_HEAD: break;
	case INCOMPLETE_BASE:
		return completed(CONCLUSION_NEUTRAL,
		    evaluated_rows(m) == 0
		        ? "could not be compared: the base does not evaluate"
		        : arena_printf(&m->a, "could not be compared: the base does not evaluate; this change does, %s",
		              words_count(&m->a, evaluated_rows(m), "attribute", "attributes")));
	case INCOMPLETE_BOTH:
		return completed(CONCLUSION_NEUTRAL, "could not be compared: neither the base nor this change evaluates");
	case INCOMPLETE_UNKNOWN: return completed(CONCLUSION_NEUTRAL, "could not be told: not all can be evaluated here");
	}
	return completed(CONCLUSION_FAILURE, m->dead != NULL ? m->dead : "evaluation incomplete");
}

static struct check
evaluation_running(struct model *m)
{
	const struct progress *progress = m->job->progress;
	int64_t done = progress != NULL ? progress->done : -1, total = progress != NULL ? progress->total : -1;
	const char *title = "evaluating", *first = first_title(m);

	if (first != NULL)
		title = first;
	else if (done >= 0 && total > 0)
		title = arena_printf(&m->a, "evaluating, %s of about %s attributes", words_number(&m->a, done),
		    words_number(&m->a, total));
	else if (done >= 0)
		title = arena_printf(&m->a, "evaluating, %s so far", words_count(&m->a, done, "attribute", "attributes"));
	return (struct check){done < 0 && m->facts.plan == NULL ? "queued" : "in_progress", CONCLUSION_NONE, title};
}

/* Neutral, so that a required check does not hang. */
static struct check
unwanted(struct model *m)
{
	return completed(CONCLUSION_NEUTRAL, arena_printf(&m->a, "not evaluated: %s", m->facts.plan->unwanted));
}

static struct check
evaluation_check(struct model *m)
{
	switch (m->outcome) {
	case OUTCOME_RUNNING: return evaluation_running(m);
	case OUTCOME_SKIPPED: return completed(CONCLUSION_SUCCESS, "no rebuilds expected");
	case OUTCOME_FAILED:
		if (failure_is_the_change(m))
			return completed(CONCLUSION_FAILURE, "could not be evaluated");
		return completed(CONCLUSION_ACTION_REQUIRED, "not evaluated: our machinery failed");
	case OUTCOME_INCOMPLETE: return evaluation_incomplete(m);
	case OUTCOME_NOTHING: return completed(CONCLUSION_NEUTRAL, nothing_title(m));
	case OUTCOME_COMPARED: return evaluation_compared(m);
	case OUTCOME_SUPERSEDED: return completed(CONCLUSION_CANCELLED, "superseded by a newer push");
	case OUTCOME_CANCELLED: return completed(CONCLUSION_CANCELLED, "cancelled");
	case OUTCOME_HELD: return completed(CONCLUSION_ACTION_REQUIRED, "waiting for approval to evaluate");
	case OUTCOME_UNWANTED: return unwanted(m);
	}
	return (struct check){0};
}

static const char *
with_note(struct model *m, const char *note)
{
	return arena_printf(&m->a, "%s - %s", verdict_numbers(m), note);
}

static const char *
failing_note(struct model *m)
{
	const struct tally *t = &m->tally;
	AUTO(buf_release) struct buf b = {0};

	buf_init(&b, MAX_TITLE);
	add_number(m, &b, t->newly + t->newly_blocked, "newly failing");
	add_number(m, &b, t->unknown + t->infrastructure + t->cancelled, "without a result");
	add_number(m, &b, t->still + t->still_blocked, "still failing");
	add_number(m, &b, t->unsupported, "not built for want of a machine");
	add_number(m, &b, t->unasked, "not asked for");
	return str_dup(&m->a, buf_get(&b));
}

static struct check
rebuilds_built(struct model *m)
{
	const struct tally *t = &m->tally;
	const char *note = failing_note(m);
	enum conclusion c = t->newly + t->newly_blocked > 0                   ? CONCLUSION_FAILURE
	                    : t->unknown + t->infrastructure + t->unasked > 0 ? CONCLUSION_ACTION_REQUIRED
	                    : t->cancelled > 0                                ? CONCLUSION_CANCELLED
	                    : t->unsupported > 0                              ? CONCLUSION_NEUTRAL
	                                                                      : CONCLUSION_SUCCESS;

	if (*note != '\0')
		return completed(c, with_note(m, note));
	return completed(c, t->targets > 0 ? with_note(m, "all built") : verdict_numbers(m));
}

static struct check
rebuilds_compared(struct model *m)
{
	const struct tally *t = &m->tally;
	bool nothing = m->targets.n == 0 && t->targets == 0;

	if (m->facts.failure != NULL)
		return completed(CONCLUSION_ACTION_REQUIRED, with_note(m, "not built: our machinery failed"));
	if (m->job->wide)
		return completed(CONCLUSION_ACTION_REQUIRED, with_note(m, "too many to build unasked"));
	if (m->job->waiting)
		return completed(CONCLUSION_ACTION_REQUIRED, with_note(m, "waiting for approval to build"));
	if (m->job->phase == PHASE_DONE || nothing) {
		if (t->targets == 0 && !nothing)
			return completed(CONCLUSION_NEUTRAL, with_note(m, "not built"));
		return rebuilds_built(m);
	}
	if (t->total == 0)
		return (struct check){"queued", CONCLUSION_NONE, with_note(m, "waiting to be built")};
	const char *note =
	    arena_printf(&m->a, "building, %s of %s", words_number(&m->a, t->ended), words_number(&m->a, t->total));
	if (t->newly + t->newly_blocked > 0)
		note = arena_printf(&m->a, "%s, %s newly failing", note, words_number(&m->a, t->newly + t->newly_blocked));
	return (struct check){"in_progress", CONCLUSION_NONE, with_note(m, note)};
}

static struct check
rebuilds_check(struct model *m)
{
	switch (m->outcome) {
	case OUTCOME_RUNNING: return (struct check){"queued", CONCLUSION_NONE, "waiting for the evaluation"};
	case OUTCOME_SKIPPED: return completed(CONCLUSION_SUCCESS, "no rebuilds expected");
	case OUTCOME_INCOMPLETE:
		if (m->incomplete != INCOMPLETE_HEAD)
			return completed(CONCLUSION_NEUTRAL, "not known: nothing could be compared");
		return completed(CONCLUSION_CANCELLED, m->dead != NULL ? arena_printf(&m->a, "not known: %s", m->dead)
		                                                       : "not known: the evaluation did not complete");
	case OUTCOME_FAILED: return completed(CONCLUSION_CANCELLED, "not known: the evaluation did not complete");
	case OUTCOME_NOTHING:
		return completed(CONCLUSION_NEUTRAL,
		    m->n_unsaid == 0 ? "nothing to compare" : "not known: nothing was evaluated");
	case OUTCOME_COMPARED: return rebuilds_compared(m);
	case OUTCOME_SUPERSEDED: return completed(CONCLUSION_CANCELLED, "superseded by a newer push");
	case OUTCOME_CANCELLED: return completed(CONCLUSION_CANCELLED, "cancelled");
	case OUTCOME_HELD: return completed(CONCLUSION_ACTION_REQUIRED, "waiting for approval to evaluate");
	case OUTCOME_UNWANTED: return unwanted(m);
	}
	return (struct check){0};
}

static const struct untold_changes *
untold_changes(const struct model *m)
{
	static const struct untold_changes none = {0};

	return m->facts.plan != NULL && m->facts.plan->untold != NULL ? m->facts.plan->untold : &none;
}

/* Changes that no evaluation shows (changeset/untold.h), for a title; NULL when there are none. */
static const char *
untold_words(struct model *m)
{
	const struct untold_changes *untold = untold_changes(m);
	const struct untold_paths *which = untold->submodules != NULL ? untold->submodules : untold->unnamed;

	if (which == NULL)
		return NULL;
	const char *what = words_count(&m->a, which->count, "submodule", "submodules");
	if (untold->submodules == NULL)
		return arena_printf(&m->a, "cannot be told: %s changed that .gitmodules does not name", what);
	return arena_printf(&m->a, "cannot be told: %s changed, and %s none", what,
	    words_count(&m->a, (int64_t)which->jobs.n, "job takes", "jobs take"));
}

/* What is built is built of the pointer, if it needs the file at all. */
static const char *
pointer_words(struct model *m)
{
	const struct untold_paths *lfs = untold_changes(m)->lfs;

	if (lfs == NULL || m->tally.targets == 0)
		return NULL;
	return arena_printf(&m->a, "with %s of Git LFS in place of the content",
	    words_count(&m->a, lfs->count, "changed pointer", "changed pointers"));
}

/* What this change would do to every later evaluation, with the line of ".ekaci/config.json:LINE:COLUMN: ..."; NULL: nothing. */
static const char *
mistake_words(struct model *m)
{
	const struct config_edit *edit = m->facts.plan != NULL ? m->facts.plan->config_edit : NULL;
	struct str rest = str_of(edit != NULL ? edit->error : NULL), line;
	int64_t number;
	bool told = m->outcome == OUTCOME_COMPARED || m->outcome == OUTCOME_NOTHING || m->outcome == OUTCOME_INCOMPLETE ||
	            m->outcome == OUTCOME_SKIPPED;

	if (!told || edit == NULL || edit->valid)
		return NULL;
	(void)str_cut(rest, ':', &rest);
	line = str_cut(rest, ':', &rest);
	if (str_to_i64(line, &number) != 0 || number < 1)
		return ".ekaci/config.json has a mistake";
	return arena_printf(&m->a, ".ekaci/config.json has a mistake in line %lld", (long long)number);
}

/* Nothing is green of which something could not be told. */
static void
temper(struct model *m, struct check *c, const char *words)
{
	if (words == NULL || m->outcome != OUTCOME_COMPARED ||
	    (c->conclusion != CONCLUSION_SUCCESS && c->conclusion != CONCLUSION_NEUTRAL))
		return;
	c->conclusion = CONCLUSION_NEUTRAL;
	c->title = strcmp(c->title, "no rebuilds") == 0 ? words : arena_printf(&m->a, "%s - %s", c->title, words);
}

/* Attributes that could not be told: said behind every title, and nothing is green beside them. */
static void
temper_partial(struct model *m, struct check *c)
{
	if (m->outcome != OUTCOME_COMPARED || m->untold == 0)
		return;
	if (c->conclusion == CONCLUSION_SUCCESS)
		c->conclusion = CONCLUSION_NEUTRAL;
	c->title = with_untold(m, c->title);
}

static int
exit_code(const struct model *m, const struct verdict *v)
{
	const struct tally *t = &m->tally;

	if (v->mistake || (m->outcome == OUTCOME_INCOMPLETE && m->incomplete == INCOMPLETE_HEAD))
		return 1;
	if (m->outcome != OUTCOME_COMPARED)
		return m->outcome == OUTCOME_SKIPPED || (m->outcome == OUTCOME_NOTHING && m->n_unsaid == 0) ? 0 : 2;
	if (v->conclusion == CONCLUSION_FAILURE || m->total.of[CLASS_NEWLY_FAILING] + m->total.of[CLASS_ADDED_FAILING] > 0)
		return 1;
	return t->unknown + t->infrastructure + t->cancelled > 0 || m->facts.failure != NULL || v->untold ? 2 : 0;
}

/* Errors that were there before hide what changed below them; said where nothing worse is. */
static const char *
with_failing(struct model *m, const char *title)
{
	int64_t n = m->total.of[CLASS_STILL_FAILING];

	if (n == 0 || m->total.of[CLASS_NEWLY_FAILING] + m->total.of[CLASS_ADDED_FAILING] > 0)
		return title;
	return arena_printf(&m->a, "%s - %s still failing", title, words_count(&m->a, n, "evaluation", "evaluations"));
}

static const char *
whole_title(struct model *m, const struct verdict *v)
{
	int64_t newly = m->total.of[CLASS_NEWLY_FAILING], new = m->total.of[CLASS_ADDED_FAILING];
	const char *title = v->rebuilds.title;

	if (m->outcome != OUTCOME_COMPARED)
		return v->evaluation.title;
	if (newly > 0)
		title = arena_printf(&m->a, "%s - %s to evaluate", title,
		    words_count(&m->a, newly, "attribute newly fails", "attributes newly fail"));
	if (new > 0)
		title = arena_printf(&m->a, "%s - %s to evaluate", title,
		    words_count(&m->a, new, "attribute is new and fails", "attributes are new and fail"));
	return with_empty(m, with_failing(m, title));
}

/* What a reader wants to know first, in a sentence. */
static const char *
headline(struct model *m, const struct verdict *v)
{
	const struct tally *t = &m->tally;
	int64_t builds = t->newly + t->newly_blocked, errors = m->total.of[CLASS_NEWLY_FAILING];
	int64_t unsure = t->unknown + t->infrastructure + t->cancelled;
	int64_t new = m->total.of[CLASS_ADDED_FAILING];
	const char *b = words_count(&m->a, builds, "build", "builds");
	const char *n = words_count(&m->a, errors, "evaluation", "evaluations");
	const char *adds = words_count(&m->a, new, "attribute that fails to evaluate", "attributes that fail to evaluate");

	if (m->outcome != OUTCOME_COMPARED)
		return v->evaluation.title;
	if (builds > 0 || errors > 0)
		return arena_printf(&m->a, "This change breaks %s%s%s%s%s", builds > 0 ? b : n,
		    builds > 0 && errors > 0 ? " and " : "", builds > 0 && errors > 0 ? n : "", new > 0 ? ", and adds " : "",
		    new > 0 ? adds : "");
	if (new > 0)
		return arena_printf(&m->a, "This change adds %s", adds);
	if (unsure > 0 && m->job->phase == PHASE_DONE)
		return arena_printf(&m->a, "%s - %s without a result", verdict_numbers(m),
		    words_count(&m->a, unsure, "build", "builds"));
	return with_empty(m, with_failing(m, v->rebuilds.title));
}

static const char *
capital(struct model *m, const char *s)
{
	char *ret = arena_strdup(&m->a, s);

	if (ret[0] >= 'a' && ret[0] <= 'z')
		ret[0] = (char)(ret[0] - 'a' + 'A');
	return ret;
}

void
verdict_of(struct model *m, struct verdict *ret)
{
	const char *untold = untold_words(m), *pointer = pointer_words(m), *mistake = mistake_words(m);

	*ret = (struct verdict){.evaluation = evaluation_check(m), .rebuilds = rebuilds_check(m)};
	ret->untold = untold != NULL || pointer != NULL || m->untold > 0;
	temper(m, &ret->evaluation, untold);
	temper(m, &ret->rebuilds, untold != NULL ? untold : pointer);
	ret->mistake = mistake != NULL;
	const char *title = whole_title(m, ret), *sentence = headline(m, ret);
	if (m->outcome == OUTCOME_COMPARED) {
		title = with_untold(m, title);
		sentence = with_untold(m, sentence);
	}
	temper_partial(m, &ret->evaluation);
	temper_partial(m, &ret->rebuilds);
	if (mistake != NULL) {
		ret->evaluation = completed(CONCLUSION_FAILURE, arena_printf(&m->a, "%s - %s", mistake, ret->evaluation.title));
		title = arena_printf(&m->a, "%s - %s", mistake, title);
		sentence = arena_printf(&m->a, "%s - %s", mistake, sentence);
	}
	ret->conclusion =
	    ret->evaluation.conclusion > ret->rebuilds.conclusion ? ret->evaluation.conclusion : ret->rebuilds.conclusion;
	/* As long as one is open nothing is concluded, unless it can only get worse. */
	bool open = ret->evaluation.conclusion == CONCLUSION_NONE || ret->rebuilds.conclusion == CONCLUSION_NONE;
	if (open && ret->conclusion != CONCLUSION_FAILURE)
		ret->conclusion = CONCLUSION_NONE;
	ret->title = title;
	ret->headline = capital(m, sentence);
	ret->exit = exit_code(m, ret);
}
