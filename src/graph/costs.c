/* Rows of both sides, summed by set. */
#include "graph/costs.h"

#include "formats/rows.h"
#include "formats/stored_file.h"
#include "support/base/map.h"
#include "support/text/jscan.h"

#include <stdlib.h>
#include <string.h>

/* An attribute, of whatever systems. */
struct cost_row {
	struct str path; /* as in rows.h */
	struct str position;
	int64_t cost[2];
};

struct costs {
	struct arena *a; /* of what is found */
	struct arena mine;
	struct map by_path;
	VEC(struct cost_row) rows;
	struct map said[2];           /* the words of warnings without store paths; value: 1 + place in list */
	VEC(struct new_warning) list; /* head's, each once */
	bool unknown;                 /* a derivation's row does not say its cost */
};

/* What of a row's line is looked at. */
struct line_parts {
	struct str path, system, position, warnings;
	int64_t bytes; /* -1: it does not say */
	bool derivation;
};

static int
read_path(struct costs *c, struct jscan *s, struct str *ret)
{
	AUTO(buf_release) struct buf path = {0};
	struct str name;
	size_t n = 0;
	int more;

	buf_init(&path, STORED_MAX_LINE);
	if (jscan_open(s, '[') != 0)
		return -1;
	while ((more = jscan_more(s, ']', &n)) == 1) {
		if (jscan_string(s, &c->mine, &name) != 0)
			return -1;
		buf_str(&path, name);
		buf_putc(&path, '\0');
	}
	*ret = (struct str){arena_strn(&c->mine, path.p != NULL ? path.p : "", path.n), path.n};
	return more;
}

/* The value of a member of an object whose text is raw, as text; p NULL: there is none, or it is none. */
static struct str
member_of(struct arena *a, struct str raw, const char *name)
{
	struct jscan s = {raw.p, raw.n, 0};
	struct str key, value = {0};
	size_t n = 0;

	if (raw.n == 0 || jscan_open(&s, '{') != 0)
		return value;
	while (jscan_more(&s, '}', &n) == 1) {
		if (jscan_string(&s, a, &key) != 0 || jscan_colon(&s) != 0)
			break;
		if (!str_is(key, name)) {
			if (jscan_value(&s, &value) != 0)
				break;
			continue;
		}
		if (jscan_peek(&s) == '"' ? jscan_string(&s, a, &value) == 0 : jscan_value(&s, &value) == 0)
			return value;
		break;
	}
	return (struct str){0};
}

static int
read_line(struct costs *c, struct str line, struct line_parts *ret)
{
	struct jscan s = {line.p, line.n, 0};
	struct str key, value = {0};
	size_t n = 0;
	int more;

	*ret = (struct line_parts){.bytes = -1};
	if (jscan_open(&s, '{') != 0)
		return -1;
	while ((more = jscan_more(&s, '}', &n)) == 1) {
		if (jscan_string(&s, &c->mine, &key) != 0 || jscan_colon(&s) != 0)
			return -1;
		if (str_is(key, "attrPath") ? read_path(c, &s, &ret->path) != 0
		    : str_is(key, "system") ? jscan_string(&s, &c->mine, &ret->system) != 0
		                            : jscan_value(&s, &value) != 0)
			return -1;
		if (str_is(key, "meta"))
			ret->position = member_of(&c->mine, value, "position");
		else if (str_is(key, "warnings"))
			ret->warnings = value;
		else if (str_is(key, "drvPath"))
			ret->derivation = true;
		else if (str_is(key, "stats") && str_to_i64(member_of(&c->mine, value, "allocBytes"), &ret->bytes) != 0)
			ret->bytes = -1;
	}
	return more;
}

/* A path as an array of texts, in a. */
static struct texts
texts_of_path(struct arena *a, struct str path)
{
	struct texts list = {arena_alloc(a, sizeof(*list.p)), 0};
	struct str rest = path;
	size_t parts = 0, n = 0;

	for (size_t i = 0; i < path.n; i++)
		parts += path.p[i] == '\0';
	list.p = arena_alloc(a, (parts + 1) * sizeof(*list.p));
	while (n < parts)
		list.p[n++] = fields_clean(a, str_cut(rest, '\0', &rest));
	list.n = parts;
	return list;
}

/* The words without the hashes of store paths, which differ with what is packed and say nothing new. */
static struct str
plain_words(struct costs *c, struct str words)
{
	static const char store[] = "/nix/store/";
	char *p = arena_strn(&c->mine, words.p, words.n);
	struct str rest = {p, words.n};
	ptrdiff_t at;

	while ((at = str_find(rest, str_of(store))) >= 0) {
		rest = str_from(rest, (size_t)at + sizeof(store) - 1);
		for (size_t i = 0; i < 32 && i < rest.n; i++)
			p[rest.p - p + (ptrdiff_t)i] = 'x';
	}
	return (struct str){p, words.n};
}

