/*
 * difference - job and record of the stage `diff`, and the difference file: what changed, why, and what that rebuilds.
 *
 * What the members of the file mean stands in graph/graph.h. The file is written and read in pieces (formats/difference.h).
 */
#ifndef EKACI_RECORDS_DIFFERENCE_H
#define EKACI_RECORDS_DIFFERENCE_H

#include "records/evaluation.h"

struct evaluation_file {
	const char *job, *file;
};
struct diff_job {
	LIST(struct evaluation_file) base, head;
	const char *out, *graph_dir, *store_dir, *real_store_dir;
	int64_t max_top;
	struct commit_name *commit;
};
extern const struct fields diff_job_fields;

/* One count of a set of attributes: by class, each attribute once. */
struct class_counts {
	int64_t added, removed, rebuild, derivation_only, switched, unchanged, newly_failing, fixed, still_failing,
	    added_failing, removed_failing, untold;
	int64_t rebuild_derivations, changed_drv_paths, aliases;
};
extern const struct fields class_counts_fields;
struct system_counts {
	const char *system;
	struct class_counts of;
};
struct difference_counts {
	struct class_counts total;
	LIST(struct system_counts) systems;
	struct class_counts other; /* of no one system */
	int64_t carry_commit;      /* -1: not known */
};
extern const struct fields difference_counts_fields;

struct difference_record {
	const char *file;
	struct difference_counts counts;
};
extern const struct fields difference_record_fields;

#endif
