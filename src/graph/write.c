/* The difference file: what was found becomes its elements, one after the other. The same difference gives the same bytes. */
#include "graph/distance.h"

#include "formats/difference_file.h"
#include "nix/drv.h"

#include <stdlib.h>
#include <string.h>

/* The system under which something counts; empty: under none, as failing rows without one and what is no text. */
static struct str
home_of(struct str system)
{
	return str_is(system, "builtin") || !str_utf8_ok(system) ? (struct str){"", 0} : system;
}

/*
 * Of each derivation that head has and base has not the place of its system among systems. What Nix makes itself ("builtin")
 * is no system's: it counts where it is needed, for whoever was first seen to need it. Who that is has a smaller number.
 */
static uint32_t *
homes(const struct difference *d, struct map *systems, struct arena *a)
{
	const struct closure *g = &d->closure;
	uint32_t *home = arena_alloc(a, (g->loaded - d->mark + 1) * sizeof(*home));

	for (size_t v = d->mark; v < g->loaded; v++) {
		uint32_t *mine = &home[v - d->mark];
		struct str own = home_of(g->systems.p[g->system.p[v]].key);
		if (own.n != 0 || *mine == 0)
			*mine = (uint32_t)(map_add(systems, own, NULL) - systems->p) + 1;
		for (uint32_t k = g->off.p[v]; k < g->off.p[v + 1]; k++)
			if (g->targets.p[k] >= d->mark && home[g->targets.p[k] - d->mark] == 0)
				home[g->targets.p[k] - d->mark] = *mine;
	}
	return home;
}

/* Adds up each attribute and derivation for the total and for its system. */
static void
count_attrs(const struct difference *d, const struct map *systems, struct class_counts *total, struct class_counts *each)
{
	for (size_t i = 0; i < d->attrs.v.n; i++) {
		const struct attr_entry *at = &d->attrs.v.p[i];
		struct class_counts *c[] = {total, &each[map_get(systems, home_of(at->system)) - systems->p]};
		for (size_t k = 0; k < 2; k++) {
			c[k]->of[at->class] += at->alias_of == NO_ATTR;
			c[k]->aliases += at->alias_of != NO_ATTR;
		}
	}
}

static void
count_derivations(const struct difference *d, const uint32_t *home, struct class_counts *total, struct class_counts *each)
{
	for (size_t v = d->mark; v < d->closure.loaded; v++) {
		struct class_counts *c[] = {total, &each[home[v - d->mark] - 1]};
		for (size_t k = 0; k < 2; k++) {
			c[k]->changed_drv_paths += 1;
			c[k]->rebuild_derivations += d->spread.must[v];
		}
	}
}

static int
compare_system(const void *a, const void *b)
{
	const struct system_counts *x = a, *y = b;

	return strcmp(x->system, y->system);
}

void
difference_count(const struct difference *d, struct arena *a, struct difference_counts *ret)
{
	struct map systems = {0};
	struct arena scratch = {0};

	for (size_t i = 0; i < d->attrs.v.n; i++)
		map_add(&systems, home_of(d->attrs.v.p[i].system), NULL);
	const uint32_t *home = homes(d, &systems, &scratch);
	size_t other = (size_t)(map_add(&systems, (struct str){"", 0}, NULL) - systems.p);
	struct class_counts *each = arena_alloc(&scratch, systems.n * sizeof(*each));
	*ret = (struct difference_counts){.carry_commit = d->knows_carry ? (int64_t)d->carry_commit : -1};
	count_attrs(d, &systems, &ret->total, each);
	count_derivations(d, home, &ret->total, each);
	ret->other = each[other];
	ret->systems.p = arena_alloc(a, systems.n * sizeof(*ret->systems.p));
	for (size_t i = 0; i < systems.n; i++)
		if (i != other)
			ret->systems.p[ret->systems.n++] = (struct system_counts){fields_clean(a, systems.p[i].key), each[i]};
	qsort(ret->systems.p, ret->systems.n, sizeof(*ret->systems.p), compare_system);
	map_release(&systems);
	arena_release(&scratch);
}

/* An element on its way: what it needs lives in a until it is written. */
struct writing {
	const struct difference *d;
	struct difference_writer to;
	struct arena a;
};

static int
put(struct writing *w, enum difference_part part, const void *one, struct err *e)
{
	int rc = difference_put(&w->to, part, one, e);

	arena_clear(&w->a);
	return rc;
}

static const char *
text_or_null(struct arena *a, struct str s)
{
	return s.n == 0 ? NULL : fields_clean(a, s);
}

