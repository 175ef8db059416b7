/*
 * alone - what is rebuilt only because of one source of the change.
 *
 * Blast radii of roots overlap, so they do not say what would be left if one of them were taken out. A source is the roots that differ
 * in the same way and are defined in one file (as meta.position has it; of one that is no attribute and that a single derivation needs,
 * as a package's source, that one's file), or, where no file is known, have one name: the same package on several systems, thirteen
 * packages that a loop makes. What one source alone reaches would be as it was if that source were taken out. Counted are the rebuilt
 * attributes (names of one derivation once) and derivations that had a counterpart at base, roots themselves not: a root's own rebuild
 * goes with its change anyhow, and what is new at head is no rebuild.
 *
 * How: one pass in topological order; each derivation carries the one source that reaches it, or that there are several.
 */
#ifndef EKACI_GRAPH_ALONE_H
#define EKACI_GRAPH_ALONE_H

#include "graph/result.h"

/* Fills position, source, alone and together of all roots, which are in their final order and know their attributes. had_before: of each place in the
 * spread whether it was compared with a derivation of base; weight: how many attributes it stands for. */
void difference_find_alone(struct difference *d, const uint8_t *had_before, const uint32_t *weight);

#endif
