/* Closures read from .drv files. */
#include "graph/closure.h"

#include "graph/ahead.h"
#include "nix/drv.h"
#include "nix/drvshow.h"
#include "support/os/files.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void
closure_init(struct closure *g, const char *store_dir, const char *real_dir)
{
	*g = (struct closure){0};
	g->store_dir = str_of(arena_strdup(&g->a, store_dir));
	g->real_dir = arena_strdup(&g->a, real_dir != NULL ? real_dir : store_dir);
	g->may_ask = real_dir == NULL;
	vec_push(&g->off, 0);
	vec_push(&g->out_off, 0);
}

void
closure_release(struct closure *g)
{
	map_release(&g->nodes);
	map_release(&g->systems);
	map_release(&g->words);
	vec_release(&g->off);
	vec_release(&g->targets);
	vec_release(&g->out_off);
	vec_release(&g->outputs);
	vec_release(&g->system);
	vec_release(&g->flags);
	if (g->mapped != NULL)
		munmap(g->mapped, g->mapped_bytes);
	g->mapped = NULL;
	struct err ignored;
	if (g->shown_dir != NULL)
		(void)!files_remove_tree(g->shown_dir, &ignored);
	g->shown_dir = NULL;
	arena_release(&g->a);
}

int
closure_file_of(const struct closure *g, struct str path, struct str *ret)
{
	if (!drv_below(g->store_dir, path, ret))
		return -1;
	return ret->n != 0 && memchr(ret->p, '/', ret->n) == NULL ? 0 : -1;
}

static uint32_t
word_of(struct closure *g, struct map *m, struct str word)
{
	bool added;
	struct map_entry *entry = map_add(m, word, &added);

	if (added)
		entry->key.p = arena_strn(&g->a, word.p, word.n);
	return (uint32_t)(entry - m->p);
}

/* A name that is there already was looked at when it came. A bad one ends the run, so it may stay. */
static int
add_file(struct closure *g, struct str file, uint64_t hash, uint32_t *ret, struct err *e)
{
	bool added;
	struct map_entry *entry = map_add_hash(&g->nodes, file, hash, &added);

	*ret = (uint32_t)(entry - g->nodes.p);
	if (!added)
		return 0;
	entry->key.p = arena_strn(&g->a, file.p, file.n);
	if (drv_file_ok(file) && str_ends(file, STR(".drv")))
		return 0;
	return fail(e, ERR_INPUT, "not a derivation in " STR_FMT ": " STR_FMT, STR_ARG(g->store_dir),
	    (int)(file.n < 300 ? file.n : 300), file.p);
}

int
closure_root(struct closure *g, struct str path, uint32_t *ret, struct err *e)
{
	struct str file;

	if (closure_file_of(g, path, &file) != 0)
		return fail(e, ERR_INPUT, "not a derivation in " STR_FMT ": " STR_FMT, STR_ARG(g->store_dir),
		    (int)(path.n < 300 ? path.n : 300), path.p);
	return add_file(g, file, map_hash(file.p, file.n), ret, e);
}

int64_t
closure_find(const struct closure *g, struct str path)
{
	struct str file;

	if (closure_file_of(g, path, &file) != 0)
		return -1;
	const struct map_entry *entry = map_get(&g->nodes, file);
	return entry != NULL ? entry - g->nodes.p : -1;
}

static int
add_outputs(struct closure *g, const struct ahead_drv *d, uint8_t *flags, struct err *e)
{
	for (size_t i = 0; i < d->n_outputs; i++) {
		const struct ahead_output *from = &d->outputs[i];
		uint32_t word = word_of(g, &g->words, from->name);
		struct closure_output out = {.name = g->words.p[word].key};
		if (from->path.n == 0)
			*flags |= CLOSURE_FLOATING;
		else if (closure_file_of(g, from->path, &out.path) != 0)
			return fail(e, ERR_INPUT, "an output outside of the store: " STR_FMT,
			    (int)(from->path.n < 300 ? from->path.n : 300), from->path.p);
		else
			out.path.p = arena_strn(&g->a, out.path.p, out.path.n);
		vec_push(&g->outputs, out);
	}
	vec_push(&g->out_off, (uint32_t)g->outputs.n);
	return 0;
}

