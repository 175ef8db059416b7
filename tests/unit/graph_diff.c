/* The stage diff, on made-up stores: every class, the spread, refusals, and the same bytes each time. */
#include "graph/graph.h"
#include "graph_fixture.h"
#include "support/text/json.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static bool graphs; /* whether the next runs keep graph files */

/* Runs the stage on one job; gives its result and the difference. */
static int
diff_files(struct fixture *f, const char *base, const char *head, json_t **ret, struct err *e)
{
	AUTO(fd_close) int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct record_out out = {.fd = null};
	char *file = arena_printf(&f->a, "%s/difference.json", f->dir);
	AUTO(json_drop)
	json_t *job = json_pack("{s:[{s:s,s:s}],s:[{s:s,s:s}],s:s,s:n,s:s,s:s}", "base", "job", "all", "file", base, "head",
	    "job", "all", "file", head, "out", file, "graph_dir", "store_dir", FX_STORE, "real_store_dir", f->store);

	assert_non_null(job);
	if (graphs)
		json_object_set_new(job, "graph_dir", json_string(arena_printf(&f->a, "%s/graphs", f->dir)));
	if (fx_stage_diff(job, &out, e) != 0)
		return -1;
	return json_read_file(file, 1 << 30, ret, e);
}

static json_t *
diff(struct fixture *f, struct fx_evaluation *base, struct fx_evaluation *head)
{
	struct err e = {0};
	json_t *d = NULL;
	const char *b = fx_evaluation_end(f, base, "base.zst"), *h = fx_evaluation_end(f, head, "head.zst");

	if (diff_files(f, b, h, &d, &e) != 0)
		fail_msg("%s", e.msg);
	return d;
}

/* The entry of a one-element path, or of a path given as JSON text. */
static const json_t *
entry(const json_t *d, const char *path)
{
	struct arena a = {0};
	const json_t *list = json_object_get(d, "attributes"), *v, *found = NULL;
	size_t i;

	json_array_foreach(list, i, v) {
		const char *text = json_line(&a, json_object_get(v, "path"));
		if (strcmp(text, path) == 0 || strcmp(text, arena_printf(&a, "[\"%s\"]", path)) == 0)
			found = v;
	}
	arena_release(&a);
	return found;
}

static const char *
class_of(const json_t *d, const char *path)
{
	const json_t *v = entry(d, path);

	return v != NULL ? json_str(v, "class", "?") : "unchanged";
}

static int64_t
count(const json_t *d, const char *what)
{
	return json_int(json_at(d, "counts.total"), what, -1);
}

static struct fx_drv *
make(struct fixture *f, const char *name, const char *version, const struct fx_drv *a, const struct fx_drv *b)
{
	struct fx_drv *d = arena_alloc(&f->a, sizeof(*d));
	struct fx_env *env = arena_alloc(&f->a, 2 * sizeof(*env));

	env[0] = (struct fx_env){"version", version};
	*d = (struct fx_drv){.name = arena_printf(&f->a, "%s-%s", name, version), .env = env, .inputs = {a, b}};
	return fx_make(f, d);
}

static void
test_every_class(void **state)
{
	struct fixture f;
	struct fx_evaluation b, h;
	(void)state;

	fixture_begin(&f);
	struct fx_drv *lib1 = make(&f, "lib", "1", NULL, NULL), *lib2 = make(&f, "lib", "2", NULL, NULL);
	struct fx_drv *app1 = make(&f, "app", "1", lib1, NULL), *app2 = make(&f, "app", "1", lib2, NULL);
	struct fx_drv *old = make(&f, "old", "1", NULL, NULL), *new = make(&f, "new", "1", app2, NULL);
	struct fx_drv *same = make(&f, "same", "1", NULL, NULL);
	struct fx_drv *fetch1 = fx_make(&f, &(struct fx_drv){.name = "src", .fixed = "bytes", .inputs = {lib1}});
	struct fx_drv *fetch2 = fx_make(&f, &(struct fx_drv){.name = "src", .fixed = "bytes", .inputs = {lib2}});
	struct fx_drv *pkg1 = make(&f, "pkg", "1", fetch1, NULL), *pkg2 = make(&f, "pkg", "1", fetch2, NULL);
	assert_string_equal(pkg1->out, pkg2->out);
	assert_string_not_equal(pkg1->drv, pkg2->drv);
	fx_evaluation_begin(&b);
	fx_row(&b, "[\"app\"]", app1, NULL);
	fx_error(&b, "[\"bad\"]", "it throws");
	fx_error(&b, "[\"heals\"]", "it throws");
	fx_row(&b, "[\"lib\"]", lib1, NULL);
	fx_row(&b, "[\"old\"]", old, NULL);
	fx_row(&b, "[\"pkg\"]", pkg1, NULL);
	fx_row(&b, "[\"same\"]", same, NULL);
	fx_row(&b, "[\"sickens\"]", same, NULL);
	fx_evaluation_begin(&h);
	fx_row(&h, "[\"app\"]", app2, NULL);
	fx_error(&h, "[\"bad\"]", "it throws, elsewhere");
	fx_row(&h, "[\"heals\"]", same, NULL);
	fx_row(&h, "[\"lib\"]", lib2, NULL);
	fx_row(&h, "[\"new\"]", new, NULL);
	fx_row(&h, "[\"pkg\"]", pkg2, NULL);
	fx_row(&h, "[\"same\"]", same, NULL);
	fx_error(&h, "[\"sickens\"]", "oh");
	json_t *d = diff(&f, &b, &h);
	assert_string_equal(class_of(d, "app"), "rebuild");
	assert_string_equal(class_of(d, "lib"), "rebuild");
	assert_string_equal(class_of(d, "bad"), "still_failing");
	assert_string_equal(class_of(d, "heals"), "fixed");
	assert_string_equal(class_of(d, "sickens"), "newly_failing");
	assert_string_equal(class_of(d, "old"), "removed");
	assert_string_equal(class_of(d, "new"), "added");
	assert_string_equal(class_of(d, "pkg"), "derivation_only");
	assert_null(entry(d, "same"));
	assert_int_equal(json_array_size(json_object_get(d, "targets")),
	    3); /* heals is what same is at base: nothing to build */
	assert_int_equal(count(d, "rebuild"), 2);
	assert_int_equal(count(d, "unchanged"), 1);
	assert_int_equal(count(d, "rebuild_derivations"), 3); /* lib, app, new */
	assert_int_equal(count(d, "changed_drv_paths"), 5);   /* and the fetcher and pkg */
	assert_int_equal(json_int(json_object_get(entry(d, "lib"), "radius"), "derivations", -1), 2);
	assert_int_equal(json_int(json_object_get(entry(d, "lib"), "radius"), "attributes", -1), 2);
	assert_int_equal(json_int(json_object_get(entry(d, "new"), "radius"), "derivations", -1), 0);
	json_decref(d);
	fixture_end(&f);
}

static const char *
text_of(struct fixture *f, const json_t *v)
{
	return v != NULL ? json_line(&f->a, v) : "(none)";
}

