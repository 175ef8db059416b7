/* What meta says: marks, licences, maintainers. People are named in code and so never notified. */
#include "report/view_part.h"

#include "report/words.h"
#include "support/text/escape.h"

#include <string.h>

enum { MAX_PEOPLE = 5, MAX_BAD_META = 5, MAX_LICENCE_BYTES = 120, MAX_SYSTEMS_TEXT = 200 };

static const char *const marks[] = {"broken", "insecure", "unfree"};

/* An attribute on one system, with what both sides say of it. */
struct described {
	const char *name, *job, *system;
	const json_t *base, *head; /* meta; NULL where there is none */
	const json_t *aliases;
	bool is_new, by_itself;
};

/* A line of a list: attributes that differ only by system are one. */
struct line {
	const char *name, *job, *old, *new;
	struct buf systems;
	const json_t *people, *aliases;
};

struct lines {
	struct value_list *items;
	struct line last;
	size_t n, max;
};

static const char *
join(struct model *m, const json_t *list)
{
	AUTO(buf_release) struct buf b = {0};

	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *s = json_string_value(json_array_get(list, i));
		if (s != NULL)
			buf_printf(&b, "%s%s", b.n != 0 ? ", " : "", s);
	}
	return b.n != 0 ? words_cut(&m->a, str_dup(&m->a, buf_get(&b)), MAX_LICENCE_BYTES) : "";
}

static struct values *
line_item(const struct view *v, const struct line *l)
{
	struct values *item = values_new(&v->m->a), *one;
	struct value_list *people = value_list_new(&v->m->a);
	size_t n = json_array_size(l->people);

	put_code(v, item, "name", l->name);
	if (v->m->many_jobs)
		put_code(v, item, "job", l->job);
	put_names(v, item, "also", l->aliases, 0);
	put_name(v, item, "systems", l->systems.n != 0 ? l->systems.p : "");
	if (*l->old != '\0')
		put_code(v, item, "old", l->old);
	if (*l->new != '\0')
		put_code(v, item, "new", l->new);
	values_text(item, "words", l->new);
	for (size_t i = 0; i < n && i < MAX_PEOPLE; i++) {
		const char *s = json_string_value(json_array_get(l->people, i));
		one = values_new(&v->m->a);
		put_code(v, one, "name", s != NULL ? s : "?");
		value_list_group(people, one);
	}
	if (n > MAX_PEOPLE)
		put_number(v, item, "others", (int64_t)(n - MAX_PEOPLE));
	values_list(item, "people", people);
	return item;
}

static void
lines_flush(const struct view *v, struct lines *s)
{
	if (s->last.name == NULL)
		return;
	if (s->n++ < s->max)
		value_list_group(s->items, line_item(v, &s->last));
	buf_release(&s->last.systems);
	s->last = (struct line){0};
}

static void
lines_add(const struct view *v, struct lines *s, const struct described *d, const char *old, const char *new,
    const json_t *people)
{
	struct line *l = &s->last;

	if (l->name == NULL || strcmp(l->name, d->name) != 0 || strcmp(l->job, d->job) != 0 || strcmp(l->old, old) != 0 ||
	    strcmp(l->new, new) != 0) {
		lines_flush(v, s);
		*l = (struct line){.name = d->name,
		    .job = d->job,
		    .old = old,
		    .new = new,
		    .people = people,
		    .aliases = d->aliases};
		buf_init(&l->systems, MAX_SYSTEMS_TEXT);
	}
	buf_printf(&l->systems, "%s%s", l->systems.n != 0 ? ", " : "", d->system);
}

static void
lines_put(const struct view *v, struct lines *s, struct values *obj, const char *key)
{
	lines_flush(v, s);
	put_list(v, obj, key, s->items, s->n, (int64_t)s->n);
}

/* The marks that `with` has and `without` has not, as words; NULL when there are none. */
static const char *
marks_only(struct model *m, const json_t *with, const json_t *without)
{
	const char *words = NULL;

	for (size_t i = 0; i < COUNT(marks); i++)
		if (json_flag(with, marks[i], false) && !json_flag(without, marks[i], false))
			words = words != NULL ? arena_printf(&m->a, "%s, %s", words, marks[i]) : marks[i];
	return words;
}

struct meta_lists {
	struct lines marked, unmarked, licences, maintained;
};

