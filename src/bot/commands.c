/* Commands: whose they are, whether they may, and what comes of them. */
#include "bot/commands.h"

#include "records/all.h"
#include "records/array.h"
#include "records/reporting.h"
#include "store/desired.h"
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
	MAX_COMMAND_ATTEMPTS = 30, /* of asking GitHub for a permission */
	MAX_EXPLAINED = 5,         /* attributes of one command */
	MAX_ANSWER = 50000,        /* bytes; GitHub takes 65,536 characters */
	MAX_REPLY = 60000,         /* and of all answers to one comment */
	MAX_REFUSALS = 5           /* answered refusals an hour and pull request; further ones get only the reaction */
};

struct obey {
	struct bot_parts p;
	struct flow *flow;
	struct loop_timer *timer;
	bool asking; /* one command at a time */
	bool closing;
};

/* A command whose author's permission is being asked for. */
struct asking {
	struct obey *o;
	struct arena a;
	struct store_command command;
	struct repository repo;
	struct pull_request pr;
	const char *permission;
	const char *present; /* the head at GitHub a moment ago, or NULL: nobody asked */
	bool closed;         /* there */
	struct texts words;
	const char *answer; /* of a worker */
	struct worker *worker;
};

static void
forget(struct asking *q)
{
	q->o->asking = false;
	arena_release(&q->a);
	mem_free(&q);
}

/* Where nothing is Nix nothing is ever said; the reaction is the receipt. */
static bool
is_no_nix(struct obey *o, const struct asking *q)
{
	struct arena a = {0};
	struct run newest;
	struct err e;
	bool ret =
	    store_run_of(o->p.store, &a, q->repo.id, q->command.number, false, &newest, &e) == 0 && newest.nix == RUN_NIX_NONE;

	arena_release(&a);
	return ret;
}

/* It is being found out whether anything here is Nix: a command waits for that. */
static bool
is_nix_open(struct obey *o, struct asking *q)
{
	struct run newest;
	struct err e;
	bool known = false;

	return store_run_of(o->p.store, &q->a, q->repo.id, q->command.number, true, &newest, &e) == 0 &&
	       newest.nix == RUN_NIX_UNKNOWN && store_branch_is_nix(o->p.store, q->repo.id, newest.base_ref, &known, &e) == 0 &&
	       !known;
}

static void
answer(struct obey *o, const struct asking *q, const char *reply)
{
	if (is_no_nix(o, q))
		return;
	struct desired_repository to = {q->repo.installation, q->repo.id, q->repo.owner, q->repo.name};
	struct err e;
	struct arena a = {0};
	const char *marker = arena_printf(&a, "<!-- ekaci:answer %" PRId64 " -->", q->command.id), *said = NULL;

	/* A comment with many commands has one reply, to which each adds its answer. */
	if (q->command.comment != 0) {
		const char *shared = arena_printf(&a, "<!-- ekaci:answers %" PRId64 " -->", q->command.comment);
		if (store_reply_wanted(o->p.store, &a, q->repo.id, q->command.number, shared, &said, &e) != 0)
			log_err(LOG_ERROR, "command", &e);
		else if (said == NULL || strlen(said) + strlen(reply) < MAX_REPLY)
			marker = shared;
		else
			said = NULL;
		if (said != NULL)
			reply = str_find(str_of(said), str_of(reply)) >= 0 ? said
			                                                   : arena_printf(&a, "%s\n\n---\n\n%s", said, reply);
	}
	if (store_want_reply(o->p.store, &to, q->command.number, marker, str_of(reply), &e) != 0)
		log_err(LOG_ERROR, "command", &e);
	arena_release(&a);
}

