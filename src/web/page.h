/*
 * page - what answers a GET: a handler fills a struct page, which becomes an answer.
 */
#ifndef EKACI_WEB_PAGE_H
#define EKACI_WEB_PAGE_H

#include "forge/forge.h"
#include "records/fields.h"
#include "records/operator_order.h"
#include "store/overview.h"
#include "store/store.h"
#include "support/text/values.h"
#include "web/asked.h"
#include "web/link.h"
#include "web/server.h"

enum { PAGE_MAX_BYTES = 16 * 1024 * 1024 };

/* What pages are made of. One for all of them: the ctx of the server. */
struct web_now; /* now.h */
struct page_sources {
	struct loop *l;
	struct store *s;
	const struct forge *forge;
	const struct links *links;
	const char *state_dir; /* holds runs/ID/... and logs/HASH-NAME */
	const char *store_dir; /* "/nix/store" */
	struct server *server;
	struct token_book *tokens; /* tokens.h */
	struct web_intake *intake; /* intake.h */
	struct live *live;         /* live.h */
	struct whys *whys;         /* ask_why.h */
	struct again *again;       /* again.h */
	/* See struct web_hooks; each may be NULL. */
	void (*figures)(void *ctx, struct buf *out);
	const char *(*not_ready)(void *ctx);
	void (*now)(void *ctx, struct arena *a, struct web_now *ret);
	void (*troubles)(void *ctx, struct buf *out);
	int (*order)(void *ctx, struct arena *a, const struct order *o, struct order_given *ret, struct err *e);
	void *hooks_ctx;
};

struct operator_token;
struct page {
	const struct page_sources *w;
	struct arena *a; /* of this request */
	struct MHD_Connection *mhd;
	const struct str *params;           /* of the request */
	const char *pattern;                /* of its route */
	const char *key;                    /* of the query, or NULL */
	const struct operator_token *token; /* that opens all, tokens.h; or NULL */
	/* filled by who says that the asker may see it */
	struct view_run *runs; /* the run, or those of the pull request, newest first, or those that want the build */
	size_t n_runs;
	struct view_build build;
	struct view_repository repository;
	const char *ending; /* that stood in the address: ".json"; or NULL */
	/* filled by the handler */
	bool varies;          /* with the header Accept */
	unsigned status;      /* 200 */
	const char *type;     /* "text/html; charset=utf-8" */
	const char *csp;      /* when the usual one does not do */
	const char *cache;    /* Cache-Control */
	const char *refresh;  /* seconds, or NULL */
	const char *location; /* with status 303: where it is; or NULL */
	struct buf body;
	struct MHD_Response *response; /* instead of body */
	const char *encoding;          /* of response, when it is packed */
	const char *etag;              /* of response; NULL: none. A body gets its own */
	/* filled by page.c */
	size_t n_bytes; /* of the body as it is sent */
	bool kept;      /* response is not ours to destroy */
};

/* 0 with the page filled, or -1: ERR_ABSENT becomes 404, ERR_DENIED 410 (there was a link, and it was revoked), ERR_BUSY and ERR_LIMIT
 * and ERR_SYSTEM 503, the rest 500. refuse.h says it. */
typedef int page_fn(struct page *p, struct err *e);
/* Of an answer whose body may be given again, when it is that of everybody: what it hangs on beside the rows and what is asked for, so
 * that another answer has another text. It is looked at before the answer is made. */
typedef void hangs_on_fn(struct page *p, struct buf *key);

/* In what form it is asked for. */
/* otherwise: where the header leaves it open. */
enum page_form page_form(struct page *p, enum page_form otherwise);
/* The parameter without an ending that names a form, which is noted. */
struct str page_without_ending(struct page *p, struct str param);
/* The body in that form. */
must_check int page_json(struct page *p, const struct fields *of, const void *value, struct err *e);
must_check int page_markdown(struct page *p, const char *name, const struct values *data, struct err *e);

/* `what` of a page's route. */
struct page_route {
	const char *method, *pattern;
	page_fn *may;          /* who may see it: ERR_ABSENT, as if it were not there, for others; NULL: everybody */
	page_fn *page;         /* NULL: another handler's */
	const char *verb;      /* of what orders.h takes; or NULL */
	hangs_on_fn *hangs_on; /* NULL: the answer is never given again (again.h) */
};
extern const struct handler page_handler;
/* Of what is made of rows alone. */
hangs_on_fn hangs_on_rows;

/* The value of an argument of the query; "" when it is not there. */
const char *page_argument(struct page *p, const char *name);
/* What the asker takes: "zstd", "gzip", or NULL: as it is. */
const char *page_encoding(struct MHD_Connection *mhd);
#endif
