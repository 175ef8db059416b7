/*
 * standing - the check that stands on a commit.
 *
 * GitHub shows checks by commit, whatever pull requests it is the head of. So of all open ones of that head the worst is
 * shown, and whose it is: a failure first, then what is not finished (nothing is green before all are), then the worst of
 * what is. Each one's own report stays whole on its page. With [report] statuses the commit has a status beside each check, which says
 * the same.
 *
 * A check of one attribute (report/attribute_checks.h) is the worst of those that say something of the attribute. One that nobody
 * tells of any more is concluded: what its commit is worth is what the two of the whole say.
 */
#ifndef EKACI_BOT_STANDING_H
#define EKACI_BOT_STANDING_H

#include "bot/parts.h"
#include "store/desired.h"

#define STANDING_NO_MORE "nothing is said of this any more"
#define STANDING_NO_MORE_WORDS \
	"The newest report of this commit has no check of this name. What it says is in the check `ekaci / rebuilds`."

/* Whether it is the name of one of the two checks that every run has. */
bool standing_is_whole(const char *name);
/* A run says what it alone would have. It is kept, and what should stand is wanted anew. */
must_check int standing_told(const struct bot_parts *p, const struct desired_repository *to, int64_t run,
    const struct wish_check *own, struct err *e);
/* The run has told what it has to say of its head: `told` are the checks of attributes that it has. Others that were its own, or that nobody
 * tells of, are concluded as `last` says (its conclusion, title, summary); compared: also those of its own that are concluded. */
struct standing_last {
	int64_t run;
	const char *head;
	const struct texts *told;
	bool compared;
	const struct wish_check *last;
};
must_check int standing_left(const struct bot_parts *p, const struct desired_repository *to, const struct standing_last *is,
    struct err *e);
/* Who has the head has changed: a pull request was closed, has another head, or has nothing to say. */
must_check int standing_changed(const struct bot_parts *p, const struct desired_repository *to, const char *head,
    struct err *e);

#endif
