/* Request bodies within GitHub's limits, from hostile documents too. */
#include "forge/github/shape.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

static json_t *
parse(const char *text)
{
	json_t *j;
	struct err e;

	assert_int_equal(json_read(str_of(text), "test", &j, &e), 0);
	return j;
}

/* As it is read of the database. */
static struct wish_check
wish(struct arena *a, const char *text)
{
	struct wish_check w;
	struct err e;

	if (fields_read(&wish_check_fields, a, str_of(text), "test", &w, &e) != 0)
		fail_msg("%s", e.msg);
	return w;
}

static void
shapes_to(const char *wanted, enum shape_for what, const char *expected)
{
	struct arena a = {0};
	struct wish_check w = wish(&a, wanted);
	AUTO(json_drop) json_t *want = parse(expected);
	AUTO(json_drop) json_t *got = shape_check(&w, NULL, what);

	if (!json_equal(got, want))
		fail_msg("got %s", json_line(&a, got));
	arena_release(&a);
}

static void
check_becomes_the_fields_github_knows(void **state)
{
	(void)state;
	shapes_to("{\"name\":\"n\",\"head\":\"h\",\"status\":\"in_progress\",\"title\":\"t\",\"summary\":\"s\","
	          "\"text\":\"x\","
	          "\"started_at\":1,\"completed_at\":5,\"conclusion\":null,\"restart\":2,\"evil\":1,\"external_id\":"
	          "\"\",\"details_url\":\"javascript:1\"}",
	    SHAPE_CREATE,
	    "{\"name\":\"n\",\"head_sha\":\"h\",\"status\":\"in_progress\",\"started_at\":\"1970-01-01T00:00:00Z\","
	    "\"output\":{\"title\":\"t\",\"summary\":\"s\",\"text\":\"x\"}}");
	shapes_to("{\"name\":\"n\",\"head\":\"h\",\"status\":\"queued\",\"conclusion\":\"failure\",\"completed_at\":60000}",
	    SHAPE_UPDATE,
	    "{\"name\":\"n\",\"status\":\"completed\",\"conclusion\":\"failure\",\"completed_at\":\"1970-01-01T00:01:00Z\","
	    "\"actions\":[],\"output\":{\"title\":\"n\",\"summary\":\"n\"}}");
}

static void
actions_keep_to_their_lengths(void **state)
{
	struct arena a = {0};
	struct wish_check w =
	    wish(&a, "{\"name\":\"n\",\"actions\":[{\"label\":\"a\"},"
	             "{\"label\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"description\":\"d\",\"identifier\":\"i\"},"
	             "{\"label\":\"l\",\"description\":\"d\",\"identifier\":\"iiiiiiiiiiiiiiiiiiiiiiiiii\"},"
	             "{\"label\":\"b\",\"description\":\"d\",\"identifier\":\"2\"},"
	             "{\"label\":\"c\",\"description\":\"d\",\"identifier\":\"3\"},"
	             "{\"label\":\"d\",\"description\":\"d\",\"identifier\":\"4\"}]}");
	AUTO(json_drop) json_t *got = shape_check(&w, NULL, SHAPE_CREATE);
	const json_t *actions = json_object_get(got, "actions");

	(void)state;
	assert_int_equal(json_array_size(actions), 3);
	assert_int_equal(json_text(json_array_get(actions, 0), "label").n, 20);
	assert_string_equal(json_str(json_array_get(actions, 2), "label", ""), "c");
	arena_release(&a);
}

static void
cut_text_is_short_enough_and_whole(void **state)
{
	static const char *const units[] = {"a", "\n", "\u00e4", "\u20ac", "\U0001f600", "line\n", "```\n", "| \u00e4 |\n"};
	static const size_t limits[] = {200, 201, 202, 203, 1000, 65535};

	(void)state;
	for (size_t u = 0; u < COUNT(units); u++)
		for (size_t l = 0; l < COUNT(limits); l++) {
			struct arena a = {0};
			struct buf b;
			buf_init(&b, 1 << 20);
			while (b.n <= limits[l])
				buf_puts(&b, units[u]);
			struct str cut = shape_cut(&a, buf_get(&b), limits[l], SIZE_MAX / 2);
			assert_true(cut.n <= limits[l]);
			assert_true(str_utf8_ok(cut));
			assert_true(str_find(cut, STR("left out")) >= 0);
			cut = shape_cut(&a, buf_get(&b), b.n, SIZE_MAX / 2);
			assert_true(str_eq(cut, buf_get(&b)));
			buf_release(&b);
			arena_release(&a);
		}
}

