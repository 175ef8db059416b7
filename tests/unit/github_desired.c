/* Rows of desired state: upserts collapse, doubts last, the order of sending. */
#include "forge/github/budget.h"
#include "store/db.h"
#include "store/desired.h"
#include "store/pace.h"
#include "store/prune.h"
#include "support/os/files.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct desired_repository demo = {.installation = 7, .id = 70, .owner = "org", .name = "demo"};
#define NAME "\"name\":\"ekaci / rebuilds\","
static const int64_t LATE = INT64_MAX / 2;

struct world {
	char dir[64];
	const char *path;
	struct store *s;
	struct arena a;
};

static void
open_it(struct world *w)
{
	struct err e;

	if (store_open(w->path, &w->s, &e) != 0)
		fail_msg("%s", e.msg);
}

static int
set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	snprintf(w->dir, sizeof(w->dir), "/tmp/ekaci-desired-XXXXXX");
	if (mkdtemp(w->dir) == NULL)
		return -1;
	w->path = arena_printf(&w->a, "%s/db", w->dir);
	open_it(w);
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;
	struct err e;
	int rc;

	store_close(w->s);
	rc = files_remove_tree(w->dir, &e);
	arena_release(&w->a);
	free(w);
	return rc;
}

#define good(call)                             \
	do {                                   \
		struct err e = {0};            \
		if ((call) != 0)               \
			fail_msg("%s", e.msg); \
	} while (0)

static void
want_check(struct world *w, const char *wanted)
{
	struct wish_check check;

	good(fields_read(&wish_check_fields, &w->a, str_of(wanted), "test", &check, &e));
	check.head = "abc";
	good(store_want_check(w->s, &demo, &check, &e));
}

static struct desired
next(struct world *w)
{
	struct desired d = {0};

	good(store_desired_next(w->s, &w->a, 7, LATE, URGENCY_PROGRESS, &d, &e));
	return d;
}

static bool
none_left(struct world *w)
{
	struct desired d;
	struct err e;

	return store_desired_next(w->s, &w->a, 7, LATE, URGENCY_PROGRESS, &d, &e) == 1;
}

/* As earlier versions wrote it: otherwise everything that stands at GitHub would be sent once more after an upgrade. */
static void
wishes_are_the_text_they_always_were(void **state)
{
	static const char bytes[] = "\xc3\xa4 \"q\" \\ / \n\t\b\x01\x7f \xff.";
	const char *names[] = {"a", "ekaci: 1-10"};
	struct wish_annotation annotation =
	    {.path = "a.nix", .start_line = 3, .end_line = 3, .annotation_level = "failure", .title = "t", .message = "m"};
	struct wish_action action = {.label = "Approve", .description = "Build", .identifier = "approve"};
	struct wish_check check = {.head = "abc",
	    .name = "n",
	    .status = "completed",
	    .conclusion = "failure",
	    .title = "t",
	    .summary = "s",
	    .text = "",
	    .annotations = {&annotation, 1},
	    .actions = {&action, 1},
	    .details_url = "u",
	    .external_id = "run/5/n",
	    .started_at = 1760000000000,
	    .completed_at = 1760000000001,
	    .restart = 5};
	struct world *w = *state;

	good(store_want_check(w->s, &demo, &check, &e));
	assert_string_equal(next(w).wanted,
	    "{\"actions\":[{\"description\":\"Build\",\"identifier\":\"approve\",\"label\":\"Approve\"}],"
	    "\"annotations\":[{\"annotation_level\":\"failure\",\"end_line\":3,\"message\":\"m\",\"path\":\"a.nix\","
	    "\"start_line\":3,\"title\":\"t\"}],\"completed_at\":1760000000001,\"conclusion\":\"failure\","
	    "\"details_url\":\"u\",\"external_id\":\"run/5/n\",\"head\":\"abc\",\"name\":\"n\",\"restart\":5,"
	    "\"started_at\":1760000000000,\"status\":\"completed\",\"summary\":\"s\",\"text\":\"\",\"title\":\"t\"}");
	good(store_desired_posted(w->s, next(w).id, 1, 1, "{}", &e));
	good(store_want_comment(w->s, &demo, 12, "<!-- m -->", str_of(bytes), &e));
	assert_string_equal(next(w).wanted,
	    "{\"body\":\"\xc3\xa4 \\\"q\\\" \\\\ / \\n\\t\\b\\u0001\x7f \xef\xbf\xbd.\",\"marker\":\"<!-- m -->\",\"number\":12}");
	good(store_desired_posted(w->s, next(w).id, 1, 1, "{}", &e));
	const struct wish_labels labels = {.number = 12, .wanted = {names + 1, 1}, .known = {names, 2}};
	good(store_want_labels(w->s, &demo, &labels, &e));
	assert_string_equal(next(w).wanted, "{\"known\":[\"a\",\"ekaci: 1-10\"],\"number\":12,\"wanted\":[\"ekaci: 1-10\"]}");
	good(store_desired_posted(w->s, next(w).id, 1, 1, "{}", &e));
	good(store_want_reaction(w->s, &demo, 5, "eyes", &e));
	assert_string_equal(next(w).wanted, "{\"comment_id\":5,\"content\":\"eyes\"}");
}

