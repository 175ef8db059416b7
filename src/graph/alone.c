/* Only because of it: what would not be rebuilt if one source of the change were taken out, and nothing else. */
#include "graph/alone.h"

#include <string.h>

/* Sources of several roots of which it is counted what they reach together, the widest: 64 cost a pass over the graph. */
enum { MAX_TOGETHER = 1024 };

enum { NOBODY = UINT32_MAX, SEVERAL = UINT32_MAX - 1 };

/* The attribute that a root is, or, of one that is none and that a single derivation needs, as a package's source, the attribute of that
 * one; NULL: neither. */
static const struct attr_entry *
owner_of(const struct difference *d, const struct root *r)
{
	const struct spread *s = &d->spread;

	if (r->n_attrs != 0)
		return &d->attrs.v.p[r->attrs[0]];
	if (r->used_by == NO_ATTR || s->up_off[r->sub + 1] - s->up_off[r->sub] != 1)
		return NULL;
	const struct attr_entry *user = &d->attrs.v.p[r->used_by];
	return s->sub[user->head_node] == s->up[s->up_off[r->sub]] ? user : NULL;
}

/* meta.position of the root's owner, "FILE:LINE"; empty when there is none. In a. */
static struct str
position_of(const struct difference *d, struct arena *a, const struct root *r)
{
	const struct attr_entry *at = owner_of(d, r);
	struct str text = at != NULL && at->head != NULL ? attrs_meta_text(a, at->head->meta, "position") : STR("");

	return str_utf8_ok(text) ? text : STR("");
}

static struct str
file_of(struct str position)
{
	for (size_t i = position.n; i-- > 0;)
		if (position.p[i] == ':')
			return (struct str){position.p, i};
	return STR("");
}

/* Gives each root its source: the first root of the same file, or of the same name where no file is known, and of the same
 * difference. */
static void
find_sources(struct difference *d, struct arena *a)
{
	struct map seen = {0};
	bool added;

	for (size_t i = 0; i < d->n_roots; i++) {
		struct root *r = &d->roots[i];
		AUTO(buf_release) struct buf key;
		buf_init(&key, SIZE_MAX / 4);
		r->position = position_of(d, &d->a, r);
		struct str file = file_of(r->position);
		buf_str(&key, file.n != 0 ? file : closure_name(&d->closure, r->node));
		buf_putc(&key, file.n != 0 ? '\n' : '\r'); /* a name is no file */
		for (size_t k = 0; k < r->n_what; k++) {
			buf_str(&key, r->what[k]);
			buf_putc(&key, '\n');
		}
		struct map_entry *entry = map_add(&seen, (struct str){arena_strn(a, key.p, key.n), key.n}, &added);
		if (added)
			entry->value = i;
		r->source = (uint32_t)entry->value;
	}
	map_release(&seen);
}

/* Of each derivation that must be rebuilt the one source that reaches it, itself included, or NOBODY, or SEVERAL. */
static uint32_t *
who_reaches(const struct difference *d, struct arena *a)
{
	const struct spread *s = &d->spread;
	uint32_t *who = arena_alloc(a, (s->n + 1) * sizeof(*who));

	memset(who, 0xff, (s->n + 1) * sizeof(*who));
	for (size_t i = 0; i < d->n_roots; i++)
		who[d->roots[i].sub] = d->roots[i].source;
	for (uint32_t v = 0; v < s->n; v++)
		for (uint32_t k = s->off[v]; k < s->off[v + 1] && who[v] != SEVERAL; k++) {
			uint32_t below = who[s->in[k]];
			if (below != NOBODY && below != who[v])
				who[v] = who[v] == NOBODY ? below : SEVERAL;
		}
	return who;
}

/* 64 counts at once: plane i has bit i of each. */
struct counts64 {
	uint64_t plane[64];
};

/* One more, times 2^bit, for each that has a bit in row. */
static void
counts64_add(struct counts64 *t, uint64_t row, unsigned bit)
{
	for (; row != 0; bit++) {
		uint64_t carry = t->plane[bit] & row;
		t->plane[bit] ^= row;
		row = carry;
	}
}

