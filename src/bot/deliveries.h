/*
 * deliveries - deliveries become rows: installations, pull requests, runs, commands.
 *
 * A delivery is parsed after it was answered, one transaction each: what it says and that it was read are written
 * together, so a crash between two deliveries loses and repeats nothing. Commands wait in rows of their own, for bot/commands.c.
 */
#ifndef EKACI_BOT_DELIVERIES_H
#define EKACI_BOT_DELIVERIES_H

#include "bot/parts.h"
#include "walk/flow.h"

struct intake;
struct intake *intake_new(const struct bot_parts *parts, struct flow *flow);
/* There may be deliveries or commands to read. */
void intake_kick(struct intake *in);
/* What an event leads to, whoever told it; in one transaction. */
must_check int intake_event(struct intake *in, const struct event *ev, struct err *e);
/* fn is told of installations that let us do more than before, in the transaction that notes it. */
typedef int intake_change_fn(void *ctx, int64_t installation, struct err *e);
void intake_on_change(struct intake *in, intake_change_fn *fn, void *ctx);
void intake_free(struct intake *in);

#endif
