/* .ekaci/config.json: the grammar, and every mistake with its place. */
#include "changeset/rules.h"

#include "records/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
/* cmocka comes last. */
#include <cmocka.h>

static const char good[] =
    "{\n"
    "  \"jobs\": { \"core-pkgs\": { \"file\": \"/maintainers/ci-jobs.nix\", \"attr_path\": \"\",\n"
    "                            \"allow_eval_failures\": true, \"systems\": [\"x86_64-linux\"] },\n"
    "            \"checks\": { \"flake\": \".#checks\", \"attr_path\": [\"x\", \"y.z\"], \"caches\": [\"main\"] } },\n"
    "  \"change_sets\": [\n"
    "    { \"name\": \"documentation\", \"kind\": \"docs-only\", \"paths\": [\"README.md\", \"doc/**/*.md\"] },\n"
    "    { \"name\": \"ci files\", \"kind\": \"no-op\", \"paths\": [\".github/**\"] },\n"
    "    { \"name\": \"pins\", \"kind\": \"full-rebuild\", \"paths\": [\"flake.lock\"] },\n"
    "    { \"kind\": \"rebuild-only\", \"paths\": [\"games/**\"], \"attrs\": [\"games\", \"a.\\\"b.c\\\".d\"],\n"
    "      \"jobs\": [\"core-pkgs\"] }\n"
    "  ],\n"
    "  \"package_change_summary\": { \"max_packages_listed\": 7 },\n"
    "  \"evaluation_cost\": { \"warn_above_percent\": 25 },\n"
    "  \"checks\": {}\n"
    "}\n";

static void
assert_contains(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("%s is missing in %s", part, text);
}

struct fixture {
	struct arena a;
	struct rules rules;
	struct mistakes m;
};

static void
read_text(struct fixture *f, const char *text)
{
	memset(f, 0, sizeof(*f));
	mistakes_init(&f->m, &f->a, RULES_PATH);
	rules_read(&f->a, str_of(text), &f->rules, &f->m);
}

static void
drop(struct fixture *f)
{
	arena_release(&f->a);
}

static void
the_example_of_the_grammar_is_understood(void **state)
{
	struct fixture f;

	(void)state;
	read_text(&f, good);
	if (f.m.n > 0)
		fail_msg("%s", mistakes_text(&f.m, 0));
	struct plan plan = {.jobs = f.rules.jobs, .report = f.rules.report};
	struct err e = {0};
	char *line = NULL;
	plan.decision = "evaluate";
	assert_int_equal(fields_line(&plan_fields, &f.a, &plan, &line, &e), 0);
	assert_contains(line,
	    "[{\"name\":\"core-pkgs\",\"file\":\"maintainers/"
	    "ci-jobs.nix\",\"attr_path\":[],\"systems\":[\"x86_64-linux\"],"
	    "\"allow_eval_failures\":true,\"scope\":null},{\"name\":\"checks\",\"flake\":\".#checks\",\"attr_path\":[\"x\",\"y.z\"],"
	    "\"systems\":[],\"allow_eval_failures\":false,\"scope\":null}]");
	assert_int_equal(f.rules.n, 4);
	assert_string_equal(f.rules.p[0].name, "documentation");
	assert_string_equal(f.rules.p[0].place, ".ekaci/config.json:6:5");
	assert_string_equal(f.rules.p[3].name, "change_sets[3]");
	assert_int_equal(f.rules.p[3].attrs.n, 2);
	assert_string_equal(texts_join(&f.a, &f.rules.p[3].attrs.p[0], "|"), "games");
	assert_string_equal(texts_join(&f.a, &f.rules.p[3].attrs.p[1], "|"), "a|b.c|d");
	assert_ptr_equal(rules_first(&f.rules, STR("doc/a/b.md")), &f.rules.p[0]);
	assert_ptr_equal(rules_first(&f.rules, STR(".github/x.yml")), &f.rules.p[1]);
	assert_ptr_equal(rules_first(&f.rules, STR("flake.lock")), &f.rules.p[2]);
	assert_null(rules_first(&f.rules, STR("default.nix")));
	assert_contains(line,
	    "{\"package_change_summary\":{\"enabled\":true,\"max_packages_listed\":7,\"include_rebuild_only\":false},"
	    "\"rebuild_impact\":{\"enabled\":true,\"max_top_blast_radius\":5},"
	    "\"evaluation_cost\":{\"enabled\":true,\"warn_above_percent\":25}}");
	/* Eka CI's own keys warn and do no harm. */
	assert_int_equal(f.rules.warnings.n, 2);
	drop(&f);
}

