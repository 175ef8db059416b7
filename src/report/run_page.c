/* The parts of a run's page. */
#include "report/run_page.h"

#include "report/view_part.h"
#include "report/words.h"
#include "support/base/map.h"
#include "support/os/files.h"
#include "support/text/json.h"
#include "support/text/template.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

enum {
	MAX_PART_BYTES = 4 << 20,
	MAX_WORDS_BYTES = 8000, /* of an evaluator, for one row */
	MAX_CHAIN = 40,
	MAX_CAUSES = 12, /* in the picture; the filter has them all */
	MAX_GROUPS = 12,
	MAX_PACKAGES = 12,
	ZSTD_LEVEL = 9,
	GZIP_LEVEL = 7
};

struct limits
run_page_limits(void)
{
	struct limits limits = limits_none();

	limits.failures = 10; /* more would hide what stands below; the table has all */
	limits.folded = 30;
	limits.listed = 100;
	limits.roots = 0; /* in the picture */
	limits.tail_lines = 40;
	limits.error_bytes = MAX_WORDS_BYTES;
	limits.rules = 50;
	limits.nodes = 0;
	limits.packages_elsewhere = true; /* in the table */
	return limits;
}

/* --- causes ------------------------------------------------------------------------------------------------------- */

/* Roots by what they are called, whatever system they are of. */
struct causes {
	struct map names; /* -> place */
	const char **list;
	size_t n_roots;
	uint32_t *of_root; /* by the root's place; UINT32_MAX: not listed */
	const struct view_root *first[TABLE_MAX_CAUSES];
	int64_t attributes[TABLE_MAX_CAUSES], derivations[TABLE_MAX_CAUSES];
	struct map drvs; /* of roots -> place of the root */
};

static void
causes_init(struct model *m, struct causes *c)
{
	struct view_root *roots;
	size_t n = view_collect_roots(m, &roots);

	*c = (struct causes){.list = arena_alloc(&m->a, (TABLE_MAX_CAUSES + 1) * sizeof(*c->list)),
	    .n_roots = m->roots.n,
	    .of_root = arena_alloc(&m->a, (m->roots.n + 1) * sizeof(*c->of_root))};
	for (size_t i = 0; i < n; i++) {
		struct map_entry *at = map_get(&c->names, str_of(roots[i].name));
		if (at == NULL && c->names.n == TABLE_MAX_CAUSES)
			continue;
		if (at == NULL)
			at = map_add(&c->names, str_of(roots[i].name), NULL);
		size_t place = (size_t)(at - c->names.p);
		if (c->first[place] == NULL)
			c->first[place] = &roots[i];
		c->list[place] = roots[i].name;
		c->attributes[place] += roots[i].attributes;
		c->derivations[place] += roots[i].derivations;
	}
	for (size_t i = 0; i < m->roots.n; i++) {
		const struct difference_root *root = m->roots.p[i];
		const struct map_entry *at = map_get(&c->names, str_of(view_root_name(m, root)));
		/* Several of one source stand under the name of its first one. */
		if (at == NULL && root->source >= 0 && (uint64_t)root->source < m->roots.n)
			at = map_get(&c->names, str_of(view_root_name(m, m->roots.p[root->source])));
		c->of_root[i] = at != NULL ? (uint32_t)(at - c->names.p) : UINT32_MAX;
		if (m->roots.p[i]->drv != NULL)
			map_add(&c->drvs, str_of(m->roots.p[i]->drv), NULL)->value = i;
	}
}

static void
causes_release(struct causes *c)
{
	map_release(&c->names);
	map_release(&c->drvs);
}