static void
equal_states_do_not_raise_the_generation(void **state)
{
	struct world *w = *state;

	want_check(w, "{" NAME "\"status\":\"queued\",\"title\":\"t\"}");
	assert_int_equal(next(w).generation, 1);
	want_check(w, "{" NAME "\"title\":\"t\",\"status\":\"queued\"}");
	assert_int_equal(next(w).generation, 1);
	want_check(w, "{" NAME "\"title\":\"t\",\"status\":\"in_progress\"}");
	struct desired d = next(w);
	assert_int_equal(d.generation, 2);
	assert_string_equal(d.key, "check/70/abc/ekaci / rebuilds");
	assert_string_equal(d.wanted,
	    "{\"head\":\"abc\",\"name\":\"ekaci / rebuilds\",\"status\":\"in_progress\",\"title\":\"t\"}");
	good(store_desired_posted(w->s, d.id, 2, 99, "{}", &e));
	assert_true(none_left(w));
	want_check(w, "{" NAME "\"title\":\"t\",\"status\":\"in_progress\"}");
	assert_true(none_left(w));
}

static void
a_newer_state_stays_open_when_the_older_is_posted(void **state)
{
	struct world *w = *state;

	want_check(w, "{" NAME "\"status\":\"queued\"}");
	struct desired d = next(w);
	want_check(w, "{" NAME "\"status\":\"completed\"}");
	good(store_desired_posted(w->s, d.id, d.generation, 99, "{}", &e));
	d = next(w);
	assert_int_equal(d.generation, 2);
	assert_int_equal(d.posted, 1);
	assert_int_equal(d.remote_id, 99);
}

static void
what_is_parked_is_taken_up(void **state)
{
	struct world *w = *state;
	struct desired_figures f;
	struct desired_parked *parked;
	size_t n_parked;
	int64_t n;

	want_check(w, "{" NAME "\"status\":\"queued\"}");
	good(store_desired_refused(w->s, next(w).id, 1, "no", &e));
	assert_int_equal(next(w).refusals, 1);
	good(store_desired_parked(w->s, next(w).id, 1, "no, again", &e));
	good(store_desired_figures(w->s, &f, &e));
	assert_int_equal(f.open, 0);
	assert_int_equal(f.parked, 1);
	good(store_desired_list_parked(w->s, &w->a, 10, &parked, &n_parked, &e));
	assert_int_equal(n_parked, 1);
	assert_string_equal(parked[0].error, "no, again");
	good(store_desired_take_up(w->s, 4711, true, 10, &n, &e));
	assert_int_equal(n, 0);
	good(store_desired_take_up(w->s, 0, false, 10, &n, &e));
	assert_int_equal(n, 1);
	assert_int_equal(next(w).refusals, 2);
	good(store_desired_parked(w->s, next(w).id, 1, "no", &e));
	good(store_desired_take_up(w->s, 0, true, 10, &n, &e));
	assert_int_equal(next(w).refusals, 0);
}

static void
what_is_given_up_is_open_again_when_it_changes(void **state)
{
	struct world *w = *state;
	struct desired_figures f;

	want_check(w, "{" NAME "\"status\":\"queued\"}");
	good(store_desired_given_up(w->s, next(w).id, 1, "no", &e));
	assert_true(none_left(w));
	good(store_desired_figures(w->s, &f, &e));
	assert_int_equal(f.given_up, 1);
	assert_int_equal(f.open, 0);
	want_check(w, "{" NAME "\"status\":\"completed\"}");
	assert_int_equal(next(w).generation, 2);
}

