/* The mirror of open builds: who waits for whom, who wants what, what has become ready. */
#include "queue/queue.h"

#include "queue/critical.h"
#include "queue/order.h"
#include "queue/wants.h"
#include "support/base/clock.h"
#include "support/base/map.h"

#include <string.h>

void
queue_machines(struct queue *q, const struct machine *machines, size_t n)
{
	q->machines = machines;
	q->n_machines = n;
	mem_free(&q->machine_states);
	q->machine_states = mem_alloc((n + 1) * sizeof(*q->machine_states));
	for (size_t i = 0; i < q->classes.n; i++)
		wants_fit(q, q->classes.p[i]);
}

/* --- builds -------------------------------------------------------------------------------------------------------- */

static void
unlink_from(struct item **list, size_t *n, const struct item *it)
{
	for (size_t i = 0; i < *n; i++) {
		if (list[i] == it) {
			list[i] = list[--*n];
			return;
		}
	}
}

static void
not_ready(struct queue *q, struct item *it)
{
	if (it->state == ITEM_READY) {
		it->class->ready--;
		q->n_ready--;
	}
	it->state = ITEM_WAITING;
}

static void
item_free(struct item *it)
{
	vec_release(&it->inputs);
	vec_release(&it->dependents);
	vec_release(&it->owners);
	mem_free(&it->drv);
	mem_free(&it->reason);
	mem_free(&it);
}

static void
touch(struct queue *q, const struct item *it)
{
	for (size_t i = 0; i < it->owners.n; i++) {
		int64_t run = (int64_t)it->owners.p[i]->node.key;
		if (q->touched.n == 0 || q->touched.p[q->touched.n - 1] != run)
			vec_push(&q->touched, run);
	}
}

/* Lets go of everything a build holds; those that are dying too are not told. */
static void
detach(struct queue *q, struct item *it)
{
	touch(q, it);
	for (size_t i = 0; i < it->owners.n; i++)
		wants_leave(q, it->owners.p[i], it);
	for (size_t i = 0; i < it->inputs.n; i++)
		if (!it->inputs.p[i]->dying)
			unlink_from(it->inputs.p[i]->dependents.p, &it->inputs.p[i]->dependents.n, it);
	for (size_t i = 0; i < it->dependents.n; i++)
		if (!it->dependents.p[i]->dying)
			unlink_from(it->dependents.p[i]->inputs.p, &it->dependents.p[i]->inputs.n, it);
	it->owners.n = it->inputs.n = it->dependents.n = 0;
	if (it->fresh)
		unlink_from(q->fresh.p, &q->fresh.n, it);
	for (size_t i = 0; i < q->raised.n; i++)
		if (q->raised.p[i] == it)
			q->raised.p[i--] = q->raised.p[--q->raised.n];
}

static void
free_machine(struct queue *q, struct item *it)
{
	if (it->state == ITEM_BUILDING) {
		q->n_building--;
		if (it->chosen_by != NULL) {
			it->chosen_by->n_path--;
			it->chosen_by->owners--;
			it->chosen_by = NULL;
		}
		if (it->machine >= 0)
			q->machine_states[it->machine].running--;
	}
}

static void
item_remove(struct queue *q, struct item *it)
{
	detach(q, it);
	free_machine(q, it);
	if (it->state != ITEM_BUILDING)
		not_ready(q, it);
	table_remove(&q->items, &it->node);
	item_free(it);
}

static void
becomes_ready(struct queue *q, struct item *it)
{
	if (it->state != ITEM_WAITING || it->inputs.n > 0 || it->dropped)
		return;
	if (it->not_before > 0) { /* its time may have come; queue_next looks */
		order_postpone(q, it);
		return;
	}
	it->state = ITEM_READY;
	it->ready_since = q->now;
	it->class->ready++;
	q->n_ready++;
	order_ready(q, it);
}

struct queue *
queue_new(int64_t now)
{
	struct queue *q = mem_alloc(sizeof(*q));

	q->epoch = now;
	return q;
}

