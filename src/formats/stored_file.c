/* Stored evaluations on disk: zstd and lines. */
#include "formats/stored_file.h"

#include "support/os/zstream.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

enum { CHUNK_BYTES = 1 << 17 };

/* Of a header what is read again. The job is for people: one of an earlier version need not be one of ours. */
#define OF struct evaluation_header
static const struct field read_members[] = {
    {INT(ekaci_evaluation)},
    {TEXT(key)},
    {TEXT(evaluator)},
    {TEXT(version)},
    {FLAG(complete)},
    {FLAG(partial)},
    {INT(workers)},
    {INT(rows), .otherwise = -1},
    {INT(errors), .otherwise = -1},
    {INT(derivations), .otherwise = -1},
};
static const struct fields read_fields = FIELDS("header", NULL, struct evaluation_header, read_members);
#undef OF

struct stored_reader {
	struct arena a;
	const char *path;
	int fd;
	ZSTD_DStream *zstd;
	char *packed; /* CHUNK_BYTES as read from the file */
	ZSTD_inBuffer in;
	bool frame_open;
	char *text; /* unpacked, not yet handed out: from..to */
	size_t from, to, cap;
	int64_t line;
};

int
stored_wrong(const struct stored_reader *r, const char *what, struct err *e)
{
	return fail(e, ERR_INPUT, "stored evaluation %s, line %" PRId64 ": %s", r->path, r->line, what);
}

/* Makes room for more text behind what is left. */
static int
make_room(struct stored_reader *r, struct err *e)
{
	if (r->from > 0) {
		memmove(r->text, r->text + r->from, r->to - r->from);
		r->to -= r->from;
		r->from = 0;
	}
	if (r->cap - r->to < CHUNK_BYTES) {
		if (r->cap > STORED_MAX_LINE)
			return fail(e, ERR_LIMIT, "stored evaluation %s: a line of more than %d bytes", r->path,
			    STORED_MAX_LINE);
		r->cap = r->cap * 2 + 2 * CHUNK_BYTES;
		r->text = mem_realloc(r->text, r->cap, 1);
	}
	return 0;
}

/* Reads more of the file; 0 when there is none left. */
static int
read_packed(struct stored_reader *r, struct err *e)
{
	ssize_t got;

	do
		got = read(r->fd, r->packed, CHUNK_BYTES);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return fail_sys(e, "cannot read %s", r->path);
	if (got == 0 && r->frame_open)
		return fail(e, ERR_INPUT, "stored evaluation %s: cut short", r->path);
	r->in = (ZSTD_inBuffer){r->packed, (size_t)got, 0};
	return got > 0;
}

/* Unpacks more text behind to; 0 when there is none left. */
static int
fill(struct stored_reader *r, struct err *e)
{
	if (make_room(r, e) != 0)
		return -1;
	ZSTD_outBuffer out = {r->text + r->to, r->cap - r->to, 0};
	while (out.pos == 0) {
		int more = r->in.pos == r->in.size ? read_packed(r, e) : 1;
		if (more <= 0)
			return more;
		size_t rc = ZSTD_decompressStream(r->zstd, &out, &r->in);
		if (ZSTD_isError(rc))
			return fail(e, ERR_INPUT, "stored evaluation %s: %s", r->path, ZSTD_getErrorName(rc));
		r->frame_open = rc != 0;
	}
	r->to += out.pos;
	return 1;
}

int
stored_next(struct stored_reader *r, struct str *line, struct err *e)
{
	size_t seen = 0;

	for (;;) {
		const char *nl = memchr(r->text + r->from + seen, '\n', r->to - r->from - seen);
		if (nl != NULL) {
			*line = (struct str){r->text + r->from, (size_t)(nl - r->text) - r->from};
			r->from += line->n + 1;
			r->line++;
			return 1;
		}
		seen = r->to - r->from;
		int rc = fill(r, e);
		if (rc < 0)
			return -1;
		if (rc == 0)
			return seen == 0 ? 0 : stored_wrong(r, "cut short", e);
	}
}

