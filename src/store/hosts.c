/* Hosts as rows, and their numbers in ids. */
#include "store/hosts.h"

#include "store/db.h"
#include "support/base/clock.h"

bool
host_may_be(int64_t theirs)
{
	return theirs > 0 && theirs >> HOST_BITS == 0;
}

int64_t
host_id(int64_t number, int64_t theirs)
{
	return theirs != 0 ? number << HOST_BITS | theirs : 0;
}

int64_t
host_of(int64_t id)
{
	return id >> HOST_BITS;
}

int64_t
host_theirs(int64_t id)
{
	return id & ((INT64_C(1) << HOST_BITS) - 1);
}

static int
name_one(struct store *s, struct store_host *h, int64_t now, struct err *e)
{
	if (db_run(s, e,
	        "INSERT INTO host (number, name, since) SELECT max(number) + 1, ?1, ?2 FROM host WHERE true ON CONFLICT (name) DO NOTHING",
	        "si", h->name, now) != 0 ||
	    db_run(s, e, "UPDATE host SET api = ?2 WHERE name = ?1", "ss", h->name, h->api) != 0 ||
	    db_int(s, &h->number, e, "SELECT number FROM host WHERE name = ?1", "s", h->name) != 0)
		return -1;
	if (h->number > HOST_MOST)
		return fail(e, ERR_INPUT, "[[github]] name \"%s\": there were %d hosts already, and each keeps its number",
		    h->name, HOST_MOST + 1);
	return 0;
}

/* A host that comes or goes is one that was heard of until now. */
static int
name_all(struct store *s, struct store_host *all, size_t n, struct err *e)
{
	int64_t now = clock_now_ms();

	if (db_run(s, e, "UPDATE host SET named = -named", "") != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (name_one(s, &all[i], now, e) != 0 ||
		    db_run(s, e, "UPDATE host SET since = CASE named WHEN 0 THEN ?2 ELSE since END, named = 1 WHERE name = ?1",
		        "si", all[i].name, now) != 0)
			return -1;
	return db_run(s, e, "UPDATE host SET named = 0, since = ?1 WHERE named < 0", "i", now);
}

int
store_hosts_name(struct store *s, struct store_host *all, size_t n, struct err *e)
{
	if (store_begin(s, e) != 0)
		return -1;
	return store_end(s, name_all(s, all, n, e), e);
}
