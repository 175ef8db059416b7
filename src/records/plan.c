/* The tables of plan.h. */
#include "records/plan.h"

#define OF struct job_def
static const struct field job_def_members[] = {
    {TEXT(name), .required = true},
    {TEXT(file), .left_out = true, .about = "of file, flake and expr there is one"},
    {TEXT(flake), .left_out = true},
    {TEXT(expr), .left_out = true},
    {PATH(attr_path), .about = "below that"},
    {TEXTS(systems), .about = "empty: what the repository says"},
    {FLAG(allow_eval_failures)},
    {FLAG(may_be_absent), .left_out = true, .about = "by convention: a tree need not have it"},
    {FLAG(submodules), .left_out = true, .about = "it sees them as a clone that has them would"},
    {PATHS(scope), .about = "null: all; else the attributes that rules leave"},
};
const struct fields job_def_fields = FIELDS("job", NULL, struct job_def, job_def_members);
#undef OF

#define OF struct plan_job
static const struct field plan_job_members[] = {
    {TEXT(git_dir), .required = true},
    {TEXT(base_tree), .required = true},
    {TEXT(head_tree), .required = true},
    {TEXT(base), .left_out = true, .about = "commits"},
    {TEXT(head), .left_out = true},
    {MAYBE(submodules, whole_trees, whole_trees_fields), .about = "the member of `mirrored`"},
    {FLAG(conflict)},
    {TEXTS(skip_paths), .about = "globs of ekaci.toml"},
    {RAW(jobs), .about = "null, or job objects of the command line, which replace those of the repository"},
    {FLAG(ignore_rules)},
    {FLAG(all_submodules), .left_out = true, .about = "every job takes them"},
    {FLAG(all_jobs), .left_out = true, .about = "evaluate them also when nothing changed"},
    {TEXT(unwanted), .left_out = true, .about = "who said where that nothing is to be evaluated, for people"},
    {FLAG(may_be_none), .left_out = true, .about = "a repository without anything that is Nix is no mistake"},
};
const struct fields plan_job_fields = FIELDS("plan job", NULL, struct plan_job, plan_job_members);
#undef OF

#define OF struct plan_commit
static const struct field plan_commit_members[] = {
    {TEXT(id), .required = true},
    {TEXT(subject)},
    {TEXTS(paths), .about = "that it touches"},
};
static const struct fields plan_commit_fields = FIELDS("commit", NULL, struct plan_commit, plan_commit_members);
#undef OF

#define OF struct plan_path
static const struct field plan_path_members[] = {
    {TEXT(path), .required = true},
    {TEXT(status), .required = true},
    {TEXT(rule), .about = "that decided; null: none knows the path"},
    {TEXT(old), .left_out = true, .about = "where it was before it was renamed"},
    {RAW(old_rule), .left_out = true, .about = "that decided for that name, where it is another: text, or null for none"},
};
static const struct fields plan_path_fields = FIELDS("path", NULL, struct plan_path, plan_path_members);
#undef OF

#define OF struct plan_rule
static const struct field plan_rule_members[] = {
    {TEXT(name), .required = true},
    {TEXT(kind), .required = true},
    {TEXT(place), .required = true, .about = "where it is written"},
    {INT(paths), .about = "that it decided"},
    {TEXTS(examples)},
};
static const struct fields plan_rule_fields = FIELDS("rule", NULL, struct plan_rule, plan_rule_members);
#undef OF

#define OF struct plan_unmatched
static const struct field plan_unmatched_members[] = {
    {INT(paths)},
    {TEXTS(examples)},
};
static const struct fields plan_unmatched_fields = FIELDS("unmatched", NULL, struct plan_unmatched, plan_unmatched_members);
#undef OF

#define OF struct package_change_summary
static const struct field package_change_summary_members[] = {
    {FLAG(enabled), .otherwise = true},
    {INT(max_packages_listed), .otherwise = 100},
    {FLAG(include_rebuild_only)},
};
static const struct fields package_change_summary_fields =
    FIELDS("package_change_summary", NULL, struct package_change_summary, package_change_summary_members);
#undef OF

#define OF struct rebuild_impact
static const struct field rebuild_impact_members[] = {
    {FLAG(enabled), .otherwise = true},
    {INT(max_top_blast_radius), .otherwise = 5},
};
static const struct fields rebuild_impact_fields =
    FIELDS("rebuild_impact", NULL, struct rebuild_impact, rebuild_impact_members);
#undef OF

#define OF struct evaluation_cost_wishes
static const struct field evaluation_cost_wishes_members[] = {
    {FLAG(enabled), .otherwise = true},
    {INT(warn_above_percent), .otherwise = EVALUATION_COST_WARN_ABOVE, .about = "of more bytes allocated; 0: never"},
};
static const struct fields evaluation_cost_wishes_fields =
    FIELDS("evaluation_cost", NULL, struct evaluation_cost_wishes, evaluation_cost_wishes_members);
