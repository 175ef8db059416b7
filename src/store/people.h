/*
 * people - who gives commands: how many, with what permission, and where they are answered.
 *
 * Logins are compared as GitHub does, in any case.
 */
#ifndef EKACI_STORE_PEOPLE_H
#define EKACI_STORE_PEOPLE_H

#include "store/store.h"

/* How many comments with commands, and presses of buttons, were taken of somebody since a time, in all repositories that
 * have the same installation as this one. */
must_check int store_people_asked(struct store *s, int64_t repository, const char *login, int64_t since, int64_t *ret,
    struct err *e);

/* What the forge said of somebody's permission there. */
must_check int store_people_may(struct store *s, int64_t repository, const char *login, const char *permission, struct err *e);
/* The same, when it was said after `since`; NULL: it was not. In a. */
must_check int store_people_told(struct store *s, struct arena *a, int64_t repository, const char *login, int64_t since,
    const char **ret, struct err *e);

/*
 * A comment asks something that may be answered in the reply to an earlier one: *ret_thread is the comment after which that
 * reply is named. Its own, unless the same person asked the same before and nobody said anything in between.
 */
struct people_question {
	int64_t repository, number, comment;
	const char *login, *asked;
};
must_check int store_people_question(struct store *s, const struct people_question *q, int64_t *ret_thread, struct err *e);
/* Somebody said something else. */
must_check int store_people_said(struct store *s, int64_t repository, int64_t number, struct err *e);

/* An answer to a command of a comment; all of that comment, in the order of its commands, in a. */
must_check int store_command_answer(struct store *s, int64_t command, const char *answer, struct err *e);
struct command_answer {
	int64_t command;
	const char *answer;
};
must_check int store_command_answers(struct store *s, struct arena *a, int64_t repository, int64_t comment,
    struct command_answer **ret, size_t *ret_n, struct err *e);

#endif
