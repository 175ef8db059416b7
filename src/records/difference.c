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

#define OF                          struct class_counts
#define CLASS_ROW(CLASS, word, ...) {.name = (word), .type = FIELD_INT, .offset = offsetof(OF, of[CLASS_##CLASS])},
static const struct field class_counts_members[] = {
    CLASSES_LIST(CLASS_ROW){INT(rebuild_derivations), .about = "distinct ones of head's closure that must be rebuilt"},
    {INT(changed_drv_paths), .about = "derivations that head has and base has not"},
    {INT(aliases), .about = "other names of attributes that are counted"},
};
const struct fields class_counts_fields = FIELDS("counts of a system", NULL, struct class_counts, class_counts_members);
#undef CLASS_ROW
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
    {INTS(radii), .about = "derivations that must rebuild because of each root; of the widest 100"},
};
const struct fields difference_record_fields =
    FIELDS("difference", "difference", struct difference_record, difference_record_members);
#undef OF

#define OF struct package_meta
static const struct field package_meta_members[] = {
    {TEXT(version), .left_out = true},
    {TEXT(description), .left_out = true},
    {TEXT(homepage), .left_out = true},
    {TEXT(position), .left_out = true, .about = "FILE:LINE"},
    {TEXTS(license), .left_out = true, .about = "SPDX identifiers where there are"},
    {TEXTS(maintainers), .left_out = true, .about = "GitHub names where there are"},
    {FLAG(broken), .left_out = true},
    {FLAG(insecure), .left_out = true},
    {FLAG(unfree), .left_out = true},
};
const struct fields package_meta_fields = FIELDS("meta", NULL, struct package_meta, package_meta_members);
#undef OF

#define OF struct difference_side
static const struct field side_members[] = {
    {TEXT(drv), .about = "null: it fails"},
    {TEXT(name)},
    {RAW(outputs), .about = "name -> path, or null when it is not known before the build"},
    {MAYBE(meta, package_meta, package_meta_fields), .raw = offsetof(OF, meta_json)},
    {TEXT(meta_error), .left_out = true, .about = "why there is no meta"},
    {TEXT(error), .about = "the evaluator's words"},
};
static const struct fields side_fields = FIELDS("side", NULL, struct difference_side, side_members);
#undef OF

const char *const cause_kinds[] = {[CAUSE_ROOT] = "root", [CAUSE_FOLLOWER] = "follower", NULL};

#define OF struct difference_cause
static const struct field cause_members[] = {
    {WORD(kind, cause_kinds), .required = true},
    {INT(distance), .otherwise = -1, .left_out = true, .about = "steps to the nearest root; 0: it is one"},
    {TEXTS(what), .about = "of a root, for people: \"version 8.1 -> 8.2\""},
    {INTS(roots), .about = "places in `roots`, the widest first; at most 16"},
    {INT(roots_total), .otherwise = -1},
    {TEXTS(chain),
        .about =
            "names of derivations, from its own to the nearest root; at most 64, else a number stands before the root. None for alias_of"},
};
static const struct fields cause_fields = FIELDS("cause", NULL, struct difference_cause, cause_members);
#undef OF

#define OF struct difference_radius
static const struct field radius_members[] = {
    {INT(attributes)},
    {INT(derivations)},
};
static const struct fields radius_fields = FIELDS("radius", NULL, struct difference_radius, radius_members);
#undef OF

#define OF struct difference_attribute
static const struct field attribute_members[] = {
    {PATH(path), .required = true},
    {TEXT(job)},
    {TEXT(system), .about = "null: a failing row without one"},
    {WORD(class, class_names), .required = true},
    {TEXT(name)},
    {MAYBE(base, difference_side, side_fields), .about = "null: not there"},
    {MAYBE(head, difference_side, side_fields)},
    {PATH(hidden_by), .about = "the set that fails as a whole on the other side"},
    {MAYBE(cause, difference_cause, cause_fields), .about = "why it is rebuilt"},
    {MAYBE(radius, difference_radius, radius_fields), .about = "what must also rebuild because of it"},
    {INT(dependents), .otherwise = -1, .left_out = true, .about = "derivations that must be rebuilt and need it directly"},
    {TEXTS(version), .null = true, .about = "[old, new], when they differ"},
    {PATH(renamed_from), .about = "a removed attribute of the same derivation"},
    {PATH(alias_of), .about = "the attribute that counts"},
    {PATHS(aliases), .about = "other names of this one"},
};
const struct fields difference_attribute_fields = FIELDS("attribute", NULL, struct difference_attribute, attribute_members);
#undef OF

#define OF struct root_radius
static const struct field root_radius_members[] = {
    {INT(attributes)},
    {INT(derivations)},
    {KEYED(systems, system_radius, of, radius_fields)},
};
static const struct fields root_radius_fields = FIELDS("radius of a root", NULL, struct root_radius, root_radius_members);
#undef OF

