/* answer - what an answer of GitHub's means. */
#ifndef EKACI_FORGE_GITHUB_ANSWER_H
#define EKACI_FORGE_GITHUB_ANSWER_H

#include "forge/github/http.h"

enum answer_class {
	ANSWER_GOOD,         /* 2xx, 304 */
	ANSWER_GONE,         /* 404, 410 */
	ANSWER_REFUSED,      /* other 4xx */
	ANSWER_UNAUTHORISED, /* 401, also with a new token */
	ANSWER_LIMITED,      /* nothing happened, try later */
	ANSWER_BROKEN        /* 5xx or none: it may have happened */
};
enum answer_class answer_class(const struct http_answer *answer);
/* The same as an error, with GitHub's words. */
void answer_error(const struct http_answer *answer, struct err *e);

#endif
