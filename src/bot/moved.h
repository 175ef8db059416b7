/*
 * moved - where a branch is, asked of the forge when a push is told that does not follow on what is known.
 *
 * Pushes are told in any order, some never, and some again by whoever kept them. One that replaces the head we know of is the next.
 * Of any other nobody can say by itself whether it is older or newer, so the forge is asked for the branch: at once, and twice more
 * within a minute and a half, since its machines lag behind each other. A head that the branch had before counts only when it is the
 * one that the push told of. What is missed all the same the comparison finds (bot/reconcile.h).
 */
#ifndef EKACI_BOT_MOVED_H
#define EKACI_BOT_MOVED_H

#include "bot/parts.h"

struct moved;
/* fn is given a push from the head that is known to the one that the forge names. */
typedef int moved_tell_fn(void *ctx, const struct event *ev, struct err *e);

struct moved *moved_new(const struct bot_parts *parts, moved_tell_fn *fn, void *ctx);
void moved_free(struct moved *m); /* NULL is fine */
/* ev is a push of the repository's default branch. Nothing comes of it before this returns. */
void moved_ask(struct moved *m, const struct event *ev);

#endif
