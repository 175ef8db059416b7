/*
 * request - the command lines of `ekaci diff`, `pr`, `explain ATTR` and `shell`, as a struct.
 */
#ifndef EKACI_CLI_REQUEST_H
#define EKACI_CLI_REQUEST_H

#include "config/config.h"
#include "support/text/usage.h"

extern const struct usage request_diff, request_pr, request_explain, request_shell;

enum request_command { ASKS_DIFF, ASKS_EXPLAIN, ASKS_PR, ASKS_SHELL, ASKS_LAST = ASKS_SHELL };

struct command_line {
	enum request_command of;
	const char *repo;        /* a folder in the repository */
	const char *base, *head; /* revisions as they were named, or NULL */
	bool three_dots;         /* BASE...HEAD: from where they parted */
	const char *pull;        /* a pull request's number or address, or NULL; with base and head NULL */
	const char *remote;      /* where it is, or NULL */
	const char *onto;        /* the branch it goes to, or NULL */
	const char *attr;        /* to be explained, or NULL */
	const char *run;         /* in the shell, or NULL */
	const char *format;      /* text, markdown, json or html */
	const char *jobs;        /* of --file or --flake: a list as in .ekaci/config.json, JSON; or NULL */
	const char *job_name;    /* of --job, or NULL */
	bool build, cost;        /* cost: what it would take is told */
	bool again;              /* again: what is there already, too, and compare */
	bool merge, ignore_rules, submodules, watch;
	bool first;      /* a first answer alone */
	bool restricted; /* --allowed-uris */
};

/* Reads the words behind `ekaci`; what is a setting goes into c, which has its defaults. Texts are argv's and a's. */
must_check int request_read(struct command_line *q, struct arena *a, struct settings *c, enum request_command of, int argc,
    char **argv, struct err *e);
/* What goes from stage to stage is JSON, which holds text only: ERR_INPUT when an argument, the folder or the cache's path
 * is not UTF-8. */
must_check int request_all_text(int argc, char **argv, struct err *e);

#endif
