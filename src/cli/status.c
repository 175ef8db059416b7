/* What runs, for whom, what waits and why, in words or JSON; or one build: its state, what it waits for, what comes before it. */
#include "cli/status.h"

#include "cli/place.h"
#include "queue/capacity.h"
#include "queue/replica.h"
#include "queue/why.h"
#include "records/run_state.h"
#include "store/desired.h"
#include "store/now.h"
#include "store/overview.h"
#include "support/base/clock.h"
#include "support/text/escape.h"
#include "support/text/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SHOWN = 50, SHOWN_PARKED = 20, ALL = 1000000 /* of JSON */ };

struct status {
	struct arena a;
	struct bot_place place;
	struct store *s;
	int64_t now;
	struct now_run *runs;
	size_t n_runs;
	int64_t all_runs;
	struct now_build *builds;
	size_t n_builds;
	struct now_queue *queues;
	size_t n_queues;
	struct now_budget *budgets;
	size_t n_budgets;
	struct desired_figures sends;
	struct desired_parked *parked;
	size_t n_parked;
	const char *no_room; /* why no build is begun, or NULL */
};

static const char *
safe(struct status *t, const char *text)
{
	return escape_dup(&t->a, ESCAPE_TERMINAL, str_of(text != NULL ? text : ""));
}

/* "org/demo#7", "org/demo#7 in the merge queue", "org/demo main" */
static const char *
whose(struct status *t, const char *owner, const char *name, int64_t number, const char *base_ref)
{
	const char *of = number > 0   ? arena_printf(&t->a, "#%" PRId64, number)
	                 : number < 0 ? arena_printf(&t->a, "#%" PRId64 " in the merge queue", -number)
	                              : arena_printf(&t->a, " %s", base_ref);

	return arena_printf(&t->a, "%s/%s%s", owner, name, of);
}

static const char *
span(struct status *t, int64_t ms)
{
	int64_t s = ms > 0 ? ms / 1000 : 0;

	return s < 120    ? arena_printf(&t->a, "%" PRId64 " s", s)
	       : s < 7200 ? arena_printf(&t->a, "%" PRId64 " min", s / 60)
	                  : arena_printf(&t->a, "%" PRId64 " h %" PRId64 " min", s / 3600, s / 60 % 60);
}

static int
gather(struct status *t, bool all, struct err *e)
{
	size_t shown = all ? ALL : SHOWN;

	t->now = clock_now_ms();
	t->no_room = capacity_no_room(&t->a, &t->place.c);
	if (now_runs(t->s, &t->a, shown, &t->runs, &t->n_runs, &t->all_runs, e) != 0 ||
	    now_builds(t->s, &t->a, shown, &t->builds, &t->n_builds, e) != 0 ||
	    now_queues(t->s, &t->a, &t->queues, &t->n_queues, e) != 0 ||
	    now_budgets(t->s, &t->a, t->now, &t->budgets, &t->n_budgets, e) != 0 ||
	    store_desired_figures(t->s, &t->sends, e) != 0)
		return -1;
	return store_desired_list_parked(t->s, &t->a, all ? ALL : SHOWN_PARKED, &t->parked, &t->n_parked, e);
}

/* --- in words ------------------------------------------------------------------------------------------------------ */

static void
say_runs(struct status *t)
{
	printf("\n%" PRId64 " %s under way\n", t->all_runs, t->all_runs == 1 ? "run" : "runs");
	for (size_t i = 0; i < t->n_runs; i++) {
		const struct now_run *r = &t->runs[i];
		const char *doing = run_state_doing(run_state_of(r->state));
		printf("  run %" PRId64 "  %s%s%s  %s, for %s\n", r->id,
		    safe(t, whose(t, r->owner, r->name, r->number, r->base_ref)), r->author != NULL ? " by " : "",
		    safe(t, r->author), doing, span(t, t->now - r->since_ms));
		if (r->open_builds > 0)
			printf("    %" PRId64 " of %" PRId64 " builds are left\n", r->open_builds, r->builds);
		if (r->waiting != NULL)
			printf("    waits: %s\n", safe(t, r->waiting));
		if (r->not_before_ms > t->now)
			printf("    tried again in %s\n", span(t, r->not_before_ms - t->now));
	}
	if (t->n_runs < (size_t)t->all_runs)
		printf("  and %" PRId64 " more\n", t->all_runs - (int64_t)t->n_runs);
}

