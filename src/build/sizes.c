/* Sizes of what is in the store or a cache on both sides. */
#include "build/sizes.h"

#include "nix/path_info.h"

#include <string.h>

static const char store_dir[] = "/nix/store";

static bool
known(const struct infos *q, const json_t *path)
{
	return json_is_string(path) && infos_where(q, json_string_value(path)) != INFOS_NOWHERE;
}

/* The output that stands for the whole: out, else the first that both sides have; NULL when there is none. */
static const char *
main_output(const struct infos *q, const json_t *base, const json_t *head)
{
	const char *name;
	json_t *path;

	if (known(q, json_object_get(base, "out")) && known(q, json_object_get(head, "out")))
		return "out";
	json_object_foreach((json_t *)(uintptr_t)head, name, path)
		if (known(q, path) && known(q, json_object_get(base, name)))
			return name;
	return NULL;
}

static json_t *
package(const struct infos *q, const json_t *attr)
{
	const json_t *base = json_at(attr, "base.outputs"), *head = json_at(attr, "head.outputs");
	const char *name, *which = main_output(q, base, head);
	json_t *path, *metrics = NULL, *products = NULL, *closure = NULL;
	int64_t bytes[2] = {0, 0}, all[2];

	if (which == NULL)
		return NULL;
	json_object_foreach((json_t *)(uintptr_t)head, name, path) {
		const json_t *old = json_object_get(base, name);
		if (!known(q, path) || !known(q, old))
			continue;
		bytes[0] += infos_size(q, json_string_value(old));
		bytes[1] += infos_size(q, json_string_value(path));
	}
	const char *b = json_str(base, which, ""), *h = json_str(head, which, "");
	all[0] = infos_closure_size(q, b);
	all[1] = infos_closure_size(q, h);
	if (all[0] >= 0 && all[1] >= 0)
		closure = json_pack("[I,I]", (json_int_t)all[0], (json_int_t)all[1]);
	if (infos_where(q, b) == INFOS_STORE && infos_where(q, h) == INFOS_STORE)
		sizes_files(store_dir, b, h, &metrics, &products);
	return json_pack("{s:O,s:O?,s:O?,s:O?,s:O?,s:[I,I],s:o?,s:o,s:o}", "path", json_object_get(attr, "path"), "job",
	    json_object_get(attr, "job"), "system", json_object_get(attr, "system"), "name", json_object_get(attr, "name"),
	    "drv", json_at(attr, "head.drv"), "output", (json_int_t)bytes[0], (json_int_t)bytes[1], "closure", closure,
	    "metrics", metrics != NULL ? metrics : json_array(), "products", products != NULL ? products : json_array());
}

static void
add_paths(const json_t *outputs, json_t *paths)
{
	const char *name;
	json_t *path;

	json_object_foreach((json_t *)(uintptr_t)outputs, name, path)
		if (json_is_string(path) && strncmp(json_string_value(path), store_dir, strlen(store_dir)) == 0)
			json_array_append(paths, path);
}

/* The rebuilt attributes that are looked at, aliases once; paths: all their outputs. */
static json_t *
candidates(const json_t *difference, json_t *paths, int64_t *left_out)
{
	const json_t *attr;
	json_t *list = json_array();
	size_t i;

	json_array_foreach(json_object_get(difference, "attributes"), i, attr) {
		const json_t *base = json_at(attr, "base.outputs"), *head = json_at(attr, "head.outputs");
		if (strcmp(json_str(attr, "class", ""), "rebuild") != 0 || json_is_array(json_object_get(attr, "alias_of")) ||
		    !json_is_object(base) || !json_is_object(head))
			continue;
		if (json_array_size(list) >= SIZES_MAX_PACKAGES) {
			++*left_out;
			continue;
		}
		json_array_append(list, (json_t *)(uintptr_t)attr);
		add_paths(base, paths);
		add_paths(head, paths);
	}
	return list;
}

static json_t *
on_both_sides(const struct infos *q, const json_t *list)
{
	json_t *paths = json_array();
	const json_t *attr;
	size_t i;

	json_array_foreach(list, i, attr) {
		const json_t *base = json_at(attr, "base.outputs"), *head = json_at(attr, "head.outputs");
		const char *name;
		json_t *path;
		json_object_foreach((json_t *)(uintptr_t)head, name, path)
			if (known(q, path) && known(q, json_object_get(base, name))) {
				json_array_append(paths, path);
				json_array_append(paths, json_object_get(base, name));
			}
	}
	return paths;
}

static bool
worth_telling(const json_t *p)
{
	static const char *const sizes[] = {"output", "closure"};

	for (size_t i = 0; i < COUNT(sizes); i++) {
		const json_t *both = json_object_get(p, sizes[i]);
		if (json_is_array(both) && !json_equal(json_array_get(both, 0), json_array_get(both, 1)))
			return p != NULL;
	}
	return json_array_size(json_object_get(p, "metrics")) + json_array_size(json_object_get(p, "products")) > 0;
}

static int
measure(struct infos *q, const json_t *difference, json_t **ret, struct err *e)
{
	AUTO(json_drop) json_t *paths = json_array();
	AUTO(json_drop) json_t *there = NULL;
	int64_t left_out = 0;
	AUTO(json_drop) json_t *list = candidates(difference, paths, &left_out);
	json_t *packages, *one;
	json_int_t compared = 0;
	size_t i;

	if (infos_find(q, paths, e) != 0)
		return -1;
	there = on_both_sides(q, list);
	if (infos_closures(q, there, e) != 0)
		return -1;
	packages = json_array();
	json_array_foreach(list, i, one) {
		json_t *p = package(q, one);
		compared += p != NULL;
		if (worth_telling(p))
			json_array_append(packages, p);
		json_decref(p);
	}
	*ret = json_pack("{s:s,s:I,s:I,s:o}", "type", "sizes", "compared", compared, "left_out", (json_int_t)left_out,
	    "packages", packages);
	return 0;
}

int
sizes_emit(const json_t *difference, const json_t *options, struct record_out *out, struct err *e)
{
	struct infos q;
	json_t *rec = NULL;

	infos_init(&q, options);
	int rc = measure(&q, difference, &rec, e);
	if (rc == 0)
		record_emit(out, rec);
	infos_release(&q);
	return rc;
}
