/* `ekaci graph DRV...`: how far each derivation of a closure reaches. */
#include "formats/rows.h"
#include "graph/graph.h"
#include "graph/options.h"
#include "graph/spread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
graph_read_options(struct arena *a, int argc, char **argv, struct graph_options *ret)
{
	struct graph_options o = {.store_dir = "/nix/store", .drvs = arena_alloc(a, (size_t)argc * sizeof(*o.drvs))};

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			o.json = true;
		else if (strcmp(argv[i], "--real-store") == 0 && i + 1 < argc)
			o.real_dir = argv[++i];
		else if (strcmp(argv[i], "--store") == 0 && i + 1 < argc)
			o.store_dir = argv[++i];
		else if (argv[i][0] == '-')
			return -1;
		else
			o.drvs[o.n++] = argv[i];
	}
	*ret = o;
	return 0;
}

static void
print_graph_json(const struct closure *g, const struct spread *s, const struct radius *radius)
{
	AUTO(buf_release) struct buf b;

	buf_init(&b, SIZE_MAX / 4);
	buf_printf(&b, "{\"nodes\":%zu,\"edges\":%zu,\"derivations\":[", g->loaded, g->targets.n);
	for (uint32_t v = 0; v < g->loaded; v++) {
		buf_puts(&b, v == 0 ? "\n{\"drv\":\"" : ",\n{\"drv\":\"");
		closure_write_path(g, v, &b);
		buf_puts(&b, "\",\"name\":");
		rows_write_string(closure_name(g, v), &b);
		buf_puts(&b, ",\"system\":");
		rows_write_string(g->systems.p[g->system.p[v]].key, &b);
		buf_printf(&b, ",\"fixed_output\":%s,\"radius\":%u,\"inputs\":[",
		    g->flags.p[v] & CLOSURE_FIXED ? "true" : "false", radius[s->sub[v]].derivations);
		for (uint32_t k = g->off.p[v]; k < g->off.p[v + 1]; k++)
			buf_printf(&b, "%s%u", k != g->off.p[v] ? "," : "", g->targets.p[k]);
		buf_puts(&b, "]}");
	}
	buf_puts(&b, "]}\n");
	fwrite(b.p, 1, b.n, stdout);
}

struct ranked {
	uint32_t radius, node;
};

static int
compare_ranked(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->radius != y->radius)
		return x->radius < y->radius ? 1 : -1;
	return x->node < y->node ? -1 : x->node > y->node;
}

static void
print_graph(struct arena *a, const struct closure *g, const struct spread *s, const struct radius *radius)
{
	struct ranked *ranked = arena_alloc(a, s->n * sizeof(*ranked));

	printf("%zu derivations, %zu edges\n\n%10s  derivation\n", g->loaded, g->targets.n, "radius");
	for (uint32_t v = 0; v < s->n; v++)
		ranked[v] = (struct ranked){radius[v].derivations, s->node[v]};
	qsort(ranked, s->n, sizeof(*ranked), compare_ranked);
	for (uint32_t v = 0; v < s->n; v++)
		printf("%10u  %s\n", ranked[v].radius, closure_path(a, g, ranked[v].node));
}

static int
load_graph(struct arena *a, const struct graph_options *o, struct closure *g, struct spread *s, struct radius **ret,
    struct err *e)
{
	uint32_t node;

	for (size_t i = 0; i < o->n; i++)
		if (closure_root(g, str_of(o->drvs[i]), &node, e) != 0)
			return -1;
	if (closure_load(g, e) != 0 || spread_all(a, g, s, e) != 0)
		return -1;
	uint32_t *all = arena_alloc(a, s->n * sizeof(*all));
	struct radius *each = arena_alloc(a, (size_t)s->n * s->n_groups * sizeof(*each));
	for (uint32_t v = 0; v < s->n; v++)
		all[v] = v;
	spread_radius(s, NULL, all, s->n, each);
	*ret = arena_alloc(a, s->n * sizeof(**ret));
	for (size_t i = 0; i < (size_t)s->n * s->n_groups; i++)
		(*ret)[i / s->n_groups].derivations += each[i].derivations;
	return 0;
}

int
graph_command_graph(int argc, char **argv)
{
	struct arena a = {0};
	struct graph_options o;
	struct closure g = {0};
	struct spread s;
	struct radius *radius;
	struct err e = {0};

	if (graph_read_options(&a, argc, argv, &o) != 0 || o.n == 0) {
		arena_release(&a);
		fputs("ekaci graph: which derivations?\nsee ekaci graph --help\n", stderr);
		return 2;
	}
	closure_init(&g, o.store_dir, o.real_dir);
	int rc = load_graph(&a, &o, &g, &s, &radius, &e);
	if (rc != 0) {
		fprintf(stderr, "ekaci graph: %s\n", e.msg);
		rc = 2;
	} else if (o.json)
		print_graph_json(&g, &s, radius);
	else
		print_graph(&a, &g, &s, radius);
	closure_release(&g);
	arena_release(&a);
	return rc;
}
