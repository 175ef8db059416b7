/* Sizes and references of store paths: one program over all of them for the store, and one for each cache. */
#include "nix/path_info.h"

#include "nix/settings.h"
#include "support/base/log.h"
#include "support/os/child.h"

#include <string.h>

enum {
	CHUNK = 8000, /* paths in one command line, as in query.c */
	WALL_MS = 5 * 60 * 1000,
	CACHE_WALL_MS = 90 * 1000, /* a slow cache must not hold a report for long */
	MAX_INFOS_BYTES = 512 * 1024 * 1024,
	MAX_LEVELS = 200 /* of references that are spread over several caches */
};

static const char store_dir[] = "/nix/store";

#define NIX "nix", "--extra-experimental-features", "nix-command"

void
infos_init(struct infos *q, const json_t *options)
{
	*q = (struct infos){.options = options, .by_name = json_object()};
}

void
infos_release(struct infos *q)
{
	map_release(&q->asked);
	json_drop(&q->by_name);
	json_drop(&q->caches);
	arena_release(&q->a);
}

static int
on_bytes(void *ctx, int fd, struct str bytes, struct err *e)
{
	struct infos *q = ctx;

	(void)e;
	if (fd == 1)
		buf_str(&q->text, bytes);
	return 0;
}

typedef int take_fn(struct infos *q, struct err *e); /* reads q->text */

/* One program over paths from..to; what it printed goes to take. */
static int
ask_some(struct infos *q, const char *const *words, const json_t *paths, size_t from, size_t to, int64_t wall_ms, take_fn *take,
    struct err *e)
{
	struct nix_argv argv = {0};
	struct child_result r = {0};

	for (size_t i = 0; words[i] != NULL; i++)
		vec_push(&argv.v, words[i]);
	nix_argv_options(&argv, &q->a, q->options);
	for (size_t i = from; i < to; i++)
		vec_push(&argv.v, json_string_value(json_array_get(paths, i)));
	vec_push(&argv.v, NULL);
	buf_init(&q->text, MAX_INFOS_BYTES);
	struct child c = {.argv = argv.v.p,
	    .on_bytes = on_bytes,
	    .ctx = q,
	    .wall_ms = wall_ms,
	    .max_out_bytes = MAX_INFOS_BYTES};
	int rc = child_run(&c, &r, e);
	if (rc == 0 && (r.end != CHILD_EXITED || r.code != 0))
		rc = fail(e, r.end == CHILD_CANCELLED ? ERR_BUSY : ERR_SYSTEM, "%s ended with %d", words[0], r.code);
	if (rc == 0)
		rc = take(q, e);
	buf_release(&q->text);
	vec_release(&argv.v);
	return rc;
}

static int
ask(struct infos *q, const char *const *words, const json_t *paths, int64_t wall_ms, take_fn *take, struct err *e)
{
	size_t n = json_array_size(paths);

	for (size_t from = 0; from < n; from += CHUNK)
		if (ask_some(q, words, paths, from, n - from < CHUNK ? n : from + CHUNK, wall_ms, take, e) != 0)
			return -1;
	return 0;
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

	if (!json_is_object(info) || !json_is_integer(json_object_get(info, "narSize"))) { /* null, or not valid */
		json_decref(refs);
		return;
	}
	json_array_foreach(json_object_get(info, "references"), i, ref)
		if (json_is_string(ref))
			json_array_append_new(refs, json_string(file_name(json_string_value(ref))));
	json_object_set_new(into, file_name(path),
	    json_pack("{s:O,s:o}", "narSize", json_object_get(info, "narSize"), "references", refs));
}

int
infos_read(struct str text, json_t *into, struct err *e)
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

static int
take_infos(struct infos *q, struct err *e)
{
	return infos_read(buf_get(&q->text), q->by_name, e);
}

