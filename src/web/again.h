/*
 * again - a page that was made just now is given again: to whoever asks for the same in the same way, while no row has changed since and
 * for a quarter of a second at most (what hangs on the clock, or is under way in memory, changes no row). Many readers then cost what one
 * does, and deliveries wait for one page and not for thirty.
 *
 * Here are the places alone: eight, of pages that stay below the caller's limit (page.c, 128 KiB: a MiB at most). Who may see a page, and
 * what its answer hangs on, is the caller's to know.
 */
#ifndef EKACI_WEB_AGAIN_H
#define EKACI_WEB_AGAIN_H

#include <microhttpd.h>
#include <stdint.h>

/* With all its headers; type, csp and cache are of those. */
struct made {
	struct MHD_Response *response;
	const char *etag, *type, *csp, *cache;
};

struct again;
struct again *again_new(void);
void again_free(struct again *g);
/* What was made for this key when the rows had this version (store_version), until the next call; NULL: nothing. What is of another
 * version, or old, is forgotten. */
const struct made *again_find(struct again *g, const char *key, int64_t version);
/* Copies the texts; the response is ours from here on: whoever sends it meanwhile holds it by itself (libmicrohttpd counts). The page is
 * none that is there already, as again_find has just told. */
void again_keep(struct again *g, const char *key, int64_t version, const struct made *m);

#endif
