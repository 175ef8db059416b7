/* meta in any of its customary forms to one. */
#include "evaluate/meta.h"

#include <ctype.h>
#include <string.h>

enum { TEXT_BYTES = 2000, LIST_MAX = 100 };

static void
keep_text(json_t *to, const char *key, const json_t *from)
{
	/* Some give a list of homepages: the first one stands for all. */
	if (json_is_array(from))
		from = json_array_get(from, 0);
	if (!json_is_string(from) || json_string_length(from) == 0)
		return;
	struct str s = {json_string_value(from), json_string_length(from)};
	json_object_set_new(to, key, json_any_string(str_utf8_head(s, TEXT_BYTES)));
}

/* The first of names that item has as text, or the item itself when it is text. */
static const json_t *
name_in(const json_t *item, const char *const *names, size_t n)
{
	if (json_is_string(item))
		return item;
	for (size_t i = 0; i < n; i++) {
		const json_t *v = json_object_get(item, names[i]);
		if (json_is_string(v) && json_string_length(v) > 0)
			return v;
	}
	return NULL;
}

static void
keep_list(json_t *to, const char *key, const json_t *from, const char *const *names, size_t n)
{
	AUTO(json_drop) json_t *list = json_array();
	const json_t *item, *found;
	size_t i;

	if (json_is_array(from)) {
		json_array_foreach(from, i, item)
			if ((found = name_in(item, names, n)) != NULL && json_array_size(list) < LIST_MAX)
				json_array_append(list, (json_t *)(uintptr_t)found);
	} else if ((found = name_in(from, names, n)) != NULL) {
		json_array_append(list, (json_t *)(uintptr_t)found);
	}
	if (json_array_size(list) > 0)
		json_object_set(to, key, list);
}

/* As builtins.parseDrvName: the version begins after the first dash that no letter follows. */
static const char *
version_in(const char *name)
{
	for (const char *p = name; (p = strchr(p, '-')) != NULL; p++)
		if (p[1] != '\0' && !isalpha((unsigned char)p[1]))
			return p + 1;
	return NULL;
}

json_t *
meta_keep(const json_t *meta, const char *name)
{
	static const char *const licenses[] = {"spdxId", "shortName", "fullName"};
	static const char *const people[] = {"github", "name", "email"};
	static const char *const flags[] = {"broken", "insecure", "unfree"};
	json_t *to = json_object();
	const char *version = version_in(name);

	if (json_is_string(json_object_get(meta, "version")))
		keep_text(to, "version", json_object_get(meta, "version"));
	else if (version != NULL)
		json_object_set_new(to, "version", json_any_string(str_of(version)));
	keep_text(to, "description", json_object_get(meta, "description"));
	keep_text(to, "homepage", json_object_get(meta, "homepage"));
	keep_text(to, "position", json_object_get(meta, "position"));
	keep_list(to, "license", json_object_get(meta, "license"), licenses, COUNT(licenses));
	keep_list(to, "maintainers", json_object_get(meta, "maintainers"), people, COUNT(people));
	for (size_t i = 0; i < COUNT(flags); i++)
		if (json_is_true(json_object_get(meta, flags[i])))
			json_object_set_new(to, flags[i], json_true());
	return to;
}
