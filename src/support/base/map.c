/* An insertion-ordered hash map from slices to numbers. */
#include "support/base/map.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static uint64_t
mix(uint64_t a, uint64_t b)
{
	__uint128_t r = (__uint128_t)a * b;

	return (uint64_t)r ^ (uint64_t)(r >> 64);
}

static uint64_t
hash_key(void)
{
	static uint64_t key;

	while (key == 0)
		if (getrandom(&key, sizeof(key), 0) != sizeof(key))
			key = 0x9e3779b97f4a7c15u ^ (uint64_t)(uintptr_t)&key;
	return key;
}

uint64_t
map_hash(const void *p, size_t n)
{
	const unsigned char *b = p;
	uint64_t h = hash_key() ^ mix(n + 0x8bb84b93962eacc9u, 0x4b33a62ed433d4a3u);
	uint64_t w;

	for (; n >= 8; n -= 8, b += 8) {
		memcpy(&w, b, 8);
		h = mix(h ^ w, 0x2d358dccaa6c78a5u);
	}
	w = 0;
	if (n != 0)
		memcpy(&w, b, n);
	return mix(h ^ w, 0x8bb84b93962eacc9u) ^ h;
}

static uint32_t *
find_slot(const struct map *m, struct str key, uint64_t hash)
{
	for (size_t i = hash & (m->nslots - 1);; i = (i + 1) & (m->nslots - 1)) {
		uint32_t at = m->slots[i];
		if (at == 0 || (m->p[at - 1].hash == hash && str_eq(m->p[at - 1].key, key)))
			return &m->slots[i];
	}
}

struct map_entry *
map_get(const struct map *m, struct str key)
{
	if (m->nslots == 0)
		return NULL;
	uint32_t at = *find_slot(m, key, map_hash(key.p, key.n));
	return at != 0 ? &m->p[at - 1] : NULL;
}

static void
grow(struct map *m)
{
	free(m->slots);
	m->nslots = m->nslots != 0 ? m->nslots * 2 : 16;
	m->slots = mem_alloc(m->nslots * sizeof(*m->slots));
	for (size_t e = 0; e < m->n; e++) {
		size_t i = m->p[e].hash & (m->nslots - 1);
		while (m->slots[i] != 0)
			i = (i + 1) & (m->nslots - 1);
		m->slots[i] = (uint32_t)(e + 1);
	}
}

struct map_entry *
map_add(struct map *m, struct str key, bool *ret_added)
{
	return map_add_hash(m, key, map_hash(key.p, key.n), ret_added);
}

struct map_entry *
map_add_hash(struct map *m, struct str key, uint64_t hash, bool *ret_added)
{
	if (m->n * 4 >= m->nslots * 3)
		grow(m);
	uint32_t *slot = find_slot(m, key, hash);
	if (ret_added != NULL)
		*ret_added = *slot == 0;
	if (*slot == 0) {
		struct map_entry entry = {.key = key, .hash = hash};
		vec_push(m, entry);
		*slot = (uint32_t)m->n;
	}
	return &m->p[*slot - 1];
}

void
map_release(struct map *m)
{
	free(m->p);
	free(m->slots);
	*m = (struct map){0};
}
