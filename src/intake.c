/* What GitHub told us, and what people asked for. */
#include "intake.h"

#include "accept/accept.h"
#include "store/delivery.h"
#include "store/desired.h"
#include "support/base/clock.h"
#include "support/base/log.h"
#include "support/text/escape.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	PER_TURN = 32,             /* deliveries read before the loop gets a breath */
	RETRY_MS = 10 * 1000,
	MAX_COMMAND_ATTEMPTS = 30, /* of asking GitHub for a permission */
	MAX_EXPLAINED = 5,         /* attributes of one command */
	MAX_ANSWER = 50000,        /* bytes; GitHub takes 65,536 characters */
	MAX_REFUSALS = 5           /* answered refusals an hour and pull request; further ones get only the reaction */
};

struct asking;
struct intake {
	struct flow_parts p;
	struct flow *flow;
	struct loop_timer *timer;
	bool asking; /* one command at a time */
	bool closing;
};

/* A command whose author's permission is being asked for. */
struct asking {
	struct intake *in;
	struct arena a;
	struct store_command command;
	struct repository repo;
	struct pull_request pr;
	const char *permission;
	json_t *words;
	const char *answer; /* of a worker */
	struct worker *worker;
};

static void
forget(struct asking *q)
{
	q->in->asking = false;
	json_decref(q->words);
	arena_release(&q->a);
	mem_free(&q);
}

/* --- events -------------------------------------------------------------------------------------------------------- */

static int
put_repository(struct intake *in, const struct event *ev, struct err *e)
{
	const struct event_repository *r = &ev->repository;
	struct repository row = {.id = r->id,
	    .installation = ev->installation.id,
	    .owner = r->owner,
	    .name = r->name,
	    .clone_url = r->clone_url,
	    .default_branch = r->default_branch != NULL ? r->default_branch : "",
	    .is_private = r->private};

	if (ev->installation.id == 0)
		return fail(e, ERR_INPUT, "installation.id: missing: the webhook is not an App's");
	if (r->id == 0 || r->clone_url == NULL)
		return fail(e, ERR_INPUT, "repository: missing");
	if (store_installation_put(in->p.store, ev->installation.id, ev->installation.account, "active", e) != 0)
		return -1;
	return store_repository_put(in->p.store, &row, e);
}

static int
put_pull(struct intake *in, const struct event *ev, struct err *e)
{
	struct pull_request pr = {.repository = ev->repository.id,
	    .number = ev->pr.number,
	    .open = ev->pr.open,
	    .fork = ev->pr.fork,
	    .draft = ev->pr.draft,
	    .head = ev->pr.head,
	    .base_ref = ev->pr.base_ref,
	    .title = ev->pr.title != NULL ? ev->pr.title : "",
	    .author = ev->pr.author,
	    .association = ev->pr.association};

	return store_pull_put(in->p.store, &pr, e);
}

static int
on_pull_request(struct intake *in, const struct event *ev, struct err *e)
{
	if (put_repository(in, ev, e) != 0 || put_pull(in, ev, e) != 0)
		return -1;
	if (ev->action == ACTION_CLOSED)
		return flow_cancel(in->flow, ev->repository.id, ev->pr.number, NULL, "the pull request was closed", e);
	struct run wanted = {.repository = ev->repository.id,
	    .number = ev->pr.number,
	    .head = ev->pr.head,
	    .base_ref = ev->pr.base_ref,
	    .reason = event_action_name(ev->action)};
	return flow_start(in->flow, &wanted, e);
}

static int
add_command(struct intake *in, const struct event *ev, int64_t number, int64_t comment, const char *verb,
    const char *words, struct err *e)
{
	struct store_command c = {.repository = ev->repository.id,
	    .number = number,
	    .comment = comment,
	    .login = comment != 0 ? ev->comment.author : ev->sender,
	    .verb = verb,
	    .words = words};

	return c.login != NULL ? store_command_add(in->p.store, &c, e) : 0;
}

