/* Sizes, metrics and build products of what is there on both sides. */
#include "report/view_part.h"

#include "report/words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LINE_NAME = 120 };

struct size_row {
	const struct package_sizes *is;
	int64_t change; /* of the closure, else of the output */
	size_t order;
};

static int64_t
bytes_at(struct numbers sizes, enum side side)
{
	return (size_t)side < sizes.n ? sizes.p[side] : 0;
}

static int64_t
change_of(struct numbers sizes)
{
	return bytes_at(sizes, SIDE_HEAD) - bytes_at(sizes, SIDE_BASE);
}

static const char *
or_empty(const char *s)
{
	return s != NULL ? s : "";
}

static int
by_change(const void *a, const void *b)
{
	const struct size_row *x = a, *y = b;
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

static void
put_sizes_of(const struct view *v, struct values *item, const char *key, struct numbers sizes)
{
	put_change(v, item, key, bytes_at(sizes, SIDE_BASE), bytes_at(sizes, SIDE_HEAD));
}

static struct values *
named(const struct view *v, const struct package_sizes *package)
{
	struct values *item = values_new(&v->m->a);

	put_code(v, item, "name", model_attr_name(&v->m->a, package->path));
	put_name(v, item, "system", or_empty(package->system));
	if (v->m->many_jobs)
		put_code(v, item, "job", or_empty(package->job));
	return item;
}

static void
put_sizes(const struct view *v, struct values *obj, const struct sizes *sizes, size_t max)
{
	size_t n = sizes->packages.n, n_changed = 0;
	struct size_row *list = arena_alloc(&v->m->a, (n + 1) * sizeof(*list));
	struct value_list *items = value_list_new(&v->m->a);

	for (size_t i = 0; i < n; i++) {
		const struct package_sizes *p = &sizes->packages.p[i];
		int64_t closure = change_of(p->closure), output = change_of(p->output);
		if (closure != 0 || output != 0)
			list[n_changed++] = (struct size_row){p, closure != 0 ? closure : output, i};
	}
	qsort(list, n_changed, sizeof(*list), by_change);
	for (size_t i = 0; i < n_changed && i < max; i++) {
		struct values *item = named(v, list[i].is);
		put_sizes_of(v, item, "output", list[i].is->output);
		if (list[i].is->closure.p != NULL)
			put_sizes_of(v, item, "closure", list[i].is->closure);
		else
			values_text(item, "closure", "not known: not all of it is in reach");
		value_list_group(items, item);
	}
	put_list(v, obj, "sizes", items, n_changed, (int64_t)n_changed);
}

static const char *
value(struct arena *a, double number, const char *unit)
{
	if (isnan(number))
		return "none";
	return arena_printf(a, "%.6g%s%s", number, *unit != '\0' ? " " : "", unit);
}

static struct values *
metric_item(const struct view *v, const struct package_sizes *package, const struct metric *metric)
{
	struct values *item = named(v, package);
	double was = fabs(metric->base);

	put_code(v, item, "what", words_cut(&v->m->a, metric->name, MAX_LINE_NAME));
	values_text(item, "old", value(&v->m->a, metric->base, metric->unit));
	values_text(item, "new", value(&v->m->a, metric->head, metric->unit));
	if (!isnan(metric->head) && was > 0) /* which is false of NaN */
		values_text(item, "percent", arena_printf(&v->m->a, "%+.1f %%", (metric->head - metric->base) / was * 100));
	return item;
}

static struct values *
product_item(const struct view *v, const struct package_sizes *package, const struct product *product)
{
	struct values *item = named(v, package);

	put_code(v, item, "what", words_cut(&v->m->a, or_empty(product->name), MAX_LINE_NAME));
	if (package->page_url != NULL)
		put_link(v, item, "page", values_find_text(item, "what_md"), package->page_url);
	put_name(v, item, "type", product->type);
	if (product->base >= 0 && product->head >= 0)
		put_change(v, item, "size", product->base, product->head);
	else if (product->head >= 0)
		values_text(item, "size", words_bytes(&v->m->a, product->head));
	put_code(v, item, "place", or_empty(product->store_path));
	return item;
}

static bool
same_number(double a, double b)
{
	return (isnan(a) && isnan(b)) || (!isless(a, b) && !isgreater(a, b) && !isunordered(a, b));
}

/* Metrics that changed. */
static void
put_metrics(const struct view *v, struct values *obj, const struct sizes *sizes, size_t max)
{
	struct value_list *items = value_list_new(&v->m->a);
	size_t total = 0;

	for (size_t i = 0; i < sizes->packages.n; i++) {
		const struct package_sizes *p = &sizes->packages.p[i];
		for (size_t k = 0; k < p->metrics.n; k++) {
			const struct metric *one = &p->metrics.p[k];
			if (!same_number(one->base, one->head) && total++ < max)
				value_list_group(items, metric_item(v, p, one));
		}
	}
	put_list(v, obj, "metrics", items, total, (int64_t)total);
}

static void
put_products(const struct view *v, struct values *obj, const struct sizes *sizes, size_t max)
{
	struct value_list *items = value_list_new(&v->m->a);
	size_t total = 0;

	for (size_t i = 0; i < sizes->packages.n; i++) {
		const struct package_sizes *p = &sizes->packages.p[i];
		for (size_t k = 0; k < p->products.n; k++)
			if (total++ < max)
				value_list_group(items, product_item(v, p, &p->products.p[k]));
	}
	put_list(v, obj, "products", items, total, (int64_t)total);
}

void
view_sizes(const struct view *v, struct values *obj)
{
	const struct sizes *sizes = v->m->facts.query != NULL ? v->m->facts.query->sizes : NULL;
	size_t max = v->limits->folded < v->limits->listed ? v->limits->folded : v->limits->listed;

	if (sizes == NULL)
		return;
	put_sizes(v, obj, sizes, max);
	put_metrics(v, obj, sizes, max);
	put_products(v, obj, sizes, max);
	if (sizes->left_out > 0)
		put_number(v, obj, "sizes_left_out", sizes->left_out);
	put_number(v, obj, "sizes_compared", sizes->compared);
}
