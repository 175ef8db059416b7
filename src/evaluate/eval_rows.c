/* Evaluator output to sorted rows. */
#include "evaluate/eval_rows.h"

#include "evaluate/meta.h"
#include "evaluate/reduce.h"
#include "formats/rows.h"
#include "nix/path.h"
#include "nix/roots.h"
#include "records/list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	ROW_BYTES = 64 * 1024 * 1024,
	MAX_WARNINGS = 20,
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
in_scope(const struct paths *scope, const json_t *path)
{
	if (scope == NULL || scope->p == NULL)
		return true;
	for (size_t i = 0; i < scope->n; i++) {
		const struct texts *one = &scope->p[i];
		size_t n = one->n < json_array_size(path) ? one->n : json_array_size(path), k = 0;
		while (k < n && strcmp(one->p[k], json_string_value(json_array_get(path, k))) == 0)
			k++;
		if (k == n)
			return true;
	}
	return false;
}

static bool
looks_like_system(const char *s)
{
	static const char *const kernels[] = {"-linux", "-darwin", "-freebsd", "-windows", "-cygwin", "-netbsd", "-openbsd"};

	for (size_t i = 0; i < COUNT(kernels); i++)
		if (str_ends(str_of(s), str_of(kernels[i])))
			return true;
	return false;
}

static bool
in_systems(const struct texts *systems, const json_t *row, const json_t *path)
{
	const char *system = json_str(row, "system", NULL);
	const json_t *part;
	size_t i;

	if (systems == NULL || systems->n == 0)
		return true;
	if (system != NULL)
		return texts_have(systems, system);
	json_array_foreach(path, i, part)
		if (looks_like_system(json_string_value(part)) && !texts_have(systems, json_string_value(part)))
			return false;
	return true;
}

static bool
path_ok(const json_t *path)
{
	const json_t *part;
	size_t i;

	if (!json_is_array(path))
		return false;
	json_array_foreach(path, i, part)
		if (!json_is_string(part) || strlen(json_string_value(part)) != json_string_length(part))
			return false;
	return true;
}

/* name -> store path or null. */
static bool
outputs_ok(const json_t *outputs)
{
	const char *name;
	json_t *path;

	if (!json_is_object(outputs))
		return false;
	json_object_foreach((json_t *)(uintptr_t)outputs, name, path)
		if (!json_is_null(path) && !(json_is_string(path) && json_string_value(path)[0] == '/'))
			return false;
	return true;
}

static void
name_path(const json_t *path, char *ret, size_t n)
{
	struct str s;
	char *text = json_dumps(path, JSON_COMPACT);

	s = str_utf8_head(str_of(text), n - 1);
	memcpy(ret, s.p, s.n);
	ret[s.n] = '\0';
	free(text);
}

/* What makes this row a hole instead of a result; true when it is one. */
static bool
is_hole(struct eval_rows *r, const json_t *row, const json_t *path)
{
	const json_t *drv = json_object_get(row, "drvPath"), *error = json_object_get(row, "error");
	struct str text = json_text(row, "error");
	char name[300] = "";

	if (path_ok(path))
		name_path(path, name, sizeof(name));
	if (json_is_string(error) && json_object_get(row, "fatal") == NULL && (path == NULL || json_is_null(path))) {
		r->ask_own = true;
		eval_rows_incomplete(r, "an attribute does not evaluate, and the evaluator does not say which: " STR_FMT,
		    STR_ARG(str_utf8_head(text, 800)));
	} else if (json_is_string(error) && (!path_ok(path) || json_array_size(path) == 0)) {
		(void)unknown_of(text, &r->root);
		eval_rows_incomplete(r, "the root does not evaluate: " STR_FMT, STR_ARG(str_utf8_head(text, 800)));
	} else if (!path_ok(path))
		eval_rows_incomplete(r, "a row without an attribute path");
	else if (json_is_true(json_object_get(row, "fatal")))
		eval_rows_incomplete(r, "the evaluator gave up at %s: " STR_FMT, name, STR_ARG(str_utf8_head(text, 700)));
	else if (!json_is_string(error) && !json_is_string(drv))
		eval_rows_incomplete(r, "the row of %s has neither a derivation nor an error", name);
	else if (json_is_string(drv) &&
	         (!nix_path_is_drv(json_text(row, "drvPath")) || !outputs_ok(json_object_get(row, "outputs"))))
		eval_rows_incomplete(r, "the row of %s is not one of an evaluator: its derivation or outputs are malformed",
		    name);
	else if (r->max_depth != 0 && json_array_size(path) > r->max_depth)
		eval_rows_incomplete(r, "attributes are nested deeper than %zu: %s", r->max_depth, name);
	else
		return false;
	return true;
}