static void
a_doubt_survives_closing_and_is_settled_by_a_record(void **state)
{
	struct world *w = *state;
	struct desired d;

	want_check(w, "{" NAME "\"status\":\"queued\"}");
	good(store_desired_doubt(w->s, next(w).id, 0, "{\"pending\":[]}", 77, &e));
	good(store_desired_later(w->s, next(w).id, 5, "lost", &e));
	store_close(w->s);
	open_it(w);
	d = next(w);
	assert_true(d.in_doubt);
	assert_int_equal(d.attempts, 1);
	assert_int_equal(d.remote_id, 0);
	assert_string_equal(d.remote, "{\"pending\":[]}");
	good(store_desired_remember(w->s, d.id, 12, "{}", &e));
	d = next(w);
	assert_false(d.in_doubt);
	assert_int_equal(d.remote_id, 12);
}

static void
who_waits_most_goes_first_and_not_before_its_time(void **state)
{
	static const char *const order[] = {"reply", "reaction", "labels", "comment", "check"};
	struct world *w = *state;
	const char *none[1] = {0};
	const struct wish_labels labels = {.number = 1, .wanted = {none, 0}, .known = {none, 0}};

	good(store_want_labels(w->s, &demo, &labels, &e));
	good(store_want_comment(w->s, &demo, 1, "<!-- m -->", STR("one"), &e));
	good(store_want_reply(w->s, &demo, 1, "<!-- r -->", STR("no"), &e));
	want_check(w, "{" NAME "\"status\":\"queued\"}");
	good(store_want_reaction(w->s, &demo, 5, "eyes", &e));
	for (size_t i = 0; i < COUNT(order); i++) {
		struct desired d = next(w);
		assert_string_equal(d.kind, order[i]);
		if (i == 1) {
			struct desired early;
			struct err e2;
			good(store_desired_later(w->s, d.id, 1000, "not now", &e));
			assert_int_equal(store_desired_next(w->s, &w->a, 7, 999, URGENCY_PROGRESS, &early, &e2), 0);
			assert_string_equal(early.kind, "labels");
			assert_int_equal(store_desired_next(w->s, &w->a, 7, 1000, URGENCY_PROGRESS, &early, &e2), 0);
			assert_string_equal(early.kind, "reaction");
		}
		good(store_desired_posted(w->s, d.id, d.generation, 1, "{}", &e));
	}
	assert_true(none_left(w));
}

/* Progress waits for its time and for everybody else; what is concluded waits for neither. */
/* Checks of attributes that are concluded do not keep the whole's from being told. */
static void
a_part_is_concluded_behind_the_whole(void **state)
{
	struct world *w = *state;
	struct wish_check part = {.head = "abc", .name = "ekaci / a (s-1)", .status = "completed", .conclusion = "success"};

	good(store_want_part_check(w->s, &demo, &part, &e));
	assert_int_equal(next(w).urgency, URGENCY_FIRST);
	want_check(w, "{" NAME "\"status\":\"completed\",\"conclusion\":\"success\"}");
	assert_non_null(strstr(next(w).wanted, "ekaci / rebuilds"));
	assert_int_equal(next(w).urgency, URGENCY_CONCLUSION);
}

static void
progress_is_last_and_quiet(void **state)
{
	struct world *w = *state;
	struct desired_due *due;
	struct desired d;
	struct err e2;
	size_t n;

	want_check(w, "{" NAME "\"status\":\"queued\"}");
	d = next(w);
	assert_int_equal(d.urgency, URGENCY_FIRST);
	good(store_desired_quiet(w->s, d.id, 5000, &e));
	good(store_desired_posted(w->s, d.id, d.generation, 1, "{}", &e));
	want_check(w, "{" NAME "\"status\":\"in_progress\"}");
	assert_int_equal(store_desired_next(w->s, &w->a, 7, 4999, URGENCY_PROGRESS, &d, &e2), 1);
	good(store_desired_due(w->s, &w->a, 0, &due, &n, &e));
	assert_int_equal(due[0].at_ms, 5000);
	assert_int_equal(store_desired_next(w->s, &w->a, 7, 5000, URGENCY_PROGRESS, &d, &e2), 0);
	assert_int_equal(d.urgency, URGENCY_PROGRESS);
	good(store_want_comment(w->s, &demo, 1, "<!-- m -->", STR("one"), &e));
	assert_string_equal(next(w).kind, "comment");
	want_check(w, "{" NAME "\"status\":\"completed\",\"conclusion\":\"success\"}");
	assert_int_equal(store_desired_next(w->s, &w->a, 7, 1, URGENCY_PROGRESS, &d, &e2), 0);
	assert_string_equal(d.kind, "check");
	assert_int_equal(d.urgency, URGENCY_CONCLUSION);
	good(store_desired_posted(w->s, d.id, d.generation, 1, "{}", &e));
	/* A new run of the same head begins with a first report. */
	want_check(w, "{" NAME "\"status\":\"queued\",\"restart\":2}");
	good(store_want_last_comment(w->s, &demo, 1, "<!-- m -->", STR("all"), &e));
	d = next(w);
	assert_string_equal(d.kind, "comment");
	assert_int_equal(d.urgency, URGENCY_CONCLUSION);
	good(store_desired_posted(w->s, d.id, d.generation, 1, "{}", &e));
	want_check(w, "{" NAME "\"status\":\"in_progress\",\"restart\":2}");
	assert_int_equal(next(w).urgency, URGENCY_FIRST);
}

