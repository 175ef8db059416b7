/* libuv, dressed for one thread that only waits. */
#include "support/os/loop.h"

#include "support/base/clock.h"
#include "support/base/log.h"

#include <signal.h>
#include <string.h>

enum { CANCEL_GRACE_MS = 5000, IDLE_MS = 3000, SPARE_MS = 3000, MAX_RECORD_BYTES = 256 * 1024 * 1024 };

struct worker {
	struct loop *l;
	struct worker *prev, *next;
	const char *stage;
	struct worker_events events;
	uv_process_t process;
	uv_pipe_t in, channel, err;
	uv_write_t write;
	uv_timer_t grace;
	char *job;
	char *session; /* of a worker that takes job after job: whose, or NULL */
	bool idle;
	bool spare; /* started, and without a stage yet */
	struct buf line, err_line;
	int open;    /* handles not closed yet */
	int streams; /* of channel and err, not yet at their end */
	bool exited, cancelled, ended, broken, done;
	int signal;
	int64_t code, outside_ms;
	struct err end;
};

/* Something to do when the loop is over. */
struct put_off {
	struct put_off *next;
	void (*fn)(void *ctx);
	void *ctx;
};

struct loop {
	uv_loop_t uv;
	uv_signal_t term, interrupt, word;
	void (*on_word)(void *ctx);
	void *word_ctx;
	struct worker *workers;
	struct loop_figures figures;
	struct put_off *put_off;
};

struct loop_timer {
	struct loop *l;
	uv_timer_t uv;
	const char *name;
	void (*fn)(void *ctx);
	void *ctx;
};

static void
on_signal(uv_signal_t *s, int number)
{
	(void)number;
	loop_stop(s->data);
}

int
loop_new(struct loop **ret, struct err *e)
{
	struct loop *l = mem_alloc(sizeof(*l));

	l->figures.longest_name = "";
	if (uv_loop_init(&l->uv) != 0) {
		mem_free(&l);
		return fail(e, ERR_SYSTEM, "cannot make the event loop");
	}
	signal(SIGPIPE, SIG_IGN);
	l->term.data = l->interrupt.data = l;
	uv_signal_init(&l->uv, &l->term);
	uv_signal_init(&l->uv, &l->interrupt);
	uv_signal_start(&l->term, on_signal, SIGTERM);
	uv_signal_start(&l->interrupt, on_signal, SIGINT);
	*ret = l;
	return 0;
}

static void
on_word(uv_signal_t *s, int number)
{
	struct loop *l = s->data;

	(void)number;
	l->on_word(l->word_ctx);
}

void
loop_on_word(struct loop *l, void (*fn)(void *ctx), void *ctx)
{
	l->on_word = fn;
	l->word_ctx = ctx;
	l->word.data = l;
	uv_signal_init(&l->uv, &l->word);
	uv_signal_start(&l->word, on_word, SIGUSR1);
}

uv_loop_t *
loop_uv(struct loop *l)
{
	return &l->uv;
}

void
loop_run(struct loop *l)
{
	uv_run(&l->uv, UV_RUN_DEFAULT);
}

void
loop_stop(struct loop *l)
{
	uv_stop(&l->uv);
}

static void
close_left(uv_handle_t *h, void *ctx)
{
	(void)ctx;
	if (!uv_is_closing(h))
		uv_close(h, NULL);
}

void
loop_end_workers(struct loop *l)
{
	for (struct worker *w = l->workers; w != NULL; w = w->next)
		loop_worker_cancel(w);
	while (l->workers != NULL && uv_run(&l->uv, UV_RUN_ONCE) != 0)
		;
}

void
loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	loop_end_workers(l);
	uv_walk(&l->uv, close_left, NULL);
	while (uv_run(&l->uv, UV_RUN_DEFAULT) != 0)
		;
	uv_loop_close(&l->uv);
	for (struct put_off *p = l->put_off, *next; p != NULL; p = next) {
		next = p->next;
		p->fn(p->ctx);
		mem_free(&p);
	}
	mem_free(&l);
}

void
loop_put_off(struct loop *l, void (*fn)(void *ctx), void *ctx)
{
	struct put_off *p = mem_alloc(sizeof(*p));

	*p = (struct put_off){l->put_off, fn, ctx};
	l->put_off = p;
}

