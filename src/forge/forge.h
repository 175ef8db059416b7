/*
 * forge - where the code and its pull requests are: the one door of this folder for the rest of the bot.
 *
 * A forge is a folder (forge/github/) and one `struct forge` of functions, registered in forge/forges.c; nobody outside the
 * folder knows which one it is. What comes in is an event (forge/event.h), what goes out is a wish (records/wish.h, in rows of
 * store/desired.h), and what must be asked is asked here.
 */
#ifndef EKACI_FORGE_FORGE_H
#define EKACI_FORGE_FORGE_H

#include "config/config.h"
#include "forge/command.h"
#include "forge/event.h"
#include "forge/signature.h"
#include "store/store.h"
#include "support/os/loop.h"

/*
 * --- deliveries on their way in ---
 *
 * begin is called when the headers are there and fills d; FORGE_UNSIGNED and FORGE_HEADERS are answered at once. end is called with
 * the whole body (n bytes, with room for a NUL behind them) once it went through check; *ret is the JSON in it, within the body,
 * which it may change.
 */
enum forge_fault {
	FORGE_GOOD,
	FORGE_UNSIGNED, /* the signature is missing or wrong */
	FORGE_HEADERS,  /* what says which delivery and which event it is is missing or malformed */
	FORGE_FORM,     /* the body is not encoded as it says */
	FORGE_FAULTS
};

struct forge_delivery {
	char guid[64], event[64], signature[80]; /* letters, digits, "-", "_", "=" */
	bool form;                               /* the body is a form, and the JSON in it */
};
typedef const char *forge_header_fn(void *ctx, const char *name); /* NULL: there is none */

/* --- what the settings name that is secret: files, or names of credentials; NULL: none --- */

struct forge_secrets {
	const char *section; /* of ekaci.toml */
	const char *key_file, *webhook_file, *previous_webhook_file;
};

/*
 * --- the client: makes the forge look like the rows, and asks it ---
 *
 * Everything happens on the loop. Callbacks come from the loop, exactly once, never before the call that asked for them
 * returns; what they are given lives until they return. On success e is NULL; else e->kind is ERR_ABSENT (there is none),
 * ERR_DENIED, ERR_INPUT (refused), ERR_BUSY (limits, the forge is down: ask again later) or ERR_SYSTEM.
 */
struct sender {
	const struct forge *forge;
	int64_t host; /* number (store/hosts.h): installations and repositories of others are not its */
	struct loop *loop;
	struct nowhere *nowhere; /* questions to hosts that there are none of (forge.c) */
	struct sender *next;     /* of another host, or NULL: callers hold the first, and say by their ids whose they mean */
	                         /* the rest is the forge's */
};
typedef void send_pull_fn(void *ctx, const struct event_pull *pull, const struct err *e);
/* What stands at the forge, to be compared with what is known (bot/reconcile.h): a list, page by page, or one thing. */
enum forge_list {
	FORGE_REPOSITORIES, /* that an installation may see */
	FORGE_PULLS,        /* of a repository, all of them, that changed last first */
	FORGE_PULLS_OPEN,   /* those that are open */
	FORGE_BRANCH,       /* a branch's head */
	FORGE_QUEUE         /* what is in the merge queue */
};
struct forge_wanted {
	enum forge_list what;
	int64_t installation;
	const char *owner, *repo, *branch;
	const char *next; /* that the page before named; NULL: the first */
	const char *tag;  /* of an answer that was taken in; NULL: none */
};
struct forge_group {
	const char *ref, *head, *base, *base_ref;
	int64_t queued; /* as in struct event */
};
struct forge_told {
	bool unchanged;   /* since the answer that had the tag: nothing else is told */
	const char *tag;  /* of this answer, or NULL */
	const char *next; /* NULL: this was the last page */
	int64_t now_ms;   /* the forge's clock */
	const struct event_repository *repositories;
	size_t n_repositories;
	const struct event_pull *pulls;
	size_t n_pulls;
	const char *head;
	const struct forge_group *groups;
	size_t n_groups;
};
typedef void send_list_fn(void *ctx, const struct forge_told *told, const struct err *e);
/* Whether a delivery came. */
typedef bool send_known_fn(void *ctx, const char *guid);
/* upto_ms: failed deliveries up to then were asked for, the forge's clock; n of them. */
typedef void send_missed_fn(void *ctx, int64_t upto_ms, int64_t n, const struct err *e);
typedef void send_text_fn(void *ctx, const char *text, const struct err *e);

struct forge {
	const char *name; /* for people: "GitHub" */
	struct forge_secrets (*secrets)(const struct settings *settings);
	/* The host of its API, with the port where one is named. In a. */
	const char *(*host)(struct arena *a, const struct settings *settings);

	enum forge_fault (*delivery_begin)(struct forge_delivery *d, forge_header_fn *header, void *ctx);
	enum forge_fault (*delivery_end)(const struct forge_delivery *d, struct signature_check *check, char *body, size_t n,
	    struct str *ret);
	const char *faults[FORGE_FAULTS]; /* for whoever sent it, a line each */
	/* Events and actions nobody asked for become EVENT_IGNORED; a body that is no JSON object, or lacks or breaks a member
	 * that is needed, is ERR_INPUT and names the member ("pull_request.head.sha: ..."). Ids are the host's own. */
	int (*event_read)(struct arena *a, const char *event_name, struct str body, struct event *ret, struct err *e);

