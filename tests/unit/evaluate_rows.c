/* Rows of evaluators, good and hostile. */
#include "evaluate/eval_rows.h"

#include "support/text/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define DRV "/nix/store/00000000000000000000000000000000-a.drv"
#define OUT "/nix/store/11111111111111111111111111111111-a"
#define GOOD(path)                                                                                             \
	"{\"attr\":\"x\",\"attrPath\":[" path "],\"drvPath\":\"" DRV "\",\"name\":\"a-1.0\",\"system\":\"s\"," \
	"\"outputs\":{\"out\":\"" OUT "\"}}"

static void
give(struct eval_rows *r, const char *const *lines, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!eval_rows_add(r, str_of(lines[i])))
			break;
	eval_rows_finish(r);
}

static void
complete_rows_are_kept_and_sorted(void **state)
{
	static const char *const lines[] = {
	    GOOD("\"b\""),
	    GOOD("\"a\",\"z\""),
	    GOOD("\"a\""),
	    GOOD("\"a.b\""),
	    GOOD("\"\""),
	    GOOD("\"\\u00e9\\\"\\\\\\t\""),
	    "",
	};
	struct eval_rows r = {0};

	(void)state;
	give(&r, lines, COUNT(lines));
	assert_false(r.incomplete);
	assert_int_equal(r.all.n, 6);
	assert_int_equal(r.derivations, 1);
	assert_int_equal(r.errors, 0);
	/* By elements: "a","z" stands before "a.b", though '.' < 'z' and a joined text would say otherwise. */
	assert_non_null(strstr(r.all.p[0].line.p, "[\"\"]"));
	assert_non_null(strstr(r.all.p[1].line.p, "[\"a\"]"));
	assert_non_null(strstr(r.all.p[2].line.p, "[\"a\",\"z\"]"));
	assert_non_null(strstr(r.all.p[3].line.p, "[\"a.b\"]"));
	assert_memory_equal(r.all.p[1].drv.p, DRV, sizeof(DRV) - 1);
	eval_rows_release(&r);
}

/* The mark is ours: a row does not bring it in, and what else the line says stays. */
static void
a_row_is_marked_unknown_by_us_alone(void **state)
{
	static const char *const lines[] = {
	    "{\"attr\":\"x\",\"attrPath\":[\"a\"],\"error\":\"error: no\",\"unknown\":true}",
	    "{\"unknown\":true,\"attr\":\"x\",\"attrPath\":[\"b\"],\"drvPath\":\"" DRV "\",\"name\":\"a-1.0\",\"system\":\"s\","
	    "\"outputs\":{\"out\":\"" OUT "\"}}",
	};
	struct eval_rows r = {0};

	(void)state;
	give(&r, lines, COUNT(lines));
	assert_int_equal(r.all.n, 2);
	for (size_t i = 0; i < r.all.n; i++) {
		assert_true(str_find(r.all.p[i].line, STR("unknown")) < 0);
		assert_false(r.all.p[i].unknown);
	}
	const char *before = str_dup(&r.a, r.all.p[0].line);
	eval_rows_mark_unknown(&r, 0);
	eval_rows_mark_unknown(&r, 1);
	assert_true(r.all.p[0].unknown);
	assert_string_equal(str_dup(&r.a, r.all.p[0].line), arena_printf(&r.a, "{\"unknown\":true,%s", before + 1));
	assert_memory_equal(r.all.p[1].drv.p, DRV, sizeof(DRV) - 1);
	eval_rows_release(&r);
}

