/* What the forge told us. */
#include "bot/deliveries.h"

#include "bot/commands.h"
#include "bot/conflicts.h"
#include "bot/moved.h"
#include "bot/quota.h"
#include "bot/repositories.h"
#include "bot/standing.h"
#include "records/array.h"
#include "records/list.h"
#include "store/delivery.h"
#include "store/desired.h"
#include "store/people.h"
#include "support/base/clock.h"
#include "support/base/log.h"
#include "walk/trust.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	PER_TURN = 32, /* deliveries read before the loop gets a breath */
	RETRY_MS = 10 * 1000
};

struct intake {
	struct bot_parts p;
	struct flow *flow;
	struct obey *obey;
	struct moved *moved;
	struct conflicts *conflicts;
	struct loop_timer *timer;
	intake_change_fn *change;
	void *change_ctx;
	bool closing;
};

/* What an event of a pull request tells that we know. */
enum news {
	NEWS,        /* it is the newest word */
	NEWS_BESIDE, /* as new as the newest, and not the one to say what the head is */
	NEWS_EARLY,  /* a push of the same second, on a head that we have not been told of */
	REPEATED,    /* nothing that is not known */
	LATE         /* what it tells was replaced by what is known */
};

/* Within one second only what says so makes it a draft, or makes it ready; whatever else came with it may be from before. */
static bool
draft_of(const struct event *ev, const struct pull_request *known)
{
	bool tie = ev->pr.updated_ms != 0 && ev->pr.updated_ms == known->changed;

	return tie && ev->action != ACTION_READY_FOR_REVIEW && ev->action != ACTION_CONVERTED_TO_DRAFT ? known->draft
	                                                                                               : ev->pr.draft;
}

/* The same of the label that says to leave it alone. */
static bool
skipped_of(const struct settings *c, const struct event *ev, const struct pull_request *known)
{
	bool tie = ev->pr.updated_ms != 0 && ev->pr.updated_ms == known->changed;

	return tie && ev->action != ACTION_LABELED && ev->action != ACTION_UNLABELED ? known->skipped
	                                                                             : trust_has_skip_label(c, &ev->pr.labels);
}

/*
 * updated_at decides, in whole seconds; within one, what a push replaced. Arrival decides nothing: GitHub sends events at once,
 * sends failed ones again days later, and anybody who kept one can send it again.
 */
static enum news
news_of(const struct settings *c, const struct event *ev, const struct pull_request *known)
{
	bool moved = strcmp(ev->pr.head, known->head) != 0;
	bool same = !moved && strcmp(ev->pr.base_ref, known->base_ref) == 0 && ev->pr.open == known->open &&
	            draft_of(ev, known) == known->draft && skipped_of(c, ev, known) == known->skipped;
	bool tie = ev->pr.updated_ms != 0 && ev->pr.updated_ms == known->changed;

	/* That happens once, and first. */
	if (ev->action == ACTION_OPENED && moved && (ev->pr.updated_ms <= known->changed || known->changed == 0))
		return LATE;
	if (ev->pr.updated_ms != 0 && ev->pr.updated_ms < known->changed)
		return same ? REPEATED : LATE;
	/* Nothing is pushed to a closed pull request: it was closed after. */
	if (tie && !known->open && ev->action != ACTION_REOPENED && ev->action != ACTION_CLOSED)
		return LATE;
	if (tie && moved && ev->action == ACTION_SYNCHRONIZE && ev->pr.before != NULL) {
		if (strcmp(ev->pr.before, known->head) == 0)
			return NEWS;
		return known->before != NULL && strcmp(ev->pr.head, known->before) == 0 ? LATE : NEWS_EARLY;
	}
	if (tie && moved && ev->action != ACTION_SYNCHRONIZE)
		return NEWS_BESIDE;
	return same && ev->action != ACTION_CLOSED ? REPEATED : NEWS;
}

