/*
 * view - the model as the templates want it: words, short lists and what was left out of them.
 *
 * A view is a group of values, in the model's arena. Text from outside stands in it twice: plain, for {{x}}, and as a Markdown code span or block in a
 * member whose name ends in _md, for {{{x_md}}}. A list is {count, items, more}: count is the whole number, more (false
 * or a number) how many items were left out, both as people read them; the last item has `last`.
 */
#ifndef EKACI_REPORT_VIEW_H
#define EKACI_REPORT_VIEW_H

#include "report/model.h"
#include "report/verdict.h"
#include "support/text/values.h"

/* How much a view holds. Steps of the ladder in ladder.c. */
struct limits {
	size_t listed; /* packages in each list */
	size_t roots;
	size_t failures;         /* builds and evaluations that newly fail */
	size_t folded;           /* of those that still fail or are fixed */
	size_t tail_lines;       /* of each log */
	size_t error_bytes;      /* of each evaluator's message */
	size_t name_bytes;       /* of each name */
	size_t nodes;            /* in the picture; 0: none */
	size_t rules;            /* rules, jobs and evaluations */
	bool packages_elsewhere; /* no lists of packages */
	bool followers;          /* what rebuilds with the same version is listed, whatever the configuration says */
};

/* What a configuration asks for at most (package_change_summary, rebuild_impact, settings). */
struct limits view_limits(const struct model *m);
/* Everything, for documents that have no limit of size. */
struct limits view_no_limits(void);

/* shortened: some limit is below what the configuration asks for, which the text then says. */
struct values *view_new(struct model *m, const struct verdict *v, const struct limits *limits, bool shortened);

#endif
