/* An operator's word becomes a row. */
#include "walk/giving.h"

#include "store/overview.h"
#include "store/run.h"
#include "walk/trust.h"

#include <inttypes.h>

/* What is approved is what the operator was shown or named, whatever is pushed meanwhile. */
static int
check_head(const struct order *o, const struct pull_request *pr, struct err *e)
{
	const struct approval named = {.word = o->head, .said = INT64_MAX};
	enum approval_is is = o->head != NULL ? trust_approval(&named, pr, 0) : APPROVAL_GOOD;

	if (is == APPROVAL_NONSENSE)
		return fail(e, ERR_INPUT, "%.80s is not the name of a commit, or less than 7 digits of it", o->head);
	if (is != APPROVAL_GOOD)
		return fail(e, ERR_INPUT, "%.80s is not the head of %.200s/%.200s#%" PRId64 ", which is %s", o->head, o->owner,
		    o->repository, o->number, pr->head);
	return 0;
}

static int
find_pull(struct store *s, struct arena *a, const struct order *o, struct view_repository *repo, struct order_given *ret,
    struct err *e)
{
	struct pull_request pr;

	if (view_repository(s, a, o->owner, o->repository, repo, e) != 0)
		return -1;
	int rc = store_pull_get(s, a, repo->id, o->number, &pr, e);
	if (rc != 0)
		return rc < 0 ? -1
		              : fail(e, ERR_ABSENT, "nothing is known of %.200s/%.200s#%" PRId64, o->owner, o->repository,
		                    o->number);
	ret->number = o->number;
	ret->head = pr.head;
	return check_head(o, &pr, e);
}

static int
find_run(struct store *s, struct arena *a, const struct order *o, struct view_repository *repo, struct order_given *ret,
    struct err *e)
{
	struct view_run r;

	if (view_run(s, a, o->run, &r, e) != 0)
		return e->kind == ERR_ABSENT ? fail(e, ERR_ABSENT, "there is no run %" PRId64, o->run) : -1;
	*repo = r.repository;
	ret->number = r.number;
	return 0;
}

int
order_give(struct store *s, struct arena *a, const struct order *o, struct order_given *ret, struct err *e)
{
	struct view_repository repo;

	*ret = (struct order_given){.verb = o->verb};
	if ((o->run != 0 ? find_run(s, a, o, &repo, ret, e) : find_pull(s, a, o, &repo, ret, e)) != 0)
		return -1;
	const struct store_command c = {.repository = repo.id,
	    .number = ret->number,
	    .operator= true,
	    .login = "the operator",
	    .verb = o->verb,
	    .words = o->words,
	    .head = ret->head};
	ret->repository = fields_clean(a, str_of(arena_printf(a, "%s/%s", repo.owner, repo.name)));
	return store_command_add(s, &c, e);
}
