/* Two sorted streams of rows become one list of classified attributes. */
#include "graph/attrs.h"

#include "graph/compare.h"
#include "support/text/jscan.h"

#include <stdlib.h>
#include <string.h>

/* A failing row that only one side has, while the rows below (or at) its path go by. */
struct failing {
	struct str path, system;
	const struct attr_side *side;
	bool met; /* the other side has something at or below it, which carries this failure */
	bool met_here;
	bool met_good; /* and that something evaluated there */
	bool met_unknown;
};

struct stream { /* the rows of one side */
	struct rows *rows;
	struct row row;
	int have;                    /* 1: row is the next one */
	VEC(struct failing) failing; /* each one's path is a prefix of the next one's */
};

struct attr_merge {
	struct attrs *t;
	struct closure *g;
	const char *job;
	struct stream base, head;
	struct err *e;
};

static struct str
keep(struct attrs *t, struct str s)
{
	return (struct str){s.n != 0 ? arena_strn(&t->a, s.p, s.n) : "", s.n};
}

static struct str
keep_system(struct attrs *t, struct str s)
{
	bool added;
	struct map_entry *entry = map_add(&t->systems, s, &added);

	if (added)
		entry->key = keep(t, s);
	return entry->key;
}

static const struct attr_side *
keep_side(struct attrs *t, const struct row *row)
{
	struct attr_side *s = arena_alloc(&t->a, sizeof(*s));

	s->name = keep(t, row->name);
	s->drv = keep(t, row->drv);
	s->error = keep(t, row->error);
	s->outputs = keep(t, row->outputs);
	s->meta = keep(t, row->meta);
	s->bad_meta = keep(t, row->bad_meta);
	s->failed = row->failed;
	s->unknown = row->unknown;
	return s;
}

static struct attr_entry *
add(struct attr_merge *m, enum attr_class class, struct str path, struct str system)
{
	struct attr_entry entry = {
	    .path = keep(m->t, path),
	    .system = keep_system(m->t, system),
	    .job = m->job,
	    .class = class,
	    .base_node = NO_NODE,
	    .head_node = NO_NODE,
	    .alias_of = NO_ATTR,
	    .next_alias = NO_ATTR,
	    .renamed_from = NO_ATTR,
	};

	vec_push(&m->t->v, entry);
	return &m->t->v.p[m->t->v.n - 1];
}

/* A row that fails and names a derivation all the same has none for us: it is not to be built. */
static int
base_node(struct attr_merge *m, struct attr_entry *at, const struct row *row)
{
	return row->failed ? 0 : closure_root(m->g, row->drv, &at->base_node, m->e);
}

/* Of rows that have a derivation, what is wrong with their meta; b NULL when base has none. */
static void
note_meta(struct attr_merge *m, const struct row *b, const struct row *h)
{
	bool was_bad = b != NULL && !b->failed && b->bad_meta.n != 0;

	if (h->failed)
		return;
	if (h->bad_meta.n == 0) {
		m->t->bad_meta_fixed += was_bad;
	} else if (was_bad) {
		m->t->bad_meta_before++;
	} else {
		struct bad_meta one = {keep(m->t, h->path), keep_system(m->t, h->system), keep(m->t, h->bad_meta), m->job};
		vec_push(&m->t->bad_meta, one);
	}
}