static void
cut_closes_an_open_fence(void **state)
{
	struct arena a = {0};
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	buf_puts(&b, "intro\n```\n");
	while (b.n < 3000)
		buf_puts(&b, "@everybody\n");
	struct str cut = shape_cut(&a, buf_get(&b), 1000, 1000);
	assert_true(str_find(cut, STR("@everybody\n\n```\n\n*The rest")) > 0 || str_find(cut, STR("@everybody\n```\n")) > 0);
	buf_release(&b);
	arena_release(&a);
}

static void
comment_holds_its_marker_whatever_the_body(void **state)
{
	struct wish_comment w = {.marker = "<!-- m -->"};
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	for (int i = 0; i < 70000; i++)
		buf_puts(&b, "\U0001f600");
	buf_puts(&b, "<!-- m -->");
	buf_putc(&b, '\0');
	w.body = b.p;
	AUTO(json_drop) json_t *got = shape_comment(&w);
	struct str body = json_text(got, "body");
	assert_true(str_starts(body, STR("<!-- m -->\n")));
	assert_true(str_find(body, STR("left out")) > 0);
	assert_true(body.n <= 65536 * 2);
	buf_release(&b);
}

static void
annotations_are_those_github_takes(void **state)
{
	struct arena a = {0};
	struct wish_check w = wish(&a,
	    "{\"name\":\"n\",\"annotations\":[{},{\"path\":\"a\"},{\"path\":\"\",\"message\":\"m\"},"
	    "{\"path\":\"a\",\"message\":\"m\",\"start_line\":0,\"end_line\":-5,\"annotation_level\":\"boom\",\"x\":1},"
	    "{\"path\":\"a\",\"message\":\"m\",\"start_line\":1,\"end_line\":1,\"annotation_level\":\"notice\"},"
	    "{\"path\":\"a\",\"message\":\"m\",\"start_line\":3,\"end_line\":4,\"start_column\":1,\"end_column\":2},"
	    "{\"path\":\"a\",\"message\":\"m\",\"start_line\":3,\"end_line\":3,\"start_column\":1,\"end_column\":2}]}");
	AUTO(json_drop) json_t *hashes = NULL;
	AUTO(json_drop) json_t *got = shape_annotations(&w, &hashes);
	AUTO(json_drop)
	json_t *expected =
	    parse("[{\"path\":\"a\",\"message\":\"m\",\"start_line\":1,\"end_line\":1,\"annotation_level\":\"notice\"},"
	          "{\"path\":\"a\",\"message\":\"m\",\"start_line\":3,\"end_line\":4,\"annotation_level\":\"notice\"},"
	          "{\"path\":\"a\",\"message\":\"m\",\"start_line\":3,\"end_line\":3,\"annotation_level\":\"notice\","
	          "\"start_column\":1,\"end_column\":2}]");

	(void)state;
	assert_true(json_equal(got, expected));
	assert_int_equal(json_array_size(hashes), 3);
	/* Stored in the database: must be the same in every process and version. */
	assert_string_equal(json_string_value(json_array_get(hashes, 0)), "b76753e4a60016f9");
	arena_release(&a);
}

static void
path_segments_cannot_leave_their_place(void **state)
{
	static const char *const cases[][2] = {{"a-b_c.d~1", "a-b_c.d~1"}, {"ekaci: 1/2?#%", "ekaci%3A%201%2F2%3F%23%25"},
	    {"..", "%2E%2E"}, {".", "%2E"}, {"...", "..."}, {"../x", "..%2Fx"}, {"\xc3\xa4\r\n", "%C3%A4%0D%0A"}, {"", ""}};
	struct arena a = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_string_equal(shape_url(&a, cases[i][0]), cases[i][1]);
	arena_release(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(check_becomes_the_fields_github_knows),
	    cmocka_unit_test(actions_keep_to_their_lengths),
	    cmocka_unit_test(cut_text_is_short_enough_and_whole),
	    cmocka_unit_test(cut_closes_an_open_fence),
	    cmocka_unit_test(comment_holds_its_marker_whatever_the_body),
	    cmocka_unit_test(annotations_are_those_github_takes),
	    cmocka_unit_test(path_segments_cannot_leave_their_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
