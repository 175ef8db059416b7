/*
 * standing - the check that stands on a commit.
 *
 * GitHub shows checks by commit, whatever pull requests it is the head of. So of all open ones of that head the worst is
 * shown, and whose it is: a failure first, then what is not finished (nothing is green before all are), then the worst of
 * what is. Each one's own report stays whole on its page. With [report] statuses the commit has a status beside each check, which says
 * the same.
 */
#ifndef EKACI_BOT_STANDING_H
#define EKACI_BOT_STANDING_H

#include "bot/parts.h"
#include "store/desired.h"

/* A run says what it alone would have. It is kept, and what should stand is wanted anew. */
must_check int standing_told(const struct bot_parts *p, const struct desired_repository *to, int64_t run,
    const struct wish_check *own, struct err *e);
/* Who has the head has changed: a pull request was closed, has another head, or has nothing to say. */
must_check int standing_changed(const struct bot_parts *p, const struct desired_repository *to, const char *head,
    struct err *e);

#endif
