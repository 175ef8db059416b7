/* Sizes, metrics and build products of what is there on both sides. */
#include "report/view_part.h"

#include "report/words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LINE_NAME = 120 };

struct sized {
	const json_t *json;
	int64_t change; /* of the closure, else of the output */
	size_t order;
};

static int64_t
bytes_at(const json_t *package, const char *what, size_t side)
{
	return (int64_t)json_integer_value(json_array_get(json_object_get(package, what), side));
}

static int
by_change(const void *a, const void *b)
{
	const struct sized *x = a, *y = b;
	int64_t p = llabs(x->change), q = llabs(y->change);

	if (p != q)
		return p < q ? 1 : -1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* "1.2 MiB → 1.3 MiB (+120 KiB)", or the size alone when it stayed. */
static void
put_change(const struct view *v, struct values *item, const char *key, int64_t old, int64_t new)
{
	struct arena *a = &v->m->a;

	if (old == new)
		values_text(item, key, arena_printf(a, "%s, the same", words_bytes(a, new)));
	else
		values_text(item, key,
		    arena_printf(a, "%s \xe2\x86\x92 %s (%s%s)", words_bytes(a, old), words_bytes(a, new),
		        new > old ? "+" : "\xe2\x88\x92", words_bytes(a, llabs(new - old))));
}

static struct values *
named(const struct view *v, const json_t *package)
{
	struct values *item = values_new(&v->m->a);

	put_code(v, item, "name", model_attr_name(&v->m->a, json_object_get(package, "path")));
	put_name(v, item, "system", json_str(package, "system", ""));
	if (v->m->many_jobs)
		put_code(v, item, "job", json_str(package, "job", ""));
	return item;
}

static void
put_sizes(const struct view *v, struct values *obj, const json_t *packages, size_t max)
{
	size_t n = json_array_size(packages), n_changed = 0;
	struct sized *list = arena_alloc(&v->m->a, (n + 1) * sizeof(*list));
	struct value_list *items = value_list_new(&v->m->a);

	for (size_t i = 0; i < n; i++) {
		const json_t *p = json_array_get(packages, i);
		int64_t closure = bytes_at(p, "closure", 1) - bytes_at(p, "closure", 0);
		int64_t output = bytes_at(p, "output", 1) - bytes_at(p, "output", 0);
		if (closure != 0 || output != 0)
			list[n_changed++] = (struct sized){p, closure != 0 ? closure : output, i};
	}
	qsort(list, n_changed, sizeof(*list), by_change);
	for (size_t i = 0; i < n_changed && i < max; i++) {
		struct values *item = named(v, list[i].json);
		put_change(v, item, "output", bytes_at(list[i].json, "output", 0), bytes_at(list[i].json, "output", 1));
		if (json_is_array(json_object_get(list[i].json, "closure")))
			put_change(v, item, "closure", bytes_at(list[i].json, "closure", 0),
			    bytes_at(list[i].json, "closure", 1));
		else
			values_text(item, "closure", "not known: not all of it is in reach");
		value_list_group(items, item);
	}
	put_list(v, obj, "sizes", items, n_changed, (int64_t)n_changed);
}

static const char *
value(struct arena *a, const json_t *number, const char *unit)
{
	if (!json_is_number(number))
		return "none";
	return arena_printf(a, "%.6g%s%s", json_number_value(number), *unit != '\0' ? " " : "", unit);
}

static struct values *
metric_item(const struct view *v, const json_t *package, const json_t *metric)
{
	const json_t *old = json_object_get(metric, "base"), *new = json_object_get(metric, "head");
	const char *unit = json_str(metric, "unit", "");
	double was = json_number_value(old);
	struct values *item = named(v, package);

	put_code(v, item, "what", words_cut(&v->m->a, json_str(metric, "name", ""), MAX_LINE_NAME));
	values_text(item, "old", value(&v->m->a, old, unit));
	values_text(item, "new", value(&v->m->a, new, unit));
	if (json_is_number(old) && json_is_number(new) && fabs(was) > 0)
		values_text(item, "percent",
		    arena_printf(&v->m->a, "%+.1f %%", (json_number_value(new) - was) / fabs(was) * 100));
	return item;
}

static struct values *
product_item(const struct view *v, const json_t *package, const json_t *product)
{
	const json_t *old = json_object_get(product, "base"), *new = json_object_get(product, "head");
	struct values *item = named(v, package);

	put_code(v, item, "what", words_cut(&v->m->a, json_str(product, "name", ""), MAX_LINE_NAME));
	if (json_str(package, "page_url", NULL) != NULL)
		put_link(v, item, "page", values_find_text(item, "what_md"), json_str(package, "page_url", ""));
	put_name(v, item, "type", json_str(product, "type", ""));
	if (json_is_integer(old) && json_is_integer(new))
		put_change(v, item, "size", (int64_t)json_integer_value(old), (int64_t)json_integer_value(new));
	else if (json_is_integer(new))
		values_text(item, "size", words_bytes(&v->m->a, (int64_t)json_integer_value(new)));
	put_code(v, item, "place", json_str(product, "store_path", ""));
	return item;
}

/* The elements of member of all packages, as far as they are news. */
static void
put_members(const struct view *v, struct values *obj, const char *key, const json_t *packages, size_t max,
    struct values *(*make)(const struct view *v, const json_t *package, const json_t *one))
{
	struct value_list *items = value_list_new(&v->m->a);
	size_t total = 0;

	for (size_t i = 0; i < json_array_size(packages); i++) {
		const json_t *p = json_array_get(packages, i), *list = json_object_get(p, key);
		for (size_t k = 0; k < json_array_size(list); k++) {
			const json_t *one = json_array_get(list, k);
			if (make == metric_item && json_equal(json_object_get(one, "base"), json_object_get(one, "head")))
				continue;
			if (total++ < max)
				value_list_group(items, make(v, p, one));
		}
	}
	put_list(v, obj, key, items, total, (int64_t)total);
}

void
view_sizes(const struct view *v, struct values *obj)
{
	const json_t *sizes = json_at(v->m->job, "query.sizes"), *packages = json_object_get(sizes, "packages");
	size_t max = v->limits->folded < v->limits->listed ? v->limits->folded : v->limits->listed;

	if (!json_is_object(sizes) || !json_is_array(packages))
		return;
	put_sizes(v, obj, packages, max);
	put_members(v, obj, "metrics", packages, max, metric_item);
	put_members(v, obj, "products", packages, max, product_item);
	if (json_int(sizes, "left_out", 0) > 0)
		put_number(v, obj, "sizes_left_out", json_int(sizes, "left_out", 0));
	put_number(v, obj, "sizes_compared", json_int(sizes, "compared", 0));
}
