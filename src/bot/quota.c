/* How many commands one person may give. */
#include "bot/quota.h"

#include "store/people.h"
#include "support/base/clock.h"
#include "support/base/log.h"
#include "walk/trust.h"

#include <string.h>

enum { HOUR_MS = 3600 * 1000, TIMES = 10 /* as many for those with rights */ };

static int
asked(const struct bot_parts *p, int64_t repository, const char *login, int64_t *ret, struct err *e)
{
	return store_people_asked(p->store, repository, login, clock_now_ms() - HOUR_MS, ret, e);
}

/* What is known of somebody's rights, without asking. */
static int
has_rights(const struct bot_parts *p, const struct quota_of *of, bool *ret, struct err *e)
{
	struct arena a = {0};
	const char *may = NULL;
	int rc = 0;

	*ret = event_is_member(of->association) || trust_obeys_bot(p->settings, of->repository, of->login);
	if (!*ret) {
		rc = store_people_told(p->store, &a, of->repository, of->login, clock_now_ms() - 24 * HOUR_MS, &may, e);
		*ret = rc == 0 && may != NULL && trust_may_write(may);
	}
	arena_release(&a);
	return rc;
}

/* Nobody looked at them within the hour. */
static int
is_unknown(const struct bot_parts *p, const struct quota_of *of, bool *ret, struct err *e)
{
	struct arena a = {0};
	const char *may = NULL;
	int rc = store_people_told(p->store, &a, of->repository, of->login, clock_now_ms() - HOUR_MS, &may, e);

	*ret = may == NULL;
	arena_release(&a);
	return rc;
}

int
quota_see(const struct bot_parts *p, const struct quota_of *of, enum quota *ret, struct err *e)
{
	int64_t limit = p->settings->trust.commands_an_hour, n = 0;
	bool rights = false, unknown = false;

	*ret = QUOTA_LEFT;
	if (limit == 0)
		return 0;
	if (asked(p, of->repository, of->login, &n, e) != 0)
		return -1;
	if (n < limit)
		return 0;
	if (has_rights(p, of, &rights, e) != 0 || (of->asks_leave && is_unknown(p, of, &unknown, e) != 0))
		return -1;
	if (rights)
		limit *= TIMES;
	if (n < limit || unknown)
		return 0;
	*ret = n == limit ? QUOTA_REACHED : QUOTA_OVER;
	if (*ret == QUOTA_REACHED)
		log_info("%s gave more than %lld commands within an hour", of->login, (long long)limit);
	return 0;
}

bool
quota_is_over(const struct bot_parts *p, int64_t repository, const char *login)
{
	int64_t limit = p->settings->trust.commands_an_hour, n = 0;
	struct err e;

	if (limit == 0)
		return false;
	if (asked(p, repository, login, &n, &e) != 0) {
		log_err(LOG_ERROR, "command", &e);
		return false;
	}
	return n > limit;
}
