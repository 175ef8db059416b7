/*
 * list - lists of fields.h that grow, in an arena.
 *
 * What an element points at is the caller's matter. Room is doubled when it is full, and the old one stays in the arena.
 * Only a list that was begun here (zeroed, or by list_clear) may be added to: one that was read has no room.
 */
#ifndef EKACI_RECORDS_LIST_H
#define EKACI_RECORDS_LIST_H

#include "records/fields.h"

/* list_add(a, &texts, "x"): appends one element to a LIST, struct texts, paths, ... */
#define list_add(a, list, element)                                                    \
	do {                                                                          \
		(list)->p = list_room((a), (list)->p, (list)->n, sizeof(*(list)->p)); \
		(list)->p[(list)->n++] = (element);                                   \
	} while (0)
/* Makes a list empty: written as [], where one without a place is null. */
#define list_clear(a, list)                                              \
	do {                                                             \
		(list)->p = list_room((a), NULL, 0, sizeof(*(list)->p)); \
		(list)->n = 0;                                           \
	} while (0)

/* p, or a copy of its n elements that has room for one more. For the macros above. */
void *list_room(struct arena *a, void *p, size_t n, size_t size);

bool texts_same(const struct texts *one, const struct texts *other);
bool texts_have(const struct texts *list, const char *text);
/* Whether path begins with the names of prefix; the empty one is before all. */
bool texts_begin(const struct texts *path, const struct texts *prefix);
bool paths_same(const struct paths *one, const struct paths *other);
/* The text of that name, or NULL. */
const char *named_find(const struct named_texts *list, const char *name);
/* Adds it, or takes the place of what has the name already. */
void named_set(struct arena *a, struct named_texts *list, const char *name, const char *text);
/* The texts with separator between them, in a; "" when there are none. */
const char *texts_join(struct arena *a, const struct texts *list, const char *separator);

#endif