static void
every_mistake_has_line_column_and_reason(void **state)
{
	static const struct {
		const char *text, *start, *reason;
	} rows[] = {
	    {"{\n  \"jobs\": {\n}", ".ekaci/config.json:3:", "expected"},
	    {"{\"jobs\":{},\n\"jobs\":{}}", ".ekaci/config.json:2:", "duplicate"},
	    {"[]", ".ekaci/config.json:1:1: the file", "must be an object, not an array"},
	    {"{\"jobs\": []}", ".ekaci/config.json:1:10: jobs", "must be an object"},
	    {"{\"jobs\": {\"a\":\n 3}}", ".ekaci/config.json:2:2: jobs.a", "must be an object, not a whole number"},
	    {"{\"jobs\": {\"a\": {}}}", ".ekaci/config.json:1:16: jobs.a", "either \"file\" or \"flake\""},
	    {"{\"jobs\": {\"a\": {\"file\": \"x\", \"flake\": \".\"}}}", ".ekaci/config.json:1:16: jobs.a", "not both"},
	    {"{\"jobs\": {\"a\": {\"fil\": \"x\"}}}", ".ekaci/config.json:1:16", "file"},
	    {"{\"jobs\": {\"a\": {\"file\": \"x\",\n  \"atr_path\": \"x\"}}}", ".ekaci/config.json:2:3: jobs.a.atr_path",
	        "did you mean attr_path?"},
	    {"{\"jobs\": {\"a\": {\"expr\": \"x\"}}}", ".ekaci/config.json:1:16", "either"},
	    {"{\"jobs\": {\"a\": {\"file\": \"../x\"}}}", ".ekaci/config.json:1:25: jobs.a.file", "in this repository"},
	    {"{\"jobs\": {\"a\": {\"file\": \"a/../../x\"}}}", ".ekaci/config.json:1:25: jobs.a.file", "in this repository"},
	    {"{\"jobs\": {\"a\": {\"file\": 3}}}", ".ekaci/config.json:1:25: jobs.a.file", "must be text"},
	    {"{\"jobs\": {\"a\": {\"flake\": \"github:o/r\"}}}", ".ekaci/config.json:1:26: jobs.a.flake",
	        "this repository's flake"},
	    {"{\"jobs\": {\"a\": {\"flake\": \"./../x\"}}}", ".ekaci/config.json:1:26: jobs.a.flake", "this repository's"},
	    {"{\"jobs\": {\"a\": {\"flake\": \".?dir=../..#x\"}}}", ".ekaci/config.json:1:26: jobs.a.flake",
	        "this repository's"},
	    {"{\"jobs\": {\"a\": {\"file\": \"x\", \"attr_path\": \"a..b\"}}}", ".ekaci/config.json:1:43: jobs.a.attr_path",
	        "an empty part"},
	    {"{\"jobs\": {\"a\": {\"file\": \"x\", \"attr_path\": \"a.\"}}}", ".ekaci/config.json:1:43", "dot at the end"},
	    {"{\"jobs\": {\"a\": {\"file\": \"x\", \"attr_path\": [1]}}}", ".ekaci/config.json:1:43", "nothing but text"},
	    {"{\"jobs\": {\"a\": {\"file\": \"x\", \"systems\": \"y\"}}}", ".ekaci/config.json:1:41: jobs.a.systems",
	        "must be an array, not text"},
	    {"{\"jobs\": {\"a\": {\"file\": \"x\", \"allow_eval_failures\": 1}}}",
	        ".ekaci/config.json:1:53:", "must be true or false"},
	    {"{\"change_sets\": {}}", ".ekaci/config.json:1:17: change_sets", "array of rules"},
	    {"{\"change_sets\": [{\"kind\": \"doc-only\", \"paths\": [\"a\"]}]}",
	        ".ekaci/config.json:1:27: change_sets[0].kind", "did you mean docs-only?"},
	    {"{\"change_sets\": [{\"paths\": [\"a\"]}]}", ".ekaci/config.json:1:18: change_sets[0]", "must have a \"kind\""},
	    {"{\"change_sets\": [{\"kind\": \"no-op\"}]}", ".ekaci/config.json:1:18: change_sets[0]", "must have \"paths\""},
	    {"{\"change_sets\": [{\"kind\": \"no-op\", \"paths\": []}]}", ".ekaci/config.json:1:18: change_sets[0]",
	        "at least one"},
	    {"{\"change_sets\": [{\"kind\": \"no-op\", \"paths\": [\"a\",\n   \"!b\"]}]}",
	        ".ekaci/config.json:2:4: change_sets[0].paths[1]", "cannot be negated"},
	    {"{\"change_sets\": [{\"kind\": \"no-op\", \"path\": [\"a\"], \"paths\": [\"a\"]}]}",
	        ".ekaci/config.json:1:36: change_sets[0].path", "did you mean paths?"},
	    {"{\"change_sets\": [{\"kind\": \"rebuild-only\", \"paths\": [\"a\"]}]}", ".ekaci/config.json:1:18: change_sets[0]",
	        "\"attrs\" or \"jobs\""},
	    {"{\"change_sets\": [{\"kind\": \"no-op\", \"paths\": [\"a\"], \"attrs\": [\"x\"]}]}",
	        ".ekaci/config.json:1:18: change_sets[0]", "only the kind rebuild-only"},
	    {"{\"change_sets\": [{\"kind\": \"rebuild-only\", \"paths\": [\"a\"], \"attrs\": [\"\"]}]}",
	        ".ekaci/config.json:1:69: change_sets[0].attrs[0]", "is everything"},
	    {"{\"jobs\": {\"core\": {\"file\": \"x\"}}, \"change_sets\": [{\"kind\": \"rebuild-only\", \"paths\": "
	     "[\"a\"],\n"
	     "\"jobs\": [\"cor\"]}]}",
	        ".ekaci/config.json:2:9: change_sets[0].jobs", "did you mean core?"},
	    {"{\"change_sets\": [{\"name\": \"x\", \"kind\": \"no-op\", \"paths\": [\"a\"]},\n"
	     "{\"name\": \"x\", \"kind\": \"no-op\", \"paths\": [\"b\"]}]}",
	        ".ekaci/config.json:2:10: change_sets[1].name", "already"},
	    {"{\"rebuild_impact\": {\"max_top_blast_radius\": \"5\"}}", ".ekaci/config.json:1:45: rebuild_impact.max_top",
	        "whole number"},
	    {"{\"evaluation_cost\": {\"warn_above_percent\": \"5\"}}",
	        ".ekaci/config.json:1:", "evaluation_cost.warn_above_percent must"},
	    {"{\"rebuild_impact\": {\"max_top_blast_radius\": -1}}", ".ekaci/config.json:1:45:", "from 0 to"},
	    {"{\"package_change_summary\": 1}", ".ekaci/config.json:1:28: package_change_summary", "must be an object"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct fixture f;
		struct err e = {0};
		read_text(&f, rows[i].text);
		assert_int_equal(mistakes_none(&f.m, &e), -1);
		assert_int_equal(e.kind, ERR_INPUT);
		bool found = false;
		for (size_t k = 0; k < f.m.n; k++) {
			const char *text = mistakes_text(&f.m, k);
			found = found || (strncmp(text, rows[i].start, strlen(rows[i].start)) == 0 &&
			                     strstr(text, rows[i].reason) != NULL);
		}
		if (!found)
			fail_msg("row %zu, %s: %s", i, rows[i].text, mistakes_text(&f.m, 0));
		drop(&f);
	}
}

static void
all_mistakes_come_in_the_order_of_the_file(void **state)
{
	struct fixture f;
	struct err e = {0};

	(void)state;
	read_text(&f, "{\"change_sets\": [{\"kind\": \"x\",\n \"paths\": [\"!\", \"[\"]}],\n \"jobs\": {\"a\": {}}}");
	assert_int_equal(f.m.n, 4);
	for (size_t i = 1; i < f.m.n; i++)
		assert_true(f.m.p[i - 1].line <= f.m.p[i].line);
	assert_int_equal(mistakes_none(&f.m, &e), -1);
	assert_non_null(strstr(e.msg, ".ekaci/config.json:1:27: change_sets[0].kind"));
	assert_non_null(strstr(e.msg, "(and 3 more)"));
	drop(&f);
}

static void
hostile_sizes_meet_limits(void **state)
{
	struct fixture f;
	struct arena a = {0};
	struct buf b;

	(void)state;
	buf_init(&b, 4 * 1024 * 1024);
	buf_puts(&b, "{\"change_sets\": [");
	for (int i = 0; i < RULES_MAX_RULES; i++)
		buf_printf(&b, "%s{\"kind\":\"no-op\",\"paths\":[\"{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}%d\"],\"bad%d\":1}",
		    i > 0 ? "," : "", i, i);
	buf_puts(&b, "]}");
	read_text(&f, b.p);
	assert_int_equal(f.m.n, MISTAKES_MAX);
	assert_true(f.m.more > 400);
	drop(&f);
	char *deep = arena_alloc(&a, 200001);
	memset(deep, '[', 200000);
	read_text(&f, deep);
	assert_int_equal(f.m.n, 1);
	drop(&f);
	char *large = arena_alloc(&a, RULES_MAX_BYTES + 2);
	memset(large, ' ', RULES_MAX_BYTES + 1);
	read_text(&f, large);
	assert_int_equal(f.m.n, 1);
	assert_non_null(strstr(mistakes_text(&f.m, 0), "more than"));
	drop(&f);
	buf_release(&b);
	arena_release(&a);
}

static void
changes_of_the_rules_are_told(void **state)
{
	struct fixture b, h;

	(void)state;
	read_text(&b, "{\"jobs\": {\"j\": {\"file\": \"x\"}}, \"change_sets\": ["
	              "{\"name\": \"a\", \"kind\": \"no-op\", \"paths\": [\"a\"]},"
	              "{\"name\": \"b\", \"kind\": \"no-op\", \"paths\": [\"b\"]},"
	              "{\"name\": \"c\", \"kind\": \"no-op\", \"paths\": [\"c\"]}]}");
	read_text(&h, "{\"jobs\": {\"j\": {\"file\": \"y\"}, \"k\": {\"file\": \"y\"}}, \"change_sets\": ["
	              "{\"name\": \"b\", \"kind\": \"docs-only\", \"paths\": [\"b\", \"bb\"]},"
	              "{\"name\": \"a\", \"kind\": \"no-op\", \"paths\": [\"a\"]},"
	              "{\"name\": \"d\", \"kind\": \"no-op\", \"paths\": [\"**\"]}]}");
	assert_int_equal(b.m.n + h.m.n, 0);
	struct texts list = rules_changes(&b.a, &b.rules, &h.rules);
	const char *line = texts_join(&b.a, &list, "\n");
	static const char *const wanted[] = {"rule \"c\" (no-op) removed", "rule \"d\" (no-op) added: **",
	    "rule \"b\" changed: no-op -> docs-only", "rule \"b\" changed: paths", "rule \"a\" moved behind", "job \"k\" added",
	    "job \"j\" changed: file x -> y"};
	for (size_t i = 0; i < COUNT(wanted); i++)
		if (strstr(line, wanted[i]) == NULL)
			fail_msg("%s is missing in %s", wanted[i], line);
	assert_int_equal(list.n, COUNT(wanted));
	drop(&b);
	drop(&h);
}

static void
a_job_by_hand_may_be_an_expression(void **state)
{
	struct arena a = {0};
	struct err e = {0};
	struct job_defs out = {0};
	static const char *const bad[] = {"[{\"name\":\"x\",\"file\":\"../y\"}]", "[]", "{}", "[1]", "[{\"file\":\"y\"}]"};

	(void)state;
	assert_int_equal(rules_jobs(&a, STR("[{\"name\":\"x\",\"expr\":\"1 + 1\",\"attr_path\":[\"a\",\"b\"]}]"), &out, &e), 0);
	assert_int_equal(out.n, 1);
	assert_string_equal(out.p[0].name, "x");
	assert_string_equal(out.p[0].expr, "1 + 1");
	assert_string_equal(texts_join(&a, &out.p[0].attr_path, "|"), "a|b");
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_int_equal(rules_jobs(&a, str_of(bad[i]), &out, &e), -1);
		assert_int_equal(e.kind, ERR_INPUT);
		if (i == 0)
			assert_contains(e.msg, "x.file");
	}
	arena_release(&a);
}

