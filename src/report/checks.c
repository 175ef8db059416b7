/* The two check runs. */
#include "report/checks.h"

#include "report/ladder.h"
#include "report/words.h"
#include "support/base/map.h"
#include "support/text/escape.h"

#include <string.h>

enum {
	MAX_MESSAGE_LINES = 25,
	MAX_MESSAGE_BYTES = 2000, /* GitHub takes 64 KB; more than a screen is in the report */
	MAX_TITLE_BYTES = 200     /* GitHub takes 255 characters */
};

/* Plain text, which is what GitHub shows of annotations: line by line, with nothing hidden. */
static const char *
plain_lines(struct arena *a, const char *s)
{
	AUTO(buf_release) struct buf b = {0};
	struct str rest = str_of(words_head(a, s, MAX_MESSAGE_LINES, MAX_MESSAGE_BYTES));

	buf_init(&b, 1 << 20);
	while (rest.n != 0) {
		escape_add(&b, ESCAPE_TERMINAL, str_cut(rest, '\n', &rest));
		buf_putc(&b, '\n');
	}
	return b.n != 0 ? str_dup(a, str_trim(buf_get(&b))) : "no reason was given";
}

struct annotations {
	struct model *m;
	struct check_run *to;
	struct map taken; /* "path:line", so that one place has one annotation */
};

static void
add_annotation(struct annotations *as, struct annotation one)
{
	one.end_line = one.start_line;
	as->to->annotations.p[as->to->annotations.n++] = one;
}

static void
annotate(struct annotations *as, const char *text, const char *level, const char *title, const char *message)
{
	struct arena *a = &as->m->a;
	const char *path;
	int64_t line;
	bool added;

	if (as->to->annotations.n >= CHECKS_MAX_ANNOTATIONS || !places_find(&as->m->places, text, &path, &line))
		return;
	map_add(&as->taken, str_of(arena_printf(a, "%s:%lld", path, (long long)line)), &added);
	if (added)
		add_annotation(as, (struct annotation){.path = path,
		                       .start_line = line,
		                       .annotation_level = level,
		                       .title = words_cut(a, escape_dup(a, ESCAPE_TERMINAL, str_of(title)), MAX_TITLE_BYTES),
		                       .message = plain_lines(a, message)});
}

/* ".ekaci/config.json:7:3: unknown key": the place is in the message, and the file in no checkout. */
static void
annotate_mistake(struct annotations *as)
{
	const struct plan *plan = as->m->facts.plan;
	const struct config_edit *edit = plan != NULL ? plan->config_edit : NULL;
	const char *error = edit != NULL && edit->error != NULL ? edit->error : "";
	struct str rest = str_of(error), path = str_cut(rest, ':', &rest), line = str_cut(rest, ':', &rest);
	int64_t number;

	if (edit == NULL || edit->valid || str_to_i64(line, &number) != 0 || number < 1)
		return;
	add_annotation(as, (struct annotation){.path = str_dup(&as->m->a, path),
	                       .start_line = number,
	                       .annotation_level = "failure",
	                       .title = "a mistake in the configuration",
	                       .message = plain_lines(&as->m->a, error)});
}

/* What evaluators say of a head that does not evaluate, though its base does. */
static void
annotate_incomplete(struct annotations *as)
{
	struct model *m = as->m;
	const char *title = m->dead != NULL ? "this does not evaluate" : "the evaluation did not complete";

	for (size_t i = 0; i < m->facts.evaluations.n; i++) {
		const struct evaluation *one = &m->facts.evaluations.p[i];
		const char *reason = words_reason(&m->a, one->reason != NULL ? one->reason : "");
		if (!one->complete && one->side == SIDE_HEAD)
			annotate(as, reason, "failure", title,
			    words_tail(&m->a, places_shorten(&m->places, reason), MAX_MESSAGE_LINES, MAX_MESSAGE_BYTES));
	}
}

static void
evaluation_annotations(struct model *m, struct check_run *to)
{
	struct annotations as = {.m = m, .to = to};

	annotate_mistake(&as);
	if (m->outcome == OUTCOME_INCOMPLETE && m->incomplete == INCOMPLETE_HEAD)
		annotate_incomplete(&as);
	for (size_t i = 0; i < m->n_attrs; i++) {
		const struct changed_attr *at = &m->attrs[i];
		const char *error = model_error(at->is->head);
		bool new = at->class == CLASS_ADDED_FAILING;
		if (at->class == CLASS_NEWLY_FAILING || new)
			annotate(&as, error, at->tolerated ? "warning" : "failure",
			    arena_printf(&m->a, new ? "%s is new and fails to evaluate" : "%s newly fails to evaluate",
			        at->name),
			    places_shorten(&m->places, error));
	}
	map_release(&as.taken);
}

