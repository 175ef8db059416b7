/* Roots from two small evaluations, and who needs them at base. */
#include "graph/reach.h"

#include "graph/cache.h"
#include "graph/result.h"
#include "support/base/log.h"
#include "support/os/files.h"

#include <string.h>

enum {
	MAX_NAMED = 3,        /* roots that are named */
	MAX_WHAT_BYTES = 400, /* of the words for them */
	MAX_LIST_BYTES = 1 << 30
};

struct first {
	struct arena *a;
	struct difference d;
	VEC(uint32_t) rows; /* the node of each row of the base that has a derivation */
	uint8_t *thought;   /* per node of the base: to be rebuilt */
};

/* The base's rows become nodes in the order in which the stage diff has them, so that its graph file is this one's. */
static int
read_base(struct first *f, const char *file, struct err *e)
{
	AUTO(rows_close) struct rows *rows = NULL;
	struct row row;
	uint32_t node;
	int have = 0;

	if (rows_open(file, &rows, e) != 0)
		return -1;
	while ((have = rows_next(rows, NULL, &row, e)) == 1) {
		if (row.failed)
			continue;
		if (closure_root(&f->d.closure, row.drv, &node, e) != 0)
			return -1;
		vec_push(&f->rows, node);
	}
	return have;
}

static int
load(struct first *f, const struct first_files *files, struct err *e)
{
	struct closure *g = &f->d.closure;
	const struct evaluation_file base = {files->job, files->base_part}, head = {files->job, files->head_part};
	VEC(uint32_t) heads = {0};

	closure_init(g, "/nix/store", NULL);
	if (read_base(f, files->base, e) != 0 || closure_load_kept(g, files->graph_dir, e) != 0)
		return -1;
	if (attrs_read(&f->d.attrs, g, &base, 1, &head, 1, e) != 0 || closure_load(g, e) != 0)
		return -1;
	f->d.mark = g->nodes.n;
	if (attrs_add_head(&f->d.attrs, g, e) != 0 || closure_load(g, e) != 0)
		return -1;
	for (size_t i = 0; i < f->d.attrs.v.n; i++)
		if (f->d.attrs.v.p[i].head_node != NO_NODE)
			vec_push(&heads, f->d.attrs.v.p[i].head_node);
	int rc = spread_init(&f->d.a, g, f->d.mark, heads.p, heads.n, &f->d.spread, e);
	vec_release(&heads);
	if (rc != 0)
		return -1;
	attrs_finish(&f->d.attrs, g, f->d.spread.must);
	return difference_find_causes(&f->d, e);
}

/* --- who needs the roots at base ---------------------------------------------------------------------------------------- */

/* Edges the other way round, of base's nodes. */
static void
turn(const struct closure *g, size_t n, uint32_t **ret_off, uint32_t **ret_up)
{
	uint32_t *off = mem_alloc((n + 2) * sizeof(*off));
	uint32_t *up = mem_alloc((g->off.p[n] + 1) * sizeof(*up));

	for (uint32_t k = 0; k < g->off.p[n]; k++)
		off[g->targets.p[k] + 2]++;
	for (size_t v = 2; v < n + 2; v++)
		off[v] += off[v - 1];
	for (uint32_t v = 0; v < n; v++)
		for (uint32_t k = g->off.p[v]; k < g->off.p[v + 1]; k++)
			up[off[g->targets.p[k] + 1]++] = v;
	*ret_off = off;
	*ret_up = up;
}

/* Of what was evaluated nothing need be thought. */
static void
correct(struct first *f)
{
	for (size_t i = 0; i < f->d.attrs.v.n; i++) {
		const struct attr_entry *at = &f->d.attrs.v.p[i];
		if (at->base_node != NO_NODE && at->base_node < f->d.mark)
			f->thought[at->base_node] = at->class == CLASS_REBUILD;
	}
}

static bool
needs(const struct closure *g, uint32_t v, uint32_t input)
{
	for (uint32_t k = g->off.p[v]; k < g->off.p[v + 1]; k++)
		if (g->targets.p[k] == input)
			return true;
	return false;
}

static bool
has_other_source(const struct root *r)
{
	for (size_t i = 0; i < r->n_what; i++)
		if (str_is(r->what[i], "src"))
			return true;
	return false;
}

