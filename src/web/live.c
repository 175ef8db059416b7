/* Answers that go on. */
#include "web/live.h"

#include "support/base/clock.h"
#include "web/pages.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

enum {
	RUN_MS = 2000, /* between two events of a run: each is a page that is fetched again */
	CHUNK = 4 * 1024,
	MAX_AT_WORK = 100 /* builds whose begin and end are heard of one by one */
};

struct live {
	struct server *server;
	struct loop_timer *timer;
	struct live_one *waiting;
	size_t n;
	bool ended;
};

bool
live_join(struct live *l, struct live_one *one, struct MHD_Connection *mhd)
{
	if (l->n >= LIVE_MAX || l->ended)
		return false;
	*one = (struct live_one){.of = l, .mhd = mhd};
	l->n++;
	return true;
}

void
live_wait(struct live_one *one)
{
	struct live *l = one->of;

	one->waiting = true;
	one->prev = NULL;
	one->next = l->waiting;
	if (one->next != NULL)
		one->next->prev = one;
	else
		loop_timer_set(l->timer, LIVE_MS);
	l->waiting = one;
	MHD_suspend_connection(one->mhd);
}

static void
stop_waiting(struct live_one *one)
{
	if (one->next != NULL)
		one->next->prev = one->prev;
	if (one->prev != NULL)
		one->prev->next = one->next;
	else
		one->of->waiting = one->next;
	one->waiting = false;
}

void
live_leave(struct live_one *one)
{
	if (one->of == NULL)
		return;
	if (one->waiting)
		stop_waiting(one);
	one->of->n--;
	one->of = NULL;
}

static void
resume_all(struct live *l)
{
	while (l->waiting != NULL) {
		struct live_one *one = l->waiting;
		stop_waiting(one);
		MHD_resume_connection(one->mhd);
	}
}

static void
on_timer(void *ctx)
{
	struct live *l = ctx;

	resume_all(l);
	server_pump(l->server);
}

struct live *
live_new(struct loop *loop)
{
	struct live *l = mem_alloc(sizeof(*l));

	*l = (struct live){0};
	l->timer = loop_timer_new(loop, "web: live", on_timer, l);
	return l;
}

void
live_serve(struct live *l, struct server *server)
{
	l->server = server;
}

void
live_end(struct live *l)
{
	if (l == NULL)
		return;
	l->ended = true;
	for (struct live_one *one = l->waiting; one != NULL; one = one->next)
		one->ended = true;
	resume_all(l);
}

void
live_free(struct live *l)
{
	if (l == NULL)
		return;
	loop_timer_free(l->timer);
	mem_free(&l);
}

void
live_headers(struct page *p)
{
	MHD_add_response_header(p->response, "X-Accel-Buffering", "no"); /* nginx would keep it back */
}

/* --- a run --- */

struct run_reader {
	struct live_one live;
	const struct page_sources *w;
	char *id, *key; /* of the address; key may be NULL */
	uint64_t seen;  /* what was said last: 0 nothing */
	int64_t looked_ms, said_ms;
	bool over;
};

static void
mix(uint64_t *h, const void *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		*h = (*h ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3;
}

static void
mix_text(uint64_t *h, const char *s)
{
	mix(h, s != NULL ? s : "", (s != NULL ? strlen(s) : 0) + 1);
}

/* Of all that the page of a run shows and that may change while it goes on: its row, what is being built, when its report was made. */
static int
print_of(struct run_reader *f, struct arena *a, const struct view_run *r, uint64_t *ret, struct err *e)
{
	static const char *const files[] = {"above.html", "below.html", "states.txt"};
	uint64_t h = 0xcbf29ce484222325;
	struct view_build *builds;
	struct stat st;
	size_t n;

	if (view_run_building(f->w->s, a, r->id, MAX_AT_WORK, &builds, &n, e) != 0)
		return -1;
	mix_text(&h, r->state);
	mix_text(&h, r->waiting);
	mix_text(&h, r->title);
	mix(&h, &r->updated_ms, sizeof(r->updated_ms));
	mix(&h, &r->superseded_by, sizeof(r->superseded_by));
	for (size_t i = 0; i < n; i++)
		mix(&h, &builds[i].id, sizeof(builds[i].id));
	for (size_t i = 0; i < COUNT(files); i++)
		if (stat(arena_printf(a, "%s/runs/%" PRId64 "/%s", f->w->state_dir, r->id, files[i]), &st) == 0)
			mix(&h, &st.st_mtim, sizeof(st.st_mtim));
	*ret = h != 0 ? h : 1;
	return 0;
}

/* The run, when the asker may see it still: the repository may have been made private meanwhile. */
static bool
find_still(const struct run_reader *f, struct arena *a, struct page *ret)
{
	const struct str *id = arena_dup(a, &(struct str){f->id, strlen(f->id)}, sizeof(*id));
	struct err e;

	*ret = (struct page){.w = f->w, .a = a, .params = id, .key = f->key};
	return may_see_run(ret, &e) == 0;
}

static ssize_t
give(void *ctx, uint64_t at, char *out, size_t max)
{
	AUTO(arena_release) struct arena a = {0};
	struct run_reader *f = ctx;
	int64_t now = clock_mono_ms();
	struct page p;
	uint64_t h;
	struct err e;
	int n = 0;

	(void)at;
	if (f->over || f->live.ended || !find_still(f, &a, &p))
		return MHD_CONTENT_READER_END_OF_STREAM;
	const struct view_run *r = &p.runs[0];
	f->over = r->ended_ms != 0;
	if (f->over)
		n = snprintf(out, max, "event: end\ndata: {}\n\n");
	else if (f->seen == 0 || now - f->looked_ms >= RUN_MS) {
		if (print_of(f, &a, r, &h, &e) != 0)
			return MHD_CONTENT_READER_END_WITH_ERROR;
		f->looked_ms = now;
		if (h != f->seen)
			n = snprintf(out, max, "data: {\"version\":\"%" PRIx64 "\"}\n\n", h);
		else if (now - f->said_ms >= LIVE_STILL_MS)
			n = snprintf(out, max, ":\n\n");
		f->seen = h;
	}
	if (n <= 0 || (size_t)n >= max) {
		live_wait(&f->live);
		return 0;
	}
	f->said_ms = now;
	return n;
}

static void
forget(void *ctx)
{
	struct run_reader *f = ctx;

	live_leave(&f->live);
	mem_free(&f->id);
	mem_free(&f->key);
	mem_free(&f);
}

int
live_run(struct page *p, struct err *e)
{
	struct run_reader *f = mem_alloc(sizeof(*f));

	*f = (struct run_reader){.w = p->w,
	    .id = mem_strdup(str_dup(p->a, p->params[0])),
	    .key = p->key != NULL ? mem_strdup(p->key) : NULL};
	if (!live_join(p->w->live, &f->live, p->mhd)) {
		forget(f);
		return fail(e, ERR_BUSY, "too many follow what goes on");
	}
	p->type = "text/event-stream";
	p->cache = "no-store";
	p->response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, CHUNK, give, f, forget);
	if (p->response == NULL) {
		forget(f);
		return fail(e, ERR_SYSTEM, "libmicrohttpd cannot make a response");
	}
	live_headers(p);
	return 0;
}
