/* Processes that are started before they are needed, told what to do, and kept while there may be more. */
#include "worker/pool.h"

#include "support/base/log.h"
#include "worker/ending.h"

#include <signal.h>
#include <string.h>

/* After CANCEL_GRACE_MS a worker that was told to end is killed; when the bot ends, after END_GRACE_MS: what it leaves is swept at the next
 * start, and who stops the bot waits. */
enum { CANCEL_GRACE_MS = 5000, END_GRACE_MS = 1000, IDLE_MS = 3000, SPARE_MS = 3000, MAX_RECORD_BYTES = 256 * 1024 * 1024 };

struct worker {
	struct pool *pool;
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

/* All workers of a loop. */
struct pool {
	struct loop *loop;
	struct worker *workers;
	struct workers_figures figures;
};

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
		w->pool->workers = w->next;
	w->pool->figures.running -= w->spare ? 0 : 1;
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
	uv_update_time(loop_uv(w->pool->loop));
	uv_timer_start(&w->grace, on_idle_long, IDLE_MS, 0);
	if (events.on_end != NULL)
		events.on_end(events.ctx, &end, w->outside_ms);
}

static void
worker_record(struct worker *w, struct str line)
{
	struct err end = {0}, e;
	int64_t outside_ms = 0;
	int last = ending_read(line, &end, &outside_ms, &e);

	if (last < 0)
		w->broken = true;
	if (last < 0 || w->idle) /* idle: nobody asked */
		return;
	if (last > 0) {
		w->ended = true;
		w->end = end;
		w->outside_ms = outside_ms;
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
	LOOP_MEASURE(w->pool->loop, w->stage);

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
			worker_cancel(w);
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
	LOOP_MEASURE(w->pool->loop, w->stage);

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
worker_cancel(struct worker *w)
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
	int rc = uv_spawn(loop_uv(w->pool->loop), &w->process, &o);

	if (rc != 0)
		return fail(e, ERR_SYSTEM, "cannot start a worker: %s", uv_strerror(rc));
	return 0;
}

/* A process that has not been told its stage; NULL with e filled when it cannot be started. */
static struct worker *
new_worker(struct pool *pool, struct err *e)
{
	struct worker *w = mem_alloc(sizeof(*w));
	uv_loop_t *uv = loop_uv(pool->loop);

	*w = (struct worker){.pool = pool, .stage = "spare", .streams = 2, .open = 5, .idle = true, .spare = true};
	buf_init(&w->line, MAX_RECORD_BYTES);
	buf_init(&w->err_line, 1 << 20);
	uv_pipe_init(uv, &w->in, 0);
	uv_pipe_init(uv, &w->channel, 0);
	uv_pipe_init(uv, &w->err, 0);
	uv_timer_init(uv, &w->grace);
	w->in.data = w->channel.data = w->err.data = w->process.data = w->write.data = w->grace.data = w;
	w->next = pool->workers;
	if (pool->workers != NULL)
		pool->workers->prev = w;
	pool->workers = w;
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
find_spare(const struct pool *pool)
{
	for (struct worker *w = pool->workers; w != NULL; w = w->next)
		if (w->spare && w->idle && !uv_is_closing((uv_handle_t *)&w->in))
			return w;
	return NULL;
}

/* The dynamic linker takes several milliseconds for a worker, and while one stage runs nobody waits for that. */
static void
keep_spare(struct pool *pool)
{
	struct err e;
	struct worker *w = find_spare(pool) == NULL ? new_worker(pool, &e) : NULL;

	if (w == NULL)
		return; /* whoever needs one next will be told */
	uv_update_time(loop_uv(pool->loop));
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

static void
end_all(void *guest)
{
	struct pool *pool = guest;

	for (struct worker *w = pool->workers; w != NULL; w = w->next) {
		worker_cancel(w);
		if (!w->exited)
			uv_timer_start(&w->grace, on_grace, END_GRACE_MS, 0);
	}
	while (pool->workers != NULL && uv_run(loop_uv(pool->loop), UV_RUN_ONCE) != 0)
		;
}

static void
release(void *ctx)
{
	struct pool *pool = ctx;

	mem_free(&pool);
}

static struct pool *
pool_of(struct loop *l)
{
	struct pool *pool = loop_guest(l);

	if (pool != NULL)
		return pool;
	pool = mem_alloc(sizeof(*pool));
	pool->loop = l;
	loop_take_in(l, pool, end_all);
	loop_put_off(l, release, pool);
	return pool;
}

void
workers_end(struct loop *l)
{
	end_all(pool_of(l));
}

struct workers_figures
workers_figures(const struct loop *l)
{
	const struct pool *pool = loop_guest(l);

	return pool != NULL ? pool->figures : (struct workers_figures){0};
}

int
worker_session_start(struct loop *l, const char *stage, const char *session, struct str job, const struct worker_events *events,
    struct worker **ret, struct err *e)
{
	for (struct worker *w = pool_of(l)->workers; w != NULL; w = w->next) {
		if (!w->idle || w->spare || strcmp(w->stage, stage) != 0 || strcmp(w->session, session) != 0)
			continue;
		w->idle = w->ended = false;
		w->events = *events;
		uv_timer_stop(&w->grace);
		give_job(w, NULL, job);
		*ret = w;
		return 0;
	}
	if (worker_start(l, stage, job, events, ret, e) != 0)
		return -1;
	(*ret)->session = mem_alloc(strlen(session) + 1);
	memcpy((*ret)->session, session, strlen(session) + 1);
	return 0;
}

int
worker_start(struct loop *l, const char *stage, struct str job, const struct worker_events *events, struct worker **ret,
    struct err *e)
{
	struct pool *pool = pool_of(l);
	struct worker *w = find_spare(pool);

	if (w == NULL)
		w = new_worker(pool, e);
	if (w == NULL)
		return fail_in(e, "stage %s", stage);
	uv_timer_stop(&w->grace);
	w->stage = stage;
	w->events = *events;
	w->idle = w->spare = false;
	pool->figures.running++;
	pool->figures.started++;
	give_job(w, stage, job);
	keep_spare(pool);
	*ret = w;
	return 0;
}
