/* Who wants a build, and what a build wants of a machine. */
#include "queue/wants.h"

#include "queue/order.h"
#include "records/array.h"

#include <string.h>

void
wants_fit(struct queue *q, struct class *c)
{
	c->fits.n = 0;
	c->slots = 0;
	for (size_t i = 0; i < q->n_machines; i++) {
		if (machine_fits(&q->machines[i], c->system, c->features)) {
			vec_push(&c->fits, i);
			c->slots += q->machines[i].max_jobs;
		}
	}
}

/* NULL-terminated, of the text of the column; none where it cannot be read. */
static const char *const *
read_features(struct arena *a, const char *text)
{
	struct texts list = {0};
	struct err unread;

	if (array_read_texts(a, text, "features", &list, &unread) != 0)
		list.n = 0;
	const char **words = arena_alloc(a, (list.n + 1) * sizeof(*words));
	for (size_t i = 0; i < list.n; i++)
		words[i] = list.p[i];
	words[list.n] = NULL;
	return words;
}

struct class *
wants_class(struct queue *q, const char *system, const char *features)
{
	for (size_t i = 0; i < q->classes.n; i++) {
		struct class *c = q->classes.p[i];
		if (strcmp(c->system, system) == 0 && strcmp(c->features_text, features) == 0)
			return c;
	}
	struct class *c = mem_alloc(sizeof(*c));
	c->system = mem_strdup(system);
	c->features_text = mem_strdup(features);
	c->features = read_features(&c->a, features);
	wants_fit(q, c);
	vec_push(&q->classes, c);
	return c;
}

struct pull *
wants_pull(struct queue *q, int64_t repository, int64_t number)
{
	uint64_t key = (uint64_t)repository * 0x100000001b3u ^ (uint64_t)number;

	for (struct keyed *n = table_get(&q->pulls, key); n != NULL; n = n->next) {
		struct pull *g = (struct pull *)n;
		if (g->repository == repository && g->number == number)
			return g;
	}
	struct pull *g = mem_alloc(sizeof(*g));
	*g = (struct pull){.node.key = key, .repository = repository, .number = number};
	table_put(&q->pulls, &g->node);
	return g;
}

static void
pull_free(struct pull *g)
{
	for (size_t i = 0; i < g->lanes.n; i++) {
		vec_release(&g->lanes.p[i]->first.v);
		vec_release(&g->lanes.p[i]->quick.v);
		mem_free(&g->lanes.p[i]);
	}
	vec_release(&g->lanes);
	mem_free(&g);
}

struct owner *
wants_owner(struct queue *q, const struct queue_owner *o)
{
	struct owner *w = (struct owner *)table_get(&q->owners, (uint64_t)o->run);

	if (w == NULL) {
		w = mem_alloc(sizeof(*w));
		*w = (struct owner){.node.key = (uint64_t)o->run, .pull = wants_pull(q, o->repository, o->number)};
		w->pull->owners++;
		table_put(&q->owners, &w->node);
	}
	if (w->pull->priority != o->priority) {
		w->pull->priority = o->priority;
		order_pull_changed(q, w->pull);
	}
	return w;
}

void
wants_leave(struct queue *q, struct owner *w, const struct item *it)
{
	w->pull->work_ms -= it->expected_ms;
	if (--w->open > 0)
		return;
	w->pull->owners--;
	table_remove(&q->owners, &w->node);
	mem_free(&w);
}

void
wants_forget(struct queue *q)
{
	enum { MANY = 4096 };

	if (q->pulls.n < MANY || q->pulls.n < 4 * q->owners.n)
		return;
	for (size_t i = 0; i < q->pulls.nslots; i++) {
		for (struct keyed *n = q->pulls.slots[i], *next; n != NULL; n = next) {
			struct pull *g = (struct pull *)n;
			bool ready = false;
			next = n->next;
			for (size_t k = 0; k < g->lanes.n; k++)
				ready = ready || g->lanes.p[k]->at != 0;
			if (g->owners == 0 && !ready && g->share < 1) {
				table_remove(&q->pulls, n);
				pull_free(g);
			}
		}
	}
}

void
wants_free(struct queue *q)
{
	for (size_t i = 0; i < q->owners.nslots; i++)
		for (struct keyed *n = q->owners.slots[i], *next; n != NULL; n = next) {
			next = n->next;
			mem_free(&n);
		}
	for (size_t i = 0; i < q->pulls.nslots; i++)
		for (struct keyed *n = q->pulls.slots[i], *next; n != NULL; n = next) {
			next = n->next;
			pull_free((struct pull *)n);
		}
	for (size_t i = 0; i < q->classes.n; i++) {
		struct class *c = q->classes.p[i];
		mem_free(&c->system);
		mem_free(&c->features_text);
		vec_release(&c->fits);
		vec_release(&c->lanes);
		arena_release(&c->a);
		mem_free(&c);
	}
	mem_free(&q->owners.slots);
	mem_free(&q->pulls.slots);
	vec_release(&q->classes);
}
