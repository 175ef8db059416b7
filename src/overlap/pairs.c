/* Spaces compared: who shares what, pair by pair and in groups. */
#include "overlap/spaces.h"
#include "support/base/map.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_WITH = 8, MAX_ROOTS = 3 };

#define NONE UINT32_MAX

/* --- numbers to places: open addressing, keys in the order they came --- */

struct numbering {
	uint64_t *keys;
	uint32_t *slots; /* place + 1; 0: free */
	size_t n, cap, mask;
	uint64_t salt; /* of this process: what a pull request is called is its author's choice */
};

static uint64_t
mix(uint64_t x)
{
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93u;
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93u;
	return x ^ x >> 32;
}

static void
table_init(struct arena *a, struct numbering *t, size_t cap)
{
	size_t slots = 16;

	while (slots < cap * 2)
		slots *= 2;
	*t = (struct numbering){.cap = cap, .mask = slots - 1, .salt = map_hash("salt", 4)};
	t->keys = arena_alloc(a, (cap + 1) * sizeof(*t->keys));
	t->slots = arena_alloc(a, slots * sizeof(*t->slots));
	memset(t->slots, 0, slots * sizeof(*t->slots));
}

/* The place of a key, which is added where it was not there. */
static uint32_t
table_add(struct numbering *t, uint64_t key, bool *ret_added)
{
	size_t i = mix(key ^ t->salt) & t->mask;

	for (; t->slots[i] != 0; i = (i + 1) & t->mask)
		if (t->keys[t->slots[i] - 1] == key) {
			*ret_added = false;
			return t->slots[i] - 1;
		}
	*ret_added = true;
	t->keys[t->n] = key;
	t->slots[i] = (uint32_t)++t->n;
	return (uint32_t)(t->n - 1);
}

/* The same without adding: NONE when it is not there. */
static uint32_t
table_find(const struct numbering *t, uint64_t key)
{
	for (size_t i = mix(key ^ t->salt) & t->mask; t->slots[i] != 0; i = (i + 1) & t->mask)
		if (t->keys[t->slots[i] - 1] == key)
			return t->slots[i] - 1;
	return NONE;
}

