/* The cache of installation tokens. */
#include "forge/github/token.h"

#include "forge/github/needs.h"
#include "store/hosts.h"
#include "support/base/clock.h"
#include "support/base/log.h"
#include "support/text/json.h"

#include <string.h>

enum {
	RENEW_MS = 5 * 60 * 1000,
	LIFE_MS = 60 * 60 * 1000,   /* where GitHub's answer does not say */
	REFUSED_MS = 30 * 1000,     /* a refusal is believed this long */
	NARROW_MS = 5 * 1000,       /* that of a repository or a permission: its machines lag behind each other */
	MAX_TOKENS = 4096,          /* some 3 MB; over it the ones least lately used go */
	MAX_TOKEN_BYTES = 64 * 1024 /* longer than any header GitHub itself takes */
};

/* What each purpose asks for; where the first is not granted, the next. GitHub adds metadata by itself. */
enum { MAX_WAYS = 3 };
static const char *const permissions[][MAX_WAYS] = {
    [TOKEN_READ] = {"\"contents\":\"read\",\"pull_requests\":\"read\""},
    [TOKEN_CODE] = {"\"contents\":\"read\""},
    [TOKEN_CHECK] = {"\"checks\":\"write\""},
    [TOKEN_STATUS] = {"\"statuses\":\"write\""},
    [TOKEN_REVIEW] = {"\"pull_requests\":\"write\""},
    [TOKEN_TEAM] = {"\"members\":\"read\""},
    [TOKEN_TALK] = {"\"issues\":\"write\",\"pull_requests\":\"write\"", "\"pull_requests\":\"write\"", "\"issues\":\"write\""},
};

struct waiter {
	struct waiter *next;
	token_fn *fn;
	void *ctx;
};

struct token {
	struct tokens *t;
	struct token *next;
	struct token_wanted of;
	size_t way;            /* of permissions */
	char *text;            /* NULL: none */
	int64_t good_until_ms; /* by clock_mono_ms */
	int64_t used_ms;
	bool minting;
	struct err refused; /* kind ERR_NONE: not refused */
	int64_t refused_until_ms;
	struct waiter *waiters, **last_waiter;
};

struct identity_waiter {
	struct identity_waiter *next;
	void (*fn)(void *ctx, const struct err *e);
	void *ctx;
};

struct tokens {
	struct http *h;
	const char *api_url, *app_id;
	const struct jwt_key *key;
	struct loop_timer *flush; /* answers those whose token is there already */
	struct token *all;
	size_t n;
	int64_t minted, failed;
	struct identity_waiter *identity_waiters;
	bool identifying;
	int64_t app_number;
	char *app_slug, *app_lacks;
};

static void
answer_waiters(struct token *k, const struct err *e)
{
	/* Taken off first: a callback may ask again. */
	struct waiter *w = k->waiters;

	k->waiters = NULL;
	k->last_waiter = &k->waiters;
	while (w != NULL) {
		struct waiter *next = w->next;
		w->fn(w->ctx, e == NULL ? k->text : NULL, e);
		mem_free(&w);
		w = next;
	}
}

static void
token_free(struct token *k)
{
	if (k->text != NULL)
		explicit_bzero(k->text, strlen(k->text));
	mem_free(&k->text);
	mem_free(&k);
}

static bool
is_good(const struct token *k)
{
	return k->text != NULL && clock_mono_ms() < k->good_until_ms;
}

static bool
is_refused(const struct token *k)
{
	return k->refused.kind != ERR_NONE && clock_mono_ms() < k->refused_until_ms;
}

static void mint(struct token *k);

static void
on_flush(void *ctx)
{
	struct tokens *t = ctx;
	struct token *k = t->all;

	while (k != NULL) {
		struct err e = k->refused;
		if (k->waiters == NULL || k->minting) {
			k = k->next;
			continue;
		}
		if (is_refused(k))
			answer_waiters(k, &e);
		else if (is_good(k))
			answer_waiters(k, NULL);
		else
			mint(k);
		k = t->all; /* a callback may have changed the list */
	}
}

