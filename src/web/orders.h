/*
 * orders - what an operator tells the bot from elsewhere: POST with a token, answered with JSON.
 *
 *   POST /run/ID/retry, /run/ID/rebuild, /run/ID/cancel      what `ekaci retry`, `rebuild`, `cancel` do on the bot's machine
 *   POST /OWNER/REPO/pull/NUMBER/approve                     {"head": "COMMIT"} or {}: the head that it has now
 *
 *   202 it is in the database (struct order_given); 400 the body or the head is wrong; 401 no token, or none of ours; 403 a token that only
 *   reads, or a page of somebody else's in a browser; 404 no such run; 413, 415 the body is too long, or not called JSON; 429 too many
 *
 * No cookie is ever looked at, so no page elsewhere can give an order in somebody's name. It is written down all the same: a browser
 * says Origin with every such request, and may not send "application/json" or Authorization elsewhere without being allowed, which we
 * never say; what has an Origin is refused. Each order is a line of the log, with the token's name.
 */
#ifndef EKACI_WEB_ORDERS_H
#define EKACI_WEB_ORDERS_H

#include "web/server.h"

enum { ORDERS_MAX_BODY = 4096 };

/* `what` of its routes is a struct page_route with a verb; the server's ctx is a struct page_sources. */
extern const struct handler orders_handler;

#endif
