/* Every table of src/records: random values there and back, and what reading refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#undef fail /* ours is another one */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "records/all.h"
#include "records/building.h"
#include "records/difference.h"
#include "records/mirror.h"
#include "records/plan.h"
#include "records/record.h"
#include "support/text/json.h"

enum { ROUNDS = 40, MAX_NESTED = 4 };

static uint64_t state;

static uint64_t
dice(uint64_t sides)
{
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (state >> 33) % sides;
}

static const char *
random_text(struct arena *a)
{
	static const char *const texts[] = {"", "x", "a \"quoted\" word", "back\\slash", "line\nbreak\ttab\r\b\f",
	    "\x01\x1f\x7f", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x8e\x89", "null", "[]", "/nix/store/0000-x.drv"};

	return arena_strdup(a, texts[dice(COUNT(texts))]);
}

static int64_t
random_number(void)
{
	static const int64_t edges[] = {0, 1, -1, INT64_MAX, INT64_MIN, INT64_C(1) << 53, 42};

	return edges[dice(COUNT(edges))];
}

static void random_struct(struct arena *a, const struct fields *of, char *to, int depth);

static struct texts
random_texts(struct arena *a)
{
	struct texts t = {NULL, dice(4)};

	t.p = arena_alloc(a, (t.n + 1) * sizeof(*t.p));
	for (size_t i = 0; i < t.n; i++)
		t.p[i] = random_text(a);
	return t;
}

static void
random_list(struct arena *a, const struct field *f, void *to, int depth)
{
	LIST(char) *list = to;
	size_t size = f->type == FIELD_KEYED ? f->element : f->of->size;

	list->n = depth < MAX_NESTED ? dice(3) : 0;
	list->p = arena_alloc(a, (list->n + 1) * size);
	for (size_t i = 0; i < list->n; i++) {
		char *one = list->p + i * size;
		if (f->type == FIELD_KEYED)
			*(const char **)(void *)one = arena_printf(a, "%zu%s", i, random_text(a));
		random_struct(a, f->of, one + f->value, depth + 1);
	}
}

static void
random_member(struct arena *a, const struct field *f, char *to, int depth)
{
	bool empty = !f->required && dice(3) == 0;

	switch (f->type) {
	case FIELD_TEXT: *(const char **)(void *)to = empty ? NULL : random_text(a); return;
	case FIELD_INT: *(int64_t *)(void *)to = random_number(); return;
	case FIELD_FLAG: *(bool *)to = dice(2) != 0; return;
	case FIELD_MAYBE_FLAG: *(int *)(void *)to = (int)dice(3) - 1; return;
	case FIELD_REAL: *(double *)(void *)to = empty ? (double)NAN : (double)random_number() / 7.0; return;
	case FIELD_WORD: {
		uint64_t n = 0;
		while (f->words[n] != NULL)
			n++;
		*(int *)(void *)to = empty ? (int)f->otherwise : (int)dice(n);
		return;
	}
	case FIELD_TEXTS:
	case FIELD_PATH: {
		struct texts *l = (struct texts *)(void *)to;
		*l = empty ? (struct texts){0} : random_texts(a);
		if (f->null && l->n > 0)
			l->p[dice(l->n)] = NULL;
		return;
	}
	case FIELD_INTS: {
		struct numbers *l = (struct numbers *)(void *)to;
		l->n = empty ? 0 : dice(4);
		l->p = empty ? NULL : arena_alloc(a, (l->n + 1) * sizeof(*l->p));
		for (size_t i = 0; i < l->n; i++)
			l->p[i] = random_number();
		return;
	}
	case FIELD_PATHS: {
		struct paths *l = (struct paths *)(void *)to;
		l->n = empty ? 0 : dice(4);
		l->p = empty ? NULL : arena_alloc(a, (l->n + 1) * sizeof(*l->p));
		for (size_t i = 0; i < l->n; i++)
			l->p[i] = random_texts(a);
		return;
	}
	case FIELD_OPTIONS: {
		struct named_texts *l = (struct named_texts *)(void *)to;
		l->n = empty ? 0 : dice(4);
		l->p = empty ? NULL : arena_alloc(a, (l->n + 1) * sizeof(*l->p));
		for (size_t i = 0; i < l->n; i++)
			l->p[i] = (struct named_text){arena_printf(a, "%zu%s", i, random_text(a)), random_text(a)};
		return;
	}
	case FIELD_NUMBERS: {
		struct named_numbers *l = (struct named_numbers *)(void *)to;
		l->n = empty ? 0 : dice(4);
		l->p = empty ? NULL : arena_alloc(a, (l->n + 1) * sizeof(*l->p));
		for (size_t i = 0; i < l->n; i++)
			l->p[i] = (struct named_number){arena_printf(a, "%zu%s", i, random_text(a)), random_number()};
		return;
	}
	case FIELD_RECORD: random_struct(a, f->of, to, depth + 1); return;
	case FIELD_MAYBE: {
		char *one = empty || depth >= MAX_NESTED ? NULL : arena_alloc(a, f->of->size);
		if (one != NULL)
			random_struct(a, f->of, one, depth + 1);
		*(void **)(void *)to = one;
		return;
	}
	case FIELD_LIST:
	case FIELD_KEYED:
		if (!empty)
			random_list(a, f, to, depth);
		return;
	case FIELD_RAW: *(const char **)(void *)to = empty ? NULL : dice(2) != 0 ? "{\"a\":[1,null,\"b\"]}" : "[true]"; return;
	}
}

static void
random_struct(struct arena *a, const struct fields *of, char *to, int depth)
{
	for (size_t i = 0; i < of->n; i++)
		random_member(a, &of->members[i], to + of->members[i].offset, depth);
}

static void
there_and_back(void **unused)
{
	(void)unused;
	for (size_t k = 0; records_all[k] != NULL; k++) {
		const struct fields *of = records_all[k];
		for (state = 1; state <= ROUNDS; state++) {
			uint64_t seed = state;
			struct arena a = {0};
			struct err e = {0};
			char *value = arena_alloc(&a, of->size), *back = arena_alloc(&a, of->size), *text, *again;
			random_struct(&a, of, value, 0);
			if (fields_line(of, &a, value, &text, &e) != 0 ||
			    fields_read(of, &a, str_of(text), of->name, back, &e) != 0 ||
			    fields_line(of, &a, back, &again, &e) != 0)
				text = again = arena_printf(&a, "%s, seed %d: %s", of->name, (int)seed, e.msg);
			assert_string_equal(e.msg, "");
			assert_string_equal(text, again);
			state = seed;
			arena_release(&a);
		}
	}
}

/* What one table's text gives, as an error. */
static const char *
refused(struct arena *a, const struct fields *of, const char *text)
{
	struct err e = {0};

	if (fields_read(of, a, str_of(text), "job", arena_alloc(a, of->size), &e) == 0)
		return "";
	assert_int_equal(e.kind, ERR_INPUT);
	return arena_strdup(a, e.msg);
}

static void
what_is_wrong_has_a_place(void **unused)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
	    {"{}", "job.git_dir: is missing"},
	    {"{\"git_dir\":null}", "job.git_dir: is missing"},
	    {"{\"git_dir\":1}", "job.git_dir: is no text"},
	    {"{\"git_dir\":\"a\\u0000b\"}", "job.git_dir: holds a NUL"},
	    {"{\"git_dir\":\"a\",\"git_dir\":\"b\"}", "job.git_dir: stands there twice"},
	    {"{\"conflict\":\"yes\"}", "job.conflict: is neither true nor false"},
	    {"{\"skip_paths\":{}}", "job.skip_paths: is no list"},
	    {"{\"skip_paths\":[\"a\",2]}", "job.skip_paths[1]: is no text"},
	    {"{\"submodules\":{\"error\":[]}}", "job.submodules.error: is no text"},
	    {"{\"submodules\":[]}", "job.submodules: is no object"},
	    {"[]", "job: is no JSON object"},
	};
	struct arena a = {0};

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_string_equal(refused(&a, &plan_job_fields, cases[i].text), cases[i].why);
	assert_string_equal(refused(&a, &plan_fields, "{\"decision\":\"skip\",\"jobs\":[{\"name\":\"a\"},{\"file\":\"b\"}]}"),
	    "job.jobs[1].name: is missing");
	static const char *const no_json[] = {"", "{", "{\"a\":1", "{\"a\" 1}", "{\"git_dir\":\"\xff\"}",
	    "{\"git_dir\":\"\\ud800\"}", "{\"git_dir\":\"a\",\"base_tree\":\"b\",\"head_tree\":\"c\"} x",
	    "{\"git_dir\":\"a\",\"base_tree\":\"b\",\"head_tree\":\"c\"}{}"};
	for (size_t i = 0; i < COUNT(no_json); i++)
		assert_string_not_equal(refused(&a, &plan_job_fields, no_json[i]), "");
	arena_release(&a);
}

