/* Whether what was in conflict still is. */
#include "bot/conflicts.h"

#include "support/base/clock.h"
#include "support/base/log.h"
#include "walk/trust.h"

#include <inttypes.h>
#include <string.h>

enum {
	MAX_ASKED = 50,           /* of one push */
	FIRST_MS = 5 * 1000,      /* GitHub begins to merge when it is asked; pushes come in groups */
	AGAIN_MS = 15 * 1000,     /* it did not know yet */
	PATIENCE_MS = 300 * 1000, /* or could not be asked */
	MAX_TRIES = 20
};

struct conflicts {
	struct bot_parts p;
	struct flow *flow;
	struct loop_timer *timer;
	struct arena a;           /* of the question that is being asked */
	struct store_conflict is; /* what is asked about */
	bool asking, closing;
};

static void
later(struct conflicts *c, int64_t at)
{
	struct err e;

	if (store_conflict_later(c->p.store, c->is.repository, c->is.number, at, &e) != 0)
		log_err(LOG_WARN, "conflicts", &e);
}

/* It is compared anew, unless something else has done so, or it is waited with. */
static int
start(struct conflicts *c, const struct event_pull *pull, struct err *e)
{
	struct pull_request pr;
	struct run newest;
	int rc = store_pull_get(c->p.store, &c->a, c->is.repository, c->is.number, &pr, e);

	if (rc == 0)
		rc = store_run_of(c->p.store, &c->a, c->is.repository, c->is.number, false, &newest, e);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (!pull->open || !pr.open || strcmp(pull->head, pr.head) != 0 || strcmp(newest.head, pr.head) != 0 ||
	    strcmp(pull->base_ref, pr.base_ref) != 0 || newest.ended == 0 || trust_waits(c->p.settings, &pr) != NULL)
		return 0;
	struct run wanted = {.repository = c->is.repository,
	    .number = c->is.number,
	    .head = pr.head,
	    .base_ref = pr.base_ref,
	    .reason = "the merge conflict is gone",
	    .approved = newest.approved};
	return flow_start(c->flow, &wanted, e);
}

static void
on_pull(void *ctx, const struct event_pull *pull, const struct err *why)
{
	struct conflicts *c = ctx;
	struct err e;

	c->asking = false;
	if (c->closing)
		return;
	bool again = c->is.tries < MAX_TRIES;
	if (why != NULL && why->kind == ERR_BUSY && again) {
		later(c, clock_now_ms() + PATIENCE_MS);
	} else if (why == NULL && pull->open && pull->merges == MERGES_UNKNOWN && again) {
		later(c, clock_now_ms() + AGAIN_MS);
	} else {
		later(c, 0);
		if (why == NULL && pull->merges == MERGES) {
			int rc = store_begin(c->p.store, &e);
			if (rc == 0)
				rc = store_end(c->p.store, start(c, pull, &e), &e);
			if (rc != 0)
				log_err(LOG_WARN, "conflicts", &e);
		}
	}
	arena_clear(&c->a);
	loop_timer_set(c->timer, 0);
}

static void
look(void *ctx)
{
	struct conflicts *c = ctx;
	struct repository repo;
	struct err e;

	if (c->closing || c->asking)
		return;
	int rc = store_conflict_next(c->p.store, &c->is, &e);
	if (rc == 1)
		return;
	if (rc == 0 && c->is.at > clock_now_ms()) {
		loop_timer_set(c->timer, c->is.at - clock_now_ms());
		return;
	}
	if (rc != 0 || store_repository_get(c->p.store, &c->a, c->is.repository, &repo, &e) != 0) {
		log_err(LOG_WARN, "conflicts", &e);
		loop_timer_set(c->timer, PATIENCE_MS);
		return;
	}
	if (!repo.served) {
		later(c, 0);
		loop_timer_set(c->timer, 0);
		return;
	}
	c->asking = true;
	send_pull(c->p.sender, repo.installation, repo.id, repo.owner, repo.name, c->is.number, on_pull, c);
}

int
conflicts_base_moved(struct conflicts *c, int64_t repository, const char *branch, struct err *e)
{
	if (store_conflicts_moved(c->p.store, repository, branch, clock_now_ms() + FIRST_MS, MAX_ASKED, e) != 0)
		return -1;
	if (!c->closing && !c->asking)
		loop_timer_set(c->timer, FIRST_MS);
	return 0;
}

struct conflicts *
conflicts_new(const struct bot_parts *parts, struct flow *flow)
{
	struct conflicts *c = mem_alloc(sizeof(*c));

	*c = (struct conflicts){.p = *parts, .flow = flow};
	c->timer = loop_timer_new(parts->loop, "conflicts", look, c);
	loop_timer_set(c->timer, FIRST_MS);
	return c;
}

static void
release(void *ctx)
{
	struct conflicts *c = ctx;

	arena_release(&c->a);
	mem_free(&c);
}

void
conflicts_free(struct conflicts *c)
{
	if (c == NULL)
		return;
	c->closing = true;
	loop_timer_free(c->timer);
	loop_put_off(c->p.loop, release, c);
}
