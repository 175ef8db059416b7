/* Lists, and deliveries asked for again. */
#include "forge/github/lists.h"

#include "forge/github/answer.h"
#include "forge/github/lane.h"
#include "forge/github/payload.h"
#include "forge/github/shape.h"
#include "store/hosts.h"
#include "support/base/clock.h"
#include "support/base/log.h"
#include "support/base/map.h"

#include <string.h>

enum {
	MAX_PAGES = 50,    /* of failed deliveries, a hundred each */
	MAX_AGAIN = 2000,  /* deliveries asked for in one go */
	LARGE = 256 * 1024 /* an answer: a hundred pull requests are 2 MB of it, 6 MB when they are read */
};

/* --- lists --- */

struct list_question {
	struct api_call call;
	struct client *s;
	struct arena a;
	struct forge_wanted wanted; /* what and next are read once it was asked */
	send_list_fn *fn;
	void *ctx;
};

static void
read_repositories(struct list_question *l, const json_t *body, struct forge_told *ret)
{
	const json_t *list = json_object_get(body, "repositories"), *item;
	struct event_repository *all = arena_alloc(&l->a, (json_array_size(list) + 1) * sizeof(*all));
	struct err e;
	size_t i;

	json_array_foreach(list, i, item) {
		struct event_repository *one = &all[ret->n_repositories];
		int rc = payload_repository(&l->a, item, one, &e);
		if (rc == 0 && !host_may_be(one->id))
			rc = fail(&e, ERR_INPUT, "%s/%s: no id of a host is so large", one->owner, one->name);
		one->id = rc == 0 ? host_id(l->s->sender.host, one->id) : 0;
		if (rc == 0)
			ret->n_repositories++;
		else
			log_err(LOG_WARN, "repositories at GitHub", &e);
	}
	ret->repositories = all;
}

static void
read_pulls(struct list_question *l, const json_t *body, struct forge_told *ret)
{
	struct event_pull *all = arena_alloc(&l->a, (json_array_size(body) + 1) * sizeof(*all));
	const json_t *item;
	struct err e;
	size_t i;

	json_array_foreach(body, i, item) {
		if (payload_pull(&l->a, item, &all[ret->n_pulls], &e) == 0)
			ret->n_pulls++;
		else
			log_err(LOG_WARN, "pull requests at GitHub", &e);
	}
	ret->pulls = all;
}

static void
read_groups(struct list_question *l, const json_t *body, struct forge_told *ret)
{
	struct forge_group *all = arena_alloc(&l->a, (json_array_size(body) + 1) * sizeof(*all));
	const json_t *item;
	size_t i;

	json_array_foreach(body, i, item)
		ret->n_groups += payload_queued(&l->a, item, &all[ret->n_groups]);
	ret->groups = all;
}

static int
read_list(struct list_question *l, const struct http_answer *answer, struct forge_told *ret, struct err *e)
{
	AUTO(json_drop) json_t *body = NULL;

	*ret = (struct forge_told){.unchanged = answer->status == 304,
	    .tag = answer->tag[0] != '\0' ? arena_strdup(&l->a, answer->tag) : NULL,
	    .now_ms = answer->date_s > 0 ? answer->date_s * 1000 : clock_now_ms()};
	if (ret->unchanged)
		return 0;
	/* A page elsewhere would be given our token. */
	if (answer->next[0] != '\0' && http_same_origin(answer->next, l->s->api_url))
		ret->next = arena_strdup(&l->a, answer->next);
	if (json_read(answer->body, "GitHub's answer", &body, e) != 0)
		return -1;
	switch (l->wanted.what) {
	case FORGE_REPOSITORIES: read_repositories(l, body, ret); break;
	case FORGE_PULLS:
	case FORGE_PULLS_OPEN: read_pulls(l, body, ret); break;
	case FORGE_BRANCH: return payload_branch(&l->a, body, &ret->head, e);
	case FORGE_QUEUE: read_groups(l, body, ret); break;
	}
	return 0;
}

