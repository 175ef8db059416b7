/*
 * lane - private to this folder: the requests of one installation, one at a time and at GitHub's pace.
 *
 * Questions go first, then the calls of the task that the lane works on. What GitHub says of limits, and that it cannot be
 * reached, holds the whole lane.
 */
#ifndef EKACI_FORGE_GITHUB_LANE_H
#define EKACI_FORGE_GITHUB_LANE_H

#include "forge/github/budget.h"
#include "forge/github/client.h"
#include "store/desired.h"

/* One request of a lane. Its owner keeps it until done was called. */
struct api_call {
	struct api_call *next;
	const char *method;
	const char *url;
	const char *tag; /* see http.h; NULL: none */
	struct str body;
	int64_t repository; /* and purpose: of the token, see token.h */
	enum token_purpose purpose;
	void (*done)(void *ctx, const struct http_answer *answer);
	void *ctx;
	bool again;         /* a token was refused once */
	bool background;    /* nobody waits for it: told ERR_BUSY where requests run short */
	int64_t not_before; /* clock_mono_ms */
};

struct task;
struct lane {
	struct client *s;
	struct lane *next; /* its owner's */
	struct budget budget;
	int64_t installation;
	struct api_call *flying; /* waits for its token or its answer */
	char *token;             /* it flies with */
	struct api_call *plain;  /* questions, first come first served */
	size_t n_plain;
	struct api_call *task_call;     /* the next of the task */
	struct task *task;              /* see client.take; NULL: none */
	int64_t blocked_until;          /* clock_mono_ms */
	int64_t next_write;             /* clock_mono_ms; when the next write is due at one per between_writes_ms */
	int limited, unreachable, away; /* times in a row; away: no answer, or one that only says that GitHub is broken */
	int64_t rate_remaining;         /* requests left until rate_reset; -1: not known */
	int64_t rate_limit, rate_reset; /* of them in all; clock_mono_ms */
};

struct lane *lane_new(struct client *s, int64_t installation, struct lane *next);
/* Tells the questions that wait ERR_BUSY. The task is left alone, with its call. */
void lane_free(struct lane *lane);
/* Whether there is nothing to do and nothing to remember. */
bool lane_is_idle(const struct lane *lane);

/* Asks a question. One that would have to wait too long is told ERR_BUSY. */
void lane_plain(struct lane *lane, struct api_call *c);
/* Begins what can begin; gives in how many ms it wants to be asked again, -1 for never. due_ms: when its next row is
 * due, -1 without one. */
int64_t lane_go(struct lane *lane, int64_t due_ms);
/* In how many ms something of that urgency may be taken up, 0: now. What is left of GitHub's limits is kept for what people
 * wait for, and what must not wait long is not begun behind progress. */
int64_t lane_wait_ms(const struct lane *lane, enum urgency urgency);
/* No request before ms have passed. */
void lane_block(struct lane *lane, int64_t ms);

#endif
