/* The sender: starting, looking at the lanes, questions, figures. */
#include "forge/github/sender.h"

#include "forge/github/answer.h"
#include "forge/github/lane.h"
#include "forge/github/lists.h"
#include "forge/github/needs.h"
#include "forge/github/payload.h"
#include "forge/github/shape.h"
#include "forge/github/task_check.h"
#include "forge/github/task_reviewers.h"
#include "forge/github/task_status.h"
#include "forge/github/task_talk.h"
#include "store/desired.h"
#include "support/base/clock.h"
#include "support/base/log.h"
#include "support/text/json.h"
#include "support/text/metric.h"

#include <string.h>

enum { TRIES = 3 /* of a question */ };

struct github_sender {
	struct client client; /* first */
	struct lane *lanes;
};

static struct github_sender *
sender_of(struct client *c)
{
	return (struct github_sender *)(void *)c;
}

static struct client *
client_of(struct sender *s)
{
	return (struct client *)(void *)s;
}

static struct lane *
lane_of(struct client *c, int64_t installation)
{
	struct github_sender *s = sender_of(c);

	for (struct lane *lane = s->lanes; lane != NULL; lane = lane->next)
		if (lane->installation == installation)
			return lane;
	return s->lanes = lane_new(c, installation, s->lanes);
}

/* --- what is due --- */

static const struct {
	const char *name;
	const struct fields *wanted;
	void (*first)(struct task *t);
	enum token_purpose purpose;
} kinds[] = {
    {"check", &wish_check_fields, task_check, TOKEN_CHECK},
    {"comment", &wish_comment_fields, task_comment, TOKEN_TALK},
    {"labels", &wish_labels_fields, task_labels, TOKEN_TALK},
    {"reaction", &wish_reaction_fields, task_reaction, TOKEN_TALK},
    {"reply", &wish_comment_fields, task_reply, TOKEN_TALK},
    {"status", &wish_status_fields, task_status, TOKEN_STATUS},
    {"reviewers", &wish_reviewers_fields, task_reviewers, TOKEN_REVIEW},
};

/* Takes the first step of the row's kind, once its document is read. */
static void
begin(struct task *t)
{
	struct err e;
	size_t i = 0;

	while (i < COUNT(kinds) && strcmp(kinds[i].name, t->row.kind) != 0)
		i++;
	if (i == COUNT(kinds)) {
		(void)fail(&e, ERR_BUG, "nobody sends a %s", t->row.kind);
		task_never(t, &e);
	} else if (fields_read(kinds[i].wanted, &t->a, str_of(t->row.wanted), t->row.key, &t->wanted, &e) != 0) {
		task_never(t, &e);
	} else {
		t->purpose = kinds[i].purpose;
		kinds[i].first(t);
	}
}

static int
take(struct lane *lane, int64_t *held_ms, struct err *e)
{
	struct arena a = {0};
	struct desired row;
	enum urgency upto = URGENCY_PROGRESS;

	for (int64_t ms; upto > URGENCY_CONCLUSION && (ms = lane_wait_ms(lane, upto)) > 0; upto--)
		*held_ms = *held_ms < 0 || ms < *held_ms ? ms : *held_ms;
	int rc = store_desired_next(lane->s->store, &a, lane->installation, clock_now_ms(), upto, &row, e);
	if (rc == 0)
		begin(task_new(lane, &row, &a));
	arena_release(&a);
	return rc;
}

static void
drop_idle(struct github_sender *s)
{
	for (struct lane **at = &s->lanes; *at != NULL;) {
		struct lane *lane = *at;
		if (!lane_is_idle(lane)) {
			at = &lane->next;
			continue;
		}
		*at = lane->next;
		lane_free(lane);
	}
}

static int64_t
due_in(const struct desired_due *due, size_t n, int64_t installation, int64_t now_ms)
{
	for (size_t i = 0; i < n; i++)
		if (due[i].installation == installation)
			return due[i].at_ms > now_ms ? due[i].at_ms - now_ms : 0;
	return -1;
}

static void
on_timer(void *ctx)
{
	struct client *s = ctx;
	struct arena a = {0};
	struct desired_due *due = NULL;
	size_t n = 0;
	struct err e;
	int64_t wake = -1, now = clock_now_ms();

	if (store_desired_due(s->store, &a, s->sender.host, &due, &n, &e) != 0) {
		log_err(LOG_ERROR, "sending", &e);
		wake = s->delays.first_retry_ms;
	}
	drop_idle(sender_of(s));
	for (size_t i = 0; i < n; i++)
		(void)lane_of(s, due[i].installation);
	/* What lanes do may ask for us at once: that is not put off below. */
	s->woken = false;
	for (struct lane *lane = sender_of(s)->lanes; lane != NULL; lane = lane->next) {
		int64_t ms = lane_go(lane, due_in(due, n, lane->installation, now));
		if (ms >= 0 && (wake < 0 || ms < wake))
			wake = ms;
	}
	if (wake >= 0 && !s->woken)
		loop_timer_set(s->timer, wake);
	arena_release(&a);
}

