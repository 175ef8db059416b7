/* Review requests. */
#include "forge/github/task_reviewers.h"

#include "support/base/log.h"
#include "support/text/json.h"

#include <string.h>
#include <strings.h>

/*
 * Remembered (t->remote):
 *   asked  logins that we have asked, or that somebody has: together they are at most so many
 *   no     logins that GitHub does not let us ask
 * In t->found, while a task goes on: logins that need not be asked. In t->todo: whom to ask.
 */

static json_t *
list(struct task *t, const char *key)
{
	json_t *l = json_object_get(t->remote, key);

	if (!json_is_array(l)) {
		l = json_array();
		json_object_set_new(t->remote, key, l);
	}
	return l;
}

static bool
holds(const json_t *logins, const char *login)
{
	const json_t *v;
	size_t i;

	json_array_foreach(logins, i, v)
		if (strcasecmp(json_string_value(v), login) == 0)
			return true;
	return false;
}

static const char *
address(struct task *t, const char *what)
{
	return arena_printf(&t->a, "%s/pulls/%lld%s", t->base, (long long)t->wanted.reviewers.number, what);
}

static void ask_next(struct task *t);

static void
on_one(struct task *t, const struct http_answer *answer, const json_t *body)
{
	(void)answer;
	(void)body;
	json_array_append(list(t, "asked"), json_array_get(t->todo, 0));
	json_array_remove(t->todo, 0);
	ask_next(t);
}

static void
on_no(struct task *t, const struct err *e)
{
	log_info("%s: %s is not asked: %s", t->row.key, json_string_value(json_array_get(t->todo, 0)), e->msg);
	json_array_append(list(t, "no"), json_array_get(t->todo, 0));
	json_array_remove(t->todo, 0);
	ask_next(t);
}

static void
ask_next(struct task *t)
{
	if (!task_remember(t))
		return;
	if (json_array_size(t->todo) == 0) {
		task_posted(t);
		return;
	}
	t->invalid = on_no;
	task_ask(t, "POST", address(t, "/requested_reviewers"), json_pack("{s:[O]}", "reviewers", json_array_get(t->todo, 0)),
	    on_one);
}

static void
on_all(struct task *t, const struct http_answer *answer, const json_t *body)
{
	(void)answer;
	(void)body;
	json_array_extend(list(t, "asked"), t->todo);
	task_posted(t);
}

static void
on_not_all(struct task *t, const struct err *e)
{
	(void)e;
	ask_next(t);
}

static void
ask_all(struct task *t)
{
	const struct texts *logins = &t->wanted.reviewers.logins;
	int64_t left = t->wanted.reviewers.max - (int64_t)json_array_size(list(t, "asked"));

	t->todo = json_array();
	for (size_t i = 0; i < logins->n && (int64_t)json_array_size(t->todo) < left; i++)
		if (!holds(t->found, logins->p[i]) && !holds(list(t, "asked"), logins->p[i]) &&
		    !holds(list(t, "no"), logins->p[i]) && !holds(t->todo, logins->p[i]))
			json_array_append_new(t->todo, json_string(logins->p[i]));
	if (json_array_size(t->todo) == 0) {
		task_posted(t);
		return;
	}
	t->invalid = on_not_all;
	task_ask(t, "POST", address(t, "/requested_reviewers"), json_pack("{s:O}", "reviewers", t->todo), on_all);
}

static void
note(struct task *t, const json_t *user)
{
	const char *login = json_str(user, "login", NULL);

	if (login != NULL)
		json_array_append_new(t->found, json_string(login));
}

static void
on_reviews(struct task *t, const struct http_answer *answer, const json_t *body)
{
	const json_t *review;
	bool too_many;
	size_t i;

	json_array_foreach(body, i, review)
		note(t, json_object_get(review, "user"));
	if (!task_next_page(t, answer, on_reviews, &too_many))
		ask_all(t);
}

/* The answer to a request may have been lost: who stands there and is wanted was asked. */
static void
note_asked(struct task *t, const json_t *user)
{
	const struct texts *logins = &t->wanted.reviewers.logins;
	const char *login = json_str(user, "login", "");

	note(t, user);
	for (size_t i = 0; i < logins->n; i++)
		if (strcasecmp(logins->p[i], login) == 0 && !holds(list(t, "asked"), login))
			json_array_append_new(list(t, "asked"), json_string(login));
}

static void
on_pull(struct task *t, const struct http_answer *answer, const json_t *body)
{
	const json_t *user;
	size_t i;

	(void)answer;
	if (strcmp(json_str(body, "state", ""), "open") != 0 || json_flag(body, "draft", false)) {
		task_posted(t); /* nobody is bothered with it any more, or not yet */
		return;
	}
	t->found = json_array();
	note(t, json_object_get(body, "user"));
	json_array_foreach(json_object_get(body, "requested_reviewers"), i, user)
		note_asked(t, user);
	task_ask(t, "GET", address(t, "/reviews?per_page=100"), NULL, on_reviews);
}

void
task_reviewers(struct task *t)
{
	task_ask(t, "GET", address(t, ""), NULL, on_pull);
}
