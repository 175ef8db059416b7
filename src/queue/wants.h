/*
 * wants - the two sides of a build in the queue: the runs and pull requests that want it, and the class of machines that it wants.
 * Each is made when it is first named and belongs to the queue. Private to the queue.
 */
#ifndef EKACI_QUEUE_WANTS_H
#define EKACI_QUEUE_WANTS_H

#include "queue/items.h"

/* The class of a system and required features (a JSON array of text, none where it cannot be read). */
struct class *wants_class(struct queue *q, const char *system, const char *features);
/* Finds the machines of a class anew. */
void wants_fit(struct queue *q, struct class *c);

struct pull *wants_pull(struct queue *q, int64_t repository, int64_t number);
/* The run, whose pull request takes over the given priority. Its open builds are the caller's to count. */
struct owner *wants_owner(struct queue *q, const struct queue_owner *o);
/* A run wants a build no more, or the build is gone; a run that wants nothing goes. */
void wants_leave(struct queue *q, struct owner *w, const struct item *it);
/* When there are many pull requests, those go that want nothing and whose share has faded. */
void wants_forget(struct queue *q);
void wants_free(struct queue *q);

#endif
