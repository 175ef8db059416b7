/* Failures: what this change broke, what nobody knows, what was broken before, what it repaired. */
#include "report/view_part.h"

#include "report/words.h"
#include "support/base/map.h"
#include "support/text/escape.h"

#include <string.h>

enum { MAX_ALIKE = 10, MAX_REASON_BYTES = 300, MIN_TOLD_MS = 50 /* "after 0.0 s" tells nobody anything */ };

/* A derivation that failed by itself, and the wanted ones it took with it. */
struct own_failure {
	const char *drv;
	const struct changed_attr *at; /* an attribute of it, or the first that it blocks */
	bool own;                      /* at is an attribute of it */
	int64_t blocked;               /* wanted derivations that did not build because of it */
};

/* The causes of failures that keep says are wanted, in the order of the attributes. Lives in the arena. */
static size_t
collect(struct model *m, bool (*keep)(const struct changed_attr *at), struct own_failure **ret)
{
	struct map seen = {0}, targets = {0};
	struct own_failure *causes;
	bool added;

	causes = arena_alloc(&m->a, (m->n_attrs + 1) * sizeof(*causes));
	for (size_t i = 0; i < m->n_attrs; i++) {
		const struct changed_attr *at = &m->attrs[i];
		if (at->build == NULL || at->alias || !keep(at))
			continue;
		const char *drv = model_cause_drv(at);
		bool own = strcmp(drv, at->drv) == 0;
		struct own_failure *c = &causes[map_add(&seen, str_of(drv), &added) - seen.p];
		if (added)
			*c = (struct own_failure){.drv = drv, .at = at, .own = own};
		else if (own && !c->own) {
			c->at = at;
			c->own = true;
		}
		map_add(&targets, str_of(at->drv), &added);
		c->blocked += added && !own;
	}
	size_t n = seen.n;
	map_release(&seen);
	map_release(&targets);
	*ret = causes;
	return n;
}

static bool
is_newly(const struct changed_attr *at)
{
	return at->blame == BLAME_NEWLY;
}
static bool
is_still(const struct changed_attr *at)
{
	return at->blame == BLAME_STILL;
}
static bool
is_unknown(const struct changed_attr *at)
{
	return at->blame == BLAME_UNKNOWN || at->state == BUILD_INFRASTRUCTURE || at->state == BUILD_CANCELLED;
}
static bool
is_unsupported(const struct changed_attr *at)
{
	return at->state == BUILD_UNSUPPORTED;
}

/* "build failed in checkPhase" */
static const char *
state_words(const struct view *v, int state, const char *phase)
{
	const char *words = build_state_words((enum build_state)state);

	return phase == NULL ? words : arena_printf(&v->m->a, "%s in %s", words, words_cut(&v->m->a, phase, 60));
}

/* It failed at the base, too, but not there or not so; NULL when it failed alike, or did not fail. */
static const char *
was_otherwise(const struct view *v, const struct build_told *build)
{
	const struct build_was *was = build->was;

	if (was == NULL || (was->state == build->state && str_same(was->phase, build->phase)))
		return NULL;
	return state_words(v, was->state, was->phase);
}

static struct values *
cause_item(const struct view *v, const struct own_failure *c)
{
	struct model *m = v->m;
	const struct build_told *build = model_build(m, c->drv);
	bool told = build != NULL;
	struct values *item = values_new(&v->m->a);

	if (build == NULL) /* the build it came from was not told: say what is known */
		build = c->at->build;
	bool no_machine = build->state == BUILD_UNSUPPORTED;
	const char *reason = build->reason, *tail = told && build->tail != NULL ? build->tail : "";
	put_code(v, item, "name", c->own ? c->at->name : model_drv_name(&m->a, c->drv));
	put_system(v, item, c->own || build->system == NULL ? c->at->system : build->system);
	values_text(item, "words",
	    no_machine && reason != NULL ? arena_printf(&m->a, "not built: %s", words_cut(&m->a, reason, MAX_REASON_BYTES))
	                                 : state_words(v, build->state, build->phase));
	if (c->own)
		put_names(v, item, "also", c->at->is->aliases, 0);
	if (c->own)
		values_text(item, "was", was_otherwise(v, build));
	/* "build failed (the builder failed)" says nothing twice. */
	if (reason != NULL && !no_machine && strcmp(reason, "the builder failed") != 0)
		values_text(item, "reason", words_cut(&m->a, reason, MAX_REASON_BYTES));
	if (c->own)
		put_page(v, item, "page", c->at);
	else if (told)
		put_drv_page(v, item, "page", c->drv);
	if (told && build->log_url != NULL)
		put_link(v, item, "log", "log", build->log_url);
	if (build->wall_ms >= MIN_TOLD_MS)
		values_text(item, "wall", words_duration(&m->a, build->wall_ms));
	if (v->limits->tail_lines > 0 && *tail != '\0')
		put_block(v, item, "tail", words_log_tail(&m->a, tail, v->limits->tail_lines, v->limits->tail_lines * 200));
	if (c->blocked > 0)
		put_number(v, item, "blocked", c->blocked);
	if (c->blocked == 1)
		values_flag(item, "blocked_one", true);
	return item;
}

