/* Evaluator output to sorted rows. */
#include "evaluate/eval_rows.h"

#include "evaluate/reduce.h"
#include "formats/rows.h"
#include "nix/path.h"
#include "records/list.h"
#include "support/text/jscan.h"
#include "support/text/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	ROW_BYTES = 64 * 1024 * 1024,
	SAME_LEVELS = 8, /* the same derivation at so many levels of a repeated name: no tree that ends has that */
	LEAST_DEPTH = 4, /* of what is looked at so; */
	MOST_DEPTH = 256 /* deeper is beyond every limit */
};

void
eval_rows_incomplete(struct eval_rows *r, const char *fmt, ...)
{
	va_list ap;

	if (r->incomplete)
		return;
	r->incomplete = true;
	va_start(ap, fmt);
	vsnprintf(r->reason, sizeof(r->reason), fmt, ap);
	va_end(ap);
}

/* Whether path begins with one of the scope's paths, or (being the set above it) one of them begins with path. */
static bool
in_scope(const struct paths *scope, const struct printed_row *row)
{
	if (scope == NULL || scope->p == NULL)
		return true;
	for (size_t i = 0; i < scope->n; i++) {
		const struct texts *one = &scope->p[i];
		size_t n = one->n < row->depth ? one->n : row->depth, k = 0;
		while (k < n && str_is(row->path[k], one->p[k]))
			k++;
		if (k == n)
			return true;
	}
	return false;
}

static bool
looks_like_system(struct str s)
{
	static const char *const kernels[] = {"-linux", "-darwin", "-freebsd", "-windows", "-cygwin", "-netbsd", "-openbsd"};

	for (size_t i = 0; i < COUNT(kernels); i++)
		if (str_ends(s, str_of(kernels[i])))
			return true;
	return false;
}

static bool
is_one_of(const struct texts *systems, struct str system)
{
	for (size_t i = 0; i < systems->n; i++)
		if (str_is(system, systems->p[i]))
			return true;
	return false;
}

static bool
in_systems(const struct texts *systems, const struct printed_row *row)
{
	if (systems == NULL || systems->n == 0)
		return true;
	if (row->system.p != NULL)
		return is_one_of(systems, row->system);
	for (size_t i = 0; i < row->depth; i++)
		if (looks_like_system(row->path[i]) && !is_one_of(systems, row->path[i]))
			return false;
	return true;
}

/* The path as a JSON array, up to n - 1 bytes of it; empty when there is none. */
static void
name_path(const struct printed_row *row, char *ret, size_t n)
{
	AUTO(buf_release) struct buf text = {0};

	buf_init(&text, ROW_BYTES);
	for (size_t i = 0; row->path != NULL && i < row->depth; i++) {
		buf_putc(&text, i == 0 ? '[' : ',');
		json_quote(row->path[i], &text);
	}
	if (row->path != NULL)
		buf_puts(&text, row->depth == 0 ? "[]" : "]");
	struct str s = str_utf8_head(buf_get(&text), n - 1);
	memcpy(ret, s.p, s.n);
	ret[s.n] = '\0';
}

/* What makes this row a hole instead of a result; true when it is one. */
static bool
is_hole(struct eval_rows *r, const struct printed_row *row)
{
	bool failed = row->error.p != NULL, built = row->drv.p != NULL;
	char name[300];

	if (failed && !row->has_fatal && !row->has_path) {
		r->ask_own = true;
		eval_rows_incomplete(r, "an attribute does not evaluate, and the evaluator does not say which: " STR_FMT,
		    STR_ARG(str_utf8_head(row->error, 800)));
		return true;
	}
	if (failed && row->depth == 0) {
		(void)unknown_of(row->error, &r->root);
		eval_rows_incomplete(r, "the root does not evaluate: " STR_FMT, STR_ARG(str_utf8_head(row->error, 800)));
		return true;
	}
	if (row->path == NULL) {
		eval_rows_incomplete(r, "a row without an attribute path");
		return true;
	}
	bool good = !built || (nix_path_is_drv(row->drv) && row->good_outputs);
	if (!row->fatal && (failed || built) && good && (r->max_depth == 0 || row->depth <= r->max_depth))
		return false;
	name_path(row, name, sizeof(name));
	if (row->fatal)
		eval_rows_incomplete(r, "the evaluator gave up at %s: " STR_FMT, name, STR_ARG(str_utf8_head(row->error, 700)));
	else if (!failed && !built)
		eval_rows_incomplete(r, "the row of %s has neither a derivation nor an error", name);
	else if (!good)
		eval_rows_incomplete(r, "the row of %s is not one of an evaluator: its derivation or outputs are malformed",
		    name);
	else
		eval_rows_incomplete(r, "attributes are nested deeper than %zu: %s", r->max_depth, name);
	return true;
}

