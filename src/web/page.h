/* page - what answers a GET: the table's handlers and what they fill. Private to this folder. */
#ifndef EKACI_WEB_PAGE_H
#define EKACI_WEB_PAGE_H

#include "web/server.h"

enum { PAGE_MAX_PARAMS = 4, PAGE_MAX_BYTES = 16 * 1024 * 1024 };

struct page {
	struct web *w;
	struct arena *a; /* of this request */
	struct MHD_Connection *mhd;
	struct str params[PAGE_MAX_PARAMS]; /* what stands at the ":" of the pattern; nothing but [A-Za-z0-9._+?=-] */
	const char *key;                    /* of the query, or NULL */
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

struct route {
	const char *pattern; /* segments; ":x" takes any one, ":x.svg" one that ends so */
	const char *method;  /* "GET" means HEAD, too */
	page_fn *page;       /* NULL: the webhook */
};

/* The route of a path, its parameters filled; NULL when there is none. */
const struct route *route_find(const char *path, struct str params[PAGE_MAX_PARAMS]);
/* Runs the handler of r->route and answers. path as it came. */
enum MHD_Result route_answer(struct request *r, const char *path);
/* A short answer in words. */
enum MHD_Result route_error(struct request *r, unsigned status, const char *words);

/* The build that params[0] (HASH-NAME) names, when its asker may see it; ERR_ABSENT otherwise. */
struct view_build;
must_check int page_find_build(struct page *p, struct view_build *ret, struct err *e);

/* Handlers, by file. */
page_fn page_index, page_pull, page_run, page_drv, page_badge; /* pages.c */
page_fn page_run_file, page_style, page_health, page_ready;    /* pages.c */
page_fn page_metrics;                                          /* metrics.c */
page_fn page_log;                                              /* log.c */

#endif
