/*
 * words - numbers, times and names as people read them. Everything lives in the arena; nothing here is escaped.
 */
#ifndef EKACI_REPORT_WORDS_H
#define EKACI_REPORT_WORDS_H

#include "support/base/str.h"

char *words_number(struct arena *a, int64_t n); /* "12,565" */
/* "1 rebuild", "12 rebuilds", "no rebuilds": many is one's plural. */
char *words_count(struct arena *a, int64_t n, const char *one, const char *many);
char *words_duration(struct arena *a, int64_t ms);                 /* "0.4 s", "12 s", "3 min 20 s", "1 h 5 min" */
char *words_bytes(struct arena *a, int64_t n);                     /* "812 B", "1.2 MiB": as Nix counts them */
char *words_cut(struct arena *a, const char *s, size_t max_bytes); /* with an ellipsis when cut */
/*
 * text with its lines broken at spaces so that they have at most so many columns, as far as their words let them; what goes on
 * stands two columns further in. Escape sequences for colours have no width. No template indents by more than WORDS_INDENT: a
 * line further in is one that an evaluator or a builder indented, a source line or the caret below it, and stays as it is.
 * Blanks at the end of a line go.
 */
enum { WORDS_INDENT = 4 };
void words_wrap(struct buf *out, struct str text, size_t columns);
/* The last n lines of s, at most max_bytes, whole characters. */
char *words_tail(struct arena *a, const char *s, size_t lines, size_t max_bytes);
/* The same of a build's log, without Nix' announcement that it is built. */
char *words_log_tail(struct arena *a, const char *s, size_t lines, size_t max_bytes);
/* Why an evaluation did not complete, without what says nothing behind the evaluator's own words: that ours then had nothing
 * to walk, and its exit code. */
char *words_reason(struct arena *a, const char *s);
/* Whether a name from the repository is as plain as the words of a title, so that it may stand there. */
bool words_are_plain(const char *name);
/* The first n lines of s, at most max_bytes. */
char *words_head(struct arena *a, const char *s, size_t lines, size_t max_bytes);

#endif
