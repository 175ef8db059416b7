/* Stored evaluations: zstd, lines, rows. */
#include "formats/rows.h"

#include "records/fields.h"
#include "support/text/jscan.h"
#include "support/text/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

enum { CHUNK_BYTES = 1 << 17, STATS_BYTES = 100 };

struct rows {
	char *file;
	int fd;
	ZSTD_DStream *zstd;
	char *packed; /* CHUNK_BYTES as read from the file */
	ZSTD_inBuffer in;
	bool frame_open, ended;
	char *text; /* unpacked, not yet handed out: from..to */
	size_t from, to, cap;
	json_t *header;
	struct arena row;   /* what of the row handed out had escapes in it */
	struct buf path[2]; /* of the row handed out (n odd: the second) and of the one before */
	struct buf system[2];
	int64_t n, line;
	struct str raw;     /* the line of the row handed out */
	struct row current; /* that row */
};

static int
wrong(const struct rows *r, const char *what, struct err *e)
{
	return fail(e, ERR_INPUT, "stored evaluation %s, line %lld: %s", r->file, (long long)r->line, what);
}

/* Unpacks more text behind to; 0 when there is none left. */
static int
fill(struct rows *r, struct err *e)
{
	if (r->from > 0) {
		memmove(r->text, r->text + r->from, r->to - r->from);
		r->to -= r->from;
		r->from = 0;
	}
	if (r->cap - r->to < CHUNK_BYTES) {
		if (r->cap > ROWS_MAX_LINE)
			return fail(e, ERR_LIMIT, "stored evaluation %s: a line of more than %d bytes", r->file, ROWS_MAX_LINE);
		r->cap = r->cap * 2 + 2 * CHUNK_BYTES;
		r->text = mem_realloc(r->text, r->cap, 1);
	}
	ZSTD_outBuffer out = {r->text + r->to, r->cap - r->to, 0};
	while (out.pos == 0) {
		if (r->in.pos == r->in.size) {
			ssize_t got;
			do
				got = read(r->fd, r->packed, CHUNK_BYTES);
			while (got < 0 && errno == EINTR);
			if (got < 0)
				return fail_sys(e, "cannot read %s", r->file);
			if (got == 0 && r->frame_open)
				return fail(e, ERR_INPUT, "stored evaluation %s: cut short", r->file);
			if (got == 0)
				return 0;
			r->in = (ZSTD_inBuffer){r->packed, (size_t)got, 0};
		}
		size_t rc = ZSTD_decompressStream(r->zstd, &out, &r->in);
		if (ZSTD_isError(rc))
			return fail(e, ERR_INPUT, "stored evaluation %s: %s", r->file, ZSTD_getErrorName(rc));
		r->frame_open = rc != 0;
	}
	r->to += out.pos;
	return 1;
}

/* 1 with the next line without its newline, 0 at the end of the file. */
static int
next_line(struct rows *r, struct str *ret, struct err *e)
{
	size_t seen = 0;

	for (;;) {
		const char *nl = memchr(r->text + r->from + seen, '\n', r->to - r->from - seen);
		if (nl != NULL) {
			*ret = (struct str){r->text + r->from, (size_t)(nl - r->text) - r->from};
			r->from += ret->n + 1;
			r->line++;
			return 1;
		}
		seen = r->to - r->from;
		int rc = fill(r, e);
		if (rc < 0)
			return -1;
		if (rc == 0)
			return seen == 0 ? 0 : wrong(r, "cut short", e);
	}
}

static int
read_header(struct rows *r, struct err *e)
{
	struct str line;
	int rc = next_line(r, &line, e);

	if (rc < 0)
		return -1;
	if (rc == 0)
		return fail(e, ERR_INPUT, "stored evaluation %s is empty", r->file);
	if (json_read(line, r->file, &r->header, e) != 0)
		return -1;
	if (json_int(r->header, "ekaci_evaluation", 0) != 1)
		return fail(e, ERR_INPUT, "%s is no stored evaluation of version 1", r->file);
	if (!json_flag(r->header, "complete", false))
		return fail(e, ERR_INPUT, "evaluation incomplete: %s", r->file);
	return 0;
}