/* The causes of an attribute, each once, at most max: what it follows, or itself. */
static size_t
causes_of(const struct causes *c, const struct changed_attr *at, uint32_t *ret, size_t max)
{
	const struct difference_cause *cause = at->is->cause;
	const struct map_entry *own = at->drv != NULL ? map_get(&c->drvs, str_of(at->drv)) : NULL;
	size_t n = 0;

	if (own != NULL && c->of_root[own->value] != UINT32_MAX)
		ret[n++] = c->of_root[own->value];
	for (size_t i = 0; cause != NULL && i < cause->roots.n && n < max; i++) {
		if (cause->roots.p[i] < 0 || (uint64_t)cause->roots.p[i] >= c->n_roots)
			continue;
		uint32_t one = c->of_root[cause->roots.p[i]];
		size_t k = 0;
		while (k < n && ret[k] != one)
			k++;
		if (k == n && one != UINT32_MAX)
			ret[n++] = one;
	}
	return n;
}

/* --- the picture -------------------------------------------------------------------------------------------------- */

struct package {
	const struct changed_attr *at;
	struct package *next;
};
struct group {
	struct package *first, *last;
	int64_t n;
	const char *name;
};
struct cause_tree {
	struct map groups; /* set -> place */
	struct group *list;
	size_t cap;
};

static const char *
set_of(struct model *m, const struct changed_attr *at)
{
	struct texts path = at->is->path;

	if (path.n < 2)
		return "at the top";
	path.n--;
	return model_attr_name(&m->a, path);
}

static void
put_member(struct model *m, struct cause_tree *p, const struct changed_attr *at)
{
	bool added;
	const char *name = set_of(m, at);
	size_t place = (size_t)(map_add(&p->groups, str_of(name), &added) - p->groups.p);

	if (place >= p->cap) {
		p->list = mem_realloc(p->list, p->cap * 2 + 8, sizeof(*p->list));
		p->cap = p->cap * 2 + 8;
	}
	if (added)
		p->list[place] = (struct group){.name = name};
	struct group *g = &p->list[place];
	if (g->n++ >= MAX_PACKAGES)
		return;
	struct package *one = arena_alloc(&m->a, sizeof(*one));
	*one = (struct package){.at = at};
	if (g->last != NULL)
		g->last->next = one;
	else
		g->first = one;
	g->last = one;
}

static int
by_size(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	return x->n != y->n ? (x->n < y->n ? 1 : -1) : table_compare(x->name, y->name);
}

static void
put_share(struct model *m, struct values *item, int64_t n, int64_t most)
{
	double share = most > 0 ? 100.0 * (double)n / (double)most : 0;

	values_text(item, "share", arena_printf(&m->a, "%.1f", share < 0.5 && n > 0 ? 0.5 : share));
}

static struct value_list *
group_items(const struct view *v, struct cause_tree *p)
{
	struct model *m = v->m;
	struct value_list *items = value_list_new(&m->a);

	if (p->groups.n > 0)
		qsort(p->list, p->groups.n, sizeof(*p->list), by_size);
	for (size_t i = 0; i < p->groups.n && i < MAX_GROUPS; i++) {
		struct group *g = &p->list[i];
		struct values *item = values_new(&m->a);
		struct value_list *packages = value_list_new(&m->a);
		put_name(v, item, "group", g->name);
		values_text(item, "n", words_number(&m->a, g->n));
		put_share(m, item, g->n, p->list[0].n);
		for (struct package *one = g->first; one != NULL; one = one->next) {
			struct values *package = values_new(&m->a);
			put_name(v, package, "package", one->at->name);
			put_name(v, package, "package_system", one->at->system);
			put_page(v, package, "package_page", one->at);
			value_list_group(packages, package);
		}
		values_list(item, "packages", packages);
		if (g->n > MAX_PACKAGES)
			put_number(v, item, "packages_left", g->n - MAX_PACKAGES);
		value_list_group(items, item);
	}
	return items;
}

