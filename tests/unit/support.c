/* support: slices, numbers, buffers, maps, arenas, places in JSON, files, children. */
#include "support/base/clock.h"
#include "support/base/map.h"
#include "support/os/child.h"
#include "support/os/files.h"
#include "support/os/packed.h"
#include "support/text/json.h"
#include "support/text/metric.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "in_range.h"

/* All of a packed file; SIZE_MAX when it cannot be read. */
static size_t
read_packed(const char *path, char *out, size_t max)
{
	struct packed *p;
	struct err e;
	ssize_t n;
	size_t all = 0;

	assert_int_equal(packed_open(path, &p, &e), 0);
	while ((n = packed_read(p, out + all, max - all < 1000 ? max - all : 1000)) > 0)
		all += (size_t)n;
	packed_close(&p);
	return n < 0 ? SIZE_MAX : all;
}

static void
a_packed_file_reads_as_before_and_its_damage_is_noticed(void **state)
{
	enum { SIZE = 300000 };
	char dir[] = "/tmp/ekaci-packed-XXXXXX";
	static char text[SIZE], back[SIZE + 1000];
	struct packed *open_before;
	struct arena a = {0};
	struct stat st;
	struct err e;
	struct str bytes;

	(void)state;
	assert_non_null(mkdtemp(dir));
	for (int i = 0; i < SIZE; i++)
		text[i] = (char)(' ' + i * 7 % 90 + (i / 1000) % 5);
	const char *path = arena_printf(&a, "%s/log", dir), *zst = arena_printf(&a, "%s.zst", path);
	assert_int_equal(packed_open(path, &open_before, &e), -1);
	assert_int_equal(e.kind, ERR_ABSENT);
	assert_int_equal(packed_pack(path, &e), -1);
	assert_int_equal(files_write(path, (struct str){text, SIZE}, 0600, FILES_NO_SYNC, &e), 0);
	assert_int_equal(read_packed(path, back, sizeof(back)), SIZE);
	assert_int_equal(packed_open(path, &open_before, &e), 0);
	assert_int_equal(packed_pack(path, &e), 0);
	assert_int_equal(packed_read(open_before, back, 1000), 1000); /* who had it open reads on */
	packed_close(&open_before);
	assert_int_equal(stat(path, &st), -1);
	assert_int_equal(stat(zst, &st), 0);
	assert_true(st.st_size < SIZE / 4);
	memset(back, 0, sizeof(back));
	assert_int_equal(read_packed(path, back, sizeof(back)), SIZE);
	assert_memory_equal(back, text, SIZE);

	assert_int_equal(files_read(&a, zst, SIZE, &bytes, &e), 0);
	assert_int_equal(files_write(zst, (struct str){bytes.p, bytes.n / 2}, 0600, FILES_NO_SYNC, &e), 0);
	assert_int_equal(read_packed(path, back, sizeof(back)), SIZE_MAX);
	char *wrong = str_dup(&a, bytes);
	wrong[bytes.n - 1] ^= 1; /* the checksum */
	assert_int_equal(files_write(zst, (struct str){wrong, bytes.n}, 0600, FILES_NO_SYNC, &e), 0);
	assert_int_equal(read_packed(path, back, sizeof(back)), SIZE_MAX);
	packed_remove(path);
	assert_int_equal(packed_open(path, &open_before, &e), -1);
	assert_int_equal(files_remove_tree(dir, &e), 0);
	arena_release(&a);
}

static void
numbers_are_taken_whole_or_not_at_all(void **state)
{
	static const struct {
		const char *text;
		int rc;
		int64_t value;
	} rows[] = {
	    {"0", 0, 0},
	    {"-1", 0, -1},
	    {"9223372036854775807", 0, INT64_MAX},
	    {"-9223372036854775808", 0, INT64_MIN},
	    {"9223372036854775808", -1, 7},
	    {"-9223372036854775809", -1, 7},
	    {"", -1, 7},
	    {"-", -1, 7},
	    {"1 ", -1, 7},
	    {"0x10", -1, 7},
	    {"+1", -1, 7},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t v = 7;
		assert_int_equal(str_to_i64(str_of(rows[i].text), &v), rows[i].rc);
		assert_true(v == rows[i].value);
	}
}

