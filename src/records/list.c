/* Lists: growing, comparing, finding. */
#include "records/list.h"

#include <string.h>

enum { FIRST_ROOM = 4 };

void *
list_room(struct arena *a, void *p, size_t n, size_t size)
{
	bool power_of_two = (n & (n - 1)) == 0;

	/* Room was made for FIRST_ROOM, and then for twice as many each time it was full. */
	if (p != NULL && (n < FIRST_ROOM || !power_of_two))
		return p;
	void *larger = arena_alloc(a, (n < FIRST_ROOM ? FIRST_ROOM : 2 * n) * size);
	if (p != NULL)
		memcpy(larger, p, n * size);
	return larger;
}

bool
texts_begin(const struct texts *path, const struct texts *prefix)
{
	if (prefix->n > path->n)
		return false;
	for (size_t i = 0; i < prefix->n; i++)
		if (strcmp(path->p[i], prefix->p[i]) != 0)
			return false;
	return true;
}

bool
texts_same(const struct texts *one, const struct texts *other)
{
	return one->n == other->n && texts_begin(one, other);
}

bool
texts_have(const struct texts *list, const char *text)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->p[i], text) == 0)
			return true;
	return false;
}

bool
paths_same(const struct paths *one, const struct paths *other)
{
	if (one->n != other->n)
		return false;
	for (size_t i = 0; i < one->n; i++)
		if (!texts_same(&one->p[i], &other->p[i]))
			return false;
	return true;
}

const char *
named_find(const struct named_texts *list, const char *name)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->p[i].name, name) == 0)
			return list->p[i].text;
	return NULL;
}

void
named_set(struct arena *a, struct named_texts *list, const char *name, const char *text)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->p[i].name, name) == 0) {
			list->p[i].text = text;
			return;
		}
	list_add(a, list, ((struct named_text){name, text}));
}

const char *
texts_join(struct arena *a, const struct texts *list, const char *separator)
{
	AUTO(buf_release) struct buf text;

	buf_init(&text, SIZE_MAX / 4);
	for (size_t i = 0; i < list->n; i++)
		buf_printf(&text, "%s%s", i > 0 ? separator : "", list->p[i]);
	return arena_strn(a, text.p, text.n);
}
