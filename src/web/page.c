/* How an answer is made of what a handler filled. */
#include "web/page.h"

#include "support/base/log.h"
#include "support/text/template.h"
#include "web/asked.h"
#include "web/refuse.h"
#include "web/tokens.h"

#include <openssl/sha.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

struct str
page_without_ending(struct page *p, struct str param)
{
	const char *ending = asked_ending(param);

	if (ending == NULL)
		return param;
	p->ending = ending;
	param.n -= strlen(ending);
	return param;
}

enum page_form
page_form(struct page *p, enum page_form otherwise)
{
	p->varies = true;
	return asked_form(str_of(p->ending != NULL ? p->ending : ""), p->mhd, otherwise);
}

int
page_json(struct page *p, const struct fields *of, const void *value, struct err *e)
{
	p->type = "application/json";
	if (fields_write(of, value, &p->body, e) != 0)
		return -1;
	buf_putc(&p->body, '\n');
	return 0;
}

int
page_markdown(struct page *p, const char *name, const struct values *data, struct err *e)
{
	p->type = "text/markdown; charset=utf-8";
	return template_render(name, data, &p->body, e);
}

static enum MHD_Result
failed(struct request *r, const struct err *e)
{
	if (e->kind == ERR_ABSENT || e->kind == ERR_INPUT)
		return refuse(r, 404, NULL);
	if (e->kind == ERR_DENIED)
		return refuse(r, 410, NULL);
	log_err(LOG_ERROR, r->route->pattern, e);
	bool later = e->kind == ERR_BUSY || e->kind == ERR_LIMIT || e->kind == ERR_SYSTEM;
	return refuse(r, later ? 503 : 500, NULL);
}

/* --- packed, and not sent twice ----------------------------------------------------------------------------------- */

enum { WORTH_PACKING = 1400, ZSTD_LEVEL = 1, GZIP_LEVEL = 1 }; /* a page of 100 rows takes a millisecond */

const char *
page_argument(struct page *p, const char *name)
{
	const char *value = MHD_lookup_connection_value(p->mhd, MHD_GET_ARGUMENT_KIND, name);

	return value != NULL ? value : "";
}

/* Whether a list of encodings has this one, and not with q=0. */
static bool
takes(const char *header, const char *name)
{
	for (struct str rest = str_of(header); rest.n > 0;) {
		struct str params, one = str_trim(str_cut(str_cut(rest, ',', &rest), ';', &params));
		if (str_is(one, name))
			return !str_is(str_trim(params), "q=0");
	}
	return false;
}

const char *
page_encoding(struct MHD_Connection *mhd)
{
	const char *header = MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, "Accept-Encoding");

	return header == NULL ? NULL : takes(header, "zstd") ? "zstd" : takes(header, "gzip") ? "gzip" : NULL;
}

