/* Evaluation files: written whole, read whole, damage noticed. */
#include "evaluate/stored.h"

#include "evaluate/key.h"

#include "support/os/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64];
static char key[65];

static int
make_dir(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/ekaci-unit-XXXXXX");
	stored_key(STR("x"), key);
	return mkdtemp(dir) == NULL;
}

/* The names of what is stored already: a byte more or less, and everything is evaluated anew. */
static void
a_key_is_the_hash_of_what_was_always_hashed(void **state)
{
	const char *path[] = {"a", "b.c"}, *uris[] = {"https://x/"}, *features[] = {"flakes"};
	struct texts scope = {path, 2};
	struct named_text option = {"max-jobs", "1"}, env = {"HOME", "/h\"\n"};
	struct evaluation_key whole = {.format = 1,
	    .meaning = 2,
	    .tree = "t",
	    .job = {.file = "ci.nix", .attr_path = {path, 0}, .may_be_absent = -1},
	    .evaluator = "ekaci",
	    .version = "3, nix 2.8",
	    .source = "/build/source",
	    .nix = {.restricted = true, .features = {features, 0}, .options = {&option, 0}},
	    .max_depth = 16,
	    .uris = {uris, 0}};
	struct evaluation_key other = {.format = 1,
	    .meaning = 2,
	    .tree = "t",
	    .job = {.flake = ".", .attr_path = {path, 2}, .scope = {&scope, 1}, .may_be_absent = 1},
	    .commit = "c",
	    .evaluator = "nix-eval-jobs",
	    .version = "2.3",
	    .build = "b",
	    .source = "/s",
	    .nix = {.features = {features, 1},
	        .options = {&option, 1},
	        .env = {&env, 1},
	        .settings = "h",
	        .search = "",
	        .reads = "r\n"},
	    .ifd = true,
	    .network = true,
	    .max_depth = 64,
	    .uris = {uris, 1},
	    .systems = {uris, 0}};
	char got[65], want[65];
	struct err e;

	(void)state;
	assert_int_equal(evaluation_key_hash(&whole, got, &e), 0);
	stored_key(STR("{\"format\":1,\"meaning\":2,\"tree\":\"t\",\"job\":{\"file\":\"ci.nix\",\"flake\":null,\"expr\":null,"
	               "\"attr_path\":[],\"scope\":null,\"may_be_absent\":null},\"commit\":null,\"evaluator\":\"ekaci\","
	               "\"version\":\"3, nix 2.8\",\"build\":null,\"source\":\"/build/source\",\"nix\":{\"restricted\":true,"
	               "\"features\":[],\"options\":{}},\"ifd\":false,\"network\":false,\"max_depth\":16,\"uris\":[],"
	               "\"systems\":null}"),
	    want);
	assert_string_equal(got, want);
	assert_int_equal(evaluation_key_hash(&other, got, &e), 0);
	stored_key(STR("{\"format\":1,\"meaning\":2,\"tree\":\"t\",\"job\":{\"file\":null,\"flake\":\".\",\"expr\":null,"
	               "\"attr_path\":[\"a\",\"b.c\"],\"scope\":[[\"a\",\"b.c\"]],\"may_be_absent\":true},\"commit\":\"c\","
	               "\"evaluator\":\"nix-eval-jobs\",\"version\":\"2.3\",\"build\":\"b\",\"source\":\"/s\","
	               "\"nix\":{\"restricted\":false,\"features\":[\"flakes\"],\"options\":{\"max-jobs\":\"1\"},"
	               "\"env\":{\"HOME\":\"/h\\\"\\n\"},\"settings\":\"h\",\"search\":\"\",\"reads\":\"r\\n\"},\"ifd\":true,"
	               "\"network\":true,\"max_depth\":64,\"uris\":[\"https://x/\"],\"systems\":[]}"),
	    want);
	assert_string_equal(got, want);
}

static int
drop_dir(void **state)
{
	struct err e;

	(void)state;
	return files_remove_tree(dir, &e);
}

