/*
 * beside - two values as two columns show them: what both have, what only one has, and what is left away between.
 *
 * Values of several lines are compared by lines, others by words; within lines and words that stand for each other what they begin and
 * end with alike is not marked. Values that are too long for that are compared by how they begin and end.
 */
#ifndef EKACI_WEB_BESIDE_H
#define EKACI_WEB_BESIDE_H

#include "support/text/values.h"

/* Adds to `to`: base and head, lists of {part, marked, skipped} (skipped: "12 lines"), has_base, has_head, and long where somebody would
 * want it folded. NULL: that side has none. */
void beside_put(struct arena *a, const char *base, const char *head, struct values *to);

#endif