static int
take_both(struct attr_merge *m, const struct row *b, const struct row *h)
{
	struct attr_entry *at;

	if (b->unknown || h->unknown) {
		at = add(m, CLASS_UNTOLD, h->path, h->system);
		at->base = keep_side(m->t, b);
		at->head = keep_side(m->t, h);
		return base_node(m, at, b);
	}
	note_meta(m, b, h);
	if (!b->failed && !h->failed && str_eq(b->drv, h->drv)) {
		at = add(m, CLASS_UNCHANGED, h->path, h->system);
		if (base_node(m, at, b) != 0)
			return -1;
		at->head_node = at->base_node;
		/* What is not known of one side did not change. */
		if (b->bad_meta.n == 0 && h->bad_meta.n == 0 && !str_eq(b->meta, h->meta)) {
			at->base = keep_side(m->t, b);
			at->head = keep_side(m->t, h);
		}
		return 0;
	}
	enum attr_class class = b->failed && h->failed ? CLASS_STILL_FAILING
	                        : b->failed            ? CLASS_FIXED
	                        : h->failed            ? CLASS_NEWLY_FAILING
	                                               : CLASS_REBUILD;
	at = add(m, class, h->path, h->system);
	at->base = keep_side(m->t, b);
	at->head = keep_side(m->t, h);
	return base_node(m, at, b);
}

/* The innermost failing row of s at or above path that matches the system, or NULL. */
static struct failing *
failing_above(struct stream *s, struct str path, struct str system)
{
	for (size_t i = s->failing.n; i > 0; i--) {
		struct failing *f = &s->failing.p[i - 1];
		if (str_starts(path, f->path) && (f->system.n == 0 || system.n == 0 || str_eq(f->system, system)))
			return f;
	}
	return NULL;
}

static const struct attr_side *
hidden_side(struct attrs *t)
{
	struct attr_side *s = arena_alloc(&t->a, sizeof(*s));

	s->failed = s->hidden = true;
	return s;
}

/* An entry for a row that the other side does not have but whose path is at or below a failing row of it. */
static struct attr_entry *
take_covered(struct attr_merge *m, enum attr_class class, const struct row *row, struct failing *f, bool row_is_base)
{
	bool untold = row->unknown || f->side->unknown;
	struct attr_entry *at = add(m, untold ? CLASS_UNTOLD : class, row->path, row->system);
	bool here = f->path.n == row->path.n;
	const struct attr_side *mine = keep_side(m->t, row), *other = here ? f->side : hidden_side(m->t);

	f->met = true;
	f->met_good = f->met_good || !row->failed;
	f->met_unknown = f->met_unknown || row->unknown;
	f->met_here = f->met_here || here;
	if (!here)
		at->hidden_by = f->path;
	at->base = row_is_base ? mine : other;
	at->head = row_is_base ? other : mine;
	return at;
}

static void
push_failing(struct attr_merge *m, struct stream *s, const struct row *row)
{
	struct failing f = {.path = keep(m->t, row->path),
	    .system = keep_system(m->t, row->system),
	    .side = keep_side(m->t, row)};

	vec_push(&s->failing, f);
}

static int
take_base(struct attr_merge *m, const struct row *row)
{
	struct failing *f = failing_above(&m->head, row->path, row->system);

	if (f != NULL)
		return base_node(m, take_covered(m, row->failed ? CLASS_STILL_FAILING : CLASS_NEWLY_FAILING, row, f, true),
		    row);
	if (row->failed) {
		push_failing(m, &m->base, row);
		return 0;
	}
	struct attr_entry *at = add(m, CLASS_REMOVED, row->path, row->system);
	at->base = keep_side(m->t, row);
	return base_node(m, at, row);
}

static int
take_head(struct attr_merge *m, const struct row *row)
{
	struct failing *f = failing_above(&m->base, row->path, row->system);

	if (f == NULL || !f->side->unknown) /* else the base's meta is unknown, too */
		note_meta(m, NULL, row);
	if (f != NULL) {
		take_covered(m, row->failed ? CLASS_STILL_FAILING : CLASS_FIXED, row, f, false);
		return 0;
	}
	if (row->failed) {
		push_failing(m, &m->head, row);
		return 0;
	}
	add(m, CLASS_ADDED, row->path, row->system)->head = keep_side(m->t, row);
	return 0;
}

