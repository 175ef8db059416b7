/* The order of ready builds: heaps of builds a pull request, heaps of pull requests a class. */
#include "queue/order.h"

#include <math.h>
#include <string.h>

/* --- entries of one lane ------------------------------------------------------------------------------------------- */

static bool
entry_before(const struct entry *a, const struct entry *b)
{
	if (a->path_ms != b->path_ms)
		return a->path_ms > b->path_ms;
	if (a->dependents != b->dependents)
		return a->dependents > b->dependents;
	return a->id < b->id;
}

static void
heap_push(struct heap *h, struct entry x)
{
	size_t i = h->v.n;

	vec_push(&h->v, x);
	for (; i > 0 && entry_before(&x, &h->v.p[(i - 1) / 2]); i = (i - 1) / 2)
		h->v.p[i] = h->v.p[(i - 1) / 2];
	h->v.p[i] = x;
}

static void
heap_pop(struct heap *h)
{
	struct entry x = h->v.p[--h->v.n];
	size_t i = 0, n = h->v.n;

	if (n == 0)
		return;
	for (;;) {
		size_t child = 2 * i + 1;
		if (child >= n)
			break;
		if (child + 1 < n && entry_before(&h->v.p[child + 1], &h->v.p[child]))
			child++;
		if (!entry_before(&h->v.p[child], &x))
			break;
		h->v.p[i] = h->v.p[child];
		i = child;
	}
	h->v.p[i] = x;
}

/* --- lanes of one class -------------------------------------------------------------------------------------------- */

static int
compare_lanes(const struct queue_lane *a, const struct queue_lane *b, const char **ret_rule)
{
	static const char *const rules[] = {"priority", "share used", "critical path", "dependents", "age"};
	const struct entry *x = &a->first.v.p[0], *y = &b->first.v.p[0];
	int rule = 4, sign = x->id < y->id ? -1 : x->id > y->id;

	if (a->pull->priority != b->pull->priority) {
		rule = 0;
		sign = a->pull->priority > b->pull->priority ? -1 : 1;
	} else if (a->pull->share != b->pull->share) {
		rule = 1;
		sign = a->pull->share < b->pull->share ? -1 : 1;
	} else if (x->path_ms != y->path_ms) {
		rule = 2;
		sign = x->path_ms > y->path_ms ? -1 : 1;
	} else if (x->dependents != y->dependents) {
		rule = 3;
		sign = x->dependents > y->dependents ? -1 : 1;
	}
	if (ret_rule != NULL)
		*ret_rule = rules[rule];
	return sign;
}

const char *
order_reason(const struct queue_lane *a, const struct queue_lane *b)
{
	const char *rule;

	(void)compare_lanes(a, b, &rule);
	return rule;
}

static void
put_lane(struct class *c, size_t i, struct queue_lane *l)
{
	c->lanes.p[i] = l;
	l->at = i + 1;
}

static void
sift(struct class *c, struct queue_lane *l)
{
	size_t i = l->at - 1;

	for (; i > 0 && compare_lanes(l, c->lanes.p[(i - 1) / 2], NULL) < 0; i = (i - 1) / 2)
		put_lane(c, i, c->lanes.p[(i - 1) / 2]);
	for (;;) {
		size_t child = 2 * i + 1;
		if (child >= c->lanes.n)
			break;
		if (child + 1 < c->lanes.n && compare_lanes(c->lanes.p[child + 1], c->lanes.p[child], NULL) < 0)
			child++;
		if (compare_lanes(c->lanes.p[child], l, NULL) >= 0)
			break;
		put_lane(c, i, c->lanes.p[child]);
		i = child;
	}
	put_lane(c, i, l);
}

/* Puts the lane back where it belongs among those of its class. To be called after any change of its entries or of its group. */
static void
fix_lane(struct queue_lane *l)
{
	struct class *c = l->class;

	if (l->first.v.n > 0 && l->at == 0) {
		vec_push(&c->lanes, l);
		l->at = c->lanes.n;
	} else if (l->first.v.n == 0 && l->at != 0) {
		struct queue_lane *last = c->lanes.p[--c->lanes.n];
		size_t hole = l->at - 1;
		l->at = 0;
		if (last == l)
			return;
		put_lane(c, hole, last);
		l = last;
	}
	if (l->at != 0)
		sift(c, l);
}

