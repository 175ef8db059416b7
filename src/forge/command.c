/* Commands in comments: lines that begin with /ekaci, where the comment shows them as plain text. */
#include "forge/command.h"

#include <cmark-gfm.h>

#include <ctype.h>
#include <string.h>
#include <strings.h>

/*
 * What is parsed of a comment. cmark 0.29.0.gfm.6 needs a time quadratic in the size for some texts (64 KiB of "<?": more than
 * a second) and for text within quotes within quotes: within these limits the worst took 0.1 s.
 */
enum { MAX_PARSED = 16 * 1024, MAX_NESTED = 100 };
enum { MAX_ARGS = 100, MAX_ARG = 1000 };

/* Bytes that stand in the text while it is parsed, see mark. A comment that holds them itself has "?" there. */
enum { COMMAND_SLASH = 0x1e, UNDERSCORE = 0x1f };
static const char prefix[] = "/ekaci";

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

/* What people know from other bots and from speech. */
static const struct {
	const char *word, *meant;
} elsewhere[] = {
    {"retry", "rebuild failed"},
    {"retest", "rebuild failed"},
    {"rerun", "rebuild failed"},
    {"recheck", "rebuild failed"},
    {"restart", "rebuild"},
    {"build", "rebuild"},
    {"test", "rebuild"},
    {"run", "rebuild"},
    {"recreate", "rebuild all"},
    {"evaluate", "eval"},
    {"reeval", "eval"},
    {"diff", "eval"},
    {"stop", "cancel"},
    {"abort", "cancel"},
    {"kill", "cancel"},
    {"ok-to-test", "approve"},
    {"lgtm", "approve"},
    {"allow", "approve"},
    {"trust", "approve"},
    {"try", "approve"},
    {"r+", "approve"},
    {"why", "explain ATTR"},
    {"state", "status"},
    {"ping", "status"},
    {"progress", "status"},
    {"queue", "status"},
    {"prio", "priority high"},
    {"p", "priority high"},
    {"commands", "help"},
    {"usage", "help"},
};

/* Letters to add, drop, change or swap with the next, to make a of b; more than any limit where they are long. */
static size_t
distance(const char *a, const char *b)
{
	enum { LONGEST = 24 };
	size_t n = strlen(a), m = strlen(b), d[LONGEST + 1][LONGEST + 1];

	if (n > LONGEST || m > LONGEST)
		return SIZE_MAX;
	for (size_t i = 0; i <= n; i++)
		for (size_t j = 0; j <= m; j++) {
			if (i == 0 || j == 0) {
				d[i][j] = i + j;
				continue;
			}
			size_t change =
			    d[i - 1][j - 1] + (tolower((unsigned char)a[i - 1]) != tolower((unsigned char)b[j - 1]));
			size_t one = (d[i - 1][j] < d[i][j - 1] ? d[i - 1][j] : d[i][j - 1]) + 1;
			d[i][j] = change < one ? change : one;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && d[i - 2][j - 2] + 1 < d[i][j])
				d[i][j] = d[i - 2][j - 2] + 1;
		}
	return d[n][m];
}

const char *
command_meant(const char *word)
{
	const char *meant = NULL;
	size_t least = 3; /* of more than two nobody would think */

	for (size_t i = 0; i < COUNT(elsewhere); i++)
		if (strcasecmp(elsewhere[i].word, word) == 0)
			return elsewhere[i].meant;
	for (size_t i = 0; i < COUNT(words); i++) {
		size_t far = distance(word, words[i].word);
		if (far < least && far < strlen(word)) {
			least = far;
			meant = words[i].word;
		}
	}
	return meant;
}

bool
command_only_asks(enum command_kind kind)
{
	return kind == COMMAND_STATUS || kind == COMMAND_HELP || kind == COMMAND_EXPLAIN || kind == COMMAND_UNKNOWN;
}

const char *
command_name(enum command_kind kind)
{
	for (size_t i = 0; i < COUNT(words); i++)
		if (words[i].kind == kind)
			return words[i].word;
	return "unknown";
}

/* Bytes of the blank at i, 0: none is there. U+00A0 is what some keyboards write for a space. */
static size_t
blank_at(struct str s, size_t i)
{
	if (i < s.n && (s.p[i] == ' ' || s.p[i] == '\t'))
		return 1;
	return i + 1 < s.n && memcmp(s.p + i, "\xc2\xa0", 2) == 0 ? 2 : 0;
}

