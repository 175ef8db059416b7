/*
 * changeset - two commits become a plan: what to evaluate, and why.
 *
 * Three stages (jobs and records: records/mirror.h, records/plan.h). `mirror` brings the commits here and makes the test merge;
 * `submodules` makes whole trees of somebody's clone, which `mirror` does by itself; `plan` compares the two trees, asks the
 * rules of .ekaci/config.json about every changed path, and says what to evaluate.
 *
 * A path takes the first rule that matches, the repository's before the server's skip_paths. No rule means evaluate.
 *
 *   any path without a rule, a full-rebuild rule, or a change of .ekaci/config.json itself   everything
 *   else any rebuild-only rule                                          only the jobs and attributes it names
 *   else (docs-only, no-op, skip_paths, or no change at all)            nothing: decision "skip"
 *
 * Both names of a rename count; so do deletions, changes of mode and of submodules. Rules are those of the base tree; a
 * base without the file takes head's jobs, if head has it, but never head's rules. Without jobs the convention is
 * flake.nix, all of it that evaluate/flake.h knows, else default.nix (beside a flake it is mostly a shim of it): what base
 * is evaluated by, and, where that is another, what head is; on the side that does not have the file there is nothing
 * (`may_be_absent` of the job).
 *
 * A job may take submodules (submodules.h): then the changed paths are those of the whole trees, inside submodules, too. What
 * no evaluation shows is in the record (untold.h).
 *
 * A pattern of skip_paths stands among the record's rules with kind "skip_paths". Commits without a common history are
 * `unrelated`; then merge_base is null and base is the tip.
 *
 * Attribute paths of a scope are prefixes of paths as the report shows them, so relative to the job's attr_path.
 */
#ifndef EKACI_CHANGESET_CHANGESET_H
#define EKACI_CHANGESET_CHANGESET_H

#include "records/mirror.h"
#include "records/plan.h"
#include "records/record.h"
#include "support/text/mistakes.h"

stage_fn changeset_mirror;     /* of a struct mirror_job: a struct mirrored */
stage_fn changeset_submodules; /* of a struct submodules_job: a struct whole_trees, as submodules_fields */
stage_fn changeset_plan;       /* of a struct plan_job: a struct plan */

/* Whether the stage `submodules` has something to do for a clone. jobs, all: as plan_job has them (submodules.h). */
bool changeset_wants_submodules(const char *git_dir, const char *base_tree, const char *head_tree, const char *jobs, bool all);

enum { CHANGESET_HEX = 40 };

/* A revision as git names them ("main", "HEAD~2", a sha) in the repository that dir is (in): a clone, its .git, a
 * subfolder or a linked worktree. ERR_ABSENT: no repository, or no such commit in it. */
must_check int changeset_resolve(const char *dir, const char *revision, char ret_commit[CHANGESET_HEX + 1],
    char ret_tree[CHANGESET_HEX + 1], struct err *e);
/* What GitHub would make of merging commit head into commit base; head itself stands in *ret, other texts are in a. The merged
 * tree is written into the repository's objects, where nothing refers to it. */
must_check int changeset_merge(struct arena *a, const char *git_dir, const char *base, const char *head, struct mirrored *ret,
    struct err *e);
/* The folder that holds its objects, absolute, without a slash at the end: what the stages take as git_dir. */
must_check int changeset_git_dir(struct arena *a, const char *dir, const char **ret, struct err *e);

/* "[skip ci]" or its like, where a message or a title has one; NULL: it asks for nothing. */
const char *changeset_skip_word(struct str text);

/* All mistakes of a .ekaci/config.json in a folder, and the warnings. -1 only when it cannot be read. */
must_check int changeset_check_config(struct arena *a, const char *path, struct mistakes *ret, struct texts *ret_warnings,
    struct err *e);

#endif
