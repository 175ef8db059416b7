/*
 * command - commands in comments: lines whose first token is "/ekaci" in any case, also with a comma or colon behind it.
 * Full stops, commas and the like at the end of a word are the sentence's.
 *
 * The comment is read as the Markdown that it is (cmark-gfm): what is shown as code, as a quotation or not at all (HTML
 * comments) does not count, nor what stands in raw HTML. Read are the first 16 KiB, up to a blank line, and not beyond a line
 * nested deeper than 100 quotes and lists; and at most COMMAND_MAX of them.
 */
#ifndef EKACI_FORGE_COMMAND_H
#define EKACI_FORGE_COMMAND_H

#include "support/base/err.h"
#include "support/base/str.h"

enum { COMMAND_MAX = 10 /* that one comment may give */ };

enum command_kind {
	COMMAND_REBUILD, /* args: none or "failed", "all", or attributes */
	COMMAND_EVAL,
	COMMAND_CANCEL,
	COMMAND_APPROVE,
	COMMAND_STATUS,
	COMMAND_EXPLAIN,
	COMMAND_PRIORITY, /* args: "high", "low" or "normal" */
	COMMAND_HELP,     /* also the bare word */
	COMMAND_UNKNOWN
};

struct comment_command {
	enum command_kind kind;
	const char *word;        /* as it was written; "" for the bare word */
	const char *const *args; /* printable, without spaces */
	size_t n_args;
};

/* The commands of a comment, in a. */
void command_read(struct arena *a, struct str body, const struct comment_command **ret, size_t *ret_n);
const char *command_name(enum command_kind kind);
/* It only asks something: nothing is different afterwards. */
bool command_only_asks(enum command_kind kind);
/* What somebody who wrote an unknown word may have meant: a command with its words ("rebuild failed"), by what other bots call it or by
 * how little is to be changed of it; NULL: nobody can tell. */
const char *command_meant(const char *word);

#endif