/* A failing row is no package: one that comes is not broken by anything, one that goes is not removed. */
static void
test_failing_rows_that_come_and_go(void **state)
{
	struct fixture f;
	struct fx_evaluation b, h;
	(void)state;

	fixture_begin(&f);
	struct fx_drv *x = make(&f, "x", "1", NULL, NULL);
	fx_evaluation_begin(&b);
	fx_error(&b, "[\"goes\"]", "it throws");
	fx_row(&b, "[\"stays\"]", x, NULL);
	fx_error(&b, "[\"was\",\"bad\"]", "it throws");
	fx_evaluation_begin(&h);
	fx_error(&h, "[\"comes\"]", "it throws");
	fx_row(&h, "[\"stays\"]", x, NULL);
	fx_error(&h, "[\"was\"]", "all of it throws");
	json_t *d = diff(&f, &b, &h);
	assert_string_equal(class_of(d, "comes"), "added_failing");
	assert_string_equal(class_of(d, "goes"), "removed_failing");
	/* Nothing below it worked before, so nothing is broken. */
	assert_string_equal(class_of(d, "was"), "still_failing");
	assert_string_equal(class_of(d, "[\"was\",\"bad\"]"), "still_failing");
	assert_int_equal(count(d, "removed") + count(d, "newly_failing"), 0);
	assert_int_equal(count(d, "added_failing"), 1);
	assert_int_equal(count(d, "removed_failing"), 1);
	json_decref(d);
	fixture_end(&f);
}

/* What is unknown on either side is no class, whatever the other side says; the rest is compared as if it were not there. */
static void
test_what_could_not_be_told_is_no_class(void **state)
{
	static const char *const untold[] = {"both", "comes", "goes", "heals", "sickens", "was_bad", "worked", "[\"lost\"]",
	    "[\"lost\",\"a\"]", "[\"lost\",\"b\"]", "[\"found\",\"a\"]", "[\"found\",\"b\"]", "[\"dim\"]", "[\"dim\",\"a\"]"};
	struct fixture f;
	struct fx_evaluation b, h;
	(void)state;

	fixture_begin(&f);
	struct fx_drv *lib1 = make(&f, "lib", "1", NULL, NULL), *lib2 = make(&f, "lib", "2", NULL, NULL);
	struct fx_drv *app1 = make(&f, "app", "1", lib1, NULL), *app2 = make(&f, "app", "1", lib2, NULL);
	struct fx_drv *other = make(&f, "other", "1", NULL, NULL), *hidden = make(&f, "hidden", "1", other, NULL);
	fx_evaluation_begin(&b);
	fx_row(&b, "[\"app\"]", app1, NULL);
	fx_unknown(&b, "[\"both\"]");
	fx_unknown(&b, "[\"dim\",\"a\"]");
	fx_unknown(&b, "[\"found\"]");
	fx_unknown(&b, "[\"goes\"]");
	fx_unknown(&b, "[\"heals\"]");
	fx_row(&b, "[\"lost\",\"a\"]", app1, NULL);
	fx_error(&b, "[\"lost\",\"b\"]", "it throws");
	fx_row(&b, "[\"partly\",\"a\"]", app1, NULL);
	fx_unknown(&b, "[\"partly\",\"b\"]");
	fx_row(&b, "[\"same\"]", lib1, NULL);
	fx_unknown(&b, "[\"sickens\"]");
	fx_error(&b, "[\"was_bad\"]", "it throws");
	fx_row(&b, "[\"worked\"]", lib1, NULL);
	fx_evaluation_begin(&h);
	fx_row(&h, "[\"app\"]", app2, NULL);
	fx_unknown(&h, "[\"both\"]");
	fx_unknown(&h, "[\"comes\"]");
	fx_error(&h, "[\"dim\"]", "all of it throws");
	fx_row(&h, "[\"found\",\"a\"]", hidden, NULL);
	fx_error(&h, "[\"found\",\"b\"]", "it throws");
	fx_row(&h, "[\"heals\"]", hidden, NULL);
	fx_unknown(&h, "[\"lost\"]");
	fx_error(&h, "[\"partly\"]", "all of it throws");
	fx_row(&h, "[\"same\"]", lib1, NULL);
	fx_error(&h, "[\"sickens\"]", "it throws");
	fx_unknown(&h, "[\"was_bad\"]");
	fx_unknown(&h, "[\"worked\"]");
	json_t *d = diff(&f, &b, &h);
	for (size_t i = 0; i < COUNT(untold); i++)
		if (strcmp(class_of(d, untold[i]), "untold") != 0)
			fail_msg("%s is %s", untold[i], class_of(d, untold[i]));
	/* The set is broken for what is known to have worked, and only that. */
	assert_string_equal(class_of(d, "partly"), "newly_failing");
	assert_string_equal(class_of(d, "[\"partly\",\"a\"]"), "newly_failing");
	assert_string_equal(class_of(d, "[\"partly\",\"b\"]"), "untold");
	assert_string_equal(class_of(d, "app"), "rebuild");
	assert_null(entry(d, "[\"found\"]")); /* a set, as head knows */
	assert_int_equal(count(d, "untold"), COUNT(untold) + 1);
	assert_int_equal(count(d, "rebuild"), 1);
	assert_int_equal(count(d, "unchanged"), 1);
	assert_int_equal(count(d, "newly_failing"), 2);
	assert_int_equal(count(d, "added") + count(d, "removed") + count(d, "fixed") + count(d, "still_failing") +
	                     count(d, "added_failing") + count(d, "removed_failing"),
	    0);
	/* Neither built nor counted for the sake of what base may have had. */
	assert_int_equal(count(d, "rebuild_derivations"), 2);
	assert_int_equal(json_array_size(json_object_get(d, "targets")), 1);
	assert_int_equal(json_array_size(json_object_get(d, "roots")), 1);
	json_decref(d);
	fixture_end(&f);
}

/* The default goes to a version that base has under a name of its own: there is nothing to build, but it is another package. */
static void
test_an_attribute_that_moves_to_an_output_of_base(void **state)
{
	struct fixture f;
	struct fx_evaluation b, h;
	(void)state;

	fixture_begin(&f);
	struct fx_drv *old = make(&f, "tool", "1", NULL, NULL), *new = make(&f, "tool", "2", NULL, NULL);
	struct fx_drv *in = make(&f, "in", "1", NULL, NULL), *user = make(&f, "user", "1", in, NULL);
	fx_evaluation_begin(&b);
	fx_row(&b, "[\"inner\"]", old, NULL);
	fx_row(&b, "[\"tool\"]", old, NULL);
	fx_row(&b, "[\"tool_2\"]", new, NULL);
	fx_row(&b, "[\"user\"]", user, NULL);
	fx_evaluation_begin(&h);
	fx_row(&h, "[\"inner\"]", in, NULL);
	fx_row(&h, "[\"tool\"]", new, NULL);
	fx_row(&h, "[\"tool_2\"]", new, NULL);
	fx_row(&h, "[\"user\"]", user, NULL);
	json_t *d = diff(&f, &b, &h);
	assert_string_equal(class_of(d, "tool"), "switched");
	assert_string_equal(text_of(&f, json_object_get(entry(d, "tool"), "version")), "[\"1\",\"2\"]");
	assert_string_equal(class_of(d, "inner"), "switched"); /* what was only an input counts, too */
	assert_int_equal(count(d, "switched"), 2);
	assert_int_equal(count(d, "derivation_only") + count(d, "rebuild") + count(d, "rebuild_derivations"), 0);
	assert_int_equal(json_array_size(json_object_get(d, "targets")), 0);
	json_decref(d);
	fixture_end(&f);
}