static size_t
pack_gzip(const struct buf *body, char *to, size_t room)
{
	z_stream z = {.next_in = (unsigned char *)body->p,
	    .avail_in = (unsigned)body->n,
	    .next_out = (unsigned char *)to,
	    .avail_out = (unsigned)room};

	if (deflateInit2(&z, GZIP_LEVEL, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK)
		return 0;
	int rc = deflate(&z, Z_FINISH);
	size_t n = z.total_out;
	deflateEnd(&z);
	return rc == Z_STREAM_END ? n : 0;
}

/* The body in fewer bytes; left as it is when that does not pay. */
static void
pack(struct page *p, const char *encoding)
{
	bool zstd = strcmp(encoding, "zstd") == 0;
	size_t room = zstd ? ZSTD_compressBound(p->body.n) : p->body.n;
	char *packed = mem_alloc(room);
	size_t n = zstd ? ZSTD_compress(packed, room, p->body.p, p->body.n, ZSTD_LEVEL) : pack_gzip(&p->body, packed, room);

	if (n == 0 || (zstd && ZSTD_isError(n)) || n >= p->body.n) {
		mem_free(&packed);
		return;
	}
	buf_release(&p->body);
	p->body = (struct buf){.p = packed, .n = n, .cap = room, .max = room};
	p->encoding = encoding;
}

/* The bytes are libmicrohttpd's from here on: it frees them. */
static void
answer_with_body(struct page *p)
{
	const char *encoding = page_encoding(p->mhd);
	unsigned char digest[SHA256_DIGEST_LENGTH];
	char hex[2 * 16 + 1];

	if (p->status == 200) {
		SHA256((const unsigned char *)p->body.p, p->body.n, digest);
		str_hex(digest, 16, hex);
		p->etag = arena_printf(p->a, "W/\"%s\"", hex);
	}
	if (encoding != NULL && p->body.n >= WORTH_PACKING && strncmp(p->type, "image/", 6) != 0)
		pack(p, encoding);
	p->response = MHD_create_response_from_buffer(p->body.n, p->body.p, MHD_RESPMEM_MUST_FREE);
	p->body = (struct buf){0};
}

/* What depends on the asker: an answer that he has already is not sent again. */
static void
add_variant(struct page *p)
{
	const char *has = MHD_lookup_connection_value(p->mhd, MHD_HEADER_KIND, "If-None-Match");

	MHD_add_response_header(p->response, "Vary", "Accept-Encoding");
	if (p->etag != NULL && has != NULL && strstr(has, p->etag) != NULL) {
		struct MHD_Response *nothing = MHD_create_response_from_buffer(0, "", MHD_RESPMEM_PERSISTENT);
		if (nothing == NULL)
			return;
		asked_headers(nothing, p->type, p->csp, p->key != NULL || p->token != NULL ? "private, no-store" : p->cache);
		MHD_add_response_header(nothing, "ETag", p->etag);
		MHD_add_response_header(nothing, "Vary", "Accept-Encoding");
		MHD_destroy_response(p->response);
		p->response = nothing;
		p->status = 304;
		return;
	}
	if (p->etag != NULL)
		MHD_add_response_header(p->response, "ETag", p->etag);
	if (p->encoding != NULL)
		MHD_add_response_header(p->response, "Content-Encoding", p->encoding);
	if (p->location != NULL)
		MHD_add_response_header(p->response, "Location", p->location);
}

static enum MHD_Result
on_end(struct request *r)
{
	if (server_turn_is_long(r->server)) {
		server_postpone(r);
		return MHD_YES;
	}
	AUTO(arena_release) struct arena a = {0};
	const struct page_route *route = r->route->what;
	struct page p = {.w = server_ctx(r->server),
	    .a = &a,
	    .mhd = r->mhd,
	    .params = r->params,
	    .pattern = route->pattern,
	    .status = 200,
	    .type = "text/html; charset=utf-8",
	    .csp = asked_csp,
	    .cache = "no-cache"};
	struct err e = {0};

	const struct operator_token *token;
	enum tokens_is asker = tokens_ask(p.w->tokens, r->mhd, &token);
	if (asker == TOKENS_WRONG || asker == TOKENS_TOO_MANY)
		return asker == TOKENS_WRONG ? refuse(r, 401, "This token is none of the bot's, or was revoked")
		                             : refuse(r, 429, "Too many wrong tokens");
	p.token = asker == TOKENS_GOOD ? token : NULL;
	p.key = MHD_lookup_connection_value(r->mhd, MHD_GET_ARGUMENT_KIND, "key");
	buf_init(&p.body, PAGE_MAX_BYTES);
	if ((route->may != NULL && route->may(&p, &e) != 0) || route->page(&p, &e) != 0) {
		buf_release(&p.body);
		return failed(r, &e);
	}
	if (p.response == NULL && !p.body.over)
		answer_with_body(&p);
	buf_release(&p.body);
	if (p.response == NULL)
		return refuse(r, 503, NULL);
	asked_headers(p.response, p.type, p.csp, p.key != NULL || p.token != NULL ? "private, no-store" : p.cache);
	if (p.varies)
		MHD_add_response_header(p.response, "Vary", "Accept");
	if (p.refresh != NULL)
		MHD_add_response_header(p.response, "Refresh", p.refresh);
	add_variant(&p);
	enum MHD_Result rc = server_respond(r, p.status, p.response);
	MHD_destroy_response(p.response);
	return rc;
}

const struct handler page_handler = {.end = on_end};
