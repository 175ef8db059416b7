/* Roots: what differs by itself, how far that spreads, and a picture of it. */
#include "report/view_part.h"

#include "records/list.h"
#include "report/picture.h"
#include "report/words.h"
#include "support/base/map.h"
#include "support/text/escape.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_WHAT_BYTES = 240, MAX_BECAUSE = 2 };

const char *
view_root_name(struct model *m, const struct difference_root *root)
{
	if (root->attributes.n > 0)
		return model_attr_name(&m->a, root->attributes.p[0]);
	return root->name != NULL ? root->name : "?";
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
merge(struct model *m, struct view_root *into, const struct difference_root *root)
{
	const char *system = root->system != NULL ? root->system : "";

	if (into->systems == NULL)
		into->systems = system;
	else if (!str_ends(str_of(into->systems), str_of(system)) && strlen(into->systems) < 200)
		into->systems = arena_printf(&m->a, "%s, %s", into->systems, system);
	into->attributes += root->radius.attributes;
	into->derivations += root->radius.derivations;
}

size_t
view_collect_roots(struct model *m, struct view_root **ret)
{
	struct view_root *roots = arena_alloc(&m->a, (m->roots.n + 1) * sizeof(*roots));
	struct map seen = {0};
	bool added;

	for (size_t i = 0; i < m->roots.n; i++) {
		const struct difference_root *one = m->roots.p[i];
		const char *name = view_root_name(m, one), *what = joined_text(m, &one->what, MAX_WHAT_BYTES);
		struct map_entry *at = map_add(&seen, str_of(arena_printf(&m->a, "%s\n%s", name, what)), &added);
		struct view_root *r = &roots[at - seen.p];
		if (added)
			*r = (struct view_root){.first = one, .name = name, .what = what, .order = i};
		merge(m, r, one);
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

	put_code(v, item, "name", r->name);
	values_text(item, "what", r->what);
	put_name(v, item, "systems", r->systems);
	put_number(v, item, "attributes", r->attributes);
	put_number(v, item, "derivations", r->derivations);
	if (r->attributes != r->derivations)
		values_flag(item, "differ", true);
	if (r->attributes != 0 || r->derivations != 0)
		values_flag(item, "spreads", true);
	put_names(v, item, "also", r->first->attributes, 1);
	if (r->first->attributes.n == 0)
		values_flag(item, "inner", true);
	if (r->first->used_by.p != NULL)
		put_code(v, item, "user", model_attr_name(&v->m->a, r->first->used_by));
	return item;
}

void
view_roots(const struct view *v, struct values *obj)
{
	struct view_root *roots;
	size_t n = view_collect_roots(v->m, &roots);
	struct value_list *items = value_list_new(&v->m->a);

	if (!v->m->wishes.rebuild_impact.enabled)
		return;
	for (size_t i = 0; i < n && i < v->limits->roots; i++)
		value_list_group(items, root_item(v, &roots[i]));
	put_list(v, obj, "roots", items, n, (int64_t)n);
	if (v->limits->nodes > 0)
		values_text(obj, "picture_md", picture_mermaid(v->m, v->limits->nodes));
}

/* Whether two roots differ by system alone. */
static bool
same_root(const struct difference_root *a, const struct difference_root *b)
{
	return str_same(a->name, b->name) && paths_same(&a->attributes, &b->attributes);
}

bool
view_one_cause(const struct model *m)
{
	const struct difference_root *first = NULL;

	for (size_t i = 0; i < m->roots.n; i++) {
		if (m->roots.p[i]->radius.derivations == 0)
			continue;
		if (first != NULL && !same_root(first, m->roots.p[i]))
			return false;
		first = m->roots.p[i];
	}
	return first != NULL;
}

/* The name of the root at a place that a cause names. */
static const char *
cause_name(struct model *m, int64_t place)
{
	return place >= 0 && (uint64_t)place < m->roots.n ? view_root_name(m, m->roots.p[place]) : "?";
}

const char *
view_because(const struct view *v, const struct changed_attr *at, bool markdown)
{
	const struct difference_cause *cause = at->is->cause;
	AUTO(buf_release) struct buf b = {0};

	if (!model_is_follower(at) || cause->roots.n == 0)
		return NULL;
	size_t shown = cause->roots.n > MAX_BECAUSE ? MAX_BECAUSE : cause->roots.n;
	int64_t total = cause->roots_total >= 0 ? cause->roots_total : (int64_t)cause->roots.n;
	buf_init(&b, 1 << 16);
	for (size_t i = 0; i < shown; i++) {
		const char *name = words_cut(&v->m->a, cause_name(v->m, cause->roots.p[i]), v->limits->name_bytes);
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
