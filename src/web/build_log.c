/* Build logs as text, followed while the build runs. */
#include "web/build_log.h"

#include "formats/log_file.h"
#include "support/base/clock.h"
#include "support/base/log.h"
#include "support/os/packed.h"
#include "web/live.h"
#include "web/page_data.h"
#include "web/pages.h"
#include "web/show.h"
#include "web/tokens.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 16 * 1024 };

/* One answer that reads a log. Where too many follow what goes on, it gets what is there and an end. */
struct log_reader {
	struct live_one live;
	const struct page_sources *w;
	char *name, *key; /* of the address; key may be NULL */
	bool by_token;    /* it was seen by the token of this hash */
	unsigned char token[TOKEN_HASH];
	struct packed *log;
	int clean;
	int64_t looked_ms; /* clock_mono_ms, when the asker was last known to be one who may see it */
	bool follow;
	/* Of events: the file, and what was said of it. */
	char *path;
	int64_t lines, said_ms;
	bool over;
	/* Of a range: what is left of it. */
	int64_t left;
};

enum { CLEAN_TEXT, CLEAN_ESC, CLEAN_CSI, CLEAN_STRING, CLEAN_STRING_ESC, CLEAN_CR, CLEAN_C2 };

/* One byte: its output goes to out[0..1], the number of bytes is returned. */
static size_t
clean_byte(int *state, unsigned char c, char *out)
{
	size_t n = 0;

	if (*state == CLEAN_CR && c != '\n')
		out[n++] = '\n';
	if (*state == CLEAN_C2) {
		*state = CLEAN_TEXT;
		if (c >= 0x80 && c < 0xa0) /* a C1 control, which some terminals obey */
			return n;
		/* Alone it is no text, and a byte behind what is dropped next would make a C1 control of it. */
		if (c >= 0xa0 && c < 0xc0)
			out[n++] = (char)0xc2;
	}
	if (*state == CLEAN_STRING || *state == CLEAN_STRING_ESC) {
		bool over = c == '\a' || c == '\n' || (*state == CLEAN_STRING_ESC && c == '\\');
		*state = over ? CLEAN_TEXT : c == 0x1b ? CLEAN_STRING_ESC : CLEAN_STRING;
		if (c == '\n')
			out[n++] = '\n';
		return n;
	}
	if (c == 0x1b || c == '\r' || c == 0xc2) {
		*state = c == 0x1b ? CLEAN_ESC : c == '\r' ? CLEAN_CR : CLEAN_C2;
		return n;
	}
	if (*state == CLEAN_ESC && c >= ' ') {
		*state = c == '['                                                   ? CLEAN_CSI
		         : c == ']' || c == 'P' || c == '_' || c == '^' || c == 'X' ? CLEAN_STRING
		         : c <= '/'                                                 ? CLEAN_ESC
		                                                                    : CLEAN_TEXT;
		return n;
	}
	if (*state == CLEAN_CSI && c >= ' ') {
		if (c >= '@' && c <= '~')
			*state = CLEAN_TEXT;
		return n;
	}
	*state = CLEAN_TEXT;
	if ((c >= ' ' && c != 0x7f) || c == '\n' || c == '\t')
		out[n++] = (char)c;
	return n;
}

size_t
log_clean(int *state, const char *in, size_t n, char *out)
{
	size_t used = 0;

	for (size_t i = 0; i < n; i++)
		used += clean_byte(state, (unsigned char)in[i], out + used);
	return used;
}

static bool
running(const char *state)
{
	return strcmp(state, "waiting") == 0 || strcmp(state, "queued") == 0 || strcmp(state, "building") == 0;
}

/* The build of an answer under way, when the asker may see it still: the repository may have been made private meanwhile. */
static bool
find_still(const struct log_reader *f, struct arena *a, struct view_build *ret)
{
	const struct str name = str_of(f->name);
	struct page p = {.w = f->w, .a = a, .params = &name, .key = f->key};
	struct err e;

	if (f->by_token)
		p.token = tokens_still(f->w->tokens, f->token);
	if (may_see_build(&p, &e) != 0)
		return false;
	*ret = p.build;
	return true;
}

