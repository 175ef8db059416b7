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
void intake_free(struct intake *in);

#endif