/* The sources that a root was made from and is not any more. */
static void
mark_sources(struct first *f, const struct root *r, uint8_t *ret)
{
	const struct closure *g = &f->d.closure;

	for (uint32_t k = g->off.p[r->base_node]; k < g->off.p[r->base_node + 1]; k++) {
		uint32_t v = g->targets.p[k];
		struct str name = closure_name(g, v);
		bool patch = str_ends(name, STR(".patch")) || str_ends(name, STR(".diff"));
		if ((g->flags.p[v] & CLOSURE_FIXED) != 0 && !patch && !needs(g, r->node, v))
			ret[v] = 1;
	}
}

/* Whether a derivation is one of those that are made from such a source, or have such a name. */
static bool
is_variant(const struct first *f, uint32_t v, const struct map *names, const uint8_t *sources)
{
	const struct closure *g = &f->d.closure;
	bool made_from = false;

	if ((g->flags.p[v] & CLOSURE_FIXED) != 0)
		return false;
	for (uint32_t k = g->off.p[v]; k < g->off.p[v + 1]; k++)
		made_from = made_from || sources[g->targets.p[k]];
	return made_from || map_get(names, closure_name(g, v)) != NULL;
}

/* What differs by itself, and what is made from the same source or called the same as an attribute that does: another variant from the same file, which has no
 * attribute and which others need (a minimal one, one of a bootstrap). */
static void
mark_roots(struct first *f)
{
	const struct closure *g = &f->d.closure;
	AUTO(mem_free) uint8_t *sources = mem_alloc(f->d.mark + 1);
	struct map names = {0};

	f->thought = arena_alloc(&f->d.a, f->d.mark + 1);
	for (size_t i = 0; i < f->d.n_roots; i++) {
		const struct root *r = &f->d.roots[i];
		if (r->base_node == NO_NODE || r->base_node >= f->d.mark)
			continue;
		f->thought[r->base_node] = 1;
		if (has_other_source(r))
			mark_sources(f, r, sources);
		if (r->n_attrs > 0)
			map_add(&names, closure_name(g, r->base_node), NULL);
	}
	for (uint32_t v = 0; v < f->d.mark; v++)
		if (is_variant(f, v, &names, sources))
			f->thought[v] = 1;
	map_release(&names);
	correct(f); /* what was evaluated and is the same is no root */
}

/* What is fetched stays, whatever it is fetched with. */
static void
spread_over_base(struct first *f)
{
	const struct closure *g = &f->d.closure;
	AUTO(mem_free) uint32_t *off = NULL;
	AUTO(mem_free) uint32_t *up = NULL;
	VEC(uint32_t) stack = {0};

	turn(g, f->d.mark, &off, &up);
	for (uint32_t v = 0; v < f->d.mark; v++)
		if (f->thought[v])
			vec_push(&stack, v);
	while (stack.n > 0) {
		uint32_t v = stack.p[--stack.n];
		for (uint32_t k = off[v]; k < off[v + 1]; k++) {
			uint32_t w = up[k];
			if (f->thought[w] || (g->flags.p[w] & CLOSURE_FIXED) != 0)
				continue;
			f->thought[w] = 1;
			vec_push(&stack, w);
		}
	}
	vec_release(&stack);
}

static int
write_list(struct first *f, const char *file, int64_t *ret_n, struct err *e)
{
	AUTO(buf_release) struct buf text;

	buf_init(&text, MAX_LIST_BYTES);
	*ret_n = 0;
	for (size_t i = 0; i < f->rows.n; i++) {
		uint32_t v = f->rows.p[i];
		if (f->thought[v] != 1)
			continue;
		f->thought[v] = 2;
		closure_write_path(&f->d.closure, v, &text);
		buf_putc(&text, '\n');
		++*ret_n;
	}
	for (size_t i = 0; i < f->d.attrs.v.n; i++) {
		const struct attr_entry *at = &f->d.attrs.v.p[i];
		if (at->class != CLASS_ADDED || at->alias_of != NO_ATTR)
			continue;
		buf_str(&text, at->head->drv);
		buf_putc(&text, '\n');
		++*ret_n;
	}
	return files_write(file, buf_get(&text), 0600, FILES_NO_SYNC, e);
}