/* Keeps line as the line of a row; its derivation begins at drv. */
static void
keep_line(struct eval_rows *r, const struct printed_row *row, struct str line, size_t drv)
{
	struct eval_row one = {.depth = (uint16_t)(row->depth < UINT16_MAX ? row->depth : UINT16_MAX),
	    .error = row->error.p != NULL};

	if (r->key.p == NULL)
		buf_init(&r->key, ROW_BYTES);
	buf_drop(&r->key, r->key.n);
	for (size_t i = 0; i < row->depth; i++) {
		buf_str(&r->key, row->path[i]);
		buf_putc(&r->key, '\0');
	}
	buf_str(&r->key, row->system);
	one.key = (struct str){arena_strn(&r->a, r->key.p, r->key.n), r->key.n};
	one.line = (struct str){arena_strn(&r->a, line.p, line.n), line.n};
	if (row->drv.n > 0)
		one.drv = (struct str){one.line.p + drv, row->drv.n};
	vec_push(&r->all, one);
}

/* Where the derivation of a stored line begins. The path's own parts cannot hold that text: their quotes are escaped. */
static size_t
drv_in(struct str line)
{
	ptrdiff_t at = str_find(line, STR("\"drvPath\":\""));

	return at >= 0 ? (size_t)at + sizeof("\"drvPath\":\"") - 1 : 0;
}

int
eval_rows_add_stored(struct eval_rows *r, struct str line, struct err *e)
{
	struct printed_row row;

	if (!reduce_read(line, &row) || row.path == NULL)
		return fail(e, ERR_INPUT, "a line that is no row of an evaluation");
	if (in_scope(r->scope, &row))
		keep_line(r, &row, line, drv_in(line));
	return 0;
}

/* False when the row cannot be stored: a text in it holds a NUL. */
static bool
keep(struct eval_rows *r, const struct printed_row *row)
{
	size_t drv = 0;

	if (!reduce_write(row, &r->small, &drv))
		return false;
	if (r->small.over)
		eval_rows_incomplete(r, "a row of more than %d bytes", ROW_BYTES);
	else
		keep_line(r, row, buf_get(&r->small), drv);
	return true;
}

/* The part of a row's key that is its path. */
static struct str
path_of_key(const struct eval_row *one)
{
	size_t n = 0;

	for (size_t parts = 0; n < one->key.n && parts < one->depth; n++)
		parts += one->key.p[n] == '\0';
	return (struct str){one->key.p, n};
}

struct paths
eval_rows_failed(struct eval_rows *r)
{
	struct paths all = {0};

	for (size_t i = 0; i < r->all.n; i++) {
		const struct eval_row *one = &r->all.p[i];
		struct texts path = {0};
		struct str rest = path_of_key(one);
		if (!one->error || one->drv.n > 0)
			continue;
		for (size_t k = 0; k < one->depth; k++)
			list_add(&r->a, &path, str_dup(&r->a, str_cut(rest, '\0', &rest)));
		list_add(&r->a, &all, path);
	}
	return all;
}

/* Of a stored line, the text of a member's value; p is NULL when it has none of that name. */
static struct str
value_in(struct str line, const char *name)
{
	struct jscan s = {line.p, line.n, 0};
	struct str key, value;
	size_t count = 0;
	bool escaped;

	if (jscan_open(&s, '{') != 0)
		return (struct str){NULL, 0};
	while (jscan_more(&s, '}', &count) == 1) {
		if (jscan_raw_string(&s, &key, &escaped) != 0 || jscan_colon(&s) != 0 || jscan_value(&s, &value) != 0)
			break;
		if (str_is(key, name))
			return value;
	}
	return (struct str){NULL, 0};
}

/* In place of the row at place, which is an error: good, with that error's words as why it has no meta. */
static void
mend(struct eval_rows *r, size_t place, const struct eval_row *good)
{
	struct str line = good->line, meta = value_in(line, "meta"), words = value_in(r->all.p[place].line, "error");
	struct eval_row one = {.depth = good->depth, .key = {arena_strn(&r->a, good->key.p, good->key.n), good->key.n}};
	AUTO(buf_release) struct buf text = {0};

	if (meta.p == NULL || words.p == NULL || value_in(line, "metaError").p != NULL)
		return;
	size_t head = (size_t)(meta.p - line.p) + meta.n;
	buf_init(&text, 2 * ROW_BYTES);
	buf_add(&text, line.p, head);
	buf_puts(&text, ",\"metaError\":");
	buf_str(&text, words);
	buf_str(&text, str_from(line, head));
	one.line = (struct str){arena_strn(&r->a, text.p, text.n), text.n};
	one.drv = (struct str){one.line.p + (good->drv.p - line.p), good->drv.n};
	r->all.p[place] = one;
}

