/* What all tasks have in common: asking, doubting, ending. */
#include "forge/github/task.h"

#include "forge/github/answer.h"
#include "forge/github/shape.h"
#include "support/base/clock.h"
#include "support/base/log.h"

#include <string.h>

enum {
	MAX_PAGES = 300,
	MAX_CALLS = 400, /* no task needs more: 300 pages, 20 batches, labels */
	PATIENCE = 8,    /* refusals before it is parked: two minutes, with delays that double from a second */
	BELIEVED = 3     /* refusals in a row before something is gone */
};

void
task_free(struct task *t)
{
	if (t == NULL)
		return;
	json_decref(t->remote);
	json_decref(t->found);
	json_decref(t->todo);
	arena_release(&t->a);
	mem_free(&t);
}

static void
end(struct task *t)
{
	struct lane *lane = t->lane;

	lane->task = NULL;
	lane->task_call = NULL;
	client_wake(t->s);
	task_free(t);
}

/* The database does not take it: nothing was lost, what is there is read again. */
static void
store_failed(struct task *t, const struct err *e)
{
	log_err(LOG_ERROR, t->row.key, e);
	lane_block(t->lane, t->s->delays.first_retry_ms);
	end(t);
}

void
task_posted(struct task *t)
{
	int64_t now = clock_now_ms();
	int64_t quiet = budget_quiet_ms(&t->lane->budget, t->s->delays.progress_ms, now);
	struct err e;

	if (store_desired_quiet(t->s->store, t->row.id, now + quiet, &e) != 0 ||
	    store_desired_posted(t->s->store, t->row.id, t->row.generation, t->row.remote_id, json_line(&t->a, t->remote),
	        &e) != 0) {
		store_failed(t, &e);
		return;
	}
	log_debug("%s stands at GitHub (generation %lld)", t->row.key, (long long)t->row.generation);
	end(t);
}

void
task_partly(struct task *t)
{
	struct err e;

	if (store_desired_partly(t->s->store, t->row.id, t->row.remote_id, json_line(&t->a, t->remote), &e) != 0)
		store_failed(t, &e);
	else
		end(t);
}

void
task_later(struct task *t, const struct err *why)
{
	const struct send_delays *d = &t->s->delays;
	int64_t ms = client_backoff(d->first_retry_ms, d->longest_retry_ms, t->row.attempts);
	int64_t now = clock_now_ms();
	struct err e;

	if (t->unsettled && t->settled_ms > now + ms)
		ms = t->settled_ms - now;
	if (store_desired_later(t->s->store, t->row.id, now + ms, why->msg, &e) != 0) {
		store_failed(t, &e);
		return;
	}
	log_info("%s waits %lld s: %s", t->row.key, (long long)(ms + 999) / 1000, why->msg);
	end(t);
}

void
task_refused(struct task *t, const struct err *why)
{
	const struct send_delays *d = &t->s->delays;
	int64_t ms = client_backoff(d->first_retry_ms, d->longest_retry_ms, t->row.refusals);
	bool parked = t->row.refusals + 1 >= PATIENCE;
	struct err e;
	int rc = parked ? store_desired_parked(t->s->store, t->row.id, t->row.generation, why->msg, &e)
	                : store_desired_refused(t->s->store, t->row.id, clock_now_ms() + ms, why->msg, &e);

	if (rc != 0) {
		store_failed(t, &e);
		return;
	}
	if (parked)
		log_warn("%s is parked: %s", t->row.key, why->msg);
	else
		log_info("%s is refused, and tried again in %lld s: %s", t->row.key, (long long)(ms + 999) / 1000, why->msg);
	end(t);
}

void
task_making(struct task *t)
{
	json_object_set_new(t->remote, "made", json_integer(clock_now_ms()));
}

bool
task_is_gone(const struct task *t)
{
	int64_t made = json_int(t->remote, "made", 0);

	return t->row.refusals + 1 >= PATIENCE ||
	       (t->row.refusals + 1 >= BELIEVED && clock_now_ms() >= made + t->s->delays.lag_ms);
}

bool
task_looked(struct task *t)
{
	int64_t seen_ms = json_int(t->remote, "made", 0) + t->s->delays.look_ms;
	struct err e;

	if (!t->row.in_doubt || clock_now_ms() >= seen_ms)
		return true;
	t->unsettled = true;
	t->settled_ms = seen_ms;
	(void)fail(&e, ERR_BUSY, "what may have been made is not seen at GitHub yet: looked for once more");
	task_later(t, &e);
	return false;
}

void
task_never(struct task *t, const struct err *why)
{
	struct err e;

	if (store_desired_given_up(t->s->store, t->row.id, t->row.generation, why->msg, &e) != 0) {
		store_failed(t, &e);
		return;
	}
	log_warn("%s is given up: %s", t->row.key, why->msg);
	end(t);
}

bool
task_remember(struct task *t)
{
	struct err e;

	if (store_desired_remember(t->s->store, t->row.id, t->row.remote_id, json_line(&t->a, t->remote), &e) != 0) {
		store_failed(t, &e);
		return false;
	}
	return true;
}

/* A definite no to the call under way: it had no effect. */
static bool
settle(struct task *t)
{
	if (!t->doubtful)
		return true;
	t->doubtful = false;
	json_object_del(t->remote, "pending");
	return task_remember(t);
}

