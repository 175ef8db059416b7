/* Job documents: which evaluation comes next, and what is known of it. */
#include "walk/jobs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static json_t *
next(const char *done_text)
{
	struct settings c = {.state.dir = "/state", .evaluate = {.evaluator = "auto", .sandbox = "auto"}};
	AUTO(json_drop) json_t *mirrored = json_pack("{s:s,s:s}", "base_tree", "b", "head_tree", "h");
	AUTO(json_drop) json_t *plan = json_pack("{s:[{s:s},{s:s}]}", "jobs", "name", "one", "name", "two");
	AUTO(json_drop) json_t *done = NULL;
	struct err e;

	assert_int_equal(json_read(str_of(done_text), "done", &done, &e), 0);
	return jobs_evaluate(&c, "/git", "/roots", mirrored, plan, done, TRUST_MEMBERS);
}

static const char *
commit_of(bool as_head, const char *done_text)
{
	static char commit[16];
	struct settings c = {.state.dir = "/state", .evaluate = {.evaluator = "auto", .sandbox = "auto"}};
	AUTO(json_drop)
	json_t *mirrored = json_pack("{s:s,s:s,s:s,s:s,s:b}", "base_tree", "b", "head_tree", "h", "base", "1111", "head",
	    "2222", "as_head", as_head);
	AUTO(json_drop) json_t *plan = json_pack("{s:[{s:s}]}", "jobs", "name", "one");
	AUTO(json_drop) json_t *done = NULL;
	struct err e;

	assert_int_equal(json_read(str_of(done_text), "done", &done, &e), 0);
	AUTO(json_drop) json_t *job = jobs_evaluate(&c, "/git", "/roots", mirrored, plan, done, TRUST_MEMBERS);
	snprintf(commit, sizeof(commit), "%s", json_str(job, "commit", "none"));
	return commit;
}

static void
both_sides_are_evaluated_as_one_commit(void **state)
{
	static const char *const base_done = "[{\"side\":\"base\",\"job\":\"one\",\"rows\":1}]";

	(void)state;
	assert_string_equal(commit_of(false, "[]"), "1111");
	assert_string_equal(commit_of(false, base_done), "1111");
	assert_string_equal(commit_of(true, "[]"), "2222");
	assert_string_equal(commit_of(true, base_done), "2222");
}

static const char *
fetch_of(const char *side, const char *config, enum trust trust, bool fetch_trusted, bool network)
{
	static char word[16];
	struct settings c = {.evaluate = {.fetch_trusted = fetch_trusted, .allow_network = network}};
	AUTO(json_drop) json_t *job = json_pack("{s:s}", "side", side);
	AUTO(json_drop) json_t *plan = json_pack("{s:s}", "config", config);

	jobs_may_fetch(&c, job, "/state/fetches/1", plan, trust);
	assert_string_equal(json_str(job, "fetches", ""), fetch_trusted && !network ? "/state/fetches/1" : "");
	snprintf(word, sizeof(word), "%s", json_str(job, "fetch", "none"));
	return word;
}

static void
only_base_and_the_trusted_may_fetch(void **state)
{
	(void)state;
	assert_string_equal(fetch_of("base", "file", TRUST_NOBODY, true, false), "keep");
	assert_string_equal(fetch_of("base", "convention", TRUST_MEMBERS, true, false), "keep");
	assert_string_equal(fetch_of("base", "head file", TRUST_NOBODY, true, false), "never");
	assert_string_equal(fetch_of("base", "head file", TRUST_MEMBERS, true, false), "once");
	assert_string_equal(fetch_of("head", "file", TRUST_NOBODY, true, false), "never");
	assert_string_equal(fetch_of("head", "file", TRUST_MEMBERS, true, false), "once");
	assert_string_equal(fetch_of("head", "file", TRUST_OWN, true, false), "keep");
	assert_string_equal(fetch_of("base", "file", TRUST_MEMBERS, false, false), "none");
	assert_string_equal(fetch_of("head", "file", TRUST_MEMBERS, true, true), "none");
}

#define BASE(job) "{\"side\":\"base\",\"job\":\"" job "\",\"rows\":12500}"
#define HEAD(job) "{\"side\":\"head\",\"job\":\"" job "\",\"rows\":12501}"

static void
a_head_is_expected_to_have_the_rows_of_its_base(void **state)
{
	AUTO(json_drop) json_t *base = next("[]");
	AUTO(json_drop) json_t *head = next("[" BASE("one") "]");
	AUTO(json_drop) json_t *second = next("[" BASE("one") "," HEAD("one") "]");

	(void)state;
	assert_string_equal(json_str(base, "side", ""), "base");
	assert_null(json_object_get(base, "expected_rows"));
	assert_string_equal(json_str(head, "side", ""), "head");
	assert_int_equal(json_int(head, "expected_rows", 0), 12500);
	assert_string_equal(json_str(second, "side", ""), "base");
	assert_null(json_object_get(second, "expected_rows"));
}

