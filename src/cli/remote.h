/*
 * remote - commands that ask or tell a bot elsewhere, over what its /openapi.json describes: `ekaci --url https://BOT status`.
 *
 * Where: --url before or behind the command, or EKACI_URL (not where --config names a bot of this machine). As whom: a token of
 * `ekaci token add`, from --token-file or EKACI_TOKEN, never from a command line; sent by https only, or within this machine, and never
 * to where an answer would lead us. Without one, what is public is there.
 * Exit codes as beside the bot: 1 there is no such run or build, 2 it could not be done.
 */
#ifndef EKACI_CLI_REMOTE_H
#define EKACI_CLI_REMOTE_H

#include "cli/subcommand.h"

/* What stood before the command, or NULL. */
struct remote_where {
	const char *url, *token_file;
};
/* Takes --url and --token-file from the beginning of argv, which is then shorter; -1, said on standard error, when a value lacks. */
must_check int remote_take(int *argc, char **argv, struct remote_where *ret);
/* Whether a bot elsewhere is meant. */
bool remote_is_meant(const struct subcommand *c, const struct remote_where *where, int argc, char **argv);
int remote_main(const struct subcommand *c, const struct remote_where *where, int argc, char **argv);
int remote_only(int argc, char **argv); /* of a command that is for a bot elsewhere, and none was named: says so, 2 */

#endif
