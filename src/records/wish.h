/*
 * wish - what should stand at a forge: the documents of store/desired.h, of any forge.
 *
 * Members that are empty are left out of what is written, and of the request to the forge. Members stand in the order of
 * their names: the same wish is the same text, by which the database knows that nothing new is wanted.
 */
#ifndef EKACI_RECORDS_WISH_H
#define EKACI_RECORDS_WISH_H

#include "records/fields.h"

struct wish_annotation {
	const char *path;
	int64_t start_line, end_line;     /* from 1 */
	int64_t start_column, end_column; /* 0: none; only where start_line is end_line */
	const char *annotation_level;     /* "notice", "warning", "failure" */
	const char *message, *title, *raw_details;
};
extern const struct fields wish_annotation_fields;

/* A button beside a check; identifier comes back when it is pressed. */
struct wish_action {
	const char *label, *description, *identifier;
};
extern const struct fields wish_action_fields;

/*
 * A check of the commit `head`, one for each name. What was once added as an annotation stays, also when it is not wanted any
 * more. When `restart` grows and the check was concluded, a new one of its name is posted; so it is when a concluded one is
 * wanted running.
 */
struct wish_check {
	const char *head, *name;
	const char *status, *conclusion; /* "queued", "in_progress", "completed"; conclusion NULL: none yet */
	const char *title, *summary, *text;
	LIST(struct wish_annotation) annotations;
	LIST(struct wish_action) actions;
	const char *details_url, *external_id;
	int64_t started_at, completed_at; /* milliseconds since 1970; 0: none */
	int64_t restart;
};
extern const struct fields wish_check_fields;

/* A comment, found again by its marker, an HTML comment that is unique to its thing on its pull request; also a reply. */
struct wish_comment {
	int64_t number; /* of the pull request */
	const char *marker, *body;
};
extern const struct fields wish_comment_fields;

/* Only labels in `known` are ever taken away. */
struct wish_labels {
	int64_t number;
	struct texts wanted, known;
	int64_t serial; /* another one is another wish: what is known is looked for and taken away once more */
};
extern const struct fields wish_labels_fields;

/* A status of the commit `head`, for those whose rules know no checks: "pending", "success", "failure", "error". */
struct wish_status {
	const char *head, *context, *state, *description;
	const char *target_url;
};
extern const struct fields wish_status_fields;

/* People to be asked for a review, the first ones first, at most max ever of one pull request. */
struct wish_reviewers {
	int64_t number, max;
	struct texts logins;
};
extern const struct fields wish_reviewers_fields;

struct wish_reaction {
	int64_t comment_id;
	const char *content; /* "eyes", "+1" */
};
extern const struct fields wish_reaction_fields;

#endif