static void
test_names_that_fail_with_different_words_are_two(void **state)
{
	struct fixture f;
	struct fx_evaluation b, h;
	(void)state;

	fixture_begin(&f);
	struct fx_drv *x = make(&f, "x", "1", NULL, NULL);
	fx_evaluation_begin(&b);
	fx_row(&b, "[\"one\"]", x, NULL);
	fx_row(&b, "[\"three\"]", x, NULL);
	fx_row(&b, "[\"two\"]", x, NULL);
	fx_evaluation_begin(&h);
	fx_error(&h, "[\"one\"]", "renamed to uno");
	fx_error(&h, "[\"three\"]", "renamed to uno");
	fx_error(&h, "[\"two\"]", "removed for good");
	json_t *d = diff(&f, &b, &h);
	assert_int_equal(count(d, "newly_failing"), 2);
	assert_int_equal(count(d, "aliases"), 1);
	assert_string_equal(text_of(&f, json_object_get(entry(d, "one"), "aliases")), "[[\"three\"]]");
	assert_string_equal(text_of(&f, json_object_get(entry(d, "two"), "aliases")), "[]");
	json_decref(d);
	fixture_end(&f);
}

/* The sum over systems is the total, member by member; what Nix makes itself is no system. */
static void
test_totals_add_up(void **state)
{
	struct fixture f;
	struct fx_evaluation b, h;
	const char *member;
	json_t *n;
	(void)state;

	fixture_begin(&f);
	struct fx_drv *fetch = fx_make(&f, &(struct fx_drv){.name = "fetch", .system = "builtin", .fixed = "1"});
	struct fx_drv *fetch2 = fx_make(&f, &(struct fx_drv){.name = "fetch2", .system = "builtin", .fixed = "2"});
	struct fx_drv *alone = fx_make(&f, &(struct fx_drv){.name = "alone", .system = "builtin", .fixed = "3"});
	struct fx_drv *x = fx_make(&f, &(struct fx_drv){.name = "x", .inputs = {fetch}});
	struct fx_drv *arm = fx_make(&f, &(struct fx_drv){.name = "x", .system = "aarch64-linux", .inputs = {fetch, fetch2}});
	fx_evaluation_begin(&b);
	fx_error(&b, "[\"gone\"]", "it throws");
	fx_evaluation_begin(&h);
	fx_row(&h, "[\"alone\"]", alone, NULL);
	fx_error(&h, "[\"bad\"]", "it throws");
	fx_row(&h, "[\"x\"]", arm, NULL);
	fx_row(&h, "[\"x\"]", x, NULL);
	json_t *d = diff(&f, &b, &h);
	const json_t *systems = json_at(d, "counts.systems"), *other = json_at(d, "counts.other");
	assert_int_equal(json_object_size(systems), 2);
	json_object_foreach((json_t *)(uintptr_t)json_at(d, "counts.total"), member, n) {
		if (strcmp(member, "carry_commit") == 0) /* of head as a whole */
			continue;
		int64_t sum = json_int(other, member, -1000);
		sum += json_int(json_object_get(systems, "aarch64-linux"), member, -1000);
		sum += json_int(json_object_get(systems, "x86_64-linux"), member, -1000);
		if (sum != json_integer_value(n))
			fail_msg("%s: %lld in total, %lld in parts", member, (long long)json_integer_value(n), (long long)sum);
	}
	assert_int_equal(count(d, "rebuild_derivations"), 5);
	assert_int_equal(json_int(other, "rebuild_derivations", -1), 1);
	assert_int_equal(json_int(other, "added", -1), 1);
	/* A fetcher counts where it is needed. */
	assert_int_equal(json_int(json_object_get(systems, "aarch64-linux"), "rebuild_derivations", -1), 3);
	assert_int_equal(json_int(json_object_get(systems, "x86_64-linux"), "rebuild_derivations", -1), 1);
	json_decref(d);
	fixture_end(&f);
}

static void
test_aliases_count_once(void **state)
{
	struct fixture f;
	struct fx_evaluation b, h;
	(void)state;

	fixture_begin(&f);
	struct fx_drv *lib1 = make(&f, "lib", "1", NULL, NULL), *lib2 = make(&f, "lib", "2", NULL, NULL);
	struct fx_drv *app1 = make(&f, "app", "1", lib1, NULL), *app2 = make(&f, "app", "1", lib2, NULL);
	fx_evaluation_begin(&b);
	fx_row(&b, "[\"a\",\"lib\"]", lib1, NULL);
	fx_row(&b, "[\"app\"]", app1, NULL);
	fx_row(&b, "[\"lib\"]", lib1, NULL);
	fx_row(&b, "[\"lib_1\"]", lib1, NULL);
	fx_evaluation_begin(&h);
	fx_row(&h, "[\"a\",\"lib\"]", lib2, NULL);
	fx_row(&h, "[\"app\"]", app2, NULL);
	fx_row(&h, "[\"lib\"]", lib2, NULL);
	fx_row(&h, "[\"lib_1\"]", lib2, NULL);
	json_t *d = diff(&f, &b, &h);
	assert_int_equal(count(d, "rebuild"), 2);
	assert_int_equal(count(d, "aliases"), 2);
	assert_string_equal(text_of(&f, json_object_get(entry(d, "lib"), "aliases")), "[[\"a\",\"lib\"],[\"lib_1\"]]");
	assert_string_equal(text_of(&f, json_object_get(entry(d, "lib_1"), "alias_of")), "[\"lib\"]");
	assert_string_equal(class_of(d, "[\"a\",\"lib\"]"), "rebuild");
	assert_int_equal(json_array_size(json_object_get(d, "targets")), 2);
	/* The radius counts the attribute that follows once, and names every attribute of the root. */
	const json_t *root = json_array_get(json_object_get(d, "roots"), 0);
	assert_string_equal(text_of(&f, json_object_get(root, "radius")),
	    "{\"attributes\":1,\"derivations\":1,\"systems\":{\"x86_64-linux\":{\"attributes\":1,\"derivations\":1}}}");
	assert_int_equal(json_array_size(json_object_get(root, "attributes")), 3);
	json_decref(d);
	fixture_end(&f);
}

