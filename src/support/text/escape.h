/*
 * escape - what came from outside leaves by a door of its own type.
 *
 * Every function takes any bytes. What is not UTF-8 becomes U+FFFD; terminal colour and cursor sequences (ANSI) are
 * dropped; direction controls, zero-width and other invisible characters are shown as {U+202E}, so that what a reader
 * sees is what is there. Results are appended to out.
 */
#ifndef EKACI_SUPPORT_TEXT_ESCAPE_H
#define EKACI_SUPPORT_TEXT_ESCAPE_H

#include "support/base/str.h"

enum escape {
	/* HTML text, and attribute values in quotes. Newlines and tabs stay; other controls are shown as pictures. */
	ESCAPE_HTML,
	/*
	 * Inline text of GitHub-flavoured Markdown, in a paragraph, list, heading, table cell, or in raw HTML such as
	 * <summary>: only character references are used, which mean the same in all of them. One line: newlines and tabs
	 * become spaces. Nothing in it is markup, a link, an image, a picture character (:name:), a formula, a mention, a
	 * reference to an issue or a commit. What GitHub finds in the finished text, where no escaping reaches (@name,
	 * #1, GH-1, commit ids, addresses), is broken by an invisible U+200B; prefer escape_code for names people copy.
	 */
	ESCAPE_MARKDOWN,
	/* One line on a terminal or in a log: controls, newlines too, are shown as \n or \x07. */
	ESCAPE_TERMINAL,
	/* One segment of a URL's path, or a name or value in its query: all but letters, digits and -._~ in percent
	 * form (a / too). A segment that is empty, "." or ".." becomes "_", since browsers resolve it in any spelling. */
	ESCAPE_URL
};

/* JSON within a script element: nothing in it ends the element, and what cannot be seen is written as \u202e, which is the same text. */
void escape_script(struct buf *out, struct str json);

void escape_add(struct buf *out, enum escape kind, struct str s);
char *escape_dup(struct arena *a, enum escape kind, struct str s);

/* As it is, without terminal colour and cursor sequences: for text that is read on, not for an exit. */
void escape_plain(struct buf *out, struct str s);

/* A Markdown code span: backticks as many as it takes, or <code> where a table would be broken. One line. Empty text
 * gives nothing. Right in paragraphs, lists, headings and tables; in raw HTML use escape_code_html. */
void escape_code(struct buf *out, struct str s);
void escape_code_html(struct buf *out, struct str s);
/* A Markdown fenced block with the text's lines, ending in a newline; the fence is longer than any in the text. info
 * is a constant of ours ("", "diff", "mermaid"). */
void escape_block(struct buf *out, struct str text, const char *info);
/* The inside of a quoted Mermaid label: letters, digits and what cannot be syntax; quotes go, the rest becomes "_". */
void escape_mermaid(struct buf *out, struct str s);

/* Whether url may stand in href or in a Markdown link as it is: absolute http(s), and no character that ends either. */
bool escape_link_ok(struct str url);

#endif