static struct pull_request
pull_of(const struct settings *c, const struct event *ev, bool first)
{
	struct pull_request pr = {.repository = ev->repository.id,
	    .number = ev->pr.number,
	    .open = ev->pr.open,
	    .fork = ev->pr.fork,
	    .draft = ev->pr.draft,
	    .skipped = trust_has_skip_label(c, &ev->pr.labels),
	    .head = ev->pr.head,
	    .before = ev->pr.before,
	    .base_ref = ev->pr.base_ref,
	    .title = ev->pr.title != NULL ? ev->pr.title : "",
	    .author = ev->pr.author,
	    .association = ev->pr.association,
	    .head_owner = ev->pr.head_owner,
	    .changed = ev->pr.updated_ms};

	/* With the head that it was opened with nobody can mean another one. */
	if (ev->action != ACTION_OPENED || !first)
		pr.head_since = ev->pr.pushed_ms != 0 ? ev->pr.pushed_ms : clock_now_ms();
	return pr;
}

/* Pushes that came before the one that they followed on. */
static int
put_with_followers(struct intake *in, struct arena *a, struct pull_request *pr, struct err *e)
{
	int rc = store_pull_put(in->p.store, pr, e);

	while (rc == 0) {
		const char *next;
		rc = store_head_follows(in->p.store, a, pr, &next, e);
		if (rc == 0) {
			pr->before = pr->head;
			pr->head = next;
			rc = store_pull_put(in->p.store, pr, e);
		}
	}
	return rc < 0 ? -1 : 0;
}

/* A run is there, or should have been: the event was told again, or in one that came before its own. stopped: one that was
 * stopped is none. */
static int
start_missing(struct intake *in, struct arena *a, const struct pull_request *known, bool stopped, const char *reason,
    struct err *e)
{
	bool looked_at = known->open && trust_waits(in->p.settings, known) == NULL;
	struct run newest;
	int rc = looked_at ? store_run_of(in->p.store, a, known->repository, known->number, false, &newest, e) : 0;

	if (rc < 0 || !looked_at)
		return rc;
	if (rc == 0 && strcmp(newest.head, known->head) == 0 && strcmp(newest.base_ref, known->base_ref) == 0 &&
	    !(stopped && newest.state == RUN_CANCELLED))
		return 0;
	struct run wanted = {.repository = known->repository,
	    .number = known->number,
	    .head = known->head,
	    .base_ref = known->base_ref,
	    .reason = reason};
	return flow_start(in->flow, &wanted, e);
}

/* What the newest word of a pull request starts, or stops. */
static int
follow(struct intake *in, struct arena *a, const struct event *ev, const struct pull_request *pr,
    const struct pull_request *known, struct err *e)
{
	const char *reason = event_action_name(ev->action), *waits = trust_waits(in->p.settings, pr);
	bool moved = known->head == NULL || strcmp(pr->head, known->head) != 0 || strcmp(pr->base_ref, known->base_ref) != 0;
	struct run wanted = {.repository = pr->repository,
	    .number = pr->number,
	    .head = pr->head,
	    .base_ref = pr->base_ref,
	    .reason = reason};

	if (!pr->open)
		return flow_cancel(in->flow, pr->repository, pr->number, NULL, "the pull request was closed", e);
	/* What somebody asked for goes on as long as it is about this. */
	if (waits != NULL && (moved || ev->action == ACTION_CONVERTED_TO_DRAFT))
		return flow_cancel(in->flow, pr->repository, pr->number, NULL, waits, e);
	if (waits != NULL)
		return 0;
	/* What is under way knows nothing of the label, and has the same head. */
	if (known->head != NULL && !moved && pr->skipped != known->skipped &&
	    flow_cancel(in->flow, pr->repository, pr->number, NULL, pr->skipped ? "it has the label to skip it" : reason, e) !=
	        0)
		return -1;
	/* Its head may have been reported before: when somebody asked, or before it became a draft. */
	if (ev->action == ACTION_READY_FOR_REVIEW || ev->action == ACTION_CONVERTED_TO_DRAFT)
		return start_missing(in, a, pr, true, reason, e);
	return flow_start(in->flow, &wanted, e);
}

/* A pull request has no say any more in what stands on a commit. */
static int
leave_head(struct intake *in, const struct event *ev, const char *head, struct err *e)
{
	const struct event_repository *r = &ev->repository;
	const struct desired_repository to = {ev->installation.id, r->id, r->owner, r->name};

	return standing_changed(&in->p, &to, head, e);
}