struct loop_measure
loop_measure_begin(struct loop *l, const char *name)
{
	return (struct loop_measure){l, name, clock_mono_ns()};
}

void
loop_measure_end(struct loop_measure *m)
{
	int64_t ns = clock_mono_ns() - m->started_ns;

	m->l->figures.callbacks++;
	m->l->figures.busy_ns += ns;
	if (ns > m->l->figures.longest_ns) {
		m->l->figures.longest_ns = ns;
		m->l->figures.longest_name = m->name;
	}
}

struct loop_figures
loop_figures(const struct loop *l)
{
	return l->figures;
}

static void
on_timer(uv_timer_t *uv)
{
	struct loop_timer *t = uv->data;
	LOOP_MEASURE(t->l, t->name);

	t->fn(t->ctx);
}

struct loop_timer *
loop_timer_new(struct loop *l, const char *name, void (*fn)(void *ctx), void *ctx)
{
	struct loop_timer *t = mem_alloc(sizeof(*t));

	*t = (struct loop_timer){.l = l, .name = name, .fn = fn, .ctx = ctx};
	uv_timer_init(&l->uv, &t->uv);
	t->uv.data = t;
	return t;
}

void
loop_timer_set(struct loop_timer *t, int64_t ms)
{
	if (ms < 0) {
		uv_timer_stop(&t->uv);
		return;
	}
	uv_update_time(&t->l->uv);
	uv_timer_start(&t->uv, on_timer, (uint64_t)ms, 0);
}

static void
timer_closed(uv_handle_t *h)
{
	struct loop_timer *t = h->data;

	mem_free(&t);
}

void
loop_timer_free(struct loop_timer *t)
{
	if (t != NULL)
		uv_close((uv_handle_t *)&t->uv, timer_closed);
}

/* Forward: the pieces of a worker's life, in the order they happen. */
static void worker_try_end(struct worker *w);

static void
worker_closed(uv_handle_t *h)
{
	struct worker *w = h->data;

	if (--w->open > 0)
		return;
	if (w->next != NULL)
		w->next->prev = w->prev;
	if (w->prev != NULL)
		w->prev->next = w->next;
	else
		w->l->workers = w->next;
	w->l->figures.workers_running -= w->spare ? 0 : 1;
	buf_release(&w->line);
	buf_release(&w->err_line);
	mem_free(&w->job);
	mem_free(&w->session);
	mem_free(&w);
}

static void
close_handle(void *handle)
{
	if (!uv_is_closing(handle))
		uv_close(handle, worker_closed);
}

static void
on_idle_long(uv_timer_t *t)
{
	struct worker *w = t->data;

	close_handle(&w->in); /* the end of its input ends it */
	w->idle = false;
	w->events = (struct worker_events){0};
}

/* The job has ended, the worker stays for the next one. */
static void
worker_rest(struct worker *w)
{
	struct worker_events events = w->events;
	struct err end = w->end;

	if (w->session == NULL || w->cancelled || uv_is_closing((uv_handle_t *)&w->in))
		return;
	if (w->broken || w->job != NULL) { /* not to be trusted with another one: the end of its input ends it */
		close_handle(&w->in);
		return;
	}
	w->events = (struct worker_events){0};
	w->end = (struct err){0};
	w->idle = true;
	uv_update_time(&w->l->uv);
	uv_timer_start(&w->grace, on_idle_long, IDLE_MS, 0);
	if (events.on_end != NULL)
		events.on_end(events.ctx, &end, w->outside_ms);
}

static void
worker_record(struct worker *w, struct str line)
{
	/* Records are written with their type in front. */
	bool end = str_starts(line, STR("{\"type\":\"end\"")), error = str_starts(line, STR("{\"type\":\"error\""));
	AUTO(json_drop) json_t *rec = NULL;
	struct err e;

	if ((end || error) && json_read(line, "record", &rec, &e) != 0) {
		w->broken = true;
		return;
	}
	if (w->idle) /* nobody asked */
		return;
	if (end) {
		w->ended = true;
		w->outside_ms = json_int(rec, "outside_ms", 0);
		worker_rest(w);
	} else if (error) {
		w->ended = true;
		(void)fail(&w->end, err_kind_of(json_str(rec, "kind", NULL)), "%s",
		    json_str(rec, "message", "no reason was given"));
		worker_rest(w);
	} else if (w->events.on_record != NULL && !w->cancelled) {
		w->events.on_record(w->events.ctx, line);
	}
}