static void
what_is_not_there_is_as_the_table_says(void **unused)
{
	struct arena a = {0};
	struct err e = {0};
	struct mirror_job m = {.number = 7};

	(void)unused;
	assert_int_equal(
	    fields_read(&mirror_job_fields, &a,
	        STR(" { \"unknown\" : [ {\"a\": 1.5e3} , null ] , \"mirror\":\"m\",\"url\":\"u\",\"head\":\"h\",\"base_ref\":\"b\","
	            "\"head_ref\":null,\"number\":null}\n"),
	        "job", &m, &e),
	    0);
	assert_int_equal(m.number, -1);
	assert_null(m.head_ref);
	assert_null(m.base);
	assert_false(m.trusted);
	assert_string_equal(m.head, "h");
	arena_release(&a);
}

static void
text_that_is_no_utf8_is_not_written(void **unused)
{
	struct arena a = {0};
	struct err e = {0};
	const char *files[] = {"good", "bad\xff"};
	struct plan p = {.decision = "skip", .warnings = {files, 2}};
	char *text = NULL;

	(void)unused;
	assert_int_equal(fields_line(&plan_fields, &a, &p, &text, &e), -1);
	assert_int_equal(e.kind, ERR_INPUT);
	assert_string_equal(e.msg, "plan.warnings[1]: text that is not UTF-8");
	p = (struct plan){0};
	assert_int_equal(fields_line(&plan_fields, &a, &p, &text, &e), -1);
	assert_int_equal(e.kind, ERR_BUG);
	assert_string_equal(e.msg, "plan.decision: is not set");
	assert_string_equal(fields_clean(&a, STR("a\0b\xff"
	                                         "c")),
	    "a\xef\xbf\xbd"
	    "b\xef\xbf\xbd"
	    "c");
	arena_release(&a);
}

