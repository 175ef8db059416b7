/* Sizes of what is valid on both sides. */
#include "schedule/sizes.h"

#include "schedule/stages.h"
#include "support/base/log.h"
#include "support/base/map.h"
#include "support/os/child.h"

#include <string.h>

enum {
	CHUNK = 8000, /* paths in one command line, as in query.c */
	WALL_MS = 5 * 60 * 1000,
	MAX_INFOS_BYTES = 512 * 1024 * 1024
};

static const char store_dir[] = "/nix/store";

struct asking {
	struct arena a;
	const json_t *options;
	struct map invalid; /* paths that are not there */
	struct buf text;
	json_t *infos;
};

static int
on_bytes(void *ctx, int fd, struct str bytes, struct err *e)
{
	struct asking *q = ctx;

	(void)e;
	if (fd == 1)
		buf_str(&q->text, bytes);
	return 0;
}

/* One program over all paths, a chunk at a time; what it printed for each goes to take. */
static int
ask(struct asking *q, const char *const *words, const json_t *paths, int (*take)(struct asking *q, struct err *e), struct err *e)
{
	for (size_t from = 0; from < json_array_size(paths); from += CHUNK) {
		struct schedule_argv argv = {0};
		struct child_result r = {0};
		for (size_t i = 0; words[i] != NULL; i++)
			vec_push(&argv.v, words[i]);
		schedule_options(&argv, &q->a, q->options);
		for (size_t i = from; i < json_array_size(paths) && i < from + CHUNK; i++)
			vec_push(&argv.v, json_string_value(json_array_get(paths, i)));
		vec_push(&argv.v, NULL);
		buf_init(&q->text, MAX_INFOS_BYTES);
		struct child c = {.argv = argv.v.p, .on_bytes = on_bytes, .ctx = q, .wall_ms = WALL_MS, .max_out_bytes = MAX_INFOS_BYTES};
		int rc = child_run(&c, &r, e);
		if (rc == 0 && (r.end != CHILD_EXITED || r.code != 0))
			rc = fail(e, r.end == CHILD_CANCELLED ? ERR_BUSY : ERR_SYSTEM, "%s ended with %d", words[0], r.code);
		if (rc == 0)
			rc = take(q, e);
		buf_release(&q->text);
		vec_release(&argv.v);
		if (rc != 0)
			return -1;
	}
	return 0;
}

static int
take_invalid(struct asking *q, struct err *e)
{
	(void)e;
	for (struct str rest = buf_get(&q->text); rest.n != 0;) {
		struct str line = str_trim(str_cut(rest, '\n', &rest));
		struct str kept = {str_dup(&q->a, line), line.n};
		map_add(&q->invalid, kept, NULL);
	}
	return 0;
}

static int
take_infos(struct asking *q, struct err *e)
{
	return sizes_read_infos(buf_get(&q->text), q->infos, e);
}

static const char *
file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

static void
read_info(const char *path, const json_t *info, json_t *into)
{
	json_t *refs = json_array();
	const json_t *ref;
	size_t i;

	if (!json_is_object(info) || !json_is_integer(json_object_get(info, "narSize"))) { /* null: not valid */
		json_decref(refs);
		return;
	}
	json_array_foreach(json_object_get(info, "references"), i, ref)
		if (json_is_string(ref))
			json_array_append_new(refs, json_string(file_name(json_string_value(ref))));
	json_object_set_new(into, file_name(path), json_pack("{s:O,s:o}", "narSize", json_object_get(info, "narSize"), "references", refs));
}

int
sizes_read_infos(struct str text, json_t *into, struct err *e)
{
	AUTO(json_drop) json_t *doc = NULL;
	const json_t *one, *list;
	const char *path;
	json_t *info;
	size_t i;

	if (json_read(text, "nix path-info", &doc, e) != 0)
		return -1;
	list = json_is_object(json_object_get(doc, "info")) ? json_object_get(doc, "info") : doc;
	if (!json_is_array(list) && !json_is_object(list))
		return fail(e, ERR_INPUT, "nix path-info: neither a list nor an object");
	json_array_foreach(list, i, one)
		read_info(json_str(one, "path", ""), one, into);
	json_object_foreach((json_t *)(uintptr_t)list, path, info)
		read_info(path, info, into);
	return 0;
}

/* Everything that path needs, once each. */
static int64_t
closure_size(const struct asking *q, const char *path)
{
	struct map seen = {0};
	VEC(const char *) stack = {0};
	int64_t bytes = 0;
	bool added;

	vec_push(&stack, file_name(path));
	map_add(&seen, str_of(stack.p[0]), &added);
	while (stack.n > 0) {
		const json_t *info = json_object_get(q->infos, stack.p[--stack.n]), *ref;
		size_t i;
		bytes += json_int(info, "narSize", 0);
		json_array_foreach(json_object_get(info, "references"), i, ref) {
			const char *name = json_string_value(ref);
			map_add(&seen, str_of(name), &added);
			if (added)
				vec_push(&stack, name);
		}
	}
	map_release(&seen);
	vec_release(&stack);
	return bytes;
}

