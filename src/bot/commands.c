/* Commands: whose turn it is, whose they are, and whether they may. */
#include "bot/commands.h"

#include "bot/obeying.h"
#include "records/all.h"
#include "records/array.h"
#include "records/reporting.h"
#include "store/people.h"
#include "support/base/clock.h"
#include "support/base/log.h"
#include "support/text/escape.h"
#include "walk/trust.h"
#include "worker/pool.h"

#include <inttypes.h>
#include <string.h>

enum {
	RETRY_MS = 10 * 1000,
	HEAD_RETRY_MS = 2 * 1000, /* GitHub has another head than we know of: its event is on the way */
	MAX_HEAD_ATTEMPTS = 5,
	LONGEST_RETRY_MS = 5 * 60 * 1000,
	PATIENCE_MS = 24 * 3600 * 1000, /* what could not be asked for so long is answered so */
	ABSENT_ATTEMPTS = 6,            /* of what is not there: GitHub's machines lag behind each other */
	BELIEVED_MS = 60 * 1000,        /* of a permission: not asked for again, but where the command gives leave */
	MAX_ASKING = 16,                /* commands at once, each of another installation */
	MAX_EXPLAINED = 5,              /* attributes of one command */
	MAX_ANSWER = 50000              /* bytes of an explanation; GitHub takes 65,536 characters */
};

struct obey {
	struct bot_parts p;
	struct flow *flow;
	struct loop_timer *timer;
	struct asking *asking; /* at most one an installation whose answer it waits for */
	size_t n_asking;
	bool closing;
};

/* A command of which something is being asked: its author's permission, at the forge, or an explanation, of a worker. */
struct asking {
	struct obey *o;
	struct asking *next;
	struct worker *worker;
	struct asked is;
};

static void
forget(struct asking *q)
{
	struct asking **at = &q->o->asking;

	while (*at != NULL && *at != q)
		at = &(*at)->next;
	if (*at != NULL) {
		*at = q->next;
		q->o->n_asking--;
	}
	arena_release(&q->is.a);
	mem_free(&q);
}

/* It is being found out whether anything here is Nix: a command waits for that. */
static bool
is_nix_open(struct obey *o, struct asking *q)
{
	struct run newest;
	struct err e;
	bool known = false;

	return store_run_of(o->p.store, &q->is.a, q->is.repo.id, q->is.command.number, true, &newest, &e) == 0 &&
	       newest.nix == RUN_NIX_UNKNOWN &&
	       store_branch_is_nix(o->p.store, q->is.repo.id, newest.base_ref, &known, &e) == 0 && !known;
}

/* What is known now: while GitHub was asked, other events may have come. 1: there is no such pull request. A branch and the
 * merge queue are none, and open. */
static int
read_pull(struct obey *o, struct asking *q, struct err *e)
{
	int rc = store_pull_get(o->p.store, &q->is.a, q->is.repo.id, q->is.command.number, &q->is.pr, e);

	q->is.pr.open = q->is.pr.open || q->is.command.number <= 0;
	return rc;
}

static void
settle(struct asking *q)
{
	struct obey *o = q->o;
	const char *outcome = NULL;
	struct err e = {0};
	int rc = -1;

	if (store_begin(o->p.store, &e) == 0) {
		rc = read_pull(o, q, &e) < 0 ? -1 : 0;
		if (rc == 0)
			rc = obeying_do(&q->is, &outcome, &e);
		if (rc == 0)
			rc = store_command_done(o->p.store, q->is.command.id, outcome, &e);
		rc = store_end(o->p.store, rc, &e);
	}
	if (rc != 0) {
		log_err(LOG_ERROR, "command", &e);
		if (store_command_later(o->p.store, q->is.command.id, clock_now_ms() + RETRY_MS, &e) != 0)
			log_err(LOG_ERROR, "command", &e);
	}
	send_kick(o->p.sender);
	forget(q);
	obey_kick(o);
}

