/* What the end of a build means, and which lines of its log matter. */
#include "build/outcome.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#define DRV    "/nix/store/x.drv"
#define BEGUN  "building '" DRV "' on 'ssh://far'...\n"
#define FAILED "error: build of '" DRV "' on 'ssh://far' failed: "
#define AFTER  "\nerror: builder for '" DRV "' failed with exit code 1\n"

static void
ends_of_builds(void **state)
{
	static const struct {
		int code;
		const char *uri, *tail, *want, *reason;
		bool absent;
	} t[] = {
	    {0, NULL, "", "built", NULL, false},
	    {100, NULL, "oh no\n", "failed", "the builder failed", false},
	    {100, NULL,
	        "error: builder for 'x' failed with exit code 1;\nnote: build failure may have been caused by lack of free "
	        "disk space",
	        "infrastructure", "no space", false},
	    {100, NULL,
	        "note: build failure may have been caused by lack of free disk space\nerror: builder for 'x' failed with "
	        "exit code 1;\nlast 1 log lines:\n> note: build failure may have been caused by lack of free disk space",
	        "failed", NULL, false},
	    {101, NULL, "timed out after 5 seconds\n", "timed_out", "it took longer", false},
	    {101, NULL, "timed out after 5 seconds of silence\n", "silent", "nothing was printed", false},
	    {100, NULL, "seconds of silence\n", "failed", NULL, false}, /* a builder's own words */
	    {102, NULL, "", "failed", "hash", false},
	    {104, NULL, "", "failed", "not deterministic", false},
	    {1, NULL, "error: cannot open connection to remote store 'daemon'\n", "infrastructure", "remote store", false},
	    {1, "ssh://far", "cannot build on 'ssh://far': error: cannot connect to 'far': refused\nFailed to find a machine",
	        "infrastructure", "cannot connect", true},
	    {1, "ssh://far", BEGUN FAILED "builder for '" DRV "' failed with exit code 3" AFTER, "failed", "builder", false},
	    {1, "ssh://far",
	        BEGUN FAILED "error: a 'x86_64-linux' with features {kvm} is required to build 'x', but I am" AFTER,
	        "unsupported", "kvm", false},
	    {1, "ssh://far", BEGUN FAILED "timed out after 9 seconds of silence" AFTER, "silent", NULL, false},
	    {1, "ssh://far", BEGUN "half a line" AFTER, "infrastructure", "was lost", false},
	    {1, "ssh://far", BEGUN FAILED "error: writing to file: No space left on device" AFTER, "infrastructure",
	        "No space left", false},
	    {1, "ssh://far",
	        BEGUN FAILED "builder for x failed with exit code 1;\nlast 1 log lines:\n> full\nnote: build failure "
	                     "may have been caused by lack of free disk space" AFTER,
	        "infrastructure", "no space left", false},
	    {1, "ssh://far",
	        BEGUN FAILED "builder for x failed with exit code 1;\nlast 1 log lines:\n> note: build failure "
	                     "may have been caused by lack of free disk space" AFTER,
	        "failed", NULL, false},
	    /* A builder that says there was no machine has itself been started by one. */
	    {1, "ssh://far", BEGUN "cannot build on 'ssh://far'\n" FAILED "builder for x failed with exit code 1" AFTER,
	        "failed", NULL, false},
	};
	struct arena a = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct outcome_end end = {.exited = true, .code = t[i].code, .drv = DRV, .uri = t[i].uri};
		struct build_outcome o = outcome_of(&a, &end, str_of(t[i].tail));
		if (strcmp(build_state_name(o.state), t[i].want) != 0 || o.absent != t[i].absent ||
		    (t[i].reason != NULL && (o.reason == NULL || strstr(o.reason, t[i].reason) == NULL)))
			fail_msg("row %zu: %s, %s", i, build_state_name(o.state), o.reason != NULL ? o.reason : "no reason");
	}
	struct outcome_end killed = {.exited = false, .code = 9, .drv = DRV};
	assert_string_equal(build_state_name(outcome_of(&a, &killed, STR("")).state), "infrastructure");
	struct outcome_end limit = {.exited = true, .log_limit = true, .drv = DRV};
	assert_string_equal(build_state_name(outcome_of(&a, &limit, STR("")).state), "log_limit");
	arena_release(&a);
}

