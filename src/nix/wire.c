/* Numbers and texts of the worker protocol, to and from a peer that may be slow, silent or hostile. */
#include "nix/wire.h"

#include "support/base/clock.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum { LOOK_MS = 500 /* between two looks at the clock */ };

void
wire_init(struct wire *w)
{
	*w = (struct wire){.talk = {.in = -1, .out = -1, .err = -1}};
	buf_init(&w->in, SIZE_MAX / 4); /* wire_text bounds what is asked for */
}

void
wire_close(struct wire *w)
{
	fd_close(&w->talk.in);
	fd_close(&w->talk.out);
	fd_close(&w->talk.err);
	buf_release(&w->in);
}

void
wire_limits(struct wire *w, int64_t wall_ms, int64_t silence_ms, size_t max_text)
{
	w->heard_ms = clock_mono_ms();
	w->wall_at = w->heard_ms + wall_ms;
	w->silence_ms = silence_ms;
	w->max_text = max_text;
}

int
wire_fail(struct wire *w, enum wire_end end)
{
	if (w->end == WIRE_OPEN)
		w->end = end;
	return -1;
}

/* Waits for the peer; 0 when something may have come. */
static int
wait_for(struct wire *w, short out_events)
{
	struct pollfd p[3] = {{.fd = w->talk.out, .events = POLLIN}, {.fd = w->talk.err, .events = POLLIN},
	    {.fd = out_events != 0 ? w->talk.in : -1, .events = out_events}};
	char chunk[4096];

	if (child_cancelled())
		return wire_fail(w, WIRE_CANCELLED);
	int n = poll(p, COUNT(p), LOOK_MS);
	if (n < 0 && errno != EINTR)
		return wire_fail(w, WIRE_DIED);
	int64_t now = clock_mono_ms();
	if (n > 0 && p[1].revents != 0) { /* beside the protocol: for the operator */
		ssize_t got = read(w->talk.err, chunk, sizeof(chunk));
		if (got > 0 && write(2, chunk, (size_t)got) < 0)
			return wire_fail(w, WIRE_DIED);
		if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
			fd_close(&w->talk.err);
	}
	if (n > 0 && p[0].revents != 0)
		w->heard_ms = now;
	if (now > w->wall_at)
		return wire_fail(w, WIRE_TIMED_OUT);
	if (now - w->heard_ms > w->silence_ms)
		return wire_fail(w, WIRE_SILENT);
	return 0;
}

/* Forgets what has been read. */
static void
drop_read(struct wire *w)
{
	buf_drop(&w->in, w->at);
	w->at = 0;
}

/* At least n bytes unread in w->in. */
static int
need(struct wire *w, size_t n)
{
	char chunk[65536];

	if (w->at > 0 && w->in.n == w->at)
		drop_read(w);
	while (w->in.n - w->at < n) {
		ssize_t got = read(w->talk.out, chunk, sizeof(chunk));
		if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
			return wire_fail(w, WIRE_DIED);
		if (got < 0) {
			if (wait_for(w, 0) != 0)
				return -1;
			continue;
		}
		if (w->at > sizeof(chunk))
			drop_read(w);
		buf_add(&w->in, chunk, (size_t)got);
	}
	/* A flood that keeps us from waiting does not keep us from the clock. */
	w->heard_ms = clock_mono_ms();
	if (child_cancelled())
		return wire_fail(w, WIRE_CANCELLED);
	return w->heard_ms > w->wall_at ? wire_fail(w, WIRE_TIMED_OUT) : 0;
}

int
wire_number(struct wire *w, uint64_t *ret)
{
	uint64_t v = 0;

	if (need(w, 8) != 0)
		return -1;
	for (size_t i = 8; i-- > 0;)
		v = v << 8 | (unsigned char)w->in.p[w->at + i];
	w->at += 8;
	*ret = v;
	return 0;
}

int
wire_text(struct wire *w, struct str *ret)
{
	uint64_t n;

	if (wire_number(w, &n) != 0)
		return -1;
	if (n > w->max_text)
		return wire_fail(w, WIRE_TOO_LONG);
	if (need(w, (size_t)(n + 7) / 8 * 8) != 0)
		return -1;
	*ret = (struct str){w->in.p + w->at, (size_t)n};
	w->at += (size_t)(n + 7) / 8 * 8;
	return 0;
}

void
wire_put_number(struct buf *b, uint64_t v)
{
	for (int i = 0; i < 8; i++, v >>= 8)
		buf_putc(b, (char)(v & 0xff));
}

void
wire_put_text(struct buf *b, const char *text)
{
	size_t n = strlen(text);

	wire_put_number(b, n);
	buf_puts(b, text);
	for (; n % 8 != 0; n++)
		buf_putc(b, '\0');
}

int
wire_send(struct wire *w, const struct buf *b)
{
	for (size_t done = 0; done < b->n;) {
		ssize_t n = write(w->talk.in, b->p + done, b->n - done);
		if (n > 0)
			done += (size_t)n;
		else if (errno != EAGAIN && errno != EINTR)
			return wire_fail(w, WIRE_DIED);
		else if (wait_for(w, POLLOUT) != 0)
			return -1;
	}
	return 0;
}