static int
on_pull_request(struct intake *in, struct arena *a, const struct event *ev, struct err *e)
{
	struct pull_request known = {0};
	const char *reason = event_action_name(ev->action);
	int rc = store_pull_get(in->p.store, a, ev->repository.id, ev->pr.number, &known, e);

	if (rc < 0)
		return -1;
	struct pull_request pr = pull_of(in->p.settings, ev, rc != 0);
	enum news news = rc == 0 ? news_of(in->p.settings, ev, &known) : NEWS;
	switch (news) {
	case LATE:
		log_info("pull request %" PRId64 ": a late event changes nothing: %s of %.10s", pr.number, reason, pr.head);
		return 0;
	case REPEATED:
		if (pr.changed > known.changed && store_pull_put(in->p.store, &pr, e) != 0)
			return -1;
		return start_missing(in, a, &known, false, reason, e);
	case NEWS_EARLY: return store_head_early(in->p.store, &pr, e);
	case NEWS_BESIDE: pr.head = known.head; break;
	case NEWS: break;
	}
	if (rc == 0) {
		pr.draft = draft_of(ev, &known);
		pr.skipped = skipped_of(in->p.settings, ev, &known);
	}
	if (put_with_followers(in, a, &pr, e) != 0 || follow(in, a, ev, &pr, &known, e) != 0)
		return -1;
	/* Others may have the head that it had. */
	bool left = rc == 0 && (!pr.open || strcmp(pr.head, known.head) != 0);
	return left ? leave_head(in, ev, known.head, e) : 0;
}

/* A commit was pushed, or somebody wants all checks of it. Where the push itself was not told, what it should have started is. */
static int
on_suite(struct intake *in, struct arena *a, const struct event *ev, struct err *e)
{
	int64_t numbers[16];
	size_t n = 0;

	if (store_pulls_of_head(in->p.store, ev->repository.id, ev->check.head, numbers, COUNT(numbers), &n, e) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct pull_request known;
		if (store_pull_get(in->p.store, a, ev->repository.id, numbers[i], &known, e) != 0 ||
		    start_missing(in, a, &known, false, event_action_name(ev->action), e) != 0)
			return -1;
	}
	return 0;
}

/* A bot repeats what others wrote: only those that the operator named give commands. */
static bool
is_heard(const struct intake *in, const struct event *ev, const char *login, bool bot)
{
	if (!bot || trust_obeys_bot(in->p.settings, ev->repository.id, login))
		return true;
	log_info("not obeyed, for [trust] bots does not name it: %s", login != NULL ? login : "a bot that is gone");
	return false;
}

/* From a comment, or from a button, or a label: then comment is 0. */
static int
add_command(struct intake *in, const struct event *ev, const struct store_command *what, struct err *e)
{
	struct store_command c = *what;
	bool label = ev->kind == EVENT_PULL_REQUEST;

	c.repository = ev->repository.id;
	c.login = c.comment != 0 ? ev->comment.author : ev->sender;
	c.said = label ? ev->pr.updated_ms : ev->comment.created_ms;
	if (label) {
		c.head = ev->pr.head;
		c.label = ev->label;
	}
	return c.login != NULL ? store_command_add(in->p.store, &c, e) : 0;
}

static const char *
verb_of(const struct comment_command *c)
{
	return c->kind == COMMAND_UNKNOWN ? "unknown" : command_name(c->kind);
}

/* Where the answers go: a question that only asks may have an earlier one's reply. */
static int
thread_of(struct intake *in, struct arena *a, const struct event *ev, const struct comment_command *commands, size_t n,
    int64_t *ret, struct err *e)
{
	struct people_question q = {ev->repository.id, ev->pr.number, ev->comment.id, ev->comment.author, ""};
	bool asks = true;

	for (size_t i = 0; i < n; i++) {
		asks = asks && command_only_asks(commands[i].kind);
		q.asked = arena_printf(a, "%s%s", q.asked, verb_of(&commands[i]));
		for (size_t k = 0; k < commands[i].n_args && commands[i].kind == COMMAND_EXPLAIN; k++)
			q.asked = arena_printf(a, "%s %s", q.asked, fields_clean(a, str_of(commands[i].args[k])));
		q.asked = arena_printf(a, "%s\n", q.asked);
	}
	*ret = ev->comment.id;
	return asks ? store_people_question(in->p.store, &q, ret, e)
	            : store_people_said(in->p.store, q.repository, q.number, e);
}