static void
on_good(struct task *t, const struct http_answer *answer)
{
	AUTO(json_drop) json_t *body = NULL;
	struct err e;

	if (answer->body.n > 0 && json_read(answer->body, "GitHub's answer", &body, &e) != 0) {
		task_later(t, &e);
		return;
	}
	t->then(t, answer, body);
}

static void
on_answer(void *ctx, const struct http_answer *answer)
{
	struct task *t = ctx;
	void (*gone)(struct task * t, const struct err *e) = t->gone;
	void (*invalid)(struct task * t, const struct err *e) = t->invalid;
	enum answer_class class = answer_class(answer);
	struct err e;

	if (t->s->stopping)
		return; /* a doubt stays in the row */
	t->gone = NULL;
	t->invalid = NULL;
	if (class == ANSWER_GOOD) {
		on_good(t, answer);
		return;
	}
	answer_error(answer, &e);
	if (class == ANSWER_BROKEN && answer->url != NULL) {
		/* A gateway or a broken connection says nothing of what still goes on behind it. */
		t->unsettled = strcmp(t->call.method, "GET") != 0 && answer->status != 500 && answer->status != 503;
		task_later(t, &e);
		return;
	}
	if (!settle(t))
		return;
	/* The App is not installed there any more, or without that repository or permission. */
	if (answer->url == NULL && (e.kind == ERR_ABSENT || e.kind == ERR_INPUT)) {
		task_refused(t, &e);
		return;
	}
	if (class == ANSWER_GONE && gone != NULL)
		gone(t, &e);
	else if (class == ANSWER_REFUSED && answer->status == 422 && invalid != NULL)
		invalid(t, &e);
	else if (class == ANSWER_GONE || class == ANSWER_REFUSED)
		task_refused(t, &e);
	else
		task_later(t, &e);
}

static void
ask(struct task *t, const char *method, const char *url, json_t *body, task_step *then)
{
	struct err e;

	if (++t->calls > MAX_CALLS) {
		json_decref(body);
		(void)fail(&e, ERR_LIMIT, "more than %d requests for one thing", MAX_CALLS);
		task_never(t, &e);
		return;
	}
	t->then = then;
	t->call = (struct api_call){.method = method,
	    .url = arena_strdup(&t->a, url),
	    .repository = t->row.repository,
	    .purpose = t->purpose,
	    .done = on_answer,
	    .ctx = t};
	if (body != NULL)
		t->call.body = str_of(json_line(&t->a, body));
	json_decref(body);
	t->lane->task_call = &t->call;
	client_wake(t->s);
}

void
task_ask(struct task *t, const char *method, const char *url, json_t *body, task_step *then)
{
	struct err e;

	t->settled_ms = clock_now_ms() + t->s->delays.settle_ms;
	if (strcmp(method, "GET") != 0 && store_desired_sending(t->s->store, t->row.id, t->settled_ms, &e) != 0) {
		json_decref(body);
		store_failed(t, &e);
		return;
	}
	ask(t, method, url, body, then);
}

void
task_ask_once(struct task *t, const char *method, const char *url, json_t *body, task_step *then)
{
	struct err e;

	t->settled_ms = clock_now_ms() + t->s->delays.settle_ms;
	if (store_desired_doubt(t->s->store, t->row.id, t->row.remote_id, json_line(&t->a, t->remote), t->settled_ms, &e) !=
	    0) {
		json_decref(body);
		store_failed(t, &e);
		return;
	}
	t->doubtful = true;
	ask(t, method, url, body, then);
}

bool
task_next_page(struct task *t, const struct http_answer *answer, task_step *then, bool *ret_too_many)
{
	*ret_too_many = false;
	if (answer->next[0] == '\0')
		return false;
	/* A page elsewhere would be given our token. */
	if (++t->pages >= MAX_PAGES || !http_same_origin(answer->next, t->s->api_url)) {
		*ret_too_many = true;
		return false;
	}
	task_ask(t, "GET", answer->next, NULL, then);
	return true;
}

struct identify {
	struct task *t;
	void (*fn)(struct task *t);
};

static void
on_identified(void *ctx, const struct err *e)
{
	struct identify *i = ctx;

	if (i->t->s->stopping)
		return;
	if (e->kind != ERR_NONE)
		task_later(i->t, e);
	else
		i->fn(i->t);
}

void
task_identify(struct task *t, void (*fn)(struct task *t))
{
	struct identify *i = arena_alloc(&t->a, sizeof(*i));

	*i = (struct identify){t, fn};
	tokens_identify(t->s->tokens, on_identified, i);
}

struct task *
task_new(struct lane *lane, const struct desired *row, struct arena *a)
{
	struct task *t = mem_alloc(sizeof(*t));
	struct err ignored;

	*t = (struct task){.s = lane->s, .lane = lane, .a = *a, .row = *row};
	*a = (struct arena){0};
	lane->task = t;
	t->base =
	    arena_printf(&t->a, "%s/repos/%s/%s", t->s->api_url, shape_url(&t->a, row->owner), shape_url(&t->a, row->repo));
	if (row->remote == NULL || json_read(str_of(row->remote), row->key, &t->remote, &ignored) != 0)
		t->remote = json_object();
	return t;
}