/* Licence and marks of what is otherwise unchanged; a description or a position alone is no news. */
static void
test_meta_of_what_did_not_change(void **state)
{
	struct fixture f;
	struct fx_evaluation b, h;
	(void)state;

	fixture_begin(&f);
	struct fx_drv *one = make(&f, "one", "1", NULL, NULL), *two = make(&f, "two", "1", NULL, NULL);
	struct fx_drv *old = make(&f, "three", "1", NULL, NULL), *new = make(&f, "three", "2", NULL, NULL);
	const char *mit = "{\"license\":[\"MIT\"],\"position\":\"/x.nix:1\"}";
	fx_evaluation_begin(&b);
	fx_row(&b, "[\"marked\"]", one, mit);
	fx_row(&b, "[\"moved\"]", one, mit);
	fx_row(&b, "[\"relicensed\"]", two, mit);
	fx_row(&b, "[\"same\"]", two, mit);
	fx_row(&b, "[\"same2\"]", two, mit);
	fx_row(&b, "[\"three\"]", old, mit);
	fx_evaluation_begin(&h);
	fx_row(&h, "[\"marked\"]", one, "{\"license\":[\"MIT\"],\"broken\":true}");
	fx_row(&h, "[\"moved\"]", one, "{\"license\":[\"MIT\"],\"position\":\"/x.nix:2\",\"description\":\"broken\"}");
	fx_row(&h, "[\"relicensed\"]", two, "{\"license\":[\"ISC\"]}");
	fx_row(&h, "[\"same\"]", two, "{\"license\":[\"ISC\"]}");
	fx_row(&h, "[\"same2\"]", two, "{\"license\":[\"ISC\"]}");
	fx_row(&h, "[\"three\"]", new, "{}");
	AUTO(json_drop) json_t *d = diff(&f, &b, &h);
	const json_t *list = json_object_get(d, "meta_changed");
	assert_int_equal(json_array_size(list), 2);
	assert_string_equal(json_str_at(json_array_get(list, 0), "name", ""), "one-1");
	assert_true(json_is_true(json_at(json_array_get(list, 0), "head.meta.broken")));
	assert_string_equal(json_str_at(json_array_get(list, 1), "name", ""), "two-1");
	assert_int_equal(json_array_size(json_object_get(json_array_get(list, 0), "aliases")), 0);
	assert_int_equal(json_array_size(json_object_get(json_array_get(list, 1), "aliases")), 2); /* one row, all its names */
	assert_int_equal(count(d, "unchanged"), 5);
	assert_int_equal(json_array_size(json_object_get(d, "attributes")), 1);
	fixture_end(&f);
}

/* What is wrong with meta is beside the classes: they are those of evaluations that nobody asked for meta. */
static void
test_bad_meta_changes_no_class(void **state)
{
	static const char bad[] = "{\"version\":\"1\"},\"metaError\":\"error: no licence\"",
	                  good[] = "{\"license\":[\"MIT\"],\"unfree\":true}";
	const char *counts[2] = {NULL, NULL};
	struct fixture f;
	(void)state;

	fixture_begin(&f);
	struct fx_drv *old = make(&f, "lib", "1", NULL, NULL), *new = make(&f, "lib", "2", NULL, NULL);
	struct fx_drv *one = make(&f, "one", "1", old, NULL), *other = make(&f, "one", "1", new, NULL);
	for (int with = 0; with < 2; with++) {
		struct fx_evaluation b, h;
		const char *no = with ? bad : good;
		fx_evaluation_begin(&b);
		fx_row(&b, "[\"always\"]", old, no);
		fx_row(&b, "[\"fixed\"]", one, no);
		fx_row(&b, "[\"gone\"]", old, no);
		fx_row(&b, "[\"new\"]", one, good);
		fx_row(&b, "[\"unchanged\"]", one, good);
		fx_evaluation_begin(&h);
		fx_row(&h, "[\"added\"]", other, no);
		fx_row(&h, "[\"always\"]", new, no);
		fx_row(&h, "[\"fixed\"]", one, good);
		fx_error(&h, "[\"gone\"]", "gone");
		fx_row(&h, "[\"new\"]", other, no);
		fx_row(&h, "[\"unchanged\"]", one, no);
		AUTO(json_drop) json_t *d = diff(&f, &b, &h);
		counts[with] = json_line(&f.a, json_object_get(d, "counts"));
		assert_int_equal(json_array_size(json_object_get(d, "meta_changed")), 0);
		const json_t *errors = json_object_get(d, "meta_errors"), *list = json_object_get(errors, "list");
		if (!with) {
			assert_string_equal(json_line(&f.a, errors), "{\"new\":0,\"before\":0,\"fixed\":0,\"list\":[]}");
			continue;
		}
		assert_int_equal(json_int(errors, "new", -1), 3);
		assert_int_equal(json_int(errors, "before", -1), 1);
		assert_int_equal(json_int(errors, "fixed", -1), 1);
		assert_int_equal(json_array_size(list), 3);
		assert_string_equal(json_line(&f.a, json_at(json_array_get(list, 1), "path")), "[\"new\"]");
		assert_string_equal(json_str_at(json_array_get(list, 1), "error", ""), "error: no licence");
		const json_t *always = json_array_get(json_object_get(d, "attributes"), 1);
		assert_true(json_is_null(json_at(always, "head.meta")));
		assert_string_equal(json_str_at(always, "head.meta_error", ""), "error: no licence");
	}
	assert_string_equal(counts[0], counts[1]);
	fixture_end(&f);
}

/* What a row cost is another each time; the rest of the line decides. */
static void
test_what_a_row_cost_is_no_difference(void **state)
{
	struct fixture f;
	struct fx_evaluation b, h;
	(void)state;

	fixture_begin(&f);
	struct fx_drv *one = make(&f, "one", "1", NULL, NULL), *two = make(&f, "two", "1", NULL, NULL);
	fx_evaluation_begin(&b);
	fx_row(&b, "[\"a\"]", one, "{},\"stats\":{\"wallMs\":1,\"allocBytes\":2}");
	fx_row(&b, "[\"b\"]", two, "{},\"stats\":{\"wallMs\":1}");
	fx_evaluation_begin(&h);
	fx_row(&h, "[\"a\"]", one, "{},\"stats\":{\"wallMs\":300,\"allocBytes\":4}");
	fx_row(&h, "[\"b\"]", one, "{},\"stats\":{\"wallMs\":1}");
	AUTO(json_drop) json_t *d = diff(&f, &b, &h);
	assert_int_equal(count(d, "unchanged"), 1);
	assert_int_equal(count(d, "switched"), 1);
	fixture_end(&f);
}

static void
test_renames(void **state)
{
	struct fixture f;
	struct fx_evaluation b, h;
	(void)state;

	fixture_begin(&f);
	struct fx_drv *tool = make(&f, "tool", "1", NULL, NULL), *kept = make(&f, "kept", "1", NULL, NULL);
	/* The same bytes, fetched otherwise: another derivation with the same output. */
	struct fx_drv *src1 = fx_make(&f, &(struct fx_drv){.name = "src", .fixed = "bytes", .inputs = {tool}});
	struct fx_drv *src2 = fx_make(&f, &(struct fx_drv){.name = "src", .fixed = "bytes", .inputs = {kept}});
	fx_evaluation_begin(&b);
	fx_row(&b, "[\"kept\"]", kept, NULL);
	fx_row(&b, "[\"oldname\"]", tool, NULL);
	fx_row(&b, "[\"oldsrc\"]", src1, NULL);
	fx_evaluation_begin(&h);
	fx_row(&h, "[\"another\"]", kept, NULL);
	fx_row(&h, "[\"kept\"]", kept, NULL);
	fx_row(&h, "[\"newname\"]", tool, NULL);
	fx_row(&h, "[\"newsrc\"]", src2, NULL);
	json_t *d = diff(&f, &b, &h);
	assert_string_equal(text_of(&f, json_object_get(entry(d, "newname"), "renamed_from")), "[\"oldname\"]");
	assert_string_equal(text_of(&f, json_object_get(entry(d, "newsrc"), "renamed_from")), "[\"oldsrc\"]");
	assert_string_equal(text_of(&f, json_object_get(entry(d, "another"), "renamed_from")), "null");
	assert_int_equal(count(d, "rebuild_derivations"), 0);
	json_decref(d);
	fixture_end(&f);
}

