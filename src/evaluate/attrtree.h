/*
 * attrtree - the attributes that a walk has found: what each has said, what is still to be asked, and the rows.
 *
 * An attribute is a number, its place among all; the root is 0, children of a set stand side by side. Somebody else asks
 * (walk.c) and hands in the answers, in any order; rows are printed as they come, or held back where the answers of others
 * decide about them.
 *
 * A set with the names of one above it may be that set: a set within itself. Nix cannot be asked whether two sets are one,
 * so its children are asked first and their rows are held back: it is on trial. When each says what that one's children
 * said - the same derivation, a set of the same names - it is listed as an error, its rows are dropped and it is not
 * entered.
 */
#ifndef EKACI_EVALUATE_ATTRTREE_H
#define EKACI_EVALUATE_ATTRTREE_H

#include "evaluate/evaljobs.h"
#include "support/base/mem.h"
#include "support/base/str.h"
#include "support/text/json.h"

struct attr {
	uint32_t parent; /* the root is its own */
	uint32_t index;  /* among the parent's sorted names */
	uint32_t first, n;  /* children stand side by side; of a set that is to be entered */
	uint32_t open;      /* children that have not answered yet */
	uint16_t depth;
	uint8_t tries;      /* how many workers died on it; the asker's */
	bool on_trial;
	uint64_t said;      /* its answer: a fingerprint of a set's names, of a derivation's path; 0: none yet */
	struct str name;
};

struct trial {
	uint32_t set, like;
	struct buf rows;
	size_t n_rows;
};

struct attrtree {
	const struct eval_jobs *o;
	struct arena names;
	VEC(struct attr) all;
	VEC(uint32_t) queue;  /* to be asked, from .head on */
	size_t head;
	VEC(struct str) drvs; /* for the root; only when roots are wanted */
	VEC(struct trial) trials;
	VEC(struct str) late; /* rows that are printed when all are there; each with its newline */
	size_t rows;
};

/* With the root, to be asked. */
void attrtree_init(struct attrtree *t, const struct eval_jobs *o);
void attrtree_release(struct attrtree *t);

/* The path of an attribute, from the root: names, and places among the names of their sets; gives its length, at most max. */
size_t attrtree_path(const struct attrtree *t, uint32_t id, struct str *path, uint32_t *indices, size_t max);
/* The attribute with this path, a JSON array of names; there is one. */
uint32_t attrtree_find(const struct attrtree *t, const json_t *path);
/* For people, as a JSON string, cut when long. */
void attrtree_name(const struct attrtree *t, uint32_t id, struct buf *out);
/* Puts ids back to be asked next, in this order. */
void attrtree_ask_again(struct attrtree *t, const uint32_t *ids, size_t n);

/* The answers. json: {"drvPath":...} as Nix printed it; the array of a set's names; text: a message. Each may print rows.
 * -1 ends the walk: a limit, a root that is an error, an answer that nobody understands. */
must_check int attrtree_derivation(struct attrtree *t, uint32_t id, struct str json, struct err *e);
must_check int attrtree_set(struct attrtree *t, uint32_t id, struct str json, struct err *e);
must_check int attrtree_error(struct attrtree *t, uint32_t id, struct str text, struct err *e);
/* A derivation that is to outlive the walk: links and roots are made as o asks for them. */
must_check int attrtree_keep(struct attrtree *t, struct str drv, struct err *e);
void attrtree_nothing(struct attrtree *t, uint32_t id);
/* Ends the trials for which all that must be compared has answered; to be called between answers. */
must_check int attrtree_settle(struct attrtree *t, struct err *e);

#endif