static void
take(struct worker *w, struct buf *b, struct str bytes, void (*line)(struct worker *w, struct str line))
{
	size_t used = 0;
	const char *nl;

	buf_str(b, bytes);
	while ((nl = memchr(b->p + used, '\n', b->n - used)) != NULL) {
		line(w, (struct str){b->p + used, (size_t)(nl - b->p) - used});
		used = (size_t)(nl - b->p) + 1;
	}
	buf_drop(b, used);
}

static void
worker_said(struct worker *w, struct str line)
{
	struct str prefix = STR("ekaci: ");

	if (str_starts(line, prefix))
		line = str_from(line, prefix.n);
	log_info("worker %s: " STR_FMT, w->stage, STR_ARG(str_utf8_head(line, 1500)));
}

static void
on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *ret)
{
	static char chunk[65536];

	(void)h;
	(void)suggested;
	*ret = uv_buf_init(chunk, sizeof(chunk));
}

static void
on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
	struct worker *w = s->data;
	LOOP_MEASURE(w->l, w->stage);

	if (n == 0)
		return;
	if (n < 0) {
		uv_read_stop(s);
		close_handle(s);
		w->streams--;
		worker_try_end(w);
		return;
	}
	if (s == (uv_stream_t *)&w->channel) {
		take(w, &w->line, (struct str){b->base, (size_t)n}, worker_record);
		if (w->line.over && !w->broken) {
			w->broken = true;
			loop_worker_cancel(w);
		}
	} else {
		take(w, &w->err_line, (struct str){b->base, (size_t)n}, worker_said);
		if (w->err_line.over || w->err_line.n > 65536) {
			buf_release(&w->err_line);
			buf_init(&w->err_line, 1 << 20);
		}
	}
}

static void
on_exit_status(uv_process_t *p, int64_t code, int number)
{
	struct worker *w = p->data;
	LOOP_MEASURE(w->l, w->stage);

	w->exited = true;
	w->idle = false;
	w->code = code;
	w->signal = number;
	uv_timer_stop(&w->grace);
	close_handle(&w->process);
	close_handle(&w->grace);
	close_handle(&w->in);
	worker_try_end(w);
}

/* Exactly once, when the process is reaped and both streams are at their end. */
static void
worker_try_end(struct worker *w)
{
	if (!w->exited || w->streams > 0 || w->done)
		return;
	w->done = true;
	if (w->cancelled)
		(void)fail(&w->end, ERR_BUSY, "cancelled");
	else if (w->broken)
		(void)fail(&w->end, ERR_BUG, "stage %s wrote a record that cannot be read", w->stage);
	else if (!w->ended)
		(void)fail(&w->end, ERR_SYSTEM, "stage %s died (%s %d)", w->stage, w->signal != 0 ? "signal" : "code",
		    w->signal != 0 ? w->signal : (int)w->code);
	if (w->events.on_end != NULL)
		w->events.on_end(w->events.ctx, &w->end, w->outside_ms);
}

static void
on_written(uv_write_t *req, int status)
{
	struct worker *w = req->data;

	(void)status; /* a worker that does not read its job dies and says so itself */
	mem_free(&w->job);
	if (w->session == NULL)
		close_handle(&w->in);
}

static void
on_grace(uv_timer_t *t)
{
	struct worker *w = t->data;

	uv_kill(-w->process.pid, SIGKILL);
}

void
loop_worker_cancel(struct worker *w)
{
	if (w->cancelled || w->exited)
		return;
	w->cancelled = true;
	w->idle = false;
	uv_process_kill(&w->process, SIGTERM);
	uv_timer_start(&w->grace, on_grace, CANCEL_GRACE_MS, 0);
}

static int
spawn(struct worker *w, struct err *e)
{
	char *argv[] = {"ekaci", "worker", NULL};
	uv_stdio_container_t io[4] = {
	    {.flags = UV_CREATE_PIPE | UV_READABLE_PIPE, .data.stream = (uv_stream_t *)&w->in},
	    {.flags = UV_IGNORE},
	    {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&w->err},
	    {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&w->channel},
	};
	uv_process_options_t o = {.file = "/proc/self/exe",
	    .args = argv,
	    .exit_cb = on_exit_status,
	    .flags = UV_PROCESS_DETACHED,
	    .stdio = io,
	    .stdio_count = COUNT(io)};
	int rc = uv_spawn(&w->l->uv, &w->process, &o);

	if (rc != 0)
		return fail(e, ERR_SYSTEM, "cannot start a worker: %s", uv_strerror(rc));
	return 0;
}