static void
put_causes(const struct view *v, struct values *obj, const char *key, bool (*keep)(const struct changed_attr *at), size_t max,
    int64_t count)
{
	struct own_failure *causes;
	size_t n = collect(v->m, keep, &causes);
	struct value_list *items = value_list_new(&v->m->a);

	for (size_t i = 0; i < n && i < max; i++) {
		struct values *item = cause_item(v, &causes[i]);
		if (i == 0) /* what broke first is what people came for */
			values_flag(item, "first", true);
		value_list_group(items, item);
	}
	put_list(v, obj, key, items, n, count);
}

/* Several attributes that fail with the very same words are one item. */
struct member {
	const struct changed_attr *attr;
	struct member *next;
};
struct alike {
	struct member *first, *last;
	size_t n;
};

/* What people see as one: words and all that is said beside them. */
static const char *
alike_key(struct model *m, const struct changed_attr *at, const char *error)
{
	const char *hidden = model_attr_name(&m->a, at->is->hidden_by);

	return arena_printf(&m->a, "%s\n%d%s\n%s", at->job, at->tolerated, hidden, error);
}

/* "a, b, c and 6 more", and the same as code spans. */
static void
put_alike(const struct view *v, struct values *item, const struct alike *one)
{
	AUTO(buf_release) struct buf plain = {0}, code = {0};
	size_t max = v->limits->listed == SIZE_MAX ? SIZE_MAX : MAX_ALIKE, shown = 0;

	buf_init(&plain, SIZE_MAX / 4);
	buf_init(&code, SIZE_MAX / 4);
	for (const struct member *at = one->first; at != NULL && shown < max; at = at->next, shown++) {
		const char *name = words_cut(&v->m->a, at->attr->name, v->limits->name_bytes);
		buf_printf(&plain, "%s%s", shown > 0 ? ", " : "", name);
		buf_puts(&code, shown > 0 ? ", " : "");
		escape_code(&code, str_of(name));
	}
	if (shown < one->n) {
		const char *more = words_number(&v->m->a, (int64_t)(one->n - shown));
		buf_printf(&plain, " and %s more", more);
		buf_printf(&code, " and %s more", more);
	}
	values_text(item, "alike", words_count(&v->m->a, (int64_t)one->n, "attribute", "attributes"));
	values_text(item, "name", str_dup(&v->m->a, buf_get(&plain)));
	values_text(item, "name_md", str_dup(&v->m->a, buf_get(&code)));
}

static struct values *
error_item(const struct view *v, const struct alike *one, enum side side)
{
	struct model *m = v->m;
	const struct changed_attr *at = one->first->attr;
	const char *error = model_error(side == SIDE_BASE ? at->is->base : at->is->head);
	struct values *item = values_new(&v->m->a);

	if (one->n == 1) {
		put_page(v, item, "page", at);
		put_code(v, item, "name", at->name);
		put_system(v, item, at->system);
		put_names(v, item, "also", at->is->aliases, 0);
	} else {
		put_alike(v, item, one);
	}
	if (m->many_jobs)
		put_code(v, item, "job", at->job);
	if (at->is->hidden_by.p != NULL)
		put_code(v, item, "hidden_by", model_attr_name(&m->a, at->is->hidden_by));
	if (*error != '\0' && v->limits->error_bytes > 0)
		put_block(v, item, "error", words_head(&m->a, places_shorten(&m->places, error), 20, v->limits->error_bytes));
	if (side == SIDE_BASE)
		values_flag(item, "was", true);
	if (at->tolerated)
		values_flag(item, "tolerated", true);
	return item;
}

static void
put_errors(const struct view *v, struct values *obj, const char *key, enum attr_class class, enum side side, size_t max)
{
	struct model *m = v->m;
	struct value_list *items = value_list_new(&v->m->a);
	struct map seen = {0};
	struct alike *all = arena_alloc(&m->a, (m->n_attrs + 1) * sizeof(*all));
	size_t unseen = 0;
	bool added;

	for (size_t i = 0; i < m->n_attrs; i++) {
		const struct changed_attr *at = &m->attrs[i];
		const char *error = model_error(side == SIDE_BASE ? at->is->base : at->is->head);
		if (at->class != class || at->alias)
			continue;
		/* Where no words are shown, there is nothing to say once. */
		bool alike = *error != '\0' && v->limits->error_bytes > 0;
		const char *as = alike ? alike_key(m, at, error) : arena_printf(&m->a, "%zu", i);
		struct alike *one = &all[map_add(&seen, str_of(as), &added) - seen.p];
		if (added)
			*one = (struct alike){0};
		struct member *member = arena_alloc(&m->a, sizeof(*member));
		*member = (struct member){.attr = at};
		if (one->n++ == 0)
			one->first = member;
		else
			one->last->next = member;
		one->last = member;
	}
	for (size_t i = 0; i < seen.n; i++) {
		if (i < max)
			value_list_group(items, error_item(v, &all[i], side));
		else
			unseen += all[i].n;
	}
	put_list(v, obj, key, items, items->n + unseen, m->total.of[class]);
	map_release(&seen);
}

