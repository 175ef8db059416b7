/* A check run: made once, updated in place, made anew for a re-run. */
#include "forge/github/task_check.h"

#include "forge/github/shape.h"
#include "support/base/log.h"

#include <string.h>

/*
 * Remembered of it (t->remote):
 *   made         when
 *   restart      of the run that stands there
 *   completed    it was concluded
 *   external_id  it was made with
 *   annotations  hashes of those that stand there; GitHub only ever adds
 *   pending      hashes of those in the request under way
 *   earlier      ids of runs that a re-run replaced, so that a search does not take one of them
 */
enum { MAX_EARLIER = 100 };

static void check_go(struct task *t);

static bool
wants_completed(const struct task *t)
{
	const struct wish_check *w = &t->wanted.check;

	return w->conclusion != NULL || (w->status != NULL && strcmp(w->status, "completed") == 0);
}

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
holds(const json_t *list, const json_t *value)
{
	size_t i;
	json_t *v;

	json_array_foreach(list, i, v)
		if (json_equal(v, value))
			return true;
	return false;
}

/* The annotations that do not stand there yet, at most a request's worth; their hashes become pending. *ret_left is how
 * many remain after them. */
static json_t *
next_annotations(struct task *t, size_t *ret_left)
{
	AUTO(json_drop) json_t *hashes = NULL;
	AUTO(json_drop) json_t *all = shape_annotations(&t->wanted.check, &hashes);
	AUTO(json_drop) json_t *there = json_object();
	json_t *batch = json_array(), *pending = json_array(), *v;
	size_t i;

	json_array_foreach(list(t, "annotations"), i, v)
		json_object_set_new(there, json_string_value(v), json_true());
	*ret_left = 0;
	json_array_foreach(hashes, i, v) {
		if (json_object_get(there, json_string_value(v)) != NULL)
			continue;
		if (json_array_size(batch) == SHAPE_MAX_ANNOTATIONS) {
			++*ret_left;
			continue;
		}
		json_array_append(batch, json_array_get(all, i));
		json_array_append(pending, v);
	}
	json_object_set_new(t->remote, "pending", pending);
	return batch;
}

/* The request under way had its effect: what was pending stands there. */
static void
settle_pending(struct task *t)
{
	json_t *pending = json_object_get(t->remote, "pending");

	if (json_is_array(pending))
		json_array_extend(list(t, "annotations"), pending);
	json_object_del(t->remote, "pending");
}

static void
on_written(struct task *t, const struct http_answer *answer, const json_t *body)
{
	int64_t id = json_int(body, "id", 0);
	struct err e;

	(void)answer;
	if (id <= 0) {
		/* It was made and we do not know its number: found by the next attempt. */
		(void)fail(&e, ERR_SYSTEM, "GitHub's answer does not say which check run it is about");
		task_later(t, &e);
		return;
	}
	t->doubtful = false;
	t->row.remote_id = id;
	json_object_set_new(t->remote, "completed", json_boolean(wants_completed(t)));
	settle_pending(t);
	if (json_object_get(t->remote, "more") == NULL)
		task_posted(t);
	else
		task_partly(t);
}

/* Somebody or GitHub deleted the run. */
static void
on_gone(struct task *t, const struct err *e)
{
	if (t->recreated || !task_is_gone(t)) {
		task_refused(t, e);
		return;
	}
	t->recreated = true;
	t->row.remote_id = 0;
	check_go(t);
}

static void
create(struct task *t)
{
	json_t *earlier = list(t, "earlier");
	size_t left;

	if (t->row.remote_id != 0)
		json_array_append_new(earlier, json_integer(t->row.remote_id));
	while (json_array_size(earlier) > MAX_EARLIER)
		json_array_remove(earlier, 0);
	t->row.remote_id = 0;
	json_object_set_new(t->remote, "annotations", json_array());
	json_object_set_new(t->remote, "restart", json_integer(t->wanted.check.restart));
	json_object_set_new(t->remote, "external_id",
	    json_string(t->wanted.check.external_id != NULL ? t->wanted.check.external_id : ""));
	AUTO(json_drop) json_t *batch = next_annotations(t, &left);
	json_object_del(t->remote, "more");
	if (left > 0)
		json_object_set_new(t->remote, "more", json_true());
	task_making(t);
	task_ask_once(t, "POST", arena_printf(&t->a, "%s/check-runs", t->base),
	    shape_check(&t->wanted.check, batch, SHAPE_CREATE), on_written);
}

