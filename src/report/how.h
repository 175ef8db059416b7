/*
 * how - how a repository is told: what its base says in .ekaci/config.json ("report"), as far as the operator lets it, else what
 * the operator says.
 */
#ifndef EKACI_REPORT_HOW_H
#define EKACI_REPORT_HOW_H

#include "report/model.h"

struct report_how how_of(const struct model *m);
/* How many attributes may be built for each to have a check; 0: none has. */
int64_t how_attribute_checks(const struct model *m);

/* By which a change is told where it belongs; NULL: by none. */
const struct branch_budget *how_budget(const struct model *m);

#endif