/* Whether the asker may see it still. *ret_more: and the build goes on. */
static bool
is_open(struct log_reader *f, bool *ret_more)
{
	AUTO(arena_release) struct arena a = {0};
	struct view_build b;

	*ret_more = false;
	if (!f->follow && clock_mono_ms() - f->looked_ms < LIVE_MS)
		return true;
	f->looked_ms = clock_mono_ms();
	if (!find_still(f, &a, &b))
		return false;
	*ret_more = f->follow && !f->live.ended && running(b.state);
	return true;
}

static struct log_reader *
reader_new(struct page *p)
{
	struct log_reader *f = mem_alloc(sizeof(*f));

	*f = (struct log_reader){.w = p->w,
	    .name = mem_strdup(str_dup(p->a, p->params[0])),
	    .key = p->key != NULL ? mem_strdup(p->key) : NULL,
	    .looked_ms = clock_mono_ms(),
	    .by_token = p->token != NULL,
	    .lines = -1};
	if (p->token != NULL)
		memcpy(f->token, p->token->hash, sizeof(f->token));
	return f;
}

/* libmicrohttpd asks for at most max more bytes. */
static ssize_t
give(void *ctx, uint64_t at, char *out, size_t max)
{
	struct log_reader *f = ctx;
	char in[CHUNK];
	size_t want = max / 2 < sizeof(in) ? max / 2 : sizeof(in), used = 0;

	(void)at;
	while (used == 0) {
		/* Asked before reading: what is written before the build ends is then read in any case. */
		bool more, open = is_open(f, &more);
		ssize_t n = open ? packed_read(f->log, in, want > 0 ? want : 1) : -1;
		if (n < 0)
			return MHD_CONTENT_READER_END_WITH_ERROR;
		if (n == 0 && !more)
			return MHD_CONTENT_READER_END_OF_STREAM;
		if (n == 0) {
			live_wait(&f->live);
			return 0;
		}
		used = log_clean(&f->clean, in, (size_t)n, out);
	}
	return (ssize_t)used;
}

static void
forget(void *ctx)
{
	struct log_reader *f = ctx;

	live_leave(&f->live);
	packed_close(&f->log);
	mem_free(&f->name);
	mem_free(&f->key);
	mem_free(&f->path);
	mem_free(&f);
}

const char *
log_path(struct page *p, const struct view_build *b)
{
	if (b->log == NULL)
		return arena_printf(p->a, "%s/logs/%s", p->w->state_dir, page_drv_stem(p->a, b->drv));
	return b->log[0] == '/' ? b->log : arena_printf(p->a, "%s/%s", p->w->state_dir, b->log);
}

static int
respond(struct page *p, uint64_t size, MHD_ContentReaderCallback fn, struct log_reader *f, struct err *e)
{
	p->response = MHD_create_response_from_callback(size, CHUNK, fn, f, forget);
	if (p->response != NULL)
		return 0;
	forget(f);
	return fail(e, ERR_SYSTEM, "libmicrohttpd cannot make a response");
}

int
log_text(struct page *p, struct err *e)
{
	const struct view_build b = p->build;
	struct packed *log = NULL;
	struct err none;

	p->type = "text/plain; charset=utf-8";
	bool there = packed_open(log_path(p, &b), &log, &none) == 0;
	if (!there && running(b.state)) {
		buf_puts(&p->body, "The log has not begun yet.\n");
		p->refresh = "3";
		return 0;
	}
	if (!there && b.tail == NULL)
		return fail(e, ERR_ABSENT, "no log");
	if (!there) {
		int state = CLEAN_TEXT;
		size_t n = strlen(b.tail);
		char *text = arena_alloc(p->a, 2 * n + 1);
		buf_puts(&p->body, "The log is gone; these are its last lines.\n\n");
		buf_add(&p->body, text, log_clean(&state, b.tail, n, text));
		return 0;
	}
	struct log_reader *f = reader_new(p);
	f->log = log;
	f->follow = running(b.state) && live_join(p->w->live, &f->live, p->mhd);
	return respond(p, MHD_SIZE_UNKNOWN, give, f, e);
}

