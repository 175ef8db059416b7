/* libuv, dressed for one thread that only waits. */
#include "support/os/loop.h"

#include "support/base/clock.h"
#include "support/base/log.h"

#include <signal.h>
#include <string.h>

/* Something to do when the loop is over. */
struct put_off {
	struct put_off *next;
	void (*fn)(void *ctx);
	void *ctx;
};

struct loop {
	uv_loop_t uv;
	uv_signal_t term, interrupt;
	int signal; /* that stopped it, or 0 */
	struct caught {
		struct loop *l;
		uv_signal_t uv;
		void (*fn)(void *ctx);
		void *ctx;
	} word, hangup;
	void *guest;
	void (*end_guest)(void *guest);
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
	struct loop *l = s->data;

	l->signal = number;
	loop_stop(l);
}

int
loop_signal(const struct loop *l)
{
	return l->signal;
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
	signal(SIGHUP, SIG_IGN);
	l->term.data = l->interrupt.data = l;
	uv_signal_init(&l->uv, &l->term);
	uv_signal_init(&l->uv, &l->interrupt);
	uv_signal_start(&l->term, on_signal, SIGTERM);
	uv_signal_start(&l->interrupt, on_signal, SIGINT);
	*ret = l;
	return 0;
}

static void
on_heard(uv_signal_t *uv, int number)
{
	struct caught *h = uv->data;
	LOOP_MEASURE(h->l, number == SIGHUP ? "hangup" : "word");

	h->fn(h->ctx);
}

static void
hear(struct loop *l, struct caught *h, int number, void (*fn)(void *ctx), void *ctx)
{
	h->l = l;
	h->fn = fn;
	h->ctx = ctx;
	h->uv.data = h;
	uv_signal_init(&l->uv, &h->uv);
	uv_signal_start(&h->uv, on_heard, number);
}

void
loop_on_word(struct loop *l, void (*fn)(void *ctx), void *ctx)
{
	hear(l, &l->word, SIGUSR1, fn, ctx);
}

void
loop_on_hangup(struct loop *l, void (*fn)(void *ctx), void *ctx)
{
	hear(l, &l->hangup, SIGHUP, fn, ctx);
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
loop_take_in(struct loop *l, void *guest, void (*end)(void *guest))
{
	l->guest = guest;
	l->end_guest = end;
}

void *
loop_guest(const struct loop *l)
{
	return l->guest;
}

void
loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	if (l->guest != NULL)
		l->end_guest(l->guest);
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