struct tokens *
tokens_new(struct loop *l, struct http *h, const char *api_url, const char *app_id, const struct jwt_key *key)
{
	struct tokens *t = mem_alloc(sizeof(*t));

	*t = (struct tokens){.h = h, .api_url = api_url, .app_id = app_id, .key = key};
	t->flush = loop_timer_new(l, "tokens", on_flush, t);
	return t;
}

void
tokens_free(struct tokens *t)
{
	struct err e;

	if (t == NULL)
		return;
	(void)fail(&e, ERR_BUSY, "ekaci stops");
	for (struct token *k = t->all, *next; k != NULL; k = next) {
		next = k->next;
		answer_waiters(k, &e);
		token_free(k);
	}
	for (struct identity_waiter *w = t->identity_waiters, *next; w != NULL; w = next) {
		next = w->next;
		w->fn(w->ctx, &e);
		mem_free(&w);
	}
	loop_timer_free(t->flush);
	mem_free(&t->app_slug);
	mem_free(&t->app_lacks);
	mem_free(&t);
}

/* Why GitHub refuses to mint, in words an operator can act on. */
static void
explain(const struct http_answer *answer, const struct token_wanted *of, struct err *e)
{
	AUTO(json_drop) json_t *j = NULL;
	struct err ignored;
	struct str words = STR("");

	if (answer->status == 0) {
		*e = answer->e;
		return;
	}
	if (answer->status >= 400 && json_read(answer->body, "answer", &j, &ignored) == 0)
		words = str_utf8_head(json_text(j, "message"), 200);
	if (answer->status == 404 && str_find(words, STR("Integration")) >= 0)
		(void)fail(e, ERR_DENIED, "GitHub knows no App of our [github] app_id: " STR_FMT, STR_ARG(words));
	else if (answer->status == 404)
		(void)fail(e, ERR_ABSENT, "the App is not installed there any more (installation %lld)",
		    (long long)host_theirs(of->installation));
	else if (answer->status == 422)
		(void)fail(e, ERR_INPUT, "installation %lld gives no token for {%s} of repository %lld (422: " STR_FMT ")",
		    (long long)host_theirs(of->installation), permissions[of->purpose][0],
		    (long long)host_theirs(of->repository), STR_ARG(words));
	else if (answer->status == 401)
		(void)fail(e, ERR_DENIED,
		    "GitHub does not accept our key (401: " STR_FMT "). Is [github] private_key_file a key of "
		    "the App app_id, and is this machine's clock right?",
		    STR_ARG(words));
	else if (answer->status == 429 || answer->status >= 500 || answer->retry_after_s >= 0)
		(void)fail(e, ERR_BUSY, "GitHub gives no token now (%d " STR_FMT ")", answer->status, STR_ARG(words));
	else
		(void)fail(e, ERR_DENIED, "GitHub gives no token for installation %lld (%d " STR_FMT ")",
		    (long long)host_theirs(of->installation), answer->status, STR_ARG(words));
}

/* Whether a permission was refused that may be had otherwise. */
static bool
other_way(struct token *k, const struct http_answer *answer)
{
	if (answer->status != 422 || str_find(answer->body, STR("permissions")) < 0 || k->way + 1 == MAX_WAYS ||
	    permissions[k->of.purpose][k->way + 1] == NULL)
		return false;
	k->way++;
	return true;
}

static int64_t
believed_ms(const struct http_answer *answer, const struct err *e)
{
	int64_t said_ms = answer->retry_after_s * 1000;
	int64_t ms = e->kind == ERR_INPUT ? NARROW_MS : REFUSED_MS;

	/* What passes by itself is asked for again by whoever wants it, with his own backoff. */
	return e->kind == ERR_SYSTEM ? 0 : said_ms > ms ? said_ms : ms;
}

