/*
 * desired - what should stand at GitHub, and how far we are.
 *
 * Whoever wants something at GitHub writes it here, in the transaction in which the want arose; the sender (send/)
 * makes it so. A row is one thing at GitHub, named by a key. Wanting it again replaces what was wanted: only the newest
 * state is ever sent. `generation` is raised only when the wanted document differs, so saying the same thing twice
 * makes no request. Names of the repository are taken from the last want; GitHub redirects older ones.
 *
 * The documents (JSON; members that are null or missing are left out of the request):
 *   check     name, head, status ("queued" "in_progress" "completed"), conclusion, title, summary, text,
 *             annotations [{path, start_line, end_line, annotation_level, message, title?, raw_details?,
 *             start_column?, end_column?}], actions [{label, description, identifier}], details_url, external_id,
 *             started_at, completed_at (text as GitHub wants it, or milliseconds since 1970),
 *             restart (a number: when it grows and the run was concluded, a new check run of the name is posted; so it
 *             is when a concluded one is wanted running). GitHub only adds annotations: those that are not wanted any
 * more stay. At most 1000 of them are sent. comment   number, marker, body      one per pull request, edited in place,
 * found again by the marker; one that somebody deletes comes back with the next change, and not after it was deleted a
 * second time labels    number, wanted [names], known [names]   only labels in `known` are ever taken away reaction
 * comment_id, content reply     number, marker, body      posted once, edited when it is wanted otherwise, never
 * brought back A marker is an HTML comment; it must be unique to its thing on its pull request.
 */
#ifndef EKACI_STORE_DESIRED_H
#define EKACI_STORE_DESIRED_H

#include "store/store.h"

#include <jansson.h>

struct desired_repository {
	int64_t installation; /* GitHub's */
	int64_t id;           /* GitHub's */
	const char *owner, *name;
};

/* Each upserts one row; nothing is kept of what is passed. The document gets head, name, number, ... from the
 * arguments. */
must_check int store_want_check(struct store *s, const struct desired_repository *r, const char *head, const char *name,
    const json_t *wanted, struct err *e);
must_check int store_want_comment(struct store *s, const struct desired_repository *r, int64_t number, const char *marker,
    struct str body, struct err *e);
/* Whether a comment was ever wanted there: then it is edited when it no longer holds. */
must_check int store_comment_wanted(struct store *s, int64_t repository, int64_t number, bool *ret, struct err *e);
must_check int store_want_labels(struct store *s, const struct desired_repository *r, int64_t number, const json_t *wanted,
    const json_t *known, struct err *e);
must_check int store_want_reaction(struct store *s, const struct desired_repository *r, int64_t comment_id, const char *content,
    struct err *e);
must_check int store_want_reply(struct store *s, const struct desired_repository *r, int64_t number, const char *marker,
    struct str body, struct err *e);

/* --- for the sender --- */

struct desired {
	int64_t id, installation, repository;
	const char *key, *kind, *owner, *repo;
	const char *wanted; /* JSON */
	const char *remote; /* JSON or NULL: what store_desired_* was last given */
	int64_t generation, posted;
	int64_t remote_id; /* 0: none */
	bool in_doubt;
	int64_t attempts;
};

/* The open row of the installation that is due and comes first: reactions, checks, replies, comments, labels, and among
 * equals the one that waits longest. In a; 1 when there is none. */
must_check int store_desired_next(struct store *s, struct arena *a, int64_t installation, int64_t now_ms, struct desired *ret,
    struct err *e);

/* The installations with open rows, and when the first of each is due. In a. */
struct desired_due {
	int64_t installation, at_ms;
};
must_check int store_desired_due(struct store *s, struct arena *a, struct desired_due **ret, size_t *ret_n, struct err *e);

/* Before a request whose effect would show twice if it were made twice: durable when it returns. remote_id is that of
 * the thing it goes to, 0 when it makes one. If nothing more is said of it, because we die, the row is due again at
 * settled_ms, when the request has surely had its effect or never will. */
must_check int store_desired_doubt(struct store *s, int64_t id, int64_t remote_id, const char *remote, int64_t settled_ms,
    struct err *e);
/* Before any other write: durable too. If we die before more is said, the row is due again at settled_ms, so that the
 * older state cannot arrive after the newer one. */
must_check int store_desired_sending(struct store *s, int64_t id, int64_t settled_ms, struct err *e);
/* The doubt is settled and this is what stands there (remote_id 0: nothing); more is still to be sent. */
must_check int store_desired_remember(struct store *s, int64_t id, int64_t remote_id, const char *remote, struct err *e);
/* This generation stands at GitHub. A newer one stays open. */
must_check int store_desired_posted(struct store *s, int64_t id, int64_t generation, int64_t remote_id, const char *remote,
    struct err *e);
/* Not now: counts an attempt. A doubt stays. */
must_check int store_desired_later(struct store *s, int64_t id, int64_t not_before_ms, const char *error, struct err *e);
/* Never: this generation is not tried again, a newer one is. Settles a doubt. */
must_check int store_desired_given_up(struct store *s, int64_t id, int64_t generation, const char *error, struct err *e);

struct desired_figures {
	int64_t open;      /* rows with something to send */
	int64_t oldest_ms; /* since when the oldest of them waits; 0 without one */
	int64_t in_doubt, given_up;
};
must_check int store_desired_figures(struct store *s, struct desired_figures *ret, struct err *e);

/* The installation is gone: nothing is wanted there any more. */
must_check int store_desired_forget(struct store *s, int64_t installation, struct err *e);
/* Drops rows on which nothing happened since before_ms and that have nothing to send. */
must_check int store_desired_expire(struct store *s, int64_t before_ms, struct err *e);

#endif
