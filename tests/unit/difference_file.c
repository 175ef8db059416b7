/* Difference files: read element by element, written again, and refused when they are not whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#undef fail /* ours is another one */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/difference_file.h"
#include "support/os/files.h"

#define GOLDEN "fixtures/evaluations/difference.json"

enum { EVERYTHING = (1 << DIFFERENCE_PARTS) - 1 };

static char dir[] = "/tmp/ekaci-difference-XXXXXX";
static char path[sizeof(dir) + 8];

static int
setup(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/d.json", dir);
	return 0;
}

static int
teardown(void **state)
{
	struct err e = {0};

	(void)state;
	return files_remove_tree(dir, &e);
}

/* Reads all of path and writes what it gives to out. */
static int
copy(struct arena *a, const char *from, unsigned wanted, struct buf *out, size_t n[DIFFERENCE_PARTS], struct err *e)
{
	AUTO(difference_close) struct difference_reader *r = NULL;
	struct difference_writer w;
	struct difference_element one;
	int rc;

	if (difference_open(from, wanted, &r, e) != 0)
		return -1;
	difference_begin(&w, out);
	while ((rc = difference_next(r, a, &one, e)) == 1) {
		assert_int_equal(one.index, n[one.part]);
		n[one.part]++;
		if (wanted == EVERYTHING)
			assert_int_equal(difference_put(&w, one.part, one.is, e), 0);
	}
	if (rc == 0)
		assert_int_equal(difference_next(r, a, &one, e), 0);
	return rc != 0 || wanted != EVERYTHING ? rc : difference_end(&w, e);
}

static void
what_is_read_is_written_again(void **state)
{
	struct arena a = {0};
	struct err e = {0};
	size_t n[DIFFERENCE_PARTS] = {0}, again[DIFFERENCE_PARTS] = {0};
	AUTO(buf_release) struct buf first, second;
	(void)state;

	buf_init(&first, 1 << 20);
	buf_init(&second, 1 << 20);
	assert_int_equal(copy(&a, GOLDEN, EVERYTHING, &first, n, &e), 0);
	const size_t want[DIFFERENCE_PARTS] = {1, 12, 0, 1, 3, 4, 1, 4, 1};
	for (int i = 0; i < DIFFERENCE_PARTS; i++)
		assert_int_equal(n[i], want[i]);
	assert_int_equal(files_write(path, buf_get(&first), 0600, FILES_NO_SYNC, &e), 0);
	assert_int_equal(copy(&a, path, EVERYTHING, &second, again, &e), 0);
	assert_true(str_eq(buf_get(&first), buf_get(&second)));
	arena_release(&a);
}

/* Meta is the one thing of which the file may have another text than the struct is written as. */
static void
the_golden_file_keeps_its_bytes_but_for_meta(void **state)
{
	struct arena a = {0};
	struct err e = {0};
	size_t n[DIFFERENCE_PARTS] = {0};
	struct str golden;
	AUTO(buf_release) struct buf got, want;
	(void)state;

	buf_init(&got, 1 << 20);
	buf_init(&want, 1 << 20);
	assert_int_equal(copy(&a, GOLDEN, EVERYTHING, &got, n, &e), 0);
	assert_int_equal(files_read(&a, GOLDEN, 1 << 20, &golden, &e), 0);
	static const char before[] = "{\"description\":\"<b>\\u0041 | `x` @all\",\"version\":\"8.1\"}",
	                  after[] = "{\"version\":\"8.1\",\"description\":\"<b>A | `x` @all\"}";
	ptrdiff_t at = str_find(golden, str_of(before));
	assert_true(at > 0);
	buf_add(&want, golden.p, (size_t)at);
	buf_puts(&want, after);
	buf_str(&want, str_from(golden, (size_t)at + strlen(before)));
	assert_true(str_eq(buf_get(&got), buf_get(&want)));
	arena_release(&a);
}

static void
only_what_is_wanted_is_given(void **state)
{
	struct arena a = {0};
	struct err e = {0};
	size_t n[DIFFERENCE_PARTS] = {0};
	struct difference_counts counts;
	AUTO(buf_release) struct buf none;
	(void)state;

	buf_init(&none, 1 << 20);
	assert_int_equal(copy(&a, GOLDEN, 1u << DIFFERENCE_ROOTS | 1u << DIFFERENCE_KNOWN, &none, n, &e), 0);
	for (int i = 0; i < DIFFERENCE_PARTS; i++)
		assert_int_equal(n[i], i == DIFFERENCE_ROOTS ? 3 : i == DIFFERENCE_KNOWN ? 1 : 0);
	assert_int_equal(difference_read_counts(&a, GOLDEN, &counts, &e), 0);
	assert_int_equal(counts.total.of[CLASS_REBUILD], 4);
	assert_int_equal(counts.systems.n, 2);
	assert_string_equal(counts.systems.p[1].system, "x86_64-linux");
	assert_int_equal(counts.systems.p[1].of.of[CLASS_FIXED], 2);
	assert_int_equal(counts.carry_commit, -1);
	arena_release(&a);
}