static void
a_job_takes_submodules_by_its_member_or_by_its_flake(void **state)
{
	static const struct {
		const char *job, *want;
	} rows[] = {
	    {"\"file\":\"x.nix\",\"submodules\":true", "x.nix true"},
	    {"\"file\":\"x.nix\",\"submodules\":false", "x.nix false"},
	    {"\"flake\":\".?submodules=1#checks\"", ".#checks true"},
	    {"\"flake\":\".?submodules=1\"", ". true"},
	    {"\"flake\":\".?submodules=1&dir=sub#checks\"", ".?dir=sub#checks true"},
	    {"\"flake\":\".?dir=sub&submodules=1#checks\"", ".?dir=sub#checks true"},
	    {"\"flake\":\".#submodules=1\"", ".#submodules=1 false"},
	    {"\"flake\":\".#x?submodules=1\"", ".#x?submodules=1 false"},
	    {"\"flake\":\".?submodules=10#x\"", "refused"},
	    {"\"flake\":\".?submodules=1&rev=abc#x\"", "refused"},
	    {"\"flake\":\".?dir=../..&submodules=1#x\"", "refused"},
	    {"\"file\":\"x.nix\",\"submodules\":1", "refused"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct arena a = {0};
		struct err e = {0};
		struct job_defs out = {0};
		const char *text = arena_printf(&a, "[{\"name\":\"j\",%s}]", rows[i].job);
		const char *got = "refused";
		if (rules_jobs(&a, str_of(text), &out, &e) == 0)
			got = arena_printf(&a, "%s %s", out.p[0].file != NULL ? out.p[0].file : out.p[0].flake,
			    out.p[0].submodules ? "true" : "false");
		assert_string_equal(got, rows[i].want);
		arena_release(&a);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_example_of_the_grammar_is_understood),
	    cmocka_unit_test(every_mistake_has_line_column_and_reason),
	    cmocka_unit_test(all_mistakes_come_in_the_order_of_the_file),
	    cmocka_unit_test(hostile_sizes_meet_limits),
	    cmocka_unit_test(changes_of_the_rules_are_told),
	    cmocka_unit_test(a_job_by_hand_may_be_an_expression),
	    cmocka_unit_test(a_job_takes_submodules_by_its_member_or_by_its_flake),
	};

	return cmocka_run_group_tests_name("changeset/rules", tests, NULL, NULL);
}
