/* The tables of reporting.h. */
#include "records/reporting.h"

const char *const blame_words[] = {
    [BLAME_NONE] = "", [BLAME_NEWLY] = "newly_failing", [BLAME_STILL] = "still_failing", [BLAME_UNKNOWN] = "unknown", NULL};

#define OF struct report_settings
static const struct field settings_members[] = {
    {INT(max_packages_listed), .otherwise = 100},
    {TEXT(label_prefix), .about = "null: \"10.rebuild-\""},
    {TEXT(label_has_prefix), .about = "null: \"8.has: \"; empty: none of these labels"},
    {TEXT(comment), .left_out = true, .about = "how is told what the plan does not say; likewise the next three"},
    {FLAG(labels), .left_out = true},
    {INT(review_requests), .left_out = true},
    {INT(attribute_checks), .left_out = true},
    {TEXTS(repositories_decide), .left_out = true, .about = "which of these four the plan may say"},
    {INT(attribute_room), .left_out = true, .about = "for how many checks of attributes there is room now"},
};
static const struct fields settings_fields = FIELDS("settings", NULL, struct report_settings, settings_members);
#undef OF

#define OF struct report_job
static const struct field report_job_members[] = {
    {RAW(run), .required = true, .about = "these six as in the table `facts of a report`"},
    {WORD(phase, phase_words), .required = true},
    {TEXT(git_dir), .about = "with head_tree, the repository as it was evaluated: only its files are annotated"},
    {TEXT(head_tree)},
    {TEXT(documents_dir), .about = "a folder: documents become files there"},
    {RAW(plan)},
    {RAW(evaluations)},
    {RAW(query)},
    {RAW(builds)},
    {RAW(failure)},
    {RAW(first), .left_out = true, .about = "a list of `first answer`"},
    {MAYBE(progress, progress, progress_fields), .about = "shown while evaluating"},
    {TEXT(difference), .about = "the difference file"},
    {TEXT(checkout_dir), .about = "where the tree stood while it was evaluated"},
    {FLAG(waiting), .about = "builds wait for approval; without a difference, the evaluation does"},
    {FLAG(wide), .about = "they wait because they are many"},
    {TEXT(stalled), .about = "why no build is begun just now"},
    {INT(elapsed_ms), .otherwise = -1, .left_out = true, .about = "shown in the footer"},
    {FLAG(colour), .about = "of the text"},
    {TEXTS(formats), .required = true,
        .about = "checks comment text markdown json html page labels changed-paths reviewers how"},
    {RECORD(settings, report_settings, settings_fields)},
};
const struct fields report_job_fields = FIELDS("report job", NULL, struct report_job, report_job_members);
#undef OF

#define OF struct report_run
static const struct field run_members[] = {
    {INT(id)},
    {TEXT(url), .about = "of the run's page"},
    {TEXT(repo), .about = "OWNER/NAME, or \".\""},
    {INT(number), .about = "of the pull request; 0 and less: none"},
    {TEXT(head)},
    {TEXT(base)},
    {TEXT(title)},
    {TEXT(base_ref), .about = "the branch it is made against"},
    {FLAG(conflict)},
    {TEXTS(conflicts), .about = "paths in conflict"},
};
static const struct fields run_fields = FIELDS("run", NULL, struct report_run, run_members);
#undef OF

#define OF struct report_facts
static const struct field report_facts_members[] = {
    {RECORD(run, report_run, run_fields), .required = true},
    {MAYBE(plan, plan, plan_fields)},
    {LIST_OF(evaluations, evaluation, evaluation_fields), .about = "in the order in which they were made"},
    {MAYBE(query, query, query_fields)},
    {KEYED(builds, build_of_drv, told, build_told_fields), .about = "by derivation; null: nobody asked for any"},
    {MAYBE(failure, run_failure, run_failure_fields)},
    {LIST_OF(first, first_answer, first_answer_fields), .left_out = true},
};
const struct fields report_facts_fields = FIELDS("facts of a report", NULL, struct report_facts, report_facts_members);
#undef OF

#define OF struct annotation
static const struct field annotation_members[] = {
    {TEXT(path), .required = true},
    {INT(start_line)},
    {INT(end_line)},
    {TEXT(annotation_level), .required = true},
    {TEXT(title), .required = true},
    {TEXT(message), .required = true},
};
static const struct fields annotation_fields = FIELDS("annotation", NULL, struct annotation, annotation_members);
#undef OF

#define OF struct check_action
static const struct field check_action_members[] = {
    {TEXT(label), .required = true},
    {TEXT(description), .required = true},
    {TEXT(identifier), .required = true, .about = "\"rebuild\", \"rebuild-failed\", \"approve\", \"eval\", \"cancel\""},
};
static const struct fields check_action_fields = FIELDS("action", NULL, struct check_action, check_action_members);
#undef OF

#define OF struct check_run
static const struct field check_run_members[] = {
    {TEXT(name), .required = true, .about = "\"ekaci / evaluation\", \"ekaci / rebuilds\", \"ekaci / ATTR (SYSTEM)\""},
    {TEXT(status), .required = true, .about = "\"queued\", \"in_progress\", \"completed\""},
    {TEXT(title), .required = true},
    {TEXT(summary), .required = true},
    {TEXT(text), .left_out = true},
    {TEXT(drv), .left_out = true, .about = "of one attribute: its derivation"},
    {TEXT(conclusion), .left_out = true, .about = "of a completed one, GitHub's word"},
    {LIST_OF(annotations, annotation, annotation_fields), .about = "of a completed one"},
    {LIST_OF(actions, check_action, check_action_fields), .about = "of a completed one"},
};
const struct fields check_run_fields = FIELDS("check_run", "check_run", struct check_run, check_run_members);
#undef OF

