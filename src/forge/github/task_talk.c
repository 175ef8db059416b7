/* Comments, replies, reactions and labels. */
#include "forge/github/task_talk.h"

#include "forge/github/shape.h"
#include "support/base/log.h"

#include <string.h>
#include <strings.h>

static const char *
issue(struct task *t, int64_t number, const char *what)
{
	return arena_printf(&t->a, "%s/issues/%lld/%s", t->base, (long long)number, what);
}

/* --- comments and replies --- */

static bool
is_reply(const struct task *t)
{
	return strcmp(t->row.kind, "reply") == 0;
}

static void
on_commented(struct task *t, const struct http_answer *answer, const json_t *body)
{
	int64_t id = json_int(body, "id", 0);
	struct err e;

	(void)answer;
	if (id <= 0) {
		(void)fail(&e, ERR_SYSTEM, "GitHub's answer does not say which comment it is about");
		task_later(t, &e);
		return;
	}
	t->row.remote_id = id;
	task_posted(t);
}

static void
create_comment(struct task *t)
{
	t->row.remote_id = 0;
	task_making(t);
	task_ask_once(t, "POST", issue(t, t->wanted.comment.number, "comments"), shape_comment(&t->wanted.comment),
	    on_commented);
}

/* Somebody deleted it, and something else is to be said: a reply is posted anew, since somebody asked; the report comes back once,
 * and not when it is deleted again. */
static void
on_comment_gone(struct task *t, const struct err *why)
{
	int64_t deleted = json_int(t->remote, "deleted", 0) + 1;
	struct err e;

	if (!task_is_gone(t)) {
		task_refused(t, why);
		return;
	}
	json_object_set_new(t->remote, "deleted", json_integer(deleted));
	t->row.remote_id = 0;
	if (!task_remember(t))
		return;
	if (deleted > 1 && !is_reply(t)) {
		(void)fail(&e, ERR_DENIED, "the comment was deleted at GitHub twice: it is not wanted there");
		task_never(t, &e);
		return;
	}
	create_comment(t);
}

static void
update_comment(struct task *t)
{
	t->gone = on_comment_gone;
	task_ask(t, "PATCH", arena_printf(&t->a, "%s/issues/comments/%lld", t->base, (long long)t->row.remote_id),
	    shape_comment(&t->wanted.comment), on_commented);
}

/* Anybody can write our marker: only what our App wrote counts. */
static bool
is_ours(const struct task *t, const json_t *comment)
{
	const json_t *app = json_object_get(comment, "performed_via_github_app");
	const json_t *user = json_object_get(comment, "user");
	struct str slug = str_of(tokens_app_slug(t->s->tokens)), login = json_text(user, "login");

	if (json_is_object(app))
		return json_int(app, "id", 0) == tokens_app_number(t->s->tokens);
	return slug.n > 0 && strcmp(json_str(user, "type", ""), "Bot") == 0 && str_starts(login, slug) &&
	       str_is(str_from(login, slug.n), "[bot]");
}

static void
on_searched(struct task *t)
{
	AUTO(json_drop) json_t *body = shape_comment(&t->wanted.comment);

	if (t->found == NULL) {
		if (json_int(t->remote, "deleted", 0) > 1 && !is_reply(t)) {
			struct err e;
			(void)fail(&e, ERR_DENIED, "the comment was deleted at GitHub twice: it is not wanted there");
			task_never(t, &e);
			return;
		}
		if (task_looked(t))
			create_comment(t);
		return;
	}
	t->row.remote_id = json_int(t->found, "id", 0);
	log_info("%s: found at GitHub (%lld)", t->row.key, (long long)t->row.remote_id);
	if (str_eq(json_text(t->found, "body"), json_text(body, "body"))) {
		task_posted(t);
		return;
	}
	if (task_remember(t))
		update_comment(t);
}

static void
on_comments(struct task *t, const struct http_answer *answer, const json_t *body)
{
	struct str marker = str_of(t->wanted.comment.marker);
	size_t i;
	json_t *comment;
	bool too_many;
	struct err e;

	json_array_foreach(body, i, comment) {
		if (is_ours(t, comment) && json_int(comment, "id", 0) > 0 &&
		    str_find(json_text(comment, "body"), marker) >= 0) {
			t->found = json_incref(comment);
			on_searched(t);
			return;
		}
	}
	if (task_next_page(t, answer, on_comments, &too_many))
		return;
	if (too_many) {
		(void)fail(&e, ERR_LIMIT, "too many comments to find out whether ours is there");
		task_never(t, &e);
		return;
	}
	on_searched(t);
}