static void
phases(void **state)
{
	struct arena a = {0};

	(void)state;
	assert_null(outcome_phase(&a, STR("nothing of the kind\nbuilding it\n")));
	assert_string_equal(outcome_phase(&a, STR("unpacking sources\nconfiguring\nbuilding\ncc x.c\n")), "buildPhase");
	assert_string_equal(outcome_phase(&a, STR("Running phase: unpackPhase\nRunning phase: checkPhase\nok")), "checkPhase");
	assert_null(outcome_phase(&a, STR("@nix Running phase: x\nRunning phase: \n")));
	arena_release(&a);
}

static void
lines_that_matter(void **state)
{
	struct arena a = {0};
	struct buf b;

	(void)state;
	struct str few = outcome_lines(&a, STR("a\nb\n\nc"), true, 40, 4096);
	assert_string_equal(few.p, "a\nb\n\nc\n");
	assert_string_equal(outcome_lines(&a, STR("half\nwhole\n"), false, 40, 4096).p, "whole\n");
	static const char controls[] = "a\0b\x01\tc\n";
	assert_string_equal(outcome_lines(&a, (struct str){controls, sizeof(controls) - 1}, true, 40, 4096).p, "ab\tc\n");
	buf_init(&b, 1 << 20);
	for (int i = 0; i < 500; i++)
		buf_printf(&b,
		    i == 100   ? "x.c:3:1: error: no such type\n"
		    : i == 103 ? "make: *** [all] Error 1\n"
		               : "line %d\n",
		    i);
	struct str lines = outcome_lines(&a, buf_get(&b), true, 40, 4096);
	assert_non_null(strstr(lines.p, "line 99\nx.c:3:1: error: no such type\nline 101\n"));
	assert_non_null(strstr(lines.p, "[...]\n"));
	assert_non_null(strstr(lines.p, "line 499\n"));
	assert_null(strstr(lines.p, "line 300\n"));
	/* Near the end: simply the last. */
	buf_printf(&b, "error: late\nerror: builder for 'x' failed\n");
	lines = outcome_lines(&a, buf_get(&b), true, 40, 4096);
	assert_null(strstr(lines.p, "[...]"));
	assert_non_null(strstr(lines.p, "error: late\n"));
	/* Nix repeats the log when a builder fails, in its own way in each version; a log of its own may look so, too. */
	assert_string_equal(
	    outcome_lines(&a,
	        STR("make\na.c:3: error: no\nerror: builder for 'x' failed with exit code 1;\n       last 2 log "
	            "lines:\n       > make\n       > a.c:3: error: no\n       For full logs, run 'nix log /nix/store/a.drv'.\n"),
	        true, 40, 4096)
	        .p,
	    "make\na.c:3: error: no\nerror: builder for 'x' failed with exit code 1\n");
	assert_string_equal(
	    outcome_lines(&a,
	        STR("make\nerror: Cannot build 'x'.\n       Reason: builder failed with exit code 1.\n       Last 1 log "
	            "lines:\n       > make\n       >\n       For full logs, run:\n         nix log /nix/store/a.drv\n"),
	        true, 40, 4096)
	        .p,
	    "make\nerror: Cannot build 'x'.\n       Reason: builder failed with exit code 1.\n");
	assert_string_equal(outcome_lines(&a, STR("> quoted\nlast 3 log lines:\nbuilding it;\n> more\n"), true, 40, 4096).p,
	    "> quoted\nlast 3 log lines:\nbuilding it;\n> more\n");
	/* One endless line, and bytes of any kind. */
	char *huge = arena_alloc(&a, 100001);
	memset(huge, '\xff', 100000);
	assert_true(outcome_lines(&a, (struct str){huge, 100000}, true, 40, 4096).n <= 4096 + 64);
	assert_int_equal(outcome_lines(&a, STR(""), true, 40, 4096).n, 0);
	buf_release(&b);
	arena_release(&a);
}