/* The next one is looked for; when the row could not be written, not at once: it would be this one again. */
static void
leave(struct asking *q, int rc, const struct err *e)
{
	struct obey *o = q->o;

	if (rc != 0)
		log_err(LOG_ERROR, "command", e);
	forget(q);
	loop_timer_set(o->timer, rc == 0 ? 0 : RETRY_MS);
}

static void
put_off(struct asking *q, int64_t ms)
{
	struct err e;
	int rc = store_command_later(q->o->p.store, q->is.command.id, clock_now_ms() + ms, &e);

	leave(q, rc, &e);
}

static void
postpone(struct asking *q, const struct err *why)
{
	struct err e;

	bool absent = why->kind == ERR_ABSENT && q->is.command.attempts >= ABSENT_ATTEMPTS;

	log_err(LOG_WARN, "command", why);
	if (!absent && clock_now_ms() - q->is.command.received < PATIENCE_MS) {
		put_off(q, clock_backoff_ms(RETRY_MS, LONGEST_RETRY_MS, q->is.command.attempts));
		return;
	}
	int rc = store_begin(q->o->p.store, &e);
	if (rc == 0) {
		obeying_react(&q->is, "confused",
		    "This was not done: GitHub could not be asked whether it may be. Say it once more, please.");
		rc = obeying_take_label_off(&q->is, &e);
		rc = store_end(q->o->p.store, rc != 0 ? -1 : store_command_done(q->o->p.store, q->is.command.id, why->msg, &e),
		    &e);
	}
	leave(q, rc, &e);
}

/* What a question at the forge came to: true when nothing goes on with it. */
static bool
came_to_nothing(struct asking *q, const struct err *why)
{
	bool closing = q->o->closing;

	if (closing)
		forget(q);
	else if (why != NULL)
		postpone(q, why);
	return closing || why != NULL;
}

/* --- explaining: the difference may be large, so a worker reads it --- */

static void
on_explanation(void *ctx, struct str line)
{
	struct asking *q = ctx;
	const struct explanation *said = NULL;
	AUTO(buf_release) struct buf b = {0};
	struct record rec;
	struct err e;

	if (record_read(&q->is.a, line, &rec, &e) != 0)
		log_err(LOG_WARN, "command", &e);
	else if (rec.of == &explanation_fields)
		said = rec.is;
	if (said == NULL)
		return;
	buf_init(&b, 4 * MAX_ANSWER);
	escape_block(&b, str_of(said->text), "");
	if (said->cut)
		buf_puts(&b, "\nThe rest: `ekaci explain ATTR BASE HEAD` in a clone of this repository.\n");
	q->is.answer = str_dup(&q->is.a, buf_get(&b));
}

static void
on_explained(void *ctx, const struct err *end, int64_t outside_ms)
{
	struct asking *q = ctx;

	(void)outside_ms;
	q->worker = NULL;
	if (q->o->closing) {
		forget(q);
		return;
	}
	if (end->kind != ERR_NONE) {
		AUTO(buf_release) struct buf b;
		buf_init(&b, MAX_ANSWER);
		escape_block(&b, str_of(end->msg), "");
		q->is.answer = str_dup(&q->is.a, buf_get(&b));
	}
	settle(q);
}

/* False when there is nothing to wait for: what is to be said is known. */
static bool
explain(struct asking *q)
{
	struct worker_events events = {on_explanation, on_explained, q};
	struct explain_job job = {.max_bytes = MAX_ANSWER};
	struct run r = {0};
	struct err e = {0};
	char *line;

	if (store_run_of(q->o->p.store, &q->is.a, q->is.repo.id, q->is.command.number, false, &r, &e) != 0 ||
	    r.difference == NULL ||
	    array_read_records(&evaluation_fields, &q->is.a, r.evaluations, "evaluations", &job.evaluations, &e) != 0) {
		q->is.answer = "Base and head are not compared yet.";
		return false;
	}
	job.difference = r.difference;
	job.attrs = q->is.words;
	if (job.attrs.n > MAX_EXPLAINED)
		job.attrs.n = MAX_EXPLAINED;
	if (fields_line(&explain_job_fields, &q->is.a, &job, &line, &e) == 0 &&
	    worker_start(q->o->p.loop, "explain", str_of(line), &events, &q->worker, &e) == 0)
		return true;
	log_err(LOG_ERROR, "command", &e);
	q->is.answer = "The explanation could not be made.";
	return false;
}

