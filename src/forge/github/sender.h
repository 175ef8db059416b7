/* sender - private to send/: the sender, its lanes (one an installation), their calls, and the task a lane works on. */
#ifndef EKACI_FORGE_GITHUB_SENDER_H
#define EKACI_FORGE_GITHUB_SENDER_H

#include "forge/github/http.h"
#include "forge/github/jwt.h"
#include "forge/github/send.h"
#include "forge/github/token.h"
#include "store/desired.h"

enum {
	LONGEST_BLOCK_MS = 61 * 60 * 1000, /* a primary limit lasts an hour at most */
	UNREACHABLE_MS = 60 * 1000,        /* the longest pause before we see whether GitHub can be reached again */
	PLAIN_TRIES = 3,                   /* of a question */
	PLAIN_PATIENCE_MS = 30 * 1000,     /* a question does not wait longer for a blocked lane */
	MAX_PLAIN = 1000,                  /* questions waiting in a lane */
	MAX_TASK_CALLS = 400               /* no task needs more: 300 pages, 20 batches, labels */
};

/* One request of a lane. Its owner keeps it until done was called. */
struct call {
	struct call *next;
	const char *method;
	const char *url;
	struct str body;
	void (*done)(void *ctx, const struct http_answer *answer);
	void *ctx;
	bool again;         /* a token was refused once */
	int64_t not_before; /* clock_mono_ms */
};

struct task;
struct lane {
	struct client *s;
	struct lane *next;
	int64_t installation;
	struct call *flying; /* waits for its token or its answer */
	char *token;         /* it flies with */
	struct call *plain;  /* questions, first come first served */
	size_t n_plain;
	struct call *task_call; /* the next of the task */
	struct task *task;
	int64_t blocked_until;    /* clock_mono_ms */
	int64_t next_write;       /* clock_mono_ms; when the next write is due at one per between_writes_ms */
	int limited, unreachable; /* times in a row */
	int64_t rate_remaining;   /* -1: not known */
};

struct client {
	struct sender sender; /* first: what others hold */
	struct loop *l;
	struct store *store;
	struct http *http;
	struct tokens *tokens;
	struct jwt_key *key;
	struct arena a;
	const char *api_url; /* without a final slash */
	struct loop_timer *timer;
	struct lane *lanes;
	struct send_delays delays;
	struct send_figures figures;
	bool woken; /* the timer is set to fire at once */
	bool stopping;
};

/* What an answer means. */
enum answer_class {
	ANSWER_GOOD,
	ANSWER_GONE,         /* 404, 410 */
	ANSWER_REFUSED,      /* other 4xx */
	ANSWER_UNAUTHORISED, /* 401, also with a new token */
	ANSWER_LIMITED,      /* nothing happened, try later */
	ANSWER_BROKEN        /* 5xx or none: it may have happened */
};
enum answer_class answer_class(const struct http_answer *answer);
/* The same as an error, with GitHub's words. */
void answer_error(const struct http_answer *answer, struct err *e);

/* lane.c */
struct lane *lane_of(struct client *s, int64_t installation);
void lane_plain(struct lane *lane, struct call *c);
/* Begins what can begin; gives in how many ms it wants to be asked again, -1 for never. due_ms: when its next row is
 * due, -1 without one. */
int64_t lane_go(struct lane *lane, int64_t due_ms);
/* No request before ms have passed. */
void lane_block(struct lane *lane, int64_t ms);
void lane_free(struct lane *lane);

/* task.c: makes one row so. Takes a over, in which the row is. */
void task_start(struct lane *lane, const struct desired *row, struct arena *a);
void task_free(struct task *t);

/* sender.c: look at all lanes soon. */
void sender_wake(struct client *s);
/* first, doubled attempts times, up to longest, with some jitter so that many do not come at once. */
int64_t sender_backoff(int64_t first_ms, int64_t longest_ms, int64_t attempts);

#endif
