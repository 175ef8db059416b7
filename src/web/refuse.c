/* A table of statuses, and three forms to say them in. */
#include "web/refuse.h"

#include "records/page_told.h"
#include "support/base/log.h"
#include "support/text/template.h"
#include "web/asked.h"

#include <string.h>

enum { MAX_BYTES = 64 * 1024 };

static const struct saying {
	unsigned status;
	const char *words;
	const char *next[2];
} sayings[] = {
    {400, "This request is not as it should be",
        {"What is wrong stands above; /openapi.json describes what each address takes."}},
    {401, "This address wants a token",
        {"Public pages want none: leave the header Authorization away. For orders and for what is private, who operates the bot makes "
         "one with `ekaci token add NAME` on its machine."}},
    {403, "This is not allowed",
        {"Asking again will not help. Orders are sent by programs, not by pages, with a token that was made without --read-only on the bot's "
         "machine."}},
    {404, "This page is not there",
        {"A run, a log or a pull request is kept for a while after it ended and then goes; the comment and the checks on the pull request "
         "stay. The address may also have a typing error: the first page leads everywhere.",
            "A page of a private repository opens only by the link in its check run or comment, with its key: if you have part of such an "
            "address, follow the link itself."}},
    {405, "This address does not take that method",
        {"A page is read with GET; orders are sent with POST, and what takes them stands in /openapi.json. The header Allow of this answer "
         "names what this address takes."}},
    {410, "This link was revoked",
        {"It opened pages of a private repository until somebody revoked its links. The check run and the comment of the pull request have "
         "the new one."}},
    {413, "This request is too long", {"An order is a few words; /openapi.json describes it."}},
    {415, "This is no JSON", {"Send it with the header Content-Type: application/json."}},
    {429, "Too many requests", {"Wait a minute before the next one, as the header Retry-After says."}},
    {500, "This went wrong on our side",
        {"It is not your doing, and asking again will hardly help. It stands in the log of the bot, where who operates it finds it "
         "(`journalctl -u ekaci`)."}},
    {503, "Not available now",
        {"The bot cannot answer just now: it is starting, its disk is full, or it has too much to do. Nothing is lost by it. Try again in "
         "a minute; who operates it finds the reason at /readyz."}},
};

static const struct saying *
saying_of(unsigned status)
{
	for (size_t i = 0; i < COUNT(sayings); i++)
		if (sayings[i].status == status)
			return &sayings[i];
	return &sayings[COUNT(sayings) - 2]; /* what nobody foresaw went wrong */
}

static void
add_headers(struct request *r, unsigned status, const char *type, struct MHD_Response *response)
{
	const char *method = r->route != NULL ? r->route->method : "GET";

	asked_headers(response, type, asked_csp, "no-store");
	MHD_add_response_header(response, "Vary", "Accept");
	if (status == 401)
		MHD_add_response_header(response, "WWW-Authenticate", "Bearer");
	if (status == 503 || status == 429)
		MHD_add_response_header(response, "Retry-After", "60");
	if (status == 405)
		MHD_add_response_header(response, "Allow", strcmp(method, "GET") == 0 ? "GET, HEAD" : method);
}

/* Those who wanted events read the status; the words are there for people who look. */
static enum page_form
form_of(struct request *r)
{
	enum page_form form = asked_form(str_of(r->path), r->mhd, PAGE_HTML);

	return form == PAGE_EVENTS ? PAGE_TEXT : form;
}

static int
write_html(const struct saying *of, unsigned status, const char *words, const char *template, struct buf *out, struct err *e)
{
	AUTO(arena_release) struct arena a = {0};
	struct values *data = values_new(&a);
	struct value_list *next = value_list_new(&a);

	for (size_t i = 0; i < COUNT(of->next) && of->next[i] != NULL; i++) {
		struct values *o = values_new(&a);
		values_text(o, "what", of->next[i]);
		value_list_group(next, o);
	}
	values_number(data, "status", (int64_t)status);
	values_text(data, "words", words);
	values_text(data, "title", words);
	values_list(data, "next", next);
	values_flag(data, "busy", status == 503);
	return template_render(template, data, out, e);
}

static int
write_json(const struct saying *of, unsigned status, const char *words, struct buf *out, struct err *e)
{
	AUTO(arena_release) struct arena a = {0};
	const char *more = of->next[1];
	const struct refusal_told told = {words, (int64_t)status,
	    arena_printf(&a, "%s%s%s", of->next[0], more != NULL ? " " : "", more != NULL ? more : "")};

	if (fields_write(&refusal_fields, &told, out, e) != 0)
		return -1;
	buf_putc(out, '\n');
	return 0;
}

static enum MHD_Result
answer(struct request *r, unsigned status, const char *said, enum page_form form)
{
	static const struct {
		const char *type, *template;
	} forms[] = {[PAGE_HTML] = {"text/html; charset=utf-8", "error.html"},
	    [PAGE_JSON] = {"application/json", NULL},
	    [PAGE_MARKDOWN] = {"text/markdown; charset=utf-8", "pages/error.md"},
	    [PAGE_TEXT] = {"text/plain; charset=utf-8", "pages/error.md"}};
	const struct saying *of = saying_of(status);
	const char *words = said != NULL ? said : of->words, *type = forms[form].type;
	AUTO(buf_release) struct buf out;
	struct err e;

	buf_init(&out, MAX_BYTES);
	int rc = form == PAGE_JSON ? write_json(of, status, words, &out, &e)
	                           : write_html(of, status, words, forms[form].template, &out, &e);
	if (rc != 0) {
		log_err(LOG_ERROR, "error page", &e);
		buf_drop(&out, out.n);
		buf_puts(&out, words);
		type = "text/plain; charset=utf-8";
	}
	struct MHD_Response *response = MHD_create_response_from_buffer(out.n, out.p, MHD_RESPMEM_MUST_COPY);
	if (response == NULL)
		return MHD_NO;
	add_headers(r, status, type, response);
	enum MHD_Result done = server_respond(r, status, response);
	MHD_destroy_response(response);
	return done;
}

enum MHD_Result
refuse(struct request *r, unsigned status, const char *words)
{
	return answer(r, status, words, form_of(r));
}

enum MHD_Result
refuse_json(struct request *r, unsigned status, const char *words)
{
	return answer(r, status, words, PAGE_JSON);
}
