/*
 * untold - changes of which a comparison cannot tell what they do.
 *
 * An evaluation holds what git holds: of a submodule that a job does not take (or that .gitmodules does not name) an empty
 * folder, of a file in Git LFS the pointer. So a change of the one changes nothing that is compared, and what is built of
 * the other is built of the pointer. A rule that says of the path that it rebuilds nothing is a person's word, and decides.
 *
 * The record's member `untold`: null, or an object with those of these that there are, each {paths: at most UNTOLD_MAX_PATHS,
 * count: of all, jobs: names}:
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

/* jobs: those to be evaluated. A new reference. */
json_t *untold_json(const struct untold *u, const json_t *jobs);

#endif
