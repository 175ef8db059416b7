/* sweep: what goes by age, what goes by size, and what never does. */
#include "support/os/files.h"
#include "walk/sweep.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define HOURS INT64_C(3600000)
static const int64_t now_ms = INT64_C(1800000000000);

static char dir[] = "/tmp/ekaci-sweep-XXXXXX";

/* A file of so many KiB, last used so many hours ago. */
static void
put(const char *name, size_t kb, int64_t hours_ago)
{
	struct arena a = {0};
	struct err e;
	char *path = arena_printf(&a, "%s/%s", dir, name);
	struct timespec t = {(time_t)((now_ms - hours_ago * HOURS) / 1000), 0}, both[] = {t, t};

	assert_int_equal(files_write(path, (struct str){arena_alloc(&a, kb * 1024 + 1), kb * 1024}, 0600, FILES_NO_SYNC, &e),
	    0);
	assert_int_equal(utimensat(0, path, both, 0), 0);
	arena_release(&a);
}

static bool
there(const char *name)
{
	struct arena a = {0};
	bool yes = files_exist(arena_printf(&a, "%s/%s", dir, name));

	arena_release(&a);
	return yes;
}

static void
run_sweep(int64_t max_evals_mb, struct texts needed)
{
	struct settings c = {.state = {.dir = dir, .keep_days = 30, .max_evals_mb = max_evals_mb}};
	AUTO(fd_close) int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct record_out out = {.fd = fd};
	AUTO(arena_release) struct arena a = {0};
	struct sweep_job job = sweep_job(&a, &c, now_ms, &needed);
	struct err e;

	assert_int_equal(sweep_stage(&a, &job, &out, &e), 0);
}

static void
fill(void)
{
	put("evals/a.jsonl.zst", 400, 50);
	put("evals/b.jsonl.zst", 400, 40);
	put("graphs/c", 400, 30);
	put("evals/d.jsonl.zst", 400, 20);
	put("evals/e.jsonl.zst", 400, 0);
	put("evals/a.lock", 0, 60);
	put("logs/long", 4000, 60);
}

static int
set_up(void **state)
{
	static const char *const folders[] = {"evals", "graphs", "logs"};
	struct arena a = {0};
	struct err e;

	(void)state;
	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	if (mkdtemp(dir) == NULL)
		return -1;
	for (size_t i = 0; i < COUNT(folders); i++)
		if (files_mkdirs(arena_printf(&a, "%s/%s", dir, folders[i]), 0700, &e) != 0)
			return -1;
	arena_release(&a);
	fill();
	return 0;
}

static int
tear_down(void **state)
{
	struct err e;

	(void)state;
	return files_remove_tree(dir, &e);
}

static void
what_was_used_longest_ago_goes_until_the_rest_fits(void **state)
{
	(void)state;
	run_sweep(1, (struct texts){0}); /* 2000 KiB must become 1024 */
	assert_false(there("evals/a.jsonl.zst"));
	assert_false(there("evals/b.jsonl.zst"));
	assert_false(there("graphs/c"));
	assert_true(there("evals/d.jsonl.zst"));
	assert_true(there("evals/e.jsonl.zst"));
	assert_true(there("evals/a.lock"));
	assert_true(there("logs/long")); /* not counted */
}

static void
what_a_run_needs_stays_and_what_was_just_used(void **state)
{
	AUTO(arena_release) struct arena a = {0};
	struct texts needed = {0};

	(void)state;
	sweep_needs(&a, NULL, &needed);
	sweep_needs(&a, "not json", &needed);
	sweep_needs(&a,
	    "[{\"side\":\"base\",\"job\":\"j\",\"key\":\"a\",\"file\":\"/state/evals/a.jsonl.zst\"},"
	    "{\"side\":\"head\",\"job\":\"j\",\"key\":\"b\",\"file\":null}]",
	    &needed);
	assert_int_equal(needed.n, 1);
	put("evals/e.jsonl.zst", 1400, 0);
	run_sweep(1, needed); /* cannot be reached */
	assert_true(there("evals/a.jsonl.zst"));
	assert_false(there("evals/b.jsonl.zst"));
	assert_false(there("evals/d.jsonl.zst"));
	assert_true(there("evals/e.jsonl.zst"));
}

static void
without_a_limit_only_age_counts(void **state)
{
	(void)state;
	put("evals/old.jsonl.zst", 1, 31 * 24);
	run_sweep(0, (struct texts){0});
	assert_false(there("evals/old.jsonl.zst"));
	assert_true(there("evals/a.jsonl.zst"));
	assert_true(there("graphs/c"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_was_used_longest_ago_goes_until_the_rest_fits),
	    TEST(what_a_run_needs_stays_and_what_was_just_used),
	    TEST(without_a_limit_only_age_counts),
	};
	return cmocka_run_group_tests_name("sweep", tests, NULL, NULL);
}