/* What would be approved is looked at once more, at GitHub: a push may have been faster than its event. */
static void
on_present(void *ctx, const struct event_pull *pull, const struct err *why)
{
	struct asking *q = ctx;
	struct obey *o = q->o;
	struct err e = {0};

	if (came_to_nothing(q, why))
		return;
	if (read_pull(o, q, &e) < 0) {
		postpone(q, &e);
		return;
	}
	q->is.present = arena_strdup(&q->is.a, pull->head);
	q->is.closed = !pull->open;
	if (q->is.closed || q->is.pr.head == NULL || strcmp(q->is.present, q->is.pr.head) == 0 ||
	    q->is.command.attempts >= MAX_HEAD_ATTEMPTS) {
		settle(q);
		return;
	}
	put_off(q, HEAD_RETRY_MS);
}

static void
on_permission(void *ctx, const char *permission, const struct err *why)
{
	struct asking *q = ctx;

	if (came_to_nothing(q, why))
		return;
	q->is.permission = arena_strdup(&q->is.a, permission);
	if (obeying_gives_leave(&q->is) && obeying_may(&q->is) && q->is.command.number > 0) {
		send_pull(q->o->p.sender, q->is.repo.installation, q->is.repo.id, q->is.repo.owner, q->is.repo.name,
		    q->is.command.number, on_present, q);
		return;
	}
	if (strcmp(q->is.command.verb, "explain") != 0 || !obeying_may(&q->is) || q->is.words.n == 0 || !explain(q))
		settle(q);
}

static void
on_told(void *ctx, const char *permission, const struct err *why)
{
	struct asking *q = ctx;
	struct err e;

	if (why == NULL && store_people_may(q->o->p.store, q->is.repo.id, q->is.command.login, permission, &e) != 0)
		log_err(LOG_ERROR, "command", &e);
	on_permission(ctx, permission, why);
}

/* What GitHub said a moment ago, or NULL. */
static const char *
told_of_late(struct asking *q)
{
	const char *permission = NULL;
	struct err e;

	if (!obeying_gives_leave(&q->is) && store_people_told(q->o->p.store, &q->is.a, q->is.repo.id, q->is.command.login,
	                                        clock_now_ms() - BELIEVED_MS, &permission, &e) != 0)
		log_err(LOG_ERROR, "command", &e);
	return permission;
}

/* GitHub knows of no permission for a bot ("is not a user"): one that the operator named has it from that. */
static void
ask_permission(struct asking *q)
{
	struct obey *o = q->o;
	const char *permission = trust_obeys_bot(o->p.settings, q->is.repo.id, q->is.command.login) ? "write" : told_of_late(q);

	if (permission != NULL)
		on_permission(q, permission, NULL);
	else
		send_permission(o->p.sender, q->is.repo.installation, q->is.repo.id, q->is.repo.owner, q->is.repo.name,
		    q->is.command.login, on_told, q);
}

/* A pull request from before the bot came: ask GitHub what it is. */
static void
on_pull(void *ctx, const struct event_pull *pull, const struct err *why)
{
	struct asking *q = ctx;
	struct err e = {0};

	if (came_to_nothing(q, why))
		return;
	q->is.pr = (struct pull_request){.repository = q->is.repo.id,
	    .number = q->is.command.number,
	    .open = pull->open,
	    .fork = pull->fork,
	    .draft = pull->draft,
	    .head = arena_strdup(&q->is.a, pull->head),
	    .base_ref = arena_strdup(&q->is.a, pull->base_ref),
	    .title = arena_strdup(&q->is.a, pull->title),
	    .author = arena_strdup(&q->is.a, pull->author != NULL ? pull->author : ""),
	    .association = arena_strdup(&q->is.a, pull->association != NULL ? pull->association : ""),
	    .head_owner = pull->head_owner != NULL ? arena_strdup(&q->is.a, pull->head_owner) : NULL,
	    .head_since = pull->pushed_ms,
	    .changed = pull->updated_ms};
	if (store_pull_put(q->o->p.store, &q->is.pr, &e) != 0) {
		postpone(q, &e);
		return;
	}
	ask_permission(q);
}

