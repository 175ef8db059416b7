/* The tables of difference.h. */
#include "records/difference.h"

#define OF struct evaluation_file
static const struct field evaluation_file_members[] = {
    {TEXT(job), .required = true},
    {TEXT(file), .required = true},
};
static const struct fields evaluation_file_fields =
    FIELDS("evaluation file", NULL, struct evaluation_file, evaluation_file_members);
#undef OF

#define OF struct diff_job
static const struct field diff_job_members[] = {
    {LIST_OF(base, evaluation_file, evaluation_file_fields), .required = true},
    {LIST_OF(head, evaluation_file, evaluation_file_fields), .required = true},
    {TEXT(out), .required = true, .about = "the difference file to write"},
    {TEXT(graph_dir), .about = "a cache of closures"},
    {TEXT(store_dir), .about = "\"/nix/store\""},
    {TEXT(real_store_dir), .left_out = true, .about = "where the .drv files are read; for tests"},
    {INT(max_top), .left_out = true},
    {MAYBE(commit, commit_name, commit_name_fields), .left_out = true, .about = "that flakes were evaluated as"},
};
const struct fields diff_job_fields = FIELDS("diff job", NULL, struct diff_job, diff_job_members);
#undef OF

#define OF struct class_counts
static const struct field class_counts_members[] = {
    {INT(added)},
    {INT(removed)},
    {INT(rebuild)},
    {INT(derivation_only)},
    {INT(switched)},
    {INT(unchanged)},
    {INT(newly_failing)},
    {INT(fixed)},
    {INT(still_failing)},
    {INT(added_failing)},
    {INT(removed_failing)},
    {INT(untold)},
    {INT(rebuild_derivations)},
    {INT(changed_drv_paths)},
    {INT(aliases), .about = "other names of attributes that are counted"},
};
const struct fields class_counts_fields = FIELDS("counts of a system", NULL, struct class_counts, class_counts_members);
#undef OF

#define OF struct difference_counts
static const struct field difference_counts_members[] = {
    {RECORD(total, class_counts, class_counts_fields), .required = true, .about = "the sum of the others"},
    {KEYED(systems, system_counts, of, class_counts_fields)},
    {RECORD(other, class_counts, class_counts_fields), .about = "of no one system"},
    {INT(carry_commit), .otherwise = -1, .left_out = true, .about = "how many of head's derivations carry the commit's name"},
};
const struct fields difference_counts_fields = FIELDS("counts", NULL, struct difference_counts, difference_counts_members);
#undef OF

#define OF struct difference_record
static const struct field difference_record_members[] = {
    {TEXT(file), .required = true},
    {RECORD(counts, difference_counts, difference_counts_fields), .required = true},
};
const struct fields difference_record_fields =
    FIELDS("difference", "difference", struct difference_record, difference_record_members);
#undef OF
