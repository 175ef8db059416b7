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
	json_t *list;
	struct map taken; /* "path:line", so that one place has one annotation */
};

static void
annotate(struct annotations *as, const char *text, const char *level, const char *title, const char *message)
{
	struct arena *a = &as->m->a;
	const char *path;
	int64_t line;
	bool added;

	if (json_array_size(as->list) >= CHECKS_MAX_ANNOTATIONS || !places_find(&as->m->places, text, &path, &line))
		return;
	map_add(&as->taken, str_of(arena_printf(a, "%s:%lld", path, (long long)line)), &added);
	if (!added)
		return;
	json_array_append_new(as->list,
	    json_pack("{s:s,s:I,s:I,s:s,s:o,s:o}", "path", path, "start_line", (json_int_t)line, "end_line", (json_int_t)line,
	        "annotation_level", level, "title",
	        json_any_string(str_of(words_cut(a, escape_dup(a, ESCAPE_TERMINAL, str_of(title)), MAX_TITLE_BYTES))),
	        "message", json_any_string(str_of(plain_lines(a, message)))));
}

static struct annotations
annotations_begin(struct model *m)
{
	return (struct annotations){.m = m, .list = json_array()};
}

static json_t *
annotations_end(struct annotations *as)
{
	map_release(&as->taken);
	return as->list;
}

/* ".ekaci/config.json:7:3: unknown key": the place is in the message, and the file in no checkout. */
static void
annotate_mistake(struct annotations *as)
{
	const char *error = json_str_at(as->m->plan, "config_edit.error", "");
	struct str rest = str_of(error), path = str_cut(rest, ':', &rest), line = str_cut(rest, ':', &rest);
	int64_t number;

	if (json_flag(json_object_get(as->m->plan, "config_edit"), "valid", true) || str_to_i64(line, &number) != 0 ||
	    number < 1)
		return;
	json_array_append_new(as->list,
	    json_pack("{s:o,s:I,s:I,s:s,s:s,s:o}", "path", json_any_string(path), "start_line", (json_int_t)number, "end_line",
	        (json_int_t)number, "annotation_level", "failure", "title", "a mistake in the configuration", "message",
	        json_any_string(str_of(plain_lines(&as->m->a, error)))));
}

static json_t *
evaluation_annotations(struct model *m)
{
	struct annotations as = annotations_begin(m);

	annotate_mistake(&as);

	bool blamed = m->outcome == OUTCOME_INCOMPLETE && m->incomplete == INCOMPLETE_HEAD;
	for (size_t i = 0; blamed && i < json_array_size(m->evaluations); i++) {
		const json_t *j = json_array_get(m->evaluations, i);
		const char *reason = words_reason(&m->a, json_str(j, "reason", ""));
		if (!json_flag(j, "complete", false) && strcmp(json_str(j, "side", ""), "head") == 0)
			annotate(&as, reason, "failure",
			    m->dead != NULL ? "this does not evaluate" : "the evaluation did not complete",
			    words_tail(&m->a, places_shorten(&m->places, reason), MAX_MESSAGE_LINES, MAX_MESSAGE_BYTES));
	}
	for (size_t i = 0; i < m->n_attrs; i++) {
		const struct attr *at = &m->attrs[i];
		const char *error = json_str(json_object_get(at->json, "head"), "error", "");
		bool new = at->change == CHANGE_ADDED_FAILING;
		if (at->change == CHANGE_NEWLY_FAILING || new)
			annotate(&as, error, at->tolerated ? "warning" : "failure",
			    arena_printf(&m->a, new ? "%s is new and fails to evaluate" : "%s newly fails to evaluate",
			        at->name),
			    places_shorten(&m->places, error));
	}
	return annotations_end(&as);
}

