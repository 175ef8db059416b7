/* Job documents: which evaluation comes next, and what is known of it. */
#include "walk/jobs.h"

#include "records/array.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct arena a;

static int
forget_all(void **state)
{
	(void)state;
	arena_release(&a);
	return 0;
}

static struct evaluations
evaluations_of(const char *text)
{
	struct evaluations done;
	struct err e;

	assert_int_equal(array_read_records(&evaluation_fields, &a, text, "done", &done, &e), 0);
	return done;
}

static struct plan
plan_of(const char *jobs, const char *config)
{
	struct plan plan;
	struct err e;
	const char *text = arena_printf(&a, "{\"decision\":\"evaluate\",\"config\":\"%s\",\"jobs\":[%s]}", config, jobs);

	assert_int_equal(fields_read(&plan_fields, &a, str_of(text), "plan", &plan, &e), 0);
	return plan;
}

static struct evaluate_job
next_in(const struct jobs_trees *trees, const char *jobs, const char *done_text)
{
	struct settings c = {.state.dir = "/state", .evaluate = {.evaluator = "auto", .sandbox = "auto"}};
	struct evaluations done = evaluations_of(done_text);
	struct plan plan = plan_of(jobs, "file");
	struct evaluate_job job;

	assert_true(jobs_evaluate(&a, &c, trees, &plan, &done, TRUST_MEMBERS, &job));
	return job;
}

static struct evaluate_job
next(const char *done_text)
{
	const struct mirrored mirrored = {.base_tree = "b", .head_tree = "h", .base = "1111", .head = "2222"};
	const struct jobs_trees trees = {.git_dir = "/git", .roots_dir = "/roots", .mirrored = &mirrored};

	return next_in(&trees, "{\"name\":\"one\"},{\"name\":\"two\"}", done_text);
}

static const char *
commit_of(bool as_head, const char *done_text)
{
	const struct mirrored mirrored = {.base_tree = "b", .head_tree = "h", .base = "1111", .head = "2222"};
	const struct jobs_trees trees = {.git_dir = "/git", .roots_dir = "/roots", .mirrored = &mirrored, .as_head = as_head};

	return next_in(&trees, "{\"name\":\"one\"}", done_text).commit;
}

#define DONE(side, job, more) "{\"side\":\"" side "\",\"job\":\"" job "\",\"key\":\"k\"" more "}"
#define GOOD                  ",\"complete\":true,\"rows\":"

static void
both_sides_are_evaluated_as_one_commit(void **state)
{
	static const char *const base_done = "[" DONE("base", "one", GOOD "1") "]";

	(void)state;
	assert_string_equal(commit_of(false, "[]"), "1111");
	assert_string_equal(commit_of(false, base_done), "1111");
	assert_string_equal(commit_of(true, "[]"), "2222");
	assert_string_equal(commit_of(true, base_done), "2222");
}

static const char *
fetch_of(enum side side, const char *config, enum trust trust, bool fetch_trusted, bool network)
{
	struct settings c = {.evaluate = {.fetch_trusted = fetch_trusted, .allow_network = network}};
	struct evaluate_job job = {.side = (int)side};
	struct plan plan = plan_of("", config);

	jobs_may_fetch(&c, &job, "/state/fetches/1", &plan, trust);
	assert_true(str_same(job.fetches, fetch_trusted && !network ? "/state/fetches/1" : NULL));
	return job.fetch != NULL ? job.fetch : "none";
}

static void
only_base_and_the_trusted_may_fetch(void **state)
{
	(void)state;
	assert_string_equal(fetch_of(SIDE_BASE, "file", TRUST_NOBODY, true, false), "keep");
	assert_string_equal(fetch_of(SIDE_BASE, "convention", TRUST_MEMBERS, true, false), "keep");
	assert_string_equal(fetch_of(SIDE_BASE, "head file", TRUST_NOBODY, true, false), "never");
	assert_string_equal(fetch_of(SIDE_BASE, "head file", TRUST_MEMBERS, true, false), "once");
	assert_string_equal(fetch_of(SIDE_HEAD, "file", TRUST_NOBODY, true, false), "never");
	assert_string_equal(fetch_of(SIDE_HEAD, "file", TRUST_MEMBERS, true, false), "once");
	assert_string_equal(fetch_of(SIDE_HEAD, "file", TRUST_OWN, true, false), "keep");
	assert_string_equal(fetch_of(SIDE_BASE, "file", TRUST_MEMBERS, false, false), "none");
	assert_string_equal(fetch_of(SIDE_HEAD, "file", TRUST_MEMBERS, true, true), "none");
}

static void
a_head_is_expected_to_have_the_rows_of_its_base(void **state)
{
	struct evaluate_job base = next("[]");
	struct evaluate_job head = next("[" DONE("base", "one", GOOD "12500") "]");
	struct evaluate_job second = next("[" DONE("base", "one", GOOD "12500") "," DONE("head", "one", GOOD "12501") "]");

	(void)state;
	assert_int_equal(base.side, SIDE_BASE);
	assert_int_equal(base.expected_rows, -1);
	assert_int_equal(head.side, SIDE_HEAD);
	assert_int_equal(head.expected_rows, 12500);
	assert_int_equal(second.side, SIDE_BASE);
	assert_string_equal(second.job.name, "two");
	assert_int_equal(second.expected_rows, -1);
}

