/* The SQL of whose something is, and of "something may be done for it at the forge": of a repository, and of an installation. Private
 * to this folder. */
#ifndef EKACI_STORE_SERVED_H
#define EKACI_STORE_SERVED_H

/* HOST_BITS of hosts.h. */
#define SQL_HOST_OF(id) "(" id " >> 44)"
#define SQL_UNNAMED(id) "EXISTS (SELECT 1 FROM host sh WHERE sh.number = " SQL_HOST_OF(id) " AND sh.named = 0)"

/* What we know nothing of is served: `ekaci diff` and tests have no rows. */
#define SQL_SERVED(repository, installation)                                                              \
	"(NOT EXISTS (SELECT 1 FROM repository so WHERE so.id = " repository " AND so.state <> 'active')" \
	" AND NOT EXISTS (SELECT 1 FROM installation si WHERE si.id = " installation                      \
	" AND si.state <> 'active') AND NOT " SQL_UNNAMED(repository) ")"

/* Of a wish (`desired`): something of it is to be sent; and may be written there. */
#define SQL_OPEN            "posted < generation AND given_up < generation"
#define SQL_OPEN_AND_SERVED SQL_OPEN " AND " SQL_SERVED("desired.repository", "desired.installation")
/* Whether a run is of a pull request that an App opened: their logins end so, and no person's can. */
#define SQL_OF_BOT(run)                                                                                       \
	"EXISTS (SELECT 1 FROM pull_request ab WHERE ab.repository = " run ".repository AND ab.number = " run \
	".number AND ab.author LIKE '%[bot]')"
/* In what order runs take their turn: the merge queue, people's pull requests, those of bots, branches; then what came first. */
#define SQL_TURN(run) run ".number >= 0, " run ".number = 0, " SQL_OF_BOT(run) ", " run ".id"

/* Nobody tells us of it any more, so whether it is still public is not known. `o` is the repository. */
#define SQL_UNHEARD                                                                                                         \
	"(o.state NOT IN ('active', 'archived')"                                                                            \
	" OR EXISTS (SELECT 1 FROM installation si WHERE si.id = o.installation AND si.state <> 'active') OR " SQL_UNNAMED( \
	    "o.id") ")"

/* Since when one of the two is so. */
#define SQL_SINCE                                                                                        \
	"max(o.since, coalesce((SELECT si.since FROM installation si WHERE si.id = o.installation), 0)," \
	" coalesce((SELECT sh.since FROM host sh WHERE sh.number = " SQL_HOST_OF("o.id") "), 0))"

/* Its owner as our pages and commands say it: "HOST:OWNER" at any host but the first. */
#define SQL_OWNER_OF(repository, owner)                                                                                      \
	"coalesce((SELECT sh.name || ':' FROM host sh WHERE sh.number = " SQL_HOST_OF(repository) " AND sh.number > 0), '')" \
	                                                                                          " || " owner
#define SQL_OWNER SQL_OWNER_OF("o.id", "o.owner")

#endif