static struct values *
cause_item(const struct view *v, const struct causes *c, size_t place, struct cause_tree *p)
{
	struct model *m = v->m;
	const struct view_root *first = c->first[place];
	struct values *item = values_new(&m->a);
	int64_t most = c->attributes[0] > 0 ? c->attributes[0] : 1;

	put_name(v, item, "cause", c->list[place]);
	put_names(v, item, "cause_also", first->others, 0);
	view_commits(v, item, first->first);
	if (first->first->attributes.n == 0 && first->first->used_by.p != NULL)
		put_name(v, item, "cause_user", model_attr_name(&m->a, first->first->used_by));
	values_text(item, "what", first->what);
	put_name(v, item, "systems", first->systems);
	values_text(item, "attributes", words_count(&m->a, c->attributes[place], "attribute", "attributes"));
	values_text(item, "derivations", words_count(&m->a, c->derivations[place], "derivation", "derivations"));
	if (first->alone >= 0 && c->names.n > 1 && c->attributes[place] > 0)
		put_number(v, item, "alone", first->alone);
	put_share(m, item, c->attributes[place], most);
	values_flag(item, "spreads", p->groups.n > 0);
	values_list(item, "groups", group_items(v, p));
	if (p->groups.n > MAX_GROUPS)
		put_number(v, item, "groups_left", (int64_t)(p->groups.n - MAX_GROUPS));
	if (view_has_pages(m))
		values_text(item, "filter",
		    arena_printf(&m->a, "/run/%lld?%s%scause=%s", (long long)m->facts.run.id, view_key(m),
		        *view_key(m) != '\0' ? "&" : "", escape_dup(&m->a, ESCAPE_URL, str_of(c->list[place]))));
	return item;
}

void
run_page_causes(struct model *m, struct values *obj)
{
	const struct limits limits = run_page_limits();
	const struct view view = {m, &limits};
	struct cause_tree pictures[MAX_CAUSES] = {0};
	struct causes c;
	uint32_t of[16];

	if (m->outcome != OUTCOME_COMPARED || !m->wishes.rebuild_impact.enabled)
		return;
	causes_init(m, &c);
	struct value_list *items = value_list_new(&m->a);
	for (size_t i = 0; i < m->n_attrs; i++) {
		const struct changed_attr *at = &m->attrs[i];
		size_t n = at->alias || !model_is_follower(at) ? 0 : causes_of(&c, at, of, COUNT(of));
		for (size_t k = 0; k < n; k++)
			if (of[k] < MAX_CAUSES)
				put_member(m, &pictures[of[k]], at);
	}
	for (size_t i = 0; i < c.names.n && i < MAX_CAUSES; i++) {
		value_list_group(items, cause_item(&view, &c, i, &pictures[i]));
		map_release(&pictures[i].groups);
		mem_free(&pictures[i].list);
	}
	put_list(&view, obj, "causes", items, c.names.n, (int64_t)c.names.n);
	causes_release(&c);
}

/* --- how far it is ------------------------------------------------------------------------------------------------ */

struct state_counts {
	int64_t total, ended, failed, building;
	int64_t spent_ms; /* of those that have ended */
};

static void
count_build(struct state_counts *c, const struct build_told *b)
{
	enum build_state state = (enum build_state)b->state;

	c->total++;
	c->ended += build_state_has_ended(state);
	c->failed += build_state_has_failed(state);
	c->building += state == BUILD_BUILDING;
	if (build_state_has_ended(state) && b->wall_ms > 0)
		c->spent_ms += b->wall_ms;
}

/* What is left of the estimate, in the share of the work that is left; -1: nobody can tell. */
static int64_t
rest_ms(const struct model *m, const char *system, const struct state_counts *c)
{
	const struct query *query = m->facts.query;

	for (size_t i = 0; query != NULL && i < query->estimate.n; i++) {
		const struct estimate_of *of = &query->estimate.p[i].of;
		if (strcmp(query->estimate.p[i].system, system) != 0 || of->finish_ms <= 0 || of->total_ms <= 0 ||
		    of->known == 0)
			continue;
		double left = 1.0 - (double)c->spent_ms / (double)of->total_ms;
		return left > 0 ? (int64_t)((double)of->finish_ms * left) : 0;
	}
	return -1;
}

