/* What a command does, and what is said of it. */
#include "bot/obeying.h"

#include "bot/quota.h"
#include "bot/situation.h"
#include "records/array.h"
#include "store/desired.h"
#include "store/people.h"
#include "support/base/clock.h"
#include "support/base/log.h"
#include "support/text/escape.h"
#include "walk/trust.h"

#include <inttypes.h>
#include <string.h>

enum {
	MAX_REPLY = 60000, /* bytes of all answers to one comment; GitHub takes 65,536 characters */
	MAX_REFUSALS = 5   /* answered refusals an hour and pull request; further ones get only the reaction */
};

/* Where nothing is Nix nothing is ever said; the reaction is the receipt. */
static bool
is_no_nix(const struct asked *q)
{
	struct arena a = {0};
	struct run newest;
	struct err e;
	bool ret =
	    store_run_of(q->p->store, &a, q->repo.id, q->command.number, false, &newest, &e) == 0 && newest.nix == RUN_NIX_NONE;

	arena_release(&a);
	return ret;
}

static void
want_reply(const struct asked *q, const char *marker, const char *body)
{
	struct desired_repository to = {q->repo.installation, q->repo.id, q->repo.owner, q->repo.name};
	struct err e;

	if (store_want_reply(q->p->store, &to, q->command.number, marker, str_of(body), &e) != 0)
		log_err(LOG_ERROR, "command", &e);
}

static const char *
own_marker(struct arena *a, int64_t command)
{
	return arena_printf(a, "<!-- ekaci:answer %" PRId64 " -->", command);
}

/* A comment with many commands has one reply, with the answers in the order of the commands; what does not fit has its own. */
static void
answer_comment(const struct asked *q, const char *reply)
{
	struct arena a = {0};
	struct command_answer *all = NULL;
	const char *body = "";
	size_t n = 0;
	struct err e;

	if (store_command_answer(q->p->store, q->command.id, reply, &e) != 0 ||
	    store_command_answers(q->p->store, &a, q->repo.id, q->command.comment, &all, &n, &e) != 0)
		log_err(LOG_ERROR, "command", &e);
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;
		while (strcmp(all[k].answer, all[i].answer) != 0)
			k++;
		if (k < i)
			continue; /* said already */
		if (strlen(body) + strlen(all[i].answer) > MAX_REPLY)
			want_reply(q, own_marker(&a, all[i].command), all[i].answer);
		else
			body = arena_printf(&a, "%s%s%s", body, body[0] != '\0' ? "\n\n---\n\n" : "", all[i].answer);
	}
	if (body[0] != '\0')
		want_reply(q, arena_printf(&a, "<!-- ekaci:answers %" PRId64 " -->", q->command.thread), body);
	arena_release(&a);
}

/* Who presses buttons has one reply for a head, to which each adds its answer. */
static void
answer_button(const struct asked *q, const char *reply)
{
	struct arena a = {0};
	const char *marker = own_marker(&a, q->command.id), *said = NULL;
	struct err e;

	if (q->command.head != NULL) {
		const char *shared = arena_printf(&a, "<!-- ekaci:answers %s %s -->", q->command.head, q->command.login);
		if (store_reply_wanted(q->p->store, &a, q->repo.id, q->command.number, shared, &said, &e) != 0)
			log_err(LOG_ERROR, "command", &e);
		else if (said == NULL || strlen(said) + strlen(reply) < MAX_REPLY)
			marker = shared;
		else
			said = NULL;
		if (said != NULL)
			reply = str_find(str_of(said), str_of(reply)) >= 0 ? said
			                                                   : arena_printf(&a, "%s\n\n---\n\n%s", said, reply);
	}
	want_reply(q, marker, reply);
	arena_release(&a);
}

static void
answer(const struct asked *q, const char *reply)
{
	if (is_no_nix(q))
		return;
	if (q->command.comment != 0)
		answer_comment(q, reply);
	else
		answer_button(q, reply);
}

/* A button and a label have no comment: what becomes of them is seen in the checks, and what does not is said. */
static void
answer_press(const struct asked *q, const char *content, const char *reply)
{
	struct arena a = {0};
	AUTO(buf_release) struct buf b = {0};

	if (q->command.operator|| q->command.number <= 0 || reply == NULL || content[0] == '+' ||
	    strcmp(content, "rocket") == 0)
		return;
	buf_init(&b, MAX_REPLY);
	if (q->command.label != NULL) {
		buf_puts(&b, "The label ");
		escape_code(&b, str_of(q->command.label));
		buf_puts(&b, ", set by ");
	} else {
		buf_puts(&b, "The button, pressed by ");
	}
	escape_code(&b, str_of(q->command.login));
	buf_printf(&b, ": %s", reply);
	answer(q, str_dup(&a, buf_get(&b)));
	arena_release(&a);
}

