/* Sizes and references of store paths: one program over all of them for the store, and one for each cache. */
#include "nix/path_info.h"

#include "nix/path.h"
#include "nix/settings.h"
#include "support/base/log.h"
#include "support/os/child.h"
#include "support/text/json.h"

#include <string.h>

enum {
	CHUNK = 8000, /* paths in one command line, as in query.c */
	WALL_MS = 5 * 60 * 1000,
	CACHE_WALL_MS = 90 * 1000, /* a slow cache must not hold a report for long */
	MAX_INFOS_BYTES = 512 * 1024 * 1024,
	MAX_LEVELS = 200 /* of references that are spread over several caches */
};

#define NIX "nix", "--extra-experimental-features", "nix-command"

void
infos_init(struct infos *q, const struct named_texts *options)
{
	*q = (struct infos){.options = options};
}

void
infos_release(struct infos *q)
{
	map_release(&q->asked);
	map_release(&q->by_name);
	vec_release(&q->known);
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
ask_some(struct infos *q, const char *const *words, const struct texts *paths, size_t from, size_t to, int64_t wall_ms,
    take_fn *take, struct err *e)
{
	struct nix_argv argv = {0};
	struct child_result r = {0};

	for (size_t i = 0; words[i] != NULL; i++)
		vec_push(&argv.v, words[i]);
	nix_argv_options(&argv, q->options);
	for (size_t i = from; i < to; i++)
		vec_push(&argv.v, paths->p[i]);
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
ask(struct infos *q, const char *const *words, const struct texts *paths, int64_t wall_ms, take_fn *take, struct err *e)
{
	for (size_t from = 0; from < paths->n; from += CHUNK) {
		size_t to = paths->n - from < CHUNK ? paths->n : from + CHUNK;
		if (ask_some(q, words, paths, from, to, wall_ms, take, e) != 0)
			return -1;
	}
	return 0;
}

static void
read_info(struct infos *q, const char *path, const json_t *info)
{
	const json_t *size = json_object_get(info, "narSize"), *refs = json_object_get(info, "references"), *ref;
	struct path_info one = {.size = json_integer_value(size)};
	bool added;
	size_t i;

	if (!json_is_integer(size)) /* null, or not valid */
		return;
	one.references.p = arena_alloc(&q->a, (json_array_size(refs) + 1) * sizeof(*one.references.p));
	json_array_foreach(refs, i, ref)
		if (json_is_string(ref))
			one.references.p[one.references.n++] = arena_strdup(&q->a, nix_path_base(json_string_value(ref)));
	struct map_entry *at = map_add(&q->by_name, str_of(arena_strdup(&q->a, nix_path_base(path))), &added);
	if (added) {
		at->value = q->known.n;
		vec_push(&q->known, one);
	} else {
		q->known.p[at->value] = one;
	}
}

int
infos_read(struct infos *q, struct str text, struct err *e)
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
		read_info(q, json_str(one, "path", ""), one);
	json_object_foreach((json_t *)(uintptr_t)list, path, info)
		read_info(q, path, info);
	return 0;
}

const struct path_info *
infos_get(const struct infos *q, struct str name)
{
	const struct map_entry *at = map_get(&q->by_name, name);

	return at != NULL ? &q->known.p[at->value] : NULL;
}

static const struct path_info *
info_of(const struct infos *q, const char *path)
{
	return infos_get(q, str_of(nix_path_base(path)));
}

static int
take_infos(struct infos *q, struct err *e)
{
	return infos_read(q, buf_get(&q->text), e);
}

/* nix path-info --json and words over paths: newer Nix is to be told in which shape, older knows no such option. */
static int
path_info(struct infos *q, const char *const *words, const struct texts *paths, int64_t wall_ms, struct err *e)
{
	const char *argv[16] = {NIX, "path-info", "--json"};
	size_t n = 5;
	struct err ignored;

	for (size_t i = 0; words[i] != NULL; i++)
		argv[n++] = words[i];
	if (paths->n == 0)
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
	struct nix_settings conf = {0};
	struct err e;

	if (q->caches.p != NULL)
		return;
	q->caches.p = arena_alloc(&q->a, INFOS_MAX_CACHES * sizeof(*q->caches.p));
	if (nixsettings_read(&q->a, q->options, &conf, &e) != 0)
		log_err(LOG_WARN,
		    "which binary caches there are is not known, so sizes of what only they have are not compared", &e);
	if (nixsettings_number(&conf, "substitute", 1) == 0)
		return;
	struct texts all = nixsettings_list(&conf, "substituters");
	for (size_t i = 0; i < all.n && i < INFOS_MAX_CACHES; i++)
		q->caches.p[q->caches.n++] = all.p[i];
}

/* The paths that were found at one place: an enum infos_place, or that of a cache. */
static struct texts
those_at(struct infos *q, const struct texts *paths, size_t place)
{
	struct texts list = {.p = arena_alloc(&q->a, (paths->n + 1) * sizeof(*list.p))};

	for (size_t i = 0; i < paths->n; i++) {
		const struct map_entry *at = map_get(&q->asked, str_of(paths->p[i]));
		if (at != NULL && at->value == place)
			list.p[list.n++] = paths->p[i];
	}
	return list;
}

static int
ask_cache(struct infos *q, size_t i, bool closures, const struct texts *paths, struct err *e)
{
	if (i >= q->caches.n) /* there is no cache at all */
		return 0;
	const char *const words[] = {"--store", q->caches.p[i], closures ? "-r" : NULL, NULL};

	return path_info(q, words, paths, CACHE_WALL_MS, e);
}

/* A cache that does not answer shall not be asked twice: the first question goes to the store. */
static void
learn_format(struct infos *q, const struct texts *paths)
{
	static const char *const none[] = {NULL};
	struct texts there = those_at(q, paths, INFOS_STORE);
	struct err ignored;

	if (q->has_format != INFOS_MAYBE || there.n == 0)
		return;
	there.n = 1;
	(void)!path_info(q, none, &there, WALL_MS, &ignored);
}

/* What the store has not is asked of one cache after the other. */
static void
find_in_caches(struct infos *q, const struct texts *paths)
{
	for (size_t c = 0; q->caches.p == NULL || c < q->caches.n; c++) {
		struct texts missing = those_at(q, paths, INFOS_NOWHERE);
		struct err e;
		if (missing.n == 0)
			return;
		read_caches(q);
		if (ask_cache(q, c, false, &missing, &e) != 0) {
			log_warn("the cache %s gives no answer, so sizes of what only it has are not compared", q->caches.p[c]);
			log_debug("sizes: %s", e.msg);
		}
		for (size_t i = 0; i < missing.n; i++)
			if (info_of(q, missing.p[i]) != NULL)
				map_get(&q->asked, str_of(missing.p[i]))->value = INFOS_CACHE + c;
	}
}

int
infos_find(struct infos *q, const struct texts *paths, struct err *e)
{
	static const char *const check[] = {"nix-store", "--check-validity", "--print-invalid", NULL};
	struct texts new = {.p = arena_alloc(&q->a, (paths->n + 1) * sizeof(*new.p))};
	bool added;

	for (size_t i = 0; i < paths->n; i++) {
		const char *text = arena_strdup(&q->a, paths->p[i]);
		struct map_entry *at = map_add(&q->asked, str_of(text), &added);
		if (!added)
			continue;
		at->value = INFOS_STORE;
		new.p[new.n++] = text;
	}
	if (ask(q, check, &new, WALL_MS, take_invalid, e) != 0)
		return -1;
	learn_format(q, &new);
	find_in_caches(q, &new);
	return 0;
}

enum infos_place
infos_where(const struct infos *q, const char *path)
{
	const struct map_entry *at = map_get(&q->asked, str_of(path));

	return at != NULL ? (enum infos_place)at->value : INFOS_NOWHERE;
}

static int
read_from_store(struct infos *q, const struct texts *paths, struct err *e)
{
	static const char *const words[] = {"-r", NULL};
	struct texts there = those_at(q, paths, INFOS_STORE);

	return path_info(q, words, &there, WALL_MS, e);
}

/* What is referred to and was never asked for; p NULL when there is no such thing. */
static struct texts
unknown_references(struct infos *q)
{
	VEC(const char *) list = {0};
	struct texts all = {0};
	struct map seen = {0};

	for (size_t i = 0; i < q->known.n; i++) {
		const struct texts *refs = &q->known.p[i].references;
		for (size_t k = 0; k < refs->n; k++) {
			bool added;
			if (info_of(q, refs->p[k]) != NULL)
				continue;
			map_add(&seen, str_of(refs->p[k]), &added);
			const char *path = arena_printf(&q->a, "%s/%s", NIX_STORE_DIR, refs->p[k]);
			if (added && map_get(&q->asked, str_of(path)) == NULL)
				vec_push(&list, path);
		}
	}
	if (list.n > 0)
		all = (struct texts){arena_dup(&q->a, list.p, list.n * sizeof(*list.p)), list.n};
	map_release(&seen);
	vec_release(&list);
	return all;
}

/* A cache tells whole closures at once, when it has them whole. What is left, references from one cache into another or
 * into the store, is followed a level at a time. */
int
infos_closures(struct infos *q, const struct texts *paths, struct err *e)
{
	if (read_from_store(q, paths, e) != 0)
		return -1;
	for (size_t c = 0; c < q->caches.n; c++) {
		struct texts there = those_at(q, paths, INFOS_CACHE + c);
		struct err parts;
		if (ask_cache(q, c, true, &there, &parts) != 0)
			log_debug("sizes: no whole closures: %s", parts.msg);
	}
	for (int level = 0; level < MAX_LEVELS; level++) {
		struct texts more = unknown_references(q);
		if (more.n == 0)
			break;
		if (infos_find(q, &more, e) != 0 || read_from_store(q, &more, e) != 0)
			return -1;
	}
	return 0;
}

int64_t
infos_size(const struct infos *q, const char *path)
{
	const struct path_info *info = info_of(q, path);

	return info != NULL ? info->size : -1;
}

int64_t
infos_closure_size(const struct infos *q, const char *path)
{
	struct map seen = {0};
	VEC(const char *) stack = {0};
	int64_t bytes = 0;
	bool added;

	vec_push(&stack, nix_path_base(path));
	map_add(&seen, str_of(stack.p[0]), &added);
	while (bytes >= 0 && stack.n > 0) {
		const struct path_info *info = infos_get(q, str_of(stack.p[--stack.n]));
		bytes = info != NULL ? bytes + info->size : -1;
		for (size_t i = 0; info != NULL && i < info->references.n; i++) {
			map_add(&seen, str_of(info->references.p[i]), &added);
			if (added)
				vec_push(&stack, info->references.p[i]);
		}
	}
	map_release(&seen);
	vec_release(&stack);
	return bytes;
}