static char *
write_so(struct arena *a, int n, bool partial)
{
	struct evaluation_header header =
	    {.key = key, .job = {.name = "j"}, .evaluator = "e", .version = "v", .complete = true, .partial = partial};
	char *path = stored_path(a, dir, key), line[300];
	struct eval_rows r = {0};
	struct err e;

	for (int i = 0; i < n; i++) {
		snprintf(line, sizeof(line), "{\"attrPath\":[\"p%05d\"],\"drvPath\":\"/nix/store/%032d-a.drv\",\"outputs\":{}}",
		    i, i / 2);
		assert_true(eval_rows_add(&r, str_of(line)));
	}
	assert_true(eval_rows_add(&r, STR("{\"attrPath\":[\"bad\"],\"error\":\"\\\"drvPath\\\":\\\"/nix/store/x.drv\\\"\"}")));
	eval_rows_finish(&r);
	assert_false(r.incomplete);
	assert_int_equal(stored_write(path, &header, &r, &e), 0);
	eval_rows_release(&r);
	return path;
}

static char *
write_some(struct arena *a, int n)
{
	return write_so(a, n, false);
}

/* Its rows are for one comparison. Even under the name of a whole one it is not reused. */
static void
what_is_partial_is_not_read_again(void **state)
{
	struct arena a = {0};
	struct stored s;
	struct err e;

	(void)state;
	char *path = write_so(&a, 3, true);
	assert_int_equal(stored_read(&a, path, key, &s, NULL, NULL, &e), 1);
	assert_int_equal(e.kind, ERR_INPUT);
	assert_string_not_equal(path, stored_partial_path(&a, dir, key));
	arena_release(&a);
}

static int
count_drv(void *ctx, struct str drv)
{
	assert_true(drv.n > 0 && drv.p[drv.n] == '\0');
	++*(int *)ctx;
	return 0;
}

static void
what_is_written_is_read(void **state)
{
	struct arena a = {0};
	struct stored s;
	struct err e;
	int drvs = 0;

	(void)state;
	char *path = write_some(&a, 10000);
	assert_int_equal(stored_read(&a, path, key, &s, count_drv, &drvs, &e), 0);
	assert_int_equal(s.rows, 10001);
	assert_int_equal(s.errors, 1);
	assert_int_equal(s.derivations, 5000);
	assert_int_equal(drvs, 5000);
	assert_string_equal(s.version, "v");
	/* Another key's file is not this one's. */
	assert_int_equal(stored_read(&a, path, "0123", &s, NULL, NULL, &e), 1);
	assert_int_equal(stored_read(&a, arena_printf(&a, "%s/nothing", dir), key, &s, NULL, NULL, &e), 1);
	assert_int_equal(e.kind, ERR_ABSENT);
	arena_release(&a);
}

static void
damage_anywhere_is_noticed(void **state)
{
	struct arena a = {0};
	struct stored s;
	struct err e;
	struct str whole;

	(void)state;
	char *path = write_some(&a, 300);
	assert_int_equal(files_read(&a, path, 1 << 20, &whole, &e), 0);
	for (size_t at = 0; at < whole.n; at += at < 64 ? 1 : 37) {
		char *bad = arena_dup(&a, whole.p, whole.n);
		bad[at] ^= 0x10;
		assert_int_equal(files_write(path, (struct str){bad, whole.n}, 0600, FILES_NO_SYNC, &e), 0);
		/* A bit that means nothing may be flipped in a frame's header; then everything must still be there. */
		if (stored_read(&a, path, key, &s, NULL, NULL, &e) == 0 && s.rows != 301)
			fail_msg("damage at byte %zu was not noticed", at);
		assert_int_equal(files_write(path, (struct str){whole.p, at}, 0600, FILES_NO_SYNC, &e), 0);
		if (stored_read(&a, path, key, &s, NULL, NULL, &e) != 1)
			fail_msg("a file cut at byte %zu was taken for whole", at);
	}
	arena_release(&a);
}

static void
a_lock_keeps_the_second_waiting(void **state)
{
	AUTO(fd_close) int first = -1;
	int second = -1;
	struct err e;

	(void)state;
	assert_int_equal(stored_lock(dir, key, 1000, &first, &e), 0);
	assert_int_equal(stored_lock(dir, key, 100, &second, &e), -1);
	assert_int_equal(e.kind, ERR_BUSY);
	fd_close(&first);
	assert_int_equal(stored_lock(dir, key, 100, &second, &e), 0);
	fd_close(&second);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_key_is_the_hash_of_what_was_always_hashed),
	    cmocka_unit_test(what_is_written_is_read),
	    cmocka_unit_test(what_is_partial_is_not_read_again),
	    cmocka_unit_test(damage_anywhere_is_noticed),
	    cmocka_unit_test(a_lock_keeps_the_second_waiting),
	};
	return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