void
queue_free(struct queue *q)
{
	if (q == NULL)
		return;
	for (size_t i = 0; i < q->items.nslots; i++)
		for (struct keyed *n = q->items.slots[i], *next; n != NULL; n = next) {
			next = n->next;
			item_free((struct item *)n);
		}
	wants_free(q);
	mem_free(&q->items.slots);
	mem_free(&q->machine_states);
	vec_release(&q->fresh);
	vec_release(&q->raised);
	vec_release(&q->postponed);
	vec_release(&q->touched);
	mem_free(&q);
}

bool
queue_has(const struct queue *q, int64_t id)
{
	const struct item *it = item_get(q, id);

	return it != NULL && !it->dropped;
}

void
queue_add(struct queue *q, const struct queue_build *b)
{
	struct item *it = item_get(q, b->id);

	if (it != NULL && !it->dropped)
		return;
	if (it == NULL) {
		it = mem_alloc(sizeof(*it));
		it->node.key = (uint64_t)b->id;
		it->id = b->id;
		it->drv = mem_strdup(b->drv);
		it->machine = -1;
		table_put(&q->items, &it->node);
	}
	/* One that was dropped while building is wanted again: it waits for the end of what is under way. */
	it->dropped = false;
	it->class = wants_class(q, b->system, b->features);
	it->expected_ms = b->expected_ms > 0 ? b->expected_ms : QUEUE_UNKNOWN_MS;
	it->path_ms = it->expected_ms;
	it->not_before = b->not_before;
	mem_free(&it->reason);
	it->reason = b->reason != NULL ? mem_strdup(b->reason) : NULL;
	if (b->building && it->state != ITEM_BUILDING) {
		it->state = ITEM_BUILDING;
		q->n_building++;
	}
	it->fresh = true;
	vec_push(&q->fresh, it);
}

void
queue_link(struct queue *q, int64_t build, int64_t input)
{
	struct item *b = item_get(q, build), *in = item_get(q, input);

	if (b == NULL || in == NULL || b == in || b->dropped || in->dropped || (b->state == ITEM_BUILDING && !b->fresh))
		return;
	for (size_t i = 0; i < b->inputs.n; i++)
		if (b->inputs.p[i] == in)
			return;
	vec_push(&b->inputs, in);
	vec_push(&in->dependents, b);
	if (b->state == ITEM_READY || b->state == ITEM_POSTPONED)
		not_ready(q, b);
	if (!b->fresh)
		vec_push(&q->raised, b);
}

void
queue_own(struct queue *q, int64_t id, const struct queue_owner *owners, size_t n)
{
	struct item *it = item_get(q, id);
	VEC(struct owner *) before;

	if (it == NULL || it->dropped)
		return;
	memcpy(&before, &it->owners, sizeof(before));
	memset(&it->owners, 0, sizeof(it->owners));
	for (size_t i = 0; i < n; i++) {
		struct owner *w = wants_owner(q, &owners[i]);
		w->open++;
		w->pull->work_ms += it->expected_ms;
		vec_push(&it->owners, w);
		bool known = false;
		for (size_t k = 0; k < before.n; k++)
			known = known || before.p[k]->pull == w->pull;
		for (size_t k = 0; k + 1 < it->owners.n; k++)
			known = known || it->owners.p[k]->pull == w->pull;
		if (it->state == ITEM_READY && !known)
			order_push(q, it, w->pull);
	}
	for (size_t i = 0; i < before.n; i++)
		wants_leave(q, before.p[i], it);
	vec_release(&before);
}

void
queue_drop(struct queue *q, int64_t id, int64_t now)
{
	struct item *it = item_get(q, id);

	(void)now;
	if (it == NULL || it->dropped)
		return;
	VEC(struct item *) above = {0};
	for (size_t i = 0; i < it->dependents.n; i++)
		vec_push(&above, it->dependents.p[i]);
	if (it->state == ITEM_BUILDING) {
		detach(q, it);
		it->fresh = false;
		it->dropped = true;
	} else {
		item_remove(q, it);
	}
	for (size_t i = 0; i < above.n; i++)
		becomes_ready(q, above.p[i]);
	vec_release(&above);
}

