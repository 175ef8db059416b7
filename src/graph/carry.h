/*
 * carry - which packages have the commit's name in them, and so are rebuilt with every commit.
 *
 * A flake's code may put self.rev, self.shortRev, self.lastModified or self.lastModifiedDate into a derivation. Base and head are
 * evaluated as one commit, so that such a package does not differ between them; that there are some is said beside the counts. A
 * derivation carries the name when its text has one of these, whole; what needs it, other than through a fixed output, is
 * rebuilt with it. A date without its time is no name: a hundred packages have one in their version.
 */
#ifndef EKACI_GRAPH_CARRY_H
#define EKACI_GRAPH_CARRY_H

#include "graph/result.h"

/* How many of head's distinct derivations are rebuilt with every commit. ERR_ABSENT and other
 * errors: a derivation could not be read, so it is not known. */
must_check int carry_count(const struct difference *d, const struct commit_name *commit, size_t *ret, struct err *e);

#endif
