/*
 * pairing - the inputs of two derivations, and which stands for which. Private to compare.
 */
#ifndef EKACI_GRAPH_PAIRING_H
#define EKACI_GRAPH_PAIRING_H

#include "graph/closure.h"
#include "nix/drv.h"

enum ref_kind { REF_SELF, REF_INPUT, REF_SOURCE };

/* What a store path in a text refers to. */
struct ref {
	enum ref_kind kind;
	uint32_t input;    /* place among the inputs */
	struct str output; /* its output's name */
};

/* A named text of a derivation: an environment variable, or a member of the structured attributes. */
struct variable {
	struct str name, value;
};

struct drv_side {
	const struct closure *g;
	uint32_t node;
	struct drv d;
	const uint32_t *in; /* nodes */
	size_t n_in;
	int64_t *pair;   /* of each input the place of the other side's, or -1 */
	struct map refs; /* hash part of a store path -> place in ref */
	struct ref *ref;
	struct variable *vars; /* sorted by name */
	size_t n_vars;
};

/* The next store path in text from *at on: true with its reference (NULL when it is none of ours), where it starts, and
 * *at behind its hash. */
bool side_next_ref(const struct drv_side *s, struct str text, size_t *at, size_t *start, const struct ref **ret);

void pairing_find(struct arena *a, struct drv_side *base, struct drv_side *head, const uint32_t *twin);

#endif
