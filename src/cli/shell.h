/*
 * shell - a folder with what a change built, and a shell in it: `ekaci shell`.
 */
#ifndef EKACI_CLI_SHELL_H
#define EKACI_CLI_SHELL_H

#include "support/base/err.h"
#include "support/base/str.h"

struct shell_wish {
	const char *dir;      /* a folder that is to be made, and goes when the caller has it go */
	const char *repo;     /* the user's repository */
	const char *report;   /* report.json: what was added or rebuilt, and what became of it */
	const char *markdown; /* report.md */
	const char *run;      /* a command instead of an interactive shell, or NULL */
};

/* Fetches what is not there yet, links results/ATTR, keeps it from Nix's collector, runs the shell: its exit code. ERR_ABSENT: nothing
 * was added or rebuilt, or none of it is there. */
must_check int shell_open(struct arena *a, const struct shell_wish *w, int *ret_code, struct err *e);

#endif