static struct values *
progress_item(const struct view *v, const char *system, const struct state_counts *c)
{
	struct model *m = v->m;
	struct values *item = values_new(&m->a);
	int64_t rest = rest_ms(m, system, c);

	put_name(v, item, "progress_system", system);
	put_number(v, item, "progress_done", c->ended);
	put_number(v, item, "progress_total", c->total);
	put_share(m, item, c->ended, c->total);
	if (c->building > 0)
		put_number(v, item, "progress_building", c->building);
	if (c->failed > 0)
		put_number(v, item, "progress_failed", c->failed);
	if (rest > 0)
		values_text(item, "progress_rest", words_duration(&m->a, rest));
	return item;
}

/* Builds by system: done, at work, failed, and about how long the rest will take. */
static void
put_build_progress(const struct view *v, struct values *obj)
{
	const struct model *m = v->m;
	struct value_list *items = value_list_new(&v->m->a);
	struct state_counts counts[TABLE_MAX_SYSTEMS] = {0};
	struct map systems = {0};

	for (size_t i = 0; i < m->facts.builds.n; i++) {
		const struct build_told *b = &m->facts.builds.p[i].told;
		const struct str system = str_of(b->system != NULL ? b->system : "");
		if (map_get(&systems, system) != NULL || systems.n < TABLE_MAX_SYSTEMS)
			count_build(&counts[map_add(&systems, system, NULL) - systems.p], b);
	}
	for (size_t i = 0; i < systems.n; i++)
		value_list_group(items, progress_item(v, str_dup(&v->m->a, systems.p[i].key), &counts[i]));
	values_list(obj, "build_progress", items);
	map_release(&systems);
}

static void
put_evaluation_progress(const struct view *v, struct values *obj)
{
	const struct progress *progress = v->m->job->progress;
	struct values *item = values_new(&v->m->a);

	if (progress == NULL)
		return;
	put_name(v, item, "progress_what", progress->what != NULL ? progress->what : "");
	if (progress->done >= 0)
		put_number(v, item, "progress_done", progress->done);
	if (progress->total > 0) {
		put_number(v, item, "progress_total", progress->total);
		put_share(v->m, item, progress->done < progress->total ? progress->done : progress->total, progress->total);
	}
	values_group(obj, "evaluation_progress", item);
}

