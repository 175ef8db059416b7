/* THE TABLE of addresses, and how an answer is made of what a handler filled. */
#include "web/page.h"

#include "support/base/log.h"
#include "support/text/json.h"
#include "support/text/template.h"

#include <string.h>

static const struct route routes[] = {
    {"/webhook", "POST", NULL},
    {"/", "GET", page_index},
    {"/run/:id", "GET", page_run},
    {"/run/:id/:file", "GET", page_run_file},
    {"/drv/:drv", "GET", page_drv},
    {"/log/:drv", "GET", page_log},
    {"/badge/:owner/:repo.svg", "GET", page_badge},
    {"/:owner/:repo/pull/:number", "GET", page_pull},
    {"/style.css", "GET", page_style},
    {"/metrics", "GET", page_metrics},
    {"/healthz", "GET", page_health},
    {"/readyz", "GET", page_ready},
};

/* Nothing else may stand in a parameter, so that it can be part of a file's name. */
static bool
param_ok(struct str s)
{
	if (s.n == 0 || s.n > 256 || str_is(s, ".") || str_is(s, ".."))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		        (c != '\0' && strchr("._+?=-", c) != NULL)))
			return false;
	}
	return true;
}

static bool
matches(struct str pattern, struct str path, struct str params[PAGE_MAX_PARAMS])
{
	size_t n = 0;

	while (pattern.p != NULL && path.p != NULL) {
		struct str want = str_cut(pattern, '/', &pattern), got = str_cut(path, '/', &path);
		if (want.n == 0 || want.p[0] != ':') {
			if (!str_eq(want, got))
				return false;
			continue;
		}
		const char *ending = memchr(want.p, '.', want.n);
		if (ending != NULL) {
			struct str tail = {ending, want.n - (size_t)(ending - want.p)};
			if (!str_ends(got, tail))
				return false;
			got.n -= tail.n;
		}
		if (!param_ok(got) || n == PAGE_MAX_PARAMS)
			return false;
		params[n++] = got;
	}
	return pattern.p == NULL && path.p == NULL;
}

const struct route *
route_find(const char *path, struct str params[PAGE_MAX_PARAMS])
{
	for (size_t i = 0; i < COUNT(routes); i++)
		if (matches(str_of(routes[i].pattern), str_of(path), params))
			return &routes[i];
	return NULL;
}

static void
add_headers(struct MHD_Response *response, const char *type, const char *csp, const char *cache)
{
	MHD_add_response_header(response, "Content-Type", type);
	MHD_add_response_header(response, "Content-Security-Policy", csp);
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
	MHD_add_response_header(response, "X-Frame-Options", "DENY");
	MHD_add_response_header(response, "Cache-Control", cache);
}

static const char usual_csp[] = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none';"
                                " frame-ancestors 'none'";

enum MHD_Result
route_error(struct request *r, unsigned status, const char *words)
{
	AUTO(buf_release) struct buf out;
	AUTO(arena_release) struct arena a = {0};
	struct values *data = values_new(&a);
	const char *type = "text/html; charset=utf-8";
	struct err e;

	values_number(data, "status", (int64_t)status);
	values_text(data, "words", words);
	values_text(data, "title", words);
	buf_init(&out, PAGE_MAX_BYTES);
	if (template_render("error.html", data, &out, &e) != 0) {
		log_err(LOG_ERROR, "error page", &e);
		buf_drop(&out, out.n);
		buf_puts(&out, words);
		type = "text/plain; charset=utf-8";
	}
	struct MHD_Response *response = MHD_create_response_from_buffer(out.n, out.p, MHD_RESPMEM_MUST_COPY);
	if (response == NULL)
		return MHD_NO;
	add_headers(response, type, usual_csp, "no-store");
	if (status == 405)
		MHD_add_response_header(response, "Allow", r->route->page == NULL ? "POST" : "GET, HEAD");
	enum MHD_Result rc = web_respond(r, status, response);
	MHD_destroy_response(response);
	return rc;
}

static enum MHD_Result
failed(struct request *r, const struct err *e)
{
	if (e->kind == ERR_ABSENT || e->kind == ERR_INPUT)
		return route_error(r, 404, "not found");
	log_err(LOG_ERROR, r->route->pattern, e);
	return e->kind == ERR_BUSY || e->kind == ERR_LIMIT ? route_error(r, 503, "not available now")
	                                                   : route_error(r, 500, "this went wrong on our side");
}

enum MHD_Result
route_answer(struct request *r, const char *path)
{
	AUTO(arena_release) struct arena a = {0};
	struct page p = {.w = r->w,
	    .a = &a,
	    .mhd = r->mhd,
	    .status = 200,
	    .type = "text/html; charset=utf-8",
	    .csp = usual_csp,
	    .cache = "no-cache"};
	struct err e = {0};

	p.key = MHD_lookup_connection_value(r->mhd, MHD_GET_ARGUMENT_KIND, "key");
	buf_init(&p.body, PAGE_MAX_BYTES);
	if (route_find(path, p.params) != r->route || r->route->page(&p, &e) != 0) {
		buf_release(&p.body);
		return failed(r, &e);
	}
	if (p.response == NULL && !p.body.over) {
		/* The bytes are libmicrohttpd's from here on: it frees them. */
		p.response = MHD_create_response_from_buffer(p.body.n, p.body.p, MHD_RESPMEM_MUST_FREE);
		p.body = (struct buf){0};
	}
	buf_release(&p.body);
	if (p.response == NULL)
		return route_error(r, 503, "not available now");
	add_headers(p.response, p.type, p.csp, p.key != NULL ? "private, no-store" : p.cache);
	if (p.refresh != NULL)
		MHD_add_response_header(p.response, "Refresh", p.refresh);
	enum MHD_Result rc = web_respond(r, p.status, p.response);
	MHD_destroy_response(p.response);
	return rc;
}
