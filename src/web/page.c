/* How an answer is made of what a handler filled. */
#include "web/page.h"

#include "support/base/log.h"
#include "support/text/template.h"

#include <string.h>

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

static const char usual_csp[] =
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none';"
    " form-action 'self'; frame-ancestors 'none'";

enum MHD_Result
page_refuse(struct request *r, unsigned status, const char *words)
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
		MHD_add_response_header(response, "Allow",
		    strcmp(r->route->method, "GET") == 0 ? "GET, HEAD" : r->route->method);
	enum MHD_Result rc = server_respond(r, status, response);
	MHD_destroy_response(response);
	return rc;
}

static enum MHD_Result
failed(struct request *r, const struct err *e)
{
	if (e->kind == ERR_ABSENT || e->kind == ERR_INPUT)
		return page_refuse(r, 404, "not found");
	log_err(LOG_ERROR, r->route->pattern, e);
	return e->kind == ERR_BUSY || e->kind == ERR_LIMIT ? page_refuse(r, 503, "not available now")
	                                                   : page_refuse(r, 500, "this went wrong on our side");
}

static enum MHD_Result
on_end(struct request *r)
{
	AUTO(arena_release) struct arena a = {0};
	const struct page_route *route = r->route->what;
	struct page p = {.w = server_ctx(r->server),
	    .a = &a,
	    .mhd = r->mhd,
	    .params = r->params,
	    .status = 200,
	    .type = "text/html; charset=utf-8",
	    .csp = usual_csp,
	    .cache = "no-cache"};
	struct err e = {0};

	p.key = MHD_lookup_connection_value(r->mhd, MHD_GET_ARGUMENT_KIND, "key");
	buf_init(&p.body, PAGE_MAX_BYTES);
	if ((route->may != NULL && route->may(&p, &e) != 0) || route->page(&p, &e) != 0) {
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
		return page_refuse(r, 503, "not available now");
	add_headers(p.response, p.type, p.csp, p.key != NULL ? "private, no-store" : p.cache);
	if (p.refresh != NULL)
		MHD_add_response_header(p.response, "Refresh", p.refresh);
	enum MHD_Result rc = server_respond(r, p.status, p.response);
	MHD_destroy_response(p.response);
	return rc;
}

const struct handler page_handler = {.end = on_end};
