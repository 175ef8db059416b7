/* Commands in comments. */
#include "forge/command.h"
#include "forge/event.h"
#include "support/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* The commands of a comment as text: "rebuild(a,b) help()". */
static char *
read_all(struct arena *a, const char *body)
{
	const struct comment_command *c;
	struct buf out;
	size_t n;

	buf_init(&out, 100000);
	command_read(a, str_of(body), &c, &n);
	for (size_t i = 0; i < n; i++) {
		buf_printf(&out, "%s%s", i > 0 ? " " : "", command_name(c[i].kind));
		if (c[i].kind == COMMAND_UNKNOWN)
			buf_printf(&out, ":%s", c[i].word);
		for (size_t k = 0; k < c[i].n_args; k++)
			buf_printf(&out, "%s%s", k == 0 ? "(" : ",", c[i].args[k]);
		buf_puts(&out, c[i].n_args > 0 ? ")" : "");
	}
	char *text = arena_strdup(a, out.p);
	buf_release(&out);
	return text;
}

static void
test_what_was_meant(void **state)
{
	static const struct {
		const char *word, *meant;
	} t[] = {
	    {"rebild", "rebuild"},
	    {"Rebuidl", "rebuild"},
	    {"aprove", "approve"},
	    {"stauts", "status"},
	    {"evla", "eval"},
	    {"retest", "rebuild failed"},
	    {"BUILD", "rebuild"},
	    {"stop", "cancel"},
	    {"r+", "approve"},
	    {"frobnicate", NULL},
	    {"a", NULL},
	    {"", NULL},
	    {"help\xff", "help"},
	    {"rebuildrebuildrebuildrebuildrebuild", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		const char *meant = command_meant(t[i].word);
		if (t[i].meant == NULL)
			assert_null(meant);
		else
			assert_string_equal(meant != NULL ? meant : "nothing", t[i].meant);
	}
}

static void
test_commands(void **state)
{
	static const struct {
		const char *body, *want;
	} t[] = {
	    {"/ekaci rebuild", "rebuild"},
	    {"/EkaCI ReBuild\r\n", "rebuild"},
	    {"  /ekaci   rebuild\tfailed ", "rebuild(failed)"},
	    {"/ekaci rebuild python3.pkgs.numpy zlib", "rebuild(python3.pkgs.numpy,zlib)"},
	    {"thanks!\n/ekaci approve\nand\n/ekaci status", "approve status"},
	    {"/ekaci", "help"},
	    {"/ekaci help", "help"},
	    {"/ekaci explain zlib", "explain(zlib)"},
	    {"/ekaci eval\n/ekaci cancel", "eval cancel"},
	    {"/ekaci frobnicate now", "unknown:frobnicate(now)"},
	    /* what people write around it */
	    {"/ekaci rebuild.", "rebuild"},
	    {"/ekaci, status!", "status"},
	    {"/Ekaci: Explain zlib, python3.pkgs.numpy?\r\n/EKACI STATUS;\r\n", "explain(zlib,python3.pkgs.numpy) status"},
	    {"/ekaci ?", "help"},
	    {"/ekaci help ...", "help"},
	    {"/ekaci\xc2\xa0rebuild\xc2\xa0\xc2\xa0zlib", "rebuild(zlib)"},
	    {"/ekaci,rebuild", ""},
	    {"/ekacix rebuild", ""},
	    {"please /ekaci rebuild", ""},
	    {"/ekaci\x01", ""},
	    {"> /ekaci rebuild", ""},
	    {"  > /ekaci rebuild\n\n/ekaci help", "help"},
	    {"```\n/ekaci rebuild\n```\n/ekaci help", "help"},
	    {"~~~ sh\n/ekaci rebuild\n```\n/ekaci rebuild\n~~~\n/ekaci eval", "eval"},
	    {"````\n```\n/ekaci rebuild\n````", ""},
	    {"```\n/ekaci rebuild", ""},
	    {"``` a ` b\n/ekaci rebuild", "rebuild"}, /* no fence: a backtick follows */
	    {"    /ekaci rebuild", ""},
	    {"\t/ekaci rebuild", ""},
	    {"", ""},
	    {"\n\n\n", ""},
	    {"/ekaci rebuild \x1b[31mred", "rebuild(?[31mred)"},
	    {"a\r/ekaci status\rb", "status"},
	    /* code: fences begin where Markdown lets them begin, in a list item, too, and end with it */
	    {"- ```\n  /ekaci approve\n  ```\n\n/ekaci status", "status"},
	    {"1. ```sh\n   /ekaci approve\n   ```\n/ekaci status", "status"},
	    {"- ```\n  /ekaci approve\n\n/ekaci status", "status"},
	    {"* a\n\n      /ekaci approve\n\n/ekaci status", "status"},
	    {"* a\n\n    /ekaci status", "status"},
	    {"a\n    /ekaci status", "status"}, /* four columns continue a paragraph */
	    {"so `a\n/ekaci approve\nb` is it\n/ekaci status", "status"},
	    {"`\n/ekaci approve`", ""},
	    {"`/ekaci approve`", ""},
	    {"/ekaci rebuild `python3.pkgs.numpy`", "rebuild(python3.pkgs.numpy)"},
	    /* quotations, also lines that Markdown takes for more of one */
	    {"> a\n/ekaci approve\n\n/ekaci status", "status"},
	    {"- > /ekaci approve\n\n/ekaci status", "status"},
	    {"> - a\n>\n>   /ekaci approve", ""},
	    /* lists: a line of its own counts, one behind a marker does not begin with the command */
	    {"1. a\n2. b\n/ekaci status", "status"},
	    {"- /ekaci approve\n- /ekaci cancel\n", ""},
	    {"- [ ] /ekaci approve", ""},
	    {"# /ekaci approve", ""},
	    {"/ekaci status\n---\nthanks", "status"},
	    {"/ekaci status  \n/ekaci eval\\\n/ekaci help", "status eval help"},
	    /* HTML */
	    {"<!--\n/ekaci approve\n-->\nthanks", ""},
	    {"<!-- a\n\n/ekaci approve\n\n-->\n\n/ekaci status", "status"},
	    {"thanks <!--\n/ekaci approve\n-->\n/ekaci status", "status"},
	    {"- <!-- a\n\n/ekaci approve", ""}, /* not closed: everything behind it is in the comment */
	    {"<pre>\n/ekaci approve\n\n/ekaci cancel\n</pre>\n\n/ekaci status", "status"},
	    {"so <pre>\n/ekaci approve\n</pre>\n/ekaci status", "status"},
	    {"<div><PRE class=\"a\">\n\n/ekaci approve\n\n</PRE></div>\n\n/ekaci status", "status"},
	    {"<blockquote>\n\n/ekaci approve\n\n</blockquote>\n\n/ekaci status", "status"},
	    {"<pre>\n</code>\n/ekaci approve", ""},
	    {"<details>\n/ekaci approve\n</details>", ""},
	    {"<details><summary>a</summary>\n\n/ekaci status\n\n</details>", "status"},
	    {"</pre>\n\n/ekaci status", "status"},
	    {"a < b <pretty>\n/ekaci status", "status"},
	    {"![\n/ekaci approve](a.png)", ""},
	    {"[a]:\n/ekaci\n", ""}, /* where a link leads, which is not shown */
	    /* as it was written, not as it is shown */
	    {"\\/ekaci approve", ""},
	    {"&#47;ekaci approve", ""},
	    {"\x1e"
	     "ekaci approve\n/ekaci explain a\x1f",
	        "explain(a?)"},
	    {"/ekaci rebuild _7zz a.__b__ c_d", "rebuild(_7zz,a.__b__,c_d)"},
	    {"/ekaci explain a.\"b c\"", "explain(a.\"b,c\")"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct arena a = {0};
		char *got = read_all(&a, t[i].body);
		if (strcmp(got, t[i].want) != 0)
			fail_msg("%s\ngives \"%s\", not \"%s\"", t[i].body, got, t[i].want);
		arena_release(&a);
	}
}

static void
test_ceilings(void **state)
{
	struct arena a = {0};
	struct buf body;
	const struct comment_command *c;
	size_t n;

	(void)state;
	buf_init(&body, 1 << 20);
	for (int i = 0; i < 100; i++)
		buf_puts(&body, "/ekaci rebuild\n");
	command_read(&a, buf_get(&body), &c, &n);
	assert_int_equal(n, COMMAND_MAX);
	buf_drop(&body, body.n);
	buf_puts(&body, "/ekaci rebuild");
	for (int i = 0; i < 5000; i++)
		buf_puts(&body, " a");
	command_read(&a, buf_get(&body), &c, &n);
	assert_int_equal(n, 1);
	assert_int_equal(c[0].n_args, 100);
	buf_release(&body);
	arena_release(&a);
}

/* A comment of text again and again up to a size, with a command before and one behind it. */
static const char *
long_comment(struct arena *a, size_t size, const char *lead, const char *text)
{
	struct buf b;

	buf_init(&b, EVENT_MAX_COMMENT * 2);
	buf_printf(&b, "/ekaci status\n\n%s", lead);
	while (b.n < size)
		buf_puts(&b, text);
	buf_puts(&b, "\n\n/ekaci cancel\n");
	const char *comment = str_dup(a, buf_get(&b));
	buf_release(&b);
	return comment;
}

static void
test_what_is_slow_to_parse_is_not_parsed(void **state)
{
	static const char *const texts[] = {"<?", "<!A ", "a <!--", "![[]()", "[a](", "*a ", "`a``", ">", "> ", "- ", "1. ",
	    ">>>>>>>>>>>>>>>>>>>>>>>>>>>>>>\n", ">a\n", "- a\n", "[a]: b\n"};
	static const size_t sizes[] = {16 * 1024 - 100, EVENT_MAX_COMMENT};
	struct arena a = {0};
	char *deep = arena_alloc(&a, EVENT_MAX_COMMENT + 1);

	(void)state;
	for (size_t k = 0; k < COUNT(sizes); k++) {
		for (size_t i = 0; i < 2 * COUNT(texts); i++) {
			int64_t began = clock_mono_ms();
			char *got = read_all(&a, long_comment(&a, sizes[k], i % 2 == 0 ? "" : "a ", texts[i / 2]));
			assert_memory_equal(got, "status", 6);
			if (sizes[k] == EVENT_MAX_COMMENT)
				assert_string_equal(got, "status");
			assert_true(clock_mono_ms() - began < 1000);
		}
		/* Half of it opens quotes or lists, the other half are lines that belong to the innermost. */
		for (const char *marker = "> - * 1."; *marker != '\0'; marker += 2) {
			size_t n = 0;
			for (; n < sizes[k] / 2; n += 2)
				memcpy(deep + n, marker, 2);
			for (; n < sizes[k]; n += 2)
				memcpy(deep + n, "a\n", 2);
			int64_t began = clock_mono_ms();
			assert_memory_equal(read_all(&a, arena_printf(&a, "/ekaci status\n\n%.*s", (int)n, deep)), "status", 6);
			assert_true(clock_mono_ms() - began < 1000);
		}
	}
	arena_release(&a);
}

static void
test_within_the_limits_all_is_read_and_nothing_by_halves(void **state)
{
	struct arena a = {0};
	char *line = arena_alloc(&a, 20000);
	char *mark = arena_alloc(&a, 300);

	(void)state;
	memset(line, 'a', 16000);
	assert_string_equal(read_all(&a, arena_printf(&a, "%s\n\n/ekaci status", line)), "status");
	/* The end of the code is out of reach, so its paragraph is not read. */
	assert_string_equal(read_all(&a, arena_printf(&a, "/ekaci status\n\nso `a\n/ekaci approve\n%s%s`", line, line)),
	    "status");
	assert_string_equal(read_all(&a, arena_printf(&a, "%s\n/ekaci approve\n%s", line, line)), "");
	/* A line of dashes is not nested. */
	memset(mark, '-', 200);
	assert_string_equal(read_all(&a, arena_printf(&a, "a\n\n%s\n\n/ekaci status", mark)), "status");
	memset(mark, '>', 100);
	mark[100] = '\0';
	assert_string_equal(read_all(&a, arena_printf(&a, "%s a\n\n/ekaci status", mark)), "status");
	assert_string_equal(read_all(&a, arena_printf(&a, "/ekaci help\n\n>%s a\n\n/ekaci status", mark)), "help");
	arena_release(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_commands),
	    cmocka_unit_test(test_what_was_meant),
	    cmocka_unit_test(test_ceilings),
	    cmocka_unit_test(test_what_is_slow_to_parse_is_not_parsed),
	    cmocka_unit_test(test_within_the_limits_all_is_read_and_nothing_by_halves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