/* nix path-info --json and words over paths: newer Nix is to be told in which shape, older knows no such option. */
static int
path_info(struct infos *q, const char *const *words, const json_t *paths, int64_t wall_ms, struct err *e)
{
	const char *argv[16] = {NIX, "path-info", "--json"};
	size_t n = 5;
	struct err ignored;

	for (size_t i = 0; words[i] != NULL; i++)
		argv[n++] = words[i];
	if (json_array_size(paths) == 0)
		return 0;
	if (q->has_format != INFOS_NO) {
		argv[n] = "--json-format";
		argv[n + 1] = "1";
		if (ask(q, argv, paths, wall_ms, take_infos, q->has_format == INFOS_YES ? e : &ignored) == 0) {
			q->has_format = INFOS_YES;
			return 0;
		}
		if (q->has_format == INFOS_YES)
			return -1;
		argv[n] = NULL;
	}
	if (ask(q, argv, paths, wall_ms, take_infos, e) != 0)
		return -1;
	q->has_format = INFOS_NO;
	return 0;
}

static int
take_invalid(struct infos *q, struct err *e)
{
	(void)e;
	for (struct str rest = buf_get(&q->text); rest.n != 0;) {
		struct map_entry *at = map_get(&q->asked, str_trim(str_cut(rest, '\n', &rest)));
		if (at != NULL)
			at->value = INFOS_NOWHERE;
	}
	return 0;
}

static void
read_caches(struct infos *q)
{
	AUTO(json_drop) json_t *conf = NULL;
	const json_t *url;
	struct err e;
	size_t i;

	if (q->caches != NULL)
		return;
	q->caches = json_array();
	if (nixsettings_read(q->options, &conf, &e) != 0)
		log_err(LOG_WARN,
		    "which binary caches there are is not known, so sizes of what only they have are not compared", &e);
	if (nixsettings_number(conf, "substitute", 1) == 0)
		return;
	json_array_foreach(nixsettings_list(conf, "substituters"), i, url)
		if (json_is_string(url) && i < INFOS_MAX_CACHES)
			json_array_append(q->caches, (json_t *)(uintptr_t)url);
}

/* Those of paths that are where. */
static json_t *
those_at(const struct infos *q, const json_t *paths, size_t where)
{
	json_t *list = json_array(), *path;
	size_t i;

	json_array_foreach(paths, i, path) {
		const struct map_entry *at = map_get(&q->asked, str_of(json_string_value(path)));
		if (at != NULL && at->value == where)
			json_array_append(list, path);
	}
	return list;
}

static int
ask_cache(struct infos *q, size_t i, bool closures, const json_t *paths, struct err *e)
{
	const char *url = json_string_value(json_array_get(q->caches, i));

	if (url == NULL) /* there is no cache at all */
		return 0;
	const char *const words[] = {"--store", url, closures ? "-r" : NULL, NULL};

	return path_info(q, words, paths, CACHE_WALL_MS, e);
}

/* A cache that does not answer shall not be asked twice: the first question goes to the store. */
static void
learn_format(struct infos *q, const json_t *paths)
{
	static const char *const none[] = {NULL};
	AUTO(json_drop) json_t *there = those_at(q, paths, INFOS_STORE), *one = NULL;
	struct err ignored;

	if (q->has_format != INFOS_MAYBE || json_array_size(there) == 0)
		return;
	one = json_pack("[O]", json_array_get(there, 0));
	(void)!path_info(q, none, one, WALL_MS, &ignored);
}

/* What the store has not is asked of one cache after the other. */
static void
find_in_caches(struct infos *q, const json_t *paths)
{
	for (size_t c = 0; q->caches == NULL || c < json_array_size(q->caches); c++) {
		AUTO(json_drop) json_t *missing = those_at(q, paths, INFOS_NOWHERE);
		const json_t *path;
		struct err e;
		size_t i;
		if (json_array_size(missing) == 0)
			return;
		read_caches(q);
		if (ask_cache(q, c, false, missing, &e) != 0) {
			log_warn("the cache %s gives no answer, so sizes of what only it has are not compared",
			    json_string_value(json_array_get(q->caches, c)));
			log_debug("sizes: %s", e.msg);
		}
		json_array_foreach(missing, i, path) {
			if (json_object_get(q->by_name, file_name(json_string_value(path))) != NULL)
				map_get(&q->asked, str_of(json_string_value(path)))->value = INFOS_CACHE + c;
		}
	}
}

