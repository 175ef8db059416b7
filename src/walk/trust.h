/*
 * trust - what whose change may: all such decisions, pure functions of the settings, the run and its pull request.
 *
 * A branch's own commits and the merge queue come from people who can push. A pull request from a branch of the repository
 * does, too; one from a fork is trusted when the fork is its author's own, and that is a member, named in [trust] authors, or in one
 * of [trust] teams. Whose changes wait for an approval besides is [trust] approval's. An approval is of one head.
 */
#ifndef EKACI_WALK_TRUST_H
#define EKACI_WALK_TRUST_H

#include "config/config.h"
#include "forge/event.h"
#include "store/run.h"

enum trust {
	TRUST_OWN,     /* a branch by itself: what all others start from */
	TRUST_MEMBERS, /* theirs, or approved by one */
	TRUST_NOBODY
};

/* pr: zeros for a run of no pull request. */
enum trust trust_of(const struct settings *c, const struct run *r, const struct pull_request *pr);
/* Whether it depends on the author's teams, which only the forge knows (bot/teams.h writes it down). */
bool trust_asks_teams(const struct settings *c, const struct pull_request *pr);
/* Why no event of it starts a run, NULL: they do. What somebody asks for in a command runs all the same. */
const char *trust_waits(const struct settings *c, const struct pull_request *pr);
/* Whether one of its labels is the one that says to leave it alone. */
bool trust_has_skip_label(const struct settings *c, const struct event_labels *labels);
/* Where its people wrote that nothing is to be done, for people; NULL: nowhere, or somebody asked for this run. skip_word: that
 * of the head's message, or NULL. */
const char *trust_unwanted(struct arena *a, const struct settings *c, const struct run *r, const struct pull_request *pr,
    const char *skip_word);
/* Why it must not be evaluated, or what it rebuilds not be built, by itself; for people, NULL when it may. */
const char *trust_holds_evaluation(const struct settings *c, const struct run *r, const struct pull_request *pr);
const char *trust_holds_builds(const struct settings *c, const struct run *r, const struct pull_request *pr);

/* What an approval says of itself: the whole name of a head where a button or the operator gave one, what followed the
 * command in a comment, and when that comment was written (GitHub's clock; 0: not known). */
struct approval {
	const char *head, *word; /* or NULL */
	int64_t said;
};
enum approval_is {
	APPROVAL_GOOD,   /* of the head that the pull request has */
	APPROVAL_OTHER,  /* of another one */
	APPROVAL_UNSEEN, /* its author cannot have looked at that head */
	APPROVAL_NONSENSE
};
/*
 * Whether an approval is of the head that the pull request has. Without a name it is of what its author could have seen: the
 * head that the pull request came with, or one that was pushed in an earlier second and that either was there for
 * TRUST_LOOK_MS or had its checks concluded in a second before. told: when those were, 0 for not yet. A name that is cut short can be had
 * by trying, of two commits at once, so it has to be that of the head and lets in nothing that no name would not.
 */
enum { TRUST_LOOK_MS = 10 * 1000 };
enum approval_is trust_approval(const struct approval *a, const struct pull_request *pr, int64_t told);

/* Whether a permission, as GitHub names it, is to write there; NULL: not. */
bool trust_may_write(const char *permission);
/* Whether what was built for it goes to the binary caches: here an approval is not enough, [cache] refs decides. */
bool trust_shares(const struct settings *c, const struct run *r, const struct pull_request *pr);
/* Whether an App, by its login at the repository's host, is one that the operator named: those have no permission that GitHub could be asked for. */
bool trust_obeys_bot(const struct settings *c, int64_t repository, const char *login);

#endif
