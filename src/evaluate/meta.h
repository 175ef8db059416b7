/*
 * meta - of a derivation's meta, what a report shows.
 *
 * Kept: version (of meta, else what follows the name as builtins.parseDrvName splits it), description, homepage,
 * position, license (array of SPDX ids, else short names, else full names), maintainers (array of GitHub handles, else
 * names), broken, insecure, unfree (only when true). A member of another type than expected is left out.
 */
#ifndef EKACI_EVALUATE_META_H
#define EKACI_EVALUATE_META_H

#include "support/text/json.h"

json_t *meta_keep(const json_t *meta, const char *name);

#endif
