/* How long what waits for a build will take at least. */
#include "queue/critical.h"

#include "queue/order.h"

static void
measure(struct item *it)
{
	int64_t longest = 0;

	for (size_t i = 0; i < it->dependents.n; i++)
		if (it->dependents.p[i]->path_ms > longest)
			longest = it->dependents.p[i]->path_ms;
	it->path_ms = it->expected_ms + longest;
}

/* New builds, those nobody waits for first: each is measured once. */
void
critical_fresh(struct queue *q)
{
	VEC(struct item *) todo = {0};

	for (size_t i = 0; i < q->fresh.n; i++) {
		struct item *it = q->fresh.p[i];
		it->pending = 0;
		for (size_t k = 0; k < it->dependents.n; k++)
			it->pending += it->dependents.p[k]->fresh;
		if (it->pending == 0)
			vec_push(&todo, it);
	}
	for (size_t i = 0; i < todo.n; i++) {
		struct item *it = todo.p[i];
		measure(it);
		for (size_t k = 0; k < it->inputs.n; k++) {
			struct item *in = it->inputs.p[k];
			if (!in->fresh)
				vec_push(&q->raised, it);
			else if (--in->pending == 0)
				vec_push(&todo, in);
		}
	}
	vec_release(&todo);
}

/* Paths below grow where a longer one was put on top. */
void
critical_raised(struct queue *q)
{
	for (size_t i = 0; i < q->raised.n; i++) {
		const struct item *it = q->raised.p[i];
		for (size_t k = 0; k < it->inputs.n; k++) {
			struct item *in = it->inputs.p[k];
			if (in->path_ms >= in->expected_ms + it->path_ms)
				continue;
			in->path_ms = in->expected_ms + it->path_ms;
			if (in->state == ITEM_READY)
				order_ready(q, in);
			vec_push(&q->raised, in);
		}
	}
	q->raised.n = 0;
}
