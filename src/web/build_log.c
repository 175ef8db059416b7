/* Build logs as text, followed while the build runs. */
#include "web/build_log.h"

#include "support/base/clock.h"
#include "support/base/log.h"
#include "support/os/packed.h"
#include "web/pages.h"

#include <string.h>

enum {
	FOLLOW_MS = 500,
	MAX_FOLLOWERS = 64, /* more readers get what is there and an end */
	CHUNK = 16 * 1024
};

/* One answer that reads a log. Those that wait for more are in the list, suspended. */
struct log_reader {
	struct log_reader *prev, *next;
	const struct page_sources *w;
	struct MHD_Connection *mhd;
	char *name, *key; /* of the address; key may be NULL */
	struct packed *log;
	int clean;
	int64_t looked_ms; /* clock_mono_ms, when the asker was last known to be one who may see it */
	bool follow, waiting, ended;
};

struct logs {
	struct server *server;
	struct loop_timer *timer;
	struct log_reader *followers;
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

/* Whether the asker may see it still: the repository may have been made private meanwhile. *ret_more: and the build goes on. */
static bool
is_open(struct log_reader *f, bool *ret_more)
{
	AUTO(arena_release) struct arena a = {0};
	const struct str name = str_of(f->name);
	struct page p = {.w = f->w, .a = &a, .params = &name, .key = f->key};
	struct err e;

	*ret_more = false;
	if (!f->follow && clock_mono_ms() - f->looked_ms < FOLLOW_MS)
		return true;
	f->looked_ms = clock_mono_ms();
	if (may_see_build(&p, &e) != 0)
		return false;
	*ret_more = f->follow && !f->ended && running(p.build.state);
	return true;
}

static void
wait_for_more(struct log_reader *f)
{
	struct logs *l = f->w->logs;

	f->waiting = true;
	f->prev = NULL;
	f->next = l->followers;
	if (f->next != NULL)
		f->next->prev = f;
	else
		loop_timer_set(l->timer, FOLLOW_MS);
	l->followers = f;
	MHD_suspend_connection(f->mhd);
}

static void
stop_waiting(struct log_reader *f)
{
	if (f->next != NULL)
		f->next->prev = f->prev;
	if (f->prev != NULL)
		f->prev->next = f->next;
	else
		f->w->logs->followers = f->next;
	f->waiting = false;
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
			wait_for_more(f);
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

	if (f->waiting)
		stop_waiting(f);
	packed_close(&f->log);
	mem_free(&f->name);
	mem_free(&f->key);
	mem_free(&f);
}

static void
resume_all(struct logs *l)
{
	while (l->followers != NULL) {
		struct log_reader *f = l->followers;
		stop_waiting(f);
		MHD_resume_connection(f->mhd);
	}
}

static void
on_timer(void *ctx)
{
	struct logs *l = ctx;

	resume_all(l);
	server_pump(l->server);
}

struct logs *
logs_new(struct loop *loop)
{
	struct logs *l = mem_alloc(sizeof(*l));

	*l = (struct logs){0};
	l->timer = loop_timer_new(loop, "web: logs", on_timer, l);
	return l;
}

void
logs_serve(struct logs *l, struct server *server)
{
	l->server = server;
}

void
logs_end(struct logs *l)
{
	if (l == NULL)
		return;
	for (struct log_reader *f = l->followers; f != NULL; f = f->next)
		f->ended = true;
	resume_all(l);
}

void
logs_free(struct logs *l)
{
	if (l == NULL)
		return;
	loop_timer_free(l->timer);
	mem_free(&l);
}

static size_t
count_followers(const struct logs *l)
{
	size_t n = 0;

	for (const struct log_reader *f = l->followers; f != NULL; f = f->next)
		n++;
	return n;
}

/* The file: where the scheduler says, else logs/HASH-NAME. Its name comes from the database, never from the address.
 * NULL when it is not there. */
static struct packed *
open_log(struct page *p, const struct view_build *b)
{
	const char *base = strrchr(b->drv, '/') != NULL ? strrchr(b->drv, '/') + 1 : b->drv, *path;
	struct str stem = str_of(base);
	struct packed *log = NULL;
	struct err e;

	if (str_ends(stem, STR(".drv")))
		stem.n -= 4;
	if (b->log == NULL)
		path = arena_printf(p->a, "%s/logs/" STR_FMT, p->w->state_dir, STR_ARG(stem));
	else
		path = b->log[0] == '/' ? b->log : arena_printf(p->a, "%s/%s", p->w->state_dir, b->log);
	return packed_open(path, &log, &e) == 0 ? log : NULL;
}

int
page_log(struct page *p, struct err *e)
{
	const struct view_build b = p->build;

	p->type = "text/plain; charset=utf-8";
	struct packed *log = open_log(p, &b);
	if (log == NULL && running(b.state)) {
		buf_puts(&p->body, "The log has not begun yet.\n");
		p->refresh = "3";
		return 0;
	}
	if (log == NULL && b.tail == NULL)
		return fail(e, ERR_ABSENT, "no log");
	if (log == NULL) {
		int state = CLEAN_TEXT;
		size_t n = strlen(b.tail);
		char *text = arena_alloc(p->a, 2 * n + 1);
		buf_puts(&p->body, "The log is gone; these are its last lines.\n\n");
		buf_add(&p->body, text, log_clean(&state, b.tail, n, text));
		return 0;
	}
	struct log_reader *f = mem_alloc(sizeof(*f));
	*f = (struct log_reader){.w = p->w,
	    .mhd = p->mhd,
	    .log = log,
	    .name = mem_strdup(str_dup(p->a, p->params[0])),
	    .key = p->key != NULL ? mem_strdup(p->key) : NULL,
	    .looked_ms = clock_mono_ms()};
	f->follow = running(b.state) && count_followers(p->w->logs) < MAX_FOLLOWERS;
	p->response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, CHUNK, give, f, forget);
	if (p->response == NULL) {
		forget(f);
		return fail(e, ERR_SYSTEM, "libmicrohttpd cannot make a response");
	}
	return 0;
}
