/* The stage: evaluations in, difference file out. */
#include "graph/cache.h"
#include "graph/carry.h"
#include "graph/difference.h"
#include "graph/graph.h"
#include "support/base/log.h"
#include "support/os/files.h"

#include <string.h>

void
difference_release(struct difference *d)
{
	attrs_release(&d->attrs);
	closure_release(&d->closure);
	arena_release(&d->a);
}

static int
files_of(struct arena *a, const json_t *job, const char *side, struct evaluation_file **ret, size_t *ret_n, struct err *e)
{
	const json_t *list = json_object_get(job, side), *v;
	size_t n = json_array_size(list), i;
	struct evaluation_file *files = arena_alloc(a, n * sizeof(*files));

	if (!json_is_array(list))
		return fail(e, ERR_INPUT, "the member \"%s\" is missing or no list", side);
	json_array_foreach(list, i, v)
		if (json_need_str(v, "job", &files[i].job, e) != 0 || json_need_str(v, "file", &files[i].file, e) != 0)
			return fail_in(e, "%s %zu", side, i);
	*ret = files;
	*ret_n = n;
	return 0;
}

/* Base's closure: from its graph file when there is one, else from the derivations. */
static int
load_base(struct closure *g, const char *graph_dir, struct err *e)
{
	size_t n_roots = g->nodes.n;
	struct err unsaved = {0};

	if (graph_dir != NULL && n_roots != 0 && cache_load(g, graph_dir) == 1)
		return 0;
	if (closure_load(g, e) != 0)
		return fail_in(e, "base");
	if (graph_dir != NULL && n_roots != 0 && cache_save(g, n_roots, graph_dir, &unsaved) != 0)
		log_err(LOG_WARN, "the graph is not kept for the next time", &unsaved);
	return 0;
}

/* Base's closure, the mark, then head's. */
static int
load_closures(struct difference *d, const char *graph_dir, struct record_out *out, struct err *e)
{
	struct closure *g = &d->closure;
	VEC(uint32_t) heads = {0};

	record_progress(out, "derivations of base", (int64_t)g->nodes.n, -1);
	if (load_base(g, graph_dir, e) != 0)
		return -1;
	d->mark = g->nodes.n;
	record_progress(out, "derivations of head", (int64_t)g->nodes.n, -1);
	if (attrs_add_head(&d->attrs, g, e) != 0 || closure_load(g, e) != 0)
		return fail_in(e, "head");
	for (size_t i = 0; i < d->attrs.v.n; i++)
		if (d->attrs.v.p[i].head_node != NO_NODE)
			vec_push(&heads, d->attrs.v.p[i].head_node);
	int rc = spread_init(&d->a, g, d->mark, heads.p, heads.n, &d->spread, e);
	vec_release(&heads);
	return rc;
}

static void
look_for_commit(struct difference *d, const json_t *commit)
{
	struct err e;

	d->knows_carry = carry_count(d, commit, &d->carry_commit, &e) == 0;
	if (!d->knows_carry)
		log_err(LOG_WARN, "what carries the commit's name is not known", &e);
}

static int
compute(struct difference *d, const json_t *job, struct record_out *out, struct err *e)
{
	struct evaluation_file *base, *head;
	size_t n_base, n_head;
	const char *store_dir = json_str(job, "store_dir", "/nix/store");

	closure_init(&d->closure, store_dir, json_str(job, "real_store_dir", NULL));
	if (files_of(&d->a, job, "base", &base, &n_base, e) != 0 || files_of(&d->a, job, "head", &head, &n_head, e) != 0)
		return -1;
	record_progress(out, "rows", 0, -1);
	if (attrs_read(&d->attrs, &d->closure, base, n_base, head, n_head, e) != 0 ||
	    load_closures(d, json_str(job, "graph_dir", NULL), out, e) != 0)
		return -1;
	attrs_finish(&d->attrs, &d->closure, d->spread.must);
	if (json_is_object(json_object_get(job, "commit")))
		look_for_commit(d, json_object_get(job, "commit"));
	record_progress(out, "causes", (int64_t)d->spread.n, -1);
	return difference_find_causes(d, e);
}

/* Head is the base of what comes after it: its graph is kept too, under the name it will be looked for by. */
static void
save_head(const struct difference *d, const json_t *job)
{
	const char *graph_dir = json_str(job, "graph_dir", NULL);
	const json_t *list = json_object_get(job, "head"), *v;
	VEC(uint32_t) roots = {0};
	struct closure part;
	struct err e = {0};
	size_t i;

	if (graph_dir == NULL)
		return;
	json_array_foreach(list, i, v)
		for (size_t k = 0; k < d->attrs.v.n; k++) {
			const struct attr *at = &d->attrs.v.p[k];
			if (at->head_node != NO_NODE && strcmp(at->job, json_str(v, "job", "")) == 0)
				vec_push(&roots, at->head_node);
		}
	size_t distinct = closure_part(&d->closure, roots.p, roots.n, &part);
	if (distinct != 0 && cache_save(&part, distinct, graph_dir, &e) != 0)
		log_err(LOG_WARN, "head's graph is not kept for the next time", &e);
	closure_release(&part);
	vec_release(&roots);
}

static int
emit(const struct difference *d, const char *file, struct record_out *out, struct err *e)
{
	AUTO(buf_release) struct buf text;
	AUTO(buf_release) struct buf counts_text;
	AUTO(json_drop) json_t *counts = NULL;

	buf_init(&text, SIZE_MAX / 4);
	buf_init(&counts_text, SIZE_MAX / 4);
	difference_write(d, &text);
	difference_write_counts(d, &counts_text);
	if (json_read(buf_get(&counts_text), "counts", &counts, e) != 0)
		return -1;
	if (files_write(file, buf_get(&text), 0600, FILES_NO_SYNC, e) != 0)
		return -1;
	record_emit(out, json_pack("{s:s,s:s,s:O}", "type", "difference", "file", file, "counts", counts));
	return 0;
}

int
graph_stage_diff(const json_t *job, struct record_out *out, struct err *e)
{
	struct difference d = {0};
	const char *file;
	int rc = json_need_str(job, "out", &file, e);

	if (rc == 0)
		rc = compute(&d, job, out, e);
	if (rc == 0)
		rc = emit(&d, file, out, e);
	if (rc == 0)
		save_head(&d, job);
	difference_release(&d);
	return rc;
}
