/* Copying to binary caches, a batch at a time. */
#include "queue/push.h"

#include "records/building.h"
#include "store/pushes.h"
#include "support/base/clock.h"
#include "support/base/log.h"
#include "worker/pool.h"

enum {
	MAX_BATCH = 200, /* derivations in one copy */
	MAX_ATTEMPTS = 24,
	FIRST_MS = 30 * 1000,
	MAX_MS = 3600 * 1000,
	TROUBLE_MS = 10 * 1000
};

struct push {
	struct loop *l;
	struct store *s;
	const struct settings *settings;
	struct loop_timer *timer;
	struct arena a; /* of the batch under way */
	struct push_row rows[MAX_BATCH];
	size_t n;
	struct worker *worker;
	bool closing;
};

static int
write_end(struct push *p, const struct err *end, struct err *e)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct push_row *r = &p->rows[i];
		int rc;
		if (end->kind != ERR_NONE && r->attempts + 1 < MAX_ATTEMPTS) {
			rc = store_push_later(p->s, r->id, clock_now_ms() + clock_backoff_ms(FIRST_MS, MAX_MS, r->attempts),
			    end->msg, e);
		} else {
			if (end->kind != ERR_NONE)
				log_error("%s is not copied to %s: given up after %d attempts", r->drv, r->cache, MAX_ATTEMPTS);
			rc = store_push_done(p->s, r->id, e);
		}
		if (rc != 0)
			return -1;
	}
	return 0;
}

static void
on_end(void *ctx, const struct err *end, int64_t outside_ms)
{
	struct push *p = ctx;
	struct err e = {0};

	(void)outside_ms;
	p->worker = NULL;
	if (p->closing)
		return;
	if (end->kind == ERR_NONE)
		log_info("%zu derivations copied to %s", p->n, p->rows[0].cache);
	else
		log_warn("%zu derivations not copied to %s: %s", p->n, p->rows[0].cache, end->msg);
	if (store_begin(p->s, &e) != 0 || store_end(p->s, write_end(p, end, &e), &e) != 0)
		log_err(LOG_ERROR, "push", &e); /* copied once more: that changes nothing */
	loop_timer_set(p->timer, e.kind != ERR_NONE ? TROUBLE_MS : 0);
}

static int
begin(struct push *p, struct err *e)
{
	struct worker_events events = {.on_end = on_end, .ctx = p};
	struct push_job job = {.drvs.p = arena_alloc(&p->a, p->n * sizeof(*job.drvs.p)),
	    .cache = p->rows[0].cache,
	    .options = p->settings->build.nix_options};
	char *text;

	for (size_t i = 0; i < p->n; i++)
		job.drvs.p[job.drvs.n++] = p->rows[i].drv;
	if (fields_line(&push_job_fields, &p->a, &job, &text, e) != 0)
		return -1;
	return worker_start(p->l, "push", str_of(text), &events, &p->worker, e);
}

static void
look(void *ctx)
{
	struct push *p = ctx;
	int64_t due = INT64_MAX;
	struct err e;

	if (p->closing || p->worker != NULL)
		return;
	arena_release(&p->a);
	int rc = store_push_next(p->s, &p->a, clock_now_ms(), MAX_BATCH, p->rows, &p->n, &e);
	if (rc == 0 && p->n > 0)
		rc = begin(p, &e);
	else if (rc == 0)
		rc = store_push_due(p->s, &due, &e);
	if (rc != 0) {
		log_err(LOG_ERROR, "push", &e);
		loop_timer_set(p->timer, TROUBLE_MS);
	} else if (due != INT64_MAX) {
		loop_timer_set(p->timer, due - clock_now_ms() + 1);
	}
}

void
push_kick(struct push *p)
{
	if (!p->closing && p->worker == NULL)
		loop_timer_set(p->timer, 0);
}

int
push_run(struct push *p, int64_t run, struct err *e)
{
	struct arena a = {0};
	const struct texts caches = p->settings->cache.push;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < caches.n; i++)
		rc = store_push_run(p->s, run, caches.p[i], e);
	if (rc == 0 && caches.n > 0)
		push_kick(p);
	arena_release(&a);
	return rc;
}

struct push *
push_new(struct loop *l, struct store *s, const struct settings *settings)
{
	struct push *p = mem_alloc(sizeof(*p));

	*p = (struct push){.l = l, .s = s, .settings = settings};
	p->timer = loop_timer_new(l, "push", look, p);
	push_kick(p);
	return p;
}

static void
release(void *ctx)
{
	struct push *p = ctx;

	arena_release(&p->a);
	mem_free(&p);
}

void
push_free(struct push *p)
{
	if (p == NULL)
		return;
	p->closing = true;
	if (p->worker != NULL)
		worker_cancel(p->worker);
	loop_timer_free(p->timer);
	loop_put_off(p->l, release, p);
}