static void
react(struct obey *o, const struct asking *q, const char *content, const char *reply)
{
	struct desired_repository to = {q->repo.installation, q->repo.id, q->repo.owner, q->repo.name};
	int64_t refused = 0;
	struct err e;

	if (q->command.comment == 0)
		return;
	if (content[0] != '+' &&
	    store_commands_refused(o->p.store, q->repo.id, q->command.number, clock_now_ms() - 3600 * 1000, &refused, &e) ==
	        0 &&
	    refused >= MAX_REFUSALS)
		reply = NULL;
	if (store_want_reaction(o->p.store, &to, q->command.comment, content, &e) != 0)
		log_err(LOG_ERROR, "command", &e);
	if (reply != NULL)
		answer(o, q, reply);
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
    "| `/ekaci approve`, `/ekaci approve COMMIT` | lets the head that you looked at, or the one that you name, be evaluated and "
    "built, also when it is wide or from outside; what is pushed later waits again | write access |\n"
    "| `/ekaci cancel` | stops what is under way for this pull request | write access or author |\n"
    "| `/ekaci status` | says how far it is | everybody with read access |\n"
    "| `/ekaci help` | this list | everybody with read access |\n";

static const char *
word(const struct asking *q, size_t i)
{
	return i < q->words.n ? q->words.p[i] : "";
}

static int
start_again(struct obey *o, struct asking *q, bool approved, struct err *e)
{
	bool rebuild = strcmp(q->command.verb, "rebuild") == 0, ignore_rules = strcmp(q->command.verb, "eval") == 0;
	bool all = rebuild && strcasecmp(word(q, 0), "all") == 0;
	bool named = rebuild && !all && q->words.n > 0 && strcasecmp(word(q, 0), "failed") != 0;
	struct run newest = {0};
	int rc = store_run_of(o->p.store, &q->a, q->repo.id, q->command.number, false, &newest, e);

	if (rc < 0)
		return -1;
	if (q->pr.head == NULL && rc != 0)
		return 0; /* the operator named what nobody knows */
	bool own = q->command.number > 0 && q->pr.head != NULL;
	const char *asked = NULL;
	if (named && array_write_texts(&q->a, &q->words, &asked, e) != 0)
		return -1;
	struct run wanted = {.repository = q->repo.id,
	    .number = q->command.number,
	    .head = own ? q->pr.head : newest.head,
	    .base_ref = own ? q->pr.base_ref : newest.base_ref,
	    .base = own ? NULL : newest.base,
	    .head_ref = own ? NULL : newest.head_ref,
	    .reason = arena_printf(&q->a, "%s asked for: %s", q->command.login, q->command.verb),
	    .force = true,
	    .again = all || named,
	    .asked = asked,
	    .ignore_rules = ignore_rules,
	    /* What was approved for this head stays approved; a branch and the merge queue have nobody else's code. */
	    .approved = approved || q->command.number <= 0 ||
	                (rc == 0 && newest.approved && (!own || strcmp(newest.head, q->pr.head) == 0))};
	return flow_start(o->flow, &wanted, e);
}

static const char *
status_text(struct obey *o, struct asking *q)
{
	const char *waits = q->pr.head != NULL ? trust_waits(o->p.settings, &q->pr) : NULL;
	struct run r;
	struct err e;

	if (store_run_of(o->p.store, &q->a, q->repo.id, q->command.number, false, &r, &e) != 0)
		return waits == NULL
		           ? "Nothing has been done for this pull request yet."
		           : arena_printf(&q->a,
		                 "Nothing has been done for this pull request: %s. `/ekaci eval` has it evaluated all "
		                 "the same.",
		                 waits);
	const char *url = web_link(&q->a, o->p.web, &q->repo, q->command.number, "/run/%" PRId64, r.id);
	const char *why = r.held != NULL ? r.held : r.waiting;

	return arena_printf(&q->a, "Run [%" PRId64 "](%s) of `%.10s`: %s%s%s.", r.id, url, r.head, run_state_doing(r.state),
	    why != NULL ? "; waiting: " : "", why != NULL ? why : "");
}

static int
set_priority(struct obey *o, struct asking *q, struct err *e)
{
	static const char *const words[] = {"low", "normal", "high"};

	for (size_t i = 0; i < COUNT(words); i++) {
		if (strcasecmp(word(q, 0), words[i]) != 0)
			continue;
		react(o, q, "+1", NULL);
		flow_kick(o->flow);
		return store_pull_priority(o->p.store, q->repo.id, q->command.number, (int64_t)i - 1, e);
	}
	react(o, q, "confused", "`/ekaci priority` takes `high`, `normal` or `low`.");
	return 0;
}

/* Whether the person may have this done. */
static bool
may(const struct asking *q)
{
	bool author = q->pr.author != NULL && strcasecmp(q->pr.author, q->command.login) == 0;
	bool writer = q->permission != NULL && (strcmp(q->permission, "admin") == 0 || strcmp(q->permission, "write") == 0);

	return writer || (author && (strcmp(q->command.verb, "cancel") == 0 || strcmp(q->command.verb, "explain") == 0));
}

/* What gives leave: an approval, and a rebuild of names, which builds them also where nobody has approved. */
static bool
gives_leave(const struct asking *q)
{
	return strcmp(q->command.verb, "approve") == 0 ||
	       (strcmp(q->command.verb, "rebuild") == 0 && q->words.n > 0 && strcasecmp(word(q, 0), "failed") != 0 &&
	           strcasecmp(word(q, 0), "all") != 0);
}

/* Why it gives leave to nothing, in *ret, for people: because it is not of the present head. NULL when it is. */
static int
misses_head(struct obey *o, struct asking *q, const char **ret, struct err *e)
{
	bool approve = strcmp(q->command.verb, "approve") == 0;
	struct approval is = {.head = q->command.head, .said = q->command.said};
	struct run newest = {0};
	int rc = store_run_of(o->p.store, &q->a, q->repo.id, q->command.number, false, &newest, e);

	*ret = NULL;
	if (rc < 0 || q->pr.head == NULL)
		return rc < 0 ? -1 : 0;
	const char *head = q->pr.head;
	const char *how = arena_printf(&q->a,
	    approve ? "`/ekaci approve %s` is an approval of it." : "Say it once more, and it is done for `%.10s`.", head);
	if (approve && q->command.comment != 0 && q->words.n > 0)
		is.word = word(q, 0);
	if (q->present != NULL && strcmp(q->present, head) != 0) {
		*ret = arena_printf(&q->a,
		    "The head is `%.10s` by now, and not yet known here, so nothing was done. Say it again when it "
		    "has its checks.",
		    q->present);
		return 0;
	}
	switch (trust_approval(&is, &q->pr, rc == 0 && strcmp(newest.head, head) == 0 ? newest.ended : 0)) {
	case APPROVAL_GOOD: break;
	case APPROVAL_OTHER:
		*ret = arena_printf(&q->a,
		    "`%.10s` is not the head of this pull request, which is `%.10s`: nothing of that is approved. %s",
		    is.head != NULL ? is.head : is.word, head, how);
		break;
	case APPROVAL_UNSEEN:
		*ret = arena_printf(&q->a,
		    "`%.10s` was pushed after this comment was written, or just before: who wrote it cannot have "
		    "looked at it, so nothing of it is approved. %s",
		    head, how);
		break;
	case APPROVAL_NONSENSE:
		*ret = arena_printf(&q->a,
		    "`/ekaci approve` takes the name of a commit, at least 7 hex digits of it, or nothing. Nothing is "
		    "approved. The head is `%.10s`.",
		    head);
		break;
	}
	return 0;
}

/* True when it gave leave to a head that is not the present one: that is answered, and nothing else is done. */
static int
refuse_unseen(struct obey *o, struct asking *q, bool *ret, struct err *e)
{
	const char *why = NULL;

	if (gives_leave(q) && misses_head(o, q, &why, e) != 0)
		return -1;
	*ret = why != NULL;
	if (why == NULL)
		return 0;
	log_info("command %" PRId64 ": %s of %s for #%" PRId64 " is not of the present head", q->command.id, q->command.verb,
	    q->command.login, q->command.number);
	if (q->command.comment != 0)
		react(o, q, "confused", why);
	else if (!q->command.operator)
		answer(o, q, why);
	return 0;
}

/* Does what the command asks. *ret_outcome is a word for its row in the database, which ends it; -1 with e means that nothing
 * was done and that it is to be tried again. */
static int
obey_command(struct obey *o, struct asking *q, const char **ret_outcome, struct err *e)
{
	const char *verb = q->command.verb;
	bool unseen = false;
	int rc = 0;

	*ret_outcome = "done";
	if (strcmp(verb, "help") == 0) {
		react(o, q, "+1", help_text);
	} else if (strcmp(verb, "status") == 0) {
		react(o, q, "+1", status_text(o, q));
	} else if (strcmp(verb, "unknown") == 0) {
		*ret_outcome = "unknown";
		react(o, q, "confused", help_text);
	} else if (!may(q)) {
		*ret_outcome = "refused";
		react(o, q, "-1", arena_printf(&q->a, "`/ekaci %s` needs write access to this repository.", verb));
	} else if (strcmp(verb, "explain") == 0) {
		react(o, q, q->answer != NULL ? "+1" : "confused",
		    q->answer != NULL ? q->answer : "Which attribute? `/ekaci explain ATTR`");
	} else if (strcmp(verb, "priority") == 0) {
		rc = set_priority(o, q, e);
	} else if (!q->pr.open || q->closed) {
		*ret_outcome = "closed";
		react(o, q, "confused", "This pull request is closed.");
	} else if (strcmp(verb, "cancel") == 0) {
		rc = flow_cancel(o->flow, q->repo.id, q->command.number, NULL,
		    arena_printf(&q->a, "%s asked for it", q->command.login), e);
		react(o, q, "+1", NULL);
	} else if ((rc = refuse_unseen(o, q, &unseen, e)) != 0 || unseen) {
		*ret_outcome = "unseen";
	} else {
		bool approve = strcmp(verb, "approve") == 0;
		if (approve && q->pr.head != NULL)
			rc = store_pull_approve(o->p.store, q->repo.id, q->command.number, q->pr.head, e);
		if (rc == 0)
			rc = start_again(o, q, approve, e);
		react(o, q, "rocket", NULL);
	}
	return rc;
}

/* What is known now: while GitHub was asked, other events may have come. 1: there is no such pull request. A branch and the
 * merge queue are none, and open. */
static int
read_pull(struct obey *o, struct asking *q, struct err *e)
{
	int rc = store_pull_get(o->p.store, &q->a, q->repo.id, q->command.number, &q->pr, e);

	q->pr.open = q->pr.open || q->command.number <= 0;
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
			rc = obey_command(o, q, &outcome, &e);
		if (rc == 0)
			rc = store_command_done(o->p.store, q->command.id, outcome, &e);
		rc = store_end(o->p.store, rc, &e);
	}
	if (rc != 0) {
		log_err(LOG_ERROR, "command", &e);
		if (store_command_later(o->p.store, q->command.id, clock_now_ms() + RETRY_MS, &e) != 0)
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
	int rc = store_command_later(q->o->p.store, q->command.id, clock_now_ms() + ms, &e);

	leave(q, rc, &e);
}

static void
postpone(struct asking *q, const struct err *why)
{
	struct err e;

	log_err(LOG_WARN, "command", why);
	if (q->command.attempts < MAX_COMMAND_ATTEMPTS && why->kind != ERR_DENIED && why->kind != ERR_ABSENT) {
		put_off(q, RETRY_MS);
		return;
	}
	int rc = store_command_done(q->o->p.store, q->command.id, why->msg, &e);
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

	if (record_read(&q->a, line, &rec, &e) != 0)
		log_err(LOG_WARN, "command", &e);
	else if (rec.of == &explanation_fields)
		said = rec.is;
	if (said == NULL)
		return;
	buf_init(&b, 4 * MAX_ANSWER);
	escape_block(&b, str_of(said->text), "");
	if (said->cut)
		buf_puts(&b, "\nThe rest: `ekaci explain ATTR BASE HEAD` in a clone of this repository.\n");
	q->answer = str_dup(&q->a, buf_get(&b));
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
		q->answer = str_dup(&q->a, buf_get(&b));
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

	if (store_run_of(q->o->p.store, &q->a, q->repo.id, q->command.number, false, &r, &e) != 0 || r.difference == NULL ||
	    array_read_records(&evaluation_fields, &q->a, r.evaluations, "evaluations", &job.evaluations, &e) != 0) {
		q->answer = "Base and head are not compared yet.";
		return false;
	}
	job.difference = r.difference;
	job.attrs = q->words;
	if (job.attrs.n > MAX_EXPLAINED)
		job.attrs.n = MAX_EXPLAINED;
	if (fields_line(&explain_job_fields, &q->a, &job, &line, &e) == 0 &&
	    worker_start(q->o->p.loop, "explain", str_of(line), &events, &q->worker, &e) == 0)
		return true;
	log_err(LOG_ERROR, "command", &e);
	q->answer = "The explanation could not be made.";
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
	q->present = arena_strdup(&q->a, pull->head);
	q->closed = !pull->open;
	if (q->closed || q->pr.head == NULL || strcmp(q->present, q->pr.head) == 0 ||
	    q->command.attempts >= MAX_HEAD_ATTEMPTS) {
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
	q->permission = arena_strdup(&q->a, permission);
	if (gives_leave(q) && may(q) && q->command.number > 0) {
		send_pull(q->o->p.sender, q->repo.installation, q->repo.owner, q->repo.name, q->command.number, on_present, q);
		return;
	}
	if (strcmp(q->command.verb, "explain") != 0 || !may(q) || q->words.n == 0 || !explain(q))
		settle(q);
}

/* GitHub knows of no permission for a bot ("is not a user"): one that the operator named has it from that. */
static void
ask_permission(struct asking *q)
{
	struct obey *o = q->o;

	if (trust_obeys_bot(o->p.settings, q->command.login))
		on_permission(q, "write", NULL);
	else
		send_permission(o->p.sender, q->repo.installation, q->repo.owner, q->repo.name, q->command.login, on_permission,
		    q);
}

/* A pull request from before the bot came: ask GitHub what it is. */
static void
on_pull(void *ctx, const struct event_pull *pull, const struct err *why)
{
	struct asking *q = ctx;
	struct err e = {0};

	if (came_to_nothing(q, why))
		return;
	q->pr = (struct pull_request){.repository = q->repo.id,
	    .number = q->command.number,
	    .open = pull->open,
	    .fork = pull->fork,
	    .draft = pull->draft,
	    .head = arena_strdup(&q->a, pull->head),
	    .base_ref = arena_strdup(&q->a, pull->base_ref),
	    .title = arena_strdup(&q->a, pull->title),
	    .author = arena_strdup(&q->a, pull->author != NULL ? pull->author : ""),
	    .association = arena_strdup(&q->a, pull->association != NULL ? pull->association : ""),
	    .head_since = pull->pushed_ms,
	    .changed = pull->updated_ms};
	if (store_pull_put(q->o->p.store, &q->pr, &e) != 0) {
		postpone(q, &e);
		return;
	}
	ask_permission(q);
}

static int
ask(struct obey *o, struct err *e)
{
	struct asking *q = mem_alloc(sizeof(*q));
	int rc;

	q->o = o;
	rc = store_command_next(o->p.store, &q->a, clock_now_ms(), &q->command, e);
	if (rc == 0 && store_repository_get(o->p.store, &q->a, q->command.repository, &q->repo, e) != 0)
		rc = -1;
	if (rc == 0)
		rc = array_read_texts(&q->a, q->command.words, "words", &q->words, e);
	if (rc != 0) {
		forget(q);
		return rc;
	}
	o->asking = true;
	rc = read_pull(o, q, e);
	if (q->command.operator) {
		q->permission = "admin";
		settle(q);
	} else if (is_nix_open(o, q)) {
		put_off(q, HEAD_RETRY_MS);
	} else if (rc == 0 || q->command.number <= 0)
		ask_permission(q);
	else
		send_pull(o->p.sender, q->repo.installation, q->repo.owner, q->repo.name, q->command.number, on_pull, q);
	return 0;
}

static void
look(void *ctx)
{
	struct obey *o = ctx;
	struct err e = {0};

	int64_t due;

	if (o->closing || o->asking)
		return;
	int rc = ask(o, &e);
	if (rc == 0 || (rc == 1 && store_command_due(o->p.store, &due, &e) == 0 && due == INT64_MAX))
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