/* Failing rows of one side whose subtree has gone by: what is still to be said of them is said. */
static void
pop_failing(struct attr_merge *m, struct stream *s, bool is_base, const struct str *path)
{
	while (s->failing.n > 0) {
		struct failing f = s->failing.p[s->failing.n - 1];
		if (path != NULL && str_starts(*path, f.path))
			return;
		s->failing.n--;
		if (is_base ? f.met : f.met_here)
			continue;
		bool untold = f.side->unknown || (!is_base && f.met_unknown && !f.met_good);
		enum attr_class class = untold       ? CLASS_UNTOLD
		                        : is_base    ? CLASS_REMOVED_FAILING
		                        : f.met_good ? CLASS_NEWLY_FAILING
		                        : f.met      ? CLASS_STILL_FAILING
		                                     : CLASS_ADDED_FAILING;
		struct attr_entry *at = add(m, class, f.path, f.system);
		if (is_base)
			at->base = f.side;
		else
			at->head = f.side;
	}
}

static int
advance(struct stream *s, const struct rows *like, struct err *e)
{
	if (s->rows == NULL)
		return 0;
	s->have = rows_next(s->rows, like, &s->row, e);
	return s->have < 0 ? -1 : 0;
}

/* A head row that was taken over from base's has its key, so both are used and left behind in the same step. */
static int
merge_rows(struct attr_merge *m)
{
	if (advance(&m->base, NULL, m->e) != 0 || advance(&m->head, m->base.rows, m->e) != 0)
		return -1;
	while (m->base.have == 1 || m->head.have == 1) {
		int c = !m->base.have ? 1 : !m->head.have ? -1 : str_cmp(m->base.row.path, m->head.row.path);
		if (c == 0)
			c = str_cmp(m->base.row.system, m->head.row.system);
		struct str path = c <= 0 ? m->base.row.path : m->head.row.path;
		pop_failing(m, &m->base, true, &path);
		pop_failing(m, &m->head, false, &path);
		int rc = c == 0  ? take_both(m, &m->base.row, &m->head.row)
		         : c < 0 ? take_base(m, &m->base.row)
		                 : take_head(m, &m->head.row);
		if (rc != 0 || (c <= 0 && advance(&m->base, NULL, m->e) != 0) ||
		    (c >= 0 && advance(&m->head, c == 0 ? m->base.rows : NULL, m->e) != 0))
			return -1;
	}
	pop_failing(m, &m->base, true, NULL);
	pop_failing(m, &m->head, false, NULL);
	return 0;
}

static int
open_side(const char *file, struct stream *s, struct err *e)
{
	return file != NULL ? rows_open(file, &s->rows, e) : 0;
}

static int
merge_job(struct attrs *t, struct closure *g, const char *job, const char *base, const char *head, struct err *e)
{
	struct attr_merge m = {.t = t, .g = g, .job = arena_strdup(&t->a, job), .e = e};
	int rc = open_side(base, &m.base, e);

	if (rc == 0)
		rc = open_side(head, &m.head, e);
	if (rc == 0 && m.base.rows != NULL && m.head.rows != NULL &&
	    (strcmp(rows_evaluator(m.base.rows), rows_evaluator(m.head.rows)) != 0 ||
	        strcmp(rows_version(m.base.rows), rows_version(m.head.rows)) != 0))
		rc = fail(e, ERR_INPUT, "job %s: base was evaluated by %s %s, head by %s %s: they cannot be compared", job,
		    rows_evaluator(m.base.rows), rows_version(m.base.rows), rows_evaluator(m.head.rows),
		    rows_version(m.head.rows));
	if (rc == 0)
		rc = merge_rows(&m);
	rows_close(&m.base.rows);
	rows_close(&m.head.rows);
	vec_release(&m.base.failing);
	vec_release(&m.head.failing);
	return rc;
}

static int
compare(const struct attr_entry *a, const struct attr_entry *b)
{
	int c = str_cmp(a->path, b->path);

	if (c == 0)
		c = str_cmp(a->system, b->system);
	return c != 0 ? c : strcmp(a->job, b->job);
}

static int
compare_attrs(const void *a, const void *b)
{
	return compare(a, b);
}

