/* Errors in Nix's words: what three versions really said (fixtures/nix), made fit to show, and the places found in that. */
#include "nix/saying.h"

#include "report/position.h"
#include "support/os/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *const versions[] = {"2.8.0", "2.26.3", "2.34.8"};

/* What was said of an attribute, from "== NAME" to the next one. */
static struct str
recorded(struct arena *a, const char *version, const char *name)
{
	struct str text;
	struct err e;

	if (files_read(a, arena_printf(a, "fixtures/nix/%s/errors.txt", version), 1 << 20, &text, &e) != 0)
		fail_msg("%s", e.msg);
	ptrdiff_t at = str_find(text, str_of(arena_printf(a, "== %s\n", name)));
	assert_true(at >= 0);
	struct str said = str_from(text, (size_t)at + strlen(name) + 4);
	ptrdiff_t end = str_find(said, STR("\n== "));
	return end >= 0 ? (struct str){said.p, (size_t)end + 1} : said;
}

static void
each_error_says_its_words_and_where_it_stands(void **state)
{
	/* Old Nix says of a throw no place at all. words NULL: each version has its own. */
	static const struct {
		const char *name, *words, *path;
		int64_t line;
		bool has_place_before_traces;
	} cases[] = {
	    {"thrown", "error: this is thrown", "default.nix", 6, false},
	    {"called", "error: far away", "default.nix", 3, false},
	    {"aborted", "error: evaluation aborted with the following error message: 'this is aborted'", "default.nix", 8,
	        false},
	    {"asserted", NULL, "default.nix", 9, true},
	    {"lines", "error: first line\n       error: second line\n       third line", "default.nix", 10, false},
	    {"syntax", "error: syntax error, unexpected ';'", "syntax.nix", 3, true},
	    {"undefined", "error: undefined variable 'undefinedVariable'", "undefined.nix", 3, true},
	    {"missing", "error: attribute 'nowhere' missing", "default.nix", 13, true},
	    {"recursive", "error: infinite recursion encountered", "default.nix", 14, true},
	    {"within", "error: in the derivation", "default.nix", 15, false},
	    {"context", "error: with context", "default.nix", 16, false},
	};
	const struct report_job job = {.checkout_dir = "/build/source"};

	(void)state;
	for (size_t v = 0; v < COUNT(versions); v++)
		for (size_t i = 0; i < COUNT(cases); i++) {
			struct arena a = {0};
			AUTO(buf_release) struct buf shown;
			struct places p;
			const char *path = NULL;
			int64_t line = 0;
			buf_init(&shown, 1 << 20);
			saying_show(recorded(&a, versions[v], cases[i].name), &shown);
			const char *words = cases[i].words != NULL ? strstr(shown.p, cases[i].words) : shown.p + shown.n - 1;
			if (words == NULL || strstr(words + 1, "\n       … ") != NULL)
				fail_msg("%s, %s: the words do not stand last: %s", versions[v], cases[i].name, shown.p);
			if (saying_is_ours(buf_get(&shown)) || strstr(shown.p, "foldl'") != NULL || shown.n > 1500)
				fail_msg("%s, %s: the walker is shown: %s", versions[v], cases[i].name, shown.p);
			places_init(&p, &a, &job, NULL);
			bool found = places_find(&p, shown.p, &path, &line);
			places_release(&p);
			if (v == 0 && !cases[i].has_place_before_traces)
				assert_false(found);
			else if (!found || strcmp(path, cases[i].path) != 0 || line != cases[i].line)
				fail_msg("%s, %s: %s:%lld in %s", versions[v], cases[i].name, path != NULL ? path : "none",
				    (long long)line, shown.p);
			arena_release(&a);
		}
}

static void
what_the_walker_says_itself_has_no_place(void **state)
{
	(void)state;
	for (size_t v = 0; v < COUNT(versions); v++) {
		struct arena a = {0};
		AUTO(buf_release) struct buf shown;
		buf_init(&shown, 1 << 20);
		saying_show(recorded(&a, versions[v], "argument"), &shown);
		assert_string_equal(str_dup(&a, str_trim(buf_get(&shown))),
		    "error: cannot evaluate a function that has an argument without a value ('there')");
		arena_release(&a);
	}
}

static void
the_last_error_is_found_where_it_is_said(void **state)
{
	static const struct {
		const char *text, *last;
	} cases[] = {
	    {"error: one\nwarning: x\nerror: two\n       at /a.nix:1:1:\n            1| # error: three\n", "error: two\n"},
	    {"error:\n       … while calling\n         at /a.nix:1:1:\n            1| # error: no\n\n       error: words\n       error: more words\n",
	        "error: words\n"},
	    {"cut off\n            1| # error: no\n       error: words\n       at /a.nix:1:1:\n            1| # error: no\n",
	        "error: words\n"},
	    {"no word of it: an error: here", "no word"},
	    {"", ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct str last = saying_last(str_of(cases[i].text));
		if (!str_starts(last, str_of(cases[i].last)))
			fail_msg("%s: %.*s", cases[i].text, STR_ARG(last));
	}
}

/* Whatever is said, something is shown of it, and no byte beyond it is read. */
static void
no_text_is_too_strange(void **state)
{
	static const char *const texts[] = {"", "\n", "error:", "error:\n", "error:\n       … ",
	    "error:\n       … x\n\n       (3 duplicate frames omitted)\n", "       error: ", "error:\n       error:\n",
	    "error: \xff\xfe", "…", "error:\n       … a\n         at \xc2\xabstring\xc2\xbb:1:1:\n",
	    "error: x\n\n       at \xc2\xabstring\xc2\xbb:1:1:\n\n            1| y\n             | ^\n\nmore"};
	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		AUTO(buf_release) struct buf shown;
		size_t n = strlen(texts[i]);
		AUTO(mem_free) char *copy = mem_alloc(n + 1);
		memcpy(copy, texts[i], n);
		buf_init(&shown, 1000);
		saying_show((struct str){copy, n}, &shown);
		assert_false(saying_is_ours(buf_get(&shown)));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_error_says_its_words_and_where_it_stands),
	    cmocka_unit_test(what_the_walker_says_itself_has_no_place),
	    cmocka_unit_test(the_last_error_is_found_where_it_is_said),
	    cmocka_unit_test(no_text_is_too_strange),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