static void
say_queue(struct status *t, const struct now_queue *q)
{
	printf("  %s: %" PRId64 " being built, %" PRId64 " may start, %" PRId64 " wait for what they need\n",
	    safe(t, q->system), q->building, q->queued, q->waiting);
	if (q->queued > 0)
		printf("    what may start waits since %s at most: %s\n", span(t, t->now - q->oldest_ms),
		    t->no_room != NULL ? safe(t, t->no_room)
		    : t->place.runs    ? "every slot that could build it is taken (ekaci status --why DRV tells of one build)"
		                       : "the bot does not run");
	if (q->put_back > 0)
		printf("    %" PRId64 " put back, the first for another %s: %s\n", q->put_back, span(t, q->next_ms - t->now),
		    q->reason != NULL ? safe(t, q->reason) : "tried again");
}

static void
say_builds(struct status *t)
{
	int64_t open = 0;

	for (size_t i = 0; i < t->n_queues; i++)
		open += t->queues[i].building + t->queues[i].queued + t->queues[i].put_back + t->queues[i].waiting;
	printf("\n%" PRId64 " %s open\n", open, open == 1 ? "build" : "builds");
	for (size_t i = 0; i < t->n_queues; i++)
		say_queue(t, &t->queues[i]);
	for (size_t i = 0; i < t->n_builds; i++) {
		const struct now_build *b = &t->builds[i];
		printf("  building %s (%s) for %s", safe(t, b->name), safe(t, b->system), span(t, t->now - b->started_ms));
		if (b->builder != NULL)
			printf(" on %s", safe(t, b->builder));
		if (b->expected_ms > 0)
			printf(" of some %s", span(t, b->expected_ms));
		if (b->owner != NULL)
			printf(", wanted by run %" PRId64 " of %s", b->run,
			    safe(t, whose(t, b->owner, b->repo, b->number, b->base_ref)));
		putchar('\n');
	}
}

/* What stands at the forge, or not yet. */
static void
say_forge(struct status *t)
{
	putchar('\n');
	if (t->sends.open == 0)
		puts("nothing waits to be sent to the forge");
	else
		printf("%" PRId64 " %s to be sent to the forge, the oldest for %s\n", t->sends.open,
		    t->sends.open == 1 ? "thing waits" : "things wait", span(t, t->now - t->sends.oldest_ms));
	for (size_t i = 0; i < t->n_budgets; i++) {
		const struct now_budget *b = &t->budgets[i];
		printf("  %s: %" PRId64 " writes in the last hour",
		    safe(t, b->account != NULL ? b->account : "an installation"), b->writes);
		if (b->until_ms > 0)
			printf("; it told us to wait for another %s", span(t, b->until_ms - t->now));
		putchar('\n');
	}
	if (t->sends.parked == 0)
		return;
	printf("%" PRId64
	       " %s parked, because the forge refuses %s; tried again when it is given a permission, and every hour:\n",
	    t->sends.parked, t->sends.parked == 1 ? "thing is" : "things are", t->sends.parked == 1 ? "it" : "them");
	for (size_t i = 0; i < t->n_parked; i++) {
		const struct desired_parked *p = &t->parked[i];
		printf("  %s/%s %s, for %s: %s\n", safe(t, p->owner), safe(t, p->repo), safe(t, p->key),
		    span(t, t->now - p->since_ms), safe(t, p->error));
	}
}

