/*
 * task - private to this folder: the making of one row, as a chain of calls.
 *
 * A step asks one thing of GitHub and names the step that takes a good answer; every other answer is handled in one
 * place (task.c): later, refused, or `gone`. A step ends with exactly one of task_ask, task_posted, task_later, task_refused,
 * task_never or a step that does, and does not touch the task after that.
 */
#ifndef EKACI_FORGE_GITHUB_TASK_H
#define EKACI_FORGE_GITHUB_TASK_H

#include "forge/github/lane.h"
#include "store/desired.h"

#include <jansson.h>

struct task {
	struct client *s;
	struct lane *lane;
	struct arena a;
	struct desired row; /* copied into a */
	union {             /* of row.wanted, by kind */
		struct wish_check check;
		struct wish_comment comment; /* also a reply */
		struct wish_labels labels;
		struct wish_reaction reaction;
		struct wish_status status;
		struct wish_reviewers reviewers;
	} wanted;
	json_t *remote;   /* what we remember of it at GitHub, an object */
	const char *base; /* API/repos/OWNER/REPO */
	enum token_purpose purpose;
	struct api_call call;
	int calls, pages;
	bool doubtful;      /* the call under way must not be repeated unseen */
	int64_t settled_ms; /* since 1970: by then it had its effect, or never will */
	bool unsettled;     /* it may still have it */
	bool recreated;     /* in this task */
	json_t *found;      /* of a search over pages */
	json_t *todo;
	void (*then)(struct task *t, const struct http_answer *answer, const json_t *body);
	void (*gone)(struct task *t, const struct err *e);    /* a 404 or 410; NULL: as any refusal */
	void (*invalid)(struct task *t, const struct err *e); /* a 422, the same */
};

typedef void task_step(struct task *t, const struct http_answer *answer, const json_t *body);

/* The task of a row, of which the lane works from now on; takes a over, in which the row is. */
struct task *task_new(struct lane *lane, const struct desired *row, struct arena *a);
void task_free(struct task *t); /* NULL is fine */

/* body (may be NULL) is consumed. t->gone and t->invalid hold for this call only; set them before. */
void task_ask(struct task *t, const char *method, const char *url, json_t *body, task_step *then);
/* The same for a call whose effect would show twice: says so durably first. */
void task_ask_once(struct task *t, const char *method, const char *url, json_t *body, task_step *then);
/* The next page of the answer's list with the same step; false when there is none (or too many: then *ret_too_many). */
bool task_next_page(struct task *t, const struct http_answer *answer, task_step *then, bool *ret_too_many);
/* Goes on with fn once we know who we are at GitHub. */
void task_identify(struct task *t, void (*fn)(struct task *t));
/* Writes down that the doubt is settled; false when that failed, and the task has ended. */
bool task_remember(struct task *t);

void task_posted(struct task *t);
/* What people wait for stands there; the rest comes when it is its turn again. */
void task_partly(struct task *t);
void task_later(struct task *t, const struct err *e);
/* A no, judged by how often and for how long: again after a growing delay, or parked. */
void task_refused(struct task *t, const struct err *e);
/* Whether a 404 for what we made can be believed: it is no machine of GitHub's that has not seen it yet. */
bool task_is_gone(const struct task *t);
/* Notes in t->remote that something is made now. */
void task_making(struct task *t);
/* What may have been made was not found: false when it may only not be seen yet, and the task has ended. */
bool task_looked(struct task *t);
void task_never(struct task *t, const struct err *e);

#endif