/* What was gone through can be had as text, whether it was wanted or not; so can each element. */
static void
parts_and_elements_have_their_text(void **state)
{
	static const char file[] = "{\"ekaci_difference\":1, \"counts\" : {\"total\":{}} ,\"attributes\":[ {\"path\":[\"a\"],"
	                           "\"class\":\"added\"}\n],\"targets\":[ ],\"roots\":[{\"drv\":\"d\"},{\"drv\":\"e\"}]}";
	struct arena a = {0};
	struct err e = {0};
	AUTO(difference_close) struct difference_reader *r = NULL;
	struct difference_element one;
	(void)state;

	assert_int_equal(files_write(path, str_of(file), 0600, FILES_NO_SYNC, &e), 0);
	assert_int_equal(difference_open(path, 1u << DIFFERENCE_ATTRIBUTES, &r, &e), 0);
	assert_int_equal(difference_next(r, &a, &one, &e), 1);
	assert_true(str_is(one.text, "{\"path\":[\"a\"],\"class\":\"added\"}"));
	assert_null(difference_text(r, DIFFERENCE_ATTRIBUTES).p);
	assert_int_equal(difference_next(r, &a, &one, &e), 0);
	assert_true(str_is(difference_text(r, DIFFERENCE_COUNTS), "{\"total\":{}}"));
	assert_true(str_is(difference_text(r, DIFFERENCE_ATTRIBUTES), "[ {\"path\":[\"a\"],\"class\":\"added\"}\n]"));
	assert_true(str_is(difference_text(r, DIFFERENCE_TARGETS), "[ ]"));
	assert_true(str_is(difference_text(r, DIFFERENCE_ROOTS), "[{\"drv\":\"d\"},{\"drv\":\"e\"}]"));
	assert_null(difference_text(r, DIFFERENCE_META_ERRORS).p);
	arena_release(&a);
}

#define HEAD  "{\"ekaci_difference\":1,\"counts\":{\"total\":{}},"
#define WHOLE HEAD "\"attributes\":[]}"

static void
what_is_not_a_difference_is_refused(void **state)
{
	static const char *const wrong[][2] = {
	    {"", "is empty"},
	    {"[]", "no JSON object"},
	    {"{}", "no attributes or no counts"},
	    {"{\"ekaci_difference\":2}", "not a difference of version 1"},
	    {"{\"counts\":{\"total\":{}},\"attributes\":[]}", "not a difference of version 1"},
	    {HEAD "\"attributes\":{}}", "no list"},
	    {HEAD "\"attributes\":[{\"path\":[\"a\"],\"class\":\"fresh\"}]}", "element 0 of: attributes.class: is a word"},
	    {HEAD "\"attributes\":[{\"class\":\"added\"}]}", "attributes.path: is missing"},
	    {HEAD "\"attributes\":[],\"attributes\":[]}", "twice"},
	    {HEAD "\"attributes\":[]} x", "something behind"},
	    {HEAD "\"attributes\":[", "malformed"},
	    {HEAD "\"attributes\":[]", "malformed"},
	    {HEAD "\"attributes\":[],\"new\":[1,}", "malformed"},
	};
	struct arena a = {0};
	struct err e = {0};
	AUTO(buf_release) struct buf none;
	(void)state;

	buf_init(&none, 1 << 20);
	for (size_t i = 0; i < COUNT(wrong); i++) {
		size_t n[DIFFERENCE_PARTS] = {0};
		assert_int_equal(files_write(path, str_of(wrong[i][0]), 0600, FILES_NO_SYNC, &e), 0);
		assert_int_equal(copy(&a, path, (unsigned)EVERYTHING & ~(1u << DIFFERENCE_META_ERRORS), &none, n, &e), -1);
		assert_int_equal(e.kind, ERR_INPUT);
		assert_non_null(strstr(e.msg, path));
		assert_non_null(strstr(e.msg, wrong[i][1]));
	}
	size_t n[DIFFERENCE_PARTS] = {0};
	assert_int_equal(files_write(path, STR(WHOLE "\n"), 0600, FILES_NO_SYNC, &e), 0);
	assert_int_equal(copy(&a, path, 1u << DIFFERENCE_COUNTS, &none, n, &e), 0);
	assert_int_equal(n[DIFFERENCE_COUNTS], 1);
	unlink(path);
	assert_int_equal(copy(&a, path, EVERYTHING, &none, n, &e), -1);
	assert_int_equal(e.kind, ERR_ABSENT);
	arena_release(&a);
}

static void
parts_come_in_their_order(void **state)
{
	struct err e = {0};
	struct difference_counts counts = {.carry_commit = -1};
	struct difference_target target = {.drv = "/d"};
	AUTO(buf_release) struct buf out;
	struct difference_writer w;
	(void)state;

	buf_init(&out, 1 << 20);
	difference_begin(&w, &out);
	assert_int_equal(difference_put(&w, DIFFERENCE_TARGETS, &target, &e), -1); /* counts first */
	assert_int_equal(e.kind, ERR_BUG);
	assert_int_equal(difference_put(&w, DIFFERENCE_COUNTS, &counts, &e), 0);
	assert_int_equal(difference_put(&w, DIFFERENCE_COUNTS, &counts, &e), -1);
	assert_int_equal(difference_put(&w, DIFFERENCE_TARGETS, &target, &e), -1); /* and meta_errors */
	assert_int_equal(e.kind, ERR_BUG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_read_is_written_again),
	    cmocka_unit_test(the_golden_file_keeps_its_bytes_but_for_meta),
	    cmocka_unit_test(only_what_is_wanted_is_given),
	    cmocka_unit_test(parts_and_elements_have_their_text),
	    cmocka_unit_test(what_is_not_a_difference_is_refused),
	    cmocka_unit_test(parts_come_in_their_order),
	};

	return cmocka_run_group_tests_name("difference_file", tests, setup, teardown);
}
