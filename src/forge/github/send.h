/*
 * send - desired state becomes GitHub API calls, once.
 *
 * The sender reads rows of store/desired.h and makes GitHub look like them. Per installation one request is under way
 * at a time, with a pause between writes; it waits as long as GitHub's headers say, and with growing delay where they
 * do not. What GitHub cannot do now is tried again for as long as it takes; what it refuses for good (404, 410, 422) is
 * given up, logged, and kept in the row.
 *
 * Nothing is posted twice: before anything is created the row says so durably, and a creation whose answer is not
 * recorded (the process was killed, the connection broke, GitHub answered 5xx) is looked for at GitHub first - check
 * runs by name, head and external_id, comments by their marker among those of our App.
 *
 * Everything happens on the loop. Callbacks come from the loop, exactly once, never before the call that asked for them
 * returns; what they are given lives until they return.
 */
#ifndef EKACI_FORGE_GITHUB_SEND_H
#define EKACI_FORGE_GITHUB_SEND_H

#include "config/config.h"
#include "store/store.h"
#include "support/os/loop.h"

struct sender;

/* Reads the key, begins to reconcile what the store holds. settings->github must outlive the sender. ERR_DENIED,
 * ERR_ABSENT or ERR_INPUT when the key file cannot be used. Whether GitHub accepts the key is known later, and logged.
 */
must_check int send_start(struct loop *l, struct store *s, const struct settings *settings, struct sender **ret, struct err *e);
/* Whoever still waits for a callback is told ERR_BUSY. */
void send_stop(struct sender *s);

/* There is something new in the store. Cheap; call it after the commit. */
void send_kick(struct sender *s);

/* Delays, for tests; send_start sets GitHub's. */
struct send_delays {
	int64_t between_writes_ms; /* 1000, in the long run */
	int64_t writes_at_once;    /* 4: after a quiet while, so that a short-circuited pull request is answered at once */
	int64_t first_retry_ms;    /* 1000; doubled by each further one */
	int64_t longest_retry_ms;  /* 5 minutes */
	int64_t settle_ms;  /* 11 s: a request whose end we do not know is looked for after this; GitHub ends any after 10 */
	int64_t limited_ms; /* 1 minute, doubled: a secondary limit without a word on how long */
};
void send_set_delays(struct sender *s, const struct send_delays *d);

/* --- questions to GitHub, on the same connections and tokens --- */

/* e->kind: ERR_ABSENT (404, 410), ERR_DENIED (401, 403), ERR_INPUT (other 4xx), ERR_BUSY (limits, GitHub is down: ask
 * again later), ERR_SYSTEM. On success e is NULL. */
typedef void send_json_fn(void *ctx, const json_t *body, const struct err *e);
typedef void send_text_fn(void *ctx, const char *text, const struct err *e);

/* GET of a path below the API's URL, "/repos/o/r/..."; its segments must be encoded. */
void send_get(struct sender *s, int64_t installation, const char *path, send_json_fn *fn, void *ctx);
/* GET of the pull request. Its `mergeable` is null while GitHub is still finding out. */
void send_pull(struct sender *s, int64_t installation, const char *owner, const char *repo, int64_t number, send_json_fn *fn,
    void *ctx);
/* What login may do: "admin", "write", "read" or "none". */
void send_permission(struct sender *s, int64_t installation, const char *owner, const char *repo, const char *login,
    send_text_fn *fn, void *ctx);
/* The value of an Authorization header with which git may read this one repository (GitHub's id), for some minutes. It
 * is a secret: only for a child's environment. */
void send_git_authorization(struct sender *s, int64_t installation, int64_t repository, send_text_fn *fn, void *ctx);
/* git was refused with it: the next one is new. */
void send_git_refused(struct sender *s, int64_t installation, int64_t repository);

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
	int64_t rate_remaining; /* the least of all installations as last seen, -1: not known */
	int64_t queue;          /* rows that wait to be sent */
	int64_t oldest_ms;      /* how long the oldest of them waits */
	int64_t in_doubt, given_up;
	int64_t blocked; /* installations that wait because GitHub said so */
};
must_check int send_figures(struct sender *s, struct send_figures *ret, struct err *e);

#endif