/* Raw JSON of a row; it was scanned strictly when read, only its encoding is still open. */
static const char *
raw_or_null(struct arena *a, struct str raw)
{
	return raw.n == 0 || !str_utf8_ok(raw) ? NULL : str_dup(a, raw);
}

/* The elements of a path, which end with a NUL each. */
static struct texts
path_of(struct arena *a, struct str path)
{
	struct texts ret = {0};

	for (size_t i = 0; i < path.n; i++)
		ret.n += path.p[i] == '\0';
	ret.p = arena_alloc(a, (ret.n + 1) * sizeof(*ret.p));
	for (size_t i = 0, at = 0; i < ret.n; i++) {
		ret.p[i] = path.p + at;
		at += strlen(path.p + at) + 1;
	}
	return ret;
}

static struct texts
path_or_null(struct arena *a, struct str path)
{
	const struct texts none = {0};

	return path.p == NULL ? none : path_of(a, path);
}

static struct texts
texts_of(struct arena *a, const struct str *p, size_t n)
{
	struct texts ret = {arena_alloc(a, (n + 1) * sizeof(*ret.p)), n};

	for (size_t i = 0; i < n; i++)
		ret.p[i] = fields_clean(a, p[i]);
	return ret;
}

static struct difference_side *
side_of(struct arena *a, const struct attr_side *s)
{
	if (s == NULL)
		return NULL;
	struct difference_side one = {.drv = text_or_null(a, s->drv),
	    .name = text_or_null(a, s->name),
	    .outputs = raw_or_null(a, s->outputs),
	    .meta_json = s->bad_meta.n == 0 ? raw_or_null(a, s->meta) : NULL,
	    .meta_error = text_or_null(a, str_utf8_head(s->bad_meta, DIFFERENCE_MAX_ERROR)),
	    .error = text_or_null(a, str_utf8_head(s->error, DIFFERENCE_MAX_ERROR))};
	return arena_dup(a, &one, sizeof(one));
}

/* The names from a derivation down to its root; of a long way a number stands for what is left out. */
static struct texts
chain_of(struct arena *a, const struct difference *d, const struct rebuild_cause *c)
{
	struct texts ret = {arena_alloc(a, (c->n_chain + 1) * sizeof(*ret.p)), 0};

	for (size_t i = 0; i < c->n_chain; i++) {
		if (i + 1 == c->n_chain && c->chain_left_out != 0)
			ret.p[ret.n++] = arena_printf(a, "(%zu more)", c->chain_left_out);
		ret.p[ret.n++] = fields_clean(a, closure_name(&d->closure, c->chain[i]));
	}
	return ret;
}

static struct difference_cause *
cause_of(struct arena *a, const struct difference *d, const struct attr_entry *at)
{
	const struct rebuild_cause *c = NULL;

	if (at->class == CLASS_REBUILD && d->causes != NULL)
		c = &d->causes[d->spread.sub[at->head_node]];
	if (c == NULL || !c->known)
		return NULL;
	const struct root *own = c->is_root ? &d->roots[c->roots[0]] : NULL;
	struct difference_cause *ret = arena_alloc(a, sizeof(*ret));
	uint32_t far = d->distance[d->spread.sub[at->head_node]];
	ret->distance = far != NO_DISTANCE ? (int64_t)far : -1;
	ret->kind = own != NULL ? CAUSE_ROOT : CAUSE_FOLLOWER;
	ret->what = texts_of(a, own != NULL ? own->what : NULL, own != NULL ? own->n_what : 0);
	ret->roots = (struct numbers){arena_alloc(a, (c->n_roots + 1) * sizeof(*ret->roots.p)), c->n_roots};
	for (size_t i = 0; i < c->n_roots; i++)
		ret->roots.p[i] = c->roots[i];
	ret->roots_total = (int64_t)c->n_roots_total;
	ret->chain = at->alias_of == NO_ATTR ? chain_of(a, d, c) : (struct texts){arena_alloc(a, sizeof(*ret->chain.p)), 0};
	return ret;
}

/* The version: meta says it, or the name. */
static struct str
version_of(struct arena *a, const struct attr_side *s)
{
	struct str version = attrs_meta_text(a, s->meta, "version"), name;

	if (version.n == 0)
		drv_split_name(s->name, &name, &version);
	return version;
}

/* Old and new, when both sides have a derivation and they differ. */
static struct texts
versions_of(struct arena *a, const struct attr_entry *at)
{
	if (at->class == CLASS_UNTOLD || at->base == NULL || at->head == NULL || at->base->failed || at->head->failed)
		return (struct texts){0};
	struct str old = version_of(a, at->base), new = version_of(a, at->head);
	if (str_eq(old, new))
		return (struct texts){0};
	struct texts ret = {arena_alloc(a, 2 * sizeof(*ret.p)), 2};
	ret.p[0] = text_or_null(a, old);
	ret.p[1] = text_or_null(a, new);
	return ret;
}