static void
on_minted(void *ctx, const struct http_answer *answer)
{
	struct token *k = ctx;
	AUTO(json_drop) json_t *j = NULL;
	struct err e = {0};
	const char *text = NULL;

	k->minting = false;
	if (other_way(k, answer)) {
		mint(k);
		return;
	}
	if (answer->status != 201)
		explain(answer, &k->of, &e);
	else if (json_read(answer->body, "GitHub's token", &j, &e) == 0) {
		text = json_str(j, "token", NULL);
		if (text == NULL || text[0] == '\0' || strlen(text) > MAX_TOKEN_BYTES || strpbrk(text, "\r\n \t") != NULL)
			(void)fail(&e, ERR_SYSTEM, "GitHub's answer holds no token");
	}
	if (e.kind != ERR_NONE) {
		k->refused = e;
		k->t->failed++;
		k->refused_until_ms = clock_mono_ms() + believed_ms(answer, &e);
		answer_waiters(k, &e);
		return;
	}
	int64_t expires_ms = clock_of_text(json_str(j, "expires_at", NULL));
	int64_t now_ms = answer->date_s > 0 ? answer->date_s * 1000 : clock_now_ms();
	int64_t life_ms = expires_ms > now_ms && expires_ms - now_ms < LIFE_MS ? expires_ms - now_ms : LIFE_MS;
	int64_t margin_ms = life_ms / 4 < RENEW_MS ? life_ms / 4 : RENEW_MS;
	mem_free(&k->text);
	k->text = mem_strdup(text);
	k->good_until_ms = clock_mono_ms() + life_ms - margin_ms;
	k->refused = (struct err){0};
	k->t->minted++;
	answer_waiters(k, NULL);
}

static void
mint(struct token *k)
{
	struct tokens *t = k->t;
	struct arena a = {0};
	struct err e;
	const char *jwt;

	if (jwt_sign(&a, t->key, t->app_id, clock_now_ms() / 1000, &jwt, &e) != 0) {
		k->refused = e;
		k->refused_until_ms = clock_mono_ms() + REFUSED_MS;
		loop_timer_set(t->flush, 0);
	} else {
		const char *one = k->of.repository != 0
		                      ? arena_printf(&a, "\"repository_ids\":[%lld],", (long long)host_theirs(k->of.repository))
		                      : "";
		const char *body = arena_printf(&a, "{%s\"permissions\":{%s}}", one, permissions[k->of.purpose][k->way]);
		struct http_request r = {.method = "POST",
		    .url = arena_printf(&a, "%s/app/installations/%lld/access_tokens", t->api_url,
		        (long long)host_theirs(k->of.installation)),
		    .authorization = arena_printf(&a, "Bearer %s", jwt),
		    .body = str_of(body)};
		k->minting = true;
		http_send(t->h, &r, on_minted, k);
	}
	arena_release(&a);
}

/* Makes room: the idle token that was used longest ago goes. */
static void
evict(struct tokens *t)
{
	struct token **oldest = NULL;

	if (t->n < MAX_TOKENS)
		return;
	for (struct token **at = &t->all; *at != NULL; at = &(*at)->next)
		if ((*at)->waiters == NULL && !(*at)->minting && (oldest == NULL || (*at)->used_ms < (*oldest)->used_ms))
			oldest = at;
	if (oldest != NULL) {
		struct token *k = *oldest;
		*oldest = k->next;
		token_free(k);
		t->n--;
	}
}

static struct token *
find(struct tokens *t, const struct token_wanted *w)
{
	for (struct token *k = t->all; k != NULL; k = k->next)
		if (k->of.installation == w->installation && k->of.repository == w->repository && k->of.purpose == w->purpose)
			return k;
	return NULL;
}

void
tokens_get(struct tokens *t, const struct token_wanted *wanted, token_fn *fn, void *ctx)
{
	struct token *k = find(t, wanted);
	struct waiter *w = mem_alloc(sizeof(*w));

	if (k == NULL) {
		evict(t);
		k = mem_alloc(sizeof(*k));
		*k = (struct token){.t = t, .of = *wanted, .next = t->all};
		k->last_waiter = &k->waiters;
		t->all = k;
		t->n++;
	}
	*w = (struct waiter){.fn = fn, .ctx = ctx};
	*k->last_waiter = w;
	k->last_waiter = &w->next;
	k->used_ms = clock_mono_ms();
	if (k->minting)
		return;
	if (is_good(k) || is_refused(k))
		loop_timer_set(t->flush, 0);
	else
		mint(k);
}

