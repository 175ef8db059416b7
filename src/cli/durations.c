/* Durations in the cache folder. */
#include "cli/durations.h"

#include "records/array.h"
#include "store/duration.h"
#include "support/base/log.h"
#include "support/base/map.h"
#include "support/os/files.h"
#include "support/os/lock.h"

#include <string.h>

enum { MAX_BYTES = 64 * 1024 * 1024 }; /* 100,000 names with their samples are 20 MB */

struct durations {
	struct package_durations *p;
	size_t n;
};

/* No file is an empty list. */
static int
read_file(struct arena *a, const char *path, struct durations *ret, struct err *e)
{
	struct str text;

	*ret = (struct durations){0};
	if (files_read(a, path, MAX_BYTES, &text, e) != 0)
		return e->kind == ERR_ABSENT ? 0 : -1;
	return array_read_records(&package_durations_fields, a, text.p, path, ret, e);
}

static int
load(struct arena *a, const char *path, struct store *s, struct err *e)
{
	struct durations all;

	if (read_file(a, path, &all, e) != 0 || store_begin(s, e) != 0)
		return -1;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < all.n; i++)
		rc = duration_put(s, all.p[i].name, all.p[i].system, &all.p[i].ms, e);
	return store_end(s, rc, e);
}

void
durations_load(const char *cache, struct store *s)
{
	AUTO(arena_release) struct arena a = {0};
	struct err e;

	if (load(&a, arena_printf(&a, "%s/durations.json", cache), s, &e) != 0)
		log_err(LOG_WARN, "how long builds took before is not known", &e);
}

static const char *
key_of(struct arena *a, const char *name, const char *system)
{
	return arena_printf(a, "%s\n%s", name, system);
}

/* The lists before, and what was built, each added to that of its name and system. */
static void
add_builds(struct arena *a, const struct durations *before, const struct builds_told *builds, struct durations *ret)
{
	struct map there = {0};
	bool added;

	ret->p = arena_alloc(a, (before->n + builds->n + 1) * sizeof(*ret->p));
	ret->n = 0;
	for (size_t i = 0; i < before->n; i++) {
		struct map_entry *at = map_add(&there, str_of(key_of(a, before->p[i].name, before->p[i].system)), &added);
		if (!added)
			continue;
		at->value = ret->n;
		ret->p[ret->n++] = before->p[i];
	}
	for (size_t i = 0; i < builds->n; i++) {
		const struct build_told *b = &builds->p[i].told;
		if (b->before || (enum build_state)b->state != BUILD_BUILT || b->wall_ms <= 0 || b->name == NULL ||
		    b->system == NULL)
			continue;
		const char *name = str_dup(a, duration_name(str_of(b->name)));
		struct map_entry *at = map_add(&there, str_of(key_of(a, name, b->system)), &added);
		if (added) {
			at->value = ret->n;
			ret->p[ret->n++] = (struct package_durations){.name = name, .system = b->system};
		}
		struct package_durations *one = &ret->p[at->value];
		one->ms = duration_with(a, &one->ms, b->wall_ms);
	}
	map_release(&there);
}

static int
keep(struct arena *a, const char *cache, const struct builds_told *builds, struct err *e)
{
	const char *path = arena_printf(a, "%s/durations.json", cache), *text;
	struct durations before, after;
	AUTO(fd_close) int held = -1;

	if (lock_wait(arena_printf(a, "%s.lock", path), 0, "", &held, e) != 0 || read_file(a, path, &before, e) != 0)
		return -1;
	add_builds(a, &before, builds, &after);
	if (array_write_records(&package_durations_fields, a, &after, &text, e) != 0)
		return -1;
	return files_write(path, str_of(text), 0640, FILES_NO_SYNC, e);
}

void
durations_keep(const char *cache, const struct builds_told *builds)
{
	AUTO(arena_release) struct arena a = {0};
	struct err e;
	size_t n = 0;

	for (size_t i = 0; i < builds->n; i++)
		n += (enum build_state)builds->p[i].told.state == BUILD_BUILT;
	if (n > 0 && keep(&a, cache, builds, &e) != 0)
		log_err(LOG_WARN, "how long builds took is not kept", &e);
}
