/* The difference file, written member by member: the same difference gives the same bytes. */
#include "graph/difference.h"

#include "support/text/jscan.h"
#include "nix/drv.h"

#include <stdlib.h>
#include <string.h>

struct counts {
	size_t class[CLASS_COUNT];
	size_t rebuild_derivations, changed_drv_paths, aliases;
};

static void
write_count(const struct counts *c, struct buf *out)
{
	static const enum class order[] = {CLASS_ADDED, CLASS_REMOVED, CLASS_REBUILD, CLASS_DERIVATION_ONLY, CLASS_SWITCHED,
	    CLASS_UNCHANGED, CLASS_NEWLY_FAILING, CLASS_FIXED, CLASS_STILL_FAILING, CLASS_ADDED_FAILING, CLASS_REMOVED_FAILING,
	    CLASS_UNTOLD};

	buf_putc(out, '{');
	for (size_t i = 0; i < COUNT(order); i++)
		buf_printf(out, "\"%s\":%zu,", class_name(order[i]), c->class[order[i]]);
	buf_printf(out, "\"rebuild_derivations\":%zu,\"changed_drv_paths\":%zu,\"aliases\":%zu}", c->rebuild_derivations,
	    c->changed_drv_paths, c->aliases);
}

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
count_attrs(const struct difference *d, const struct map *systems, struct counts *total, struct counts *each)
{
	for (size_t i = 0; i < d->attrs.v.n; i++) {
		const struct attr *at = &d->attrs.v.p[i];
		struct counts *c[] = {total, &each[map_get(systems, home_of(at->system)) - systems->p]};
		for (size_t k = 0; k < 2; k++) {
			c[k]->class[at->class] += at->alias_of == NO_ATTR;
			c[k]->aliases += at->alias_of != NO_ATTR;
		}
	}
}

static void
count_derivations(const struct difference *d, const uint32_t *home, struct counts *total, struct counts *each)
{
	for (size_t v = d->mark; v < d->closure.loaded; v++) {
		struct counts *c[] = {total, &each[home[v - d->mark] - 1]};
		for (size_t k = 0; k < 2; k++) {
			c[k]->changed_drv_paths += 1;
			c[k]->rebuild_derivations += d->spread.must[v];
		}
	}
}

