/* Which input of head stands for which of base. */
#include "graph/pairing.h"

#include <string.h>

enum { HASH_CHARS = 32 };

static bool
hash_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z' && c != 'e' && c != 'o' && c != 't' && c != 'u');
}

bool
side_next_ref(const struct drv_side *s, struct str text, size_t *at, size_t *start, const struct ref **ret)
{
	struct str dir = s->g->store_dir;

	while (*at < text.n) {
		const char *p = memmem(text.p + *at, text.n - *at, dir.p, dir.n);
		if (p == NULL)
			break;
		size_t from = (size_t)(p - text.p), hash = from + dir.n + 1, n = 0;
		*at = from + dir.n;
		if (text.n < hash + HASH_CHARS || text.p[hash - 1] != '/')
			continue;
		while (n < HASH_CHARS && hash_char(text.p[hash + n]))
			n++;
		if (n < HASH_CHARS)
			continue;
		struct map_entry *entry = map_get(&s->refs, (struct str){text.p + hash, HASH_CHARS});
		*ret = entry != NULL ? &s->ref[entry->value] : NULL;
		*start = from;
		*at = hash + HASH_CHARS;
		return true;
	}
	*at = text.n;
	return false;
}

static void
join(struct drv_side *base, size_t b, struct drv_side *head, size_t h)
{
	base->pair[b] = (int64_t)h;
	head->pair[h] = (int64_t)b;
}

static void
pair_same(struct drv_side *base, struct drv_side *head, const uint32_t *twin)
{
	struct map places = {0};

	for (size_t b = 0; b < base->n_in; b++)
		map_add(&places, (struct str){(const char *)&base->in[b], sizeof(base->in[b])}, NULL)->value = b;
	for (size_t h = 0; h < head->n_in; h++) {
		struct map_entry *same = map_get(&places, (struct str){(const char *)&head->in[h], sizeof(head->in[h])});
		if (same != NULL)
			join(base, same->value, head, h);
	}
	for (size_t h = 0; twin != NULL && h < head->n_in; h++) {
		uint32_t known = twin[head->in[h]];
		struct map_entry *entry = map_get(&places, (struct str){(const char *)&known, sizeof(known)});
		if (head->pair[h] < 0 && known != NO_NODE && entry != NULL && base->pair[entry->value] < 0)
			join(base, entry->value, head, h);
	}
	map_release(&places);
}

/* A name for pairing: whole, or without its version. */
enum by { BY_NAME, BY_STEM };

/* Sources do not stand for packages: without its version a fixed output has a name of its own kind. */
static struct str
name_of(struct arena *a, const struct drv_side *s, size_t i, enum by by)
{
	struct str name = closure_name(s->g, s->in[i]), stem, version;

	if (by == BY_NAME)
		return name;
	drv_split_name(name, &stem, &version);
	return str_of(arena_printf(a, STR_FMT "%s", STR_ARG(stem), s->g->flags.p[s->in[i]] & CLOSURE_FIXED ? " fixed" : ""));
}

enum how_many { ONLY_UNIQUE, IN_ORDER };

/* Pairs what is left by name. A list of unpaired inputs with equal names is walked in order. */
static void
pair_by(struct arena *a, struct drv_side *base, struct drv_side *head, enum by by, enum how_many how)
{
	struct map names = {0};
	int64_t *next = arena_alloc(a, base->n_in * sizeof(*next)); /* base inputs with equal names, as lists */
	size_t *n_head = arena_alloc(a, (base->n_in + 1) * sizeof(*n_head));

	for (size_t b = base->n_in; b-- > 0;) {
		if (base->pair[b] >= 0)
			continue;
		bool added;
		struct map_entry *entry = map_add(&names, name_of(a, base, b, by), &added);
		next[b] = added ? -1 : (int64_t)entry->value;
		entry->value = b;
	}
	for (size_t h = 0; h < head->n_in; h++) {
		struct map_entry *entry = head->pair[h] < 0 ? map_get(&names, name_of(a, head, h, by)) : NULL;
		if (entry != NULL)
			n_head[entry - names.p]++;
	}
	for (size_t h = 0; h < head->n_in; h++) {
		struct map_entry *entry = head->pair[h] < 0 ? map_get(&names, name_of(a, head, h, by)) : NULL;
		if (entry == NULL || entry->value == SIZE_MAX)
			continue;
		size_t b = entry->value;
		if (how == ONLY_UNIQUE && (next[b] >= 0 || n_head[entry - names.p] != 1))
			continue;
		join(base, b, head, h);
		entry->value = next[b] >= 0 ? (size_t)next[b] : SIZE_MAX;
	}
	map_release(&names);
}

static size_t
count_refs(const struct drv_side *s, struct str text)
{
	const struct ref *ref;
	size_t n = 0, at = 0, start;

	while (side_next_ref(s, text, &at, &start, &ref))
		n++;
	return n;
}

static void
pair_variable(struct arena *a, struct drv_side *base, struct str old, struct drv_side *head, struct str new)
{
	const struct ref *b, *h;
	size_t n = count_refs(base, old), at_b = 0, at_h = 0, start;

	if (n == 0 || n != count_refs(head, new))
		return;
	while (side_next_ref(base, old, &at_b, &start, &b) && side_next_ref(head, new, &at_h, &start, &h)) {
		if (b == NULL || h == NULL || b->kind != REF_INPUT || h->kind != REF_INPUT || base->pair[b->input] >= 0 ||
		    head->pair[h->input] >= 0)
			continue;
		bool content = base->g->flags.p[base->in[b->input]] & head->g->flags.p[head->in[h->input]] & CLOSURE_FIXED;
		if ((n == 1 && content) || str_eq(name_of(a, base, b->input, BY_STEM), name_of(a, head, h->input, BY_STEM)))
			join(base, b->input, head, h->input);
	}
}

static void
pair_by_variables(struct arena *a, struct drv_side *base, struct drv_side *head)
{
	for (size_t b = 0, h = 0; b < base->n_vars && h < head->n_vars;) {
		int c = str_cmp(base->vars[b].name, head->vars[h].name);
		if (c == 0)
			pair_variable(a, base, base->vars[b].value, head, head->vars[h].value);
		b += c <= 0;
		h += c >= 0;
	}
}

void
pairing_find(struct arena *a, struct drv_side *base, struct drv_side *head, const uint32_t *twin)
{
	pair_same(base, head, twin);
	pair_by(a, base, head, BY_NAME, ONLY_UNIQUE);
	pair_by_variables(a, base, head);
	pair_by(a, base, head, BY_STEM, ONLY_UNIQUE);
	pair_by(a, base, head, BY_NAME, IN_ORDER);
	pair_by(a, base, head, BY_STEM, IN_ORDER);
}
