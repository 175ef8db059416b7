/*
 * Reports as people see them, against fixtures/golden/report: NAME.job.json, the difference it names, and NAME.txt with
 * everything the stage says. EKACI_REGEN=1 writes the latter anew; look at the diff before you commit it.
 */
#include "unit/report_help.h"
#include "support/text/json.h"

#include <glob.h>

#define FOLDER "fixtures/golden/report/"

/* The page that is a file holds a style sheet and a script, which are not this test's. */
static void
add_text(struct buf *b, const char *s)
{
	static const char *const parts[][2] = {{"<style>\n", "</style>"}, {"<script>\n", "</script>"}};

	for (size_t i = 0; i < COUNT(parts); i++) {
		const char *begin = strstr(s, parts[i][0]), *end = begin != NULL ? strstr(begin, parts[i][1]) : NULL;
		if (end == NULL)
			continue;
		buf_add(b, s, (size_t)(begin - s) + strlen(parts[i][0]));
		s = end;
	}
	buf_puts(b, s);
}

static void
add_record(struct buf *b, json_t *rec)
{
	static const char *const texts[] = {"summary", "text", "body"};

	buf_printf(b, "==== %s %s\n", json_str(rec, "type", "?"), json_str(rec, "name", json_str(rec, "format", "")));
	json_t *rest = json_copy(rec);
	for (size_t i = 0; i < COUNT(texts); i++)
		json_object_del(rest, texts[i]);
	char *line = json_dumps(rest, JSON_INDENT(1));
	buf_printf(b, "%s\n", line);
	free(line);
	json_decref(rest);
	for (size_t i = 0; i < COUNT(texts); i++) {
		const char *s = json_str(rec, texts[i], NULL);
		if (s == NULL)
			continue;
		if (s[0] == '{') /* a document of JSON is one line, however the job was written */
			assert_ptr_equal(strchr(s, '\n'), s + strlen(s) - 1);
		/* One line of JSON would make unreadable differences. */
		json_t *j = s[0] == '{' ? json_loads(s, 0, NULL) : NULL;
		char *indented = j != NULL ? json_dumps(j, JSON_INDENT(1)) : NULL;
		buf_printf(b, "---- %s\n", texts[i]);
		add_text(b, indented != NULL ? indented : s);
		buf_puts(b, indented != NULL ? "\n" : "");
		free(indented);
		json_decref(j);
	}
}

static void
check_case(const char *job_path)
{
	struct arena a = {0};
	AUTO(json_drop) json_t *job = NULL, *records = NULL;
	AUTO(buf_release) struct buf got;
	struct err e = {0};
	struct str want = {"", 0};

	if (json_read_file(job_path, 1 << 20, &job, &e) != 0)
		fail_msg("%s", e.msg);
	const char *difference = json_str(job, "difference", NULL);
	if (difference != NULL)
		json_object_set_new(job, "difference", json_string(arena_printf(&a, FOLDER "%s", difference)));
	records = run_report(job, &e);
	if (records == NULL)
		fail_msg("%s: %s", job_path, e.msg);
	buf_init(&got, 16 << 20);
	for (size_t i = 0; i < json_array_size(records); i++)
		add_record(&got, json_array_get(records, i));
	size_t stem = strlen(job_path) - strlen(".job.json");
	const char *path = arena_printf(&a, "%.*s.txt", (int)stem, job_path);
	if (getenv("EKACI_REGEN") != NULL) {
		assert_int_equal(files_write(path, buf_get(&got), 0644, FILES_NO_SYNC, &e), 0);
	} else if (files_read(&a, path, 16 << 20, &want, &e) != 0) {
		fail_msg("%s (EKACI_REGEN=1 writes it)", e.msg);
	} else if (!str_eq(want, buf_get(&got))) {
		size_t i = 0, line = 1;
		for (; i < got.n && i < want.n && got.p[i] == want.p[i]; i++)
			line += got.p[i] == '\n';
		while (i > 0 && got.p[i - 1] != '\n')
			i--;
		fail_msg("%s:%zu differs; it is now:\n%.400s", path, line, got.p + i);
	}
	arena_release(&a);
}

static void
test_reports_are_as_they_were(void **state)
{
	glob_t g;

	(void)state;
	assert_int_equal(glob(FOLDER "*.job.json", 0, NULL, &g), 0);
	assert_true(g.gl_pathc >= 12);
	for (size_t i = 0; i < g.gl_pathc; i++)
		check_case(g.gl_pathv[i]);
	globfree(&g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_reports_are_as_they_were),
	};
	return cmocka_run_group_tests_name("report_golden", tests, NULL, NULL);
}