static void
describe(const struct view *v, struct meta_lists *s, const struct described *d)
{
	struct model *m = v->m;
	const json_t *people = json_object_get(d->head, "maintainers");
	const char *now = marks_only(m, d->head, d->base), *before = marks_only(m, d->base, d->head);

	if (d->head == NULL)
		return;
	if (now != NULL)
		lines_add(v, &s->marked, d, "", now, NULL);
	if (before != NULL)
		lines_add(v, &s->unmarked, d, "", before, NULL);
	if (d->base != NULL) {
		const json_t *old = json_object_get(d->base, "license"), *new = json_object_get(d->head, "license");
		if ((old != NULL || new != NULL) && !json_equal(old, new))
			lines_add(v, &s->licences, d, join(m, old), join(m, new), NULL);
	}
	if ((d->by_itself || d->is_new) && json_array_size(people) > 0)
		lines_add(v, &s->maintained, d, "", "", people);
}

static const json_t *
meta_of(const json_t *attr, const char *side)
{
	const json_t *meta = json_object_get(json_object_get(attr, side), "meta");

	return json_is_object(meta) ? meta : NULL;
}

static void
describe_changed(const struct view *v, struct meta_lists *s)
{
	for (size_t i = 0; i < v->m->n_attrs; i++) {
		const struct attr *at = &v->m->attrs[i];
		struct described d = {at->name, at->job, at->system, meta_of(at->json, "base"), meta_of(at->json, "head"),
		    json_object_get(at->json, "aliases"), at->change == CHANGE_ADDED,
		    strcmp(json_str_at(at->json, "cause.kind", ""), "root") == 0};
		/* What nobody knows of the base did not change. */
		bool unknown = json_str_at(at->json, "base.meta_error", NULL) != NULL || at->change == CHANGE_UNTOLD;
		if (!at->alias && at->drv != NULL && at->change != CHANGE_REMOVED && !unknown)
			describe(v, s, &d);
	}
}

static void
describe_unchanged(const struct view *v, struct meta_lists *s)
{
	const json_t *list = json_object_get(v->m->difference, "meta_changed");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *j = json_array_get(list, i);
		struct described d = {model_attr_name(&v->m->a, json_object_get(j, "path")), json_str(j, "job", ""),
		    json_str(j, "system", ""), meta_of(j, "base"), meta_of(j, "head"), json_object_get(j, "aliases"), false,
		    false};
		describe(v, s, &d);
	}
}

/* bad_meta: meta that does not evaluate, in words: what is new, what was there before, what is fixed. */
static void
view_bad_meta(const struct view *v, struct values *obj)
{
	const json_t *errors = json_object_get(v->m->difference, "meta_errors"), *list = json_object_get(errors, "list");
	int64_t new = json_int(errors, "new", 0), before = json_int(errors, "before", 0), fixed = json_int(errors, "fixed", 0);
	struct values *item = values_new(&v->m->a), *one;
	struct value_list *items = value_list_new(&v->m->a);

	for (size_t i = 0; i < json_array_size(list) && i < MAX_BAD_META; i++) {
		one = values_new(&v->m->a);
		put_code(v, one, "name", model_attr_name(&v->m->a, json_object_get(json_array_get(list, i), "path")));
		value_list_group(items, one);
	}
	if (new > (int64_t)items->n)
		put_number(v, item, "others", new - (int64_t)items->n);
	values_list(item, "items", items);
	if (new > 0)
		values_text(item, "new", words_count(&v->m->a, new, "attribute", "attributes"));
	if (before > 0)
		values_text(item, "before", words_count(&v->m->a, before, "attribute", "attributes"));
	if (fixed > 0)
		values_text(item, "fixed", words_count(&v->m->a, fixed, "attribute", "attributes"));
	values_flag(item, "changed", new > 0 || fixed > 0);
	if (new > 0 || before > 0 || fixed > 0)
		values_group(obj, "bad_meta", item);
}

void
view_meta(const struct view *v, struct values *obj)
{
	const struct limits *l = v->limits;
	struct meta_lists s = {
	    .marked = {.items = value_list_new(&v->m->a), .max = l->failures},
	    .unmarked = {.items = value_list_new(&v->m->a), .max = l->folded},
	    .licences = {.items = value_list_new(&v->m->a), .max = l->folded},
	    .maintained = {.items = value_list_new(&v->m->a), .max = l->roots},
	};

	describe_changed(v, &s);
	describe_unchanged(v, &s);
	view_bad_meta(v, obj);
	lines_put(v, &s.marked, obj, "marks");
	lines_put(v, &s.unmarked, obj, "unmarked");
	lines_put(v, &s.licences, obj, "licences");
	lines_put(v, &s.maintained, obj, "maintained");
}