void
github_kick(struct sender *s)
{
	client_wake(client_of(s));
}

/* --- starting and stopping --- */

static void
trouble(struct client *s, const char *what)
{
	log_warn("the App %s: %s", s->at, what);
	list_add(&s->troubles_a, &s->troubles,
	    s->sender.host == 0 ? arena_strdup(&s->troubles_a, what) : arena_printf(&s->troubles_a, "%s: %s", s->at, what));
}

/* An App without a webhook is no trouble of ours: `ekaci check-config --online` says it. */
static void
on_hook(void *ctx, const struct http_answer *answer)
{
	struct client *s = ctx;
	AUTO(json_drop) json_t *config = NULL;
	struct arena a = {0};
	struct texts wrong = {0}, notes = {0};
	struct err ignored;

	if (answer->status == 200 && json_read(answer->body, "the webhook", &config, &ignored) == 0 &&
	    json_text(config, "url").n > 0)
		needs_hook(&a, config, s->hook_url, &wrong, &notes);
	for (size_t i = 0; i < wrong.n; i++)
		trouble(s, wrong.p[i]);
	arena_release(&a);
}

static void
ask_hook(struct client *s)
{
	struct arena a = {0};
	const char *authorization;
	struct err e;

	if (tokens_app_authorization(s->tokens, &a, &authorization, &e) == 0) {
		struct http_request r = {.method = "GET",
		    .url = arena_printf(&a, "%s/app/hook/config", s->api_url),
		    .authorization = authorization};
		s->figures.requests++;
		http_send(s->http, &r, on_hook, s);
	}
	arena_release(&a);
}

static void
on_known(void *ctx, const struct err *e)
{
	struct client *s = ctx;

	if (s->stopping)
		return;
	if (e->kind != ERR_NONE) {
		struct arena a = {0};
		log_err(e->kind == ERR_DENIED ? LOG_ERROR : LOG_WARN, arena_printf(&a, "the App %s", s->at), e);
		arena_release(&a);
		return;
	}
	log_info("GitHub knows us as the App %s (%lld)%s%s", tokens_app_slug(s->tokens),
	    (long long)tokens_app_number(s->tokens), s->sender.host != 0 ? ", " : "", s->sender.host != 0 ? s->at : "");
	arena_clear(&s->troubles_a);
	s->troubles = (struct texts){0};
	if (tokens_app_lacks(s->tokens) != NULL)
		trouble(s, tokens_app_lacks(s->tokens));
	ask_hook(s);
}

void
github_look(struct sender *sender)
{
	struct client *s = client_of(sender);

	tokens_forget_app(s->tokens);
	tokens_identify(s->tokens, on_known, s);
}

void
github_troubles(struct sender *sender, struct buf *out)
{
	const struct client *s = client_of(sender);

	for (size_t i = 0; i < s->troubles.n; i++)
		buf_printf(out, "%s\n", s->troubles.p[i]);
}

int
github_start(struct loop *l, struct store *store, const struct settings *settings, struct sender **ret, struct err *e)
{
	struct github_sender *all = mem_alloc(sizeof(*all));
	struct client *s = &all->client;
	struct str url = str_of(settings->github.api_url);

	*s = (struct client){.l = l, .store = store, .take = take, .lane = lane_of};
	s->delays = (struct send_delays){.between_writes_ms = 1000,
	    .writes_at_once = 30,
	    .progress_at_once = 4,
	    .first_retry_ms = 1000,
	    .longest_retry_ms = 300000,
	    .settle_ms = 11000,
	    .writes_a_minute = BUDGET_A_MINUTE,
	    .writes_an_hour = BUDGET_AN_HOUR,
	    .progress_ms = 10000,
	    .lag_ms = 120000,
	    .look_ms = 30000,
	    .limited_ms = 60000};
	while (str_ends(url, STR("/")))
		url.n--;
	s->api_url = str_dup(&s->a, url);
	if (settings->github.app_id == NULL || settings->github.private_key_file == NULL) {
		(void)fail(e, ERR_INPUT, "[github] app_id and private_key_file are needed");
		goto failed;
	}
	if (!http_same_origin(s->api_url, s->api_url)) {
		(void)fail(e, ERR_INPUT, "[github] api_url is no http or https URL: %s", s->api_url);
		goto failed;
	}
	if (jwt_key_read(settings->github.private_key_file, &s->key, e) != 0 ||
	    http_new(l, settings->network.ca_file, &s->http, e) != 0)
		goto failed;
	s->hook_url = needs_hook_url(&s->a, settings->web.url, settings->github.name);
	s->at = settings->github.number != 0 ? arena_printf(&s->a, "at \"%s\" (%s)", settings->github.name, s->api_url)
	                                     : "at GitHub";
	s->sender.host = settings->github.number;
	s->tokens = tokens_new(l, s->http, s->api_url, settings->github.app_id, s->key);
	s->timer = loop_timer_new(l, "sender", on_timer, s);
	tokens_identify(s->tokens, on_known, s);
	client_wake(s);
	*ret = &s->sender;
	return 0;
failed:
	jwt_key_free(s->key);
	arena_release(&s->a);
	mem_free(&all);
	return -1;
}

