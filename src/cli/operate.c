/* The operator's commands. */
#include "cli/operate.h"

#include "cli/place.h"
#include "store/builds.h"
#include "store/overview.h"
#include "store/run.h"
#include "support/base/clock.h"
#include "support/text/escape.h"
#include "support/text/json.h"
#include "walk/trust.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MAX_EVENTS = 1000, MAX_BUILDS = 50, ALL = 1000000 /* of JSON */ };

struct operate {
	struct arena a;
	struct bot_place place;
	struct store *s;
	const char *verb, *what; /* NULL: only look */
	const char *head;        /* that was named, or NULL */
	bool json;
};

static const char *
safe(struct operate *o, const char *text)
{
	return escape_dup(&o->a, ESCAPE_TERMINAL, str_of(text != NULL ? text : ""));
}

/* --- run ----------------------------------------------------------------------------------------------------------- */

static const char *
run_name(struct operate *o, const struct view_run *r)
{
	const char *of = r->number > 0   ? arena_printf(&o->a, "#%" PRId64, r->number)
	                 : r->number < 0 ? arena_printf(&o->a, "#%" PRId64 " in the merge queue", -r->number)
	                                 : arena_printf(&o->a, " %s", r->base_ref);

	return safe(o, arena_printf(&o->a, "%s/%s%s", r->repository.owner, r->repository.name, of));
}

static int
print_builds(struct operate *o, int64_t run, struct err *e)
{
	struct view_build *builds;
	int64_t total;
	size_t n;

	if (view_run_builds(o->s, &o->a, run, MAX_BUILDS, &builds, &n, &total, e) != 0)
		return -1;
	if (total > 0)
		printf("\n%" PRId64 " builds%s\n", total, n < (size_t)total ? ", failures first" : "");
	for (size_t i = 0; i < n; i++)
		printf("  %-18s %s (%s)%s%s\n", builds[i].state, safe(o, builds[i].name), safe(o, builds[i].system),
		    builds[i].reason != NULL ? ": " : "", safe(o, builds[i].reason));
	return 0;
}

static int
print_run(struct operate *o, int64_t id, struct err *e)
{
	struct view_event *events;
	struct view_run r;
	size_t n;

	if (view_run(o->s, &o->a, id, &r, e) != 0 || view_run_events(o->s, &o->a, id, MAX_EVENTS, &events, &n, e) != 0)
		return -1;
	printf("run %" PRId64 " of %s, %.12s: %s%s%s\n", r.id, run_name(o, &r), r.head, r.state,
	    r.waiting != NULL ? ", waiting: " : "", safe(o, r.waiting));
	if (r.title != NULL)
		printf("%s%s%s\n", safe(o, r.title), r.verdict != NULL ? ": " : "", safe(o, r.verdict));
	if (r.superseded_by != 0)
		printf("superseded by run %" PRId64 "\n", r.superseded_by);
	putchar('\n');
	for (size_t i = 0; i < n; i++) {
		int64_t ms = events[i].at_ms - r.created_ms;
		printf("  %6" PRId64 ".%03d s  %-10s %s\n", ms / 1000, (int)(ms % 1000), events[i].to, safe(o, events[i].why));
	}
	return print_builds(o, id, e);
}

static json_t *
text_of(const char *s)
{
	return s != NULL ? json_any_string(str_of(s)) : json_null();
}

/* The same, whole, on one line. */
static int
print_run_json(struct operate *o, int64_t id, struct err *e)
{
	struct view_event *events;
	struct view_build *builds;
	struct view_run r;
	size_t n, n_builds;
	int64_t total;

	if (view_run(o->s, &o->a, id, &r, e) != 0 || view_run_events(o->s, &o->a, id, ALL, &events, &n, e) != 0 ||
	    view_run_builds(o->s, &o->a, id, ALL, &builds, &n_builds, &total, e) != 0)
		return -1;
	AUTO(json_drop)
	json_t *all = json_pack("{sI so so sI so so so ss so so so so sI sI so}", "run", r.id, "owner",
	    text_of(r.repository.owner), "repository", text_of(r.repository.name), "number", r.number, "base_ref",
	    text_of(r.base_ref), "head", text_of(r.head), "base", text_of(r.base), "state", r.state, "waiting",
	    text_of(r.waiting), "verdict", text_of(r.verdict), "title", text_of(r.title), "superseded_by",
	    r.superseded_by != 0 ? json_integer(r.superseded_by) : json_null(), "created_ms", r.created_ms, "updated_ms",
	    r.updated_ms, "ended_ms", r.ended_ms != 0 ? json_integer(r.ended_ms) : json_null());
	json_t *way = json_array(), *list = json_array();
	json_object_set_new(all, "events", way);
	json_object_set_new(all, "builds", list);
	for (size_t i = 0; i < n; i++)
		json_array_append_new(way, json_pack("{sI so so so}", "at_ms", events[i].at_ms, "from", text_of(events[i].from),
		                               "to", text_of(events[i].to), "why", text_of(events[i].why)));
	for (size_t i = 0; i < n_builds; i++)
		json_array_append_new(list,
		    json_pack("{so so so so so sI sb}", "drv", text_of(builds[i].drv), "name", text_of(builds[i].name),
		        "system", text_of(builds[i].system), "state", text_of(builds[i].state), "reason",
		        text_of(builds[i].reason), "wall_ms", builds[i].wall_ms, "target", builds[i].target));
	puts(json_line(&o->a, all));
	return 0;
}