void
run_page_progress(struct model *m, struct values *obj)
{
	const struct limits limits = run_page_limits();
	const struct view v = {m, &limits};

	if (m->outcome == OUTCOME_RUNNING)
		put_evaluation_progress(&v, obj);
	if (m->job->phase == PHASE_BUILDING)
		put_build_progress(&v, obj);
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

static const char *
stem_of(struct model *m, const char *drv)
{
	const char *slash = drv != NULL ? strrchr(drv, '/') : NULL;
	struct str stem = str_of(slash != NULL ? slash + 1 : drv);

	if (str_ends(stem, STR(".drv")))
		stem.n -= 4;
	return drv != NULL ? str_dup(&m->a, stem) : NULL;
}

static const char *
lines_of(struct model *m, struct texts list)
{
	AUTO(buf_release) struct buf b;

	buf_init(&b, 1 << 16);
	for (size_t i = 0; i < list.n && i < MAX_CHAIN; i++)
		buf_printf(&b, "%s%s", i > 0 ? "\n" : "", list.p[i]);
	return str_dup(&m->a, buf_get(&b));
}

static const char *
names_of(struct model *m, struct paths paths)
{
	AUTO(buf_release) struct buf b;

	buf_init(&b, 1 << 16);
	for (size_t i = 0; i < paths.n; i++)
		buf_printf(&b, "%s%s", i > 0 ? ", " : "", model_attr_name(&m->a, paths.p[i]));
	return str_dup(&m->a, buf_get(&b));
}

/* A follower's roots; of a root, what differs in it. */
const char *
run_page_because(const struct view *v, const struct changed_attr *at)
{
	const char *because = view_because(v, at, false);

	if (because != NULL || at->is->cause == NULL)
		return because;
	return model_is_root(at) ? joined_text(v->m, &at->is->cause->what, 240) : NULL;
}

static void
fill_entry(const struct view *v, const struct causes *c, const struct changed_attr *at, uint32_t *of, size_t max,
    struct table_entry *ret)
{
	struct model *m = v->m;
	const struct difference_attribute *is = at->is;
	bool head_fails = is->head != NULL && is->head->error != NULL;

	*ret = (struct table_entry){.name = at->name,
	    .also = is->aliases.n > 0 ? names_of(m, is->aliases) : NULL,
	    .job = at->job,
	    .system = at->system,
	    .because = run_page_because(v, at),
	    .chain = is->cause != NULL ? lines_of(m, is->cause->chain) : NULL,
	    .drv = stem_of(m, at->drv),
	    .base_drv = is->base != NULL ? stem_of(m, is->base->drv) : NULL,
	    .words = head_fails || (is->base != NULL && is->base->error != NULL)
	                 ? words_head(&m->a, model_error(head_fails ? is->head : is->base), 200, MAX_WORDS_BYTES)
	                 : NULL,
	    .causes = of,
	    .n_causes = causes_of(c, at, of, max),
	    .attributes = is->radius != NULL ? is->radius->attributes : -1,
	    .derivations = is->radius != NULL ? is->radius->derivations : -1,
	    .class = at->class,
	    .state = table_state(at->class, at->build != NULL ? at->state : BUILD_NONE, at->blame)};
	if (at->version_old == NULL)
		return;
	ret->old = *at->version_old != '\0' ? at->version_old : "none";
	ret->new = *at->version_new != '\0' ? at->version_new : "none";
}

/* The rows for a script: column by column, which packs well, in the order of the table. Of causes and versions that many rows share
 * there is a list. */
struct column_texts {
	struct buf of[8];
	struct map becauses, systems;
	struct buf because_list;
};
enum { NAMES, ALSO, SYSTEMS, COLUMN_CLASSES, OLD, NEW, BECAUSE, RADIUS };

static void
quote(struct buf *b, const char *s)
{
	(void)json_quote(str_of(s != NULL ? s : ""), b);
}

static void
columns_add(struct column_texts *c, struct model *m, const struct table_entry *one)
{
	AUTO(buf_release) struct buf because;
	bool added;

	for (size_t i = 0; i < COUNT(c->of); i++)
		if (c->of[i].n > 0)
			buf_putc(&c->of[i], ',');
	quote(&c->of[NAMES], one->name);
	quote(&c->of[ALSO], one->also);
	buf_printf(&c->of[SYSTEMS], "%zu", (size_t)(map_add(&c->systems, str_of(one->system), NULL) - c->systems.p));
	buf_printf(&c->of[COLUMN_CLASSES], "%d", (int)one->class);
	quote(&c->of[OLD], one->old);
	quote(&c->of[NEW], one->new);
	buf_printf(&c->of[RADIUS], "%lld", (long long)one->attributes);
	buf_init(&because, 1 << 20);
	buf_putc(&because, '[');
	quote(&because, one->because);
	for (size_t i = 0; i < one->n_causes; i++)
		buf_printf(&because, ",%u", one->causes[i]);
	buf_putc(&because, ']');
	struct map_entry *at = map_get(&c->becauses, buf_get(&because));
	if (at == NULL) {
		const char *key = str_dup(&m->a, buf_get(&because));
		at = map_add(&c->becauses, str_of(key), &added);
		buf_printf(&c->because_list, "%s%s", c->because_list.n > 0 ? ",\n" : "", key);
	}
	buf_printf(&c->of[BECAUSE], "%zu", (size_t)(at - c->becauses.p));
}

static void
write_lists(const struct column_texts *c, const struct causes *causes, struct buf *out)
{
	struct arena a = {0};

	buf_puts(out, ",\n\"systems\":[");
	for (size_t i = 0; i < c->systems.n; i++) {
		buf_puts(out, i > 0 ? "," : "");
		(void)json_quote(c->systems.p[i].key, out);
	}
	buf_puts(out, "],\n\"classes\":[");
	for (int i = 0; i < CLASSES; i++)
		buf_printf(out, "%s[\"%s\",\"%s\"]", i > 0 ? "," : "", class_words[i].word, class_words[i].label);
	buf_puts(out, "],\n\"outcomes\":[");
	for (int i = 0; i < TABLE_OUTCOMES; i++) {
		const struct table_outcome o = table_outcome(&a, (uint8_t)i);
		buf_printf(out, "%s[\"%s\",\"%s\",\"%s\",%d,%d]", i > 0 ? "," : "", o.key, o.words, o.tone, o.rank,
		    o.attention);
	}
	buf_puts(out, "],\n\"causes\":[");
	for (size_t i = 0; i < causes->names.n; i++) {
		buf_puts(out, i > 0 ? "," : "");
		quote(out, causes->list[i]);
	}
	buf_puts(out, "],\n\"because\":[");
	buf_str(out, buf_get(&c->because_list));
	buf_puts(out, "]");
	arena_release(&a);
}

static void
write_json(const struct column_texts *c, const struct causes *causes, const char *version, size_t n, struct buf *out)
{
	static const char *const names[] = {"name", "also", "system", "class", "old", "new", "cause", "radius"};

	buf_printf(out, "{\"version\":\"%s\",\"n\":%zu", version, n);
	write_lists(c, causes, out);
	for (size_t i = 0; i < COUNT(names); i++) {
		buf_printf(out, ",\n\"%s\":[", names[i]);
		buf_str(out, buf_get(&c->of[i]));
		buf_putc(out, ']');
	}
	buf_puts(out, "}\n");
}

int
run_page_rows(struct model *m, struct buf *table, struct buf *json, struct buf *states, char ret_version[17], struct err *e)
{
	const struct limits limits = run_page_limits();
	const struct view view = {m, &limits};
	struct column_texts columns = {0};
	struct causes c;
	uint32_t of[17];
	size_t n = 0;

	causes_init(m, &c);
	AUTO(table_drop) struct table_writer *w = table_begin(c.list, c.names.n);
	AUTO(buf_release) struct buf codes = {0};
	buf_init(&codes, TABLE_MAX_BYTES);
	for (size_t i = 0; i < COUNT(columns.of); i++)
		buf_init(&columns.of[i], TABLE_MAX_BYTES);
	buf_init(&columns.because_list, TABLE_MAX_BYTES);
	for (size_t i = 0; i < m->n_attrs; i++) {
		struct table_entry one;
		if (m->attrs[i].alias)
			continue;
		fill_entry(&view, &c, &m->attrs[i], of, COUNT(of) - 1, &one);
		table_add(w, &one);
		columns_add(&columns, m, &one);
		buf_putc(&codes, (char)('0' + one.state));
		n++;
	}
	int rc = table_end(w, table, ret_version, e);
	write_json(&columns, &c, ret_version, n, json);
	buf_printf(states, "%s\n%s\n", ret_version, codes.p);
	if (rc == 0 && json->over)
		rc = fail(e, ERR_LIMIT, "the rows of the run are too large");
	for (size_t i = 0; i < COUNT(columns.of); i++)
		buf_release(&columns.of[i]);
	buf_release(&columns.because_list);
	map_release(&columns.becauses);
	map_release(&columns.systems);
	causes_release(&c);
	return rc;
}

/* --- files -------------------------------------------------------------------------------------------------------- */

static int
write_file(struct model *m, const char *name, struct str bytes, struct err *e)
{
	return files_write(arena_printf(&m->a, "%s/%s", m->job->documents_dir, name), bytes, 0640, FILES_NO_SYNC, e);
}

static int
write_zstd(struct model *m, struct str text, struct err *e)
{
	size_t cap = ZSTD_compressBound(text.n);
	AUTO(mem_free) char *packed = mem_alloc(cap);
	size_t n = ZSTD_compress(packed, cap, text.p, text.n, ZSTD_LEVEL);

	return ZSTD_isError(n) ? fail(e, ERR_SYSTEM, "zstd: %s", ZSTD_getErrorName(n))
	                       : write_file(m, "rows.json.zst", (struct str){packed, n}, e);
}

static int
write_gzip(struct model *m, struct str text, struct err *e)
{
	z_stream z = {.next_in = (unsigned char *)(uintptr_t)text.p, .avail_in = (unsigned)text.n};

	if (text.n > UINT32_MAX / 2 || deflateInit2(&z, GZIP_LEVEL, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK)
		return fail(e, ERR_LIMIT, "gzip: %zu bytes", text.n);
	size_t cap = deflateBound(&z, text.n);
	AUTO(mem_free) char *packed = mem_alloc(cap);
	z.next_out = (unsigned char *)packed;
	z.avail_out = (unsigned)cap;
	int rc = deflate(&z, Z_FINISH);
	size_t n = z.total_out;
	deflateEnd(&z);
	return rc != Z_STREAM_END ? fail(e, ERR_SYSTEM, "gzip: %d", rc)
	                          : write_file(m, "rows.json.gz", (struct str){packed, n}, e);
}

/* Written before the table, which names their version; what is there already is not written again. */
static int
write_rows(struct model *m, struct str json, const char *version, struct err *e)
{
	struct table_map before;
	struct err none;

	if (table_open(arena_printf(&m->a, "%s/table.bin", m->job->documents_dir), &before, &none) == 0) {
		bool same = strcmp(before.head->version, version) == 0;
		table_close(&before);
		if (same)
			return 0;
	}
	if (write_file(m, "rows.json", json, e) != 0 || write_zstd(m, json, e) != 0)
		return -1;
	return write_gzip(m, json, e);
}

static int
write_part(struct model *m, const struct values *obj, const char *template, const char *name, struct err *e)
{
	AUTO(buf_release) struct buf body;

	buf_init(&body, MAX_PART_BYTES);
	if (template_render(template, obj, &body, e) != 0)
		return -1;
	return write_file(m, name, buf_get(&body), e);
}

int
run_page_write(struct model *m, const struct verdict *v, struct err *e)
{
	AUTO(buf_release) struct buf table = {0}, json = {0}, states = {0};
	const struct limits limits = run_page_limits();
	char version[17];

	if (m->job->documents_dir == NULL)
		return fail(e, ERR_INPUT, "job: a page needs documents_dir");
	if (m->outcome == OUTCOME_COMPARED) {
		buf_init(&table, TABLE_MAX_BYTES);
		buf_init(&json, TABLE_MAX_BYTES);
		buf_init(&states, TABLE_MAX_BYTES);
		if (run_page_rows(m, &table, &json, &states, version, e) != 0 ||
		    write_rows(m, buf_get(&json), version, e) != 0 || write_file(m, "states.txt", buf_get(&states), e) != 0 ||
		    write_file(m, "table.bin", buf_get(&table), e) != 0)
			return -1;
	}
	struct values *obj = view_new(m, v, &limits, false);
	values_flag(obj, "on_page", true);
	values_text(obj, "key_query", view_key(m));
	run_page_causes(m, obj);
	run_page_progress(m, obj);
	if (write_part(m, obj, "report/below.html", "below.html", e) != 0)
		return -1;
	return write_part(m, obj, "report/above.html", "above.html", e);
}
