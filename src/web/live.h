/*
 * live - answers that go on while something goes on: a log that grows, a run.
 *
 * An answer that waits is a suspended connection; all that wait are looked at twice a second, by calling their reader again. There are
 * at most LIVE_MAX at a time. Whoever answers asks each time whether the asker may see it still, and ends when not.
 */
#ifndef EKACI_WEB_LIVE_H
#define EKACI_WEB_LIVE_H

#include "web/page.h"

enum { LIVE_MAX = 64, LIVE_MS = 500, LIVE_STILL_MS = 15 * 1000 /* a proxy ends what says nothing for long */ };

/* One of them, within the state of its answer. */
struct live_one {
	struct live_one *prev, *next;
	struct live *of; /* NULL: it has not joined */
	struct MHD_Connection *mhd;
	bool waiting;
	bool ended; /* the bot stops: nothing may wait any more */
};

struct live *live_new(struct loop *l);
/* Whose connections they are. */
void live_serve(struct live *l, struct server *server);
/* Lets go of all of them; they must not be suspended when the server stops. NULL is fine, as below. */
void live_end(struct live *l);
void live_free(struct live *l); /* after the server */

/* false: there are too many. */
bool live_join(struct live *l, struct live_one *one, struct MHD_Connection *mhd);
/* Suspends the connection until it is looked at again; the reader then gives no bytes. */
void live_wait(struct live_one *one);
/* Its answer is over. One that has not joined is fine. */
void live_leave(struct live_one *one);

/* How a stream of events is sent. The response is made. */
void live_headers(struct page *p);

/* The page of a run as events: "data: {...}" when something of it is new, "event: end" when it has ended. p->runs[0] is the run. */
page_fn live_run;

#endif