void
obeying_react(const struct asked *q, const char *content, const char *reply)
{
	struct desired_repository to = {q->repo.installation, q->repo.id, q->repo.owner, q->repo.name};
	int64_t refused = 0;
	struct err e;

	if (content[0] != '+' &&
	    store_commands_refused(q->p->store, q->repo.id, q->command.number, clock_now_ms() - 3600 * 1000, &refused, &e) ==
	        0 &&
	    refused >= MAX_REFUSALS)
		reply = NULL;
	if (q->command.comment == 0) {
		answer_press(q, content, reply);
		return;
	}
	if (store_want_reaction(q->p->store, &to, q->command.comment, content, &e) != 0)
		log_err(LOG_ERROR, "command", &e);
	if (reply != NULL)
		answer(q, reply);
}

static const char help_text[] =
    "Commands, at the beginning of a line of a new comment (an edited one is not read):\n\n"
    "- `/ekaci status` says how far it is; `/ekaci help` this\n"
    "- `/ekaci explain ATTR...` says why attributes differ *(author, write access)*\n"
    "- `/ekaci cancel` stops what is under way *(author, write access)*\n"
    "- `/ekaci rebuild` tries again what failed; with `ATTR...` builds these once more, with `all` everything, and compares "
    "*(write access)*\n"
    "- `/ekaci eval` evaluates it whatever the rules say *(write access)*\n"
    "- `/ekaci approve [COMMIT]` lets the head that you looked at be evaluated and built; what is pushed later waits again "
    "*(write access)*\n"
    "- `/ekaci priority high|normal|low` builds it before, among or after others *(write access)*\n";

/* To a word that is no command; it is anybody's, so it is shown as code and not long. */
static const char *
unknown_text(struct asked *q)
{
	enum { SHOWN = 40 };
	const char *is = q->words.n > 0 ? q->words.p[0] : "", *meant = command_meant(is);
	AUTO(buf_release) struct buf out;

	buf_init(&out, 4096);
	escape_code(&out, str_utf8_head(str_of(is), SHOWN));
	buf_puts(&out, " is no command");
	if (meant != NULL)
		buf_printf(&out, ". Did you mean `/ekaci %s`? It is not done by itself: say it in a new comment.", meant);
	else
		buf_puts(&out, "; `/ekaci help` lists them.");
	return str_dup(&q->a, buf_get(&out));
}

static const char *
word(const struct asked *q, size_t i)
{
	return i < q->words.n ? q->words.p[i] : "";
}

static int
start_again(struct asked *q, bool approved, struct err *e)
{
	bool rebuild = strcmp(q->command.verb, "rebuild") == 0, ignore_rules = strcmp(q->command.verb, "eval") == 0;
	bool all = rebuild && strcasecmp(word(q, 0), "all") == 0;
	bool named = rebuild && !all && q->words.n > 0 && strcasecmp(word(q, 0), "failed") != 0;
	struct run newest = {0};
	int rc = store_run_of(q->p->store, &q->a, q->repo.id, q->command.number, false, &newest, e);

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
	return flow_start(q->flow, &wanted, e);
}

static int
set_priority(struct asked *q, struct err *e)
{
	static const char *const words[] = {"low", "normal", "high"};

	for (size_t i = 0; i < COUNT(words); i++) {
		if (strcasecmp(word(q, 0), words[i]) != 0)
			continue;
		obeying_react(q, "+1", NULL);
		flow_kick(q->flow);
		return store_pull_priority(q->p->store, q->repo.id, q->command.number, (int64_t)i - 1, e);
	}
	obeying_react(q, "confused", "`/ekaci priority` takes `high`, `normal` or `low`.");
	return 0;
}

bool
obeying_may(const struct asked *q)
{
	bool author = q->pr.author != NULL && strcasecmp(q->pr.author, q->command.login) == 0;
	bool triage = q->permission != NULL && strcmp(q->permission, "triage") == 0;

	if (triage && q->command.label != NULL && strcmp(q->command.verb, "approve") == 0)
		return strcmp(q->p->settings->pull_requests.label_approvers, "triage") == 0;

	return trust_may_write(q->permission) ||
	       (author && (strcmp(q->command.verb, "cancel") == 0 || strcmp(q->command.verb, "explain") == 0));
}

bool
obeying_gives_leave(const struct asked *q)
{
	return strcmp(q->command.verb, "approve") == 0 ||
	       (strcmp(q->command.verb, "rebuild") == 0 && q->words.n > 0 && strcasecmp(word(q, 0), "failed") != 0 &&
	           strcasecmp(word(q, 0), "all") != 0);
}

