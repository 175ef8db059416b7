/*
 * overlaps - open pull requests are compared with each other whenever one of them has changed, for pages (store/overlapped.h).
 *
 * One repository after the other, in a worker, and not at every word: what changes within two seconds is looked at together. Nothing
 * waits for it and nothing is lost by it: what is due stands in the database.
 */
#ifndef EKACI_BOT_OVERLAPS_H
#define EKACI_BOT_OVERLAPS_H

#include "bot/parts.h"

struct overlaps;
struct overlaps *overlaps_new(const struct bot_parts *parts);
/* Something may have changed; cheap when nothing has. */
void overlaps_look(struct overlaps *o);
void overlaps_free(struct overlaps *o); /* NULL is fine */

#endif
