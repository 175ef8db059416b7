/*
 * situation - how far a pull request is: the answer to `/ekaci status`. Private to this folder.
 *
 * One line that says it, and folded behind it what each check says, the builds, their place in the queue and how long they may take.
 */
#ifndef EKACI_BOT_SITUATION_H
#define EKACI_BOT_SITUATION_H

#include "bot/parts.h"
#include "walk/flow.h"

struct situation_of {
	const struct bot_parts *p;
	struct flow *flow;
	const struct repository *repo;
	const struct pull_request *pr; /* zeros when nothing is known of it */
	int64_t number;
};
/* Markdown, in a. */
const char *situation_text(struct arena *a, const struct situation_of *of);

#endif
