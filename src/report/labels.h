/*
 * labels - nixpkgs' labels and its changed-paths.json, from our classes.
 *
 * In nixpkgs' terms a rebuild is an attribute of head with an output path that no attribute of base had. That is our
 * rebuild, and our added or fixed where its derivation is a target of the difference (an alias or a renamed attribute is
 * not, of something unchanged). A failing attribute is as good as absent: newly failing counts as removed, fixed as added, one that
 * comes or goes failing not at all. Attributes are named without their platform, wherever in the path it stands, and counted once
 * a kernel ("linux", "darwin": what follows the dash of the system): hello.x86_64-linux and packages.aarch64-linux.hello
 * are hello and packages.hello. Lists of differences have every name; among rebuilds, which are counted, one derivation
 * has one, as everywhere in our reports and as in nixpkgs, which evaluates without aliases.
 *
 * Labels of ranges overlap on purpose: 1 is also 1-10, everything above 500 is also 501+. Only kernels that were
 * evaluated are known; labels of the others are left alone.
 *
 * "8.has: package (new)" where an attribute is added that is no alias and no rename, and has something to build; "8.has:
 * package (update)" where a rebuilt one has another version; "8.has: clean-up" where an attribute is gone and not renamed. The last is
 * never taken off, because people use it for other things. nixpkgs' bot reads the first two out of commit subjects, which a
 * repository with other habits does not write.
 */
#ifndef EKACI_REPORT_LABELS_H
#define EKACI_REPORT_LABELS_H

#include "report/model.h"

/* The prefixes come from settings.label_prefix and label_has_prefix, "10.rebuild-" and "8.has: " when these are missing; with
 * an empty second one there are none of these. */
struct labels {
	struct texts wanted, known; /* what of known is not wanted is taken off */
};

/* Compared models only. Lists live in the model's arena; nixpkgs' document is appended to document, a line. */
void labels_of(struct model *m, struct labels *ret, struct buf *document);

#endif
