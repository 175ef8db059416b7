/*
 * reconcile - nothing is lost: what stands at the forge is compared with what is known here.
 *
 * On start, when the forge can be reached again, when an installation is given or has changed (and once more a minute after each of
 * these, for a forge's machines lag behind each other), and every hour:
 *   1. deliveries that failed are asked for again, as far back as the forge keeps them (GitHub: three days);
 *   2. of each repository the pull requests that changed since the last time (the first time: all that are open), the default
 *      branch's head and the merge queue are read, with conditional requests where that can be. What differs becomes an event like
 *      any other (bot/deliveries.h), so that it has the effect it would have had in its time, and none twice;
 *   3. what the forge has refused is tried once more.
 * One request at a time. What cannot be asked now is asked a minute later, and then with growing delay.
 */
#ifndef EKACI_BOT_RECONCILE_H
#define EKACI_BOT_RECONCILE_H

#include "bot/deliveries.h"
#include "bot/parts.h"

struct reconcile;

struct reconcile *reconcile_new(const struct bot_parts *parts, struct intake *intake, struct flow *flow);
void reconcile_free(struct reconcile *c); /* NULL is fine */

/* Something has changed at an installation, in the transaction that notes it: what it did not let us do is tried again, and all of
 * it is compared. ctx: the struct reconcile. */
must_check int reconcile_changed(void *ctx, int64_t installation, struct err *e);
/* Lines of Prometheus' text format. */
void reconcile_metrics(const struct reconcile *c, struct buf *out);

#endif
