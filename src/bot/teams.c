/* Who is in which team, as the forge said some minutes ago. */
#include "bot/teams.h"

#include "store/hosts.h"
#include "store/run.h"
#include "support/base/clock.h"
#include "support/base/log.h"
#include "walk/trust.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

enum {
	FRESH_MS = 5 * 60 * 1000,
	MAX_KNOWN = 4096 /* answers; then all are forgotten */
};

struct known {
	int64_t installation, until_ms;
	const char *team, *login;
	bool member;
};

struct teams {
	struct bot_parts p;
	struct arena a; /* of the answers */
	VEC(struct known) known;
	struct arena named_a;
	VEC(const char *) named; /* teams that could not be read, which was said */
};

/* One author, team by team. */
struct team_question {
	struct teams *t;
	struct arena a;
	struct repository of;
	int64_t number;
	const char *login;
	size_t at;
	const char *team; /* that is asked for */
	teams_done *done;
	void *ctx;
};

static const struct known *
known_of(const struct teams *t, int64_t installation, const char *team, const char *login)
{
	for (size_t i = 0; i < t->known.n; i++) {
		const struct known *k = &t->known.p[i];
		if (k->installation == installation && k->until_ms > clock_mono_ms() && strcmp(k->team, team) == 0 &&
		    strcasecmp(k->login, login) == 0)
			return k;
	}
	return NULL;
}

static void
remember(struct teams *t, int64_t installation, const char *team, const char *login, bool member)
{
	if (t->known.n >= MAX_KNOWN) {
		t->known.n = 0;
		arena_clear(&t->a);
	}
	vec_push(&t->known, ((struct known){installation, clock_mono_ms() + FRESH_MS, arena_strdup(&t->a, team),
	                        arena_strdup(&t->a, login), member}));
}

static void
say_once(struct teams *t, const char *team, const struct err *why)
{
	for (size_t i = 0; i < t->named.n; i++)
		if (strcmp(t->named.p[i], team) == 0)
			return;
	vec_push(&t->named, arena_strdup(&t->named_a, team));
	log_warn(
	    "[trust] teams: %s cannot be read, so none of its members is trusted: %s. Is it one of the organization that the "
	    "App is installed on, and may the App read members there?",
	    team, why->msg);
}

static void
end(struct team_question *q, bool member, const struct err *why)
{
	struct err e;

	if (why == NULL && store_pull_in_team(q->t->p.store, q->of.id, q->number, member, &e) != 0)
		why = &e;
	q->done(q->ctx, why);
	arena_release(&q->a);
	mem_free(&q);
}

static void on_answer(void *ctx, const char *said, const struct err *why);

static void
next(struct team_question *q)
{
	const struct texts *teams = &q->t->p.settings->trust.teams;

	for (; q->at < teams->n; q->at++) {
		const char *team = config_at_host(q->t->p.settings, host_of(q->of.id), teams->p[q->at]);
		if (team == NULL)
			continue;
		const struct known *k = known_of(q->t, q->of.installation, team, q->login);
		if (k == NULL) {
			q->team = arena_strdup(&q->a, team);
			send_team(q->t->p.sender, q->of.installation, q->team, q->login, on_answer, q);
			return;
		}
		if (k->member) {
			end(q, true, NULL);
			return;
		}
	}
	end(q, false, NULL);
}

static void
on_answer(void *ctx, const char *said, const struct err *why)
{
	struct team_question *q = ctx;
	const char *team = q->team;

	if (why != NULL && why->kind != ERR_ABSENT && why->kind != ERR_DENIED && why->kind != ERR_INPUT) {
		end(q, false, why);
		return;
	}
	if (why != NULL)
		say_once(q->t, team, why);
	remember(q->t, q->of.installation, team, q->login, why == NULL && strcmp(said, "member") == 0);
	next(q);
}

void
teams_ask(struct teams *t, const struct repository *of, int64_t number, teams_done *done, void *ctx)
{
	struct team_question *q = mem_alloc(sizeof(*q));
	struct pull_request pr = {0};
	struct err e;

	*q = (struct team_question){.t = t,
	    .of = {.id = of->id, .installation = of->installation},
	    .number = number,
	    .done = done,
	    .ctx = ctx};
	int rc = number > 0 ? store_pull_get(t->p.store, &q->a, of->id, number, &pr, &e) : 1;
	if (rc == 0 && trust_asks_teams(t->p.settings, &pr)) {
		q->login = pr.author;
		next(q);
		return;
	}
	done(ctx, rc < 0 ? &e : NULL);
	arena_release(&q->a);
	mem_free(&q);
}

struct teams *
teams_new(const struct bot_parts *parts)
{
	struct teams *t = mem_alloc(sizeof(*t));

	*t = (struct teams){.p = *parts};
	return t;
}

void
teams_free(struct teams *t)
{
	if (t == NULL)
		return;
	vec_release(&t->known);
	vec_release(&t->named);
	arena_release(&t->a);
	arena_release(&t->named_a);
	mem_free(&t);
}
