/*
 * view - the model as the templates want it: words, short lists and what was left out of them.
 *
 * A view is a group of values, in the model's arena. Text from outside stands in it twice: plain, for {{x}}, and as a Markdown code span or block in a
 * member whose name ends in _md, for {{{x_md}}}. A list is {count, items, more}: count is the whole number, more (false
 * or a number) how many items were left out, both as people read them; the last item has `last`.
 */
#ifndef EKACI_REPORT_VIEW_H
#define EKACI_REPORT_VIEW_H

#include "report/limits.h"
#include "report/verdict.h"
#include "support/text/values.h"

/* shortened: some limit is below what the configuration asks for, which the text then says. */
struct values *view_new(struct model *m, const struct verdict *v, const struct limits *limits, bool shortened);

#endif