static uint32_t
counts64_of(const struct counts64 *t, size_t k)
{
	uint32_t count = 0;

	for (unsigned bit = 0; bit < 32; bit++)
		count |= (uint32_t)(t->plane[bit] >> k & 1) << bit;
	return count;
}

/* At most 64 sources, by their first roots, a bit each: adds up what they reach, their own roots left out. */
static void
count_together(struct difference *d, const uint32_t *weight, const uint32_t *first, size_t n, uint64_t *mine, uint64_t *bits)
{
	const struct spread *s = &d->spread;
	struct counts64 derivations = {0}, attributes = {0};
	uint32_t lowest = UINT32_MAX;

	memset(mine, 0, s->n * sizeof(*mine));
	for (size_t i = 0; i < d->n_roots; i++)
		for (size_t k = 0; k < n; k++)
			if (d->roots[i].source == first[k]) {
				mine[d->roots[i].sub] = (uint64_t)1 << k;
				lowest = d->roots[i].sub < lowest ? d->roots[i].sub : lowest;
			}
	for (uint32_t v = lowest; v < s->n; v++) {
		uint64_t row = 0;
		for (uint32_t k = s->off[v]; k < s->off[v + 1]; k++)
			if (s->in[k] >= lowest)
				row |= bits[s->in[k]];
		counts64_add(&derivations, row & ~mine[v], 0);
		for (uint32_t left = weight[v]; left != 0; left &= left - 1)
			counts64_add(&attributes, row & ~mine[v], (unsigned)__builtin_ctz(left));
		bits[v] = row | mine[v];
	}
	for (size_t k = 0; k < n; k++)
		d->roots[first[k]].together = (struct radius){counts64_of(&derivations, k), counts64_of(&attributes, k)};
}

/* What the roots of a source reach together: of one root its own radius, of several what at least one of them reaches. */
static void
find_together(struct difference *d, struct arena *a, const uint32_t *weight)
{
	uint32_t *first = arena_alloc(a, (d->n_roots + 1) * sizeof(*first)),
	         *roots = arena_alloc(a, (d->n_roots + 1) * sizeof(*roots));
	size_t n = 0;

	for (size_t i = 0; i < d->n_roots; i++)
		roots[d->roots[i].source]++;
	for (size_t i = 0; i < d->n_roots; i++) {
		d->roots[i].knows_together = roots[i] == 1 || (roots[i] > 1 && n < MAX_TOGETHER);
		if (roots[i] == 1)
			d->roots[i].together = d->roots[i].total;
		else if (d->roots[i].knows_together)
			first[n++] = (uint32_t)i;
	}
	uint64_t *mine = n != 0 ? arena_alloc(a, d->spread.n * sizeof(*mine)) : NULL;
	uint64_t *bits = n != 0 ? arena_alloc(a, d->spread.n * sizeof(*bits)) : NULL;
	for (size_t from = 0; from < n; from += 64)
		count_together(d, weight, first + from, n - from < 64 ? n - from : 64, mine, bits);
}

void
difference_find_alone(struct difference *d, const uint8_t *had_before, const uint32_t *weight)
{
	struct arena a = {0};

	find_sources(d, &a);
	const uint32_t *who = who_reaches(d, &a);
	uint8_t *is_root = arena_alloc(&a, d->spread.n + 1);
	for (size_t i = 0; i < d->n_roots; i++)
		is_root[d->roots[i].sub] = 1;
	for (uint32_t v = 0; v < d->spread.n; v++)
		if (had_before[v] && !is_root[v] && who[v] < SEVERAL)
			d->roots[who[v]].alone.derivations++;
	for (size_t i = 0; i < d->attrs.v.n; i++) {
		const struct attr_entry *at = &d->attrs.v.p[i];
		uint32_t v = at->class == CLASS_REBUILD && at->alias_of == NO_ATTR ? d->spread.sub[at->head_node] : NO_SUB;
		if (v != NO_SUB && !is_root[v] && who[v] < SEVERAL)
			d->roots[who[v]].alone.attributes++;
	}
	find_together(d, &a, weight);
	for (size_t i = 0; i < d->n_roots; i++) {
		const struct root *first = &d->roots[d->roots[i].source];
		d->roots[i].alone = first->alone;
		d->roots[i].together = first->together;
		d->roots[i].knows_together = first->knows_together;
	}
	arena_release(&a);
}
