/*
 * web - the bot's HTTP server: webhook deliveries in, pages out.
 *
 * It runs inside the loop, with no thread of its own. A delivery is answered 202 when it is durable and not before:
 * those that arrive in one turn of the loop are committed together and answered together. Nothing is parsed before the
 * answer; on_delivery tells that there is work.
 *
 *   POST /webhook, /webhook/NAME
 *                   202 stored; 200 known GUID, nothing stored; 400 headers missing or malformed; 401 signature missing
 *                   or wrong; 413 over 25 MiB; 503 cannot be stored now (GitHub keeps it among the failed deliveries)
 *   GET, HEAD       the table in web.c
 *   POST, others    orders of operators: orders.h
 *
 * Pages of private repositories open only with a key in the address, as web_link makes it; without it they are not
 * there (404); an operator's token (tokens.h) opens all. A key opens the pages of one pull request, until links of its repository are revoked. Keys are derived from the
 * webhook secret of the host that the repository is at. Of repositories that nobody tells us of any more (taken away, suspended, deleted) there are no pages.
 *
 * server.h is the engine, which knows none of this; intake.h, page.h and the pages behind it are its users.
 */
#ifndef EKACI_WEB_WEB_H
#define EKACI_WEB_WEB_H

#include "forge/forge.h"
#include "records/operator_order.h"
#include "store/installation.h"
#include "store/store.h"
#include "support/os/loop.h"
#include "web/activity.h"

/* Who sends deliveries: to /webhook the first, to /webhook/NAME another. */
struct web_host {
	const char *name;           /* "": the first */
	int64_t number;             /* store/hosts.h */
	struct str secret;          /* of its webhook; empty is an error */
	struct str previous_secret; /* empty: none */
};

/* The texts must outlive the server, but for the secrets, which are not kept. */
struct web_settings {
	const struct forge *forge;    /* whose deliveries come */
	const struct web_host *hosts; /* the first is number 0 */
	size_t n_hosts;
	const char *listen;    /* "127.0.0.1:3030", "[::1]:3030"; port 0 takes a free one */
	int given_fd;          /* a socket that listens already, instead; 0 or -1: none. It is the server's then */
	const char *url;       /* as seen from outside, without a final slash; NULL: http://LISTEN */
	const char *state_dir; /* holds runs/ID/... and logs/HASH-NAME */
	const char *store_dir; /* NULL: /nix/store */
	int64_t request_ms;    /* 0: SERVER_REQUEST_MS; for tests */
};

struct web_hooks {
	void (*on_delivery)(void *ctx); /* at least one new delivery is in the store */
	/* Appends lines of Prometheus' text format: what other modules measure. NULL: none. */
	void (*figures)(void *ctx, struct buf *out);
	/* Why the bot cannot work at the moment, for /readyz; NULL (or a hook that is NULL): it can. */
	const char *(*not_ready)(void *ctx);
	/* What is going on, for the first page. NULL: nothing is known. */
	void (*now)(void *ctx, struct arena *a, struct web_now *ret);
	void *ctx;
	/* Appends to /readyz what it works without, a line each; it may be read by anybody. NULL: none. */
	void (*troubles)(void *ctx, struct buf *out);
	/* Does what an operator with a token says, see walk/giving.h. NULL: no orders are taken. */
	int (*order)(void *ctx, struct arena *a, const struct order *o, struct order_given *ret, struct err *e);
};

struct web;
must_check int web_start(struct loop *l, struct store *s, const struct web_settings *settings, const struct web_hooks *hooks,
    struct web **ret, struct err *e);
/* Stops listening and drops all connections. Before loop_free and store_close. NULL is fine. */
void web_stop(struct web *w);
int web_port(const struct web *w);
/* settings.url, or the address it listens on. */
const char *web_url(const struct web *w);

/* The address of a page about a pull request, for reports: web_link(a, w, repository, number, "/run/%lld", id). With the key
 * where the repository is private. */
char *web_link(struct arena *a, const struct web *w, const struct repository *of, int64_t number, const char *path_format, ...)
    __attribute__((format(printf, 5, 6)));

#endif