static json_t *
features_of(const json_t *row)
{
	const json_t *from = json_object_get(row, "requiredSystemFeatures"), *one;
	json_t *to = json_array();
	size_t i;

	json_array_foreach(from, i, one)
		if (json_is_string(one))
			json_array_append(to, (json_t *)(uintptr_t)one);
	return to;
}

static json_t *
text_of(struct str text)
{
	return json_any_string(str_utf8_head(str_trim(text), EVAL_ROWS_ERROR_BYTES));
}

/* Texts, or objects that say theirs as msg; NULL when there are none. */
static json_t *
warnings_of(const json_t *row)
{
	const json_t *from = json_object_get(row, "warnings"), *one;
	json_t *to = NULL;
	size_t i;

	json_array_foreach(from, i, one) {
		const json_t *text = json_is_object(one) ? json_object_get(one, "msg") : one;
		if (!json_is_string(text) || json_string_length(text) == 0 || json_array_size(to) == MAX_WARNINGS)
			continue;
		if (to == NULL)
			to = json_array();
		json_array_append_new(to, text_of((struct str){json_string_value(text), json_string_length(text)}));
	}
	return to;
}

/* Whole numbers of {wallMs, allocBytes}; NULL when there are none. */
static json_t *
stats_of(const json_t *row)
{
	static const char *const names[] = {"wallMs", "allocBytes"};
	json_t *to = NULL;

	for (size_t i = 0; i < COUNT(names); i++) {
		const json_t *n = json_object_get(json_object_get(row, "stats"), names[i]);
		double value = json_number_value(n);
		if (!json_is_number(n) || !(value >= 0) || value > 1e15)
			continue;
		if (to == NULL)
			to = json_object();
		json_object_set_new(to, names[i], json_integer(json_is_integer(n) ? json_integer_value(n) : (json_int_t)value));
	}
	return to;
}

static void
set_some(json_t *line, const char *name, json_t *value)
{
	if (value != NULL)
		json_object_set_new(line, name, value);
}

static struct eval_row
begin_row(struct eval_rows *r, const json_t *row, const json_t *path)
{
	struct eval_row one = {.depth = (uint16_t)(json_array_size(path) < UINT16_MAX ? json_array_size(path) : UINT16_MAX)};
	AUTO(buf_release) struct buf text = {0};
	const json_t *part;
	size_t i;

	buf_init(&text, ROW_BYTES);
	json_array_foreach(path, i, part)
		buf_add(&text, json_string_value(part), json_string_length(part) + 1);
	buf_puts(&text, json_str(row, "system", ""));
	one.key = (struct str){arena_strn(&r->a, text.p, text.n), text.n};
	return one;
}

static void
end_row(struct eval_rows *r, struct eval_row *one, struct str line, struct str drv)
{
	one->line = (struct str){arena_strn(&r->a, line.p, line.n), line.n};
	ptrdiff_t at = drv.n > 0 ? str_find(one->line, STR("\"drvPath\":\"")) : -1;
	/* The path's own parts cannot hold that text: their quotes are escaped. */
	if (at >= 0)
		one->drv = (struct str){one->line.p + at + sizeof("\"drvPath\":\"") - 1, drv.n};
	vec_push(&r->all, *one);
}

int
eval_rows_add_stored(struct eval_rows *r, struct str line, struct err *e)
{
	AUTO(json_drop) json_t *row = NULL;

	if (json_read(line, "row", &row, e) != 0)
		return -1;
	const json_t *path = json_object_get(row, "attrPath");
	if (!path_ok(path))
		return fail(e, ERR_INPUT, "a row without an attribute path");
	if (!in_scope(r->scope, path))
		return 0;
	struct eval_row one = begin_row(r, row, path);
	one.error = json_is_string(json_object_get(row, "error"));
	end_row(r, &one, line, json_text(row, "drvPath"));
	return 0;
}

