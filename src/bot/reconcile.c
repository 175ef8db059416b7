/* What stands at the forge, compared with what is known; and what was refused, once more. */
#include "bot/reconcile.h"

#include "store/compared.h"
#include "store/desired.h"
#include "support/base/clock.h"
#include "support/base/log.h"
#include "support/base/map.h"
#include "support/text/metric.h"

#include <inttypes.h>
#include <string.h>

enum {
	FIRST_MS = 1000,
	TICK_MS = 30 * 1000,
	HOUR_MS = 3600 * 1000,
	RETRY_MS = 60 * 1000,
	DAY_MS = 24 * HOUR_MS,
	KEPT_DAYS = 3,     /* deliveries, at GitHub */
	UNKNOWN_DAYS = 30, /* a pull request that we do not know and that has not changed for so long is left until it does */
	OVERLAP_MS = 120 * 1000, /* machines of a forge lag behind each other */
	TAKE_UP = 100,           /* of what is parked, an hour */
	MAX_TIMES = 3            /* failed runs of one head, before only a change at the forge starts another */
};

struct reconcile {
	struct bot_parts p;
	struct intake *intake;
	struct flow *flow;
	struct loop_timer *timer;
	int64_t due_ms;   /* clock_mono_ms, of the next comparison */
	int64_t failed;   /* comparisons in a row in which something could not be asked */
	bool busy, again; /* again: something changed meanwhile */
	bool soon;        /* once more in a moment: what has just happened is perhaps not listed yet */
	bool bad;         /* something could not be asked in this one */
	bool closing;
	int64_t comparisons, found; /* figures */

	struct sender *missing; /* the host whose failed deliveries are being asked for */
	struct arena a;         /* of this comparison */
	struct ids installations;
	size_t at_installation;
	VEC(struct event_repository) repositories; /* of the present installation, in a */
	size_t at_repository;

	struct arena of; /* of the present repository */
	struct compared known, now;
	bool all; /* its open pull requests are read */
	struct map listed;
	struct ids open;
	size_t at_open;
};

static void next_installation(struct reconcile *c);
static void next_repository(struct reconcile *c);
static void ask_branch(struct reconcile *c);
static void ask_queue(struct reconcile *c);
static void ask_missed(struct reconcile *c);

/* --- what was found --- */

static const struct event_repository *
repository(const struct reconcile *c)
{
	return &c->repositories.p[c->at_repository];
}

static struct event
event_here(const struct reconcile *c, enum event_kind kind, enum event_action action)
{
	return (struct event){.kind = kind,
	    .action = action,
	    .installation.id = c->installations.p[c->at_installation],
	    .repository = *repository(c)};
}

/* It has the effect that its delivery would have had. */
static void
tell(struct reconcile *c, const struct event *ev)
{
	struct err e;

	if (intake_event(c->intake, ev, &e) == 0)
		return;
	log_err(LOG_WARN, "comparing with the forge", &e);
	c->bad = true;
}

static void
take_pull(struct reconcile *c, const struct event_pull *pull)
{
	AUTO(arena_release) struct arena a = {0};
	struct event ev = event_here(c, EVENT_PULL_REQUEST, ACTION_SYNCHRONIZE);
	struct pull_request known;
	struct err e;
	int rc = store_pull_get(c->p.store, &a, ev.repository.id, pull->number, &known, &e);

	if (rc < 0) {
		log_err(LOG_WARN, "comparing with the forge", &e);
		c->bad = true;
		return;
	}
	if (rc == 1 && (!pull->open || clock_now_ms() - pull->updated_ms > (int64_t)UNKNOWN_DAYS * DAY_MS))
		return;
	if (rc == 0 && !known.open && !pull->open)
		return;
	ev.pr = *pull;
	if (!pull->open)
		ev.action = ACTION_CLOSED;
	else if (rc == 0 && !known.open)
		ev.action = ACTION_REOPENED;
	else if (rc == 0 && strcmp(known.base_ref, pull->base_ref) != 0)
		ev.action = ACTION_BASE_CHANGED;
	else if (rc == 0 && strcmp(known.head, pull->head) == 0 && known.draft != pull->draft)
		ev.action = pull->draft ? ACTION_CONVERTED_TO_DRAFT : ACTION_READY_FOR_REVIEW;
	if (rc == 1 || known.open != pull->open || strcmp(known.head, pull->head) != 0 ||
	    strcmp(known.base_ref, pull->base_ref) != 0) {
		c->found++;
		log_info("%s/%s#%" PRId64 " is not as it was told: %s, %.10s", ev.repository.owner, ev.repository.name,
		    pull->number, pull->open ? "open" : "closed", pull->head);
	}
	tell(c, &ev);
}

