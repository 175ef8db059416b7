/* The stage: evaluations in, difference file out. */
#include "graph/cache.h"
#include "graph/carry.h"
#include "graph/costs.h"
#include "graph/graph.h"
#include "graph/result.h"
#include "support/base/log.h"
#include "support/os/files.h"

#include <string.h>

enum { MAX_RADII = 100 }; /* the widest; what is beyond is narrow */

void
difference_release(struct difference *d)
{
	attrs_release(&d->attrs);
	closure_release(&d->closure);
	arena_release(&d->a);
}

/* Base's closure, the mark, then head's. */
static int
load_closures(struct difference *d, const char *graph_dir, struct record_out *out, struct err *e)
{
	struct closure *g = &d->closure;
	VEC(uint32_t) heads = {0};

	record_progress(out, "derivations of base", (int64_t)g->nodes.n, -1);
	if (closure_load_kept(g, graph_dir, e) != 0)
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
look_for_commit(struct difference *d, const struct commit_name *commit)
{
	struct err e;

	d->knows_carry = carry_count(d, commit, &d->carry_commit, &e) == 0;
	if (!d->knows_carry)
		log_err(LOG_WARN, "what carries the commit's name is not known", &e);
}

static int
compute(struct difference *d, const struct diff_job *job, struct record_out *out, struct err *e)
{
	closure_init(&d->closure, job->store_dir != NULL ? job->store_dir : "/nix/store", job->real_store_dir);
	record_progress(out, "rows", 0, -1);
	if (attrs_read(&d->attrs, &d->closure, job->base.p, job->base.n, job->head.p, job->head.n, e) != 0 ||
	    load_closures(d, job->graph_dir, out, e) != 0)
		return -1;
	attrs_finish(&d->attrs, &d->closure, d->spread.must);
	if (job->commit != NULL)
		look_for_commit(d, job->commit);
	if (costs_find(d, job, e) != 0)
		return -1;
	record_progress(out, "causes", (int64_t)d->spread.n, -1);
	return difference_find_causes(d, e);
}

/* Head is the base of what comes after it: its graph is kept too, under the name it will be looked for by. */
static void
save_head(const struct difference *d, const struct diff_job *job)
{
	VEC(uint32_t) roots = {0};
	struct closure part;
	struct err e = {0};

	if (job->graph_dir == NULL)
		return;
	for (size_t i = 0; i < job->head.n; i++)
		for (size_t k = 0; k < d->attrs.v.n; k++) {
			const struct attr_entry *at = &d->attrs.v.p[k];
			if (at->head_node != NO_NODE && strcmp(at->job, job->head.p[i].job) == 0)
				vec_push(&roots, at->head_node);
		}
	size_t distinct = closure_part(&d->closure, roots.p, roots.n, &part);
	if (distinct != 0 && cache_save(&part, distinct, job->graph_dir, &e) != 0)
		log_err(LOG_WARN, "head's graph is not kept for the next time", &e);
	closure_release(&part);
	vec_release(&roots);
}

static int
emit(const struct difference *d, struct arena *a, const char *file, struct record_out *out, struct err *e)
{
	AUTO(buf_release) struct buf text;
	struct difference_record rec = {.file = file};

	buf_init(&text, SIZE_MAX / 4);
	difference_count(d, a, &rec.counts);
	rec.radii.n = d->n_roots < MAX_RADII ? d->n_roots : MAX_RADII;
	rec.radii.p = arena_alloc(a, (rec.radii.n + 1) * sizeof(*rec.radii.p));
	for (size_t i = 0; i < rec.radii.n; i++)
		rec.radii.p[i] = d->roots[i].total.derivations;
	if (difference_write(d, &rec.counts, &text, e) != 0 || files_write(file, buf_get(&text), 0600, FILES_NO_SYNC, e) != 0)
		return -1;
	return record_put(out, &difference_record_fields, &rec, e);
}

int
graph_stage_diff(struct arena *a, const void *what, struct record_out *out, struct err *e)
{
	const struct diff_job *job = what;
	struct difference d = {0};
	int rc = compute(&d, job, out, e);

	if (rc == 0)
		rc = emit(&d, a, job->out, out, e);
	if (rc == 0)
		save_head(&d, job);
	difference_release(&d);
	return rc;
}