/* --- in words --------------------------------------------------------------------------------------------------------- */

static const char *
name_of(struct first *f, const struct root *r)
{
	if (r->n_attrs > 0)
		return rows_path_text(f->a, f->d.attrs.v.p[r->attrs[0]].path);
	return str_dup(f->a, closure_name(&f->d.closure, r->node));
}

/* "curl 8.1 -> 8.2", "zlib (src)". */
static const char *
words_of(struct first *f, const struct root *r)
{
	struct str what = r->n_what > 0 ? r->what[0] : STR(""), version = STR("version ");
	const char *name = name_of(f, r);

	if (str_starts(what, version))
		return arena_printf(f->a, "%s " STR_FMT, name, STR_ARG(str_from(what, version.n)));
	return what.n > 0 ? arena_printf(f->a, "%s (" STR_FMT ")", name, STR_ARG(what)) : name;
}

static void
describe(struct first *f, struct first_answer *ret)
{
	AUTO(buf_release) struct buf text;
	size_t n = 0, named = 0;

	buf_init(&text, 64 * 1024);
	/* Attributes first: of what stands within them people know less. */
	for (int pass = 0; pass < 3; pass++)
		for (size_t i = 0; i < (pass < 2 ? f->d.n_roots : f->d.attrs.v.n); i++) {
			const struct attr_entry *at = pass == 2 ? &f->d.attrs.v.p[i] : NULL;
			bool mine = pass == 2 ? at->class == CLASS_ADDED && at->alias_of == NO_ATTR
			                      : (f->d.roots[i].n_attrs > 0) == (pass == 0);
			if (!mine)
				continue;
			n++;
			if (named >= MAX_NAMED)
				continue;
			named++;
			buf_printf(&text, "%s%s", text.n > 0 ? ", " : "",
			    pass == 2 ? arena_printf(f->a, "%s (new)", rows_path_text(f->a, at->path))
			              : words_of(f, &f->d.roots[i]));
		}
	struct str head = str_utf8_head(buf_get(&text), MAX_WHAT_BYTES);
	const char *words = fields_clean(f->a, (struct str){arena_strn(f->a, head.p, head.n), head.n});
	ret->what = n > named ? arena_printf(f->a, "%s and %zu more", words, n - named) : words;
}

/* Why there is no answer although all was evaluated; NULL: there is one. */
static const char *
doubt(struct first *f)
{
	bool differs = false;

	for (size_t i = 0; i < f->d.attrs.v.n; i++) {
		const struct attr_entry *at = &f->d.attrs.v.p[i];
		const char *name = rows_path_text(f->a, at->path);
		if (at->class == CLASS_NEWLY_FAILING)
			return arena_printf(f->a, "%s does not evaluate any more", name);
		if (at->class == CLASS_REMOVED)
			return arena_printf(f->a, "%s is gone, and what needed it needs something else", name);
		if (at->class == CLASS_FIXED)
			return arena_printf(f->a, "%s evaluates now, which may repair others", name);
		if (at->class == CLASS_UNTOLD)
			return arena_printf(f->a, "%s could not be told", name);
		differs = differs || at->class == CLASS_REBUILD || at->class == CLASS_ADDED;
	}
	return differs ? NULL : "nothing that is defined in the changed files differs by itself";
}

static int
answer(struct first *f, const struct first_files *files, const char *list, struct first_answer *ret, struct err *e)
{
	if (load(f, files, e) != 0)
		return -1;
	const char *why = doubt(f);
	if (why != NULL) {
		ret->reason = fields_clean(f->a, str_of(why));
		return 0;
	}
	mark_roots(f);
	spread_over_base(f);
	correct(f);
	if (write_list(f, list, &ret->rebuilds, e) != 0)
		return -1;
	ret->edited = (int64_t)f->d.n_roots;
	ret->list = list;
	ret->known = true;
	describe(f, ret);
	return 0;
}

int
first_spread(struct arena *a, const struct first_files *files, const char *list, struct first_answer *ret, struct err *e)
{
	struct first f = {.a = a};
	int rc = answer(&f, files, list, ret, e);

	difference_release(&f.d);
	vec_release(&f.rows);
	return rc;
}
