/* asked - in what form something is asked for, and what every answer says of itself. */
#ifndef EKACI_WEB_ASKED_H
#define EKACI_WEB_ASKED_H

#include "support/base/str.h"

#include <microhttpd.h>

/* By the ending of its address (.json, .md, .txt, .html), else by the header Accept. */
enum page_form { PAGE_HTML, PAGE_JSON, PAGE_MARKDOWN, PAGE_TEXT, PAGE_EVENTS };
/* otherwise: where the header leaves it open. */
enum page_form asked_form(struct str path, struct MHD_Connection *mhd, enum page_form otherwise);
/* The ending that names a form, or NULL. */
const char *asked_ending(struct str path);

extern const char asked_csp[]; /* Content-Security-Policy of nearly all */
/* cache: Cache-Control. */
void asked_headers(struct MHD_Response *response, const char *type, const char *csp, const char *cache);

#endif