static void
test_versions(void **state)
{
	struct fixture f;
	struct fx_evaluation b, h;
	(void)state;

	fixture_begin(&f);
	struct fx_drv *a1 = make(&f, "a", "1", NULL, NULL), *a2 = make(&f, "a", "2", NULL, NULL);
	fx_evaluation_begin(&b);
	fx_row(&b, "[\"by-meta\"]", a1, "{\"description\":\"x\",\"version\":\"7-beta\"}");
	fx_row(&b, "[\"by-name\"]", a1, "{\"version\":3}");
	fx_row(&b, "[\"same\"]", a1, "{\"version\":\"9\"}");
	fx_evaluation_begin(&h);
	fx_row(&h, "[\"by-meta\"]", a2, "{\"version\":\"7\"}");
	fx_row(&h, "[\"by-name\"]", a2, NULL);
	fx_row(&h, "[\"same\"]", a2, "{\"version\":\"9\"}");
	json_t *d = diff(&f, &b, &h);
	assert_string_equal(text_of(&f, json_object_get(entry(d, "by-meta"), "version")), "[\"7-beta\",\"7\"]");
	assert_string_equal(text_of(&f, json_object_get(entry(d, "by-name"), "version")), "[\"1\",\"2\"]");
	assert_string_equal(text_of(&f, json_object_get(entry(d, "same"), "version")), "null");
	assert_string_equal(text_of(&f, json_at(entry(d, "by-meta"), "head.meta")), "{\"version\":\"7\"}");
	json_decref(d);
	fixture_end(&f);
}

/* A set that failed as a whole at base and does not any more: its children are fixed, whatever is above or beside. */
static void
test_a_set_that_evaluates_again(void **state)
{
	struct fixture f;
	struct fx_evaluation b, h;
	(void)state;

	fixture_begin(&f);
	struct fx_drv *x = make(&f, "x", "1", NULL, NULL), *y = make(&f, "y", "1", NULL, NULL);
	fx_evaluation_begin(&b);
	fx_error(&b, "[\"empty\"]", "it throws");
	fx_error(&b, "[\"set\"]", "it throws");
	fx_row(&b, "[\"setup\"]", x, NULL);
	fx_evaluation_begin(&h);
	fx_row(&h, "[\"set\",\"a\"]", x, NULL);
	fx_error(&h, "[\"set\",\"b\"]", "still");
	fx_row(&h, "[\"set\",\"deep\",\"c\"]", y, NULL);
	fx_row(&h, "[\"setup\"]", x, NULL);
	fx_row(&h, "[\"setz\"]", y, NULL);
	json_t *d = diff(&f, &b, &h);
	assert_string_equal(class_of(d, "[\"set\",\"a\"]"), "fixed");
	assert_string_equal(class_of(d, "[\"set\",\"b\"]"), "still_failing");
	assert_string_equal(class_of(d, "[\"set\",\"deep\",\"c\"]"), "fixed");
	assert_string_equal(text_of(&f, json_object_get(entry(d, "[\"set\",\"a\"]"), "hidden_by")), "[\"set\"]");
	assert_null(entry(d, "set"));
	assert_string_equal(class_of(d, "setz"), "added");
	assert_string_equal(class_of(d, "empty"), "removed_failing");
	assert_int_equal(count(d, "fixed"), 2);
	assert_int_equal(count(d, "added"), 1);
	json_decref(d);
	fixture_end(&f);
}

static void
test_a_set_that_fails_now(void **state)
{
	struct fixture f;
	struct fx_evaluation b, h;
	(void)state;

	fixture_begin(&f);
	struct fx_drv *x = make(&f, "x", "1", NULL, NULL), *y = make(&f, "y", "1", NULL, NULL);
	fx_evaluation_begin(&b);
	fx_row(&b, "[\"set\",\"a\"]", x, NULL);
	fx_error(&b, "[\"set\",\"b\"]", "already");
	fx_row(&b, "[\"set\",\"deep\",\"c\"]", y, NULL);
	fx_row(&b, "[\"setz\"]", y, NULL);
	fx_evaluation_begin(&h);
	fx_error(&h, "[\"set\"]", "it throws now");
	json_t *d = diff(&f, &b, &h);
	assert_string_equal(class_of(d, "set"), "newly_failing");
	assert_string_equal(class_of(d, "[\"set\",\"a\"]"), "newly_failing");
	assert_string_equal(class_of(d, "[\"set\",\"b\"]"), "still_failing");
	assert_string_equal(class_of(d, "[\"set\",\"deep\",\"c\"]"), "newly_failing");
	assert_string_equal(class_of(d, "setz"), "removed");
	assert_string_equal(json_str_at(entry(d, "set"), "head.error", ""), "it throws now");
	assert_int_equal(count(d, "newly_failing"), 3);
	assert_int_equal(count(d, "removed"), 1);
	json_decref(d);
	fixture_end(&f);
}

/* A failing row does not know its system, so it stands for all of its path. */
static void
test_failing_rows_match_every_system(void **state)
{
	struct fixture f;
	struct fx_evaluation b, h;
	(void)state;

	fixture_begin(&f);
	struct fx_drv *x = make(&f, "x", "1", NULL, NULL), arm = *x;
	arm.system = "aarch64-linux";
	fx_make(&f, &arm);
	fx_evaluation_begin(&b);
	fx_row(&b, "[\"breaks\"]", &arm, NULL);
	fx_row(&b, "[\"breaks\"]", x, NULL);
	fx_error(&b, "[\"heals\"]", "it throws");
	fx_evaluation_begin(&h);
	fx_error(&h, "[\"breaks\"]", "it throws");
	fx_row(&h, "[\"heals\"]", &arm, NULL);
	fx_row(&h, "[\"heals\"]", x, NULL);
	json_t *d = diff(&f, &b, &h);
	assert_int_equal(count(d, "fixed"), 2);
	assert_int_equal(count(d, "newly_failing"), 2);
	assert_int_equal(json_array_size(json_object_get(d, "attributes")), 4);
	assert_int_equal(json_int(json_at(d, "counts.systems.aarch64-linux"), "fixed", -1), 1);
	json_decref(d);
	fixture_end(&f);
}

static void
test_content_addressed(void **state)
{
	struct fixture f;
	struct fx_evaluation b, h;
	static const struct fx_env one[] = {{"x", "1"}, {NULL, NULL}}, two[] = {{"x", "2"}, {NULL, NULL}};
	(void)state;

	fixture_begin(&f);
	struct fx_drv *ca1 = fx_make(&f, &(struct fx_drv){.name = "ca", .floating = true, .env = one});
	struct fx_drv *ca2 = fx_make(&f, &(struct fx_drv){.name = "ca", .floating = true, .env = two});
	struct fx_drv *same = fx_make(&f, &(struct fx_drv){.name = "same", .floating = true});
	fx_evaluation_begin(&b);
	fx_row(&b, "[\"ca\"]", ca1, NULL);
	fx_row(&b, "[\"same\"]", same, NULL);
	fx_evaluation_begin(&h);
	fx_row(&h, "[\"ca\"]", ca2, NULL);
	fx_row(&h, "[\"same\"]", same, NULL);
	json_t *d = diff(&f, &b, &h);
	assert_string_equal(class_of(d, "ca"), "rebuild");
	assert_null(entry(d, "same"));
	assert_int_equal(count(d, "rebuild_derivations"), 1);
	assert_string_equal(text_of(&f, json_at(entry(d, "ca"), "cause.what")), "[\"env x\"]");
	json_decref(d);
	fixture_end(&f);
}