static struct difference_radius *
radius_of(struct arena *a, const struct radius *r)
{
	const struct difference_radius one = {r->attributes, r->derivations};

	return arena_dup(a, &one, sizeof(one));
}

/* The paths of entries that are linked by next, from the first one on. */
static struct paths
aliases_of(struct arena *a, const struct attr_entry *all, uint32_t first)
{
	struct paths ret = {0};

	for (uint32_t i = first; i != NO_ATTR; i = all[i].next_alias)
		ret.n++;
	ret.p = arena_alloc(a, (ret.n + 1) * sizeof(*ret.p));
	for (uint32_t i = first, k = 0; i != NO_ATTR; i = all[i].next_alias)
		ret.p[k++] = path_of(a, all[i].path);
	return ret;
}

static struct texts
path_at(struct arena *a, const struct attr_entry *all, uint32_t i)
{
	const struct texts none = {0};

	return i == NO_ATTR ? none : path_of(a, all[i].path);
}

/* How many derivations that must be rebuilt need it directly. */
static int64_t
dependents_of(const struct spread *s, uint32_t v)
{
	return s->up_off[v + 1] - s->up_off[v];
}

static int
put_attr(struct writing *w, const struct attr_entry *at, struct err *e)
{
	const struct difference *d = w->d;
	const struct attr_entry *all = d->attrs.v.p;
	const struct attr_side *named = at->head != NULL && at->head->name.n != 0 ? at->head : at->base;
	bool wanted = at->class == CLASS_REBUILD || at->class == CLASS_ADDED || at->class == CLASS_FIXED;
	bool built = wanted && d->spread.sub[at->head_node] != NO_SUB;
	struct difference_attribute one = {.path = path_of(&w->a, at->path),
	    .job = at->job,
	    .system = text_or_null(&w->a, at->system),
	    .class = at->class,
	    .name = named != NULL ? text_or_null(&w->a, named->name) : NULL,
	    .base = side_of(&w->a, at->base),
	    .head = side_of(&w->a, at->head),
	    .hidden_by = path_or_null(&w->a, at->hidden_by),
	    .cause = cause_of(&w->a, d, at),
	    .dependents = built ? dependents_of(&d->spread, d->spread.sub[at->head_node]) : -1,
	    .radius = built ? radius_of(&w->a, &d->radius[d->spread.sub[at->head_node]]) : NULL,
	    .version = versions_of(&w->a, at),
	    .renamed_from = path_at(&w->a, all, at->renamed_from),
	    .alias_of = path_at(&w->a, all, at->alias_of),
	    .aliases = aliases_of(&w->a, all, at->alias_of == NO_ATTR ? at->next_alias : NO_ATTR)};

	return put(w, DIFFERENCE_ATTRIBUTES, &one, e);
}

static const char *
drv_of(struct arena *a, const struct difference *d, uint32_t node)
{
	return node == NO_NODE ? NULL : closure_path(a, &d->closure, node);
}

/* How far a root reaches, on each system on which it reaches anything. */
static struct root_radius
root_radius_of(struct arena *a, const struct difference *d, const struct root *r)
{
	const struct closure *g = &d->closure;
	struct root_radius ret = {.attributes = r->total.attributes, .derivations = r->total.derivations};

	ret.systems.p = arena_alloc(a, (d->spread.n_groups + 1) * sizeof(*ret.systems.p));
	for (uint32_t k = 0; k < d->spread.n_groups; k++) {
		struct str system = g->systems.n != 0 ? g->systems.p[d->spread.system[k]].key : STR("");
		if ((r->radius[k].attributes == 0 && r->radius[k].derivations == 0) || !str_utf8_ok(system))
			continue;
		bool others = d->spread.others && k == SPREAD_MAX_GROUPS - 1;
		ret.systems.p[ret.systems.n++] = (struct system_radius){others ? "other systems" : fields_clean(a, system),
		    {r->radius[k].attributes, r->radius[k].derivations}};
	}
	return ret;
}

