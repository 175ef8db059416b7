/* Forms and headers. */
#include "web/asked.h"

#include <string.h>

const char asked_csp[] =
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none';"
    " form-action 'self'; frame-ancestors 'none'";

void
asked_headers(struct MHD_Response *response, const char *type, const char *csp, const char *cache)
{
	MHD_add_response_header(response, "Content-Type", type);
	MHD_add_response_header(response, "Content-Security-Policy", csp);
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
	MHD_add_response_header(response, "X-Frame-Options", "DENY");
	MHD_add_response_header(response, "Cache-Control", cache);
}

static const struct {
	const char *ending, *type;
	enum page_form form;
} forms[] = {
    {".json", "application/json", PAGE_JSON},
    {".md", "text/markdown", PAGE_MARKDOWN},
    {".txt", "text/plain", PAGE_TEXT},
    {".html", "text/html", PAGE_HTML},
    {NULL, "text/event-stream", PAGE_EVENTS},
};

/* The weight of one range of Accept ("text/html;q=0.8"), in thousandths. */
static int
weight(struct str parameters)
{
	while (parameters.p != NULL) {
		struct str one = str_trim(str_cut(parameters, ';', &parameters));
		if (str_starts(one, STR("q=0")))
			return one.n > 4 && one.p[4] >= '0' && one.p[4] <= '9' ? 100 * (one.p[4] - '0') : 0;
	}
	return 1000;
}

/* What the header Accept wants most of what there is. */
static enum page_form
accepted(struct MHD_Connection *mhd, enum page_form otherwise)
{
	struct str rest = str_of(MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, "Accept"));
	enum page_form best = otherwise;
	int most = 0;

	while (rest.n > 0) {
		struct str parameters, type = str_trim(str_cut(str_trim(str_cut(rest, ',', &rest)), ';', &parameters));
		int w = weight(parameters);
		for (size_t i = 0; i < COUNT(forms); i++) {
			if (!str_is(type, forms[i].type) || w <= most)
				continue;
			best = forms[i].form;
			most = w;
		}
	}
	return best;
}

const char *
asked_ending(struct str path)
{
	for (size_t i = 0; i < COUNT(forms); i++)
		if (forms[i].ending != NULL && str_ends(path, str_of(forms[i].ending)))
			return forms[i].ending;
	return NULL;
}

enum page_form
asked_form(struct str path, struct MHD_Connection *mhd, enum page_form otherwise)
{
	for (size_t i = 0; i < COUNT(forms); i++)
		if (forms[i].ending != NULL && str_ends(path, str_of(forms[i].ending)))
			return forms[i].form;
	return accepted(mhd, otherwise);
}