void
eval_rows_mend(struct eval_rows *r, const struct eval_rows *without_meta)
{
	struct map failed = {0};
	size_t n = 0;

	for (size_t i = 0; i < r->all.n; i++)
		if (r->all.p[i].error && r->all.p[i].drv.n == 0)
			map_add(&failed, path_of_key(&r->all.p[i]), NULL)->value = i + 1;
	for (size_t i = 0; i < without_meta->all.n; i++) {
		const struct eval_row *good = &without_meta->all.p[i];
		struct map_entry *at = good->error ? NULL : map_get(&failed, path_of_key(good));
		if (at == NULL || at->value == 0)
			continue;
		size_t place = at->value - 1;
		at->value = 0;
		mend(r, place, good);
		struct eval_row *bad = &r->all.p[place];
		/* An error has no system, and is kept where any is wanted. */
		struct str path = path_of_key(bad);
		bad->unwanted = r->systems != NULL && r->systems->n > 0 && !bad->error &&
		                !is_one_of(r->systems, str_from(bad->key, path.n));
	}
	for (size_t i = 0; i < r->all.n; i++)
		if (!r->all.p[i].unwanted)
			r->all.p[n++] = r->all.p[i];
	r->all.n = n;
	map_release(&failed);
}

/* More rows than allowed: the longest prefix below which more than half of them are is the offender. */
static void
too_many(struct eval_rows *r)
{
	struct map count = {0};
	struct str worst = {0};
	size_t worst_depth = 0;

	for (size_t depth = 1; depth < 64; depth++) {
		size_t before = worst_depth;
		for (size_t i = 0; i < r->all.n; i++) {
			struct str key = r->all.p[i].key;
			size_t n = 0, parts = 0;
			if (r->all.p[i].depth <= depth)
				continue;
			while (n < key.n && parts < depth)
				parts += key.p[n++] == '\0';
			struct map_entry *m = map_add(&count, (struct str){key.p, n}, NULL);
			if (++m->value * 2 > r->all.n && depth > worst_depth) {
				worst = m->key;
				worst_depth = depth;
			}
		}
		map_release(&count);
		if (worst_depth == before)
			break;
	}
	char name[300] = "no single attribute", *p = name;
	if (worst_depth != 0) {
		struct str s = str_utf8_head(worst, sizeof(name) - 1);
		memcpy(p, s.p, s.n);
		p[s.n] = '\0';
		for (size_t i = 0; i + 1 < s.n; i++)
			if (p[i] == '\0')
				p[i] = '.';
	}
	eval_rows_incomplete(r, "more than %zu rows; most of them are below %s", r->max_rows, name);
}

/* The parts of a row's path; at most n of them. */
static size_t
parts_of(const struct eval_row *one, struct str *ret, size_t n)
{
	struct str rest = one->key;
	size_t i = 0;

	for (; i < one->depth && i < n; i++)
		ret[i] = str_cut(rest, '\0', &rest);
	return i;
}

/* Where parts, without the last, first repeat the period names before; ret_end: how far they do. */
static bool
repeats(const struct str *part, size_t n, size_t period, size_t *ret_begin, size_t *ret_end)
{
	size_t same = 0;

	for (size_t i = period; i + 1 < n; i++) {
		bool eq = str_eq(part[i], part[i - period]);
		if (same >= period && !eq)
			return true;
		same = eq ? same + 1 : 0;
		*ret_begin = i + 1 - same;
		*ret_end = i + 1;
	}
	return same >= period;
}

/*
 * A set within itself, as an evaluator sees it that does not know: x.a, x.self.a, x.self.self.a, ... are all the same
 * derivation. Without the names that repeat those before them such paths are the same, too.
 */
static bool
is_within_itself(struct eval_rows *r, const struct eval_row *one)
{
	struct str part[MOST_DEPTH];
	size_t n = r->external && one->drv.n > 0 && one->depth >= LEAST_DEPTH ? parts_of(one, part, COUNT(part)) : 0;
	size_t begin = 0, end = 0, period = 1;
	AUTO(buf_release) struct buf text = {0};

	while (period * 2 < n && !repeats(part, n, period, &begin, &end))
		period++;
	if (period * 2 >= n)
		return false;
	buf_init(&text, ROW_BYTES);
	for (size_t i = 0; i < n; i++)
		if (i < begin || i >= end)
			buf_add(&text, part[i].p, part[i].n + 1);
	buf_str(&text, one->drv);
	struct str key = {arena_strn(&r->a, text.p, text.n), text.n};
	struct map_entry *seen = map_add(&r->levels, key, NULL);
	if (seen->value % MOST_DEPTH != one->depth % MOST_DEPTH) /* the last depth, and how many there were */
		seen->value = seen->value - seen->value % MOST_DEPTH + MOST_DEPTH + one->depth % MOST_DEPTH;
	if (seen->value / MOST_DEPTH < SAME_LEVELS)
		return false;
	buf_drop(&text, text.n);
	for (size_t i = 0; i < begin; i++)
		buf_printf(&text, "%s" STR_FMT, i > 0 ? "." : "", STR_ARG(part[i]));
	r->ask_own = true;
	eval_rows_incomplete(r, "a set within itself: " STR_FMT " is the same as what is below it by the same names",
	    STR_ARG(str_utf8_head(buf_get(&text), 700)));
	return true;
}

