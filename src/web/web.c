/* THE TABLE of addresses, and the parts of the server put together. */
#include "web/web.h"

#include "web/ask_why.h"
#include "web/build_log.h"
#include "web/dashboard.h"
#include "web/failures.h"
#include "web/forms.h"
#include "web/intake.h"
#include "web/live.h"
#include "web/log_page.h"
#include "web/metrics.h"
#include "web/orders.h"
#include "web/pages.h"
#include "web/pulls.h"
#include "web/refuse.h"
#include "web/tokens.h"

#include <stdarg.h>
#include <stdio.h>

static const struct page_route table[] = {
    {"POST", "/webhook", NULL, NULL, NULL}, /* intake.h; whoever signs may */
    {"GET", "/", NULL, page_index, NULL},
    {"GET", "/index.json", NULL, page_index, NULL},
    {"GET", "/index.md", NULL, page_index, NULL},
    {"GET", "/openapi.json", NULL, page_asset, NULL},
    {"GET", "/llms.txt", NULL, page_asset, NULL},
    {"GET", "/run/:id", may_see_run, forms_run, NULL},
    {"POST", "/run/:id/retry", NULL, NULL, "rebuild"},
    {"POST", "/run/:id/rebuild", NULL, NULL, "rebuild"},
    {"POST", "/run/:id/cancel", NULL, NULL, "cancel"},
    {"POST", "/:owner/:repo/pull/:number/approve", NULL, NULL, "approve"},
    {"GET", "/run/:id/failures", may_see_run, page_failures, NULL},
    {"GET", "/run/:id/failures.json", may_see_run, page_failures, NULL},
    {"GET", "/run/:id/failures.md", may_see_run, page_failures, NULL},
    {"GET", "/run/:id/:file", may_see_run, page_run_file, NULL},
    {"GET", "/run/:id/row/:row", may_see_run, page_row, NULL},
    {"GET", "/run/:id/row/:row/why", may_see_run, page_why, NULL},
    {"GET", "/drv/:drv", may_see_build, forms_drv, NULL},
    {"GET", "/log/:drv", may_see_build, page_log, NULL},
    {"GET", "/badge/:owner/:repo.svg", may_see_repository, page_badge, NULL},
    {"GET", "/:owner/:repo/pull/:number", may_see_pull, page_pull, NULL},
    {"GET", "/:owner/:repo/pulls", may_see_repository, page_pulls, NULL},
    {"GET", "/:owner/:repo/pulls.json", may_see_repository, page_pulls, NULL},
    {"GET", "/:owner/:repo/pulls.md", may_see_repository, page_pulls, NULL},
    {"GET", "/style.css", NULL, page_asset, NULL},
    {"GET", "/run.js", NULL, page_asset, NULL},
    {"GET", "/log.js", NULL, page_asset, NULL},
    {"GET", "/favicon.svg", NULL, page_asset, NULL},
    {"GET", "/favicon.ico", NULL, page_asset, NULL},                     /* browsers ask for it whatever a page says */
    {"GET", "/:owner/:repo", may_see_repository, page_repository, NULL}, /* after all that look like it */
    {"GET", "/metrics", NULL, page_metrics, NULL},
    {"GET", "/healthz", NULL, page_health, NULL},
    {"GET", "/readyz", NULL, page_ready, NULL},
};

struct web {
	struct page_sources sources; /* first: handlers get it as the server's ctx */
	struct web_hooks hooks;
	struct web_door {
		struct intake_door door; /* of the host */
		struct signature_keys *keys;
		const char *pattern;
	} * doors;
	size_t n_doors;
	struct links *links;
	struct arena a;       /* of the patterns */
	struct route *routes; /* the table's, and a webhook for each host but the first */
	size_t n_routes;
	const char *url; /* of the settings, or NULL */
};

static size_t
waiting(void *ctx)
{
	const struct web *w = ctx;

	return intake_waiting(w->sources.intake);
}

static void
settle(void *ctx)
{
	const struct web *w = ctx;

	intake_commit(w->sources.intake);
}

static void
settled(void *ctx)
{
	const struct web *w = ctx;

	if (intake_added(w->sources.intake) && w->hooks.on_delivery != NULL)
		w->hooks.on_delivery(w->hooks.ctx);
}

