/* From rows to the queue. */
#include "queue/replica.h"

enum {
	MAX_CHANGES = 256,             /* runs looked at in one turn */
	USED_MS = 3 * 24 * 3600 * 1000 /* what is older weighs less than a five-hundredth */
};

struct mirroring {
	struct queue *q;
	int64_t now;
};

static void
on_build(void *ctx, const struct open_build *b)
{
	struct mirroring *r = ctx;
	struct queue_build add = {.id = b->id,
	    .drv = b->drv,
	    .system = b->system,
	    .features = b->features,
	    .expected_ms = b->expected_ms,
	    .not_before = b->not_before,
	    .building = b->state == BUILD_BUILDING,
	    .reason = b->reason};

	queue_add(r->q, &add);
}

static void
on_ended(void *ctx, int64_t build)
{
	struct mirroring *r = ctx;

	queue_drop(r->q, build, r->now);
}

static void
on_input(void *ctx, int64_t build, int64_t input)
{
	struct mirroring *r = ctx;

	queue_link(r->q, build, input);
}

static void
on_owners(void *ctx, int64_t build, const struct open_owner *owners, size_t n)
{
	struct mirroring *r = ctx;
	VEC(struct queue_owner) v = {0};

	for (size_t i = 0; i < n; i++) {
		struct queue_owner o = {owners[i].run, owners[i].repository, owners[i].number, owners[i].priority};
		vec_push(&v, o);
	}
	queue_own(r->q, build, v.p, v.n);
	vec_release(&v);
}

static void
on_used(void *ctx, int64_t repository, int64_t number, int64_t at, int64_t ms)
{
	struct mirroring *r = ctx;

	queue_charge(r->q, repository, number, ms, at);
}

static int
read_run(struct queue *q, struct store *s, int64_t run, int64_t now, struct err *e)
{
	struct mirroring r = {q, now};
	struct open_reader reader = {on_build, on_ended, on_input, on_owners, &r};

	return store_open_read(s, run, &reader, e);
}

int
replica_load(struct queue *q, struct store *s, int64_t now, struct err *e)
{
	struct mirroring r = {q, now};

	if (store_build_used(s, now - USED_MS, on_used, &r, e) != 0 || read_run(q, s, 0, now, e) != 0)
		return -1;
	queue_settle(q);
	return 0;
}

int
replica_follow(struct queue *q, struct store *s, int64_t now, struct err *e)
{
	int64_t runs[MAX_CHANGES];
	size_t n = 0;

	if (store_build_changes(s, runs, MAX_CHANGES, &n, e) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (read_run(q, s, runs[i], now, e) != 0)
			return -1;
	if (n > 0)
		queue_settle(q);
	return n > 0;
}