static int
by_number(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* --- all attributes that any of them rebuilds --- */

struct attribute {
	uint64_t is;     /* of names with the same derivation in base and in each head the same */
	uint64_t in;     /* of attributes that the same ones rebuild the same */
	uint32_t first;  /* its pull requests, a place in comparing.of */
	uint32_t n;      /* how many */
	uint32_t filled; /* of them, while they are being noted */
	uint64_t head;   /* its derivation in the first of them */
	bool differ;     /* in another one it is another */
	bool gone;
};

/* Attributes that the same pull requests rebuild; what they are counted as: aliases once, none that is gone. */
struct block {
	uint32_t attribute;       /* one of them: whose pull requests they are */
	uint32_t counted, shared; /* shared: with those that are gone */
};

struct overlapping {
	struct arena a;
	const struct overlap_pull *pulls;
	const struct space *of;
	size_t n;
	struct numbering keys; /* of attributes */
	struct attribute *attributes;
	uint32_t *owners;  /* of each attribute, n numbers from its `first` on */
	uint32_t **places; /* of each pull request's entries: which attribute */
	struct block *blocks;
	size_t n_blocks;
	uint32_t *shared; /* n times n; of i < k at i * n + k */
	uint32_t *group;  /* of each: one of its group, in the end the least */
	int64_t *apart;   /* of each: its derivations that no one before it has */
	int64_t *again;   /* of each: rebuilds of which another one has another derivation */
	bool **single;    /* of each one's entries: no other has the same derivation */
	struct common {
		uint32_t *heads; /* derivations that others have, too: of entries that count, ascending */
		size_t n;
	} * common;
};

static void
note_entries(struct overlapping *c)
{
	size_t all = 0;
	bool added;

	for (size_t i = 0; i < c->n; i++)
		all += c->of[i].n;
	table_init(&c->a, &c->keys, all);
	c->attributes = arena_alloc(&c->a, (all + 1) * sizeof(*c->attributes));
	c->places = arena_alloc(&c->a, (c->n + 1) * sizeof(*c->places));
	for (size_t i = 0; i < c->n; i++) {
		c->places[i] = arena_alloc(&c->a, (c->of[i].n + 1) * sizeof(**c->places));
		for (size_t k = 0; k < c->of[i].n; k++) {
			const struct space_entry *one = &c->of[i].rebuilt[k];
			uint32_t at = c->places[i][k] = table_add(&c->keys, one->key, &added);
			struct attribute *t = &c->attributes[at];
			if (added)
				*t = (struct attribute){.is = mix(one->base), .head = one->head};
			t->differ = t->differ || t->head != one->head;
			t->n++;
			t->is += mix(one->head ^ mix(i + 1));
			t->in += mix(i + 1);
		}
	}
	uint32_t first = 0;
	c->owners = arena_alloc(&c->a, (all + 1) * sizeof(*c->owners));
	for (size_t at = 0; at < c->keys.n; at++) {
		c->attributes[at].first = first;
		first += c->attributes[at].n;
	}
	for (size_t i = 0; i < c->n; i++)
		for (size_t k = 0; k < c->of[i].n; k++) {
			struct attribute *t = &c->attributes[c->places[i][k]];
			c->owners[t->first + t->filled++] = (uint32_t)i;
		}
}

/* Aliases once, and what the same pull requests rebuild as one block. */
static void
make_blocks(struct overlapping *c)
{
	struct numbering is, in;
	bool fresh, added;

	table_init(&c->a, &is, c->keys.n);
	table_init(&c->a, &in, c->keys.n);
	c->blocks = arena_alloc(&c->a, (c->keys.n + 1) * sizeof(*c->blocks));
	for (size_t at = 0; at < c->keys.n; at++) {
		const struct attribute *t = &c->attributes[at];
		(void)table_add(&is, t->is ^ mix(t->gone), &fresh);
		if (!fresh)
			continue;
		uint32_t b = table_add(&in, t->in, &added);
		if (added)
			c->blocks[b] = (struct block){.attribute = (uint32_t)at};
		c->blocks[b].shared++;
		c->blocks[b].counted += !t->gone;
	}
	c->n_blocks = in.n;
}

static uint32_t
group_of(struct overlapping *c, uint32_t i)
{
	while (c->group[i] != i)
		i = c->group[i] = c->group[c->group[i]];
	return i;
}

static void
join(struct overlapping *c, uint32_t x, uint32_t y)
{
	x = group_of(c, x);
	y = group_of(c, y);
	if (x < y)
		c->group[y] = x;
	else
		c->group[x] = y;
}

/* What one of them takes away is not rebuilt, whoever else would: the two belong together, too. */
static void
note_gone(struct overlapping *c)
{
	c->group = arena_alloc(&c->a, (c->n + 1) * sizeof(*c->group));
	for (size_t i = 0; i < c->n; i++)
		c->group[i] = (uint32_t)i;
	for (size_t i = 0; i < c->n; i++)
		for (size_t k = 0; k < c->of[i].n_gone; k++) {
			uint32_t at = table_find(&c->keys, c->of[i].gone[k]);
			if (at == NONE)
				continue;
			c->attributes[at].gone = true;
			join(c, (uint32_t)i, c->owners[c->attributes[at].first]);
		}
}

static void
count_pairs(struct overlapping *c)
{
	c->shared = arena_alloc(&c->a, (c->n * c->n + 1) * sizeof(*c->shared));
	memset(c->shared, 0, c->n * c->n * sizeof(*c->shared));
	for (size_t b = 0; b < c->n_blocks; b++) {
		const struct attribute *t = &c->attributes[c->blocks[b].attribute];
		const uint32_t *owners = c->owners + t->first; /* ascending */
		for (uint32_t i = 0; i < t->n; i++) {
			uint32_t *row = c->shared + owners[i] * c->n;
			for (uint32_t k = i + 1; k < t->n; k++)
				row[owners[k]] += c->blocks[b].shared;
		}
		for (uint32_t i = 1; i < t->n; i++)
			join(c, owners[0], owners[i]);
	}
}

static uint32_t
shared_by(const struct overlapping *c, size_t i, size_t k)
{
	return i < k ? c->shared[i * c->n + k] : c->shared[k * c->n + i];
}

/* Heads' derivations: how many of each pull request no one before it has, which are those of several, and which entries have no
 * alias in their own, so that they have none in any tree with it. */
static void
note_heads(struct overlapping *c)
{
	struct numbering heads;
	size_t all = 0;
	bool added;

	for (size_t i = 0; i < c->n; i++)
		all += c->of[i].n;
	table_init(&c->a, &heads, all);
	struct head_seen {
		uint32_t first, times; /* the first that has it; entries of the one at hand */
		bool others;
	} *seen = arena_alloc(&c->a, (all + 1) * sizeof(*seen));
	uint32_t **places = arena_alloc(&c->a, (c->n + 1) * sizeof(*places));
	c->apart = arena_alloc(&c->a, (c->n + 1) * sizeof(*c->apart));
	c->single = arena_alloc(&c->a, (c->n + 1) * sizeof(*c->single));
	c->common = arena_alloc(&c->a, (c->n + 1) * sizeof(*c->common));
	for (size_t i = 0; i < c->n; i++) {
		const struct space *s = &c->of[i];
		places[i] = arena_alloc(&c->a, (s->n + 1) * sizeof(**places));
		c->single[i] = arena_alloc(&c->a, s->n + 1);
		c->apart[i] = 0;
		for (size_t k = 0; k < s->n; k++) {
			uint32_t at = places[i][k] = table_add(&heads, s->rebuilt[k].head, &added);
			if (added)
				seen[at] = (struct head_seen){.first = (uint32_t)i};
			seen[at].times++;
			seen[at].others = seen[at].others || seen[at].first != i;
			c->apart[i] += s->rebuilt[k].counts && seen[at].first == i;
		}
		for (size_t k = 0; k < s->n; k++)
			c->single[i][k] = seen[places[i][k]].times == 1;
		for (size_t k = 0; k < s->n; k++)
			seen[places[i][k]].times = 0;
	}
	for (size_t i = 0; i < c->n; i++) {
		struct common *list = &c->common[i];
		*list = (struct common){0};
		for (size_t k = 0; k < c->of[i].n; k++)
			list->n += c->of[i].rebuilt[k].counts && seen[places[i][k]].others;
		list->heads = arena_alloc(&c->a, (list->n + 1) * sizeof(*list->heads));
		list->n = 0;
		for (size_t k = 0; k < c->of[i].n; k++)
			if (c->of[i].rebuilt[k].counts && seen[places[i][k]].others)
				list->heads[list->n++] = places[i][k];
		if (list->n > 1)
			qsort(list->heads, list->n, sizeof(*list->heads), by_number);
	}
}

/* --- two of them --- */

static bool
is_gone(const struct space *s, uint64_t key)
{
	size_t low = 0, high = s->n_gone;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (s->gone[middle] < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low < s->n_gone && s->gone[low] == key;
}

/* Derivations of y that x has, too. */
static int64_t
count_common(const struct common *x, const struct common *y)
{
	int64_t n = 0;

	for (size_t i = 0, k = 0; i < x->n && k < y->n;) {
		uint32_t one = x->heads[i], two = y->heads[k];
		n += one == two;
		i += one < two;
		k += two <= one;
	}
	return n;
}

static void
count_two(struct overlapping *c, size_t i, size_t k, struct overlap_with *ret)
{
	const struct space *x = &c->of[i], *y = &c->of[k];
	bool gone = x->n_gone > 0 || y->n_gone > 0;
	struct arena a = {0};
	struct numbering is = {0};

	for (size_t at = 0, by = 0; at < x->n || by < y->n;) {
		const struct space_entry *one = at < x->n ? &x->rebuilt[at] : NULL, *two = by < y->n ? &y->rebuilt[by] : NULL;
		if (one != NULL && two != NULL && one->key != two->key)
			*(one->key < two->key ? &two : &one) = NULL;
		bool single = (one != NULL && c->single[i][at]) || (two != NULL && c->single[k][by]), fresh = true;
		const struct space_entry *any = one != NULL ? one : two, *last = two != NULL ? two : one;
		if (any == NULL || last == NULL)
			break; /* both lists are at their ends */
		bool away = gone && (is_gone(x, any->key) || is_gone(y, any->key));
		at += one != NULL;
		by += two != NULL;
		if (!single) {
			uint64_t name = mix((i < k ? any : last)->base) ^ mix(away);
			name += one != NULL ? mix(one->head ^ mix(1)) : 0;
			name += two != NULL ? mix(two->head ^ mix(2)) : 0;
			if (is.slots == NULL)
				table_init(&a, &is, x->n + y->n);
			(void)table_add(&is, name, &fresh);
		}
		if (!fresh)
			continue;
		ret->together += !away;
		ret->shared += one != NULL && two != NULL;
		ret->same += one != NULL && two != NULL && one->head == two->head;
	}
	ret->apart = x->rebuilds + y->rebuilds - count_common(&c->common[i], &c->common[k]);
	arena_release(&a);
}

static void
add_roots(struct arena *a, const struct space *x, const struct space *y, struct overlap_with *ret)
{
	ret->roots.p = arena_alloc(a, MAX_ROOTS * sizeof(*ret->roots.p));
	for (size_t i = 0, k = 0; i < x->n_roots && k < y->n_roots;) {
		uint64_t one = x->roots[i].key, two = y->roots[k].key;
		if (one == two && ret->roots_total++ < MAX_ROOTS)
			ret->roots.p[ret->roots.n++] = arena_strdup(a, x->roots[i].name);
		i += one <= two;
		k += two <= one;
	}
}

struct most {
	uint32_t shared, at;
};

static int
most_first(const void *a, const void *b)
{
	const struct most *x = a, *y = b;

	if (x->shared != y->shared)
		return x->shared < y->shared ? 1 : -1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static void
tell_one(struct arena *a, struct overlapping *c, size_t i, struct most *others, struct overlap_told *ret)
{
	size_t n = 0;

	*ret = (struct overlap_told){.number = c->pulls[i].number, .run = c->pulls[i].run, .rebuilds = c->of[i].rebuilds};
	c->again[i] = 0;
	for (size_t k = 0; k < c->of[i].n; k++) {
		const struct attribute *t = &c->attributes[c->places[i][k]];
		ret->shared += c->of[i].rebuilt[k].counts && t->n > 1;
		c->again[i] += c->of[i].rebuilt[k].counts && t->differ;
	}
	for (size_t k = 0; k < c->n; k++)
		if (k != i && shared_by(c, i, k) > 0)
			others[n++] = (struct most){shared_by(c, i, k), (uint32_t)k};
	qsort(others, n, sizeof(*others), most_first);
	ret->others = (int64_t)n;
	ret->with.p = arena_alloc(a, MAX_WITH * sizeof(*ret->with.p));
	for (size_t k = 0; k < n && k < MAX_WITH; k++) {
		struct overlap_with *with = &ret->with.p[ret->with.n++];
		*with = (struct overlap_with){.number = c->pulls[others[k].at].number};
		count_two(c, i, others[k].at, with);
		add_roots(a, &c->of[i], &c->of[others[k].at], with);
	}
}

static int
saves_most(const void *a, const void *b)
{
	const struct overlap_group *x = a, *y = b;
	int64_t by_x = x->apart - x->together, by_y = y->apart - y->together;

	if (by_x != by_y)
		return by_x < by_y ? 1 : -1;
	return x->pulls.p[0] < y->pulls.p[0] ? -1 : 1;
}

static void
tell_groups(struct arena *a, struct overlapping *c, struct overlaps_told *ret)
{
	struct overlap_group **of = arena_alloc(a, (c->n + 1) * sizeof(struct overlap_group *));
	uint32_t *sizes = arena_alloc(a, (c->n + 1) * sizeof(*sizes));

	memset(of, 0, (c->n + 1) * sizeof(struct overlap_group *));
	memset(sizes, 0, (c->n + 1) * sizeof(*sizes));
	for (size_t i = 0; i < c->n; i++)
		sizes[group_of(c, (uint32_t)i)]++;
	*ret = (struct overlaps_told){.groups.p = arena_alloc(a, (c->n + 1) * sizeof(*ret->groups.p))};
	ret->alone.p = arena_alloc(a, (c->n + 1) * sizeof(*ret->alone.p));
	ret->unread.p = arena_alloc(a, sizeof(*ret->unread.p));
	for (uint32_t i = 0; i < c->n; i++) {
		uint32_t g = group_of(c, i);
		if (sizes[g] == 1) {
			ret->alone.p[ret->alone.n++] = c->pulls[i].number;
			continue;
		}
		if (of[g] == NULL) {
			of[g] = &ret->groups.p[ret->groups.n++];
			*of[g] = (struct overlap_group){.pulls.p = arena_alloc(a, sizes[g] * sizeof(int64_t))};
		}
		struct overlap_group *group = of[g];
		group->pulls.p[group->pulls.n++] = c->pulls[i].number;
		group->apart += c->apart[i];
		if (c->pulls[i].green && c->again[i] > group->again) {
			group->first = c->pulls[i].number;
			group->again = c->again[i];
		}
	}
	for (size_t b = 0; b < c->n_blocks; b++) {
		struct overlap_group *group = of[group_of(c, c->owners[c->attributes[c->blocks[b].attribute].first])];
		if (group != NULL)
			group->together += c->blocks[b].counted;
	}
	qsort(ret->groups.p, ret->groups.n, sizeof(*ret->groups.p), saves_most);
}

void
overlap_compare(struct arena *a, const struct overlap_pull *pulls, const struct space *of, size_t n, struct overlap_told *told,
    struct overlaps_told *all)
{
	struct overlapping c = {.pulls = pulls, .of = of, .n = n};

	note_entries(&c);
	note_gone(&c);
	make_blocks(&c);
	count_pairs(&c);
	note_heads(&c);
	struct most *others = arena_alloc(&c.a, (n + 1) * sizeof(*others));
	c.again = arena_alloc(&c.a, (n + 1) * sizeof(*c.again));
	for (size_t i = 0; i < n; i++)
		tell_one(a, &c, i, others, &told[i]);
	tell_groups(a, &c, all);
	arena_release(&c.a);
}
