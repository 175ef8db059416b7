/* A request with a token becomes an order. */
#include "web/orders.h"

#include "records/operator_order.h"
#include "support/base/log.h"
#include "support/text/json.h"
#include "web/page.h"
#include "web/refuse.h"
#include "web/tokens.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

/* One order, from its headers to its answer: the state of its request. */
struct order_coming {
	struct arena a;
	char token[TOKEN_NAME + 1];
	char body[ORDERS_MAX_BODY];
	size_t n;
	bool too_large;
};

static enum MHD_Result
accepted(struct request *r, const char *json)
{
	struct MHD_Response *response =
	    MHD_create_response_from_buffer(strlen(json), (void *)(uintptr_t)json, MHD_RESPMEM_MUST_COPY);

	if (response == NULL)
		return MHD_NO;
	MHD_add_response_header(response, "Content-Type", "application/json");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(response, "Cache-Control", "no-store");
	enum MHD_Result rc = server_respond(r, 202, response);
	MHD_destroy_response(response);
	return rc;
}

static bool
is_json(const char *type)
{
	size_t n = strlen("application/json");

	return type != NULL && strncasecmp(type, "application/json", n) == 0 &&
	       (type[n] == '\0' || strchr("; \t", type[n]) != NULL);
}

/* Before anything of the body is taken. */
static enum MHD_Result
on_begin(struct request *r)
{
	struct page_sources *w = server_ctx(r->server);
	const struct operator_token *token;
	enum tokens_is is = tokens_ask(w->tokens, r->mhd, &token);

	if (is == TOKENS_TOO_MANY)
		return refuse_json(r, 429, "too many wrong tokens");
	if (is != TOKENS_GOOD)
		return refuse_json(r, 401,
		    is == TOKENS_NONE ? "a token is needed: Authorization: Bearer ekaci_..."
		                      : "this token is none of the bot's, or was revoked");
	if (MHD_lookup_connection_value(r->mhd, MHD_HEADER_KIND, "Origin") != NULL)
		return refuse_json(r, 403, "orders are not taken from pages in a browser");
	if (!is_json(MHD_lookup_connection_value(r->mhd, MHD_HEADER_KIND, "Content-Type")))
		return refuse_json(r, 415, "Content-Type must be application/json");
	if (!token->may_act)
		return refuse_json(r, 403, "this token only reads");
	if (!tokens_may_order(w->tokens, token))
		return refuse_json(r, 429, "too many orders by this token");
	struct order_coming *c = mem_alloc(sizeof(*c));
	*c = (struct order_coming){.n = 0};
	memcpy(c->token, token->name, sizeof(c->token));
	r->state = c;
	return MHD_YES;
}

static enum MHD_Result
on_data(struct request *r, struct str bytes)
{
	struct order_coming *c = r->state;

	if (c == NULL)
		return MHD_NO;
	c->too_large = c->too_large || bytes.n > sizeof(c->body) - c->n;
	if (!c->too_large) {
		memcpy(c->body + c->n, bytes.p, bytes.n);
		c->n += bytes.n;
	}
	return MHD_YES;
}

/* What the address and the body say. */
static int
read_order(struct request *r, struct order_coming *c, struct order *o, struct err *e)
{
	const struct page_route *route = r->route->what;
	struct order_body body = {0};
	struct str text = c->n > 0 ? (struct str){c->body, c->n} : STR("{}");

	*o = (struct order){.verb = route->verb, .words = strcmp(route->pattern, "/run/:id/rebuild") == 0 ? "[\"all\"]" : "[]"};
	if (fields_read(&order_body_fields, &c->a, text, "the body", &body, e) != 0)
		return -1;
	bool approves = strcmp(o->verb, "approve") == 0;
	if (str_to_i64(r->params[approves ? 2 : 0], approves ? &o->number : &o->run) != 0 || (o->run < 1 && o->number < 1))
		return fail(e, ERR_ABSENT, "that is no number");
	if (!approves)
		return 0;
	o->owner = str_dup(&c->a, r->params[0]);
	o->repository = str_dup(&c->a, r->params[1]);
	o->head = body.head;
	return 0;
}

static unsigned
status_of(const struct err *e)
{
	return e->kind == ERR_INPUT                          ? 400
	       : e->kind == ERR_ABSENT                       ? 404
	       : e->kind == ERR_BUSY || e->kind == ERR_LIMIT ? 503
	                                                     : 500;
}

static enum MHD_Result
on_end(struct request *r)
{
	const struct page_sources *w = server_ctx(r->server);
	struct order_coming *c = r->state;
	struct order_given done = {0};
	struct order o = {0};
	struct err e = {0};
	char *line = NULL;

	if (c == NULL) /* answered in on_begin */
		return MHD_NO;
	if (c->too_large)
		return refuse_json(r, 413, "the body is longer than 4096 bytes");
	int rc = read_order(r, c, &o, &e);
	if (rc == 0 && w->order == NULL)
		rc = fail(&e, ERR_BUSY, "the bot takes no orders now");
	if (rc == 0)
		rc = w->order(w->hooks_ctx, &c->a, &o, &done, &e);
	log_event(rc == 0 ? LOG_INFO : LOG_WARN, rc == 0 ? "order" : "order refused", LOG_TEXT("token", c->token),
	    LOG_TEXT("verb", o.verb), LOG_TEXT("repo", done.repository), LOG_NUMBER("run", o.run),
	    LOG_NUMBER("pr", o.run != 0 ? done.number : o.number), LOG_TEXT("head", done.head),
	    LOG_TEXT("why", rc != 0 ? e.msg : NULL));
	if (rc == 0)
		rc = fields_line(&order_given_fields, &c->a, &done, &line, &e);
	return rc != 0 ? refuse_json(r, status_of(&e), e.msg) : accepted(r, arena_printf(&c->a, "%s\n", line));
}

static void
on_release(struct request *r)
{
	struct order_coming *c = r->state;

	if (c == NULL)
		return;
	arena_release(&c->a);
	mem_free(&c);
}

const struct handler orders_handler = {on_begin, on_data, on_end, on_release};
