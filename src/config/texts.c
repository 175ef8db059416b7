/* Lists and objects of texts. */
#include "config/texts.h"

#include "support/base/mem.h"

struct texts
config_texts(struct arena *a, const json_t *list)
{
	struct texts all = {.p = arena_alloc(a, (json_array_size(list) + 1) * sizeof(*all.p))};
	const json_t *text;
	size_t i;

	json_array_foreach(list, i, text)
		all.p[all.n++] = json_string_value(text);
	return all;
}

struct named_texts
config_named(struct arena *a, const json_t *object)
{
	struct named_texts all = {.p = arena_alloc(a, (json_object_size(object) + 1) * sizeof(*all.p))};
	const char *name;
	json_t *text;

	json_object_foreach((json_t *)(uintptr_t)object, name, text)
		all.p[all.n++] = (struct named_text){name, json_string_value(text)};
	return all;
}
