/*
 * refuse - an answer that is no page: what is wrong, and what to do next, in the form that was asked for (templates/error.html, error.md;
 * as JSON the schema Refusal of templates/openapi.json).
 */
#ifndef EKACI_WEB_REFUSE_H
#define EKACI_WEB_REFUSE_H

#include "web/server.h"

/* words: what is wrong; NULL: what the status says. Nothing of them is from outside. This is the server's hook. */
enum MHD_Result refuse(struct request *r, unsigned status, const char *words);
/* The same as JSON whatever was asked for; words may be from outside. */
enum MHD_Result refuse_json(struct request *r, unsigned status, const char *words);

#endif