static void
say(struct status *t)
{
	int64_t pid = place_holder(t->place.c.state.dir);

	if (pid != 0)
		printf("The bot runs (process %" PRId64 "), its state is in %s.\n", pid, safe(t, t->place.c.state.dir));
	else
		printf("The bot does not run; its state is in %s.\n", safe(t, t->place.c.state.dir));
	if (t->no_room != NULL)
		printf("No build is begun: %s\n", safe(t, t->no_room));
	say_runs(t);
	say_builds(t);
	say_forge(t);
}

/* --- in JSON ------------------------------------------------------------------------------------------------------- */

static json_t *
text(const char *s)
{
	return s != NULL ? json_any_string(str_of(s)) : json_null();
}

static json_t *
time_or_null(int64_t ms)
{
	return ms > 0 ? json_integer(ms) : json_null();
}

static json_t *
json_runs(const struct status *t)
{
	json_t *all = json_array();

	for (size_t i = 0; i < t->n_runs; i++) {
		const struct now_run *r = &t->runs[i];
		json_array_append_new(all,
		    json_pack("{sI so so sI so so so ss so sI sI so sI sI}", "run", r->id, "owner", text(r->owner),
		        "repository", text(r->name), "number", r->number, "base_ref", text(r->base_ref), "head", text(r->head),
		        "author", text(r->author), "state", r->state, "waiting", text(r->waiting), "created_ms", r->created_ms,
		        "since_ms", r->since_ms, "not_before_ms", time_or_null(r->not_before_ms), "builds", r->builds,
		        "open_builds", r->open_builds));
	}
	return all;
}

static json_t *
json_builds(const struct status *t)
{
	json_t *all = json_array();

	for (size_t i = 0; i < t->n_builds; i++) {
		const struct now_build *b = &t->builds[i];
		json_array_append_new(all,
		    json_pack("{so so so so sI so so so so sI}", "builder", text(b->builder), "drv", text(b->drv), "name",
		        text(b->name), "system", text(b->system), "started_ms", b->started_ms, "expected_ms",
		        time_or_null(b->expected_ms), "run", time_or_null(b->run), "owner", text(b->owner), "repository",
		        text(b->repo), "number", b->number));
	}
	return all;
}

static json_t *
json_queues(const struct status *t)
{
	json_t *all = json_array();

	for (size_t i = 0; i < t->n_queues; i++) {
		const struct now_queue *q = &t->queues[i];
		json_array_append_new(all,
		    json_pack("{so sI sI sI sI so so so}", "system", text(q->system), "building", q->building, "may_start",
		        q->queued, "put_back", q->put_back, "waiting", q->waiting, "oldest_ms", time_or_null(q->oldest_ms),
		        "next_ms", time_or_null(q->next_ms), "reason", text(q->reason)));
	}
	return all;
}

static json_t *
json_forge(const struct status *t)
{
	json_t *parked = json_array(), *budgets = json_array();

	for (size_t i = 0; i < t->n_parked; i++) {
		const struct desired_parked *p = &t->parked[i];
		json_array_append_new(parked,
		    json_pack("{so so so sI so}", "owner", text(p->owner), "repository", text(p->repo), "key", text(p->key),
		        "since_ms", p->since_ms, "error", text(p->error)));
	}
	for (size_t i = 0; i < t->n_budgets; i++) {
		const struct now_budget *b = &t->budgets[i];
		json_array_append_new(budgets,
		    json_pack("{sI so sI so}", "installation", b->installation, "account", text(b->account), "writes_last_hour",
		        b->writes, "wait_until_ms", time_or_null(b->until_ms)));
	}
	return json_pack("{sI so sI so so}", "to_send", t->sends.open, "oldest_ms", time_or_null(t->sends.oldest_ms), "parked",
	    t->sends.parked, "parked_list", parked, "budgets", budgets);
}

static void
say_json(struct status *t)
{
	int64_t pid = place_holder(t->place.c.state.dir);
	AUTO(json_drop)
	json_t *all = json_pack("{sb so so sI so sI so so so so}", "running", pid != 0, "process", time_or_null(pid),
	    "state_dir", text(t->place.c.state.dir), "now_ms", t->now, "no_room", text(t->no_room), "runs_under_way",
	    t->all_runs, "runs", json_runs(t), "building", json_builds(t), "queues", json_queues(t), "forge", json_forge(t));

	puts(json_line(&t->a, all));
}

