/*
 * quota - how many commands one person may give within an hour: [trust] commands_an_hour. Private to this folder.
 *
 * What is counted are comments with commands and presses of buttons that were taken, whatever they ask. Members,
 * collaborators, bots that are named and those of whom the forge said within a day that they may write have ten times as many.
 */
#ifndef EKACI_BOT_QUOTA_H
#define EKACI_BOT_QUOTA_H

#include "bot/parts.h"

struct quota_of {
	int64_t repository;
	const char *login;
	const char *association; /* with the repository, or NULL: not told */
	bool asks_leave;         /* for something that not everybody may: who was never seen may be somebody who may */
};
enum quota {
	QUOTA_LEFT,
	QUOTA_REACHED, /* just now: that is shown, once */
	QUOTA_OVER     /* nothing is said and done */
};
must_check int quota_see(const struct bot_parts *p, const struct quota_of *of, enum quota *ret, struct err *e);
/* Whether somebody without any rights has given more than that already; false when it could not be told. */
bool quota_is_over(const struct bot_parts *p, int64_t repository, const char *login);

#endif
