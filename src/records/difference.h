/*
 * difference - job and record of the stage `diff`, and the difference file: what changed, why, and what that rebuilds.
 *
 * The file is one JSON object, {"ekaci_difference": 1, counts, attributes, meta_changed, meta_errors, roots, targets, known, costs}, in
 * this order; it can have hundreds of megabytes, and is written and read element by element (formats/difference_file.h). What classes,
 * causes and radii mean stands in graph/graph.h.
 *
 * Files of earlier versions lack members of later ones: only what is marked as required is always there.
 */
#ifndef EKACI_RECORDS_DIFFERENCE_H
#define EKACI_RECORDS_DIFFERENCE_H

#include "records/class.h"
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
	int64_t of[CLASSES];
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
	struct numbers radii; /* derivations that must rebuild because of each root, of the widest 100; for metrics */
};
extern const struct fields difference_record_fields;

/* What stored evaluations keep of an attribute's meta. NULL, no elements and false: meta does not say it. */
struct package_meta {
	const char *version, *description, *homepage, *position;
	struct texts license, maintainers; /* identifiers; GitHub names where meta has them */
	bool broken, insecure, unfree;
};
extern const struct fields package_meta_fields;

/* What one side says of an attribute. */
struct difference_side {
	const char *drv, *name; /* NULL: it fails */
	const char *outputs;    /* JSON: name -> store path, or null where it is not known before the build */
	struct package_meta *meta;
	const char *meta_json;  /* written in place of meta when it is set: the row's own text. Not set by reading */
	const char *meta_error; /* why there is no meta */
	const char *error;      /* the evaluator's words */
};

enum cause_kind { CAUSE_ROOT, CAUSE_FOLLOWER };
extern const char *const cause_kinds[]; /* "root", "follower" */

/* Why an attribute is rebuilt. */
struct difference_cause {
	enum cause_kind kind;
	int64_t distance;     /* steps to the nearest root, 0 of one (graph/distance.h); -1: the file does not say */
	struct texts what;    /* of a root, for people: "version 8.1 -> 8.2" */
	struct numbers roots; /* places in the file's list of roots, the widest first; at most 16 */
	int64_t roots_total;  /* -1: the file does not say; all are listed */
	struct texts
	    chain; /* names of derivations, from the attribute's own to the nearest root, "(900 more)" before it where the way is long; none of another name */
};

/* What must be rebuilt because of a derivation, itself not counted. */
struct difference_radius {
	int64_t attributes, derivations;
};

/* An attribute that is not unchanged. */
struct difference_attribute {
	struct texts path;
	const char *job;
	const char *system; /* NULL: a failing row does not say */
	enum attr_class class;
	const char *name;                    /* "curl-8.1" */
	struct difference_side *base, *head; /* NULL: not on that side */
	struct texts hidden_by;              /* path of the set that fails as a whole on the other side; p == NULL: none */
	struct difference_cause *cause;      /* NULL: not rebuilt */
	struct difference_radius *radius;    /* NULL: nothing must be rebuilt */
	int64_t dependents;   /* derivations that must be rebuilt and need it directly; -1: the file does not say */
	struct texts version; /* old and new, either NULL when there is none; p == NULL: the same, or not known */
	struct texts renamed_from, alias_of; /* paths; p == NULL: none */
	struct paths aliases;                /* other names, each an element of its own that says alias_of */
};
extern const struct fields difference_attribute_fields;

struct system_radius {
	const char *system;
	struct difference_radius of;
};
struct root_radius {
	int64_t attributes, derivations;
	LIST(struct system_radius) systems;
};
/* A derivation that differs by itself. */
struct difference_root {
	const char *drv, *base_drv, *name, *system; /* base_drv may be NULL */
	struct paths attributes;                    /* whose derivation it is, aliases too */
	struct texts used_by;                       /* of one that is no attribute's: the nearest attribute that needs it */
	struct texts what;                          /* for people */
	struct root_radius radius;
	int64_t dependents;   /* as of an attribute */
	const char *position; /* where it is defined, FILE:LINE as the evaluator says; NULL: not known */
	int64_t source; /* the first root of the same source (graph/alone.h), a place in the list; -1: the file does not say */
	struct difference_radius *together; /* what the roots of that source reach, these left out; NULL: not known */
	struct difference_radius *alone;    /* what is rebuilt only because of that source; NULL: the file does not say */
};
extern const struct fields difference_root_fields;

/* Where a change goes: what must be rebuilt, by the number of steps from the nearest root. Attributes are those whose derivations
 * these are, new ones too. All of it adds up to counts.total.rebuild_derivations. */
struct difference_distances {
	LIST(struct difference_radius) at; /* place 0: the roots themselves */
	struct difference_radius beyond,
	    none;        /* farther than `at` goes; below which no root is: what is new, and sources that roots need */
	int64_t longest; /* -1: there is no root */
};
extern const struct fields difference_distances_fields;

/* What must be rebuilt, too, and is no target: only needed by one. */
struct difference_needed {
	const char *drv, *system;
};
extern const struct fields difference_needed_fields;

/* A derivation that is asked for: of `targets`, to be built; of `known`, built for base under another name already. */
struct difference_target {
	const char *drv, *system;
	struct texts path;
	const char *name;
};
extern const struct fields difference_target_fields;

/* What evaluating a job cost on both sides (graph/costs.h). */
struct cost_part {
	struct texts path;    /* of the set that all of it is below, or of one attribute */
	int64_t base, head;   /* bytes; 0: it is not there */
	struct texts most;    /* the attribute below it of which this is most true; p NULL: itself */
	const char *position; /* where that is defined, FILE:LINE as the evaluator says; NULL: not known */
};
struct new_warning {
	struct texts path; /* the attribute in whose evaluation it was first heard */
	const char *system, *words;
};
struct evaluation_cost {
	const char *job;
	int64_t base, head; /* bytes allocated; -1: not known of both sides */
	LIST(struct cost_part)
	where; /* where the difference is: from the widest set that has nearly all of it downwards; the last is the narrowest */
	LIST(struct cost_part) sets;   /* top-level sets and attributes by how much they differ, at most 10 */
	int64_t warnings;              /* new ones, in all; -1: not known */
	LIST(struct new_warning) list; /* the first of them */
};
extern const struct fields evaluation_cost_fields;

/* An unchanged attribute of which only license, broken, insecure or unfree differ. */
struct meta_side {
	struct package_meta *meta;
	const char *meta_json; /* as in difference_side */
};
struct meta_change {
	struct texts path;
	const char *job, *system, *name;
	struct meta_side base, head;
	struct paths aliases; /* of the same derivation, of which the same is said */
};
extern const struct fields meta_change_fields;

/* Attributes of head whose meta does not evaluate, though their derivation does. */
struct bad_meta_row {
	struct texts path;
	const char *job, *system, *error;
};
struct meta_errors {
	int64_t new, before, fixed;
	LIST(struct bad_meta_row) list; /* the first new ones */
};
extern const struct fields meta_errors_fields;

#endif