void
queue_settle(struct queue *q)
{
	critical_fresh(q);
	critical_raised(q);
	for (size_t i = 0; i < q->fresh.n; i++)
		q->fresh.p[i]->fresh = false;
	for (size_t i = 0; i < q->fresh.n; i++)
		becomes_ready(q, q->fresh.p[i]);
	q->fresh.n = 0;
	wants_forget(q);
}

void
queue_charge(struct queue *q, int64_t repository, int64_t number, int64_t ms, int64_t at)
{
	order_charge(q, wants_pull(q, repository, number), (double)ms, at);
}

/* --- starts and ends ----------------------------------------------------------------------------------------------- */

void
queue_at(struct queue *q, int64_t now)
{
	q->now = now;
}

int
queue_next(struct queue *q, int64_t now, struct queue_choice *ret)
{
	size_t machine = 0;
	struct item *it;

	if (order_choose(q, now, &machine, &it) == NULL)
		return 1;
	*ret = (struct queue_choice){it->id, now - it->ready_since, it->drv, it->class->system, machine};
	return 0;
}

int64_t
queue_wake(const struct queue *q, int64_t now)
{
	int64_t at = q->postponed.n > 0 ? q->postponed.p[0].at : INT64_MAX;

	if (q->n_ready > 0)
		for (size_t i = 0; i < q->n_machines; i++)
			if (q->machine_states[i].out_until > now && q->machine_states[i].out_until < at)
				at = q->machine_states[i].out_until;
	return at;
}

void
queue_started(struct queue *q, int64_t id, size_t machine, int64_t now)
{
	struct item *it = item_get(q, id);

	if (it == NULL || (it->state == ITEM_BUILDING && it->machine >= 0))
		return;
	if (it->state == ITEM_BUILDING) /* read from the database as under way: only its machine was not known */
		q->n_building--;
	else
		not_ready(q, it);
	it->state = ITEM_BUILDING;
	it->machine = (ptrdiff_t)machine;
	touch(q, it);
	if (it->chosen_by != NULL && !it->quick) {
		it->chosen_by->n_path++;
		it->chosen_by->owners++;
	} else {
		it->chosen_by = NULL;
	}
	it->started = now;
	it->charged_ms = it->expected_ms;
	q->n_building++;
	q->machine_states[machine].running++;
	order_charge_item(q, it, it->charged_ms, now);
}

static void
judge_machine(struct queue *q, const struct item *it, bool blamed, int64_t now)
{
	if (it->machine < 0 || q->machines[it->machine].uri == NULL)
		return; /* this machine is never out: there would be nobody to try it */
	struct queue_machine_state *s = &q->machine_states[it->machine];
	if (!blamed) {
		s->strikes = s->out_until = 0;
		return;
	}
	if (s->out_until > now || s->out_until > it->started) /* it was begun before the rest: known already */
		return;
	if (++s->strikes < QUEUE_STRIKES)
		return;
	s->out_until = now + clock_backoff_ms(QUEUE_OUT_FIRST_MS, QUEUE_OUT_MAX_MS, s->strikes - QUEUE_STRIKES);
}

/* A failed build and everything above it go. */
static void
remove_above(struct queue *q, struct item *first)
{
	VEC(struct item *) all = {0};

	vec_push(&all, first);
	first->dying = true;
	for (size_t i = 0; i < all.n; i++) {
		for (size_t k = 0; k < all.p[i]->dependents.n; k++) {
			struct item *d = all.p[i]->dependents.p[k];
			if (d->dying || d->state == ITEM_BUILDING)
				continue;
			d->dying = true;
			vec_push(&all, d);
		}
	}
	for (size_t i = 0; i < all.n; i++)
		detach(q, all.p[i]);
	for (size_t i = 0; i < all.n; i++)
		item_remove(q, all.p[i]);
	vec_release(&all);
}

