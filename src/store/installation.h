/*
 * installation - whom we act for at a forge, and their repositories.
 *
 * Ids are the forge's: they survive renames. Rows say whose they are by the host of its API.
 */
#ifndef EKACI_STORE_INSTALLATION_H
#define EKACI_STORE_INSTALLATION_H

#include "store/store.h"

/* The host of the one forge that the settings name: what is put from now on is its, and so is what is there, also where it was
 * another's, for a server may move. A store that was not told writes ''. */
must_check int store_host(struct store *s, const char *host, struct err *e);

/* state: "active", "suspended" or "deleted". account may be NULL: not told, or as it was. */
must_check int store_installation_put(struct store *s, int64_t id, const char *account, const char *state, struct err *e);

struct repository {
	int64_t id, installation;
	const char *owner, *name, *clone_url, *default_branch;
	bool is_private;
};
must_check int store_repository_put(struct store *s, const struct repository *r, struct err *e);
/* 1 when there is none. */
must_check int store_repository_get(struct store *s, struct arena *a, int64_t id, struct repository *ret, struct err *e);

#endif
