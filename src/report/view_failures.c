/* Failures: what this change broke, what nobody knows, what was broken before, what it repaired. */
#include "report/view_part.h"

#include "report/words.h"
#include "support/base/map.h"
#include "support/text/escape.h"

#include <string.h>

enum { MAX_ALIKE = 10, MAX_REASON_BYTES = 300, MIN_TOLD_MS = 50 /* "after 0.0 s" tells nobody anything */ };

/* A derivation that failed by itself, and the wanted ones it took with it. */
struct cause {
	const char *drv;
	const struct attr *at; /* an attribute of it, or the first that it blocks */
	bool own;              /* at is an attribute of it */
	int64_t blocked;       /* wanted derivations that did not build because of it */
};

/* The causes of failures that keep says are wanted, in the order of the attributes. Lives in the arena. */
static size_t
collect(struct model *m, bool (*keep)(const struct attr *at), struct cause **ret)
{
	struct map seen = {0}, targets = {0};
	struct cause *causes;
	bool added;

	causes = arena_alloc(&m->a, (m->n_attrs + 1) * sizeof(*causes));
	for (size_t i = 0; i < m->n_attrs; i++) {
		const struct attr *at = &m->attrs[i];
		if (at->build == NULL || at->alias || !keep(at))
			continue;
		const char *drv = model_cause_drv(at);
		bool own = strcmp(drv, at->drv) == 0;
		struct cause *c = &causes[map_add(&seen, str_of(drv), &added) - seen.p];
		if (added)
			*c = (struct cause){.drv = drv, .at = at, .own = own};
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
is_newly(const struct attr *at)
{
	return at->blame == BLAME_NEWLY;
}
static bool
is_still(const struct attr *at)
{
	return at->blame == BLAME_STILL;
}
static bool
is_unknown(const struct attr *at)
{
	return at->blame == BLAME_UNKNOWN || at->state == BUILD_INFRASTRUCTURE || at->state == BUILD_CANCELLED;
}
static bool
is_unsupported(const struct attr *at)
{
	return at->state == BUILD_UNSUPPORTED;
}

/* "build failed in checkPhase" */
static const char *
state_words(const struct view *v, const json_t *build)
{
	const char *phase = json_str(build, "phase", NULL), *name = json_str(build, "state", "");
	enum build_state state = build_state_of(name);
	bool known = strcmp(build_state_name(state), name) == 0;
	const char *words = known ? build_state_words(state) : "in a state that is not known here";

	return phase == NULL ? words : arena_printf(&v->m->a, "%s in %s", words, words_cut(&v->m->a, phase, 60));
}

/* It failed at the base, too, but not there or not so; NULL when it failed alike, or did not fail. */
static const char *
was_otherwise(const struct view *v, const json_t *build)
{
	const json_t *was = json_object_get(build, "was");

	if (was == NULL || (strcmp(json_str(was, "state", ""), json_str(build, "state", "")) == 0 &&
	                       strcmp(json_str(was, "phase", ""), json_str(build, "phase", "")) == 0))
		return NULL;
	return state_words(v, was);
}

static json_t *
cause_item(const struct view *v, const struct cause *c)
{
	struct model *m = v->m;
	const json_t *build = json_object_get(m->builds, c->drv);
	const char *log = json_str(build, "log_url", NULL), *tail = json_str(build, "tail", "");
	json_t *item = json_object();

	if (build == NULL) /* the build it came from was not told: say what is known */
		build = c->at->build;
	bool no_machine = strcmp(json_str(build, "state", ""), build_state_name(BUILD_UNSUPPORTED)) == 0;
	const char *reason = json_str(build, "reason", NULL);
	put_code(v, item, "name", c->own ? c->at->name : model_drv_name(&m->a, c->drv));
	put_system(v, item, c->own ? c->at->system : json_str(build, "system", c->at->system));
	put_text(item, "words",
	    no_machine && reason != NULL ? arena_printf(&m->a, "not built: %s", words_cut(&m->a, reason, MAX_REASON_BYTES))
	                                 : state_words(v, build));
	if (c->own)
		put_names(v, item, "also", json_object_get(c->at->json, "aliases"), 0);
	if (c->own)
		put_text(item, "was", was_otherwise(v, build));
	/* "build failed (the builder failed)" says nothing twice. */
	if (reason != NULL && !no_machine && strcmp(reason, "the builder failed") != 0)
		put_text(item, "reason", words_cut(&m->a, reason, MAX_REASON_BYTES));
	if (log != NULL)
		put_link(v, item, "log", "log", log);
	if (json_int(build, "wall_ms", -1) >= MIN_TOLD_MS)
		put_text(item, "wall", words_duration(&m->a, json_int(build, "wall_ms", 0)));
	if (v->limits->tail_lines > 0 && *tail != '\0')
		put_block(v, item, "tail", words_log_tail(&m->a, tail, v->limits->tail_lines, v->limits->tail_lines * 200));
	if (c->blocked > 0)
		put_number(v, item, "blocked", c->blocked);
	if (c->blocked == 1)
		json_object_set_new(item, "blocked_one", json_true());
	return item;
}

static void
put_causes(const struct view *v, json_t *obj, const char *key, bool (*keep)(const struct attr *at), size_t max, int64_t count)
{
	struct cause *causes;
	size_t n = collect(v->m, keep, &causes);
	json_t *items = json_array();

	for (size_t i = 0; i < n && i < max; i++) {
		json_t *item = cause_item(v, &causes[i]);
		if (i == 0) /* what broke first is what people came for */
			json_object_set_new(item, "first", json_true());
		json_array_append_new(items, item);
	}
	put_list(v, obj, key, items, n, count);
}

/* Several attributes that fail with the very same words are one item. */
struct member {
	const struct attr *attr;
	struct member *next;
};
struct alike {
	struct member *first, *last;
	size_t n;
};

/* What people see as one: words and all that is said beside them. */
static const char *
alike_key(struct model *m, const struct attr *at, const char *error)
{
	const json_t *hidden = json_object_get(at->json, "hidden_by");

	return arena_printf(&m->a, "%s\n%d%s\n%s", at->job, at->tolerated, hidden != NULL ? model_attr_name(&m->a, hidden) : "",
	    error);
}

/* "a, b, c and 6 more", and the same as code spans. */
static void
put_alike(const struct view *v, json_t *item, const struct alike *one)
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
	put_text(item, "alike", words_count(&v->m->a, (int64_t)one->n, "attribute", "attributes"));
	put_text(item, "name", plain.p);
	put_text(item, "name_md", code.p);
}

static json_t *
error_item(const struct view *v, const struct alike *one, const char *side)
{
	struct model *m = v->m;
	const struct attr *at = one->first->attr;
	const char *error = json_str(json_object_get(at->json, side), "error", "");
	json_t *item = json_object();

	if (one->n == 1) {
		put_code(v, item, "name", at->name);
		put_system(v, item, at->system);
		put_names(v, item, "also", json_object_get(at->json, "aliases"), 0);
	} else {
		put_alike(v, item, one);
	}
	if (m->many_jobs)
		put_code(v, item, "job", at->job);
	if (json_is_array(json_object_get(at->json, "hidden_by")))
		put_code(v, item, "hidden_by", model_attr_name(&m->a, json_object_get(at->json, "hidden_by")));
	if (*error != '\0' && v->limits->error_bytes > 0)
		put_block(v, item, "error", words_head(&m->a, places_shorten(&m->places, error), 20, v->limits->error_bytes));
	if (strcmp(side, "base") == 0)
		json_object_set_new(item, "was", json_true());
	if (at->tolerated)
		json_object_set_new(item, "tolerated", json_true());
	return item;
}

static void
put_errors(const struct view *v, json_t *obj, const char *key, enum change change, const char *side, size_t max)
{
	struct model *m = v->m;
	json_t *items = json_array();
	struct map seen = {0};
	struct alike *all = arena_alloc(&m->a, (m->n_attrs + 1) * sizeof(*all));
	size_t unseen = 0;
	bool added;

	for (size_t i = 0; i < m->n_attrs; i++) {
		const struct attr *at = &m->attrs[i];
		const char *error = json_str(json_object_get(at->json, side), "error", "");
		if (at->change != change || at->alias)
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
			json_array_append_new(items, error_item(v, &all[i], side));
		else
			unseen += all[i].n;
	}
	put_list(v, obj, key, items, json_array_size(items) + unseen, m->total.of[change]);
	map_release(&seen);
}

/* Built now, and known to fail at the base: how; else NULL. */
static const char *
repaired_words(const struct view *v, const struct attr *at)
{
	const json_t *was = json_object_get(at->build, "was");

	return (at->state == BUILD_BUILT || at->state == BUILD_CACHED) && was != NULL ? state_words(v, was) : NULL;
}

/* Built, and yet not to be trusted: why; else NULL. */
static const char *
doubt_words(const struct view *v, const struct attr *at)
{
	(void)v;
	if (!json_flag(at->build, "deterministic", true))
		return "not deterministic: built once more, it came out differently";
	return json_flag(at->build, "flaky", false) ? "perhaps flaky: it failed before, and was built now without a change"
	                                            : NULL;
}

/* The wanted derivations of which words has something to say, each once. */
static void
put_remarks(const struct view *v, json_t *obj, const char *key, size_t max,
    const char *(*words)(const struct view *v, const struct attr *at))
{
	struct map seen = {0};
	json_t *items = json_array();
	size_t total = 0;

	for (size_t i = 0; i < v->m->n_attrs; i++) {
		const struct attr *at = &v->m->attrs[i];
		const char *remark = at->alias || at->build == NULL ? NULL : words(v, at);
		bool added = false;
		if (remark != NULL)
			map_add(&seen, str_of(at->drv), &added);
		if (!added || total++ >= max)
			continue;
		json_t *item = json_object();
		put_code(v, item, "name", at->name);
		put_system(v, item, at->system);
		put_names(v, item, "also", json_object_get(at->json, "aliases"), 0);
		put_text(item, "words", remark);
		if (json_str(at->build, "log_url", NULL) != NULL)
			put_link(v, item, "log", "log", json_str(at->build, "log_url", NULL));
		json_array_append_new(items, item);
	}
	map_release(&seen);
	put_list(v, obj, key, items, total, (int64_t)total);
}

/* What holds builds back just now, each reason once with how many wait for it. */
static void
put_held_back(const struct view *v, json_t *obj, size_t max)
{
	struct map reasons = {0};
	json_t *items = json_array(), *build;
	const char *drv;

	json_object_foreach((json_t *)(uintptr_t)v->m->builds, drv, build) {
		bool queued = strcmp(json_str(build, "state", ""), "queued") == 0, added;
		if (queued && json_str(build, "reason", NULL) != NULL) {
			struct map_entry *at = map_add(&reasons, str_of(json_str(build, "reason", "")), &added);
			at->value = added ? 1 : at->value + 1;
		}
	}
	for (size_t i = 0; i < reasons.n && i < max; i++) {
		json_t *item = json_object();
		put_text(item, "words", words_cut(&v->m->a, str_dup(&v->m->a, reasons.p[i].key), MAX_REASON_BYTES));
		put_text(item, "builds", words_count(&v->m->a, (int64_t)reasons.p[i].value, "build", "builds"));
		json_array_append_new(items, item);
	}
	put_list(v, obj, "held_back", items, reasons.n, (int64_t)reasons.n);
	map_release(&reasons);
}

void
view_failures(const struct view *v, json_t *obj)
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
	put_errors(v, obj, "newly_failing", CHANGE_NEWLY_FAILING, "head", l->failures);
	put_errors(v, obj, "added_failing", CHANGE_ADDED_FAILING, "head", l->failures);
	put_errors(&brief, obj, "removed_failing", CHANGE_REMOVED_FAILING, "base", l->folded);
	put_errors(&brief, obj, "fixed", CHANGE_FIXED, "base", l->folded);
	put_errors(&brief, obj, "not_told", CHANGE_UNTOLD, "head", l->folded);
	put_errors(&brief, obj, "still_failing", CHANGE_STILL_FAILING, "head", l->folded);
	if (v->m->tally.targets > 0 && v->m->phase == PHASE_DONE)
		json_object_set_new(obj, "built",
		    json_pack("{s:s,s:s}", "done", words_number(&v->m->a, t->built + t->cached), "targets",
		        words_number(&v->m->a, t->targets)));
}
