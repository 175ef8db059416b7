/* Roots: what differs by itself, how far that spreads, and a picture of it. */
#include "report/view_part.h"

#include "report/picture.h"
#include "report/words.h"
#include "support/base/map.h"
#include "support/text/escape.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_WHAT_BYTES = 240, MAX_BECAUSE = 2 };

static const char *
root_name(struct model *m, const json_t *root)
{
	const json_t *path = json_array_get(json_object_get(root, "attributes"), 0);

	return path != NULL ? model_attr_name(&m->a, path) : json_str(root, "name", "?");
}

static const char *
join_what(struct model *m, const json_t *what)
{
	AUTO(buf_release) struct buf b = {0};

	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < json_array_size(what); i++) {
		const char *s = json_string_value(json_array_get(what, i));
		if (s != NULL)
			buf_printf(&b, "%s%s", b.n != 0 ? ", " : "", s);
	}
	return words_cut(&m->a, str_dup(&m->a, buf_get(&b)), MAX_WHAT_BYTES);
}

static int
by_radius(const void *a, const void *b)
{
	const struct view_root *x = a, *y = b;

	if (x->attributes != y->attributes)
		return x->attributes < y->attributes ? 1 : -1;
	if (x->derivations != y->derivations)
		return x->derivations < y->derivations ? 1 : -1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static void
merge(struct model *m, struct view_root *into, const json_t *root)
{
	const char *system = json_str(root, "system", "");

	if (into->systems == NULL)
		into->systems = system;
	else if (!str_ends(str_of(into->systems), str_of(system)) && strlen(into->systems) < 200)
		into->systems = arena_printf(&m->a, "%s, %s", into->systems, system);
	into->attributes += json_int(json_object_get(root, "radius"), "attributes", 0);
	into->derivations += json_int(json_object_get(root, "radius"), "derivations", 0);
}

size_t
view_collect_roots(struct model *m, struct view_root **ret)
{
	const json_t *list = json_object_get(m->difference, "roots");
	struct view_root *roots = arena_alloc(&m->a, (json_array_size(list) + 1) * sizeof(*roots));
	struct map seen = {0};
	bool added;

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *j = json_array_get(list, i);
		const char *name = root_name(m, j), *what = join_what(m, json_object_get(j, "what"));
		struct map_entry *at = map_add(&seen, str_of(arena_printf(&m->a, "%s\n%s", name, what)), &added);
		struct view_root *r = &roots[at - seen.p];
		if (added)
			*r = (struct view_root){.first = j, .name = name, .what = what, .order = i};
		merge(m, r, j);
	}
	size_t n = seen.n;
	map_release(&seen);
	qsort(roots, n, sizeof(*roots), by_radius);
	*ret = roots;
	return n;
}

static struct values *
root_item(const struct view *v, const struct view_root *r)
{
	struct values *item = values_new(&v->m->a);
	const json_t *names = json_object_get(r->first, "attributes"), *user = json_object_get(r->first, "used_by");

	put_code(v, item, "name", r->name);
	values_text(item, "what", r->what);
	put_name(v, item, "systems", r->systems);
	put_number(v, item, "attributes", r->attributes);
	put_number(v, item, "derivations", r->derivations);
	if (r->attributes != r->derivations)
		values_flag(item, "differ", true);
	if (r->attributes != 0 || r->derivations != 0)
		values_flag(item, "spreads", true);
	put_names(v, item, "also", names, 1);
	if (json_array_size(names) == 0)
		values_flag(item, "inner", true);
	if (json_is_array(user))
		put_code(v, item, "user", model_attr_name(&v->m->a, user));
	return item;
}

void
view_roots(const struct view *v, struct values *obj)
{
	struct view_root *roots;
	size_t n = view_collect_roots(v->m, &roots);
	struct value_list *items = value_list_new(&v->m->a);

	if (!json_flag(json_at(v->m->plan, "report.rebuild_impact"), "enabled", true))
		return;
	for (size_t i = 0; i < n && i < v->limits->roots; i++)
		value_list_group(items, root_item(v, &roots[i]));
	put_list(v, obj, "roots", items, n, (int64_t)n);
	if (v->limits->nodes > 0)
		values_text(obj, "picture_md", picture_mermaid(v->m, v->limits->nodes));
}

bool
view_one_cause(const struct model *m)
{
	const json_t *list = json_object_get(m->difference, "roots"), *first = NULL;

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *root = json_array_get(list, i);
		if (json_int(json_object_get(root, "radius"), "derivations", 0) == 0)
			continue;
		if (first != NULL &&
		    (strcmp(json_str(first, "name", ""), json_str(root, "name", "")) != 0 ||
		        !json_equal(json_object_get(first, "attributes"), json_object_get(root, "attributes"))))
			return false;
		first = root;
	}
	return first != NULL;
}

const char *
view_because(const struct view *v, const struct attr *at, bool markdown)
{
	const json_t *cause = json_object_get(at->json, "cause"), *of = json_object_get(cause, "roots");
	const json_t *roots = json_object_get(v->m->difference, "roots");
	AUTO(buf_release) struct buf b = {0};
	size_t n = json_array_size(of), shown = n > MAX_BECAUSE ? MAX_BECAUSE : n;
	int64_t total = json_int(cause, "roots_total", (int64_t)n);

	if (strcmp(json_str(cause, "kind", ""), "follower") != 0 || n == 0)
		return NULL;
	buf_init(&b, 1 << 16);
	for (size_t i = 0; i < shown; i++) {
		const json_t *index = json_array_get(of, i);
		const json_t *root = json_is_integer(index) ? json_array_get(roots, (size_t)json_integer_value(index)) : NULL;
		const char *name = words_cut(&v->m->a, root_name(v->m, root), v->limits->name_bytes);
		buf_puts(&b, i > 0 ? ", " : "");
		if (markdown)
			escape_code(&b, str_of(name));
		else
			buf_puts(&b, name);
	}
	if (total > (int64_t)shown)
		buf_printf(&b, " and %s more", words_number(&v->m->a, total - (int64_t)shown));
	return str_dup(&v->m->a, buf_get(&b));
}