#define OF struct difference_root
static const struct field root_members[] = {
    {TEXT(drv), .required = true},
    {TEXT(base_drv)},
    {TEXT(name)},
    {TEXT(system)},
    {PATHS(attributes), .about = "whose derivation it is"},
    {PATH(used_by), .about = "of one that is no attribute's: the nearest attribute that needs it"},
    {TEXTS(what), .about = "for people"},
    {RECORD(radius, root_radius, root_radius_fields)},
    {INT(dependents), .otherwise = -1, .left_out = true, .about = "derivations that must be rebuilt and need it directly"},
    {TEXT(position), .about = "where it, or what alone needs it, is defined, FILE:LINE as the evaluator says"},
    {INT(source), .otherwise = -1, .about = "the first root of the same file, or name, and difference"},
    {MAYBE(together, difference_radius, radius_fields), .about = "what the roots of that source reach, these left out"},
    {MAYBE(alone, difference_radius, radius_fields), .about = "what is rebuilt only because of that source"},
};
const struct fields difference_root_fields = FIELDS("root", NULL, struct difference_root, root_members);
#undef OF

#define OF struct difference_distances
static const struct field distances_members[] = {
    {LIST_OF(at, difference_radius, radius_fields),
        .about = "by the number of steps from the nearest root: first the roots; at most 64"},
    {RECORD(beyond, difference_radius, radius_fields), .about = "farther"},
    {RECORD(none, difference_radius, radius_fields),
        .about = "below which no root is: what is new, and sources that roots need"},
    {INT(longest), .otherwise = -1, .about = "the greatest number of steps; -1: there is no root"},
};
const struct fields difference_distances_fields = FIELDS("distances", NULL, struct difference_distances, distances_members);
#undef OF

#define OF struct difference_needed
static const struct field needed_members[] = {
    {TEXT(drv), .required = true},
    {TEXT(system)},
};
const struct fields difference_needed_fields = FIELDS("needed", NULL, struct difference_needed, needed_members);
#undef OF

#define OF struct difference_target
static const struct field target_members[] = {
    {TEXT(drv), .required = true},
    {TEXT(system)},
    {PATH(path)},
    {TEXT(name)},
};
const struct fields difference_target_fields = FIELDS("target", NULL, struct difference_target, target_members);
#undef OF

#define OF struct cost_part
static const struct field cost_part_members[] = {
    {PATH(path), .required = true},
    {INT(base), .about = "bytes; 0: it is not there"},
    {INT(head)},
    {PATH(most), .about = "the attribute below it that differs most; null: itself"},
    {TEXT(position), .about = "where that is defined, FILE:LINE as the evaluator says"},
};
static const struct fields cost_part_fields = FIELDS("part of a cost", NULL, struct cost_part, cost_part_members);
#undef OF

#define OF struct new_warning
static const struct field new_warning_members[] = {
    {PATH(path), .required = true, .about = "in whose evaluation it was first heard"},
    {TEXT(system)},
    {TEXT(words)},
};
static const struct fields new_warning_fields = FIELDS("new warning", NULL, struct new_warning, new_warning_members);
#undef OF

#define OF struct evaluation_cost
static const struct field evaluation_cost_members[] = {
    {TEXT(job), .required = true},
    {INT(base), .otherwise = -1, .about = "bytes that its evaluation allocated; -1: not known of both sides"},
    {INT(head), .otherwise = -1},
    {LIST_OF(where, cost_part, cost_part_fields), .about = "where the difference is, a set and what of it has nearly all"},
    {LIST_OF(sets, cost_part, cost_part_fields), .about = "at the top, those that differ most"},
    {INT(warnings), .otherwise = -1, .about = "that base's evaluation did not give; -1: not known"},
    {LIST_OF(list, new_warning, new_warning_fields), .about = "the first of them"},
};
const struct fields evaluation_cost_fields =
    FIELDS("cost of an evaluation", NULL, struct evaluation_cost, evaluation_cost_members);
#undef OF

#define OF struct meta_side
static const struct field meta_side_members[] = {
    {MAYBE(meta, package_meta, package_meta_fields), .raw = offsetof(OF, meta_json)},
};
static const struct fields meta_side_fields = FIELDS("side", NULL, struct meta_side, meta_side_members);
#undef OF

#define OF struct meta_change
static const struct field meta_change_members[] = {
    {PATH(path), .required = true},
    {TEXT(job)},
    {TEXT(system)},
    {TEXT(name)},
    {RECORD(base, meta_side, meta_side_fields)},
    {RECORD(head, meta_side, meta_side_fields)},
    {PATHS(aliases), .about = "of the same derivation, of which the same is said"},
};
const struct fields meta_change_fields = FIELDS("change of meta", NULL, struct meta_change, meta_change_members);
#undef OF

#define OF struct bad_meta_row
static const struct field bad_meta_row_members[] = {
    {PATH(path), .required = true},
    {TEXT(job)},
    {TEXT(system)},
    {TEXT(error)},
};
static const struct fields bad_meta_row_fields = FIELDS("error of meta", NULL, struct bad_meta_row, bad_meta_row_members);
#undef OF

#define OF struct meta_errors
static const struct field meta_errors_members[] = {
    {INT(new), .about = "attributes of head whose meta does not evaluate, and did, or that were not there"},
    {INT(before)},
    {INT(fixed)},
    {LIST_OF(list, bad_meta_row, bad_meta_row_fields), .lines = true, .about = "the first of the new ones"},
};
const struct fields meta_errors_fields = FIELDS("errors of meta", NULL, struct meta_errors, meta_errors_members);
#undef OF