static void
slices_are_cut_found_and_trimmed(void **state)
{
	struct str rest;

	(void)state;
	char hex[9];
	str_hex((const unsigned char *)"\x00\x0f\xa5\xff", 4, hex);
	assert_string_equal(hex, "000fa5ff");
	assert_true(str_same(NULL, NULL) && str_same("a", "a") && !str_same("a", NULL) && !str_same("a", "b"));
	assert_true(str_is(str_cut(STR("a,b,c"), ',', &rest), "a"));
	assert_true(str_is(rest, "b,c"));
	assert_true(str_is(str_cut(STR("abc"), ',', &rest), "abc"));
	assert_null(rest.p);
	assert_true(str_is(str_cut(STR("a,"), ',', &rest), "a"));
	assert_non_null(rest.p);
	assert_int_equal(rest.n, 0);
	assert_int_equal(str_find(STR("needle in hay"), STR("in")), 7);
	assert_int_equal(str_find(STR("hay"), STR("in")), -1);
	assert_true(str_is(str_trim(STR(" \t x y\r\n")), "x y"));
	assert_true(str_starts(STR("abc"), STR("")));
	assert_false(str_ends(STR("c"), STR("bc")));
}

static void
utf8_is_judged_and_never_cut(void **state)
{
	static const char *const bad[] = {"\x80", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe2\x82"};

	(void)state;
	assert_true(str_utf8_ok(STR("gr\xc3\xbc\xc3\x9f \xf0\x9f\x8c\xb1")));
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(str_utf8_ok(str_of(bad[i])));
	assert_int_equal(str_utf8_head(STR("a\xf0\x9f\x8c\xb1"), 4).n, 1);
	assert_int_equal(str_utf8_head(STR("a\xf0\x9f\x8c\xb1"), 5).n, 5);
	AUTO(json_drop) json_t *j = json_any_string(STR("a\xff\xf0\x9f\x8c\xb1\x80"));
	assert_string_equal(json_string_value(j), "a\xef\xbf\xbd\xf0\x9f\x8c\xb1\xef\xbf\xbd");
	AUTO(json_drop) json_t *nul = json_any_string(STR("a\0b"));
	assert_string_equal(json_string_value(nul), "a\xef\xbf\xbd"
	                                            "b");
}

static void
a_buffer_stops_at_its_ceiling_and_stays_over(void **state)
{
	AUTO(buf_release) struct buf b;

	(void)state;
	buf_init(&b, 10);
	buf_puts(&b, "12345");
	buf_puts(&b, "678901");
	assert_true(b.over);
	assert_string_equal(b.p, "12345");
	buf_putc(&b, 'x');
	assert_string_equal(b.p, "12345");
	buf_release(&b);
	buf_init(&b, 1000);
	buf_puts(&b, "ab");
	memset(buf_room(&b, 500), 'c', 500);
	assert_int_equal(b.n, 2);
	buf_grew(&b, 3);
	assert_string_equal(b.p, "abccc");
	assert_null(buf_room(&b, 996));
	assert_true(b.over);
	assert_string_equal(b.p, "abccc");
}

static void
a_map_keeps_its_order_and_finds_all(void **state)
{
	struct map m = {0};
	struct arena a = {0};

	(void)state;
	for (size_t i = 0; i < 20000; i++) {
		bool added;
		map_add(&m, str_of(arena_printf(&a, "key%zu", i)), &added)->value = i;
		assert_true(added);
	}
	for (size_t i = 0; i < 20000; i++) {
		char key[32];
		snprintf(key, sizeof(key), "key%zu", i);
		assert_true(map_get(&m, str_of(key))->value == i);
		assert_true(m.p[i].value == i);
	}
	assert_null(map_get(&m, STR("key20000")));
	map_release(&m);
	arena_release(&a);
}

static void
an_arena_gives_zeroed_memory_of_any_size(void **state)
{
	struct arena a = {0};

	(void)state;
	for (size_t n = 1; n < 300000; n = n * 3 + 1) {
		unsigned char *p = arena_alloc(&a, n);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, n);
	}
	assert_string_equal(arena_printf(&a, "%s-%d", "x", 7), "x-7");
	arena_release(&a);
}

