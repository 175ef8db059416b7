/* Templates: mustache over values, escaped by type. The values are written as JSON here. */
#include "support/text/template.h"
#include "support/text/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct str
load(void *ctx, const char *name)
{
	(void)ctx;
	return strcmp(name, "row.html") == 0 ? STR("[{{name}}]{{#more}}{{> row.html}}{{/more}}") : (struct str){NULL, 0};
}

static struct values *values_of(struct arena *a, const json_t *obj);

static struct value_list *
list_values(struct arena *a, const json_t *list)
{
	struct value_list *ret = value_list_new(a);
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one) {
		if (json_is_object(one))
			value_list_group(ret, values_of(a, one));
		else
			value_list_text(ret, json_is_string(one) ? json_string_value(one) : "");
	}
	return ret;
}

static struct values *
values_of(struct arena *a, const json_t *obj)
{
	struct values *ret = values_new(a);
	const char *key;
	json_t *one;

	json_object_foreach((json_t *)(uintptr_t)obj, key, one) {
		if (json_is_object(one))
			values_group(ret, key, values_of(a, one));
		else if (json_is_array(one))
			values_list(ret, key, list_values(a, one));
		else if (json_is_integer(one))
			values_number(ret, key, json_integer_value(one));
		else if (json_is_boolean(one))
			values_flag(ret, key, json_is_true(one));
		else
			values_text(ret, key, json_is_string(one) ? json_string_value(one) : "");
	}
	return ret;
}

static char *
render(struct arena *a, enum escape kind, const char *text, const char *values)
{
	AUTO(buf_release) struct buf out;
	AUTO(json_drop) json_t *j = NULL;
	struct err e = {0};

	buf_init(&out, 10000);
	assert_int_equal(json_read(str_of(values), "test", &j, &e), 0);
	if (template_render_text(str_of(text), values_of(a, j), kind, load, NULL, &out, &e) != 0)
		return arena_printf(a, "ERROR %s: %s", err_kind_name(e.kind), e.msg);
	return str_dup(a, buf_get(&out));
}