/* What went back to what stands there makes no request; while it is being written nobody knows what stands there. */
static void
what_stands_there_is_not_written_again(void **state)
{
	struct world *w = *state;
	struct desired d;

	want_check(w, "{" NAME "\"status\":\"queued\"}");
	d = next(w);
	good(store_desired_posted(w->s, d.id, d.generation, 1, "{}", &e));
	want_check(w, "{" NAME "\"status\":\"in_progress\"}");
	want_check(w, "{" NAME "\"status\":\"queued\"}");
	assert_true(none_left(w));
	want_check(w, "{" NAME "\"status\":\"in_progress\"}");
	d = next(w);
	good(store_desired_sending(w->s, d.id, 1, &e));
	want_check(w, "{" NAME "\"status\":\"queued\"}");
	assert_false(none_left(w));
	good(store_desired_posted(w->s, d.id, d.generation, 1, "{}", &e));
	d = next(w); /* the newer one */
	good(store_desired_posted(w->s, d.id, d.generation, 1, "{}", &e));
	assert_true(none_left(w));
}

static void
a_reply_is_read_again(void **state)
{
	struct world *w = *state;
	const char *is;

	good(store_reply_wanted(w->s, &w->a, demo.id, 1, "<!-- r -->", &is, &e));
	assert_null(is);
	good(store_want_reply(w->s, &demo, 1, "<!-- r -->", STR("no"), &e));
	good(store_reply_wanted(w->s, &w->a, demo.id, 1, "<!-- r -->", &is, &e));
	assert_string_equal(is, "no");
}

static void
pace_outlives_us(void **state)
{
	struct world *w = *state;
	int64_t until, at[3];
	size_t n;

	good(store_pace_until(w->s, 7, &until, &e));
	assert_int_equal(until, 0);
	good(store_pace_wait(w->s, 7, 1000, &e));
	good(store_pace_wait(w->s, 7, 2000, &e));
	for (int64_t i = 1; i <= 5; i++)
		good(store_pace_wrote(w->s, 7, i * 10, 20, &e));
	store_close(w->s);
	open_it(w);
	good(store_pace_until(w->s, 7, &until, &e));
	assert_int_equal(until, 2000);
	good(store_pace_writes(w->s, 7, 3, at, &n, &e));
	assert_int_equal(n, 3);
	assert_int_equal(at[0], 30);
	assert_int_equal(at[2], 50);
	good(store_pace_writes(w->s, 8, 3, at, &n, &e));
	assert_int_equal(n, 0);
}

/* A part of GitHub's limits is progress's; the rest is kept for others. */
static void
budget_keeps_a_reserve(void **state)
{
	struct budget b = {.a_minute = BUDGET_A_MINUTE, .an_hour = BUDGET_AN_HOUR};
	int64_t now = 1000000;
	int i;

	(void)state;
	assert_int_equal(budget_room(&b, now), BUDGET_AN_HOUR * 3 / 5);
	for (i = 0; budget_wait_ms(&b, true, now) == 0; i++)
		budget_spend(&b, now);
	assert_int_equal(i, BUDGET_A_MINUTE / 2);
	for (; budget_wait_ms(&b, false, now) == 0; i++)
		budget_spend(&b, now);
	assert_int_equal(i, BUDGET_A_MINUTE);
	assert_int_equal(budget_wait_ms(&b, false, now), 61000);
	for (; budget_wait_ms(&b, false, now) < 100000; i++)
		budget_spend(&b, now += 1000);
	assert_int_equal(i, BUDGET_AN_HOUR);
	assert_int_equal(budget_used(&b, now), BUDGET_AN_HOUR);
	assert_int_equal(budget_room(&b, now), 0);
	assert_true(budget_quiet_ms(&b, 10000, now) > 200000);
	assert_int_equal(budget_wait_ms(&b, false, 1000000 + 3601 * 1000), 0);
	assert_true(budget_wait_ms(&b, true, 1000000 + 3601 * 1000) > 0);
	assert_int_equal(budget_used(&b, now + 3601 * 1000), 0);
	assert_int_equal(budget_quiet_ms(&b, 10000, now + 3601 * 1000), 10000);
	assert_int_equal(budget_wait_ms(&b, false, 0), 3601 * 1000); /* a clock that was set back */
}

