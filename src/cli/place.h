/*
 * place - where the bot of this machine is, for the commands beside it; and by which way this user reaches it.
 *
 * Two ways. Whoever may read and write its database (root, the bot's own user) uses it, whether the bot runs or not. Whoever may not, but
 * may open the bot's socket (its group; bot/control.h), has the bot run the command. No secret is needed for either. Others are told
 * who may.
 */
#ifndef EKACI_CLI_PLACE_H
#define EKACI_CLI_PLACE_H

#include "config/config.h"
#include "store/store.h"

struct bot_place {
	const char *file; /* of the settings */
	struct settings c;
	const char *db;
	bool runs; /* a bot holds the state */
	int code;  /* when the bot has done it: its exit code */
};

/*
 * Finds it: given is --config's value or NULL. words are the command's (NULL-terminated, its name first), as they were given. 1: the
 * bot has run the command, place.code is its end. ERR_ABSENT: there is no bot's state here. Texts in a.
 */
must_check int place_find(struct arena *a, const char *given, char *const *words, struct bot_place *ret, struct err *e);
/* Wakes the bot, so that it sees a command in its database; false when none runs. */
bool place_wake(const struct bot_place *p);
/* Whether a bot holds the state in a folder, and which process that is (0: none). */
int64_t place_holder(const char *state_dir);

#endif