void
github_stop(struct sender *sender)
{
	struct client *c = client_of(sender);
	struct github_sender *s = sender_of(c);

	c->stopping = true;
	lists_stop(c);
	http_free(c->http);
	tokens_free(c->tokens);
	while (s->lanes != NULL) {
		struct lane *lane = s->lanes;
		struct task *task = lane->task;
		s->lanes = lane->next;
		lane_free(lane);
		task_free(task);
	}
	loop_timer_free(c->timer);
	jwt_key_free(c->key);
	arena_release(&c->troubles_a);
	arena_release(&c->a);
	mem_free(&s);
}

void
send_set_delays(struct sender *sender, const struct send_delays *d)
{
	struct client *s = client_of(sender);

	s->delays = *d;
	client_wake(s);
}

/* --- questions --- */

/* What is asked; its answer goes to its function. */
struct question {
	struct api_call call;
	struct client *s;
	int64_t installation, repository;
	struct arena a;
	int tries;
	void (*told)(struct question *q, const json_t *body, const struct err *why); /* once, or asks anew */
	bool asked_anew;
	bool plain;       /* a 404 is an answer: nobody has just made what is asked for */
	const char *team; /* its address, below the API's */
	send_pull_fn *pull_fn;
	send_text_fn *text_fn;
	void *ctx;
};

static void
tell_pull(struct question *q, const json_t *body, const struct err *why)
{
	struct event_pull pull;
	struct err e;

	if (why == NULL && payload_pull(&q->a, body, &pull, &e) != 0)
		why = &e;
	q->pull_fn(q->ctx, why == NULL ? &pull : NULL, why);
}

static void
tell_permission(struct question *q, const json_t *body, const struct err *e)
{
	const char *is = json_str(body, "permission", "none");

	/* Not a collaborator, or no such account. */
	if (e != NULL && e->kind == ERR_ABSENT)
		q->text_fn(q->ctx, "none", NULL);
	else if (e == NULL && strcmp(is, "read") == 0 && strcmp(json_str(body, "role_name", ""), "triage") == 0)
		q->text_fn(q->ctx, "triage", NULL);
	else
		q->text_fn(q->ctx, e == NULL ? is : NULL, e);
}

static void ask(struct question *q, const char *path);

/* Of who is no member there is no membership. */
static void
tell_team(struct question *q, const json_t *body, const struct err *e)
{
	(void)body;
	q->text_fn(q->ctx, e == NULL ? "none" : NULL, e);
}

/* No membership, and no team that we may see, are the same answer: the team itself tells them apart. */
static void
tell_member(struct question *q, const json_t *body, const struct err *e)
{
	if (e != NULL && e->kind == ERR_ABSENT) {
		q->told = tell_team;
		q->asked_anew = true;
		ask(q, q->team);
		return;
	}
	q->text_fn(q->ctx, e != NULL ? NULL : strcmp(json_str(body, "state", ""), "active") == 0 ? "member" : "none", e);
}

static void
question_end(struct question *q, const json_t *body, const struct err *e)
{
	q->asked_anew = false;
	q->told(q, body, e);
	if (q->asked_anew)
		return;
	arena_release(&q->a);
	mem_free(&q);
}