/* "GIT_DIR TREE" of the evaluation of head by a job. */
static const char *
trees_of(struct arena *a, const char *job, const char *submodules)
{
	struct settings c = {0};
	struct err e = {0};
	json_t *mirrored = NULL, *plan = NULL, *done = NULL;

	config_defaults(a, &c);
	assert_int_equal(json_read(str_of(arena_printf(a, "{\"base_tree\":\"b\",\"head_tree\":\"h\",\"submodules\":%s}",
	                               submodules)),
	                     "mirrored", &mirrored, &e),
	    0);
	assert_int_equal(json_read(str_of(arena_printf(a, "{\"jobs\":[%s]}", job)), "plan", &plan, &e), 0);
	assert_int_equal(json_read(STR("[{\"side\":\"base\",\"job\":\"j\"}]"), "done", &done, &e), 0);
	AUTO(json_drop) json_t *one = jobs_evaluate(&c, "/m.git", "/roots", mirrored, plan, done, TRUST_MEMBERS);
	const char *text = arena_printf(a, "%s %s", json_str(one, "git_dir", "?"), json_str(one, "tree", "?"));
	json_decref(mirrored);
	json_decref(plan);
	json_decref(done);
	config_release(&c);
	return text;
}

static void
a_job_that_takes_submodules_is_given_the_whole_trees(void **state)
{
	static const char whole[] = "{\"git_dir\":\"/m.git.submodules\",\"base_tree\":\"B\",\"head_tree\":\"H\"}";
	struct arena a = {0};

	(void)state;
	assert_string_equal(trees_of(&a, "{\"name\":\"j\"}", whole), "/m.git h");
	assert_string_equal(trees_of(&a, "{\"name\":\"j\",\"submodules\":true}", whole), "/m.git.submodules H");
	assert_string_equal(trees_of(&a, "{\"name\":\"j\",\"submodules\":true}", "null"), "/m.git h"); /* the tree has none */
	arena_release(&a);
}

/* A base that did not complete does not end the walk: head is evaluated, it may be what repairs it. */
static void
a_base_that_did_not_complete_is_not_the_end(void **state)
{
#define BROKEN(side) "{\"side\":\"" side "\",\"job\":\"one\",\"complete\":false,\"reason\":\"" side " broke\",\"rows\":7}"
#define GOOD(side)   "{\"side\":\"" side "\",\"job\":\"one\",\"complete\":true,\"reason\":null,\"rows\":7}"
	static const struct {
		const char *done, *why;
	} t[] = {
	    {"[]", NULL},
	    {"[" GOOD("base") "]", NULL},
	    {"[" BROKEN("base") "]", NULL},
	    {"[" BROKEN("base") "," GOOD("head") "]", "base broke"},
	    {"[" BROKEN("base") "," BROKEN("head") "]", "base broke"},
	    {"[" GOOD("base") "," BROKEN("head") "]", "head broke"},
	    {"[" GOOD("base") "," GOOD("head") "]", NULL},
	};
	AUTO(json_drop) json_t *head = next("[" BROKEN("base") "]");

	(void)state;
	assert_string_equal(json_str(head, "side", ""), "head");
	assert_int_equal(json_int(head, "expected_rows", 0), -1);
	for (size_t i = 0; i < COUNT(t); i++) {
		AUTO(json_drop) json_t *done = NULL;
		struct err e;
		assert_int_equal(json_read(str_of(t[i].done), "done", &done, &e), 0);
		const char *why = jobs_stopped(done);
		if (!str_same(why, t[i].why))
			fail_msg("case %zu: %s", i, why != NULL ? why : "(none)");
	}
}

static const char *
token_of(const char *side, const char *config)
{
	static char word[16];
	AUTO(json_drop)
	json_t *job = json_pack("{s:s,s:{s:s,s:s,s:s}}", "side", side, "nix_options", "access-tokens", "a=b",
	    "extra-access-tokens", "c=d", "cores", "2");
	AUTO(json_drop) json_t *plan = json_pack("{s:s}", "config", config);

	jobs_withhold(job, plan);
	assert_string_equal(json_str_at(job, "nix_options.cores", ""), "2");
	bool all = json_str_at(job, "nix_options.extra-access-tokens", NULL) != NULL;
	snprintf(word, sizeof(word), "%s%s", json_str_at(job, "nix_options.access-tokens", "none"), all ? "+" : "");
	return word;
}

/* Said as empty, so that what the machine's own nix.conf has counts no more either. */
static void
a_fork_gets_no_token(void **state)
{
	(void)state;
	assert_string_equal(token_of("head", "file"), "");
	assert_string_equal(token_of("head", "convention"), "");
	assert_string_equal(token_of("base", "head file"), "");
	assert_string_equal(token_of("base", "file"), "a=b+");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(both_sides_are_evaluated_as_one_commit),
	    cmocka_unit_test(only_base_and_the_trusted_may_fetch),
	    cmocka_unit_test(a_fork_gets_no_token),
	    cmocka_unit_test(a_head_is_expected_to_have_the_rows_of_its_base),
	    cmocka_unit_test(a_job_that_takes_submodules_is_given_the_whole_trees),
	    cmocka_unit_test(a_base_that_did_not_complete_is_not_the_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