static int
on_comment(struct intake *in, struct arena *a, const struct event *ev, struct err *e)
{
	const struct command *commands;
	size_t n;

	if (put_repository(in, ev, e) != 0)
		return -1;
	accept_command(a, str_of(ev->comment.body), &commands, &n);
	for (size_t i = 0; i < n; i++) {
		AUTO(json_drop) json_t *words = json_array();
		for (size_t k = 0; k < commands[i].n_args; k++)
			json_array_append_new(words, json_any_string(str_of(commands[i].args[k])));
		const char *verb = commands[i].kind == COMMAND_UNKNOWN ? "unknown" : command_name(commands[i].kind);
		if (add_command(in, ev, ev->pr.number, ev->comment.id, verb, json_line(a, words), e) != 0)
			return -1;
	}
	return 0;
}

/* A commit that no pull request has: GitHub offers the button to those who can push only. */
static int
run_commit_again(struct intake *in, struct arena *a, const struct event *ev, struct err *e)
{
	struct run r, newest;
	int rc = store_run_of_commit(in->p.store, a, ev->repository.id, ev->check.head, &r, e);

	if (rc == 0)
		rc = store_run_of(in->p.store, a, r.repository, r.number, false, &newest, e);
	if (rc != 0 || strcmp(newest.head, r.head) != 0) /* an older commit must not supersede a newer one */
		return rc < 0 ? -1 : 0;
	struct run wanted = {.repository = r.repository,
	    .number = r.number,
	    .head = r.head,
	    .head_ref = r.head_ref,
	    .base = r.base,
	    .base_ref = r.base_ref,
	    .reason = arena_printf(a, "%s asked for: rebuild", ev->sender != NULL ? ev->sender : "somebody"),
	    .force = true,
	    .approved = true};
	return flow_start(in->flow, &wanted, e);
}

