/* Places in the repository: what texts name, which copy in the store is the repository's, which lines there are. */
#include "changeset_repo.h"

#include "report/position.h"

#include <setjmp.h>
#include <stdarg.h>
/* cmocka comes last. */
#include <cmocka.h>

struct expected {
	const char *text, *path; /* path NULL: it names no place */
	int64_t line;
};

static void
expect_places(struct arena *a, const struct report_job *job, const struct plan *plan, const struct expected *t, size_t n)
{
	struct places p;

	places_init(&p, a, job, plan);
	for (size_t i = 0; i < n; i++) {
		const char *path = NULL;
		int64_t line = 0;
		bool found = places_find(&p, t[i].text, &path, &line);
		if (found != (t[i].path != NULL) || (found && (strcmp(path, t[i].path) != 0 || line != t[i].line)))
			fail_msg("%s: %s:%lld", t[i].text, path != NULL ? path : "none", (long long)line);
	}
	places_release(&p);
}

static void
test_places_below_the_checkout(void **state)
{
	static const struct expected t[] = {
	    {"error: x\n at /co/pkgs/a.nix:12:3:", "pkgs/a.nix", 12},
	    {"at /co/a.nix:1:2: while\n at /co/b.nix:3:4: error", "b.nix", 3},
	    {"at /nix/store/0123456789abcdfghijklmnpqrsvwxyz-source/lib/x.nix:9", NULL, 0},
	    {"at /co/a.nix:1:2:\n at /nix/store/0123456789abcdfghijklmnpqrsvwxyz-source/lib/x.nix:9", "a.nix", 1},
	    {"at /co/../etc/passwd:1", NULL, 0},
	    {"at /co/./a.nix:1", NULL, 0},
	    {"at /co/.git/config:1", NULL, 0},
	    {"at /co//a.nix:1", NULL, 0},
	    {"at /co/a.nix", NULL, 0},
	    {"at /co/a.nix:", NULL, 0},
	    {"at /co/a.nix:0", NULL, 0},
	    {"at /co/a.nix:99999999999999999999", NULL, 0},
	    {"at /cox/a.nix:1", NULL, 0},
	    {"at /elsewhere/a.nix:1", NULL, 0},
	    {"at /nix/store/short-source/a.nix:1", NULL, 0},
	    {"at /nix/store/0123456789abcdfghijklmnpqrsvwxyz-other/a.nix:1", NULL, 0},
	    {"/co/", NULL, 0},
	    {"", NULL, 0},
	};
	struct arena a = {0};
	const struct report_job job = {.checkout_dir = "/co/"};

	(void)state;
	expect_places(&a, &job, NULL, t, COUNT(t));
	arena_release(&a);
}

/* For people a path is as in the repository, where it begins as a path and goes on below the checkout. */
static void
test_paths_are_shown_as_in_the_repository(void **state)
{
	static const char *const t[][2] = {
	    {"error: x\n  at /co/pkgs/a.nix:12:3:\n  at /co/b.nix:3:4:", "error: x\n  at pkgs/a.nix:12:3:\n  at b.nix:3:4:"},
	    {"getting status of '/co/gone.nix': No such file", "getting status of 'gone.nix': No such file"},
	    {"/co/a", "a"},
	    {"below /co/ and /co", "below /co/ and /co"},
	    {"/elsewhere/co/a.nix /cox/a.nix http:/co/a", "/elsewhere/co/a.nix /cox/a.nix http:/co/a"},
	    {"at /nix/store/0123456789abcdfghijklmnpqrsvwxyz-source/lib/x.nix:9",
	        "at /nix/store/0123456789abcdfghijklmnpqrsvwxyz-source/lib/x.nix:9"},
	    {"/co//co/a", "/co/a"},
	    {"", ""},
	};
	struct arena a = {0};
	const struct report_job job = {.checkout_dir = "/co/"};
	struct places p;

	(void)state;
	places_init(&p, &a, &job, NULL);
	for (size_t i = 0; i < COUNT(t); i++)
		assert_string_equal(places_shorten(&p, t[i][0]), t[i][1]);
	places_release(&p);
	arena_release(&a);
}

/* Everything a NAR can hold, in folders that git sorts otherwise: "b.c" before "b/", "b/" before "b0". */
static const char *
tree_with_everything(struct repo *r)
{
	repo_init(r);
	repo_write(r, "b/flake.nix", "{\n  outputs = _: { };\n}\n");
	repo_write(r, "b/empty", "");
	repo_write(r, "b.c", "no newline at its end");
	repo_write(r, "b0", "eight by");
	repo_write(r, "run", "#!/bin/sh\n");
	assert_int_equal(chmod(arena_printf(&r->a, "%s/run", r->src), 0755), 0);
	assert_int_equal(symlink("b/flake.nix", arena_printf(&r->a, "%s/link", r->src)), 0);
	const char *commit = repo_commit(r);
	GIT(r, "update-index", "--add", "--cacheinfo", arena_printf(&r->a, "160000,%s,vendored", commit));
	return GIT(r, "write-tree");
}

