/*
 * usage - what a command of this program takes, as a table: its help, its manual page, completion and the reading of its words
 * come from it, so that none of them says what another does not know.
 *
 * Texts are plain English without markup. `words` has paragraphs with an empty line between them, and lines that begin with a
 * blank, which stay as they are (at most 80 columns).
 */
#ifndef EKACI_SUPPORT_TEXT_USAGE_H
#define EKACI_SUPPORT_TEXT_USAGE_H

#include "support/base/err.h"
#include "support/base/str.h"

struct usage_option {
	const char *name;  /* with its dashes; NULL ends a list */
	const char *value; /* what follows it, a word each: "FILE", "NAME VALUE", "text|json"; NULL: nothing */
	const char *what;
	const char *group; /* a heading above this option, or NULL */
	const char *alias; /* a shorter name, or NULL */
	int means;         /* the command's own number of it */
};

struct usage_example {
	const char *line, *what; /* line: NULL ends a list */
};

/* What the words that are no options are, for completion. */
enum usage_words { USAGE_NOTHING, USAGE_FILES, USAGE_REVISIONS, USAGE_COMMANDS, USAGE_SHELLS };

struct usage {
	const char *name;
	const char *synopsis;               /* what follows the name, a line for each form */
	const char *what;                   /* one line */
	const char *words;                  /* more of them, or NULL */
	const struct usage_option *options; /* or NULL */
	const struct usage_example *examples;
	const char *good, *bad; /* what exit code 0 and 1 mean; NULL: it did what it was asked for, there is none */
	enum usage_words takes;
};

/* The help, at most 80 columns wide. */
void usage_help(const struct usage *u, struct buf *out);
/* Words with blanks or newlines between them, wrapped at 80 columns, each line but the first after so many blanks. column is
 * where the first begins. */
void usage_wrap(struct buf *out, const char *text, size_t indent, size_t column);
/* How many words follow an option. */
int usage_values(const struct usage_option *o);
/* The option of that name or alias, or NULL. */
const struct usage_option *usage_option(const struct usage *u, const char *name);

/*
 * Reads argv, word by word; begin with {.u, .argc, .argv, .at = 1}. USAGE_OPTION: .option, whose values are at .values; USAGE_WORD:
 * .values[0]; USAGE_END: no more. -1 (ERR_INPUT): there is no such option (and which one may be meant), or it lacks its values.
 * Options stand anywhere before "--"; NAME=VALUE is one that wants one value.
 */
struct usage_reader {
	const struct usage *u;
	int argc;
	char **argv;
	int at;
	bool words_only; /* behind "--" */
	const struct usage_option *option;
	char **values;
	char *of_equal; /* the value of NAME=VALUE */
};
enum { USAGE_OPTION, USAGE_WORD, USAGE_END };
must_check int usage_next(struct usage_reader *r, struct err *e);

#endif
