/*
 * event - what happened at a forge, in words that are no forge's own.
 *
 * A delivery is parsed late, when it is durable: its name and body become a struct event (struct forge, event_read), without
 * clock, database or network. A body comes from somebody who knows the secret, but most of what stands in it was written by
 * anybody: titles, branch names, comments. What becomes a path, a git argument or a row was validated, once, when the event was
 * read; texts for people (title, comment) are as they came and are escaped where they leave.
 */
#ifndef EKACI_FORGE_EVENT_H
#define EKACI_FORGE_EVENT_H

#include "support/base/err.h"
#include "support/base/str.h"

/* The limits of what an event may carry. Longer is ERR_INPUT, except for texts for people, which are cut. */
enum {
	EVENT_MAX_NAME = 100, /* of an owner, a repository, a login; GitHub allows 39 and 100 */
	EVENT_MAX_REF = 255,  /* bytes of a branch name; GitHub's own limit */
	EVENT_MAX_URL = 1024,
	EVENT_MAX_LABELS = 100,        /* of a pull request, GitHub's own limit; further ones are not looked at */
	EVENT_MAX_LABEL = 255,         /* bytes; GitHub allows 50 characters */
	EVENT_MAX_TITLE = 1024,        /* cut; GitHub allows 256 characters */
	EVENT_MAX_COMMENT = 65536,     /* cut; GitHub allows 65536 characters, commands stand at its beginning */
	EVENT_MAX_REPOSITORIES = 10000 /* in one installation event */
};

enum event_kind {
	EVENT_IGNORED, /* nothing for us; event.reason says why */
	EVENT_PING,
	EVENT_PULL_REQUEST,
	EVENT_COMMENT,                   /* created on a pull request */
	EVENT_INSTALLATION,              /* created, deleted, suspend, unsuspend, new_permissions_accepted */
	EVENT_INSTALLATION_REPOSITORIES, /* added, removed */
	EVENT_CHECK_RUN,                 /* rerequested, requested_action */
	EVENT_CHECK_SUITE,               /* requested, rerequested */
	EVENT_PUSH,
	EVENT_MERGE_GROUP, /* checks_requested, destroyed */
	EVENT_REPOSITORY   /* what happened to the repository: see event_repository */
};

enum event_action {
	ACTION_NONE,
	ACTION_OPENED,
	ACTION_SYNCHRONIZE,
	ACTION_REOPENED,
	ACTION_READY_FOR_REVIEW,
	ACTION_CONVERTED_TO_DRAFT,
	ACTION_CLOSED,
	ACTION_BASE_CHANGED, /* "edited" with another base branch */
	ACTION_CREATED,
	ACTION_DELETED,
	ACTION_SUSPEND,
	ACTION_UNSUSPEND,
	ACTION_NEW_PERMISSIONS,
	ACTION_ADDED,
	ACTION_REMOVED,
	ACTION_REREQUESTED,
	ACTION_REQUESTED,
	ACTION_CHECKS_REQUESTED,
	ACTION_SUITE_REQUESTED, /* a commit was pushed, and the forge wants to know what we say of it */
	ACTION_LABELED,
	ACTION_UNLABELED,
	ACTION_ENQUEUED,
	ACTION_DEQUEUED,
	ACTION_DESTROYED,
	ACTION_LIFTED, /* made public, or taken out of the archive */
	ACTION_CHANGED /* renamed, transferred, privatized, archived, edited: what it is now says it all */
};

struct event_repository {
	int64_t id;
	const char *owner, *name;   /* letters, digits, "-", "_", "."; neither "." nor ".." */
	const char *clone_url;      /* http(s), or NULL where the forge leaves it out (installation lists) */
	const char *default_branch; /* NULL there, too */
	bool private;
	bool archived;      /* read-only, the forge takes nothing for it */
	int64_t updated_ms; /* when something of it last changed, the forge's clock; 0: not known */
};

/* A pull request, as an event tells it or the forge when it is asked. Times are the forge's, in whole seconds. */
struct event_pull {
	int64_t number;       /* 0: none */
	const char *head;     /* 40 hex digits; NULL for a comment, which does not carry it */
	const char *head_ref; /* the branch's name, for people */
	const char *base_ref, *base;
	const char *title, *author;
	const char *association; /* of the author, see event_is_member */
	const char *head_owner;  /* whose the head's repository is; NULL: it is gone */
	struct event_labels {    /* that it has */
		const char *const *p;
		size_t n;
	} labels;
	const char *before; /* the head that a synchronize replaced; NULL otherwise */
	int64_t updated_ms; /* 0: not known */
	int64_t pushed_ms;  /* not before head became the head: the later of updated_ms and the last push there */
	enum event_merges { MERGES_UNKNOWN, MERGES_NOT, MERGES } merges; /* with its base, where the forge was asked */
	bool fork;                                                       /* the head's repository is another one, or gone */
	bool draft;
	bool open;
};

/* Every text lives in the arena. A NULL text is one that is not there: a deleted account, an event without it. */
struct event {
	enum event_kind kind;
	enum event_action action;
	const char *name;   /* as the forge calls it */
	const char *reason; /* for EVENT_IGNORED, a line for people */
	struct {
		int64_t id; /* of whom we act for; 0: the event does not carry one */
		const char *account;
		int64_t updated_ms; /* of events of installations; 0: not known */
	} installation;
	struct event_repository repository; /* id 0: none */
	const char *sender;                 /* login */
	bool sender_bot;                    /* a program, not a person */
	struct event_pull pr;
	const char *label; /* labeled, unlabeled: which */
	struct {
		int64_t id;
		const char *author, *association, *body;
		bool bot;           /* the author is a program */
		int64_t created_ms; /* 0: not known */
	} comment;
	struct {
		int64_t id;                          /* of the run, or of the suite */
		const char *head, *name, *requested; /* requested: the action's identifier */
	} check;
	struct {
		const char *ref, *before, *after; /* push: 40 hex digits, zeros when there is none */
		const char *base_ref;             /* merge group: the branch it is to be merged into, and its commit */
		const char *base;
		const char *reason; /* merge group destroyed: "merged", "invalidated", "dequeued" */
		int64_t queued;     /* merge group: the pull request at its end; 0: its ref does not say */
	} push;
	struct {
		int64_t id;
		const char *wrong;                   /* what is wrong with it, for people; NULL: nothing */
	} hook;                                      /* of a ping */
	const struct event_repository *repositories; /* of installation events: those added */
	size_t n_repositories;
	const struct event_repository *removed; /* installation_repositories removed */
	size_t n_removed;
};

const char *event_kind_name(enum event_kind kind);
const char *event_action_name(enum event_action action);

/* Whether an author of this association may push anyway: OWNER, MEMBER or COLLABORATOR. Every forge's own ranks are told in
 * these words, and any other word, or NULL, is an outsider. */
bool event_is_member(const char *association);
/* Whether something of theirs was taken here before: those, and CONTRIBUTOR. FIRST_TIMER, FIRST_TIME_CONTRIBUTOR and NONE are
 * newcomers, as is what is not known. */
bool event_is_known(const char *association);

#endif
