/*
 * teams - whether the author of a pull request is in a team that the settings trust.
 *
 * Asked when a run begins and it matters (walk/trust.h), and written down with the pull request. An answer is kept for some minutes. A team
 * that cannot be read trusts nobody, which is logged once; a forge that does not answer is asked again later, with the run.
 */
#ifndef EKACI_BOT_TEAMS_H
#define EKACI_BOT_TEAMS_H

#include "bot/parts.h"

struct teams;
struct teams *teams_new(const struct bot_parts *parts);
/* Calls done once, now or later: why is NULL when it is known and written down, or not needed; ERR_BUSY or ERR_SYSTEM: ask again later. */
typedef void teams_done(void *ctx, const struct err *why);
void teams_ask(struct teams *t, const struct repository *of, int64_t number, teams_done *done, void *ctx);
/* Those who are asking at the forge are told by send_stop, before it. */
void teams_free(struct teams *t); /* NULL is fine */

#endif