int
infos_find(struct infos *q, const json_t *paths, struct err *e)
{
	static const char *const check[] = {"nix-store", "--check-validity", "--print-invalid", NULL};
	AUTO(json_drop) json_t *new = json_array();
	json_t *path;
	size_t i;
	bool added;

	json_array_foreach(paths, i, path) {
		const char *text = arena_strdup(&q->a, json_string_value(path));
		struct map_entry *at = map_add(&q->asked, str_of(text), &added);
		if (!added)
			continue;
		at->value = INFOS_STORE;
		json_array_append(new, path);
	}
	if (ask(q, check, new, WALL_MS, take_invalid, e) != 0)
		return -1;
	learn_format(q, new);
	find_in_caches(q, new);
	return 0;
}

enum infos_place
infos_where(const struct infos *q, const char *path)
{
	const struct map_entry *at = map_get(&q->asked, str_of(path));

	return at != NULL ? (enum infos_place)at->value : INFOS_NOWHERE;
}

static int
read_from_store(struct infos *q, const json_t *paths, struct err *e)
{
	static const char *const words[] = {"-r", NULL};
	AUTO(json_drop) json_t *there = those_at(q, paths, INFOS_STORE);

	return path_info(q, words, there, WALL_MS, e);
}

/* What is referred to and was never asked for. */
static json_t *
unknown_references(const struct infos *q)
{
	json_t *list = json_array(), *info;
	struct map seen = {0};
	const char *name;

	json_object_foreach(q->by_name, name, info) {
		const json_t *ref;
		size_t i;
		json_array_foreach(json_object_get(info, "references"), i, ref) {
			bool added;
			if (json_object_get(q->by_name, json_string_value(ref)) != NULL)
				continue;
			map_add(&seen, str_of(json_string_value(ref)), &added);
			json_t *path = json_sprintf("%s/%s", store_dir, json_string_value(ref));
			if (added && map_get(&q->asked, str_of(json_string_value(path))) == NULL)
				json_array_append(list, path);
			json_decref(path);
		}
	}
	map_release(&seen);
	return list;
}

/* A cache tells whole closures at once, when it has them whole. What is left, references from one cache into another or
 * into the store, is followed a level at a time. */
int
infos_closures(struct infos *q, const json_t *paths, struct err *e)
{
	if (read_from_store(q, paths, e) != 0)
		return -1;
	for (size_t c = 0; c < json_array_size(q->caches); c++) {
		AUTO(json_drop) json_t *there = those_at(q, paths, INFOS_CACHE + c);
		struct err parts;
		if (ask_cache(q, c, true, there, &parts) != 0)
			log_debug("sizes: no whole closures: %s", parts.msg);
	}
	for (int level = 0; level < MAX_LEVELS; level++) {
		AUTO(json_drop) json_t *more = unknown_references(q);
		if (json_array_size(more) == 0)
			break;
		if (infos_find(q, more, e) != 0 || read_from_store(q, more, e) != 0)
			return -1;
	}
	return 0;
}

int64_t
infos_size(const struct infos *q, const char *path)
{
	return json_int(json_object_get(q->by_name, file_name(path)), "narSize", -1);
}

int64_t
infos_closure_size(const struct infos *q, const char *path)
{
	struct map seen = {0};
	VEC(const char *) stack = {0};
	int64_t bytes = 0;
	bool added;

	vec_push(&stack, file_name(path));
	map_add(&seen, str_of(stack.p[0]), &added);
	while (bytes >= 0 && stack.n > 0) {
		const json_t *info = json_object_get(q->by_name, stack.p[--stack.n]), *ref;
		size_t i;
		bytes = info != NULL ? bytes + json_int(info, "narSize", 0) : -1;
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