static void
ends_that_nix_names(void **state)
{
	static const struct {
		enum nix_status status;
		const char *uri, *message, *tail, *want;
	} t[] = {
	    {NIX_BUILT, NULL, "", "error: no\n", "built"},
	    {NIX_SUBSTITUTED, NULL, NULL, "", "built"},
	    {NIX_PERMANENT_FAILURE, NULL, "builder failed; timed out after 5 seconds of silence", "", "failed"},
	    {NIX_OUTPUT_REJECTED, NULL, "hash mismatch in fixed-output derivation 'x'", "", "failed"},
	    {NIX_TIMED_OUT, NULL, "building of x timed out after 5 seconds", "after 5 seconds of silence\n", "timed_out"},
	    {NIX_TIMED_OUT, NULL, "building of x timed out after 5 seconds of silence", "", "silent"},
	    {NIX_LOG_LIMIT_EXCEEDED, NULL, "", "", "log_limit"},
	    {NIX_NOT_DETERMINISTIC, NULL, "", "", "failed"},
	    {NIX_TRANSIENT_FAILURE, NULL, "builder for 'x' failed with exit code 1", "", "failed"},
	    {NIX_TRANSIENT_FAILURE, NULL,
	        "builder for 'x' failed\nnote: build failure may have been caused by lack of free disk space", "",
	        "infrastructure"},
	    {NIX_DEPENDENCY_FAILED, NULL, "1 dependencies failed", "", "infrastructure"},
	    {NIX_MISC_FAILURE, "ssh://far", "", BEGUN FAILED "hash mismatch in fixed-output derivation 'x'" AFTER, "failed"},
	    {NIX_MISC_FAILURE, "ssh://far", "", BEGUN "half a line" AFTER, "infrastructure"},
	};
	struct arena a = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct outcome_end end = {.exited = true,
		    .drv = DRV,
		    .uri = t[i].uri,
		    .begun = t[i].status != NIX_DEPENDENCY_FAILED};
		struct build_outcome o = outcome_of_status(&a, &end, t[i].status, t[i].message, str_of(t[i].tail));
		if (strcmp(build_state_name(o.state), t[i].want) != 0)
			fail_msg("row %zu: %s, not %s", i, build_state_name(o.state), t[i].want);
	}
	/* Whose limit it was is told by the clock, whatever the words: of 2.34 they are the same for both. */
	struct outcome_end end = {.exited = true, .drv = DRV, .begun = true, .building_ms = 5040, .wall_s = 60};
	assert_string_equal(build_state_name(
	                        outcome_of_status(&a, &end, NIX_TIMED_OUT, "timed out after 5 seconds", STR("")).state),
	    "silent");
	end.wall_s = 5;
	assert_string_equal(build_state_name(
	                        outcome_of_status(&a, &end, NIX_TIMED_OUT, "timed out after 5 seconds", STR("")).state),
	    "timed_out");
	/* What Nix did not begin, no builder has failed. */
	end.begun = false;
	struct build_outcome o = outcome_of_status(&a, &end, NIX_TRANSIENT_FAILURE, "some substitutes failed", STR(""));
	assert_string_equal(build_state_name(o.state), "infrastructure");
	assert_false(o.may_pass);
	end.begun = true;
	assert_true(outcome_of_status(&a, &end, NIX_TRANSIENT_FAILURE, "builder failed", STR("")).may_pass);
	/* Nix' own settings may send a build elsewhere, too: its end is then that machine's. */
	end.machine = "ssh://far";
	assert_string_equal(build_state_name(outcome_of_status(&a, &end, NIX_MISC_FAILURE, "",
	                        STR(BEGUN FAILED "builder for 'x' failed with exit code 3" AFTER))
	                                         .state),
	    "failed");
	arena_release(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(ends_of_builds), cmocka_unit_test(ends_that_nix_names),
	    cmocka_unit_test(phases), cmocka_unit_test(lines_that_matter)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