/* hidden (no attribute) <- mid <- top; and side, which has a new input. */
static void
test_causes(void **state)
{
	struct fixture f;
	struct fx_evaluation b, h;
	(void)state;

	fixture_begin(&f);
	struct fx_drv *hidden1 = make(&f, "hidden", "1", NULL, NULL), *hidden2 = make(&f, "hidden", "2", NULL, NULL);
	struct fx_drv *mid1 = make(&f, "mid", "1", hidden1, NULL), *mid2 = make(&f, "mid", "1", hidden2, NULL);
	struct fx_drv *top1 = make(&f, "top", "1", mid1, NULL), *top2 = make(&f, "top", "1", mid2, NULL);
	struct fx_drv *extra = make(&f, "extra", "3", NULL, NULL);
	struct fx_drv *side1 = make(&f, "side", "1", NULL, NULL), *side2 = make(&f, "side", "1", extra, NULL);
	struct fx_drv *gone1 = make(&f, "gone", "1", top1, extra), *gone2 = make(&f, "gone", "1", top2, NULL);
	fx_evaluation_begin(&b);
	fx_row(&b, "[\"extra\"]", extra, NULL);
	fx_row(&b, "[\"gone\"]", gone1, NULL);
	fx_row(&b, "[\"mid\"]", mid1, NULL);
	fx_row(&b, "[\"side\"]", side1, NULL);
	fx_row(&b, "[\"top\"]", top1, NULL);
	fx_evaluation_begin(&h);
	fx_row(&h, "[\"extra\"]", extra, NULL);
	fx_row(&h, "[\"gone\"]", gone2, NULL);
	fx_row(&h, "[\"mid\"]", mid2, NULL);
	fx_row(&h, "[\"side\"]", side2, NULL);
	fx_row(&h, "[\"top\"]", top2, NULL);
	json_t *d = diff(&f, &b, &h);
	const json_t *roots = json_object_get(d, "roots");
	assert_int_equal(json_array_size(roots), 3);
	assert_string_equal(json_str(json_array_get(roots, 0), "name", ""), "hidden-2");
	/* Nobody knows it by a name but by what needs it. */
	assert_int_equal(json_array_size(json_object_get(json_array_get(roots, 0), "attributes")), 0);
	assert_string_equal(text_of(&f, json_object_get(json_array_get(roots, 0), "used_by")), "[\"mid\"]");
	assert_string_equal(text_of(&f, json_object_get(json_array_get(roots, 1), "used_by")), "null");
	assert_string_equal(text_of(&f, json_object_get(json_array_get(roots, 0), "what")), "[\"version 1 -> 2\"]");
	assert_string_equal(text_of(&f, json_object_get(json_array_get(roots, 0), "attributes")), "[]");
	assert_int_equal(json_int(json_object_get(json_array_get(roots, 0), "radius"), "derivations", -1), 3);
	assert_int_equal(json_int(json_object_get(json_array_get(roots, 0), "radius"), "attributes", -1), 3);
	assert_string_equal(text_of(&f, json_object_get(entry(d, "top"), "cause")),
	    "{\"kind\":\"follower\",\"distance\":2,\"what\":[],\"roots\":[0],\"roots_total\":1,\"chain\":[\"top-1\",\"mid-1\",\"hidden-2\"]}");
	assert_string_equal(json_str_at(entry(d, "side"), "cause.kind", ""), "root");
	assert_string_equal(text_of(&f, json_at(entry(d, "side"), "cause.what")), "[\"input added: extra-3\"]");
	assert_string_equal(json_str_at(entry(d, "gone"), "cause.kind", ""), "root");
	/* A root that follows another one as well says so, itself first. */
	assert_int_equal(json_int(json_at(entry(d, "gone"), "cause"), "roots_total", -1), 2);
	json_decref(d);
	fixture_end(&f);
}

static void
test_same_bytes_each_time(void **state)
{
	struct fixture f;
	struct fx_evaluation b, h;
	struct str first, second;
	struct err e = {0};
	json_t *ignored = NULL;
	(void)state;

	fixture_begin(&f);
	fx_evaluation_begin(&b);
	fx_evaluation_begin(&h);
	struct fx_drv *old = NULL, *new = NULL;
	for (int i = 0; i < 40; i++) {
		char *name = arena_printf(&f.a, "p%02d", i), *path = arena_printf(&f.a, "[\"p%02d\"]", i);
		old = make(&f, name, "1", i % 3 == 0 ? NULL : old, NULL);
		new = make(&f, name, i % 5 == 0 ? "2" : "1", i % 3 == 0 ? NULL : new, NULL);
		fx_row(&b, path, old, "{\"license\":\"MIT\"}");
		fx_row(&h, path, new, "{\"license\":\"MIT\"}");
	}
	const char *base = fx_evaluation_end(&f, &b, "b.zst"), *head = fx_evaluation_end(&f, &h, "h.zst");
	const char *file = arena_printf(&f.a, "%s/difference.json", f.dir);
	assert_int_equal(diff_files(&f, base, head, &ignored, &e), 0);
	json_decref(ignored);
	assert_int_equal(files_read(&f.a, file, 1 << 30, &first, &e), 0);
	assert_int_equal(diff_files(&f, base, head, &ignored, &e), 0);
	json_decref(ignored);
	assert_int_equal(files_read(&f.a, file, 1 << 30, &second, &e), 0);
	assert_true(str_eq(first, second));
	fixture_end(&f);
}

/* Jobs are compared one by one; one that is on one side only is added or removed whole. */
static void
test_several_jobs(void **state)
{
	struct fixture f;
	struct fx_evaluation v;
	struct err e = {0};
	AUTO(json_drop) json_t *d = NULL;
	AUTO(fd_close) int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct record_out out = {.fd = null};
	(void)state;

	fixture_begin(&f);
	struct fx_drv *one = make(&f, "one", "1", NULL, NULL), *two = make(&f, "two", "1", one, NULL);
	fx_evaluation_begin(&v);
	fx_row(&v, "[\"a\"]", one, NULL);
	const char *first = fx_evaluation_end(&f, &v, "1.zst");
	fx_evaluation_begin(&v);
	fx_row(&v, "[\"a\"]", two, NULL);
	const char *second = fx_evaluation_end(&f, &v, "2.zst");
	char *file = arena_printf(&f.a, "%s/d.json", f.dir);
	AUTO(json_drop)
	json_t *job = json_pack("{s:[{s:s,s:s},{s:s,s:s}],s:[{s:s,s:s},{s:s,s:s}],s:s,s:s}", "base", "job", "kept", "file",
	    first, "job", "old", "file", first, "head", "job", "new", "file", second, "job", "kept", "file", second, "out",
	    file, "real_store_dir", f.store);
	assert_int_equal(fx_stage_diff(job, &out, &e), 0);
	assert_int_equal(json_read_file(file, 1 << 20, &d, &e), 0);
	const json_t *list = json_object_get(d, "attributes");
	assert_int_equal(json_array_size(list), 3);
	static const char *const want[][2] = {{"kept", "rebuild"}, {"new", "added"}, {"old", "removed"}};
	for (size_t i = 0; i < 3; i++) {
		assert_string_equal(json_str(json_array_get(list, i), "job", ""), want[i][0]);
		assert_string_equal(json_str(json_array_get(list, i), "class", ""), want[i][1]);
	}
	assert_int_equal(json_array_size(json_object_get(d, "targets")), 1);
	/* The same job twice on a side is a mistake. */
	json_object_set_new(json_array_get(json_object_get(job, "base"), 1), "job", json_string("kept"));
	assert_int_equal(fx_stage_diff(job, &out, &e), -1);
	assert_int_equal(e.kind, ERR_INPUT);
	json_object_del(job, "base");
	assert_int_equal(fx_stage_diff(job, &out, &e), -1);
	assert_int_equal(e.kind, ERR_INPUT);
	fixture_end(&f);
}

