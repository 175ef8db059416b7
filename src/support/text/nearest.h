/*
 * nearest - which of some words somebody may have meant.
 */
#ifndef EKACI_SUPPORT_TEXT_NEAREST_H
#define EKACI_SUPPORT_TEXT_NEAREST_H

#include "support/base/str.h"

/*
 * The search for one word: begin with {.meant = word}, offer every word there is, read .found (NULL: none is near). Near is what
 * a third of the letters, wrong, missing, too many or two swapped, makes of it (Damerau, Levenshtein: optimal string alignment),
 * or what it is the beginning of. Among equally near ones the first counts.
 */
struct nearest {
	const char *meant;
	const char *found;
	size_t distance;
};
void nearest_offer(struct nearest *n, const char *word);

#endif
