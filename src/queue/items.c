/* Tables of things found by a number. */
#include "queue/items.h"

static size_t
slot_of(const struct table *t, uint64_t key)
{
	return (size_t)((key * 0x9e3779b97f4a7c15u) >> 20) & (t->nslots - 1);
}

struct keyed *
table_get(const struct table *t, uint64_t key)
{
	if (t->nslots == 0)
		return NULL;
	struct keyed *n = t->slots[slot_of(t, key)];
	while (n != NULL && n->key != key)
		n = n->next;
	return n;
}

void
table_put(struct table *t, struct keyed *n)
{
	if (t->n >= t->nslots) {
		struct table to = {.nslots = t->nslots > 0 ? t->nslots * 2 : 256, .n = t->n};
		to.slots = mem_alloc(to.nslots * sizeof(struct keyed *));
		for (size_t i = 0; i < t->nslots; i++) {
			for (struct keyed *x = t->slots[i], *next; x != NULL; x = next) {
				next = x->next;
				x->next = to.slots[slot_of(&to, x->key)];
				to.slots[slot_of(&to, x->key)] = x;
			}
		}
		mem_free(&t->slots);
		*t = to;
	}
	n->next = t->slots[slot_of(t, n->key)];
	t->slots[slot_of(t, n->key)] = n;
	t->n++;
}

void
table_remove(struct table *t, struct keyed *n)
{
	struct keyed **at = &t->slots[slot_of(t, n->key)];

	while (*at != n)
		at = &(*at)->next;
	*at = n->next;
	t->n--;
}

struct item *
item_get(const struct queue *q, int64_t id)
{
	return (struct item *)table_get(&q->items, (uint64_t)id);
}

bool
item_owned_by(const struct item *it, const struct pull *g)
{
	for (size_t i = 0; i < it->owners.n; i++)
		if (it->owners.p[i]->pull == g)
			return true;
	return false;
}
