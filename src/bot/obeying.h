/*
 * obeying - what a command does once it is known whose it is. Private to this folder: commands.c finds that out.
 *
 * Each is to be called in a transaction; what is said becomes a row of what is wanted at the forge.
 */
#ifndef EKACI_BOT_OBEYING_H
#define EKACI_BOT_OBEYING_H

#include "bot/parts.h"
#include "records/fields.h"
#include "walk/flow.h"

/* A command, and what is known of it. */
struct asked {
	const struct bot_parts *p;
	struct flow *flow;
	struct arena a;
	struct store_command command;
	struct repository repo;
	struct pull_request pr;
	const char *permission; /* of its author there; NULL: not known */
	const char *present;    /* the head at the forge a moment ago, or NULL: nobody asked */
	bool closed;            /* there */
	struct texts words;
	const char *answer; /* to `explain`, made by a worker; or NULL */
};

/* A reaction to the comment, as GitHub names it ("+1"), and a reply (NULL: none). A button and a label have no comment: they have a
 * reply where nothing is done for them. The operator has neither. */
void obeying_react(const struct asked *q, const char *content, const char *reply);
/* Whether the person may have this done. */
bool obeying_may(const struct asked *q);
/* What gives leave: an approval, and a rebuild of names, which builds them also where nobody has approved. */
bool obeying_gives_leave(const struct asked *q);
/* A label that asked for something was obeyed, or refused: it is taken off, so that it can be set again. */
must_check int obeying_take_label_off(const struct asked *q, struct err *e);
/* Does what the command asks, and takes its label off. *ret_outcome is a word for its row in the database, which ends it; -1 with e means that nothing
 * was done and that it is to be tried again. */
must_check int obeying_do(struct asked *q, const char **ret_outcome, struct err *e);

#endif
