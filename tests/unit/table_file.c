/* The table of a run: what was written is read, in the order of each column; a file that is none is refused. */
#include "formats/table_file.h"
#include "support/os/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "temp_dir.h"

static const char *const causes[] = {"openssl", "zlib"};

static void
add(struct table_writer *w, const char *name, const char *system, const char *version, int64_t attributes, uint8_t state)
{
	static const uint32_t of[] = {1, 0};
	const struct table_entry one = {.name = name,
	    .system = system,
	    .old = version != NULL ? "1.0" : NULL,
	    .new = version,
	    .because = "openssl, zlib",
	    .drv = "hash-name",
	    .causes = of,
	    .n_causes = attributes > 0 ? 2 : 1,
	    .attributes = attributes,
	    .derivations = attributes,
	    .class = CLASS_REBUILD,
	    .state = state};

	table_add(w, &one);
}

static void
write_table(struct buf *out, char version[17], uint8_t state)
{
	AUTO(table_drop) struct table_writer *w = table_begin(causes, COUNT(causes));
	struct err e;

	add(w, "b10", "x86_64-linux", "1.10", 5, table_state(CLASS_REBUILD, BUILD_BUILT, BLAME_NONE));
	add(w, "B9", "aarch64-linux", "1.9", 400, state);
	add(w, "a", NULL, NULL, -1, table_state(CLASS_NEWLY_FAILING, BUILD_NONE, BLAME_NONE));
	buf_init(out, 1 << 20);
	assert_int_equal(table_end(w, out, version, &e), 0);
}

static void
check_order(const struct table_map *t, enum table_column column, uint32_t a, uint32_t b, uint32_t c)
{
	assert_int_equal(t->order[column][0], a);
	assert_int_equal(t->order[column][1], b);
	assert_int_equal(t->order[column][2], c);
}

static void
test_what_is_written_is_read(void **state)
{
	AUTO(buf_release) struct buf out = {0}, later = {0};
	AUTO(table_close) struct table_map t = {0};
	struct arena a = {0};
	char version[17], same[17];
	const char *path = arena_printf(&a, "%s/table.bin", dir);
	struct err e;

	(void)state;
	write_table(&out, version, table_state(CLASS_REBUILD, BUILD_QUEUED, BLAME_NONE));
	assert_int_equal(files_write(path, buf_get(&out), 0600, FILES_NO_SYNC, &e), 0);
	assert_int_equal(table_open(path, &t, &e), 0);
	assert_int_equal(t.head->n_rows, 3);
	assert_string_equal(t.head->version, version);
	assert_string_equal(table_text(&t, t.rows[1].name), "B9");
	assert_string_equal(table_text(&t, t.rows[1].search), "b9\naarch64-linux\nrebuild\n1.0\n1.9\nopenssl, zlib");
	assert_string_equal(table_text(&t, t.systems[t.rows[1].system]), "aarch64-linux");
	assert_string_equal(table_text(&t, t.causes[t.places[t.rows[1].causes]]), "zlib");
	assert_int_equal(t.rows[1].n_causes, 2);
	assert_string_equal(table_text(&t, UINT32_MAX), "");
	check_order(&t, TABLE_NAME, 2, 1, 0); /* 9 before 10, in any case */
	check_order(&t, TABLE_VERSION, 2, 1, 0);
	check_order(&t, TABLE_RADIUS, 2, 0, 1);
	check_order(&t, TABLE_STATE, 2, 1, 0); /* what does not evaluate, what waits, what is built */
	/* What builds do is no other version. */
	write_table(&later, same, table_state(CLASS_REBUILD, BUILD_FAILED, BLAME_NEWLY));
	assert_string_equal(same, version);
	assert_false(str_eq(buf_get(&out), buf_get(&later)));
	arena_release(&a);
}

static void
test_a_file_that_is_none_is_refused(void **state)
{
	AUTO(buf_release) struct buf out = {0};
	struct arena a = {0};
	char version[17];
	const char *path = arena_printf(&a, "%s/table.bin", dir);
	struct table_map t;
	struct err e;

	(void)state;
	assert_int_equal(table_open(arena_printf(&a, "%s/none", dir), &t, &e), -1);
	assert_int_equal(e.kind, ERR_ABSENT);
	write_table(&out, version, 0);
	for (size_t n = 0; n < out.n; n++) {
		assert_int_equal(files_write(path, (struct str){out.p, n}, 0600, FILES_NO_SYNC, &e), 0);
		assert_int_equal(table_open(path, &t, &e), -1);
		assert_int_equal(e.kind, ERR_INPUT);
	}
	out.p[0] = 'X';
	assert_int_equal(files_write(path, buf_get(&out), 0600, FILES_NO_SYNC, &e), 0);
	assert_int_equal(table_open(path, &t, &e), -1);
	assert_int_equal(e.kind, ERR_INPUT);
	arena_release(&a);
}

static void
test_each_state_has_its_words(void **state)
{
	struct arena a = {0};
	const struct table_outcome newly = table_outcome(&a, table_state(CLASS_REBUILD, BUILD_FAILED, BLAME_NEWLY)),
	                           before = table_outcome(&a, table_state(CLASS_REBUILD, BUILD_FAILED, BLAME_STILL)),
	                           none = table_outcome(&a, table_state(CLASS_REMOVED, BUILD_NONE, BLAME_NONE));

	(void)state;
	assert_string_equal(newly.key, "failed-newly");
	assert_string_equal(newly.words, "build failed, newly");
	assert_true(newly.attention);
	assert_string_equal(before.words, "build failed, as on the base");
	assert_false(before.attention);
	assert_string_equal(none.key, "");
	for (int i = 0; i < 256; i++)
		assert_non_null(table_outcome(&a, (uint8_t)i).tone);
	arena_release(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_what_is_written_is_read),
	    cmocka_unit_test(test_a_file_that_is_none_is_refused), cmocka_unit_test(test_each_state_has_its_words)};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
