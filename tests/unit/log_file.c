/* Logs on disk: lines are found wherever they are, in both forms, whatever a builder printed. */
#include "formats/log_file.h"

#include "support/os/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "temp_dir.h"

static bool
is_error(struct str line)
{
	return str_find(line, STR("error:")) >= 0;
}

struct said {
	struct arena *a;
	int64_t first, last, n;
	const char *text;
	size_t bytes;
	bool cut;
	int64_t stop_after;
};

static int
on_line(void *ctx, const struct log_line *l)
{
	struct said *s = ctx;

	if (!l->shown)
		return 0;
	if (s->n++ == 0) {
		s->first = l->number;
		s->text = str_dup(s->a, l->text);
		s->bytes = l->text.n;
		s->cut = l->cut;
	} else {
		assert_int_equal(l->number, s->last + 1);
	}
	s->last = l->number;
	return s->n >= s->stop_after;
}

static struct said
lines(struct arena *a, struct log_file *f, int64_t from, int64_t n, int64_t *ret_next)
{
	struct said s = {.a = a, .stop_after = n};
	struct err e;

	assert_int_equal(log_file_lines(f, from, 1 << 20, on_line, &s, ret_next, &e), 0);
	return s;
}

static void
write_log(const char *path, const char *const *parts, size_t n, int64_t numbered, bool end)
{
	struct log_writer *w = NULL;
	struct err e;
	char line[64];

	assert_int_equal(log_writer_new(path, is_error, &w, &e), 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(log_writer_add(w, str_of(parts[i]), &e), 0);
	for (int64_t i = 0; i < numbered; i++) {
		snprintf(line, sizeof(line), "line %lld of many, %s\n", (long long)i,
		    i == numbered / 2 ? "error: this" : "fine");
		assert_int_equal(log_writer_add(w, str_of(line), &e), 0);
	}
	if (end)
		assert_int_equal(log_writer_end(w, true, &e), 0);
	log_writer_free(&w);
}

static void
any_line_of_a_long_log_is_found_while_it_grows_and_when_it_is_compressed(void **state)
{
	(void)state;
	enum { LINES = 200000 };
	struct arena a = {0};
	const char *path = arena_printf(&a, "%s/log", dir);

	for (int end = 0; end < 2; end++) {
		struct log_file f;
		struct err e;
		int64_t next;
		write_log(path, NULL, 0, LINES, end);
		assert_int_equal(files_exist(arena_printf(&a, "%s.zst", path)), end);
		assert_int_equal(files_exist(path), !end);
		assert_int_equal(log_file_open(&a, path, &f, &e), 0);
		assert_int_equal(f.lines, LINES);
		assert_false(f.more);
		assert_int_equal(f.ended, end);
		assert_int_equal(f.error, end ? LINES / 2 + 1 : 0);
		for (int64_t from = 1; from <= LINES; from += 7919) {
			struct said s = lines(&a, &f, from, 3, &next);
			assert_int_equal(s.first, from);
			assert_string_equal(s.text, arena_printf(&a, "line %lld of many, %s", (long long)from - 1,
			                                from - 1 == LINES / 2 ? "error: this" : "fine"));
			assert_int_equal(next, from + 3 <= LINES ? from + 3 : 0);
		}
		struct said s = lines(&a, &f, LINES, 3, &next);
		assert_int_equal(s.n, 1);
		assert_int_equal(next, 0);
		s = lines(&a, &f, LINES + 1, 3, &next);
		assert_int_equal(s.n, 0);
		/* A byte of it, for ranges. */
		assert_int_equal(log_file_seek(&f, 5 * LOG_BLOCK + 17, &e), 0);
		log_file_close(&f);
	}
	log_file_remove(path);
	assert_false(files_exist(arena_printf(&a, "%s.zst.index", path)));
	arena_release(&a);
}

static void
a_line_without_end_is_cut_and_what_follows_it_is_found(void **state)
{
	(void)state;
	enum { MEGA = 1 << 20, TIMES = 40 };
	struct arena a = {0};
	const char *path = arena_printf(&a, "%s/log", dir);
	char *mega = mem_alloc(MEGA + 1);
	const char *parts[TIMES + 3];
	struct log_file f;
	struct err e;
	int64_t next;

	memset(mega, 'x', MEGA);
	mega[MEGA] = '\0';
	parts[0] = "first\n";
	for (int i = 0; i < TIMES; i++)
		parts[1 + i] = mega;
	parts[TIMES + 1] = "\nthird\n";
	parts[TIMES + 2] = "no end";
	write_log(path, parts, TIMES + 3, 0, true);
	assert_int_equal(log_file_open(&a, path, &f, &e), 0);
	assert_int_equal(f.lines, 4);
	struct said s = lines(&a, &f, 2, 1, &next);
	assert_int_equal(s.bytes, LOG_LINE);
	assert_true(s.cut);
	assert_int_equal(next, 3);
	s = lines(&a, &f, 3, 9, &next);
	assert_string_equal(s.text, "third");
	assert_false(s.cut);
	assert_int_equal(s.n, 2);
	s = lines(&a, &f, 1, 9, &next); /* through it */
	assert_int_equal(s.n, 4);
	log_file_close(&f);
	mem_free(&mega);
	arena_release(&a);
}

static void
phases_are_what_nix_and_stdenv_announce_and_nothing_else(void **state)
{
	(void)state;
	static const char *const parts[] = {"@nix {\"action\":\"setPhase\",\"phase\":\"unpackPhase\"}\n",
	    "Running phase: unpackPhase\n", "x\n\x1b[1mRunning phase: buildPhase\x1b[0m\n",
	    "@nix\n@nix {\n@nix []\n@nix {\"action\":\"setPhase\"}\n",
	    "@nix {\"action\":\"setPhase\",\"phase\":7}\n@nix {\"action\":\"setPhase\",\"phase\":\"a b\"}\n",
	    "@nix {\"action\":\"setPhase\",\"phase\":\"\\u202e\"}\n@nix {\"action\":\"setPhase\",\"phase\":\"a\\nerror 1\"}\n",
	    "Running phase: \nerror: no\nRunning phase: buildPhase\n"};
	struct arena a = {0};
	const char *path = arena_printf(&a, "%s/log", dir);
	struct log_file f;
	struct err e;

	write_log(path, parts, COUNT(parts), 0, true);
	assert_int_equal(log_file_open(&a, path, &f, &e), 0);
	assert_int_equal(f.n_phases, 3);
	assert_string_equal(f.phases[0].name, "unpackPhase");
	assert_int_equal(f.phases[0].line, 1);
	assert_string_equal(f.phases[1].name, "buildPhase");
	assert_int_equal(f.phases[1].line, 4);
	assert_int_equal(f.phases[2].line, 15);
	assert_int_equal(f.error, 14);
	log_file_close(&f);
	arena_release(&a);
}

static void
a_log_without_an_index_or_with_a_broken_one_is_read_as_far_as_it_goes(void **state)
{
	(void)state;
	static const char *const broken[] = {NULL, "block -1\nphase\nend\n\xff\n",
	    "block 99999999999999999999\nphase 1 " /* cut */,
	    "block 5\nblock 3\nphase 2 0123456789012345678901234567890123456789012345678901234567890123456789\n"};
	struct arena a = {0};
	const char *path = arena_printf(&a, "%s/log", dir), *index = arena_printf(&a, "%s.index", path);
	struct err e;

	for (size_t i = 0; i < COUNT(broken); i++) {
		struct log_file f;
		int64_t next;
		log_file_remove(path);
		assert_int_equal(files_write(path, STR("one\ntwo\nthree"), 0600, FILES_NO_SYNC, &e), 0);
		if (broken[i] != NULL)
			assert_int_equal(files_write(index, str_of(broken[i]), 0600, FILES_NO_SYNC, &e), 0);
		assert_int_equal(log_file_open(&a, path, &f, &e), 0);
		assert_int_equal(f.n_phases, 0);
		if (i < 3) {
			assert_int_equal(f.lines, 3);
			assert_string_equal(lines(&a, &f, 2, 5, &next).text, "two");
		} else {
			(void)lines(&a, &f, 2, 5, &next);
		}
		log_file_close(&f);
	}
	struct log_file f;
	log_file_remove(path);
	assert_int_equal(log_file_open(&a, path, &f, &e), -1);
	assert_int_equal(e.kind, ERR_ABSENT);
	arena_release(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(any_line_of_a_long_log_is_found_while_it_grows_and_when_it_is_compressed),
	    cmocka_unit_test(a_line_without_end_is_cut_and_what_follows_it_is_found),
	    cmocka_unit_test(phases_are_what_nix_and_stdenv_announce_and_nothing_else),
	    cmocka_unit_test(a_log_without_an_index_or_with_a_broken_one_is_read_as_far_as_it_goes),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