#define OF struct report_comment
static const struct field report_comment_members[] = {
    {TEXT(body), .required = true},
};
const struct fields report_comment_fields = FIELDS("comment", "comment", struct report_comment, report_comment_members);
#undef OF

#define OF struct report_document
static const struct field report_document_members[] = {
    {TEXT(format), .required = true, .about = "text markdown json html changed-paths"},
    {TEXT(file), .left_out = true, .about = "in the job's documents_dir, if it has one"},
    {TEXT(body), .left_out = true},
};
const struct fields report_document_fields = FIELDS("document", "document", struct report_document, report_document_members);
#undef OF

#define OF struct report_labels
static const struct field report_labels_members[] = {
    {TEXTS(wanted), .required = true},
    {TEXTS(known), .required = true, .about = "what of these is not wanted is taken off"},
};
const struct fields report_labels_fields = FIELDS("labels", "labels", struct report_labels, report_labels_members);
#undef OF

#define OF struct report_reviewers
static const struct field report_reviewers_members[] = {
    {TEXTS(logins), .required = true, .about = "maintainers, as the base has them"},
    {INT(roots), .about = "attributes that differ by themselves"},
};
const struct fields report_reviewers_fields =
    FIELDS("reviewers", "reviewers", struct report_reviewers, report_reviewers_members);
#undef OF

#define OF struct report_how
static const struct field report_how_members[] = {
    {TEXT(comment), .required = true, .about = "\"always\", \"changes\", \"failures\", \"never\""},
    {FLAG(labels)},
    {INT(review_requests)},
};
const struct fields report_how_fields = FIELDS("how", "how", struct report_how, report_how_members);
#undef OF

#define OF struct report_advice
static const struct field report_advice_members[] = {
    {TEXT(branch), .about = "where it belongs by its cost; null: not known, as durations are missing"},
    {TEXT(at_least), .about = "then the branch that what is known would still fit"},
    {FLAG(near), .about = "by the range of the estimate it may belong on `other`"},
    {TEXT(other)},
    {TEXT(against), .about = "the branch that it is made against; null: not known"},
    {INT(builds), .about = "as of the cost, like the next four"},
    {INT(known)},
    {INT(ms)},
    {INT(low_ms)},
    {INT(high_ms)},
    {TEXT(budget), .about = "for people"},
};
const struct fields report_advice_fields = FIELDS("advice", NULL, struct report_advice, report_advice_members);
#undef OF

#define OF struct report_estimated
static const struct field report_estimated_members[] = {
    {INT(builds), .about = "made for this run"},
    {INT(known), .about = "of these whose duration was known before; the rest is of them"},
    {INT(expected_ms)},
    {INT(took_ms)},
    {INT(off_ms), .about = "how far each was off, whether more or less, added up"},
};
const struct fields report_estimated_fields = FIELDS("estimated", NULL, struct report_estimated, report_estimated_members);
#undef OF

#define OF struct report_verdict
static const struct field report_verdict_members[] = {
    {TEXT(conclusion), .about = "GitHub's word for the whole; null: none yet"},
    {TEXT(title), .required = true, .about = "one line for people"},
    {INT(exit), .about = "0 nothing newly fails, 1 something does, 2 could not tell"},
};
const struct fields report_verdict_fields = FIELDS("verdict", "verdict", struct report_verdict, report_verdict_members);
#undef OF

#define OF struct explain_job
static const struct field explain_job_members[] = {
    {TEXTS(attrs), .required = true, .about = "as reports name them"},
    {TEXT(difference), .required = true},
    {LIST_OF(evaluations, evaluation, evaluation_fields), .about = "where what does not differ is looked for"},
    {INT(max_bytes), .otherwise = 50000},
    {FLAG(apart), .about = "what differs in derivations as members of its own, not in the text"},
};
const struct fields explain_job_fields = FIELDS("explain job", NULL, struct explain_job, explain_job_members);
#undef OF

#define OF struct explained_difference
static const struct field explained_difference_members[] = {{TEXT(what), .required = true}, {TEXT(base)}, {TEXT(head)}};
#undef OF
static const struct fields explained_difference_fields =
    FIELDS("explained difference", NULL, struct explained_difference, explained_difference_members);

#define OF struct explained_input
static const struct field explained_input_members[] = {{TEXT(base), .required = true}, {TEXT(head), .required = true}};
#undef OF
static const struct fields explained_input_fields =
    FIELDS("explained input", NULL, struct explained_input, explained_input_members);

#define OF struct explained_derivation
static const struct field explained_derivation_members[] = {
    {TEXT(base), .required = true},
    {TEXT(head), .required = true},
    {TEXT(kind), .about = "root or follower"},
    {FLAG(same_outputs)},
    {LIST_OF(differences, explained_difference, explained_difference_fields)},
    {LIST_OF(inputs, explained_input, explained_input_fields), .about = "that differ, too"},
};
const struct fields explained_derivation_fields =
    FIELDS("explained derivation", NULL, struct explained_derivation, explained_derivation_members);
#undef OF

#define OF struct explanation
static const struct field explanation_members[] = {
    {TEXT(text), .required = true},
    {LIST_OF(derivations, explained_derivation, explained_derivation_fields), .about = "where it was asked so"},
    {FLAG(cut), .about = "it was longer"},
};
const struct fields explanation_fields = FIELDS("explanation", "explanation", struct explanation, explanation_members);
#undef OF
