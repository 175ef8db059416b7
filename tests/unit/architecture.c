/*
 * src/ARCHITECTURE.md shows the members of jobs, records and documents as the tables of src/records have them, between two marks.
 * EKACI_REGEN=1 (`make regen`) writes that part anew.
 */
#include "records/all.h"
#include "support/os/files.h"
#include "support/text/metric.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FILE_NAME "src/ARCHITECTURE.md"
#define BEGIN     "<!-- what follows is printed from src/records by make regen -->\n```\n"
#define END       "```\n<!-- until here -->\n"

enum { MAX_TABLES = 500 };

struct printed {
	struct buf out;
	const struct fields *done[MAX_TABLES];
	size_t n;
};

static const char *
words_of(struct arena *a, const char *const *words)
{
	const char *all = "";

	for (size_t i = 0; words[i] != NULL; i++)
		all = arena_printf(a, "%s%s%s", all, i > 0 ? " | " : "", words[i]);
	return all;
}

static const char *
type_of(struct arena *a, const struct field *f)
{
	switch (f->type) {
	case FIELD_TEXT: return "text";
	case FIELD_INT: return "number";
	case FIELD_FLAG: return "flag";
	case FIELD_REAL: return "real number";
	case FIELD_MAYBE_FLAG: return "flag or null";
	case FIELD_WORD: return words_of(a, f->words);
	case FIELD_TEXTS: return "texts";
	case FIELD_PATH: return "attribute path";
	case FIELD_PATHS: return "list of texts";
	case FIELD_INTS: return "numbers";
	case FIELD_OPTIONS: return "texts by name";
	case FIELD_NUMBERS: return "numbers by name";
	case FIELD_RECORD: return f->of->name;
	case FIELD_MAYBE: return arena_printf(a, "%s or null", f->of->name);
	case FIELD_LIST: return arena_printf(a, "list of %s", f->of->name);
	case FIELD_KEYED: return arena_printf(a, "%s by name", f->of->name);
	case FIELD_RAW: return "any JSON";
	}
	return "?";
}

static void
print_table(struct arena *a, const struct fields *of, struct printed *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->done[i] == of)
			return;
	assert_true(p->n < MAX_TABLES);
	p->done[p->n++] = of;
	buf_printf(&p->out, of->type != NULL ? "%s%s, type \"%s\"\n" : "%s%s\n", p->n > 1 ? "\n" : "", of->name, of->type);
	for (size_t i = 0; i < of->n; i++) {
		const struct field *f = &of->members[i];
		const char *name = arena_printf(a, "%s%s", f->name, f->required ? " !" : "");
		if (f->about != NULL)
			buf_printf(&p->out, "    %-26s %-30s %s\n", name, type_of(a, f), f->about);
		else
			buf_printf(&p->out, "    %-26s %s\n", name, type_of(a, f));
	}
	for (size_t i = 0; i < of->n; i++)
		if (of->members[i].of != NULL)
			print_table(a, of->members[i].of, p);
}

static void
test_members_stand_in_the_document_as_in_the_tables(void **state)
{
	AUTO(arena_release) struct arena a = {0};
	struct printed p = {0};
	struct str text;
	struct err e = {0};

	(void)state;
	buf_init(&p.out, 1 << 20);
	for (size_t i = 0; records_all[i] != NULL; i++)
		print_table(&a, records_all[i], &p);
	assert_int_equal(files_read(&a, FILE_NAME, 1 << 20, &text, &e), 0);
	ptrdiff_t begin = str_find(text, STR(BEGIN)), end = str_find(text, STR(END));
	assert_true(begin >= 0 && end > begin);
	size_t from = (size_t)begin + strlen(BEGIN);
	struct str now = {text.p + from, (size_t)end - from};
	if (getenv("EKACI_REGEN") != NULL) {
		const char *whole = arena_printf(&a, "%.*s%s%s", (int)from, text.p, p.out.p, text.p + end);
		assert_int_equal(files_write(FILE_NAME, str_of(whole), 0644, FILES_NO_SYNC, &e), 0);
	} else if (!str_eq(now, buf_get(&p.out))) {
		fail_msg("%s does not show the tables as they are: make regen", FILE_NAME);
	}
	buf_release(&p.out);
}

/* The same for metrics, in the operators' page. */
static void
test_metrics_stand_in_the_operators_page_as_in_the_table(void **state)
{
	static const char file[] = "deploy/README.md", begin_text[] = "<!-- metrics begin -->\n",
	                  end_text[] = "<!-- metrics end -->";
	static const char *const types[] = {"counter", "gauge", "histogram"};
	AUTO(arena_release) struct arena a = {0};
	AUTO(buf_release) struct buf out;
	struct str text;
	struct err e = {0};

	(void)state;
	buf_init(&out, 1 << 20);
	buf_puts(&out, "| metric | type | labels | meaning |\n|---|---|---|---|\n");
	for (int m = 0; m < METRICS; m++) {
		const struct metric_row *row = metric_row((enum metric_id)m);
		buf_printf(&out, "| `%s` | %s | %s%s%s | %s |\n", row->name, types[row->type],
		    row->labels[0] != NULL ? row->labels[0] : "", row->labels[1] != NULL ? ", " : "",
		    row->labels[1] != NULL ? row->labels[1] : "", row->help);
	}
	assert_int_equal(files_read(&a, file, 1 << 20, &text, &e), 0);
	ptrdiff_t begin = str_find(text, str_of(begin_text)), end = str_find(text, str_of(end_text));
	assert_true(begin >= 0 && end > begin);
	size_t from = (size_t)begin + strlen(begin_text);
	if (getenv("EKACI_REGEN") != NULL) {
		const char *whole = arena_printf(&a, "%.*s%s%s", (int)from, text.p, out.p, text.p + end);
		assert_int_equal(files_write(file, str_of(whole), 0644, FILES_NO_SYNC, &e), 0);
	} else if (!str_eq((struct str){text.p + from, (size_t)end - from}, buf_get(&out))) {
		fail_msg("%s does not show the metrics as they are: make regen", file);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_members_stand_in_the_document_as_in_the_tables),
	    cmocka_unit_test(test_metrics_stand_in_the_operators_page_as_in_the_table)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