static json_t *
rebuilds_annotations(struct model *m)
{
	struct annotations as = annotations_begin(m);

	for (size_t i = 0; i < m->n_attrs; i++) {
		const struct attr *at = &m->attrs[i];
		const char *place = json_str_at(at->json, "head.meta.position", "");
		if (at->blame == BLAME_NEWLY && at->state != BUILD_DEPENDENCY_FAILED)
			annotate(&as, place, "failure", arena_printf(&m->a, "%s newly fails to build", at->name),
			    words_log_tail(&m->a, json_str(at->build, "tail", build_state_words(at->state)), MAX_MESSAGE_LINES,
			        MAX_MESSAGE_BYTES));
	}
	return annotations_end(&as);
}

static void
add_action(json_t *actions, const char *label, const char *description, const char *identifier)
{
	if (json_array_size(actions) < CHECKS_MAX_ACTIONS)
		json_array_append_new(actions,
		    json_pack("{s:s,s:s,s:s}", "label", label, "description", description, "identifier", identifier));
}

static json_t *
rebuilds_actions(const struct model *m)
{
	const struct tally *t = &m->tally;
	json_t *actions = json_array();

	if (m->outcome != OUTCOME_COMPARED)
		return actions;
	if (m->wide || m->waiting) {
		add_action(actions, "Approve builds", "Build what this change rebuilds", "approve");
		return actions;
	}
	if (t->newly + t->newly_blocked + t->still + t->still_blocked + t->unknown + t->infrastructure + t->cancelled > 0)
		add_action(actions, "Rebuild failed", "Build again what has no good result", "rebuild-failed");
	add_action(actions, "Rebuild", "Build everything again", "rebuild");
	return actions;
}

static json_t *
evaluation_actions(const struct model *m)
{
	json_t *actions = json_array();

	if (m->outcome == OUTCOME_HELD)
		add_action(actions, "Approve", "Evaluate and build this change", "approve");
	else if (m->outcome != OUTCOME_SUPERSEDED)
		add_action(actions, "Evaluate again", "Compare head and base once more", "eval");
	return actions;
}

static int
check_record(struct model *m, const struct verdict *v, const char *name, const struct check *check, const char *part,
    json_t **ret, struct err *e)
{
	AUTO(buf_release) struct buf summary = {0}, text = {0};

	buf_init(&summary, LADDER_MAX_BYTES + 1);
	buf_init(&text, LADDER_MAX_BYTES + 1);
	if (ladder_render(m, v, arena_printf(&m->a, "report/%s-summary.md", part), &summary, e) != 0 ||
	    ladder_render(m, v, arena_printf(&m->a, "report/%s-text.md", part), &text, e) != 0)
		return fail_in(e, "%s", name);
	json_t *rec =
	    json_pack("{s:s,s:s,s:s,s:s,s:o,s:o}", "type", "check_run", "name", name, "status", check->status, "title",
	        check->title, "summary", json_any_string(buf_get(&summary)), "text", json_any_string(str_trim(buf_get(&text))));
	if (check->conclusion != CONCLUSION_NONE)
		json_object_set_new(rec, "conclusion", json_string(conclusion_name(check->conclusion)));
	*ret = rec;
	return 0;
}

int
checks_evaluation(struct model *m, const struct verdict *v, json_t **ret, struct err *e)
{
	bool completed = v->evaluation.conclusion != CONCLUSION_NONE;

	if (check_record(m, v, "ekaci / evaluation", &v->evaluation, "evaluation", ret, e) != 0)
		return -1;
	json_object_set_new(*ret, "annotations", completed ? evaluation_annotations(m) : json_array());
	json_object_set_new(*ret, "actions", completed ? evaluation_actions(m) : json_array());
	return 0;
}

int
checks_rebuilds(struct model *m, const struct verdict *v, json_t **ret, struct err *e)
{
	bool completed = v->rebuilds.conclusion != CONCLUSION_NONE;

	if (check_record(m, v, "ekaci / rebuilds", &v->rebuilds, "rebuilds", ret, e) != 0)
		return -1;
	json_object_set_new(*ret, "annotations", completed ? rebuilds_annotations(m) : json_array());
	json_object_set_new(*ret, "actions", completed ? rebuilds_actions(m) : json_array());
	return 0;
}
