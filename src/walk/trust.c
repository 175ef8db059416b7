/* Whose change it is, and what that allows. */
#include "walk/trust.h"

#include "changeset/changeset.h"
#include "changeset/glob.h"
#include "store/hosts.h"

#include <string.h>
#include <strings.h>

/* Of the host that the repository is at: at another one the login may be anybody's. */
static bool
is_among(const struct settings *c, const struct texts *logins, int64_t repository, const char *login)
{
	for (size_t i = 0; login != NULL && i < logins->n; i++) {
		const char *here = config_at_host(c, host_of(repository), logins->p[i]);
		if (here != NULL && strcasecmp(here, login) == 0)
			return true;
	}
	return false;
}

static bool
has_teams(const struct settings *c, int64_t repository)
{
	for (size_t i = 0; i < c->trust.teams.n; i++)
		if (config_at_host(c, host_of(repository), c->trust.teams.p[i]) != NULL)
			return true;
	return false;
}

/* Anybody can ask for another one's fork to be taken: its owner could go on pushing to it. One that is gone says nothing of who
 * pushed what it had: it is whose it was, and nobody's when that was never told. */
static bool
is_own_fork(const struct settings *c, const struct pull_request *pr)
{
	return pr->head_owner != NULL && ((pr->author != NULL && strcasecmp(pr->head_owner, pr->author) == 0) ||
	                                     is_among(c, &c->trust.authors, pr->repository, pr->head_owner));
}

/* A fork's pull request whose author is neither a member, nor named in [trust] authors, nor in one of [trust] teams. */
static bool
is_outsider(const struct settings *c, const struct pull_request *pr)
{
	bool friend = event_is_member(pr->association) || is_among(c, &c->trust.authors, pr->repository, pr->author) ||
	              (has_teams(c, pr->repository) && pr->in_team);

	return pr->fork && !(friend && is_own_fork(c, pr));
}

bool
trust_asks_teams(const struct settings *c, const struct pull_request *pr)
{
	struct pull_request known = *pr;

	known.in_team = false;
	return has_teams(c, pr->repository) && pr->author != NULL && is_own_fork(c, pr) && is_outsider(c, &known);
}

static bool
is_approved(const struct run *r, const struct pull_request *pr)
{
	return r->approved || (pr->approved != NULL && strcmp(pr->approved, r->head) == 0);
}

enum trust
trust_of(const struct settings *c, const struct run *r, const struct pull_request *pr)
{
	if (r->number == RUN_OF_BRANCH)
		return TRUST_OWN;
	return r->number > 0 && !is_approved(r, pr) && is_outsider(c, pr) ? TRUST_NOBODY : TRUST_MEMBERS;
}

/* Whether somebody has to approve it, as [trust] approval says. What an outsider's change is kept from in its sandbox does not
 * depend on that. */
static bool
needs_approval(const struct settings *c, const struct run *r, const struct pull_request *pr)
{
	const char *whose = c->trust.approval;

	if (trust_of(c, r, pr) != TRUST_NOBODY || str_same(whose, "never"))
		return false;
	return !str_same(whose, "first-time") || !event_is_known(pr->association) || !is_own_fork(c, pr);
}

/* The patterns were looked at when the settings were read. */
static bool
matches(const struct texts *patterns, const char *branch)
{
	struct arena a = {0};
	struct glob_set set = {.a = &a};
	struct err ignored;

	for (size_t i = 0; i < patterns->n; i++)
		(void)!glob_set_add(&set, str_of(patterns->p[i]), &ignored);
	bool found = glob_set_first(&set, str_of(branch)) != GLOB_NONE;
	arena_release(&a);
	return found;
}

const char *
trust_waits(const struct settings *c, const struct pull_request *pr)
{
	if (pr->draft && strcmp(c->pull_requests.drafts, "wait") == 0)
		return "it is a draft";
	if (c->pull_requests.branches.n > 0 && !matches(&c->pull_requests.branches, pr->base_ref))
		return "pull requests onto this branch are left alone";
	return NULL;
}

bool
trust_has_skip_label(const struct settings *c, const struct event_labels *labels)
{
	const char *skip = c->pull_requests.skip_label;

	for (size_t i = 0; skip != NULL && skip[0] != '\0' && i < labels->n; i++)
		if (strcasecmp(labels->p[i], skip) == 0)
			return true;
	return false;
}

/* The merge queue and branches are evaluated whatever their messages say: others build on them. */
const char *
trust_unwanted(struct arena *a, const struct settings *c, const struct run *r, const struct pull_request *pr,
    const char *skip_word)
{
	const char *in_title = changeset_skip_word(str_of(pr->title));

	if (r->number <= 0 || r->force)
		return NULL;
	if (pr->skipped)
		return arena_printf(a, "the label %s", c->pull_requests.skip_label);
	if (!c->pull_requests.skip_words)
		return NULL;
	if (skip_word != NULL)
		return arena_printf(a, "%s in the head's message", skip_word);
	return in_title != NULL ? arena_printf(a, "%s in the title", in_title) : NULL;
}

const char *
trust_holds_evaluation(const struct settings *c, const struct run *r, const struct pull_request *pr)
{
	if (strcmp(c->trust.forks, "approve") != 0 || !needs_approval(c, r, pr))
		return NULL;
	return "the evaluation of an outside author's change waits for approval";
}

const char *
trust_holds_builds(const struct settings *c, const struct run *r, const struct pull_request *pr)
{
	if (!c->build.enabled)
		return "builds are switched off here";
	if (r->number == RUN_OF_BRANCH && !c->build.branches)
		return "branches are not built here";
	if (r->wide && !is_approved(r, pr))
		return "wide: builds wait for approval";
	if (strcmp(c->trust.forks, "build") != 0 && needs_approval(c, r, pr))
		return "builds of an outside author wait for approval";
	return NULL;
}

bool
trust_shares(const struct settings *c, const struct run *r, const struct pull_request *pr)
{
	return r->number <= 0 || (strcmp(c->cache.refs, "members") == 0 && !is_outsider(c, pr));
}

bool
trust_may_write(const char *permission)
{
	return permission != NULL && (strcmp(permission, "admin") == 0 || strcmp(permission, "write") == 0);
}

bool
trust_obeys_bot(const struct settings *c, int64_t repository, const char *login)
{
	return is_among(c, &c->trust.bots, repository, login);
}

/* GitHub tells whole seconds, so ours are cut to them. */
static int64_t
second(int64_t ms)
{
	return ms / 1000;
}

enum approval_is
trust_approval(const struct approval *a, const struct pull_request *pr, int64_t told)
{
	enum { SHORTEST = 7, WHOLE = 40 };

	if (a->head != NULL)
		return strcmp(a->head, pr->head) == 0 ? APPROVAL_GOOD : APPROVAL_OTHER;
	if (a->word != NULL) {
		size_t n = strlen(a->word);
		if (n < SHORTEST || n > WHOLE || strspn(a->word, "0123456789abcdefABCDEF") != n)
			return APPROVAL_NONSENSE;
		if (strncasecmp(a->word, pr->head, n) != 0)
			return APPROVAL_OTHER;
		if (n == WHOLE)
			return APPROVAL_GOOD;
	}
	if (pr->head_since == 0)
		return APPROVAL_GOOD;
	if (second(a->said) <= second(pr->head_since))
		return APPROVAL_UNSEEN;
	bool looked = a->said - pr->head_since >= TRUST_LOOK_MS || (told != 0 && second(a->said) > second(told));
	return looked ? APPROVAL_GOOD : APPROVAL_UNSEEN;
}
