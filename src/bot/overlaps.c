/* Pull requests beside each other. */
#include "bot/overlaps.h"

#include "records/all.h"
#include "records/overlap.h"
#include "store/overlapped.h"
#include "support/base/log.h"
#include "worker/pool.h"

#include <inttypes.h>
#include <string.h>

enum {
	GATHER_MS = 2000, /* what changes meanwhile is compared together */
	MAX_PULLS = 1000  /* of a repository, the newest */
};

struct overlaps {
	struct bot_parts p;
	struct loop_timer *timer;
	struct arena a; /* of what is being compared */
	struct overlap_due due;
	VEC(struct overlap_text) told;
	bool set, busy, broken, closing;
};

static void
set(struct overlaps *o)
{
	if (o->set || o->busy || o->closing)
		return;
	o->set = true;
	loop_timer_set(o->timer, GATHER_MS);
}

/* As text, by its table: what is stored is what a table of this program reads. */
static int
take(struct overlaps *o, struct str line, struct err *e)
{
	struct arena a = {0};
	struct record rec;
	char *text = NULL;
	int rc = record_read(&a, line, &rec, e);
	bool of_all = rc == 0 && rec.of == &overlaps_told_fields;

	if (rc == 0 && (of_all || rec.of == &overlap_told_fields)) {
		rc = fields_line(rec.of, &o->a, rec.is, &text, e);
		if (rc == 0)
			vec_push(&o->told,
			    ((struct overlap_text){of_all ? 0 : ((const struct overlap_told *)rec.is)->number, text}));
	}
	arena_release(&a);
	return rc;
}

static void
on_record(void *ctx, struct str line)
{
	struct overlaps *o = ctx;
	struct err e;

	if (take(o, line, &e) == 0)
		return;
	log_err(LOG_WARN, "overlap", &e);
	o->broken = true;
}

/* What could not be compared is left until something changes again. */
static void
on_end(void *ctx, const struct err *why, int64_t outside_ms)
{
	struct overlaps *o = ctx;
	bool good = why->kind == ERR_NONE && !o->broken;
	struct err e;

	(void)outside_ms;
	o->busy = false;
	if (!o->closing) {
		if (why->kind != ERR_NONE)
			log_err(LOG_WARN, "overlap", why);
		if (store_overlap_put(o->p.store, &o->due, o->told.p, good ? o->told.n : 0, &e) != 0)
			log_err(LOG_WARN, "overlap", &e);
		set(o);
	}
	o->told.n = 0;
	arena_clear(&o->a);
}

static int
begin(struct overlaps *o, struct arena *a, struct err *e)
{
	struct worker_events events = {on_record, on_end, o};
	struct overlap_open *open;
	struct overlap_job job;
	struct worker *w;
	char *line;

	if (store_overlap_open(o->p.store, a, o->due.repository, MAX_PULLS, &open, &job.pulls.n, e) != 0)
		return -1;
	job.pulls.p = arena_alloc(a, (job.pulls.n + 1) * sizeof(*job.pulls.p));
	for (size_t i = 0, last = job.pulls.n - 1; i < job.pulls.n; i++)
		job.pulls.p[last - i] = (struct overlap_pull){.number = open[i].number,
		    .run = open[i].run,
		    .green = open[i].verdict != NULL && strcmp(open[i].verdict, "success") == 0,
		    .difference = open[i].difference,
		    .space = arena_printf(a, "%s/runs/%" PRId64 "/space", o->p.settings->state.dir, open[i].run)};
	if (fields_line(&overlap_job_fields, a, &job, &line, e) != 0)
		return -1;
	return worker_start(o->p.loop, "overlap", str_of(line), &events, &w, e);
}

static void
look(void *ctx)
{
	struct overlaps *o = ctx;
	struct arena a = {0};
	struct err e;

	o->set = false;
	if (o->busy || o->closing)
		return;
	int rc = store_overlap_due(o->p.store, &o->due, &e);
	if (rc == 0) {
		o->broken = false;
		rc = begin(o, &a, &e);
		o->busy = rc == 0;
	}
	if (rc < 0)
		log_err(LOG_WARN, "overlap", &e);
	arena_release(&a);
}

struct overlaps *
overlaps_new(const struct bot_parts *parts)
{
	struct overlaps *o = mem_alloc(sizeof(*o));

	o->p = *parts;
	o->timer = loop_timer_new(parts->loop, "overlaps", look, o);
	return o;
}

void
overlaps_look(struct overlaps *o)
{
	set(o);
}

static void
release(void *ctx)
{
	struct overlaps *o = ctx;

	vec_release(&o->told);
	arena_release(&o->a);
	mem_free(&o);
}

void
overlaps_free(struct overlaps *o)
{
	if (o == NULL)
		return;
	o->closing = true;
	loop_timer_free(o->timer);
	loop_put_off(o->p.loop, release, o);
}
