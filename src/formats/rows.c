/* Lines of a stored evaluation become rows. */
#include "formats/rows.h"

#include "formats/stored_file.h"
#include "support/text/jscan.h"
#include "support/text/json.h"

#include <stdlib.h>
#include <string.h>

enum { STATS_BYTES = 100 };

struct rows {
	struct stored_reader *file;
	struct evaluation_header header;
	char *path_of_file;
	bool ended;
	struct arena row;   /* what of the row handed out had escapes in it */
	struct buf path[2]; /* of the row handed out (n odd: the second) and of the one before */
	struct buf system[2];
	int64_t n;
	struct str raw;     /* the line of the row handed out */
	struct row current; /* that row */
};

int
rows_open(const char *file, struct rows **ret, struct err *e)
{
	AUTO(rows_close) struct rows *r = mem_alloc(sizeof(*r));

	r->path_of_file = mem_strdup(file);
	for (int i = 0; i < 2; i++) {
		buf_init(&r->path[i], STORED_MAX_LINE);
		buf_init(&r->system[i], STORED_MAX_LINE);
	}
	if (stored_open(file, &r->file, &r->header, e) != 0)
		return -1;
	if (!r->header.complete)
		return fail(e, ERR_INPUT, "evaluation incomplete: %s", file);
	*ret = r;
	r = NULL;
	return 0;
}

void
rows_close(struct rows **rp)
{
	struct rows *r = *rp;

	if (r == NULL)
		return;
	*rp = NULL;
	stored_close(&r->file);
	arena_release(&r->row);
	for (int i = 0; i < 2; i++) {
		buf_release(&r->path[i]);
		buf_release(&r->system[i]);
	}
	free(r->path_of_file);
	free(r);
}

const char *
rows_evaluator(const struct rows *r)
{
	return r->header.evaluator != NULL ? r->header.evaluator : "";
}

const char *
rows_version(const struct rows *r)
{
	return r->header.version != NULL ? r->header.version : "";
}

/* An array of strings as a path: no element may hold a NUL byte, and all must be UTF-8. */
static int
read_path(struct rows *r, struct jscan *s, struct str *ret)
{
	struct buf *out = &r->path[r->n & 1];
	struct str element;
	size_t count = 0;
	int more;

	buf_drop(out, out->n);
	if (jscan_open(s, '[') != 0)
		return -1;
	while ((more = jscan_more(s, ']', &count)) == 1) {
		if (jscan_string(s, &r->row, &element) != 0 || memchr(element.p, '\0', element.n) != NULL ||
		    !str_utf8_ok(element))
			return -1;
		buf_str(out, element);
		buf_putc(out, '\0');
	}
	*ret = buf_get(out);
	return more;
}

/* A string or null. */
static int
read_text(struct rows *r, struct jscan *s, struct str *ret)
{
	struct str raw;

	if (jscan_peek(s) == '"')
		return jscan_string(s, &r->row, ret);
	return jscan_value(s, &raw) == 0 && str_is(raw, "null") ? 0 : -1;
}

static int
read_raw(struct jscan *s, struct str *ret)
{
	if (jscan_value(s, ret) != 0)
		return -1;
	if (str_is(*ret, "null"))
		*ret = (struct str){"", 0};
	return 0;
}

struct row_fields {
	struct row row;
	bool has_path, has_end;
	int64_t end;
};

static int
read_field(struct rows *r, struct jscan *s, struct str key, struct row_fields *f)
{
	struct str ignored;

	if (str_is(key, "attrPath")) {
		f->has_path = true;
		return read_path(r, s, &f->row.path);
	}
	if (str_is(key, "system"))
		return read_text(r, s, &f->row.system);
	if (str_is(key, "name"))
		return read_text(r, s, &f->row.name);
	if (str_is(key, "drvPath"))
		return read_text(r, s, &f->row.drv);
	if (str_is(key, "error"))
		return read_text(r, s, &f->row.error);
	if (str_is(key, "outputs"))
		return read_raw(s, &f->row.outputs);
	if (str_is(key, "meta"))
		return read_raw(s, &f->row.meta);
	if (str_is(key, "metaError"))
		return read_text(r, s, &f->row.bad_meta);
	if (str_is(key, "unknown")) {
		if (jscan_value(s, &ignored) != 0)
			return -1;
		f->row.unknown = str_is(ignored, "true");
		return 0;
	}
	if (str_is(key, "end")) {
		f->has_end = true;
		return jscan_int(s, &f->end);
	}
	return jscan_value(s, &ignored);
}

static int
read_fields(struct rows *r, struct str line, struct row_fields *f)
{
	struct jscan s = {line.p, line.n, 0};
	size_t count = 0;
	int more;

	if (jscan_open(&s, '{') != 0)
		return -1;
	while ((more = jscan_more(&s, '}', &count)) == 1) {
		struct str key;
		if (jscan_string(&s, &r->row, &key) != 0 || jscan_colon(&s) != 0 || read_field(r, &s, key, f) != 0)
			return -1;
	}
	return more == 0 ? jscan_end(&s) : -1;
}

