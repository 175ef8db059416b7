/*
 * jscan - walking over JSON without making a tree of it.
 *
 * For the rows of stored evaluations and the elements of difference files, of which there are hundreds of megabytes and of
 * which nearly all are dropped at once; and for the places of mistakes. It is strict (RFC 8259) but for UTF-8, which the caller checks on what it keeps. Every function gives -1 at the
 * first wrong byte, which is then at s->at; nesting deeper than JSCAN_MAX_DEPTH is wrong too.
 */
#ifndef EKACI_SUPPORT_TEXT_JSCAN_H
#define EKACI_SUPPORT_TEXT_JSCAN_H

#include "support/base/err.h"
#include "support/base/str.h"

enum { JSCAN_MAX_DEPTH = 512 };

struct jscan {
	const char *p;
	size_t n, at;
};

/* Goes over one value; raw is its text without the white space around. */
must_check int jscan_value(struct jscan *s, struct str *raw);
/* A string: its text between the quotes, escapes still in it, and whether there are any. */
must_check int jscan_raw_string(struct jscan *s, struct str *raw, bool *escaped);
/* A string with escapes undone: a slice of the line when there are none, else in a. */
must_check int jscan_string(struct jscan *s, struct arena *a, struct str *ret);
must_check int jscan_int(struct jscan *s, int64_t *ret);

/* jscan_open goes over '{' or '['; then jscan_more gives 1 before each element (at its key, in an object), 0 after the
 * closing bracket. count is the caller's, 0 at first. jscan_colon goes over what is between a key and its value. */
must_check int jscan_open(struct jscan *s, char bracket);
must_check int jscan_more(struct jscan *s, char closing, size_t *count);
must_check int jscan_colon(struct jscan *s);
/* 0 when only white space is left. */
must_check int jscan_end(struct jscan *s);
/* The next byte that is no white space, or '\0' at the end. */
char jscan_peek(struct jscan *s);

#endif
