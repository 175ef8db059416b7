/*
 * page - what answers a GET: a handler fills a struct page, which becomes an answer.
 */
#ifndef EKACI_WEB_PAGE_H
#define EKACI_WEB_PAGE_H

#include "forge/forge.h"
#include "store/overview.h"
#include "store/store.h"
#include "web/link.h"
#include "web/server.h"

enum { PAGE_MAX_BYTES = 16 * 1024 * 1024 };

/* What pages are made of. One for all of them: the ctx of the server. */
struct page_sources {
	struct loop *l;
	struct store *s;
	const struct forge *forge;
	const struct links *links;
	const char *state_dir; /* holds runs/ID/... and logs/HASH-NAME */
	const char *store_dir; /* "/nix/store" */
	struct server *server;
	struct web_intake *intake; /* intake.h */
	struct logs *logs;         /* build_log.h */
	/* See struct web_hooks; each may be NULL. */
	void (*figures)(void *ctx, struct buf *out);
	const char *(*not_ready)(void *ctx);
	void (*troubles)(void *ctx, struct buf *out);
	void *hooks_ctx;
};

struct page {
	const struct page_sources *w;
	struct arena *a; /* of this request */
	struct MHD_Connection *mhd;
	const struct str *params; /* of the request */
	const char *key;          /* of the query, or NULL */
	/* filled by who says that the asker may see it */
	struct view_run *runs; /* the run, or those of the pull request, newest first, or those that want the build */
	size_t n_runs;
	struct view_build build;
	struct view_repository repository;
	/* filled by the handler */
	unsigned status;     /* 200 */
	const char *type;    /* "text/html; charset=utf-8" */
	const char *csp;     /* when the usual one does not do */
	const char *cache;   /* Cache-Control */
	const char *refresh; /* seconds, or NULL */
	struct buf body;
	struct MHD_Response *response; /* instead of body */
};

/* 0 with the page filled, or -1: ERR_ABSENT becomes 404, ERR_BUSY and ERR_LIMIT 503, the rest 500. */
typedef int page_fn(struct page *p, struct err *e);

/* `what` of a page's route. */
struct page_route {
	const char *method, *pattern;
	page_fn *may;  /* who may see it: ERR_ABSENT, as if it were not there, for others; NULL: everybody */
	page_fn *page; /* NULL: another handler's */
};
extern const struct handler page_handler;

/* A short answer in words: the server's hook. */
enum MHD_Result page_refuse(struct request *r, unsigned status, const char *words);

#endif
