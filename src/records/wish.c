/* The tables of wish.h. */
#include "records/wish.h"

#define OF struct wish_annotation
static const struct field wish_annotation_members[] = {
    {TEXT(annotation_level), .left_out = true, .about = "notice, warning or failure"},
    {INT(end_column), .left_out = true},
    {INT(end_line)},
    {TEXT(message), .left_out = true},
    {TEXT(path), .left_out = true},
    {TEXT(raw_details), .left_out = true},
    {INT(start_column), .left_out = true},
    {INT(start_line), .about = "from 1"},
    {TEXT(title), .left_out = true},
};
const struct fields wish_annotation_fields = FIELDS("annotation", NULL, struct wish_annotation, wish_annotation_members);
#undef OF

#define OF struct wish_action
static const struct field wish_action_members[] = {
    {TEXT(description), .left_out = true},
    {TEXT(identifier), .left_out = true, .about = "comes back when the button is pressed"},
    {TEXT(label), .left_out = true},
};
const struct fields wish_action_fields = FIELDS("action", NULL, struct wish_action, wish_action_members);
#undef OF

#define OF struct wish_check
static const struct field wish_check_members[] = {
    {LIST_OF(actions, wish_action, wish_action_fields), .left_out = true},
    {LIST_OF(annotations, wish_annotation, wish_annotation_fields), .left_out = true},
    {INT(completed_at), .left_out = true, .about = "milliseconds since 1970"},
    {TEXT(conclusion), .left_out = true},
    {TEXT(details_url), .left_out = true},
    {TEXT(external_id), .left_out = true},
    {TEXT(head), .left_out = true, .about = "commit"},
    {TEXT(name), .required = true},
    {INT(restart), .left_out = true, .about = "when it grows, a concluded check is posted anew"},
    {INT(started_at), .left_out = true, .about = "milliseconds since 1970"},
    {TEXT(status), .left_out = true, .about = "queued, in_progress or completed"},
    {TEXT(summary), .left_out = true, .about = "Markdown"},
    {TEXT(text), .left_out = true, .about = "Markdown"},
    {TEXT(title), .left_out = true},
};
const struct fields wish_check_fields = FIELDS("wanted check", NULL, struct wish_check, wish_check_members);
#undef OF

#define OF struct wish_comment
static const struct field wish_comment_members[] = {
    {TEXT(body), .required = true, .about = "Markdown"},
    {TEXT(marker), .required = true, .about = "an HTML comment by which it is found again"},
    {INT(number), .about = "of the pull request"},
};
const struct fields wish_comment_fields = FIELDS("wanted comment", NULL, struct wish_comment, wish_comment_members);
#undef OF

#define OF struct wish_labels
static const struct field wish_labels_members[] = {
    {TEXTS(known), .required = true, .about = "ours; no other is ever taken away"},
    {INT(number), .about = "of the pull request"},
    {INT(serial), .left_out = true, .about = "another one is another wish"},
    {TEXTS(wanted), .required = true},
};
const struct fields wish_labels_fields = FIELDS("wanted labels", NULL, struct wish_labels, wish_labels_members);
#undef OF

#define OF struct wish_reaction
static const struct field wish_reaction_members[] = {
    {INT(comment_id)},
    {TEXT(content), .required = true, .about = "eyes, +1, ..."},
};
const struct fields wish_reaction_fields = FIELDS("wanted reaction", NULL, struct wish_reaction, wish_reaction_members);
#undef OF

#define OF struct wish_status
static const struct field wish_status_members[] = {
    {TEXT(context), .required = true},
    {TEXT(description), .left_out = true, .about = "plain text, one line"},
    {TEXT(head), .required = true, .about = "commit"},
    {TEXT(state), .required = true, .about = "pending, success, failure, error"},
    {TEXT(target_url), .left_out = true},
};
const struct fields wish_status_fields = FIELDS("wanted status", NULL, struct wish_status, wish_status_members);
#undef OF

#define OF struct wish_reviewers
static const struct field wish_reviewers_members[] = {
    {TEXTS(logins), .required = true, .about = "whoever comes first is asked first"},
    {INT(max), .about = "that are ever asked for this pull request"},
    {INT(number), .about = "of the pull request"},
};
const struct fields wish_reviewers_fields = FIELDS("wanted reviewers", NULL, struct wish_reviewers, wish_reviewers_members);
#undef OF
