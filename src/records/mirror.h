/*
 * mirror - jobs and records of the stages `mirror` and `submodules`: the commits are here, and test-merged.
 */
#ifndef EKACI_RECORDS_MIRROR_H
#define EKACI_RECORDS_MIRROR_H

#include "records/fields.h"

struct mirror_job {
	const char *mirror, *url, *authorization;
	int64_t number;
	const char *head, *head_ref, *base_ref, *base;
	bool trusted;
	int64_t wall_ms;
};
extern const struct fields mirror_job_fields;

/* The trees with their submodules in them, or why they cannot be had. */
struct whole_trees {
	const char *git_dir, *base_tree, *head_tree, *error;
};
extern const struct fields whole_trees_fields;

struct mirrored {
	const char *head, *base, *merge_base, *base_tree, *head_tree;
	bool conflict, unrelated;
	struct texts conflicts;
	const char *base_sha_at_tip;
	struct whole_trees *submodules;
	const char *skip_word; /* by which the head's message asks that nothing is done, or NULL */
};
extern const struct fields mirrored_fields;

struct submodules_job {
	const char *git_dir, *cache, *base_tree, *head_tree;
	int64_t wall_ms;
};
extern const struct fields submodules_job_fields;
/* The record `submodules`. */
extern const struct fields submodules_fields; /* of a struct whole_trees */

#endif
