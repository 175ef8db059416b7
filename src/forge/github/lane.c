/* One installation: one request at a time, at GitHub's pace. */
#include "forge/github/lane.h"

#include "forge/github/answer.h"
#include "store/hosts.h"
#include "store/pace.h"
#include "support/base/clock.h"
#include "support/base/log.h"
#include "support/text/json.h"

#include <string.h>

enum {
	LONGEST_BLOCK_MS = 61 * 60 * 1000, /* a primary limit lasts an hour at most */
	UNREACHABLE_MS = 60 * 1000,        /* the longest pause before we see whether GitHub can be reached again */
	TIMEOUT_MS = 12 * 1000,            /* GitHub ends any request after 10 s: one that hangs must not hold up the others */
	PATIENCE_MS = 30 * 1000,           /* a question does not wait longer for a blocked lane */
	AWAY = 5,                          /* such answers in a row are an outage */
	MAX_PLAIN = 1000,                  /* questions waiting in a lane */
	SHARE_OF_PROGRESS = 5,             /* below a fifth of the requests no progress is told, and below */
	SHARE_KEPT = 10                    /* a tenth nothing but conclusions and answers */
};

static bool
is_write(const struct api_call *c)
{
	return strcmp(c->method, "GET") != 0;
}

/* --- pace --- */

/* A write may come so much before its time: some at once after a quiet while, one a second in the long run. */
static int64_t
lane_burst_ms(const struct lane *lane, bool progress)
{
	const struct send_delays *d = &lane->s->delays;

	return ((progress ? d->progress_at_once : d->writes_at_once) - 1) * d->between_writes_ms;
}

/* Until GitHub gives new requests, where fewer are left than a share of all. */
static int64_t
short_of_requests_ms(const struct lane *lane, int64_t share)
{
	bool runs_short = lane->rate_remaining >= 0 && lane->rate_remaining < lane->rate_limit / share;
	int64_t ms = lane->rate_reset - clock_mono_ms();

	return runs_short && ms > 0 ? ms : 0;
}

int64_t
lane_wait_ms(const struct lane *lane, enum urgency urgency)
{
	if (urgency < URGENCY_FIRST)
		return 0;
	if (urgency == URGENCY_FIRST)
		return short_of_requests_ms(lane, SHARE_KEPT);
	int64_t requests = short_of_requests_ms(lane, SHARE_OF_PROGRESS);
	int64_t writes = budget_wait_ms(&lane->budget, true, clock_now_ms());
	int64_t turn = lane->next_write - lane_burst_ms(lane, true) - clock_mono_ms();
	int64_t ms = requests > writes ? requests : writes;

	return turn > ms ? turn : ms;
}

void
lane_block(struct lane *lane, int64_t ms)
{
	int64_t until = clock_mono_ms() + (ms < LONGEST_BLOCK_MS ? ms : LONGEST_BLOCK_MS);

	if (until > lane->blocked_until)
		lane->blocked_until = until;
}

/* GitHub told us to wait: also the next one of us, if we are killed. */
static void
told_to_wait(struct lane *lane, int64_t ms)
{
	struct err e;

	lane_block(lane, ms);
	if (store_pace_wait(lane->s->store, lane->installation, clock_now_ms() + lane->blocked_until - clock_mono_ms(), &e) !=
	    0)
		log_err(LOG_ERROR, "sending", &e);
}

static void
note_write(struct lane *lane)
{
	int64_t now = clock_mono_ms(), at = clock_now_ms();
	struct err e;

	lane->next_write = (lane->next_write > now ? lane->next_write : now) + lane->s->delays.between_writes_ms;
	budget_spend(&lane->budget, at);
	if (store_pace_wrote(lane->s->store, lane->installation, at, budget_oldest_ms(at), &e) != 0)
		log_err(LOG_ERROR, "sending", &e);
}

/* What those who were here before us left. */
static void
recall(struct lane *lane)
{
	int64_t until = 0, now = clock_now_ms();
	struct err e;

	if (store_pace_until(lane->s->store, lane->installation, &until, &e) != 0 ||
	    store_pace_writes(lane->s->store, lane->installation, COUNT(lane->budget.at), lane->budget.at, &lane->budget.n,
	        &e) != 0)
		log_err(LOG_ERROR, "sending", &e);
	if (until > now)
		lane_block(lane, until - now);
}

/* How long until the limit is reset; by GitHub's own clock, as ours may differ. */
static int64_t
until_reset_ms(const struct http_answer *answer)
{
	int64_t now_s = answer->date_s > 0 ? answer->date_s : clock_now_ms() / 1000;

	return answer->rate_reset_s > now_s ? (answer->rate_reset_s - now_s + 1) * 1000 : 1000;
}

