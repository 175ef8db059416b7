/* How an answer is made of what a handler filled. */
#include "web/page.h"

#include "support/base/log.h"
#include "support/text/metric.h"
#include "support/text/template.h"
#include "web/again.h"
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
	p->n_bytes = p->body.n;
	p->response = MHD_create_response_from_buffer(p->body.n, p->body.p, MHD_RESPMEM_MUST_FREE);
	p->body = (struct buf){0};
}

static bool
is_private(const struct page *p)
{
	return p->key != NULL || p->token != NULL;
}

static void
add_all_headers(struct page *p)
{
	asked_headers(p->response, p->type, p->csp, is_private(p) ? "private, no-store" : p->cache);
	if (p->varies)
		MHD_add_response_header(p->response, "Vary", "Accept");
	if (p->refresh != NULL)
		MHD_add_response_header(p->response, "Refresh", p->refresh);
	MHD_add_response_header(p->response, "Vary", "Accept-Encoding");
	if (p->etag != NULL)
		MHD_add_response_header(p->response, "ETag", p->etag);
	if (p->encoding != NULL)
		MHD_add_response_header(p->response, "Content-Encoding", p->encoding);
	if (p->location != NULL)
		MHD_add_response_header(p->response, "Location", p->location);
}

/* What the asker has already is not sent again. */
static enum MHD_Result
respond(struct request *r, struct page *p)
{
	const char *has = MHD_lookup_connection_value(p->mhd, MHD_HEADER_KIND, "If-None-Match");

	if (p->etag == NULL || has == NULL || strstr(has, p->etag) == NULL)
		return server_respond(r, p->status, p->response);
	struct MHD_Response *nothing = MHD_create_response_from_buffer(0, "", MHD_RESPMEM_PERSISTENT);
	if (nothing == NULL)
		return server_respond(r, p->status, p->response);
	asked_headers(nothing, p->type, p->csp, is_private(p) ? "private, no-store" : p->cache);
	MHD_add_response_header(nothing, "ETag", p->etag);
	MHD_add_response_header(nothing, "Vary", "Accept-Encoding");
	enum MHD_Result rc = server_respond(r, 304, nothing);
	MHD_destroy_response(nothing);
	return rc;
}

/* --- given again -------------------------------------------------------------------------------------------------- */

enum { MAX_KEY = 8192, MAX_KEPT_BYTES = 128 * 1024 };

/* With its length, so that no text can be taken for two others; NULL is none of them. */
static void
put_part(struct buf *key, const char *text, size_t n)
{
	if (text == NULL) {
		buf_puts(key, "-;");
		return;
	}
	buf_printf(key, "%zu:", n);
	buf_add(key, text, n);
}

static enum MHD_Result
put_argument(void *ctx, enum MHD_ValueKind kind, const char *name, const char *value)
{
	(void)kind;
	put_part(ctx, name, strlen(name));
	put_part(ctx, value, value != NULL ? strlen(value) : 0);
	return MHD_YES;
}

void
hangs_on_rows(struct page *p, struct buf *key)
{
	(void)p;
	(void)key;
}

/* All that an answer hangs on but the rows and the clock; NULL: it is given to nobody else. */
static const char *
key_of(struct page *p, const struct page_route *route)
{
	static const char *const headers[] = {"Accept", "Accept-Encoding"};
	AUTO(buf_release) struct buf key;

	buf_init(&key, MAX_KEY);
	put_part(&key, p->pattern, strlen(p->pattern));
	for (size_t i = 0; i < SERVER_MAX_PARAMS; i++)
		put_part(&key, p->params[i].p, p->params[i].n);
	for (size_t i = 0; i < COUNT(headers); i++) {
		const char *value = MHD_lookup_connection_value(p->mhd, MHD_HEADER_KIND, headers[i]);
		put_part(&key, value, value != NULL ? strlen(value) : 0);
	}
	buf_puts(&key, "of the query ");
	MHD_get_connection_values(p->mhd, MHD_GET_ARGUMENT_KIND, put_argument, &key);
	buf_puts(&key, "; besides ");
	route->hangs_on(p, &key);
	return key.over || memchr(key.p, '\0', key.n) != NULL ? NULL : arena_strn(p->a, key.p, key.n);
}

static bool
give_again(struct page *p, const char *key, int64_t version)
{
	const struct made *m = key != NULL ? again_find(p->w->again, key, version) : NULL;

	if (m == NULL)
		return false;
	metric_add(METRIC_PAGES_AGAIN, NULL, NULL, 1);
	p->response = m->response;
	p->etag = arena_strdup(p->a, m->etag);
	p->type = arena_strdup(p->a, m->type);
	p->csp = arena_strdup(p->a, m->csp);
	p->cache = arena_strdup(p->a, m->cache);
	return p->kept = true;
}

static void
keep(struct page *p, const char *key, int64_t version)
{
	if (key == NULL || version == 0 || p->status != 200 || p->n_bytes == 0 || p->n_bytes > MAX_KEPT_BYTES)
		return;
	const struct made m = {p->response, p->etag, p->type, p->csp, p->cache};
	again_keep(p->w->again, key, version, &m);
	p->kept = true;
}

/* The page's own function, and an answer of what it filled. */
static int
make_answer(struct page *p, const struct page_route *route, struct err *e)
{
	buf_init(&p->body, PAGE_MAX_BYTES);
	int rc = route->page(p, e);
	if (rc == 0 && p->response == NULL && !p->body.over)
		answer_with_body(p);
	buf_release(&p->body);
	if (rc == 0 && p->response != NULL)
		add_all_headers(p);
	return rc;
}

/*
 * The page, made or given again; with p->response NULL it was too long. What somebody sees by a key or a token is made for him alone, and
 * whoever asks is asked first whether he may. The rows' version is that of before anything was read: what changes meanwhile makes
 * another one.
 */
static int
find_answer(struct page *p, const struct page_route *route, struct err *e)
{
	int64_t version = route->hangs_on != NULL && !is_private(p) ? store_version(p->w->s) : 0;

	if (route->may != NULL && route->may(p, e) != 0)
		return -1;
	const char *key = version != 0 ? key_of(p, route) : NULL;
	if (give_again(p, key, version))
		return 0;
	if (make_answer(p, route, e) != 0)
		return -1;
	if (p->response != NULL)
		keep(p, key, version);
	return 0;
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
	const struct operator_token *token;
	enum tokens_is asker = tokens_ask(p.w->tokens, r->mhd, &token);
	if (asker == TOKENS_WRONG || asker == TOKENS_TOO_MANY)
		return asker == TOKENS_WRONG ? refuse(r, 401, "This token is none of the bot's, or was revoked")
		                             : refuse(r, 429, "Too many wrong tokens");
	p.token = asker == TOKENS_GOOD ? token : NULL;
	p.key = MHD_lookup_connection_value(r->mhd, MHD_GET_ARGUMENT_KIND, "key");
	struct err e = {0};
	if (find_answer(&p, route, &e) != 0)
		return failed(r, &e);
	if (p.response == NULL)
		return refuse(r, 503, NULL);
	enum MHD_Result rc = respond(r, &p);
	if (!p.kept)
		MHD_destroy_response(p.response);
	return rc;
}

const struct handler page_handler = {.end = on_end};