/* Sorts, but only when it is not sorted already, as it is with one job. */
static void
sort(struct attrs *t)
{
	for (size_t i = 1; i < t->v.n; i++)
		if (compare(&t->v.p[i - 1], &t->v.p[i]) > 0) {
			qsort(t->v.p, t->v.n, sizeof(*t->v.p), compare_attrs);
			return;
		}
}

static const char *
file_of(const struct evaluation_file *files, size_t n, const char *job)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(files[i].job, job) == 0)
			return files[i].file;
	return NULL;
}

int
attrs_read(struct attrs *t, struct closure *g, const struct evaluation_file *base, size_t n_base,
    const struct evaluation_file *head, size_t n_head, struct err *e)
{
	for (size_t i = 0; i < n_base; i++) {
		if (file_of(base, i, base[i].job) != NULL)
			return fail(e, ERR_INPUT, "two evaluations of job %s at base", base[i].job);
		if (merge_job(t, g, base[i].job, base[i].file, file_of(head, n_head, base[i].job), e) != 0)
			return -1;
	}
	for (size_t i = 0; i < n_head; i++) {
		if (file_of(head, i, head[i].job) != NULL)
			return fail(e, ERR_INPUT, "two evaluations of job %s at head", head[i].job);
		if (file_of(base, n_base, head[i].job) == NULL && merge_job(t, g, head[i].job, NULL, head[i].file, e) != 0)
			return -1;
	}
	sort(t);
	return 0;
}

int
attrs_add_head(struct attrs *t, struct closure *g, struct err *e)
{
	for (size_t i = 0; i < t->v.n; i++) {
		struct attr_entry *at = &t->v.p[i];
		/* What is not known at base is no rebuild, nor is anything below it one for its sake. */
		if (at->class != CLASS_UNTOLD && at->head != NULL && !at->head->failed &&
		    closure_root(g, at->head->drv, &at->head_node, e) != 0)
			return -1;
	}
	return 0;
}

static size_t
path_elements(struct str path)
{
	size_t n = 0;

	for (size_t i = 0; i < path.n; i++)
		n += path.p[i] == '\0';
	return n;
}

/* True when a speaks better for a group of aliases than b: the shorter path, then the first. */
static bool
speaks_better(const struct attr_entry *a, const struct attr_entry *b)
{
	size_t na = path_elements(a->path), nb = path_elements(b->path);

	return na != nb ? na < nb : compare(a, b) < 0;
}

/* What aliases have in common, as bytes: with the words of a failure, because names that fail differently are told apart. */
static struct str
alias_key(struct arena *a, const struct attr_entry *at)
{
	AUTO(buf_release) struct buf b;
	const struct attr_side *sides[] = {at->base, at->head};

	buf_init(&b, SIZE_MAX / 4);
	buf_printf(&b, "%u %u %d %s\n", at->base_node, at->head_node, (int)at->class, at->job);
	buf_str(&b, at->system);
	for (size_t i = 0; i < COUNT(sides); i++) {
		buf_putc(&b, '\0');
		if (sides[i] != NULL && sides[i]->failed)
			buf_str(&b, sides[i]->error);
	}
	return (struct str){arena_strn(a, b.p, b.n), b.n};
}

static void
join_aliases(struct attrs *t)
{
	struct map groups = {0};
	struct arena a = {0};
	struct str *keys = arena_alloc(&a, (t->v.n + 1) * sizeof(*keys));

	for (size_t i = 0; i < t->v.n; i++) {
		struct attr_entry *at = &t->v.p[i];
		if (at->class == CLASS_UNCHANGED || at->class == CLASS_UNTOLD || at->hidden_by.p != NULL ||
		    (at->base_node == NO_NODE && at->head_node == NO_NODE))
			continue;
		keys[i] = alias_key(&a, at);
		bool added;
		struct map_entry *entry = map_add(&groups, keys[i], &added);
		if (added || speaks_better(at, &t->v.p[entry->value]))
			entry->value = i;
	}
	/* From the last to the first, so that the list of aliases comes out sorted. */
	for (size_t i = t->v.n; i-- > 0;) {
		struct map_entry *entry = keys[i].p != NULL ? map_get(&groups, keys[i]) : NULL;
		if (entry == NULL || entry->value == i)
			continue;
		t->v.p[i].alias_of = (uint32_t)entry->value;
		t->v.p[i].next_alias = t->v.p[entry->value].next_alias;
		t->v.p[entry->value].next_alias = (uint32_t)i;
	}
	map_release(&groups);
	arena_release(&a);
}

