/* failures.json. */
#include "report/failing.h"

#include "records/page_told.h"
#include "report/position.h"
#include "report/words.h"
#include "support/base/map.h"
#include "support/text/escape.h"

#include <string.h>

enum { MAX_LISTED = 1000, MAX_WITH_LINES = 100, MAX_LINES = 30, MAX_WORDS = 4000 };

struct collecting {
	struct model *m;
	struct failures_list list;
	int64_t left_out, with_lines;
	struct map seen; /* causes: derivation -> place in the list */
};

static struct failure_told *
add(struct collecting *c, struct failure_told one, const char *lines)
{
	if (c->list.n == MAX_LISTED) {
		c->left_out++;
		return NULL;
	}
	if (lines != NULL && *lines != '\0' && c->with_lines++ < MAX_WITH_LINES)
		one.lines = fields_clean(&c->m->a, str_of(lines));
	c->list.p[c->list.n] = one;
	return &c->list.p[c->list.n++];
}

static void
add_errors(struct collecting *c, enum attr_class class, const char *blame)
{
	struct model *m = c->m;

	for (size_t i = 0; i < m->n_attrs; i++) {
		const struct changed_attr *at = &m->attrs[i];
		if (at->class != class || at->alias)
			continue;
		const struct failure_told one = {.what = "evaluation",
		    .blame = blame,
		    .name = fields_clean(&m->a, str_of(at->name)),
		    .system = *at->system != '\0' ? at->system : NULL,
		    .job = at->job};
		bool quoted = c->with_lines < MAX_WITH_LINES;
		const char *error = quoted ? places_shorten(&m->places, model_error(at->is->head)) : NULL;
		(void)add(c, one, quoted ? words_head(&m->a, error, MAX_LINES, MAX_WORDS) : NULL);
	}
}

/* Derivations that failed by themselves, each once, with how many they took along. */
static void
add_builds(struct collecting *c, enum blame blame)
{
	struct model *m = c->m;

	for (size_t i = 0; i < m->n_attrs; i++) {
		const struct changed_attr *at = &m->attrs[i];
		bool added;
		if (at->build == NULL || at->alias || at->blame != blame)
			continue;
		const char *drv = model_cause_drv(at);
		bool own = strcmp(drv, at->drv) == 0;
		struct map_entry *seen = map_add(&c->seen, str_of(drv), &added);
		if (!added) {
			if (!own && seen->value < c->list.n)
				c->list.p[seen->value].blocked++;
			continue;
		}
		seen->value = c->list.n;
		const struct build_told *build = model_build(m, drv);
		bool told = build != NULL;
		if (!told)
			build = at->build;
		const struct failure_told one = {.what = "build",
		    .blame = blame_words[blame],
		    .name = fields_clean(&m->a, str_of(own ? at->name : model_drv_name(&m->a, drv))),
		    .system = own || build->system == NULL ? at->system : build->system,
		    .job = at->job,
		    .drv = drv,
		    .state = build_state_name((enum build_state)build->state),
		    .phase = build->phase,
		    .reason = build->reason,
		    .log = told ? build->log_url : NULL,
		    .blocked = own ? 0 : 1};
		(void)add(c, one, told && c->with_lines < MAX_WITH_LINES ? build->tail : NULL);
	}
}

/* Why nothing was compared: what the stage that failed says, or the evaluator. */
static const char *
message(struct model *m)
{
	AUTO(buf_release) struct buf plain = {0};
	const char *words = m->facts.failure != NULL ? m->facts.failure->message : NULL;

	for (size_t i = 0; words == NULL && i < m->facts.evaluations.n; i++)
		if (!m->facts.evaluations.p[i].complete)
			words = m->facts.evaluations.p[i].reason;
	if (words == NULL)
		return NULL;
	buf_init(&plain, SIZE_MAX / 4);
	escape_plain(&plain, str_of(words_head(&m->a, words, 2 * MAX_LINES, 2 * MAX_WORDS)));
	return fields_clean(&m->a, buf_get(&plain));
}

int
failures_json(struct model *m, const struct verdict *v, struct buf *out, struct err *e)
{
	struct collecting c = {.m = m};

	c.list.p = arena_alloc(&m->a, MAX_LISTED * sizeof(*c.list.p));
	add_errors(&c, CLASS_NEWLY_FAILING, blame_words[BLAME_NEWLY]);
	add_errors(&c, CLASS_ADDED_FAILING, blame_words[BLAME_NEWLY]);
	add_builds(&c, BLAME_NEWLY);
	add_builds(&c, BLAME_UNKNOWN);
	add_errors(&c, CLASS_STILL_FAILING, blame_words[BLAME_STILL]);
	add_builds(&c, BLAME_STILL);
	map_release(&c.seen);
	const struct failures_told told = {.run = m->facts.run.id,
	    .repository = m->facts.run.repo,
	    .number = m->facts.run.number,
	    .head = m->facts.run.head,
	    .verdict = conclusion_name(v->conclusion),
	    .title = v->title,
	    .message = message(m),
	    .failures = c.list,
	    .left_out = c.left_out};
	if (fields_write(&failures_told_fields, &told, out, e) != 0)
		return -1;
	buf_putc(out, '\n');
	return 0;
}
