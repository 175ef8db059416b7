/*
 * conflicts - pull requests that are in conflict with their base, until that is gone.
 *
 * What cannot be merged is compared by itself (changeset/merge.h), and its report says so. A push to its base may end that, and
 * no event tells it: so after one the forge is asked, one pull request at a time, whether it merges by now, and when it does it is compared
 * anew. The newest MAX of a push are asked for; the others are with their next push.
 */
#ifndef EKACI_BOT_CONFLICTS_H
#define EKACI_BOT_CONFLICTS_H

#include "bot/parts.h"
#include "walk/flow.h"

struct conflicts;
struct conflicts *conflicts_new(const struct bot_parts *parts, struct flow *flow);
/* A branch has moved; in the transaction that notes it. */
must_check int conflicts_base_moved(struct conflicts *c, int64_t repository, const char *branch, struct err *e);
void conflicts_free(struct conflicts *c); /* NULL is fine */

#endif