static void
update(struct task *t)
{
	const char *url = arena_printf(&t->a, "%s/check-runs/%lld", t->base, (long long)t->row.remote_id);
	size_t left;
	AUTO(json_drop) json_t *batch = next_annotations(t, &left);
	json_t *body = shape_check(&t->wanted.check, batch, SHAPE_UPDATE);

	t->gone = on_gone;
	json_object_set_new(t->remote, "restart", json_integer(t->wanted.check.restart));
	json_object_del(t->remote, "more");
	if (left > 0)
		json_object_set_new(t->remote, "more", json_true());
	/* Everything but annotations may be said twice. */
	if (json_array_size(batch) > 0)
		task_ask_once(t, "PATCH", url, body, on_written);
	else
		task_ask(t, "PATCH", url, body, on_written);
}

static void
check_go(struct task *t)
{
	bool again = t->wanted.check.restart > json_int(t->remote, "restart", 0);
	bool completed = json_flag(t->remote, "completed", false);

	/* A concluded run shows as running only if a new one of its name is posted; one that still runs goes on. */
	/* One that another life concluded stays as it is until it is known to be right: what it told of is looked at once more. */
	bool adopted = json_flag(t->remote, "adopted", false) && !again;

	if (adopted && completed && !wants_completed(t))
		task_posted(t);
	else if (t->row.remote_id == 0 || (completed && (again || !wants_completed(t))))
		create(t);
	else
		update(t);
}

/* --- in doubt --- */

/* Whether the pending annotations arrived is told by how many stand there. */
static void
settle_by_count(struct task *t, const json_t *run)
{
	const json_t *output = json_object_get(run, "output");
	int64_t there = json_int(output, "annotations_count", 0);

	if (there > (int64_t)json_array_size(list(t, "annotations")))
		settle_pending(t);
	json_object_del(t->remote, "pending");
	json_object_set_new(t->remote, "completed", json_boolean(strcmp(json_str(run, "status", ""), "completed") == 0));
}

static void
on_seen(struct task *t, const struct http_answer *answer, const json_t *body)
{
	(void)answer;
	settle_by_count(t, body);
	if (task_remember(t))
		check_go(t);
}

/* Of which run, we wrote down before it was made. Where nothing is written, the database came from a backup: any of this name is ours. */
static bool
is_ours(const struct task *t, const json_t *run)
{
	const char *made = json_str(t->remote, "external_id", NULL);

	return json_int(json_object_get(run, "app"), "id", 0) == tokens_app_number(t->s->tokens) &&
	       strcmp(json_str(run, "name", ""), t->wanted.check.name) == 0 &&
	       strcmp(json_str(run, "head_sha", ""), t->wanted.check.head) == 0 &&
	       (made == NULL || strcmp(json_str(run, "external_id", ""), made) == 0) &&
	       !holds(json_object_get(t->remote, "earlier"), json_object_get(run, "id"));
}

static void
on_listed(struct task *t, const struct http_answer *answer, const json_t *body)
{
	size_t i;
	json_t *run;
	bool too_many;

	json_array_foreach(json_object_get(body, "check_runs"), i, run) {
		if (is_ours(t, run) && json_int(run, "id", 0) > json_int(t->found, "id", 0)) {
			json_decref(t->found);
			t->found = json_incref(run);
		}
	}
	/* GitHub keeps a thousand of a name; what is beyond the pages we read cannot be there. */
	if (task_next_page(t, answer, on_listed, &too_many))
		return;
	if (t->found == NULL && !task_looked(t))
		return;
	t->row.remote_id = json_int(t->found, "id", 0);
	if (t->found != NULL) {
		if (json_object_get(t->remote, "external_id") == NULL) {
			json_object_set_new(t->remote, "external_id", json_string(json_str(t->found, "external_id", "")));
			json_object_set_new(t->remote, "restart", json_integer(t->wanted.check.restart));
			json_object_set_new(t->remote, "adopted", json_true());
		}
		log_info("%s: the run whose making was in doubt is there (%lld)", t->row.key, (long long)t->row.remote_id);
		settle_by_count(t, t->found);
	}
	json_object_del(t->remote, "pending");
	if (task_remember(t))
		check_go(t);
}

static void
search(struct task *t)
{
	task_ask(t, "GET",
	    arena_printf(&t->a, "%s/commits/%s/check-runs?check_name=%s&filter=all&per_page=100", t->base,
	        shape_url(&t->a, t->wanted.check.head), shape_url(&t->a, t->wanted.check.name)),
	    NULL, on_listed);
}

void
task_check(struct task *t)
{
	struct err e;

	if (t->wanted.check.head == NULL) {
		(void)fail(&e, ERR_BUG, "a check of no commit");
		task_never(t, &e);
	} else if (!t->row.in_doubt) {
		check_go(t);
	} else if (t->row.remote_id == 0) {
		task_identify(t, search);
	} else {
		t->gone = on_gone;
		task_ask(t, "GET", arena_printf(&t->a, "%s/check-runs/%lld", t->base, (long long)t->row.remote_id), NULL,
		    on_seen);
	}
}