static int
hear(struct costs *c, enum side side, const struct line_parts *row)
{
	struct jscan s = {row->warnings.p, row->warnings.n, 0};
	struct str words;
	size_t n = 0;
	int more;

	if (row->warnings.n == 0)
		return 0;
	if (jscan_open(&s, '[') != 0)
		return -1;
	while ((more = jscan_more(&s, ']', &n)) == 1) {
		bool added = false;
		if (jscan_string(&s, &c->mine, &words) != 0)
			return -1;
		(void)map_add(&c->said[side], plain_words(c, words), &added);
		if (side == SIDE_HEAD && added)
			vec_push(&c->list,
			    ((struct new_warning){texts_of_path(c->a, row->path),
			        row->system.n > 0 ? fields_clean(c->a, row->system) : NULL, fields_clean(c->a, words)}));
	}
	return more;
}

static int
add_row(struct costs *c, enum side side, struct str line)
{
	struct line_parts row;
	bool added = false;

	if (read_line(c, line, &row) != 0 || hear(c, side, &row) != 0)
		return -1;
	c->unknown |= row.derivation && row.bytes < 0;
	if (row.bytes < 0)
		return 0;
	struct map_entry *m = map_add(&c->by_path, row.path, &added);
	if (added) {
		m->value = c->rows.n;
		vec_push(&c->rows, (struct cost_row){.path = row.path});
	}
	struct cost_row *one = &c->rows.p[m->value];
	one->cost[side] += row.bytes;
	if (row.position.n > 0)
		one->position = (struct str){arena_strn(&c->mine, row.position.p, row.position.n), row.position.n};
	return 0;
}

/* *ret: by how many workers; 0 when its rows say nothing, and then they are not read. */
static int
read_side(struct costs *c, enum side side, const char *file, int64_t wanted, int64_t *ret, struct err *e)
{
	AUTO(stored_close) struct stored_reader *r = NULL;
	struct evaluation_header h;
	struct str line;
	int more;

	if (stored_open(file, &r, &h, e) != 0)
		return -1;
	*ret = h.workers > 0 && (wanted == 0 || h.workers == wanted) ? h.workers : 0;
	if (*ret == 0)
		return 0;
	while ((more = stored_next(r, &line, e)) == 1) {
		if (str_starts(line, STR("{\"end\":")))
			continue;
		if (add_row(c, side, line) != 0)
			return stored_wrong(r, "malformed", e);
	}
	return more;
}

static int
by_path(const void *a, const void *b)
{
	const struct cost_row *x = a, *y = b;

	return str_cmp(x->path, y->path);
}

static int64_t
change_of(const int64_t cost[2])
{
	return cost[SIDE_HEAD] - cost[SIDE_BASE];
}

/* Rows [from, to), all below one path. */
struct span {
	size_t from, to;
	struct str path;
	int64_t cost[2];
};

/* The rows from `from` on whose path goes on behind the first `n` bytes with the same name. */
static struct span
next_child(const struct costs *c, size_t from, size_t to, size_t n)
{
	struct span s = {.from = from, .to = from};
	const struct cost_row *first = &c->rows.p[from];
	const char *end = n < first->path.n ? memchr(first->path.p + n, '\0', first->path.n - n) : NULL;

	s.path = (struct str){first->path.p, end != NULL ? (size_t)(end + 1 - first->path.p) : first->path.n};
	for (; s.to < to && str_starts(c->rows.p[s.to].path, s.path); s.to++)
		for (int side = 0; side < 2; side++)
			s.cost[side] += c->rows.p[s.to].cost[side];
	if (s.to == from)
		s.to++;
	return s;
}

/* What is said of a span: with the attribute of it that differs most in the direction of all. */
static struct cost_part
part_of(const struct costs *c, const struct span *s)
{
	int64_t sign = change_of(s->cost) < 0 ? -1 : 1;
	const struct cost_row *most = &c->rows.p[s->from];

	for (size_t i = s->from; i < s->to; i++)
		if (sign * change_of(c->rows.p[i].cost) > sign * change_of(most->cost))
			most = &c->rows.p[i];
	struct texts path_of_most = {0};
	if (!str_eq(most->path, s->path))
		path_of_most = texts_of_path(c->a, most->path);
	return (struct cost_part){.path = texts_of_path(c->a, s->path),
	    .base = s->cost[SIDE_BASE],
	    .head = s->cost[SIDE_HEAD],
	    .most = path_of_most,
	    .position = most->position.n > 0 ? fields_clean(c->a, most->position) : NULL};
}

static int
by_change(const void *a, const void *b)
{
	const struct span *x = a, *y = b;
	int64_t p = llabs(change_of(x->cost)), q = llabs(change_of(y->cost));

	return p != q ? (p < q ? 1 : -1) : str_cmp(x->path, y->path);
}