/* Puts what was read of node `loaded` into the arrays. */
static int
add_node(struct closure *g, const struct ahead_drv *d, struct err *e)
{
	uint8_t flags = d->fixed ? CLOSURE_FIXED : 0;

	for (size_t i = 0; i < d->n_inputs; i++) {
		uint32_t target;
		if (add_file(g, d->inputs[i].file, d->inputs[i].hash, &target, e) != 0)
			return -1;
		vec_push(&g->targets, target);
	}
	if (g->targets.n > CLOSURE_MAX_EDGES || g->nodes.n > CLOSURE_MAX_NODES)
		return fail(e, ERR_LIMIT, "a closure of more than %d derivations or %d edges", CLOSURE_MAX_NODES,
		    CLOSURE_MAX_EDGES);
	vec_push(&g->off, (uint32_t)g->targets.n);
	if (add_outputs(g, d, &flags, e) != 0)
		return -1;
	vec_push(&g->system, word_of(g, &g->systems, d->system));
	vec_push(&g->flags, flags);
	g->loaded++;
	return 0;
}

static int
load_files(struct closure *g, struct err *e)
{
	AUTO(fd_close) int dir = -1;
	size_t asked = g->loaded;
	int rc = 0;

	if (g->loaded == g->nodes.n)
		return 0;
	dir = open(g->real_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return fail_sys(e, "cannot open the store %s", g->real_dir);
	struct ahead *h = ahead_new(dir, g->store_dir);
	while (rc == 0 && g->loaded < g->nodes.n) {
		const struct ahead_drv *d;
		for (size_t room = ahead_room(h); room > 0 && asked < g->nodes.n; room--)
			ahead_ask(h, g->nodes.p[asked++].key);
		rc = ahead_take(h, &d, e);
		if (rc == 0 && add_node(g, d, e) != 0)
			rc = fail_in(e, STR_FMT, STR_ARG(g->nodes.p[g->loaded].key));
	}
	ahead_free(h);
	return rc;
}

/* Asks Nix for what is not loaded yet. The first time the folder is made, and what was loaded is asked for, too, as it will
 * be compared; last, so that what is missing altogether is found out at once. */
static int
show(struct closure *g, struct err *e)
{
	struct arena a = {0};
	size_t n_before = 0, n = 0;

	if (g->shown_dir == NULL) {
		char dir[] = "/tmp/ekaci-derivations-XXXXXX";
		if (mkdtemp(dir) == NULL)
			return fail_sys(e, "cannot make %s", dir);
		g->shown_dir = g->real_dir = arena_strdup(&g->a, dir);
		n_before = g->loaded;
	}
	const char **paths = arena_alloc(&a, (g->nodes.n + 1) * sizeof(*paths));
	for (size_t i = g->loaded; i < g->nodes.n; i++)
		paths[n++] = closure_path(&a, g, (uint32_t)i);
	for (size_t i = 0; i < n_before; i++)
		paths[n++] = closure_path(&a, g, (uint32_t)i);
	int rc = drvshow(arena_strn(&a, g->store_dir.p, g->store_dir.n), paths, n, g->shown_dir, e);
	arena_release(&a);
	return rc;
}

int
closure_load(struct closure *g, struct err *e)
{
	struct err unread = {0};

	if (g->shown_dir == NULL && load_files(g, &unread) == 0)
		return 0;
	if (!g->may_ask || unread.kind == ERR_INPUT || unread.kind == ERR_LIMIT) {
		*e = unread;
		return -1;
	}
	/* A level of the closure at a time, so that no answer grows with the whole of it. */
	while (g->loaded < g->nodes.n) {
		size_t known = g->nodes.n, loaded = g->loaded;
		struct err unshown = {0};
		if (show(g, &unshown) != 0) {
			*e = unread.msg[0] != '\0' ? unread : unshown;
			return -1;
		}
		if (load_files(g, e) != 0 && (e->kind != ERR_ABSENT || g->nodes.n == known || g->loaded == loaded))
			return -1;
	}
	return 0;
}

struct str
closure_name(const struct closure *g, uint32_t node)
{
	return drv_name(g->nodes.p[node].key);
}

void
closure_write_path(const struct closure *g, uint32_t node, struct buf *out)
{
	buf_str(out, g->store_dir);
	buf_putc(out, '/');
	buf_str(out, g->nodes.p[node].key);
}

char *
closure_path(struct arena *a, const struct closure *g, uint32_t node)
{
	return arena_printf(a, STR_FMT "/" STR_FMT, STR_ARG(g->store_dir), STR_ARG(g->nodes.p[node].key));
}

void
closure_reach(const struct closure *g, const uint32_t *roots, size_t n, uint8_t *marks)
{
	VEC(uint32_t) stack = {0};

	for (size_t i = 0; i < n; i++)
		if (!marks[roots[i]]) {
			marks[roots[i]] = 1;
			vec_push(&stack, roots[i]);
		}
	while (stack.n > 0) {
		uint32_t v = stack.p[--stack.n];
		for (uint32_t k = g->off.p[v]; k < g->off.p[v + 1]; k++) {
			uint32_t w = g->targets.p[k];
			if (!marks[w]) {
				marks[w] = 1;
				vec_push(&stack, w);
			}
		}
	}
	vec_release(&stack);
}

struct closure_copy {
	const struct closure *g;
	struct closure *part;
	uint32_t *ids;      /* of g's nodes in part, plus one; 0: not there */
	VEC(uint32_t) from; /* and the other way round */
};

static uint32_t
copy_of(struct closure_copy *c, uint32_t v)
{
	const struct map_entry *at = &c->g->nodes.p[v];

	if (c->ids[v] == 0) {
		map_add_hash(&c->part->nodes, at->key, at->hash, NULL);
		vec_push(&c->from, v);
		c->ids[v] = (uint32_t)c->from.n;
	}
	return c->ids[v] - 1;
}

static void
add_copy(struct closure_copy *c, uint32_t v)
{
	const struct closure *g = c->g;
	struct closure *part = c->part;

	for (uint32_t k = g->off.p[v]; k < g->off.p[v + 1]; k++)
		vec_push(&part->targets, copy_of(c, g->targets.p[k]));
	for (uint32_t k = g->out_off.p[v]; k < g->out_off.p[v + 1]; k++) {
		map_add(&part->words, g->outputs.p[k].name, NULL);
		vec_push(&part->outputs, g->outputs.p[k]);
	}
	struct map_entry *system = map_add(&part->systems, g->systems.p[g->system.p[v]].key, NULL);
	vec_push(&part->system, (uint32_t)(system - part->systems.p));
	vec_push(&part->flags, g->flags.p[v]);
	vec_push(&part->off, (uint32_t)part->targets.n);
	vec_push(&part->out_off, (uint32_t)part->outputs.n);
	part->loaded++;
}

size_t
closure_part(const struct closure *g, const uint32_t *roots, size_t n, struct closure *ret)
{
	struct closure_copy c = {.g = g, .part = ret, .ids = mem_alloc(g->nodes.n * sizeof(uint32_t))};

	closure_init(ret, g->store_dir.p, g->real_dir);
	for (size_t i = 0; i < n; i++)
		(void)copy_of(&c, roots[i]);
	size_t distinct = c.from.n;
	while (ret->loaded < c.from.n)
		add_copy(&c, c.from.p[ret->loaded]);
	vec_release(&c.from);
	mem_free(&c.ids);
	return distinct;
}