	int (*start)(struct loop *l, struct store *s, const struct settings *settings, struct sender **ret, struct err *e);
	void (*stop)(struct sender *s);
	void (*kick)(struct sender *s);
	void (*pull)(struct sender *s, int64_t installation, int64_t repository, const char *owner, const char *repo,
	    int64_t number, send_pull_fn *fn, void *ctx);
	void (*permission)(struct sender *s, int64_t installation, int64_t repository, const char *owner, const char *repo,
	    const char *login, send_text_fn *fn, void *ctx);
	void (*team)(struct sender *s, int64_t installation, const char *team, const char *login, send_text_fn *fn, void *ctx);
	void (*git_authorization)(struct sender *s, int64_t installation, int64_t repository, send_text_fn *fn, void *ctx);
	void (*git_refused)(struct sender *s, int64_t installation, int64_t repository);
	void (*list)(struct sender *s, const struct forge_wanted *wanted, send_list_fn *fn, void *ctx);
	void (*missed)(struct sender *s, int64_t since_ms, send_known_fn *known, send_missed_fn *fn, void *ctx);
	void (*changed)(struct sender *s, int64_t installation);
	bool (*was_away)(struct sender *s);
	void (*look)(struct sender *s);
	void (*troubles)(struct sender *s, struct buf *out);
	void (*metrics)(struct sender *all, struct buf *out); /* of all of this forge, along `next` */
	int64_t (*room)(struct sender *s, int64_t installation);

	/* The page of a pull request, from the repository's clone address; NULL when that is no link. In a. */
	const char *(*pull_url)(struct arena *a, const char *clone_url, int64_t number);
	const char *(*commit_url)(struct arena *a, const char *clone_url, const char *commit); /* the same of a commit */
};

/* Begins to reconcile what the store holds of settings->github.number. settings must outlive the sender. ERR_DENIED, ERR_ABSENT or ERR_INPUT when its
 * credentials cannot be used; whether the forge accepts them is known later, and logged. */
must_check int send_start(const struct forge *forge, struct loop *l, struct store *s, const struct settings *settings,
    struct sender **ret, struct err *e);
/* Another host beside those of s. */
void send_beside(struct sender *s, struct sender *another);
/* The sender of a host, or NULL. */
struct sender *send_at(struct sender *s, int64_t host);
/* What a delivery of that host says (struct forge, event_read): ids in it are ours, and one of which none can be made is ERR_INPUT. */
must_check int send_event(struct sender *s, int64_t host, struct arena *a, const char *event_name, struct str body,
    struct event *ret, struct err *e);
/* All of them. Whoever still waits for a callback is told ERR_BUSY. NULL is fine. */
void send_stop(struct sender *s);
/* There is something new in the store. Cheap; call it after the commit. */
void send_kick(struct sender *s);
/* What the pull request is now. */
void send_pull(struct sender *s, int64_t installation, int64_t repository, const char *owner, const char *repo, int64_t number,
    send_pull_fn *fn, void *ctx);
/* What login may do: "admin", "write", "triage", "read" or "none". */
void send_permission(struct sender *s, int64_t installation, int64_t repository, const char *owner, const char *repo,
    const char *login, send_text_fn *fn, void *ctx);
/* Whether login is in a team, "ORG/TEAM": "member" or "none". ERR_ABSENT or ERR_DENIED: the team cannot be read. */
void send_team(struct sender *s, int64_t installation, const char *team, const char *login, send_text_fn *fn, void *ctx);
/* The value of an Authorization header with which git may read this one repository (the forge's id), for some minutes. It
 * is a secret: only for a child's environment. */
void send_git_authorization(struct sender *s, int64_t installation, int64_t repository, send_text_fn *fn, void *ctx);
/* git was refused with it: the next one is new. */
void send_git_refused(struct sender *s, int64_t installation, int64_t repository);
/* One page, or one thing. */
void send_list(struct sender *s, const struct forge_wanted *wanted, send_list_fn *fn, void *ctx);
/* Has the deliveries of one host, that of s itself, that failed since then sent again, as far as the forge does, except for those that came all the same. */
void send_missed(struct sender *s, int64_t since_ms, send_known_fn *known, send_missed_fn *fn, void *ctx);
/* An installation has other permissions or repositories now: what was given to us before says nothing. */
void send_changed(struct sender *s, int64_t installation);
/* Whether the forge can be reached again after a while in which it could not be: told once. */
bool send_was_away(struct sender *s);
/* Asks once more who we are there, and whether we have what we need; it is done at the start, too. What lacks is logged. */
void send_look(struct sender *s);
/* Appends what lacks, a line each. */
void send_troubles(struct sender *s, struct buf *out);
/* How much more may be written within the hour of what nobody waits for. */
int64_t send_room(struct sender *s, int64_t installation);
/* Appends lines of Prometheus' text format. */
void send_metrics(struct sender *s, struct buf *out);

#endif
