/*
 * parts - what the modules of the bot share. The daemon owns all of it.
 */
#ifndef EKACI_BOT_PARTS_H
#define EKACI_BOT_PARTS_H

#include "config/config.h"
#include "forge/forge.h"
#include "support/os/loop.h"
#include "web/web.h"

struct bot_parts {
	struct loop *loop;
	struct store *store;
	const struct settings *settings;
	struct sender *sender;
	const struct web *web; /* for addresses of pages */
};

#endif