static void
search(struct task *t)
{
	task_ask(t, "GET", issue(t, t->wanted.comment.number, "comments?per_page=30"), NULL, on_comments);
}

void
task_comment(struct task *t)
{
	/* Also without a doubt: the database may be newer than the comment. */
	if (t->row.remote_id == 0)
		task_identify(t, search);
	else
		update_comment(t);
}

void
task_reply(struct task *t)
{
	if (t->row.remote_id != 0)
		update_comment(t);
	else if (t->row.in_doubt)
		task_identify(t, search);
	else
		create_comment(t);
}

/* --- reactions: the same one twice is one --- */

static void
on_reacted(struct task *t, const struct http_answer *answer, const json_t *body)
{
	(void)answer;
	t->row.remote_id = json_int(body, "id", 0);
	task_posted(t);
}

void
task_reaction(struct task *t)
{
	task_ask(t, "POST",
	    arena_printf(&t->a, "%s/issues/comments/%lld/reactions", t->base, (long long)t->wanted.reaction.comment_id),
	    json_pack("{s:s}", "content", t->wanted.reaction.content), on_reacted);
}

/* --- labels: GitHub's compare without case --- */

static bool
same_label(const char *a, const char *b)
{
	return strcasecmp(a, b) == 0;
}

static bool
among(const struct texts *list, const char *name)
{
	for (size_t i = 0; i < list->n; i++)
		if (same_label(list->p[i], name))
			return true;
	return false;
}

/* Of a list of names, or of labels as GitHub gives them. */
static bool
names(const json_t *list, const char *name)
{
	size_t i;
	json_t *v;

	json_array_foreach(list, i, v) {
		const char *s = json_is_object(v) ? json_str(v, "name", "") : json_string_value(v);
		if (s != NULL && same_label(s, name))
			return true;
	}
	return false;
}

static void remove_next(struct task *t);

static void
on_removed(struct task *t, const struct http_answer *answer, const json_t *body)
{
	(void)answer;
	(void)body;
	remove_next(t);
}

static void
on_label_gone(struct task *t, const struct err *e)
{
	(void)e;
	remove_next(t);
}

static void
remove_next(struct task *t)
{
	size_t n = json_array_size(t->todo);

	if (n == 0) {
		task_posted(t);
		return;
	}
	const char *name = json_string_value(json_array_get(t->todo, n - 1));
	const char *url = arena_printf(&t->a, "%s/%s", issue(t, t->wanted.labels.number, "labels"), shape_url(&t->a, name));
	json_array_remove(t->todo, n - 1);
	t->gone = on_label_gone;
	task_ask(t, "DELETE", url, NULL, on_removed);
}

static void
on_labels(struct task *t, const struct http_answer *answer, const json_t *body)
{
	const struct texts *wanted = &t->wanted.labels.wanted, *known = &t->wanted.labels.known;
	json_t *missing = json_array(), *v;
	size_t i;
	bool too_many;

	if (t->found == NULL)
		t->found = json_array();
	if (json_is_array(body))
		json_array_extend(t->found, (json_t *)(uintptr_t)body);
	if (task_next_page(t, answer, on_labels, &too_many)) {
		json_decref(missing);
		return;
	}
	for (i = 0; i < wanted->n; i++)
		if (!names(t->found, wanted->p[i]) && !names(missing, wanted->p[i]))
			json_array_append_new(missing, json_string(wanted->p[i]));
	t->todo = json_array();
	json_array_foreach(t->found, i, v) {
		const char *name = json_str(v, "name", "");
		if (name[0] != '\0' && among(known, name) && !among(wanted, name))
			json_array_append_new(t->todo, json_string(name));
	}
	if (json_array_size(missing) == 0) {
		json_decref(missing);
		remove_next(t);
		return;
	}
	task_ask(t, "POST", issue(t, t->wanted.labels.number, "labels"), json_pack("{s:o}", "labels", missing), on_removed);
}

void
task_labels(struct task *t)
{
	task_ask(t, "GET", issue(t, t->wanted.labels.number, "labels?per_page=100"), NULL, on_labels);
}