static void
test_values_and_sections(void **state)
{
	static const struct {
		enum escape kind;
		const char *text, *values, *want;
	} t[] = {
	    {ESCAPE_HTML, "a {{x}} b", "{\"x\":\"<i>&\\\"'\"}", "a &lt;i&gt;&amp;&quot;&#39; b"},
	    {ESCAPE_HTML, "{{{x_html}}}{{&x_html}}", "{\"x_html\":\"<i>\"}", "<i><i>"},
	    {ESCAPE_MARKDOWN, "{{x}}", "{\"x\":\"*a*|<b>\"}", "&#42;a&#42;&#124;&#60;b>"},
	    {ESCAPE_TERMINAL, "{{x}}", "{\"x\":\"a\\u001b[31mb\\u0007\\nc\"}", "ab\\x07\\nc"},
	    {ESCAPE_HTML, "{{n}} {{z}}{{#z}}zero is true{{/z}}", "{\"n\":12345678901,\"z\":0}", "12345678901 0zero is true"},
	    {ESCAPE_HTML, "{{#a}}<{{.}}>{{/a}}{{^a}}none{{/a}}", "{\"a\":[\"1\",\"&\"]}", "<1><&amp;>"},
	    {ESCAPE_HTML, "{{#a}}x{{/a}}{{^a}}none{{/a}}", "{\"a\":[]}", "none"},
	    {ESCAPE_HTML, "{{#s}}x{{/s}}{{^s}}none{{/s}}", "{\"s\":\"\"}", "none"},
	    {ESCAPE_HTML, "{{#s}}x{{/s}}{{^s}}none{{/s}}{{gone}}", "{\"s\":null}", "none"},
	    {ESCAPE_HTML, "{{a.b}}{{#a}}{{b}}{{/a}}", "{\"a\":{\"b\":\"v\"}}", "vv"},
	    {ESCAPE_HTML, "x\n{{#t}}\nline\n{{/t}}\ny\n", "{\"t\":true}", "x\nline\ny\n"},
	    {ESCAPE_HTML, "x\n{{#t}}\nline\n{{/t}}\ny\n", "{\"t\":false}", "x\ny\n"},
	    {ESCAPE_HTML, "x\n{{#t}}\n\nline\n\n{{/t}}\n\n  {{! no }}\ny\n", "{\"t\":[1,2]}", "x\n\nline\n\n\nline\n\n\ny\n"},
	    {ESCAPE_HTML, "{{{x_html}}}\n", "{\"x_html\":\"a\\u0002b\\nc\"}", "a\002b\nc\n"},
	    {ESCAPE_HTML, "{{x}}", "{\"x\":\"{{y}}{{> row.html}}\",\"y\":\"no\"}", "{{y}}{{&gt; row.html}}"},
	    {ESCAPE_HTML, "{{#l}}{{> row.html}}{{/l}}", "{\"l\":[{\"name\":\"<\",\"more\":false}]}", "[&lt;]"},
	    {ESCAPE_HTML, "{{> gone.html}}", "{\"gone.html\":\"from the data\"}",
	        "ERROR bug: template: no such partial: gone.html"},
	    {ESCAPE_HTML, "{{t}}|{{f}}|{{l}}|{{g}}|", "{\"t\":true,\"f\":false,\"l\":[\"x\"],\"g\":{\"a\":1}}", "||||"},
	    {ESCAPE_HTML, "{{#l}}{{x}}{{y}} {{/l}}", "{\"x\":\"out\",\"l\":[{\"x\":\"in\"},{\"y\":1},{\"x\":\"\"}]}",
	        "in out1  "},
	    {ESCAPE_HTML, "{{#a.b}}{{c}}{{/a.b}}{{^a.d}}-{{/a.d}}{{#l}}{{a.b.c}}{{/l}}",
	        "{\"a\":{\"b\":{\"c\":1}},\"l\":[{\"x\":1}]}", "1-1"},
	    {ESCAPE_HTML, "{{#l}}{{.}}{{#s}}{{.}}{{/s}}{{/l}}", "{\"l\":[\"1\",\"2\"],\"s\":\"!\"}", "1!2!"},
	    {ESCAPE_HTML, " {{#t}} \r\nx {{#t}}\ny{{/t}}\n{{/t}}", "{\"t\":true}", "x \ny\n"},
	    {ESCAPE_HTML, "{{> row.html}}", "{\"name\":1,\"more\":true}", "ERROR bug: template: more than 64 levels"},
	    {ESCAPE_HTML, "{{#a}}", "{\"a\":[\"x\"]}", "ERROR bug: template: the section a does not end"},
	    {ESCAPE_HTML, "{{#a}}{{/b}}", "{\"a\":[\"x\"]}", "ERROR bug: template: b ends where it has not begun"},
	    {ESCAPE_HTML, "x{{a", "{\"a\":[\"x\"]}", "ERROR bug: template: a tag that does not end: a"},
	};
	struct arena a = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++)
		assert_string_equal(render(&a, t[i].kind, t[i].text, t[i].values), t[i].want);
	arena_release(&a);
}

static void
test_a_full_buffer_is_a_limit(void **state)
{
	AUTO(buf_release) struct buf out;
	const struct values none = {0};
	struct err e = {0};

	(void)state;
	buf_init(&out, 10);
	assert_int_equal(template_render_text(STR("more than ten bytes"), &none, ESCAPE_HTML, NULL, NULL, &out, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	assert_int_equal(template_render("no/such.html", &none, &out, &e), -1);
	assert_int_equal(e.kind, ERR_BUG);
}

/* Every template parses and renders on empty data: a broken one is found here and not on somebody's pull request. */
static void
test_all_templates_of_the_program_parse(void **state)
{
	const struct values none = {0};
	struct err e = {0};

	(void)state;
	for (size_t i = 0; i < template_count; i++) {
		AUTO(buf_release) struct buf out;
		const char *dot = strrchr(template_files[i].name, '.');
		buf_init(&out, 1 << 20);
		if (dot == NULL || (strcmp(dot, ".html") != 0 && strcmp(dot, ".md") != 0 && strcmp(dot, ".txt") != 0))
			continue;
		if (template_render(template_files[i].name, &none, &out, &e) != 0)
			fail_msg("%s: %s", template_files[i].name, e.msg);
		assert_ptr_equal(template_find(template_files[i].name).p, template_files[i].text.p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_values_and_sections),
	    cmocka_unit_test(test_a_full_buffer_is_a_limit),
	    cmocka_unit_test(test_all_templates_of_the_program_parse),
	};
	return cmocka_run_group_tests_name("template", tests, NULL, NULL);
}
