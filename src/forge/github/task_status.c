/* A commit status: one more for each change of state or words. */
#include "forge/github/task_status.h"

#include "forge/github/shape.h"
#include "support/base/log.h"

#include <string.h>

static void
on_made(struct task *t, const struct http_answer *answer, const json_t *body)
{
	(void)answer;
	t->doubtful = false;
	t->row.remote_id = json_int(body, "id", 0);
	task_posted(t);
}

static void
create(struct task *t)
{
	task_making(t);
	task_ask_once(t, "POST", arena_printf(&t->a, "%s/statuses/%s", t->base, shape_url(&t->a, t->wanted.status.head)),
	    shape_status(&t->wanted.status), on_made);
}

/* Whether the newest of our context is the one that may have been made. */
static void
on_seen(struct task *t, const struct http_answer *answer, const json_t *body)
{
	AUTO(json_drop) json_t *wanted = shape_status(&t->wanted.status);
	const json_t *one;
	bool too_many;
	size_t i;

	json_array_foreach(json_object_get(body, "statuses"), i, one) {
		if (strcmp(json_str(one, "context", ""), t->wanted.status.context) != 0)
			continue;
		if (strcmp(json_str(one, "state", ""), json_str(wanted, "state", "")) == 0 &&
		    strcmp(json_str(one, "description", ""), json_str(wanted, "description", "")) == 0) {
			log_info("%s: the status whose making was in doubt is there", t->row.key);
			t->row.remote_id = json_int(one, "id", 0);
			task_posted(t);
			return;
		}
		break; /* an older one of ours */
	}
	if (!task_next_page(t, answer, on_seen, &too_many) && task_looked(t))
		create(t);
}

void
task_status(struct task *t)
{
	struct err e;

	if (t->wanted.status.head == NULL || t->wanted.status.context == NULL) {
		(void)fail(&e, ERR_BUG, "a status of no commit, or without a context");
		task_never(t, &e);
	} else if (t->row.in_doubt) {
		task_ask(t, "GET",
		    arena_printf(&t->a, "%s/commits/%s/status?per_page=100", t->base, shape_url(&t->a, t->wanted.status.head)),
		    NULL, on_seen);
	} else {
		create(t);
	}
}
