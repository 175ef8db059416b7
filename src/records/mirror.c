/* The tables of mirror.h. */
#include "records/mirror.h"

#define OF struct mirror_job
static const struct field mirror_job_members[] = {
    {TEXT(mirror), .required = true, .about = "path of the bare repository, made when it is missing"},
    {TEXT(url), .required = true},
    {TEXT(authorization), .about = "value of an Authorization header, given to git by its environment only"},
    {INT(number), .otherwise = -1, .about = "of the pull request; -1: none"},
    {TEXT(head), .required = true, .about = "commit"},
    {TEXT(head_ref), .about = "where the head is fetched when it is no pull request's, e.g. a merge queue's ref"},
    {TEXT(base_ref), .required = true, .about = "\"main\""},
    {TEXT(base), .about = "null: head is merged into the tip of base_ref; a commit: the two are compared as they are, and one "
                          "that is gone, or zeros, stands for head's first parent"},
    {FLAG(trusted), .about = "the head may name submodules that the base does not"},
    {INT(wall_ms), .about = "for all of it; 0: the stage's own limit"},
};
const struct fields mirror_job_fields = FIELDS("mirror job", NULL, struct mirror_job, mirror_job_members);
#undef OF

#define OF struct whole_trees
static const struct field whole_trees_members[] = {
    {TEXT(git_dir), .left_out = true, .about = "repository that has the trees"},
    {TEXT(base_tree), .left_out = true},
    {TEXT(head_tree), .left_out = true},
    {TEXT(error), .left_out = true, .about = "alone: why there are none"},
};
const struct fields whole_trees_fields = FIELDS("whole trees", NULL, struct whole_trees, whole_trees_members);
const struct fields submodules_fields = FIELDS("submodules", "submodules", struct whole_trees, whole_trees_members);
#undef OF

#define OF struct mirrored
static const struct field mirrored_members[] = {
    {TEXT(head), .required = true, .about = "commit"},
    {TEXT(base), .required = true, .about = "commit: tip of the base branch; on conflict the merge base"},
    {TEXT(merge_base), .about = "null: the two have nothing in common"},
    {TEXT(base_tree), .required = true},
    {TEXT(head_tree), .required = true, .about = "the merged tree; on conflict the head's own"},
    {FLAG(conflict)},
    {FLAG(unrelated)},
    {TEXTS(conflicts), .about = "at most 20 paths"},
    {TEXT(base_sha_at_tip)},
    {MAYBE(submodules, whole_trees, whole_trees_fields), .left_out = true, .about = "when a job takes submodules"},
    {TEXT(skip_word), .left_out = true, .about = "by which the head's message asks that nothing is done"},
};
const struct fields mirrored_fields = FIELDS("mirrored", "mirrored", struct mirrored, mirrored_members);
#undef OF

#define OF struct submodules_job
static const struct field submodules_job_members[] = {
    {TEXT(git_dir), .required = true},
    {TEXT(cache), .required = true, .about = "a folder of ours"},
    {TEXT(base_tree), .required = true},
    {TEXT(head_tree), .required = true},
    {INT(wall_ms), .left_out = true},
};
const struct fields submodules_job_fields = FIELDS("submodules job", NULL, struct submodules_job, submodules_job_members);
#undef OF
