/*
 * ask_why - the page that explains a row: what differs in its derivation, base and head side by side, inputs followed.
 *
 * A worker reads the difference and the derivations while the answer waits; at most WHY_AT_ONCE of them are at work, more are told to come
 * again (503).
 */
#ifndef EKACI_WEB_ASK_WHY_H
#define EKACI_WEB_ASK_WHY_H

#include "web/page.h"

enum { WHY_AT_ONCE = 2, WHY_MAX_BYTES = 400 * 1000 };

struct whys;
struct whys *whys_new(struct loop *l);
void whys_serve(struct whys *w, struct server *server);
/* Nothing waits afterwards; workers that are still there tell nobody. Before server_stop. NULL is fine. */
void whys_end(struct whys *w);
void whys_free(struct whys *w); /* after server_stop */

/* name: of the attribute, as reports have it. data: what templates/why.html shows besides; it is rendered when the answer is there. */
must_check int why_answer(struct page *p, int64_t run, const char *name, struct values *data, struct err *e);

#endif
