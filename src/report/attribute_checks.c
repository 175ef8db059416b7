/* One check an attribute. */
#include "report/attribute_checks.h"

#include "report/how.h"
#include "report/words.h"
#include "support/base/map.h"
#include "support/text/escape.h"

enum { MAX_NAME_BYTES = 80, MAX_SYSTEM_BYTES = 40, MAX_LINES = 25, MAX_TAIL_BYTES = 4000 };

static bool
has_one(const struct changed_attr *at)
{
	return at->build != NULL && !at->alias;
}

static int64_t
count(const struct model *m)
{
	int64_t n = 0;

	for (size_t i = 0; i < m->n_attrs; i++)
		n += has_one(&m->attrs[i]);
	return n;
}

/* How many there are to be; 0: none. */
static int64_t
shown(const struct model *m)
{
	int64_t limit = how_attribute_checks(m), n;

	if (limit == 0 || m->outcome != OUTCOME_COMPARED || m->job->waiting || m->job->wide)
		return 0;
	n = count(m);
	return n <= limit && n <= m->job->settings.attribute_room ? n : 0;
}

const char *
attribute_checks_missing(struct model *m)
{
	int64_t limit = how_attribute_checks(m), n;

	if (limit == 0 || m->outcome != OUTCOME_COMPARED || m->job->waiting || m->job->wide)
		return NULL;
	n = count(m);
	if (n > limit)
		return arena_printf(&m->a, "Attributes have no check of their own: %s are built, and at most %s have one.",
		    words_number(&m->a, n), words_number(&m->a, limit));
	return n > m->job->settings.attribute_room
	           ? "Attributes have no check of their own: what may be written in an hour is nearly used up."
	           : NULL;
}

static enum conclusion
conclusion_of(const struct model *m, const struct changed_attr *at)
{
	bool over = m->job->phase == PHASE_DONE;

	if (build_state_is_good(at->state))
		return CONCLUSION_SUCCESS;
	if (at->blame == BLAME_NEWLY)
		return CONCLUSION_FAILURE;
	if (!over)
		return CONCLUSION_NONE;
	if (at->blame == BLAME_STILL || at->state == BUILD_UNSUPPORTED)
		return CONCLUSION_NEUTRAL;
	return at->state == BUILD_CANCELLED ? CONCLUSION_CANCELLED : CONCLUSION_ACTION_REQUIRED;
}

static const char *
title_of(struct model *m, const struct changed_attr *at, enum conclusion c)
{
	const char *words = build_state_words(at->state);

	if (c == CONCLUSION_NONE)
		return "not finished yet";
	if (at->blame == BLAME_NEWLY)
		return arena_printf(&m->a, "newly failing: %s", words);
	if (at->blame == BLAME_STILL)
		return arena_printf(&m->a, "failing as on the base: %s", words);
	if (at->blame == BLAME_UNKNOWN)
		return arena_printf(&m->a, "%s, and it is not known whether the base fails, too", words);
	return build_state_has_ended(at->state) ? words : "not built: our machinery failed";
}

/* "ekaci / python3Packages.numpy (x86_64-linux)": the name of no other check, whatever an attribute is called, since those of the whole have no
 * parentheses. */
static const char *
name_of(struct model *m, const struct changed_attr *at, struct map *taken)
{
	struct arena *a = &m->a;
	const char *attr = at->name, *system = *at->system != '\0' ? at->system : "no system", *ret;
	bool added;

	if (m->many_jobs)
		attr = arena_printf(a, "%s: %s", at->job, attr);
	attr = words_cut(a, escape_dup(a, ESCAPE_TERMINAL, str_of(attr)), MAX_NAME_BYTES);
	system = words_cut(a, escape_dup(a, ESCAPE_TERMINAL, str_of(system)), MAX_SYSTEM_BYTES);
	ret = arena_printf(a, "ekaci / %s (%s)", attr, system);
	map_add(taken, str_of(ret), &added);
	for (int n = 2; !added; n++) {
		ret = arena_printf(a, "ekaci / %s, %d (%s)", attr, n, system);
		map_add(taken, str_of(ret), &added);
	}
	return ret;
}

static const char *
summary_of(struct model *m, const struct changed_attr *at, const char *title)
{
	AUTO(buf_release) struct buf out;

	buf_init(&out, 1 << 20);
	escape_code(&out, str_of(words_cut(&m->a, at->name, 1000)));
	if (m->many_jobs) {
		buf_puts(&out, " of ");
		escape_code(&out, str_of(at->job));
	}
	buf_printf(&out, ": %s.\n", title);
	if (at->build->propagated_from != NULL) {
		buf_puts(&out, "\nThe build that failed is that of ");
		escape_code(&out, str_of(model_drv_name(&m->a, at->build->propagated_from)));
		buf_puts(&out, ".\n");
	}
	if (at->build->log_url != NULL && escape_link_ok(str_of(at->build->log_url)))
		buf_printf(&out, "\n[Log](%s)\n", at->build->log_url);
	return str_dup(&m->a, buf_get(&out));
}

static const char *
text_of(struct model *m, const struct changed_attr *at)
{
	AUTO(buf_release) struct buf out;

	if (!build_state_has_failed(at->state) || at->build->tail == NULL)
		return NULL;
	buf_init(&out, 1 << 20);
	escape_block(&out, str_of(words_log_tail(&m->a, at->build->tail, MAX_LINES, MAX_TAIL_BYTES)), "");
	return str_dup(&m->a, buf_get(&out));
}

static struct check_run
check_of(struct model *m, const struct changed_attr *at, struct map *taken)
{
	enum conclusion c = conclusion_of(m, at);
	const char *title = title_of(m, at, c);

	return (struct check_run){.name = name_of(m, at, taken),
	    .status = c != CONCLUSION_NONE ? "completed" : "in_progress",
	    .title = title,
	    .summary = summary_of(m, at, title),
	    .text = c != CONCLUSION_NONE ? text_of(m, at) : NULL,
	    .drv = at->drv,
	    .conclusion = conclusion_name(c)};
}

void
attribute_checks_of(struct model *m, struct attribute_checks *ret)
{
	int64_t n = shown(m);
	struct map taken = {0};

	*ret = (struct attribute_checks){arena_alloc(&m->a, (size_t)(n + 1) * sizeof(*ret->p)), 0};
	for (size_t i = 0; i < m->n_attrs && n > 0; i++)
		if (has_one(&m->attrs[i]))
			ret->p[ret->n++] = check_of(m, &m->attrs[i], &taken);
	map_release(&taken);
}
