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
 * What the functions promise stands in forge/forge.h; every struct sender here is one that github_start made.
 */
#ifndef EKACI_FORGE_GITHUB_SEND_H
#define EKACI_FORGE_GITHUB_SEND_H

#include "forge/forge.h"

/* Reads the key. settings->github must outlive the sender. */
must_check int github_start(struct loop *l, struct store *s, const struct settings *settings, struct sender **ret,
    struct err *e);
void github_stop(struct sender *s);
void github_kick(struct sender *s);
void github_pull(struct sender *s, int64_t installation, const char *owner, const char *repo, int64_t number, send_pull_fn *fn,
    void *ctx);
void github_permission(struct sender *s, int64_t installation, const char *owner, const char *repo, const char *login,
    send_text_fn *fn, void *ctx);
void github_git_authorization(struct sender *s, int64_t installation, int64_t repository, send_text_fn *fn, void *ctx);
void github_git_refused(struct sender *s, int64_t installation, int64_t repository);
void github_metrics(struct sender *s, struct buf *out);

/* Delays, for tests; github_start sets GitHub's. */
struct send_delays {
	int64_t between_writes_ms; /* 1000, in the long run */
	int64_t writes_at_once;    /* 4: after a quiet while, so that a short-circuited pull request is answered at once */
	int64_t first_retry_ms;    /* 1000; doubled by each further one */
	int64_t longest_retry_ms;  /* 5 minutes */
	int64_t settle_ms;  /* 11 s: a request whose end we do not know is looked for after this; GitHub ends any after 10 */
	int64_t limited_ms; /* 1 minute, doubled: a secondary limit without a word on how long */
};
void send_set_delays(struct sender *s, const struct send_delays *d);

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
