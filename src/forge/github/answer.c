/* Answers, by what they mean for who asked. */
#include "forge/github/answer.h"

#include "support/text/json.h"

static bool
speaks_of_limit(const struct http_answer *answer)
{
	return str_find(answer->body, STR("rate limit")) >= 0 || str_find(answer->body, STR("abuse detection")) >= 0;
}

enum answer_class
answer_class(const struct http_answer *answer)
{
	int status = answer->status;

	/* 304: what was asked for is as it was. */
	if ((status >= 200 && status < 300) || status == 304)
		return ANSWER_GOOD;
	if (status == 401)
		return ANSWER_UNAUTHORISED;
	if (status == 429 ||
	    (status == 403 && (answer->retry_after_s >= 0 || answer->rate_remaining == 0 || speaks_of_limit(answer))))
		return ANSWER_LIMITED;
	if (status == 404 || status == 410)
		return ANSWER_GONE;
	/* 408 and 409 pass by themselves; what is below 400 and no redirection we know is no answer. */
	if (status >= 400 && status < 500 && status != 408 && status != 409)
		return ANSWER_REFUSED;
	return ANSWER_BROKEN;
}

void
answer_error(const struct http_answer *answer, struct err *e)
{
	AUTO(json_drop) json_t *j = NULL;
	AUTO(json_drop) json_t *errors = NULL;
	struct err ignored;
	struct arena a = {0};
	enum err_kind kind = ERR_BUSY;
	enum answer_class class = answer_class(answer);

	if (answer->status == 0) {
		*e = answer->e;
		return;
	}
	if (class == ANSWER_GONE)
		kind = ERR_ABSENT;
	else if (class == ANSWER_UNAUTHORISED || answer->status == 403)
		kind = class == ANSWER_LIMITED ? ERR_BUSY : ERR_DENIED;
	else if (class == ANSWER_REFUSED)
		kind = ERR_INPUT;
	if (answer->body.n > 0 && answer->body.n < 65536 && json_read(answer->body, "answer", &j, &ignored) == 0)
		errors = json_incref(json_object_get(j, "errors"));
	struct str words = str_utf8_head(json_text(j, "message"), 200);
	struct str details = str_utf8_head(str_of(errors != NULL ? json_line(&a, errors) : ""), 150);
	(void)fail(e, kind, "GitHub: %d " STR_FMT "%s" STR_FMT "%s%s", answer->status, STR_ARG(words),
	    errors != NULL ? " " : "", STR_ARG(details), answer->request_id[0] != '\0' ? " request " : "", answer->request_id);
	arena_release(&a);
}