static struct queue_lane *
lane_of(struct pull *g, struct class *c)
{
	for (size_t i = 0; i < g->lanes.n; i++)
		if (g->lanes.p[i]->class == c)
			return g->lanes.p[i];
	struct queue_lane *l = mem_alloc(sizeof(*l));
	*l = (struct queue_lane){.class = c, .pull = g};
	vec_push(&g->lanes, l);
	return l;
}

void
order_push(struct queue *q, struct item *it, struct pull *g)
{
	struct queue_lane *l = lane_of(g, it->class);

	(void)q;
	heap_push(&l->first, (struct entry){it->path_ms, it->id, it->dependents.n});
	heap_push(&l->quick, (struct entry){-it->expected_ms, it->id, it->dependents.n});
	fix_lane(l);
}

static bool
first_of_pull(const struct item *it, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (it->owners.p[k]->pull == it->owners.p[i]->pull)
			return false;
	return true;
}

void
order_ready(struct queue *q, struct item *it)
{
	for (size_t i = 0; i < it->owners.n; i++)
		if (first_of_pull(it, i))
			order_push(q, it, it->owners.p[i]->pull);
}

void
order_pull_changed(struct queue *q, struct pull *g)
{
	(void)q;
	for (size_t i = 0; i < g->lanes.n; i++)
		if (g->lanes.p[i]->at != 0)
			fix_lane(g->lanes.p[i]);
}

/* --- share --------------------------------------------------------------------------------------------------------- */

/* All shares age alike, so instead of making the old ones smaller the new ones are made greater. */
static double
weight(struct queue *q, int64_t at)
{
	const int far = 500, half_life_ms = QUEUE_HALF_LIFE_MS;
	double halves = (double)(at - q->epoch) / half_life_ms;

	if (halves > far) { /* after half a year: before a double overflows, the epoch moves */
		for (size_t i = 0; i < q->pulls.nslots; i++)
			for (struct keyed *n = q->pulls.slots[i]; n != NULL; n = n->next)
				((struct pull *)n)->share = ldexp(((struct pull *)n)->share, -far);
		q->epoch += (int64_t)far * half_life_ms;
		halves -= far;
	}
	return exp2(halves);
}

void
order_charge(struct queue *q, struct pull *g, double ms, int64_t at)
{
	double share = ms * weight(q, at);

	g->share = g->share + share > 0 ? g->share + share : 0;
	order_pull_changed(q, g);
}

void
order_charge_item(struct queue *q, struct item *it, int64_t ms, int64_t at)
{
	size_t n = 0;

	for (size_t i = 0; i < it->owners.n; i++)
		n += first_of_pull(it, i);
	for (size_t i = 0; i < it->owners.n; i++)
		if (first_of_pull(it, i))
			order_charge(q, it->owners.p[i]->pull, (double)ms / (double)n, at);
}

/* --- postponed builds ---------------------------------------------------------------------------------------------- */

void
order_postpone(struct queue *q, struct item *it)
{
	struct postponed x = {it->not_before, it->id};
	size_t i = q->postponed.n;

	it->state = ITEM_POSTPONED;
	vec_push(&q->postponed, x);
	for (; i > 0 && x.at < q->postponed.p[(i - 1) / 2].at; i = (i - 1) / 2)
		q->postponed.p[i] = q->postponed.p[(i - 1) / 2];
	q->postponed.p[i] = x;
}

static void
pop_postponed(struct queue *q)
{
	struct postponed x = q->postponed.p[--q->postponed.n];
	size_t i = 0, n = q->postponed.n;

	for (size_t child; n > 0 && (child = 2 * i + 1) < n; i = child) {
		if (child + 1 < n && q->postponed.p[child + 1].at < q->postponed.p[child].at)
			child++;
		if (q->postponed.p[child].at >= x.at)
			break;
		q->postponed.p[i] = q->postponed.p[child];
	}
	if (n > 0)
		q->postponed.p[i] = x;
}

