/* The commands explain and graph, as they are run; and the JSON scanner beside jansson. */
#include "support/text/jscan.h"
#include "graph_fixture.h"
#include "support/os/child.h"
#include "support/text/json.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "in_range.h"

struct output {
	struct buf text;
	int code;
};

static int
on_bytes(void *ctx, int fd, struct str bytes, struct err *e)
{
	struct output *o = ctx;
	(void)e;

	if (fd == 1)
		buf_str(&o->text, bytes);
	return 0;
}

static void
run(struct output *o, const char *const *argv)
{
	struct child c = {.argv = argv, .on_bytes = on_bytes, .ctx = o, .wall_ms = 20000};
	struct child_result r = {0};
	struct err e = {0};

	buf_init(&o->text, 1 << 20);
	if (child_run(&c, &r, &e) != 0)
		fail_msg("%s", e.msg);
	assert_int_equal(r.end, CHILD_EXITED);
	o->code = r.code;
}

static const char *
ekaci(void)
{
	const char *path = getenv("EKACI");

	assert_non_null(path); /* `make unit` sets it */
	return path;
}

static struct fx_drv *
make(struct fixture *f, const char *name, const char *text, const struct fx_drv *in)
{
	struct fx_drv *d = arena_alloc(&f->a, sizeof(*d));
	struct fx_env *env = arena_alloc(&f->a, 2 * sizeof(*env));

	env[0] = (struct fx_env){"text", text};
	*d = (struct fx_drv){.name = name, .env = env, .inputs = {in}};
	return fx_make(f, d);
}

static void
test_explain(void **state)
{
	struct fixture f;
	struct output o, j;
	struct err e = {0};
	json_t *doc = NULL;
	(void)state;

	fixture_begin(&f);
	struct fx_drv *lib1 = make(&f, "lib-1", "same\nold \033[31m line\nsame", NULL),
	              *lib2 = make(&f, "lib-2", "same\nnew line\nsame", NULL);
	struct fx_drv *app1 = make(&f, "app", "x", lib1), *app2 = make(&f, "app", "x", lib2);
	const char *text[] = {ekaci(), "explain", "--real-store", f.store, app1->drv, app2->drv, NULL};
	run(&o, text);
	assert_int_equal(o.code, 1);
	assert_non_null(strstr(o.text.p, "follows lib-2"));
	assert_ptr_equal(strstr(o.text.p, "because of lib-2: version 1 -> 2, env text\n"), o.text.p);
	assert_non_null(strstr(o.text.p, "version 1 -> 2"));
	assert_non_null(strstr(o.text.p, "- old \\x1b[31m line"));
	assert_non_null(strstr(o.text.p, "+ new line"));
	assert_null(strchr(o.text.p, '\033'));
	assert_null(strstr(o.text.p, "- same"));
	const char *as_json[] = {ekaci(), "explain", "--json", "--real-store", f.store, app1->drv, app2->drv, NULL};
	run(&j, as_json);
	assert_int_equal(j.code, 1);
	assert_int_equal(json_read(buf_get(&j.text), "explain", &doc, &e), 0);
	const json_t *list = json_object_get(doc, "derivations");
	assert_int_equal(json_array_size(list), 2);
	assert_string_equal(json_str(json_array_get(list, 0), "kind", ""), "follower");
	assert_string_equal(json_str(json_array_get(list, 1), "kind", ""), "root");
	assert_string_equal(json_str(json_array_get(list, 1), "head", ""), lib2->drv);
	json_decref(doc);
	buf_release(&o.text);
	buf_release(&j.text);
	const char *same[] = {ekaci(), "explain", "--real-store", f.store, app1->drv, app1->drv, NULL};
	run(&o, same);
	assert_int_equal(o.code, 0);
	buf_release(&o.text);
	const char *absent[] = {ekaci(), "explain", "--real-store", f.store, app1->drv,
	    FX_STORE "/00000000000000000000000000000000-x.drv", NULL};
	run(&o, absent);
	assert_int_equal(o.code, 2);
	assert_int_equal(o.text.n, 0);
	buf_release(&o.text);
	fixture_end(&f);
}