static int
read_header(struct stored_reader *r, struct evaluation_header *ret, struct err *e)
{
	struct str line;
	int rc = stored_next(r, &line, e);

	if (rc < 0)
		return -1;
	if (rc == 0)
		return fail(e, ERR_INPUT, "stored evaluation %s is empty", r->path);
	if (fields_read(&read_fields, &r->a, line, r->path, ret, e) != 0)
		return fail_in(e, "no stored evaluation");
	if (ret->ekaci_evaluation != STORED_VERSION)
		return fail(e, ERR_INPUT, "%s is no stored evaluation of version %d", r->path, STORED_VERSION);
	return 0;
}

int
stored_open(const char *path, struct stored_reader **ret, struct evaluation_header *header, struct err *e)
{
	AUTO(stored_close) struct stored_reader *r = mem_alloc(sizeof(*r));

	r->path = arena_strdup(&r->a, path);
	r->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (r->fd < 0)
		return fail_sys(e, "cannot open the stored evaluation %s", path);
	r->zstd = ZSTD_createDStream();
	r->cap = 4 * CHUNK_BYTES;
	r->text = mem_alloc(r->cap);
	r->packed = mem_alloc(CHUNK_BYTES);
	if (r->zstd == NULL)
		return fail(e, ERR_SYSTEM, "cannot start zstd");
	if (read_header(r, header, e) != 0)
		return -1;
	*ret = r;
	r = NULL;
	return 0;
}

void
stored_close(struct stored_reader **rp)
{
	struct stored_reader *r = *rp;

	*rp = NULL;
	if (r == NULL)
		return;
	fd_close(&r->fd);
	ZSTD_freeDStream(r->zstd);
	free(r->packed);
	free(r->text);
	arena_release(&r->a);
	free(r);
}

struct stored_writer {
	struct arena a;
	const char *path, *temporary;
	struct zstream *zstd;
	int to;
};

int
stored_line(struct stored_writer *w, struct str line, struct err *e)
{
	return zstream_add(w->zstd, line, e) == 0 ? zstream_add(w->zstd, STR("\n"), e) : -1;
}

int
stored_begin(const char *path, struct evaluation_header *header, struct stored_writer **ret, struct err *e)
{
	AUTO(stored_drop) struct stored_writer *w = mem_alloc(sizeof(*w));
	char *first;

	w->path = arena_strdup(&w->a, path);
	w->temporary = arena_printf(&w->a, "%s.new", path);
	w->to = open(w->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (w->to < 0)
		return fail_sys(e, "%s", w->temporary);
	if (zstream_new(w->to, "an evaluation", &w->zstd, e) != 0)
		return -1;
	header->ekaci_evaluation = STORED_VERSION;
	if (fields_line(&evaluation_header_fields, &w->a, header, &first, e) != 0 || stored_line(w, str_of(first), e) != 0)
		return -1;
	*ret = w;
	w = NULL;
	return 0;
}

void
stored_drop(struct stored_writer **wp)
{
	struct stored_writer *w = *wp;

	*wp = NULL;
	if (w == NULL)
		return;
	if (w->to >= 0) {
		fd_close(&w->to);
		unlink(w->temporary);
	}
	zstream_free(&w->zstd);
	arena_release(&w->a);
	free(w);
}

int
stored_end(struct stored_writer *w, size_t rows, struct err *e)
{
	char last[40];

	snprintf(last, sizeof(last), "{\"end\":%zu}\n", rows);
	if (zstream_add(w->zstd, str_of(last), e) != 0 || zstream_end(w->zstd, e) != 0)
		return -1;
	if (fsync(w->to) != 0)
		return fail_sys(e, "%s", w->temporary);
	int rc = close(w->to);
	w->to = -1;
	if (rc != 0 || rename(w->temporary, w->path) != 0) {
		rc = fail_sys(e, "%s", w->path);
		unlink(w->temporary);
	}
	return rc;
}
