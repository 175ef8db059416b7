/*
 * spread - what must be rebuilt, and how far each rebuild reaches.
 *
 * A derivation of head's closure must be rebuilt when at least one of its output paths is one that base's closure did
 * not have; when a path is not known before the build (content addressed), when its .drv is not base's. A fixed-output
 * derivation whose output stays is thereby not rebuilt, and nothing is counted through it. (The outputs of one
 * derivation change all together or not at all, so whole derivations stand for outputs here.)
 *
 * The blast radius of a derivation is the number of distinct derivations that must be rebuilt and need it through
 * derivations that must be rebuilt too; itself is not counted. Beside it the number of attributes whose derivations
 * these are. Exact for every target.
 *
 * How: the derivations that must be rebuilt form a graph of their own, numbered so that inputs come before what needs them. Over it
 * the radius is counted in one of two ways with the same result: by intervals, near to linear in package sets (intervals.c), and
 * where that does not pay, by columns (radius.c), at a cost of edges * targets / 512.
 */
#ifndef EKACI_GRAPH_SPREAD_H
#define EKACI_GRAPH_SPREAD_H

#include "graph/closure.h"

#define NO_SUB UINT32_MAX

struct spread {
	uint8_t *must;         /* per node of the closure: 1 when it must be rebuilt */
	uint32_t n;            /* derivations that must be rebuilt */
	uint32_t *node;        /* of each, in topological order, the node */
	uint32_t *sub;         /* of each node its place in that order, or NO_SUB */
	uint32_t *off, *in;    /* edges to inputs, both ends places in that order */
	uint32_t *up_off, *up; /* the same edges to dependents */
	uint32_t *group;       /* system of each, below n_groups */
	uint32_t *system;      /* of each group the system in the closure; only systems of what must be rebuilt have a group */
	uint32_t n_groups;
	bool others; /* the last group is all systems from SPREAD_MAX_GROUPS on, its system the first of them */
};

/* More than Nixpkgs has names for, so that only who makes systems up meets it: a radius costs memory for each. */
enum { SPREAD_MAX_GROUPS = 128 };

/*
 * g holds base's closure below mark and head's beside it; heads are head's roots. Everything lives in a. ERR_INPUT when
 * the derivations need each other in a circle.
 */
must_check int spread_init(struct arena *a, const struct closure *g, size_t mark, const uint32_t *heads, size_t n_heads,
    struct spread *ret, struct err *e);
/* The same of a graph given whole: all n nodes must be rebuilt. For tests, figures and `ekaci graph`. */
must_check int spread_all(struct arena *a, const struct closure *g, struct spread *ret, struct err *e);

struct radius {
	uint32_t derivations, attributes;
};

/*
 * ret[i * n_groups + k] is the part of system k of the radius of targets[i] (places in the order, each at most once).
 * weight[v] is the number of attributes that v stands for, or weight is NULL.
 */
void spread_radius(const struct spread *s, const uint32_t *weight, const uint32_t *targets, size_t n_targets,
    struct radius *ret);

/*
 * The two ways it is done, for their tests and figures. By intervals: fast where dependents follow each other as in package
 * sets; gives false, and ret means nothing, when that takes more than max_work steps or too much
 * memory. By columns: 512 targets at a time are bits that one pass over the graph hands from inputs to dependents and that carry-save
 * adders count, whatever the graph; less than 64 bytes a node and thread. A target with a single dependent needs no column: it
 * reaches what that one reaches, and that one.
 */
must_check bool spread_radius_by_intervals(const struct spread *s, const uint32_t *weight, const uint32_t *targets,
    size_t n_targets, uint64_t max_work, struct radius *ret);
void spread_radius_by_columns(const struct spread *s, const uint32_t *weight, const uint32_t *targets, size_t n_targets,
    struct radius *ret);

#endif
