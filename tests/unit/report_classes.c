/* Every class of records/class.h in every output: a class that one of them has no words for is found here. */
#include "records/class.h"
#include "report/explanation.h"
#include "unit/report_help.h"

#include "temp_dir.h"

#define DRV "/nix/store/00000000000000000000000000000001-a.drv"

static const char *
difference_of(struct arena *a, enum attr_class class)
{
	const char *path = arena_printf(a, "%s/%s.json", dir, class_names[class]), *word = class_names[class];
	bool gone = class == CLASS_REMOVED || class == CLASS_REMOVED_FAILING;
	bool fails = class == CLASS_NEWLY_FAILING || class == CLASS_STILL_FAILING || class == CLASS_ADDED_FAILING ||
	             class == CLASS_UNTOLD;
	struct err e = {0};
	const char *text = arena_printf(a,
	    "{\"ekaci_difference\":1,\"counts\":{\"total\":{\"%s\":1},\"systems\":{\"x86_64-linux\":{\"%s\":1}},\"other\":{}},"
	    "\"attributes\":[{\"path\":[\"a\"],\"job\":\"j\",\"system\":\"x86_64-linux\",\"class\":\"%s\",\"name\":\"a\","
	    "\"base\":null,\"head\":%s}],\"roots\":[],\"targets\":[]}",
	    word, word, word,
	    gone    ? "null"
	    : fails ? "{\"drv\":null,\"error\":\"error: no\"}"
	            : "{\"drv\":\"" DRV "\"}");

	assert_int_equal(files_write(path, str_of(text), 0600, FILES_NO_SYNC, &e), 0);
	return path;
}

static json_t *
report_of(struct arena *a, enum attr_class class)
{
	struct err e = {0};
	AUTO(json_drop)
	json_t *job = json_pack("{s:{s:s},s:s,s:{s:s,s:[{s:s}]},s:[{s:s,s:b,s:i}],s:s,s:[s,s,s,s,s,s,s,s]}", "run", "repo",
	    "o/r", "phase", "done", "plan", "decision", "evaluate", "jobs", "name", "j", "evaluations", "side", "head",
	    "complete", 1, "rows", 9, "difference", difference_of(a, class), "formats", "checks", "comment", "text", "markdown",
	    "json", "html", "labels", "changed-paths");
	json_t *records = run_report(job, &e);

	if (records == NULL)
		fail_msg("%s: %s", class_names[class], e.msg);
	return records;
}

static void
assert_says(enum attr_class class, const char *where, const json_t *record, const char *member, const char *words)
{
	const char *text = json_str(record, member, "");

	if (strstr(text, words) == NULL)
		fail_msg("%s: %s does not say \"%s\":\n%.1500s", class_names[class], where, words, text);
}

static void
test_every_class_is_said_in_every_output(void **state)
{
	static const char *const formats[] = {"text", "markdown", "html"};

	(void)state;
	for (int c = 0; c < CLASSES; c++) {
		struct arena a = {0};
		enum attr_class class = (enum attr_class)c;
		const struct class_words *words = &class_words[c];
		if (class == CLASS_UNCHANGED) /* which is in no difference */
			continue;
		AUTO(json_drop) json_t *records = report_of(&a, class);
		/* One without a column is told below the table, in words of the template. */
		const char *one = *words->column != '\0' ? arena_printf(&a, "1 %s", words->one) : words->one;
		for (size_t i = 0; i < COUNT(formats); i++)
			assert_says(class, formats[i], find_record(records, "document", formats[i]), "body", one);
		assert_says(class, "comment", find_record(records, "comment", NULL), "body", one);
		assert_says(class, "the check", find_record(records, "check_run", "ekaci / rebuilds"), "summary",
		    *words->column != '\0' ? one : "");
		assert_says(class, "a row", find_record(records, "document", "html"), "body",
		    arena_printf(&a, "<td>%s", words->label));
		assert_says(class, "report.json", find_record(records, "document", "json"), "body",
		    arena_printf(&a, "\"class\":\"%s\"", words->word));
		assert_true((find_record(records, "document", "changed-paths") == NULL) == (class == CLASS_UNTOLD));
		assert_non_null(find_record(records, "labels", NULL));
		arena_release(&a);
	}
}

/* nixpkgs has three classes of its own; what is none of them is in no list. */
static void
test_every_class_has_its_place_in_changed_paths(void **state)
{
	static const char *const lists[CLASSES] = {[CLASS_ADDED] = "added",
	    [CLASS_FIXED] = "added",
	    [CLASS_REBUILD] = "changed",
	    [CLASS_SWITCHED] = "changed",
	    [CLASS_REMOVED] = "removed",
	    [CLASS_NEWLY_FAILING] = "removed"};
	static const char *const all[] = {"added", "changed", "removed"};

	(void)state;
	for (int c = 0; c < CLASSES; c++) {
		struct arena a = {0};
		struct err e = {0};
		AUTO(json_drop) json_t *doc = NULL;
		if (c == CLASS_UNCHANGED || c == CLASS_UNTOLD)
			continue;
		AUTO(json_drop) json_t *records = report_of(&a, (enum attr_class)c);
		const char *body = json_str(find_record(records, "document", "changed-paths"), "body", "");
		assert_int_equal(json_read(str_of(body), "changed-paths", &doc, &e), 0);
		for (size_t i = 0; i < COUNT(all); i++) {
			bool here = lists[c] != NULL && strcmp(lists[c], all[i]) == 0;
			size_t n = json_array_size(json_object_get(json_object_get(doc, "attrdiff"), all[i]));
			if (n != here)
				fail_msg("%s: %zu in %s", class_names[c], n, all[i]);
		}
		arena_release(&a);
	}
}

static void
test_every_class_is_explained(void **state)
{
	(void)state;
	for (int c = 0; c < CLASSES; c++) {
		struct arena a = {0};
		struct err e = {0};
		AUTO(fd_close) int fd = memfd_create("records", MFD_CLOEXEC);
		struct record_out out = {.fd = fd};
		char text[4096] = {0};
		const struct explain_job job = {.attrs = {(const char *[]){"a"}, 1},
		    .difference = difference_of(&a, (enum attr_class)c),
		    .max_bytes = 2000};
		if (explain_stage(&a, &job, &out, &e) != 0)
			fail_msg("%s: %s", class_names[c], e.msg);
		assert_true(pread(fd, text, sizeof(text) - 1, 0) > 0);
		if (strstr(text, arena_printf(&a, "a (x86_64-linux), job j: %s\\n", class_words[c].sentence)) == NULL)
			fail_msg("%s: %s", class_names[c], text);
		arena_release(&a);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_class_is_said_in_every_output),
	    cmocka_unit_test(test_every_class_has_its_place_in_changed_paths),
	    cmocka_unit_test(test_every_class_is_explained),
	};
	return cmocka_run_group_tests_name("report_classes", tests, make_dir, remove_dir);
}