void
tokens_drop(struct tokens *t, const struct token_wanted *wanted, const char *token)
{
	struct token *k = find(t, wanted);

	if (k != NULL && k->text != NULL && (token == NULL || strcmp(k->text, token) == 0))
		k->good_until_ms = 0;
}

void
tokens_drop_all(struct tokens *t, int64_t installation)
{
	for (struct token *k = t->all; k != NULL; k = k->next)
		if (k->of.installation == installation) {
			k->good_until_ms = k->refused_until_ms = 0;
			k->way = 0;
		}
}

/* --- who we are --- */

static void
note_lacking(struct tokens *t, const json_t *app)
{
	struct arena a = {0};
	const char *rights = needs_permissions(&a, json_object_get(app, "permissions"));
	const char *events = needs_events(&a, json_object_get(app, "events"));

	mem_free(&t->app_lacks);
	if (rights != NULL || events != NULL)
		t->app_lacks = mem_strdup(arena_printf(&a, "it lacks%s%s%s%s%s: add them on its settings page",
		    rights != NULL ? " permissions (" : "", rights != NULL ? rights : "", rights != NULL ? ")" : "",
		    events != NULL ? " events (" : "", events != NULL ? arena_printf(&a, "%s)", events) : ""));
	arena_release(&a);
}

static void
on_identified(void *ctx, const struct http_answer *answer)
{
	struct tokens *t = ctx;
	struct identity_waiter *w = t->identity_waiters;
	AUTO(json_drop) json_t *j = NULL;
	struct err e = {0};

	t->identifying = false;
	t->identity_waiters = NULL;
	if (answer->status != 200) {
		explain(answer, &(const struct token_wanted){0}, &e);
	} else if (json_read(answer->body, "GitHub's word on the App", &j, &e) == 0) {
		t->app_number = json_int(j, "id", 0);
		mem_free(&t->app_slug);
		t->app_slug = mem_strdup(json_str(j, "slug", ""));
		note_lacking(t, j);
		if (t->app_number <= 0)
			(void)fail(&e, ERR_SYSTEM, "GitHub does not say the number of the App");
	}
	while (w != NULL) {
		struct identity_waiter *next = w->next;
		w->fn(w->ctx, &e);
		mem_free(&w);
		w = next;
	}
}

void
tokens_identify(struct tokens *t, void (*fn)(void *ctx, const struct err *e), void *ctx)
{
	struct identity_waiter *w;
	struct arena a = {0};
	struct err e = {0};
	const char *jwt;

	if (t->app_number > 0 && !t->identifying) {
		fn(ctx, &e);
		return;
	}
	if (!t->identifying && jwt_sign(&a, t->key, t->app_id, clock_now_ms() / 1000, &jwt, &e) != 0) {
		arena_release(&a);
		fn(ctx, &e);
		return;
	}
	w = mem_alloc(sizeof(*w));
	*w = (struct identity_waiter){.fn = fn, .ctx = ctx, .next = t->identity_waiters};
	t->identity_waiters = w;
	if (!t->identifying) {
		struct http_request r = {.method = "GET",
		    .url = arena_printf(&a, "%s/app", t->api_url),
		    .authorization = arena_printf(&a, "Bearer %s", jwt)};
		t->identifying = true;
		http_send(t->h, &r, on_identified, t);
	}
	arena_release(&a);
}

int
tokens_app_authorization(const struct tokens *t, struct arena *a, const char **ret, struct err *e)
{
	const char *jwt;

	if (jwt_sign(a, t->key, t->app_id, clock_now_ms() / 1000, &jwt, e) != 0)
		return -1;
	*ret = arena_printf(a, "Bearer %s", jwt);
	return 0;
}

int64_t
tokens_app_number(const struct tokens *t)
{
	return t->app_number;
}

const char *
tokens_app_slug(const struct tokens *t)
{
	return t->app_slug != NULL ? t->app_slug : "";
}

const char *
tokens_app_lacks(const struct tokens *t)
{
	return t->app_lacks;
}

void
tokens_forget_app(struct tokens *t)
{
	t->app_number = 0;
}

int64_t
tokens_minted(const struct tokens *t)
{
	return t->minted;
}

int64_t
tokens_failed(const struct tokens *t)
{
	return t->failed;
}