/* A copy as Nix makes it: the files alone. */
static const char *
copy_of(struct repo *r, const char *folder, const char *name)
{
	const char *to = arena_printf(&r->a, "%s/%s", r->dir, name);
	const char *argv[] = {"cp", "-a", arena_printf(&r->a, "%s/%s", r->src, folder), to, NULL};
	struct err e = {0};
	struct buf out;

	buf_init(&out, 4096);
	must(child_output(argv, &out, &e), &e);
	buf_release(&out);
	must(files_remove_tree(arena_printf(&r->a, "%s/.git", to), &e), &e);
	if (folder[0] == '\0')
		must(files_mkdirs(arena_printf(&r->a, "%s/vendored", to), 0755, &e), &e);
	return to;
}

/* Changes one thing in a copy and says whether it still is one. */
static bool
changed_by(struct repo *r, struct source *s, const char *shell)
{
	static int n;
	const char *copy = copy_of(r, "", arena_printf(&r->a, "changed-%d", n++));
	const char *argv[] = {"sh", "-c", arena_printf(&r->a, "cd %s && %s", copy, shell), NULL};
	struct err e = {0};
	struct buf out;

	buf_init(&out, 4096);
	must(child_output(argv, &out, &e), &e);
	buf_release(&out);
	return source_is_copy(s, "", copy);
}

static void
test_a_copy_is_told_by_all_that_is_in_it(void **state)
{
	static const char *const changes[] = {"echo >> b.c", "printf 'eight bY' > b0", "chmod -x run", "chmod +x b0",
	    "rm b/empty", "touch b/more", "mkdir more", "rmdir vendored", "rmdir vendored && touch vendored",
	    "ln -sf b/empty link", "rm link && cp run link", "rm b.c && ln -s b0 b.c", "rm b0 && mkdir b0",
	    "rm -r b && ln -s . b"};
	struct repo r;
	const char *tree = tree_with_everything(&r);
	struct source *s;
	struct err e = {0};

	(void)state;
	must(source_open(arena_printf(&r.a, "%s/.git", r.src), tree, &s, &e), &e);
	assert_true(source_is_copy(s, "", copy_of(&r, "", "whole")));
	assert_true(source_is_copy(s, "b", copy_of(&r, "b", "part")));
	assert_false(source_is_copy(s, "b", copy_of(&r, "", "other")));
	assert_false(source_is_copy(s, "b0", copy_of(&r, "b", "file")));
	assert_false(source_is_copy(s, "c", copy_of(&r, "b", "nothing")));
	assert_false(source_is_copy(s, "", arena_printf(&r.a, "%s/nowhere", r.dir)));
	assert_true(changed_by(&r, s, "true"));
	assert_true(changed_by(&r, s, "touch vendored/file")); /* of a job that takes submodules */
	for (size_t i = 0; i < COUNT(changes); i++)
		if (changed_by(&r, s, changes[i]))
			fail_msg("%s: nobody saw it", changes[i]);
	assert_int_equal(source_lines(s, "b/flake.nix"), 3);
	assert_int_equal(source_lines(s, "b.c"), 1);
	assert_int_equal(source_lines(s, "b/empty"), 0);
	assert_int_equal(source_lines(s, "link"), 0);
	assert_int_equal(source_lines(s, "b"), 0);
	assert_int_equal(source_lines(s, "nowhere"), 0);
	source_close(s);
	repo_release(&r);
}

static void
test_only_what_the_tree_has(void **state)
{
	struct repo r;
	const char *tree = tree_with_everything(&r);
	const struct report_job job = {.checkout_dir = "/co",
	    .git_dir = arena_printf(&r.a, "%s/.git", r.src),
	    .head_tree = tree};
	struct job_def jobs[] = {{.flake = "./b/#checks"}, {.flake = ".#checks"}, {.flake = "github:o/r"},
	    {.file = "default.nix"}};
	const struct plan plan = {.jobs = {jobs, COUNT(jobs)}};
	const struct expected t[] = {
	    {"at /co/b/flake.nix:3:1", "b/flake.nix", 3},
	    {"at /co/b/flake.nix:4:1", NULL, 0},
	    {"at /co/b/gone.nix:1:1", NULL, 0},
	    {"at /co/b:1:1", NULL, 0},
	    {"at /co/link:1:1", NULL, 0},
	    {"at /co/b/flake.nix:2:1:\n at /nix/store/0123456789abcdfghijklmnpqrsvwxyz-source/b/flake.nix:1:1", "b/flake.nix",
	        2},
	    {"at /nix/store/0123456789abcdfghijklmnpqrsvwxyz-source/b/flake.nix:1", NULL, 0},
	    {"at /nix/store/../../../../../../../../../../0/source/../../-source/b/flake.nix:1", NULL, 0},
	};

	(void)state;
	expect_places(&r.a, &job, &plan, t, COUNT(t));
	repo_release(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_places_below_the_checkout),
	    cmocka_unit_test(test_paths_are_shown_as_in_the_repository),
	    cmocka_unit_test(test_a_copy_is_told_by_all_that_is_in_it),
	    cmocka_unit_test(test_only_what_the_tree_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