static void
take_branch(struct reconcile *c, const char *head)
{
	AUTO(arena_release) struct arena a = {0};
	const char *branch = repository(c)->default_branch;
	struct event ev = event_here(c, EVENT_PUSH, ACTION_NONE);
	struct run newest;
	struct err e;
	bool had = false;
	int rc = store_run_of(c->p.store, &a, ev.repository.id, RUN_OF_BRANCH, false, &newest, &e);

	if (rc == 0 && strcmp(newest.base_ref, branch) != 0)
		rc = 1;
	const char *before = rc == 0 ? newest.head : c->known.branch;
	/* A head of before, a moment after the branch has moved, is what a machine says that lags behind. */
	if (rc == 0 && strcmp(newest.head, head) != 0 && newest.created > clock_now_ms() - OVERLAP_MS &&
	    (store_branch_had(c->p.store, ev.repository.id, branch, head, &had, &e) != 0 || had)) {
		c->now.branch_tag = NULL;
		return;
	}
	c->now.branch = arena_strdup(&c->of, head);
	/* Of a branch that we see for the first time nobody can say that it has moved. */
	if (rc < 0 || before == NULL || strcmp(before, head) == 0)
		return;
	ev.push.ref = arena_printf(&a, "refs/heads/%s", branch);
	ev.push.before = before;
	ev.push.after = head;
	c->found++;
	log_info("%s/%s: %s has moved to %.10s, which was not told", ev.repository.owner, ev.repository.name, branch, head);
	tell(c, &ev);
}

static bool
is_queued(const struct forge_told *told, const char *head)
{
	for (size_t i = 0; i < told->n_groups; i++)
		if (strcmp(told->groups[i].head, head) == 0)
			return true;
	return false;
}

static void
take_queue(struct reconcile *c, const struct forge_told *told)
{
	AUTO(arena_release) struct arena a = {0};
	int64_t id = repository(c)->id;
	struct run r;
	struct ids live = {0};
	struct err e;

	for (size_t i = 0; i < told->n_groups; i++) {
		const struct forge_group *g = &told->groups[i];
		struct event ev = event_here(c, EVENT_MERGE_GROUP, ACTION_CHECKS_REQUESTED);
		if (store_run_of_commit(c->p.store, &a, id, g->head, &r, &e) != 1)
			continue;
		ev.push.after = g->head;
		ev.push.ref = g->ref;
		ev.push.base = g->base;
		ev.push.base_ref = g->base_ref;
		ev.push.queued = g->queued;
		c->found++;
		tell(c, &ev);
	}
	if (told->next != NULL || store_runs_queued(c->p.store, &a, id, &live, &e) != 0)
		return;
	for (size_t i = 0; i < live.n; i++) {
		if (store_run_get(c->p.store, &a, live.p[i], &r, &e) != 0 || is_queued(told, r.head) ||
		    r.created > clock_now_ms() - OVERLAP_MS)
			continue;
		c->found++;
		if (flow_cancel(c->flow, id, r.number, r.head, "the merge group is gone", &e) != 0)
			log_err(LOG_WARN, "comparing with the forge", &e);
	}
}

/* --- one repository: pull requests, the branch, the queue --- */

static bool
goes_on(struct reconcile *c, const struct err *e)
{
	if (c->closing || e == NULL)
		return !c->closing;
	/* What is refused or not there is not asked for before the next time. */
	if (e->kind == ERR_BUSY || e->kind == ERR_SYSTEM) {
		log_err(LOG_INFO, "comparing with the forge", e);
		c->bad = true;
	} else {
		log_err(LOG_DEBUG, "comparing with the forge", e);
	}
	return true;
}

static void
ask(struct reconcile *c, enum forge_list what, const char *next, const char *tag, send_list_fn *fn)
{
	const struct event_repository *r = what != FORGE_REPOSITORIES ? repository(c) : NULL;
	const struct forge_wanted wanted = {.what = what,
	    .installation = c->installations.p[c->at_installation],
	    .owner = r != NULL ? r->owner : NULL,
	    .repo = r != NULL ? r->name : NULL,
	    .branch = r != NULL ? r->default_branch : NULL,
	    .next = next,
	    .tag = tag};

	send_list(c->p.sender, &wanted, fn, c);
}