/* The re-run button, for one check or for all, and the buttons of a check run. */
static int
on_button(struct intake *in, struct arena *a, const struct event *ev, struct err *e)
{
	int64_t numbers[16];
	size_t n = 0;
	const char *verb = "rebuild", *words = "[]";

	if (put_repository(in, ev, e) != 0)
		return -1;
	if (ev->action == ACTION_REQUESTED && ev->check.requested != NULL) {
		if (strcmp(ev->check.requested, "approve") == 0)
			verb = "approve";
		else if (strcmp(ev->check.requested, "eval") == 0)
			verb = "eval";
		else if (strcmp(ev->check.requested, "rebuild-failed") == 0)
			words = "[\"failed\"]";
	}
	/* Events of forks do not name the pull request: its head does. */
	if (store_pulls_of_head(in->p.store, ev->repository.id, ev->check.head, numbers, COUNT(numbers), &n, e) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (add_command(in, ev, numbers[i], 0, verb, words, e) != 0)
			return -1;
	return n > 0 ? 0 : run_commit_again(in, a, ev, e);
}

static int
on_installation(struct intake *in, const struct event *ev, struct err *e)
{
	const char *state = "active";

	if (ev->action == ACTION_DELETED)
		state = "deleted";
	else if (ev->action == ACTION_SUSPEND)
		state = "suspended";
	if (store_installation_put(in->p.store, ev->installation.id, ev->installation.account, state, e) != 0)
		return -1;
	return strcmp(state, "deleted") == 0 ? store_desired_forget(in->p.store, ev->installation.id, e) : 0;
}

/* The default branch has moved: it is compared with where it was when it was last done, so that no push between is left
 * out. The next pull requests' base is evaluated with that, and what they want is built, while nobody waits. */
static int
on_push(struct intake *in, struct arena *a, const struct event *ev, struct err *e)
{
	const char *branch = ev->repository.default_branch, *before = NULL;

	if (put_repository(in, ev, e) != 0)
		return -1;
	if (branch == NULL || strcmp(ev->push.ref, arena_printf(a, "refs/heads/%s", branch)) != 0 ||
	    strspn(ev->push.after, "0") == strlen(ev->push.after))
		return 0;
	if (store_branch_done(in->p.store, a, ev->repository.id, branch, &before, e) != 0)
		return -1;
	struct run wanted = {.repository = ev->repository.id,
	    .number = RUN_OF_BRANCH,
	    .head = ev->push.after,
	    .base = before != NULL ? before : ev->push.before,
	    .base_ref = branch,
	    .reason = "push"};
	return flow_start(in->flow, &wanted, e);
}

/* "gh-readonly-queue/main/pr-123-..." is of pull request 123, with those queued before it. A ref that GitHub one day names
 * otherwise still has a number of its own. */
static int64_t
queued_number(const struct event *ev)
{
	const char *slash = strrchr(ev->push.ref, '/');
	struct str rest;
	int64_t number;

	if (slash != NULL && strncmp(slash, "/pr-", 4) == 0 &&
	    str_to_i64(str_cut(str_of(slash + 4), '-', &rest), &number) == 0 && number > 0)
		return -number;
	char head[9];
	snprintf(head, sizeof(head), "%s", ev->push.after);
	return -((int64_t)1 << 40) - (int64_t)strtoul(head, NULL, 16);
}

/* Whoever queued it may push, so nothing waits for approval. A group that GitHub puts together anew supersedes the older. */
static int
on_merge_group(struct intake *in, const struct event *ev, struct err *e)
{
	static const char heads[] = "refs/heads/";
	const char *base_ref = ev->push.base_ref;
	int64_t number = queued_number(ev);

	if (put_repository(in, ev, e) != 0)
		return -1;
	/* What was merged is what the branch will want: it may end. */
	if (ev->action == ACTION_DESTROYED && ev->push.reason != NULL && strcmp(ev->push.reason, "merged") == 0)
		return 0;
	if (ev->action == ACTION_DESTROYED)
		return flow_cancel(in->flow, ev->repository.id, number, ev->push.after, "the merge group is gone", e);
	struct run wanted = {.repository = ev->repository.id,
	    .number = number,
	    .head = ev->push.after,
	    .head_ref = ev->push.ref,
	    .base = ev->push.base,
	    .base_ref = strncmp(base_ref, heads, sizeof(heads) - 1) == 0 ? base_ref + sizeof(heads) - 1 : base_ref,
	    .reason = "merge queue",
	    .approved = true};
	return flow_start(in->flow, &wanted, e);
}

static int
on_event(struct intake *in, struct arena *a, const struct event *ev, struct err *e)
{
	switch (ev->kind) {
	case EVENT_PULL_REQUEST:
		return on_pull_request(in, ev, e);
	case EVENT_COMMENT:
		return on_comment(in, a, ev, e);
	case EVENT_CHECK_RUN:
	case EVENT_CHECK_SUITE:
		return on_button(in, a, ev, e);
	case EVENT_INSTALLATION:
		return on_installation(in, ev, e);
	case EVENT_PUSH:
		return on_push(in, a, ev, e);
	case EVENT_MERGE_GROUP:
		return on_merge_group(in, ev, e);
	case EVENT_INSTALLATION_REPOSITORIES:
	case EVENT_IGNORED:
	case EVENT_PING:
		break;
	}
	return 0;
}

static int
read_delivery(struct intake *in, struct arena *a, const struct delivery *d, struct err *e)
{
	struct event ev;
	struct err why = {0};
	enum delivery_state state = DELIVERY_DONE;
	const char *outcome = NULL;

	if (d->unreadable)
		return store_delivery_done(in->p.store, d->id, DELIVERY_UNREADABLE, "the stored body is damaged", e);
	if (accept_parse(a, d->event, d->body, &ev, &why) != 0) {
		log_warn("delivery %s (%s): %s", d->guid, d->event, why.msg);
		return store_delivery_done(in->p.store, d->id, DELIVERY_UNREADABLE, why.msg, e);
	}
	if (ev.kind == EVENT_IGNORED) {
		state = DELIVERY_IGNORED;
		outcome = ev.reason;
	} else {
		outcome = arena_printf(a, "%s %s", event_kind_name(ev.kind), event_action_name(ev.action));
	}
	if (store_begin(in->p.store, e) != 0)
		return -1;
	int rc = on_event(in, a, &ev, e);
	if (rc == 0)
		rc = store_delivery_done(in->p.store, d->id, state, outcome, e);
	if (store_end(in->p.store, rc, e) == 0)
		return 0;
	/* A signed event that contradicts itself is as unreadable as one that does not parse. */
	if (e->kind == ERR_INPUT) {
		why = *e;
		return store_delivery_done(in->p.store, d->id, DELIVERY_UNREADABLE, why.msg, e);
	}
	return -1;
}

/* --- commands ------------------------------------------------------------------------------------------------------ */

static void
react(struct intake *in, const struct asking *q, const char *content, const char *reply)
{
	struct desired_repository to = {q->repo.installation, q->repo.id, q->repo.owner, q->repo.name};
	int64_t refused = 0;
	struct err e;
	char marker[80];

	if (q->command.comment == 0)
		return;
	if (content[0] != '+' && store_commands_refused(in->p.store, q->repo.id, q->command.number,
	                             clock_now_ms() - 3600 * 1000, &refused, &e) == 0 && refused >= MAX_REFUSALS)
		reply = NULL;
	if (store_want_reaction(in->p.store, &to, q->command.comment, content, &e) != 0)
		log_err(LOG_ERROR, "command", &e);
	if (reply == NULL)
		return;
	snprintf(marker, sizeof(marker), "<!-- ekaci:answer %" PRId64 " -->", q->command.id);
	if (store_want_reply(in->p.store, &to, q->command.number, marker, str_of(reply), &e) != 0)
		log_err(LOG_ERROR, "command", &e);
}

static const char help_text[] =
    "Commands, at the beginning of a line of a new comment:\n\n"
    "| command | what it does | who |\n|---|---|---|\n"
    "| `/ekaci rebuild` | builds this head again: what failed before is tried again | write access |\n"
    "| `/ekaci rebuild ATTR...` | the same for these attributes, or sets of them; of a pull request too wide to build only "
    "these are built, and what was built already is built once more, to see whether it comes out the same | write access |\n"
    "| `/ekaci rebuild all` | builds everything once more and compares | write access |\n"
    "| `/ekaci explain ATTR...` | says why an attribute differs | write access or author |\n"
    "| `/ekaci priority high`, `normal`, `low` | builds before, among or after other pull requests | write access |\n"
    "| `/ekaci eval` | evaluates this head whatever the change-set rules say | write access |\n"
    "| `/ekaci approve` | lets this head be evaluated and built, also when it is wide or from outside | write access |\n"
    "| `/ekaci cancel` | stops what is under way for this pull request | write access or author |\n"
    "| `/ekaci status` | says how far it is | everybody with read access |\n"
    "| `/ekaci help` | this list | everybody with read access |\n";

static const char *
word(const struct asking *q, size_t i)
{
	const char *w = json_string_value(json_array_get(q->words, i));

	return w != NULL ? w : "";
}

static int
start_again(struct intake *in, struct asking *q, bool approved, struct err *e)
{
	bool rebuild = strcmp(q->command.verb, "rebuild") == 0, ignore_rules = strcmp(q->command.verb, "eval") == 0;
	bool all = rebuild && strcasecmp(word(q, 0), "all") == 0;
	bool named = rebuild && !all && json_array_size(q->words) > 0 && strcasecmp(word(q, 0), "failed") != 0;
	struct run newest = {0};
	int rc = store_run_of(in->p.store, &q->a, q->repo.id, q->command.number, false, &newest, e);

	if (rc < 0)
		return -1;
	if (q->pr.head == NULL && rc != 0)
		return 0; /* the operator named what nobody knows */
	bool own = q->command.number > 0 && q->pr.head != NULL;
	struct run wanted = {.repository = q->repo.id,
	    .number = q->command.number,
	    .head = own ? q->pr.head : newest.head,
	    .base_ref = own ? q->pr.base_ref : newest.base_ref,
	    .base = own ? NULL : newest.base,
	    .head_ref = own ? NULL : newest.head_ref,
	    .reason = arena_printf(&q->a, "%s asked for: %s", q->command.login, q->command.verb),
	    .force = true,
	    .again = all || named,
	    .asked = named ? json_line(&q->a, q->words) : NULL,
	    .ignore_rules = ignore_rules,
	    /* What was approved for this head stays approved. */
	    .approved = approved || (rc == 0 && newest.approved && (!own || strcmp(newest.head, q->pr.head) == 0))};
	return flow_start(in->flow, &wanted, e);
}

static const char *
status_text(struct intake *in, struct asking *q)
{
	struct run r;
	struct err e;

	if (store_run_of(in->p.store, &q->a, q->repo.id, q->command.number, false, &r, &e) != 0)
		return "Nothing has been done for this pull request yet.";
	const struct step *step = pipeline_step(r.state);
	const char *url = web_link(&q->a, in->p.web, q->repo.id, q->command.number, q->repo.is_private, "/run/%" PRId64, r.id);
	return arena_printf(&q->a, "Run [%" PRId64 "](%s) of `%.10s`: %s%s%s.", r.id, url, r.head,
	    step != NULL ? step->doing : run_state_name(r.state), r.waiting != NULL ? "; waiting: " : "",
	    r.waiting != NULL ? r.waiting : "");
}

static int
set_priority(struct intake *in, struct asking *q, struct err *e)
{
	static const char *const words[] = {"low", "normal", "high"};

	for (size_t i = 0; i < COUNT(words); i++) {
		if (strcasecmp(word(q, 0), words[i]) != 0)
			continue;
		react(in, q, "+1", NULL);
		flow_kick(in->flow);
		return store_pull_priority(in->p.store, q->repo.id, q->command.number, (int64_t)i - 1, e);
	}
	react(in, q, "confused", "`/ekaci priority` takes `high`, `normal` or `low`.");
	return 0;
}

/* Whether the person may have this done. */
static bool
may(const struct asking *q)
{
	bool author = q->pr.author != NULL && strcasecmp(q->pr.author, q->command.login) == 0;
	bool writer = q->permission != NULL &&
	              (strcmp(q->permission, "admin") == 0 || strcmp(q->permission, "write") == 0);

	return writer || (author && (strcmp(q->command.verb, "cancel") == 0 || strcmp(q->command.verb, "explain") == 0));
}

/* Gives the outcome for the row; e only for what should be tried again. */
static int
obey(struct intake *in, struct asking *q, const char **ret_outcome, struct err *e)
{
	const char *verb = q->command.verb;
	int rc = 0;

	*ret_outcome = "done";
	if (strcmp(verb, "help") == 0) {
		react(in, q, "+1", help_text);
	} else if (strcmp(verb, "status") == 0) {
		react(in, q, "+1", status_text(in, q));
	} else if (strcmp(verb, "unknown") == 0) {
		*ret_outcome = "unknown";
		react(in, q, "confused", help_text);
	} else if (!may(q)) {
		*ret_outcome = "refused";
		react(in, q, "-1", arena_printf(&q->a, "`/ekaci %s` needs write access to this repository.", verb));
	} else if (strcmp(verb, "explain") == 0) {
		react(in, q, q->answer != NULL ? "+1" : "confused", q->answer != NULL ? q->answer : "Which attribute? `/ekaci explain ATTR`");
	} else if (strcmp(verb, "priority") == 0) {
		rc = set_priority(in, q, e);
	} else if (!q->pr.open) {
		*ret_outcome = "closed";
		react(in, q, "confused", "This pull request is closed.");
	} else if (strcmp(verb, "cancel") == 0) {
		rc = flow_cancel(in->flow, q->repo.id, q->command.number, NULL,
		    arena_printf(&q->a, "%s asked for it", q->command.login), e);
		react(in, q, "+1", NULL);
	} else {
		bool approve = strcmp(verb, "approve") == 0;
		if (approve)
			rc = store_pull_approve(in->p.store, q->repo.id, q->command.number, q->pr.head, e);
		if (rc == 0)
			rc = start_again(in, q, approve, e);
		react(in, q, "rocket", NULL);
	}
	return rc;
}

static void
settle(struct asking *q)
{
	struct intake *in = q->in;
	const char *outcome = NULL;
	struct err e = {0};
	int rc = -1;

	if (store_begin(in->p.store, &e) == 0) {
		rc = obey(in, q, &outcome, &e);
		if (rc == 0)
			rc = store_command_done(in->p.store, q->command.id, outcome, &e);
		rc = store_end(in->p.store, rc, &e);
	}
	if (rc != 0) {
		log_err(LOG_ERROR, "command", &e);
		if (store_command_later(in->p.store, q->command.id, clock_now_ms() + RETRY_MS, &e) != 0)
			log_err(LOG_ERROR, "command", &e);
	}
	send_kick(in->p.sender);
	forget(q);
	intake_kick(in);
}

static void
postpone(struct asking *q, const struct err *why)
{
	struct intake *in = q->in;
	struct err e;
	int rc;

	log_err(LOG_WARN, "command", why);
	if (q->command.attempts >= MAX_COMMAND_ATTEMPTS || why->kind == ERR_DENIED || why->kind == ERR_ABSENT)
		rc = store_command_done(in->p.store, q->command.id, why->msg, &e);
	else
		rc = store_command_later(in->p.store, q->command.id, clock_now_ms() + RETRY_MS, &e);
	if (rc != 0)
		log_err(LOG_ERROR, "command", &e);
	forget(q);
	loop_timer_set(in->timer, RETRY_MS);
}

/* --- explaining: the difference may be large, so a worker reads it --- */

static void
on_explanation(void *ctx, const json_t *rec)
{
	struct asking *q = ctx;
	AUTO(buf_release) struct buf b = {0};

	if (strcmp(json_str(rec, "type", ""), "explanation") != 0)
		return;
	buf_init(&b, 4 * MAX_ANSWER);
	escape_block(&b, json_text(rec, "text"), "");
	if (json_flag(rec, "cut", false))
		buf_puts(&b, "\nThe rest: `ekaci explain ATTR BASE HEAD` in a clone of this repository.\n");
	q->answer = str_dup(&q->a, buf_get(&b));
}

static void
on_explained(void *ctx, const struct err *end, int64_t outside_ms)
{
	struct asking *q = ctx;

	(void)outside_ms;
	q->worker = NULL;
	if (q->in->closing) {
		forget(q);
		return;
	}
	if (end->kind != ERR_NONE) {
		AUTO(buf_release) struct buf b;
		buf_init(&b, MAX_ANSWER);
		escape_block(&b, str_of(end->msg), "");
		q->answer = str_dup(&q->a, buf_get(&b));
	}
	settle(q);
}

/* False when there is nothing to wait for: what is to be said is known. */
static bool
explain(struct asking *q)
{
	struct worker_events events = {on_explanation, on_explained, q};
	AUTO(json_drop) json_t *evaluations = NULL;
	AUTO(json_drop) json_t *attrs = json_array();
	struct run r = {0};
	struct err e = {0};

	if (store_run_of(q->in->p.store, &q->a, q->repo.id, q->command.number, false, &r, &e) != 0 || r.difference == NULL ||
	    json_read_maybe(r.evaluations, &evaluations, &e) != 0) {
		q->answer = "Base and head are not compared yet.";
		return false;
	}
	for (size_t i = 0; i < MAX_EXPLAINED && i < json_array_size(q->words); i++)
		json_array_append(attrs, json_array_get(q->words, i));
	AUTO(json_drop) json_t *job = json_pack("{s:O,s:s,s:O?,s:i}", "attrs", attrs, "difference", r.difference, "evaluations",
	    evaluations, "max_bytes", MAX_ANSWER);
	if (loop_worker_start(q->in->p.loop, "explain", job, &events, &q->worker, &e) == 0)
		return true;
	log_err(LOG_ERROR, "command", &e);
	q->answer = "The explanation could not be made.";
	return false;
}

static void
on_permission(void *ctx, const char *permission, const struct err *why)
{
	struct asking *q = ctx;

	if (q->in->closing)
		return;
	if (why != NULL) {
		postpone(q, why);
		return;
	}
	q->permission = arena_strdup(&q->a, permission);
	if (strcmp(q->command.verb, "explain") != 0 || !may(q) || json_array_size(q->words) == 0 || !explain(q))
		settle(q);
}

/* A pull request from before the bot came: ask GitHub what it is. */
static void
on_pull(void *ctx, const json_t *pull, const struct err *why)
{
	struct asking *q = ctx;
	const char *base_repo = json_str_at(pull, "base.repo.full_name", ""), *head_repo;
	struct err e = {0};

	if (q->in->closing)
		return;
	if (why != NULL) {
		postpone(q, why);
		return;
	}
	head_repo = json_str_at(pull, "head.repo.full_name", "");
	q->pr = (struct pull_request){.repository = q->repo.id,
	    .number = q->command.number,
	    .open = strcmp(json_str(pull, "state", ""), "open") == 0,
	    .fork = strcmp(base_repo, head_repo) != 0,
	    .draft = json_flag(pull, "draft", false),
	    .head = arena_strdup(&q->a, json_str_at(pull, "head.sha", "")),
	    .base_ref = arena_strdup(&q->a, json_str_at(pull, "base.ref", "")),
	    .title = arena_strdup(&q->a, json_str(pull, "title", "")),
	    .author = arena_strdup(&q->a, json_str_at(pull, "user.login", "")),
	    .association = arena_strdup(&q->a, json_str(pull, "author_association", ""))};
	if (store_pull_put(q->in->p.store, &q->pr, &e) != 0) {
		postpone(q, &e);
		return;
	}
	send_permission(q->in->p.sender, q->repo.installation, q->repo.owner, q->repo.name, q->command.login,
	    on_permission, q);
}

static int
ask(struct intake *in, struct err *e)
{
	struct asking *q = mem_alloc(sizeof(*q));
	int rc;

	q->in = in;
	rc = store_command_next(in->p.store, &q->a, clock_now_ms(), &q->command, e);
	if (rc == 0 && store_repository_get(in->p.store, &q->a, q->command.repository, &q->repo, e) != 0)
		rc = -1;
	if (rc == 0)
		rc = json_read(str_of(q->command.words), "words", &q->words, e);
	if (rc != 0) {
		forget(q);
		return rc;
	}
	in->asking = true;
	rc = store_pull_get(in->p.store, &q->a, q->repo.id, q->command.number, &q->pr, e);
	if (q->command.operator) {
		q->permission = "admin";
		q->pr.open = q->pr.open || q->command.number <= 0;
		settle(q);
	} else if (rc == 0)
		send_permission(in->p.sender, q->repo.installation, q->repo.owner, q->repo.name,
		    q->command.login, on_permission, q);
	else
		send_pull(in->p.sender, q->repo.installation, q->repo.owner, q->repo.name, q->command.number,
		    on_pull, q);
	return 0;
}

static void
look(void *ctx)
{
	struct intake *in = ctx;
	struct err e = {0};
	int rc = 0, n = 0;

	if (in->closing)
		return;
	for (; rc == 0 && n < PER_TURN; n++) {
		struct arena a = {0};
		struct delivery d;
		rc = store_delivery_next(in->p.store, &a, &d, &e);
		if (rc == 0)
			rc = read_delivery(in, &a, &d, &e);
		arena_release(&a);
	}
	if (rc >= 0 && !in->asking)
		rc = ask(in, &e) < 0 ? -1 : rc;
	if (rc < 0) {
		log_err(LOG_ERROR, "intake", &e);
		loop_timer_set(in->timer, RETRY_MS);
	} else if (n == PER_TURN) {
		loop_timer_set(in->timer, 0);
	}
	send_kick(in->p.sender);
}

void
intake_kick(struct intake *in)
{
	if (!in->closing)
		loop_timer_set(in->timer, 0);
}

struct intake *
intake_new(const struct flow_parts *parts, struct flow *flow)
{
	struct intake *in = mem_alloc(sizeof(*in));

	*in = (struct intake){.p = *parts, .flow = flow};
	in->timer = loop_timer_new(parts->loop, "intake", look, in);
	return in;
}

static void
release(void *ctx)
{
	struct intake *in = ctx;

	mem_free(&in);
}

void
intake_free(struct intake *in)
{
	if (in == NULL)
		return;
	in->closing = true;
	loop_timer_free(in->timer);
	loop_put_off(in->p.loop, release, in);
}