/* --- events --- */

/* How long the log is, and the build's state, as an event; 0 when nothing is new. */
static size_t
event(struct log_reader *f, const char *state, char *out, size_t max)
{
	AUTO(arena_release) struct arena a = {0};
	AUTO(log_file_close) struct log_file log = {0};
	struct err e;
	int64_t lines = log_file_open(&a, f->path, &log, &e) == 0 ? log.lines : 0, now = clock_mono_ms();
	bool end = !running(state);

	if (!end && lines == f->lines && now - f->said_ms < LIVE_STILL_MS)
		return 0;
	int n = lines == f->lines && !end ? snprintf(out, max, ":\n\n")
	                                  : snprintf(out, max, "%sdata: {\"lines\":%" PRId64 ",\"state\":\"%s\"}\n\n",
	                                        end ? "event: end\n" : "", lines, state);
	f->lines = lines;
	f->said_ms = now;
	f->over = end;
	return n > 0 && (size_t)n < max ? (size_t)n : 0;
}

static ssize_t
give_event(void *ctx, uint64_t at, char *out, size_t max)
{
	AUTO(arena_release) struct arena a = {0};
	struct log_reader *f = ctx;
	struct view_build b;

	(void)at;
	/* Asked before looking: what was written before the build ended is then counted. */
	if (f->over || f->live.ended || !find_still(f, &a, &b))
		return MHD_CONTENT_READER_END_OF_STREAM;
	size_t n = event(f, b.state, out, max);
	if (n == 0)
		live_wait(&f->live);
	return (ssize_t)n;
}

int
log_events(struct page *p, struct err *e)
{
	struct log_reader *f = reader_new(p);
	if (!live_join(p->w->live, &f->live, p->mhd)) {
		forget(f);
		return fail(e, ERR_BUSY, "too many follow what goes on");
	}
	f->path = mem_strdup(log_path(p, &p->build));
	p->type = "text/event-stream";
	p->cache = "no-store";
	if (respond(p, MHD_SIZE_UNKNOWN, give_event, f, e) != 0)
		return -1;
	live_headers(p);
	return 0;
}

/* --- the file as it is --- */

static ssize_t
give_raw(void *ctx, uint64_t at, char *out, size_t max)
{
	struct log_reader *f = ctx;
	size_t want = f->left >= 0 && (int64_t)max > f->left ? (size_t)f->left : max;
	bool more;

	(void)at;
	if (!is_open(f, &more))
		return MHD_CONTENT_READER_END_WITH_ERROR;
	ssize_t n = want > 0 ? packed_read(f->log, out, want) : 0;
	if (n < 0)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (n == 0)
		return MHD_CONTENT_READER_END_OF_STREAM;
	f->left -= f->left >= 0 ? n : 0;
	return n;
}

/* "bytes=5-9", "bytes=5-", "bytes=-5": first and behind the last; -1 when it is no such range, 1 when it is none of the file's. */
static int
range_of(const char *header, int64_t bytes, int64_t *ret_from, int64_t *ret_to)
{
	struct str rest = str_of(header), last, first;
	int64_t from = 0, to = bytes - 1;

	if (!str_starts(rest, STR("bytes=")) || memchr(rest.p, ',', rest.n) != NULL)
		return -1;
	first = str_cut(str_from(rest, 6), '-', &last);
	if (last.p == NULL || (first.n == 0 && last.n == 0) || (first.n > 0 && (str_to_i64(first, &from) != 0 || from < 0)) ||
	    (last.n > 0 && (str_to_i64(last, &to) != 0 || to < 0)))
		return -1;
	if (first.n == 0) {
		from = to < bytes ? bytes - to : 0;
		to = bytes - 1;
	}
	if (first.n > 0 && last.n > 0 && to < from)
		return -1;
	if (from >= bytes || bytes == 0 || to < from)
		return 1;
	*ret_from = from;
	*ret_to = to < bytes ? to + 1 : bytes;
	return 0;
}