static void
release_above(struct queue *q, struct item *it)
{
	VEC(struct item *) above = {0};

	for (size_t i = 0; i < it->dependents.n; i++)
		vec_push(&above, it->dependents.p[i]);
	item_remove(q, it);
	for (size_t i = 0; i < above.n; i++)
		becomes_ready(q, above.p[i]);
	vec_release(&above);
}

void
queue_ended(struct queue *q, int64_t id, enum queue_end end, bool blames_machine, int64_t wall_ms, int64_t not_before,
    const char *reason, int64_t now)
{
	struct item *it = item_get(q, id);

	if (it == NULL || it->state != ITEM_BUILDING)
		return;
	judge_machine(q, it, blames_machine, now);
	order_charge_item(q, it, wall_ms - it->charged_ms, now);
	it->charged_ms = 0;
	if (it->dropped) {
		item_remove(q, it);
	} else if (end == QUEUE_GOOD) {
		release_above(q, it);
	} else if (end == QUEUE_BAD) {
		remove_above(q, it);
	} else {
		touch(q, it);
		free_machine(q, it);
		it->machine = -1;
		it->state = ITEM_WAITING;
		it->not_before = not_before;
		mem_free(&it->reason);
		it->reason = reason != NULL ? mem_strdup(reason) : NULL;
		becomes_ready(q, it);
	}
}

int
queue_unsupported(struct queue *q, struct arena *a, int64_t *ret_id, const char **ret_reason)
{
	for (size_t i = 0; i < q->classes.n; i++) {
		struct class *c = q->classes.p[i];
		if (c->fits.n > 0 || c->ready == 0)
			continue;
		for (size_t k = 0; k < c->lanes.n; k++) {
			for (size_t j = 0; j < c->lanes.p[k]->first.v.n; j++) {
				const struct item *it = item_get(q, c->lanes.p[k]->first.v.p[j].id);
				if (it == NULL || it->state != ITEM_READY)
					continue;
				*ret_id = it->id;
				*ret_reason = machines_why_not(a, q->machines, q->n_machines, c->system, c->features);
				return 0;
			}
		}
	}
	return 1;
}

void
queue_refuse(struct queue *q, int64_t id)
{
	struct item *it = item_get(q, id);

	if (it != NULL && it->state != ITEM_BUILDING)
		remove_above(q, it);
}

void
queue_drain_touched(struct queue *q, void (*fn)(void *ctx, int64_t run), void *ctx)
{
	for (size_t i = 0; i < q->touched.n; i++)
		fn(ctx, q->touched.p[i]);
	q->touched.n = 0;
}

struct queue_put_back
queue_put_back(const struct queue *q, int64_t now)
{
	struct queue_put_back all = {0};

	for (size_t i = 0; q->postponed.n > 0 && i < q->items.nslots; i++) {
		for (const struct keyed *n = q->items.slots[i]; n != NULL; n = n->next) {
			const struct item *it = (const struct item *)n;
			if (it->state != ITEM_POSTPONED || it->not_before <= now)
				continue;
			if (all.n++ == 0 || it->not_before < all.until) {
				all.until = it->not_before;
				all.reason = it->reason;
			}
		}
	}
	return all;
}

size_t
queue_run_open(const struct queue *q, int64_t run)
{
	const struct owner *w = (const struct owner *)table_get(&q->owners, (uint64_t)run);

	return w != NULL ? w->open : 0;
}

struct queue_machine_state
queue_machine_state(const struct queue *q, size_t machine)
{
	return q->machine_states[machine];
}

struct queue_figures
queue_figures(const struct queue *q)
{
	return (struct queue_figures){.open = q->items.n,
	    .ready = q->n_ready,
	    .building = q->n_building,
	    .postponed = q->postponed.n,
	    .classes = q->classes.n,
	    .pulls = q->pulls.n};
}