static void
due_names_each_installation_once(void **state)
{
	struct world *w = *state;
	struct desired_repository other = demo;
	struct desired_due *due;
	size_t n;

	other.installation = 8;
	other.id = 80;
	good(store_want_reaction(w->s, &demo, 1, "eyes", &e));
	good(store_want_reaction(w->s, &demo, 2, "eyes", &e));
	good(store_want_reaction(w->s, &other, 3, "eyes", &e));
	good(store_desired_later(w->s, next(w).id, 500, "x", &e));
	good(store_desired_due(w->s, &w->a, 0, &due, &n, &e));
	assert_int_equal(n, 2);
	assert_int_equal(due[0].installation, 7);
	assert_int_equal(due[0].at_ms, 0);
	good(store_desired_forget(w->s, demo.id, &e));
	good(store_desired_due(w->s, &w->a, 0, &due, &n, &e));
	assert_int_equal(n, 1);
	assert_int_equal(due[0].installation, 8);
}

static void
wants_join_the_callers_transaction(void **state)
{
	struct world *w = *state;
	struct err failure;

	good(store_begin(w->s, &e));
	want_check(w, "{" NAME "\"status\":\"queued\"}");
	assert_int_equal(store_end(w->s, -1, &failure), -1);
	assert_true(none_left(w));
}

static void
renaming_the_repository_changes_no_generation(void **state)
{
	struct world *w = *state;
	struct desired_repository renamed = demo;

	good(store_want_reaction(w->s, &demo, 1, "eyes", &e));
	renamed.name = "demo2";
	good(store_want_reaction(w->s, &renamed, 1, "eyes", &e));
	struct desired d = next(w);
	assert_string_equal(d.repo, "demo2");
	assert_int_equal(d.generation, 1);
}

static void
old_rows_go_open_ones_stay(void **state)
{
	struct world *w = *state;

	good(store_want_reaction(w->s, &demo, 1, "eyes", &e));
	good(store_want_reaction(w->s, &demo, 2, "eyes", &e));
	struct desired d = next(w);
	good(store_desired_posted(w->s, d.id, 1, 1, "{}", &e));
	struct store_pruning pass = {.before = LATE};
	good(store_prune(w->s, &pass, &e));
	struct desired_figures f;
	good(store_desired_figures(w->s, &f, &e));
	assert_int_equal(f.open, 1);
	int64_t n = 0;
	good(db_int(w->s, &n, &e, "SELECT count(*) FROM desired", ""));
	assert_int_equal(n, 1);
}

static void
what_the_sender_asks_often_uses_the_index(void **state)
{
	struct world *w = *state;
	struct err e;
	AUTO(db_done)
	sqlite3_stmt *q = db_query(w->s, &e,
	    "EXPLAIN QUERY PLAN SELECT installation, min(not_before) FROM desired WHERE posted < generation AND"
	    " given_up < generation GROUP BY installation",
	    "");

	assert_non_null(q);
	assert_int_equal(db_row(w->s, q, &e), 1);
	assert_non_null(strstr(db_text(&w->a, q, 3), "desired_open"));
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(wishes_are_the_text_they_always_were),
	    TEST(equal_states_do_not_raise_the_generation),
	    TEST(a_newer_state_stays_open_when_the_older_is_posted),
	    TEST(what_is_parked_is_taken_up),
	    TEST(what_is_given_up_is_open_again_when_it_changes),
	    TEST(a_doubt_survives_closing_and_is_settled_by_a_record),
	    TEST(who_waits_most_goes_first_and_not_before_its_time),
	    TEST(a_part_is_concluded_behind_the_whole),
	    TEST(progress_is_last_and_quiet),
	    TEST(what_stands_there_is_not_written_again),
	    TEST(a_reply_is_read_again),
	    TEST(pace_outlives_us),
	    TEST(budget_keeps_a_reserve),
	    TEST(due_names_each_installation_once),
	    TEST(wants_join_the_callers_transaction),
	    TEST(renaming_the_repository_changes_no_generation),
	    TEST(old_rows_go_open_ones_stay),
	    TEST(what_the_sender_asks_often_uses_the_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