/* As jansson writes them, which wrote what is stored. */
static void
numbers_are_written_as_they_always_were(void **unused)
{
	static const double numbers[] = {2e-7, 1e21, -1e300, 3, 0.1, -0.5, 123456789.25, 5e-324};
	struct arena a = {0};
	struct err e = {0};

	(void)unused;
	for (size_t i = 0; i < COUNT(numbers); i++) {
		struct metric metric = {"m", "", numbers[i], (double)NAN};
		struct package_sizes package = {.path = {(const char *[]){"p"}, 1}, .metrics = {&metric, 1}};
		const struct sizes sizes = {.packages = {&package, 1}};
		AUTO(json_drop) json_t *number = json_real(numbers[i]);
		char *line;
		assert_int_equal(fields_line(&sizes_fields, &a, &sizes, &line, &e), 0);
		assert_non_null(strstr(line, arena_printf(&a, "\"base\":%s,", json_line(&a, number))));
	}
	arena_release(&a);
}

static void
records_are_told_apart_by_their_type(void **unused)
{
	struct arena a = {0};
	struct err e = {0};
	struct record r[2];

	(void)unused;
	assert_int_equal(record_read(&a, STR("{\"type\":\"progress\",\"what\":\"x\",\"done\":3}"), &r[0], &e), 0);
	assert_int_equal(record_read(&a, STR("{\"outside_ms\":5,\"type\":\"end\"}"), &r[1], &e), 0);
	const struct records all = {r, 2};
	const struct progress *p = record_find(&all, &progress_fields);
	struct arena own = {0};
	struct progress told = {"rows", 3, -1, arena_printf(&own, "hello")}, *copy = progress_copy(&a, &told);
	arena_release(&own); /* the record is gone, and what was copied stays */
	assert_string_equal(copy->what, "rows");
	assert_string_equal(copy->at, "hello");
	told.at = NULL;
	assert_null(progress_copy(&a, &told)->at);
	assert_int_equal(p->done, 3);
	assert_int_equal(p->total, -1);
	assert_int_equal(((const struct stage_end *)record_find(&all, &stage_end_fields))->outside_ms, 5);
	assert_null(record_find(&all, &plan_fields));
	assert_int_equal(record_read(&a, STR("{\"type\":\"nonsense\"}"), &r[0], &e), -1);
	assert_string_equal(e.msg, "a record of an unknown type: nonsense");
	assert_int_equal(record_read(&a, STR("{}"), &r[0], &e), -1);
	arena_release(&a);
}

