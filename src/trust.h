/*
 * trust - what whose change may: all such decisions, pure functions of the settings, the run and its pull request.
 *
 * A branch's own commits and the merge queue come from people who can push. A pull request from a branch of the repository
 * does, too; one from a fork is trusted when its author is a member or named in [trust] authors. An approval is of one head.
 */
#ifndef EKACI_TRUST_H
#define EKACI_TRUST_H

#include "config.h"
#include "store/run.h"

enum trust {
	TRUST_OWN,     /* a branch by itself: what all others start from */
	TRUST_MEMBERS, /* theirs, or approved by one */
	TRUST_NOBODY
};

/* pr: zeros for a run of no pull request. */
enum trust trust_of(const struct settings *c, const struct run *r, const struct pull_request *pr);
/* Why it must not be evaluated, or what it rebuilds not be built, by itself; for people, NULL when it may. */
const char *trust_holds_evaluation(const struct settings *c, const struct run *r, const struct pull_request *pr);
const char *trust_holds_builds(const struct settings *c, const struct run *r, const struct pull_request *pr);
/* Whether what was built for it goes to the binary caches: here an approval is not enough, [cache] refs decides. */
bool trust_shares(const struct settings *c, const struct run *r, const struct pull_request *pr);
/* Whether an App, by its login, is one that the operator named: those have no permission that GitHub could be asked for. */
bool trust_obeys_bot(const struct settings *c, const char *login);

#endif
