/*
 * plan - job and record of the stage `plan`: what to evaluate, and why.
 */
#ifndef EKACI_RECORDS_PLAN_H
#define EKACI_RECORDS_PLAN_H

#include "records/mirror.h"

/* What to evaluate: a job of .ekaci/config.json, of the command line, or by convention. */
struct job_def {
	const char *name;
	const char *file, *flake, *expr; /* one of them */
	struct texts attr_path;          /* below that; empty: all of it */
	struct texts systems;            /* empty: what the repository says */
	bool allow_eval_failures;
	bool may_be_absent; /* a file by convention, which one of the two trees need not have */
	bool submodules;
	struct paths scope; /* p NULL: all; else the attributes that rules leave */
};
extern const struct fields job_def_fields;
struct job_defs {
	struct job_def *p;
	size_t n;
};

struct plan_job {
	const char *git_dir, *base_tree, *head_tree;
	const char *base, *head; /* commits, or NULL */
	struct whole_trees *submodules;
	bool conflict;
	struct texts skip_paths;
	const char *jobs; /* JSON as somebody wrote it on the command line, an array that replaces the repository's; or NULL */
	bool ignore_rules, all_submodules, all_jobs;
	const char *unwanted; /* why nobody wants it to be evaluated, or NULL */
	bool may_be_none;     /* a repository without anything that is Nix is no mistake */
};
extern const struct fields plan_job_fields;

/* A commit of the pull request (changeset/commits.h). */
struct plan_commit {
	const char *id, *subject;
	struct texts paths; /* that it touches */
};
struct plan_commits {
	struct plan_commit *p;
	size_t n;
};

struct plan_path {
	const char *path, *status, *rule, *old;
	const char *old_rule; /* JSON: text or null; NULL where it is the same */
};
struct plan_rule {
	const char *name, *kind, *place;
	int64_t paths;
	struct texts examples;
};
struct plan_unmatched {
	int64_t paths;
	struct texts examples;
};
struct package_change_summary {
	bool enabled;
	int64_t max_packages_listed;
	bool include_rebuild_only;
};
struct rebuild_impact {
	bool enabled;
	int64_t max_top_blast_radius;
};
enum { EVALUATION_COST_WARN_ABOVE = 10 }; /* percent, unless a repository says otherwise */
struct evaluation_cost_wishes {
	bool enabled;
	int64_t warn_above_percent; /* of more bytes allocated; 0: never */
};
/* When a comment is posted: "always", "changes", "failures", "never"; NULL at the end. */
extern const char *const report_comment_words[];
enum {
	REPORT_MAX_REVIEW_REQUESTS = 15,
	REPORT_MAX_ATTRIBUTE_CHECKS = 50 /* GitHub takes 500 writes an hour, and each check is two */
};
/* What a repository says of how it is told; what it does not say is the operator's. */
struct report_said {
	const char *comment;                       /* NULL: nothing */
	int labels;                                /* -1: nothing */
	int64_t review_requests, attribute_checks; /* -1: nothing */
};
/* Which branch a change belongs on, by what it costs (changeset/spending.h). */
struct budget_step {
	int64_t ms; /* of machine time, at most */
	const char *branch;
};
struct branch_budget {
	LIST(struct budget_step) up_to; /* ascending */
	const char *above;
};
struct report_wishes {
	struct package_change_summary package_change_summary;
	struct rebuild_impact rebuild_impact;
	struct evaluation_cost_wishes evaluation_cost;
	struct report_said *said;     /* NULL: nothing */
	struct branch_budget *budget; /* NULL: none */
};
struct config_edit {
	bool valid;
	const char *error;
	struct texts changes;
};
/* Changed paths of one kind that no evaluation shows. */
struct untold_paths {
	struct texts paths;
	int64_t count;
	struct texts jobs;
};
struct untold_changes {
	struct untold_paths *submodules, *unnamed, *lfs;
};

struct plan {
	const char *decision; /* "evaluate" | "skip" */
	bool no_nix;          /* neither side has a file by which it would be evaluated */
	const char *config;   /* "file" | "convention" | "command line" | "head file" */
	int64_t changed_paths;
	LIST(struct plan_path) paths;
	LIST(struct plan_rule) rules;
	struct plan_unmatched unmatched;
	struct job_defs jobs;
	struct texts jobs_left_out;
	struct report_wishes report;
	struct config_edit *config_edit;
	struct texts warnings;
	struct untold_changes *untold;
	const char *unwanted;
	struct plan_commits commits; /* oldest first; p NULL: not known */
};
extern const struct fields plan_fields;
extern const struct fields report_wishes_fields;

#endif