static int
add_commands(struct intake *in, struct arena *a, const struct event *ev, const struct comment_command *commands, size_t n,
    struct err *e)
{
	struct store_command c = {.number = ev->pr.number, .comment = ev->comment.id};

	if (thread_of(in, a, ev, commands, n, &c.thread, e) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct texts words = {0};
		if (commands[i].kind == COMMAND_UNKNOWN)
			list_add(a, &words, fields_clean(a, str_of(commands[i].word)));
		for (size_t k = 0; k < commands[i].n_args; k++)
			list_add(a, &words, fields_clean(a, str_of(commands[i].args[k])));
		c.verb = verb_of(&commands[i]);
		if (array_write_texts(a, &words, &c.words, e) != 0 || add_command(in, ev, &c, e) != 0)
			return -1;
	}
	return 0;
}

/* False when somebody has asked for too much of late: then nothing is done. */
static int
is_within_quota(struct intake *in, const struct event *ev, const char *login, bool asks_leave, int64_t comment, bool *ret,
    struct err *e)
{
	const struct store_command told = {.number = ev->pr.number, .comment = comment, .verb = "quota", .words = "[]"};
	struct quota_of of = {ev->repository.id, login, comment != 0 ? ev->comment.association : NULL, asks_leave};
	enum quota is = QUOTA_LEFT;

	if (login != NULL && quota_see(&in->p, &of, &is, e) != 0)
		return -1;
	*ret = is == QUOTA_LEFT;
	/* It is counted, so that the next one is not told. */
	return is == QUOTA_REACHED && comment != 0 ? add_command(in, ev, &told, e) : 0;
}

static int
on_comment(struct intake *in, struct arena *a, const struct event *ev, struct err *e)
{
	const struct comment_command *commands;
	bool asks_leave = false, within = false;
	size_t n;

	command_read(a, str_of(ev->comment.body), &commands, &n);
	/* What bots say is no conversation. */
	if (n == 0)
		return ev->comment.bot ? 0 : store_people_said(in->p.store, ev->repository.id, ev->pr.number, e);
	if (ev->comment.author == NULL || !is_heard(in, ev, ev->comment.author, ev->comment.bot))
		return 0;
	int rc = store_comment_take(in->p.store, ev->repository.id, ev->comment.id, e);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	for (size_t i = 0; i < n; i++)
		asks_leave = asks_leave || !command_only_asks(commands[i].kind) || commands[i].kind == COMMAND_EXPLAIN;
	if (is_within_quota(in, ev, ev->comment.author, asks_leave, ev->comment.id, &within, e) != 0)
		return -1;
	return within ? add_commands(in, a, ev, commands, n, e) : 0;
}

/* Of a commit that no pull request has: the branch's number, or the merge group's; 1 when there is none, or it has gone on, for
 * an older commit must not supersede a newer one. */
static int
number_of_commit(struct intake *in, struct arena *a, const struct event *ev, int64_t *ret, struct err *e)
{
	struct run r, newest;
	int rc = store_run_of_commit(in->p.store, a, ev->repository.id, ev->check.head, &r, e);

	if (rc == 0)
		rc = store_run_of(in->p.store, a, r.repository, r.number, false, &newest, e);
	if (rc != 0)
		return rc;
	*ret = r.number;
	return strcmp(newest.head, r.head) == 0 ? 0 : 1;
}

/* What the button with this identifier is for; false when it is none of ours. */
static bool
button_asks(const char *identifier, const char **ret_verb, const char **ret_words)
{
	static const struct {
		const char *identifier, *verb, *words;
	} buttons[] = {{"rebuild", "rebuild", "[]"}, {"rebuild-failed", "rebuild", "[\"failed\"]"}, {"eval", "eval", "[]"},
	    {"approve", "approve", "[]"}, {"cancel", "cancel", "[]"}};

	for (size_t i = 0; i < COUNT(buttons) && identifier != NULL; i++)
		if (strcmp(buttons[i].identifier, identifier) == 0) {
			*ret_verb = buttons[i].verb;
			*ret_words = buttons[i].words;
			return true;
		}
	return false;
}

/* The re-run button, for one check or for all, and the buttons of a check run. Whoever sees a check may press them, or say so to
 * the API: what comes of it is a command, and whose that is bot/commands.c asks. */