/* The next token of *line, empty at its end. */
static struct str
token(struct str *line)
{
	size_t skip = 0, n = 0;

	while (blank_at(*line, skip) > 0)
		skip += blank_at(*line, skip);
	*line = str_from(*line, skip);
	while (n < line->n && blank_at(*line, n) == 0)
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

static bool
is_stop(char c)
{
	return memchr(".,;:!?", c, 6) != NULL;
}

/* Without what ends a sentence. */
static struct str
without_stop(struct str s)
{
	while (s.n > 0 && is_stop(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* line: what follows the prefix. */
static struct comment_command
read_command(struct arena *a, struct str line)
{
	while (line.n > 0 && is_stop(line.p[0]))
		line = str_from(line, 1);
	struct str word = without_stop(token(&line));
	struct comment_command c = {.kind = word.n == 0 ? COMMAND_HELP : COMMAND_UNKNOWN, .word = printable(a, word)};
	const char **args = arena_alloc(a, MAX_ARGS * sizeof(*args));

	for (size_t i = 0; i < COUNT(words); i++)
		if (strcasecmp(words[i].word, c.word) == 0)
			c.kind = words[i].kind;
	for (struct str t = token(&line); t.n > 0 && c.n_args < MAX_ARGS; t = token(&line))
		if (without_stop(t).n > 0)
			args[c.n_args++] = printable(a, without_stop(t));
	c.args = args;
	return c;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The bytes of the line that s begins with, and of that with its end: LF, CR or both, as Markdown has it. */
static size_t
line_length(struct str s, size_t *ret_whole)
{
	size_t n = 0;

	while (n < s.n && s.p[n] != '\n' && s.p[n] != '\r')
		n++;
	*ret_whole = n + (n < s.n) + (n + 1 < s.n && s.p[n] == '\r' && s.p[n + 1] == '\n');
	return n;
}

/* Quotes and list items that a line may begin, at most. */
static size_t
nested(struct str line)
{
	size_t n = 0;

	for (size_t i = 0; i < line.n && memchr(" \t>-+*.)0123456789", line.p[i], 18) != NULL; i++)
		n += line.p[i] == '>' || (memchr("-+*.)", line.p[i], 5) != NULL && i + 1 < line.n && is_blank(line.p[i + 1]));
	return n;
}

/* The beginning of the comment that is within our limits, up to a blank line: what is open there (a paragraph with the code
 * and HTML in it) would read otherwise without its end. */
static struct str
within_limits(struct str body)
{
	size_t at = 0, whole, blank = 0;

	while (at < body.n) {
		struct str rest = str_from(body, at);
		struct str line = {rest.p, line_length(rest, &whole)};
		if (at + whole > MAX_PARSED || nested(line) > MAX_NESTED)
			return (struct str){body.p, blank};
		at += whole;
		if (str_trim(line).n == 0)
			blank = at;
	}
	return body;
}

/*
 * A copy to be parsed; NULL when no line begins with the command. The parser tells what a line is part of, but its text is
 * that which is shown: without backslashes, markers of lists, or the underscores of _emphasis_. So of the lines that begin with
 * the command as they were written the slash is marked, and the underscores (attributes have them) are out of the parser's sight.
 */
static char *
mark(struct arena *a, struct str body)
{
	char *text = NULL;
	size_t whole;

	for (struct str rest = body; rest.n > 0; rest = str_from(rest, whole)) {
		struct str line = {rest.p, line_length(rest, &whole)}, after = line;
		struct str first = without_stop(token(&after));
		if (first.n != strlen(prefix) || strncasecmp(first.p, prefix, first.n) != 0)
			continue;
		if (text == NULL) {
			text = str_dup(a, body);
			for (size_t i = 0; i < body.n; i++)
				if (text[i] == COMMAND_SLASH || text[i] == UNDERSCORE)
					text[i] = 0x7f; /* shown as "?", see printable */
		}
		text[first.p - body.p] = COMMAND_SLASH;
		for (size_t i = 0; i < after.n; i++)
			if (after.p[i] == '_')
				text[after.p - body.p + (ptrdiff_t)i] = UNDERSCORE;
	}
	return text;
}

/* HTML elements whose text is code or a quotation, as in Markdown's own. */
static const char *const quoting[] = {"pre", "code", "blockquote", "samp", "kbd", "tt"};

struct reading {
	struct arena *a;
	struct comment_command *found;
	size_t n;
	size_t shut;                 /* quotes and pictures that are open */
	size_t open[COUNT(quoting)]; /* elements */
	bool in_comment;             /* an HTML comment that its block did not end */
	struct buf line;
	bool counts; /* the line began as plain text */
};

static void
begin_line(struct reading *r)
{
	r->counts = r->shut == 0 && !r->in_comment;
	for (size_t i = 0; i < COUNT(quoting); i++)
		r->counts = r->counts && r->open[i] == 0;
	buf_drop(&r->line, r->line.n);
}

static void
end_line(struct reading *r)
{
	struct str line = buf_get(&r->line);

	if (r->counts && line.n > 0 && line.p[0] == COMMAND_SLASH && r->n < COMMAND_MAX) {
		for (size_t i = 0; i < line.n; i++)
			if (r->line.p[i] == UNDERSCORE)
				r->line.p[i] = '_';
		r->found[r->n++] = read_command(r->a, str_from(line, strlen(prefix)));
	}
	begin_line(r);
}

/* An attribute in backquotes is one, but no code begins a command: that of many lines is one line to the parser. */
static void
add_code(struct reading *r, const char *text)
{
	for (; *text != '\0'; text++)
		buf_putc(&r->line, *text == COMMAND_SLASH ? '/' : *text);
}

/* What tags open and close; h is at a "<". Returns what is after the tag's name. */
static const char *
read_tag(struct reading *r, const char *h)
{
	bool closes = h[1] == '/';

	h += closes ? 2 : 1;
	size_t n = strspn(h, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");
	for (size_t i = 0; i < COUNT(quoting); i++)
		if (n == strlen(quoting[i]) && strncasecmp(h, quoting[i], n) == 0)
			r->open[i] = closes ? r->open[i] - (r->open[i] > 0) : r->open[i] + 1;
	return h + n;
}

/* Raw HTML, a tag or a block: its own text is no command, and what it leaves open holds for the Markdown behind it. */
static void
read_html(struct reading *r, const char *h)
{
	while (h != NULL && *h != '\0') {
		if (r->in_comment) {
			h = strstr(h, "-->");
			r->in_comment = h == NULL;
			h = h != NULL ? h + 3 : NULL;
		} else if (strncmp(h, "<!--", 4) == 0) {
			r->in_comment = true;
			h += 4;
		} else {
			h = *h == '<' ? read_tag(r, h) : h + 1;
		}
	}
}

static void
read_node(struct reading *r, cmark_node *node, bool enters)
{
	cmark_node_type type = cmark_node_get_type(node);

	if (type == CMARK_NODE_BLOCK_QUOTE || type == CMARK_NODE_IMAGE)
		r->shut = enters ? r->shut + 1 : r->shut - 1;
	else if (type == CMARK_NODE_PARAGRAPH || type == CMARK_NODE_HEADING)
		(enters ? begin_line : end_line)(r);
	else if (type == CMARK_NODE_SOFTBREAK || type == CMARK_NODE_LINEBREAK)
		end_line(r);
	else if (type == CMARK_NODE_TEXT)
		buf_puts(&r->line, cmark_node_get_literal(node));
	else if (type == CMARK_NODE_CODE)
		add_code(r, cmark_node_get_literal(node));
	else if (type == CMARK_NODE_HTML_BLOCK || type == CMARK_NODE_HTML_INLINE)
		read_html(r, cmark_node_get_literal(node));
}

void
command_read(struct arena *a, struct str body, const struct comment_command **ret, size_t *ret_n)
{
	struct reading r = {.a = a, .found = arena_alloc(a, COMMAND_MAX * sizeof(*r.found))};
	struct str head = within_limits(body);
	const char *text = mark(a, head);

	if (text != NULL) {
		cmark_node *document = cmark_parse_document(text, head.n, CMARK_OPT_DEFAULT);
		cmark_iter *walk = cmark_iter_new(document);
		buf_init(&r.line, MAX_PARSED * 4); /* U+FFFD for a byte is the most that a text grows */
		for (cmark_event_type t = cmark_iter_next(walk); t != CMARK_EVENT_DONE; t = cmark_iter_next(walk))
			read_node(&r, cmark_iter_get_node(walk), t == CMARK_EVENT_ENTER);
		buf_release(&r.line);
		cmark_iter_free(walk);
		cmark_node_free(document);
	}
	*ret = r.found;
	*ret_n = r.n;
}
