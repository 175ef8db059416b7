/*
 * push - what was built for refs that the operator trusts goes to binary caches.
 *
 * Rows (store/pushes.h) say what; one worker at a time copies a batch, running the stage `push`. A copy that fails is made
 * again, with delays that grow up to an hour, for MAX_ATTEMPTS; nothing waits for it and no report speaks of it. The
 * outputs are held by the GC roots of their builds meanwhile; one that is gone all the same is passed over.
 */
#ifndef EKACI_QUEUE_PUSH_H
#define EKACI_QUEUE_PUSH_H

#include "config/config.h"
#include "store/store.h"
#include "support/os/loop.h"

struct push;

struct push *push_new(struct loop *l, struct store *s, const struct settings *settings);
/* What a finished run built is to be copied; within the caller's transaction. */
must_check int push_run(struct push *p, int64_t run, struct err *e);
void push_kick(struct push *p);
void push_free(struct push *p);

#endif
