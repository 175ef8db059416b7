/*
 * untold - changes of which a comparison cannot tell what they do.
 *
 * An evaluation holds what git holds: of a submodule that a job does not take (or that .gitmodules does not name) an empty
 * folder, of a file in Git LFS the pointer. So a change of the one changes nothing that is compared, and what is built of
 * the other is built of the pointer. A rule that says of the path that it rebuilds nothing is a person's word, and decides.
 *
 * Of each kind there are at most UNTOLD_MAX_PATHS paths, the count of all, of the job that has most, and the names of the
 * jobs that it concerns:
 *   submodules  changed, and the jobs do not take submodules
 *   unnamed     changed, and the jobs take submodules, but .gitmodules does not say where these are
 *   lfs         pointers of Git LFS that changed
 */
#ifndef EKACI_CHANGESET_UNTOLD_H
#define EKACI_CHANGESET_UNTOLD_H

#include "changeset/paths.h"
#include "changeset/rules.h"

enum { UNTOLD_MAX_PATHS = 20 };

struct untold {
	const struct rules *rules;
	const struct glob_set *skip; /* patterns of the server */
	bool ignore_rules;
	const struct changed_paths *plain; /* between the trees as git has them */
	const struct changed_paths *whole; /* the same with submodules, or plain */
};

/* jobs: those to be evaluated. NULL: nothing of the kind changed. */
struct untold_changes *untold_find(struct arena *a, const struct untold *u, const struct job_defs *jobs);

#endif
