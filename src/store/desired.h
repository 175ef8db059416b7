/*
 * desired - what should stand at the forge, and how far we are.
 *
 * Whoever wants something there writes it here, in the transaction in which the want arose; the sender (forge/) makes it so.
 * A row is one thing, named by a key; what is wanted of it is a document of records/wish.h, by its kind:
 *   check     wish_check      one for each commit and name
 *   comment   wish_comment    one for each pull request, edited in place; one that somebody deletes comes back with the next
 *                             change, and not after it was deleted a second time
 *   labels    wish_labels     of a pull request
 *   reaction  wish_reaction   to a comment
 *   status    wish_status     of a commit, one for each context
 *   reviewers wish_reviewers  of a pull request; nobody is asked twice, or taken off again
 *   reply     wish_comment    posted once, edited when it is wanted otherwise; deleted, it comes back only with something else to say
 * Wanting a thing again replaces what was wanted: only the newest state is ever sent. `generation` is raised only when the
 * document differs, so saying the same thing twice makes no request. Names of the repository are those of the last want.
 * Nothing is sent for a repository that is archived or gone, or an installation that is suspended or gone; what is wanted stays, so
 * that it is sent when they come back, and nothing is posted twice.
 */
#ifndef EKACI_STORE_DESIRED_H
#define EKACI_STORE_DESIRED_H

#include "records/wish.h"
#include "store/store.h"

struct desired_repository {
	int64_t installation; /* the forge's number of whom we act for */
	int64_t id;           /* the forge's */
	const char *owner, *name;
};

/* How soon somebody waits for it. A conclusion is what ends a check or a report; progress of what never stood there, or was
 * concluded, is a first report. */
enum urgency { URGENCY_CONCLUSION, URGENCY_ANSWER, URGENCY_FIRST, URGENCY_PROGRESS };

/* Each upserts one row; nothing is kept of what is passed. A body may hold any bytes, the other texts are UTF-8. */
must_check int store_want_check(struct store *s, const struct desired_repository *r, const struct wish_check *wanted,
    struct err *e);
/* The same of a check for a part of what another one tells: nobody waits for it as for that one. */
must_check int store_want_part_check(struct store *s, const struct desired_repository *r, const struct wish_check *wanted,
    struct err *e);
/* What the check says now is no mere progress: it goes as a first report does, once. */
must_check int store_check_news(struct store *s, int64_t repository, const char *head, const char *name, struct err *e);
must_check int store_want_comment(struct store *s, const struct desired_repository *r, int64_t number, const char *marker,
    struct str body, struct err *e);
/* The same of a report that is finished: it goes before what only tells how far others are. */
must_check int store_want_last_comment(struct store *s, const struct desired_repository *r, int64_t number, const char *marker,
    struct str body, struct err *e);
/* Whether a comment was ever wanted there: then it is edited when it no longer holds. */
must_check int store_comment_wanted(struct store *s, int64_t repository, int64_t number, bool *ret, struct err *e);
must_check int store_want_labels(struct store *s, const struct desired_repository *r, const struct wish_labels *wanted,
    struct err *e);
/* A label that was set by somebody is taken off; serial: another one for each time that it was set. */
must_check int store_want_label_off(struct store *s, const struct desired_repository *r, int64_t number, const char *label,
    int64_t serial, struct err *e);
must_check int store_want_reaction(struct store *s, const struct desired_repository *r, int64_t comment_id, const char *content,
    struct err *e);
must_check int store_want_reply(struct store *s, const struct desired_repository *r, int64_t number, const char *marker,
    struct str body, struct err *e);

/* only_there: nothing where none of this context was ever wanted on the commit. */
must_check int store_want_status(struct store *s, const struct desired_repository *r, const struct wish_status *wanted,
    bool only_there, struct err *e);
must_check int store_want_reviewers(struct store *s, const struct desired_repository *r, const struct wish_reviewers *wanted,
    struct err *e);

/* What the reply with this marker says; NULL: there is none. In a. */
must_check int store_reply_wanted(struct store *s, struct arena *a, int64_t repository, int64_t number, const char *marker,
    const char **ret, struct err *e);

/* --- for the sender --- */