/* --- one build ----------------------------------------------------------------------------------------------------- */

static int
say_none(const char *drv)
{
	fprintf(stderr, "ekaci: no run wanted %s built\n", drv);
	return 1;
}

static int
fill(struct store *s, struct arena *a, const struct settings *c, struct queue **ret, struct err *e)
{
	const struct machine *machines;
	size_t n;
	struct queue *q;

	if (capacity_machines(a, c, &machines, &n, e) != 0)
		return -1;
	q = queue_new(clock_now_ms());
	queue_machines(q, machines, n);
	if (replica_load(q, s, clock_now_ms(), e) != 0) {
		queue_free(q);
		return -1;
	}
	*ret = q;
	return 0;
}

static void
print_end(const struct view_build *b)
{
	printf("%s: %s", b->drv, b->state);
	if (b->wall_ms > 0)
		printf(" after %" PRId64 " s", (b->wall_ms + 999) / 1000);
	if (b->propagated_from != NULL)
		printf(", because of %s", b->propagated_from);
	printf("%s%s\n", b->reason != NULL ? ": " : "", b->reason != NULL ? b->reason : "");
}

static int
why(struct store *s, struct arena *a, const struct settings *c, const char *drv, struct err *e)
{
	AUTO(buf_release) struct buf out = {0};
	struct view_build b;
	struct queue *q = NULL;

	if (view_build(s, a, drv, &b, e) != 0)
		return e->kind != ERR_ABSENT ? -1 : say_none(drv);
	if (!build_state_is_open(build_state_of(b.state))) {
		print_end(&b);
		return 0;
	}
	if (fill(s, a, c, &q, e) != 0)
		return -1;
	buf_init(&out, 64 * 1024);
	queue_explain(q, b.id, clock_now_ms(), &out);
	printf("%s (%s): %s\n%s", b.drv, b.system, b.state, out.p);
	queue_free(q);
	return 0;
}

static int
look(struct status *t, const char *file, char *const *words, bool as_json, const char *drv, struct err *e)
{
	int rc = place_find(&t->a, file, words, &t->place, e);

	if (rc != 0)
		return rc < 0 ? -1 : t->place.code;
	if (store_open_to_look(t->place.db, &t->s, e) != 0)
		return -1;
	if (drv != NULL) {
		rc = why(t->s, &t->a, &t->place.c, drv, e);
	} else if ((rc = gather(t, as_json, e)) == 0) {
		if (as_json)
			say_json(t);
		else
			say(t);
	}
	store_close(t->s);
	return rc;
}

static int
wrong(const char *before, const char *word, const char *behind)
{
	fprintf(stderr, "ekaci status: %s%s%s\nsee ekaci status --help\n", before, word, behind);
	return 2;
}

int
status_main(int argc, char **argv)
{
	const char *file = NULL, *drv = NULL;
	struct status t = {0};
	bool as_json = false;
	struct err e = {0};

	for (int i = 1; i < argc; i++) {
		bool config = strcmp(argv[i], "--config") == 0, why_one = strcmp(argv[i], "--why") == 0;
		if (strcmp(argv[i], "--json") == 0) {
			as_json = true;
			continue;
		}
		if (!config && !why_one)
			return wrong("there is no option ", argv[i], "");
		if (i + 1 >= argc)
			return wrong("", argv[i], " wants a value");
		i++;
		if (config)
			file = argv[i];
		else
			drv = argv[i][0] == '/' ? argv[i] : arena_printf(&t.a, "/nix/store/%s", argv[i]);
	}
	int rc = look(&t, file, argv, as_json, drv, &e);
	if (rc < 0)
		fprintf(stderr, "ekaci: %s\n", e.msg);
	arena_release(&t.a);
	return rc < 0 ? 2 : rc;
}