/* What a machine that lags says of what another one was told a moment ago is no answer: of a no there are two. */
static bool
is_worth_a_try(const struct question *q, enum answer_class class, const struct err *e)
{
	if (class == ANSWER_GONE && q->plain)
		return false;
	if (class == ANSWER_GONE || (class == ANSWER_REFUSED && q->tries == 0))
		return q->tries == 0;
	if (class == ANSWER_BROKEN && e->kind == ERR_INPUT) /* of who gives tokens */
		return q->tries == 0 && !q->plain;
	return class == ANSWER_BROKEN && e->kind != ERR_ABSENT && e->kind != ERR_DENIED;
}

static void
on_question(void *ctx, const struct http_answer *answer)
{
	struct question *q = ctx;
	AUTO(json_drop) json_t *body = NULL;
	enum answer_class class = answer_class(answer);
	struct err e;

	if (class == ANSWER_GOOD) {
		bool ok = json_read(answer->body, "GitHub's answer", &body, &e) == 0;
		question_end(q, body, ok ? NULL : &e);
		return;
	}
	answer_error(answer, &e);
	if (is_worth_a_try(q, class, &e) && ++q->tries < TRIES && !q->s->stopping) {
		q->call.again = false;
		/* What hangs lets others go first. */
		int64_t first_ms = (answer->status == 0 ? 4 : 1) * q->s->delays.first_retry_ms;
		q->call.not_before = clock_mono_ms() + client_backoff(first_ms, q->s->delays.longest_retry_ms, q->tries - 1);
		lane_plain(lane_of(q->s, q->installation), &q->call);
		return;
	}
	if (e.kind == ERR_SYSTEM)
		e.kind = ERR_BUSY;
	question_end(q, NULL, &e);
}

static struct question *
question_new(struct sender *s, int64_t installation, int64_t repository, void *ctx)
{
	struct question *q = mem_alloc(sizeof(*q));

	*q = (struct question){.s = client_of(s), .installation = installation, .repository = repository, .ctx = ctx};
	return q;
}

static void
ask(struct question *q, const char *path)
{
	q->call = (struct api_call){.method = "GET",
	    .url = arena_printf(&q->a, "%s%s", q->s->api_url, path),
	    .repository = q->repository,
	    .purpose = q->team != NULL ? TOKEN_TEAM : TOKEN_READ,
	    .done = on_question,
	    .ctx = q};
	lane_plain(lane_of(q->s, q->installation), &q->call);
}

void
github_pull(struct sender *s, int64_t installation, int64_t repository, const char *owner, const char *repo, int64_t number,
    send_pull_fn *fn, void *ctx)
{
	struct question *q = question_new(s, installation, repository, ctx);

	q->told = tell_pull;
	q->pull_fn = fn;
	ask(q,
	    arena_printf(&q->a, "/repos/%s/%s/pulls/%lld", shape_url(&q->a, owner), shape_url(&q->a, repo), (long long)number));
}

void
github_permission(struct sender *s, int64_t installation, int64_t repository, const char *owner, const char *repo,
    const char *login, send_text_fn *fn, void *ctx)
{
	struct question *q = question_new(s, installation, repository, ctx);

	q->told = tell_permission;
	q->text_fn = fn;
	ask(q, arena_printf(&q->a, "/repos/%s/%s/collaborators/%s/permission", shape_url(&q->a, owner), shape_url(&q->a, repo),
	           shape_url(&q->a, login)));
}

void
github_team(struct sender *s, int64_t installation, const char *team, const char *login, send_text_fn *fn, void *ctx)
{
	struct question *q = question_new(s, installation, 0, ctx);
	struct str name, org = str_cut(str_of(team), '/', &name);

	q->told = tell_member;
	q->text_fn = fn;
	q->plain = true;
	q->team = arena_printf(&q->a, "/orgs/%s/teams/%s", shape_url(&q->a, str_dup(&q->a, org)),
	    shape_url(&q->a, str_dup(&q->a, name)));
	ask(q, arena_printf(&q->a, "%s/memberships/%s", q->team, shape_url(&q->a, login)));
}

struct git_question {
	send_text_fn *fn;
	void *ctx;
};

static void
on_git_token(void *ctx, const char *token, const struct err *e)
{
	struct git_question *g = ctx;
	struct arena a = {0};

	if (e == NULL) {
		const char *pair = arena_printf(&a, "x-access-token:%s", token);
		g->fn(g->ctx, arena_printf(&a, "Basic %s", jwt_base64(&a, pair, strlen(pair))), NULL);
	} else {
		struct err why = *e;
		/* What the installation does not have it may have in a moment. */
		why.kind = why.kind == ERR_INPUT ? ERR_ABSENT : why.kind;
		g->fn(g->ctx, NULL, &why);
	}
	arena_release(&a);
	mem_free(&g);
}