static void
make_routes(struct web *w)
{
	w->routes = mem_realloc(NULL, COUNT(table) + w->n_doors, sizeof(*w->routes));
	/* Before what looks like an owner and a repository. */
	for (size_t i = 1; i < w->n_doors; i++)
		w->routes[w->n_routes++] = (struct route){"POST", w->doors[i].pattern, &intake_handler, &w->doors[i].door};
	for (size_t i = 0; i < COUNT(table); i++) {
		const struct page_route *r = &table[i];
		const void *what = r;
		const struct handler *by = r->page != NULL   ? &page_handler
		                           : r->verb != NULL ? &orders_handler
		                                             : &intake_handler;
		if (by == &intake_handler)
			what = &w->doors[0].door;
		w->routes[w->n_routes++] = (struct route){r->method, r->pattern, by, what};
	}
}

static int
make_doors(struct web *w, const struct web_settings *settings, struct err *e)
{
	w->doors = mem_alloc((settings->n_hosts + 1) * sizeof(*w->doors));
	for (size_t i = 0; i < settings->n_hosts; i++) {
		const struct web_host *h = &settings->hosts[i];
		struct web_door *d = &w->doors[w->n_doors];
		if (signature_keys_new(h->secret, h->previous_secret, &d->keys, e) != 0)
			return -1;
		w->n_doors++;
		d->door = (struct intake_door){w->sources.intake, d->keys, h->number};
		d->pattern = arena_printf(&w->a, "/webhook/%s", h->name);
		if (links_add(w->links, h->number, d->keys, e) != 0)
			return -1;
	}
	return w->n_doors > 0 ? 0 : fail(e, ERR_INPUT, "there is no host whose deliveries could come");
}

static int
start_parts(struct web *w, const struct web_settings *settings, struct err *e)
{
	struct page_sources *from = &w->sources;
	const struct server_hooks hooks = {refuse, waiting, settle, settled, w};

	w->links = links_new();
	if (intake_start(from->s, settings->forge, &from->intake, e) != 0 || make_doors(w, settings, e) != 0)
		return -1;
	from->links = w->links;
	from->live = live_new(from->l);
	from->tokens = token_book_new(from->state_dir);
	from->whys = whys_new(from->l);
	make_routes(w);
	if (server_start(from->l, settings->listen, settings->given_fd, settings->request_ms, w->routes, w->n_routes, &hooks,
	        &from->server, e) != 0)
		return -1;
	live_serve(from->live, from->server);
	whys_serve(from->whys, from->server);
	return 0;
}

int
web_start(struct loop *l, struct store *s, const struct web_settings *settings, const struct web_hooks *hooks, struct web **ret,
    struct err *e)
{
	struct web *w = mem_alloc(sizeof(*w));

	*w = (struct web){.hooks = *hooks, .url = settings->url};
	w->sources = (struct page_sources){.l = l,
	    .s = s,
	    .forge = settings->forge,
	    .state_dir = settings->state_dir,
	    .store_dir = settings->store_dir != NULL ? settings->store_dir : "/nix/store",
	    .figures = hooks->figures,
	    .not_ready = hooks->not_ready,
	    .now = hooks->now,
	    .troubles = hooks->troubles,
	    .order = hooks->order,
	    .hooks_ctx = hooks->ctx};
	if (start_parts(w, settings, e) != 0) {
		web_stop(w);
		return -1;
	}
	*ret = w;
	return 0;
}

void
web_stop(struct web *w)
{
	if (w == NULL)
		return;
	/* What is suspended is resumed first: libmicrohttpd wants that of whoever stops it. */
	live_end(w->sources.live);
	whys_end(w->sources.whys);
	if (w->sources.server != NULL)
		server_stop(w->sources.server);
	live_free(w->sources.live);
	whys_free(w->sources.whys);
	intake_stop(w->sources.intake);
	links_free(w->links);
	token_book_free(w->sources.tokens);
	for (size_t i = 0; i < w->n_doors; i++)
		signature_keys_free(w->doors[i].keys);
	mem_free(&w->doors);
	mem_free(&w->routes);
	arena_release(&w->a);
	mem_free(&w);
}

int
web_port(const struct web *w)
{
	return server_port(w->sources.server);
}

const char *
web_url(const struct web *w)
{
	return w->url != NULL ? w->url : server_address(w->sources.server);
}

char *
web_link(struct arena *a, const struct web *w, const struct repository *of, int64_t number, const char *path_format, ...)
{
	const struct link_of to = {of->id, of->links, number};
	char path[1024];
	va_list ap;

	va_start(ap, path_format);
	vsnprintf(path, sizeof(path), path_format, ap);
	va_end(ap);
	return arena_printf(a, "%s%s%s", web_url(w), path, of->is_private ? link_suffix(a, w->links, &to) : "");
}