static void
find_sets(const struct costs *c, struct evaluation_cost *cost)
{
	VEC(struct span) all = {0};

	for (size_t i = 0; i < c->rows.n; i = all.p[all.n - 1].to)
		vec_push(&all, next_child(c, i, c->rows.n, 0));
	if (all.n > 1)
		qsort(all.p, all.n, sizeof(*all.p), by_change);
	cost->sets.p = arena_alloc(c->a, (COSTS_MAX_SETS + 1) * sizeof(*cost->sets.p));
	for (size_t i = 0; i < all.n && i < COSTS_MAX_SETS && llabs(change_of(all.p[i].cost)) > cost->base / COSTS_LEAST; i++)
		cost->sets.p[cost->sets.n++] = part_of(c, &all.p[i]);
	vec_release(&all);
}

/* Downwards from the top, as long as one child has nearly all of the difference. */
static void
find_where(const struct costs *c, struct evaluation_cost *cost)
{
	struct span at = {.to = c->rows.n};
	int64_t all = cost->head - cost->base;

	cost->where.p = arena_alloc(c->a, COSTS_MAX_DEPTH * sizeof(*cost->where.p));
	while (llabs(all) > cost->base / COSTS_LEAST && cost->where.n < COSTS_MAX_DEPTH) {
		struct span found = {0};
		for (size_t i = at.from; i < at.to && found.to == 0;) {
			struct span s = next_child(c, i, at.to, at.path.n);
			double share = (double)change_of(s.cost) / (double)all;
			i = s.to;
			if (share * 100 >= COSTS_SHARE && s.path.n > at.path.n)
				found = s;
		}
		if (found.to == 0)
			break;
		at = found;
		cost->where.p[cost->where.n++] = part_of(c, &at);
	}
}

static void
find_bytes(struct costs *c, struct evaluation_cost *cost)
{
	if (c->unknown || c->rows.n == 0)
		return;
	qsort(c->rows.p, c->rows.n, sizeof(*c->rows.p), by_path);
	cost->base = cost->head = 0;
	for (size_t i = 0; i < c->rows.n; i++) {
		cost->base += c->rows.p[i].cost[SIDE_BASE];
		cost->head += c->rows.p[i].cost[SIDE_HEAD];
	}
	if (cost->base == 0 || cost->head == 0) {
		cost->base = cost->head = -1;
		return;
	}
	find_sets(c, cost);
	find_where(c, cost);
}

static void
find_warnings(struct costs *c, struct evaluation_cost *cost)
{
	cost->warnings = 0;
	cost->list.p = arena_alloc(c->a, (COSTS_MAX_WARNINGS + 1) * sizeof(*cost->list.p));
	for (size_t i = 0; i < c->list.n; i++) {
		if (map_get(&c->said[SIDE_BASE], plain_words(c, str_of(c->list.p[i].words))) != NULL)
			continue;
		if (cost->list.n < COSTS_MAX_WARNINGS)
			cost->list.p[cost->list.n++] = c->list.p[i];
		cost->warnings++;
	}
}

static void
release(struct costs *c)
{
	map_release(&c->by_path);
	map_release(&c->said[SIDE_BASE]);
	map_release(&c->said[SIDE_HEAD]);
	vec_release(&c->rows);
	vec_release(&c->list);
	arena_release(&c->mine);
}

/* 1: known, and in *ret. */
static int
compare_job(struct arena *a, const struct evaluation_file *base, const struct evaluation_file *head,
    struct evaluation_cost *ret, struct err *e)
{
	struct costs c = {.a = a};
	int64_t before = 0, now = 0;
	int rc = read_side(&c, SIDE_BASE, base->file, 0, &before, e);

	if (rc == 0 && before > 0)
		rc = read_side(&c, SIDE_HEAD, head->file, before, &now, e);
	if (rc == 0 && now > 0) {
		*ret = (struct evaluation_cost){.job = head->job, .base = -1, .head = -1};
		find_bytes(&c, ret);
		find_warnings(&c, ret);
		rc = 1;
	}
	release(&c);
	return rc;
}

int
costs_find(struct difference *d, const struct diff_job *job, struct err *e)
{
	d->costs.p = arena_alloc(&d->a, (job->head.n + 1) * sizeof(*d->costs.p));
	for (size_t h = 0; h < job->head.n; h++)
		for (size_t b = 0; b < job->base.n; b++) {
			if (strcmp(job->base.p[b].job, job->head.p[h].job) != 0)
				continue;
			int rc = compare_job(&d->a, &job->base.p[b], &job->head.p[h], &d->costs.p[d->costs.n], e);
			if (rc < 0)
				return -1;
			d->costs.n += (size_t)rc;
		}
	return 0;
}