/* All outputs of a node as one key; empty when a path is not known. */
static struct str
outputs_key(struct arena *a, const struct closure *g, uint32_t node)
{
	AUTO(buf_release) struct buf b;

	buf_init(&b, SIZE_MAX / 4);
	for (uint32_t k = g->out_off.p[node]; k < g->out_off.p[node + 1]; k++) {
		if (g->outputs.p[k].path.n == 0)
			return (struct str){NULL, 0};
		buf_str(&b, g->outputs.p[k].path);
		buf_putc(&b, '\n');
	}
	return (struct str){arena_strn(a, b.p, b.n), b.n};
}

/* Added and removed with the same derivation or the same outputs, same job and system: the same thing under a new name. */
static void
find_renames(struct attrs *t, const struct closure *g)
{
	struct map by_node = {0}, by_outputs = {0};
	struct arena a = {0};

	for (size_t i = 0; i < t->v.n; i++) {
		struct attr_entry *at = &t->v.p[i];
		if (at->class != CLASS_REMOVED || at->base_node == NO_NODE || at->alias_of != NO_ATTR)
			continue;
		bool added;
		struct map_entry *entry = map_add(&by_node, g->nodes.p[at->base_node].key, &added);
		if (added)
			entry->value = i;
		struct str key = outputs_key(&a, g, at->base_node);
		if (key.p != NULL) {
			entry = map_add(&by_outputs, key, &added);
			if (added)
				entry->value = i;
		}
	}
	for (size_t i = 0; by_node.n != 0 && i < t->v.n; i++) {
		struct attr_entry *at = &t->v.p[i];
		if (at->class != CLASS_ADDED || at->head_node == NO_NODE || at->alias_of != NO_ATTR)
			continue;
		struct map_entry *entry = map_get(&by_node, g->nodes.p[at->head_node].key);
		struct str key = entry == NULL ? outputs_key(&a, g, at->head_node) : (struct str){NULL, 0};
		if (key.p != NULL)
			entry = map_get(&by_outputs, key);
		if (entry != NULL && t->v.p[entry->value].system.p == at->system.p &&
		    strcmp(t->v.p[entry->value].job, at->job) == 0)
			at->renamed_from = (uint32_t)entry->value;
	}
	map_release(&by_node);
	map_release(&by_outputs);
	arena_release(&a);
}

void
attrs_finish(struct attrs *t, const struct closure *g, const uint8_t *must_build)
{
	for (size_t i = 0; i < t->v.n; i++) {
		struct attr_entry *at = &t->v.p[i];
		if (at->class == CLASS_REBUILD && !must_build[at->head_node])
			at->class =
			    compare_same_outputs(g, at->base_node, at->head_node) ? CLASS_DERIVATION_ONLY : CLASS_SWITCHED;
	}
	join_aliases(t);
	find_renames(t, g);
}

void
attrs_release(struct attrs *t)
{
	vec_release(&t->v);
	vec_release(&t->bad_meta);
	map_release(&t->systems);
	arena_release(&t->a);
}

struct str
attrs_meta_member(struct str meta, const char *name)
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

struct str
attrs_meta_text(struct arena *a, struct str meta, const char *name)
{
	struct str raw = attrs_meta_member(meta, name), text;
	struct jscan j = {raw.p, raw.n, 0};

	return raw.n != 0 && raw.p[0] == '"' && jscan_string(&j, a, &text) == 0 ? text : STR("");
}
