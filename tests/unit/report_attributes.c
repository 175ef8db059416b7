/* Checks of single attributes, and whose word counts in how a repository is told. */
#include "unit/report_help.h"

#include "temp_dir.h"

/* One attribute of a change, whose derivation is of its own. */
struct attr {
	const char *path, *system; /* path: JSON */
	const char *state, *blame; /* of its build; NULL: none was asked for */
};

static const char *
drv_of(struct arena *a, size_t i)
{
	return arena_printf(a, "/nix/store/0000000000000000000000000000000%zu-a.drv", i);
}

static json_t *
run(struct arena *a, const struct attr *attrs, size_t n, const char *phase, const char *settings, const char *plan)
{
	AUTO(buf_release) struct buf difference = {0}, builds = {0};
	const char *path = arena_printf(a, "%s/difference.json", dir);
	struct err e = {0};

	buf_init(&difference, 1 << 20);
	buf_init(&builds, 1 << 20);
	buf_printf(&difference,
	    "{\"ekaci_difference\":1,\"counts\":{\"total\":{\"rebuild\":%zu},\"systems\":{},\"other\":{}},\"attributes\":[", n);
	buf_puts(&builds, "{");
	for (size_t i = 0; i < n; i++) {
		buf_printf(&difference,
		    "%s{\"path\":%s,\"job\":\"j\",\"system\":%s,\"class\":\"rebuild\",\"name\":\"a\",\"base\":{\"drv\":\"/nix/store/"
		    "00000000000000000000000000000009-a.drv\"},\"head\":{\"drv\":\"%s\"}}",
		    i > 0 ? "," : "", attrs[i].path, attrs[i].system, drv_of(a, i));
		if (attrs[i].state != NULL)
			buf_printf(&builds, "%s\"%s\":{\"state\":\"%s\",\"blame\":%s,\"target\":true}", builds.n > 1 ? "," : "",
			    drv_of(a, i), attrs[i].state, attrs[i].blame != NULL ? attrs[i].blame : "null");
	}
	buf_puts(&difference, "],\"roots\":[],\"targets\":[]}");
	buf_puts(&builds, "}");
	assert_int_equal(files_write(path, buf_get(&difference), 0600, FILES_NO_SYNC, &e), 0);
	const char *text = arena_printf(a,
	    "{\"run\":{\"id\":7,\"repo\":\"o/r\",\"number\":3},\"phase\":\"%s\",\"plan\":{\"decision\":\"evaluate\",\"jobs\":[{\"name\":\"j\"}]%s},"
	    "\"evaluations\":[{\"side\":\"head\",\"job\":\"j\",\"key\":\"k\",\"complete\":true,\"rows\":9}],\"builds\":%s,"
	    "\"difference\":\"%s\",\"formats\":[\"checks\",\"how\"],\"settings\":%s}",
	    phase, plan, builds.p, path, settings);
	AUTO(json_drop) json_t *job = NULL;
	if (json_read(str_of(text), "job", &job, &e) != 0)
		fail_msg("%s: %s", e.msg, text);
	json_t *records = run_report(job, &e);
	if (records == NULL)
		fail_msg("%s", e.msg);
	return records;
}

static size_t
count_checks(const json_t *records)
{
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(records); i++)
		n += strcmp(json_str(json_array_get(records, i), "type", ""), "check_run") == 0;
	return n;
}

#define ROOM "\"attribute_room\":50"

static void
test_each_state_has_its_conclusion(void **state)
{
	static const struct {
		const char *state, *blame;
		const char *now, *done; /* while others are built, and when all is over; "" none yet */
	} cases[] = {
	    {"waiting", NULL, "", "action_required"},
	    {"building", NULL, "", "action_required"},
	    {"built", NULL, "success", "success"},
	    {"cached", NULL, "success", "success"},
	    {"failed", NULL, "", "action_required"},
	    {"failed", "\"newly_failing\"", "failure", "failure"},
	    {"dependency_failed", "\"newly_failing\"", "failure", "failure"},
	    {"failed", "\"still_failing\"", "", "neutral"},
	    {"timed_out", "\"unknown\"", "", "action_required"},
	    {"infrastructure", NULL, "", "action_required"},
	    {"unsupported", NULL, "", "neutral"},
	    {"cancelled", NULL, "", "cancelled"},
	};

	(void)state;
	for (size_t i = 0; i < 2 * COUNT(cases); i++) {
		struct arena a = {0};
		bool over = i >= COUNT(cases);
		const struct attr attr = {"[\"a\"]", "\"s-1\"", cases[i % COUNT(cases)].state, cases[i % COUNT(cases)].blame};
		const char *should = over ? cases[i % COUNT(cases)].done : cases[i % COUNT(cases)].now;
		AUTO(json_drop)
		json_t *records = run(&a, &attr, 1, over ? "done" : "building", "{\"attribute_checks\":1," ROOM "}", "");
		const json_t *check = find_record(records, "check_run", "ekaci / a (s-1)");
		assert_non_null(check);
		assert_string_equal(json_str(check, "conclusion", ""), should);
		assert_string_equal(json_str(check, "status", ""), *should == '\0' ? "in_progress" : "completed");
		assert_string_equal(json_str(check, "drv", ""), drv_of(&a, 0));
		arena_release(&a);
	}
}

