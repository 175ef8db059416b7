/*
 * accept - a webhook delivery becomes an event.
 *
 * Two steps, far apart in time. On the way in, the signature is checked over the raw bytes as they arrive and nothing
 * is parsed. Later, when the delivery is durable, its name and body become a struct event, and a comment's body
 * becomes commands. Both steps are pure: no clock, no database, no network.
 *
 * A body comes from somebody who knows the secret, but most of what stands in it was written by anybody: titles,
 * branch names, comments. What becomes a path, a git argument or a row is validated here, once; texts for people
 * (title, comment) stay as they are and are escaped where they leave.
 */
#ifndef EKACI_FORGE_GITHUB_ACCEPT_H
#define EKACI_FORGE_GITHUB_ACCEPT_H

#include "support/base/err.h"
#include "support/base/str.h"

#include <jansson.h>

/* The limits of what an event may carry. Longer is ERR_INPUT, except for texts for people, which are cut. */
enum {
	ACCEPT_MAX_NAME = 100, /* of an owner, a repository, a login; GitHub allows 39 and 100 */
	ACCEPT_MAX_REF = 255,  /* bytes of a branch name; GitHub's own limit */
	ACCEPT_MAX_URL = 1024,
	ACCEPT_MAX_TITLE = 1024,         /* cut; GitHub allows 256 characters */
	ACCEPT_MAX_COMMENT = 65536,      /* cut; GitHub allows 65536 characters, commands stand at its beginning */
	ACCEPT_MAX_REPOSITORIES = 10000, /* in one installation event */
	ACCEPT_MAX_COMMANDS = 10         /* that one comment may give */
};

/*
 * Signatures. Keys are made once from the secret and, while secrets are being changed, the previous one (empty: none).
 * An empty current secret is ERR_INPUT: a bot that accepts unsigned deliveries does not exist.
 */
struct accept_keys;
must_check int accept_keys_new(struct str current, struct str previous, struct accept_keys **ret, struct err *e);
void accept_keys_free(struct accept_keys *k);

/* One body on its way: bytes are hashed as they come. accept_check_ok compares in constant time with the value of
 * X-Hub-Signature-256 ("sha256=" and 64 hex digits) and may be called once. */
struct accept_check;
must_check int accept_check_new(const struct accept_keys *k, struct accept_check **ret, struct err *e);
void accept_check_add(struct accept_check *c, struct str bytes);
bool accept_check_ok(struct accept_check *c, struct str header);
void accept_check_free(struct accept_check **c); /* NULL is fine; for AUTO */

/* All of it at once. */
bool accept_verify(const struct accept_keys *k, struct str body, struct str header);

/* What GitHub sends where a webhook's content type is "form": the JSON stands in the field payload, URL-encoded. Decodes it in
 * place (*ret is within body); to be called once the signature, which is that of the raw bytes, was found good. False, and body
 * is spoiled, when there is no such field or it is malformed. */
bool accept_form(char *body, size_t n, struct str *ret);

/* HMAC-SHA256(current or previous secret, purpose): a key for another purpose, from which the secret cannot be had.
 * False when there is no such secret. */
enum { ACCEPT_KEY_BYTES = 32 };
bool accept_derive(const struct accept_keys *k, bool previous, const char *purpose, unsigned char ret[ACCEPT_KEY_BYTES]);

enum event_kind {
	EVENT_IGNORED, /* nothing for us; event.reason says why */
	EVENT_PING,
	EVENT_PULL_REQUEST,
	EVENT_COMMENT,                   /* created on a pull request */
	EVENT_INSTALLATION,              /* created, deleted, suspend, unsuspend, new_permissions_accepted */
	EVENT_INSTALLATION_REPOSITORIES, /* added, removed */
	EVENT_CHECK_RUN,                 /* rerequested, requested_action */
	EVENT_CHECK_SUITE,               /* rerequested */
	EVENT_PUSH,
	EVENT_MERGE_GROUP /* checks_requested, destroyed */
};

enum event_action {
	ACTION_NONE,
	ACTION_OPENED,
	ACTION_SYNCHRONIZE,
	ACTION_REOPENED,
	ACTION_READY_FOR_REVIEW,
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
	ACTION_DESTROYED
};