static void
refuse(struct fixture *f, const char *base, const char *head, enum err_kind kind, const char *words)
{
	struct err e = {0};
	json_t *d = NULL;

	unlink(arena_printf(&f->a, "%s/difference.json", f->dir));
	assert_int_equal(diff_files(f, base, head, &d, &e), -1);
	assert_int_equal(e.kind, kind);
	if (strstr(e.msg, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", e.msg, words);
	assert_false(files_exist(arena_printf(&f->a, "%s/difference.json", f->dir)));
}

#define HEADER(evaluator, complete) \
	"{\"ekaci_evaluation\":1,\"evaluator\":\"" evaluator "\",\"version\":\"1\",\"complete\":" complete "}\n"
#define ROW(path) "{\"attrPath\":" path ",\"error\":\"x\"}\n"

static void
test_what_is_not_whole_is_refused(void **state)
{
	static const struct {
		const char *text;
		const char *words;
	} cases[] = {
	    {"", "empty"},
	    {HEADER("test", "false") "{\"end\":0}\n", "evaluation incomplete"},
	    {HEADER("test", "true"), "evaluation incomplete"},
	    {HEADER("test", "true") ROW("[\"a\"]"), "evaluation incomplete"},
	    {HEADER("test", "true") ROW("[\"a\"]") "{\"end\":2}\n", "evaluation incomplete"},
	    {HEADER("test", "true") ROW("[\"a\"]") "{\"end\":0}\n", "evaluation incomplete"},
	    {HEADER("test", "true") "{\"end\":0}\n" ROW("[\"a\"]"), "after the end"},
	    {HEADER("test", "true") "{\"end\":0}", "cut short"},
	    {HEADER("test", "true") ROW("[\"b\"]") ROW("[\"a\"]") "{\"end\":2}\n", "out of order"},
	    {HEADER("test", "true") ROW("[\"a\"]") ROW("[\"a\"]") "{\"end\":2}\n", "second time"},
	    {HEADER("test", "true") "{\"attrPath\":\"a\",\"error\":\"x\"}\n{\"end\":1}\n", "malformed"},
	    {HEADER("test", "true") "{\"attrPath\":[1]}\n{\"end\":1}\n", "malformed"},
	    {HEADER("test", "true") "{\"attrPath\":[\"\\u0000\"]}\n{\"end\":1}\n", "malformed"},
	    {HEADER("test", "true") "{\"error\":\"x\"}\n{\"end\":1}\n", "without attrPath"},
	    {HEADER("test", "true") "{\"attrPath\":[\"a\"],\"meta\":{]}\n{\"end\":1}\n", "malformed"},
	    {HEADER("test", "true") "{\"attrPath\":[\"a\"],\"drvPath\":\"/etc/passwd\"}\n{\"end\":1}\n", "not a derivation"},
	    {HEADER("other", "true") "{\"end\":0}\n", "cannot be compared"},
	    {"{\"ekaci_evaluation\":2}\n", "no stored evaluation"},
	    {"[]\n", "no stored evaluation"},
	};
	struct fixture f;
	(void)state;

	fixture_begin(&f);
	const char *good = fixture_zstd(&f, "good.zst", STR(HEADER("test", "true") "{\"end\":0}\n"));
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *bad = fixture_zstd(&f, "bad.zst", str_of(cases[i].text));
		refuse(&f, good, bad, ERR_INPUT, cases[i].words);
		refuse(&f, bad, good, ERR_INPUT, cases[i].words);
	}
	refuse(&f, good, arena_printf(&f.a, "%s/absent.zst", f.dir), ERR_ABSENT, "absent.zst");
	fixture_end(&f);
}

/* Bytes missing at the end or wrong in the middle: zstd's own checks hold. */
static void
test_damaged_files_are_refused(void **state)
{
	struct fixture f;
	struct fx_evaluation v;
	struct str bytes;
	struct err e = {0};
	(void)state;

	fixture_begin(&f);
	fx_evaluation_begin(&v);
	for (int i = 0; i < 50; i++)
		fx_error(&v, arena_printf(&f.a, "[\"a%02d\"]", i), "it throws");
	const char *good = fx_evaluation_end(&f, &v, "good.zst"), *bad = arena_printf(&f.a, "%s/bad.zst", f.dir);
	assert_int_equal(files_read(&f.a, good, 1 << 20, &bytes, &e), 0);
	for (size_t n = 0; n < bytes.n; n += 1 + bytes.n / 16) {
		assert_int_equal(files_write(bad, (struct str){bytes.p, n}, 0644, FILES_NO_SYNC, &e), 0);
		refuse(&f, good, bad, ERR_INPUT, "");
	}
	char *flipped = arena_dup(&f.a, bytes.p, bytes.n);
	flipped[bytes.n - 1] ^= 1; /* of the checksum */
	assert_int_equal(files_write(bad, (struct str){flipped, bytes.n}, 0644, FILES_NO_SYNC, &e), 0);
	refuse(&f, good, bad, ERR_INPUT, "");
	fixture_end(&f);
}

static void
test_missing_derivation_is_named(void **state)
{
	struct fixture f;
	struct fx_evaluation b, h;
	(void)state;

	fixture_begin(&f);
	struct fx_drv *lib = make(&f, "lib", "1", NULL, NULL), *app = make(&f, "app", "1", lib, NULL);
	fx_evaluation_begin(&b);
	fx_evaluation_begin(&h);
	fx_row(&h, "[\"app\"]", app, NULL);
	const char *base = fx_evaluation_end(&f, &b, "b.zst"), *head = fx_evaluation_end(&f, &h, "h.zst");
	assert_int_equal(unlink(arena_printf(&f.a, "%s/%s", f.store, strrchr(lib->drv, '/') + 1)), 0);
	refuse(&f, base, head, ERR_ABSENT, strrchr(lib->drv, '/') + 1);
	fixture_end(&f);
}

/* What was head is the next one's base: its derivations are not needed again, but to say why. */
static void
test_graph_of_head_serves_as_base(void **state)
{
	struct fixture f;
	struct fx_evaluation v;
	struct err e = {0};
	json_t *d = NULL;
	(void)state;

	fixture_begin(&f);
	struct fx_drv *lib1 = make(&f, "lib", "1", NULL, NULL), *app1 = make(&f, "app", "1", lib1, NULL);
	struct fx_drv *lib2 = make(&f, "lib", "2", NULL, NULL), *app2 = make(&f, "app", "1", lib2, NULL);
	struct fx_drv *app3 = make(&f, "app", "3", lib2, NULL);
	const char *files[3];
	for (int i = 0; i < 3; i++) {
		fx_evaluation_begin(&v);
		fx_row(&v, "[\"app\"]", i == 0 ? app1 : i == 1 ? app2 : app3, NULL);
		fx_row(&v, "[\"lib\"]", i == 0 ? lib1 : lib2, NULL);
		files[i] = fx_evaluation_end(&f, &v, arena_printf(&f.a, "%d.zst", i));
	}
	graphs = true;
	assert_int_equal(diff_files(&f, files[0], files[1], &d, &e), 0);
	json_decref(d);
	assert_int_equal(unlink(arena_printf(&f.a, "%s/%s", f.store, strrchr(lib2->drv, '/') + 1)), 0);
	assert_int_equal(diff_files(&f, files[1], files[2], &d, &e), 0);
	assert_int_equal(count(d, "rebuild"), 1);
	assert_string_equal(text_of(&f, json_at(entry(d, "app"), "cause.what")), "[\"version 1 -> 3\"]");
	json_decref(d);
	assert_int_equal(unlink(arena_printf(&f.a, "%s/%s", f.store, strrchr(app2->drv, '/') + 1)), 0);
	assert_int_equal(diff_files(&f, files[1], files[2], &d, &e), 0);
	assert_non_null(strstr(text_of(&f, json_at(entry(d, "app"), "cause.what")), "unknown"));
	json_decref(d);
	graphs = false;
	assert_int_equal(diff_files(&f, files[1], files[2], &d, &e), -1);
	assert_int_equal(e.kind, ERR_ABSENT);
	fixture_end(&f);
}

/* A hundred derivations in a row, the last with three names: what is written of one does not grow with the way or with the names. */
static void
test_long_ways_and_many_names(void **state)
{
	struct fixture f;
	struct fx_evaluation b, h;
	struct fx_drv *one = NULL, *other = NULL;
	(void)state;

	fixture_begin(&f);
	for (int i = 0; i < 100; i++) {
		const char *name = arena_printf(&f.a, "way%d", i);
		one = make(&f, name, "1", one, NULL);
		other = make(&f, name, i == 0 ? "2" : "1", other, NULL);
	}
	fx_evaluation_begin(&b);
	fx_evaluation_begin(&h);
	for (int i = 0; i < 3; i++) {
		const char *path = arena_printf(&f.a, "[\"name%d\"]", i);
		fx_row(&b, path, one, NULL);
		fx_row(&h, path, other, NULL);
	}
	json_t *d = diff(&f, &b, &h);
	const json_t *chain = json_at(entry(d, "name0"), "cause.chain");
	assert_int_equal(json_array_size(chain), 65);
	assert_string_equal(json_string_value(json_array_get(chain, 0)), "way99-1");
	assert_string_equal(json_string_value(json_array_get(chain, 63)), "(36 more)");
	assert_string_equal(json_string_value(json_array_get(chain, 64)), "way0-2");
	assert_string_equal(text_of(&f, json_object_get(entry(d, "name0"), "aliases")), "[[\"name1\"],[\"name2\"]]");
	for (int i = 1; i < 3; i++) {
		const json_t *alias = entry(d, arena_printf(&f.a, "name%d", i));
		assert_string_equal(text_of(&f, json_object_get(alias, "alias_of")), "[\"name0\"]");
		assert_string_equal(text_of(&f, json_object_get(alias, "aliases")), "[]");
		assert_string_equal(text_of(&f, json_at(alias, "cause.chain")), "[]");
		assert_string_equal(text_of(&f, json_at(alias, "cause.roots")), "[0]");
	}
	json_decref(d);
	fixture_end(&f);
}

/* Two packages of one file and one of another; what needs them needs one file's, or both. */
static void
test_what_one_source_rebuilds_alone(void **state)
{
	static const char *const metas[] = {"{\"position\":\"/src/pair.nix:4\"}", "{\"position\":\"/src/pair.nix:9\"}",
	    "{\"position\":\"/src/third.nix:1\"}"};
	struct fixture f;
	struct fx_evaluation b, h;
	struct fx_drv *side[2][6];
	(void)state;

	fixture_begin(&f);
	for (int i = 0; i < 2; i++) {
		const char *version = i == 0 ? "1" : "2";
		side[i][0] = make(&f, "p", version, NULL, NULL);
		side[i][1] = make(&f, "q", version, NULL, NULL);
		side[i][2] = make(&f, "t", version, NULL, NULL);
		side[i][3] = make(&f, "u", "1", side[i][0], side[i][1]); /* of the pair alone */
		side[i][4] = make(&f, "v", "1", side[i][1], NULL);       /* as well */
		side[i][5] = make(&f, "w", "1", side[i][0], side[i][2]); /* of both */
		struct fx_evaluation *of = i == 0 ? &b : &h;
		fx_evaluation_begin(of);
		for (int k = 0; k < 6; k++)
			fx_row(of, arena_printf(&f.a, "[\"%c\"]", "pqtuvw"[k]), side[i][k], k < 3 ? metas[k] : NULL);
	}
	json_t *d = diff(&f, &b, &h);
	const json_t *roots = json_object_get(d, "roots");
	assert_int_equal(json_array_size(roots), 3);
	for (size_t i = 0; i < 3; i++) {
		const json_t *root = json_array_get(roots, i);
		bool third = strcmp(json_str(root, "name", ""), "t-2") == 0;
		assert_int_equal(json_int(root, "source", -1), third ? 2 : 0);
		assert_int_equal(json_int(json_object_get(root, "together"), "attributes", -1), third ? 1 : 3);
		assert_int_equal(json_int(json_object_get(root, "alone"), "attributes", -1), third ? 0 : 2);
		assert_int_equal(json_int(json_object_get(root, "alone"), "derivations", -1), third ? 0 : 2);
	}
	json_decref(d);
	fixture_end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_class),
	    cmocka_unit_test(test_failing_rows_that_come_and_go),
	    cmocka_unit_test(test_what_could_not_be_told_is_no_class),
	    cmocka_unit_test(test_an_attribute_that_moves_to_an_output_of_base),
	    cmocka_unit_test(test_names_that_fail_with_different_words_are_two),
	    cmocka_unit_test(test_totals_add_up),
	    cmocka_unit_test(test_aliases_count_once),
	    cmocka_unit_test(test_meta_of_what_did_not_change),
	    cmocka_unit_test(test_bad_meta_changes_no_class),
	    cmocka_unit_test(test_what_a_row_cost_is_no_difference),
	    cmocka_unit_test(test_renames),
	    cmocka_unit_test(test_versions),
	    cmocka_unit_test(test_a_set_that_evaluates_again),
	    cmocka_unit_test(test_a_set_that_fails_now),
	    cmocka_unit_test(test_failing_rows_match_every_system),
	    cmocka_unit_test(test_content_addressed),
	    cmocka_unit_test(test_causes),
	    cmocka_unit_test(test_same_bytes_each_time),
	    cmocka_unit_test(test_what_is_not_whole_is_refused),
	    cmocka_unit_test(test_damaged_files_are_refused),
	    cmocka_unit_test(test_missing_derivation_is_named),
	    cmocka_unit_test(test_several_jobs),
	    cmocka_unit_test(test_long_ways_and_many_names),
	    cmocka_unit_test(test_what_one_source_rebuilds_alone),
	    cmocka_unit_test(test_graph_of_head_serves_as_base),
	};

	return cmocka_run_group_tests_name("graph_diff", tests, NULL, NULL);
}
