/*
 * lists - what stands at GitHub, page by page, and deliveries that failed.
 *
 * Lists are questions of an installation's lane; a tag makes them conditional, and a 304 costs nothing of the budget. Deliveries are the
 * App's own: asked with its JWT, one request after the other and a second apart.
 */
#ifndef EKACI_FORGE_GITHUB_LISTS_H
#define EKACI_FORGE_GITHUB_LISTS_H

#include "forge/github/client.h"

void github_list(struct sender *s, const struct forge_wanted *wanted, send_list_fn *fn, void *ctx);
void github_missed(struct sender *s, int64_t since_ms, send_known_fn *known, send_missed_fn *fn, void *ctx);
/* Whoever waits for the latter is told ERR_BUSY. */
void lists_stop(struct client *c);

#endif