static void
there_is_an_end_of_evaluations(void **state)
{
	struct settings c = {.state.dir = "/state", .evaluate = {.evaluator = "auto", .sandbox = "auto"}};
	const struct mirrored mirrored = {.base_tree = "b", .head_tree = "h", .base = "1111", .head = "2222"};
	const struct jobs_trees trees = {.git_dir = "/git", .roots_dir = "/roots", .mirrored = &mirrored};
	struct evaluations done = evaluations_of("[" DONE("base", "one", GOOD "1") "," DONE("head", "one", GOOD "1") "]");
	struct plan plan = plan_of("{\"name\":\"one\"}", "file");
	struct evaluate_job job;

	(void)state;
	assert_false(jobs_evaluate(&a, &c, &trees, &plan, &done, TRUST_MEMBERS, &job));
}

/* "GIT_DIR TREE" of the evaluation of head by a job. */
static const char *
trees_of(const char *job, struct whole_trees *submodules)
{
	const struct mirrored mirrored = {.base_tree = "b",
	    .head_tree = "h",
	    .base = "1111",
	    .head = "2222",
	    .submodules = submodules};
	const struct jobs_trees trees = {.git_dir = "/m.git", .roots_dir = "/roots", .mirrored = &mirrored};
	struct evaluate_job one = next_in(&trees, job, "[" DONE("base", "j", GOOD "1") "]");

	return arena_printf(&a, "%s %s", one.git_dir, one.tree);
}

static void
a_job_that_takes_submodules_is_given_the_whole_trees(void **state)
{
	struct whole_trees whole = {.git_dir = "/m.git.submodules", .base_tree = "B", .head_tree = "H"};

	(void)state;
	assert_string_equal(trees_of("{\"name\":\"j\"}", &whole), "/m.git h");
	assert_string_equal(trees_of("{\"name\":\"j\",\"submodules\":true}", &whole), "/m.git.submodules H");
	assert_string_equal(trees_of("{\"name\":\"j\",\"submodules\":true}", NULL), "/m.git h"); /* the tree has none */
}

/* A base that did not complete does not end the walk: head is evaluated, it may be what repairs it. */
static void
a_base_that_did_not_complete_is_not_the_end(void **state)
{
#define BROKEN(side) DONE(side, "one", ",\"complete\":false,\"reason\":\"" side " broke\",\"rows\":7")
#define WHOLE(side)  DONE(side, "one", GOOD "7")
	static const struct {
		const char *done, *why;
	} t[] = {
	    {"[]", NULL},
	    {"[" WHOLE("base") "]", NULL},
	    {"[" BROKEN("base") "]", NULL},
	    {"[" BROKEN("base") "," WHOLE("head") "]", "base broke"},
	    {"[" BROKEN("base") "," BROKEN("head") "]", "base broke"},
	    {"[" WHOLE("base") "," BROKEN("head") "]", "head broke"},
	    {"[" WHOLE("base") "," WHOLE("head") "]", NULL},
	};
	struct evaluate_job head = next("[" BROKEN("base") "]");

	(void)state;
	assert_int_equal(head.side, SIDE_HEAD);
	assert_int_equal(head.expected_rows, -1);
	for (size_t i = 0; i < COUNT(t); i++) {
		struct evaluations done = evaluations_of(t[i].done);
		const char *why = jobs_stopped(&done);
		if (!str_same(why, t[i].why))
			fail_msg("case %zu: %s", i, why != NULL ? why : "(none)");
	}
}

static const char *
option_of(const struct evaluate_job *job, const char *name)
{
	for (size_t i = 0; i < job->nix_options.n; i++)
		if (strcmp(job->nix_options.p[i].name, name) == 0)
			return job->nix_options.p[i].text;
	return NULL;
}

static const char *
token_of(enum side side, const char *config)
{
	struct named_text options[] = {{"access-tokens", "a=b"}, {"extra-access-tokens", "c=d"}, {"cores", "2"}};
	struct evaluate_job job = {.side = (int)side, .nix_options = {options, COUNT(options)}};
	struct plan plan = plan_of("", config);

	jobs_withhold(&a, &job, &plan);
	assert_string_equal(option_of(&job, "cores"), "2");
	bool all = option_of(&job, "extra-access-tokens") != NULL;
	return arena_printf(&a, "%s%s", option_of(&job, "access-tokens"), all ? "+" : "");
}

/* Said as empty, so that what the machine's own nix.conf has counts no more either. */
static void
a_fork_gets_no_token(void **state)
{
	(void)state;
	assert_string_equal(token_of(SIDE_HEAD, "file"), "");
	assert_string_equal(token_of(SIDE_HEAD, "convention"), "");
	assert_string_equal(token_of(SIDE_BASE, "head file"), "");
	assert_string_equal(token_of(SIDE_BASE, "file"), "a=b+");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(both_sides_are_evaluated_as_one_commit, forget_all),
	    cmocka_unit_test_teardown(only_base_and_the_trusted_may_fetch, forget_all),
	    cmocka_unit_test_teardown(a_fork_gets_no_token, forget_all),
	    cmocka_unit_test_teardown(a_head_is_expected_to_have_the_rows_of_its_base, forget_all),
	    cmocka_unit_test_teardown(there_is_an_end_of_evaluations, forget_all),
	    cmocka_unit_test_teardown(a_job_that_takes_submodules_is_given_the_whole_trees, forget_all),
	    cmocka_unit_test_teardown(a_base_that_did_not_complete_is_not_the_end, forget_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