/* Each of these in an evaluation makes it incomplete, for a reason that contains the text. */
static void
a_hole_makes_an_evaluation_incomplete(void **state)
{
	static const struct {
		const char *line, *reason;
	} cases[] = {
	    {"{\"attr\":\"a\",\"attrPath\":[\"a\"],\"drvP", "not a row"},
	    {GOOD("\"c\"") GOOD("\"d\""), "not a row"},
	    {"[]", "not a row"},
	    {"null", "not a row"},
	    {"restart", "not a row"},
	    {"\xff\xfe", "not a row"},
	    {"{}", "without an attribute path"},
	    {"{\"attr\":\"a\",\"drvPath\":\"" DRV "\"}", "without an attribute path"},
	    {"{\"attrPath\":\"a\",\"drvPath\":\"" DRV "\"}", "without an attribute path"},
	    {"{\"attrPath\":[1],\"drvPath\":\"" DRV "\"}", "without an attribute path"},
	    {"{\"attrPath\":[\"a\\u0000b\"],\"drvPath\":\"" DRV "\",\"outputs\":{}}", "not a row"},
	    {"{\"attrPath\":[\"a\"]}", "neither"},
	    {"{\"attrPath\":[\"a\"],\"attrs\":[\"b\"]}", "neither"},
	    {"{\"attrPath\":[\"a\"],\"drvPath\":\"/etc/passwd\",\"outputs\":{}}", "malformed"},
	    {"{\"attrPath\":[\"a\"],\"drvPath\":\"/nix/store/../../x.drv\",\"outputs\":{}}", "malformed"},
	    {"{\"attrPath\":[\"a\"],\"drvPath\":\"/nix/store/x\\\".drv\",\"outputs\":{}}", "malformed"},
	    {"{\"attrPath\":[\"a\"],\"drvPath\":\"" DRV "\"}", "malformed"},
	    {"{\"attrPath\":[\"a\"],\"drvPath\":\"" DRV "\",\"outputs\":[\"out\"]}", "malformed"},
	    {"{\"attrPath\":[\"a\"],\"drvPath\":\"" DRV "\",\"outputs\":{\"out\":\"relative\"}}", "malformed"},
	    {"{\"attrPath\":[\"a\"],\"error\":\"worker died\",\"fatal\":true}", "worker died"},
	    {"{\"attrPath\":[],\"error\":\"no such file\"}", "no such file"},
	    {"{\"attr\":\"\",\"error\":\"root is broken\"}", "root is broken"},
	    {"{\"attrPath\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"],\"error\":\"x\"}", "nested deeper"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *lines[] = {GOOD("\"a\""), cases[i].line, GOOD("\"b\"")};
		struct eval_rows r = {.max_depth = 8};
		give(&r, lines, COUNT(lines));
		if (!r.incomplete || strstr(r.reason, cases[i].reason) == NULL)
			fail_msg("%s: %s", cases[i].line, r.incomplete ? r.reason : "complete");
		eval_rows_release(&r);
	}
}

static void
after_a_hole_there_is_no_sense_in_reading_on(void **state)
{
	static const char *const holes[] = {
	    "{\"attrPath\":[\"a\"],\"error\":\"worker died\",\"fatal\":true}",
	    "{\"error\":\"whose?\"}",
	    "{}",
	    "{\"attrPath\":[\"a\"],\"drvPath\":\"/etc/passwd\",\"outputs\":{}}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(holes); i++) {
		struct eval_rows r = {0};
		assert_true(eval_rows_add(&r, STR(GOOD("\"a\""))));
		assert_false(eval_rows_add(&r, str_of(holes[i])));
		assert_true(r.incomplete);
		assert_int_equal(r.ask_own, i == 1);
		eval_rows_release(&r);
	}
}

/* A program that dies is cut within a line: why it died is a better reason than the line. */
static void
the_last_line_may_be_cut_for_a_better_reason(void **state)
{
	struct eval_rows died = {0}, went_on = {0}, ended = {0};
	struct str cut = STR("{\"attrPath\":[\"a\"],\"drv");

	(void)state;
	assert_true(eval_rows_add(&died, cut));
	eval_rows_incomplete(&died, "killed by signal 9");
	eval_rows_finish(&died);
	assert_string_equal(died.reason, "killed by signal 9");
	assert_true(eval_rows_add(&went_on, cut));
	assert_false(eval_rows_add(&went_on, STR(GOOD("\"a\""))));
	eval_rows_incomplete(&went_on, "killed by signal 9");
	assert_non_null(strstr(went_on.reason, "not a row"));
	assert_true(eval_rows_add(&ended, cut));
	eval_rows_finish(&ended);
	assert_true(ended.incomplete);
	eval_rows_release(&died);
	eval_rows_release(&went_on);
	eval_rows_release(&ended);
}

