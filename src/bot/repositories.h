/*
 * repositories - which repositories the bot works for, and what becomes of its work when they change.
 *
 * An event of a repository goes through repositories_learn first. deploy/repositories.md has the table of what happens to work, checks,
 * pages and what is stored.
 */
#ifndef EKACI_BOT_REPOSITORIES_H
#define EKACI_BOT_REPOSITORIES_H

#include "bot/parts.h"
#include "walk/flow.h"

/* Writes down what the event says of its repository, and what follows from it. 1: nothing is to be done for this repository,
 * *ret_why says why, for people; *ret_again: but may be again, so what its pull requests are is still written down. */
must_check int repositories_learn(const struct bot_parts *p, struct flow *f, struct arena *a, const struct event *ev,
    const char **ret_why, bool *ret_again, struct err *e);
/* What the event started waits until something may be done again. */
must_check int repositories_put_off(struct flow *f, const struct event *ev, const char *why, struct err *e);
/* The App was installed, suspended, given back or taken away; repositories were added or removed. */
must_check int repositories_of_installation(const struct bot_parts *p, struct flow *f, struct arena *a, const struct event *ev,
    struct err *e);
/* On start: work for what the settings leave out by now ends. */
must_check int repositories_check(const struct bot_parts *p, struct flow *f, struct err *e);

#endif
