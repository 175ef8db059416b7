/*
 * first_told - what was said before all was evaluated, and what became of it.
 *
 * While nothing is compared it is the title of the check; afterwards it is confirmed or corrected, by how much, in derivations of
 * attributes that are rebuilt or new, each once. It concludes no check and never says that nothing is rebuilt.
 */
#ifndef EKACI_REPORT_FIRST_TOLD_H
#define EKACI_REPORT_FIRST_TOLD_H

#include "records/first.h"
#include "report/model.h"

/* "first answer: curl 8.1 -> 8.2, about 860 rebuilds", or why there is none; in a, plain text from outside. NULL: nothing to say. */
const char *first_words(struct arena *a, const struct first_answers *all);
/* The title while everything is evaluated, on one line and safe in a terminal; NULL: there is no answer. */
const char *first_title(struct model *m);

struct first_check {
	int64_t said, right, truth; /* derivations; right: in both */
};
/* What the answers said against the comparison; false: nothing was compared, or there was no answer for some job. */
bool first_checked(struct model *m, struct first_check *ret);
/* "First answer: curl 8.1 -> 8.2, about 860 rebuilds, after 3 s. Confirmed." or what was corrected; while everything is evaluated why
 * there is none, since an answer is the title; NULL: nothing. */
const char *first_sentence(struct model *m);

#endif
