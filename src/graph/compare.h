/*
 * compare - two derivations that mean the same thing at two times: what differs by itself, and what only follows.
 *
 * Inputs of the two sides are paired first: the same derivation; what the caller's hints say; an equal name that only one
 * unpaired input of each side has; the same place in the same variable (src, buildInputs, ...), when it is a source
 * and alone there or the names are the same but for the version; equal names but for the version; what is left over, by order.
 *
 * Then everything is compared with store paths masked: an output of an input stands for its pair, an output of the
 * derivation itself for its name, a path that is no input for its name without the hash. Fixed outputs and sources are
 * content and not masked. What then differs, differs by itself. A variable that differs only because an input was added
 * or is gone is not named beside that input.
 */
#ifndef EKACI_GRAPH_COMPARE_H
#define EKACI_GRAPH_COMPARE_H

#include "graph/closure.h"

enum {
	COMPARE_MAX_WHAT = 12,       /* differences named; the rest is "and N more" */
	COMPARE_MAX_NAME = 200,      /* bytes of a variable's or version's text in what */
	COMPARE_MAX_INPUTS = 1 << 20 /* of one derivation */
};

struct compare_item {
	struct str what;     /* "version 8.1 -> 8.2", "src", "builder", "env CFLAGS", "input added: zlib-1.3" */
	struct str old, new; /* the texts as they stand in the derivations; p == NULL: not there */
};

struct compare_pair {
	uint32_t base, head; /* nodes, different */
};

struct comparison {
	const struct compare_item *items; /* version first, then what it is made from, then the rest by name */
	size_t n_items;
	const struct compare_pair *pairs; /* inputs that differ, in head's order */
	size_t n_pairs;
};

/*
 * Compares node base with node head of g, whose inputs are loaded. twin[h] is the base node that head node h is known to
 * stand for, or NO_NODE; twin may be NULL. dir_fd is the store's folder opened. Everything lives in a.
 */
must_check int compare_nodes(struct arena *a, const struct closure *g, int dir_fd, uint32_t base, uint32_t head,
    const uint32_t *twin, struct comparison *ret, struct err *e);

/* True when the two have the same outputs: then whoever uses them sees no difference. */
bool compare_same_outputs(const struct closure *g, uint32_t base, uint32_t head);

#endif