static int
on_button(struct intake *in, struct arena *a, const struct event *ev, struct err *e)
{
	int64_t numbers[16];
	size_t n = 0;
	const char *verb = "rebuild", *words = "[]";
	bool within = false;

	if (!is_heard(in, ev, ev->sender, ev->sender_bot) ||
	    (ev->action == ACTION_REQUESTED && !button_asks(ev->check.requested, &verb, &words)))
		return 0;
	if (is_within_quota(in, ev, ev->sender, true, 0, &within, e) != 0)
		return -1;
	if (!within)
		return 0;
	/* Events of forks do not name the pull request: its head does. */
	if (store_pulls_of_head(in->p.store, ev->repository.id, ev->check.head, numbers, COUNT(numbers), &n, e) != 0)
		return -1;
	if (n == 0) {
		int rc = number_of_commit(in, a, ev, &numbers[0], e);
		if (rc < 0)
			return -1;
		n = rc == 0;
	}
	/* Of a head that is none any more: it is answered, so that nobody takes it for one of the newer. */
	if (n == 0 &&
	    store_pulls_once_of_head(in->p.store, ev->repository.id, ev->check.head, numbers, COUNT(numbers), &n, e) != 0)
		return -1;
	struct store_command c = {.verb = verb, .words = words, .head = ev->check.head};
	for (size_t i = 0; i < n; i++) {
		c.number = numbers[i];
		if (add_command(in, ev, &c, e) != 0)
			return -1;
	}
	return 0;
}

static bool
is_label(const char *setting, const char *label)
{
	return setting != NULL && setting[0] != '\0' && label != NULL && strcasecmp(setting, label) == 0;
}

/* Labels are set by whoever may triage: what they ask for is a command like any other. Of those that mean nothing here there are many. */
static int
on_label(struct intake *in, struct arena *a, const struct event *ev, struct err *e)
{
	const struct settings *c = in->p.settings;
	bool approve = is_label(c->pull_requests.approve_label, ev->label);
	bool rerun = is_label(c->pull_requests.rerun_label, ev->label);

	if (!approve && !rerun && !is_label(c->pull_requests.skip_label, ev->label))
		return 0;
	if (on_pull_request(in, a, ev, e) != 0)
		return -1;
	if ((!approve && !rerun) || ev->action != ACTION_LABELED || !ev->pr.open ||
	    !is_heard(in, ev, ev->sender, ev->sender_bot))
		return 0;
	int64_t at = ev->pr.updated_ms != 0 ? ev->pr.updated_ms : clock_now_ms();
	int rc = store_label_take(in->p.store, ev->repository.id, ev->pr.number, ev->label, at, e);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	const struct store_command asked = {.number = ev->pr.number, .verb = approve ? "approve" : "rebuild", .words = "[]"};
	return add_command(in, ev, &asked, e);
}

/* The default branch has moved: it is compared with where it was when it was last done, or began, so that no push between is left
 * out. The next pull requests' base is evaluated with that, and what they want is built, while nobody waits. */
static int
on_push(struct intake *in, struct arena *a, const struct event *ev, struct err *e)
{
	static const char heads[] = "refs/heads/";
	const char *branch = ev->repository.default_branch, *before = NULL;
	struct run newest;

	if (strncmp(ev->push.ref, heads, sizeof(heads) - 1) == 0 &&
	    conflicts_base_moved(in->conflicts, ev->repository.id, ev->push.ref + sizeof(heads) - 1, e) != 0)
		return -1;
	if (branch == NULL || strcmp(ev->push.ref, arena_printf(a, "refs/heads/%s", branch)) != 0 ||
	    strspn(ev->push.after, "0") == strlen(ev->push.after))
		return 0;
	int rc = store_run_of(in->p.store, a, ev->repository.id, RUN_OF_BRANCH, false, &newest, e);
	if (rc < 0)
		return -1;
	bool known = rc == 0 && strcmp(newest.base_ref, branch) == 0;
	if (known && strcmp(newest.head, ev->push.after) == 0)
		return 0;
	if (known && strcmp(newest.head, ev->push.before) != 0) {
		moved_ask(in->moved, ev);
		return 0;
	}
	if (store_branch_done(in->p.store, a, ev->repository.id, branch, &before, e) != 0)
		return -1;
	if (before == NULL && known)
		before = newest.base;
	struct run wanted = {.repository = ev->repository.id,
	    .number = RUN_OF_BRANCH,
	    .head = ev->push.after,
	    .base = before != NULL ? before : ev->push.before,
	    .base_ref = branch,
	    .reason = "push"};
	return flow_start(in->flow, &wanted, e);
}