static void
on_listed(void *ctx, const struct http_answer *answer)
{
	struct list_question *l = ctx;
	struct forge_told told;
	struct err e;
	bool good = answer_class(answer) == ANSWER_GOOD;

	if (good) {
		good = read_list(l, answer, &told, &e) == 0;
	} else {
		answer_error(answer, &e);
		if (e.kind == ERR_SYSTEM)
			e.kind = ERR_BUSY;
	}
	bool large = answer->body.n >= LARGE;
	l->fn(l->ctx, good ? &told : NULL, good ? NULL : &e);
	arena_release(&l->a);
	mem_free(&l);
	if (large)
		mem_give_back();
}

static const char *
path_of(struct list_question *l)
{
	const struct forge_wanted *w = &l->wanted;
	struct arena *a = &l->a;
	const char *repo =
	    w->owner == NULL ? "" : arena_printf(a, "/repos/%s/%s", shape_url(a, w->owner), shape_url(a, w->repo));

	switch (w->what) {
	case FORGE_REPOSITORIES: return "/installation/repositories?per_page=100";
	case FORGE_PULLS: return arena_printf(a, "%s/pulls?state=all&sort=updated&direction=desc&per_page=100", repo);
	case FORGE_PULLS_OPEN: return arena_printf(a, "%s/pulls?state=open&sort=updated&direction=desc&per_page=100", repo);
	case FORGE_BRANCH: return arena_printf(a, "%s/branches/%s", repo, shape_url(a, w->branch));
	case FORGE_QUEUE: break;
	}
	return arena_printf(a, "%s/git/matching-refs/heads/gh-readonly-queue/", repo);
}

void
github_list(struct sender *sender, const struct forge_wanted *wanted, send_list_fn *fn, void *ctx)
{
	struct client *s = (struct client *)(void *)sender;
	struct list_question *l = mem_alloc(sizeof(*l));

	*l = (struct list_question){.s = s, .wanted = *wanted, .fn = fn, .ctx = ctx};
	struct forge_wanted *w = &l->wanted;
	const char *path = w->next == NULL ? path_of(l) : NULL;
	w->next = path != NULL ? arena_printf(&l->a, "%s%s", s->api_url, path) : arena_strdup(&l->a, w->next);
	l->call = (struct api_call){.method = "GET",
	    .url = w->next,
	    .tag = w->tag != NULL ? arena_strdup(&l->a, w->tag) : NULL,
	    .done = on_listed,
	    .ctx = l,
	    .background = true};
	lane_plain(s->lane(s, w->installation), &l->call);
}

/* --- deliveries --- */

struct missed {
	struct client *s;
	struct arena a;
	int64_t since_ms, upto_ms;
	send_known_fn *known;
	send_missed_fn *fn;
	void *ctx;
	struct map seen;    /* GUIDs: of each there may be several attempts */
	VEC(int64_t) again; /* ids, the newest first */
	int64_t n;
	int pages;
	struct loop_timer *timer;
};

static void
missed_end(struct missed *m, const struct err *e)
{
	m->s->missed = NULL;
	m->fn(m->ctx, m->upto_ms, m->n, e);
	map_release(&m->seen);
	vec_release(&m->again);
	loop_timer_free(m->timer);
	arena_release(&m->a);
	mem_free(&m);
}

static void
ask_app(struct missed *m, const char *method, const char *url, void (*done)(void *ctx, const struct http_answer *answer))
{
	const char *authorization;
	struct err e;

	if (tokens_app_authorization(m->s->tokens, &m->a, &authorization, &e) != 0) {
		missed_end(m, &e);
		return;
	}
	struct http_request r = {.method = method, .url = url, .authorization = authorization};
	m->s->figures.requests++;
	http_send(m->s->http, &r, done, m);
}

