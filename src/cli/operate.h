/*
 * operate - what an operator says on the machine itself: `ekaci run`, `retry`, `rebuild`, `cancel`, `approve`.
 *
 * `run` only reads. The others write a command into the database, as a comment would, but one that no permission is asked
 * for: who can write there can do anything. The bot, when it runs, is woken; else it obeys when it starts.
 * Exit codes: 0, 1 there is no such run or repository, 2 it could not be done.
 */
#ifndef EKACI_CLI_OPERATE_H
#define EKACI_CLI_OPERATE_H

#include "records/operator_order.h"

int operate_run(int argc, char **argv);
int operate_retry(int argc, char **argv);
int operate_rebuild(int argc, char **argv);
int operate_cancel(int argc, char **argv);
int operate_approve(int argc, char **argv);

/* For cli/remote.c, which says the same to a bot elsewhere. "OWNER/REPO#NUMBER" becomes owner, repository and number, in a. */
must_check int operate_read_pull(struct arena *a, const char *text, struct order *ret, struct err *e);
void operate_say(const struct order_given *done);

#endif
