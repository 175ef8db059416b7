/*
 * giving - gives the bot what an operator tells it to do: a row of `command`, which is obeyed as one of a comment, and nobody is asked for
 * permission. Who gives it was asked before: by the owner of the database, the bot's socket, or a token.
 */
#ifndef EKACI_WALK_GIVING_H
#define EKACI_WALK_GIVING_H

#include "records/operator_order.h"
#include "store/store.h"

/* What is left to whoever calls: to wake the bot, and ret->told. ERR_ABSENT: there is no such run or pull request; ERR_INPUT: head is
 * none, or not the pull request's. Texts in a. */
must_check int order_give(struct store *s, struct arena *a, const struct order *o, struct order_given *ret, struct err *e);

#endif
