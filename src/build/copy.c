/* The stage `push`: what derivations gave goes to a binary cache, with all it needs. */
#include "build/build.h"

#include "nix/settings.h"
#include "support/base/map.h"
#include "support/os/child.h"

#include <string.h>

enum {
	CHUNK = 1000, /* paths in one command line */
	WALL_MS = 6 * 3600 * 1000,
	SILENCE_MS = 1800 * 1000,
	MAX_TAIL = 2000,
	MAX_OUT_BYTES = 64 * 1024 * 1024
};

struct cache_copy {
	struct arena *a;
	const struct named_texts *options;
	struct map *into; /* lines of standard output go there, or NULL */
	struct buf tail;  /* of standard error */
};

static int
on_line(void *ctx, int fd, struct str line, struct err *e)
{
	struct cache_copy *c = ctx;

	(void)e;
	line = str_trim(line);
	if (fd == 1 && c->into != NULL && line.n > 0) {
		struct str kept = {str_dup(c->a, line), line.n};
		map_add(c->into, kept, NULL);
	} else if (fd == 2 && line.n > 0) {
		if (c->tail.n + line.n > MAX_TAIL)
			buf_drop(&c->tail, c->tail.n);
		buf_str(&c->tail, str_utf8_head(line, MAX_TAIL - 1));
		buf_putc(&c->tail, '\n');
	}
	return 0;
}

/* One program with these words and then the keys of paths, a chunk at a time. */
static int
run(struct cache_copy *c, const char *const *words, const struct map *paths, struct map *into, struct err *e)
{
	c->into = into;
	for (size_t from = 0; from < paths->n; from += CHUNK) {
		struct nix_argv argv = {0};
		struct child_result r = {0};
		for (size_t i = 0; words[i] != NULL; i++)
			vec_push(&argv.v, words[i]);
		nix_argv_options(&argv, c->options);
		for (size_t i = from; i < paths->n && i < from + CHUNK; i++)
			vec_push(&argv.v, str_dup(c->a, paths->p[i].key));
		vec_push(&argv.v, NULL);
		buf_drop(&c->tail, c->tail.n);
		struct child child = {.argv = argv.v.p,
		    .on_line = on_line,
		    .ctx = c,
		    .wall_ms = WALL_MS,
		    .silence_ms = SILENCE_MS,
		    .max_out_bytes = MAX_OUT_BYTES};
		int rc = child_run(&child, &r, e);
		vec_release(&argv.v);
		if (rc != 0)
			return -1;
		if (r.end != CHILD_EXITED || r.code != 0)
			return fail(e, r.end == CHILD_CANCELLED ? ERR_BUSY : ERR_SYSTEM, "%s %s ended with %d: " STR_FMT,
			    words[0], words[1], r.code, STR_ARG(str_trim(buf_get(&c->tail))));
	}
	return 0;
}

/* The outputs of the derivations that are there: a derivation file, or an output, may be gone by now. */
static int
outputs_of(struct cache_copy *c, const struct texts *drvs, struct map *ret, struct err *e)
{
	static const char *const check[] = {"nix-store", "--check-validity", "--print-invalid", NULL};
	static const char *const ask[] = {"nix-store", "--query", "--outputs", NULL};
	struct map all = {0}, gone = {0}, there = {0}, outputs = {0}, lost = {0};

	for (size_t i = 0; i < drvs->n; i++)
		map_add(&all, str_of(drvs->p[i]), NULL);
	int rc = run(c, check, &all, &gone, e);
	for (size_t i = 0; i < all.n; i++)
		if (map_get(&gone, all.p[i].key) == NULL)
			map_add(&there, all.p[i].key, NULL);
	if (rc == 0)
		rc = run(c, ask, &there, &outputs, e);
	if (rc == 0)
		rc = run(c, check, &outputs, &lost, e);
	for (size_t i = 0; rc == 0 && i < outputs.n; i++)
		if (map_get(&lost, outputs.p[i].key) == NULL)
			map_add(ret, outputs.p[i].key, NULL);
	c->into = NULL;
	map_release(&all);
	map_release(&gone);
	map_release(&there);
	map_release(&outputs);
	map_release(&lost);
	return rc;
}

int
build_stage_push(struct arena *a, const void *of, struct record_out *out, struct err *e)
{
	const struct push_job *job = of;
	const char *const copy[] = {"nix", "copy", "--extra-experimental-features", "nix-command", "--to", job->cache, NULL};
	struct cache_copy c = {.a = a, .options = &job->options};
	struct map paths = {0};

	buf_init(&c.tail, 2 * MAX_TAIL);
	int rc = outputs_of(&c, &job->drvs, &paths, e);
	if (rc == 0)
		rc = run(&c, copy, &paths, NULL, e);
	if (rc == 0)
		rc = record_put(out, &pushed_fields, &(struct pushed){(int64_t)paths.n}, e);
	map_release(&paths);
	buf_release(&c.tail);
	return rc;
}