/* Why it gives leave to nothing, in *ret, for people: because it is not of the present head. NULL when it is. */
static int
misses_head(struct asked *q, const char **ret, struct err *e)
{
	bool approve = strcmp(q->command.verb, "approve") == 0;
	/* A label names no head: it is of the one that there was, where who set it could have looked at that. */
	bool label = q->command.label != NULL, same = !label || str_same(q->command.head, q->pr.head);
	struct approval is = {.head = same && label ? NULL : q->command.head, .said = q->command.said};
	struct run newest = {0};
	int rc = store_run_of(q->p->store, &q->a, q->repo.id, q->command.number, false, &newest, e);

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
		    "`%.10s` was pushed after this %s, or just before: who %s it cannot have "
		    "looked at it, so nothing of it is approved. %s",
		    head, label ? "label was set" : "comment was written", label ? "set" : "wrote", how);
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

/* True when it is of a head that is not the present one, which it gave leave to, or whose button it was: that is answered, and
 * nothing else is done. */
static int
refuse_unseen(struct asked *q, bool *ret, struct err *e)
{
	const char *why = NULL;

	if (obeying_gives_leave(q)) {
		if (misses_head(q, &why, e) != 0)
			return -1;
	} else if (q->command.head != NULL && !q->command.operator&& q->pr.head != NULL &&
	                                          strcmp(q->command.head, q->pr.head) != 0) {
		why = arena_printf(&q->a,
		    "`%.10s` is not the head of this pull request any more, which is `%.10s`: nothing was done.",
		    q->command.head, q->pr.head);
	}
	*ret = why != NULL;
	if (why == NULL)
		return 0;
	log_info("command %" PRId64 ": %s of %s for #%" PRId64 " is not of the present head", q->command.id, q->command.verb,
	    q->command.login, q->command.number);
	obeying_react(q, "confused", why);
	return 0;
}

int
obeying_take_label_off(const struct asked *q, struct err *e)
{
	struct desired_repository to = {q->repo.installation, q->repo.id, q->repo.owner, q->repo.name};

	return q->command.label == NULL
	           ? 0
	           : store_want_label_off(q->p->store, &to, q->command.number, q->command.label, q->command.id, e);
}

static int do_it(struct asked *q, const char **ret_outcome, struct err *e);

int
obeying_do(struct asked *q, const char **ret_outcome, struct err *e)
{
	return do_it(q, ret_outcome, e) != 0 ? -1 : obeying_take_label_off(q, e);
}

static int
do_it(struct asked *q, const char **ret_outcome, struct err *e)
{
	const char *verb = q->command.verb;
	bool unseen = false;
	int rc = 0;

	*ret_outcome = "done";
	if (strcmp(verb, "help") == 0) {
		obeying_react(q, "+1", help_text);
	} else if (strcmp(verb, "status") == 0) {
		struct situation_of of = {q->p, q->flow, &q->repo, &q->pr, q->command.number};
		obeying_react(q, "+1", situation_text(&q->a, &of));
	} else if (strcmp(verb, "unknown") == 0) {
		*ret_outcome = "unknown";
		obeying_react(q, "confused", unknown_text(q));
	} else if (strcmp(verb, "quota") == 0) {
		*ret_outcome = "quota";
		obeying_react(q, "-1", NULL);
	} else if (!obeying_may(q)) {
		*ret_outcome = "refused";
		bool over = quota_is_over(q->p, q->repo.id, q->command.login);
		obeying_react(q, "-1",
		    over ? NULL : arena_printf(&q->a, "`/ekaci %s` needs write access to this repository.", verb));
	} else if (strcmp(verb, "explain") == 0) {
		obeying_react(q, q->answer != NULL ? "+1" : "confused",
		    q->answer != NULL ? q->answer : "Which attribute? `/ekaci explain ATTR`");
	} else if (strcmp(verb, "priority") == 0) {
		rc = set_priority(q, e);
	} else if (!q->pr.open || q->closed) {
		*ret_outcome = "closed";
		obeying_react(q, "confused", "This pull request is closed.");
	} else if (strcmp(verb, "cancel") == 0) {
		if ((rc = refuse_unseen(q, &unseen, e)) != 0 || unseen) {
			*ret_outcome = "unseen";
			return rc;
		}
		rc = flow_cancel(q->flow, q->repo.id, q->command.number, NULL,
		    arena_printf(&q->a, "%s asked for it", q->command.login), e);
		obeying_react(q, "+1", NULL);
	} else if ((rc = refuse_unseen(q, &unseen, e)) != 0 || unseen) {
		*ret_outcome = "unseen";
	} else {
		bool approve = strcmp(verb, "approve") == 0;
		if (approve && q->pr.head != NULL)
			rc = store_pull_approve(q->p->store, q->repo.id, q->command.number, q->pr.head, e);
		if (rc == 0)
			rc = start_again(q, approve, e);
		obeying_react(q, "rocket", NULL);
	}
	return rc;
}