static bool
valid(const struct asking *q, const json_t *path)
{
	return json_is_string(path) && map_get(&q->invalid, str_of(json_string_value(path))) == NULL;
}

/* The output that stands for the whole: out, else the first that both sides have; NULL when there is none. */
static const char *
main_output(const struct asking *q, const json_t *base, const json_t *head)
{
	const char *name;
	json_t *path;

	if (valid(q, json_object_get(base, "out")) && valid(q, json_object_get(head, "out")))
		return "out";
	json_object_foreach((json_t *)(uintptr_t)head, name, path)
		if (valid(q, path) && valid(q, json_object_get(base, name)))
			return name;
	return NULL;
}

static json_t *
package(const struct asking *q, const json_t *attr)
{
	const json_t *base = json_at(attr, "base.outputs"), *head = json_at(attr, "head.outputs");
	const char *name, *which = main_output(q, base, head);
	json_t *path, *metrics, *products;
	int64_t bytes[2] = {0, 0};

	if (which == NULL)
		return NULL;
	json_object_foreach((json_t *)(uintptr_t)head, name, path) {
		const json_t *old = json_object_get(base, name);
		if (!valid(q, path) || !valid(q, old))
			continue;
		bytes[0] += json_int(json_object_get(q->infos, file_name(json_string_value(old))), "narSize", 0);
		bytes[1] += json_int(json_object_get(q->infos, file_name(json_string_value(path))), "narSize", 0);
	}
	const char *b = json_str(base, which, ""), *h = json_str(head, which, "");
	sizes_files(store_dir, b, h, &metrics, &products);
	return json_pack("{s:O,s:O?,s:O?,s:O?,s:O?,s:[I,I],s:[I,I],s:o,s:o}", "path", json_object_get(attr, "path"), "job",
	    json_object_get(attr, "job"), "system", json_object_get(attr, "system"), "name", json_object_get(attr, "name"), "drv",
	    json_at(attr, "head.drv"), "output", (json_int_t)bytes[0], (json_int_t)bytes[1], "closure", (json_int_t)closure_size(q, b), (json_int_t)closure_size(q, h),
	    "metrics", metrics, "products", products);
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
only_valid(const struct asking *q, const json_t *list)
{
	json_t *paths = json_array();
	const json_t *attr;
	size_t i;

	json_array_foreach(list, i, attr) {
		const json_t *base = json_at(attr, "base.outputs"), *head = json_at(attr, "head.outputs");
		const char *name;
		json_t *path;
		json_object_foreach((json_t *)(uintptr_t)head, name, path)
			if (valid(q, path) && valid(q, json_object_get(base, name))) {
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
		if (!json_equal(json_array_get(both, 0), json_array_get(both, 1)))
			return p != NULL;
	}
	return json_array_size(json_object_get(p, "metrics")) + json_array_size(json_object_get(p, "products")) > 0;
}

static int
measure(struct asking *q, const json_t *difference, json_t **ret, struct err *e)
{
	static const char *const check[] = {"nix-store", "--check-validity", "--print-invalid", NULL};
	static const char *const info[] = {"nix", "--extra-experimental-features", "nix-command", "path-info", "-r", "--json", NULL};
	AUTO(json_drop) json_t *paths = json_array();
	AUTO(json_drop) json_t *there = NULL;
	int64_t left_out = 0;
	AUTO(json_drop) json_t *list = candidates(difference, paths, &left_out);
	json_t *packages, *one;
	json_int_t compared = 0;
	size_t i;

	if (ask(q, check, paths, take_invalid, e) != 0)
		return -1;
	there = only_valid(q, list);
	if (ask(q, info, there, take_infos, e) != 0)
		return -1;
	packages = json_array();
	json_array_foreach(list, i, one) {
		json_t *p = package(q, one);
		compared += p != NULL;
		if (worth_telling(p))
			json_array_append(packages, p);
		json_decref(p);
	}
	*ret = json_pack("{s:s,s:I,s:I,s:o}", "type", "sizes", "compared", compared, "left_out",
	    (json_int_t)left_out, "packages", packages);
	return 0;
}

int
sizes_emit(const json_t *difference, const json_t *options, struct record_out *out, struct err *e)
{
	struct asking q = {.options = options, .infos = json_object()};
	json_t *rec = NULL;
	int rc = measure(&q, difference, &rec, e);

	if (rc == 0)
		record_emit(out, rec);
	map_release(&q.invalid);
	json_decref(q.infos);
	arena_release(&q.a);
	return rc;
}