/* --- commands ------------------------------------------------------------------------------------------------------ */

static int
command(struct operate *o, int64_t repository, int64_t number, const char *verb, const char *head, struct err *e)
{
	struct store_command c = {.repository = repository,
	    .number = number,
	    .operator= true,
	    .login = "the operator",
	    .verb = verb,
	    .words = "[]",
	    .head = head};

	if (store_command_add(o->s, &c, e) != 0)
		return -1;
	puts(place_wake(&o->place) ? "The bot has been told." : "The bot does not run now; it will obey when it starts.");
	return 0;
}

static int
command_run(struct operate *o, int64_t id, struct err *e)
{
	struct run r;
	int rc = store_run_get(o->s, &o->a, id, &r, e);

	if (rc != 0)
		return rc < 0 ? -1 : fail(e, ERR_ABSENT, "there is no run %" PRId64, id);
	return command(o, r.repository, r.number, o->verb, NULL, e);
}

static int
command_pull(struct operate *o, struct err *e)
{
	struct str number, name, owner = str_cut(str_cut(str_of(o->what), '#', &number), '/', &name);
	struct view_repository repo;
	struct pull_request pr;
	int64_t n;

	if (number.p == NULL || name.p == NULL || str_to_i64(number, &n) != 0 || n < 1)
		return fail(e, ERR_INPUT, "%s is not OWNER/REPO#NUMBER", safe(o, o->what));
	if (view_repository(o->s, &o->a, str_dup(&o->a, owner), str_dup(&o->a, name), &repo, e) != 0)
		return -1;
	int rc = store_pull_get(o->s, &o->a, repo.id, n, &pr, e);
	if (rc != 0)
		return rc < 0 ? -1 : fail(e, ERR_ABSENT, "nothing is known of %s", safe(o, o->what));
	/* What the operator is shown here is what is approved, whatever is pushed meanwhile. */
	const struct approval named = {.word = o->head, .said = INT64_MAX};
	enum approval_is is = o->head != NULL ? trust_approval(&named, &pr, 0) : APPROVAL_GOOD;
	if (is == APPROVAL_NONSENSE)
		return fail(e, ERR_INPUT, "%s is not the name of a commit, or less than 7 digits of it", safe(o, o->head));
	if (is != APPROVAL_GOOD)
		return fail(e, ERR_INPUT, "%s is not the head of %s, which is %s", safe(o, o->head), safe(o, o->what), pr.head);
	printf("The head is %s.\n", pr.head);
	return command(o, repo.id, n, o->verb, pr.head, e);
}

/* 1 when the bot has done it. */
static int
act(struct operate *o, const char *file, char *const *words, struct err *e)
{
	int64_t id;
	int rc = place_find(&o->a, file, words, &o->place, e);

	if (rc != 0)
		return rc;
	rc = o->verb == NULL ? store_open_to_look(o->place.db, &o->s, e) : store_open_beside(o->place.db, &o->s, e);
	if (rc == 0 && str_to_i64(str_of(o->what), &id) == 0)
		rc = o->verb != NULL ? command_run(o, id, e) : o->json ? print_run_json(o, id, e) : print_run(o, id, e);
	else if (rc == 0)
		rc = o->verb != NULL && strcmp(o->verb, "approve") == 0
		         ? command_pull(o, e)
		         : fail(e, ERR_INPUT, "%s is no number of a run", safe(o, o->what));
	store_close(o->s);
	return rc;
}

static int
operate(int argc, char **argv, const char *verb, const char *what)
{
	struct operate o = {.verb = verb};
	const char *file = NULL;
	struct err e = {0};
	const char *wrong = NULL;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--config") == 0 && i + 1 < argc)
			file = argv[++i];
		else if (verb == NULL && strcmp(argv[i], "--json") == 0)
			o.json = true;
		else if (o.what == NULL && argv[i][0] != '-')
			o.what = argv[i];
		else if (o.head == NULL && argv[i][0] != '-' && verb != NULL && strcmp(verb, "approve") == 0)
			o.head = argv[i];
		else
			wrong = argv[i];
	}
	if (wrong != NULL)
		fprintf(stderr, "ekaci %s: %s is one word too many\n", argv[0], wrong);
	else if (o.what == NULL)
		fprintf(stderr, "ekaci %s: which %s?\n", argv[0], what);
	if (wrong != NULL || o.what == NULL) {
		fprintf(stderr, "see ekaci %s --help\n", argv[0]);
		return 2;
	}
	int rc = act(&o, file, argv, &e);
	if (rc < 0)
		fprintf(stderr, "ekaci: %s\n", e.msg);
	int code = rc == 0 ? 0 : rc > 0 ? o.place.code : e.kind == ERR_ABSENT && o.place.db != NULL ? 1 : 2;
	arena_release(&o.a);
	return code;
}

int
operate_run(int argc, char **argv)
{
	return operate(argc, argv, NULL, "run");
}
int
operate_retry(int argc, char **argv)
{
	return operate(argc, argv, "rebuild", "run");
}
int
operate_cancel(int argc, char **argv)
{
	return operate(argc, argv, "cancel", "run");
}
int
operate_approve(int argc, char **argv)
{
	return operate(argc, argv, "approve", "pull request");
}
