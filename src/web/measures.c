/* Sizes, metrics and products of a derivation, from what the query of its run has found. */
#include "web/measures.h"

#include "records/building.h"
#include "store/run.h"
#include "web/page_data.h"
#include "web/show.h"

#include <math.h>
#include <string.h>

enum { MAX_QUERY_BYTES = 2 * 1000 * 1000 /* what is read between two turns of the loop */ };

static const char *
change(struct arena *a, int64_t base, int64_t head)
{
	if (base == head)
		return arena_printf(a, "%s, the same", show_bytes(a, head));
	return arena_printf(a, "%s \xe2\x86\x92 %s", show_bytes(a, base), show_bytes(a, head));
}

static void
add_size(struct value_list *list, const char *what, struct numbers sizes)
{
	struct values *o = values_new(list->a);

	if (sizes.n < 2)
		return;
	page_set(o, "measure", what);
	page_set(o, "value", change(list->a, sizes.p[0], sizes.p[1]));
	value_list_group(list, o);
}

const char *
measures_value(struct arena *a, double n, const char *unit)
{
	if (isnan(n))
		return "none";
	if (unit != NULL && strcmp(unit, "bytes") == 0)
		return show_bytes(a, (int64_t)n);
	return arena_printf(a, "%.6g%s%s", n, unit != NULL && *unit != '\0' ? " " : "", unit != NULL ? unit : "");
}

static void
add_metrics(struct value_list *list, const struct metrics *metrics)
{
	struct arena *a = list->a;

	for (size_t i = 0; i < metrics->n; i++) {
		const struct metric *m = &metrics->p[i];
		struct values *o = values_new(a);
		bool same = m->base == m->head;
		page_set(o, "measure", m->name);
		page_set(o, "value",
		    same ? measures_value(a, m->head, m->unit)
		         : arena_printf(a, "%s \xe2\x86\x92 %s", measures_value(a, m->base, m->unit),
		               measures_value(a, m->head, m->unit)));
		value_list_group(list, o);
	}
}

static struct value_list *
products_data(struct arena *a, const struct products *products)
{
	struct value_list *list = value_list_new(a);

	for (size_t i = 0; i < products->n; i++) {
		const struct product *one = &products->p[i];
		struct values *o = values_new(a);
		page_set(o, "product", one->name);
		page_set(o, "product_type", one->type);
		page_set(o, "product_size", one->head >= 0 ? show_bytes(a, one->head) : NULL);
		page_set(o, "product_place", one->store_path);
		value_list_group(list, o);
	}
	return list;
}

int
measures_put(struct page *p, int64_t run, const char *drv, struct values *data, struct err *e)
{
	struct value_list *list = value_list_new(p->a);
	struct query query;
	struct run r;

	if (store_run_get(p->w->s, p->a, run, &r, e) != 0)
		return -1;
	if (r.query == NULL || strlen(r.query) > MAX_QUERY_BYTES)
		return 0;
	if (fields_read(&query_fields, p->a, str_of(r.query), "query", &query, e) != 0)
		return -1;
	for (size_t i = 0; query.sizes != NULL && i < query.sizes->packages.n; i++) {
		const struct package_sizes *one = &query.sizes->packages.p[i];
		if (!str_same(one->drv, drv))
			continue;
		add_size(list, "Outputs", one->output);
		add_size(list, "All it needs to run", one->closure);
		add_metrics(list, &one->metrics);
		values_list(data, "products", products_data(p->a, &one->products));
		break;
	}
	values_list(data, "measures", list);
	return 0;
}
