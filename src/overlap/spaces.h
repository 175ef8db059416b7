/*
 * spaces - open pull requests of a repository beside each other, in what they rebuild.
 *
 * What is the same across different heads: an attribute, that is the job, the path and the system under which it stands. Two pull
 * requests overlap where both rebuild the same attribute, whatever derivation each of them gives it and whatever base each was compared
 * with. Where the derivation (its path, so all that it is made from) is the same in both heads, too, it is `same`, and is built once
 * anyway. Names are compared by the first 8 bytes of their SHA-256.
 *
 * Counts are as in reports: attributes, aliases once. `together` is what the tree with all of them merged rebuilds, counted so: an
 * attribute that one of them rebuilds, without those that one of them removes or breaks; two names are aliases in it when they are in the
 * base and in each of them. It is a prediction: that they do something together which none of them does alone, only an evaluation
 * of that tree can see. `apart` is how many derivations they are as they stand, each pull request by itself on its base, one for each attribute, the same ones
 * once. In a group the one to be merged `first` is green, so it is built: whichever goes before it, what the two share is made `again` for
 * it, unless it is the same derivation. Of those that are not built yet the order changes nothing.
 *
 * What a difference holds for this is kept beside it as a few bytes an attribute (a space), since a difference has hundreds of
 * megabytes at worst, and is looked at again whenever another pull request changes.
 */
#ifndef EKACI_OVERLAP_SPACES_H
#define EKACI_OVERLAP_SPACES_H

#include "records/overlap.h"
#include "records/record.h"

/* One rebuilt attribute. */
struct space_entry {
	uint64_t key;  /* job, path, system */
	uint64_t base; /* its derivation in base */
	uint64_t head; /* its derivation in head */
	bool counts;   /* it is no alias of another */
};
struct space_root {
	uint64_t key;     /* attribute, or name, and system */
	const char *name; /* for people */
};
/* By key, each key once. */
struct space {
	struct space_entry *rebuilt;
	size_t n;
	uint64_t *gone; /* attributes that base has and head has not, or that fail there */
	size_t n_gone;
	struct space_root *roots;
	size_t n_roots;
	int64_t rebuilds; /* entries that count */
};

/* From the kept file, or from the difference, and then it is kept. All in a. */
must_check int space_read(struct arena *a, const char *kept, const char *difference, struct space *ret, struct err *e);

/* of[i] belongs to pulls[i]; an empty space is fine. told: n of them. All in a. */
void overlap_compare(struct arena *a, const struct overlap_pull *pulls, const struct space *of, size_t n,
    struct overlap_told *told, struct overlaps_told *all);

stage_fn overlap_stage; /* of a struct overlap_job: a struct overlap_told each, and a struct overlaps_told */

#endif