static void
end_repository(struct reconcile *c, bool good)
{
	struct err e;

	if (good && store_compared_put(c->p.store, repository(c)->id, &c->now, &e) != 0)
		log_err(LOG_WARN, "comparing with the forge", &e);
	c->at_repository++;
	next_repository(c);
}

static void ask_closed(struct reconcile *c);

static void
on_closed(void *ctx, const struct event_pull *pull, const struct err *e)
{
	struct reconcile *c = ctx;

	if (!goes_on(c, e))
		return;
	if (e == NULL)
		take_pull(c, pull);
	ask_closed(c);
}

/* What was open as far as we know and is not among those that are: closed meanwhile, or newer than the list. */
static void
ask_closed(struct reconcile *c)
{
	const struct event_repository *r = repository(c);

	while (c->at_open < c->open.n) {
		int64_t number = c->open.p[c->at_open++];
		if (map_get(&c->listed, (struct str){(const char *)&number, sizeof(number)}) != NULL)
			continue;
		send_pull(c->p.sender, c->installations.p[c->at_installation], r->id, r->owner, r->name, number, on_closed, c);
		return;
	}
	ask_branch(c);
}

static void
after_pulls(struct reconcile *c)
{
	struct err e;

	c->at_open = 0;
	if (!c->all || store_pulls_open(c->p.store, &c->of, repository(c)->id, &c->open, &e) != 0)
		c->open.n = 0;
	ask_closed(c);
}

static void
on_pulls(void *ctx, const struct forge_told *told, const struct err *e)
{
	struct reconcile *c = ctx;
	bool older = false;

	if (!goes_on(c, e))
		return;
	if (e != NULL) {
		end_repository(c, false);
		return;
	}
	if (c->now.pulls == 0) {
		c->now.pulls = told->now_ms;
		c->now.pulls_tag = c->all || told->tag == NULL ? NULL : arena_strdup(&c->of, told->tag);
	}
	for (size_t i = 0; i < told->n_pulls && !older; i++) {
		const struct event_pull *pull = &told->pulls[i];
		older = !c->all && pull->updated_ms != 0 && pull->updated_ms < c->known.pulls - OVERLAP_MS;
		if (older)
			break;
		const char *key = arena_dup(&c->of, &pull->number, sizeof(pull->number));
		(void)map_add(&c->listed, (struct str){key, sizeof(pull->number)}, NULL);
		take_pull(c, pull);
	}
	if (told->next != NULL && !older)
		ask(c, FORGE_PULLS, told->next, NULL, on_pulls);
	else
		after_pulls(c);
}

static void
on_branch(void *ctx, const struct forge_told *told, const struct err *e)
{
	struct reconcile *c = ctx;

	if (!goes_on(c, e))
		return;
	if (e == NULL && !told->unchanged) {
		c->now.branch_tag = told->tag != NULL ? arena_strdup(&c->of, told->tag) : NULL;
		take_branch(c, told->head);
	}
	ask_queue(c);
}

static void
ask_branch(struct reconcile *c)
{
	ask(c, FORGE_BRANCH, NULL, c->known.branch_tag, on_branch);
}

static void
on_queue(void *ctx, const struct forge_told *told, const struct err *e)
{
	struct reconcile *c = ctx;

	if (!goes_on(c, e))
		return;
	if (e == NULL && !told->unchanged) {
		c->now.queue_tag = told->tag != NULL ? arena_strdup(&c->of, told->tag) : NULL;
		take_queue(c, told);
	}
	end_repository(c, true);
}

static void
ask_queue(struct reconcile *c)
{
	ask(c, FORGE_QUEUE, NULL, c->known.queue_tag, on_queue);
}

static void
next_repository(struct reconcile *c)
{
	struct err e;

	if (c->at_repository == c->repositories.n) {
		c->at_installation++;
		next_installation(c);
		return;
	}
	map_release(&c->listed);
	c->listed = (struct map){0};
	arena_clear(&c->of);
	if (store_compared_get(c->p.store, &c->of, repository(c)->id, &c->known, &e) != 0) {
		log_err(LOG_WARN, "comparing with the forge", &e);
		c->known = (struct compared){0};
	}
	c->now = c->known;
	c->now.pulls = 0;
	c->all = c->known.pulls == 0;
	ask(c, c->all ? FORGE_PULLS_OPEN : FORGE_PULLS, NULL, c->known.pulls_tag, on_pulls);
}

