/* Where a branch is. */
#include "bot/moved.h"

#include "store/run.h"
#include "support/base/log.h"

#include <string.h>

/* When it is asked, each so long after the answer before. */
static const int64_t delays_ms[] = {0, 20 * 1000, 60 * 1000};

/* At most one of a repository. */
struct whereabouts {
	struct moved *m;
	struct whereabouts *next;
	struct arena a;
	struct event_repository repository;
	int64_t installation;
	const char *after; /* that the last push told of */
	size_t times;      /* that it was asked */
	struct loop_timer *timer;
	bool asking;
};

struct moved {
	struct bot_parts p;
	moved_tell_fn *fn;
	void *ctx;
	struct whereabouts *all;
	bool closing;
};

static void
forget(struct whereabouts *q)
{
	struct whereabouts **at = &q->m->all;

	while (*at != q)
		at = &(*at)->next;
	*at = q->next;
	loop_timer_free(q->timer);
	arena_release(&q->a);
	mem_free(&q);
}

/* 0 when nothing comes of it, too. */
static int
take(struct whereabouts *q, const char *head, struct err *e)
{
	AUTO(arena_release) struct arena a = {0};
	const char *branch = q->repository.default_branch;
	struct run newest;
	bool had = false;
	int rc = store_run_of(q->m->p.store, &a, q->repository.id, RUN_OF_BRANCH, false, &newest, e);

	if (rc != 0 || strcmp(newest.base_ref, branch) != 0 || strcmp(newest.head, head) == 0)
		return rc < 0 ? -1 : 0;
	if (strcmp(head, q->after) != 0 && store_branch_had(q->m->p.store, q->repository.id, branch, head, &had, e) != 0)
		return -1;
	if (had)
		return 0;
	struct event ev = {.kind = EVENT_PUSH, .installation.id = q->installation, .repository = q->repository};
	ev.push.ref = arena_printf(&a, "refs/heads/%s", branch);
	ev.push.before = newest.head;
	ev.push.after = head;
	return q->m->fn(q->m->ctx, &ev, e);
}

static void
on_branch(void *ctx, const struct forge_told *told, const struct err *why)
{
	struct whereabouts *q = ctx;
	struct err e;

	q->asking = false;
	if (why != NULL)
		log_err(LOG_INFO, "asking where a branch is", why);
	else if (!q->m->closing && take(q, told->head, &e) != 0)
		log_err(LOG_WARN, "asking where a branch is", &e);
	if (q->m->closing || q->times >= COUNT(delays_ms))
		forget(q);
	else
		loop_timer_set(q->timer, delays_ms[q->times]);
}

static void
ask(void *ctx)
{
	struct whereabouts *q = ctx;
	const struct forge_wanted wanted = {.what = FORGE_BRANCH,
	    .installation = q->installation,
	    .owner = q->repository.owner,
	    .repo = q->repository.name,
	    .branch = q->repository.default_branch};

	if (q->m->closing)
		return;
	q->asking = true;
	q->times++;
	send_list(q->m->p.sender, &wanted, on_branch, q);
}

static struct whereabouts *
whereabouts_of(struct moved *m, int64_t repository)
{
	struct whereabouts *q = m->all;

	while (q != NULL && q->repository.id != repository)
		q = q->next;
	if (q != NULL)
		return q;
	q = mem_alloc(sizeof(*q));
	*q = (struct whereabouts){.m = m, .next = m->all};
	q->timer = loop_timer_new(m->p.loop, "where a branch is", ask, q);
	return m->all = q;
}

void
moved_ask(struct moved *m, const struct event *ev)
{
	const struct event_repository *r = &ev->repository;
	struct whereabouts *q = whereabouts_of(m, r->id);

	/* What is being asked for reads the names that it was given. */
	if (!q->asking)
		arena_clear(&q->a);
	q->installation = ev->installation.id;
	q->repository = *r;
	q->repository.owner = arena_strdup(&q->a, r->owner);
	q->repository.name = arena_strdup(&q->a, r->name);
	q->repository.clone_url = arena_strdup(&q->a, r->clone_url);
	q->repository.default_branch = arena_strdup(&q->a, r->default_branch);
	q->after = arena_strdup(&q->a, ev->push.after);
	q->times = 0;
	if (!q->asking)
		loop_timer_set(q->timer, delays_ms[0]);
}

struct moved *
moved_new(const struct bot_parts *parts, moved_tell_fn *fn, void *ctx)
{
	struct moved *m = mem_alloc(sizeof(*m));

	*m = (struct moved){.p = *parts, .fn = fn, .ctx = ctx};
	return m;
}

static void
release(void *ctx)
{
	struct moved *m = ctx;

	while (m->all != NULL)
		forget(m->all);
	mem_free(&m);
}

void
moved_free(struct moved *m)
{
	if (m == NULL)
		return;
	m->closing = true;
	/* The loop closes what is open when it ends; what is still being asked is told before. */
	for (struct whereabouts *q = m->all; q != NULL; q = q->next) {
		loop_timer_free(q->timer);
		q->timer = NULL;
	}
	loop_put_off(m->p.loop, release, m);
}