/* Whether to read on after a line: not when there are too many, nor when the row it gave (there are more than before) is of a set
 * that stands within itself. */
static bool
goes_on(struct eval_rows *r, size_t before)
{
	if (r->max_rows != 0 && r->lines > r->max_rows)
		too_many(r);
	else if (r->all.n > before)
		(void)is_within_itself(r, &r->all.p[r->all.n - 1]);
	return !r->incomplete;
}

bool
eval_rows_add(struct eval_rows *r, struct str line)
{
	struct printed_row row;
	size_t before = r->all.n;

	if (str_trim(line).n == 0)
		return true;
	if (r->no_row[0] != '\0') {
		eval_rows_incomplete(r, "%s", r->no_row);
		return false;
	}
	r->lines++;
	if (r->small.p == NULL)
		buf_init(&r->small, ROW_BYTES);
	buf_drop(&r->small, r->small.n);
	bool is_row = reduce_read(line, &row);
	if (is_row && is_hole(r, &row))
		return false;
	if (is_row && in_scope(r->scope, &row) && in_systems(r->systems, &row))
		is_row = keep(r, &row);
	if (!is_row) {
		struct str head = str_utf8_head(line, 100);
		snprintf(r->no_row, sizeof(r->no_row), "the evaluator printed a line that is not a row: " STR_FMT,
		    STR_ARG(head));
		return true;
	}
	return goes_on(r, before);
}

/* A row without what it cost, which is another each time. */
static struct str
without_stats(struct str line)
{
	ptrdiff_t at = str_find(line, STR(ROWS_STATS));

	return at >= 0 ? (struct str){line.p, (size_t)at} : line;
}

static int
by_key(const void *a, const void *b)
{
	const struct eval_row *x = a, *y = b;
	int c = str_cmp(x->key, y->key);

	return c != 0 ? c : str_cmp(x->line, y->line);
}

void
eval_rows_finish(struct eval_rows *r)
{
	struct map drvs = {0};
	size_t n = 0;

	if (r->no_row[0] != '\0')
		eval_rows_incomplete(r, "%s", r->no_row);
	if (r->all.n > 1)
		qsort(r->all.p, r->all.n, sizeof(*r->all.p), by_key);
	for (size_t i = 0; i < r->all.n; i++) {
		struct eval_row *one = &r->all.p[i];
		bool same_key = n > 0 && str_eq(one->key, r->all.p[n - 1].key);
		if (same_key && (str_eq(one->line, r->all.p[n - 1].line) ||
		                    str_eq(without_stats(one->line), without_stats(r->all.p[n - 1].line))))
			continue;
		if (same_key)
			eval_rows_incomplete(r, "two different rows for one attribute: %.300s", one->line.p);
		r->errors += one->error;
		if (one->drv.n > 0)
			map_add(&drvs, one->drv, NULL);
		r->all.p[n++] = *one;
	}
	r->all.n = n;
	r->derivations = drvs.n;
	map_release(&drvs);
}

void
eval_rows_mark_unknown(struct eval_rows *r, size_t i)
{
	static const char mark[] = "{\"unknown\":true,";
	struct eval_row *one = &r->all.p[i];
	size_t n = sizeof(mark) - 1 + one->line.n - 1;
	char *line = arena_alloc(&r->a, n + 1);

	/* A row has members, so its line goes on behind the brace. */
	memcpy(line, mark, sizeof(mark) - 1);
	memcpy(line + sizeof(mark) - 1, one->line.p + 1, one->line.n - 1);
	if (one->drv.n > 0)
		one->drv.p = line + (one->drv.p - one->line.p) + sizeof(mark) - 2;
	one->line = (struct str){line, n};
	one->unknown = true;
}

void
eval_rows_release(struct eval_rows *r)
{
	vec_release(&r->all);
	map_release(&r->levels);
	buf_release(&r->small);
	buf_release(&r->key);
	arena_release(&r->a);
}