static bool
takes_zstd(struct page *p)
{
	struct str rest = str_of(MHD_lookup_connection_value(p->mhd, MHD_HEADER_KIND, "Accept-Encoding"));

	while (rest.n > 0)
		if (str_is(str_trim(str_cut(rest, ',', &rest)), "zstd"))
			return true;
	return false;
}

/* All of it, compressed as it is kept. */
static int
raw_as_kept(struct page *p, struct log_file *log, struct err *e)
{
	AUTO(fd_close) int fd = dup(packed_fd(log->packed));
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		return fail_sys(e, "a log");
	p->response = MHD_create_response_from_fd64((uint64_t)st.st_size, fd);
	if (p->response == NULL)
		return fail(e, ERR_SYSTEM, "libmicrohttpd cannot make a response");
	fd = -1;
	MHD_add_response_header(p->response, "Content-Encoding", "zstd");
	return 0;
}

static int
raw_range(struct page *p, struct log_file *log, int64_t from, int64_t to, struct err *e)
{
	if (log_file_seek(log, from, e) != 0)
		return -1;
	struct log_reader *f = reader_new(p);
	f->log = log->packed;
	f->left = to >= 0 ? to - from : -1;
	log->packed = NULL;
	return respond(p, to >= 0 ? (uint64_t)(to - from) : MHD_SIZE_UNKNOWN, give_raw, f, e);
}

int
log_raw(struct page *p, struct err *e)
{
	AUTO(log_file_close) struct log_file log = {0};
	const char *range = MHD_lookup_connection_value(p->mhd, MHD_HEADER_KIND, "Range");
	int64_t from = 0, to = -1;

	if (log_file_open(p->a, log_path(p, &p->build), &log, e) != 0)
		return -1;
	p->type = "text/plain; charset=utf-8";
	int64_t bytes = log.bytes;
	int asked = range != NULL && bytes >= 0 ? range_of(range, bytes, &from, &to) : -1;
	int rc = 0;
	if (asked == 1)
		p->status = 416;
	else if (asked == 0)
		p->status = 206;
	else
		to = bytes;
	if (asked == 1)
		p->response = MHD_create_response_from_buffer(0, "", MHD_RESPMEM_PERSISTENT);
	else if (asked < 0 && packed_is_compressed(log.packed) && takes_zstd(p))
		rc = raw_as_kept(p, &log, e);
	else
		rc = raw_range(p, &log, from, to, e);
	if (rc != 0 || p->response == NULL)
		return rc != 0 ? rc : fail(e, ERR_SYSTEM, "libmicrohttpd cannot make a response");
	if (asked >= 0)
		MHD_add_response_header(p->response, "Content-Range",
		    asked == 1 ? arena_printf(p->a, "bytes */%" PRId64, bytes)
		               : arena_printf(p->a, "bytes %" PRId64 "-%" PRId64 "/%" PRId64, from, to - 1, bytes));
	if (bytes >= 0)
		MHD_add_response_header(p->response, "Accept-Ranges", "bytes");
	MHD_add_response_header(p->response, "Vary", "Accept-Encoding");
	/* Of a name from outside only what param_ok let through is here. */
	MHD_add_response_header(p->response, "Content-Disposition",
	    arena_printf(p->a, "attachment; filename=\"%s.log\"", page_drv_stem(p->a, p->build.drv)));
	return 0;
}