static int
put_root(struct writing *w, const struct root *r, struct err *e)
{
	const struct difference *d = w->d;
	const struct closure *g = &d->closure;
	struct difference_root one = {.drv = drv_of(&w->a, d, r->node),
	    .base_drv = drv_of(&w->a, d, r->base_node),
	    .name = fields_clean(&w->a, closure_name(g, r->node)),
	    .system = fields_clean(&w->a, g->systems.p[g->system.p[r->node]].key),
	    .attributes = {arena_alloc(&w->a, (r->n_attrs + 1) * sizeof(struct texts)), r->n_attrs},
	    .used_by = path_at(&w->a, d->attrs.v.p, r->used_by),
	    .what = texts_of(&w->a, r->what, r->n_what),
	    .radius = root_radius_of(&w->a, d, r),
	    .dependents = dependents_of(&d->spread, r->sub),
	    .position = text_or_null(&w->a, r->position),
	    .source = r->source,
	    .together = r->knows_together ? radius_of(&w->a, &r->together) : NULL,
	    .alone = radius_of(&w->a, &r->alone)};

	for (size_t i = 0; i < r->n_attrs; i++)
		one.attributes.p[i] = path_of(&w->a, d->attrs.v.p[r->attrs[i]].path);
	return put(w, DIFFERENCE_ROOTS, &one, e);
}

static bool
is_target(const struct attr_entry *at)
{
	return (at->class == CLASS_ADDED || at->class == CLASS_REBUILD || at->class == CLASS_FIXED ||
	           at->class == CLASS_SWITCHED) &&
	       at->alias_of == NO_ATTR;
}

/* Distinct derivations of added, rebuilt, fixed and switched attributes, in the order of the attributes: those that base had not
 * (targets), or those that it had, under other names (known). */
static int
put_targets(struct writing *w, enum difference_part part, struct err *e)
{
	const struct difference *d = w->d;
	AUTO(mem_free) uint8_t *seen = mem_alloc(d->closure.loaded);
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < d->attrs.v.n; i++) {
		const struct attr_entry *at = &d->attrs.v.p[i];
		if (!is_target(at) || seen[at->head_node] ||
		    (d->spread.sub[at->head_node] == NO_SUB) != (part == DIFFERENCE_KNOWN))
			continue;
		seen[at->head_node] = 1;
		struct difference_target one = {.drv = drv_of(&w->a, d, at->head_node),
		    .system = fields_clean(&w->a, at->system),
		    .path = path_of(&w->a, at->path),
		    .name = fields_clean(&w->a, closure_name(&d->closure, at->head_node))};
		rc = put(w, part, &one, e);
	}
	return rc;
}

/* What must be rebuilt and is no target, inputs first. */
static int
put_needed(struct writing *w, struct err *e)
{
	const struct difference *d = w->d;
	const struct closure *g = &d->closure;
	AUTO(mem_free) uint8_t *target = mem_alloc(g->loaded + 1);
	int rc = 0;

	for (size_t i = 0; i < d->attrs.v.n; i++)
		if (is_target(&d->attrs.v.p[i]))
			target[d->attrs.v.p[i].head_node] = 1;
	for (uint32_t v = 0; rc == 0 && v < d->spread.n; v++) {
		uint32_t node = d->spread.node[v];
		if (target[node])
			continue;
		const struct difference_needed one = {drv_of(&w->a, d, node),
		    fields_clean(&w->a, g->systems.p[g->system.p[node]].key)};
		rc = put(w, DIFFERENCE_NEEDED, &one, e);
	}
	return rc;
}

static bool
meta_matters(const struct attr_entry *at)
{
	static const char *const names[] = {"license", "broken", "insecure", "unfree"};

	if (at->class != CLASS_UNCHANGED || at->base == NULL || at->head == NULL)
		return false;
	for (size_t i = 0; i < COUNT(names); i++)
		if (!str_eq(attrs_meta_member(at->base->meta, names[i]), attrs_meta_member(at->head->meta, names[i])))
			return true;
	return false;
}

/* The names of one derivation of which the same is said share a row: first[i] is the entry that entry i is told with, next[i]
 * the one after it. */
static void
join_meta_changed(const struct difference *d, struct arena *a, uint32_t *first, uint32_t *next)
{
	struct map seen = {0};

	for (size_t i = d->attrs.v.n; i-- > 0;) { /* so that lists come out sorted */
		const struct attr_entry *at = &d->attrs.v.p[i];
		AUTO(buf_release) struct buf b = {0};
		first[i] = next[i] = NO_ATTR;
		if (!meta_matters(at))
			continue;
		buf_init(&b, SIZE_MAX / 4);
		buf_printf(&b, "%u %s\n", at->base_node, at->job);
		buf_str(&b, at->system);
		buf_putc(&b, '\n');
		buf_str(&b, at->base->meta);
		buf_putc(&b, '\n');
		buf_str(&b, at->head->meta);
		struct map_entry *entry = map_add(&seen, (struct str){arena_strn(a, b.p, b.n), b.n}, NULL);
		next[i] = entry->value != 0 ? (uint32_t)(entry->value - 1) : NO_ATTR;
		if (next[i] != NO_ATTR)
			first[next[i]] = NO_ATTR;
		first[i] = (uint32_t)i;
		entry->value = i + 1;
	}
	map_release(&seen);
}

