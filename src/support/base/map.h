/*
 * map - text to number, keeping the order of insertion.
 *
 * Open addressing over dense entries: entries stand in m->p[0..n-1] in the order they were added, so a map is also a
 * list, and the position of a key is its id. Keys are not copied: their bytes belong to the caller and must outlive
 * the map. The hash is keyed per process, so that hostile keys cannot be chosen to collide.
 */
#ifndef EKACI_SUPPORT_BASE_MAP_H
#define EKACI_SUPPORT_BASE_MAP_H

#include "support/base/str.h"

struct map_entry {
	struct str key;
	uint64_t hash;
	size_t value;
};

struct map {
	struct map_entry *p;
	size_t n, cap;
	uint32_t *slots; /* entry index + 1, or 0 when free */
	size_t nslots;   /* a power of two */
};

/* The entry of key, or NULL. Valid until the next map_add. */
struct map_entry *map_get(const struct map *m, struct str key);
/* The entry of key, added with value 0 when it was not there; *ret_added (may be NULL) tells which. */
struct map_entry *map_add(struct map *m, struct str key, bool *ret_added);
/* The same for a caller that has the key's hash already (map_hash), so that it is not made again. */
struct map_entry *map_add_hash(struct map *m, struct str key, uint64_t hash, bool *ret_added);
void map_release(struct map *m);

/* The keyed hash, for tables of other shapes. */
uint64_t map_hash(const void *p, size_t n);

#endif