/* Rows of the paths FIRST (NAMES)* LEAF with the derivation of their leaf, as an evaluator prints them that goes down and down; gives
 * how many it took until there was no sense in reading on, or most. */
static size_t
go_down(struct eval_rows *r, const char *first, const char *names, bool same, size_t most)
{
	char path[4000], line[5000];

	snprintf(path, sizeof(path), "%s", first);
	for (size_t i = 0; i < most; i++) {
		size_t n = strlen(path);
		snprintf(line, sizeof(line),
		    "{\"attrPath\":[%s\"leaf\"],\"drvPath\":\"/nix/store/%032zu-a.drv\",\"name\":\"a\",\"system\":\"s\","
		    "\"outputs\":{\"out\":\"" OUT "\"}}",
		    path, same ? (size_t)0 : i);
		if (!eval_rows_add(r, str_of(line)))
			return i + 1;
		snprintf(path + n, sizeof(path) - n, "%s", names);
	}
	return most;
}

static void
a_set_within_itself_is_known_after_a_few_levels(void **state)
{
	static const struct {
		const char *first, *names, *where;
	} cases[] = {
	    {"\"x\",", "\"self\",", "x.self"},
	    {"", "\"pkgs\",", "pkgs"},
	    {"\"a\",\"b\",", "\"build\",\"host\",", "a.b.build.host"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct eval_rows r = {.external = true}, own = {0}, other = {.external = true};
		assert_true(go_down(&r, cases[i].first, cases[i].names, true, 50) <= 17);
		assert_true(r.incomplete && r.ask_own);
		if (strstr(r.reason, cases[i].where) == NULL)
			fail_msg("%s: %s", cases[i].where, r.reason);
		/* The same names, but other derivations: a tree that is as deep. And our own evaluator knows. */
		assert_int_equal(go_down(&other, cases[i].first, cases[i].names, false, 50), 50);
		assert_int_equal(go_down(&own, cases[i].first, cases[i].names, true, 50), 50);
		assert_false(other.incomplete || own.incomplete);
		eval_rows_release(&r);
		eval_rows_release(&own);
		eval_rows_release(&other);
	}
}

/* build x host x target, three levels of the same names, each with its own and with the same derivation. */
static void
sets_that_share_names_are_read_to_their_leaves(void **state)
{
	static const char *const systems[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
	struct eval_rows r = {.external = true};
	char line[600];

	(void)state;
	for (size_t i = 0; i < 10000; i++) {
		snprintf(line, sizeof(line),
		    "{\"attrPath\":[\"%s\",\"%s\",\"%s\",\"%s\",\"gcc\"],\"drvPath\":\"" DRV
		    "\",\"name\":\"a\",\"system\":\"s\","
		    "\"outputs\":{\"out\":\"" OUT "\"}}",
		    systems[i / 1000], systems[i / 100 % 10], systems[i / 10 % 10], systems[i % 10]);
		assert_true(eval_rows_add(&r, str_of(line)));
	}
	assert_false(r.incomplete);
	eval_rows_release(&r);
}

static void
an_error_is_a_result(void **state)
{
	static const char *const lines[] = {
	    "{\"attr\":\"e\",\"attrPath\":[\"e\"],\"error\":\"error: boo\"}",
	    "{\"attr\":\"f\",\"attrPath\":[\"f\"],\"error\":\"error: boo\",\"fatal\":false,\"stats\":{\"wallMs\":1}}",
	    /* --constituents: both a derivation and an error */
	    "{\"attrPath\":[\"agg\"],\"drvPath\":\"" DRV "\",\"outputs\":{\"out\":null},\"error\":\"x: does not exist\"}",
	};
	struct eval_rows r = {0};

	(void)state;
	give(&r, lines, COUNT(lines));
	assert_false(r.incomplete);
	assert_int_equal(r.all.n, 3);
	assert_int_equal(r.errors, 3);
	assert_int_equal(r.derivations, 1);
	assert_non_null(strstr(r.all.p[0].line.p, "\"outputs\":{\"out\":null}"));
	eval_rows_release(&r);
}

static void
optional_and_unknown_members_do_not_matter(void **state)
{
	static const char *const lines[] = {
	    "{\"attrPath\":[\"a\"],\"drvPath\":\"" DRV "\",\"outputs\":{\"out\":\"" OUT "\"}}",
	    "{\"attrPath\":[\"b\"],\"drvPath\":\"" DRV "\",\"outputs\":{},\"meta\":null,\"requiredSystemFeatures\":[\"kvm\",3],"
	    "\"inputDrvs\":{\"x\":[\"out\"]},\"cacheStatus\":\"local\",\"isCached\":true,\"neededBuilds\":[],\"extraValue\":{},"
	    "\"constituents\":[],\"warnings\":[],\"storeDir\":\"/nix/store\",\"never heard of\":[[[1]]]}",
	};
	struct eval_rows r = {0};

	(void)state;
	give(&r, lines, COUNT(lines));
	assert_false(r.incomplete);
	assert_non_null(strstr(r.all.p[1].line.p, "\"features\":[\"kvm\"]"));
	assert_null(strstr(r.all.p[1].line.p, "never"));
	eval_rows_release(&r);
}

static void
the_same_row_twice_is_one_and_two_different_ones_are_a_hole(void **state)
{
	const char *same[] = {GOOD("\"a\""), GOOD("\"a\"")};
	const char *differ[] = {GOOD("\"a\""), "{\"attrPath\":[\"a\"],\"system\":\"s\",\"error\":\"x\"}"};
	struct eval_rows r = {0}, q = {0};

	(void)state;
	give(&r, same, 2);
	assert_false(r.incomplete);
	assert_int_equal(r.all.n, 1);
	give(&q, differ, 2);
	assert_true(q.incomplete);
	eval_rows_release(&r);
	eval_rows_release(&q);
}

static void
a_runaway_set_is_named(void **state)
{
	struct eval_rows r = {.max_rows = 100};
	char line[400];
	bool stopped = false;

	(void)state;
	for (int i = 0; i < 1000 && !stopped; i++) {
		snprintf(line, sizeof(line), "{\"attrPath\":[\"%s\",\"self\",\"n%d\"],\"error\":\"x\"}",
		    i % 4 == 0 ? "good" : "bad", i);
		stopped = !eval_rows_add(&r, str_of(line));
	}
	assert_true(stopped);
	assert_true(r.incomplete);
	assert_non_null(strstr(r.reason, "bad.self"));
	assert_int_equal(r.all.n, 101);
	eval_rows_release(&r);
}

static void
only_what_is_in_scope_and_of_wanted_systems_is_kept(void **state)
{
	const char *a[] = {"a"}, *bc[] = {"b", "c"}, *linux[] = {"x86_64-linux"};
	struct texts both[] = {{a, 1}, {bc, 2}}, systems = {linux, 1};
	struct paths scope = {both, 2};
	const char *lines[] = {GOOD("\"a\",\"deep\""), GOOD("\"b\",\"c\""), GOOD("\"b\",\"d\""), GOOD("\"e\""),
	    "{\"attrPath\":[\"b\"],\"error\":\"the set above\"}"};
	const char *many[] = {
	    "{\"attrPath\":[\"x86_64-linux\",\"a\"],\"error\":\"kept\"}",
	    "{\"attrPath\":[\"aarch64-linux\",\"a\"],\"error\":\"of another system\"}",
	    GOOD("\"of system s\""),
	    "{\"attrPath\":[\"plain\"],\"error\":\"kept\"}",
	};
	struct eval_rows r = {.scope = &scope}, q = {.systems = &systems};

	(void)state;
	give(&r, lines, COUNT(lines));
	assert_int_equal(r.all.n, 3);
	give(&q, many, COUNT(many));
	assert_int_equal(q.all.n, 2);
	eval_rows_release(&r);
	eval_rows_release(&q);
}

static void
what_is_said_beside_a_row_is_kept(void **state)
{
	static const struct {
		const char *more, *want;
	} cases[] = {
	    {"", NULL},
	    {",\"metaError\":\" error: no meta\\n\"",
	        "\"meta\":{\"version\":\"1.0\"},\"metaError\":\"error: no meta\",\"features\":[]}"},
	    {",\"stats\":{\"allocBytes\":7,\"wallMs\":3.9}", ",\"features\":[],\"stats\":{\"wallMs\":3,\"allocBytes\":7}}"},
	    {",\"warnings\":[\"one\",{\"msg\":\"two\"},3,\"\"],\"stats\":{\"wallMs\":1}",
	        ",\"features\":[],\"warnings\":[\"one\",\"two\"],\"stats\":{\"wallMs\":1}}"},
	    {",\"warnings\":{},\"stats\":[],\"metaError\":3", "\"meta\":{\"version\":\"1.0\"},\"features\":[]}"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct eval_rows r = {0};
		char line[1000];
		snprintf(line, sizeof(line), "%.*s%s}", (int)(sizeof(GOOD("\"a\"")) - 2), GOOD("\"a\""), cases[i].more);
		assert_true(eval_rows_add(&r, str_of(line)));
		eval_rows_finish(&r);
		assert_false(r.incomplete);
		assert_int_equal(r.errors, 0);
		if (cases[i].want != NULL && !str_ends(r.all.p[0].line, str_of(cases[i].want)))
			fail_msg("%s: %s", cases[i].more, r.all.p[0].line.p);
		eval_rows_release(&r);
	}
}

static void
what_a_row_cost_makes_it_no_other_row(void **state)
{
	struct eval_rows r = {0};

	(void)state;
	for (int i = 0; i < 3; i++) {
		char line[1000];
		snprintf(line, sizeof(line), "%.*s,\"stats\":{\"wallMs\":%d,\"allocBytes\":%d}}",
		    (int)(sizeof(GOOD("\"a\"")) - 2), GOOD("\"a\""), i, 7 * i);
		assert_true(eval_rows_add(&r, str_of(line)));
	}
	eval_rows_finish(&r);
	assert_false(r.incomplete);
	assert_int_equal(r.all.n, 1);
	eval_rows_release(&r);
}

static void
check_meta(const char *meta, const char *name, const char *want)
{
	struct eval_rows r = {0};
	char line[1000], end[1000];

	snprintf(line, sizeof(line),
	    "{\"meta\":%s,\"attrPath\":[\"a\"],\"drvPath\":\"" DRV "\",\"name\":\"%s\",\"outputs\":{}}", meta, name);
	snprintf(end, sizeof(end), "\"meta\":%s,\"features\":[]}", want);
	assert_true(eval_rows_add(&r, str_of(line)));
	assert_int_equal(r.all.n, 1);
	assert_string_equal(strstr(r.all.p[0].line.p, "\"meta\":"), end);
	eval_rows_release(&r);
}

static void
meta_in_its_customary_forms(void **state)
{
	static const struct {
		const char *meta, *want;
	} cases[] = {
	    {"null", "{\"version\":\"1.2\"}"},
	    {"3", "{\"version\":\"1.2\"}"},
	    {"{\"license\":\"mit\",\"homepage\":[\"http://a\",\"b\"],\"broken\":true,\"unfree\":false,\"insecure\":1}",
	        "{\"version\":\"1.2\",\"homepage\":\"http://a\",\"license\":[\"mit\"],\"broken\":true}"},
	    {"{\"license\":[{\"spdxId\":\"MIT\",\"fullName\":\"f\"},{\"fullName\":\"full\"},3],\"version\":\"9\"}",
	        "{\"version\":\"9\",\"license\":[\"MIT\",\"full\"]}"},
	    {"{\"license\":{\"shortName\":\"s\"},\"maintainers\":[{\"github\":\"g\",\"name\":\"n\"},{\"name\":\"n\"},{}]}",
	        "{\"version\":\"1.2\",\"license\":[\"s\"],\"maintainers\":[\"g\",\"n\"]}"},
	    {"{\"description\":{\"x\":1},\"position\":\"/a:1\",\"anything\":[]}",
	        "{\"version\":\"1.2\",\"position\":\"/a:1\"}"},
	    {"{\"version\":\"\"}", "{}"},
	    {"{\"version\":3}", "{\"version\":\"1.2\"}"},
	    {"{\"homepage\":[],\"description\":\"\\u00e9\\n\\t\\u0001\\u007f\\\\ \\\"q\\\" \\/ \\ud83d\\ude00\"}",
	        "{\"version\":\"1.2\",\"description\":\"é\\n\\t\\u0001\177\\\\ \\\"q\\\" / 😀\"}"},
	    {"{\"license\":\"\",\"maintainers\":[\"a\",{\"name\":\"\"},{\"email\":\"e\"},{},[],null]}",
	        "{\"version\":\"1.2\",\"license\":[\"\"],\"maintainers\":[\"a\",\"e\"]}"},
	    {"{\"license\":[{\"spdxId\":\"\",\"fullName\":\"f\"}],\"position\":[],\"insecure\":\"yes\"}",
	        "{\"version\":\"1.2\",\"license\":[\"f\"]}"},
	    {"{\"license\":{\"free\":true},\"homepage\":[3],\"maintainers\":{\"github\":\"g\"}}",
	        "{\"version\":\"1.2\",\"maintainers\":[\"g\"]}"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		check_meta(cases[i].meta, "foo-bar-1.2", cases[i].want);
}

static void
the_version_is_what_follows_the_name(void **state)
{
	static const char *const without[] = {"a", "a-", "-", "", "a-b"};

	(void)state;
	for (size_t i = 0; i < COUNT(without); i++)
		check_meta("{}", without[i], "{}");
	check_meta("{}", "a-b-2", "{\"version\":\"2\"}");
	check_meta("{}", "a--3", "{\"version\":\"-3\"}");
	check_meta("{}", "é-1", "{\"version\":\"1\"}");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(complete_rows_are_kept_and_sorted),
	    cmocka_unit_test(a_row_is_marked_unknown_by_us_alone),
	    cmocka_unit_test(a_hole_makes_an_evaluation_incomplete),
	    cmocka_unit_test(after_a_hole_there_is_no_sense_in_reading_on),
	    cmocka_unit_test(the_last_line_may_be_cut_for_a_better_reason),
	    cmocka_unit_test(a_set_within_itself_is_known_after_a_few_levels),
	    cmocka_unit_test(sets_that_share_names_are_read_to_their_leaves),
	    cmocka_unit_test(an_error_is_a_result),
	    cmocka_unit_test(optional_and_unknown_members_do_not_matter),
	    cmocka_unit_test(the_same_row_twice_is_one_and_two_different_ones_are_a_hole),
	    cmocka_unit_test(a_runaway_set_is_named),
	    cmocka_unit_test(only_what_is_in_scope_and_of_wanted_systems_is_kept),
	    cmocka_unit_test(what_is_said_beside_a_row_is_kept),
	    cmocka_unit_test(what_a_row_cost_makes_it_no_other_row),
	    cmocka_unit_test(meta_in_its_customary_forms),
	    cmocka_unit_test(the_version_is_what_follows_the_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