/* Of the pull request at its end, with those queued before it. A group whose ref does not say still has a number of its own. */
static int64_t
queued_number(const struct event *ev)
{
	char head[9];

	if (ev->push.queued > 0)
		return -ev->push.queued;
	snprintf(head, sizeof(head), "%s", ev->push.after);
	return -((int64_t)1 << 40) - (int64_t)strtoul(head, NULL, 16);
}

/* Whoever queued it may push, so nothing waits for approval. A group that GitHub puts together anew supersedes the older, and is
 * another commit: of one that is known, or gone, nothing that is told again, or late, starts anything. */
static int
on_merge_group(struct intake *in, struct arena *a, const struct event *ev, struct err *e)
{
	static const char heads[] = "refs/heads/";
	const char *base_ref = ev->push.base_ref;
	int64_t number = queued_number(ev);

	if (ev->action == ACTION_DESTROYED && store_group_gone(in->p.store, ev->repository.id, ev->push.after, e) != 0)
		return -1;
	/* What was merged is what the branch will want: it may end. */
	if (ev->action == ACTION_DESTROYED && ev->push.reason != NULL && strcmp(ev->push.reason, "merged") == 0)
		return 0;
	if (ev->action == ACTION_DESTROYED)
		return flow_cancel(in->flow, ev->repository.id, number, ev->push.after, "the merge group is gone", e);
	struct run known;
	bool gone = false;
	int rc = store_run_of_commit(in->p.store, a, ev->repository.id, ev->push.after, &known, e);
	if (rc == 1)
		rc = store_group_is_gone(in->p.store, ev->repository.id, ev->push.after, &gone, e) != 0 ? -1 : 1;
	if (rc <= 0 || gone)
		return rc < 0 ? -1 : 0;
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

/* An event of a repository that is served. */
static int
on_served(struct intake *in, struct arena *a, const struct event *ev, struct err *e)
{
	switch (ev->kind) {
	case EVENT_PULL_REQUEST:
		return ev->action == ACTION_LABELED || ev->action == ACTION_UNLABELED ? on_label(in, a, ev, e)
		                                                                      : on_pull_request(in, a, ev, e);
	case EVENT_COMMENT: return on_comment(in, a, ev, e);
	case EVENT_CHECK_RUN:
	case EVENT_CHECK_SUITE: return ev->action == ACTION_SUITE_REQUESTED ? on_suite(in, a, ev, e) : on_button(in, a, ev, e);
	case EVENT_PUSH: return on_push(in, a, ev, e);
	case EVENT_MERGE_GROUP: return on_merge_group(in, a, ev, e);
	case EVENT_IGNORED:
	case EVENT_PING:
	case EVENT_INSTALLATION:
	case EVENT_INSTALLATION_REPOSITORIES:
	case EVENT_REPOSITORY: break;
	}
	return 0;
}

/* What it lets us do is more than it was, or less. */
static int
on_installation(struct intake *in, struct arena *a, const struct event *ev, struct err *e)
{
	bool less = ev->action == ACTION_DELETED || ev->action == ACTION_SUSPEND || ev->action == ACTION_REMOVED;

	if (repositories_of_installation(&in->p, in->flow, a, ev, e) != 0)
		return -1;
	return less || in->change == NULL ? 0 : in->change(in->change_ctx, ev->installation.id, e);
}

/* The webhook was made, or changed: GitHub tells what it is now. */
static void
on_ping(struct intake *in, const struct event *ev, const char **ret_why)
{
	if (ev->hook.wrong != NULL)
		log_warn("webhook %" PRId64 " pings: %s", ev->hook.id, ev->hook.wrong);
	else
		log_info("webhook %" PRId64 " pings: its events and its content type are what we need", ev->hook.id);
	*ret_why = ev->hook.wrong;
	send_look(in->p.sender);
}

/* *ret_why: why nothing came of it, for people; else as it was. */
static int
on_event(struct intake *in, struct arena *a, const struct event *ev, const char **ret_why, struct err *e)
{
	const char *why = NULL;

	if (ev->kind == EVENT_PING)
		on_ping(in, ev, ret_why);
	if (ev->kind == EVENT_IGNORED || ev->kind == EVENT_PING)
		return 0;
	if (ev->kind == EVENT_INSTALLATION || ev->kind == EVENT_INSTALLATION_REPOSITORIES)
		return on_installation(in, a, ev, e);
	bool again = false;
	int rc = repositories_learn(&in->p, in->flow, a, ev, &why, &again, e);
	if (rc == 1)
		*ret_why = why;
	/* It may have happened before that, and be told after. */
	if (rc == 1 && again && ev->kind == EVENT_PULL_REQUEST)
		return on_pull_request(in, a, ev, e) != 0 ? -1 : repositories_put_off(in->flow, ev, why, e);
	return rc == 0 ? on_served(in, a, ev, e) : rc < 0 ? -1 : 0;
}

/* One line for each, whatever came of it; never what stands in it. */
static void
log_delivery(struct arena *a, const struct delivery *d, const struct event *ev, const char *outcome)
{
	bool named = ev->kind != EVENT_IGNORED && ev->repository.owner != NULL && ev->repository.name != NULL;
	bool pull = ev->kind != EVENT_IGNORED && ev->pr.number > 0;

	log_event(ev->kind == EVENT_IGNORED ? LOG_DEBUG : LOG_INFO, "delivery", LOG_TEXT("guid", d->guid),
	    LOG_TEXT("event", d->event),
	    LOG_TEXT("repo", named ? arena_printf(a, "%s/%s", ev->repository.owner, ev->repository.name) : NULL),
	    LOG_TEXT("of", pull ? flow_whose(a, ev->pr.number) : NULL), LOG_TEXT("outcome", outcome),
	    LOG_MS("waited_s", clock_now_ms() - d->received_ms));
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
	if (send_event(in->p.sender, d->host, a, d->event, d->body, &ev, &why) != 0) {
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
	const char *why_not = NULL;
	int rc = on_event(in, a, &ev, &why_not, e);
	if (rc == 0 && why_not != NULL) {
		log_info("delivery %s (%s): nothing came of it: %s", d->guid, d->event, why_not);
		outcome = arena_printf(a, "%s: %s", outcome, why_not);
	}
	if (rc == 0)
		rc = store_delivery_done(in->p.store, d->id, state, outcome, e);
	if (store_end(in->p.store, rc, e) == 0) {
		log_delivery(a, d, &ev, outcome);
		return 0;
	}
	/* A signed event that contradicts itself is as unreadable as one that does not parse. */
	if (e->kind == ERR_INPUT) {
		why = *e;
		return store_delivery_done(in->p.store, d->id, DELIVERY_UNREADABLE, why.msg, e);
	}
	return -1;
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
	obey_kick(in->obey);
	if (rc < 0) {
		log_err(LOG_ERROR, "intake", &e);
		loop_timer_set(in->timer, RETRY_MS);
	} else if (n == PER_TURN) {
		loop_timer_set(in->timer, 0);
	}
	send_kick(in->p.sender);
}

int
intake_event(struct intake *in, const struct event *ev, struct err *e)
{
	AUTO(arena_release) struct arena a = {0};

	if (store_begin(in->p.store, e) != 0)
		return -1;
	const char *why = NULL;
	return store_end(in->p.store, on_event(in, &a, ev, &why, e), e);
}

static int
on_moved(void *ctx, const struct event *ev, struct err *e)
{
	return intake_event(ctx, ev, e);
}

void
intake_on_change(struct intake *in, intake_change_fn *fn, void *ctx)
{
	in->change = fn;
	in->change_ctx = ctx;
}

void
intake_kick(struct intake *in)
{
	if (!in->closing)
		loop_timer_set(in->timer, 0);
}

struct intake *
intake_new(const struct bot_parts *parts, struct flow *flow)
{
	struct intake *in = mem_alloc(sizeof(*in));

	*in =
	    (struct intake){.p = *parts, .flow = flow, .obey = obey_new(parts, flow), .conflicts = conflicts_new(parts, flow)};
	in->moved = moved_new(parts, on_moved, in);
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
	obey_free(in->obey);
	moved_free(in->moved);
	conflicts_free(in->conflicts);
	loop_timer_free(in->timer);
	loop_put_off(in->p.loop, release, in);
}