/* --- what there is --- */

/* Also what it is now, so that one of which nobody told us that it is public, private or archived is what the forge says. */
static int
put_repositories(struct reconcile *c, const struct forge_told *told, struct err *e)
{
	int rc = store_begin(c->p.store, e);

	for (size_t i = 0; rc == 0 && i < told->n_repositories; i++) {
		const struct event ev = {.kind = EVENT_REPOSITORY,
		    .action = ACTION_CHANGED,
		    .installation.id = c->installations.p[c->at_installation],
		    .repository = told->repositories[i]};
		rc = intake_event(c->intake, &ev, e);
	}
	return store_end(c->p.store, rc, e);
}

static void
on_repositories(void *ctx, const struct forge_told *told, const struct err *e)
{
	struct reconcile *c = ctx;
	struct err e2;

	if (!goes_on(c, e))
		return;
	if (e == NULL && put_repositories(c, told, &e2) != 0)
		e = &e2;
	if (e != NULL) {
		c->repositories.n = 0;
		c->at_installation++;
		next_installation(c);
		return;
	}
	for (size_t i = 0; i < told->n_repositories; i++) {
		struct event_repository r = told->repositories[i];
		r.owner = arena_strdup(&c->a, r.owner);
		r.name = arena_strdup(&c->a, r.name);
		r.clone_url = arena_strdup(&c->a, r.clone_url);
		r.default_branch = arena_strdup(&c->a, r.default_branch);
		vec_push(&c->repositories, r);
	}
	if (told->next != NULL)
		ask(c, FORGE_REPOSITORIES, told->next, NULL, on_repositories);
	else
		next_repository(c);
}

/* --- runs that failed because of a refusal --- */

static int
run_again(struct reconcile *c, int64_t installation, int64_t since_ms, int64_t max_times, struct err *e)
{
	AUTO(arena_release) struct arena a = {0};
	struct ids ids = {0};
	int rc = store_runs_refused(c->p.store, &a, installation, since_ms, max_times, &ids, e);

	for (size_t i = 0; rc == 0 && i < ids.n; i++) {
		struct run r;
		rc = store_run_get(c->p.store, &a, ids.p[i], &r, e);
		if (rc != 0)
			break;
		struct run wanted = {.repository = r.repository,
		    .number = r.number,
		    .head = r.head,
		    .base_ref = r.base_ref,
		    .base = r.base,
		    .head_ref = r.head_ref,
		    .asked = r.asked,
		    .reason = "it was refused before",
		    .force = r.force,
		    .again = r.again,
		    .ignore_rules = r.ignore_rules,
		    .approved = r.approved};
		rc = flow_start(c->flow, &wanted, e);
	}
	return rc;
}

/* --- a comparison --- */

static void
finish(struct reconcile *c)
{
	int64_t now = clock_mono_ms(), n = 0;
	struct err e;

	if (store_desired_take_up(c->p.store, 0, false, TAKE_UP, &n, &e) != 0 ||
	    run_again(c, 0, clock_now_ms() - DAY_MS, MAX_TIMES, &e) != 0)
		log_err(LOG_WARN, "what was refused", &e);
	if (n > 0)
		log_info("%" PRId64 " things that the forge refused are tried once more", n);
	send_kick(c->p.sender);
	c->failed = c->bad ? c->failed + 1 : 0;
	c->due_ms = now + (c->bad ? clock_backoff_ms(RETRY_MS, HOUR_MS, c->failed - 1) : HOUR_MS);
	if (c->soon && !c->bad) {
		c->due_ms = now + OVERLAP_MS / 2;
		c->soon = false;
	}
	if (c->again)
		c->due_ms = now + FIRST_MS;
	c->again = c->busy = false;
	c->comparisons++;
	loop_timer_set(c->timer, c->due_ms - now < TICK_MS ? c->due_ms - now : TICK_MS);
}

