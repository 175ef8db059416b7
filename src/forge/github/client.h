/*
 * client - private to this folder: what lanes, tasks and questions share.
 */
#ifndef EKACI_FORGE_GITHUB_CLIENT_H
#define EKACI_FORGE_GITHUB_CLIENT_H

#include "forge/forge.h"
#include "forge/github/http.h"
#include "forge/github/jwt.h"
#include "forge/github/token.h"
#include "records/list.h"

struct send_delays {
	int64_t between_writes_ms; /* 1000, in the long run */
	int64_t
	    writes_at_once; /* 30: after a quiet while, of what people wait for: ten pull requests at once are answered at once */
	int64_t progress_at_once; /* 4: of what nobody waits for */
	int64_t first_retry_ms;   /* 1000; doubled by each further one */
	int64_t longest_retry_ms; /* 5 minutes */
	int64_t settle_ms; /* 11 s: a request whose end we do not know is looked for after this; GitHub ends any after 10 */
	int64_t writes_a_minute, writes_an_hour; /* see budget.h; 0: no limit */
	int64_t progress_ms; /* 10 s: what was written is not written again sooner for progress; more as the budget shrinks */
	int64_t lag_ms;      /* 2 minutes: what was made is seen by all of GitHub's machines after this, surely */
	int64_t look_ms;     /* 30 s: what was made is not there, if it is not seen so long after */
	int64_t limited_ms;  /* 1 minute, doubled: a secondary limit without a word on how long */
};
struct send_figures {
	int64_t requests;     /* all of them, also for tokens' sake repeated ones */
	int64_t good;         /* 2xx */
	int64_t refused;      /* 4xx that are final */
	int64_t unauthorised; /* 401 */
	int64_t limited;      /* 429, and 403 for a limit */
	int64_t broken;       /* 5xx */
	int64_t unreachable;  /* no answer */
	int64_t tokens;       /* minted */
	int64_t token_failures;
	int64_t rate_remaining;     /* the least of all installations as last seen, -1: not known */
	int64_t queue;              /* rows that wait to be sent */
	int64_t oldest_ms;          /* how long the oldest of them waits */
	int64_t in_doubt, given_up; /* given up for good, or parked */
	int64_t parked;
	int64_t writes;  /* of the last hour, the most of all installations */
	int64_t blocked; /* installations that wait because GitHub said so */
};

struct lane;
struct missed;
struct client {
	struct sender sender; /* first: what others hold */
	struct loop *l;
	struct store *store;
	struct http *http;
	struct tokens *tokens;
	struct jwt_key *key;
	struct arena a;
	const char *api_url;      /* without a final slash */
	const char *at;           /* which host, for people: "at GitHub" */
	struct loop_timer *timer; /* looks at all lanes */
	/* The lane has nothing to do: gives it the next row as its task. 0; 1 when none is due, and *held_ms is when one that is held
	 * back may be, if any; -1. */
	int (*take)(struct lane *lane, int64_t *held_ms, struct err *e);
	struct lane *(*lane)(struct client *c, int64_t installation); /* made where there is none */
	struct send_delays delays;
	struct send_figures figures;
	struct missed *missed;   /* deliveries that are being asked for again, or NULL */
	struct arena troubles_a; /* of troubles: what the App and its webhook lack (needs.h) */
	struct texts troubles;
	const char *hook_url; /* where deliveries should go, or NULL */
	bool was_away;        /* GitHub is there again, after some time of no or broken answers */
	bool woken;           /* the timer is set to fire at once */
	bool stopping;
};

/* Look at all lanes soon. */
void client_wake(struct client *c);
/* first, doubled attempts times, up to longest, with some jitter so that many do not come at once. */
int64_t client_backoff(int64_t first_ms, int64_t longest_ms, int64_t attempts);

#endif