static int
check_order(struct rows *r, const struct row *row, struct err *e)
{
	struct str last_path = buf_get(&r->path[(r->n & 1) ^ 1]), last_system = buf_get(&r->system[(r->n & 1) ^ 1]);
	int c = r->n == 0 ? -1 : str_cmp(last_path, row->path);
	int d = r->n == 0 ? -1 : str_cmp(last_system, row->system);

	if (c == 0 && d == 0)
		return stored_wrong(r->file, "an attribute for the second time", e);
	return c > 0 || (c == 0 && d > 0) ? stored_wrong(r->file, "out of order", e) : 0;
}

/* The last line was read: it must be true, and the last. */
static int
end(struct rows *r, int64_t rows, struct err *e)
{
	struct str line;

	if (rows != r->n)
		return fail(e, ERR_INPUT, "evaluation incomplete: %s has %lld rows and should have %lld", r->path_of_file,
		    (long long)r->n, (long long)rows);
	r->ended = true;
	r->raw = (struct str){"", 0};
	int rc = stored_next(r->file, &line, e);
	return rc == 1 ? stored_wrong(r->file, "something after the end", e) : rc;
}

/* A row's line up to what it cost, which stands last, is short, and is another each time. */
static struct str
without_stats(struct str line)
{
	static const char stats[] = ROWS_STATS "\"";
	size_t n = sizeof(stats) - 1, least = line.n > STATS_BYTES ? line.n - STATS_BYTES : 0;

	for (size_t at = line.n; at >= least + n; at--)
		if (line.p[at - n] == ',' && memcmp(line.p + at - n, stats, n) == 0)
			return (struct str){line.p, at - n};
	return line;
}

/* The row in line, parsed or taken over from like. */
static int
read_row(struct rows *r, const struct rows *like, struct str line, struct row_fields *f, struct err *e)
{
	if (like != NULL && like->raw.n != 0 && str_eq(without_stats(like->raw), without_stats(line))) {
		f->row = like->current;
		f->has_path = true;
		struct buf *path = &r->path[r->n & 1];
		buf_drop(path, path->n);
		buf_str(path, f->row.path);
		return 0;
	}
	return read_fields(r, line, f) != 0 ? stored_wrong(r->file, "malformed", e) : 0;
}

int
rows_next(struct rows *r, const struct rows *like, struct row *ret, struct err *e)
{
	struct row_fields f = {0};
	struct str line;

	if (r->ended)
		return 0;
	arena_release(&r->row);

	int rc = stored_next(r->file, &line, e);
	if (rc < 0)
		return -1;
	if (rc == 0)
		return fail(e, ERR_INPUT, "evaluation incomplete: %s has no last line", r->path_of_file);
	if (read_row(r, like, line, &f, e) != 0)
		return -1;
	if (f.has_end)
		return end(r, f.end, e);
	if (!f.has_path)
		return stored_wrong(r->file, "a row without attrPath", e);
	struct buf *system = &r->system[r->n & 1];
	buf_drop(system, system->n);
	buf_str(system, f.row.system);
	if (check_order(r, &f.row, e) != 0)
		return -1;
	if (++r->n > ROWS_MAX)
		return fail(e, ERR_LIMIT, "stored evaluation %s: more than %d rows", r->path_of_file, ROWS_MAX);
	f.row.failed = f.row.error.n != 0 || f.row.drv.n == 0 || f.row.unknown;
	r->raw = line;
	*ret = r->current = f.row;
	return 1;
}

void
rows_write_string(struct str s, struct buf *out)
{
	struct arena a = {0};

	json_quote_numbered(str_utf8_ok(s) ? s : str_of(fields_clean(&a, s)), out);
	arena_release(&a);
}

void
rows_write_path(struct str path, struct buf *out)
{
	buf_putc(out, '[');
	for (size_t i = 0; i < path.n;) {
		size_t n = strnlen(path.p + i, path.n - i);
		if (i != 0)
			buf_putc(out, ',');
		rows_write_string((struct str){path.p + i, n}, out);
		i += n + 1;
	}
	buf_putc(out, ']');
}

const char *
rows_path_text(struct arena *a, struct str path)
{
	if (path.n == 0)
		return "(root)";
	char *text = arena_strn(a, path.p, path.n - 1);
	for (char *nul; (nul = memchr(text, '\0', path.n - 1)) != NULL;)
		*nul = '.';
	return text;
}

int
rows_has_attribute(const char *file, const char *name, bool *ret, struct err *e)
{
	AUTO(rows_close) struct rows *r = NULL;
	struct row row = {0};
	int rc = rows_open(file, &r, e);

	for (*ret = false; rc == 0 && !*ret && (rc = rows_next(r, NULL, &row, e)) == 1; rc = 0) {
		struct arena a = {0};
		*ret = strcmp(rows_path_text(&a, row.path), name) == 0;
		arena_release(&a);
	}
	return rc < 0 ? -1 : 0;
}