/* What everybody may have who can read: nobody is asked for it, so it does not wait for what others asked. */
static bool
needs_no_leave(const struct asking *q)
{
	return strcmp(q->is.command.verb, "help") == 0 || strcmp(q->is.command.verb, "status") == 0 ||
	       strcmp(q->is.command.verb, "unknown") == 0 || strcmp(q->is.command.verb, "quota") == 0;
}

static const char *
busy_installations(const struct obey *o, struct arena *a)
{
	const char *list = "0";

	for (const struct asking *q = o->asking; q != NULL; q = q->next)
		list = arena_printf(a, "%s,%" PRId64, list, q->is.repo.installation);
	return arena_printf(a, "[%s]", list);
}

static int
ask(struct obey *o, struct err *e)
{
	struct asking *q = mem_alloc(sizeof(*q));
	int rc;

	*q = (struct asking){.o = o, .is = {.p = &o->p, .flow = o->flow}};
	rc = store_command_next(o->p.store, &q->is.a, clock_now_ms(), busy_installations(o, &q->is.a), &q->is.command, e);
	if (rc == 0 && store_repository_get(o->p.store, &q->is.a, q->is.command.repository, &q->is.repo, e) != 0)
		rc = -1;
	if (rc == 0)
		rc = array_read_texts(&q->is.a, q->is.command.words, "words", &q->is.words, e);
	if (rc != 0) {
		forget(q);
		return rc;
	}
	q->next = o->asking;
	o->asking = q;
	o->n_asking++;
	rc = read_pull(o, q, e);
	if (q->is.command.operator) {
		q->is.permission = "admin";
		settle(q);
	} else if (is_nix_open(o, q)) {
		put_off(q, HEAD_RETRY_MS);
	} else if (needs_no_leave(q)) {
		settle(q);
	} else if (rc == 0 || q->is.command.number <= 0)
		ask_permission(q);
	else
		send_pull(o->p.sender, q->is.repo.installation, q->is.repo.id, q->is.repo.owner, q->is.repo.name,
		    q->is.command.number, on_pull, q);
	return 0;
}

static void
look(void *ctx)
{
	struct obey *o = ctx;
	struct err e = {0};

	AUTO(arena_release) struct arena a = {0};
	int64_t due;

	if (o->closing || o->n_asking >= MAX_ASKING)
		return;
	int rc = ask(o, &e);
	if (rc == 0) {
		loop_timer_set(o->timer, 0); /* another installation's need not wait for its answer */
		return;
	}
	if (rc == 1 && store_command_due(o->p.store, busy_installations(o, &a), &due, &e) == 0 && due == INT64_MAX)
		return;
	if (rc == 1 && e.kind == ERR_NONE) { /* one waits; being told of another must not make us forget it */
		int64_t in = due - clock_now_ms();
		loop_timer_set(o->timer, in > 0 ? in : 0);
		return;
	}
	log_err(LOG_ERROR, "command", &e);
	loop_timer_set(o->timer, RETRY_MS);
}

void
obey_kick(struct obey *o)
{
	if (!o->closing)
		loop_timer_set(o->timer, 0);
}

struct obey *
obey_new(const struct bot_parts *parts, struct flow *flow)
{
	struct obey *o = mem_alloc(sizeof(*o));

	*o = (struct obey){.p = *parts, .flow = flow};
	o->timer = loop_timer_new(parts->loop, "commands", look, o);
	return o;
}

static void
release(void *ctx)
{
	struct obey *o = ctx;

	mem_free(&o);
}

void
obey_free(struct obey *o)
{
	if (o == NULL)
		return;
	o->closing = true;
	loop_timer_free(o->timer);
	loop_put_off(o->p.loop, release, o);
}