/* Nobody gets through: the other rows of this installation need not find out one by one. */
static void
note_unreachable(struct lane *lane, const struct err *e)
{
	if (e->kind == ERR_SYSTEM || e->kind == ERR_BUSY || e->kind == ERR_DENIED)
		lane_block(lane, client_backoff(lane->s->delays.first_retry_ms, UNREACHABLE_MS, lane->unreachable++));
}

static void
note_pace(struct lane *lane, const struct http_answer *answer)
{
	enum answer_class class = answer_class(answer);

	if (class == ANSWER_BROKEN) {
		lane->away++;
	} else {
		lane->s->was_away |= lane->away >= AWAY;
		lane->away = 0;
	}
	if (answer->status == 0) {
		note_unreachable(lane, &answer->e);
		return;
	}
	lane->unreachable = 0;
	if (answer->rate_remaining >= 0 && answer->rate_limit > 0 && answer->rate_reset_s >= 0) {
		lane->rate_remaining = answer->rate_remaining;
		lane->rate_limit = answer->rate_limit;
		lane->rate_reset = clock_mono_ms() + until_reset_ms(answer);
	}
	if (class == ANSWER_LIMITED) {
		int64_t ms = client_backoff(lane->s->delays.limited_ms, 15 * lane->s->delays.limited_ms, lane->limited);
		if (answer->retry_after_s >= 0)
			ms = (answer->retry_after_s < 86400 ? answer->retry_after_s : 86400) * 1000 + 1;
		else if (answer->rate_remaining == 0 && answer->rate_reset_s >= 0)
			ms = until_reset_ms(answer);
		lane->limited++;
		told_to_wait(lane, ms);
		log_warn("GitHub limits installation %lld: waiting %lld s", (long long)host_theirs(lane->installation),
		    (long long)((lane->blocked_until - clock_mono_ms() + 999) / 1000));
		return;
	}
	if (class == ANSWER_GOOD)
		lane->limited = 0;
	if (answer->rate_remaining == 0 && answer->rate_reset_s >= 0)
		told_to_wait(lane, until_reset_ms(answer));
}

static void
count(struct client *s, const struct http_answer *answer)
{
	s->figures.requests++;
	if (answer->status == 0)
		s->figures.unreachable++;
	else
		switch (answer_class(answer)) {
		case ANSWER_GOOD: s->figures.good++; break;
		case ANSWER_GONE:
		case ANSWER_REFUSED: s->figures.refused++; break;
		case ANSWER_UNAUTHORISED: s->figures.unauthorised++; break;
		case ANSWER_LIMITED: s->figures.limited++; break;
		case ANSWER_BROKEN: s->figures.broken++; break;
		}
}

/* --- one call --- */

static void fly(struct lane *lane);

static struct token_wanted
wanted_of(const struct lane *lane)
{
	return (struct token_wanted){lane->installation, lane->flying->repository, lane->flying->purpose};
}

static void
drop_token(struct lane *lane)
{
	if (lane->token != NULL)
		explicit_bzero(lane->token, strlen(lane->token));
	mem_free(&lane->token);
}

static void
land(struct lane *lane, const struct http_answer *answer)
{
	struct api_call *c = lane->flying;

	lane->flying = NULL;
	drop_token(lane);
	if (is_write(c))
		note_write(lane);
	client_wake(lane->s);
	c->done(c->ctx, answer);
}

static void
on_answer(void *ctx, const struct http_answer *answer)
{
	struct lane *lane = ctx;
	struct client *s = lane->s;

	count(s, answer);
	note_pace(lane, answer);
	if (answer->status == 401) {
		const struct token_wanted of = wanted_of(lane);
		tokens_drop(s->tokens, &of, lane->token);
		if (!lane->flying->again) {
			lane->flying->again = true;
			drop_token(lane);
			fly(lane);
			return;
		}
	}
	land(lane, answer);
}

static void
on_token(void *ctx, const char *token, const struct err *e)
{
	struct lane *lane = ctx;
	struct arena a = {0};

	if (e != NULL) {
		struct http_answer none;
		http_answer_init(&none);
		none.e = *e;
		note_unreachable(lane, e);
		land(lane, &none);
		return;
	}
	lane->token = mem_strdup(token);
	struct http_request r = {.method = lane->flying->method,
	    .url = lane->flying->url,
	    .authorization = arena_printf(&a, "Bearer %s", token),
	    .tag = lane->flying->tag,
	    .body = lane->flying->body,
	    .timeout_ms = TIMEOUT_MS};
	http_send(lane->s->http, &r, on_answer, lane);
	arena_release(&a);
}

static void
fly(struct lane *lane)
{
	const struct token_wanted of = wanted_of(lane);

	tokens_get(lane->s->tokens, &of, on_token, lane);
}