static void
rebuilds_annotations(struct model *m, struct check_run *to)
{
	struct annotations as = {.m = m, .to = to};

	for (size_t i = 0; i < m->n_attrs; i++) {
		const struct changed_attr *at = &m->attrs[i];
		const struct package_meta *meta = model_meta(at->is->head);
		if (at->blame != BLAME_NEWLY || at->state == BUILD_DEPENDENCY_FAILED || meta == NULL || meta->position == NULL)
			continue;
		const char *said = at->build->tail != NULL ? at->build->tail : build_state_words(at->state);
		annotate(&as, meta->position, "failure", arena_printf(&m->a, "%s newly fails to build", at->name),
		    words_log_tail(&m->a, said, MAX_MESSAGE_LINES, MAX_MESSAGE_BYTES));
	}
	map_release(&as.taken);
}

static void
add_action(struct check_run *to, const char *label, const char *description, const char *identifier)
{
	if (to->actions.n < CHECKS_MAX_ACTIONS)
		to->actions.p[to->actions.n++] = (struct check_action){label, description, identifier};
}

static void
rebuilds_actions(const struct model *m, struct check_run *to)
{
	const struct tally *t = &m->tally;

	if (m->outcome == OUTCOME_HELD)
		add_action(to, "Approve", "Evaluate and build this change", "approve");
	if (m->outcome != OUTCOME_COMPARED)
		return;
	if (m->job->wide)
		add_action(to, "Build anyway", "Build it, though it is much", "approve");
	else if (m->job->waiting)
		add_action(to, "Approve", "Build what this change rebuilds", "approve");
	if (m->job->wide || m->job->waiting)
		return;
	if (t->newly + t->newly_blocked + t->still + t->still_blocked + t->unknown + t->infrastructure + t->cancelled > 0)
		add_action(to, "Rebuild failed", "Build again what has no good result", "rebuild-failed");
	add_action(to, "Rebuild", "Build everything again", "rebuild");
}

/* A check shows its buttons when it is concluded: the builds are cancelled beside the evaluation before them. */
static void
evaluation_actions(const struct model *m, const struct verdict *v, struct check_run *to)
{
	if (m->outcome == OUTCOME_HELD) {
		add_action(to, "Approve", "Evaluate and build this change", "approve");
		return;
	}
	if (m->outcome == OUTCOME_SUPERSEDED)
		return;
	add_action(to, "Evaluate again", "Compare head and base once more", "eval");
	if (m->job->phase == PHASE_BUILDING && v->rebuilds.conclusion == CONCLUSION_NONE)
		add_action(to, "Cancel", "Stop the builds of this pull request", "cancel");
}

/* All but annotations and actions, for which there is room. */
static int
check_record(struct model *m, const struct verdict *v, const char *name, const struct check *check, const char *part,
    struct check_run *ret, struct err *e)
{
	AUTO(buf_release) struct buf summary = {0}, text = {0};
	struct arena *a = &m->a;

	buf_init(&summary, LADDER_MAX_BYTES + 1);
	buf_init(&text, LADDER_MAX_BYTES + 1);
	if (ladder_render(m, v, arena_printf(a, "report/%s-summary.md", part), &summary, e) != 0 ||
	    ladder_render(m, v, arena_printf(a, "report/%s-text.md", part), &text, e) != 0)
		return fail_in(e, "%s", name);
	*ret = (struct check_run){.name = name,
	    .status = check->status,
	    .title = check->title,
	    .summary = str_dup(a, buf_get(&summary)),
	    .text = str_dup(a, str_trim(buf_get(&text))),
	    .conclusion = conclusion_name(check->conclusion)};
	ret->annotations.p = arena_alloc(a, (CHECKS_MAX_ANNOTATIONS + 1) * sizeof(*ret->annotations.p));
	ret->actions.p = arena_alloc(a, CHECKS_MAX_ACTIONS * sizeof(*ret->actions.p));
	return 0;
}

int
checks_evaluation(struct model *m, const struct verdict *v, struct check_run *ret, struct err *e)
{
	if (check_record(m, v, "ekaci / evaluation", &v->evaluation, "evaluation", ret, e) != 0)
		return -1;
	if (v->evaluation.conclusion != CONCLUSION_NONE) {
		evaluation_annotations(m, ret);
		evaluation_actions(m, v, ret);
	}
	return 0;
}

int
checks_rebuilds(struct model *m, const struct verdict *v, struct check_run *ret, struct err *e)
{
	if (check_record(m, v, "ekaci / rebuilds", &v->rebuilds, "rebuilds", ret, e) != 0)
		return -1;
	if (v->rebuilds.conclusion != CONCLUSION_NONE) {
		rebuilds_annotations(m, ret);
		rebuilds_actions(m, ret);
	}
	return 0;
}