#undef OF

const char *const report_comment_words[] = {"always", "changes", "failures", "never", NULL};

#define OF struct report_said
static const struct field report_said_members[] = {
    {TEXT(comment), .left_out = true, .about = "as [report] comment; likewise the others"},
    {MAYBE_FLAG(labels), .left_out = true},
    {INT(review_requests), .otherwise = -1, .left_out = true},
    {INT(attribute_checks), .otherwise = -1, .left_out = true},
};
static const struct fields report_said_fields = FIELDS("said", NULL, struct report_said, report_said_members);
#undef OF

#define OF struct budget_step
static const struct field budget_step_members[] = {
    {INT(ms), .required = true, .about = "of machine time, at most"},
    {TEXT(branch), .required = true},
};
static const struct fields budget_step_fields = FIELDS("step of a budget", NULL, struct budget_step, budget_step_members);
#undef OF

#define OF struct branch_budget
static const struct field budget_members[] = {
    {LIST_OF(up_to, budget_step, budget_step_fields), .about = "ascending"},
    {TEXT(above), .required = true, .about = "the branch for what costs more"},
};
static const struct fields branch_budget_fields = FIELDS("budget", NULL, struct branch_budget, budget_members);
#undef OF

#define OF struct report_wishes
static const struct field report_wishes_members[] = {
    {RECORD(package_change_summary, package_change_summary, package_change_summary_fields)},
    {RECORD(rebuild_impact, rebuild_impact, rebuild_impact_fields)},
    {RECORD(evaluation_cost, evaluation_cost_wishes, evaluation_cost_wishes_fields)},
    {MAYBE(said, report_said, report_said_fields), .left_out = true, .about = "how the repository wants to be told"},
    {MAYBE(budget, branch_budget, branch_budget_fields), .left_out = true,
        .about = "which branch a change belongs on, by what it costs"},
};
const struct fields report_wishes_fields = FIELDS("report", NULL, struct report_wishes, report_wishes_members);
#undef OF

#define OF struct config_edit
static const struct field config_edit_members[] = {
    {FLAG(valid), .otherwise = true},
    {TEXT(error)},
    {TEXTS(changes), .about = "for people"},
};
static const struct fields config_edit_fields = FIELDS("config_edit", NULL, struct config_edit, config_edit_members);
#undef OF

#define OF struct untold_paths
static const struct field untold_paths_members[] = {
    {TEXTS(paths)},
    {INT(count)},
    {TEXTS(jobs)},
};
static const struct fields untold_paths_fields = FIELDS("untold paths", NULL, struct untold_paths, untold_paths_members);
#undef OF

#define OF struct untold_changes
static const struct field untold_changes_members[] = {
    {MAYBE(submodules, untold_paths, untold_paths_fields), .left_out = true},
    {MAYBE(unnamed, untold_paths, untold_paths_fields), .left_out = true},
    {MAYBE(lfs, untold_paths, untold_paths_fields), .left_out = true},
};
static const struct fields untold_changes_fields = FIELDS("untold", NULL, struct untold_changes, untold_changes_members);
#undef OF

#define OF struct plan
static const struct field plan_members[] = {
    {TEXT(decision), .required = true, .about = "\"evaluate\" | \"skip\""},
    {FLAG(no_nix), .left_out = true, .about = "neither side has a file by which it would be evaluated"},
    {TEXT(config), .about = "\"file\" | \"convention\" | \"command line\" | \"head file\""},
    {INT(changed_paths)},
    {LIST_OF(paths, plan_path, plan_path_fields), .about = "the first 100"},
    {LIST_OF(rules, plan_rule, plan_rule_fields), .about = "those that decided"},
    {RECORD(unmatched, plan_unmatched, plan_unmatched_fields), .about = "paths that no rule knows"},
    {LIST_OF(jobs, job_def, job_def_fields)},
    {TEXTS(jobs_left_out), .about = "names of jobs that rules leave out"},
    {RECORD(report, report_wishes, report_wishes_fields), .about = "with defaults filled in"},
    {MAYBE(config_edit, config_edit, config_edit_fields), .about = "what the change does to .ekaci/config.json"},
    {TEXTS(warnings)},
    {MAYBE(untold, untold_changes, untold_changes_fields),
        .about = "what changed that no evaluation shows (changeset/untold.h)"},
    {TEXT(unwanted), .left_out = true, .about = "as in the job; the decision is \"skip\""},
    {LIST_OF(commits, plan_commit, plan_commit_fields), .left_out = true,
        .about = "of the pull request, oldest first, without merges; at most 250"},
};
const struct fields plan_fields = FIELDS("plan", "plan", struct plan, plan_members);
#undef OF