/* --- the lane --- */

struct lane *
lane_new(struct client *s, int64_t installation, struct lane *next)
{
	struct lane *lane = mem_alloc(sizeof(*lane));

	*lane = (struct lane){.s = s, .installation = installation, .rate_remaining = -1, .next = next};
	lane->budget.a_minute = (size_t)s->delays.writes_a_minute;
	lane->budget.an_hour = (size_t)s->delays.writes_an_hour;
	recall(lane);
	return lane;
}

bool
lane_is_idle(const struct lane *lane)
{
	int64_t now = clock_mono_ms();

	return lane->flying == NULL && lane->plain == NULL && lane->task == NULL && lane->blocked_until <= now &&
	       lane->next_write <= now && lane->limited == 0 && lane->unreachable == 0 && lane->rate_remaining < 0;
}

void
lane_plain(struct lane *lane, struct api_call *c)
{
	struct api_call **at = &lane->plain;

	while (*at != NULL)
		at = &(*at)->next;
	c->next = NULL;
	*at = c;
	lane->n_plain++;
	client_wake(lane->s);
}

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < 0 ? b : b < 0 ? a : a < b ? a : b;
}

/* A question that may be asked now, taken off its list; *wake is when there may be one. */
static struct api_call *
take_plain(struct lane *lane, int64_t now, int64_t *wake)
{
	int64_t blocked_ms = lane->blocked_until - now;

	for (struct api_call **at = &lane->plain; *at != NULL; at = &(*at)->next) {
		struct api_call *c = *at;
		bool refuse = blocked_ms > PATIENCE_MS || lane->n_plain > MAX_PLAIN ||
		              (c->background && short_of_requests_ms(lane, SHARE_KEPT) > 0);
		int64_t wait = c->not_before > now ? c->not_before - now : 0;
		wait = blocked_ms > wait ? blocked_ms : wait;
		if (wait > 0 && !refuse) {
			*wake = earlier(*wake, wait);
			continue;
		}
		*at = c->next;
		lane->n_plain--;
		if (!refuse)
			return c;
		struct http_answer none;
		http_answer_init(&none);
		(void)fail(&none.e, ERR_BUSY, "GitHub limits us or cannot be reached");
		c->done(c->ctx, &none);
		*wake = 0;
		return NULL;
	}
	return NULL;
}

/* Takes the next row up; false when there is none, or *wake says when. */
static bool
take_row(struct lane *lane, int64_t *wake)
{
	struct err e;
	int64_t held_ms = -1;
	int rc = lane->s->take(lane, &held_ms, &e);

	if (rc < 0) {
		log_err(LOG_ERROR, "sending", &e);
		*wake = earlier(*wake, lane->s->delays.first_retry_ms);
	}
	if (rc > 0)
		*wake = earlier(*wake, held_ms);
	return rc == 0;
}

int64_t
lane_go(struct lane *lane, int64_t due_ms)
{
	int64_t now = clock_mono_ms(), wake = -1, wait;
	struct api_call *c;

	if (lane->flying != NULL)
		return -1;
	c = take_plain(lane, now, &wake);
	if (c == NULL && lane->task == NULL && due_ms >= 0) {
		wait = lane->blocked_until > now ? lane->blocked_until - now : 0;
		wait = due_ms > wait ? due_ms : wait;
		if (wait > 0)
			return earlier(wake, wait);
		if (!take_row(lane, &wake))
			return wake;
	}
	if (c == NULL && lane->task_call != NULL) {
		int64_t at = now;
		if (is_write(lane->task_call)) {
			int64_t room = now + budget_wait_ms(&lane->budget, false, clock_now_ms());
			at = lane->next_write - lane_burst_ms(lane, false);
			at = room > at ? room : at;
		}
		at = lane->blocked_until > at ? lane->blocked_until : at;
		at = lane->task_call->not_before > at ? lane->task_call->not_before : at;
		if (at > now)
			return earlier(wake, at - now);
		c = lane->task_call;
		lane->task_call = NULL;
	}
	if (c == NULL)
		return wake;
	lane->flying = c;
	fly(lane);
	return -1;
}

void
lane_free(struct lane *lane)
{
	struct http_answer none;
	struct api_call *c = lane->plain;

	drop_token(lane);
	http_answer_init(&none);
	(void)fail(&none.e, ERR_BUSY, "ekaci stops");
	while (c != NULL) {
		struct api_call *next = c->next;
		c->done(c->ctx, &none);
		c = next;
	}
	/* The call of a task goes with it; a question under way is told. */
	if (lane->flying != NULL && (lane->task == NULL || lane->flying->ctx != lane->task))
		lane->flying->done(lane->flying->ctx, &none);
	mem_free(&lane);
}
