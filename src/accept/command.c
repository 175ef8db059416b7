/* Commands in comments: lines that begin with /ekaci. */
#include "accept/accept.h"

#include "support/text/json.h"

#include <string.h>
#include <strings.h>

enum { MAX_ARGS = 100, MAX_ARG = 1000 };

static const struct {
	const char *word;
	enum command_kind kind;
} words[] = {
    {"rebuild", COMMAND_REBUILD},
    {"eval", COMMAND_EVAL},
    {"cancel", COMMAND_CANCEL},
    {"approve", COMMAND_APPROVE},
    {"status", COMMAND_STATUS},
    {"explain", COMMAND_EXPLAIN},
    {"priority", COMMAND_PRIORITY},
    {"help", COMMAND_HELP},
};

const char *
command_name(enum command_kind kind)
{
	for (size_t i = 0; i < COUNT(words); i++)
		if (words[i].kind == kind)
			return words[i].word;
	return "unknown";
}

/* The next token of *line, empty at its end. */
static struct str
token(struct str *line)
{
	size_t skip = 0, n = 0;

	while (skip < line->n && (line->p[skip] == ' ' || line->p[skip] == '\t'))
		skip++;
	*line = str_from(*line, skip);
	while (n < line->n && line->p[n] != ' ' && line->p[n] != '\t')
		n++;
	struct str t = {line->p, n};
	*line = str_from(*line, n);
	return t;
}

/* The text with control characters as "?", cut at MAX_ARG: an attribute never holds them, and logs must not. */
static const char *
printable(struct arena *a, struct str s)
{
	char *t = str_dup(a, str_utf8_head(s, MAX_ARG));

	for (char *c = t; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	return t;
}

static struct command
read_command(struct arena *a, struct str line)
{
	struct str word = token(&line);
	struct command c = {.kind = word.n == 0 ? COMMAND_HELP : COMMAND_UNKNOWN, .word = printable(a, word)};
	const char **args = arena_alloc(a, MAX_ARGS * sizeof(*args));

	for (size_t i = 0; i < COUNT(words); i++)
		if (strcasecmp(words[i].word, c.word) == 0)
			c.kind = words[i].kind;
	for (struct str t = token(&line); t.n > 0 && c.n_args < MAX_ARGS; t = token(&line))
		args[c.n_args++] = printable(a, t);
	c.args = args;
	return c;
}

/* Columns of blank space at the beginning of a line, a tab going to the next multiple of four. */
static size_t
indentation(struct str line, size_t *ret_bytes)
{
	size_t i = 0, columns = 0;

	for (; i < line.n && (line.p[i] == ' ' || line.p[i] == '\t'); i++)
		columns = line.p[i] == '\t' ? (columns / 4 + 1) * 4 : columns + 1;
	*ret_bytes = i;
	return columns;
}

/* The length of a fence's run of backticks or tildes, 0 when the line is none. */
static size_t
fence_run(struct str line)
{
	size_t n = 0;

	if (line.n < 3 || (line.p[0] != '`' && line.p[0] != '~'))
		return 0;
	while (n < line.n && line.p[n] == line.p[0])
		n++;
	if (n < 3 || (line.p[0] == '`' && memchr(line.p + n, '`', line.n - n) != NULL))
		return 0;
	return n;
}

void
accept_command(struct arena *a, struct str body, const struct command **ret, size_t *ret_n)
{
	struct command *found = arena_alloc(a, ACCEPT_MAX_COMMANDS * sizeof(*found));
	struct str rest = body;
	char fence = '\0';
	size_t fence_n = 0, n = 0;

	while (rest.p != NULL && n < ACCEPT_MAX_COMMANDS) {
		size_t skip;
		struct str line = str_cut(rest, '\n', &rest);
		bool code = indentation(line, &skip) >= 4;
		line = str_trim(line);
		size_t run = code ? 0 : fence_run(line);
		if (fence != '\0') {
			/* A fence ends with one at least as long, of its own kind, and nothing behind it. */
			if (run >= fence_n && line.p[0] == fence && run == line.n)
				fence = '\0';
		} else if (run > 0) {
			fence = line.p[0];
			fence_n = run;
		} else if (!code) {
			struct str first = token(&line);
			if (first.n == strlen("/ekaci") && strncasecmp(first.p, "/ekaci", first.n) == 0)
				found[n++] = read_command(a, line);
		}
	}
	*ret = found;
	*ret_n = n;
}