/* Built now, and known to fail at the base: how; else NULL. */
static const char *
repaired_words(const struct view *v, const struct changed_attr *at)
{
	const struct build_was *was = at->build->was;

	return build_state_is_good(at->state) && was != NULL ? state_words(v, was->state, was->phase) : NULL;
}

/* Built, and yet not to be trusted: why; else NULL. */
static const char *
doubt_words(const struct view *v, const struct changed_attr *at)
{
	(void)v;
	if (at->build->deterministic == 0)
		return "not deterministic: built once more, it came out differently";
	return at->build->flaky ? "perhaps flaky: it failed before, and was built now without a change" : NULL;
}

/* The wanted derivations of which words has something to say, each once. */
static void
put_remarks(const struct view *v, struct values *obj, const char *key, size_t max,
    const char *(*words)(const struct view *v, const struct changed_attr *at))
{
	struct map seen = {0};
	struct value_list *items = value_list_new(&v->m->a);
	size_t total = 0;

	for (size_t i = 0; i < v->m->n_attrs; i++) {
		const struct changed_attr *at = &v->m->attrs[i];
		const char *remark = at->alias || at->build == NULL ? NULL : words(v, at);
		bool added = false;
		if (remark != NULL)
			map_add(&seen, str_of(at->drv), &added);
		if (!added || total++ >= max)
			continue;
		struct values *item = values_new(&v->m->a);
		put_code(v, item, "name", at->name);
		put_system(v, item, at->system);
		put_names(v, item, "also", at->is->aliases, 0);
		values_text(item, "words", remark);
		if (at->build->log_url != NULL)
			put_link(v, item, "log", "log", at->build->log_url);
		value_list_group(items, item);
	}
	map_release(&seen);
	put_list(v, obj, key, items, total, (int64_t)total);
}

/* What holds builds back just now, each reason once with how many wait for it. */
static void
put_held_back(const struct view *v, struct values *obj, size_t max)
{
	struct map reasons = {0};
	struct value_list *items = value_list_new(&v->m->a);

	for (size_t i = 0; i < v->m->facts.builds.n; i++) {
		const struct build_told *build = &v->m->facts.builds.p[i].told;
		if (build->state == BUILD_QUEUED && build->reason != NULL)
			map_add(&reasons, str_of(build->reason), NULL)->value++;
	}
	for (size_t i = 0; i < reasons.n && i < max; i++) {
		struct values *item = values_new(&v->m->a);
		values_text(item, "words", words_cut(&v->m->a, str_dup(&v->m->a, reasons.p[i].key), MAX_REASON_BYTES));
		values_text(item, "builds", words_count(&v->m->a, (int64_t)reasons.p[i].value, "build", "builds"));
		value_list_group(items, item);
	}
	put_list(v, obj, "held_back", items, reasons.n, (int64_t)reasons.n);
	map_release(&reasons);
}

void
view_failures(const struct view *v, struct values *obj)
{
	const struct limits *l = v->limits;
	const struct tally *t = &v->m->tally;
	struct view brief = *v;
	struct limits no_texts = *l;

	no_texts.tail_lines = l->listed == SIZE_MAX ? l->tail_lines : 0; /* what was there before is named, not quoted */
	no_texts.error_bytes = 0;                                        /* nor is it in the whole: report.json has the words */
	brief.limits = &no_texts;
	put_causes(v, obj, "broke", is_newly, l->failures, t->newly + t->newly_blocked);
	put_causes(v, obj, "unsure", is_unknown, l->failures, t->unknown + t->infrastructure + t->cancelled);
	put_remarks(v, obj, "doubts", l->failures, doubt_words);
	put_remarks(v, obj, "repaired", l->folded, repaired_words);
	put_held_back(v, obj, 5);
	put_causes(&brief, obj, "still_broken", is_still, l->folded, t->still + t->still_blocked);
	put_causes(&brief, obj, "unsupported", is_unsupported, l->folded, t->unsupported);
	put_errors(v, obj, "newly_failing", CLASS_NEWLY_FAILING, SIDE_HEAD, l->failures);
	put_errors(v, obj, "added_failing", CLASS_ADDED_FAILING, SIDE_HEAD, l->failures);
	put_errors(&brief, obj, "removed_failing", CLASS_REMOVED_FAILING, SIDE_BASE, l->folded);
	put_errors(&brief, obj, "fixed", CLASS_FIXED, SIDE_BASE, l->folded);
	put_errors(&brief, obj, "not_told", CLASS_UNTOLD, SIDE_HEAD, l->folded);
	put_errors(&brief, obj, "still_failing", CLASS_STILL_FAILING, SIDE_HEAD, l->folded);
	if (v->m->tally.targets > 0 && v->m->job->phase == PHASE_DONE)
		put_done(v, obj, "built", t->built + t->cached, "targets", t->targets);
}
