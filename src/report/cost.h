/*
 * cost - what a change costs, which branch it belongs on because of that, and how good an estimate was.
 *
 * The cost is that of the whole change (struct change_cost), so that it does not sink while it is built. The advice follows the budget
 * of the base's .ekaci/config.json (changeset/spending.h), and only from what is known: with all durations known by their sum; with
 * some missing only where what is known costs too much for every branch but the last. Otherwise it says how many are known, and
 * which branch these alone would still fit.
 *
 * How good an estimate was is told of builds that this run had made and whose duration was known when it asked for them: what was
 * built before, failed, or was a guess is left out on both sides.
 */
#ifndef EKACI_REPORT_COST_H
#define EKACI_REPORT_COST_H

#include "report/model.h"

/* false: nothing is to be said, as there is no budget, nothing is built, or nobody asked what it costs. Texts live in m. */
bool cost_advice(struct model *m, struct report_advice *ret);
/* false: the builds are not over, or none of them was estimated. */
bool cost_estimated(const struct model *m, struct report_estimated *ret);
/* The packages that make much of it: "chromium 19 h and firefox 6 h"; NULL when none does. */
const char *cost_dearest(struct model *m, const struct change_cost *cost);

#endif