struct event_repository {
	int64_t id;
	const char *owner, *name;   /* letters, digits, "-", "_", "."; neither "." nor ".." */
	const char *clone_url;      /* http(s), or NULL where GitHub leaves it out (installation lists) */
	const char *default_branch; /* NULL there, too */
	bool private;
};

/* Every text lives in the arena. A NULL text is one that is not there: a deleted account, an event without it. */
struct event {
	enum event_kind kind;
	enum event_action action;
	const char *name;   /* X-GitHub-Event */
	const char *reason; /* for EVENT_IGNORED, a line for people */
	struct {
		int64_t id; /* 0: the event does not carry one */
		const char *account;
	} installation;
	struct event_repository repository; /* id 0: none */
	const char *sender;                 /* login */
	bool sender_bot;                    /* an App, not a person */
	struct {
		int64_t number;       /* 0: none */
		const char *head;     /* 40 hex digits; NULL for a comment, which does not carry it */
		const char *head_ref; /* the branch's name, for people */
		const char *base_ref, *base;
		const char *title, *author, *association;
		const char *before; /* the head that a synchronize replaced; NULL otherwise */
		int64_t updated_ms; /* GitHub's clock, whole seconds, as all times here; 0: not known */
		int64_t pushed_ms;  /* not before head became the head: the later of updated_ms and the last push there */
		bool fork;          /* the head's repository is another one, or gone */
		bool draft;
		bool open;
	} pr;
	struct {
		int64_t id;
		const char *author, *association, *body;
		bool bot;           /* the author is an App */
		int64_t created_ms; /* 0: not known */
	} comment;
	struct {
		int64_t id;                          /* of the run, or of the suite */
		const char *head, *name, *requested; /* requested: the action's identifier */
	} check;
	struct {
		const char *ref, *before, *after; /* push: 40 hex digits, zeros when there is none */
		const char *base_ref;             /* merge group: what it is to be merged into, and its commit */
		const char *base;
		const char *reason; /* merge group destroyed: "merged", "invalidated", "dequeued" */
	} push;
	const struct event_repository *repositories; /* of installation events: those added */
	size_t n_repositories;
	const struct event_repository *removed; /* installation_repositories removed */
	size_t n_removed;
};

/* Events and actions nobody asked for become EVENT_IGNORED; a body that is no JSON object, or lacks or breaks a member
 * that is needed, is ERR_INPUT and names the member ("pull_request.head.sha: ..."). */
must_check int accept_parse(struct arena *a, const char *event_name, struct str body, struct event *ret, struct err *e);

/* A time in GitHub's words, "2026-11-20T10:00:00Z", in milliseconds since 1970; 0 when it is none. */
int64_t accept_time(const char *text);
/* Of the members of a pull request, as events and the API have them: see event.pr.pushed_ms. */
int64_t accept_pushed(const json_t *pull);

const char *event_kind_name(enum event_kind kind);
const char *event_action_name(enum event_action action);

/*
 * Commands: lines of a comment whose first token is "/ekaci" in any case. The comment is read as the Markdown that it is
 * (cmark-gfm): what is shown as code, as a quotation or not at all (HTML comments) does not count, nor what stands in raw
 * HTML. Read are the first 16 KiB, up to a blank line, and not beyond a line nested deeper than 100 quotes and lists; and at most
 * ACCEPT_MAX_COMMANDS of them.
 */
enum command_kind {
	COMMAND_REBUILD, /* args: none or "failed", "all", or attributes */
	COMMAND_EVAL,
	COMMAND_CANCEL,
	COMMAND_APPROVE,
	COMMAND_STATUS,
	COMMAND_EXPLAIN,
	COMMAND_PRIORITY, /* args: one attribute */
	COMMAND_HELP,     /* also the bare word */
	COMMAND_UNKNOWN
};

struct command {
	enum command_kind kind;
	const char *word;        /* as it was written; "" for the bare word */
	const char *const *args; /* printable, without spaces */
	size_t n_args;
};

void accept_command(struct arena *a, struct str body, const struct command **ret, size_t *ret_n);
const char *command_name(enum command_kind kind);

#endif
