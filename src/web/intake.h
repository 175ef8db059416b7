/*
 * intake - webhook deliveries on their way in: a body is hashed as it comes, and when its signature is good it waits, packed, for
 * those that came in the same turn of the loop: one commit for all of them, and then their answers. Nothing is parsed.
 */
#ifndef EKACI_WEB_INTAKE_H
#define EKACI_WEB_INTAKE_H

#include "forge/forge.h"
#include "store/store.h"
#include "web/server.h"

enum { INTAKE_MAX_BODIES = 256 * 1024 * 1024 /* all bodies being received; over it new ones get 503 */ };

struct web_intake;
/* All that is passed must outlive it. */
must_check int intake_start(struct store *s, const struct forge *forge, struct web_intake **ret, struct err *e);
void intake_stop(struct web_intake *in); /* after the server; NULL is fine */

/* By which one host's deliveries come in. */
struct intake_door {
	struct web_intake *in;
	const struct signature_keys *keys;
	int64_t host; /* number */
};
/* The handler of a webhook; `what` of its route is the door. */
extern const struct handler intake_handler;

size_t intake_waiting(const struct web_intake *in);
/* Commits all that wait and wakes them. */
void intake_commit(struct web_intake *in);
/* Whether something new is in the store since this was last asked. */
bool intake_added(struct web_intake *in);

struct intake_figures {
	int64_t stored, repeated, refused, failed, commits, largest_batch, commit_ns, commit_ns_max;
};
const struct intake_figures *intake_figures(const struct web_intake *in);

#endif
