/*
 * labels - nixpkgs' labels and its changed-paths.json, from our classes.
 *
 * In nixpkgs' terms a rebuild is an attribute of head with an output path that no attribute of base had. That is our
 * rebuild, and our added or fixed where its derivation is a target of the difference (an alias or a renamed attribute is
 * not, of something unchanged). A failing attribute is as good as absent: newly failing counts as removed, fixed as added. Attributes are named
 * without their system and counted once a kernel ("linux", "darwin": what follows the dash of the system).
 *
 * Labels of ranges overlap on purpose: 1 is also 1-10, everything above 500 is also 501+. Only kernels that were
 * evaluated are known; labels of the others are left alone.
 */
#ifndef EKACI_REPORT_LABELS_H
#define EKACI_REPORT_LABELS_H

#include "report/model.h"

/* The prefix comes from settings.label_prefix, "10.rebuild-" when that is missing. */
struct labels {
	json_t *changed_paths; /* nixpkgs' document */
	json_t *wanted, *known; /* arrays of names; known is all this could ever set, wanted a part of it */
};

/* Compared models only. Give up with labels_release. */
void labels_of(struct model *m, struct labels *ret);
void labels_release(struct labels *l);

#endif