static void
a_place_in_json_is_found(void **state)
{
	static const char text[] = "{\n  \"a\\u0062\": [1, {\"x\": \"}]\"}],\n  \"c\": {\"d\": true}\n}\n";
	const struct json_step element[] = {{"ab", 0}, {NULL, 1}, {"x", 0}};
	const struct json_step member[] = {{"c", 0}, {"d", 0}};
	const struct json_step none[] = {{"c", 0}, {"e", 0}};
	size_t line = 0, column = 0;

	(void)state;
	assert_true(json_locate(str_of(text), element, 3, false, &line, &column));
	assert_int_equal(line, 2);
	assert_int_equal(column, 24);
	assert_true(json_locate(str_of(text), member, 2, true, &line, &column));
	assert_int_equal(line, 3);
	assert_int_equal(column, 9);
	assert_false(json_locate(str_of(text), none, 2, false, &line, &column));
}

static void
malformed_json_names_its_place(void **state)
{
	json_t *j = NULL;
	struct err e = {0};

	(void)state;
	assert_int_equal(json_read(STR("{\"a\":\n 1,}"), "file.json", &j, &e), -1);
	assert_int_equal(e.kind, ERR_INPUT);
	assert_memory_equal(e.msg, "file.json:2:", 12);
	assert_int_equal(json_read(STR("{\"a\": 1, \"a\": 2}"), "x", &j, &e), -1);
	char deep[10000];
	memset(deep, '[', sizeof(deep));
	assert_int_equal(json_read((struct str){deep, sizeof(deep)}, "x", &j, &e), -1);
}

static void
a_context_is_put_before_an_error(void **state)
{
	struct err e = {0};

	(void)state;
	assert_int_equal(err_set(&e, ERR_ABSENT, 0, ERR_AT, "no %s", "bread"), -1);
	assert_int_equal(fail_in(&e, "kitchen"), -1);
	assert_string_equal(e.msg, "kitchen: no bread");
	assert_int_equal(e.kind, ERR_ABSENT);
	for (int i = 0; i < 200; i++)
		(void)fail_in(&e, "a longer and longer way up");
	assert_true(strlen(e.msg) < sizeof(e.msg));
	assert_int_equal(err_kind_of("limit"), ERR_LIMIT);
	assert_int_equal(err_kind_of("nonsense"), ERR_BUG);
}