/* False when it is no good answer, and all has ended. One that is gone is too old. */
static bool
is_good(struct missed *m, const struct http_answer *answer)
{
	enum answer_class class = answer_class(answer);
	struct err e;

	if (class == ANSWER_GOOD || class == ANSWER_GONE || class == ANSWER_REFUSED)
		return true;
	answer_error(answer, &e);
	if (e.kind == ERR_SYSTEM)
		e.kind = ERR_BUSY;
	missed_end(m, &e);
	return false;
}

static void ask_again(void *ctx);

static void
on_asked(void *ctx, const struct http_answer *answer)
{
	struct missed *m = ctx;

	if (!is_good(m, answer))
		return;
	m->again.n--;
	m->n += answer_class(answer) == ANSWER_GOOD;
	loop_timer_set(m->timer, m->s->delays.between_writes_ms);
}

/* The oldest first. */
static void
ask_again(void *ctx)
{
	struct missed *m = ctx;

	if (m->again.n == 0) {
		missed_end(m, NULL);
		return;
	}
	ask_app(m, "POST",
	    arena_printf(&m->a, "%s/app/hook/deliveries/%lld/attempts", m->s->api_url, (long long)m->again.p[m->again.n - 1]),
	    on_asked);
}

/* False when what follows is older than what is asked for. */
static bool
note_failed(struct missed *m, const json_t *one)
{
	const char *guid = json_str(one, "guid", "");
	int64_t id = json_int(one, "id", 0);
	int64_t at_ms = clock_of_text(json_str(one, "delivered_at", NULL));
	bool added = false;

	if (at_ms != 0 && at_ms < m->since_ms)
		return false;
	if (id <= 0 || guid[0] == '\0' || strcmp(json_str(one, "status", ""), "OK") == 0)
		return true;
	(void)map_add(&m->seen, str_of(arena_strdup(&m->a, guid)), &added);
	if (added && m->again.n < MAX_AGAIN && !m->known(m->ctx, guid))
		vec_push(&m->again, id);
	return true;
}

static void
on_failed(void *ctx, const struct http_answer *answer)
{
	struct missed *m = ctx;
	AUTO(json_drop) json_t *body = NULL;
	const json_t *one;
	struct err e;
	bool older = false;
	size_t i;

	if (!is_good(m, answer))
		return;
	if (answer_class(answer) != ANSWER_GOOD || json_read(answer->body, "GitHub's deliveries", &body, &e) != 0) {
		if (answer_class(answer) != ANSWER_GOOD)
			answer_error(answer, &e);
		missed_end(m, &e);
		return;
	}
	if (m->pages++ == 0)
		m->upto_ms = answer->date_s > 0 ? answer->date_s * 1000 : clock_now_ms();
	json_array_foreach(body, i, one)
		older = older || !note_failed(m, one);
	if (!older && answer->next[0] != '\0' && m->pages < MAX_PAGES && http_same_origin(answer->next, m->s->api_url)) {
		ask_app(m, "GET", arena_strdup(&m->a, answer->next), on_failed);
		return;
	}
	if (m->again.n > 0)
		log_info("%zu deliveries did not arrive: asked for again", m->again.n);
	ask_again(m);
}

static void
begin(void *ctx)
{
	struct missed *m = ctx;

	if (m->pages > 0)
		ask_again(m);
	else
		ask_app(m, "GET", arena_printf(&m->a, "%s/app/hook/deliveries?status=failure&per_page=100", m->s->api_url),
		    on_failed);
}

void
github_missed(struct sender *sender, int64_t since_ms, send_known_fn *known, send_missed_fn *fn, void *ctx)
{
	struct client *s = (struct client *)(void *)sender;
	struct missed *m = mem_alloc(sizeof(*m));

	*m = (struct missed){.s = s, .since_ms = since_ms, .known = known, .fn = fn, .ctx = ctx};
	m->timer = loop_timer_new(s->l, "deliveries", begin, m);
	s->missed = m;
	loop_timer_set(m->timer, 0);
}

void
lists_stop(struct client *c)
{
	struct err e;

	(void)fail(&e, ERR_BUSY, "ekaci stops");
	if (c->missed != NULL)
		missed_end(c->missed, &e);
}