struct desired {
	int64_t id, installation, repository;
	const char *key, *kind, *owner, *repo;
	const char *wanted; /* the document, JSON */
	const char *remote; /* the sender's own, or NULL: what store_desired_* was last given */
	int64_t generation, posted;
	int64_t remote_id; /* 0: none */
	bool in_doubt;
	int64_t attempts;
	enum urgency urgency;
	int64_t refusals; /* in a row */
};

/* The open row of the installation that is due, no less urgent than upto, and comes first: the most urgent, and among equals the
 * one that waits longest. In a; 1 when there is none. */
must_check int store_desired_next(struct store *s, struct arena *a, int64_t installation, int64_t now_ms, enum urgency upto,
    struct desired *ret, struct err *e);

/* The installations of a host with open rows, and when the first of each is due. In a. */
struct desired_due {
	int64_t installation, at_ms;
};
must_check int store_desired_due(struct store *s, struct arena *a, int64_t host, struct desired_due **ret, size_t *ret_n,
    struct err *e);

/* Before a request whose effect would show twice if it were made twice: durable when it returns. remote_id is that of
 * the thing it goes to, 0 when it makes one. If nothing more is said of it, because we die, the row is due again at
 * settled_ms, when the request has surely had its effect or never will. */
must_check int store_desired_doubt(struct store *s, int64_t id, int64_t remote_id, const char *remote, int64_t settled_ms,
    struct err *e);
/* Before any other write: durable too. If we die before more is said, the row is due again at settled_ms, so that the
 * older state cannot arrive after the newer one. */
must_check int store_desired_sending(struct store *s, int64_t id, int64_t settled_ms, struct err *e);
/* Progress of the row is not sent before. */
must_check int store_desired_quiet(struct store *s, int64_t id, int64_t until_ms, struct err *e);
/* The doubt is settled and this is what stands there (remote_id 0: nothing); more is still to be sent. */
must_check int store_desired_remember(struct store *s, int64_t id, int64_t remote_id, const char *remote, struct err *e);
/* The same, where what people wait for does stand there: the rest is no more urgent than a first report. */
must_check int store_desired_partly(struct store *s, int64_t id, int64_t remote_id, const char *remote, struct err *e);
/* This generation stands there. A newer one stays open. */
must_check int store_desired_posted(struct store *s, int64_t id, int64_t generation, int64_t remote_id, const char *remote,
    struct err *e);
/* Not now: counts an attempt. A doubt stays. */
must_check int store_desired_later(struct store *s, int64_t id, int64_t not_before_ms, const char *error, struct err *e);
/* The forge said no: counts a refusal, and is due again at not_before_ms. A doubt stays. */
must_check int store_desired_refused(struct store *s, int64_t id, int64_t not_before_ms, const char *error, struct err *e);
/* It said so often enough: not tried again before it is wanted otherwise or taken up. A doubt stays. */
must_check int store_desired_parked(struct store *s, int64_t id, int64_t generation, const char *error, struct err *e);
/* Takes up what is parked, of an installation (0: of all), at most max, that which is parked longest first. fresh: something has changed at
 * the forge, and it is tried as often as at first; else once. *ret_n is how many. */
must_check int store_desired_take_up(struct store *s, int64_t installation, bool fresh, int64_t max, int64_t *ret_n,
    struct err *e);
/* What is parked, the newest first, at most max. In a. */
struct desired_parked {
	const char *key, *owner, *repo, *error;
	int64_t since_ms;
};
must_check int store_desired_list_parked(struct store *s, struct arena *a, int64_t max, struct desired_parked **ret,
    size_t *ret_n, struct err *e);
/* Never: this generation is not tried again, a newer one is. Settles a doubt. */
must_check int store_desired_given_up(struct store *s, int64_t id, int64_t generation, const char *error, struct err *e);

/* What our checks of a commit are wanted to say, by name; in a. */
must_check int store_checks_wanted(struct store *s, struct arena *a, int64_t repository, const char *head,
    struct wish_check **ret, size_t *ret_n, struct err *e);

struct desired_figures {
	int64_t open;               /* rows with something to send */
	int64_t oldest_ms;          /* since when the oldest of them waits; 0 without one */
	int64_t in_doubt, given_up; /* given up for good, or parked */
	int64_t parked;
};
must_check int store_desired_figures(struct store *s, struct desired_figures *ret, struct err *e);

/* The repository is gone for good: nothing is wanted there any more. */
must_check int store_desired_forget(struct store *s, int64_t repository, struct err *e);

#endif