static int
compare_str(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

void
difference_write_counts(const struct difference *d, struct buf *out)
{
	struct map systems = {0};
	struct arena a = {0};
	struct counts total = {0};
	size_t n = 0;

	for (size_t i = 0; i < d->attrs.v.n; i++)
		map_add(&systems, home_of(d->attrs.v.p[i].system), NULL);
	const uint32_t *home = homes(d, &systems, &a);
	size_t other = (size_t)(map_add(&systems, (struct str){"", 0}, NULL) - systems.p);
	struct counts *each = arena_alloc(&a, systems.n * sizeof(*each));
	struct str *names = arena_alloc(&a, systems.n * sizeof(*names));
	count_attrs(d, &systems, &total, each);
	count_derivations(d, home, &total, each);
	for (size_t i = 0; i < systems.n; i++)
		if (i != other)
			names[n++] = systems.p[i].key;
	if (n != 0)
		qsort(names, n, sizeof(*names), compare_str);
	buf_puts(out, "{\"total\":");
	write_count(&total, out);
	buf_puts(out, ",\"systems\":{");
	for (size_t i = 0; i < n; i++) {
		if (i != 0)
			buf_putc(out, ',');
		rows_write_string(names[i], out);
		buf_putc(out, ':');
		write_count(&each[map_get(&systems, names[i]) - systems.p], out);
	}
	buf_puts(out, "},\"other\":");
	write_count(&each[other], out);
	if (d->knows_carry)
		buf_printf(out, ",\"carry_commit\":%zu", d->carry_commit);
	buf_putc(out, '}');
	map_release(&systems);
	arena_release(&a);
}

static void
write_strings(const struct str *p, size_t n, struct buf *out)
{
	buf_putc(out, '[');
	for (size_t i = 0; i < n; i++) {
		if (i != 0)
			buf_putc(out, ',');
		rows_write_string(p[i], out);
	}
	buf_putc(out, ']');
}

static void
write_text_or_null(struct str s, struct buf *out)
{
	if (s.n == 0)
		buf_puts(out, "null");
	else
		rows_write_string(s, out);
}

/* Raw JSON of a row; it was scanned strictly when read, only its encoding is still open. */
static void
write_raw_or_null(struct str raw, struct buf *out)
{
	if (raw.n == 0 || !str_utf8_ok(raw))
		buf_puts(out, "null");
	else
		buf_str(out, raw);
}

static void
write_side(const struct attr_side *s, struct buf *out)
{
	if (s == NULL) {
		buf_puts(out, "null");
		return;
	}
	buf_puts(out, "{\"drv\":");
	write_text_or_null(s->drv, out);
	buf_puts(out, ",\"name\":");
	write_text_or_null(s->name, out);
	buf_puts(out, ",\"outputs\":");
	write_raw_or_null(s->outputs, out);
	buf_puts(out, ",\"meta\":");
	write_raw_or_null(s->bad_meta.n == 0 ? s->meta : STR(""), out);
	if (s->bad_meta.n != 0) {
		buf_puts(out, ",\"meta_error\":");
		rows_write_string(str_utf8_head(s->bad_meta, DIFFERENCE_MAX_ERROR), out);
	}
	buf_puts(out, ",\"error\":");
	write_text_or_null(str_utf8_head(s->error, DIFFERENCE_MAX_ERROR), out);
	buf_putc(out, '}');
}

static void
write_radius(const struct radius *r, struct buf *out)
{
	buf_printf(out, "{\"attributes\":%u,\"derivations\":%u}", r->attributes, r->derivations);
}

static void
write_cause(const struct difference *d, const struct attr *at, struct buf *out)
{
	const struct cause *c = NULL;

	if (at->class == CLASS_REBUILD && d->causes != NULL)
		c = &d->causes[d->spread.sub[at->head_node]];
	if (c == NULL || !c->known) {
		buf_puts(out, "null");
		return;
	}
	buf_printf(out, "{\"kind\":\"%s\",\"what\":", c->is_root ? "root" : "follower");
	if (c->is_root)
		write_strings(d->roots[c->roots[0]].what, d->roots[c->roots[0]].n_what, out);
	else
		buf_puts(out, "[]");
	buf_puts(out, ",\"roots\":[");
	for (size_t i = 0; i < c->n_roots; i++)
		buf_printf(out, "%s%u", i != 0 ? "," : "", c->roots[i]);
	buf_printf(out, "],\"roots_total\":%zu,\"chain\":[", c->n_roots_total);
	for (size_t i = 0; i < c->n_chain; i++) {
		if (i != 0)
			buf_putc(out, ',');
		rows_write_string(closure_name(&d->closure, c->chain[i]), out);
	}
	buf_puts(out, "]}");
}

/* The version: meta says it, or the name. */
static struct str
version_of(struct arena *a, const struct attr_side *s)
{
	struct jscan j = {s->meta.p, s->meta.n, 0};
	struct str key, value, name;
	size_t count = 0;

	if (s->meta.n != 0 && jscan_open(&j, '{') == 0)
		while (jscan_more(&j, '}', &count) == 1) {
			if (jscan_string(&j, a, &key) != 0 || jscan_colon(&j) != 0)
				break;
			if (!str_is(key, "version")) {
				if (jscan_value(&j, &value) != 0)
					break;
			} else if (jscan_peek(&j) == '"' && jscan_string(&j, a, &value) == 0 && value.n != 0)
				return value;
			else
				break;
		}
	drv_split_name(s->name, &name, &value);
	return value;
}

static void
write_version(const struct attr *at, struct buf *out)
{
	struct arena a = {0};

	if (at->base != NULL && at->head != NULL && !at->base->failed && !at->head->failed) {
		struct str old = version_of(&a, at->base), new = version_of(&a, at->head);
		if (!str_eq(old, new)) {
			buf_putc(out, '[');
			write_text_or_null(old, out);
			buf_putc(out, ',');
			write_text_or_null(new, out);
			buf_putc(out, ']');
			arena_release(&a);
			return;
		}
	}
	buf_puts(out, "null");
	arena_release(&a);
}

static void
write_path_or_null(struct str path, struct buf *out)
{
	if (path.p == NULL)
		buf_puts(out, "null");
	else
		rows_write_path(path, out);
}

/* Whose entry it is: its first members. */
static void
write_place(struct str path, const char *job, struct str system, struct buf *out)
{
	buf_puts(out, "\"path\":");
	rows_write_path(path, out);
	buf_puts(out, ",\"job\":");
	rows_write_string(str_of(job), out);
	buf_puts(out, ",\"system\":");
	write_text_or_null(system, out);
}

static void
write_attr(const struct difference *d, const struct attr *at, struct buf *out)
{
	const struct attr *all = d->attrs.v.p;
	const struct attr_side *named = at->head != NULL && at->head->name.n != 0 ? at->head : at->base;
	bool wanted = at->class == CLASS_REBUILD || at->class == CLASS_ADDED || at->class == CLASS_FIXED;
	bool built = wanted && d->spread.sub[at->head_node] != NO_SUB;

	buf_putc(out, '{');
	write_place(at->path, at->job, at->system, out);
	buf_printf(out, ",\"class\":\"%s\",\"name\":", class_name(at->class));
	write_text_or_null(named != NULL ? named->name : (struct str){"", 0}, out);
	buf_puts(out, ",\"base\":");
	write_side(at->base, out);
	buf_puts(out, ",\"head\":");
	write_side(at->head, out);
	buf_puts(out, ",\"hidden_by\":");
	write_path_or_null(at->hidden_by, out);
	buf_puts(out, ",\"cause\":");
	write_cause(d, at, out);
	buf_puts(out, ",\"radius\":");
	if (built)
		write_radius(&d->radius[d->spread.sub[at->head_node]], out);
	else
		buf_puts(out, "null");
	buf_puts(out, ",\"version\":");
	if (at->class == CLASS_UNTOLD)
		buf_puts(out, "null");
	else
		write_version(at, out);
	buf_puts(out, ",\"renamed_from\":");
	write_path_or_null(at->renamed_from != NO_ATTR ? all[at->renamed_from].path : (struct str){NULL, 0}, out);
	buf_puts(out, ",\"alias_of\":");
	write_path_or_null(at->alias_of != NO_ATTR ? all[at->alias_of].path : (struct str){NULL, 0}, out);
	buf_puts(out, ",\"aliases\":[");
	for (uint32_t i = at->next_alias; i != NO_ATTR; i = all[i].next_alias) {
		if (i != at->next_alias)
			buf_putc(out, ',');
		rows_write_path(all[i].path, out);
	}
	buf_puts(out, "]}");
}

static void
write_node(const struct difference *d, uint32_t node, struct buf *out)
{
	if (node == NO_NODE) {
		buf_puts(out, "null");
		return;
	}
	buf_putc(out, '"'); /* store paths have no character that JSON would escape */
	closure_write_path(&d->closure, node, out);
	buf_putc(out, '"');
}

static void
write_root(const struct difference *d, const struct root *r, struct buf *out)
{
	const struct closure *g = &d->closure;
	bool first = true;

	buf_puts(out, "{\"drv\":");
	write_node(d, r->node, out);
	buf_puts(out, ",\"base_drv\":");
	write_node(d, r->base_node, out);
	buf_puts(out, ",\"name\":");
	rows_write_string(closure_name(g, r->node), out);
	buf_puts(out, ",\"system\":");
	rows_write_string(g->systems.p[g->system.p[r->node]].key, out);
	buf_puts(out, ",\"attributes\":[");
	for (size_t i = 0; i < r->n_attrs; i++) {
		if (i != 0)
			buf_putc(out, ',');
		rows_write_path(d->attrs.v.p[r->attrs[i]].path, out);
	}
	buf_puts(out, "],\"used_by\":");
	write_path_or_null(r->used_by != NO_ATTR ? d->attrs.v.p[r->used_by].path : (struct str){NULL, 0}, out);
	buf_puts(out, ",\"what\":");
	write_strings(r->what, r->n_what, out);
	buf_printf(out, ",\"radius\":{\"attributes\":%u,\"derivations\":%u,\"systems\":{", r->total.attributes,
	    r->total.derivations);
	for (uint32_t k = 0; k < d->spread.n_groups; k++) {
		struct str system = g->systems.n != 0 ? g->systems.p[d->spread.system[k]].key : STR("");
		if ((r->radius[k].attributes == 0 && r->radius[k].derivations == 0) || !str_utf8_ok(system))
			continue;
		if (!first)
			buf_putc(out, ',');
		first = false;
		rows_write_string(d->spread.others && k == SPREAD_MAX_GROUPS - 1 ? STR("other systems") : system, out);
		buf_putc(out, ':');
		write_radius(&r->radius[k], out);
	}
	buf_puts(out, "}}}");
}

enum targets { TARGETS_NEW, TARGETS_OF_BASE };

/* Distinct derivations of added, rebuilt, fixed and switched attributes, in the order of the attributes: those that base had not,
 * or those that it had, under other names. */
static void
write_targets(const struct difference *d, enum targets which, struct buf *out)
{
	AUTO(mem_free) uint8_t *seen = mem_alloc(d->closure.loaded);
	bool first = true;

	for (size_t i = 0; i < d->attrs.v.n; i++) {
		const struct attr *at = &d->attrs.v.p[i];
		bool wanted = at->class == CLASS_ADDED || at->class == CLASS_REBUILD || at->class == CLASS_FIXED ||
		              at->class == CLASS_SWITCHED;
		if (!wanted || at->alias_of != NO_ATTR || seen[at->head_node] ||
		    (d->spread.sub[at->head_node] == NO_SUB) != (which == TARGETS_OF_BASE))
			continue;
		seen[at->head_node] = 1;
		buf_puts(out, first ? "\n{\"drv\":" : ",\n{\"drv\":");
		first = false;
		write_node(d, at->head_node, out);
		buf_puts(out, ",\"system\":");
		rows_write_string(at->system, out);
		buf_puts(out, ",\"path\":");
		rows_write_path(at->path, out);
		buf_puts(out, ",\"name\":");
		rows_write_string(closure_name(&d->closure, at->head_node), out);
		buf_putc(out, '}');
	}
}

/* The raw value of a member of meta; n == 0 when it has none. */
static struct str
meta_member(struct str meta, const char *name)
{
	struct arena a = {0};
	struct jscan j = {meta.p, meta.n, 0};
	struct str key, value = {"", 0}, found = {"", 0};
	size_t count = 0;

	if (meta.n != 0 && jscan_open(&j, '{') == 0)
		while (found.n == 0 && jscan_more(&j, '}', &count) == 1 && jscan_string(&j, &a, &key) == 0 &&
		       jscan_colon(&j) == 0 && jscan_value(&j, &value) == 0)
			if (str_is(key, name))
				found = value;
	arena_release(&a);
	return found;
}

static bool
meta_matters(const struct attr *at)
{
	static const char *const names[] = {"license", "broken", "insecure", "unfree"};

	if (at->class != CLASS_UNCHANGED || at->base == NULL || at->head == NULL)
		return false;
	for (size_t i = 0; i < COUNT(names); i++)
		if (!str_eq(meta_member(at->base->meta, names[i]), meta_member(at->head->meta, names[i])))
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
		const struct attr *at = &d->attrs.v.p[i];
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
static void
write_meta_changed(const struct difference *d, struct buf *out)
{
	struct arena a = {0};
	uint32_t *first = arena_alloc(&a, (d->attrs.v.n + 1) * sizeof(*first)),
	         *next = arena_alloc(&a, (d->attrs.v.n + 1) * sizeof(*next));
	bool any = false;

	join_meta_changed(d, &a, first, next);
	for (size_t i = 0; i < d->attrs.v.n; i++) {
		const struct attr *at = &d->attrs.v.p[i];
		if (first[i] == NO_ATTR)
			continue;
		buf_puts(out, any ? ",\n{" : "\n{");
		any = true;
		write_place(at->path, at->job, at->system, out);
		buf_puts(out, ",\"name\":");
		write_text_or_null(at->head->name, out);
		buf_puts(out, ",\"base\":{\"meta\":");
		write_raw_or_null(at->base->meta, out);
		buf_puts(out, "},\"head\":{\"meta\":");
		write_raw_or_null(at->head->meta, out);
		buf_puts(out, "},\"aliases\":[");
		for (uint32_t k = next[i]; k != NO_ATTR; k = next[k]) {
			buf_puts(out, k != next[i] ? "," : "");
			rows_write_path(d->attrs.v.p[k].path, out);
		}
		buf_puts(out, "]}");
	}
	arena_release(&a);
}

/* What is wrong with meta: beside all classes. */
static void
write_meta_errors(const struct attrs *t, struct buf *out)
{
	buf_printf(out, "{\"new\":%zu,\"before\":%zu,\"fixed\":%zu,\"list\":[", t->bad_meta.n, t->bad_meta_before,
	    t->bad_meta_fixed);
	for (size_t i = 0; i < t->bad_meta.n && i < DIFFERENCE_MAX_META_LISTED; i++) {
		const struct bad_meta *one = &t->bad_meta.p[i];
		buf_puts(out, i == 0 ? "\n{" : ",\n{");
		write_place(one->path, one->job, one->system, out);
		buf_puts(out, ",\"error\":");
		write_text_or_null(str_utf8_head(one->error, DIFFERENCE_MAX_ERROR), out);
		buf_putc(out, '}');
	}
	buf_puts(out, "]}");
}

void
difference_write(const struct difference *d, struct buf *out)
{
	bool first = true;

	buf_puts(out, "{\"ekaci_difference\":1,\n\"counts\":");
	difference_write_counts(d, out);
	buf_puts(out, ",\n\"attributes\":[");
	for (size_t i = 0; i < d->attrs.v.n; i++) {
		const struct attr *at = &d->attrs.v.p[i];
		if (at->class == CLASS_UNCHANGED)
			continue;
		buf_puts(out, first ? "\n" : ",\n");
		first = false;
		write_attr(d, at, out);
	}
	buf_puts(out, "],\n\"meta_changed\":[");
	write_meta_changed(d, out);
	buf_puts(out, "],\n\"meta_errors\":");
	write_meta_errors(&d->attrs, out);
	buf_puts(out, ",\n\"roots\":[");
	for (size_t i = 0; i < d->n_roots; i++) {
		buf_puts(out, i == 0 ? "\n" : ",\n");
		write_root(d, &d->roots[i], out);
	}
	buf_puts(out, "],\n\"targets\":[");
	write_targets(d, TARGETS_NEW, out);
	buf_puts(out, "],\n\"known\":[");
	write_targets(d, TARGETS_OF_BASE, out);
	buf_puts(out, "]}\n");
}
