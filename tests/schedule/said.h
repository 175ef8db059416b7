/* Lists of what a test hands to the drivers here, as the structs that jobs have. Texts are the document's. */
#ifndef EKACI_TESTS_SCHEDULE_SAID_H
#define EKACI_TESTS_SCHEDULE_SAID_H

#include "records/list.h"

#include <jansson.h>

static inline struct texts
said_texts(struct arena *a, const json_t *list)
{
	struct texts all = {0};
	const json_t *text;
	size_t i;

	list_clear(a, &all);
	json_array_foreach(list, i, text)
		list_add(a, &all, json_string_value(text));
	return all;
}

static inline struct named_texts
said_options(struct arena *a, const json_t *object)
{
	struct named_texts all = {0};
	const char *name;
	json_t *text;

	list_clear(a, &all);
	json_object_foreach((json_t *)(uintptr_t)object, name, text)
		named_set(a, &all, name, json_string_value(text));
	return all;
}

#endif