/* An attribute is written with the meta of its row as it stands there, and read with it as a struct. */
static void
meta_is_written_as_it_stands(void **unused)
{
	struct arena a = {0};
	struct err e = {0};
	char *line, *again;
	(void)unused;

	struct difference_side head = {.drv = "/d", .meta_json = "{ \"license\": [\"MIT\"],\"broken\":true}"};
	struct difference_attribute got, one = {.path = {(const char *[]){"a"}, 1},
	                                     .class = CLASS_UNTOLD,
	                                     .head = &head,
	                                     .version = {(const char *[]){NULL, "2"}, 2}};
	assert_int_equal(fields_line(&difference_attribute_fields, &a, &one, &line, &e), 0);
	assert_non_null(strstr(line, "\"class\":\"untold\""));
	assert_non_null(strstr(line, "\"meta\":{ \"license\": [\"MIT\"],\"broken\":true}"));
	assert_non_null(strstr(line, "\"version\":[null,\"2\"]"));
	assert_int_equal(fields_read(&difference_attribute_fields, &a, str_of(line), "x", &got, &e), 0);
	assert_string_equal(got.head->meta->license.p[0], "MIT");
	assert_true(got.head->meta->broken && !got.head->meta->unfree);
	assert_null(got.version.p[0]);
	assert_int_equal(fields_line(&package_meta_fields, &a, got.head->meta, &again, &e), 0);
	assert_string_equal(again, "{\"license\":[\"MIT\"],\"broken\":true}");
	arena_release(&a);
}

/* No class without its words, and no word for two. */
static void
every_class_has_its_words(void **unused)
{
	(void)unused;

	assert_null(class_names[CLASSES]);
	for (int i = 0; i < CLASSES; i++) {
		const struct class_words *w = &class_words[i];
		const char *const texts[] = {w->word, w->one, w->many, w->figure, w->figures, w->sentence};
		for (size_t k = 0; k < COUNT(texts); k++)
			assert_true(texts[k] != NULL && *texts[k] != '\0');
		assert_true(w->column != NULL && w->label != NULL);
		assert_string_equal(class_names[i], w->word);
		for (int k = 0; k < i; k++)
			assert_string_not_equal(class_names[k], class_names[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(there_and_back),
	    cmocka_unit_test(what_is_wrong_has_a_place),
	    cmocka_unit_test(what_is_not_there_is_as_the_table_says),
	    cmocka_unit_test(text_that_is_no_utf8_is_not_written),
	    cmocka_unit_test(numbers_are_written_as_they_always_were),
	    cmocka_unit_test(records_are_told_apart_by_their_type),
	    cmocka_unit_test(meta_is_written_as_it_stands),
	    cmocka_unit_test(every_class_has_its_words),
	};

	return cmocka_run_group_tests_name("records", tests, NULL, NULL);
}