/* What an attribute is called is its author's to say: never is a check that others require made by it, and none is made twice. */
static void
test_names_are_of_one_attribute_each(void **state)
{
	struct arena a = {0};
	const char *much =
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
	const struct attr attrs[] = {{"[\"evaluation\"]", "null", "built", NULL}, {"[\"rebuilds\"]", "null", "built", NULL},
	    {arena_printf(&a, "[\"%s1\"]", much), "\"s-1\"", "built", NULL},
	    {arena_printf(&a, "[\"%s2\"]", much), "\"s-1\"", "built", NULL}, {"[\"a\\nb\\u202e\"]", "\"s-1\"", "built", NULL},
	    {"[\"not\",\"asked\"]", "\"s-1\"", NULL, NULL}};

	(void)state;
	AUTO(json_drop) json_t *records = run(&a, attrs, COUNT(attrs), "done", "{\"attribute_checks\":5," ROOM "}", "");
	assert_int_equal(count_checks(records), 2 + 5);
	assert_non_null(find_record(records, "check_run", "ekaci / evaluation (no system)"));
	assert_non_null(find_record(records, "check_run", "ekaci / rebuilds (no system)"));
	for (size_t i = 0; i < json_array_size(records); i++) {
		const char *name = json_str(json_array_get(records, i), "name", "");
		assert_true(strlen(name) < 160);
		assert_null(strstr(name, "\xe2\x80\xae"));
		assert_null(strchr(name, '\n'));
		for (size_t k = 0; k < i; k++)
			assert_true(*name == '\0' || strcmp(name, json_str(json_array_get(records, k), "name", "")) != 0);
	}
	arena_release(&a);
}

static void
test_none_where_they_are_many_or_there_is_no_room(void **state)
{
	static const struct attr two[] = {{"[\"a\"]", "\"s-1\"", "built", NULL}, {"[\"b\"]", "\"s-1\"", "built", NULL}};
	static const struct {
		const char *settings, *plan;
		size_t checks;
		const char *says; /* of the summary, or NULL: it must not speak of it */
	} cases[] = {
	    {"{\"attribute_checks\":2," ROOM "}", "", 4, NULL},
	    {"{\"attribute_checks\":1," ROOM "}", "", 2, "2 are built, and at most 1 have one"},
	    {"{\"attribute_checks\":2,\"attribute_room\":1}", "", 2, "what may be written in an hour is nearly used up"},
	    {"{\"attribute_checks\":2,\"attribute_room\":2}", "", 4, NULL},
	    {"{" ROOM "}", "", 2, NULL},
	    /* What the repository says, where it may and where not; more than there may ever be is as many as may be. */
	    {"{" ROOM ",\"repositories_decide\":[\"attribute_checks\"]}", ",\"report\":{\"said\":{\"attribute_checks\":2}}", 4,
	        NULL},
	    {"{" ROOM ",\"repositories_decide\":[\"comment\"]}", ",\"report\":{\"said\":{\"attribute_checks\":2}}", 2, NULL},
	    {"{\"attribute_checks\":2," ROOM ",\"repositories_decide\":[\"attribute_checks\"]}",
	        ",\"report\":{\"said\":{\"attribute_checks\":0}}", 2, NULL},
	    {"{\"attribute_checks\":2," ROOM ",\"repositories_decide\":[\"attribute_checks\"]}",
	        ",\"report\":{\"said\":{\"comment\":\"never\"}}", 4, NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena a = {0};
		AUTO(json_drop) json_t *records = run(&a, two, COUNT(two), "done", cases[i].settings, cases[i].plan);
		const char *summary = json_str(find_record(records, "check_run", "ekaci / rebuilds"), "summary", "");
		const char *said = strstr(summary, "have no check of their own");
		if (count_checks(records) != cases[i].checks)
			fail_msg("%zu: %zu checks", i, count_checks(records));
		if ((said != NULL) != (cases[i].says != NULL) || (said != NULL && strstr(said, cases[i].says) == NULL))
			fail_msg("%zu: the summary is %s", i, summary);
		arena_release(&a);
	}
}

static void
test_whose_word_counts(void **state)
{
#define SAID ",\"report\":{\"said\":{\"comment\":\"failures\",\"labels\":true,\"review_requests\":99}}"
	static const struct {
		const char *settings, *plan, *comment;
		bool labels;
		int64_t reviews;
	} cases[] = {
	    {"{}", "", "always", false, 0},
	    {"{\"comment\":\"changes\",\"labels\":true,\"review_requests\":2}", "", "changes", true, 2},
	    {"{\"comment\":\"changes\",\"review_requests\":2}", SAID, "changes", false, 2},
	    {"{\"comment\":\"changes\",\"repositories_decide\":[\"comment\"]}", SAID, "failures", false, 0},
	    {"{\"repositories_decide\":[\"labels\"]}", SAID, "always", true, 0},
	    {"{\"repositories_decide\":[\"review_requests\"]}", SAID, "always", false, REPORT_MAX_REVIEW_REQUESTS},
	    {"{\"labels\":true,\"repositories_decide\":[\"labels\"]}", ",\"report\":{\"said\":{\"labels\":false}}", "always",
	        false, 0},
	};
	static const struct attr one = {"[\"a\"]", "\"s-1\"", "built", NULL};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena a = {0};
		AUTO(json_drop) json_t *records = run(&a, &one, 1, "done", cases[i].settings, cases[i].plan);
		const json_t *how = find_record(records, "how", NULL);
		assert_string_equal(json_str(how, "comment", ""), cases[i].comment);
		assert_int_equal(json_flag(how, "labels", false), cases[i].labels);
		assert_int_equal(json_int(how, "review_requests", -1), cases[i].reviews);
		arena_release(&a);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_each_state_has_its_conclusion),
	    cmocka_unit_test(test_names_are_of_one_attribute_each),
	    cmocka_unit_test(test_none_where_they_are_many_or_there_is_no_room),
	    cmocka_unit_test(test_whose_word_counts),
	};

	return cmocka_run_group_tests_name("report_attributes", tests, make_dir, remove_dir);
}
