/*
 * link - signed links: who has one may see the pages of that pull request.
 *
 * The key in an address is a MAC over repository, number and how often links of the repository were revoked, by a key derived
 * from the secret of its host's webhook; links made under the previous secret still open.
 */
#ifndef EKACI_WEB_LINK_H
#define EKACI_WEB_LINK_H

#include "forge/signature.h"

struct links;
struct links *links_new(void);
/* The keys by which links to repositories of that host are made (store/hosts.h). */
must_check int links_add(struct links *l, int64_t host, const struct signature_keys *keys, struct err *e);
void links_free(struct links *l);

/* Whose pages: the repository, and its number of revocations. */
struct link_of {
	int64_t repository, revoked, number;
};
/* "?key=..."; "" where its host has no keys. */
const char *link_suffix(struct arena *a, const struct links *l, const struct link_of *of);
bool link_ok(const struct links *l, const struct link_of *of, const char *key); /* key may be NULL */

#endif
