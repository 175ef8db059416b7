/*
 * distance - how many steps from what differs by itself each rebuild is: where a change goes.
 *
 * The distance of a derivation that must be rebuilt is the number of edges on a shortest way, through such derivations, down to a
 * root: a root has 0, what needs one directly 1. What no root is below (new at head, or a source that a root needs) has none. So a reader
 * sees whether a change stays near, and at which distance it becomes many.
 *
 * How: one pass in topological order, in which inputs come first; edges are looked at once.
 */
#ifndef EKACI_GRAPH_DISTANCE_H
#define EKACI_GRAPH_DISTANCE_H

#include "graph/result.h"

#define NO_DISTANCE UINT32_MAX

/* ret[v] of each place in the spread; roots are places, in any order. */
void spread_distances(const struct spread *s, const uint32_t *roots, size_t n_roots, uint32_t *ret);

/* Fills distance and distances. weight: how many attributes each place stands for. */
void difference_find_distances(struct difference *d, const uint32_t *weight);

#endif