static void
test_graph(void **state)
{
	struct fixture f;
	struct output o;
	struct err e = {0};
	json_t *doc = NULL;
	(void)state;

	fixture_begin(&f);
	struct fx_drv *lib = make(&f, "lib", "x", NULL), *app = make(&f, "app", "x", lib), *top = make(&f, "top", "x", app);
	const char *argv[] = {ekaci(), "graph", "--json", "--real-store", f.store, top->drv, app->drv, NULL};
	run(&o, argv);
	assert_int_equal(o.code, 0);
	assert_int_equal(json_read(buf_get(&o.text), "graph", &doc, &e), 0);
	assert_int_equal(json_int(doc, "nodes", -1), 3);
	assert_int_equal(json_int(doc, "edges", -1), 2);
	const json_t *list = json_object_get(doc, "derivations"), *v;
	size_t i;
	json_array_foreach(list, i, v) {
		const char *name = json_str(v, "name", "");
		assert_int_equal(json_int(v, "radius", -1), strcmp(name, "lib") == 0 ? 2 : strcmp(name, "app") == 0 ? 1 : 0);
	}
	json_decref(doc);
	buf_release(&o.text);
	const char *none[] = {ekaci(), "graph", NULL};
	run(&o, none);
	assert_int_equal(o.code, 2);
	buf_release(&o.text);
	fixture_end(&f);
}

/* Mutations of a document: the scanner takes what jansson takes and nothing else. Surrogates and NUL, where jansson is
 * stricter, are not among them. */
static void
test_scanner_agrees_with_jansson(void **state)
{
	static const char document[] =
	    "{\"a\":[1,-2.5,true,false,null,{\"b\":\"c\\n\\\"d\\\\\",\"\":[]}],\"k\":{\"x\":[[],{}]},\"z\":\"end\"}";
	static const char bytes[] = "\"\\{}[]:,0123.-tfn \t/x\x01";
	uint64_t seed = 5;
	size_t n = sizeof(document) - 1, taken = 0;
	(void)state;

	for (int round = 0; round < 30000; round++) {
		char *text = malloc(n);
		memcpy(text, document, n);
		for (int k = 0; k <= round % 2; k++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			text[(seed >> 33) % n] = bytes[(seed >> 20) % (sizeof(bytes) - 1)];
		}
		struct jscan s = {text, n, 0};
		struct str raw;
		bool ours = jscan_value(&s, &raw) == 0 && jscan_end(&s) == 0;
		json_error_t je;
		json_t *j = json_loadb(text, n, JSON_DECODE_ANY, &je);
		if (ours != (j != NULL))
			fail_msg("jansson says %s to %.*s", j != NULL ? "yes" : je.text, (int)n, text);
		taken += ours;
		json_decref(j);
		free(text);
	}
	assert_uint_in_range(taken, 1000, 29000);
}

static void
test_scanner_strings(void **state)
{
	static const struct {
		const char *json, *text;
	} cases[] = {
	    {"\"plain\"", "plain"},
	    {"  \"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
	    {"\"\\u00e4\\u20ac\\ud83d\\ude00\"", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
	    {"\"\\ud83d!\"", "\xef\xbf\xbd!"},
	    {"\"long enough for eight at once, with \xc3\xa4 in it\"", "long enough for eight at once, with \xc3\xa4 in it"},
	};
	static const char *const bad[] = {"\"", "\"\\\"", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"a\nb\"", "a", ""};
	struct arena a = {0};
	struct str s;
	(void)state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct jscan j = {cases[i].json, strlen(cases[i].json), 0};
		assert_int_equal(jscan_string(&j, &a, &s), 0);
		assert_true(str_is(s, cases[i].text));
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct jscan j = {bad[i], strlen(bad[i]), 0};
		assert_int_equal(jscan_string(&j, &a, &s), -1);
	}
	arena_release(&a);
}

static void
test_scanner_depth(void **state)
{
	struct str raw;
	char *deep = malloc(1 << 20);
	(void)state;

	memset(deep, '[', 1 << 20);
	struct jscan j = {deep, 1 << 20, 0};
	assert_int_equal(jscan_value(&j, &raw), -1);
	assert_int_equal(j.at, JSCAN_MAX_DEPTH);
	free(deep);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_explain),
	    cmocka_unit_test(test_graph),
	    cmocka_unit_test(test_scanner_agrees_with_jansson),
	    cmocka_unit_test(test_scanner_strings),
	    cmocka_unit_test(test_scanner_depth),
	};

	return cmocka_run_group_tests_name("graph_commands", tests, NULL, NULL);
}
