/*
 * attrtree - the attributes that a walk has found: what each has said, what is still to be asked, and the rows.
 *
 * An attribute is a number, its place among all; the root is 0, children of a set stand side by side. Somebody else asks
 * (walk.c) and hands in the answers, in any order; rows are printed as they come, or held back where the answers of others
 * decide about them.
 *
 * A set with the names of one above it may be that set: a set within itself. Whoever asks says of which ones the way down
 * to it could be gone on to the depth limit, always with the same names: of a tree with leaves, be it of sets that share
 * their names (build, host, target), there is an end to it. Nix cannot be asked whether two sets are one, so what stays is
 * put on trial: its children are asked, and theirs, but for sets that themselves could be on trial, which wait; all rows
 * are held back. When everything below it said what stands at the same place below that set above - the same
 * derivations, sets of the same names - it is that one: it is listed as an error, and its rows are dropped. Otherwise
 * they are printed, and those that wait are tried.
 */
#ifndef EKACI_EVALUATE_BUILTIN_ATTRTREE_H
#define EKACI_EVALUATE_BUILTIN_ATTRTREE_H

#include "evaluate/builtin/evaljobs.h"
#include "support/base/mem.h"
#include "support/base/str.h"
#include "support/text/json.h"

enum { TRIAL_LIKES = 8 }; /* sets above that one may be; the nearest */

struct tree_attr {
	uint32_t parent;   /* the root is its own */
	uint32_t index;    /* among the parent's sorted names */
	uint32_t first, n; /* children stand side by side; of a set that is to be entered */
	uint32_t below;    /* the trial that its answer belongs to: its place + 1; 0: none */
	uint16_t depth;
	uint8_t tries;     /* how many workers died on it; the asker's */
	bool may_be_above; /* a set that is, was or will be on trial */
	uint64_t said;     /* its answer: a fingerprint of a set's names, of a derivation's path; 0: none yet */
	struct str name;
};

struct trial {
	enum { TRIAL_WAITS, TRIAL_RUNS, TRIAL_ENDED } state;
	uint32_t set;
	uint32_t like[TRIAL_LIKES], n_like;
	uint32_t within; /* the trial it waits for, its place + 1 */
	bool dropped;    /* ended, for the set is one above it */
	size_t open;     /* attributes below that have not answered yet */
	struct buf rows;
	size_t n_rows;
};

struct attrtree {
	const struct eval_jobs *o;
	struct arena names;
	VEC(struct tree_attr) all;
	VEC(uint32_t) queue; /* to be asked, from .head on */
	size_t head;
	VEC(struct str) drvs; /* for the root; only when roots are wanted */
	VEC(struct trial) trials;
	size_t first_trial;   /* all before it have ended */
	VEC(struct str) late; /* rows that are printed when all are there; each with its newline */
	size_t rows;
	struct str beside; /* further members of the next row, each with a comma in front; whoever hands in an answer sets it */
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

/*
 * The answers, as Nix printed them. Each may print rows. -1 ends the walk: a limit, a root that is an error, an answer that
 * nobody understands.
 *   derivation: {"drvPath":...}; its meta, as JSON or, when that does not evaluate, the words about it; neither when none is wanted
 *   set: the array of its names; how far down the sets above stand that it may be, an array, or empty text
 *   error: the words
 */
must_check int attrtree_derivation(struct attrtree *t, uint32_t id, struct str json, struct str meta, struct str bad_meta,
    struct err *e);
must_check int attrtree_set(struct attrtree *t, uint32_t id, struct str json, struct str above, struct err *e);
must_check int attrtree_error(struct attrtree *t, uint32_t id, struct str text, struct err *e);
/* A derivation that is to outlive the walk: links and roots are made as o asks for them. */
must_check int attrtree_keep(struct attrtree *t, struct str drv, struct err *e);
void attrtree_nothing(struct attrtree *t, uint32_t id);
/* Ends the trials for which all that must be compared has answered; to be called between answers. */
must_check int attrtree_settle(struct attrtree *t, struct err *e);
/* When nothing is left to ask: that no row is still held back. */
must_check int attrtree_end(const struct attrtree *t, struct err *e);

#endif