int
rows_open(const char *file, struct rows **ret, struct err *e)
{
	AUTO(rows_close) struct rows *r = mem_alloc(sizeof(*r));

	r->file = mem_strdup(file);
	r->fd = open(file, O_RDONLY | O_CLOEXEC);
	if (r->fd < 0)
		return fail_sys(e, "cannot open the stored evaluation %s", file);
	r->zstd = ZSTD_createDStream();
	r->cap = 4 * CHUNK_BYTES;
	r->text = mem_alloc(r->cap);
	r->packed = mem_alloc(CHUNK_BYTES);
	for (int i = 0; i < 2; i++) {
		buf_init(&r->path[i], ROWS_MAX_LINE);
		buf_init(&r->system[i], ROWS_MAX_LINE);
	}
	if (r->zstd == NULL)
		return fail(e, ERR_SYSTEM, "cannot start zstd");
	if (read_header(r, e) != 0)
		return -1;
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
	fd_close(&r->fd);
	ZSTD_freeDStream(r->zstd);
	json_decref(r->header);
	arena_release(&r->row);
	for (int i = 0; i < 2; i++) {
		buf_release(&r->path[i]);
		buf_release(&r->system[i]);
	}
	free(r->packed);
	free(r->text);
	free(r->file);
	free(r);
}

const char *
rows_evaluator(const struct rows *r)
{
	return json_str(r->header, "evaluator", "");
}

const char *
rows_version(const struct rows *r)
{
	return json_str(r->header, "version", "");
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
		return wrong(r, "an attribute for the second time", e);
	return c > 0 || (c == 0 && d > 0) ? wrong(r, "out of order", e) : 0;
}

/* The last line was read: it must be true, and the last. */
static int
end(struct rows *r, int64_t rows, struct err *e)
{
	struct str line;

	if (rows != r->n)
		return fail(e, ERR_INPUT, "evaluation incomplete: %s has %lld rows and should have %lld", r->file,
		    (long long)r->n, (long long)rows);
	r->ended = true;
	r->raw = (struct str){"", 0};
	int rc = next_line(r, &line, e);
	return rc == 1 ? wrong(r, "something after the end", e) : rc;
}

/* A row's line up to what it cost, which stands last, is short, and is another each time (evaluate/output.h). */
static struct str
without_stats(struct str line)
{
	static const char stats[] = ",\"stats\":{\"";
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
	return read_fields(r, line, f) != 0 ? wrong(r, "malformed", e) : 0;
}

int
rows_next(struct rows *r, const struct rows *like, struct row *ret, struct err *e)
{
	struct row_fields f = {0};
	struct str line;

	if (r->ended)
		return 0;
	arena_release(&r->row);

	int rc = next_line(r, &line, e);
	if (rc < 0)
		return -1;
	if (rc == 0)
		return fail(e, ERR_INPUT, "evaluation incomplete: %s has no last line", r->file);
	if (read_row(r, like, line, &f, e) != 0)
		return -1;
	if (f.has_end)
		return end(r, f.end, e);
	if (!f.has_path)
		return wrong(r, "a row without attrPath", e);
	struct buf *system = &r->system[r->n & 1];
	buf_drop(system, system->n);
	buf_str(system, f.row.system);
	if (check_order(r, &f.row, e) != 0)
		return -1;
	if (++r->n > ROWS_MAX)
		return fail(e, ERR_LIMIT, "stored evaluation %s: more than %d rows", r->file, ROWS_MAX);
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
	for (size_t i = 0; i + 1 < path.n; i++)
		if (text[i] == '\0')
			text[i] = '.';
	return text;
}

int
rows_has_attribute(const char *file, const char *name, bool *ret, struct err *e)
{
	AUTO(rows_close) struct rows *r = NULL;
	struct row row;
	int rc = rows_open(file, &r, e);

	for (*ret = false; rc == 0 && !*ret && (rc = rows_next(r, NULL, &row, e)) == 1; rc = 0) {
		struct arena a = {0};
		*ret = strcmp(rows_path_text(&a, row.path), name) == 0;
		arena_release(&a);
	}
	return rc < 0 ? -1 : 0;
}