static void
files_are_written_whole_and_trees_removed(void **state)
{
	char dir[] = "/tmp/ekaci-unit-XXXXXX";
	struct arena a = {0};
	struct err e;
	struct str text;

	(void)state;
	assert_non_null(mkdtemp(dir));
	const char *deep = arena_printf(&a, "%s/x/y/z", dir);
	const char *file = arena_printf(&a, "%s/file", deep);
	assert_int_equal(files_mkdirs(deep, 0755, &e), 0);
	assert_int_equal(files_mkdirs(deep, 0755, &e), 0);
	assert_int_equal(files_write(file, STR("hello"), 0600, FILES_SYNC, &e), 0);
	assert_int_equal(files_read(&a, file, 100, &text, &e), 0);
	assert_true(str_is(text, "hello"));
	assert_int_equal(files_read(&a, file, 4, &text, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	assert_int_equal(files_read(&a, dir, 4, &text, &e), -1);
	assert_int_equal(files_read(&a, arena_printf(&a, "%s/none", dir), 4, &text, &e), -1);
	assert_int_equal(e.kind, ERR_ABSENT);
	/* A link out of the tree is removed, not followed; a closed folder is opened. */
	assert_int_equal(symlink("/etc", arena_printf(&a, "%s/x/etc", dir)), 0);
	assert_int_equal(chmod(deep, 0500), 0);
	assert_int_equal(files_remove_tree(dir, &e), 0);
	assert_false(files_exist(dir));
	assert_true(files_exist("/etc/passwd"));
	assert_int_equal(files_remove_tree(dir, &e), 0);
	arena_release(&a);
}

struct lines {
	int out, err, chan;
	char last[64];
	int stop_after;
};

static int
on_line(void *ctx, int fd, struct str line, struct err *e)
{
	struct lines *l = ctx;

	(void)e;
	l->out += fd == 1;
	l->err += fd == 2;
	l->chan += fd == 3;
	snprintf(l->last, sizeof(l->last), STR_FMT, STR_ARG(str_utf8_head(line, 60)));
	return l->stop_after != 0 && l->out >= l->stop_after ? 1 : 0;
}

static struct child_result
shell(const char *script, struct child more, struct lines *l)
{
	const char *argv[] = {"sh", "-c", script, NULL};
	struct child_result r = {0};
	struct err e = {0};

	more.argv = argv;
	more.on_line = on_line;
	more.ctx = l;
	assert_int_equal(child_run(&more, &r, &e), 0);
	return r;
}

static void
a_child_is_read_on_all_its_pipes(void **state)
{
	struct lines l = {0};
	struct child_result r =
	    shell("cat; echo e >&2; echo c >&3; printf end; exit 3", (struct child){.in = STR("a\nb\n"), .channel = true}, &l);

	(void)state;
	assert_int_equal(r.end, CHILD_EXITED);
	assert_int_equal(r.code, 3);
	assert_int_equal(l.out, 3); /* a, b, and end without a newline */
	assert_int_equal(l.err, 1);
	assert_int_equal(l.chan, 1);
}

static void
a_silent_and_a_slow_child_are_ended(void **state)
{
	struct lines l = {0};
	struct child_result r = shell("sleep 20", (struct child){.silence_ms = 150}, &l);

	(void)state;
	assert_int_equal(r.end, CHILD_SILENT);
	r = shell("trap '' TERM; while :; do echo x; sleep 0.02; done", (struct child){.wall_ms = 200}, &l);
	assert_int_equal(r.end, CHILD_TIMED_OUT);
	assert_uint_in_range(r.wall_ms, 200, CHILD_GRACE_MS + 2000);
}

static void
what_a_child_leaves_behind_is_killed(void **state)
{
	struct lines l = {0};
	int64_t before = clock_mono_ms();

	(void)state;
	/* A grandchild in a session of its own, with the pipe still open. */
	shell("setsid sh -c 'sleep 30' & echo started", (struct child){0}, &l);
	assert_int_equal(l.out, 1);
	assert_true(clock_mono_ms() - before < 5000);
	/* We are its reaper: with it gone there is nobody to wait for. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void
a_flood_ends_at_the_limit_and_a_caller_may_stop(void **state)
{
	const char *argv[] = {"sh", "-c", "while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done", NULL};
	struct lines l = {.stop_after = 3};
	struct child_result r;
	struct err e = {0};
	struct child c = {.argv = argv, .on_line = on_line, .ctx = &l};

	(void)state;
	assert_int_equal(child_run(&c, &r, &e), 0);
	assert_int_equal(r.end, CHILD_STOPPED);
	l = (struct lines){0};
	c.max_out_bytes = 1 << 20;
	assert_int_equal(child_run(&c, &r, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
}

struct shape {
	size_t lines, bytes, longest;
};

static int
note_shape(void *ctx, int fd, struct str line, struct err *e)
{
	struct shape *s = ctx;

	(void)fd;
	(void)e;
	s->lines++;
	s->bytes += line.n;
	if (line.n > s->longest)
		s->longest = line.n;
	return 0;
}

static void
lines_of_any_length_come_whole_up_to_the_limit(void **state)
{
	const char *argv[] = {"sh", "-c", "echo a; head -c 3000000 /dev/zero | tr '\\0' x; echo; seq 100000; printf end", NULL};
	const char *endless[] = {"sh", "-c", "head -c 70000000 /dev/zero | tr '\\0' x", NULL};
	struct shape s = {0};
	struct child_result r;
	struct err e = {0};
	struct child c = {.argv = argv, .on_line = note_shape, .ctx = &s};

	(void)state;
	assert_int_equal(child_run(&c, &r, &e), 0);
	assert_int_equal(s.lines, 100003);
	assert_int_equal(s.longest, 3000000);
	assert_int_equal(s.bytes, 1 + 3000000 + 488895 + 3);
	c.argv = endless;
	assert_int_equal(child_run(&c, &r, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	assert_non_null(strstr(e.msg, "a line longer than"));
}

static void
a_program_that_is_not_there_is_absent(void **state)
{
	const char *argv[] = {"/nowhere/at/all", NULL};
	struct child c = {.argv = argv};
	struct child_result r;
	struct err e = {0};
	struct arena a = {0};

	(void)state;
	assert_int_equal(child_run(&c, &r, &e), -1);
	assert_int_equal(e.kind, ERR_ABSENT);
	assert_null(child_find(&a, "no-such-program-anywhere"));
	assert_non_null(child_find(&a, "sh"));
	arena_release(&a);
}

/* Keys of stored evaluations are hashes of what is written: it must be what jansson writes, to the byte. */
static void
test_json_is_written_as_jansson_does(void **state)
{
	static const char *const texts[] = {"{}", "[]", "[[],{},\"\"]", "{\"b\":1,\"a\":[true,false,null],\"\":{\"x\":{}}}",
	    "[0,-1,9223372036854775807,-9223372036854775808,1234567890]",
	    "[0.0,-0.0,1.5,1e300,1e-7,123456789012345680000.0,0.1,-2.5e-310]",
	    "[\"\\u0001\\u001f\\b\\f\\n\\r\\t\\\"\\\\/\\u007f\\u00e9\\u20ac\\ud83d\\ude00 plain\"]", "{\"k\\n\\\"\":\"v\"}",
	    "\"text\"", "7", "null"};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		AUTO(json_drop) json_t *j = NULL;
		struct arena a = {0};
		struct err e = {0};
		assert_int_equal(json_read(str_of(texts[i]), "t", &j, &e), 0);
		char *theirs = json_dumps(j, JSON_COMPACT | JSON_ENCODE_ANY);
		assert_string_equal(json_line(&a, j), theirs);
		/* Reals apart, of which the text stays: the same is made of a text, whatever blanks and escapes it has. */
		char *wide = json_dumps(j, JSON_INDENT(2) | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
		AUTO(buf_release) struct buf compact;
		buf_init(&compact, 1000);
		json_compact(str_of(wide), &compact);
		assert_string_equal(compact.p, theirs);
		free(wide);
		free(theirs);
		arena_release(&a);
	}
	AUTO(json_drop) json_t *nul = json_stringn("a\0b\x1f", 4);
	struct arena a = {0};
	assert_string_equal(json_line(&a, nul), "\"a\\u0000b\\u001F\"");
	arena_release(&a);
}

/* A change may name as many systems as it likes: they are few in what operators see, and take no room from other counts. */
static void
labels_from_outside_stay_few(void **state)
{
	AUTO(buf_release) struct buf out;
	char name[32];
	(void)state;

	for (int i = 0; i < METRIC_MAX_SAMPLES + 10; i++) {
		snprintf(name, sizeof(name), "s%d-linux", i);
		metric_observe(METRIC_REBUILDS, name, 1);
	}
	metric_observe(METRIC_REBUILDS, "s3-linux", 1);
	metric_observe(METRIC_RADIUS, NULL, 7);
	buf_init(&out, SIZE_MAX / 4);
	metric_write_counted(&out);
	assert_non_null(strstr(out.p, "ekaci_run_rebuilds_count{system=\"s3-linux\"} 2\n"));
	assert_non_null(strstr(out.p, "ekaci_run_rebuilds_count{system=\"s15-linux\"} 1\n"));
	assert_null(strstr(out.p, "s16-linux"));
	assert_non_null(strstr(out.p, "ekaci_run_rebuilds_count{system=\"other\"} 1994\n"));
	assert_non_null(strstr(out.p, "ekaci_blast_radius_derivations_sum 7"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(numbers_are_taken_whole_or_not_at_all),
	    cmocka_unit_test(slices_are_cut_found_and_trimmed),
	    cmocka_unit_test(utf8_is_judged_and_never_cut),
	    cmocka_unit_test(a_buffer_stops_at_its_ceiling_and_stays_over),
	    cmocka_unit_test(a_map_keeps_its_order_and_finds_all),
	    cmocka_unit_test(an_arena_gives_zeroed_memory_of_any_size),
	    cmocka_unit_test(a_place_in_json_is_found),
	    cmocka_unit_test(malformed_json_names_its_place),
	    cmocka_unit_test(a_context_is_put_before_an_error),
	    cmocka_unit_test(files_are_written_whole_and_trees_removed),
	    cmocka_unit_test(a_child_is_read_on_all_its_pipes),
	    cmocka_unit_test(a_silent_and_a_slow_child_are_ended),
	    cmocka_unit_test(what_a_child_leaves_behind_is_killed),
	    cmocka_unit_test(a_flood_ends_at_the_limit_and_a_caller_may_stop),
	    cmocka_unit_test(lines_of_any_length_come_whole_up_to_the_limit),
	    cmocka_unit_test(a_program_that_is_not_there_is_absent),
	    cmocka_unit_test(a_packed_file_reads_as_before_and_its_damage_is_noticed),
	    cmocka_unit_test(test_json_is_written_as_jansson_does),
	    cmocka_unit_test(labels_from_outside_stay_few),
	};

	return cmocka_run_group_tests_name("support", tests, NULL, NULL);
}