static void
next_installation(struct reconcile *c)
{
	c->repositories.n = 0;
	c->at_repository = 0;
	if (c->at_installation < c->installations.n)
		ask(c, FORGE_REPOSITORIES, NULL, NULL, on_repositories);
	else
		finish(c);
}

static void
on_missed(void *ctx, int64_t upto_ms, int64_t n, const struct err *e)
{
	struct reconcile *c = ctx;
	struct err e2;

	(void)n;
	if (!goes_on(c, e))
		return;
	if (e == NULL && store_asked_again_put(c->p.store, c->missing->host, upto_ms, &e2) != 0)
		log_err(LOG_WARN, "comparing with the forge", &e2);
	c->missing = c->missing->next;
	if (c->missing != NULL) {
		ask_missed(c);
		return;
	}
	c->at_installation = 0;
	if (store_installations_active(c->p.store, &c->a, &c->installations, &e2) != 0) {
		log_err(LOG_WARN, "comparing with the forge", &e2);
		c->installations.n = 0;
	}
	next_installation(c);
}

static bool
is_known(void *ctx, const char *guid)
{
	const struct reconcile *c = ctx;

	return store_delivery_known(c->p.store, c->missing->host, guid);
}

static void
ask_missed(struct reconcile *c)
{
	int64_t since = 0, oldest = clock_now_ms() - (int64_t)KEPT_DAYS * DAY_MS;
	struct err e;

	if (store_asked_again(c->p.store, c->missing->host, &since, &e) != 0)
		log_err(LOG_WARN, "comparing with the forge", &e);
	/* What failed a moment before the last time was perhaps not listed yet. */
	since -= HOUR_MS;
	send_missed(c->missing, since > oldest ? since : oldest, is_known, on_missed, c);
}

static void
begin(struct reconcile *c)
{
	c->busy = true;
	c->bad = false;
	arena_clear(&c->a);
	c->installations.n = 0;
	c->missing = c->p.sender;
	ask_missed(c);
}

static void
tick(void *ctx)
{
	struct reconcile *c = ctx;

	if (c->closing || c->busy)
		return;
	if (send_was_away(c->p.sender)) {
		c->due_ms = 0;
		c->soon = true;
	}
	if (clock_mono_ms() >= c->due_ms)
		begin(c);
	else
		loop_timer_set(c->timer, c->due_ms - clock_mono_ms() < TICK_MS ? c->due_ms - clock_mono_ms() : TICK_MS);
}

int
reconcile_changed(void *ctx, int64_t installation, struct err *e)
{
	struct reconcile *c = ctx;
	int64_t n = 0;

	if (store_desired_take_up(c->p.store, installation, true, INT64_MAX, &n, e) != 0 ||
	    store_compared_forget(c->p.store, installation, e) != 0 || store_runs_hurry(c->p.store, installation, e) != 0 ||
	    run_again(c, installation, 0, INT64_MAX, e) != 0)
		return -1;
	if (n > 0)
		log_info("installation %" PRId64 " has changed: %" PRId64 " things that were refused are taken up",
		    installation, n);
	send_changed(c->p.sender, installation);
	flow_kick(c->flow);
	c->again = c->busy;
	c->soon = true;
	c->due_ms = 0;
	if (!c->busy)
		loop_timer_set(c->timer, FIRST_MS);
	return 0;
}

void
reconcile_metrics(const struct reconcile *c, struct buf *out)
{
	metric_one(out, METRIC_COMPARISONS, c->comparisons);
	metric_one(out, METRIC_COMPARED_FOUND, c->found);
}

struct reconcile *
reconcile_new(const struct bot_parts *parts, struct intake *intake, struct flow *flow)
{
	struct reconcile *c = mem_alloc(sizeof(*c));

	*c = (struct reconcile){.p = *parts, .intake = intake, .flow = flow, .soon = true};
	c->timer = loop_timer_new(parts->loop, "compare", tick, c);
	loop_timer_set(c->timer, FIRST_MS);
	intake_on_change(intake, reconcile_changed, c);
	return c;
}

static void
release(void *ctx)
{
	struct reconcile *c = ctx;

	map_release(&c->listed);
	vec_release(&c->repositories);
	arena_release(&c->of);
	arena_release(&c->a);
	mem_free(&c);
}

void
reconcile_free(struct reconcile *c)
{
	if (c == NULL)
		return;
	c->closing = true;
	loop_timer_free(c->timer);
	loop_put_off(c->p.loop, release, c);
}