/* A process that has not been told its stage; NULL with e filled when it cannot be started. */
static struct worker *
new_worker(struct loop *l, struct err *e)
{
	struct worker *w = mem_alloc(sizeof(*w));

	*w = (struct worker){.l = l, .stage = "spare", .streams = 2, .open = 5, .idle = true, .spare = true};
	buf_init(&w->line, MAX_RECORD_BYTES);
	buf_init(&w->err_line, 1 << 20);
	uv_pipe_init(&l->uv, &w->in, 0);
	uv_pipe_init(&l->uv, &w->channel, 0);
	uv_pipe_init(&l->uv, &w->err, 0);
	uv_timer_init(&l->uv, &w->grace);
	w->in.data = w->channel.data = w->err.data = w->process.data = w->write.data = w->grace.data = w;
	w->next = l->workers;
	if (l->workers != NULL)
		l->workers->prev = w;
	l->workers = w;
	if (spawn(w, e) != 0) {
		w->done = true;
		close_handle(&w->process);
		close_handle(&w->in);
		close_handle(&w->channel);
		close_handle(&w->err);
		close_handle(&w->grace);
		return NULL;
	}
	uv_read_start((uv_stream_t *)&w->channel, on_alloc, on_read);
	uv_read_start((uv_stream_t *)&w->err, on_alloc, on_read);
	return w;
}

static struct worker *
find_spare(struct loop *l)
{
	for (struct worker *w = l->workers; w != NULL; w = w->next)
		if (w->spare && w->idle && !uv_is_closing((uv_handle_t *)&w->in))
			return w;
	return NULL;
}

/* The dynamic linker takes several milliseconds for a worker, and while one stage runs nobody waits for that. */
static void
keep_spare(struct loop *l)
{
	struct err e;
	struct worker *w = find_spare(l) == NULL ? new_worker(l, &e) : NULL;

	if (w == NULL)
		return; /* whoever needs one next will be told */
	uv_update_time(&l->uv);
	uv_timer_start(&w->grace, on_idle_long, SPARE_MS, 0);
}

/* stage: the line before the job, for a worker that does not know it yet. */
static void
give_job(struct worker *w, const char *stage, struct str job)
{
	AUTO(buf_release) struct buf text;

	buf_init(&text, SIZE_MAX / 4);
	if (stage != NULL)
		buf_printf(&text, "%s\n", stage);
	buf_str(&text, job);
	buf_putc(&text, '\n');
	w->job = text.p;
	uv_buf_t b = uv_buf_init(w->job, (unsigned)text.n);
	text = (struct buf){0};
	uv_write(&w->write, (uv_stream_t *)&w->in, &b, 1, on_written);
}

int
loop_session_start(struct loop *l, const char *stage, const char *session, struct str job, const struct worker_events *events,
    struct worker **ret, struct err *e)
{
	for (struct worker *w = l->workers; w != NULL; w = w->next) {
		if (!w->idle || w->spare || strcmp(w->stage, stage) != 0 || strcmp(w->session, session) != 0)
			continue;
		w->idle = w->ended = false;
		w->events = *events;
		uv_timer_stop(&w->grace);
		give_job(w, NULL, job);
		*ret = w;
		return 0;
	}
	if (loop_worker_start(l, stage, job, events, ret, e) != 0)
		return -1;
	(*ret)->session = mem_alloc(strlen(session) + 1);
	memcpy((*ret)->session, session, strlen(session) + 1);
	return 0;
}

int
loop_worker_start(struct loop *l, const char *stage, struct str job, const struct worker_events *events, struct worker **ret,
    struct err *e)
{
	struct worker *w = find_spare(l);

	if (w == NULL)
		w = new_worker(l, e);
	if (w == NULL)
		return fail_in(e, "stage %s", stage);
	uv_timer_stop(&w->grace);
	w->stage = stage;
	w->events = *events;
	w->idle = w->spare = false;
	l->figures.workers_running++;
	l->figures.workers_started++;
	give_job(w, stage, job);
	keep_spare(l);
	*ret = w;
	return 0;
}
