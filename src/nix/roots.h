/*
 * roots - garbage collector roots for many derivations at once.
 *
 * One derivation that nobody builds has all the others as sources; its root keeps them and their closures. That is one
 * nix process and one entry in Nix's root folder for any number of derivations, with a daemon or without. It also
 * tells whether all are still there.
 */
#ifndef EKACI_NIX_ROOTS_H
#define EKACI_NIX_ROOTS_H

#include "support/base/err.h"
#include "support/base/str.h"

/* Makes dir/NAME the root that keeps drvs (store paths). Does nothing for n == 0. ERR_SYSTEM with nix's words when one
 * of them is not in the store any more. */
must_check int roots_keep(const struct str *drvs, size_t n, const char *dir, const char *name, struct err *e);
/* dir/BASENAME -> drv, as nix-eval-jobs leaves it. A link that is there is fine. */
must_check int roots_link(struct str drv, const char *dir, struct err *e);

#endif