static void
keep(struct eval_rows *r, const json_t *row, json_t *path)
{
	AUTO(buf_release) struct buf text = {0};
	AUTO(json_drop) json_t *line = json_object();
	struct eval_row one = begin_row(r, row, path);
	struct str drv = json_text(row, "drvPath");

	buf_init(&text, ROW_BYTES);

	json_object_set(line, "attrPath", path);
	json_object_set_new(line, "system", json_string(json_str(row, "system", "")));
	if (drv.n > 0) {
		json_object_set_new(line, "name", json_string(json_str(row, "name", "")));
		json_object_set_new(line, "drvPath", json_any_string(drv));
		json_object_set(line, "outputs", json_object_get(row, "outputs"));
		json_object_set_new(line, "meta", meta_keep(json_object_get(row, "meta"), json_str(row, "name", "")));
	}
	if (drv.n > 0 && json_text(row, "metaError").n > 0)
		json_object_set_new(line, "metaError", text_of(json_text(row, "metaError")));
	if (json_is_string(json_object_get(row, "error"))) {
		json_object_set_new(line, "error", text_of(json_text(row, "error")));
		one.error = true;
	}
	if (drv.n > 0)
		json_object_set_new(line, "features", features_of(row));
	set_some(line, "warnings", warnings_of(row));
	set_some(line, "stats", stats_of(row));
	json_write(line, &text);
	if (text.over) {
		eval_rows_incomplete(r, "a row of more than %d bytes", ROW_BYTES);
		return;
	}
	end_row(r, &one, buf_get(&text), drv);
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

/* The row good with the words of bad, in the order of keep(). */
static void
mend(struct eval_rows *r, size_t place, const struct eval_row *good)
{
	AUTO(json_drop) json_t *from = NULL, *words = NULL, *to = json_object();
	AUTO(buf_release) struct buf text = {0};
	json_t *value;
	const char *name;
	struct err e;

	if (json_read(good->line, "row", &from, &e) != 0 || json_read(r->all.p[place].line, "row", &words, &e) != 0)
		return;
	json_object_foreach(from, name, value) {
		json_object_set(to, name, value);
		if (strcmp(name, "meta") == 0)
			json_object_set(to, "metaError", json_object_get(words, "error"));
	}
	struct str drv = json_text(from, "drvPath");
	buf_init(&text, ROW_BYTES);
	json_write(to, &text);
	struct eval_row one = {.depth = good->depth, .key = {arena_strn(&r->a, good->key.p, good->key.n), good->key.n}};
	end_row(r, &one, buf_get(&text), drv);
	r->all.p[place] = r->all.p[--r->all.n];
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
		                !texts_have(r->systems, str_dup(&r->a, str_from(bad->key, path.n)));
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

/* The short way. */
static bool
keep_good(struct eval_rows *r, struct str line)
{
	struct eval_row one = {0};
	struct str drv;
	size_t depth;

	if (r->key.p == NULL)
		buf_init(&r->key, ROW_BYTES);
	if ((r->scope != NULL && r->scope->p != NULL) || (r->systems != NULL && r->systems->n > 0) ||
	    !reduce_good_row(line, r->max_depth, &r->key, &r->small, &drv, &depth))
		return false;
	one.key = (struct str){arena_strn(&r->a, r->key.p, r->key.n), r->key.n};
	one.line = (struct str){arena_strn(&r->a, r->small.p, r->small.n), r->small.n};
	one.drv = (struct str){one.line.p + (drv.p - r->small.p), drv.n};
	one.depth = (uint16_t)(depth < UINT16_MAX ? depth : UINT16_MAX);
	vec_push(&r->all, one);
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
	AUTO(json_drop) json_t *row = NULL;
	size_t before = r->all.n;
	struct err e;

	if (str_trim(line).n == 0)
		return true;
	if (r->no_row[0] != '\0') {
		eval_rows_incomplete(r, "%s", r->no_row);
		return false;
	}
	r->lines++;
	if (r->small.p == NULL)
		buf_init(&r->small, ROW_BYTES);
	if (keep_good(r, line))
		return goes_on(r, before);
	buf_drop(&r->small, r->small.n);
	struct str small = reduce_row(line, &r->small) && !r->small.over ? buf_get(&r->small) : line;
	if (json_read(small, "row", &row, &e) != 0 || !json_is_object(row)) {
		struct str head = str_utf8_head(line, 100);
		snprintf(r->no_row, sizeof(r->no_row), "the evaluator printed a line that is not a row: " STR_FMT,
		    STR_ARG(head));
		return true;
	}
	json_t *path = json_object_get(row, "attrPath");
	if (is_hole(r, row, path))
		return false;
	if (in_scope(r->scope, path) && in_systems(r->systems, row, path))
		keep(r, row, path);
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
