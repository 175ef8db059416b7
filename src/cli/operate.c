/* The operator's commands. */
#include "cli/operate.h"

#include "cli/place.h"
#include "store/builds.h"
#include "store/overview.h"
#include "store/run.h"
#include "support/base/clock.h"
#include "support/text/escape.h"
#include "support/text/json.h"
#include "walk/giving.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MAX_EVENTS = 1000, MAX_BUILDS = 50, ALL = 1000000 /* of JSON */ };

struct operate {
	struct arena a;
	struct bot_place place;
	struct store *s;
	const char *verb, *words, *what; /* verb NULL: only look */
	const char *head;                /* that was named, or NULL */
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

int
operate_read_pull(struct arena *a, const char *text, struct order *ret, struct err *e)
{
	struct str number, name, owner = str_cut(str_cut(str_of(text), '#', &number), '/', &name);

	if (number.p == NULL || name.p == NULL || owner.n == 0 || name.n == 0 || str_to_i64(number, &ret->number) != 0 ||
	    ret->number < 1)
		return fail(e, ERR_INPUT, "%s is not OWNER/REPO#NUMBER", escape_dup(a, ESCAPE_TERMINAL, str_of(text)));
	ret->owner = str_dup(a, owner);
	ret->repository = str_dup(a, name);
	return 0;
}

void
operate_say(const struct order_given *done)
{
	if (done->head != NULL)
		printf("The head is %s.\n", done->head);
	puts(done->told ? "The bot has been told." : "The bot does not run now; it will obey when it starts.");
}

/* --- commands ------------------------------------------------------------------------------------------------------ */

/* "OWNER/REPO#NUMBER" */
static int
read_pull(struct operate *o, struct order *ret, struct err *e)
{
	if (operate_read_pull(&o->a, o->what, ret, e) != 0)
		return -1;
	ret->head = o->head;
	return 0;
}

static int
give(struct operate *o, struct err *e)
{
	struct order order = {.verb = o->verb, .words = o->words};
	struct order_given done;
	char *line;

	if (strcmp(o->verb, "approve") != 0 ? str_to_i64(str_of(o->what), &order.run) != 0 || order.run < 1 : false)
		return fail(e, ERR_INPUT, "%s is no number of a run", safe(o, o->what));
	if (order.run == 0 && read_pull(o, &order, e) != 0)
		return -1;
	if (order_give(o->s, &o->a, &order, &done, e) != 0)
		return -1;
	done.told = place_wake(&o->place);
	if (o->json && fields_line(&order_given_fields, &o->a, &done, &line, e) != 0)
		return -1;
	if (o->json)
		puts(line);
	else
		operate_say(&done);
	return 0;
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
	if (rc == 0 && o->verb != NULL)
		rc = give(o, e);
	else if (rc == 0 && str_to_i64(str_of(o->what), &id) == 0)
		rc = o->json ? print_run_json(o, id, e) : print_run(o, id, e);
	else if (rc == 0)
		rc = fail(e, ERR_INPUT, "%s is no number of a run", safe(o, o->what));
	store_close(o->s);
	return rc;
}

static int
operate(int argc, char **argv, const char *verb, const char *words, const char *what)
{
	struct operate o = {.verb = verb, .words = words};
	const char *file = NULL;
	struct err e = {0};
	const char *wrong = NULL;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--config") == 0 && i + 1 < argc)
			file = argv[++i];
		else if (strcmp(argv[i], "--json") == 0)
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
	return operate(argc, argv, NULL, NULL, "run");
}
int
operate_retry(int argc, char **argv)
{
	return operate(argc, argv, "rebuild", "[]", "run");
}
int
operate_rebuild(int argc, char **argv)
{
	return operate(argc, argv, "rebuild", "[\"all\"]", "run");
}
int
operate_cancel(int argc, char **argv)
{
	return operate(argc, argv, "cancel", "[]", "run");
}
int
operate_approve(int argc, char **argv)
{
	return operate(argc, argv, "approve", "[]", "pull request");
}
