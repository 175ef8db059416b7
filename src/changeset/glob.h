/*
 * glob - patterns for paths of a repository.
 *
 * A pattern is anchored at the repository's root and must match the whole path, byte by byte, case-sensitively:
 *
 *   *        any bytes but "/", also none        ?        one byte that is not "/"
 *   [a-z]    one byte of the set                 [!a-z]   one byte outside it ("/" never matches; also [^a-z])
 *   **       a whole segment: any folders, also none; at the end: everything below
 *   {a,b}    either, may be nested and hold "/"  \x       the byte x itself
 *
 * So "README.md" is the one at the top; with "**" and a "/" before it, those at any depth. "**" beside other bytes in a
 * segment is the same as "*". A leading "/" changes nothing. Braces are written out before anything else is looked at.
 *
 * Refused, with the reason in words: a leading "!" (the first rule that matches decides; there is nothing to negate),
 * a trailing "/", empty, "." and ".." segments, "[", "{" without end, "}" without beginning, a set with bytes outside
 * ASCII, more than the limits below.
 *
 * Matching never backtracks exponentially: within a segment only the last "*" is tried again, between segments only the
 * last "**", so the worst case is the product of the two lengths. A set first compares the first and last eight bytes,
 * which rules out nearly every pattern.
 */
#ifndef EKACI_CHANGESET_GLOB_H
#define EKACI_CHANGESET_GLOB_H

#include "support/base/err.h"
#include "support/base/str.h"

enum {
	GLOB_MAX_BYTES = 1024,      /* of a pattern; git's own limit for paths is 4096 */
	GLOB_MAX_ALTERNATIVES = 64, /* of a pattern after its braces are written out */
	GLOB_MAX_DEPTH = 8          /* of braces in braces */
};

struct glob_alternative;

/* Patterns in the order they were added. Lives in the arena a; a zeroed set with a filled in is empty. */
struct glob_set {
	struct arena *a;
	struct glob_alternative *alternatives;
	size_t n, cap;
	size_t patterns;
};

/* Adds a pattern as the next id (0, 1, ...). ERR_INPUT: the reason it is refused; the set is then unchanged. */
must_check int glob_set_add(struct glob_set *set, struct str pattern, struct err *e);

enum { GLOB_NONE = -1 };

/* The id of the first pattern that matches, or GLOB_NONE. A path deeper than any that git would check out (2048
 * folders) matches nothing: what no rule knows is evaluated. */
ptrdiff_t glob_set_first(const struct glob_set *set, struct str path);

/* Whether a pattern is one; ERR_INPUT with the reason when not. */
must_check int glob_check(struct str pattern, struct err *e);

#endif
