/*
 * installation - whom we act for at a forge, and their repositories.
 *
 * Ids are the forge's: they survive renames. Rows say whose they are by the host of its API. What happened to them may be told
 * late and twice: the forge's own times decide, and where they do not, the careful side (private, archived).
 */
#ifndef EKACI_STORE_INSTALLATION_H
#define EKACI_STORE_INSTALLATION_H

#include "store/store.h"

/* account may be NULL: not told, or as it was. state: "active", "suspended" or "deleted", from which nothing leads; NULL: as it
 * was, or active. */
must_check int store_installation_put(struct store *s, int64_t id, const char *account, const char *state, struct err *e);
/* The same with the forge's time of the change (0: not known): 1 when a later one was told, and nothing happened. */
must_check int store_installation_move(struct store *s, int64_t id, const char *account, const char *state, int64_t changed,
    struct err *e);
/* Its repositories, in a. */
must_check int store_installation_repositories(struct store *s, struct arena *a, int64_t id, struct ids *ret, struct err *e);

struct repository {
	int64_t id, installation;
	const char *owner, *name, *clone_url, *default_branch;
	bool is_private;
	bool is_archived;
	bool served;     /* something may be done for it: it and its installation are active. Not written */
	bool gone;       /* it was taken out of the installation, or deleted; or the installation was. Not written */
	bool lifted;     /* the event is that it was made public, or taken out of the archive; only written */
	int64_t changed; /* updated_at of what is known, the forge's clock; 0: not known */
	int64_t since;   /* when we were told that it, or its installation, is not served; our clock. Not written */
	int64_t links;   /* signed links that were made with another number are void. Not written */
};
/* What is older than what is known changes nothing, and what is no newer makes nothing public and nothing writable. */
must_check int store_repository_put(struct store *s, const struct repository *r, struct err *e);
/* 1 when there is none. */
must_check int store_repository_get(struct store *s, struct arena *a, int64_t id, struct repository *ret, struct err *e);
/* state: "active", "removed" (from the installation) or "deleted", from which nothing leads. listed: the forge's time of the
 * installation that says so, 0: not known. 1 when a later one was told, there is no such row, or it is another installation's. */
must_check int store_repository_move(struct store *s, int64_t id, int64_t installation, const char *state, int64_t listed,
    struct err *e);
/* Whether it is public is not known any more: the next event says. */
must_check int store_repository_hide(struct store *s, int64_t id, struct err *e);
/* Signed links to its pages stop opening. */
must_check int store_repository_revoke(struct store *s, int64_t id, struct err *e);
/* Those with live runs or commands that wait, in a. */
must_check int store_repositories_at_work(struct store *s, struct arena *a, struct ids *ret, struct err *e);
/* Deleted ones, and those of which nothing was heard since before, in a: what is kept of them can go. */
must_check int store_repositories_gone(struct store *s, struct arena *a, int64_t before, struct ids *ret, struct err *e);

#endif
