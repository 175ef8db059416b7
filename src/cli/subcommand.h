/*
 * subcommand - THE TABLE of commands (cli.c): what `ekaci help`, COMMAND --help, manual pages and completion say, and what is run.
 */
#ifndef EKACI_CLI_SUBCOMMAND_H
#define EKACI_CLI_SUBCOMMAND_H

#include "support/text/usage.h"

struct subcommand {
	const struct usage *usage;
	int (*run)(int argc, char **argv); /* argv[0] is the command's name; gives the exit code */
	const char *group;                 /* a heading above it in the list, or NULL */
	bool remote;                       /* a bot elsewhere can be asked, too (remote.h) */
	bool reads;                        /* it reads its options itself; else only those of the table come to it */
};
extern const struct subcommand subcommands[];
extern const size_t subcommands_n;

/* NULL: there is none, which was said on standard error. */
const struct subcommand *subcommand_named(const char *name);

/* A manual page in mdoc: of a command, or of all (NULL). */
void manual_page(const struct subcommand *c, const char *version, struct buf *out);

/* `ekaci completion SHELL`: a script for bash, zsh or fish on standard output. */
int completion_main(int argc, char **argv);

#endif