/* Attributes of which only the words about them differ. */
static int
put_meta_changed(struct writing *w, struct err *e)
{
	const struct difference *d = w->d;
	struct arena lists = {0};
	uint32_t *first = arena_alloc(&lists, (d->attrs.v.n + 1) * sizeof(*first)),
	         *next = arena_alloc(&lists, (d->attrs.v.n + 1) * sizeof(*next));
	int rc = 0;

	join_meta_changed(d, &lists, first, next);
	for (size_t i = 0; rc == 0 && i < d->attrs.v.n; i++) {
		const struct attr_entry *at = &d->attrs.v.p[i];
		size_t n = 0;
		if (first[i] == NO_ATTR)
			continue;
		for (uint32_t k = next[i]; k != NO_ATTR; k = next[k])
			n++;
		struct meta_change one = {.path = path_of(&w->a, at->path),
		    .job = at->job,
		    .system = text_or_null(&w->a, at->system),
		    .name = text_or_null(&w->a, at->head->name),
		    .base = {.meta_json = raw_or_null(&w->a, at->base->meta)},
		    .head = {.meta_json = raw_or_null(&w->a, at->head->meta)},
		    .aliases = {arena_alloc(&w->a, (n + 1) * sizeof(struct texts)), n}};
		n = 0;
		for (uint32_t k = next[i]; k != NO_ATTR; k = next[k])
			one.aliases.p[n++] = path_of(&w->a, d->attrs.v.p[k].path);
		rc = put(w, DIFFERENCE_META_CHANGED, &one, e);
	}
	arena_release(&lists);
	return rc;
}

/* What is wrong with meta: beside all classes. */
static int
put_meta_errors(struct writing *w, struct err *e)
{
	const struct attrs *t = &w->d->attrs;
	size_t n = t->bad_meta.n < DIFFERENCE_MAX_META_LISTED ? t->bad_meta.n : DIFFERENCE_MAX_META_LISTED;
	struct meta_errors one = {.new = (int64_t)t->bad_meta.n,
	    .before = (int64_t)t->bad_meta_before,
	    .fixed = (int64_t)t->bad_meta_fixed,
	    .list = {arena_alloc(&w->a, (n + 1) * sizeof(*one.list.p)), n}};

	for (size_t i = 0; i < n; i++) {
		const struct bad_meta *bad = &t->bad_meta.p[i];
		one.list.p[i] = (struct bad_meta_row){path_of(&w->a, bad->path), bad->job, text_or_null(&w->a, bad->system),
		    text_or_null(&w->a, str_utf8_head(bad->error, DIFFERENCE_MAX_ERROR))};
	}
	return put(w, DIFFERENCE_META_ERRORS, &one, e);
}

static int
write_parts(struct writing *w, const struct difference_counts *counts, struct err *e)
{
	const struct difference *d = w->d;
	int rc = put(w, DIFFERENCE_COUNTS, counts, e);

	for (size_t i = 0; rc == 0 && i < d->attrs.v.n; i++)
		if (d->attrs.v.p[i].class != CLASS_UNCHANGED)
			rc = put_attr(w, &d->attrs.v.p[i], e);
	if (rc != 0 || put_meta_changed(w, e) != 0 || put_meta_errors(w, e) != 0)
		return -1;
	for (size_t i = 0; rc == 0 && i < d->n_roots; i++)
		rc = put_root(w, &d->roots[i], e);
	if (rc != 0 || put_targets(w, DIFFERENCE_TARGETS, e) != 0 || put_targets(w, DIFFERENCE_KNOWN, e) != 0 ||
	    put_needed(w, e) != 0 || put(w, DIFFERENCE_DISTANCES, &d->distances, e) != 0)
		return -1;
	for (size_t i = 0; rc == 0 && i < d->costs.n; i++)
		rc = put(w, DIFFERENCE_COSTS, &d->costs.p[i], e);
	if (rc != 0)
		return -1;
	return difference_end(&w->to, e);
}

int
difference_write(const struct difference *d, const struct difference_counts *counts, struct buf *out, struct err *e)
{
	struct writing w = {.d = d};

	difference_begin(&w.to, out);
	int rc = write_parts(&w, counts, e);
	arena_release(&w.a);
	return rc;
}
