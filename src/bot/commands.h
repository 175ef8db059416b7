/*
 * commands - what people ask for in comments and with buttons, and the operator on the machine.
 *
 * Commands are rows (store/run.h) that bot/deliveries.c and cli/operate.c write. One at a time of an installation is taken: GitHub is asked what its
 * author may do, then it is done and answered with a reaction, and with a reply where there is something to say.
 */
#ifndef EKACI_BOT_COMMANDS_H
#define EKACI_BOT_COMMANDS_H

#include "bot/parts.h"
#include "walk/flow.h"

struct obey;
struct obey *obey_new(const struct bot_parts *parts, struct flow *flow);
/* There may be a command. */
void obey_kick(struct obey *o);
void obey_free(struct obey *o);

#endif
