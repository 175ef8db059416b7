/*
 * wire - the bytes of Nix' worker protocol: numbers of eight bytes, the lowest first, and texts with their length before and
 * padding behind. What they mean is session.c's.
 *
 * Reading and writing block, within three limits: a time for all, a time in which nothing comes, and a length of one text. SIGTERM
 * ends the wait, too. When one is passed, or the peer goes away, the wire is broken for good, and says by what; its functions give
 * 0, or -1 then. What the peer prints to standard error goes to ours.
 */
#ifndef EKACI_NIX_WIRE_H
#define EKACI_NIX_WIRE_H

#include "support/base/str.h"
#include "support/os/child.h"

enum wire_end { WIRE_OPEN, WIRE_DIED, WIRE_SILENT, WIRE_TIMED_OUT, WIRE_TOO_LONG, WIRE_CANCELLED };

struct wire {
	struct child_talk talk; /* does not block; -1 where there is nothing */
	struct buf in;
	size_t at; /* of `in`, read already */
	enum wire_end end;
	int64_t wall_at, silence_ms, heard_ms;
	size_t max_text;
};

void wire_init(struct wire *w);
void wire_close(struct wire *w);
/* From now on: all within wall_ms, a sign of life each silence_ms. */
void wire_limits(struct wire *w, int64_t wall_ms, int64_t silence_ms, size_t max_text);
/* Breaks it, unless it is broken; -1. For the reader of a message that makes no sense. */
int wire_fail(struct wire *w, enum wire_end end);

must_check int wire_number(struct wire *w, uint64_t *ret);
/* The text lives until the next read. */
must_check int wire_text(struct wire *w, struct str *ret);

/* A message is put together, then sent. */
void wire_put_number(struct buf *b, uint64_t v);
void wire_put_text(struct buf *b, const char *text);
must_check int wire_send(struct wire *w, const struct buf *b);

#endif
