/* What meta says: marks, licences, maintainers. People are named in code and so never notified. */
#include "report/view_part.h"

#include "records/list.h"
#include "report/words.h"
#include "support/text/escape.h"

#include <string.h>

enum { MAX_PEOPLE = 5, MAX_BAD_META = 5, MAX_LICENCE_BYTES = 120, MAX_SYSTEMS_TEXT = 200 };

/* An attribute on one system, with what both sides say of it. */
struct described {
	const char *name, *job, *system;
	const struct package_meta *base, *head; /* NULL where there is none */
	struct paths aliases;
	bool is_new, by_itself;
};

/* A line of a list: attributes that differ only by system are one. */
struct line {
	const char *name, *job, *old, *new;
	struct buf systems;
	struct texts people;
	struct paths aliases;
};

struct lines {
	struct value_list *items;
	struct line last;
	size_t n, max;
};

static struct values *
line_item(const struct view *v, const struct line *l)
{
	struct values *item = values_new(&v->m->a), *one;
	struct value_list *people = value_list_new(&v->m->a);
	size_t n = l->people.n;

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
		one = values_new(&v->m->a);
		put_code(v, one, "name", l->people.p[i]);
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
    struct texts people)
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
marks_only(struct model *m, const struct package_meta *with, const struct package_meta *without)
{
	static const struct package_meta none = {0};
	const char *words = NULL;

	with = with != NULL ? with : &none;
	without = without != NULL ? without : &none;
	const struct {
		const char *name;
		bool only;
	} marks[] = {{"broken", with->broken && !without->broken}, {"insecure", with->insecure && !without->insecure},
	    {"unfree", with->unfree && !without->unfree}};
	for (size_t i = 0; i < COUNT(marks); i++)
		if (marks[i].only)
			words = words != NULL ? arena_printf(&m->a, "%s, %s", words, marks[i].name) : marks[i].name;
	return words;
}

struct meta_lists {
	struct lines marked, unmarked, licences, maintained;
};

/* To state that there is none is not to state nothing. */
static bool
same_licences(const struct texts *old, const struct texts *new)
{
	return (old->p == NULL) == (new->p == NULL) && texts_same(old, new);
}

static void
describe(const struct view *v, struct meta_lists *s, const struct described *d)
{
	struct model *m = v->m;
	const struct texts nobody = {0};
	const char *now = marks_only(m, d->head, d->base), *before = marks_only(m, d->base, d->head);

	if (d->head == NULL)
		return;
	if (now != NULL)
		lines_add(v, &s->marked, d, "", now, nobody);
	if (before != NULL)
		lines_add(v, &s->unmarked, d, "", before, nobody);
	if (d->base != NULL && !same_licences(&d->base->license, &d->head->license))
		lines_add(v, &s->licences, d, joined_text(m, &d->base->license, MAX_LICENCE_BYTES),
		    joined_text(m, &d->head->license, MAX_LICENCE_BYTES), nobody);
	if ((d->by_itself || d->is_new) && d->head->maintainers.n > 0)
		lines_add(v, &s->maintained, d, "", "", d->head->maintainers);
}

static void
describe_changed(const struct view *v, struct meta_lists *s)
{
	for (size_t i = 0; i < v->m->n_attrs; i++) {
		const struct changed_attr *at = &v->m->attrs[i];
		struct described d = {at->name, at->job, at->system, model_meta(at->is->base), model_meta(at->is->head),
		    at->is->aliases, at->class == CLASS_ADDED, model_is_root(at)};
		/* What nobody knows of the base did not change. */
		bool unknown = (at->is->base != NULL && at->is->base->meta_error != NULL) || at->class == CLASS_UNTOLD;
		if (!at->alias && at->drv != NULL && at->class != CLASS_REMOVED && !unknown)
			describe(v, s, &d);
	}
}

static void
describe_unchanged(const struct view *v, struct meta_lists *s)
{
	for (size_t i = 0; i < v->m->meta_changed.n; i++) {
		const struct meta_change *one = v->m->meta_changed.p[i];
		struct described d = {model_attr_name(&v->m->a, one->path), one->job != NULL ? one->job : "",
		    one->system != NULL ? one->system : "", one->base.meta, one->head.meta, one->aliases, false, false};
		describe(v, s, &d);
	}
}

static void
put_attributes(const struct view *v, struct values *item, const char *key, int64_t n)
{
	if (n > 0)
		values_text(item, key, words_count(&v->m->a, n, "attribute", "attributes"));
}

/* bad_meta: meta that does not evaluate, in words: what is new, what was there before, what is fixed. */
static void
view_bad_meta(const struct view *v, struct values *obj)
{
	const struct meta_errors *errors = &v->m->meta_errors;
	struct values *item = values_new(&v->m->a), *one;
	struct value_list *items = value_list_new(&v->m->a);

	for (size_t i = 0; i < errors->list.n && i < MAX_BAD_META; i++) {
		one = values_new(&v->m->a);
		put_code(v, one, "name", model_attr_name(&v->m->a, errors->list.p[i].path));
		value_list_group(items, one);
	}
	if (errors->new > (int64_t)items->n)
		put_number(v, item, "others", errors->new - (int64_t)items->n);
	values_list(item, "items", items);
	put_attributes(v, item, "new", errors->new);
	put_attributes(v, item, "before", errors->before);
	put_attributes(v, item, "fixed", errors->fixed);
	values_flag(item, "changed", errors->new > 0 || errors->fixed > 0);
	if (errors->new > 0 || errors->before > 0 || errors->fixed > 0)
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