static void
release_due(struct queue *q, int64_t now)
{
	while (q->postponed.n > 0 && q->postponed.p[0].at <= now) {
		struct item *it = item_get(q, q->postponed.p[0].id);
		pop_postponed(q);
		if (it == NULL || it->state != ITEM_POSTPONED || it->not_before > now)
			continue;
		it->state = ITEM_READY;
		it->ready_since = q->now;
		it->class->ready++;
		q->n_ready++;
		order_ready(q, it);
	}
}

/* --- the choice ---------------------------------------------------------------------------------------------------- */

/* The build an entry stands for; NULL when it has changed since. */
static struct item *
current(const struct queue *q, const struct queue_lane *l, const struct entry *x)
{
	struct item *it = item_get(q, x->id);

	if (it == NULL || it->state != ITEM_READY || (x->path_ms >= 0 && it->path_ms != x->path_ms) ||
	    !item_owned_by(it, l->pull))
		return NULL;
	return it;
}

/* The first lane of a class with a build that is really ready. */
static struct queue_lane *
first_lane(struct queue *q, struct class *c)
{
	while (c->lanes.n > 0) {
		struct queue_lane *l = c->lanes.p[0];
		if (current(q, l, &l->first.v.p[0]) != NULL)
			return l;
		heap_pop(&l->first);
		if (l->first.v.n == 0)
			l->quick.v.n = 0;
		fix_lane(l);
	}
	return NULL;
}

/* Which build of a lane: by the rules, or the shortest when the pull request can afford it (queue.h). */
static struct item *
first_build(struct queue *q, struct queue_lane *l)
{
	const struct entry *top = &l->first.v.p[0];
	int64_t slots = l->class->slots, path_slots = slots / 4 > 1 ? slots / 4 : 1;

	struct item *it = current(q, l, top);
	if (it == NULL)
		return NULL;
	it->quick = false;
	if (l->pull->n_path < path_slots || l->pull->work_ms / 2 < top->path_ms * slots)
		return it;
	while (l->quick.v.n > 0) {
		struct item *quick = current(q, l, &l->quick.v.p[0]);
		if (quick != NULL) {
			quick->quick = true;
			return quick;
		}
		heap_pop(&l->quick);
	}
	return it;
}

static bool
pick_machine(const struct queue *q, const struct class *c, int64_t now, size_t *ret)
{
	double best = 0;
	bool found = false;

	for (size_t i = 0; i < c->fits.n; i++) {
		const struct machine *m = &q->machines[c->fits.p[i]];
		const struct queue_machine_state *s = &q->machine_states[c->fits.p[i]];
		/* After a rest one build tries whether the machine works again. */
		int64_t room = s->strikes >= QUEUE_STRIKES ? 1 : m->max_jobs;
		double load = (double)(s->running + 1) / ((double)m->max_jobs * m->speed);
		if (!q->roomy && (s->out_until > now || s->running >= room))
			continue;
		if (!found || load < best) {
			best = load;
			*ret = c->fits.p[i];
		}
		found = true;
	}
	return found;
}

struct queue_lane *
order_choose(struct queue *q, int64_t now, size_t *ret_machine, struct item **ret)
{
	struct queue_lane *best = NULL;

	release_due(q, now);
	for (size_t i = 0; i < q->classes.n; i++) {
		struct class *c = q->classes.p[i];
		size_t machine = 0;
		if (c->lanes.n == 0 || !pick_machine(q, c, now, &machine))
			continue;
		struct queue_lane *l = first_lane(q, c);
		if (l != NULL && (best == NULL || compare_lanes(l, best, NULL) < 0)) {
			best = l;
			*ret_machine = machine;
		}
	}
	struct item *chosen = best != NULL ? first_build(q, best) : NULL;
	if (chosen == NULL)
		return NULL;
	chosen->chosen_by = best->pull;
	*ret = chosen;
	return best;
}
