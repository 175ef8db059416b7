/*
 * result - everything the difference file says, before it is written.
 */
#ifndef EKACI_GRAPH_RESULT_H
#define EKACI_GRAPH_RESULT_H

#include "graph/attrs.h"
#include "graph/spread.h"
#include "records/difference.h"

enum {
	DIFFERENCE_MAX_ROOTS_LISTED = 16, /* roots named for one follower, the widest; roots_total says how many there are */
	DIFFERENCE_MAX_CHAIN =
	    64, /* derivations named between one and its root; what is left out stands before the root, as a number */
	DIFFERENCE_MAX_META_LISTED = 100, /* new errors of meta that are listed; the numbers are of all */
	DIFFERENCE_MAX_DISTANCES = 64,    /* counted each by itself; what is farther is one number */
	DIFFERENCE_MAX_ERROR = 16 * 1024, /* bytes of an evaluator's words that are passed on; the rest is in its rows */
};

/* A derivation that differs by itself. */
struct root {
	uint32_t node, base_node;
	uint32_t sub;           /* place in the spread */
	const struct str *what; /* for people */
	size_t n_what;
	struct radius *radius; /* per group */
	struct radius total;
	const uint32_t *attrs; /* entries whose derivation this is, aliases too */
	size_t n_attrs;
	uint32_t used_by; /* of a root without an attribute: the nearest entry that needs it; else NO_ATTR */
	/* alone.h */
	struct str position;    /* where it or its owner is defined, FILE:LINE as the evaluator says; empty: not known */
	uint32_t source;        /* the first root of the same source */
	struct radius together; /* what the roots of that source reach, these left out */
	bool knows_together;
	struct radius alone; /* what is rebuilt only because of that source */
};

/* Why a derivation is rebuilt. */
struct rebuild_cause {
	bool known, is_root;
	const uint32_t *roots; /* the widest first; of a root: itself, then those it follows as well */
	size_t n_roots, n_roots_total;
	const uint32_t *chain; /* nodes, from the derivation itself to the nearest root; of a root just itself */
	size_t n_chain, chain_left_out;
};

struct difference {
	struct arena a;
	struct attrs attrs;
	struct closure closure;
	size_t mark; /* nodes below are base's */
	struct spread spread;
	struct root *roots; /* widest first */
	size_t n_roots;
	struct rebuild_cause *causes; /* per place in the spread; known only where an attribute is rebuilt */
	size_t carry_commit;          /* carry.h; only when knows_carry */
	bool knows_carry;
	LIST(struct evaluation_cost) costs; /* costs.h */
	struct radius *radius; /* per place in the spread, summed over systems; set where an attribute or root is */
	uint32_t *distance;    /* per place in the spread (distance.h) */
	struct difference_distances distances;
};

/* Fills causes and roots of what must be rebuilt (cause.c). */
must_check int difference_find_causes(struct difference *d, struct err *e);

/* The counts, in a, and the file's text, appended to out. */
void difference_count(const struct difference *d, struct arena *a, struct difference_counts *ret);
must_check int difference_write(const struct difference *d, const struct difference_counts *counts, struct buf *out,
    struct err *e);
void difference_release(struct difference *d);

#endif
