/* Pages that were made just now: a few places, looked through. */
#include "web/again.h"

#include "support/base/clock.h"
#include "support/base/mem.h"

#include <string.h>

enum { KEPT = 8, KEPT_MS = 250 };

struct kept_page {
	char *key; /* NULL: none */
	int64_t version, made_ms;
	struct MHD_Response *response;
	char *etag, *type, *csp, *cache;
	struct made told;
};

struct again {
	struct kept_page all[KEPT];
};

static void
forget(struct kept_page *x)
{
	if (x->key == NULL)
		return;
	MHD_destroy_response(x->response);
	mem_free(&x->key);
	mem_free(&x->etag);
	mem_free(&x->type);
	mem_free(&x->csp);
	mem_free(&x->cache);
	*x = (struct kept_page){0};
}

struct again *
again_new(void)
{
	return mem_alloc(sizeof(struct again));
}

void
again_free(struct again *g)
{
	if (g == NULL)
		return;
	for (size_t i = 0; i < KEPT; i++)
		forget(&g->all[i]);
	mem_free(&g);
}

const struct made *
again_find(struct again *g, const char *key, int64_t version)
{
	const struct made *found = NULL;
	int64_t now = clock_mono_ms();

	for (size_t i = 0; i < KEPT; i++) {
		struct kept_page *x = &g->all[i];
		if (x->key == NULL || x->version != version || now - x->made_ms >= KEPT_MS)
			forget(x);
		else if (strcmp(x->key, key) == 0)
			found = &x->told;
	}
	return found;
}

/* A free place, else that of the oldest. */
static struct kept_page *
place_in(struct again *g)
{
	struct kept_page *oldest = &g->all[0];

	for (size_t i = 0; i < KEPT; i++) {
		if (g->all[i].key == NULL)
			return &g->all[i];
		if (g->all[i].made_ms < oldest->made_ms)
			oldest = &g->all[i];
	}
	forget(oldest);
	return oldest;
}

void
again_keep(struct again *g, const char *key, int64_t version, const struct made *m)
{
	struct kept_page *x = place_in(g);

	*x = (struct kept_page){.key = mem_strdup(key),
	    .version = version,
	    .made_ms = clock_mono_ms(),
	    .response = m->response,
	    .etag = mem_strdup(m->etag),
	    .type = mem_strdup(m->type),
	    .csp = mem_strdup(m->csp),
	    .cache = mem_strdup(m->cache)};
	x->told = (struct made){x->response, x->etag, x->type, x->csp, x->cache};
}