void
github_git_authorization(struct sender *s, int64_t installation, int64_t repository, send_text_fn *fn, void *ctx)
{
	struct git_question *g = mem_alloc(sizeof(*g));

	*g = (struct git_question){fn, ctx};
	tokens_get(client_of(s)->tokens, &(struct token_wanted){installation, repository, TOKEN_CODE}, on_git_token, g);
}

void
github_git_refused(struct sender *s, int64_t installation, int64_t repository)
{
	tokens_drop(client_of(s)->tokens, &(struct token_wanted){installation, repository, TOKEN_CODE}, NULL);
}

void
github_changed(struct sender *s, int64_t installation)
{
	tokens_drop_all(client_of(s)->tokens, installation);
	client_wake(client_of(s));
}

bool
github_was_away(struct sender *sender)
{
	struct client *s = client_of(sender);
	bool was = s->was_away;

	s->was_away = false;
	return was;
}

/* --- figures --- */

/* What is counted anew by each is added up, and of what is least or most that of the worst. */
static void
add_figures(struct send_figures *all, const struct send_figures *f)
{
	all->requests += f->requests;
	all->good += f->good;
	all->refused += f->refused;
	all->unauthorised += f->unauthorised;
	all->limited += f->limited;
	all->broken += f->broken;
	all->unreachable += f->unreachable;
	all->tokens += f->tokens;
	all->token_failures += f->token_failures;
	all->blocked += f->blocked;
	if (f->rate_remaining >= 0 && (all->rate_remaining < 0 || f->rate_remaining < all->rate_remaining))
		all->rate_remaining = f->rate_remaining;
	all->writes = f->writes > all->writes ? f->writes : all->writes;
}

int
send_figures(struct sender *sender, struct send_figures *ret, struct err *e)
{
	struct client *s = client_of(sender);
	struct send_figures f = s->figures;
	struct desired_figures d;
	int64_t now = clock_mono_ms();

	if (store_desired_figures(s->store, &d, e) != 0)
		return -1;
	f.tokens = tokens_minted(s->tokens);
	f.token_failures = tokens_failed(s->tokens);
	f.rate_remaining = -1;
	for (const struct lane *lane = sender_of(s)->lanes; lane != NULL; lane = lane->next) {
		if (lane->rate_remaining >= 0 && (f.rate_remaining < 0 || lane->rate_remaining < f.rate_remaining))
			f.rate_remaining = lane->rate_remaining;
		f.blocked += lane->blocked_until > now;
		int64_t writes = (int64_t)budget_used(&lane->budget, clock_now_ms());
		f.writes = writes > f.writes ? writes : f.writes;
	}
	f.queue = d.open;
	f.oldest_ms = d.oldest_ms > 0 ? clock_now_ms() - d.oldest_ms : 0;
	f.in_doubt = d.in_doubt;
	f.given_up = d.given_up;
	f.parked = d.parked;
	*ret = f;
	return 0;
}

int64_t
github_room(struct sender *s, int64_t installation)
{
	return budget_room(&lane_of(client_of(s), installation)->budget, clock_now_ms());
}

void
github_metrics(struct sender *s, struct buf *out)
{
	struct send_figures f;
	struct err e;

	if (send_figures(s, &f, &e) != 0)
		return;
	for (struct sender *other = s->next; other != NULL; other = other->next) {
		struct send_figures more;
		if (other->forge == s->forge && send_figures(other, &more, &e) == 0)
			add_figures(&f, &more);
	}
	const struct {
		enum metric_id metric;
		int64_t value;
	} all[] = {
	    {METRIC_GITHUB_REQUESTS, f.requests},
	    {METRIC_GITHUB_REFUSED, f.refused},
	    {METRIC_GITHUB_LIMITED, f.limited},
	    {METRIC_GITHUB_BROKEN, f.broken},
	    {METRIC_GITHUB_UNREACHABLE, f.unreachable},
	    {METRIC_GITHUB_REMAINING, f.rate_remaining},
	    {METRIC_GITHUB_WRITES, f.writes},
	    {METRIC_GITHUB_BLOCKED, f.blocked},
	    {METRIC_SEND_QUEUE, f.queue},
	    {METRIC_SEND_GIVEN_UP, f.given_up},
	    {METRIC_SEND_PARKED, f.parked},
	};
	for (size_t i = 0; i < COUNT(all); i++)
		metric_one(out, all[i].metric, all[i].value);
	metric_one_seconds(out, METRIC_SEND_OLDEST, f.oldest_ms * 1000000);
}
